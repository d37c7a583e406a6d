#include "support/json_jansson.h"

#include <assert.h>
#include <jansson.h>

void form_number(struct buffer *form, double value) {
    buffer_format(form, "#%.17g;", value);
}

void form_string(struct buffer *form, struct text value) {
    buffer_format(form, "%zu:", value.length);
    buffer_put_text(form, value);
}

static void form_value(struct buffer *form, json_t *value) {
    const char *key;
    size_t index;
    json_t *inner;
    switch (json_typeof(value)) {
    case JSON_NULL: buffer_put_char(form, 'n'); break;
    case JSON_TRUE: buffer_put_char(form, 't'); break;
    case JSON_FALSE: buffer_put_char(form, 'f'); break;
    case JSON_REAL: form_number(form, json_real_value(value)); break;
    case JSON_INTEGER: assert(!"integers are decoded as reals"); break;
    case JSON_STRING:
        form_string(form, (struct text){.data = json_string_value(value),
                                        .length = json_string_length(value)});
        break;
    case JSON_ARRAY:
        buffer_put_char(form, '[');
        json_array_foreach(value, index, inner) form_value(form, inner);
        buffer_put_char(form, ']');
        break;
    case JSON_OBJECT:
        buffer_put_char(form, '{');
        json_object_foreach(value, key, inner) {
            form_string(form, text_of(key)); /* jansson refuses names that hold a NUL */
            form_value(form, inner);
        }
        buffer_put_char(form, '}');
        break;
    }
}

enum jansson_verdict jansson_read(struct text input, struct buffer *form) {
    json_error_t error;
    json_t *value =
        json_loadb(input.length == 0 ? "" : input.data, input.length,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    if (value == NULL)
        return json_error_code(&error) == json_error_numeric_overflow ? JANSSON_OVERFLOWS
                                                                      : JANSSON_REFUSES;
    if (form != NULL) form_value(form, value);
    json_decref(value);
    return JANSSON_ACCEPTS;
}
