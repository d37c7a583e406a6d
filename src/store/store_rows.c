#include "store/store_rows.h"

#include <assert.h>
#include <stdio.h>

#include "store/store_url.h"

struct store_rows *store_rows_open(const char *url, bool fills, struct qms_error *error) {
    enum store_kind kind;
    if (!store_url_read(url, &kind, error)) return NULL;
    return kind == STORE_SQLITE ? store_sqlite_rows_open(url, fills, error)
                                : store_postgres_rows_open(url, fills, error);
}

static char *append(char *at, const char *end, const char *piece, size_t length) {
    assert((size_t)(end - at) > length);
    memcpy(at, piece, length);
    at[length] = '\0';
    return at + length;
}

void rows_expand(const char *sql, const char *schema, const char *parameter,
                 char out[ROWS_SQL_BYTES_MAX]) {
    const char *end = out + ROWS_SQL_BYTES_MAX;
    for (out[0] = '\0'; *sql != '\0'; sql++) {
        if (*sql == '@') out = append(out, end, schema, strlen(schema));
        else if (*sql == '?') out = append(out, end, parameter, strlen(parameter));
        else out = append(out, end, sql, 1);
    }
}

void rows_select(const struct rows_table *table, const char *name, char out[ROWS_SQL_BYTES_MAX]) {
    const char *column = table->columns, *end = out + ROWS_SQL_BYTES_MAX;
    out = append(out, end, "SELECT ", strlen("SELECT "));
    for (const char *letter = table->letters; *letter != '\0'; letter++) {
        size_t length = strcspn(column, ",");
        bool is_amount = *letter == 'a';
        char piece[128];
        int written = snprintf(piece, sizeof piece, "%s%s%.*s%s",
                               letter > table->letters ? ", " : "", is_amount ? "CAST(" : "",
                               (int)length, column, is_amount ? " AS text)" : "");
        out = append(out, end, piece, (size_t)written);
        column += length;
        column += strspn(column, ", ");
    }
    assert(*column == '\0');
    out = append(out, end, " FROM ", strlen(" FROM "));
    append(out, end, name, strlen(name));
}

#define WRITTEN_COLUMNS "created_by, created_at, last_modified_by, last_modified_at"
#define KEY_COLUMNS "key, user_id, operation, principal, content, made_id, recorded_at, expires"

/* A table of the data model, called the same in every store. */
#define MODEL(table, letters_, columns_, order_, seeded)                                           \
    {.name = table, .letters = letters_, .columns = columns_, .is_seeded = seeded,                 \
     .order = order_, .postgres = "public." table, .postgres_where = ""}

/* What CloudMC clients manage. */
#define DIRECTORY(table, letters_, columns_, order_, seeded)                                       \
    {.name = table, .letters = letters_, .columns = columns_, .is_seeded = seeded,                 \
     .order = order_, .postgres = "qms_server." table, .postgres_where = ""}

const struct rows_table rows_tables[] = {
    MODEL("update_operations", "ut", "id, name", "id", true),
    MODEL("resource_types", "uttb", "id, name, unit, consumable", "id", true),
    MODEL("plans", "utt", "id, name, description", "id", true),
    MODEL("plan_rates", "uuza", "id, plan_id, effective_date, rate", "id", true),
    MODEL("plan_quota_defaults", "uuuaz",
          "id, plan_id, resource_type_id, quota_value, effective_date", "id", true),
    MODEL("addons", "uttuab",
          "id, name, description, resource_type_id, default_amount, default_paid", "id", true),
    MODEL("addon_rates", "uuza", "id, addon_id, effective_date, rate", "id", true),
    MODEL("users", "ut", "id, username", "id", false),
    MODEL("subscriptions", "uuuzzwzwzbu",
          "id, user_id, plan_id, effective_start_date, effective_end_date, " WRITTEN_COLUMNS
          ", paid, plan_rate_id", "id", false),
    MODEL("quotas", "uauuwzwz", "id, quota, resource_type_id, subscription_id, " WRITTEN_COLUMNS,
          "subscription_id, resource_type_id", false),
    MODEL("usages", "uauuwzwz", "id, usage, resource_type_id, subscription_id, " WRITTEN_COLUMNS,
          "subscription_id, resource_type_id", false),
    MODEL("subscription_addons", "uuuabu",
          "id, subscription_id, addon_id, amount, paid, addon_rate_id", "id", false),
    MODEL("updates", "uutauzwzwzut",
          "id, update_operation_id, value_type, value, resource_type_id, effective_date, "
          WRITTEN_COLUMNS ", user_id, metadata", "created_at, id", false),
    {.name = "ids of usages", .letters = "tutthuzb", .columns = KEY_COLUMNS,
     .order = "key, user_id, operation, principal", .postgres = "qms_server.idempotency",
     .postgres_where = " WHERE NOT expires",
     .sqlite_from = "SELECT \"key\", user_id, operation, principal, content, made_id, recorded_at,"
                    " 0 FROM idempotency",
     .sqlite_into = "INSERT INTO idempotency (\"key\", user_id, operation, principal, content,"
                    " made_id, recorded_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?8 = 0"},
    {.name = "request keys", .letters = "tutthuzb", .columns = KEY_COLUMNS,
     .order = "recorded_at", .postgres = "qms_server.idempotency",
     .postgres_where = " WHERE expires",
     .sqlite_from = "SELECT \"key\", user_id, operation, principal, content, made_id, recorded_at,"
                    " 1 FROM request_keys ORDER BY id",
     .sqlite_into = "INSERT INTO request_key_groups (keys, user_ids, operation, principal,"
                    " contents, made_ids, recorded_at)"
                    " SELECT json_array(?1), ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?8 = 1"},
    DIRECTORY("organizations", "uuttbbbz",
              "id, parent_id, name, entry_point, is_trial, is_reseller, deleted, created_at",
              "id", true),
    DIRECTORY("organization_users", "uuttibz",
              "id, organization_id, name, email, status, deleted, created_at", "id", true),
    DIRECTORY("role_bindings", "uuiiubz",
              "id, user_id, role, scope, organization_id, is_primary, created_at", "id", true),
    DIRECTORY("api_keys", "uuthztbz",
              "id, user_id, name, hash, used_at, used_address, deleted, created_at", "id", false),
    DIRECTORY("service_connections", "uutttbbz",
              "id, owner_id, name, service_code, type, supports_quotas, deleted, created_at",
              "id", false),
    DIRECTORY("cloud_quotas", "uuuttbbibz",
              "id, connection_id, owner_id, name, description, default_for_service,"
              " default_for_trial, version, deleted, created_at", "id", false),
    DIRECTORY("cloud_quota_details", "uiuta", "quota_id, position, id, metric, ceiling",
              "quota_id, position", false),
    DIRECTORY("connection_assignments", "uuuiubz",
              "id, organization_id, connection_id, state, quota_id, applied, created_at",
              "id", false),
    DIRECTORY("environments", "uuutiz",
              "id, organization_id, connection_id, name, state, created_at", "id", false),
    DIRECTORY("tasks", "uuuiutiz",
              "id, user_id, organization_id, object, object_id, object_name, status, created_at",
              "id", false),
};
const size_t rows_table_count = sizeof rows_tables / sizeof *rows_tables;
