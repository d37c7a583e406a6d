#include <sqlite3.h>

#include "store/store_sqlite.h"

/* One operation's rows, and they are few: each kind in the order in which rows refer to each other.
 * The triggers count the version. */

static int write_plan(struct store_sqlite *sqlite, const struct plan_row *plan) {
    struct row row;
    row_open(&row, &sqlite->statements, INSERT_PLAN);
    row_put_uuid(&row, &plan->id);
    row_put_text(&row, plan->name);
    row_put_text(&row, plan->description);
    return row_run(&row);
}

static int write_plan_rate(struct store_sqlite *sqlite, const struct rate_row *rate) {
    struct row row;
    row_open(&row, &sqlite->statements, INSERT_PLAN_RATE);
    row_put_uuid(&row, &rate->id);
    row_put_uuid(&row, &rate->owner_id);
    row_put_amount(&row, rate->rate);
    row_put_integer(&row, rate->effective_us);
    return row_run(&row);
}

static int write_quota_default(struct store_sqlite *sqlite,
                               const struct quota_default_row *quota_default) {
    struct row row;
    bool is_new = quota_default->state == ROW_INSERTED;
    row_open(&row, &sqlite->statements, is_new ? INSERT_QUOTA_DEFAULT : CHANGE_QUOTA_DEFAULT);
    row_put_uuid(&row, &quota_default->id);
    if (is_new) {
        row_put_uuid(&row, &quota_default->plan_id);
        row_put_uuid(&row, &quota_default->resource_type_id);
    }
    row_put_amount(&row, quota_default->value);
    row_put_integer(&row, quota_default->effective_us);
    return store_sqlite_run_one(&row);
}

static int write_resource_type(struct store_sqlite *sqlite,
                               const struct resource_type_row *resource_type) {
    struct row row;
    row_open(&row, &sqlite->statements,
             resource_type->state == ROW_INSERTED ? INSERT_RESOURCE_TYPE : CHANGE_RESOURCE_TYPE);
    row_put_uuid(&row, &resource_type->id);
    row_put_text(&row, resource_type->name);
    row_put_text(&row, resource_type->unit);
    row_put_integer(&row, resource_type->consumable);
    return store_sqlite_run_one(&row);
}

static int delete_one(struct store_sqlite *sqlite, enum statement_id id, const struct uuid *key) {
    struct row row;
    row_open(&row, &sqlite->statements, id);
    row_put_uuid(&row, key);
    return store_sqlite_run_one(&row);
}

static int write_addon(struct store_sqlite *sqlite, const struct addon_row *addon) {
    if (addon->state == ROW_DELETED) return delete_one(sqlite, DELETE_ADDON, &addon->id);
    struct row row;
    row_open(&row, &sqlite->statements,
             addon->state == ROW_INSERTED ? INSERT_ADDON : CHANGE_ADDON);
    row_put_uuid(&row, &addon->id);
    row_put_text(&row, addon->name);
    row_put_text(&row, addon->description);
    row_put_uuid(&row, &addon->resource_type_id);
    row_put_amount(&row, addon->default_amount);
    row_put_integer(&row, addon->default_paid);
    return store_sqlite_run_one(&row);
}

static int write_addon_rate(struct store_sqlite *sqlite, const struct rate_row *rate) {
    struct row row;
    bool is_new = rate->state == ROW_INSERTED;
    row_open(&row, &sqlite->statements, is_new ? INSERT_ADDON_RATE : CHANGE_ADDON_RATE);
    row_put_uuid(&row, &rate->id);
    if (is_new) row_put_uuid(&row, &rate->owner_id);
    row_put_amount(&row, rate->rate);
    row_put_integer(&row, rate->effective_us);
    return store_sqlite_run_one(&row);
}

/* The dates of an add-on's rates are unique at every moment, and rates may exchange theirs: those
 * that go away go first, those that change step aside to dates that no rate can have. */
static int make_room_for_rates(struct store_sqlite *sqlite, const struct change_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct rate_row *rate = list->rows[i];
        int code = SQLITE_OK;
        if (rate->state == ROW_DELETED) {
            code = delete_one(sqlite, DELETE_ADDON_RATE, &rate->id);
        } else if (rate->state == ROW_CHANGED) {
            struct row row;
            row_open(&row, &sqlite->statements, PARK_ADDON_RATE);
            row_put_uuid(&row, &rate->id);
            row_put_integer(&row, INT64_MIN + (int64_t)i);
            code = store_sqlite_run_one(&row);
        }
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

static int write_addon_rates(struct store_sqlite *sqlite, const struct change_list *list) {
    int code = make_room_for_rates(sqlite, list);
    for (size_t i = 0; code == SQLITE_OK && i < list->count; i++) {
        const struct rate_row *rate = list->rows[i];
        if (rate->state != ROW_DELETED) code = write_addon_rate(sqlite, rate);
    }
    return code;
}

int store_sqlite_write_catalogue(struct store_sqlite *sqlite, const struct changes *changes) {
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < changes->resource_types.count; i++) {
        code = write_resource_type(sqlite, changes->resource_types.rows[i]);
    }
    for (size_t i = 0; code == SQLITE_OK && i < changes->plans.count; i++) {
        code = write_plan(sqlite, changes->plans.rows[i]);
    }
    for (size_t i = 0; code == SQLITE_OK && i < changes->plan_rates.count; i++) {
        code = write_plan_rate(sqlite, changes->plan_rates.rows[i]);
    }
    for (size_t i = 0; code == SQLITE_OK && i < changes->quota_defaults.count; i++) {
        code = write_quota_default(sqlite, changes->quota_defaults.rows[i]);
    }
    for (size_t i = 0; code == SQLITE_OK && i < changes->addons.count; i++) {
        code = write_addon(sqlite, changes->addons.rows[i]);
    }
    if (code == SQLITE_OK) code = write_addon_rates(sqlite, &changes->addon_rates);
    return code;
}
