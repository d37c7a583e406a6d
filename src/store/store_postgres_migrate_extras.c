/* What we add to the CyVerse tables: triggers that count the changes of the catalogue, and the
 * indexes its own queries lack. */
#include <stdio.h>

#include "base/log.h"
#include "store/store_postgres_migrate_private.h"

static const char *const catalogue_tables[] = {
    "plans", "plan_rates", "resource_types", "plan_quota_defaults", "update_operations", "addons",
    "addon_rates",
};

#define NAME_AND_PLACE(name, place) {name, place},
static const struct {
    const char *name, *place;
} indexes[] = {POSTGRES_INDEXES(NAME_AND_PLACE)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const int postgres_trigger_count = COUNT(catalogue_tables);
const int postgres_index_count = COUNT(indexes);

bool postgres_make_triggers(PGconn *connection, struct qms_error *error) {
    for (size_t i = 0; i < COUNT(catalogue_tables); i++) {
        char statements[512];
        snprintf(statements, sizeof statements,
                 "DROP TRIGGER IF EXISTS qms_catalogue_changed ON public.%s;"
                 " CREATE TRIGGER qms_catalogue_changed"
                 " AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.%s"
                 " FOR EACH STATEMENT EXECUTE FUNCTION qms_server.catalogue_changed()",
                 catalogue_tables[i], catalogue_tables[i]);
        if (!postgres_run(connection, statements, "make a trigger", error)) return false;
    }
    return true;
}

bool postgres_drop_triggers(PGconn *connection, struct qms_error *error) {
    for (size_t i = 0; i < COUNT(catalogue_tables); i++) {
        char statement[160];
        snprintf(statement, sizeof statement,
                 "DROP TRIGGER IF EXISTS qms_catalogue_changed ON public.%s", catalogue_tables[i]);
        if (!postgres_run(connection, statement, "drop a trigger", error)) return false;
    }
    return true;
}

bool postgres_make_indexes(PGconn *connection, struct qms_error *error) {
    for (size_t i = 0; i < COUNT(indexes); i++) {
        char statement[256];
        snprintf(statement, sizeof statement, "CREATE INDEX %s ON public.%s", indexes[i].name,
                 indexes[i].place);
        if (!postgres_run(connection, statement, "make an index", error)) return false;
    }
    return true;
}

static bool drop_index(PGconn *connection, const char *name, struct qms_error *error) {
    char statement[160];
    snprintf(statement, sizeof statement, "DROP INDEX CONCURRENTLY IF EXISTS public.%s", name);
    return postgres_run(connection, statement, "drop an index", error);
}

/* 'v': there and usable, 'i': left by a build that was cut off, '-': not there, 0: an error */
static char state_of_index(PGconn *connection, const char *name) {
    char query[320];
    snprintf(query, sizeof query,
             "SELECT coalesce((SELECT CASE WHEN i.indisvalid THEN 'v' ELSE 'i' END"
             " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
             " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
             " WHERE n.nspname = 'public' AND c.relname = '%s'), '-')", name);
    PGresult *row = postgres_row(connection, query, NULL);
    char state = row == NULL ? '\0' : PQgetvalue(row, 0, 0)[0];
    PQclear(row);
    return state;
}

int postgres_add_indexes(PGconn *connection) {
    int made = 0;
    for (size_t i = 0; i < COUNT(indexes); i++) {
        const char *name = indexes[i].name;
        char state = state_of_index(connection, name), statement[256];
        if (state == 'v' || state == '\0') continue;
        if (state == 'i' && !drop_index(connection, name, NULL)) continue;
        snprintf(statement, sizeof statement, "CREATE INDEX CONCURRENTLY %s ON public.%s", name,
                 indexes[i].place);
        if (postgres_run(connection, statement, "make an index", NULL)) {
            made++;
            continue;
        }
        /* what it left takes time of everyone who writes, and serves nobody */
        drop_index(connection, name, NULL);
        log_format(LOG_WARNING, "store: the index %s could not be made now", name);
    }
    return made;
}

bool postgres_drop_indexes(PGconn *connection, struct qms_error *error) {
    for (size_t i = 0; i < COUNT(indexes); i++)
        if (!drop_index(connection, indexes[i].name, error)) return false;
    return true;
}
