/* Random numbers, worked out a second time as long hand would: digit by digit, in decimal arrays
 * long enough for anything the generator makes. */
#include "domain/amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sanitized.h"

/* The sanitizers look at memory, not at numbers, and take their time. */
enum {
    ROUNDS = SANITIZED ? 20000 : 200000,
    PLACES = 400,     /* digits of a long-hand number */
    ONES_PLACE = 200, /* the place of 10^0 */
    TEXT_BYTES_MAX = 128,
};

struct longhand {
    bool negative;
    signed char digits[PLACES]; /* least first: digits[ONES_PLACE + e] is that of 10^e */
};

static uint64_t seed = UINT64_C(0x243F6A8885A308D3);

static unsigned random_below(unsigned bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 32) % bound);
}

/* Runs of zeros and nines are where carries and trailing zeros live. */
static char *put_random_digits(char *out, unsigned count_max) {
    unsigned count = 1 + random_below(count_max), kind = random_below(4);
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = random_below(10);
        if (kind == 1) digit = 0;
        if (kind == 2) digit = 9;
        if (kind == 3) digit = random_below(8) == 0 ? digit : 0;
        *out++ = (char)('0' + digit);
    }
    return out;
}

static struct text random_number(char text[TEXT_BYTES_MAX]) {
    static const unsigned lengths[] = {2, 6, 17, 32, 40};
    char *out = text;
    if (random_below(3) == 0) *out++ = "-+"[random_below(2)];
    out = put_random_digits(out, lengths[random_below(5)]);
    if (random_below(2) == 0) {
        *out++ = '.';
        out = put_random_digits(out, lengths[random_below(5)]);
    }
    if (random_below(3) == 0) {
        size_t room = (size_t)(text + TEXT_BYTES_MAX - out);
        out += snprintf(out, room, "%c%+d", "eE"[random_below(2)], (int)random_below(80) - 40);
    }
    return (struct text){.data = text, .length = (size_t)(out - text)};
}

static struct longhand longhand_read(struct text text) {
    struct longhand number = {.negative = false};
    size_t digits_end = text.length, point = text.length;
    for (size_t i = text.length; i-- > 0;)
        if (text.data[i] == 'e' || text.data[i] == 'E') digits_end = point = i;
    int exponent = 0;
    if (digits_end < text.length) exponent = (int)strtol(text.data + digits_end + 1, NULL, 10);
    for (size_t i = 0; i < digits_end; i++)
        if (text.data[i] == '.') point = i;
    for (size_t i = 0; i < digits_end; i++) {
        char digit = text.data[i];
        if (digit == '-') number.negative = true;
        if (digit < '0' || digit > '9') continue;
        int power = i < point ? (int)(point - i) - 1 : -(int)(i - point);
        number.digits[ONES_PLACE + power + exponent] = (signed char)(digit - '0');
    }
    return number;
}

/* The places of the first and the last digit that is not zero; false for zero. */
static bool longhand_span(const struct longhand *number, int *first, int *last) {
    *first = PLACES - 1;
    *last = 0;
    while (*first >= 0 && number->digits[*first] == 0) --*first;
    if (*first < 0) return false;
    while (number->digits[*last] == 0) ++*last;
    return true;
}

static int longhand_compare_magnitude(const struct longhand *left, const struct longhand *right) {
    for (int i = PLACES - 1; i >= 0; i--)
        if (left->digits[i] != right->digits[i]) return left->digits[i] - right->digits[i];
    return 0;
}

static int longhand_sign(const struct longhand *number) {
    int first, last;
    if (!longhand_span(number, &first, &last)) return 0;
    return number->negative ? -1 : 1;
}

static int longhand_compare(const struct longhand *left, const struct longhand *right) {
    int left_sign = longhand_sign(left), right_sign = longhand_sign(right);
    if (left_sign != right_sign) return left_sign - right_sign;
    return left_sign * longhand_compare_magnitude(left, right);
}

static struct longhand longhand_add(const struct longhand *left, const struct longhand *right) {
    bool left_larger = longhand_compare_magnitude(left, right) >= 0;
    const struct longhand *larger = left_larger ? left : right;
    const struct longhand *smaller = left_larger ? right : left;
    int sign = left->negative == right->negative ? 1 : -1, carry = 0;
    struct longhand sum = {.negative = larger->negative};
    for (int i = 0; i < PLACES; i++) {
        int digit = larger->digits[i] + sign * smaller->digits[i] + carry;
        carry = digit > 9 ? 1 : digit < 0 ? -1 : 0;
        sum.digits[i] = (signed char)(digit - 10 * carry);
    }
    return sum;
}

static size_t longhand_write(const struct longhand *number, char out[PLACES]) {
    int first, last;
    char *end = out;
    if (!longhand_span(number, &first, &last)) {
        *out = '0';
        return 1;
    }
    if (number->negative) *end++ = '-';
    if (first < ONES_PLACE) first = ONES_PLACE;
    if (last > ONES_PLACE) last = ONES_PLACE;
    for (int i = first; i >= last; i--) {
        if (i == ONES_PLACE - 1) *end++ = '.';
        *end++ = (char)('0' + number->digits[i]);
    }
    return (size_t)(end - out);
}

static enum amount_status longhand_status(const struct longhand *number) {
    int first, last;
    if (!longhand_span(number, &first, &last)) return AMOUNT_OK;
    bool fits = first < ONES_PLACE + AMOUNT_WIRE_INTEGER_DIGITS_MAX &&
                last >= ONES_PLACE - AMOUNT_WIRE_FRACTION_DIGITS_MAX &&
                first - last < AMOUNT_DIGITS_MAX;
    return fits ? AMOUNT_OK : AMOUNT_RANGE;
}

static void expect_equal(struct amount amount, const struct longhand *expected, const char *what) {
    char text[AMOUNT_TEXT_MAX], expected_text[PLACES];
    size_t length = amount_format(amount, text);
    size_t expected_length = longhand_write(expected, expected_text);
    if (length != expected_length || memcmp(text, expected_text, length) != 0)
        fail_msg("%s: %.*s instead of %.*s", what, (int)length, text, (int)expected_length,
                 expected_text);
}

/* The next random number that the wire accepts; those refused are checked on the way. */
static struct amount next_amount(struct longhand *number) {
    for (;;) {
        char text[TEXT_BYTES_MAX];
        struct text given = random_number(text);
        struct amount amount;
        *number = longhand_read(given);
        enum amount_status status = amount_parse(given, &amount);
        if (status != longhand_status(number)) fail_msg("%.*s", TEXT_ARGUMENTS(given));
        if (status == AMOUNT_OK) return amount;
    }
}

static void texts_are_read_and_written_as_long_hand_does(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct longhand number;
        struct amount amount = next_amount(&number);
        expect_equal(amount, &number, "read");
        assert_int_equal(amount_sign(amount), longhand_sign(&number));
    }
}

static void sums_are_those_of_long_hand(void **state) {
    (void)state;
    int exact = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct longhand left, right;
        struct amount sum, left_amount = next_amount(&left), right_amount = next_amount(&right);
        struct longhand expected = longhand_add(&left, &right);
        int first, last;
        bool fits = !longhand_span(&expected, &first, &last) || first - last < AMOUNT_DIGITS_MAX;
        if (amount_add(left_amount, right_amount, &sum) != fits) fail_msg("round %d", i);
        if (fits) expect_equal(sum, &expected, "sum");
        exact += fits;

        right.negative = !right.negative;
        expected = longhand_add(&left, &right);
        fits = !longhand_span(&expected, &first, &last) || first - last < AMOUNT_DIGITS_MAX;
        if (amount_subtract(left_amount, right_amount, &sum) != fits) fail_msg("round %d", i);
        if (fits) expect_equal(sum, &expected, "difference");
    }
    assert_in_range(exact, ROUNDS / 10, ROUNDS - ROUNDS / 100); /* both outcomes are tried */
}

static void the_order_is_that_of_long_hand(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct longhand left, right;
        struct amount left_amount = next_amount(&left), right_amount = next_amount(&right);
        int order = amount_compare(left_amount, right_amount);
        int expected = longhand_compare(&left, &right);
        if ((order > 0) - (order < 0) != (expected > 0) - (expected < 0)) fail_msg("round %d", i);
    }
}

static void products_are_repeated_sums(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct longhand number;
        struct amount product, amount = next_amount(&number), sum = amount_zero();
        int factor = (int)random_below(30);
        bool fits = true;
        for (int j = 0; j < factor && fits; j++) fits = amount_add(sum, amount, &sum);
        if (!fits) continue; /* a larger multiple may end in zeros and fit again */
        assert_true(amount_multiply(amount, factor, &product));
        assert_int_equal(amount_compare(product, sum), 0);
        assert_true(amount_multiply(amount, -factor, &product));
        assert_true(amount_add(product, sum, &sum));
        assert_int_equal(amount_sign(sum), 0);
    }
}

static void json_reads_back_as_the_same_amount_and_the_nearest_double(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct longhand number;
        struct amount again, amount = next_amount(&number);
        char json[AMOUNT_TEXT_MAX + 1];
        size_t length = amount_format_json(amount, json);
        json[length] = '\0';
        assert_int_equal(amount_parse(text_of(json), &again), AMOUNT_OK);
        if (amount_compare(amount, again) != 0) fail_msg("%s", json);
        if (amount_to_double(amount) != strtod(json, NULL)) fail_msg("%s", json);
    }
}

/* Through the shortest text a double comes back as itself, and no text of fewer digits would do. */
static void doubles_come_back_as_themselves(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        double value = (double)random_below(1u << 31) / (1 + random_below(100000));
        if (random_below(2) == 0) value = -value;
        struct amount amount;
        assert_true(amount_of_double(value, &amount));
        assert_true(amount_to_double(amount) == value);
        char text[AMOUNT_TEXT_MAX], shorter[32];
        size_t digits = 0, length = amount_format(amount, text);
        for (size_t j = 0; j < length; j++) digits += text[j] >= '0' && text[j] <= '9';
        while (length > 1 && digits > 0 && text[length - 1] == '0') length--, digits--;
        if (digits < 2 || digits > 17) continue;
        snprintf(shorter, sizeof shorter, "%.*g", (int)digits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_and_written_as_long_hand_does),
        cmocka_unit_test(sums_are_those_of_long_hand),
        cmocka_unit_test(the_order_is_that_of_long_hand),
        cmocka_unit_test(products_are_repeated_sums),
        cmocka_unit_test(json_reads_back_as_the_same_amount_and_the_nearest_double),
        cmocka_unit_test(doubles_come_back_as_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
