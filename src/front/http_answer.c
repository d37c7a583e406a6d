#include "front/http_answer.h"

#include <assert.h>
#include <stdio.h>

#include "base/http_status.h"

enum { HEAD_BYTES_MAX = 512 }; /* status line and our own headers, without headers_out */

static_assert(HTTP_OUTPUT_BYTES >=
                  HEAD_BYTES_MAX + HTTP_HEADERS_OUT_BYTES_MAX + HTTP_OUTPUT_COPY_MAX,
              "an empty output has room for any answer");

void http_output_init(struct http_output *output) {
    output->date_second = 0;
    output->date_length = 0;
    http_output_reset(output);
}

void http_output_reset(struct http_output *output) {
    output->piece_count = output->used = output->total = 0;
}

/* Formatted once a second and not with strftime, whose names follow the locale. */
static void date_refresh(struct http_output *output) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec == output->date_second && output->date_length > 0) return;
    struct tm tm;
    if (gmtime_r(&now.tv_sec, &tm) == NULL) return;
    int length = snprintf(output->date, sizeof output->date,
                          "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
                          tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                          tm.tm_sec);
    assert(length > 0 && (size_t)length < sizeof output->date);
    output->date_length = (size_t)length;
    output->date_second = now.tv_sec;
}

static char *put(char *at, struct text text) {
    if (text.length > 0) memcpy(at, text.data, text.length);
    return at + text.length;
}

static char *put_number(char *at, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, (struct text){.data = digits + sizeof digits - count, .length = count});
}

static bool status_has_body(int status) {
    return status != 204 && status != 304;
}

static char *put_head(struct http_output *output, char *at, const struct http_answer *answer) {
    const struct http_exchange *exchange = answer->exchange;
    struct text type = exchange->content_type_out;
    assert(type.length < HEAD_BYTES_MAX / 4);
    at = put(at, TEXT("HTTP/1.1 "));
    at = put_number(at, (uint64_t)exchange->status);
    at = put(at, TEXT(" "));
    at = put(at, text_of(http_status_text(exchange->status)));
    at = put(at, TEXT("\r\n"));
    if (status_has_body(exchange->status)) {
        at = put(at, TEXT("Content-Type: "));
        at = put(at, type.length == 0 ? TEXT("application/json") : type);
        at = put(at, TEXT("\r\n"));
        if (!answer->streams) {
            at = put(at, TEXT("Content-Length: "));
            at = put_number(at, exchange->out.length + exchange->skipped_bytes);
            at = put(at, TEXT("\r\n"));
        } else if (answer->chunked) {
            at = put(at, TEXT("Transfer-Encoding: chunked\r\n"));
        }
    }
    date_refresh(output);
    at = put(at, (struct text){.data = output->date, .length = output->date_length});
    at = put(at, exchange->headers_out);
    if (answer->close) at = put(at, TEXT("Connection: close\r\n"));
    else if (answer->keep_alive_header) at = put(at, TEXT("Connection: keep-alive\r\n"));
    return put(at, TEXT("\r\n"));
}

/* Counts bytes that lie at output->bytes + output->used, joining them to the piece before them. */
static void output_advance(struct http_output *output, size_t bytes) {
    char *start = output->bytes + output->used;
    struct iovec *last =
        output->piece_count == 0 ? NULL : &output->pieces[output->piece_count - 1];
    if (last != NULL && (char *)last->iov_base + last->iov_len == start)
        last->iov_len += bytes;
    else
        output->pieces[output->piece_count++] = (struct iovec){.iov_base = start, .iov_len = bytes};
    output->used += bytes;
    output->total += bytes;
}

bool http_output_add(struct http_output *output, const struct http_answer *answer) {
    const struct http_exchange *exchange = answer->exchange;
    bool has_body =
        !answer->head_only && !answer->streams && status_has_body(exchange->status);
    size_t body = has_body ? exchange->out.length : 0;
    size_t copied = body <= HTTP_OUTPUT_COPY_MAX ? body : 0;
    assert(exchange->headers_out.length <= HTTP_HEADERS_OUT_BYTES_MAX);
    if (output->piece_count + 2 > HTTP_OUTPUT_PIECES_MAX ||
        HTTP_OUTPUT_BYTES - output->used < HEAD_BYTES_MAX + exchange->headers_out.length + copied)
        return false;
    char *start = output->bytes + output->used;
    char *end = put_head(output, start, answer);
    if (copied > 0) end = put(end, buffer_text(&exchange->out));
    output_advance(output, (size_t)(end - start));
    if (body > copied) {
        output->pieces[output->piece_count++] =
            (struct iovec){.iov_base = exchange->out.data, .iov_len = body};
        output->total += body;
    }
    return true;
}

bool http_output_add_continue(struct http_output *output) {
    static const struct text line = {"HTTP/1.1 100 Continue\r\n\r\n", 25};
    if (output->piece_count == HTTP_OUTPUT_PIECES_MAX ||
        HTTP_OUTPUT_BYTES - output->used < line.length)
        return false;
    put(output->bytes + output->used, line);
    output_advance(output, line.length);
    return true;
}
