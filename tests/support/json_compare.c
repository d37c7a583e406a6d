#include "support/json_compare.h"

#include <stdlib.h>

#include "base/arena.h"
#include "support/json_jansson.h"
#include "wire/json_reader.h"

static void form_ours_number(struct buffer *form, struct text raw) {
    char *digits = memory_take(raw.length + 1);
    memcpy(digits, raw.data, raw.length);
    digits[raw.length] = '\0';
    form_number(form, strtod(digits, NULL));
    memory_give(digits);
}

/* Takes one value piece by piece; false when the reader refuses it. */
static bool form_ours(struct json_reader *reader, struct buffer *form) {
    struct text text;
    bool flag;
    switch (json_peek(reader)) {
    case JSON_NULL: buffer_put_char(form, 'n'); return json_null(reader);
    case JSON_BOOL:
        if (!json_bool(reader, &flag)) return false;
        buffer_put_char(form, flag ? 't' : 'f');
        return true;
    case JSON_NUMBER:
        if (!json_number(reader, &text)) return false;
        form_ours_number(form, text);
        return true;
    case JSON_STRING:
        if (!json_string(reader, &text)) return false;
        form_string(form, text);
        return true;
    case JSON_ARRAY:
        buffer_put_char(form, '[');
        if (!json_array_begin(reader)) return false;
        while (json_array_next(reader))
            if (!form_ours(reader, form)) return false;
        buffer_put_char(form, ']');
        return reader->problem == NULL;
    case JSON_OBJECT:
        buffer_put_char(form, '{');
        if (!json_object_begin(reader)) return false;
        while (json_object_next(reader, &text)) {
            form_string(form, text);
            if (!form_ours(reader, form)) return false;
        }
        buffer_put_char(form, '}');
        return reader->problem == NULL;
    case JSON_NONE: break;
    }
    return false;
}

static bool has_nul(struct text text) {
    return text.length > 0 && memchr(text.data, '\0', text.length) != NULL;
}

static bool is_own_limit(const char *problem) {
    return text_equal(text_of(problem), TEXT("nested too deeply")) ||
           text_equal(text_of(problem), TEXT("too many members in an object"));
}

/* ours holds what we read; the reader has passed over the whole input. */
static enum json_verdict judge(struct text input, const struct json_reader *reader, bool accepted,
                               const struct buffer *ours, enum jansson_verdict verdict,
                               const struct buffer *theirs, const char **complaint) {
    if (verdict == JANSSON_ACCEPTS && accepted) {
        if (text_equal(buffer_text(ours), buffer_text(theirs))) return JSON_BOTH_ACCEPT;
        *complaint = "the values differ";
        return JSON_DISAGREE;
    }
    if (verdict == JANSSON_OVERFLOWS) return JSON_KNOWN_DIFFERENCE;
    if (verdict == JANSSON_REFUSES) {
        if (!accepted) return JSON_BOTH_REFUSE;
        *complaint = "we accept what jansson refuses";
        return JSON_DISAGREE;
    }
    if (is_own_limit(reader->problem) || has_nul(input)) return JSON_KNOWN_DIFFERENCE;
    *complaint = reader->problem;
    return JSON_DISAGREE;
}

/* Reads the input twice, taking all and passing over all, which must come to the same. */
static bool read_ours(struct json_reader *reader, struct text input, struct arena *arena,
                      struct buffer *form, const char **complaint) {
    json_open(reader, input, arena);
    bool taken = form_ours(reader, form) && json_finish(reader);
    json_open(reader, input, arena);
    bool skipped = json_skip(reader) && json_finish(reader);
    if (taken != skipped) *complaint = "taking and passing over differ";
    return skipped;
}

enum json_verdict json_compare(struct text input, const char **complaint) {
    struct arena arena;
    struct buffer ours, theirs;
    struct json_reader reader;
    arena_init(&arena, 4096);
    buffer_init(&ours, SIZE_MAX / 2);
    buffer_init(&theirs, SIZE_MAX / 2);

    *complaint = NULL;
    bool accepted = read_ours(&reader, input, &arena, &ours, complaint);
    enum json_verdict verdict = JSON_DISAGREE;
    if (*complaint == NULL) {
        enum jansson_verdict jansson = jansson_read(input, &theirs);
        verdict = judge(input, &reader, accepted, &ours, jansson, &theirs, complaint);
    }
    buffer_close(&theirs);
    buffer_close(&ours);
    arena_close(&arena);
    return verdict;
}
