/* store_postgres_migrate.h: the CyVerse schema of a PostgreSQL database, and what we add to it.
 *
 * In public:      the CyVerse tables at version 17 of their migrations: created when the database
 *                 is empty, else only looked at. Ours there are indexes (qms_*) and, on each table
 *                 of the catalogue, the trigger qms_catalogue_changed; only where we may make them.
 * In qms_server:  our own tables (migrations/postgres/server), with versions of their own.
 *                 catalogue_version there is a view, to be read: SELECT version FROM
 *                 qms_server.catalogue_version. Nobody writes it: the triggers count every change,
 *                 ours too. Without the triggers it says nothing.
 *
 * Cheap when there is nothing to do. Two nodes that start at once do it once. No lock that the
 * CyVerse services would wait for is waited for longer than two seconds. */
#ifndef QMS_STORE_STORE_POSTGRES_MIGRATE_H
#define QMS_STORE_STORE_POSTGRES_MIGRATE_H

#include <libpq-fe.h>

#include "base/error.h"

struct postgres_schema {
    bool has_version_triggers; /* on every table of the catalogue; without them read it each time */
    bool owns_tables;          /* so that triggers and indexes can be made */
    bool was_created;          /* by this call: the CyVerse tables */
    int version_before;        /* of qms_server; 0: it was not there */
    int version;
    int triggers, triggers_made;
    int indexes, indexes_made;
};

/* In a session of its own server process (no pooling by transaction), outside a transaction, not in
 * pipeline mode. Leaves the session's settings as they were. False: the error says what to do, and
 * nothing was altered; what could not be added (triggers, indexes) is only a warning in the log. */
bool postgres_prepare_schema(PGconn *connection, struct postgres_schema *schema,
                             struct qms_error *error);

/* For a tool beside servers: reads what is there, and refuses what the function above would alter
 * before a server could start. */
QMS_MUST_CHECK bool postgres_expect_schema(PGconn *connection, struct postgres_schema *schema,
                                           struct qms_error *error);

/* Takes away everything of ours, keys and batches too; the CyVerse tables stay. No server may be
 * running. False: an error; what was not removed yet is removed by calling again. */
bool postgres_remove_schema(PGconn *connection, struct postgres_schema *schema,
                            struct qms_error *error);

#endif
