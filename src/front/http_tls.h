/* http_tls.h: TLS of the server's connections, without waiting: what is received and sent goes
 * through OpenSSL where the plain server calls recv() and sendmsg().
 * Speaks:    TLS 1.2 (with forward secrecy and authenticated ciphers only) and 1.3, ALPN http/1.1;
 *            no compression, no renegotiation, no early data.
 * Reload:    a new certificate and key serve the connections accepted from then on; a pair that
 *            cannot be used changes nothing.
 * Threads:   an identity may be used by any thread; a session belongs to its loop's.
 * The process ignores SIGPIPE. No library type appears here. */
#ifndef QMS_FRONT_HTTP_TLS_H
#define QMS_FRONT_HTTP_TLS_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

struct ssl_st;

enum { HTTP_TLS_RECORD_BYTES = 16384 }; /* received at once: the room that receiving needs */

/* ---- the server's certificate and key ---- */

struct http_tls_identity;

/* certificate: a file in PEM, the server's own first, then those that lead to a root; key: a file
 * in PEM without a passphrase. The paths are copied. NULL: they cannot be read, or do not belong
 * together. */
struct http_tls_identity *http_tls_open(const char *certificate, const char *key,
                                        struct qms_error *error);
/* After all sessions. */
void http_tls_close(struct http_tls_identity *identity);

/* Reads the files again. */
QMS_MUST_CHECK bool http_tls_reload(struct http_tls_identity *identity, struct qms_error *error);

/* What an operator should know of the pair, though it serves: a date out of bounds, a key that
 * everybody can read. False: nothing. For the thread that reloads. */
bool http_tls_warning(const struct http_tls_identity *identity, struct qms_error *warning);

/* ---- one connection ---- */

struct http_tls_session {
    struct ssl_st *ssl;  /* NULL: the connection is plain */
    bool established;    /* the handshake is over */
    bool wants_write;    /* what was tried last goes on when the socket takes bytes */
    bool broken;         /* no more can be sent through it */
    bool finished;       /* the client has been told so */
    bool spoke_http;     /* broken, because the client speaks plain HTTP */
};

/* False: out of memory. */
QMS_MUST_CHECK bool http_tls_accept(struct http_tls_identity *identity, int fd,
                                    struct http_tls_session *session);
void http_tls_drop(struct http_tls_session *session);

/* As recv(): 0 at the client's end, -1 with errno EAGAIN when there is nothing now, another errno
 * when the session is broken. Does the handshake. room is HTTP_TLS_RECORD_BYTES at least, so that
 * nothing that was received is ever left inside, where no event would tell of it. */
ssize_t http_tls_receive(struct http_tls_session *session, char *into, size_t room);

/* As sendmsg(), of what fits; what did not has to come again, from there on, in the same order. */
ssize_t http_tls_send(struct http_tls_session *session, const struct iovec *pieces, size_t count);

/* Tells the client that all has been said (close_notify). False: not yet, as wants_write says. */
QMS_MUST_CHECK bool http_tls_finish(struct http_tls_session *session);

#endif
