#include <sqlite3.h>
#include <stdio.h>

#include "base/log.h"
#include "store/migration.h"
#include "store/store_migrate.h"
#include "store/store_sqlite.h"
#include "store/store_url.h"

/* One transaction: either the tables and the version are new, or neither. The first also marks the
 * file as ours. */
static bool migrate_by(struct store_sqlite *sqlite, const struct migration *migration,
                       struct qms_error *error) {
    char mark[128];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             SQLITE_APPLICATION_ID, migration->version);
    bool migrated =
        store_sqlite_execute(sqlite->connection, "BEGIN IMMEDIATE", "begin a migration", error) &&
        store_sqlite_execute(sqlite->connection, migration->text, migration->name, error) &&
        store_sqlite_execute(sqlite->connection, mark, "commit a migration", error);
    if (!migrated && sqlite3_get_autocommit(sqlite->connection) == 0) {
        store_sqlite_execute(sqlite->connection, "ROLLBACK", "roll back a migration", NULL);
    }
    return migrated;
}

bool store_sqlite_migrate(struct store_sqlite *sqlite, struct qms_error *error) {
    int64_t version;
    if (!store_sqlite_integer(sqlite->connection, "PRAGMA user_version", &version, error)) {
        return false;
    }
    sqlite->version_before = version;
    if (sqlite->beside && version < (int64_t)sqlite_migrations_count)
        return qms_fail(error, QMS_CONFLICT,
                        "%s is of an older version; qms serve or qms migrate brings it up to date",
                        sqlite->file.path);
    for (size_t i = (size_t)version; i < sqlite_migrations_count; i++) {
        if (!migrate_by(sqlite, &sqlite_migrations[i], error)) return false;
    }
    if (version > 0 && version < (int64_t)sqlite_migrations_count) {
        log_format(LOG_INFO, "store: migrated from version %lld to %zu", (long long)version,
                   sqlite_migrations_count);
    }
    return true;
}

bool store_sqlite_report_migration(const char *url, struct arena *arena, struct text *report,
                                   struct qms_error *error) {
    const struct store_options options = {.url = url, .clock = &clock_system};
    struct store *store = store_sqlite_open(&options, error);
    if (store == NULL) return false;
    const char *path = store_url_path(url);
    int version = (int)sqlite_migrations_count;
    int before = (int)store_sqlite_of(store)->version_before;
    if (before == version)
        *report = arena_format(arena, "%s: up to date, version %d\n", path, version);
    else if (before == 0)
        *report = arena_format(arena, "%s: created, version %d\n", path, version);
    else
        *report = arena_format(arena, "%s: migrated from version %d to %d\n", path, before,
                               version);
    store->ops->close(store);
    return true;
}
