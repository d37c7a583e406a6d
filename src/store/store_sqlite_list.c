#include <sqlite3.h>

#include "store/store_overages.h"
#include "store/store_sqlite.h"

enum {
    STEPS_BETWEEN_LOOKS = 20000, /* of SQLite's machine, well under a millisecond */
    /* A listing's snapshot keeps the log from beginning anew; past this (1 GiB) it gives way. */
    READERS_LOG_PAGES_MAX = 1 << 18,
    ROW_ARENA_BLOCK_BYTES = 4096,
    TRAIL_PIECE_ROWS = 1024,
    TRAIL_ROWIDS_BYTES_MAX = 1 << 23, /* a million rows of one user; with more, all are read */
};

struct reader {
    struct store_sqlite *sqlite;
    struct sqlite3 *connection;
    struct statements statements;
    struct running_listing running;
    struct arena arena;            /* what belongs to the row, or the user, being handed on */
};

static struct reader *reader_of(struct store_reader *reader) {
    return (struct reader *)reader;
}

static int reader_must_stop(void *context) {
    struct reader *reader = context;
    return store_listing_left_us(&reader->running) <= 0 ||
           atomic_load(&reader->sqlite->log_pages) > READERS_LOG_PAGES_MAX;
}

struct store_reader *store_sqlite_reader_open(struct store *store, struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    bool in_memory = sqlite->file.descriptor < 0;
    int flags = SQLITE_OPEN_READONLY | (in_memory ? SQLITE_OPEN_URI : 0);
    struct sqlite3 *connection = store_sqlite_connect(sqlite, flags, error);
    if (connection == NULL) return NULL;
    struct reader *reader = memory_take_zeroed(1, sizeof *reader);
    reader->sqlite = sqlite;
    reader->connection = connection;
    arena_init(&reader->arena, ROW_ARENA_BLOCK_BYTES);
    if (statements_prepare(&reader->statements, connection, READER_FIRST, STATEMENT_COUNT, error)) {
        return (struct store_reader *)reader;
    }
    store_sqlite_reader_close((struct store_reader *)reader);
    return NULL;
}

void store_sqlite_reader_close(struct store_reader *base) {
    struct reader *reader = reader_of(base);
    statements_finalize(&reader->statements);
    sqlite3_close(reader->connection);
    arena_close(&reader->arena);
    memory_give(reader);
}

/* Closes the row; the listing fails with it. */
static bool reader_end(struct reader *reader, struct row *row, struct qms_error *error) {
    int code = row_close(row);
    return code == SQLITE_OK || store_sqlite_fail(reader->connection, code, "list", error);
}

/* ---- users ---- */

static bool list_users(struct reader *reader, struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    struct row row;
    row_open(&row, &reader->statements, READ_USERS);
    row_put_text(&row, input->after);
    row_put_text(&row, input->search);
    row_put_integer(&row, input->limit);
    row_put_integer(&row, input->offset);
    while (reader->running.goes_on && row_next(&row)) {
        union store_row out = {.user = {.id = row_uuid(&row)}};
        out.user.username = row_text(&row);
        if (row.broken) {
            store_listing_log_broken(out.user.username);
        } else {
            store_listing_hand_on(&reader->running, &out);
        }
    }
    return reader_end(reader, &row, error);
}

/* Looks up the user of a listing about one; *id is meaningful when listing->user_exists. */
static bool find_user(struct reader *reader, struct uuid *id, struct qms_error *error) {
    struct row row;
    row_open(&row, &reader->statements, READ_USER);
    row_put_text(&row, reader->running.listing->username);
    reader->running.listing->user_exists = row_next(&row);
    if (reader->running.listing->user_exists) *id = row_uuid(&row);
    return reader_end(reader, &row, error);
}

/* ---- updates ---- */

static bool update_read(struct reader *reader, struct row *row, struct update_view *view) {
    const struct catalogue *catalogue = reader->running.listing->catalogue;
    view->row.id = row_uuid(row);
    view->operation_id = row_uuid(row);
    bool known =
        catalogue_update_operation(catalogue, &view->operation_id, &view->row.operation);
    struct text type = row_text(row);
    view->row.value_type =
        text_equal(type, text_of(value_type_name(VALUE_QUOTAS))) ? VALUE_QUOTAS : VALUE_USAGES;
    bool inexact;
    view->row.value = row_amount(row, &inexact);
    view->row.resource_type_id = row_uuid(row);
    view->resource_type = catalogue_resource_type(catalogue, &view->row.resource_type_id);
    view->row.effective_us = row_integer(row);
    view->row.metadata = row_text_or_null(row, &view->has_metadata);
    return known && view->resource_type != NULL && !row->broken;
}

/* Some more of the rows that came since the last look; *all: there are no others. */
static bool trail_read(struct reader *reader, struct trail_mark *mark, bool *all,
                       struct qms_error *error) {
    struct trail_row rows[TRAIL_PIECE_ROWS];
    size_t count = 0;
    struct row row;
    row_open(&row, &reader->statements, READ_TRAIL);
    row_put_integer(&row, mark->next_rowid);
    row_put_integer(&row, TRAIL_PIECE_ROWS);
    while (row_next(&row)) {
        rows[count].rowid = row_integer(&row);
        rows[count].user_id = row_uuid(&row); /* a broken one is nobody's */
        count++;
    }
    store_sqlite_trail_add(&reader->sqlite->trail, mark, rows, count);
    *all = count < TRAIL_PIECE_ROWS;
    return reader_end(reader, &row, error);
}

/* Where the user's rows may lie; *found false: anywhere. */
static bool trail_find(struct reader *reader, const struct uuid *user_id, struct buffer *rowids,
                       bool *found, struct qms_error *error) {
    struct store_sqlite_trail *trail = &reader->sqlite->trail;
    struct trail_mark mark;
    bool useful = store_sqlite_trail_mark(trail, &mark), all = false;
    while (useful && !all) {
        if (!trail_read(reader, &mark, &all, error)) return false;
        useful = mark.next_rowid < TRAIL_ROWS_MAX;
    }
    *found = useful && store_sqlite_trail_find(trail, &mark, user_id, rowids);
    return true;
}

static bool read_updates(struct reader *reader, union store_row *out, const struct text *rowids,
                         struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    struct row row;
    row_open(&row, &reader->statements, rowids != NULL ? READ_UPDATES_AT : READ_UPDATES);
    row_put_uuid(&row, &out->update.user_id);
    row_put_text(&row, input->resource_name);
    row_put_integer(&row, input->has_since ? input->since_us : INT64_MIN);
    row_put_integer(&row, input->limit);
    row_put_integer(&row, input->offset);
    if (rowids != NULL) row_put_text(&row, *rowids);
    while (reader->running.goes_on && row_next(&row)) {
        if (update_read(reader, &row, &out->update)) {
            store_listing_hand_on(&reader->running, out);
        } else {
            store_listing_log_broken(reader->running.listing->username);
        }
    }
    return reader_end(reader, &row, error);
}

static bool list_updates(struct reader *reader, struct qms_error *error) {
    union store_row out = {.update = {.username = reader->running.listing->username}};
    if (!find_user(reader, &out.update.user_id, error)) return false;
    if (!reader->running.listing->user_exists) return true;
    struct buffer rowids;
    bool found;
    buffer_init(&rowids, TRAIL_ROWIDS_BYTES_MAX);
    bool listed = trail_find(reader, &out.update.user_id, &rowids, &found, error);
    if (listed) {
        struct text text = buffer_text(&rowids);
        listed = read_updates(reader, &out, found ? &text : NULL, error);
    }
    buffer_close(&rowids);
    return listed;
}

/* ---- overages ---- */

static void overages_take_row(struct overages *overages, struct row *row) {
    struct text username = row_text(row);
    bool inexact;
    struct overage_line line = {.resource_name = row_text(row)};
    line.quota = row_amount(row, &inexact);
    line.usage = row_amount(row, &inexact);
    if (row->broken) {
        store_listing_log_broken(username);
        return;
    }
    if (amount_compare(line.usage, line.quota) >= 0) overages_take(overages, username, line);
}

static bool list_overages(struct reader *reader, struct qms_error *error) {
    struct overages overages;
    struct row row;
    overages_open(&overages, &reader->running, &reader->arena);
    row_open(&row, &reader->statements, READ_OVERAGES);
    row_put_text(&row, reader->running.listing->input->after);
    row_put_integer(&row, reader->running.listing->decided_us);
    while (reader->running.goes_on && row_next(&row)) overages_take_row(&overages, &row);
    if (row.code == SQLITE_OK) overages_close(&overages);
    return reader_end(reader, &row, error);
}

/* ---- subscriptions ---- */

static bool read_quantities(struct reader *reader, struct subscription *subscription,
                            enum value_type type, struct qms_error *error) {
    struct row row;
    row_open(&row, &reader->statements, type == VALUE_QUOTAS ? READ_QUOTAS : READ_USAGES);
    row_put_uuid(&row, &subscription->id);
    if (!store_sqlite_read_quantities(&row, subscription->account, type)) {
        store_listing_log_broken(subscription->account->username);
    }
    return reader_end(reader, &row, error);
}

/* The row's account has this one subscription, whatever else the user has. */
static bool hand_on_subscriptions(struct reader *reader, struct row *row,
                                  struct qms_error *error) {
    while (reader->running.goes_on && row_next(row)) {
        arena_reset(&reader->arena);
        struct account account = {.exists = true, .loaded = true};
        struct subscription subscription;
        store_sqlite_read_subscription(row, &account, &subscription);
        account.subscriptions = &subscription;
        account.user_id = row_uuid(row);
        account.username = row_text(row);
        if (row->broken) {
            store_listing_log_broken(account.username);
            continue;
        }
        account.arena = reader->arena;
        bool read = read_quantities(reader, &subscription, VALUE_QUOTAS, error) &&
                    read_quantities(reader, &subscription, VALUE_USAGES, error);
        reader->arena = account.arena;
        if (!read) {
            row_close(row);
            return false;
        }
        const union store_row out = {.subscription = &subscription};
        store_listing_hand_on(&reader->running, &out);
    }
    return reader_end(reader, row, error);
}

static bool count_rows(struct reader *reader, struct row *row, struct qms_error *error) {
    if (row_next(row)) reader->running.listing->total = row_integer(row);
    return reader_end(reader, row, error);
}

/* By name, users are walked from the first on; passing one costs about twice what sorting one does
 * (measured). A search passes most of them cheaply. */
static enum statement_id active_statement(const struct store_listing *listing) {
    const struct listing_input *input = listing->input;
    bool walks = input->sort_field == SORT_USERNAME && input->offset <= listing->total / 5 * 2;
    int order = 2 * (int)input->sort_field + input->descending;
    enum statement_id first = walks || input->search.length > 0 ? READ_FOUND_BY_USERNAME
                                                                : READ_ACTIVE_BY_USERNAME;
    return (enum statement_id)(first + order);
}

static bool list_active(struct reader *reader, struct qms_error *error) {
    struct store_listing *listing = reader->running.listing;
    struct row row;
    row_open(&row, &reader->statements,
             listing->input->search.length > 0 ? COUNT_FOUND : COUNT_ACTIVE);
    row_put_integer(&row, listing->decided_us);
    row_put_text(&row, listing->input->search);
    if (!count_rows(reader, &row, error)) return false;
    row_open(&row, &reader->statements, active_statement(listing));
    row_put_integer(&row, listing->decided_us);
    row_put_text(&row, listing->input->search);
    row_put_integer(&row, listing->input->limit);
    row_put_integer(&row, listing->input->offset);
    return hand_on_subscriptions(reader, &row, error);
}

static bool list_of_user(struct reader *reader, struct qms_error *error) {
    struct store_listing *listing = reader->running.listing;
    const struct listing_input *input = listing->input;
    int64_t ends_from_us = store_listing_ends_from_us(input, listing->decided_us);
    struct uuid user_id;
    if (!find_user(reader, &user_id, error)) return false;
    if (!listing->user_exists) return true;
    struct row row;
    row_open(&row, &reader->statements, COUNT_OF_USER);
    row_put_uuid(&row, &user_id);
    row_put_integer(&row, ends_from_us);
    if (!count_rows(reader, &row, error)) return false;
    row_open(&row, &reader->statements, READ_OF_USER);
    row_put_uuid(&row, &user_id);
    row_put_integer(&row, ends_from_us);
    row_put_integer(&row, input->limit);
    row_put_integer(&row, input->offset);
    return hand_on_subscriptions(reader, &row, error);
}

/* ---- all ---- */

static bool reader_list(struct reader *reader, struct qms_error *error) {
    switch (reader->running.listing->operation) {
    case OP_USER_LIST: return list_users(reader, error);
    case OP_UPDATE_LIST: return list_updates(reader, error);
    case OP_OVERAGE_REPORT: return list_overages(reader, error);
    case OP_SUBSCRIPTION_LIST: return list_active(reader, error);
    case OP_SUBSCRIPTION_LIST_USER: return list_of_user(reader, error);
    default: return qms_fail_code(error, QMS_UNIMPLEMENTED);
    }
}

bool store_sqlite_list(struct store_reader *base, struct store_listing *listing,
                       struct qms_error *error) {
    struct reader *reader = reader_of(base);
    store_listing_begin(&reader->running, listing);
    sqlite3_progress_handler(reader->connection, 0, NULL, NULL);
    if (!store_sqlite_execute(reader->connection, "BEGIN", "begin a snapshot", error)) return false;
    sqlite3_progress_handler(reader->connection, STEPS_BETWEEN_LOOKS, reader_must_stop, reader);
    bool listed = reader_list(reader, error);
    sqlite3_progress_handler(reader->connection, 0, NULL, NULL);
    if (sqlite3_get_autocommit(reader->connection) == 0) {
        store_sqlite_execute(reader->connection, "ROLLBACK", "end a snapshot", NULL);
    }
    arena_reset(&reader->arena);
    return listed;
}
