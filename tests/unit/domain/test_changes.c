#include "domain/changes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct arena batch;
    struct changes changes;
    struct account account;
    struct subscription *stored; /* clean, with one clean usage and quota */
    struct quantity *usage, *quota;
};

static struct quantity *new_quantity(struct fixture *f, struct subscription *subscription,
                                     int64_t value) {
    struct quantity *row = arena_take_zeroed(&f->account.arena, 1, sizeof *row);
    row->subscription = subscription;
    row->value = amount_of(value);
    return row;
}

static int set_up(void **state) {
    struct fixture *f = memory_take_zeroed(1, sizeof *f);
    arena_init(&f->batch, 1024);
    account_init(&f->account, TEXT("ada"));
    f->account.exists = true;
    f->stored = arena_take_zeroed(&f->account.arena, 1, sizeof *f->stored);
    f->stored->account = &f->account;
    f->account.subscriptions = f->stored;
    f->usage = f->stored->usages = new_quantity(f, f->stored, 1);
    f->quota = f->stored->quotas = new_quantity(f, f->stored, 100);
    changes_init(&f->changes, &f->batch);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    account_close(&f->account);
    arena_close(&f->batch);
    memory_give(f);
    return 0;
}

/* What operations do, by the contract of changes.h. */

static void set_usage(struct fixture *f, struct quantity *usage, int64_t value) {
    changes_usage(&f->changes, usage, ROW_CHANGED);
    usage->value = amount_of(value);
}

static struct quantity *add_usage(struct fixture *f, struct subscription *subscription) {
    struct quantity *row = new_quantity(f, subscription, 7);
    changes_subscription_rows(&f->changes, subscription);
    row->next = subscription->usages;
    subscription->usages = row;
    changes_usage(&f->changes, row, ROW_INSERTED);
    return row;
}

static struct quantity *add_quota(struct fixture *f, struct subscription *subscription) {
    struct quantity *row = new_quantity(f, subscription, 200);
    changes_subscription_rows(&f->changes, subscription);
    row->next = subscription->quotas;
    subscription->quotas = row;
    changes_quota(&f->changes, row, ROW_INSERTED);
    return row;
}

static struct subscription *add_subscription(struct fixture *f) {
    struct subscription *row = arena_take_zeroed(&f->account.arena, 1, sizeof *row);
    row->account = &f->account;
    changes_account_rows(&f->changes, &f->account);
    row->next = f->account.subscriptions;
    f->account.subscriptions = row;
    changes_subscription(&f->changes, row, ROW_INSERTED);
    return row;
}

static void end_subscription(struct fixture *f, struct subscription *row, int64_t end_us) {
    changes_subscription(&f->changes, row, ROW_CHANGED);
    row->end_us = end_us;
}

static struct subscription_addon *add_addon(struct fixture *f, struct subscription *subscription) {
    struct subscription_addon *row = arena_take_zeroed(&f->account.arena, 1, sizeof *row);
    row->subscription = subscription;
    changes_subscription_rows(&f->changes, subscription);
    row->next = subscription->addons;
    subscription->addons = row;
    changes_addon_applied(&f->changes, row, ROW_INSERTED);
    return row;
}

static struct update *add_update(struct fixture *f) {
    struct update *update = arena_take_zeroed(&f->batch, 1, sizeof *update);
    changes_update(&f->changes, update);
    return update;
}

static void assert_value(const struct quantity *row, int64_t value) {
    assert_int_equal(amount_compare(row->value, amount_of(value)), 0);
}

static void a_new_batch_is_empty(void **state) {
    struct fixture *f = *state;
    assert_true(changes_empty(&f->changes));
    changes_begin(&f->changes);
    changes_undo(&f->changes);
    assert_true(changes_empty(&f->changes));
}

static void any_listed_row_makes_a_batch_not_empty(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    add_update(f);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    assert_true(changes_empty(&f->changes));
    set_usage(f, f->usage, 2);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    changes_quota(&f->changes, f->quota, ROW_CHANGED);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    end_subscription(f, f->stored, 5);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    struct replay replay = {.key = TEXT("k")};
    changes_replay(&f->changes, &replay);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    f->account.exists = false;
    changes_account_insert(&f->changes, &f->account);
    assert_false(changes_empty(&f->changes));
    changes_undo(&f->changes);
    assert_true(changes_empty(&f->changes));
}

static void a_row_is_listed_once_however_often_it_changes(void **state) {
    struct fixture *f = *state;
    for (int operation = 0; operation < 3; operation++) {
        changes_begin(&f->changes);
        for (int i = 0; i < 3; i++) set_usage(f, f->usage, 10 * operation + i);
    }
    assert_int_equal(f->changes.usages.count, 1);
    assert_ptr_equal(f->changes.usages.rows[0], f->usage);
    assert_int_equal(f->usage->dirty, ROW_CHANGED);
    assert_value(f->usage, 22);
}

static void an_inserted_row_stays_an_insertion(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    struct quantity *usage = add_usage(f, f->stored);
    set_usage(f, usage, 8);
    changes_begin(&f->changes);
    set_usage(f, usage, 9);
    assert_int_equal(usage->dirty, ROW_INSERTED);
    assert_int_equal(f->changes.usages.count, 1);
    assert_int_equal(f->changes.subscriptions.count, 0);
    changes_undo(&f->changes);
    assert_int_equal(usage->dirty, ROW_INSERTED);
    assert_int_equal(f->changes.usages.count, 1);
    assert_value(usage, 8);
}

static void undo_goes_back_to_the_operation_before(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    set_usage(f, f->usage, 5);
    add_update(f);
    changes_begin(&f->changes);
    set_usage(f, f->usage, 6);
    set_usage(f, f->usage, 7);
    changes_quota(&f->changes, f->quota, ROW_CHANGED);
    f->quota->value = amount_of(0);
    end_subscription(f, f->stored, 99);
    add_update(f);
    changes_undo(&f->changes);
    assert_value(f->usage, 5);
    assert_value(f->quota, 100);
    assert_int_equal(f->stored->end_us, 0);
    assert_int_equal(f->usage->dirty, ROW_CHANGED);
    assert_int_equal(f->quota->dirty, ROW_CLEAN);
    assert_int_equal(f->stored->dirty, ROW_CLEAN);
    assert_int_equal(f->changes.usages.count, 1);
    assert_int_equal(f->changes.quotas.count, 0);
    assert_int_equal(f->changes.subscriptions.count, 0);
    assert_int_equal(f->changes.updates.count, 1);
}

static void undo_takes_new_rows_out_of_their_lists(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    struct subscription *added = add_subscription(f);
    for (int i = 0; i < 3; i++) {
        add_usage(f, added);
        add_quota(f, added);
        add_usage(f, f->stored);
        add_quota(f, f->stored);
    }
    end_subscription(f, f->stored, 50);
    end_subscription(f, added, 60);
    changes_undo(&f->changes);
    assert_ptr_equal(f->account.subscriptions, f->stored);
    assert_null(f->stored->next);
    assert_ptr_equal(f->stored->usages, f->usage);
    assert_ptr_equal(f->stored->quotas, f->quota);
    assert_null(f->usage->next);
    assert_null(f->quota->next);
    assert_int_equal(f->stored->end_us, 0);
    assert_true(changes_empty(&f->changes));
}

static void add_ons_are_inserted_changed_and_deleted(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    struct subscription_addon *addon = add_addon(f, f->stored);
    changes_undo(&f->changes);
    assert_null(f->stored->addons);
    assert_int_equal(addon->dirty, ROW_CLEAN);
    assert_true(changes_empty(&f->changes));

    changes_begin(&f->changes);
    addon = add_addon(f, f->stored);
    assert_int_equal(f->changes.addons_applied.count, 1);
    assert_false(changes_empty(&f->changes));
    changes_committed(&f->changes);
    assert_int_equal(addon->dirty, ROW_CLEAN);
    changes_init(&f->changes, &f->batch);

    changes_begin(&f->changes);
    changes_addon_applied(&f->changes, addon, ROW_CHANGED);
    addon->paid = true;
    changes_begin(&f->changes);
    changes_subscription_rows(&f->changes, f->stored);
    f->stored->addons = NULL;
    changes_addon_applied(&f->changes, addon, ROW_DELETED);
    assert_int_equal(addon->dirty, ROW_DELETED);
    assert_int_equal(f->changes.addons_applied.count, 1);
    changes_undo(&f->changes);
    assert_ptr_equal(f->stored->addons, addon);
    assert_int_equal(addon->dirty, ROW_CHANGED);
    assert_true(addon->paid);
    assert_int_equal(f->changes.addons_applied.count, 1);
}

static void a_batch_knows_whether_it_writes_the_catalogue(void **state) {
    struct fixture *f = *state;
    struct change_list *const lists[] = {
        &f->changes.plans, &f->changes.plan_rates, &f->changes.quota_defaults,
        &f->changes.resource_types, &f->changes.addons, &f->changes.addon_rates,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_false(changes_catalogue_any(&f->changes));
        changes_catalogue(&f->changes, lists[i], f);
        assert_true(changes_catalogue_any(&f->changes));
        assert_false(changes_empty(&f->changes));
        assert_ptr_equal(lists[i]->rows[0], f);
        changes_init(&f->changes, &f->batch);
    }
    set_usage(f, f->usage, 2);
    assert_false(changes_catalogue_any(&f->changes));
}

static void undo_leaves_the_memory_of_the_account_alone(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    add_subscription(f);
    size_t taken = f->account.arena.taken_bytes;
    for (int i = 0; i < 100; i++) add_usage(f, f->stored);
    assert_true(f->account.arena.taken_bytes > taken);
    taken = f->account.arena.taken_bytes;
    const struct arena_block *newest = f->account.arena.current;
    changes_undo(&f->changes);
    assert_int_equal(f->account.arena.taken_bytes, taken);
    assert_ptr_equal(f->account.arena.current, newest);
}

static void undo_makes_an_inserted_user_absent_again(void **state) {
    struct fixture *f = *state;
    f->account.exists = false;
    f->account.batch = 3;
    changes_begin(&f->changes);
    changes_account_insert(&f->changes, &f->account);
    f->account.user_id.bytes[0] = 1;
    f->account.exists = true;
    f->account.batch = 4;
    assert_int_equal(f->account.dirty, ROW_INSERTED);
    assert_int_equal(f->changes.accounts.count, 1);
    changes_undo(&f->changes);
    assert_false(f->account.exists);
    assert_true(uuid_is_nil(&f->account.user_id));
    assert_int_equal(f->account.dirty, ROW_CLEAN);
    assert_int_equal(f->account.batch, 4); /* the engine's, not a fact */
    assert_true(changes_empty(&f->changes));
}

static void undo_forgets_a_replay(void **state) {
    struct fixture *f = *state;
    struct replay replay = {.key = TEXT("k")};
    changes_begin(&f->changes);
    changes_replay(&f->changes, &replay);
    replay.known = true;
    replay.recorded_us = 5;
    assert_int_equal(replay.dirty, ROW_INSERTED);
    changes_undo(&f->changes);
    assert_false(replay.known);
    assert_int_equal(replay.recorded_us, 0);
    assert_int_equal(replay.dirty, ROW_CLEAN);
    assert_true(changes_empty(&f->changes));
}

static void lists_grow_and_keep_their_order(void **state) {
    struct fixture *f = *state;
    enum { ROWS = 1000 };
    struct update *updates[ROWS];
    for (int i = 0; i < ROWS; i++) {
        changes_begin(&f->changes);
        updates[i] = add_update(f);
        changes_begin(&f->changes);
        add_update(f);
        changes_undo(&f->changes);
    }
    assert_int_equal(f->changes.updates.count, ROWS);
    for (int i = 0; i < ROWS; i++) assert_ptr_equal(f->changes.updates.rows[i], updates[i]);
}

static void after_the_commit_every_row_is_clean(void **state) {
    struct fixture *f = *state;
    f->account.exists = false;
    struct replay replay = {.key = TEXT("k")};
    changes_begin(&f->changes);
    changes_account_insert(&f->changes, &f->account);
    struct subscription *added = add_subscription(f);
    struct quantity *usage = add_usage(f, added), *quota = add_quota(f, added);
    set_usage(f, f->usage, 9);
    changes_replay(&f->changes, &replay);
    add_update(f);
    changes_committed(&f->changes);
    assert_int_equal(f->account.dirty, ROW_CLEAN);
    assert_int_equal(added->dirty, ROW_CLEAN);
    assert_int_equal(usage->dirty, ROW_CLEAN);
    assert_int_equal(quota->dirty, ROW_CLEAN);
    assert_int_equal(f->usage->dirty, ROW_CLEAN);
    assert_int_equal(replay.dirty, ROW_CLEAN);
    assert_value(f->usage, 9);
    changes_init(&f->changes, &f->batch);
    assert_true(changes_empty(&f->changes));
    set_usage(f, f->usage, 10);
    assert_int_equal(f->changes.usages.count, 1);
}

static void expect_lock(struct fixture *f, bool must_lock) {
    assert_int_equal(f->changes.must_lock, must_lock);
    changes_undo(&f->changes);
    changes_begin(&f->changes);
}

static void a_stored_row_is_changed_only_when_its_kind_is_locked(void **state) {
    struct fixture *f = *state;
    changes_begin(&f->changes);
    struct subscription_addon *addon = add_addon(f, f->stored);
    addon->dirty = ROW_CLEAN; /* as if stored */
    f->stored->addons = addon;
    for (unsigned writable = 0; writable <= ROWS_ALL; writable++) {
        changes_init(&f->changes, &f->batch);
        changes_begin(&f->changes);
        f->account.writable = writable;
        set_usage(f, f->usage, 2);
        expect_lock(f, (writable & ROWS_USAGES) == 0);
        changes_quota(&f->changes, f->quota, ROW_CHANGED);
        expect_lock(f, (writable & ROWS_QUOTAS) == 0);
        end_subscription(f, f->stored, 5);
        expect_lock(f, (writable & ROWS_SUBSCRIPTIONS) == 0);
        changes_addon_applied(&f->changes, addon, ROW_CHANGED);
        expect_lock(f, (writable & ROWS_ADDONS) == 0);
        changes_addon_applied(&f->changes, addon, ROW_DELETED);
        expect_lock(f, (writable & ROWS_ADDONS) == 0);
    }
}

static void a_row_is_added_only_where_what_it_refers_to_is_locked(void **state) {
    struct fixture *f = *state;
    for (unsigned writable = 0; writable <= ROWS_ALL; writable++) {
        changes_init(&f->changes, &f->batch);
        changes_begin(&f->changes);
        f->account.writable = writable;
        add_usage(f, f->stored);
        expect_lock(f, (writable & ROWS_SUBSCRIPTIONS) == 0);
        add_quota(f, f->stored);
        expect_lock(f, (writable & ROWS_SUBSCRIPTIONS) == 0);
        add_addon(f, f->stored);
        expect_lock(f, (writable & ROWS_SUBSCRIPTIONS) == 0);
        add_subscription(f);
        expect_lock(f, (writable & ROWS_SUBSCRIPTIONS) == 0);
        f->account.exists = false; /* nobody else can have rows of a user who is new */
        changes_account_insert(&f->changes, &f->account);
        struct subscription *added = add_subscription(f);
        set_usage(f, add_usage(f, added), 3);
        add_quota(f, added);
        end_subscription(f, added, 5);
        expect_lock(f, false);
    }
}

static void value_types_are_named_like_their_tables(void **state) {
    (void)state;
    assert_string_equal(value_type_name(VALUE_QUOTAS), "quotas");
    assert_string_equal(value_type_name(VALUE_USAGES), "usages");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_new_batch_is_empty),
        TEST(any_listed_row_makes_a_batch_not_empty),
        TEST(a_row_is_listed_once_however_often_it_changes),
        TEST(an_inserted_row_stays_an_insertion),
        TEST(undo_goes_back_to_the_operation_before),
        TEST(undo_takes_new_rows_out_of_their_lists),
        TEST(add_ons_are_inserted_changed_and_deleted),
        TEST(a_batch_knows_whether_it_writes_the_catalogue),
        TEST(undo_leaves_the_memory_of_the_account_alone),
        TEST(undo_makes_an_inserted_user_absent_again),
        TEST(undo_forgets_a_replay),
        TEST(lists_grow_and_keep_their_order),
        TEST(after_the_commit_every_row_is_clean),
        TEST(a_stored_row_is_changed_only_when_its_kind_is_locked),
        TEST(a_row_is_added_only_where_what_it_refers_to_is_locked),
        cmocka_unit_test(value_types_are_named_like_their_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
