/* still_alarm.c: with still_clock.c, for PostgreSQL, whose timeouts are alarms: when one rings, its
 * handler compares the wall clock with the time it was set for. A clock that stands still would
 * never get there, so within the handler it shows the time that has really passed. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t SLACK_US = 1000;

static void (*handler)(int);
static volatile sig_atomic_t is_ringing;
static int64_t set_at_us; /* monotonic: when the first alarm was set that has not rung */

static int64_t monotonic_us(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t still_alarm_us(void);
int64_t still_alarm_us(void) {
    return is_ringing ? monotonic_us() - set_at_us + SLACK_US : 0;
}

static void ring(int number) {
    int before = errno;
    is_ringing = 1;
    handler(number);
    is_ringing = 0;
    errno = before;
}

int sigaction(int number, const struct sigaction *restrict action,
              struct sigaction *restrict before) {
    static int (*next)(int, const struct sigaction *, struct sigaction *);
    if (next == NULL) next = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(
        RTLD_NEXT, "sigaction");
    if (number != SIGALRM || action == NULL || (action->sa_flags & SA_SIGINFO) != 0 ||
        action->sa_handler == SIG_IGN || action->sa_handler == SIG_DFL)
        return next(number, action, before);
    struct sigaction ringing = *action;
    handler = action->sa_handler;
    ringing.sa_handler = ring;
    return next(number, &ringing, before);
}

int setitimer(__itimer_which_t which, const struct itimerval *restrict value,
              struct itimerval *restrict before) {
    /* Set again by the handler, it is for an alarm that was asked for earlier. */
    if (!is_ringing) set_at_us = monotonic_us();
    return (int)syscall(SYS_setitimer, which, value, before);
}
