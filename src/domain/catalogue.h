/* catalogue.h: what can be subscribed to and measured: resource types, plans, add-ons, operations.
 * Invariant: a catalogue is immutable once published; a change makes a new one.
 * Threads:   any number of readers; catalogue_hold()/catalogue_release() count them.
 * Order:     resource types by name; plans in the order of their ids' creation in the store, as
 *            loaded; a plan's defaults by effective date, then resource name; rates by date. */
#ifndef QMS_DOMAIN_CATALOGUE_H
#define QMS_DOMAIN_CATALOGUE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "domain/amount.h"

struct resource_type {
    struct uuid id;
    struct text name, unit;
    bool consumable; /* null in the store is false */
};

struct rate { /* of a plan or an add-on */
    struct uuid id;
    struct amount rate;
    int64_t effective_us;
};

struct quota_default {
    struct uuid id;
    const struct resource_type *resource_type;
    struct amount value;
    int64_t effective_us;
};

struct plan {
    struct uuid id;
    struct text name, description;
    const struct quota_default *defaults;
    size_t default_count;
    const struct rate *rates;
    size_t rate_count;
    bool broken; /* a stored rate or default cannot be read and is left out: nobody can buy it */
};

struct addon {
    struct uuid id;
    struct text name, description;
    const struct resource_type *resource_type;
    struct amount default_amount;
    bool default_paid;
    const struct rate *rates;
    size_t rate_count;
    bool broken; /* its amount (then 0) or a rate cannot be read: it cannot be bought or changed */
};

enum update_operation { UPDATE_SET, UPDATE_ADD, UPDATE_OPERATION_COUNT };

struct catalogue {
    atomic_int holders;
    struct arena arena; /* everything below lies in it */
    int64_t version;
    const struct resource_type *resource_types;
    size_t resource_type_count;
    const struct plan *plans;
    size_t plan_count;
    const struct addon *addons;
    size_t addon_count;
    struct uuid update_operation_ids[UPDATE_OPERATION_COUNT];
};

/* A new one with one holder; the store fills it before anybody else sees it. */
struct catalogue *catalogue_make(void);
struct catalogue *catalogue_hold(struct catalogue *catalogue);
void catalogue_release(struct catalogue *catalogue); /* the last one frees it; NULL is allowed */

const struct resource_type *catalogue_resource_type(const struct catalogue *catalogue,
                                                    const struct uuid *id);
const struct resource_type *catalogue_resource_named(const struct catalogue *catalogue,
                                                     struct text name);
const struct plan *catalogue_plan(const struct catalogue *catalogue, const struct uuid *id);
const struct plan *catalogue_plan_named(const struct catalogue *catalogue, struct text name);
const struct addon *catalogue_addon(const struct catalogue *catalogue, const struct uuid *id);
bool catalogue_update_operation(const struct catalogue *catalogue, const struct uuid *id,
                                enum update_operation *operation);
const struct rate *plan_rate(const struct plan *plan, const struct uuid *id);
const struct rate *addon_rate(const struct addon *addon, const struct uuid *id);

/* The one with the latest effective date not after now; NULL if there is none (2.4). */
const struct rate *rate_active(const struct rate *rates, size_t count, int64_t now_us);

/* The active default of the plan for one resource type; NULL if there is none (2.4). */
const struct quota_default *quota_default_active(const struct plan *plan,
                                                 const struct resource_type *resource_type,
                                                 int64_t now_us);

const char *update_operation_name(enum update_operation operation); /* "SET", "ADD" */
bool update_operation_named(struct text name, enum update_operation *operation); /* exact case */

#endif
