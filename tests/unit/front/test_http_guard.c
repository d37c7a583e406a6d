#include "front/http_guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/arena.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const hosts[] = {"qms.example", "other.example:8080", "[fd00::1]", "10.1.2.3",
                                    NULL};

/* No Origin when it is NULL. */
static bool admits(const char *const *listed, const char *host, const char *origin) {
    struct http_head *head = memory_take_zeroed(1, sizeof *head);
    head->host = text_of(host);
    head->headers[0] = (struct http_header){TEXT("Host"), text_of(host)};
    head->headers[1] = (struct http_header){TEXT("oRIGIN"), text_of(origin)};
    head->header_count = origin == NULL ? 1 : 2;
    bool admitted = http_guard_admits(listed, true, head);
    memory_give(head);
    return admitted;
}

static void our_hosts_are_admitted(void **state) {
    static const char *const good[] = {
        "localhost", "localhost:60000", "LocalHost", "127.0.0.1", "127.0.0.1:1", "127.255.1.2",
        "[::1]", "[::1]:60000", "[0:0:0:0:0:0:0:1]", "qms.example", "QMS.example:99",
        "other.example:8080", "[fd00::1]", "[FD00::1]:80", "10.1.2.3:80",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!admits(hosts, good[i], NULL)) fail_msg("%s", good[i]);
}

static void foreign_hosts_are_not_admitted(void **state) {
    static const char *const bad[] = {
        "", "evil.example", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
        "evil.localhost", "128.0.0.1", "127.1", "0127.0.0.1", "0.0.0.0", "2130706433", "[::2]",
        "[::ffff:127.0.0.1]", "[::1", "::1", "qms.example.", "xqms.example", "other.example",
        "other.example:80", "other.example:80800", "localhost:8x", "localhost/", "localhost:80/",
        "localhost@evil.example", "[::1]evil", "[::1]:8x", "[fd00::2]", "10.1.2.4",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (admits(hosts, bad[i], NULL)) fail_msg("%s", bad[i]);
    assert_false(admits(hosts, NULL, NULL));
    assert_false(admits(NULL, "qms.example", NULL));
    assert_true(admits(NULL, "localhost", NULL));
}

static void pages_of_others_are_not_admitted(void **state) {
    static const char *const good[] = {
        "http://localhost", "http://localhost:3000", "https://127.0.0.1:8", "HTTP://[::1]:60000",
        "http://qms.example", "https://qms.example:8443", "http://other.example:8080",
    };
    static const char *const bad[] = {
        "", "null", "http://", "http://evil.example", "https://evil.example:60000", "localhost",
        "file://", "ftp://localhost", "chrome-extension://localhost", "http:/localhost",
        "http://localhost.evil.example", "http://evil.example/localhost", "http://localhost/",
        "http://localhost:80@evil.example", "http://other.example", "http://localhost http://x",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!admits(hosts, "localhost", good[i])) fail_msg("%s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (admits(hosts, "localhost", bad[i])) fail_msg("%s", bad[i]);
    assert_false(admits(hosts, "evil.example", "http://localhost"));
}

static void each_of_several_origins_counts(void **state) {
    struct http_head *head = memory_take_zeroed(1, sizeof *head);
    (void)state;
    head->host = TEXT("localhost");
    head->headers[0] = (struct http_header){TEXT("Origin"), TEXT("http://localhost")};
    head->headers[1] = (struct http_header){TEXT("Origin"), TEXT("http://evil.example")};
    head->header_count = 1;
    assert_true(http_guard_admits(hosts, true, head));
    head->header_count = 2;
    assert_false(http_guard_admits(hosts, true, head));
    memory_give(head);
}

static void who_wants_keys_admits_any_host_and_pages_of_its_own(void **state) {
    static const struct {
        const char *host, *origin;
        bool admitted;
    } cases[] = {
        {"proxy.example", NULL, true},
        {"proxy.example", "https://proxy.example", true},
        {"proxy.example:8443", "https://PROXY.example:8443", true},
        {"proxy.example", "https://qms.example", true},
        {"proxy.example", "http://localhost:1", true},
        {"proxy.example", "https://evil.example", false},
        {"proxy.example", "https://proxy.example.evil.example", false},
        {"proxy.example", "null", false},
        {"", "http://", false},
        {"", NULL, true}, /* HTTP/1.0 */
    };
    (void)state;
    struct http_head *head = memory_take_zeroed(1, sizeof *head);
    for (size_t i = 0; i < COUNT(cases); i++) {
        head->host = text_of(cases[i].host);
        head->headers[0] = (struct http_header){TEXT("Origin"), text_of(cases[i].origin)};
        head->header_count = cases[i].origin == NULL ? 0 : 1;
        if (http_guard_admits(hosts, false, head) != cases[i].admitted) fail_msg("case %zu", i);
    }
    memory_give(head);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_wants_keys_admits_any_host_and_pages_of_its_own),
        cmocka_unit_test(our_hosts_are_admitted),
        cmocka_unit_test(foreign_hosts_are_not_admitted),
        cmocka_unit_test(pages_of_others_are_not_admitted),
        cmocka_unit_test(each_of_several_origins_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
