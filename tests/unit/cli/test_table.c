#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <locale.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/table.h"

static const struct table_style plain = {.has_colour = false, .is_utf8 = true};
static const struct table_style coloured = {.has_colour = true, .is_utf8 = true};

static int set_up(void **state) {
    struct arena *arena = calloc(1, sizeof *arena);
    arena_init(arena, 4096);
    *state = arena;
    return setlocale(LC_CTYPE, "C.UTF-8") == NULL;
}

static int tear_down(void **state) {
    arena_close(*state);
    free(*state);
    return 0;
}

/* What table_write() writes; the caller frees it. */
static char *written(const struct table *table, struct table_style style) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    table_write(table, style, out);
    fclose(out);
    return text;
}

static void columns_line_up_and_lines_end_without_blanks(void **state) {
    static const struct table_column columns[] = {{"name", false}, {"n", true}, {"", false}};
    struct table table;
    table_init(&table, columns, 3, *state);
    table_put(&table, TEXT("a"), TABLE_PLAIN);
    table_put(&table, TEXT("100"), TABLE_PLAIN);
    table_put(&table, TEXT(""), TABLE_PLAIN);
    table_put(&table, TEXT("longer"), TABLE_PLAIN);
    table_put(&table, TEXT("7"), TABLE_PLAIN);
    table_put(&table, TEXT("x"), TABLE_PLAIN);
    char *text = written(&table, plain);
    assert_string_equal(text, "name      n\n"
                              "a       100\n"
                              "longer    7  x\n");
    free(text);
    table_close(&table);
}

static void columns_line_up_by_characters_not_bytes(void **state) {
    static const struct table_column columns[] = {{"", false}, {"", false}};
    struct table table;
    table_init(&table, columns, 2, *state);
    table_put(&table, TEXT("Zürich"), TABLE_PLAIN);
    table_put(&table, TEXT("|"), TABLE_PLAIN);
    table_put(&table, TEXT("日本"), TABLE_PLAIN);
    table_put(&table, TEXT("|"), TABLE_PLAIN);
    char *text = written(&table, plain);
    assert_string_equal(text, "Zürich  |\n"
                              "日本    |\n");
    free(text);
    table_close(&table);
}

static void colour_surrounds_the_text_and_not_the_blanks(void **state) {
    static const struct table_column columns[] = {{"", true}, {"", false}};
    struct table table;
    table_init(&table, columns, 2, *state);
    table_put(&table, TEXT("10"), TABLE_PLAIN);
    table_put(&table, TEXT("a"), TABLE_PLAIN);
    table_put(&table, TEXT("1"), TABLE_RED);
    table_put(&table, TEXT("b"), TABLE_GREEN);
    char *with = written(&table, coloured), *without = written(&table, plain);
    assert_string_equal(with, "10  a\n"
                              " \033[1;31m1\033[0m  \033[32mb\033[0m\n");
    assert_string_equal(without, "10  a\n"
                                 " 1  b\n");
    free(with);
    free(without);
    table_close(&table);
}

static void what_is_no_terminal_has_no_colour(void **state) {
    (void)state;
    FILE *file = tmpfile();
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_false(table_style_of(file).has_colour);
    assert_true(table_style_of(file).is_utf8);
    fclose(file);
}

static void control_characters_and_broken_bytes_are_shown_as_question_marks(void **state) {
    static const struct {
        const char *given, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"Zürich", "Zürich"},
        {"a\033[31mb", "a?[31mb"},
        {"a\nb\tc\x7f", "a?b?c?"},
        {"\xc2\x9b" "31m", "?31m"},
        {"Z\xfcrich", "Z?rich"},
        {"\xe6\x97", "??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(table_printable(*state, text_of(cases[i].given)).data, cases[i].shown);
}

static void a_bar_is_empty_only_at_nothing_and_full_only_from_all(void **state) {
    (void)state;
    static const struct {
        double part;
        const char *bar;
    } cases[] = {
        {0, "...."}, {0.001, "#..."}, {0.5, "##.."}, {0.999, "###."}, {1, "####"}, {1000, "####"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 256);
        table_bar(&out, cases[i].part, 4, (struct table_style){.is_utf8 = false});
        assert_true(text_equal(buffer_text(&out), text_of(cases[i].bar)));
        buffer_close(&out);
    }
    struct buffer out;
    buffer_init(&out, 256);
    table_bar(&out, 0.5, 4, plain);
    assert_true(text_equal(buffer_text(&out), TEXT("██░░")));
    buffer_close(&out);
}

static void many_rows_fit(void **state) {
    static const struct table_column columns[] = {{"", false}};
    struct table table;
    table_init(&table, columns, 1, *state);
    for (int i = 0; i < 1000; i++)
        table_put(&table, TEXT("x"), TABLE_PLAIN);
    char *text = written(&table, plain);
    assert_int_equal(strlen(text), 2000);
    free(text);
    table_close(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_and_lines_end_without_blanks),
        cmocka_unit_test(columns_line_up_by_characters_not_bytes),
        cmocka_unit_test(colour_surrounds_the_text_and_not_the_blanks),
        cmocka_unit_test(what_is_no_terminal_has_no_colour),
        cmocka_unit_test(control_characters_and_broken_bytes_are_shown_as_question_marks),
        cmocka_unit_test(a_bar_is_empty_only_at_nothing_and_full_only_from_all),
        cmocka_unit_test(many_rows_fit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
