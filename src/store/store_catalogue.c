#include "store/store_catalogue.h"

#include <assert.h>

#include "base/log.h"

static const char *const list_names[CATALOGUE_LIST_COUNT] = {
    [CATALOGUE_OPERATIONS] = "update_operations",
    [CATALOGUE_RESOURCE_TYPES] = "resource_types",
    [CATALOGUE_PLANS] = "plans",
    [CATALOGUE_PLAN_RATES] = "plan_rates",
    [CATALOGUE_DEFAULTS] = "plan_quota_defaults",
    [CATALOGUE_ADDONS] = "addons",
    [CATALOGUE_ADDON_RATES] = "addon_rates",
};

const char *catalogue_list_name(enum catalogue_list list) {
    assert((unsigned)list < CATALOGUE_LIST_COUNT);
    return list_names[list];
}

void catalogue_loading_open(struct catalogue_loading *loading, int64_t version) {
    *loading = (struct catalogue_loading){.catalogue = catalogue_make()};
    loading->catalogue->version = version;
}

void catalogue_loading_begin(struct catalogue_loading *loading) {
    struct catalogue *catalogue = loading->catalogue;
    struct arena *arena = &catalogue->arena;
    const size_t *rows = loading->rows;
    catalogue->resource_type_count = rows[CATALOGUE_RESOURCE_TYPES];
    catalogue->resource_types = loading->resource_types =
        arena_take_zeroed(arena, rows[CATALOGUE_RESOURCE_TYPES], sizeof *loading->resource_types);
    catalogue->plan_count = rows[CATALOGUE_PLANS];
    catalogue->plans = loading->plans =
        arena_take_zeroed(arena, rows[CATALOGUE_PLANS], sizeof *loading->plans);
    catalogue->addon_count = rows[CATALOGUE_ADDONS];
    catalogue->addons = loading->addons =
        arena_take_zeroed(arena, rows[CATALOGUE_ADDONS], sizeof *loading->addons);
    loading->plan_rates =
        arena_take_zeroed(arena, rows[CATALOGUE_PLAN_RATES], sizeof *loading->plan_rates);
    loading->defaults =
        arena_take_zeroed(arena, rows[CATALOGUE_DEFAULTS], sizeof *loading->defaults);
    loading->addon_rates =
        arena_take_zeroed(arena, rows[CATALOGUE_ADDON_RATES], sizeof *loading->addon_rates);
}

/* ---- rows ---- */

static struct text kept(struct catalogue_loading *loading, struct text text) {
    return arena_text(&loading->catalogue->arena, text);
}

static const struct resource_type *resource_type_of(const struct catalogue_loading *loading,
                                                    const struct catalogue_item *item) {
    return catalogue_resource_type(loading->catalogue, &item->resource_type_id);
}

static void take_operation(struct catalogue_loading *loading, const struct catalogue_item *item) {
    enum update_operation operation;
    if (update_operation_named(item->name, &operation))
        loading->catalogue->update_operation_ids[operation] = item->id;
}

static void take_resource_type(struct catalogue_loading *loading,
                               const struct catalogue_item *item,
                               struct resource_type *resource_type) {
    *resource_type = (struct resource_type){
        .id = item->id,
        .name = kept(loading, item->name),
        .unit = kept(loading, item->text),
        .consumable = item->flag,
    };
}

static void take_plan(struct catalogue_loading *loading, const struct catalogue_item *item,
                      struct plan *plan) {
    *plan = (struct plan){
        .id = item->id,
        .name = kept(loading, item->name),
        .description = kept(loading, item->text),
    };
}

static struct plan *plan_of(struct catalogue_loading *loading, const struct uuid *id) {
    for (size_t i = 0; i < loading->filled[CATALOGUE_PLANS]; i++)
        if (uuid_equal(&loading->plans[i].id, id)) return &loading->plans[i];
    return NULL;
}

static struct addon *addon_of(struct catalogue_loading *loading, const struct uuid *id) {
    for (size_t i = 0; i < loading->filled[CATALOGUE_ADDONS]; i++)
        if (uuid_equal(&loading->addons[i].id, id)) return &loading->addons[i];
    return NULL;
}

static void log_broken(enum catalogue_list list, const struct catalogue_item *item) {
    char id[UUID_TEXT_BYTES];
    uuid_format(&item->id, id);
    log_format(LOG_ERROR, "store: row %.*s of %s cannot be read", (int)sizeof id, id,
               list_names[list]);
}

/* A row of a plan or add-on is left out, and nobody buys that until it has been mended; the others
 * are sold as before. */
static bool leave_out(struct catalogue_loading *loading, enum catalogue_list list,
                      const struct catalogue_item *item) {
    struct addon *addon;
    struct plan *plan;
    log_broken(list, item);
    switch (list) {
    case CATALOGUE_PLAN_RATES:
    case CATALOGUE_DEFAULTS:
        plan = plan_of(loading, &item->owner_id);
        if (plan != NULL) plan->broken = true;
        return plan != NULL;
    case CATALOGUE_ADDON_RATES:
        addon = addon_of(loading, &item->owner_id);
        if (addon != NULL) addon->broken = true;
        return addon != NULL;
    default: return false;
    }
}

static struct rate rate_of(const struct catalogue_item *item) {
    return (struct rate){.id = item->id, .rate = item->amount, .effective_us = item->at_us};
}

static bool take_plan_rate(struct catalogue_loading *loading, const struct catalogue_item *item,
                           struct rate *rate) {
    struct plan *plan = plan_of(loading, &item->owner_id);
    if (plan == NULL) return false;
    *rate = rate_of(item);
    if (plan->rate_count++ == 0) plan->rates = rate;
    return true;
}

static bool take_default(struct catalogue_loading *loading, const struct catalogue_item *item,
                         struct quota_default *quota_default) {
    struct plan *plan = plan_of(loading, &item->owner_id);
    *quota_default = (struct quota_default){
        .id = item->id,
        .resource_type = resource_type_of(loading, item),
        .value = item->amount,
        .effective_us = item->at_us,
    };
    if (plan == NULL || quota_default->resource_type == NULL) return false;
    if (plan->default_count++ == 0) plan->defaults = quota_default;
    return true;
}

static bool take_addon(struct catalogue_loading *loading, const struct catalogue_item *item,
                       struct addon *addon) {
    *addon = (struct addon){
        .id = item->id,
        .name = kept(loading, item->name),
        .description = kept(loading, item->text),
        .resource_type = resource_type_of(loading, item),
        .default_amount = item->amount,
        .default_paid = item->flag,
        .broken = item->broken,
    };
    if (item->broken) log_broken(CATALOGUE_ADDONS, item);
    return addon->resource_type != NULL;
}

static bool take_addon_rate(struct catalogue_loading *loading, const struct catalogue_item *item,
                            struct rate *rate) {
    struct addon *addon = addon_of(loading, &item->owner_id);
    if (addon == NULL) return false;
    *rate = rate_of(item);
    if (addon->rate_count++ == 0) addon->rates = rate;
    return true;
}

bool catalogue_loading_take(struct catalogue_loading *loading, enum catalogue_list list,
                            const struct catalogue_item *item) {
    size_t at = loading->filled[list];
    bool fits = true;
    if (list != CATALOGUE_OPERATIONS && at == loading->rows[list]) return false;
    /* users may have an add-on of which they cannot buy more */
    if (item->broken && list != CATALOGUE_ADDONS) return leave_out(loading, list, item);
    switch (list) {
    case CATALOGUE_OPERATIONS: take_operation(loading, item); break;
    case CATALOGUE_RESOURCE_TYPES:
        take_resource_type(loading, item, &loading->resource_types[at]);
        break;
    case CATALOGUE_PLANS: take_plan(loading, item, &loading->plans[at]); break;
    case CATALOGUE_PLAN_RATES:
        fits = take_plan_rate(loading, item, &loading->plan_rates[at]);
        break;
    case CATALOGUE_DEFAULTS: fits = take_default(loading, item, &loading->defaults[at]); break;
    case CATALOGUE_ADDONS: fits = take_addon(loading, item, &loading->addons[at]); break;
    case CATALOGUE_ADDON_RATES:
        fits = take_addon_rate(loading, item, &loading->addon_rates[at]);
        break;
    case CATALOGUE_LIST_COUNT: break;
    }
    loading->filled[list]++;
    return fits;
}

/* ---- the end ---- */

static bool operations_are_known(const struct catalogue *catalogue) {
    for (int i = 0; i < UPDATE_OPERATION_COUNT; i++) {
        if (!uuid_is_nil(&catalogue->update_operation_ids[i])) continue;
        log_format(LOG_ERROR, "store: update_operations has no %s",
                   update_operation_name((enum update_operation)i));
        return false;
    }
    return true;
}

struct catalogue *catalogue_loading_finish(struct catalogue_loading *loading,
                                           struct qms_error *error) {
    struct catalogue *catalogue = loading->catalogue;
    if (!operations_are_known(catalogue)) {
        qms_fail_code(error, QMS_INTERNAL);
        return NULL;
    }
    loading->catalogue = NULL;
    return catalogue;
}

void catalogue_loading_close(struct catalogue_loading *loading) {
    catalogue_release(loading->catalogue);
}
