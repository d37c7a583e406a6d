/* worker.c: an engine thread: takes what arrived for it, batch by batch. */
#include <assert.h>

#include "engine/engine_private.h"
#include "engine/lane.h"

enum {
    BATCH_LIMIT_START = 1024,
    BATCH_ARENA_BLOCK_BYTES = 1 << 20,
    IDLE_MS = 250,         /* with nothing to do for so long, the store may tidy up ... */
    IDLE_UNDER_LOAD_US = 5000000, /* (under load it does so this often all the same) */
    PROBE_US = 1000000,    /* ... and after so long the store is asked whether it still answers */
};

size_t worker_index(const struct engine *engine, const struct op *op) {
    if (engine->worker_count == 1 || operation_target(op->operation) != TARGET_USER) return 0;
    return (size_t)(cache_hash(op->username) % engine->worker_count);
}

/* Operations that waited too long are answered unexecuted: their clients have given up. */
static bool worker_gives_up(struct worker *worker, struct work *work, int64_t now_us,
                            struct part_list *finished) {
    int64_t waited_us = now_us - work->request->submitted_us;
    if (waited_us <= worker->engine->options.request_wait_us_max) return false;
    qms_fail_code(&work->op->error, QMS_UNAVAILABLE);
    work_finish(work, finished);
    return true;
}

/* Operations follow others on their account that wait for a lock, so that they stay in order; a
 * read that nobody sent behind a change waits for nobody. */
static bool worker_lets_wait(struct worker *worker, const struct work *work) {
    if (worker->engine->lane == NULL || operation_target(work->op->operation) != TARGET_USER)
        return false;
    if (work->request->alone && !op_may_write(work->op)) return false;
    return lane_follow(worker->engine->lane, work);
}

/* The part's next operation that is to be done; those of other threads are not looked at: they may
 * be at work on them. */
static struct op *part_next(struct worker *worker, struct request_part *part) {
    struct request *request = part->request;
    for (;;) {
        assert(part->op_next < request->op_count);
        struct op *op = &request->ops[part->op_next++];
        if (worker_index(worker->engine, op) != part->thread) continue;
        if (op->error.code == QMS_OK) return op; /* else its decoder refused it */
    }
}

/* Moves up to a slice of the part's operations into the batch; true: none are left. Then nothing of
 * the request is looked at any more: it is answered, and gone, with its last operation. */
static bool worker_take_slice(struct worker *worker, struct request_part *part, int64_t now_us,
                              struct part_list *finished) {
    for (size_t taken = 0; part->op_left > 0; taken++) {
        if (taken == LIST_SLICE_OPERATIONS_MAX || worker->work_count >= worker->batch_limit)
            return false;
        struct work work = {.request = part->request, .arena = part->arena};
        work.op = part_next(worker, part);
        bool last = --part->op_left == 0;
        if (!worker_gives_up(worker, &work, now_us, finished) && !worker_lets_wait(worker, &work))
            worker->works[worker->work_count++] = work;
        if (last) return true;
    }
    return true;
}

static bool part_is_alone(const struct request_part *part) {
    enum operation operation = part->request->ops[0].operation;
    enum target target = operation_target(operation);
    return (target == TARGET_CATALOGUE || target == TARGET_DIRECTORY) &&
           operation_effect(operation) == EFFECT_WRITE;
}

/* Fills works: first what an earlier batch put off, then a slice of each request in turn, round
 * after round, so that a long list does not keep single requests waiting. */
static void worker_fill_batch(struct worker *worker) {
    struct part_list finished = {0};
    int64_t now_us = clock_monotonic_us();
    memcpy(worker->works, worker->deferred, worker->deferred_count * sizeof worker->works[0]);
    worker->work_count = worker->deferred_count;
    worker->deferred_count = 0;
    while (worker->pending.first != NULL && worker->work_count < worker->batch_limit) {
        struct request_part *part = part_list_pop(&worker->pending);
        if (part_is_alone(part)) {
            part_list_push(&worker->alone, part);
        } else if (!worker_take_slice(worker, part, now_us, &finished)) {
            part_list_push(&worker->pending, part);
        }
    }
    queue_put_list(&worker->engine->finished, &finished);
}

/* Those whose account is locked elsewhere wait where nobody waits with them. */
static void worker_run(struct worker *worker) {
    if (worker->work_count == 0) return;
    batch_run(worker, worker->works, worker->work_count);
    if (worker->busy_count == 0) return;
    assert(worker->engine->lane != NULL);
    lane_enter(worker->engine->lane, worker->busy, worker->busy_count);
    worker->busy_count = 0;
}

/* Everybody's facts hang on the catalogue and the directory, so what changes them is decided with
 * nobody beside it. */
static void worker_run_alone(struct worker *worker) {
    for (struct request_part *part; (part = part_list_pop(&worker->alone)) != NULL;) {
        struct part_list finished = {0};
        worker->work_count = 0;
        worker_take_slice(worker, part, clock_monotonic_us(), &finished);
        queue_put_list(&worker->engine->finished, &finished);
        worker_run(worker);
    }
}

static bool worker_has_work(const struct worker *worker) {
    return worker->pending.first != NULL || worker->deferred_count > 0;
}

/* The store tidies up, and after a long rest is asked whether it is still there. */
static void worker_rest(struct worker *worker) {
    worker->store->ops->idle(worker->store);
    worker->idle_us = clock_monotonic_us();
    if (worker->idle_us - worker->worked_us < PROBE_US) return;
    batch_run(worker, NULL, 0); /* notices a lost store and a changed catalogue */
    worker->worked_us = clock_monotonic_us();
}

bool worker_turn(struct worker *worker, int wait_ms) {
    bool open = queue_take(&worker->submitted, &worker->pending,
                           worker_has_work(worker) ? 0 : wait_ms);
    if (worker_has_work(worker)) {
        worker_fill_batch(worker);
        worker_run(worker);
        worker_run_alone(worker);
        worker->worked_us = clock_monotonic_us();
        if (worker->worked_us < worker->idle_us + IDLE_UNDER_LOAD_US) return true;
    } else if (!open) {
        return false;
    }
    worker_rest(worker);
    return true;
}

void *worker_main(void *context) {
    struct worker *worker = context;
    worker->worked_us = worker->idle_us = clock_monotonic_us();
    while (worker_turn(worker, IDLE_MS)) {}
    return NULL;
}

void worker_put_directory(struct worker *worker, struct directory *directory) {
    struct directory *before = worker->directory;
    pthread_mutex_lock(&worker->directory_lock);
    worker->directory = directory;
    pthread_mutex_unlock(&worker->directory_lock);
    directory_release(before);
}

struct worker *worker_make(struct engine *engine, size_t index, struct store *store) {
    const struct engine_options *options = &engine->options;
    struct worker *worker = memory_take_zeroed(1, sizeof *worker);
    worker->engine = engine;
    worker->store = store;
    worker->index = index;
    worker->batch_limit = BATCH_LIMIT_START;
    queue_init(&worker->submitted, options->queue_requests_max / engine->worker_count);
    pthread_mutex_init(&worker->facts_lock, NULL);
    pthread_mutex_init(&worker->directory_lock, NULL);
    cache_init(&worker->cache,
               engine->owns_database ? options->cache_accounts_max : BATCH_OPERATIONS_MAX);
    uuid_source_init(&worker->ids);
    arena_init(&worker->batch_arena, BATCH_ARENA_BLOCK_BYTES);
    return worker;
}

void worker_free(struct worker *worker) {
    cache_close(&worker->cache);
    catalogue_release(worker->catalogue);
    directory_release(worker->directory);
    arena_close(&worker->batch_arena);
    pthread_mutex_destroy(&worker->facts_lock);
    pthread_mutex_destroy(&worker->directory_lock);
    queue_destroy(&worker->submitted);
    worker->store->ops->close(worker->store);
    memory_give(worker);
}
