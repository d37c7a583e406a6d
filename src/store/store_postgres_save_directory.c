#include <assert.h>

#include "store/store_directory.h"
#include "store/store_postgres.h"

/* One operation's rows: each kind in the order in which rows refer to each other, and of each kind
 * first those that go: they may hold what another is to have (a default, a name). */

enum { VERSION_DETAILS_REPLAYS_BATCH_COMMIT = 6 };
static_assert((int)EXCHANGE_STATEMENTS_MAX >=
                  2 * (int)DIRECTORY_KIND_COUNT + (int)VERSION_DETAILS_REPLAYS_BATCH_COMMIT,
              "rows of every kind can come and go in one exchange");

static void put_uuid_or_null(struct parameters *row, const struct uuid *uuid) {
    if (uuid_is_nil(uuid)) put_null(row);
    else put_uuid(row, uuid);
}

static void put_column(struct parameters *row, enum directory_column_type type,
                       const void *from) {
    switch (type) {
    case COLUMN_UUID: put_uuid(row, from); break;
    case COLUMN_UUID_OR_NULL: put_uuid_or_null(row, from); break;
    case COLUMN_TEXT: put_text(row, *(const struct text *)from); break;
    case COLUMN_TIME: put_time(row, *(const int64_t *)from); break;
    case COLUMN_INTEGER: put_integer(row, *(const int64_t *)from); break;
    case COLUMN_ENUM: put_integer(row, *(const unsigned *)from); break;
    case COLUMN_BOOLEAN: put_boolean(row, *(const bool *)from); break;
    case COLUMN_HASH: put_hash(row, from); break;
    case COLUMN_END: break;
    }
}

static void put_row(struct parameters *row, enum directory_kind kind, const void *from) {
    for (const struct directory_column *column = directory_columns[kind];
         column->type != COLUMN_END; column++)
        put_column(row, column->type, (const char *)from + column->at);
}

static void write_details(struct store_postgres *postgres, struct exchange *exchange,
                          const struct change_list *list) {
    struct parameters deleted, inserted;
    parameters_open(&deleted, &postgres->arena, PG_DELETE_QUOTA_DETAILS);
    parameters_open(&inserted, &postgres->arena, PG_INSERT_QUOTA_DETAILS);
    for (size_t i = 0; i < list->count; i++) {
        const struct cloud_quota_row *quota = list->rows[i];
        if (quota->state == ROW_DELETED || !quota->replaces_details) continue;
        put_uuid(&deleted, &quota->id);
        for (size_t j = 0; j < quota->detail_count; j++) {
            put_uuid(&inserted, &quota->id);
            put_integer(&inserted, (int64_t)j);
            put_uuid(&inserted, &quota->details[j].id);
            put_text(&inserted, quota->details[j].metric);
            put_amount(&inserted, quota->details[j].ceiling);
        }
    }
    exchange_add_rows(exchange, PG_DELETE_QUOTA_DETAILS, &deleted);
    exchange_add_rows(exchange, PG_INSERT_QUOTA_DETAILS, &inserted);
}

static void write_kind(struct store_postgres *postgres, struct exchange *exchange,
                       enum directory_kind kind, const struct change_list *list) {
    enum postgres_statement put_id = (enum postgres_statement)(PG_PUT_DIRECTORY + (int)kind);
    enum postgres_statement delete_id = (enum postgres_statement)(PG_DELETE_DIRECTORY + (int)kind);
    struct parameters put, deleted;
    parameters_open(&put, &postgres->arena, put_id);
    parameters_open(&deleted, &postgres->arena, delete_id);
    for (size_t i = 0; i < list->count; i++) {
        const struct directory_row *row = list->rows[i];
        if (row->state == ROW_DELETED) put_uuid(&deleted, &row->id);
        else put_row(&put, kind, row);
    }
    exchange_add_rows(exchange, delete_id, &deleted);
    exchange_add_rows(exchange, put_id, &put);
}

void store_postgres_write_directory(struct store_postgres *postgres, struct exchange *exchange,
                                    const struct changes *changes) {
    struct parameters version;
    parameters_open(&version, &postgres->arena, PG_NEXT_DIRECTORY_VERSION);
    put_integer(&version, changes->directory_version);
    exchange_add(exchange, PG_NEXT_DIRECTORY_VERSION, &version);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        const struct change_list *list = &changes->directory[kind];
        if (list->count == 0) continue;
        write_kind(postgres, exchange, (enum directory_kind)kind, list);
        if (kind == DIRECTORY_QUOTAS) write_details(postgres, exchange, list);
    }
}
