/* bench_front: our own HTTP front answering a constant: the ceiling the server is held against.
 * It reads the same requests on the same paths and writes bodies of the same size, but decides
 * nothing. Usage: bench_front BYTES-OF-PUT-ANSWER BYTES-OF-GET-ANSWER LOOPS; prints its port. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/http_server.h"

static char filler[1 << 16];
static size_t put_bytes, get_bytes;

static void answer(struct http_exchange *exchange, size_t bytes) {
    exchange->status = 200;
    buffer_put(&exchange->out, filler, bytes);
    http_exchange_send(exchange);
}

static void answer_put(void *context, struct http_exchange *exchange) {
    (void)context;
    answer(exchange, put_bytes);
}

static void answer_get(void *context, struct http_exchange *exchange) {
    (void)context;
    answer(exchange, get_bytes);
}

static void write_error(struct buffer *out, int status, struct text text,
                        const struct http_exchange *exchange) {
    (void)exchange;
    buffer_format(out, "%d %.*s\n", status, TEXT_ARGUMENTS(text));
}

static const struct http_route routes[] = {
    {HTTP_PUT, "/user/{username}/updates", HTTP_BODY_BYTES_MAX, answer_put, OP_COUNT, 0},
    {HTTP_GET, "/users/{username}/overages", 0, answer_get, OP_COUNT, 0},
    {0},
};

static const struct http_tree trees[] = {{"", {"text/plain", 10}, write_error}};

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: bench_front PUT-BYTES GET-BYTES LOOPS\n");
        return 2;
    }
    put_bytes = strtoul(arguments[1], NULL, 10);
    get_bytes = strtoul(arguments[2], NULL, 10);
    if (put_bytes > sizeof filler || get_bytes > sizeof filler) return 2;
    memset(filler, 'x', sizeof filler);
    static struct metrics metrics;
    struct http_server_options options;
    http_server_options_init(&options);
    options.listen_address = "127.0.0.1";
    options.listen_port = 0;
    options.loops = (int)strtol(arguments[3], NULL, 10);
    options.routes = routes;
    options.trees = trees;
    options.metrics = &metrics;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct qms_error error = {0};
    struct http_server *server = http_server_open(&options, &error);
    if (server == NULL) {
        fprintf(stderr, "bench_front: %s\n", error.text);
        return 1;
    }
    printf("listening on http://127.0.0.1:%d\n", http_server_port(server));
    fflush(stdout);
    int signal_number;
    sigwait(&signals, &signal_number);
    http_server_close(server);
    return 0;
}
