/* bench_common.h: what the measuring programs share: users to pick from, time, one line of result.
 * Picks are repeatable: the seed is fixed, so every candidate of a run sees the same sequence. */
#ifndef QMS_BENCH_COMMON_H
#define QMS_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_USERS = 10000 };

/* Uniform, or Zipf with exponent 1 (user 0 is the most frequent). */
struct bench_picker {
    uint64_t state;
    bool zipf;
    double cumulated[BENCH_USERS];
};

void bench_picker_init(struct bench_picker *picker, bool zipf, uint64_t seed);
size_t bench_pick(struct bench_picker *picker);

double bench_seconds(void); /* monotonic */

/* "name: 123456 per second" plus a unit of work for people; scripts read the number. */
void bench_report(const char *name, double count, double seconds);

#endif
