#include "wire/json_reader.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

enum { KEYS_COMPARED_MAX = 16 }; /* up to here each name is compared with all before it */

/* Names beyond KEYS_COMPARED_MAX are only collected; the end of the object sorts them and looks at
 * neighbours. No hashing: there is nothing an attacker could make collide. One list per depth is
 * kept and reused, so that an array of small objects takes its memory once. */
struct json_keys {
    size_t count, capacity;
    struct text *names;
};

void json_open(struct json_reader *reader, struct text input, struct arena *arena) {
    reader->start = input.data == NULL ? "" : input.data;
    reader->at = reader->start;
    reader->end = reader->start + input.length;
    reader->arena = arena;
    reader->depth = 0;
    memset(reader->levels, 0, sizeof reader->levels);
    reader->problem = NULL;
    reader->problem_at = 0;
}

bool json_refuse(struct json_reader *reader, const char *problem) {
    if (reader->problem == NULL) {
        reader->problem = problem;
        reader->problem_at = (size_t)(reader->at - reader->start);
    }
    return false;
}

static bool json_expected(struct json_reader *reader, const char *what) {
    return json_refuse(reader, reader->at == reader->end ? "the text ends too early" : what);
}

static inline void json_space(struct json_reader *reader) {
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

/* The next character that is not white space; 0 at the end or after an error. */
static inline char json_next_character(struct json_reader *reader) {
    if (reader->problem != NULL) return 0;
    json_space(reader);
    return reader->at < reader->end ? *reader->at : 0;
}

enum json_kind json_peek(struct json_reader *reader) {
    switch (json_next_character(reader)) {
    case 'n': return JSON_NULL;
    case 't':
    case 'f': return JSON_BOOL;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    case '-':
    case '0' ... '9': return JSON_NUMBER;
    default: return JSON_NONE;
    }
}

/* strings */

/* Of eight characters, the high bit of each one that cannot be passed over: a quote, a backslash,
 * a control character, a byte beyond ASCII. Only the lowest bit set is exact; none set is exact. */
static inline uint64_t json_special(uint64_t eight) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = (eight ^ ones * '"') - ones;
    uint64_t backslash = (eight ^ ones * '\\') - ones;
    uint64_t control = eight - ones * 0x20;
    return (quote | backslash | control | eight) & ones * 0x80;
}

static inline const char *json_plain_end(const char *at, const char *end) {
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        uint64_t special = json_special(le64toh(eight));
        if (special != 0) return at + __builtin_ctzll(special) / 8;
        at += 8;
    }
    while (at < end) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x80) break;
        at++;
    }
    return at;
}

/* Takes a string, checked but for its escapes; *raw is what stands between the quotes. */
static bool json_raw_string(struct json_reader *reader, struct text *raw, bool *escaped) {
    if (json_next_character(reader) != '"') return json_expected(reader, "a string was expected");
    const char *start = reader->at + 1, *at = start;
    bool wide = false;
    *escaped = false;
    for (;;) {
        at = json_plain_end(at, reader->end);
        if (at == reader->end) break;
        if (*at == '"') break;
        if (*at == '\\') {
            *escaped = true;
            at++;
            if (at == reader->end) break;
        } else if ((unsigned char)*at >= 0x80) {
            wide = true;
            while (at + 1 < reader->end && (unsigned char)at[1] >= 0x80) at++;
        } else {
            reader->at = at;
            return json_refuse(reader, "a control character in a string");
        }
        at++;
    }
    if (at == reader->end) {
        reader->at = at;
        return json_refuse(reader, "a string without its end");
    }
    *raw = (struct text){.data = start, .length = (size_t)(at - start)};
    if (wide && !text_is_utf8(*raw)) return json_refuse(reader, "a string is not UTF-8");
    reader->at = at + 1;
    return true;
}

static bool json_hex4(const char *at, const char *end, uint32_t *value) {
    if (end - at < 4) return false;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = at[i];
        uint32_t nibble;
        if (digit >= '0' && digit <= '9') nibble = (uint32_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f') nibble = (uint32_t)(digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F') nibble = (uint32_t)(digit - 'A' + 10);
        else return false;
        *value = *value << 4 | nibble;
    }
    return true;
}

static size_t json_utf8(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* What follows "\u"; moves *at behind it. A high surrogate takes the low one with it. */
static bool json_escaped_point(const char **at, const char *end, uint32_t *point) {
    if (!json_hex4(*at, end, point)) return false;
    *at += 4;
    if (*point == 0 || (*point >= 0xdc00 && *point <= 0xdfff)) return false;
    if (*point < 0xd800 || *point > 0xdbff) return true;
    uint32_t low;
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return false;
    if (!json_hex4(*at + 2, end, &low) || low < 0xdc00 || low > 0xdfff) return false;
    *at += 6;
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* The character that a one-letter escape stands for; 0 if there is no such escape. */
static char json_escape_letter(char letter) {
    switch (letter) {
    case '"':
    case '\\':
    case '/': return letter;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

/* One escape, *at behind its backslash; writes what it stands for to out, which takes 4 bytes. */
static bool json_escape(struct json_reader *reader, const char **at, const char *end, char *out,
                        size_t *length) {
    char letter = *(*at)++; /* there is one: a raw string never ends with a single backslash */
    if (letter == 'u') {
        uint32_t point;
        if (!json_escaped_point(at, end, &point))
            return json_refuse(reader, "an escape that is no character");
        *length = json_utf8(point, out);
        return true;
    }
    *out = json_escape_letter(letter);
    *length = 1;
    return *out != 0 || json_refuse(reader, "an unknown escape");
}

/* Resolves the escapes of a raw string into out, which has room for raw.length bytes. */
static bool json_unescape(struct json_reader *reader, struct text raw, char *out, size_t *length) {
    const char *at = raw.data, *end = raw.data + raw.length;
    *length = 0;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash == NULL ? end : backslash) - at), escaped;
        memcpy(out + *length, at, plain);
        *length += plain;
        at += plain;
        if (at == end) break;
        at++;
        char bytes[4];
        if (!json_escape(reader, &at, end, bytes, &escaped)) return false;
        memcpy(out + *length, bytes, escaped);
        *length += escaped;
    }
    return true;
}

static bool json_escapes_check(struct json_reader *reader, struct text raw) {
    const char *end = raw.data + raw.length, *at = raw.data;
    char ignored[4];
    size_t length;
    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        at++;
        if (!json_escape(reader, &at, end, ignored, &length)) return false;
    }
    return true;
}

static bool json_special_string(struct json_reader *reader, struct text *value) {
    bool escaped;
    struct text raw;
    if (!json_raw_string(reader, &raw, &escaped)) return false;
    if (!escaped) {
        *value = raw;
        return true;
    }
    char *out = arena_take(reader->arena, raw.length);
    size_t length;
    if (!json_unescape(reader, raw, out, &length)) return false;
    *value = (struct text){.data = out, .length = length};
    return true;
}

/* Nearly all strings are short, ASCII and without escapes. */
static inline bool json_any_string(struct json_reader *reader, struct text *value) {
    if (json_next_character(reader) == '"') {
        const char *start = reader->at + 1;
        const char *end = json_plain_end(start, reader->end);
        if (end < reader->end && *end == '"') {
            *value = (struct text){.data = start, .length = (size_t)(end - start)};
            reader->at = end + 1;
            return true;
        }
    }
    return json_special_string(reader, value);
}

bool json_string(struct json_reader *reader, struct text *value) {
    return json_any_string(reader, value);
}

/* names */

static struct json_keys *json_keys_make(struct arena *arena) {
    struct json_keys *keys = arena_take(arena, sizeof *keys);
    keys->count = 0;
    keys->capacity = KEYS_COMPARED_MAX;
    keys->names = arena_take(arena, KEYS_COMPARED_MAX * sizeof keys->names[0]);
    return keys;
}

static void json_keys_grow(struct json_keys *keys, struct arena *arena) {
    size_t capacity = keys->capacity * 4;
    struct text *names = arena_take(arena, capacity * sizeof names[0]);
    memcpy(names, keys->names, keys->count * sizeof names[0]);
    keys->names = names;
    keys->capacity = capacity;
}

static bool json_keys_add(struct json_reader *reader, struct text name) {
    struct json_keys *keys = reader->levels[reader->depth].keys;
    if (keys->count < KEYS_COMPARED_MAX) {
        for (size_t i = 0; i < keys->count; i++)
            if (text_equal(keys->names[i], name)) return json_refuse(reader, "a repeated name");
    } else if (keys->count == JSON_MEMBERS_MAX) {
        return json_refuse(reader, "too many members in an object");
    } else if (keys->count == keys->capacity) {
        json_keys_grow(keys, reader->arena);
    }
    keys->names[keys->count++] = name;
    return true;
}

/* By length first: most names are told apart without looking at their bytes. */
static int json_keys_order(const void *left, const void *right) {
    const struct text *one = left, *other = right;
    if (one->length != other->length) return one->length < other->length ? -1 : 1;
    return one->length == 0 ? 0 : memcmp(one->data, other->data, one->length);
}

static bool json_keys_end(struct json_reader *reader) {
    struct json_keys *keys = reader->levels[reader->depth].keys;
    if (keys->count <= KEYS_COMPARED_MAX) return true;
    qsort(keys->names, keys->count, sizeof keys->names[0], json_keys_order);
    for (size_t i = 1; i < keys->count; i++)
        if (text_equal(keys->names[i - 1], keys->names[i]))
            return json_refuse(reader, "a repeated name");
    return true;
}

/* objects and arrays */

static bool json_begin(struct json_reader *reader, bool is_object) {
    if (reader->depth == JSON_DEPTH_MAX) return json_refuse(reader, "nested too deeply");
    reader->at++;
    reader->depth++;
    reader->levels[reader->depth].is_object = is_object;
    reader->levels[reader->depth].is_first = true;
    return true;
}

bool json_object_begin(struct json_reader *reader) {
    if (json_next_character(reader) != '{') return json_expected(reader, "an object was expected");
    if (!json_begin(reader, true)) return false;
    struct json_keys **keys = &reader->levels[reader->depth].keys;
    if (*keys == NULL) *keys = json_keys_make(reader->arena);
    (*keys)->count = 0;
    return true;
}

bool json_array_begin(struct json_reader *reader) {
    if (json_next_character(reader) != '[') return json_expected(reader, "an array was expected");
    return json_begin(reader, false);
}

/* Is there another member or element? If not, the object or array is closed. */
static bool json_more(struct json_reader *reader, bool is_object) {
    char next = json_next_character(reader);
    if (reader->problem != NULL) return false;
    assert(reader->depth > 0);
    assert(reader->levels[reader->depth].is_object == is_object);
    if (next == (is_object ? '}' : ']')) {
        if (is_object && !json_keys_end(reader)) return false;
        reader->at++;
        reader->depth--;
        return false;
    }
    if (reader->levels[reader->depth].is_first) {
        reader->levels[reader->depth].is_first = false;
        if (reader->at == reader->end) return json_expected(reader, "");
        return true;
    }
    if (next != ',') return json_expected(reader, "a comma was expected");
    reader->at++;
    return true;
}

bool json_object_next(struct json_reader *reader, struct text *key) {
    if (!json_more(reader, true)) return false;
    if (!json_any_string(reader, key)) return false;
    if (!json_keys_add(reader, *key)) return false;
    if (json_next_character(reader) != ':') return json_expected(reader, "a colon was expected");
    reader->at++;
    return true;
}

bool json_array_next(struct json_reader *reader) {
    return json_more(reader, false);
}

/* numbers, literals */

static const char *json_digits_end(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The end of the number that starts at at; NULL when there is none. */
static const char *json_number_end(const char *at, const char *end) {
    if (at < end && *at == '-') at++;
    const char *integer = at;
    at = json_digits_end(at, end);
    if (at == integer || (*integer == '0' && at - integer > 1)) return NULL;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = json_digits_end(fraction, end);
        if (at == fraction) return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        const char *exponent = at;
        at = json_digits_end(exponent, end);
        if (at == exponent) return NULL;
    }
    return at;
}

bool json_number(struct json_reader *reader, struct text *raw) {
    char first = json_next_character(reader);
    if (first != '-' && (first < '0' || first > '9'))
        return json_expected(reader, "a number was expected");
    const char *end = json_number_end(reader->at, reader->end);
    if (end == NULL) return json_refuse(reader, "a malformed number");
    *raw = (struct text){.data = reader->at, .length = (size_t)(end - reader->at)};
    reader->at = end;
    return true;
}

bool json_is_number(struct text text) {
    if (text.length == 0) return false;
    const char *end = text.data + text.length;
    return json_number_end(text.data, end) == end;
}

static bool json_literal(struct json_reader *reader, struct text literal) {
    if ((size_t)(reader->end - reader->at) < literal.length ||
        memcmp(reader->at, literal.data, literal.length) != 0)
        return json_refuse(reader, "an unknown word");
    reader->at += literal.length;
    return true;
}

bool json_bool(struct json_reader *reader, bool *value) {
    char first = json_next_character(reader);
    if (first != 't' && first != 'f') return json_expected(reader, "true or false was expected");
    *value = first == 't';
    return json_literal(reader, *value ? TEXT("true") : TEXT("false"));
}

bool json_null(struct json_reader *reader) {
    if (json_next_character(reader) != 'n') return json_expected(reader, "null was expected");
    return json_literal(reader, TEXT("null"));
}

static bool json_skip_string(struct json_reader *reader) {
    bool escaped;
    struct text raw;
    if (!json_raw_string(reader, &raw, &escaped)) return false;
    return !escaped || json_escapes_check(reader, raw);
}

bool json_skip(struct json_reader *reader) {
    struct text ignored;
    bool flag;
    switch (json_peek(reader)) {
    case JSON_NULL: return json_null(reader);
    case JSON_BOOL: return json_bool(reader, &flag);
    case JSON_NUMBER: return json_number(reader, &ignored);
    case JSON_STRING: return json_skip_string(reader);
    case JSON_ARRAY:
        if (!json_array_begin(reader)) return false;
        while (json_array_next(reader))
            if (!json_skip(reader)) return false;
        return reader->problem == NULL;
    case JSON_OBJECT:
        if (!json_object_begin(reader)) return false;
        while (json_object_next(reader, &ignored))
            if (!json_skip(reader)) return false;
        return reader->problem == NULL;
    case JSON_NONE: break;
    }
    return json_expected(reader, "a value was expected");
}

bool json_finish(struct json_reader *reader) {
    if (reader->problem != NULL) return false;
    assert(reader->depth == 0);
    json_space(reader);
    if (reader->at != reader->end) return json_refuse(reader, "bytes behind the value");
    return true;
}
