/* Which rows of an account an operation may change, and what becomes of one that wants others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

enum { SNAPSHOT_BYTES_MAX = 1 << 16 };

static struct facts facts;

/* ada has a Basic subscription and has used 90 cpu hours; only her usages are locked. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_user(&facts, "3b0c5f8e-5d2a-11ee-8c99-0242ac120002");
    struct subscription *subscription =
        facts_subscription(&facts, "0a6f0d8e-5d2b-11ee-8c99-0242ac120002", "Basic",
                           "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "90");
    facts.account.writable = ROWS_USAGES;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static void usages_and_quotas_are_all_that_their_changes_lock(void **state) {
    (void)state;
    static const enum operation usages[] = {OP_USAGE_ADD, OP_USAGE_REPORT, OP_USAGE_RECORD};
    for (size_t i = 0; i < sizeof usages / sizeof *usages; i++) {
        facts_usage(&facts, usages[i], "ADD", "cpu.hours", "1");
        assert_int_equal(decide_rows(&facts.op), ROWS_USAGES);
    }
    facts_update(&facts, "usages", "ADD", "cpu.hours", "1");
    assert_int_equal(decide_rows(&facts.op), ROWS_USAGES);
    facts_update(&facts, "quota", "ADD", "cpu.hours", "1");
    assert_int_equal(decide_rows(&facts.op), ROWS_QUOTAS);
    facts.op.as_writer = true;
    assert_int_equal(decide_rows(&facts.op), ROWS_ALL);
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "1");
    assert_int_equal(decide_rows(&facts.op), ROWS_ALL);
}

static void expect_put_off(void) {
    struct buffer before, after;
    buffer_init(&before, SNAPSHOT_BYTES_MAX);
    buffer_init(&after, SNAPSHOT_BYTES_MAX);
    facts_batch(&facts);
    facts_snapshot(&facts, &before);
    assert_false(facts_decide(&facts));
    facts_snapshot(&facts, &after);
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.data, after.data, before.length);
    buffer_close(&before);
    buffer_close(&after);
    assert_int_equal(facts.op.error.code, QMS_OK);
    assert_true(facts.decision.must_write);
    facts.account.writable = ROWS_ALL;
    facts_expect_ok(&facts);
    assert_false(facts.decision.must_write);
    facts.account.writable = ROWS_USAGES;
}

static void a_change_that_needs_more_locks_changes_nothing_until_it_has_them(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "data.size", "1");
    expect_put_off();
    expect_amount(facts_value(&facts, facts.account.subscriptions, VALUE_USAGES, "data.size"),
                  "1");
    facts_expect_ok(&facts); /* now there is a row */
    facts_update(&facts, "quotas", "ADD", "cpu.hours", "1");
    expect_put_off();
}

static void a_subscription_that_moves_another_one_waits_for_its_lock(void **state) {
    (void)state;
    facts_now(&facts, "2025-06-01T00:00:00Z"); /* hers begins in seven months */
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "1");
    expect_put_off();
    assert_int_equal(facts_subscription_count(&facts), 2);
}

#define SENTENCE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SENTENCE(usages_and_quotas_are_all_that_their_changes_lock),
        SENTENCE(a_change_that_needs_more_locks_changes_nothing_until_it_has_them),
        SENTENCE(a_subscription_that_moves_another_one_waits_for_its_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
