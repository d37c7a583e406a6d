#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/decide.h"
#include "engine/engine_private.h"

enum {
    BATCH_LIMIT_START = 1024,
    BATCH_ARENA_BLOCK_BYTES = 1 << 20,
    IDLE_MS = 250,         /* with nothing to do for so long, the store may tidy up ... */
    IDLE_UNDER_LOAD_US = 5000000, /* (under load it does so this often all the same) */
    PROBE_US = 1000000,    /* ... and after so long the store is asked whether it still answers */
    LISTINGS_MAX = 64,
};

void engine_options_init(struct engine_options *options) {
    *options = (struct engine_options){
        .default_plan = TEXT("Basic"),
        .plugins = &plugins_builtin,
        .report_overages = true,
        .reads_subscribe = true,
        .cache_accounts_max = CACHE_ACCOUNTS_DEFAULT,
        .queue_requests_max = QUEUE_REQUESTS_MAX,
        .request_wait_us_max = (int64_t)REQUEST_WAIT_MS_DEFAULT * 1000,
        .commit_resolve_us_max = (int64_t)COMMIT_RESOLVE_MS_DEFAULT * 1000,
    };
}

struct decision engine_decision(struct engine *engine) {
    return (struct decision){
        .catalogue = engine->catalogue,
        .directory = engine->directory,
        .plugins = engine->options.plugins,
        .ids = &engine->ids,
        .default_plan = engine->options.default_plan,
        .report_overages = engine->options.report_overages,
        .reads_subscribe = engine->options.reads_subscribe,
    };
}

/* ---- submitting ---- */

/* A read of an account that is cached, current and not in the open batch needs no transaction: it
 * is decided on the caller's thread, between two batches. Measured with 64 connections on two
 * cores, handing such a read to the engine thread and back costs more than all else in it. */
static bool engine_answer_now(struct engine *engine, struct request *request) {
    struct op *op = request->ops;
    if (request->op_count != 1 || !engine->store->ops->owns_database) return false;
    enum effect effect = operation_effect(op->operation);
    if (effect != EFFECT_NONE && effect != EFFECT_SUBSCRIBE) return false;
    enum target target = operation_target(op->operation);
    bool of_all = target == TARGET_CATALOGUE || target == TARGET_DIRECTORY;
    if (target != TARGET_USER && !of_all) return false;
    if (pthread_mutex_trylock(&engine->facts_lock) != 0) return false;
    bool answered = false;
    struct account *account =
        target == TARGET_USER ? cache_find(&engine->cache, op->username) : NULL;
    bool known = of_all ||
                 (account != NULL && !account->held && account->loaded && !account->broken);
    if (known && clock_monotonic_us() < engine->fresh_until_us) {
        struct decision decision = engine_decision(engine);
        decision.decided_us = engine->store->ops->now(engine->store);
        op->account = account;
        decide(&decision, op, &request->arena);
        answered = !decision.must_write;
        op->account = NULL;
        if (account != NULL) cache_use(&engine->cache, account);
    }
    pthread_mutex_unlock(&engine->facts_lock);
    if (answered) atomic_fetch_add(&engine->metrics->reads_immediate, 1);
    return answered;
}

static void engine_refuse(struct request *request, enum qms_code code) {
    for (size_t i = 0; i < request->op_count; i++) {
        if (request->ops[i].error.code == QMS_OK) qms_fail_code(&request->ops[i].error, code);
    }
    request->done(request);
}

void engine_submit(struct engine *engine, struct request *request, bool may_answer_now) {
    assert(request->done != NULL);
    request->submitted_us = clock_monotonic_us();
    request->op_next = 0;
    request->op_left = 0;
    for (size_t i = 0; i < request->op_count; i++) {
        if (request->ops[i].error.code == QMS_OK) request->op_left++;
    }
    if (request->op_left == 0 || (may_answer_now && engine_answer_now(engine, request))) {
        request->done(request);
        return;
    }
    bool listing = operation_effect(request->ops[0].operation) == EFFECT_LISTING;
    switch (queue_put(listing ? &engine->listings : &engine->submitted, request)) {
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

/* ---- the engine thread ---- */

/* Operations that waited too long are answered unexecuted: their clients have given up. */
static bool engine_give_up(struct engine *engine, struct work *work, int64_t now_us,
                           struct request_list *finished) {
    if (now_us - work->request->submitted_us <= engine->options.request_wait_us_max) return false;
    qms_fail_code(&work->op->error, QMS_UNAVAILABLE);
    work_finish(work, finished);
    return true;
}

/* Moves up to a slice of the request's operations into the batch; true: none are left. Operations
 * that their decoder refused are passed over at once: a request is kept only for one that still has
 * to be done, because it is answered, and gone, with the last of those. */
static bool engine_take_slice(struct engine *engine, struct request *request, int64_t now_us,
                              struct request_list *finished) {
    size_t taken = 0;
    for (; request->op_next < request->op_count; request->op_next++) {
        struct work work = {.request = request, .op = &request->ops[request->op_next]};
        if (work.op->error.code != QMS_OK) continue;
        if (taken == LIST_SLICE_OPERATIONS_MAX || engine->work_count >= engine->batch_limit) {
            return false;
        }
        if (engine_give_up(engine, &work, now_us, finished)) continue;
        engine->works[engine->work_count++] = work;
        taken++;
    }
    return true;
}

/* Fills works: first what an earlier batch put off, then a slice of each request in turn, round
 * after round, so that a long list does not keep single requests waiting. */
static bool request_is_alone(const struct request *request) {
    enum operation operation = request->ops[0].operation;
    enum target target = operation_target(operation);
    return (target == TARGET_CATALOGUE || target == TARGET_DIRECTORY) &&
           operation_effect(operation) == EFFECT_WRITE;
}

static void engine_fill_batch(struct engine *engine) {
    struct request_list finished = {0};
    int64_t now_us = clock_monotonic_us();
    memcpy(engine->works, engine->deferred, engine->deferred_count * sizeof engine->works[0]);
    engine->work_count = engine->deferred_count;
    engine->deferred_count = 0;
    while (engine->pending.first != NULL && engine->work_count < engine->batch_limit) {
        struct request *request = request_list_pop(&engine->pending);
        if (request_is_alone(request)) {
            request_list_push(&engine->alone, request);
        } else if (!engine_take_slice(engine, request, now_us, &finished)) {
            request_list_push(&engine->pending, request);
        }
    }
    queue_put_list(&engine->finished, &finished);
}

/* Everybody's facts hang on the catalogue and the directory, so what changes them is decided with
 * nobody beside it. */
static void engine_run_alone(struct engine *engine) {
    for (struct request *request; (request = request_list_pop(&engine->alone)) != NULL;) {
        struct request_list finished = {0};
        engine->work_count = 0;
        engine_take_slice(engine, request, clock_monotonic_us(), &finished);
        queue_put_list(&engine->finished, &finished);
        if (engine->work_count > 0) batch_run(engine, engine->works, engine->work_count);
    }
}

static bool engine_has_work(const struct engine *engine) {
    return engine->pending.first != NULL || engine->deferred_count > 0;
}

static void *engine_main(void *context) {
    struct engine *engine = context;
    int64_t last_us = clock_monotonic_us(), idle_us = last_us;
    for (;;) {
        bool open = queue_take(&engine->submitted, &engine->pending,
                               engine_has_work(engine) ? 0 : IDLE_MS);
        if (engine_has_work(engine)) {
            engine_fill_batch(engine);
            if (engine->work_count > 0) batch_run(engine, engine->works, engine->work_count);
            engine_run_alone(engine);
            last_us = clock_monotonic_us();
            if (last_us < idle_us + IDLE_UNDER_LOAD_US) continue;
        } else if (!open) {
            break;
        }
        engine->store->ops->idle(engine->store);
        idle_us = clock_monotonic_us();
        if (clock_monotonic_us() - last_us >= PROBE_US) {
            batch_run(engine, NULL, 0); /* notices a lost store and a changed catalogue */
            last_us = clock_monotonic_us();
        }
    }
    queue_close(&engine->finished);
    return NULL;
}

static void *engine_reply_main(void *context) {
    struct engine *engine = context;
    struct request_list finished = {0};
    while (queue_take(&engine->finished, &finished, -1)) {
        for (struct request *request; (request = request_list_pop(&finished)) != NULL;) {
            request->done(request);
        }
        if (engine->options.replied != NULL) {
            engine->options.replied(engine->options.replied_context);
        }
    }
    return NULL;
}

/* ---- opening and closing ---- */

static bool engine_start(struct engine *engine, struct qms_error *error) {
    batch_run(engine, NULL, 0); /* loads catalogue and directory */
    if (engine->catalogue == NULL) {
        return qms_fail(error, QMS_UNAVAILABLE, "the catalogue cannot be read from the store");
    }
    if (pthread_create(&engine->engine_thread, NULL, engine_main, engine) != 0 ||
        pthread_create(&engine->reply_thread, NULL, engine_reply_main, engine) != 0) {
        abort(); /* out of threads at start: nothing to go on with */
    }
    for (int i = 0; i < LISTER_THREADS; i++) {
        if (pthread_create(&engine->lister_threads[i], NULL, lister_main, engine) != 0) abort();
    }
    return true;
}

struct engine *engine_open(const struct engine_options *options, struct qms_error *error) {
    struct engine *engine = memory_take_zeroed(1, sizeof *engine);
    engine->options = *options;
    engine->store = options->store;
    engine->metrics = options->metrics;
    engine->batch_limit = BATCH_LIMIT_START;
    queue_init(&engine->submitted, options->queue_requests_max);
    queue_init(&engine->finished, SIZE_MAX);
    queue_init(&engine->listings, LISTINGS_MAX);
    pthread_mutex_init(&engine->facts_lock, NULL);
    cache_init(&engine->cache, options->cache_accounts_max);
    uuid_source_init(&engine->ids);
    arena_init(&engine->batch_arena, BATCH_ARENA_BLOCK_BYTES);
    if (!engine_start(engine, error)) {
        engine_close(engine);
        return NULL;
    }
    return engine;
}

bool engine_ready(struct engine *engine, struct qms_error *error) {
    pthread_mutex_lock(&engine->facts_lock);
    bool answers = engine->store_answers;
    const struct plan *plan = catalogue_plan_named(engine->catalogue, engine->options.default_plan);
    int64_t now_us = engine->store->ops->owns_database ? engine->store->ops->now(engine->store)
                                                       : clock_wall_us(&clock_system);
    bool has_rate =
        plan != NULL && rate_active(plan->rates, plan->rate_count, now_us) != NULL;
    pthread_mutex_unlock(&engine->facts_lock);
    if (!answers) return qms_fail(error, QMS_UNAVAILABLE, "the store does not answer");
    if (plan == NULL) {
        return qms_fail(error, QMS_UNAVAILABLE, "the default subscription plan %.*s does not exist",
                        TEXT_ARGUMENTS(engine->options.default_plan));
    }
    if (!has_rate) {
        return qms_fail(error, QMS_UNAVAILABLE,
                        "the %.*s subscription plan has no effective rate",
                        TEXT_ARGUMENTS(engine->options.default_plan));
    }
    return true;
}

struct directory *engine_directory(struct engine *engine) {
    pthread_mutex_lock(&engine->facts_lock);
    struct directory *directory =
        engine->directory == NULL ? NULL : directory_hold(engine->directory);
    pthread_mutex_unlock(&engine->facts_lock);
    return directory;
}

size_t engine_queue_depth(struct engine *engine) {
    return queue_depth(&engine->submitted) + queue_depth(&engine->listings);
}

void engine_stop(struct engine *engine) {
    queue_close(&engine->listings);
    for (int i = 0; i < LISTER_THREADS; i++) pthread_join(engine->lister_threads[i], NULL);
    queue_close(&engine->submitted);
    pthread_join(engine->engine_thread, NULL);
    pthread_join(engine->reply_thread, NULL);
}

void engine_close(struct engine *engine) {
    cache_close(&engine->cache);
    catalogue_release(engine->catalogue);
    directory_release(engine->directory);
    arena_close(&engine->batch_arena);
    pthread_mutex_destroy(&engine->facts_lock);
    queue_destroy(&engine->listings);
    queue_destroy(&engine->finished);
    queue_destroy(&engine->submitted);
    engine->store->ops->close(engine->store);
    memory_give(engine);
}
