/* bench_engine: durable ADDs a second through the engine, with a fixed number in flight;
 * prints the mean batch size, so that a bare loop can be run with the same one, and the processor
 * time, which other programs on the machine disturb least.
 * Usage: bench_engine FILE|URL uniform|zipf in-flight seconds [none|ordered|random [threads]]
 * A FILE is an SQLite store. The word is the idempotency key of each request: none, a UUID of
 * version 7 or of version 4. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench_common.h"
#include "engine/engine.h"
#include "wire/content.h"

static char names[BENCH_USERS][16];
static struct engine *engine;
static struct bench_picker picker;
static enum { KEYS_NONE, KEYS_ORDERED, KEYS_RANDOM } keys;
static struct uuid_source key_source;
static double stop_at;
static long finished_count, failed_count; /* the reply thread's */
static long open_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_done = PTHREAD_COND_INITIALIZER;

static void submit(struct request *request, size_t user);

static void done(struct request *request) {
    if (request->ops->error.code != QMS_OK) failed_count++;
    finished_count++;
    if (bench_seconds() < stop_at) {
        submit(request, bench_pick(&picker));
        return;
    }
    pthread_mutex_lock(&lock);
    if (--open_count == 0) pthread_cond_signal(&all_done);
    pthread_mutex_unlock(&lock);
}

/* As the front does it. */
static void give_key(struct request *request, struct op *op) {
    struct uuid id;
    char text[UUID_TEXT_BYTES];
    if (keys == KEYS_ORDERED) id = uuid_make(&key_source, clock_wall_us(&clock_system));
    else id = uuid_make_random(&key_source);
    uuid_format(&id, text);
    op->key = arena_text(&request->arena, (struct text){text, sizeof text});
    content_hash(content_hasher_of_thread(), op);
}

static void submit(struct request *request, size_t user) {
    request_reset(request);
    struct op *op = request_single(request, OP_UPDATE_ADD);
    op->username = text_of(names[user]);
    op->in.change = (struct change_input){
        .value_type = TEXT("usages"),
        .resource_name = TEXT("cpu.hours"),
        .resource_unit = TEXT("cpu hours"),
        .operation_name = TEXT("ADD"),
        .value = amount_of(1),
        .has_effective = true,
        .effective_us = clock_wall_us(&clock_system),
    };
    if (keys != KEYS_NONE) give_key(request, op);
    request->done = done;
    engine_submit(engine, request, false);
}

/* Keeps in_flight requests going until the time is over, and waits for the last. */
static void drive(struct request *requests, long in_flight, double seconds, bool every_user) {
    stop_at = bench_seconds() + seconds;
    finished_count = 0;
    open_count = in_flight;
    for (long i = 0; i < in_flight; i++) {
        submit(&requests[i], every_user ? (size_t)i : bench_pick(&picker));
    }
    pthread_mutex_lock(&lock);
    while (open_count > 0) pthread_cond_wait(&all_done, &lock);
    pthread_mutex_unlock(&lock);
}

/* What this process has used of the processors. */
static double processor_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static struct store *open_store(void *url, bool waits, struct qms_error *error) {
    return store_open(&(struct store_options){.url = url, .waits = waits, .clock = &clock_system,
                                              .actor = TEXT("bench")}, error);
}

int main(int count, char **arguments) {
    if (count < 5 || count > 7) {
        fprintf(stderr,
                "usage: bench_engine FILE|URL uniform|zipf in-flight seconds [KEYS [threads]]\n");
        return 2;
    }
    if (count > 5 && strcmp(arguments[5], "ordered") == 0) keys = KEYS_ORDERED;
    if (count > 5 && strcmp(arguments[5], "random") == 0) keys = KEYS_RANDOM;
    uuid_source_init(&key_source);
    bool zipf = strcmp(arguments[2], "zipf") == 0;
    long in_flight = strtol(arguments[3], NULL, 10);
    double seconds = strtod(arguments[4], NULL);
    char url[4096];
    bool is_url = strncmp(arguments[1], "postgresql:", 11) == 0;
    snprintf(url, sizeof url, "%s%s", is_url ? "" : "sqlite:", arguments[1]);
    struct qms_error error = {0};
    static struct metrics metrics;
    struct engine_options options;
    engine_options_init(&options);
    options.metrics = &metrics;
    if (count == 7) options.threads = (size_t)strtol(arguments[6], NULL, 10);
    options.open_store = open_store;
    options.store_context = url;
    engine = engine_open(&options, &error);
    if (engine == NULL) {
        fprintf(stderr, "bench_engine: %s\n", error.text);
        return 1;
    }
    for (int i = 0; i < BENCH_USERS; i++) snprintf(names[i], sizeof names[i], "user%05d", i);
    bench_picker_init(&picker, zipf, 1);

    struct request *requests = memory_take_zeroed(BENCH_USERS, sizeof *requests);
    for (int i = 0; i < BENCH_USERS; i++) request_init(&requests[i]);
    drive(requests, BENCH_USERS, 0, true); /* every user gets a subscription; not counted */

    uint64_t batches = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) batches -= metrics.commit_us.buckets[i];
    double start = bench_seconds(), processor_start_us = processor_us();
    drive(requests, in_flight, seconds, false);
    double took = bench_seconds() - start, worked_us = processor_us() - processor_start_us;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) batches += metrics.commit_us.buckets[i];

    bench_report("engine", (double)finished_count, took);
    printf("batch: %.1f operations on average, %ld failed\n",
           (double)finished_count / (double)batches, failed_count);
    printf("processor: %.2f us an operation\n", worked_us / (double)finished_count);
    for (int i = 0; i < BENCH_USERS; i++) request_close(&requests[i]);
    memory_give(requests);
    engine_stop(engine);
    engine_close(engine);
    return failed_count > 0;
}
