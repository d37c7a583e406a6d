/* What the engine promises while everything works: order, group commit, reads, lists, keys. */
#include "base/limits.h"
#include "engine_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static struct fixture fixture;

static int set_up(void **state) {
    (void)state;
    fixture_open(&fixture, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void a_write_is_not_answered_before_its_commit(void **state) {
    (void)state;
    struct call call;
    call_init(&call, &fixture);
    call_add_usage(&call, "ada", "1");
    gate_close(&fixture);
    call_submit(&call, true);
    gate_wait(&fixture);
    assert_false(call_is_done(&call));
    gate_open(&fixture);
    call_wait(&call);
    assert_int_equal(call.request.ops->error.code, QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    call_close(&call);
}

static void requests_that_arrive_during_a_commit_share_the_next_one(void **state) {
    (void)state;
    struct call first, rest[50];
    call_init(&first, &fixture);
    call_add_usage(&first, "ada", "1");
    gate_close(&fixture);
    call_submit(&first, false);
    gate_wait(&fixture);
    for (int i = 0; i < 50; i++) {
        call_init(&rest[i], &fixture);
        call_add_usage(&rest[i], i % 2 == 0 ? "ada" : "bob", "0.1");
        call_submit(&rest[i], false);
    }
    unsigned commits = fault_store_commits(fixture.store);
    gate_open(&fixture);
    call_wait(&first);
    for (int i = 0; i < 50; i++) call_wait(&rest[i]);
    assert_int_equal(fault_store_commits(fixture.store), commits + 2);
    assert_string_equal(usage_of(&fixture, "ada"), "3.5");
    assert_string_equal(usage_of(&fixture, "bob"), "2.5");
    for (int i = 0; i < 50; i++) call_close(&rest[i]);
    call_close(&first);
}

static void a_read_of_a_cached_account_does_not_queue_behind_another_accounts_commit(void **state) {
    (void)state;
    assert_int_equal(add_usage(&fixture, "ada", "5"), QMS_OK);
    struct call write, read_ada, read_bob;
    call_init(&write, &fixture);
    call_init(&read_ada, &fixture);
    call_init(&read_bob, &fixture);
    call_add_usage(&write, "bob", "7");
    gate_close(&fixture);
    call_submit(&write, false);
    gate_wait(&fixture);

    call_read(&read_ada, OP_USAGE_LIST, "ada");
    call_submit(&read_ada, true);
    assert_true(read_ada.done);
    assert_int_equal(read_ada.request.ops->out.usages.count, 1);
    /* what the open batch has touched is not shown before it is safe */
    call_read(&read_bob, OP_USAGE_LIST, "bob");
    call_submit(&read_bob, true);
    assert_false(call_is_done(&read_bob));
    gate_open(&fixture);
    call_wait(&read_bob);
    call_wait(&write);
    assert_int_equal(read_bob.request.ops->out.usages.count, 1);
    call_close(&write);
    call_close(&read_ada);
    call_close(&read_bob);
}

static void a_batch_of_reads_commits_nothing(void **state) {
    (void)state;
    unsigned commits = fault_store_commits(fixture.store);
    assert_string_equal(usage_of(&fixture, "nobody"), "");
    struct call call;
    call_init(&call, &fixture);
    call_read(&call, OP_OVERAGE_LIST, "nobody");
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(call.request.ops->out.overages.count, 0);
    assert_int_equal(fault_store_commits(fixture.store), commits);
    call_close(&call);
}

static void two_first_summaries_make_one_subscription(void **state) {
    (void)state;
    struct call calls[20];
    struct uuid id = {0};
    gate_close(&fixture);
    for (int i = 0; i < 20; i++) {
        call_init(&calls[i], &fixture);
        call_read(&calls[i], OP_SUMMARY_GET, "new");
        call_submit(&calls[i], true);
    }
    gate_wait(&fixture);
    gate_open(&fixture);
    for (int i = 0; i < 20; i++) {
        call_wait(&calls[i]);
        const struct op *op = calls[i].request.ops;
        assert_int_equal(op->error.code, QMS_OK);
        if (i == 0) id = op->out.subscription.id;
        assert_true(uuid_equal(&id, &op->out.subscription.id));
        call_close(&calls[i]);
    }
}

/* What a summary and a write of another user do in one batch: the summary's user is new. */
static void share_a_batch(struct call *write, struct call *summary) {
    struct call first;
    call_init(&first, &fixture);
    call_add_usage(&first, "ada", "1");
    gate_close(&fixture);
    call_submit(&first, false);
    gate_wait(&fixture);
    call_add_usage(write, "ada", "1");
    call_submit(write, false);
    call_read(summary, OP_SUMMARY_GET, "new");
    call_submit(summary, false);
    gate_open(&fixture);
    call_wait(&first);
    call_close(&first);
}

static void a_read_that_subscribes_is_not_answered_before_its_commit(void **state) {
    (void)state;
    struct call write, summary;
    call_init(&write, &fixture);
    call_init(&summary, &fixture);
    fault_store_arm(fixture.store, FAULT_SAVE_FAILED, 1, FAULT_FOR_EVER);
    share_a_batch(&write, &summary);
    call_wait(&write);
    call_wait(&summary);
    assert_int_equal(write.request.ops->error.code, QMS_UNAVAILABLE);
    assert_int_equal(summary.request.ops->error.code, QMS_UNAVAILABLE);
    fault_store_arm(fixture.store, FAULT_SAVE_FAILED, 0, 0);
    /* nothing is left in memory of a subscription that was not saved */
    assert_int_equal(add_usage(&fixture, "new", "5"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "new"), "5");
    call_close(&write);
    call_close(&summary);
}

/* The read comes first and puts itself off, the write behind it makes the subscription. */
static void a_read_put_off_for_what_its_own_batch_then_writes_is_answered(void **state) {
    (void)state;
    struct call first, summary, write;
    call_init(&first, &fixture);
    call_init(&summary, &fixture);
    call_init(&write, &fixture);
    call_add_usage(&first, "ada", "1");
    gate_close(&fixture);
    call_submit(&first, false);
    gate_wait(&fixture);
    call_read(&summary, OP_SUMMARY_GET, "new");
    call_submit(&summary, false);
    call_add_usage(&write, "new", "5");
    call_submit(&write, false);
    gate_open(&fixture);
    call_wait(&first);
    call_wait(&write);
    call_wait(&summary);
    assert_int_equal(write.request.ops->error.code, QMS_OK);
    assert_int_equal(summary.request.ops->error.code, QMS_OK);
    assert_int_equal(summary.request.ops->out.subscription.usage_count, 1);
    call_close(&first);
    call_close(&write);
    call_close(&summary);
}

static void a_read_sees_every_write_that_was_answered_before_it(void **state) {
    (void)state;
    char expected[16];
    for (int i = 1; i <= 200; i++) {
        assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
        struct call call;
        call_init(&call, &fixture);
        struct op *op = call_read(&call, OP_USAGE_LIST, "ada");
        call_submit(&call, true);
        call_wait(&call);
        snprintf(expected, sizeof expected, "%d", i);
        char text[AMOUNT_TEXT_MAX + 1] = {0};
        amount_format(op->out.usages.rows[0].row.value, text);
        assert_string_equal(text, expected);
        call_close(&call);
    }
}

static void a_long_list_does_not_keep_a_single_request_waiting(void **state) {
    (void)state;
    static const char *const users[] = {"u1", "u2", "u3"};
    struct call list, single;
    call_init(&list, &fixture);
    call_init(&single, &fixture);
    call_list(&list, "item", users, 3, USAGE_ITEMS_MAX);
    gate_close(&fixture);
    call_submit(&list, false);
    gate_wait(&fixture); /* the first slices stand before their commit */
    call_add_usage(&single, "ada", "1");
    call_submit(&single, false);
    gate_open(&fixture);
    call_wait(&single);
    call_wait(&list);
    assert_true(single.nth < list.nth);
    for (size_t i = 0; i < USAGE_ITEMS_MAX; i++) {
        assert_int_equal(list.request.ops[i].error.code, QMS_OK);
        assert_false(list.request.ops[i].duplicate);
    }
    assert_string_equal(usage_of(&fixture, "u1"), "3334");
    assert_string_equal(usage_of(&fixture, "u3"), "3333");
    call_close(&list);
    call_close(&single);
}

static void an_item_of_a_list_stands_or_falls_on_its_own(void **state) {
    (void)state;
    static const char *const users[] = {"ada"};
    struct call list;
    call_init(&list, &fixture);
    struct op *ops = call_list(&list, "item", users, 1, 4);
    ops[1].in.change.resource_name = TEXT("no.such");
    qms_fail(&ops[2].error, QMS_BAD_REQUEST, "refused by its decoder");
    call_submit(&list, false);
    call_wait(&list);
    assert_int_equal(ops[0].error.code, QMS_OK);
    assert_int_equal(ops[1].error.code, QMS_BAD_REQUEST);
    assert_string_equal(ops[2].error.text, "refused by its decoder");
    assert_int_equal(ops[3].error.code, QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
    call_close(&list);
}

/* Three lists and one whose last item its decoder has refused; slow commits keep batches small, so
 * that this one is done with the second batch and would be met again in the fourth. */
static struct {
    struct call ends_refused, others[3];
    atomic_bool submitted;
    int saves;
} lists;

static void lists_watch(void *context, const char *call) {
    (void)context;
    if (strcmp(call, "save") != 0 || ++lists.saves > 3) return;
    usleep(2 * COMMIT_TARGET_US);
    while (lists.saves == 1 && !atomic_load(&lists.submitted)) usleep(1000);
    if (lists.saves < 3) return;
    while (!call_is_done(&lists.ends_refused)) usleep(1000);
    assert_int_equal(lists.ends_refused.request.ops[0].error.code, QMS_OK);
    call_close(&lists.ends_refused);
    memset(&lists.ends_refused, 0, sizeof lists.ends_refused);
}

static void lists_submit(struct call *call, const char *prefix, size_t count, bool refuse_last) {
    static const char *const users[] = {"u1", "u2", "u3"};
    call_init(call, &fixture);
    struct op *ops = call_list(call, prefix, users, 3, count);
    if (refuse_last) qms_fail(&ops[count - 1].error, QMS_BAD_REQUEST, "refused by its decoder");
    call_submit(call, false);
}

static void a_list_is_left_alone_once_it_is_answered(void **state) {
    (void)state;
    struct call first;
    call_init(&first, &fixture);
    call_add_usage(&first, "ada", "1");
    fault_store_watch(fixture.store, lists_watch, NULL);
    call_submit(&first, false);
    lists_submit(&lists.others[0], "a", 2000, false);
    lists_submit(&lists.others[1], "b", 2000, false);
    lists_submit(&lists.ends_refused, "c", LIST_SLICE_OPERATIONS_MAX + 1, true);
    lists_submit(&lists.others[2], "d", 2000, false);
    atomic_store(&lists.submitted, true);
    call_wait(&first);
    call_close(&first);
    for (int i = 0; i < 3; i++) {
        call_wait(&lists.others[i]);
        assert_int_equal(lists.others[i].request.ops[1999].error.code, QMS_OK);
        call_close(&lists.others[i]);
    }
    assert_true(lists.saves >= 3);
}

static void an_id_is_applied_once_within_a_list_and_ever_after(void **state) {
    (void)state;
    static const char *const users[] = {"ada"};
    struct call list;
    call_init(&list, &fixture);
    struct op *ops = call_list(&list, "item", users, 1, 3);
    ops[1].key = ops[0].key; /* the same id and content */
    ops[2].key = ops[0].key;
    ops[2].content[0] = 2; /* other content */
    call_submit(&list, false);
    call_wait(&list);
    assert_int_equal(ops[0].error.code, QMS_OK);
    assert_false(ops[0].duplicate);
    assert_int_equal(ops[1].error.code, QMS_OK);
    assert_true(ops[1].duplicate);
    assert_int_equal(ops[2].error.code, QMS_CONFLICT);
    ops = call_list(&list, "item", users, 1, 1);
    call_submit(&list, false);
    call_wait(&list);
    assert_true(ops[0].duplicate);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
    call_close(&list);
}

static void the_key_of_a_request_is_its_principals_and_the_id_of_a_usage_everybodys(void **state) {
    (void)state;
    static const char *const users[] = {"ada"};
    static const struct text principals[] = {{"eve", 3}, {"", 0}, {"eve", 3}, {"bob", 3}};
    struct call call;
    call_init(&call, &fixture);
    for (size_t i = 0; i < 4; i++) {
        struct op *op = call_add_usage(&call, "ada", "1");
        op->key = TEXT("key");
        op->principal = principals[i];
        call_submit(&call, false);
        call_wait(&call);
        assert_int_equal(op->error.code, QMS_OK);
        assert_int_equal(op->duplicate, i == 2);
    }
    for (size_t i = 0; i < 4; i++) {
        struct op *op = call_list(&call, "item", users, 1, 1);
        op->principal = principals[i];
        call_submit(&call, false);
        call_wait(&call);
        assert_int_equal(op->duplicate, i > 0);
    }
    assert_string_equal(usage_of(&fixture, "ada"), "4");
    struct op *ops = call_list(&call, "both", users, 1, 3); /* in one batch */
    for (size_t i = 0; i < 3; i++) {
        ops[i].operation = OP_USAGE_ADD;
        ops[i].key = TEXT("both");
        ops[i].principal = i == 1 ? TEXT("bob") : TEXT("eve");
    }
    call_submit(&call, false);
    call_wait(&call);
    assert_false(ops[0].duplicate);
    assert_false(ops[1].duplicate);
    assert_true(ops[2].duplicate);
    assert_string_equal(usage_of(&fixture, "ada"), "6");
    call_close(&call);
}

static void an_account_that_has_grown_is_read_anew_and_loses_nothing(void **state) {
    (void)state;
    struct call call;
    call_init(&call, &fixture);
    uint64_t misses = fixture.metrics->cache_misses;
    for (int i = 0; i < 2000; i++) { /* each leaves an ended subscription behind */
        request_reset(&call.request);
        struct op *op = request_single(&call.request, OP_USER_ADD);
        op->username = TEXT("ada");
        op->in.subscription =
            (struct subscription_input){.plan_name = TEXT("Pro"), .force = true};
        call_submit(&call, false);
        call_wait(&call);
        assert_int_equal(op->error.code, QMS_OK);
    }
    assert_true(fixture.metrics->cache_misses > misses + 1);
    assert_int_equal(add_usage(&fixture, "ada", "3"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "3");
    call_close(&call);
}

enum { THREADS = 8, ADDS = 400 };

static void *add_many(void *context) {
    for (int i = 0; i < ADDS; i++) {
        if (add_usage(&fixture, i % 2 == 0 ? "shared" : context, "0.1") != QMS_OK) return context;
    }
    return NULL;
}

static void concurrent_adds_lose_nothing(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    static char names[THREADS][8];
    for (int i = 0; i < THREADS; i++) {
        snprintf(names[i], sizeof names[i], "own%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, names[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_string_equal(usage_of(&fixture, "shared"), "160");
    for (int i = 0; i < THREADS; i++) assert_string_equal(usage_of(&fixture, names[i]), "20");
}

static void stopping_finishes_what_was_submitted_and_refuses_the_rest(void **state) {
    (void)state;
    struct fixture other;
    fixture_open(&other, NULL);
    struct call calls[100], late;
    for (int i = 0; i < 100; i++) {
        call_init(&calls[i], &other);
        call_add_usage(&calls[i], "ada", "1");
        call_submit(&calls[i], false);
    }
    engine_stop(other.engine);
    for (int i = 0; i < 100; i++) {
        assert_true(calls[i].done);
        assert_int_equal(calls[i].request.ops->error.code, QMS_OK);
        call_close(&calls[i]);
    }
    call_init(&late, &other);
    call_add_usage(&late, "ada", "1");
    call_submit(&late, false);
    assert_true(late.done);
    assert_int_equal(late.request.ops->error.code, QMS_UNAVAILABLE);
    call_close(&late);
    engine_close(other.engine);
    memory_give(other.metrics);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_write_is_not_answered_before_its_commit),
        TEST(requests_that_arrive_during_a_commit_share_the_next_one),
        TEST(a_read_of_a_cached_account_does_not_queue_behind_another_accounts_commit),
        TEST(a_batch_of_reads_commits_nothing),
        TEST(two_first_summaries_make_one_subscription),
        TEST(a_read_that_subscribes_is_not_answered_before_its_commit),
        TEST(a_read_put_off_for_what_its_own_batch_then_writes_is_answered),
        TEST(a_read_sees_every_write_that_was_answered_before_it),
        TEST(a_long_list_does_not_keep_a_single_request_waiting),
        TEST(an_item_of_a_list_stands_or_falls_on_its_own),
        TEST(a_list_is_left_alone_once_it_is_answered),
        TEST(an_id_is_applied_once_within_a_list_and_ever_after),
        TEST(the_key_of_a_request_is_its_principals_and_the_id_of_a_usage_everybodys),
        TEST(an_account_that_has_grown_is_read_anew_and_loses_nothing),
        TEST(concurrent_adds_lose_nothing),
        TEST(stopping_finishes_what_was_submitted_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
