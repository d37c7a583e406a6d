/* sim.h: a world of one seed: clients, a clock, one or two servers without threads, a store that
 * fails, and the model that says what should come of it. Nothing here waits or asks the system what
 * time it is: what happens depends on the seed alone. */
#ifndef QMS_TESTS_SIM_SIM_H
#define QMS_TESTS_SIM_SIM_H

#include <sqlite3.h>

#include "engine/request.h"
#include "sim/model.h"
#include "store/store.h"
#include "support/shared_store.h"

enum {
    NODES_MAX = 2,
    FLIGHTS = 48,          /* requests on their way */
    FLIGHT_OPERATIONS = 24,
    LINES_SHOWN = 60,      /* of what happened last, of a run that fails */
    REMEMBERED = 64,
};

/* How the last decision on an operation fared. */
enum fate {
    UNDECIDED,
    DECIDED,   /* by a batch that is still open, or a read outside any */
    ENDED,     /* by a batch that had nothing to save */
    COMMITTED,
    UNSEEN,    /* committed, and then the store failed before anything else was read */
    FAILED,
    REFUSED,
    DECLINED,
    OVERTAKEN,
    UNKNOWN,
};

struct flight {
    struct request request;
    bool is_busy;
    unsigned failures;     /* of the store, when it was sent */
    int64_t sent_us;       /* monotonic */
    uint64_t number;       /* the how manieth it is */
    int node;
    int count;
    struct ask asks[FLIGHT_OPERATIONS];
    struct answer expected[FLIGHT_OPERATIONS];
    enum fate fates[FLIGHT_OPERATIONS];
    uint64_t attempts[FLIGHT_OPERATIONS]; /* the batch that decided it last */
    uint64_t orders[FLIGHT_OPERATIONS];   /* its turn among all decisions */
};

struct world {
    uint64_t seed, random;
    unsigned step;
    int64_t wall_us, wall_latest_us, monotonic_us;
    bool is_shared, has_disk_faults, has_store_faults, has_foreign, has_locks; /* of this seed */
    size_t accounts_max;      /* cached */
    unsigned weights[7];      /* how often each family of operations is asked for */
    char directory[128], path[160];

    int node_count;
    struct engine *engines[NODES_MAX];
    struct store *faulty[NODES_MAX];      /* the worker's, inside the spy */
    struct shared_database *shared;
    bool locked[USERS];

    struct model durable;     /* what has been committed */
    struct model working;     /* ... with the open batch */
    struct model pending;     /* ... with a batch that nobody knows the outcome of */
    bool has_pending, batch_is_open, is_saving;
    struct uuid pending_batch;
    uint64_t attempt, decisions;
    int64_t decided_us;       /* the latest */
    uint64_t sent, settled[NODES_MAX][USERS]; /* the latest of a user's changes, by number */
    unsigned failures;        /* calls of the store that failed */
    uint64_t unread_attempt;  /* a batch that was committed, and nothing was read since; or 0 */

    struct flight flights[FLIGHTS];
    struct ask remembered[REMEMBERED]; /* asked under a key, to be asked again */
    bool has_grown;           /* the catalogue, in this step */
    uint64_t answered[QMS_CODE_COUNT], checks, cuts, takeovers;
};

extern struct world world;

/* draw.c */
uint64_t draw(uint64_t below);
bool chance(uint64_t one_in);
int64_t draw_span_us(void);  /* from a microsecond to years, any size as likely */
int64_t draw_time_us(void);  /* around now, or just beside one that matters */
void draw_ask(struct ask *ask);
void draw_list(struct flight *flight);
void ask_fill(const struct ask *ask, struct op *op, struct arena *arena);

/* spy.c */
struct store *spy_make(struct store *inner, int node);
void spy_settle(void);       /* which of two the outcome of the pending batch was */

/* stored.c: the database as others see it. */
void stored_check(void);     /* it holds what the model holds */
bool stored_has_batch(const struct uuid *batch_id); /* ... was the last to be committed */
void stored_write(void);     /* somebody else changes something, and the model learns of it */
void stored_adopt(struct model *model); /* the catalogue a database begins with */

/* world.c */
void world_open(uint64_t seed);
void world_close(void);
void world_restart(void);    /* of a server that owns its database; after a power cut, or not */
void befall(void);           /* time passes, and what is about to fail is armed */
void befall_locks(void);     /* another program takes or leaves the rows of a user; at any moment */
void mend(void);             /* nothing fails any more; after a power cut, a new start */

/* run.c */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void flight_check(struct request *request); /* done(): what came is what was to come */
void ask_during_save(int node);

#endif
