#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/answer.h"

static int set_up(void **state) {
    struct arena *arena = calloc(1, sizeof *arena);
    arena_init(arena, 4096);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    arena_close(*state);
    free(*state);
    return 0;
}

#define ASSERT_TEXT(value, literal)                                                                \
    do {                                                                                           \
        struct text checked_ = (value);                                                            \
        assert_int_equal(checked_.length, sizeof(literal) - 1);                                    \
        assert_memory_equal(checked_.data == NULL ? "" : checked_.data, literal,                   \
                            checked_.length);                                                      \
    } while (0)

static const char json[] = " {\"a\": {\"b\": \"x\\\"\\u00fc\", \"n\": 1.50e+30, \"t\": true},\n"
                           "\"list\": [ {\"v\":1} , 2,[3]],\"none\":null,\"a.b\":0} ";

static void members_are_found_by_their_path(void **state) {
    struct text input = text_of(json);
    ASSERT_TEXT(answer_text(input, "a.b", *state), "x\"\xc3\xbc");
    ASSERT_TEXT(answer_text(input, "a.n", *state), "1.50e+30");
    ASSERT_TEXT(answer_text(input, "a.t", *state), "true");
    ASSERT_TEXT(answer_find(input, "a.b", *state).raw, "\"x\\\"\\u00fc\"");
    assert_int_equal(answer_find(input, "list", *state).kind, JSON_ARRAY);
    assert_int_equal(answer_find(input, "", *state).kind, JSON_OBJECT);
}

static void what_is_not_there_is_nothing(void **state) {
    static const char *const paths[] = {"b", "a.c", "a.b.c", "list.v", "none.x", "a.n.b"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer_value value = answer_find(text_of(json), paths[i], *state);
        assert_int_equal(value.kind, JSON_NONE);
        assert_int_equal(value.text.length, 0);
    }
    assert_int_equal(answer_find(text_of(json), "none", *state).kind, JSON_NULL);
}

static void the_elements_of_lists_are_taken_as_sent(void **state) {
    struct answer_list list = {.count = 0};
    assert_true(answer_list_add(&list, text_of(json), "list", *state));
    assert_int_equal(list.count, 3);
    ASSERT_TEXT(list.items[0], "{\"v\":1}");
    ASSERT_TEXT(list.items[1], "2");
    ASSERT_TEXT(list.items[2], "[3]");
    assert_false(answer_list_add(&list, text_of(json), "a", *state));
    assert_false(answer_list_add(&list, text_of(json), "missing", *state));
    assert_true(answer_list_add(&list, TEXT("[]"), "", *state));
    assert_true(answer_list_add(&list, TEXT("[4]"), "", *state));
    assert_int_equal(list.count, 4);
    ASSERT_TEXT(list.items[3], "4");
}

static void only_one_whole_value_is_json(void **state) {
    assert_true(answer_is_json(text_of(json), *state));
    static const char *const broken[] = {"", "{", "[1,]", "{} {}", "{\"a\":1,\"a\":2}", "<html>"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(answer_is_json(text_of(broken[i]), *state));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_their_path),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(the_elements_of_lists_are_taken_as_sent),
        cmocka_unit_test(only_one_whole_value_is_json),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
