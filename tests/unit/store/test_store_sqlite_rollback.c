/* A transaction that cannot be rolled back is in the way of no later one. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_sqlite.h"
#include "support/store_fixture.h"

static unsigned rollbacks_denied;

static int deny_rollback(void *context, int action, const char *operation, const char *second,
                         const char *database, const char *trigger) {
    (void)context, (void)second, (void)database, (void)trigger;
    if (action != SQLITE_TRANSACTION || strcmp(operation, "ROLLBACK") != 0) return SQLITE_OK;
    rollbacks_denied++;
    return SQLITE_DENY;
}

static struct sqlite3 *connection_of(const struct store_fixture *fixture) {
    return store_sqlite_of(fixture->store)->connection;
}

static int setup_with(void **state, const struct store_backend *backend) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, backend);
    store_fixture_open(&fixture);
    fixture_user(&fixture, "ada", "1");
    rollbacks_denied = 0;
    *state = &fixture;
    return 0;
}

static int setup_file(void **state) {
    return setup_with(state, &store_backend_file);
}

static int setup_memory(void **state) {
    return setup_with(state, &store_backend_memory);
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

/* A batch is given up, and its rollback fails. */
static void fail_to_roll_back(struct store_fixture *fixture) {
    store_fixture_begin_one(fixture, "ada");
    sqlite3_set_authorizer(connection_of(fixture), deny_rollback, NULL);
    store_fixture_end(fixture);
    assert_int_equal(rollbacks_denied, 1);
}

static void expect_works(struct store_fixture *fixture) {
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "1");
    fixture_user(fixture, "ben", "2");
    assert_amount(fixture_stored_usage(fixture, "ben")->value, "2");
}

static void a_rollback_that_fails_ends_with_its_connection(void **state) {
    struct store_fixture *fixture = *state;
    fail_to_roll_back(fixture);
    assert_null(connection_of(fixture));
    expect_works(fixture);
    assert_int_equal(rollbacks_denied, 1);
}

/* Nobody who reads beside it waits, and what another program wants to write is written. */
static void its_locks_are_gone_with_it(void **state) {
    struct store_fixture *fixture = *state;
    fail_to_roll_back(fixture);
    fixture->backend->foreign(fixture, "UPDATE users SET username = 'eve' WHERE username = 'ada'");
    assert_amount(fixture_stored_usage(fixture, "eve")->value, "1");
}

/* The data would be gone with the connection: it waits until the transaction can be ended. */
static void in_memory_it_is_tried_again(void **state) {
    struct store_fixture *fixture = *state;
    bool stale;
    struct qms_error error;
    fail_to_roll_back(fixture);
    assert_non_null(connection_of(fixture));
    assert_false(fixture->store->ops->begin(fixture->store, true, &stale, &error));
    assert_int_equal(error.code, QMS_UNAVAILABLE);
    assert_int_equal(rollbacks_denied, 2);
    sqlite3_set_authorizer(connection_of(fixture), NULL, NULL);
    expect_works(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rollback_that_fails_ends_with_its_connection, setup_file,
                                        teardown),
        cmocka_unit_test_setup_teardown(its_locks_are_gone_with_it, setup_file, teardown),
        cmocka_unit_test_setup_teardown(in_memory_it_is_tried_again, setup_memory, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
