#include <sqlite3.h>

#include "base/log.h"
#include "store/store_sqlite.h"

/* A catalogue being read: its arrays are taken at their full size first, so that rows may point to
 * each other while they are filled in. */
struct reading {
    struct store_sqlite *sqlite;
    struct catalogue *catalogue;
    struct resource_type *resource_types;
    struct plan *plans;
    struct rate *plan_rates;
    struct quota_default *defaults;
    struct addon *addons;
    struct rate *addon_rates;
    size_t resource_type_count, plan_count, plan_rate_count, default_count, addon_count,
        addon_rate_count; /* rows there are */
    size_t filled;        /* rows of the current kind read so far */
    const char *table;
};

static bool reading_end(struct reading *reading, struct row *row, bool broken,
                         struct qms_error *error) {
    int code = row_close(row);
    if (code != SQLITE_OK) {
        return store_sqlite_fail(reading->sqlite->connection, code, "load the catalogue", error);
    }
    if (!broken) return true;
    /* Leaving the row out would change what users may use without a word to anybody. */
    log_format(LOG_ERROR, "store: row %zu of %s cannot be read", reading->filled, reading->table);
    return qms_fail_code(error, QMS_INTERNAL);
}

/* Steps through a list; take() reads one row and returns false if the row fits nowhere. */
static bool reading_list(struct reading *reading, enum statement_id id, const char *table,
                         bool (*take)(struct reading *reading, struct row *row),
                         struct qms_error *error) {
    struct row row;
    bool broken = false;
    reading->table = table;
    reading->filled = 0;
    row_open(&row, &reading->sqlite->statements, id);
    while (!broken && row_next(&row)) {
        broken = !take(reading, &row) || row.broken;
        reading->filled++;
    }
    return reading_end(reading, &row, broken, error);
}

static struct text kept_text(struct reading *reading, struct row *row) {
    return arena_text(&reading->catalogue->arena, row_text(row));
}

static struct amount shown_amount(struct row *row) {
    bool inexact;
    return row_amount(row, &inexact); /* beyond 34 digits the catalogue is rounded */
}

static bool take_resource_type(struct reading *reading, struct row *row) {
    reading->resource_types[reading->filled] = (struct resource_type){
        .id = row_uuid(row),
        .name = kept_text(reading, row),
        .unit = kept_text(reading, row),
        .consumable = row_boolean(row),
    };
    return true;
}

static bool take_plan(struct reading *reading, struct row *row) {
    reading->plans[reading->filled] = (struct plan){
        .id = row_uuid(row),
        .name = kept_text(reading, row),
        .description = kept_text(reading, row),
    };
    return true;
}

/* Rows of plans come in the order of the plans: each plan's are a slice of the whole. */
static struct plan *plan_of(struct reading *reading, const struct uuid *id) {
    for (size_t i = 0; i < reading->plan_count; i++) {
        if (uuid_equal(&reading->plans[i].id, id)) return &reading->plans[i];
    }
    return NULL;
}

static struct addon *addon_of(struct reading *reading, const struct uuid *id) {
    for (size_t i = 0; i < reading->addon_count; i++) {
        if (uuid_equal(&reading->addons[i].id, id)) return &reading->addons[i];
    }
    return NULL;
}

static struct rate rate_read(struct row *row) {
    return (struct rate){
        .id = row_uuid(row),
        .rate = shown_amount(row),
        .effective_us = row_integer(row),
    };
}

static bool take_plan_rate(struct reading *reading, struct row *row) {
    struct uuid plan_id = row_uuid(row);
    struct plan *plan = plan_of(reading, &plan_id);
    if (plan == NULL) return false;
    struct rate *rate = &reading->plan_rates[reading->filled];
    *rate = rate_read(row);
    if (plan->rate_count++ == 0) plan->rates = rate;
    return true;
}

static bool take_default(struct reading *reading, struct row *row) {
    struct uuid plan_id = row_uuid(row);
    struct plan *plan = plan_of(reading, &plan_id);
    struct quota_default *quota_default = &reading->defaults[reading->filled];
    quota_default->id = row_uuid(row);
    struct uuid resource_type_id = row_uuid(row);
    quota_default->resource_type =
        catalogue_resource_type(reading->catalogue, &resource_type_id);
    quota_default->value = shown_amount(row);
    quota_default->effective_us = row_integer(row);
    if (plan == NULL || quota_default->resource_type == NULL) return false;
    if (plan->default_count++ == 0) plan->defaults = quota_default;
    return true;
}

static bool take_addon(struct reading *reading, struct row *row) {
    struct addon *addon = &reading->addons[reading->filled];
    *addon = (struct addon){
        .id = row_uuid(row),
        .name = kept_text(reading, row),
        .description = kept_text(reading, row),
    };
    struct uuid resource_type_id = row_uuid(row);
    addon->resource_type = catalogue_resource_type(reading->catalogue, &resource_type_id);
    addon->default_amount = shown_amount(row);
    addon->default_paid = row_boolean(row);
    return addon->resource_type != NULL;
}

static bool take_addon_rate(struct reading *reading, struct row *row) {
    struct uuid addon_id = row_uuid(row);
    struct addon *addon = addon_of(reading, &addon_id);
    if (addon == NULL) return false;
    struct rate *rate = &reading->addon_rates[reading->filled];
    *rate = rate_read(row);
    if (addon->rate_count++ == 0) addon->rates = rate;
    return true;
}

static bool take_update_operation(struct reading *reading, struct row *row) {
    struct uuid id = row_uuid(row);
    enum update_operation operation;
    if (!update_operation_named(row_text(row), &operation)) return true; /* not one we use */
    reading->catalogue->update_operation_ids[operation] = id;
    return true;
}

static bool reading_count(struct reading *reading, struct qms_error *error) {
    struct row row;
    reading->table = "the catalogue";
    row_open(&row, &reading->sqlite->statements, COUNT_CATALOGUE);
    bool counted = row_next(&row);
    if (counted) {
        reading->resource_type_count = (size_t)row_integer(&row);
        reading->plan_count = (size_t)row_integer(&row);
        reading->plan_rate_count = (size_t)row_integer(&row);
        reading->default_count = (size_t)row_integer(&row);
        reading->addon_count = (size_t)row_integer(&row);
        reading->addon_rate_count = (size_t)row_integer(&row);
    }
    return reading_end(reading, &row, !counted, error);
}

static void reading_take_room(struct reading *reading) {
    struct catalogue *catalogue = reading->catalogue;
    struct arena *arena = &catalogue->arena;
    catalogue->resource_types = reading->resource_types =
        arena_take_zeroed(arena, reading->resource_type_count, sizeof *reading->resource_types);
    catalogue->resource_type_count = reading->resource_type_count;
    catalogue->plans = reading->plans =
        arena_take_zeroed(arena, reading->plan_count, sizeof *reading->plans);
    catalogue->plan_count = reading->plan_count;
    catalogue->addons = reading->addons =
        arena_take_zeroed(arena, reading->addon_count, sizeof *reading->addons);
    catalogue->addon_count = reading->addon_count;
    reading->plan_rates =
        arena_take_zeroed(arena, reading->plan_rate_count, sizeof *reading->plan_rates);
    reading->defaults =
        arena_take_zeroed(arena, reading->default_count, sizeof *reading->defaults);
    reading->addon_rates =
        arena_take_zeroed(arena, reading->addon_rate_count, sizeof *reading->addon_rates);
}

static bool reading_operations_known(const struct reading *reading, struct qms_error *error) {
    for (int operation = 0; operation < UPDATE_OPERATION_COUNT; operation++) {
        if (!uuid_is_nil(&reading->catalogue->update_operation_ids[operation])) continue;
        log_format(LOG_ERROR, "store: update_operations has no %s",
                   update_operation_name((enum update_operation)operation));
        return qms_fail_code(error, QMS_INTERNAL);
    }
    return true;
}

static bool reading_all(struct reading *reading, struct qms_error *error) {
    if (!reading_count(reading, error)) return false;
    reading_take_room(reading);
    return reading_list(reading, LIST_RESOURCE_TYPES, "resource_types", take_resource_type,
                        error) &&
           reading_list(reading, LIST_PLANS, "plans", take_plan, error) &&
           reading_list(reading, LIST_PLAN_RATES, "plan_rates", take_plan_rate, error) &&
           reading_list(reading, LIST_QUOTA_DEFAULTS, "plan_quota_defaults", take_default, error) &&
           reading_list(reading, LIST_ADDONS, "addons", take_addon, error) &&
           reading_list(reading, LIST_ADDON_RATES, "addon_rates", take_addon_rate, error) &&
           reading_list(reading, LIST_UPDATE_OPERATIONS, "update_operations",
                        take_update_operation, error) &&
           reading_operations_known(reading, error);
}

bool store_sqlite_load_catalogue(struct store_sqlite *sqlite, struct store_load *load,
                                 struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, CATALOGUE_VERSION);
    int64_t version = row_next(&row) ? row_integer(&row) : -1;
    int code = row_close(&row);
    if (code != SQLITE_OK) {
        return store_sqlite_fail(sqlite->connection, code, "read the catalogue's version", error);
    }
    if (version == load->catalogue_version && version == sqlite->catalogue_version) return true;
    struct reading reading = {.sqlite = sqlite, .catalogue = catalogue_make()};
    reading.catalogue->version = version;
    if (reading_all(&reading, error)) {
        load->catalogue = reading.catalogue;
        sqlite->catalogue_version = version;
        memcpy(sqlite->update_operation_ids, reading.catalogue->update_operation_ids,
               sizeof sqlite->update_operation_ids);
        return true;
    }
    catalogue_release(reading.catalogue);
    return false;
}
