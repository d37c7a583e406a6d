/* http_parser.h: a strict HTTP/1.1 request parser: bytes in, events out, no I/O.
 * Refuses:   what request smuggling needs: white space before a colon, folded headers, repeated or
 *            signed Content-Length, Content-Length beside Transfer-Encoding, any transfer coding
 *            but a single "chunked", bare LF or CR, NUL, a missing or repeated Host, an HTTP/1.0
 *            chunked body, absolute-form targets of another host than Host. Every refusal has a
 *            status: 400, 413, 414, 417, 431, 501 (transfer coding), 505 (version).
 * Tolerates: one empty line before a request line; chunk extensions and trailers, which are
 *            checked, bounded and dropped.
 * Ownership: events point into the parser's own memory (head) or into the bytes fed (body).
 * Invariant: how the bytes are split over calls makes no difference to what is understood. */
#ifndef QMS_FRONT_HTTP_PARSER_H
#define QMS_FRONT_HTTP_PARSER_H

#include "base/limits.h"
#include "base/text.h"

enum http_method {
    HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE, HTTP_PATCH, HTTP_OPTIONS,
    HTTP_METHOD_OTHER, HTTP_METHOD_COUNT
};

const char *http_method_name(enum http_method method);

struct http_header {
    struct text name;  /* as sent; compare with text_equal_nocase() */
    struct text value; /* without surrounding white space */
};

struct http_head {
    enum http_method method;
    struct text target;          /* as sent */
    struct text path, query;     /* of the target; the query without '?' */
    int minor_version;           /* HTTP/1.minor */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct text host;            /* data is NULL when there is none (HTTP/1.0) */
    struct text authority;       /* of an absolute-form target; equals host */
    bool keep_alive;
    bool expect_continue;
    bool chunked;
    bool has_length;
    uint64_t content_length;
};

/* The first header of that name, or an empty text with data NULL. */
struct text http_header_find(const struct http_head *head, struct text name);

enum http_event {
    HTTP_NEED_MORE, /* all bytes taken; feed more */
    HTTP_HEAD_READY,/* parser->head is complete; the caller may set body_bytes_max now. Feed again,
                     * if need be no bytes at all: a request without body is then complete */
    HTTP_BODY_PART, /* parser->part holds body bytes */
    HTTP_COMPLETE,  /* the request is over; http_parser_next() starts the next one */
    HTTP_REFUSED    /* parser->status and parser->reason say why; the connection must close */
};

struct http_parser {
    int state;
    struct http_head head;       /* valid from HTTP_HEAD_READY until http_parser_next(); of a head
                                  * that is refused only path, as much of it as could be read */
    struct text part;
    int status;
    const char *reason;
    uint64_t body_bytes_max, body_bytes; /* limit of this route; taken so far */
    uint64_t left;                       /* of the body or of the chunk */
    size_t chunk_digits;
    size_t trailer_length;               /* of extensions and trailers so far */
    size_t head_length, line_start;      /* filled part of head_bytes; where the last line begins */
    bool empty_line_seen;
    bool connection_close, connection_keep_alive;
    char head_bytes[HTTP_HEAD_BYTES_MAX];
};

void http_parser_init(struct http_parser *parser);

/* Takes some of the bytes, says how many, and reports at most one event. */
enum http_event http_parser_feed(struct http_parser *parser, const char *bytes, size_t length,
                                 size_t *taken);

/* After HTTP_COMPLETE: ready for the next request of the connection. */
void http_parser_next(struct http_parser *parser);

/* Inside a request (its first byte has been seen): a close or a timeout now cuts it off. */
bool http_parser_in_request(const struct http_parser *parser);

#endif
