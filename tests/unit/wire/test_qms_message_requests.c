/* The requests of the root tree beside updates and usages (test_qms_message_decode.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/messages.h"
#include "support/wire_example.h"
#include "wire/qms_message.h"

#define ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"

struct fixture {
    struct arena arena;
    struct op op;
    struct qms_error error;
};

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){0};
    arena_init(&f.arena, 1024);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    return 0;
}

static enum qms_fault decode(struct fixture *f, enum operation operation, enum qms_named named,
                             const char *body) {
    f->op = (struct op){.operation = operation};
    f->error = (struct qms_error){0};
    return qms_body_decode(text_of(body), named, &f->arena, &f->op, &f->error);
}

static void accept(struct fixture *f, enum operation operation, const char *body) {
    if (decode(f, operation, NAMED_BY_MESSAGE, body) != QMS_FAULT_NONE)
        fail_msg("%s: %s", body, f->error.text);
}

static void refuse(struct fixture *f, enum operation operation, enum qms_fault fault,
                   const char *body, const char *text) {
    if (decode(f, operation, NAMED_BY_MESSAGE, body) != fault) fail_msg("%s: %s", body, text);
    assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    assert_string_equal(f->error.text, text);
}

static void expect_text(struct text found, const char *expected) {
    if (!text_equal(found, text_of(expected)))
        fail_msg("%.*s is not %s", TEXT_ARGUMENTS(found), expected);
}

static void expect_amount(struct amount found, const char *expected) {
    if (amount_compare(found, wire_example_amount(expected)) != 0) fail_msg("not %s", expected);
}

static void expect_id(const struct uuid *found, const char *expected) {
    char text[UUID_TEXT_BYTES];
    uuid_format(found, text);
    expect_text((struct text){.data = text, .length = sizeof text}, expected);
}

/* ---- users ---- */

static void the_user_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    accept(f, OP_USER_ADD,
           "{\"username\":\"ada\",\"planName\":\"Pro\",\"paid\":true,\"periods\":1,"
           "\"endDate\":\"2027-12-31T10:00:00Z\",\"force\":false}");
    const struct subscription_input *input = &f->op.in.subscription;
    expect_text(f->op.username, "ada");
    expect_text(input->plan_name, "Pro");
    assert_true(input->has_paid && input->paid && !input->force);
    assert_int_equal(input->periods, 1);
    assert_true(input->has_end && !input->has_start);
    assert_int_equal(input->end_us, wire_example_time("2027-12-31T10:00:00Z"));
}

static void a_user_may_leave_out_all_but_the_name(void **state) {
    struct fixture *f = *state;
    accept(f, OP_USER_ADD, "{\"username\":\"ada\",\"endDate\":\"\",\"force\":true}");
    const struct subscription_input *input = &f->op.in.subscription;
    assert_true(input->has_paid && !input->paid && input->force);
    assert_false(input->has_end);
    assert_int_equal(input->periods, 0);
    assert_int_equal(input->plan_name.length, 0);
}

static void periods_of_any_size_are_left_to_the_rules(void **state) {
    struct fixture *f = *state;
    accept(f, OP_USER_ADD, "{\"username\":\"ada\",\"periods\":-3}");
    assert_int_equal(f->op.in.subscription.periods, -3);
    accept(f, OP_USER_ADD, "{\"username\":\"ada\",\"periods\":1e12}");
    assert_int_equal(f->op.in.subscription.periods, INT32_MAX);
}

static void what_a_user_needs_is_told_in_its_shape(void **state) {
    struct fixture *f = *state;
    const char *none = "no username provided in the request body";
    refuse(f, OP_USER_ADD, QMS_FAULT_MESSAGE, "{", "bad request");
    refuse(f, OP_USER_ADD, QMS_FAULT_MESSAGE, "{\"periods\":1.5}", "bad request");
    refuse(f, OP_USER_ADD, QMS_FAULT_MESSAGE, "", none);
    refuse(f, OP_USER_ADD, QMS_FAULT_MESSAGE, "{\"username\":\"\",\"endDate\":\"soon\"}", none);
    accept(f, OP_USER_ADD, "{\"username\":\"ada\",\"end_date\":\"soon\"}");
    expect_text(f->op.in.subscription.end_unread, "soon"); /* told in its turn */
}

/* ---- plans and quotas ---- */

static void the_plan_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    accept(f, OP_PLAN_ADD,
           "{\"plan\":{\"uuid\":\"ignored\",\"name\":\"Team\",\"description\":\"Team plan\","
           "\"plan_quota_defaults\":[{\"quota_value\":500,\"resource_type\":{\"name\":"
           "\"cpu.hours\"},\"effective_date\":\"2026-01-01T00:00:00Z\"},{\"quota_value\":0.5,"
           "\"resource_type\":{\"uuid\":\"r\"}},{}],\"plan_rates\":[{\"rate\":50,"
           "\"effective_date\":{\"seconds\":1767225600}}]}}");
    const struct plan_input *input = &f->op.in.plan;
    expect_text(input->name, "Team");
    expect_text(input->description, "Team plan");
    assert_int_equal(input->default_count, 3);
    expect_amount(input->defaults[0].value, "500");
    expect_text(input->defaults[0].resource_name, "cpu.hours");
    assert_true(input->defaults[0].has_effective);
    assert_int_equal(input->defaults[0].effective_us, wire_example_time("2026-01-01T00:00:00Z"));
    expect_amount(input->defaults[1].value, "0.5");
    expect_text(input->defaults[1].resource_id, "r");
    assert_false(input->defaults[1].has_effective);
    expect_text(input->defaults[2].resource_name, "");
    assert_int_equal(input->rate_count, 1);
    expect_amount(input->rates[0].rate, "50");
    assert_int_equal(input->rates[0].effective_us, wire_example_time("2026-01-01T00:00:00Z"));
    assert_false(input->replace);
    assert_true(uuid_is_nil(&input->id));
}

static void a_plan_without_lists_has_empty_ones(void **state) {
    struct fixture *f = *state;
    accept(f, OP_PLAN_ADD, "{\"plan\":{}}");
    assert_int_equal(f->op.in.plan.default_count, 0);
    assert_int_equal(f->op.in.plan.rate_count, 0);
    refuse(f, OP_PLAN_ADD, QMS_FAULT_ENVELOPE, "{}",
           "required fields are missing from the request body");
    refuse(f, OP_PLAN_ADD, QMS_FAULT_MESSAGE, "{\"plan\":{\"plan_rates\":{}}}", "bad request");
}

static void the_quota_of_the_document_is_decoded(void **state) {
    static const char *const ids[] = {"subscription_id", "user_plan_id", "userPlanId"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        struct text body = arena_format(&f->arena,
                                        "{\"quota\":{\"quota\":500,\"%s\":\"" ID "\","
                                        "\"resource_type\":{\"name\":\"cpu.hours\"}}}",
                                        ids[i]);
        accept(f, OP_QUOTA_SET, body.data);
        expect_amount(f->op.in.quota.value, "500");
        expect_text(f->op.in.quota.resource_name, "cpu.hours");
        expect_id(&f->op.target_id, ID);
    }
    accept(f, OP_QUOTA_SET,
           "{\"quota\":{\"subscription_id\":\"" ID "\",\"resource_type\":{\"uuid\":\"r\"}}}");
    expect_text(f->op.in.quota.resource_id, "r");
    expect_amount(f->op.in.quota.value, "0");
}

static void what_a_quota_needs_is_told(void **state) {
    struct fixture *f = *state;
    const char *missing = "required fields are missing from the request body";
    refuse(f, OP_QUOTA_SET, QMS_FAULT_ENVELOPE, "{}", missing);
    refuse(f, OP_QUOTA_SET, QMS_FAULT_ENVELOPE, "{\"quota\":{\"subscription_id\":\"" ID "\"}}",
           missing);
    refuse(f, OP_QUOTA_SET, QMS_FAULT_ENVELOPE,
           "{\"quota\":{\"resource_type\":{},\"subscription_id\":\"x\"}}",
           "subscription_id must be a UUID");
    refuse(f, OP_QUOTA_SET, QMS_FAULT_ENVELOPE, "{\"quota\":{\"resource_type\":{}}}",
           "subscription_id must be a UUID");
}

/* ---- add-ons ---- */

static void the_addon_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    accept(f, OP_ADDON_ADD,
           "{\"addon\":{\"name\":\"Extra CPU\",\"description\":\"an add-on\","
           "\"default_amount\":100,\"default_paid\":true,\"resource_type\":{\"uuid\":\"" ID "\"},"
           "\"addon_rates\":[{\"uuid\":\"u\",\"rate\":5,"
           "\"effective_date\":\"2026-01-15T12:00:00Z\"}]}}");
    const struct addon_input *input = &f->op.in.addon;
    expect_text(input->name, "Extra CPU");
    expect_text(input->description, "an add-on");
    expect_text(input->resource_id, ID);
    expect_text(input->resource_name, "");
    expect_amount(input->default_amount, "100");
    assert_true(input->default_paid);
    assert_int_equal(input->rate_count, 1);
    expect_text(input->rates[0].id, "u");
    expect_amount(input->rates[0].rate, "5");
    accept(f, OP_ADDON_ADD, "{\"addon\":{\"resource_type\":{\"name\":\"cpu.hours\"}}}");
    expect_text(input->resource_name, "cpu.hours");
    refuse(f, OP_ADDON_ADD, QMS_FAULT_MESSAGE, "{\"addon\":7}", "invalid body format");
    refuse(f, OP_ADDON_ADD, QMS_FAULT_ENVELOPE, "{\"addon\":null}",
           "required fields are missing from the request body");
}

static void each_flag_of_an_addon_stands_for_one_member(void **state) {
    struct addon_input *const input = &((struct fixture *)*state)->op.in.addon;
    const struct { const char *json, *schema; const bool *flag; } cases[] = {
        {"updateName", "update_name", &input->update_name},
        {"updateDescription", "update_description", &input->update_description},
        {"updateResourceType", "update_resource_type", &input->update_resource_type},
        {"updateDefaultAmount", "update_default_amount", &input->update_default_amount},
        {"updateDefaultPaid", "update_default_paid", &input->update_default_paid},
        {"updateAddonRates", "update_addon_rates", &input->update_rates},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < 12; i++) {
        const char *name = i % 2 == 0 ? cases[i / 2].json : cases[i / 2].schema;
        struct text body = arena_format(&f->arena, "{\"addon\":{},\"%s\":true}", name);
        assert_int_equal(decode(f, OP_ADDON_UPDATE, NAMED_BY_PATH, body.data), QMS_FAULT_NONE);
        for (size_t j = 0; j < 6; j++) assert_int_equal(*cases[j].flag, j == i / 2);
        assert_false(input->toggle_paid);
    }
}

static void a_path_or_the_message_names_what_is_updated(void **state) {
    struct fixture *f = *state;
    const char *addon = "{\"addon\":{\"uuid\":\"" ID "\"}}";
    assert_int_equal(decode(f, OP_ADDON_UPDATE, NAMED_BY_PATH, addon), QMS_FAULT_NONE);
    assert_true(uuid_is_nil(&f->op.in.addon.id));
    accept(f, OP_ADDON_UPDATE, addon);
    expect_id(&f->op.in.addon.id, ID);
    const char *applied = "{\"subscription_addon\":{\"uuid\":\"" ID "\"}}";
    assert_int_equal(decode(f, OP_APPLIED_UPDATE, NAMED_BY_PATH, applied), QMS_FAULT_NONE);
    assert_true(uuid_is_nil(&f->op.target_id));
    accept(f, OP_APPLIED_UPDATE, applied);
    expect_id(&f->op.target_id, ID);

    refuse(f, OP_ADDON_UPDATE, QMS_FAULT_ENVELOPE, "{\"addon\":{}}",
           "uuid must be set in the request");
    refuse(f, OP_ADDON_UPDATE, QMS_FAULT_ENVELOPE, "{\"addon\":{\"uuid\":\"x\"}}",
           "uuid must be a UUID");
    refuse(f, OP_ADDON_UPDATE, QMS_FAULT_MESSAGE, "{\"updateName\":true}",
           "request body must include an addon");
    refuse(f, OP_APPLIED_UPDATE, QMS_FAULT_ENVELOPE, "{\"subscription_addon\":{}}",
           "uuid must be set in the request");
    refuse(f, OP_APPLIED_UPDATE, QMS_FAULT_ENVELOPE, "{\"update_paid\":true}",
           "required fields are missing from the request body");
}

static void a_user_is_named_by_the_path_or_by_the_message(void **state) {
    struct fixture *f = *state;
    const char *update = "{\"update\":{\"user\":{\"username\":\"eve\"},\"resource_type\":{},"
                         "\"operation\":{}}}";
    accept(f, OP_UPDATE_ADD, update);
    expect_text(f->op.username, "eve");
    assert_int_equal(decode(f, OP_UPDATE_ADD, NAMED_BY_PATH, update), QMS_FAULT_NONE);
    expect_text(f->op.username, "");
    accept(f, OP_USAGE_ADD, "{\"username\":\"eve\"}");
    expect_text(f->op.username, "eve");
    assert_int_equal(decode(f, OP_USAGE_ADD, NAMED_BY_PATH, "{\"username\":\"eve\"}"),
                     QMS_FAULT_NONE);
    expect_text(f->op.username, "");
}

/* Without a path there is one shape for all that is missing. */
static void a_message_by_itself_says_what_is_missing(void **state) {
    static const struct { enum operation operation; const struct message_type *type; } cases[] = {
        {OP_UPDATE_ADD, &message_qms_add_update_request},
        {OP_QUOTA_SET, &message_qms_add_quota_request},
        {OP_PLAN_ADD, &message_qms_add_plan_request},
        {OP_ADDON_ADD, &message_qms_add_addon_request},
        {OP_ADDON_UPDATE, &message_qms_update_addon_request},
        {OP_APPLIED_UPDATE, &message_qms_update_subscription_addon_request},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct message *empty =
            message_decode_binary(cases[i].type, TEXT(""), true, &f->arena, &f->error);
        f->op = (struct op){.operation = cases[i].operation};
        assert_false(qms_message_decode(empty, NAMED_BY_MESSAGE, &f->arena, &f->op, &f->error));
        assert_int_equal(f->error.code, QMS_BAD_REQUEST);
        assert_string_equal(f->error.text, "required fields are missing from the request body");
    }
}

static void the_applied_addon_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    accept(f, OP_APPLIED_UPDATE,
           "{\"subscription_addon\":{\"uuid\":\"" ID "\",\"amount\":4000,\"paid\":true},"
           "\"update_amount\":true}");
    const struct applied_input *input = &f->op.in.applied;
    expect_amount(input->amount, "4000");
    assert_true(input->paid && input->update_amount && !input->update_paid);
    accept(f, OP_APPLIED_UPDATE,
           "{\"subscription_addon\":{\"uuid\":\"" ID "\"},\"update_uuid\":true,"
           "\"UPDATE_PAID\":true,\"update_addon_id\":true,\"update_subscription_id\":true}");
    assert_true(input->update_paid && !input->update_amount && !input->paid);
}

/* ---- what no operation can hold ---- */

static void amounts_and_dates_that_nothing_can_hold_are_told(void **state) {
    static const struct { enum operation operation; const char *body, *text; } cases[] = {
        {OP_QUOTA_SET, "{\"quota\":{\"resource_type\":{},\"quota\":%s}}", "invalid value"},
        {OP_PLAN_ADD, "{\"plan\":{\"plan_quota_defaults\":[{\"quota_value\":%s}]}}",
         "invalid value"},
        {OP_PLAN_ADD, "{\"plan\":{\"plan_rates\":[{\"rate\":%s}]}}", "invalid rate"},
        {OP_ADDON_ADD, "{\"addon\":{\"default_amount\":%s}}", "invalid amount"},
        {OP_ADDON_ADD, "{\"addon\":{\"addon_rates\":[{\"rate\":%s}]}}", "invalid rate"},
        {OP_APPLIED_UPDATE, "{\"subscription_addon\":{\"uuid\":\"" ID "\",\"amount\":%s}}",
         "invalid amount"},
    };
    static const char *const values[] = {"\"NaN\"", "\"-Infinity\"", "1e400", "-1e30"};
    struct fixture *f = *state;
    char body[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            const char *at = strstr(cases[i].body, "%s");
            snprintf(body, sizeof body, "%.*s%s%s", (int)(at - cases[i].body), cases[i].body,
                     values[j], at + 2);
            refuse(f, cases[i].operation, QMS_FAULT_ENVELOPE, body, cases[i].text);
        }
    const char *date = "{\"plan\":{\"plan_rates\":[{\"effective_date\":{\"seconds\":1e15}}]}}";
    refuse(f, OP_PLAN_ADD, QMS_FAULT_ENVELOPE, date, "invalid effective date");
    date = "{\"plan\":{\"plan_quota_defaults\":[{\"effective_date\":{\"nanos\":-1}}]}}";
    refuse(f, OP_PLAN_ADD, QMS_FAULT_ENVELOPE, date, "invalid effective date");
}

static void every_request_may_come_in_binary(void **state) {
    struct fixture *f = *state;
    const struct message *message = message_decode_binary(
        &message_qms_add_user_request,
        TEXT("\x1a\x03" "ada" "\x22\x03" "Pro" "\x28\x01\x30\x03\x3a\x0a" "2027-12-31"), true,
        &f->arena, &f->error);
    assert_non_null(message);
    f->op = (struct op){.operation = OP_USER_ADD};
    assert_true(qms_message_decode(message, NAMED_BY_MESSAGE, &f->arena, &f->op, &f->error));
    expect_text(f->op.username, "ada");
    expect_text(f->op.in.subscription.plan_name, "Pro");
    assert_true(f->op.in.subscription.paid && f->op.in.subscription.has_end);
    assert_int_equal(f->op.in.subscription.periods, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_user_of_the_document_is_decoded),
        CASE(a_user_may_leave_out_all_but_the_name),
        CASE(periods_of_any_size_are_left_to_the_rules),
        CASE(what_a_user_needs_is_told_in_its_shape),
        CASE(the_plan_of_the_document_is_decoded),
        CASE(a_plan_without_lists_has_empty_ones),
        CASE(the_quota_of_the_document_is_decoded),
        CASE(what_a_quota_needs_is_told),
        CASE(the_addon_of_the_document_is_decoded),
        CASE(each_flag_of_an_addon_stands_for_one_member),
        CASE(a_path_or_the_message_names_what_is_updated),
        CASE(a_user_is_named_by_the_path_or_by_the_message),
        CASE(a_message_by_itself_says_what_is_missing),
        CASE(the_applied_addon_of_the_document_is_decoded),
        CASE(amounts_and_dates_that_nothing_can_hold_are_told),
        CASE(every_request_may_come_in_binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
