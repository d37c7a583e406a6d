/* Several engine threads over one shared database: what they do together is as exact as what one
 * does, and a system without threads is an error, not an end. */
#include <errno.h>
#include <stdio.h>

#include "engine_fixture.h"

static struct fixture fixture;

/* Linked in the place of pthread_create(): the system refuses the n-th thread. */
static _Atomic int threads_left = INT32_MAX;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *context) {
    if (--threads_left < 0) return EAGAIN;
    return __real_pthread_create(thread, attributes, start, context);
}

static void four_threads(struct engine_options *options) {
    options->threads = 4;
    options->lock_wait_us_max = 60000000;
    options->request_wait_us_max = 60000000;
}

static int set_up(void **state) {
    (void)state;
    fixture_open_shared(&fixture, four_threads);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void a_list_is_done_by_all_threads_and_answered_once(void **state) {
    (void)state;
    static char names[20][8];
    static const char *users[20];
    struct call list;
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "user%d", i);
        users[i] = names[i];
    }
    assert_int_equal(fixture.store_count, 5); /* four threads and the waiting lane */
    call_init(&list, &fixture);
    struct op *ops = call_list(&list, "item", users, 20, USAGE_ITEMS_MAX);
    qms_fail(&ops[7].error, QMS_BAD_REQUEST, "refused by its decoder");
    call_submit(&list, false);
    call_wait(&list);
    for (int i = 0; i < USAGE_ITEMS_MAX; i++)
        assert_int_equal(ops[i].error.code, i == 7 ? QMS_BAD_REQUEST : QMS_OK);
    for (int i = 0; i < 20; i++)
        assert_string_equal(usage_of(&fixture, names[i]), i == 7 ? "499" : "500");
    for (size_t i = 0; i < 4; i++) assert_true(fault_store_commits(fixture.stores[i]) > 0);
    call_close(&list);
}

enum { THREADS = 6, LISTS = 20, ITEMS = 600 };

static void *send_lists(void *context) {
    static const char *const users[] = {"ada", "bob", "eve", "joe", "sue", "tom", "zoe"};
    struct call list;
    call_init(&list, &fixture);
    for (int i = 0; i < LISTS; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%s-%d-", (char *)context, i);
        struct op *ops = call_list(&list, prefix, users, 6, ITEMS);
        call_submit(&list, false);
        call_wait(&list);
        for (int j = 0; j < ITEMS; j++)
            if (ops[j].error.code != QMS_OK) return context;
    }
    call_close(&list);
    return NULL;
}

static void lists_and_locks_and_faults_at_once_lose_nothing(void **state) {
    (void)state;
    static char names[THREADS][4];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < fixture.store_count; i++)
        fault_store_arm(fixture.stores[i], FAULT_SAVE_OVERTAKEN, 2, 5);
    for (int i = 0; i < THREADS; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, send_lists, names[i]), 0);
    }
    for (int i = 0; i < 40; i++) {
        shared_database_lock(fixture.database, i % 2 == 0 ? "ada" : "joe");
        struct timespec moment = {.tv_nsec = 3000000};
        nanosleep(&moment, NULL);
        shared_database_unlock(fixture.database, i % 2 == 0 ? "ada" : "joe");
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_string_equal(usage_of(&fixture, "ada"), "12000");
    assert_string_equal(usage_of(&fixture, "joe"), "12000");
    assert_string_equal(usage_of(&fixture, "tom"), "12000");
}

static void a_new_plan_is_known_to_every_thread_at_once(void **state) {
    (void)state;
    struct rate_input rate = {.rate = amount_of(5), .has_effective = true};
    struct call call;
    call_init(&call, &fixture);
    struct op *op = call_read(&call, OP_PLAN_ADD, "");
    op->in.plan = (struct plan_input){
        .name = TEXT("Team"), .description = TEXT("a plan"), .rates = &rate, .rate_count = 1};
    call_submit(&call, false);
    call_wait(&call);
    assert_int_equal(op->error.code, QMS_OK);
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "user%d", i);
        op = call_read(&call, OP_SUBSCRIPTION_CHANGE, name);
        op->in.subscription = (struct subscription_input){.plan_name = TEXT("Team")};
        call_submit(&call, false);
        call_wait(&call);
        assert_int_equal(op->error.code, QMS_OK);
    }
    call_close(&call);
}

static void one_thread_that_lost_its_store_makes_the_engine_not_ready(void **state) {
    (void)state;
    struct qms_error error;
    assert_true(engine_ready(fixture.engine, &error));
    fault_store_arm(fixture.stores[2], FAULT_BEGIN, 0, FAULT_FOR_EVER);
    while (engine_ready(fixture.engine, &error)) sched_yield(); /* it looks when it is idle */
    assert_string_equal(error.text, "the store does not answer");
    fault_store_arm(fixture.stores[2], FAULT_BEGIN, 0, 0);
    while (!engine_ready(fixture.engine, &error)) sched_yield();
}

static struct store *open_shared(void *context, bool waits, struct qms_error *error) {
    (void)waits, (void)error;
    return shared_store_open(context, 0);
}

static void threads_that_the_system_refuses_are_a_clean_error(void **state) {
    (void)state;
    struct engine_options options;
    engine_options_init(&options);
    options.threads = 2;
    options.metrics = fixture.metrics;
    options.open_store = open_shared;
    options.store_context = fixture.database;
    for (int allowed = 0;; allowed++) {
        struct qms_error error = {0};
        threads_left = allowed;
        struct engine *engine = engine_open(&options, &error);
        threads_left = INT32_MAX;
        if (engine != NULL) {
            assert_true(allowed >= 4); /* two, the lane, replies, listings */
            engine_stop(engine);
            engine_close(engine);
            break;
        }
        assert_int_equal(error.code, QMS_UNAVAILABLE);
        assert_string_equal(error.text,
                            "the system refuses the engine's threads; is there a limit?");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_list_is_done_by_all_threads_and_answered_once),
        TEST(lists_and_locks_and_faults_at_once_lose_nothing),
        TEST(a_new_plan_is_known_to_every_thread_at_once),
        TEST(one_thread_that_lost_its_store_makes_the_engine_not_ready),
        TEST(threads_that_the_system_refuses_are_a_clean_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
