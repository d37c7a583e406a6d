#include "domain/catalogue.h"

#include <assert.h>

enum { CATALOGUE_BLOCK_BYTES = 16384 };

/* A catalogue has a handful of rows of each kind: reading along them beats any index. */

struct catalogue *catalogue_make(void) {
    struct catalogue *catalogue = memory_take_zeroed(1, sizeof *catalogue);
    atomic_init(&catalogue->holders, 1);
    arena_init(&catalogue->arena, CATALOGUE_BLOCK_BYTES);
    return catalogue;
}

struct catalogue *catalogue_hold(struct catalogue *catalogue) {
    int holders = atomic_fetch_add_explicit(&catalogue->holders, 1, memory_order_relaxed);
    assert(holders > 0);
    return catalogue;
}

void catalogue_release(struct catalogue *catalogue) {
    if (catalogue == NULL) return;
    int holders = atomic_fetch_sub_explicit(&catalogue->holders, 1, memory_order_acq_rel);
    assert(holders > 0);
    if (holders > 1) return;
    arena_close(&catalogue->arena);
    memory_give(catalogue);
}

const struct resource_type *catalogue_resource_type(const struct catalogue *catalogue,
                                                    const struct uuid *id) {
    for (size_t i = 0; i < catalogue->resource_type_count; i++)
        if (uuid_equal(&catalogue->resource_types[i].id, id)) return &catalogue->resource_types[i];
    return NULL;
}

const struct resource_type *catalogue_resource_named(const struct catalogue *catalogue,
                                                     struct text name) {
    for (size_t i = 0; i < catalogue->resource_type_count; i++)
        if (text_equal(catalogue->resource_types[i].name, name))
            return &catalogue->resource_types[i];
    return NULL;
}

const struct plan *catalogue_plan(const struct catalogue *catalogue, const struct uuid *id) {
    for (size_t i = 0; i < catalogue->plan_count; i++)
        if (uuid_equal(&catalogue->plans[i].id, id)) return &catalogue->plans[i];
    return NULL;
}

const struct plan *catalogue_plan_named(const struct catalogue *catalogue, struct text name) {
    for (size_t i = 0; i < catalogue->plan_count; i++)
        if (text_equal(catalogue->plans[i].name, name)) return &catalogue->plans[i];
    return NULL;
}

const struct addon *catalogue_addon(const struct catalogue *catalogue, const struct uuid *id) {
    for (size_t i = 0; i < catalogue->addon_count; i++)
        if (uuid_equal(&catalogue->addons[i].id, id)) return &catalogue->addons[i];
    return NULL;
}

static const struct rate *rate_find(const struct rate *rates, size_t count,
                                    const struct uuid *id) {
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(&rates[i].id, id)) return &rates[i];
    return NULL;
}

bool catalogue_update_operation(const struct catalogue *catalogue, const struct uuid *id,
                                enum update_operation *operation) {
    for (int i = 0; i < UPDATE_OPERATION_COUNT; i++) {
        if (!uuid_equal(&catalogue->update_operation_ids[i], id)) continue;
        *operation = (enum update_operation)i;
        return true;
    }
    return false;
}

const struct rate *plan_rate(const struct plan *plan, const struct uuid *id) {
    return rate_find(plan->rates, plan->rate_count, id);
}

const struct rate *addon_rate(const struct addon *addon, const struct uuid *id) {
    return rate_find(addon->rates, addon->rate_count, id);
}

const struct rate *rate_active(const struct rate *rates, size_t count, int64_t now_us) {
    const struct rate *active = NULL;
    for (size_t i = 0; i < count; i++) {
        if (rates[i].effective_us > now_us) continue;
        if (active == NULL || rates[i].effective_us > active->effective_us) active = &rates[i];
    }
    return active;
}

const struct quota_default *quota_default_active(const struct plan *plan,
                                                 const struct resource_type *resource_type,
                                                 int64_t now_us) {
    const struct quota_default *active = NULL;
    for (size_t i = 0; i < plan->default_count; i++) {
        const struct quota_default *row = &plan->defaults[i];
        if (row->effective_us > now_us) continue;
        if (!uuid_equal(&row->resource_type->id, &resource_type->id)) continue;
        if (active == NULL || row->effective_us > active->effective_us) active = row;
    }
    return active;
}

static const char *const update_operation_names[UPDATE_OPERATION_COUNT] = {
    [UPDATE_SET] = "SET",
    [UPDATE_ADD] = "ADD",
};

const char *update_operation_name(enum update_operation operation) {
    assert((unsigned)operation < UPDATE_OPERATION_COUNT);
    return update_operation_names[operation];
}

bool update_operation_named(struct text name, enum update_operation *operation) {
    for (int i = 0; i < UPDATE_OPERATION_COUNT; i++) {
        if (!text_equal(name, text_of(update_operation_names[i]))) continue;
        *operation = (enum update_operation)i;
        return true;
    }
    return false;
}
