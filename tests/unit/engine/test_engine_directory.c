/* What CloudMC manages, through the engine: a write is alone in its batch, is published after its
 * commit, and is seen by whoever asks next. */
#include <stdlib.h>

#include "engine_fixture.h"

#define SYSTEM_ID "5a1e330c-62b4-4d0e-9c4f-71a90b2d7001"   /* seeded */
#define OPERATOR_ID "5a1e330c-62b4-4d0e-9c4f-71a90b2d7002" /* seeded */

static struct fixture fixture;
static struct call call;

static int setup(void **state) {
    (void)state;
    fixture_open(&fixture, NULL);
    call_init(&call, &fixture);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    call_close(&call);
    fixture_close(&fixture);
    return 0;
}

static struct op *ask(enum operation operation) {
    struct op *op = call_read(&call, operation, "");
    op->caller = (struct caller){.user_id = id_of(OPERATOR_ID)};
    return op;
}

static struct op *expect(enum qms_code code) {
    call_submit(&call, true);
    call_wait(&call);
    struct op *op = call.request.ops;
    if (op->error.code != code)
        fail_msg("%s: %s", operation_name(op->operation), op->error.text);
    return op;
}

static struct organization_input *ask_organization(const char *name) {
    struct op *op = ask(OP_ORGANIZATION_CREATE);
    op->in.organization = (struct organization_input){.has_name = true, .name = text_of(name)};
    return &op->in.organization;
}

static struct uuid add_organization(const char *name) {
    ask_organization(name);
    return expect(QMS_OK)->made_id;
}

static void expect_text(struct text text, const char *expected) {
    assert_true(text_equal(text, text_of(expected)));
}

static void a_new_server_has_the_system_organization_and_its_operator(void **state) {
    (void)state;
    struct directory *directory = engine_directory(fixture.engine);
    struct uuid system = id_of(SYSTEM_ID);
    assert_true(uuid_equal(&directory->system->row.id, &system));
    expect_text(directory->system->row.name, "System");
    assert_int_equal(directory_count(directory, DIRECTORY_USERS), 1);
    expect_text(directory->system->users->row.name, "operator");
    assert_int_equal(directory->system->users->primary->row.role, ROLE_OPERATOR);
    assert_int_equal(directory_count(directory, DIRECTORY_KEYS), 0);
    directory_release(directory);
}

static void what_was_made_is_shown_as_it_is_stored(void **state) {
    (void)state;
    ask_organization(" Physics ");
    struct op *op = expect(QMS_OK);
    const struct organization *organization = op->out.cloud.organization;
    assert_non_null(organization);
    expect_text(organization->row.name, "Physics");
    assert_ptr_equal(organization->parent, op->directory->system);
    assert_int_equal(organization->depth, 1);
    assert_false(op->out.cloud.has_task);
}

static void who_asks_next_sees_it(void **state) {
    (void)state;
    struct uuid id = add_organization("Physics");
    ask(OP_ORGANIZATION_GET)->target_id = id;
    expect_text(expect(QMS_OK)->out.cloud.organization->row.name, "Physics");
    ask(OP_ORGANIZATION_LIST);
    assert_int_equal(expect(QMS_OK)->out.cloud.list.count, 2);
}

static void a_directory_that_is_held_stays_as_it_was(void **state) {
    (void)state;
    struct directory *before = engine_directory(fixture.engine);
    add_organization("Physics");
    struct directory *after = engine_directory(fixture.engine);
    assert_int_equal(after->version, before->version + 1);
    assert_int_equal(directory_count(before, DIRECTORY_ORGANIZATIONS), 1);
    assert_int_equal(directory_count(after, DIRECTORY_ORGANIZATIONS), 2);
    directory_release(before);
    directory_release(after);
}

static void a_write_that_cannot_be_committed_changes_nothing(void **state) {
    (void)state;
    fault_store_arm(fixture.store, FAULT_SAVE_FAILED, 0, 1);
    ask_organization("Physics");
    expect(QMS_UNAVAILABLE);
    ask(OP_ORGANIZATION_LIST);
    assert_int_equal(expect(QMS_OK)->out.cloud.list.count, 1);
    add_organization("Physics");
}

static void a_key_makes_it_once_for_each_who_asks(void **state) {
    (void)state;
    struct op *op;
    struct uuid first = {0};
    for (int i = 0; i < 2; i++) {
        ask_organization("Physics");
        call.request.ops->key = TEXT("once");
        op = expect(QMS_OK);
        assert_int_equal(op->duplicate, i == 1);
        expect_text(op->out.cloud.organization->row.name, "Physics");
        if (i == 0) first = op->made_id;
        assert_true(uuid_equal(&op->made_id, &first));
    }
    ask_organization("Chemistry");
    call.request.ops->key = TEXT("once");
    call.request.ops->content[0] = 1;
    expect(QMS_CONFLICT);
    ask_organization("Chemistry");
    call.request.ops->caller = (struct caller){.is_local = true};
    call.request.ops->key = TEXT("once"); /* somebody else's */
    call.request.ops->content[0] = 1;
    assert_false(expect(QMS_OK)->duplicate);
}

static void a_key_opens_until_it_is_revoked(void **state) {
    (void)state;
    static const uint8_t hash[32] = {7};
    struct principal principal;
    const struct api_key *key;
    struct op *op = ask(OP_API_KEY_CREATE);
    op->in.api_key.hash[0] = 7;
    struct uuid id = expect(QMS_OK)->made_id;
    struct directory *directory = engine_directory(fixture.engine);
    assert_true(principal_of_key(directory, hash, &principal, &key));
    expect_text(principal.user->row.name, "operator");
    directory_release(directory);
    struct api_key_touch touch = {.key_id = id, .used_us = INT64_MAX, .address = TEXT("::1")};
    op = ask(OP_API_KEY_TOUCH);
    op->in.touch = (struct api_key_touch_input){&touch, 1};
    expect(QMS_OK);
    ask(OP_API_KEY_LIST);
    op = expect(QMS_OK);
    assert_int_equal(op->out.cloud.list.count, 1);
    key = op->out.cloud.list.rows[0];
    expect_text(key->row.used_address, "::1");
    ask(OP_API_KEY_REVOKE)->target_id = id;
    assert_null(expect(QMS_OK)->out.cloud.key);
    directory = engine_directory(fixture.engine);
    assert_false(principal_of_key(directory, hash, &principal, &key));
    directory_release(directory);
    op = ask(OP_ORGANIZATION_LIST);
    op->caller.key_id = id; /* asked before, decided after it was revoked */
    assert_int_equal(expect(QMS_UNAUTHENTICATED)->cloud.code, CLOUD_INVALID_CREDENTIALS);
}

/* Point 13 of the checklist: both are under way at once. */
static void two_creations_as_default_at_once_leave_exactly_one(void **state) {
    (void)state;
    enum { CALLS = 2 };
    struct call calls[CALLS];
    struct quota_detail_input detail = {.has_metric = true, .metric = TEXT("workload_cpu_count"),
                                        .has_ceiling = true, .ceiling = amount_of(1)};
    struct op *op = ask(OP_CONNECTION_CREATE);
    op->in.connection = (struct connection_input){
        .has_name = true, .name = TEXT("link"), .has_service_code = true,
        .service_code = TEXT("link"), .has_type = true, .type = TEXT("stackpath")};
    struct uuid link = expect(QMS_OK)->made_id;
    for (int i = 0; i < CALLS; i++) {
        call_init(&calls[i], &fixture);
        op = call_read(&calls[i], OP_CLOUD_QUOTA_CREATE, "");
        op->caller = (struct caller){.user_id = id_of(OPERATOR_ID)};
        op->in.cloud_quota = (struct cloud_quota_input){
            .has_name = true, .name = i == 0 ? TEXT("a") : TEXT("b"), .has_connection = true,
            .connection_id = link, .default_for_service = true, .default_for_trial = true,
            .has_details = true, .details = &detail, .detail_count = 1};
    }
    for (int i = 0; i < CALLS; i++) call_submit(&calls[i], false);
    for (int i = 0; i < CALLS; i++) {
        call_wait(&calls[i]);
        assert_int_equal(calls[i].request.ops->error.code, QMS_OK);
        call_close(&calls[i]);
    }
    struct directory *directory = engine_directory(fixture.engine);
    int services = 0, trials = 0;
    for (size_t i = 0; i < directory_count(directory, DIRECTORY_QUOTAS); i++) {
        const struct cloud_quota *quota = directory_at(directory, DIRECTORY_QUOTAS, i);
        services += quota->row.default_for_service;
        trials += quota->row.default_for_trial;
    }
    assert_int_equal(directory_count(directory, DIRECTORY_QUOTAS), 2);
    assert_int_equal(services, 1);
    assert_int_equal(trials, 1);
    directory_release(directory);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_new_server_has_the_system_organization_and_its_operator),
        SENTENCE(what_was_made_is_shown_as_it_is_stored),
        SENTENCE(who_asks_next_sees_it),
        SENTENCE(a_directory_that_is_held_stays_as_it_was),
        SENTENCE(a_write_that_cannot_be_committed_changes_nothing),
        SENTENCE(a_key_makes_it_once_for_each_who_asks),
        SENTENCE(a_key_opens_until_it_is_revoked),
        SENTENCE(two_creations_as_default_at_once_leave_exactly_one),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
