/* Operations with a key, repeated. The first tests walk the list of operations: one that is added
 * to the list and writes has to be given an example here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define BASIC_ID "99e47c22-950a-11ec-84a4-406c8f3e9cbb"
#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f"
#define RATE_ID "672e49af-b7b7-4a0e-a929-00f4a1c5e7f2"
#define APPLIED_ID "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c11"
#define CONFLICT_TEXT " was used before with other content"

enum { SNAPSHOT_BYTES_MAX = 1 << 16 };

static struct facts facts;
static struct subscription *subscription;
static struct addon_use use;
static struct rate_input rate_given;
static struct quota_default_input default_given;

/* ada has a subscription with an add-on. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_addon(&facts, HOURS_ID, "5000 CPU Hours", "cpu.hours");
    facts_addon_defaults(&facts, "5000 CPU Hours", "5000", true);
    facts_addon_rate(&facts, "5000 CPU Hours", RATE_ID, "100", "2025-01-01T00:00:00Z");
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Basic", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "5200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "90");
    facts_subscription_addon(&facts, subscription, APPLIED_ID, HOURS_ID);
    use = (struct addon_use){.addon_id = facts_id(HOURS_ID)};
    facts.decision.addon_use = &use;
    default_given = (struct quota_default_input){.resource_name = TEXT("cpu.hours"),
                                                 .value = amount_of(5),
                                                 .has_effective = true,
                                                 .effective_us = 7};
    rate_given = (struct rate_input){.rate = amount_of(5), .has_effective = true};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

/* ---- an example of every operation that writes ---- */

static void ask_plan(enum operation operation) {
    facts_catalogue(&facts, operation);
    facts.op.in.plan = (struct plan_input){
        .name = operation == OP_PLAN_ADD ? TEXT("Team") : TEXT("Basic"),
        .description = TEXT("Team plan"),
        .defaults = &default_given,
        .default_count = 1,
        .rates = &rate_given,
        .rate_count = 1,
    };
}

static void ask_resource(enum operation operation) {
    facts_catalogue(&facts, operation);
    facts.op.in.resource = (struct resource_input){
        .id = facts_id(CPU_ID), .name = TEXT("gpu.hours"), .unit = TEXT("gpu hours")};
}

static void ask_addon(enum operation operation) {
    facts_catalogue(&facts, operation);
    facts.op.in.addon = (struct addon_input){
        .id = facts_id(HOURS_ID),
        .name = TEXT("Extra"),
        .description = TEXT("an add-on"),
        .resource_name = TEXT("cpu.hours"),
        .default_amount = amount_of(1),
        .rates = &rate_given,
        .rate_count = 1,
        .update_name = true,
    };
}

static void ask_applied(enum operation operation) {
    facts_read(&facts, operation);
    facts.op.target_id = facts_id(operation == OP_ADDON_APPLY ? SUBSCRIPTION_ID : APPLIED_ID);
    facts.op.in.applied = (struct applied_input){
        .addon_id = facts_id(HOURS_ID), .update_amount = true, .amount = amount_of(2)};
}

static void ask(enum operation operation) {
    switch (operation) {
    case OP_USER_ADD:
    case OP_SUBSCRIPTION_CHANGE:
    case OP_SUBSCRIPTION_CREATE: facts_subscribe(&facts, operation, "Pro"); break;
    case OP_USER_ENSURE: facts_read(&facts, operation); break;
    case OP_UPDATE_ADD: facts_update(&facts, "usages", "ADD", "cpu.hours", "1"); break;
    case OP_USAGE_ADD:
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD: facts_usage(&facts, operation, "ADD", "cpu.hours", "1"); break;
    case OP_QUOTA_SET:
    case OP_QUOTA_SET_USER: facts_set_quota(&facts, operation, "cpu.hours", "7"); break;
    case OP_PLAN_ADD:
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD: ask_plan(operation); break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE: ask_resource(operation); break;
    case OP_ADDON_ADD:
    case OP_ADDON_UPDATE:
    case OP_ADDON_DELETE: ask_addon(operation); break;
    case OP_ADDON_APPLY:
    case OP_APPLIED_UPDATE:
    case OP_APPLIED_DELETE: ask_applied(operation); break;
    default: fail_msg("%s writes and has no example", operation_name(operation));
    }
}

static void give_key(uint8_t content) {
    facts.op.key = TEXT("k-1");
    memset(facts.op.content, content, sizeof facts.op.content);
    facts.op.replay = &facts.replay;
}

static void expect_first(enum operation operation) {
    facts.replay = (struct replay){.key = TEXT("k-1"), .operation = operation};
    ask(operation);
    give_key(7);
    facts_expect_ok(&facts);
    assert_false(facts.op.duplicate);
}

/* Repeats facts.op; every byte of the facts stays as it is. */
static void expect_repeat(void) {
    struct buffer before, after;
    struct uuid made_id = facts.replay.made_id;
    buffer_init(&before, SNAPSHOT_BYTES_MAX);
    buffer_init(&after, SNAPSHOT_BYTES_MAX);
    facts_batch(&facts);
    facts_snapshot(&facts, &before);
    if (!decide(&facts.decision, &facts.op, &facts.request_arena))
        fail_msg("%s: %s", operation_name(facts.op.operation), facts.op.error.text);
    facts_snapshot(&facts, &after);
    assert_true(facts.op.duplicate);
    assert_true(uuid_equal(&facts.op.made_id, &made_id));
    assert_true(changes_empty(&facts.changes));
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.data, after.data, before.length);
    buffer_close(&before);
    buffer_close(&after);
}

static void repeat(enum operation operation) {
    ask(operation);
    give_key(7);
    expect_repeat();
}

/* What CloudMC manages has facts of its own, and tests of its own. */
static bool writes(int operation) {
    return operation_effect((enum operation)operation) == EFFECT_WRITE &&
           operation_target((enum operation)operation) != TARGET_DIRECTORY;
}

static void start_afresh(void) {
    teardown(NULL);
    setup(NULL);
}

/* ---- every operation that writes ---- */

static void every_write_is_remembered_and_repeated_without_a_change(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (!writes(i)) continue;
        start_afresh();
        expect_first((enum operation)i);
        assert_int_equal(facts.changes.replays.count, 1);
        assert_true(facts.replay.known);
        assert_memory_equal(facts.replay.content, facts.op.content, sizeof facts.op.content);
        assert_true(uuid_equal(&facts.replay.made_id, &facts.op.made_id));
        assert_int_equal(facts.replay.recorded_us, facts.decision.decided_us);
        repeat((enum operation)i);
        facts_now(&facts, "2026-08-13T10:00:00Z");
        repeat((enum operation)i);
    }
}

static void every_write_with_the_key_of_another_content_is_a_conflict(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (!writes(i)) continue;
        start_afresh();
        expect_first((enum operation)i);
        ask((enum operation)i);
        give_key(8);
        facts_expect_refused(&facts, QMS_CONFLICT,
                             i == OP_USAGE_RECORD ? "the id" CONFLICT_TEXT
                                                  : "the idempotency key" CONFLICT_TEXT);
        assert_false(facts.op.duplicate);
    }
}

/* A repeat comes long after: what it was about may be over or gone. */
static void every_repeat_succeeds_when_nothing_is_left_of_what_was_made(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (!writes(i)) continue;
        if (i == OP_QUOTA_SET) continue; /* subscriptions and quotas are never deleted */
        start_afresh();
        expect_first((enum operation)i);
        facts_forget_addons(&facts);
        facts.account.subscriptions = NULL; /* they have ended: not among the facts any more */
        repeat((enum operation)i);
        if (operation_target((enum operation)i) != TARGET_SUBSCRIPTION_ADDON) continue;
        ask((enum operation)i);
        give_key(7);
        facts.op.account = NULL; /* nobody knows whose it was */
        expect_repeat();
    }
}

static void every_repeat_succeeds_when_resource_types_have_other_names(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (!writes(i)) continue;
        start_afresh();
        expect_first((enum operation)i);
        facts_rename(&facts, "cpu.hours", "core.hours");
        repeat((enum operation)i);
    }
}

static void a_write_without_a_key_is_not_remembered(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (!writes(i)) continue;
        start_afresh();
        ask((enum operation)i);
        facts_expect_ok(&facts);
        assert_int_equal(facts.changes.replays.count, 0);
        assert_int_equal(facts.replay.dirty, ROW_CLEAN);
    }
}

/* ---- what repeats answer ---- */

static void a_repeated_user_is_the_user_and_the_plan_asked_for(void **state) {
    (void)state;
    expect_first(OP_USER_ADD);
    struct uuid id = facts.op.out.user.id;
    facts_now(&facts, "2026-08-13T10:00:00Z");
    repeat(OP_USER_ADD);
    assert_true(uuid_equal(&facts.op.out.user.id, &id));
    expect_text(facts.op.out.user.username, "ada");
    expect_text(facts.op.out.user.plan->name, "Pro");
    expect_first(OP_USER_ENSURE);
    repeat(OP_USER_ENSURE);
    assert_true(uuid_equal(&facts.op.out.user.id, &id));
}

/* In turn: while it is active, when a newer one has replaced it, when only the newer is known. */
static void a_repeated_purchase_shows_the_subscription_it_made(void **state) {
    (void)state;
    static const enum operation operations[] = {OP_SUBSCRIPTION_CHANGE, OP_SUBSCRIPTION_CREATE};
    for (size_t i = 0; i < 2; i++) {
        start_afresh();
        expect_first(operations[i]);
        struct uuid made = facts.op.out.subscription.id;
        repeat(operations[i]);
        assert_true(uuid_equal(&facts.op.out.subscription.id, &made));
        assert_true(facts.op.out.subscription.created);
        expect_text(facts.op.out.subscription.plan->name, "Pro");

        facts_now(&facts, "2026-09-01T00:00:00Z");
        struct replay first = facts.replay;
        facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Regular");
        facts_expect_ok(&facts);
        struct uuid newer = facts.op.out.subscription.id;
        facts.replay = first;
        repeat(operations[i]);
        assert_true(uuid_equal(&facts.op.out.subscription.id, &made));
        expect_time(facts.op.out.subscription.end_us, "2026-09-01T00:00:00Z");

        facts.account.subscriptions->next = NULL;
        repeat(operations[i]);
        assert_true(uuid_equal(&facts.op.out.subscription.id, &newer));
        assert_false(facts.op.out.subscription.created);

        facts.account.subscriptions = NULL;
        repeat(operations[i]);
        assert_true(uuid_equal(&facts.op.out.subscription.id, &made));
        assert_true(uuid_equal(&facts.op.out.subscription.user_id, &facts.account.user_id));
        expect_text(facts.op.out.subscription.username, "ada");
        assert_null(facts.op.out.subscription.plan);
    }
}

static void ask_unforced(void) {
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Basic")->force = false;
    give_key(7);
}

static void a_repeated_item_that_made_nothing_shows_what_stood_in_its_way(void **state) {
    (void)state;
    struct subscription *future =
        facts_subscription(&facts, OTHER_ID, "Pro", "2026-12-01T00:00:00Z", NULL);
    ask_unforced();
    facts_expect_ok(&facts);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &future->id));
    assert_true(uuid_is_nil(&facts.replay.made_id));
    ask_unforced();
    expect_repeat();
    assert_true(uuid_equal(&facts.op.out.subscription.id, &future->id));
    assert_false(facts.op.out.subscription.created);
    facts.account.subscriptions = subscription; /* the present one is left */
    ask_unforced();
    expect_repeat();
    assert_true(uuid_equal(&facts.op.out.subscription.id, &subscription->id));
    facts_now(&facts, "2027-01-01T00:00:00.000001Z"); /* it overlapped when it was asked */
    ask_unforced();
    expect_repeat();
    assert_true(uuid_equal(&facts.op.out.subscription.id, &subscription->id));
}

static void a_repeated_quota_shows_the_quota_as_it_is_now(void **state) {
    (void)state;
    expect_first(OP_QUOTA_SET);
    struct uuid made = facts.op.out.quantity.row.id;
    struct replay first = facts.replay;
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "9");
    facts_expect_ok(&facts);
    facts.replay = first;
    repeat(OP_QUOTA_SET);
    assert_true(uuid_equal(&facts.op.out.quantity.row.id, &made));
    expect_amount(facts.op.out.quantity.row.value, "9");
    assert_true(uuid_equal(&facts.op.out.quantity.subscription_id, &subscription->id));
}

static void a_repeated_quota_of_a_user_shows_the_subscription(void **state) {
    (void)state;
    expect_first(OP_QUOTA_SET_USER);
    assert_true(uuid_is_nil(&facts.op.made_id)); /* the present one served */
    repeat(OP_QUOTA_SET_USER);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &subscription->id));
    assert_false(facts.op.out.subscription.created);

    start_afresh();
    facts.account.subscriptions = NULL;
    expect_first(OP_QUOTA_SET_USER);
    struct uuid made = facts.op.out.subscription.id;
    repeat(OP_QUOTA_SET_USER);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &made));
    assert_true(facts.op.out.subscription.created);
    expect_amount(facts.op.out.subscription.quotas[0].row.value, "7");
}

static void ask_update(const char *unit, const char *id) {
    struct change_input *input = facts_update(&facts, "quota", "SET", "cpu.hours", "7");
    input->resource_unit = text_of(unit);
    input->resource_id = text_of(id);
    give_key(7);
}

/* By an id that was given; else all that is known is the name that was. */
static void a_repeated_update_shows_a_renamed_type_by_its_id_or_as_it_was_named(void **state) {
    (void)state;
    static const struct {
        const char *id, *name, *unit;
    } cases[] = {{CPU_ID, "core.hours", "cpu hours"}, {"", "cpu.hours", "cpu hours"}};
    for (size_t i = 0; i < 2; i++) {
        start_afresh();
        facts.replay = (struct replay){.key = TEXT("k-1"), .operation = OP_UPDATE_ADD};
        ask_update("cpu hours", cases[i].id);
        facts_expect_ok(&facts);
        struct update_view first = facts.op.out.update;
        facts_rename(&facts, "cpu.hours", "core.hours");
        ask_update("cpu hours", cases[i].id);
        expect_repeat();
        const struct update_view *again = &facts.op.out.update;
        assert_true(uuid_equal(&again->row.id, &first.row.id));
        assert_int_equal(again->row.operation, UPDATE_SET);
        assert_int_equal(again->row.value_type, VALUE_QUOTAS);
        expect_amount(again->row.value, "7");
        expect_text(again->resource_type->name, cases[i].name);
        expect_text(again->resource_type->unit, cases[i].unit);
        assert_int_equal(uuid_is_nil(&again->resource_type->id), i == 1);
    }
}

/* The row that was changed knows its type; once that has ended, only the name that was given. */
static void a_repeated_usage_shows_a_renamed_type_by_the_row_it_changed(void **state) {
    (void)state;
    expect_first(OP_USAGE_ADD);
    facts_rename(&facts, "cpu.hours", "core.hours");
    facts_resource_type(&facts, "cpu.hours", "cpu hours", true); /* another one */
    repeat(OP_USAGE_ADD);
    struct uuid cpu = facts_id(CPU_ID);
    assert_true(uuid_equal(&facts.op.out.quantity.resource_type->id, &cpu));
    expect_text(facts.op.out.quantity.resource_type->name, "core.hours");
    expect_amount(facts.op.out.quantity.row.value, "91");

    start_afresh();
    expect_first(OP_USAGE_ADD);
    facts_rename(&facts, "cpu.hours", "core.hours");
    facts.account.subscriptions = NULL;
    repeat(OP_USAGE_ADD);
    expect_text(facts.op.out.quantity.resource_type->name, "cpu.hours");
    assert_true(uuid_is_nil(&facts.op.out.quantity.resource_type->id));
    expect_amount(facts.op.out.quantity.row.value, "0");
}

static void a_repeated_catalogue_write_shows_what_the_catalogue_has_now(void **state) {
    (void)state;
    expect_first(OP_PLAN_RATES_ADD);
    facts_rate(&facts, "Basic", "5", "1970-01-01T00:00:00Z");
    repeat(OP_PLAN_RATES_ADD);
    expect_text(facts.op.out.plan->name, "Basic");
    assert_int_equal(facts.op.out.plan->rate_count, 2);
    assert_ptr_equal(facts.op.catalogue, facts.decision.catalogue);

    expect_first(OP_RESOURCE_UPDATE);
    repeat(OP_RESOURCE_UPDATE);
    struct uuid cpu = facts_id(CPU_ID);
    assert_true(uuid_equal(&facts.op.out.resource_type->id, &cpu));

    expect_first(OP_ADDON_UPDATE);
    repeat(OP_ADDON_UPDATE);
    struct uuid hours = facts_id(HOURS_ID);
    assert_true(uuid_equal(&facts.op.out.addon->id, &hours));

    expect_first(OP_ADDON_DELETE);
    facts_forget_addons(&facts);
    repeat(OP_ADDON_DELETE);
    assert_null(facts.op.out.addon);
    assert_true(uuid_equal(&facts.op.made_id, &hours));
}

static void a_repeated_application_shows_the_row_or_its_id_when_it_is_gone(void **state) {
    (void)state;
    expect_first(OP_ADDON_APPLY);
    struct uuid made = facts.op.out.applied.row.id;
    repeat(OP_ADDON_APPLY);
    assert_true(uuid_equal(&facts.op.out.applied.row.id, &made));
    expect_text(facts.op.out.applied.addon->name, "5000 CPU Hours");
    expect_amount(facts.op.out.applied.row.amount, "5000");

    expect_first(OP_APPLIED_UPDATE);
    struct replay update = facts.replay;
    repeat(OP_APPLIED_UPDATE);
    expect_amount(facts.op.out.applied.row.amount, "2");
    expect_first(OP_APPLIED_DELETE);
    repeat(OP_APPLIED_DELETE);
    struct uuid gone = facts_id(APPLIED_ID);
    assert_true(uuid_equal(&facts.op.out.applied.row.id, &gone));
    assert_null(facts.op.out.applied.addon);
    assert_null(facts.op.out.applied.rate);
    facts.replay = update;
    repeat(OP_APPLIED_UPDATE);
    assert_true(uuid_equal(&facts.op.out.applied.row.id, &gone));
    assert_null(facts.op.out.applied.addon);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(every_write_is_remembered_and_repeated_without_a_change),
        SENTENCE(every_write_with_the_key_of_another_content_is_a_conflict),
        SENTENCE(every_repeat_succeeds_when_nothing_is_left_of_what_was_made),
        SENTENCE(every_repeat_succeeds_when_resource_types_have_other_names),
        SENTENCE(a_write_without_a_key_is_not_remembered),
        SENTENCE(a_repeated_user_is_the_user_and_the_plan_asked_for),
        SENTENCE(a_repeated_purchase_shows_the_subscription_it_made),
        SENTENCE(a_repeated_item_that_made_nothing_shows_what_stood_in_its_way),
        SENTENCE(a_repeated_quota_shows_the_quota_as_it_is_now),
        SENTENCE(a_repeated_quota_of_a_user_shows_the_subscription),
        SENTENCE(a_repeated_update_shows_a_renamed_type_by_its_id_or_as_it_was_named),
        SENTENCE(a_repeated_usage_shows_a_renamed_type_by_the_row_it_changed),
        SENTENCE(a_repeated_catalogue_write_shows_what_the_catalogue_has_now),
        SENTENCE(a_repeated_application_shows_the_row_or_its_id_when_it_is_gone),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
