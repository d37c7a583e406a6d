/* store_rows.h: whole tables in and out of a store, for copying and for verifying; servers do not
 * use it. Rows go one by one, so memory is bounded whatever the size of a table.
 *
 * Reading: one transaction, from one snapshot, beside a server that runs. Nothing is altered and no
 *          lock is held that a server would wait for.
 * Filling: one transaction, on a store that was brought up to date first and that no other program
 *          writes meanwhile; it reads what it has written. Without a commit nothing is altered.
 * One query at a time; it is read to its end before the next one.
 * Errors:  a code and a text without database text; the details are in the log. */
#ifndef QMS_STORE_STORE_ROWS_H
#define QMS_STORE_STORE_ROWS_H

#include "base/error.h"
#include "base/uuid.h"

enum { ROWS_COLUMNS_MAX = 16 };

/* A value of a column, by the letter of the column:
 *   u identifier   i integer   b boolean   z time in microseconds, INT64_MIN and _MAX: infinite
 *   t text   w text that says who wrote the row   a amount, every digit   h bytes */
struct rows_value {
    bool is_null;
    bool is_broken;    /* read: there is something that is none of its kind; zero stands for it */
    struct uuid uuid;  /* u */
    int64_t integer;   /* i b z */
    struct text text;  /* t w a h; what was read is valid until the next row is */
};

/* A table, under the name and with the columns it has in PostgreSQL. */
struct rows_table {
    const char *name;         /* for people */
    const char *letters, *columns;
    bool is_seeded;           /* every database begins with some rows of it; they are replaced */
    const char *order;        /* in which rows are read where the store has no order of its own */
    const char *postgres;     /* with its schema */
    const char *postgres_where;              /* "" */
    const char *sqlite_from;  /* NULL: as the columns say */
    const char *sqlite_into;  /* NULL: as the columns say */
};

/* All there is to copy; what comes first is referred to by what follows. */
extern const struct rows_table rows_tables[];
extern const size_t rows_table_count;

struct store_rows;

struct rows_ops {
    /* A query in SQL that every store understands: @table is a table of the data model, ? is the
     * moment given. letters: of its columns. */
    bool (*query)(struct store_rows *rows, const char *sql, const char *letters, int64_t moment_us,
                  struct qms_error *error);
    /* Only a table that the store has. */
    bool (*read)(struct store_rows *rows, const struct rows_table *table, struct qms_error *error);
    /* False: it is to be read, and no qms has used the database yet. */
    bool (*has)(struct store_rows *rows, const struct rows_table *table);
    /* *more false: that was the last row. */
    bool (*next)(struct store_rows *rows, struct rows_value *values, bool *more,
                 struct qms_error *error);

    /* Filling: begin, put row by row, end. */
    bool (*clear)(struct store_rows *rows, const struct rows_table *table,
                  struct qms_error *error);
    bool (*put_begin)(struct store_rows *rows, const struct rows_table *table,
                      struct qms_error *error);
    bool (*put)(struct store_rows *rows, const struct rows_value *values, struct qms_error *error);
    bool (*put_end)(struct store_rows *rows, struct qms_error *error);
    /* latest_us: the latest time among the rows. OUTCOME_UNKNOWN: the answer was lost. */
    bool (*commit)(struct store_rows *rows, int64_t latest_us, struct qms_error *error);

    void (*close)(struct store_rows *rows); /* rolls back what was not committed */
};

struct store_rows {
    const struct rows_ops *ops;
    int64_t now_us;          /* of the store's clock, when the transaction began */
    bool keeps_writers;      /* filling: columns w become what is put; else the store sets them */
    char place[160];         /* what people know the store by; without a password */
};

/* NULL with an error. To be filled: created if need be, and brought up to date. */
struct store_rows *store_rows_open(const char *url, bool fills, struct qms_error *error);

/* One per back end. */
struct store_rows *store_sqlite_rows_open(const char *url, bool fills, struct qms_error *error);
struct store_rows *store_postgres_rows_open(const char *url, bool fills, struct qms_error *error);

enum { ROWS_SQL_BYTES_MAX = 4096 };

/* The SQL of query() in a store's own words. */
void rows_expand(const char *sql, const char *schema, const char *parameter,
                 char out[ROWS_SQL_BYTES_MAX]);
/* "SELECT columns FROM name", amounts as text. */
void rows_select(const struct rows_table *table, const char *name, char out[ROWS_SQL_BYTES_MAX]);

#endif
