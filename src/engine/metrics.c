#include "engine/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

/* Bounds double from 16 to 8,388,608: microseconds from 16 us to 8 s, or operations of a batch. */
static uint64_t histogram_bound(int bucket) {
    return UINT64_C(16) << bucket;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    int bucket = 0;
    if (value > 16) {
        bucket = 64 - __builtin_clzll((value - 1) >> 4);
        if (bucket > HISTOGRAM_BUCKETS) bucket = HISTOGRAM_BUCKETS;
    }
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

void metrics_request(struct metrics *metrics, enum operation operation, int status,
                     int64_t latency_us) {
    if (operation >= OP_COUNT) return;
    if (status < 0 || status >= METRICS_STATUS_MAX) status = 0;
    atomic_fetch_add_explicit(&metrics->requests[operation][status], 1, memory_order_relaxed);
    histogram_add(&metrics->latency_us[operation], latency_us < 0 ? 0 : (uint64_t)latency_us);
}

static uint64_t metrics_read(atomic_uint_fast64_t *cell) {
    return atomic_load_explicit(cell, memory_order_relaxed);
}

/* The samples of one histogram; labels is empty or ends with a comma. scale turns the unit that is
 * counted (microseconds) into the one that is shown (seconds). */
static void metrics_write_histogram(struct histogram *histogram, const char *name,
                                    const char *labels, double scale, FILE *out) {
    uint64_t seen = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += metrics_read(&histogram->buckets[i]);
        fprintf(out, "%s_bucket{%sle=\"%.9g\"} %" PRIu64 "\n", name, labels,
                (double)histogram_bound(i) * scale, seen);
    }
    seen += metrics_read(&histogram->buckets[HISTOGRAM_BUCKETS]);
    fprintf(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, seen);
    int bare = labels[0] == '\0' ? 0 : (int)__builtin_strlen(labels) - 1;
    const char *open = bare == 0 ? "" : "{", *close = bare == 0 ? "" : "}";
    fprintf(out, "%s_sum%s%.*s%s %.9g\n", name, open, bare, labels, close,
            (double)metrics_read(&histogram->sum) * scale);
    fprintf(out, "%s_count%s%.*s%s %" PRIu64 "\n", name, open, bare, labels, close, seen);
}

static void metrics_head(const char *name, const char *type, const char *help, FILE *out) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Operations that nobody has used show no histogram: forty of them would bury the others. */
static bool metrics_seen(struct metrics *metrics, int operation) {
    uint64_t seen = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        seen += metrics_read(&metrics->latency_us[operation].buckets[i]);
    }
    return seen > 0;
}

static void metrics_write_requests(struct metrics *metrics, FILE *out) {
    metrics_head("qms_requests_total", "counter", "Answered requests by operation and status.",
                 out);
    for (int operation = 0; operation < OP_COUNT; operation++) {
        for (int status = 0; status < METRICS_STATUS_MAX; status++) {
            uint64_t count = metrics_read(&metrics->requests[operation][status]);
            if (count == 0) continue;
            fprintf(out, "qms_requests_total{operation=\"%s\",code=\"%d\"} %" PRIu64 "\n",
                    operation_name((enum operation)operation), status, count);
        }
    }
    metrics_head("qms_request_duration_seconds", "histogram",
                 "Time from a complete request to its answer.", out);
    for (int operation = 0; operation < OP_COUNT; operation++) {
        if (!metrics_seen(metrics, operation)) continue;
        char labels[80];
        snprintf(labels, sizeof labels, "operation=\"%s\",",
                 operation_name((enum operation)operation));
        metrics_write_histogram(&metrics->latency_us[operation], "qms_request_duration_seconds",
                                labels, 1e-6, out);
    }
}

#define CELL(member) offsetof(struct metrics, member)
static const struct {
    const char *name, *type, *help;
    size_t cell;
} singles[] = {
    {"qms_batches_failed_total", "counter", "Batches that were not committed.",
     CELL(batches_failed)},
    {"qms_batches_halved_total", "counter", "Batches halved to find a refused operation.",
     CELL(batches_halved)},
    {"qms_batches_unknown_total", "counter", "Batches whose commit had no clear answer.",
     CELL(batches_unknown)},
    {"qms_batches_overtaken_total", "counter",
     "Batches decided again because another server was first.", CELL(batches_overtaken)},
    {"qms_locks_waiting", "gauge", "Operations that wait for rows others hold locked.",
     CELL(locks_waiting)},
    {"qms_lock_waits_total", "counter", "Operations that had to wait for locked rows.",
     CELL(lock_waits)},
    {"qms_lock_timeouts_total", "counter", "Operations that did not get locked rows in time.",
     CELL(lock_timeouts)},
    {"qms_reads_immediate_total", "counter", "Reads answered from cached accounts at once.",
     CELL(reads_immediate)},
    {"qms_cache_hits_total", "counter", "Accounts found in the cache.", CELL(cache_hits)},
    {"qms_cache_misses_total", "counter", "Accounts loaded from the store.", CELL(cache_misses)},
    {"qms_cache_evictions_total", "counter", "Accounts dropped to make room.",
     CELL(cache_evictions)},
    {"qms_http_connections", "gauge", "Open HTTP connections.", CELL(http_connections)},
    {"qms_http_rejected_total", "counter", "HTTP requests refused before they were routed.",
     CELL(http_rejected)},
    {"qms_auth_failures_total", "counter", "Requests without a key that is known.",
     CELL(auth_failures)},
    {"qms_tls_failures_total", "counter", "Connections that TLS could not go on with.",
     CELL(tls_failures)},
    {"qms_nats_connected", "gauge", "Whether there is a connection to a NATS server.",
     CELL(nats_connected)},
    {"qms_nats_reconnects_total", "counter", "Connections to NATS after the first.",
     CELL(nats_reconnects)},
    {"qms_nats_in_flight", "gauge", "NATS requests taken and not finished.", CELL(nats_in_flight)},
    {"qms_nats_dropped_total", "counter",
     "NATS messages that were dropped, without anybody being told.", CELL(nats_dropped)},
};
#undef CELL

static void metrics_write_single(const char *name, const char *type, const char *help,
                                 uint64_t value, FILE *out) {
    metrics_head(name, type, help, out);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

void metrics_write(struct metrics *metrics, size_t queue_depth, FILE *out) {
    metrics_write_requests(metrics, out);
    metrics_head("qms_batch_operations", "histogram", "Operations decided together.", out);
    metrics_write_histogram(&metrics->batch_operations, "qms_batch_operations", "", 1.0 / 16, out);
    metrics_head("qms_commit_duration_seconds", "histogram",
                 "Time to save and commit a batch.", out);
    metrics_write_histogram(&metrics->commit_us, "qms_commit_duration_seconds", "", 1e-6, out);
    metrics_write_single("qms_queue_depth", "gauge", "Requests waiting for the engine.",
                         queue_depth, out);
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        void *cell = (char *)metrics + singles[i].cell;
        metrics_write_single(singles[i].name, singles[i].type, singles[i].help,
                             metrics_read(cell), out);
    }
}
