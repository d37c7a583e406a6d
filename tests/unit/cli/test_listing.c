#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/listing.h"

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

static struct text length_cell(struct text row, struct arena *arena) {
    return arena_format(arena, "%zu", row.length);
}

static const struct listing_column columns[] = {
    {"name", "user.name", .kind = LISTING_TEXT},
    {"value", "rate|quota", .kind = LISTING_AMOUNT},
    {"paid", "paid", .kind = LISTING_BOOL},
    {"day", "at", .kind = LISTING_DATE},
    {"time", "at", .kind = LISTING_TIME},
    {"id", "id", .kind = LISTING_TEXT, .is_extra = true},
    {"bytes", .kind = LISTING_AMOUNT, .cell = length_cell},
    {NULL},
};

static const char *const rows[] = {
    ("{\"user\":{\"name\":\"ada\"},\"rate\":2.50,\"paid\":true,\"at\":\"2026-08-12T10:00:00.5Z\","
     "\"id\":\"i1\"}"),
    "{\"user\":{\"name\":\"b, \\\"c\\\"\\n\"},\"quota\":1.5e+22,\"paid\":false,\"at\":\"soon\"}",
    "{}",
};

/* What a listing of the first rows writes; the caller frees it. */
static char *written(enum listing_format format, size_t count, struct arena *arena) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    struct listing listing;
    listing_begin(&listing, columns, format, arena);
    for (size_t i = 0; i < count; i++) {
        listing_put(&listing, text_of(rows[i]), arena);
        if (format != LISTING_TABLE) listing_flush(&listing, out);
    }
    listing_end(&listing, "There is nothing.", out);
    listing_close(&listing);
    fclose(out);
    return text;
}

#define ASSERT_WRITTEN(format, count, expected)                                                    \
    do {                                                                                           \
        char *text_ = written(format, count, *state);                                              \
        assert_string_equal(text_, expected);                                                      \
        free(text_);                                                                               \
    } while (0)

static void a_table_is_short_exact_and_harmless(void **state) {
    ASSERT_WRITTEN(LISTING_TABLE, 3,
        "name                       value  paid  day         time                 bytes\n"
        "ada                          2.5  yes   2026-08-12  2026-08-12 10:00:00     87\n"
        "b, \"c\"?  15000000000000000000000  no    soon        soon                    71\n"
        "                                  no                                         2\n");
}

static void csv_quotes_what_needs_it_and_has_every_column(void **state) {
    ASSERT_WRITTEN(LISTING_CSV, 3,
                   "name,value,paid,day,time,id,bytes\r\n"
                   "ada,2.5,true,2026-08-12T10:00:00.5Z,2026-08-12T10:00:00.5Z,i1,87\r\n"
                   "\"b, \"\"c\"\"\n\",15000000000000000000000,false,soon,soon,,71\r\n"
                   ",,,,,,2\r\n");
}

static void json_is_the_rows_as_they_were_sent(void **state) {
    char *expected = NULL;
    assert_true(asprintf(&expected, "[%s,%s]\n", rows[0], rows[1]) > 0);
    ASSERT_WRITTEN(LISTING_JSON, 2, expected);
    free(expected);
}

static void nothing_is_said_only_to_people(void **state) {
    ASSERT_WRITTEN(LISTING_TABLE, 0, "There is nothing.\n");
    ASSERT_WRITTEN(LISTING_JSON, 0, "[]\n");
    ASSERT_WRITTEN(LISTING_CSV, 0, "name,value,paid,day,time,id,bytes\r\n");
}

static void amounts_are_plain_digits_however_they_were_sent(void **state) {
    static const char *const cases[][2] = {
        {"2.50", "2.5"}, {"1e+21", "1000000000000000000000"}, {"1e-7", "0.0000001"},
        {"-0.0", "0"}, {"0.1234567890123456789012", "0.1234567890123456789012"}, {"x", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = listing_amount(text_of(cases[i][0]), *state);
        assert_true(text_equal(text, text_of(cases[i][1])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_short_exact_and_harmless),
        cmocka_unit_test(csv_quotes_what_needs_it_and_has_every_column),
        cmocka_unit_test(json_is_the_rows_as_they_were_sent),
        cmocka_unit_test(nothing_is_said_only_to_people),
        cmocka_unit_test(amounts_are_plain_digits_however_they_were_sent),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
