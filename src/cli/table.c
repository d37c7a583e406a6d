#include "cli/table.h"

#include <assert.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

static const char *const colour_codes[] = {
    [TABLE_PLAIN] = "",         [TABLE_BOLD] = "\033[1m",    [TABLE_DIM] = "\033[2m",
    [TABLE_RED] = "\033[1;31m", [TABLE_YELLOW] = "\033[33m", [TABLE_GREEN] = "\033[32m",
};

struct table_style table_style_of(FILE *out) {
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool is_wanted = no_colour == NULL || *no_colour == '\0';
    bool is_able = terminal == NULL || strcmp(terminal, "dumb") != 0;
    return (struct table_style){
        .has_colour = is_wanted && is_able && isatty(fileno(out)),
        .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
    };
}

/* The bytes of the character at the start of text, and the character; 0 for a broken byte. */
static size_t take_character(struct text text, uint32_t *character) {
    static const unsigned char lead_masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    for (size_t length = 1; length <= 4 && length <= text.length; length++) {
        if (!text_is_utf8((struct text){.data = text.data, .length = length})) continue;
        *character = (unsigned char)text.data[0] & lead_masks[length];
        for (size_t i = 1; i < length; i++)
            *character = *character << 6 | ((unsigned char)text.data[i] & 0x3f);
        return length;
    }
    return 0;
}

static bool is_control(uint32_t character) {
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

struct text table_printable(struct arena *arena, struct text text) {
    char *out = arena_take(arena, text.length + 1);
    size_t length = 0;
    for (struct text rest = text; rest.length > 0;) {
        uint32_t character = 0;
        size_t bytes = take_character(rest, &character);
        if (bytes == 0 || is_control(character)) {
            out[length++] = '?';
        } else {
            memcpy(out + length, rest.data, bytes);
            length += bytes;
        }
        size_t taken = bytes == 0 ? 1 : bytes;
        rest = (struct text){.data = rest.data + taken, .length = rest.length - taken};
    }
    out[length] = '\0';
    return (struct text){.data = out, .length = length};
}

/* How many columns of a terminal the text takes. */
static size_t width_of(struct text text) {
    size_t width = 0;
    for (struct text rest = text; rest.length > 0;) {
        uint32_t character = 0;
        size_t bytes = take_character(rest, &character);
        int columns = bytes > 1 ? wcwidth((wchar_t)character) : 1;
        width += columns < 0 ? 1 : (size_t)columns;
        size_t taken = bytes == 0 ? 1 : bytes;
        rest = (struct text){.data = rest.data + taken, .length = rest.length - taken};
    }
    return width;
}

void table_init(struct table *table, const struct table_column *columns, size_t column_count,
                struct arena *arena) {
    assert(column_count > 0);
    *table = (struct table){.arena = arena, .columns = columns, .column_count = column_count};
}

void table_close(struct table *table) {
    memory_give(table->cells);
}

void table_put(struct table *table, struct text text, enum table_colour colour) {
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->cells = memory_resize(table->cells, table->capacity, sizeof *table->cells);
    }
    struct text printable = table_printable(table->arena, text);
    table->cells[table->count++] = (struct table_cell){
        .text = printable, .width = width_of(printable), .colour = colour};
}

void table_write_text(struct text text, enum table_colour colour, struct table_style style,
                      FILE *out) {
    bool is_coloured = style.has_colour && colour != TABLE_PLAIN;
    if (is_coloured) fputs(colour_codes[colour], out);
    fwrite(text.data, 1, text.length, out);
    if (is_coloured) fputs("\033[0m", out);
}

static size_t column_width(const struct table *table, size_t column) {
    size_t width = strlen(table->columns[column].title);
    for (size_t i = column; i < table->count; i += table->column_count)
        if (table->cells[i].width > width) width = table->cells[i].width;
    return width;
}

static void write_row(const struct table *table, const struct table_cell *row, const size_t *widths,
                      struct table_style style, FILE *out) {
    size_t blanks = 0; /* owed before the next cell; none are written at the end of a line */
    for (size_t i = 0; i < table->column_count; i++) {
        size_t missing = widths[i] - row[i].width;
        if (table->columns[i].is_right) blanks += missing;
        if (row[i].text.length > 0) {
            fprintf(out, "%*s", (int)blanks, "");
            table_write_text(row[i].text, row[i].colour, style, out);
            blanks = 0;
        } else {
            blanks += row[i].width;
        }
        if (!table->columns[i].is_right) blanks += missing;
        blanks += 2;
    }
    fputc('\n', out);
}

void table_write(const struct table *table, struct table_style style, FILE *out) {
    assert(table->count % table->column_count == 0);
    size_t *widths = arena_take_zeroed(table->arena, table->column_count, sizeof *widths);
    struct table_cell *titles =
        arena_take_zeroed(table->arena, table->column_count, sizeof *titles);
    bool has_titles = false;
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = column_width(table, i);
        struct text title = text_of(table->columns[i].title);
        titles[i] = (struct table_cell){.text = title, .width = title.length, .colour = TABLE_BOLD};
        if (title.length > 0) has_titles = true;
    }
    if (has_titles) write_row(table, titles, widths, style, out);
    for (size_t i = 0; i < table->count; i += table->column_count)
        write_row(table, table->cells + i, widths, style, out);
}

void table_bar(struct buffer *out, double part, size_t columns, struct table_style style) {
    size_t filled = part >= 1 ? columns : (size_t)floor(part * (double)columns);
    if (part > 0 && filled == 0) filled = 1;
    for (size_t i = 0; i < columns; i++) {
        const char *block = i < filled ? "█" : "░";
        if (!style.is_utf8) block = i < filled ? "#" : ".";
        buffer_put_text(out, text_of(block));
    }
}
