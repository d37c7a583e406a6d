/* What only NATS carries: requests that name by a message what HTTP names by a path, trace context,
 * and messages of other dialects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/messages.h"
#include "support/wire_example.h"
#include "wire/qms_message.h"
#include "wire/qms_subjects.h"

#define ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER "7c0b9d9e-5d2b-11ee-8c99-0242ac120002"

struct fixture {
    struct arena arena;
    struct op op;
    struct qms_error error;
    struct wire_example example;
    struct buffer out;
};

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){0};
    arena_init(&f.arena, 1024);
    buffer_init(&f.out, 1 << 20);
    wire_example_open(&f.example);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    buffer_close(&f->out);
    return 0;
}

static const struct message *message_of(struct fixture *f, const struct message_type *type,
                                        const char *json) {
    const struct message *message =
        message_decode_json(type, text_of(json), true, &f->arena, &f->error);
    if (message == NULL) fail_msg("%s: %s", json, f->error.text);
    return message;
}

static bool decode(struct fixture *f, const char *subject, enum qms_dialect dialect,
                   const char *json) {
    const struct qms_subject *row = qms_subject_find(text_of(subject));
    f->op = (struct op){.operation = row->operation};
    return qms_message_decode(message_of(f, row->messages[dialect].request, json),
                              NAMED_BY_MESSAGE, &f->arena, &f->op, &f->error);
}

static void accept(struct fixture *f, const char *subject, const char *json) {
    if (!decode(f, subject, DIALECT_SUBSCRIPTIONS, json)) fail_msg("%s: %s", json, f->error.text);
}

static void refuse(struct fixture *f, const char *subject, const char *json, const char *text) {
    assert_false(decode(f, subject, DIALECT_SUBSCRIPTIONS, json));
    assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    assert_string_equal(f->error.text, text);
}

static void expect_text(struct text found, const char *expected) {
    if (!text_equal(found, text_of(expected)))
        fail_msg("%.*s is not %s", TEXT_ARGUMENTS(found), expected);
}

static void expect_id(const struct uuid *found, const char *expected) {
    char text[UUID_TEXT_BYTES];
    uuid_format(found, text);
    expect_text((struct text){.data = text, .length = sizeof text}, expected);
}

/* ---- requests ---- */

static void every_request_that_names_a_user_is_decoded(void **state) {
    static const char *const subjects[] = {"user.summary.get",  "user.plan.get",
                                           "user.usages.get",   "user.overages.get",
                                           "user.overages.check", "user.add",
                                           "user.plan.change",  "user.usages.add"};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        accept(*state, subjects[i], "{\"username\":\"ada\"}");
        expect_text(((struct fixture *)*state)->op.username, "ada");
    }
}

static void an_overage_check_names_its_resource(void **state) {
    struct fixture *f = *state;
    accept(f, "user.overages.check", "{\"username\":\"ada\",\"resource_name\":\"cpu.hours\"}");
    expect_text(f->op.in.resource_name, "cpu.hours");
}

static void a_list_of_updates_is_of_a_user_and_without_end(void **state) {
    struct fixture *f = *state;
    accept(f, "user.updates.get", "{\"user\":{\"username\":\"ada\"}}");
    expect_text(f->op.username, "ada");
    assert_true(f->op.in.listing.limit < 0);
    refuse(f, "user.updates.get", "{}", "required fields are missing from the request body");
}

static void a_change_of_plan_leaves_the_paid_flag_open(void **state) {
    struct fixture *f = *state;
    accept(f, "user.plan.change",
           "{\"username\":\"ada\",\"uuid\":\"" ID "\",\"periods\":2,\"endDate\":\"2027-12-31\"}");
    const struct subscription_input *input = &f->op.in.subscription;
    expect_text(input->plan_id, ID);
    expect_text(input->plan_name, "");
    assert_true(!input->has_paid && input->has_end && input->periods == 2);
    accept(f, "user.plan.change", "{\"username\":\"ada\",\"name\":\"Pro\"}");
    expect_text(input->plan_name, "Pro");
    assert_false(input->has_end);
    accept(f, "user.plan.change", "{\"endDate\":\"tomorrow\"}");
    expect_text(input->end_unread, "tomorrow");
}

static void a_quota_default_replaces_the_one_of_its_date(void **state) {
    struct fixture *f = *state;
    accept(f, "plan.quota.defaults",
           "{\"plan_name\":\"Pro\",\"quota_default\":{\"quota_value\":1.5,"
           "\"resource_type\":{\"name\":\"cpu.hours\"}}}");
    const struct plan_input *input = &f->op.in.plan;
    expect_text(input->name, "Pro");
    assert_true(input->replace && input->default_count == 1 && !input->defaults->has_effective);
    expect_text(input->defaults->resource_name, "cpu.hours");
    refuse(f, "plan.quota.defaults", "{\"quota_default\":{}}", "a plan name is required");
    refuse(f, "plan.quota.defaults", "{\"plan_name\":\"Pro\"}",
           "required fields are missing from the request body");
}

static void an_addon_is_toggled_by_its_id(void **state) {
    struct fixture *f = *state;
    accept(f, "addon.togglepaid", "{\"uuid\":\"" ID "\"}");
    assert_true(f->op.in.addon.toggle_paid);
    expect_id(&f->op.in.addon.id, ID);
    accept(f, "addon.update", "{\"addon\":{\"uuid\":\"" ID "\"}}");
    assert_false(f->op.in.addon.toggle_paid);
}

static void what_has_an_id_is_named_by_it(void **state) {
    struct fixture *f = *state;
    accept(f, "addon.delete", "{\"uuid\":\"" ID "\"}");
    expect_id(&f->op.in.addon.id, ID);
    accept(f, "plan.get", "{\"plan_id\":\"" ID "\"}");
    expect_id(&f->op.in.plan.id, ID);
    static const char *const subjects[] = {"user.plan.addons.list", "user.plan.addons.get",
                                           "user.plan.addons.delete"};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        accept(f, subjects[i], "{\"uuid\":\"" ID "\"}");
        expect_id(&f->op.target_id, ID);
        refuse(f, subjects[i], "{\"uuid\":\"1\"}", "uuid must be a UUID");
    }
    accept(f, "user.plan.addons.add",
           "{\"parent_uuid\":\"" ID "\",\"child_uuid\":\"" OTHER "\"}");
    expect_id(&f->op.target_id, ID);
    expect_id(&f->op.in.applied.addon_id, OTHER);
    refuse(f, "user.plan.addons.add", "{\"parent_uuid\":\"" ID "\"}",
           "child_uuid must be set to the add-on UUID");
    refuse(f, "user.plan.addons.add", "{\"parent_uuid\":\"" ID "\",\"child_uuid\":\"1\"}",
           "child_uuid must be a UUID");
}

static void plans_of_older_messages_may_have_defaults_without_dates(void **state) {
    struct fixture *f = *state;
    const char *plan = "{\"plan\":{\"plan_quota_defaults\":[{\"quota_value\":1}]}}";
    assert_true(decode(f, "plan.add", DIALECT_USER_PLANS, plan));
    assert_true(f->op.in.plan.undated);
    accept(f, "plan.add", plan);
    assert_false(f->op.in.plan.undated);
}

/* ---- trace context ---- */

static void the_first_string_of_trace_context_counts(void **state) {
    struct fixture *f = *state;
    struct qms_answer answer;
    qms_message_trace(message_of(f, &message_qms_get_usages,
                                 "{\"header\":{\"map\":{\"tracestate\":{\"value\":[]},"
                                 "\"traceparent\":{\"value\":[\"a\",\"b\"]}}}}"),
                      &answer);
    expect_text(answer.traceparent, "a");
    expect_text(answer.tracestate, "");
    qms_message_trace(message_of(f, &message_qms_get_usages, "{}"), &answer);
    expect_text(answer.traceparent, "");
}

static void of_a_key_that_comes_twice_in_binary_the_last_counts(void **state) {
    struct fixture *f = *state;
    struct qms_answer answer;
    struct text payload = TEXT("\x0a\x30"
                               "\x0a\x16\x0a\x0btraceparent\x12\x07\x0a\x05" "first"
                               "\x0a\x16\x0a\x0btraceparent\x12\x07\x0a\x05" "other");
    const struct message *message =
        message_decode_binary(&message_qms_get_usages, payload, true, &f->arena, &f->error);
    assert_non_null(message);
    qms_message_trace(message, &answer);
    expect_text(answer.traceparent, "other");
    const struct message_item *entries =
        message_items(message_child(message, QMS_GET_USAGES_HEADER), HEADER_HEADER_MAP);
    assert_null(entries->next);
}

/* ---- responses ---- */

static void encode(struct fixture *f, const struct qms_answer *answer, struct op *op) {
    buffer_reset(&f->out);
    qms_message_encode(&f->out, answer, op);
    assert_false(f->out.failed);
}

static void the_header_of_a_response_carries_the_context(void **state) {
    struct fixture *f = *state;
    struct qms_answer answer = {.traceparent = TEXT("a\"b"), .tracestate = TEXT("c=1")};
    encode(f, &answer, wire_example_success(&f->example, OP_OVERAGE_CHECK));
    assert_memory_equal(f->out.data,
                        "{\"header\":{\"map\":{\"traceparent\":{\"value\":[\"a\\\"b\"]},"
                        "\"tracestate\":{\"value\":[\"c=1\"]}}},\"error\":null,", 96);
    answer.encoding = MESSAGE_BINARY;
    encode(f, &answer, wire_example_success(&f->example, OP_OVERAGE_CHECK));
    const struct message *message = message_decode_binary(&message_qms_is_overage,
                                                          buffer_text(&f->out), true, &f->arena,
                                                          &f->error);
    struct qms_answer read;
    qms_message_trace(message, &read);
    expect_text(read.traceparent, "a\"b");
    expect_text(read.tracestate, "c=1");
}

/* Every dialect reads strictly what was written for it, in both encodings. */
static void every_response_has_the_type_of_its_dialect(void **state) {
    struct fixture *f = *state;
    for (const struct qms_subject *row = qms_subjects; row->name != NULL; row++)
        for (int i = 0; i < 4 * DIALECT_COUNT; i++) {
            const struct message_type *type = row->messages[i / 4].response;
            struct qms_answer answer = {.type = type, .encoding = i & 1};
            struct op *op = (i & 2) == 0 && row->operation != OP_PLAN_DEFAULTS_ADD
                                ? wire_example_success(&f->example, row->operation)
                                : wire_example_failure(&f->example, row->operation, QMS_FORBIDDEN,
                                                       "not allowed");
            if (type == NULL) continue;
            encode(f, &answer, op);
            const struct message *read =
                (i & 1) == 0
                    ? message_decode_json(type, buffer_text(&f->out), true, &f->arena, &f->error)
                    : message_decode_binary(type, buffer_text(&f->out), true, &f->arena,
                                            &f->error);
            if (read == NULL) fail_msg("%s: %s", row->name, f->error.text);
        }
}

static void a_listing_in_pieces_is_one_message(void **state) {
    struct fixture *f = *state;
    struct buffer whole;
    buffer_init(&whole, 1 << 20);
    for (int i = 0; i < 2 * DIALECT_COUNT; i++) {
        struct qms_answer answer = {
            .type = qms_subject_find(TEXT("user.updates.get"))->messages[i / 2].response,
            .encoding = i & 1,
            .traceparent = TEXT("a"),
        };
        struct op *op = wire_example_success(&f->example, OP_UPDATE_LIST);
        struct update_view rows[3] = {f->example.update, f->example.update, f->example.update};
        op->out.listing = (struct listing_view){.updates = rows, .count = 3};
        buffer_reset(&whole);
        qms_message_encode(&whole, &answer, op);
        buffer_reset(&f->out);
        qms_message_encode_listing_begin(&f->out, &answer, op);
        op->out.listing.count = 1;
        qms_message_encode_listing_rows(&f->out, &answer, op, true);
        op->out.listing.count = 2;
        qms_message_encode_listing_rows(&f->out, &answer, op, false);
        qms_message_encode_listing_end(&f->out, &answer);
        assert_int_equal(f->out.length, whole.length);
        assert_memory_equal(f->out.data, whole.data, whole.length);
    }
    buffer_close(&whole);
}

static void a_default_is_shown_by_its_type_and_date(void **state) {
    struct fixture *f = *state;
    struct quota_default *defaults = arena_take_zeroed(&f->arena, 3, sizeof *defaults);
    for (int i = 0; i < 3; i++) {
        defaults[i] = f->example.quota_default;
        defaults[i].value = amount_of(10 + i);
        defaults[i].effective_us += (i - 1) * (int64_t)1000000;
    }
    struct plan plan = f->example.plan;
    plan.defaults = defaults;
    plan.default_count = 3;
    struct quota_default_input given = {.resource_name = f->example.cpu.name,
                                        .effective_us = defaults[1].effective_us};
    struct op op = {.operation = OP_PLAN_DEFAULTS_ADD, .out.plan = &plan};
    op.in.plan.defaults = &given;
    op.in.plan.default_count = 1;
    encode(f, &(struct qms_answer){0}, &op);
    assert_non_null(memmem(f->out.data, f->out.length, "\"quota_value\":11,", 17));
    given.effective_us = 0; /* a repeat of one without a date */
    encode(f, &(struct qms_answer){0}, &op);
    assert_non_null(memmem(f->out.data, f->out.length, "\"quota_value\":12,", 17));
    given.resource_name = TEXT("data.size");
    encode(f, &(struct qms_answer){0}, &op);
    assert_non_null(memmem(f->out.data, f->out.length, "\"quota_default\":null}", 21));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_request_that_names_a_user_is_decoded),
        CASE(an_overage_check_names_its_resource),
        CASE(a_list_of_updates_is_of_a_user_and_without_end),
        CASE(a_change_of_plan_leaves_the_paid_flag_open),
        CASE(a_quota_default_replaces_the_one_of_its_date),
        CASE(an_addon_is_toggled_by_its_id),
        CASE(what_has_an_id_is_named_by_it),
        CASE(plans_of_older_messages_may_have_defaults_without_dates),
        CASE(the_first_string_of_trace_context_counts),
        CASE(of_a_key_that_comes_twice_in_binary_the_last_counts),
        CASE(the_header_of_a_response_carries_the_context),
        CASE(every_response_has_the_type_of_its_dialect),
        CASE(a_listing_in_pieces_is_one_message),
        CASE(a_default_is_shown_by_its_type_and_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
