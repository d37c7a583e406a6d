#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"

static struct facts facts;
static struct subscription *subscription;

static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Basic", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "90");
    facts.replay = (struct replay){.key = TEXT("job-17"), .account = &facts.account};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static void give_key(uint8_t content) {
    facts.op.key = TEXT("job-17");
    memset(facts.op.content, content, sizeof facts.op.content);
    facts.op.replay = &facts.replay;
}

static void expect_used(const char *amount) {
    expect_amount(facts_value(&facts, subscription, VALUE_USAGES, "cpu.hours"), amount);
}

static void an_operation_with_a_key_is_remembered_when_it_succeeds(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "10");
    give_key(7);
    facts_expect_ok(&facts);
    assert_false(facts.op.duplicate);
    assert_int_equal(facts.changes.replays.count, 1);
    assert_ptr_equal(facts.changes.replays.rows[0], &facts.replay);
    assert_true(facts.replay.known);
    assert_int_equal(facts.replay.dirty, ROW_INSERTED);
    assert_memory_equal(facts.replay.content, facts.op.content, sizeof facts.op.content);
    assert_true(uuid_equal(&facts.replay.made_id, &facts_audit(&facts)->id));
    assert_int_equal(facts.replay.recorded_us, facts.decision.decided_us);
}

static void an_operation_without_a_key_is_not_remembered(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "10");
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.replays.count, 0);
}

static void a_failed_operation_is_not_remembered(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "-1000");
    give_key(7);
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid usage value: the usage would fall below 0");
    assert_false(facts.replay.known);
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    give_key(8);
    facts_expect_ok(&facts);
    assert_false(facts.op.duplicate);
    expect_used("91");
}

static void a_repeat_changes_nothing(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "10");
    give_key(7);
    facts_expect_ok(&facts);

    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena)); /* the same batch */
    assert_true(facts.op.duplicate);
    assert_int_equal(facts.changes.updates.count, 1);
    expect_used("100");

    facts_now(&facts, "2026-09-21T10:00:00Z"); /* 40 days later */
    facts_expect_ok(&facts);
    assert_true(facts.op.duplicate);
    assert_true(changes_empty(&facts.changes));
    expect_used("100");
}

static void the_same_id_with_other_content_is_a_conflict(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "10");
    give_key(7);
    facts_expect_ok(&facts);
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "11");
    give_key(8);
    facts_expect_refused(&facts, QMS_CONFLICT, "the id was used before with other content");
    assert_false(facts.op.duplicate);
    facts_usage(&facts, OP_USAGE_RECORD, "add", "x", "11"); /* looked at before anything else */
    give_key(8);
    facts_expect_refused(&facts, QMS_CONFLICT, "the id was used before with other content");
}

static void a_repeated_update_answers_the_same_row(void **state) {
    (void)state;
    facts_update(&facts, "quotas", "ADD", "cpu.hours", "-1000")->metadata = TEXT("why");
    give_key(7);
    facts_expect_ok(&facts);
    struct update_view first = facts.op.out.update;

    facts_now(&facts, "2026-08-12T11:00:00Z");
    facts_expect_ok(&facts);
    assert_true(facts.op.duplicate);
    const struct update_view *again = &facts.op.out.update;
    assert_true(uuid_equal(&again->row.id, &first.row.id));
    assert_true(uuid_equal(&again->operation_id, &first.operation_id));
    assert_true(uuid_equal(&again->user_id, &first.user_id));
    assert_ptr_equal(again->resource_type, first.resource_type);
    assert_int_equal(amount_compare(again->row.value, first.row.value), 0);
    assert_int_equal(again->row.operation, first.row.operation);
    assert_int_equal(again->row.value_type, first.row.value_type);
    assert_int_equal(again->row.effective_us, first.row.effective_us);
    expect_text(again->row.metadata, "why");
    expect_text(again->username, "ada");
}

static void a_repeated_usage_answers_the_usage_as_it_is_now(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "10");
    facts_expect_ok(&facts);
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "5");
    give_key(7);
    facts_expect_ok(&facts);
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "5");
    give_key(7);
    facts_expect_ok(&facts);
    assert_true(facts.op.duplicate);
    expect_amount(facts.op.out.quantity.row.value, "105");

    facts_now(&facts, "2027-01-01T00:00:00.000001Z"); /* the subscription is over */
    facts_expect_ok(&facts);
    assert_true(facts.op.duplicate);
    expect_amount(facts.op.out.quantity.row.value, "0");
    expect_text(facts.op.out.quantity.resource_type->name, "cpu.hours");
    assert_true(uuid_is_nil(&facts.op.out.quantity.subscription_id));
    assert_int_equal(facts_subscription_count(&facts), 1);

    struct subscription *next = facts_subscription(
        &facts, "0a6f0d8e-5d2b-11ee-8c99-0242ac120009", "Pro", "2026-12-31T00:00:00Z", NULL);
    facts_expect_ok(&facts);
    expect_amount(facts.op.out.quantity.row.value, "0");
    assert_true(uuid_equal(&facts.op.out.quantity.subscription_id, &next->id));
}

static void a_key_on_a_read_is_ignored(void **state) {
    (void)state;
    facts.replay.known = true;
    facts_read(&facts, OP_USAGE_LIST);
    give_key(7);
    facts_expect_ok(&facts);
    assert_false(facts.op.duplicate);
    assert_int_equal(facts.op.out.usages.count, 1);
}

static void what_an_earlier_decision_left_is_replaced(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    facts.decision.must_write = true;
    facts.op.duplicate = true;
    facts.op.made_id = facts_id(SUBSCRIPTION_ID);
    facts.op.out.usages.count = 17;
    qms_fail(&facts.op.error, QMS_UNAVAILABLE, "the batch was rolled back");
    facts_expect_ok(&facts);
    assert_false(facts.decision.must_write);
    assert_string_equal(facts.op.error.text, "");
    assert_false(facts.op.duplicate);
    assert_int_equal(facts.op.out.usages.count, 0);
    facts.op.made_id = facts_id(SUBSCRIPTION_ID);
    facts.op.in.change.operation_name = TEXT("x");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid update type: x");
    assert_true(uuid_is_nil(&facts.op.made_id));
}

static void an_operation_decided_again_lets_go_of_the_older_catalogue(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    facts_expect_ok(&facts);
    struct catalogue *older = catalogue_hold(facts.decision.catalogue);
    facts_rate(&facts, "Pro", "1", "2026-02-01T00:00:00Z");
    assert_int_equal(atomic_load(&older->holders), 2); /* ours and the operation's */
    facts_expect_ok(&facts);
    assert_int_equal(atomic_load(&older->holders), 1);
    assert_int_equal(atomic_load(&facts.decision.catalogue->holders), 2);
    catalogue_release(older);
}

static void an_account_that_could_not_be_read_answers_internal(void **state) {
    (void)state;
    facts.account.broken = true;
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    facts_expect_refused(&facts, QMS_INTERNAL, "the request could not be completed");
    facts_read(&facts, OP_OVERAGE_LIST);
    facts_expect_refused(&facts, QMS_INTERNAL, "the request could not be completed");
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(an_operation_with_a_key_is_remembered_when_it_succeeds),
        SENTENCE(an_operation_without_a_key_is_not_remembered),
        SENTENCE(a_failed_operation_is_not_remembered),
        SENTENCE(a_repeat_changes_nothing),
        SENTENCE(the_same_id_with_other_content_is_a_conflict),
        SENTENCE(a_repeated_update_answers_the_same_row),
        SENTENCE(a_repeated_usage_answers_the_usage_as_it_is_now),
        SENTENCE(a_key_on_a_read_is_ignored),
        SENTENCE(what_an_earlier_decision_left_is_replaced),
        SENTENCE(an_operation_decided_again_lets_go_of_the_older_catalogue),
        SENTENCE(an_account_that_could_not_be_read_answers_internal),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
