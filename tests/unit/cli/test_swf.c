#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/swf.h"

static struct swf_line parse(const char *line) {
    struct swf_line parsed;
    swf_parse(text_of(line), &parsed);
    return parsed;
}

static void a_line_of_18_fields_is_a_job(void **state) {
    (void)state;
    struct swf_line parsed =
        parse("   59    26613     12    716   32   7.5  -1   64  900  -1 1   4   1  3 -1 -1 -1 -1");
    assert_int_equal(parsed.kind, SWF_JOB);
    assert_int_equal(parsed.job.number, 59);
    assert_int_equal(parsed.job.submit_s, 26613);
    assert_int_equal(parsed.job.wait_s, 12);
    assert_int_equal(parsed.job.run_s, 716);
    assert_int_equal(parsed.job.processors, 32);
    assert_int_equal(parsed.job.user, 4);
}

static void white_space_of_any_kind_separates_fields(void **state) {
    (void)state;
    struct swf_line parsed = parse("\t1\t2 \t 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 \r");
    assert_int_equal(parsed.kind, SWF_JOB);
    assert_int_equal(parsed.job.number, 1);
    assert_int_equal(parsed.job.user, 12);
}

static void what_is_unknown_stays_minus_one(void **state) {
    (void)state;
    struct swf_line parsed = parse("7 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1");
    assert_int_equal(parsed.kind, SWF_JOB);
    assert_int_equal(parsed.job.submit_s, -1);
    assert_int_equal(parsed.job.run_s, -1);
    assert_int_equal(parsed.job.processors, -1);
    assert_int_equal(parsed.job.user, -1);
}

static void the_status_of_a_job_does_not_matter(void **state) {
    (void)state;
    assert_int_equal(parse("1 0 0 9 1 0 0 1 0 0 0 1 1 1 1 1 1 1").kind, SWF_JOB);
    assert_int_equal(parse("1 0 0 9 1 0 0 1 0 0 5 1 1 1 1 1 1 1").kind, SWF_JOB);
}

static void a_comment_with_a_key_is_a_header(void **state) {
    (void)state;
    static const struct {
        const char *line, *key, *value;
    } cases[] = {
        {"; Computer: Intel iPSC/860", "Computer", "Intel iPSC/860"},
        {";UnixStartTime:749458803\r", "UnixStartTime", "749458803"},
        {"  ;  Note:   a: b  ", "Note", "a: b"},
        {"; MaxNodes:", "MaxNodes", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct swf_line parsed = parse(cases[i].line);
        assert_int_equal(parsed.kind, SWF_HEADER);
        assert_true(text_equal(parsed.key, text_of(cases[i].key)));
        assert_true(text_equal(parsed.value, text_of(cases[i].value)));
    }
}

static void other_comments_and_empty_lines_say_nothing(void **state) {
    (void)state;
    static const char *const comments[] = {";", "; ", "; two words: no key", "; word", "; : x"};
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++)
        assert_int_equal(parse(comments[i]).kind, SWF_COMMENT);
    assert_int_equal(parse("").kind, SWF_BLANK);
    assert_int_equal(parse(" \t\r").kind, SWF_BLANK);
}

static void a_malformed_line_says_what_is_wrong_where(void **state) {
    (void)state;
    static const char fewer[] = "fewer than 18 fields", more[] = "more than 18 fields";
    static const char integer[] = "not a whole number of at most 15 digits";
    static const struct {
        const char *line, *problem;
        int field;
    } cases[] = {
        {"1", fewer, 0},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", fewer, 0},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", more, 0},
        {"x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 1},
        {"1 2 3 4.5 5 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 4},
        {"1 2 3 4 - 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 5},
        {"1 2 3 4 +5 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 5},
        {"1 2 3 1000000000000000 5 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 4},
        {"1 2 3 99999999999999999999999 5 6 7 8 9 10 11 12 13 14 15 16 17 18", integer, 4},
        {"1 2 3 4 5 1.2.3 7 8 9 10 11 12 13 14 15 16 17 18", "not a number", 6},
        {"1 2 3 4 5 . 7 8 9 10 11 12 13 14 15 16 17 18", "not a number", 6},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 nan", "not a number", 18},
        {"1 2 3 4 5 6 7 8 9 10 11 user4 13 14 15 16 17 18", integer, 12},
        {"-1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", "a job without a number", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct swf_line parsed = parse(cases[i].line);
        assert_int_equal(parsed.kind, SWF_MALFORMED);
        assert_string_equal(parsed.problem, cases[i].problem);
        assert_int_equal(parsed.field, cases[i].field);
    }
}

static void the_largest_integer_is_kept_exactly(void **state) {
    (void)state;
    struct swf_line parsed = parse("1 2 3 999999999999999 5 6 7 8 9 10 11 12 13 14 15 16 17 18");
    assert_int_equal(parsed.kind, SWF_JOB);
    assert_int_equal(parsed.job.run_s, SWF_INTEGER_MAX);
}

static void bytes_that_are_no_text_are_malformed(void **state) {
    (void)state;
    struct swf_line parsed;
    swf_parse((struct text){"1 \0 3", 5}, &parsed);
    assert_int_equal(parsed.kind, SWF_MALFORMED);
    assert_int_equal(parsed.field, 2);
}

static void hours_are_the_nearest_double_of_run_time_times_processors(void **state) {
    (void)state;
    struct swf_job job = {.run_s = 1451, .processors = 128};
    assert_true(swf_job_hours(&job) == 1451.0 * 128.0 / 3600.0);
    job = (struct swf_job){.run_s = 0, .processors = 128};
    assert_true(swf_job_hours(&job) == 0);
    job = (struct swf_job){.run_s = 36, .processors = 1};
    assert_true(swf_job_hours(&job) == 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_18_fields_is_a_job),
        cmocka_unit_test(white_space_of_any_kind_separates_fields),
        cmocka_unit_test(what_is_unknown_stays_minus_one),
        cmocka_unit_test(the_status_of_a_job_does_not_matter),
        cmocka_unit_test(a_comment_with_a_key_is_a_header),
        cmocka_unit_test(other_comments_and_empty_lines_say_nothing),
        cmocka_unit_test(a_malformed_line_says_what_is_wrong_where),
        cmocka_unit_test(the_largest_integer_is_kept_exactly),
        cmocka_unit_test(bytes_that_are_no_text_are_malformed),
        cmocka_unit_test(hours_are_the_nearest_double_of_run_time_times_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
