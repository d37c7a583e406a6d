/* store_migrate.h: bringing a store up to date without serving it, and leaving a database as it was
 * before qms came. What was done is reported in sentences for people, a line each. */
#ifndef QMS_STORE_STORE_MIGRATE_H
#define QMS_STORE_STORE_MIGRATE_H

#include "base/arena.h"
#include "base/error.h"

/* The report lies in the arena. False: the error says what to do, and nothing was altered. */
bool store_migrate(const char *url, struct arena *arena, struct text *report,
                   struct qms_error *error);
/* Only where the tables are not ours alone: PostgreSQL. */
bool store_migrate_remove(const char *url, struct arena *arena, struct text *report,
                          struct qms_error *error);

/* One pair per back end; the two above choose, and have read the URL (store_url.h). */
bool store_sqlite_report_migration(const char *url, struct arena *arena, struct text *report,
                                   struct qms_error *error);
bool store_postgres_report_migration(const char *url, struct arena *arena, struct text *report,
                                     struct qms_error *error);
bool store_postgres_report_removal(const char *url, struct arena *arena, struct text *report,
                                   struct qms_error *error);

#endif
