/* date.h: instants in microseconds since 1970-01-01T00:00:00Z, and their text forms.
 * Range: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z; TIME_NEVER stands for an open end.
 * No clock is read here. The local time zone is the process's TZ (qms-operations 2.3). */
#ifndef QMS_DOMAIN_DATE_H
#define QMS_DOMAIN_DATE_H

#include "base/text.h"

#define TIME_NEVER INT64_MAX
#define TIME_US_MIN INT64_C(-62135596800000000)
#define TIME_US_MAX INT64_C(253402300799999999)
#define US_PER_SECOND INT64_C(1000000)

enum { TIMESTAMP_TEXT_MAX = 32 };

/* How far the instant lies behind a whole second, before 1970 too: from 0 to 999,999. */
static inline int64_t time_below_second_us(int64_t at_us) {
    int64_t us = at_us % US_PER_SECOND;
    return us < 0 ? us + US_PER_SECOND : us;
}

/* RFC 3339 with any offset and 0 to 9 fraction digits; digits beyond microseconds are cut off. T
 * and Z are capital letters.
 * The Timestamp of the protobuf JSON mapping. Impossible dates and a second of 60 are refused. */
bool timestamp_parse(struct text text, int64_t *at_us);

/* UTC with suffix Z and 0, 3 or 6 fraction digits; returns the length. */
size_t timestamp_format(int64_t at_us, char out[TIMESTAMP_TEXT_MAX]);

/* As timestamp_format(), the fraction without trailing zeros: the /v1 tree (qms-http 1.2). */
size_t timestamp_format_trimmed(int64_t at_us, char out[TIMESTAMP_TEXT_MAX]);

/* The four forms of qms-operations 2.3: YYYY-MM-DD, YYYY-MM-DDThh:mm:ss, the same with Z or with
 * +hh:mm. Without zone it is local time. */
bool request_date_parse(struct text text, int64_t *at_us);

/* The same wall-clock time in local time, years later; 29 February becomes 1 March. What would lie
 * outside the range becomes its end. */
int64_t date_add_years(int64_t at_us, int years);

#endif
