#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void the_text_form_is_read_in_any_case_and_written_in_lower(void **state) {
    (void)state;
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    assert_true(uuid_parse(TEXT("99E47C22-950A-11EC-84A4-406C8F3E9CBB"), &uuid));
    assert_int_equal(uuid.bytes[0], 0x99);
    assert_int_equal(uuid.bytes[15], 0xBB);
    uuid_format(&uuid, text);
    assert_memory_equal(text, "99e47c22-950a-11ec-84a4-406c8f3e9cbb", sizeof text);
    struct uuid again;
    assert_true(uuid_parse((struct text){.data = text, .length = sizeof text}, &again));
    assert_true(uuid_equal(&uuid, &again));
}

static void other_forms_are_refused_and_write_nothing(void **state) {
    (void)state;
    static const struct text cases[] = {
        TEXT(""),
        TEXT("99e47c22"),
        TEXT("99e47c22950a11ec84a4406c8f3e9cbb"),
        TEXT("{99e47c22-950a-11ec-84a4-406c8f3e9cbb}"),
        TEXT("urn:uuid:99e47c22-950a-11ec-84a4-406c8f3e9cbb"),
        TEXT("99e47c22-950a-11ec-84a4-406c8f3e9cb"),
        TEXT("99e47c22-950a-11ec-84a4-406c8f3e9cbbb"),
        TEXT(" 9e47c22-950a-11ec-84a4-406c8f3e9cbb"),
        TEXT("g9e47c22-950a-11ec-84a4-406c8f3e9cbb"),
        TEXT("99e47c22-950a-11ec-84a4-406c8f3e9cb\0"),
        TEXT("99e47c22-950a-11ec-84a4+406c8f3e9cbb"),
        TEXT("99e47c2-2950a-11ec-84a4-406c8f3e9cbb"),
        TEXT("99e47c22-950a-11ec-84a4-406c8f3e-cbb"),
        TEXT("99e47c22-950a-11ec-84a44406c8f3e9cbb"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uuid uuid = {{7}};
        if (uuid_parse(cases[i], &uuid)) fail_msg("case %zu is accepted", i);
        assert_int_equal(uuid.bytes[0], 7);
    }
}

static void only_all_zeros_is_nil(void **state) {
    (void)state;
    struct uuid uuid = {{0}};
    assert_true(uuid_is_nil(&uuid));
    uuid.bytes[15] = 1;
    assert_false(uuid_is_nil(&uuid));
}

static int64_t ms_of(const struct uuid *uuid) {
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) ms = ms << 8 | uuid->bytes[i];
    return ms;
}

static void made_ids_carry_version_variant_and_time(void **state) {
    (void)state;
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid uuid = uuid_make(&source, INT64_C(1772000000123999));
    assert_int_equal(uuid.bytes[6] >> 4, 7);
    assert_int_equal(uuid.bytes[8] >> 6, 2);
    assert_int_equal(ms_of(&uuid), INT64_C(1772000000123));
    uuid = uuid_make_random(&source);
    assert_int_equal(uuid.bytes[6] >> 4, 4);
    assert_int_equal(uuid.bytes[8] >> 6, 2);
}

static void a_time_before_1970_counts_as_1970(void **state) {
    (void)state;
    struct uuid_source source;
    uuid_source_init_seed(&source, 1);
    struct uuid uuid = uuid_make(&source, -5000000);
    assert_int_equal(ms_of(&uuid), 0);
}

/* The clock goes on, stands still and goes back. */
static void ids_ascend_whatever_the_clock_does(void **state) {
    (void)state;
    struct uuid_source source;
    uuid_source_init_seed(&source, 42);
    int64_t now_us = INT64_C(1772000000000000);
    struct uuid last = uuid_make(&source, now_us);
    for (int i = 0; i < 300000; i++) {
        if (i % 7 == 0) now_us += 300;
        if (i % 1000 == 0) now_us -= 2000;
        struct uuid next = uuid_make(&source, now_us);
        if (uuid_compare(&last, &next) >= 0) fail_msg("id %d does not ascend", i);
        last = next;
    }
}

static void ids_ascend_when_the_counter_of_a_millisecond_is_used_up(void **state) {
    (void)state;
    struct uuid_source source;
    uuid_source_init_seed(&source, 42);
    int64_t now_us = INT64_C(1772000000000000);
    struct uuid last = uuid_make(&source, now_us);
    source.sequence = (1 << 26) - 3;
    int64_t ms = ms_of(&last);
    for (int i = 0; i < 5; i++) {
        struct uuid next = uuid_make(&source, now_us);
        assert_true(uuid_compare(&last, &next) < 0);
        assert_int_equal(ms_of(&next), i < 2 ? ms : ms + 1);
        last = next;
    }
}

static void sources_differ_unless_their_seed_is_equal(void **state) {
    (void)state;
    struct uuid_source first, second, third, fourth;
    uuid_source_init_seed(&first, 1);
    uuid_source_init_seed(&second, 1);
    uuid_source_init(&third);
    uuid_source_init(&fourth);
    struct uuid one = uuid_make(&first, 1000), two = uuid_make(&second, 1000);
    assert_true(uuid_equal(&one, &two));
    struct uuid three = uuid_make(&third, 1000), four = uuid_make(&fourth, 1000);
    assert_false(uuid_equal(&one, &three));
    assert_false(uuid_equal(&three, &four));
}

static int64_t fixed_time(void *context) {
    return *(int64_t *)context;
}

static void the_clock_asked_is_the_one_injected(void **state) {
    (void)state;
    int64_t now_us = 12345;
    struct clock clock = {.wall_us = fixed_time, .context = &now_us};
    assert_int_equal(clock_wall_us(&clock), 12345);
    now_us = -1;
    assert_int_equal(clock_wall_us(&clock), -1);
}

static void the_system_clock_says_microseconds(void **state) {
    (void)state;
    assert_true(clock_wall_us(&clock_system) > INT64_C(1700000000000000));
    assert_true(clock_wall_us(&clock_system) < INT64_C(4000000000000000));
    int64_t start_us = clock_monotonic_us();
    assert_true(start_us > 0);
    assert_true(clock_monotonic_us() >= start_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_form_is_read_in_any_case_and_written_in_lower),
        cmocka_unit_test(other_forms_are_refused_and_write_nothing),
        cmocka_unit_test(only_all_zeros_is_nil),
        cmocka_unit_test(made_ids_carry_version_variant_and_time),
        cmocka_unit_test(a_time_before_1970_counts_as_1970),
        cmocka_unit_test(ids_ascend_whatever_the_clock_does),
        cmocka_unit_test(ids_ascend_when_the_counter_of_a_millisecond_is_used_up),
        cmocka_unit_test(sources_differ_unless_their_seed_is_equal),
        cmocka_unit_test(the_clock_asked_is_the_one_injected),
        cmocka_unit_test(the_system_clock_says_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
