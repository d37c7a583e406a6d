/* http_loop.h: the server's insides: loops, their connections, and the pool of exchanges.
 * Threads: a loop and all it holds belong to its thread, but for the members marked "any thread".
 *          libevent is used without its locks: each base is touched by its own thread only, and
 *          others wake it through an eventfd.
 * Why plain events and not bufferevents: measured with one request in flight on each of 64
 * connections, bufferevents cost 10.1 us of CPU a request and plain events 7.7: a FIONREAD before
 * every read and two epoll_ctl calls and a turn of the loop around every write. */
#ifndef QMS_FRONT_HTTP_LOOP_H
#define QMS_FRONT_HTTP_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "front/http_answer.h"
#include "front/http_router.h"
#include "front/http_server.h"
#include "front/http_stream.h"

struct event;
struct event_base;

enum {
    HTTP_INPUT_BYTES = 65536,        /* read at once */
    HTTP_DISCARD_BYTES_MAX = 65536,  /* of a body nobody wants */
    HTTP_INCOMING_MAX = 256,         /* accepted, not yet taken by their loop */
    HTTP_SLOTS_KEPT_MAX = 1024,      /* of a loop, for reuse */
    HTTP_SLOT_BUFFER_KEPT_BYTES = 16384,
    HTTP_DRAIN_REST_MS = 1000,       /* for the rest of a request that has begun at a stop */
    HTTP_LINGER_MS = 2000,           /* for the client to read the last answer */
    HTTP_PENALTY_MS = 1000,          /* before an answer to a client that is to slow down */
};

/* What a connection is waiting for, and so how long it may. */
enum http_wait {
    HTTP_WAIT_IDLE,   /* for a request to begin */
    HTTP_WAIT_HEAD,
    HTTP_WAIT_BODY,
    HTTP_WAIT_SEND,   /* for the client to take an answer */
    HTTP_WAIT_LINGER, /* for the client to close */
    HTTP_WAIT_PENALTY, /* until an answer may go */
    HTTP_WAIT_COUNT,
    HTTP_WAIT_NONE = HTTP_WAIT_COUNT, /* for ourselves */
};

/* An exchange and what the server knows of it. */
struct http_slot {
    struct http_exchange exchange;
    struct http_loop *loop;
    struct http_connection *connection; /* NULL: the client is gone */
    struct http_slot *next;             /* of its connection, in order; or of the pool */
    struct http_slot *sent_next;        /* of loop->sent */
    struct http_slot *pushed_next;      /* of loop->pushed ... */
    atomic_bool pushed;                 /* ... where it is */
    struct http_stream stream;
    struct buffer body;
    size_t charged_bytes;               /* its share of server->buffered_bytes */
    bool handed;                        /* the handler has it, or had */
    bool finished;                      /* its answer may leave */
    bool failed;                        /* the server itself found the answer */
    bool penalized;                     /* ... and it leaves after a pause */
    bool close;                         /* the connection closes after it, whatever it says */
    bool keep_alive_header;
    bool chunked;                       /* the client knows chunks: HTTP/1.1 */
    bool streams;                       /* its answer leaves in parts ... */
    bool head_sent;                     /* ... of which the head is the first */
};

TAILQ_HEAD(http_connection_list, http_connection);

struct http_incoming {
    int fd;
    bool refused; /* too many connections: only told so */
};

struct http_loop {
    struct http_server *server;
    struct event_base *base;
    pthread_t thread;
    bool started;

    /* any thread */
    int wake_fd;
    atomic_bool woken;
    _Atomic(struct http_slot *) sent;  /* newest first */
    _Atomic(struct http_slot *) pushed; /* have parts of an answer ready */
    atomic_size_t connection_count;
    pthread_mutex_t incoming_lock;
    struct http_incoming incoming[HTTP_INCOMING_MAX];
    size_t incoming_count;

    /* the loop's thread */
    struct event *wake_event, *tick_event;
    int64_t now_us;
    struct http_connection_list connections;
    struct http_connection_list dirty;            /* to be settled before the callback ends */
    struct http_connection_list waits[HTTP_WAIT_COUNT]; /* each in the order of its deadlines */
    struct http_connection *parsing;              /* its answers leave when it is done */
    uint64_t last_id;                             /* loops count in turns */
    struct http_slot *free_slots;
    size_t free_count, slots_out;
    struct http_output output;
    char input[HTTP_INPUT_BYTES];
};

struct http_server {
    struct http_server_options options;
    struct http_router *router;
    const char **hosts;           /* those of the options and the listen address */
    char listen_host[64];
    int listen_fd, port;
    struct event *listen_event;   /* of the first loop */
    struct event *listen_again_event;
    int64_t tell_again_us;        /* that no connection can be accepted; the first loop's */
    atomic_bool draining, cutting, stopping;
    atomic_size_t connection_count;
    atomic_size_t buffered_bytes;
    int loop_count;
    struct http_loop *loops[];
};

struct http_loop *http_loop_open(struct http_server *server, int index);
bool http_loop_start(struct http_loop *loop);
/* The thread has ended, or never ran; every exchange has been sent. */
void http_loop_close(struct http_loop *loop);

/* Any thread: the loop looks at sent, incoming, draining and stopping. */
void http_loop_wake(struct http_loop *loop);
/* Any thread; false: no room. */
bool http_loop_give_socket(struct http_loop *loop, int fd, bool refused);
/* Any thread. */
void http_loop_send(struct http_slot *slot);
/* Any other thread than the loop's: a part of the answer is ready; wakes the loop. */
void http_loop_push(struct http_slot *slot);

/* First thing and last thing of every callback on the loop's thread. */
void http_loop_enter(struct http_loop *loop);
void http_loop_settle(struct http_loop *loop);

uint64_t http_loop_next_id(struct http_loop *loop);
int64_t http_loop_wait_us(const struct http_loop *loop, enum http_wait wait);

struct http_slot *http_slot_take(struct http_loop *loop);
void http_slot_give(struct http_slot *slot);
void http_slot_charge(struct http_slot *slot, size_t bytes);
/* The server itself answers, in the words of the path's tree; text NULL: those of the status. */
void http_slot_fail(struct http_slot *slot, int status, const char *text);
/* The path, the query and the type outlive the parser's head. */
void http_slot_keep_head(struct http_slot *slot, const struct http_head *head);
/* Finds the route of a head, or fails. */
void http_slot_route(struct http_slot *slot, const struct http_head *head);

#endif
