#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/csv.h"

static void assert_csv(const char *const *fields, size_t count, const char *expected) {
    struct buffer out;
    buffer_init(&out, 1024);
    for (size_t i = 0; i < count; i++)
        csv_put(&out, text_of(fields[i]), i == 0);
    csv_end_line(&out);
    assert_true(text_equal(buffer_text(&out), text_of(expected)));
    buffer_close(&out);
}

static void plain_fields_are_left_as_they_are(void **state) {
    (void)state;
    static const char *const fields[] = {"a", "", " b c ", "1.5", "'x'"};
    assert_csv(fields, 5, "a,, b c ,1.5,'x'\r\n");
    assert_csv(fields + 1, 1, "\r\n");
}

static void commas_quotes_and_ends_of_lines_are_quoted(void **state) {
    (void)state;
    static const char *const fields[] = {"a,b", "say \"no\"", "two\nlines", "two\rlines", "\""};
    assert_csv(fields, 5, "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\"two\rlines\",\"\"\"\"\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_fields_are_left_as_they_are),
        cmocka_unit_test(commas_quotes_and_ends_of_lines_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
