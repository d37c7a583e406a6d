/* Whole tables in and out of a PostgreSQL database: out row by row, in with COPY. */
#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/log.h"
#include "store/migration.h"
#include "store/store_postgres_migrate_private.h"
#include "store/store_postgres_session.h"
#include "store/store_rows.h"

/* Between the beginnings of our years and the server's, and of the Julian days and ours. */
static const int64_t EPOCH_US = INT64_C(946684800000000);
static const int64_t JULIAN_DAYS = 2440588;
static const int64_t DAY_US = INT64_C(86400000000);

enum { CYVERSE_VERSION = 17, PIECE_BYTES = 65536, PIECE_BYTES_MAX = 64 << 20 };

struct postgres_rows {
    struct store_rows base;
    PGconn *connection;
    bool has_server;       /* our own schema: a database that no server of ours has seen has none */
    const char *letters;   /* of the query, or of the table being filled */
    const char *table;
    PGresult *row;         /* the one given last */
    struct buffer piece;   /* lines of COPY to be sent */
};

static struct postgres_rows *rows_of(struct store_rows *rows) {
    return (struct postgres_rows *)rows;
}

/* What the server says is for the log; its class tells people enough. */
static bool fail(struct postgres_rows *rows, const PGresult *result, const char *doing,
                 struct qms_error *error) {
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message =
        result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    log_format(LOG_ERROR, "store: cannot %s: %s (%s)", doing,
               message == NULL ? PQerrorMessage(rows->connection) : message,
               state == NULL ? "no answer" : state);
    if (PQstatus(rows->connection) != CONNECTION_OK)
        return qms_fail(error, QMS_UNAVAILABLE, "the connection to the database was lost");
    if (state != NULL && strcmp(state, "42501") == 0)
        return qms_fail(error, QMS_FORBIDDEN, "no permission to %s, see the log", doing);
    if (state != NULL && strcmp(state, "55P03") == 0)
        return qms_fail(error, QMS_UNAVAILABLE, "the tables are in use by another program");
    return qms_fail(error, QMS_INTERNAL, "cannot %s, see the log", doing);
}

static bool run(struct postgres_rows *rows, const char *text, const char *doing,
                struct qms_error *error) {
    PGresult *result = PQexec(rows->connection, text);
    ExecStatusType status = PQresultStatus(result);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!done) fail(rows, result, doing, error);
    PQclear(result);
    return done;
}

/* ---- reading ---- */

static bool query_text(struct postgres_rows *rows, const char *text, const char *letters,
                       const int64_t *moment_us, struct qms_error *error) {
    uint64_t wire = moment_us == NULL ? 0 : htobe64((uint64_t)(*moment_us - EPOCH_US));
    const char *values[] = {(const char *)&wire};
    const int lengths[] = {sizeof wire}, formats[] = {1};
    rows->letters = letters;
    if (PQsendQueryParams(rows->connection, text, moment_us != NULL, NULL, values, lengths,
                          formats, 1) == 1 &&
        PQsetSingleRowMode(rows->connection) == 1)
        return true;
    return fail(rows, NULL, "read rows", error);
}

static bool rows_query(struct store_rows *base, const char *sql, const char *letters,
                       int64_t moment_us, struct qms_error *error) {
    char text[ROWS_SQL_BYTES_MAX];
    rows_expand(sql, "public.", "$1::timestamptz", text);
    return query_text(rows_of(base), text, letters, strchr(sql, '?') == NULL ? NULL : &moment_us,
                      error);
}

static bool rows_has(struct store_rows *base, const struct rows_table *table) {
    return rows_of(base)->has_server ||
           strncmp(table->postgres, "public.", strlen("public.")) == 0;
}

static bool rows_read(struct store_rows *base, const struct rows_table *table,
                      struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    char text[ROWS_SQL_BYTES_MAX];
    rows_select(table, table->postgres, text);
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, "%s ORDER BY %s", table->postgres_where,
             table->order);
    return query_text(rows, text, table->letters, NULL, error);
}

static int64_t time_of(int64_t server_us, struct rows_value *value) {
    int64_t at_us;
    if (server_us == INT64_MIN || server_us == INT64_MAX) return server_us; /* infinite */
    value->is_broken = __builtin_add_overflow(server_us, EPOCH_US, &at_us);
    return value->is_broken ? 0 : at_us;
}

static int64_t integer_of(const char *data, int length, struct rows_value *value) {
    uint64_t wide;
    uint32_t narrow;
    switch (length) {
    case 1:
        return data[0];
    case 4:
        memcpy(&narrow, data, sizeof narrow);
        return (int32_t)be32toh(narrow);
    case 8:
        memcpy(&wide, data, sizeof wide);
        return (int64_t)be64toh(wide);
    default:
        value->is_broken = true;
        return 0;
    }
}

static void take_value(const PGresult *row, int column, char letter, struct rows_value *value) {
    *value = (struct rows_value){.is_null = PQgetisnull(row, 0, column) == 1};
    if (value->is_null) return;
    const char *data = PQgetvalue(row, 0, column);
    int length = PQgetlength(row, 0, column);
    if (strchr("ibz", letter) != NULL) {
        value->integer = integer_of(data, length, value);
        if (letter == 'z') value->integer = time_of(value->integer, value);
        return;
    }
    value->text = (struct text){data, (size_t)length};
    if (letter != 'u') return;
    value->is_broken = length != (int)sizeof value->uuid.bytes;
    if (!value->is_broken) memcpy(value->uuid.bytes, data, sizeof value->uuid.bytes);
}

static bool rows_next(struct store_rows *base, struct rows_value *values, bool *more,
                      struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    PQclear(rows->row);
    rows->row = NULL;
    *more = false;
    rows->row = PQgetResult(rows->connection);
    ExecStatusType status = PQresultStatus(rows->row);
    if (status == PGRES_SINGLE_TUPLE) {
        *more = true;
        assert(PQnfields(rows->row) == (int)strlen(rows->letters));
        for (int i = 0; rows->letters[i] != '\0'; i++)
            take_value(rows->row, i, rows->letters[i], &values[i]);
        return true;
    }
    bool ended = status == PGRES_TUPLES_OK;
    if (!ended) fail(rows, rows->row, "read rows", error);
    PQclear(rows->row);
    rows->row = NULL;
    for (PGresult *rest; (rest = PQgetResult(rows->connection)) != NULL;)
        PQclear(rest);
    return ended;
}

/* ---- filling ---- */

static bool rows_clear(struct store_rows *base, const struct rows_table *table,
                       struct qms_error *error) {
    char text[128];
    snprintf(text, sizeof text, "DELETE FROM %s", table->postgres);
    return run(rows_of(base), text, "clear a table", error);
}

static bool rows_put_begin(struct store_rows *base, const struct rows_table *table,
                           struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    char text[512];
    rows->letters = table->letters;
    rows->table = table->name;
    buffer_reset(&rows->piece);
    snprintf(text, sizeof text, "COPY %s (%s) FROM STDIN", table->postgres, table->columns);
    PGresult *result = PQexec(rows->connection, text);
    bool begun = PQresultStatus(result) == PGRES_COPY_IN;
    if (!begun) fail(rows, result, "fill a table", error);
    PQclear(result);
    return begun;
}

static void put_escaped(struct buffer *out, struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        char character = text.data[i];
        switch (character) {
        case '\\': buffer_put(out, "\\\\", 2); break;
        case '\t': buffer_put(out, "\\t", 2); break;
        case '\n': buffer_put(out, "\\n", 2); break;
        case '\r': buffer_put(out, "\\r", 2); break;
        default: buffer_put_char(out, character); break;
        }
    }
}

/* As a Julian day, which the server reads whatever the year is. */
static void put_julian(struct buffer *out, int64_t at_us) {
    if (at_us == INT64_MAX) buffer_put_text(out, TEXT("infinity"));
    else if (at_us == INT64_MIN) buffer_put_text(out, TEXT("-infinity"));
    if (at_us == INT64_MAX || at_us == INT64_MIN) return;
    int64_t day = at_us / DAY_US, rest = at_us % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        day--;
    }
    buffer_format(out, "J%" PRId64 " %02d:%02d:%02d.%06d+00", day + JULIAN_DAYS,
                  (int)(rest / INT64_C(3600000000)), (int)(rest / 60000000 % 60),
                  (int)(rest / 1000000 % 60), (int)(rest % 1000000));
}

static void put_value(struct buffer *out, char letter, const struct rows_value *value) {
    if (value->is_null) {
        buffer_put_text(out, TEXT("\\N"));
        return;
    }
    char id[UUID_TEXT_BYTES];
    switch (letter) {
    case 'u':
        uuid_format(&value->uuid, id);
        buffer_put(out, id, sizeof id);
        break;
    case 'i':
        buffer_format(out, "%" PRId64, value->integer);
        break;
    case 'b':
        buffer_put_char(out, value->integer != 0 ? 't' : 'f');
        break;
    case 'z':
        put_julian(out, value->integer);
        break;
    case 'h':
        buffer_put_text(out, TEXT("\\\\x"));
        for (size_t i = 0; i < value->text.length; i++)
            buffer_format(out, "%02x", (unsigned)(uint8_t)value->text.data[i]);
        break;
    default:
        put_escaped(out, value->text);
        break;
    }
}

static bool send_piece(struct postgres_rows *rows, struct qms_error *error) {
    bool sent = !rows->piece.failed &&
                PQputCopyData(rows->connection, rows->piece.data, (int)rows->piece.length) == 1;
    buffer_reset(&rows->piece);
    return sent || fail(rows, NULL, "fill a table", error);
}

static bool rows_put(struct store_rows *base, const struct rows_value *values,
                     struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    for (int i = 0; rows->letters[i] != '\0'; i++) {
        if (i > 0) buffer_put_char(&rows->piece, '\t');
        put_value(&rows->piece, rows->letters[i], &values[i]);
    }
    buffer_put_char(&rows->piece, '\n');
    return rows->piece.length < PIECE_BYTES || send_piece(rows, error);
}

static bool rows_put_end(struct store_rows *base, struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    if (rows->piece.length > 0 && !send_piece(rows, error)) return false;
    if (PQputCopyEnd(rows->connection, NULL) != 1)
        return fail(rows, NULL, "fill a table", error);
    bool done = true;
    for (PGresult *result; (result = PQgetResult(rows->connection)) != NULL; PQclear(result)) {
        if (PQresultStatus(result) == PGRES_COMMAND_OK) continue;
        done = fail(rows, result, "fill a table", error);
        if (error->code == QMS_INTERNAL)
            qms_fail(error, QMS_CONFLICT, "the target refuses a row of %s, see the log",
                     rows->table);
    }
    return done;
}

/* Switches the triggers that write the role's name into new rows, off and on again; only inside the
 * transaction, so that nobody else ever finds them off. What somebody else has switched off stays
 * so. */
#define SWITCH_WRITERS(verb)                                                                       \
    "DO $$ DECLARE found record; BEGIN"                                                            \
    " FOR found IN SELECT t.tgname, c.relname FROM pg_catalog.pg_trigger t"                        \
    "  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid"                                            \
    "  WHERE t.oid = ANY (pg_catalog.current_setting('qms.writers')::oid[])"                       \
    " LOOP"                                                                                        \
    "  EXECUTE pg_catalog.format('ALTER TABLE public.%I " verb " TRIGGER %I', found.relname,"      \
    "   found.tgname);"                                                                            \
    " END LOOP; END $$"

static const char find_writers[] =
    "SELECT pg_catalog.set_config('qms.writers', coalesce((SELECT pg_catalog.array_agg(t.oid)::text"
    " FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid"
    " WHERE c.oid IN ('public.subscriptions'::regclass, 'public.quotas'::regclass,"
    "  'public.usages'::regclass, 'public.updates'::regclass) AND t.tgenabled = 'O'"
    " AND t.tgname IN (c.relname || '_created_by_trigger',"
    "  c.relname || '_last_modified_by_insert_trigger')), '{}'), true)";

static bool rows_commit(struct store_rows *base, int64_t latest_us, struct qms_error *error) {
    struct postgres_rows *rows = rows_of(base);
    (void)latest_us;
    if (base->keeps_writers &&
        !run(rows, SWITCH_WRITERS("ENABLE"), "switch triggers on", error))
        return false;
    if (!run(rows, "UPDATE qms_server.directory_version SET version = version + 1",
             "note that the directory has changed", error))
        return false;
    if (run(rows, "COMMIT", "commit", error)) return true;
    if (error->code == QMS_UNAVAILABLE) qms_fail_code(error, QMS_OUTCOME_UNKNOWN);
    return false;
}

/* ---- opening ---- */

/* Sorts may be long, and a COPY waits for its source. */
static const char session_settings[] =
    "SET search_path = pg_catalog, pg_temp; SET timezone = 'UTC'; SET datestyle = 'ISO';"
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    "SET lock_timeout = '10s'; SET client_min_messages = warning;"
    "SET default_transaction_isolation = 'read committed'; SET jit = off";

/* Writers of the tables wait; readers do not. */
static const char lock_tables[] =
    "LOCK TABLE public.update_operations, public.resource_types, public.plans, public.plan_rates,"
    " public.plan_quota_defaults, public.addons, public.addon_rates, public.users,"
    " public.subscriptions, public.quotas, public.usages, public.subscription_addons,"
    " public.updates, qms_server.idempotency, qms_server.directory_version,"
    " qms_server.organizations, qms_server.organization_users, qms_server.role_bindings,"
    " qms_server.api_keys, qms_server.service_connections, qms_server.cloud_quotas,"
    " qms_server.cloud_quota_details, qms_server.connection_assignments,"
    " qms_server.environments, qms_server.tasks IN SHARE ROW EXCLUSIVE MODE";

static bool find_schema(struct postgres_rows *rows, struct postgres_found *found,
                        struct qms_error *error) {
    if (!postgres_inspect(rows->connection, found, error)) return false;
    rows->has_server = found->has_server_migrations;
    if (found->missing_column[0] != '\0' || !found->has_version || found->is_dirty ||
        found->version != CYVERSE_VERSION)
        return qms_fail(error, QMS_CONFLICT,
                        "%s is no CyVerse database at version %d of its migrations",
                        rows->base.place, CYVERSE_VERSION);
    if (found->has_server_migrations &&
        found->server_version != (int)postgres_migrations_count)
        return qms_fail(error, QMS_CONFLICT,
                        "the schema qms_server is of version %d, this qms reads version %zu: %s",
                        found->server_version, postgres_migrations_count,
                        found->server_version < (int)postgres_migrations_count
                            ? "run qms migrate first" : "use a newer qms");
    return true;
}

static bool read_moment(struct postgres_rows *rows, struct qms_error *error) {
    struct rows_value moment;
    bool more;
    if (!query_text(rows, "SELECT clock_timestamp()", "z", NULL, error) ||
        !rows_next(&rows->base, &moment, &more, error))
        return false;
    rows->base.now_us = moment.integer;
    return rows_next(&rows->base, &moment, &more, error);
}

static bool begin_reading(struct postgres_rows *rows, struct qms_error *error) {
    struct postgres_found found;
    return run(rows, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "begin to read", error) &&
           find_schema(rows, &found, error) && read_moment(rows, error);
}

static bool begin_filling(struct postgres_rows *rows, const char *url, struct qms_error *error) {
    struct postgres_schema schema;
    struct postgres_found found;
    if (!postgres_refuse_shared_sessions(rows->connection, url, error) ||
        !postgres_prepare_schema(rows->connection, &schema, error) ||
        !run(rows, session_settings, "prepare the session", error) ||
        !find_schema(rows, &found, error) || !run(rows, "BEGIN", "begin to fill", error) ||
        !run(rows, lock_tables, "lock the tables", error))
        return false;
    rows->base.keeps_writers = schema.owns_tables;
    if (schema.owns_tables &&
        (!run(rows, find_writers, "look for triggers", error) ||
         !run(rows, SWITCH_WRITERS("DISABLE"), "switch triggers off", error)))
        return false;
    return read_moment(rows, error);
}

static void rows_close(struct store_rows *base) {
    struct postgres_rows *rows = rows_of(base);
    PQclear(rows->row);
    if (rows->connection != NULL) PQfinish(rows->connection); /* rolls back */
    buffer_close(&rows->piece);
    memory_give(rows);
}

static const struct rows_ops postgres_rows_ops = {
    .query = rows_query,
    .read = rows_read,
    .has = rows_has,
    .next = rows_next,
    .clear = rows_clear,
    .put_begin = rows_put_begin,
    .put = rows_put,
    .put_end = rows_put_end,
    .commit = rows_commit,
    .close = rows_close,
};

struct store_rows *store_postgres_rows_open(const char *url, bool fills,
                                            struct qms_error *error) {
    struct postgres_rows *rows = memory_take_zeroed(1, sizeof *rows);
    rows->base.ops = &postgres_rows_ops;
    buffer_init(&rows->piece, PIECE_BYTES_MAX);
    rows->connection = postgres_connect(url, error);
    if (rows->connection != NULL)
        snprintf(rows->base.place, sizeof rows->base.place, "the PostgreSQL database %s",
                 PQdb(rows->connection));
    if (rows->connection != NULL &&
        (fills ? begin_filling(rows, url, error)
               : run(rows, session_settings, "prepare the session", error) &&
                     begin_reading(rows, error)))
        return &rows->base;
    rows_close(&rows->base);
    return NULL;
}
