/* bench_wire.c: what decoding and encoding cost, alone, on one thread: nanoseconds a piece, the
 * best of five rounds; and what jansson takes to read the same body. */
#include <stdio.h>
#include <time.h>

#include "support/json_jansson.h"
#include "support/wire_example.h"
#include "wire/content.h"
#include "wire/json_reader.h"
#include "wire/qms_message.h"
#include "wire/v2_json.h"

enum { ROUNDS = 5, TIMES = 200000, QUOTAS = 12, ITEMS = 10000 };

/* Of this process: others may use the machine. */
static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct wire_example example;
static struct quantity_view quotas[QUOTAS];
static struct arena arena;
static struct buffer out;

static const struct text usage_body =
    TEXT("{\"resource_name\":\"cpu.hours\",\"update_type\":\"ADD\",\"usage_value\":12.5,"
         "\"resource_unit\":\"cpu hours\",\"username\":\"ada\"}");
static const struct text update_body =
    TEXT("{\"update\":{\"value_type\":\"usages\",\"value\":12.5,\"effective_date\":"
         "\"2026-08-12T11:00:00Z\",\"resource_type\":{\"name\":\"cpu.hours\","
         "\"unit\":\"cpu hours\"},\"operation\":{\"name\":\"SET\"},\"user\":{},"
         "\"metadata\":\"\"}}");

static void jansson_update(void) {
    if (jansson_read(update_body, NULL) != JANSSON_ACCEPTS) printf("refused\n");
}

static void skip_update(void) {
    struct json_reader reader;
    json_open(&reader, update_body, &arena);
    if (!json_skip(&reader) || !json_finish(&reader)) printf("refused\n");
    arena_reset(&arena);
}

static void decode_usage(void) {
    struct op op = {.operation = OP_USAGE_ADD};
    struct qms_error error;
    if (qms_body_decode(usage_body, NAMED_BY_PATH, &arena, &op, &error) != QMS_FAULT_NONE)
        printf("refused\n");
    arena_reset(&arena);
}

static void decode_update(void) {
    struct op op = {.operation = OP_UPDATE_ADD};
    struct qms_error error;
    if (qms_body_decode(update_body, NAMED_BY_PATH, &arena, &op, &error) != QMS_FAULT_NONE)
        printf("refused\n");
    arena_reset(&arena);
}

static void encode_summary(void) {
    struct op *op = wire_example_success(&example, OP_SUMMARY_GET);
    op->out.subscription.quotas = quotas;
    op->out.subscription.quota_count = QUOTAS;
    buffer_reset(&out);
    qms_body_encode(&out, op);
}

static void encode_binary(void) {
    struct op *op = wire_example_success(&example, OP_SUMMARY_GET);
    op->out.subscription.quotas = quotas;
    op->out.subscription.quota_count = QUOTAS;
    buffer_reset(&out);
    qms_message_encode(&out, &(struct qms_answer){.encoding = MESSAGE_BINARY}, op);
}

static void encode_update(void) {
    buffer_reset(&out);
    qms_body_encode(&out, wire_example_success(&example, OP_UPDATE_ADD));
}

static void encode_overages(void) {
    buffer_reset(&out);
    qms_body_encode(&out, wire_example_success(&example, OP_OVERAGE_LIST));
}

static void measure(const char *name, void (*run)(void), double pieces) {
    double best = 1e9;
    int times = pieces > 1 ? 20 : TIMES;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        for (int i = 0; i < times; i++) run();
        double each = (seconds_now() - start) / times / pieces;
        if (each < best) best = each;
    }
    printf("%-40s %8.0f ns\n", name, best * 1e9);
}

static struct buffer items;
static struct request request;

static void decode_items(void) {
    static const struct username_rule rule;
    struct qms_error error;
    request_reset(&request);
    if (!v2_decode_usages(buffer_text(&items), &rule, &request, &error)) printf("refused\n");
}

static void encode_items(void) {
    buffer_reset(&out);
    v2_encode_usages(&out, &request);
}

static void hash_items(void) {
    struct content_hasher *hasher = content_hasher_open();
    for (size_t i = 0; i < request.op_count; i++) content_hash(hasher, &request.ops[i]);
    content_hasher_close(hasher);
}

static void open_items(void) {
    buffer_init(&items, 1 << 24);
    buffer_put_char(&items, '[');
    for (int i = 0; i < ITEMS; i++)
        buffer_format(&items,
                      "%s{\"id\":\"NASA Ames iPSC/860:%d:749433603\",\"username\":\"user%d\","
                      "\"resource_name\":\"cpu.hours\",\"update_type\":\"ADD\",\"usage_value\":"
                      "0.4%d,\"effective_date\":\"1993-10-01T00:00:03Z\",\"metadata\":\"\"}",
                      i == 0 ? "" : ",", i, i % 69, i);
    buffer_put_char(&items, ']');
}

int main(void) {
    arena_init(&arena, 4096);
    buffer_init(&out, 1 << 24);
    request_init(&request);
    wire_example_open(&example);
    for (int i = 0; i < QUOTAS; i++) quotas[i] = example.quota;
    open_items();

    measure("pass over an update request", skip_update, 1);
    measure("jansson makes its tree of it", jansson_update, 1);
    measure("decode a usage request (R9)", decode_usage, 1);
    measure("decode an update request (R5)", decode_update, 1);
    measure("encode an update (R5)", encode_update, 1);
    measure("encode overages (R6)", encode_overages, 1);
    measure("encode a summary of 12 quotas (R2)", encode_summary, 1);
    printf("%40s %8zu bytes\n", "of", out.length);
    measure("the same in binary", encode_binary, 1);
    measure("decode an item of /v2/usages, with hash", decode_items, ITEMS);
    measure("of which the hash", hash_items, ITEMS);
    measure("encode a result of /v2/usages", encode_items, ITEMS);
    return 0;
}
