#include "support/http_transcript.h"

#include <assert.h>

#include "base/arena.h"

static void put_string(struct buffer *out, struct text text) {
    buffer_put_char(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            buffer_format(out, "\\u%04x", byte);
        else buffer_put_char(out, (char)byte);
    }
    buffer_put_char(out, '"');
}

static void put_member(struct buffer *out, const char *name, struct text value) {
    buffer_format(out, ",\"%s\":", name);
    if (value.data == NULL) buffer_put_text(out, TEXT("null"));
    else put_string(out, value);
}

static void put_head(struct buffer *out, const struct http_head *head) {
    buffer_format(out, "{\"method\":\"%s\"", http_method_name(head->method));
    put_member(out, "target", head->target);
    put_member(out, "path", head->path);
    put_member(out, "query", head->query);
    put_member(out, "host", head->host);
    buffer_format(out, ",\"minor\":%d,\"keep_alive\":%d,\"expect\":%d,\"chunked\":%d",
                  head->minor_version, head->keep_alive, head->expect_continue, head->chunked);
    if (head->has_length)
        buffer_format(out, ",\"length\":%llu", (unsigned long long)head->content_length);
    buffer_put_text(out, TEXT(",\"headers\":["));
    for (size_t i = 0; i < head->header_count; i++) {
        if (i > 0) buffer_put_char(out, ',');
        buffer_put_char(out, '[');
        put_string(out, head->headers[i].name);
        buffer_put_char(out, ',');
        put_string(out, head->headers[i].value);
        buffer_put_char(out, ']');
    }
    buffer_put_char(out, ']');
}

/* One event; false at the end of what can be understood. */
static bool record(struct buffer *out, struct http_parser *parser, struct buffer *body,
                   enum http_event event, uint64_t body_bytes_max) {
    switch (event) {
    case HTTP_NEED_MORE:
        return true;
    case HTTP_HEAD_READY:
        parser->body_bytes_max = body_bytes_max;
        return true;
    case HTTP_BODY_PART:
        assert(parser->part.length > 0);
        assert(parser->body_bytes <= body_bytes_max);
        buffer_put_text(body, parser->part);
        return true;
    case HTTP_COMPLETE:
        /* Only now, so that a head which later bytes overwrite is noticed. */
        put_head(out, &parser->head);
        put_member(out, "body", body->length == 0 ? TEXT("") : buffer_text(body));
        buffer_put_text(out, TEXT("}\n"));
        buffer_reset(body);
        http_parser_next(parser);
        return true;
    case HTTP_REFUSED:
        assert(parser->status >= 400 && parser->reason != NULL);
        buffer_format(out, "{\"refused\":%d,\"reason\":\"%s\"}\n", parser->status, parser->reason);
        return false;
    }
    assert(!"an event of the parser");
    return false;
}

void http_transcript(struct buffer *out, struct text stream, uint64_t body_bytes_max,
                     http_split *split, void *context) {
    struct http_parser *parser = memory_take(sizeof *parser);
    struct buffer body;
    bool goes_on = true;
    buffer_init(&body, SIZE_MAX / 2);
    http_parser_init(parser);
    for (size_t done = 0; goes_on && done < stream.length;) {
        size_t length = split(context, stream.length - done), used = 0;
        assert(length > 0 && length <= stream.length - done);
        /* Memory of its own, so that a sanitizer sees a byte read behind it. */
        char *piece = memory_take(length);
        memcpy(piece, stream.data + done, length);
        enum http_event event;
        do {
            size_t taken;
            event = http_parser_feed(parser, piece + used, length - used, &taken);
            used += taken;
            assert(used <= length);
            goes_on = record(out, parser, &body, event, body_bytes_max);
        } while (goes_on && event != HTTP_NEED_MORE);
        assert(!goes_on || used == length);
        done += length;
        memory_give(piece);
    }
    if (goes_on)
        buffer_format(out, "{\"cut\":%s}\n", http_parser_in_request(parser) ? "true" : "false");
    buffer_close(&body);
    memory_give(parser);
}

size_t http_split_whole(void *context, size_t left) {
    (void)context;
    return left;
}

size_t http_split_bytes(void *context, size_t left) {
    (void)context, (void)left;
    return 1;
}

size_t http_split_after(void *context, size_t left) {
    size_t *first = context, now = *first;
    *first = 0;
    return now == 0 || now > left ? left : now;
}
