#include <assert.h>
#include <sqlite3.h>

#include "store/store_sqlite.h"

/* One operation's rows: each kind in the order in which rows refer to each other. What is deleted
 * for good is referred to by nothing. */

static void put_organization(struct row *row, const void *from) {
    const struct organization_row *organization = from;
    row_put_uuid(row, &organization->id);
    row_put_uuid_or_null(row, &organization->parent_id);
    row_put_integer(row, organization->created_us);
    row_put_text(row, organization->name);
    row_put_text(row, organization->entry_point);
    row_put_integer(row, organization->is_trial);
    row_put_integer(row, organization->is_reseller);
}

static void put_user(struct row *row, const void *from) {
    const struct cloud_user_row *user = from;
    row_put_uuid(row, &user->id);
    row_put_uuid(row, &user->organization_id);
    row_put_integer(row, user->created_us);
    row_put_text(row, user->name);
    row_put_text(row, user->email);
    row_put_integer(row, user->status);
}

static void put_binding(struct row *row, const void *from) {
    const struct role_binding_row *binding = from;
    row_put_uuid(row, &binding->id);
    row_put_uuid(row, &binding->user_id);
    row_put_uuid_or_null(row, &binding->organization_id);
    row_put_integer(row, binding->created_us);
    row_put_integer(row, binding->role);
    row_put_integer(row, binding->qualifier);
    row_put_integer(row, binding->is_primary);
}

static void put_key(struct row *row, const void *from) {
    const struct api_key_row *key = from;
    row_put_uuid(row, &key->id);
    row_put_uuid(row, &key->user_id);
    row_put_integer(row, key->created_us);
    row_put_text(row, key->name);
    row_put_hash(row, key->hash);
    row_put_integer(row, key->used_us);
    row_put_text(row, key->used_address);
}

static void put_connection(struct row *row, const void *from) {
    const struct connection_row *connection = from;
    row_put_uuid(row, &connection->id);
    row_put_uuid(row, &connection->owner_id);
    row_put_integer(row, connection->created_us);
    row_put_text(row, connection->name);
    row_put_text(row, connection->service_code);
    row_put_text(row, connection->type);
    row_put_integer(row, connection->supports_quotas);
}

static void put_quota(struct row *row, const void *from) {
    const struct cloud_quota_row *quota = from;
    row_put_uuid(row, &quota->id);
    row_put_uuid(row, &quota->connection_id);
    row_put_uuid(row, &quota->owner_id);
    row_put_integer(row, quota->created_us);
    row_put_text(row, quota->name);
    row_put_text(row, quota->description);
    row_put_integer(row, quota->default_for_service);
    row_put_integer(row, quota->default_for_trial);
    row_put_integer(row, quota->version);
}

static void put_assignment(struct row *row, const void *from) {
    const struct assignment_row *assignment = from;
    row_put_uuid(row, &assignment->id);
    row_put_uuid(row, &assignment->organization_id);
    row_put_uuid(row, &assignment->connection_id);
    row_put_integer(row, assignment->created_us);
    row_put_integer(row, assignment->connection_state);
    row_put_uuid_or_null(row, &assignment->quota_id);
    row_put_integer(row, assignment->applied);
}

static void put_environment(struct row *row, const void *from) {
    const struct environment_row *environment = from;
    row_put_uuid(row, &environment->id);
    row_put_uuid(row, &environment->organization_id);
    row_put_uuid(row, &environment->connection_id);
    row_put_integer(row, environment->created_us);
    row_put_text(row, environment->name);
    row_put_integer(row, environment->connection_state);
}

static void put_task(struct row *row, const void *from) {
    const struct task_row *task = from;
    row_put_uuid(row, &task->id);
    row_put_uuid_or_null(row, &task->user_id);
    row_put_uuid(row, &task->organization_id);
    row_put_integer(row, task->created_us);
    row_put_integer(row, task->object);
    row_put_uuid(row, &task->object_id);
    row_put_text(row, task->object_name);
    row_put_integer(row, task->status);
}

static void (*const putters[DIRECTORY_KIND_COUNT])(struct row *row, const void *from) = {
    [DIRECTORY_ORGANIZATIONS] = put_organization,
    [DIRECTORY_USERS] = put_user,
    [DIRECTORY_BINDINGS] = put_binding,
    [DIRECTORY_KEYS] = put_key,
    [DIRECTORY_CONNECTIONS] = put_connection,
    [DIRECTORY_QUOTAS] = put_quota,
    [DIRECTORY_ASSIGNMENTS] = put_assignment,
    [DIRECTORY_ENVIRONMENTS] = put_environment,
    [DIRECTORY_TASKS] = put_task,
};

static int write_details(struct store_sqlite *sqlite, const struct cloud_quota_row *quota) {
    struct row row;
    row_open(&row, &sqlite->statements, DELETE_QUOTA_DETAILS);
    row_put_uuid(&row, &quota->id);
    int code = row_run(&row);
    for (size_t i = 0; code == SQLITE_OK && i < quota->detail_count; i++) {
        row_open(&row, &sqlite->statements, INSERT_QUOTA_DETAIL);
        row_put_uuid(&row, &quota->id);
        row_put_integer(&row, (int64_t)i);
        row_put_uuid(&row, &quota->details[i].id);
        row_put_text(&row, quota->details[i].metric);
        row_put_amount(&row, quota->details[i].ceiling);
        code = row_run(&row);
    }
    return code;
}

static int write_row(struct store_sqlite *sqlite, enum directory_kind kind,
                     const struct directory_row *from) {
    struct row row;
    bool is_deletion = from->state == ROW_DELETED;
    row_open(&row, &sqlite->statements,
             (enum statement_id)((is_deletion ? DELETE_DIRECTORY : PUT_DIRECTORY) + (int)kind));
    if (is_deletion) {
        row_put_uuid(&row, &from->id);
        return store_sqlite_run_one(&row);
    }
    putters[kind](&row, from);
    int code = store_sqlite_run_one(&row);
    const struct cloud_quota_row *quota = (const void *)from;
    if (code == SQLITE_OK && kind == DIRECTORY_QUOTAS && quota->replaces_details)
        code = write_details(sqlite, quota);
    return code;
}

int store_sqlite_write_directory(struct store_sqlite *sqlite, const struct changes *changes) {
    struct row row;
    row_open(&row, &sqlite->statements, NEXT_DIRECTORY_VERSION);
    row_put_integer(&row, changes->directory_version);
    int code = store_sqlite_run_one(&row);
    if (code == SQLITE_NOTFOUND) return SQLITE_BUSY_SNAPSHOT;
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        const struct change_list *list = &changes->directory[kind];
        for (size_t i = 0; code == SQLITE_OK && i < list->count; i++)
            code = write_row(sqlite, (enum directory_kind)kind, list->rows[i]);
    }
    return code;
}
