/* front_root_applied.c: the root tree: add-ons applied to subscriptions (R18 to R25). */
#include "base/log.h"
#include "front/front_root.h"

/* /subscriptions/{sub_uuid}/addons/{addon_uuid}, /subscription-addons/{uuid} */
enum { SEGMENT_ID = 1, SEGMENT_ADDON = 3 };

void front_applieds(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_LIST);
    if (front_root_id(exchange, SEGMENT_ID, "uuid", &op->target_id))
        front_root_submit(context, exchange);
}

void front_addon_apply(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_ADDON_APPLY);
    if (front_root_id(exchange, SEGMENT_ID, "sub_uuid", &op->target_id) &&
        front_root_id(exchange, SEGMENT_ADDON, "addon_uuid", &op->in.applied.addon_id))
        front_root_submit(context, exchange);
}

void front_applied(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_GET);
    if (front_root_id(exchange, SEGMENT_ID, "uuid", &op->target_id))
        front_root_submit(context, exchange);
}

/* The path's id wins over the body's. */
void front_applied_update(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_UPDATE);
    if (front_root_id(exchange, SEGMENT_ID, "uuid", &op->target_id) &&
        front_root_decode(exchange, NAMED_BY_PATH))
        front_root_submit(context, exchange);
}

void front_applied_delete(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_DELETE);
    if (front_root_id(exchange, SEGMENT_ID, "uuid", &op->target_id))
        front_root_submit(context, exchange);
}

/* ---- deprecated: R23 to R25 ----
 * These routes lie: what they call addon_uuid is the id of the subscription add-on, and sub_uuid is
 * not looked at. A client is built on that (qms-http 4), so they stay exactly so. */

static void root_log_deprecated(const struct http_exchange *exchange, struct text replacement) {
    const struct log_member members[] = {
        {.key = "path", .text = exchange->path},
        {.key = "replacement", .text = replacement},
        {0},
    };
    log_write(LOG_WARNING, "deprecated route called", members);
}

void front_applied_deprecated(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_GET);
    root_log_deprecated(exchange, TEXT("GET /subscription-addons/{uuid}"));
    if (front_root_id(exchange, SEGMENT_ADDON, "addon_uuid", &op->target_id))
        front_root_submit(context, exchange);
}

/* Here the body's id counts, and neither of the path's. */
void front_applied_update_deprecated(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_APPLIED_UPDATE);
    root_log_deprecated(exchange, TEXT("POST /subscription-addons/{uuid}"));
    if (front_root_decode(exchange, NAMED_BY_MESSAGE)) front_root_submit(context, exchange);
}

void front_applied_delete_deprecated(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_APPLIED_DELETE);
    root_log_deprecated(exchange, TEXT("DELETE /subscription-addons/{uuid}"));
    if (front_root_id(exchange, SEGMENT_ADDON, "addon_uuid", &op->target_id))
        front_root_submit(context, exchange);
}
