#include "wire/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/json_compare.h"

struct fixture {
    struct buffer out;
    struct json_writer writer;
};

static int set_up(void **state) {
    static struct fixture f;
    buffer_init(&f.out, 1 << 20);
    json_write_open(&f.writer, &f.out);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    buffer_close(&f->out);
    return 0;
}

static void expect(struct fixture *f, struct text expected) {
    assert_false(f->out.failed);
    if (!text_equal(buffer_text(&f->out), expected))
        fail_msg("%.*s is not %.*s", TEXT_ARGUMENTS(f->out), TEXT_ARGUMENTS(expected));
    const char *complaint;
    assert_int_equal(json_compare(expected, &complaint), JSON_BOTH_ACCEPT);
}

static void commas_stand_between_values_and_nowhere_else(void **state) {
    struct fixture *f = *state;
    struct json_writer *writer = &f->writer;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("a"));
    json_write_array_begin(writer);
    json_write_array_end(writer);
    json_write_key(writer, TEXT("b"));
    json_write_array_begin(writer);
    json_write_object_begin(writer);
    json_write_object_end(writer);
    json_write_array_begin(writer);
    json_write_integer(writer, 1);
    json_write_array_end(writer);
    json_write_string(writer, TEXT("x"));
    json_write_null(writer);
    json_write_bool(writer, true);
    json_write_bool(writer, false);
    json_write_raw(writer, TEXT("{\"r\":0}"));
    json_write_array_end(writer);
    json_write_key(writer, TEXT("c"));
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("d"));
    json_write_amount(writer, amount_of(2));
    json_write_object_end(writer);
    json_write_object_end(writer);
    expect(f, TEXT("{\"a\":[],\"b\":[{},[1],\"x\",null,true,false,{\"r\":0}],\"c\":{\"d\":2}}"));
}

static void strings_are_escaped_as_the_document_says(void **state) {
    static const struct { struct text value, json; } cases[] = {
        {TEXT(""), TEXT("\"\"")},
        {TEXT("plain text of more than sixteen bytes"),
         TEXT("\"plain text of more than sixteen bytes\"")},
        {TEXT("\"\\/"), TEXT("\"\\\"\\\\/\"")},
        {TEXT("<a>&'"), TEXT("\"\\u003ca\\u003e\\u0026'\"")},
        {TEXT("\b\f\n\r\t"), TEXT("\"\\b\\f\\n\\r\\t\"")},
        {TEXT("\x01\x0b\x0e\x1f\x7f"), TEXT("\"\\u0001\\u000b\\u000e\\u001f\x7f\"")},
        {TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
         TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"")},
        {TEXT("a\xe2\x80\xa8" "b\xe2\x80\xa9" "c\xe2\x80\xaa"),
         TEXT("\"a\\u2028b\\u2029c\xe2\x80\xaa\"")},
        {TEXT("x\xff\xc3y"), TEXT("\"x\\ufffd\\ufffdy\"")},
        {TEXT("\xe2\x82"), TEXT("\"\\ufffd\\ufffd\"")},
        {TEXT("\xed\xa0\x80"), TEXT("\"\\ufffd\\ufffd\\ufffd\"")},
        {TEXT("\x80\xf0\x9f\x98\x80"), TEXT("\"\\ufffd\xf0\x9f\x98\x80\"")},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buffer_reset(&f->out);
        json_write_open(&f->writer, &f->out);
        json_write_string(&f->writer, cases[i].value);
        expect(f, cases[i].json);
    }
    buffer_reset(&f->out);
    json_write_open(&f->writer, &f->out);
    json_write_string(&f->writer, TEXT("a\0b"));
    assert_true(text_equal(buffer_text(&f->out), TEXT("\"a\\u0000b\"")));
}

static void every_byte_alone_makes_valid_json(void **state) {
    struct fixture *f = *state;
    for (int byte = 1; byte < 256; byte++) {
        char one[3] = {'a', (char)byte, 'b'};
        const char *complaint;
        buffer_reset(&f->out);
        json_write_open(&f->writer, &f->out);
        json_write_string(&f->writer, (struct text){.data = one, .length = 3});
        assert_int_equal(json_compare(buffer_text(&f->out), &complaint), JSON_BOTH_ACCEPT);
    }
}

static void scalars_have_their_forms(void **state) {
    struct fixture *f = *state;
    struct uuid uuid;
    assert_true(uuid_parse(TEXT("99E3BC7E-950A-11EC-84A4-406C8F3E9CBB"), &uuid));
    json_write_array_begin(&f->writer);
    json_write_uuid(&f->writer, &uuid);
    json_write_timestamp(&f->writer, 1786528800123456);
    json_write_timestamp(&f->writer, 0);
    json_write_timestamp(&f->writer, 500000);
    json_write_integer(&f->writer, INT64_MIN);
    json_write_integer(&f->writer, 413);
    json_write_amount(&f->writer, amount_zero());
    json_write_array_end(&f->writer);
    expect(f, TEXT("[\"99e3bc7e-950a-11ec-84a4-406c8f3e9cbb\",\"2026-08-12T10:00:00.123456Z\","
                   "\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00.500Z\",-9223372036854775808,413,"
                   "0]"));
}

static void a_date_is_its_own_after_any_other(void **state) {
    struct fixture *f = *state;
    static const int64_t dates[] = {0, 0, 1786528800123456, 0, 500000, 500000, 1786528800123456};
    json_write_array_begin(&f->writer);
    for (size_t i = 0; i < 7; i++) json_write_timestamp(&f->writer, dates[i]);
    json_write_array_end(&f->writer);
    expect(f, TEXT("[\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00Z\","
                   "\"2026-08-12T10:00:00.123456Z\",\"1970-01-01T00:00:00Z\","
                   "\"1970-01-01T00:00:00.500Z\",\"1970-01-01T00:00:00.500Z\","
                   "\"2026-08-12T10:00:00.123456Z\"]"));
}

static void amounts_have_an_exponent_only_far_from_one(void **state) {
    static const struct { const char *value, *json; } cases[] = {
        {"0", "0"},           {"-0", "0"},           {"1.50", "1.5"},
        {"0.000001", "0.000001"}, {"0.0000001", "1e-7"}, {"0.00000015", "1.5e-7"},
        {"100000000000000000000", "100000000000000000000"},
        {"1000000000000000000000", "1e+21"}, {"15000000000000000000000", "1.5e+22"},
        {"999999999999999999999", "999999999999999999999"},
        {"0.1234567890123456789012345", "0.1234567890123456789012345"},
        {"-3298534883328", "-3298534883328"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct amount amount;
        assert_int_equal(amount_parse(text_of(cases[i].value), &amount), AMOUNT_OK);
        buffer_reset(&f->out);
        json_write_open(&f->writer, &f->out);
        json_write_amount(&f->writer, amount);
        expect(f, text_of(cases[i].json));
    }
}

static void a_full_buffer_fails_and_stays_within_its_bound(void **state) {
    (void)state;
    for (size_t bound = 0; bound < 40; bound++) {
        struct buffer out;
        struct json_writer writer;
        buffer_init(&out, bound);
        json_write_open(&writer, &out);
        json_write_array_begin(&writer);
        json_write_key(&writer, TEXT("key"));
        json_write_string(&writer, TEXT("plain"));
        json_write_string(&writer, TEXT("<\xc3\xa9\xff\n>"));
        json_write_integer(&writer, 1234567890);
        json_write_null(&writer);
        json_write_array_end(&writer);
        assert_true(out.failed);
        assert_true(out.length <= bound);
        buffer_close(&out);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(commas_stand_between_values_and_nowhere_else),
        CASE(strings_are_escaped_as_the_document_says),
        CASE(every_byte_alone_makes_valid_json),
        CASE(scalars_have_their_forms),
        CASE(a_date_is_its_own_after_any_other),
        CASE(amounts_have_an_exponent_only_far_from_one),
        CASE(a_full_buffer_fails_and_stays_within_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
