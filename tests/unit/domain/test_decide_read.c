#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define NEWER_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120009"
#define TERABYTE_ID "c21dd61f-aa41-40ad-8005-859679ceed9c"
#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f"

static struct facts facts;
static struct subscription *subscription;

static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Pro", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    return 0;
}

static int setup_absent(void **state) {
    (void)state;
    facts_open(&facts);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static bool is_overage(const char *resource_name) {
    facts_read(&facts, OP_OVERAGE_CHECK);
    facts.op.in.resource_name = text_of(resource_name);
    facts_expect_ok(&facts);
    return facts.op.out.is_overage;
}

static size_t overage_count(void) {
    facts_read(&facts, OP_OVERAGE_LIST);
    facts_expect_ok(&facts);
    return facts.op.out.overages.count;
}

/* ---- overages (10) ---- */

static void usage_that_reaches_the_quota_is_an_overage(void **state) {
    (void)state;
    static const struct {
        const char *quota, *usage; /* NULL: no such row */
        bool over;
    } cases[] = {
        {"200", "199.999999999999999999999999", false},
        {"200", "200", true},
        {"200", "200.000000000000000000000001", true},
        {"200.0", "200.00", true}, /* by value, not by bits */
        {"0", "0", true},
        {"0", "1", true},
        {"0.3", "0.3", true},
        {"200", NULL, false},
        {NULL, "200", false},
        {NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        subscription->quotas = subscription->usages = NULL;
        if (cases[i].quota != NULL)
            facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", cases[i].quota);
        if (cases[i].usage != NULL)
            facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", cases[i].usage);
        assert_int_equal(overage_count(), cases[i].over ? 1 : 0);
        assert_int_equal(is_overage("cpu.hours"), cases[i].over);
        assert_false(is_overage("data.size"));
    }
}

static void overages_are_listed_by_resource_name_with_quota_and_usage(void **state) {
    (void)state;
    facts_resource_type(&facts, "alpha", "things", false);
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "data.size", "1");
    facts_quantity(&facts, subscription, VALUE_USAGES, "alpha", "9");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "3");
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "2");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "2.5");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "alpha", "8.5");
    facts_read(&facts, OP_OVERAGE_LIST);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.overages.count, 2);
    const struct overage_view *rows = facts.op.out.overages.rows;
    expect_text(rows[0].resource_type->name, "alpha");
    expect_amount(rows[0].quota, "8.5");
    expect_amount(rows[0].usage, "9");
    expect_text(rows[1].resource_type->name, "data.size");
    expect_amount(rows[1].quota, "1");
    expect_amount(rows[1].usage, "2");
}

static void only_the_active_subscription_can_be_over(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "250");
    struct subscription *newer =
        facts_subscription(&facts, NEWER_ID, "Pro", "2026-08-12T10:00:01Z", NULL);
    facts_quantity(&facts, newer, VALUE_QUOTAS, "cpu.hours", "20000");
    facts_quantity(&facts, newer, VALUE_USAGES, "cpu.hours", "1");
    assert_int_equal(overage_count(), 1);
    facts_now(&facts, "2026-08-12T10:00:01Z"); /* the newer one has started; both are active */
    assert_int_equal(overage_count(), 0);
    assert_false(is_overage("cpu.hours"));
}

static void an_overage_ends_with_its_subscription(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "200");
    facts_now(&facts, "2027-01-01T00:00:00Z");
    assert_true(is_overage("cpu.hours"));
    facts_now(&facts, "2027-01-01T00:00:00.000001Z");
    assert_false(is_overage("cpu.hours"));
    assert_true(changes_empty(&facts.changes)); /* asking subscribes nobody */
}

static void an_unknown_resource_is_no_overage(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "200");
    assert_false(is_overage("gpu.hours"));
    assert_false(is_overage(""));
}

static void overages_that_are_not_to_be_reported_are_none(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "200");
    facts.decision.report_overages = false;
    assert_int_equal(overage_count(), 0);
    assert_false(is_overage("cpu.hours"));
    facts.decision.report_overages = true;
    assert_int_equal(overage_count(), 1);
    assert_true(is_overage("cpu.hours"));
}

static void asking_about_an_unknown_user_answers_nothing_and_makes_nobody(void **state) {
    (void)state;
    facts.account.writable = 0;
    facts.decision.changes = NULL;
    assert_int_equal(overage_count(), 0);
    assert_false(is_overage("cpu.hours"));
    facts_read(&facts, OP_USAGE_LIST);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.usages.count, 0);
    assert_false(facts.account.exists);
    assert_false(facts.decision.must_write);
}

/* ---- usages (8.1) ---- */

static void usages_are_listed_by_resource_name(void **state) {
    (void)state;
    facts_resource_type(&facts, "zeta", "things", false);
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "5");
    facts_quantity(&facts, subscription, VALUE_USAGES, "zeta", "1");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "3.5");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "77");
    facts_read(&facts, OP_USAGE_LIST);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.usages.count, 3);
    const struct quantity_view *rows = facts.op.out.usages.rows;
    expect_text(rows[0].resource_type->name, "cpu.hours");
    expect_amount(rows[0].row.value, "3.5");
    expect_text(rows[1].resource_type->name, "data.size");
    expect_text(rows[2].resource_type->name, "zeta");
    struct uuid id = facts_id(SUBSCRIPTION_ID);
    assert_true(uuid_equal(&rows[2].subscription_id, &id));
    expect_text(rows[2].row.stamps.created_by, "de");
}

/* ---- the summary (6.1) ---- */

static void a_summary_shows_the_subscription_in_fixed_orders(void **state) {
    (void)state;
    facts_addon(&facts, TERABYTE_ID, "1 TB", "data.size");
    facts_addon(&facts, HOURS_ID, "5000 CPU Hours", "cpu.hours");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "data.size", "300");
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "7");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "8");
    static const char *const ids[] = {
        "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000004", "00000000-0000-4000-8000-000000000002"};
    facts_subscription_addon(&facts, subscription, ids[0], TERABYTE_ID);
    facts_subscription_addon(&facts, subscription, ids[1], HOURS_ID);
    facts_subscription_addon(&facts, subscription, ids[2], TERABYTE_ID);
    facts_subscription_addon(&facts, subscription, ids[3], HOURS_ID);

    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    const struct subscription_view *view = &facts.op.out.subscription;
    expect_text(view->plan->name, "Pro");
    expect_amount(view->plan_rate->rate, "340");
    assert_true(view->paid);
    expect_time(view->start_us, "2026-01-01T00:00:00Z");
    expect_time(view->end_us, "2027-01-01T00:00:00Z");
    assert_int_equal(view->quota_count, 2);
    expect_text(view->quotas[0].resource_type->name, "cpu.hours");
    expect_text(view->quotas[1].resource_type->name, "data.size");
    assert_int_equal(view->usage_count, 2);
    expect_text(view->usages[0].resource_type->name, "cpu.hours");
    expect_amount(view->usages[0].row.value, "8");
    expect_text(view->usages[1].resource_type->name, "data.size");
    static const size_t order[] = {0, 2, 1, 3}; /* by the add-on's name, then id */
    assert_int_equal(view->addon_count, 4);
    for (size_t i = 0; i < 4; i++) {
        struct uuid id = facts_id(ids[order[i]]);
        assert_true(uuid_equal(&view->addons[i].row.id, &id));
    }
    assert_true(changes_empty(&facts.changes));
}

static void a_summary_stays_as_it_was_when_its_account_is_forgotten(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "8");
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    account_forget(&facts.account);
    account_close(&facts.account); /* the sanitizer sees a view that points into it */
    const struct subscription_view *view = &facts.op.out.subscription;
    expect_text(view->username, "ada");
    expect_amount(view->usages[0].row.value, "8");
    expect_text(view->usages[0].row.stamps.created_by, "de");
    expect_text(view->usages[0].row.stamps.last_modified_by, "de");
}

static void the_views_hold_the_catalogue_they_point_into(void **state) {
    (void)state;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_ptr_equal(facts.op.catalogue, facts.decision.catalogue);
    facts_rate(&facts, "Pro", "1", "2026-02-01T00:00:00Z"); /* a new catalogue is published */
    assert_ptr_not_equal(facts.op.catalogue, facts.decision.catalogue);
    expect_text(facts.op.out.subscription.plan->name, "Pro");
}

/* ---- reads that have to write ---- */

static void a_summary_that_has_to_subscribe_asks_to_come_back_as_a_writer(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        facts.decision.changes = i == 0 ? NULL : &facts.changes;
        facts.account.writable = i == 0 ? ROWS_ALL : 0;
        facts_read(&facts, OP_SUMMARY_GET);
        facts_expect_refused(&facts, QMS_OK, "");
        assert_true(facts.decision.must_write);
        assert_null(facts.op.catalogue);
    }
    facts.account.writable = ROWS_ALL;
    facts_expect_ok(&facts);
    assert_false(facts.decision.must_write);
    assert_int_equal(facts_subscription_count(&facts), 1);
}

static void a_summary_of_a_subscribed_user_needs_no_writer(void **state) {
    (void)state;
    facts.decision.changes = NULL;
    facts.account.writable = 0;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_false(facts.decision.must_write);
    facts_now(&facts, "2027-01-01T00:00:00.000001Z"); /* it has expired */
    facts_expect_refused(&facts, QMS_OK, "");
    assert_true(facts.decision.must_write);
}

static void a_summary_that_may_not_subscribe_finds_nobody(void **state) {
    (void)state;
    facts.decision.reads_subscribe = false;
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_refused(&facts, QMS_NOT_FOUND, "user name not found");
    assert_false(facts.decision.must_write);
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1"); /* a write still may */
    facts_expect_ok(&facts);
    facts_read(&facts, OP_SUMMARY_GET);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.subscription.usage_count, 1);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SENTENCE_ABSENT(test) cmocka_unit_test_setup_teardown(test, setup_absent, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(usage_that_reaches_the_quota_is_an_overage),
        SENTENCE(overages_are_listed_by_resource_name_with_quota_and_usage),
        SENTENCE(only_the_active_subscription_can_be_over),
        SENTENCE(an_overage_ends_with_its_subscription),
        SENTENCE(an_unknown_resource_is_no_overage),
        SENTENCE(overages_that_are_not_to_be_reported_are_none),
        SENTENCE_ABSENT(asking_about_an_unknown_user_answers_nothing_and_makes_nobody),
        SENTENCE(usages_are_listed_by_resource_name),
        SENTENCE(a_summary_shows_the_subscription_in_fixed_orders),
        SENTENCE(a_summary_stays_as_it_was_when_its_account_is_forgotten),
        SENTENCE(the_views_hold_the_catalogue_they_point_into),
        SENTENCE_ABSENT(a_summary_that_has_to_subscribe_asks_to_come_back_as_a_writer),
        SENTENCE(a_summary_of_a_subscribed_user_needs_no_writer),
        SENTENCE_ABSENT(a_summary_that_may_not_subscribe_finds_nobody),
    };
#undef SENTENCE_ABSENT
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
