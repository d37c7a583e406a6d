/* What a new subscription leaves of those it replaces, where the settings say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define OLD_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f"
#define RATE_ID "672e49af-b7b7-4a0e-a929-00f4a1c5e7f2"
#define APPLIED_ID "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c11"
#define NOW "2026-08-12T10:00:00Z"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct facts facts;
static struct subscription *old;

/* A subscription with 90 of 5200 hours used, 5000 of them bought as an add-on, and 700 bytes
 * occupied. */
static struct subscription *given(const char *id, const char *start, const char *end) {
    struct subscription *subscription = facts_subscription(&facts, id, "Basic", start, end);
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "5200");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "data.size", "1000");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "90");
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "700");
    facts_subscription_addon(&facts, subscription, APPLIED_ID, HOURS_ID)->amount =
        amount_of(5000);
    return subscription;
}

static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_addon(&facts, HOURS_ID, "5000 CPU Hours", "cpu.hours");
    facts_addon_defaults(&facts, "5000 CPU Hours", "5000", true);
    facts_addon_rate(&facts, "5000 CPU Hours", RATE_ID, "100", "2025-01-01T00:00:00Z");
    old = given(OLD_ID, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    facts.decision.carries_over = true;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static void start_afresh(const char *start, const char *end) {
    facts.account.subscriptions = NULL;
    old = given(OLD_ID, start, end);
}

static struct subscription *newest(void) {
    assert_non_null(facts.account.subscriptions);
    return facts.account.subscriptions;
}

/* start, end NULL: absent. */
static struct subscription *buy(enum operation operation, const char *plan, const char *start,
                                const char *end) {
    struct subscription_input *input = facts_subscribe(&facts, operation, plan);
    input->has_start = start != NULL;
    if (start != NULL) input->start_us = facts_time(start);
    input->has_end = end != NULL;
    if (end != NULL) input->end_us = facts_time(end);
    facts_expect_ok(&facts);
    return newest();
}

static size_t count_addons(const struct subscription *subscription) {
    size_t count = 0;
    for (const struct subscription_addon *each = subscription->addons; each != NULL;
         each = each->next)
        count++;
    return count;
}

static bool has(const struct subscription *subscription, enum value_type type,
                const char *resource_name) {
    struct uuid id = facts_resource_id(&facts, resource_name);
    return quantity_find(type == VALUE_QUOTAS ? subscription->quotas : subscription->usages,
                         &id) != NULL;
}

static void expect_amount_of(const struct subscription *subscription, enum value_type type,
                         const char *resource_name, const char *value) {
    expect_amount(facts_value(&facts, subscription, type, resource_name), value);
}

/* As given(); what is replaced stays as it was, as history. */
static void expect_as_given(const struct subscription *subscription) {
    expect_amount_of(subscription, VALUE_QUOTAS, "cpu.hours", "5200");
    expect_amount_of(subscription, VALUE_QUOTAS, "data.size", "1000");
    expect_amount_of(subscription, VALUE_USAGES, "cpu.hours", "90");
    expect_amount_of(subscription, VALUE_USAGES, "data.size", "700");
    assert_int_equal(count_addons(subscription), 1);
    expect_amount(subscription->addons->amount, "5000");
}

/* The one audit row of the batch with these three, about the subscription. */
static const struct update *audit_of(const struct subscription *subscription,
                                     enum value_type type, const char *resource_name) {
    struct uuid resource = facts_resource_id(&facts, resource_name), to;
    const struct update *found = NULL;
    for (size_t i = 0; i < facts.changes.updates.count; i++) {
        const struct update *each = facts.changes.updates.rows[i];
        if (!carry_metadata_parse(each->metadata, &to) || !uuid_equal(&to, &subscription->id) ||
            each->value_type != type || !uuid_equal(&each->resource_type_id, &resource))
            continue;
        assert_null(found);
        found = each;
    }
    assert_non_null(found);
    return found;
}

/* ---- carried over ---- */

static const enum operation purchases[] = {OP_USER_ADD, OP_SUBSCRIPTION_CHANGE,
                                           OP_SUBSCRIPTION_CREATE};

static void what_is_occupied_and_the_addons_go_over_to_the_new_plan(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(purchases); i++) {
        start_afresh("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        const struct subscription *made = buy(purchases[i], "Pro", NULL, NULL);
        assert_ptr_not_equal(made, old);
        expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "25000");
        expect_amount_of(made, VALUE_QUOTAS, "data.size", "3298534883328");
        expect_amount_of(made, VALUE_USAGES, "data.size", "700");
        assert_false(has(made, VALUE_USAGES, "cpu.hours")); /* consumed: it begins anew */

        const struct subscription_addon *addon = made->addons;
        struct uuid hours = facts_id(HOURS_ID), rate = facts_id(RATE_ID);
        assert_int_equal(count_addons(made), 1);
        expect_made(&addon->id);
        assert_ptr_equal(addon->subscription, made);
        assert_true(uuid_equal(&addon->addon_id, &hours));
        assert_true(uuid_equal(&addon->addon_rate_id, &rate));
        expect_amount(addon->amount, "5000");
        assert_true(addon->paid);
        expect_as_given(old);
        expect_time(old->end_us, NOW);
    }
}

static void each_value_that_goes_over_has_its_audit_row(void **state) {
    (void)state;
    facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Pro");
    facts.op.principal = TEXT("key terrain");
    facts_expect_ok(&facts);
    const struct subscription *made = newest();
    assert_int_equal(facts.changes.updates.count, 2);
    const struct update *occupied = audit_of(made, VALUE_USAGES, "data.size");
    assert_int_equal(occupied->operation, UPDATE_SET);
    expect_amount(occupied->value, "700");
    assert_int_equal(occupied->effective_us, facts.decision.decided_us);
    const struct update *raised = audit_of(made, VALUE_QUOTAS, "cpu.hours");
    assert_int_equal(raised->operation, UPDATE_ADD);
    expect_amount(raised->value, "5000");
    struct text said = raised->metadata;
    const struct text path = TEXT(": subscriptions.change by key terrain");
    assert_true(said.length > path.length);
    assert_memory_equal(said.data + said.length - path.length, path.data, path.length);
}

static void nothing_goes_over_unless_it_is_set_so(void **state) {
    (void)state;
    facts.decision.carries_over = false;
    for (size_t i = 0; i < COUNT(purchases); i++) {
        start_afresh("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        const struct subscription *made = buy(purchases[i], "Pro", NULL, NULL);
        assert_int_equal(facts.changes.updates.count, 0);
        assert_null(made->usages);
        assert_null(made->addons);
        expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "20000");
    }
}

/* What there was, what is bought on 2026-08-12, and what goes over. */
static void what_goes_over_is_of_the_subscription_that_is_replaced(void **state) {
    (void)state;
    static const struct {
        const char *start, *end;               /* of what there was */
        const char *bought_start, *bought_end;
        bool occupied, addons;
        const char *effective;
    } cases[] = {
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL, NULL, true, true, NOW},
        {"2026-01-01T00:00:00Z", NULL, NULL, NULL, true, true, NOW},
        {"2026-01-01T00:00:00Z", NULL, NULL, "2026-09-01T00:00:00Z", true, true, NOW},
        /* it has expired: nobody was subscribed */
        {"2025-01-01T00:00:00Z", "2026-08-12T09:59:59Z", NULL, NULL, false, false, NULL},
        {"2025-01-01T00:00:00Z", "2026-08-12T09:59:59Z", "2026-08-01T00:00:00Z", NULL, false,
         false, NULL},
        /* it expires this moment, and with it its add-ons */
        {"2025-01-01T00:00:00Z", NOW, NULL, NULL, true, false, NOW},
        /* a start in the past: what counts is what is in force now */
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-06-01T00:00:00Z", NULL, true, true,
         NOW},
        {"2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-06-01T00:00:00Z", NULL, true, true,
         NOW},
        /* a start in the future: what will be in force then, as it is now */
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12-01T00:00:00Z", NULL, true, true,
         "2026-12-01T00:00:00Z"},
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL, true,
         false, "2027-01-01T00:00:00Z"},
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z", NULL, false,
         false, NULL},
        {"2026-12-01T00:00:00Z", "2028-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL, true, true,
         "2027-01-01T00:00:00Z"},
        /* one that has not begun is shifted, or swallowed, and replaced by nobody */
        {"2026-12-01T00:00:00Z", NULL, NULL, NULL, false, false, NULL},
        {"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL, NULL, false, false, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start_afresh(cases[i].start, cases[i].end);
        const struct subscription *made =
            buy(OP_SUBSCRIPTION_CREATE, "Pro", cases[i].bought_start, cases[i].bought_end);
        assert_int_equal(has(made, VALUE_USAGES, "data.size"), cases[i].occupied);
        assert_int_equal(count_addons(made), cases[i].addons);
        expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", cases[i].addons ? "25000" : "20000");
        assert_int_equal(facts.changes.updates.count, cases[i].occupied + cases[i].addons);
        expect_as_given(old);
        if (cases[i].occupied)
            expect_time(audit_of(made, VALUE_USAGES, "data.size")->effective_us,
                        cases[i].effective);
    }
}

static void a_leftover_of_no_length_is_replaced_by_nobody(void **state) {
    (void)state;
    start_afresh(NOW, NOW);
    const struct subscription *made = buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, NULL);
    assert_null(made->usages);
    assert_null(made->addons);
}

static void a_user_who_stays_on_the_plan_gets_nothing_twice(void **state) {
    (void)state;
    facts_subscribe(&facts, OP_USER_ADD, "Basic")->force = false;
    facts_expect_ok(&facts);
    assert_true(changes_empty(&facts.changes));
    expect_as_given(old);
}

/* Again and again, also in one instant: the add-on is there once, and counted once. */
static void a_renewal_of_the_same_plan_carries_over_too(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (i == 2) facts_now(&facts, "2026-09-01T00:00:00Z");
        const struct subscription *made = buy(OP_SUBSCRIPTION_CREATE, "Basic", NULL, NULL);
        expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "5200");
        expect_amount_of(made, VALUE_USAGES, "data.size", "700");
        assert_false(has(made, VALUE_USAGES, "cpu.hours"));
        assert_int_equal(count_addons(made), 1);
    }
}

static void a_repeat_of_a_purchase_carries_nothing_over_again(void **state) {
    (void)state;
    facts.replay = (struct replay){.key = TEXT("k"), .operation = OP_SUBSCRIPTION_CHANGE};
    for (int i = 0; i < 2; i++) {
        facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Pro");
        facts.op.replay = &facts.replay;
        facts_expect_ok(&facts);
        assert_int_equal(facts.op.duplicate, i == 1);
        assert_int_equal(facts.changes.updates.count, i == 1 ? 0 : 2);
        assert_int_equal(facts.op.out.subscription.addon_count, 1);
    }
    assert_int_equal(facts_subscription_count(&facts), 2);
}

static void an_addon_raises_a_quota_that_the_plan_has_not(void **state) {
    (void)state;
    facts_resource_type(&facts, "gpu.hours", "gpu hours", true);
    facts_addon(&facts, OTHER_ID, "GPU", "gpu.hours");
    facts_subscription_addon(&facts, old, "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c12", OTHER_ID)
        ->amount = amount_of(8);
    const struct subscription *made = buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, NULL);
    expect_amount_of(made, VALUE_QUOTAS, "gpu.hours", "8");
    expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "25000");
    assert_int_equal(count_addons(made), 2);
    assert_int_equal(facts.changes.updates.count, 3);
}

static void a_sum_that_cannot_be_exact_is_refused_and_leaves_everything_as_it_was(void **state) {
    (void)state;
    old->addons->amount = facts_amount("0.000000000000000000000000000000000001");
    for (size_t i = 0; i < COUNT(purchases); i++) {
        facts_subscribe(&facts, purchases[i], "Pro");
        facts_expect_refused(&facts, QMS_BAD_REQUEST,
                             "the cpu.hours quota with its add-ons needs too many digits");
    }
}

/* ---- the tail ---- */

/* What there was, what is bought on 2026-08-12, and what comes after that. */
static void a_longer_subscription_goes_on_behind_a_new_one(void **state) {
    (void)state;
    static const struct {
        const char *start, *end, *bought_start, *bought_end;
        const char *head_end;
        bool restored;
        const char *tail_end;
    } cases[] = {
        {"2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", NULL, NULL, NOW, true,
         "2030-01-01T00:00:00Z"},
        {"2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", NULL, "2026-09-01T00:00:00Z", NOW, true,
         "2030-01-01T00:00:00Z"},
        {"2026-01-01T00:00:00Z", NULL, NULL, NULL, NOW, true, NULL},
        {"2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL,
         "2027-01-01T00:00:00Z", true, "2030-01-01T00:00:00Z"},
        {"2026-12-01T00:00:00Z", "2030-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL,
         "2027-01-01T00:00:00Z", true, "2030-01-01T00:00:00Z"},
        {NOW, "2030-01-01T00:00:00Z", NULL, NULL, NOW, true, "2030-01-01T00:00:00Z"},
        /* nothing is cut off behind the new one */
        {"2026-01-01T00:00:00Z", "2027-08-12T10:00:00Z", NULL, NULL, NOW, false, NULL},
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", NULL, NULL, NOW, false, NULL},
        {"2025-01-01T00:00:00Z", "2026-08-12T09:59:59Z", NULL, NULL, "2026-08-12T09:59:59Z",
         false, NULL},
        /* it begins later: all of it is shifted */
        {"2026-12-01T00:00:00Z", "2030-01-01T00:00:00Z", NULL, NULL, "2030-01-01T00:00:00Z",
         false, NULL},
    };
    facts.decision.carries_over = false;
    facts.decision.restores_tails = true;
    for (size_t i = 0; i < COUNT(purchases) * COUNT(cases); i++) {
        enum operation operation = purchases[i % COUNT(purchases)];
        size_t n = i / COUNT(purchases);
        if (operation == OP_USER_ADD && cases[n].bought_start != NULL) continue;
        start_afresh(cases[n].start, cases[n].end);
        const struct subscription *made =
            buy(operation, "Regular", cases[n].bought_start, cases[n].bought_end);
        assert_int_equal(facts_subscription_count(&facts), cases[n].restored ? 3 : 2);
        expect_time(old->end_us, cases[n].head_end);
        expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "1000");
        assert_null(made->usages);
        if (!cases[n].restored) continue;
        const struct subscription *tail = made->next;
        assert_ptr_equal(tail->next, old);
        assert_int_equal(tail->start_us, made->end_us);
        if (cases[n].tail_end == NULL) assert_true(tail->end_us == TIME_NEVER);
        else expect_time(tail->end_us, cases[n].tail_end);
    }
}

static void the_tail_is_what_was_cut_off_in_everything_but_time(void **state) {
    (void)state;
    facts.decision.carries_over = false;
    facts.decision.restores_tails = true;
    for (int paid = 0; paid < 2; paid++) {
        start_afresh("2026-01-01T00:00:00Z", NULL);
        old->paid = paid;
        const struct subscription *made = buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, NULL);
        const struct subscription *tail = made->next;
        expect_made(&tail->id);
        assert_true(uuid_equal(&tail->plan_id, &old->plan_id));
        assert_true(uuid_equal(&tail->plan_rate_id, &old->plan_rate_id));
        assert_int_equal(tail->paid, paid);
        expect_as_given(tail);
        expect_as_given(old);
        assert_false(uuid_equal(&tail->addons->id, &old->addons->id));
        assert_false(uuid_equal(&tail->quotas->id, &old->quotas->id));

        assert_int_equal(facts.changes.updates.count, 4);
        for (int type = VALUE_QUOTAS; type <= VALUE_USAGES; type++) {
            const struct update *audit = audit_of(tail, (enum value_type)type, "cpu.hours");
            assert_int_equal(audit->operation, UPDATE_SET);
            expect_amount(audit->value, type == VALUE_QUOTAS ? "5200" : "90");
            assert_int_equal(audit->effective_us, tail->start_us);
            audit_of(tail, (enum value_type)type, "data.size");
        }
    }
}

static void a_tail_counts_from_the_end_of_the_new_one(void **state) {
    (void)state;
    facts.decision.restores_tails = true;
    start_afresh("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    const struct subscription *made =
        buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, "2026-09-01T00:00:00Z");
    const struct subscription *tail = made->next;
    /* with both settings, each has the add-on and what is occupied */
    expect_amount_of(made, VALUE_QUOTAS, "cpu.hours", "25000");
    expect_amount_of(made, VALUE_USAGES, "data.size", "700");
    expect_as_given(tail);
    assert_int_equal(facts.changes.updates.count, 6);
    assert_ptr_equal(subscription_active(&facts.account, facts_time("2026-08-31T23:59:59Z")),
                     made);
    assert_ptr_equal(subscription_active(&facts.account, facts_time("2026-09-01T00:00:01Z")),
                     tail);
}

/* Foreign rows may overlap: what would have been in force behind the new one is. */
static void of_overlapping_ones_that_in_force_goes_on(void **state) {
    (void)state;
    facts.decision.restores_tails = true;
    start_afresh("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    struct subscription *later = given(OTHER_ID, "2026-02-01T00:00:00Z", "2029-01-01T00:00:00Z");
    const struct subscription *made = buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, NULL);
    assert_int_equal(facts_subscription_count(&facts), 4);
    expect_time(made->next->end_us, "2029-01-01T00:00:00Z");
    assert_ptr_equal(made->next->next, later);
}

static int64_t random_days(uint64_t *state, int days) {
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (int64_t)(*state >> 33) % days * INT64_C(86400000000);
}

static bool overlap(const struct subscription *left, const struct subscription *right) {
    return left->start_us < left->end_us && right->start_us < right->end_us &&
           left->start_us < right->end_us && right->start_us < left->end_us;
}

static void whatever_is_bought_no_two_overlap_and_no_addon_multiplies(void **state) {
    (void)state;
    uint64_t random = 22;
    facts.decision.restores_tails = true;
    for (int i = 0; i < 400; i++) {
        if (i % 20 == 0) start_afresh("2026-01-01T00:00:00Z", i % 40 == 0 ? NULL : NOW);
        struct subscription_input *input =
            facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, i % 3 == 0 ? "Basic" : "Pro");
        input->has_start = input->has_end = true;
        input->start_us = facts.decision.decided_us + random_days(&random, 400) -
                          200 * INT64_C(86400000000);
        input->end_us = facts.decision.decided_us + 1 + random_days(&random, 600);
        if (input->start_us >= input->end_us) continue;
        facts_expect_ok(&facts);
        for (const struct subscription *left = newest(); left != NULL; left = left->next) {
            assert_true(count_addons(left) <= 1);
            for (const struct subscription *right = left->next; right != NULL;
                 right = right->next)
                assert_false(overlap(left, right));
        }
    }
}

static void nothing_goes_on_unless_it_is_set_so(void **state) {
    (void)state;
    start_afresh("2026-01-01T00:00:00Z", NULL);
    buy(OP_SUBSCRIPTION_CHANGE, "Pro", NULL, NULL);
    assert_int_equal(facts_subscription_count(&facts), 2);
}

/* ---- what the audit rows say ---- */

static void the_metadata_names_the_subscription(void **state) {
    (void)state;
    static const struct {
        const char *metadata;
        bool parsed;
    } cases[] = {
        {"carried over to subscription " OLD_ID ": users.add", true},
        {"carried over to subscription " OLD_ID ": ", true},
        {"carried over to subscription " OLD_ID, false},
        {"carried over to subscription " OLD_ID " users.add", false},
        {"carried over to subscription 0a6f0d8e-5d2b-11ee-8c99-0242ac12000g: users.add", false},
        {"carried over to subscription ", false},
        {"Carried over to subscription " OLD_ID ": users.add", false},
        {"users.add", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uuid to, expected = facts_id(OLD_ID);
        assert_int_equal(carry_metadata_parse(text_of(cases[i].metadata), &to), cases[i].parsed);
        if (cases[i].parsed) assert_true(uuid_equal(&to, &expected));
    }
    struct uuid id = facts_id(OLD_ID);
    expect_text(carry_metadata(&facts.batch_arena, &id, TEXT("users.add")), cases[0].metadata);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(what_is_occupied_and_the_addons_go_over_to_the_new_plan),
        SENTENCE(each_value_that_goes_over_has_its_audit_row),
        SENTENCE(nothing_goes_over_unless_it_is_set_so),
        SENTENCE(what_goes_over_is_of_the_subscription_that_is_replaced),
        SENTENCE(a_leftover_of_no_length_is_replaced_by_nobody),
        SENTENCE(a_user_who_stays_on_the_plan_gets_nothing_twice),
        SENTENCE(a_renewal_of_the_same_plan_carries_over_too),
        SENTENCE(a_repeat_of_a_purchase_carries_nothing_over_again),
        SENTENCE(an_addon_raises_a_quota_that_the_plan_has_not),
        SENTENCE(a_sum_that_cannot_be_exact_is_refused_and_leaves_everything_as_it_was),
        SENTENCE(a_longer_subscription_goes_on_behind_a_new_one),
        SENTENCE(the_tail_is_what_was_cut_off_in_everything_but_time),
        SENTENCE(a_tail_counts_from_the_end_of_the_new_one),
        SENTENCE(of_overlapping_ones_that_in_force_goes_on),
        SENTENCE(whatever_is_bought_no_two_overlap_and_no_addon_multiplies),
        SENTENCE(nothing_goes_on_unless_it_is_set_so),
        SENTENCE(the_metadata_names_the_subscription),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
