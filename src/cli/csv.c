#include "cli/csv.h"

static bool needs_quotes(struct text field) {
    for (size_t i = 0; i < field.length; i++)
        if (field.data[i] == ',' || field.data[i] == '"' || field.data[i] == '\r' ||
            field.data[i] == '\n')
            return true;
    return false;
}

void csv_put(struct buffer *out, struct text field, bool is_first) {
    if (!is_first) buffer_put_char(out, ',');
    if (!needs_quotes(field)) {
        buffer_put_text(out, field);
        return;
    }
    buffer_put_char(out, '"');
    for (size_t i = 0; i < field.length; i++) {
        if (field.data[i] == '"') buffer_put_char(out, '"');
        buffer_put_char(out, field.data[i]);
    }
    buffer_put_char(out, '"');
}

void csv_end_line(struct buffer *out) {
    buffer_put_text(out, TEXT("\r\n"));
}
