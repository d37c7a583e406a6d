/* Assignments that arise elsewhere (cloudmc-quotas 5), and the rules of organizations, connections
 * and users that they rest on. */
#include <stdlib.h>

#include "support/cloud_fixture.h"

static struct cloud cloud;
static struct uuid company, link, standard, trial_quota;

static int setup(void **state) {
    (void)state;
    cloud_open(&cloud, 1);
    company = cloud_organization(&cloud, &cloud.system, "Company");
    link = cloud_connection(&cloud, &company, "link", "stackpath");
    cloud_ask_quota(&cloud, &company, &link, "standard")->default_for_service = true;
    cloud_expect_ok(&cloud);
    standard = cloud.op.made_id;
    cloud_ask_quota(&cloud, &company, &link, "trial")->default_for_trial = true;
    cloud_expect_ok(&cloud);
    trial_quota = cloud.op.made_id;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    cloud_close(&cloud);
    return 0;
}

static void expect_limit(const struct uuid *organization, const struct uuid *quota) {
    const struct cloud_quota *limit = cloud_limit(&cloud, organization, &link);
    if (quota == NULL) {
        assert_null(limit);
        return;
    }
    assert_non_null(limit);
    assert_true(uuid_equal(&limit->row.id, quota));
}

static void convert(const struct uuid *organization) {
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_UPDATE, organization);
    op->in.organization.has_trial = true;
    cloud_expect_ok(&cloud);
}

static void a_connection_comes_with_its_default_quota(void **state) {
    (void)state;
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    struct uuid guest = cloud_trial(&cloud, &company, "Guest");
    expect_limit(&team, NULL); /* R10, R16 */
    cloud_assign(&cloud, &team, &link);
    cloud_assign(&cloud, &guest, &link);
    expect_limit(&team, &standard);
    expect_limit(&guest, &trial_quota);
    assert_int_equal(cloud_quota_now(&cloud, &standard)->assignment_count, 1);
    assert_true(cloud.op.out.cloud.has_task);
    assert_int_equal(cloud.op.out.cloud.task_status, TASK_PENDING);
}

static void an_organization_is_made_with_its_connections_and_quotas(void **state) {
    (void)state;
    struct uuid twice[] = {link, link};
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_CREATE, NULL);
    op->in.organization = (struct organization_input){
        .has_name = true, .name = TEXT("Team"), .has_parent = true, .parent_id = company,
        .connection_ids = twice, .connection_count = 2};
    cloud_expect_ok(&cloud);
    const struct organization *team = cloud.op.out.cloud.organization;
    assert_non_null(team->assignments);
    assert_null(team->assignments->next_of_organization);
    assert_true(uuid_equal(&team->assignments->quota->row.id, &standard));
    assert_true(cloud.op.out.cloud.has_task);
}

static void a_trial_gets_the_service_default_where_there_is_none_for_trials(void **state) {
    (void)state;
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_DELETE, &trial_quota);
    op->in.quota_delete.has_substitute = false;
    cloud_expect_ok(&cloud);
    struct uuid guest = cloud_trial(&cloud, &company, "Guest");
    cloud_assign(&cloud, &guest, &link);
    expect_limit(&guest, &standard);
}

static void a_converted_trial_gets_the_service_default(void **state) {
    (void)state;
    struct uuid guest = cloud_trial(&cloud, &company, "Guest");
    cloud_assign(&cloud, &guest, &link);
    convert(&guest);
    expect_limit(&guest, &standard);
    assert_false(directory_organization(cloud.directory, &guest)->row.is_trial);
}

static void a_quota_that_was_applied_survives_conversion(void **state) {
    (void)state;
    struct uuid other = cloud_quota(&cloud, &company, &link, "other");
    struct uuid first = cloud_trial(&cloud, &company, "First");
    struct uuid second = cloud_trial(&cloud, &company, "Second");
    cloud_assign(&cloud, &first, &link);
    cloud_assign(&cloud, &second, &link);
    cloud_apply(&cloud, &other, &first);
    cloud_apply(&cloud, &trial_quota, &second); /* by hand, though it is the default */
    convert(&first);
    convert(&second);
    expect_limit(&first, &other);
    expect_limit(&second, &trial_quota);
}

static void a_moved_default_moves_nobody(void **state) {
    (void)state;
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    cloud_assign(&cloud, &team, &link);
    cloud_ask_quota(&cloud, &company, &link, "new")->default_for_service = true;
    cloud_expect_ok(&cloud);
    expect_limit(&team, &standard);
}

static void who_owns_the_connection_is_not_limited(void **state) {
    (void)state;
    cloud_assign(&cloud, &company, &link);
    assert_null(directory_organization(cloud.directory, &company)->assignments);
}

static void a_connection_that_is_taken_away_ends_the_assignment(void **state) {
    (void)state;
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    struct uuid squad = cloud_organization(&cloud, &team, "Squad");
    cloud_assign(&cloud, &team, &link);
    cloud_assign(&cloud, &squad, &link);
    struct op *op = cloud_ask(&cloud, OP_CONNECTION_UNASSIGN, &link);
    op->in.connection = (struct connection_input){.has_organization = true,
                                                  .organization_id = team};
    cloud_expect(&cloud, CLOUD_CONNECTION_NOT_ASSIGNABLE); /* the squad has it from the team */
    op = cloud_ask(&cloud, OP_CONNECTION_UNASSIGN, &link);
    op->in.connection = (struct connection_input){.has_organization = true,
                                                  .organization_id = squad};
    cloud_expect_ok(&cloud);
    expect_limit(&squad, NULL);
    assert_int_equal(cloud_quota_now(&cloud, &standard)->assignment_count, 1);
    cloud_ask_apply(&cloud, &standard, &squad, 1);
    cloud_expect(&cloud, CLOUD_QUOTA_NOT_APPLICABLE); /* R9a */
}

static void a_deleted_organization_takes_all_it_has_with_it(void **state) {
    (void)state;
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    struct uuid squad = cloud_organization(&cloud, &team, "Squad");
    cloud_assign(&cloud, &team, &link);
    cloud_user(&cloud, &team, "ada", ROLE_USER);
    struct uuid own = cloud_connection(&cloud, &team, "own", "stackpath");
    struct uuid quota = cloud_quota(&cloud, &team, &link, "theirs");
    cloud_quota(&cloud, &team, &own, "theirs");
    cloud_ask(&cloud, OP_ORGANIZATION_DELETE, &team);
    cloud_expect(&cloud, CLOUD_ORGANIZATION_NOT_DELETABLE);
    cloud_ask(&cloud, OP_ORGANIZATION_DELETE, &squad);
    cloud_expect_ok(&cloud);
    cloud_ask(&cloud, OP_ORGANIZATION_DELETE, &team);
    cloud_expect_ok(&cloud);
    assert_null(directory_organization(cloud.directory, &team));
    assert_null(directory_connection(cloud.directory, &own));
    assert_null(directory_quota(cloud.directory, &quota));
    assert_int_equal(directory_count(cloud.directory, DIRECTORY_USERS), 1);
    assert_int_equal(directory_count(cloud.directory, DIRECTORY_BINDINGS), 1);
    assert_int_equal(cloud_quota_now(&cloud, &standard)->assignment_count, 0);
    cloud_ask(&cloud, OP_ORGANIZATION_DELETE, &cloud.system);
    cloud_expect(&cloud, CLOUD_ORGANIZATION_NOT_DELETABLE);
}

static void a_connection_is_handed_down_from_parent_to_child(void **state) {
    (void)state;
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    struct uuid squad = cloud_organization(&cloud, &team, "Squad");
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_UPDATE, &squad);
    op->in.organization =
        (struct organization_input){.connection_ids = &link, .connection_count = 1};
    cloud_expect(&cloud, CLOUD_CONNECTION_NOT_ASSIGNABLE);
    cloud_ask_quota(&cloud, &team, &link, "theirs");
    cloud_expect(&cloud, CLOUD_QUOTA_NOT_APPLICABLE); /* R13 */
    cloud_assign(&cloud, &team, &link);
    cloud_assign(&cloud, &squad, &link);
    expect_limit(&squad, &standard);
}

static void ceilings_are_from_zero_or_minus_one(void **state) {
    (void)state;
    static const struct {
        const char *ceiling;
        enum cloud_code code;
    } cases[] = {
        {"0", CLOUD_NONE},      {"-1", CLOUD_NONE},          {"-1.0", CLOUD_NONE},
        {"0.5", CLOUD_NONE},    {"-0.5", CLOUD_INVALID_FIELD}, {"-2", CLOUD_INVALID_FIELD},
        {"-1.1", CLOUD_INVALID_FIELD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cloud_quota_input *input = cloud_ask_update(&cloud, &standard);
        struct quota_detail_input *detail = (void *)input->details;
        assert_int_equal(amount_parse(text_of(cases[i].ceiling), &detail->ceiling), AMOUNT_OK);
        if (cases[i].code == CLOUD_NONE) cloud_expect_ok(&cloud);
        else cloud_expect(&cloud, cases[i].code);
    }
}

static void a_connection_without_quotas_has_none(void **state) {
    (void)state;
    struct uuid store = cloud_connection(&cloud, &company, "store", "swift");
    cloud_ask_quota(&cloud, &company, &store, "q");
    cloud_expect(&cloud, CLOUD_QUOTA_NOT_SUPPORTED);
}

static void names_and_codes_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"", "  ", "A", "-ab", "a\nb",
                                      "123456789012345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_CREATE, NULL);
        op->in.organization =
            (struct organization_input){.has_name = true, .name = text_of(bad[i])};
        cloud_expect(&cloud, CLOUD_INVALID_FIELD);
    }
    cloud_ask(&cloud, OP_ORGANIZATION_CREATE, NULL);
    cloud_expect(&cloud, CLOUD_MISSING_FIELD);
    cloud_organization(&cloud, &company, "\xc3\x89t\xc3\xa9"); /* Ete with accents: letters, too */
    struct op *op = cloud_ask(&cloud, OP_CONNECTION_CREATE, NULL);
    op->in.connection = (struct connection_input){
        .has_name = true, .name = TEXT("x"), .has_service_code = true,
        .service_code = TEXT("link"), .has_type = true, .type = TEXT("stackpath")};
    cloud_expect(&cloud, CLOUD_NOT_UNIQUE);
}

static void a_task_is_forgotten_after_a_day(void **state) {
    (void)state;
    cloud_ask_update(&cloud, &standard);
    cloud_expect_ok(&cloud);
    struct uuid task = cloud.op.out.cloud.task_id;
    cloud.decision.decided_us += INT64_C(86300000000);
    cloud_ask(&cloud, OP_TASK_GET, &task);
    cloud_expect_ok(&cloud);
    cloud.decision.decided_us += INT64_C(100000000);
    cloud_ask(&cloud, OP_TASK_GET, &task);
    cloud_expect(&cloud, CLOUD_NOT_FOUND);
    cloud_ask_update(&cloud, &standard); /* which sweeps */
    cloud_expect_ok(&cloud);
    assert_int_equal(directory_count(cloud.directory, DIRECTORY_TASKS), 1);
}

static void a_repeat_answers_again_and_changes_nothing(void **state) {
    (void)state;
    cloud.replay = (struct replay){.key = TEXT("k")};
    struct uuid first_task = {0};
    for (int i = 0; i < 2; i++) {
        struct cloud_quota_input *input = cloud_ask_update(&cloud, &standard);
        input->name = TEXT("renamed");
        cloud.replay.dirty = ROW_CLEAN;
        cloud.op.replay = &cloud.replay;
        cloud_expect_ok(&cloud);
        assert_int_equal(cloud.op.duplicate, i == 1);
        if (i == 0) first_task = cloud.op.out.cloud.task_id;
        assert_true(uuid_equal(&cloud.op.out.cloud.task_id, &first_task));
        assert_int_equal(cloud.op.out.cloud.quota->row.version, 2);
    }
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_connection_comes_with_its_default_quota),
        SENTENCE(an_organization_is_made_with_its_connections_and_quotas),
        SENTENCE(a_trial_gets_the_service_default_where_there_is_none_for_trials),
        SENTENCE(a_converted_trial_gets_the_service_default),
        SENTENCE(a_quota_that_was_applied_survives_conversion),
        SENTENCE(a_moved_default_moves_nobody),
        SENTENCE(who_owns_the_connection_is_not_limited),
        SENTENCE(a_connection_that_is_taken_away_ends_the_assignment),
        SENTENCE(a_deleted_organization_takes_all_it_has_with_it),
        SENTENCE(a_connection_is_handed_down_from_parent_to_child),
        SENTENCE(ceilings_are_from_zero_or_minus_one),
        SENTENCE(a_connection_without_quotas_has_none),
        SENTENCE(names_and_codes_are_checked),
        SENTENCE(a_task_is_forgotten_after_a_day),
        SENTENCE(a_repeat_answers_again_and_changes_nothing),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
