#include "store/store_migrate.h"

#include <string.h>

typedef bool report_function(const char *url, struct arena *arena, struct text *report,
                             struct qms_error *error);

static bool refuse_removal(const char *url, struct arena *arena, struct text *report,
                           struct qms_error *error) {
    (void)url, (void)arena, (void)report;
    return qms_fail(error, QMS_BAD_REQUEST,
                    "an SQLite file is the server's own as a whole: remove the file instead");
}

static const struct {
    const char *scheme;
    report_function *migrate, *remove;
} kinds[] = {
    {"sqlite:", store_sqlite_report_migration, refuse_removal},
    {"postgresql://", store_postgres_report_migration, store_postgres_report_removal},
    {"postgres://", store_postgres_report_migration, store_postgres_report_removal},
};

static bool report(const char *url, bool removes, struct arena *arena, struct text *out,
                   struct qms_error *error) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(url, kinds[i].scheme, strlen(kinds[i].scheme)) != 0) continue;
        return (removes ? kinds[i].remove : kinds[i].migrate)(url, arena, out, error);
    }
    return qms_fail(error, QMS_BAD_REQUEST,
                    "unknown kind of store \"%.*s\": use sqlite:PATH or postgresql://...",
                    (int)strcspn(url, ":"), url);
}

bool store_migrate(const char *url, struct arena *arena, struct text *out,
                   struct qms_error *error) {
    return report(url, false, arena, out, error);
}

bool store_migrate_remove(const char *url, struct arena *arena, struct text *out,
                          struct qms_error *error) {
    return report(url, true, arena, out, error);
}
