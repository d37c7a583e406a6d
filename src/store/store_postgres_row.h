/* store_postgres_row.h: SQL statements beside what goes in and comes out, and the values they take.
 * Sets of rows travel as arrays, one per column, in the binary formats of the server.
 *   in:  parameters_open, then put_... column by column, row by row
 *   out: while row_next: get_... column by column
 * Each is checked against the statement's signature.
 * Errors: broken latches a value that is not what we can hold (NaN, an infinite date, text that is
 *         not UTF-8); row_next clears it. */
#ifndef QMS_STORE_STORE_POSTGRES_ROW_H
#define QMS_STORE_STORE_POSTGRES_ROW_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "domain/amount.h"
#include "domain/date.h"
#include "domain/directory_rows.h"

enum postgres_statement {
    /* of every session */
    PG_BEGIN_READ,
    PG_BEGIN_WRITE,
    PG_COMMIT,
    PG_ROLLBACK,
    PG_COMMON_COUNT,

    /* of batches */
    PG_FIND_SUBSCRIPTIONS = PG_COMMON_COUNT,
    PG_FIND_APPLIED,
    PG_LOCK_SUBSCRIPTIONS,  /* each lock: what others hold is skipped, or waited for */
    PG_LOCK_SUBSCRIPTIONS_WAITING,
    PG_LOCK_QUOTAS,
    PG_LOCK_QUOTAS_WAITING,
    PG_LOCK_USAGES,
    PG_LOCK_USAGES_WAITING,
    PG_LOCK_APPLIED,
    PG_LOCK_APPLIED_WAITING,
    PG_LOCK_ADDONS,
    PG_LOCK_ADDON_RATES,
    PG_LOAD_MOMENT,
    PG_LOAD_ACCOUNTS,
    PG_LOAD_QUOTAS,
    PG_LOAD_USAGES,
    PG_LOAD_APPLIED,
    PG_LOAD_REPLAYS,
    PG_LOAD_ADDON_USE,
    PG_CATALOGUE_VERSION,
    PG_LOAD_CATALOGUE,

    PG_INSERT_USERS,
    PG_INSERT_SUBSCRIPTIONS,
    PG_CHANGE_SUBSCRIPTIONS,
    PG_INSERT_APPLIED,
    PG_CHANGE_APPLIED,
    PG_DELETE_APPLIED,
    PG_INSERT_QUOTAS,
    PG_CHANGE_QUOTAS,
    PG_INSERT_USAGES,
    PG_CHANGE_USAGES,
    PG_INSERT_UPDATES,
    PG_INSERT_REPLAYS,
    PG_INSERT_BATCH,

    PG_INSERT_PLANS,
    PG_INSERT_PLAN_RATES,
    PG_INSERT_QUOTA_DEFAULTS,
    PG_CHANGE_QUOTA_DEFAULTS,
    PG_INSERT_RESOURCE_TYPES,
    PG_CHANGE_RESOURCE_TYPES,
    PG_INSERT_ADDONS,
    PG_CHANGE_ADDONS,
    PG_DELETE_ADDONS,
    PG_DELETE_ADDON_RATES,
    PG_PARK_ADDON_RATES,
    PG_INSERT_ADDON_RATES,
    PG_CHANGE_ADDON_RATES,

    /* for each directory_kind, in its order */
    PG_DIRECTORY_VERSION,
    PG_DIRECTORY_VERSION_AGAIN,
    PG_NEXT_DIRECTORY_VERSION,
    PG_LIST_DIRECTORY,
    PG_PUT_DIRECTORY = PG_LIST_DIRECTORY + DIRECTORY_KIND_COUNT,
    PG_DELETE_DIRECTORY = PG_PUT_DIRECTORY + DIRECTORY_KIND_COUNT,
    PG_DELETE_QUOTA_DETAILS = PG_DELETE_DIRECTORY + DIRECTORY_KIND_COUNT,
    PG_INSERT_QUOTA_DETAILS,

    PG_BACKEND_LIVES,
    PG_FIND_BATCH,
    PG_LAST_BATCH,
    PG_FORGET_PLANS,
    PG_PURGE_KEYS,
    PG_PURGE_BATCHES,
    PG_BATCH_END,

    /* of readers */
    PG_READER_FIRST = PG_BATCH_END,
    PG_READ_LIMIT_TIME = PG_READER_FIRST,
    PG_READ_USER,
    PG_READ_USERS,          /* these declare the cursor that PG_FETCH reads */
    PG_READ_UPDATES,
    PG_READ_OVERAGES,
    PG_READ_ACTIVE_BY_USERNAME, /* for each sort_field: ascending, descending */
    PG_READ_ACTIVE_BY_USERNAME_DOWN,
    PG_READ_ACTIVE_BY_START,
    PG_READ_ACTIVE_BY_START_DOWN,
    PG_READ_ACTIVE_BY_END,
    PG_READ_ACTIVE_BY_END_DOWN,
    PG_READ_OF_USER,
    PG_COUNT_ACTIVE,
    PG_COUNT_OF_USER,
    PG_FETCH_USERS,
    PG_FETCH_UPDATES,
    PG_FETCH_OVERAGES,
    PG_FETCH_SUBSCRIPTIONS,
    PG_READ_QUOTAS,
    PG_READ_USAGES,
    PG_STATEMENT_COUNT,
};

/* Parameters in and columns out, a letter each. A capital is an array with one element per row;
 * what is not an array comes first.
 *   u identifier   t text   n text or null   a amount (as text)   i integer   b boolean
 *   z time         e end of a period (null: never)                h hash of 32 bytes */
struct postgres_statement_text {
    const char *parameters, *columns, *text;
};
const struct postgres_statement_text *postgres_statement(enum postgres_statement id);

enum { PARAMETERS_MAX = 10, STATEMENT_NAME_MAX = 8 };

/* The name it is prepared under. */
void postgres_statement_name(enum postgres_statement id, char name[STATEMENT_NAME_MAX]);

struct parameters {
    const char *letters;
    struct arena *arena;
    int index, first_array; /* the next column; the first that is an array */
    struct parameter {
        char *data;
        size_t length, capacity;
        uint32_t elements; /* of an array */
        bool is_null, has_null;
    } columns[PARAMETERS_MAX];
};

/* What is put lies in the arena until the statement has been sent. */
void parameters_open(struct parameters *parameters, struct arena *arena,
                     enum postgres_statement id);
size_t parameters_rows(const struct parameters *parameters);
/* Sends the statement into the open pipeline; false: the connection is lost. */
bool parameters_send(struct parameters *parameters, PGconn *connection,
                     enum postgres_statement id);

void put_uuid(struct parameters *parameters, const struct uuid *uuid);
void put_text(struct parameters *parameters, struct text text);
/* For looking up: a text that no row can hold (one with a zero byte) becomes null, which is equal
 * to nothing. */
void put_sought(struct parameters *parameters, struct text text);
void put_integer(struct parameters *parameters, int64_t integer);
void put_boolean(struct parameters *parameters, bool boolean);
void put_time(struct parameters *parameters, int64_t at_us); /* INT64_MIN and _MAX: infinite */
void put_end(struct parameters *parameters, int64_t end_us); /* TIME_NEVER is null */
void put_amount(struct parameters *parameters, struct amount amount);
void put_hash(struct parameters *parameters, const uint8_t hash[32]);
void put_null(struct parameters *parameters);

struct postgres_row {
    const PGresult *result;
    const char *columns;
    int number, index;
    bool broken;
};

void row_open_result(struct postgres_row *row, const PGresult *result, enum postgres_statement id);
bool row_take(struct postgres_row *row); /* the next one; false: there is none */

struct uuid get_uuid(struct postgres_row *row); /* null is nil: only catalogue lists have it */
struct text get_text(struct postgres_row *row); /* valid as long as the result; null is empty */
struct text get_text_or_null(struct postgres_row *row, bool *present);
int64_t get_integer(struct postgres_row *row);
bool get_boolean(struct postgres_row *row); /* null is false */
int64_t get_time(struct postgres_row *row);
int64_t get_end(struct postgres_row *row);  /* null is TIME_NEVER */
struct amount get_amount(struct postgres_row *row, bool *inexact);
void get_hash(struct postgres_row *row, uint8_t hash[32]);

#endif
