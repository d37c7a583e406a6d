/* json_reader.h: a strict pull parser for RFC 8259.
 * Strict:  UTF-8 and surrogates checked, duplicate keys refused in every object (also skipped ones;
 *          escapes are resolved before names are compared), depth at most JSON_DEPTH_MAX, members
 *          of one object at most JSON_MEMBERS_MAX, no NaN, no leading zeros, no trailing bytes, no
 *          NUL in strings. Numbers stay text.
 * Errors:  the first one is latched; every later call returns false, and problem says what was
 *          wrong where. The caller may look once, at the end, and must before it believes anything.
 * Ownership: strings point into the input, or into the arena when they held escapes. */
#ifndef QMS_WIRE_JSON_READER_H
#define QMS_WIRE_JSON_READER_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

enum json_kind {
    JSON_NONE,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_keys; /* keys seen in one object, to find duplicates */

struct json_reader {
    const char *start, *at, *end;
    struct arena *arena;
    int depth;
    struct {
        bool is_object, is_first;
        struct json_keys *keys;
    } levels[JSON_DEPTH_MAX + 1];
    const char *problem; /* NULL: none yet; else what was wrong, for people */
    size_t problem_at;   /* offset in bytes */
};

void json_open(struct json_reader *reader, struct text input, struct arena *arena);

/* What comes next, without taking it; JSON_NONE at the end or after an error. */
enum json_kind json_peek(struct json_reader *reader);

/* Objects: begin, then next until it returns false; then the object is closed or an error latched.
 * After each next() take or skip exactly one value. */
bool json_object_begin(struct json_reader *reader);
bool json_object_next(struct json_reader *reader, struct text *key);
bool json_array_begin(struct json_reader *reader);
bool json_array_next(struct json_reader *reader);

/* Take one value; another kind of value is an error. A string's data is never NULL. */
bool json_string(struct json_reader *reader, struct text *value);
bool json_number(struct json_reader *reader, struct text *raw); /* the number's text, checked */
bool json_bool(struct json_reader *reader, bool *value);
bool json_null(struct json_reader *reader);
bool json_skip(struct json_reader *reader); /* any value, checked as strictly as if it were used */

/* The caller does not like a value: latch its own problem at the current place. */
bool json_refuse(struct json_reader *reader, const char *problem);

/* True when nothing failed and only white space is left. */
bool json_finish(struct json_reader *reader);

/* Is the whole text one JSON number: for numbers that arrive inside strings. */
bool json_is_number(struct text text);

#endif
