/* What a commit adds to the log is gathered: what of it could not be written never reaches it. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_sqlite_gather.h"
#include "support/power_vfs.h"

struct fixture {
    char directory[64], path[96];
    struct sqlite3 *connection, *other; /* of two processes, as it were */
};

static void execute(struct sqlite3 *connection, const char *sql) {
    char *problem = NULL;
    if (sqlite3_exec(connection, sql, NULL, NULL, &problem) != SQLITE_OK)
        fail_msg("%s: %s", sql, problem);
}

static int integer_of(struct sqlite3 *connection, const char *sql) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static struct sqlite3 *open_with(const struct fixture *f, const char *vfs) {
    struct sqlite3 *connection;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(sqlite3_open_v2(f->path, &connection, flags, vfs), SQLITE_OK);
    execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    return connection;
}

static int set_up(void **state) {
    static struct fixture f;
    snprintf(f.directory, sizeof f.directory, "%s/qms-gather-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(f.directory));
    snprintf(f.path, sizeof f.path, "%s/qms.db", f.directory);
    power_vfs_register();
    f.connection = open_with(&f, store_sqlite_gather_over(POWER_VFS));
    /* With an empty log, from which nothing has to be read to roll back. */
    execute(f.connection, "CREATE TABLE t (n INTEGER PRIMARY KEY, data);"
                          " PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(store_sqlite_gather(f.connection), SQLITE_OK);
    f.other = open_with(&f, POWER_VFS);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    sqlite3_close(f->connection);
    sqlite3_close(f->other);
    power_vfs_restore();
    unlink(f->path);
    rmdir(f->directory);
    return 0;
}

#define INSERT_TEN(data)                                                                           \
    "WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 10)"                \
    " INSERT INTO t (data) SELECT printf('%2000s', '" data "') FROM k"
#define COUNT(data) "SELECT count(*) FROM t WHERE data LIKE '% " data "'"

/* The log's head is written and synced; the pages are not written. */
static void fail_to_commit(struct fixture *f) {
    power_vfs_fail_after(2, SQLITE_FULL);
    assert_int_equal(sqlite3_exec(f->connection, INSERT_TEN("lost"), NULL, NULL, NULL),
                     SQLITE_FULL);
    assert_true(power_vfs_has_failed());
    power_vfs_fail_after(1000000, SQLITE_FULL);
}

static void what_could_not_be_written_is_not_written_over_what_others_commit(void **state) {
    struct fixture *f = *state;
    fail_to_commit(f);
    execute(f->other, INSERT_TEN("kept"));
    assert_int_equal(integer_of(f->connection, COUNT("kept")), 10);
    assert_int_equal(integer_of(f->connection, COUNT("lost")), 0);
    sqlite3_close(f->other);
    f->other = open_with(f, POWER_VFS); /* with no page in memory */
    assert_int_equal(integer_of(f->other, COUNT("kept")), 10);
    assert_int_equal(integer_of(f->other, COUNT("lost")), 0);
}

static void after_that_it_writes_nothing_until_it_is_opened_again(void **state) {
    struct fixture *f = *state;
    fail_to_commit(f);
    execute(f->other, INSERT_TEN("kept"));
    assert_int_equal(sqlite3_exec(f->connection, INSERT_TEN("more"), NULL, NULL, NULL),
                     SQLITE_FULL);
    sqlite3_close(f->connection);
    f->connection = open_with(f, store_sqlite_gather_over(POWER_VFS));
    assert_int_equal(store_sqlite_gather(f->connection), SQLITE_OK);
    execute(f->connection, INSERT_TEN("more"));
    assert_int_equal(integer_of(f->other, COUNT("kept")), 10);
    assert_int_equal(integer_of(f->other, COUNT("more")), 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_could_not_be_written_is_not_written_over_what_others_commit),
        CASE(after_that_it_writes_nothing_until_it_is_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
