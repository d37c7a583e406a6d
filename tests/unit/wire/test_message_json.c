#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "proto/messages.h"
#include "support/exact.h"
#include "support/wire_example.h"

struct fixture {
    struct arena arena;
    struct qms_error error;
};

static int set_up(void **state) {
    static struct fixture f;
    arena_init(&f.arena, 1 << 12);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    return 0;
}

static const struct message *try(struct fixture *f, const struct message_type *type,
                                 bool refuse_unknown, struct text payload) {
    payload = exact_copy(&f->arena, payload);
    f->error = (struct qms_error){0};
    return message_decode_json(type, payload, refuse_unknown, &f->arena, &f->error);
}

static const struct message *decode(struct fixture *f, const struct message_type *type,
                                    const char *payload) {
    const struct message *message = try(f, type, false, text_of(payload));
    if (message == NULL) fail_msg("%s: %s", payload, f->error.text);
    return message;
}

static void refuse(struct fixture *f, const struct message_type *type, const char *payload,
                   const char *problem) {
    if (try(f, type, false, text_of(payload)) != NULL) fail_msg("accepted: %s", payload);
    assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    if (strstr(f->error.text, problem) == NULL) fail_msg("%s: %s", payload, f->error.text);
}

static void expect_text(struct text found, const char *expected) {
    if (!text_equal(found, text_of(expected)))
        fail_msg("%.*s is not %s", TEXT_ARGUMENTS(found), expected);
}

static void fields_go_by_their_json_name_or_that_of_the_schema(void **state) {
    static const char *const payloads[] = {
        "{\"planName\":\"Pro\",\"endDate\":\"2027-12-31\",\"periods\":3,\"paid\":true}",
        "{\"plan_name\":\"Pro\",\"end_date\":\"2027-12-31\",\"periods\":3,\"paid\":true}",
        "{\"PLANNAME\":\"Pro\",\"End_Date\":\"2027-12-31\",\"Periods\":3,\"PAID\":true}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        const struct message *user = decode(f, &message_qms_add_user_request, payloads[i]);
        expect_text(message_text(user, QMS_ADD_USER_REQUEST_PLAN_NAME), "Pro");
        expect_text(message_text(user, QMS_ADD_USER_REQUEST_END_DATE), "2027-12-31");
        assert_int_equal(message_integer(user, QMS_ADD_USER_REQUEST_PERIODS), 3);
        assert_true(message_flag(user, QMS_ADD_USER_REQUEST_PAID));
        assert_false(message_flag(user, QMS_ADD_USER_REQUEST_FORCE));
        assert_false(message_has(user, QMS_ADD_USER_REQUEST_FORCE));
        assert_false(message_has(user, QMS_ADD_USER_REQUEST_USERNAME));
    }
    const struct message *quota =
        decode(f, &message_qms_quota, "{\"created_by\":\"a\",\"LastModifiedBy\":\"b\"}");
    expect_text(message_text(quota, QMS_QUOTA_CREATED_BY), "a");
    expect_text(message_text(quota, QMS_QUOTA_LAST_MODIFIED_BY), "b");
}

static void a_name_may_be_written_without_its_underscores(void **state) {
    static const char *const payloads[] = {
        "{\"subscription_addon\":{\"amount\":5},\"update_amount\":true}",
        "{\"subscriptionAddon\":{\"amount\":5},\"updateAmount\":true}",
        "{\"SubscriptionAddon\":{\"Amount\":5},\"UpdateAmount\":true}",
    };
    struct fixture *f = *state;
    const struct message_type *type = &message_qms_update_subscription_addon_request;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        const struct message *request = decode(f, type, payloads[i]);
        assert_true(message_flag(request, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_UPDATE_AMOUNT));
        assert_false(message_flag(request, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_UPDATE_PAID));
        assert_non_null(message_child(request,
                                      QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_SUBSCRIPTION_ADDON));
    }
    const struct message *none = decode(f, type, "{\"updateAmounts\":true,\"updateAmoun\":true,"
                                                 "\"update-amount\":true,\"\":true}");
    assert_false(message_has(none, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_UPDATE_AMOUNT));
    refuse(f, type, "{\"update_amount\":false,\"updateAmount\":true}", "a repeated name");
}

static void a_field_is_given_once_in_whatever_spelling(void **state) {
    struct fixture *f = *state;
    refuse(f, &message_qms_add_user_request, "{\"planName\":\"a\",\"plan_name\":\"a\"}",
           "a repeated name at byte 28");
    refuse(f, &message_qms_add_user_request, "{\"planName\":null,\"PLANNAME\":\"a\"}",
           "a repeated name");
    refuse(f, &message_qms_quota, "{\"subscription_id\":\"a\",\"user_plan_id\":\"b\"}",
           "a repeated name");
    refuse(f, &message_qms_plan, "{\"name\":\"a\",\"name\":\"a\"}", "a repeated name");
}

static void keys_of_a_map_keep_their_case(void **state) {
    struct fixture *f = *state;
    const struct message *header =
        decode(f, &message_header_header, "{\"map\":{\"a\":{\"value\":[\"1\",\"2\"]},\"A\":{}}}");
    const struct message_item *entry = message_items(header, HEADER_HEADER_MAP);
    expect_text(message_text(entry->value.message, HEADER_HEADER_MAP_ENTRY_KEY), "a");
    const struct message *value =
        message_child(entry->value.message, HEADER_HEADER_MAP_ENTRY_VALUE);
    const struct message_item *first = message_items(value, HEADER_HEADER_VALUE_VALUE);
    expect_text(first->value.text, "1");
    expect_text(first->next->value.text, "2");
    assert_null(first->next->next);
    expect_text(message_text(entry->next->value.message, HEADER_HEADER_MAP_ENTRY_KEY), "A");
    assert_null(entry->next->next);
}

static void names_of_other_generations_are_accepted(void **state) {
    struct fixture *f = *state;
    static const char *const ids[] = {"{\"user_plan_id\":\"x\"}", "{\"userPlanId\":\"x\"}",
                                      "{\"subscription_id\":\"x\"}"};
    for (size_t i = 0; i < 3; i++) {
        const struct message *quota = decode(f, &message_qms_quota, ids[i]);
        expect_text(message_text(quota, QMS_QUOTA_SUBSCRIPTION_ID), "x");
        quota = decode(f, &message_user_plans_quota, ids[i]);
        expect_text(message_text(quota, QMS_QUOTA_SUBSCRIPTION_ID), "x");
        const struct message *usage = decode(f, &message_qms_usage, ids[i]);
        expect_text(message_text(usage, QMS_USAGE_SUBSCRIPTION_ID), "x");
    }
    static const char *const addons[] = {"{\"subscription_id\":\"x\"}",
                                         "{\"subscription\":{\"uuid\":\"x\",\"paid\":true}}"};
    for (size_t i = 0; i < 2; i++) {
        const struct message *addon = decode(f, &message_qms_subscription_addon, addons[i]);
        expect_text(message_text(addon, QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID), "x");
    }
    refuse(f, &message_qms_subscription_addon, "{\"subscription\":{\"uuid\":7}}", "a string");
}

static void null_is_absent(void **state) {
    struct fixture *f = *state;
    const struct message *plan = decode(
        f, &message_qms_plan,
        "{\"uuid\":null,\"name\":\"\",\"plan_quota_defaults\":null,\"plan_rates\":[]}");
    assert_false(message_has(plan, QMS_PLAN_UUID));
    expect_text(message_text(plan, QMS_PLAN_UUID), "");
    assert_true(message_has(plan, QMS_PLAN_NAME));
    assert_false(message_has(plan, QMS_PLAN_PLAN_QUOTA_DEFAULTS));
    assert_null(message_items(plan, QMS_PLAN_PLAN_QUOTA_DEFAULTS));
    assert_true(message_has(plan, QMS_PLAN_PLAN_RATES));
    assert_null(message_items(plan, QMS_PLAN_PLAN_RATES));
    const struct message *add = decode(f, &message_qms_add_plan_request, "{\"plan\":null}");
    assert_null(message_child(add, QMS_ADD_PLAN_REQUEST_PLAN));
}

static void unknown_members_are_ignored_unless_asked_otherwise(void **state) {
    struct fixture *f = *state;
    struct text payload = TEXT("{\"extra\":{\"deep\":[1,{\"x\":\"\\u0041\"}]},\"name\":\"n\"}");
    expect_text(message_text(decode(f, &message_qms_plan, payload.data), QMS_PLAN_NAME), "n");
    assert_null(try(f, &message_qms_plan, true, payload));
    assert_non_null(strstr(f->error.text, "an unknown name at byte 9"));
    assert_non_null(try(f, &message_qms_plan, true, TEXT("{\"name\":\"n\"}")));
}

static void amounts_are_exact_and_may_come_as_strings(void **state) {
    static const struct { const char *json, *value; } cases[] = {
        {"12.5", "12.5"},
        {"\"12.5\"", "12.5"},
        {"1e2", "100"},
        {"\"-1E-2\"", "-0.01"},
        {"-0", "0"},
        {"9007199254740993", "9007199254740993"}, /* no double */
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"0.000000000000000000000000000001", "1e-30"},
    };
    static const char *const outside[] = {
        "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1e30", "-1e400", "1e-31",
        "123456789012345678901234567890.12345",
    };
    struct fixture *f = *state;
    struct amount amount;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text payload = arena_format(&f->arena, "{\"quota\":%s}", cases[i].json);
        assert_true(message_amount(decode(f, &message_qms_quota, payload.data), QMS_QUOTA_QUOTA,
                                   &amount));
        assert_int_equal(amount_compare(amount, wire_example_amount(cases[i].value)), 0);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct text payload = arena_format(&f->arena, "{\"quota\":%s}", outside[i]);
        assert_false(message_amount(decode(f, &message_qms_quota, payload.data), QMS_QUOTA_QUOTA,
                                    &amount));
        assert_int_equal(amount_sign(amount), 0);
    }
    assert_true(message_amount(decode(f, &message_qms_quota, "{}"), QMS_QUOTA_QUOTA, &amount));
    assert_int_equal(amount_sign(amount), 0);
    refuse(f, &message_qms_quota, "{\"quota\":\"12abc\"}", "a number was expected");
    refuse(f, &message_qms_quota, "{\"quota\":\"nan\"}", "a number was expected");
    refuse(f, &message_qms_quota, "{\"quota\":true}", "a number was expected");
}

static void integers_have_no_fraction_and_stay_within_their_type(void **state) {
    static const struct { const char *json; int64_t value; } cases[] = {
        {"3", 3},          {"\"3\"", 3},          {"3.0", 3},           {"3e0", 3},
        {"-1", -1},        {"2147483647", 2147483647}, {"-2147483648", INT32_MIN},
        {"2147483648", INT32_MAX}, {"-1e400", INT32_MIN}, {"1e99", INT32_MAX},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text payload = arena_format(&f->arena, "{\"periods\":%s}", cases[i].json);
        const struct message *user = decode(f, &message_qms_add_user_request, payload.data);
        assert_int_equal(message_integer(user, QMS_ADD_USER_REQUEST_PERIODS), cases[i].value);
    }
    refuse(f, &message_qms_add_user_request, "{\"periods\":1.5}", "an integer was expected");
    refuse(f, &message_qms_add_user_request, "{\"periods\":\"x\"}", "a number was expected");
    refuse(f, &message_qms_add_user_request, "{\"periods\":[1]}", "a number was expected");
}

static void enums_go_by_name_or_number(void **state) {
    struct fixture *f = *state;
    static const char *const payloads[] = {"{\"error_code\":\"NOT_FOUND\"}", "{\"error_code\":3}",
                                           "{\"error_code\":\"3\"}"};
    for (size_t i = 0; i < 2; i++) {
        const struct message *error = decode(f, &message_svcerror_service_error, payloads[i]);
        assert_int_equal(message_enum(error, SVCERROR_SERVICE_ERROR_ERROR_CODE), 3);
    }
    refuse(f, &message_svcerror_service_error, payloads[2], "an unknown name of an enum");
    refuse(f, &message_svcerror_service_error, "{\"error_code\":\"not_found\"}",
           "an unknown name of an enum");
}

static void both_forms_of_a_timestamp_are_accepted(void **state) {
    static const struct { const char *json, *at; } cases[] = {
        {"\"2026-08-12T11:00:00Z\"", "2026-08-12T11:00:00Z"},
        {"\"2026-08-12T04:00:00.5-07:00\"", "2026-08-12T11:00:00.5Z"},
        {"\"1969-12-31T23:59:59.25Z\"", "1969-12-31T23:59:59.25Z"},
        {"\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00Z"},
        {"{\"seconds\":1786532400,\"nanos\":500000000}", "2026-08-12T11:00:00.5Z"},
        {"{\"Nanos\":\"999999999\",\"seconds\":\"1786532400\",\"zone\":1}",
         "2026-08-12T11:00:00.999999Z"},
        {"{\"seconds\":-1}", "1969-12-31T23:59:59Z"},
        {"{}", "1970-01-01T00:00:00Z"},
    };
    static const char *const outside[] = {
        "{\"seconds\":-62135596801}", "{\"seconds\":253402300800}", "{\"seconds\":1e30}",
        "{\"nanos\":-1}", "{\"nanos\":1000000000}", "{\"seconds\":\"NaN\"}",
    };
    struct fixture *f = *state;
    int64_t at_us;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text payload = arena_format(&f->arena, "{\"effective_date\":%s}", cases[i].json);
        assert_true(message_time(decode(f, &message_qms_plan_rate, payload.data),
                                 QMS_PLAN_RATE_EFFECTIVE_DATE, &at_us));
        assert_int_equal(at_us, wire_example_time(cases[i].at));
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct text payload = arena_format(&f->arena, "{\"effective_date\":%s}", outside[i]);
        assert_false(message_time(decode(f, &message_qms_plan_rate, payload.data),
                                  QMS_PLAN_RATE_EFFECTIVE_DATE, &at_us));
    }
    assert_true(message_time(decode(f, &message_qms_plan_rate, "{}"),
                             QMS_PLAN_RATE_EFFECTIVE_DATE, &at_us));
    refuse(f, &message_qms_plan_rate, "{\"effective_date\":\"2026-02-30T00:00:00Z\"}",
           "a timestamp was expected");
    refuse(f, &message_qms_plan_rate, "{\"effective_date\":1786532400}", "a string was expected");
}

static void members_of_a_oneof_exclude_each_other(void **state) {
    struct fixture *f = *state;
    const struct message *change =
        decode(f, &message_qms_change_subscription_request, "{\"uuid\":null,\"name\":\"Pro\"}");
    expect_text(message_text(change, QMS_CHANGE_SUBSCRIPTION_REQUEST_NAME), "Pro");
    assert_false(message_has(change, QMS_CHANGE_SUBSCRIPTION_REQUEST_UUID));
    refuse(f, &message_qms_change_subscription_request, "{\"uuid\":\"u\",\"name\":\"Pro\"}",
           "two members of which one excludes the other");
}

static void values_of_another_type_are_refused(void **state) {
    static const struct { const struct message_type *type; const char *payload; } cases[] = {
        {&message_qms_plan, "{\"name\":7}"},
        {&message_qms_plan, "{\"name\":{}}"},
        {&message_qms_plan, "{\"plan_rates\":{}}"},
        {&message_qms_plan, "{\"plan_rates\":[7]}"},
        {&message_qms_plan, "{\"plan_rates\":[null]}"},
        {&message_qms_plan, "{\"plan_rates\":[{}"},
        {&message_qms_add_plan_request, "{\"plan\":[]}"},
        {&message_qms_add_plan_request, "{\"plan\":\"x\"}"},
        {&message_qms_add_plan_request, "{\"header\":{\"map\":[]}}"},
        {&message_qms_add_plan_request, "{\"header\":{\"map\":{\"a\":[]}}}"},
        {&message_qms_resource_type, "{\"consumable\":\"true\"}"},
        {&message_qms_resource_type, "{\"consumable\":1}"},
        {&message_qms_subscription_addon, "{\"subscription_id\":[]}"},
    };
    static const char *const other[] = {"", " ", "null", "[]", "7", "{", "{}x", "{} {}", "{\"a\"}"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(f, cases[i].type, cases[i].payload, " at byte ");
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        refuse(f, &message_qms_plan, other[i], " at byte ");
}

static void the_parts_of_a_message_are_bounded(void **state) {
    struct fixture *f = *state;
    for (size_t rates = MESSAGE_PARTS_MAX / 2 - 1; rates <= MESSAGE_PARTS_MAX / 2; rates++) {
        char *items = arena_take(&f->arena, 3 * rates + 1);
        for (size_t i = 0; i < rates; i++) memcpy(items + 3 * i, "{},", 3);
        items[3 * rates - 1] = '\0';
        struct text payload = arena_format(&f->arena, "{\"plan_rates\":[%s]}", items);
        if (rates < MESSAGE_PARTS_MAX / 2) decode(f, &message_qms_plan, payload.data);
        else refuse(f, &message_qms_plan, payload.data, "too many parts");
    }
}

static void either_encoding_is_told_by_its_first_bytes(void **state) {
    struct fixture *f = *state;
    /* a header of 123 bytes: one entry, its key of 119 */
    char binary[125] = {0x0a, 0x7b, 0x0a, 0x79, 0x0a, 0x77}, json[125];
    memset(binary + 6, 'k', 119);
    memset(json, ' ', sizeof json);
    memcpy(json, "\n{\"username\":\"ada\"", 18);
    json[124] = '}';
    const struct { struct text payload; enum message_encoding encoding; const char *name; }
        cases[] = {
            {TEXT(""), MESSAGE_JSON, ""},
            {TEXT("{\"username\":\"ada\"}"), MESSAGE_JSON, "ada"},
            {TEXT(" \n\r\t{\"username\":\"ada\"}"), MESSAGE_JSON, "ada"},
            {TEXT("\x12\x03" "ada"), MESSAGE_BINARY, "ada"},
            {TEXT("8a\x12\x03" "ada"), MESSAGE_BINARY, "ada"}, /* 8a: an unknown field */
            {TEXT("8\x01"), MESSAGE_BINARY, ""},
            {TEXT("\n\n8a8a8a8a8a" "8a"), MESSAGE_BINARY, ""}, /* a header, printable */
            {{.data = binary, .length = sizeof binary}, MESSAGE_BINARY, ""},
            {{.data = json, .length = sizeof json}, MESSAGE_JSON, "ada"},
            {TEXT("\n{}"), MESSAGE_JSON, ""},
        };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum message_encoding encoding;
        const struct message *message =
            message_decode(&message_qms_request_by_username, cases[i].payload, false, &f->arena,
                           &encoding, &f->error);
        if (message == NULL) fail_msg("%zu: %s", i, f->error.text);
        assert_int_equal(encoding, cases[i].encoding);
        expect_text(message_text(message, QMS_REQUEST_BY_USERNAME_USERNAME), cases[i].name);
    }
    enum message_encoding encoding;
    assert_null(message_decode(&message_qms_plan, TEXT("{\"name\":7}"), false, &f->arena,
                               &encoding, &f->error));
    assert_int_equal(encoding, MESSAGE_JSON);
    assert_null(message_decode(&message_qms_plan, TEXT("\x7b"), false, &f->arena, &encoding,
                               &f->error));
    static const struct { struct text payload; enum message_encoding encoding; const char *text; }
        neither[] = {
            {TEXT("  x"), MESSAGE_JSON, "an object was expected at byte 2"},
            {TEXT("[{\"name\":\"x\"}]"), MESSAGE_JSON, "an object was expected at byte 0"},
            {TEXT("null"), MESSAGE_JSON, "an object was expected at byte 0"},
            {TEXT("hi"), MESSAGE_JSON, "an object was expected at byte 0"},
            {TEXT("8\t"), MESSAGE_JSON, "an object was expected at byte 0"},
            {TEXT("\n"), MESSAGE_JSON, "the text ends too early at byte 1"},
            {TEXT("\xc3\xa9"), MESSAGE_JSON, "an object was expected at byte 0"},
            {TEXT("\n\x05" "ab"), MESSAGE_BINARY, "the message ends too early at byte 2"},
            {TEXT("ab\x7f"), MESSAGE_BINARY, NULL},
            {TEXT("\xff\xff"), MESSAGE_BINARY, NULL},
        };
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        assert_null(message_decode(&message_qms_plan, neither[i].payload, false, &f->arena,
                                   &encoding, &f->error));
        assert_int_equal(encoding, neither[i].encoding);
        if (neither[i].text != NULL) assert_string_equal(f->error.text, neither[i].text);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(fields_go_by_their_json_name_or_that_of_the_schema),
        CASE(a_name_may_be_written_without_its_underscores),
        CASE(a_field_is_given_once_in_whatever_spelling),
        CASE(keys_of_a_map_keep_their_case),
        CASE(names_of_other_generations_are_accepted),
        CASE(null_is_absent),
        CASE(unknown_members_are_ignored_unless_asked_otherwise),
        CASE(amounts_are_exact_and_may_come_as_strings),
        CASE(integers_have_no_fraction_and_stay_within_their_type),
        CASE(enums_go_by_name_or_number),
        CASE(both_forms_of_a_timestamp_are_accepted),
        CASE(members_of_a_oneof_exclude_each_other),
        CASE(values_of_another_type_are_refused),
        CASE(the_parts_of_a_message_are_bounded),
        CASE(either_encoding_is_told_by_its_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
