#include "store/store_postgres_migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/migration.h"
#include "store/store_postgres_migrate_private.h"

/* How long another migration is waited for, and how often it is looked at. */
static const int64_t LOCK_WAIT_US = 60 * INT64_C(1000000);
static const int64_t LOCK_LOOK_US = 100000;

/* Changes of the catalogue that have been counted one by one are folded into the base above this
 * many: reading the version counts them. */
#define FOLD_AFTER "100"

/* ---- statements ---- */

static void fail_by_state(PGconn *connection, const PGresult *result, const char *what,
                          struct qms_error *error) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    log_format(LOG_ERROR, "store: cannot %s: %s", what, PQerrorMessage(connection));
    if (state != NULL && (strcmp(state, "55P03") == 0 || strcmp(state, "57014") == 0)) {
        qms_fail(error, QMS_UNAVAILABLE, "cannot %s: somebody else uses the tables; try again",
                 what);
    } else if (state != NULL && strcmp(state, "42501") == 0) {
        qms_fail(error, QMS_FORBIDDEN, "cannot %s: the role may not, see the log", what);
    } else {
        qms_fail(error, QMS_UNAVAILABLE, "cannot %s, see the log", what);
    }
}

bool postgres_run(PGconn *connection, const char *statements, const char *what,
                  struct qms_error *error) {
    PGresult *result = PQexec(connection, statements);
    ExecStatusType status = PQresultStatus(result);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!done) fail_by_state(connection, result, what, error);
    PQclear(result);
    return done;
}

PGresult *postgres_row(PGconn *connection, const char *query, struct qms_error *error) {
    PGresult *result = PQexec(connection, query);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) return result;
    fail_by_state(connection, result, "look at the database", error);
    PQclear(result);
    return NULL;
}

/* ---- one at a time ---- */

/* The checksum of IEEE 802.3, bit by bit: it is asked for once. */
static uint32_t crc32_of(const char *bytes, size_t length) {
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        sum ^= (uint8_t)bytes[i];
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (UINT32_C(0xedb88320) & -(sum & 1));
    }
    return ~sum;
}

/* The lock that the CyVerse migration program takes for this database; so one waits for the other,
 * too. */
static uint32_t lock_key(const char *database) {
    char name[POSTGRES_NAME_MAX + 32];
    int length = snprintf(name, sizeof name, "public%cschema_migrations%c%s", '\0', '\0', database);
    return crc32_of(name, (size_t)length) * UINT32_C(1486364155);
}

static bool lock(PGconn *connection, uint32_t key, struct qms_error *error) {
    int64_t deadline_us = clock_monotonic_us() + LOCK_WAIT_US;
    char query[96];
    snprintf(query, sizeof query, "SELECT pg_catalog.pg_try_advisory_lock(%" PRIu32 ")", key);
    for (;;) {
        /* Asked again and again: who waits inside a statement holds a snapshot, and an index that
         * is made beside others waits for every snapshot. */
        PGresult *row = postgres_row(connection, query, error);
        if (row == NULL) return false;
        bool locked = PQgetvalue(row, 0, 0)[0] == 't';
        PQclear(row);
        if (locked) return true;
        if (clock_monotonic_us() > deadline_us)
            return qms_fail(error, QMS_UNAVAILABLE,
                            "another program has been migrating this database for a minute; try"
                            " again when it is done");
        const struct timespec pause = {.tv_nsec = LOCK_LOOK_US * 1000};
        nanosleep(&pause, NULL);
    }
}

static void unlock(PGconn *connection, uint32_t key) {
    char query[96];
    snprintf(query, sizeof query, "SELECT pg_catalog.pg_advisory_unlock(%" PRIu32 ")", key);
    postgres_run(connection, query, "unlock the database", NULL);
}

/* ---- building ---- */

static const struct {
    const char *name;    /* as in a statement */
    bool is_needed;
} extensions[] = {
    {"\"uuid-ossp\"", true}, {"moddatetime", true}, {"insert_username", true},
    {"btree_gist", false}, /* the CyVerse instructions ask for it, nothing uses it */
};

/* A role that may not create an extension leaves it to an administrator. */
static bool make_extension(PGconn *connection, const char *name) {
    char statements[128];
    PQclear(PQexec(connection, "SAVEPOINT extension"));
    snprintf(statements, sizeof statements,
             "CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA public", name);
    PGresult *result = PQexec(connection, statements);
    bool made = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    PQclear(PQexec(connection, made ? "RELEASE SAVEPOINT extension"
                                    : "ROLLBACK TO SAVEPOINT extension"));
    return made;
}

/* The tables call its functions without a schema. */
static bool is_in_public(PGconn *connection, const char *name) {
    char query[256];
    snprintf(query, sizeof query,
             "SELECT 1 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
             " ON n.oid = e.extnamespace WHERE n.nspname = 'public'"
             " AND pg_catalog.quote_ident(e.extname) = '%s'", name);
    PGresult *result = PQexec(connection, query);
    bool found = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    PQclear(result);
    return found;
}

static bool make_extensions(PGconn *connection, struct qms_error *error) {
    char missing[QMS_ERROR_TEXT_MAX] = "";
    bool complete = true;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        const char *name = extensions[i].name;
        bool made = make_extension(connection, name);
        if (made && is_in_public(connection, name)) continue;
        size_t length = strlen(missing);
        snprintf(missing + length, sizeof missing - length,
                 made ? " ALTER EXTENSION %s SET SCHEMA public;" : " CREATE EXTENSION %s;", name);
        complete = complete && !extensions[i].is_needed;
    }
    if (complete) return true;
    return qms_fail(error, QMS_FORBIDDEN, "in this database an administrator must run:%s", missing);
}

static bool build_cyverse(PGconn *connection, struct qms_error *error) {
    /* Effective dates of the first rows are midnight in the time zone of who writes them. */
    bool built = postgres_run(connection,
                              "SET LOCAL search_path = public, pg_catalog;"
                              " SET LOCAL timezone = 'UTC'",
                              "begin the tables", error) &&
                 make_extensions(connection, error);
    for (size_t i = 0; built && i < postgres_cyverse_count; i++)
        built = postgres_run(connection, postgres_cyverse[i].text, "make the tables", error);
    return built && postgres_make_indexes(connection, error);
}

static bool build_server(PGconn *connection, const struct postgres_found *found,
                         struct qms_error *error) {
    if (!found->has_server &&
        !postgres_run(connection, "CREATE SCHEMA qms_server", "make qms_server", error))
        return false;
    if (!found->has_server_migrations &&
        !postgres_run(connection,
                      "CREATE TABLE qms_server.migrations (version integer NOT NULL PRIMARY KEY,"
                      " applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp())",
                      "make qms_server", error))
        return false;
    for (size_t i = (size_t)found->server_version; i < postgres_migrations_count; i++) {
        char record[96];
        snprintf(record, sizeof record, "INSERT INTO qms_server.migrations (version) VALUES (%d)",
                 postgres_migrations[i].version);
        if (!postgres_run(connection, postgres_migrations[i].text, "migrate qms_server", error) ||
            !postgres_run(connection, record, "migrate qms_server", error))
            return false;
    }
    return true;
}

static bool begin(PGconn *connection, struct qms_error *error) {
    return postgres_run(connection, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                        "begin a migration", error);
}

/* Commits what was built, or takes it back. */
static bool finish(PGconn *connection, bool built, struct qms_error *error) {
    if (built) return postgres_run(connection, "COMMIT", "commit a migration", error);
    PQclear(PQexec(connection, "ROLLBACK"));
    return false;
}

/* One transaction: all of it is there, or nothing. */
static bool build(PGconn *connection, const struct postgres_found *found,
                  struct qms_error *error) {
    if (!begin(connection, error)) return false;
    bool fresh = postgres_is_fresh(found);
    bool built = (!fresh || build_cyverse(connection, error)) &&
                 build_server(connection, found, error) &&
                 (!fresh || postgres_make_triggers(connection, error));
    return finish(connection, built, error);
}

/* Beside others who use the tables; what does not work out now is tried at the next start. */
static int add_extras(PGconn *connection, const struct postgres_found *found) {
    struct qms_error error;
    if (found->triggers < postgres_trigger_count && begin(connection, &error) &&
        !finish(connection, postgres_make_triggers(connection, &error), &error))
        log_format(LOG_WARNING, "store: the triggers on the catalogue could not be made now");
    return found->indexes < postgres_index_count ? postgres_add_indexes(connection) : 0;
}

static bool fold_catalogue_changes(PGconn *connection, struct qms_error *error) {
    return postgres_run(
        connection,
        "WITH folded AS (DELETE FROM qms_server.catalogue_changes WHERE"
        " (SELECT pg_catalog.count(*) FROM qms_server.catalogue_changes) > " FOLD_AFTER
        " RETURNING 1) UPDATE qms_server.catalogue_base SET version = version +"
        " (SELECT pg_catalog.count(*) FROM folded) WHERE EXISTS (SELECT FROM folded)",
        "count the changes of the catalogue", error);
}

static bool is_complete(const struct postgres_found *found) {
    return !postgres_is_fresh(found) && found->server_version == (int)postgres_migrations_count &&
           (!found->owns_tables || (found->triggers == postgres_trigger_count &&
                                    found->indexes == postgres_index_count));
}

/* With the lock held, so what is looked at stays as it is. */
static bool prepare_locked(PGconn *connection, struct postgres_found *found,
                           struct postgres_schema *schema, struct qms_error *error) {
    if (!postgres_inspect(connection, found, error) || !postgres_judge(found, error)) return false;
    if (is_complete(found)) return true; /* another node was faster */
    int triggers = found->triggers, indexes = found->indexes;
    schema->was_created = postgres_is_fresh(found);
    schema->version_before = found->server_version;
    if (!build(connection, found, error)) return false;
    if (!schema->was_created && found->owns_tables) add_extras(connection, found);
    if (!postgres_inspect(connection, found, error)) return false;
    schema->triggers_made = found->triggers - triggers;
    schema->indexes_made = found->indexes - indexes;
    return true;
}

static void warn(const struct postgres_found *found) {
    if (found->owns_tables) return;
    if (found->triggers < postgres_trigger_count)
        log_format(LOG_WARNING,
                   "store: role %s does not own the tables, so there are no triggers on the"
                   " catalogue: it is read with every batch",
                   found->role);
    if (found->indexes < postgres_index_count)
        log_format(LOG_WARNING,
                   "store: role %s does not own the tables, so %d indexes are missing: reading one"
                   " user's rows reads whole tables; run qms migrate as their owner",
                   found->role, postgres_index_count - found->indexes);
}

static bool prepare(PGconn *connection, struct postgres_schema *schema, struct qms_error *error) {
    struct postgres_found found;
    if (!postgres_inspect(connection, &found, error) || !postgres_judge(&found, error))
        return false;
    schema->version_before = found.server_version;
    if (!is_complete(&found)) {
        uint32_t key = lock_key(found.database);
        if (!lock(connection, key, error)) return false;
        bool prepared = prepare_locked(connection, &found, schema, error);
        unlock(connection, key);
        if (!prepared) return false;
    }
    schema->version = found.server_version;
    schema->owns_tables = found.owns_tables;
    schema->triggers = found.triggers;
    schema->indexes = found.indexes;
    schema->has_version_triggers = found.triggers == postgres_trigger_count;
    warn(&found);
    return fold_catalogue_changes(connection, error);
}

/* ---- the session ---- */

enum { SESSION_BYTES = 256 };

/* What we wait for others at most while they wait for us; making an index may take its time. */
static bool limit_waits(PGconn *connection, char before[static SESSION_BYTES],
                        struct qms_error *error) {
    PGresult *row = postgres_row(connection,
                                 "SELECT pg_catalog.current_setting('lock_timeout'),"
                                 " pg_catalog.current_setting('statement_timeout'),"
                                 " pg_catalog.current_setting('client_min_messages')",
                                 error);
    if (row == NULL) return false;
    snprintf(before, SESSION_BYTES,
             "SET lock_timeout = '%s'; SET statement_timeout = '%s';"
             " SET client_min_messages = '%s'",
             PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2));
    PQclear(row);
    return postgres_run(connection,
                        "SET lock_timeout = '2s'; SET statement_timeout = 0;"
                        " SET client_min_messages = warning",
                        "limit what is waited for", error);
}

bool postgres_prepare_schema(PGconn *connection, struct postgres_schema *schema,
                             struct qms_error *error) {
    char before[SESSION_BYTES];
    *schema = (struct postgres_schema){0};
    if (!limit_waits(connection, before, error)) return false;
    bool prepared = prepare(connection, schema, error);
    return postgres_run(connection, before, "restore the session", prepared ? error : NULL) &&
           prepared;
}

bool postgres_expect_schema(PGconn *connection, struct postgres_schema *schema,
                            struct qms_error *error) {
    struct postgres_found found;
    *schema = (struct postgres_schema){0};
    if (!postgres_inspect(connection, &found, error)) return false;
    if (postgres_is_fresh(&found) || found.server_version == 0)
        return qms_fail(error, QMS_NOT_FOUND,
                        "database %s has nothing of qms; qms serve or qms migrate prepares it",
                        found.database);
    if (!postgres_judge(&found, error)) return false;
    if (found.server_version < (int)postgres_migrations_count)
        return qms_fail(error, QMS_CONFLICT,
                        "database %s is of an older version; qms serve or qms migrate brings it up "
                        "to date", found.database);
    schema->version = schema->version_before = found.server_version;
    schema->owns_tables = found.owns_tables;
    schema->triggers = found.triggers;
    schema->indexes = found.indexes;
    schema->has_version_triggers = found.triggers == postgres_trigger_count;
    return true;
}

static bool remove_locked(PGconn *connection, struct postgres_schema *schema,
                          struct qms_error *error) {
    struct postgres_found found;
    if (!postgres_inspect(connection, &found, error)) return false;
    schema->version_before = found.server_version;
    schema->owns_tables = found.owns_tables;
    if (found.owns_tables && !postgres_drop_indexes(connection, error)) return false;
    if (!begin(connection, error)) return false;
    bool removed =
        (!found.owns_tables || postgres_drop_triggers(connection, error)) &&
        postgres_run(connection, "DROP SCHEMA IF EXISTS qms_server CASCADE", "drop qms_server",
                     error);
    if (!finish(connection, removed, error)) return false;
    schema->triggers_made = -found.triggers;
    schema->indexes_made = found.owns_tables ? -found.indexes : 0;
    schema->indexes = found.indexes + schema->indexes_made;
    return true;
}

bool postgres_remove_schema(PGconn *connection, struct postgres_schema *schema,
                            struct qms_error *error) {
    char before[SESSION_BYTES];
    *schema = (struct postgres_schema){0};
    if (!limit_waits(connection, before, error)) return false;
    uint32_t key = lock_key(PQdb(connection));
    bool removed = lock(connection, key, error);
    if (removed) {
        removed = remove_locked(connection, schema, error);
        unlock(connection, key);
    }
    return postgres_run(connection, before, "restore the session", removed ? error : NULL) &&
           removed;
}
