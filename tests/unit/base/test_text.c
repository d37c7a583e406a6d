#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct text well_formed[] = {
    TEXT(""), TEXT("a"), TEXT("\x7f"), TEXT("ada"), TEXT("12345678"), TEXT("123456789"),
    TEXT("\0"), TEXT("a\0b"),
    /* the first and the last character of each length, and around the surrogates */
    TEXT("\xC2\x80"), TEXT("\xDF\xBF"), TEXT("\xE0\xA0\x80"), TEXT("\xEF\xBF\xBF"),
    TEXT("\xED\x9F\xBF"), TEXT("\xEE\x80\x80"), TEXT("\xF0\x90\x80\x80"),
    TEXT("\xF4\x8F\xBF\xBF"), TEXT("\xEF\xBB\xBF"),
    TEXT("1234567\xC3\xA9"), TEXT("12345678\xE2\x82\xAC" "12345678"), TEXT("\xF0\x9F\x98\x80!"),
};

static const struct text malformed[] = {
    TEXT("\x80"), TEXT("\xBF"), TEXT("\xC2"), TEXT("\xC2" "a"), TEXT("\xC2\x7F"), TEXT("\xC2\xC0"),
    TEXT("\xC2\xC2"), TEXT("\xE2\x82"),
    TEXT("\xE2\x82" "a"), TEXT("\xE2" "a\xAC"), TEXT("\xF0\x9F\x98"), TEXT("\xF0\x9F\x98" "a"),
    TEXT("\xF0\x9F" "a\x80"),
    /* overlong forms */
    TEXT("\xC0\x80"), TEXT("\xC1\xBF"), TEXT("\xE0\x80\x80"), TEXT("\xE0\x9F\xBF"),
    TEXT("\xF0\x80\x80\x80"), TEXT("\xF0\x8F\xBF\xBF"),
    /* surrogates, beyond U+10FFFF, bytes that never occur */
    TEXT("\xED\xA0\x80"), TEXT("\xED\xBF\xBF"), TEXT("\xF4\x90\x80\x80"),
    TEXT("\xF5\x80\x80\x80"), TEXT("\xF8\x88\x80\x80\x80"), TEXT("\xFE"), TEXT("\xFF"),
    TEXT("12345678\x80"), TEXT("1234567\xC3"), TEXT("12345678\xC3" "12345678"),
};

/* On the heap and exactly as long, so that the sanitizer sees a byte read behind it. */
static bool is_utf8(struct text text) {
    char *copy = memory_take(text.length);
    if (text.length > 0) memcpy(copy, text.data, text.length);
    bool result = text_is_utf8((struct text){.data = copy, .length = text.length});
    memory_give(copy);
    return result;
}

static void well_formed_text_is_utf8(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(well_formed); i++)
        if (!is_utf8(well_formed[i])) fail_msg("case %zu is refused", i);
    assert_true(text_is_utf8((struct text){.data = NULL, .length = 0}));
}

static void malformed_text_is_not_utf8(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++)
        if (is_utf8(malformed[i])) fail_msg("case %zu is accepted", i);
}

/* Encodes every number below 2^21 by the rule of its length, and asks which are characters. */
static void exactly_the_scalar_values_are_characters(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 1u << 21; code++) {
        char bytes[4];
        size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
        uint32_t rest = code;
        for (size_t i = length - 1; i > 0; i--, rest >>= 6)
            bytes[i] = (char)(0x80 | (rest & 0x3F));
        bytes[0] = (char)(marks[length] | rest);
        bool is_scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if (text_is_utf8((struct text){.data = bytes, .length = length}) != is_scalar)
            fail_msg("U+%04X", code);
    }
}

static void texts_are_equal_by_bytes(void **state) {
    (void)state;
    struct text nothing = {.data = NULL, .length = 0};
    assert_true(text_equal(nothing, TEXT("")));
    assert_true(text_equal(TEXT("ada"), text_of("ada")));
    assert_false(text_equal(TEXT("ada"), TEXT("adam")));
    assert_false(text_equal(TEXT("ada"), TEXT("Ada")));
    assert_int_equal(text_of(NULL).length, 0);
}

static void texts_are_ordered_by_bytes(void **state) {
    (void)state;
    static const struct text ordered[] = {
        TEXT(""), TEXT("\0"), TEXT("A"), TEXT("AB"), TEXT("B"), TEXT("a"), TEXT("\xC3\xA9"),
    };
    for (size_t i = 0; i < COUNT(ordered); i++) {
        for (size_t j = 0; j < COUNT(ordered); j++) {
            int order = text_compare(ordered[i], ordered[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void only_ascii_letters_lose_their_case(void **state) {
    (void)state;
    assert_true(text_equal_nocase(TEXT("Content-Length"), TEXT("content-LENGTH")));
    assert_true(text_equal_nocase(TEXT("az09"), TEXT("AZ09")));
    assert_false(text_equal_nocase(TEXT("abc"), TEXT("abcd")));
    assert_false(text_equal_nocase(TEXT("["), TEXT("{")));
    assert_false(text_equal_nocase(TEXT("@"), TEXT("`")));
    assert_false(text_equal_nocase(TEXT("\xC3\x89"), TEXT("\xC3\xA9")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_utf8),
        cmocka_unit_test(malformed_text_is_not_utf8),
        cmocka_unit_test(exactly_the_scalar_values_are_characters),
        cmocka_unit_test(texts_are_equal_by_bytes),
        cmocka_unit_test(texts_are_ordered_by_bytes),
        cmocka_unit_test(only_ascii_letters_lose_their_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
