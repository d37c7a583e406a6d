/* table.h: what people read on a terminal: columns that line up, bars, colours.
 * Text from a server is made harmless: no control character of it reaches the terminal.
 * Width:     in columns of the terminal, by characters, not bytes.
 * Ownership: cells are copied into the arena given; the table lives as long. */
#ifndef QMS_CLI_TABLE_H
#define QMS_CLI_TABLE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buffer.h"

/* What an output can show. */
struct table_style {
    bool has_colour; /* a terminal, TERM is not "dumb", NO_COLOR is unset or empty */
    bool is_utf8;    /* the locale's; else bars are drawn with ASCII */
};

struct table_style table_style_of(FILE *out);

enum table_colour { TABLE_PLAIN, TABLE_BOLD, TABLE_DIM, TABLE_RED, TABLE_YELLOW, TABLE_GREEN };

struct table_column {
    const char *title; /* "" for a column without one */
    bool is_right;     /* aligned at the right: numbers */
};

struct table_cell {
    struct text text;
    size_t width;
    enum table_colour colour;
};

struct table {
    struct arena *arena;
    const struct table_column *columns;
    size_t column_count;
    struct table_cell *cells; /* row by row */
    size_t count, capacity;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count,
                struct arena *arena);
void table_close(struct table *table);

/* The next cell, from left to right and then the next row. */
void table_put(struct table *table, struct text text, enum table_colour colour);

/* The table, with its titles unless all are empty. Only whole rows may have been put. */
void table_write(const struct table *table, struct table_style style, FILE *out);

/* Text on its own, in a colour if there are colours. */
void table_write_text(struct text text, enum table_colour colour, struct table_style style,
                      FILE *out);

/* A bar of so many columns, filled by the part: empty only at 0, full only from 1. */
void table_bar(struct buffer *out, double part, size_t columns, struct table_style style);

/* A copy whose control characters and broken bytes are '?'. */
struct text table_printable(struct arena *arena, struct text text);

#endif
