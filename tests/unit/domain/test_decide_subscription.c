#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define OLD_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define PRO_ID "cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb"

static struct facts facts;

static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static const struct plan *plan_named(const char *name) {
    return catalogue_plan_named(facts.decision.catalogue, text_of(name));
}

static struct subscription *create(const struct subscription_request *request) {
    struct subscription *subscription = NULL;
    facts_batch(&facts);
    changes_begin(&facts.changes);
    facts.op.account = &facts.account;
    if (!subscription_create(&facts.decision, &facts.op, request, &subscription))
        fail_msg("refused: %s", facts.op.error.text);
    return subscription;
}

static void expect_not_created(const struct subscription_request *request, enum qms_code code,
                               const char *text) {
    struct subscription *subscription = NULL;
    facts_batch(&facts);
    changes_begin(&facts.changes);
    facts.op.account = &facts.account;
    assert_false(subscription_create(&facts.decision, &facts.op, request, &subscription));
    assert_int_equal(facts.op.error.code, code);
    assert_string_equal(facts.op.error.text, text);
    assert_true(changes_empty(&facts.changes));
}

/* ---- automatic subscription (2.6) ---- */

static void a_first_summary_makes_the_user_and_a_basic_subscription(void **state) {
    (void)state;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    const struct subscription_view *view = &facts.op.out.subscription;
    expect_text(view->plan->name, "Basic");
    expect_text(view->username, "ada");
    expect_time(view->start_us, "2026-08-12T10:00:00Z");
    expect_time(view->end_us, "2027-08-12T10:00:00Z");
    assert_false(view->paid);
    expect_amount(view->plan_rate->rate, "0");
    assert_int_equal(view->quota_count, 2);
    expect_text(view->quotas[0].resource_type->name, "cpu.hours");
    expect_amount(view->quotas[0].row.value, "200");
    expect_text(view->quotas[1].resource_type->name, "data.size");
    expect_amount(view->quotas[1].row.value, "5368709120");
    assert_int_equal(view->usage_count, 0);
    assert_int_equal(view->addon_count, 0);

    assert_true(facts.account.exists);
    assert_false(uuid_is_nil(&facts.account.user_id));
    assert_true(uuid_equal(&view->user_id, &facts.account.user_id));
    assert_int_equal(facts.changes.accounts.count, 1);
    assert_int_equal(facts.changes.subscriptions.count, 1);
    assert_int_equal(facts.changes.quotas.count, 2);
}

static void the_copied_defaults_of_a_new_subscription_write_no_audit_row(void **state) {
    (void)state;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.updates.count, 0);
}

static void new_rows_carry_the_stamps_of_the_transaction_and_ids_of_their_own(void **state) {
    (void)state;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    const struct quantity_view *quotas = facts.op.out.subscription.quotas;
    for (size_t i = 0; i < 2; i++) {
        expect_text(quotas[i].row.stamps.created_by, "qms");
        expect_text(quotas[i].row.stamps.last_modified_by, "qms");
        assert_int_equal(quotas[i].row.stamps.created_us, facts.decision.stamped_us);
        assert_int_equal(quotas[i].row.stamps.last_modified_us, facts.decision.stamped_us);
        assert_int_equal(quotas[i].row.id.bytes[6] >> 4, 7);
    }
    assert_false(uuid_equal(&quotas[0].row.id, &quotas[1].row.id));
    assert_int_equal(facts.op.out.subscription.id.bytes[6] >> 4, 7);
    assert_int_equal(facts.account.user_id.bytes[6] >> 4, 7);
}

static void a_known_user_without_a_subscription_keeps_their_id(void **state) {
    (void)state;
    facts_user(&facts, "3b0c5f8e-5d2a-11ee-8c99-0242ac120002");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    struct uuid id = facts_id("3b0c5f8e-5d2a-11ee-8c99-0242ac120002");
    assert_true(uuid_equal(&facts.op.out.subscription.user_id, &id));
    assert_int_equal(facts.changes.accounts.count, 0);
}

static void two_first_requests_of_one_batch_make_one_subscription(void **state) {
    (void)state;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    struct uuid id = facts.op.out.subscription.id;
    facts_read(&facts, OP_SUMMARY_GET);
    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    assert_true(uuid_equal(&facts.op.out.subscription.id, &id));
    assert_int_equal(facts_subscription_count(&facts), 1);
    assert_int_equal(facts.changes.subscriptions.count, 1);
}

static void a_missing_default_plan_is_internal_and_names_it(void **state) {
    (void)state;
    facts.decision.default_plan = TEXT("Starter");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_refused(&facts, QMS_INTERNAL,
                         "the default subscription plan Starter does not exist");
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "1");
    facts_expect_refused(&facts, QMS_INTERNAL,
                         "the default subscription plan Starter does not exist");
}

static void a_default_plan_without_an_active_rate_is_internal_and_names_it(void **state) {
    (void)state;
    facts_forget_rates(&facts, "Basic");
    facts_rate(&facts, "Basic", "1", "2026-08-12T10:00:00.000001Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_refused(&facts, QMS_INTERNAL,
                         "the Basic subscription plan has no effective rate");
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    facts_expect_refused(&facts, QMS_INTERNAL,
                         "the Basic subscription plan has no effective rate");
    facts_now(&facts, "2026-08-12T10:00:00.000001Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
}

static void the_default_plan_is_found_by_the_name_it_was_given(void **state) {
    (void)state;
    facts.decision.default_plan = TEXT("Regular");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_text(facts.op.out.subscription.plan->name, "Regular");
}

/* ---- what is active changes with time alone (2.4, 2.5) ---- */

static void an_expiry_is_crossed_without_a_write(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Pro", "2025-08-12T00:00:00Z", "2026-08-12T12:00:00Z");
    struct uuid old = facts_id(OLD_ID);
    facts_now(&facts, "2026-08-12T12:00:00Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &old)); /* both ends count */

    facts_now(&facts, "2026-08-12T12:00:00.000001Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_false(uuid_equal(&facts.op.out.subscription.id, &old));
    expect_text(facts.op.out.subscription.plan->name, "Basic");
}

static void a_future_start_is_crossed_without_a_write(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Basic", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    facts_subscription(&facts, OTHER_ID, "Pro", "2026-09-01T00:00:00Z", "2027-09-01T00:00:00Z");
    facts_now(&facts, "2026-08-31T23:59:59.999999Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_text(facts.op.out.subscription.plan->name, "Basic");
    facts_now(&facts, "2026-09-01T00:00:00Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_text(facts.op.out.subscription.plan->name, "Pro");
    assert_true(changes_empty(&facts.changes));
}

static void a_new_rate_and_a_new_default_count_from_their_date(void **state) {
    (void)state;
    facts_rate(&facts, "Basic", "5", "2026-09-01T00:00:00Z");
    facts_default(&facts, "Basic", "cpu.hours", "300", "2026-09-01T00:00:00Z");
    facts_now(&facts, "2026-08-31T23:59:59.999999Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_amount(facts.op.out.subscription.plan_rate->rate, "0");
    expect_amount(facts.op.out.subscription.quotas[0].row.value, "200");

    facts_now(&facts, "2027-08-31T23:59:59.999999Z"); /* the last instant of the subscription */
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_amount(facts.op.out.subscription.quotas[0].row.value, "200"); /* a copy, not a link */

    facts_now(&facts, "2027-09-01T00:00:00Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_amount(facts.op.out.subscription.plan_rate->rate, "5");
    expect_amount(facts.op.out.subscription.quotas[0].row.value, "300");
}

static void a_resource_type_without_an_active_default_gets_no_quota(void **state) {
    (void)state;
    facts_resource_type(&facts, "gpu.hours", "gpu hours", true);
    facts_default(&facts, "Basic", "gpu.hours", "7", "2026-08-12T10:00:00.000001Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.subscription.quota_count, 2);
}

/* Several are active at once, as the reference leaves them. */
static void of_several_active_the_latest_start_counts_then_the_smallest_id(void **state) {
    (void)state;
    static const struct {
        const char *first_start, *second_start; /* OLD_ID, OTHER_ID; OLD_ID is smaller */
        const char *chosen;
    } cases[] = {
        {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", OTHER_ID},
        {"2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", OLD_ID},
        {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", OLD_ID},
        {"2026-01-01T00:00:00Z", "2026-10-01T00:00:00Z", OLD_ID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int reversed = 0; reversed < 2; reversed++) {
            facts.account.subscriptions = NULL;
            if (reversed)
                facts_subscription(&facts, OTHER_ID, "Pro", cases[i].second_start, NULL);
            facts_subscription(&facts, OLD_ID, "Pro", cases[i].first_start,
                               "2027-01-01T00:00:00Z");
            if (!reversed)
                facts_subscription(&facts, OTHER_ID, "Pro", cases[i].second_start, NULL);
            struct uuid chosen = facts_id(cases[i].chosen);
            facts_read(&facts, OP_SUMMARY_GET);
            facts_expect_ok(&facts);
            assert_true(uuid_equal(&facts.op.out.subscription.id, &chosen));
        }
    }
}

static void an_open_ended_subscription_is_active_for_ever(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Pro", "2020-01-01T00:00:00Z", NULL);
    facts_now(&facts, "2999-12-31T00:00:00Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_true(facts.op.out.subscription.end_us == TIME_NEVER);
    assert_true(changes_empty(&facts.changes));
}

/* ---- periods, start and end (2.7, 2.8) ---- */

static void only_consumable_quotas_are_multiplied_by_the_periods(void **state) {
    (void)state;
    static const struct {
        int periods;
        const char *cpu_hours, *data_size, *end;
    } cases[] = {
        {0, "20000", "3298534883328", "2027-08-12T10:00:00Z"},
        {1, "20000", "3298534883328", "2027-08-12T10:00:00Z"},
        {3, "60000", "3298534883328", "2029-08-12T10:00:00Z"}, /* the reference's own example */
        {10, "200000", "3298534883328", "2036-08-12T10:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        struct subscription *made = create(&(struct subscription_request){
            .plan = plan_named("Pro"),
            .start_us = facts.decision.decided_us,
            .periods = cases[i].periods,
            .paid = true});
        struct uuid pro = facts_id(PRO_ID);
        assert_true(uuid_equal(&made->plan_id, &pro));
        assert_true(made->paid);
        expect_time(made->end_us, cases[i].end);
        expect_amount(facts_value(&facts, made, VALUE_QUOTAS, "cpu.hours"), cases[i].cpu_hours);
        expect_amount(facts_value(&facts, made, VALUE_QUOTAS, "data.size"), cases[i].data_size);
    }
}

static void a_request_that_makes_no_sense_is_refused_before_anything_changes(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Pro", "2026-01-01T00:00:00Z", NULL);
    static const struct {
        const char *plan, *start, *end;
        int periods;
        enum qms_code code;
        const char *text;
    } cases[] = {
        {"Pro", "2026-08-12T10:00:00Z", NULL, -1, QMS_BAD_REQUEST,
         "the number of periods must be greater than zero"},
        {"Pro", "2026-08-12T10:00:00Z", NULL, 11, QMS_BAD_REQUEST,
         "the number of periods must be greater than zero"},
        {"Pro", "2026-08-12T10:00:00Z", "2026-08-12T10:00:00Z", 1, QMS_BAD_REQUEST,
         "the start date must precede the end date"},
        {"Pro", "2020-08-12T10:00:00Z", NULL, 1, QMS_BAD_REQUEST,
         "the end date must be in the future"},
        {"Pro", "2020-08-12T10:00:00Z", "2026-08-12T10:00:00Z", 1, QMS_BAD_REQUEST,
         "the end date must be in the future"},
        {"Regular", "2026-08-12T10:00:00Z", NULL, 1, QMS_BAD_REQUEST,
         "the Regular subscription plan has no effective rate"},
        {"Pro", "2026-08-12T10:00:00Z", NULL, 7, QMS_BAD_REQUEST,
         "the gpu.hours quota of 7 periods needs too many digits"},
    };
    facts_forget_rates(&facts, "Regular");
    facts_resource_type(&facts, "gpu.hours", "gpu hours", true);
    facts_default(&facts, "Pro", "gpu.hours", "9999999999999999999999999999999999",
                  "2022-01-01T00:00:00Z");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct subscription_request request = {
            .plan = plan_named(cases[i].plan),
            .start_us = facts_time(cases[i].start),
            .end_us = cases[i].end == NULL ? 0 : facts_time(cases[i].end),
            .periods = cases[i].periods,
        };
        expect_not_created(&request, cases[i].code, cases[i].text);
    }
}

static void rate_and_defaults_of_a_future_subscription_are_those_of_its_purchase(void **state) {
    (void)state;
    facts_rate(&facts, "Pro", "999", "2026-09-01T00:00:00Z");
    facts_default(&facts, "Pro", "cpu.hours", "1", "2026-09-01T00:00:00Z");
    struct subscription *made = create(&(struct subscription_request){
        .plan = plan_named("Pro"), .start_us = facts_time("2026-10-01T00:00:00Z")});
    const struct rate *rate = plan_rate(plan_named("Pro"), &made->plan_rate_id);
    expect_amount(rate->rate, "340");
    expect_amount(facts_value(&facts, made, VALUE_QUOTAS, "cpu.hours"), "20000");
    expect_time(made->end_us, "2027-10-01T00:00:00Z");
}

static void a_year_from_a_leap_day_ends_on_the_first_of_march(void **state) {
    (void)state;
    facts_now(&facts, "2028-02-29T08:30:00Z");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_time(facts.op.out.subscription.end_us, "2029-03-01T08:30:00Z");

    facts.account.subscriptions = NULL;
    struct subscription *made = create(&(struct subscription_request){
        .plan = plan_named("Pro"), .start_us = facts.decision.decided_us, .periods = 4});
    expect_time(made->end_us, "2032-02-29T08:30:00Z");
}

/* 13:00 in Berlin is 12:00Z in winter and 11:00Z in summer: the wall clock counts. */
static void a_year_keeps_the_local_time_of_day_across_a_change_to_summer_time(void **state) {
    (void)state;
    facts_close(&facts);
    facts_open_zone(&facts, "Europe/Berlin");
    facts_now(&facts, "2026-03-28T12:00:00Z"); /* the day before the change */
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    expect_time(facts.op.out.subscription.end_us, "2027-03-28T11:00:00Z"); /* its very day */
}

/* ---- the user's other subscriptions (2.9) ---- */

static void other_subscriptions_are_ended_or_shifted_out_of_the_window(void **state) {
    (void)state;
    /* The window is [2026-09-01, 2027-09-01). */
    static const struct {
        const char *start, *end, *start_after, *end_after;
        bool changed;
    } cases[] = {
        /* 1: reaches the window's start */
        {"2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-01-01T00:00:00Z",
         "2026-09-01T00:00:00Z", true},
        {"2026-01-01T00:00:00Z", NULL, "2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z", true},
        {"2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z", "2026-01-01T00:00:00Z",
         "2026-09-01T00:00:00Z", true}, /* loses its tail */
        {"2026-09-01T00:00:00Z", "2029-01-01T00:00:00Z", "2026-09-01T00:00:00Z",
         "2026-09-01T00:00:00Z", true},
        {"2026-09-01T00:00:00Z", "2027-09-01T00:00:00Z", "2026-09-01T00:00:00Z",
         "2026-09-01T00:00:00Z", true},
        {"2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z", "2026-01-01T00:00:00Z",
         "2026-09-01T00:00:00Z", false},
        {"2026-01-01T00:00:00Z", "2026-08-30T00:00:00Z", "2026-01-01T00:00:00Z",
         "2026-08-30T00:00:00Z", false},
        {"2026-01-01T00:00:00Z", "2026-08-31T23:59:59.999999Z", "2026-01-01T00:00:00Z",
         "2026-08-31T23:59:59.999999Z", false},
        /* 2: starts inside, reaches beyond */
        {"2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z", "2027-09-01T00:00:00Z",
         "2027-12-01T00:00:00Z", true},
        {"2026-12-01T00:00:00Z", NULL, "2027-09-01T00:00:00Z", NULL, true},
        {"2027-08-31T23:59:59.999999Z", "2027-09-01T00:00:00.000001Z", "2027-09-01T00:00:00Z",
         "2027-09-01T00:00:00.000001Z", true},
        {"2027-09-01T00:00:00Z", "2028-09-01T00:00:00Z", "2027-09-01T00:00:00Z",
         "2028-09-01T00:00:00Z", false},
        {"2027-09-01T00:00:00.000001Z", NULL, "2027-09-01T00:00:00.000001Z", NULL, false},
        {"2028-01-01T00:00:00Z", NULL, "2028-01-01T00:00:00Z", NULL, false},
        /* 3: lies inside, becomes history of no length */
        {"2026-12-01T00:00:00Z", "2027-03-01T00:00:00Z", "2026-12-01T00:00:00Z",
         "2026-12-01T00:00:00Z", true},
        {"2026-12-01T00:00:00Z", "2027-09-01T00:00:00Z", "2026-12-01T00:00:00Z",
         "2026-12-01T00:00:00Z", true},
        {"2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z",
         "2026-12-01T00:00:00Z", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        struct subscription *other =
            facts_subscription(&facts, OLD_ID, "Basic", cases[i].start, cases[i].end);
        facts_quantity(&facts, other, VALUE_USAGES, "cpu.hours", "77");
        struct subscription *made = create(&(struct subscription_request){
            .plan = plan_named("Pro"), .start_us = facts_time("2026-09-01T00:00:00Z")});
        expect_time(other->start_us, cases[i].start_after);
        if (cases[i].end_after == NULL) assert_true(other->end_us == TIME_NEVER);
        else expect_time(other->end_us, cases[i].end_after);
        assert_int_equal(other->dirty, cases[i].changed ? ROW_CHANGED : ROW_CLEAN);
        assert_int_equal(facts.changes.subscriptions.count, cases[i].changed ? 2 : 1);
        assert_int_equal(made->dirty, ROW_INSERTED);
        assert_null(made->usages); /* usages stay with the old one */
        expect_amount(facts_value(&facts, other, VALUE_USAGES, "cpu.hours"), "77");
    }
}

static void all_others_are_moved_and_none_is_deleted(void **state) {
    (void)state;
    struct subscription *running =
        facts_subscription(&facts, OLD_ID, "Basic", "2026-01-01T00:00:00Z", NULL);
    struct subscription *within = facts_subscription(
        &facts, OTHER_ID, "Pro", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
    struct subscription *beyond =
        facts_subscription(&facts, "0a6f1c53-5d2b-11ee-8c99-0242ac120002", "Pro",
                           "2026-12-01T00:00:00Z", "2028-11-01T00:00:00Z");
    create(&(struct subscription_request){.plan = plan_named("Pro"),
                                          .start_us = facts.decision.decided_us});
    assert_int_equal(facts_subscription_count(&facts), 4);
    expect_time(running->end_us, "2026-08-12T10:00:00Z");
    expect_time(within->end_us, "2026-10-01T00:00:00Z");
    expect_time(beyond->start_us, "2027-08-12T10:00:00Z");
    assert_int_equal(facts.changes.subscriptions.count, 4);
}

static void a_given_end_is_the_end_of_the_window(void **state) {
    (void)state;
    struct subscription *other = facts_subscription(&facts, OLD_ID, "Basic",
                                                    "2026-10-01T00:00:00Z", "2027-10-01T00:00:00Z");
    struct subscription *made = create(&(struct subscription_request){
        .plan = plan_named("Pro"),
        .start_us = facts.decision.decided_us,
        .end_us = facts_time("2026-11-01T00:00:00Z"),
        .periods = 2});
    expect_time(made->end_us, "2026-11-01T00:00:00Z");
    expect_time(other->start_us, "2026-11-01T00:00:00Z");
    expect_amount(facts_value(&facts, made, VALUE_QUOTAS, "cpu.hours"), "40000");
}

static void an_automatic_subscription_shifts_one_that_starts_later(void **state) {
    (void)state;
    struct subscription *later = facts_subscription(&facts, OLD_ID, "Pro", "2026-12-01T00:00:00Z",
                                                    "2027-12-01T00:00:00Z");
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    expect_time(later->start_us, "2027-08-12T10:00:00Z");
    expect_time(later->end_us, "2027-12-01T00:00:00Z");
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_first_summary_makes_the_user_and_a_basic_subscription),
        SENTENCE(the_copied_defaults_of_a_new_subscription_write_no_audit_row),
        SENTENCE(new_rows_carry_the_stamps_of_the_transaction_and_ids_of_their_own),
        SENTENCE(a_known_user_without_a_subscription_keeps_their_id),
        SENTENCE(two_first_requests_of_one_batch_make_one_subscription),
        SENTENCE(a_missing_default_plan_is_internal_and_names_it),
        SENTENCE(a_default_plan_without_an_active_rate_is_internal_and_names_it),
        SENTENCE(the_default_plan_is_found_by_the_name_it_was_given),
        SENTENCE(an_expiry_is_crossed_without_a_write),
        SENTENCE(a_future_start_is_crossed_without_a_write),
        SENTENCE(a_new_rate_and_a_new_default_count_from_their_date),
        SENTENCE(a_resource_type_without_an_active_default_gets_no_quota),
        SENTENCE(of_several_active_the_latest_start_counts_then_the_smallest_id),
        SENTENCE(an_open_ended_subscription_is_active_for_ever),
        SENTENCE(only_consumable_quotas_are_multiplied_by_the_periods),
        SENTENCE(a_request_that_makes_no_sense_is_refused_before_anything_changes),
        SENTENCE(rate_and_defaults_of_a_future_subscription_are_those_of_its_purchase),
        SENTENCE(a_year_from_a_leap_day_ends_on_the_first_of_march),
        SENTENCE(a_year_keeps_the_local_time_of_day_across_a_change_to_summer_time),
        SENTENCE(other_subscriptions_are_ended_or_shifted_out_of_the_window),
        SENTENCE(all_others_are_moved_and_none_is_deleted),
        SENTENCE(a_given_end_is_the_end_of_the_window),
        SENTENCE(an_automatic_subscription_shifts_one_that_starts_later),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
