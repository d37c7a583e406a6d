#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_holds(const struct buffer *buffer, const char *expected) {
    struct text text = buffer_text(buffer);
    assert_false(buffer->failed);
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.data, expected, text.length);
}

static void what_is_put_is_appended(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_put(&buffer, "abc", 3);
    buffer_put(&buffer, NULL, 0);
    buffer_put_text(&buffer, TEXT("-def"));
    buffer_put_text(&buffer, (struct text){.data = NULL, .length = 0});
    buffer_put_char(&buffer, '!');
    buffer_format(&buffer, "%d,%s", 42, "x");
    char *room = buffer_reserve(&buffer, 2);
    assert_non_null(room);
    memcpy(room, "yz", 2);
    assert_holds(&buffer, "abc-def!42,x");
    buffer_advance(&buffer, 2);
    assert_holds(&buffer, "abc-def!42,xyz");
    buffer_close(&buffer);
}

static void growing_keeps_what_is_there(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (int i = 0; i < 100000; i++) buffer_put_char(&buffer, (char)('a' + i % 26));
    buffer_format(&buffer, "%05000d", 1);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 105000);
    for (int i = 0; i < 100000; i++) assert_int_equal(buffer.data[i], 'a' + i % 26);
    assert_int_equal(buffer.data[104999], '1');
    buffer_close(&buffer);
}

static void a_buffer_can_be_filled_to_its_last_byte(void **state) {
    (void)state;
    for (size_t bytes_max = 1; bytes_max < 1200; bytes_max++) {
        struct buffer buffer;
        buffer_init(&buffer, bytes_max);
        for (size_t i = 0; i < bytes_max; i++) buffer_put_char(&buffer, 'a');
        assert_false(buffer.failed);
        assert_int_equal(buffer.length, bytes_max);
        buffer_put_char(&buffer, 'a');
        assert_true(buffer.failed);
        assert_int_equal(buffer.length, bytes_max);
        buffer_close(&buffer);
    }
}

static void formatted_text_may_fill_the_last_byte(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_format(&buffer, "%s", "abcd");
    assert_holds(&buffer, "abcd");
    buffer_close(&buffer);
}

static void failure_is_latched_and_nothing_is_appended_after_it(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_put_text(&buffer, TEXT("123456"));
    buffer_put_text(&buffer, TEXT("789"));
    assert_true(buffer.failed);
    buffer_put_char(&buffer, 'x');
    buffer_put_text(&buffer, TEXT("x"));
    buffer_format(&buffer, "x");
    assert_null(buffer_reserve(&buffer, 0));
    assert_int_equal(buffer.length, 6);
    buffer_reset(&buffer);
    assert_false(buffer.failed);
    buffer_put_text(&buffer, TEXT("789"));
    assert_holds(&buffer, "789");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_close(&buffer);
}

static void reset_keeps_a_moderate_amount_of_memory(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    assert_non_null(buffer_reserve(&buffer, 65536));
    const char *data = buffer.data;
    buffer_reset(&buffer);
    assert_ptr_equal(buffer.data, data);
    assert_non_null(buffer_reserve(&buffer, 65537));
    buffer_reset(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.bytes_max, 1 << 20);
    buffer_close(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_appended),
        cmocka_unit_test(growing_keeps_what_is_there),
        cmocka_unit_test(a_buffer_can_be_filled_to_its_last_byte),
        cmocka_unit_test(formatted_text_may_fill_the_last_byte),
        cmocka_unit_test(failure_is_latched_and_nothing_is_appended_after_it),
        cmocka_unit_test(reset_keeps_a_moderate_amount_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
