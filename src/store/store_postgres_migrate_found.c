/* What a PostgreSQL database holds, and whether it can be built on. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/migration.h"
#include "store/store_postgres_migrate_private.h"

enum { CYVERSE_VERSION = 17, PRODUCT_VERSION_MIN = 120000 };

/* Every column that we read or write, and its type. */
#define COLUMNS                                                                                    \
    "('users', 'id', 'uuid'), ('users', 'username', 'text'),"                                      \
    "('plans', 'id', 'uuid'), ('plans', 'name', 'text'), ('plans', 'description', 'text'),"        \
    "('plan_rates', 'id', 'uuid'), ('plan_rates', 'plan_id', 'uuid'),"                             \
    "('plan_rates', 'effective_date', 'timestamp with time zone'),"                                \
    "('plan_rates', 'rate', 'numeric'),"                                                           \
    "('resource_types', 'id', 'uuid'), ('resource_types', 'name', 'text'),"                        \
    "('resource_types', 'unit', 'text'), ('resource_types', 'consumable', 'boolean'),"             \
    "('plan_quota_defaults', 'id', 'uuid'), ('plan_quota_defaults', 'plan_id', 'uuid'),"           \
    "('plan_quota_defaults', 'resource_type_id', 'uuid'),"                                         \
    "('plan_quota_defaults', 'quota_value', 'numeric'),"                                           \
    "('plan_quota_defaults', 'effective_date', 'timestamp with time zone'),"                       \
    "('subscriptions', 'id', 'uuid'), ('subscriptions', 'user_id', 'uuid'),"                       \
    "('subscriptions', 'plan_id', 'uuid'), ('subscriptions', 'plan_rate_id', 'uuid'),"             \
    "('subscriptions', 'effective_start_date', 'timestamp with time zone'),"                       \
    "('subscriptions', 'effective_end_date', 'timestamp with time zone'),"                         \
    "('subscriptions', 'paid', 'boolean'),"                                                        \
    "('quotas', 'id', 'uuid'), ('quotas', 'quota', 'numeric'),"                                    \
    "('quotas', 'resource_type_id', 'uuid'), ('quotas', 'subscription_id', 'uuid'),"               \
    "('quotas', 'created_by', 'text'), ('quotas', 'created_at', 'timestamp with time zone'),"      \
    "('quotas', 'last_modified_by', 'text'),"                                                      \
    "('quotas', 'last_modified_at', 'timestamp with time zone'),"                                  \
    "('usages', 'id', 'uuid'), ('usages', 'usage', 'numeric'),"                                    \
    "('usages', 'resource_type_id', 'uuid'), ('usages', 'subscription_id', 'uuid'),"               \
    "('usages', 'created_by', 'text'), ('usages', 'created_at', 'timestamp with time zone'),"      \
    "('usages', 'last_modified_by', 'text'),"                                                      \
    "('usages', 'last_modified_at', 'timestamp with time zone'),"                                  \
    "('update_operations', 'id', 'uuid'), ('update_operations', 'name', 'text'),"                  \
    "('updates', 'id', 'uuid'), ('updates', 'update_operation_id', 'uuid'),"                       \
    "('updates', 'value_type', 'tracked_metrics'), ('updates', 'value', 'numeric'),"               \
    "('updates', 'resource_type_id', 'uuid'),"                                                     \
    "('updates', 'effective_date', 'timestamp with time zone'),"                                   \
    "('updates', 'created_by', 'text'), ('updates', 'created_at', 'timestamp with time zone'),"    \
    "('updates', 'last_modified_by', 'text'),"                                                     \
    "('updates', 'last_modified_at', 'timestamp with time zone'),"                                 \
    "('updates', 'user_id', 'uuid'), ('updates', 'metadata', 'text'),"                             \
    "('addons', 'id', 'uuid'), ('addons', 'name', 'text'), ('addons', 'description', 'text'),"     \
    "('addons', 'resource_type_id', 'uuid'), ('addons', 'default_amount', 'numeric'),"             \
    "('addons', 'default_paid', 'boolean'),"                                                       \
    "('addon_rates', 'id', 'uuid'), ('addon_rates', 'addon_id', 'uuid'),"                          \
    "('addon_rates', 'effective_date', 'timestamp with time zone'),"                               \
    "('addon_rates', 'rate', 'numeric'),"                                                          \
    "('subscription_addons', 'id', 'uuid'), ('subscription_addons', 'subscription_id', 'uuid'),"   \
    "('subscription_addons', 'addon_id', 'uuid'), ('subscription_addons', 'amount', 'numeric'),"   \
    "('subscription_addons', 'paid', 'boolean'), ('subscription_addons', 'addon_rate_id', 'uuid')"

#define OR_NAME(name, place) " OR x.relname = '" name "'"

/* Without a name that has to be looked up through a schema: that fails where we may not use it. */
static const char inspect_query[] =
    "WITH expected (relation, attribute, type) AS (VALUES " COLUMNS "),"
    " relations AS (SELECT c.oid, c.relname, c.relowner, n.nspname FROM pg_catalog.pg_class c"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname IN ('public', 'qms_server') AND c.relkind IN ('r', 'p', 'v')),"
    " cyverse AS (SELECT * FROM relations WHERE nspname = 'public'"
    "  AND relname IN (SELECT relation FROM expected)),"
    " server AS (SELECT oid, pg_catalog.has_schema_privilege(oid, 'USAGE') AS usable,"
    "  pg_catalog.has_schema_privilege(oid, 'CREATE') AS creatable"
    "  FROM pg_catalog.pg_namespace WHERE nspname = 'qms_server')"
    " SELECT current_user, pg_catalog.current_database(),"
    " pg_catalog.current_setting('server_version_num'),"
    " pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(),"
    " EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'qms_server'),"
    " coalesce((SELECT pg_catalog.has_schema_privilege(oid, 'USAGE')"
    "  FROM pg_catalog.pg_namespace WHERE nspname = 'public'), true),"
    " EXISTS (SELECT FROM relations WHERE nspname = 'public' AND relname = 'schema_migrations'),"
    " (SELECT pg_catalog.has_table_privilege(oid, 'SELECT') FROM relations"
    "  WHERE nspname = 'public' AND relname = 'schema_migrations'),"
    " EXISTS (SELECT FROM cyverse WHERE relname = 'plans'),"
    " (SELECT pg_catalog.min(relname::text) FROM cyverse),"
    " (SELECT e.relation || '.' || e.attribute FROM expected e WHERE NOT EXISTS (SELECT"
    "  FROM cyverse c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped"
    "  WHERE c.relname = e.relation AND a.attname = e.attribute"
    "  AND a.atttypid = CASE e.type WHEN 'tracked_metrics' THEN (SELECT t.oid"
    "   FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    "   WHERE n.nspname = 'public' AND t.typname = e.type)"
    "   ELSE pg_catalog.to_regtype(e.type) END) LIMIT 1),"
    " (SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace"
    "  WHERE nspname = 'public'),"
    " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),"
    " (SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(oid, 'SELECT')"
    "  AND (relname = 'update_operations' OR (pg_catalog.has_table_privilege(oid, 'INSERT')"
    "   AND pg_catalog.has_table_privilege(oid, 'UPDATE')"
    "   AND pg_catalog.has_table_privilege(oid, 'DELETE')))) FROM cyverse),"
    " (SELECT pg_catalog.bool_and(pg_catalog.pg_has_role(relowner, 'USAGE')) FROM cyverse),"
    " EXISTS (SELECT FROM server), (SELECT creatable FROM server),"
    " (SELECT usable AND (SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(oid, 'SELECT')"
    "   AND (relname IN ('migrations', 'catalogue_version')"
    "    OR (pg_catalog.has_table_privilege(oid, 'INSERT')"
    "     AND pg_catalog.has_table_privilege(oid, 'UPDATE')"
    "     AND pg_catalog.has_table_privilege(oid, 'DELETE'))))"
    "   FROM relations WHERE nspname = 'qms_server') FROM server),"
    " EXISTS (SELECT FROM relations WHERE nspname = 'qms_server' AND relname = 'migrations'),"
    " (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t JOIN cyverse c ON c.oid = t.tgrelid"
    "  WHERE t.tgname = 'qms_catalogue_changed' AND t.tgenabled IN ('O', 'A')),"
    " (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i JOIN cyverse c ON c.oid = i.indrelid"
    "  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    "  WHERE i.indisvalid AND (false" POSTGRES_INDEXES(OR_NAME) "))";

static bool is_true(const PGresult *row, int column) {
    return PQgetvalue(row, 0, column)[0] == 't';
}

static int64_t integer_of(const PGresult *row, int column) {
    return strtoll(PQgetvalue(row, 0, column), NULL, 10);
}

static bool read_version(PGconn *connection, struct postgres_found *found,
                         struct qms_error *error) {
    PGresult *row = postgres_row(connection,
                                 "SELECT pg_catalog.count(*), pg_catalog.max(version),"
                                 " pg_catalog.bool_or(dirty) FROM public.schema_migrations",
                                 error);
    if (row == NULL) return false;
    found->has_version = integer_of(row, 0) > 0;
    found->has_versions = integer_of(row, 0) > 1;
    found->version = integer_of(row, 1);
    found->is_dirty = is_true(row, 2);
    PQclear(row);
    return true;
}

static bool read_server_version(PGconn *connection, struct postgres_found *found,
                                struct qms_error *error) {
    PGresult *row = postgres_row(
        connection, "SELECT coalesce(pg_catalog.max(version), 0)"
                    " FROM qms_server.migrations", error);
    if (row == NULL) return false;
    found->server_version = (int)integer_of(row, 0);
    PQclear(row);
    return true;
}

bool postgres_inspect(PGconn *connection, struct postgres_found *found, struct qms_error *error) {
    *found = (struct postgres_found){0};
    PGresult *row = postgres_row(connection, inspect_query, error);
    if (row == NULL) return false;
    int column = 0;
    snprintf(found->role, sizeof found->role, "%s", PQgetvalue(row, 0, column++));
    snprintf(found->database, sizeof found->database, "%s", PQgetvalue(row, 0, column++));
    found->product_version = integer_of(row, column++);
    snprintf(found->encoding, sizeof found->encoding, "%s", PQgetvalue(row, 0, column++));
    found->is_standby = is_true(row, column++);
    found->role_named_as_schema = is_true(row, column++);
    found->may_use_public = is_true(row, column++);
    found->has_migrations = is_true(row, column++);
    found->may_read_version = is_true(row, column++);
    found->has_plans = is_true(row, column++);
    snprintf(found->table, sizeof found->table, "%s", PQgetvalue(row, 0, column++));
    snprintf(found->missing_column, sizeof found->missing_column, "%s",
             PQgetvalue(row, 0, column++));
    found->may_create_in_public = is_true(row, column++);
    found->may_create_schema = is_true(row, column++);
    found->may_use_tables = is_true(row, column++);
    found->owns_tables = is_true(row, column++);
    found->has_server = is_true(row, column++);
    found->may_create_in_server = is_true(row, column++);
    found->may_use_server = is_true(row, column++);
    found->has_server_migrations = is_true(row, column++);
    found->triggers = (int)integer_of(row, column++);
    found->indexes = (int)integer_of(row, column++);
    PQclear(row);
    /* What we may not read is refused when it is judged. */
    if (found->may_use_public && found->may_read_version &&
        !read_version(connection, found, error)) return false;
    if (!found->has_server_migrations || !found->may_use_server) return true;
    return read_server_version(connection, found, error);
}

bool postgres_is_fresh(const struct postgres_found *found) {
    return !found->has_version && !found->has_plans;
}

static bool refuse(struct qms_error *error, const struct postgres_found *found, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

/* Refusals name the database: the log of a node may speak of several. */
static bool refuse(struct qms_error *error, const struct postgres_found *found, const char *format,
                   ...) {
    char text[QMS_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return qms_fail(error, QMS_CONFLICT, "database %s: %s", found->database, text);
}

static bool judge_place(const struct postgres_found *found, struct qms_error *error) {
    if (found->product_version < PRODUCT_VERSION_MIN)
        return refuse(error, found, "PostgreSQL 12 or newer is needed, this is %" PRId64,
                      found->product_version / 10000);
    /* Others cannot store every name. */
    if (strcmp(found->encoding, "UTF8") != 0 && strcmp(found->encoding, "SQL_ASCII") != 0)
        return refuse(error, found, "its encoding is %s; dump it and restore it into a database"
                      " made with ENCODING 'UTF8'", found->encoding);
    if (found->is_standby)
        return refuse(error, found, "this server is a standby; connect to the primary"
                      " (target_session_attrs=read-write)");
    if (found->role_named_as_schema)
        return refuse(error, found, "a role is called qms_server, and would find our tables in"
                      " the place of its own; rename it: ALTER ROLE qms_server RENAME TO ...;");
    return true;
}

static bool judge_version(const struct postgres_found *found, struct qms_error *error) {
    if (!found->may_use_public)
        return refuse(error, found, "an administrator must run: GRANT USAGE ON SCHEMA public TO"
                      " \"%s\";", found->role);
    if (found->has_migrations && !found->may_read_version)
        return refuse(error, found, "role \"%s\" may not read it; an administrator must run:"
                      " GRANT SELECT ON public.schema_migrations TO \"%s\";",
                      found->role, found->role);
    if (found->has_version && found->is_dirty)
        return refuse(error, found, "its migration to version %" PRId64 " failed half-way (dirty);"
                      " repair it with the CyVerse migration program first", found->version);
    if (found->has_version && found->version > CYVERSE_VERSION)
        return refuse(error, found, "it is at version %" PRId64 " of the CyVerse migrations, newer"
                      " than the 17 that this qms knows; use a newer qms", found->version);
    if (found->has_versions)
        return refuse(error, found, "schema_migrations has several rows, so that it does not say"
                      " which version this is; leave the right one");
    if (found->has_version && found->version < CYVERSE_VERSION)
        return refuse(error, found, "it is at version %" PRId64 " of the CyVerse migrations; bring"
                      " it to 17 with the CyVerse migration program first", found->version);
    if (!found->has_version && found->has_plans)
        return refuse(error, found, "it has the table plans, but schema_migrations does not say"
                      " which version it is; restore that row, or use an empty database");
    if (postgres_is_fresh(found) && found->table[0] != '\0')
        return refuse(error, found, "it has the table %s and is no database of the CyVerse"
                      " services; use an empty one", found->table);
    if (found->has_version && found->missing_column[0] != '\0')
        return refuse(error, found, "schema_migrations says version 17, but the column %s is"
                      " missing or of another type; repair it first", found->missing_column);
    return true;
}

static bool judge_rights(const struct postgres_found *found, struct qms_error *error) {
    const char *role = found->role;
    bool fresh = postgres_is_fresh(found);
    if (fresh && !found->may_create_in_public)
        return refuse(error, found, "it is empty, and role \"%s\" may not create tables; an"
                      " administrator must run: GRANT CREATE ON SCHEMA public TO \"%s\";", role,
                      role);
    if (!fresh && !found->may_use_tables)
        return refuse(error, found, "an administrator must run: GRANT SELECT, INSERT, UPDATE,"
                      " DELETE ON ALL TABLES IN SCHEMA public TO \"%s\";", role);
    if (!found->has_server && !found->may_create_schema)
        return refuse(error, found, "an administrator must run: CREATE SCHEMA qms_server"
                      " AUTHORIZATION \"%s\";", role);
    if (!found->has_server) return true;
    if (!found->has_server_migrations && !found->may_create_in_server)
        return refuse(error, found, "an administrator must run: GRANT USAGE, CREATE ON SCHEMA"
                      " qms_server TO \"%s\";", role);
    if (found->has_server_migrations && !found->may_use_server)
        return refuse(error, found, "an administrator must run: GRANT USAGE ON SCHEMA qms_server"
                      " TO \"%s\"; GRANT ALL ON ALL TABLES IN SCHEMA qms_server TO \"%s\";",
                      role, role);
    return true;
}

static bool judge_server(const struct postgres_found *found, struct qms_error *error) {
    int newest = (int)postgres_migrations_count;
    if (found->server_version > newest)
        return refuse(error, found, "a newer qms has been here (version %d of qms_server, this one"
                      " knows %d); use that", found->server_version, newest);
    if (found->has_server_migrations && found->server_version < newest &&
        !found->may_create_in_server)
        return refuse(error, found, "run qms migrate as the role that owns the schema qms_server:"
                      " it is of an older version");
    return true;
}

bool postgres_judge(const struct postgres_found *found, struct qms_error *error) {
    return judge_place(found, error) && judge_version(found, error) &&
           judge_rights(found, error) && judge_server(found, error);
}
