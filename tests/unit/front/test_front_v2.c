#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/front_fake.h"
#include "support/golden.h"

#define JSON "application/json"
#define ITEM(id)                                                                                   \
    "{\"id\":\"" id "\",\"username\":\"ada\",\"resource_name\":\"r\",\"update_type\":\"ADD\","     \
    "\"usage_value\":1}"

static struct front_fake fake;
static struct op seen; /* the first operation of what was submitted last */

static int set_up(void **state) {
    (void)state;
    front_fake_open(&fake);
    memset(&seen, 0, sizeof seen);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    front_fake_close(&fake);
    return 0;
}

static void succeed(struct front_fake *unused, struct request *request) {
    (void)unused;
    seen = request->ops[0];
}

/* The n-th operation that was without fault gets the n-th of these codes. */
static const enum qms_code *codes;

static void fail_each(struct front_fake *unused, struct request *request) {
    (void)unused;
    const enum qms_code *next = codes;
    for (size_t i = 0; i < request->op_count; i++)
        if (request->ops[i].error.code == QMS_OK && *next++ != QMS_OK)
            qms_fail_code(&request->ops[i].error, next[-1]);
}

static void post(const char *type, struct text body) {
    front_fake_run(&fake, front_usages_record, "/v2/usages", type, body);
}

static void get(const char *path) {
    front_fake_run(&fake, front_overages_report, path, NULL, TEXT(""));
}

static void expect_body(int status, const char *body) {
    assert_int_equal(fake.exchange.status, status);
    assert_true(text_equal(fake.exchange.content_type_out, TEXT("application/json")));
    buffer_put_char(&fake.exchange.out, '\0');
    assert_string_equal(fake.exchange.out.data, body);
}

static void expect_problem(int status, const char *detail) {
    assert_int_equal(fake.exchange.status, status);
    assert_true(text_equal(fake.exchange.content_type_out, TEXT("application/problem+json")));
    struct buffer *out = &fake.exchange.out;
    struct text member = arena_format(&fake.exchange.request.arena,
                                      "\"status\":%d,\"detail\":\"%s\",\"instance\":\"/v2/%s\"}\n",
                                      status, detail,
                                      fake.exchange.segments[1].data[0] == 'u' ? "usages"
                                                                               : "overages");
    assert_non_null(memmem(out->data, out->length, member.data, member.length));
}

static void a_list_is_answered_item_by_item(void **state) {
    (void)state;
    fake.answer = succeed;
    post(JSON, TEXT("[" ITEM("a") "," ITEM("b") "]"));
    assert_int_equal(fake.submitted, 1);
    assert_int_equal(fake.exchange.request.op_count, 2);
    assert_true(text_equal(seen.username, TEXT("ada")));
    expect_body(200, "{\"results\":[{\"id\":\"a\",\"status\":\"applied\"},"
                     "{\"id\":\"b\",\"status\":\"applied\"}]}\n");
}

static void a_list_without_work_does_not_reach_the_engine(void **state) {
    (void)state;
    post(JSON, TEXT("[]"));
    assert_int_equal(fake.exchange.status, 200);
    golden_expect("v2_usages_none", buffer_text(&fake.exchange.out));
    post(JSON, TEXT("[{\"id\":7},null]"));
    assert_int_equal(fake.exchange.status, 200);
    assert_int_equal(fake.submitted, 0);
}

static void items_that_fail_leave_the_answer_a_success(void **state) {
    (void)state;
    static const enum qms_code all_bad[] = {QMS_BAD_REQUEST, QMS_CONFLICT};
    codes = all_bad;
    fake.answer = fail_each;
    post(JSON, TEXT("[" ITEM("a") "," ITEM("b") "]"));
    assert_int_equal(fake.exchange.status, 200);
}

static void a_list_that_was_refused_whole_is_unavailable(void **state) {
    (void)state;
    static const enum qms_code busy[] = {QMS_BUSY, QMS_BUSY};
    static const enum qms_code stopping[] = {QMS_UNAVAILABLE, QMS_UNAVAILABLE};
    static const enum qms_code partly[] = {QMS_OK, QMS_BUSY};
    fake.answer = fail_each;
    codes = busy;
    post(JSON, TEXT("[" ITEM("a") "," ITEM("b") "]"));
    expect_problem(503, "the server is busy; nothing was changed, try again");
    codes = stopping;
    post(JSON, TEXT("[" ITEM("a") "," ITEM("b") "]"));
    expect_problem(503, "unavailable; nothing was changed, safe to try again");
    codes = partly;
    post(JSON, TEXT("[" ITEM("a") "," ITEM("b") "]"));
    assert_int_equal(fake.exchange.status, 200);
}

static void a_body_that_is_wrong_as_a_whole_is_a_problem(void **state) {
    (void)state;
    post(JSON, TEXT("{}"));
    expect_problem(400, "the body must be an array of usages");
    post(NULL, TEXT(""));
    expect_problem(400, "the body is not valid JSON: the text ends too early at byte 0");
    post(JSON, TEXT("[" ITEM("a") ",{\"id\":1,\"id\":1}]"));
    assert_int_equal(fake.exchange.status, 400);
    post("text/plain", TEXT("[]"));
    expect_problem(415, "the body must be application/json");
    post(NULL, TEXT("[]"));
    expect_problem(415, "the body must be application/json");
    assert_int_equal(fake.submitted, 0);
}

static void too_long_a_list_is_too_large(void **state) {
    (void)state;
    struct buffer body;
    buffer_init(&body, 1 << 20);
    buffer_put_char(&body, '[');
    for (int i = 0; i < USAGE_ITEMS_MAX; i++) buffer_put_text(&body, TEXT("0,"));
    buffer_put_text(&body, TEXT("0]"));
    post(JSON, buffer_text(&body));
    assert_int_equal(fake.exchange.status, 413);
    golden_expect("v2_problem", buffer_text(&fake.exchange.out));
    buffer_close(&body);
}

static void a_page_of_overages_is_asked_for_by_name_and_limit(void **state) {
    (void)state;
    fake.answer = succeed;
    get("/v2/overages");
    expect_body(200, "{\"overages\":[],\"next\":null}\n");
    assert_int_equal(seen.operation, OP_OVERAGE_REPORT);
    assert_int_equal(seen.in.listing.limit, OVERAGE_LINES_MAX);
    assert_int_equal(seen.in.listing.after.length, 0);
    get("/v2/overages?limit=7&after=a%2Fb%20c%C3%A9+d");
    assert_int_equal(seen.in.listing.limit, 7);
    assert_true(text_equal(seen.in.listing.after, TEXT("a/b c\xc3\xa9 d")));
    get("/v2/overages?&after=&&limit=1000&");
    assert_int_equal(seen.in.listing.limit, 1000);
}

static void a_query_that_is_not_understood_is_refused(void **state) {
    (void)state;
    static const char *const limits[] = {
        "/v2/overages?limit=0", "/v2/overages?limit=1001", "/v2/overages?limit=",
        "/v2/overages?limit", "/v2/overages?limit=-1", "/v2/overages?limit=1.5",
        "/v2/overages?limit=x", "/v2/overages?limit=18446744073709551621",
        "/v2/overages?limit=%2B1", "/v2/overages?after=a&limit=7%20",
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        get(limits[i]);
        expect_problem(400, "limit must be a number from 1 to 1000");
    }
    get("/v2/overages?offset=7");
    expect_problem(400, "unknown query parameter: offset");
    static const char *const malformed[] = {
        "/v2/overages?after=%", "/v2/overages?after=%4", "/v2/overages?after=%zz",
        "/v2/overages?after=%ff", "/v2/overages?after=%00", "/v2/overages?after=\xff",
        "/v2/overages?%C3=a",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        get(malformed[i]);
        expect_problem(400, "the query cannot be decoded");
    }
    assert_int_equal(fake.submitted, 0);
}

static void fail_inside(struct front_fake *unused, struct request *request) {
    (void)unused;
    qms_fail(&request->ops->error, QMS_INTERNAL, "no such table: users");
}

static void a_report_that_failed_tells_nothing_of_the_inside(void **state) {
    (void)state;
    fake.answer = fail_inside;
    get("/v2/overages");
    expect_problem(500, "the request could not be completed");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    golden_open(argc, argv);
    const struct CMUnitTest tests[] = {
        CASE(a_list_is_answered_item_by_item),
        CASE(a_list_without_work_does_not_reach_the_engine),
        CASE(items_that_fail_leave_the_answer_a_success),
        CASE(a_list_that_was_refused_whole_is_unavailable),
        CASE(a_body_that_is_wrong_as_a_whole_is_a_problem),
        CASE(too_long_a_list_is_too_large),
        CASE(a_page_of_overages_is_asked_for_by_name_and_limit),
        CASE(a_query_that_is_not_understood_is_refused),
        CASE(a_report_that_failed_tells_nothing_of_the_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
