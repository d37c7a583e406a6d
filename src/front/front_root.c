/* front_root.c: the root tree: hello and users (R1 to R9). */
#include "front/front_root.h"

#include "front/front_input.h"
#include "front/front_listing.h"

/* Where the routes of users have their parameters. */
enum { SEGMENT_USER = 1, SEGMENT_RESOURCE = 3 };

/* ---- what all routes share ---- */

void front_root_answer(struct http_exchange *exchange) {
    const struct op *op = exchange->request.ops;
    exchange->status = qms_code_http(op->error.code);
    qms_body_encode(&exchange->out, op);
    front_finish(exchange);
}

/* The plain form, for what is found before there is an operation (1.1). */
static void root_answer_message(struct http_exchange *exchange, const struct qms_error *error) {
    exchange->status = qms_code_http(error->code);
    qms_body_encode_message(&exchange->out, text_of(error->text));
    front_finish(exchange);
}

static void root_done(struct request *request) {
    front_root_answer(front_exchange(request));
}

void front_root_submit(struct front *front, struct http_exchange *exchange) {
    front_submit(front, exchange, root_done);
}

bool front_root_user(struct front *front, struct http_exchange *exchange, struct text given) {
    struct op *op = exchange->request.ops;
    if (username_resolve(&front->usernames, given, &op->username, &op->error)) return true;
    front_root_answer(exchange);
    return false;
}

bool front_root_id(struct http_exchange *exchange, size_t segment, const char *name,
                   struct uuid *id) {
    struct qms_error error;
    if (uuid_parse(exchange->segments[segment], id)) return true;
    qms_fail(&error, QMS_BAD_REQUEST, "%s must be a UUID", name);
    root_answer_message(exchange, &error);
    return false;
}

static enum qms_fault root_body(struct http_exchange *exchange, enum qms_named named,
                                struct qms_error *error) {
    struct op *op = exchange->request.ops;
    if (exchange->body.length > 0 && !front_input_is_json(exchange->content_type)) {
        qms_body_undecodable(op->operation, error); /* not 415 (qms-http 1) */
        return QMS_FAULT_MESSAGE;
    }
    return qms_body_decode(exchange->body, named, &exchange->request.arena, op, error);
}

bool front_root_decode(struct http_exchange *exchange, enum qms_named named) {
    struct qms_error error;
    switch (root_body(exchange, named, &error)) {
    case QMS_FAULT_NONE: return true;
    case QMS_FAULT_MESSAGE: root_answer_message(exchange, &error); break;
    case QMS_FAULT_ENVELOPE:
        exchange->request.ops->error = error;
        front_root_answer(exchange);
        break;
    }
    return false;
}

/* ---- R1 ---- */

void front_hello(void *context, struct http_exchange *exchange) {
    (void)context;
    exchange->status = 200;
    exchange->content_type_out = TEXT("text/plain; charset=UTF-8");
    buffer_put_text(&exchange->out, TEXT("Hello from subscriptions."));
    front_finish(exchange);
}

/* ---- users of the path: R2, R4 to R9 ---- */

static void root_submit_user(struct front *front, struct http_exchange *exchange) {
    if (front_root_user(front, exchange, exchange->segments[SEGMENT_USER]))
        front_root_submit(front, exchange);
}

static void root_write_user(struct front *front, struct http_exchange *exchange,
                            enum operation operation) {
    request_single(&exchange->request, operation);
    if (front_root_decode(exchange, NAMED_BY_PATH)) root_submit_user(front, exchange);
}

void front_summary(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_SUMMARY_GET);
    root_submit_user(context, exchange);
}

static void root_fail_listing(struct http_exchange *exchange, const struct qms_error *error) {
    (void)error; /* the operation's own */
    front_root_answer(exchange);
}

void front_updates(void *context, struct http_exchange *exchange) {
    static const struct front_listing updates = {
        .begin = qms_body_encode_listing_begin,
        .rows = qms_body_encode_listing_rows,
        .end = qms_body_encode_listing_end,
        .fail = root_fail_listing,
    };
    struct op *op = request_single(&exchange->request, OP_UPDATE_LIST);
    op->in.listing.limit = -1; /* all of them */
    if (front_root_user(context, exchange, exchange->segments[SEGMENT_USER]))
        front_listing_submit(context, exchange, &updates);
}

void front_update_add(void *context, struct http_exchange *exchange) {
    root_write_user(context, exchange, OP_UPDATE_ADD);
}

void front_overages(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_OVERAGE_LIST);
    root_submit_user(context, exchange);
}

void front_overage_check(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_OVERAGE_CHECK);
    op->in.resource_name = exchange->segments[SEGMENT_RESOURCE];
    root_submit_user(context, exchange);
}

void front_usages(void *context, struct http_exchange *exchange) {
    request_single(&exchange->request, OP_USAGE_LIST);
    root_submit_user(context, exchange);
}

void front_usage_add(void *context, struct http_exchange *exchange) {
    root_write_user(context, exchange, OP_USAGE_ADD);
}

/* ---- R3: the user is in the body ---- */

void front_user_add(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    struct op *op = request_single(&exchange->request, OP_USER_ADD);
    if (!front_root_decode(exchange, NAMED_BY_MESSAGE) ||
        !front_root_user(front, exchange, op->username))
        return;
    op->in.subscription.keep_larger = front->keep_larger_plan;
    front_root_submit(front, exchange);
}
