/* front_v1_subscriptions.c: the /v1 tree: subscriptions and listings (V9, V10, V13, V14, V18,
 * V19). */
#include "front/front_key.h"
#include "front/front_listing.h"
#include "front/front_v1.h"

enum { SEGMENT_USER = 2, SEGMENT_PLAN = 3 };
enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, LIMIT_NONE = -1 };

/* ---- V9: bulk creation ---- */

static void v1_bulk_answer(struct http_exchange *exchange) {
    exchange->status = 200;
    v1_encode_subscription_responses(&exchange->out, &exchange->request);
    front_finish(exchange);
}

/* Nothing of the list was done, and all of it may be sent again. */
static bool v1_bulk_is_refused(const struct request *request) {
    for (size_t i = 0; i < request->op_count; i++) {
        enum qms_code code = request->ops[i].error.code;
        if (code != QMS_BUSY && code != QMS_UNAVAILABLE) return false;
    }
    return request->op_count > 0;
}

static void v1_bulk_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    if (v1_bulk_is_refused(request)) front_v1_fail(exchange, &request->ops[0].error);
    else v1_bulk_answer(exchange);
}

static bool v1_bulk_force(struct http_exchange *exchange, bool *force, struct qms_error *error) {
    struct front_query query = front_v1_query(exchange);
    struct qms_error cause;
    bool has;
    *force = true;
    if (front_query_bool(&query, TEXT("force"), &has, force, &cause)) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "invalid value for query parameter, force: %s",
                    cause.text);
}

void front_v1_subscriptions_add(void *context, struct http_exchange *exchange) {
    struct front *front = context;
    struct qms_error error;
    bool force;
    if (!v1_bulk_force(exchange, &force, &error)) {
        front_v1_fail(exchange, &error);
        return;
    }
    if (!front_v1_body(exchange, "invalid request body: ")) return;
    struct text key;
    if (!front_key_read(exchange, &key, &error) ||
        !v1_decode_subscriptions(exchange->body, &front->usernames, force, &exchange->request,
                                 &error))
        front_v1_fail(exchange, &error);
    else if (exchange->request.op_count == 0) v1_bulk_answer(exchange);
    else front_submit(front, exchange, v1_bulk_done);
}

/* ---- listings ---- */

static const struct front_listing v1_listing = {
    .begin = v1_encode_listing_begin,
    .rows = v1_encode_listing_rows,
    .end = v1_encode_listing_end,
    .fail = front_v1_fail,
};

static bool v1_listing_query(struct http_exchange *exchange, struct listing_input *input,
                             struct qms_error *error) {
    static const struct text fields[] = {
        [SORT_USERNAME] = TEXT("username"),
        [SORT_START_DATE] = TEXT("start-date"),
        [SORT_END_DATE] = TEXT("end-date"),
    };
    static const struct text directions[] = {TEXT("asc"), TEXT("desc")};
    struct front_query query = front_v1_query(exchange);
    size_t field = SORT_USERNAME, direction = 0;
    input->limit = LIMIT_DEFAULT;
    if (!front_query_integer(&query, TEXT("offset"), 0, INT32_MAX, &input->offset, error) ||
        !front_query_integer(&query, TEXT("limit"), 0, LIMIT_MAX, &input->limit, error) ||
        !front_query_word(&query, TEXT("sort-field"), fields, 3, &field, error) ||
        !front_query_word(&query, TEXT("sort-dir"), directions, 2, &direction, error) ||
        !front_query_text(&query, TEXT("search"), &input->search, error))
        return false;
    input->sort_field = (enum sort_field)field;
    input->descending = direction == 1;
    return true;
}

/* V10 */
void front_v1_subscriptions(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_SUBSCRIPTION_LIST);
    struct qms_error error;
    if (v1_listing_query(exchange, &op->in.listing, &error))
        front_listing_submit(context, exchange, &v1_listing);
    else front_v1_fail(exchange, &error);
}

/* V13 */
void front_v1_updates(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_UPDATE_LIST);
    op->in.listing.limit = LIMIT_NONE;
    op->in.listing.must_exist = true;
    if (front_v1_user(context, exchange, op))
        front_listing_submit(context, exchange, &v1_listing);
}

/* V14 */
void front_v1_users(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_USER_LIST);
    op->in.listing.limit = LIMIT_NONE;
    front_listing_submit(context, exchange, &v1_listing);
}

/* V19 */
void front_v1_user_subscriptions(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_SUBSCRIPTION_LIST_USER);
    struct listing_input *input = &op->in.listing;
    struct front_query query = front_v1_query(exchange);
    struct qms_error error;
    bool has;
    input->limit = LIMIT_NONE;
    if (!front_v1_user(context, exchange, op)) return;
    if (front_query_bool(&query, TEXT("include-expired"), &has, &input->include_expired,
                         &error) &&
        front_query_date(&query, TEXT("cutoff"), &input->has_cutoff, &input->cutoff_us, &error))
        front_listing_submit(context, exchange, &v1_listing);
    else front_v1_fail(exchange, &error);
}

/* ---- V18: change of one user's plan ---- */

static bool v1_change_paid(const struct front_query *query, struct subscription_input *input,
                           struct qms_error *error) {
    if (!front_query_bool(query, TEXT("paid"), &input->has_paid, &input->paid, error))
        return false;
    return input->has_paid ||
           qms_fail(error, QMS_BAD_REQUEST, "missing required query parameter: paid");
}

static bool v1_change_window(const struct front_query *query, struct op *op,
                             struct qms_error *error) {
    struct subscription_input *input = &op->in.subscription;
    if (!front_query_integer(query, TEXT("periods"), 0, INT32_MAX, &input->periods, error) ||
        !front_query_date(query, TEXT("start-date"), &input->has_start, &input->start_us, error) ||
        !front_query_date(query, TEXT("end-date"), &input->has_end, &input->end_us, error))
        return false;
    op->needs_history = input->has_start;
    op->facts_from_us = input->start_us;
    return true;
}

void front_v1_user_change(void *context, struct http_exchange *exchange) {
    struct op *op = request_single(&exchange->request, OP_SUBSCRIPTION_CHANGE);
    struct front_query query = front_v1_query(exchange);
    struct qms_error error;
    op->in.subscription.plan_name = exchange->segments[SEGMENT_PLAN];
    if (!v1_change_paid(&query, &op->in.subscription, &error)) {
        front_v1_fail(exchange, &error);
        return;
    }
    if (!front_v1_user(context, exchange, op)) return;
    if (v1_change_window(&query, op, &error))
        front_v1_submit(context, exchange);
    else front_v1_fail(exchange, &error);
}
