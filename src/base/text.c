#include "base/text.h"

static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

bool text_equal_nocase(struct text left, struct text right) {
    if (left.length != right.length) return false;
    for (size_t i = 0; i < left.length; i++)
        if (lower(left.data[i]) != lower(right.data[i])) return false;
    return true;
}

/* The length of the well-formed character at the start of bytes, which does not begin with ASCII;
 * 0 when there is none. The second byte is what excludes overlong forms, surrogates and numbers
 * above U+10FFFF (Unicode, table 3-7). */
static size_t character_length(const uint8_t *bytes, size_t left) {
    uint8_t first = bytes[0], second_min = 0x80, second_max = 0xBF;
    size_t length;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        if (first == 0xE0) second_min = 0xA0;
        if (first == 0xED) second_max = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        if (first == 0xF0) second_min = 0x90;
        if (first == 0xF4) second_max = 0x8F;
    } else {
        return 0;
    }
    if (left < length || bytes[1] < second_min || bytes[1] > second_max) return 0;
    for (size_t i = 2; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80) return 0;
    return length;
}

bool text_is_utf8(struct text text) {
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t at = 0;
    while (at < text.length) {
        uint64_t eight;
        if (text.length - at >= sizeof eight) {
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        size_t length = character_length(bytes + at, text.length - at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}
