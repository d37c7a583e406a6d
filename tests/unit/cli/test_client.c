#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/client.h"
#include "scripted_server.h"

static struct client *open_client(const char *url, struct qms_error *error) {
    return client_open(&(struct client_settings){.url = url}, error);
}

static void a_url_is_http_and_a_host(void **state) {
    (void)state;
    static const char *const refused[] = {
        "", "127.0.0.1:60000", "ftp://localhost/", "http://", "file:///etc/passwd",
        "http://host:port", "http://a b/",
    };
    struct qms_error error;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_null(open_client(refused[i], &error));
        assert_int_equal(error.code, QMS_BAD_REQUEST);
    }
}

static void messages_name_host_and_port_only(void **state) {
    (void)state;
    struct qms_error error;
    struct client *client = open_client("http://ada:secret@127.0.0.1:1/prefix/?key=k", &error);
    assert_non_null(client);
    assert_string_equal(client_server(client), "127.0.0.1:1");
    struct client_call call;
    client_call_init(&call);
    client_get(client, "/", &call);
    assert_int_equal(call.status, 0);
    assert_false(client_explain(client, &call, &error));
    assert_int_equal(qms_code_exit(error.code), 6);
    assert_non_null(strstr(error.text, "127.0.0.1:1"));
    assert_null(strstr(error.text, "secret"));
    client_call_close(&call);
    client_close(client);
}

static void a_get_brings_the_answer_byte_for_byte(void **state) {
    (void)state;
    struct scripted_server server = {.answers = {SCRIPTED("200 OK", "{\"a\": 1}\n")},
                                     .answer_count = 1};
    scripted_server_start(&server);
    struct qms_error error;
    struct client *client = open_client(server.url, &error);
    struct client_call call;
    client_call_init(&call);
    client_get(client, "/summary/..", &call);
    assert_int_equal(call.status, 200);
    assert_true(text_equal(buffer_text(&call.answer), TEXT("{\"a\": 1}\n")));
    assert_true(client_explain(client, &call, &error));
    scripted_server_finish(&server);
    assert_non_null(strstr(server.requests[0].data, "GET /summary/.. HTTP/1.1\r\n"));
    assert_non_null(strstr(server.requests[0].data, "\r\nUser-Agent: qms/" QMS_VERSION "\r\n"));
    client_call_close(&call);
    client_close(client);
    scripted_server_stop(&server);
}

static void a_post_sends_json_without_asking_for_leave(void **state) {
    (void)state;
    struct scripted_server server = {.answers = {SCRIPTED("200 OK", "[]")}, .answer_count = 1};
    scripted_server_start(&server);
    struct qms_error error;
    struct client *client = open_client(server.url, &error);
    struct client_call call, *finished = NULL;
    client_call_init(&call);
    char *body = calloc(1, 100000);
    memset(body, ' ', 100000);
    call.body = (struct text){body, 100000};
    client_post(client, "/v2/usages", &call);
    while (finished == NULL)
        finished = client_wait(client, 1000, -1);
    assert_ptr_equal(finished, &call);
    assert_int_equal(call.status, 200);
    scripted_server_finish(&server);
    const char *request = server.requests[0].data;
    assert_non_null(strstr(request, "POST /v2/usages HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Length: 100000\r\n"));
    assert_null(strstr(request, "Expect:"));
    free(body);
    client_call_close(&call);
    client_close(client);
    scripted_server_stop(&server);
}

static void an_unwelcome_answer_is_explained_in_the_servers_words(void **state) {
    (void)state;
    static const struct {
        const char *answer, *text;
        int exit;
    } cases[] = {
        {SCRIPTED("400 Bad Request", "{\"message\":\"no user\"}\n"), "answered 400: no user", 2},
        {SCRIPTED("400 Bad Request", "{\"header\":{\"map\":{}},\"error\":{\"error_code\":\"X\","
                                     "\"message\":\"invalid username\"},\"subscription\":null}"),
         "answered 400: invalid username", 2},
        {SCRIPTED("404 Not Found", "{\"title\":\"t\",\"detail\":\"no such thing\"}"),
         "answered 404: no such thing", 4},
        {SCRIPTED("409 Conflict", "{\"error\":\"taken\",\"status\":\"Conflict\"}"),
         "answered 409: taken", 5},
        {SCRIPTED("403 Forbidden", "<html>"), "answered 403", 3},
        {SCRIPTED("503 Busy", ""), "answered 503", 6},
        {SCRIPTED("418 Teapot", "{}"), "answered 418", 2},
        {SCRIPTED("599 What", "[1]"), "answered 599", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scripted_server server = {.answers = {cases[i].answer}, .answer_count = 1};
        scripted_server_start(&server);
        struct qms_error error;
        struct client *client = open_client(server.url, &error);
        struct client_call call;
        client_call_init(&call);
        client_get(client, "/", &call);
        assert_false(client_explain(client, &call, &error));
        size_t length = strlen(cases[i].text), whole = strlen(error.text);
        assert_true(whole >= length);
        assert_string_equal(error.text + whole - length, cases[i].text);
        assert_int_equal(qms_code_exit(error.code), cases[i].exit);
        client_call_close(&call);
        client_close(client);
        scripted_server_stop(&server);
    }
}

static void a_segment_is_encoded_as_a_path_needs_it(void **state) {
    (void)state;
    struct buffer path;
    buffer_init(&path, 256);
    client_put_segment(&path, TEXT("a.b-c_d~Z9"));
    assert_true(text_equal(buffer_text(&path), TEXT("a.b-c_d~Z9")));
    buffer_reset(&path);
    client_put_segment(&path, TEXT("a/b?%@ \xc3\xbc"));
    assert_true(text_equal(buffer_text(&path), TEXT("a%2Fb%3F%25%40%20%C3%BC")));
    buffer_close(&path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_http_and_a_host),
        cmocka_unit_test(messages_name_host_and_port_only),
        cmocka_unit_test(a_get_brings_the_answer_byte_for_byte),
        cmocka_unit_test(a_post_sends_json_without_asking_for_leave),
        cmocka_unit_test(an_unwelcome_answer_is_explained_in_the_servers_words),
        cmocka_unit_test(a_segment_is_encoded_as_a_path_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
