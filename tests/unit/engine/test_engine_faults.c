/* What the engine promises when the store fails: nothing half written, nobody hurt by a neighbour,
 * and an honest answer. */
#include "engine_fixture.h"

#include <stdio.h>

static struct fixture fixture;

static void short_queue(struct engine_options *options) {
    options->commit_resolve_us_max = 60000000;
    options->queue_requests_max = 8;
}

static void short_look(struct engine_options *options) {
    options->commit_resolve_us_max = 200000;
}

static int set_up(void **state) {
    (void)state;
    fixture_open(&fixture, short_queue);
    return 0;
}

static int set_up_short_look(void **state) {
    (void)state;
    fixture_open(&fixture, short_look);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void each_failing_call_is_answered_and_leaves_nothing_behind(void **state) {
    (void)state;
    static const struct {
        enum fault fault;
        enum qms_code code;
        unsigned times;
    } cases[] = {
        {FAULT_BEGIN, QMS_UNAVAILABLE, 1},       {FAULT_LOAD, QMS_UNAVAILABLE, 1},
        {FAULT_SAVE_FAILED, QMS_UNAVAILABLE, 1}, {FAULT_SAVE_REFUSED, QMS_INTERNAL, 2},
        {FAULT_SAVE_LOST, QMS_UNAVAILABLE, 1},
    };
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fault_store_arm(fixture.store, cases[i].fault, 0, (int)cases[i].times);
        assert_int_equal(add_usage(&fixture, "ada", "10"), cases[i].code);
        assert_int_equal(fault_store_fired(fixture.store, cases[i].fault), cases[i].times);
        fault_store_arm(fixture.store, cases[i].fault, 0, 0);
        assert_string_equal(usage_of(&fixture, "ada"), "1");
        assert_string_equal(usage_of(&fixture, "new"), "");
    }
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
}

/* Somebody else took the name, or deleted what it refers to, after it was loaded. */
static void what_is_refused_alone_is_decided_once_more(void **state) {
    (void)state;
    fault_store_arm(fixture.store, FAULT_SAVE_REFUSED, 0, 1);
    assert_int_equal(add_usage(&fixture, "ada", "3"), QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_SAVE_REFUSED), 1);
    assert_string_equal(usage_of(&fixture, "ada"), "3");
}

static void a_commit_whose_answer_was_lost_is_looked_up_and_counts(void **state) {
    (void)state;
    fault_store_arm(fixture.store, FAULT_SAVE_COMMITTED, 0, 1);
    fault_store_arm(fixture.store, FAULT_RESOLVE, 0, 2); /* it takes a while to find out */
    assert_int_equal(add_usage(&fixture, "ada", "3"), QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_RESOLVE), 2);
    assert_string_equal(usage_of(&fixture, "ada"), "3");
}

static void while_an_outcome_is_looked_up_the_engine_is_not_ready(void **state) {
    (void)state;
    struct qms_error error;
    struct call call;
    fault_store_arm(fixture.store, FAULT_SAVE_COMMITTED, 0, 1);
    fault_store_arm(fixture.store, FAULT_RESOLVE, 0, FAULT_FOR_EVER);
    call_init(&call, &fixture);
    call_add_usage(&call, "ada", "3");
    call_submit(&call, false);
    while (fault_store_fired(fixture.store, FAULT_RESOLVE) < 2) sched_yield();
    assert_false(engine_ready(fixture.engine, &error));
    fault_store_arm(fixture.store, FAULT_RESOLVE, 0, 0);
    call_wait(&call);
    assert_int_equal(call.request.ops->error.code, QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "3");
    assert_true(engine_ready(fixture.engine, &error));
    call_close(&call);
}

static void an_outcome_that_cannot_be_found_out_is_said_to_be_unknown(void **state) {
    (void)state;
    fault_store_arm(fixture.store, FAULT_SAVE_COMMITTED, 0, 1);
    fault_store_arm(fixture.store, FAULT_RESOLVE, 0, FAULT_FOR_EVER);
    assert_int_equal(add_usage(&fixture, "ada", "3"), QMS_OUTCOME_UNKNOWN);
    fault_store_arm(fixture.store, FAULT_RESOLVE, 0, 0);
    /* and the truth is read from the store, not from what was cached */
    assert_string_equal(usage_of(&fixture, "ada"), "3");
}

static void one_refused_operation_never_fails_its_neighbours(void **state) {
    (void)state;
    static char names[8][8];
    struct call first, calls[8];
    fault_store_refuse_user(fixture.store, TEXT("user5"));
    call_init(&first, &fixture);
    call_add_usage(&first, "other", "1");
    gate_close(&fixture);
    call_submit(&first, false);
    gate_wait(&fixture);
    for (int i = 0; i < 8; i++) {
        snprintf(names[i], sizeof names[i], "user%d", i);
        call_init(&calls[i], &fixture);
        call_add_usage(&calls[i], names[i], "1");
        call_submit(&calls[i], false);
    }
    gate_open(&fixture);
    call_wait(&first);
    for (int i = 0; i < 8; i++) {
        call_wait(&calls[i]);
        assert_int_equal(calls[i].request.ops->error.code, i == 5 ? QMS_INTERNAL : QMS_OK);
        call_close(&calls[i]);
    }
    call_close(&first);
    assert_true(fixture.metrics->batches_halved > 0);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(usage_of(&fixture, names[i]), i == 5 ? "" : "1");
    }
}

/* A list in one batch: the save of all, of the first half, of its first half and of the first alone
 * fail, and whatever is tried after that succeeds. */
static void an_operation_that_the_store_declines_alone_is_told_to_try_again(void **state) {
    (void)state;
    static const char *const users[] = {"ada", "bob", "cid", "dan"};
    struct call list;
    call_init(&list, &fixture);
    struct op *ops = call_list(&list, "item", users, 4, 8);
    fault_store_arm(fixture.store, FAULT_SAVE_DECLINED, 0, 4);
    call_submit(&list, false);
    call_wait(&list);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ops[i].error.code, i == 0 ? QMS_UNAVAILABLE : QMS_OK);
    }
    call_close(&list);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    assert_string_equal(usage_of(&fixture, "dan"), "2");
}

static void a_store_that_saves_nothing_is_not_asked_for_each_operation(void **state) {
    (void)state;
    static const char *const users[] = {"ada", "bob"};
    enum { ITEMS = 200 };
    struct call list;
    call_init(&list, &fixture);
    struct op *ops = call_list(&list, "item", users, 2, ITEMS);
    fault_store_arm(fixture.store, FAULT_SAVE_DECLINED, 0, FAULT_FOR_EVER);
    call_submit(&list, false);
    call_wait(&list);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(ops[i].error.code, QMS_UNAVAILABLE);
    call_close(&list);
    assert_true(fault_store_fired(fixture.store, FAULT_SAVE_DECLINED) < ITEMS / 2);
    fault_store_arm(fixture.store, FAULT_SAVE_DECLINED, 0, 0);
    assert_int_equal(add_usage(&fixture, "ada", "3"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "3");
}

static void a_key_that_cannot_be_read_fails_only_its_own_operation(void **state) {
    (void)state;
    static const char *const users[] = {"ada", "bob"};
    struct call list;
    call_init(&list, &fixture);
    fault_store_break_key(fixture.store, TEXT("item5"));
    struct op *ops = call_list(&list, "item", users, 2, 8);
    call_submit(&list, false);
    call_wait(&list);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ops[i].error.code, i == 5 ? QMS_INTERNAL : QMS_OK);
    }
    call_close(&list);
    assert_string_equal(usage_of(&fixture, "ada"), "4");
    assert_string_equal(usage_of(&fixture, "bob"), "3");
}

static void what_an_id_names_and_cannot_be_read_is_an_internal_error(void **state) {
    (void)state;
    struct call call;
    call_init(&call, &fixture);
    call_read(&call, OP_APPLIED_LIST, "");
    fault_store_arm(fixture.store, FAULT_FIND_BROKEN, 0, 1);
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(call.request.ops->error.code, QMS_INTERNAL);

    fault_store_arm(fixture.store, FAULT_ADDON_BROKEN, 0, 1);
    for (int times = 0; times < 2; times++) {
        struct op *op = call_read(&call, OP_ADDON_DELETE, "");
        assert_true(uuid_parse(TEXT("f8d2066c-e3b2-4559-839e-88bfc997c89f"), &op->in.addon.id));
        call_submit(&call, false);
        call_wait(&call);
        assert_int_equal(op->error.code, times == 0 ? QMS_INTERNAL : QMS_OK);
    }
    call_close(&call);
}

static void a_full_queue_is_an_answer(void **state) {
    (void)state;
    struct call first, calls[9];
    call_init(&first, &fixture);
    call_add_usage(&first, "ada", "1");
    gate_close(&fixture);
    call_submit(&first, false);
    gate_wait(&fixture);
    for (int i = 0; i < 9; i++) {
        call_init(&calls[i], &fixture);
        call_add_usage(&calls[i], "ada", "1");
        call_submit(&calls[i], false);
    }
    assert_true(call_is_done(&calls[8]));
    assert_int_equal(calls[8].request.ops->error.code, QMS_BUSY);
    gate_open(&fixture);
    call_wait(&first);
    for (int i = 0; i < 9; i++) {
        call_wait(&calls[i]);
        call_close(&calls[i]);
    }
    call_close(&first);
    assert_string_equal(usage_of(&fixture, "ada"), "9");
}

static void a_foreign_writer_makes_cached_accounts_be_read_again(void **state) {
    (void)state;
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    uint64_t misses = fixture.metrics->cache_misses;
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    assert_int_equal(fixture.metrics->cache_misses, misses);
    fault_store_arm(fixture.store, FAULT_BEGIN_STALE, 0, 1);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    assert_int_equal(fixture.metrics->cache_misses, misses + 1);
}

static void no_wait_at_all(struct engine_options *options) {
    options->request_wait_us_max = -1;
}

static void what_waited_too_long_is_answered_unexecuted(void **state) {
    (void)state;
    struct fixture impatient;
    fixture_open(&impatient, no_wait_at_all);
    unsigned commits = fault_store_commits(impatient.store);
    assert_int_equal(add_usage(&impatient, "ada", "1"), QMS_UNAVAILABLE);
    static const char *const users[] = {"ada"};
    struct call list;
    call_init(&list, &impatient);
    struct op *ops = call_list(&list, "item", users, 1, 1000);
    call_submit(&list, false);
    call_wait(&list);
    for (int i = 0; i < 1000; i++) assert_int_equal(ops[i].error.code, QMS_UNAVAILABLE);
    fault_store_arm(impatient.store, FAULT_READER_OPEN, 0, 1);
    call_read(&list, OP_USER_LIST, "");
    call_submit(&list, false);
    call_wait(&list);
    assert_int_equal(list.request.ops->error.code, QMS_UNAVAILABLE);
    assert_int_equal(fault_store_fired(impatient.store, FAULT_READER_OPEN), 0); /* not begun */
    call_close(&list);
    assert_int_equal(fault_store_commits(impatient.store), commits);
    fixture_close(&impatient);
}

static void a_store_that_stops_answering_makes_the_engine_not_ready(void **state) {
    (void)state;
    struct qms_error error;
    assert_true(engine_ready(fixture.engine, &error));
    fault_store_arm(fixture.store, FAULT_BEGIN, 0, FAULT_FOR_EVER);
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_UNAVAILABLE);
    assert_false(engine_ready(fixture.engine, &error));
    assert_string_equal(error.text, "the store does not answer");
    fault_store_arm(fixture.store, FAULT_BEGIN, 0, 0);
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    assert_true(engine_ready(fixture.engine, &error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_failing_call_is_answered_and_leaves_nothing_behind),
        TEST(a_commit_whose_answer_was_lost_is_looked_up_and_counts),
        TEST(while_an_outcome_is_looked_up_the_engine_is_not_ready),
        cmocka_unit_test_setup_teardown(an_outcome_that_cannot_be_found_out_is_said_to_be_unknown,
                                        set_up_short_look, tear_down),
        TEST(what_is_refused_alone_is_decided_once_more),
        TEST(one_refused_operation_never_fails_its_neighbours),
        TEST(an_operation_that_the_store_declines_alone_is_told_to_try_again),
        TEST(a_store_that_saves_nothing_is_not_asked_for_each_operation),
        TEST(a_key_that_cannot_be_read_fails_only_its_own_operation),
        TEST(what_an_id_names_and_cannot_be_read_is_an_internal_error),
        TEST(a_full_queue_is_an_answer),
        TEST(a_foreign_writer_makes_cached_accounts_be_read_again),
        TEST(what_waited_too_long_is_answered_unexecuted),
        TEST(a_store_that_stops_answering_makes_the_engine_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
