#include "store/store_migrate.h"

#include "store/store_url.h"

bool store_migrate(const char *url, struct arena *arena, struct text *out,
                   struct qms_error *error) {
    enum store_kind kind;
    if (!store_url_read(url, &kind, error)) return false;
    return kind == STORE_SQLITE ? store_sqlite_report_migration(url, arena, out, error)
                                : store_postgres_report_migration(url, arena, out, error);
}

bool store_migrate_remove(const char *url, struct arena *arena, struct text *out,
                          struct qms_error *error) {
    enum store_kind kind;
    if (!store_url_read(url, &kind, error)) return false;
    if (kind == STORE_SQLITE)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "an SQLite file is the server's own as a whole: remove the file instead");
    return store_postgres_report_removal(url, arena, out, error);
}
