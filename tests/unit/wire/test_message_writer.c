#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "domain/date.h"
#include "proto/messages.h"
#include "support/wire_example.h"
#include "wire/message_writer.h"

static struct buffer out;
static struct message_writer writer;

static int set_up(void **state) {
    (void)state;
    buffer_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buffer_close(&out);
    return 0;
}

static void begin(enum message_encoding encoding, const struct message_type *type) {
    buffer_reset(&out);
    message_open(&writer, encoding, type, &out);
}

static void expect(struct text bytes) {
    message_finish(&writer);
    assert_false(out.failed);
    if (!text_equal(buffer_text(&out), bytes)) {
        for (size_t i = 0; i < out.length; i++) print_error("%02x ", (unsigned char)out.data[i]);
        fail_msg("%.*s", TEXT_ARGUMENTS(buffer_text(&out)));
    }
}

static void what_is_not_put_is_there_in_json_and_absent_in_binary(void **state) {
    (void)state;
    static const struct { const struct message_type *type; struct text json; } cases[] = {
        {&message_qms_resource_type,
         TEXT("{\"uuid\":\"\",\"name\":\"\",\"unit\":\"\",\"consumable\":false}")},
        {&message_qms_plan,
         TEXT("{\"uuid\":\"\",\"name\":\"\",\"description\":\"\",\"plan_quota_defaults\":[],"
              "\"plan_rates\":[]}")},
        {&message_qms_plan_rate, TEXT("{\"uuid\":\"\",\"rate\":0,\"effective_date\":null}")},
        {&message_header_header, TEXT("{\"map\":{}}")},
        {&message_svcerror_service_error,
         TEXT("{\"error_code\":\"UNSET\",\"status_code\":0,\"message\":\"\"}")},
        /* members of a oneof are left out */
        {&message_qms_change_subscription_request,
         TEXT("{\"header\":null,\"username\":\"\",\"periods\":0,\"endDate\":\"\"}")},
        {&message_qms_update_addon_request,
         TEXT("{\"header\":null,\"addon\":null,\"updateName\":false,\"updateDescription\":false,"
              "\"updateResourceType\":false,\"updateDefaultAmount\":false,"
              "\"updateDefaultPaid\":false,\"updateAddonRates\":false}")},
        {&message_qms_quota,
         TEXT("{\"uuid\":\"\",\"quota\":0,\"resource_type\":null,\"created_by\":\"\","
              "\"created_at\":null,\"last_modified_by\":\"\",\"last_modified_at\":null,"
              "\"subscription_id\":\"\"}")},
        /* as generation A has it */
        {&message_user_plans_usage,
         TEXT("{\"uuid\":\"\",\"usage\":0,\"userPlanId\":\"\",\"resource_type\":null,"
              "\"created_by\":\"\",\"created_at\":null,\"last_modified_by\":\"\","
              "\"last_modified_at\":null}")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(MESSAGE_JSON, cases[i].type);
        expect(cases[i].json);
        begin(MESSAGE_BINARY, cases[i].type);
        expect(TEXT(""));
    }
}

static void fields_before_in_between_and_behind_are_filled_in(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_qms_plan);
    message_put_text(&writer, QMS_PLAN_NAME, TEXT("n"));
    message_begin(&writer, QMS_PLAN_PLAN_RATES);
    message_put_amount(&writer, QMS_PLAN_RATE_RATE, wire_example_amount("0.5"));
    message_end(&writer);
    message_begin(&writer, QMS_PLAN_PLAN_RATES);
    message_end(&writer);
    expect(TEXT("{\"uuid\":\"\",\"name\":\"n\",\"description\":\"\",\"plan_quota_defaults\":[],"
                "\"plan_rates\":[{\"uuid\":\"\",\"rate\":0.5,\"effective_date\":null},"
                "{\"uuid\":\"\",\"rate\":0,\"effective_date\":null}]}"));
}

static void messages_in_binary_have_their_length_before_them(void **state) {
    (void)state;
    begin(MESSAGE_BINARY, &message_qms_plan);
    message_put_text(&writer, QMS_PLAN_NAME, TEXT("n"));
    message_begin(&writer, QMS_PLAN_PLAN_RATES);
    message_put_amount(&writer, QMS_PLAN_RATE_RATE, wire_example_amount("0.5"));
    message_end(&writer);
    message_begin(&writer, QMS_PLAN_PLAN_RATES);
    message_end(&writer);
    expect(TEXT("\x12\x01n\x2a\x09\x11\0\0\0\0\0\0\xe0\x3f\x2a\x00"));
    /* one that is longer than a byte can say */
    char name[200], bytes[206] = {0x12, (char)0xcb, 0x01, 0x12, (char)0xc8, 0x01};
    memset(name, 'x', sizeof name);
    memset(bytes + 6, 'x', sizeof name);
    begin(MESSAGE_BINARY, &message_qms_add_plan_request);
    message_begin(&writer, QMS_ADD_PLAN_REQUEST_PLAN);
    message_put_text(&writer, QMS_PLAN_NAME, (struct text){.data = name, .length = sizeof name});
    message_end(&writer);
    expect((struct text){.data = bytes, .length = sizeof bytes});
}

static void put_header(void) {
    static const char *const keys[] = {"traceparent", "a\"b"};
    for (int i = 0; i < 2; i++) {
        message_begin(&writer, HEADER_HEADER_MAP);
        message_put_text(&writer, HEADER_HEADER_MAP_ENTRY_KEY, text_of(keys[i]));
        message_begin(&writer, HEADER_HEADER_MAP_ENTRY_VALUE);
        for (int j = 0; j < i + 1; j++)
            message_put_text(&writer, HEADER_HEADER_VALUE_VALUE, TEXT("00"));
        message_end(&writer);
        message_end(&writer);
    }
}

static void a_map_is_an_object(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_header_header);
    put_header();
    expect(TEXT("{\"map\":{\"traceparent\":{\"value\":[\"00\"]},"
                "\"a\\\"b\":{\"value\":[\"00\",\"00\"]}}}"));
    begin(MESSAGE_BINARY, &message_header_header);
    put_header();
    expect(TEXT("\x0a\x13\x0a\x0btraceparent\x12\x04\x0a\x02" "00"
                "\x0a\x0f\x0a\x03" "a\"b\x12\x08\x0a\x02" "00\x0a\x02" "00"));
}

static void amounts_are_exact_in_json_and_the_nearest_double_in_binary(void **state) {
    (void)state;
    struct amount hours = wire_example_amount("131732.7819444444443404732");
    begin(MESSAGE_JSON, &message_qms_overage);
    message_put_amount(&writer, QMS_OVERAGE_QUOTA, hours);
    message_put_amount(&writer, QMS_OVERAGE_USAGE, wire_example_amount("0.10"));
    expect(TEXT("{\"resource_name\":\"\",\"quota\":131732.7819444444443404732,\"usage\":0.1}"));
    begin(MESSAGE_BINARY, &message_qms_overage);
    message_put_amount(&writer, QMS_OVERAGE_QUOTA, wire_example_amount("0.0"));
    message_put_amount(&writer, QMS_OVERAGE_USAGE, wire_example_amount("0.10"));
    expect(TEXT("\x19\x9a\x99\x99\x99\x99\x99\xb9\x3f"));
    begin(MESSAGE_BINARY, &message_user_plans_overage); /* floats */
    message_put_amount(&writer, QMS_OVERAGE_USAGE, wire_example_amount("0.10"));
    expect(TEXT("\x1d\xcd\xcc\xcc\x3d"));
}

static void times_are_text_in_json_and_seconds_in_binary(void **state) {
    (void)state;
    int64_t before = wire_example_time("1969-12-31T23:59:59.25Z");
    begin(MESSAGE_JSON, &message_qms_plan_rate);
    message_put_time(&writer, QMS_PLAN_RATE_EFFECTIVE_DATE, before);
    expect(TEXT("{\"uuid\":\"\",\"rate\":0,\"effective_date\":\"1969-12-31T23:59:59.250Z\"}"));
    begin(MESSAGE_BINARY, &message_qms_plan_rate);
    message_put_time(&writer, QMS_PLAN_RATE_EFFECTIVE_DATE, before);
    expect(TEXT("\x1a\x10\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x80\xe5\x9a\x77"));
    begin(MESSAGE_BINARY, &message_qms_plan_rate);
    message_put_time(&writer, QMS_PLAN_RATE_EFFECTIVE_DATE, 0);
    expect(TEXT("\x1a\x00"));
    begin(MESSAGE_JSON, &message_qms_plan_rate);
    message_put_time(&writer, QMS_PLAN_RATE_EFFECTIVE_DATE, TIME_NEVER);
    expect(TEXT("{\"uuid\":\"\",\"rate\":0,\"effective_date\":null}"));
}

static void a_member_of_a_oneof_is_there_when_it_is_put(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_qms_addon_lookup_request);
    message_put_text(&writer, QMS_ADDON_LOOKUP_REQUEST_NAME, TEXT(""));
    expect(TEXT("{\"header\":null,\"name\":\"\"}"));
    begin(MESSAGE_BINARY, &message_qms_addon_lookup_request);
    message_put_text(&writer, QMS_ADDON_LOOKUP_REQUEST_NAME, TEXT(""));
    expect(TEXT("\x1a\x00"));
}

static void put_subscription(void) {
    message_begin(&writer, QMS_SUBSCRIPTION_RESPONSE_SUBSCRIPTION);
    message_put_text(&writer, QMS_SUBSCRIPTION_UUID, TEXT("u"));
    message_put_flag(&writer, QMS_SUBSCRIPTION_PAID, true);
    message_begin(&writer, QMS_SUBSCRIPTION_PLAN_RATE);
    message_put_amount(&writer, QMS_PLAN_RATE_RATE, wire_example_amount("5"));
    message_put_time(&writer, QMS_PLAN_RATE_EFFECTIVE_DATE, 0);
    message_end(&writer);
    message_begin(&writer, QMS_SUBSCRIPTION_ADDONS);
    message_begin(&writer, QMS_SUBSCRIPTION_ADDON_ADDON);
    message_put_uuid(&writer, QMS_ADDON_UUID, &(struct uuid){0});
    message_end(&writer);
    message_end(&writer);
    message_end(&writer);
}

/* What generation A does not know is left out of what is written for it. */
static void one_function_writes_all_generations(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_user_plans_user_plan_response);
    put_subscription();
    expect(TEXT("{\"header\":null,\"error\":null,\"user_plan\":{\"uuid\":\"u\","
                "\"effective_start_date\":null,\"effective_end_date\":null,\"user\":null,"
                "\"plan\":null,\"quotas\":[],\"usages\":[]}}"));
    begin(MESSAGE_BINARY, &message_user_plans_user_plan_response);
    put_subscription();
    expect(TEXT("\x1a\x03\x0a\x01u"));
}

/* Fields 3 to 11 of a message that has two. */
static void put_more_than_there_is(void) {
    message_put_text(&writer, 3, TEXT("x"));
    message_put_uuid(&writer, 4, &(struct uuid){0});
    message_put_amount(&writer, 5, amount_of(1));
    message_put_integer(&writer, 6, 1);
    message_put_enum(&writer, 7, TEXT("INTERNAL"));
    message_put_flag(&writer, 8, true);
    message_put_time(&writer, 9, 1000000);
    message_put_null(&writer, 10);
    message_begin(&writer, 11);
    message_put_text(&writer, 1, TEXT("x"));
    message_put_null(&writer, 2);
    message_begin(&writer, 3);
    message_end(&writer);
    message_end(&writer);
}

static void what_a_message_has_no_field_for_is_left_out(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_qms_qmsuser);
    message_put_text(&writer, QMS_QMSUSER_USERNAME, TEXT("ada"));
    put_more_than_there_is();
    expect(TEXT("{\"uuid\":\"\",\"username\":\"ada\"}"));
    begin(MESSAGE_BINARY, &message_qms_qmsuser);
    message_put_text(&writer, QMS_QMSUSER_USERNAME, TEXT("ada"));
    put_more_than_there_is();
    expect(TEXT("\x12\x03" "ada"));
}

static void an_enum_goes_by_name_and_an_unknown_name_is_unspecified(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_svcerror_service_error);
    message_put_enum(&writer, SVCERROR_SERVICE_ERROR_ERROR_CODE, TEXT("FORBIDDEN"));
    message_put_integer(&writer, SVCERROR_SERVICE_ERROR_STATUS_CODE, 403);
    expect(TEXT("{\"error_code\":\"FORBIDDEN\",\"status_code\":403,\"message\":\"\"}"));
    begin(MESSAGE_BINARY, &message_svcerror_service_error);
    message_put_enum(&writer, SVCERROR_SERVICE_ERROR_ERROR_CODE, TEXT("FORBIDDEN"));
    message_put_integer(&writer, SVCERROR_SERVICE_ERROR_STATUS_CODE, -1);
    expect(TEXT("\x10\x0a\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    begin(MESSAGE_JSON, &message_user_plans_service_error);
    message_put_enum(&writer, SVCERROR_SERVICE_ERROR_ERROR_CODE, TEXT("FORBIDDEN"));
    expect(TEXT("{\"header\":null,\"error_code\":\"UNSPECIFIED\",\"status_code\":0,"
                "\"message\":\"\"}"));
}

static void a_list_may_be_null_in_json(void **state) {
    (void)state;
    begin(MESSAGE_JSON, &message_qms_addon_list_response);
    message_put_null(&writer, QMS_ADDON_LIST_RESPONSE_ADDONS);
    expect(TEXT("{\"header\":null,\"error\":null,\"addons\":null}"));
    begin(MESSAGE_BINARY, &message_qms_addon_list_response);
    message_put_null(&writer, QMS_ADDON_LIST_RESPONSE_ADDONS);
    expect(TEXT(""));
}

static void bytes_that_are_no_text_are_replaced(void **state) {
    (void)state;
    static const struct { struct text given, shown; } cases[] = {
        {TEXT("a\xff" "b"), TEXT("\x12\x05" "a\xef\xbf\xbd" "b")},
        {TEXT("\xc3"), TEXT("\x12\x03\xef\xbf\xbd")},
        {TEXT("\xc3\xa9\xed\xa0\x80"),
         TEXT("\x12\x0b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
        {TEXT("\xf0\x9f\x98\x80\xf0\x9f\x98"),
         TEXT("\x12\x0d\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(MESSAGE_BINARY, &message_qms_plan);
        message_put_text(&writer, QMS_PLAN_NAME, cases[i].given);
        expect(cases[i].shown);
    }
    begin(MESSAGE_JSON, &message_qms_qmsuser);
    message_put_text(&writer, QMS_QMSUSER_USERNAME, TEXT("a\xff" "b"));
    expect(TEXT("{\"uuid\":\"\",\"username\":\"a\\ufffdb\"}"));
}

/* Every size that is too small, in both encodings: failed is set, and nothing is written beyond. */
static void a_full_buffer_is_latched(void **state) {
    (void)state;
    for (int encoding = MESSAGE_JSON; encoding <= MESSAGE_BINARY; encoding++) {
        begin((enum message_encoding)encoding, &message_qms_subscription_response);
        put_subscription();
        message_finish(&writer);
        assert_false(out.failed);
        for (size_t bytes = 0; bytes < out.length; bytes++) {
            struct buffer small;
            buffer_init(&small, bytes);
            message_open(&writer, (enum message_encoding)encoding,
                         &message_qms_subscription_response, &small);
            put_subscription();
            message_finish(&writer);
            assert_true(small.failed);
            assert_true(small.length <= bytes);
            buffer_close(&small);
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_is_not_put_is_there_in_json_and_absent_in_binary),
        CASE(fields_before_in_between_and_behind_are_filled_in),
        CASE(messages_in_binary_have_their_length_before_them),
        CASE(a_map_is_an_object),
        CASE(amounts_are_exact_in_json_and_the_nearest_double_in_binary),
        CASE(times_are_text_in_json_and_seconds_in_binary),
        CASE(a_member_of_a_oneof_is_there_when_it_is_put),
        CASE(one_function_writes_all_generations),
        CASE(what_a_message_has_no_field_for_is_left_out),
        CASE(an_enum_goes_by_name_and_an_unknown_name_is_unspecified),
        CASE(a_list_may_be_null_in_json),
        CASE(bytes_that_are_no_text_are_replaced),
        CASE(a_full_buffer_is_latched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
