#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "front/front_auth_failures.h"

#define SECONDS(count) ((count) * INT64_C(1000000))

static struct auth_failures failures;

static int setup(void **state) {
    (void)state;
    auth_failures_init(&failures);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    auth_failures_destroy(&failures);
    return 0;
}

static uint64_t add(const char *address, int64_t now_us) {
    uint64_t before;
    return auth_failures_add(&failures, address, now_us, &before);
}

static void failures_count_by_address_within_a_window(void **state) {
    (void)state;
    uint64_t before;
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(add("192.0.2.1", SECONDS(1 + i)), i);
        assert_int_equal(add("192.0.2.2", SECONDS(1 + i)), i);
    }
    assert_int_equal(add("192.0.2.1", SECONDS(2 + AUTH_FAILURES_WINDOW_S) - 1), 21);
    assert_int_equal(auth_failures_add(&failures, "192.0.2.1",
                                       SECONDS(2 + AUTH_FAILURES_WINDOW_S), &before), 1);
    assert_int_equal(before, 21);
    assert_int_equal(auth_failures_add(&failures, "192.0.2.1",
                                       SECONDS(3 + AUTH_FAILURES_WINDOW_S), &before), 2);
    assert_int_equal(before, 0);
}

static void a_network_of_ipv6_counts_as_one_client(void **state) {
    (void)state;
    assert_int_equal(add("2001:db8:1:2::1", SECONDS(1)), 1);
    assert_int_equal(add("2001:db8:1:2:ffff::7", SECONDS(1)), 2);
    assert_int_equal(add("2001:db8:1:3::1", SECONDS(1)), 1);
    assert_int_equal(add("fe80::1%lo", SECONDS(1)), 1);
    assert_int_equal(add("fe80::2", SECONDS(1)), 2);
    assert_int_equal(add("::ffff:192.0.2.9", SECONDS(1)), 1); /* an address of IPv4 after all */
    assert_int_equal(add("::ffff:192.0.2.8", SECONDS(1)), 1);
    assert_int_equal(add("192.0.2.9", SECONDS(1)), 2);
}

static void what_is_no_address_counts_too(void **state) {
    (void)state;
    assert_int_equal(add("", SECONDS(1)), 1);
    assert_int_equal(add("no address, and longer than any that there could ever be", SECONDS(1)),
                     2);
}

static void very_many_addresses_push_out_the_quiet_ones(void **state) {
    enum { MANY = 4 * AUTH_FAILURES_SETS * AUTH_FAILURES_WAYS };
    (void)state;
    char address[32];
    assert_int_equal(add("192.0.2.1", SECONDS(1)), 1);
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof address, "10.%d.%d.1", i / 256, i % 256);
        assert_int_equal(add(address, SECONDS(2)), 1);
    }
    assert_int_equal(add("192.0.2.1", SECONDS(3)), 1); /* forgotten */
    assert_int_equal(add("192.0.2.1", SECONDS(3)), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures_count_by_address_within_a_window, setup, teardown),
        cmocka_unit_test_setup_teardown(a_network_of_ipv6_counts_as_one_client, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_address_counts_too, setup, teardown),
        cmocka_unit_test_setup_teardown(very_many_addresses_push_out_the_quiet_ones, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
