/* Who may do what: every operation of the CloudMC tree, asked by every kind of caller, about his
 * own organization and about one below it. */
#include <stdio.h>
#include <stdlib.h>

#include "support/cloud_fixture.h"

enum { OWN, BELOW, PLACES };
static const char *const place_names[PLACES] = {"own", "below"};

enum who { GUEST, USER, ADMINISTRATOR, RESELLER, OPERATOR, STRANGER, WHOS };
static const char *const who_names[WHOS] = {"guest", "user", "administrator", "reseller",
                                            "operator", "stranger"};

static struct cloud cloud;
static struct world {
    struct uuid callers[WHOS];
    struct uuid other; /* the stranger's organization */
    struct uuid link;  /* owned by the first organization, given to those below */
    struct uuid squad; /* below the second, with the link */
    struct {
        struct uuid organization, user, binding, key, connection, environment, quota, task;
    } at[PLACES];
} world;

static struct uuid make_key(const struct uuid *user, uint8_t first) {
    struct op *op = cloud_ask(&cloud, OP_API_KEY_CREATE, NULL);
    op->in.api_key = (struct api_key_input){.has_user = true, .user_id = *user, .hash = {first}};
    cloud_expect_ok(&cloud);
    return cloud.op.made_id;
}

static struct uuid make_binding(const struct uuid *user) {
    struct op *op = cloud_ask(&cloud, OP_BINDING_CREATE, user);
    op->in.binding =
        (struct role_binding_input){.has_role = true, .role_id = *role_id(ROLE_GUEST)};
    cloud_expect_ok(&cloud);
    return cloud.op.made_id;
}

static void ask_environment(const struct uuid *organization, const char *name) {
    struct op *op = cloud_ask(&cloud, OP_ENVIRONMENT_CREATE, NULL);
    op->in.environment = (struct environment_input){
        .has_name = true, .name = text_of(name), .has_organization = true,
        .organization_id = *organization, .has_connection = true, .connection_id = world.link};
}

static void fill_place(int place) {
    struct uuid organization = world.at[place].organization;
    world.at[place].user = cloud_user(&cloud, &organization, "member", ROLE_USER);
    world.at[place].binding = make_binding(&world.at[place].user);
    world.at[place].key = make_key(&world.at[place].user, (uint8_t)(place + 1));
    world.at[place].connection =
        cloud_connection(&cloud, &organization, place_names[place], "stackpath");
    ask_environment(&organization, "there");
    cloud_expect_ok(&cloud);
    world.at[place].environment = cloud.op.made_id;
    world.at[place].quota = cloud_quota(&cloud, &organization, &world.link, "q");
    cloud_ask_update(&cloud, &world.at[place].quota);
    cloud_expect_ok(&cloud);
    world.at[place].task = cloud.op.out.cloud.task_id;
}

static void open_world(void) {
    cloud_open(&cloud, 1);
    struct uuid company = cloud_organization(&cloud, &cloud.system, "Company");
    struct uuid team = cloud_organization(&cloud, &company, "Team");
    world.squad = cloud_organization(&cloud, &team, "Squad");
    world.other = cloud_organization(&cloud, &cloud.system, "Other");
    world.at[OWN].organization = company;
    world.at[BELOW].organization = team;
    world.link = cloud_connection(&cloud, &company, "link", "stackpath");
    cloud_assign(&cloud, &team, &world.link);
    cloud_assign(&cloud, &world.squad, &world.link);
    for (int place = 0; place < PLACES; place++) fill_place(place);
    world.callers[GUEST] = cloud_user(&cloud, &company, "guest", ROLE_GUEST);
    world.callers[USER] = cloud_user(&cloud, &company, "user", ROLE_USER);
    world.callers[ADMINISTRATOR] =
        cloud_user(&cloud, &company, "administrator", ROLE_ADMINISTRATOR);
    world.callers[RESELLER] = cloud_user(&cloud, &company, "reseller", ROLE_RESELLER);
    world.callers[OPERATOR] = cloud.operator;
    world.callers[STRANGER] = cloud_user(&cloud, &world.other, "stranger", ROLE_ADMINISTRATOR);
}

/* ---- a request that succeeds when it is allowed ---- */

static const struct uuid *path_of(enum operation operation, int place) {
    switch (operation) {
    case OP_ORGANIZATION_GET:
    case OP_ORGANIZATION_UPDATE:
    case OP_CONNECTION_MANAGEABLE: return &world.at[place].organization;
    case OP_ORGANIZATION_DELETE:
        return place == OWN ? &world.at[OWN].organization : &world.squad;
    case OP_CLOUD_USER_GET:
    case OP_CLOUD_USER_UPDATE:
    case OP_CLOUD_USER_DELETE:
    case OP_BINDING_LIST:
    case OP_BINDING_CREATE:
    case OP_BINDING_DELETE: return &world.at[place].user;
    case OP_API_KEY_REVOKE: return &world.at[place].key;
    case OP_CONNECTION_GET:
    case OP_CONNECTION_ASSIGNED: return &world.at[place].connection;
    case OP_CONNECTION_UNASSIGN: return &world.link;
    case OP_ENVIRONMENT_GET:
    case OP_ENVIRONMENT_UPDATE:
    case OP_ENVIRONMENT_DELETE: return &world.at[place].environment;
    case OP_CLOUD_QUOTA_GET:
    case OP_CLOUD_QUOTA_UPDATE:
    case OP_CLOUD_QUOTA_DELETE:
    case OP_CLOUD_QUOTA_DEFAULT: return &world.at[place].quota;
    case OP_TASK_GET: return &world.at[place].task;
    default: return NULL;
    }
}

static void fill_body(struct op *op, int place) {
    const struct uuid *organization = &world.at[place].organization;
    switch (op->operation) {
    case OP_ORGANIZATION_CREATE:
        op->in.organization = (struct organization_input){
            .has_name = true, .name = TEXT("New"), .has_parent = true, .parent_id = *organization};
        break;
    case OP_ORGANIZATION_UPDATE:
        op->in.organization = (struct organization_input){.has_name = true, .name = TEXT("New")};
        break;
    case OP_CLOUD_USER_CREATE:
        op->in.user = (struct cloud_user_input){.has_name = true, .name = TEXT("new"),
                                                .has_organization = true,
                                                .organization_id = *organization};
        break;
    case OP_BINDING_CREATE:
        op->in.binding =
            (struct role_binding_input){.has_role = true, .role_id = *role_id(ROLE_GUEST)};
        break;
    case OP_BINDING_DELETE: op->in.binding.binding_id = world.at[place].binding; break;
    case OP_API_KEY_CREATE:
        op->in.api_key = (struct api_key_input){
            .has_user = true, .user_id = world.at[place].user, .hash = {99}};
        break;
    case OP_CONNECTION_CREATE:
        op->in.connection = (struct connection_input){
            .has_name = true, .name = TEXT("new"), .has_service_code = true,
            .service_code = TEXT("new"), .has_type = true, .type = TEXT("stackpath"),
            .has_organization = true, .organization_id = *organization};
        break;
    case OP_CONNECTION_UNASSIGN:
        op->in.connection = (struct connection_input){
            .has_organization = true,
            .organization_id = place == OWN ? *organization : world.squad};
        break;
    case OP_DESCRIPTOR_GET: op->in.descriptor_type = TEXT("stackpath"); break;
    default:
        if (operation_effect(op->operation) == EFFECT_NONE && op->operation != OP_TASK_GET)
            op->in.list = (struct cloud_list_input){.has_organization = true,
                                                    .organization_id = *organization};
    }
}

static void ask(enum operation operation, int place) {
    switch (operation) {
    case OP_CLOUD_QUOTA_CREATE:
        cloud_ask_quota(&cloud, &world.at[place].organization, &world.link, "new");
        return;
    case OP_CLOUD_QUOTA_UPDATE: cloud_ask_update(&cloud, &world.at[place].quota); return;
    case OP_CLOUD_QUOTA_APPLY:
        cloud_ask_apply(&cloud, &world.at[place].quota, &world.squad, 1);
        return;
    case OP_ENVIRONMENT_CREATE: ask_environment(&world.at[place].organization, "new"); return;
    default: fill_body(cloud_ask(&cloud, operation, path_of(operation, place)), place); return;
    }
}

/* ---- the matrix ---- */

/* A letter for each caller, in the order of enum who: 2 is 200, 3 is 403, 4 is 404, r is 400 for a
 * reference that names nothing visible, x is 400 for another reason. */
static const struct line {
    enum operation operation;
    const char *answers[PLACES];
} lines[] = {
    {OP_ORGANIZATION_LIST, {"222224", "444224"}},
    {OP_ORGANIZATION_GET, {"222224", "444224"}},
    {OP_ORGANIZATION_CREATE, {"33322r", "rrr22r"}},
    {OP_ORGANIZATION_UPDATE, {"332224", "444224"}},
    {OP_ORGANIZATION_DELETE, {"33xxx4", "444224"}},
    {OP_CLOUD_USER_LIST, {"222224", "444224"}},
    {OP_CLOUD_USER_GET, {"222224", "444224"}},
    {OP_CLOUD_USER_CREATE, {"33222r", "rrr22r"}},
    {OP_CLOUD_USER_UPDATE, {"332224", "444224"}},
    {OP_CLOUD_USER_DELETE, {"332224", "444224"}},
    {OP_ROLE_LIST, {"222224", "444224"}},
    {OP_BINDING_LIST, {"222224", "444224"}},
    {OP_BINDING_CREATE, {"332224", "444224"}},
    {OP_BINDING_DELETE, {"332224", "444224"}},
    {OP_API_KEY_LIST, {"332224", "444224"}},
    {OP_API_KEY_CREATE, {"33222r", "rrr22r"}},
    {OP_API_KEY_REVOKE, {"442224", "444224"}},
    {OP_CONNECTION_LIST, {"222224", "444224"}},
    {OP_CONNECTION_GET, {"222224", "444224"}},
    {OP_CONNECTION_CREATE, {"33332r", "rrr32r"}},
    {OP_CONNECTION_ASSIGNED, {"222224", "444224"}},
    {OP_CONNECTION_MANAGEABLE, {"222224", "444224"}},
    {OP_CONNECTION_UNASSIGN, {"444444", "444224"}},
    {OP_DESCRIPTOR_GET, {"222222", "222222"}},
    {OP_ENVIRONMENT_LIST, {"222224", "444224"}},
    {OP_ENVIRONMENT_GET, {"422224", "444224"}},
    {OP_ENVIRONMENT_CREATE, {"32222r", "rrr22r"}},
    {OP_ENVIRONMENT_UPDATE, {"432224", "444224"}},
    {OP_ENVIRONMENT_DELETE, {"432224", "444224"}},
    {OP_CLOUD_QUOTA_LIST, {"222224", "444224"}},
    {OP_CLOUD_QUOTA_GET, {"222224", "444224"}},
    {OP_CLOUD_QUOTA_CREATE, {"33332r", "rrr32r"}},
    {OP_CLOUD_QUOTA_UPDATE, {"333324", "444324"}},
    {OP_CLOUD_QUOTA_DELETE, {"333324", "444324"}},
    {OP_CLOUD_QUOTA_DEFAULT, {"333324", "444324"}},
    {OP_CLOUD_QUOTA_APPLY, {"33332r", "rrr32r"}},
    {OP_TASK_GET, {"444424", "444424"}},
};

static char answer(void) {
    if (cloud_decide(&cloud)) return '2';
    switch (cloud.op.cloud.code) {
    case CLOUD_FORBIDDEN: return '3';
    case CLOUD_NOT_FOUND: return '4';
    case CLOUD_REFERENCE_NOT_FOUND: return 'r';
    case CLOUD_INVALID_CREDENTIALS: return '1';
    default: return 'x';
    }
}

static void every_operation_is_for_those_the_table_says(void **state) {
    (void)state;
    bool wrong = false;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (int place = 0; place < PLACES; place++) {
            for (int who = 0; who < WHOS; who++) {
                open_world();
                cloud.caller = world.callers[who];
                cloud_ask(&cloud, OP_ROLE_LIST, NULL);
                ask(lines[i].operation, place);
                char found = answer(), expected = lines[i].answers[place][who];
                if (found != expected) {
                    print_error("%s, %s, %s: %c, not %c: %s\n",
                                operation_name(lines[i].operation), place_names[place],
                                who_names[who], found, expected, cloud.op.error.text);
                    wrong = true;
                }
                cloud_close(&cloud);
            }
        }
    }
    assert_false(wrong);
}

static void every_operation_is_in_the_table(void **state) {
    (void)state;
    for (int operation = 0; operation < OP_COUNT; operation++) {
        if (operation_target((enum operation)operation) != TARGET_DIRECTORY) continue;
        if (operation == OP_API_KEY_TOUCH) continue; /* no client's */
        bool found = false;
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            found |= lines[i].operation == (enum operation)operation;
        if (!found) fail_msg("%s is missing", operation_name((enum operation)operation));
    }
}

static void who_is_disabled_or_gone_may_do_nothing(void **state) {
    (void)state;
    open_world();
    struct op *op = cloud_ask(&cloud, OP_CLOUD_USER_UPDATE, &world.callers[RESELLER]);
    op->in.user = (struct cloud_user_input){.has_status = true, .status = USER_DISABLED};
    cloud_expect_ok(&cloud);
    cloud_ask(&cloud, OP_CLOUD_USER_DELETE, &world.callers[ADMINISTRATOR]);
    cloud_expect_ok(&cloud);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cloud.caller = world.callers[i % 2 == 0 ? RESELLER : ADMINISTRATOR];
        ask(lines[i].operation, OWN);
        assert_int_equal(answer(), '1');
        assert_int_equal(cloud.op.error.code, QMS_UNAUTHENTICATED);
    }
    cloud_close(&cloud);
}

/* By text, code and the names of the context. */
static void what_is_not_visible_is_answered_like_what_does_not_exist(void **state) {
    (void)state;
    struct uuid nothing = {{1, 2, 3}};
    open_world();
    cloud.caller = world.callers[STRANGER];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (path_of(lines[i].operation, OWN) == NULL) continue;
        ask(lines[i].operation, OWN);
        assert_int_equal(answer(), '4');
        struct qms_error error = cloud.op.error;
        struct cloud_error invisible = cloud.op.cloud;
        ask(lines[i].operation, OWN);
        cloud.op.target_id = nothing;
        assert_int_equal(answer(), '4');
        assert_string_equal(cloud.op.error.text, error.text);
        assert_int_equal(cloud.op.cloud.member_count, invisible.member_count);
        for (size_t j = 0; j < invisible.member_count; j++)
            assert_string_equal(cloud.op.cloud.members[j].name, invisible.members[j].name);
    }
    cloud_close(&cloud);
}

static void nobody_grants_a_right_that_he_lacks(void **state) {
    (void)state;
    open_world();
    cloud.caller = world.callers[ADMINISTRATOR];
    static const struct {
        enum role role;
        enum scope_qualifier qualifier;
        char answer;
    } grants[] = {
        {ROLE_GUEST, SCOPE_ORG_BASE, '2'},         {ROLE_ADMINISTRATOR, SCOPE_ORG_BASE, '2'},
        {ROLE_REPORTER, SCOPE_ORG_BASE, '2'},      {ROLE_RESELLER, SCOPE_ORG_BASE, '3'},
        {ROLE_OPERATOR, SCOPE_ORG_BASE, '3'},      {ROLE_GUEST, SCOPE_ORG_TREE, '3'},
        {ROLE_GUEST, SCOPE_ORG_SUBS, '3'},         {ROLE_GUEST, SCOPE_ORG_TOPLEVEL, '3'},
        {ROLE_GUEST, SCOPE_GLOBAL, '3'},
    };
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        struct op *op = cloud_ask(&cloud, OP_BINDING_CREATE, &world.callers[GUEST]);
        op->in.binding = (struct role_binding_input){
            .has_role = true, .role_id = *role_id(grants[i].role), .has_qualifier = true,
            .qualifier = grants[i].qualifier};
        assert_int_equal(answer(), grants[i].answer);
    }
    struct op *op = cloud_ask(&cloud, OP_API_KEY_CREATE, NULL);
    op->in.api_key = (struct api_key_input){
        .has_user = true, .user_id = world.callers[RESELLER], .hash = {98}};
    assert_int_equal(answer(), '3'); /* a key has all the rights of its user */
    cloud_close(&cloud);
}

/* What the QMS trees allow: r read, p report, a administer. */
static void the_qms_trees_belong_to_the_system_organization(void **state) {
    (void)state;
    open_world();
    static const struct {
        enum role role;
        bool in_system;
        bool may[3];
    } cases[] = {
        {ROLE_GUEST, true, {true, false, false}},
        {ROLE_USER, true, {true, false, false}},
        {ROLE_ADMINISTRATOR, true, {true, true, true}},
        {ROLE_OPERATOR, true, {true, true, true}},
        {ROLE_GUEST, false, {false, false, false}},
        {ROLE_RESELLER, false, {false, false, false}},
        {ROLE_OPERATOR, false, {true, true, true}}, /* everywhere */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[8];
        snprintf(name, sizeof name, "u%zu", i);
        struct uuid organization = cases[i].in_system ? cloud.system : world.other;
        struct caller caller = {
            .user_id = cloud_user(&cloud, &organization, name, cases[i].role)};
        struct principal principal;
        assert_true(principal_find(cloud.directory, &caller, &principal));
        for (int access = ACCESS_READ; access <= ACCESS_ADMINISTER; access++)
            assert_int_equal(authorization_access(&principal, (enum access)access),
                             cases[i].may[access]);
    }
    struct caller reporter = {.user_id = cloud_user(&cloud, &world.other, "reporter", ROLE_GUEST)};
    struct op *op = cloud_ask(&cloud, OP_BINDING_CREATE, &reporter.user_id);
    op->in.binding = (struct role_binding_input){
        .has_role = true, .role_id = *role_id(ROLE_REPORTER), .has_organization = true,
        .organization_id = cloud.system};
    cloud_expect_ok(&cloud);
    struct principal principal;
    assert_true(principal_find(cloud.directory, &reporter, &principal));
    assert_true(authorization_access(&principal, ACCESS_READ));
    assert_true(authorization_access(&principal, ACCESS_REPORT));
    assert_false(authorization_access(&principal, ACCESS_ADMINISTER));
    assert_false(authorization_visible(&principal, cloud.directory->system));
    cloud_close(&cloud);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_for_those_the_table_says),
        cmocka_unit_test(every_operation_is_in_the_table),
        cmocka_unit_test(who_is_disabled_or_gone_may_do_nothing),
        cmocka_unit_test(what_is_not_visible_is_answered_like_what_does_not_exist),
        cmocka_unit_test(nobody_grants_a_right_that_he_lacks),
        cmocka_unit_test(the_qms_trees_belong_to_the_system_organization),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
