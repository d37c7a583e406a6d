#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/listener.h"

static void an_address_and_a_port_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *address, *authority;
        int port;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1:60000", "127.0.0.1", "127.0.0.1", 60000, true},
        {"127.8.9.10:0", "127.8.9.10", "127.8.9.10", 0, true},
        {"localhost:65535", "127.0.0.1", "127.0.0.1", 65535, true},
        {"[::1]:1", "::1", "[::1]", 1, true},
        {"0.0.0.0:60000", "0.0.0.0", "0.0.0.0", 60000, false},
        {"10.1.2.3:60000", "10.1.2.3", "10.1.2.3", 60000, false},
        {"128.0.0.1:1", "128.0.0.1", "128.0.0.1", 1, false},
        {"[::]:60000", "::", "[::]", 60000, false},
        {"[2001:db8::1]:60000", "2001:db8::1", "[2001:db8::1]", 60000, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listener listener;
        struct qms_error error;
        assert_true(listener_read(cases[i].text, &listener, &error));
        assert_string_equal(listener.address, cases[i].address);
        assert_string_equal(listener.authority, cases[i].authority);
        assert_int_equal(listener.port, cases[i].port);
        assert_int_equal(listener.is_loopback, cases[i].is_loopback);
    }
}

static void what_is_no_address_with_a_port_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",           "nowhere",     "60000",         ":60000",          "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:1x",  "127.0.0.1:-1",    "127.0.0.1:65536",
        "127.0.0.1:000001", "127.1:1", "::1:1",       "[::1]",           "[::1:1",
        "[127.0.0.1]:1", "[]:1",     "example.org:1", "127.0.0.1 :1",    "[localhost]:1",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555]:1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listener listener;
        struct qms_error error;
        assert_false(listener_read(cases[i], &listener, &error));
        assert_int_equal(error.code, QMS_BAD_REQUEST);
        assert_non_null(strstr(error.text, "cannot listen on"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_and_a_port_are_taken_apart),
        cmocka_unit_test(what_is_no_address_with_a_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
