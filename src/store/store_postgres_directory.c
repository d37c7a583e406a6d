#include "base/log.h"
#include "store/store_postgres.h"

/* The directory, read whole in one round trip; its version is asked for with every load. */

enum { LOAD_ATTEMPTS_MAX = 4 };

static void read_organization(struct postgres_row *row, void *into) {
    struct organization_row *organization = into;
    *organization = (struct organization_row){0};
    organization->id = get_uuid(row);
    organization->parent_id = get_uuid(row);
    organization->created_us = get_time(row);
    organization->name = get_text(row);
    organization->entry_point = get_text(row);
    organization->is_trial = get_boolean(row);
    organization->is_reseller = get_boolean(row);
}

static void read_user(struct postgres_row *row, void *into) {
    struct cloud_user_row *user = into;
    *user = (struct cloud_user_row){0};
    user->id = get_uuid(row);
    user->organization_id = get_uuid(row);
    user->created_us = get_time(row);
    user->name = get_text(row);
    user->email = get_text(row);
    user->status = (enum user_status)get_integer(row);
}

static void read_binding(struct postgres_row *row, void *into) {
    struct role_binding_row *binding = into;
    *binding = (struct role_binding_row){0};
    binding->id = get_uuid(row);
    binding->user_id = get_uuid(row);
    binding->organization_id = get_uuid(row);
    binding->created_us = get_time(row);
    binding->role = (enum role)get_integer(row);
    binding->qualifier = (enum scope_qualifier)get_integer(row);
    binding->is_primary = get_boolean(row);
}

static void read_key(struct postgres_row *row, void *into) {
    struct api_key_row *key = into;
    *key = (struct api_key_row){0};
    key->id = get_uuid(row);
    key->user_id = get_uuid(row);
    key->created_us = get_time(row);
    key->name = get_text(row);
    get_hash(row, key->hash);
    key->used_us = get_time(row);
    key->used_address = get_text(row);
}

static void read_connection(struct postgres_row *row, void *into) {
    struct connection_row *connection = into;
    *connection = (struct connection_row){0};
    connection->id = get_uuid(row);
    connection->owner_id = get_uuid(row);
    connection->created_us = get_time(row);
    connection->name = get_text(row);
    connection->service_code = get_text(row);
    connection->type = get_text(row);
    connection->supports_quotas = get_boolean(row);
}

static void read_assignment(struct postgres_row *row, void *into) {
    struct assignment_row *assignment = into;
    *assignment = (struct assignment_row){0};
    assignment->id = get_uuid(row);
    assignment->organization_id = get_uuid(row);
    assignment->connection_id = get_uuid(row);
    assignment->created_us = get_time(row);
    assignment->connection_state = (enum connection_state)get_integer(row);
    assignment->quota_id = get_uuid(row);
    assignment->applied = get_boolean(row);
}

static void read_environment(struct postgres_row *row, void *into) {
    struct environment_row *environment = into;
    *environment = (struct environment_row){0};
    environment->id = get_uuid(row);
    environment->organization_id = get_uuid(row);
    environment->connection_id = get_uuid(row);
    environment->created_us = get_time(row);
    environment->name = get_text(row);
    environment->connection_state = (enum connection_state)get_integer(row);
}

static void read_task(struct postgres_row *row, void *into) {
    struct task_row *task = into;
    *task = (struct task_row){0};
    task->id = get_uuid(row);
    task->user_id = get_uuid(row);
    task->organization_id = get_uuid(row);
    task->created_us = get_time(row);
    task->object = (enum task_object)get_integer(row);
    task->object_id = get_uuid(row);
    task->object_name = get_text(row);
    task->status = (enum task_status)get_integer(row);
}

union any_row {
    struct organization_row organization;
    struct cloud_user_row user;
    struct role_binding_row binding;
    struct api_key_row key;
    struct connection_row connection;
    struct assignment_row assignment;
    struct environment_row environment;
    struct task_row task;
};

static void (*const readers[DIRECTORY_KIND_COUNT])(struct postgres_row *row, void *into) = {
    [DIRECTORY_ORGANIZATIONS] = read_organization,
    [DIRECTORY_USERS] = read_user,
    [DIRECTORY_BINDINGS] = read_binding,
    [DIRECTORY_KEYS] = read_key,
    [DIRECTORY_CONNECTIONS] = read_connection,
    [DIRECTORY_QUOTAS] = NULL, /* they have details: take_quotas() */
    [DIRECTORY_ASSIGNMENTS] = read_assignment,
    [DIRECTORY_ENVIRONMENTS] = read_environment,
    [DIRECTORY_TASKS] = read_task,
};

/* A quota that is being read: a row of the result for each of its details, all one after the
 * other. Texts lie in the result. */
struct quota_reading {
    struct directory *directory;
    struct arena arena;
    struct cloud_quota_row quota;
    struct quota_detail *details;
    size_t capacity;
    bool is_open;
};

static void quota_close(struct quota_reading *reading) {
    if (reading->is_open) {
        reading->quota.details = reading->details;
        directory_put(reading->directory, DIRECTORY_QUOTAS, &reading->quota);
    }
    arena_reset(&reading->arena);
    reading->details = NULL;
    reading->capacity = 0;
    reading->is_open = false;
}

static void quota_read(struct quota_reading *reading, struct postgres_row *row) {
    struct cloud_quota_row quota = {.id = get_uuid(row)};
    quota.connection_id = get_uuid(row);
    quota.owner_id = get_uuid(row);
    quota.created_us = get_time(row);
    quota.name = get_text(row);
    quota.description = get_text(row);
    quota.default_for_service = get_boolean(row);
    quota.default_for_trial = get_boolean(row);
    quota.version = get_integer(row);
    if (reading->is_open && uuid_equal(&reading->quota.id, &quota.id)) return;
    quota_close(reading);
    reading->quota = quota;
    reading->is_open = true;
}

static void detail_read(struct quota_reading *reading, struct postgres_row *row) {
    bool inexact;
    if (!get_boolean(row)) return; /* a quota without details */
    size_t count = reading->quota.detail_count;
    if (count == reading->capacity) {
        size_t capacity = count == 0 ? 8 : 2 * count;
        struct quota_detail *details =
            arena_take_zeroed(&reading->arena, capacity, sizeof *details);
        if (count > 0) memcpy(details, reading->details, count * sizeof *details);
        reading->details = details;
        reading->capacity = capacity;
    }
    struct quota_detail *detail = &reading->details[count];
    detail->id = get_uuid(row);
    detail->metric = get_text(row);
    detail->ceiling = get_amount(row, &inexact);
    if (inexact) row->broken = true;
    reading->quota.detail_count++;
}

static bool take_quotas(struct directory *directory, const struct exchange *exchange) {
    struct quota_reading reading = {.directory = directory};
    struct postgres_row row;
    bool broken = false;
    arena_init(&reading.arena, 1024);
    exchange_rows(exchange, (enum postgres_statement)(PG_LIST_DIRECTORY + DIRECTORY_QUOTAS), &row);
    while (!broken && row_take(&row)) {
        quota_read(&reading, &row);
        detail_read(&reading, &row);
        broken = row.broken;
    }
    quota_close(&reading);
    arena_close(&reading.arena);
    return !broken;
}

static bool take_kind(struct directory *directory, enum directory_kind kind,
                      const struct exchange *exchange) {
    struct postgres_row row;
    if (kind == DIRECTORY_QUOTAS) return take_quotas(directory, exchange);
    exchange_rows(exchange, (enum postgres_statement)(PG_LIST_DIRECTORY + (int)kind), &row);
    while (row_take(&row)) {
        union any_row any;
        readers[kind](&row, &any);
        if (row.broken) return false;
        directory_put(directory, kind, &any);
    }
    return true;
}

/* One broken row spoils the whole: leaving it out would change who may do what. */
static bool take_all(struct directory *directory, const struct exchange *exchange) {
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        if (take_kind(directory, (enum directory_kind)kind, exchange)) continue;
        log_format(LOG_ERROR, "store: a row of the directory's table %d cannot be read", kind);
        return false;
    }
    enum directory_kind kind;
    struct uuid id;
    if (directory_finish(directory, &kind, &id)) return true;
    char text[UUID_TEXT_BYTES];
    uuid_format(&id, text);
    log_format(LOG_ERROR, "store: row %.*s of the directory's table %d fits nowhere",
               UUID_TEXT_BYTES, text, (int)kind);
    return false;
}

static int64_t version_in(const struct exchange *exchange, enum postgres_statement id) {
    struct postgres_row row;
    exchange_rows(exchange, id, &row);
    return row_take(&row) ? get_integer(&row) : -1;
}

void store_postgres_see_directory(struct store_postgres *postgres,
                                  const struct exchange *exchange) {
    postgres->directory_seen = version_in(exchange, PG_DIRECTORY_VERSION);
}

/* False with *again: somebody else changed it between two of the statements. */
static bool load_directory(struct store_postgres *postgres, struct store_load *load, bool *again,
                           struct qms_error *error) {
    struct exchange exchange;
    *again = false;
    exchange_open(&exchange, &postgres->session);
    exchange_begin(&exchange, postgres->writes);
    exchange_add(&exchange, PG_DIRECTORY_VERSION, NULL);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++)
        exchange_add(&exchange, (enum postgres_statement)(PG_LIST_DIRECTORY + kind), NULL);
    exchange_add(&exchange, PG_DIRECTORY_VERSION_AGAIN, NULL);
    bool loaded = exchange_run(&exchange, "load the directory");
    if (!loaded) {
        store_postgres_fail(postgres, &exchange, error);
    } else {
        int64_t version = version_in(&exchange, PG_DIRECTORY_VERSION);
        *again = version != version_in(&exchange, PG_DIRECTORY_VERSION_AGAIN);
        struct directory *directory = directory_make(version);
        loaded = !*again && take_all(directory, &exchange);
        if (loaded) load->directory = directory;
        else directory_release(directory);
        if (loaded) postgres->directory_version = version;
        else if (!*again) qms_fail_code(error, QMS_INTERNAL);
    }
    exchange_close(&exchange);
    return loaded;
}

bool store_postgres_load_directory(struct store_postgres *postgres, struct store_load *load,
                                   struct qms_error *error) {
    bool again = true, loaded = false;
    if (postgres->directory_seen == load->directory_version &&
        postgres->directory_seen == postgres->directory_version)
        return true;
    for (int i = 0; i < LOAD_ATTEMPTS_MAX && again && !loaded; i++)
        loaded = load_directory(postgres, load, &again, error);
    if (!loaded && again) qms_fail_code(error, QMS_UNAVAILABLE);
    if (!loaded) session_rollback(&postgres->session);
    return loaded;
}
