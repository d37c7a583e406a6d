/* engine_private.h: the engine's own state, shared by the files of the engine only.
 * Workers: each engine thread has a store, facts and a queue of its own; a store that owns its
 *          database has one of them. Operations go to a worker by their account's name, those that
 *          name only an id or the catalogue to the first. That is for speed: what keeps changes
 *          apart are the store's locks.
 * Locks:   facts_lock guards the cache's links, every account that is not held, the catalogue and
 *          directory pointers, fresh_until_us and store_answers. The worker's thread alone changes
 *          them, and takes the lock to do so; others take it only with trylock or for an instant.
 *          A held account belongs to the open batch: only the worker's thread looks at it. */
#ifndef QMS_ENGINE_ENGINE_PRIVATE_H
#define QMS_ENGINE_ENGINE_PRIVATE_H

#include "base/limits.h"
#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/queue.h"

/* A listing may wait for a slow client, so there are several; a queue before them is bounded. */
enum { LISTER_THREADS = 4 };

/* After a batch the cache counts for so long as what is stored. */
enum { FRESH_US = 10000 };

/* One operation on its way through a batch. */
struct work {
    struct request *request;
    struct arena *arena; /* for its answer */
    struct op *op;
    int64_t locked_us;   /* monotonic: when its account was first found locked; 0: never */
    size_t turn;  /* in the order of arrival, in the batch in hand */
    bool put_off; /* decided in the next batch: it has to change what is not locked in this one, or
                     comes after such a one */
    bool waits;   /* its answer depends on what this batch writes */
    bool broken;  /* a row it needs, other than its account's, cannot be read */
};

struct engine;

struct worker {
    struct engine *engine;
    struct store *store;
    size_t index;
    struct queue submitted;
    pthread_t thread;

    pthread_mutex_t facts_lock;
    struct cache cache;
    struct catalogue *catalogue;
    struct directory *directory;
    pthread_mutex_t directory_lock; /* taken after facts_lock: whoever only wants to know who asks
                                       does not wait for a batch to be decided */
    int64_t fresh_until_us; /* monotonic: until then the cache is known to match the store */
    bool store_answers;     /* the last batch met a store that worked */

    /* the worker's thread's alone */
    struct uuid_source ids;
    struct part_list pending; /* taken from the queue, not finished */
    struct part_list alone;   /* writes to the catalogue or the directory: each is a batch of its
                                 own */
    struct work works[BATCH_OPERATIONS_MAX];
    size_t work_count;
    struct work deferred[BATCH_OPERATIONS_MAX]; /* put off */
    size_t deferred_count;
    struct work busy[BATCH_OPERATIONS_MAX]; /* somebody else holds their accounts locked */
    size_t busy_count;
    size_t batch_limit;     /* follows the commit time */
    int64_t worked_us, idle_us; /* monotonic: when it last had a batch, and the store its rest */
    uint64_t batch_number;
    unsigned repeats_left;  /* of the batch in hand, when others are faster */
    unsigned declined;      /* operations of it that could not be saved alone, in a row */
    int64_t repeat_until_us;
    bool is_parted;         /* the batch in hand was halved */
    int64_t tell_again_us;  /* that the store cannot be used */
    struct arena batch_arena;
    struct changes changes;
};

struct lane;

struct engine {
    struct engine_options options;
    struct metrics *metrics;
    bool owns_database;
    struct worker *workers[ENGINE_THREADS_MAX];
    size_t worker_count;
    struct lane *lane; /* NULL when nobody else can hold a lock */

    struct queue finished;
    struct queue listings;
    pthread_t reply_thread, lister_threads[LISTER_THREADS];
    size_t workers_running, listers_running;
    bool replies;
};

/* worker.c */
struct worker *worker_make(struct engine *engine, size_t index, struct store *store);
void worker_free(struct worker *worker); /* closes the store */
void *worker_main(void *worker);
/* One round of its thread: a batch of what has arrived, or, when nothing comes in wait_ms, the
 * store's rest. False: its queue is closed and nothing is left. */
bool worker_turn(struct worker *worker, int wait_ms);
/* Which worker an operation belongs to. */
size_t worker_index(const struct engine *engine, const struct op *op);

/* batch.c: decides and saves works[0..count), gives every operation its outcome, except those that
 * it leaves in worker->deferred and worker->busy. */
void batch_run(struct worker *worker, struct work *works, size_t count);
bool op_may_write(const struct op *op);

/* batch.c: an operation has its outcome; the request goes to the reply thread with its last one.
 * Then the request may be gone at once, unless it is in finished. */
void work_finish(struct work *work, struct part_list *finished);

/* engine.c: engine_open() without its threads. Whoever made the engine does their work, turn by
 * turn: worker_turn(), lane_turn(), engine_reply(). */
struct engine *engine_make(const struct engine_options *options, struct qms_error *error);
/* Calls done() for what has been finished; waits for it as queue_take() does. False: closed. */
bool engine_reply(struct engine *engine, int wait_ms);

/* engine.c: the decision's constant parts. */
struct decision worker_decision(struct worker *worker);

/* Takes the directory in the place of the one before. facts_lock is held. */
void worker_put_directory(struct worker *worker, struct directory *directory);

/* lister.c: the thread that answers listings from a snapshot of its own. */
void *lister_main(void *engine);

#endif
