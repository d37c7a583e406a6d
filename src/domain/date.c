#include "domain/date.h"

#include <assert.h>
#include <time.h>

enum {
    YEAR_MIN = 1,
    YEAR_MAX = 9999,
    SECONDS_PER_DAY = 86400,
    DAYS_BEFORE_1970 = 719162, /* from 0001-01-01 */
    YEARS_PER_CYCLE = 400,     /* after which the Gregorian calendar repeats */
    DAYS_PER_CYCLE = 146097,
};

struct civil {
    int64_t year;
    int month, day, hour, minute, second;
};

/* ---- the proleptic Gregorian calendar ---- */

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_before_month(int64_t year, int month) {
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    return days[month - 1] + (month > 2 && is_leap(year));
}

static int days_in_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* From 0001-01-01; year >= 1. */
static int64_t days_before_year(int64_t year) {
    int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

/* Counted one cycle later, so that a local time just before the year 1 needs no rule of its own. */
static int64_t seconds_of(const struct civil *civil) {
    int64_t year = civil->year + YEARS_PER_CYCLE;
    int64_t days = days_before_year(year) + days_before_month(year, civil->month) + civil->day - 1 -
                   DAYS_PER_CYCLE - DAYS_BEFORE_1970;
    return days * SECONDS_PER_DAY + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static struct civil civil_of(int64_t seconds) {
    int64_t since = seconds + (int64_t)(DAYS_PER_CYCLE + DAYS_BEFORE_1970) * SECONDS_PER_DAY;
    assert(since >= 0);
    int64_t days = since / SECONDS_PER_DAY;
    int rest = (int)(since % SECONDS_PER_DAY);

    int64_t year = days * YEARS_PER_CYCLE / DAYS_PER_CYCLE + 1; /* right, or one off */
    while (days_before_year(year) > days) year--;
    while (days_before_year(year + 1) <= days) year++;
    int day = (int)(days - days_before_year(year));
    int month = 12;
    while (days_before_month(year, month) > day) month--;

    return (struct civil){
        .year = year - YEARS_PER_CYCLE,
        .month = month,
        .day = day - days_before_month(year, month) + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}

static bool civil_exists(const struct civil *civil) {
    return civil->year >= YEAR_MIN && civil->year <= YEAR_MAX && civil->month >= 1 &&
           civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days_in_month(civil->year, civil->month) && civil->hour <= 23 &&
           civil->minute <= 59 && civil->second <= 59;
}

/* ---- the local time zone ---- */

static int64_t local_offset(int64_t seconds) {
    time_t at = (time_t)seconds;
    struct tm local;
    return localtime_r(&at, &local) == NULL ? 0 : local.tm_gmtoff;
}

/* The wall clock read as UTC is close enough to find the offset, except near a change of it, which
 * the second look sees. Where a wall-clock time exists twice or never, this always chooses the same
 * instant, as mktime() does not promise. */
static int64_t seconds_of_local(const struct civil *civil) {
    int64_t wall = seconds_of(civil);
    return wall - local_offset(wall - local_offset(wall));
}

/* ---- reading ---- */

/* count digits; *failed latches when something else is there. */
static int take_number(struct text *text, size_t count, bool *failed) {
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = i < text->length ? (unsigned)(unsigned char)text->data[i] - '0' : 10;
        if (digit > 9) {
            *failed = true;
            return 0;
        }
        number = number * 10 + (int)digit;
    }
    text->data += count;
    text->length -= count;
    return number;
}

static bool take_if(struct text *text, char character) {
    if (text->length == 0 || text->data[0] != character) return false;
    text->data++;
    text->length--;
    return true;
}

static void take(struct text *text, char character, bool *failed) {
    if (!take_if(text, character)) *failed = true;
}

static void take_day(struct text *text, struct civil *civil, bool *failed) {
    civil->year = take_number(text, 4, failed);
    take(text, '-', failed);
    civil->month = take_number(text, 2, failed);
    take(text, '-', failed);
    civil->day = take_number(text, 2, failed);
}

static void take_time(struct text *text, struct civil *civil, bool *failed) {
    take(text, 'T', failed);
    civil->hour = take_number(text, 2, failed);
    take(text, ':', failed);
    civil->minute = take_number(text, 2, failed);
    take(text, ':', failed);
    civil->second = take_number(text, 2, failed);
}

/* Microseconds; further digits, up to nine, are cut off. */
static int take_fraction(struct text *text, bool *failed) {
    if (!take_if(text, '.')) return 0;
    int us = 0, digits = 0;
    while (text->length > 0 && text->data[0] >= '0' && text->data[0] <= '9') {
        int digit = take_number(text, 1, failed);
        if (digits++ < 6) us = us * 10 + digit;
    }
    if (digits == 0 || digits > 9) *failed = true;
    for (; digits < 6; digits++) us *= 10;
    return us;
}

/* Z, +hh:mm or -hh:mm, in seconds. */
static int take_offset(struct text *text, bool *failed) {
    if (take_if(text, 'Z')) return 0;
    bool west = take_if(text, '-');
    if (!west) take(text, '+', failed);
    int hours = take_number(text, 2, failed);
    take(text, ':', failed);
    int minutes = take_number(text, 2, failed);
    if (hours > 23 || minutes > 59) *failed = true;
    int offset = hours * 3600 + minutes * 60;
    return west ? -offset : offset;
}

static bool instant_of(int64_t seconds, int us, int64_t *at_us) {
    int64_t instant = seconds * US_PER_SECOND + us;
    if (instant < TIME_US_MIN || instant > TIME_US_MAX) return false;
    *at_us = instant;
    return true;
}

bool timestamp_parse(struct text text, int64_t *at_us) {
    struct civil civil;
    bool failed = false;
    take_day(&text, &civil, &failed);
    take_time(&text, &civil, &failed);
    int us = take_fraction(&text, &failed);
    int offset = take_offset(&text, &failed);
    if (failed || text.length > 0 || !civil_exists(&civil)) return false;
    return instant_of(seconds_of(&civil) - offset, us, at_us);
}

bool request_date_parse(struct text text, int64_t *at_us) {
    struct civil civil = {0};
    bool failed = false;
    take_day(&text, &civil, &failed);
    if (text.length > 0) take_time(&text, &civil, &failed);
    bool is_local = text.length == 0;
    int offset = is_local ? 0 : take_offset(&text, &failed);
    if (failed || text.length > 0 || !civil_exists(&civil)) return false;
    return instant_of(is_local ? seconds_of_local(&civil) : seconds_of(&civil) - offset, 0, at_us);
}

/* ---- writing ---- */

static char *put_number(char *out, int64_t number, int count) {
    for (int i = count - 1; i >= 0; i--, number /= 10) out[i] = (char)('0' + number % 10);
    return out + count;
}

/* Up to the seconds; returns the end and what is left below a second. */
static char *put_seconds(int64_t at_us, char *out, int *us) {
    assert(at_us >= TIME_US_MIN);
    assert(at_us <= TIME_US_MAX);
    *us = (int)time_below_second_us(at_us);
    struct civil civil = civil_of((at_us - *us) / US_PER_SECOND);
    out = put_number(out, civil.year, 4);
    *out++ = '-';
    out = put_number(out, civil.month, 2);
    *out++ = '-';
    out = put_number(out, civil.day, 2);
    *out++ = 'T';
    out = put_number(out, civil.hour, 2);
    *out++ = ':';
    out = put_number(out, civil.minute, 2);
    *out++ = ':';
    return put_number(out, civil.second, 2);
}

size_t timestamp_format(int64_t at_us, char out[TIMESTAMP_TEXT_MAX]) {
    int us;
    char *end = put_seconds(at_us, out, &us);
    if (us != 0) {
        *end++ = '.';
        end = us % 1000 == 0 ? put_number(end, us / 1000, 3) : put_number(end, us, 6);
    }
    *end++ = 'Z';
    return (size_t)(end - out);
}

size_t timestamp_format_trimmed(int64_t at_us, char out[TIMESTAMP_TEXT_MAX]) {
    int us;
    char *end = put_seconds(at_us, out, &us);
    if (us != 0) {
        *end++ = '.';
        end = put_number(end, us, 6);
        while (end[-1] == '0') end--;
    }
    *end++ = 'Z';
    return (size_t)(end - out);
}

int64_t date_add_years(int64_t at_us, int years) {
    assert(at_us >= TIME_US_MIN);
    assert(at_us <= TIME_US_MAX);
    int64_t us = time_below_second_us(at_us);
    int64_t seconds = (at_us - us) / US_PER_SECOND;
    struct civil civil = civil_of(seconds + local_offset(seconds));
    civil.year += years;
    if (civil.year < YEAR_MIN - 1) return TIME_US_MIN; /* a local year may lie just outside */
    if (civil.year > YEAR_MAX + 1) return TIME_US_MAX;
    if (civil.day > days_in_month(civil.year, civil.month)) {
        civil.month++;
        civil.day = 1;
    }
    int64_t later_us = seconds_of_local(&civil) * US_PER_SECOND + us;
    if (later_us < TIME_US_MIN) return TIME_US_MIN;
    return later_us > TIME_US_MAX ? TIME_US_MAX : later_us;
}
