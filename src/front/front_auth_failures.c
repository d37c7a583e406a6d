#include "front/front_auth_failures.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"

enum { NETWORK_BYTES = 8, MAPPED_BYTES = 12 };

static const int64_t WINDOW_US = AUTH_FAILURES_WINDOW_S * INT64_C(1000000);

void auth_failures_init(struct auth_failures *failures) {
    memset(failures, 0, sizeof *failures);
    pthread_mutex_init(&failures->lock, NULL);
    ssize_t taken = getrandom(&failures->seed, sizeof failures->seed, 0);
    assert(taken == sizeof failures->seed);
}

void auth_failures_destroy(struct auth_failures *failures) {
    pthread_mutex_destroy(&failures->lock);
}

/* All zeros for what is no address. */
static void address_read(const char *text, uint8_t address[16]) {
    static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};
    memset(address, 0, 16);
    if (inet_pton(AF_INET, text, address + MAPPED_BYTES) == 1) {
        memcpy(address, mapped, sizeof mapped);
        return;
    }
    char plain[INET6_ADDRSTRLEN] = "";
    size_t length = strcspn(text, "%"); /* a scope may follow */
    if (length >= sizeof plain) return;
    memcpy(plain, text, length);
    if (inet_pton(AF_INET6, plain, address) != 1) return;
    if (memcmp(address, mapped, sizeof mapped) != 0)
        memset(address + NETWORK_BYTES, 0, 16 - NETWORK_BYTES);
}

static struct auth_failure *set_of(struct auth_failures *failures, const uint8_t address[16]) {
    uint64_t hash = hash_add(failures->seed, address, 16);
    return failures->rows[(hash ^ hash >> 32) % AUTH_FAILURES_SETS];
}

/* The address's own row, or the one that gives way. */
static struct auth_failure *row_of(struct auth_failure *set, const uint8_t address[16]) {
    struct auth_failure *oldest = set;
    for (size_t i = 0; i < AUTH_FAILURES_WAYS; i++) {
        if (set[i].since_us != 0 && memcmp(set[i].address, address, 16) == 0) return &set[i];
        if (set[i].since_us < oldest->since_us) oldest = &set[i];
    }
    memcpy(oldest->address, address, 16);
    oldest->since_us = 0;
    oldest->count = 0;
    return oldest;
}

uint64_t auth_failures_add(struct auth_failures *failures, const char *address, int64_t now_us,
                           uint64_t *before) {
    uint8_t read[16];
    address_read(address, read);
    *before = 0;
    assert(now_us > 0);
    pthread_mutex_lock(&failures->lock);
    struct auth_failure *row = row_of(set_of(failures, read), read);
    if (row->since_us == 0 || now_us - row->since_us >= WINDOW_US) {
        *before = row->count;
        row->since_us = now_us;
        row->count = 0;
    }
    uint64_t count = ++row->count;
    pthread_mutex_unlock(&failures->lock);
    return count;
}
