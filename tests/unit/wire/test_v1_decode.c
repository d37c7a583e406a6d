/* Bodies of the /v1 tree that are broken somewhere: refused, and nothing is written past a list. */
#include "wire/v1_json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/exact.h"

enum body { PLAN, PLAN_DEFAULTS, PLAN_RATES, SUBSCRIPTIONS, BODY_COUNT };

#define DEFAULT "{\"quota_value\":1,\"resource_type\":{\"name\":\"cpu.hours\"},"                  \
                "\"effective_date\":\"2026-01-01T00:00:00Z\"}"
#define RATE "{\"rate\":1.5,\"effective_date\":\"2026-01-01T00:00:00Z\"}"

static const char *const bodies[BODY_COUNT] = {
    [PLAN] = "{\"name\":\"a\",\"description\":\"b\",\"plan_quota_defaults\":[" DEFAULT "],"
             "\"plan_rates\":[" RATE "]}",
    [PLAN_DEFAULTS] = "{\"plan_quota_defaults\":[" DEFAULT "]}",
    [PLAN_RATES] = "{\"plan_rates\":[" RATE "]}",
    [SUBSCRIPTIONS] = "{\"subscriptions\":[{\"username\":\"ada\",\"plan_name\":\"Pro\","
                      "\"paid\":true,\"periods\":2,\"start_date\":\"2026-01-01\"},"
                      "{\"username\":\"bob\",\"plan_name\":\"Pro\",\"paid\":false}]}",
};

static bool decode(enum body kind, struct text given) {
    static const struct username_rule rule;
    struct request request;
    struct qms_error error = {0};
    request_init(&request);
    struct op *op = request_single(&request, OP_PLAN_ADD);
    struct text body = exact_copy(&request.arena, given);
    bool decoded = false;
    switch (kind) {
    case PLAN: decoded = v1_decode_plan(body, &request.arena, op, &error); break;
    case PLAN_DEFAULTS:
        decoded = v1_decode_plan_defaults(body, &request.arena, op, &error);
        break;
    case PLAN_RATES: decoded = v1_decode_plan_rates(body, &request.arena, op, &error); break;
    default: decoded = v1_decode_subscriptions(body, &rule, true, &request, &error); break;
    }
    assert_int_equal(error.code, decoded ? QMS_OK : QMS_BAD_REQUEST);
    request_close(&request);
    return decoded;
}

static void whole_bodies_are_decoded(void **state) {
    (void)state;
    for (int kind = 0; kind < BODY_COUNT; kind++) {
        if (!decode((enum body)kind, text_of(bodies[kind]))) fail_msg("%s", bodies[kind]);
    }
}

static void bodies_that_end_early_are_refused(void **state) {
    (void)state;
    for (int kind = 0; kind < BODY_COUNT; kind++) {
        struct text body = text_of(bodies[kind]);
        for (body.length--; body.length > 0; body.length--) {
            assert_false(decode((enum body)kind, body));
        }
    }
}

static void an_element_that_is_not_valid_is_refused_wherever_it_stands(void **state) {
    (void)state;
    static const char *const elements[] = {"x", "?", "{\"a\"}", "[", "1e", "\"", "{}}", ""};
    static const char *const starts[BODY_COUNT] = {
        [PLAN] = "{\"name\":\"a\",\"description\":\"b\",\"plan_quota_defaults\":[",
        [PLAN_DEFAULTS] = "{\"plan_quota_defaults\":[",
        [PLAN_RATES] = "{\"plan_rates\":[",
        [SUBSCRIPTIONS] = "{\"subscriptions\":[",
    };
    static const char *const firsts[BODY_COUNT] = {
        [PLAN] = DEFAULT ",", [PLAN_DEFAULTS] = DEFAULT ",", [PLAN_RATES] = RATE ",",
        [SUBSCRIPTIONS] = "{},"};
    struct arena arena;
    arena_init(&arena, 4096);
    for (int kind = 0; kind < BODY_COUNT; kind++) {
        for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
            for (int before = elements[i][0] == '\0'; before < 4; before++) {
                struct text body = text_of(starts[kind]);
                for (int j = 0; j < before; j++)
                    body = arena_format(&arena, "%.*s%s", TEXT_ARGUMENTS(body), firsts[kind]);
                body = arena_format(&arena, "%.*s%s]}", TEXT_ARGUMENTS(body), elements[i]);
                if (decode((enum body)kind, body)) fail_msg("%s", body.data);
            }
        }
    }
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_bodies_are_decoded),
        cmocka_unit_test(bodies_that_end_early_are_refused),
        cmocka_unit_test(an_element_that_is_not_valid_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
