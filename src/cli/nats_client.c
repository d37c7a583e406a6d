#include "cli/nats_client.h"

#include <errno.h>
#include <nats/nats.h>
#include <unistd.h>

#include "base/buffer.h"

/* "HOST:PORT, HOST:PORT": what may be shown of URLs. */
static const char *servers_shown(const struct nats_target *target, struct arena *arena) {
    struct buffer shown;
    buffer_init(&shown, 4096);
    for (size_t i = 0; i < target->servers.count; i++) {
        const char *url = target->servers.items[i], *scheme = strstr(url, "://");
        const char *host = scheme == NULL ? url : scheme + 3, *user = strrchr(host, '@');
        buffer_format(&shown, "%s%s", i == 0 ? "" : ", ", user == NULL ? host : user + 1);
    }
    const char *text = arena_text(arena, buffer_text(&shown)).data;
    buffer_close(&shown);
    return text;
}

static bool is_readable(const char *path, struct qms_error *error) {
    return path == NULL || access(path, R_OK) == 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
}

static bool wants_tls(const struct nats_target *target) {
    for (size_t i = 0; i < target->servers.count; i++)
        if (strncmp(target->servers.items[i], "tls://", 6) == 0) return true;
    return target->tls_ca != NULL || target->tls_cert != NULL;
}

static bool set_files(natsOptions *options, const struct nats_target *target,
                      struct qms_error *error) {
    if ((target->tls_cert == NULL) != (target->tls_key == NULL))
        return qms_fail(error, QMS_BAD_REQUEST, "--tlscert and --tlskey need each other");
    if (!is_readable(target->creds, error) || !is_readable(target->tls_ca, error) ||
        !is_readable(target->tls_cert, error) || !is_readable(target->tls_key, error))
        return false;
    if (target->tls_ca != NULL &&
        natsOptions_LoadCATrustedCertificates(options, target->tls_ca) != NATS_OK)
        return qms_fail(error, QMS_BAD_REQUEST, "%s holds no certificates", target->tls_ca);
    if (target->tls_cert != NULL &&
        natsOptions_LoadCertificatesChain(options, target->tls_cert, target->tls_key) != NATS_OK)
        return qms_fail(error, QMS_BAD_REQUEST, "%s and %s are no certificate and its key",
                        target->tls_cert, target->tls_key);
    if (target->creds != NULL &&
        natsOptions_SetUserCredentialsFromFiles(options, target->creds, NULL) != NATS_OK)
        return qms_fail(error, QMS_BAD_REQUEST, "%s holds no credentials", target->creds);
    return true;
}

/* A lost connection ends the wait at once: nothing here is worth a second try in silence. */
static bool set_options(natsOptions *options, const struct nats_target *target,
                        struct qms_error *error) {
    const char **servers = (const char **)(uintptr_t)target->servers.items;
    if (natsOptions_SetServers(options, servers, (int)target->servers.count) != NATS_OK)
        return qms_fail(error, QMS_BAD_REQUEST, "--nats: not a list of URLs as %s",
                        NATS_CLIENT_URL_DEFAULT);
    natsOptions_SetName(options, "qms nats request");
    natsOptions_SetTimeout(options, NATS_CLIENT_CONNECT_MS_MAX);
    natsOptions_SetAllowReconnect(options, false);
    natsOptions_SetFailRequestsOnDisconnect(options, true);
    if (wants_tls(target)) natsOptions_SetSecure(options, true);
    return set_files(options, target, error);
}

static bool explain_connect(natsStatus status, const struct nats_target *target,
                            struct arena *arena, struct qms_error *error) {
    const char *servers = servers_shown(target, arena), *more = nats_GetLastError(NULL);
    switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
        return qms_fail(error, QMS_UNAUTHENTICATED, "%s does not let us in", servers);
    case NATS_SSL_ERROR:
        return qms_fail(error, QMS_UNAVAILABLE, "no TLS with %s: %s", servers,
                        more == NULL ? natsStatus_GetText(status) : more);
    case NATS_SECURE_CONNECTION_WANTED:
        return qms_fail(error, QMS_UNAVAILABLE, "%s offers no TLS", servers);
    default:
        return qms_fail(error, QMS_UNAVAILABLE, "no NATS server answers at %s", servers);
    }
}

static bool explain_request(natsStatus status, const struct nats_call *call,
                            struct qms_error *error) {
    enum qms_code code = call->may_write ? QMS_OUTCOME_UNKNOWN : QMS_UNAVAILABLE;
    const char *outcome = call->may_write ? "; it may have been done all the same" : "";
    switch (status) {
    case NATS_NO_RESPONDERS:
        return qms_fail(error, QMS_UNAVAILABLE, "nobody serves %s", call->subject);
    case NATS_MAX_PAYLOAD:
        return qms_fail(error, QMS_TOO_LARGE, "the NATS server takes no message of %zu bytes",
                        call->payload.length);
    case NATS_INVALID_SUBJECT:
        return qms_fail(error, QMS_BAD_REQUEST, "'%s' is no subject", call->subject);
    case NATS_TIMEOUT:
        return qms_fail(error, code, "no answer from %s within %u s%s", call->subject,
                        (unsigned)call->timeout_seconds, outcome);
    default:
        return qms_fail(error, code, "the connection was lost before %s answered%s", call->subject,
                        outcome);
    }
}

static bool ask(natsConnection *connection, const struct nats_call *call, struct arena *arena,
                struct text *answer, struct qms_error *error) {
    natsMsg *request = NULL, *reply = NULL;
    natsStatus status = natsMsg_Create(&request, call->subject, NULL, call->payload.data,
                                       (int)call->payload.length);
    if (status == NATS_OK && call->key != NULL)
        status = natsMsgHeader_Set(request, "Nats-Msg-Id", call->key);
    if (status == NATS_OK)
        status = natsConnection_RequestMsg(&reply, connection, request,
                                           (int64_t)call->timeout_seconds * 1000);
    bool answered = status == NATS_OK || explain_request(status, call, error);
    if (answered)
        *answer = arena_text(arena, (struct text){.data = natsMsg_GetData(reply),
                                                  .length = (size_t)natsMsg_GetDataLength(reply)});
    natsMsg_Destroy(reply);
    natsMsg_Destroy(request);
    return answered;
}

bool nats_client_request(const struct nats_target *target, const struct nats_call *call,
                         struct arena *arena, struct text *answer, struct qms_error *error) {
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    if (natsOptions_Create(&options) != NATS_OK) return qms_fail_code(error, QMS_INTERNAL);
    bool answered = set_options(options, target, error);
    if (answered) {
        natsStatus status = natsConnection_Connect(&connection, options);
        answered = status == NATS_OK || explain_connect(status, target, arena, error);
    }
    answered = answered && ask(connection, call, arena, answer, error);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
    nats_CloseAndWait(NATS_CLIENT_CONNECT_MS_MAX);
    return answered;
}
