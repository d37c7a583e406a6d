/* http_slot.c: exchanges with what the server keeps beside them: their pool, and what the server
 * itself finds of a request. */
#include <assert.h>

#include "base/http_status.h"
#include "base/log.h"
#include "front/http_connection.h"
#include "front/http_guard.h"
#include "front/http_loop.h"

/* ---- the pool ---- */

struct http_slot *http_slot_take(struct http_loop *loop) {
    struct http_slot *slot = loop->free_slots;
    if (slot != NULL) {
        loop->free_slots = slot->next;
        loop->free_count--;
    } else {
        slot = memory_take_zeroed(1, sizeof *slot);
        slot->loop = loop;
        slot->exchange.server_private = slot;
        request_init(&slot->exchange.request);
        buffer_init(&slot->exchange.out, HTTP_BUFFERED_BYTES_MAX);
        buffer_init(&slot->body, HTTP_BUFFERED_BYTES_MAX);
        http_stream_init(&slot->stream);
    }
    loop->slots_out++;
    return slot;
}

static void slot_buffer_reset(struct buffer *buffer) {
    if (buffer->capacity > HTTP_SLOT_BUFFER_KEPT_BYTES) buffer_close(buffer);
    buffer_reset(buffer);
}

void http_slot_give(struct http_slot *slot) {
    struct http_loop *loop = slot->loop;
    if (slot->charged_bytes > 0)
        atomic_fetch_sub_explicit(&loop->server->buffered_bytes, slot->charged_bytes,
                                  memory_order_relaxed);
    slot->charged_bytes = 0;
    slot_buffer_reset(&slot->exchange.out);
    slot_buffer_reset(&slot->body);
    if (slot->streams) http_stream_reset(&slot->stream);
    request_reset(&slot->exchange.request);
    assert(loop->slots_out > 0);
    loop->slots_out--;
    if (loop->free_count == HTTP_SLOTS_KEPT_MAX) {
        buffer_close(&slot->exchange.out);
        buffer_close(&slot->body);
        http_stream_close(&slot->stream);
        request_close(&slot->exchange.request);
        memory_give(slot);
        return;
    }
    slot->next = loop->free_slots;
    loop->free_slots = slot;
    loop->free_count++;
}

void http_slot_charge(struct http_slot *slot, size_t bytes) {
    if (bytes == 0) return;
    slot->charged_bytes += bytes;
    atomic_fetch_add_explicit(&slot->loop->server->buffered_bytes, bytes, memory_order_relaxed);
}

/* ---- a request's head ---- */

static void slot_log(const struct http_exchange *exchange, const char *text) {
    if (!log_enabled(LOG_DEBUG)) return;
    const struct log_member members[] = {
        {.key = "method", .text = text_of(http_method_name(exchange->method))},
        {.key = "path", .text = exchange->path},
        {.key = "status", .number = exchange->status, .is_number = true},
        {.key = "reason", .text = text_of(text)},
        {0},
    };
    log_write(LOG_DEBUG, "refused", members);
}

void http_slot_fail(struct http_slot *slot, int status, const char *text) {
    const struct http_server *server = slot->loop->server;
    struct http_exchange *exchange = &slot->exchange;
    const struct http_tree *tree = http_tree_find(server->options.trees, exchange->path);
    if (text == NULL) text = http_status_text(status);
    exchange->status = status;
    exchange->content_type_out = tree->content_type;
    if (status == 503) exchange->headers_out = TEXT("Retry-After: 1\r\n");
    buffer_reset(&exchange->out);
    tree->write_error(&exchange->out, status, text_of(text), exchange);
    slot->failed = true;
    slot_log(exchange, text);
}

void http_slot_keep_head(struct http_slot *slot, const struct http_head *head) {
    struct http_exchange *exchange = &slot->exchange;
    struct text type = http_header_find(head, TEXT("content-type"));
    char *at = arena_take(&exchange->request.arena,
                          head->path.length + head->query.length + type.length);
    struct text *kept[] = {&exchange->path, &exchange->query, &exchange->content_type};
    const struct text given[] = {head->path, head->query, type};
    for (size_t i = 0; i < 3; i++) {
        if (given[i].length > 0) memcpy(at, given[i].data, given[i].length);
        *kept[i] = (struct text){.data = at, .length = given[i].length};
        at += given[i].length;
    }
}

static void slot_fail_method(struct http_slot *slot, unsigned methods) {
    struct arena *arena = &slot->exchange.request.arena;
    struct text allow = TEXT("Allow: ");
    for (int method = 0; method < HTTP_METHOD_OTHER; method++)
        if (methods & 1u << method)
            allow = arena_format(arena, "%.*s%s%s", TEXT_ARGUMENTS(allow),
                                 allow.length > sizeof "Allow: " - 1 ? ", " : "",
                                 http_method_name((enum http_method)method));
    http_slot_fail(slot, 405, NULL);
    slot->exchange.headers_out = arena_format(arena, "%.*s\r\n", TEXT_ARGUMENTS(allow));
}

void http_slot_route(struct http_slot *slot, const struct http_head *head) {
    const struct http_server *server = slot->loop->server;
    struct http_exchange *exchange = &slot->exchange;
    struct http_path path;
    http_slot_keep_head(slot, head);
    if (slot->connection->refused ||
        atomic_load_explicit(&server->buffered_bytes, memory_order_relaxed) >
            server->options.buffered_bytes_max) {
        http_slot_fail(slot, 503, NULL);
        return;
    }
    if (!http_guard_admits(server->hosts, server->options.check_host, head)) {
        http_slot_fail(slot, 403, "this host or origin is not served");
        return;
    }
    bool split = http_path_split(exchange->path, &exchange->request.arena, &path);
    struct http_match match = {0};
    if (split) match = http_router_find(server->router, head->method, &path);
    /* The name of a user may be anything here: each tree refuses it in its own words. */
    if (!split || (path.no_text & ~match.names) != 0) {
        http_slot_fail(slot, 400, "the path is not valid");
        return;
    }
    exchange->route = match.route;
    if (match.route == NULL) {
        if (match.methods != 0) slot_fail_method(slot, match.methods);
        else http_slot_fail(slot, 404, NULL);
        return;
    }
    exchange->segment_count = path.count;
    memcpy(exchange->segments, path.segments, path.count * sizeof path.segments[0]);
    struct http_refusal refusal = {0};
    if (server->options.admit == NULL ||
        server->options.admit(server->options.context, exchange, head, &refusal))
        return;
    http_slot_fail(slot, refusal.status, refusal.text);
    if (refusal.headers.length > 0) exchange->headers_out = refusal.headers;
    slot->penalized = refusal.penalize;
}
