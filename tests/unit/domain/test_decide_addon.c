#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "support/facts_fixture.h"

#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f"
#define RATE_ID "672e49af-b7b7-4a0e-a929-00f4a1c5e7f2"
#define LATER_ID "672e49af-b7b7-4a0e-a929-00f4a1c5e7f3"
#define OTHER_ADDON_ID "c21dd61f-aa41-40ad-8005-859679ceed9c"
#define OTHER_RATE_ID "d612d958-82ad-11ef-b4b2-5a8d7f4f1112"
#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define DATA_ID "99e3f91e-950a-11ec-84a4-406c8f3e9cbb"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct facts facts;
static struct addon_use use;
static struct rate_input rates[CATALOGUE_ROWS_MAX + 1];

/* An add-on with two rates, and another one with its own. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_addon(&facts, HOURS_ID, "5000 CPU Hours", "cpu.hours");
    facts_addon_defaults(&facts, "5000 CPU Hours", "5000", true);
    facts_addon_rate(&facts, "5000 CPU Hours", RATE_ID, "100", "2025-01-01T00:00:00Z");
    facts_addon_rate(&facts, "5000 CPU Hours", LATER_ID, "120", "2026-01-01T00:00:00Z");
    facts_addon(&facts, OTHER_ADDON_ID, "1 TB", "data.size");
    facts_addon_rate(&facts, "1 TB", OTHER_RATE_ID, "125", "2022-01-01T00:00:00Z");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

/* Empty id: a new rate. NULL: no effective date. */
static struct rate_input a_rate(const char *id, const char *rate, const char *effective) {
    return (struct rate_input){
        .id = text_of(id),
        .rate = facts_amount(rate),
        .has_effective = effective != NULL,
        .effective_us = effective == NULL ? 0 : facts_time(effective),
    };
}

static struct addon_input *ask(enum operation operation) {
    facts_catalogue(&facts, operation);
    facts.op.in.addon = (struct addon_input){.id = facts_id(HOURS_ID), .rates = rates};
    use = (struct addon_use){.addon_id = facts.op.in.addon.id};
    facts.decision.addon_use = &use;
    return &facts.op.in.addon;
}

static struct addon_input *ask_add(void) {
    struct addon_input *input = ask(OP_ADDON_ADD);
    input->name = TEXT("Extra CPU");
    input->description = TEXT("an add-on");
    input->default_amount = facts_amount("100.5");
    input->resource_name = TEXT("cpu.hours");
    input->rate_count = 2;
    rates[0] = a_rate("", "5", "2026-01-15T12:00:00Z");
    rates[1] = a_rate("", "0", "2027-01-15T12:00:00Z");
    return input;
}

static struct addon_input *ask_rates(size_t count) {
    struct addon_input *input = ask(OP_ADDON_UPDATE);
    input->update_rates = true;
    input->rate_count = count;
    return input;
}

static const struct addon_row *only_row(void) {
    assert_int_equal(facts.changes.addons.count, 1);
    return facts.changes.addons.rows[0];
}

static const struct rate_row *nth_rate(size_t i) {
    assert_true(i < facts.changes.addon_rates.count);
    return facts.changes.addon_rates.rows[i];
}

static void expect_refused(const char *text) {
    facts_expect_refused(&facts, QMS_BAD_REQUEST, text);
}

/* ---- addons.add (11.1) ---- */

static void an_addon_is_added_with_its_rates(void **state) {
    (void)state;
    ask_add()->default_paid = true;
    facts_expect_ok(&facts);
    const struct addon_row *row = only_row();
    struct uuid cpu = facts_id(CPU_ID);
    expect_text(row->name, "Extra CPU");
    expect_text(row->description, "an add-on");
    expect_amount(row->default_amount, "100.5");
    assert_true(row->default_paid);
    assert_true(uuid_equal(&row->resource_type_id, &cpu));
    assert_int_equal(row->state, ROW_INSERTED);
    assert_true(uuid_equal(&row->id, &facts.op.made_id));
    expect_made(&row->id);
    assert_int_equal(facts.changes.addon_rates.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(uuid_equal(&nth_rate(i)->owner_id, &row->id));
        expect_made(&nth_rate(i)->id);
        assert_int_equal(nth_rate(i)->state, ROW_INSERTED);
        expect_amount(nth_rate(i)->rate, i == 0 ? "5" : "0");
        assert_int_equal(nth_rate(i)->effective_us, rates[i].effective_us);
    }
    assert_null(facts.op.out.addon); /* the engine shows it once it is read */
}

static void an_addon_may_have_the_name_of_another(void **state) {
    (void)state;
    ask_add()->name = TEXT("1 TB");
    facts_expect_ok(&facts);
}

/* What can be wrong with a new add-on, in the order in which it is told; step n repairs the first
 * n of them. */
static void a_new_addon_is_checked_in_order(void **state) {
    (void)state;
    static const char *const faults[] = {
        "name must be set",
        "description must be set",
        "default_amount must be greater than 0.0",
        "default_amount must be greater than 0.0",
        "either the resource type name or the resource type ID is required",
        "at least one add-on rate is required",
        "the add-on rate must not be less than zero",
        "the effective date of the add-on rate must be specified",
        "there can only be one add-on rate for each effective date",
        "resource type not found: gpu",
    };
    for (size_t repaired = 0; repaired <= COUNT(faults); repaired++) {
        struct addon_input *input = ask(OP_ADDON_ADD);
        rates[0] = a_rate("", "1", "2026-01-15T12:00:00Z");
        rates[1] = a_rate("", "-1", NULL);
        input->default_amount = facts_amount("-1");
        if (repaired > 0) input->name = TEXT("x");
        if (repaired > 1) input->description = TEXT("x");
        if (repaired > 2) input->default_amount = amount_zero();
        if (repaired > 3) input->default_amount = facts_amount("0.000001");
        if (repaired > 4) input->resource_name = TEXT("gpu");
        if (repaired > 5) input->rate_count = 2;
        if (repaired > 6) rates[1].rate = amount_zero();
        if (repaired > 7) rates[1] = a_rate("", "0", "2026-01-15T12:00:00Z");
        if (repaired > 8) rates[1].effective_us++;
        if (repaired > 9) input->resource_name = TEXT("cpu.hours");
        if (repaired == COUNT(faults)) facts_expect_ok(&facts);
        else expect_refused(faults[repaired]);
    }
}

static void names_descriptions_and_lists_are_bounded(void **state) {
    (void)state;
    static char bytes[DESCRIPTION_BYTES_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    ask_add()->name = (struct text){bytes, NAME_BYTES_MAX + 1};
    expect_refused("the add-on name is longer than 256 bytes");
    ask_add()->name = TEXT("a\x01");
    expect_refused("the add-on name holds control characters");
    ask_add()->description = (struct text){bytes, sizeof bytes};
    expect_refused("the add-on description is longer than 4096 bytes");
    ask_add()->rate_count = CATALOGUE_ROWS_MAX + 1;
    expect_refused("at most 1000 add-on rates are accepted at once");
}

/* ---- addons.update (11.3): the add-on's own row ---- */

static void only_what_is_flagged_changes(void **state) {
    (void)state;
    enum { FLAGS = 6 };
    for (int flag = 0; flag < FLAGS; flag++) {
        struct addon_input *input = ask(OP_ADDON_UPDATE);
        input->name = TEXT("new");
        input->description = TEXT("new");
        input->default_amount = facts_amount("7");
        input->default_paid = false;
        input->resource_id = TEXT(DATA_ID);
        bool *const flags[FLAGS] = {&input->update_name,           &input->update_description,
                                    &input->update_default_amount, &input->update_default_paid,
                                    &input->update_resource_type,  &input->toggle_paid};
        *flags[flag] = true;
        facts_expect_ok(&facts);
        const struct addon_row *row = only_row();
        struct uuid id = facts_id(HOURS_ID), type = facts_id(flag == 4 ? DATA_ID : CPU_ID);
        assert_true(uuid_equal(&row->id, &id));
        assert_true(uuid_equal(&facts.op.made_id, &id));
        assert_int_equal(row->state, ROW_CHANGED);
        expect_text(row->name, flag == 0 ? "new" : "5000 CPU Hours");
        expect_text(row->description, flag == 1 ? "new" : "an add-on");
        expect_amount(row->default_amount, flag == 2 ? "7" : "5000");
        assert_int_equal(row->default_paid, flag != 3 && flag != 5);
        assert_true(uuid_equal(&row->resource_type_id, &type));
        assert_int_equal(facts.changes.addon_rates.count, 0);
        expect_text(facts.op.out.addon->name, "5000 CPU Hours"); /* until the engine shows it */
    }
}

static void what_is_flagged_is_checked_as_when_it_was_added(void **state) {
    (void)state;
    struct addon_input *input = ask(OP_ADDON_UPDATE);
    input->update_name = true;
    expect_refused("name must be set");
    input = ask(OP_ADDON_UPDATE);
    input->update_description = true;
    expect_refused("description must be set");
    input = ask(OP_ADDON_UPDATE);
    input->update_default_amount = true;
    expect_refused("default_amount must be greater than 0.0");
    input = ask(OP_ADDON_UPDATE);
    input->update_resource_type = true;
    expect_refused("either the resource type name or the resource type ID is required");
    input->resource_name = TEXT("gpu");
    expect_refused("resource type not found: gpu");
}

static void an_update_without_flags_answers_the_addon_unchanged(void **state) {
    (void)state;
    ask(OP_ADDON_UPDATE)->rate_count = 1;
    facts_expect_ok(&facts);
    assert_true(changes_empty(&facts.changes));
    expect_text(facts.op.out.addon->name, "5000 CPU Hours");
}

static void an_unknown_addon_is_not_found_whatever_is_flagged(void **state) {
    (void)state;
    static const enum operation operations[] = {OP_ADDON_UPDATE, OP_ADDON_DELETE};
    for (size_t i = 0; i < COUNT(operations); i++) {
        for (int flags = 0; flags < 4; flags++) {
            struct addon_input *input = ask(operations[i]);
            input->id = use.addon_id = facts_id(RATE_ID);
            input->update_name = flags & 1;
            input->update_rates = flags & 2;
            facts_expect_refused(&facts, QMS_NOT_FOUND, "add-on not found");
        }
    }
}

static void the_type_of_an_addon_in_use_stays(void **state) {
    (void)state;
    struct addon_input *input = ask(OP_ADDON_UPDATE);
    input->update_resource_type = input->update_name = true;
    input->name = TEXT("new");
    input->resource_name = TEXT("data.size");
    use.in_use = true;
    facts_expect_refused(&facts, QMS_CONFLICT, "subscription add-ons exist");
    input->resource_name = TEXT("cpu.hours"); /* no change */
    facts_expect_ok(&facts);
    expect_text(only_row()->name, "new");
}

/* ---- addons.update: the list of rates ---- */

struct expected_rate {
    const char *id; /* NULL: one of its own */
    enum row_state state;
    const char *rate, *effective; /* of deleted ones nothing is said */
};

static void expect_rates(const struct expected_rate *expected, size_t count) {
    struct uuid addon = facts_id(HOURS_ID);
    facts_expect_ok(&facts);
    assert_int_equal(facts.changes.addon_rates.count, count);
    assert_int_equal(facts.changes.addons.count, 0);
    for (size_t i = 0; i < count; i++) {
        const struct rate_row *row = nth_rate(i);
        struct uuid id = expected[i].id == NULL ? row->id : facts_id(expected[i].id);
        assert_true(uuid_equal(&row->id, &id));
        assert_true(uuid_equal(&row->owner_id, &addon));
        assert_int_equal(row->state, expected[i].state);
        if (row->state == ROW_DELETED) continue;
        expect_amount(row->rate, expected[i].rate);
        expect_time(row->effective_us, expected[i].effective);
    }
}

static void the_list_of_rates_replaces_the_list(void **state) {
    (void)state;
    ask_rates(2); /* one stays as it is, one goes, one is new */
    rates[0] = a_rate(RATE_ID, "100.00", "2025-01-01T00:00:00Z");
    rates[1] = a_rate("", "7", "2026-01-01T00:00:00Z");
    expect_rates((struct expected_rate[]){{LATER_ID, ROW_DELETED, NULL, NULL},
                                          {NULL, ROW_INSERTED, "7", "2026-01-01T00:00:00Z"}},
                 2);
    ask_rates(1); /* none has an id: all present ones go */
    rates[0] = a_rate("", "7", "2026-01-01T00:00:00Z");
    expect_rates((struct expected_rate[]){{RATE_ID, ROW_DELETED, NULL, NULL},
                                          {LATER_ID, ROW_DELETED, NULL, NULL},
                                          {NULL, ROW_INSERTED, "7", "2026-01-01T00:00:00Z"}},
                 3);
    ask_rates(2); /* both change, taking each other's dates */
    rates[0] = a_rate(LATER_ID, "120", "2025-01-01T00:00:00Z");
    rates[1] = a_rate("672E49AF-B7B7-4A0E-A929-00F4A1C5E7F2", "1", "2026-01-01T00:00:00Z");
    expect_rates((struct expected_rate[]){{LATER_ID, ROW_CHANGED, "120", "2025-01-01T00:00:00Z"},
                                          {RATE_ID, ROW_CHANGED, "1", "2026-01-01T00:00:00Z"}},
                 2);
    ask_rates(2); /* nothing changes */
    rates[0] = a_rate(LATER_ID, "120", "2026-01-01T00:00:00Z");
    rates[1] = a_rate(RATE_ID, "100", "2025-01-01T00:00:00Z");
    expect_rates(NULL, 0);
    assert_true(changes_empty(&facts.changes));
}

static void a_list_of_rates_is_checked(void **state) {
    (void)state;
    ask_rates(0);
    expect_refused("at least one add-on rate is required");
    ask_rates(2);
    rates[0] = a_rate(RATE_ID, "-1", "2025-01-01T00:00:00Z");
    rates[1] = a_rate("", "1", "2025-01-01T00:00:00Z");
    expect_refused("the add-on rate must not be less than zero");
    rates[0].rate = amount_of(1);
    expect_refused("there can only be one add-on rate for each effective date");
    rates[1] = a_rate("x", "1", "2026-01-01T00:00:00Z");
    expect_refused("addon_rates.uuid must be a UUID");
    rates[1].id = TEXT(OTHER_RATE_ID); /* it would move over */
    expect_refused("the add-on has no rate " OTHER_RATE_ID);
    rates[1].id = TEXT(RATE_ID);
    expect_refused("the add-on rate " RATE_ID " is listed twice");
    rates[1].id = TEXT(LATER_ID);
    facts_expect_ok(&facts);
}

static void a_rate_in_use_may_change_but_not_go(void **state) {
    (void)state;
    struct uuid in_use[] = {facts_id(OTHER_RATE_ID), facts_id(LATER_ID)};
    ask_rates(1);
    use.in_use = true;
    use.rate_ids = in_use;
    use.rate_count = COUNT(in_use);
    rates[0] = a_rate(RATE_ID, "100", "2025-01-01T00:00:00Z");
    facts_expect_refused(&facts, QMS_CONFLICT,
                         "subscription add-ons exist at the rate " LATER_ID);
    use.rate_ids = &in_use[1]; /* the first of them */
    use.rate_count = 1;
    facts_expect_refused(&facts, QMS_CONFLICT,
                         "subscription add-ons exist at the rate " LATER_ID);
    rates[0] = a_rate(LATER_ID, "1", "2025-01-01T00:00:00Z");
    expect_rates((struct expected_rate[]){{RATE_ID, ROW_DELETED, NULL, NULL},
                                          {LATER_ID, ROW_CHANGED, "1", "2025-01-01T00:00:00Z"}},
                 2);
}

/* ---- addons.delete (11.4) ---- */

static void an_addon_is_deleted_unless_it_is_in_use(void **state) {
    (void)state;
    ask(OP_ADDON_DELETE);
    use.in_use = true;
    facts_expect_refused(&facts, QMS_CONFLICT, "subscription add-ons exist");
    assert_int_equal(qms_code_http(facts.op.error.code), 409);
    assert_string_equal(qms_code_service(facts.op.error.code), "BAD_REQUEST");
    use.in_use = false;
    facts_expect_ok(&facts);
    struct uuid id = facts_id(HOURS_ID);
    assert_int_equal(only_row()->state, ROW_DELETED);
    assert_true(uuid_equal(&only_row()->id, &id));
    assert_true(uuid_equal(&facts.op.made_id, &id));
    assert_null(facts.op.out.addon);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(an_addon_is_added_with_its_rates),
        SENTENCE(an_addon_may_have_the_name_of_another),
        SENTENCE(a_new_addon_is_checked_in_order),
        SENTENCE(names_descriptions_and_lists_are_bounded),
        SENTENCE(only_what_is_flagged_changes),
        SENTENCE(what_is_flagged_is_checked_as_when_it_was_added),
        SENTENCE(an_update_without_flags_answers_the_addon_unchanged),
        SENTENCE(an_unknown_addon_is_not_found_whatever_is_flagged),
        SENTENCE(the_type_of_an_addon_in_use_stays),
        SENTENCE(the_list_of_rates_replaces_the_list),
        SENTENCE(a_list_of_rates_is_checked),
        SENTENCE(a_rate_in_use_may_change_but_not_go),
        SENTENCE(an_addon_is_deleted_unless_it_is_in_use),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
