#include "base/log.h"
#include "store/store_directory.h"
#include "store/store_postgres.h"

/* The directory, read whole in one round trip; its version is asked for with every load. */

enum { LOAD_ATTEMPTS_MAX = 4 };

static void read_column(struct postgres_row *row, enum directory_column_type type, void *into) {
    switch (type) {
    case COLUMN_UUID:
    case COLUMN_UUID_OR_NULL: *(struct uuid *)into = get_uuid(row); break;
    case COLUMN_TEXT: *(struct text *)into = get_text(row); break;
    case COLUMN_TIME: *(int64_t *)into = get_time(row); break;
    case COLUMN_INTEGER: *(int64_t *)into = get_integer(row); break;
    case COLUMN_ENUM: *(unsigned *)into = (unsigned)get_integer(row); break;
    case COLUMN_BOOLEAN: *(bool *)into = get_boolean(row); break;
    case COLUMN_HASH: get_hash(row, into); break;
    case COLUMN_END: break;
    }
}

static void read_detail(struct postgres_row *row, struct listed_row *listed) {
    bool inexact;
    listed->has_detail = get_boolean(row);
    if (!listed->has_detail) return;
    listed->detail.id = get_uuid(row);
    listed->detail.metric = get_text(row);
    listed->detail.ceiling = get_amount(row, &inexact);
    if (inexact) row->broken = true;
}

static void read_row(struct postgres_row *row, enum directory_kind kind,
                     struct listed_row *listed) {
    memset(listed, 0, sizeof *listed);
    for (const struct directory_column *column = directory_columns[kind];
         column->type != COLUMN_END; column++)
        read_column(row, column->type, (char *)&listed->row + column->at);
    if (kind == DIRECTORY_QUOTAS) read_detail(row, listed);
}

/* One broken row spoils the whole: leaving it out would change who may do what. */
static bool take_kind(struct directory_loading *loading, enum directory_kind kind,
                      const struct exchange *exchange, struct qms_error *error) {
    struct postgres_row row;
    struct listed_row listed;
    exchange_rows(exchange, (enum postgres_statement)(PG_LIST_DIRECTORY + (int)kind), &row);
    while (row_take(&row)) {
        read_row(&row, kind, &listed);
        if (row.broken) {
            log_format(LOG_ERROR, "store: row %d of the directory's table %d cannot be read",
                       row.number + 1, (int)kind);
            return qms_fail_code(error, QMS_INTERNAL);
        }
        directory_loading_take(loading, kind, &listed);
    }
    return true;
}

static struct directory *take_all(int64_t version, const struct exchange *exchange,
                                  struct qms_error *error) {
    struct directory_loading loading;
    bool taken = true;
    directory_loading_open(&loading, version);
    for (int kind = 0; taken && kind < DIRECTORY_KIND_COUNT; kind++)
        taken = take_kind(&loading, (enum directory_kind)kind, exchange, error);
    struct directory *directory = taken ? directory_loading_finish(&loading, error) : NULL;
    directory_loading_close(&loading);
    return directory;
}

static int64_t version_in(const struct exchange *exchange, enum postgres_statement id) {
    struct postgres_row row;
    exchange_rows(exchange, id, &row);
    return row_take(&row) ? get_integer(&row) : -1;
}

void store_postgres_see_directory(struct store_postgres *postgres,
                                  const struct exchange *exchange) {
    postgres->directory_seen = version_in(exchange, PG_DIRECTORY_VERSION);
}

static bool ask_all(struct store_postgres *postgres, struct exchange *exchange) {
    exchange_begin(exchange, postgres->writes);
    exchange_add(exchange, PG_DIRECTORY_VERSION, NULL);
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++)
        exchange_add(exchange, (enum postgres_statement)(PG_LIST_DIRECTORY + kind), NULL);
    exchange_add(exchange, PG_DIRECTORY_VERSION_AGAIN, NULL);
    return exchange_run(exchange, "load the directory");
}

/* False with *again: somebody else changed it between two of the statements. */
static bool load_directory(struct store_postgres *postgres, struct store_load *load, bool *again,
                           struct qms_error *error) {
    struct exchange exchange;
    struct directory *directory = NULL;
    *again = false;
    exchange_open(&exchange, &postgres->session);
    if (!ask_all(postgres, &exchange)) {
        store_postgres_fail(postgres, &exchange, error);
    } else {
        int64_t version = version_in(&exchange, PG_DIRECTORY_VERSION);
        *again = version != version_in(&exchange, PG_DIRECTORY_VERSION_AGAIN);
        if (!*again) directory = take_all(version, &exchange, error);
        if (directory != NULL) postgres->directory_version = version;
    }
    exchange_close(&exchange);
    if (directory != NULL) load->directory = directory;
    return directory != NULL;
}

bool store_postgres_load_directory(struct store_postgres *postgres, struct store_load *load,
                                   struct qms_error *error) {
    bool again = true, loaded = false;
    if (postgres->directory_seen == load->directory_version &&
        postgres->directory_seen == postgres->directory_version)
        return true;
    for (int i = 0; i < LOAD_ATTEMPTS_MAX && again && !loaded; i++)
        loaded = load_directory(postgres, load, &again, error);
    if (!loaded && again) qms_fail_code(error, QMS_UNAVAILABLE);
    if (!loaded) session_rollback(&postgres->session);
    return loaded;
}
