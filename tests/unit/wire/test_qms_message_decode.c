#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "support/exact.h"
#include "support/wire_example.h"
#include "wire/qms_message.h"

struct fixture {
    struct arena arena;
    struct op op;
    struct qms_error error;
};

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){0};
    arena_init(&f.arena, 1024);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    return 0;
}

static enum qms_fault decode(struct fixture *f, enum operation operation, struct text body) {
    f->op = (struct op){.operation = operation};
    f->error = (struct qms_error){0};
    body = exact_copy(&f->arena, body);
    return qms_body_decode(body, NAMED_BY_PATH, &f->arena, &f->op, &f->error);
}

static void expect_text(struct text found, const char *expected) {
    if (!text_equal(found, text_of(expected)))
        fail_msg("%.*s is not %s", TEXT_ARGUMENTS(found), expected);
}

static void expect_amount(const struct fixture *f, const char *expected) {
    assert_int_equal(amount_compare(f->op.in.change.value, wire_example_amount(expected)), 0);
}

/* Everything of R5 around the members under test. */
static struct text update_with(struct fixture *f, const char *members) {
    return arena_format(&f->arena,
                        "{\"update\":{\"user\":{},\"resource_type\":{},\"operation\":{}%s%s}}",
                        members[0] == '\0' ? "" : ",", members);
}

static void the_update_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    struct text body = TEXT(
        "{\"update\":{\"value_type\":\"usages\",\"value\":12.5,\"effective_date\":"
        "\"2026-08-12T11:00:00Z\",\"resource_type\":{\"name\":\"cpu.hours\",\"unit\":\"cpu hours\"}"
        ",\"operation\":{\"name\":\"SET\"},\"user\":{},"
        "\"metadata\":\"{\\\"analysis\\\":\\\"x\\\"}\"}}");
    assert_int_equal(decode(f, OP_UPDATE_ADD, body), QMS_FAULT_NONE);
    const struct change_input *input = &f->op.in.change;
    expect_text(input->value_type, "usages");
    expect_text(input->resource_name, "cpu.hours");
    expect_text(input->resource_unit, "cpu hours");
    expect_text(input->operation_name, "SET");
    expect_text(input->metadata, "{\"analysis\":\"x\"}");
    expect_amount(f, "12.5");
    assert_true(input->has_effective && input->has_metadata);
    assert_int_equal(input->effective_us, wire_example_time("2026-08-12T11:00:00Z"));
    assert_int_equal(input->resource_id.length, 0);
}

static void ids_are_kept_for_the_rules_to_compare(void **state) {
    struct fixture *f = *state;
    struct text body = TEXT(
        "{\"header\":{\"map\":{\"traceparent\":{\"value\":[\"00-4b\"]}}},"
        "\"update\":{\"uuid\":\"u\",\"resource_type\":{\"uuid\":\"r\",\"consumable\":true},"
        "\"operation\":{\"uuid\":\"o\"},"
        "\"user\":{\"uuid\":\"p\",\"username\":\"eve\"}}}");
    assert_int_equal(decode(f, OP_UPDATE_ADD, body), QMS_FAULT_NONE);
    expect_text(f->op.in.change.resource_id, "r");
    expect_text(f->op.in.change.operation_id, "o");
    expect_text(f->op.in.change.user_id, "p");
    assert_int_equal(f->op.username.length, 0); /* the path names the user */
    assert_false(f->op.in.change.has_effective);
    assert_false(f->op.in.change.has_metadata);
    expect_amount(f, "0");
}

static void the_usage_of_the_document_is_decoded(void **state) {
    struct fixture *f = *state;
    struct text body = TEXT("{\"resource_name\":\"data.size\",\"update_type\":\"SET\","
                            "\"usage_value\":1024,\"resource_unit\":\"bytes\","
                            "\"username\":\"eve\"}");
    assert_int_equal(decode(f, OP_USAGE_ADD, body), QMS_FAULT_NONE);
    expect_text(f->op.in.change.resource_name, "data.size");
    expect_text(f->op.in.change.operation_name, "SET");
    expect_text(f->op.in.change.resource_unit, "bytes");
    expect_amount(f, "1024");
    assert_int_equal(f->op.username.length, 0);
}

static void names_match_without_regard_to_case_but_once(void **state) {
    struct fixture *f = *state;
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("{\"Resource_Name\":\"a\",\"UPDATE_TYPE\":\"b\","
                                                  "\"usage_VALUE\":3}")),
                     QMS_FAULT_NONE);
    expect_text(f->op.in.change.resource_name, "a");
    expect_text(f->op.in.change.operation_name, "b");
    expect_amount(f, "3");
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("{\"usage_value\":1,\"Usage_value\":2}")),
                     QMS_FAULT_MESSAGE);
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("{\"usage_value\":null,\"Usage_value\":2}")),
                     QMS_FAULT_MESSAGE);
    assert_int_equal(decode(f, OP_UPDATE_ADD, TEXT("{\"update\":{\"user\":{}},\"Update\":{}}")),
                     QMS_FAULT_MESSAGE);
    assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, "\"VALUE\":7")), QMS_FAULT_NONE);
    expect_amount(f, "7");
}

static void null_is_absent_and_unknown_members_are_ignored(void **state) {
    struct fixture *f = *state;
    assert_int_equal(decode(f, OP_USAGE_ADD,
                            TEXT("{\"resource_name\":null,\"usage_value\":null,\"header\":null,"
                                 "\"extra\":{\"deep\":[1,{\"x\":\"\\u0041\"}]},\"\":0}")),
                     QMS_FAULT_NONE);
    assert_int_equal(f->op.in.change.resource_name.length, 0);
    expect_amount(f, "0");
    assert_int_equal(decode(f, OP_UPDATE_ADD,
                            update_with(f, "\"effective_date\":null,\"metadata\":null")),
                     QMS_FAULT_NONE);
    assert_false(f->op.in.change.has_effective);
    assert_false(f->op.in.change.has_metadata);
}

static void missing_parts_are_told_in_their_two_shapes(void **state) {
    static const struct { const char *body; enum qms_fault fault; } cases[] = {
        {"", QMS_FAULT_MESSAGE},
        {"{}", QMS_FAULT_MESSAGE},
        {"{\"update\":null}", QMS_FAULT_MESSAGE},
        {"{\"update\":{}}", QMS_FAULT_MESSAGE},
        {"{\"update\":{\"user\":null,\"operation\":{},\"resource_type\":{}}}", QMS_FAULT_MESSAGE},
        {"{\"update\":{\"user\":{}}}", QMS_FAULT_ENVELOPE},
        {"{\"update\":{\"user\":{},\"operation\":{}}}", QMS_FAULT_ENVELOPE},
        {"{\"update\":{\"user\":{},\"resource_type\":{}}}", QMS_FAULT_ENVELOPE},
        {"{\"update\":{\"user\":{},\"resource_type\":{},\"operation\":null}}", QMS_FAULT_ENVELOPE},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(decode(f, OP_UPDATE_ADD, text_of(cases[i].body)), cases[i].fault);
        assert_int_equal(f->error.code, QMS_BAD_REQUEST);
        assert_string_equal(f->error.text, "required fields are missing from the request body");
    }
    /* all members are optional */
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("")), QMS_FAULT_NONE);
}

static void what_cannot_be_decoded_is_a_bad_request(void **state) {
    static const char *const bodies[] = {
        " ", "null", "[]", "7", "\"x\"", "true", "{", "{}x", "{} {}", "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"\\u0062\":2}}", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{\"a\":NaN}",
        "{\"a\":01}", "{'a':1}", "\xef\xbb\xbf{}", "{\"a\":\"\\u0000\"}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(decode(f, OP_UPDATE_ADD, text_of(bodies[i])), QMS_FAULT_MESSAGE);
        assert_string_equal(f->error.text, "bad request");
        assert_int_equal(decode(f, OP_USAGE_ADD, text_of(bodies[i])), QMS_FAULT_MESSAGE);
        assert_string_equal(f->error.text, "bad request");
    }
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("{}\0")), QMS_FAULT_MESSAGE);
}

static void a_body_cut_anywhere_is_a_bad_request(void **state) {
    struct fixture *f = *state;
    struct text whole = update_with(f, "\"value\":1,\"effective_date\":{\"seconds\":1}");
    assert_int_equal(decode(f, OP_UPDATE_ADD, whole), QMS_FAULT_NONE);
    for (whole.length--; whole.length > 0; whole.length--)
        assert_int_equal(decode(f, OP_UPDATE_ADD, whole), QMS_FAULT_MESSAGE);
}

static void members_of_a_wrong_type_are_a_bad_request(void **state) {
    static const struct { const char *member, *wrong; } cases[] = {
        {"uuid", "7 true [] {}"},
        {"value_type", "7 true [] {}"},
        {"value", "true [] {} \"\" \"abc\" \"12abc\" \"1e5x\" \"0x10\" \"+1\" \".5\""},
        {"effective_date", "7 true [] \"\" \"yesterday\" \"2026-02-30T00:00:00Z\" "
                           "\"2026-01-01\" \"2026-01-01T00:00:00\" \"2026-01-01T23:59:60Z\" "
                           "{\"seconds\":\"x\"} {\"seconds\":1.5} {\"nanos\":true} "
                           "{\"seconds\":1,\"Seconds\":1}"},
        {"metadata", "7 true [] {}"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char list[512], *rest = list;
        snprintf(list, sizeof list, "%s", cases[i].wrong);
        for (char *wrong; (wrong = strsep(&rest, " ")) != NULL;) {
            char members[256];
            snprintf(members, sizeof members, "\"%s\":%s", cases[i].member, wrong);
            if (decode(f, OP_UPDATE_ADD, update_with(f, members)) != QMS_FAULT_MESSAGE)
                fail_msg("accepted: %s", members);
            assert_string_equal(f->error.text, "bad request");
        }
    }
}

static void objects_of_a_wrong_type_are_a_bad_request(void **state) {
    static const char *const bodies[] = {
        "{\"update\":7}", "{\"update\":[]}", "{\"update\":\"x\"}",
        "{\"update\":{\"user\":\"ada\"}}",
        "{\"update\":{\"user\":{\"username\":7}}}", "{\"update\":{\"user\":{\"uuid\":{}}}}",
        "{\"update\":{\"operation\":\"ADD\"}}", "{\"update\":{\"operation\":{\"name\":1}}}",
        "{\"update\":{\"resource_type\":[]}}", "{\"update\":{\"resource_type\":{\"name\":[]}}}",
        "{\"update\":{\"resource_type\":{\"consumable\":\"true\"}}}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(decode(f, OP_UPDATE_ADD, text_of(bodies[i])), QMS_FAULT_MESSAGE);
    static const char *const usages[] = {
        "{\"username\":7}", "{\"resource_name\":7}", "{\"update_type\":{}}", "{\"usage_value\":{}}",
        "{\"usage_value\":\"ten\"}", "{\"resource_unit\":false}",
    };
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
        assert_int_equal(decode(f, OP_USAGE_ADD, text_of(usages[i])), QMS_FAULT_MESSAGE);
}

static void numbers_may_come_as_strings(void **state) {
    static const struct { const char *json, *value; } cases[] = {
        {"12.5", "12.5"},   {"\"12.5\"", "12.5"},  {"1e2", "100"},     {"\"-1E-2\"", "-0.01"},
        {"-0", "0"},        {"0.1", "0.1"},        {"\"0.10\"", "0.1"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"9007199254740993", "9007199254740993"}, /* no double in between */
        {"0.000000000000000000000000000001", "1e-30"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text body = arena_format(&f->arena, "{\"usage_value\":%s}", cases[i].json);
        assert_int_equal(decode(f, OP_USAGE_ADD, body), QMS_FAULT_NONE);
        expect_amount(f, cases[i].value);
    }
}

static void values_that_no_amount_can_hold_are_told_in_the_envelope(void **state) {
    static const char *const values[] = {
        "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1e30", "-1e30", "1e400", "-1e400", "1e-31",
        "1e99999999999999999999", "123456789012345678901234567890.12345", "\"1e400\"",
        "1000000000000000000000000000000",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct text usage = arena_format(&f->arena, "{\"usage_value\":%s}", values[i]);
        assert_int_equal(decode(f, OP_USAGE_ADD, usage), QMS_FAULT_ENVELOPE);
        assert_string_equal(f->error.text, "invalid usage value");
        struct text value = arena_format(&f->arena, "\"value\":%s", values[i]);
        assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, value.data)), QMS_FAULT_ENVELOPE);
        assert_string_equal(f->error.text, "invalid value");
        assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    }
    assert_int_equal(decode(f, OP_USAGE_ADD, TEXT("{\"usage_value\":1e400,}")), QMS_FAULT_MESSAGE);
    char zeros[NUMBER_BYTES_MAX] = "1."; /* with all the zeros there may be, and one more */
    memset(zeros + 2, '0', sizeof zeros - 3);
    struct text fits = arena_format(&f->arena, "{\"usage_value\":%s0}", zeros);
    assert_int_equal(decode(f, OP_USAGE_ADD, fits), QMS_FAULT_NONE);
    struct text over = arena_format(&f->arena, "{\"usage_value\":%s00}", zeros);
    assert_int_equal(decode(f, OP_USAGE_ADD, over), QMS_FAULT_ENVELOPE);
}

static void both_forms_of_a_timestamp_are_accepted(void **state) {
    static const struct { const char *json, *at; } cases[] = {
        {"\"2026-08-12T11:00:00Z\"", "2026-08-12T11:00:00Z"},
        {"\"2026-08-12T04:00:00.5-07:00\"", "2026-08-12T11:00:00.5Z"},
        {"\"2026-08-12T11:00:00.123456789Z\"", "2026-08-12T11:00:00.123456Z"},
        {"{\"seconds\":1786532400}", "2026-08-12T11:00:00Z"},
        {"{\"seconds\":1786532400,\"nanos\":500000000}", "2026-08-12T11:00:00.5Z"},
        {"{\"nanos\":\"999999999\",\"seconds\":\"1786532400\",\"zone\":1}",
         "2026-08-12T11:00:00.999999Z"},
        {"{\"Seconds\":1.7865324e9}", "2026-08-12T11:00:00Z"},
        {"{\"seconds\":-1}", "1969-12-31T23:59:59Z"},
        {"{\"seconds\":null}", "1970-01-01T00:00:00Z"},
        {"{}", "1970-01-01T00:00:00Z"},
        {"{\"seconds\":-62135596800}", "0001-01-01T00:00:00Z"},
        {"{\"seconds\":253402300799,\"nanos\":999999999}", "9999-12-31T23:59:59.999999Z"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text member = arena_format(&f->arena, "\"effective_date\":%s", cases[i].json);
        assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, member.data)), QMS_FAULT_NONE);
        assert_true(f->op.in.change.has_effective);
        assert_int_equal(f->op.in.change.effective_us, wire_example_time(cases[i].at));
    }
}

static void seconds_outside_the_calendar_are_an_invalid_effective_date(void **state) {
    static const char *const dates[] = {
        "{\"seconds\":-62135596801}", "{\"seconds\":253402300800}", "{\"seconds\":1e30}",
        "{\"seconds\":99999999999999999}", "{\"seconds\":9223372036854775807}", "{\"nanos\":-1}",
        "{\"nanos\":1000000000}", "{\"seconds\":\"NaN\"}", "{\"seconds\":-1e18,\"nanos\":1}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct text member = arena_format(&f->arena, "\"effective_date\":%s", dates[i]);
        assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, member.data)),
                         QMS_FAULT_ENVELOPE);
        assert_string_equal(f->error.text, "invalid effective date");
    }
}

static void metadata_is_bounded(void **state) {
    struct fixture *f = *state;
    char *filler = arena_take_zeroed(&f->arena, METADATA_BYTES_MAX + 2, 1);
    memset(filler, 'm', METADATA_BYTES_MAX);
    struct text fits = arena_format(&f->arena, "\"metadata\":\"%s\"", filler);
    assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, fits.data)), QMS_FAULT_NONE);
    assert_int_equal(f->op.in.change.metadata.length, METADATA_BYTES_MAX);
    filler[METADATA_BYTES_MAX] = 'm';
    struct text over = arena_format(&f->arena, "\"metadata\":\"%s\"", filler);
    assert_int_equal(decode(f, OP_UPDATE_ADD, update_with(f, over.data)), QMS_FAULT_ENVELOPE);
    assert_string_equal(f->error.text, "the metadata is too long");
}

static void what_an_operation_held_before_is_gone(void **state) {
    struct fixture *f = *state;
    f->op = (struct op){.operation = OP_USAGE_ADD};
    f->op.in.change.has_effective = true;
    f->op.in.change.user_id = TEXT("x");
    struct qms_error error;
    assert_int_equal(qms_body_decode(TEXT("{}"), NAMED_BY_PATH, &f->arena, &f->op, &error),
                     QMS_FAULT_NONE);
    assert_false(f->op.in.change.has_effective);
    assert_int_equal(f->op.in.change.user_id.length, 0);
    assert_int_equal(amount_sign(f->op.in.change.value), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_update_of_the_document_is_decoded),
        CASE(ids_are_kept_for_the_rules_to_compare),
        CASE(the_usage_of_the_document_is_decoded),
        CASE(names_match_without_regard_to_case_but_once),
        CASE(null_is_absent_and_unknown_members_are_ignored),
        CASE(missing_parts_are_told_in_their_two_shapes),
        CASE(what_cannot_be_decoded_is_a_bad_request),
        CASE(a_body_cut_anywhere_is_a_bad_request),
        CASE(members_of_a_wrong_type_are_a_bad_request),
        CASE(objects_of_a_wrong_type_are_a_bad_request),
        CASE(numbers_may_come_as_strings),
        CASE(values_that_no_amount_can_hold_are_told_in_the_envelope),
        CASE(both_forms_of_a_timestamp_are_accepted),
        CASE(seconds_outside_the_calendar_are_an_invalid_effective_date),
        CASE(metadata_is_bounded),
        CASE(what_an_operation_held_before_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
