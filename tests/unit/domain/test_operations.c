#include "domain/operations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum operation nth(int i) {
    return (enum operation)i;
}

/* A name stands in metrics, documents and settings: lower case, a subject and a verb. */
static void names_are_a_subject_and_a_verb(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        const char *name = operation_name(nth(i)), *point = strchr(name, '.');
        assert_non_null(point);
        assert_true(point > name && point[1] != '\0');
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_."), strlen(name));
        assert_null(strchr(point + 1, '.'));
    }
}

static void names_of_operations_differ(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(operation_name(nth(i)), operation_name(nth(j)));
}

/* The one exception reads and subscribes on the way, as clients of the old service expect. */
static void a_key_for_reading_does_not_write(void **state) {
    (void)state;
    for (int i = 0; i < OP_COUNT; i++) {
        if (operation_access(nth(i)) == ACCESS_BY_PERMISSION) continue; /* the decision looks */
        bool writes = operation_effect(nth(i)) == EFFECT_WRITE;
        assert_int_equal(writes, operation_access(nth(i)) != ACCESS_READ);
    }
}

static void rows_of_the_list_are_found_by_column(void **state) {
    (void)state;
    assert_string_equal(operation_name(OP_SUMMARY_GET), "summary.get");
    assert_int_equal(operation_access(OP_SUMMARY_GET), ACCESS_READ);
    assert_int_equal(operation_effect(OP_SUMMARY_GET), EFFECT_SUBSCRIBE);
    assert_string_equal(operation_name(OP_UPDATE_ADD), "updates.add");
    assert_int_equal(operation_access(OP_UPDATE_ADD), ACCESS_REPORT);
    assert_int_equal(operation_effect(OP_UPDATE_ADD), EFFECT_WRITE);
    assert_string_equal(operation_name(OP_OVERAGE_CHECK), "overages.check");
    assert_int_equal(operation_effect(OP_OVERAGE_CHECK), EFFECT_NONE);
    assert_int_equal(operation_effect(OP_OVERAGE_REPORT), EFFECT_LISTING);
    assert_int_equal(operation_access(OP_USAGE_RECORD), ACCESS_REPORT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_a_subject_and_a_verb),
        cmocka_unit_test(names_of_operations_differ),
        cmocka_unit_test(a_key_for_reading_does_not_write),
        cmocka_unit_test(rows_of_the_list_are_found_by_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
