/* front_v1.c: the /v1 tree: service, plans, resource types, usages and users (V1-V8, V11-V17,
 * V20-V23). */
#include "front/front_v1.h"

#include <stdio.h>

#include "base/limits.h"
#include "front/front_input.h"

/* Where the routes have their parameters: /v1/plans/{id}, /v1/users/{name}/plan/{resource}/quota */
enum { SEGMENT_ID = 2, SEGMENT_USER = 2, SEGMENT_RESOURCE = 4 };

static void v1_encode_success(struct buffer *out, const struct op *op) {
    (void)op;
    v1_encode_text(out, TEXT("Success"));
}

static void v1_encode_reported(struct buffer *out, const struct op *op) {
    char text[USERNAME_BYTES_MAX + 64];
    int length = snprintf(text, sizeof text, "successfully updated the usage for: %.*s",
                          TEXT_ARGUMENTS(op->username));
    v1_encode_text(out, (struct text){.data = text, .length = (size_t)length});
}

/* Per operation: what a failure of ours is called (qms-operations; the cause is in the log), and
 * how a success is written; listings write themselves in parts. */
static const struct {
    const char *failure;
    void (*encode)(struct buffer *out, const struct op *op);
} answers[OP_COUNT] = {
    [OP_SUMMARY_GET] = {"unable to look up the user's active subscription",
                        v1_encode_subscription},
    [OP_USER_ENSURE] = {"unable to look up the user's active subscription", v1_encode_success},
    [OP_USER_LIST] = {"unable to list the users", NULL},
    [OP_UPDATE_LIST] = {"unable to look up the usage updates", NULL},
    [OP_USAGE_SHOW] = {"unable to look up the usages", v1_encode_usages},
    [OP_USAGE_REPORT] = {"unable to record the usage", v1_encode_reported},
    [OP_QUOTA_SET_USER] = {"unable to save the quota", v1_encode_subscription_response},
    [OP_SUBSCRIPTION_CHANGE] = {"unable to add the subscription", v1_encode_subscription},
    [OP_SUBSCRIPTION_LIST] = {"unable to list the subscriptions", NULL},
    [OP_SUBSCRIPTION_LIST_USER] = {"unable to list the user's subscriptions", NULL},
    [OP_PLAN_LIST] = {"unable to list the plans", v1_encode_plans},
    [OP_PLAN_GET] = {"unable to look up the plan", v1_encode_plan},
    [OP_PLAN_ADD] = {"unable to save the plan", v1_encode_success},
    [OP_PLAN_RATE_ACTIVE] = {"unable to look up the active plan rate", v1_encode_rate},
    [OP_PLAN_DEFAULTS_ACTIVE] = {"unable to look up the active plan quota defaults",
                                 v1_encode_defaults},
    [OP_PLAN_RATES_ADD] = {"unable to save the plan rates", v1_encode_plan},
    [OP_PLAN_DEFAULTS_ADD] = {"unable to save the plan quota defaults", v1_encode_plan},
    [OP_RESOURCE_LIST] = {"unable to list the resource types", v1_encode_resource_types},
    [OP_RESOURCE_GET] = {"unable to look up the resource type", v1_encode_resource_type},
    [OP_RESOURCE_ADD] = {"unable to save the resource type", v1_encode_resource_type},
    [OP_RESOURCE_UPDATE] = {"unable to update the resource type", v1_encode_resource_type},
};

void front_v1_fail(struct http_exchange *exchange, const struct qms_error *error) {
    struct qms_error shown = *error;
    const char *failure = answers[exchange->route->operation].failure;
    if (shown.code == QMS_INTERNAL && failure != NULL)
        qms_fail(&shown, QMS_INTERNAL, "%s", failure);
    exchange->status = qms_code_http(shown.code);
    v1_encode_error(&exchange->out, &shown);
    front_finish(exchange);
}

static void v1_fail_text(struct http_exchange *exchange, const char *text) {
    struct qms_error error;
    qms_fail(&error, QMS_BAD_REQUEST, "%s", text);
    front_v1_fail(exchange, &error);
}

static void v1_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    const struct op *op = request->ops;
    if (op->error.code != QMS_OK) {
        front_v1_fail(exchange, &op->error);
        return;
    }
    exchange->status = 200;
    answers[op->operation].encode(&exchange->out, op);
    front_finish(exchange);
}

void front_v1_submit(struct front *front, struct http_exchange *exchange) {
    front_submit(front, exchange, v1_done);
}

bool front_v1_user(struct front *front, struct http_exchange *exchange, struct op *op) {
    struct qms_error error;
    if (username_resolve(&front->usernames, exchange->segments[SEGMENT_USER], &op->username,
                         &error))
        return true;
    front_v1_fail(exchange, &error);
    return false;
}

bool front_v1_body(struct http_exchange *exchange, const char *prefix) {
    if (exchange->body.length == 0 || front_input_is_json(exchange->content_type)) return true;
    struct qms_error error;
    qms_fail(&error, QMS_BAD_REQUEST, "%sthe body must be application/json", prefix);
    front_v1_fail(exchange, &error);
    return false;
}

struct front_query front_v1_query(struct http_exchange *exchange) {
    return (struct front_query){.text = exchange->query, .arena = &exchange->request.arena};
}

/* V1 */
void front_v1_service(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    v1_encode_service(&exchange->out);
    front_finish(exchange);
}

/* ---- plans ---- */

static bool v1_plan_id(struct http_exchange *exchange, struct op *op) {
    if (uuid_parse(exchange->segments[SEGMENT_ID], &op->in.plan.id)) return true;
    v1_fail_text(exchange, "the plan ID must be a valid UUID");
    return false;
}

void front_v1_plans(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_PLAN_LIST);
    front_v1_submit(context, exchange);
}

void front_v1_plan_add(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_ADD);
    struct qms_error error;
    op->v1 = true; /* refusals in this tree's words */
    if (!front_v1_body(exchange, "")) return;
    if (v1_decode_plan(exchange->body, &exchange->request.arena, op, &error))
        front_v1_submit(context, exchange);
    else front_v1_fail(exchange, &error);
}

void front_v1_plan(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_GET);
    if (v1_plan_id(exchange, op)) front_v1_submit(context, exchange);
}

void front_v1_plan_active_rate(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_RATE_ACTIVE);
    if (v1_plan_id(exchange, op)) front_v1_submit(context, exchange);
}

void front_v1_plan_active_defaults(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_DEFAULTS_ACTIVE);
    if (v1_plan_id(exchange, op)) front_v1_submit(context, exchange);
}

void front_v1_plan_defaults_add(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_DEFAULTS_ADD);
    struct qms_error error;
    if (!v1_plan_id(exchange, op) || !front_v1_body(exchange, "")) return;
    if (v1_decode_plan_defaults(exchange->body, &exchange->request.arena, op, &error))
        front_v1_submit(context, exchange);
    else front_v1_fail(exchange, &error);
}

void front_v1_plan_rates_add(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_PLAN_RATES_ADD);
    struct qms_error error;
    if (!v1_plan_id(exchange, op) || !front_v1_body(exchange, "")) return;
    if (v1_decode_plan_rates(exchange->body, &exchange->request.arena, op, &error))
        front_v1_submit(context, exchange);
    else front_v1_fail(exchange, &error);
}

/* ---- resource types ---- */

static bool v1_resource_id(struct http_exchange *exchange, struct op *op) {
    if (uuid_parse(exchange->segments[SEGMENT_ID], &op->in.resource.id)) return true;
    v1_fail_text(exchange, "the resource type ID must be a valid UUID");
    return false;
}

void front_v1_resource_types(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_RESOURCE_LIST);
    front_v1_submit(context, exchange);
}

void front_v1_resource_type(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_RESOURCE_GET);
    if (v1_resource_id(exchange, op)) front_v1_submit(context, exchange);
}

static void v1_resource_write(struct front *front, struct http_exchange *exchange, struct op *op) {
    struct qms_error error;
    if (!front_v1_body(exchange, "invalid request body: ")) return;
    if (v1_decode_resource_type(exchange->body, &exchange->request.arena, op, &error))
        front_v1_submit(front, exchange);
    else front_v1_fail(exchange, &error);
}

void front_v1_resource_type_add(void *context, struct http_exchange *exchange) {
    v1_resource_write(context, exchange, request_single(&exchange->request, OP_RESOURCE_ADD));
}

void front_v1_resource_type_update(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_RESOURCE_UPDATE);
    if (v1_resource_id(exchange, op)) v1_resource_write(context, exchange, op);
}

/* ---- usages ---- */

void front_v1_usages(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_USAGE_SHOW);
    if (front_v1_user(context, exchange, op)) front_v1_submit(context, exchange);
}

void front_v1_usage_report(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    struct op *op = request_single(&exchange->request, OP_USAGE_REPORT);
    struct qms_error error;
    if (exchange->body.length > 0 && !front_input_is_json(exchange->content_type))
        v1_fail_text(exchange, "invalid request body");
    else if (v1_decode_usage(exchange->body, &front->usernames, &exchange->request.arena, op,
                             &error))
        front_v1_submit(front, exchange);
    else front_v1_fail(exchange, &error);
}

/* ---- users ---- */

void front_v1_user_ensure(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_USER_ENSURE);
    if (front_v1_user(context, exchange, op))
        front_v1_submit(context, exchange);
}

void front_v1_user_plan(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_SUMMARY_GET);
    if (front_v1_user(context, exchange, op))
        front_v1_submit(context, exchange);
}

void front_v1_user_quota(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    struct op *op = request_single(&exchange->request, OP_QUOTA_SET_USER);
    struct text given = exchange->segments[SEGMENT_USER];
    struct qms_error error;
    if (!username_resolve(&front->usernames, given, &op->username, &error)) {
        qms_fail(&error, QMS_BAD_REQUEST, "invalid username provided in request: '%.*s'",
                 TEXT_ARGUMENTS(given));
        front_v1_fail(exchange, &error);
        return;
    }
    op->in.quota.resource_name = exchange->segments[SEGMENT_RESOURCE];
    if (!front_v1_body(exchange, "invalid request body: ")) return;
    if (v1_decode_quota(exchange->body, &exchange->request.arena, op, &error))
        front_v1_submit(front, exchange);
    else front_v1_fail(exchange, &error);
}
