/* front_v1.h: what the handlers of the /v1 tree share (qms-http 1.2 and 3). */
#ifndef QMS_FRONT_FRONT_V1_H
#define QMS_FRONT_FRONT_V1_H

#include "front/front.h"
#include "front/front_query.h"
#include "wire/v1_json.h"

/* Answers with the failure, in the words of the operation where the cause is ours. */
void front_v1_fail(struct http_exchange *exchange, const struct qms_error *error);

/* Hands the exchange's one operation to the engine, and answers with what becomes of it. */
void front_v1_submit(struct front *front, struct http_exchange *exchange);

/* The user of the path, by the rule for names; answers and returns false when it is none. */
bool front_v1_user(struct front *front, struct http_exchange *exchange, struct op *op);

/* Whether a body may be read at all: JSON, or nothing. Answers and returns false if not. */
bool front_v1_body(struct http_exchange *exchange, const char *prefix);

struct front_query front_v1_query(struct http_exchange *exchange);

#endif
