#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/user_set.h"

static void a_user_counts_once_however_often_seen(void **state) {
    (void)state;
    struct user_set set;
    user_set_init(&set);
    assert_int_equal(set.count, 0);
    for (int round = 0; round < 3; round++)
        for (int64_t user = 0; user < 10000; user++)
            user_set_add(&set, user * 4096);
    assert_int_equal(set.count, 10000);
    user_set_add(&set, 4095);
    assert_int_equal(set.count, 10001);
    user_set_close(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_counts_once_however_often_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
