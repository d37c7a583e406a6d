#include "front/front_input.h"

static struct text trimmed(struct text text) {
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* What stands before the first separator; *rest becomes what follows it. */
static struct text part_before(struct text *rest, char separator) {
    struct text part = *rest;
    const char *at = part.length == 0 ? NULL : memchr(part.data, separator, part.length);
    if (at == NULL) {
        *rest = (struct text){0};
        return part;
    }
    part.length = (size_t)(at - part.data);
    rest->data = at + 1;
    rest->length -= part.length + 1;
    return part;
}

bool front_input_is_json(struct text content_type) {
    return text_equal_nocase(trimmed(part_before(&content_type, ';')), TEXT("application/json"));
}

static bool needs_decoding(struct text text) {
    return text.length > 0 && (memchr(text.data, '%', text.length) != NULL ||
                               memchr(text.data, '+', text.length) != NULL);
}

static bool percent_decode(struct arena *arena, struct text *text) {
    if (!needs_decoding(*text)) return text_is_utf8(*text);
    char *out = arena_take(arena, text->length);
    size_t length = 0;
    for (size_t i = 0; i < text->length; i++) {
        char byte = text->data[i];
        if (byte == '+') byte = ' ';
        if (byte == '%') {
            if (text->length - i < 3) return false;
            int high = text_hex_digit(text->data[i + 1]), low = text_hex_digit(text->data[i + 2]);
            if (high < 0 || low < 0 || (high | low) == 0) return false;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        out[length++] = byte;
    }
    *text = (struct text){.data = out, .length = length};
    return text_is_utf8(*text);
}

bool front_input_parameter(struct text *query, struct arena *arena, struct text *name,
                           struct text *value, bool *malformed) {
    *malformed = false;
    while (query->length > 0) {
        *value = part_before(query, '&');
        if (value->length == 0) continue; /* "a=1&&b=2" */
        *name = part_before(value, '=');
        *malformed = !percent_decode(arena, name) || !percent_decode(arena, value);
        return !*malformed;
    }
    return false;
}
