#include "domain/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "support/sanitized.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SECONDS(count) (INT64_C(count) * 1000000)

static void local_zone(const char *zone) {
    setenv("TZ", zone, 1);
    tzset();
}

static void timestamps_are_read_with_any_offset_and_fraction(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t at_us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", SECONDS(1)},
        {"1969-12-31T23:59:59Z", SECONDS(-1)},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1969-12-31T23:59:59.9999999Z", -1},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.123Z", 123000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.000000999Z", 0},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00+00:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1969-12-31T16:00:00-08:00", 0},
        {"1970-01-01T05:45:00.5+05:45", 500000},
        {"1970-01-01T23:59:00+23:59", 0},
        {"2000-02-29T12:00:00Z", SECONDS(951825600)},
        {"2026-08-12T10:00:00.123456Z", SECONDS(1786528800) + 123456},
        {"1900-03-01T00:00:00Z", SECONDS(-2203891200)},
        {"0001-01-01T00:00:00Z", TIME_US_MIN},
        {"9999-12-31T23:59:59.999999999Z", TIME_US_MAX},
        {"9999-12-31T22:59:59-01:00", TIME_US_MAX - 999999},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at_us = -7;
        if (!timestamp_parse(text_of(cases[i].text), &at_us)) fail_msg("%s", cases[i].text);
        assert_int_equal(at_us, cases[i].at_us);
    }
}

static void impossible_and_loose_timestamps_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z",
        "1970-01-01t00:00:00Z", "1970-01-01T00:00:00z", "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z", "1970-1-01T00:00:00Z", "70-01-01T00:00:00Z",
        "+1970-01-01T00:00:00Z", "11970-01-01T00:00:00Z", "1970-01-01T00:00Z",
        "1970-01-01T0:00:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00.1234567890Z", "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60", "1970-01-01T00:00:00 +01:00",
        "1970-01-01T00:00:00+1:00", "1970-01-01T00:00:00+01:00:00", "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:60Z", "1970-01-01T00:60:00Z", "1970-01-01T24:00:00Z",
        "2016-12-31T23:59:60Z", "1970-00-01T00:00:00Z", "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z", "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2000-02-30T00:00:00Z", "2026-04-31T00:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
        "1970-01-01T00:00:00", "197O-01-01T00:00:00Z", "1970-01-01T-1:00:00Z",
        "1970/01/01T00:00:00Z", "1970-01-01T00.00.00Z", "now", "infinity",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at_us = -7;
        if (timestamp_parse(text_of(cases[i]), &at_us)) fail_msg("%s", cases[i]);
        assert_int_equal(at_us, -7);
    }
}

/* No prefix of a timestamp is one, and nothing is read behind its end. */
static void a_timestamp_is_read_to_its_end_and_no_further(void **state) {
    (void)state;
    static const char whole[] = "2026-08-12T10:00:00.123456+05:45";
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        int64_t at_us;
        char *prefix = length == 0 ? NULL : strndup(whole, length);
        assert_false(timestamp_parse((struct text){.data = prefix, .length = length}, &at_us));
        free(prefix);
    }
}

static void timestamps_are_written_in_utc(void **state) {
    (void)state;
    static const struct {
        int64_t at_us;
        const char *text, *trimmed;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {SECONDS(-1), "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
        {-1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {500000, "1970-01-01T00:00:00.500Z", "1970-01-01T00:00:00.5Z"},
        {120000, "1970-01-01T00:00:00.120Z", "1970-01-01T00:00:00.12Z"},
        {1000, "1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.001Z"},
        {100, "1970-01-01T00:00:00.000100Z", "1970-01-01T00:00:00.0001Z"},
        {1, "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z"},
        {123450, "1970-01-01T00:00:00.123450Z", "1970-01-01T00:00:00.12345Z"},
        {SECONDS(951782399), "2000-02-28T23:59:59Z", "2000-02-28T23:59:59Z"},
        {SECONDS(951782400), "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        {SECONDS(951868800), "2000-03-01T00:00:00Z", "2000-03-01T00:00:00Z"},
        {TIME_US_MIN, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {TIME_US_MAX, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
    };
    local_zone("Asia/Kathmandu");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[TIMESTAMP_TEXT_MAX];
        size_t length = timestamp_format(cases[i].at_us, out);
        assert_int_equal(length, strlen(cases[i].text));
        assert_memory_equal(out, cases[i].text, length);
        length = timestamp_format_trimmed(cases[i].at_us, out);
        assert_int_equal(length, strlen(cases[i].trimmed));
        assert_memory_equal(out, cases[i].trimmed, length);
    }
    local_zone("UTC");
}

/* Every day of the range, compared with the C library's calendar, there and back; where memory is
 * what is looked at, every 29th. */
static void every_day_is_written_and_read_as_the_calendar_says(void **state) {
    (void)state;
    const int64_t step_us = SECONDS(86400) * (SANITIZED ? 29 : 1);
    for (int64_t at_us = TIME_US_MIN; at_us < TIME_US_MAX; at_us += step_us) {
        time_t seconds = (time_t)(at_us / SECONDS(1));
        struct tm day;
        assert_non_null(gmtime_r(&seconds, &day));
        char expected[64], out[TIMESTAMP_TEXT_MAX];
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00Z", day.tm_year + 1900,
                 day.tm_mon + 1, day.tm_mday);
        size_t length = timestamp_format(at_us, out);
        if (length != 20 || memcmp(out, expected, length) != 0) fail_msg("%s", expected);
        int64_t again_us;
        assert_true(timestamp_parse((struct text){.data = out, .length = length}, &again_us));
        if (again_us != at_us) fail_msg("%s", expected);
    }
}

struct request_case {
    const char *text, *utc;
};

static void check_request_dates(const struct request_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t at_us, expected_us;
        assert_true(timestamp_parse(text_of(cases[i].utc), &expected_us));
        if (!request_date_parse(text_of(cases[i].text), &at_us)) fail_msg("%s", cases[i].text);
        if (at_us != expected_us) fail_msg("%s", cases[i].text);
    }
}

static void request_dates_without_zone_are_local(void **state) {
    (void)state;
    static const struct request_case everywhere[] = {
        {"2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z"},
        {"2026-01-15T12:00:00+05:45", "2026-01-15T06:15:00Z"},
        {"2026-01-15T12:00:00-07:00", "2026-01-15T19:00:00Z"},
    };
    static const struct request_case phoenix[] = {
        {"2026-01-15", "2026-01-15T07:00:00Z"},
        {"2026-07-15T12:30:45", "2026-07-15T19:30:45Z"},
    };
    static const struct request_case berlin[] = {
        {"2026-01-15", "2026-01-14T23:00:00Z"},
        {"2026-07-15", "2026-07-14T22:00:00Z"},
        {"2026-03-29T01:59:59", "2026-03-29T00:59:59Z"}, /* the clock goes to 3:00 */
        {"2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
        {"2026-10-25T01:59:59", "2026-10-24T23:59:59Z"}, /* the clock goes back to 2:00 */
        {"2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
        {"1969-12-31T23:59:59", "1969-12-31T22:59:59Z"},
        {"1970-01-01T00:59:59", "1969-12-31T23:59:59Z"},
    };
    check_request_dates(everywhere, COUNT(everywhere));
    local_zone("America/Phoenix");
    check_request_dates(everywhere, COUNT(everywhere));
    check_request_dates(phoenix, COUNT(phoenix));
    local_zone("Europe/Berlin");
    check_request_dates(berlin, COUNT(berlin));
    local_zone("UTC");
}

/* 2:30 happens twice in Berlin on this day; whichever is meant, the answer must not depend on what
 * was asked before. */
static void an_hour_that_happens_twice_is_always_the_same_one(void **state) {
    (void)state;
    local_zone("Europe/Berlin");
    int64_t first_us, again_us, other_us;
    assert_true(request_date_parse(TEXT("2026-01-01"), &other_us));
    assert_true(request_date_parse(TEXT("2026-10-25T02:30:00"), &first_us));
    assert_true(request_date_parse(TEXT("2026-07-01"), &other_us));
    assert_true(request_date_parse(TEXT("2026-10-25T02:30:00"), &again_us));
    assert_int_equal(first_us, again_us);
    local_zone("UTC");
}

static void other_request_dates_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "", "2026", "2026-01", "2026-01-15T", "2026-01-15T12", "2026-01-15T12:00", "20260115",
        "2026-01-15 12:00:00", "2026-01-15T12:00:00.5", "2026-01-15T12:00:00.5Z",
        "2026-01-15T12:00:00z", "2026-01-15t12:00:00", "2026-01-15Z", "2026-01-15+01:00",
        "2026-01-15T12:00:00+0100", "2026-01-15T12:00:00+24:00", "2026-02-30", "2026-13-01",
        "2026-00-10", "2026-01-00", "0000-01-01", "26-01-15", "2026-1-15", "12026-01-15",
        "2026-01-15T24:00:00", "2026-01-15T12:60:00", "2026-01-15T12:00:60", " 2026-01-15",
        "2026-01-15 ", "15.01.2026", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at_us = -7;
        if (request_date_parse(text_of(cases[i]), &at_us)) fail_msg("%s", cases[i]);
        assert_int_equal(at_us, -7);
    }
}

struct years_case {
    const char *from;
    int years;
    const char *to;
};

static void check_years(const struct years_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t from_us, to_us;
        assert_true(timestamp_parse(text_of(cases[i].from), &from_us));
        assert_true(timestamp_parse(text_of(cases[i].to), &to_us));
        if (date_add_years(from_us, cases[i].years) != to_us)
            fail_msg("%s %+d", cases[i].from, cases[i].years);
    }
}

static void adding_years_keeps_month_day_and_wall_clock(void **state) {
    (void)state;
    static const struct years_case utc[] = {
        {"2026-08-12T10:00:00.123456Z", 1, "2027-08-12T10:00:00.123456Z"},
        {"2026-08-12T10:00:00Z", 0, "2026-08-12T10:00:00Z"},
        {"2026-08-12T10:00:00Z", -30, "1996-08-12T10:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", 1, "1970-12-31T23:59:59.999999Z"},
        {"2024-02-29T10:00:00Z", 1, "2025-03-01T10:00:00Z"},
        {"2024-02-29T10:00:00Z", 4, "2028-02-29T10:00:00Z"},
        {"2000-02-29T10:00:00Z", 100, "2100-03-01T10:00:00Z"},
        {"2024-02-28T10:00:00Z", 1, "2025-02-28T10:00:00Z"},
        {"2023-03-01T10:00:00Z", 1, "2024-03-01T10:00:00Z"},
        {"9998-12-31T23:59:59Z", 1, "9999-12-31T23:59:59Z"},
        {"9999-01-01T00:00:00Z", 1, "9999-12-31T23:59:59.999999Z"},
        {"2026-01-01T00:00:00Z", 2147483647, "9999-12-31T23:59:59.999999Z"},
        {"0001-06-01T00:00:00Z", -1, "0001-01-01T00:00:00Z"},
        {"2026-01-01T00:00:00Z", -2147483647, "0001-01-01T00:00:00Z"},
    };
    static const struct years_case phoenix[] = { /* the day is the one in local time */
        {"2024-02-29T06:00:00Z", 1, "2025-03-01T06:00:00Z"},
        {"2024-03-01T06:00:00Z", 1, "2025-03-02T06:00:00Z"},
        {"9999-12-31T23:00:00Z", 0, "9999-12-31T23:00:00Z"},
        {"0001-01-01T00:00:00Z", 1, "0002-01-01T00:00:00Z"},
    };
    static const struct years_case berlin[] = { /* summer time begins and ends on other days */
        {"2025-03-30T01:30:00Z", 1, "2026-03-30T01:30:00Z"},
        {"2026-03-28T11:00:00Z", 2, "2028-03-28T10:00:00Z"},
        {"2026-10-25T11:00:00Z", 1, "2027-10-25T10:00:00Z"},
        {"9999-12-31T23:30:00Z", 0, "9999-12-31T23:30:00Z"},
    };
    check_years(utc, COUNT(utc));
    local_zone("America/Phoenix");
    check_years(phoenix, COUNT(phoenix));
    local_zone("Europe/Berlin");
    check_years(berlin, COUNT(berlin));
    local_zone("UTC");
}

int main(void) {
    local_zone("UTC");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_are_read_with_any_offset_and_fraction),
        cmocka_unit_test(impossible_and_loose_timestamps_are_refused),
        cmocka_unit_test(a_timestamp_is_read_to_its_end_and_no_further),
        cmocka_unit_test(timestamps_are_written_in_utc),
        cmocka_unit_test(every_day_is_written_and_read_as_the_calendar_says),
        cmocka_unit_test(request_dates_without_zone_are_local),
        cmocka_unit_test(an_hour_that_happens_twice_is_always_the_same_one),
        cmocka_unit_test(other_request_dates_are_refused),
        cmocka_unit_test(adding_years_keeps_month_day_and_wall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
