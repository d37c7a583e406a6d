#include "cli/listing.h"

#include <assert.h>

#include "cli/csv.h"
#include "domain/amount.h"

enum { OUT_BYTES_MAX = 256 << 20 };

struct text listing_amount(struct text number, struct arena *arena) {
    struct amount amount;
    char digits[AMOUNT_TEXT_MAX];
    enum amount_status status = amount_parse_stored(number, &amount);
    if (status != AMOUNT_OK && status != AMOUNT_INEXACT) return number;
    return arena_text(arena, (struct text){digits, amount_format(amount, digits)});
}

static bool is_shown(const struct listing *listing, const struct listing_column *column) {
    return listing->format != LISTING_TABLE || !column->is_extra;
}

void listing_begin(struct listing *listing, const struct listing_column *columns,
                   enum listing_format format, struct arena *arena) {
    *listing = (struct listing){.columns = columns, .format = format, .arena = arena};
    buffer_init(&listing->out, OUT_BYTES_MAX);
    listing->titles = arena_take_zeroed(arena, LISTING_COLUMNS_MAX, sizeof *listing->titles);
    size_t count = 0;
    for (const struct listing_column *column = columns; column->title != NULL; column++) {
        if (!is_shown(listing, column)) continue;
        assert(count < LISTING_COLUMNS_MAX);
        listing->titles[count++] = (struct table_column){
            .title = column->title, .is_right = column->kind == LISTING_AMOUNT};
        if (format == LISTING_CSV) csv_put(&listing->out, text_of(column->title), count == 1);
    }
    if (format == LISTING_CSV) csv_end_line(&listing->out);
    if (format == LISTING_JSON) buffer_put_char(&listing->out, '[');
    table_init(&listing->table, listing->titles, count, arena);
}

/* The first member of "a|b" that the row has. */
static struct text find_value(struct text row, const char *path, struct arena *arena) {
    for (;;) {
        size_t length = strcspn(path, "|");
        struct text name = arena_text(arena, (struct text){path, length});
        struct answer_value value = answer_find(row, name.data, arena);
        if (value.kind != JSON_NONE || path[length] == '\0') return value.text;
        path += length + 1;
    }
}

/* "2026-08-12T10:00:00.123Z" for people, to the day or to the second. */
static struct text short_time(struct text text, enum listing_kind kind, struct arena *arena) {
    size_t length = kind == LISTING_DATE ? 10 : 19;
    if (text.length <= length) return text;
    struct text copy = arena_text(arena, (struct text){text.data, length});
    if (kind == LISTING_TIME) ((char *)copy.data)[10] = ' ';
    return copy;
}

static struct text cell_text(const struct listing *listing, const struct listing_column *column,
                             struct text row, struct arena *arena) {
    if (column->cell != NULL) return column->cell(row, arena);
    struct text text = find_value(row, column->path, arena);
    bool is_table = listing->format == LISTING_TABLE;
    switch (column->kind) {
    case LISTING_TEXT: return text;
    case LISTING_AMOUNT: return listing_amount(text, arena);
    case LISTING_BOOL:
        if (!is_table) return text;
        return text_equal(text, TEXT("true")) ? TEXT("yes") : TEXT("no");
    case LISTING_DATE:
    case LISTING_TIME: return is_table ? short_time(text, column->kind, arena) : text;
    }
    assert(false);
    return text;
}

void listing_put(struct listing *listing, struct text row, struct arena *arena) {
    bool is_first = true;
    if (listing->format == LISTING_JSON) {
        if (listing->row_count > 0) buffer_put_char(&listing->out, ',');
        buffer_put_text(&listing->out, row);
    }
    for (const struct listing_column *column = listing->columns;
         listing->format != LISTING_JSON && column->title != NULL; column++) {
        if (!is_shown(listing, column)) continue;
        struct text text = cell_text(listing, column, row, arena);
        if (listing->format == LISTING_CSV)
            csv_put(&listing->out, text, is_first);
        else
            table_put(&listing->table, text, is_first ? TABLE_BOLD : TABLE_PLAIN);
        is_first = false;
    }
    if (listing->format == LISTING_CSV) csv_end_line(&listing->out);
    listing->row_count++;
}

void listing_flush(struct listing *listing, FILE *out) {
    fwrite(listing->out.data, 1, listing->out.length, out);
    buffer_reset(&listing->out);
}

void listing_end(struct listing *listing, const char *none, FILE *out) {
    if (listing->format == LISTING_JSON) buffer_put_text(&listing->out, TEXT("]\n"));
    listing_flush(listing, out);
    if (listing->format != LISTING_TABLE) return;
    if (listing->row_count > 0)
        table_write(&listing->table, table_style_of(out), out);
    else
        fprintf(out, "%s\n", none);
}

void listing_close(struct listing *listing) {
    table_close(&listing->table);
    buffer_close(&listing->out);
}
