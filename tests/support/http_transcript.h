/* http_transcript.h: everything the HTTP parser understood of a stream of bytes, as lines of JSON,
 * one a request and one for the end, so that two readings can be compared as text. */
#ifndef QMS_TESTS_SUPPORT_HTTP_TRANSCRIPT_H
#define QMS_TESTS_SUPPORT_HTTP_TRANSCRIPT_H

#include "base/buffer.h"
#include "front/http_parser.h"

/* How many bytes to feed next, of those that are left; at least 1. */
typedef size_t http_split(void *context, size_t left);

/* The last line is {"refused":status}, {"cut":true} inside a request, or {"cut":false}. Bytes
 * become the characters of the same numbers. */
void http_transcript(struct buffer *out, struct text stream, uint64_t body_bytes_max,
                     http_split *split, void *context);

/* All at once; one by one; *context bytes first and then the rest. */
size_t http_split_whole(void *context, size_t left);
size_t http_split_bytes(void *context, size_t left);
size_t http_split_after(void *context, size_t left);

#endif
