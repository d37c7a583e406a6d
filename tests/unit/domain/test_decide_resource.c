#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define NO_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbc"
#define LONG_NAME                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"

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

static void ask(enum operation operation, const char *id, const char *name, const char *unit) {
    facts_catalogue(&facts, operation);
    facts.op.in.resource = (struct resource_input){
        .id = facts_id(id), .name = text_of(name), .unit = text_of(unit), .consumable = true};
}

static const struct resource_type_row *only_row(void) {
    assert_int_equal(facts.changes.resource_types.count, 1);
    return facts.changes.resource_types.rows[0];
}

static void a_resource_type_is_added(void **state) {
    (void)state;
    ask(OP_RESOURCE_ADD, CPU_ID, "gpu.hours", "gpu hours"); /* the id is ignored */
    facts_expect_ok(&facts);
    const struct resource_type_row *row = only_row();
    struct uuid cpu = facts_id(CPU_ID);
    expect_text(row->name, "gpu.hours");
    expect_text(row->unit, "gpu hours");
    assert_true(row->consumable);
    assert_int_equal(row->state, ROW_INSERTED);
    assert_false(uuid_equal(&row->id, &cpu));
    assert_true(uuid_equal(&row->id, &facts.op.made_id));
    expect_made(&row->id);
}

static void a_resource_type_is_updated_whole(void **state) {
    (void)state;
    ask(OP_RESOURCE_UPDATE, CPU_ID, "cpu.hours", "hours"); /* its own name is free for it */
    facts.op.in.resource.consumable = false;
    facts_expect_ok(&facts);
    const struct resource_type_row *row = only_row();
    struct uuid cpu = facts_id(CPU_ID);
    assert_true(uuid_equal(&row->id, &cpu));
    assert_true(uuid_equal(&facts.op.made_id, &cpu));
    expect_text(row->name, "cpu.hours");
    expect_text(row->unit, "hours");
    assert_false(row->consumable);
    assert_int_equal(row->state, ROW_CHANGED);
    expect_text(facts.op.out.resource_type->unit, "cpu hours"); /* until the engine shows it */
}

static void adding_and_updating_are_checked_in_order(void **state) {
    (void)state;
    static const struct {
        enum operation operation;
        const char *id, *name, *unit;
        enum qms_code code;
        const char *text;
    } cases[] = {
        {OP_RESOURCE_ADD, NO_ID, "", "x", QMS_BAD_REQUEST,
         "the resource type name and unit are both required"},
        {OP_RESOURCE_ADD, NO_ID, "cpu.hours", "", QMS_BAD_REQUEST,
         "the resource type name and unit are both required"},
        {OP_RESOURCE_ADD, NO_ID, LONG_NAME "x", "x", QMS_BAD_REQUEST,
         "the resource type name is longer than 256 bytes"},
        {OP_RESOURCE_ADD, NO_ID, "a\nb", "x", QMS_BAD_REQUEST,
         "the resource type name holds control characters"},
        {OP_RESOURCE_ADD, NO_ID, "cpu.hours", "a\nb", QMS_BAD_REQUEST,
         "the resource type unit holds control characters"},
        {OP_RESOURCE_ADD, NO_ID, "cpu.hours", "x", QMS_CONFLICT,
         "a resource type with the same name already exists"},
        {OP_RESOURCE_UPDATE, NO_ID, "data.size", "", QMS_BAD_REQUEST,
         "the resource type name and unit are both required"},
        {OP_RESOURCE_UPDATE, NO_ID, "data.size", "x", QMS_NOT_FOUND,
         "resource type not found: " NO_ID},
        {OP_RESOURCE_UPDATE, CPU_ID, "data.size", "x", QMS_CONFLICT,
         "a resource type with the given name already exists: data.size"},
        {OP_RESOURCE_GET, NO_ID, "", "", QMS_NOT_FOUND, "resource type not found: " NO_ID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].operation, cases[i].id, cases[i].name, cases[i].unit);
        facts_expect_refused(&facts, cases[i].code, cases[i].text);
    }
}

static void names_that_just_fit_or_differ_in_case_are_accepted(void **state) {
    (void)state;
    ask(OP_RESOURCE_ADD, NO_ID, LONG_NAME, LONG_NAME);
    facts_expect_ok(&facts);
    ask(OP_RESOURCE_ADD, NO_ID, "CPU.hours", "cpu hours");
    facts_expect_ok(&facts);
}

static void a_resource_type_is_found_by_its_id(void **state) {
    (void)state;
    ask(OP_RESOURCE_GET, CPU_ID, "", "");
    facts_expect_ok(&facts);
    expect_text(facts.op.out.resource_type->name, "cpu.hours");
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_resource_type_is_added),
        SENTENCE(a_resource_type_is_updated_whole),
        SENTENCE(adding_and_updating_are_checked_in_order),
        SENTENCE(names_that_just_fit_or_differ_in_case_are_accepted),
        SENTENCE(a_resource_type_is_found_by_its_id),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
