/* Which files are opened, which are refused, and that a refused file stays as it was. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
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

/* ---- files ---- */

static const char *path_of(const struct store_fixture *fixture, const char *suffix) {
    static char path[160];
    snprintf(path, sizeof path, "%s%s", fixture->url + strlen("sqlite:"), suffix);
    return path;
}

static struct buffer file_read(const char *path) {
    struct buffer buffer;
    buffer_init(&buffer, 1 << 24);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return buffer;
    size_t bytes;
    do {
        char *room = buffer_reserve(&buffer, 65536);
        assert_non_null(room);
        bytes = fread(room, 1, 65536, file);
        buffer_advance(&buffer, bytes);
    } while (bytes > 0);
    fclose(file);
    return buffer;
}

static void file_write(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void file_overwrite(const char *path, long offset, const void *data, size_t bytes) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* The state that kill -9 leaves: the files as they are while the store is open. */
static void copy_as_after_a_crash(struct store_fixture *fixture) {
    struct buffer database = file_read(path_of(fixture, ""));
    struct buffer log = file_read(path_of(fixture, "-wal"));
    store_fixture_close(fixture);
    file_write(path_of(fixture, ""), database.data, database.length);
    file_write(path_of(fixture, "-wal"), log.data, log.length);
    buffer_close(&database);
    buffer_close(&log);
}

static void assert_same(const struct buffer *before, const struct buffer *after) {
    assert_int_equal(before->length, after->length);
    if (before->length > 0) assert_memory_equal(before->data, after->data, before->length);
}

/* Refused with this code and these words, and the file and its log are the same bytes. */
static void assert_refused(struct store_fixture *fixture, enum qms_code code, const char *words) {
    struct qms_error error;
    struct buffer database = file_read(path_of(fixture, ""));
    struct buffer log = file_read(path_of(fixture, "-wal"));
    bool opened = store_fixture_try_open(fixture, &error);
    assert_false(opened);
    if (strstr(error.text, words) == NULL) fail_msg("\"%s\" says not: %s", error.text, words);
    assert_int_equal(error.code, code);
    struct buffer database_after = file_read(path_of(fixture, ""));
    struct buffer log_after = file_read(path_of(fixture, "-wal"));
    assert_same(&database, &database_after);
    assert_same(&log, &log_after);
    buffer_close(&database);
    buffer_close(&log);
    buffer_close(&database_after);
    buffer_close(&log_after);
}

static void foreign(struct store_fixture *fixture, const char *sql) {
    fixture->backend->foreign(fixture, sql);
}

/* ---- what is opened ---- */

static void a_new_file_is_for_its_owner_alone(void **state) {
    struct store_fixture *fixture = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    mode_t before = umask(0);
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    umask(before);
    for (size_t i = 0; i < 3; i++) {
        struct stat status;
        assert_int_equal(stat(path_of(fixture, suffixes[i]), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

static void an_empty_file_becomes_a_store(void **state) {
    struct store_fixture *fixture = *state;
    file_write(path_of(fixture, ""), "", 0);
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    store_fixture_reopen(fixture);
    assert_non_null(fixture_stored_usage(fixture, "ada"));
}

static void what_a_killed_server_committed_is_there(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1.5");
    copy_as_after_a_crash(fixture);
    store_fixture_open(fixture);
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "1.5");
}

static void a_clean_close_leaves_one_file(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    store_fixture_close(fixture);
    assert_int_equal(access(path_of(fixture, "-wal"), F_OK), -1);
    assert_int_equal(access(path_of(fixture, "-shm"), F_OK), -1);
    assert_int_equal(access(path_of(fixture, "-journal"), F_OK), -1);
}

static void a_change_of_directory_does_not_matter(void **state) {
    struct store_fixture *fixture = *state;
    char url[128], before[256];
    snprintf(url, sizeof url, "%s", fixture->url);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(fixture->directory), 0);
    snprintf(fixture->url, sizeof fixture->url, "sqlite:qms.db");
    store_fixture_open(fixture);
    assert_int_equal(chdir(before), 0);
    struct qms_error error;
    struct store_reader *reader = fixture->store->ops->reader_open(fixture->store, &error);
    assert_non_null(reader);
    fixture->store->ops->reader_close(reader);
    memcpy(fixture->url, url, sizeof fixture->url);
}

/* ---- one server a file ---- */

/* Another process that has the store open until it is killed. */
static pid_t start_holder(struct store_fixture *fixture) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        struct qms_error error;
        char opened = store_fixture_try_open(fixture, &error) ? 'y' : 'n';
        if (write(ready[1], &opened, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char opened = 0;
    assert_int_equal(read(ready[0], &opened, 1), 1);
    assert_int_equal(opened, 'y');
    close(ready[0]);
    close(ready[1]);
    return holder;
}

static void stop_holder(pid_t holder) {
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
}

static void a_file_in_use_is_refused_until_its_server_is_gone(void **state) {
    struct store_fixture *fixture = *state;
    pid_t holder = start_holder(fixture);
    assert_refused(fixture, QMS_UNAVAILABLE, "is in use by another qms");
    stop_holder(holder);
    store_fixture_open(fixture);
}

static void a_file_in_use_is_refused_by_any_name(void **state) {
    struct store_fixture *fixture = *state;
    pid_t holder = start_holder(fixture);
    char names[2][160];
    snprintf(names[0], sizeof names[0], "%s/soft.db", fixture->directory);
    snprintf(names[1], sizeof names[1], "%s/hard.db", fixture->directory);
    assert_int_equal(symlink(path_of(fixture, ""), names[0]), 0);
    assert_int_equal(link(path_of(fixture, ""), names[1]), 0);
    char url[128];
    memcpy(url, fixture->url, sizeof url);
    for (size_t i = 0; i < 2; i++) {
        snprintf(fixture->url, sizeof fixture->url, "sqlite:%.120s", names[i]);
        assert_refused(fixture, QMS_UNAVAILABLE, "is in use by another qms");
    }
    memcpy(fixture->url, url, sizeof url);
    stop_holder(holder);
    for (size_t i = 0; i < 2; i++) unlink(names[i]);
}

static void other_programs_may_read_and_write_beside_the_server(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    foreign(fixture, "UPDATE usages SET usage = '2'");
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "2");
    fixture_user(fixture, "bob", "1");
}

static void while_another_program_writes_only_writing_waits(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path_of(fixture, ""), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct qms_error error = {0};
    bool stale;
    assert_false(fixture->store->ops->begin(fixture->store, true, &stale, &error));
    assert_int_equal(error.code, QMS_UNAVAILABLE);
    assert_non_null(fixture_stored_usage(fixture, "ada"));
    sqlite3_close(other);
    fixture_user(fixture, "bob", "1");
}

/* ---- what is refused ---- */

static void a_directory_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    char url[128];
    memcpy(url, fixture->url, sizeof url);
    snprintf(fixture->url, sizeof fixture->url, "sqlite:%s", fixture->directory);
    assert_false(store_fixture_try_open(fixture, &error));
    assert_int_equal(error.code, QMS_BAD_REQUEST);
    assert_non_null(strstr(error.text, "it is a directory"));
    memcpy(fixture->url, url, sizeof url);
}

static void a_missing_directory_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    char url[128];
    memcpy(url, fixture->url, sizeof url);
    snprintf(fixture->url, sizeof fixture->url, "sqlite:%s/no/qms.db", fixture->directory);
    assert_false(store_fixture_try_open(fixture, &error));
    assert_int_equal(error.code, QMS_NOT_FOUND);
    assert_non_null(strstr(error.text, "there is no such directory"));
    memcpy(fixture->url, url, sizeof url);
}

static void a_pipe_is_refused_without_waiting(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    assert_int_equal(mkfifo(path_of(fixture, ""), 0600), 0);
    assert_false(store_fixture_try_open(fixture, &error));
    assert_int_equal(error.code, QMS_BAD_REQUEST);
    assert_non_null(strstr(error.text, "it is not a file"));
}

/* Runs as somebody who owns nothing here; as root there is nothing that may not be written. */
static void a_file_that_may_not_be_written_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    store_fixture_close(fixture);
    assert_int_equal(chmod(path_of(fixture, ""), 0444), 0);
    assert_int_equal(chmod(fixture->directory, 0555), 0);
    bool is_root = geteuid() == 0;
    if (is_root) assert_int_equal(seteuid(65534), 0);
    assert_refused(fixture, QMS_FORBIDDEN, "no permission to write");
    char url[128];
    memcpy(url, fixture->url, sizeof url);
    snprintf(fixture->url, sizeof fixture->url, "sqlite:%s/new.db", fixture->directory);
    assert_refused(fixture, QMS_FORBIDDEN, "no permission to write");
    memcpy(fixture->url, url, sizeof url);
    if (is_root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(fixture->directory, 0700), 0);
}

static void a_file_of_something_else_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    static const char text[] = "username,quota\nada,20\n";
    file_write(path_of(fixture, ""), text, sizeof text - 1);
    assert_refused(fixture, QMS_CONFLICT, "is not a qms database");
    char zeros[8192] = {0};
    file_write(path_of(fixture, ""), zeros, sizeof zeros);
    assert_refused(fixture, QMS_CONFLICT, "is not a qms database");
}

static void a_database_of_something_else_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    foreign(fixture, "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ada')");
    assert_refused(fixture, QMS_CONFLICT, "is an SQLite database, but not of qms");
    foreign(fixture, "PRAGMA journal_mode = WAL; PRAGMA user_version = 3");
    assert_refused(fixture, QMS_CONFLICT, "is an SQLite database, but not of qms");
}

static void a_newer_version_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    store_fixture_close(fixture);
    foreign(fixture, "PRAGMA user_version = 99");
    assert_refused(fixture, QMS_CONFLICT, "is of version 99");
}

/* A newer server was killed: only the log says which version it is. */
static void a_newer_version_in_the_log_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    foreign(fixture, "PRAGMA user_version = 99");
    copy_as_after_a_crash(fixture);
    assert_refused(fixture, QMS_CONFLICT, "is of version 99");
}

static void make_and_close(struct store_fixture *fixture) {
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    store_fixture_close(fixture);
}

static void a_file_that_was_cut_off_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    make_and_close(fixture);
    struct stat status;
    assert_int_equal(stat(path_of(fixture, ""), &status), 0);
    assert_int_equal(truncate(path_of(fixture, ""), status.st_size - 4096), 0);
    assert_refused(fixture, QMS_INTERNAL, "is damaged (it was cut off)");
    static const off_t lengths[] = {4096, 512, 100, 99, 16};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(truncate(path_of(fixture, ""), lengths[i]), 0);
        assert_refused(fixture, QMS_INTERNAL, "is damaged (it was cut off)");
    }
    assert_int_equal(truncate(path_of(fixture, ""), 8), 0);
    assert_refused(fixture, QMS_CONFLICT, "is not a qms database");
}

static void a_file_that_was_emptied_beside_its_log_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    copy_as_after_a_crash(fixture);
    assert_int_equal(truncate(path_of(fixture, ""), 0), 0);
    assert_refused(fixture, QMS_INTERNAL, "it is empty, but a write-ahead log lies beside it");
}

static void a_file_whose_beginning_was_overwritten_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    make_and_close(fixture);
    file_overwrite(path_of(fixture, ""), 0, "garbage garbage!", 16);
    assert_refused(fixture, QMS_CONFLICT, "its beginning was overwritten");
}

static void a_file_whose_middle_was_overwritten_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    char garbage[4096];
    memset(garbage, 0xA5, sizeof garbage);
    make_and_close(fixture);
    file_overwrite(path_of(fixture, ""), 4 * 4096, garbage, sizeof garbage);
    assert_refused(fixture, QMS_INTERNAL, "is damaged (SQLite's check failed");
    /* also when a log with changes lies beside it */
    store_fixture_remove(fixture);
    setup(state);
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "1");
    copy_as_after_a_crash(fixture);
    file_overwrite(path_of(fixture, ""), 6 * 4096, garbage, sizeof garbage);
    assert_refused(fixture, QMS_INTERNAL, "is damaged (SQLite's check failed");
}

static void tables_that_were_altered_are_refused(void **state) {
    struct store_fixture *fixture = *state;
    make_and_close(fixture);
    foreign(fixture, "ALTER TABLE usages RENAME COLUMN usage TO used");
    assert_refused(fixture, QMS_INTERNAL, "has other tables than those of qms");
}

static void an_unknown_kind_of_store_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    static const struct {
        const char *url, *words;
    } cases[] = {
        {"mysql://localhost/qms", "unknown kind of store \"mysql\""},
        {"qms.db", "unknown kind of store \"qms.db\""},
        {"", "unknown kind of store \"\""},
        {"sqlite:", "the store names no file"},
        {"postgresql://ada:secret@[::1/qms", "is not one of PostgreSQL"},
    };
    char url[128];
    memcpy(url, fixture->url, sizeof url);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qms_error error;
        snprintf(fixture->url, sizeof fixture->url, "%s", cases[i].url);
        assert_false(store_fixture_try_open(fixture, &error));
        assert_int_equal(error.code, QMS_BAD_REQUEST);
        assert_non_null(strstr(error.text, cases[i].words));
    }
    memcpy(fixture->url, url, sizeof url);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_new_file_is_for_its_owner_alone),
        CASE(an_empty_file_becomes_a_store),
        CASE(what_a_killed_server_committed_is_there),
        CASE(a_clean_close_leaves_one_file),
        CASE(a_change_of_directory_does_not_matter),
        CASE(a_file_in_use_is_refused_until_its_server_is_gone),
        CASE(a_file_in_use_is_refused_by_any_name),
        CASE(other_programs_may_read_and_write_beside_the_server),
        CASE(while_another_program_writes_only_writing_waits),
        CASE(a_directory_is_refused),
        CASE(a_missing_directory_is_refused),
        CASE(a_pipe_is_refused_without_waiting),
        CASE(a_file_that_may_not_be_written_is_refused),
        CASE(a_file_of_something_else_is_refused),
        CASE(a_database_of_something_else_is_refused),
        CASE(a_newer_version_is_refused),
        CASE(a_newer_version_in_the_log_is_refused),
        CASE(a_file_that_was_cut_off_is_refused),
        CASE(a_file_that_was_emptied_beside_its_log_is_refused),
        CASE(a_file_whose_beginning_was_overwritten_is_refused),
        CASE(a_file_whose_middle_was_overwritten_is_refused),
        CASE(tables_that_were_altered_are_refused),
        CASE(an_unknown_kind_of_store_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
