/* store_catalogue.h: how a catalogue is put together from the rows that a store lists.
 * Use:        count the rows of each list, begin, take the rows list by list, finish. Rows point at
 *             those of earlier lists; the rates and defaults of a plan or add-on come together.
 * Ownership:  what is taken is copied. */
#ifndef QMS_STORE_STORE_CATALOGUE_H
#define QMS_STORE_STORE_CATALOGUE_H

#include "base/error.h"
#include "domain/catalogue.h"

enum catalogue_list {
    CATALOGUE_OPERATIONS,
    CATALOGUE_RESOURCE_TYPES,
    CATALOGUE_PLANS,
    CATALOGUE_PLAN_RATES,
    CATALOGUE_DEFAULTS,
    CATALOGUE_ADDONS,
    CATALOGUE_ADDON_RATES,
    CATALOGUE_LIST_COUNT,
};

/* A row of any list: the members it does not have are empty. */
struct catalogue_item {
    struct uuid id;
    struct uuid owner_id; /* of a rate or default: its plan or add-on */
    struct uuid resource_type_id;
    struct text name;
    struct text text;     /* a unit, a description */
    struct amount amount; /* beyond 34 digits the catalogue is rounded */
    int64_t at_us;
    bool flag;
    bool broken;          /* something of it cannot be read: a foreign NaN, an infinite date */
};

struct catalogue_loading {
    struct catalogue *catalogue;
    size_t rows[CATALOGUE_LIST_COUNT]; /* as counted; those of the operations need not be */
    size_t filled[CATALOGUE_LIST_COUNT];
    struct resource_type *resource_types;
    struct plan *plans;
    struct rate *plan_rates, *addon_rates;
    struct quota_default *defaults;
    struct addon *addons;
};

const char *catalogue_list_name(enum catalogue_list list); /* of the table */

void catalogue_loading_open(struct catalogue_loading *loading, int64_t version);
void catalogue_loading_begin(struct catalogue_loading *loading); /* rows are counted */
/* What is sold by a row that cannot be read is broken then, and the log names the row. False: the
 * row fits nowhere, or is a resource type, plan or operation that cannot be read. Leaving it out
 * would change what users may use without a word to anybody, so all is unusable then. */
bool catalogue_loading_take(struct catalogue_loading *loading, enum catalogue_list list,
                            const struct catalogue_item *item);
/* The catalogue, which is the caller's; NULL with an error when something is missing, which the log
 * tells. */
struct catalogue *catalogue_loading_finish(struct catalogue_loading *loading,
                                           struct qms_error *error);
void catalogue_loading_close(struct catalogue_loading *loading); /* also of an unfinished one */

#endif
