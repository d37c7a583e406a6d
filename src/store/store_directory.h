/* store_directory.h: what the stores share of the directory: which members of its rows are columns,
 * and how a directory is put together from the rows that a store lists.
 * Invariant:  columns come in the order of the statements that list and put the rows; the
 *             signatures of the statements say their types once more.
 * Ownership:  what is taken is copied. */
#ifndef QMS_STORE_STORE_DIRECTORY_H
#define QMS_STORE_STORE_DIRECTORY_H

#include "base/error.h"
#include "domain/directory.h"

enum directory_column_type {
    COLUMN_END,          /* of the columns of a kind */
    COLUMN_UUID,
    COLUMN_UUID_OR_NULL, /* nil is null */
    COLUMN_TEXT,
    COLUMN_TIME,         /* int64_t */
    COLUMN_INTEGER,      /* int64_t */
    COLUMN_ENUM,         /* an integer in the store */
    COLUMN_BOOLEAN,
    COLUMN_HASH,
};

struct directory_column {
    enum directory_column_type type;
    size_t at; /* of its member in the row */
};

enum { DIRECTORY_COLUMNS_MAX = 9 };

extern const struct directory_column
    directory_columns[DIRECTORY_KIND_COUNT][DIRECTORY_COLUMNS_MAX + 1];

/* A row as it is listed; a quota once for each of its details, one after the other. */
struct listed_row {
    union {
        struct organization_row organization;
        struct cloud_user_row user;
        struct role_binding_row binding;
        struct api_key_row key;
        struct connection_row connection;
        struct cloud_quota_row quota;
        struct assignment_row assignment;
        struct environment_row environment;
        struct task_row task;
    } row;
    bool has_detail; /* of a quota */
    struct quota_detail detail;
};

struct directory_loading {
    struct directory *directory;
    struct arena arena; /* of the quota whose details come in */
    struct cloud_quota_row quota;
    struct quota_detail *details;
    size_t capacity;
    bool has_quota;
};

void directory_loading_open(struct directory_loading *loading, int64_t version);
void directory_loading_take(struct directory_loading *loading, enum directory_kind kind,
                            const struct listed_row *listed);
/* The directory, which is the caller's; NULL when its rows do not fit together: an error, with the
 * row in the log. */
struct directory *directory_loading_finish(struct directory_loading *loading,
                                           struct qms_error *error);
void directory_loading_close(struct directory_loading *loading); /* also of an unfinished one */

#endif
