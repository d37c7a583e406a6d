/* serve_settings.h: what qms serve can be told, by one table, from a YAML file, a dotenv file, the
 * environment and the command line; the later one wins. */
#ifndef QMS_SERVE_SETTINGS_H
#define QMS_SERVE_SETTINGS_H

#include <stdio.h>

#include "base/options.h"
#include "cli/command.h"
#include "cli/listener.h"
#include "domain/plugin.h"
#include "front/front_nats.h"

struct settings {
    const char *config, *dotenv_path, *env_prefix;
    const char *listen, *store_url, *store_actor, *users_domain, *default_plan, *log_level;
    const char *tls_cert, *tls_key, *plugins;
    const char *nats_answers, *nats_subject, *nats_user_plans, *nats_creds, *nats_tls_ca,
        *nats_tls_cert, *nats_tls_key;
    struct option_texts hosts, nats_cluster;
    uint64_t port, threads, engine_threads, cache_accounts, queue_requests, drain_s;
    uint64_t nats_reconnect_wait_s, nats_in_flight, nats_pending_messages, nats_pending_bytes,
        nats_max_reconnects;
    bool nats_no_creds, nats_no_tls, nats_refuse_unknown;
    bool auth, insecure_no_auth, insecure_no_tls, strip_any_domain, create_on_read,
        keep_larger_plan, carry_over, restore_tail, report_overages, check;
};

enum { SETTINGS_THREADS_MAX = 64, SETTINGS_SUBJECT_BYTES_MAX = 128 };

/* The settings with where they come from and what is odd about them. */
struct settings_reading {
    struct settings values;
    struct option_origins origins;
    struct text warnings; /* lines */
    struct listener listener;
    struct plugins plugins; /* of the file, or those that are built in */
    struct front_nats_options nats; /* without servers: it is not to be served */
};

extern const struct option_row settings_rows[];

/* From all sources; for command's operands too. */
QMS_MUST_CHECK bool settings_read(const struct command *command, struct settings_reading *reading,
                                  int count, char **arguments, struct arena *arena,
                                  struct qms_error *error);

/* Whether a server can be run so; fills reading->listener and ->nats and sets the log's level. */
QMS_MUST_CHECK bool settings_apply(struct settings_reading *reading, struct arena *arena,
                                   struct qms_error *error);
QMS_MUST_CHECK bool settings_apply_nats(struct settings_reading *reading, struct arena *arena,
                                        struct qms_error *error);

/* serve_plugins.c: the plugins in the file of --plugins; in the arena. */
QMS_MUST_CHECK bool settings_read_plugins(const char *path, struct arena *arena,
                                          struct plugins *plugins, struct qms_error *error);

/* Whether the server speaks TLS. */
bool settings_have_tls(const struct settings *values);

/* --check: every setting, its source and what is wrong; the exit code. Opens nothing. */
int settings_check(struct settings_reading *reading, struct arena *arena, FILE *out);

#endif
