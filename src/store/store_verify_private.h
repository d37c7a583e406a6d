/* store_verify_private.h: shared by the files that verify a store. */
#ifndef QMS_STORE_STORE_VERIFY_PRIVATE_H
#define QMS_STORE_STORE_VERIFY_PRIVATE_H

#include "store/store_rows.h"
#include "store/store_verify.h"

struct verifying {
    struct store_verify *out;
    struct store_rows *rows;
    enum store_check check;
};

/* Runs the query and hands each of its rows to take. */
bool verify_each(struct verifying *verifying, const char *sql, const char *letters,
                 void (*take)(struct verifying *verifying, const struct rows_value *values,
                              void *context),
                 void *context, struct qms_error *error);
/* Counts it, and tells it with the check's number set. */
void verify_found(struct verifying *verifying, struct store_finding finding);

bool verify_trail(struct verifying *verifying, struct qms_error *error);

#endif
