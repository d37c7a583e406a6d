#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/options.h"

struct settings {
    const char *listen;
    struct option_texts hosts;
    uint64_t threads;
    bool report, quiet;
};

static const struct option_row table[] = {
    {"listen", "listen", "QMS_LISTEN", OPTION_TEXT, offsetof(struct settings, listen),
     "127.0.0.1:60000", "ADDR:PORT", "where to listen", 0, 0},
    {"hosts", "host", "QMS_HOSTS", OPTION_TEXTS, offsetof(struct settings, hosts), NULL, "NAME",
     "a name it may be called by", 0, 0},
    {"threads", "threads", "QMS_THREADS", OPTION_UNSIGNED, offsetof(struct settings, threads), "2",
     "N", "how many", 1, 64},
    {"report", "report", NULL, OPTION_BOOL, offsetof(struct settings, report), "true", NULL,
     "tell overages", 0, 0},
    {"quiet", "quiet", NULL, OPTION_BOOL, offsetof(struct settings, quiet), NULL, NULL,
     "say less", 0, 0},
    {"old.listen", NULL, "QMS_OLD_LISTEN", OPTION_TEXT, offsetof(struct settings, listen), NULL,
     NULL, "the name before", 0, 0},
    OPTION_END,
};

struct fixture {
    struct settings settings;
    struct arena arena;
    struct qms_error error;
    char *arguments[16];
    int count;
};

static const char *const *environment_now; /* pairs of name and value, ends with NULL */

static const char *environment_of_test(const char *name) {
    for (const char *const *pair = environment_now; pair != NULL && *pair != NULL; pair += 2)
        if (strcmp(*pair, name) == 0) return pair[1];
    return NULL;
}

/* Parses a command line given as words with single spaces between them. */
static bool parse(struct fixture *fixture, const char *line, const char *const *environment) {
    fixture->settings = (struct settings){0};
    fixture->count = 0;
    size_t bytes = strlen(line) + 1;
    char *rest = bytes == 1 ? NULL : memcpy(arena_take(&fixture->arena, bytes), line, bytes);
    while (rest != NULL && fixture->count < 16)
        fixture->arguments[fixture->count++] = strsep(&rest, " ");
    environment_now = environment;
    return options_parse(table, &fixture->settings, &fixture->count, fixture->arguments,
                         environment_of_test, &fixture->arena, &fixture->error);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, 4096);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    arena_close(&fixture->arena);
    free(fixture);
    return 0;
}

static void what_nobody_sets_has_its_default(void **state) {
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "", NULL));
    assert_string_equal(fixture->settings.listen, "127.0.0.1:60000");
    assert_int_equal(fixture->settings.threads, 2);
    assert_true(fixture->settings.report);
    assert_false(fixture->settings.quiet);
    assert_int_equal(fixture->settings.hosts.count, 0);
    assert_null(fixture->settings.hosts.items[0]);
}

static void a_value_follows_its_flag_or_an_equals_sign(void **state) {
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "--listen 127.0.0.1:1 --threads=64", NULL));
    assert_string_equal(fixture->settings.listen, "127.0.0.1:1");
    assert_int_equal(fixture->settings.threads, 64);
    assert_true(parse(fixture, "--listen=a=b", NULL));
    assert_string_equal(fixture->settings.listen, "a=b");
    assert_true(parse(fixture, "--listen=", NULL));
    assert_string_equal(fixture->settings.listen, "");
}

static void the_command_line_wins_over_the_environment_and_that_over_the_default(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_LISTEN", "e:1", "QMS_THREADS", "7",
                                       "QMS_HOSTS",  "a,b", NULL};
    assert_true(parse(fixture, "--threads 9", environment));
    assert_string_equal(fixture->settings.listen, "e:1");
    assert_int_equal(fixture->settings.threads, 9);
    assert_int_equal(fixture->settings.hosts.count, 2);
    assert_string_equal(fixture->settings.hosts.items[1], "b");
}

static void a_list_on_the_command_line_replaces_that_of_the_environment(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_HOSTS", "a,b", NULL};
    assert_true(parse(fixture, "--host c --host d,e", environment));
    assert_int_equal(fixture->settings.hosts.count, 3);
    assert_string_equal(fixture->settings.hosts.items[0], "c");
    assert_string_equal(fixture->settings.hosts.items[2], "e");
    assert_null(fixture->settings.hosts.items[3]);
}

static void blanks_beside_the_commas_of_a_list_belong_to_no_value(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_HOSTS", " a, b c ,\t, d", NULL};
    assert_true(parse(fixture, "", environment));
    assert_int_equal(fixture->settings.hosts.count, 3);
    assert_string_equal(fixture->settings.hosts.items[0], "a");
    assert_string_equal(fixture->settings.hosts.items[1], "b c");
    assert_string_equal(fixture->settings.hosts.items[2], "d");
}

static void an_empty_variable_counts_as_unset(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_LISTEN", "", "QMS_THREADS", "", NULL};
    assert_true(parse(fixture, "", environment));
    assert_string_equal(fixture->settings.listen, "127.0.0.1:60000");
    assert_int_equal(fixture->settings.threads, 2);
}

static void a_variable_without_a_flag_is_read_too(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_OLD_LISTEN", "old:1", NULL};
    assert_true(parse(fixture, "", environment));
    assert_string_equal(fixture->settings.listen, "old:1");
    assert_false(parse(fixture, "--old.listen x", NULL));
}

static void a_switch_is_turned_on_and_off(void **state) {
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "--quiet --no-report", NULL));
    assert_true(fixture->settings.quiet);
    assert_false(fixture->settings.report);
    assert_true(parse(fixture, "--report=false --quiet=TRUE", NULL));
    assert_true(fixture->settings.quiet);
    assert_false(fixture->settings.report);
    assert_true(parse(fixture, "--quiet --quiet=0", NULL));
    assert_false(fixture->settings.quiet);
}

static void what_is_no_option_is_kept_in_order(void **state) {
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "one --threads 3 - two -- --listen --", NULL));
    assert_int_equal(fixture->count, 5);
    assert_string_equal(fixture->arguments[0], "one");
    assert_string_equal(fixture->arguments[1], "-");
    assert_string_equal(fixture->arguments[2], "two");
    assert_string_equal(fixture->arguments[3], "--listen");
    assert_string_equal(fixture->arguments[4], "--");
    assert_string_equal(fixture->settings.listen, "127.0.0.1:60000");
}

static void a_negative_number_is_no_option(void **state) {
    struct fixture *fixture = *state;
    assert_true(parse(fixture, "-5 -.5", NULL));
    assert_int_equal(fixture->count, 2);
    assert_string_equal(fixture->arguments[0], "-5");
    assert_string_equal(fixture->arguments[1], "-.5");
}

static void an_empty_argument_is_no_option(void **state) {
    struct fixture *fixture = *state;
    char empty[] = "", *arguments[] = {empty};
    int count = 1;
    assert_true(options_parse(table, &fixture->settings, &count, arguments, environment_of_test,
                              &fixture->arena, &fixture->error));
    assert_int_equal(count, 1);
    assert_ptr_equal(arguments[0], empty);
}

static void what_is_wrong_is_refused_with_its_reason(void **state) {
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"--unknown", "unknown option --unknown"},
        {"--unknown=3", "unknown option --unknown"},
        {"-x", "unknown option -x"},
        {"--listne", "unknown option --listne; did you mean --listen?"},
        {"--lis x", "unknown option --lis"},
        {"--no-listen", "unknown option --no-listen"},
        {"--no-", "unknown option --no-"},
        {"--listen", "--listen needs a value (ADDR:PORT)"},
        {"--threads 0", "--threads takes a whole number from 1 to 64, not '0'"},
        {"--threads 65", "--threads takes a whole number from 1 to 64, not '65'"},
        {"--threads 6x", "--threads takes a whole number from 1 to 64, not '6x'"},
        {"--threads -6", "--threads takes a whole number from 1 to 64, not '-6'"},
        {"--threads=", "--threads takes a whole number from 1 to 64, not ''"},
        {"--threads 18446744073709551617",
         "--threads takes a whole number from 1 to 64, not '18446744073709551617'"},
        {"--quiet=maybe", "--quiet is true or false, not 'maybe'"},
        {"--no-quiet=true", "--no-quiet takes no value"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(parse(fixture, cases[i].line, NULL));
        assert_int_equal(fixture->error.code, QMS_BAD_REQUEST);
        assert_string_equal(fixture->error.text, cases[i].text);
    }
}

static void a_wrong_variable_is_refused_by_its_name(void **state) {
    struct fixture *fixture = *state;
    const char *const environment[] = {"QMS_THREADS", "many", NULL};
    assert_false(parse(fixture, "", environment));
    assert_string_equal(fixture->error.text,
                        "QMS_THREADS takes a whole number from 1 to 64, not 'many'");
}

static void a_list_has_a_bound(void **state) {
    struct fixture *fixture = *state;
    struct buffer line;
    buffer_init(&line, 4096);
    buffer_put_text(&line, TEXT("--host h"));
    for (int i = 1; i < OPTION_TEXTS_MAX; i++)
        buffer_put_text(&line, TEXT(",h"));
    buffer_put_char(&line, '\0');
    assert_true(parse(fixture, line.data, NULL));
    assert_int_equal(fixture->settings.hosts.count, OPTION_TEXTS_MAX);
    line.length--;
    buffer_put(&line, ",h", 3);
    assert_false(parse(fixture, line.data, NULL));
    assert_string_equal(fixture->error.text, "--host takes at most 32 values");
    buffer_close(&line);
}

static void help_names_every_flag_with_default_and_variable(void **state) {
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    options_help(table, out);
    fclose(out);
    assert_non_null(strstr(text, "  --listen ADDR:PORT\n      where to listen "
                                 "[default 127.0.0.1:60000] [QMS_LISTEN]\n"));
    assert_non_null(strstr(text, "  --report\n      tell overages "
                                 "[on; --no-report turns it off]\n"));
    assert_non_null(strstr(text, "  --quiet\n      say less\n"));
    assert_non_null(strstr(text, "  QMS_OLD_LISTEN\n      the name before\n"));
    assert_null(strstr(text, "[default ]"));
    free(text);
}

static void help_breaks_lines_between_words(void **state) {
    (void)state;
    static const char words[] = "nine char nine char nine char nine char nine char nine char "
                                "nine char nine char nine char nine char";
    const struct option_row rows[] = {
        {"a", "a", "QMS_A", OPTION_TEXT, 0, "", "A", words, 0, 0},
        OPTION_END,
    };
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    options_help(rows, out);
    fclose(out);
    assert_string_equal(text, "  --a A\n"
                              "      nine char nine char nine char nine char nine char nine char "
                              "nine char nine\n"
                              "      char nine char nine char [QMS_A]\n");
    free(text);
}

static bool find_named(void *context, const struct option_row *row, struct arena *arena,
                       const char **value, const char **origin, struct qms_error *error) {
    const char *const *pairs = context; /* of name and value; ends with NULL */
    (void)arena;
    for (; *pairs != NULL; pairs += 2) {
        if (strcmp(pairs[0], row->name) != 0) continue;
        if (strcmp(pairs[1], "?") == 0) return qms_fail(error, QMS_BAD_REQUEST, "no value");
        *value = pairs[1];
        *origin = pairs[0];
    }
    return true;
}

static void a_later_layer_wins_and_says_where_a_value_comes_from(void **state) {
    struct fixture *fixture = *state;
    const char *lower[] = {table[0].name, "1", table[1].name, "2", NULL};
    const char *upper[] = {table[1].name, "3", NULL};
    const char *wrong[] = {table[0].name, "?", NULL};
    const struct option_layer layers[] = {
        {find_named, lower}, {find_named, upper}, {find_named, wrong}};
    struct option_origins origins;
    fixture->count = 0;
    assert_true(options_parse_layers(table, &fixture->settings, layers, 2, &origins,
                                     &fixture->count, fixture->arguments, &fixture->arena,
                                     &fixture->error));
    assert_string_equal(origins.text[0], table[0].name);
    assert_int_equal(origins.rank[0], 1);
    assert_int_equal(origins.rank[1], 2);
    assert_null(origins.text[2]);
    assert_true(text_equal(option_text(&table[0], &fixture->settings, &fixture->arena),
                           TEXT("1")));
    assert_true(text_equal(option_text(&table[1], &fixture->settings, &fixture->arena),
                           TEXT("3")));
    assert_false(options_parse_layers(table, &fixture->settings, layers, 3, &origins,
                                      &fixture->count, fixture->arguments, &fixture->arena,
                                      &fixture->error));
    assert_string_equal(fixture->error.text, "no value");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_layer_wins_and_says_where_a_value_comes_from),
        cmocka_unit_test(what_nobody_sets_has_its_default),
        cmocka_unit_test(a_value_follows_its_flag_or_an_equals_sign),
        cmocka_unit_test(the_command_line_wins_over_the_environment_and_that_over_the_default),
        cmocka_unit_test(a_list_on_the_command_line_replaces_that_of_the_environment),
        cmocka_unit_test(blanks_beside_the_commas_of_a_list_belong_to_no_value),
        cmocka_unit_test(an_empty_variable_counts_as_unset),
        cmocka_unit_test(a_variable_without_a_flag_is_read_too),
        cmocka_unit_test(a_switch_is_turned_on_and_off),
        cmocka_unit_test(what_is_no_option_is_kept_in_order),
        cmocka_unit_test(a_negative_number_is_no_option),
        cmocka_unit_test(an_empty_argument_is_no_option),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_reason),
        cmocka_unit_test(a_wrong_variable_is_refused_by_its_name),
        cmocka_unit_test(a_list_has_a_bound),
        cmocka_unit_test(help_names_every_flag_with_default_and_variable),
        cmocka_unit_test(help_breaks_lines_between_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
