#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/front_fake.h"
#include "support/golden.h"
#include "support/wire_example.h"

#define JSON "application/json"
#define R5_BODY "{\"update\":{\"user\":{},\"resource_type\":{},\"operation\":{}}}"

static struct front_fake fake;
static struct wire_example example;
static struct op seen; /* what was submitted last */

static int set_up(void **state) {
    (void)state;
    front_fake_open(&fake);
    wire_example_open(&example);
    memset(&seen, 0, sizeof seen);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    example.catalogue.holders = 1000; /* requests released it */
    front_fake_close(&fake);
    return 0;
}

/* The engine's part: the example's answer to the operation that was asked. */
static void succeed(struct front_fake *unused, struct request *request) {
    (void)unused;
    assert_int_equal(request->op_count, 1);
    struct op *op = request->ops;
    seen = *op;
    assert_int_equal(op->error.code, QMS_OK);
    struct op *answer = wire_example_success(&example, op->operation);
    op->out = answer->out;
    op->catalogue = answer->catalogue;
}

static void fail_busy(struct front_fake *unused, struct request *request) {
    (void)unused;
    qms_fail_code(&request->ops->error, QMS_BUSY);
}

static void run(void (*handle)(void *, struct http_exchange *), const char *path, const char *type,
                struct text body) {
    front_fake_run(&fake, handle, path, type, body);
}

static void expect(int status, const char *golden) {
    assert_int_equal(fake.exchange.status, status);
    assert_true(text_equal(fake.exchange.content_type_out, TEXT("application/json")));
    golden_expect(golden, buffer_text(&fake.exchange.out));
}

static bool holds(const char *piece) {
    const struct buffer *out = &fake.exchange.out;
    return memmem(out->data, out->length, piece, strlen(piece)) != NULL;
}

static void the_root_says_hello_without_the_engine(void **state) {
    (void)state;
    run(front_hello, "/", NULL, TEXT(""));
    assert_int_equal(fake.exchange.status, 200);
    assert_true(text_equal(fake.exchange.content_type_out, TEXT("text/plain; charset=UTF-8")));
    assert_true(text_equal(buffer_text(&fake.exchange.out), TEXT("Hello from subscriptions.")));
}

static void every_route_asks_its_operation_of_the_user_in_its_path(void **state) {
    (void)state;
    static const struct {
        void (*handle)(void *, struct http_exchange *);
        const char *path, *body;
        enum operation operation;
        const char *golden;
    } cases[] = {
        {front_summary, "/summary/ada", "", OP_SUMMARY_GET, "summary"},
        {front_update_add, "/user/ada/updates", R5_BODY, OP_UPDATE_ADD, "update"},
        {front_overages, "/users/ada/overages", "", OP_OVERAGE_LIST, "overages"},
        {front_overage_check, "/users/ada/overages/cpu.hours", "", OP_OVERAGE_CHECK, "is_overage"},
        {front_usages, "/users/ada/usages", "", OP_USAGE_LIST, "usages"},
        {front_usage_add, "/users/ada/usages", "{}", OP_USAGE_ADD, "usage"},
    };
    fake.answer = succeed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(cases[i].handle, cases[i].path, JSON, text_of(cases[i].body));
        expect(200, cases[i].golden);
        assert_int_equal(fake.submitted, 1);
        assert_int_equal(seen.operation, cases[i].operation);
        assert_true(text_equal(seen.username, TEXT("ada")));
    }
    run(front_overage_check, "/users/ada/overages/gpu.hours", NULL, TEXT(""));
    assert_true(text_equal(seen.in.resource_name, TEXT("gpu.hours")));
}

static void a_bad_user_name_is_refused_in_the_envelope_of_its_route(void **state) {
    (void)state;
    run(front_summary, "/summary/ada@elsewhere.org", NULL, TEXT(""));
    expect(400, "summary_failed");
    run(front_overages, "/users/@/overages", NULL, TEXT(""));
    expect(400, "overages_failed");
    run(front_overage_check, "/users/@example.org/overages/cpu.hours", NULL, TEXT(""));
    expect(400, "is_overage_failed");
    run(front_usages, "/users/a\tb/usages", NULL, TEXT(""));
    expect(400, "usages_failed");
    run(front_usage_add, "/users/ada@/usages", JSON, TEXT("{}"));
    expect(400, "usage_failed");
    run(front_update_add, "/user/ada@x/updates", JSON, TEXT(R5_BODY));
    assert_int_equal(fake.exchange.status, 400);
    assert_int_equal(fake.submitted, 0);
}

static void the_configured_domain_is_stripped(void **state) {
    (void)state;
    fake.answer = succeed;
    run(front_summary, "/summary/ada@example.org", NULL, TEXT(""));
    expect(200, "summary");
    assert_true(text_equal(seen.username, TEXT("ada")));
}

static void a_body_that_cannot_be_decoded_is_answered_plainly(void **state) {
    (void)state;
    run(front_update_add, "/user/ada/updates", JSON, TEXT("{"));
    expect(400, "message");
    run(front_usage_add, "/users/ada/usages", JSON, TEXT("{}{}"));
    expect(400, "message");
    run(front_update_add, "/user/ada/updates", JSON, TEXT("{\"update\":{}}"));
    expect(400, "message_required");
    run(front_update_add, "/user/ada/updates", NULL, TEXT(""));
    expect(400, "message_required");
}

static void missing_parts_found_late_are_answered_in_the_envelope(void **state) {
    (void)state;
    run(front_update_add, "/user/ada/updates", JSON, TEXT("{\"update\":{\"user\":{}}}"));
    assert_int_equal(fake.exchange.status, 400);
    assert_true(holds("\"message\":\"required fields are missing from the request body\"}"));
    assert_true(holds("\"update\":{\"uuid\":\"\","));
    assert_int_equal(fake.submitted, 0);
}

static void a_body_has_to_be_json_by_its_type(void **state) {
    (void)state;
    static const char *const good[] = {JSON, "Application/JSON", "application/json; charset=utf-8",
                                       "application/json;x=\"y\"", " application/json ;a"};
    static const char *const bad[] = {NULL, "", "text/plain", "application/jsonp",
                                      "application/x-www-form-urlencoded", "application/xml",
                                      "application/problem+json", "application/json, text/plain"};
    fake.answer = succeed;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        run(front_usage_add, "/users/ada/usages", good[i], TEXT("{}"));
        expect(200, "usage");
    }
    fake.answer = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        run(front_usage_add, "/users/ada/usages", bad[i], TEXT("{}"));
        expect(400, "message");
    }
    fake.answer = succeed; /* a body of no bytes is an empty object, whatever its type */
    run(front_usage_add, "/users/ada/usages", "text/plain", TEXT(""));
    expect(200, "usage");
}

static void the_status_is_that_of_the_outcome(void **state) {
    (void)state;
    fake.answer = fail_busy;
    run(front_usages, "/users/ada/usages", NULL, TEXT(""));
    assert_int_equal(fake.exchange.status, 503);
    assert_true(holds("\"usages\":[]}"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    golden_open(argc, argv);
    const struct CMUnitTest tests[] = {
        CASE(the_root_says_hello_without_the_engine),
        CASE(every_route_asks_its_operation_of_the_user_in_its_path),
        CASE(a_bad_user_name_is_refused_in_the_envelope_of_its_route),
        CASE(the_configured_domain_is_stripped),
        CASE(a_body_that_cannot_be_decoded_is_answered_plainly),
        CASE(missing_parts_found_late_are_answered_in_the_envelope),
        CASE(a_body_has_to_be_json_by_its_type),
        CASE(the_status_is_that_of_the_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
