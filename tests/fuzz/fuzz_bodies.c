/* The bodies of the root tree, of /v1 and of POST /v2/usages on any bytes at all: what the decoders
 * let through is JSON, what they refuse carries a text, and the answers made from it are JSON to
 * another parser. */
#include <assert.h>
#include <stdint.h>

#include "base/limits.h"
#include "support/json_compare.h"
#include "wire/json_reader.h"
#include "wire/qms_message.h"
#include "wire/v1_json.h"
#include "wire/v2_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_json(struct text body, struct arena *arena) {
    struct json_reader reader;
    json_open(&reader, body, arena);
    return json_skip(&reader) && json_finish(&reader);
}

static void expect_json(const struct buffer *out) {
    const char *complaint;
    assert(!out->failed);
    assert(json_compare(buffer_text(out), &complaint) == JSON_BOTH_ACCEPT);
}

static void run_single(struct text body, enum operation operation, struct arena *arena,
                       struct buffer *out) {
    struct op op = {.operation = operation};
    enum qms_fault fault = qms_body_decode(body, NAMED_BY_MESSAGE, arena, &op, &op.error);
    assert((fault == QMS_FAULT_NONE) == (op.error.code == QMS_OK));
    assert(fault == QMS_FAULT_MESSAGE || body.length == 0 || is_json(body, arena));
    buffer_reset(out);
    if (fault == QMS_FAULT_ENVELOPE) qms_body_encode(out, &op);
    else if (fault == QMS_FAULT_MESSAGE) qms_body_encode_message(out, text_of(op.error.text));
    else return;
    assert(op.error.code == QMS_BAD_REQUEST && op.error.text[0] != '\0');
    expect_json(out);
}

static void run_list(struct text body, struct buffer *out) {
    static const struct username_rule rule = {.domain = {"example.org", 11}};
    struct request request;
    struct qms_error error = {0};
    request_init(&request);
    bool decoded = v2_decode_usages(body, &rule, &request, &error);
    assert(decoded == (error.code == QMS_OK));
    buffer_reset(out);
    if (decoded) {
        assert(is_json(body, &request.arena));
        assert(request.op_count <= USAGE_ITEMS_MAX);
        v2_encode_usages(out, &request);
    } else {
        /* Any bytes for a path; but jansson knows no NUL, not even escaped. */
        struct text path = {.data = body.data, .length = strnlen(body.data, body.length)};
        v2_encode_problem(out, qms_code_http(error.code), text_of(error.text), path);
    }
    expect_json(out);
    for (size_t i = 0; i < request.op_count; i++) {
        const struct op *op = &request.ops[i];
        if (op->error.code != QMS_OK) continue;
        assert(op->key.length > 0 && op->key.length <= IDEMPOTENCY_KEY_BYTES_MAX);
        assert(op->username.length > 0 && op->username.length <= USERNAME_BYTES_MAX);
    }
    request_close(&request);
}

/* The bodies of /v1 that hold lists. */
static void run_v1(struct text body, struct arena *arena) {
    static const struct username_rule rule = {.domain = {"example.org", 11}};
    bool (*const decoders[])(struct text, struct arena *, struct op *, struct qms_error *) = {
        v1_decode_plan, v1_decode_plan_defaults, v1_decode_plan_rates};
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
        struct op op = {.operation = OP_PLAN_ADD};
        bool decoded = decoders[i](body, arena, &op, &op.error);
        assert(decoded == (op.error.code == QMS_OK));
    }
    struct request request;
    struct qms_error error = {0};
    request_init(&request);
    bool decoded = v1_decode_subscriptions(body, &rule, true, &request, &error);
    assert(decoded == (error.code == QMS_OK));
    request_close(&request);
}

static const enum operation operations[] = {
    OP_USER_ADD, OP_UPDATE_ADD, OP_USAGE_ADD, OP_QUOTA_SET,
    OP_PLAN_ADD, OP_ADDON_ADD, OP_ADDON_UPDATE, OP_APPLIED_UPDATE,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text body = {.data = (const char *)data, .length = size};
    struct arena arena;
    struct buffer out;
    arena_init(&arena, 4096);
    buffer_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        run_single(body, operations[i], &arena, &out);
    run_list(body, &out);
    run_v1(body, &arena);
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
