/* The write-ahead log stays bounded, and pages that are damaged later fail only who is on them. */
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/store_fixture.h"

static int setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, &store_backend_file);
    fixture.synchronous_off = true; /* hundreds of megabytes are written here */
    store_fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

/* ---- the log ---- */

enum { PAGE_BYTES = 4096, BATCH_UPDATES = 800, BATCH_PAGES = BATCH_UPDATES * 16 };

/* A batch that fills about 13,000 pages. */
static void commit_much(struct store_fixture *fixture) {
    static char bytes[METADATA_BYTES_MAX];
    memset(bytes, 'm', sizeof bytes);
    store_fixture_begin_one(fixture, "ada");
    for (int i = 0; i < BATCH_UPDATES; i++) {
        fixture_update(fixture, fixture->accounts[0], "cpu.hours", "1", 0)->metadata =
            (struct text){.data = bytes, .length = sizeof bytes};
    }
    store_fixture_commit(fixture);
}

static int64_t log_batches(const struct store_fixture *fixture) {
    char path[160];
    struct stat status;
    snprintf(path, sizeof path, "%s-wal", fixture->url + strlen("sqlite:"));
    assert_int_equal(stat(path, &status), 0);
    return status.st_size / PAGE_BYTES / BATCH_PAGES;
}

static void the_log_begins_anew_when_nobody_waits(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    for (int batch = 0; batch < 3; batch++) {
        commit_much(fixture);
        fixture->store->ops->idle(fixture->store);
    }
    assert_int_equal(log_batches(fixture), 1);
    const char *name = "ada";
    assert_false(store_fixture_begin(fixture, false, &name, 1)); /* nobody else wrote */
    store_fixture_end(fixture);
}

static void the_log_stays_bounded_when_somebody_always_waits(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    for (int batch = 0; batch < 5; batch++) commit_much(fixture);
    assert_in_range(log_batches(fixture), 3, 4);
}

static bool commit_once(void *context, const union store_row *row) {
    (void)row;
    commit_much(context);
    struct store_fixture *fixture = context;
    fixture->store->ops->idle(fixture->store);
    commit_much(context);
    fixture->store->ops->idle(fixture->store);
    return false;
}

static void a_listing_delays_the_new_log_but_does_not_prevent_it(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    struct qms_error error = {0};
    struct store_reader *reader = fixture->store->ops->reader_open(fixture->store, &error);
    const struct listing_input input = {.limit = -1};
    struct store_listing listing = {
        .operation = OP_USER_LIST,
        .input = &input,
        .catalogue = fixture->catalogue,
        .deadline_us = INT64_MAX,
        .row = commit_once,
        .context = fixture,
    };
    assert_true(fixture->store->ops->list(reader, &listing, &error));
    assert_int_equal(log_batches(fixture), 2);
    commit_much(fixture);
    fixture->store->ops->idle(fixture->store);
    commit_much(fixture);
    fixture->store->ops->idle(fixture->store);
    assert_in_range(log_batches(fixture), 2, 3);
    fixture->store->ops->reader_close(reader);
}

/* ---- damage ---- */

enum { USERS = 2000 };
static char texts[USERS][12];
static const char *names[USERS];

static uint32_t number_at(int file, off_t offset) {
    uint8_t bytes[4];
    assert_int_equal(pread(file, bytes, 4, offset), 4);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static off_t root_of_usages(const struct store_fixture *fixture) {
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(fixture->url + strlen("sqlite:"), &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, "SELECT rootpage FROM sqlite_schema"
                                                    " WHERE name = 'usages'", -1, &statement,
                                        NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int root = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return (off_t)(root - 1) * PAGE_BYTES;
}

/* Overwrites the last leaf of the tree of usages: the right-most child that its root names. */
static void damage_last_usages(const struct store_fixture *fixture) {
    enum { RIGHTMOST_CHILD = 8 };
    off_t root = root_of_usages(fixture);
    char garbage[PAGE_BYTES];
    memset(garbage, 0xA5, sizeof garbage);
    int file = open(fixture->url + strlen("sqlite:"), O_RDWR);
    assert_true(file >= 0);
    off_t leaf = (off_t)(number_at(file, root + RIGHTMOST_CHILD) - 1) * PAGE_BYTES;
    assert_int_equal(pwrite(file, garbage, sizeof garbage, leaf), sizeof garbage);
    close(file);
}

static void make_users(struct store_fixture *fixture) {
    for (size_t i = 0; i < USERS; i++) {
        snprintf(texts[i], sizeof texts[i], "user%05zu", i);
        names[i] = texts[i];
    }
    store_fixture_begin(fixture, true, names, USERS);
    for (size_t i = 0; i < USERS; i++) {
        struct subscription *subscription =
            fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
        fixture_usage(fixture, subscription, "cpu.hours", "1");
    }
    store_fixture_commit(fixture);
}

static size_t set_all(struct store_fixture *fixture, size_t count) {
    size_t broken = 0;
    store_fixture_begin(fixture, true, names, count);
    for (size_t i = 0; i < count; i++) {
        struct account *account = fixture->accounts[i];
        assert_true(account->loaded);
        broken += account->broken;
        if (account->broken) continue;
        changes_usage(&fixture->changes, account->subscriptions->usages, ROW_CHANGED);
        account->subscriptions->usages->value = fixture_amount("2");
    }
    return broken;
}

/* SQLite writes nothing in a transaction that has met damage: the batch is refused, and halving it
 * parts the accounts on the page from the others. */
static void a_damaged_page_fails_only_the_accounts_on_it(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    store_fixture_reopen(fixture); /* the log is in the file now */
    store_fixture_look(fixture, "nobody");
    damage_last_usages(fixture);
    fixture->backend->foreign(fixture, "UPDATE last_batch SET committed_at = committed_at + 1");
    assert_in_range(set_all(fixture, USERS), 1, 60);
    assert_int_equal(store_fixture_save(fixture), STORE_REFUSED);
    assert_int_equal(set_all(fixture, USERS / 2), 0);
    store_fixture_commit(fixture);
    assert_amount(fixture_stored_usage(fixture, names[0])->value, "2");
}

static struct addon_use look_use(struct store_fixture *fixture, const struct uuid *addon_id) {
    struct qms_error error = {0};
    struct addon_use use = {.addon_id = *addon_id};
    store_fixture_begin(fixture, false, NULL, 0);
    struct store_load load = {
        .arena = &fixture->arena,
        .addon_uses = &use,
        .addon_use_count = 1,
        .catalogue_version = fixture->catalogue->version,
        .directory_version = fixture->cloud->version,
    };
    assert_true(fixture->store->ops->load(fixture->store, &load, &error));
    store_fixture_end(fixture);
    return use;
}

static void a_row_that_cannot_be_read_fails_only_who_asked_for_it(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
    struct uuid addon_id = fixture_apply(fixture, subscription, "5000 CPU Hours", "1")->addon_id;
    fixture_replay(fixture, fixture->accounts[0], "item", false);
    fixture_replay(fixture, fixture->accounts[0], "request", true);
    fixture_replay(fixture, fixture->accounts[0], "sound", false);
    store_fixture_commit(fixture);
    assert_true(look_use(fixture, &addon_id).in_use);

    fixture->backend->foreign(fixture, "UPDATE idempotency SET made_id = x'00' WHERE key = 'item'");
    fixture->backend->foreign(fixture, "UPDATE request_key_groups SET made_ids = x'00'");
    fixture->backend->foreign(fixture, "UPDATE subscription_addons SET addon_rate_id = x'00'");
    static const char *const keys[] = {"item", "request"};
    for (size_t i = 0; i < 2; i++) {
        const struct replay *replay = fixture_look_replay(fixture, "ada", keys[i], i == 1);
        assert_true(replay->broken);
        assert_false(replay->known);
    }
    fixture->backend->foreign(fixture, "UPDATE request_key_groups SET keys = '[\"request'");
    assert_true(fixture_look_replay(fixture, "ada", "request", true)->broken);
    const struct replay *sound = fixture_look_replay(fixture, "ada", "sound", false);
    assert_true(sound->known);
    assert_false(sound->broken);
    assert_true(look_use(fixture, &addon_id).broken);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_log_begins_anew_when_nobody_waits),
        CASE(the_log_stays_bounded_when_somebody_always_waits),
        CASE(a_listing_delays_the_new_log_but_does_not_prevent_it),
        CASE(a_damaged_page_fails_only_the_accounts_on_it),
        CASE(a_row_that_cannot_be_read_fails_only_who_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
