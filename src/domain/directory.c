#include "domain/directory.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

enum {
    DIRECTORY_BLOCK_BYTES = 65536,
    ROWS_FIRST = 16,
    SLOTS_MIN = 16,
    TEXTS_MAX = 3,
};

/* What the tables need to know of their rows: how long a row and its entry are, and where in the
 * row its texts lie. */
static const struct shape {
    size_t row_bytes, entry_bytes;
    size_t texts[TEXTS_MAX];
    size_t text_count;
} shapes[DIRECTORY_KIND_COUNT] = {
#define SHAPE(name) sizeof(struct name##_row), sizeof(struct name)
#define AT(name, member) offsetof(struct name##_row, member)
    [DIRECTORY_ORGANIZATIONS] = {SHAPE(organization),
                                 {AT(organization, name), AT(organization, entry_point)}, 2},
    [DIRECTORY_USERS] = {SHAPE(cloud_user), {AT(cloud_user, name), AT(cloud_user, email)}, 2},
    [DIRECTORY_BINDINGS] = {SHAPE(role_binding), {0}, 0},
    [DIRECTORY_KEYS] = {SHAPE(api_key), {AT(api_key, name), AT(api_key, used_address)}, 2},
    [DIRECTORY_CONNECTIONS] =
        {SHAPE(connection),
         {AT(connection, name), AT(connection, service_code), AT(connection, type)}, 3},
    [DIRECTORY_QUOTAS] = {SHAPE(cloud_quota),
                          {AT(cloud_quota, name), AT(cloud_quota, description)}, 2},
    [DIRECTORY_ASSIGNMENTS] = {SHAPE(assignment), {0}, 0},
    [DIRECTORY_ENVIRONMENTS] = {SHAPE(environment), {AT(environment, name)}, 1},
    [DIRECTORY_TASKS] = {SHAPE(task), {AT(task, object_name)}, 1},
#undef AT
#undef SHAPE
};

#define BEGINS_ALIKE(name)                                                                         \
    static_assert(offsetof(struct name, id) == offsetof(struct directory_row, id) &&               \
                      offsetof(struct name, state) == offsetof(struct directory_row, state) &&     \
                      offsetof(struct name, created_us) ==                                         \
                          offsetof(struct directory_row, created_us),                              \
                  "rows begin alike")
BEGINS_ALIKE(organization_row);
BEGINS_ALIKE(cloud_user_row);
BEGINS_ALIKE(role_binding_row);
BEGINS_ALIKE(api_key_row);
BEGINS_ALIKE(connection_row);
BEGINS_ALIKE(cloud_quota_row);
BEGINS_ALIKE(assignment_row);
BEGINS_ALIKE(environment_row);
BEGINS_ALIKE(task_row);

static void *entry_at(const struct directory *directory, enum directory_kind kind, size_t i) {
    const struct directory_table *table = &directory->tables[kind];
    assert(i < table->count);
    return table->rows + i * shapes[kind].entry_bytes;
}

/* ---- making one ---- */

struct directory *directory_make(int64_t version) {
    struct directory *directory = memory_take_zeroed(1, sizeof *directory);
    atomic_init(&directory->holders, 1);
    arena_init(&directory->arena, DIRECTORY_BLOCK_BYTES);
    directory->version = version;
    return directory;
}

struct directory *directory_hold(struct directory *directory) {
    int holders = atomic_fetch_add_explicit(&directory->holders, 1, memory_order_relaxed);
    assert(holders > 0);
    return directory;
}

void directory_release(struct directory *directory) {
    if (directory == NULL) return;
    int holders = atomic_fetch_sub_explicit(&directory->holders, 1, memory_order_acq_rel);
    assert(holders > 0);
    if (holders > 1) return;
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        memory_give(directory->tables[kind].rows);
        memory_give(directory->tables[kind].slots);
    }
    memory_give(directory->key_slots);
    arena_close(&directory->arena);
    memory_give(directory);
}

static void details_copy(struct directory *directory, struct cloud_quota_row *quota) {
    struct quota_detail *details =
        arena_take_zeroed(&directory->arena, quota->detail_count, sizeof *details);
    for (size_t i = 0; i < quota->detail_count; i++) {
        details[i] = quota->details[i];
        details[i].metric = arena_text(&directory->arena, details[i].metric);
    }
    quota->details = details;
}

void directory_put(struct directory *directory, enum directory_kind kind, const void *row) {
    struct directory_table *table = &directory->tables[kind];
    const struct shape *shape = &shapes[kind];
    assert(directory->system == NULL); /* not finished */
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? ROWS_FIRST : 2 * table->capacity;
        table->rows = memory_resize(table->rows, table->capacity, shape->entry_bytes);
    }
    char *entry = table->rows + table->count++ * shape->entry_bytes;
    memset(entry, 0, shape->entry_bytes);
    memcpy(entry, row, shape->row_bytes);
    ((struct directory_row *)entry)->state = ROW_CLEAN;
    for (size_t i = 0; i < shape->text_count; i++) {
        struct text *text = (struct text *)(entry + shape->texts[i]);
        *text = arena_text(&directory->arena, *text);
    }
    if (kind == DIRECTORY_QUOTAS) details_copy(directory, (struct cloud_quota_row *)entry);
}

static int row_order(const void *left, const void *right) {
    const struct directory_row *a = left, *b = right;
    if (a->created_us != b->created_us) return a->created_us < b->created_us ? -1 : 1;
    return uuid_compare(&a->id, &b->id);
}

/* Most often rows come in order but for the last. */
static void table_sort(struct directory_table *table, size_t entry_bytes) {
    for (size_t i = 1; i < table->count; i++) {
        const char *row = table->rows + i * entry_bytes;
        if (row_order(row - entry_bytes, row) <= 0) continue;
        qsort(table->rows, table->count, entry_bytes, row_order);
        return;
    }
}

/* Of ids that we make the last bytes are random, but anybody may bring ids of any kind. */
static size_t hash_of(const uint8_t *bytes, size_t count) {
    uint64_t hash = hash_add(HASH_BASIS, bytes, count);
    return (size_t)(hash ^ hash >> 29);
}

static size_t hash_of_id(const struct uuid *id) {
    return hash_of(id->bytes, sizeof id->bytes);
}

/* false: the id at *i is there twice. */
static bool table_index(struct directory_table *table, size_t entry_bytes, size_t *i) {
    table->slot_count = SLOTS_MIN;
    while (table->slot_count < 2 * table->count) table->slot_count *= 2;
    table->slots = memory_take_zeroed(table->slot_count, sizeof *table->slots);
    for (*i = 0; *i < table->count; ++*i) {
        const struct directory_row *row = (void *)(table->rows + *i * entry_bytes);
        size_t slot = hash_of_id(&row->id) & (table->slot_count - 1);
        for (; table->slots[slot] != 0; slot = (slot + 1) & (table->slot_count - 1)) {
            const struct directory_row *other =
                (void *)(table->rows + (table->slots[slot] - 1) * entry_bytes);
            if (uuid_equal(&other->id, &row->id)) return false;
        }
        table->slots[slot] = (uint32_t)*i + 1;
    }
    return true;
}

static void keys_index(struct directory *directory) {
    const struct directory_table *table = &directory->tables[DIRECTORY_KEYS];
    directory->key_slots = memory_take_zeroed(table->slot_count, sizeof *directory->key_slots);
    for (size_t i = 0; i < table->count; i++) {
        const struct api_key *key = entry_at(directory, DIRECTORY_KEYS, i);
        size_t slot = hash_of(key->row.hash, sizeof key->row.hash) & (table->slot_count - 1);
        while (directory->key_slots[slot] != 0) slot = (slot + 1) & (table->slot_count - 1);
        directory->key_slots[slot] = (uint32_t)i + 1;
    }
}

static const void *find(const struct directory *directory, enum directory_kind kind,
                        const struct uuid *id) {
    const struct directory_table *table = &directory->tables[kind];
    size_t slot = hash_of_id(id) & (table->slot_count - 1);
    for (; table->slots[slot] != 0; slot = (slot + 1) & (table->slot_count - 1)) {
        const struct directory_row *row = entry_at(directory, kind, table->slots[slot] - 1);
        if (uuid_equal(&row->id, id)) return row;
    }
    return NULL;
}

/* ---- linking ---- */

/* Rows are linked from the last to the first, so every list is in the order of its table. The
 * heads are written through pointers that readers have as const. */
#define LINK(head_type, head, row, next)                                                           \
    do {                                                                                           \
        (row)->next = (head);                                                                      \
        *(head_type)&(head) = (row);                                                               \
    } while (0)

static bool link_organization(struct directory *directory, void *entry) {
    struct organization *organization = entry;
    if (uuid_is_nil(&organization->row.parent_id)) {
        bool is_first = directory->system == NULL;
        directory->system = organization;
        return is_first;
    }
    organization->parent = directory_organization(directory, &organization->row.parent_id);
    if (organization->parent == NULL || organization->parent == organization) return false;
    LINK(const struct organization **, organization->parent->children, organization, next_child);
    return true;
}

static bool link_user(struct directory *directory, void *entry) {
    struct cloud_user *user = entry;
    user->organization = directory_organization(directory, &user->row.organization_id);
    if (user->organization == NULL) return false;
    LINK(const struct cloud_user **, user->organization->users, user, next_in_organization);
    return true;
}

static bool link_binding(struct directory *directory, void *entry) {
    struct role_binding *binding = entry;
    binding->user = directory_user(directory, &binding->row.user_id);
    if (binding->user == NULL) return false;
    if (binding->row.qualifier < SCOPE_ORG_TOPLEVEL) {
        binding->organization =
            directory_organization(directory, &binding->row.organization_id);
        if (binding->organization == NULL) return false;
    }
    LINK(const struct role_binding **, binding->user->bindings, binding, next_of_user);
    if (binding->row.is_primary)
        *(const struct role_binding **)&binding->user->primary = binding;
    return true;
}

static bool link_key(struct directory *directory, void *entry) {
    struct api_key *key = entry;
    key->user = directory_user(directory, &key->row.user_id);
    if (key->user == NULL) return false;
    LINK(const struct api_key **, key->user->keys, key, next_of_user);
    return true;
}

static bool link_connection(struct directory *directory, void *entry) {
    struct connection *connection = entry;
    connection->owner = directory_organization(directory, &connection->row.owner_id);
    if (connection->owner == NULL) return false;
    LINK(const struct connection **, connection->owner->connections, connection, next_of_owner);
    return true;
}

static bool link_quota(struct directory *directory, void *entry) {
    struct cloud_quota *quota = entry;
    quota->connection = directory_connection(directory, &quota->row.connection_id);
    quota->owner = directory_organization(directory, &quota->row.owner_id);
    if (quota->connection == NULL || quota->owner == NULL) return false;
    LINK(const struct cloud_quota **, quota->connection->quotas, quota, next_of_connection);
    LINK(const struct cloud_quota **, quota->owner->quotas, quota, next_of_owner);
    if (quota->row.default_for_service)
        *(const struct cloud_quota **)&quota->connection->default_for_service = quota;
    if (quota->row.default_for_trial)
        *(const struct cloud_quota **)&quota->connection->default_for_trial = quota;
    return true;
}

static bool link_assignment(struct directory *directory, void *entry) {
    struct assignment *assignment = entry;
    const struct organization *organization =
        directory_organization(directory, &assignment->row.organization_id);
    const struct connection *connection =
        directory_connection(directory, &assignment->row.connection_id);
    if (organization == NULL || connection == NULL) return false;
    assignment->organization = organization;
    assignment->connection = connection;
    LINK(const struct assignment **, organization->assignments, assignment, next_of_organization);
    LINK(const struct assignment **, connection->assignments, assignment, next_of_connection);
    if (uuid_is_nil(&assignment->row.quota_id)) return true;
    const struct cloud_quota *quota = directory_quota(directory, &assignment->row.quota_id);
    if (quota == NULL || quota->connection != connection) return false;
    assignment->quota = quota;
    LINK(const struct assignment **, quota->assignments, assignment, next_of_quota);
    ++*(size_t *)&quota->assignment_count;
    return true;
}

static bool link_environment(struct directory *directory, void *entry) {
    struct environment *environment = entry;
    const struct organization *organization =
        directory_organization(directory, &environment->row.organization_id);
    const struct connection *connection =
        directory_connection(directory, &environment->row.connection_id);
    if (organization == NULL || connection == NULL) return false;
    environment->organization = organization;
    environment->connection = connection;
    LINK(const struct environment **, organization->environments, environment,
         next_of_organization);
    LINK(const struct environment **, connection->environments, environment, next_of_connection);
    return true;
}

static bool link_nothing(struct directory *directory, void *entry) {
    (void)directory;
    (void)entry;
    return true;
}

static bool (*const linkers[DIRECTORY_KIND_COUNT])(struct directory *directory, void *entry) = {
    [DIRECTORY_ORGANIZATIONS] = link_organization,
    [DIRECTORY_USERS] = link_user,
    [DIRECTORY_BINDINGS] = link_binding,
    [DIRECTORY_KEYS] = link_key,
    [DIRECTORY_CONNECTIONS] = link_connection,
    [DIRECTORY_QUOTAS] = link_quota,
    [DIRECTORY_ASSIGNMENTS] = link_assignment,
    [DIRECTORY_ENVIRONMENTS] = link_environment,
    [DIRECTORY_TASKS] = link_nothing,
};

/* The depth of everything that hangs on the system organization; returns how many that are. A ring
 * of organizations hangs on nothing. No recursion: nobody bounds how deep a tree may be. */
static size_t measure_tree(const struct organization *system) {
    size_t count = 0;
    const struct organization *at = system;
    while (at != NULL) {
        count++;
        *(size_t *)&at->depth = at->parent == NULL ? 0 : at->parent->depth + 1;
        if (at->children != NULL) {
            at = at->children;
            continue;
        }
        while (at != NULL && at->next_child == NULL) at = at->parent;
        if (at != NULL) at = at->next_child;
    }
    return count;
}

bool directory_finish(struct directory *directory, enum directory_kind *kind, struct uuid *id) {
    for (int each = 0; each < DIRECTORY_KIND_COUNT; each++) {
        struct directory_table *table = &directory->tables[each];
        size_t i;
        *kind = (enum directory_kind)each;
        table_sort(table, shapes[each].entry_bytes);
        if (table_index(table, shapes[each].entry_bytes, &i)) continue;
        *id = ((struct directory_row *)entry_at(directory, *kind, i))->id;
        return false;
    }
    keys_index(directory);
    for (int each = 0; each < DIRECTORY_KIND_COUNT; each++) {
        *kind = (enum directory_kind)each;
        for (size_t i = directory->tables[each].count; i-- > 0;) {
            void *entry = entry_at(directory, *kind, i);
            *id = ((struct directory_row *)entry)->id;
            if (!linkers[each](directory, entry)) return false;
        }
    }
    *kind = DIRECTORY_ORGANIZATIONS;
    *id = (struct uuid){0};
    return directory->system != NULL &&
           measure_tree(directory->system) == directory->tables[DIRECTORY_ORGANIZATIONS].count;
}

/* ---- the next version ---- */

/* A changed quota whose details stay has none in its row. */
static void put_changed(struct directory *next, const struct directory *directory,
                        enum directory_kind kind, const void *row) {
    const struct cloud_quota_row *quota = row;
    if (kind != DIRECTORY_QUOTAS || quota->state == ROW_INSERTED || quota->replaces_details) {
        directory_put(next, kind, row);
        return;
    }
    const struct cloud_quota *present = directory_quota(directory, &quota->id);
    struct cloud_quota_row whole = *quota;
    whole.details = present->row.details;
    whole.detail_count = present->row.detail_count;
    directory_put(next, kind, &whole);
}

static void apply_kind(struct directory *next, const struct directory *directory,
                       enum directory_kind kind, const struct change_list *list) {
    const struct directory_table *table = &directory->tables[kind];
    bool *replaced = list->count == 0 ? NULL : memory_take_zeroed(table->count + 1, sizeof(bool));
    for (size_t i = 0; i < list->count; i++) {
        const struct directory_row *row = list->rows[i];
        const char *present = find(directory, kind, &row->id);
        assert((present == NULL) == (row->state == ROW_INSERTED));
        if (present != NULL)
            replaced[(size_t)(present - table->rows) / shapes[kind].entry_bytes] = true;
    }
    for (size_t i = 0; i < table->count; i++)
        if (replaced == NULL || !replaced[i])
            directory_put(next, kind, entry_at(directory, kind, i));
    for (size_t i = 0; i < list->count; i++) {
        const struct directory_row *row = list->rows[i];
        if (row->state != ROW_DELETED) put_changed(next, directory, kind, row);
    }
    memory_give(replaced);
}

struct directory *directory_apply(const struct directory *directory,
                                  const struct changes *changes) {
    struct directory *next = directory_make(directory->version + 1);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++)
        apply_kind(next, directory, (enum directory_kind)kind, &changes->directory[kind]);
    enum directory_kind kind;
    struct uuid id;
    bool finished = directory_finish(next, &kind, &id);
    assert(finished);
    return next;
}

/* ---- reading ---- */

size_t directory_count(const struct directory *directory, enum directory_kind kind) {
    return directory->tables[kind].count;
}

const void *directory_at(const struct directory *directory, enum directory_kind kind, size_t i) {
    return entry_at(directory, kind, i);
}

const struct organization *directory_organization(const struct directory *directory,
                                                  const struct uuid *id) {
    return find(directory, DIRECTORY_ORGANIZATIONS, id);
}

const struct cloud_user *directory_user(const struct directory *directory, const struct uuid *id) {
    return find(directory, DIRECTORY_USERS, id);
}

const struct role_binding *directory_binding(const struct directory *directory,
                                             const struct uuid *id) {
    return find(directory, DIRECTORY_BINDINGS, id);
}

const struct api_key *directory_key(const struct directory *directory, const struct uuid *id) {
    return find(directory, DIRECTORY_KEYS, id);
}

const struct connection *directory_connection(const struct directory *directory,
                                              const struct uuid *id) {
    return find(directory, DIRECTORY_CONNECTIONS, id);
}

const struct cloud_quota *directory_quota(const struct directory *directory,
                                          const struct uuid *id) {
    return find(directory, DIRECTORY_QUOTAS, id);
}

const struct environment *directory_environment(const struct directory *directory,
                                                const struct uuid *id) {
    return find(directory, DIRECTORY_ENVIRONMENTS, id);
}

const struct task *directory_task(const struct directory *directory, const struct uuid *id) {
    return find(directory, DIRECTORY_TASKS, id);
}

const struct api_key *directory_key_hashed(const struct directory *directory,
                                           const uint8_t hash[32]) {
    size_t slot_count = directory->tables[DIRECTORY_KEYS].slot_count;
    size_t slot = hash_of(hash, 32) & (slot_count - 1);
    for (; directory->key_slots[slot] != 0; slot = (slot + 1) & (slot_count - 1)) {
        const struct api_key *key =
            entry_at(directory, DIRECTORY_KEYS, directory->key_slots[slot] - 1);
        if (memcmp(key->row.hash, hash, sizeof key->row.hash) == 0) return key;
    }
    return NULL;
}

const struct assignment *organization_assignment(const struct organization *organization,
                                                 const struct connection *connection) {
    const struct assignment *assignment = organization->assignments;
    while (assignment != NULL && assignment->connection != connection)
        assignment = assignment->next_of_organization;
    return assignment;
}

bool organization_is_below(const struct organization *below, const struct organization *above) {
    if (below->depth <= above->depth) return false;
    while (below->depth > above->depth) below = below->parent;
    return below == above;
}

bool connection_state_holds(enum connection_state state) {
    return state < CONNECTION_PENDING_PURGE;
}

const char *user_status_name(enum user_status status) {
    static const char *const names[] = {"ACTIVE", "DISABLED"};
    assert((unsigned)status <= USER_DISABLED);
    return names[status];
}

const char *connection_state_name(enum connection_state state) {
    static const char *const names[CONNECTION_STATE_COUNT] = {
        "PENDING",       "PROVISIONING", "PROVISIONED", "ERROR_PROVISIONING",
        "PENDING_PURGE", "PURGING",      "PURGED",      "ERROR_PURGING",
    };
    assert((unsigned)state < CONNECTION_STATE_COUNT);
    return names[state];
}

const char *task_status_name(enum task_status status) {
    static const char *const names[] = {"PENDING", "SUCCESS", "FAILED"};
    assert((unsigned)status <= TASK_FAILED);
    return names[status];
}
