#include "front/http_router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { ROUTE_ROOT, ROUTE_USERS, ROUTE_USER, ROUTE_USAGES, ROUTE_USAGES_PUT, ROUTE_PLAN, ROUTE_ANY,
       ROUTE_ANY_GET, ROUTE_LONG };

static const struct http_route routes[] = {
    [ROUTE_ROOT] = {.method = HTTP_GET, .pattern = "/"},
    [ROUTE_USERS] = {.method = HTTP_GET, .pattern = "/users"},
    [ROUTE_USER] = {.method = HTTP_DELETE, .pattern = "/users/{user}"},
    [ROUTE_USAGES] = {.method = HTTP_GET, .pattern = "/users/{user}/usages"},
    [ROUTE_USAGES_PUT] = {.method = HTTP_PUT, .pattern = "/users/{user}/usages"},
    [ROUTE_PLAN] = {.method = HTTP_POST, .pattern = "/v1/{user}/plan"},
    [ROUTE_ANY] = {.method = HTTP_POST, .pattern = "/v1/{user}/{name}"},
    [ROUTE_ANY_GET] = {.method = HTTP_GET, .pattern = "/v1/{user}/{name}"},
    [ROUTE_LONG] = {.method = HTTP_GET, .pattern = "/1/2/3/4/5/6/7/{eight}"},
    {0},
};

struct fixture {
    struct arena arena;
    struct http_router *router;
};

static int set_up(void **state) {
    static struct fixture fixture;
    arena_init(&fixture.arena, 4096);
    fixture.router = http_router_open(routes);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    arena_close(&fixture->arena);
    http_router_close(fixture->router);
    return 0;
}

struct split_case {
    struct text path;
    const char *segments; /* joined by '|'; NULL: refused */
    unsigned no_text;
};

static const struct split_case splits[] = {
    {TEXT("/"), "", 0},
    {TEXT("/a"), "a|", 0},
    {TEXT("/a/"), "a||", 0},
    {TEXT("//"), "||", 0},
    {TEXT("/a//b"), "a||b|", 0},
    {TEXT("/users/ada%40x/usages"), "users|ada@x|usages|", 0},
    {TEXT("/a%2Fb/c"), "a/b|c|", 0},
    {TEXT("/%2e%2E/.."), "..|..|", 0},
    {TEXT("/a%252Fb"), "a%2Fb|", 0},
    {TEXT("/%6f%6F%4A%4a"), "ooJJ|", 0},
    {TEXT("/%C3%A9%c3%a9"), "\xC3\xA9\xC3\xA9|", 0},
    {TEXT("/a+b"), "a+b|", 0},
    {TEXT("/%20%7F%01"), " \x7F\x01|", 0},
    {TEXT("/%00"), "|", 1},
    {TEXT("/x/a%00b"), "x|a|", 2},
    {TEXT("/%"), NULL, 0},
    {TEXT("/%4"), NULL, 0},
    {TEXT("/%4/1"), NULL, 0},
    {TEXT("/%4g"), NULL, 0},
    {TEXT("/%G4"), NULL, 0},
    {TEXT("/%%41"), NULL, 0},
    {TEXT("/%+1"), NULL, 0},
    {TEXT("/%ff"), "\xff|", 1},
    {TEXT("/%C3"), "\xC3|", 1},
    {TEXT("/%C3/%A9"), "\xC3|\xA9|", 3},
    {TEXT("/%ed%a0%80"), "\xed\xa0\x80|", 1},
    {TEXT("/good/%c0%80"), "good|\xc0\x80|", 2},
    {TEXT("/1/2/3/4/5/6/7/8/%zz"), NULL, 0},
    {TEXT("/1/2/3/4/5/6/7/8/%ff"), NULL, 0},
};

static void segments_are_decoded_once_after_the_split(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(splits); i++) {
        struct http_path path;
        char joined[256] = "";
        size_t length = 0;
        /* In memory of exactly that length, for the sanitizer. */
        char *copy = memory_take(splits[i].path.length);
        memcpy(copy, splits[i].path.data, splits[i].path.length);
        bool good = http_path_split((struct text){copy, splits[i].path.length}, &fixture->arena,
                                    &path);
        assert_int_equal(good, splits[i].segments != NULL);
        for (size_t part = 0; good && part < path.count; part++)
            length += (size_t)snprintf(joined + length, sizeof joined - length, "%.*s|",
                                       TEXT_ARGUMENTS(path.segments[part]));
        if (good) assert_string_equal(joined, splits[i].segments);
        if (good) assert_int_equal(path.no_text, splits[i].no_text);
        memory_give(copy);
    }
}

static struct http_match find(struct fixture *fixture, enum http_method method, const char *text) {
    struct http_path path;
    assert_true(http_path_split(text_of(text), &fixture->arena, &path));
    return http_router_find(fixture->router, method, &path);
}

struct found_case {
    enum http_method method;
    const char *path;
    int route;
};

static const struct found_case found[] = {
    {HTTP_GET, "/", ROUTE_ROOT},
    {HTTP_HEAD, "/", ROUTE_ROOT},
    {HTTP_GET, "/users", ROUTE_USERS},
    {HTTP_GET, "/us%65rs", ROUTE_USERS},
    {HTTP_DELETE, "/users/ada", ROUTE_USER},
    {HTTP_DELETE, "/users/usages", ROUTE_USER},
    {HTTP_GET, "/users/ada/usages", ROUTE_USAGES},
    {HTTP_GET, "/users/a%2Fb/usages", ROUTE_USAGES},
    {HTTP_HEAD, "/users/ada/usages", ROUTE_USAGES},
    {HTTP_GET, "/users//usages", ROUTE_USAGES},
    {HTTP_PUT, "/users/ada/usages", ROUTE_USAGES_PUT},
    {HTTP_POST, "/v1/ada/plan", ROUTE_PLAN},
    {HTTP_POST, "/v1/ada/plans", ROUTE_ANY},
    {HTTP_GET, "/v1/ada/plan", ROUTE_ANY_GET},
    {HTTP_GET, "/v1//plan", ROUTE_ANY_GET},
    {HTTP_GET, "/1/2/3/4/5/6/7/8", ROUTE_LONG},
};

static void the_first_fitting_route_is_found(void **state) {
    for (size_t i = 0; i < COUNT(found); i++) {
        struct http_match match = find(*state, found[i].method, found[i].path);
        if (match.route != &routes[found[i].route]) fail_msg("%s", found[i].path);
    }
}

static void the_names_of_users_are_known(void **state) {
    assert_int_equal(find(*state, HTTP_GET, "/users").names, 0);
    assert_int_equal(find(*state, HTTP_GET, "/users/ada/usages").names, 1u << 1);
    assert_int_equal(find(*state, HTTP_POST, "/v1/ada/plans").names, 1u << 1);
    assert_int_equal(find(*state, HTTP_GET, "/1/2/3/4/5/6/7/8").names, 0);
}

static void other_paths_are_not_found(void **state) {
    static const char *const paths[] = {
        "/Users", "/users/", "/users/ada/usages/", "/users%2Fada%2Fusages", "/user", "/userss",
        "//users", "/v1/ada/", "/v1//", "/1/2/3/4/5/6/7", "/1/2/3/4/5/6/7/8/9",
        "/1/2/3/4/5/6/7/8/", "/1/2/3/4/5/6/x/8", "//", "*",
    };
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct http_match match = find(*state, HTTP_GET, paths[i]);
        if (match.route != NULL || match.methods != 0) fail_msg("%s", paths[i]);
    }
}

static void another_method_learns_which_there_are(void **state) {
    struct http_match match = find(*state, HTTP_POST, "/users/ada/usages");
    assert_null(match.route);
    assert_int_equal(match.methods, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_PUT);
    match = find(*state, HTTP_HEAD, "/users/ada");
    assert_null(match.route);
    assert_int_equal(match.methods, 1u << HTTP_DELETE);
    match = find(*state, HTTP_METHOD_OTHER, "/v1/ada/plan");
    assert_null(match.route);
    assert_int_equal(match.methods, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_POST);
}

static void the_tree_is_told_by_whole_segments(void **state) {
    static const struct http_tree trees[] = {{.prefix = "/v2"}, {.prefix = "/v"}, {.prefix = ""}};
    (void)state;
    assert_ptr_equal(http_tree_find(trees, TEXT("/v2")), &trees[0]);
    assert_ptr_equal(http_tree_find(trees, TEXT("/v2/usages")), &trees[0]);
    assert_ptr_equal(http_tree_find(trees, TEXT("/v2x")), &trees[2]);
    assert_ptr_equal(http_tree_find(trees, TEXT("/v/2")), &trees[1]);
    assert_ptr_equal(http_tree_find(trees, TEXT("/x/v2")), &trees[2]);
    assert_ptr_equal(http_tree_find(trees, TEXT("/")), &trees[2]);
    assert_ptr_equal(http_tree_find(trees, TEXT("")), &trees[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_decoded_once_after_the_split),
        cmocka_unit_test(the_first_fitting_route_is_found),
        cmocka_unit_test(the_names_of_users_are_known),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(another_method_learns_which_there_are),
        cmocka_unit_test(the_tree_is_told_by_whole_segments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
