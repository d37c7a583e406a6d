#include "wire/json_fields.h"

#include <assert.h>

static size_t field_named(struct text key, const struct text *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(names[i], key)) return i;
    for (size_t i = 0; i < count; i++)
        if (text_equal_nocase(names[i], key)) return i;
    return count;
}

bool json_field_next(struct json_reader *reader, const struct text *names, size_t count,
                     unsigned *seen, size_t *field) {
    struct text key;
    assert(count <= 8 * sizeof *seen);
    while (json_object_next(reader, &key)) {
        *field = field_named(key, names, count);
        if (*field == count) {
            if (!json_skip(reader)) return false;
            continue;
        }
        if (*seen & 1u << *field) return json_refuse(reader, "a repeated name");
        *seen |= 1u << *field;
        if (json_peek(reader) != JSON_NULL) return true;
        if (!json_null(reader)) return false;
    }
    return false;
}

size_t json_array_count(const struct json_reader *reader) {
    struct json_reader ahead = *reader;
    size_t count = 0;
    if (!json_array_begin(&ahead)) return 0;
    while (json_array_next(&ahead)) {
        count++;
        if (!json_skip(&ahead)) break;
    }
    return count;
}
