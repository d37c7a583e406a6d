#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void a_failure_carries_code_and_text(void **state) {
    (void)state;
    struct qms_error error;
    assert_false(qms_fail(&error, QMS_NOT_FOUND, "plan ID %s not found", "7"));
    assert_int_equal(error.code, QMS_NOT_FOUND);
    assert_string_equal(error.text, "plan ID 7 not found");
    assert_false(qms_fail_code(&error, QMS_BUSY));
    assert_int_equal(error.code, QMS_BUSY);
    assert_string_equal(error.text, qms_code_text(QMS_BUSY));
    assert_false(qms_fail(NULL, QMS_INTERNAL, "nobody asks"));
    assert_false(qms_fail_code(NULL, QMS_INTERNAL));
}

/* Repeats a character of each length at each distance from the end. */
static void long_text_is_cut_between_characters(void **state) {
    (void)state;
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < COUNT(characters); i++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[2 * QMS_ERROR_TEXT_MAX] = "....";
            size_t length = shift, bytes = strlen(characters[i]);
            for (; length + bytes < sizeof text; length += bytes)
                memcpy(text + length, characters[i], bytes);
            text[length] = '\0';
            struct qms_error error;
            qms_fail(&error, QMS_BAD_REQUEST, "%s", text);
            size_t kept = strlen(error.text);
            assert_true(kept < QMS_ERROR_TEXT_MAX);
            assert_true(kept + bytes >= QMS_ERROR_TEXT_MAX);
            assert_true(text_is_utf8(text_of(error.text)));
            assert_memory_equal(error.text, text, kept);
        }
    }
}

static void text_that_just_fits_is_not_cut(void **state) {
    (void)state;
    struct qms_error error;
    qms_fail(&error, QMS_BAD_REQUEST, "%0*d", QMS_ERROR_TEXT_MAX - 1, 1);
    assert_int_equal(strlen(error.text), QMS_ERROR_TEXT_MAX - 1);
    assert_int_equal(error.text[QMS_ERROR_TEXT_MAX - 2], '1');
}

/* The codes of qms-operations 1.1 and ours; numbers on the wire must not change by accident. */
static void codes_are_translated_by_column(void **state) {
    (void)state;
    static const struct {
        enum qms_code code;
        int http;
        const char *service;
        int exit;
    } cases[] = {
        {QMS_OK, 200, "UNSET", 0},
        {QMS_BAD_REQUEST, 400, "BAD_REQUEST", 2},
        {QMS_UNAUTHENTICATED, 401, "UNAUTHENTICATED", 3},
        {QMS_FORBIDDEN, 403, "FORBIDDEN", 3},
        {QMS_NOT_FOUND, 404, "NOT_FOUND", 4},
        {QMS_CONFLICT, 409, "BAD_REQUEST", 5},
        {QMS_TOO_LARGE, 413, "BAD_REQUEST", 2},
        {QMS_UNMARSHAL_FAILURE, 400, "UNMARSHAL_FAILURE", 2},
        {QMS_INTERNAL, 500, "INTERNAL", 1},
        {QMS_MARSHAL_FAILURE, 500, "MARSHAL_FAILURE", 1},
        {QMS_UNIMPLEMENTED, 501, "UNIMPLEMENTED", 1},
        {QMS_BUSY, 503, "UNSPECIFIED", 6},
        {QMS_UNAVAILABLE, 503, "UNSPECIFIED", 6},
        {QMS_OUTCOME_UNKNOWN, 504, "TIMEOUT", 7},
    };
    assert_int_equal(COUNT(cases), QMS_CODE_COUNT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(cases[i].code, i);
        assert_int_equal(qms_code_http(cases[i].code), cases[i].http);
        assert_string_equal(qms_code_service(cases[i].code), cases[i].service);
        assert_int_equal(qms_code_exit(cases[i].code), cases[i].exit);
        assert_true(strlen(qms_code_text(cases[i].code)) > 0);
    }
    assert_string_equal(qms_code_text(QMS_INTERNAL), "the request could not be completed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_carries_code_and_text),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(text_that_just_fits_is_not_cut),
        cmocka_unit_test(codes_are_translated_by_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
