#include "base/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/nearest.h"

enum { HELP_INDENT = 6, HELP_COLUMNS = 80 };

static size_t table_count(const struct option_row *table) {
    size_t count = 0;
    while (table[count].name != NULL)
        count++;
    assert(count <= OPTION_ROWS_MAX);
    return count;
}

static const char *environment_of_process(const char *name) {
    return getenv(name);
}

static void *place_of(const struct option_row *row, void *settings) {
    return (char *)settings + row->place;
}

static bool set_unsigned(const struct option_row *row, uint64_t *place, const char *value,
                         const char *origin, struct qms_error *error) {
    uint64_t number = 0;
    const char *at = value;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10) break;
        number = number * 10 + digit;
    }
    if (at == value || *at != '\0' || number < row->minimum || number > row->maximum)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", origin,
                        row->minimum, row->maximum, value);
    *place = number;
    return true;
}

static bool set_bool(bool *place, const char *value, const char *origin, struct qms_error *error) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true}, {"false", false}, {"1", true}, {"0", false}, {"yes", true}, {"no", false},
        {"on", true},   {"off", false},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!text_equal_nocase(text_of(value), text_of(words[i].word))) continue;
        *place = words[i].value;
        return true;
    }
    return qms_fail(error, QMS_BAD_REQUEST, "%s is true or false, not '%s'", origin, value);
}

/* Without the blanks around it. */
static struct text item_trimmed(struct text item) {
    while (item.length > 0 && strchr(" \t", item.data[0]) != NULL) item.data++, item.length--;
    while (item.length > 0 && strchr(" \t", item.data[item.length - 1]) != NULL) item.length--;
    return item;
}

static bool add_texts(struct option_texts *place, const char *value, const char *origin,
                      struct arena *arena, struct qms_error *error) {
    for (const char *at = value;;) {
        size_t length = strcspn(at, ",");
        struct text item = item_trimmed((struct text){.data = at, .length = length});
        if (item.length > 0) {
            if (place->count == OPTION_TEXTS_MAX)
                return qms_fail(error, QMS_BAD_REQUEST, "%s takes at most %d values", origin,
                                OPTION_TEXTS_MAX);
            place->items[place->count++] = arena_text(arena, item).data;
            place->items[place->count] = NULL;
        }
        if (at[length] == '\0') return true;
        at += length + 1;
    }
}

/* Origin ("--listen", "QMS_LISTEN") is for the error. */
static bool set(const struct option_row *row, void *settings, const char *value, const char *origin,
                struct arena *arena, struct qms_error *error) {
    void *place = place_of(row, settings);
    switch (row->type) {
    case OPTION_TEXT: *(const char **)place = value; return true;
    case OPTION_TEXTS: return add_texts(place, value, origin, arena, error);
    case OPTION_UNSIGNED: return set_unsigned(row, place, value, origin, error);
    case OPTION_BOOL: return set_bool(place, value, origin, error);
    }
    assert(false);
    return false;
}

static bool set_fallbacks(const struct option_row *table, void *settings, struct arena *arena,
                          struct qms_error *error) {
    for (const struct option_row *row = table; row->name != NULL; row++)
        if (row->fallback != NULL &&
            !set(row, settings, row->fallback, row->name, arena, error))
            return false;
    return true;
}

/* A later source replaces a list, it does not add to it. */
static void clear_texts(const struct option_row *row, void *settings) {
    if (row->type == OPTION_TEXTS)
        *(struct option_texts *)place_of(row, settings) = (struct option_texts){.count = 0};
}

static void note_origin(const struct option_row *table, const struct option_row *row,
                        struct option_origins *origins, const char *text, size_t rank) {
    if (origins == NULL) return;
    for (size_t i = 0; table[i].name != NULL; i++) {
        if (table[i].place != row->place) continue;
        origins->text[i] = &table[i] == row ? text : NULL;
        origins->rank[i] = rank;
    }
}

static bool set_from_layer(const struct option_row *table, void *settings,
                           const struct option_layer *layer, size_t rank,
                           struct option_origins *origins, struct arena *arena,
                           struct qms_error *error) {
    for (const struct option_row *row = table; row->name != NULL; row++) {
        const char *value = NULL, *origin = NULL;
        if (!layer->find(layer->context, row, arena, &value, &origin, error)) return false;
        if (value == NULL || *value == '\0') continue;
        clear_texts(row, settings);
        if (!set(row, settings, value, origin, arena, error)) return false;
        note_origin(table, row, origins, origin, rank);
    }
    return true;
}

/* The command line while it is read. */
struct line {
    const struct option_row *table;
    void *settings;
    char **arguments;
    int count, at;
    bool given[OPTION_ROWS_MAX]; /* by row: this command line has set it already */
    struct option_origins *origins;
    size_t rank;
    struct arena *arena;
};

/* The row that an argument "--flag", "--no-flag" or "--flag=value" names, or NULL. */
static const struct option_row *line_find(const struct line *line, struct text flag,
                                          bool *negated) {
    for (const struct option_row *row = line->table; row->name != NULL; row++) {
        if (row->flag == NULL) continue;
        *negated = false;
        if (text_equal(flag, text_of(row->flag))) return row;
        if (row->type != OPTION_BOOL || flag.length < 3 || memcmp(flag.data, "no-", 3) != 0)
            continue;
        *negated = true;
        struct text rest = {.data = flag.data + 3, .length = flag.length - 3};
        if (text_equal(rest, text_of(row->flag))) return row;
    }
    return NULL;
}

static bool refuse_unknown(const struct line *line, struct text option, struct qms_error *error) {
    const char *flags[OPTION_ROWS_MAX], *nearest = NULL;
    size_t count = 0;
    for (const struct option_row *row = line->table; row->name != NULL; row++)
        if (row->flag != NULL) flags[count++] = row->flag;
    if (option.length > 2) nearest = nearest_word(option.data + 2, flags, count);
    if (nearest == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "unknown option %s", option.data);
    return qms_fail(error, QMS_BAD_REQUEST, "unknown option %s; did you mean --%s?", option.data,
                    nearest);
}

/* Takes the option at line->at, with its value when that is an argument of its own. */
static bool line_take(struct line *line, struct qms_error *error) {
    const char *argument = line->arguments[line->at++];
    size_t name_length = strcspn(argument, "=");
    struct text origin = arena_text(line->arena, (struct text){argument, name_length});
    const char *value = argument[name_length] == '=' ? argument + name_length + 1 : NULL;

    bool negated = false;
    const struct option_row *row = NULL;
    if (name_length > 2 && argument[1] == '-')
        row = line_find(line, (struct text){argument + 2, name_length - 2}, &negated);
    if (row == NULL) return refuse_unknown(line, origin, error);
    if (negated && value != NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "%s takes no value", origin.data);
    if (value == NULL && row->type == OPTION_BOOL) value = negated ? "false" : "true";
    if (value == NULL) {
        if (line->at == line->count)
            return qms_fail(error, QMS_BAD_REQUEST, "%s needs a value (%s)", origin.data,
                            row->value);
        value = line->arguments[line->at++];
    }
    if (!line->given[row - line->table]) clear_texts(row, line->settings);
    line->given[row - line->table] = true;
    note_origin(line->table, row, line->origins, origin.data, line->rank);
    return set(row, line->settings, value, origin.data, line->arena, error);
}

/* No flag begins with a digit: "-5" is a value. */
static bool is_option(const char *argument) {
    if (argument[0] != '-' || argument[1] == '\0') return false;
    bool is_number = (argument[1] >= '0' && argument[1] <= '9') || argument[1] == '.';
    return !is_number;
}

static bool set_from_line(struct line *line, int *operand_count, struct qms_error *error) {
    bool options_over = false;
    while (line->at < line->count) {
        char *argument = line->arguments[line->at];
        if (options_over || !is_option(argument)) {
            line->arguments[(*operand_count)++] = argument;
            line->at++;
        } else if (strcmp(argument, "--") == 0) {
            options_over = true;
            line->at++;
        } else if (!line_take(line, error)) {
            return false;
        }
    }
    return true;
}

bool options_parse_layers(const struct option_row *table, void *settings,
                          const struct option_layer *layers, size_t layer_count,
                          struct option_origins *origins, int *count, char **arguments,
                          struct arena *arena, struct qms_error *error) {
    assert(table_count(table) <= OPTION_ROWS_MAX);
    struct line line = {.table = table,
                        .settings = settings,
                        .arguments = arguments,
                        .count = *count,
                        .origins = origins,
                        .rank = layer_count + 1,
                        .arena = arena};
    *count = 0;
    if (origins != NULL) *origins = (struct option_origins){0};
    if (!set_fallbacks(table, settings, arena, error)) return false;
    for (size_t i = 0; i < layer_count; i++)
        if (!set_from_layer(table, settings, &layers[i], i + 1, origins, arena, error))
            return false;
    return set_from_line(&line, count, error);
}

static bool find_in_environment(void *context, const struct option_row *row, struct arena *arena,
                                const char **value, const char **origin, struct qms_error *error) {
    option_environment *const *environment = context;
    (void)arena, (void)error;
    *origin = row->environment;
    if (row->environment != NULL) *value = (*environment)(row->environment);
    return true;
}

bool options_parse(const struct option_row *table, void *settings, int *count, char **arguments,
                   option_environment *environment, struct arena *arena, struct qms_error *error) {
    if (environment == NULL) environment = environment_of_process;
    struct option_layer layer = {.find = find_in_environment, .context = &environment};
    return options_parse_layers(table, settings, &layer, 1, NULL, count, arguments, arena, error);
}

struct text option_text(const struct option_row *row, const void *settings, struct arena *arena) {
    const void *place = (const char *)settings + row->place;
    struct text text = {.data = "", .length = 0};
    switch (row->type) {
    case OPTION_TEXT: {
        const char *value = *(const char *const *)place;
        return value == NULL ? text : text_of(value);
    }
    case OPTION_TEXTS: {
        const struct option_texts *texts = place;
        for (size_t i = 0; i < texts->count; i++)
            text = arena_format(arena, "%.*s%s%s", TEXT_ARGUMENTS(text), i == 0 ? "" : ",",
                                texts->items[i]);
        return text;
    }
    case OPTION_UNSIGNED: return arena_format(arena, "%" PRIu64, *(const uint64_t *)place);
    case OPTION_BOOL: return *(const bool *)place ? TEXT("true") : TEXT("false");
    }
    assert(false);
    return text;
}

/* Words of the text, as lines of at most HELP_COLUMNS; *column is where the last one ended. */
static void help_words(const char *text, size_t *column, FILE *out) {
    for (const char *word = text; *word != '\0'; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        if (*column + 1 + length > HELP_COLUMNS) {
            fprintf(out, "\n%*s", HELP_INDENT, "");
            *column = HELP_INDENT;
        } else if (*column > HELP_INDENT) {
            fputc(' ', out);
            ++*column;
        }
        fprintf(out, "%.*s", (int)length, word);
        *column += length;
        word += length;
    }
}

/* What follows the sentence: the default, how a switch is turned off, the variable. */
static void help_details(const struct option_row *row, size_t *column, FILE *out) {
    char details[256] = "";
    bool has_default = row->fallback != NULL && row->fallback[0] != '\0';
    if (row->type == OPTION_BOOL) {
        if (has_default && strcmp(row->fallback, "true") == 0)
            snprintf(details, sizeof details, "[on; --no-%s turns it off]", row->flag);
    } else if (has_default) {
        snprintf(details, sizeof details, "[default %s]", row->fallback);
    }
    help_words(details, column, out);
    if (row->environment == NULL) return;
    snprintf(details, sizeof details, "[%s]", row->environment);
    help_words(details, column, out);
}

void options_help(const struct option_row *table, FILE *out) {
    for (const struct option_row *row = table; row->name != NULL; row++) {
        if (row->flag == NULL && row->environment == NULL) continue;
        if (row->flag == NULL) fprintf(out, "  %s", row->environment);
        else if (row->value == NULL)
            fprintf(out, "  --%s", row->flag);
        else
            fprintf(out, "  --%s %s", row->flag, row->value);
        fprintf(out, "\n%*s", HELP_INDENT, "");
        size_t column = HELP_INDENT;
        help_words(row->help, &column, out);
        if (row->flag != NULL) help_details(row, &column, out);
        fputc('\n', out);
    }
}

/* A bar would end the cell, between backticks too. */
static void markdown_cell(const char *around, const char *text, FILE *out) {
    if (text == NULL || *text == '\0') {
        fputs(" |", out);
        return;
    }
    fprintf(out, " %s", around);
    for (; *text != '\0'; text++) {
        if (*text == '|') fputc('\\', out);
        fputc(*text, out);
    }
    fprintf(out, "%s |", around);
}

void options_markdown(const struct option_row *table, FILE *out) {
    fprintf(out, "| option | variable | in the file | default | meaning |\n"
                 "| --- | --- | --- | --- | --- |\n");
    for (const struct option_row *row = table; row->name != NULL; row++) {
        char flag[128] = "";
        if (row->flag != NULL)
            snprintf(flag, sizeof flag, "--%s%s%s", row->flag, row->value == NULL ? "" : " ",
                     row->value == NULL ? "" : row->value);
        const char *fallback = row->fallback;
        if (fallback == NULL && row->flag != NULL && row->type == OPTION_BOOL) fallback = "false";
        fputc('|', out);
        markdown_cell("`", flag, out);
        markdown_cell("`", row->environment, out);
        markdown_cell("`", row->name[0] == '-' ? NULL : row->name, out);
        markdown_cell("`", fallback, out);
        markdown_cell("", row->help, out);
        fputc('\n', out);
    }
}
