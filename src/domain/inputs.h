/* inputs.h: what a client asked, as a front decoded it: shape only; the rules check the rest.
 * Texts are empty when they were absent. Ownership: everything lies in the request's arena. */
#ifndef QMS_DOMAIN_INPUTS_H
#define QMS_DOMAIN_INPUTS_H

#include "base/uuid.h"
#include "domain/amount.h"

/* OP_UPDATE_ADD, OP_USAGE_ADD, OP_USAGE_REPORT, OP_USAGE_RECORD. */
struct change_input {
    struct text value_type;       /* "usages", "quotas" and the singular; OP_UPDATE_ADD only */
    struct text resource_name, resource_unit, resource_id;
    struct text operation_name, operation_id; /* "ADD" or "SET" */
    struct text user_id;          /* a uuid the client gave, compared with the user's */
    struct amount value;
    bool has_effective;
    int64_t effective_us;
    bool has_metadata;
    struct text metadata;
};

/* OP_USER_ADD, OP_SUBSCRIPTION_CHANGE, OP_SUBSCRIPTION_CREATE. */
struct subscription_input {
    struct text plan_name;
    struct text plan_id;          /* instead of the name: the oneof of ChangeSubscriptionRequest */
    bool has_paid, paid;          /* OP_SUBSCRIPTION_CHANGE without paid keeps the present flag */
    int64_t periods;              /* 0: absent */
    bool has_start, has_end;
    int64_t start_us, end_us;
    struct text end_unread;       /* an end that is no date, to be refused in its turn */
    bool force;
    bool keep_larger;             /* OP_USER_ADD: a setting; a user whose plan is larger stays on it
                                     unless forced. Set by the front, no part of the content */
};

/* OP_QUOTA_SET (of the subscription op->target_id), OP_QUOTA_SET_USER. */
struct quota_input {
    struct text resource_name, resource_id;
    struct amount value;
};

struct quota_default_input {
    struct text resource_name, resource_id;
    struct amount value;
    bool has_effective;
    int64_t effective_us;
};

struct rate_input {
    struct text id;               /* OP_ADDON_UPDATE: the rate that stays or changes */
    struct amount rate;
    bool has_effective;
    int64_t effective_us;
};

/* OP_PLAN_ADD; OP_PLAN_GET, OP_PLAN_RATE_ACTIVE, OP_PLAN_DEFAULTS_ACTIVE (id only);
 * OP_PLAN_DEFAULTS_ADD and OP_PLAN_RATES_ADD (id or name, and the list). */
struct plan_input {
    struct uuid id;
    struct text name, description;
    struct quota_default_input *defaults;
    size_t default_count;
    struct rate_input *rates;
    size_t rate_count;
    bool replace;                 /* a default of the same type and date gets the new value (4.5),
                                     and one without a date applies from now on; so it is shown */
    bool undated;                 /* OP_PLAN_ADD in messages that know no dates of defaults: they
                                     apply from now on */
};

/* OP_RESOURCE_ADD, OP_RESOURCE_UPDATE, OP_RESOURCE_GET (id only). */
struct resource_input {
    struct uuid id;
    struct text name, unit;
    bool consumable;
};

/* OP_ADDON_ADD (no flags), OP_ADDON_UPDATE, OP_ADDON_DELETE (id only). */
struct addon_input {
    struct uuid id;
    struct text name, description;
    struct text resource_name, resource_id;
    struct amount default_amount;
    bool default_paid;
    struct rate_input *rates;
    size_t rate_count;
    bool update_name, update_description, update_resource_type, update_default_amount,
        update_default_paid, update_rates;
    bool toggle_paid;             /* addon.togglepaid: inverts default_paid */
};

/* OP_ADDON_APPLY (addon_id, to the subscription op->target_id), OP_APPLIED_UPDATE. */
struct applied_input {
    struct uuid addon_id;
    bool update_amount, update_paid;
    struct amount amount;
    bool paid;
};

enum sort_field { SORT_USERNAME, SORT_START_DATE, SORT_END_DATE };

/* OP_*_LIST with EFFECT_LISTING, OP_OVERAGE_REPORT. */
struct listing_input {
    int64_t offset;
    int64_t limit;                /* lines at the most; negative: all of them */
    enum sort_field sort_field;
    bool descending;
    struct text search;           /* the user name contains it; empty: any */
    struct text after;            /* user names after this one (byte order) */
    bool include_expired;
    bool has_cutoff;
    int64_t cutoff_us;            /* OP_SUBSCRIPTION_LIST_USER: ends at or after; default now */
    struct text resource_name;    /* OP_UPDATE_LIST: only this one */
    bool has_since;
    int64_t since_us;             /* OP_UPDATE_LIST: effective at or after */
    bool must_exist;              /* an unknown user is NOT_FOUND, not an empty list */
};

#endif
