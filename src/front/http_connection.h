/* http_connection.h: one client: what it sends is parsed into exchanges, their answers leave in
 * order. The connection may be gone after any of these calls.
 * Threads: its loop's. */
#ifndef QMS_FRONT_HTTP_CONNECTION_H
#define QMS_FRONT_HTTP_CONNECTION_H

#include "front/http_loop.h"
#include "front/http_tls.h"

enum http_connection_state {
    HTTP_CONNECTION_OPEN,
    HTTP_CONNECTION_LAST,   /* no further request is read; closes after the answers */
    HTTP_CONNECTION_LINGER, /* all is said; what still comes in is dropped until the client closes,
                             * for a close with unread bytes would destroy the answer on its way */
};

struct http_connection {
    struct http_loop *loop;
    enum http_connection_state state;
    int fd;
    struct http_tls_session tls;
    bool reading, writing;        /* which events are added */
    bool ended;                   /* the client sends no more */
    bool refused;                 /* one too many: every request is answered 503 */
    bool dirty;
    bool continue_owed;           /* "100 Continue", once it is this request's turn */
    struct event *read_event, *write_event;

    struct http_slot *first, *last; /* in the order of the requests */
    struct http_slot *receiving;    /* the last, until its body is complete */
    struct http_slot *held;         /* the last: its answer waits for the end of a penalty */
    size_t slot_count, unanswered_count;

    struct buffer rest;           /* received, not yet parsed */
    struct buffer unsent;         /* what the socket did not take ... */
    size_t unsent_start;          /* ... from here on */
    int queued_bytes;             /* in the socket when the time to take them began */
    size_t charged_bytes;

    enum http_wait wait;
    int64_t deadline_us;
    uint64_t requests;            /* begun on this connection */
    uint64_t wait_request;        /* the one whose head or body is waited for */
    TAILQ_ENTRY(http_connection) connections_link, dirty_link, wait_link;

    struct http_parser parser;
};

void http_connection_open(struct http_loop *loop, int fd, bool refused);
void http_connection_close(struct http_connection *connection);

/* http_socket.c: as sendmsg() and recv(), through TLS where it is spoken. */
ssize_t http_socket_send(struct http_connection *connection, struct iovec *pieces, size_t count);
ssize_t http_socket_receive(struct http_connection *connection, char *into, size_t room);
/* Tells the client at once that its bytes have come. Many send a head and its body in two pieces,
 * and the second only when the first is acknowledged (Nagle): with an acknowledgement that waits
 * to travel with our answer, each such request takes 40 ms more. */
void http_socket_acknowledge(const struct http_connection *connection);
/* What the client has not taken. */
int http_socket_queued_bytes(const struct http_connection *connection);

/* Something of it has changed: an answer is ready, or the server drains. */
void http_connection_mark(struct http_connection *connection);
void http_connection_settle(struct http_connection *connection);

/* What it waited for has not come in time. */
void http_connection_expire(struct http_connection *connection);

#endif
