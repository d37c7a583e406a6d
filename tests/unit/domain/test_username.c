#include "domain/username.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/limits.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct name_case {
    struct text given;
    const char *name; /* NULL: refused */
};

static void check(const struct username_rule *rule, const struct name_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct text name = TEXT("untouched");
        struct qms_error error = {.code = QMS_OK};
        bool resolved = username_resolve(rule, cases[i].given, &name, &error);
        if (resolved != (cases[i].name != NULL)) fail_msg("case %zu", i);
        if (resolved) {
            if (!text_equal(name, text_of(cases[i].name))) fail_msg("case %zu", i);
            assert_ptr_equal(name.data, cases[i].given.data);
        } else {
            assert_true(text_equal(name, TEXT("untouched")));
            assert_int_equal(error.code, QMS_BAD_REQUEST);
            assert_string_equal(error.text, "invalid username");
        }
    }
}

static void the_configured_domain_is_stripped_once_from_the_end(void **state) {
    (void)state;
    static const struct username_rule rule = {.domain = TEXT("cyverse.org")};
    static const struct name_case cases[] = {
        {TEXT("ada"), "ada"},
        {TEXT("ada@cyverse.org"), "ada"},
        {TEXT("cyverse.org"), "cyverse.org"},
        {TEXT("adacyverse.org"), "adacyverse.org"},
        {TEXT("ada@cyverse.org@cyverse.org"), NULL},
        {TEXT("@cyverse.org"), NULL},
        {TEXT("@cyverse.org@cyverse.org"), NULL},
        {TEXT("ada@example.org"), NULL},
        {TEXT("ada@CyVerse.org"), NULL},
        {TEXT("ada@cyverse.org "), NULL},
        {TEXT("ada@cyverse.or"), NULL},
        {TEXT("ada@"), NULL},
        {TEXT("@"), NULL},
        {TEXT(""), NULL},
    };
    check(&rule, cases, COUNT(cases));
}

static void without_a_domain_nothing_is_stripped(void **state) {
    (void)state;
    static const struct username_rule rule = {.domain = {.data = NULL, .length = 0}};
    static const struct name_case cases[] = {
        {TEXT("ada"), "ada"},
        {TEXT("ada@cyverse.org"), NULL},
        {TEXT("ada@"), NULL},
        {{.data = NULL, .length = 0}, NULL},
    };
    check(&rule, cases, COUNT(cases));
}

static void on_demand_everything_from_the_first_at_is_stripped(void **state) {
    (void)state;
    static const struct username_rule rule = {.domain = TEXT("b"), .strip_any_domain = true};
    static const struct name_case cases[] = {
        {TEXT("ada"), "ada"},       {TEXT("ada@a.b@c"), "ada"}, {TEXT("ada@"), "ada"},
        {TEXT("ada@\xFF\x01/"), "ada"}, {TEXT("@b"), NULL},     {TEXT("a/b@c"), NULL},
        {{.data = NULL, .length = 0}, NULL},
    };
    check(&rule, cases, COUNT(cases));
}

static void names_are_taken_as_they_are_or_not_at_all(void **state) {
    (void)state;
    static const struct username_rule rule = {.domain = {.data = NULL, .length = 0}};
    static const struct name_case cases[] = {
        {TEXT(" "), " "},
        {TEXT("Ada Lovelace"), "Ada Lovelace"},
        {TEXT("a%2Fb\\c\"'"), "a%2Fb\\c\"'"},
        {TEXT("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {TEXT("\xC2\xA0"), "\xC2\xA0"},
        {TEXT("\xC4\x85"), "\xC4\x85"},
        {TEXT("a/b"), NULL},
        {TEXT("a\0b"), NULL},
        {TEXT("\0"), NULL},
        {TEXT("a\n"), NULL},
        {TEXT("\x1F"), NULL},
        {TEXT("\x7F"), NULL},
        {TEXT("\xC2\x80"), NULL},
        {TEXT("a\xC2\x9F"), NULL},
        {TEXT("\xC3"), NULL},
        {TEXT("a\xC2"), NULL},
        {TEXT("\xC0\x80"), NULL},
        {TEXT("\xED\xA0\x80"), NULL},
    };
    check(&rule, cases, COUNT(cases));
}

static void a_name_has_a_largest_length_without_its_domain(void **state) {
    (void)state;
    static const struct username_rule rule = {.domain = TEXT("d")};
    char given[USERNAME_BYTES_MAX + 3];
    memset(given, 'a', sizeof given);
    struct text name;
    struct text longest = {.data = given, .length = USERNAME_BYTES_MAX};
    struct text longer = {.data = given, .length = USERNAME_BYTES_MAX + 1};
    assert_true(username_resolve(&rule, longest, &name, NULL));
    assert_int_equal(name.length, USERNAME_BYTES_MAX);
    assert_false(username_resolve(&rule, longer, &name, NULL));
    memcpy(given + USERNAME_BYTES_MAX, "@d", 2);
    longer.length = USERNAME_BYTES_MAX + 2;
    assert_true(username_resolve(&rule, longer, &name, NULL));
    assert_int_equal(name.length, USERNAME_BYTES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configured_domain_is_stripped_once_from_the_end),
        cmocka_unit_test(without_a_domain_nothing_is_stripped),
        cmocka_unit_test(on_demand_everything_from_the_first_at_is_stripped),
        cmocka_unit_test(names_are_taken_as_they_are_or_not_at_all),
        cmocka_unit_test(a_name_has_a_largest_length_without_its_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
