/* Where a user's rows of the audit trail lie: what is found is a superset of what is there, and
 * nothing is missed when somebody else writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store_sqlite_trail.h"
#include "support/store_fixture.h"

/* ---- by itself ---- */

static struct store_sqlite_trail trail;

static int open_trail(void **state) {
    (void)state;
    store_sqlite_trail_open(&trail);
    return 0;
}

static int close_trail(void **state) {
    (void)state;
    store_sqlite_trail_close(&trail);
    return 0;
}

static struct uuid user(unsigned number) {
    struct uuid uuid = {.bytes = {1, 2, 3, 4, 5, 6, 0x70}};
    memcpy(uuid.bytes + 8, &number, sizeof number);
    return uuid;
}

/* Rows from..to-1, of users in turn. */
static struct trail_mark add(int64_t from, int64_t to, unsigned users) {
    struct trail_mark mark;
    assert_true(store_sqlite_trail_mark(&trail, &mark));
    for (int64_t rowid = from; rowid < to; rowid++) {
        const struct trail_row row = {.rowid = rowid, .user_id = user((unsigned)rowid % users)};
        store_sqlite_trail_add(&trail, &mark, &row, 1);
    }
    assert_int_equal(mark.next_rowid, to);
    return mark;
}

static bool find(const struct trail_mark *mark, unsigned number, struct buffer *rowids) {
    struct uuid id = user(number);
    buffer_init(rowids, 1 << 20);
    bool found = store_sqlite_trail_find(&trail, mark, &id, rowids);
    *buffer_reserve(rowids, 1) = '\0'; /* for strstr() */
    return found;
}

static void assert_found(const struct trail_mark *mark, unsigned number, const char *expected) {
    struct buffer rowids;
    assert_true(find(mark, number, &rowids));
    assert_text(buffer_text(&rowids), expected);
    buffer_close(&rowids);
}

static void assert_not_usable(const struct trail_mark *mark, unsigned number) {
    struct buffer rowids;
    assert_false(find(mark, number, &rowids));
    buffer_close(&rowids);
}

static void the_rows_of_a_user_are_found(void **state) {
    (void)state;
    struct trail_mark mark = add(1, 200, 50);
    assert_found(&mark, 7, "[7,57,107,157]");
    assert_found(&mark, 0, "[50,100,150]");
    assert_found(&mark, 50, "[]");
    mark = add(TRAIL_BLOCK_ROWS - 1, TRAIL_BLOCK_ROWS + 2, 1000);
    assert_found(&mark, 535, "[65535]");
    assert_found(&mark, 537, "[65537]");
}

static void among_many_users_few_rows_are_looked_at_in_vain(void **state) {
    (void)state;
    struct trail_mark mark = add(1, 300001, 300001);
    struct buffer rowids;
    assert_true(find(&mark, 123456, &rowids));
    assert_non_null(strstr(rowids.data, "123456"));
    assert_in_range(rowids.length, 8, 8 * 30); /* 5 of other users are to be expected */
    buffer_close(&rowids);
}

static void who_has_most_rows_is_not_looked_up(void **state) {
    (void)state;
    struct trail_mark mark = add(1, 20001, 2);
    assert_not_usable(&mark, 1);
    assert_found(&mark, 2, "[]");
}

static void what_was_read_before_it_was_forgotten_does_not_count(void **state) {
    (void)state;
    struct trail_mark mark = add(1, 11, 10);
    store_sqlite_trail_forget(&trail);
    assert_not_usable(&mark, 3);
    const struct trail_row late = {.rowid = 11, .user_id = user(3)};
    store_sqlite_trail_add(&trail, &mark, &late, 1);
    assert_true(store_sqlite_trail_mark(&trail, &mark));
    assert_int_equal(mark.next_rowid, INT64_MIN);
    mark = add(1, 11, 5);
    assert_found(&mark, 3, "[3,8]");
}

static void rows_that_do_not_fit_make_it_useless_until_it_is_forgotten(void **state) {
    (void)state;
    static const int64_t odd[] = {-1, TRAIL_ROWS_MAX, INT64_MAX - 1};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct trail_mark mark = {0};
        assert_true(store_sqlite_trail_mark(&trail, &mark));
        const struct trail_row row = {.rowid = odd[i], .user_id = user(1)};
        store_sqlite_trail_add(&trail, &mark, &row, 1);
        assert_not_usable(&mark, 1);
        assert_false(store_sqlite_trail_mark(&trail, &mark));
        store_sqlite_trail_forget(&trail);
    }
}

/* ---- in the store ---- */

enum { ROWS = 3000 };

static int setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, &store_backend_file);
    store_fixture_open(&fixture);
    fixture_user(&fixture, "ada", "1");
    fixture_user(&fixture, "bob", "1");
    store_fixture_begin_one(&fixture, "bob");
    for (int i = 0; i < ROWS; i++)
        fixture_update(&fixture, fixture.accounts[0], "cpu.hours", "1", i);
    store_fixture_commit(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

static bool count_row(void *context, const union store_row *row) {
    (void)row;
    ++*(int *)context;
    return true;
}

static int history_of_ada(struct store_fixture *fixture, struct store_reader *reader) {
    const struct listing_input input = {.limit = -1};
    struct qms_error error;
    int count = 0;
    struct store_listing listing = {
        .operation = OP_UPDATE_LIST, .username = TEXT("ada"), .input = &input,
        .catalogue = fixture->catalogue, .decided_us = *fixture->clock_us,
        .deadline_us = clock_monotonic_us() + 60000000, .row = count_row, .context = &count};
    if (!fixture->store->ops->list(reader, &listing, &error)) fail_msg("%s", error.text);
    return count;
}

static void a_history_that_somebody_else_changed_is_read_anew(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    const char *name = "ada";
    struct store_reader *reader = fixture->store->ops->reader_open(fixture->store, &error);
    assert_non_null(reader);
    assert_int_equal(history_of_ada(fixture, reader), 0);
    fixture->backend->foreign(fixture, "UPDATE updates SET user_id ="
                                       " (SELECT id FROM users WHERE username = 'ada')"
                                       " WHERE effective_date IN (5, 2000)");
    assert_true(store_fixture_begin(fixture, false, &name, 1)); /* notices the other writer */
    store_fixture_end(fixture);
    assert_int_equal(history_of_ada(fixture, reader), 2);
    fixture->backend->foreign(fixture, "UPDATE updates SET user_id = NULL");
    assert_int_equal(history_of_ada(fixture, reader), 0);
    fixture->store->ops->reader_close(reader);
}

static void a_rowid_beyond_all_bounds_costs_time_but_no_rows(void **state) {
    struct store_fixture *fixture = *state;
    struct qms_error error;
    fixture->backend->foreign(fixture, "UPDATE updates SET rowid = rowid + (1 << 40), user_id ="
                                       " (SELECT id FROM users WHERE username = 'ada')"
                                       " WHERE effective_date IN (5, 2000)");
    struct store_reader *reader = fixture->store->ops->reader_open(fixture->store, &error);
    assert_non_null(reader);
    assert_int_equal(history_of_ada(fixture, reader), 2);
    assert_int_equal(history_of_ada(fixture, reader), 2);
    fixture->store->ops->reader_close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(sentence) cmocka_unit_test_setup_teardown(sentence, open_trail, close_trail)
        CASE(the_rows_of_a_user_are_found),
        CASE(among_many_users_few_rows_are_looked_at_in_vain),
        CASE(who_has_most_rows_is_not_looked_up),
        CASE(what_was_read_before_it_was_forgotten_does_not_count),
        CASE(rows_that_do_not_fit_make_it_useless_until_it_is_forgotten),
#undef CASE
#define CASE(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)
        CASE(a_history_that_somebody_else_changed_is_read_anew),
        CASE(a_rowid_beyond_all_bounds_costs_time_but_no_rows),
#undef CASE
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
