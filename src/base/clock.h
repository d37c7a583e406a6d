/* clock.h: where time comes from. Wall time is in microseconds since 1970-01-01T00:00:00Z;
 * monotonic time only measures durations. Tests inject their own wall clock. Any thread. */
#ifndef QMS_BASE_CLOCK_H
#define QMS_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_us)(void *context);
    void *context;
};

extern const struct clock clock_system;

int64_t clock_wall_us(const struct clock *clock);
int64_t clock_monotonic_us(void);

#endif
