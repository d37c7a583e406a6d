#include "front/http_connection.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct http_server_options *options_of(const struct http_connection *connection) {
    return &connection->loop->server->options;
}

/* ---- exchanges ---- */

static struct http_slot *slot_begin(struct http_connection *connection) {
    struct http_slot *slot = http_slot_take(connection->loop);
    struct http_exchange *exchange = &slot->exchange;
    slot->connection = connection;
    slot->next = NULL;
    slot->handed = slot->finished = slot->failed = slot->penalized = slot->close =
        slot->keep_alive_header = slot->streams = slot->head_sent = false;
    exchange->method = connection->parser.head.method;
    exchange->path = exchange->query = exchange->body = exchange->content_type = (struct text){0};
    exchange->segment_count = 0;
    exchange->head = NULL;
    exchange->status = 0;
    exchange->content_type_out = exchange->headers_out = (struct text){0};
    exchange->close = exchange->cut = false;
    exchange->skipped_bytes = 0;
    exchange->route = NULL;
    exchange->caller = (struct caller){.is_local = false};
    exchange->principal = (struct text){0};
    if (connection->first == NULL) connection->first = slot;
    else connection->last->next = slot;
    connection->last = slot;
    connection->slot_count++;
    return slot;
}

static void slot_drop(struct http_slot *slot) {
    slot->connection = NULL;
    if (!slot->handed || slot->finished) http_slot_give(slot);
    else http_stream_abandon(&slot->stream);
}

static void connection_drop_slots(struct http_connection *connection) {
    while (connection->first != NULL) {
        struct http_slot *slot = connection->first;
        connection->first = slot->next;
        slot_drop(slot);
    }
    connection->last = connection->receiving = connection->held = NULL;
    connection->slot_count = connection->unanswered_count = 0;
}

/* ---- what is received ---- */

/* An answer of the server's own, after which the connection closes. */
static void connection_fail(struct http_connection *connection, int status, const char *text) {
    struct http_slot *slot = connection->receiving;
    if (slot == NULL) slot = slot_begin(connection);
    if (slot->exchange.path.length == 0) http_slot_keep_head(slot, &connection->parser.head);
    if (!slot->failed) http_slot_fail(slot, status, text);
    slot->close = true;
    slot->finished = !slot->penalized;
    connection->held = slot->penalized ? slot : NULL;
    connection->receiving = NULL;
    connection->continue_owed = false;
    connection->state = HTTP_CONNECTION_LAST;
}

static uint64_t body_bytes_max(const struct http_slot *slot) {
    if (slot->failed || slot->exchange.route->body_bytes_max == 0) return HTTP_DISCARD_BYTES_MAX;
    return slot->exchange.route->body_bytes_max;
}

static void connection_head(struct http_connection *connection) {
    struct http_parser *parser = &connection->parser;
    const struct http_head *head = &parser->head;
    struct http_slot *slot = slot_begin(connection);
    connection->receiving = slot;
    http_slot_route(slot, head);
    slot->keep_alive_header = head->minor_version == 0 && head->keep_alive;
    slot->chunked = head->minor_version > 0;
    parser->body_bytes_max = body_bytes_max(slot);
    bool fits = !head->has_length || head->content_length <= parser->body_bytes_max;
    /* The body of a request that has its answer is read for the sake of the next request, unless
     * it is large, or the client waits for a word before sending it. */
    if (slot->failed && (!fits || head->expect_continue || slot->penalized))
        connection_fail(connection, slot->exchange.status, NULL);
    else
        connection->continue_owed = head->expect_continue && fits;
}

static void connection_body(struct http_connection *connection) {
    struct http_slot *slot = connection->receiving;
    const struct http_server *server = connection->loop->server;
    struct text part = connection->parser.part;
    connection->continue_owed = false;
    if (slot->failed) return;
    http_slot_charge(slot, part.length);
    if (atomic_load_explicit(&server->buffered_bytes, memory_order_relaxed) >
        server->options.buffered_bytes_max) {
        connection_fail(connection, 503, NULL);
        return;
    }
    buffer_put_text(&slot->body, part);
}

static void connection_complete(struct http_connection *connection) {
    struct http_slot *slot = connection->receiving;
    struct http_exchange *exchange = &slot->exchange;
    const struct http_head *head = &connection->parser.head;
    connection->receiving = NULL;
    connection->continue_owed = false;
    if (!head->keep_alive) {
        slot->close = true;
        connection->state = HTTP_CONNECTION_LAST;
    }
    if (slot->failed) {
        slot->finished = true;
    } else {
        exchange->body = buffer_text(&slot->body);
        exchange->head = head;
        exchange->alone = connection->unanswered_count == 0;
        exchange->id = http_loop_next_id(connection->loop);
        exchange->received_us = connection->loop->now_us;
        exchange->context = options_of(connection)->context;
        slot->handed = true;
        connection->unanswered_count++;
        exchange->route->handle(exchange->context, exchange);
    }
    http_parser_next(&connection->parser);
    connection->requests++;
}

static void connection_refuse(struct http_connection *connection) {
    const struct http_parser *parser = &connection->parser;
    atomic_fetch_add_explicit(&options_of(connection)->metrics->http_rejected, 1,
                              memory_order_relaxed);
    connection_fail(connection, parser->status, parser->reason);
}

static bool connection_may_parse(const struct http_connection *connection) {
    return connection->state == HTTP_CONNECTION_OPEN && connection->unsent.length == 0 &&
           (connection->receiving != NULL || connection->slot_count < HTTP_PIPELINE_MAX);
}

/* How much of the input was taken. */
static size_t connection_parse(struct http_connection *connection, struct text input) {
    size_t total = 0;
    connection->loop->parsing = connection;
    while (connection_may_parse(connection)) {
        size_t taken;
        enum http_event event = http_parser_feed(&connection->parser, input.data + total,
                                                 input.length - total, &taken);
        total += taken;
        if (event == HTTP_NEED_MORE) break;
        if (event == HTTP_HEAD_READY) connection_head(connection);
        else if (event == HTTP_BODY_PART) connection_body(connection);
        else if (event == HTTP_COMPLETE) connection_complete(connection);
        else connection_refuse(connection);
    }
    connection->loop->parsing = NULL;
    return total;
}

/* ---- what is sent ---- */

/* False: the client is gone. What the socket does not take now is kept. */
static bool connection_transmit(struct http_connection *connection) {
    struct http_output *output = &connection->loop->output;
    ssize_t sent = http_socket_send(connection, output->pieces, output->piece_count);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == output->total) return true;
    buffer_reserve(&connection->unsent, output->total - done);
    for (size_t i = 0; i < output->piece_count; i++) {
        const struct iovec *piece = &output->pieces[i];
        size_t skipped = done < piece->iov_len ? done : piece->iov_len;
        buffer_put(&connection->unsent, (const char *)piece->iov_base + skipped,
                   piece->iov_len - skipped);
        done -= skipped;
    }
    return true;
}

static struct http_answer slot_answer(struct http_slot *slot) {
    struct http_exchange *exchange = &slot->exchange;
    if (!slot->streams && exchange->out.failed) {
        buffer_close(&exchange->out);
        http_slot_fail(slot, 500, NULL);
    }
    assert(exchange->status >= 200 && exchange->status <= 599);
    if (slot->streams && !slot->chunked) slot->close = true;
    return (struct http_answer){
        .exchange = exchange,
        .head_only = exchange->method == HTTP_HEAD,
        .close = slot->close || exchange->close ||
                 atomic_load_explicit(&slot->loop->server->draining, memory_order_relaxed),
        .keep_alive_header = slot->keep_alive_header,
        .streams = slot->streams,
        .chunked = slot->chunked,
    };
}

/* Puts the answers that are ready into the output, until one closes the connection or leaves in
 * parts: of that one the head. *end is the first exchange that is not in it whole. */
static bool connection_collect(struct http_connection *connection, struct http_slot **end) {
    struct http_output *output = &connection->loop->output;
    struct http_slot *slot = connection->first;
    bool closes = false;
    http_output_reset(output);
    while (slot != NULL && (slot->finished || slot->streams) && !closes) {
        if (slot->head_sent) break;
        struct http_answer answer = slot_answer(slot);
        if (!http_output_add(output, &answer)) break;
        if (slot->streams) {
            slot->head_sent = true;
            slot->close = answer.close; /* as the client was told */
            break;
        }
        closes = answer.close;
        slot = slot->next;
    }
    if (!closes && slot != NULL && slot == connection->receiving && connection->continue_owed)
        connection->continue_owed = !http_output_add_continue(output);
    *end = slot;
    return closes;
}

static void connection_give_first(struct http_connection *connection) {
    struct http_slot *slot = connection->first;
    connection->first = slot->next;
    if (connection->first == NULL) connection->last = NULL;
    connection->slot_count--;
    http_slot_give(slot);
}

/* Sends some of what is kept. False: the client is gone. */
static bool connection_send_kept(struct http_connection *connection, bool *progress) {
    struct buffer *unsent = &connection->unsent;
    struct iovec piece = {.iov_base = unsent->data + connection->unsent_start,
                          .iov_len = unsent->length - connection->unsent_start};
    ssize_t sent = http_socket_send(connection, &piece, 1);
    *progress = sent > 0;
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    connection->unsent_start += (size_t)sent;
    if (connection->unsent_start == unsent->length) {
        buffer_close(unsent);
        connection->unsent_start = 0;
    }
    return true;
}

/* Sends what is ready of an answer that leaves in parts. False: the client is gone, or has to be
 * told by a reset that the answer is not whole. */
static bool connection_stream(struct http_connection *connection, bool *moved, bool *closes) {
    struct http_slot *slot = connection->first;
    if (connection->unsent.length > 0 || slot == NULL || !slot->head_sent) return true;
    http_stream_take(&slot->stream, &connection->unsent);
    bool finished = slot->finished, progress;
    if (finished && slot->exchange.cut) {
        connection->tls.broken = true;
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
        return false;
    }
    *moved |= finished || connection->unsent.length > 0;
    *closes = finished && slot->close;
    if (finished) connection_give_first(connection);
    return connection->unsent.length == 0 || connection_send_kept(connection, &progress);
}

/* Sends everything that is ready, in order. False: the connection is gone. */
static bool connection_answer(struct http_connection *connection) {
    while (connection->unsent.length == 0 && connection->state != HTTP_CONNECTION_LINGER) {
        struct http_slot *end;
        bool closes = connection_collect(connection, &end);
        bool moved = connection->loop->output.total > 0;
        bool here = !moved || connection_transmit(connection);
        while (here && connection->first != end) connection_give_first(connection);
        if (here && !closes) here = connection_stream(connection, &moved, &closes);
        if (!here) {
            http_connection_close(connection);
            return false;
        }
        if (!moved) break;
        if (!closes) continue;
        connection_drop_slots(connection);
        connection->state = HTTP_CONNECTION_LAST;
    }
    return true;
}

/* ---- the turn of a connection ---- */

static void connection_keep_rest(struct http_connection *connection, struct text input) {
    struct buffer *rest = &connection->rest;
    if (connection->state != HTTP_CONNECTION_OPEN) input.length = 0;
    if (rest->length > 0) {
        memmove(rest->data, rest->data + rest->length - input.length, input.length);
        rest->length = input.length;
    } else if (input.length > 0) {
        buffer_put_text(rest, input);
    }
    if (rest->length == 0) buffer_close(rest);
}

/* Parses the input and sends what is ready, for as long as the one makes room for the other. */
static bool connection_run(struct http_connection *connection, struct text input) {
    if (input.length == 0) input.data = ""; /* never NULL: not even 0 may be added to that */
    do {
        size_t taken = connection_parse(connection, input);
        input.data += taken;
        input.length -= taken;
        if (!connection_answer(connection)) return false;
    } while (input.length > 0 && connection_may_parse(connection));
    connection_keep_rest(connection, input);
    return true;
}

static bool connection_drains(const struct http_connection *connection) {
    return connection->state == HTTP_CONNECTION_OPEN &&
           atomic_load_explicit(&connection->loop->server->draining, memory_order_relaxed);
}

/* Nothing has been asked for completely. */
static bool connection_asks_nothing(const struct http_connection *connection) {
    return connection->first == connection->receiving && connection->unsent.length == 0;
}

/* What has come ends within a request. */
static bool connection_is_cut_short(const struct http_connection *connection) {
    return connection->receiving != NULL || http_parser_in_request(&connection->parser);
}

static bool connection_is_idle(const struct http_connection *connection) {
    return connection_asks_nothing(connection) && connection->receiving == NULL &&
           connection->rest.length == 0 && !http_parser_in_request(&connection->parser);
}

static bool connection_is_shaking(const struct http_connection *connection) {
    return connection->tls.ssl != NULL && !connection->tls.established;
}

static enum http_wait connection_wait(const struct http_connection *connection) {
    if (connection->state == HTTP_CONNECTION_LINGER) return HTTP_WAIT_LINGER;
    if (connection->unsent.length > 0) return HTTP_WAIT_SEND;
    if (connection->state == HTTP_CONNECTION_LAST && connection->tls.wants_write)
        return HTTP_WAIT_SEND;
    if (connection->held != NULL) return HTTP_WAIT_PENALTY;
    if (!connection_may_parse(connection)) return HTTP_WAIT_NONE;
    /* A handshake has no longer than a head: both are what a client does before it is anybody. */
    if (connection_is_shaking(connection)) return HTTP_WAIT_HEAD;
    if (connection->receiving != NULL) return HTTP_WAIT_BODY;
    if (http_parser_in_request(&connection->parser)) return HTTP_WAIT_HEAD;
    return connection->first == NULL ? HTTP_WAIT_IDLE : HTTP_WAIT_NONE;
}

static void connection_set_wait(struct http_connection *connection, enum http_wait wait,
                                bool renew) {
    struct http_loop *loop = connection->loop;
    bool same = wait == connection->wait && connection->requests == connection->wait_request;
    if (same && !renew) return;
    if (connection->wait != HTTP_WAIT_NONE)
        TAILQ_REMOVE(&loop->waits[connection->wait], connection, wait_link);
    connection->wait = wait;
    connection->wait_request = connection->requests;
    if (wait == HTTP_WAIT_NONE) return;
    if (wait == HTTP_WAIT_SEND) connection->queued_bytes = http_socket_queued_bytes(connection);
    connection->deadline_us = loop->now_us + http_loop_wait_us(loop, wait);
    TAILQ_INSERT_TAIL(&loop->waits[wait], connection, wait_link);
}

static void event_want(struct event *event, bool *added, bool wanted) {
    if (*added == wanted) return;
    *added = wanted;
    if (wanted) event_add(event, NULL);
    else event_del(event);
}

static void connection_charge(struct http_connection *connection) {
    size_t bytes = connection->rest.length + connection->unsent.length;
    if (bytes == connection->charged_bytes) return;
    atomic_fetch_add_explicit(&connection->loop->server->buffered_bytes,
                              bytes - connection->charged_bytes, memory_order_relaxed);
    connection->charged_bytes = bytes;
}

/* After every change: what to wait for, and for how long. renew: there was progress. */
static void connection_update(struct http_connection *connection, bool renew) {
    bool all_said = connection->first == NULL && connection->unsent.length == 0;
    if (connection_is_idle(connection) && connection_drains(connection)) {
        http_connection_close(connection);
        return;
    }
    if (connection->state == HTTP_CONNECTION_LAST && all_said &&
        http_tls_finish(&connection->tls)) {
        if (connection->ended || shutdown(connection->fd, SHUT_WR) != 0) {
            http_connection_close(connection);
            return;
        }
        connection->state = HTTP_CONNECTION_LINGER;
    }
    bool lingers = connection->state == HTTP_CONNECTION_LINGER;
    bool receives = connection_may_parse(connection) && connection->rest.length == 0;
    bool wants_write = connection->tls.wants_write && !lingers;
    event_want(connection->read_event, &connection->reading,
               lingers || (receives && !wants_write));
    event_want(connection->write_event, &connection->writing,
               connection->unsent.length > 0 || wants_write);
    connection_set_wait(connection, connection_wait(connection), renew);
    if (connection_drains(connection) && connection_asks_nothing(connection)) {
        int64_t us = connection->loop->now_us + HTTP_DRAIN_REST_MS * 1000; /* all hear of it now */
        if (connection->deadline_us > us) connection->deadline_us = us;
    }
    connection_charge(connection);
}

static void connection_end(struct http_connection *connection) {
    connection->ended = true;
    if (connection->state == HTTP_CONNECTION_LINGER) {
        http_connection_close(connection);
        return;
    }
    /* What was asked for completely is still answered: the client may only have closed its half. */
    struct http_slot *cut = connection->receiving;
    if (cut != NULL) {
        struct http_slot **link = &connection->first;
        connection->last = NULL;
        while (*link != cut) {
            connection->last = *link;
            link = &(*link)->next;
        }
        *link = NULL;
        connection->receiving = NULL;
        connection->slot_count--;
        slot_drop(cut);
    }
    connection->state = HTTP_CONNECTION_LAST;
    connection_update(connection, false);
}

/* Nothing can be said through TLS any more: what is under way is answered to nobody. Who spoke
 * plain HTTP is told so in plain HTTP. */
static void connection_break_tls(struct http_connection *connection) {
    atomic_fetch_add_explicit(&options_of(connection)->metrics->tls_failures, 1,
                              memory_order_relaxed);
    connection_drop_slots(connection);
    connection->state = HTTP_CONNECTION_LAST;
    if (connection->tls.spoke_http) {
        http_tls_drop(&connection->tls);
        connection_fail(connection, 400, "this port speaks TLS: the address begins with https://");
        http_connection_mark(connection);
    } else {
        connection_update(connection, false);
    }
}

static void connection_receive(struct http_connection *connection) {
    struct http_loop *loop = connection->loop;
    ssize_t received = http_socket_receive(connection, loop->input, sizeof loop->input);
    if (received < 0 && errno != EAGAIN && errno != EINTR) {
        if (connection->tls.broken && connection->state == HTTP_CONNECTION_OPEN)
            connection_break_tls(connection);
        else http_connection_close(connection);
    } else if (received == 0) {
        connection_end(connection);
    } else if (received > 0 && connection->state == HTTP_CONNECTION_OPEN) {
        struct text input = {.data = loop->input, .length = (size_t)received};
        assert(connection->rest.length == 0);
        if (!connection_run(connection, input)) return;
        if (connection_is_cut_short(connection)) http_socket_acknowledge(connection);
        connection_update(connection, false);
    } else if (connection->tls.ssl != NULL) {
        connection_update(connection, false); /* the handshake has moved on */
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    struct http_connection *connection = context;
    struct http_loop *loop = connection->loop;
    (void)fd, (void)what;
    http_loop_enter(loop);
    connection_receive(connection);
    http_loop_settle(loop);
}

static void connection_send_on(struct http_connection *connection) {
    bool progress;
    if (!connection_send_kept(connection, &progress)) http_connection_close(connection);
    else if (connection->unsent.length == 0) http_connection_mark(connection);
    else connection_update(connection, progress);
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    struct http_connection *connection = context;
    struct http_loop *loop = connection->loop;
    (void)fd, (void)what;
    http_loop_enter(loop);
    if (connection->unsent.length > 0) connection_send_on(connection);
    else if (connection->state == HTTP_CONNECTION_OPEN) connection_receive(connection);
    else connection_update(connection, false);
    http_loop_settle(loop);
}

void http_connection_open(struct http_loop *loop, int fd, bool refused) {
    struct http_connection *connection = memory_take(sizeof *connection);
    /* The parser is large and sets itself up. */
    memset(connection, 0, offsetof(struct http_connection, parser));
    connection->loop = loop;
    connection->fd = fd;
    connection->refused = refused;
    connection->wait = HTTP_WAIT_NONE;
    buffer_init(&connection->rest, HTTP_INPUT_BYTES);
    buffer_init(&connection->unsent, SIZE_MAX / 2);
    http_parser_init(&connection->parser);
    connection->read_event =
        event_new(loop->base, fd, EV_READ | EV_PERSIST, on_readable, connection);
    connection->write_event =
        event_new(loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, connection);
    assert(connection->read_event != NULL && connection->write_event != NULL);
    TAILQ_INSERT_TAIL(&loop->connections, connection, connections_link);
    atomic_fetch_add_explicit(&options_of(connection)->metrics->http_connections, 1,
                              memory_order_relaxed);
    if (options_of(connection)->tls != NULL &&
        !http_tls_accept(options_of(connection)->tls, fd, &connection->tls))
        http_connection_close(connection); /* never plain in its place */
    else connection_update(connection, true);
}

void http_connection_close(struct http_connection *connection) {
    struct http_loop *loop = connection->loop;
    /* Whoever is owed something must not take this for an end. */
    bool is_owed = connection->first != NULL || connection->unsent.length > 0;
    if (connection->tls.ssl != NULL && !is_owed && !http_tls_finish(&connection->tls))
        connection->tls.broken = true; /* it does not take even that */
    http_tls_drop(&connection->tls);
    connection_drop_slots(connection);
    event_free(connection->read_event);
    event_free(connection->write_event);
    close(connection->fd);
    connection_set_wait(connection, HTTP_WAIT_NONE, true);
    if (connection->dirty) TAILQ_REMOVE(&loop->dirty, connection, dirty_link);
    TAILQ_REMOVE(&loop->connections, connection, connections_link);
    buffer_close(&connection->rest);
    buffer_close(&connection->unsent);
    connection_charge(connection);
    atomic_fetch_sub_explicit(&options_of(connection)->metrics->http_connections, 1,
                              memory_order_relaxed);
    atomic_fetch_sub(&loop->connection_count, 1);
    atomic_fetch_sub(&loop->server->connection_count, 1);
    memory_give(connection);
}

void http_connection_mark(struct http_connection *connection) {
    if (connection->dirty) return;
    connection->dirty = true;
    TAILQ_INSERT_TAIL(&connection->loop->dirty, connection, dirty_link);
}

void http_connection_settle(struct http_connection *connection) {
    struct text input = {.data = connection->loop->input, .length = 0};
    connection->dirty = false;
    TAILQ_REMOVE(&connection->loop->dirty, connection, dirty_link);
    if (connection->rest.length > 0) input = buffer_text(&connection->rest);
    if (connection_run(connection, input)) connection_update(connection, false);
}

void http_connection_expire(struct http_connection *connection) {
    enum http_wait wait = connection->wait;
    /* The socket is writable only when a third of it is free: a slow client may need longer for
     * that than it may take to read anything at all. */
    if (wait == HTTP_WAIT_SEND && http_socket_queued_bytes(connection) < connection->queued_bytes) {
        connection_set_wait(connection, wait, true);
        return;
    }
    if (wait == HTTP_WAIT_PENALTY) {
        connection->held->finished = true;
        connection->held = NULL;
        connection_set_wait(connection, HTTP_WAIT_NONE, true);
        http_connection_mark(connection);
        return;
    }
    bool drained = connection_drains(connection) && connection_asks_nothing(connection);
    if (drained || (wait != HTTP_WAIT_HEAD && wait != HTTP_WAIT_BODY) ||
        connection_is_shaking(connection)) {
        http_connection_close(connection);
        return;
    }
    connection_fail(connection, 408, "the request did not arrive in time");
    connection_set_wait(connection, HTTP_WAIT_NONE, true);
    http_connection_mark(connection);
}
