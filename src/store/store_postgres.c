#include "store/store_postgres.h"

#include <assert.h>

#include "store/store_postgres_migrate.h"

enum {
    PURGE_ROWS = 1000,
    PURGE_EVERY_US = 600 * 1000000,
    PLAN_EVERY_US = 60 * 1000000,
    ROWS_PLANNED_FOR_FIRST = 256,
    BATCHES_KEPT_US = 3600 * INT64_C(1000000), /* of nodes that stopped; far beyond any resolve() */
};

/* ---- errors ---- */

bool store_postgres_fail(struct store_postgres *postgres, const struct exchange *exchange,
                         struct qms_error *error) {
    if (!exchange->lost) {
        enum postgres_failure failure = exchange_failure(exchange);
        if (failure == POSTGRES_SESSION) session_close(&postgres->session);
        session_rollback(&postgres->session);
    }
    postgres->is_open = false;
    return qms_fail_code(error, QMS_UNAVAILABLE);
}

/* ---- transactions ---- */

/* The transaction itself begins with the first exchange. */
static bool postgres_begin(struct store *store, bool writes, bool *stale,
                           struct qms_error *error) {
    struct store_postgres *postgres = store_postgres_of(store);
    assert(!postgres->is_open);
    if (!session_open(&postgres->session, error)) return false;
    postgres->is_open = true;
    postgres->writes = writes;
    *stale = true;
    return true;
}

static void postgres_end(struct store *store) {
    struct store_postgres *postgres = store_postgres_of(store);
    session_rollback(&postgres->session);
    postgres->is_open = false;
}

static bool is_insertion(enum postgres_statement id) {
    return id == PG_INSERT_USERS || id == PG_INSERT_QUOTAS || id == PG_INSERT_USAGES ||
           id == PG_INSERT_REPLAYS;
}

/* Accounts are locked, so what is to be changed of them cannot be gone; the catalogue is not. */
static bool is_change_of_account(enum postgres_statement id) {
    return id >= PG_CHANGE_SUBSCRIPTIONS && id <= PG_CHANGE_USAGES && !is_insertion(id);
}

static enum store_outcome outcome_of(struct store_postgres *postgres,
                                     const struct exchange *exchange,
                                     const struct changes *changes) {
    enum postgres_statement id = exchange->ids[exchange->failed];
    switch (exchange_failure(exchange)) {
    case POSTGRES_PASSES: return STORE_OVERTAKEN;
    case POSTGRES_LOCKED: return STORE_LOCKED;
    case POSTGRES_DATA: return STORE_REFUSED;
    case POSTGRES_GUARD:
        if (is_change_of_account(id)) return STORE_DECLINED;
        if (is_insertion(id) && store_postgres_collides(postgres, changes)) return STORE_REFUSED;
        return STORE_OVERTAKEN;
    default: return STORE_DECLINED;
    }
}

static void count_rows(struct store_postgres *postgres, const struct changes *changes) {
    postgres->rows_added += changes->accounts.count + changes->subscriptions.count +
                            changes->quotas.count + changes->usages.count +
                            changes->updates.count + changes->replays.count;
    if (postgres->rows_added < postgres->rows_planned_for) return;
    postgres->rows_planned_for = 2 * postgres->rows_added;
    postgres->forgets_plans = true;
}

/* Everything and the COMMIT go out together: when the connection is lost before the answer, nobody
 * knows how far the server came. */
static enum store_outcome postgres_save(struct store *store, const struct uuid *batch_id,
                                        const struct changes *changes, struct qms_error *error) {
    struct store_postgres *postgres = store_postgres_of(store);
    struct exchange exchange;
    assert(postgres->is_open);
    assert(postgres->writes);
    postgres->is_open = false;
    if (!session_is_whole(&postgres->session)) {
        session_close(&postgres->session);
        qms_fail_code(error, QMS_UNAVAILABLE);
        return STORE_FAILED;
    }
    arena_reset(&postgres->arena);
    exchange_open(&exchange, &postgres->session);
    exchange_begin(&exchange, true);
    store_postgres_write(postgres, &exchange, batch_id, changes);
    exchange_add(&exchange, PG_COMMIT, NULL);
    enum store_outcome outcome = STORE_COMMITTED;
    if (exchange_run(&exchange, "save")) {
        postgres->session.in_transaction = false;
        postgres->has_last_batch = true;
        postgres->last_batch_id = *batch_id;
        count_rows(postgres, changes);
        if (changes_directory_any(changes))
            postgres->directory_version = changes->directory_version + 1;
    } else if (exchange.lost) {
        postgres->unknown_backend = postgres->session.backend;
        qms_fail_code(error, QMS_OUTCOME_UNKNOWN);
        outcome = STORE_UNKNOWN;
    } else {
        outcome = outcome_of(postgres, &exchange, changes);
        store_postgres_fail(postgres, &exchange, error);
    }
    exchange_close(&exchange);
    return outcome;
}

/* First whether the session that was lost is still there, then, in a later snapshot, whether the
 * batch is: a session that is gone has committed or never will. One that waits for our next word is
 * ended; one at work (it may be committing, or waiting for a standby) is asked about again. */
static bool postgres_resolve(struct store *store, const struct uuid *batch_id, bool *committed,
                             struct qms_error *error) {
    struct store_postgres *postgres = store_postgres_of(store);
    struct parameters backend, batch;
    struct exchange exchange;
    struct postgres_row row;
    assert(!postgres->is_open);
    if (!session_open(&postgres->session, error)) return false;
    arena_reset(&postgres->arena);
    exchange_open(&exchange, &postgres->session);
    parameters_open(&backend, &postgres->arena, PG_BACKEND_LIVES);
    put_integer(&backend, postgres->unknown_backend.process);
    put_time(&backend, postgres->unknown_backend.started_us);
    exchange_add(&exchange, PG_BACKEND_LIVES, &backend);
    parameters_open(&batch, &postgres->arena, PG_FIND_BATCH);
    put_uuid(&batch, batch_id);
    exchange_add(&exchange, PG_FIND_BATCH, &batch);
    bool told = exchange_run(&exchange, "look for a batch");
    if (told) {
        exchange_rows(&exchange, PG_BACKEND_LIVES, &row);
        bool lives = row_take(&row);
        exchange_rows(&exchange, PG_FIND_BATCH, &row);
        *committed = row_take(&row);
        told = *committed || !lives;
        if (!told) qms_fail(error, QMS_UNAVAILABLE, "the session that was lost is still at work");
    } else {
        store_postgres_fail(postgres, &exchange, error);
    }
    exchange_close(&exchange);
    if (!told) return false;
    postgres->unknown_backend = (struct postgres_backend){0};
    if (*committed) {
        postgres->has_last_batch = true;
        postgres->last_batch_id = *batch_id;
    }
    return true;
}

/* ---- clearing away ---- */

/* Some of the rows from before then; false: there are no more, or it failed. */
static bool purge(struct store_postgres *postgres, enum postgres_statement id,
                  int64_t before_us) {
    struct exchange exchange;
    struct parameters parameters;
    struct postgres_row row;
    bool more = false;
    arena_reset(&postgres->arena);
    exchange_open(&exchange, &postgres->session);
    parameters_open(&parameters, &postgres->arena, id);
    put_time(&parameters, before_us);
    put_integer(&parameters, PURGE_ROWS);
    exchange_add(&exchange, id, &parameters);
    if (exchange_run(&exchange, "clear away what is old")) {
        exchange_rows(&exchange, id, &row);
        more = row_take(&row) && get_integer(&row) == PURGE_ROWS;
    } else {
        store_postgres_fail(postgres, &exchange, NULL);
    }
    exchange_close(&exchange);
    return more;
}

/* Some of the keys that have expired; the rest at the next call. */
static void postgres_idle(struct store *store) {
    struct store_postgres *postgres = store_postgres_of(store);
    assert(!postgres->is_open);
    int64_t now_us = clock_monotonic_us();
    if (now_us >= postgres->plan_us) {
        postgres->forgets_plans = true;
        postgres->plan_us = now_us + PLAN_EVERY_US;
    }
    if (postgres->session.connection == NULL || now_us < postgres->purge_us) return;
    if (purge(postgres, PG_PURGE_KEYS, postgres->last_us - REQUEST_KEY_KEPT_US)) return;
    purge(postgres, PG_PURGE_BATCHES, postgres->last_us - BATCHES_KEPT_US);
    postgres->purge_us = now_us + PURGE_EVERY_US;
}

/* ---- open and close ---- */

static void postgres_close(struct store *store) {
    struct store_postgres *postgres = store_postgres_of(store);
    session_end(&postgres->session);
    arena_close(&postgres->arena);
    memory_give(postgres->url);
    memory_give(postgres);
}

static const struct store_ops postgres_ops = {
    .name = "postgresql",
    .owns_database = false,
    .begin = postgres_begin,
    .find = store_postgres_find,
    .load = store_postgres_load,
    .save = postgres_save,
    .end = postgres_end,
    .resolve = postgres_resolve,
    .idle = postgres_idle,
    .reader_open = store_postgres_reader_open,
    .reader_close = store_postgres_reader_close,
    .list = store_postgres_list,
    .close = postgres_close,
};

static bool open_schema(struct store_postgres *postgres, const struct store_options *options,
                        struct qms_error *error) {
    if (options->like != NULL) {
        const struct store_postgres *like = (const struct store_postgres *)options->like;
        postgres->has_version_triggers = like->has_version_triggers;
        return true;
    }
    struct postgres_schema schema = {0};
    PGconn *connection = postgres_connect(postgres->url, error);
    if (connection == NULL) return false;
    bool ready = postgres_refuse_shared_sessions(connection, postgres->url, error) &&
                 (options->beside ? postgres_expect_schema(connection, &schema, error)
                                  : postgres_prepare_schema(connection, &schema, error));
    PQfinish(connection);
    postgres->has_version_triggers = schema.has_version_triggers;
    return ready;
}

/* Time goes on from the last batch, also when the server's clock has been set back. */
static bool continue_time(struct store_postgres *postgres, struct qms_error *error) {
    struct exchange exchange;
    struct postgres_row row;
    exchange_open(&exchange, &postgres->session);
    exchange_add(&exchange, PG_LAST_BATCH, NULL);
    bool read = exchange_run(&exchange, "read the last batch");
    if (read) {
        exchange_rows(&exchange, PG_LAST_BATCH, &row);
        if (row_take(&row)) postgres->last_us = get_time(&row);
    } else {
        store_postgres_fail(postgres, &exchange, error);
    }
    exchange_close(&exchange);
    return read;
}

struct store *store_postgres_open(const struct store_options *options, struct qms_error *error) {
    struct store_postgres *postgres = memory_take_zeroed(1, sizeof *postgres);
    size_t length = strlen(options->url) + 1;
    postgres->base.ops = &postgres_ops;
    postgres->url = memory_take(length);
    memcpy(postgres->url, options->url, length);
    postgres->waits = options->waits;
    postgres->catalogue_version = postgres->directory_version = -1;
    arena_init(&postgres->arena, 1 << 16);
    session_init(&postgres->session, postgres->url, PG_COMMON_COUNT, PG_BATCH_END);
    postgres->session.keeps_plans = true;
    postgres->rows_planned_for = ROWS_PLANNED_FOR_FIRST;
    if (options->waits) postgres->session.lock_ms = options->lock_wait_us / 1000 + 1;
    if (open_schema(postgres, options, error) && session_open(&postgres->session, error) &&
        continue_time(postgres, error)) {
        return &postgres->base;
    }
    postgres_close(&postgres->base);
    return NULL;
}
