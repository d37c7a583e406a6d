/* A disk that fails, or loses power, at every moment there is: what was said to be committed is
 * there, what was said not to be is not, and what could not be said is found out. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "support/power_vfs.h"
#include "support/sanitized.h"
#include "support/store_fixture.h"

/* With sanitizers the power does not fail at every moment, but at one in so many. It is odd, since
 * what is lost takes turns. */
enum { STRIDE = SANITIZED ? 5 : 1 };

static char much[METADATA_BYTES_MAX]; /* two audit rows with it are written in several pieces */

static int setup(void **state) {
    static struct store_fixture fixture;
    memset(much, 'm', sizeof much);
    power_vfs_register();
    store_fixture_make(&fixture, &store_backend_file);
    fixture.vfs = POWER_VFS;
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_close(fixture);
    power_vfs_restore();
    store_fixture_remove(fixture);
    return 0;
}

/* One batch that sets ada's usage and adds audit rows; begin may fail too. */
static enum store_outcome set_usage_with(struct store_fixture *fixture, int64_t value,
                                         size_t updates, struct text metadata) {
    static struct account account;
    struct account *accounts[] = {&account};
    struct qms_error error = {0};
    const struct store_ops *ops = fixture->store->ops;
    bool stale;
    enum store_outcome outcome = STORE_FAILED;
    store_fixture_forget(fixture);
    account_init(&account, TEXT("ada"));
    account.want_from_us = TIME_NEVER;
    arena_reset(&fixture->arena);
    changes_init(&fixture->changes, &fixture->arena);
    struct store_load load = {
        .arena = &fixture->arena,
        .accounts = accounts,
        .account_count = 1,
        .catalogue_version = fixture->catalogue->version,
        .directory_version = fixture->cloud->version,
    };
    if (ops->begin(fixture->store, true, &stale, &error) &&
        ops->load(fixture->store, &load, &error)) {
        struct quantity *usage = account.subscriptions->usages;
        changes_usage(&fixture->changes, usage, ROW_CHANGED);
        usage->value = amount_of(value);
        fixture->load.moment = load.moment;
        for (size_t i = 0; i < updates; i++) {
            fixture_update(fixture, &account, "cpu.hours", "1", load.moment.decided_us)->metadata =
                metadata;
        }
        fixture->batch_id = uuid_make_random(&fixture->ids);
        outcome = ops->save(fixture->store, &fixture->batch_id, &fixture->changes, &error);
    }
    account_close(&account);
    catalogue_release(load.catalogue); /* read anew where the database was opened again */
    directory_release(load.directory);
    return outcome;
}

static enum store_outcome set_usage(struct store_fixture *fixture, int64_t value) {
    return set_usage_with(fixture, value, 1, TEXT(""));
}

static int64_t usage_of(struct store_fixture *fixture) {
    const struct quantity *usage = fixture_stored_usage(fixture, "ada");
    assert_non_null(usage);
    double value = amount_to_double(usage->value);
    return (int64_t)value;
}

/* ---- failing operations ---- */

static void check_outcome(struct store_fixture *fixture, enum store_outcome outcome,
                          int64_t before, int64_t after) {
    bool committed = outcome == STORE_COMMITTED;
    if (outcome == STORE_UNKNOWN) committed = store_fixture_resolve(fixture, &fixture->batch_id);
    assert_int_not_equal(outcome, STORE_REFUSED);
    assert_int_equal(usage_of(fixture), committed ? after : before);
}

/* Fails the first operation of a batch, then the second, until none is left to fail. */
static unsigned fail_each_operation(struct store_fixture *fixture, int code, size_t updates,
                                    struct text metadata) {
    unsigned failures = 0;
    for (unsigned nth = 0;; nth++) {
        int64_t before = usage_of(fixture);
        power_vfs_fail_after(nth, code);
        enum store_outcome outcome = set_usage_with(fixture, before + 1, updates, metadata);
        bool failed = power_vfs_has_failed();
        power_vfs_fail_after(1000000, code);
        check_outcome(fixture, outcome, before, before + 1);
        if (!failed) return failures;
        assert_int_not_equal(outcome, STORE_COMMITTED);
        failures++;
    }
}

static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL};

/* However many pages it has changed, it is written to the log at once. */
static void a_small_batch_is_one_write_and_one_sync(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fail_each_operation(fixture, codes[i], 20, TEXT("m")), 2);
    }
}

static void a_batch_fails_whole_whichever_operation_fails(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    for (size_t i = 0; i < 2; i++) {
        struct text metadata = {.data = much, .length = sizeof much};
        unsigned failures = fail_each_operation(fixture, codes[i], 8, metadata);
        assert_in_range(failures, 4, 16);
        store_fixture_reopen(fixture);
        store_fixture_look(fixture, "ada");
    }
}

static void resolving_goes_on_until_the_disk_works(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    unsigned failures = 0;
    for (unsigned nth = 0;; nth++) {
        /* a batch begins the log anew, so that the sync that fails is the next one's commit */
        int64_t before = usage_of(fixture) + 1;
        assert_int_equal(set_usage(fixture, before), STORE_COMMITTED);
        power_vfs_fail_sync_after(0);
        assert_int_equal(set_usage(fixture, before + 1), STORE_UNKNOWN);
        struct qms_error error = {0};
        bool committed = false;
        power_vfs_fail_after(nth, SQLITE_IOERR);
        bool resolved = fixture->store->ops->resolve(fixture->store, &fixture->batch_id,
                                                     &committed, &error);
        bool failed = power_vfs_has_failed();
        power_vfs_fail_after(1000000, SQLITE_IOERR);
        if (failed && !resolved) {
            failures++;
            assert_int_equal(error.code, QMS_UNAVAILABLE);
            committed = store_fixture_resolve(fixture, &fixture->batch_id);
        }
        assert_int_equal(usage_of(fixture), committed ? before + 1 : before);
        if (!failed) break;
    }
    assert_true(failures >= 3);
}

static void the_next_batch_opens_the_database_again_by_itself(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    power_vfs_fail_sync_after(0);
    assert_int_equal(set_usage(fixture, 1), STORE_UNKNOWN);
    assert_int_equal(set_usage(fixture, 2), STORE_COMMITTED);
    assert_int_equal(usage_of(fixture), 2);
}

/* Opening writes the whole log once more, and what asks for a batch may ask a thousand times a
 * second. */
static void a_database_that_cannot_be_opened_again_is_not_tried_with_every_batch(void **state) {
    enum { TRIES_MAX = 1000 };
    struct store_fixture *fixture = *state;
    struct qms_error error;
    bool stale, tried = true, begun = false;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    power_vfs_fail_sync_after(0);
    assert_int_equal(set_usage(fixture, 1), STORE_UNKNOWN);
    for (int i = 0; i < TRIES_MAX && tried; i++) {
        power_vfs_fail_after(0, SQLITE_FULL);
        assert_false(fixture->store->ops->begin(fixture->store, true, &stale, &error));
        assert_int_equal(error.code, QMS_UNAVAILABLE);
        tried = power_vfs_has_failed();
    }
    assert_false(tried);
    power_vfs_fail_after(1000000, SQLITE_FULL);
    for (int i = 0; i < TRIES_MAX && !begun; i++) {
        begun = fixture->store->ops->begin(fixture->store, true, &stale, &error);
        if (!begun) nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_true(begun);
    store_fixture_end(fixture);
}

/* A sync that failed is not repeated by the kernel: what is read back then is not on the disk. */
static void what_is_resolved_as_committed_survives_a_power_cut(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    power_vfs_fail_sync_after(0);
    assert_int_equal(set_usage(fixture, 1), STORE_UNKNOWN);
    assert_true(store_fixture_resolve(fixture, &fixture->batch_id));
    power_vfs_cut_after(0, POWER_LOSES_ALL, 1);
    store_fixture_close(fixture);
    power_vfs_restore();
    store_fixture_open(fixture);
    assert_int_equal(usage_of(fixture), 1);
}

/* A commit of unknown outcome while a listing holds a snapshot of the log. */
static bool commit_during_listing(void *context, const union store_row *row) {
    (void)row;
    struct store_fixture *fixture = context;
    power_vfs_fail_sync_after(0);
    assert_int_equal(set_usage(fixture, 1), STORE_UNKNOWN);
    assert_false(store_fixture_resolve(fixture, &fixture->batch_id));
    return false;
}

/* The listing's index of the log does not know the batch; no restart may find it there either. */
static void what_is_resolved_as_lost_is_not_found_later(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    struct qms_error error = {0};
    struct store_reader *reader = fixture->store->ops->reader_open(fixture->store, &error);
    assert_non_null(reader);
    const struct listing_input input = {.limit = -1};
    struct store_listing listing = {
        .operation = OP_USER_LIST,
        .input = &input,
        .catalogue = fixture->catalogue,
        .deadline_us = INT64_MAX,
        .row = commit_during_listing,
        .context = fixture,
    };
    assert_true(fixture->store->ops->list(reader, &listing, &error));
    fixture->store->ops->reader_close(reader);
    struct uuid batch_id = fixture->batch_id;
    power_vfs_cut_after(0, POWER_LOSES_ALL, 1);
    store_fixture_close(fixture);
    power_vfs_restore();
    store_fixture_open(fixture);
    assert_int_equal(usage_of(fixture), 0);
    assert_false(store_fixture_resolve(fixture, &batch_id));
}

/* ---- power cuts ---- */

/* Batches until the power fails at the n-th operation; returns the last value acknowledged. *sent
 * is the last one that was tried. Every few batches the store is closed, which moves its log into
 * the file, and opened again. */
static int64_t write_until_cut(struct store_fixture *fixture, unsigned operations,
                               enum power_loss loss, struct text metadata, int64_t *sent) {
    int64_t acknowledged = usage_of(fixture);
    *sent = acknowledged;
    power_vfs_cut_after(operations, loss, operations + 1);
    for (int batch = 0; !power_vfs_is_cut(); batch++) {
        if (batch % 4 == 3) {
            struct qms_error error;
            store_fixture_close(fixture);
            if (!store_fixture_try_open(fixture, &error)) break;
            const char *name = "ada";
            if (power_vfs_is_cut()) break;
            store_fixture_begin(fixture, false, &name, 1);
            store_fixture_end(fixture);
            continue;
        }
        if (set_usage_with(fixture, ++*sent, 2, metadata) == STORE_COMMITTED) acknowledged = *sent;
    }
    store_fixture_close(fixture);
    power_vfs_restore();
    return acknowledged;
}

/* How many acknowledged batches were lost over many cuts, from one operation to before another. All
 * are when the file cannot be opened any more. */
static int64_t count_lost(struct store_fixture *fixture, unsigned from, unsigned to,
                          bool synchronous_off, struct text metadata) {
    int64_t lost = 0;
    store_fixture_open(fixture);
    fixture_user(fixture, "ada", "0");
    for (unsigned cut = from; cut < to; cut += STRIDE) {
        int64_t sent;
        fixture->synchronous_off = synchronous_off;
        store_fixture_reopen(fixture);
        store_fixture_look(fixture, "ada");
        int64_t acknowledged = write_until_cut(
            fixture, cut, cut % 2 == 0 ? POWER_LOSES_ALL : POWER_LOSES_SOME, metadata, &sent);
        fixture->synchronous_off = false;
        struct qms_error error;
        if (!store_fixture_try_open(fixture, &error)) return lost + acknowledged;
        int64_t stored = usage_of(fixture);
        assert_true(stored <= sent);
        if (stored < acknowledged) lost += acknowledged - stored;
    }
    return lost;
}

static void no_acknowledged_batch_is_lost_when_the_power_fails(void **state) {
    assert_int_equal(count_lost(*state, 0, 80, false, TEXT("")), 0);
}

static void nor_a_large_one(void **state) {
    struct text metadata = {.data = much, .length = sizeof much};
    assert_int_equal(count_lost(*state, 0, 20, false, metadata), 0);
}

/* The same test, on a store that does not sync: it notices. */
static void without_syncs_the_test_above_finds_batches_lost(void **state) {
    assert_true(count_lost(*state, 20, 40, true, TEXT("")) > 0);
}

static void a_file_whose_creation_was_cut_off_is_created_again(void **state) {
    struct store_fixture *fixture = *state;
    unsigned cuts = 0;
    for (unsigned operations = 0;; operations += STRIDE) {
        struct qms_error error;
        /* a file that was there is not removed by an opening that fails, as by one that is cut */
        FILE *file = fopen(fixture->url + strlen("sqlite:"), "w");
        assert_non_null(file);
        fclose(file);
        power_vfs_cut_after(operations, operations % 2 == 0 ? POWER_LOSES_ALL : POWER_LOSES_SOME,
                            operations + 1);
        bool opened = store_fixture_try_open(fixture, &error);
        bool was_cut = power_vfs_is_cut();
        store_fixture_close(fixture);
        power_vfs_restore();
        if (!opened) cuts++;
        store_fixture_open(fixture);
        fixture_user(fixture, "ada", "1");
        assert_int_equal(fixture->catalogue->plan_count, 4);
        store_fixture_remove(fixture);
        power_vfs_restore();
        setup(state);
        if (!was_cut) break;
    }
    assert_true(cuts > 50 / STRIDE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_small_batch_is_one_write_and_one_sync),
        CASE(a_batch_fails_whole_whichever_operation_fails),
        CASE(resolving_goes_on_until_the_disk_works),
        CASE(the_next_batch_opens_the_database_again_by_itself),
        CASE(a_database_that_cannot_be_opened_again_is_not_tried_with_every_batch),
        CASE(what_is_resolved_as_committed_survives_a_power_cut),
        CASE(what_is_resolved_as_lost_is_not_found_later),
        CASE(no_acknowledged_batch_is_lost_when_the_power_fails),
        CASE(nor_a_large_one),
        CASE(without_syncs_the_test_above_finds_batches_lost),
        CASE(a_file_whose_creation_was_cut_off_is_created_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
