#include "wire/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/wire_example.h"

static struct content_hasher *hasher;

static int open_hasher(void **state) {
    (void)state;
    hasher = content_hasher_open();
    return 0;
}

static int close_hasher(void **state) {
    (void)state;
    content_hasher_close(hasher);
    return 0;
}

static struct op usage(void) {
    return (struct op){
        .operation = OP_USAGE_RECORD,
        .username = TEXT("ada"),
        .key = TEXT("nasa:1"),
        .in.change = {.resource_name = TEXT("cpu.hours"),
                      .operation_name = TEXT("ADD"),
                      .value = wire_example_amount("1.1"),
                      .has_effective = true,
                      .effective_us = 749433600000000},
    };
}

static bool same(struct op left, struct op right) {
    content_hash(hasher, &left);
    content_hash(hasher, &right);
    return memcmp(left.content, right.content, sizeof left.content) == 0;
}

/* Records of past years must be understood for ever, so the encoding is fixed to the byte. The hash
 * was computed apart from the program, from the description in content.h. */
static void the_hash_of_an_operation_never_changes(void **state) {
    (void)state;
    struct op op = usage();
    char found[65];
    content_hash(hasher, &op);
    for (int i = 0; i < 32; i++) snprintf(found + 2 * i, 3, "%02x", op.content[i]);
    assert_string_equal(found, "36434eb6ec254595adb3717a371971bd26e082235514318022450ba4293afdb5");
}

static void amounts_count_by_value(void **state) {
    (void)state;
    static const char *const spellings[] = {"1.1", "1.10", "11e-1", "0.11e1", "1.1000000000000000"};
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct op other = usage();
        other.in.change.value = wire_example_amount(spellings[i]);
        assert_true(same(usage(), other));
    }
    struct op other = usage();
    other.in.change.value = wire_example_amount("1.1000000000000000000000001");
    assert_false(same(usage(), other));
}

static void key_and_user_are_the_scope_and_not_the_content(void **state) {
    (void)state;
    struct op other = usage();
    other.key = TEXT("nasa:2");
    other.username = TEXT("bob");
    assert_true(same(usage(), other));
}

static void any_other_member_makes_other_content(void **state) {
    (void)state;
    struct op others[12];
    for (size_t i = 0; i < 12; i++) others[i] = usage();
    others[0].operation = OP_USAGE_ADD;
    others[1].in.change.value_type = TEXT("usages");
    others[2].in.change.resource_name = TEXT("data.size");
    others[3].in.change.resource_unit = TEXT("bytes");
    others[4].in.change.resource_id = TEXT("x");
    others[5].in.change.operation_name = TEXT("SET");
    others[6].in.change.operation_id = TEXT("x");
    others[7].in.change.user_id = TEXT("x");
    others[8].in.change.has_effective = false;
    others[9].in.change.effective_us++;
    others[10].in.change.has_metadata = true;
    others[11].in.change.has_metadata = true;
    others[11].in.change.metadata = TEXT("m");
    for (size_t i = 0; i < 12; i++) {
        assert_false(same(usage(), others[i]));
        for (size_t j = 0; j < i; j++) assert_false(same(others[i], others[j]));
    }
}

static void where_a_member_ends_is_part_of_the_content(void **state) {
    (void)state;
    struct op left = usage(), right = usage();
    left.in.change.resource_name = TEXT("ab");
    left.in.change.resource_unit = TEXT("c");
    right.in.change.resource_name = TEXT("a");
    right.in.change.resource_unit = TEXT("bc");
    assert_false(same(left, right));
}

static void a_date_that_is_absent_has_no_value(void **state) {
    (void)state;
    struct op left = usage(), right = usage();
    left.in.change.has_effective = right.in.change.has_effective = false;
    left.in.change.effective_us = 1;
    assert_true(same(left, right));
}

static void long_metadata_counts_to_its_last_byte(void **state) {
    (void)state;
    static const size_t lengths[] = {700, 900, 1000, 1023, 1024, 1025, 5000, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *one = memory_take(lengths[i]), *other = memory_take(lengths[i]);
        memset(one, 'm', lengths[i]);
        memset(other, 'm', lengths[i]);
        struct op left = usage(), right = usage();
        left.in.change.metadata = (struct text){.data = one, .length = lengths[i]};
        right.in.change.metadata = (struct text){.data = other, .length = lengths[i]};
        assert_true(same(left, right));
        other[lengths[i] - 1] = 'n';
        assert_false(same(left, right));
        memory_give(one);
        memory_give(other);
    }
}

/* One change of one member each, of every kind of input. */
static void change(struct op *op, int member) {
    static struct rate_input rates[2];
    static struct quota_default_input defaults[1];
    const struct text x = TEXT("x");
    struct subscription_input *subscription = &op->in.subscription;
    struct addon_input *addon = &op->in.addon;
    struct applied_input *applied = &op->in.applied;
    struct plan_input *plan = &op->in.plan;
    switch (member) {
    case 0: subscription->plan_name = x; break;
    case 1: subscription->plan_id = x; break;
    case 2: subscription->has_paid = true; break;
    case 3: subscription->paid = true; break;
    case 4: subscription->periods = 1; break;
    case 5: subscription->has_start = true; break;
    case 6: subscription->has_end = true; break;
    case 7: subscription->has_start = true, subscription->start_us = 1; break;
    case 8: subscription->has_end = true, subscription->end_us = 1; break;
    case 9: subscription->force = true; break;
    case 10: op->in.quota.resource_name = x; break;
    case 11: op->in.quota.resource_id = x; break;
    case 12: op->in.quota.value = wire_example_amount("1"); break;
    case 13: plan->id.bytes[0] = 1; break;
    case 14: plan->name = x; break;
    case 15: plan->description = x; break;
    case 16: plan->defaults = defaults, plan->default_count = 1; break;
    case 17: plan->rates = rates, plan->rate_count = 1; break;
    case 18: plan->rates = rates, plan->rate_count = 2; break;
    case 19: plan->replace = true; break;
    case 20: op->in.resource.id.bytes[15] = 1; break;
    case 21: op->in.resource.name = x; break;
    case 22: op->in.resource.unit = x; break;
    case 23: op->in.resource.consumable = true; break;
    case 24: addon->id.bytes[0] = 1; break;
    case 25: addon->name = x; break;
    case 26: addon->description = x; break;
    case 27: addon->resource_name = x; break;
    case 28: addon->resource_id = x; break;
    case 29: addon->default_amount = wire_example_amount("1"); break;
    case 30: addon->default_paid = true; break;
    case 31: addon->update_name = true; break;
    case 32: addon->update_description = true; break;
    case 33: addon->update_resource_type = true; break;
    case 34: addon->update_default_amount = true; break;
    case 35: addon->update_default_paid = true; break;
    case 36: addon->update_rates = true; break;
    case 37: addon->toggle_paid = true; break;
    case 38: addon->rates = rates, addon->rate_count = 1; break;
    case 39: applied->addon_id.bytes[0] = 1; break;
    case 40: applied->update_amount = true; break;
    case 41: applied->update_paid = true; break;
    case 42: applied->amount = wire_example_amount("1"); break;
    case 43: applied->paid = true; break;
    default: fail();
    }
}

static void every_member_of_every_input_counts(void **state) {
    (void)state;
    static const struct {
        enum operation operation;
        int first, last;
    } inputs[] = {
        {OP_USER_ADD, 0, 9},         {OP_SUBSCRIPTION_CHANGE, 0, 9}, {OP_SUBSCRIPTION_CREATE, 0, 9},
        {OP_QUOTA_SET, 10, 12},      {OP_QUOTA_SET_USER, 10, 12},    {OP_PLAN_ADD, 13, 19},
        {OP_PLAN_RATES_ADD, 13, 19}, {OP_PLAN_DEFAULTS_ADD, 13, 19}, {OP_RESOURCE_ADD, 20, 23},
        {OP_RESOURCE_UPDATE, 20, 23}, {OP_ADDON_ADD, 24, 38},        {OP_ADDON_UPDATE, 24, 38},
        {OP_ADDON_DELETE, 24, 38},   {OP_ADDON_APPLY, 39, 43},       {OP_APPLIED_UPDATE, 39, 43},
        {OP_APPLIED_DELETE, 39, 43},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct op plain = {.operation = inputs[i].operation};
        for (int left = inputs[i].first; left <= inputs[i].last; left++) {
            struct op changed = plain;
            change(&changed, left);
            assert_false(same(plain, changed));
            for (int right = inputs[i].first; right < left; right++) {
                struct op other = plain;
                change(&other, right);
                assert_false(same(changed, other));
            }
        }
    }
}

static void members_of_listed_rates_and_defaults_count(void **state) {
    (void)state;
    struct rate_input rates[4];
    memset(rates, 0, sizeof rates);
    rates[1].id = TEXT("x");
    rates[2].rate = wire_example_amount("1");
    rates[3].has_effective = true;
    struct quota_default_input defaults[5];
    memset(defaults, 0, sizeof defaults);
    defaults[1].resource_name = TEXT("x");
    defaults[2].resource_id = TEXT("x");
    defaults[3].value = wire_example_amount("1");
    defaults[4].has_effective = true;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++) {
            struct op left = {.operation = OP_PLAN_ADD}, right = {.operation = OP_PLAN_ADD};
            left.in.plan.rate_count = right.in.plan.rate_count = 1;
            left.in.plan.rates = &rates[i];
            right.in.plan.rates = &rates[j];
            assert_false(same(left, right));
        }
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++) {
            struct op left = {.operation = OP_PLAN_ADD}, right = {.operation = OP_PLAN_ADD};
            left.in.plan.default_count = right.in.plan.default_count = 1;
            left.in.plan.defaults = &defaults[i];
            right.in.plan.defaults = &defaults[j];
            assert_false(same(left, right));
        }
}

static void the_target_is_part_of_the_content_where_it_is_not_the_user(void **state) {
    (void)state;
    for (enum operation operation = 0; operation < OP_COUNT; operation++) {
        if (operation_effect(operation) != EFFECT_WRITE) continue;
        struct op left = {.operation = operation}, right = {.operation = operation};
        right.target_id.bytes[0] = 1;
        enum target target = operation_target(operation);
        assert_int_equal(same(left, right),
                         target == TARGET_USER || target == TARGET_CATALOGUE);
    }
}

static void two_operations_never_have_equal_content(void **state) {
    (void)state;
    for (enum operation left = 0; left < OP_COUNT; left++)
        for (enum operation right = 0; right < left; right++)
            if (operation_effect(left) == EFFECT_WRITE && operation_effect(right) == EFFECT_WRITE)
                assert_false(same((struct op){.operation = left}, (struct op){.operation = right}));
}

static void a_thread_has_one_hasher(void **state) {
    (void)state;
    struct op left = usage(), right = usage();
    assert_ptr_equal(content_hasher_of_thread(), content_hasher_of_thread());
    content_hash(content_hasher_of_thread(), &left);
    content_hash(hasher, &right);
    assert_memory_equal(left.content, right.content, sizeof left.content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_of_an_operation_never_changes),
        cmocka_unit_test(amounts_count_by_value),
        cmocka_unit_test(key_and_user_are_the_scope_and_not_the_content),
        cmocka_unit_test(any_other_member_makes_other_content),
        cmocka_unit_test(where_a_member_ends_is_part_of_the_content),
        cmocka_unit_test(a_date_that_is_absent_has_no_value),
        cmocka_unit_test(long_metadata_counts_to_its_last_byte),
        cmocka_unit_test(every_member_of_every_input_counts),
        cmocka_unit_test(members_of_listed_rates_and_defaults_count),
        cmocka_unit_test(the_target_is_part_of_the_content_where_it_is_not_the_user),
        cmocka_unit_test(two_operations_never_have_equal_content),
        cmocka_unit_test(a_thread_has_one_hasher),
    };
    return cmocka_run_group_tests(tests, open_hasher, close_hasher);
}
