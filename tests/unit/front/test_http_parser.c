#include "front/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/http_transcript.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LINE "\r\n"
#define HOST "Host: h" LINE
#define GET "GET / HTTP/1.1" LINE
#define POST "POST / HTTP/1.1" LINE HOST
#define CHUNKED POST "Transfer-Encoding: chunked" LINE LINE

enum { BODY_BYTES_MAX = 100 };

struct accepted {
    struct text stream;
    const char *holds; /* somewhere in the transcript */
};

static const struct accepted accepted[] = {
    {TEXT(GET HOST LINE), "\"method\":\"GET\",\"target\":\"/\",\"path\":\"/\",\"query\":null,"
                          "\"host\":\"h\",\"minor\":1,\"keep_alive\":1,\"expect\":0,\"chunked\":0,"
                          "\"headers\":[[\"Host\",\"h\"]],\"body\":\"\"}"},
    /* request lines */
    {TEXT("HEAD / HTTP/1.1" LINE HOST LINE), "\"method\":\"HEAD\""},
    {TEXT("DELETE / HTTP/1.1" LINE HOST LINE), "\"method\":\"DELETE\""},
    {TEXT("PATCH / HTTP/1.1" LINE HOST LINE), "\"method\":\"PATCH\""},
    {TEXT("PUT / HTTP/1.1" LINE HOST LINE), "\"method\":\"PUT\""},
    {TEXT("get / HTTP/1.1" LINE HOST LINE), "\"method\":\"other\""},
    {TEXT("BREW! / HTTP/1.1" LINE HOST LINE), "\"method\":\"other\""},
    {TEXT(LINE GET HOST LINE), "\"method\":\"GET\""},
    {TEXT("GET /a%2Fb/c?d=e&f HTTP/1.1" LINE HOST LINE),
     "\"path\":\"/a%2Fb/c\",\"query\":\"d=e&f\""},
    {TEXT("GET /? HTTP/1.1" LINE HOST LINE), "\"path\":\"/\",\"query\":\"\""},
    {TEXT("GET /a?b?c HTTP/1.1" LINE HOST LINE), "\"path\":\"/a\",\"query\":\"b?c\""},
    {TEXT("GET //a HTTP/1.1" LINE HOST LINE), "\"path\":\"//a\""},
    {TEXT("OPTIONS * HTTP/1.1" LINE HOST LINE), "\"path\":\"*\""},
    {TEXT("GET http://h HTTP/1.1" LINE HOST LINE), "\"path\":\"/\",\"query\":null"},
    {TEXT("GET http://h?q HTTP/1.1" LINE HOST LINE), "\"path\":\"/\",\"query\":\"q\""},
    {TEXT("GET HTTP://H/a HTTP/1.1" LINE HOST LINE), "\"path\":\"/a\""},
    {TEXT("GET http://[::1]:8/a HTTP/1.1" LINE "Host: [::1]:8" LINE LINE), "\"path\":\"/a\""},
    /* versions and keep-alive */
    {TEXT("GET / HTTP/1.0" LINE LINE), "\"host\":null,\"minor\":0,\"keep_alive\":0"},
    {TEXT("GET / HTTP/1.0" LINE "Connection: Keep-Alive" LINE LINE), "\"keep_alive\":1"},
    {TEXT(GET HOST "Connection: x , CLOSE" LINE LINE), "\"keep_alive\":0"},
    {TEXT(GET HOST "Connection: keep-alive, close" LINE LINE), "\"keep_alive\":0"},
    {TEXT(GET HOST "Connection: x" LINE "connection:close" LINE LINE), "\"keep_alive\":0"},
    {TEXT(GET HOST "Connection: closed,enclose" LINE LINE), "\"keep_alive\":1"},
    {TEXT(GET HOST "Connection:" LINE LINE), "\"keep_alive\":1"},
    /* headers */
    {TEXT(GET "hOsT:\t h:80 \t" LINE LINE), "\"host\":\"h:80\""},
    {TEXT(GET "Host:" LINE LINE), "\"host\":\"\""},
    {TEXT(GET HOST "X:" LINE "Y:  " LINE LINE), "[\"X\",\"\"],[\"Y\",\"\"]"},
    {TEXT(GET HOST "X: a\tb  c" LINE LINE), "[\"X\",\"a\\u0009b  c\"]"},
    {TEXT(GET HOST "X: \xC3\xA9\xFF" LINE LINE), "[\"X\",\"\\u00c3\\u00a9\\u00ff\"]"},
    {TEXT(GET HOST "Content-Length2: x" LINE LINE), "Content-Length2"},
    /* as long as the names that matter */
    {TEXT(GET HOST "Date: x" LINE "Cookie: x" LINE "Keep-Alive: x" LINE "Accept-Charset: x" LINE
          "If-Modified-Since: x" LINE LINE), "\"If-Modified-Since\""},
    {TEXT(GET "Host: h:65535" LINE LINE), "\"h:65535\""},
    /* bodies */
    {TEXT(POST "Content-Length: 5" LINE LINE "hello"), "\"length\":5,\"headers\""},
    {TEXT(POST "Content-Length: 5" LINE LINE "hello"), "\"body\":\"hello\"}"},
    {TEXT(POST "Content-Length: 0" LINE LINE), "\"body\":\"\"}"},
    {TEXT(POST "Content-Length: 0000000000000000000000005" LINE LINE "hello"), "\"hello\""},
    {TEXT(POST "Content-Length: 2" LINE LINE "\0\n"), "\"body\":\"\\u0000\\u000a\"}"},
    {TEXT(POST LINE), "\"body\":\"\"}"},
    {TEXT(POST "Expect: 100-Continue" LINE "Content-Length: 1" LINE LINE "x"), "\"expect\":1"},
    {TEXT("GET / HTTP/1.0" LINE "Expect: 100-continue" LINE LINE), "\"expect\":0"},
    {TEXT(CHUNKED "0" LINE LINE), "\"chunked\":1"},
    {TEXT(CHUNKED "F" LINE "0123456789abcde" LINE "f" LINE "0123456789ABCDE" LINE "0" LINE LINE),
     "\"body\":\"0123456789abcde0123456789ABCDE\"}"},
    {TEXT(CHUNKED "5" LINE "hello" LINE "0" LINE LINE), "\"body\":\"hello\"}"},
    {TEXT(CHUNKED "1" LINE "a" LINE "0000A" LINE "0123456789" LINE "00" LINE LINE),
     "\"body\":\"a0123456789\"}"},
    {TEXT(CHUNKED "2;x=\"y;z\"" LINE LINE LINE "0;" LINE LINE), "\"body\":\"\\u000d\\u000a\"}"},
    {TEXT(CHUNKED "0" LINE "Content-Length: 7" LINE "X:" LINE LINE), "\"body\":\"\"}"},
    {TEXT(POST "transfer-encoding:\tChunked" LINE LINE "0" LINE LINE), "\"chunked\":1"},
};

struct refused {
    struct text stream;
    int status;
};

static const struct refused refused[] = {
    /* request lines */
    {TEXT("GET /" LINE), 400},
    {TEXT("GET  / HTTP/1.1" LINE), 400},
    {TEXT("GET /  HTTP/1.1" LINE), 400},
    {TEXT("GET / HTTP/1.1 " LINE), 400},
    {TEXT(" GET / HTTP/1.1" LINE), 400},
    {TEXT("GET\t/\tHTTP/1.1" LINE), 400},
    {TEXT("GET / HTTP/1.1\n"), 400},
    {TEXT("GET / HTTP/1.1\r\r\n"), 400},
    {TEXT("GET / HTTP/1.1\rHost: h" LINE), 400},
    {TEXT("G\0T / HTTP/1.1" LINE), 400},
    {TEXT("G(T / HTTP/1.1" LINE), 400},
    {TEXT(" / HTTP/1.1" LINE), 400},
    {TEXT("/ HTTP/1.1" LINE), 400},
    {TEXT(LINE LINE GET), 400},
    {TEXT("\n"), 400},
    {TEXT("\x16\x03\x01\x02\x00\x01\n"), 400},
    {TEXT("GET / HTTP/1.2" LINE), 505},
    {TEXT("GET / HTTP/2.0" LINE), 505},
    {TEXT("PRI * HTTP/2.0" LINE), 505},
    {TEXT("GET / HTTP/0.9" LINE), 505},
    {TEXT("GET / HTTP/1.10" LINE), 400},
    {TEXT("GET / HTTP/1" LINE), 400},
    {TEXT("GET / http/1.1" LINE), 400},
    {TEXT("GET / HTTP/1,1" LINE), 400},
    {TEXT("GET / HTTPS/1.1" LINE), 400},
    /* targets */
    {TEXT("GET a HTTP/1.1" LINE), 400},
    {TEXT("GET * HTTP/1.1" LINE), 400},
    {TEXT("GET ** HTTP/1.1" LINE), 400},
    {TEXT("GET /a#b HTTP/1.1" LINE), 400},
    {TEXT("GET /\"a HTTP/1.1" LINE), 400},
    {TEXT("GET /a\\b HTTP/1.1" LINE), 400},
    {TEXT("GET /\xC3\xA9 HTTP/1.1" LINE), 400},
    {TEXT("GET /\x7F HTTP/1.1" LINE), 400},
    {TEXT("GET /[a] HTTP/1.1" LINE), 400},
    {TEXT("CONNECT h:80 HTTP/1.1" LINE), 400},
    {TEXT("GET https://h/ HTTP/1.1" LINE), 400},
    {TEXT("GET ldap://h/ HTTP/1.1" LINE HOST LINE), 400},
    {TEXT("GET httpx:/h/ HTTP/1.1" LINE HOST LINE), 400},
    {TEXT("GET http:// HTTP/1.1" LINE), 400},
    {TEXT("GET http:///a HTTP/1.1" LINE), 400},
    {TEXT("GET http://user@h/ HTTP/1.1" LINE), 400},
    {TEXT("GET http://h/[a] HTTP/1.1" LINE), 400},
    {TEXT("GET http://h:1:2/ HTTP/1.1" LINE), 400},
    {TEXT("GET http://other/ HTTP/1.1" LINE HOST LINE), 400},
    {TEXT("GET http://h:80/ HTTP/1.1" LINE HOST LINE), 400},
    {TEXT("GET http://h/ HTTP/1.0" LINE LINE), 400},
    /* Host */
    {TEXT(GET LINE), 400},
    {TEXT(GET "X-Host: h" LINE LINE), 400},
    {TEXT(GET HOST HOST), 400},
    {TEXT(GET HOST "host:" LINE), 400},
    {TEXT(GET "Host: a, b" LINE), 400},
    {TEXT(GET "Host: a b" LINE), 400},
    {TEXT(GET "Host: a/b" LINE), 400},
    {TEXT(GET "Host: u@h" LINE), 400},
    {TEXT(GET "Host: h:8x" LINE), 400},
    {TEXT(GET "Host: h:123456" LINE), 400},
    {TEXT(GET "Host: :80" LINE), 400},
    {TEXT(GET "Host: [::1" LINE), 400},
    {TEXT(GET "Host: []" LINE), 400},
    {TEXT(GET "Host: [::1]x" LINE), 400},
    /* header lines */
    {TEXT(GET HOST "X : y" LINE), 400},
    {TEXT(GET HOST "X\t: y" LINE), 400},
    {TEXT(GET HOST " X: y" LINE), 400},
    {TEXT(GET HOST "X: y" LINE " folded" LINE), 400},
    {TEXT(GET HOST "X: y" LINE "\tfolded" LINE), 400},
    {TEXT(GET HOST ": y" LINE), 400},
    {TEXT(GET HOST "X" LINE), 400},
    {TEXT(GET HOST "X(: y" LINE), 400},
    {TEXT(GET HOST "X\xC3\xA9: y" LINE), 400},
    {TEXT(GET HOST "X: a\0b" LINE), 400},
    {TEXT(GET HOST "X: a\rb" LINE), 400},
    {TEXT(GET HOST "X: a\x01" LINE), 400},
    {TEXT(GET HOST "X: a\x7F" LINE), 400},
    {TEXT(GET HOST "X: y\n"), 400},
    {TEXT(GET HOST "\n"), 400},
    {TEXT(GET HOST "\r\r\n"), 400},
    /* framing */
    {TEXT(POST "Content-Length : 3" LINE), 400},
    {TEXT(POST "Content-Length: 3" LINE "Content-Length: 3" LINE), 400},
    {TEXT(POST "Content-Length: 3" LINE "content-length: 4" LINE), 400},
    {TEXT(POST "Content-Length: 3, 3" LINE), 400},
    {TEXT(POST "Content-Length: 3,4" LINE), 400},
    {TEXT(POST "Content-Length: +3" LINE), 400},
    {TEXT(POST "Content-Length: -3" LINE), 400},
    {TEXT(POST "Content-Length: 0x3" LINE), 400},
    {TEXT(POST "Content-Length: 3.0" LINE), 400},
    {TEXT(POST "Content-Length: 1 2" LINE), 400},
    {TEXT(POST "Content-Length: \"3\"" LINE), 400},
    {TEXT(POST "Content-Length: x" LINE), 400},
    {TEXT(POST "Content-Length:" LINE), 400},
    {TEXT(POST "Content-Length: 18446744073709551616" LINE), 413},
    {TEXT(POST "Content-Length: 101" LINE LINE), 413},
    {TEXT(POST "Content-Length: 0" LINE "Transfer-Encoding: chunked" LINE LINE), 400},
    {TEXT(POST "Transfer-Encoding: chunked" LINE "Content-Length: 0" LINE LINE), 400},
    {TEXT(POST "Transfer-Encoding : chunked" LINE), 400},
    {TEXT(POST "Transfer-Encoding: chunked" LINE "Transfer-Encoding: chunked" LINE), 400},
    {TEXT(POST "Transfer-Encoding: chunked, chunked" LINE), 501},
    {TEXT(POST "Transfer-Encoding: gzip, chunked" LINE), 501},
    {TEXT(POST "Transfer-Encoding: chunked, identity" LINE), 501},
    {TEXT(POST "Transfer-Encoding: identity" LINE), 501},
    {TEXT(POST "Transfer-Encoding: xchunked" LINE), 501},
    {TEXT(POST "Transfer-Encoding: chunked;q=1" LINE), 501},
    {TEXT(POST "Transfer-Encoding: \"chunked\"" LINE), 501},
    {TEXT(POST "Transfer-Encoding: \vchunked" LINE), 400},
    {TEXT(POST "Transfer-Encoding:" LINE), 501},
    {TEXT("POST / HTTP/1.0" LINE "Transfer-Encoding: chunked" LINE), 400},
    {TEXT(POST "Expect: 200-ok" LINE), 417},
    {TEXT(POST "Expect:" LINE), 417},
    /* chunks */
    {TEXT(CHUNKED LINE), 400},
    {TEXT(CHUNKED "x"), 400},
    {TEXT(CHUNKED "-1" LINE), 400},
    {TEXT(CHUNKED "+1" LINE), 400},
    {TEXT(CHUNKED " 1" LINE), 400},
    {TEXT(CHUNKED "1 " LINE), 400},
    {TEXT(CHUNKED "1 ;x" LINE), 400},
    {TEXT(CHUNKED "0x1" LINE), 400},
    {TEXT(CHUNKED ";x" LINE), 400},
    {TEXT(CHUNKED "1\n"), 400},
    {TEXT(CHUNKED "1\rx"), 400},
    {TEXT(CHUNKED "1;a\nb" LINE), 400},
    {TEXT(CHUNKED "1;a\0" LINE), 400},
    {TEXT(CHUNKED "1" LINE "ab"), 400},
    {TEXT(CHUNKED "1" LINE "a\n"), 400},
    {TEXT(CHUNKED "1" LINE "a\rb"), 400},
    {TEXT(CHUNKED "65" LINE), 413},
    {TEXT(CHUNKED "64;" LINE), 0},
    {TEXT(CHUNKED "ffffffffffffffff" LINE), 413},
    {TEXT(CHUNKED "10000000000000000" LINE), 400},
    {TEXT(CHUNKED "00000000000000001" LINE), 400},
    {TEXT(CHUNKED "0" LINE "X" LINE), 400},
    {TEXT(CHUNKED "0" LINE ": y" LINE), 400},
    {TEXT(CHUNKED "0" LINE "X : y" LINE), 400},
    {TEXT(CHUNKED "0" LINE "X: \0" LINE), 400},
    {TEXT(CHUNKED "0" LINE "X: y\n"), 400},
    {TEXT(CHUNKED "0" LINE "X: y" LINE " folded" LINE), 400},
    {TEXT(CHUNKED "0" LINE "\n"), 400},
    {TEXT(CHUNKED "0" LINE "\rx"), 400},
};

struct split {
    http_split *function;
    size_t first;
};

static void read_split(struct buffer *out, struct text stream, struct split split) {
    buffer_reset(out);
    http_transcript(out, stream, BODY_BYTES_MAX, split.function, &split.first);
    buffer_put_char(out, '\0');
}

/* Reads the stream whole, byte by byte and split in two at every place; all must agree. */
static void read_every_way(struct buffer *whole, struct text stream) {
    struct buffer parts;
    buffer_init(&parts, SIZE_MAX / 2);
    read_split(whole, stream, (struct split){http_split_whole, 0});
    for (size_t first = 0; first < stream.length; first++) {
        struct split split = {first == 0 ? http_split_bytes : http_split_after, first};
        read_split(&parts, stream, split);
        if (strcmp(whole->data, parts.data) != 0)
            fail_msg("split after %zu:\n%s\nwhole:\n%s\n", first, parts.data, whole->data);
    }
    buffer_close(&parts);
}

static void good_requests_mean_the_same_in_any_packets(void **state) {
    struct buffer out;
    (void)state;
    buffer_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < COUNT(accepted); i++) {
        read_every_way(&out, accepted[i].stream);
        if (strstr(out.data, accepted[i].holds) == NULL ||
            strstr(out.data, "\n{\"cut\":false}\n") == NULL)
            fail_msg("case %zu:\n%s\ndoes not hold\n%s", i, out.data, accepted[i].holds);
    }
    buffer_close(&out);
}

static void bad_requests_are_refused_in_any_packets(void **state) {
    struct buffer out;
    (void)state;
    buffer_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < COUNT(refused); i++) {
        int status = 0;
        read_every_way(&out, refused[i].stream);
        sscanf(out.data, "{\"refused\":%d", &status);
        if (status != refused[i].status)
            fail_msg("case %zu: %d instead of %d:\n%.*s", i, status, refused[i].status,
                     TEXT_ARGUMENTS(refused[i].stream));
    }
    buffer_close(&out);
}

static void a_body_may_be_as_large_as_the_limit(void **state) {
    struct buffer stream, out;
    (void)state;
    buffer_init(&stream, SIZE_MAX / 2);
    buffer_init(&out, SIZE_MAX / 2);
    buffer_format(&stream, "%sContent-Length: %d\r\n\r\n%0*d", POST, BODY_BYTES_MAX,
                  BODY_BYTES_MAX, 7);
    read_every_way(&out, buffer_text(&stream));
    assert_non_null(strstr(out.data, "0007\"}\n{\"cut\":false}"));
    buffer_close(&stream);
    buffer_close(&out);
}

static void requests_follow_each_other(void **state) {
    struct buffer out;
    (void)state;
    buffer_init(&out, SIZE_MAX / 2);
    read_every_way(&out, TEXT(GET HOST LINE POST "Content-Length: 3" LINE LINE "GET" CHUNKED
                              "1" LINE "a" LINE "0" LINE "X: y" LINE LINE LINE GET "Host: i" LINE
                              LINE "GE"));
    const char *at = out.data;
    const char *const holds[] = {"\"GET\"", "\"body\":\"GET\"}", "\"body\":\"a\"}",
                                 "\"host\":\"i\"", "{\"cut\":true}"};
    for (size_t i = 0; i < COUNT(holds); i++) {
        at = strstr(at, holds[i]);
        if (at == NULL) fail_msg("no %s in\n%s", holds[i], out.data);
    }
    buffer_close(&out);
}

/* start, then the byte count times, then end. */
static int status_of_long(const char *start, char byte, size_t count, const char *end) {
    struct buffer stream, out, parts;
    int status = 0;
    buffer_init(&stream, SIZE_MAX / 2);
    buffer_init(&out, SIZE_MAX / 2);
    buffer_init(&parts, SIZE_MAX / 2);
    buffer_put_text(&stream, text_of(start));
    for (size_t i = 0; i < count; i++) buffer_put_char(&stream, byte);
    buffer_put_text(&stream, text_of(end));
    read_split(&out, buffer_text(&stream), (struct split){http_split_whole, 0});
    read_split(&parts, buffer_text(&stream), (struct split){http_split_bytes, 0});
    assert_string_equal(out.data, parts.data);
    sscanf(out.data, "{\"refused\":%d", &status);
    buffer_close(&stream);
    buffer_close(&out);
    buffer_close(&parts);
    return status;
}

static void what_is_too_long_is_refused(void **state) {
    (void)state;
    const char *rest = " HTTP/1.1" LINE HOST LINE;
    assert_int_equal(status_of_long("GET /", 'a', HTTP_TARGET_BYTES_MAX - 1, rest), 0);
    assert_int_equal(status_of_long("GET /", 'a', HTTP_TARGET_BYTES_MAX, rest), 414);
    assert_int_equal(status_of_long("GET /", 'a', HTTP_HEAD_BYTES_MAX, ""), 414);
    size_t fixed = sizeof GET HOST "X: " LINE LINE - 1;
    assert_int_equal(
        status_of_long(GET HOST "X: ", 'a', HTTP_HEAD_BYTES_MAX - fixed, LINE LINE), 0);
    assert_int_equal(
        status_of_long(GET HOST "X: ", 'a', HTTP_HEAD_BYTES_MAX - fixed + 1, LINE LINE), 431);
    assert_int_equal(status_of_long(CHUNKED "0;", 'a', HTTP_TRAILER_BYTES_MAX - 1, LINE LINE), 0);
    assert_int_equal(status_of_long(CHUNKED "0;", 'a', HTTP_TRAILER_BYTES_MAX, LINE LINE), 431);
    assert_int_equal(
        status_of_long(CHUNKED "0" LINE "X:", 'a', HTTP_TRAILER_BYTES_MAX - 3, LINE LINE), 0);
    assert_int_equal(
        status_of_long(CHUNKED "0" LINE "X:", 'a', HTTP_TRAILER_BYTES_MAX - 2, LINE LINE), 431);
}

static void too_many_headers_are_refused(void **state) {
    struct buffer stream, out;
    (void)state;
    buffer_init(&stream, SIZE_MAX / 2);
    buffer_init(&out, SIZE_MAX / 2);
    for (int count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        int status = 0;
        buffer_reset(&stream);
        buffer_put_text(&stream, TEXT(GET HOST));
        for (int i = 1; i < count; i++) buffer_put_text(&stream, TEXT("X: y" LINE));
        buffer_put_text(&stream, TEXT(LINE));
        read_split(&out, buffer_text(&stream), (struct split){http_split_whole, 0});
        sscanf(out.data, "{\"refused\":%d", &status);
        assert_int_equal(status, count > HTTP_HEADERS_MAX ? 431 : 0);
    }
    buffer_close(&stream);
    buffer_close(&out);
}

/* Many small chunks together are bounded as one large body is. */
static void the_body_limit_counts_all_chunks(void **state) {
    struct buffer stream, out;
    (void)state;
    buffer_init(&stream, SIZE_MAX / 2);
    buffer_init(&out, SIZE_MAX / 2);
    buffer_put_text(&stream, TEXT(CHUNKED));
    for (int i = 0; i < BODY_BYTES_MAX; i++) buffer_put_text(&stream, TEXT("1" LINE "a" LINE));
    read_every_way(&out, buffer_text(&stream));
    assert_string_equal(out.data, "{\"cut\":true}\n");
    buffer_put_text(&stream, TEXT("1" LINE));
    read_every_way(&out, buffer_text(&stream));
    assert_memory_equal(out.data, "{\"refused\":413", 14);
    buffer_close(&stream);
    buffer_close(&out);
}

static void a_refused_parser_stays_refused(void **state) {
    struct http_parser *parser = memory_take(sizeof *parser);
    size_t taken;
    (void)state;
    http_parser_init(parser);
    assert_int_equal(http_parser_feed(parser, "\n", 1, &taken), HTTP_REFUSED);
    assert_int_equal(http_parser_feed(parser, GET HOST LINE, sizeof GET HOST LINE - 1, &taken),
                     HTTP_REFUSED);
    assert_int_equal(taken, 0);
    assert_false(http_parser_in_request(parser));
    memory_give(parser);
}

static void a_head_is_known_by_its_first_byte(void **state) {
    struct http_parser *parser = memory_take(sizeof *parser);
    size_t taken;
    (void)state;
    http_parser_init(parser);
    assert_false(http_parser_in_request(parser));
    assert_int_equal(http_parser_feed(parser, LINE, 2, &taken), HTTP_NEED_MORE);
    assert_false(http_parser_in_request(parser));
    assert_int_equal(http_parser_feed(parser, "G", 1, &taken), HTTP_NEED_MORE);
    assert_true(http_parser_in_request(parser));
    const char *rest = "ET / HTTP/1.1" LINE HOST "X-a: b" LINE "x-A: c" LINE LINE;
    assert_int_equal(http_parser_feed(parser, rest, strlen(rest), &taken), HTTP_HEAD_READY);
    assert_int_equal(taken, strlen(rest));
    assert_true(text_equal(http_header_find(&parser->head, TEXT("X-A")), TEXT("b")));
    assert_null(http_header_find(&parser->head, TEXT("X-B")).data);
    assert_int_equal(http_parser_feed(parser, NULL, 0, &taken), HTTP_COMPLETE);
    assert_false(http_parser_in_request(parser));
    memory_give(parser);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_mean_the_same_in_any_packets),
        cmocka_unit_test(bad_requests_are_refused_in_any_packets),
        cmocka_unit_test(a_body_may_be_as_large_as_the_limit),
        cmocka_unit_test(requests_follow_each_other),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(the_body_limit_counts_all_chunks),
        cmocka_unit_test(a_refused_parser_stays_refused),
        cmocka_unit_test(a_head_is_known_by_its_first_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
