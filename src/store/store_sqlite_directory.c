#include <sqlite3.h>

#include "base/log.h"
#include "store/store_directory.h"
#include "store/store_sqlite.h"

/* The directory, read whole: each kind by one statement, whose rows are copied at once. */

static void read_column(struct row *row, enum directory_column_type type, void *into) {
    switch (type) {
    case COLUMN_UUID: *(struct uuid *)into = row_uuid(row); break;
    case COLUMN_UUID_OR_NULL: *(struct uuid *)into = row_uuid_or_null(row); break;
    case COLUMN_TEXT: *(struct text *)into = row_text(row); break;
    case COLUMN_TIME:
    case COLUMN_INTEGER: *(int64_t *)into = row_integer(row); break;
    case COLUMN_ENUM: *(unsigned *)into = (unsigned)row_integer(row); break;
    case COLUMN_BOOLEAN: *(bool *)into = row_boolean(row); break;
    case COLUMN_HASH: row_hash(row, into); break;
    case COLUMN_END: break;
    }
}

static void read_detail(struct row *row, struct listed_row *listed) {
    bool inexact;
    listed->has_detail = row_integer(row) != 0;
    if (!listed->has_detail) return;
    listed->detail.id = row_uuid(row);
    listed->detail.metric = row_text(row);
    listed->detail.ceiling = row_amount(row, &inexact);
    if (inexact) row->broken = true;
}

static void read_row(struct row *row, enum directory_kind kind, struct listed_row *listed) {
    memset(listed, 0, sizeof *listed);
    for (const struct directory_column *column = directory_columns[kind];
         column->type != COLUMN_END; column++)
        read_column(row, column->type, (char *)&listed->row + column->at);
    if (kind == DIRECTORY_QUOTAS) read_detail(row, listed);
}

/* One broken row spoils the whole: leaving it out would change who may do what. */
static bool load_kind(struct store_sqlite *sqlite, struct directory_loading *loading,
                      enum directory_kind kind, struct qms_error *error) {
    struct row row;
    struct listed_row listed;
    size_t count = 0;
    bool broken = false;
    row_open(&row, &sqlite->statements, (enum statement_id)(LIST_DIRECTORY + (int)kind));
    while (!broken && row_next(&row)) {
        read_row(&row, kind, &listed);
        broken = row.broken;
        if (!broken) directory_loading_take(loading, kind, &listed);
        count++;
    }
    int code = row_close(&row);
    if (code != SQLITE_OK)
        return store_sqlite_fail(sqlite->connection, code, "load the directory", error);
    if (!broken) return true;
    log_format(LOG_ERROR, "store: row %zu of the directory's table %d cannot be read", count,
               (int)kind);
    return qms_fail_code(error, QMS_INTERNAL);
}

static struct directory *load_all(struct store_sqlite *sqlite, int64_t version,
                                  struct qms_error *error) {
    struct directory_loading loading;
    bool loaded = true;
    directory_loading_open(&loading, version);
    for (int kind = 0; loaded && kind < DIRECTORY_KIND_COUNT; kind++)
        loaded = load_kind(sqlite, &loading, (enum directory_kind)kind, error);
    struct directory *directory = loaded ? directory_loading_finish(&loading, error) : NULL;
    directory_loading_close(&loading);
    return directory;
}

bool store_sqlite_load_directory(struct store_sqlite *sqlite, struct store_load *load,
                                 struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, DIRECTORY_VERSION);
    int64_t version = row_next(&row) ? row_integer(&row) : -1;
    int code = row_close(&row);
    if (code != SQLITE_OK)
        return store_sqlite_fail(sqlite->connection, code, "read the directory's version", error);
    load->directory = NULL;
    if (version == load->directory_version && version == sqlite->directory_version) return true;
    load->directory = load_all(sqlite, version, error);
    if (load->directory == NULL) return false;
    sqlite->directory_version = version;
    return true;
}
