/* migration.h: one step from an older form of a store to the next, carried inside the program.
 * The sources are migrations/NAME/NNNN_title.sql; script/embed.py makes the tables below. Versions
 * go 1, 2, 3 without gaps, so a table's count is its newest version. */
#ifndef QMS_STORE_MIGRATION_H
#define QMS_STORE_MIGRATION_H

#include <stddef.h>

struct migration {
    int version;
    const char *name;
    const char *text; /* statements, run in one transaction together with the new version */
};

extern const struct migration sqlite_migrations[];
extern const size_t sqlite_migrations_count;

/* PostgreSQL: the CyVerse schema, as a whole, and our own versions of the schema qms_server. */
extern const struct migration postgres_cyverse[];
extern const size_t postgres_cyverse_count;
extern const struct migration postgres_migrations[];
extern const size_t postgres_migrations_count;

#endif
