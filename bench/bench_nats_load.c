/* bench_nats_load.c: asks over NATS, always as many requests in flight as it is told:
 *   bench_nats_load URL PREFIX check|add|summary uniform|zipf IN_FLIGHT SECONDS
 *   bench_nats_load URL PREFIX users                asks once for the summary of every user
 * Prints how many were answered a second, and the 50th and 99th percentile of the waits. An answer
 * that is a failure ends it. A lone request is sent at once, many by a thread that sends all that
 * have collected. */
#include <assert.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_common.h"

enum { IN_FLIGHT_MAX = 4096, WAITS_MAX = 1 << 24, SUBJECT_BYTES = 128, PAYLOAD_BYTES = 512 };

enum kind { KIND_CHECK, KIND_ADD, KIND_SUMMARY };

static const struct { const char *name, *subject; } kinds[] = {
    [KIND_CHECK] = {"check", "user.overages.check"},
    [KIND_ADD] = {"add", "user.updates.add"},
    [KIND_SUMMARY] = {"summary", "user.summary.get"},
};

static struct load {
    natsConnection *connection;
    enum kind kind;
    bool every_user; /* once */
    char subject[SUBJECT_BYTES], inbox[SUBJECT_BYTES];
    struct bench_picker picker;
    size_t in_flight, next_user;
    double started[IN_FLIGHT_MAX], ends_at;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool unsent, failed;
    size_t running; /* slots with a request under way */

    float *waits; /* in microseconds */
    size_t answered;
} load = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int write_payload(char *payload, size_t user) {
    switch (load.kind) {
    case KIND_CHECK:
        return snprintf(payload, PAYLOAD_BYTES,
                        "{\"username\":\"user%05zu\",\"resource_name\":\"cpu.hours\"}", user);
    case KIND_SUMMARY:
        return snprintf(payload, PAYLOAD_BYTES, "{\"username\":\"user%05zu\"}", user);
    case KIND_ADD: break;
    }
    return snprintf(payload, PAYLOAD_BYTES,
                    "{\"update\":{\"value_type\":\"usages\",\"value\":0.001,"
                    "\"effective_date\":\"2026-01-01T00:00:00Z\",\"operation\":{\"name\":\"ADD\"},"
                    "\"resource_type\":{\"name\":\"cpu.hours\",\"unit\":\"cpu hours\"},"
                    "\"user\":{\"username\":\"user%05zu\"}}}",
                    user);
}

/* False: there is nothing left to ask. */
static bool ask(size_t slot, double now) {
    char payload[PAYLOAD_BYTES], reply[SUBJECT_BYTES + 16];
    if (load.every_user ? load.next_user == BENCH_USERS : now >= load.ends_at) return false;
    size_t user = load.every_user ? load.next_user++ : bench_pick(&load.picker);
    int length = write_payload(payload, user);
    snprintf(reply, sizeof reply, "%s.%zu", load.inbox, slot);
    load.started[slot] = now;
    return natsConnection_PublishRequest(load.connection, load.subject, reply, payload, length) ==
           NATS_OK;
}

static bool is_success(const natsMsg *answer) {
    static const char success[] = "\"error\":null";
    return memmem(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer), success,
                  sizeof success - 1) != NULL;
}

static void take_answer(natsConnection *connection, natsSubscription *subscription,
                        natsMsg *answer, void *context) {
    (void)connection;
    (void)subscription;
    (void)context;
    size_t slot = (size_t)strtoul(strrchr(natsMsg_GetSubject(answer), '.') + 1, NULL, 10);
    double now = bench_seconds();
    bool good = slot < load.in_flight && is_success(answer);
    if (!good)
        fprintf(stderr, "bench_nats_load: %.*s\n", natsMsg_GetDataLength(answer),
                natsMsg_GetData(answer));
    natsMsg_Destroy(answer);
    if (good && load.answered < WAITS_MAX)
        load.waits[load.answered++] = (float)((now - load.started[slot]) * 1e6);
    pthread_mutex_lock(&load.lock);
    bool more = good && ask(slot, now);
    if (!good) load.failed = true;
    if (!more) load.running--;
    load.unsent = true;
    pthread_cond_signal(&load.changed);
    pthread_mutex_unlock(&load.lock);
}

/* Sends what has collected, until all is answered. */
static bool send_all(void) {
    bool going = true, failed = false;
    natsStatus status = natsConnection_Flush(load.connection);
    while (going && !failed && status == NATS_OK) {
        pthread_mutex_lock(&load.lock);
        while (!load.unsent) pthread_cond_wait(&load.changed, &load.lock);
        load.unsent = false;
        going = load.running > 0;
        failed = load.failed;
        pthread_mutex_unlock(&load.lock);
        if (going && load.in_flight > 1) status = natsConnection_Flush(load.connection);
    }
    return !failed && status == NATS_OK;
}

static int compare_waits(const void *left, const void *right) {
    float one = *(const float *)left, other = *(const float *)right;
    return (one > other) - (one < other);
}

static void report(double seconds) {
    if (load.answered == 0) return;
    qsort(load.waits, load.answered, sizeof load.waits[0], compare_waits);
    bench_report(load.subject, (double)load.answered, seconds);
    printf("p50: %.0f us\np99: %.0f us\n", (double)load.waits[load.answered / 2],
           (double)load.waits[load.answered - 1 - load.answered / 100]);
}

static natsStatus connect_to(const char *url) {
    natsOptions *options;
    natsInbox *inbox;
    natsSubscription *subscription;
    char answers[SUBJECT_BYTES + 2];
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = natsOptions_SetURL(options, url);
    if (status == NATS_OK) status = natsOptions_SetSendAsap(options, load.in_flight == 1);
    if (status == NATS_OK) status = natsConnection_Connect(&load.connection, options);
    if (status == NATS_OK) status = natsInbox_Create(&inbox);
    if (status != NATS_OK) return status;
    snprintf(load.inbox, sizeof load.inbox, "%s", inbox);
    snprintf(answers, sizeof answers, "%s.*", inbox);
    status = natsConnection_Subscribe(&subscription, load.connection, answers, take_answer, NULL);
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    return status;
}

static bool take_arguments(int count, char **arguments, double *seconds) {
    if (count != 4 && count != 7) return false;
    load.every_user = count == 4;
    load.kind = KIND_SUMMARY;
    load.in_flight = 256;
    *seconds = 0;
    if (load.every_user) return strcmp(arguments[3], "users") == 0;
    size_t kind = 0;
    while (kind < sizeof kinds / sizeof kinds[0] && strcmp(kinds[kind].name, arguments[3]) != 0)
        kind++;
    if (kind == sizeof kinds / sizeof kinds[0]) return false;
    load.kind = (enum kind)kind;
    load.in_flight = (size_t)strtoul(arguments[5], NULL, 10);
    *seconds = strtod(arguments[6], NULL);
    return load.in_flight >= 1 && load.in_flight <= IN_FLIGHT_MAX && *seconds > 0;
}

int main(int count, char **arguments) {
    double seconds;
    if (!take_arguments(count, arguments, &seconds)) {
        fprintf(stderr, "usage: bench_nats_load URL PREFIX check|add|summary uniform|zipf "
                        "IN_FLIGHT SECONDS\n       bench_nats_load URL PREFIX users\n");
        return 2;
    }
    bench_picker_init(&load.picker, !load.every_user && strcmp(arguments[4], "zipf") == 0, 1);
    snprintf(load.subject, sizeof load.subject, "%s.%s", arguments[2], kinds[load.kind].subject);
    load.waits = malloc(WAITS_MAX * sizeof load.waits[0]);
    assert(load.waits != NULL);
    natsStatus status = connect_to(arguments[1]);
    if (status != NATS_OK) {
        fprintf(stderr, "bench_nats_load: %s\n", natsStatus_GetText(status));
        return 1;
    }
    double started = bench_seconds();
    load.ends_at = started + seconds;
    load.running = load.in_flight;
    bool asked = true;
    pthread_mutex_lock(&load.lock); /* the first answers may come already */
    for (size_t slot = 0; slot < load.in_flight && asked; slot++) asked = ask(slot, started);
    pthread_mutex_unlock(&load.lock);
    if (!asked || !send_all()) return 1;
    report(bench_seconds() - started);
    return 0;
}
