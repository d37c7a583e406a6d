/* http_server.h: connections on libevent, requests in, completion tokens out.
 * Loops:     each runs on a thread of its own and never blocks; an exchange belongs to one loop.
 * Order:     answers of one connection leave in the order of its requests (pipelining).
 * Limits:    head, body (per route), all buffered bytes together, connections, pipeline depth,
 *            time for a head, for a body, for sending, and idle time; each one is an answer (408,
 *            413, 431, 503) or a close, never growth.
 * Ownership: the handler gets an exchange and must end it exactly once with http_exchange_send();
 *            the server frees it. No library type appears here. */
#ifndef QMS_FRONT_HTTP_SERVER_H
#define QMS_FRONT_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "engine/metrics.h"
#include "engine/request.h"
#include "front/http_parser.h"

struct http_server;
struct http_tls_identity;

/* One request on a connection, from its head to its answer. Kept in a pool and reused. */
struct http_exchange {
    /* the request; valid until http_exchange_send() */
    enum http_method method;
    struct text path;                 /* as sent */
    struct text query;
    struct text segments[8];          /* the path's parts, percent-decoded exactly once; text, but
                                         for {user} and {username}, which may be any bytes */
    size_t segment_count;
    struct text body;                 /* complete */
    struct text content_type;
    const struct http_head *head;     /* only inside the handler */
    bool alone;                       /* no earlier request of this connection is unanswered */
    uint64_t id;                      /* of this process, for logs */
    int64_t received_us;              /* monotonic: when it was complete */
    void *context;                    /* the options' */
    struct caller caller;             /* who asks, as options.admit found out; else zeros ... */
    struct text principal;            /* ... and his name; empty: nobody knows */

    /* the answer */
    int status;
    struct text content_type_out;     /* a literal; default application/json */
    struct buffer out;                /* the body */
    struct text headers_out;          /* further complete header lines, each with its CRLF */
    bool close;                       /* close the connection after this answer */
    bool cut;                         /* parts were pushed, and the rest cannot be made: the client
                                         sees the connection break before the end */
    uint64_t skipped_bytes;           /* of a body that HEAD asked the length of; the server's */

    struct request request;           /* for the handler: engine work, and its arena */
    const struct http_route *route;
    void *server_private;             /* the server's */
};

struct http_route {
    enum http_method method;
    const char *pattern;              /* "/users/{username}/overages"; {x} matches one segment */
    size_t body_bytes_max;            /* 0: no body is expected and none is read beyond 64 KiB */
    void (*handle)(void *context, struct http_exchange *exchange);
    enum operation operation;         /* OP_COUNT: none (health, metrics) */
    int tree;                         /* which tree's error shape 404, 405, 413 and 503 take */
    bool open;                        /* for everybody: options.admit lets it pass */
};

/* Why a request is not handled; answered in the words of its tree. */
struct http_refusal {
    int status;
    const char *text;                 /* a literal */
    struct text headers;              /* complete header lines, each with its CRLF; a literal */
    bool penalize;                    /* not before HTTP_PENALTY_MS are over, and then close */
};

/* How a tree of routes words the errors that the server itself finds. The tree of an unknown path
 * is chosen by its first segment. */
struct http_tree {
    const char *prefix;               /* "/v2"; the one with "" is the last and catches all */
    struct text content_type;
    /* of exchange only method and path are known for certain */
    void (*write_error)(struct buffer *out, int status, struct text text,
                        const struct http_exchange *exchange);
};

struct http_server_options {
    const char *listen_address;       /* "127.0.0.1", "::1", ... */
    int listen_port;                  /* 0: the kernel picks */
    int loops;
    const struct http_route *routes;  /* ends with a NULL pattern */
    const struct http_tree *trees;
    void *context;                    /* for handlers, and admit() */
    /* On the loop's thread, once a route has been found and before the body is read: may this
     * request be handled? It may fill caller and principal, the text from the request's arena, and
     * ask for the client's address. NULL: everybody may everything. */
    bool (*admit)(void *context, struct http_exchange *exchange, const struct http_head *head,
                  struct http_refusal *refusal);
    struct metrics *metrics;
    /* Hosts that may be named in Host and Origin, beside loopback names and the listen address, as
     * "name" or "name:port"; ends with NULL. check_host false: any Host is accepted, and an Origin
     * that is the Host's. */
    bool check_host;
    const char *const *hosts;
    struct http_tls_identity *tls;    /* NULL: plain HTTP; the caller's, and outlives the server */
    int head_ms_max, body_ms_max, idle_ms_max, send_ms_max;
    size_t buffered_bytes_max, connections_max;
};

void http_server_options_init(struct http_server_options *options); /* the defaults */

/* Whether the address is there and free; asked before anything is opened that a start alters. */
bool http_server_may_listen(const char *address, int port, struct qms_error *error);

/* Binds and starts the loops; the port in use is http_server_port(). */
struct http_server *http_server_open(const struct http_server_options *options,
                                     struct qms_error *error);
int http_server_port(const struct http_server *server);

/* Inside the handler: counts what the request's arena holds among the buffered bytes until the
 * exchange ends. A small body can be a large list, and beyond the limit bodies are refused. */
void http_exchange_charge(struct http_exchange *exchange);

enum { HTTP_CLIENT_BYTES = 48 };
/* Inside admit() and the handler: the address of the client in HTTP_CLIENT_BYTES, or "" when it is
 * gone. */
void http_exchange_client(const struct http_exchange *exchange, char *client);

/* Ends the exchange: status, out and the rest are set. Any thread. The answer leaves when the
 * exchange's loop is woken: at once when called on the loop's own thread inside the handler, else
 * with the next http_server_wake(). */
void http_exchange_send(struct http_exchange *exchange);

/* Sends what out holds and empties it, as a part of an answer too large to be held whole; status
 * and type are set before the first part. Waits while the client is slow, but for one part no
 * longer than send_ms_max: whoever makes the answer holds a thread and a snapshot of the store.
 * False: no more is wanted, the client is gone or too slow. The rest of the answer goes with
 * http_exchange_send(), which ends the exchange in any case. Any thread but a loop's. */
bool http_exchange_push(struct http_exchange *exchange);

/* Wakes every loop that has answers waiting; called once after a batch of sends. */
void http_server_wake(struct http_server *server);

/* Stops listening, lets unanswered requests finish, closes idle connections, gives the rest of a
 * request that has begun to arrive one second; waits at most ms.
 * After that http_exchange_push() waits for nobody any more. */
void http_server_drain(struct http_server *server, int ms);
/* Every exchange has been sent: what handlers use has been stopped before. */
void http_server_close(struct http_server *server);

#endif
