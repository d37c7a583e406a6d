#include "bench_common.h"

#include <stdio.h>
#include <time.h>

void bench_picker_init(struct bench_picker *picker, bool zipf, uint64_t seed) {
    picker->state = seed * 2 + 1;
    picker->zipf = zipf;
    double sum = 0;
    for (size_t i = 0; i < BENCH_USERS; i++) {
        sum += 1.0 / (double)(i + 1);
        picker->cumulated[i] = sum;
    }
    for (size_t i = 0; i < BENCH_USERS; i++) picker->cumulated[i] /= sum;
}

/* splitmix64 */
static uint64_t bench_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t bench_pick(struct bench_picker *picker) {
    uint64_t random = bench_random(&picker->state);
    if (!picker->zipf) return random % BENCH_USERS;
    double at = (double)(random >> 11) * 0x1p-53;
    size_t low = 0, high = BENCH_USERS - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (picker->cumulated[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

double bench_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void bench_report(const char *name, double count, double seconds) {
    printf("%s: %.0f per second (%.0f in %.3f s)\n", name, count / seconds, count, seconds);
    fflush(stdout);
}
