#include "serve_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/nearest.h"
#include "serve_yaml.h"

#define PREFIX "QMS_"

enum { DOTENV_LINE_BYTES_MAX = 4096 };

#define ROW(name, flag, variable, type, member, fallback, value, help, minimum, maximum)           \
    {name, flag, variable, type, offsetof(struct settings, member), fallback, value, help,         \
     minimum, maximum}

/* Older names come before the present one, which wins where both are given. */
const struct option_row settings_rows[] = {
    ROW("-config", "config", "QMS_CONFIG", OPTION_TEXT, config, NULL, "FILE",
        "a file of settings in YAML; settings of other services in it are passed over", 0, 0),
    ROW("-dotenv_path", "dotenv-path", "QMS_DOTENV_PATH", OPTION_TEXT, dotenv_path, NULL, "FILE",
        "a file of variables, NAME=VALUE, which need not be there; those of the environment win",
        0, 0),
    ROW("-env_prefix", "env-prefix", NULL, OPTION_TEXT, env_prefix, PREFIX, "PREFIX",
        "what the names of variables begin with in place of QMS_, but for QMS_CONFIG and "
        "QMS_DOTENV_PATH",
        0, 0),
    ROW("-check", "check", NULL, OPTION_BOOL, check, NULL, NULL,
        "say what would be used, where it comes from and what is wrong, and run nothing", 0, 0),
    ROW("listen", "listen", "QMS_LISTEN", OPTION_TEXT, listen, "127.0.0.1:60000", "ADDR:PORT",
        "where to listen, as 127.0.0.1:60000 or [::1]:60000; port 0 takes a free one", 0, 0),
    ROW("port", "port", "QMS_PORT", OPTION_UNSIGNED, port, NULL, "PORT",
        "another port than that of the address to listen on", 0, 65535),
    ROW("database.uri", NULL, "QMS_DATABASE_URI", OPTION_TEXT, store_url, NULL, NULL,
        "as QMS_STORE_URL, from older settings", 0, 0),
    ROW("store.url", "store", "QMS_STORE_URL", OPTION_TEXT, store_url, "sqlite:qms.db", "URL",
        "the database: sqlite:PATH, made when it is not there (the default lies in the working "
        "directory), or postgresql://USER@HOST/DATABASE",
        0, 0),
    ROW("store.actor", "store-actor", "QMS_STORE_ACTOR", OPTION_TEXT, store_actor, "qms", "NAME",
        "the name rows say they were written by; in PostgreSQL it is that of the role", 0, 0),
    ROW("username.suffix", NULL, "QMS_USERNAME_SUFFIX", OPTION_TEXT, users_domain, NULL, NULL,
        "as QMS_USERS_DOMAIN, from older settings", 0, 0),
    ROW("users.domain", "users-domain", "QMS_USERS_DOMAIN", OPTION_TEXT, users_domain, "", "DOMAIN",
        "strip @DOMAIN from user names; without it nothing is stripped", 0, 0),
    ROW("users.strip_any_domain", "strip-any-domain", "QMS_USERS_STRIP_ANY_DOMAIN", OPTION_BOOL,
        strip_any_domain, NULL, NULL, "strip whatever follows the first @ of a user name", 0, 0),
    ROW("users.create_on_read", "create-on-read", "QMS_USERS_CREATE_ON_READ", OPTION_BOOL,
        create_on_read, "true", NULL,
        "subscribe users to the default plan when they are first asked about; off: they are not "
        "found",
        0, 0),
    ROW("users.keep_larger_plan", "keep-larger-plan", "QMS_USERS_KEEP_LARGER_PLAN", OPTION_BOOL,
        keep_larger_plan, NULL, NULL,
        "leave users whose plan has more CPU hours than the one they are added with on it, unless "
        "forced",
        0, 0),
    ROW("subscriptions.carry_over", "carry-over", "QMS_SUBSCRIPTIONS_CARRY_OVER", OPTION_BOOL,
        carry_over, NULL, NULL,
        "a new subscription takes over add-ons that have not expired, and usages of resources that "
        "are not consumable, from the one it replaces",
        0, 0),
    ROW("subscriptions.restore_tail", "restore-tail", "QMS_SUBSCRIPTIONS_RESTORE_TAIL", OPTION_BOOL,
        restore_tail, NULL, NULL,
        "a subscription that would have ended after a new, shorter one goes on behind it", 0, 0),
    ROW("http.hosts", "host", "QMS_HTTP_HOSTS", OPTION_TEXTS, hosts, NULL, "NAME[:PORT]",
        "a name clients may call this server by, beside loopback names; may be repeated", 0, 0),
    ROW("auth", "auth", "QMS_AUTH", OPTION_BOOL, auth, NULL, NULL,
        "every request wants an API key, but for health and documentation; needed beyond loopback",
        0, 0),
    ROW("insecure_no_auth", "insecure-no-auth", NULL, OPTION_BOOL, insecure_no_auth, NULL, NULL,
        "beyond loopback without --auth: let everybody who can reach the listener do everything", 0,
        0),
    ROW("insecure_no_tls", "insecure-no-tls", NULL, OPTION_BOOL, insecure_no_tls, NULL, NULL,
        "beyond loopback with --auth and without --tls-cert: keys come in clear text, because a "
        "proxy in front speaks TLS",
        0, 0),
    ROW("tls.cert", "tls-cert", "QMS_TLS_CERT", OPTION_TEXT, tls_cert, NULL, "FILE",
        "speak HTTPS in place of HTTP, with this certificate and those it rests on, in PEM; read "
        "again at SIGHUP, as is the key",
        0, 0),
    ROW("tls.key", "tls-key", "QMS_TLS_KEY", OPTION_TEXT, tls_key, NULL, "FILE",
        "the private key of the certificate, in PEM, without a passphrase", 0, 0),
    ROW("cloud.plugins", "plugins", "QMS_CLOUD_PLUGINS", OPTION_TEXT, plugins, NULL, "FILE",
        "what service connections can measure and quotas limit, in JSON, in place of what is built "
        "in",
        0, 0),
    ROW("http.threads", "threads", "QMS_HTTP_THREADS", OPTION_UNSIGNED, threads, "0", "N",
        "threads for connections; 0 chooses by the number of processors", 0, SETTINGS_THREADS_MAX),
    ROW("default_plan", "default-plan", "QMS_DEFAULT_PLAN", OPTION_TEXT, default_plan, "Basic",
        "NAME", "the plan of users who have no subscription", 0, 0),
    ROW("report_overages", "report-overages", "QMS_REPORT_OVERAGES", OPTION_BOOL, report_overages,
        "true", NULL, "answer who is over quota; off: nobody ever is", 0, 0),
    ROW("engine.threads", "engine-threads", "QMS_ENGINE_THREADS", OPTION_UNSIGNED, engine_threads,
        "2", "N", "threads that decide and save, on a database that servers share; SQLite has one",
        1, ENGINE_THREADS_MAX),
    ROW("engine.cache_accounts", "cache-accounts", "QMS_ENGINE_CACHE_ACCOUNTS", OPTION_UNSIGNED,
        cache_accounts, "65536", "N", "accounts kept in memory", 1, 100000000),
    ROW("engine.queue_requests", "queue-requests", "QMS_ENGINE_QUEUE_REQUESTS", OPTION_UNSIGNED,
        queue_requests, "16384", "N", "requests that may wait; what comes on top is answered 503",
        2 * BATCH_OPERATIONS_MAX, 1000000),
    ROW("nats.cluster", "nats", "QMS_NATS_CLUSTER", OPTION_TEXTS, nats_cluster, NULL,
        "URL[,URL]", "serve over NATS too: servers of one cluster, nats://HOST:PORT or tls://...",
        0, 0),
    ROW("nats.subject", "subject", "QMS_NATS_SUBJECT", OPTION_TEXT, nats_subject,
        QMS_SUBJECT_PREFIX, "PREFIX", "what the subjects begin with", 0, 0),
    ROW("nats.answers", "nats-answers", "QMS_NATS_ANSWERS", OPTION_TEXT, nats_answers, "newest",
        "newest|2024",
        "2024: answers have the fields of February 2024 only, for clients that refuse what they do "
        "not know",
        0, 0),
    ROW("nats.user_plans_subject", "user-plans-subject", "QMS_NATS_USER_PLANS_SUBJECT",
        OPTION_TEXT, nats_user_plans, NULL, "PREFIX",
        "what the subjects begin with that speak the messages of 2022, of user plans in place of "
        "subscriptions; without it they are not served",
        0, 0),
    ROW("nats.creds", "creds", "QMS_NATS_CREDS", OPTION_TEXT, nats_creds,
        "/etc/nats/creds/services.creds", "FILE",
        "credentials for NATS; that of the default is used if it is there", 0, 0),
    ROW("nats.no_creds", "no-creds", "QMS_NATS_NO_CREDS", OPTION_BOOL, nats_no_creds, NULL, NULL,
        "connect to NATS without credentials", 0, 0),
    ROW("nats.tlsca", "tlsca", "QMS_NATS_TLSCA", OPTION_TEXT, nats_tls_ca, "/etc/nats/tls/ca.crt",
        "FILE",
        "who vouches for the NATS servers; if it, or the certificate, is there TLS is used", 0, 0),
    ROW("nats.tlscert", "tlscert", "QMS_NATS_TLSCERT", OPTION_TEXT, nats_tls_cert,
        "/etc/nats/tls/tls.crt", "FILE", "the certificate shown to NATS servers, if it is there",
        0, 0),
    ROW("nats.tlskey", "tlskey", "QMS_NATS_TLSKEY", OPTION_TEXT, nats_tls_key,
        "/etc/nats/tls/tls.key", "FILE", "the key of that certificate", 0, 0),
    ROW("nats.no_tls", "no-tls", "QMS_NATS_NO_TLS", OPTION_BOOL, nats_no_tls, NULL, NULL,
        "connect to NATS without TLS", 0, 0),
    ROW("nats.reconnect_wait", "reconnect-wait", "QMS_NATS_RECONNECT_WAIT", OPTION_UNSIGNED,
        nats_reconnect_wait_s, "1", "SECONDS",
        "how long to wait between two attempts to connect to NATS, give or take", 1, 3600),
    ROW("nats.max_reconnects", "max-reconnects", NULL, OPTION_UNSIGNED, nats_max_reconnects, "0",
        "N", "accepted from older command lines: attempts to connect to NATS do not end", 0,
        UINT32_MAX),
    ROW("nats.in_flight", "nats-in-flight", "QMS_NATS_IN_FLIGHT", OPTION_UNSIGNED, nats_in_flight,
        "4096", "N",
        "NATS requests at work at once; what comes on top is told to try again, or waits if it "
        "expects no answer",
        1, QUEUE_REQUESTS_MAX / 2),
    ROW("nats.pending_messages", "nats-pending-messages", "QMS_NATS_PENDING_MESSAGES",
        OPTION_UNSIGNED, nats_pending_messages, "524288", "N",
        "messages of a subject that may wait; what comes on top is dropped, counted and logged", 1,
        INT32_MAX),
    ROW("nats.pending_bytes", "nats-pending-bytes", "QMS_NATS_PENDING_BYTES", OPTION_UNSIGNED,
        nats_pending_bytes, "134217728", "BYTES", "the same, of the messages' bytes together", 1,
        INT32_MAX),
    ROW("nats.refuse_unknown", "nats-refuse-unknown", "QMS_NATS_REFUSE_UNKNOWN", OPTION_BOOL,
        nats_refuse_unknown, NULL, NULL,
        "refuse NATS requests with fields that their message does not have; off: they are ignored",
        0, 0),
    ROW("drain_seconds", "drain-seconds", "QMS_DRAIN_SECONDS", OPTION_UNSIGNED, drain_s, "30", "N",
        "how long a stop waits for requests under way", 0, 3600),
    ROW("log_level", NULL, NULL, OPTION_TEXT, log_level, NULL, NULL,
        "as log.level, from older settings", 0, 0),
    ROW("log.level", "log-level", "QMS_LOG_LEVEL", OPTION_TEXT, log_level, "info", "LEVEL",
        "debug, info, warning or error; older settings' trace, warn, fatal and panic are "
        "understood",
        0, 0),
    OPTION_END,
};

/* ---- the layers ---- */

struct file_layer {
    const char *path;
    struct yaml_settings settings;
};

static bool find_in_file(void *context, const struct option_row *row, struct arena *arena,
                         const char **value, const char **origin, struct qms_error *error) {
    const struct file_layer *file = context;
    const struct yaml_setting *found = yaml_settings_find(&file->settings, row->name);
    if (found == NULL) return true;
    *origin = arena_format(arena, "%s line %d: %s", file->path, found->line, found->name).data;
    if (found->wrong != NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "%s is a single value, not %s", *origin,
                        found->wrong);
    *value = found->value;
    return true;
}

struct variables {
    const char *prefix;
    const char *path;  /* of a dotenv file; NULL: the process's environment */
    struct dotenv {
        const char *name, *value;
        int line;
        struct dotenv *next;
    } *first;
};

/* Kubernetes sets QMS_PORT=tcp://10.0.0.1:60000 for whatever runs beside a service called qms. */
static bool is_service_link(const struct option_row *row, const char *value) {
    return value != NULL && strcmp(row->name, "port") == 0 && strncmp(value, "tcp://", 6) == 0;
}

static bool find_in_variables(void *context, const struct option_row *row, struct arena *arena,
                              const char **value, const char **origin, struct qms_error *error) {
    const struct variables *variables = context;
    (void)error;
    if (row->environment == NULL) return true;
    const char *name = arena_format(arena, "%s%s", variables->prefix,
                                    row->environment + sizeof PREFIX - 1).data;
    *origin = name;
    if (variables->path == NULL) {
        const char *given = getenv(name);
        if (!is_service_link(row, given)) *value = given;
        return true;
    }
    for (const struct dotenv *at = variables->first; at != NULL; at = at->next) {
        if (strcmp(at->name, name) != 0) continue;
        *value = at->value;
        *origin = arena_format(arena, "%s line %d: %s", variables->path, at->line, name).data;
        break;
    }
    return true;
}

static struct text trimmed(struct text text) {
    while (text.length > 0 && strchr(" \t\r\n", text.data[text.length - 1]) != NULL) text.length--;
    while (text.length > 0 && strchr(" \t", text.data[0]) != NULL) text.data++, text.length--;
    return text;
}

static struct text unquoted(struct text text) {
    if (text.length < 2 || strchr("'\"", text.data[0]) == NULL) return text;
    if (text.data[0] != text.data[text.length - 1]) return text;
    return (struct text){.data = text.data + 1, .length = text.length - 2};
}

/* NAME=VALUE, "export NAME=VALUE", empty lines and comments. */
static bool dotenv_line(struct variables *variables, char *bytes, int number, struct arena *arena,
                        struct qms_error *error) {
    struct text line = trimmed(text_of(bytes));
    if (line.length == 0 || line.data[0] == '#') return true;
    if (line.length > 7 && memcmp(line.data, "export ", 7) == 0)
        line = trimmed((struct text){line.data + 7, line.length - 7});
    const char *equals = memchr(line.data, '=', line.length);
    if (equals == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "%s line %d is not NAME=VALUE", variables->path,
                        number);
    size_t length = (size_t)(equals - line.data);
    struct text value = {equals + 1, line.length - length - 1};
    struct dotenv *made = arena_take_zeroed(arena, 1, sizeof *made);
    made->name = arena_text(arena, trimmed((struct text){line.data, length})).data;
    made->value = arena_text(arena, unquoted(trimmed(value))).data;
    made->line = number;
    made->next = variables->first; /* the last line of a name wins */
    variables->first = made;
    return true;
}

/* The file need not be there (qms-http.md, 5): whoever deploys with a fixed path may have none. */
static bool dotenv_read(struct variables *variables, struct text *warnings, struct arena *arena,
                        struct qms_error *error) {
    char line[DOTENV_LINE_BYTES_MAX];
    FILE *file = fopen(variables->path, "re");
    if (file == NULL && errno == ENOENT) {
        *warnings = arena_format(arena, "%.*s%s is not there: no settings come from it\n",
                                 TEXT_ARGUMENTS(*warnings), variables->path);
        return true;
    }
    if (file == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", variables->path,
                        strerror(errno));
    bool read = true;
    for (int number = 1; read && fgets(line, sizeof line, file) != NULL; number++)
        read = strlen(line) < sizeof line - 1
                   ? dotenv_line(variables, line, number, arena, error)
                   : qms_fail(error, QMS_BAD_REQUEST, "%s line %d is too long", variables->path,
                              number);
    if (read && ferror(file))
        read = qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", variables->path,
                        strerror(errno));
    fclose(file);
    return read;
}

/* ---- reading ---- */

static bool is_known(const char *name) {
    for (const struct option_row *row = settings_rows; row->name != NULL; row++)
        if (yaml_name_equal(row->name, name)) return true;
    return false;
}

/* The setting that is meant by a name we do not know: one that differs by a letter or two, or, of
 * "store: sqlite:qms.db", the first of that part. NULL: another service's. */
static const char *meant_by(const char *name) {
    const char *names[sizeof settings_rows / sizeof settings_rows[0]];
    size_t count = 0, length = strlen(name);
    for (const struct option_row *row = settings_rows; row->name != NULL; row++) {
        if (row->name[0] == '-') continue;
        if (strncmp(row->name, name, length) == 0 && row->name[length] == '.') return row->name;
        names[count++] = row->name;
    }
    return nearest_word(name, names, count);
}

static void warn_of_unknown(struct settings_reading *reading, const struct file_layer *file,
                            struct arena *arena) {
    for (size_t i = 0; i < file->settings.count; i++) {
        const struct yaml_setting *setting = &file->settings.rows[i];
        if (setting->wrong != NULL || is_known(setting->name)) continue;
        const char *meant = meant_by(setting->name);
        reading->warnings = arena_format(
            arena, "%.*s%s line %d: %s is not a setting of qms serve%s%s%s\n",
            TEXT_ARGUMENTS(reading->warnings), file->path, setting->line, setting->name,
            meant == NULL ? "" : "; did you mean ", meant == NULL ? "" : meant,
            meant == NULL ? "" : "?");
    }
}

static const char *given_or_variable(const char *given, const char *variable) {
    if (given != NULL) return given;
    const char *value = getenv(variable);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* The command line alone says where the other sources are. */
static bool read_places(struct settings *places, int count, char **arguments, struct arena *arena,
                        struct qms_error *error) {
    char **copy = arena_take(arena, ((size_t)count + 1) * sizeof *copy);
    for (int i = 0; i < count; i++) copy[i] = arguments[i];
    if (!options_parse_layers(settings_rows, places, NULL, 0, NULL, &count, copy, arena, error))
        return false;
    places->config = given_or_variable(places->config, "QMS_CONFIG");
    places->dotenv_path = given_or_variable(places->dotenv_path, "QMS_DOTENV_PATH");
    return true;
}

bool settings_read(const struct command *command, struct settings_reading *reading, int count,
                   char **arguments, struct arena *arena, struct qms_error *error) {
    struct settings places = {0};
    *reading = (struct settings_reading){.warnings = {.data = ""}};
    if (!read_places(&places, count, arguments, arena, error)) return false;

    struct file_layer file = {.path = places.config};
    struct variables dotenv = {.prefix = places.env_prefix, .path = places.dotenv_path};
    struct variables environment = {.prefix = places.env_prefix};
    struct option_layer layers[3];
    size_t layer_count = 0;
    if (file.path != NULL) {
        if (!yaml_settings_read(file.path, arena, &file.settings, error)) return false;
        warn_of_unknown(reading, &file, arena);
        layers[layer_count++] = (struct option_layer){find_in_file, &file};
    }
    if (dotenv.path != NULL) {
        if (!dotenv_read(&dotenv, &reading->warnings, arena, error)) return false;
        layers[layer_count++] = (struct option_layer){find_in_variables, &dotenv};
    }
    layers[layer_count++] = (struct option_layer){find_in_variables, &environment};
    if (!options_parse_layers(settings_rows, &reading->values, layers, layer_count,
                              &reading->origins, &count, arguments, arena, error))
        return false;
    reading->values.config = places.config;
    reading->values.dotenv_path = places.dotenv_path;
    return count == 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "'%s' is one argument too many (see: qms help %s)",
                    arguments[0], command->name);
}

/* ---- applying ---- */

static const struct option_row *row_of(const char *name) {
    const struct option_row *row = settings_rows;
    while (strcmp(row->name, name) != 0) row++;
    return row;
}

static const char *level_of(const char *name) {
    static const char *const older[][2] = {
        {"trace", "debug"}, {"warn", "warning"}, {"fatal", "error"}, {"panic", "error"}};
    for (size_t i = 0; i < sizeof older / sizeof older[0]; i++)
        if (strcmp(name, older[i][0]) == 0) return older[i][1];
    return name;
}

static bool is_given(const char *value) {
    return value != NULL && *value != '\0';
}

bool settings_have_tls(const struct settings *values) {
    return is_given(values->tls_cert) && is_given(values->tls_key);
}

static bool apply_listener(struct settings_reading *reading, struct qms_error *error) {
    const struct settings *values = &reading->values;
    if (!listener_read(values->listen, &reading->listener, error)) return false;
    size_t port = reading->origins.rank[row_of("port") - settings_rows];
    size_t listen = reading->origins.rank[row_of("listen") - settings_rows];
    if (port > 0 && port >= listen) reading->listener.port = (int)values->port;
    if (values->auth && values->insecure_no_auth)
        return qms_fail(error, QMS_BAD_REQUEST, "--auth and --insecure-no-auth exclude each other");
    if (reading->listener.is_loopback || values->insecure_no_auth) return true;
    if (!values->auth)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "%s can be reached from other machines and requests are not authenticated: "
                        "listen on 127.0.0.1, or say --auth, or --insecure-no-auth",
                        reading->listener.address);
    return settings_have_tls(values) || values->insecure_no_tls ||
           qms_fail(error, QMS_BAD_REQUEST,
                    "%s can be reached from other machines and keys would come in clear text: give "
                    "--tls-cert and --tls-key or, when a proxy speaks TLS, --insecure-no-tls",
                    reading->listener.address);
}

bool settings_apply(struct settings_reading *reading, struct arena *arena,
                    struct qms_error *error) {
    const struct settings *values = &reading->values;
    enum log_level level;
    if (!log_level_parse(level_of(values->log_level), &level))
        return qms_fail(error, QMS_BAD_REQUEST,
                        "--log-level is debug, info, warning or error, not '%s'",
                        values->log_level);
    log_set_level(level);
    if (is_given(values->tls_cert) != is_given(values->tls_key))
        return qms_fail(error, QMS_BAD_REQUEST,
                        "--tls-cert and --tls-key belong together, and only one is given");
    reading->plugins = plugins_builtin;
    if (is_given(values->plugins) &&
        !settings_read_plugins(values->plugins, arena, &reading->plugins, error))
        return false;
    return apply_listener(reading, error) && settings_apply_nats(reading, arena, error);
}
