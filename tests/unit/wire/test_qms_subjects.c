#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/qms_subjects.h"

static size_t subjects_of(enum qms_dialect dialect) {
    size_t count = 0;
    for (const struct qms_subject *at = qms_subjects; at->name != NULL; at++)
        count += at->messages[dialect].request != NULL;
    return count;
}

static void test_the_newest_messages_have_every_subject_and_older_ones_those_of_their_day(
    void **state) {
    (void)state;
    assert_int_equal(subjects_of(DIALECT_SUBSCRIPTIONS), 25);
    assert_int_equal(subjects_of(DIALECT_USER_PLANS), 15);
}

static void test_a_subject_is_found_by_its_name(void **state) {
    (void)state;
    for (const struct qms_subject *at = qms_subjects; at->name != NULL; at++)
        assert_ptr_equal(qms_subject_find(text_of(at->name)), at);
    assert_null(qms_subject_find(TEXT("plan.update")));
    assert_null(qms_subject_find(TEXT("")));
}

static void test_messages_belong_to_their_dialect(void **state) {
    (void)state;
    for (const struct qms_subject *at = qms_subjects; at->name != NULL; at++) {
        assert_non_null(at->messages[DIALECT_SUBSCRIPTIONS].response);
        assert_memory_equal(message_type_name(at->messages[DIALECT_SUBSCRIPTIONS].response),
                            "qms.", 4);
        const struct message_type *request = at->messages[DIALECT_USER_PLANS].request;
        const struct message_type *response = at->messages[DIALECT_USER_PLANS].response;
        assert_int_equal(request == NULL, response == NULL);
        if (request == NULL) continue;
        assert_memory_equal(message_type_name(request), "user_plans.", 11);
        assert_memory_equal(message_type_name(response), "user_plans.", 11);
    }
}

static void test_renamed_messages_answer_by_their_names_of_the_day(void **state) {
    (void)state;
    const struct qms_subject *change = qms_subject_find(TEXT("user.plan.change"));
    assert_string_equal(message_type_name(change->messages[DIALECT_SUBSCRIPTIONS].request),
                        "qms.ChangeSubscriptionRequest");
    assert_string_equal(message_type_name(change->messages[DIALECT_USER_PLANS].request),
                        "user_plans.ChangeUserPlanRequest");
    assert_string_equal(message_type_name(change->messages[DIALECT_USER_PLANS].response),
                        "user_plans.UserPlanResponse");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_the_newest_messages_have_every_subject_and_older_ones_those_of_their_day),
        cmocka_unit_test(test_a_subject_is_found_by_its_name),
        cmocka_unit_test(test_messages_belong_to_their_dialect),
        cmocka_unit_test(test_renamed_messages_answer_by_their_names_of_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
