/* store_sqlite_row.h: SQL statements beside what goes in and comes out, and the rows they handle.
 * A statement is prepared once per connection and used by one struct row at a time:
 *   writing: row_open, row_put_..., row_run
 *   reading: row_open, row_put_..., while row_next: row_..., then row_close
 * Parameters and columns are taken in order, each checked against the statement's signature.
 * Errors: code latches the first SQLite error; broken latches a value that is not what the
 *         schema promises (a foreign NaN, an identifier of 15 bytes); row_next clears it. */
#ifndef QMS_STORE_STORE_SQLITE_ROW_H
#define QMS_STORE_STORE_SQLITE_ROW_H

#include "base/error.h"
#include "base/uuid.h"
#include "domain/amount.h"
#include "domain/date.h"
#include "domain/directory_rows.h"

struct sqlite3;
struct sqlite3_stmt;

enum statement_id {
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    DATA_VERSION,

    FIND_SUBSCRIPTION,
    FIND_APPLIED,
    LOAD_USER,
    LOAD_SUBSCRIPTIONS,
    LOAD_QUOTAS,
    LOAD_USAGES,
    LOAD_APPLIED,
    LOAD_REPLAY,
    LOAD_REQUEST_KEY,
    LIST_REQUEST_KEYS,
    REQUEST_KEY_ENDS,
    LOAD_ADDON_USE,

    INSERT_USER,
    INSERT_SUBSCRIPTION,
    CHANGE_SUBSCRIPTION,
    INSERT_APPLIED,
    CHANGE_APPLIED,
    DELETE_APPLIED,
    INSERT_QUOTA,
    CHANGE_QUOTA,
    INSERT_USAGE,
    CHANGE_USAGE,
    INSERT_UPDATES,
    INSERT_REPLAY,
    INSERT_REQUEST_KEYS,
    DELETE_REQUEST_KEYS,
    SAVE_BATCH,
    FIND_BATCH,

    CATALOGUE_VERSION,
    COUNT_CATALOGUE,
    LIST_RESOURCE_TYPES,
    LIST_PLANS,
    LIST_PLAN_RATES,
    LIST_QUOTA_DEFAULTS,
    LIST_ADDONS,
    LIST_ADDON_RATES,
    LIST_UPDATE_OPERATIONS,
    INSERT_PLAN,
    INSERT_PLAN_RATE,
    INSERT_QUOTA_DEFAULT,
    CHANGE_QUOTA_DEFAULT,
    INSERT_RESOURCE_TYPE,
    CHANGE_RESOURCE_TYPE,
    INSERT_ADDON,
    CHANGE_ADDON,
    DELETE_ADDON,
    INSERT_ADDON_RATE,
    PARK_ADDON_RATE,
    CHANGE_ADDON_RATE,
    DELETE_ADDON_RATE,

    /* for each directory_kind, in its order */
    DIRECTORY_VERSION,
    NEXT_DIRECTORY_VERSION,
    LIST_DIRECTORY,
    PUT_DIRECTORY = LIST_DIRECTORY + DIRECTORY_KIND_COUNT,
    DELETE_DIRECTORY = PUT_DIRECTORY + DIRECTORY_KIND_COUNT,
    DELETE_QUOTA_DETAILS = DELETE_DIRECTORY + DIRECTORY_KIND_COUNT,
    INSERT_QUOTA_DETAIL,
    BATCH_STATEMENT_COUNT,

    /* of readers */
    READER_FIRST = BATCH_STATEMENT_COUNT,
    READ_USER = READER_FIRST,
    READ_USERS,
    READ_TRAIL,
    READ_UPDATES,
    READ_UPDATES_AT,
    READ_OVERAGES,
    COUNT_ACTIVE,
    COUNT_FOUND,
    READ_ACTIVE_BY_USERNAME, /* for each sort_field: ascending, descending */
    READ_ACTIVE_BY_USERNAME_DOWN,
    READ_ACTIVE_BY_START,
    READ_ACTIVE_BY_START_DOWN,
    READ_ACTIVE_BY_END,
    READ_ACTIVE_BY_END_DOWN,
    READ_FOUND_BY_USERNAME, /* likewise */
    READ_FOUND_BY_USERNAME_DOWN,
    READ_FOUND_BY_START,
    READ_FOUND_BY_START_DOWN,
    READ_FOUND_BY_END,
    READ_FOUND_BY_END_DOWN,
    COUNT_OF_USER,
    READ_OF_USER,
    READ_QUOTAS,
    READ_USAGES,
    STATEMENT_COUNT,
};

struct statements {
    struct sqlite3_stmt *prepared[STATEMENT_COUNT];
};

/* Prepares the statements from first to before end, and checks each against its signature. */
bool statements_prepare(struct statements *statements, struct sqlite3 *connection,
                        enum statement_id first, enum statement_id end, struct qms_error *error);
void statements_finalize(struct statements *statements);

struct row {
    struct sqlite3_stmt *prepared;
    const char *parameters, *columns;
    int index; /* of the next parameter or column */
    int code;
    bool broken;
    char amount[AMOUNT_TEXT_MAX]; /* a bound amount lives here; a statement has one at most */
};

void row_open(struct row *row, const struct statements *statements, enum statement_id id);

void row_put_uuid(struct row *row, const struct uuid *uuid);
void row_put_uuid_or_null(struct row *row, const struct uuid *uuid); /* nil is null */
void row_put_text(struct row *row, struct text text);
void row_put_integer(struct row *row, int64_t integer);
void row_put_end(struct row *row, int64_t end_us); /* TIME_NEVER is null */
void row_put_amount(struct row *row, struct amount amount);
void row_put_hash(struct row *row, const uint8_t hash[32]);
void row_put_bytes(struct row *row, const void *bytes, size_t count);

/* For a statement without columns: returns the SQLite code, and how many rows it changed. */
int row_run(struct row *row);
int row_run_counted(struct row *row, int64_t *changed);

/* false: there is no further row, or an error. */
bool row_next(struct row *row);
/* Returns the SQLite code; the statement may be used again. */
int row_close(struct row *row);

struct uuid row_uuid(struct row *row);
struct uuid row_uuid_or_null(struct row *row); /* null is nil */
struct text row_text(struct row *row); /* valid until row_next or row_close */
struct text row_text_or_null(struct row *row, bool *present);
int64_t row_integer(struct row *row);
bool row_boolean(struct row *row); /* null is false */
int64_t row_end(struct row *row);  /* null is TIME_NEVER */
struct amount row_amount(struct row *row, bool *inexact);
void row_hash(struct row *row, uint8_t hash[32]);

#endif
