/* front_auth.h: who asks over HTTP, by the key that comes with the request, and whether he may.
 * Keys:     MC-Api-Key: KEY, or Authorization: Bearer KEY; found by their SHA-256, so that what is
 *           compared says nothing of a key. A key is good from the moment its directory is.
 * Rights:   operations of the QMS trees want the right that their access names. Those that look at
 *           permissions themselves (ACCESS_BY_PERMISSION) want a key, whatever the settings.
 * Failures: are answered 401, counted and logged, without the key, by address. Beyond
 *           AUTH_FAILURES_MAX an address's failures, and only they, are slowed down: whoever has a
 *           good key is never kept out by a neighbour behind the same address.
 * Use:      the last one of each key is recorded, once a minute at most, by an operation of the
 *           engine.
 * Threads:  any. */
#ifndef QMS_FRONT_FRONT_AUTH_H
#define QMS_FRONT_FRONT_AUTH_H

#include "engine/engine.h"
#include "front/http_server.h"

struct front_auth;

/* required: every route that is not open wants a key; else only those for keys. */
struct front_auth *front_auth_open(struct engine *engine, struct metrics *metrics, bool required);
/* The engine has stopped, and no request comes any more. */
void front_auth_close(struct front_auth *auth);

/* For http_server_options.admit; context is a struct front. */
bool front_admit(void *context, struct http_exchange *exchange, const struct http_head *head,
                 struct http_refusal *refusal);

#endif
