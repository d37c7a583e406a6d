/* batch.c: load, decide, save, reply (design 2).
 *
 * A batch walks through these stages, and only batch_attempt() knows the order:
 *   open     begin a transaction; forget the cache if somebody else wrote
 *   load     accounts that are not cached, replay records, the catalogue when it changed
 *   decide   every operation in order of arrival, against the facts (the facts lock is held)
 *   part     reads of accounts that this batch does not change are answered at once
 *   save     rows and commit; then, and only then, the rest is answered
 */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "domain/decide.h"
#include "engine/engine_private.h"

enum {
    ACCOUNT_BYTES_KEPT = 256 << 10,
    FRESH_US = 10000,
    RESOLVE_PAUSE_US = 50000,
    REPLAY_BUCKETS = 8192,
};

static_assert((int)REPLAY_BUCKETS >= (int)BATCH_OPERATIONS_MAX, "chains of replays stay short");

struct attempt {
    struct work *works;
    size_t count;
    bool writes;
    struct store_load load;
    struct replay **buckets; /* replay records of this batch by key and account */
    struct request_list finished;
};

void work_finish(struct work *work, struct request_list *finished) {
    struct request *request = work->request;
    assert(request->op_left > 0);
    if (--request->op_left == 0) request_list_push(finished, request);
}

static void attempt_reply(struct engine *engine, struct attempt *attempt) {
    queue_put_list(&engine->finished, &attempt->finished);
}

/* Every operation fails with this error. */
static void attempt_fail(struct engine *engine, struct attempt *attempt,
                         const struct qms_error *error) {
    atomic_fetch_add(&engine->metrics->batches_failed, 1);
    for (size_t i = 0; i < attempt->count; i++) {
        attempt->works[i].op->error = *error;
        work_finish(&attempt->works[i], &attempt->finished);
    }
    attempt_reply(engine, attempt);
}

static bool op_may_write(const struct op *op) {
    return op->as_writer || operation_effect(op->operation) == EFFECT_WRITE;
}

/* Nothing is left of an earlier attempt at this operation. */
static void op_clear(struct op *op) {
    catalogue_release(op->catalogue);
    op->catalogue = NULL;
    directory_release(op->directory);
    op->directory = NULL;
    op->error = (struct qms_error){0};
    op->duplicate = false;
    op->replay = NULL;
    op->account = NULL;
}

/* ---- open and load ---- */

static bool attempt_open(struct engine *engine, struct attempt *attempt, struct qms_error *error) {
    bool stale = false;
    if (!engine->store->ops->begin(engine->store, attempt->writes, &stale, error)) return false;
    if (stale || !engine->store->ops->owns_database) {
        pthread_mutex_lock(&engine->facts_lock);
        cache_drop_all(&engine->cache);
        pthread_mutex_unlock(&engine->facts_lock);
    }
    return true;
}

static int account_order(const void *left, const void *right) {
    const struct account *const *a = left, *const *b = right;
    return text_compare((*a)->username, (*b)->username);
}

/* Operations that name a subscription or a subscription add-on learn whose it is. */
static bool attempt_find(struct engine *engine, struct attempt *attempt, struct qms_error *error) {
    struct arena *arena = &engine->batch_arena;
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
    if (!engine->store->ops->find(engine->store, finds, count, arena, error)) return false;
    for (size_t i = 0, next = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        enum target target = operation_target(op->operation);
        if (target != TARGET_SUBSCRIPTION && target != TARGET_SUBSCRIPTION_ADDON) continue;
        const struct store_find *find = &finds[next++];
        op->username = find->found ? arena_text(&attempt->works[i].request->arena, find->username)
                                   : TEXT("");
        attempt->works[i].broken = find->broken;
        op->needs_history = find->found;
        op->facts_from_us = find->end_us;
    }
    return true;
}

/* The operation's account, from the cache or new; one whose history does not reach back far enough
 * is forgotten, to be loaded anew. */
static struct account *attempt_account(struct engine *engine, struct op *op) {
    struct account *account = cache_find(&engine->cache, op->username);
    if (account == NULL) account = cache_add(&engine->cache, op->username);
    cache_use(&engine->cache, account);
    if (op->needs_history && op->facts_from_us < account->want_from_us) {
        account->want_from_us = op->facts_from_us;
        if (account->loaded && account->ends_from_us > op->facts_from_us) account_forget(account);
    }
    return account;
}

/* Finds or adds each operation's account, then lists those that must be loaded. */
static void attempt_collect_accounts(struct engine *engine, struct attempt *attempt) {
    struct store_load *load = &attempt->load;
    load->accounts = arena_take(&engine->batch_arena, attempt->count * sizeof(struct account *));
    size_t accounts = 0;
    pthread_mutex_lock(&engine->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->username.length == 0) continue; /* the catalogue, or an id that nobody has */
        op->account = attempt_account(engine, op);
    }
    for (size_t i = 0; i < attempt->count; i++) {
        struct account *account = attempt->works[i].op->account;
        if (account == NULL || account->batch == engine->batch_number) continue;
        account->batch = engine->batch_number;
        account->writable = attempt->writes;
        accounts++;
        if (account->loaded) continue;
        account->held = true; /* nobody may look at it while the store fills it */
        load->accounts[load->account_count++] = account;
    }
    pthread_mutex_unlock(&engine->facts_lock);
    if (load->account_count > 1) {
        qsort(load->accounts, load->account_count, sizeof *load->accounts, account_order);
    }
    atomic_fetch_add(&engine->metrics->cache_hits, accounts - load->account_count);
    atomic_fetch_add(&engine->metrics->cache_misses, load->account_count);
}

/* What is in use of an add-on that is to be changed or deleted. Catalogue writes come alone. */
static void attempt_collect_addon_use(struct engine *engine, struct attempt *attempt) {
    if (attempt->count != 1) return;
    const struct op *op = attempt->works[0].op;
    if (op->operation != OP_ADDON_UPDATE && op->operation != OP_ADDON_DELETE) return;
    struct addon_use *use = arena_take_zeroed(&engine->batch_arena, 1, sizeof *use);
    use->addon_id = op->in.addon.id;
    attempt->load.addon_uses = use;
    attempt->load.addon_use_count = 1;
}

/* Whose key it is. A subscription add-on may be gone when its deletion is repeated, and then nobody
 * knows any more whose it was: those keys are nobody's. */
static const struct account *replay_account(const struct op *op) {
    return operation_target(op->operation) == TARGET_SUBSCRIPTION_ADDON ? NULL : op->account;
}

/* Keys are their users' own: what concerns no account would be everybody's, so it is told apart by
 * who asks. */
static struct text replay_key(struct engine *engine, const struct op *op) {
    if (operation_target(op->operation) != TARGET_DIRECTORY) return op->key;
    char caller[UUID_TEXT_BYTES];
    uuid_format(&op->caller.user_id, caller);
    return arena_format(&engine->batch_arena, "%.*s/%.*s", UUID_TEXT_BYTES, caller,
                        TEXT_ARGUMENTS(op->key));
}

static size_t replay_bucket(const struct op *op, struct text key) {
    uint64_t hash = (uintptr_t)replay_account(op);
    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ hash >> 32) % REPLAY_BUCKETS;
}

/* One record per key and account, however often the batch has it. */
static void attempt_collect_replays(struct engine *engine, struct attempt *attempt) {
    struct arena *arena = &engine->batch_arena;
    struct store_load *load = &attempt->load;
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->key.length == 0 || operation_effect(op->operation) != EFFECT_WRITE) continue;
        if (attempt->buckets == NULL) {
            attempt->buckets = arena_take_zeroed(arena, REPLAY_BUCKETS, sizeof *attempt->buckets);
            load->replays = arena_take(arena, attempt->count * sizeof *load->replays);
        }
        struct text key = replay_key(engine, op);
        struct replay **bucket = &attempt->buckets[replay_bucket(op, key)];
        struct replay *replay = *bucket;
        while (replay != NULL &&
               (replay->account != replay_account(op) || replay->operation != op->operation ||
                !text_equal(replay->key, key))) {
            replay = replay->next;
        }
        if (replay == NULL) {
            replay = arena_take_zeroed(arena, 1, sizeof *replay);
            replay->key = key;
            replay->account = replay_account(op);
            replay->operation = op->operation;
            replay->expires = op->operation != OP_USAGE_RECORD;
            replay->next = *bucket;
            *bucket = replay;
            load->replays[load->replay_count++] = replay;
        }
        op->replay = replay;
    }
}

static bool attempt_load(struct engine *engine, struct attempt *attempt, struct qms_error *error) {
    attempt->load.arena = &engine->batch_arena;
    attempt->load.catalogue_version = engine->catalogue == NULL ? -1 : engine->catalogue->version;
    attempt->load.directory_version =
        engine->directory == NULL ? -1 : engine->directory->version;
    if (!engine->store->ops->load(engine->store, &attempt->load, error)) return false;
    pthread_mutex_lock(&engine->facts_lock);
    for (size_t i = 0; i < attempt->load.account_count; i++) {
        attempt->load.accounts[i]->held = false;
    }
    if (attempt->load.catalogue != NULL) {
        catalogue_release(engine->catalogue);
        engine->catalogue = attempt->load.catalogue;
    }
    if (attempt->load.directory != NULL) {
        directory_release(engine->directory);
        engine->directory = attempt->load.directory;
    }
    engine->fresh_until_us = clock_monotonic_us() + FRESH_US;
    engine->store_answers = true;
    pthread_mutex_unlock(&engine->facts_lock);
    return true;
}

/* Accounts that were to be loaded and are not, or that a failed save touched, are forgotten. */
static void attempt_forget(struct engine *engine, struct attempt *attempt, bool everything) {
    pthread_mutex_lock(&engine->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        struct account *account = op->account;
        op->account = NULL;
        /* several operations may share an account: the first drops it */
        if (account == NULL || cache_find(&engine->cache, op->username) != account) continue;
        if (account->held || !account->loaded) cache_drop(&engine->cache, account);
    }
    if (everything) cache_drop_all(&engine->cache);
    pthread_mutex_unlock(&engine->facts_lock);
}

/* ---- decide ---- */

/* A row that cannot be read is an error of the operations that need it. */
static bool work_is_broken(const struct work *work, const struct decision *decision) {
    const struct addon_use *use = decision->addon_use; /* of an operation alone in its batch */
    const struct replay *replay = work->op->replay;
    return work->broken || (replay != NULL && replay->broken) || (use != NULL && use->broken);
}

/* A read may not write beside the batch's writers: it is answered before the commit, and its
 * account is not held until then. */
static void attempt_decide_one(struct engine *engine, struct decision *decision,
                               struct work *work) {
    struct op *op = work->op;
    if (work_is_broken(work, decision)) {
        qms_fail_code(&op->error, QMS_INTERNAL);
        return;
    }
    decision->changes = op_may_write(op) ? &engine->changes : NULL;
    decision->must_write = false;
    decide(decision, op, &work->request->arena);
    work->put_off = decision->must_write;
    if (work->put_off) op->as_writer = true;
}

static void attempt_decide(struct engine *engine, struct attempt *attempt) {
    struct decision decision = engine_decision(engine);
    decision.decided_us = attempt->load.moment.decided_us;
    decision.stamped_us = attempt->load.moment.stamped_us;
    decision.actor = attempt->load.moment.actor;
    decision.addon_use = attempt->load.addon_uses;
    for (size_t i = 0; i < attempt->count; i++) {
        attempt_decide_one(engine, &decision, &attempt->works[i]);
    }
    if (changes_empty(&engine->changes)) return;
    for (size_t i = 0; i < attempt->count; i++) {
        struct work *work = &attempt->works[i];
        work->waits = op_may_write(work->op) && !work->put_off;
        if (work->waits && work->op->account != NULL) work->op->account->held = true;
    }
    for (size_t i = 0; i < attempt->count; i++) {
        struct work *work = &attempt->works[i];
        if (work->op->account != NULL && work->op->account->held) work->waits = true;
    }
}

/* Sorts out what need not wait for the commit: reads of accounts this batch leaves alone are
 * finished, reads that must write wait for a writing batch. What is left stays in works. */
static void attempt_part(struct engine *engine, struct attempt *attempt) {
    size_t left = 0;
    for (size_t i = 0; i < attempt->count; i++) {
        struct work *work = &attempt->works[i];
        if (work->put_off) {
            op_clear(work->op);
            engine->deferred[engine->deferred_count++] = *work;
        } else if (work->waits) {
            attempt->works[left++] = *work;
        } else {
            work_finish(work, &attempt->finished);
        }
    }
    attempt->count = left;
    attempt_reply(engine, attempt);
}

/* ---- save ---- */

/* The answer to a write of the catalogue is what the new catalogue says. A store that went away in
 * between, or somebody else's deletion, leaves nothing to show. */
static void op_show_catalogue(struct op *op, struct catalogue *catalogue) {
    bool shown = true;
    if (op->error.code != QMS_OK) return;
    catalogue_release(op->catalogue);
    op->catalogue = catalogue_hold(catalogue);
    switch (op->operation) {
    case OP_PLAN_ADD:
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD:
        op->out.plan = catalogue_plan(catalogue, &op->made_id);
        shown = op->out.plan != NULL;
        break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE:
        op->out.resource_type = catalogue_resource_type(catalogue, &op->made_id);
        shown = op->out.resource_type != NULL;
        break;
    default: /* an add-on; none once it is deleted */
        op->out.addon = catalogue_addon(catalogue, &op->made_id);
        shown = op->out.addon != NULL || op->operation == OP_ADDON_DELETE;
        break;
    }
    if (!shown) qms_fail(&op->error, QMS_INTERNAL, "it was saved, but cannot be shown");
}

/* The directory with what this batch has changed; it is not read again, because the store saves
 * only what was decided on its present version. */
static void attempt_publish_directory(struct engine *engine, struct attempt *attempt) {
    struct directory *next = directory_apply(engine->directory, &engine->changes);
    pthread_mutex_lock(&engine->facts_lock);
    directory_release(engine->directory);
    engine->directory = next;
    pthread_mutex_unlock(&engine->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->error.code == QMS_OK) decide_directory_show(op, next);
    }
}

/* Reads the catalogue that this batch has changed, before anybody hears of the change. */
static void attempt_publish_catalogue(struct engine *engine, struct attempt *attempt) {
    batch_run(engine, NULL, 0);
    pthread_mutex_lock(&engine->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        op_show_catalogue(attempt->works[i].op, engine->catalogue);
    }
    pthread_mutex_unlock(&engine->facts_lock);
}

/* A cached account never sheds what has ended, and memory of rows is not given back one by one: one
 * that has grown is read anew when it is asked for next, without its past. */
static void account_trim(struct account *account) {
    if (account->arena.taken_bytes <= ACCOUNT_BYTES_KEPT) return;
    account_forget(account);
    account->want_from_us = TIME_NEVER;
}

static void attempt_committed(struct engine *engine, struct attempt *attempt) {
    pthread_mutex_lock(&engine->facts_lock);
    changes_committed(&engine->changes);
    for (size_t i = 0; i < attempt->count; i++) {
        struct account *account = attempt->works[i].op->account;
        if (account == NULL) continue;
        account->held = false;
        account_trim(account);
    }
    pthread_mutex_unlock(&engine->facts_lock);
    if (changes_catalogue_any(&engine->changes)) attempt_publish_catalogue(engine, attempt);
    if (changes_directory_any(&engine->changes)) attempt_publish_directory(engine, attempt);
    for (size_t i = 0; i < attempt->count; i++) {
        work_finish(&attempt->works[i], &attempt->finished);
    }
    attempt_reply(engine, attempt);
}

/* The commit was sent and its answer lost: looks for the batch until it is found or missed. */
static enum store_outcome attempt_resolve(struct engine *engine, const struct uuid *batch_id) {
    atomic_fetch_add(&engine->metrics->batches_unknown, 1);
    int64_t deadline = clock_monotonic_us() + engine->options.commit_resolve_us_max;
    for (;;) {
        bool committed = false;
        struct qms_error ignored;
        if (engine->store->ops->resolve(engine->store, batch_id, &committed, &ignored)) {
            return committed ? STORE_COMMITTED : STORE_FAILED;
        }
        if (clock_monotonic_us() >= deadline) return STORE_UNKNOWN;
        usleep(RESOLVE_PAUSE_US);
    }
}

static void engine_set_fresh(struct engine *engine, int64_t until_us) {
    pthread_mutex_lock(&engine->facts_lock);
    engine->fresh_until_us = until_us;
    pthread_mutex_unlock(&engine->facts_lock);
}

/* The batch size follows the commit time: full batches that commit quickly may grow. */
static void engine_adapt(struct engine *engine, size_t count, int64_t commit_us) {
    if (commit_us > COMMIT_TARGET_US && engine->batch_limit > 2 * LIST_SLICE_OPERATIONS_MAX) {
        engine->batch_limit -= engine->batch_limit / 4;
    } else if (count >= engine->batch_limit && commit_us < COMMIT_TARGET_US / 2) {
        engine->batch_limit += engine->batch_limit / 4;
        if (engine->batch_limit > BATCH_OPERATIONS_MAX) engine->batch_limit = BATCH_OPERATIONS_MAX;
    }
}

static enum store_outcome attempt_save(struct engine *engine, struct attempt *attempt,
                                       struct qms_error *error) {
    struct uuid batch_id = uuid_make_random(&engine->ids);
    int64_t start = clock_monotonic_us();
    /* Nobody else can write while our transaction is open, so what is cached stays current. */
    engine_set_fresh(engine, INT64_MAX);
    enum store_outcome outcome =
        engine->store->ops->save(engine->store, &batch_id, &engine->changes, error);
    bool was_unknown = outcome == STORE_UNKNOWN;
    if (was_unknown) outcome = attempt_resolve(engine, &batch_id);
    int64_t commit_us = clock_monotonic_us() - start;
    histogram_add(&engine->metrics->commit_us, (uint64_t)commit_us);
    engine_adapt(engine, attempt->count, commit_us);
    /* After a reconnect nothing that was cached is certain until the next batch has looked. */
    engine_set_fresh(engine, was_unknown ? 0 : clock_monotonic_us() + FRESH_US);
    return outcome;
}

/* The store took offence at some row: the guilty operation is found by halves (design 2). */
static void attempt_halve(struct engine *engine, struct attempt *attempt,
                          const struct qms_error *error) {
    if (attempt->count == 1) {
        qms_fail_code(&attempt->works[0].op->error, QMS_INTERNAL);
        log_format(LOG_ERROR, "the store refused one operation (%s): %s",
                   operation_name(attempt->works[0].op->operation), error->text);
        work_finish(&attempt->works[0], &attempt->finished);
        attempt_reply(engine, attempt);
        return;
    }
    atomic_fetch_add(&engine->metrics->batches_halved, 1);
    size_t half = attempt->count / 2;
    batch_run(engine, attempt->works, half);
    batch_run(engine, attempt->works + half, attempt->count - half);
}

static void attempt_not_saved(struct engine *engine, struct attempt *attempt,
                              enum store_outcome outcome, struct qms_error *error) {
    attempt_forget(engine, attempt, outcome == STORE_UNKNOWN);
    if (outcome == STORE_REFUSED) {
        attempt_halve(engine, attempt, error);
        return;
    }
    if (outcome == STORE_OVERTAKEN) {
        batch_run(engine, attempt->works, attempt->count);
        return;
    }
    qms_fail_code(error, outcome == STORE_UNKNOWN ? QMS_OUTCOME_UNKNOWN : QMS_UNAVAILABLE);
    attempt_fail(engine, attempt, error);
}

/* ---- the whole ---- */

static void attempt_start(struct engine *engine, struct attempt *attempt, struct work *works,
                          size_t count) {
    *attempt = (struct attempt){.works = works, .count = count};
    for (size_t i = 0; i < count; i++) {
        op_clear(works[i].op);
        /* of the batch that put it off, or was halved */
        works[i].put_off = works[i].waits = works[i].broken = false;
        if (op_may_write(works[i].op)) attempt->writes = true;
    }
    engine->batch_number++;
    arena_reset(&engine->batch_arena);
    changes_init(&engine->changes, &engine->batch_arena);
    if (count > 0) histogram_add(&engine->metrics->batch_operations, count * 16);
}

static void attempt_unavailable(struct engine *engine, struct attempt *attempt,
                                const struct qms_error *cause) {
    log_format(LOG_ERROR, "the store cannot be used: %s", cause->text);
    pthread_mutex_lock(&engine->facts_lock);
    engine->store_answers = false;
    engine->fresh_until_us = 0;
    pthread_mutex_unlock(&engine->facts_lock);
    struct qms_error error;
    qms_fail_code(&error, QMS_UNAVAILABLE);
    attempt_forget(engine, attempt, false);
    attempt_fail(engine, attempt, &error);
}

void batch_run(struct engine *engine, struct work *works, size_t count) {
    struct attempt attempt;
    struct qms_error error = {0};
    attempt_start(engine, &attempt, works, count);
    if (!attempt_open(engine, &attempt, &error)) {
        attempt_unavailable(engine, &attempt, &error);
        return;
    }
    if (!attempt_find(engine, &attempt, &error)) {
        attempt_unavailable(engine, &attempt, &error);
        return;
    }
    attempt_collect_accounts(engine, &attempt);
    attempt_collect_replays(engine, &attempt);
    attempt_collect_addon_use(engine, &attempt);
    if (!attempt_load(engine, &attempt, &error)) {
        attempt_unavailable(engine, &attempt, &error);
        return;
    }
    pthread_mutex_lock(&engine->facts_lock);
    attempt_decide(engine, &attempt);
    pthread_mutex_unlock(&engine->facts_lock);
    attempt_part(engine, &attempt);

    if (changes_empty(&engine->changes)) {
        assert(attempt.count == 0);
        engine->store->ops->end(engine->store);
    } else {
        enum store_outcome outcome = attempt_save(engine, &attempt, &error);
        if (outcome == STORE_COMMITTED) {
            attempt_committed(engine, &attempt);
        } else {
            attempt_not_saved(engine, &attempt, outcome, &error);
        }
    }
    pthread_mutex_lock(&engine->facts_lock);
    size_t evicted = cache_evict(&engine->cache, 0);
    pthread_mutex_unlock(&engine->facts_lock);
    atomic_fetch_add(&engine->metrics->cache_evictions, evicted);
}
