#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/action.h"
#include "scripted_server.h"

/* A write without lookups: what it sends, and how often. */
static bool add_body(const struct action_call *call, struct json_writer *writer,
                     struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("value"));
    json_write_amount(writer, call->value);
    json_write_object_end(writer);
    return true;
}

static const struct action add = {
    .value_operand = 2, .method = "PUT", .path = "/things/{0}", .body = add_body,
    .done = "{0} has {result.n}.",
};
static const struct option_row options[] = {ACTION_WRITE_ROWS, OPTION_END};
static const struct command command = {
    .name = "thing add", .operands = "NAME VALUE", .summary = "", .details = "",
    .options = options, .operands_min = 2, .operands_max = 2, .run = action_run, .action = &add,
};

/* Runs the command against the server with further arguments; its exit code. */
static int run(struct scripted_server *server, const char *value, const char *key) {
    char *arguments[8] = {(char *)"a b/c", (char *)value, (char *)"--url", server->url};
    int count = 4;
    if (key != NULL) {
        arguments[count++] = (char *)"--key";
        arguments[count++] = (char *)key;
    }
    return action_run(&command, count, arguments);
}

/* The key of a request as the server got it; the caller frees it. */
static char *key_of(const struct scripted_server *server, size_t index) {
    const char *header = strstr(server->requests[index].data, "\r\nIdempotency-Key: ");
    assert_non_null(header);
    header += strlen("\r\nIdempotency-Key: ");
    return strndup(header, strcspn(header, "\r"));
}

static void a_write_sends_exact_numbers_and_a_key_of_its_own(void **state) {
    (void)state;
    struct scripted_server server = {
        .answers = {SCRIPTED("200 OK", "{\"result\":{\"n\":1}}"),
                    SCRIPTED("200 OK", "{\"result\":{\"n\":1}}")},
        .answer_count = 2};
    scripted_server_start(&server);
    assert_int_equal(run(&server, "0.1234567890123456789012", NULL), 0);
    assert_int_equal(run(&server, "2", NULL), 0);
    scripted_server_finish(&server);
    const char *request = server.requests[0].data;
    assert_non_null(strstr(request, "PUT /things/a%20b%2Fc HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "\r\n\r\n{\"value\":0.1234567890123456789012}"));
    char *first = key_of(&server, 0), *second = key_of(&server, 1);
    assert_int_equal(strlen(first), UUID_TEXT_BYTES);
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    scripted_server_stop(&server);
}

static void what_got_no_answer_is_repeated_with_the_same_key(void **state) {
    (void)state;
    struct scripted_server server = {
        .answers = {NULL, SCRIPTED("503 Busy", "{}"), SCRIPTED("200 OK", "{}")},
        .answer_count = 3};
    scripted_server_start(&server);
    assert_int_equal(run(&server, "1", NULL), 0);
    scripted_server_finish(&server);
    assert_int_equal(server.request_count, 3);
    char *first = key_of(&server, 0);
    for (size_t i = 1; i < 3; i++) {
        char *key = key_of(&server, i);
        assert_string_equal(key, first);
        free(key);
    }
    free(first);
    scripted_server_stop(&server);
}

static void what_never_gets_an_answer_has_an_unknown_outcome(void **state) {
    (void)state;
    struct scripted_server server = {.answers = {NULL, NULL, NULL}, .answer_count = 3};
    scripted_server_start(&server);
    assert_int_equal(run(&server, "1", "mine-1"), 7);
    scripted_server_finish(&server);
    assert_int_equal(server.request_count, 3);
    char *key = key_of(&server, 2);
    assert_string_equal(key, "mine-1");
    free(key);
    scripted_server_stop(&server);
}

static void a_refusal_is_not_repeated(void **state) {
    (void)state;
    struct scripted_server server = {
        .answers = {SCRIPTED("409 Conflict", "{\"error\":\"no\",\"status\":\"Conflict\"}")},
        .answer_count = 1};
    scripted_server_start(&server);
    assert_int_equal(run(&server, "1", NULL), 5);
    scripted_server_finish(&server);
    assert_int_equal(server.request_count, 1);
    scripted_server_stop(&server);
}

static void a_200_that_is_not_json_is_a_failure(void **state) {
    (void)state;
    struct scripted_server server = {.answers = {SCRIPTED("200 OK", "<html>")},
                                     .answer_count = 1};
    scripted_server_start(&server);
    assert_int_equal(run(&server, "1", NULL), 1);
    scripted_server_stop(&server);
}

static void what_the_command_line_says_wrong_is_never_sent(void **state) {
    (void)state;
    struct scripted_server server = {.url = "http://127.0.0.1:1"};
    assert_int_equal(run(&server, "1x", NULL), 2);
    assert_int_equal(run(&server, "NaN", NULL), 2);
    assert_int_equal(run(&server, "1", "not a key\r\nX: y"), 2);
    assert_int_equal(run(&server, "1", ""), 2);
    assert_int_equal(run(&server, "1", NULL), 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_sends_exact_numbers_and_a_key_of_its_own),
        cmocka_unit_test(what_got_no_answer_is_repeated_with_the_same_key),
        cmocka_unit_test(what_never_gets_an_answer_has_an_unknown_outcome),
        cmocka_unit_test(a_refusal_is_not_repeated),
        cmocka_unit_test(a_200_that_is_not_json_is_a_failure),
        cmocka_unit_test(what_the_command_line_says_wrong_is_never_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
