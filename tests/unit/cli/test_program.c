#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/program.h"

static int run_nothing(const struct command *command, int count, char **arguments) {
    (void)arguments;
    return 100 + count + (command->name[0] == 'p' ? 10 : 0);
}

static const struct option_row none[] = {OPTION_END};
static const struct command single = {.name = "user", .operands = "NAME", .summary = "show",
                                      .details = "", .options = none, .run = run_nothing};
static const struct command table[] = {
    {"plan list", "", "list 'them'", "", none, 0, 0, run_nothing, NULL},
    {"plan add", "NAME", "add", ".x \\ y\n'z\n", none, 1, 1, run_nothing, NULL},
    {"resource list", "", "list", "", none, 0, 0, run_nothing, NULL},
    {.name = NULL},
};

const struct program_part program_parts[] = {
    {&single, false}, {table, true}, {&command_help, false}, {.rows = NULL},
};

static void the_parts_are_one_list(void **state) {
    (void)state;
    static const char *const names[] = {"user", "plan list", "plan add", "resource list", "help"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(program_command(i)->name, names[i]);
    assert_null(program_command(5));
    assert_true(program_is_first(1));
    assert_false(program_is_first(2));
    assert_true(program_is_first(3));
    assert_true(program_has_group(TEXT("plan")));
    assert_false(program_has_group(TEXT("user")));
    assert_false(program_has_group(TEXT("pla")));
}

static int run(int count, const char *first, const char *second, const char *third) {
    char *words[] = {(char *)first, (char *)second, (char *)third};
    return program_run(count, words);
}

static void one_word_or_two_choose_the_command(void **state) {
    (void)state;
    assert_int_equal(run(1, "user", NULL, NULL), 100);
    assert_int_equal(run(2, "user", "ada", NULL), 101);
    assert_int_equal(run(2, "plan", "list", NULL), 110);
    assert_int_equal(run(3, "plan", "add", "Team"), 111);
    assert_int_equal(run(2, "resource", "list", NULL), 100);
    assert_int_equal(run(1, "plan", NULL, NULL), 2);
    assert_int_equal(run(2, "plan", "lst", NULL), 2);
    assert_int_equal(run(2, "list", "plan", NULL), 2);
    assert_int_equal(run(0, NULL, NULL, NULL), 2);
    assert_int_equal(run(2, "plan", "--help", NULL), 0);
    assert_int_equal(run(3, "plan", "add", "-h"), 0);
}

static void text_in_the_man_page_is_no_request(void **state) {
    (void)state;
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    program_man(out);
    fclose(out);
    assert_non_null(strstr(page, ".SS plan list\n\\fBqms plan list\\fR\n.PP\nList 'them'.\n"));
    assert_non_null(strstr(page, "\\fBqms plan add\\fR \\fINAME\\fR\n"));
    assert_non_null(strstr(page, "\\fB\\-\\-man\\fR\n"));
    assert_non_null(strstr(page, "\nAdd.\n\\&.x \\e y\n\\&'z\n"));
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_one_list),
        cmocka_unit_test(one_word_or_two_choose_the_command),
        cmocka_unit_test(text_in_the_man_page_is_no_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
