#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f"
#define TERABYTE_ID "c21dd61f-aa41-40ad-8005-859679ceed9c"
#define RATE_ID "672e49af-b7b7-4a0e-a929-00f4a1c5e7f2"
#define APPLIED_ID "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c11"
#define SECOND_ID "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c12"
#define THIRD_ID "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c13"
#define DIGITS_34 "9999999999999999999999999999999999"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct facts facts;
static struct subscription *subscription;

/* ada has 200 cpu hours, and 5000 more can be had. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_addon(&facts, HOURS_ID, "5000 CPU Hours", "cpu.hours");
    facts_addon_defaults(&facts, "5000 CPU Hours", "5000", true);
    facts_addon_rate(&facts, "5000 CPU Hours", RATE_ID, "100", "2025-01-01T00:00:00Z");
    facts_addon(&facts, TERABYTE_ID, "1 TB", "data.size");
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Basic", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static void ask_apply(const char *subscription_id, const char *addon_id) {
    facts_read(&facts, OP_ADDON_APPLY);
    facts.op.target_id = facts_id(subscription_id);
    facts.op.in.applied.addon_id = facts_id(addon_id);
}

static struct applied_input *ask(enum operation operation, const char *id) {
    facts_read(&facts, operation);
    facts.op.target_id = facts_id(id);
    return &facts.op.in.applied;
}

/* 5000 hours are applied and counted in the quota of 5200. */
static struct subscription_addon *given_applied(const char *id) {
    struct subscription_addon *applied =
        facts_subscription_addon(&facts, subscription, id, HOURS_ID);
    applied->amount = amount_of(5000);
    subscription->quotas->value = amount_of(5200);
    return applied;
}

static struct amount quota(void) {
    return facts_value(&facts, subscription, VALUE_QUOTAS, "cpu.hours");
}

static void expect_audit(const char *difference, const char *metadata) {
    const struct update *audit = facts_audit(&facts);
    struct uuid cpu = facts_resource_id(&facts, "cpu.hours");
    assert_int_equal(audit->operation, UPDATE_ADD);
    assert_int_equal(audit->value_type, VALUE_QUOTAS);
    assert_true(uuid_equal(&audit->resource_type_id, &cpu));
    assert_int_equal(audit->effective_us, facts.decision.decided_us);
    expect_amount(audit->value, difference);
    expect_text(audit->metadata, metadata);
}

/* ---- applying ---- */

static void applying_raises_the_quota_and_keeps_the_terms_of_the_moment(void **state) {
    (void)state;
    ask_apply(SUBSCRIPTION_ID, HOURS_ID);
    facts.op.principal = TEXT("key terrain");
    facts_expect_ok(&facts);
    const struct applied_view *view = &facts.op.out.applied;
    struct uuid rate = facts_id(RATE_ID);
    assert_true(uuid_equal(&view->row.id, &facts.op.made_id));
    expect_made(&view->row.id);
    assert_true(uuid_equal(&view->subscription_id, &subscription->id));
    expect_text(view->addon->name, "5000 CPU Hours");
    assert_int_equal(view->addon->rate_count, 1);
    assert_true(uuid_equal(&view->rate->id, &rate));
    expect_amount(view->row.amount, "5000");
    assert_true(view->row.paid);
    expect_amount(quota(), "5200");
    expect_audit("5000", "subscription_addons.apply by key terrain");
    assert_int_equal(facts.changes.addons_applied.count, 1);
    assert_int_equal(subscription->addons->dirty, ROW_INSERTED);
    assert_true(uuid_equal(&subscription->addons->addon_rate_id, &rate));

    ask_apply(SUBSCRIPTION_ID, HOURS_ID); /* any number of times */
    facts_expect_ok(&facts);
    expect_amount(quota(), "10200");
    assert_non_null(subscription->addons->next);
}

static void an_addon_is_applied_to_any_subscription_whatever_its_years(void **state) {
    (void)state;
    static const struct {
        const char *start, *end;
    } cases[] = {
        {"2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"}, /* expired */
        {"2030-01-01T00:00:00Z", "2033-01-01T00:00:00Z"}, /* not begun, three years */
        {"2020-01-01T00:00:00Z", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        facts.account.subscriptions = NULL;
        subscription =
            facts_subscription(&facts, OTHER_ID, "Pro", cases[i].start, cases[i].end);
        ask_apply(OTHER_ID, HOURS_ID);
        facts_expect_ok(&facts);
        expect_amount(quota(), "5000"); /* a missing quota counts as 0 */
        expect_audit("5000", "subscription_addons.apply");
        assert_int_equal(facts_subscription_count(&facts), 1);
    }
}

static void what_cannot_be_applied_is_refused_in_order(void **state) {
    (void)state;
    ask_apply(THIRD_ID, THIRD_ID);
    facts_expect_refused(&facts, QMS_NOT_FOUND, "add-on not found");
    ask_apply(THIRD_ID, TERABYTE_ID);
    facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription not found: " THIRD_ID);
    facts.op.account = NULL;
    facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription not found: " THIRD_ID);
    facts_addon_defaults(&facts, "1 TB", "-1", true);
    ask_apply(SUBSCRIPTION_ID, TERABYTE_ID);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "no active rate found for addon " TERABYTE_ID);
    facts_addon_rate(&facts, "1 TB", SECOND_ID, "1", "2026-08-12T10:00:00.000001Z");
    ask_apply(SUBSCRIPTION_ID, TERABYTE_ID);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "no active rate found for addon " TERABYTE_ID);
    facts_addon_rate(&facts, "1 TB", THIRD_ID, "1", "2026-08-12T10:00:00Z");
    ask_apply(SUBSCRIPTION_ID, TERABYTE_ID);
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid amount");
}

static void a_quota_that_cannot_hold_the_sum_refuses_the_addon(void **state) {
    (void)state;
    subscription->quotas->value = facts_amount(DIGITS_34);
    ask_apply(SUBSCRIPTION_ID, HOURS_ID);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid amount: the sum needs more than 34 digits");
    subscription->quotas->value = amount_of(1);
    subscription->quotas->inexact = true;
    facts_expect_refused(
        &facts, QMS_BAD_REQUEST,
        "invalid amount: what is stored has more than 34 digits and accepts only SET");
}

static void an_addon_of_nothing_leaves_the_quota_alone(void **state) {
    (void)state;
    facts_addon_defaults(&facts, "5000 CPU Hours", "0", false);
    ask_apply(SUBSCRIPTION_ID, HOURS_ID);
    facts_expect_ok(&facts);
    assert_false(facts.op.out.applied.row.paid);
    assert_int_equal(facts.changes.quotas.count + facts.changes.updates.count, 0);
    assert_int_equal(facts.changes.addons_applied.count, 1);
}

/* ---- changing ---- */

static void changing_the_amount_changes_the_quota_by_the_difference(void **state) {
    (void)state;
    static const struct {
        const char *quota, *amount, *quota_after, *recorded;
    } cases[] = {
        {"5200", "6000.5", "6200.5", "1000.5"},
        {"5200", "4000", "4200", "-1000"},
        {"5200", "0", "200", "-5000"},
        {"5000", "0", "0", "-5000"},
        {"300", "0", "0", "-300"}, /* lowered by hand meanwhile: stops at 0 */
        {"300", "4000", "0", "-300"},
        {"0", "1", "0", "0"},
        {"-7", "5010", "3", "10"}, /* left below 0 by a foreign writer: may be raised */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        subscription->addons = NULL;
        struct subscription_addon *applied = given_applied(APPLIED_ID);
        subscription->quotas->value = facts_amount(cases[i].quota);
        struct applied_input *input = ask(OP_APPLIED_UPDATE, APPLIED_ID);
        input->update_amount = true;
        input->amount = facts_amount(cases[i].amount);
        facts_expect_ok(&facts);
        expect_amount(quota(), cases[i].quota_after);
        expect_amount(applied->amount, cases[i].amount);
        expect_amount(facts.op.out.applied.row.amount, cases[i].amount);
        assert_true(facts.op.out.applied.row.paid);
        assert_int_equal(applied->dirty, ROW_CHANGED);
        expect_audit(cases[i].recorded, "subscription_addons.update");
    }
}

static void an_amount_that_stays_or_a_paid_flag_leaves_the_quota_alone(void **state) {
    (void)state;
    struct subscription_addon *applied = given_applied(APPLIED_ID);
    struct applied_input *input = ask(OP_APPLIED_UPDATE, APPLIED_ID);
    input->update_amount = input->update_paid = true;
    input->amount = facts_amount("5000.00");
    facts_expect_ok(&facts);
    assert_false(applied->paid);
    assert_int_equal(facts.changes.addons_applied.count, 1);
    assert_int_equal(facts.changes.quotas.count + facts.changes.updates.count, 0);

    input = ask(OP_APPLIED_UPDATE, APPLIED_ID); /* no flag at all: the row as it is */
    input->amount = amount_of(-1);
    input->paid = true;
    facts_expect_ok(&facts);
    assert_true(changes_empty(&facts.changes));
    expect_amount(facts.op.out.applied.row.amount, "5000");
    assert_false(facts.op.out.applied.row.paid);
}

static void an_amount_below_zero_or_beyond_exactness_is_refused(void **state) {
    (void)state;
    given_applied(APPLIED_ID);
    struct applied_input *input = ask(OP_APPLIED_UPDATE, APPLIED_ID);
    input->update_amount = true;
    input->amount = facts_amount("-0.000001");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid amount");
    input->amount = facts_amount("0.000000000000000000000000000001");
    subscription->quotas->value = amount_of(15200);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid amount: the sum needs more than 34 digits");
    subscription->addons->amount = facts_amount(DIGITS_34);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid amount: the difference needs more than 34 digits");
}

/* ---- removing ---- */

static void removing_lowers_the_quota_never_below_zero(void **state) {
    (void)state;
    static const struct {
        const char *quota, *quota_after, *recorded;
    } cases[] = {
        {"5200", "200", "-5000"},
        {"5000", "0", "-5000"},
        {"4999.9", "0", "-4999.9"},
        {"0", "0", "0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        subscription->addons = NULL;
        struct subscription_addon *applied = given_applied(APPLIED_ID);
        subscription->quotas->value = facts_amount(cases[i].quota);
        ask(OP_APPLIED_DELETE, APPLIED_ID);
        facts_expect_ok(&facts);
        expect_amount(quota(), cases[i].quota_after);
        expect_audit(cases[i].recorded, "subscription_addons.delete");
        assert_null(subscription->addons);
        assert_int_equal(applied->dirty, ROW_DELETED);
        assert_ptr_equal(facts.changes.addons_applied.rows[0], applied);
        const struct applied_view *view = &facts.op.out.applied; /* the row that was */
        struct uuid id = facts_id(APPLIED_ID), rate = facts_id(RATE_ID);
        assert_true(uuid_equal(&view->row.id, &id));
        expect_amount(view->row.amount, "5000");
        expect_text(view->addon->name, "5000 CPU Hours");
        assert_true(uuid_equal(&view->rate->id, &rate));
    }
}

static void any_one_of_several_can_be_removed(void **state) {
    (void)state;
    static const char *const ids[] = {APPLIED_ID, SECOND_ID, THIRD_ID};
    for (size_t gone = 0; gone < COUNT(ids); gone++) {
        subscription->addons = NULL;
        for (size_t i = 0; i < COUNT(ids); i++) given_applied(ids[i]);
        subscription->quotas->value = amount_of(15200);
        ask(OP_APPLIED_DELETE, ids[gone]);
        facts_expect_ok(&facts);
        expect_amount(quota(), "10200");
        ask(OP_APPLIED_LIST, SUBSCRIPTION_ID);
        facts_expect_ok(&facts);
        assert_int_equal(facts.op.out.applieds.count, 2);
        for (size_t i = 0, row = 0; i < COUNT(ids); i++) {
            if (i == gone) continue;
            struct uuid id = facts_id(ids[i]);
            assert_true(uuid_equal(&facts.op.out.applieds.rows[row++].row.id, &id));
        }
        ask(OP_APPLIED_DELETE, ids[gone]);
        facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription add-on not found");
    }
}

static void what_was_changed_and_removed_in_one_batch_is_removed_once(void **state) {
    (void)state;
    struct subscription_addon *applied = given_applied(APPLIED_ID);
    struct applied_input *input = ask(OP_APPLIED_UPDATE, APPLIED_ID);
    input->update_amount = true;
    input->amount = amount_of(1);
    facts_expect_ok(&facts);
    ask(OP_APPLIED_DELETE, APPLIED_ID);
    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    expect_amount(quota(), "200");
    assert_int_equal(facts.changes.addons_applied.count, 1);
    assert_int_equal(applied->dirty, ROW_DELETED);
    assert_int_equal(facts.changes.updates.count, 2);
}

static void a_quota_that_is_not_exact_keeps_its_addon(void **state) {
    (void)state;
    given_applied(APPLIED_ID);
    subscription->quotas->inexact = true;
    ask(OP_APPLIED_DELETE, APPLIED_ID);
    facts_expect_refused(
        &facts, QMS_BAD_REQUEST,
        "invalid amount: what is stored has more than 34 digits and accepts only SET");
}

/* ---- reading ---- */

static void applied_addons_are_listed_by_name_then_id(void **state) {
    (void)state;
    facts_subscription_addon(&facts, subscription, THIRD_ID, HOURS_ID);
    facts_subscription_addon(&facts, subscription, SECOND_ID, HOURS_ID);
    facts_subscription_addon(&facts, subscription, APPLIED_ID, TERABYTE_ID);
    static const char *const ids[] = {APPLIED_ID, SECOND_ID, THIRD_ID};
    ask(OP_APPLIED_LIST, SUBSCRIPTION_ID);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.applieds.count, COUNT(ids));
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct uuid id = facts_id(ids[i]);
        assert_true(uuid_equal(&facts.op.out.applieds.rows[i].row.id, &id));
        assert_true(
            uuid_equal(&facts.op.out.applieds.rows[i].subscription_id, &subscription->id));
    }
}

static void the_addons_of_an_unknown_subscription_are_none(void **state) {
    (void)state;
    given_applied(APPLIED_ID);
    ask(OP_APPLIED_LIST, OTHER_ID);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.applieds.count, 0);
    facts.op.account = NULL;
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.applieds.count, 0);
}

static void an_applied_addon_is_found_in_any_subscription_by_its_own_id(void **state) {
    (void)state;
    given_applied(APPLIED_ID);
    facts_subscription(&facts, OTHER_ID, "Pro", "2030-01-01T00:00:00Z", NULL);
    ask(OP_APPLIED_GET, APPLIED_ID);
    facts_expect_ok(&facts);
    assert_true(uuid_equal(&facts.op.out.applied.subscription_id, &subscription->id));
    expect_amount(facts.op.out.applied.row.amount, "5000");
    static const enum operation operations[] = {OP_APPLIED_GET, OP_APPLIED_UPDATE,
                                                OP_APPLIED_DELETE};
    for (size_t i = 0; i < COUNT(operations); i++) {
        ask(operations[i], HOURS_ID); /* the add-on's own id is not it */
        facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription add-on not found");
        facts.op.account = NULL;
        facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription add-on not found");
    }
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(applying_raises_the_quota_and_keeps_the_terms_of_the_moment),
        SENTENCE(an_addon_is_applied_to_any_subscription_whatever_its_years),
        SENTENCE(what_cannot_be_applied_is_refused_in_order),
        SENTENCE(a_quota_that_cannot_hold_the_sum_refuses_the_addon),
        SENTENCE(an_addon_of_nothing_leaves_the_quota_alone),
        SENTENCE(changing_the_amount_changes_the_quota_by_the_difference),
        SENTENCE(an_amount_that_stays_or_a_paid_flag_leaves_the_quota_alone),
        SENTENCE(an_amount_below_zero_or_beyond_exactness_is_refused),
        SENTENCE(removing_lowers_the_quota_never_below_zero),
        SENTENCE(any_one_of_several_can_be_removed),
        SENTENCE(what_was_changed_and_removed_in_one_batch_is_removed_once),
        SENTENCE(a_quota_that_is_not_exact_keeps_its_addon),
        SENTENCE(applied_addons_are_listed_by_name_then_id),
        SENTENCE(the_addons_of_an_unknown_subscription_are_none),
        SENTENCE(an_applied_addon_is_found_in_any_subscription_by_its_own_id),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
