#include "wire/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "support/exact.h"
#include "support/json_compare.h"

struct fixture {
    struct arena arena;
    struct json_reader reader;
};

static int set_up(void **state) {
    struct fixture *f = memory_take_zeroed(1, sizeof *f);
    arena_init(&f->arena, 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    memory_give(f);
    return 0;
}

static bool accepts(struct fixture *f, struct text input) {
    json_open(&f->reader, exact_copy(&f->arena, input), &f->arena);
    return json_skip(&f->reader) && json_finish(&f->reader);
}

static const struct text good[] = {
    TEXT("null"), TEXT("true"), TEXT("false"), TEXT("0"), TEXT("-0"), TEXT("1"), TEXT("-1"),
    TEXT("10"), TEXT("0.5"), TEXT("-0.0"), TEXT("1e5"), TEXT("1E5"), TEXT("1e+5"), TEXT("1e-5"),
    TEXT("1.25e-07"), TEXT("123456789012345678901234567890"), TEXT("\"\""), TEXT("\"a\""),
    TEXT("[]"), TEXT("{}"), TEXT(" [ ] "), TEXT("\t{\r\n} "), TEXT("[1]"), TEXT("[1,2,3]"),
    TEXT("[null,true,false,0,\"\",[],{}]"), TEXT("[[[[[]]]]]"), TEXT("{\"a\":1}"),
    TEXT("{\"\":1}"), TEXT("{\"a\":1,\"b\":2}"), TEXT("{\"a\":{\"a\":{\"a\":1}}}"),
    TEXT("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"), TEXT("{\"a\":1,\"A\":2}"),
    TEXT("[{\"a\":1},{\"a\":1}]"), TEXT("{\"a\":[{\"b\":1},{\"b\":2}],\"b\":3}"),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\u0041\\u00e9\\u20ac\""),
    TEXT("\"\\ud83d\\ude00\""), TEXT("\"\\uD83D\\uDE00\""), TEXT("\"\\uFFFF\\ufffe\""),
    TEXT("\"\\udbff\\udfff\""), TEXT("\"\x7f\""), TEXT("\"\xc3\xa9\""), TEXT("\"\xe2\x82\xac\""),
    TEXT("\"\xf0\x9f\x98\x80\""), TEXT("\"\xf4\x8f\xbf\xbf\""), TEXT("\"\xef\xbf\xbf\""),
    TEXT("\"12345678\""), TEXT("\"1234567\\n\""), TEXT("\"12345678\\n12345678\""),
    TEXT("\"#####################\""), TEXT("\"                     \""), TEXT("\"]]]]]]]]]]]]]\""),
    TEXT("\"!#\x7f ~[]\xc2\x80#!\""), TEXT("{\"\\u0061\":1,\"\\u0062\":2}"),
};

static const struct text bad[] = {
    TEXT(""), TEXT(" "), TEXT("\n\t "), TEXT("nul"), TEXT("nulL"), TEXT("nulll"), TEXT("NULL"),
    TEXT("tru"), TEXT("True"), TEXT("fals"), TEXT("falsey"), TEXT("NaN"), TEXT("Infinity"),
    TEXT("-Infinity"), TEXT("[NaN]"), TEXT("[-Infinity]"), TEXT("{\"a\":NaN}"), TEXT("undefined"),
    TEXT("00"), TEXT("01"), TEXT("-01"), TEXT("-"), TEXT("--1"), TEXT("+1"), TEXT(".5"), TEXT("1."),
    TEXT("1.e5"), TEXT("1e"), TEXT("1e+"), TEXT("1e-"), TEXT("1e5x"), TEXT("12abc"), TEXT("0x10"),
    TEXT("1_000"), TEXT("1,000"), TEXT("1 2"), TEXT("1.2.3"), TEXT("1e5e5"), TEXT("- 1"),
    TEXT("\""), TEXT("\"a"), TEXT("\"\\"), TEXT("\"\\\""), TEXT("'a'"), TEXT("a"), TEXT("\"a\"b"),
    TEXT("\"\\x41\""), TEXT("\"\\a\""), TEXT("\"\\U0041\""),
    TEXT("\"\\'\""), TEXT("\"\\\xc3\xa9\""),
    TEXT("\"\\u\""), TEXT("\"\\u004\""), TEXT("\"\\u004g\""), TEXT("\"\\u00 1\""),
    TEXT("\"\\u0000\""), TEXT("\"a\\u0000b\""), TEXT("{\"\\u0000\":1}"), TEXT("\"\0\""),
    TEXT("\"\\ud800\""), TEXT("\"\\udc00\""), TEXT("\"\\ud800\\ud800\""), TEXT("\"\\ud83dx\""),
    TEXT("\"\\ud83d\\n\""), TEXT("\"\\ud83d\\u0041\""), TEXT("\"\\ude00\\ud83d\""),
    TEXT("\"\\ud83d\\ude0\""), TEXT("\"\n\""), TEXT("\"\t\""), TEXT("\"\x1f\""), TEXT("\"\x01\""),
    TEXT("\"12345678\n\""), TEXT("\"\x80\""), TEXT("\"\xc3\""), TEXT("\"\xc0\x80\""),
    TEXT("\"\xc1\xbf\""), TEXT("\"\xe0\x80\x80\""), TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xed\xbf\xbf\""), TEXT("\"\xf4\x90\x80\x80\""), TEXT("\"\xf5\x80\x80\x80\""),
    TEXT("\"\xff\""), TEXT("\"\xfe\xff\""), TEXT("\"\xe2\x82\""), TEXT("\"\xf0\x9f\x98\""),
    TEXT("\"12345678\xc3\""), TEXT("{\"\xff\":1}"), TEXT("\xef\xbb\xbf{}"), TEXT("\xff\xfe[]"),
    TEXT("["), TEXT("]"), TEXT("[1"), TEXT("[1,"), TEXT("[1,]"), TEXT("[,1]"), TEXT("[,]"),
    TEXT("[1 2]"), TEXT("[1,,2]"), TEXT("[1}"), TEXT("[1]]"), TEXT("[:]"), TEXT("[\"a\":1]"),
    TEXT("{"), TEXT("}"), TEXT("{]"), TEXT("{\"a\"}"), TEXT("{\"a\":}"), TEXT("{\"a\":1"),
    TEXT("{\"a\":1,"), TEXT("{\"a\":1,}"), TEXT("{,}"), TEXT("{a:1}"), TEXT("{'a':1}"),
    TEXT("{1:1}"), TEXT("{null:1}"), TEXT("{\"a\" 1}"), TEXT("{\"a\",1}"), TEXT("{\"a\"::1}"),
    TEXT("{\"a\":1 \"b\":2}"), TEXT("{\"a\":1;\"b\":2}"), TEXT("{\"a\":1}}"), TEXT("{}{}"),
    TEXT("{} x"), TEXT("{}\0"), TEXT("\0{}"), TEXT("[1]\v"), TEXT("[1]\f"), TEXT("[1]\xc2\xa0"),
    TEXT("// c\n[]"), TEXT("[] /* c */"), TEXT("[1] #"), TEXT("{\"a\":1,\"a\":1}"),
    TEXT("{\"a\":1,\"b\":2,\"a\":3}"), TEXT("{\"\":1,\"\":1}"), TEXT("{\"a\":1,\"\\u0061\":1}"),
    TEXT("{\"/\":1,\"\\/\":1}"), TEXT("[{\"x\":{\"a\":1,\"a\":1}}]"),
    TEXT("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
};

static void good_documents_are_accepted(void **state) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!accepts(*state, good[i])) fail_msg("refused: %.*s", TEXT_ARGUMENTS(good[i]));
}

static void bad_documents_are_refused(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (accepts(f, bad[i])) fail_msg("accepted: %.*s", TEXT_ARGUMENTS(bad[i]));
        assert_non_null(f->reader.problem);
        assert_true(f->reader.problem_at <= bad[i].length);
    }
}

static void jansson_agrees_on_every_document_of_the_tables(void **state) {
    (void)state;
    const char *complaint = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (json_compare(good[i], &complaint) != JSON_BOTH_ACCEPT)
            fail_msg("%.*s: %s", TEXT_ARGUMENTS(good[i]), complaint);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (json_compare(bad[i], &complaint) != JSON_BOTH_REFUSE)
            fail_msg("%.*s: %s", TEXT_ARGUMENTS(bad[i]), complaint);
}

/* Random edits of good documents: the sequence is the same in every run. */
static uint64_t random_next(uint64_t *seed) {
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const struct text seeds[] = {
    TEXT("{\"update\":{\"value_type\":\"usages\",\"value\":12.5,\"effective_date\":"
         "\"2026-08-12T11:00:00Z\",\"resource_type\":{\"name\":\"cpu.hours\"},\"user\":{}}}"),
    TEXT("[{\"id\":\"a\",\"v\":[1,-2.5e-7,true,null]},{\"id\":\"\\u00e9\\ud83d\\ude00\"}]"),
    TEXT("{\"a\":1,\"b\":{\"a\":\"\xc3\xa9\xe2\x82\xac\",\"b\":[{},[],\"\\\\\\\"\\n\"]},\"c\":0}"),
    TEXT("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,"
         "\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"r\":1,\"s\":1}"),
};
static const char spice[] =
    "{}[]\",:\\/untrfalse0123456789.eE+-abcdkls \n\t\x01\x80\xc3\xed\xf0\xff";

static void mutate_once(char *bytes, size_t *length, size_t capacity, uint64_t *seed) {
    if (*length == 0) return;
    size_t at = random_next(seed) % *length;
    char other = spice[random_next(seed) % (sizeof spice - 1)];
    switch (random_next(seed) % 5) {
    case 0: bytes[at] = other; break;
    case 1: bytes[at] = (char)(bytes[at] ^ 1 << random_next(seed) % 8); break;
    case 2:
        memmove(bytes + at, bytes + at + 1, *length - at - 1);
        (*length)--;
        break;
    case 3:
        if (*length == capacity) break;
        memmove(bytes + at + 1, bytes + at, *length - at);
        bytes[at] = other;
        (*length)++;
        break;
    default: { /* copy a piece over another place */
        size_t from = random_next(seed) % *length, piece = random_next(seed) % 12;
        size_t room = *length - (from > at ? from : at);
        memmove(bytes + at, bytes + from, piece < room ? piece : room);
        break;
    }
    }
}

static void jansson_agrees_on_mutated_documents(void **state) {
    (void)state;
    uint64_t seed = 20260812;
    size_t verdicts[JSON_DISAGREE + 1] = {0};
    for (int round = 0; round < 40000; round++) {
        char bytes[512];
        struct text original = seeds[(size_t)round % (sizeof seeds / sizeof seeds[0])];
        size_t length = original.length;
        memcpy(bytes, original.data, length);
        for (uint64_t edits = 1 + random_next(&seed) % 3; edits > 0; edits--)
            mutate_once(bytes, &length, sizeof bytes, &seed);
        const char *complaint = NULL;
        struct text input = {.data = memcpy(memory_take(length), bytes, length), .length = length};
        enum json_verdict verdict = json_compare(input, &complaint);
        if (verdict == JSON_DISAGREE) fail_msg("%.*s: %s", TEXT_ARGUMENTS(input), complaint);
        verdicts[verdict]++;
        memory_give((void *)(uintptr_t)input.data);
    }
    assert_true(verdicts[JSON_BOTH_ACCEPT] > 4000); /* the edits must neither all spoil */
    assert_true(verdicts[JSON_BOTH_REFUSE] > 4000); /* nor all spare the documents */
}

static void every_truncation_of_a_document_is_refused(void **state) {
    struct text whole = seeds[0];
    assert_true(accepts(*state, whole));
    for (size_t length = 0; length < whole.length; length++)
        assert_false(accepts(*state, (struct text){.data = whole.data, .length = length}));
}

static void values_are_read_as_written(void **state) {
    struct fixture *f = *state;
    struct text key, value;
    bool flag;
    struct text input =
        exact_copy(&f->arena, TEXT(" {\"n\" : -12.50e+1 ,\"s\":\"ab\",\"t\":true,\"f\":false,"
                                   "\"z\":null,\"a\":[1,\"x\"],\"e\":{}} "));
    struct json_reader *reader = &f->reader;
    json_open(reader, input, &f->arena);
    assert_int_equal(json_peek(reader), JSON_OBJECT);
    assert_true(json_object_begin(reader));
    assert_true(json_object_next(reader, &key) && text_equal(key, TEXT("n")));
    assert_int_equal(json_peek(reader), JSON_NUMBER);
    assert_true(json_number(reader, &value) && text_equal(value, TEXT("-12.50e+1")));
    assert_true(json_object_next(reader, &key) && text_equal(key, TEXT("s")));
    assert_int_equal(json_peek(reader), JSON_STRING);
    assert_true(json_string(reader, &value) && text_equal(value, TEXT("ab")));
    assert_true(value.data > input.data && value.data < input.data + input.length);
    assert_true(json_object_next(reader, &key) && text_equal(key, TEXT("t")));
    assert_int_equal(json_peek(reader), JSON_BOOL);
    assert_true(json_bool(reader, &flag) && flag);
    assert_true(json_object_next(reader, &key) && json_bool(reader, &flag) && !flag);
    assert_true(json_object_next(reader, &key));
    assert_int_equal(json_peek(reader), JSON_NULL);
    assert_true(json_null(reader));
    assert_true(json_object_next(reader, &key));
    assert_int_equal(json_peek(reader), JSON_ARRAY);
    assert_true(json_array_begin(reader));
    assert_true(json_array_next(reader) && json_number(reader, &value));
    assert_true(json_array_next(reader) && json_string(reader, &value));
    assert_false(json_array_next(reader));
    assert_true(json_object_next(reader, &key) && json_skip(reader));
    assert_false(json_object_next(reader, &key));
    assert_int_equal(json_peek(reader), JSON_NONE);
    assert_true(json_finish(reader));
}

static void escapes_are_resolved(void **state) {
    struct fixture *f = *state;
    static const struct { struct text json, value; } cases[] = {
        {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t")},
        {TEXT("\"a\\u0041b\""), TEXT("aAb")},
        {TEXT("\"\\u00e9\\u20AC\\ud83d\\uDE00\""), TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")},
        {TEXT("\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
         TEXT("\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {TEXT("\"\\uD800\\uDC00\\udbff\\udfff\""), TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {TEXT("\"\xc3\xa9\\n\xc3\xa9\""), TEXT("\xc3\xa9\n\xc3\xa9")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text value;
        json_open(&f->reader, exact_copy(&f->arena, cases[i].json), &f->arena);
        assert_true(json_string(&f->reader, &value));
        assert_true(text_equal(value, cases[i].value));
        assert_true(json_finish(&f->reader));
    }
}

static void an_empty_string_is_not_null(void **state) {
    struct fixture *f = *state;
    struct text value = {0};
    json_open(&f->reader, TEXT("\"\""), &f->arena);
    assert_true(json_string(&f->reader, &value));
    assert_non_null(value.data);
    assert_int_equal(value.length, 0);
}

static void the_first_error_stays(void **state) {
    struct fixture *f = *state;
    struct text value, key;
    bool flag;
    json_open(&f->reader, TEXT("[1,\"a\",true]"), &f->arena);
    assert_true(json_array_begin(&f->reader) && json_array_next(&f->reader));
    assert_false(json_string(&f->reader, &value));
    assert_string_equal(f->reader.problem, "a string was expected");
    assert_int_equal(f->reader.problem_at, 1);
    assert_false(json_number(&f->reader, &value));
    assert_false(json_bool(&f->reader, &flag));
    assert_false(json_null(&f->reader));
    assert_false(json_skip(&f->reader));
    assert_false(json_array_next(&f->reader));
    assert_false(json_array_begin(&f->reader));
    assert_false(json_object_begin(&f->reader));
    assert_false(json_object_next(&f->reader, &key));
    assert_false(json_refuse(&f->reader, "another"));
    assert_int_equal(json_peek(&f->reader), JSON_NONE);
    assert_false(json_finish(&f->reader));
    assert_string_equal(f->reader.problem, "a string was expected");
}

static void a_value_of_another_kind_is_an_error(void **state) {
    struct fixture *f = *state;
    static const struct text values[] = {TEXT("1"),  TEXT("\"1\""), TEXT("true"),
                                         TEXT("[]"), TEXT("{}"),    TEXT("null")};
    for (size_t i = 0; i < 6; i++) {
        for (size_t taker = 0; taker < 6; taker++) {
            struct text text;
            bool flag, taken = false;
            json_open(&f->reader, values[i], &f->arena);
            if (taker == 0) taken = json_number(&f->reader, &text);
            if (taker == 1) taken = json_string(&f->reader, &text);
            if (taker == 2) taken = json_bool(&f->reader, &flag);
            if (taker == 3) taken = json_array_begin(&f->reader);
            if (taker == 4) taken = json_object_begin(&f->reader);
            if (taker == 5) taken = json_null(&f->reader);
            assert_int_equal(taken, taker == i);
        }
    }
}

static struct text nested(struct fixture *f, size_t depth, const char *open, const char *close) {
    size_t unit = strlen(open), back = strlen(close);
    char *bytes = arena_take(&f->arena, depth * (unit + back) + 1);
    for (size_t i = 0; i < depth; i++) memcpy(bytes + i * unit, open, unit);
    bytes[depth * unit] = '1';
    for (size_t i = 0; i < depth; i++) memcpy(bytes + depth * unit + 1 + i * back, close, back);
    return (struct text){.data = bytes, .length = depth * (unit + back) + 1};
}

static void nesting_is_bounded(void **state) {
    struct fixture *f = *state;
    assert_true(accepts(f, nested(f, JSON_DEPTH_MAX, "[", "]")));
    assert_true(accepts(f, nested(f, JSON_DEPTH_MAX, "{\"a\":", "}")));
    assert_false(accepts(f, nested(f, JSON_DEPTH_MAX + 1, "[", "]")));
    assert_string_equal(f->reader.problem, "nested too deeply");
    assert_false(accepts(f, nested(f, JSON_DEPTH_MAX + 1, "{\"a\":", "}")));
    assert_false(accepts(f, nested(f, 500000, "[", "]")));
    assert_false(accepts(f, nested(f, 100000, "[{\"a\":", "}]")));
}

/* An object of count members named "k0", "k1", ...; the last one may repeat another. */
static struct text wide_object(struct buffer *out, size_t count, const char *last) {
    buffer_put_char(out, '{');
    for (size_t i = 0; i < count; i++) buffer_format(out, "\"k%zu\":%zu,", i, i);
    buffer_format(out, "\"%s\":0}", last);
    assert_false(out->failed);
    return buffer_text(out);
}

static void a_repeated_name_is_found_in_objects_of_any_size(void **state) {
    static const size_t counts[] = {1, 2, 14, 15, 16, 17, 18, 63, 64, 65, 1000, 1022};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct buffer out;
        buffer_init(&out, 1 << 22);
        assert_true(accepts(*state, wide_object(&out, counts[i], "another")));
        buffer_reset(&out);
        assert_false(accepts(*state, wide_object(&out, counts[i], "k0")));
        buffer_reset(&out);
        assert_false(accepts(*state, wide_object(&out, counts[i], "\\u006b0")));
        struct fixture *f = *state;
        assert_string_equal(f->reader.problem, "a repeated name");
        buffer_close(&out);
    }
}

static void the_members_of_an_object_are_bounded(void **state) {
    struct fixture *f = *state;
    struct buffer out;
    buffer_init(&out, 1 << 22);
    assert_true(accepts(f, wide_object(&out, JSON_MEMBERS_MAX - 1, "z")));
    buffer_reset(&out);
    assert_false(accepts(f, wide_object(&out, JSON_MEMBERS_MAX, "z")));
    assert_string_equal(f->reader.problem, "too many members in an object");
    buffer_close(&out);
}

static void names_of_one_object_do_not_bind_its_neighbours(void **state) {
    struct fixture *f = *state;
    struct buffer out;
    buffer_init(&out, 1 << 22);
    buffer_put_char(&out, '[');
    for (int i = 0; i < 3; i++) {
        struct buffer one;
        buffer_init(&one, 1 << 20);
        buffer_put_text(&out, wide_object(&one, 40, "z"));
        buffer_put_text(&out, TEXT(",{\"k0\":{\"k0\":1}},"));
        buffer_close(&one);
    }
    buffer_put_text(&out, TEXT("{}]"));
    assert_true(accepts(f, buffer_text(&out)));
    buffer_close(&out);
}

static void an_array_of_small_objects_takes_its_memory_once(void **state) {
    struct fixture *f = *state;
    struct buffer out;
    buffer_init(&out, 1 << 22);
    buffer_put_char(&out, '[');
    for (int i = 0; i < 10000; i++) buffer_put_text(&out, TEXT("{\"a\":{\"b\":\"\\n\"}},"));
    buffer_put_text(&out, TEXT("{}]"));
    json_open(&f->reader, buffer_text(&out), &f->arena);
    size_t before = f->arena.taken_bytes;
    assert_true(json_skip(&f->reader) && json_finish(&f->reader));
    assert_true(f->arena.taken_bytes - before < 2048);
    buffer_close(&out);
}

static void whole_numbers_in_strings_are_told_from_others(void **state) {
    (void)state;
    assert_true(json_is_number(TEXT("1")) && json_is_number(TEXT("-1.5e-7")));
    static const struct text others[] = {TEXT(""),   TEXT(" 1"),  TEXT("1 "),  TEXT("12abc"),
                                         TEXT("+1"), TEXT("NaN"), TEXT("01"),  TEXT("1.")};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(json_is_number(others[i]));
    assert_false(json_is_number((struct text){0}));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(good_documents_are_accepted),
        CASE(bad_documents_are_refused),
        CASE(jansson_agrees_on_every_document_of_the_tables),
        CASE(jansson_agrees_on_mutated_documents),
        CASE(every_truncation_of_a_document_is_refused),
        CASE(values_are_read_as_written),
        CASE(escapes_are_resolved),
        CASE(an_empty_string_is_not_null),
        CASE(the_first_error_stays),
        CASE(a_value_of_another_kind_is_an_error),
        CASE(nesting_is_bounded),
        CASE(a_repeated_name_is_found_in_objects_of_any_size),
        CASE(the_members_of_an_object_are_bounded),
        CASE(names_of_one_object_do_not_bind_its_neighbours),
        CASE(an_array_of_small_objects_takes_its_memory_once),
        CASE(whole_numbers_in_strings_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
