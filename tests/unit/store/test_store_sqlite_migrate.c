/* Files of older versions become files of the newest. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/migration.h"
#include "support/store_fixture.h"

static int setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, &store_backend_file);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

/* A file as the server of that version left it. */
static void make_version(struct store_fixture *fixture, int version) {
    char mark[80];
    for (int i = 0; i < version; i++) {
        fixture->backend->foreign(fixture, sqlite_migrations[i].text);
    }
    snprintf(mark, sizeof mark, "PRAGMA application_id = 0x716d7364; PRAGMA user_version = %d",
             version);
    fixture->backend->foreign(fixture, mark);
}

static int64_t stored_integer(struct store_fixture *fixture, const char *sql) {
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(fixture->url + strlen("sqlite:"), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t integer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return integer;
}

static void versions_count_from_one_without_gaps(void **state) {
    (void)state;
    for (size_t i = 0; i < sqlite_migrations_count; i++) {
        assert_int_equal(sqlite_migrations[i].version, i + 1);
    }
}

static void a_file_of_any_older_version_becomes_one_of_the_newest(void **state) {
    struct store_fixture *fixture = *state;
    for (int version = 1; version < (int)sqlite_migrations_count; version++) {
        make_version(fixture, version);
        store_fixture_open(fixture);
        fixture_user(fixture, "ada", "1");
        assert_int_equal(fixture->catalogue->plan_count, 4);
        store_fixture_close(fixture);
        assert_int_equal(stored_integer(fixture, "PRAGMA user_version"), sqlite_migrations_count);
        store_fixture_remove(fixture);
        setup(state);
    }
}

static void keys_of_requests_move_and_ids_stay(void **state) {
    struct store_fixture *fixture = *state;
    make_version(fixture, 3);
    fixture->backend->foreign(
        fixture, "INSERT INTO idempotency VALUES"
                 " ('b', zeroblob(16), 'plans.add', '', zeroblob(32), zeroblob(16), 2, 1),"
                 " ('a', zeroblob(16), 'plans.add', '', zeroblob(32), zeroblob(16), 3, 1),"
                 " ('c', zeroblob(16), 'usages.record', '', zeroblob(32), zeroblob(16), 1, 0)");
    store_fixture_open(fixture);
    store_fixture_close(fixture);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM idempotency"), 1);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM request_keys"), 2);
    assert_int_equal(
        stored_integer(fixture, "SELECT \"key\" = 'a' FROM request_keys WHERE id = 2"), 1);
}

static void keys_are_put_in_groups_as_they_were(void **state) {
    struct store_fixture *fixture = *state;
    make_version(fixture, 6);
    fixture->backend->foreign(
        fixture, "INSERT INTO request_keys (id, \"key\", user_id, operation, principal, content,"
                 " made_id, recorded_at) VALUES (7, '\"a\\', zeroblob(16), 'usages.record', '',"
                 " randomblob(32), zeroblob(16), 1), (9, 'b', zeroblob(16), 'usages.record',"
                 " 'eve', randomblob(32), x'0123456789abcdef0123456789abcdef', 2);"
                 "CREATE TABLE before AS SELECT * FROM request_keys");
    store_fixture_open(fixture);
    *fixture->clock_us = 3;
    assert_true(fixture_look_replay(fixture, NULL, "\"a\\", true)->known);
    assert_false(fixture_look_replay(fixture, NULL, "b", true)->known);
    fixture->principal = TEXT("eve");
    assert_true(fixture_look_replay(fixture, NULL, "b", true)->known);
    fixture->principal = TEXT("");
    store_fixture_close(fixture);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM before JOIN request_keys"
                                             " USING (id, \"key\", user_id, operation, principal,"
                                             " content, made_id, recorded_at)"), 2);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM request_keys"), 2);
}

static void a_migration_that_fails_leaves_the_version_before(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    make_version(fixture, 1);
    fixture->backend->foreign(fixture, "CREATE TABLE idempotency (x)"); /* stands in the way */
    assert_false(store_fixture_try_open(fixture, &error));
    assert_int_equal(error.code, QMS_INTERNAL);
    assert_int_equal(stored_integer(fixture, "PRAGMA user_version"), 2);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM plans"), 4);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM sqlite_schema"
                                             " WHERE name = 'last_batch'"), 0);
    fixture->backend->foreign(fixture, "DROP TABLE idempotency");
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
}

static void opening_the_newest_version_changes_nothing(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    store_fixture_close(fixture);
    int64_t changes = stored_integer(fixture, "PRAGMA schema_version");
    store_fixture_reopen(fixture);
    store_fixture_close(fixture);
    assert_int_equal(stored_integer(fixture, "PRAGMA schema_version"), changes);
    assert_int_equal(stored_integer(fixture, "SELECT version FROM catalogue_version"), 1);
    assert_int_equal(stored_integer(fixture, "SELECT count(*) FROM plan_quota_defaults"), 8);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(versions_count_from_one_without_gaps),
        CASE(a_file_of_any_older_version_becomes_one_of_the_newest),
        CASE(keys_of_requests_move_and_ids_stay),
        CASE(keys_are_put_in_groups_as_they_were),
        CASE(a_migration_that_fails_leaves_the_version_before),
        CASE(opening_the_newest_version_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
