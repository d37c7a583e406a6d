#include "engine/engine.h"

#include <assert.h>

#include "domain/decide.h"
#include "engine/engine_private.h"
#include "engine/lane.h"

enum { PART_ARENA_BLOCK_BYTES = 4096 };

void engine_options_init(struct engine_options *options) {
    *options = (struct engine_options){
        .threads = 1,
        .default_plan = TEXT("Basic"),
        .plugins = &plugins_builtin,
        .report_overages = true,
        .reads_subscribe = true,
        .cache_accounts_max = CACHE_ACCOUNTS_DEFAULT,
        .queue_requests_max = QUEUE_REQUESTS_MAX,
        .request_wait_us_max = (int64_t)REQUEST_WAIT_MS_DEFAULT * 1000,
        .lock_wait_us_max = (int64_t)LOCK_WAIT_MS_DEFAULT * 1000,
        .commit_resolve_us_max = (int64_t)COMMIT_RESOLVE_MS_DEFAULT * 1000,
    };
}

struct decision worker_decision(struct worker *worker) {
    const struct engine_options *options = &worker->engine->options;
    return (struct decision){
        .catalogue = worker->catalogue,
        .directory = worker->directory,
        .plugins = options->plugins,
        .ids = &worker->ids,
        .default_plan = options->default_plan,
        .report_overages = options->report_overages,
        .reads_subscribe = options->reads_subscribe,
        .carries_over = options->carries_over,
        .restores_tails = options->restores_tails,
    };
}

/* ---- submitting ---- */

/* A read of an account that is cached, current and not in the open batch needs no transaction: it
 * is decided on the caller's thread, between two batches. Measured with 64 connections on two
 * cores, handing such a read to the engine thread and back costs more than all else in it. */
static bool engine_answer_now(struct engine *engine, struct request *request) {
    struct worker *worker = engine->workers[0];
    struct op *op = request->ops;
    if (request->op_count != 1 || !engine->owns_database) return false;
    enum effect effect = operation_effect(op->operation);
    if (effect != EFFECT_NONE && effect != EFFECT_SUBSCRIBE) return false;
    enum target target = operation_target(op->operation);
    bool of_all = target == TARGET_CATALOGUE || target == TARGET_DIRECTORY;
    if (target != TARGET_USER && !of_all) return false;
    if (pthread_mutex_trylock(&worker->facts_lock) != 0) return false;
    bool answered = false;
    struct account *account =
        target == TARGET_USER ? cache_find(&worker->cache, op->username) : NULL;
    bool known = of_all ||
                 (account != NULL && !account->held && account->loaded && !account->broken);
    if (known && clock_monotonic_us() < worker->fresh_until_us) {
        struct decision decision = worker_decision(worker);
        decision.decided_us = worker->store->ops->now(worker->store);
        op->account = account;
        decide(&decision, op, &request->arena);
        answered = !decision.must_write;
        op->account = NULL;
        if (account != NULL) cache_use(&worker->cache, account);
    }
    pthread_mutex_unlock(&worker->facts_lock);
    if (answered) atomic_fetch_add(&engine->metrics->reads_immediate, 1);
    return answered;
}

static void engine_refuse(struct request *request, enum qms_code code) {
    for (size_t i = 0; i < request->op_count; i++) {
        if (request->ops[i].error.code == QMS_OK) qms_fail_code(&request->ops[i].error, code);
    }
    request->done(request);
}

/* A part for each worker, and one for the lane, which comes last. */
static void request_split(struct engine *engine, struct request *request) {
    size_t count = engine->worker_count + 1;
    for (size_t i = 0; i < request->part_count; i++) arena_close(&request->parts[i].own);
    request->parts = arena_take_zeroed(&request->arena, count, sizeof *request->parts);
    request->part_count = count;
    for (size_t i = 0; i < count; i++) {
        struct request_part *part = &request->parts[i];
        arena_init(&part->own, PART_ARENA_BLOCK_BYTES);
        part->request = request;
        part->arena = &part->own;
        part->thread = i;
    }
    for (size_t i = 0; i < request->op_count; i++) {
        const struct op *op = &request->ops[i];
        if (op->error.code == QMS_OK) request->parts[worker_index(engine, op)].op_left++;
    }
}

/* Puts the request into the queues of those who have something to do for it. */
static enum queue_push engine_put(struct engine *engine, struct request *request) {
    struct queue *queues[ENGINE_THREADS_MAX];
    struct request_part *parts[ENGINE_THREADS_MAX];
    size_t count = 0;
    if (engine->owns_database || request->op_count == 1) {
        request->whole.thread = worker_index(engine, request->ops);
        return queue_put(&engine->workers[request->whole.thread]->submitted, &request->whole);
    }
    request_split(engine, request);
    for (size_t i = 0; i < engine->worker_count; i++) {
        if (request->parts[i].op_left == 0) continue;
        queues[count] = &engine->workers[i]->submitted;
        parts[count++] = &request->parts[i];
    }
    return queue_put_each(queues, parts, count);
}

void engine_submit(struct engine *engine, struct request *request, bool may_answer_now) {
    assert(request->done != NULL);
    request->submitted_us = clock_monotonic_us();
    request->alone = may_answer_now;
    size_t left = 0;
    for (size_t i = 0; i < request->op_count; i++) {
        if (request->ops[i].error.code == QMS_OK) left++;
    }
    if (left == 0 || (may_answer_now && engine_answer_now(engine, request))) {
        request->done(request);
        return;
    }
    atomic_store(&request->op_left, left);
    request->whole = (struct request_part){
        .request = request, .arena = &request->arena, .op_left = left};
    bool listing = operation_effect(request->ops[0].operation) == EFFECT_LISTING;
    switch (listing ? queue_put(&engine->listings, &request->whole) : engine_put(engine, request)) {
    case QUEUE_TAKEN:
        return;
    case QUEUE_FULL:
        engine_refuse(request, QMS_BUSY);
        return;
    case QUEUE_CLOSED:
        engine_refuse(request, QMS_UNAVAILABLE);
        return;
    }
}

bool engine_reply(struct engine *engine, int wait_ms) {
    struct part_list finished = {0};
    bool open = queue_take(&engine->finished, &finished, wait_ms);
    if (finished.first == NULL) return open;
    for (struct request_part *part; (part = part_list_pop(&finished)) != NULL;) {
        part->request->done(part->request);
    }
    if (engine->options.replied != NULL) engine->options.replied(engine->options.replied_context);
    return true;
}

static void *engine_reply_main(void *context) {
    while (engine_reply(context, -1)) {}
    return NULL;
}

/* ---- opening and closing ---- */

static struct store *engine_open_store(struct engine *engine, bool waits,
                                       struct qms_error *error) {
    return engine->options.open_store(engine->options.store_context, waits, error);
}

/* A store for each thread; one that owns its database is the only one. */
static bool engine_open_stores(struct engine *engine, struct qms_error *error) {
    struct store *store = engine_open_store(engine, false, error);
    if (store == NULL) return false;
    size_t threads = engine->options.threads;
    assert(threads >= 1);
    assert(threads <= ENGINE_THREADS_MAX);
    engine->owns_database = store->ops->owns_database;
    engine->worker_count = engine->owns_database ? 1 : threads;
    engine->workers[0] = worker_make(engine, 0, store);
    for (size_t i = 1; i < engine->worker_count; i++) {
        store = engine_open_store(engine, false, error);
        if (store == NULL) return false;
        engine->workers[i] = worker_make(engine, i, store);
    }
    if (engine->owns_database) return true;
    store = engine_open_store(engine, true, error);
    if (store == NULL) return false;
    engine->lane = lane_make(engine, store);
    return true;
}

static bool engine_start_threads(struct engine *engine, struct qms_error *error) {
    bool started =
        pthread_create(&engine->reply_thread, NULL, engine_reply_main, engine) == 0;
    engine->replies = started;
    if (started && engine->lane != NULL) started = lane_start(engine->lane);
    while (started && engine->workers_running < engine->worker_count) {
        struct worker *worker = engine->workers[engine->workers_running];
        started = pthread_create(&worker->thread, NULL, worker_main, worker) == 0;
        engine->workers_running += started;
    }
    while (started && engine->listers_running < LISTER_THREADS) {
        pthread_t *thread = &engine->lister_threads[engine->listers_running];
        started = pthread_create(thread, NULL, lister_main, engine) == 0;
        engine->listers_running += started;
    }
    return started || qms_fail(error, QMS_UNAVAILABLE,
                               "the system refuses the engine's threads; is there a limit?");
}

static bool engine_load(struct engine *engine, struct qms_error *error) {
    for (size_t i = 0; i < engine->worker_count; i++) {
        batch_run(engine->workers[i], NULL, 0); /* loads catalogue and directory */
        if (engine->workers[i]->catalogue != NULL) continue;
        return qms_fail(error, QMS_UNAVAILABLE, "the catalogue cannot be read from the store");
    }
    return true;
}

struct engine *engine_make(const struct engine_options *options, struct qms_error *error) {
    struct engine *engine = memory_take_zeroed(1, sizeof *engine);
    engine->options = *options;
    engine->metrics = options->metrics;
    queue_init(&engine->finished, SIZE_MAX);
    queue_init(&engine->listings, LISTINGS_MAX);
    if (engine_open_stores(engine, error) && engine_load(engine, error)) return engine;
    engine_close(engine);
    return NULL;
}

struct engine *engine_open(const struct engine_options *options, struct qms_error *error) {
    struct engine *engine = engine_make(options, error);
    if (engine == NULL || engine_start_threads(engine, error)) return engine;
    engine_stop(engine);
    engine_close(engine);
    return NULL;
}

static bool worker_answers(struct worker *worker) {
    pthread_mutex_lock(&worker->facts_lock);
    bool answers = worker->store_answers;
    pthread_mutex_unlock(&worker->facts_lock);
    return answers;
}

bool engine_ready(struct engine *engine, struct qms_error *error) {
    for (size_t i = 0; i < engine->worker_count; i++) {
        if (worker_answers(engine->workers[i])) continue;
        return qms_fail(error, QMS_UNAVAILABLE, "the store does not answer");
    }
    struct worker *worker = engine->workers[0];
    pthread_mutex_lock(&worker->facts_lock);
    const struct plan *plan = catalogue_plan_named(worker->catalogue, engine->options.default_plan);
    int64_t now_us = engine->owns_database ? worker->store->ops->now(worker->store)
                                           : clock_wall_us(&clock_system);
    bool is_broken = plan != NULL && plan->broken;
    bool has_rate =
        plan != NULL && rate_active(plan->rates, plan->rate_count, now_us) != NULL;
    pthread_mutex_unlock(&worker->facts_lock);
    if (plan == NULL) {
        return qms_fail(error, QMS_UNAVAILABLE, "the default subscription plan %.*s does not exist",
                        TEXT_ARGUMENTS(engine->options.default_plan));
    }
    if (is_broken) {
        return qms_fail(error, QMS_UNAVAILABLE, "a rate or quota default of the %.*s subscription"
                        " plan cannot be read", TEXT_ARGUMENTS(engine->options.default_plan));
    }
    if (!has_rate) {
        return qms_fail(error, QMS_UNAVAILABLE,
                        "the %.*s subscription plan has no effective rate",
                        TEXT_ARGUMENTS(engine->options.default_plan));
    }
    return true;
}

struct directory *engine_directory(struct engine *engine) {
    struct worker *worker = engine->workers[0];
    pthread_mutex_lock(&worker->directory_lock);
    struct directory *directory =
        worker->directory == NULL ? NULL : directory_hold(worker->directory);
    pthread_mutex_unlock(&worker->directory_lock);
    return directory;
}

size_t engine_queue_depth(struct engine *engine) {
    size_t depth = queue_depth(&engine->listings);
    for (size_t i = 0; i < engine->worker_count; i++) {
        depth += queue_depth(&engine->workers[i]->submitted);
    }
    return depth;
}

/* Those who hand on come before those who take. */
void engine_stop(struct engine *engine) {
    queue_close(&engine->listings);
    while (engine->listers_running > 0)
        pthread_join(engine->lister_threads[--engine->listers_running], NULL);
    for (size_t i = 0; i < engine->workers_running; i++) {
        queue_close(&engine->workers[i]->submitted);
    }
    while (engine->workers_running > 0)
        pthread_join(engine->workers[--engine->workers_running]->thread, NULL);
    if (engine->lane != NULL) lane_stop(engine->lane);
    queue_close(&engine->finished);
    if (engine->replies) pthread_join(engine->reply_thread, NULL);
    engine->replies = false;
}

void engine_close(struct engine *engine) {
    for (size_t i = 0; i < engine->worker_count; i++) {
        if (engine->workers[i] != NULL) worker_free(engine->workers[i]);
    }
    if (engine->lane != NULL) lane_free(engine->lane);
    queue_destroy(&engine->listings);
    queue_destroy(&engine->finished);
    memory_give(engine);
}
