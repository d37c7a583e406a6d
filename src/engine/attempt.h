/* attempt.h: one try at a batch, from its transaction's begin to its commit; batch.c knows the
 * order of the stages, attempt_load.c has those that read. */
#ifndef QMS_ENGINE_ATTEMPT_H
#define QMS_ENGINE_ATTEMPT_H

#include "engine/engine_private.h"

struct attempt {
    struct work *works;
    size_t count;
    bool writes;
    struct store_load load;
    struct replay **buckets; /* replay records of this batch by key and account */
    size_t bucket_count;     /* a power of two */
    struct part_list finished;
};

/* Opens the transaction and reads what the operations are about; false: nothing is open any more.
 * Operations whose account is locked elsewhere have left works for worker->busy. */
bool attempt_open(struct worker *worker, struct attempt *attempt, struct qms_error *error);

/* Accounts that were to be loaded and are not, or that a failed save touched, are forgotten. */
void attempt_forget(struct worker *worker, struct attempt *attempt, bool everything);

/* Nothing is left of an earlier attempt at this operation. */
void op_clear(struct op *op);

#endif
