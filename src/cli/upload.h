/* upload.h: sends items to POST /v2/usages in lists, several on their way at once.
 * Retries: a list that got no answer, or 503 or 504 as a whole or for some items, is sent again
 *          with what is left of it, for a bounded time; the ids of the items make that safe.
 * Errors:  an item that is refused is counted and the first few are kept; upload_put() and
 *          upload_finish() fail only when the server cannot be reached or answers nonsense.
 * Memory:  bounded by UPLOAD_LISTS lists of UPLOAD_ITEMS_MAX items. */
#ifndef QMS_CLI_UPLOAD_H
#define QMS_CLI_UPLOAD_H

#include "cli/client.h"
#include "cli/progress.h"
#include "domain/amount.h"

enum {
    UPLOAD_LISTS = 3,         /* one is filled while two are on their way */
    UPLOAD_ITEMS_MAX = 2000,  /* in a list */
    UPLOAD_PROBLEMS_MAX = 5,  /* refused items that are kept to be shown */
};

struct upload_problem {
    const char *file; /* of the item */
    uint64_t line;
    struct text text; /* in the upload's arena */
};

struct upload_totals {
    uint64_t applied, duplicates, failed;
    uint64_t confirmed;      /* found applied in a list sent again: by this run or before it */
    uint64_t lists_repeated;
    struct amount amount;    /* of what was applied, exactly */
    bool amount_overflowed;  /* more than 34 digits: amount is what there was before */
    enum qms_code code;      /* of the first refused item */
    struct upload_problem problems[UPLOAD_PROBLEMS_MAX];
    size_t problem_count;
};

struct upload;

/* client NULL: nothing is sent, every item counts as applied. file names, given with items, and
 * progress have to live as long as the upload. */
struct upload *upload_open(struct client *client, struct progress *progress, int64_t retry_us_max);
void upload_close(struct upload *upload);

/* Where the next item's JSON is to be appended; upload_put() then takes it. */
struct buffer *upload_item(struct upload *upload);
QMS_MUST_CHECK bool upload_put(struct upload *upload, struct amount amount, const char *file,
                               uint64_t line, struct qms_error *error);

/* There is no item now: sends what there is once nothing else is on its way, and moves on until the
 * descriptor is readable, or for a short time. */
QMS_MUST_CHECK bool upload_idle(struct upload *upload, int descriptor, struct qms_error *error);

/* Sends what is left and waits for every answer. */
QMS_MUST_CHECK bool upload_finish(struct upload *upload, struct qms_error *error);

const struct upload_totals *upload_totals(const struct upload *upload);

#endif
