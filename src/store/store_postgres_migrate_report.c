/* Preparing a PostgreSQL database, or leaving it, for its own sake. */
#include "base/buffer.h"
#include "store/store_migrate.h"
#include "store/store_postgres_migrate_private.h"
#include "store/store_postgres_session.h"

enum { REPORT_BYTES_MAX = 4096 };

static struct text report_of(struct buffer *buffer, struct arena *arena) {
    struct text report = arena_text(arena, buffer_text(buffer));
    buffer_close(buffer);
    return report;
}

static struct text describe(const struct postgres_schema *schema, const char *database,
                            struct arena *arena) {
    struct buffer buffer;
    buffer_init(&buffer, REPORT_BYTES_MAX);
    if (schema->was_created)
        buffer_format(&buffer, "%s: created the CyVerse tables, version 17\n", database);
    else
        buffer_format(&buffer, "%s: the CyVerse tables are at version 17, as they were\n",
                      database);
    if (schema->version_before == schema->version)
        buffer_format(&buffer, "schema qms_server: up to date, version %d\n", schema->version);
    else if (schema->version_before == 0)
        buffer_format(&buffer, "schema qms_server: created, version %d\n", schema->version);
    else
        buffer_format(&buffer, "schema qms_server: migrated from version %d to %d\n",
                      schema->version_before, schema->version);
    buffer_format(&buffer, "triggers on the catalogue: %d of %d, %d of them new\n",
                  schema->triggers, postgres_trigger_count, schema->triggers_made);
    buffer_format(&buffer, "indexes: %d of %d, %d of them new\n", schema->indexes,
                  postgres_index_count, schema->indexes_made);
    if (!schema->owns_tables)
        buffer_put_text(&buffer, TEXT("this role does not own the tables; triggers and indexes "
                                      "are made by running this as their owner\n"));
    return report_of(&buffer, arena);
}

static PGconn *connect_session(const char *url, struct qms_error *error) {
    PGconn *connection = postgres_connect(url, error);
    if (connection == NULL || postgres_refuse_shared_sessions(connection, url, error))
        return connection;
    PQfinish(connection);
    return NULL;
}

bool store_postgres_report_migration(const char *url, struct arena *arena, struct text *report,
                                     struct qms_error *error) {
    struct postgres_schema schema;
    PGconn *connection = connect_session(url, error);
    if (connection == NULL) return false;
    bool prepared = postgres_prepare_schema(connection, &schema, error);
    if (prepared) *report = describe(&schema, PQdb(connection), arena);
    PQfinish(connection);
    return prepared;
}

bool store_postgres_report_removal(const char *url, struct arena *arena, struct text *report,
                                   struct qms_error *error) {
    struct postgres_schema schema;
    PGconn *connection = connect_session(url, error);
    if (connection == NULL) return false;
    bool removed = postgres_remove_schema(connection, &schema, error);
    if (removed) {
        struct buffer buffer;
        buffer_init(&buffer, REPORT_BYTES_MAX);
        buffer_format(&buffer, "%s: removed %s, %d triggers, %d indexes\n", PQdb(connection),
                      schema.version_before > 0 ? "the schema qms_server" : "no schema",
                      -schema.triggers_made, -schema.indexes_made);
        if (schema.indexes > 0)
            buffer_format(&buffer, "%d indexes stay: run this as the owner of the tables\n",
                          schema.indexes);
        buffer_put_text(&buffer, TEXT("the CyVerse tables are as they were\n"));
        *report = report_of(&buffer, arena);
    }
    PQfinish(connection);
    return removed;
}
