/* store_copy.h: moving everything from one store into another, empty one.
 * What is copied: all rows of the data model, with their ids, dates and exact amounts, and what is
 *                 remembered of operations with a key. The target's catalogue, as every database
 *                 begins with it, is replaced. Who wrote a row is copied where the target lets us.
 * All or nothing: one transaction of the target; what was written is read again and compared with
 *                 what was read from the source (every value of every row, and the exact totals of
 *                 each user and resource) before it is committed.
 * The source is read from one snapshot; servers may go on using it. Memory is bounded. */
#ifndef QMS_STORE_STORE_COPY_H
#define QMS_STORE_STORE_COPY_H

#include <stdint.h>

#include "base/error.h"

enum { COPY_TABLES_MAX = 48 };

struct store_copy {
    const char *from_url, *to_url;
    /* Called now and then: rows so far, of total; doing: "copying users". May be NULL. */
    void (*progress)(void *context, const char *doing, uint64_t rows, uint64_t total);
    void *context;

    /* out */
    char from[160], to[160];  /* what people know them by; without a password */
    size_t table_count;
    struct store_copied {
        const char *name;
        uint64_t rows;
    } tables[COPY_TABLES_MAX];
    uint64_t totals;          /* sums of a user and a resource that were compared */
    bool keeps_writers;       /* created_by, last_modified_by are as they were */
};

/* False: nothing was copied (OUTCOME_UNKNOWN: that is not known; look at the target). */
bool store_copy(struct store_copy *copy, struct qms_error *error);

#endif
