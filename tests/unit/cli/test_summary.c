#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "cli/summary.h"

static int set_up(void **state) {
    struct arena *arena = calloc(1, sizeof *arena);
    arena_init(arena, 4096);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    arena_close(*state);
    free(*state);
    return 0;
}

static const char *digits(struct amount amount) {
    static char text[AMOUNT_TEXT_MAX + 1];
    text[amount_format(amount, text)] = '\0';
    return text;
}

#define CPU "\"resource_type\":{\"uuid\":\"u\",\"name\":\"cpu.hours\",\"unit\":\"cpu hours\"}"
#define DATA "\"resource_type\":{\"uuid\":\"v\",\"name\":\"data.size\",\"unit\":\"bytes\"}"

static const char full[] =
    "{\"header\":{\"map\":{}},\"error\":null,\"subscription\":{\"uuid\":\"s\","
    "\"effective_start_date\":\"2026-01-01T00:00:00Z\","
    "\"effective_end_date\":\"2027-01-01T00:00:00Z\","
    "\"user\":{\"uuid\":\"w\",\"username\":\"ada\"},"
    "\"plan\":{\"uuid\":\"p\",\"name\":\"Basic\",\"plan_rates\":[{\"name\":\"not this\"}]},"
    "\"quotas\":[{\"quota\":5368709120," DATA "},{\"uuid\":\"q\",\"quota\":200," CPU "}],"
    "\"usages\":[{" CPU ",\"usage\":47647.3322222222221265299}],"
    "\"paid\":true,\"plan_rate\":null,\"addons\":[]}}\n";

static void quotas_and_usages_meet_by_resource_without_losing_a_digit(void **state) {
    struct summary summary;
    assert_true(summary_read(text_of(full), *state, &summary));
    assert_true(text_equal(summary.username, TEXT("ada")));
    assert_true(text_equal(summary.plan_name, TEXT("Basic")));
    assert_true(text_equal(summary.start, TEXT("2026-01-01T00:00:00Z")));
    assert_true(text_equal(summary.end, TEXT("2027-01-01T00:00:00Z")));
    assert_true(summary.is_paid);
    assert_int_equal(summary.resource_count, 2);
    assert_true(text_equal(summary.resources[0].name, TEXT("cpu.hours")));
    assert_true(text_equal(summary.resources[0].unit, TEXT("cpu hours")));
    assert_string_equal(digits(summary.resources[0].usage), "47647.3322222222221265299");
    assert_string_equal(digits(summary.resources[0].quota), "200");
    assert_true(summary_is_over(&summary.resources[0]));
    assert_true(text_equal(summary.resources[1].name, TEXT("data.size")));
    assert_string_equal(digits(summary.resources[1].usage), "0");
    assert_false(summary_is_over(&summary.resources[1]));
}

static void a_usage_without_a_quota_is_never_over(void **state) {
    static const char json[] = "{\"subscription\":{\"user\":{\"username\":\"ada\"},"
                               "\"usages\":[{\"usage\":1e3," CPU "}],\"effective_end_date\":null}}";
    struct summary summary;
    assert_true(summary_read(text_of(json), *state, &summary));
    assert_int_equal(summary.resource_count, 1);
    assert_false(summary.resources[0].has_quota);
    assert_false(summary_is_over(&summary.resources[0]));
    assert_string_equal(digits(summary.resources[0].usage), "1000");
    assert_int_equal(summary.end.length, 0);
    assert_int_equal(summary_percent(*state, &summary.resources[0]).length, 0);
}

static void what_is_no_summary_is_refused(void **state) {
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"subscription\":null}",
        "{\"subscription\":{}}",
        "{\"subscription\":{\"user\":{\"username\":\"ada\"},\"quotas\":7}}",
        "{\"subscription\":{\"user\":{\"username\":\"ada\"},\"quotas\":[{\"quota\":\"7\"}]}}",
        "{\"subscription\":{\"user\":{\"username\":\"ada\"}}",
        "<html>",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct summary summary;
        assert_false(summary_read(text_of(cases[i]), *state, &summary));
    }
}

static void too_many_resource_types_are_refused(void **state) {
    struct buffer json;
    buffer_init(&json, 1 << 20);
    buffer_put_text(&json, TEXT("{\"subscription\":{\"user\":{\"username\":\"ada\"},\"quotas\":["));
    for (int i = 0; i < 257; i++)
        buffer_format(&json, "%s{\"quota\":1,\"resource_type\":{\"name\":\"r%d\"}}",
                      i == 0 ? "" : ",", i);
    buffer_put_text(&json, TEXT("]}}"));
    struct summary summary;
    assert_false(summary_read(buffer_text(&json), *state, &summary));
    buffer_close(&json);
}

static void overages_come_in_pages(void **state) {
    static const char json[] =
        "{\"overages\":[{\"username\":\"ada\",\"resource_name\":\"cpu.hours\",\"quota\":200,"
        "\"usage\":200.0000000000000000001}],\"next\":\"ada\"}";
    struct overage_page page;
    assert_true(summary_read_overages(text_of(json), *state, &page));
    assert_int_equal(page.count, 1);
    assert_true(text_equal(page.rows[0].username, TEXT("ada")));
    assert_true(text_equal(page.rows[0].resource.name, TEXT("cpu.hours")));
    assert_string_equal(digits(page.rows[0].resource.usage), "200.0000000000000000001");
    assert_true(page.has_next);
    assert_true(text_equal(page.next, TEXT("ada")));
    assert_true(summary_read_overages(TEXT("{\"overages\":[],\"next\":null}"), *state, &page));
    assert_int_equal(page.count, 0);
    assert_false(page.has_next);
    assert_false(summary_read_overages(TEXT("{\"next\":null}"), *state, &page));
    assert_false(summary_read_overages(TEXT("{\"overages\":[7]}"), *state, &page));
}

static void a_long_page_is_read_whole(void **state) {
    struct buffer json;
    buffer_init(&json, 1 << 20);
    buffer_put_text(&json, TEXT("{\"overages\":["));
    for (int i = 0; i < 1000; i++)
        buffer_format(&json, "%s{\"username\":\"u%d\",\"quota\":%d}", i == 0 ? "" : ",", i, i);
    buffer_put_text(&json, TEXT("],\"next\":null}"));
    struct overage_page page;
    assert_true(summary_read_overages(buffer_text(&json), *state, &page));
    assert_int_equal(page.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(amount_compare(page.rows[i].resource.quota, amount_of(i)), 0);
    buffer_close(&json);
}

static void a_percentage_says_100_only_at_the_quota(void **state) {
    static const struct {
        const char *usage, *quota, *percent;
    } cases[] = {
        {"0", "200", "0.0 %"},
        {"25.05", "200", "12.5 %"},
        {"199.999", "200", "99.9 %"},
        {"199.99999999999999999999", "200", "99.9 %"},
        {"200", "200", "100.0 %"},
        {"47647.3322222222221265299", "200", "23823.6 %"},
        {"1", "0", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct summary_resource resource = {.has_quota = true};
        assert_int_equal(amount_parse(text_of(cases[i].usage), &resource.usage), AMOUNT_OK);
        assert_int_equal(amount_parse(text_of(cases[i].quota), &resource.quota), AMOUNT_OK);
        assert_true(text_equal(summary_percent(*state, &resource), text_of(cases[i].percent)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_and_usages_meet_by_resource_without_losing_a_digit),
        cmocka_unit_test(a_usage_without_a_quota_is_never_over),
        cmocka_unit_test(what_is_no_summary_is_refused),
        cmocka_unit_test(too_many_resource_types_are_refused),
        cmocka_unit_test(overages_come_in_pages),
        cmocka_unit_test(a_long_page_is_read_whole),
        cmocka_unit_test(a_percentage_says_100_only_at_the_quota),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
