#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/upload.h"
#include "scripted_server.h"

#define ANSWER(results) SCRIPTED("200 OK", "{\"results\":[" results "]}\n")
#define APPLIED "{\"id\":\"x\",\"status\":\"applied\"}"
#define DUPLICATE "{\"id\":\"x\",\"status\":\"duplicate\"}"
#define REFUSED(status, detail)                                                                    \
    "{\"id\":\"x\",\"status\":\"error\",\"error\":{\"type\":\"about:blank\",\"title\":\"t\","      \
    "\"status\":" status ",\"detail\":\"" detail "\"}}"
#define BUSY REFUSED("503", "busy")

struct fixture {
    struct scripted_server server;
    struct client *client;
    struct progress progress;
    struct upload *upload;
    struct qms_error error;
};

/* An upload of this many items {"n":1}, {"n":2}, ... of so many hours, to a server that gives these
 * answers; whether it succeeded. */
static bool upload_items(struct fixture *fixture, int count, int64_t retry_us_max) {
    scripted_server_start(&fixture->server);
    struct client_settings settings = {.url = fixture->server.url};
    fixture->client = client_open(&settings, &fixture->error);
    progress_open(&fixture->progress, 0);
    fixture->upload = upload_open(fixture->client, &fixture->progress, retry_us_max);
    for (int i = 1; i <= count; i++) {
        buffer_format(upload_item(fixture->upload), "{\"n\":%d}", i);
        if (!upload_put(fixture->upload, amount_of(i), "log", (uint64_t)i, &fixture->error)) {
            scripted_server_finish(&fixture->server);
            return false;
        }
    }
    bool finished = upload_finish(fixture->upload, &fixture->error);
    scripted_server_finish(&fixture->server);
    return finished;
}

static void tear_down(struct fixture *fixture) {
    upload_close(fixture->upload);
    client_close(fixture->client);
    scripted_server_stop(&fixture->server);
}

static bool was_sent(const struct fixture *fixture, size_t nth, const char *body) {
    const char *request = fixture->server.requests[nth].data;
    const char *sent = request == NULL ? NULL : strstr(request, "\r\n\r\n");
    return sent != NULL && strcmp(sent + 4, body) == 0;
}

static void each_outcome_is_counted_and_only_what_was_applied_is_summed(void **state) {
    (void)state;
    struct fixture fixture = {
        .server = {.answers = {ANSWER(APPLIED "," DUPLICATE "," REFUSED("409", "other content") ","
                                              APPLIED)},
                   .answer_count = 1}};
    assert_true(upload_items(&fixture, 4, 0));
    const struct upload_totals *totals = upload_totals(fixture.upload);
    assert_true(was_sent(&fixture, 0, "[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4}]"));
    assert_int_equal(totals->applied, 2);
    assert_int_equal(totals->duplicates, 1);
    assert_int_equal(totals->failed, 1);
    assert_int_equal(totals->confirmed, 0);
    assert_int_equal(amount_compare(totals->amount, amount_of(5)), 0);
    assert_int_equal(totals->code, QMS_CONFLICT);
    assert_int_equal(totals->problem_count, 1);
    assert_int_equal(totals->problems[0].line, 3);
    assert_true(text_equal(totals->problems[0].text, TEXT("other content")));
    tear_down(&fixture);
}

static void items_that_found_the_server_busy_are_sent_again_alone(void **state) {
    (void)state;
    struct fixture fixture = {.server = {.answers = {ANSWER(APPLIED "," BUSY "," APPLIED "," BUSY),
                                                     ANSWER(APPLIED "," APPLIED)},
                                         .answer_count = 2}};
    assert_true(upload_items(&fixture, 4, 10000000));
    const struct upload_totals *totals = upload_totals(fixture.upload);
    assert_true(was_sent(&fixture, 1, "[{\"n\":2},{\"n\":4}]"));
    assert_int_equal(totals->applied, 4);
    assert_int_equal(totals->lists_repeated, 1);
    assert_int_equal(amount_compare(totals->amount, amount_of(10)), 0);
    tear_down(&fixture);
}

static void a_list_without_an_answer_is_sent_again(void **state) {
    (void)state;
    static const char *const failures[] = {
        NULL,
        SCRIPTED("503 Service Unavailable", "{\"detail\":\"busy\"}"),
        SCRIPTED("504 Gateway Timeout", "{\"detail\":\"unknown\"}"),
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"results\":[",
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct fixture fixture = {
            .server = {.answers = {failures[i], ANSWER(DUPLICATE "," APPLIED)},
                       .answer_count = 2}};
        assert_true(upload_items(&fixture, 2, 10000000));
        const struct upload_totals *totals = upload_totals(fixture.upload);
        assert_true(was_sent(&fixture, 1, "[{\"n\":1},{\"n\":2}]"));
        assert_int_equal(totals->applied, 1);
        assert_int_equal(totals->duplicates, 0);
        assert_int_equal(totals->confirmed, 1);
        tear_down(&fixture);
    }
}

static void trying_again_has_an_end(void **state) {
    (void)state;
    struct fixture fixture = {
        .server = {.answers = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
                   .answer_count = 8}};
    assert_false(upload_items(&fixture, 1, 300000));
    assert_int_equal(qms_code_exit(fixture.error.code), 6);
    assert_non_null(strstr(fixture.error.text, "gave up"));
    assert_true(fixture.server.request_count >= 2);
    assert_int_equal(upload_totals(fixture.upload)->applied, 0);
    tear_down(&fixture);
}

static void a_refused_list_ends_the_upload_at_once(void **state) {
    (void)state;
    struct fixture fixture = {
        .server = {.answers = {SCRIPTED("403 Forbidden", "{\"detail\":\"this host\"}")},
                   .answer_count = 1}};
    assert_false(upload_items(&fixture, 1, 10000000));
    assert_int_equal(fixture.error.code, QMS_FORBIDDEN);
    assert_non_null(strstr(fixture.error.text, "this host"));
    assert_int_equal(fixture.server.request_count, 1);
    assert_false(upload_finish(fixture.upload, &fixture.error));
    tear_down(&fixture);
}

static void an_answer_that_does_not_fit_is_refused(void **state) {
    (void)state;
    static const char *const answers[] = {
        ANSWER(APPLIED),
        ANSWER(APPLIED "," APPLIED "," APPLIED),
        ANSWER(APPLIED ",{\"id\":\"x\",\"status\":\"lost\"}"),
        ANSWER(APPLIED ",{}"),
        ANSWER(APPLIED ",7"),
        SCRIPTED("200 OK", "{}"),
        SCRIPTED("200 OK", "[]"),
        SCRIPTED("200 OK", "hello"),
        SCRIPTED("200 OK", ""),
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct fixture fixture = {.server = {.answers = {answers[i]}, .answer_count = 1}};
        assert_false(upload_items(&fixture, 2, 0));
        assert_non_null(strstr(fixture.error.text, "is not understood"));
        tear_down(&fixture);
    }
}

static void without_a_client_everything_counts_as_applied(void **state) {
    (void)state;
    struct progress progress;
    progress_open(&progress, 0);
    struct upload *upload = upload_open(NULL, &progress, 0);
    struct qms_error error;
    for (int i = 0; i < 2 * UPLOAD_ITEMS_MAX + 1; i++) {
        buffer_put_text(upload_item(upload), TEXT("{}"));
        assert_true(upload_put(upload, amount_of(1), "log", 1, &error));
    }
    assert_true(upload_finish(upload, &error));
    assert_int_equal(upload_totals(upload)->applied, 2 * UPLOAD_ITEMS_MAX + 1);
    assert_int_equal(amount_compare(upload_totals(upload)->amount,
                                    amount_of(2 * UPLOAD_ITEMS_MAX + 1)), 0);
    upload_close(upload);
}

static void a_full_list_leaves_before_the_end(void **state) {
    (void)state;
    struct buffer answer;
    buffer_init(&answer, 1 << 20);
    buffer_put_text(&answer, TEXT("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"results\":["));
    for (int i = 0; i < UPLOAD_ITEMS_MAX; i++)
        buffer_put_text(&answer, i == 0 ? TEXT(APPLIED) : TEXT("," APPLIED));
    buffer_put(&answer, "]}", 3);
    struct fixture fixture = {.server = {.answers = {answer.data, ANSWER(APPLIED)},
                                         .answer_count = 2}};
    assert_true(upload_items(&fixture, UPLOAD_ITEMS_MAX + 1, 0));
    assert_int_equal(upload_totals(fixture.upload)->applied, UPLOAD_ITEMS_MAX + 1);
    assert_true(was_sent(&fixture, 1, "[{\"n\":2001}]"));
    tear_down(&fixture);
    buffer_close(&answer);
}

static void what_there_is_leaves_while_nothing_comes(void **state) {
    (void)state;
    struct fixture fixture = {.server = {.answers = {ANSWER(APPLIED), ANSWER(APPLIED)},
                                         .answer_count = 2}};
    scripted_server_start(&fixture.server);
    struct client_settings settings = {.url = fixture.server.url};
    fixture.client = client_open(&settings, &fixture.error);
    progress_open(&fixture.progress, 0);
    fixture.upload = upload_open(fixture.client, &fixture.progress, 0);
    for (int i = 1; i <= 2; i++) {
        buffer_format(upload_item(fixture.upload), "{\"n\":%d}", i);
        assert_true(upload_put(fixture.upload, amount_of(i), "log", 1, &fixture.error));
        while (upload_totals(fixture.upload)->applied < (uint64_t)i)
            assert_true(upload_idle(fixture.upload, -1, &fixture.error));
    }
    assert_true(upload_finish(fixture.upload, &fixture.error));
    scripted_server_finish(&fixture.server);
    assert_true(was_sent(&fixture, 0, "[{\"n\":1}]"));
    assert_true(was_sent(&fixture, 1, "[{\"n\":2}]"));
    tear_down(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_is_counted_and_only_what_was_applied_is_summed),
        cmocka_unit_test(items_that_found_the_server_busy_are_sent_again_alone),
        cmocka_unit_test(a_list_without_an_answer_is_sent_again),
        cmocka_unit_test(trying_again_has_an_end),
        cmocka_unit_test(a_refused_list_ends_the_upload_at_once),
        cmocka_unit_test(an_answer_that_does_not_fit_is_refused),
        cmocka_unit_test(without_a_client_everything_counts_as_applied),
        cmocka_unit_test(a_full_list_leaves_before_the_end),
        cmocka_unit_test(what_there_is_leaves_while_nothing_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
