#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/store_postgres.h"

/* The lists, as PG_LOAD_CATALOGUE numbers them. */
enum list {
    LIST_OPERATIONS,
    LIST_RESOURCE_TYPES,
    LIST_PLANS,
    LIST_PLAN_RATES,
    LIST_DEFAULTS,
    LIST_ADDONS,
    LIST_ADDON_RATES,
    LIST_VERSION,
    LIST_COUNT,
};

static const char *const list_names[LIST_COUNT] = {
    "update_operations", "resource_types", "plans",       "plan_rates",
    "plan_quota_defaults", "addons",       "addon_rates", "catalogue_version",
};

/* A row of whatever list: the columns it does not have are empty. */
struct item {
    enum list list;
    struct uuid id, owner_id, other_id;
    struct text name, text;
    struct amount amount;
    int64_t at_us;
    bool flag;
};

struct reading {
    struct catalogue *catalogue;
    size_t rows[LIST_COUNT], filled[LIST_COUNT];
    struct resource_type *resource_types;
    struct plan *plans;
    struct rate *plan_rates, *addon_rates;
    struct quota_default *defaults;
    struct addon *addons;
    int64_t version;
};

static bool item_read(struct postgres_row *row, struct item *item) {
    bool inexact; /* beyond 34 digits the catalogue is rounded */
    int64_t list = get_integer(row);
    *item = (struct item){
        .list = (enum list)list,
        .id = get_uuid(row),
        .owner_id = get_uuid(row),
        .other_id = get_uuid(row),
        .name = get_text(row),
        .text = get_text(row),
        .amount = get_amount(row, &inexact),
        .at_us = get_time(row),
        .flag = get_boolean(row),
    };
    return list >= 0 && list < LIST_COUNT && !row->broken;
}

/* ---- rows, each list after those it refers to ---- */

static struct text kept(struct reading *reading, struct text text) {
    return arena_text(&reading->catalogue->arena, text);
}

static struct plan *plan_of(struct reading *reading, const struct uuid *id) {
    for (size_t i = 0; i < reading->filled[LIST_PLANS]; i++) {
        if (uuid_equal(&reading->plans[i].id, id)) return &reading->plans[i];
    }
    return NULL;
}

static struct addon *addon_of(struct reading *reading, const struct uuid *id) {
    for (size_t i = 0; i < reading->filled[LIST_ADDONS]; i++) {
        if (uuid_equal(&reading->addons[i].id, id)) return &reading->addons[i];
    }
    return NULL;
}

static bool take_default(struct reading *reading, const struct item *item, size_t place) {
    struct plan *plan = plan_of(reading, &item->owner_id);
    struct quota_default *quota_default = &reading->defaults[place];
    *quota_default = (struct quota_default){
        .id = item->id,
        .resource_type = catalogue_resource_type(reading->catalogue, &item->other_id),
        .value = item->amount,
        .effective_us = item->at_us,
    };
    if (plan == NULL || quota_default->resource_type == NULL) return false;
    if (plan->default_count++ == 0) plan->defaults = quota_default;
    return true;
}

static bool take_addon(struct reading *reading, const struct item *item, size_t place) {
    reading->addons[place] = (struct addon){
        .id = item->id,
        .name = kept(reading, item->name),
        .description = kept(reading, item->text),
        .resource_type = catalogue_resource_type(reading->catalogue, &item->other_id),
        .default_amount = item->amount,
        .default_paid = item->flag,
    };
    return reading->addons[place].resource_type != NULL;
}

static struct rate rate_of(const struct item *item) {
    return (struct rate){.id = item->id, .rate = item->amount, .effective_us = item->at_us};
}

static bool take_item(struct reading *reading, const struct item *item) {
    size_t place = reading->filled[item->list];
    struct plan *plan;
    struct addon *addon;
    enum update_operation operation;
    switch (item->list) {
    case LIST_OPERATIONS:
        if (update_operation_named(item->name, &operation)) {
            reading->catalogue->update_operation_ids[operation] = item->id;
        }
        return true;
    case LIST_RESOURCE_TYPES:
        reading->resource_types[place] = (struct resource_type){
            .id = item->id,
            .name = kept(reading, item->name),
            .unit = kept(reading, item->text),
            .consumable = item->flag,
        };
        return true;
    case LIST_PLANS:
        reading->plans[place] = (struct plan){
            .id = item->id,
            .name = kept(reading, item->name),
            .description = kept(reading, item->text),
        };
        return true;
    case LIST_PLAN_RATES:
        plan = plan_of(reading, &item->owner_id);
        if (plan == NULL) return false;
        reading->plan_rates[place] = rate_of(item);
        if (plan->rate_count++ == 0) plan->rates = &reading->plan_rates[place];
        return true;
    case LIST_DEFAULTS: return take_default(reading, item, place);
    case LIST_ADDONS: return take_addon(reading, item, place);
    case LIST_ADDON_RATES:
        addon = addon_of(reading, &item->owner_id);
        if (addon == NULL) return false;
        reading->addon_rates[place] = rate_of(item);
        if (addon->rate_count++ == 0) addon->rates = &reading->addon_rates[place];
        return true;
    default: return true; /* the version */
    }
}

static void reading_take_room(struct reading *reading) {
    struct catalogue *catalogue = reading->catalogue;
    struct arena *arena = &catalogue->arena;
    const size_t *rows = reading->rows;
    catalogue->resource_type_count = rows[LIST_RESOURCE_TYPES];
    catalogue->resource_types = reading->resource_types =
        arena_take_zeroed(arena, rows[LIST_RESOURCE_TYPES], sizeof *reading->resource_types);
    catalogue->plan_count = rows[LIST_PLANS];
    catalogue->plans = reading->plans =
        arena_take_zeroed(arena, rows[LIST_PLANS], sizeof *reading->plans);
    catalogue->addon_count = rows[LIST_ADDONS];
    catalogue->addons = reading->addons =
        arena_take_zeroed(arena, rows[LIST_ADDONS], sizeof *reading->addons);
    reading->plan_rates =
        arena_take_zeroed(arena, rows[LIST_PLAN_RATES], sizeof *reading->plan_rates);
    reading->defaults = arena_take_zeroed(arena, rows[LIST_DEFAULTS], sizeof *reading->defaults);
    reading->addon_rates =
        arena_take_zeroed(arena, rows[LIST_ADDON_RATES], sizeof *reading->addon_rates);
}

/* When an identifier was made, as far as it says so (versions 1 and 7): the tables of PostgreSQL
 * keep no order of insertion. What does not say comes last. */
static uint64_t made_ms(const struct uuid *id) {
    enum { TICKS_A_MS = 10000 }; /* of version 1, since 1582 */
    static const uint64_t EPOCH_MS = UINT64_C(12219292800000);
    const uint8_t *bytes = id->bytes;
    uint64_t high = (uint64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    uint64_t middle = (uint64_t)bytes[4] << 8 | bytes[5];
    uint64_t low = (uint64_t)(bytes[6] & 0x0f) << 8 | bytes[7];
    if (bytes[6] >> 4 == 7) return high << 16 | middle;
    if (bytes[6] >> 4 == 1) return (low << 48 | middle << 32 | high) / TICKS_A_MS - EPOCH_MS;
    return UINT64_MAX;
}

static int plan_order(const void *left, const void *right) {
    const struct plan *a = left, *b = right;
    uint64_t a_ms = made_ms(&a->id), b_ms = made_ms(&b->id);
    if (a_ms != b_ms) return a_ms < b_ms ? -1 : 1;
    return uuid_compare(&a->id, &b->id);
}

static bool operations_are_known(const struct catalogue *catalogue) {
    for (int i = 0; i < UPDATE_OPERATION_COUNT; i++) {
        if (!uuid_is_nil(&catalogue->update_operation_ids[i])) continue;
        log_format(LOG_ERROR, "store: update_operations has no %s",
                   update_operation_name((enum update_operation)i));
        return false;
    }
    return true;
}

/* A row that cannot be read makes all of it unusable: leaving it out would change what users may
 * use without a word to anybody. */
static bool read_all(struct reading *reading, const struct exchange *exchange) {
    struct postgres_row row;
    struct item item;
    exchange_rows(exchange, PG_LOAD_CATALOGUE, &row);
    while (row_take(&row)) {
        if (!item_read(&row, &item)) {
            log_format(LOG_ERROR, "store: a row of the catalogue cannot be read");
            return false;
        }
        reading->rows[item.list]++;
    }
    reading_take_room(reading);
    exchange_rows(exchange, PG_LOAD_CATALOGUE, &row);
    while (row_take(&row)) {
        item_read(&row, &item);
        if (!take_item(reading, &item)) {
            log_format(LOG_ERROR, "store: row %zu of %s fits nowhere", reading->filled[item.list],
                       list_names[item.list]);
            return false;
        }
        reading->filled[item.list]++;
    }
    struct plan *plans = reading->plans;
    if (reading->rows[LIST_PLANS] > 1) {
        qsort(plans, reading->rows[LIST_PLANS], sizeof *plans, plan_order);
    }
    return operations_are_known(reading->catalogue);
}

/* ---- versions ---- */

static uint64_t hash_of(const PGresult *result) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result); column++) {
            int length = PQgetlength(result, row, column);
            const char *data = PQgetvalue(result, row, column);
            hash = (hash ^ (uint64_t)(length + 1)) * UINT64_C(1099511628211);
            for (int i = 0; i < length; i++) {
                hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
            }
        }
    }
    return hash;
}

/* Without triggers nobody counts: what it holds is its version, and every store of this process
 * gives the same one to the same. */
static int64_t version_of_content(const PGresult *result) {
    enum { KNOWN = 64 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct { uint64_t hash; int64_t version; } known[KNOWN];
    static int64_t newest;
    uint64_t hash = hash_of(result);
    int64_t version = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < KNOWN && version == 0; i++) {
        if (known[i].version > 0 && known[i].hash == hash) version = known[i].version;
    }
    if (version == 0) {
        version = ++newest;
        known[version % KNOWN].hash = hash;
        known[version % KNOWN].version = version;
    }
    pthread_mutex_unlock(&lock);
    return version;
}

static int64_t version_of(const struct store_postgres *postgres, const struct exchange *exchange) {
    struct postgres_row row;
    if (exchange_has(exchange, PG_CATALOGUE_VERSION)) {
        exchange_rows(exchange, PG_CATALOGUE_VERSION, &row);
        return row_take(&row) ? get_integer(&row) : 0;
    }
    exchange_rows(exchange, PG_LOAD_CATALOGUE, &row);
    if (!postgres->has_version_triggers) return version_of_content(row.result);
    struct item item;
    int64_t version = 0;
    while (row_take(&row)) {
        if (!item_read(&row, &item) || item.list != LIST_VERSION) continue;
        for (size_t i = 0; i < item.name.length; i++) {
            version = 10 * version + item.name.data[i] - '0';
        }
    }
    return version;
}

void store_postgres_ask_catalogue(struct store_postgres *postgres, struct exchange *exchange) {
    exchange_add(exchange,
                 postgres->has_version_triggers ? PG_CATALOGUE_VERSION : PG_LOAD_CATALOGUE, NULL);
    exchange_add(exchange, PG_DIRECTORY_VERSION, NULL);
}

bool store_postgres_catalogue_is_new(struct store_postgres *postgres, const struct store_load *load,
                                     const struct exchange *exchange) {
    int64_t version = version_of(postgres, exchange);
    return version != load->catalogue_version || version != postgres->catalogue_version;
}

bool store_postgres_take_catalogue(struct store_postgres *postgres, struct store_load *load,
                                   const struct exchange *exchange, struct qms_error *error) {
    struct reading reading = {.catalogue = catalogue_make()};
    reading.catalogue->version = version_of(postgres, exchange);
    if (!read_all(&reading, exchange)) {
        catalogue_release(reading.catalogue);
        return qms_fail_code(error, QMS_INTERNAL);
    }
    load->catalogue = reading.catalogue;
    postgres->catalogue_version = reading.catalogue->version;
    memcpy(postgres->update_operation_ids, reading.catalogue->update_operation_ids,
           sizeof postgres->update_operation_ids);
    return true;
}
