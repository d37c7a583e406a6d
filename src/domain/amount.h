/* amount.h: exact decimal amounts: quotas, usages, rates.
 * Value:     IEEE 754-2008 decimal128, 34 digits, by value, never NaN, infinite or minus zero.
 * Compare:   by value, never by bits (1.10 and 1.1 differ in bits).
 * Threads:   any; no state. No allocation. */
#ifndef QMS_DOMAIN_AMOUNT_H
#define QMS_DOMAIN_AMOUNT_H

#include "base/text.h"

enum {
    AMOUNT_DIGITS_MAX = 34,
    AMOUNT_WIRE_INTEGER_DIGITS_MAX = 30,  /* accepted magnitude: below 1e30 */
    AMOUNT_WIRE_FRACTION_DIGITS_MAX = 30, /* accepted fraction digits */
    AMOUNT_TEXT_MAX = 80,                 /* room for any text these functions write, no zero */
};

struct amount {
    uint64_t word[2];
};

/* Zero is {{0, 0x3040000000000000}}; use amount_zero(). */
struct amount amount_zero(void);
struct amount amount_of(int64_t integer);

enum amount_status {
    AMOUNT_OK,
    AMOUNT_SYNTAX,    /* not a number: NaN, Infinity, 12abc, 1e5x, empty, ... */
    AMOUNT_RANGE,     /* magnitude 1e30 or more, over 30 fraction digits, over 34 digits */
    AMOUNT_INEXACT,   /* only amount_parse_stored: rounded to 34 digits */
};

/* A number as clients write it: [-]digits[.digits][e[+-]digits]; leading zeros and "+" are left to
 * the caller's grammar and accepted here. *amount is written only on AMOUNT_OK. */
enum amount_status amount_parse(struct text text, struct amount *amount);

/* A number as a store holds it, without the bounds of the wire. AMOUNT_INEXACT has written the
 * value rounded, half to even, to 34 digits and 70 fraction digits. From 1e70 it is AMOUNT_RANGE,
 * and NaN and infinities of foreign writers are AMOUNT_SYNTAX. */
enum amount_status amount_parse_stored(struct text text, struct amount *amount);

/* Plain decimal digits without exponent and without trailing zeros: what stores and tables hold.
 * Returns the length. Any amount that amount_parse() accepts, and any sum, fits. */
size_t amount_format(struct amount amount, char out[AMOUNT_TEXT_MAX]);

/* A JSON number: all significant digits, an exponent only below 1e-6 and from 1e21 (qms-http 1:
 * "1e-7", "1e+21", "1.5e+22"). Reading it as a double gives the nearest double. */
size_t amount_format_json(struct amount amount, char out[AMOUNT_TEXT_MAX]);

/* false, *sum unwritten: the exact sum needs more than 34 digits or reaches 1e34. */
bool amount_add(struct amount left, struct amount right, struct amount *sum);
bool amount_subtract(struct amount left, struct amount right, struct amount *difference);
bool amount_multiply(struct amount amount, int64_t factor, struct amount *product);

/* Negative, 0 or positive. */
int amount_compare(struct amount left, struct amount right);
int amount_sign(struct amount amount);

/* The shortest decimal text that reads back as the same double, as an amount; false when the
 * double is not finite or out of the wire's range. */
bool amount_of_double(double value, struct amount *amount);
double amount_to_double(struct amount amount);

#endif
