/* options.h: settings as a table: one row says everything about one of them.
 * Sources:  the row's default, then layers in the order given (a settings file, the environment),
 *           then the command line; the later one wins.
 * Ownership: texts point into argv, the environment or the arena given, and live as long. */
#ifndef QMS_BASE_OPTIONS_H
#define QMS_BASE_OPTIONS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

enum option_type {
    OPTION_TEXT,     /* const char *; NULL while nothing set it */
    OPTION_TEXTS,    /* struct option_texts: a repeated flag, or values with commas between,
                        beside which blanks do not count */
    OPTION_UNSIGNED, /* uint64_t, from minimum to maximum */
    OPTION_BOOL,     /* bool: --flag, --no-flag, --flag=true, --flag=false */
};

enum { OPTION_TEXTS_MAX = 32, OPTION_ROWS_MAX = 64 };

struct option_texts {
    const char *items[OPTION_TEXTS_MAX + 1]; /* ends with NULL */
    size_t count;
};

struct option_row {
    const char *name;        /* in a settings file: "store.url"; "-..." is not for files */
    const char *flag;        /* without its dashes: "store"; NULL: not on the command line. A row
                                without one is another name of the row with the same place */
    const char *environment; /* "QMS_STORE_URL"; NULL: not in the environment */
    enum option_type type;
    size_t place;            /* offsetof() in the structure that options_parse() fills */
    const char *fallback;    /* the default, as text; NULL: zero */
    const char *value;       /* what help calls the value: "URL"; NULL for a switch */
    const char *help;        /* one sentence */
    uint64_t minimum, maximum; /* OPTION_UNSIGNED */
};

/* A table ends with this row. */
#define OPTION_END {.name = NULL}

/* The source of the environment; NULL as getenv(). Tests bring their own. */
typedef const char *option_environment(const char *name);

/* Fills the structure at settings. What is no option is moved to the front of arguments, and *count
 * becomes their number; "--" ends the options; "-" and a negative number are none. */
QMS_MUST_CHECK bool options_parse(const struct option_row *table, void *settings, int *count,
                                  char **arguments, option_environment *environment,
                                  struct arena *arena, struct qms_error *error);

/* A source of values that are looked up by row. */
struct option_layer {
    /* *value stays NULL when the row is not set here; *origin says where it was found, for people.
     * False: what is there can be no value. */
    bool (*find)(void *context, const struct option_row *row, struct arena *arena,
                 const char **value, const char **origin, struct qms_error *error);
    void *context;
};

/* Where a value comes from, by row: only the row that set it has an origin. */
struct option_origins {
    const char *text[OPTION_ROWS_MAX];
    size_t rank[OPTION_ROWS_MAX]; /* 0: the default; the number of the layer; beyond: the line */
};

/* As options_parse(), with these layers in place of the environment. origins may be NULL. */
QMS_MUST_CHECK bool options_parse_layers(const struct option_row *table, void *settings,
                                         const struct option_layer *layers, size_t layer_count,
                                         struct option_origins *origins, int *count,
                                         char **arguments, struct arena *arena,
                                         struct qms_error *error);

/* The value as text; an empty text for none. */
struct text option_text(const struct option_row *row, const void *settings, struct arena *arena);

/* The table as a table in Markdown. */
void options_markdown(const struct option_row *table, FILE *out);

/* The table for people: flag, sentence, default and variable of each row that has a flag, and the
 * variables that have none. */
void options_help(const struct option_row *table, FILE *out);

#endif
