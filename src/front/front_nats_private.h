/* front_nats_private.h: what the files of the NATS front share; only front_nats*.c include it.
 * Locks:  link_lock guards connection and the handles of the subscriptions, which the thread of
 *         front_nats_reply.c makes and gives back; slot_lock guards the slots, what is in flight
 *         and the lists of what is on its way to that thread. */
#ifndef QMS_FRONT_FRONT_NATS_PRIVATE_H
#define QMS_FRONT_FRONT_NATS_PRIVATE_H

#include <pthread.h>

#include "base/buffer.h"
#include "engine/queue.h"
#include "front/front_nats.h"
#include "wire/qms_message.h"

struct __natsConnection;
struct __natsSubscription;
struct __natsMsg;

enum { NATS_SUBJECT_BYTES_MAX = 256 };

/* A subject of one dialect, for as long as the front lives; the handle is that of the present
 * connection. */
struct nats_subject {
    struct front_nats *nats;
    const struct qms_subject *row;
    const struct message_type *request, *response;
    char name[NATS_SUBJECT_BYTES_MAX];
    struct __natsSubscription *handle; /* NULL: there is none */
    int64_t dropped_before;            /* under earlier handles */
    int64_t dropped_counted;           /* in the metrics */
    int64_t dropped_told;              /* in the log */
};

/* One request on its way. Kept in a pool and reused. */
struct nats_slot {
    struct request request; /* the first member */
    const struct nats_subject *subject;
    struct __natsMsg *message; /* what the operation's texts point into */
    size_t bytes;
    bool silent; /* nobody waits for an answer */
    bool begun, has_rows; /* of a listing that is being written to out */
    struct qms_answer answer;
    struct buffer out;
    int64_t received_us;
    struct nats_slot *next_free;
};

struct front_nats {
    struct front_nats_options options;
    struct nats_subject *subjects;
    size_t subject_count;

    pthread_mutex_t link_lock;
    struct __natsConnection *connection; /* NULL: none was made yet, or it was given up */
    _Atomic bool connected;
    _Atomic bool stopping;          /* nothing new is taken */
    _Atomic bool ending;            /* nothing waits any more */
    _Atomic bool was_connected;     /* ever */
    _Atomic size_t reply_bytes_max; /* what the server takes */

    pthread_mutex_t slot_lock;
    pthread_cond_t slot_freed;
    struct nats_slot *free_slots;
    size_t in_flight, in_flight_bytes;
    struct part_list answered; /* not given to the thread yet; under slot_lock */
    struct part_list retries;  /* nobody may be told that these were not done; under slot_lock */

    bool started;
    pthread_t thread;
    int64_t drained_by_us;  /* when stopping: how long it may take */
    struct queue finished;  /* to be answered */
    struct buffer reply;    /* the thread's */
    int64_t connect_at_us;  /* the thread's: the next attempt */
    unsigned attempts;      /* ... and how many have failed since the last connection */
};

/* front_nats.c */
struct nats_slot *nats_slot_of(struct request *request);
void nats_slot_retry(struct nats_slot *slot);
void nats_slot_finish(struct nats_slot *slot); /* counts, logs, gives back */
void nats_take_message(struct nats_subject *subject, struct __natsConnection *connection,
                       struct __natsMsg *message);

/* front_nats_link.c: on the thread, but for the last four. */
void nats_link_keep(struct front_nats *nats); /* connects when it is time to */
void nats_link_flush(struct front_nats *nats);
/* False: the answer is larger than the server takes. */
bool nats_link_publish(struct __natsConnection *connection, const char *to,
                       const struct buffer *answer);
void nats_link_drain_begin(struct front_nats *nats, int ms);
void nats_link_drain(struct front_nats *nats);
void nats_link_count(struct front_nats *nats, bool tell); /* and says in the log what is new */
/* Gives back all that is the library's; false: some of its threads did not end. */
bool nats_link_end(struct front_nats *nats);

/* front_nats_reply.c */
void *nats_reply_main(void *nats);
void nats_reply_busy(struct nats_subject *subject, struct __natsConnection *connection,
                     struct __natsMsg *message);
/* A piece of a listing, on the lister's thread; false: it is larger than can be answered. */
bool nats_reply_piece(struct request *request);

#endif
