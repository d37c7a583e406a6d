/* batch.c: load, decide, save, reply.
 *
 * A batch walks through these stages, and only batch_attempt() knows the order:
 *   open     begin a transaction; forget the cache if somebody else wrote; load accounts that are
 *            not cached, replay records, the catalogue when it changed (attempt_load.c)
 *   decide   every operation in order of arrival, against the facts (the facts lock is held)
 *   part     reads of accounts that this batch does not change are answered at once
 *   save     rows and commit; then, and only then, the rest is answered
 */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "domain/decide.h"
#include "engine/attempt.h"

enum {
    ACCOUNT_BYTES_KEPT = 256 << 10,
    RESOLVE_PAUSE_US = 50000,
    REPEATS_MAX = 64,         /* of a batch and its parts, when somebody else is always first */
    REPEATS_TOGETHER_MAX = 4, /* ... of all of it, before it is halved */
    DECLINED_MAX = 16,        /* operations in a row: then it is not they who are at fault */
    WAIT_TOGETHER_MAX = 16,   /* operations that go to the waiting lane for one that has to */
    REPEAT_PAUSE_US = 500,    /* at most, before the first; doubles up to the fifth */
    TELL_AGAIN_US = 10000000, /* that the store cannot be used */
};

void work_finish(struct work *work, struct part_list *finished) {
    struct request *request = work->request;
    size_t left = atomic_fetch_sub(&request->op_left, 1);
    assert(left > 0);
    if (left == 1) part_list_push(finished, &request->whole);
}

static void attempt_reply(struct worker *worker, struct attempt *attempt) {
    queue_put_list(&worker->engine->finished, &attempt->finished);
}

/* Every operation fails with this error. */
static void attempt_fail(struct worker *worker, struct attempt *attempt,
                         const struct qms_error *error) {
    atomic_fetch_add(&worker->engine->metrics->batches_failed, 1);
    for (size_t i = 0; i < attempt->count; i++) {
        attempt->works[i].op->error = *error;
        work_finish(&attempt->works[i], &attempt->finished);
    }
    attempt_reply(worker, attempt);
}

bool op_may_write(const struct op *op) {
    return op->as_writer || operation_effect(op->operation) == EFFECT_WRITE;
}

/* How an attempt ended: with answers, or with what is left to be done again. */
enum ending { ENDED, ENDED_REFUSED, ENDED_DECLINED, ENDED_OVERTAKEN, ENDED_LOCKED };

/* ---- decide ---- */

/* A row that cannot be read is an error of the operations that need it. */
static bool work_is_broken(const struct work *work, const struct decision *decision) {
    const struct addon_use *use = decision->addon_use; /* of an operation alone in its batch */
    const struct replay *replay = work->op->replay;
    return work->broken || (replay != NULL && replay->broken) || (use != NULL && use->broken);
}

/* A read may not write beside the batch's writers: it is answered before the commit, and its
 * account is not held until then. A write that needs rows which are not locked is put off as well,
 * and with it whatever came after it for its account, so that changes stay in order. */
static void attempt_decide_one(struct worker *worker, struct decision *decision,
                               struct work *work) {
    struct op *op = work->op;
    struct account *account = op->account;
    work->put_off = account != NULL && account->put_off;
    if (work->put_off) return;
    if (work_is_broken(work, decision)) {
        qms_fail_code(&op->error, QMS_INTERNAL);
        return;
    }
    decision->changes = op_may_write(op) ? &worker->changes : NULL;
    decision->must_write = false;
    decide(decision, op, work->arena);
    work->put_off = decision->must_write;
    if (!work->put_off) return;
    if (operation_effect(op->operation) == EFFECT_WRITE) account->put_off = true;
    op->as_writer = true;
}

static void attempt_decide(struct worker *worker, struct attempt *attempt) {
    struct decision decision = worker_decision(worker);
    decision.decided_us = attempt->load.moment.decided_us;
    decision.stamped_us = attempt->load.moment.stamped_us;
    decision.actor = attempt->load.moment.actor;
    decision.addon_use = attempt->load.addon_uses;
    for (size_t i = 0; i < attempt->count; i++) {
        attempt_decide_one(worker, &decision, &attempt->works[i]);
    }
    if (changes_empty(&worker->changes)) return;
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
 * finished, what is put off waits for the next batch. What is left stays in works. */
static void attempt_part(struct worker *worker, struct attempt *attempt) {
    size_t left = 0;
    for (size_t i = 0; i < attempt->count; i++) {
        struct work *work = &attempt->works[i];
        if (work->put_off) {
            op_clear(work->op);
            worker->deferred[worker->deferred_count++] = *work;
        } else if (work->waits) {
            attempt->works[left++] = *work;
        } else {
            work_finish(work, &attempt->finished);
        }
    }
    attempt->count = left;
    attempt_reply(worker, attempt);
}

/* ---- save ---- */

/* The answer to a write of the catalogue is what the new catalogue says. A store that went away in
 * between, or somebody else's deletion, leaves nothing to show. */
static void op_show_catalogue(struct op *op, struct catalogue *catalogue, bool is_new) {
    bool shown = is_new || op->operation == OP_ADDON_DELETE;
    if (op->error.code != QMS_OK) return;
    catalogue_release(op->catalogue);
    op->catalogue = catalogue_hold(catalogue);
    switch (op->operation) {
    case OP_PLAN_ADD:
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD:
        op->out.plan = catalogue_plan(catalogue, &op->made_id);
        shown = shown && op->out.plan != NULL;
        break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE:
        op->out.resource_type = catalogue_resource_type(catalogue, &op->made_id);
        shown = shown && op->out.resource_type != NULL;
        break;
    default: /* an add-on; none once it is deleted */
        op->out.addon = catalogue_addon(catalogue, &op->made_id);
        if (op->operation != OP_ADDON_DELETE) shown = shown && op->out.addon != NULL;
        break;
    }
    if (!shown) qms_fail(&op->error, QMS_INTERNAL, "it was saved, but cannot be shown");
}

static enum ending batch_attempt(struct worker *worker, struct work *works, size_t *count,
                                 struct qms_error *error);

/* The directory with what this batch has changed; it is not read again, because the store saves
 * only what was decided on its present version. */
static void attempt_publish_directory(struct worker *worker, struct attempt *attempt) {
    struct directory *next = directory_apply(worker->directory, &worker->changes);
    pthread_mutex_lock(&worker->facts_lock);
    worker_put_directory(worker, next);
    pthread_mutex_unlock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        struct op *op = attempt->works[i].op;
        if (op->error.code == QMS_OK) decide_directory_show(op, next);
    }
}

/* Reads the catalogue that this batch has changed, before anybody hears of the change. */
static void attempt_publish_catalogue(struct worker *worker, struct attempt *attempt) {
    size_t nothing = 0;
    struct qms_error ignored;
    const struct catalogue *old = worker->catalogue;
    batch_attempt(worker, NULL, &nothing, &ignored);
    pthread_mutex_lock(&worker->facts_lock);
    for (size_t i = 0; i < attempt->count; i++) {
        op_show_catalogue(attempt->works[i].op, worker->catalogue, worker->catalogue != old);
    }
    pthread_mutex_unlock(&worker->facts_lock);
}

/* A cached account never sheds what has ended, and memory of rows is not given back one by one: one
 * that has grown is read anew when it is asked for next, without its past. */
static void account_trim(struct account *account) {
    if (account->arena.taken_bytes <= ACCOUNT_BYTES_KEPT) return;
    account_forget(account);
    account->want_from_us = TIME_NEVER;
}

static void attempt_committed(struct worker *worker, struct attempt *attempt) {
    pthread_mutex_lock(&worker->facts_lock);
    changes_committed(&worker->changes);
    for (size_t i = 0; i < attempt->count; i++) {
        struct account *account = attempt->works[i].op->account;
        if (account == NULL) continue;
        account->held = false;
        account_trim(account);
    }
    pthread_mutex_unlock(&worker->facts_lock);
    if (changes_directory_any(&worker->changes)) attempt_publish_directory(worker, attempt);
    if (changes_catalogue_any(&worker->changes)) attempt_publish_catalogue(worker, attempt);
    for (size_t i = 0; i < attempt->count; i++) {
        work_finish(&attempt->works[i], &attempt->finished);
    }
    attempt_reply(worker, attempt);
}

static void worker_set_answers(struct worker *worker, bool answers) {
    pthread_mutex_lock(&worker->facts_lock);
    worker->store_answers = answers;
    if (!answers) worker->fresh_until_us = 0;
    pthread_mutex_unlock(&worker->facts_lock);
}

/* The commit was sent and its answer lost: looks for the batch until it is found or missed. */
static enum store_outcome attempt_resolve(struct worker *worker, const struct uuid *batch_id) {
    atomic_fetch_add(&worker->engine->metrics->batches_unknown, 1);
    int64_t deadline = clock_monotonic_us() + worker->engine->options.commit_resolve_us_max;
    for (;;) {
        bool committed = false;
        struct qms_error ignored;
        if (worker->store->ops->resolve(worker->store, batch_id, &committed, &ignored)) {
            return committed ? STORE_COMMITTED : STORE_FAILED;
        }
        worker_set_answers(worker, false); /* until a batch has loaded again */
        if (clock_monotonic_us() >= deadline) return STORE_UNKNOWN;
        usleep(RESOLVE_PAUSE_US);
    }
}

static void worker_set_fresh(struct worker *worker, int64_t until_us) {
    pthread_mutex_lock(&worker->facts_lock);
    worker->fresh_until_us = until_us;
    pthread_mutex_unlock(&worker->facts_lock);
}

/* The batch size follows the commit time: full batches that commit quickly may grow. */
static void worker_adapt(struct worker *worker, size_t count, int64_t commit_us) {
    if (commit_us > COMMIT_TARGET_US && worker->batch_limit > 2 * LIST_SLICE_OPERATIONS_MAX) {
        worker->batch_limit -= worker->batch_limit / 4;
    } else if (count >= worker->batch_limit && commit_us < COMMIT_TARGET_US / 2) {
        worker->batch_limit += worker->batch_limit / 4;
        if (worker->batch_limit > BATCH_OPERATIONS_MAX) worker->batch_limit = BATCH_OPERATIONS_MAX;
    }
}

static enum store_outcome attempt_save(struct worker *worker, struct attempt *attempt,
                                       struct qms_error *error) {
    struct uuid batch_id = uuid_make_random(&worker->ids);
    int64_t start = clock_monotonic_us();
    /* Nobody else can write while our transaction is open, so what is cached stays current. */
    worker_set_fresh(worker, INT64_MAX);
    enum store_outcome outcome =
        worker->store->ops->save(worker->store, &batch_id, &worker->changes, error);
    bool was_unknown = outcome == STORE_UNKNOWN;
    if (was_unknown) outcome = attempt_resolve(worker, &batch_id);
    int64_t commit_us = clock_monotonic_us() - start;
    histogram_add(&worker->engine->metrics->commit_us, (uint64_t)commit_us);
    worker_adapt(worker, attempt->count, commit_us);
    /* After a reconnect nothing that was cached is certain until the next batch has looked. */
    worker_set_fresh(worker, was_unknown ? 0 : clock_monotonic_us() + FRESH_US);
    return outcome;
}

static void attempt_start(struct worker *worker, struct attempt *attempt, struct work *works,
                          size_t count) {
    *attempt = (struct attempt){.works = works, .count = count};
    for (size_t i = 0; i < count; i++) {
        op_clear(works[i].op);
        /* of the batch that put it off, or was halved */
        works[i].put_off = works[i].waits = works[i].broken = false;
        if (op_may_write(works[i].op)) attempt->writes = true;
    }
    worker->batch_number++;
    arena_reset(&worker->batch_arena);
    changes_init(&worker->changes, &worker->batch_arena);
    if (count > 0) histogram_add(&worker->engine->metrics->batch_operations, count * 16);
}

/* While the store is away every batch fails, and at once: a line for each would fill the disk. */
static void tell_unavailable(struct worker *worker, const struct qms_error *cause) {
    int64_t now_us = clock_monotonic_us();
    if (!worker->store_answers && now_us < worker->tell_again_us) return;
    log_format(LOG_ERROR, "the store cannot be used: %s", cause->text);
    worker->tell_again_us = now_us + TELL_AGAIN_US;
}

static void attempt_unavailable(struct worker *worker, struct attempt *attempt,
                                const struct qms_error *cause) {
    tell_unavailable(worker, cause);
    worker_set_answers(worker, false);
    struct qms_error error;
    qms_fail_code(&error, QMS_UNAVAILABLE);
    attempt_forget(worker, attempt, false);
    attempt_fail(worker, attempt, &error);
}

/* *count: the operations that are left, when they have to be decided again. */
static enum ending batch_attempt(struct worker *worker, struct work *works, size_t *count,
                                 struct qms_error *error) {
    struct attempt attempt;
    attempt_start(worker, &attempt, works, *count);
    if (!attempt_open(worker, &attempt, error)) {
        attempt_unavailable(worker, &attempt, error);
        return ENDED;
    }
    pthread_mutex_lock(&worker->facts_lock);
    attempt_decide(worker, &attempt);
    pthread_mutex_unlock(&worker->facts_lock);
    attempt_part(worker, &attempt);
    *count = attempt.count;
    if (changes_empty(&worker->changes)) {
        assert(attempt.count == 0);
        worker->store->ops->end(worker->store);
        return ENDED;
    }
    enum store_outcome outcome = attempt_save(worker, &attempt, error);
    if (outcome == STORE_COMMITTED) {
        worker->declined = 0;
        attempt_committed(worker, &attempt);
        return ENDED;
    }
    attempt_forget(worker, &attempt, outcome == STORE_UNKNOWN);
    if (outcome == STORE_REFUSED) return ENDED_REFUSED;
    if (outcome == STORE_DECLINED) return ENDED_DECLINED;
    if (outcome == STORE_OVERTAKEN) return ENDED_OVERTAKEN;
    if (outcome == STORE_LOCKED) return ENDED_LOCKED;
    qms_fail_code(error, outcome == STORE_UNKNOWN ? QMS_OUTCOME_UNKNOWN : QMS_UNAVAILABLE);
    attempt_fail(worker, &attempt, error);
    return ENDED;
}

/* ---- again ---- */

/* The store took offence at the operation that is left of its batch. */
static void batch_refuse(struct worker *worker, struct work *work, enum qms_code code,
                         const struct qms_error *error) {
    struct part_list finished = {0};
    log_format(LOG_ERROR, "the store refused one operation (%s): %s",
               operation_name(work->op->operation), error->text);
    qms_fail_code(&work->op->error, code);
    work_finish(work, &finished);
    queue_put_list(&worker->engine->finished, &finished);
}

static void batch_give_up(struct worker *worker, struct work *works, size_t count,
                          const char *why) {
    struct attempt attempt = {.works = works, .count = count};
    struct qms_error error;
    log_format(LOG_WARNING, "%s: %zu operations are answered unavailable", why, count);
    qms_fail_code(&error, QMS_UNAVAILABLE);
    attempt_fail(worker, &attempt, &error);
}

/* Two servers that overtake each other must not go on in step. */
static void batch_pause(struct worker *worker, unsigned repeats) {
    struct uuid random = uuid_make_random(&worker->ids);
    unsigned longest_us = REPEAT_PAUSE_US << (repeats < 5 ? repeats : 5), number;
    memcpy(&number, &random, sizeof number);
    usleep(number % longest_us);
}

/* Halving finds the one that is at fault, unless it is none of them. */
static bool batch_is_hopeless(const struct worker *worker) {
    return worker->declined >= DECLINED_MAX || clock_monotonic_us() > worker->repeat_until_us;
}

/* Operations on accounts may wait in the lane. The catalogue's and the directory's come alone, and
 * are tried again here. */
static bool works_may_wait(const struct worker *worker, const struct work *works, size_t count) {
    return worker->engine->lane != NULL && (count > 1 || works[0].op->username.length > 0);
}

/* One of them needs what somebody else holds: from now on nobody but these waits for it. */
static void batch_let_wait(struct worker *worker, struct work *works, size_t count) {
    worker->is_parted = true;
    for (size_t i = 0; i < count; i++) {
        struct work *work = &works[i];
        op_clear(work->op);
        if (work->op->username.length > 0) worker->busy[worker->busy_count++] = *work;
        else worker->deferred[worker->deferred_count++] = *work; /* an id that nobody has */
    }
}

/* Again from the beginning as long as somebody else is first. */
static enum ending batch_repeat(struct worker *worker, struct work *works, size_t *count,
                                struct qms_error *error) {
    enum ending ending;
    unsigned repeats = 0;
    for (;;) {
        ending = batch_attempt(worker, works, count, error);
        if (ending == ENDED_LOCKED && works_may_wait(worker, works, *count)) break;
        if (ending != ENDED_OVERTAKEN && ending != ENDED_LOCKED) break;
        atomic_fetch_add(&worker->engine->metrics->batches_overtaken, 1);
        if (*count > 1 && repeats == REPEATS_TOGETHER_MAX) break;
        if (worker->repeats_left == 0 || clock_monotonic_us() > worker->repeat_until_us) {
            batch_give_up(worker, works, *count, "others are always first");
            return ENDED;
        }
        worker->repeats_left--;
        batch_pause(worker, repeats++);
    }
    return ending;
}

/* Whether there is a change of its account that came before this one. */
static bool works_precede(const struct work *works, size_t count, const struct work *work) {
    for (size_t i = 0; i < count; i++)
        if (works[i].turn < work->turn &&
            operation_effect(works[i].op->operation) == EFFECT_WRITE &&
            text_equal(works[i].op->username, work->op->username))
            return true;
    return false;
}

/* What comes after a change that a part of the batch has put off, or found locked, stays behind
 * with it; returns how many are left. */
static size_t batch_stay_behind(struct worker *worker, struct work *works, size_t count) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct work work = works[i];
        if (works_precede(worker->busy, worker->busy_count, &work)) {
            op_clear(work.op);
            worker->busy[worker->busy_count++] = work;
        } else if (works_precede(worker->deferred, worker->deferred_count, &work)) {
            op_clear(work.op);
            worker->deferred[worker->deferred_count++] = work;
        } else {
            works[left++] = work;
        }
    }
    return left;
}

/* Whatever cannot be saved together is halved, until the guilty operation stands alone. The halves'
 * halves end: each level has at most half of the operations of the one above.
 * One that is refused alone is tried once more: when somebody else has taken its name, or deleted
 * what it refers to, after it was loaded, it is decided with that now. */
static void batch_go(struct worker *worker, struct work *works, size_t count) {
    struct qms_error error = {0};
    enum ending ending = batch_repeat(worker, works, &count, &error);
    if (ending == ENDED_REFUSED && count == 1)
        ending = batch_repeat(worker, works, &count, &error);
    if (ending == ENDED) return;
    if (ending == ENDED_LOCKED && (count <= WAIT_TOGETHER_MAX || batch_is_hopeless(worker))) {
        batch_let_wait(worker, works, count);
        return;
    }
    if (ending == ENDED_DECLINED && batch_is_hopeless(worker)) {
        batch_give_up(worker, works, count, "the store saves nothing");
        return;
    }
    if (count == 1) {
        if (ending == ENDED_DECLINED) worker->declined++;
        batch_refuse(worker, works, ending == ENDED_DECLINED ? QMS_UNAVAILABLE : QMS_INTERNAL,
                     &error);
        return;
    }
    atomic_fetch_add(&worker->engine->metrics->batches_halved, 1);
    worker->is_parted = true;
    size_t half = count / 2;
    batch_go(worker, works, half);
    count = batch_stay_behind(worker, works + half, count - half);
    if (count > 0) batch_go(worker, works + half, count);
}

static int work_order(const void *left, const void *right) {
    const struct work *one = left, *other = right;
    return one->turn < other->turn ? -1 : one->turn > other->turn;
}

/* Parts of a batch may have put off what came later first. */
static void batch_sort(struct worker *worker) {
    size_t count = worker->deferred_count;
    worker->deferred_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct work work = worker->deferred[i];
        if (works_precede(worker->busy, worker->busy_count, &work))
            worker->busy[worker->busy_count++] = work;
        else worker->deferred[worker->deferred_count++] = work;
    }
    if (worker->deferred_count > 1)
        qsort(worker->deferred, worker->deferred_count, sizeof(struct work), work_order);
    if (worker->busy_count > 1)
        qsort(worker->busy, worker->busy_count, sizeof(struct work), work_order);
}

void batch_run(struct worker *worker, struct work *works, size_t count) {
    for (size_t i = 0; i < count; i++) works[i].turn = i;
    worker->is_parted = false;
    worker->repeats_left = REPEATS_MAX;
    worker->declined = 0;
    worker->repeat_until_us = clock_monotonic_us() + worker->engine->options.request_wait_us_max;
    batch_go(worker, works, count);
    if (worker->is_parted) batch_sort(worker);
    pthread_mutex_lock(&worker->facts_lock);
    size_t evicted = cache_evict(&worker->cache, 0);
    pthread_mutex_unlock(&worker->facts_lock);
    atomic_fetch_add(&worker->engine->metrics->cache_evictions, evicted);
}
