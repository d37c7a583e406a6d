/* text.h: a slice of bytes that somebody else owns; qms passes text this way everywhere.
 * Invariant: data may be NULL only when length is 0. No terminating zero is promised.
 * Ownership: a slice never owns; it lives as long as what it points into (an arena, a literal).
 * Encoding:  what came from outside has been checked to be UTF-8 before it becomes domain text. */
#ifndef QMS_BASE_TEXT_H
#define QMS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *data;
    size_t length;
};

#define TEXT(literal) ((struct text){.data = "" literal, .length = sizeof(literal) - 1})
/* For printf: printf("%.*s", TEXT_ARGUMENTS(name)). */
#define TEXT_ARGUMENTS(slice) (int)(slice).length, (slice).data

static inline struct text text_of(const char *string) {
    return (struct text){.data = string, .length = string == NULL ? 0 : strlen(string)};
}

static inline bool text_equal(struct text left, struct text right) {
    return left.length == right.length &&
           (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}

/* Byte order, as C collation: negative, 0 or positive. */
static inline int text_compare(struct text left, struct text right) {
    size_t shorter = left.length < right.length ? left.length : right.length;
    int order = shorter == 0 ? 0 : memcmp(left.data, right.data, shorter);
    if (order != 0) return order;
    return left.length < right.length ? -1 : left.length > right.length;
}

/* What a hexadecimal digit stands for, in either case; -1: it is none. */
static inline int text_hex_digit(char byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

/* Equal without regard to the case of ASCII letters. */
bool text_equal_nocase(struct text left, struct text right);

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(struct text text);

#endif
