#include "engine_fixture.h"

#include <stdio.h>

enum { LOCK_TRY_US = 20000 };

static void fixture_watch(void *context, const char *call) {
    struct fixture *fixture = context;
    if (strcmp(call, "save") != 0) return;
    pthread_mutex_lock(&fixture->lock);
    fixture->engine_waits = fixture->gate_closed;
    pthread_cond_broadcast(&fixture->moved);
    while (fixture->gate_closed) pthread_cond_wait(&fixture->moved, &fixture->lock);
    fixture->engine_waits = false;
    pthread_mutex_unlock(&fixture->lock);
}

static struct store *memory_store(void) {
    struct qms_error error = {0};
    struct store *store = store_open(
        &(struct store_options){
            .url = "sqlite::memory:", .clock = &clock_system, .actor = TEXT("qms")},
        &error);
    assert_non_null(store);
    return store;
}

static struct store *fixture_store(void *context, bool waits, struct qms_error *error) {
    (void)error;
    struct fixture *fixture = context;
    struct store *store =
        fixture->database != NULL
            ? shared_store_open(fixture->database, waits ? LOCK_TRY_US : 0)
            : memory_store();
    assert_true(fixture->store_count < sizeof fixture->stores / sizeof *fixture->stores);
    store = fault_store_make(store);
    if (fixture->store_count == 0) {
        fixture->store = store;
        fault_store_watch(store, fixture_watch, fixture);
    }
    fixture->stores[fixture->store_count++] = store;
    return store;
}

static void fixture_start(struct fixture *fixture, void (*options)(struct engine_options *)) {
    struct qms_error error = {0};
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->moved, NULL);
    engine_options_init(&fixture->options);
    fixture->options.open_store = fixture_store;
    fixture->options.store_context = fixture;
    fixture->options.metrics = fixture->metrics;
    if (options != NULL) options(&fixture->options);
    fixture->engine = engine_open(&fixture->options, &error);
    if (fixture->engine == NULL) fail_msg("%s", error.text);
}

void fixture_open(struct fixture *fixture, void (*options)(struct engine_options *)) {
    *fixture = (struct fixture){.metrics = memory_take_zeroed(1, sizeof *fixture->metrics)};
    fixture_start(fixture, options);
}

void fixture_open_shared(struct fixture *fixture, void (*options)(struct engine_options *)) {
    *fixture = (struct fixture){.metrics = memory_take_zeroed(1, sizeof *fixture->metrics),
                                .database = shared_database_make(memory_store())};
    fixture_start(fixture, options);
}

void fixture_close(struct fixture *fixture) {
    engine_stop(fixture->engine);
    engine_close(fixture->engine);
    if (fixture->database != NULL) shared_database_free(fixture->database);
    memory_give(fixture->metrics);
    pthread_cond_destroy(&fixture->moved);
    pthread_mutex_destroy(&fixture->lock);
}

void gate_close(struct fixture *fixture) {
    pthread_mutex_lock(&fixture->lock);
    fixture->gate_closed = true;
    pthread_mutex_unlock(&fixture->lock);
}

void gate_wait(struct fixture *fixture) {
    pthread_mutex_lock(&fixture->lock);
    while (!fixture->engine_waits) pthread_cond_wait(&fixture->moved, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

void gate_open(struct fixture *fixture) {
    pthread_mutex_lock(&fixture->lock);
    fixture->gate_closed = false;
    pthread_cond_broadcast(&fixture->moved);
    pthread_mutex_unlock(&fixture->lock);
}

void call_init(struct call *call, struct fixture *fixture) {
    *call = (struct call){.fixture = fixture};
    request_init(&call->request);
}

void call_close(struct call *call) {
    request_close(&call->request);
}

static void call_done(struct request *request) {
    struct call *call = request->context;
    struct fixture *fixture = call->fixture;
    pthread_mutex_lock(&fixture->lock);
    call->done = true;
    call->nth = ++fixture->answered;
    pthread_cond_broadcast(&fixture->moved);
    pthread_mutex_unlock(&fixture->lock);
}

void call_submit(struct call *call, bool may_answer_now) {
    call->done = false;
    call->request.done = call_done;
    call->request.context = call;
    engine_submit(call->fixture->engine, &call->request, may_answer_now);
}

bool call_is_done(struct call *call) {
    pthread_mutex_lock(&call->fixture->lock);
    bool done = call->done;
    pthread_mutex_unlock(&call->fixture->lock);
    return done;
}

void call_wait(struct call *call) {
    struct fixture *fixture = call->fixture;
    pthread_mutex_lock(&fixture->lock);
    while (!call->done) pthread_cond_wait(&fixture->moved, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static void op_add_usage(struct op *op, const char *username, const char *amount) {
    op->username = text_of(username);
    op->in.change = (struct change_input){
        .resource_name = TEXT("cpu.hours"), .operation_name = TEXT("ADD")};
    assert_int_equal(amount_parse(text_of(amount), &op->in.change.value), AMOUNT_OK);
}

struct op *call_add_usage(struct call *call, const char *username, const char *amount) {
    request_reset(&call->request);
    struct op *op = request_single(&call->request, OP_USAGE_ADD);
    op_add_usage(op, username, amount);
    return op;
}

struct op *call_read(struct call *call, enum operation operation, const char *username) {
    request_reset(&call->request);
    struct op *op = request_single(&call->request, operation);
    op->username = text_of(username);
    return op;
}

struct op *call_list(struct call *call, const char *prefix, const char *const *usernames,
                     size_t users, size_t count) {
    request_reset(&call->request);
    struct op *ops = request_list(&call->request, OP_USAGE_RECORD, count);
    for (size_t i = 0; i < count; i++) {
        op_add_usage(&ops[i], usernames[i % users], "1");
        ops[i].key = arena_format(&call->request.arena, "%s%zu", prefix, i);
        ops[i].content[0] = 1;
    }
    return ops;
}

struct uuid id_of(const char *text) {
    struct uuid id;
    assert_true(uuid_parse(text_of(text), &id));
    return id;
}

enum qms_code add_usage(struct fixture *fixture, const char *username, const char *amount) {
    struct call call;
    call_init(&call, fixture);
    call_add_usage(&call, username, amount);
    call_submit(&call, false);
    call_wait(&call);
    enum qms_code code = call.request.ops->error.code;
    call_close(&call);
    return code;
}

const char *usage_of(struct fixture *fixture, const char *username) {
    static char text[AMOUNT_TEXT_MAX + 1];
    struct call call;
    call_init(&call, fixture);
    struct op *op = call_read(&call, OP_USAGE_LIST, username);
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(op->error.code, QMS_OK);
    size_t length = 0;
    for (size_t i = 0; i < op->out.usages.count; i++) {
        if (text_equal(op->out.usages.rows[i].resource_type->name, TEXT("cpu.hours"))) {
            length = amount_format(op->out.usages.rows[i].row.value, text);
        }
    }
    text[length] = '\0';
    call_close(&call);
    return text;
}
