#include <stdlib.h>

#include "base/hash.h"
#include "domain/decide.h"
#include "engine/attempt.h"

/* Nothing is left of an earlier attempt at this operation. */
void op_clear(struct op *op) {
    catalogue_release(op->catalogue);
    op->catalogue = NULL;
    directory_release(op->directory);
    op->directory = NULL;
    op->error = (struct qms_error){0};
    op->duplicate = false;
    op->replay = NULL;
    op->account = NULL;
}

static bool attempt_begin(struct worker *worker, struct attempt *attempt, struct qms_error *error) {
    bool stale = false;
    if (!worker->store->ops->begin(worker->store, attempt->writes, &stale, error)) return false;
    if (stale || !worker->store->ops->owns_database) {
        pthread_mutex_lock(&worker->facts_lock);
        cache_drop_all(&worker->cache);
        pthread_mutex_unlock(&worker->facts_lock);
    }
    return true;
}

/* Operations that name a subscription or a subscription add-on learn whose it is. */
static bool attempt_find(struct worker *worker, struct attempt *attempt, struct qms_error *error) {
    struct arena *arena = &worker->batch_arena;
    struct store_find *finds = NULL;
    size_t count = 0;
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        enum target target = operation_target(op->operation);
        if (target != TARGET_SUBSCRIPTION && target != TARGET_SUBSCRIPTION_ADDON) continue;
        if (finds == NULL) finds = arena_take_zeroed(arena, attempt->count, sizeof *finds);
        finds[count].is_addon = target == TARGET_SUBSCRIPTION_ADDON;
        finds[count++].id = op->target_id;
    }
    if (count == 0) return true;
    if (!worker->store->ops->find(worker->store, finds, count, arena, error)) return false;
    for (size_t i = 0, next = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        enum target target = operation_target(op->operation);
        if (target != TARGET_SUBSCRIPTION && target != TARGET_SUBSCRIPTION_ADDON) continue;
        const struct store_find *find = &finds[next++];
        op->username = find->found ? arena_text(attempt->works[i].arena, find->username)
                                   : TEXT("");
        attempt->works[i].broken = find->broken;
        op->needs_history = find->found;
        op->facts_from_us = find->end_us;
    }
    return true;
}

/* The operation's account, from the cache or new; one whose history does not reach back far enough
 * is forgotten, to be loaded anew. */
static struct account *attempt_account(struct worker *worker, struct op *op) {
    struct account *account = cache_find(&worker->cache, op->username);
    if (account == NULL) account = cache_add(&worker->cache, op->username);
    cache_use(&worker->cache, account);
    if (op->needs_history && op->facts_from_us < account->want_from_us) {
        account->want_from_us = op->facts_from_us;
        if (account->loaded && account->ends_from_us > op->facts_from_us) account_forget(account);
    }
    return account;
}

/* Finds or adds each operation's account, then lists those that must be loaded. */
static void attempt_collect_accounts(struct worker *worker, struct attempt *attempt) {
    struct store_load *load = &attempt->load;
    load->accounts = arena_take(&worker->batch_arena, attempt->count * sizeof(struct account *));
    size_t accounts = 0;
    pthread_mutex_lock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->username.length == 0) continue; /* the catalogue, or an id that nobody has */
        op->account = attempt_account(worker, op);
    }
    for (size_t i = 0; i < attempt->count; i++) {
        struct account *account = attempt->works[i].op->account;
        if (account == NULL) continue;
        if (account->batch != worker->batch_number) {
            account->batch = worker->batch_number;
            account->writable = account->needed = 0;
            account->put_off = false;
            accounts++;
            if (!account->loaded) {
                account->held = true; /* nobody may look at it while the store fills it */
                load->accounts[load->account_count++] = account;
            }
        }
        const struct op *op = attempt->works[i].op;
        unsigned rows = worker->engine->owns_database ? ROWS_ALL : decide_rows(op);
        account->needed |= rows;
        if (op_may_write(op)) account->writable |= rows;
    }
    pthread_mutex_unlock(&worker->facts_lock);
    if (load->account_count > 1) {
        qsort(load->accounts, load->account_count, sizeof *load->accounts, account_order);
    }
    atomic_fetch_add(&worker->engine->metrics->cache_hits, accounts - load->account_count);
    atomic_fetch_add(&worker->engine->metrics->cache_misses, load->account_count);
}

/* What is in use of an add-on that is to be changed or deleted. Catalogue writes come alone. */
static void attempt_collect_addon_use(struct worker *worker, struct attempt *attempt) {
    if (attempt->count != 1) return;
    const struct op *op = attempt->works[0].op;
    if (op->operation != OP_ADDON_UPDATE && op->operation != OP_ADDON_DELETE) return;
    struct addon_use *use = arena_take_zeroed(&worker->batch_arena, 1, sizeof *use);
    use->addon_id = op->in.addon.id;
    attempt->load.addon_uses = use;
    attempt->load.addon_use_count = 1;
}

/* Whose key it is. A subscription add-on may be gone when its deletion is repeated, and then nobody
 * knows any more whose it was: those keys are nobody's. */
static const struct account *replay_account(const struct op *op) {
    return operation_target(op->operation) == TARGET_SUBSCRIPTION_ADDON ? NULL : op->account;
}

static size_t replay_hash(const struct op *op) {
    uint64_t hash = hash_add((uintptr_t)replay_account(op), op->key.data, op->key.length);
    return (size_t)(hash ^ hash >> 32);
}

/* Clients make up the keys of their requests, and two may make up the same. The id of a usage is
 * its own, whoever tells of it: who is asked for his name from today on must not count what he
 * reported yesterday a second time. */
static struct text replay_principal(struct worker *worker, const struct op *op) {
    if (op->operation == OP_USAGE_RECORD) return (struct text){0};
    if (uuid_is_nil(&op->caller.user_id)) return op->principal;
    char *id = arena_take(&worker->batch_arena, UUID_TEXT_BYTES); /* outlives a change of name */
    uuid_format(&op->caller.user_id, id);
    return (struct text){.data = id, .length = UUID_TEXT_BYTES};
}

static void replays_open(struct worker *worker, struct attempt *attempt) {
    struct arena *arena = &worker->batch_arena;
    attempt->bucket_count = 1;
    while (attempt->bucket_count < attempt->count) attempt->bucket_count *= 2;
    attempt->buckets = arena_take_zeroed(arena, attempt->bucket_count, sizeof *attempt->buckets);
    attempt->load.replays = arena_take(arena, attempt->count * sizeof *attempt->load.replays);
}

static bool replay_is_of(const struct replay *replay, const struct op *op, struct text principal) {
    return replay->account == replay_account(op) && replay->operation == op->operation &&
           text_equal(replay->key, op->key) && text_equal(replay->principal, principal);
}

/* The record of the operation's key: the one that the batch has, or a new one. */
static struct replay *attempt_replay(struct worker *worker, struct attempt *attempt,
                                     const struct op *op) {
    struct store_load *load = &attempt->load;
    struct text principal = replay_principal(worker, op);
    struct replay **bucket = &attempt->buckets[replay_hash(op) & (attempt->bucket_count - 1)];
    for (struct replay *replay = *bucket; replay != NULL; replay = replay->next)
        if (replay_is_of(replay, op, principal)) return replay;
    struct replay *replay = arena_take_zeroed(&worker->batch_arena, 1, sizeof *replay);
    replay->key = op->key;
    replay->principal = principal;
    replay->account = replay_account(op);
    replay->operation = op->operation;
    replay->expires = op->operation != OP_USAGE_RECORD;
    replay->next = *bucket;
    *bucket = replay;
    load->replays[load->replay_count++] = replay;
    return replay;
}

/* One record per key, principal and account, however often the batch has it. */
static void attempt_collect_replays(struct worker *worker, struct attempt *attempt) {
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->key.length == 0 || operation_effect(op->operation) != EFFECT_WRITE) continue;
        if (attempt->buckets == NULL) replays_open(worker, attempt);
        op->replay = attempt_replay(worker, attempt, op);
    }
}

static bool attempt_load(struct worker *worker, struct attempt *attempt, struct qms_error *error) {
    attempt->load.arena = &worker->batch_arena;
    attempt->load.catalogue_version = worker->catalogue == NULL ? -1 : worker->catalogue->version;
    attempt->load.directory_version = worker->directory == NULL ? -1 : worker->directory->version;
    if (!worker->store->ops->load(worker->store, &attempt->load, error)) return false;
    pthread_mutex_lock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->load.account_count; i++) {
        attempt->load.accounts[i]->held = false;
    }
    if (attempt->load.catalogue != NULL) {
        catalogue_release(worker->catalogue);
        worker->catalogue = attempt->load.catalogue;
    }
    if (attempt->load.directory != NULL) {
        worker_put_directory(worker, attempt->load.directory);
    }
    worker->fresh_until_us = clock_monotonic_us() + FRESH_US;
    worker->store_answers = true;
    pthread_mutex_unlock(&worker->facts_lock);
    return true;
}

void attempt_forget(struct worker *worker, struct attempt *attempt, bool everything) {
    pthread_mutex_lock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        struct account *account = op->account;
        op->account = NULL;
        /* several operations may share an account: the first drops it */
        if (account == NULL || cache_find(&worker->cache, op->username) != account) continue;
        if (account->held || !account->loaded) cache_drop(&worker->cache, account);
    }
    if (everything) cache_drop_all(&worker->cache);
    pthread_mutex_unlock(&worker->facts_lock);
}

/* Operations on accounts that somebody else holds locked leave the batch. */
static void attempt_set_busy_aside(struct worker *worker, struct attempt *attempt) {
    size_t left = 0;
    for (size_t i = 0; i < attempt->count; i++) {
        struct work *work = &attempt->works[i];
        if (work->op->account == NULL || !work->op->account->busy) {
            attempt->works[left++] = *work;
            continue;
        }
        op_clear(work->op);
        worker->busy[worker->busy_count++] = *work;
    }
    if (left == attempt->count) return;
    attempt->count = left;
    pthread_mutex_lock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->load.account_count; i++) {
        struct account *account = attempt->load.accounts[i];
        if (account->busy) cache_drop(&worker->cache, account);
    }
    pthread_mutex_unlock(&worker->facts_lock);
}

bool attempt_open(struct worker *worker, struct attempt *attempt, struct qms_error *error) {
    if (!attempt_begin(worker, attempt, error) || !attempt_find(worker, attempt, error))
        return false;
    attempt_collect_accounts(worker, attempt);
    attempt_collect_replays(worker, attempt);
    attempt_collect_addon_use(worker, attempt);
    if (!attempt_load(worker, attempt, error)) return false;
    attempt_set_busy_aside(worker, attempt);
    return true;
}
