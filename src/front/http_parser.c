/* http_parser.c: the head line by line as its lines become complete, the framing of the body byte
 * by byte. A line is judged only when it is whole, so a refusal does not depend on the packets. */
#include "front/http_parser.h"

#include <assert.h>

enum parser_state {
    PARSER_START,   /* in the request line */
    PARSER_HEADERS,
    PARSER_BODY,    /* the head has been reported; the framing begins */
    PARSER_LENGTH,  /* a body of parser->left bytes */
    PARSER_CHUNK_SIZE,
    PARSER_CHUNK_EXTENSION,
    PARSER_CHUNK_SIZE_LF,
    PARSER_CHUNK_DATA,
    PARSER_CHUNK_DATA_CR,
    PARSER_CHUNK_DATA_LF,
    PARSER_TRAILER, /* at the start of a line of the trailer section */
    PARSER_TRAILER_NAME,
    PARSER_TRAILER_VALUE,
    PARSER_TRAILER_LF,
    PARSER_END_LF,
    PARSER_COMPLETE,
    PARSER_REFUSED,
};

enum { CHUNK_DIGITS_MAX = 16 };

/* What a byte may be part of: a token, a target, a field value, a host. */
enum { T = 1, P = 2, V = 4, H = 8 };

static const uint8_t classes[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | P | V,
    ['"'] = V,
    ['#'] = T | V,
    ['$' ... '\''] = T | P | V,
    ['('] = P | V,
    [')'] = P | V,
    ['*'] = T | P | V,
    ['+'] = T | P | V,
    [','] = P | V,
    ['-'] = T | P | V | H,
    ['.'] = T | P | V | H,
    ['/'] = P | V,
    ['0' ... '9'] = T | P | V | H,
    [':'] = P | V,
    [';'] = P | V,
    ['<'] = V,
    ['='] = P | V,
    ['>'] = V,
    ['?'] = P | V,
    ['@'] = P | V,
    ['A' ... 'Z'] = T | P | V | H,
    ['['] = V,
    ['\\'] = V,
    [']'] = V,
    ['^'] = T | V,
    ['_'] = T | P | V | H,
    ['`'] = T | V,
    ['a' ... 'z'] = T | P | V | H,
    ['{'] = V,
    ['|'] = T | V,
    ['}'] = V,
    ['~'] = T | P | V,
    [0x80 ... 0xff] = V,
};

static bool byte_is(char byte, int class) {
    return (classes[(unsigned char)byte] & class) != 0;
}

static bool text_is(struct text text, int class) {
    for (size_t i = 0; i < text.length; i++)
        if (!byte_is(text.data[i], class)) return false;
    return true;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static struct text text_from(struct text text, size_t start) {
    return (struct text){.data = text.data + start, .length = text.length - start};
}

static struct text text_trim(struct text text) {
    while (text.length > 0 && (*text.data == ' ' || *text.data == '\t'))
        text = text_from(text, 1);
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static bool refuse(struct http_parser *parser, int status, const char *reason) {
    parser->state = PARSER_REFUSED;
    parser->status = status;
    parser->reason = reason;
    return false;
}

static const struct text method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = {"GET", 3},         [HTTP_HEAD] = {"HEAD", 4},
    [HTTP_PUT] = {"PUT", 3},         [HTTP_POST] = {"POST", 4},
    [HTTP_DELETE] = {"DELETE", 6},   [HTTP_PATCH] = {"PATCH", 5},
    [HTTP_OPTIONS] = {"OPTIONS", 7}, [HTTP_METHOD_OTHER] = {"other", 5},
};

const char *http_method_name(enum http_method method) {
    assert(method < HTTP_METHOD_COUNT);
    return method_names[method].data;
}

static enum http_method method_find(struct text name) {
    for (int method = 0; method < HTTP_METHOD_OTHER; method++)
        if (text_equal(name, method_names[method])) return (enum http_method)method;
    return HTTP_METHOD_OTHER;
}

struct text http_header_find(const struct http_head *head, struct text name) {
    for (size_t i = 0; i < head->header_count; i++)
        if (text_equal_nocase(head->headers[i].name, name)) return head->headers[i].value;
    return (struct text){0};
}

/* An empty text, or a name, IPv4 address or bracketed IPv6 address, with or without a port. */
static bool host_is_valid(struct text host) {
    if (host.length == 0) return true;
    size_t end = 0;
    if (host.data[0] == '[') {
        const char *bracket = memchr(host.data, ']', host.length);
        if (bracket == NULL) return false;
        end = (size_t)(bracket - host.data) + 1;
        for (size_t i = 1; i + 1 < end; i++)
            if (host.data[i] != ':' && !byte_is(host.data[i], H)) return false;
        if (end == 2) return false;
    } else {
        while (end < host.length && byte_is(host.data[end], H)) end++;
        if (end == 0) return false;
    }
    if (end == host.length) return true;
    if (host.data[end] != ':') return false;
    for (size_t i = end + 1; i < host.length; i++)
        if (!is_digit(host.data[i])) return false;
    return host.length - end <= 6;
}

/* Splits what follows the authority into path and query. */
static void target_split(struct http_head *head, struct text rest) {
    const char *mark = memchr(rest.data, '?', rest.length);
    size_t length = mark == NULL ? rest.length : (size_t)(mark - rest.data);
    head->path = (struct text){.data = rest.data, .length = length};
    head->query = mark == NULL ? (struct text){0} : text_from(rest, length + 1);
    if (length == 0) head->path = TEXT("/");
}

static bool target_parse(struct http_parser *parser) {
    struct http_head *head = &parser->head;
    struct text target = head->target;
    static const struct text scheme = {"http://", 7};

    if (target.data[0] == '/') {
        if (!text_is(target, P))
            return refuse(parser, 400, "the target holds a character that must be escaped");
        target_split(head, target);
        return true;
    }
    if (text_equal(target, TEXT("*")) && head->method == HTTP_OPTIONS) {
        head->path = target;
        return true;
    }
    if (target.length <= scheme.length ||
        !text_equal_nocase((struct text){target.data, scheme.length}, scheme))
        return refuse(parser, 400, "the target is neither a path nor an http URL");
    struct text rest = text_from(target, scheme.length);
    size_t end = 0;
    while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?') end++;
    head->authority = (struct text){.data = rest.data, .length = end};
    rest = text_from(rest, end);
    if (end == 0 || !host_is_valid(head->authority) || !text_is(rest, P))
        return refuse(parser, 400, "the target is not a valid URL");
    target_split(head, rest);
    return true;
}

static bool version_parse(struct http_parser *parser, struct text version) {
    static const struct text name = {"HTTP/", 5};
    if (version.length != 8 || memcmp(version.data, name.data, name.length) != 0 ||
        !is_digit(version.data[5]) || version.data[6] != '.' || !is_digit(version.data[7]))
        return refuse(parser, 400, "the request line has no HTTP version");
    if (version.data[5] != '1' || version.data[7] > '1')
        return refuse(parser, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    parser->head.minor_version = version.data[7] - '0';
    return true;
}

/* method SP target SP version */
static bool request_line_parse(struct http_parser *parser, struct text line) {
    struct http_head *head = &parser->head;
    const char *space = memchr(line.data, ' ', line.length);
    if (space == NULL || space == line.data)
        return refuse(parser, 400, "the request line is malformed");
    struct text method = {.data = line.data, .length = (size_t)(space - line.data)};
    struct text rest = text_from(line, method.length + 1);
    space = memchr(rest.data, ' ', rest.length);
    if (!text_is(method, T) || space == NULL || space == rest.data)
        return refuse(parser, 400, "the request line is malformed");
    head->method = method_find(method);
    head->target = (struct text){.data = rest.data, .length = (size_t)(space - rest.data)};
    if (head->target.length > HTTP_TARGET_BYTES_MAX)
        return refuse(parser, 414, "the target is too long");
    if (!version_parse(parser, text_from(rest, head->target.length + 1))) return false;
    parser->state = PARSER_HEADERS;
    return target_parse(parser);
}

/* Digits only: a sign, a list or white space inside is how two readers come to differ. */
static bool content_length_parse(struct http_parser *parser, struct text value) {
    struct http_head *head = &parser->head;
    uint64_t length = 0;
    if (head->has_length) return refuse(parser, 400, "Content-Length is repeated");
    if (value.length == 0) return refuse(parser, 400, "Content-Length is not a number");
    for (size_t i = 0; i < value.length; i++) {
        if (!is_digit(value.data[i])) return refuse(parser, 400, "Content-Length is not a number");
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value.data[i] - '0'), &length))
            return refuse(parser, 413, "the body is too large");
    }
    head->has_length = true;
    head->content_length = length;
    return true;
}

static void connection_parse(struct http_parser *parser, struct text value) {
    size_t start = 0;
    while (start <= value.length) {
        size_t end = start;
        while (end < value.length && value.data[end] != ',') end++;
        struct text option = text_trim((struct text){value.data + start, end - start});
        if (text_equal_nocase(option, TEXT("close"))) parser->connection_close = true;
        if (text_equal_nocase(option, TEXT("keep-alive"))) parser->connection_keep_alive = true;
        start = end + 1;
    }
}

/* The headers that decide where the request ends or whom it is for; the others are only kept. */
static bool header_apply(struct http_parser *parser, const struct http_header *header) {
    struct http_head *head = &parser->head;
    switch (header->name.length) {
    case sizeof "host" - 1:
        if (!text_equal_nocase(header->name, TEXT("host"))) return true;
        if (head->host.data != NULL) return refuse(parser, 400, "Host is repeated");
        if (!host_is_valid(header->value)) return refuse(parser, 400, "Host is malformed");
        head->host = header->value;
        return true;
    case sizeof "expect" - 1:
        if (!text_equal_nocase(header->name, TEXT("expect"))) return true;
        if (!text_equal_nocase(header->value, TEXT("100-continue")))
            return refuse(parser, 417, "the expectation is not known");
        head->expect_continue = head->minor_version > 0;
        return true;
    case sizeof "connection" - 1:
        if (!text_equal_nocase(header->name, TEXT("connection"))) return true;
        connection_parse(parser, header->value);
        return true;
    case sizeof "content-length" - 1:
        if (!text_equal_nocase(header->name, TEXT("content-length"))) return true;
        return content_length_parse(parser, header->value);
    case sizeof "transfer-encoding" - 1:
        if (!text_equal_nocase(header->name, TEXT("transfer-encoding"))) return true;
        if (head->chunked) return refuse(parser, 400, "Transfer-Encoding is repeated");
        if (head->minor_version == 0)
            return refuse(parser, 400, "Transfer-Encoding needs HTTP/1.1");
        if (!text_equal_nocase(header->value, TEXT("chunked")))
            return refuse(parser, 501, "the only transfer coding is chunked");
        head->chunked = true;
        return true;
    default:
        return true;
    }
}

static bool header_parse(struct http_parser *parser, struct text line) {
    struct http_head *head = &parser->head;
    size_t colon = 0;
    while (colon < line.length && byte_is(line.data[colon], T)) colon++;
    if (colon == 0 || colon == line.length || line.data[colon] != ':')
        return refuse(parser, 400, "a header line is malformed");
    struct text value = text_trim(text_from(line, colon + 1));
    if (!text_is(value, V)) return refuse(parser, 400, "a header holds a control character");
    if (head->header_count == HTTP_HEADERS_MAX)
        return refuse(parser, 431, "there are too many headers");
    struct http_header *header = &head->headers[head->header_count++];
    header->name = (struct text){.data = line.data, .length = colon};
    header->value = value;
    return header_apply(parser, header);
}

static bool head_finish(struct http_parser *parser) {
    struct http_head *head = &parser->head;
    if (head->host.data == NULL && head->minor_version > 0)
        return refuse(parser, 400, "Host is missing");
    if (head->chunked && head->has_length)
        return refuse(parser, 400, "Content-Length beside Transfer-Encoding");
    if (head->authority.data != NULL && !text_equal_nocase(head->authority, head->host))
        return refuse(parser, 400, "the target names another host than Host");
    head->keep_alive = !parser->connection_close &&
                       (head->minor_version > 0 || parser->connection_keep_alive);
    parser->state = PARSER_BODY;
    return true;
}

/* A line of the head is complete in head_bytes. */
static bool head_line(struct http_parser *parser) {
    size_t length = parser->head_length - parser->line_start;
    struct text line = {.data = parser->head_bytes + parser->line_start, .length = length};
    if (length < 2 || line.data[length - 2] != '\r')
        return refuse(parser, 400, "a line ends without a carriage return");
    line.length -= 2;
    parser->line_start = parser->head_length;
    if (parser->state == PARSER_HEADERS)
        return line.length == 0 ? head_finish(parser) : header_parse(parser, line);
    if (line.length > 0) return request_line_parse(parser, line);
    if (parser->empty_line_seen) return refuse(parser, 400, "the request line is empty");
    parser->empty_line_seen = true;
    parser->head_length = parser->line_start = 0;
    return true;
}

/* Whoever answers a refusal chooses its words by the path, so as much of it is kept as could be
 * read, also when it is the request line that is refused. */
static enum http_event head_refused(struct http_parser *parser) {
    struct text head = {.data = parser->head_bytes, .length = parser->head_length};
    const char *space = memchr(head.data, ' ', head.length);
    if (parser->head.path.length > 0 || space == NULL) return HTTP_REFUSED;
    struct text target = text_from(head, (size_t)(space - head.data) + 1);
    size_t length = 0;
    while (length < target.length && byte_is(target.data[length], P)) length++;
    target.length = length;
    if (length > 0 && target.data[0] == '/') target_split(&parser->head, target);
    return HTTP_REFUSED;
}

static enum http_event head_feed(struct http_parser *parser, const char *bytes, size_t length,
                                 size_t *taken) {
    while (*taken < length) {
        size_t room = HTTP_HEAD_BYTES_MAX - parser->head_length;
        size_t part = length - *taken < room ? length - *taken : room;
        const char *end = part == 0 ? NULL : memchr(bytes + *taken, '\n', part);
        if (end != NULL) part = (size_t)(end - (bytes + *taken)) + 1;
        memcpy(parser->head_bytes + parser->head_length, bytes + *taken, part);
        parser->head_length += part;
        *taken += part;
        if (end != NULL) {
            if (!head_line(parser)) return head_refused(parser);
            if (parser->state == PARSER_BODY) return HTTP_HEAD_READY;
        } else if (*taken < length) {
            if (parser->state == PARSER_START) refuse(parser, 414, "the target is too long");
            else refuse(parser, 431, "the headers are too large");
            return head_refused(parser);
        }
    }
    return HTTP_NEED_MORE;
}

static bool chunk_size_byte(struct http_parser *parser, char byte) {
    int digit = text_hex_digit(byte);
    if (digit >= 0) {
        if (++parser->chunk_digits > CHUNK_DIGITS_MAX)
            return refuse(parser, 400, "a chunk size is too long");
        parser->left = parser->left << 4 | (uint64_t)digit;
        return true;
    }
    if (parser->chunk_digits == 0 || (byte != ';' && byte != '\r'))
        return refuse(parser, 400, "a chunk size is malformed");
    if (parser->left > parser->body_bytes_max - parser->body_bytes)
        return refuse(parser, 413, "the body is too large");
    parser->state = byte == ';' ? PARSER_CHUNK_EXTENSION : PARSER_CHUNK_SIZE_LF;
    return true;
}

/* Extensions and trailers are dropped, so all that matters is that they end where others think. */
static bool dropped_byte(struct http_parser *parser, char byte, int class, char end, int next) {
    if (++parser->trailer_length > HTTP_TRAILER_BYTES_MAX)
        return refuse(parser, 431, "the trailers are too large");
    if (byte == end) parser->state = next;
    else if (!byte_is(byte, class)) return refuse(parser, 400, "a trailer is malformed");
    return true;
}

static bool expect_byte(struct http_parser *parser, char byte, char wanted, int next) {
    if (byte != wanted) return refuse(parser, 400, "a chunk is malformed");
    parser->state = next;
    return true;
}

/* One byte of what surrounds the chunks. */
static bool chunk_byte(struct http_parser *parser, char byte) {
    switch (parser->state) {
    case PARSER_CHUNK_SIZE:
        return chunk_size_byte(parser, byte);
    case PARSER_CHUNK_EXTENSION:
        return dropped_byte(parser, byte, V, '\r', PARSER_CHUNK_SIZE_LF);
    case PARSER_CHUNK_SIZE_LF:
        return expect_byte(parser, byte, '\n',
                           parser->left == 0 ? PARSER_TRAILER : PARSER_CHUNK_DATA);
    case PARSER_CHUNK_DATA_CR:
        return expect_byte(parser, byte, '\r', PARSER_CHUNK_DATA_LF);
    case PARSER_CHUNK_DATA_LF:
        parser->chunk_digits = 0;
        return expect_byte(parser, byte, '\n', PARSER_CHUNK_SIZE);
    case PARSER_TRAILER:
        if (byte == '\r') return expect_byte(parser, byte, '\r', PARSER_END_LF);
        if (!byte_is(byte, T)) return refuse(parser, 400, "a trailer is malformed");
        parser->state = PARSER_TRAILER_NAME;
        return dropped_byte(parser, byte, T, ':', PARSER_TRAILER_VALUE);
    case PARSER_TRAILER_NAME:
        return dropped_byte(parser, byte, T, ':', PARSER_TRAILER_VALUE);
    case PARSER_TRAILER_VALUE:
        return dropped_byte(parser, byte, V, '\r', PARSER_TRAILER_LF);
    case PARSER_TRAILER_LF:
        return expect_byte(parser, byte, '\n', PARSER_TRAILER);
    default:
        assert(parser->state == PARSER_END_LF);
        return expect_byte(parser, byte, '\n', PARSER_COMPLETE);
    }
}

static bool body_begin(struct http_parser *parser) {
    const struct http_head *head = &parser->head;
    if (head->has_length && head->content_length > parser->body_bytes_max)
        return refuse(parser, 413, "the body is too large");
    parser->left = head->content_length;
    parser->state = head->chunked ? PARSER_CHUNK_SIZE
                    : parser->left > 0 ? PARSER_LENGTH : PARSER_COMPLETE;
    return true;
}

static enum http_event body_part(struct http_parser *parser, const char *bytes, size_t length,
                                 size_t *taken) {
    size_t part = length < parser->left ? length : (size_t)parser->left;
    parser->part = (struct text){.data = bytes, .length = part};
    parser->left -= part;
    parser->body_bytes += part;
    *taken += part;
    if (parser->left == 0)
        parser->state = parser->state == PARSER_LENGTH ? PARSER_COMPLETE : PARSER_CHUNK_DATA_CR;
    return HTTP_BODY_PART;
}

static enum http_event body_feed(struct http_parser *parser, const char *bytes, size_t length,
                                 size_t *taken) {
    if (parser->state == PARSER_BODY && !body_begin(parser)) return HTTP_REFUSED;
    for (;;) {
        if (parser->state == PARSER_COMPLETE) return HTTP_COMPLETE;
        if (*taken == length) return HTTP_NEED_MORE;
        if (parser->state == PARSER_LENGTH || parser->state == PARSER_CHUNK_DATA)
            return body_part(parser, bytes + *taken, length - *taken, taken);
        if (!chunk_byte(parser, bytes[(*taken)++])) return HTTP_REFUSED;
    }
}

enum http_event http_parser_feed(struct http_parser *parser, const char *bytes, size_t length,
                                 size_t *taken) {
    *taken = 0;
    if (parser->state == PARSER_REFUSED) return HTTP_REFUSED;
    if (parser->state <= PARSER_HEADERS) return head_feed(parser, bytes, length, taken);
    return body_feed(parser, bytes, length, taken);
}

void http_parser_init(struct http_parser *parser) {
    struct http_head *head = &parser->head;
    parser->state = PARSER_START;
    parser->status = 0;
    parser->reason = NULL;
    parser->part = (struct text){0};
    parser->body_bytes_max = HTTP_BODY_BYTES_MAX;
    parser->body_bytes = parser->left = 0;
    parser->chunk_digits = parser->trailer_length = 0;
    parser->head_length = parser->line_start = 0;
    parser->empty_line_seen = parser->connection_close = parser->connection_keep_alive = false;
    /* Everything but the headers, whose count says how many there are. */
    head->method = HTTP_METHOD_OTHER;
    head->target = head->path = head->query = head->host = head->authority = (struct text){0};
    head->minor_version = 1;
    head->header_count = 0;
    head->keep_alive = head->expect_continue = head->chunked = head->has_length = false;
    head->content_length = 0;
}

void http_parser_next(struct http_parser *parser) {
    assert(parser->state == PARSER_COMPLETE);
    http_parser_init(parser);
}

bool http_parser_in_request(const struct http_parser *parser) {
    return parser->state != PARSER_COMPLETE && parser->state != PARSER_REFUSED &&
           (parser->state != PARSER_START || parser->head_length > 0);
}
