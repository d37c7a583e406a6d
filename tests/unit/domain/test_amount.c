#include "domain/amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NINES_30 "999999999999999999999999999999"
#define NINES_34 "9999999999999999999999999999999999"
#define ZEROS_40 "0000000000000000000000000000000000000000"

/* On the heap and exactly as long, so that the sanitizer sees a byte read behind it. */
static enum amount_status parse(const char *string, struct amount *amount) {
    struct text text = text_of(string);
    char *copy = memory_take(text.length);
    memcpy(copy, text.data, text.length);
    enum amount_status status =
        amount_parse((struct text){.data = copy, .length = text.length}, amount);
    memory_give(copy);
    return status;
}

static struct amount the(const char *string) {
    struct amount amount;
    if (parse(string, &amount) != AMOUNT_OK) fail_msg("%s", string);
    return amount;
}

static void expect_text(struct amount amount, const char *expected) {
    char out[AMOUNT_TEXT_MAX];
    size_t length = amount_format(amount, out);
    if (length != strlen(expected) || memcmp(out, expected, length) != 0)
        fail_msg("%.*s instead of %s", (int)length, out, expected);
}

static void expect_json(struct amount amount, const char *expected) {
    char out[AMOUNT_TEXT_MAX];
    size_t length = amount_format_json(amount, out);
    if (length != strlen(expected) || memcmp(out, expected, length) != 0)
        fail_msg("%.*s instead of %s", (int)length, out, expected);
}

/* ---- reading and writing ---- */

static void numbers_are_read_by_value_and_written_plainly(void **state) {
    (void)state;
    static const struct {
        const char *text, *plain;
    } cases[] = {
        {"0", "0"}, {"-0", "0"}, {"+0", "0"}, {"0.0", "0"}, {"-0.000e5", "0"}, {"000", "0"},
        {"0e999999999", "0"}, {"0e-999999999", "0"},
        {"0e99999999999999999999999999999999999999", "0"},
        {"-0.0e-99999999999999999999999999999999999999", "0"},
        {"1", "1"}, {"-1", "-1"}, {"+1", "1"}, {"007", "7"}, {"1.10", "1.1"}, {"1.000", "1"},
        {"0.1", "0.1"}, {"-0.05", "-0.05"}, {"100", "100"}, {"1e2", "100"}, {"1E+2", "100"},
        {"1e-2", "0.01"}, {"1.5e1", "15"}, {"1.5e0", "1.5"}, {"12.345e-3", "0.012345"},
        {"0.00012e2", "0.012"}, {"1e0000000000000000000000000000000000000000001", "10"},
        {"1." ZEROS_40, "1"}, {"1" ZEROS_40 "e-40", "1"}, {"0." ZEROS_40 "1e41", "1"},
        {ZEROS_40 ZEROS_40 "1." ZEROS_40 ZEROS_40, "1"},
        {"1e29", "100000000000000000000000000000"},
        {"0.1e30", "100000000000000000000000000000"},
        {"1e-30", "0.000000000000000000000000000001"},
        {NINES_30, NINES_30},
        {NINES_30 ".9999", NINES_30 ".9999"},
        {"-0." NINES_30, "-0." NINES_30},
        {"9999." NINES_30, "9999." NINES_30},
        {"18446744073709551615", "18446744073709551615"},
        {"18446744073709551616", "18446744073709551616"},
        {"100000000000000000.5", "100000000000000000.5"},
        {"100000000000000000000000000000.0001", "100000000000000000000000000000.0001"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) expect_text(the(cases[i].text), cases[i].plain);
}

static void what_is_not_a_number_is_a_syntax_error(void **state) {
    (void)state;
    static const char *const cases[] = {
        "", " ", "-", "+", ".", "e5", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1e-", "1e5x",
        "12abc", "0x10", "1,5", "1_000", " 1", "1 ", "1 2", "--1", "+-1", "1-", "1.2.3", "1e2.5",
        "1e2e3", "1..2", "NaN", "nan", "-NaN", "sNaN", "Inf", "Infinity", "-inf", "infinity",
        "one", "\xD9\xA1", "1\n", "1e5 ", "1f", "1d5", "0b1", "e", "E", "-e1",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount amount = amount_of(7);
        if (parse(cases[i], &amount) != AMOUNT_SYNTAX) fail_msg("%s", cases[i]);
        expect_text(amount, "7");
        if (amount_parse_stored(text_of(cases[i]), &amount) != AMOUNT_SYNTAX)
            fail_msg("%s", cases[i]);
        expect_text(amount, "7");
    }
    struct amount amount;
    assert_int_equal(amount_parse((struct text){.data = NULL, .length = 0}, &amount),
                     AMOUNT_SYNTAX);
    assert_int_equal(amount_parse(TEXT("1\0"), &amount), AMOUNT_SYNTAX);
}

static void what_is_too_large_or_too_fine_is_out_of_range(void **state) {
    (void)state;
    static const char *const cases[] = {
        "1e30", "-1e30", "1" NINES_30, "0.1e31", "1e31", "1e6144", "1e6145", "1e999999999",
        "-1e99999999999999999999999999999999999999", "1e-31", "1.1e-30", "0." ZEROS_40 "1",
        "1e-6176", "1e-6177", "1e-999999999", "1e-99999999999999999999999999999999999999",
        "1e4294967296", "1e18446744073709551616", "1e-18446744073709551617",
        "10000000000000000000000000000.000001",  /* 35 digits */
        "1.0000000000000000000000000000000001", /* 34 fraction digits */
        NINES_30 ".99999", "12345678901234567890123456789012345",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount amount = amount_of(7);
        if (parse(cases[i], &amount) != AMOUNT_RANGE) fail_msg("%s", cases[i]);
        expect_text(amount, "7");
    }
}

static void a_long_text_is_read_in_one_pass(void **state) {
    (void)state;
    enum { DIGITS = 1 << 20 };
    char *text = memory_take(DIGITS);
    memset(text, '0', DIGITS);
    struct amount amount;
    struct text whole = {.data = text, .length = DIGITS};
    assert_int_equal(amount_parse(whole, &amount), AMOUNT_OK);
    assert_int_equal(amount_sign(amount), 0);
    text[0] = '1';
    assert_int_equal(amount_parse(whole, &amount), AMOUNT_RANGE);
    text[1] = '.';
    assert_int_equal(amount_parse(whole, &amount), AMOUNT_OK);
    expect_text(amount, "1");
    text[DIGITS - 1] = '1';
    assert_int_equal(amount_parse(whole, &amount), AMOUNT_RANGE);
    assert_int_equal(amount_parse_stored(whole, &amount), AMOUNT_INEXACT);
    expect_text(amount, "1");
    memory_give(text);
}

static void stored_numbers_know_whether_they_were_rounded(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum amount_status status;
        const char *plain;
    } cases[] = {
        {"0.1", AMOUNT_OK, "0.1"},
        {"-0", AMOUNT_OK, "0"},
        {"0e-99999999999", AMOUNT_OK, "0"},
        {"1e31", AMOUNT_OK, "10000000000000000000000000000000"},
        {"1e-31", AMOUNT_OK, "0.0000000000000000000000000000001"},
        {NINES_34, AMOUNT_OK, NINES_34},
        {"1" ZEROS_40, AMOUNT_OK, "1" ZEROS_40},
        {NINES_34 "4", AMOUNT_INEXACT, NINES_34 "0"},
        {NINES_34 "5", AMOUNT_INEXACT, "100000000000000000000000000000000000"},
        {"1234567890123456789012345678901234.5", AMOUNT_INEXACT,
         "1234567890123456789012345678901234"}, /* half, to even */
        {"1234567890123456789012345678901235.5", AMOUNT_INEXACT,
         "1234567890123456789012345678901236"},
        {"1234567890123456789012345678901234.50001", AMOUNT_INEXACT,
         "1234567890123456789012345678901235"},
        {"-1234567890123456789012345678901234.6", AMOUNT_INEXACT,
         "-1234567890123456789012345678901235"},
        {"1234567890123456789012345678901234.4999", AMOUNT_INEXACT,
         "1234567890123456789012345678901234"},
        {"1e-70", AMOUNT_OK,
         "0.0000000000000000000000000000000000000000000000000000000000000000000001"},
        {"1e-71", AMOUNT_INEXACT, "0"},
        {"1e-18446744073709551616", AMOUNT_INEXACT, "0"},
        {"5e-71", AMOUNT_INEXACT, "0"}, /* half, to even */
        {"-5.1e-71", AMOUNT_INEXACT,
         "-0.0000000000000000000000000000000000000000000000000000000000000000000001"},
        {"9e-72", AMOUNT_INEXACT, "0"},
        {"1e-999999999999", AMOUNT_INEXACT, "0"},
        {"15e-71", AMOUNT_INEXACT,
         "0.0000000000000000000000000000000000000000000000000000000000000000000002"},
        {"9.999e69", AMOUNT_OK,
         "9999000000000000000000000000000000000000000000000000000000000000000000"},
        {"1e70", AMOUNT_RANGE, NULL},
        {"1e999999999999", AMOUNT_RANGE, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount amount = amount_of(7);
        if (amount_parse_stored(text_of(cases[i].text), &amount) != cases[i].status)
            fail_msg("%s", cases[i].text);
        expect_text(amount, cases[i].plain == NULL ? "7" : cases[i].plain);
    }
}

static void json_numbers_have_an_exponent_only_at_the_ends(void **state) {
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"0", "0"}, {"1", "1"}, {"-1.5", "-1.5"}, {"200", "200"}, {"0.1", "0.1"},
        {"0.000001", "0.000001"}, {"0.00000123", "0.00000123"}, {"0.0000001", "1e-7"},
        {"0.00000099", "9.9e-7"}, {"-0.00000012345", "-1.2345e-7"}, {"1e-10", "1e-10"},
        {"1e-30", "1e-30"}, {"1e20", "100000000000000000000"},
        {"999999999999999999999", "999999999999999999999"},
        {"999999999999999999999.5", "999999999999999999999.5"},
        {"1e21", "1e+21"}, {"15e21", "1.5e+22"}, {"-1e21", "-1e+21"},
        {"1000000000000000000000.5", "1.0000000000000000000005e+21"},
        {NINES_30, "9.99999999999999999999999999999e+29"},
        {"131732.7819444444443404732", "131732.7819444444443404732"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) expect_json(the(cases[i].text), cases[i].json);
}

/* ---- arithmetic ---- */

static void sums_are_exact_or_refused(void **state) {
    (void)state;
    static const struct {
        const char *left, *right, *sum; /* NULL: refused */
    } cases[] = {
        {"0.1", "0.2", "0.3"},
        {"-5", "5", "0"},
        {"5", "-5.000", "0"},
        {"0", "0", "0"},
        {"-0.1", "0.1", "0"},
        {"1e29", "-1e29", "0"},
        {"0.5", "0.5", "1"},
        {"1.10", "1.1", "2.2"},
        {"9.99", "0.01", "10"},
        {"1e29", "1e-4", "100000000000000000000000000000.0001"},
        {"1e29", "1e-5", NULL},
        {"1e29", "-1e-4", "99999999999999999999999999999.9999"},
        {"1e29", "-1e-5", "99999999999999999999999999999.99999"},
        {"1e29", "-1e-6", NULL},
        {"1e20", "1e-20", NULL},
        {NINES_30 ".9999", "0.0001", "1000000000000000000000000000000"},
        {NINES_30 ".9999", "0.0002", NULL},
        {"0.000000000000000000000000000001", "9999.999999999999999999999999999999", "10000"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount left = the(cases[i].left), right = the(cases[i].right), sum = amount_of(7);
        if (amount_add(left, right, &sum) != (cases[i].sum != NULL))
            fail_msg("%s + %s", cases[i].left, cases[i].right);
        expect_text(sum, cases[i].sum == NULL ? "7" : cases[i].sum);
        if (cases[i].sum == NULL) continue;
        struct amount back = amount_of(7);
        assert_true(amount_subtract(sum, right, &back));
        assert_int_equal(amount_compare(back, left), 0);
    }
}

static struct amount stored(const char *text) {
    struct amount amount;
    assert_int_equal(amount_parse_stored(text_of(text), &amount), AMOUNT_OK);
    return amount;
}

static void results_stay_below_ten_to_the_34th(void **state) {
    (void)state;
    struct amount result = amount_of(7), largest = stored(NINES_34);
    assert_true(amount_add(largest, amount_zero(), &result));
    expect_text(result, NINES_34);
    result = amount_of(7);
    assert_false(amount_add(largest, amount_of(1), &result));
    assert_false(amount_subtract(amount_of(-1), largest, &result));
    assert_false(amount_add(stored("1e40"), stored("1e40"), &result));
    assert_false(amount_multiply(stored("5e33"), 2, &result));
    expect_text(result, "7");
    assert_true(amount_subtract(stored("1e40"), stored("1e40"), &result));
    expect_text(result, "0");
    assert_true(amount_subtract(stored("1e40"), stored("9999999e33"), &result));
    expect_text(result, "1000000000000000000000000000000000");
}

static void products_are_exact_or_refused(void **state) {
    (void)state;
    static const struct {
        const char *amount;
        int64_t factor;
        const char *product;
    } cases[] = {
        {"0.1", 3, "0.3"}, {"-0.1", 3, "-0.3"}, {"0.1", -10, "-1"}, {"5", 0, "0"}, {"-5", 0, "0"},
        {"0", -5, "0"}, {"1", INT64_MIN, "-9223372036854775808"},
        {"1", INT64_MAX, "9223372036854775807"},
        {"1e-30", INT64_MAX, "0.000000000009223372036854775807"},
        {"1e29", 10000, "1000000000000000000000000000000000"},
        {"1e29", 100000, NULL},
        {NINES_30 ".9999", 1, NINES_30 ".9999"},
        {NINES_30 ".9999", 2, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount product = amount_of(7);
        if (amount_multiply(the(cases[i].amount), cases[i].factor, &product) !=
            (cases[i].product != NULL))
            fail_msg("%s", cases[i].amount);
        expect_text(product, cases[i].product == NULL ? "7" : cases[i].product);
    }
}

static void ten_million_tenths_drift_by_nothing(void **state) {
    (void)state;
    struct amount sum = amount_zero(), tenth = the("0.1");
    for (int i = 0; i < 10000000; i++)
        if (!amount_add(sum, tenth, &sum)) fail();
    expect_text(sum, "1000000");
}

static void amounts_are_ordered_by_value_not_by_bits(void **state) {
    (void)state;
    static const char *const ordered[] = {
        "-" NINES_30, "-1e20", "-200", "-1.11", "-1.1", "-0.1", "-1e-30", "0", "1e-30", "1e-29",
        "0.1", "0.5", "1.1", "1.100000000000000000000000000001", "1.2", "200", "1e20",
        "100000000000000000000.0001", NINES_30, NINES_30 ".9999",
    };
    for (size_t i = 0; i < COUNT(ordered); i++) {
        struct amount left = the(ordered[i]);
        assert_int_equal(amount_sign(left), (i > 7) - (i < 7));
        for (size_t j = 0; j < COUNT(ordered); j++) {
            int order = amount_compare(left, the(ordered[j]));
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s and %s", ordered[i], ordered[j]);
        }
    }
    struct amount one_in_tenths; /* other bits than those of 1 */
    assert_true(amount_add(the("0.5"), the("0.5"), &one_in_tenths));
    struct amount one = amount_of(1);
    assert_memory_not_equal(&one_in_tenths, &one, sizeof one);
    assert_int_equal(amount_compare(one_in_tenths, amount_of(1)), 0);
    assert_int_equal(amount_compare(stored("1e40"), stored("9e39")) > 0, 1);
}

static void zero_has_one_form(void **state) {
    (void)state;
    struct amount zero = amount_zero(), result;
    const uint64_t bits[2] = {0, UINT64_C(0x3040000000000000)};
    assert_memory_equal(zero.word, bits, sizeof bits);
    static const char *const zeros[] = {"0", "-0", "0.000", "-0e20", "0e-20"};
    for (size_t i = 0; i < COUNT(zeros); i++) {
        result = the(zeros[i]);
        assert_memory_equal(&result, &zero, sizeof zero);
    }
    assert_true(amount_subtract(the("0.25"), the("0.25"), &result));
    assert_memory_equal(&result, &zero, sizeof zero);
    assert_true(amount_multiply(the("-0.25"), 0, &result));
    assert_memory_equal(&result, &zero, sizeof zero);
    result = amount_of(0);
    assert_memory_equal(&result, &zero, sizeof zero);
    assert_true(amount_of_double(-0.0, &result));
    assert_memory_equal(&result, &zero, sizeof zero);
}

static void integers_become_amounts(void **state) {
    (void)state;
    expect_text(amount_of(200), "200");
    expect_text(amount_of(-1), "-1");
    expect_text(amount_of(INT64_MAX), "9223372036854775807");
    expect_text(amount_of(INT64_MIN), "-9223372036854775808");
}

/* ---- doubles ---- */

static void doubles_enter_by_their_shortest_text(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"}, {0.1, "0.1"}, {-0.1, "-0.1"}, {0.3, "0.3"}, {0.1 + 0.2, "0.30000000000000004"},
        {100.0, "100"}, {1e22, "10000000000000000000000"}, {1e23, "100000000000000000000000"},
        {1.0 / 3.0, "0.3333333333333333"}, {2.0 / 3.0, "0.6666666666666666"},
        {5e-324, NULL}, {1e-30, "0.000000000000000000000000000001"}, {1e30, NULL}, {1e-31, NULL},
        {9007199254740993.0, "9007199254740992"}, {11841.0 / 3600, "3.2891666666666666"},
        {123456789012345.6, "123456789012345.6"}, {8.41e21, "8410000000000000000000"},
        {0x1.fffffffffffffp+52, "9007199254740991"},
        /* the nearest 16 digits do not read back here, but those above do */
        {0x1p-44, "0.00000000000005684341886080802"},
        {-0x1p-24, "-0.00000005960464477539063"},
        {0x1p+89, "618970019642690200000000000"},
        {1.0 / 0.0, NULL}, {-1.0 / 0.0, NULL}, {0.0 / 0.0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct amount amount = amount_of(7);
        if (amount_of_double(cases[i].value, &amount) != (cases[i].text != NULL))
            fail_msg("%.17g", cases[i].value);
        expect_text(amount, cases[i].text == NULL ? "7" : cases[i].text);
    }
}

static void an_amount_becomes_the_nearest_double(void **state) {
    (void)state;
    static const char *const cases[] = {
        "0", "0.1", "-0.1", "200", "0.3333333333333333333333333333", "9007199254740993",
        "9007199254740993.0000000000001", "131732.7819444444443404732", NINES_30 ".9999", "1e-30",
        "1.000000000000000111022302462516", "0.30000000000000004",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double expected = strtod(cases[i], NULL), value = amount_to_double(the(cases[i]));
        if (value != expected) fail_msg("%.17g instead of %.17g", value, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_by_value_and_written_plainly),
        cmocka_unit_test(what_is_not_a_number_is_a_syntax_error),
        cmocka_unit_test(what_is_too_large_or_too_fine_is_out_of_range),
        cmocka_unit_test(a_long_text_is_read_in_one_pass),
        cmocka_unit_test(stored_numbers_know_whether_they_were_rounded),
        cmocka_unit_test(json_numbers_have_an_exponent_only_at_the_ends),
        cmocka_unit_test(sums_are_exact_or_refused),
        cmocka_unit_test(results_stay_below_ten_to_the_34th),
        cmocka_unit_test(products_are_exact_or_refused),
        cmocka_unit_test(ten_million_tenths_drift_by_nothing),
        cmocka_unit_test(amounts_are_ordered_by_value_not_by_bits),
        cmocka_unit_test(zero_has_one_form),
        cmocka_unit_test(integers_become_amounts),
        cmocka_unit_test(doubles_enter_by_their_shortest_text),
        cmocka_unit_test(an_amount_becomes_the_nearest_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
