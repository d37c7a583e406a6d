#include "support/front_fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct front_fake *fake_of(struct http_exchange *exchange) {
    return (struct front_fake *)((char *)exchange - offsetof(struct front_fake, exchange));
}

void front_finish(struct http_exchange *exchange) {
    struct front_fake *fake = fake_of(exchange);
    fake->finished++;
    assert_int_not_equal(exchange->status, 0);
    assert_false(exchange->out.failed);
}

void front_submit(struct front *front, struct http_exchange *exchange,
                  void (*done)(struct request *request)) {
    struct front_fake *fake = fake_of(exchange);
    assert_ptr_equal(front, &fake->front);
    assert_int_equal(fake->finished, 0);
    fake->submitted++;
    assert_non_null(fake->answer);
    fake->answer(fake, &exchange->request);
    done(&exchange->request);
}

bool http_exchange_push(struct http_exchange *exchange) {
    struct front_fake *fake = fake_of(exchange);
    assert_int_equal(fake->finished, 0);
    fake->pushed++;
    buffer_put_text(&fake->parts, buffer_text(&exchange->out));
    buffer_reset(&exchange->out);
    return true;
}

void front_fake_open(struct front_fake *fake) {
    *fake = (struct front_fake){0};
    fake->front.usernames.domain = TEXT("example.org");
    request_init(&fake->exchange.request);
    buffer_init(&fake->exchange.out, 1 << 22);
    buffer_init(&fake->parts, 1 << 22);
}

void front_fake_close(struct front_fake *fake) {
    request_close(&fake->exchange.request);
    buffer_close(&fake->exchange.out);
    buffer_close(&fake->parts);
}

static void split(struct http_exchange *exchange) {
    struct text rest = exchange->path;
    exchange->segment_count = 0;
    while (rest.length > 1) {
        rest.data++;
        rest.length--;
        const char *slash = memchr(rest.data, '/', rest.length);
        struct text segment = rest;
        if (slash != NULL) segment.length = (size_t)(slash - rest.data);
        exchange->segments[exchange->segment_count++] = segment;
        rest.data += segment.length;
        rest.length -= segment.length;
    }
}

void front_fake_run(struct front_fake *fake, void (*handle)(void *, struct http_exchange *),
                    const char *path, const char *type, struct text body) {
    struct http_exchange *exchange = &fake->exchange;
    request_reset(&exchange->request);
    buffer_reset(&exchange->out);
    const char *query = strchr(path, '?');
    exchange->status = 0;
    exchange->path = text_of(path);
    exchange->query = (struct text){0};
    if (query != NULL) {
        exchange->path.length = (size_t)(query - path);
        exchange->query = text_of(query + 1);
    }
    split(exchange);
    exchange->content_type = text_of(type);
    exchange->content_type_out = TEXT("application/json");
    exchange->body = body;
    exchange->head = &fake->head;
    fake->submitted = fake->finished = fake->pushed = 0;
    buffer_reset(&fake->parts);
    handle(&fake->front, exchange);
    assert_int_equal(fake->finished, 1);
}
