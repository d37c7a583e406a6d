/* front_auth_failures.h: how often clients of an address could not say who they are. Bounded: with
 * very many addresses at once the ones that have been quiet longest are forgotten.
 * Threads: any. */
#ifndef QMS_FRONT_FRONT_AUTH_FAILURES_H
#define QMS_FRONT_FRONT_AUTH_FAILURES_H

#include <pthread.h>
#include <stdint.h>

enum {
    AUTH_FAILURES_MAX = 10,        /* of an address ... */
    AUTH_FAILURES_WINDOW_S = 60,   /* ... within this time; what comes on top is slowed down */
    AUTH_FAILURES_SETS = 256,
    AUTH_FAILURES_WAYS = 8,
};

struct auth_failure {
    uint8_t address[16];           /* of IPv6 the network, /64: what one client has */
    int64_t since_us;              /* 0: free */
    uint64_t count;
};

struct auth_failures {
    pthread_mutex_t lock;
    uint64_t seed;                 /* nobody can aim at one set */
    struct auth_failure rows[AUTH_FAILURES_SETS][AUTH_FAILURES_WAYS];
};

void auth_failures_init(struct auth_failures *failures);
void auth_failures_destroy(struct auth_failures *failures);

/* Counts one; how many the address has had within its window, this one with them. *before is what
 * the window before it had, when this one begins a new window. now_us is monotonic, above 0. */
uint64_t auth_failures_add(struct auth_failures *failures, const char *address, int64_t now_us,
                           uint64_t *before);

#endif
