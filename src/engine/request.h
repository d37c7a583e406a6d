/* request.h: one or many operations that a front hands to the engine and gets back.
 * Ownership: engine_submit() takes the request; request->done() gives it back, exactly once.
 * Lifetime:  whatever the operations point to lies in request->arena. */
#ifndef QMS_ENGINE_REQUEST_H
#define QMS_ENGINE_REQUEST_H

#include <stdatomic.h>

#include "domain/op.h"

struct request;

/* What one thread of the engine does of a request: all of it, or those operations of a list whose
 * accounts are that thread's. In one queue or list at a time. */
struct request_part {
    struct request_part *next;
    struct request *request;
    struct arena *arena; /* for the answers: the request's, or own */
    struct arena own;    /* threads may answer operations of one list at the same time */
    size_t thread;
    size_t op_next;      /* operations before it are taken, or are not this thread's */
    size_t op_left;      /* still to be taken */
};

struct request {
    struct arena arena;
    struct op *ops;       /* &single for one operation; an array in the arena for a list */
    size_t op_count;
    struct op single;

    /* Called when every operation has its outcome: on the reply thread, or, for reads that were
     * answered at once, inside engine_submit(). */
    void (*done)(struct request *request);
    /* For a listing, or NULL: called on the lister's thread with op->out.listing holding the next
     * rows, valid during the call; it may wait for a slow client, and false ends the listing. What
     * is left over comes with done(). Without it done() gets all rows in one piece. After the first
     * piece an error can only cut the answer off. */
    bool (*piece)(struct request *request);
    void *context;        /* the front's */
    int64_t submitted_us; /* monotonic; set by engine_submit() */

    /* the engine's while it has the request */
    bool alone;                  /* no earlier request of the same client is unanswered */
    struct request_part whole;
    struct request_part *parts;  /* of a list that several threads may share; in the arena */
    size_t part_count;
    atomic_size_t op_left;       /* operations without an outcome; the last one finishes it */
};

void request_init(struct request *request);
/* Gives back what the operations held and empties the arena, for reuse. */
void request_reset(struct request *request);
void request_close(struct request *request);

/* One operation of this kind, zeroed, as request->single. */
struct op *request_single(struct request *request, enum operation operation);
/* count operations, zeroed, in the arena. */
struct op *request_list(struct request *request, enum operation operation, size_t count);

#endif
