/* store_verify.h: looking for what should not be in a store: left by foreign writers, by the
 * programs that qms replaces, or by damage. Read from one snapshot, beside servers that run;
 * nothing is altered. Memory is bounded.
 *   orphans   rows that refer to rows that are not there
 *   amounts   amounts that cannot be calculated with (NaN, over 34 digits), and quotas and usages
 *             below 0
 *   dates     dates before the year 1 or after 9999, infinite ones among them, that make a row
 *             unreadable
 *   trail     in subscriptions that are active: usages that are not what the audit trail adds up to
 *             since the subscription began or since the last SET; quotas, since the last SET
 *   overlaps  users with more than one active subscription
 *   periods   quotas that are a plan's default times a square: multiplied by the number of periods
 *             twice */
#ifndef QMS_STORE_STORE_VERIFY_H
#define QMS_STORE_STORE_VERIFY_H

#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"

enum store_check {
    CHECK_ORPHANS,
    CHECK_AMOUNTS,
    CHECK_DATES,
    CHECK_TRAIL,
    CHECK_OVERLAPS,
    CHECK_PERIODS,
    STORE_CHECK_COUNT,
};

const char *store_check_name(enum store_check check);

/* Valid during the call. Texts that do not apply are empty. */
struct store_finding {
    enum store_check check;
    const char *problem;     /* a phrase: "not what the audit trail adds up to" */
    const char *table;       /* whose row id is */
    struct uuid id;
    struct text username, resource;
    struct text found, expected;
};

struct store_verify {
    const char *url;
    bool leaves_out[STORE_CHECK_COUNT];
    void (*found)(void *context, const struct store_finding *finding);
    /* Called now and then; may be NULL. */
    void (*progress)(void *context, enum store_check check, uint64_t rows);
    void *context;

    /* out */
    char place[160];         /* what people know the store by; without a password */
    uint64_t findings[STORE_CHECK_COUNT];
    uint64_t rows;           /* looked at by the checks, those that orphans are sought by aside */
};

/* False: the store cannot be read. */
bool store_verify(struct store_verify *verify, struct qms_error *error);

#endif
