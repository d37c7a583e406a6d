#include "front/http_loop.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "front/http_connection.h"

enum { TICK_MS_MIN = 5, TICK_MS_MAX = 250, TICKS_PER_WAIT = 4 };

static_assert(TICK_MS_MAX < 1000, "a tick fits into the microseconds of a timeval");

static _Thread_local struct http_loop *loop_current;

void http_loop_wake(struct http_loop *loop) {
    if (atomic_exchange(&loop->woken, true)) return;
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the loop is being woken already. */
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
}

bool http_loop_give_socket(struct http_loop *loop, int fd, bool refused) {
    pthread_mutex_lock(&loop->incoming_lock);
    bool room = loop->incoming_count < HTTP_INCOMING_MAX;
    if (room)
        loop->incoming[loop->incoming_count++] = (struct http_incoming){fd, refused};
    pthread_mutex_unlock(&loop->incoming_lock);
    if (room) http_loop_wake(loop);
    return room;
}

static void loop_take_sockets(struct http_loop *loop) {
    struct http_incoming incoming[HTTP_INCOMING_MAX];
    pthread_mutex_lock(&loop->incoming_lock);
    size_t count = loop->incoming_count;
    memcpy(incoming, loop->incoming, count * sizeof incoming[0]);
    loop->incoming_count = 0;
    pthread_mutex_unlock(&loop->incoming_lock);
    for (size_t i = 0; i < count; i++)
        http_connection_open(loop, incoming[i].fd, incoming[i].refused);
}

static void slot_finish(struct http_slot *slot) {
    struct http_connection *connection = slot->connection;
    assert(slot->handed);
    assert(!slot->finished);
    slot->finished = true;
    if (connection == NULL) {
        http_slot_give(slot);
        return;
    }
    assert(connection->unanswered_count > 0);
    connection->unanswered_count--;
    http_slot_charge(slot, slot->exchange.out.length);
    if (connection != slot->loop->parsing) http_connection_mark(connection);
}

void http_loop_send(struct http_slot *slot) {
    struct http_loop *loop = slot->loop;
    if (loop == loop_current) {
        slot_finish(slot);
        return;
    }
    slot->sent_next = atomic_load_explicit(&loop->sent, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->sent, &slot->sent_next, slot)) {
    }
}

void http_loop_push(struct http_slot *slot) {
    struct http_loop *loop = slot->loop;
    assert(loop != loop_current);
    if (!atomic_exchange(&slot->pushed, true)) {
        slot->pushed_next = atomic_load_explicit(&loop->pushed, memory_order_relaxed);
        while (!atomic_compare_exchange_weak(&loop->pushed, &slot->pushed_next, slot)) {
        }
    }
    http_loop_wake(loop);
}

static void loop_take_pushed(struct http_loop *loop) {
    struct http_slot *slot = atomic_exchange(&loop->pushed, NULL);
    while (slot != NULL) {
        struct http_slot *next = slot->pushed_next;
        atomic_store(&slot->pushed, false); /* before looking: what comes later is listed again */
        slot->streams = true;
        if (slot->connection != NULL) http_connection_mark(slot->connection);
        slot = next;
    }
}

/* In the order they were sent, so that no connection waits for a later one. What was pushed is
 * taken in between: parts are pushed before their answer is sent, so that nothing that is finished
 * here, and may be reused, is still listed there. */
static void loop_take_sent(struct http_loop *loop) {
    struct http_slot *newest = atomic_exchange(&loop->sent, NULL), *oldest = NULL;
    loop_take_pushed(loop);
    while (newest != NULL) {
        struct http_slot *next = newest->sent_next;
        newest->sent_next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct http_slot *next = oldest->sent_next;
        slot_finish(oldest);
        oldest = next;
    }
}

void http_loop_enter(struct http_loop *loop) {
    assert(loop == loop_current);
    loop->now_us = clock_monotonic_us();
}

void http_loop_settle(struct http_loop *loop) {
    struct http_connection *connection;
    while ((connection = TAILQ_FIRST(&loop->dirty)) != NULL) http_connection_settle(connection);
}

static void loop_close_connections(struct http_loop *loop) {
    struct http_connection *connection;
    while ((connection = TAILQ_FIRST(&loop->connections)) != NULL)
        http_connection_close(connection);
}

/* Closed at once, so that new clients are refused instead of waiting in the kernel's queue. */
static void loop_stop_listening(struct http_loop *loop) {
    struct http_server *server = loop->server;
    if (server->listen_fd < 0) return;
    event_del(server->listen_event);
    event_del(server->listen_again_event);
    close(server->listen_fd);
    server->listen_fd = -1;
}

/* The eventfd is edge-triggered and never read: one system call less for each wake. */
static void on_wake(evutil_socket_t fd, short what, void *context) {
    struct http_loop *loop = context;
    (void)fd, (void)what;
    http_loop_enter(loop);
    /* Before looking: what is sent from here on wakes again. */
    atomic_store(&loop->woken, false);
    loop_take_sockets(loop);
    loop_take_sent(loop);
    if (atomic_load(&loop->server->draining)) {
        struct http_connection *connection;
        TAILQ_FOREACH(connection, &loop->connections, connections_link)
            http_connection_mark(connection);
        if (loop == loop->server->loops[0]) loop_stop_listening(loop);
    }
    http_loop_settle(loop);
    if (!atomic_load(&loop->server->stopping)) return;
    loop_close_connections(loop);
    event_base_loopbreak(loop->base);
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    struct http_loop *loop = context;
    (void)fd, (void)what;
    http_loop_enter(loop);
    for (int wait = 0; wait < HTTP_WAIT_COUNT; wait++) {
        struct http_connection *connection;
        while ((connection = TAILQ_FIRST(&loop->waits[wait])) != NULL &&
               connection->deadline_us <= loop->now_us)
            http_connection_expire(connection);
    }
    http_loop_settle(loop);
}

int64_t http_loop_wait_us(const struct http_loop *loop, enum http_wait wait) {
    const struct http_server_options *options = &loop->server->options;
    int64_t ms = 0;
    switch (wait) {
    case HTTP_WAIT_IDLE: ms = options->idle_ms_max; break;
    case HTTP_WAIT_HEAD: ms = options->head_ms_max; break;
    case HTTP_WAIT_BODY: ms = options->body_ms_max; break;
    case HTTP_WAIT_SEND: ms = options->send_ms_max; break;
    case HTTP_WAIT_LINGER: ms = HTTP_LINGER_MS; break;
    case HTTP_WAIT_PENALTY: ms = HTTP_PENALTY_MS; break;
    case HTTP_WAIT_NONE: break;
    }
    return ms * 1000;
}

uint64_t http_loop_next_id(struct http_loop *loop) {
    loop->last_id += (uint64_t)loop->server->options.loops;
    return loop->last_id;
}

static int tick_ms(const struct http_loop *loop) {
    int ms = TICK_MS_MAX;
    for (int wait = 0; wait < HTTP_WAIT_COUNT; wait++) {
        int64_t part = http_loop_wait_us(loop, (enum http_wait)wait) / 1000 / TICKS_PER_WAIT;
        if (part < ms) ms = (int)part;
    }
    return ms < TICK_MS_MIN ? TICK_MS_MIN : ms;
}

struct http_loop *http_loop_open(struct http_server *server, int index) {
    struct http_loop *loop = memory_take_zeroed(1, sizeof *loop);
    struct event_config *config = event_config_new();
    assert(config != NULL);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->server = server;
    loop->last_id = (uint64_t)index;
    pthread_mutex_init(&loop->incoming_lock, NULL);
    TAILQ_INIT(&loop->connections);
    TAILQ_INIT(&loop->dirty);
    for (int wait = 0; wait < HTTP_WAIT_COUNT; wait++) TAILQ_INIT(&loop->waits[wait]);
    http_output_init(&loop->output);
    if (loop->base == NULL || loop->wake_fd < 0) {
        http_loop_close(loop);
        return NULL;
    }
    loop->wake_event = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST | EV_ET, on_wake,
                                 loop);
    loop->tick_event = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    assert(loop->wake_event != NULL && loop->tick_event != NULL);
    event_add(loop->wake_event, NULL);
    event_add(loop->tick_event, &(struct timeval){.tv_usec = tick_ms(loop) * 1000});
    return loop;
}

static void *loop_main(void *context) {
    struct http_loop *loop = context;
    loop_current = loop;
    event_base_dispatch(loop->base);
    loop_current = NULL;
    return NULL;
}

/* Signals are the main thread's. */
bool http_loop_start(struct http_loop *loop) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    loop->started = pthread_create(&loop->thread, NULL, loop_main, loop) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return loop->started;
}

void http_loop_close(struct http_loop *loop) {
    assert(TAILQ_EMPTY(&loop->connections));
    assert(loop->slots_out == 0);
    while (loop->free_slots != NULL) {
        struct http_slot *slot = loop->free_slots;
        loop->free_slots = slot->next;
        buffer_close(&slot->exchange.out);
        buffer_close(&slot->body);
        http_stream_close(&slot->stream);
        request_close(&slot->exchange.request);
        memory_give(slot);
    }
    if (loop->wake_event != NULL) event_free(loop->wake_event);
    if (loop->tick_event != NULL) event_free(loop->tick_event);
    if (loop->base != NULL) event_base_free(loop->base);
    if (loop->wake_fd >= 0) close(loop->wake_fd);
    pthread_mutex_destroy(&loop->incoming_lock);
    memory_give(loop);
}
