/* v1_json.h: the JSON of the /v1 tree (qms-http 1.2 and 3): its envelope, its objects, its bodies.
 * Objects are closed: no member is added, and the order is the document's. Timestamps are UTC with
 * trailing zeros of the fraction dropped. */
#ifndef QMS_WIRE_V1_JSON_H
#define QMS_WIRE_V1_JSON_H

#include "base/buffer.h"
#include "domain/username.h"
#include "engine/request.h"

/* Bodies. Each fills the operation's input, checks what the documents check before anything is
 * looked up, in their order and words, and fails with BAD_REQUEST. A body that cannot be decoded
 * says what is wrong where. An empty body is an empty object. */
QMS_MUST_CHECK bool v1_decode_plan(struct text body, struct arena *arena, struct op *op,
                                   struct qms_error *error);
QMS_MUST_CHECK bool v1_decode_plan_defaults(struct text body, struct arena *arena, struct op *op,
                                            struct qms_error *error);
QMS_MUST_CHECK bool v1_decode_plan_rates(struct text body, struct arena *arena, struct op *op,
                                         struct qms_error *error);
QMS_MUST_CHECK bool v1_decode_usage(struct text body, const struct username_rule *rule,
                                    struct arena *arena, struct op *op, struct qms_error *error);
QMS_MUST_CHECK bool v1_decode_quota(struct text body, struct arena *arena, struct op *op,
                                    struct qms_error *error);
QMS_MUST_CHECK bool v1_decode_resource_type(struct text body, struct arena *arena, struct op *op,
                                            struct qms_error *error);
/* A bulk request, one OP_SUBSCRIPTION_CREATE an item; an item that is wrong in itself carries its
 * error already. */
QMS_MUST_CHECK bool v1_decode_subscriptions(struct text body, const struct username_rule *rule,
                                            bool force, struct request *request,
                                            struct qms_error *error);

/* {"result": ..., "status": "OK"} for the outcome of op, or {"error": text, "status": phrase}. One
 * function per shape of result; each ends with a newline. */
void v1_encode_error(struct buffer *out, const struct qms_error *error);
void v1_encode_text(struct buffer *out, struct text result); /* "Success" and its like */
void v1_encode_service(struct buffer *out); /* the constant of V1 */
void v1_encode_plans(struct buffer *out, const struct op *op);
void v1_encode_plan(struct buffer *out, const struct op *op);
void v1_encode_rate(struct buffer *out, const struct op *op);
void v1_encode_defaults(struct buffer *out, const struct op *op);
void v1_encode_resource_types(struct buffer *out, const struct op *op);
void v1_encode_resource_type(struct buffer *out, const struct op *op);
void v1_encode_usages(struct buffer *out, const struct op *op);
void v1_encode_subscription(struct buffer *out, const struct op *op);
/* The same with new_subscription: a SubscriptionResponse. */
void v1_encode_subscription_response(struct buffer *out, const struct op *op);
/* The items of a bulk request, each with its failure_reason when it failed. */
void v1_encode_subscription_responses(struct buffer *out, const struct request *request);

/* A listing in pieces: begin, then rows for every piece, then end. */
void v1_encode_listing_begin(struct buffer *out, const struct op *op);
void v1_encode_listing_rows(struct buffer *out, const struct op *op, bool first);
void v1_encode_listing_end(struct buffer *out, const struct op *op);

#endif
