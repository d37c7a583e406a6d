/* still_clock.c: preloaded into qms, so that its wall clock stands still where a test has put it.
 * The instant, microseconds since 1970 as eight bytes, is read from the file QMS_STILL_CLOCK at
 * every look, so a test can move it while the server runs. Monotonic time, and with it every
 * timeout, stays real. Works under the sanitizers, which libfaketime does not. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *instant_us;

/* Where alarms are set by the wall clock (still_alarm.c): what it shows ahead in their handler. */
extern int64_t still_alarm_us(void) __attribute__((weak));

/* Nothing is known before this has run; until then, and without the file, time is real. */
__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("QMS_STILL_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *instant_us, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) instant_us = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (!is_wall || instant_us == NULL) return (int)syscall(SYS_clock_gettime, clock, time);
    int64_t us = atomic_load(instant_us);
    if (still_alarm_us != NULL) us += still_alarm_us();
    time->tv_sec = us / 1000000;
    time->tv_nsec = us % 1000000 * 1000;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return status;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}
