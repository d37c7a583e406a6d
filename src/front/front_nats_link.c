/* front_nats_link.c: the connection and its subscriptions.
 * libnats reconnects by itself, endlessly; it gives up only where a server refuses to know us, and
 * then all is made anew. */
#include <nats/nats.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "front/front_nats_private.h"

enum {
    CONNECT_MS_MAX = 2000, /* to one server */
    SEND_MS_MAX = 5000,    /* then the connection counts as lost */
    FLUSH_MS_MAX = 1000,
    PING_MS = 20000,
    PINGS_UNANSWERED_MAX = 2,
    DRAIN_LOOK_MS = 50,
    END_MS_MAX = 10000,
    LINK_RETRY_JITTER_PARTS = 2, /* of the time between two attempts */
};

/* ---- what the library tells ---- */

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *subject) {
    (void)subscription;
    nats_take_message(subject, connection, message);
}

static void link_up(struct front_nats *nats, natsConnection *connection) {
    int64_t most = natsConnection_GetMaxPayload(connection);
    if (most > NATS_REPLY_BYTES_MAX) most = NATS_REPLY_BYTES_MAX;
    if (most > 0) nats->reply_bytes_max = (size_t)most;
    if (atomic_exchange(&nats->connected, true)) return;
    atomic_store(&nats->options.metrics->nats_connected, 1);
    if (nats->was_connected) atomic_fetch_add(&nats->options.metrics->nats_reconnects, 1);
    log_format(LOG_INFO, nats->was_connected ? "connected to NATS again" : "connected to NATS");
    nats->was_connected = true;
}

static void link_down(struct front_nats *nats) {
    if (!atomic_exchange(&nats->connected, false)) return;
    if (!nats->ending) log_format(LOG_WARNING, "the connection to NATS is lost");
    atomic_store(&nats->options.metrics->nats_connected, 0);
}

/* Lost or there again: libnats may say so late, when it is different again and has been seen. */
static void on_changed(natsConnection *connection, void *context) {
    if (natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED)
        link_up(context, connection);
    else link_down(context);
}

/* Messages that are dropped are told with their number, by nats_link_count(). */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *context) {
    const char *text = NULL;
    (void)context, (void)subscription;
    if (status == NATS_SLOW_CONSUMER) return;
    natsConnection_GetLastError(connection, &text);
    log_format(LOG_WARNING, "NATS: %s%s%s", natsStatus_GetText(status),
               text == NULL || *text == '\0' ? "" : ": ", text == NULL ? "" : text);
}

/* ---- connecting ---- */

static size_t server_count(const struct front_nats_options *options) {
    size_t count = 0;
    while (options->servers[count] != NULL) count++;
    return count;
}

static natsStatus set_tls(natsOptions *to, const struct front_nats_options *from) {
    natsStatus status = NATS_OK;
    if (!from->tls) return status;
    status = natsOptions_SetSecure(to, true);
    if (status == NATS_OK && from->tls_ca != NULL)
        status = natsOptions_LoadCATrustedCertificates(to, from->tls_ca);
    if (status == NATS_OK && from->tls_certificate != NULL)
        status = natsOptions_LoadCertificatesChain(to, from->tls_certificate, from->tls_key);
    return status;
}

static natsStatus set_handlers(natsOptions *to, struct front_nats *nats) {
    natsStatus status = natsOptions_SetDisconnectedCB(to, on_changed, nats);
    if (status == NATS_OK) status = natsOptions_SetReconnectedCB(to, on_changed, nats);
    if (status == NATS_OK) status = natsOptions_SetErrorHandler(to, on_error, nats);
    return status;
}

static natsStatus set_times(natsOptions *to, int64_t wait_ms) {
    int64_t jitter = wait_ms / LINK_RETRY_JITTER_PARTS;
    natsStatus status = natsOptions_SetTimeout(to, CONNECT_MS_MAX);
    if (status == NATS_OK) status = natsOptions_SetMaxReconnect(to, -1);
    if (status == NATS_OK) status = natsOptions_SetReconnectWait(to, wait_ms);
    if (status == NATS_OK) status = natsOptions_SetReconnectJitter(to, jitter, jitter);
    if (status == NATS_OK) status = natsOptions_SetWriteDeadline(to, SEND_MS_MAX);
    if (status == NATS_OK) status = natsOptions_SetPingInterval(to, PING_MS);
    if (status == NATS_OK) status = natsOptions_SetMaxPingsOut(to, PINGS_UNANSWERED_MAX);
    return status;
}

static natsStatus set_options(natsOptions *to, struct front_nats *nats) {
    const struct front_nats_options *from = &nats->options;
    natsStatus status = natsOptions_SetServers(to, (const char **)from->servers,
                                               (int)server_count(from));
    if (status == NATS_OK) status = natsOptions_SetName(to, "qms");
    if (status == NATS_OK)
        status = natsOptions_SetMaxPendingMsgs(to, from->pending_messages_max);
    if (status == NATS_OK) status = set_times(to, from->reconnect_wait_ms);
    if (status == NATS_OK) status = set_handlers(to, nats);
    if (status == NATS_OK) status = set_tls(to, from);
    if (status == NATS_OK && from->credentials != NULL)
        status = natsOptions_SetUserCredentialsFromFiles(to, from->credentials, NULL);
    return status;
}

static natsStatus subscribe(struct front_nats *nats, struct nats_subject *subject) {
    char queue[NATS_SUBJECT_BYTES_MAX + sizeof "." QMS_QUEUE_SUFFIX];
    snprintf(queue, sizeof queue, "%s." QMS_QUEUE_SUFFIX, subject->name);
    natsStatus status = natsConnection_QueueSubscribe(&subject->handle, nats->connection,
                                                      subject->name, queue, on_message, subject);
    if (status == NATS_OK)
        status = natsSubscription_SetPendingLimits(subject->handle,
                                                   nats->options.pending_messages_max,
                                                   nats->options.pending_bytes_max);
    return status;
}

static int64_t dropped_by(const struct nats_subject *subject) {
    int64_t dropped = 0;
    if (subject->handle != NULL) natsSubscription_GetDropped(subject->handle, &dropped);
    return dropped;
}

/* With link_lock. */
static void link_release(struct front_nats *nats) {
    for (size_t i = 0; i < nats->subject_count; i++) {
        struct nats_subject *subject = &nats->subjects[i];
        subject->dropped_before += dropped_by(subject);
        natsSubscription_Destroy(subject->handle);
        subject->handle = NULL;
    }
    natsConnection_Destroy(nats->connection);
    nats->connection = NULL;
}

/* With link_lock. The server knows of the subjects when it has answered the flush. */
static natsStatus link_subscribe(struct front_nats *nats) {
    natsStatus status = NATS_OK;
    for (size_t i = 0; i < nats->subject_count && status == NATS_OK; i++)
        status = subscribe(nats, &nats->subjects[i]);
    if (status == NATS_OK) status = natsConnection_FlushTimeout(nats->connection, FLUSH_MS_MAX);
    return status;
}

static void link_connect(struct front_nats *nats) {
    natsConnection *made = NULL;
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = set_options(options, nats);
    if (status == NATS_OK) status = natsConnection_Connect(&made, options);
    natsOptions_Destroy(options);
    if (status != NATS_OK) {
        /* The first time, the second, the fourth ...: it may take days. */
        if ((nats->attempts & (nats->attempts + 1)) == 0)
            log_format(LOG_WARNING, "cannot connect to NATS: %s", natsStatus_GetText(status));
        nats->attempts++;
        return;
    }
    nats->attempts = 0;
    pthread_mutex_lock(&nats->link_lock);
    nats->connection = made;
    status = nats->stopping ? NATS_CONNECTION_CLOSED : link_subscribe(nats);
    if (status == NATS_OK) link_up(nats, made);
    else link_release(nats);
    pthread_mutex_unlock(&nats->link_lock);
    if (status != NATS_OK && !nats->stopping)
        log_format(LOG_WARNING, "cannot subscribe over NATS: %s", natsStatus_GetText(status));
}

/* After the wait, give or take: many servers that lost the same NATS do not come back as one. */
static int64_t next_attempt_us(const struct front_nats *nats) {
    int64_t now_us = clock_monotonic_us(), wait_us = nats->options.reconnect_wait_ms * 1000;
    return now_us + wait_us + now_us % (wait_us / LINK_RETRY_JITTER_PARTS + 1);
}

/* A connection that libnats has given up is gone; what it says of one that it keeps may have come
 * too early or too late to be understood. */
static void link_look(struct front_nats *nats) {
    pthread_mutex_lock(&nats->link_lock);
    natsConnStatus status = nats->connection == NULL ? NATS_CONN_STATUS_CLOSED
                                                     : natsConnection_Status(nats->connection);
    if (status != NATS_CONN_STATUS_CONNECTED) link_down(nats);
    else if (!nats->connected) link_up(nats, nats->connection);
    if (status == NATS_CONN_STATUS_CLOSED && nats->connection != NULL && !nats->stopping)
        link_release(nats);
    pthread_mutex_unlock(&nats->link_lock);
}

void nats_link_keep(struct front_nats *nats) {
    if (nats->stopping) return;
    link_look(nats);
    if (nats->connection != NULL || clock_monotonic_us() < nats->connect_at_us) return;
    link_connect(nats);
    nats->connect_at_us = next_attempt_us(nats);
}

/* ---- sending ---- */

bool nats_link_publish(natsConnection *connection, const char *to, const struct buffer *answer) {
    if (connection == NULL) return true; /* gone, as the way to whoever asked */
    natsStatus status = natsConnection_Publish(connection, to, answer->data, (int)answer->length);
    if (status == NATS_MAX_PAYLOAD) return false;
    if (status != NATS_OK)
        log_format(LOG_DEBUG, "an answer was not sent: %s", natsStatus_GetText(status));
    return true;
}

/* The library would wait for its timer. This waits for the server's word that all has come. */
void nats_link_flush(struct front_nats *nats) {
    if (nats->connection != NULL && nats->connected)
        natsConnection_FlushTimeout(nats->connection, FLUSH_MS_MAX);
}

/* ---- stopping ---- */

void nats_link_drain_begin(struct front_nats *nats, int ms) {
    pthread_mutex_lock(&nats->link_lock);
    for (size_t i = 0; i < nats->subject_count; i++)
        if (nats->subjects[i].handle != NULL)
            natsSubscription_DrainTimeout(nats->subjects[i].handle, ms > 0 ? ms : 1);
    pthread_mutex_unlock(&nats->link_lock);
}

/* Without a connection a drain does not end: then it is over when nothing waits any more. */
static bool subject_is_drained(const struct nats_subject *subject) {
    int waiting = 0;
    bool connected = subject->nats->connected;
    int64_t look_ms = connected ? DRAIN_LOOK_MS : 1;
    if (natsSubscription_WaitForDrainCompletion(subject->handle, look_ms) == NATS_OK) return true;
    if (connected) return false;
    return natsSubscription_GetPending(subject->handle, &waiting, NULL) != NATS_OK || waiting == 0;
}

void nats_link_drain(struct front_nats *nats) {
    for (size_t i = 0; i < nats->subject_count; i++)
        while (nats->subjects[i].handle != NULL && !subject_is_drained(&nats->subjects[i]) &&
               clock_monotonic_us() < nats->drained_by_us)
            continue;
}

bool nats_link_end(struct front_nats *nats) {
    nats_link_count(nats, true);
    pthread_mutex_lock(&nats->link_lock);
    link_release(nats);
    pthread_mutex_unlock(&nats->link_lock);
    return nats_CloseAndWait(END_MS_MAX) == NATS_OK;
}

/* ---- what the library dropped ---- */

void nats_link_count(struct front_nats *nats, bool tell) {
    if (tell) pthread_mutex_lock(&nats->link_lock);
    else if (pthread_mutex_trylock(&nats->link_lock) != 0) return; /* the thread will count */
    for (size_t i = 0; i < nats->subject_count; i++) {
        struct nats_subject *subject = &nats->subjects[i];
        int64_t dropped = subject->dropped_before + dropped_by(subject);
        atomic_fetch_add(&nats->options.metrics->nats_dropped,
                         (uint64_t)(dropped - subject->dropped_counted));
        subject->dropped_counted = dropped;
        if (!tell || dropped == subject->dropped_told) continue;
        log_format(LOG_ERROR, "%lld messages of %s were dropped, more waited than may",
                   (long long)(dropped - subject->dropped_told), subject->name);
        subject->dropped_told = dropped;
    }
    pthread_mutex_unlock(&nats->link_lock);
}
