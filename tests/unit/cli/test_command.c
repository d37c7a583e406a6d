#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/command.h"

static const char *const names[] = {"serve", "ingest", "user", "overages", "version", "help"};

static const char *nearest(const char *word) {
    const char *name = command_nearest(word, names, sizeof names / sizeof names[0]);
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

static int run_nothing(const struct command *command, int count, char **arguments) {
    (void)command, (void)count, (void)arguments;
    return 0;
}

static void the_number_of_operands_is_checked(void **state) {
    (void)state;
    static const struct option_row none[] = {OPTION_END};
    static const struct command command = {.name = "user", .operands = "NAME", .options = none,
                                           .operands_min = 1, .operands_max = 1,
                                           .run = run_nothing};
    struct arena arena;
    arena_init(&arena, 1024);
    struct qms_error error;
    char first[] = "ada", second[] = "bob", *arguments[] = {first, second};
    int count = 0;
    assert_false(command_parse(&command, NULL, &count, arguments, &arena, &error));
    assert_string_equal(error.text, "NAME is missing (see: qms help user)");
    count = 2;
    assert_false(command_parse(&command, NULL, &count, arguments, &arena, &error));
    assert_string_equal(error.text, "'bob' is one argument too many (see: qms help user)");
    assert_int_equal(qms_code_exit(error.code), 2);
    count = 1;
    assert_true(command_parse(&command, NULL, &count, arguments, &arena, &error));
    assert_string_equal(arguments[0], "ada");
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelled_word_is_near_what_was_meant),
        cmocka_unit_test(another_word_is_near_nothing),
        cmocka_unit_test(the_number_of_operands_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
