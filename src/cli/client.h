/* client.h: the HTTP client of the command line: one server, calls one by one or several at once.
 * Errors:    a call that got no answer has status 0 and says why in error; any answer, also a 500,
 *            is an answer. client_explain() turns an unwelcome one into an error for people.
 * Bounds:    an answer longer than CLIENT_ANSWER_BYTES_MAX fails the call; every call has a limit
 *            of time.
 * Ownership: the caller keeps the call, and what its body points to, until it has finished.
 * Nothing of a URL but host and port is ever shown: it may hold a password. */
#ifndef QMS_CLI_CLIENT_H
#define QMS_CLI_CLIENT_H

#include "base/buffer.h"
#include "base/error.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:60000"

enum {
    CLIENT_ANSWER_BYTES_MAX = 64 << 20,
    CLIENT_KEY_BYTES_MAX = 128,
    CLIENT_CONNECT_MS_MAX = 5000,
    CLIENT_CALL_MS_MAX = 60000, /* well beyond the server's own limits of waiting */
};

struct client;

struct client_call {
    struct text body;     /* to send as JSON; ignored by client_get() */
    struct buffer answer;
    int status;           /* of HTTP; 0: no answer came */
    struct qms_error error;
    void *easy, *multi;   /* the client's; multi while the call is under way */
};

struct client_settings {
    const char *url;    /* "http://HOST[:PORT][/PREFIX]" or https */
    const char *cacert; /* NULL: the system's certificates */
    const char *api_key_file, *api_key; /* NULL: none; the file wins */
};

/* The texts outlive the client. */
struct client *client_open(const struct client_settings *settings, struct qms_error *error);
void client_close(struct client *client); /* after its calls */

const char *client_server(const struct client *client); /* "HOST:PORT", for messages */

void client_call_init(struct client_call *call);
void client_call_close(struct client_call *call); /* also one that is under way */

/* GET, and waits for its end. path begins with "/" and is percent-encoded where it has to be. */
void client_get(struct client *client, const char *path, struct client_call *call);

/* Sends call->body with that method, and waits for the end. With a key, of letters, digits and
 * dashes, the server does it once however often it comes. Without an answer the error is
 * QMS_OUTCOME_UNKNOWN when the server may have got it, QMS_UNAVAILABLE when it cannot have. */
void client_send(struct client *client, const char *method, const char *path, const char *key,
                 struct client_call *call);

/* Starts a POST of call->body; client_wait() returns the call when it has finished. */
void client_post(struct client *client, const char *path, struct client_call *call);

/* Moves everything under way on, for at most ms or until the descriptor is readable (-1: none); a
 * call that has finished, or NULL. */
struct client_call *client_wait(struct client *client, int ms, int descriptor);

/* Appends one segment of a path, percent-encoded. */
void client_put_segment(struct buffer *path, struct text segment);

/* True for a 200; else fails with what the server said (a problem document, the message of the root
 * tree, the error of the /v1 tree) or with why there was no answer. */
QMS_MUST_CHECK bool client_explain(const struct client *client, const struct client_call *call,
                                   struct qms_error *error);

/* The code behind a status of HTTP, so that scripts see the same exit code. */
enum qms_code client_code(int status);

#endif
