#include "support/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { GOLDEN_BYTES_MAX = 1 << 16 };

static const char *golden_directory;

void golden_open(int argc, char **argv) {
    golden_directory = argc > 1 ? argv[1] : "tests/golden/wire";
}

void golden_expect(const char *name, struct text text) {
    char path[4096], *bytes = malloc(GOLDEN_BYTES_MAX);
    assert_non_null(bytes);
    snprintf(path, sizeof path, "%s/%s.json", golden_directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be read", path);
    struct text expected = {.data = bytes, .length = fread(bytes, 1, GOLDEN_BYTES_MAX, file)};
    fclose(file);
    assert_true(expected.length > 0 && expected.length < GOLDEN_BYTES_MAX);
    bool equal = text_equal(text, expected);
    if (!equal)
        print_error("%s\nexpected: %.*s\nfound:    %.*s\n", name, TEXT_ARGUMENTS(expected),
                    TEXT_ARGUMENTS(text));
    free(bytes);
    assert_true(equal);
}
