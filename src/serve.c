#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "engine/engine.h"
#include "front/front.h"
#include "front/front_auth.h"
#include "front/front_nats.h"
#include "front/http_tls.h"
#include "serve_settings.h"
#include "store/store.h"
#include "store/store_url.h"

enum { LOOPS_DEFAULT_MAX = 4 };

/* The parts while the server lives; whatever is NULL has not been opened. */
struct serve {
    const struct settings *settings;
    enum store_kind store_kind;
    const struct store *first_store; /* of the engine's */
    struct listener listener;
    struct plugins plugins;
    struct text warnings; /* lines, for the log */
    struct metrics *metrics;
    struct engine *engine;
    struct front front;
    struct http_tls_identity *tls; /* NULL: plain HTTP */
    struct http_server *http;
    struct front_nats_options nats_options;
    struct front_nats *nats;
    pthread_mutex_t opening; /* held until http and nats are set: both may submit before that */
};

/* The domain with what older settings wrote around it: "@example.org" is "example.org". */
static struct text domain_of(const char *setting) {
    struct text domain = text_of(setting);
    while (domain.length > 0 && domain.data[0] == '@')
        domain = (struct text){domain.data + 1, domain.length - 1};
    while (domain.length > 0 && domain.data[domain.length - 1] == '@')
        domain.length--;
    return domain;
}

static int loops_of(const struct settings *settings) {
    if (settings->threads > 0) return (int)settings->threads;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors <= 2) return 1;
    return processors / 2 < LOOPS_DEFAULT_MAX ? (int)(processors / 2) : LOOPS_DEFAULT_MAX;
}

/* A batch has been answered. On the engine's reply thread. */
static void on_replied(void *context) {
    struct serve *serve = context;
    pthread_mutex_lock(&serve->opening);
    struct http_server *http = serve->http;
    struct front_nats *nats = serve->nats;
    pthread_mutex_unlock(&serve->opening);
    if (http != NULL) http_server_wake(http);
    if (nats != NULL) front_nats_wake(nats);
}

/* For the engine, which asks for as many as it has threads. */
static struct store *open_store(void *context, bool waits, struct qms_error *error) {
    struct serve *serve = context;
    const struct settings *settings = serve->settings;
    struct store_options options = {
        .url = settings->store_url,
        .waits = waits,
        .lock_wait_us = (int64_t)LOCK_TRY_MS * 1000,
        .clock = &clock_system,
        .actor = text_of(settings->store_actor),
        .like = serve->first_store,
    };
    struct store *store = store_open(&options, error);
    if (serve->first_store == NULL) serve->first_store = store;
    return store;
}

static bool open_engine(struct serve *serve, struct qms_error *error) {
    const struct settings *settings = serve->settings;
    struct engine_options engine;
    engine_options_init(&engine);
    engine.open_store = open_store;
    engine.store_context = serve;
    engine.threads = settings->engine_threads;
    engine.metrics = serve->metrics;
    engine.default_plan = text_of(settings->default_plan);
    engine.plugins = &serve->plugins;
    engine.report_overages = settings->report_overages;
    engine.reads_subscribe = settings->create_on_read;
    engine.carries_over = settings->carry_over;
    engine.restores_tails = settings->restore_tail;
    engine.cache_accounts_max = settings->cache_accounts;
    engine.queue_requests_max = settings->queue_requests;
    engine.replied = on_replied;
    engine.replied_context = serve;
    serve->engine = engine_open(&engine, error);
    return serve->engine != NULL;
}

static bool open_tls(struct serve *serve, struct qms_error *error) {
    const struct settings *settings = serve->settings;
    if (!settings_have_tls(settings)) return true;
    serve->tls = http_tls_open(settings->tls_cert, settings->tls_key, error);
    return serve->tls != NULL;
}

static struct username_rule usernames_of(const struct settings *settings) {
    return (struct username_rule){.domain = domain_of(settings->users_domain),
                                  .strip_any_domain = settings->strip_any_domain};
}

static void open_nats(struct serve *serve) {
    struct front_nats_options *options = &serve->nats_options;
    if (options->servers == NULL) return;
    options->engine = serve->engine;
    options->metrics = serve->metrics;
    options->usernames = usernames_of(serve->settings);
    options->keep_larger_plan = serve->settings->keep_larger_plan;
    pthread_mutex_lock(&serve->opening);
    serve->nats = front_nats_open(options);
    pthread_mutex_unlock(&serve->opening);
}

/* Without a directory nobody has a key: better not to start than to refuse everybody. */
static bool has_directory(struct serve *serve, struct qms_error *error) {
    struct directory *directory = engine_directory(serve->engine);
    bool has = directory != NULL;
    directory_release(directory);
    return has || qms_fail(error, QMS_BAD_REQUEST, "--auth: this store keeps no API keys");
}

static bool open_http(struct serve *serve, struct qms_error *error) {
    const struct settings *settings = serve->settings;
    if (settings->auth && !has_directory(serve, error)) return false;
    serve->front = (struct front){
        .engine = serve->engine,
        .metrics = serve->metrics,
        .usernames = usernames_of(settings),
        .plugins = &serve->plugins,
        .keep_larger_plan = settings->keep_larger_plan,
        .nats = serve->nats,
        .auth = front_auth_open(serve->engine, serve->metrics, settings->auth),
    };
    struct http_server_options http;
    http_server_options_init(&http);
    http.listen_address = serve->listener.address;
    http.listen_port = serve->listener.port;
    http.loops = loops_of(settings);
    http.routes = front_routes;
    http.trees = front_trees;
    http.context = &serve->front;
    http.metrics = serve->metrics;
    http.admit = front_admit;
    http.hosts = settings->hosts.items;
    http.tls = serve->tls;
    /* Also beyond loopback: without authentication a page that names a machine of its own for ours
     * could do everything. The names a machine is called by are given with --host. A page has no
     * key, and so needs no such care. */
    http.check_host = !settings->auth;

    pthread_mutex_lock(&serve->opening);
    serve->http = http_server_open(&http, error);
    pthread_mutex_unlock(&serve->opening);
    return serve->http != NULL;
}

static const char *scheme_of(const struct serve *serve) {
    return serve->tls == NULL ? "http" : "https";
}

/* Only the machine itself can make the first key. A URL with a password is not for the log. */
static void log_first_key(const struct serve *serve) {
    struct directory *directory = engine_directory(serve->engine);
    if (directory != NULL && directory_count(directory, DIRECTORY_KEYS) == 0) {
        log_format(LOG_INFO, "no API key exists yet: qms apikey create --store %s makes one",
                   serve->store_kind == STORE_SQLITE ? serve->settings->store_url : "URL");
    }
    directory_release(directory);
}

/* What whoever reads the log should know of this start. */
static void log_start(struct serve *serve) {
    struct qms_error error;
    struct text rest = serve->warnings;
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = (size_t)(end - rest.data);
        log_format(LOG_WARNING, "%.*s", (int)length, rest.data);
        rest = (struct text){.data = end + 1, .length = rest.length - length - 1};
    }
    log_format(LOG_INFO, "qms %s serves %s://%s:%d", QMS_VERSION, scheme_of(serve),
               serve->listener.authority, http_server_port(serve->http));
    if (serve->tls != NULL && http_tls_warning(serve->tls, &error))
        log_format(LOG_WARNING, "%s", error.text);
    if (!serve->listener.is_loopback && !serve->settings->auth)
        log_format(LOG_WARNING, "requests are not authenticated, and %s is not loopback",
                   serve->listener.address);
    log_first_key(serve);
    if (!engine_ready(serve->engine, &error))
        log_format(LOG_WARNING, "not ready: %s", error.text);
}

/* Stops in the order that loses nothing: no new requests, answers to those under way, the rest. */
static void shut_down(struct serve *serve) {
    int drain_ms = (int)(serve->settings->drain_s * 1000);
    if (serve->nats != NULL) front_nats_stop(serve->nats, drain_ms);
    if (serve->http != NULL) http_server_drain(serve->http, drain_ms);
    if (serve->nats != NULL) front_nats_drain(serve->nats);
    if (serve->engine != NULL) engine_stop(serve->engine);
    if (serve->http != NULL) http_server_close(serve->http);
    if (serve->nats != NULL) front_nats_close(serve->nats);
    if (serve->front.auth != NULL) front_auth_close(serve->front.auth);
    if (serve->engine != NULL) engine_close(serve->engine);
    if (serve->tls != NULL) http_tls_close(serve->tls);
}

/* Signals meant for the server are taken by wait_for_signal() alone; no thread made after this is
 * interrupted by them. Without TLS there is nothing to read again, and a terminal that is closed
 * ends the server as it ends other programs. A client that is gone and a file that may not grow any
 * more (ulimit -f) are errors of the calls that meet them. */
static void block_signals(const struct serve *serve, sigset_t *taken) {
    sigemptyset(taken);
    sigaddset(taken, SIGTERM);
    sigaddset(taken, SIGINT);
    if (settings_have_tls(serve->settings)) sigaddset(taken, SIGHUP);
    pthread_sigmask(SIG_BLOCK, taken, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void reload(struct serve *serve) {
    struct qms_error error;
    if (!http_tls_reload(serve->tls, &error)) {
        log_format(LOG_ERROR, "the certificate in use stays: %s", error.text);
        return;
    }
    log_format(LOG_INFO, "new connections get the certificate in %s", serve->settings->tls_cert);
    if (http_tls_warning(serve->tls, &error)) log_format(LOG_WARNING, "%s", error.text);
}

static void wait_for_signal(struct serve *serve, sigset_t *taken) {
    int number = 0;
    while (number != SIGTERM && number != SIGINT)
        if (sigwait(taken, &number) == 0 && number == SIGHUP) reload(serve);
    log_format(LOG_INFO, "stopping: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    sigdelset(taken, SIGHUP);
    /* From here on a second one ends the process at once: the store bears that. */
    pthread_sigmask(SIG_UNBLOCK, taken, NULL);
}

int serve_fail(const struct command *command, struct qms_error *error) {
    bool is_told = strcmp(error->text, qms_code_text(error->code)) != 0;
    if (!is_told && (error->code == QMS_INTERNAL || error->code == QMS_UNAVAILABLE))
        qms_fail(error, error->code, "the database failed, see the log");
    return command_fail(command, error);
}

static int serve_until_signal(struct serve *serve, const struct command *command) {
    sigset_t taken;
    block_signals(serve, &taken);
    struct qms_error error;
    /* What was said is looked at before the machine is; and a server that cannot listen must not
     * make a database, nor bring one up to date. */
    bool opened =
        store_url_read(serve->settings->store_url, &serve->store_kind, &error) &&
        open_tls(serve, &error) &&
        http_server_may_listen(serve->listener.address, serve->listener.port, &error) &&
        open_engine(serve, &error);
    if (opened) open_nats(serve);
    opened = opened && open_http(serve, &error);
    if (opened) {
        if (serve->nats != NULL) front_nats_start(serve->nats);
        log_start(serve); /* there for whoever waits for the line on standard output */
        printf("qms listening on %s://%s:%d\n", scheme_of(serve), serve->listener.authority,
               http_server_port(serve->http));
        fflush(stdout);
        wait_for_signal(serve, &taken);
    }
    shut_down(serve);
    if (opened) return 0;
    int code = serve_fail(command, &error);
    /* A setting that cannot be is 2, as a wrong option; any other refusal to start is 1. */
    return error.code == QMS_BAD_REQUEST ? code : qms_code_exit(QMS_INTERNAL);
}

static int run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 4096);
    struct settings_reading reading;
    struct qms_error error;
    int code = 0;
    if (!settings_read(command, &reading, count, arguments, &arena, &error)) {
        code = command_fail(command, &error);
    } else if (reading.values.check) {
        code = settings_check(&reading, &arena, stdout);
    } else if (!settings_apply(&reading, &arena, &error)) {
        code = command_fail(command, &error);
    } else {
        struct serve serve = {
            .settings = &reading.values,
            .listener = reading.listener,
            .plugins = reading.plugins,
            .warnings = reading.warnings,
            .nats_options = reading.nats,
            .metrics = memory_take_zeroed(1, sizeof *serve.metrics),
            .opening = PTHREAD_MUTEX_INITIALIZER,
        };
        code = serve_until_signal(&serve, command);
        memory_give(serve.metrics);
    }
    arena_close(&arena);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "run the server",
    .details =
        "Says \"qms listening on http://ADDR:PORT\", or https, on standard output when it is\n"
        "ready, and logs on standard error. SIGTERM and SIGINT let requests under way finish; a\n"
        "second one ends the server at once, and what it has acknowledged is kept. SIGHUP reads\n"
        "the certificate of --tls-cert and its key again. A database belongs to one server at a\n"
        "time.\n",
    .options = settings_rows,
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
