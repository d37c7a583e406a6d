/* The wrapper that other tests trust: it fails the calls it was told to, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/fault_store.h"
#include "support/store_fixture.h"

static int setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, &store_backend_memory);
    store_fixture_open(&fixture);
    fixture.store = fault_store_make(fixture.store);
    fixture_user(&fixture, "ada", "1");
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

static enum store_outcome set_usage(struct store_fixture *fixture, const char *value) {
    store_fixture_begin_one(fixture, "ada");
    struct quantity *usage = fixture->accounts[0]->subscriptions->usages;
    changes_usage(&fixture->changes, usage, ROW_CHANGED);
    usage->value = fixture_amount(value);
    return store_fixture_save(fixture);
}

static void an_outcome_is_what_was_asked_for_and_what_it_says(void **state) {
    struct store_fixture *fixture = *state;
    static const struct {
        enum fault fault;
        enum store_outcome outcome;
        bool committed;
    } cases[] = {
        {FAULT_SAVE_REFUSED, STORE_REFUSED, false},
        {FAULT_SAVE_DECLINED, STORE_DECLINED, false},
        {FAULT_SAVE_OVERTAKEN, STORE_OVERTAKEN, false},
        {FAULT_SAVE_LOCKED, STORE_LOCKED, false},
        {FAULT_SAVE_FAILED, STORE_FAILED, false},
        {FAULT_SAVE_COMMITTED, STORE_UNKNOWN, true},
        {FAULT_SAVE_LOST, STORE_UNKNOWN, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(set_usage(fixture, "1"), STORE_COMMITTED);
        fault_store_arm(fixture->store, cases[i].fault, 0, 1);
        assert_int_equal(set_usage(fixture, "2"), cases[i].outcome);
        assert_int_equal(fault_store_fired(fixture->store, cases[i].fault), 1);
        assert_int_equal(store_fixture_resolve(fixture, &fixture->batch_id), cases[i].committed);
        assert_amount(fixture_stored_usage(fixture, "ada")->value,
                      cases[i].committed ? "2" : "1");
    }
}

static void a_fault_waits_its_turn_and_strikes_as_often_as_asked(void **state) {
    struct store_fixture *fixture = *state;
    fault_store_arm(fixture->store, FAULT_SAVE_FAILED, 2, 2);
    static const enum store_outcome outcomes[] = {STORE_COMMITTED, STORE_COMMITTED, STORE_FAILED,
                                                  STORE_FAILED, STORE_COMMITTED};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(set_usage(fixture, "3"), outcomes[i]);
    }
    assert_int_equal(fault_store_fired(fixture->store, FAULT_SAVE_FAILED), 2);
    fault_store_arm(fixture->store, FAULT_SAVE_FAILED, 0, FAULT_FOR_EVER);
    for (size_t i = 0; i < 5; i++) assert_int_equal(set_usage(fixture, "3"), STORE_FAILED);
    fault_store_arm(fixture->store, FAULT_SAVE_FAILED, 0, 0);
    assert_int_equal(set_usage(fixture, "3"), STORE_COMMITTED);
}

static void begin_load_resolve_and_readers_can_fail(void **state) {
    struct store_fixture *fixture = *state;
    struct store *store = fixture->store;
    struct qms_error error = {0};
    bool flag = false;
    fault_store_arm(store, FAULT_BEGIN, 0, 1);
    assert_false(store->ops->begin(store, true, &flag, &error));
    assert_int_equal(error.code, QMS_UNAVAILABLE);

    struct store_load load = {.arena = &fixture->arena, .catalogue_version = -1};
    fault_store_arm(store, FAULT_LOAD, 0, 1);
    assert_true(store->ops->begin(store, true, &flag, &error));
    assert_false(store->ops->load(store, &load, &error));
    fault_store_arm(store, FAULT_RESOLVE, 0, 1);
    assert_false(store->ops->resolve(store, &fixture->batch_id, &flag, &error));
    fault_store_arm(store, FAULT_READER_OPEN, 0, 1);
    assert_null(store->ops->reader_open(store, &error));

    struct store_reader *reader = store->ops->reader_open(store, &error);
    assert_non_null(reader);
    struct store_listing listing = {.operation = OP_USER_LIST};
    fault_store_arm(store, FAULT_LIST, 0, 1);
    assert_false(store->ops->list(reader, &listing, &error));
    store->ops->reader_close(reader);
    assert_int_equal(set_usage(fixture, "4"), STORE_COMMITTED); /* nothing was left open */
}

static void a_store_can_be_made_to_say_stale(void **state) {
    struct store_fixture *fixture = *state;
    assert_false(store_fixture_begin(fixture, false, NULL, 0));
    store_fixture_end(fixture);
    fault_store_arm(fixture->store, FAULT_BEGIN_STALE, 0, 1);
    assert_true(store_fixture_begin(fixture, false, NULL, 0));
    store_fixture_end(fixture);
}

static void batches_of_one_user_can_be_refused(void **state) {
    struct store_fixture *fixture = *state;
    fault_store_refuse_user(fixture->store, TEXT("ada"));
    assert_int_equal(set_usage(fixture, "5"), STORE_REFUSED);
    fixture_user(fixture, "bob", "1");
    fault_store_refuse_user(fixture->store, TEXT(""));
    assert_int_equal(set_usage(fixture, "5"), STORE_COMMITTED);
}

static void watch(void *context, const char *call) {
    char *seen = context;
    size_t length = strlen(seen);
    seen[length] = call[0];
    seen[length + 1] = '\0';
}

static void calls_are_watched_and_counted(void **state) {
    struct store_fixture *fixture = *state;
    char seen[16] = "";
    unsigned begins = fault_store_begins(fixture->store);
    unsigned commits = fault_store_commits(fixture->store);
    fault_store_watch(fixture->store, watch, seen);
    set_usage(fixture, "6");
    store_fixture_resolve(fixture, &fixture->batch_id);
    fault_store_watch(fixture->store, NULL, NULL);
    assert_string_equal(seen, "blsr");
    assert_int_equal(fault_store_begins(fixture->store), begins + 1);
    assert_int_equal(fault_store_commits(fixture->store), commits + 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_outcome_is_what_was_asked_for_and_what_it_says),
        CASE(a_fault_waits_its_turn_and_strikes_as_often_as_asked),
        CASE(begin_load_resolve_and_readers_can_fail),
        CASE(a_store_can_be_made_to_say_stale),
        CASE(batches_of_one_user_can_be_refused),
        CASE(calls_are_watched_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
