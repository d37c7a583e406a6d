/* listener.h: where a server is to listen, as the command line says it.
 * Only addresses are taken, no names but localhost: what a name stands for may change behind the
 * back of whoever trusted it to be loopback. */
#ifndef QMS_CLI_LISTENER_H
#define QMS_CLI_LISTENER_H

#include "base/error.h"

struct listener {
    char address[64];    /* without brackets */
    char authority[96];  /* as in a URL, without the port: "127.0.0.1", "[::1]" */
    int port;            /* 0: any that is free */
    bool is_loopback;
};

/* "ADDR:PORT", "[ADDR]:PORT" for IPv6, "localhost:PORT". */
QMS_MUST_CHECK bool listener_read(const char *text, struct listener *listener,
                                  struct qms_error *error);

#endif
