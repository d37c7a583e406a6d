/* nats_client.h: one request over NATS, from the connection to its end.
 * Nothing of a URL but host and port is ever shown: it may hold a password. */
#ifndef QMS_CLI_NATS_CLIENT_H
#define QMS_CLI_NATS_CLIENT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/options.h"

#define NATS_CLIENT_URL_DEFAULT "nats://127.0.0.1:4222"

enum { NATS_CLIENT_CONNECT_MS_MAX = 5000 };

/* Where to, and who asks. Files that are not given are NULL. */
struct nats_target {
    struct option_texts servers; /* URLs, tried until one connects */
    const char *creds;           /* a file of a user's JWT and seed */
    const char *tls_ca;          /* whose certificates are trusted; NULL: the system's */
    const char *tls_cert, *tls_key;
};

struct nats_call {
    const char *subject;
    struct text payload;
    const char *key; /* its Nats-Msg-Id; NULL: none */
    bool may_write;  /* without an answer its outcome is unknown */
    uint64_t timeout_seconds;
};

/* Connects, asks, and waits for the answer, which lies in the arena. False: there is none, with
 * QMS_UNAVAILABLE when nobody can have got the request, QMS_OUTCOME_UNKNOWN when somebody may have
 * and it may have changed something. */
QMS_MUST_CHECK bool nats_client_request(const struct nats_target *target,
                                        const struct nats_call *call, struct arena *arena,
                                        struct text *answer, struct qms_error *error);

#endif
