/* Behaviour that needs other threads; what a client sees is tested from outside (tests/system). */
#include "front/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOOPS = 2, CLIENTS = 6, ROUNDS = 12, PIPELINED = 100, WAIT_SECONDS = 30, HELD_MAX = 4096 };

/* Handlers put exchanges here; another thread answers them, the newest first. */
struct holder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct http_exchange *held[HELD_MAX];
    size_t count, alone_count, total;
    bool paused, stopping;
    struct http_server *server;
};

struct fixture {
    struct holder holder;
    struct metrics metrics;
    struct http_server *server;
    int port;
};

static void answer_path(struct http_exchange *exchange) {
    exchange->status = 200;
    buffer_put_text(&exchange->out, exchange->path);
    http_exchange_send(exchange);
}

static void on_now(void *context, struct http_exchange *exchange) {
    (void)context;
    answer_path(exchange);
}

static void on_held(void *context, struct http_exchange *exchange) {
    struct holder *holder = context;
    pthread_mutex_lock(&holder->lock);
    if (holder->count == HELD_MAX) abort();
    holder->held[holder->count++] = exchange;
    holder->alone_count += exchange->alone;
    holder->total++;
    pthread_cond_broadcast(&holder->changed);
    pthread_mutex_unlock(&holder->lock);
}

static void *hold(void *context) {
    struct holder *holder = context;
    pthread_mutex_lock(&holder->lock);
    while (holder->count > 0 || !holder->stopping) {
        if (holder->count == 0 || holder->paused) {
            pthread_cond_wait(&holder->changed, &holder->lock);
            continue;
        }
        size_t count = holder->count;
        struct http_exchange *taken[HELD_MAX];
        memcpy(taken, holder->held, count * sizeof taken[0]);
        holder->count = 0;
        pthread_mutex_unlock(&holder->lock);
        while (count > 0) answer_path(taken[--count]);
        http_server_wake(holder->server);
        pthread_mutex_lock(&holder->lock);
    }
    pthread_mutex_unlock(&holder->lock);
    return NULL;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/now/{n}", 0, on_now, OP_COUNT, 0},
    {HTTP_GET, "/held/{n}", 0, on_held, OP_COUNT, 0},
    {HTTP_POST, "/held/{n}", HTTP_BODY_BYTES_MAX, on_held, OP_COUNT, 0},
    {0},
};

static void write_error(struct buffer *out, int status, struct text text,
                        const struct http_exchange *exchange) {
    buffer_format(out, "%d %.*s %.*s\n", status, TEXT_ARGUMENTS(text),
                  TEXT_ARGUMENTS(exchange->path));
}

static const struct http_tree trees[] = {{"", {"text/plain", 10}, write_error}};

static struct http_server_options options_for(struct fixture *fixture) {
    struct http_server_options options;
    http_server_options_init(&options);
    options.loops = LOOPS;
    options.routes = routes;
    options.trees = trees;
    options.context = &fixture->holder;
    options.metrics = &fixture->metrics;
    return options;
}

static int set_up(void **state) {
    struct fixture *fixture = memory_take_zeroed(1, sizeof *fixture);
    struct http_server_options options = options_for(fixture);
    struct qms_error error;
    pthread_mutex_init(&fixture->holder.lock, NULL);
    pthread_cond_init(&fixture->holder.changed, NULL);
    fixture->server = http_server_open(&options, &error);
    assert_non_null(fixture->server);
    fixture->holder.server = fixture->server;
    fixture->port = http_server_port(fixture->server);
    pthread_create(&fixture->holder.thread, NULL, hold, &fixture->holder);
    *state = fixture;
    return 0;
}

static void holder_set(struct holder *holder, bool paused, bool stopping) {
    pthread_mutex_lock(&holder->lock);
    holder->paused = paused;
    holder->stopping = stopping;
    pthread_cond_broadcast(&holder->changed);
    pthread_mutex_unlock(&holder->lock);
}

/* As the server ends: no exchange is left with the handlers when it closes. */
static int tear_down(void **state) {
    struct fixture *fixture = *state;
    holder_set(&fixture->holder, false, false);
    http_server_drain(fixture->server, WAIT_SECONDS * 1000);
    holder_set(&fixture->holder, false, true);
    pthread_join(fixture->holder.thread, NULL);
    http_server_close(fixture->server);
    assert_int_equal(fixture->metrics.http_connections, 0);
    memory_give(fixture);
    return 0;
}

static int client_open(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void client_ask(int fd, const char *path, int from, int to) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX / 2);
    for (int i = from; i < to; i++)
        buffer_format(&out, "GET /%s/%d HTTP/1.1\r\nHost: localhost\r\n\r\n", path, i);
    for (size_t done = 0; done < out.length;) {
        ssize_t sent = send(fd, out.data + done, out.length - done, MSG_NOSIGNAL);
        if (sent <= 0) break;
        done += (size_t)sent;
    }
    buffer_close(&out);
}

/* Reads until the connection ends or the answers to all of from..to have come in their order. */
static bool client_reads(int fd, const char *path, int from, int to) {
    struct buffer in;
    char bytes[4096], wanted[64];
    size_t checked = 0;
    buffer_init(&in, SIZE_MAX / 2);
    while (from < to) {
        ssize_t received = recv(fd, bytes, sizeof bytes, 0);
        if (received <= 0) break;
        buffer_put(&in, bytes, (size_t)received);
        buffer_put_char(&in, '\0');
        in.length--;
        for (; from < to; from++) {
            snprintf(wanted, sizeof wanted, "\r\n\r\n/%s/%d", path, from);
            const char *head = strstr(in.data + checked, "\r\n\r\n");
            if (head == NULL || strlen(head) < strlen(wanted)) break;
            if (memcmp(head, wanted, strlen(wanted)) != 0) from = to + 1;
            checked = (size_t)(head - in.data) + strlen(wanted);
        }
    }
    buffer_close(&in);
    return from == to;
}

static void answers_leave_in_the_order_of_their_requests(void **state) {
    struct fixture *fixture = *state;
    int fd = client_open(fixture->port);
    client_ask(fd, "held", 0, PIPELINED);
    assert_true(client_reads(fd, "held", 0, PIPELINED));
    client_ask(fd, "now", 0, 3 * PIPELINED);
    assert_true(client_reads(fd, "now", 0, 3 * PIPELINED));
    close(fd);
}

static void wait_for_total(struct holder *holder, size_t total) {
    pthread_mutex_lock(&holder->lock);
    while (holder->total < total) pthread_cond_wait(&holder->changed, &holder->lock);
    pthread_mutex_unlock(&holder->lock);
}

static size_t holder_count(struct holder *holder, const size_t *count) {
    pthread_mutex_lock(&holder->lock);
    size_t found = *count;
    pthread_mutex_unlock(&holder->lock);
    return found;
}

static size_t total(struct fixture *fixture) {
    return holder_count(&fixture->holder, &fixture->holder.total);
}

static size_t alone(struct fixture *fixture) {
    return holder_count(&fixture->holder, &fixture->holder.alone_count);
}

static void no_more_than_the_pipeline_depth_is_handed_over(void **state) {
    struct fixture *fixture = *state;
    holder_set(&fixture->holder, true, false);
    int fd = client_open(fixture->port);
    client_ask(fd, "held", 0, 3 * HTTP_PIPELINE_MAX);
    wait_for_total(&fixture->holder, HTTP_PIPELINE_MAX);
    usleep(50000);
    assert_int_equal(total(fixture), HTTP_PIPELINE_MAX);
    holder_set(&fixture->holder, false, false);
    assert_true(client_reads(fd, "held", 0, 3 * HTTP_PIPELINE_MAX));
    close(fd);
}

static void only_a_request_without_predecessors_is_alone(void **state) {
    struct fixture *fixture = *state;
    holder_set(&fixture->holder, true, false);
    int fd = client_open(fixture->port);
    client_ask(fd, "held", 0, 5);
    wait_for_total(&fixture->holder, 5);
    assert_int_equal(alone(fixture), 1);
    holder_set(&fixture->holder, false, false);
    assert_true(client_reads(fd, "held", 0, 5));
    client_ask(fd, "now", 5, 7);
    assert_true(client_reads(fd, "now", 5, 7));
    client_ask(fd, "held", 7, 8);
    assert_true(client_reads(fd, "held", 7, 8));
    assert_int_equal(alone(fixture), 2);
    close(fd);
}

static void an_exchange_outlives_its_connection(void **state) {
    struct fixture *fixture = *state;
    holder_set(&fixture->holder, true, false);
    for (int i = 0; i < 2; i++) {
        int fd = client_open(fixture->port);
        struct linger reset = {.l_onoff = 1};
        if (i == 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        client_ask(fd, "held", 0, 10);
        wait_for_total(&fixture->holder, (size_t)(i + 1) * 10);
        close(fd);
    }
    usleep(50000);
    holder_set(&fixture->holder, false, false);
    int fd = client_open(fixture->port);
    client_ask(fd, "held", 0, 1);
    assert_true(client_reads(fd, "held", 0, 1));
    close(fd);
}

static void a_client_that_closed_its_half_is_answered(void **state) {
    struct fixture *fixture = *state;
    char byte;
    holder_set(&fixture->holder, true, false);
    int fd = client_open(fixture->port);
    client_ask(fd, "held", 0, 3);
    send(fd, "GET /held/4 HT", 14, MSG_NOSIGNAL); /* is cut off */
    shutdown(fd, SHUT_WR);
    wait_for_total(&fixture->holder, 3);
    holder_set(&fixture->holder, false, false);
    assert_true(client_reads(fd, "held", 0, 3));
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    assert_int_equal(total(fixture), 3);
    close(fd);
}

/* One of many: asks, reads, or leaves in the middle, differently in each round. */
static void *visit(void *context) {
    struct fixture *fixture = context;
    long wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int fd = client_open(fixture->port);
        const char *path = round % 2 == 0 ? "held" : "now";
        client_ask(fd, path, 0, PIPELINED);
        if (round % 4 < 2) wrong += !client_reads(fd, path, 0, PIPELINED);
        else if (round % 4 == 2) wrong += !client_reads(fd, path, 0, PIPELINED / 2);
        close(fd);
    }
    return (void *)wrong;
}

static void many_clients_come_and_go(void **state) {
    struct fixture *fixture = *state;
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) pthread_create(&threads[i], NULL, visit, fixture);
    for (int i = 0; i < CLIENTS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

static void *release_later(void *context) {
    usleep(100000);
    holder_set(context, false, false);
    return NULL;
}

static void draining_finishes_what_was_asked_and_takes_no_more(void **state) {
    struct fixture *fixture = *state;
    pthread_t releases;
    char byte;
    holder_set(&fixture->holder, true, false);
    int idle = client_open(fixture->port), busy = client_open(fixture->port);
    client_ask(idle, "now", 0, 1);
    assert_true(client_reads(idle, "now", 0, 1));
    client_ask(busy, "held", 0, 1);
    wait_for_total(&fixture->holder, 1);
    pthread_create(&releases, NULL, release_later, &fixture->holder);
    http_server_drain(fixture->server, 300);
    pthread_join(releases, NULL);
    assert_int_equal(recv(idle, &byte, 1, 0), 0);
    assert_true(client_reads(busy, "held", 0, 1));
    assert_int_equal(recv(busy, &byte, 1, 0), 0);
    int late = client_open(fixture->port);
    assert_int_equal(late, -1);
    close(idle);
    close(busy);
    http_server_drain(fixture->server, WAIT_SECONDS * 1000);
    assert_int_equal(fixture->metrics.http_connections, 0);
}

static void a_port_in_use_is_an_error(void **state) {
    struct fixture *fixture = *state;
    struct http_server_options options = options_for(fixture);
    struct qms_error error = {0};
    options.listen_port = fixture->port;
    assert_null(http_server_open(&options, &error));
    assert_non_null(strstr(error.text, "in use"));
    options.listen_address = "256.0.0.1";
    assert_null(http_server_open(&options, &error));
    assert_non_null(strstr(error.text, "256.0.0.1"));
}

/* As many as connections are promised, or as many as there may be. */
static void there_are_descriptors_for_all_connections(void **state) {
    struct fixture *fixture = *state;
    struct http_server_options options = options_for(fixture);
    struct rlimit before, after;
    struct qms_error error;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {.rlim_cur = 100, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct http_server *server = http_server_open(&options, &error);
    assert_non_null(server);
    http_server_close(server);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur > HTTP_CONNECTIONS_MAX || after.rlim_cur == before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_leave_in_the_order_of_their_requests, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_the_pipeline_depth_is_handed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_a_request_without_predecessors_is_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_exchange_outlives_its_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_closed_its_half_is_answered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_clients_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_finishes_what_was_asked_and_takes_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_port_in_use_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_descriptors_for_all_connections, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
