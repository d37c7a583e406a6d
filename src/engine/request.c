#include "engine/request.h"

enum { REQUEST_ARENA_BLOCK_BYTES = 4096 };

void request_init(struct request *request) {
    *request = (struct request){.whole = {.request = request}};
    arena_init(&request->arena, REQUEST_ARENA_BLOCK_BYTES);
}

static void request_release_facts(struct request *request) {
    for (size_t i = 0; i < request->op_count; i++) {
        catalogue_release(request->ops[i].catalogue);
        request->ops[i].catalogue = NULL;
        directory_release(request->ops[i].directory);
        request->ops[i].directory = NULL;
    }
}

/* Before the request's own arena, where the parts lie. */
static void request_close_parts(struct request *request) {
    for (size_t i = 0; i < request->part_count; i++) arena_close(&request->parts[i].own);
    request->parts = NULL;
    request->part_count = 0;
}

void request_reset(struct request *request) {
    request_release_facts(request);
    request_close_parts(request);
    arena_reset(&request->arena);
    request->ops = NULL;
    request->op_count = 0;
    request->done = NULL;
    request->piece = NULL;
    request->context = NULL;
}

void request_close(struct request *request) {
    request_release_facts(request);
    request_close_parts(request);
    arena_close(&request->arena);
}

struct op *request_single(struct request *request, enum operation operation) {
    request->single = (struct op){.operation = operation};
    request->ops = &request->single;
    request->op_count = 1;
    return &request->single;
}

struct op *request_list(struct request *request, enum operation operation, size_t count) {
    request->ops = arena_take_zeroed(&request->arena, count, sizeof *request->ops);
    request->op_count = count;
    for (size_t i = 0; i < count; i++) request->ops[i].operation = operation;
    return request->ops;
}
