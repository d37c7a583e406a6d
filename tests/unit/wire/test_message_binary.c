#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "proto/messages.h"
#include "support/exact.h"
#include "support/wire_example.h"

#define ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"

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
    return message_decode_binary(type, payload, refuse_unknown, &f->arena, &f->error);
}

static const struct message *decode(struct fixture *f, const struct message_type *type,
                                    struct text payload) {
    const struct message *message = try(f, type, false, payload);
    if (message == NULL) fail_msg("%s", f->error.text);
    return message;
}

static void refuse(struct fixture *f, const struct message_type *type, struct text payload,
                   const char *problem) {
    if (try(f, type, false, payload) != NULL) fail_msg("accepted instead of: %s", problem);
    assert_int_equal(f->error.code, QMS_BAD_REQUEST);
    if (strstr(f->error.text, problem) == NULL) fail_msg("%s: %s", problem, f->error.text);
}

static void expect_text(struct text found, const char *expected) {
    if (!text_equal(found, text_of(expected)))
        fail_msg("%.*s is not %s", TEXT_ARGUMENTS(found), expected);
}

static void expect_amount(const struct message *message, int number, const char *expected) {
    struct amount amount;
    assert_true(message_amount(message, number, &amount));
    if (amount_compare(amount, wire_example_amount(expected)) != 0) fail_msg("not %s", expected);
}

static void no_bytes_are_an_empty_message(void **state) {
    struct fixture *f = *state;
    const struct message *plan = decode(f, &message_qms_plan, TEXT(""));
    expect_text(message_text(plan, QMS_PLAN_NAME), "");
    assert_false(message_has(plan, QMS_PLAN_NAME));
    assert_non_null(message_decode_binary(&message_qms_plan, (struct text){0}, true, &f->arena,
                                          &f->error));
}

static void doubles_come_as_their_shortest_text(void **state) {
    static const struct { struct text bytes; const char *value; } cases[] = {
        {TEXT("\x11\x9a\x99\x99\x99\x99\x99\xb9\x3f"), "0.1"},
        {TEXT("\x11\x33\x33\x33\x33\x33\x33\xd3\x3f"), "0.3"},
        {TEXT("\x11\0\0\0\0\0\0\x29\xc0"), "-12.5"},
        {TEXT("\x11\0\0\0\0\0\0\0\x80"), "0"},
        {TEXT(""), "0"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_amount(decode(f, &message_qms_quota, cases[i].bytes), QMS_QUOTA_QUOTA,
                      cases[i].value);
}

static void floats_are_taken_for_doubles_and_doubles_for_floats(void **state) {
    struct fixture *f = *state;
    struct text float_01 = TEXT("\x15\xcd\xcc\xcc\x3d"); /* field 2: 0.1f */
    struct text double_01 = TEXT("\x11\x9a\x99\x99\x99\x99\x99\xb9\x3f");
    const struct { const struct message_type *type; int number; } cases[] = {
        {&message_qms_quota, QMS_QUOTA_QUOTA},
        {&message_qms_overage, QMS_OVERAGE_QUOTA},
        {&message_qms_quota_default, QMS_QUOTA_DEFAULT_QUOTA_VALUE},
        {&message_user_plans_quota, USER_PLANS_QUOTA_QUOTA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_amount(decode(f, cases[i].type, float_01), cases[i].number, "0.1");
        expect_amount(decode(f, cases[i].type, double_01), cases[i].number, "0.1");
    }
    struct text usage = TEXT("\x1d\xcd\xcc\xcc\x3d"); /* field 3 */
    expect_amount(decode(f, &message_qms_overage, usage), QMS_OVERAGE_USAGE, "0.1");
    struct text addon = TEXT("\x2d\x00\x00\x20\x41"); /* field 5: 10f */
    expect_amount(decode(f, &message_qms_addon, addon), QMS_ADDON_DEFAULT_AMOUNT, "10");
    struct text applied = TEXT("\x25\xff\xff\x7f\x4b"); /* field 4: 16777215f */
    expect_amount(decode(f, &message_qms_subscription_addon, applied),
                  QMS_SUBSCRIPTION_ADDON_AMOUNT, "16777215");
}

static void amounts_that_qms_cannot_hold_are_told(void **state) {
    static const struct text cases[] = {
        TEXT("\x11\0\0\0\0\0\0\xf0\x7f"), /* infinity */
        TEXT("\x11\0\0\0\0\0\0\xf8\x7f"), /* NaN */
        TEXT("\x11\xff\xff\xff\xff\xff\xff\xef\x7f"), /* the largest double */
        TEXT("\x11\1\0\0\0\0\0\0\0"), /* the smallest */
        TEXT("\x15\0\0\x80\xff"), /* minus infinity, a float */
        TEXT("\x15\0\0\xc0\x7f"), /* NaN, a float */
    };
    struct fixture *f = *state;
    struct amount amount;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(message_amount(decode(f, &message_qms_quota, cases[i]), QMS_QUOTA_QUOTA,
                                    &amount));
        assert_int_equal(amount_sign(amount), 0);
    }
}

static void a_subscription_addon_names_its_subscription_as_id_or_as_message(void **state) {
    struct fixture *f = *state;
    static const struct { struct text bytes; const char *id; } cases[] = {
        {TEXT("\x1a\x24" ID), ID},
        {TEXT("\x1a\x26\x0a\x24" ID), ID},
        {TEXT("\x1a\x28\x40\x01\x0a\x24" ID), ID}, /* paid before the id */
        {TEXT("\x1a\x2a\x0a\x24" ID "\x22\x02\x0a\x00"), ID}, /* the user behind it */
        {TEXT("\x1a\x02\x40\x01"), ""},
        {TEXT("\x1a\x00"), ""},
        {TEXT("\x1a\x03" "abc"), "abc"}, /* neither: the rules refuse it */
        {TEXT("\x1a\x03\x0a\x01x"), "\x0a\x01x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct message *addon =
            decode(f, &message_qms_subscription_addon, cases[i].bytes);
        expect_text(message_text(addon, QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID), cases[i].id);
    }
}

static void unknown_fields_are_skipped_unless_asked_otherwise(void **state) {
    static const struct text cases[] = {
        TEXT("\x98\x01\x96\x01" "\x12\x01n"),                 /* 19, a varint */
        TEXT("\x99\x01" "12345678" "\x12\x01n"),              /* 19, eight bytes */
        TEXT("\x9a\x01\x03" "\xff\xff\xff" "\x12\x01n"),      /* 19, three bytes */
        TEXT("\x9d\x01" "1234" "\x12\x01n"),                  /* 19, four bytes */
        TEXT("\x10\x07" "\x12\x01n"),                         /* the name, as a number */
        TEXT("\x12\x01n" "\x20\x01"),                         /* the list, as a number */
        TEXT("\xf8\xff\xff\xff\x0f\x01" "\x12\x01n"),         /* the largest number of a field */
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_text(message_text(decode(f, &message_qms_plan, cases[i]), QMS_PLAN_NAME), "n");
        assert_null(try(f, &message_qms_plan, true, cases[i]));
        assert_non_null(strstr(f->error.text, "an unknown field"));
    }
    /* consumable was a text for some hours, and ServiceError had a header */
    const struct message *type =
        decode(f, &message_qms_resource_type, TEXT("\x22\x04true\x12\x01n"));
    assert_false(message_flag(type, QMS_RESOURCE_TYPE_CONSUMABLE));
    decode(f, &message_svcerror_service_error, TEXT("\x0a\x02\x0a\x00"));
}

static void of_repeated_scalars_the_last_counts_and_messages_are_merged(void **state) {
    struct fixture *f = *state;
    const struct message *plan = decode(f, &message_qms_plan, TEXT("\x12\x01" "a" "\x12\x01" "b"));
    expect_text(message_text(plan, QMS_PLAN_NAME), "b");
    const struct message *add = decode(f, &message_qms_add_plan_request,
                                       TEXT("\x12\x03\x12\x01" "a" "\x12\x03\x1a\x01" "d"));
    plan = message_child(add, QMS_ADD_PLAN_REQUEST_PLAN);
    expect_text(message_text(plan, QMS_PLAN_NAME), "a");
    expect_text(message_text(plan, QMS_PLAN_DESCRIPTION), "d");
    const struct message *change = decode(f, &message_qms_change_subscription_request,
                                          TEXT("\x1a\x01u\x22\x01n"));
    expect_text(message_text(change, QMS_CHANGE_SUBSCRIPTION_REQUEST_NAME), "n");
    assert_false(message_has(change, QMS_CHANGE_SUBSCRIPTION_REQUEST_UUID));
}

static void integers_take_as_many_bytes_as_they_come_in(void **state) {
    static const struct { struct text bytes; int64_t value; } cases[] = {
        {TEXT("\x30\x03"), 3},
        {TEXT("\x30\x83\x80\x80\x00"), 3},
        {TEXT("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -1},
        {TEXT("\x30\xff\xff\xff\xff\x07"), INT32_MAX},
        {TEXT("\x30\x80\x80\x80\x80\x10"), 0}, /* 2 to the 32nd: cut, as protobuf has it */
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct message *user = decode(f, &message_qms_add_user_request, cases[i].bytes);
        assert_int_equal(message_integer(user, QMS_ADD_USER_REQUEST_PERIODS), cases[i].value);
    }
}

static void what_is_no_message_is_refused(void **state) {
    static const struct { struct text bytes; const char *problem; } cases[] = {
        {TEXT("\x12"), "the message ends too early at byte 1"},
        {TEXT("\x12\x02n"), "the message ends too early"},
        {TEXT("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01n"), "the message ends too early"},
        {TEXT("\x22\x03\x11" "12"), "the message ends too early"},
        {TEXT("\x80"), "the message ends too early"},
        {TEXT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "a number of more than ten bytes"},
        {TEXT("\x02\x01n"), "a field without a number"},
        {TEXT("\x80\x80\x80\x80\x10\x00"), "a field without a number"},
        {TEXT("\x13\x14"), "a field of an unknown wire type"}, /* a group */
        {TEXT("\x14"), "a field of an unknown wire type"},
        {TEXT("\x16"), "a field of an unknown wire type"},
        {TEXT("\x17"), "a field of an unknown wire type"},
        {TEXT("\x9b\x01\x9c\x01"), "a field of an unknown wire type"}, /* of an unknown number */
        {TEXT("\x12\x01\xff"), "a text is not UTF-8"},
        {TEXT("\x12\x03\xed\xa0\x80"), "a text is not UTF-8"},
        {TEXT("\x12\x01\0"), "a zero byte in a text"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(f, &message_qms_plan, cases[i].bytes, cases[i].problem);
}

static void the_parts_of_a_message_are_bounded(void **state) {
    struct fixture *f = *state;
    size_t most = MESSAGE_PARTS_MAX / 2 - 1;
    char *rates = arena_take(&f->arena, 2 * (most + 1));
    for (size_t i = 0; i <= most; i++) memcpy(rates + 2 * i, "\x2a\x00", 2);
    decode(f, &message_qms_plan, (struct text){.data = rates, .length = 2 * most});
    refuse(f, &message_qms_plan, (struct text){.data = rates, .length = 2 * most + 2},
           "too many parts");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(no_bytes_are_an_empty_message),
        CASE(doubles_come_as_their_shortest_text),
        CASE(floats_are_taken_for_doubles_and_doubles_for_floats),
        CASE(amounts_that_qms_cannot_hold_are_told),
        CASE(a_subscription_addon_names_its_subscription_as_id_or_as_message),
        CASE(unknown_fields_are_skipped_unless_asked_otherwise),
        CASE(of_repeated_scalars_the_last_counts_and_messages_are_merged),
        CASE(integers_take_as_many_bytes_as_they_come_in),
        CASE(what_is_no_message_is_refused),
        CASE(the_parts_of_a_message_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
