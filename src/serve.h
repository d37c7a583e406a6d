/* serve.h: qms serve: opens the parts of the server, wires them, runs until a signal, drains.
 * Order of life: store, engine, HTTP server; they stop in the opposite order. */
#ifndef QMS_SERVE_H
#define QMS_SERVE_H

#include "cli/command.h"

/* command_fail() for what opens a database itself. What a store could not do has a fixed text, made
 * for clients; who started the command has the log before him. */
int serve_fail(const struct command *command, struct qms_error *error);

extern const struct command command_serve;
extern const struct command command_migrate;
extern const struct command command_copy;
extern const struct command command_verify;
extern const struct command commands_apikey[]; /* apikey ... */

#endif
