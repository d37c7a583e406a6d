/* views.h: copies of facts for answers, valid after the account has moved on.
 * Pointers to plans, rates, resource types and add-ons point into op->catalogue, which is held, but
 * for a resource type that a repeat knows by nothing but its old name.
 * Ownership: that and everything else lies in the request's arena. */
#ifndef QMS_DOMAIN_VIEWS_H
#define QMS_DOMAIN_VIEWS_H

#include "domain/changes.h"

/* One usage or quota as shown to clients. */
struct quantity_view {
    struct quantity row; /* links are meaningless here */
    struct uuid subscription_id;
    const struct resource_type *resource_type;
};

/* A subscription add-on. */
struct applied_view {
    struct subscription_addon row; /* links are meaningless here */
    struct uuid subscription_id;
    const struct addon *addon;
    const struct rate *rate;
};

struct subscription_view {
    struct uuid id;
    int64_t start_us, end_us;
    bool paid;
    struct uuid user_id;
    struct text username;
    const struct plan *plan;
    const struct rate *plan_rate;
    struct quantity_view *quotas, *usages; /* by resource type name */
    size_t quota_count, usage_count;
    struct applied_view *addons;           /* by add-on name, then id */
    size_t addon_count;
    bool created;                          /* by this operation: new_subscription of the /v1 tree */
};

struct update_view {
    struct update row;
    bool has_metadata;                     /* null in old rows */
    const struct resource_type *resource_type;
    struct uuid operation_id;
    struct uuid user_id;
    struct text username;
};

struct user_view {
    struct uuid id;
    struct text username;
    const struct plan *plan;               /* OP_USER_ADD: the plan asked for */
};

struct overage_view {
    const struct resource_type *resource_type;
    struct amount quota, usage;
};

/* One line of the report over all users. */
struct overage_line {
    struct text username, resource_name;
    struct amount quota, usage;
};

/* A piece of a listing; listings come in one or many pieces (request.h). */
struct listing_view {
    union {
        struct user_view *users;                 /* OP_USER_LIST */
        struct update_view *updates;             /* OP_UPDATE_LIST */
        struct subscription_view *subscriptions; /* OP_SUBSCRIPTION_LIST, ..._USER */
        struct overage_line *overages;           /* OP_OVERAGE_REPORT */
    };
    size_t count;
    int64_t total; /* matches without paging; OP_SUBSCRIPTION_LIST, ..._USER */
    bool more;     /* the limit cut the listing off: OP_OVERAGE_REPORT */
};

#endif
