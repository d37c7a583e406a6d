/* front_root.h: what the handlers of the root tree share (qms-http 1.1 and 2). */
#ifndef QMS_FRONT_FRONT_ROOT_H
#define QMS_FRONT_FRONT_ROOT_H

#include "front/front.h"
#include "wire/qms_message.h"

/* Answers with the response message of the exchange's operation, a success or a failure. */
void front_root_answer(struct http_exchange *exchange);

/* Hands the exchange's operation to the engine, and answers with what becomes of it. */
void front_root_submit(struct front *front, struct http_exchange *exchange);

/* Resolves a user name into the operation's; answers and returns false when it is none. */
bool front_root_user(struct front *front, struct http_exchange *exchange, struct text given);

/* A segment of the path as an id; answers and returns false when it is none. name is the route's
 * for it. */
bool front_root_id(struct http_exchange *exchange, size_t segment, const char *name,
                   struct uuid *id);

/* The body into the exchange's operation; answers and returns false when it cannot be that. */
bool front_root_decode(struct http_exchange *exchange, enum qms_named named);

#endif
