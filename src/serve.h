/* serve.h: qms serve: opens the parts of the server, wires them, runs until a signal, drains.
 * Order of life: store, engine, HTTP server; they stop in the opposite order. */
#ifndef QMS_SERVE_H
#define QMS_SERVE_H

#include "cli/command.h"

extern const struct command command_serve;
extern const struct command command_migrate;
extern const struct command command_copy;
extern const struct command command_verify;
extern const struct command commands_apikey[]; /* apikey ... */

#endif
