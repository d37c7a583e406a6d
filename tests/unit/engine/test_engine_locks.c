/* What the engine promises on a database that others write to: who holds one user's rows hurts that
 * user only, and being overtaken is no failure. */
#include <stdio.h>

#include "engine_fixture.h"

enum { OTHERS = 63 };

static struct fixture fixture;

static void patient(struct engine_options *options) {
    options->lock_wait_us_max = 60000000;
    options->request_wait_us_max = 60000000;
}

static void impatient(struct engine_options *options) {
    options->lock_wait_us_max = 500000; /* many tries long */
}

static int set_up(void **state) {
    (void)state;
    fixture_open_shared(&fixture, patient);
    return 0;
}

static int set_up_impatient(void **state) {
    (void)state;
    fixture_open_shared(&fixture, impatient);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* Written once: whoever holds its locks may be reading it. */
static const char *other(int i) {
    static char names[OTHERS][8];
    if (names[i][0] == '\0') snprintf(names[i], sizeof names[i], "user%d", i);
    return names[i];
}

static uint64_t batches(void) {
    uint64_t count = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) count += fixture.metrics->commit_us.buckets[i];
    return count;
}

/* Of 33 to 64 operations. */
static uint64_t batches_of_many(void) {
    return fixture.metrics->batch_operations.buckets[6];
}

static void start_add(struct call *call, const char *username, const char *amount) {
    call_init(call, &fixture);
    call_add_usage(call, username, amount);
    call_submit(call, false);
}

/* An ADD of 5 to ada's hours, the first row of another resource, and a SET of her hours to 1: three
 * calls that end with 1 only in this order. */
static void start_in_order(struct call *calls) {
    start_add(&calls[0], "ada", "5");
    call_init(&calls[1], &fixture);
    call_add_usage(&calls[1], "ada", "1")->in.change.resource_name = TEXT("data.size");
    call_submit(&calls[1], false);
    call_init(&calls[2], &fixture);
    call_add_usage(&calls[2], "ada", "1")->in.change.operation_name = TEXT("SET");
    call_submit(&calls[2], false);
}

static void expect_end(struct call *call, enum qms_code code) {
    call_wait(call);
    assert_int_equal(call->request.ops->error.code, code);
    call_close(call);
}

static void wait_for_tries(const char *username, unsigned tries) {
    while (shared_database_tries(fixture.database, username) < tries) sched_yield();
}

static void a_locked_user_keeps_no_other_user_waiting(void **state) {
    (void)state;
    struct call stuck, calls[OTHERS];
    shared_database_lock(fixture.database, "stuck");
    start_add(&stuck, "stuck", "1");
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < OTHERS; i++) start_add(&calls[i], other(i), "1");
        for (int i = 0; i < OTHERS; i++) expect_end(&calls[i], QMS_OK);
    }
    assert_false(call_is_done(&stuck));
    shared_database_unlock(fixture.database, "stuck");
    expect_end(&stuck, QMS_OK);
    assert_string_equal(usage_of(&fixture, "stuck"), "1");
    assert_string_equal(usage_of(&fixture, other(5)), "3");
    while (fixture.metrics->locks_waiting > 0) sched_yield();
}

static void who_does_not_get_a_lock_in_time_is_told_and_has_changed_nothing(void **state) {
    (void)state;
    struct call call;
    unsigned told = 0;
    shared_database_lock(fixture.database, "ada");
    do { /* again if there was no time for more than one try */
        start_add(&call, "ada", "1");
        call_wait(&call);
        const struct qms_error *error = &call.request.ops->error;
        assert_int_equal(error->code, QMS_UNAVAILABLE);
        assert_string_equal(error->text, "user ada is held locked by another program; nothing was "
                                         "changed, safe to try again");
        call_close(&call);
        assert_int_equal(fixture.metrics->lock_timeouts, ++told);
    } while (shared_database_tries(fixture.database, "ada") <= told && told < 10);
    assert_true(shared_database_tries(fixture.database, "ada") > told);
    shared_database_unlock(fixture.database, "ada");
    assert_int_equal(add_usage(&fixture, "ada", "2"), QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
}

static void changes_of_a_locked_user_stay_in_order(void **state) {
    (void)state;
    enum { CHANGES = 40 };
    static char values[CHANGES][4];
    struct call calls[CHANGES];
    shared_database_lock(fixture.database, "ada");
    for (int i = 0; i < CHANGES; i++) {
        snprintf(values[i], sizeof values[i], "%d", i);
        call_init(&calls[i], &fixture);
        call_add_usage(&calls[i], "ada", values[i])->in.change.operation_name = TEXT("SET");
        call_submit(&calls[i], false);
        if (i % 10 == 0 && i < CHANGES / 2) /* they come in different batches */
            wait_for_tries("ada", shared_database_tries(fixture.database, "ada") + 2);
        if (i == CHANGES / 2) shared_database_unlock(fixture.database, "ada");
    }
    for (int i = 0; i < CHANGES; i++) expect_end(&calls[i], QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "39");
}

static void a_read_waits_only_behind_a_change_its_client_has_sent(void **state) {
    (void)state;
    struct call change, read, behind;
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    shared_database_lock(fixture.database, "ada");
    start_add(&change, "ada", "1");
    wait_for_tries("ada", 2);
    call_init(&read, &fixture);
    call_read(&read, OP_USAGE_LIST, "ada");
    call_submit(&read, true);
    expect_end(&read, QMS_OK);
    assert_false(call_is_done(&change));

    call_init(&behind, &fixture);
    struct op *op = call_read(&behind, OP_USAGE_LIST, "ada");
    call_submit(&behind, false);
    assert_int_equal(add_usage(&fixture, "bob", "1"), QMS_OK);
    assert_false(call_is_done(&behind));
    shared_database_unlock(fixture.database, "ada");
    call_wait(&behind);
    assert_int_equal(amount_compare(op->out.usages.rows[0].row.value, amount_of(2)), 0);
    call_close(&behind);
    expect_end(&change, QMS_OK);
}

/* The rows of some stay locked; who comes later and is let go again does not wait for their end. */
static void a_stuck_user_holds_up_nobody_else_who_had_to_wait(void **state) {
    (void)state;
    static const char *const stuck[] = {"stuck0", "stuck1", "stuck2", "stuck3"};
    struct call calls[4], brief;
    for (int i = 0; i < 4; i++) {
        shared_database_lock(fixture.database, stuck[i]);
        start_add(&calls[i], stuck[i], "1");
    }
    for (int i = 0; i < 4; i++) wait_for_tries(stuck[i], 3);
    for (int round = 0; round < 5; round++) {
        shared_database_lock(fixture.database, "brief");
        unsigned tries = shared_database_tries(fixture.database, "brief");
        start_add(&brief, "brief", "1");
        wait_for_tries("brief", tries + 2);
        shared_database_unlock(fixture.database, "brief");
        expect_end(&brief, QMS_OK);
    }
    for (int i = 0; i < 4; i++) assert_false(call_is_done(&calls[i]));
    /* and each of those gets its turns */
    unsigned tries = shared_database_tries(fixture.database, stuck[3]);
    wait_for_tries(stuck[3], tries + 2);
    for (int i = 0; i < 4; i++) shared_database_unlock(fixture.database, stuck[i]);
    for (int i = 0; i < 4; i++) expect_end(&calls[i], QMS_OK);
}

/* As when two servers are sent the same users at once. */
static void many_who_are_held_at_once_do_not_wait_for_one_another(void **state) {
    (void)state;
    struct call first, calls[OTHERS];
    for (int i = 0; i < OTHERS; i++) shared_database_lock(fixture.database, other(i));
    gate_close(&fixture);
    start_add(&first, "ada", "1");
    gate_wait(&fixture);
    for (int i = 0; i < OTHERS; i++) start_add(&calls[i], other(i), "1");
    gate_open(&fixture);
    expect_end(&first, QMS_OK);
    for (int i = 0; i < OTHERS; i++) wait_for_tries(other(i), 2);
    assert_int_equal(batches_of_many(), 2); /* of the worker, and of those who wait */
    uint64_t before = batches();
    for (int i = 0; i < OTHERS; i++) shared_database_unlock(fixture.database, other(i));
    for (int i = 0; i < OTHERS; i++) expect_end(&calls[i], QMS_OK);
    assert_true(batches() - before < OTHERS);
    for (int i = 0; i < OTHERS; i++) assert_string_equal(usage_of(&fixture, other(i)), "1");
}

static void items_of_a_list_wait_for_their_own_users_only(void **state) {
    (void)state;
    enum { ITEMS = 900 };
    static const char *const users[] = {"ada", "bob", "eve"};
    struct call list;
    call_init(&list, &fixture);
    shared_database_lock(fixture.database, "bob");
    struct op *ops = call_list(&list, "item", users, 3, ITEMS);
    call_submit(&list, false);
    while (fixture.metrics->locks_waiting < ITEMS / 3) sched_yield();
    while (strcmp(usage_of(&fixture, "eve"), "300") != 0) sched_yield();
    assert_false(call_is_done(&list));
    shared_database_unlock(fixture.database, "bob");
    call_wait(&list);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(ops[i].error.code, QMS_OK);
    assert_string_equal(usage_of(&fixture, "bob"), "300");
    call_close(&list);
}

static void a_summary_that_has_to_subscribe_a_locked_user_waits(void **state) {
    (void)state;
    struct call summary;
    shared_database_lock(fixture.database, "new");
    call_init(&summary, &fixture);
    call_read(&summary, OP_SUMMARY_GET, "new");
    call_submit(&summary, true);
    wait_for_tries("new", 2);
    assert_false(call_is_done(&summary));
    shared_database_unlock(fixture.database, "new");
    expect_end(&summary, QMS_OK);
}

static void so_many_may_wait_for_a_lock_and_no_more(void **state) {
    (void)state;
    enum { LISTS = LANE_OPERATIONS_MAX / USAGE_ITEMS_MAX + 1 };
    static const char *const users[] = {"ada"};
    struct call lists[LISTS];
    shared_database_lock(fixture.database, "ada");
    for (int i = 0; i < LISTS; i++) {
        char prefix[8];
        snprintf(prefix, sizeof prefix, "list%d-", i);
        call_init(&lists[i], &fixture);
        call_list(&lists[i], prefix, users, 1, USAGE_ITEMS_MAX);
        call_submit(&lists[i], false);
    }
    while (fixture.metrics->lock_waits < LISTS * USAGE_ITEMS_MAX) sched_yield();
    assert_int_equal(fixture.metrics->locks_waiting, LANE_OPERATIONS_MAX);
    shared_database_unlock(fixture.database, "ada");
    size_t applied = 0, refused = 0;
    for (int i = 0; i < LISTS; i++) {
        call_wait(&lists[i]);
        for (size_t j = 0; j < USAGE_ITEMS_MAX; j++) {
            enum qms_code code = lists[i].request.ops[j].error.code;
            assert_true(code == QMS_OK || code == QMS_UNAVAILABLE);
            if (code == QMS_OK) applied++;
            else refused++;
        }
        call_close(&lists[i]);
    }
    assert_int_equal(refused, fixture.metrics->lock_timeouts);
    assert_int_equal(refused, LISTS * USAGE_ITEMS_MAX - LANE_OPERATIONS_MAX);
    char expected[16];
    snprintf(expected, sizeof expected, "%zu", applied);
    assert_string_equal(usage_of(&fixture, "ada"), expected);
}

static void stopping_waits_for_locks_no_longer_than_anybody(void **state) {
    (void)state;
    struct fixture other;
    fixture_open_shared(&other, impatient);
    struct call call;
    shared_database_lock(other.database, "ada");
    call_init(&call, &other);
    call_add_usage(&call, "ada", "1");
    call_submit(&call, false);
    fixture_close(&other);
    assert_true(call.done);
    assert_int_equal(call.request.ops->error.code, QMS_UNAVAILABLE);
    call_close(&call);
}

/* ---- overtaken ---- */

static void a_batch_that_was_overtaken_is_decided_again(void **state) {
    (void)state;
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    fault_store_arm(fixture.store, FAULT_SAVE_OVERTAKEN, 0, 3);
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_SAVE_OVERTAKEN), 3);
    assert_int_equal(fixture.metrics->batches_overtaken, 3);
    assert_string_equal(usage_of(&fixture, "ada"), "2");
}

static void who_is_always_overtaken_is_told_in_the_end(void **state) {
    (void)state;
    fault_store_arm(fixture.store, FAULT_SAVE_OVERTAKEN, 0, FAULT_FOR_EVER);
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_UNAVAILABLE);
    assert_in_range(fault_store_fired(fixture.store, FAULT_SAVE_OVERTAKEN), 2, 100);
    fault_store_arm(fixture.store, FAULT_SAVE_OVERTAKEN, 0, 0);
    assert_string_equal(usage_of(&fixture, "ada"), "");
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
}

static void who_is_always_overtaken_takes_no_neighbour_along(void **state) {
    (void)state;
    struct call first, calls[OTHERS];
    fault_store_overtake_user(fixture.store, TEXT("user9"));
    start_add(&first, "ada", "1"); /* something to commit while the others gather */
    for (int i = 0; i < OTHERS; i++) start_add(&calls[i], other(i), "1");
    expect_end(&first, QMS_OK);
    for (int i = 0; i < OTHERS; i++) expect_end(&calls[i], i == 9 ? QMS_UNAVAILABLE : QMS_OK);
    for (int i = 0; i < OTHERS; i++)
        assert_string_equal(usage_of(&fixture, other(i)), i == 9 ? "" : "1");
}

/* ---- what cannot be passed over ---- */

static void who_needs_what_is_held_waits_apart(void **state) {
    (void)state;
    struct call first, calls[OTHERS];
    gate_close(&fixture);
    start_add(&first, "ada", "1");
    gate_wait(&fixture);
    for (int i = 0; i < OTHERS; i++) start_add(&calls[i], other(i), "1");
    fault_store_arm(fixture.store, FAULT_SAVE_LOCKED, 1, 3); /* 63 of them, 31, 15 */
    gate_open(&fixture);
    expect_end(&first, QMS_OK);
    for (int i = 0; i < OTHERS; i++) expect_end(&calls[i], QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_SAVE_LOCKED), 3);
    assert_int_equal(fixture.metrics->batches_halved, 2);
    assert_int_equal(fixture.metrics->lock_waits, 15);
    assert_int_equal(fixture.metrics->batches_failed, 0);
    for (int i = 0; i < OTHERS; i++) assert_string_equal(usage_of(&fixture, other(i)), "1");
}

/* The second change adds a row, so that it is put off beside the first, and the third with it. */
static void who_waits_apart_keeps_the_order(void **state) {
    (void)state;
    struct call calls[4];
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    gate_close(&fixture);
    start_add(&calls[0], "bob", "1");
    gate_wait(&fixture);
    start_in_order(&calls[1]);
    fault_store_arm(fixture.store, FAULT_SAVE_LOCKED, 1, 1);
    gate_open(&fixture);
    for (int i = 0; i < 4; i++) expect_end(&calls[i], QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_SAVE_LOCKED), 1);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
}

static void a_plan_has_no_account_to_wait_with(void **state) {
    (void)state;
    struct rate_input rate = {.rate = amount_of(5), .has_effective = true};
    struct call call;
    call_init(&call, &fixture);
    call_read(&call, OP_PLAN_ADD, "")->in.plan = (struct plan_input){
        .name = TEXT("Team"), .description = TEXT("a plan"), .rates = &rate, .rate_count = 1};
    fault_store_arm(fixture.store, FAULT_SAVE_LOCKED, 0, 3);
    call_submit(&call, false);
    expect_end(&call, QMS_OK);
    assert_int_equal(fault_store_fired(fixture.store, FAULT_SAVE_LOCKED), 3);
    assert_int_equal(fixture.metrics->lock_waits, 0);
}

/* One batch, because it is one list: the first usage of a resource adds a row, for which more than
 * usages have to be locked, so that it is put off; what comes after it may not overtake it. */
static void what_needs_more_locks_is_decided_in_its_turn(void **state) {
    (void)state;
    static const char *const users[] = {"ada", "ada", "bob"};
    struct call call;
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    uint64_t before = batches();
    call_init(&call, &fixture);
    struct op *ops = call_list(&call, "id", users, 3, 3);
    ops[0].in.change.resource_name = TEXT("data.size");
    ops[1] = (struct op){.operation = OP_USAGE_LIST, .username = TEXT("ada")};
    call_submit(&call, false);
    call_wait(&call);
    for (int i = 0; i < 3; i++) assert_int_equal(ops[i].error.code, QMS_OK);
    assert_int_equal(ops[1].out.usages.count, 2);
    assert_int_equal(batches() - before, 2);
    call_close(&call);
}

/* The other way round: what comes later was put off before the batch was halved. */
static void a_half_does_not_wait_for_what_came_later(void **state) {
    (void)state;
    struct call first, calls[4];
    assert_int_equal(add_usage(&fixture, "ada", "1"), QMS_OK);
    assert_int_equal(add_usage(&fixture, "bob", "1"), QMS_OK);
    gate_close(&fixture);
    start_add(&first, "other", "1");
    gate_wait(&fixture);
    start_add(&calls[0], "bob", "1");
    start_in_order(&calls[1]);
    fault_store_arm(fixture.store, FAULT_SAVE_REFUSED, 1, 1);
    gate_open(&fixture);
    expect_end(&first, QMS_OK);
    for (int i = 0; i < 4; i++) expect_end(&calls[i], QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
}

/* Alone, the first half has too little locked and has to wait for its turn; the second half, where
 * somebody locks all of the account, must not come before it. */
static void halves_of_a_batch_keep_the_order_of_an_account(void **state) {
    (void)state;
    struct call first, calls[3];
    call_init(&calls[0], &fixture);
    call_read(&calls[0], OP_USER_ENSURE, "ada");
    call_submit(&calls[0], false);
    expect_end(&calls[0], QMS_OK);
    gate_close(&fixture);
    start_add(&first, "other", "1");
    gate_wait(&fixture);
    start_add(&calls[0], "ada", "5");
    call_init(&calls[1], &fixture);
    struct op *op = call_read(&calls[1], OP_QUOTA_SET_USER, "ada");
    op->in.quota = (struct quota_input){
        .resource_name = TEXT("cpu.hours"), .value = amount_of(7)};
    call_submit(&calls[1], false);
    call_init(&calls[2], &fixture);
    call_add_usage(&calls[2], "ada", "1")->in.change.operation_name = TEXT("SET");
    call_submit(&calls[2], false);
    fault_store_arm(fixture.store, FAULT_SAVE_REFUSED, 1, 1);
    gate_open(&fixture);
    expect_end(&first, QMS_OK);
    for (int i = 0; i < 3; i++) expect_end(&calls[i], QMS_OK);
    assert_string_equal(usage_of(&fixture, "ada"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_impatient, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_locked_user_keeps_no_other_user_waiting),
        IMPATIENT(who_does_not_get_a_lock_in_time_is_told_and_has_changed_nothing),
        TEST(changes_of_a_locked_user_stay_in_order),
        TEST(a_read_waits_only_behind_a_change_its_client_has_sent),
        TEST(a_stuck_user_holds_up_nobody_else_who_had_to_wait),
        TEST(many_who_are_held_at_once_do_not_wait_for_one_another),
        TEST(items_of_a_list_wait_for_their_own_users_only),
        TEST(a_summary_that_has_to_subscribe_a_locked_user_waits),
        TEST(so_many_may_wait_for_a_lock_and_no_more),
        cmocka_unit_test(stopping_waits_for_locks_no_longer_than_anybody),
        TEST(what_needs_more_locks_is_decided_in_its_turn),
        TEST(halves_of_a_batch_keep_the_order_of_an_account),
        TEST(a_half_does_not_wait_for_what_came_later),
        TEST(a_batch_that_was_overtaken_is_decided_again),
        TEST(who_is_always_overtaken_is_told_in_the_end),
        TEST(who_is_always_overtaken_takes_no_neighbour_along),
        TEST(who_needs_what_is_held_waits_apart),
        TEST(who_waits_apart_keeps_the_order),
        TEST(a_plan_has_no_account_to_wait_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
