#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/command.h"

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

static void the_operands_that_are_missing_are_named(void **state) {
    (void)state;
    static const struct option_row none[] = {OPTION_END};
    static const struct command command = {.name = "set", .operands = "USER RESOURCE VALUE [NOTE]",
                                           .options = none, .operands_min = 3, .operands_max = 4,
                                           .run = run_nothing};
    static const char *const texts[] = {
        "USER RESOURCE VALUE are missing (see: qms help set)",
        "RESOURCE VALUE are missing (see: qms help set)",
        "VALUE is missing (see: qms help set)",
    };
    struct arena arena;
    arena_init(&arena, 1024);
    struct qms_error error;
    char first[] = "ada", second[] = "cpu", *arguments[] = {first, second};
    for (int given = 0; given < 3; given++) {
        int count = given;
        assert_false(command_parse(&command, NULL, &count, arguments, &arena, &error));
        assert_string_equal(error.text, texts[given]);
    }
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_operands_is_checked),
        cmocka_unit_test(the_operands_that_are_missing_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
