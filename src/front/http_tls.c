#include "front/http_tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/log.h"

/* A client that reads fast must not keep a loop to itself. */
enum { SEND_BYTES_MAX = 256 * 1024 };

static_assert(HTTP_TLS_RECORD_BYTES >= SSL3_RT_MAX_PLAIN_LENGTH, "a record is received whole");

struct http_tls_identity {
    char *certificate, *key;
    pthread_mutex_t lock;
    SSL_CTX *context; /* under the lock */
};

/* ---- the server's certificate and key ---- */

/* A key with a passphrase must not stop the server to ask for it. */
static int refuse_passphrase(char *into, int room, int writing, void *context) {
    bool *asked = context;
    (void)into, (void)room, (void)writing;
    *asked = true;
    return -1;
}

/* Clients that know what they want get it or nothing: another protocol must not be led to believe
 * that it has found its server. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length,
                           void *context) {
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)context;
    unsigned char *found;
    if (SSL_select_next_proto(&found, chosen_length, ours, sizeof ours - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool context_set_up(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA |
                                     /* Requests tell their own length: an end without a word
                                      * cannot pass half of one for a whole. */
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Clients keep what they need to resume: nothing of them is remembered here. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

static bool file_is_readable(const char *path, struct qms_error *error) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
    fclose(file);
    return true;
}

static bool context_read(SSL_CTX *context, const char *certificate, const char *key,
                         struct qms_error *error) {
    bool asked = false;
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
    if (!file_is_readable(certificate, error) || !file_is_readable(key, error)) return false;
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return qms_fail(error, QMS_BAD_REQUEST, "%s holds no certificate in PEM that can be used",
                        certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
            ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH)
            return qms_fail(error, QMS_BAD_REQUEST, "the key in %s is not that of %s", key,
                            certificate);
        return qms_fail(error, QMS_BAD_REQUEST,
                        asked ? "the key in %s has a passphrase, and nobody is there to give it"
                              : "%s holds no private key in PEM that can be used",
                        key);
    }
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return SSL_CTX_check_private_key(context) == 1 ||
           qms_fail(error, QMS_BAD_REQUEST, "the key in %s is not that of %s", key, certificate);
}

static SSL_CTX *context_open(const char *certificate, const char *key, struct qms_error *error) {
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool good = context != NULL && context_set_up(context);
    if (!good) qms_fail(error, QMS_INTERNAL, "the TLS library does not start");
    good = good && context_read(context, certificate, key, error);
    ERR_clear_error();
    if (good) return context;
    SSL_CTX_free(context);
    return NULL;
}

static char *text_copy(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(memory_take(bytes), text, bytes);
}

struct http_tls_identity *http_tls_open(const char *certificate, const char *key,
                                        struct qms_error *error) {
    SSL_CTX *context = context_open(certificate, key, error);
    if (context == NULL) return NULL;
    struct http_tls_identity *identity = memory_take_zeroed(1, sizeof *identity);
    identity->certificate = text_copy(certificate);
    identity->key = text_copy(key);
    identity->context = context;
    pthread_mutex_init(&identity->lock, NULL);
    return identity;
}

void http_tls_close(struct http_tls_identity *identity) {
    SSL_CTX_free(identity->context);
    pthread_mutex_destroy(&identity->lock);
    memory_give(identity->certificate);
    memory_give(identity->key);
    memory_give(identity);
}

bool http_tls_reload(struct http_tls_identity *identity, struct qms_error *error) {
    SSL_CTX *context = context_open(identity->certificate, identity->key, error);
    if (context == NULL) return false;
    pthread_mutex_lock(&identity->lock);
    SSL_CTX *before = identity->context;
    identity->context = context;
    pthread_mutex_unlock(&identity->lock);
    SSL_CTX_free(before); /* sessions hold their own share of it */
    return true;
}

bool http_tls_warning(const struct http_tls_identity *identity, struct qms_error *warning) {
    struct stat file;
    const X509 *certificate = SSL_CTX_get0_certificate(identity->context);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return !qms_fail(warning, QMS_OK, "the certificate in %s has expired",
                         identity->certificate);
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return !qms_fail(warning, QMS_OK, "the certificate in %s is not valid yet",
                         identity->certificate);
    if (stat(identity->key, &file) == 0 && (file.st_mode & S_IROTH) != 0)
        return !qms_fail(warning, QMS_OK, "everybody on this machine can read the key in %s",
                         identity->key);
    return false;
}

/* ---- one connection ---- */

bool http_tls_accept(struct http_tls_identity *identity, int fd,
                     struct http_tls_session *session) {
    pthread_mutex_lock(&identity->lock);
    SSL *ssl = SSL_new(identity->context);
    pthread_mutex_unlock(&identity->lock);
    *session = (struct http_tls_session){.ssl = ssl};
    if (ssl == NULL) return false;
    SSL_set_accept_state(ssl);
    if (SSL_set_fd(ssl, fd) == 1) return true;
    http_tls_drop(session);
    return false;
}

void http_tls_drop(struct http_tls_session *session) {
    SSL_free(session->ssl);
    *session = (struct http_tls_session){0};
}

/* Says why in the log: the client's alerts and our own are the only trace of a handshake. */
static void session_break(struct http_tls_session *session) {
    unsigned long fault = ERR_peek_error();
    const char *reason = ERR_reason_error_string(fault);
    session->broken = true;
    session->spoke_http = ERR_GET_LIB(fault) == ERR_LIB_SSL &&
                          ERR_GET_REASON(fault) == SSL_R_HTTP_REQUEST;
    if (!log_enabled(LOG_DEBUG)) return;
    const struct log_member members[] = {
        {.key = "during",
         .text = session->established ? TEXT("the connection") : TEXT("the handshake")},
        {.key = "reason", .text = text_of(reason == NULL ? "the client is gone" : reason)},
        {0},
    };
    log_write(LOG_DEBUG, "TLS failed", members);
}

/* What a call that did nothing means: 0 the end, -1 with errno. */
static ssize_t session_outcome(struct http_tls_session *session, int result) {
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_WRITE: session->wants_write = true; break;
    case SSL_ERROR_WANT_READ: break;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default:
        session_break(session);
        errno = EPROTO;
        return -1;
    }
    errno = EAGAIN;
    return -1;
}

ssize_t http_tls_receive(struct http_tls_session *session, char *into, size_t room) {
    size_t received = 0;
    assert(room >= HTTP_TLS_RECORD_BYTES);
    if (session->broken) {
        errno = EPROTO;
        return -1;
    }
    ERR_clear_error();
    session->wants_write = false;
    int result = SSL_read_ex(session->ssl, into, room, &received);
    session->established = SSL_is_init_finished(session->ssl) == 1;
    return result == 1 ? (ssize_t)received : session_outcome(session, result);
}

ssize_t http_tls_send(struct http_tls_session *session, const struct iovec *pieces, size_t count) {
    size_t total = 0;
    errno = EPROTO;
    for (size_t i = 0; i < count && !session->broken; i++) {
        const char *at = pieces[i].iov_base;
        for (size_t left = pieces[i].iov_len; left > 0;) {
            size_t sent = 0;
            if (total >= SEND_BYTES_MAX) return (ssize_t)total;
            ERR_clear_error();
            int result = SSL_write_ex(session->ssl, at, left, &sent);
            if (result != 1) {
                if (session_outcome(session, result) == 0) session->broken = true;
                session->wants_write = false; /* whoever sends waits for that anyway */
                return total > 0 ? (ssize_t)total : -1;
            }
            at += sent;
            left -= sent;
            total += sent;
        }
    }
    return session->broken ? -1 : (ssize_t)total;
}

bool http_tls_finish(struct http_tls_session *session) {
    session->wants_write = false;
    if (session->broken || session->finished || !session->established) return true;
    ERR_clear_error();
    int result = SSL_shutdown(session->ssl);
    session->finished = result >= 0; /* not the client's word: nobody waits for that */
    if (!session->finished) session_outcome(session, result);
    return !session->wants_write;
}
