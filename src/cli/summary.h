/* summary.h: what a summary (qms-http R2) and a list of overages say, read from their JSON.
 * Numbers stay exact. Ownership: texts point into the input or the arena. */
#ifndef QMS_CLI_SUMMARY_H
#define QMS_CLI_SUMMARY_H

#include "base/arena.h"
#include "domain/amount.h"

/* One resource type of a subscription. */
struct summary_resource {
    struct text name, unit;
    struct amount quota, usage;
    bool has_quota;
};

struct summary {
    struct text username, plan_name, start, end; /* end is empty when it is open */
    bool is_paid;
    struct summary_resource *resources; /* by name */
    size_t resource_count;
};

/* false: the text is no summary. */
bool summary_read(struct text json, struct arena *arena, struct summary *summary);

struct overage {
    struct text username;
    struct summary_resource resource;
};

/* One page of GET /v2/overages. */
struct overage_page {
    struct overage *rows;
    size_t count;
    bool has_next;
    struct text next; /* the user name to go on after */
};

bool summary_read_overages(struct text json, struct arena *arena, struct overage_page *page);

/* At or past the quota: what the server calls an overage. */
bool summary_is_over(const struct summary_resource *resource);

/* "12.5 %", cut, not rounded, so that only what is at its quota says 100; "" without a quota. */
struct text summary_percent(struct arena *arena, const struct summary_resource *resource);

#endif
