/* http_test_server.c: the HTTP server with routes that exist for tests, in a program of its own.
 * Prints "port N" when it listens; ends cleanly at SIGTERM. Arguments: name=value of options. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "front/http_server.h"
#include "front/http_tls.h"

enum { DRAIN_MS = 60000, LARGE_BODY_BYTES_MAX = 16 << 20, SMALL_BODY_BYTES_MAX = 1000 };

/* Exchanges that a thread of its own answers, all that are due at once, as the engine does. */
struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *first, **last;
    bool stopping;
    struct http_server *server;
};

struct job {
    struct job *next;
    struct http_exchange *exchange;
    int64_t due_ms;
};

static volatile sig_atomic_t released; /* slow answers need not wait any longer */

static void on_release(int signal) {
    (void)signal;
    released = 1;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long query_number(const struct http_exchange *exchange, const char *name, long otherwise) {
    char query[256] = "";
    if (exchange->query.length >= sizeof query) return otherwise;
    if (exchange->query.length > 0) memcpy(query, exchange->query.data, exchange->query.length);
    const char *at = strstr(query, name);
    return at == NULL ? otherwise : strtol(at + strlen(name), NULL, 10);
}

static void answer_echo(struct http_exchange *exchange) {
    exchange->status = (int)query_number(exchange, "status=", 200);
    exchange->content_type_out = TEXT("text/plain");
    buffer_put_text(&exchange->out, exchange->body);
    http_exchange_send(exchange);
}

static void on_echo(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->close = query_number(exchange, "close=", 0) != 0;
    answer_echo(exchange);
}

/* The parts of the path as the route sees them, one a line. */
static void on_segments(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    exchange->content_type_out = TEXT("text/plain");
    for (size_t i = 1; i < exchange->segment_count; i++) {
        buffer_put_text(&exchange->out, exchange->segments[i]);
        buffer_put_char(&exchange->out, '\n');
    }
    http_exchange_send(exchange);
}

static void on_constant(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    char *room = buffer_reserve(&exchange->out, 198);
    memset(room, 'x', 198);
    buffer_advance(&exchange->out, 198);
    http_exchange_send(exchange);
}

static void on_large(void *context, struct http_exchange *exchange) {
    (void)context;
    size_t bytes = (size_t)query_number(exchange, "bytes=", 1 << 20);
    exchange->status = 200;
    char *room = buffer_reserve(&exchange->out, bytes);
    for (size_t i = 0; room != NULL && i < bytes; i++) room[i] = (char)('a' + i % 26);
    if (room != NULL) buffer_advance(&exchange->out, bytes);
    http_exchange_send(exchange);
}

static void on_length(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    buffer_format(&exchange->out, "%zu\n", exchange->body.length);
    http_exchange_send(exchange);
}

static void on_slow(void *context, struct http_exchange *exchange) {
    struct worker *worker = context;
    struct job *job = arena_take(&exchange->request.arena, sizeof *job);
    *job = (struct job){
        .exchange = exchange, .due_ms = now_ms() + query_number(exchange, "ms=", 0)};
    pthread_mutex_lock(&worker->lock);
    *worker->last = job;
    worker->last = &job->next;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static bool take_due(struct worker *worker, struct job **due) {
    int64_t now = now_ms();
    struct job **link = &worker->first;
    *due = NULL;
    while (*link != NULL) {
        struct job *job = *link;
        if (job->due_ms > now && !worker->stopping && !released) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        *due = job;
        due = &job->next;
        *due = NULL;
    }
    worker->last = link;
    return worker->first != NULL;
}

static void *work(void *context) {
    struct worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        struct job *due;
        bool waiting = take_due(worker, &due);
        bool stopping = worker->stopping;
        if (due == NULL && !waiting && stopping) break;
        if (due == NULL && !waiting) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        if (due == NULL) usleep(5000);
        while (due != NULL) {
            struct job *job = due;
            due = due->next;
            answer_echo(job->exchange);
        }
        http_server_wake(worker->server);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/", 0, on_constant, OP_COUNT, 0},
    {HTTP_GET, "/constant", 0, on_constant, OP_COUNT, 0},
    {HTTP_GET, "/echo", 0, on_echo, OP_COUNT, 0},
    {HTTP_POST, "/echo", LARGE_BODY_BYTES_MAX, on_echo, OP_COUNT, 0},
    {HTTP_PUT, "/echo", SMALL_BODY_BYTES_MAX, on_echo, OP_COUNT, 0},
    {HTTP_GET, "/slow", 0, on_slow, OP_COUNT, 0},
    {HTTP_POST, "/slow", LARGE_BODY_BYTES_MAX, on_slow, OP_COUNT, 0},
    {HTTP_GET, "/segments/{one}", 0, on_segments, OP_COUNT, 0},
    {HTTP_GET, "/segments/{one}/{two}", 0, on_segments, OP_COUNT, 0},
    {HTTP_GET, "/large", 0, on_large, OP_COUNT, 0},
    {HTTP_POST, "/length", LARGE_BODY_BYTES_MAX, on_length, OP_COUNT, 0},
    {HTTP_POST, "/v2/length", SMALL_BODY_BYTES_MAX, on_length, OP_COUNT, 1},
    {0},
};

static void write_error(struct buffer *out, int status, struct text text,
                        const struct http_exchange *exchange) {
    (void)exchange;
    buffer_format(out, "root %d %.*s\n", status, TEXT_ARGUMENTS(text));
}

static void write_error_v2(struct buffer *out, int status, struct text text,
                           const struct http_exchange *exchange) {
    buffer_format(out, "v2 %d %.*s %.*s\n", status, TEXT_ARGUMENTS(text),
                  TEXT_ARGUMENTS(exchange->path));
}

static const struct http_tree trees[] = {
    {"/v2", {"application/problem+json", 24}, write_error_v2},
    {"", {"application/json", 16}, write_error},
};

static const char *certificate, *key; /* of TLS, which is spoken when they are given */

static void option_set(struct http_server_options *options, const char *argument) {
    const char *equals = strchr(argument, '=');
    assert(equals != NULL);
    size_t length = (size_t)(equals - argument);
    long value = strtol(equals + 1, NULL, 10);
    struct text name = {.data = argument, .length = length};
    if (text_equal(name, TEXT("port"))) options->listen_port = (int)value;
    else if (text_equal(name, TEXT("loops"))) options->loops = (int)value;
    else if (text_equal(name, TEXT("check_host"))) options->check_host = value != 0;
    else if (text_equal(name, TEXT("head_ms"))) options->head_ms_max = (int)value;
    else if (text_equal(name, TEXT("body_ms"))) options->body_ms_max = (int)value;
    else if (text_equal(name, TEXT("idle_ms"))) options->idle_ms_max = (int)value;
    else if (text_equal(name, TEXT("send_ms"))) options->send_ms_max = (int)value;
    else if (text_equal(name, TEXT("connections"))) options->connections_max = (size_t)value;
    else if (text_equal(name, TEXT("buffered"))) options->buffered_bytes_max = (size_t)value;
    else if (text_equal(name, TEXT("address"))) options->listen_address = equals + 1;
    else if (text_equal(name, TEXT("certificate"))) certificate = equals + 1;
    else if (text_equal(name, TEXT("key"))) key = equals + 1;
    else assert(!"an option of the test server");
}

int main(int argc, char **argv) {
    static struct metrics metrics;
    static const char *const hosts[] = {"qms.example", "other.example:8080", NULL};
    struct worker worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct http_server_options options;
    struct qms_error error;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, on_release);

    worker.last = &worker.first;
    http_server_options_init(&options);
    options.routes = routes;
    options.trees = trees;
    options.context = &worker;
    options.metrics = &metrics;
    options.hosts = hosts;
    for (int i = 1; i < argc; i++) option_set(&options, argv[i]);
    if (key != NULL) options.tls = http_tls_open(certificate, key, &error);
    if (key == NULL || options.tls != NULL) worker.server = http_server_open(&options, &error);
    if (worker.server == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    pthread_create(&worker.thread, NULL, work, &worker);
    printf("port %d\n", http_server_port(worker.server));
    fflush(stdout);

    int signal;
    sigwait(&ends, &signal);
    http_server_drain(worker.server, DRAIN_MS);
    pthread_mutex_lock(&worker.lock);
    worker.stopping = true;
    pthread_cond_signal(&worker.changed);
    pthread_mutex_unlock(&worker.lock);
    pthread_join(worker.thread, NULL);
    http_server_close(worker.server);
    if (options.tls != NULL) http_tls_close(options.tls);
    printf("closed with %d connections open\n", (int)metrics.http_connections);
    return 0;
}
