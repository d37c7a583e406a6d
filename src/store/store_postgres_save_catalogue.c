#include "store/store_postgres.h"

/* Each kind in the order in which rows refer to each other. The triggers count the version. */

static void write_resource_types(struct store_postgres *postgres, struct exchange *exchange,
                                 const struct change_list *list) {
    struct parameters inserted, changed;
    parameters_open(&inserted, &postgres->arena, PG_INSERT_RESOURCE_TYPES);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_RESOURCE_TYPES);
    for (size_t i = 0; i < list->count; i++) {
        const struct resource_type_row *type = list->rows[i];
        struct parameters *row = type->state == ROW_INSERTED ? &inserted : &changed;
        put_uuid(row, &type->id);
        put_text(row, type->name);
        put_text(row, type->unit);
        put_boolean(row, type->consumable);
    }
    exchange_add_rows(exchange, PG_INSERT_RESOURCE_TYPES, &inserted);
    exchange_add_rows(exchange, PG_CHANGE_RESOURCE_TYPES, &changed);
}

static void write_plans(struct store_postgres *postgres, struct exchange *exchange,
                        const struct changes *changes) {
    struct parameters plans, rates;
    parameters_open(&plans, &postgres->arena, PG_INSERT_PLANS);
    for (size_t i = 0; i < changes->plans.count; i++) {
        const struct plan_row *plan = changes->plans.rows[i];
        put_uuid(&plans, &plan->id);
        put_text(&plans, plan->name);
        put_text(&plans, plan->description);
    }
    exchange_add_rows(exchange, PG_INSERT_PLANS, &plans);
    parameters_open(&rates, &postgres->arena, PG_INSERT_PLAN_RATES);
    for (size_t i = 0; i < changes->plan_rates.count; i++) {
        const struct rate_row *rate = changes->plan_rates.rows[i];
        put_uuid(&rates, &rate->id);
        put_uuid(&rates, &rate->owner_id);
        put_amount(&rates, rate->rate);
        put_time(&rates, rate->effective_us);
    }
    exchange_add_rows(exchange, PG_INSERT_PLAN_RATES, &rates);
}

static void write_quota_defaults(struct store_postgres *postgres, struct exchange *exchange,
                                 const struct change_list *list) {
    struct parameters inserted, changed;
    parameters_open(&inserted, &postgres->arena, PG_INSERT_QUOTA_DEFAULTS);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_QUOTA_DEFAULTS);
    for (size_t i = 0; i < list->count; i++) {
        const struct quota_default_row *quota_default = list->rows[i];
        bool is_new = quota_default->state == ROW_INSERTED;
        struct parameters *row = is_new ? &inserted : &changed;
        put_uuid(row, &quota_default->id);
        if (is_new) {
            put_uuid(row, &quota_default->plan_id);
            put_uuid(row, &quota_default->resource_type_id);
        }
        put_amount(row, quota_default->value);
        put_time(row, quota_default->effective_us);
    }
    exchange_add_rows(exchange, PG_INSERT_QUOTA_DEFAULTS, &inserted);
    exchange_add_rows(exchange, PG_CHANGE_QUOTA_DEFAULTS, &changed);
}

static void write_addons(struct store_postgres *postgres, struct exchange *exchange,
                         const struct change_list *list) {
    struct parameters inserted, changed, deleted;
    parameters_open(&inserted, &postgres->arena, PG_INSERT_ADDONS);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_ADDONS);
    parameters_open(&deleted, &postgres->arena, PG_DELETE_ADDONS);
    for (size_t i = 0; i < list->count; i++) {
        const struct addon_row *addon = list->rows[i];
        if (addon->state == ROW_DELETED) {
            put_uuid(&deleted, &addon->id);
            continue;
        }
        struct parameters *row = addon->state == ROW_INSERTED ? &inserted : &changed;
        put_uuid(row, &addon->id);
        put_text(row, addon->name);
        put_text(row, addon->description);
        put_uuid(row, &addon->resource_type_id);
        put_amount(row, addon->default_amount);
        put_boolean(row, addon->default_paid);
    }
    exchange_add_rows(exchange, PG_INSERT_ADDONS, &inserted);
    exchange_add_rows(exchange, PG_CHANGE_ADDONS, &changed);
    exchange_add_rows(exchange, PG_DELETE_ADDONS, &deleted);
}

/* The dates of an add-on's rates are unique at every moment, and rates may exchange theirs: those
 * that go away go first, those that change step aside to dates that no rate can have. */
static void write_addon_rates(struct store_postgres *postgres, struct exchange *exchange,
                              const struct change_list *list) {
    struct parameters deleted, parked, inserted, changed;
    parameters_open(&deleted, &postgres->arena, PG_DELETE_ADDON_RATES);
    parameters_open(&parked, &postgres->arena, PG_PARK_ADDON_RATES);
    parameters_open(&inserted, &postgres->arena, PG_INSERT_ADDON_RATES);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_ADDON_RATES);
    for (size_t i = 0; i < list->count; i++) {
        const struct rate_row *rate = list->rows[i];
        if (rate->state == ROW_DELETED) {
            put_uuid(&deleted, &rate->id);
            continue;
        }
        bool is_new = rate->state == ROW_INSERTED;
        struct parameters *row = is_new ? &inserted : &changed;
        if (!is_new) {
            put_uuid(&parked, &rate->id);
            put_time(&parked, TIME_US_MAX + 1 + (int64_t)i);
        }
        put_uuid(row, &rate->id);
        if (is_new) put_uuid(row, &rate->owner_id);
        put_amount(row, rate->rate);
        put_time(row, rate->effective_us);
    }
    exchange_add_rows(exchange, PG_DELETE_ADDON_RATES, &deleted);
    exchange_add_rows(exchange, PG_PARK_ADDON_RATES, &parked);
    exchange_add_rows(exchange, PG_CHANGE_ADDON_RATES, &changed);
    exchange_add_rows(exchange, PG_INSERT_ADDON_RATES, &inserted);
}

void store_postgres_write_catalogue(struct store_postgres *postgres, struct exchange *exchange,
                                    const struct changes *changes) {
    write_resource_types(postgres, exchange, &changes->resource_types);
    write_plans(postgres, exchange, changes);
    write_quota_defaults(postgres, exchange, &changes->quota_defaults);
    write_addons(postgres, exchange, &changes->addons);
    write_addon_rates(postgres, exchange, &changes->addon_rates);
}
