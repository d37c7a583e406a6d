/* op.h: one operation: what was asked, and what came of it.
 * Ownership: everything lies in the arena of the request that carries the operation. */
#ifndef QMS_DOMAIN_OP_H
#define QMS_DOMAIN_OP_H

#include "base/error.h"
#include "domain/authorization.h"
#include "domain/cloud_error.h"
#include "domain/cloud_inputs.h"
#include "domain/cloud_views.h"
#include "domain/inputs.h"
#include "domain/operations.h"
#include "domain/views.h"

struct op {
    enum operation operation;
    struct text username;        /* TARGET_USER: resolved by username_resolve() */
    struct uuid target_id;       /* TARGET_SUBSCRIPTION, TARGET_SUBSCRIPTION_ADDON;
                                    TARGET_DIRECTORY: the object in the path */
    struct caller caller;        /* TARGET_DIRECTORY: who asks */
    struct text key;             /* idempotency key; empty: none */
    uint8_t content[32];         /* SHA-256 of the decoded operation, when it has a key */
    struct text principal;       /* who asked, when known: audit rows without metadata name it */
    bool v1;                     /* asked in the /v1 tree: OP_PLAN_ADD refuses in its words */
    union {
        struct change_input change;
        struct text resource_name; /* OP_OVERAGE_CHECK */
        struct subscription_input subscription;
        struct quota_input quota;
        struct plan_input plan;
        struct resource_input resource;
        struct addon_input addon;
        struct applied_input applied;
        struct listing_input listing;
        struct cloud_list_input list; /* TARGET_DIRECTORY from here on */
        struct organization_input organization;
        struct cloud_user_input user;
        struct role_binding_input binding;
        struct api_key_input api_key;
        struct api_key_touch_input touch;
        struct connection_input connection;
        struct text descriptor_type;
        struct environment_input environment;
        struct cloud_quota_input cloud_quota;
        struct cloud_quota_delete_input quota_delete;
        struct cloud_quota_default_input quota_default;
        struct cloud_quota_apply_input quota_apply;
    } in;

    struct qms_error error;      /* code QMS_OK: it succeeded and out holds the answer */
    bool duplicate;              /* it succeeded before; nothing was changed now */
    struct cloud_error cloud;    /* TARGET_DIRECTORY: more of a failure, when its code is set */
    struct catalogue *catalogue; /* held for the views; released with the request */
    struct directory *directory; /* TARGET_DIRECTORY: held likewise, also after a failure */
    union {
        struct subscription_view subscription; /* OP_SUMMARY_GET, OP_SUBSCRIPTION_CHANGE, _CREATE,
                                                  OP_QUOTA_SET_USER */
        struct user_view user;                 /* OP_USER_ADD, OP_USER_ENSURE */
        struct update_view update;             /* OP_UPDATE_ADD */
        struct quantity_view quantity;         /* OP_USAGE_ADD, OP_QUOTA_SET */
        struct { struct quantity_view *rows; size_t count; } usages;   /* OP_USAGE_LIST, _SHOW */
        struct { struct overage_view *rows; size_t count; } overages;  /* OP_OVERAGE_LIST */
        bool is_overage;                       /* OP_OVERAGE_CHECK */
        struct applied_view applied;           /* OP_ADDON_APPLY, OP_APPLIED_GET, _UPDATE, ... */
        struct { struct applied_view *rows; size_t count; } applieds;  /* OP_APPLIED_LIST */
        struct listing_view listing;           /* EFFECT_LISTING */
        const struct plan *plan;               /* OP_PLAN_GET, _ADD, _RATES_ADD, _DEFAULTS_ADD */
        const struct rate *rate;               /* OP_PLAN_RATE_ACTIVE */
        struct { const struct quota_default **rows; size_t count; } defaults;
                                               /* OP_PLAN_DEFAULTS_ACTIVE, by resource type id */
        const struct resource_type *resource_type; /* OP_RESOURCE_GET, _ADD, _UPDATE */
        const struct addon *addon;             /* OP_ADDON_ADD, _UPDATE */
        struct cloud_view cloud;               /* TARGET_DIRECTORY */
    } out;                       /* plans, resource types, add-ons are listed from op->catalogue */
    struct uuid made_id;         /* what a write made, changed or deleted (decide.h), remembered
                                    with the key. After a write of the catalogue or the directory
                                    the engine fills out's pointers from the new one */

    /* the engine's */
    struct account *account;     /* NULL for TARGET_CATALOGUE, TARGET_DIRECTORY, and for an
                                    unknown target_id */
    struct replay *replay;
    bool as_writer;              /* a read that has to write, or a write of more than decide_rows():
                                    goes to a batch that locks all rows of its account */
    bool needs_history;          /* needs also subscriptions that have ended: those that end at */
    int64_t facts_from_us;       /* this time or later. Set by the front for a start in the past */
};

#endif
