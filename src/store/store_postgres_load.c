#include <assert.h>

#include "base/log.h"
#include "store/store_postgres.h"

/* Rows of accounts, in the order in which they are locked and read. With their subscriptions the
 * users come. */
enum kind { SUBSCRIPTIONS, QUOTAS, USAGES, APPLIED, KIND_COUNT };

static const struct {
    enum account_rows rows;
    enum postgres_statement lock, lock_waiting, load;
} kinds[KIND_COUNT] = {
    [SUBSCRIPTIONS] = {ROWS_SUBSCRIPTIONS, PG_LOCK_SUBSCRIPTIONS, PG_LOCK_SUBSCRIPTIONS_WAITING,
                       PG_LOAD_ACCOUNTS},
    [QUOTAS] = {ROWS_QUOTAS, PG_LOCK_QUOTAS, PG_LOCK_QUOTAS_WAITING, PG_LOAD_QUOTAS},
    [USAGES] = {ROWS_USAGES, PG_LOCK_USAGES, PG_LOCK_USAGES_WAITING, PG_LOAD_USAGES},
    [APPLIED] = {ROWS_ADDONS, PG_LOCK_APPLIED, PG_LOCK_APPLIED_WAITING, PG_LOAD_APPLIED},
};

enum { ATTEMPTS_MAX = 4 };

/* One attempt to load. */
struct loading {
    struct store_postgres *postgres;
    struct store_load *load;
    bool waits;
    /* "n" of a kind's rows counts its accounts, "n" of its locks counts locked: where those are
     * that are locked as well. */
    struct kind_rows {
        struct account **accounts;
        uint32_t *rows; /* of each, as they were read */
        size_t count, *locked, locked_count;
    } rows[KIND_COUNT];
};

static enum postgres_statement lock_of(const struct loading *loading, enum kind kind) {
    return loading->waits ? kinds[kind].lock_waiting : kinds[kind].lock;
}

/* ---- asking ---- */

static void want_rows(struct kind_rows *rows, struct account *account, bool locks) {
    if (locks) rows->locked[rows->locked_count++] = rows->count;
    rows->accounts[rows->count++] = account;
}

static void loading_open(struct loading *loading, struct store_postgres *postgres,
                         struct store_load *load, bool waits) {
    *loading = (struct loading){.postgres = postgres, .load = load, .waits = waits};
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        struct kind_rows *rows = &loading->rows[kind];
        rows->accounts = arena_take(load->arena, load->account_count * sizeof *rows->accounts);
        rows->rows = arena_take_zeroed(load->arena, load->account_count, sizeof *rows->rows);
        rows->locked = arena_take(load->arena, load->account_count * sizeof *rows->locked);
    }
    for (size_t i = 0; i < load->account_count; i++) {
        struct account *account = load->accounts[i];
        assert(account->subscriptions == NULL);
        assert(account->writable == 0 || postgres->writes);
        unsigned needed = ROWS_SUBSCRIPTIONS | account->needed | account->writable;
        for (int kind = 0; kind < KIND_COUNT; kind++) {
            if (needed & kinds[kind].rows)
                want_rows(&loading->rows[kind], account, account->writable & kinds[kind].rows);
        }
    }
}

static void put_period(struct parameters *periods, const struct account *account) {
    put_sought(periods, account->username);
    put_time(periods, account->want_from_us);
}

static void add_locks(struct loading *loading, struct exchange *exchange, enum kind kind) {
    const struct kind_rows *rows = &loading->rows[kind];
    struct parameters periods;
    if (rows->locked_count == 0) return;
    parameters_open(&periods, &loading->postgres->arena, lock_of(loading, kind));
    for (size_t i = 0; i < rows->locked_count; i++)
        put_period(&periods, rows->accounts[rows->locked[i]]);
    exchange_add(exchange, lock_of(loading, kind), &periods);
}

static void add_loads(struct loading *loading, struct exchange *exchange, enum kind kind) {
    const struct kind_rows *rows = &loading->rows[kind];
    struct parameters periods;
    if (rows->count == 0) return;
    parameters_open(&periods, &loading->postgres->arena, kinds[kind].load);
    for (size_t i = 0; i < rows->count; i++) put_period(&periods, rows->accounts[i]);
    exchange_add(exchange, kinds[kind].load, &periods);
}

static void add_replays(struct loading *loading, struct exchange *exchange) {
    struct store_load *load = loading->load;
    struct parameters keys;
    if (load->replay_count == 0) return;
    parameters_open(&keys, &loading->postgres->arena, PG_LOAD_REPLAYS);
    for (size_t i = 0; i < load->replay_count; i++) {
        struct replay *replay = load->replays[i];
        replay->known = replay->broken = false;
        put_sought(&keys, replay->key);
        put_sought(&keys, replay->account == NULL ? TEXT("") : replay->account->username);
        put_text(&keys, text_of(operation_name(replay->operation)));
        put_text(&keys, replay->principal);
    }
    exchange_add(exchange, PG_LOAD_REPLAYS, &keys);
}

static void add_addons(struct loading *loading, struct exchange *exchange,
                       enum postgres_statement id) {
    struct parameters addons;
    const struct store_load *load = loading->load;
    if (load->addon_use_count == 0) return;
    parameters_open(&addons, &loading->postgres->arena, id);
    for (size_t i = 0; i < load->addon_use_count; i++) {
        put_uuid(&addons, &load->addon_uses[i].addon_id);
    }
    exchange_add(exchange, id, &addons);
}

/* The time is read after the locks: now() is of before the wait for them. */
static void ask(struct loading *loading, struct exchange *exchange) {
    struct store_postgres *postgres = loading->postgres;
    exchange_begin(exchange, postgres->writes);
    if (postgres->forgets_plans) exchange_add(exchange, PG_FORGET_PLANS, NULL);
    postgres->forgets_plans = false;
    for (int kind = 0; kind < KIND_COUNT; kind++) add_locks(loading, exchange, kind);
    if (postgres->writes) {
        add_addons(loading, exchange, PG_LOCK_ADDONS);
        add_addons(loading, exchange, PG_LOCK_ADDON_RATES);
    }
    exchange_add(exchange, PG_LOAD_MOMENT, NULL);
    store_postgres_ask_catalogue(postgres, exchange);
    for (int kind = 0; kind < KIND_COUNT; kind++) add_loads(loading, exchange, kind);
    add_replays(loading, exchange);
    add_addons(loading, exchange, PG_LOAD_ADDON_USE);
}

/* ---- taking ---- */

static bool take_moment(struct loading *loading, const struct exchange *exchange,
                        struct qms_error *error) {
    struct store_postgres *postgres = loading->postgres;
    struct postgres_row row;
    exchange_rows(exchange, PG_LOAD_MOMENT, &row);
    row_take(&row);
    int64_t decided_us = get_time(&row);
    int64_t stamped_us = get_time(&row);
    if (decided_us > postgres->last_us) postgres->last_us = decided_us;
    /* of a clock that was set back in between: what had ended by then has not been read */
    if (stamped_us > postgres->last_us) postgres->last_us = stamped_us;
    postgres->moment = (struct store_moment){
        .decided_us = postgres->last_us,
        .stamped_us = stamped_us,
        .actor = text_of(postgres->session.actor),
    };
    if (get_integer(&row) == postgres->session.backend.process) return true;
    log_format(LOG_ERROR, "store: a pooler gave this session to somebody else;"
                          " use session pooling or connect directly");
    session_close(&postgres->session);
    return qms_fail_code(error, QMS_UNAVAILABLE);
}

/* Takes the number that opens a row; the account it stands for, and one row more of it. */
static struct account *take_account(struct postgres_row *row, struct account **accounts,
                                    uint32_t *counts) {
    size_t place = (size_t)get_integer(row) - 1;
    if (counts != NULL) counts[place]++;
    return accounts[place];
}

void store_postgres_take_subscription(struct postgres_row *row, struct account *account,
                                      struct subscription *subscription) {
    *subscription = (struct subscription){.account = account};
    subscription->id = get_uuid(row);
    subscription->plan_id = get_uuid(row);
    subscription->plan_rate_id = get_uuid(row);
    subscription->start_us = get_time(row);
    subscription->end_us = get_end(row);
    subscription->paid = get_boolean(row);
}

/* The users, with a row for each subscription, or one without. */
static void take_users(struct loading *loading, const struct exchange *exchange) {
    struct postgres_row row;
    struct subscription **last = NULL;
    struct kind_rows *rows = &loading->rows[SUBSCRIPTIONS];
    if (rows->count == 0) return;
    exchange_rows(exchange, PG_LOAD_ACCOUNTS, &row);
    while (row_take(&row)) {
        size_t place = (size_t)get_integer(&row) - 1;
        struct account *account = rows->accounts[place];
        account->exists = true;
        account->user_id = get_uuid(&row);
        if (!get_boolean(&row)) continue;
        struct subscription *subscription = arena_take(&account->arena, sizeof *subscription);
        store_postgres_take_subscription(&row, account, subscription);
        if (rows->rows[place]++ == 0) last = &account->subscriptions;
        *last = subscription;
        last = &subscription->next;
        if (row.broken) account->broken = true;
    }
}

/* A row of a subscription that has not come: somebody has just made it. That account is for later,
 * when both will be there. */
static bool misfits(struct account *account, const struct postgres_row *row,
                    const struct subscription *subscription) {
    if (row->broken) account->broken = true;
    else if (subscription == NULL) account->busy = true;
    return row->broken || subscription == NULL;
}

void store_postgres_take_quantities(struct postgres_row *row, struct account **accounts,
                                    enum value_type type, uint32_t *counts) {
    while (row_take(row)) {
        struct account *account = take_account(row, accounts, counts);
        struct arena *arena = &account->arena;
        struct quantity *quantity = arena_take_zeroed(arena, 1, sizeof *quantity);
        struct uuid subscription_id = get_uuid(row);
        struct subscription *subscription = subscription_find(account, &subscription_id);
        quantity->subscription = subscription;
        quantity->id = get_uuid(row);
        quantity->resource_type_id = get_uuid(row);
        quantity->value = get_amount(row, &quantity->inexact);
        quantity->stamps.created_by = arena_text(arena, get_text(row));
        quantity->stamps.created_us = get_time(row);
        quantity->stamps.last_modified_by = arena_text(arena, get_text(row));
        quantity->stamps.last_modified_us = get_time(row);
        if (misfits(account, row, subscription)) continue;
        struct quantity **first =
            type == VALUE_QUOTAS ? &subscription->quotas : &subscription->usages;
        quantity->next = *first;
        *first = quantity;
    }
}

static void take_quantities(struct loading *loading, const struct exchange *exchange,
                            enum kind kind) {
    struct kind_rows *rows = &loading->rows[kind];
    struct postgres_row row;
    if (rows->count == 0) return;
    exchange_rows(exchange, kinds[kind].load, &row);
    store_postgres_take_quantities(&row, rows->accounts,
                                   kind == QUOTAS ? VALUE_QUOTAS : VALUE_USAGES, rows->rows);
}

static void take_applied(struct loading *loading, const struct exchange *exchange) {
    struct kind_rows *rows = &loading->rows[APPLIED];
    struct postgres_row row;
    if (rows->count == 0) return;
    exchange_rows(exchange, PG_LOAD_APPLIED, &row);
    while (row_take(&row)) {
        struct account *account = take_account(&row, rows->accounts, rows->rows);
        struct subscription_addon *addon = arena_take_zeroed(&account->arena, 1, sizeof *addon);
        bool inexact;
        struct uuid subscription_id = get_uuid(&row);
        struct subscription *subscription = subscription_find(account, &subscription_id);
        addon->subscription = subscription;
        addon->id = get_uuid(&row);
        addon->addon_id = get_uuid(&row);
        addon->addon_rate_id = get_uuid(&row);
        addon->amount = get_amount(&row, &inexact);
        addon->paid = get_boolean(&row);
        if (misfits(account, &row, subscription)) continue;
        addon->next = subscription->addons;
        subscription->addons = addon;
    }
}

/* A row that is there and not locked is somebody else's: held since before, or made meanwhile. So
 * is a user of whom nothing came. */
static void find_busy(struct loading *loading, const struct exchange *exchange, enum kind kind) {
    const struct kind_rows *rows = &loading->rows[kind];
    struct postgres_row row;
    if (rows->locked_count == 0) return;
    int64_t *locked = arena_take(loading->load->arena, rows->locked_count * sizeof *locked);
    for (size_t i = 0; i < rows->locked_count; i++) locked[i] = -1;
    exchange_rows(exchange, lock_of(loading, kind), &row);
    while (row_take(&row)) {
        size_t place = (size_t)get_integer(&row) - 1;
        locked[place] = get_integer(&row);
    }
    for (size_t i = 0; i < rows->locked_count; i++) {
        size_t place = rows->locked[i];
        struct account *account = rows->accounts[place];
        if (account->exists && rows->rows[place] > locked[i]) account->busy = true;
    }
}

static void take_accounts(struct loading *loading, const struct exchange *exchange) {
    const struct store_load *load = loading->load;
    for (size_t i = 0; i < load->account_count; i++) {
        struct account *account = load->accounts[i];
        account->exists = account->broken = account->busy = false;
        account->loaded = true;
        account->ends_from_us = account->want_from_us < load->moment.decided_us
                                    ? account->want_from_us
                                    : load->moment.decided_us;
    }
    take_users(loading, exchange);
    take_quantities(loading, exchange, QUOTAS);
    take_quantities(loading, exchange, USAGES);
    take_applied(loading, exchange);
    for (int kind = 0; kind < KIND_COUNT; kind++) find_busy(loading, exchange, kind);
    for (size_t i = 0; i < load->account_count; i++) {
        struct account *account = load->accounts[i];
        if (account->busy) {
            account_forget(account);
            account->busy = true;
        } else if (account->broken) {
            const struct log_member members[] = {{.key = "user", .text = account->username}, {0}};
            log_write(LOG_ERROR, "store: a row of this user cannot be read", members);
        }
    }
}

/* A key that has expired is as if it had never been, though its row may still be there. */
static void take_replays(struct loading *loading, const struct exchange *exchange) {
    int64_t kept_from_us = loading->postgres->moment.decided_us - REQUEST_KEY_KEPT_US;
    struct postgres_row row;
    if (!exchange_has(exchange, PG_LOAD_REPLAYS)) return;
    exchange_rows(exchange, PG_LOAD_REPLAYS, &row);
    while (row_take(&row)) {
        struct replay *replay = loading->load->replays[get_integer(&row) - 1];
        get_hash(&row, replay->content);
        replay->made_id = get_uuid(&row);
        replay->recorded_us = get_time(&row);
        replay->broken = row.broken;
        replay->known = !row.broken && (!replay->expires || replay->recorded_us >= kept_from_us);
        if (row.broken) log_format(LOG_ERROR, "store: a row of idempotency cannot be read");
    }
}

static void take_addon_use(struct loading *loading, const struct exchange *exchange) {
    struct store_load *load = loading->load;
    struct postgres_row row;
    if (!exchange_has(exchange, PG_LOAD_ADDON_USE)) return;
    exchange_rows(exchange, PG_LOAD_ADDON_USE, &row);
    size_t rows = (size_t)PQntuples(row.result);
    for (size_t i = 0; i < load->addon_use_count; i++) {
        load->addon_uses[i].rate_ids = arena_take(load->arena, rows * sizeof(struct uuid));
        load->addon_uses[i].rate_count = 0;
        load->addon_uses[i].in_use = load->addon_uses[i].broken = false;
    }
    while (row_take(&row)) {
        struct addon_use *use = &load->addon_uses[get_integer(&row) - 1];
        use->rate_ids[use->rate_count++] = get_uuid(&row);
        use->in_use = true;
    }
}

/* ---- the whole ---- */

/* Whether the catalogue has changed shows only now; then it is asked for. */
static bool load_catalogue(struct loading *loading, const struct exchange *first,
                           struct exchange *second, struct qms_error *error) {
    struct store_postgres *postgres = loading->postgres;
    if (!store_postgres_catalogue_is_new(postgres, loading->load, first)) return true;
    if (!postgres->has_version_triggers)
        return store_postgres_take_catalogue(postgres, loading->load, first, error);
    exchange_add(second, PG_LOAD_CATALOGUE, NULL);
    return exchange_run(second, "load the catalogue") &&
           store_postgres_take_catalogue(postgres, loading->load, second, error);
}

static bool load_all(struct loading *loading, struct exchange *first, struct exchange *second,
                     struct qms_error *error) {
    ask(loading, first);
    if (!exchange_run(first, "load") || !take_moment(loading, first, error)) return false;
    loading->load->moment = loading->postgres->moment;
    store_postgres_see_directory(loading->postgres, first);
    take_accounts(loading, first);
    take_replays(loading, first);
    take_addon_use(loading, first);
    return load_catalogue(loading, first, second, error);
}

/* false with *again: a lock was not to be had, or a deadlock ended it. */
static bool load_once(struct store_postgres *postgres, struct store_load *load, bool waits,
                      bool *again, struct qms_error *error) {
    struct loading loading;
    struct exchange first, second;
    arena_reset(&postgres->arena);
    loading_open(&loading, postgres, load, waits);
    exchange_open(&first, &postgres->session);
    exchange_open(&second, &postgres->session);
    bool loaded = load_all(&loading, &first, &second, error);
    const struct exchange *last = second.count > 0 ? &second : &first;
    bool statement_failed = !loaded && !last->lost && last->failed < last->count;
    enum postgres_failure failure = statement_failed ? exchange_failure(last) : POSTGRES_OTHER;
    *again = failure == POSTGRES_PASSES || failure == POSTGRES_LOCKED;
    if (statement_failed) store_postgres_fail(postgres, last, error);
    else if (!loaded && last->lost) qms_fail_code(error, QMS_UNAVAILABLE);
    if (!loaded) {
        session_rollback(&postgres->session);
        for (size_t i = 0; i < load->account_count; i++) {
            unsigned writable = load->accounts[i]->writable;
            account_forget(load->accounts[i]);
            load->accounts[i]->writable = writable;
        }
    }
    exchange_close(&first);
    exchange_close(&second);
    return loaded;
}

/* A store that waits does so once; then it takes what is free. */
bool store_postgres_load(struct store *store, struct store_load *load, struct qms_error *error) {
    struct store_postgres *postgres = store_postgres_of(store);
    bool again = true, loaded = false;
    assert(postgres->is_open);
    load->catalogue = NULL;
    load->directory = NULL;
    for (int i = 0; i < ATTEMPTS_MAX && again && !loaded; i++) {
        loaded = load_once(postgres, load, postgres->waits && i == 0, &again, error);
    }
    if (loaded && !store_postgres_load_directory(postgres, load, error)) {
        catalogue_release(load->catalogue);
        load->catalogue = NULL;
        loaded = false;
    }
    postgres->is_open = loaded;
    return loaded;
}

/* ---- whose an id is ---- */

static void take_finds(const struct exchange *exchange, enum postgres_statement id,
                       struct store_find *const *asked, struct arena *arena) {
    struct postgres_row row;
    if (!exchange_has(exchange, id)) return;
    exchange_rows(exchange, id, &row);
    while (row_take(&row)) {
        struct store_find *find = asked[get_integer(&row) - 1];
        find->username = arena_text(arena, get_text(&row));
        find->subscription_id = get_uuid(&row);
        find->end_us = get_end(&row);
        find->broken = row.broken;
        find->found = !row.broken;
    }
}

bool store_postgres_find(struct store *store, struct store_find *finds, size_t count,
                         struct arena *arena, struct qms_error *error) {
    static const enum postgres_statement ids[2] = {PG_FIND_SUBSCRIPTIONS, PG_FIND_APPLIED};
    struct store_postgres *postgres = store_postgres_of(store);
    struct store_find **asked[2];
    struct exchange exchange;
    assert(postgres->is_open);
    arena_reset(&postgres->arena);
    exchange_open(&exchange, &postgres->session);
    exchange_begin(&exchange, postgres->writes);
    for (int addons = 0; addons < 2; addons++) {
        struct parameters parameters;
        size_t found = 0;
        asked[addons] = arena_take(arena, count * sizeof **asked);
        parameters_open(&parameters, &postgres->arena, ids[addons]);
        for (size_t i = 0; i < count; i++) {
            if (finds[i].is_addon != (addons == 1)) continue;
            put_uuid(&parameters, &finds[i].id);
            finds[i].found = finds[i].broken = false;
            asked[addons][found++] = &finds[i];
        }
        if (found > 0) exchange_add(&exchange, ids[addons], &parameters);
    }
    bool told = exchange_run(&exchange, "find accounts");
    if (told) {
        take_finds(&exchange, PG_FIND_SUBSCRIPTIONS, asked[0], arena);
        take_finds(&exchange, PG_FIND_APPLIED, asked[1], arena);
    } else {
        store_postgres_fail(postgres, &exchange, error);
    }
    exchange_close(&exchange);
    return told;
}
