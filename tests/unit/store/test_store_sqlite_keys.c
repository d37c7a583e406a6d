/* The index of keys by itself: what it says may be there is a superset of what is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_sqlite_keys.h"

enum { MANY = 100000 };

static bool has(const struct store_sqlite_keys *keys, uint32_t fingerprint, int64_t id) {
    size_t at = 0;
    for (int64_t found; (found = store_sqlite_keys_next(keys, fingerprint, &at)) != 0;)
        if (found == id) return true;
    return false;
}

/* In a row of its own. */
static int64_t add(struct store_sqlite_keys *keys, uint32_t fingerprint) {
    int64_t id = store_sqlite_keys_begin_row(keys);
    store_sqlite_keys_add(keys, fingerprint);
    return id;
}

/* Spread over all fingerprints, each taken twice. */
static uint32_t fingerprint_of(int64_t id) {
    return (uint32_t)((uint64_t)(id / 2) * 2654435761u);
}

static void every_key_is_found_however_many_there_are(void **state) {
    (void)state;
    struct store_sqlite_keys keys;
    store_sqlite_keys_open(&keys);
    assert_false(has(&keys, 1, 1));
    for (int64_t id = 1; id <= MANY; id++) {
        assert_int_equal(add(&keys, fingerprint_of(id)), id);
        store_sqlite_keys_commit(&keys);
    }
    for (int64_t id = 1; id <= MANY; id++) assert_true(has(&keys, fingerprint_of(id), id));
    assert_true(keys.place_count <= 4 * MANY);
    store_sqlite_keys_close(&keys);
}

static void what_is_rolled_back_was_never_there(void **state) {
    (void)state;
    struct store_sqlite_keys keys;
    store_sqlite_keys_open(&keys);
    assert_int_equal(add(&keys, 7), 1);
    assert_int_equal(add(&keys, 8), 2);
    store_sqlite_keys_rollback(&keys);
    assert_int_equal(add(&keys, 9), 1);
    assert_false(has(&keys, 9, 1));
    store_sqlite_keys_commit(&keys);
    assert_false(has(&keys, 7, 1));
    assert_false(has(&keys, 8, 2));
    assert_true(has(&keys, 9, 1));
    store_sqlite_keys_close(&keys);
}

static void keys_of_one_row_share_its_id(void **state) {
    (void)state;
    struct store_sqlite_keys keys;
    store_sqlite_keys_open(&keys);
    assert_int_equal(add(&keys, 7), 1);
    store_sqlite_keys_add(&keys, 8);
    assert_int_equal(add(&keys, 9), 2);
    store_sqlite_keys_commit(&keys);
    assert_int_equal(store_sqlite_keys_begin_row(&keys), 3);
    assert_true(has(&keys, 7, 1));
    assert_true(has(&keys, 8, 1));
    assert_true(has(&keys, 9, 2));
    store_sqlite_keys_close(&keys);
}

/* A server that runs for years: old keys go, and neither memory nor numbers run out. */
static void what_is_forgotten_makes_room(void **state) {
    (void)state;
    struct store_sqlite_keys keys;
    store_sqlite_keys_open(&keys);
    int64_t id = 1, start = INT64_C(1) << 40;
    store_sqlite_keys_clear(&keys, start, start);
    for (int64_t i = 0; i < 20 * MANY; i++) {
        id = add(&keys, fingerprint_of(i));
        store_sqlite_keys_commit(&keys);
        if (id - start > 1000) store_sqlite_keys_forget(&keys, id - 1000);
    }
    assert_true(keys.place_count <= 8192);
    assert_true(has(&keys, fingerprint_of(20 * MANY - 1), id));
    assert_false(has(&keys, fingerprint_of(0), start));
    /* beyond what 32 bits can count from where the numbers began */
    keys.next_id = keys.base_id + INT64_C(0x100000005);
    store_sqlite_keys_forget(&keys, keys.next_id - 10);
    id = add(&keys, 77);
    store_sqlite_keys_commit(&keys);
    assert_true(has(&keys, 77, id));
    store_sqlite_keys_close(&keys);
}

static void places_differ_from_process_to_process(void **state) {
    (void)state;
    struct store_sqlite_keys left, right;
    const struct uuid nobody = {0}, somebody = {.bytes = {1}};
    store_sqlite_keys_open(&left);
    store_sqlite_keys_open(&right);
    struct text add = TEXT("plans.add"), ada = TEXT("plans.ada"), none = {0};
    uint32_t place = store_sqlite_keys_fingerprint(&left, TEXT("k"), &nobody, add, none);
    assert_int_equal(
        store_sqlite_keys_fingerprint(&left, TEXT("k"), &nobody, add, none), place);
    right.seed = left.seed + 1;
    assert_int_not_equal(
        store_sqlite_keys_fingerprint(&right, TEXT("k"), &nobody, add, none), place);
    assert_int_not_equal(
        store_sqlite_keys_fingerprint(&left, TEXT("l"), &nobody, add, none), place);
    assert_int_not_equal(
        store_sqlite_keys_fingerprint(&left, TEXT("k"), &somebody, add, none), place);
    assert_int_not_equal(
        store_sqlite_keys_fingerprint(&left, TEXT("k"), &nobody, ada, none), place);
    assert_int_not_equal(
        store_sqlite_keys_fingerprint(&left, TEXT("k"), &nobody, add, TEXT("ada")), place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_found_however_many_there_are),
        cmocka_unit_test(what_is_rolled_back_was_never_there),
        cmocka_unit_test(keys_of_one_row_share_its_id),
        cmocka_unit_test(what_is_forgotten_makes_room),
        cmocka_unit_test(places_differ_from_process_to_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
