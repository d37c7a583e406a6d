/* metrics.h: counters that /metrics shows, in the form Prometheus reads.
 * Threads: any; every cell is atomic and independent, so a reading is not one instant. */
#ifndef QMS_ENGINE_METRICS_H
#define QMS_ENGINE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "domain/operations.h"

enum { HISTOGRAM_BUCKETS = 20 };

struct histogram {
    atomic_uint_fast64_t buckets[HISTOGRAM_BUCKETS + 1]; /* the last one is +Inf */
    atomic_uint_fast64_t sum;                            /* in the histogram's unit */
};

enum { METRICS_STATUS_MAX = 600 };

struct metrics {
    atomic_uint_fast64_t requests[OP_COUNT][METRICS_STATUS_MAX]; /* by operation and status */
    struct histogram latency_us[OP_COUNT];
    struct histogram batch_operations; /* counted in sixteenths, so that small ones differ */
    struct histogram commit_us;
    atomic_uint_fast64_t batches_failed, batches_halved, batches_unknown, batches_overtaken;
    atomic_uint_fast64_t locks_waiting, lock_waits, lock_timeouts; /* operations: now, ever */
    atomic_uint_fast64_t reads_immediate; /* answered without a batch */
    atomic_uint_fast64_t cache_hits, cache_misses, cache_evictions;
    atomic_uint_fast64_t http_connections, http_rejected; /* open now; refused by the parser */
    atomic_uint_fast64_t auth_failures; /* requests without a key that is known */
    atomic_uint_fast64_t tls_failures; /* handshakes, and connections broken by what was received */
    atomic_uint_fast64_t nats_connected, nats_reconnects; /* 1 or 0; after the first time */
    atomic_uint_fast64_t nats_dropped; /* messages that nobody was told of */
    atomic_uint_fast64_t nats_in_flight;
};

void metrics_request(struct metrics *metrics, enum operation operation, int status,
                     int64_t latency_us);
void histogram_add(struct histogram *histogram, uint64_t value);

/* Prometheus text exposition format 0.0.4. */
void metrics_write(struct metrics *metrics, size_t queue_depth, FILE *out);

#endif
