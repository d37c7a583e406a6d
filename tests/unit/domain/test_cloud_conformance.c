/* The conformance checklist of the quotas document (cloudmc-quotas 9), point by point, as far as it
 * is about rules; a test is named after its point. */
#include <stdlib.h>

#include "support/cloud_fixture.h"

static struct cloud cloud;
static struct uuid company, team, squad, link; /* one below the other; the company owns the link */

static int setup(void **state) {
    (void)state;
    cloud_open(&cloud, 1);
    company = cloud_organization(&cloud, &cloud.system, "Company");
    team = cloud_organization(&cloud, &company, "Team");
    squad = cloud_organization(&cloud, &team, "Squad");
    link = cloud_connection(&cloud, &company, "link", "stackpath");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    cloud_close(&cloud);
    return 0;
}

static void assign_all(void) {
    cloud_assign(&cloud, &team, &link);
    cloud_assign(&cloud, &squad, &link);
}

static struct uuid quota_with_flags(const char *name, bool service, bool trial) {
    struct cloud_quota_input *input = cloud_ask_quota(&cloud, &company, &link, name);
    input->default_for_service = service;
    input->default_for_trial = trial;
    cloud_expect_ok(&cloud);
    return cloud.op.made_id;
}

static void expect_flags(const struct uuid *id, bool service, bool trial, int64_t version) {
    const struct cloud_quota *quota = cloud_quota_now(&cloud, id);
    assert_int_equal(quota->row.default_for_service, service);
    assert_int_equal(quota->row.default_for_trial, trial);
    assert_int_equal(quota->row.version, version);
    assert_int_equal(quota->row.detail_count, 1);
}

static void make_default(const struct uuid *id, bool service, bool trial) {
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_DEFAULT, id);
    op->in.quota_default = (struct cloud_quota_default_input){service, trial};
}

static void delete_quota(const struct uuid *id, const struct uuid *substitute) {
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_DELETE, id);
    op->in.quota_delete.has_substitute = substitute != NULL;
    if (substitute != NULL) op->in.quota_delete.substitute_id = *substitute;
}

static void expect_task(enum task_status answered) {
    const struct cloud_view *view = &cloud.op.out.cloud;
    assert_true(view->has_task);
    assert_int_equal(view->task_status, answered);
    struct uuid id = view->task_id;
    cloud_ask(&cloud, OP_TASK_GET, &id);
    cloud_expect_ok(&cloud);
    assert_int_equal(cloud.op.out.cloud.task->row.status, TASK_SUCCESS);
}

static void point_1_a_second_default_takes_exactly_the_flag_asked_for(void **state) {
    (void)state;
    struct uuid first = quota_with_flags("first", true, true);
    struct uuid second = quota_with_flags("second", true, false);
    expect_flags(&first, false, true, 2);
    expect_flags(&second, true, false, 1);
    struct uuid third = quota_with_flags("third", true, true);
    expect_flags(&first, false, false, 3);
    expect_flags(&second, false, false, 2);
    expect_flags(&third, true, true, 1);
}

static void point_2_set_default_only_sets(void **state) {
    (void)state;
    struct uuid id = quota_with_flags("q", false, true);
    make_default(&id, true, false);
    cloud_expect_ok(&cloud);
    assert_false(cloud.op.out.cloud.has_task);
    expect_flags(&id, true, true, 2);
    make_default(&id, false, false);
    cloud_expect_ok(&cloud);
    assert_false(changes_directory_any(&cloud.changes));
    make_default(&id, true, true); /* it is both already */
    cloud_expect_ok(&cloud);
    expect_flags(&id, true, true, 2);
}

static void point_3_only_the_connection_owner_has_defaults(void **state) {
    (void)state;
    assign_all();
    struct uuid id = cloud_quota(&cloud, &team, &link, "theirs");
    make_default(&id, true, false);
    cloud_expect(&cloud, CLOUD_QUOTA_OWNER_NOT_CONNECTION_OWNER);
    assert_true(uuid_equal(&cloud_member(&cloud, "ownerOrganizationId")->id, &team));
    assert_true(uuid_equal(&cloud_member(&cloud, "connectionOrganizationId")->id, &company));
    make_default(&id, false, false);
    cloud_expect_ok(&cloud);
    struct cloud_quota_input *input = cloud_ask_quota(&cloud, &team, &link, "more");
    input->default_for_trial = true;
    cloud_expect(&cloud, CLOUD_QUOTA_OWNER_NOT_CONNECTION_OWNER);
}

static void point_4_a_name_is_unique_per_connection_and_owner(void **state) {
    (void)state;
    assign_all();
    struct uuid other = cloud_connection(&cloud, &company, "other", "stackpath");
    cloud_quota(&cloud, &company, &link, "gold");
    cloud_quota(&cloud, &team, &link, "gold");
    cloud_quota(&cloud, &company, &other, "gold");
    cloud_quota(&cloud, &company, &link, "Gold"); /* byte for byte */
    cloud_ask_quota(&cloud, &company, &link, " gold\t");
    cloud_expect(&cloud, CLOUD_QUOTA_NAME_NOT_UNIQUE);
    struct uuid silver = cloud_quota(&cloud, &company, &link, "silver");
    cloud_ask_update(&cloud, &silver)->name = TEXT("gold");
    cloud_expect(&cloud, CLOUD_QUOTA_NAME_NOT_UNIQUE);
    cloud_ask_update(&cloud, &silver)->name = TEXT(" silver "); /* its own is free for it */
    cloud_expect_ok(&cloud);
    delete_quota(&silver, NULL);
    cloud_expect_ok(&cloud);
    cloud_quota(&cloud, &company, &link, "silver"); /* deleted ones do not count */
}

static const struct quota_detail_input *three(struct cloud_quota_input *input) {
    static struct quota_detail_input details[4];
    static const char *const metrics[] = {"instance.cpu.count", "instance.memory.mb",
                                          "disk.size.gb", "disk.size.gb"};
    for (int i = 0; i < 4; i++)
        details[i] = (struct quota_detail_input){.has_metric = true, .metric = text_of(metrics[i]),
                                                 .has_ceiling = true, .ceiling = amount_of(i)};
    input->details = details;
    input->detail_count = 3;
    return details;
}

static void point_5_an_update_has_every_enforced_metric_or_changes_nothing(void **state) {
    (void)state;
    struct uuid machines = cloud_connection(&cloud, &company, "machines", "cloudca");
    three(cloud_ask_quota(&cloud, &company, &machines, "q"));
    cloud_expect_ok(&cloud);
    struct uuid id = cloud.op.made_id;
    cloud_ask_update(&cloud, &id)->detail_count = 2;
    cloud_expect(&cloud, CLOUD_QUOTA_METRIC_MISSING);
    const struct cloud_member *missing = cloud_member(&cloud, "metricIdentifiers");
    assert_int_equal(missing->texts.count, 1);
    assert_true(text_equal(missing->texts.rows[0], TEXT("disk.size.gb")));
    const struct cloud_quota *quota = cloud_quota_now(&cloud, &id);
    assert_int_equal(quota->row.detail_count, 3);
    assert_int_equal(quota->row.version, 1);
    struct cloud_quota_input *input = cloud_ask_update(&cloud, &id);
    three(input);
    input->detail_count = 4;
    cloud_expect(&cloud, CLOUD_QUOTA_METRIC_DUPLICATE);
    input = cloud_ask_quota(&cloud, &company, &machines, "at creation, too");
    three(input);
    input->detail_count = 1;
    cloud_expect(&cloud, CLOUD_QUOTA_METRIC_MISSING);
    assert_int_equal(cloud_member(&cloud, "metricIdentifiers")->texts.count, 2);
    cloud_ask_update(&cloud, &id)->has_details = false;
    cloud_expect(&cloud, CLOUD_MISSING_FIELD);
    cloud_ask_update(&cloud, &id)->has_name = false;
    cloud_expect(&cloud, CLOUD_MISSING_FIELD);
}

static void point_6_an_update_starts_a_task_that_ends_in_success(void **state) {
    (void)state;
    struct uuid id = cloud_quota(&cloud, &company, &link, "q");
    cloud_ask_update(&cloud, &id);
    cloud_expect_ok(&cloud);
    assert_int_equal(cloud.op.out.cloud.quota->row.version, 2);
    expect_task(TASK_SUCCESS); /* there was nobody to reach */
    assign_all();
    cloud_apply(&cloud, &id, &team);
    expect_task(TASK_PENDING);
    cloud_ask_update(&cloud, &id);
    cloud_expect_ok(&cloud);
    expect_task(TASK_PENDING);
}

static void point_7_what_was_read_can_be_sent_back(void **state) {
    (void)state;
    struct uuid id = quota_with_flags("q", true, false);
    struct cloud_quota_input *input = cloud_ask_update(&cloud, &id);
    ((struct quota_detail_input *)input->details)[0].ceiling = amount_of(7);
    input->default_for_service = false; /* flags are ignored */
    cloud_expect_ok(&cloud);
    expect_flags(&id, true, false, 2);
    const struct cloud_quota *quota = cloud_quota_now(&cloud, &id);
    assert_int_equal(amount_compare(quota->row.details[0].ceiling, amount_of(7)), 0);
    assert_true(uuid_equal(&quota->owner->row.id, &company));
    assert_true(uuid_equal(&quota->connection->row.id, &link));
    cloud_ask_update(&cloud, &id)->owner_id = team;
    cloud_expect(&cloud, CLOUD_QUOTA_FIELD_IMMUTABLE);
    cloud_ask_update(&cloud, &id)->connection_id = team;
    cloud_expect(&cloud, CLOUD_QUOTA_FIELD_IMMUTABLE);
}

static void point_8_an_assigned_quota_is_deleted_only_for_a_substitute(void **state) {
    (void)state;
    assign_all();
    struct uuid old = quota_with_flags("old", true, false);
    struct uuid next = cloud_quota(&cloud, &company, &link, "next");
    struct uuid both[] = {team, squad};
    cloud_ask_apply(&cloud, &old, both, 2);
    cloud_expect_ok(&cloud);
    delete_quota(&old, NULL);
    cloud_expect(&cloud, CLOUD_QUOTA_SUBSTITUTE_REQUIRED);
    assert_int_equal(cloud_member(&cloud, "numberOfOrganizationsAppliedTo")->number, 2);
    delete_quota(&old, &old);
    cloud_expect(&cloud, CLOUD_QUOTA_SUBSTITUTE_INVALID);
    delete_quota(&old, &team);
    cloud_expect(&cloud, CLOUD_QUOTA_SUBSTITUTE_INVALID);
    struct uuid of_team = cloud_quota(&cloud, &team, &link, "of team");
    delete_quota(&old, &of_team); /* the team is not below itself */
    cloud_expect(&cloud, CLOUD_QUOTA_SUBSTITUTE_INVALID);
    delete_quota(&old, &next);
    cloud_expect_ok(&cloud);
    expect_task(TASK_PENDING);
    cloud_ask(&cloud, OP_CLOUD_QUOTA_GET, &old);
    cloud_expect(&cloud, CLOUD_NOT_FOUND);
    assert_int_equal(cloud_quota_now(&cloud, &next)->assignment_count, 2);
    expect_flags(&next, true, false, 2); /* inherited */
    assert_ptr_equal(cloud_limit(&cloud, &squad, &link), cloud_quota_now(&cloud, &next));
}

static void point_9_an_unassigned_quota_is_just_deleted(void **state) {
    (void)state;
    struct uuid id = quota_with_flags("q", true, true);
    delete_quota(&id, NULL);
    cloud_expect_ok(&cloud);
    assert_null(cloud.op.out.cloud.quota);
    expect_task(TASK_SUCCESS);
    assert_null(directory_connection(cloud.directory, &link)->default_for_service);
    id = cloud_quota(&cloud, &company, &link, "q");
    delete_quota(&id, &team); /* a substitute is checked also when it is not needed */
    cloud_expect(&cloud, CLOUD_QUOTA_SUBSTITUTE_INVALID);
}

static size_t listed(const struct uuid *organization, enum quota_relation relation) {
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_LIST, NULL);
    op->in.list = (struct cloud_list_input){true, *organization, relation};
    cloud_expect_ok(&cloud);
    return op->out.cloud.list.count;
}

static void point_10_owned_and_assigned_and_their_union(void **state) {
    (void)state;
    assign_all();
    struct uuid above = cloud_quota(&cloud, &company, &link, "above");
    cloud_quota(&cloud, &team, &link, "own");
    cloud_apply(&cloud, &above, &team);
    assert_int_equal(listed(&team, QUOTA_OWNED), 1);
    assert_int_equal(listed(&team, QUOTA_ASSIGNED), 1);
    assert_int_equal(listed(&team, QUOTA_OWNED_OR_ASSIGNED), 2);
    assert_int_equal(listed(&company, QUOTA_OWNED), 1);
    assert_int_equal(listed(&company, QUOTA_ASSIGNED), 0);
    assert_int_equal(listed(&squad, QUOTA_OWNED_OR_ASSIGNED), 0);
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_LIST, NULL);
    op->in.list = (struct cloud_list_input){true, above, QUOTA_OWNED};
    cloud_expect(&cloud, CLOUD_NOT_FOUND);
}

static void point_11_a_quota_is_applied_below_its_owner_and_to_all_or_none(void **state) {
    (void)state;
    assign_all();
    struct uuid sibling = cloud_organization(&cloud, &company, "Sibling");
    cloud_assign(&cloud, &sibling, &link);
    struct uuid of_team = cloud_quota(&cloud, &team, &link, "of team");
    const struct uuid *const wrong[] = {&company, &sibling, &team};
    for (size_t i = 0; i < 3; i++) {
        cloud_ask_apply(&cloud, &of_team, wrong[i], 1);
        cloud_expect(&cloud, CLOUD_QUOTA_NOT_APPLICABLE);
        assert_true(uuid_equal(&cloud_member(&cloud, "organizationId")->id, wrong[i]));
    }
    struct uuid of_company = cloud_quota(&cloud, &company, &link, "of company");
    cloud_apply(&cloud, &of_company, &squad); /* a grandchild */
    assert_int_equal(cloud.op.out.cloud.quota->assignment_count, 1);
    struct uuid three_targets[] = {squad, sibling, company};
    cloud_ask_apply(&cloud, &of_company, three_targets, 3);
    cloud_expect(&cloud, CLOUD_QUOTA_NOT_APPLICABLE);
    assert_null(cloud_limit(&cloud, &sibling, &link));
    struct uuid repeated[] = {sibling, squad, sibling};
    cloud_ask_apply(&cloud, &of_company, repeated, 3);
    cloud_expect_ok(&cloud);
    assert_int_equal(cloud.op.out.cloud.quota->assignment_count, 2);
    cloud_apply(&cloud, &of_team, &squad); /* R11 */
    assert_int_equal(cloud_quota_now(&cloud, &of_company)->assignment_count, 1);
    assert_ptr_equal(cloud_limit(&cloud, &squad, &link), cloud_quota_now(&cloud, &of_team));
    cloud_ask_apply(&cloud, &of_company, three_targets, 0);
    cloud_expect(&cloud, CLOUD_INVALID_FIELD);
}

/* Point 12 is about routes. Each write of the directory is decided alone on the latest version, so
 * for point 13 it is enough that any order of two leaves one default. */
static void point_13_two_creations_as_default_leave_exactly_one(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) quota_with_flags(i == 0 ? "a" : "b", true, true);
    int services = 0, trials = 0;
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_QUOTAS); i++) {
        const struct cloud_quota *quota = directory_at(cloud.directory, DIRECTORY_QUOTAS, i);
        services += quota->row.default_for_service;
        trials += quota->row.default_for_trial;
    }
    assert_int_equal(services, 1);
    assert_int_equal(trials, 1);
}

static void point_14_every_refusal_has_a_code_a_number_and_a_text(void **state) {
    (void)state;
    for (int code = CLOUD_NONE + 1; code < CLOUD_CODE_COUNT; code++) {
        assert_in_range(cloud_code_number((enum cloud_code)code), 9000, 9999);
        assert_true(strlen(cloud_code_name((enum cloud_code)code)) > 5);
        assert_int_not_equal(cloud_code_outcome((enum cloud_code)code), QMS_OK);
        for (int other = CLOUD_NONE; other < code; other++)
            assert_int_not_equal(cloud_code_number((enum cloud_code)code),
                                 cloud_code_number((enum cloud_code)other));
    }
    for (int code = QMS_OK + 1; code < QMS_CODE_COUNT; code++)
        assert_int_not_equal(cloud_code_of((enum qms_code)code), CLOUD_NONE);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(point_1_a_second_default_takes_exactly_the_flag_asked_for),
        SENTENCE(point_2_set_default_only_sets),
        SENTENCE(point_3_only_the_connection_owner_has_defaults),
        SENTENCE(point_4_a_name_is_unique_per_connection_and_owner),
        SENTENCE(point_5_an_update_has_every_enforced_metric_or_changes_nothing),
        SENTENCE(point_6_an_update_starts_a_task_that_ends_in_success),
        SENTENCE(point_7_what_was_read_can_be_sent_back),
        SENTENCE(point_8_an_assigned_quota_is_deleted_only_for_a_substitute),
        SENTENCE(point_9_an_unassigned_quota_is_just_deleted),
        SENTENCE(point_10_owned_and_assigned_and_their_union),
        SENTENCE(point_11_a_quota_is_applied_below_its_owner_and_to_all_or_none),
        SENTENCE(point_13_two_creations_as_default_leave_exactly_one),
        SENTENCE(point_14_every_refusal_has_a_code_a_number_and_a_text),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
