/* Routes, trees, health, and what happens to an exchange at its end; with an engine and a server
 * that only remember what they were given. */
#include "front/front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "front/http_router.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct {
    struct request *submitted;
    bool may_answer_now;
    bool ready;
    size_t depth;
    struct http_exchange *sent, *charged;
} seen;

void engine_submit(struct engine *engine, struct request *request, bool may_answer_now) {
    (void)engine;
    assert_non_null(seen.charged); /* before: the engine writes to the arena */
    seen.submitted = request;
    seen.may_answer_now = may_answer_now;
}

bool engine_ready(struct engine *engine, struct qms_error *error) {
    (void)engine;
    return seen.ready ? true : qms_fail(error, QMS_UNAVAILABLE, "it is \"asleep\"");
}

size_t engine_queue_depth(struct engine *engine) {
    (void)engine;
    return seen.depth;
}

void http_exchange_send(struct http_exchange *exchange) {
    assert_null(seen.sent);
    seen.sent = exchange;
}

void http_exchange_charge(struct http_exchange *exchange) {
    seen.charged = exchange;
}

bool http_exchange_push(struct http_exchange *exchange) {
    (void)exchange;
    fail_msg("nothing here is long");
    return false;
}

struct fixture {
    struct front front;
    struct metrics metrics;
    struct http_exchange exchange;
    struct http_route route;
    char log[4096];
};

static int set_up(void **state) {
    struct fixture *fixture = memory_take_zeroed(1, sizeof *fixture);
    memset(&seen, 0, sizeof seen);
    fixture->front.metrics = &fixture->metrics;
    fixture->route.operation = OP_COUNT;
    fixture->exchange.context = &fixture->front;
    fixture->exchange.route = &fixture->route;
    fixture->exchange.path = TEXT("/users/ada/usages");
    fixture->exchange.method = HTTP_PUT;
    fixture->exchange.id = 7;
    fixture->exchange.received_us = clock_monotonic_us();
    buffer_init(&fixture->exchange.out, SIZE_MAX / 2);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    buffer_close(&fixture->exchange.out);
    memory_give(fixture);
    return 0;
}

/* The body as a string. */
static const char *body(struct fixture *fixture) {
    buffer_put_char(&fixture->exchange.out, '\0');
    return fixture->exchange.out.data;
}

/* Finishes the exchange and gives what that wrote to the log. */
static const char *finish(struct fixture *fixture, int status) {
    int pipes[2], error = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    fixture->exchange.status = status;
    seen.sent = NULL;
    front_finish(&fixture->exchange);
    dup2(error, STDERR_FILENO);
    close(error);
    close(pipes[1]);
    ssize_t length = read(pipes[0], fixture->log, sizeof fixture->log - 1);
    close(pipes[0]);
    assert_true(length >= 0);
    fixture->log[length] = '\0';
    assert_ptr_equal(seen.sent, &fixture->exchange);
    return fixture->log;
}

static void a_finished_operation_is_counted(void **state) {
    struct fixture *fixture = *state;
    fixture->route.operation = OP_USAGE_ADD;
    fixture->exchange.received_us -= 1000000;
    finish(fixture, 200);
    finish(fixture, 200);
    finish(fixture, 404);
    assert_int_equal(fixture->metrics.requests[OP_USAGE_ADD][200], 2);
    assert_int_equal(fixture->metrics.requests[OP_USAGE_ADD][404], 1);
    assert_true(fixture->metrics.latency_us[OP_USAGE_ADD].sum >= 3000000);
    assert_true(fixture->metrics.latency_us[OP_USAGE_ADD].sum < 600000000);
    fixture->route.operation = OP_COUNT;
    finish(fixture, 200);
}

static void our_own_failures_are_logged_as_errors(void **state) {
    struct fixture *fixture = *state;
    const char *log = finish(fixture, 500);
    assert_non_null(strstr(log, "\"level\":\"error\""));
    assert_non_null(strstr(log, "\"request\":7,\"method\":\"PUT\",\"path\":\"/users/ada/usages\","
                                "\"status\":500,\"latency_us\":"));
    assert_non_null(strstr(finish(fixture, 504), "\"status\":504"));
}

/* Too much load must not make more of it. */
static void load_and_clients_faults_are_logged_only_for_debugging(void **state) {
    struct fixture *fixture = *state;
    static const int statuses[] = {200, 400, 404, 409, 503};
    for (size_t i = 0; i < COUNT(statuses); i++)
        assert_string_equal(finish(fixture, statuses[i]), "");
    log_set_level(LOG_DEBUG);
    for (size_t i = 0; i < COUNT(statuses); i++)
        assert_non_null(strstr(finish(fixture, statuses[i]), "\"level\":\"debug\""));
    log_set_level(LOG_INFO);
}

static void a_busy_server_says_when_to_come_back(void **state) {
    struct fixture *fixture = *state;
    finish(fixture, 200);
    assert_int_equal(fixture->exchange.headers_out.length, 0);
    finish(fixture, 503);
    assert_true(text_equal(fixture->exchange.headers_out, TEXT("Retry-After: 1\r\n")));
    fixture->exchange.headers_out = TEXT("Retry-After: 9\r\n");
    finish(fixture, 503);
    assert_true(text_equal(fixture->exchange.headers_out, TEXT("Retry-After: 9\r\n")));
}

static void done(struct request *request) {
    (void)request;
}

static void the_engine_learns_whether_it_may_answer_at_once(void **state) {
    struct fixture *fixture = *state;
    for (int alone = 0; alone <= 1; alone++) {
        fixture->exchange.alone = alone;
        seen.charged = NULL;
        front_submit(&fixture->front, &fixture->exchange, done);
        assert_ptr_equal(seen.submitted, &fixture->exchange.request);
        assert_ptr_equal(seen.submitted->done, done);
        assert_ptr_equal(seen.charged, &fixture->exchange);
        assert_int_equal(seen.may_answer_now, alone);
        assert_ptr_equal(front_exchange(seen.submitted), &fixture->exchange);
    }
}

static void a_running_process_is_healthy(void **state) {
    struct fixture *fixture = *state;
    front_healthz(&fixture->front, &fixture->exchange);
    assert_int_equal(seen.sent->status, 200);
    assert_string_equal(body(fixture), "{\"status\":\"ok\"}\n");
}

static void readiness_is_the_engines_with_its_reason(void **state) {
    struct fixture *fixture = *state;
    front_readyz(&fixture->front, &fixture->exchange);
    assert_int_equal(seen.sent->status, 503);
    assert_string_equal(body(fixture),
                        "{\"status\":\"unavailable\",\"reason\":\"it is \\\"asleep\\\"\"}\n");
    buffer_reset(&fixture->exchange.out);
    seen.sent = NULL;
    seen.ready = true;
    front_readyz(&fixture->front, &fixture->exchange);
    assert_int_equal(seen.sent->status, 200);
    assert_string_equal(body(fixture), "{\"status\":\"ok\"}\n");
}

static void metrics_are_shown_as_text(void **state) {
    struct fixture *fixture = *state;
    struct buffer expected;
    char *text;
    size_t length;
    seen.depth = 4711;
    fixture->metrics.requests[OP_USAGE_ADD][200] = 12;
    FILE *out = open_memstream(&text, &length);
    metrics_write(&fixture->metrics, 4711, out);
    fclose(out);
    buffer_init(&expected, SIZE_MAX / 2);
    buffer_put(&expected, text, length);
    memory_give(text);
    front_metrics(&fixture->front, &fixture->exchange);
    assert_int_equal(seen.sent->status, 200);
    assert_true(text_equal(seen.sent->content_type_out,
                           TEXT("text/plain; version=0.0.4; charset=utf-8")));
    assert_true(text_equal(buffer_text(&seen.sent->out), buffer_text(&expected)));
    assert_non_null(strstr(body(fixture), "4711"));
    buffer_close(&expected);
}

static void each_tree_words_what_the_server_finds(void **state) {
    struct fixture *fixture = *state;
    struct buffer *out = &fixture->exchange.out;
    struct http_exchange found = {.path = TEXT("/nowhere"), .method = HTTP_PATCH};
    const struct http_tree *tree = http_tree_find(front_trees, found.path);
    assert_ptr_equal(tree, &front_trees[TREE_ROOT]);
    tree->write_error(out, 404, TEXT("Not Found"), &found);
    assert_string_equal(body(fixture), "{\"message\":\"code=404, message=Not Found\"}\n");
    assert_true(text_equal(tree->content_type, TEXT("application/json")));
    buffer_reset(out);
    char reason[1000];
    memset(reason, 'x', sizeof reason);
    tree->write_error(out, 400, (struct text){reason, sizeof reason}, &found);
    assert_non_null(strstr(body(fixture), "xxx\"}\n"));
    assert_ptr_equal(http_tree_find(front_trees, TEXT("/v1/nowhere")), tree);

    buffer_reset(out);
    found.path = TEXT("/v2/nowhere");
    tree = http_tree_find(front_trees, found.path);
    assert_ptr_equal(tree, &front_trees[TREE_V2]);
    tree->write_error(out, 405, TEXT("Method Not Allowed"), &found);
    assert_true(text_equal(tree->content_type, TEXT("application/problem+json")));
    assert_non_null(strstr(body(fixture), "\"status\":405"));
    assert_non_null(strstr(body(fixture), "\"instance\":\"/v2/nowhere\""));

    buffer_reset(out);
    tree = http_tree_find(front_trees, TEXT("/api/v2/quotas"));
    tree->write_error(out, 405, TEXT("Method Not Allowed"), &found);
    assert_non_null(strstr(body(fixture), "\"context\":{\"method\":\"PATCH\"}"));
}

struct route_case {
    enum http_method method;
    const char *path;
    void (*handle)(void *context, struct http_exchange *exchange);
    enum operation operation;
    size_t body_bytes_max;
};

static const struct route_case route_cases[] = {
    {HTTP_GET, "/", front_hello, OP_COUNT, 0},
    {HTTP_GET, "/summary/ada", front_summary, OP_SUMMARY_GET, 0},
    {HTTP_PUT, "/user/ada/updates", front_update_add, OP_UPDATE_ADD, 1 << 20},
    {HTTP_GET, "/users/ada/overages", front_overages, OP_OVERAGE_LIST, 0},
    {HTTP_GET, "/users/ada/overages/cpu.hours", front_overage_check, OP_OVERAGE_CHECK, 0},
    {HTTP_GET, "/users/ada/usages", front_usages, OP_USAGE_LIST, 0},
    {HTTP_PUT, "/users/ada/usages", front_usage_add, OP_USAGE_ADD, 1 << 20},
    {HTTP_POST, "/v2/usages", front_usages_record, OP_USAGE_RECORD, 16 << 20},
    {HTTP_GET, "/healthz", front_healthz, OP_COUNT, 0},
    {HTTP_GET, "/readyz", front_readyz, OP_COUNT, 0},
    {HTTP_GET, "/metrics", front_metrics, OP_COUNT, 0},
};

static void every_path_of_the_document_reaches_its_operation(void **state) {
    struct http_router *router = http_router_open(front_routes);
    struct arena arena;
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < COUNT(route_cases); i++) {
        const struct route_case *wanted = &route_cases[i];
        struct http_path path;
        assert_true(http_path_split(text_of(wanted->path), &arena, &path));
        const struct http_route *route =
            http_router_find(router, wanted->method, &path).route;
        if (route == NULL) fail_msg("%s is not found", wanted->path);
        assert_ptr_equal(route->handle, wanted->handle);
        assert_int_equal(route->operation, wanted->operation);
        assert_int_equal(route->body_bytes_max, wanted->body_bytes_max);
    }
    arena_close(&arena);
    http_router_close(router);
}

/* A route behind another that takes all its paths would never be reached; and the tree a route
 * names is the one its path belongs to. */
static void every_route_is_reached_and_in_its_tree(void **state) {
    struct http_router *router = http_router_open(front_routes);
    struct arena arena;
    (void)state;
    arena_init(&arena, 4096);
    for (const struct http_route *route = front_routes; route->pattern != NULL; route++) {
        struct http_path path;
        struct text pattern = text_of(route->pattern);
        assert_true(http_path_split(pattern, &arena, &path));
        if (http_router_find(router, route->method, &path).route != route)
            fail_msg("%s %s", http_method_name(route->method), route->pattern);
        assert_ptr_equal(http_tree_find(front_trees, pattern), &front_trees[route->tree]);
        assert_non_null(route->handle);
    }
    arena_close(&arena);
    http_router_close(router);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_of_the_document_reaches_its_operation),
        cmocka_unit_test(every_route_is_reached_and_in_its_tree),
        cmocka_unit_test_setup_teardown(a_finished_operation_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_own_failures_are_logged_as_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(load_and_clients_faults_are_logged_only_for_debugging,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_server_says_when_to_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_engine_learns_whether_it_may_answer_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_running_process_is_healthy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readiness_is_the_engines_with_its_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(metrics_are_shown_as_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_tree_words_what_the_server_finds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
