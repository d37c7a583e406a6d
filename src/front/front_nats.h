/* front_nats.h: the NATS face of qms: every subject of qms_subjects.h, in one dialect a prefix
 * (qms-nats).
 * Promises:  at most once; order per subject within one process, none between processes. Processes
 *            with the same prefix take turns.
 * Limits:    requests in flight and their bytes; beyond them those that expect a reply are told
 *            BUSY, the others wait, and with them what comes behind them on their subject. Messages
 *            that wait are bounded too; what is dropped then is counted and logged.
 * Threads:   libnats calls from one thread a subject; one thread of our own connects, answers and
 *            flushes. Nothing here blocks the engine. No library type appears here. */
#ifndef QMS_FRONT_FRONT_NATS_H
#define QMS_FRONT_FRONT_NATS_H

#include "domain/username.h"
#include "engine/engine.h"
#include "wire/qms_subjects.h"

struct front_nats;

struct front_nats_options {
    const char *const *servers; /* URLs, in any order; ends with NULL */
    const char *prefixes[DIALECT_COUNT]; /* what the subjects of a dialect begin with; NULL: it is
                                            not served */
    bool answers_of_2024;       /* the newest messages without the fields that came later */
    const char *credentials;    /* a file; NULL: none */
    bool tls;
    const char *tls_ca, *tls_certificate, *tls_key; /* files; NULL: none */
    int64_t reconnect_wait_ms;
    size_t in_flight_max;
    int pending_messages_max, pending_bytes_max; /* of a subject */
    bool refuse_unknown;        /* unknown fields of requests are an error */
    struct engine *engine;
    struct metrics *metrics;
    struct username_rule usernames;
    bool keep_larger_plan;      /* of users who are added with a smaller one */
};

void front_nats_options_init(struct front_nats_options *options); /* the defaults of limits.h */

/* What the options point to stays valid. Nothing happens until the start, which begins to connect
 * and goes on trying. */
struct front_nats *front_nats_open(const struct front_nats_options *options);
void front_nats_start(struct front_nats *nats);

/* Sends the answers that are ready; called once after a batch of them. */
void front_nats_wake(struct front_nats *nats);

/* False: there is no connection to a NATS server now. */
bool front_nats_ready(struct front_nats *nats, struct qms_error *error);

/* Brings the metrics up to date with what libnats has counted. */
void front_nats_count(struct front_nats *nats);

/* Stopping: takes no new messages; waits until all that came in has been answered, for no longer
 * than ms after the stop; and, when the engine has stopped, ends. */
void front_nats_stop(struct front_nats *nats, int ms);
void front_nats_drain(struct front_nats *nats);
void front_nats_close(struct front_nats *nats);

#endif
