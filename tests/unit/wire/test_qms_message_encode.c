#include "wire/qms_message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "domain/date.h"
#include "proto/messages.h"
#include "support/golden.h"
#include "support/json_compare.h"
#include "support/message_any.h"
#include "support/wire_example.h"

struct fixture {
    struct wire_example example;
    struct buffer out;
};

static int set_up(void **state) {
    static struct fixture f;
    wire_example_open(&f.example);
    buffer_init(&f.out, 1 << 20);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    buffer_close(&f->out);
    return 0;
}

static void expect(struct fixture *f, const char *name) {
    buffer_reset(&f->out);
    qms_body_encode(&f->out, &f->example.op);
    assert_false(f->out.failed);
    golden_expect(name, buffer_text(&f->out));
}

static void expect_success(struct fixture *f, enum operation operation, const char *name) {
    wire_example_success(&f->example, operation);
    expect(f, name);
}

static void expect_failure(struct fixture *f, enum operation operation, enum qms_code code,
                           const char *text, const char *name) {
    wire_example_failure(&f->example, operation, code, text);
    expect(f, name);
}

static void successes_are_as_in_the_document(void **state) {
    expect_success(*state, OP_SUMMARY_GET, "summary");
    expect_success(*state, OP_UPDATE_ADD, "update");
    expect_success(*state, OP_OVERAGE_LIST, "overages");
    expect_success(*state, OP_OVERAGE_CHECK, "is_overage");
    expect_success(*state, OP_USAGE_LIST, "usages");
    expect_success(*state, OP_USAGE_ADD, "usage");
    expect_success(*state, OP_USER_ADD, "user_added");
    expect_success(*state, OP_UPDATE_LIST, "updates");
    expect_success(*state, OP_QUOTA_SET, "quota");
    expect_success(*state, OP_PLAN_LIST, "plans");
    expect_success(*state, OP_PLAN_GET, "plan");
    expect_success(*state, OP_PLAN_ADD, "plan");
    expect_success(*state, OP_ADDON_LIST, "addons");
    expect_success(*state, OP_ADDON_ADD, "addon");
    expect_success(*state, OP_ADDON_UPDATE, "addon");
    expect_success(*state, OP_ADDON_DELETE, "addon_deleted");
}

static void only_applying_shows_the_rates_of_the_addon(void **state) {
    expect_success(*state, OP_ADDON_APPLY, "addon_applied");
    expect_success(*state, OP_APPLIED_LIST, "applieds");
    expect_success(*state, OP_APPLIED_GET, "applied");
    expect_success(*state, OP_APPLIED_UPDATE, "applied");
    expect_success(*state, OP_APPLIED_DELETE, "applied");
}

static void empty_lists_are_lists(void **state) {
    struct fixture *f = *state;
    wire_example_success(&f->example, OP_OVERAGE_LIST)->out.overages.count = 0;
    expect(f, "overages_none");
    wire_example_success(&f->example, OP_USAGE_LIST)->out.usages.count = 0;
    expect(f, "usages_none");
    wire_example_success(&f->example, OP_OVERAGE_CHECK)->out.is_overage = false;
    expect(f, "is_overage_not");
    wire_example_success(&f->example, OP_UPDATE_LIST)->out.listing.count = 0;
    expect(f, "updates_none");
    wire_example_success(&f->example, OP_APPLIED_LIST)->out.applieds.count = 0;
    expect(f, "applieds_none");
}

static void a_subscription_without_end_ends_at_null(void **state) {
    struct fixture *f = *state;
    wire_example_success(&f->example, OP_SUMMARY_GET)->out.subscription.end_us = TIME_NEVER;
    expect(f, "summary_open_ended");
}

static void an_addon_carries_its_subscription_and_no_rates(void **state) {
    struct fixture *f = *state;
    wire_example_success(&f->example, OP_SUMMARY_GET)->out.subscription.addon_count = 1;
    expect(f, "summary_addons");
}

static void failures_leave_the_payload_unset(void **state) {
    const char *text = "invalid username";
    expect_failure(*state, OP_SUMMARY_GET, QMS_BAD_REQUEST, text, "summary_failed");
    expect_failure(*state, OP_OVERAGE_LIST, QMS_BAD_REQUEST, text, "overages_failed");
    expect_failure(*state, OP_OVERAGE_CHECK, QMS_BAD_REQUEST, text, "is_overage_failed");
    expect_failure(*state, OP_USAGE_LIST, QMS_BAD_REQUEST, text, "usages_failed");
    expect_failure(*state, OP_USAGE_ADD, QMS_BAD_REQUEST, text, "usage_failed");
    expect_failure(*state, OP_UPDATE_ADD, QMS_BAD_REQUEST, "invalid resource name",
                   "update_failed");
    expect_failure(*state, OP_USAGE_ADD, QMS_NOT_FOUND, "user name not found", "usage_not_found");
    expect_failure(*state, OP_UPDATE_LIST, QMS_BAD_REQUEST, text, "updates_failed");
    expect_failure(*state, OP_USER_ADD, QMS_BAD_REQUEST, text, "user_added_invalid_name");
    expect_failure(*state, OP_USER_ADD, QMS_BAD_REQUEST, "subscription plan does not exist: Gold",
                   "user_added_failed");
    expect_failure(*state, OP_PLAN_GET, QMS_NOT_FOUND,
                   "plan ID 00000000-0000-0000-0000-000000000000 not found", "plan_not_found");
    expect_failure(*state, OP_ADDON_DELETE, QMS_CONFLICT, "subscription add-ons exist",
                   "addon_in_use");
    expect_failure(*state, OP_APPLIED_GET, QMS_NOT_FOUND, "subscription add-on not found",
                   "applied_not_found");
    text = "required fields are missing from the request body";
    expect_failure(*state, OP_PLAN_ADD, QMS_BAD_REQUEST, text, "plan_failed");
    expect_failure(*state, OP_QUOTA_SET, QMS_BAD_REQUEST, text, "quota_failed");
    expect_failure(*state, OP_ADDON_ADD, QMS_BAD_REQUEST, text, "addon_failed");
    expect_failure(*state, OP_ADDON_UPDATE, QMS_BAD_REQUEST, text, "addon_failed");
    expect_failure(*state, OP_ADDON_APPLY, QMS_BAD_REQUEST, text, "applied_failed");
    expect_failure(*state, OP_APPLIED_UPDATE, QMS_BAD_REQUEST, text, "applied_failed");
    expect_failure(*state, OP_APPLIED_DELETE, QMS_BAD_REQUEST, text, "applied_failed");
}

/* As the service in the field has it: some lists are lists in failures too, others are null. */
static void the_list_of_a_failed_listing_is_what_clients_know(void **state) {
    const char *text = qms_code_text(QMS_UNAVAILABLE);
    expect_failure(*state, OP_PLAN_LIST, QMS_UNAVAILABLE, text, "plans_failed");
    expect_failure(*state, OP_ADDON_LIST, QMS_UNAVAILABLE, text, "addons_failed");
    expect_failure(*state, OP_APPLIED_LIST, QMS_UNAVAILABLE, text, "applieds_failed");
}

static void a_listing_in_parts_is_the_same_as_in_one(void **state) {
    struct fixture *f = *state;
    struct op *op = wire_example_success(&f->example, OP_UPDATE_LIST);
    qms_body_encode_listing_begin(&f->out, op);
    qms_body_encode_listing_rows(&f->out, op, true);
    qms_body_encode_listing_end(&f->out, op);
    golden_expect("updates", buffer_text(&f->out));

    struct update_view rows[3] = {f->example.update, f->example.update, f->example.update};
    struct buffer whole;
    buffer_init(&whole, 1 << 20);
    op->out.listing.updates = rows;
    op->out.listing.count = 3;
    qms_body_encode(&whole, op);
    buffer_reset(&f->out);
    qms_body_encode_listing_begin(&f->out, op);
    op->out.listing.count = 1;
    qms_body_encode_listing_rows(&f->out, op, true);
    op->out.listing.count = 2;
    qms_body_encode_listing_rows(&f->out, op, false);
    qms_body_encode_listing_end(&f->out, op);
    assert_true(text_equal(buffer_text(&whole), buffer_text(&f->out)));
    buffer_close(&whole);

    buffer_reset(&f->out);
    qms_body_encode_listing_begin(&f->out, op);
    qms_body_encode_listing_end(&f->out, op);
    golden_expect("updates_none", buffer_text(&f->out));
}

/* What JSON shows, and no more, to a client that speaks binary. */
static void binary_says_the_same_as_json(void **state) {
    struct fixture *f = *state;
    static const struct { enum operation operation; const struct message_type *type; } cases[] = {
        {OP_SUMMARY_GET, &message_qms_subscription_response},
        {OP_UPDATE_ADD, &message_qms_add_update_response},
        {OP_ADDON_APPLY, &message_qms_subscription_addon_response},
        {OP_PLAN_LIST, &message_qms_plan_list},
    };
    struct arena arena;
    struct qms_error error;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        enum operation operation = cases[i / 2].operation;
        const struct message_type *type = cases[i / 2].type;
        struct op *op = i % 2 == 0 ? wire_example_success(&f->example, operation)
                                   : wire_example_failure(&f->example, operation, QMS_NOT_FOUND,
                                                          "not found");
        struct buffer binary;
        buffer_init(&binary, 1 << 20);
        buffer_reset(&f->out);
        qms_message_encode(&f->out, &(struct qms_answer){.encoding = MESSAGE_JSON}, op);
        qms_message_encode(&binary, &(struct qms_answer){.encoding = MESSAGE_BINARY}, op);
        const struct message *left =
            message_decode_json(type, buffer_text(&f->out), true, &arena, &error);
        const struct message *right =
            message_decode_binary(type, buffer_text(&binary), true, &arena, &error);
        assert_true(left != NULL && right != NULL);
        assert_true(message_any_equal(left, right));
        buffer_close(&binary);
    }
    arena_close(&arena);
}

static void an_internal_failure_tells_nothing_of_the_inside(void **state) {
    expect_failure(*state, OP_SUMMARY_GET, QMS_INTERNAL, "UNIQUE constraint failed: users.username",
                   "summary_internal");
}

static void the_plain_form_is_a_message(void **state) {
    struct fixture *f = *state;
    qms_body_encode_message(&f->out, TEXT("bad request"));
    golden_expect("message", buffer_text(&f->out));
    buffer_reset(&f->out);
    qms_body_encode_message(&f->out, TEXT("required fields are missing from the request body"));
    golden_expect("message_required", buffer_text(&f->out));
}

static bool holds(const struct buffer *out, const char *piece) {
    return memmem(out->data, out->length, piece, strlen(piece)) != NULL;
}

/* A repeated request learns no more of it than its id. */
static void a_subscription_addon_that_is_gone_is_its_id(void **state) {
    struct fixture *f = *state;
    struct op *op = wire_example_success(&f->example, OP_APPLIED_DELETE);
    op->out.applied = (struct applied_view){.row.id = f->example.applied.row.id};
    qms_body_encode(&f->out, op);
    assert_true(holds(&f->out, "\"addon\":null,\"subscription_id\":\"\",\"amount\":0,"));
}

static void exact_decimals_keep_all_their_digits(void **state) {
    struct fixture *f = *state;
    static const struct { const char *stored, *shown; } cases[] = {
        {"131732.7819444444443404732", "\"usage\":131732.7819444444443404732,"},
        {"0.3", "\"usage\":0.3,"},
        {"0.000000000000000000000000000001", "\"usage\":1e-30,"},
        {"123456789012345678901234567890", "\"usage\":1.2345678901234567890123456789e+29,"},
        {"1000", "\"usage\":1000,"},
        {"-0.50", "\"usage\":-0.5,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op *op = wire_example_success(&f->example, OP_USAGE_ADD);
        op->out.quantity.row.value = wire_example_amount(cases[i].stored);
        buffer_reset(&f->out);
        qms_body_encode(&f->out, op);
        if (!holds(&f->out, cases[i].shown)) fail_msg("%.*s", TEXT_ARGUMENTS(f->out));
    }
}

static void texts_of_users_stay_json(void **state) {
    struct fixture *f = *state;
    struct op *op = wire_example_success(&f->example, OP_UPDATE_ADD);
    op->out.update.username = TEXT("a\"b\\c<d>\xc3\xa9\xe2\x80\xa8");
    op->out.update.row.metadata = TEXT("\x01\n\xff\x7f");
    qms_body_encode(&f->out, op);
    assert_true(holds(&f->out, "\"username\":\"a\\\"b\\\\c\\u003cd\\u003e\xc3\xa9\\u2028\""));
    assert_true(holds(&f->out, "\"metadata\":\"\\u0001\\n\\ufffd\x7f\""));
    const char *complaint;
    assert_int_equal(json_compare(buffer_text(&f->out), &complaint), JSON_BOTH_ACCEPT);
}

/* A row of the catalogue that a subscription names may be gone in a database others write to. */
static void what_the_catalogue_has_lost_is_null(void **state) {
    struct fixture *f = *state;
    struct op *op = wire_example_success(&f->example, OP_SUMMARY_GET);
    op->out.subscription.plan = NULL;
    op->out.subscription.plan_rate = NULL;
    op->out.subscription.addon_count = 1;
    f->example.applied.addon = NULL;
    f->example.applied.rate = NULL;
    qms_body_encode(&f->out, op);
    assert_true(holds(&f->out, "\"plan\":null,"));
    assert_true(holds(&f->out, "\"plan_rate\":null,"));
    assert_true(holds(&f->out, "\"addon\":null,"));
    assert_true(holds(&f->out, "\"addon_rate\":null}"));
    const char *complaint;
    assert_int_equal(json_compare(buffer_text(&f->out), &complaint), JSON_BOTH_ACCEPT);
}

static void an_answer_beyond_its_bound_is_latched(void **state) {
    struct fixture *f = *state;
    struct op *op = wire_example_success(&f->example, OP_SUMMARY_GET);
    qms_body_encode(&f->out, op);
    size_t whole = f->out.length;
    for (size_t bound = 0; bound < whole; bound++) {
        struct buffer small;
        buffer_init(&small, bound);
        qms_body_encode(&small, op);
        assert_true(small.failed);
        assert_true(small.length <= bound);
        buffer_close(&small);
    }
    struct buffer enough; /* room for the longest amount is asked for before it is known */
    buffer_init(&enough, whole + AMOUNT_TEXT_MAX);
    qms_body_encode(&enough, op);
    assert_false(enough.failed);
    buffer_close(&enough);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    golden_open(argc, argv);
    const struct CMUnitTest tests[] = {
        CASE(successes_are_as_in_the_document),
        CASE(only_applying_shows_the_rates_of_the_addon),
        CASE(empty_lists_are_lists),
        CASE(a_subscription_without_end_ends_at_null),
        CASE(an_addon_carries_its_subscription_and_no_rates),
        CASE(failures_leave_the_payload_unset),
        CASE(the_list_of_a_failed_listing_is_what_clients_know),
        CASE(a_listing_in_parts_is_the_same_as_in_one),
        CASE(binary_says_the_same_as_json),
        CASE(a_subscription_addon_that_is_gone_is_its_id),
        CASE(an_internal_failure_tells_nothing_of_the_inside),
        CASE(the_plain_form_is_a_message),
        CASE(exact_decimals_keep_all_their_digits),
        CASE(texts_of_users_stay_json),
        CASE(what_the_catalogue_has_lost_is_null),
        CASE(an_answer_beyond_its_bound_is_latched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
