/* scripted_server.h: an HTTP server on a free port of 127.0.0.1 that gives prepared answers, one
 * connection each, and keeps what it was sent. */
#ifndef QMS_TESTS_SCRIPTED_SERVER_H
#define QMS_TESTS_SCRIPTED_SERVER_H

#include <pthread.h>

#include "base/buffer.h"

enum { SCRIPTED_ANSWERS_MAX = 8 };

struct scripted_server {
    /* Whole answers, status line and all; NULL: the connection is cut without one. */
    const char *answers[SCRIPTED_ANSWERS_MAX];
    size_t answer_count;
    struct buffer requests[SCRIPTED_ANSWERS_MAX]; /* with a zero behind each */
    size_t request_count;
    int listener;
    bool finished;
    pthread_t thread;
    char url[64];
};

/* An answer whose body is a literal, closing the connection. */
#define SCRIPTED(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

void scripted_server_start(struct scripted_server *server);
/* It takes no more; what it was sent may be looked at from here on. */
void scripted_server_finish(struct scripted_server *server);
void scripted_server_stop(struct scripted_server *server);

#endif
