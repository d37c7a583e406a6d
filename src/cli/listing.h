/* listing.h: rows of an answer for people (a table), for programs (JSON) or for spreadsheets (CSV).
 * Numbers are exact in all three: in tables and CSV as plain decimal digits, in JSON as sent.
 * What is complete in JSON and CSV is written at once; a table needs all its rows to line up. */
#ifndef QMS_CLI_LISTING_H
#define QMS_CLI_LISTING_H

#include "cli/answer.h"
#include "cli/table.h"

enum { LISTING_COLUMNS_MAX = 12 };

enum listing_kind {
    LISTING_TEXT,
    LISTING_AMOUNT,
    LISTING_BOOL, /* yes, no; in CSV true, false */
    LISTING_DATE, /* a table shows only the day */
    LISTING_TIME, /* a table shows "2026-08-12 10:00:00" */
};

struct listing_column {
    const char *title; /* NULL ends the list of columns */
    const char *path;  /* "rate|quota_value": of the first of these members that is there */
    enum listing_kind kind;
    bool is_extra;     /* not in tables: what only programs want */
    /* Instead of path: what the cell says. */
    struct text (*cell)(struct text row, struct arena *arena);
};

enum listing_format { LISTING_TABLE, LISTING_JSON, LISTING_CSV };

struct listing {
    const struct listing_column *columns;
    enum listing_format format;
    struct arena *arena; /* of the table's cells */
    struct table table;
    struct table_column *titles;
    struct buffer out;
    size_t row_count;
};

void listing_begin(struct listing *listing, const struct listing_column *columns,
                   enum listing_format format, struct arena *arena);
void listing_put(struct listing *listing, struct text row, struct arena *arena); /* scratch */
void listing_flush(struct listing *listing, FILE *out);
/* The end of the output; none is what a table without rows says. */
void listing_end(struct listing *listing, const char *none, FILE *out);
void listing_close(struct listing *listing);

/* "2.50" as "2.5", "1e+21" as its digits; what is no amount stays as it is. */
struct text listing_amount(struct text number, struct arena *arena);

#endif
