#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cli/job_item.h"

static const struct job_log log_known = {
    .source = TEXT("Cray@1000"), .user_prefix = TEXT("user"), .start_s = 1000};

static const char *write_item(const struct job_log *log, const struct swf_job *job) {
    static char written[4096];
    struct buffer out;
    buffer_init(&out, sizeof written - 1);
    struct amount hours;
    assert_int_equal(job_item_hours(job, &hours), JOB_TAKEN);
    job_item_write(&out, log, job, hours);
    assert_false(out.failed);
    memcpy(written, out.data, out.length);
    written[out.length] = '\0';
    buffer_close(&out);
    return written;
}

static void a_job_is_an_addition_of_hours_to_its_user(void **state) {
    (void)state;
    struct swf_job job = {.number = 7, .submit_s = 50, .wait_s = 10, .run_s = 5400, .processors = 2,
                          .user = 4};
    assert_string_equal(write_item(&log_known, &job),
                        "{\"id\":\"Cray@1000:0000000007:0000000050\",\"username\":\"user4\","
                        "\"resource_name\":\"cpu.hours\",\"update_type\":\"ADD\","
                        "\"usage_value\":3,\"effective_date\":\"1970-01-01T01:47:40Z\"}");
}

static void hours_are_the_shortest_text_of_the_double(void **state) {
    (void)state;
    struct swf_job job = {.run_s = 716, .processors = 32, .user = 1};
    assert_non_null(strstr(write_item(&log_known, &job), "\"usage_value\":6.364444444444445,"));
    job.run_s = 0;
    assert_non_null(strstr(write_item(&log_known, &job), "\"usage_value\":0,"));
    job = (struct swf_job){.run_s = 1, .processors = 1, .user = 1};
    assert_non_null(strstr(write_item(&log_known, &job), "\"usage_value\":0.0002777777777777778,"));
}

static void an_unknown_wait_counts_as_none(void **state) {
    (void)state;
    struct swf_job job = {.submit_s = 0, .wait_s = -1, .run_s = 3600, .processors = 1, .user = 1};
    assert_non_null(strstr(write_item(&log_known, &job), "\"1970-01-01T01:16:40Z\""));
}

static void a_job_without_a_known_end_has_no_date(void **state) {
    (void)state;
    struct swf_job job = {.submit_s = 0, .wait_s = 0, .run_s = 3600, .processors = 1, .user = 1};
    struct job_log log = log_known;
    log.start_s = -1;
    assert_null(strstr(write_item(&log, &job), "effective_date"));
    log.start_s = 1000;
    assert_non_null(strstr(write_item(&log, &job), "effective_date"));
    job.submit_s = -1;
    assert_null(strstr(write_item(&log_known, &job), "effective_date"));
}

static void names_are_escaped_as_json_wants_it(void **state) {
    (void)state;
    struct job_log log = log_known;
    log.source = TEXT("a \"b\"");
    log.user_prefix = TEXT("\\u");
    struct swf_job job = {.run_s = 1, .processors = 1, .user = 1};
    assert_non_null(strstr(write_item(&log, &job), "\"id\":\"a \\\"b\\\":0000000000:0000000000\""));
    assert_non_null(strstr(write_item(&log, &job), "\"username\":\"\\\\u1\""));
}

static void the_longest_id_is_still_a_key(void **state) {
    (void)state;
    char source[JOB_SOURCE_BYTES_MAX];
    memset(source, 's', sizeof source);
    struct job_log log = log_known;
    log.source = (struct text){source, sizeof source};
    struct swf_job job = {.number = SWF_INTEGER_MAX, .submit_s = -SWF_INTEGER_MAX, .run_s = 1,
                          .processors = 1, .user = SWF_INTEGER_MAX};
    const char *item = write_item(&log, &job), *id = strstr(item, "sss");
    size_t length = (size_t)(strchr(id, '"') - id);
    assert_true(length <= IDEMPOTENCY_KEY_BYTES_MAX);
    assert_non_null(strstr(item, ":999999999999999:-999999999999999\""));
}

static void ids_sort_as_the_jobs_do(void **state) {
    (void)state;
    char before[4096] = "";
    static const int64_t numbers[] = {1, 9, 10, 99, 18271, 9999999999};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct swf_job job = {.number = numbers[i], .run_s = 1, .processors = 1, .user = 1};
        const char *item = write_item(&log_known, &job);
        assert_true(strcmp(before, item) < 0);
        memcpy(before, item, strlen(item) + 1);
    }
}

static void what_is_not_known_is_not_accounted_for(void **state) {
    (void)state;
    struct amount hours;
    struct swf_job job = {.run_s = -1, .processors = 1, .user = 1};
    assert_int_equal(job_item_hours(&job, &hours), JOB_RUN_UNKNOWN);
    job = (struct swf_job){.run_s = 1, .processors = -1, .user = 1};
    assert_int_equal(job_item_hours(&job, &hours), JOB_PROCESSORS_UNKNOWN);
    job.processors = 0;
    assert_int_equal(job_item_hours(&job, &hours), JOB_PROCESSORS_UNKNOWN);
    job = (struct swf_job){.run_s = 1, .processors = 1, .user = -1};
    assert_int_equal(job_item_hours(&job, &hours), JOB_USER_UNKNOWN);
    job = (struct swf_job){.run_s = 0, .processors = 1, .user = 0};
    assert_int_equal(job_item_hours(&job, &hours), JOB_TAKEN);
    assert_int_equal(amount_sign(hours), 0);
}

static void even_the_largest_job_is_in_range(void **state) {
    (void)state;
    struct amount hours;
    struct swf_job job = {.run_s = SWF_INTEGER_MAX, .processors = SWF_INTEGER_MAX, .user = 1};
    assert_int_equal(job_item_hours(&job, &hours), JOB_TAKEN);
}

static void a_log_is_named_by_its_computer_and_its_start(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1024);
    struct qms_error error;
    assert_true(job_item_source(&out, TEXT("Intel iPSC/860"), 749458803, &error));
    assert_true(text_equal(buffer_text(&out), TEXT("Intel iPSC/860@749458803")));
    assert_false(job_item_source(&out, TEXT(""), 749458803, &error));
    assert_non_null(strstr(error.text, "Computer"));
    assert_non_null(strstr(error.text, "--source"));
    assert_false(job_item_source(&out, TEXT("Intel"), -1, &error));
    assert_non_null(strstr(error.text, "UnixStartTime"));
    assert_non_null(strstr(error.text, "--source"));
    buffer_close(&out);
}

static void a_source_is_short_plain_text(void **state) {
    (void)state;
    struct qms_error error;
    char source[JOB_SOURCE_BYTES_MAX + 1];
    memset(source, 's', sizeof source);
    assert_true(job_item_source_check((struct text){source, JOB_SOURCE_BYTES_MAX}, &error));
    assert_false(job_item_source_check((struct text){source, JOB_SOURCE_BYTES_MAX + 1}, &error));
    assert_true(job_item_source_check(TEXT("Z\xc3\xbcrich"), &error));
    assert_false(job_item_source_check(TEXT("Z\xfcrich"), &error));
    assert_false(job_item_source_check(TEXT("a\nb"), &error));
    assert_false(job_item_source_check(TEXT("a\x7f"), &error));
    assert_false(job_item_source_check(TEXT(""), &error));
    assert_int_equal(error.code, QMS_BAD_REQUEST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_an_addition_of_hours_to_its_user),
        cmocka_unit_test(hours_are_the_shortest_text_of_the_double),
        cmocka_unit_test(an_unknown_wait_counts_as_none),
        cmocka_unit_test(a_job_without_a_known_end_has_no_date),
        cmocka_unit_test(names_are_escaped_as_json_wants_it),
        cmocka_unit_test(the_longest_id_is_still_a_key),
        cmocka_unit_test(ids_sort_as_the_jobs_do),
        cmocka_unit_test(what_is_not_known_is_not_accounted_for),
        cmocka_unit_test(even_the_largest_job_is_in_range),
        cmocka_unit_test(a_log_is_named_by_its_computer_and_its_start),
        cmocka_unit_test(a_source_is_short_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
