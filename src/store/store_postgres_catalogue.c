#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/store_catalogue.h"
#include "store/store_postgres.h"

/* PG_LOAD_CATALOGUE numbers its lists as catalogue_loading does; one more is the version, as the
 * name of its only row. */
enum { LIST_VERSION = CATALOGUE_LIST_COUNT };

static int64_t item_read(struct postgres_row *row, struct catalogue_item *item) {
    bool inexact;
    int64_t list = get_integer(row);
    item->id = get_uuid(row);
    item->owner_id = get_uuid(row);
    item->resource_type_id = get_uuid(row);
    item->name = get_text(row);
    item->text = get_text(row);
    item->amount = get_amount(row, &inexact);
    item->at_us = get_time(row);
    item->flag = get_boolean(row);
    item->broken = row->broken;
    assert(list >= 0 && list <= LIST_VERSION);
    return list;
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

static void count_all(struct catalogue_loading *loading, const struct exchange *exchange) {
    struct postgres_row row;
    struct catalogue_item item;
    exchange_rows(exchange, PG_LOAD_CATALOGUE, &row);
    while (row_take(&row)) {
        int64_t list = item_read(&row, &item);
        if (list != LIST_VERSION) loading->rows[list]++;
    }
}

static bool take_all(struct catalogue_loading *loading, const struct exchange *exchange) {
    struct postgres_row row;
    struct catalogue_item item;
    exchange_rows(exchange, PG_LOAD_CATALOGUE, &row);
    while (row_take(&row)) {
        int64_t number = item_read(&row, &item);
        enum catalogue_list list = (enum catalogue_list)number;
        if (number == LIST_VERSION || catalogue_loading_take(loading, list, &item)) continue;
        log_format(LOG_ERROR, "store: row %zu of %s fits nowhere", loading->filled[list],
                   catalogue_list_name(list));
        return false;
    }
    return true;
}

static struct catalogue *make_catalogue(int64_t version, const struct exchange *exchange,
                                        struct qms_error *error) {
    struct catalogue_loading loading;
    struct catalogue *catalogue = NULL;
    catalogue_loading_open(&loading, version);
    count_all(&loading, exchange);
    catalogue_loading_begin(&loading);
    if (!take_all(&loading, exchange)) {
        qms_fail_code(error, QMS_INTERNAL);
    } else {
        size_t plan_count = loading.rows[CATALOGUE_PLANS];
        if (plan_count > 1) qsort(loading.plans, plan_count, sizeof *loading.plans, plan_order);
        catalogue = catalogue_loading_finish(&loading, error);
    }
    catalogue_loading_close(&loading);
    return catalogue;
}

/* ---- versions ---- */

static uint64_t hash_of(const PGresult *result) {
    uint64_t hash = HASH_BASIS;
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result); column++) {
            int length = PQgetlength(result, row, column);
            hash = hash_add(hash, &length, sizeof length);
            hash = hash_add(hash, PQgetvalue(result, row, column), (size_t)length);
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
    struct catalogue_item item;
    int64_t version = 0;
    while (row_take(&row)) {
        if (item_read(&row, &item) != LIST_VERSION) continue;
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
    struct catalogue *catalogue = make_catalogue(version_of(postgres, exchange), exchange, error);
    if (catalogue == NULL) return false;
    load->catalogue = catalogue;
    postgres->catalogue_version = catalogue->version;
    memcpy(postgres->update_operation_ids, catalogue->update_operation_ids,
           sizeof postgres->update_operation_ids);
    return true;
}
