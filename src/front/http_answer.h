/* http_answer.h: answers as bytes: heads and small bodies side by side in one piece of memory,
 * large bodies where they are, so that everything that is ready leaves in one system call.
 * Ownership: bodies that were not copied must stay until the output has been sent. */
#ifndef QMS_FRONT_HTTP_ANSWER_H
#define QMS_FRONT_HTTP_ANSWER_H

#include <sys/uio.h>
#include <time.h>

#include "front/http_server.h"

enum {
    HTTP_OUTPUT_BYTES = 65536,      /* heads and copied bodies */
    HTTP_OUTPUT_COPY_MAX = 8192,    /* a larger body is not copied */
    HTTP_OUTPUT_PIECES_MAX = 64,
    HTTP_HEADERS_OUT_BYTES_MAX = 4096,
};

struct http_output {
    struct iovec pieces[HTTP_OUTPUT_PIECES_MAX];
    size_t piece_count;
    size_t used;      /* of bytes */
    size_t total;     /* of all pieces */
    time_t date_second;
    char date[64];    /* the line of that second */
    size_t date_length;
    char bytes[HTTP_OUTPUT_BYTES];
};

/* What the connection knows of an answer beside the exchange itself. */
struct http_answer {
    const struct http_exchange *exchange;
    bool head_only;          /* to HEAD: the length of a body that is not sent */
    bool close;              /* say that the connection closes */
    bool keep_alive_header;  /* say that it stays, to an HTTP/1.0 client that asked */
    bool streams;            /* only the head: the body follows in parts ... */
    bool chunked;            /* ... each with its length; otherwise the close ends it */
};

void http_output_init(struct http_output *output);
void http_output_reset(struct http_output *output);

/* False: no room, and nothing was added; send first. An empty output has room for any answer. */
bool http_output_add(struct http_output *output, const struct http_answer *answer);

/* "100 Continue", at the end of what is there. */
bool http_output_add_continue(struct http_output *output);

#endif
