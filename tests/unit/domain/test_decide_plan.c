#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "support/facts_fixture.h"

#define BASIC_ID "99e47c22-950a-11ec-84a4-406c8f3e9cbb"
#define NO_ID "00000000-0000-0000-0000-000000000000"
#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define NOON "2026-01-15T12:00:00Z"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct facts facts;
static struct quota_default_input defaults[CATALOGUE_ROWS_MAX + 1];
static struct rate_input rates[CATALOGUE_ROWS_MAX + 1];

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

/* NULL: no effective date. */
static struct quota_default_input a_default(const char *resource, const char *value,
                                            const char *effective) {
    return (struct quota_default_input){
        .resource_name = text_of(resource),
        .value = facts_amount(value),
        .has_effective = effective != NULL,
        .effective_us = effective == NULL ? 0 : facts_time(effective),
    };
}

static struct rate_input a_rate(const char *rate, const char *effective) {
    return (struct rate_input){
        .rate = facts_amount(rate),
        .has_effective = effective != NULL,
        .effective_us = effective == NULL ? 0 : facts_time(effective),
    };
}

/* A plan "Team" with one default and one rate; the caller spoils it. */
static struct plan_input *ask(enum operation operation) {
    facts_catalogue(&facts, operation);
    defaults[0] = a_default("cpu.hours", "500", NOON);
    rates[0] = a_rate("50", NOON);
    facts.op.in.plan = (struct plan_input){
        .defaults = defaults, .default_count = 1, .rates = rates, .rate_count = 1};
    if (operation == OP_PLAN_ADD) {
        facts.op.in.plan.name = TEXT("Team");
        facts.op.in.plan.description = TEXT("Team plan");
    } else {
        facts.op.in.plan.id = facts_id(BASIC_ID);
    }
    return &facts.op.in.plan;
}

static void expect_refused(const char *text) {
    facts_expect_refused(&facts, QMS_BAD_REQUEST, text);
}

/* ---- plans.add (4.3, 4.4) ---- */

static void a_plan_is_added_with_its_defaults_and_rates(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_ADD);
    defaults[1] = a_default("", "0.5", "2027-01-01T00:00:00Z");
    defaults[1].resource_id = TEXT("99E3F91E-950A-11EC-84A4-406C8F3E9CBB");
    rates[1] = a_rate("0", "2027-01-01T00:00:00Z");
    input->default_count = input->rate_count = 2;
    facts_expect_ok(&facts);

    const struct changes *changes = &facts.changes;
    assert_int_equal(changes->plans.count, 1);
    assert_int_equal(changes->quota_defaults.count, 2);
    assert_int_equal(changes->plan_rates.count, 2);
    const struct plan_row *plan = changes->plans.rows[0];
    expect_text(plan->name, "Team");
    expect_text(plan->description, "Team plan");
    assert_true(uuid_equal(&plan->id, &facts.op.made_id));
    expect_made(&plan->id);
    static const char *const resources[] = {"cpu.hours", "data.size"}, *const values[] =
        {"500", "0.5"}, *const rate_values[] = {"50", "0"},
        *const dates[] = {NOON, "2027-01-01T00:00:00Z"};
    for (size_t i = 0; i < 2; i++) {
        const struct quota_default_row *row = changes->quota_defaults.rows[i];
        const struct rate_row *rate = changes->plan_rates.rows[i];
        struct uuid resource_id = facts_resource_id(&facts, resources[i]);
        assert_true(uuid_equal(&row->plan_id, &plan->id));
        assert_true(uuid_equal(&row->resource_type_id, &resource_id));
        expect_amount(row->value, values[i]);
        expect_time(row->effective_us, dates[i]);
        assert_int_equal(row->state, ROW_INSERTED);
        assert_true(uuid_equal(&rate->owner_id, &plan->id));
        expect_amount(rate->rate, rate_values[i]);
        expect_time(rate->effective_us, dates[i]);
        assert_int_equal(rate->state, ROW_INSERTED);
        assert_false(uuid_equal(&row->id, &rate->id));
        expect_made(&row->id);
        expect_made(&rate->id);
    }
    assert_null(facts.op.out.plan); /* the engine shows it once it is read */
}

static void a_plan_without_defaults_and_rates_is_accepted(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_ADD);
    input->default_count = input->rate_count = 0;
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.plans.count, 1);
    assert_int_equal(facts.changes.quota_defaults.count + facts.changes.plan_rates.count, 0);
}

static void defaults_of_messages_without_dates_apply_from_now_on(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_ADD);
    input->default_count = 1;
    defaults[0] = a_default("cpu.hours", "7", NULL);
    expect_refused("all plan quota defaults must have an effective date");
    input->undated = true;
    facts_expect_ok(&facts);
    const struct quota_default_row *row = facts.changes.quota_defaults.rows[0];
    assert_int_equal(row->effective_us, facts.decision.decided_us);
}

/* What can be wrong with a new plan, worst first. Step n repairs the first n of them; what is left
 * is wrong all the time. The trees name the faults in their own words. */
static void spoil_plan(struct plan_input *input, size_t repaired, bool v1) {
    defaults[0] = a_default("gpu", "500", NOON);
    defaults[1] = a_default("gpu", "0", NULL);
    defaults[1].resource_name = TEXT("");
    rates[0] = a_rate("50", NOON);
    rates[1] = a_rate("-0.01", NULL);
    *input = (struct plan_input){
        .defaults = defaults, .default_count = 2, .rates = rates, .rate_count = 2};
    if (repaired > 0) input->name = TEXT("Basic");
    if (repaired > 1) input->description = TEXT("x");
    if (repaired > 2) defaults[1].value = facts_amount("0.1");
    if (repaired > 3) defaults[1] = a_default("", "0.1", NOON);
    if (repaired > 4) defaults[1].resource_name = TEXT("gpu");
    size_t step = 5;
    if (v1 && repaired > step++) defaults[1].effective_us++;
    if (repaired > step++) rates[1].rate = amount_zero();
    if (repaired > step++) rates[1] = a_rate("0", NOON);
    if (v1 && repaired > step++) rates[1].effective_us++;
    if (repaired > step++) input->name = TEXT("Team");
    if (repaired > step++)
        defaults[0].resource_name = defaults[1].resource_name = TEXT("data.size");
    if (!v1 && repaired > step++) defaults[1].effective_us++;
    if (!v1 && repaired > step++) rates[1].effective_us++;
}

static const char *const plan_faults[2][11] = {
    {
        "a plan name is required",
        "a plan description is required",
        "plan quota default values must be specified and greater than zero",
        "all plan quota defaults must have an effective date",
        "either the resource type name or the resource type ID is required",
        "the plan rate must not be less than zero",
        "the effective date of the plan rate must be specified",
        "a plan named Basic already exists",
        "resource type not found: gpu",
        "there can only be one quota default for each resource type and effective date",
        "there can only be one plan rate for each effective date",
    },
    {
        "a plan name is required",
        "a plan description is required",
        "default quota values must be specified and greater than zero",
        "the effective date of the plan quota default must be specified",
        "the resource type name is required",
        "multiple plan quota defaults found with the same resource type and effective date",
        "the plan rate must not be less than zero",
        "the effective date of the plan rate must be specified",
        "multiple plan rates found with the same effective date",
        "a plan named `Basic` already exists",
        "resource type not found: gpu",
    },
};

static void a_new_plan_is_checked_in_the_order_and_words_of_its_tree(void **state) {
    (void)state;
    for (int v1 = 0; v1 < 2; v1++) {
        for (size_t i = 0; i < COUNT(plan_faults[0]); i++) {
            spoil_plan(ask(OP_PLAN_ADD), i, v1);
            facts.op.v1 = v1;
            expect_refused(plan_faults[v1][i]);
        }
        spoil_plan(ask(OP_PLAN_ADD), COUNT(plan_faults[0]), v1);
        facts.op.v1 = v1;
        facts_expect_ok(&facts);
    }
}

static void the_same_type_by_id_and_by_name_is_the_same(void **state) {
    (void)state;
    ask(OP_PLAN_ADD)->default_count = 2;
    defaults[1] = a_default("", "1", NOON);
    defaults[1].resource_id = TEXT(CPU_ID);
    expect_refused("there can only be one quota default for each resource type and effective date");
    defaults[1].resource_id = TEXT("cpu.hours");
    expect_refused("resource_type.uuid must be a UUID");
    defaults[1].resource_id = TEXT(NO_ID);
    expect_refused("resource type not found: " NO_ID);
}

/* A default that is wrong may stand anywhere, and two unknown types are not one type. */
static void every_default_and_rate_is_looked_at(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_ADD);
    input->default_count = input->rate_count = 2;
    facts.op.v1 = true;
    rates[1] = a_rate("1", "2026-02-01T00:00:00Z");
    defaults[1] = defaults[0];
    defaults[0] = a_default("gpu", "0", NOON);
    expect_refused("default quota values must be specified and greater than zero");
    defaults[0] = a_default("gpu", "1", NOON);
    defaults[1] = a_default("tpu", "1", NOON);
    expect_refused("resource type not found: gpu");
    defaults[0] = a_default("cpu.hours", "1", NOON);
    expect_refused("resource type not found: tpu");
    defaults[1] = a_default("data.size", "1", NOON);
    rates[0].rate = amount_of(-1);
    expect_refused("the plan rate must not be less than zero");
    rates[0].rate = amount_of(1);
    facts_expect_ok(&facts);
    input = ask(OP_PLAN_RATES_ADD);
    rates[0] = a_rate("1", "2022-01-01T00:00:00Z");
    rates[1] = a_rate("1", NOON);
    input->rate_count = 2;
    expect_refused("plan rate with effective date 2022-01-01 00:00:00 +0000 UTC already exists");
}

static void names_and_descriptions_are_bounded(void **state) {
    (void)state;
    static char bytes[DESCRIPTION_BYTES_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    static const struct {
        struct text name, description;
        const char *text; /* NULL: accepted */
    } cases[] = {
        {{bytes, NAME_BYTES_MAX}, {bytes, DESCRIPTION_BYTES_MAX}, NULL},
        {{bytes, NAME_BYTES_MAX + 1}, {"x", 1}, "the plan name is longer than 256 bytes"},
        {{"x", 1}, {bytes, DESCRIPTION_BYTES_MAX + 1},
         "the plan description is longer than 4096 bytes"},
        {{"a\nb", 3}, {"x", 1}, "the plan name holds control characters"},
        {{"\nab", 3}, {"x", 1}, "the plan name holds control characters"},
        {{"a\tb", 3}, {"x", 1}, "the plan name holds control characters"},
        {{"a\0b", 3}, {"x", 1}, "the plan name holds control characters"},
        {{"a\x7f", 2}, {"x", 1}, "the plan name holds control characters"},
        {{"a\xc2\x85\xc3\x85", 5}, {"x", 1}, "the plan name holds control characters"},
        {{"a\xc2\xa0\xc3\x85/@", 7}, {"one\r\n\ttwo", 9}, NULL},
        {{"x", 1}, {"a\0b", 3}, "the plan description holds control characters"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan_input *input = ask(OP_PLAN_ADD);
        input->name = cases[i].name;
        input->description = cases[i].description;
        if (cases[i].text == NULL) facts_expect_ok(&facts);
        else expect_refused(cases[i].text);
    }
}

static void lists_are_bounded(void **state) {
    (void)state;
    for (int i = 0; i <= CATALOGUE_ROWS_MAX; i++) {
        defaults[i] = a_default("cpu.hours", "500", NOON);
        defaults[i].effective_us += i;
        rates[i] = a_rate("50", NOON);
        rates[i].effective_us += i;
    }
    ask(OP_PLAN_ADD)->default_count = CATALOGUE_ROWS_MAX + 1;
    expect_refused("at most 1000 plan quota defaults are accepted at once");
    ask(OP_PLAN_ADD)->rate_count = CATALOGUE_ROWS_MAX + 1;
    expect_refused("at most 1000 plan rates are accepted at once");
    struct plan_input *input = ask(OP_PLAN_ADD);
    input->default_count = input->rate_count = CATALOGUE_ROWS_MAX;
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.plan_rates.count, CATALOGUE_ROWS_MAX);
}

/* ---- plans.defaults_add (4.5) ---- */

static void defaults_are_added_to_a_plan(void **state) {
    (void)state;
    ask(OP_PLAN_DEFAULTS_ADD);
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.quota_defaults.count, 1);
    const struct quota_default_row *row = facts.changes.quota_defaults.rows[0];
    struct uuid basic = facts_id(BASIC_ID);
    assert_true(uuid_equal(&row->plan_id, &basic));
    assert_int_equal(row->state, ROW_INSERTED);
    expect_amount(row->value, "500");
    assert_true(uuid_equal(&facts.op.made_id, &basic));
    expect_text(facts.op.out.plan->name, "Basic");
    assert_int_equal(facts.changes.plan_rates.count, 0); /* not asked for here */
}

static void added_defaults_are_checked_in_order(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_DEFAULTS_ADD);
    input->id = facts_id(NO_ID);
    input->default_count = 0;
    expect_refused("no plan quota defaults provided in request");
    input->default_count = 2;
    defaults[1] = a_default("", "0", NULL);
    expect_refused("default quota values must be specified and greater than zero");
    defaults[1].value = amount_of(1);
    expect_refused("the effective date of the plan quota default must be specified");
    defaults[1] = a_default("", "1", NOON);
    expect_refused("the resource type name is required");
    defaults[0] = defaults[1] = a_default("gpu", "1", NOON);
    expect_refused(
        "multiple plan quota defaults found with the same resource type and effective date");
    defaults[1] = a_default("cpu.hours", "1", "2022-01-01T00:00:00Z");
    facts_expect_refused(&facts, QMS_NOT_FOUND, "plan ID " NO_ID " not found");
    input->id = facts_id(BASIC_ID);
    expect_refused("resource type gpu not found");
    defaults[0] = a_default("data.size", "1", "2022-01-01T00:00:00.000001Z");
    expect_refused("plan quota default for resource type cpu.hours with effective date 2022-01-01 "
                   "00:00:00 +0000 UTC already exists");
    facts_default(&facts, "Basic", "data.size", "1", "2026-01-15T12:00:00.25Z");
    defaults[0] = a_default("data.size", "1", "2026-01-15T14:00:00.25+02:00");
    expect_refused("plan quota default for resource type data.size with effective date 2026-01-15 "
                   "12:00:00.25 +0000 UTC already exists");
}

/* The messages' upsert: plan by name, type by id or name, date now, the same one gets the value. */
static void a_replacing_default_changes_the_one_that_is_there(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_DEFAULTS_ADD);
    input->name = TEXT("Basic");
    input->id = facts_id(NO_ID);
    input->replace = true;
    input->default_count = 2;
    defaults[0] = a_default("cpu.hours", "7", "2022-01-01T00:00:00Z");
    defaults[1] = a_default("cpu.hours", "8", NULL);
    facts_expect_ok(&facts);
    const struct quota_default_row *changed = facts.changes.quota_defaults.rows[0];
    const struct quota_default_row *inserted = facts.changes.quota_defaults.rows[1];
    struct uuid present = facts_id("46febbba-9511-11ec-8844-406c8f3e9cbb");
    assert_true(uuid_equal(&changed->id, &present));
    assert_int_equal(changed->state, ROW_CHANGED);
    expect_amount(changed->value, "7");
    expect_time(changed->effective_us, "2022-01-01T00:00:00Z");
    assert_int_equal(inserted->state, ROW_INSERTED);
    assert_int_equal(inserted->effective_us, facts.decision.decided_us);
    assert_int_equal(defaults[1].effective_us, facts.decision.decided_us); /* for the answer */

    input->name = TEXT("Gold");
    expect_refused("subscription plan does not exist: Gold");
    input->name = TEXT("Basic");
    defaults[1] = a_default("", "8", NULL);
    expect_refused("either the resource type name or the resource type ID is required");
    defaults[1].resource_id = TEXT(NO_ID);
    expect_refused("resource type " NO_ID " not found");
}

/* ---- plans.rates_add (4.6) ---- */

static void rates_are_added_to_a_plan(void **state) {
    (void)state;
    ask(OP_PLAN_RATES_ADD);
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.plan_rates.count, 1);
    assert_int_equal(facts.changes.quota_defaults.count, 0);
    const struct rate_row *row = facts.changes.plan_rates.rows[0];
    assert_true(uuid_equal(&row->owner_id, &facts.op.made_id));
    expect_amount(row->rate, "50");
    expect_time(row->effective_us, NOON);
    expect_text(facts.op.out.plan->name, "Basic");
}

static void added_rates_are_checked_in_order(void **state) {
    (void)state;
    struct plan_input *input = ask(OP_PLAN_RATES_ADD);
    input->id = facts_id(NO_ID);
    input->rate_count = 0;
    expect_refused("no plan rates provided in request");
    input->rate_count = 2;
    rates[1] = a_rate("-0.000001", NULL);
    expect_refused("the plan rate must not be less than zero");
    rates[1] = a_rate("0", NULL);
    expect_refused("the effective date of the plan rate must be specified");
    rates[1] = a_rate("0", NOON);
    expect_refused("multiple plan rates found with the same effective date");
    rates[1] = a_rate("0", "2022-01-01T00:00:00Z");
    facts_expect_refused(&facts, QMS_NOT_FOUND, "plan ID " NO_ID " not found");
    input->id = facts_id(BASIC_ID);
    expect_refused("plan rate with effective date 2022-01-01 00:00:00 +0000 UTC already exists");
    rates[1].effective_us++;
    facts_expect_ok(&facts);
}

/* ---- reads ---- */

static void a_plan_is_found_by_its_id(void **state) {
    (void)state;
    ask(OP_PLAN_GET);
    facts_expect_ok(&facts);
    expect_text(facts.op.out.plan->name, "Basic");
    assert_ptr_equal(facts.op.catalogue, facts.decision.catalogue);
    static const enum operation reads[] = {OP_PLAN_GET, OP_PLAN_RATE_ACTIVE,
                                           OP_PLAN_DEFAULTS_ACTIVE};
    for (size_t i = 0; i < COUNT(reads); i++) {
        ask(reads[i])->id = facts_id(NO_ID);
        facts_expect_refused(&facts, QMS_NOT_FOUND, "plan ID " NO_ID " not found");
    }
}

static void the_active_rate_is_the_latest_that_has_begun(void **state) {
    (void)state;
    facts_rate(&facts, "Basic", "1", "2026-08-12T10:00:00Z");
    facts_rate(&facts, "Basic", "2", "2026-08-12T10:00:00.000001Z");
    ask(OP_PLAN_RATE_ACTIVE);
    facts_expect_ok(&facts);
    expect_amount(facts.op.out.rate->rate, "1");
    facts_now(&facts, "2021-01-01T00:00:00Z");
    facts_expect_refused(&facts, QMS_NOT_FOUND, "no active rate found for plan ID " BASIC_ID);
}

static void active_defaults_are_listed_by_the_id_of_their_type(void **state) {
    (void)state;
    facts_resource_type(&facts, "z", "things", false); /* made ids come after the seeded ones */
    facts_resource_type(&facts, "a", "things", false);
    facts_default(&facts, "Basic", "a", "1", "2026-01-01T00:00:00Z");
    facts_default(&facts, "Basic", "z", "2", "2026-01-01T00:00:00Z");
    facts_default(&facts, "Basic", "z", "3", "2026-08-12T10:00:00Z");
    facts_default(&facts, "Basic", "z", "4", "2026-08-12T10:00:00.000001Z");
    ask(OP_PLAN_DEFAULTS_ACTIVE);
    facts_expect_ok(&facts);
    static const char *const values[] = {"200", "5368709120", "3", "1"};
    assert_int_equal(facts.op.out.defaults.count, COUNT(values));
    for (size_t i = 0; i < COUNT(values); i++)
        expect_amount(facts.op.out.defaults.rows[i]->value, values[i]);
    facts_now(&facts, "2021-01-01T00:00:00Z");
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.defaults.count, 0);
}

static void what_is_listed_is_the_catalogue(void **state) {
    (void)state;
    static const enum operation lists[] = {OP_PLAN_LIST, OP_RESOURCE_LIST, OP_ADDON_LIST};
    for (size_t i = 0; i < COUNT(lists); i++) {
        facts_catalogue(&facts, lists[i]);
        facts_expect_ok(&facts);
        assert_ptr_equal(facts.op.catalogue, facts.decision.catalogue);
    }
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_plan_is_added_with_its_defaults_and_rates),
        SENTENCE(a_plan_without_defaults_and_rates_is_accepted),
        SENTENCE(defaults_of_messages_without_dates_apply_from_now_on),
        SENTENCE(a_new_plan_is_checked_in_the_order_and_words_of_its_tree),
        SENTENCE(the_same_type_by_id_and_by_name_is_the_same),
        SENTENCE(every_default_and_rate_is_looked_at),
        SENTENCE(names_and_descriptions_are_bounded),
        SENTENCE(lists_are_bounded),
        SENTENCE(defaults_are_added_to_a_plan),
        SENTENCE(added_defaults_are_checked_in_order),
        SENTENCE(a_replacing_default_changes_the_one_that_is_there),
        SENTENCE(rates_are_added_to_a_plan),
        SENTENCE(added_rates_are_checked_in_order),
        SENTENCE(a_plan_is_found_by_its_id),
        SENTENCE(the_active_rate_is_the_latest_that_has_begun),
        SENTENCE(active_defaults_are_listed_by_the_id_of_their_type),
        SENTENCE(what_is_listed_is_the_catalogue),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
