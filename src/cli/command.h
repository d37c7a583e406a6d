/* command.h: what a subcommand of qms is, and what all of them share.
 * A command returns its exit code, one of codes.h; only main.c ends the process. */
#ifndef QMS_CLI_COMMAND_H
#define QMS_CLI_COMMAND_H

#include "base/options.h"

struct action;

struct command {
    const char *name;     /* one word, or two: "plan list" is the command list of the group plan */
    const char *operands; /* for the usage line: "FILE..." */
    const char *summary;  /* one line */
    const char *details;  /* further lines for "qms help NAME", each with its line feed; "" */
    const struct option_row *options;
    size_t operands_min, operands_max;
    int (*run)(const struct command *command, int count, char **arguments);
    const struct action *action; /* what action_run() does; else NULL */
};

extern const struct command command_ingest;
extern const struct command command_user;
extern const struct command command_overages;
extern const struct command command_nats;

/* Rows of command tables; each ends with a row without a name. */
extern const struct command commands_catalogue[]; /* plan ..., resource ... */
extern const struct command commands_account[];   /* subscribe, quota ..., history ... */
extern const struct command commands_addon[];     /* addon ... */
extern const struct command commands_cloud[];     /* org ..., connection ..., cloud-quota ... */

/* The options every client has; place: of a struct client_settings in its own. */
#define COMMAND_CLIENT_ROWS(place)                                                                 \
    {"url", "url", "QMS_URL", OPTION_TEXT, (place) + offsetof(struct client_settings, url),        \
     CLIENT_URL_DEFAULT, "URL", "the server to talk to", 0, 0},                                    \
    {"cacert", "cacert", "QMS_CACERT", OPTION_TEXT,                                                \
     (place) + offsetof(struct client_settings, cacert), NULL, "FILE",                             \
     "the certificates in PEM that the server's has to rest on, in place of the system's", 0, 0},  \
    {"api_key_file", "api-key-file", "QMS_API_KEY_FILE", OPTION_TEXT,                              \
     (place) + offsetof(struct client_settings, api_key_file), NULL, "FILE",                       \
     "a file with the API key to send; wins over QMS_API_KEY", 0, 0},                              \
    {"api_key", NULL, "QMS_API_KEY", OPTION_TEXT,                                                  \
     (place) + offsetof(struct client_settings, api_key), NULL, NULL,                              \
     "the API key itself; no option, since others can see the options of a program", 0, 0}

/* options_parse() with the command's table, and its number of operands checked. */
QMS_MUST_CHECK bool command_parse(const struct command *command, void *settings, int *count,
                                  char **arguments, struct arena *arena, struct qms_error *error);

/* Says "qms NAME: text" on standard error and returns the exit code. */
int command_fail(const struct command *command, const struct qms_error *error);

#endif
