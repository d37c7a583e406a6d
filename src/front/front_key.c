#include "front/front_key.h"

#include "base/limits.h"
#include "wire/content.h"

#define KEY_HEADER TEXT("idempotency-key")

static bool key_is_visible(struct text key) {
    for (size_t i = 0; i < key.length; i++)
        if (key.data[i] < '!' || key.data[i] > '~') return false;
    return true;
}

static struct text key_unquote(struct text key) {
    if (key.length < 2 || key.data[0] != '"' || key.data[key.length - 1] != '"') return key;
    return (struct text){.data = key.data + 1, .length = key.length - 2};
}

bool front_key_check(const char *header, struct text given, size_t found, struct text *key,
                     struct qms_error *error) {
    *key = (struct text){0};
    if (found == 0) return true;
    if (found > 1)
        return qms_fail(error, QMS_BAD_REQUEST, "%s may be given once only", header);
    if (given.length == 0 || given.length > IDEMPOTENCY_KEY_BYTES_MAX || !key_is_visible(given))
        return qms_fail(error, QMS_BAD_REQUEST, "%s must be 1 to %d visible characters of ASCII",
                        header, IDEMPOTENCY_KEY_BYTES_MAX);
    *key = given;
    return true;
}

bool front_key_read(const struct http_exchange *exchange, struct text *key,
                    struct qms_error *error) {
    const struct http_head *head = exchange->head;
    struct text given = {0};
    size_t found = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!text_equal_nocase(head->headers[i].name, KEY_HEADER)) continue;
        given = key_unquote(head->headers[i].value);
        found++;
    }
    return front_key_check("Idempotency-Key", given, found, key, error);
}

static bool key_is_taken(const struct op *op) {
    return op->error.code == QMS_OK && operation_effect(op->operation) == EFFECT_WRITE;
}

bool front_key_is_wanted(const struct request *request) {
    return request->op_count > 0 && operation_effect(request->ops->operation) == EFFECT_WRITE;
}

void front_key_give(struct request *request, struct text key) {
    bool is_list = request->ops != &request->single;
    for (size_t i = 0; i < request->op_count; i++) {
        struct op *op = &request->ops[i];
        if (!key_is_taken(op) || op->key.length > 0) continue;
        op->key = is_list ? arena_format(&request->arena, "%.*s/%zu", TEXT_ARGUMENTS(key), i)
                          : arena_text(&request->arena, key);
        content_hash(content_hasher_of_thread(), op);
    }
}

bool front_key_apply(struct http_exchange *exchange) {
    struct request *request = &exchange->request;
    struct qms_error error = {.code = QMS_OK};
    struct text key;
    if (!front_key_is_wanted(request)) return true;
    if (front_key_read(exchange, &key, &error)) {
        if (key.length > 0) front_key_give(request, key);
        return true;
    }
    for (size_t i = 0; i < request->op_count; i++)
        if (request->ops[i].error.code == QMS_OK) request->ops[i].error = error;
    return false;
}
