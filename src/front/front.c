#include "front/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "front/front_key.h"
#include "wire/qms_message.h"
#include "wire/v2_json.h"

/* An echo of the service we replace: its framework words what it finds itself like this. */
static void root_write_error(struct buffer *out, int status, struct text text,
                             const struct http_exchange *exchange) {
    char message[256];
    int length = snprintf(message, sizeof message, "code=%d, message=%.*s", status,
                          TEXT_ARGUMENTS(text));
    (void)exchange;
    if (length < 0) length = 0;
    if ((size_t)length >= sizeof message) length = (int)sizeof message - 1;
    qms_body_encode_message(out, (struct text){.data = message, .length = (size_t)length});
}

static void v2_write_error(struct buffer *out, int status, struct text text,
                           const struct http_exchange *exchange) {
    v2_encode_problem(out, status, text, exchange->path);
}

const struct http_tree front_trees[] = {
    [TREE_V2] = {"/v2", {"application/problem+json", 24}, v2_write_error},
    [TREE_CLOUD] = {"/api/v2", {"application/json", 16}, front_cloud_write_error},
    [TREE_ROOT] = {"", {"application/json", 16}, root_write_error},
};

/* What the server could not do is an error; being too busy is not, and is counted instead: a line
 * for each would make it worse. What a client did wrong is its own affair. */
static enum log_level front_log_level(int status) {
    return status >= 500 && status != 503 ? LOG_ERROR : LOG_DEBUG;
}

static void front_log(const struct http_exchange *exchange, int64_t latency_us) {
    enum log_level level = front_log_level(exchange->status);
    if (!log_enabled(level)) return;
    const struct log_member members[] = {
        {.key = "request", .number = (int64_t)exchange->id, .is_number = true},
        {.key = "method", .text = text_of(http_method_name(exchange->method))},
        {.key = "path", .text = exchange->path},
        {.key = "status", .number = exchange->status, .is_number = true},
        {.key = "latency_us", .number = latency_us, .is_number = true},
        {0},
    };
    log_write(level, "request", members);
}

void front_finish(struct http_exchange *exchange) {
    const struct front *front = exchange->context;
    enum operation operation = exchange->route->operation;
    int64_t latency_us = clock_monotonic_us() - exchange->received_us;
    if (exchange->status == 503 && exchange->headers_out.length == 0)
        exchange->headers_out = TEXT("Retry-After: 1\r\n");
    if (operation != OP_COUNT)
        metrics_request(front->metrics, operation, exchange->status, latency_us);
    front_log(exchange, latency_us);
    http_exchange_send(exchange);
}

void front_submit(struct front *front, struct http_exchange *exchange,
                  void (*done)(struct request *request)) {
    struct request *request = &exchange->request;
    request->done = done;
    for (size_t i = 0; i < request->op_count; i++) {
        request->ops[i].caller = exchange->caller;
        request->ops[i].principal = exchange->principal;
    }
    if (!front_key_apply(exchange)) {
        done(request);
        return;
    }
    http_exchange_charge(exchange);
    engine_submit(front->engine, request, exchange->alone);
}
