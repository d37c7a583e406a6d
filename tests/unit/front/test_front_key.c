#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"
#include "front/front_key.h"
#include "support/wire_example.h"
#include "unit/engine/engine_fixture.h"

static struct fixture fixture;
static struct http_head head;
static struct http_exchange exchange;

static int set_up(void **state) {
    (void)state;
    fixture_open(&fixture, NULL);
    exchange = (struct http_exchange){.head = &head};
    request_init(&exchange.request);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    request_close(&exchange.request);
    fixture_close(&fixture);
    return 0;
}

/* A request with this Idempotency-Key; NULL: without one. */
static struct op *ask(const char *key, const char *amount) {
    request_reset(&exchange.request);
    head = (struct http_head){.header_count = 0};
    head.headers[head.header_count++] = (struct http_header){TEXT("Host"), TEXT("h")};
    if (key != NULL)
        head.headers[head.header_count++] =
            (struct http_header){TEXT("idempotency-KEY"), text_of(key)};
    struct op *op = request_single(&exchange.request, OP_USAGE_ADD);
    op->username = TEXT("ada");
    op->in.change.resource_name = TEXT("cpu.hours");
    op->in.change.operation_name = TEXT("ADD");
    op->in.change.value = wire_example_amount(amount);
    return op;
}

static void expect_key(const char *given, const char *kept) {
    struct op *op = ask(given, "1");
    assert_true(front_key_apply(&exchange));
    assert_true(text_equal(op->key, text_of(kept)));
}

static void expect_refused(const char *given) {
    struct op *op = ask(given, "1");
    assert_false(front_key_apply(&exchange));
    assert_int_equal(op->error.code, QMS_BAD_REQUEST);
    assert_int_equal(op->key.length, 0);
}

static void a_key_is_kept_without_the_quotes_around_it(void **state) {
    (void)state;
    expect_key("k", "k");
    expect_key("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "8e03978e-40d5-43e8-bc93-6894a57f9324");
    expect_key("a\"b", "a\"b");
    expect_key("\"", "\"");
    expect_key(NULL, "");
}

static void a_key_that_is_empty_long_or_not_visible_is_refused(void **state) {
    (void)state;
    char longest[IDEMPOTENCY_KEY_BYTES_MAX + 2] = "";
    memset(longest, 'k', IDEMPOTENCY_KEY_BYTES_MAX);
    expect_key(longest, longest);
    memset(longest, 'k', IDEMPOTENCY_KEY_BYTES_MAX + 1);
    expect_refused(longest);
    expect_refused("");
    expect_refused("\"\"");
    expect_refused("two words");
    expect_refused("tab\there");
    expect_refused("caf\xc3\xa9");
    expect_refused("\x7f");
}

static void two_keys_are_refused_even_when_they_are_equal(void **state) {
    (void)state;
    struct op *op = ask("k", "1");
    head.headers[head.header_count++] = (struct http_header){TEXT("Idempotency-Key"), TEXT("k")};
    assert_false(front_key_apply(&exchange));
    assert_int_equal(op->error.code, QMS_BAD_REQUEST);
}

static void every_operation_that_writes_takes_a_key_and_no_other(void **state) {
    (void)state;
    for (enum operation operation = 0; operation < OP_COUNT; operation++) {
        ask("k", "1");
        struct op *op = request_single(&exchange.request, operation);
        assert_true(front_key_apply(&exchange));
        assert_int_equal(op->key.length, operation_effect(operation) == EFFECT_WRITE ? 1 : 0);
    }
}

static void a_read_does_not_mind_a_key_that_cannot_be_used(void **state) {
    (void)state;
    ask("two words", "1");
    struct op *op = request_single(&exchange.request, OP_SUMMARY_GET);
    assert_true(front_key_apply(&exchange));
    assert_int_equal(op->error.code, QMS_OK);
}

static void items_of_a_list_have_keys_of_their_own(void **state) {
    (void)state;
    ask("k", "1");
    struct op *ops = request_list(&exchange.request, OP_SUBSCRIPTION_CREATE, 3);
    qms_fail(&ops[1].error, QMS_BAD_REQUEST, "no plan");
    assert_true(front_key_apply(&exchange));
    assert_true(text_equal(ops[0].key, TEXT("k/0")));
    assert_int_equal(ops[1].key.length, 0);
    assert_true(text_equal(ops[2].key, TEXT("k/2")));
    request_list(&exchange.request, OP_SUBSCRIPTION_CREATE, 0);
    assert_true(front_key_apply(&exchange));
}

/* engine and front together, over a store in memory */

static bool answered;

static void on_done(struct request *request) {
    struct fixture *of = request->context;
    pthread_mutex_lock(&of->lock);
    answered = true;
    pthread_cond_broadcast(&of->moved);
    pthread_mutex_unlock(&of->lock);
}

static enum qms_code submit(const char *key, const char *amount) {
    const struct op *op = ask(key, amount);
    assert_true(front_key_apply(&exchange));
    exchange.request.done = on_done;
    exchange.request.context = &fixture;
    answered = false;
    engine_submit(fixture.engine, &exchange.request, false);
    pthread_mutex_lock(&fixture.lock);
    while (!answered) pthread_cond_wait(&fixture.moved, &fixture.lock);
    pthread_mutex_unlock(&fixture.lock);
    return op->error.code;
}

static void a_request_that_comes_again_with_its_key_is_done_once(void **state) {
    (void)state;
    assert_int_equal(submit("k", "2"), QMS_OK);
    assert_int_equal(submit("\"k\"", "2.0"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
    assert_int_equal(submit("k", "3"), QMS_CONFLICT);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
    assert_int_equal(submit("other", "3"), QMS_OK);
    assert_int_equal(submit(NULL, "3"), QMS_OK);
    assert_int_equal(submit(NULL, "3"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "11");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_kept_without_the_quotes_around_it),
        cmocka_unit_test(a_key_that_is_empty_long_or_not_visible_is_refused),
        cmocka_unit_test(two_keys_are_refused_even_when_they_are_equal),
        cmocka_unit_test(every_operation_that_writes_takes_a_key_and_no_other),
        cmocka_unit_test(a_read_does_not_mind_a_key_that_cannot_be_used),
        cmocka_unit_test(items_of_a_list_have_keys_of_their_own),
        cmocka_unit_test(a_request_that_comes_again_with_its_key_is_done_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
