#include "domain/account.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct uuid id_of(unsigned char number) {
    return (struct uuid){.bytes = {[15] = number}};
}

static void an_account_copies_its_name(void **state) {
    (void)state;
    char name[] = "ada";
    struct account account;
    account_init(&account, text_of(name));
    name[0] = 'x';
    assert_true(text_equal(account.username, TEXT("ada")));
    assert_false(account.exists);
    assert_false(account.loaded);
    assert_null(account.subscriptions);
    account_close(&account);
}

static void a_forgotten_account_is_as_if_never_loaded(void **state) {
    (void)state;
    struct account account, neighbour;
    account_init(&neighbour, TEXT("bob"));
    account_init(&account, TEXT("ada"));
    for (int i = 0; i < 100; i++) { /* more than one block */
        struct subscription *row = arena_take_zeroed(&account.arena, 1, sizeof *row);
        row->next = account.subscriptions;
        account.subscriptions = row;
    }
    account.user_id = id_of(1);
    account.exists = account.loaded = true;
    account.writable = ROWS_ALL;
    account.dirty = ROW_INSERTED;
    account.ends_from_us = 5;
    account.newer = &neighbour;
    account_forget(&account);
    assert_true(text_equal(account.username, TEXT("ada")));
    assert_null(account.subscriptions);
    assert_true(uuid_is_nil(&account.user_id));
    assert_false(account.exists);
    assert_false(account.writable);
    assert_false(account.loaded);
    assert_int_equal(account.dirty, ROW_CLEAN);
    assert_int_equal(account.ends_from_us, 0);
    assert_int_equal(account.arena.taken_bytes, 0);
    assert_ptr_equal(account.newer, &neighbour); /* it keeps its place in the cache */
    account_close(&account);
    assert_null(account.subscriptions);
    account_close(&neighbour);
}

struct period {
    int64_t start_us, end_us;
    unsigned char id;
};

/* Lists the periods in both orders and expects the same choice: id, or 0 for none. */
static void expect_active(const struct period *periods, size_t count, int64_t at_us,
                          unsigned char expected) {
    for (int reversed = 0; reversed < 2; reversed++) {
        struct subscription rows[8] = {{0}};
        struct account account = {.subscriptions = NULL};
        assert_true(count <= COUNT(rows));
        for (size_t i = 0; i < count; i++) {
            const struct period *period = &periods[reversed ? count - 1 - i : i];
            rows[i] = (struct subscription){.next = account.subscriptions,
                                            .id = id_of(period->id),
                                            .start_us = period->start_us,
                                            .end_us = period->end_us};
            account.subscriptions = &rows[i];
        }
        const struct subscription *active = subscription_active(&account, at_us);
        unsigned char id = active == NULL ? 0 : active->id.bytes[15];
        if (id != expected) fail_msg("at %ld: %d instead of %d", (long)at_us, id, expected);
    }
}

static void a_subscription_is_active_from_its_start_to_its_end(void **state) {
    (void)state;
    static const struct period one[] = {{10, 20, 1}};
    expect_active(one, 0, 15, 0);
    expect_active(one, 1, 9, 0);
    expect_active(one, 1, 10, 1);
    expect_active(one, 1, 20, 1);
    expect_active(one, 1, 21, 0);
    static const struct period open[] = {{10, TIME_NEVER, 1}};
    expect_active(open, 1, 9, 0);
    expect_active(open, 1, TIME_US_MAX, 1);
    static const struct period empty[] = {{10, 10, 1}}; /* ended before it began to count */
    expect_active(empty, 1, 10, 1);
    expect_active(empty, 1, 11, 0);
}

static void of_several_the_latest_start_wins_then_the_smallest_id(void **state) {
    (void)state;
    static const struct period periods[] = {
        {0, TIME_NEVER, 1}, {10, 20, 5}, {10, 30, 4}, {10, 15, 6}, {25, 28, 2}, {40, 50, 3},
    };
    static const struct {
        int64_t at_us;
        unsigned char id;
    } cases[] = {{-1, 0}, {0, 1},  {9, 1},  {10, 4}, {20, 4}, {24, 4},
                 {25, 2}, {28, 2}, {29, 4}, {31, 1}, {40, 3}, {51, 1}};
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_active(periods, COUNT(periods), cases[i].at_us, cases[i].id);
}

/* 2.9 ends the older one where the newer one starts, so both hold that instant; and one that lay
 * inside the new one's window is left over at its own start. */
static void one_of_no_length_gives_way_to_any_other(void **state) {
    (void)state;
    static const struct period same_start[] = {{10, 10, 1}, {10, 30, 2}};
    expect_active(same_start, 2, 10, 2);
    static const struct period inside[] = {{10, 30, 2}, {20, 20, 1}};
    expect_active(inside, 2, 20, 2);
    static const struct period open[] = {{10, TIME_NEVER, 3}, {20, 20, 1}, {20, 20, 2}};
    expect_active(open, 3, 20, 3);
    static const struct period alone[] = {{5, 8, 1}, {10, 10, 4}, {10, 10, 3}, {9, 9, 2}};
    expect_active(alone, 4, 10, 3);
}

static void a_subscription_is_found_by_its_id(void **state) {
    (void)state;
    struct subscription second = {.id = id_of(2)};
    struct subscription first = {.next = &second, .id = id_of(1)};
    struct account account = {.subscriptions = &first};
    struct uuid one = id_of(1), two = id_of(2), three = id_of(3);
    assert_ptr_equal(subscription_find(&account, &one), &first);
    assert_ptr_equal(subscription_find(&account, &two), &second);
    assert_null(subscription_find(&account, &three));
}

static void a_quantity_is_found_by_its_resource_type(void **state) {
    (void)state;
    struct quantity third = {.resource_type_id = id_of(3)};
    struct quantity second = {.next = &third, .resource_type_id = id_of(2)};
    struct uuid two = id_of(2), three = id_of(3), four = id_of(4);
    assert_ptr_equal(quantity_find(&second, &two), &second);
    assert_ptr_equal(quantity_find(&second, &three), &third);
    assert_null(quantity_find(&second, &four));
    assert_null(quantity_find(NULL, &two));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_copies_its_name),
        cmocka_unit_test(a_forgotten_account_is_as_if_never_loaded),
        cmocka_unit_test(a_subscription_is_active_from_its_start_to_its_end),
        cmocka_unit_test(of_several_the_latest_start_wins_then_the_smallest_id),
        cmocka_unit_test(one_of_no_length_gives_way_to_any_other),
        cmocka_unit_test(a_subscription_is_found_by_its_id),
        cmocka_unit_test(a_quantity_is_found_by_its_resource_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
