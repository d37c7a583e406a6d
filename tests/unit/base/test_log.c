#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 8192 };

/* Standard error is a pipe in packet mode: one read gives what one write wrote. */
struct fixture {
    int pipe[2];
    int standard_error;
    char line[2 * LINE_BYTES_MAX];
};

static int set_up(void **state) {
    static struct fixture fixture;
    *state = &fixture;
    if (pipe2(fixture.pipe, O_DIRECT | O_NONBLOCK) != 0) return -1;
    fixture.standard_error = dup(STDERR_FILENO);
    dup2(fixture.pipe[1], STDERR_FILENO);
    log_set_level(LOG_INFO);
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    dup2(f->standard_error, STDERR_FILENO);
    close(f->standard_error);
    close(f->pipe[0]);
    close(f->pipe[1]);
    return 0;
}

/* What one write wrote, without the new line; NULL when there was none. */
static const char *next_line(struct fixture *f) {
    size_t length = 0;
    do { /* a packet ends where less than a page of it is left */
        ssize_t bytes = read(f->pipe[0], f->line + length, sizeof f->line - 1 - length);
        if (bytes <= 0) break;
        length += (size_t)bytes;
    } while (length % 4096 == 0);
    if (length == 0) return NULL;
    assert_int_equal(f->line[length - 1], '\n');
    f->line[length - 1] = '\0';
    return f->line;
}

/* A line is {"time":"<27 characters>", and then what is expected. */
static void assert_line(const char *line, const char *expected) {
    static const char pattern[] = "{\"time\":\"dddd-dd-ddTdd:dd:dd.ddddddZ\",";
    assert_non_null(line);
    for (size_t i = 0; i < sizeof pattern - 1; i++) {
        bool is_place = pattern[i] == 'd';
        bool is_digit = line[i] >= '0' && line[i] <= '9';
        if (is_place ? !is_digit : line[i] != pattern[i]) fail_msg("%s", line);
    }
    assert_string_equal(line + sizeof pattern - 1, expected);
}

static void a_line_is_one_object_in_one_write(void **state) {
    struct fixture *f = *state;
    log_format(LOG_WARNING, "%d of %s", 3, "all");
    log_format(LOG_ERROR, "second");
    assert_line(next_line(f), "\"level\":\"warning\",\"message\":\"3 of all\"}");
    assert_line(next_line(f), "\"level\":\"error\",\"message\":\"second\"}");
    assert_null(next_line(f));
}

static void members_are_texts_and_numbers(void **state) {
    const struct log_member members[] = {
        {.key = "user", .text = TEXT("ada")},
        {.key = "count", .number = INT64_MIN, .is_number = true},
        {.key = "none", .text = {.data = NULL, .length = 0}},
        {.key = NULL},
    };
    log_write(LOG_INFO, "m", members);
    assert_line(next_line(*state), "\"level\":\"info\",\"message\":\"m\",\"user\":\"ada\","
                                   "\"count\":-9223372036854775808,\"none\":\"\"}");
}

static void text_from_outside_is_escaped(void **state) {
    const struct log_member members[] = {
        {.key = "text", .text = TEXT("\"\\\n\r\t\0\x7f\xC3\xA9\xC3|\xED\xA0\x80\xF0\x9F\x98\x80")},
        {.key = NULL},
    };
    log_write(LOG_INFO, "a\"b\nc", members);
    assert_line(next_line(*state),
                "\"level\":\"info\",\"message\":\"a\\\"b\\nc\",\"text\":\"\\\"\\\\\\n\\u000d\\u0009"
                "\\u0000\\u007f\xC3\xA9\\ufffd|\\ufffd\\ufffd\\ufffd\xF0\x9F\x98\x80\"}");
}

static void levels_below_the_one_set_are_silent(void **state) {
    struct fixture *f = *state;
    log_format(LOG_DEBUG, "silent");
    assert_null(next_line(f));
    assert_false(log_enabled(LOG_DEBUG));
    log_set_level(LOG_ERROR);
    assert_false(log_enabled(LOG_WARNING));
    log_write(LOG_WARNING, "silent", NULL);
    assert_null(next_line(f));
    log_set_level(LOG_DEBUG);
    log_format(LOG_DEBUG, "loud");
    assert_line(next_line(f), "\"level\":\"debug\",\"message\":\"loud\"}");
}

static void levels_have_names(void **state) {
    (void)state;
    enum log_level level = LOG_INFO;
    assert_true(log_level_parse("debug", &level) && level == LOG_DEBUG);
    assert_true(log_level_parse("info", &level) && level == LOG_INFO);
    assert_true(log_level_parse("warning", &level) && level == LOG_WARNING);
    assert_true(log_level_parse("error", &level) && level == LOG_ERROR);
    assert_false(log_level_parse("ERROR", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_ERROR);
}

/* Texts of every length around the line's: what is left is always a whole object. */
static void a_line_too_long_is_cut_and_still_an_object(void **state) {
    struct fixture *f = *state;
    static char text[LINE_BYTES_MAX + 100];
    for (size_t i = 0; i < sizeof text; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    for (size_t length = LINE_BYTES_MAX - 300; length < sizeof text; length++) {
        const struct log_member members[] = {
            {.key = "long", .text = {.data = text, .length = length}},
            {.key = "number", .number = 1, .is_number = true},
            {.key = "after", .text = TEXT("\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"")},
            {.key = NULL},
        };
        log_write(LOG_INFO, "m", members);
        const char *line = next_line(f);
        assert_non_null(line);
        size_t written = strlen(line);
        assert_true(written < LINE_BYTES_MAX);
        assert_true(text_is_utf8(text_of(line)) || length % 2 == 1);
        assert_string_equal(line + written - 1, "}");
        size_t quotes = 0;
        for (const char *at = line; *at != '\0'; at++)
            quotes += *at == '"' && at[-1] != '\\';
        assert_int_equal(quotes % 4, strstr(line, "\"number\"") != NULL ? 2 : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_one_object_in_one_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_are_texts_and_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_from_outside_is_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_below_the_one_set_are_silent, set_up, tear_down),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test_setup_teardown(a_line_too_long_is_cut_and_still_an_object, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
