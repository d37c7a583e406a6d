#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/in_force.h"

static const char row[] =
    "{\"rates\":[{\"rate\":1,\"effective_date\":\"2020-01-01T00:00:00Z\"},"
    "{\"rate\":2.50,\"effective_date\":\"2021-01-01T00:00:00Z\"},"
    "{\"rate\":3,\"effective_date\":\"9000-01-01T00:00:00Z\"}],"
    "\"defaults\":["
    "{\"effective_date\":\"2020-01-01T00:00:00Z\",\"resource_type\":{\"name\":\"cpu\"}},"
    "{\"effective_date\":\"2020-01-01T00:00:00Z\",\"resource_type\":{\"name\":\"data\"}},"
    "{\"effective_date\":\"2021-01-01T00:00:00Z\",\"resource_type\":{\"name\":\"cpu\"}},"
    "{\"effective_date\":\"9000-01-01T00:00:00Z\",\"resource_type\":{\"name\":\"data\"}},"
    "{\"effective_date\":\"never\",\"resource_type\":{\"name\":\"cpu\"}}]}";

enum { NOW_S = 1787000000 }; /* August 2026 */

static void of_each_resource_type_the_last_one_past_holds(void **state) {
    (void)state;
    static const bool expected[] = {false, true, true, false, false};
    struct arena arena;
    arena_init(&arena, 4096);
    struct answer_list rows = {.count = 0};
    assert_true(answer_list_add(&rows, text_of(row), "defaults", &arena));
    assert_int_equal(rows.count, 5);
    for (size_t i = 0; i < rows.count; i++)
        assert_int_equal(in_force(&rows, i, INT64_C(1000000) * NOW_S, &arena), expected[i]);
    arena_close(&arena);
}

static void the_rate_of_today_is_told_in_plain_digits(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_true(text_equal(in_force_rate(text_of(row), "rates", &arena), TEXT("2.5")));
    assert_int_equal(in_force_rate(text_of(row), "none", &arena).length, 0);
    assert_int_equal(in_force_rate(TEXT("{\"rates\":[]}"), "rates", &arena).length, 0);
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_resource_type_the_last_one_past_holds),
        cmocka_unit_test(the_rate_of_today_is_told_in_plain_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
