#include "store/store_sqlite_row.h"

#include <assert.h>
#include <sqlite3.h>

/* ---- parameters ---- */

/* What is bound stays where it is until the statement has run, so SQLite need not copy it. */
static int row_parameter(struct row *row, char letter) {
    assert(row->parameters[row->index] == letter);
    (void)letter;
    return ++row->index;
}

static void row_latch(struct row *row, int code) {
    if (row->code == SQLITE_OK) row->code = code;
}

void row_put_uuid(struct row *row, const struct uuid *uuid) {
    row_latch(row, sqlite3_bind_blob(row->prepared, row_parameter(row, 'u'), uuid->bytes,
                                     sizeof uuid->bytes, SQLITE_STATIC));
}

void row_put_uuid_or_null(struct row *row, const struct uuid *uuid) {
    int index = row_parameter(row, 'o');
    row_latch(row, uuid_is_nil(uuid) ? sqlite3_bind_null(row->prepared, index)
                                     : sqlite3_bind_blob(row->prepared, index, uuid->bytes,
                                                         sizeof uuid->bytes, SQLITE_STATIC));
}

void row_put_text(struct row *row, struct text text) {
    const char *data = text.length == 0 ? "" : text.data; /* a null pointer would bind NULL */
    row_latch(row, sqlite3_bind_text64(row->prepared, row_parameter(row, 't'), data, text.length,
                                       SQLITE_STATIC, SQLITE_UTF8));
}

void row_put_integer(struct row *row, int64_t integer) {
    row_latch(row, sqlite3_bind_int64(row->prepared, row_parameter(row, 'i'), integer));
}

void row_put_end(struct row *row, int64_t end_us) {
    int index = row_parameter(row, 'e');
    row_latch(row, end_us == TIME_NEVER ? sqlite3_bind_null(row->prepared, index)
                                        : sqlite3_bind_int64(row->prepared, index, end_us));
}

void row_put_amount(struct row *row, struct amount amount) {
    size_t length = amount_format(amount, row->amount);
    row_latch(row, sqlite3_bind_text64(row->prepared, row_parameter(row, 'a'), row->amount, length,
                                       SQLITE_STATIC, SQLITE_UTF8));
}

void row_put_hash(struct row *row, const uint8_t hash[32]) {
    row_latch(row, sqlite3_bind_blob(row->prepared, row_parameter(row, 'h'), hash, 32,
                                     SQLITE_STATIC));
}

void row_put_bytes(struct row *row, const void *bytes, size_t count) {
    row_latch(row, sqlite3_bind_blob64(row->prepared, row_parameter(row, 'x'), bytes, count,
                                       SQLITE_STATIC));
}

/* ---- running ---- */

int row_run_counted(struct row *row, int64_t *changed) {
    assert(row->parameters[row->index] == '\0');
    assert(row->columns[0] == '\0');
    if (row->code == SQLITE_OK) {
        int code = sqlite3_step(row->prepared);
        if (code != SQLITE_DONE) row->code = code;
    }
    *changed = sqlite3_changes64(sqlite3_db_handle(row->prepared));
    sqlite3_reset(row->prepared);
    return row->code;
}

int row_run(struct row *row) {
    int64_t changed;
    return row_run_counted(row, &changed);
}

bool row_next(struct row *row) {
    if (row->code != SQLITE_OK) return false;
    int code = sqlite3_step(row->prepared);
    row->index = 0;
    row->broken = false;
    if (code != SQLITE_ROW && code != SQLITE_DONE) row->code = code;
    return code == SQLITE_ROW;
}

int row_close(struct row *row) {
    sqlite3_reset(row->prepared);
    return row->code;
}

/* ---- columns ---- */

static int row_column(struct row *row, char letter) {
    assert(row->columns[row->index] == letter);
    (void)letter;
    return row->index++;
}

/* The bytes of a column, which must number exactly this many; NULL if it is broken. */
static const void *row_bytes(struct row *row, int column, int bytes) {
    const void *data = sqlite3_column_blob(row->prepared, column);
    if (data == NULL || sqlite3_column_bytes(row->prepared, column) != bytes) {
        row->broken = true;
        return NULL;
    }
    return data;
}

struct uuid row_uuid(struct row *row) {
    struct uuid uuid = {0};
    const void *data = row_bytes(row, row_column(row, 'u'), sizeof uuid.bytes);
    if (data != NULL) memcpy(uuid.bytes, data, sizeof uuid.bytes);
    return uuid;
}

struct uuid row_uuid_or_null(struct row *row) {
    struct uuid uuid = {0};
    int column = row_column(row, 'o');
    if (sqlite3_column_type(row->prepared, column) == SQLITE_NULL) return uuid;
    const void *data = row_bytes(row, column, sizeof uuid.bytes);
    if (data != NULL) memcpy(uuid.bytes, data, sizeof uuid.bytes);
    return uuid;
}

void row_hash(struct row *row, uint8_t hash[32]) {
    const void *data = row_bytes(row, row_column(row, 'h'), 32);
    if (data != NULL) memcpy(hash, data, 32);
}

static struct text row_raw_text(struct row *row, int column) {
    const char *data = (const char *)sqlite3_column_text(row->prepared, column);
    size_t length = (size_t)sqlite3_column_bytes(row->prepared, column);
    return (struct text){.data = data, .length = data == NULL ? 0 : length};
}

static struct text row_checked_text(struct row *row, int column) {
    struct text text = row_raw_text(row, column);
    if (text_is_utf8(text)) return text;
    row->broken = true;
    return (struct text){0};
}

struct text row_text(struct row *row) {
    return row_checked_text(row, row_column(row, 't'));
}

struct text row_text_or_null(struct row *row, bool *present) {
    int column = row_column(row, 'n');
    *present = sqlite3_column_type(row->prepared, column) != SQLITE_NULL;
    return row_checked_text(row, column);
}

int64_t row_integer(struct row *row) {
    return sqlite3_column_int64(row->prepared, row_column(row, 'i'));
}

bool row_boolean(struct row *row) {
    return sqlite3_column_int64(row->prepared, row_column(row, 'b')) != 0;
}

int64_t row_end(struct row *row) {
    int column = row_column(row, 'e');
    if (sqlite3_column_type(row->prepared, column) == SQLITE_NULL) return TIME_NEVER;
    return sqlite3_column_int64(row->prepared, column);
}

struct amount row_amount(struct row *row, bool *inexact) {
    struct amount amount = amount_zero();
    struct text text = row_raw_text(row, row_column(row, 'a'));
    enum amount_status status = amount_parse_stored(text, &amount);
    *inexact = status == AMOUNT_INEXACT;
    if (status != AMOUNT_OK && status != AMOUNT_INEXACT) row->broken = true;
    return amount;
}
