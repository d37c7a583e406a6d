/* engine.h: turns submitted requests into store transactions, one batch at a time.
 * Invariant: no reply leaves before the transaction that produced it has committed.
 * Threads:   engine_submit() from any thread; the engine's threads decide and save; done() runs on
 *            the reply thread or, for a read of a cached account, inside engine_submit().
 *            A store that others share may be given several engine threads; the operations of one
 *            account go to one of them, those of a list to several. Operations whose account
 *            somebody else holds locked wait on one more, so that nobody waits with them.
 * Ownership: engine_submit() takes the request; request->done() gives it back, exactly once. */
#ifndef QMS_ENGINE_ENGINE_H
#define QMS_ENGINE_ENGINE_H

#include "engine/metrics.h"
#include "engine/request.h"
#include "store/store.h"

struct engine;

struct engine_options {
    /* Opens a store of the same database for a thread of the engine, which closes it. waits: as in
     * store_options; asked for only when the store does not own its database. On the thread that
     * calls engine_open(). */
    struct store *(*open_store)(void *context, bool waits, struct qms_error *error);
    void *store_context;
    size_t threads;               /* 1..ENGINE_THREADS_MAX; a store that owns its database has 1 */
    struct metrics *metrics;
    struct text default_plan;     /* "Basic" */
    const struct plugins *plugins; /* what service connections can measure and limit */
    bool report_overages;         /* false: overage operations answer "none" (qms-operations 10) */
    bool reads_subscribe;         /* false: reads do not create users */
    bool carries_over, restores_tails; /* of new subscriptions, as in a decision */
    size_t cache_accounts_max;
    size_t queue_requests_max;
    int64_t request_wait_us_max;
    int64_t lock_wait_us_max;     /* for an account that somebody else holds locked */
    int64_t commit_resolve_us_max;
    void (*replied)(void *context); /* after the done() calls of a batch: wake the front's loops */
    void *replied_context;
};

void engine_options_init(struct engine_options *options); /* the defaults of limits.h */

/* Loads catalogue and directory and starts the threads. */
struct engine *engine_open(const struct engine_options *options, struct qms_error *error);

/* Takes the request. Refused (queue full, stopping): every operation carries BUSY or UNAVAILABLE
 * and done() is called before this returns. may_answer_now: the caller can bear done() inside
 * this call, and has no earlier request of the same client unanswered. */
void engine_submit(struct engine *engine, struct request *request, bool may_answer_now);

/* Not ready: the store does not answer, or the default plan is missing or has no active rate. */
bool engine_ready(struct engine *engine, struct qms_error *error);

/* The latest directory, held for the caller, who releases it, or NULL when the store keeps none;
 * from any thread. It is as fresh as the last batch: what another server or a tool has changed
 * shows within about a second. */
struct directory *engine_directory(struct engine *engine);

size_t engine_queue_depth(struct engine *engine);

/* Finishes what was submitted, refuses what comes after, then joins the threads. */
void engine_stop(struct engine *engine);
void engine_close(struct engine *engine);

#endif
