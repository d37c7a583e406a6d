#include "store/store_postgres.h"

/* One operation's rows: each kind in the order in which rows refer to each other, and of each kind
 * first those that go: they may hold what another is to have (a default, a name). */

static void put_uuid_or_null(struct parameters *row, const struct uuid *uuid) {
    if (uuid_is_nil(uuid)) put_null(row);
    else put_uuid(row, uuid);
}

static void put_organization(struct parameters *row, const void *from) {
    const struct organization_row *organization = from;
    put_uuid(row, &organization->id);
    put_uuid_or_null(row, &organization->parent_id);
    put_time(row, organization->created_us);
    put_text(row, organization->name);
    put_text(row, organization->entry_point);
    put_boolean(row, organization->is_trial);
    put_boolean(row, organization->is_reseller);
}

static void put_user(struct parameters *row, const void *from) {
    const struct cloud_user_row *user = from;
    put_uuid(row, &user->id);
    put_uuid(row, &user->organization_id);
    put_time(row, user->created_us);
    put_text(row, user->name);
    put_text(row, user->email);
    put_integer(row, user->status);
}

static void put_binding(struct parameters *row, const void *from) {
    const struct role_binding_row *binding = from;
    put_uuid(row, &binding->id);
    put_uuid(row, &binding->user_id);
    put_uuid_or_null(row, &binding->organization_id);
    put_time(row, binding->created_us);
    put_integer(row, binding->role);
    put_integer(row, binding->qualifier);
    put_boolean(row, binding->is_primary);
}

static void put_key(struct parameters *row, const void *from) {
    const struct api_key_row *key = from;
    put_uuid(row, &key->id);
    put_uuid(row, &key->user_id);
    put_time(row, key->created_us);
    put_text(row, key->name);
    put_hash(row, key->hash);
    put_time(row, key->used_us);
    put_text(row, key->used_address);
}

static void put_connection(struct parameters *row, const void *from) {
    const struct connection_row *connection = from;
    put_uuid(row, &connection->id);
    put_uuid(row, &connection->owner_id);
    put_time(row, connection->created_us);
    put_text(row, connection->name);
    put_text(row, connection->service_code);
    put_text(row, connection->type);
    put_boolean(row, connection->supports_quotas);
}

static void put_quota(struct parameters *row, const void *from) {
    const struct cloud_quota_row *quota = from;
    put_uuid(row, &quota->id);
    put_uuid(row, &quota->connection_id);
    put_uuid(row, &quota->owner_id);
    put_time(row, quota->created_us);
    put_text(row, quota->name);
    put_text(row, quota->description);
    put_boolean(row, quota->default_for_service);
    put_boolean(row, quota->default_for_trial);
    put_integer(row, quota->version);
}

static void put_assignment(struct parameters *row, const void *from) {
    const struct assignment_row *assignment = from;
    put_uuid(row, &assignment->id);
    put_uuid(row, &assignment->organization_id);
    put_uuid(row, &assignment->connection_id);
    put_time(row, assignment->created_us);
    put_integer(row, assignment->connection_state);
    put_uuid_or_null(row, &assignment->quota_id);
    put_boolean(row, assignment->applied);
}

static void put_environment(struct parameters *row, const void *from) {
    const struct environment_row *environment = from;
    put_uuid(row, &environment->id);
    put_uuid(row, &environment->organization_id);
    put_uuid(row, &environment->connection_id);
    put_time(row, environment->created_us);
    put_text(row, environment->name);
    put_integer(row, environment->connection_state);
}

static void put_task(struct parameters *row, const void *from) {
    const struct task_row *task = from;
    put_uuid(row, &task->id);
    put_uuid_or_null(row, &task->user_id);
    put_uuid(row, &task->organization_id);
    put_time(row, task->created_us);
    put_integer(row, task->object);
    put_uuid(row, &task->object_id);
    put_text(row, task->object_name);
    put_integer(row, task->status);
}

static void (*const putters[DIRECTORY_KIND_COUNT])(struct parameters *row, const void *from) = {
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

static void write_details(struct store_postgres *postgres, struct exchange *exchange,
                          const struct change_list *list) {
    struct parameters deleted, inserted;
    parameters_open(&deleted, &postgres->arena, PG_DELETE_QUOTA_DETAILS);
    parameters_open(&inserted, &postgres->arena, PG_INSERT_QUOTA_DETAILS);
    for (size_t i = 0; i < list->count; i++) {
        const struct cloud_quota_row *quota = list->rows[i];
        if (quota->state == ROW_DELETED || !quota->replaces_details) continue;
        put_uuid(&deleted, &quota->id);
        for (size_t j = 0; j < quota->detail_count; j++) {
            put_uuid(&inserted, &quota->id);
            put_integer(&inserted, (int64_t)j);
            put_uuid(&inserted, &quota->details[j].id);
            put_text(&inserted, quota->details[j].metric);
            put_amount(&inserted, quota->details[j].ceiling);
        }
    }
    if (parameters_rows(&deleted) > 0) exchange_add(exchange, PG_DELETE_QUOTA_DETAILS, &deleted);
    if (parameters_rows(&inserted) > 0)
        exchange_add(exchange, PG_INSERT_QUOTA_DETAILS, &inserted);
}

static void write_kind(struct store_postgres *postgres, struct exchange *exchange,
                       enum directory_kind kind, const struct change_list *list) {
    enum postgres_statement put_id = (enum postgres_statement)(PG_PUT_DIRECTORY + (int)kind);
    enum postgres_statement delete_id = (enum postgres_statement)(PG_DELETE_DIRECTORY + (int)kind);
    struct parameters put, deleted;
    parameters_open(&put, &postgres->arena, put_id);
    parameters_open(&deleted, &postgres->arena, delete_id);
    for (size_t i = 0; i < list->count; i++) {
        const struct directory_row *row = list->rows[i];
        if (row->state == ROW_DELETED) put_uuid(&deleted, &row->id);
        else putters[kind](&put, row);
    }
    if (parameters_rows(&deleted) > 0) exchange_add(exchange, delete_id, &deleted);
    if (parameters_rows(&put) > 0) exchange_add(exchange, put_id, &put);
}

void store_postgres_write_directory(struct store_postgres *postgres, struct exchange *exchange,
                                    const struct changes *changes) {
    struct parameters version;
    parameters_open(&version, &postgres->arena, PG_NEXT_DIRECTORY_VERSION);
    put_integer(&version, changes->directory_version);
    exchange_add(exchange, PG_NEXT_DIRECTORY_VERSION, &version);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        const struct change_list *list = &changes->directory[kind];
        if (list->count == 0) continue;
        write_kind(postgres, exchange, (enum directory_kind)kind, list);
        if (kind == DIRECTORY_QUOTAS) write_details(postgres, exchange, list);
    }
}
