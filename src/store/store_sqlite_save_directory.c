#include <sqlite3.h>

#include "store/store_directory.h"
#include "store/store_sqlite.h"

/* One operation's rows: each kind in the order in which rows refer to each other. What is deleted
 * for good is referred to by nothing. */

static void put_column(struct row *row, enum directory_column_type type, const void *from) {
    switch (type) {
    case COLUMN_UUID: row_put_uuid(row, from); break;
    case COLUMN_UUID_OR_NULL: row_put_uuid_or_null(row, from); break;
    case COLUMN_TEXT: row_put_text(row, *(const struct text *)from); break;
    case COLUMN_TIME:
    case COLUMN_INTEGER: row_put_integer(row, *(const int64_t *)from); break;
    case COLUMN_ENUM: row_put_integer(row, *(const unsigned *)from); break;
    case COLUMN_BOOLEAN: row_put_integer(row, *(const bool *)from); break;
    case COLUMN_HASH: row_put_hash(row, from); break;
    case COLUMN_END: break;
    }
}

static void put_row(struct row *row, enum directory_kind kind, const void *from) {
    for (const struct directory_column *column = directory_columns[kind];
         column->type != COLUMN_END; column++)
        put_column(row, column->type, (const char *)from + column->at);
}

static int write_details(struct store_sqlite *sqlite, const struct cloud_quota_row *quota) {
    struct row row;
    row_open(&row, &sqlite->statements, DELETE_QUOTA_DETAILS);
    row_put_uuid(&row, &quota->id);
    int code = row_run(&row);
    for (size_t i = 0; code == SQLITE_OK && i < quota->detail_count; i++) {
        row_open(&row, &sqlite->statements, INSERT_QUOTA_DETAIL);
        row_put_uuid(&row, &quota->id);
        row_put_integer(&row, (int64_t)i);
        row_put_uuid(&row, &quota->details[i].id);
        row_put_text(&row, quota->details[i].metric);
        row_put_amount(&row, quota->details[i].ceiling);
        code = row_run(&row);
    }
    return code;
}

static int write_row(struct store_sqlite *sqlite, enum directory_kind kind,
                     const struct directory_row *from) {
    struct row row;
    bool is_deletion = from->state == ROW_DELETED;
    row_open(&row, &sqlite->statements,
             (enum statement_id)((is_deletion ? DELETE_DIRECTORY : PUT_DIRECTORY) + (int)kind));
    if (is_deletion) {
        row_put_uuid(&row, &from->id);
        return store_sqlite_run_one(&row);
    }
    put_row(&row, kind, from);
    int code = store_sqlite_run_one(&row);
    const struct cloud_quota_row *quota = (const void *)from;
    if (code == SQLITE_OK && kind == DIRECTORY_QUOTAS && quota->replaces_details)
        code = write_details(sqlite, quota);
    return code;
}

int store_sqlite_write_directory(struct store_sqlite *sqlite, const struct changes *changes) {
    struct row row;
    row_open(&row, &sqlite->statements, NEXT_DIRECTORY_VERSION);
    row_put_integer(&row, changes->directory_version);
    int code = store_sqlite_run_one(&row);
    if (code == SQLITE_NOTFOUND) return SQLITE_BUSY_SNAPSHOT;
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++) {
        const struct change_list *list = &changes->directory[kind];
        for (size_t i = 0; code == SQLITE_OK && i < list->count; i++)
            code = write_row(sqlite, (enum directory_kind)kind, list->rows[i]);
    }
    return code;
}
