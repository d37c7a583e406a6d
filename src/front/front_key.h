/* front_key.h: the idempotency key of a request: with it an operation that writes is
 * done once, however often the request arrives. One place for all routes and subjects: whether an
 * operation takes a key follows from the list of operations.
 * Scope: a key belongs to one operation of one account. Operations of a list have the key with
 * their place in the list behind it. */
#ifndef QMS_FRONT_FRONT_KEY_H
#define QMS_FRONT_FRONT_KEY_H

#include "front/http_server.h"

/* Inside a handler: the key the client gave, without the quotes of a structured field, pointing
 * into the head; empty when it gave none. False: it is none that can be used. */
bool front_key_read(const struct http_exchange *exchange, struct text *key,
                    struct qms_error *error);

/* The rules for a key, whatever header it came in: what was given, found times. False: it is none
 * that can be used. */
bool front_key_check(const char *header, struct text given, size_t found, struct text *key,
                     struct qms_error *error);

/* Does the request write, so that a key means something? */
bool front_key_is_wanted(const struct request *request);

/* Gives the key to the operations of the request that write. */
void front_key_give(struct request *request, struct text key);

/* Inside a handler: gives the key to the operations of exchange->request that write. False: it
 * cannot be used, and every operation carries the error. */
bool front_key_apply(struct http_exchange *exchange);

#endif
