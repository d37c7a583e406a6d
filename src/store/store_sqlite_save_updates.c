/* The audit rows of a batch, all by one statement, which reads them as the table new_updates.
 * A statement for each row opened, looked up and closed everything anew: together with what it then
 * costs to find the end of the tree again, a quarter of the instructions of an audit row. */
#include <assert.h>
#include <sqlite3.h>

#include "store/store_sqlite.h"

/* In the order of the declaration below. */
enum new_updates_column {
    NEW_ID,
    NEW_OPERATION,
    NEW_VALUE_TYPE,
    NEW_VALUE,
    NEW_RESOURCE_TYPE,
    NEW_EFFECTIVE_DATE,
    NEW_USER,
    NEW_METADATA,
};

struct new_updates {
    sqlite3_vtab table;
    const struct store_sqlite *sqlite;
};

struct new_updates_cursor {
    sqlite3_vtab_cursor cursor;
    size_t at;
};

static const struct store_sqlite *sqlite_of(sqlite3_vtab *table) {
    return ((const struct new_updates *)table)->sqlite;
}

static struct new_updates_cursor *cursor_of(sqlite3_vtab_cursor *cursor) {
    return (struct new_updates_cursor *)cursor;
}

static int new_updates_connect(sqlite3 *connection, void *context, int count,
                               const char *const *arguments, sqlite3_vtab **table, char **message) {
    (void)count, (void)arguments, (void)message;
    int code = sqlite3_declare_vtab(connection,
                                    "CREATE TABLE new_updates (id, update_operation_id, value_type,"
                                    " value, resource_type_id, effective_date, user_id, metadata)");
    if (code != SQLITE_OK) return code;
    struct new_updates *made = memory_take_zeroed(1, sizeof *made);
    made->sqlite = context;
    *table = &made->table;
    return SQLITE_OK;
}

static int new_updates_disconnect(sqlite3_vtab *table) {
    memory_give(table);
    return SQLITE_OK;
}

static int new_updates_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
    (void)table, (void)info; /* there is one way: all of them in their order */
    return SQLITE_OK;
}

static int new_updates_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor) {
    (void)table;
    struct new_updates_cursor *made = memory_take_zeroed(1, sizeof *made);
    *cursor = &made->cursor;
    return SQLITE_OK;
}

static int new_updates_close(sqlite3_vtab_cursor *cursor) {
    memory_give(cursor);
    return SQLITE_OK;
}

static int new_updates_filter(sqlite3_vtab_cursor *cursor, int index, const char *index_text,
                              int count, sqlite3_value **values) {
    (void)index, (void)index_text, (void)count, (void)values;
    cursor_of(cursor)->at = 0;
    return SQLITE_OK;
}

static int new_updates_next(sqlite3_vtab_cursor *cursor) {
    cursor_of(cursor)->at++;
    return SQLITE_OK;
}

static int new_updates_eof(sqlite3_vtab_cursor *cursor) {
    return cursor_of(cursor)->at >= sqlite_of(cursor->pVtab)->new_updates->count;
}

static void put_uuid(sqlite3_context *out, const struct uuid *uuid) {
    sqlite3_result_blob(out, uuid->bytes, sizeof uuid->bytes, SQLITE_STATIC);
}

static void put_text(sqlite3_context *out, struct text text) {
    const char *data = text.length == 0 ? "" : text.data; /* a null pointer would be NULL */
    sqlite3_result_text64(out, data, text.length, SQLITE_STATIC, SQLITE_UTF8);
}

static void put_amount(sqlite3_context *out, struct amount amount) {
    char text[AMOUNT_TEXT_MAX];
    size_t length = amount_format(amount, text);
    sqlite3_result_text64(out, text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int new_updates_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column) {
    const struct store_sqlite *sqlite = sqlite_of(cursor->pVtab);
    const struct update *update = sqlite->new_updates->rows[cursor_of(cursor)->at];
    switch ((enum new_updates_column)column) {
    case NEW_ID:
        put_uuid(out, &update->id);
        break;
    case NEW_OPERATION:
        put_uuid(out, &sqlite->update_operation_ids[update->operation]);
        break;
    case NEW_VALUE_TYPE:
        put_text(out, text_of(value_type_name(update->value_type)));
        break;
    case NEW_VALUE:
        put_amount(out, update->value);
        break;
    case NEW_RESOURCE_TYPE:
        put_uuid(out, &update->resource_type_id);
        break;
    case NEW_EFFECTIVE_DATE:
        sqlite3_result_int64(out, update->effective_us);
        break;
    case NEW_USER:
        put_uuid(out, &update->account->user_id);
        break;
    case NEW_METADATA:
        put_text(out, update->metadata);
        break;
    }
    return SQLITE_OK;
}

static int new_updates_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
    *rowid = (sqlite3_int64)cursor_of(cursor)->at;
    return SQLITE_OK;
}

static const sqlite3_module new_updates_module = {
    .xConnect = new_updates_connect, /* without xCreate: it is there without being made */
    .xBestIndex = new_updates_best_index,
    .xDisconnect = new_updates_disconnect,
    .xOpen = new_updates_open,
    .xClose = new_updates_close,
    .xFilter = new_updates_filter,
    .xNext = new_updates_next,
    .xEof = new_updates_eof,
    .xColumn = new_updates_column,
    .xRowid = new_updates_rowid,
};

bool store_sqlite_provide_updates(struct store_sqlite *sqlite, struct qms_error *error) {
    int code = sqlite3_create_module(sqlite->connection, "new_updates", &new_updates_module,
                                     sqlite);
    return code == SQLITE_OK ||
           store_sqlite_fail(sqlite->connection, code, "prepare for audit rows", error);
}

int store_sqlite_write_updates(struct store_sqlite *sqlite, const struct change_list *updates) {
    if (updates->count == 0) return SQLITE_OK;
    struct row row;
    int64_t inserted;
    sqlite->new_updates = updates;
    row_open(&row, &sqlite->statements, INSERT_UPDATES);
    row_put_text(&row, sqlite->moment.actor);
    row_put_integer(&row, sqlite->moment.stamped_us);
    int code = row_run_counted(&row, &inserted);
    sqlite->new_updates = NULL;
    assert(code != SQLITE_OK || inserted == (int64_t)updates->count);
    return code;
}
