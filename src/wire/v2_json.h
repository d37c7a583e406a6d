/* v2_json.h: our own tree: POST /v2/usages, GET /v2/overages, errors as RFC 9457 documents.
 * Strict: names are exact and unknown members are errors: a misspelt member must not become a
 *         change that its sender did not mean. Only usage_value may be a number or a string that
 *         holds one. */
#ifndef QMS_WIRE_V2_JSON_H
#define QMS_WIRE_V2_JSON_H

#include "base/buffer.h"
#include "domain/username.h"
#include "engine/request.h"

/* Decodes the list into request->ops, one OP_USAGE_RECORD each with key and content set. An item
 * that is wrong in itself has its error set and is skipped by the engine; key is its id as sent,
 * with data NULL when there was no string. Texts point into the body, or into the request's arena.
 * Fails when the body as a whole is wrong: BAD_REQUEST (not JSON, repeated names, not an array) or
 * TOO_LARGE (more than USAGE_ITEMS_MAX items). */
QMS_MUST_CHECK bool v2_decode_usages(struct text body, const struct username_rule *rule,
                                     struct request *request, struct qms_error *error);

/* {"results":[{"id","status":"applied|duplicate|error","error"?}]} and a newline, in the order of
 * the items; error is a problem document: {"type":"about:blank","title","status","detail"}. */
void v2_encode_usages(struct buffer *out, const struct request *request);

/* A page of OP_OVERAGE_REPORT and a newline: {"overages":[{"username","resource_name","quota",
 * "usage"}],"next"}; next is the name to go on after, null on the last page. */
void v2_encode_overages(struct buffer *out, const struct op *op);

/* A problem document and a newline; instance is the path, left out when empty. */
void v2_encode_problem(struct buffer *out, int status, struct text detail, struct text instance);

#endif
