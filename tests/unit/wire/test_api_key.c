#include "wire/api_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct text made(char room[API_KEY_TEXT_BYTES]) {
    api_key_make(room);
    return (struct text){room, API_KEY_TEXT_BYTES};
}

static void a_key_says_what_it_is(void **state) {
    (void)state;
    char room[API_KEY_TEXT_BYTES];
    for (int i = 0; i < 1000; i++) {
        struct text key = made(room);
        assert_memory_equal(key.data, "qms_", 4);
        assert_true(api_key_looks_valid(key));
    }
}

static void no_two_keys_are_equal(void **state) {
    (void)state;
    char left[API_KEY_TEXT_BYTES], right[API_KEY_TEXT_BYTES];
    made(left);
    made(right);
    assert_memory_not_equal(left, right, sizeof left);
}

/* Every one of the 256 bits comes out: over many keys each character but the last, which holds four
 * bits, takes each of the 64 digits. */
static void every_character_is_random(void **state) {
    (void)state;
    static bool seen[API_KEY_TEXT_BYTES][128];
    char room[API_KEY_TEXT_BYTES];
    for (int i = 0; i < 4000; i++) {
        made(room);
        for (int at = 4; at < API_KEY_TEXT_BYTES; at++) seen[at][(unsigned char)room[at]] = true;
    }
    for (int at = 4; at < API_KEY_TEXT_BYTES; at++) {
        int count = 0;
        for (int byte = 0; byte < 128; byte++) count += seen[at][byte];
        assert_int_equal(count, at == API_KEY_TEXT_BYTES - 1 ? 16 : 64);
    }
}

static void what_is_no_key_does_not_look_like_one(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "qms_",
        "qms_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "qms_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "QMS_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "qms_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ",
        "qms_AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(api_key_looks_valid(text_of(texts[i])));
    struct text zero = TEXT("qms_AAAAAAAAAAAAAAAAAAAAA\0AAAAAAAAAAAAAAAAAAAAA");
    assert_int_equal(zero.length, API_KEY_TEXT_BYTES);
    assert_false(api_key_looks_valid(zero));
    assert_true(api_key_looks_valid(TEXT("qms_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
}

static void the_hash_is_sha_256(void **state) {
    (void)state;
    uint8_t hash[API_KEY_HASH_BYTES];
    char found[2 * API_KEY_HASH_BYTES + 1];
    api_key_hash(TEXT("abc"), hash); /* the example of FIPS 180 */
    for (int i = 0; i < API_KEY_HASH_BYTES; i++) snprintf(found + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(found, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_says_what_it_is),
        cmocka_unit_test(no_two_keys_are_equal),
        cmocka_unit_test(every_character_is_random),
        cmocka_unit_test(what_is_no_key_does_not_look_like_one),
        cmocka_unit_test(the_hash_is_sha_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
