/* catalogue_rows.h: rows of the catalogue's tables as a batch writes them. The catalogue itself is
 * immutable: after the commit a new one is read.
 * Ownership: the batch's arena; texts point into the request. */
#ifndef QMS_DOMAIN_CATALOGUE_ROWS_H
#define QMS_DOMAIN_CATALOGUE_ROWS_H

#include "domain/account.h"

struct plan_row { /* inserted */
    struct uuid id;
    struct text name, description;
};

/* Of a plan: inserted; of an add-on: inserted, changed or deleted, in any order. Rates of an add-on
 * may take each other's dates. */
struct rate_row {
    struct uuid id, owner_id;
    struct amount rate;
    int64_t effective_us;
    enum row_state state;
};

struct quota_default_row { /* inserted or changed */
    struct uuid id, plan_id, resource_type_id;
    struct amount value;
    int64_t effective_us;
    enum row_state state;
};

struct resource_type_row { /* inserted or changed */
    struct uuid id;
    struct text name, unit;
    bool consumable;
    enum row_state state;
};

struct addon_row { /* inserted, changed or deleted (its rates go with it) */
    struct uuid id, resource_type_id;
    struct text name, description;
    struct amount default_amount;
    bool default_paid;
    enum row_state state;
};

/* What of an add-on is in use by subscription add-ons: that may not be changed or deleted. */
struct addon_use {
    struct uuid addon_id;
    bool in_use;
    bool broken; /* set by load: who uses it cannot be read */
    struct uuid *rate_ids; /* its rates that are in use */
    size_t rate_count;
};

#endif
