#include <sqlite3.h>

#include "base/log.h"
#include "store/store_catalogue.h"
#include "store/store_sqlite.h"

/* In the order in which they refer to each other. */
static const struct {
    enum catalogue_list list;
    enum statement_id statement;
} lists[] = {
    {CATALOGUE_RESOURCE_TYPES, LIST_RESOURCE_TYPES},
    {CATALOGUE_PLANS, LIST_PLANS},
    {CATALOGUE_PLAN_RATES, LIST_PLAN_RATES},
    {CATALOGUE_DEFAULTS, LIST_QUOTA_DEFAULTS},
    {CATALOGUE_ADDONS, LIST_ADDONS},
    {CATALOGUE_ADDON_RATES, LIST_ADDON_RATES},
    {CATALOGUE_OPERATIONS, LIST_UPDATE_OPERATIONS},
};

static bool list_end(struct store_sqlite *sqlite, struct row *row, bool broken, size_t count,
                     const char *table, struct qms_error *error) {
    int code = row_close(row);
    if (code != SQLITE_OK)
        return store_sqlite_fail(sqlite->connection, code, "load the catalogue", error);
    if (!broken) return true;
    log_format(LOG_ERROR, "store: row %zu of %s cannot be read", count, table);
    return qms_fail_code(error, QMS_INTERNAL);
}

static bool count_rows(struct store_sqlite *sqlite, struct catalogue_loading *loading,
                       struct qms_error *error) {
    static const enum catalogue_list counted[] = {
        CATALOGUE_RESOURCE_TYPES, CATALOGUE_PLANS,  CATALOGUE_PLAN_RATES,
        CATALOGUE_DEFAULTS,       CATALOGUE_ADDONS, CATALOGUE_ADDON_RATES,
    };
    struct row row;
    row_open(&row, &sqlite->statements, COUNT_CATALOGUE);
    bool found = row_next(&row);
    for (size_t i = 0; found && i < sizeof counted / sizeof counted[0]; i++)
        loading->rows[counted[i]] = (size_t)row_integer(&row);
    return list_end(sqlite, &row, !found, 0, "the catalogue", error);
}

static struct amount shown_amount(struct row *row) {
    bool inexact;
    return row_amount(row, &inexact);
}

static void read_item(struct row *row, enum catalogue_list list, struct catalogue_item *item) {
    *item = (struct catalogue_item){.amount = amount_zero()};
    switch (list) {
    case CATALOGUE_OPERATIONS:
        item->id = row_uuid(row);
        item->name = row_text(row);
        break;
    case CATALOGUE_RESOURCE_TYPES:
        item->id = row_uuid(row);
        item->name = row_text(row);
        item->text = row_text(row);
        item->flag = row_boolean(row);
        break;
    case CATALOGUE_PLANS:
        item->id = row_uuid(row);
        item->name = row_text(row);
        item->text = row_text(row);
        break;
    case CATALOGUE_ADDONS:
        item->id = row_uuid(row);
        item->name = row_text(row);
        item->text = row_text(row);
        item->resource_type_id = row_uuid(row);
        item->amount = shown_amount(row);
        item->flag = row_boolean(row);
        break;
    case CATALOGUE_DEFAULTS:
    case CATALOGUE_PLAN_RATES:
    case CATALOGUE_ADDON_RATES:
        item->owner_id = row_uuid(row);
        item->id = row_uuid(row);
        if (list == CATALOGUE_DEFAULTS) item->resource_type_id = row_uuid(row);
        item->amount = shown_amount(row);
        item->at_us = row_integer(row);
        break;
    case CATALOGUE_LIST_COUNT: break;
    }
}

static bool load_list(struct store_sqlite *sqlite, struct catalogue_loading *loading,
                      enum catalogue_list list, enum statement_id id, struct qms_error *error) {
    struct row row;
    struct catalogue_item item;
    size_t count = 0;
    bool broken = false;
    row_open(&row, &sqlite->statements, id);
    while (!broken && row_next(&row)) {
        read_item(&row, list, &item);
        item.broken = row.broken;
        broken = !catalogue_loading_take(loading, list, &item);
        count++;
    }
    return list_end(sqlite, &row, broken, count, catalogue_list_name(list), error);
}

static struct catalogue *load_all(struct store_sqlite *sqlite, int64_t version,
                                  struct qms_error *error) {
    struct catalogue_loading loading;
    catalogue_loading_open(&loading, version);
    bool loaded = count_rows(sqlite, &loading, error);
    if (loaded) catalogue_loading_begin(&loading);
    for (size_t i = 0; loaded && i < sizeof lists / sizeof lists[0]; i++)
        loaded = load_list(sqlite, &loading, lists[i].list, lists[i].statement, error);
    struct catalogue *catalogue = loaded ? catalogue_loading_finish(&loading, error) : NULL;
    catalogue_loading_close(&loading);
    return catalogue;
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
    struct catalogue *catalogue = load_all(sqlite, version, error);
    if (catalogue == NULL) return false;
    load->catalogue = catalogue;
    sqlite->catalogue_version = version;
    memcpy(sqlite->update_operation_ids, catalogue->update_operation_ids,
           sizeof sqlite->update_operation_ids);
    return true;
}
