/* front_root_catalogue.c: the root tree: plans, quotas and add-ons (R10 to R17). */
#include "front/front_root.h"

enum { SEGMENT_ID = 1 };

void front_plans(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_PLAN_LIST);
    front_root_submit(context, exchange);
}

static void root_write(struct front *front, struct http_exchange *exchange,
                       enum operation operation) {
    request_single(&exchange->request, operation);
    if (front_root_decode(exchange, NAMED_BY_MESSAGE)) front_root_submit(front, exchange);
}

void front_plan_add(void *context, struct http_exchange *exchange) {
    root_write(context, exchange, OP_PLAN_ADD);
}

void front_plan(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_GET);
    if (front_root_id(exchange, SEGMENT_ID, "plan_id", &op->in.plan.id))
        front_root_submit(context, exchange);
}

void front_quota_set(void *context, struct http_exchange *exchange) {
    root_write(context, exchange, OP_QUOTA_SET);
}

void front_addon_add(void *context, struct http_exchange *exchange) {
    root_write(context, exchange, OP_ADDON_ADD);
}

void front_addons(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_ADDON_LIST);
    front_root_submit(context, exchange);
}

/* The path's id wins over the body's. */
void front_addon_update(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_ADDON_UPDATE);
    struct uuid id;
    if (!front_root_id(exchange, SEGMENT_ID, "uuid", &id)) return;
    if (!front_root_decode(exchange, NAMED_BY_PATH)) return;
    op->in.addon.id = id;
    front_root_submit(context, exchange);
}

void front_addon_delete(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_ADDON_DELETE);
    if (front_root_id(exchange, SEGMENT_ID, "uuid", &op->in.addon.id))
        front_root_submit(context, exchange);
}
