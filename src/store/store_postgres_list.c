#include <stdio.h>

#include "store/store_overages.h"
#include "store/store_postgres.h"

/* A listing is a cursor in a snapshot, read in pieces: what is listed may take as long as its
 * reader does, and can be ended after any row. */

enum { PIECE_ARENA_BLOCK_BYTES = 1 << 16 };

struct reader {
    struct postgres_session session;
    struct running_listing running;
    int64_t decided_us;
    struct arena arena;            /* of the piece, or the user, being handed on */
    struct arena parameters;
};

static struct reader *reader_of(struct store_reader *reader) {
    return (struct reader *)reader;
}

struct store_reader *store_postgres_reader_open(struct store *store, struct qms_error *error) {
    struct reader *reader = memory_take_zeroed(1, sizeof *reader);
    session_init(&reader->session, store_postgres_of(store)->url, PG_READER_FIRST,
                 PG_STATEMENT_COUNT);
    reader->session.statement_ms = POSTGRES_READER_STATEMENT_MS_MAX;
    reader->session.idle_ms = POSTGRES_READER_IDLE_MS_MAX;
    arena_init(&reader->arena, PIECE_ARENA_BLOCK_BYTES);
    arena_init(&reader->parameters, PIECE_ARENA_BLOCK_BYTES);
    if (session_open(&reader->session, error)) return (struct store_reader *)reader;
    store_postgres_reader_close((struct store_reader *)reader);
    return NULL;
}

void store_postgres_reader_close(struct store_reader *base) {
    struct reader *reader = reader_of(base);
    session_end(&reader->session);
    arena_close(&reader->arena);
    arena_close(&reader->parameters);
    memory_give(reader);
}

static bool fail_in_time(struct qms_error *error) {
    return qms_fail(error, QMS_UNAVAILABLE, "the listing took too long");
}

/* A round trip; between two of them the listing may be out of time. */
static bool reader_run(struct reader *reader, struct exchange *exchange, struct qms_error *error) {
    if (store_listing_left_us(&reader->running) <= 0) return fail_in_time(error);
    if (exchange_run(exchange, "list")) return true;
    if (!exchange->lost && exchange_failure(exchange) == POSTGRES_TIMED_OUT) {
        return fail_in_time(error);
    }
    if (!exchange->lost && exchange_failure(exchange) == POSTGRES_SESSION) {
        session_close(&reader->session);
    }
    return qms_fail_code(error, QMS_UNAVAILABLE);
}

/* Fetches pieces until there is nothing left, and has each taken. */
static bool fetch_all(struct reader *reader, enum postgres_statement fetch,
                      bool (*take)(struct reader *reader, struct postgres_row *row, void *context,
                                   struct qms_error *error),
                      void *context, struct qms_error *error) {
    bool more = true, listed = true;
    while (listed && more && reader->running.goes_on) {
        struct exchange exchange;
        struct postgres_row row;
        exchange_open(&exchange, &reader->session);
        exchange_add(&exchange, fetch, NULL);
        listed = reader_run(reader, &exchange, error);
        if (listed) {
            exchange_rows(&exchange, fetch, &row);
            more = PQntuples(row.result) > 0;
            listed = take(reader, &row, context, error);
        }
        exchange_close(&exchange);
    }
    return listed;
}

/* Declares the cursor that fetch_all() reads; the count beside it, when there is one, is total. */
static bool declare(struct reader *reader, enum postgres_statement cursor,
                    struct parameters *parameters, enum postgres_statement count,
                    struct parameters *counted, struct qms_error *error) {
    struct exchange exchange;
    struct postgres_row row;
    exchange_open(&exchange, &reader->session);
    if (counted != NULL) exchange_add(&exchange, count, counted);
    exchange_add(&exchange, cursor, parameters);
    bool declared = reader_run(reader, &exchange, error);
    if (declared && counted != NULL) {
        exchange_rows(&exchange, count, &row);
        if (row_take(&row)) reader->running.listing->total = get_integer(&row);
    }
    exchange_close(&exchange);
    return declared;
}

static void put_page(const struct reader *reader, struct parameters *parameters) {
    put_integer(parameters, reader->running.listing->input->limit);
    put_integer(parameters, reader->running.listing->input->offset);
}

/* Looks up the user of a listing about one; *id is meaningful when listing->user_exists. */
static bool find_user(struct reader *reader, struct uuid *id, struct qms_error *error) {
    struct parameters parameters;
    struct exchange exchange;
    struct postgres_row row;
    parameters_open(&parameters, &reader->parameters, PG_READ_USER);
    put_sought(&parameters, reader->running.listing->username);
    exchange_open(&exchange, &reader->session);
    exchange_add(&exchange, PG_READ_USER, &parameters);
    bool found = reader_run(reader, &exchange, error);
    if (found) {
        exchange_rows(&exchange, PG_READ_USER, &row);
        reader->running.listing->user_exists = row_take(&row);
        if (reader->running.listing->user_exists) *id = get_uuid(&row);
    }
    exchange_close(&exchange);
    return found;
}

/* ---- users ---- */

static bool take_users(struct reader *reader, struct postgres_row *row, void *context,
                       struct qms_error *error) {
    (void)context, (void)error;
    while (reader->running.goes_on && row_take(row)) {
        union store_row out = {.user = {.id = get_uuid(row)}};
        out.user.username = get_text(row);
        if (row->broken) store_listing_log_broken(out.user.username);
        else store_listing_hand_on(&reader->running, &out);
    }
    return true;
}

static bool list_users(struct reader *reader, struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    struct parameters parameters;
    parameters_open(&parameters, &reader->parameters, PG_READ_USERS);
    put_sought(&parameters, input->after);
    put_sought(&parameters, input->search);
    put_page(reader, &parameters);
    return declare(reader, PG_READ_USERS, &parameters, 0, NULL, error) &&
           fetch_all(reader, PG_FETCH_USERS, take_users, NULL, error);
}

/* ---- updates ---- */

static bool update_read(const struct catalogue *catalogue, struct postgres_row *row,
                        struct update_view *view) {
    bool inexact;
    view->row.id = get_uuid(row);
    view->operation_id = get_uuid(row);
    bool known =
        catalogue_update_operation(catalogue, &view->operation_id, &view->row.operation);
    bool of_quotas = text_equal(get_text(row), text_of(value_type_name(VALUE_QUOTAS)));
    view->row.value_type = of_quotas ? VALUE_QUOTAS : VALUE_USAGES;
    view->row.value = get_amount(row, &inexact);
    view->row.resource_type_id = get_uuid(row);
    view->resource_type = catalogue_resource_type(catalogue, &view->row.resource_type_id);
    view->row.effective_us = get_time(row);
    view->row.metadata = get_text_or_null(row, &view->has_metadata);
    return known && view->resource_type != NULL && !row->broken;
}

static bool take_updates(struct reader *reader, struct postgres_row *row, void *context,
                         struct qms_error *error) {
    (void)error;
    union store_row *out = context;
    const struct store_listing *listing = reader->running.listing;
    while (reader->running.goes_on && row_take(row)) {
        if (update_read(listing->catalogue, row, &out->update))
            store_listing_hand_on(&reader->running, out);
        else store_listing_log_broken(listing->username);
    }
    return true;
}

static bool list_updates(struct reader *reader, struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    union store_row out = {.update = {.username = reader->running.listing->username}};
    struct parameters parameters;
    if (!find_user(reader, &out.update.user_id, error)) return false;
    if (!reader->running.listing->user_exists) return true;
    parameters_open(&parameters, &reader->parameters, PG_READ_UPDATES);
    put_uuid(&parameters, &out.update.user_id);
    put_sought(&parameters, input->resource_name);
    put_time(&parameters, input->has_since ? input->since_us : INT64_MIN);
    put_page(reader, &parameters);
    return declare(reader, PG_READ_UPDATES, &parameters, 0, NULL, error) &&
           fetch_all(reader, PG_FETCH_UPDATES, take_updates, &out, error);
}

/* ---- overages ---- */

static bool take_overages(struct reader *reader, struct postgres_row *row, void *context,
                          struct qms_error *error) {
    (void)error;
    struct overages *overages = context;
    while (reader->running.goes_on && row_take(row)) {
        struct text username = get_text(row);
        bool inexact;
        struct overage_line line = {.resource_name = get_text(row)};
        line.quota = get_amount(row, &inexact);
        line.usage = get_amount(row, &inexact);
        if (row->broken) store_listing_log_broken(username);
        else overages_take(overages, username, line);
    }
    return true;
}

static bool list_overages(struct reader *reader, struct qms_error *error) {
    struct overages overages;
    struct parameters parameters;
    overages_open(&overages, &reader->running, &reader->arena);
    parameters_open(&parameters, &reader->parameters, PG_READ_OVERAGES);
    put_sought(&parameters, reader->running.listing->input->after);
    put_time(&parameters, reader->decided_us);
    bool listed = declare(reader, PG_READ_OVERAGES, &parameters, 0, NULL, error) &&
                  fetch_all(reader, PG_FETCH_OVERAGES, take_overages, &overages, error);
    if (listed) overages_close(&overages);
    return listed;
}

/* ---- subscriptions ---- */

/* The piece's subscriptions, each with an account that has it alone, whatever else the user has.
 * Their rows all lie in one arena, which goes from account to account as they are filled. */
struct piece {
    struct account *accounts, **all;
    size_t count;
};

static void piece_read(struct reader *reader, struct postgres_row *row, struct piece *piece) {
    size_t rows = (size_t)PQntuples(row->result);
    struct subscription *subscriptions =
        arena_take_zeroed(&reader->arena, rows, sizeof *subscriptions);
    piece->accounts = arena_take_zeroed(&reader->arena, rows, sizeof *piece->accounts);
    piece->all = arena_take(&reader->arena, rows * sizeof *piece->all);
    for (piece->count = 0; row_take(row); piece->count++) {
        struct account *account = &piece->accounts[piece->count];
        struct subscription *subscription = &subscriptions[piece->count];
        store_postgres_take_subscription(row, account, subscription);
        *account = (struct account){.exists = true, .loaded = true, .subscriptions = subscription};
        account->user_id = get_uuid(row);
        account->username = get_text(row);
        account->broken = row->broken;
        arena_init(&account->arena, PIECE_ARENA_BLOCK_BYTES / 64);
        piece->all[piece->count] = account;
    }
}

static bool piece_read_quantities(struct reader *reader, const struct piece *piece,
                                  struct qms_error *error) {
    static const enum postgres_statement ids[] = {PG_READ_QUOTAS, PG_READ_USAGES};
    struct exchange exchange;
    struct postgres_row row;
    exchange_open(&exchange, &reader->session);
    for (size_t i = 0; i < 2; i++) {
        struct parameters parameters;
        parameters_open(&parameters, &reader->parameters, ids[i]);
        for (size_t j = 0; j < piece->count; j++) {
            put_uuid(&parameters, &piece->accounts[j].subscriptions->id);
        }
        exchange_add(&exchange, ids[i], &parameters);
    }
    bool read = reader_run(reader, &exchange, error);
    for (size_t i = 0; i < 2 && read; i++) {
        exchange_rows(&exchange, ids[i], &row);
        store_postgres_take_quantities(&row, piece->all, i == 0 ? VALUE_QUOTAS : VALUE_USAGES,
                                       NULL);
    }
    exchange_close(&exchange);
    return read;
}

static bool take_subscriptions(struct reader *reader, struct postgres_row *row, void *context,
                               struct qms_error *error) {
    (void)context;
    struct piece piece;
    arena_reset(&reader->arena);
    arena_reset(&reader->parameters);
    piece_read(reader, row, &piece);
    bool read = piece.count == 0 || piece_read_quantities(reader, &piece, error);
    for (size_t i = 0; i < piece.count && read && reader->running.goes_on; i++) {
        const union store_row out = {.subscription = piece.accounts[i].subscriptions};
        if (store_listing_left_us(&reader->running) <= 0) read = fail_in_time(error);
        else if (piece.accounts[i].broken) store_listing_log_broken(piece.accounts[i].username);
        else store_listing_hand_on(&reader->running, &out);
    }
    for (size_t i = 0; i < piece.count; i++) arena_close(&piece.accounts[i].arena);
    return read;
}

static bool list_active(struct reader *reader, struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    int order = 2 * (int)input->sort_field + input->descending;
    enum postgres_statement id = (enum postgres_statement)(PG_READ_ACTIVE_BY_USERNAME + order);
    struct parameters counted, parameters;
    parameters_open(&counted, &reader->parameters, PG_COUNT_ACTIVE);
    put_time(&counted, reader->decided_us);
    put_sought(&counted, input->search);
    parameters_open(&parameters, &reader->parameters, id);
    put_time(&parameters, reader->decided_us);
    put_sought(&parameters, input->search);
    put_page(reader, &parameters);
    return declare(reader, id, &parameters, PG_COUNT_ACTIVE, &counted, error) &&
           fetch_all(reader, PG_FETCH_SUBSCRIPTIONS, take_subscriptions, NULL, error);
}

static bool list_of_user(struct reader *reader, struct qms_error *error) {
    const struct listing_input *input = reader->running.listing->input;
    int64_t ends_from_us = store_listing_ends_from_us(input, reader->decided_us);
    struct parameters counted, parameters;
    struct uuid user_id;
    if (!find_user(reader, &user_id, error)) return false;
    if (!reader->running.listing->user_exists) return true;
    parameters_open(&counted, &reader->parameters, PG_COUNT_OF_USER);
    put_uuid(&counted, &user_id);
    put_time(&counted, ends_from_us);
    parameters_open(&parameters, &reader->parameters, PG_READ_OF_USER);
    put_uuid(&parameters, &user_id);
    put_time(&parameters, ends_from_us);
    put_page(reader, &parameters);
    return declare(reader, PG_READ_OF_USER, &parameters, PG_COUNT_OF_USER, &counted, error) &&
           fetch_all(reader, PG_FETCH_SUBSCRIPTIONS, take_subscriptions, NULL, error);
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

/* Begins the snapshot: no statement in it may take longer than there is time, and what is active is
 * a matter of the database's time. */
static bool reader_begin(struct reader *reader, struct qms_error *error) {
    int64_t left_us = store_listing_left_us(&reader->running);
    struct parameters parameters;
    struct exchange exchange;
    struct postgres_row row;
    char left_ms[24];
    if (left_us <= 0) return fail_in_time(error);
    int64_t statement_ms = left_us / 1000 + 1;
    if (statement_ms > reader->session.statement_ms) statement_ms = reader->session.statement_ms;
    int length = snprintf(left_ms, sizeof left_ms, "%lld", (long long)statement_ms);
    exchange_open(&exchange, &reader->session);
    exchange_begin(&exchange, false);
    parameters_open(&parameters, &reader->parameters, PG_READ_LIMIT_TIME);
    put_text(&parameters, (struct text){.data = left_ms, .length = (size_t)length});
    exchange_add(&exchange, PG_READ_LIMIT_TIME, &parameters);
    bool begun = reader_run(reader, &exchange, error);
    if (begun) {
        exchange_rows(&exchange, PG_READ_LIMIT_TIME, &row);
        row_take(&row);
        int64_t asked_us = reader->running.listing->decided_us, now_us = get_time(&row);
        reader->decided_us = asked_us != 0 ? asked_us : now_us;
    }
    exchange_close(&exchange);
    return begun;
}

bool store_postgres_list(struct store_reader *base, struct store_listing *listing,
                         struct qms_error *error) {
    struct reader *reader = reader_of(base);
    store_listing_begin(&reader->running, listing);
    bool listed = session_open(&reader->session, error) && reader_begin(reader, error) &&
                  reader_list(reader, error);
    session_rollback(&reader->session);
    arena_reset(&reader->arena);
    arena_reset(&reader->parameters);
    return listed;
}
