/* http_stream.h: the body of an answer that is sent while it is made, between the thread that makes
 * it and the loop that sends it.
 * Threads: the maker pushes and ends, the loop takes or abandons.
 * Bound:   the maker waits while HTTP_STREAM_BYTES_MAX are ready and not taken; the loop takes only
 *          when the socket has all of what it took before. */
#ifndef QMS_FRONT_HTTP_STREAM_H
#define QMS_FRONT_HTTP_STREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"

enum { HTTP_STREAM_BYTES_MAX = 1 << 19 };

struct http_stream {
    pthread_mutex_t lock;
    pthread_cond_t taken;
    struct buffer ready; /* as it goes onto the wire */
    bool gone;           /* nobody takes any more */
    bool begun;          /* the maker's */
};

void http_stream_init(struct http_stream *stream);
void http_stream_reset(struct http_stream *stream);
void http_stream_close(struct http_stream *stream);

void http_stream_put(struct http_stream *stream, struct text part, bool chunked);
/* Waits for room. False: no more is wanted, because the client is gone, or has not made room in ms,
 * or *cutting is set. */
bool http_stream_wait(struct http_stream *stream, int ms, const atomic_bool *cutting);
/* After the last part. */
void http_stream_end(struct http_stream *stream, bool chunked);

/* Moves what is ready into an empty buffer. */
void http_stream_take(struct http_stream *stream, struct buffer *into);
void http_stream_abandon(struct http_stream *stream);

#endif
