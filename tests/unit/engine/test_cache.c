#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/cache.h"

static struct text name_of(char *room, size_t size, int number) {
    snprintf(room, size, "user%d", number);
    return text_of(room);
}

static void an_account_is_found_by_its_name_only(void **state) {
    (void)state;
    struct cache cache;
    cache_init(&cache, 10);
    assert_null(cache_find(&cache, TEXT("ada")));
    struct account *ada = cache_add(&cache, TEXT("ada"));
    assert_ptr_equal(cache_find(&cache, TEXT("ada")), ada);
    assert_null(cache_find(&cache, TEXT("adam")));
    assert_null(cache_find(&cache, TEXT("Ada")));
    cache_close(&cache);
}

static void the_least_recently_used_goes_first(void **state) {
    (void)state;
    struct cache cache;
    char room[32];
    cache_init(&cache, 3);
    for (int i = 0; i < 4; i++) cache_add(&cache, name_of(room, sizeof room, i));
    cache_use(&cache, cache_find(&cache, TEXT("user0")));
    assert_int_equal(cache_evict(&cache, 1), 1);
    assert_non_null(cache_find(&cache, TEXT("user0")));
    assert_null(cache_find(&cache, TEXT("user1")));
    assert_int_equal(cache.count, 3);
    cache_close(&cache);
}

static void an_account_in_use_is_never_evicted(void **state) {
    (void)state;
    struct cache cache;
    cache_init(&cache, 1);
    struct account *held = cache_add(&cache, TEXT("held"));
    held->held = true;
    struct account *in_batch = cache_add(&cache, TEXT("in-batch"));
    in_batch->batch = 7;
    cache_add(&cache, TEXT("idle"));
    assert_int_equal(cache_evict(&cache, 7), 1);
    assert_ptr_equal(cache_find(&cache, TEXT("held")), held);
    assert_ptr_equal(cache_find(&cache, TEXT("in-batch")), in_batch);
    assert_null(cache_find(&cache, TEXT("idle")));
    cache_close(&cache);
}

static void many_accounts_are_all_found_and_all_dropped(void **state) {
    (void)state;
    struct cache cache;
    char room[32];
    cache_init(&cache, 5000);
    for (int i = 0; i < 5000; i++) cache_add(&cache, name_of(room, sizeof room, i));
    for (int i = 0; i < 5000; i++) {
        assert_non_null(cache_find(&cache, name_of(room, sizeof room, i)));
    }
    for (int i = 0; i < 5000; i += 2) {
        cache_drop(&cache, cache_find(&cache, name_of(room, sizeof room, i)));
    }
    for (int i = 0; i < 5000; i++) {
        bool there = cache_find(&cache, name_of(room, sizeof room, i)) != NULL;
        assert_int_equal(there, i % 2 == 1);
    }
    cache_drop_all(&cache);
    assert_int_equal(cache.count, 0);
    assert_null(cache.newest);
    assert_null(cache.oldest);
    cache_close(&cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_found_by_its_name_only),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(an_account_in_use_is_never_evicted),
        cmocka_unit_test(many_accounts_are_all_found_and_all_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
