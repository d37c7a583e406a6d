#include "front/http_stream.h"

#include <assert.h>
#include <time.h>

#include "base/clock.h"

enum { CUTTING_LOOKED_AT_MS = 100 };

void http_stream_init(struct http_stream *stream) {
    *stream = (struct http_stream){.begun = false};
    pthread_mutex_init(&stream->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stream->taken, &attributes);
    pthread_condattr_destroy(&attributes);
    buffer_init(&stream->ready, SIZE_MAX / 2);
}

void http_stream_reset(struct http_stream *stream) {
    buffer_close(&stream->ready);
    stream->gone = stream->begun = false;
}

void http_stream_close(struct http_stream *stream) {
    buffer_close(&stream->ready);
    pthread_cond_destroy(&stream->taken);
    pthread_mutex_destroy(&stream->lock);
}

void http_stream_put(struct http_stream *stream, struct text part, bool chunked) {
    if (part.length == 0) return; /* an empty chunk would be the last */
    pthread_mutex_lock(&stream->lock);
    if (!stream->gone) {
        if (chunked) buffer_format(&stream->ready, "%zx\r\n", part.length);
        buffer_put_text(&stream->ready, part);
        if (chunked) buffer_put_text(&stream->ready, TEXT("\r\n"));
    }
    pthread_mutex_unlock(&stream->lock);
}

bool http_stream_wait(struct http_stream *stream, int ms, const atomic_bool *cutting) {
    int64_t deadline_us = clock_monotonic_us() + (int64_t)ms * 1000;
    bool full;
    pthread_mutex_lock(&stream->lock);
    while ((full = stream->ready.length >= HTTP_STREAM_BYTES_MAX) && !stream->gone &&
           !atomic_load(cutting) && clock_monotonic_us() < deadline_us) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CUTTING_LOOKED_AT_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&stream->taken, &stream->lock, &until);
    }
    bool wanted = !full && !stream->gone && !atomic_load(cutting);
    pthread_mutex_unlock(&stream->lock);
    return wanted;
}

void http_stream_end(struct http_stream *stream, bool chunked) {
    if (!chunked) return;
    pthread_mutex_lock(&stream->lock);
    buffer_put_text(&stream->ready, TEXT("0\r\n\r\n"));
    pthread_mutex_unlock(&stream->lock);
}

void http_stream_take(struct http_stream *stream, struct buffer *into) {
    assert(into->length == 0);
    pthread_mutex_lock(&stream->lock);
    struct buffer empty = *into;
    *into = stream->ready;
    stream->ready = empty;
    pthread_cond_signal(&stream->taken);
    pthread_mutex_unlock(&stream->lock);
}

void http_stream_abandon(struct http_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    stream->gone = true;
    buffer_close(&stream->ready);
    pthread_cond_signal(&stream->taken);
    pthread_mutex_unlock(&stream->lock);
}
