/* front_cloud.c: the CloudMC tree, /api/v2. All its routes go one way: who asks, the object in the
 * path, the query, the body, the engine, the answer; what differs is in a table. Content types are
 * not looked at: several documented commands send another one or none. */
#include "front/front_cloud.h"

#include "wire/api_key.h"

/* ---- answers ---- */

static void cloud_finish_error(struct http_exchange *exchange) {
    exchange->status = cloud_encode_error(&exchange->out, exchange->request.ops);
    front_finish(exchange);
}

static void cloud_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    const struct op *op = request->ops;
    struct cloud_answer *answer = request->context;
    if (op->error.code != QMS_OK) {
        cloud_finish_error(exchange);
        return;
    }
    if (op->duplicate) answer->key = (struct text){0}; /* of the first time; this one is nobody's */
    exchange->status = 200;
    cloud_encode(&exchange->out, op, answer);
    front_finish(exchange);
}

/* What the server itself finds. */
void front_cloud_write_error(struct buffer *out, int status, struct text text,
                             const struct http_exchange *exchange) {
    enum cloud_code code = CLOUD_INTERNAL_ERROR;
    if (status == 401) code = CLOUD_INVALID_CREDENTIALS;
    else if (status == 403) code = CLOUD_FORBIDDEN;
    else if (status == 404) code = CLOUD_NOT_FOUND;
    else if (status == 405) code = CLOUD_METHOD_NOT_ALLOWED;
    else if (status == 503) code = CLOUD_UNAVAILABLE;
    else if (status < 500 || status == 505) code = CLOUD_MALFORMED_REQUEST;
    cloud_encode_failure(out, code, text,
                         status == 405 ? http_method_name(exchange->method) : NULL);
}

/* ---- what a route takes ---- */

/* The segments of /api/v2/quotas/{id} and of /api/v2/services/connections/{id}. */
enum { SEGMENT_ID = 3, SEGMENT_SERVICE_ID = 4, SEGMENT_BINDING = 5, SEGMENT_ASSIGNED = 6 };

static const struct cloud_route {
    size_t id_segment;  /* 0: none */
    const char *type;   /* of the object in the path */
    bool (*query)(struct http_exchange *exchange, struct op *op);
} cloud_routes[OP_COUNT] = {
    [OP_ORGANIZATION_GET] = {SEGMENT_ID, "organization", NULL},
    [OP_ORGANIZATION_UPDATE] = {SEGMENT_ID, "organization", NULL},
    [OP_ORGANIZATION_DELETE] = {SEGMENT_ID, "organization", NULL},
    [OP_CONNECTION_MANAGEABLE] = {SEGMENT_ID, "organization", NULL},
    [OP_CLOUD_USER_GET] = {SEGMENT_ID, "user", NULL},
    [OP_CLOUD_USER_UPDATE] = {SEGMENT_ID, "user", NULL},
    [OP_CLOUD_USER_DELETE] = {SEGMENT_ID, "user", NULL},
    [OP_BINDING_LIST] = {SEGMENT_ID, "user", NULL},
    [OP_BINDING_CREATE] = {SEGMENT_ID, "user", NULL},
    [OP_BINDING_DELETE] = {SEGMENT_ID, "user", NULL},
    [OP_API_KEY_REVOKE] = {SEGMENT_ID, "apiKey", NULL},
    [OP_CONNECTION_GET] = {SEGMENT_SERVICE_ID, "serviceConnection", NULL},
    [OP_CONNECTION_ASSIGNED] = {SEGMENT_SERVICE_ID, "serviceConnection", NULL},
    [OP_CONNECTION_UNASSIGN] = {SEGMENT_SERVICE_ID, "serviceConnection", NULL},
    [OP_ENVIRONMENT_GET] = {SEGMENT_ID, "environment", NULL},
    [OP_ENVIRONMENT_UPDATE] = {SEGMENT_ID, "environment", NULL},
    [OP_ENVIRONMENT_DELETE] = {SEGMENT_ID, "environment", NULL},
    [OP_CLOUD_QUOTA_LIST] = {0, NULL, front_cloud_relation},
    [OP_CLOUD_QUOTA_GET] = {SEGMENT_ID, "quota", NULL},
    [OP_CLOUD_QUOTA_UPDATE] = {SEGMENT_ID, "quota", NULL},
    [OP_CLOUD_QUOTA_DELETE] = {SEGMENT_ID, "quota", front_cloud_substitute},
    [OP_CLOUD_QUOTA_DEFAULT] = {SEGMENT_ID, "quota", front_cloud_default},
    [OP_TASK_GET] = {SEGMENT_ID, "task", NULL},
};

/* POST /quotas/apply is a path of its own, which only looks like that of a quota. */
static bool cloud_is_apply(struct http_exchange *exchange, struct text segment) {
    if (exchange->segment_count != SEGMENT_ID + 1 || !text_equal(segment, TEXT("apply")) ||
        !text_equal(exchange->segments[SEGMENT_ID - 1], TEXT("quotas")))
        return false;
    exchange->status = 405;
    exchange->headers_out = TEXT("Allow: POST\r\n");
    cloud_encode_failure(&exchange->out, CLOUD_METHOD_NOT_ALLOWED, TEXT("Method Not Allowed"),
                         http_method_name(exchange->method));
    front_finish(exchange);
    return true;
}

/* What is no UUID is no object's id. */
static bool cloud_id(struct http_exchange *exchange, size_t segment, const char *type,
                     struct uuid *id) {
    struct op *op = exchange->request.ops;
    struct text given = exchange->segments[segment];
    if (uuid_parse(given, id)) return true;
    if (cloud_is_apply(exchange, given)) return false;
    op->cloud = (struct cloud_error){.code = CLOUD_NOT_FOUND};
    cloud_error_text(&op->cloud, "id", given);
    cloud_error_text(&op->cloud, "type", text_of(type));
    qms_fail(&op->error, QMS_NOT_FOUND, "the %s was not found", type);
    cloud_finish_error(exchange);
    return false;
}

static bool cloud_path(struct http_exchange *exchange, struct op *op) {
    const struct cloud_route *route = &cloud_routes[op->operation];
    if (route->id_segment > 0 &&
        !cloud_id(exchange, route->id_segment, route->type, &op->target_id))
        return false;
    switch (op->operation) {
    case OP_BINDING_DELETE:
        return cloud_id(exchange, SEGMENT_BINDING, "additionalRole", &op->in.binding.binding_id);
    case OP_CONNECTION_UNASSIGN:
        op->in.connection.has_organization = true;
        return cloud_id(exchange, SEGMENT_ASSIGNED, "organization",
                        &op->in.connection.organization_id);
    case OP_DESCRIPTOR_GET: op->in.descriptor_type = exchange->segments[SEGMENT_SERVICE_ID]; break;
    default: break;
    }
    return true;
}

/* ---- the way of every request ---- */

static void cloud_submit(struct front *front, struct http_exchange *exchange) {
    struct op *op = exchange->request.ops;
    struct cloud_answer *answer = exchange->request.context;
    if (op->operation == OP_API_KEY_CREATE) {
        char *key = arena_take(answer->arena, API_KEY_TEXT_BYTES);
        api_key_make(key);
        answer->key = (struct text){key, API_KEY_TEXT_BYTES};
        api_key_hash(answer->key, op->in.api_key.hash);
    }
    front_submit(front, exchange, cloud_done);
}

static struct cloud_answer *cloud_answer_open(const struct front *front,
                                              struct http_exchange *exchange) {
    struct arena *arena = &exchange->request.arena;
    struct cloud_answer *answer = arena_take_zeroed(arena, 1, sizeof *answer);
    answer->plugins = front->plugins;
    answer->arena = arena;
    exchange->request.context = answer;
    return answer;
}

/* Everything but the body. False: the exchange has been answered. */
static bool cloud_open(struct front *front, struct http_exchange *exchange) {
    enum operation operation = exchange->route->operation;
    struct op *op = request_single(&exchange->request, operation);
    struct cloud_answer *answer = cloud_answer_open(front, exchange);
    if (!cloud_path(exchange, op)) return false;
    bool (*query)(struct http_exchange *, struct op *) = cloud_routes[operation].query;
    if ((query == NULL || query(exchange, op)) && front_cloud_page(exchange, op, &answer->page))
        return true;
    cloud_finish_error(exchange);
    return false;
}

void front_cloud(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    if (!cloud_open(front, exchange)) return;
    struct op *op = exchange->request.ops;
    bool is_read = !cloud_decodes(op->operation) ||
                   cloud_decode(exchange->body, &exchange->request.arena, op);
    /* After the body: what it says of the organization goes first. */
    if (is_read && front_cloud_organization(exchange, op)) cloud_submit(front, exchange);
    else cloud_finish_error(exchange);
}

void front_cloud_mark_reseller(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    if (!cloud_open(front, exchange)) return;
    struct op *op = exchange->request.ops;
    op->in.organization.has_reseller = true;
    op->in.organization.is_reseller = true;
    cloud_submit(front, exchange);
}
