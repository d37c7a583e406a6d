#include "front/http_server.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/http_connection.h"
#include "front/http_loop.h"

enum {
    LISTEN_BACKLOG = 1024,
    ACCEPTS_AT_ONCE = 64,
    CONNECTIONS_TOLD_MAX = 64,  /* beyond connections_max, to be told 503; more are just closed */
    LOOPS_DEFAULT_MAX = 8,
    ACCEPT_AGAIN_MS = 100,      /* after running out of file descriptors ... */
    TELL_AGAIN_US = 10000000,   /* ... which is told this often, however long it lasts */
    DRAIN_POLL_MS = 5,
    DESCRIPTORS_OF_OTHERS = 256, /* the store, logs, loops */
};

void http_server_options_init(struct http_server_options *options) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long loops = cores / 2 < 1 ? 1 : cores / 2;
    *options = (struct http_server_options){
        .listen_address = "127.0.0.1",
        .loops = loops > LOOPS_DEFAULT_MAX ? LOOPS_DEFAULT_MAX : (int)loops,
        .check_host = true,
        .head_ms_max = 10000,
        .body_ms_max = 60000,
        .idle_ms_max = 75000,
        .send_ms_max = 30000,
        .buffered_bytes_max = HTTP_BUFFERED_BYTES_MAX,
        .connections_max = HTTP_CONNECTIONS_MAX,
    };
}

static void server_place(struct http_server *server, int fd, bool refused) {
    struct http_loop *loop = server->loops[0];
    for (int i = 1; i < server->loop_count; i++)
        if (atomic_load(&server->loops[i]->connection_count) <
            atomic_load(&loop->connection_count))
            loop = server->loops[i];
    atomic_fetch_add(&loop->connection_count, 1);
    if (loop == server->loops[0] || !http_loop_give_socket(loop, fd, refused)) {
        if (loop != server->loops[0]) {
            atomic_fetch_sub(&loop->connection_count, 1);
            loop = server->loops[0];
            atomic_fetch_add(&loop->connection_count, 1);
        }
        http_connection_open(loop, fd, refused);
    }
}

/* Out of descriptors: the socket stays readable, so look away for a moment. */
static void server_pause(struct http_server *server, int reason) {
    int64_t now_us = server->loops[0]->now_us;
    if (now_us >= server->tell_again_us) {
        log_format(LOG_WARNING, "cannot accept connections: %s", strerror(reason));
        server->tell_again_us = now_us + TELL_AGAIN_US;
    }
    event_del(server->listen_event);
    event_add(server->listen_again_event, &(struct timeval){.tv_usec = ACCEPT_AGAIN_MS * 1000});
}

/* False: no more for now. */
static bool server_accept(struct http_server *server) {
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == ECONNABORTED || errno == EINTR) return true;
        if (errno == EAGAIN) return false;
        server_pause(server, errno);
        return false;
    }
    size_t before = atomic_fetch_add(&server->connection_count, 1);
    if (before >= server->options.connections_max + CONNECTIONS_TOLD_MAX) {
        atomic_fetch_sub(&server->connection_count, 1);
        close(fd);
        return true;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    server_place(server, fd, before >= server->options.connections_max);
    return true;
}

static void on_connect(evutil_socket_t fd, short what, void *context) {
    struct http_server *server = context;
    (void)fd, (void)what;
    http_loop_enter(server->loops[0]);
    for (int i = 0; i < ACCEPTS_AT_ONCE && server_accept(server); i++) {
    }
    http_loop_settle(server->loops[0]);
}

static void on_listen_again(evutil_socket_t fd, short what, void *context) {
    struct http_server *server = context;
    (void)fd, (void)what;
    if (server->listen_fd >= 0) event_add(server->listen_event, NULL);
}

/* The first of the addresses that can be bound; -1 with an errno. */
static int bind_first(const struct addrinfo *addresses) {
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        int one = 1;
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, at->ai_addr, at->ai_addrlen) == 0) return fd;
        int reason = errno;
        close(fd);
        errno = reason;
    }
    return -1;
}

static bool refuse_to_listen(const char *address, int port, struct qms_error *error) {
    return qms_fail(error, QMS_UNAVAILABLE, "cannot listen on %s port %d: %s", address, port,
                    strerror(errno));
}

/* -1 with an error. */
static int bind_socket(const char *address, int port, struct qms_error *error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *addresses;
    char number[16];
    snprintf(number, sizeof number, "%d", port);
    int fault = getaddrinfo(address, number, &hints, &addresses);
    if (fault != 0) {
        qms_fail(error, QMS_BAD_REQUEST, "cannot listen on %s: %s", address, gai_strerror(fault));
        return -1;
    }
    int fd = bind_first(addresses);
    if (fd < 0) refuse_to_listen(address, port, error);
    freeaddrinfo(addresses);
    return fd;
}

bool http_server_may_listen(const char *address, int port, struct qms_error *error) {
    int fd = bind_socket(address, port, error);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static bool server_listen(struct http_server *server, struct qms_error *error) {
    const struct http_server_options *options = &server->options;
    server->listen_fd = bind_socket(options->listen_address, options->listen_port, error);
    if (server->listen_fd < 0) return false;
    if (listen(server->listen_fd, LISTEN_BACKLOG) != 0)
        return refuse_to_listen(options->listen_address, options->listen_port, error);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    getsockname(server->listen_fd, (struct sockaddr *)&address, &length);
    char number[NI_MAXSERV];
    if (getnameinfo((struct sockaddr *)&address, length, NULL, 0, number, sizeof number,
                    NI_NUMERICSERV) != 0)
        return qms_fail(error, QMS_INTERNAL, "cannot learn the port in use");
    server->port = (int)strtol(number, NULL, 10);
    return true;
}

/* The hosts of the options, and the address itself as a URL would name it. */
static void server_list_hosts(struct http_server *server) {
    const char *const *given = server->options.hosts;
    size_t count = 0;
    while (given != NULL && given[count] != NULL) count++;
    server->hosts = memory_take((count + 2) * sizeof server->hosts[0]);
    for (size_t i = 0; i < count; i++) server->hosts[i] = given[i];
    const char *address = server->options.listen_address;
    snprintf(server->listen_host, sizeof server->listen_host,
             strchr(address, ':') == NULL ? "%s" : "[%s]", address);
    server->hosts[count] = server->listen_host;
    server->hosts[count + 1] = NULL;
}

/* The usual limit of a shell, 1024, is less than the connections we promise to hold. */
static void server_raise_descriptors(const struct http_server *server) {
    struct rlimit limit;
    rlim_t wanted =
        server->options.connections_max + CONNECTIONS_TOLD_MAX + DESCRIPTORS_OF_OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        log_format(LOG_WARNING, "only %llu file descriptors for %zu connections",
                   (unsigned long long)limit.rlim_cur, server->options.connections_max);
}

static bool server_start(struct http_server *server, struct qms_error *error) {
    for (int i = 0; i < server->options.loops; i++) {
        struct http_loop *loop = http_loop_open(server, i);
        if (loop == NULL) return qms_fail(error, QMS_INTERNAL, "cannot make an event loop");
        server->loops[server->loop_count++] = loop;
    }
    struct event_base *base = server->loops[0]->base;
    server->listen_event =
        event_new(base, server->listen_fd, EV_READ | EV_PERSIST, on_connect, server);
    server->listen_again_event = event_new(base, -1, 0, on_listen_again, server);
    assert(server->listen_event != NULL && server->listen_again_event != NULL);
    event_add(server->listen_event, NULL);
    for (int i = 0; i < server->loop_count; i++)
        if (!http_loop_start(server->loops[i]))
            return qms_fail(error, QMS_INTERNAL, "cannot start a thread");
    return true;
}

struct http_server *http_server_open(const struct http_server_options *options,
                                     struct qms_error *error) {
    assert(options->loops > 0);
    assert(options->metrics != NULL);
    struct http_server *server =
        memory_take_zeroed(1, sizeof *server + (size_t)options->loops * sizeof server->loops[0]);
    server->options = *options;
    server->listen_fd = -1;
    server_raise_descriptors(server);
    server->router = http_router_open(options->routes);
    server_list_hosts(server);
    if (!server_listen(server, error) || !server_start(server, error)) {
        http_server_close(server);
        return NULL;
    }
    return server;
}

int http_server_port(const struct http_server *server) {
    return server->port;
}

void http_exchange_charge(struct http_exchange *exchange) {
    http_slot_charge(exchange->server_private, exchange->request.arena.taken_bytes);
}

void http_exchange_client(const struct http_exchange *exchange, char *client) {
    const struct http_slot *slot = exchange->server_private;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    client[0] = '\0';
    if (getpeername(slot->connection->fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, client, HTTP_CLIENT_BYTES, NULL, 0,
                    NI_NUMERICHOST) != 0)
        client[0] = '\0';
}

void http_exchange_send(struct http_exchange *exchange) {
    struct http_slot *slot = exchange->server_private;
    if (slot->stream.begun) {
        if (exchange->out.failed) exchange->cut = true;
        if (!exchange->cut) {
            http_stream_put(&slot->stream, buffer_text(&exchange->out), slot->chunked);
            http_stream_end(&slot->stream, slot->chunked);
        }
        buffer_reset(&exchange->out);
    }
    http_loop_send(slot);
}

bool http_exchange_push(struct http_exchange *exchange) {
    struct http_slot *slot = exchange->server_private;
    if (exchange->out.failed) return false;
    if (exchange->method == HTTP_HEAD) {
        exchange->skipped_bytes += exchange->out.length;
        buffer_reset(&exchange->out);
        return true;
    }
    slot->stream.begun = true;
    http_stream_put(&slot->stream, buffer_text(&exchange->out), slot->chunked);
    buffer_reset(&exchange->out);
    http_loop_push(slot);
    const struct http_server *server = slot->loop->server;
    return http_stream_wait(&slot->stream, server->options.send_ms_max, &server->cutting);
}

void http_server_wake(struct http_server *server) {
    for (int i = 0; i < server->loop_count; i++)
        if (atomic_load(&server->loops[i]->sent) != NULL) http_loop_wake(server->loops[i]);
}

void http_server_drain(struct http_server *server, int ms) {
    int64_t deadline_us = clock_monotonic_us() + (int64_t)ms * 1000;
    atomic_store(&server->draining, true);
    for (int i = 0; i < server->loop_count; i++) http_loop_wake(server->loops[i]);
    while (atomic_load(&server->connection_count) > 0 && clock_monotonic_us() < deadline_us)
        usleep(DRAIN_POLL_MS * 1000);
    atomic_store(&server->cutting, true);
}

void http_server_close(struct http_server *server) {
    atomic_store(&server->stopping, true);
    for (int i = 0; i < server->loop_count; i++) {
        struct http_loop *loop = server->loops[i];
        if (!loop->started) continue;
        http_loop_wake(loop);
        pthread_join(loop->thread, NULL);
    }
    if (server->listen_event != NULL) event_free(server->listen_event);
    if (server->listen_again_event != NULL) event_free(server->listen_again_event);
    if (server->listen_fd >= 0) close(server->listen_fd);
    for (int i = 0; i < server->loop_count; i++) http_loop_close(server->loops[i]);
    http_router_close(server->router);
    memory_give(server->hosts);
    memory_give(server);
}
