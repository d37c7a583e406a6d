/* serve_nats.c: what the settings say of NATS. */
#include <unistd.h>

#include "serve_settings.h"

static size_t rank_of(const struct settings_reading *reading, const char *name) {
    for (size_t i = 0; settings_rows[i].name != NULL; i++)
        if (strcmp(settings_rows[i].name, name) == 0) return reading->origins.rank[i];
    return 0;
}

/* A file that a setting names has to be there; one that only the default names is used if it is. */
static bool take_file(const struct settings_reading *reading, const char *setting,
                      const char *path, const char **taken, struct qms_error *error) {
    if (path == NULL || *path == '\0') return true;
    if (access(path, R_OK) == 0) *taken = path;
    else if (rank_of(reading, setting) > 0)
        return qms_fail(error, QMS_BAD_REQUEST, "%s: %s cannot be read", setting, path);
    return true;
}

/* The first thing that is wrong with an address is told without it: it may hold a password. */
static bool check_server(const char *url, bool *tls, struct qms_error *error) {
    const char *scheme = strstr(url, "://");
    struct text name = {.data = url, .length = scheme == NULL ? 0 : (size_t)(scheme - url)};
    bool is_tls = text_equal_nocase(name, TEXT("tls"));
    if (!is_tls && !text_equal_nocase(name, TEXT("nats")))
        return qms_fail(error, QMS_BAD_REQUEST,
                        "nats.cluster: an address begins with nats:// or tls://");
    *tls |= is_tls;
    struct text rest = text_of(scheme + 3);
    const char *at = memrchr(rest.data, '@', rest.length);
    const char *host = at == NULL ? rest.data : at + 1;
    if (*host == '\0' || *host == ':' || strpbrk(url, " \t\r\n") != NULL)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "nats.cluster: an address is nats://HOST:PORT, and no host is named");
    return true;
}

/* Without ".>", as older settings have it: "cyverse.qms.>". */
static bool take_prefix(const char *setting, const char *given, struct arena *arena,
                        const char **prefix, struct qms_error *error) {
    struct text text = text_of(given);
    if (text.length >= 2 && memcmp(text.data + text.length - 2, ".>", 2) == 0) text.length -= 2;
    bool good = text.length > 0 && text.length <= SETTINGS_SUBJECT_BYTES_MAX;
    for (size_t i = 0; good && i < text.length; i++) {
        char byte = text.data[i];
        bool is_dot = byte == '.', ends = i == 0 || i + 1 == text.length;
        good = byte > ' ' && byte <= '~' && byte != '*' && byte != '>' &&
               !(is_dot && (ends || text.data[i - 1] == '.'));
    }
    *prefix = arena_text(arena, text).data;
    return good || qms_fail(error, QMS_BAD_REQUEST,
                            "%s is words joined by dots, without wildcards, not '%s'", setting,
                            given);
}

static bool take_tls(struct settings_reading *reading, bool wanted, struct qms_error *error) {
    const struct settings *values = &reading->values;
    struct front_nats_options *nats = &reading->nats;
    if (values->nats_no_tls)
        return !wanted || qms_fail(error, QMS_BAD_REQUEST,
                                   "nats.cluster names tls://, and nats.no_tls says otherwise");
    if (!take_file(reading, "nats.tlsca", values->nats_tls_ca, &nats->tls_ca, error) ||
        !take_file(reading, "nats.tlscert", values->nats_tls_cert, &nats->tls_certificate,
                   error) ||
        !take_file(reading, "nats.tlskey", values->nats_tls_key, &nats->tls_key, error))
        return false;
    nats->tls = wanted || nats->tls_ca != NULL || nats->tls_certificate != NULL;
    return (nats->tls_certificate == NULL) == (nats->tls_key == NULL) ||
           qms_fail(error, QMS_BAD_REQUEST, "nats.tlscert and nats.tlskey belong together: %s "
                    "cannot be read",
                    nats->tls_key == NULL ? values->nats_tls_key : values->nats_tls_cert);
}

static bool take_prefixes(struct settings_reading *reading, struct arena *arena,
                          struct qms_error *error) {
    const struct settings *values = &reading->values;
    const char **prefixes = reading->nats.prefixes;
    if (!take_prefix("nats.subject", values->nats_subject, arena, &prefixes[DIALECT_SUBSCRIPTIONS],
                     error))
        return false;
    if (values->nats_user_plans == NULL || *values->nats_user_plans == '\0') return true;
    if (!take_prefix("nats.user_plans_subject", values->nats_user_plans, arena,
                     &prefixes[DIALECT_USER_PLANS], error))
        return false;
    return strcmp(prefixes[DIALECT_SUBSCRIPTIONS], prefixes[DIALECT_USER_PLANS]) != 0 ||
           qms_fail(error, QMS_BAD_REQUEST,
                    "nats.subject and nats.user_plans_subject are both %s: one prefix speaks one "
                    "dialect",
                    prefixes[DIALECT_USER_PLANS]);
}

bool settings_apply_nats(struct settings_reading *reading, struct arena *arena,
                         struct qms_error *error) {
    const struct settings *values = &reading->values;
    struct front_nats_options *nats = &reading->nats;
    bool tls = false;
    front_nats_options_init(nats);
    if (values->nats_cluster.count == 0) return true;
    for (size_t i = 0; i < values->nats_cluster.count; i++)
        if (!check_server(values->nats_cluster.items[i], &tls, error)) return false;
    if (!take_prefixes(reading, arena, error) || !take_tls(reading, tls, error)) return false;
    if (!values->nats_no_creds &&
        !take_file(reading, "nats.creds", values->nats_creds, &nats->credentials, error))
        return false;
    nats->answers_of_2024 = strcmp(values->nats_answers, "2024") == 0;
    if (!nats->answers_of_2024 && strcmp(values->nats_answers, "newest") != 0)
        return qms_fail(error, QMS_BAD_REQUEST, "nats.answers is newest or 2024, not '%s'",
                        values->nats_answers);
    nats->servers = values->nats_cluster.items;
    nats->reconnect_wait_ms = (int64_t)values->nats_reconnect_wait_s * 1000;
    nats->in_flight_max = values->nats_in_flight;
    nats->pending_messages_max = (int)values->nats_pending_messages;
    nats->pending_bytes_max = (int)values->nats_pending_bytes;
    nats->refuse_unknown = values->nats_refuse_unknown;
    return true;
}
