/* front_v2.c: our own tree: POST /v2/usages and GET /v2/overages. */
#include "front/front.h"
#include "front/front_input.h"
#include "front/front_key.h"
#include "wire/v2_json.h"

static void v2_answer_problem(struct http_exchange *exchange, int status, const char *detail) {
    exchange->status = status;
    exchange->content_type_out = TEXT("application/problem+json");
    v2_encode_problem(&exchange->out, status, text_of(detail), exchange->path);
    front_finish(exchange);
}

static void v2_answer_error(struct http_exchange *exchange, const struct qms_error *error) {
    v2_answer_problem(exchange, qms_code_http(error->code),
                      error->code == QMS_INTERNAL ? qms_code_text(QMS_INTERNAL) : error->text);
}

/* POST /v2/usages */

static void v2_answer_usages(struct http_exchange *exchange) {
    exchange->status = 200;
    v2_encode_usages(&exchange->out, &exchange->request);
    front_finish(exchange);
}

/* Nothing of the list was done, and all of it may be sent again. */
static bool v2_is_refused_whole(const struct request *request) {
    for (size_t i = 0; i < request->op_count; i++)
        if (request->ops[i].error.code != QMS_BUSY && request->ops[i].error.code != QMS_UNAVAILABLE)
            return false;
    return request->op_count > 0;
}

static void v2_usages_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    if (v2_is_refused_whole(request)) v2_answer_error(exchange, &request->ops[0].error);
    else v2_answer_usages(exchange);
}

/* An empty list, or one whose items are all wrong in themselves, is nothing for the engine. */
static bool v2_has_work(const struct request *request) {
    for (size_t i = 0; i < request->op_count; i++)
        if (request->ops[i].error.code == QMS_OK) return true;
    return false;
}

/* Every usage has its own id, which works where a key of the whole request cannot: for a part of
 * the list that is sent again with other parts. Two names for one thing are one too many. */
static bool v2_refuses_key(const struct http_exchange *exchange) {
    struct text key;
    struct qms_error error;
    return !front_key_read(exchange, &key, &error) || key.length > 0;
}

void front_usages_record(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    struct qms_error error;
    if (v2_refuses_key(exchange))
        v2_answer_problem(exchange, 400,
                          "Idempotency-Key has no place here: every usage has its own id");
    else if (exchange->body.length > 0 && !front_input_is_json(exchange->content_type))
        v2_answer_problem(exchange, 415, "the body must be application/json");
    else if (!v2_decode_usages(exchange->body, &front->usernames, &exchange->request, &error))
        v2_answer_error(exchange, &error);
    else if (v2_has_work(&exchange->request)) front_submit(front, exchange, v2_usages_done);
    else v2_answer_usages(exchange);
}

/* GET /v2/overages */

static void v2_overages_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    const struct op *op = request->ops;
    if (op->error.code != QMS_OK) {
        v2_answer_error(exchange, &op->error);
        return;
    }
    exchange->status = 200;
    v2_encode_overages(&exchange->out, op);
    front_finish(exchange);
}

static bool v2_limit(struct text text, int64_t *limit) {
    int64_t number = 0;
    if (text.length == 0 || text.length > 9) return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *limit = number;
    return number >= 1 && number <= OVERAGE_LINES_MAX;
}

/* Parameters that are not known are refused: a misspelt one must not be taken for none. */
static bool v2_overages_query(struct http_exchange *exchange, struct op *op,
                              struct qms_error *error) {
    struct text query = exchange->query, name, value;
    bool malformed;
    op->in.listing.limit = OVERAGE_LINES_MAX;
    while (front_input_parameter(&query, &exchange->request.arena, &name, &value, &malformed)) {
        if (text_equal(name, TEXT("after"))) {
            op->in.listing.after = value;
        } else if (!text_equal(name, TEXT("limit"))) {
            return qms_fail(error, QMS_BAD_REQUEST, "unknown query parameter: %.*s",
                            TEXT_ARGUMENTS(name));
        } else if (!v2_limit(value, &op->in.listing.limit)) {
            return qms_fail(error, QMS_BAD_REQUEST, "limit must be a number from 1 to %d",
                            OVERAGE_LINES_MAX);
        }
    }
    return !malformed || qms_fail(error, QMS_BAD_REQUEST, "the query cannot be decoded");
}

void front_overages_report(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_OVERAGE_REPORT);
    struct qms_error error;
    if (v2_overages_query(exchange, op, &error)) front_submit(context, exchange, v2_overages_done);
    else v2_answer_error(exchange, &error);
}
