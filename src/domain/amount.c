#include "domain/amount.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <bid_conf.h>
#include <bid_functions.h>

/* The bits of a decimal128 with a binary coefficient (IEEE 754-2008, 3.5.2): sign, 14 bits of
 * biased exponent, 113 bits of coefficient. Texts are read and written here, because the library's
 * own reader accepts what is not a number and its writer knows only the exponent form; the library
 * adds, multiplies, compares and rounds. */
enum {
    EXPONENT_BIAS = 6176,
    EXPONENT_SHIFT = 49, /* in the upper word */
    WORD_DIGITS = 19,    /* of any number of so many digits fit into 64 bits */
};
#define SIGN_BIT (UINT64_C(1) << 63)
#define COEFFICIENT_MASK ((UINT64_C(1) << EXPONENT_SHIFT) - 1)

/* What stores may hold beyond the wire's bounds, so that every amount has a text that fits. */
enum {
    STORED_INTEGER_DIGITS_MAX = 70,
    STORED_FRACTION_DIGITS_MAX = 70,
};
static_assert(STORED_INTEGER_DIGITS_MAX + 1 <= AMOUNT_TEXT_MAX, "sign, digits");
static_assert(STORED_FRACTION_DIGITS_MAX + 3 <= AMOUNT_TEXT_MAX, "sign, zero, point, digits");
static_assert(2 * AMOUNT_DIGITS_MAX + 2 <= AMOUNT_TEXT_MAX, "sign, digits around a point");

typedef unsigned __int128 wide;

#define HALF_DIGITS UINT64_C(100000000000000000) /* 10^17 */
#define COEFFICIENT_BOUND ((wide)HALF_DIGITS * HALF_DIGITS)
static_assert(AMOUNT_DIGITS_MAX == 2 * 17, "two halves of 17 digits");

/* (-1)^negative * coefficient * 10^exponent */
struct parts {
    wide coefficient;
    int exponent;
    bool negative;
};

static struct amount amount_of_parts(struct parts parts) {
    if (parts.coefficient == 0) return amount_zero();
    uint64_t biased = (uint64_t)(parts.exponent + EXPONENT_BIAS);
    uint64_t upper = (uint64_t)(parts.coefficient >> 64);
    assert(upper <= COEFFICIENT_MASK);
    return (struct amount){
        .word = {(uint64_t)parts.coefficient,
                 (parts.negative ? SIGN_BIT : 0) | biased << EXPONENT_SHIFT | upper}};
}

static struct parts amount_parts(struct amount amount) {
    uint64_t upper = amount.word[1];
    return (struct parts){
        .coefficient = (wide)(upper & COEFFICIENT_MASK) << 64 | amount.word[0],
        .exponent = (int)((upper & ~SIGN_BIT) >> EXPONENT_SHIFT) - EXPONENT_BIAS,
        .negative = (upper & SIGN_BIT) != 0,
    };
}

/* Whole numbers get the exponent 0 if they can: equal ones then mostly have equal bits. */
static void parts_settle(struct parts *parts) {
    while (parts->exponent > 0 && parts->coefficient < COEFFICIENT_BOUND / 10) {
        parts->coefficient *= 10;
        parts->exponent--;
    }
}

struct amount amount_zero(void) {
    return (struct amount){.word = {0, (uint64_t)EXPONENT_BIAS << EXPONENT_SHIFT}};
}

struct amount amount_of(int64_t integer) {
    uint64_t magnitude = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    return amount_of_parts((struct parts){.coefficient = magnitude, .negative = integer < 0});
}

/* ---- reading ---- */

/* A number while it is read. Zeros wait until a digit follows them: leading and trailing ones never
 * count. Digits beyond those an amount holds are dropped, and remembered for rounding. */
struct reading {
    const char *next, *end;
    wide coefficient;
    int64_t exponent;      /* of the last digit read */
    int64_t zeros_waiting; /* read, but not yet in the coefficient */
    int64_t dropped;
    int digits;
    int dropped_first;
    bool dropped_rest; /* a digit after the first one dropped is not zero */
    bool negative;
};

static void reading_digit(struct reading *reading, unsigned digit) {
    if (reading->digits < WORD_DIGITS) { /* most numbers end here, and a word multiplies fast */
        reading->coefficient = (uint64_t)reading->coefficient * 10 + digit;
        reading->digits++;
    } else if (reading->digits < AMOUNT_DIGITS_MAX) {
        reading->coefficient = reading->coefficient * 10 + digit;
        reading->digits++;
    } else if (reading->dropped++ == 0) {
        reading->dropped_first = (int)digit;
    } else {
        reading->dropped_rest |= digit != 0;
    }
}

/* One or more digits; returns how many. */
static int64_t reading_digits(struct reading *reading) {
    const char *first = reading->next;
    for (; reading->next < reading->end; reading->next++) {
        unsigned digit = (unsigned)(unsigned char)*reading->next - '0';
        if (digit > 9) break;
        if (digit == 0) {
            reading->zeros_waiting += reading->digits > 0;
            continue;
        }
        for (; reading->zeros_waiting > 0; reading->zeros_waiting--) reading_digit(reading, 0);
        reading_digit(reading, digit);
    }
    return reading->next - first;
}

static bool reading_accepts(struct reading *reading, char character) {
    if (reading->next == reading->end || *reading->next != character) return false;
    reading->next++;
    return true;
}

/* Grows no further than any length of text could make up for. */
static bool reading_exponent(struct reading *reading) {
    static const int64_t exponent_max = INT64_MAX / 100;
    bool negative = reading_accepts(reading, '-');
    if (!negative) reading_accepts(reading, '+');
    const char *first = reading->next;
    int64_t exponent = 0;
    for (; reading->next < reading->end; reading->next++) {
        unsigned digit = (unsigned)(unsigned char)*reading->next - '0';
        if (digit > 9) break;
        if (exponent < exponent_max) exponent = exponent * 10 + digit;
    }
    reading->exponent += negative ? -exponent : exponent;
    return reading->next > first;
}

/* The whole text, or false: it is not a number. */
static bool reading_number(struct reading *reading, struct text text) {
    if (text.length == 0) return false;
    *reading = (struct reading){.next = text.data, .end = text.data + text.length};
    reading->negative = reading_accepts(reading, '-');
    if (!reading->negative) reading_accepts(reading, '+');
    if (reading_digits(reading) == 0) return false;
    if (reading_accepts(reading, '.')) {
        int64_t fraction_digits = reading_digits(reading);
        if (fraction_digits == 0) return false;
        reading->exponent = -fraction_digits;
    }
    bool has_exponent = reading_accepts(reading, 'e') || reading_accepts(reading, 'E');
    if (has_exponent && !reading_exponent(reading)) return false;
    if (reading->next != reading->end) return false;
    reading->exponent += reading->zeros_waiting + reading->dropped;
    return true;
}

static struct amount reading_amount(const struct reading *reading) {
    struct parts parts = {reading->coefficient, (int)reading->exponent, reading->negative};
    parts_settle(&parts);
    return amount_of_parts(parts);
}

enum amount_status amount_parse(struct text text, struct amount *amount) {
    struct reading reading;
    if (!reading_number(&reading, text)) return AMOUNT_SYNTAX;
    if (reading.coefficient == 0) {
        *amount = amount_zero();
        return AMOUNT_OK;
    }
    if (reading.dropped > 0) return AMOUNT_RANGE;
    if (reading.exponent < -AMOUNT_WIRE_FRACTION_DIGITS_MAX) return AMOUNT_RANGE;
    if (reading.exponent + reading.digits > AMOUNT_WIRE_INTEGER_DIGITS_MAX) return AMOUNT_RANGE;
    *amount = reading_amount(&reading);
    return AMOUNT_OK;
}

/* Takes away digits of the coefficient until the fraction is short enough. */
static void reading_shorten(struct reading *reading) {
    while (reading->exponent < -STORED_FRACTION_DIGITS_MAX && reading->coefficient > 0) {
        reading->dropped_rest |= reading->dropped > 0 && reading->dropped_first > 0;
        reading->dropped_first = (int)(reading->coefficient % 10);
        reading->coefficient /= 10;
        reading->dropped++;
        reading->digits--;
        reading->exponent++;
    }
    if (reading->exponent >= -STORED_FRACTION_DIGITS_MAX) return;
    reading->dropped_first = 0; /* all digits lie further back than the first one dropped */
    reading->exponent = 0;
}

/* Half to even, as the database and the library do. */
static void reading_round(struct reading *reading) {
    static const int half = 5;
    bool up = reading->dropped_first > half ||
              (reading->dropped_first == half &&
               (reading->dropped_rest || (reading->coefficient & 1) != 0));
    if (!up) return;
    reading->coefficient++;
    if (reading->coefficient < COEFFICIENT_BOUND) return;
    reading->coefficient /= 10;
    reading->exponent++;
}

enum amount_status amount_parse_stored(struct text text, struct amount *amount) {
    struct reading reading;
    if (!reading_number(&reading, text)) return AMOUNT_SYNTAX;
    if (reading.coefficient == 0) {
        *amount = amount_zero();
        return AMOUNT_OK;
    }
    if (reading.exponent + reading.digits > STORED_INTEGER_DIGITS_MAX) return AMOUNT_RANGE;
    reading_shorten(&reading);
    bool exact = reading.dropped == 0;
    if (!exact) reading_round(&reading);
    *amount = reading_amount(&reading);
    return exact ? AMOUNT_OK : AMOUNT_INEXACT;
}

/* ---- writing ---- */

/* The significant digits of an amount: 0.[digits] * 10^point; none for zero. */
struct digits {
    char text[AMOUNT_DIGITS_MAX];
    int first, count, point;
};

/* Writes the digits of a number so that they end at position end; returns where they begin. */
static int digits_put(struct digits *digits, uint64_t number, int end) {
    for (; number > 0; number /= 10) digits->text[--end] = (char)('0' + number % 10);
    return end;
}

static void digits_of(const struct parts *parts, struct digits *digits) {
    int end = AMOUNT_DIGITS_MAX;
    if (parts->coefficient >> 64 == 0) {
        digits->first = digits_put(digits, (uint64_t)parts->coefficient, end);
    } else {
        int middle = end / 2;
        int lower = digits_put(digits, (uint64_t)(parts->coefficient % HALF_DIGITS), end);
        memset(digits->text + middle, '0', (size_t)(lower - middle));
        digits->first = digits_put(digits, (uint64_t)(parts->coefficient / HALF_DIGITS), middle);
    }
    digits->point = end - digits->first + parts->exponent;
    while (end > digits->first && digits->text[end - 1] == '0') end--;
    digits->count = end - digits->first;
}

static char *put(char *out, const char *bytes, int count) {
    memcpy(out, bytes, (size_t)count);
    return out + count;
}

static char *put_zeros(char *out, int count) {
    memset(out, '0', (size_t)count);
    return out + count;
}

static char *put_plain(char *out, const struct digits *digits) {
    const char *text = digits->text + digits->first;
    int count = digits->count, point = digits->point;
    if (count == 0) return put(out, "0", 1);
    if (point <= 0) {
        out = put_zeros(put(out, "0.", 2), -point);
        return put(out, text, count);
    }
    if (point >= count) return put_zeros(put(out, text, count), point - count);
    out = put(put(out, text, point), ".", 1);
    return put(out, text + point, count - point);
}

/* d.ddde+dd */
static char *put_exponent_form(char *out, const struct digits *digits) {
    const char *text = digits->text + digits->first;
    out = put(out, text, 1);
    if (digits->count > 1) out = put(put(out, ".", 1), text + 1, digits->count - 1);
    int exponent = digits->point - 1;
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    int magnitude = abs(exponent);
    assert(magnitude < 100);
    if (magnitude >= 10) *out++ = (char)('0' + magnitude / 10);
    *out++ = (char)('0' + magnitude % 10);
    return out;
}

size_t amount_format(struct amount amount, char out[AMOUNT_TEXT_MAX]) {
    struct parts parts = amount_parts(amount);
    struct digits digits;
    digits_of(&parts, &digits);
    char *end = put_plain(parts.negative ? put(out, "-", 1) : out, &digits);
    assert(end - out <= AMOUNT_TEXT_MAX);
    return (size_t)(end - out);
}

size_t amount_format_json(struct amount amount, char out[AMOUNT_TEXT_MAX]) {
    static const int point_min = -5, point_max = 21; /* 0.000001 and 999999999999999999999 */
    struct parts parts = amount_parts(amount);
    struct digits digits;
    digits_of(&parts, &digits);
    bool is_plain = digits.count == 0 || (digits.point >= point_min && digits.point <= point_max);
    char *end = parts.negative ? put(out, "-", 1) : out;
    end = is_plain ? put_plain(end, &digits) : put_exponent_form(end, &digits);
    assert(end - out <= AMOUNT_TEXT_MAX);
    return (size_t)(end - out);
}

/* ---- arithmetic ---- */

static BID_UINT128 to_library(struct amount amount) {
    return (BID_UINT128){.w = {amount.word[0], amount.word[1]}};
}

/* Any flag of the library says that the result is not the exact one. */
static bool from_library(BID_UINT128 result, _IDEC_flags flags, struct amount *amount) {
    if (flags != BID_EXACT_STATUS) return false;
    struct parts parts = amount_parts((struct amount){.word = {result.w[0], result.w[1]}});
    parts_settle(&parts);
    if (parts.coefficient > 0 && parts.exponent > 0) return false;
    *amount = amount_of_parts(parts);
    return true;
}

bool amount_add(struct amount left, struct amount right, struct amount *sum) {
    _IDEC_flags flags = 0;
    BID_UINT128 result =
        bid128_add(to_library(left), to_library(right), BID_ROUNDING_TO_NEAREST, &flags);
    return from_library(result, flags, sum);
}

bool amount_subtract(struct amount left, struct amount right, struct amount *difference) {
    _IDEC_flags flags = 0;
    BID_UINT128 result =
        bid128_sub(to_library(left), to_library(right), BID_ROUNDING_TO_NEAREST, &flags);
    return from_library(result, flags, difference);
}

bool amount_multiply(struct amount amount, int64_t factor, struct amount *product) {
    _IDEC_flags flags = 0;
    BID_UINT128 result = bid128_mul(to_library(amount), to_library(amount_of(factor)),
                                    BID_ROUNDING_TO_NEAREST, &flags);
    return from_library(result, flags, product);
}

int amount_compare(struct amount left, struct amount right) {
    _IDEC_flags flags = 0;
    if (bid128_quiet_less(to_library(left), to_library(right), &flags)) return -1;
    return bid128_quiet_greater(to_library(left), to_library(right), &flags);
}

int amount_sign(struct amount amount) {
    struct parts parts = amount_parts(amount);
    if (parts.coefficient == 0) return 0;
    return parts.negative ? -1 : 1;
}

/* ---- doubles ---- */

enum { DOUBLE_TEXT_MAX = 32 };

/* The decimal of 16 digits above the nearest one. At a power of two the doubles above lie twice as
 * far apart as those below, so that this one may read back where the nearest does not. */
static void sixteen_digits_above(double magnitude, char text[DOUBLE_TEXT_MAX]) {
    snprintf(text, DOUBLE_TEXT_MAX, "%.15e", magnitude);
    char *end = strchr(text, 'e');
    for (char *digit = end - 1; digit >= text; digit--) {
        if (*digit == '.') continue;
        if (*digit != '9') {
            ++*digit;
            return;
        }
        *digit = '0';
    }
}

/* Any double reads back from 17 digits, and one that has a text of 15 digits or fewer has only one:
 * what is printed with 15. */
static void shortest_text(double magnitude, char text[DOUBLE_TEXT_MAX]) {
    snprintf(text, DOUBLE_TEXT_MAX, "%.15g", magnitude);
    if (strtod(text, NULL) == magnitude) return;
    snprintf(text, DOUBLE_TEXT_MAX, "%.16g", magnitude);
    if (strtod(text, NULL) == magnitude) return;
    sixteen_digits_above(magnitude, text);
    if (strtod(text, NULL) == magnitude) return;
    snprintf(text, DOUBLE_TEXT_MAX, "%.17g", magnitude);
}

bool amount_of_double(double value, struct amount *amount) {
    if (!isfinite(value)) return false;
    char text[DOUBLE_TEXT_MAX + 1] = "-";
    shortest_text(fabs(value), text + 1);
    return amount_parse(text_of(value < 0 ? text : text + 1), amount) == AMOUNT_OK;
}

double amount_to_double(struct amount amount) {
    _IDEC_flags flags = 0;
    return bid128_to_binary64(to_library(amount), BID_ROUNDING_TO_NEAREST, &flags);
}
