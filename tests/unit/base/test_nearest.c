#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/nearest.h"

static const char *const names[] = {"serve", "ingest", "user", "overages", "version", "help"};

static const char *nearest(const char *word) {
    const char *name = nearest_word(word, names, sizeof names / sizeof names[0]);
    return name == NULL ? "" : name;
}

static void a_misspelled_word_is_near_what_was_meant(void **state) {
    (void)state;
    assert_string_equal(nearest("ingst"), "ingest");
    assert_string_equal(nearest("ingets"), "ingest");
    assert_string_equal(nearest("users"), "user");
    assert_string_equal(nearest("overage"), "overages");
    assert_string_equal(nearest("hepl"), "help");
    assert_string_equal(nearest("serv"), "serve");
}

static void another_word_is_near_nothing(void **state) {
    (void)state;
    assert_string_equal(nearest("migrate"), "");
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("a-word-that-is-longer-than-any-name-of-a-command"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelled_word_is_near_what_was_meant),
        cmocka_unit_test(another_word_is_near_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
