/* engine_private.h: the engine's own state, shared by engine.c, batch.c and lister.c only.
 * Locks:   facts_lock guards the cache's links, every account that is not held, the catalogue
 *          and directory pointers and fresh_until_us. The engine thread alone changes them, and
 *          takes the lock to do so; others take it only with trylock or for an instant.
 *          A held account belongs to the open batch: only the engine thread looks at it. */
#ifndef QMS_ENGINE_ENGINE_PRIVATE_H
#define QMS_ENGINE_ENGINE_PRIVATE_H

#include "base/limits.h"
#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/queue.h"

/* A listing may wait for a slow client, so there are several; a queue before them is bounded. */
enum { LISTER_THREADS = 4 };

/* One operation on its way through a batch. */
struct work {
    struct request *request;
    struct op *op;
    bool put_off; /* a read that has to write, in a batch that may not: decided in the next */
    bool waits;   /* its answer depends on what this batch writes */
    bool broken;  /* a row it needs, other than its account's, cannot be read */
};

struct engine {
    struct engine_options options;
    struct store *store;
    struct metrics *metrics;

    struct queue submitted;
    struct queue finished;
    struct queue listings;
    pthread_t engine_thread, reply_thread, lister_threads[LISTER_THREADS];

    pthread_mutex_t facts_lock;
    struct cache cache;
    struct catalogue *catalogue;
    struct directory *directory;
    int64_t fresh_until_us; /* monotonic: until then the cache is known to match the store */
    bool store_answers;     /* the last batch met a store that worked */

    /* the engine thread's alone */
    struct uuid_source ids;
    struct request_list pending; /* taken from the queue, not finished */
    struct request_list alone;   /* writes to the catalogue or the directory: each is a
                                    batch of its own */
    struct work works[BATCH_OPERATIONS_MAX];
    size_t work_count;
    struct work deferred[BATCH_OPERATIONS_MAX]; /* reads that turned out to write */
    size_t deferred_count;
    size_t batch_limit;     /* follows the commit time */
    uint64_t batch_number;
    struct arena batch_arena;
    struct changes changes;
};

/* batch.c: decides and saves works[0..count), gives every operation its outcome. */
void batch_run(struct engine *engine, struct work *works, size_t count);

/* batch.c: an operation has its outcome; the request goes to the reply thread with its last one. */
void work_finish(struct work *work, struct request_list *finished);

/* engine.c: the decision's constant parts. */
struct decision engine_decision(struct engine *engine);

/* lister.c: the thread that answers listings from a snapshot of its own. */
void *lister_main(void *engine);

#endif
