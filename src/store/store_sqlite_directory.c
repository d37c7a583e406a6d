#include <sqlite3.h>

#include "base/log.h"
#include "store/store_sqlite.h"

/* The directory, read whole: each kind by one statement, whose rows are copied at once. */

static void read_organization(struct row *row, void *into) {
    struct organization_row *organization = into;
    *organization = (struct organization_row){0};
    organization->id = row_uuid(row);
    organization->parent_id = row_uuid_or_null(row);
    organization->created_us = row_integer(row);
    organization->name = row_text(row);
    organization->entry_point = row_text(row);
    organization->is_trial = row_boolean(row);
    organization->is_reseller = row_boolean(row);
}

static void read_user(struct row *row, void *into) {
    struct cloud_user_row *user = into;
    *user = (struct cloud_user_row){0};
    user->id = row_uuid(row);
    user->organization_id = row_uuid(row);
    user->created_us = row_integer(row);
    user->name = row_text(row);
    user->email = row_text(row);
    user->status = (enum user_status)row_integer(row);
}

static void read_binding(struct row *row, void *into) {
    struct role_binding_row *binding = into;
    *binding = (struct role_binding_row){0};
    binding->id = row_uuid(row);
    binding->user_id = row_uuid(row);
    binding->organization_id = row_uuid_or_null(row);
    binding->created_us = row_integer(row);
    binding->role = (enum role)row_integer(row);
    binding->qualifier = (enum scope_qualifier)row_integer(row);
    binding->is_primary = row_boolean(row);
}

static void read_key(struct row *row, void *into) {
    struct api_key_row *key = into;
    *key = (struct api_key_row){0};
    key->id = row_uuid(row);
    key->user_id = row_uuid(row);
    key->created_us = row_integer(row);
    key->name = row_text(row);
    row_hash(row, key->hash);
    key->used_us = row_integer(row);
    key->used_address = row_text(row);
}

static void read_connection(struct row *row, void *into) {
    struct connection_row *connection = into;
    *connection = (struct connection_row){0};
    connection->id = row_uuid(row);
    connection->owner_id = row_uuid(row);
    connection->created_us = row_integer(row);
    connection->name = row_text(row);
    connection->service_code = row_text(row);
    connection->type = row_text(row);
    connection->supports_quotas = row_boolean(row);
}

static void read_assignment(struct row *row, void *into) {
    struct assignment_row *assignment = into;
    *assignment = (struct assignment_row){0};
    assignment->id = row_uuid(row);
    assignment->organization_id = row_uuid(row);
    assignment->connection_id = row_uuid(row);
    assignment->created_us = row_integer(row);
    assignment->connection_state = (enum connection_state)row_integer(row);
    assignment->quota_id = row_uuid_or_null(row);
    assignment->applied = row_boolean(row);
}

static void read_environment(struct row *row, void *into) {
    struct environment_row *environment = into;
    *environment = (struct environment_row){0};
    environment->id = row_uuid(row);
    environment->organization_id = row_uuid(row);
    environment->connection_id = row_uuid(row);
    environment->created_us = row_integer(row);
    environment->name = row_text(row);
    environment->connection_state = (enum connection_state)row_integer(row);
}

static void read_task(struct row *row, void *into) {
    struct task_row *task = into;
    *task = (struct task_row){0};
    task->id = row_uuid(row);
    task->user_id = row_uuid_or_null(row);
    task->organization_id = row_uuid(row);
    task->created_us = row_integer(row);
    task->object = (enum task_object)row_integer(row);
    task->object_id = row_uuid(row);
    task->object_name = row_text(row);
    task->status = (enum task_status)row_integer(row);
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

static void (*const readers[DIRECTORY_KIND_COUNT])(struct row *row, void *into) = {
    [DIRECTORY_ORGANIZATIONS] = read_organization,
    [DIRECTORY_USERS] = read_user,
    [DIRECTORY_BINDINGS] = read_binding,
    [DIRECTORY_KEYS] = read_key,
    [DIRECTORY_CONNECTIONS] = read_connection,
    [DIRECTORY_QUOTAS] = NULL, /* they have details: load_quotas() */
    [DIRECTORY_ASSIGNMENTS] = read_assignment,
    [DIRECTORY_ENVIRONMENTS] = read_environment,
    [DIRECTORY_TASKS] = read_task,
};

/* One broken row spoils the whole: leaving it out would change who may do what. */
static bool kind_end(struct store_sqlite *sqlite, struct row *row, bool broken, size_t count,
                     enum directory_kind kind, struct qms_error *error) {
    int code = row_close(row);
    if (code != SQLITE_OK)
        return store_sqlite_fail(sqlite->connection, code, "load the directory", error);
    if (!broken) return true;
    log_format(LOG_ERROR, "store: row %zu of the directory's table %d cannot be read", count,
               (int)kind);
    return qms_fail_code(error, QMS_INTERNAL);
}

static bool load_kind(struct store_sqlite *sqlite, struct directory *directory,
                      enum directory_kind kind, struct qms_error *error) {
    struct row row;
    size_t count = 0;
    bool broken = false;
    row_open(&row, &sqlite->statements, (enum statement_id)(LIST_DIRECTORY + (int)kind));
    while (!broken && row_next(&row)) {
        union any_row any;
        readers[kind](&row, &any);
        broken = row.broken;
        if (!broken) directory_put(directory, kind, &any);
        count++;
    }
    return kind_end(sqlite, &row, broken, count, kind, error);
}

/* A quota that is being read: a row of the result for each of its details, all one after the
 * other. Texts of the quota are copied because the next row takes their place. */
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

static void quota_read(struct quota_reading *reading, struct row *row) {
    struct cloud_quota_row quota = {.id = row_uuid(row)};
    quota.connection_id = row_uuid(row);
    quota.owner_id = row_uuid(row);
    quota.created_us = row_integer(row);
    quota.name = row_text(row);
    quota.description = row_text(row);
    quota.default_for_service = row_boolean(row);
    quota.default_for_trial = row_boolean(row);
    quota.version = row_integer(row);
    if (reading->is_open && uuid_equal(&reading->quota.id, &quota.id)) return;
    quota_close(reading);
    quota.name = arena_text(&reading->arena, quota.name);
    quota.description = arena_text(&reading->arena, quota.description);
    reading->quota = quota;
    reading->is_open = true;
}

static void detail_read(struct quota_reading *reading, struct row *row) {
    bool inexact;
    if (row_integer(row) == 0) return; /* a quota without details */
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
    detail->id = row_uuid(row);
    detail->metric = arena_text(&reading->arena, row_text(row));
    detail->ceiling = row_amount(row, &inexact);
    if (inexact) row->broken = true;
    reading->quota.detail_count++;
}

static bool load_quotas(struct store_sqlite *sqlite, struct directory *directory,
                        struct qms_error *error) {
    struct quota_reading reading = {.directory = directory};
    struct row row;
    size_t count = 0;
    bool broken = false;
    arena_init(&reading.arena, 1024);
    row_open(&row, &sqlite->statements, (enum statement_id)(LIST_DIRECTORY + DIRECTORY_QUOTAS));
    while (!broken && row_next(&row)) {
        quota_read(&reading, &row);
        detail_read(&reading, &row);
        broken = row.broken;
        count++;
    }
    quota_close(&reading);
    arena_close(&reading.arena);
    return kind_end(sqlite, &row, broken, count, DIRECTORY_QUOTAS, error);
}

static bool load_all(struct store_sqlite *sqlite, struct directory *directory,
                     struct qms_error *error) {
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        bool loaded = kind == DIRECTORY_QUOTAS
                          ? load_quotas(sqlite, directory, error)
                          : load_kind(sqlite, directory, (enum directory_kind)kind, error);
        if (!loaded) return false;
    }
    enum directory_kind kind;
    struct uuid id;
    if (directory_finish(directory, &kind, &id)) return true;
    char text[UUID_TEXT_BYTES];
    uuid_format(&id, text);
    log_format(LOG_ERROR, "store: row %.*s of the directory's table %d fits nowhere",
               UUID_TEXT_BYTES, text, (int)kind);
    return qms_fail_code(error, QMS_INTERNAL);
}

bool store_sqlite_load_directory(struct store_sqlite *sqlite, struct store_load *load,
                                 struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, DIRECTORY_VERSION);
    int64_t version = row_next(&row) ? row_integer(&row) : -1;
    int code = row_close(&row);
    if (code != SQLITE_OK)
        return store_sqlite_fail(sqlite->connection, code, "read the directory's version", error);
    load->directory = NULL;
    if (version == load->directory_version && version == sqlite->directory_version) return true;
    struct directory *directory = directory_make(version);
    if (load_all(sqlite, directory, error)) {
        load->directory = directory;
        sqlite->directory_version = version;
        return true;
    }
    directory_release(directory);
    return false;
}
