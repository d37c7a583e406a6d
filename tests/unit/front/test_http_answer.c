#include "front/http_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"

struct fixture {
    struct http_output *output;
    struct http_exchange *exchange;
    char sent[1 << 19];
};

static int set_up(void **state) {
    struct fixture *fixture = memory_take_zeroed(1, sizeof *fixture);
    fixture->output = memory_take(sizeof *fixture->output);
    fixture->exchange = memory_take_zeroed(1, sizeof *fixture->exchange);
    http_output_init(fixture->output);
    buffer_init(&fixture->exchange->out, SIZE_MAX / 2);
    fixture->exchange->status = 200;
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    buffer_close(&fixture->exchange->out);
    memory_give(fixture->exchange);
    memory_give(fixture->output);
    memory_give(fixture);
    return 0;
}

/* What would leave the socket, with the value of Date blanked. */
static const char *sent(struct fixture *fixture) {
    size_t length = 0;
    for (size_t i = 0; i < fixture->output->piece_count; i++) {
        const struct iovec *piece = &fixture->output->pieces[i];
        assert_true(length + piece->iov_len < sizeof fixture->sent);
        memcpy(fixture->sent + length, piece->iov_base, piece->iov_len);
        length += piece->iov_len;
    }
    assert_int_equal(length, fixture->output->total);
    fixture->sent[length] = '\0';
    for (char *date = fixture->sent; (date = strstr(date, "Date: ")) != NULL; date += 6)
        memset(date + 6, '-', 29);
    return fixture->sent;
}

static bool add(struct fixture *fixture, struct http_answer answer) {
    answer.exchange = fixture->exchange;
    return http_output_add(fixture->output, &answer);
}

#define DATE "Date: -----------------------------\r\n"

static void an_answer_has_type_length_and_date(void **state) {
    struct fixture *fixture = *state;
    buffer_put_text(&fixture->exchange->out, TEXT("{}\n"));
    assert_true(add(fixture, (struct http_answer){0}));
    assert_string_equal(sent(fixture), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                       "Content-Length: 3\r\n" DATE "\r\n{}\n");
}

static void what_the_handler_adds_is_there(void **state) {
    struct fixture *fixture = *state;
    fixture->exchange->status = 405;
    fixture->exchange->content_type_out = TEXT("text/plain");
    fixture->exchange->headers_out = TEXT("Allow: GET\r\n");
    assert_true(add(fixture, (struct http_answer){.close = true}));
    assert_string_equal(sent(fixture),
                        "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 0\r\n" DATE "Allow: GET\r\nConnection: close\r\n\r\n");
}

static void an_old_client_is_told_that_the_connection_stays(void **state) {
    struct fixture *fixture = *state;
    assert_true(add(fixture, (struct http_answer){.keep_alive_header = true}));
    assert_non_null(strstr(sent(fixture), "\r\nConnection: keep-alive\r\n\r\n"));
    http_output_reset(fixture->output);
    assert_true(add(fixture, (struct http_answer){.keep_alive_header = true, .close = true}));
    assert_null(strstr(sent(fixture), "keep-alive"));
    assert_non_null(strstr(sent(fixture), "\r\nConnection: close\r\n\r\n"));
}

static void the_answer_to_head_has_a_length_and_no_body(void **state) {
    struct fixture *fixture = *state;
    buffer_put_text(&fixture->exchange->out, TEXT("hello"));
    assert_true(add(fixture, (struct http_answer){.head_only = true}));
    assert_non_null(strstr(sent(fixture), "Content-Length: 5\r\n"));
    assert_null(strstr(sent(fixture), "hello"));
}

static void no_content_has_neither_body_nor_length(void **state) {
    struct fixture *fixture = *state;
    buffer_put_text(&fixture->exchange->out, TEXT("hello"));
    fixture->exchange->status = 204;
    assert_true(add(fixture, (struct http_answer){0}));
    assert_string_equal(sent(fixture), "HTTP/1.1 204 No Content\r\n" DATE "\r\n");
}

static void the_date_is_that_of_the_clock(void **state) {
    struct fixture *fixture = *state;
    struct tm tm;
    char expected[64], day[4], month[4];
    int day_number, year, hour, minute, second;
    assert_true(add(fixture, (struct http_answer){0}));
    int found = sscanf(fixture->output->date, "Date: %3s, %2d %3s %4d %2d:%2d:%2d GMT\r\n", day,
                       &day_number, month, &year, &hour, &minute, &second);
    assert_int_equal(found, 7);
    assert_non_null(gmtime_r(&fixture->output->date_second, &tm));
    strftime(expected, sizeof expected, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    assert_int_equal(fixture->output->date_length, strlen(expected));
    assert_string_equal(fixture->output->date, expected);
    time_t now = time(NULL);
    assert_true(now - fixture->output->date_second <= 60);
    /* A second later it is another. */
    fixture->output->date_second -= 1;
    fixture->output->date[6] = '?';
    http_output_reset(fixture->output);
    assert_true(add(fixture, (struct http_answer){0}));
    assert_int_not_equal(fixture->output->date[6], '?');
}

static void small_answers_lie_side_by_side(void **state) {
    struct fixture *fixture = *state;
    buffer_put_text(&fixture->exchange->out, TEXT("hello"));
    for (int i = 0; i < 3; i++) assert_true(add(fixture, (struct http_answer){0}));
    assert_true(http_output_add_continue(fixture->output));
    assert_int_equal(fixture->output->piece_count, 1);
    const char *at = sent(fixture);
    for (int i = 0; i < 3; i++) assert_non_null(at = strstr(at + 1, "\r\n\r\nhelloHTTP/1.1 "));
    assert_string_equal(at, "\r\n\r\nhelloHTTP/1.1 100 Continue\r\n\r\n");
}

static void large_bodies_are_not_copied(void **state) {
    struct fixture *fixture = *state;
    struct buffer *out = &fixture->exchange->out;
    char *room = buffer_reserve(out, HTTP_OUTPUT_COPY_MAX + 1);
    memset(room, 'x', HTTP_OUTPUT_COPY_MAX + 1);
    buffer_advance(out, HTTP_OUTPUT_COPY_MAX);
    assert_true(add(fixture, (struct http_answer){0}));
    assert_int_equal(fixture->output->piece_count, 1);
    buffer_advance(out, 1);
    assert_true(add(fixture, (struct http_answer){0}));
    assert_int_equal(fixture->output->piece_count, 2);
    assert_ptr_equal(fixture->output->pieces[1].iov_base, out->data);
    assert_true(add(fixture, (struct http_answer){.head_only = true}));
    assert_int_equal(fixture->output->piece_count, 3);
    assert_non_null(strstr(sent(fixture), "xHTTP/1.1 200"));
}

/* Fills the output; whatever was refused must not have left a trace. */
static void a_full_output_says_so(void **state) {
    struct fixture *fixture = *state;
    size_t sizes[] = {0, 1000, HTTP_OUTPUT_COPY_MAX, HTTP_OUTPUT_COPY_MAX + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t count = 0, total = 0;
        buffer_reset(&fixture->exchange->out);
        memset(buffer_reserve(&fixture->exchange->out, sizes[i]), 'x', sizes[i]);
        buffer_advance(&fixture->exchange->out, sizes[i]);
        http_output_reset(fixture->output);
        while (add(fixture, (struct http_answer){0})) {
            total = fixture->output->total;
            count++;
        }
        assert_true(count > 0);
        assert_int_equal(fixture->output->total, total);
        assert_true(fixture->output->used <= HTTP_OUTPUT_BYTES);
        assert_true(fixture->output->piece_count <= HTTP_OUTPUT_PIECES_MAX);
        const char *at = sent(fixture);
        for (size_t found = 0; found < count; found++)
            assert_non_null(at = strstr(at, "HTTP/1.1 ") + 1);
        assert_null(strstr(at, "HTTP/1.1 "));
    }
}

static void a_full_output_has_no_room_to_continue(void **state) {
    struct fixture *fixture = *state;
    struct http_output *output = fixture->output;
    while (http_output_add_continue(output)) assert_true(output->used <= HTTP_OUTPUT_BYTES);
    assert_int_equal(output->used, HTTP_OUTPUT_BYTES / 25 * 25);
    assert_int_equal(output->piece_count, 1);
    http_output_reset(output);
    buffer_reserve(&fixture->exchange->out, HTTP_OUTPUT_COPY_MAX + 1);
    buffer_advance(&fixture->exchange->out, HTTP_OUTPUT_COPY_MAX + 1);
    while (add(fixture, (struct http_answer){0})) {
    }
    assert_int_equal(output->piece_count, HTTP_OUTPUT_PIECES_MAX);
    assert_false(http_output_add_continue(output));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_has_type_length_and_date, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_handler_adds_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_client_is_told_that_the_connection_stays, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_answer_to_head_has_a_length_and_no_body, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_content_has_neither_body_nor_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_date_is_that_of_the_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_answers_lie_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_bodies_are_not_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_output_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_output_has_no_room_to_continue, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
