/* Whole tables in and out of an SQLite file. */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "store/migration.h"
#include "store/store_rows.h"
#include "store/store_sqlite.h"
#include "store/store_sqlite_gather.h"
#include "store/store_url.h"

struct sqlite_rows {
    struct store_rows base;
    struct store *store;         /* to be filled; it owns the connection then */
    struct sqlite3 *connection;
    struct sqlite3_stmt *query, *insert;
    const char *letters;         /* of the one or of the other */
    const char *table;           /* being filled */
};

static struct sqlite_rows *rows_of(struct store_rows *rows) {
    return (struct sqlite_rows *)rows;
}

/* ---- reading ---- */

static bool query_text(struct sqlite_rows *rows, const char *text, const char *letters,
                       int64_t moment_us, struct qms_error *error) {
    assert(rows->query == NULL);
    int code = sqlite3_prepare_v2(rows->connection, text, -1, &rows->query, NULL);
    if (code == SQLITE_OK && sqlite3_bind_parameter_count(rows->query) > 0)
        code = sqlite3_bind_int64(rows->query, 1, moment_us);
    if (code != SQLITE_OK) return store_sqlite_fail(rows->connection, code, "read rows", error);
    assert(sqlite3_column_count(rows->query) == (int)strlen(letters));
    rows->letters = letters;
    return true;
}

static bool rows_query(struct store_rows *base, const char *sql, const char *letters,
                       int64_t moment_us, struct qms_error *error) {
    char text[ROWS_SQL_BYTES_MAX];
    rows_expand(sql, "", "?1", text);
    return query_text(rows_of(base), text, letters, moment_us, error);
}

static bool rows_has(struct store_rows *base, const struct rows_table *table) {
    (void)base, (void)table;
    return true;
}

static bool rows_read(struct store_rows *base, const struct rows_table *table,
                      struct qms_error *error) {
    char text[ROWS_SQL_BYTES_MAX];
    if (table->sqlite_from == NULL) rows_select(table, table->name, text);
    return query_text(rows_of(base), table->sqlite_from == NULL ? text : table->sqlite_from,
                      table->letters, 0, error);
}

static void take_value(struct sqlite3_stmt *query, int column, char letter,
                       struct rows_value *value) {
    *value = (struct rows_value){.is_null = sqlite3_column_type(query, column) == SQLITE_NULL};
    if (strchr("ibz", letter) != NULL) {
        value->integer = sqlite3_column_int64(query, column);
        return;
    }
    bool is_bytes = letter == 'u' || letter == 'h';
    const void *data = is_bytes ? sqlite3_column_blob(query, column)
                                : (const void *)sqlite3_column_text(query, column);
    value->text = (struct text){data, (size_t)sqlite3_column_bytes(query, column)};
    if (letter != 'u' || value->is_null) return;
    value->is_broken = value->text.length != sizeof value->uuid.bytes;
    if (!value->is_broken) memcpy(value->uuid.bytes, data, sizeof value->uuid.bytes);
}

static bool rows_next(struct store_rows *base, struct rows_value *values, bool *more,
                      struct qms_error *error) {
    struct sqlite_rows *rows = rows_of(base);
    int code = sqlite3_step(rows->query);
    *more = code == SQLITE_ROW;
    if (*more) {
        for (int i = 0; rows->letters[i] != '\0'; i++)
            take_value(rows->query, i, rows->letters[i], &values[i]);
        return true;
    }
    if (code != SQLITE_DONE) store_sqlite_fail(rows->connection, code, "read rows", error);
    sqlite3_finalize(rows->query);
    rows->query = NULL;
    return code == SQLITE_DONE;
}

/* ---- filling ---- */

static bool rows_clear(struct store_rows *base, const struct rows_table *table,
                       struct qms_error *error) {
    char text[128];
    assert(table->sqlite_into == NULL);
    snprintf(text, sizeof text, "DELETE FROM %s", table->name);
    return store_sqlite_execute(rows_of(base)->connection, text, "clear a table", error);
}

static bool rows_put_begin(struct store_rows *base, const struct rows_table *table,
                           struct qms_error *error) {
    struct sqlite_rows *rows = rows_of(base);
    char text[512], *at = text;
    if (table->sqlite_into == NULL) {
        at += snprintf(at, sizeof text, "INSERT INTO %s (%s) VALUES (?", table->name,
                       table->columns);
        for (size_t i = 1; i < strlen(table->letters); i++)
            at += snprintf(at, (size_t)(text + sizeof text - at), ", ?");
        snprintf(at, (size_t)(text + sizeof text - at), ")");
    }
    int code = sqlite3_prepare_v2(rows->connection,
                                  table->sqlite_into == NULL ? text : table->sqlite_into, -1,
                                  &rows->insert, NULL);
    rows->letters = table->letters;
    rows->table = table->name;
    return code == SQLITE_OK || store_sqlite_fail(rows->connection, code, "fill a table", error);
}

/* As we write amounts ourselves: without zeros at the end; what we could not write stays as it is.
 */
static int bind_amount(struct sqlite3_stmt *insert, int index, struct text text) {
    char digits[AMOUNT_TEXT_MAX];
    struct amount amount;
    if (amount_parse_stored(text, &amount) == AMOUNT_OK)
        text = (struct text){digits, amount_format(amount, digits)};
    return sqlite3_bind_text(insert, index, text.data, (int)text.length, SQLITE_TRANSIENT);
}

static int bind_value(struct sqlite3_stmt *insert, int index, char letter,
                      const struct rows_value *value) {
    if (value->is_null) return sqlite3_bind_null(insert, index);
    switch (letter) {
    case 'i':
    case 'b':
    case 'z':
        return sqlite3_bind_int64(insert, index, value->integer);
    case 'u':
        return sqlite3_bind_blob(insert, index, value->uuid.bytes, sizeof value->uuid.bytes,
                                 SQLITE_STATIC);
    case 'h':
        return sqlite3_bind_blob(insert, index, value->text.data, (int)value->text.length,
                                 SQLITE_STATIC);
    case 'a':
        return bind_amount(insert, index, value->text);
    default:
        return sqlite3_bind_text(insert, index, value->text.data, (int)value->text.length,
                                 SQLITE_STATIC);
    }
}

static bool rows_put(struct store_rows *base, const struct rows_value *values,
                     struct qms_error *error) {
    struct sqlite_rows *rows = rows_of(base);
    int code = SQLITE_OK;
    for (int i = 0; code == SQLITE_OK && rows->letters[i] != '\0'; i++)
        code = bind_value(rows->insert, i + 1, rows->letters[i], &values[i]);
    if (code == SQLITE_OK) {
        sqlite3_step(rows->insert);
        code = sqlite3_reset(rows->insert);
    }
    if (code == SQLITE_OK) return true;
    store_sqlite_fail(rows->connection, code, "put a row", error);
    if ((code & 0xff) != SQLITE_CONSTRAINT) return false;
    return qms_fail(error, QMS_CONFLICT, "the target refuses a row of %s, see the log",
                    rows->table);
}

static bool rows_put_end(struct store_rows *base, struct qms_error *error) {
    struct sqlite_rows *rows = rows_of(base);
    (void)error;
    sqlite3_finalize(rows->insert);
    rows->insert = NULL;
    return true;
}

/* The clock of the store goes on from the latest time it has given. */
static bool rows_commit(struct store_rows *base, int64_t latest_us, struct qms_error *error) {
    char text[128];
    snprintf(text, sizeof text,
             "UPDATE last_batch SET committed_at = max(committed_at, %lld); COMMIT",
             (long long)latest_us);
    return store_sqlite_execute(rows_of(base)->connection, text, "commit", error);
}

/* ---- opening ---- */

static void rows_close(struct store_rows *base) {
    struct sqlite_rows *rows = rows_of(base);
    sqlite3_finalize(rows->query);
    sqlite3_finalize(rows->insert);
    if (rows->connection != NULL && sqlite3_get_autocommit(rows->connection) == 0)
        store_sqlite_execute(rows->connection, "ROLLBACK", "roll back", NULL);
    if (rows->store != NULL) rows->store->ops->close(rows->store);
    else sqlite3_close(rows->connection);
    memory_give(rows);
}

/* SQLite makes no file when it may only read, but says no more than that it cannot open it. */
static bool connect_reading(struct sqlite_rows *rows, const char *path, struct qms_error *error) {
    if (access(path, R_OK) != 0)
        return qms_fail(error, errno == ENOENT ? QMS_NOT_FOUND : QMS_FORBIDDEN,
                        "cannot open %s: %s", path, strerrordesc_np(errno));
    int code = sqlite3_open_v2(path, &rows->connection,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) return store_sqlite_fail(rows->connection, code, "open", error);
    sqlite3_extended_result_codes(rows->connection, 1);
    sqlite3_busy_timeout(rows->connection, SQLITE_BUSY_MS);
    return true;
}

static bool is_ours(struct sqlite_rows *rows, const char *path, struct qms_error *error) {
    int64_t application_id, version;
    if (!store_sqlite_integer(rows->connection, "PRAGMA application_id", &application_id, error) ||
        !store_sqlite_integer(rows->connection, "PRAGMA user_version", &version, error))
        return qms_fail(error, QMS_CONFLICT, "%s cannot be read as a database of qms", path);
    if (application_id != SQLITE_APPLICATION_ID)
        return qms_fail(error, QMS_CONFLICT, "%s is not a database of qms", path);
    if (version < (int64_t)sqlite_migrations_count)
        return qms_fail(error, QMS_CONFLICT,
                        "%s is of version %lld, this qms reads version %zu: run qms migrate first",
                        path, (long long)version, sqlite_migrations_count);
    if (version > (int64_t)sqlite_migrations_count)
        return qms_fail(error, QMS_CONFLICT, "%s is of version %lld; use a newer qms", path,
                        (long long)version);
    return true;
}

/* The first read fixes the snapshot. */
static bool begin_reading(struct sqlite_rows *rows, struct qms_error *error) {
    int64_t users;
    rows->base.now_us = clock_wall_us(&clock_system);
    return store_sqlite_execute(rows->connection,
                                "PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE; BEGIN",
                                "begin to read", error) &&
           store_sqlite_integer(rows->connection, "SELECT count(*) FROM (SELECT 1 FROM users"
                                " LIMIT 1)", &users, error);
}

static bool begin_filling(struct sqlite_rows *rows, const char *url, struct qms_error *error) {
    const struct store_options options = {.url = url, .clock = &clock_system,
                                          .actor = TEXT("qms")};
    rows->store = store_sqlite_open(&options, error);
    if (rows->store == NULL) return false;
    rows->connection = store_sqlite_of(rows->store)->connection;
    rows->base.now_us = clock_wall_us(&clock_system);
    rows->base.keeps_writers = true;
    int code = store_sqlite_gather_end(rows->connection);
    if (code != SQLITE_OK) return store_sqlite_fail(rows->connection, code, "fill", error);
    /* References within a table are whole only at the end. */
    return store_sqlite_execute(rows->connection, "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON",
                                "begin to fill", error);
}

static const struct rows_ops sqlite_rows_ops = {
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

struct store_rows *store_sqlite_rows_open(const char *url, bool fills, struct qms_error *error) {
    const char *path = store_url_path(url);
    struct sqlite_rows *rows = memory_take_zeroed(1, sizeof *rows);
    rows->base.ops = &sqlite_rows_ops;
    snprintf(rows->base.place, sizeof rows->base.place, "%s", path);
    bool opened = fills ? begin_filling(rows, url, error)
                        : connect_reading(rows, path, error) && is_ours(rows, path, error) &&
                              begin_reading(rows, error);
    if (opened) return &rows->base;
    rows_close(&rows->base);
    return NULL;
}
