/* The root tree beside the users of paths (test_front_root.c): R3, R4, R10 to R25. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/front_fake.h"
#include "support/golden.h"
#include "support/wire_example.h"

#define JSON "application/json"
#define SUBSCRIPTION "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define ADDON "f8d2066c-e3b2-4559-839e-88bfc997c89f"
#define APPLIED "5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c11"
#define PLAN "99e47c22-950a-11ec-84a4-406c8f3e9cbb"
#define APPLIED_BODY "{\"subscription_addon\":{\"uuid\":\"" APPLIED "\"},\"update_paid\":true}"

typedef void handler(void *context, struct http_exchange *exchange);

static struct front_fake fake;
static struct wire_example example;
static struct op seen; /* what was submitted last */

static int set_up(void **state) {
    (void)state;
    front_fake_open(&fake);
    wire_example_open(&example);
    memset(&seen, 0, sizeof seen);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    example.catalogue.holders = 1000; /* requests released it */
    front_fake_close(&fake);
    return 0;
}

/* The engine's part: the example's answer to the operation that was asked. */
static void succeed(struct front_fake *unused, struct request *request) {
    (void)unused;
    assert_int_equal(request->op_count, 1);
    struct op *op = request->ops;
    seen = *op;
    assert_int_equal(op->error.code, QMS_OK);
    struct op *answer = wire_example_success(&example, op->operation);
    op->out = answer->out;
    op->made_id = answer->made_id;
    op->catalogue = answer->catalogue;
}

static void fail_unavailable(struct front_fake *unused, struct request *request) {
    (void)unused;
    qms_fail_code(&request->ops->error, QMS_UNAVAILABLE);
}

static void run(handler *handle, const char *path, const char *body) {
    front_fake_run(&fake, handle, path, JSON, text_of(body));
}

static void expect(int status, const char *golden) {
    assert_int_equal(fake.exchange.status, status);
    assert_true(text_equal(fake.exchange.content_type_out, TEXT("application/json")));
    golden_expect(golden, buffer_text(&fake.exchange.out));
}

static void expect_id(const struct uuid *found, const char *expected) {
    struct uuid uuid = {0};
    if (expected != NULL) assert_true(uuid_parse(text_of(expected), &uuid));
    assert_true(uuid_equal(found, &uuid));
}

static void every_route_asks_its_operation_of_what_it_names(void **state) {
    (void)state;
    static const struct {
        handler *handle;
        const char *path, *body;
        enum operation operation;
        const char *golden, *target;
    } cases[] = {
        {front_user_add, "/users", "{\"username\":\"ada@example.org\"}", OP_USER_ADD,
         "user_added", NULL},
        {front_updates, "/users/ada/updates", "", OP_UPDATE_LIST, "updates", NULL},
        {front_plans, "/plans", "", OP_PLAN_LIST, "plans", NULL},
        {front_plan_add, "/plans", "{\"plan\":{}}", OP_PLAN_ADD, "plan", NULL},
        {front_plan, "/plans/" PLAN, "", OP_PLAN_GET, "plan", NULL},
        {front_quota_set, "/quotas",
         "{\"quota\":{\"subscription_id\":\"" SUBSCRIPTION "\",\"resource_type\":{}}}",
         OP_QUOTA_SET, "quota", SUBSCRIPTION},
        {front_addon_add, "/addons", "{\"addon\":{}}", OP_ADDON_ADD, "addon", NULL},
        {front_addons, "/addons", "", OP_ADDON_LIST, "addons", NULL},
        {front_addon_update, "/addons/" ADDON, "{\"addon\":{}}", OP_ADDON_UPDATE, "addon", NULL},
        {front_addon_delete, "/addons/" ADDON, "", OP_ADDON_DELETE, "addon_deleted", NULL},
        {front_applieds, "/subscriptions/" SUBSCRIPTION "/addons", "", OP_APPLIED_LIST,
         "applieds", SUBSCRIPTION},
        {front_addon_apply, "/subscriptions/" SUBSCRIPTION "/addons/" ADDON, "", OP_ADDON_APPLY,
         "addon_applied", SUBSCRIPTION},
        {front_applied, "/subscription-addons/" APPLIED, "", OP_APPLIED_GET, "applied", APPLIED},
        {front_applied_update, "/subscription-addons/" APPLIED, "{\"subscription_addon\":{}}",
         OP_APPLIED_UPDATE, "applied", APPLIED},
        {front_applied_delete, "/subscription-addons/" APPLIED, "", OP_APPLIED_DELETE, "applied",
         APPLIED},
    };
    fake.answer = succeed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(cases[i].handle, cases[i].path, cases[i].body);
        expect(200, cases[i].golden);
        assert_int_equal(fake.submitted, 1);
        assert_int_equal(seen.operation, cases[i].operation);
        expect_id(&seen.target_id, cases[i].target);
        bool of_user = operation_target(seen.operation) == TARGET_USER;
        assert_true(text_equal(seen.username, of_user ? TEXT("ada") : TEXT("")));
    }
}

static void ids_of_paths_reach_the_operation(void **state) {
    (void)state;
    fake.answer = succeed;
    run(front_plan, "/plans/" PLAN, "");
    expect_id(&seen.in.plan.id, PLAN);
    run(front_addon_delete, "/addons/" ADDON, "");
    expect_id(&seen.in.addon.id, ADDON);
    run(front_addon_apply, "/subscriptions/" SUBSCRIPTION "/addons/" ADDON, "");
    expect_id(&seen.in.applied.addon_id, ADDON);
}

static void the_path_wins_over_the_body(void **state) {
    (void)state;
    fake.answer = succeed;
    run(front_addon_update, "/addons/" ADDON,
        "{\"addon\":{\"uuid\":\"" PLAN "\",\"name\":\"n\"},\"updateName\":true}");
    expect_id(&seen.in.addon.id, ADDON);
    assert_true(seen.in.addon.update_name);
    run(front_applied_update, "/subscription-addons/" ADDON, APPLIED_BODY);
    expect_id(&seen.target_id, ADDON);
    assert_true(seen.in.applied.update_paid);
}

static void the_deprecated_routes_lie_as_they_always_did(void **state) {
    (void)state;
    fake.answer = succeed;
    run(front_applied_deprecated, "/subscriptions/nonsense/addons/" APPLIED, "");
    expect(200, "applied");
    assert_int_equal(seen.operation, OP_APPLIED_GET);
    expect_id(&seen.target_id, APPLIED);
    run(front_applied_update_deprecated, "/subscriptions/x/addons/y", APPLIED_BODY);
    expect(200, "applied");
    assert_int_equal(seen.operation, OP_APPLIED_UPDATE);
    expect_id(&seen.target_id, APPLIED);
    run(front_applied_update_deprecated, "/subscriptions/" PLAN "/addons/" PLAN, APPLIED_BODY);
    expect_id(&seen.target_id, APPLIED);
    run(front_applied_delete_deprecated, "/subscriptions/" APPLIED "/addons/" APPLIED, "");
    expect(200, "applied");
    assert_int_equal(seen.operation, OP_APPLIED_DELETE);
    expect_id(&seen.target_id, APPLIED);
}

static void an_id_that_is_none_is_told_by_its_name(void **state) {
    (void)state;
    static const struct {
        handler *handle;
        const char *path, *golden;
    } cases[] = {
        {front_plan, "/plans/99e47c22950a11ec84a4406c8f3e9cbb", "message_plan_id"},
        {front_addon_update, "/addons/{" ADDON "}", "message_uuid"},
        {front_addon_delete, "/addons/x", "message_uuid"},
        {front_applieds, "/subscriptions/urn:uuid:" SUBSCRIPTION "/addons", "message_uuid"},
        {front_addon_apply, "/subscriptions/x/addons/y", "message_sub_uuid"},
        {front_addon_apply, "/subscriptions/" SUBSCRIPTION "/addons/y", "message_addon_uuid"},
        {front_applied, "/subscription-addons/x", "message_uuid"},
        {front_applied_update, "/subscription-addons/x", "message_uuid"},
        {front_applied_delete, "/subscription-addons/x", "message_uuid"},
        {front_applied_deprecated, "/subscriptions/" PLAN "/addons/y", "message_addon_uuid"},
        {front_applied_delete_deprecated, "/subscriptions/" PLAN "/addons/y",
         "message_addon_uuid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(cases[i].handle, cases[i].path, "{");
        expect(400, cases[i].golden);
        assert_int_equal(fake.submitted, 0);
    }
}

static void bodies_are_refused_in_the_shape_of_their_route(void **state) {
    (void)state;
    static const struct {
        handler *handle;
        const char *path, *body, *golden;
    } cases[] = {
        {front_user_add, "/users", "[", "message"},
        {front_user_add, "/users", "", "message_no_username"},
        {front_user_add, "/users", "{\"username\":\"a@b\"}", "user_added_invalid_name"},
        {front_user_add, "/users", "{\"username\":\"@example.org\"}", "user_added_invalid_name"},
        {front_plan_add, "/plans", "{\"plan\":[]}", "message"},
        {front_plan_add, "/plans", "", "plan_failed"},
        {front_quota_set, "/quotas", "7", "message"},
        {front_quota_set, "/quotas", "{\"quota\":{}}", "quota_failed"},
        {front_addon_add, "/addons", "{\"addon\":", "message_body_format"},
        {front_addon_add, "/addons", "{}", "addon_failed"},
        {front_addon_update, "/addons/" ADDON, "{}}", "message"},
        {front_addon_update, "/addons/" ADDON, "{}", "message_no_addon"},
        {front_applied_update, "/subscription-addons/" APPLIED, "{", "message"},
        {front_applied_update, "/subscription-addons/" APPLIED, "{}", "applied_failed"},
        {front_applied_update_deprecated, "/subscriptions/x/addons/y", "", "applied_failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(cases[i].handle, cases[i].path, cases[i].body);
        expect(400, cases[i].golden);
        assert_int_equal(fake.submitted, 0);
    }
    front_fake_run(&fake, front_addon_add, "/addons", "text/plain", TEXT("{\"addon\":{}}"));
    expect(400, "message_body_format");
    run(front_updates, "/users/a@b/updates", "");
    expect(400, "updates_failed");
}

static void failures_have_the_list_that_clients_know(void **state) {
    (void)state;
    fake.answer = fail_unavailable;
    run(front_plans, "/plans", "");
    expect(503, "plans_failed");
    run(front_addons, "/addons", "");
    expect(503, "addons_failed");
    run(front_applieds, "/subscriptions/" SUBSCRIPTION "/addons", "");
    expect(503, "applieds_failed");
    run(front_updates, "/users/ada/updates", "");
    assert_int_equal(fake.exchange.status, 503);
    assert_non_null(memmem(fake.exchange.out.data, fake.exchange.out.length, "\"updates\":[]}",
                           13));
}

static void all_updates_of_a_user_are_asked_for(void **state) {
    (void)state;
    fake.answer = succeed;
    run(front_updates, "/users/nobody/updates", "");
    assert_true(seen.in.listing.limit < 0);
    assert_false(seen.in.listing.must_exist);
    assert_int_equal(seen.in.listing.offset, 0);
}

/* Rows come in pieces, and leave in parts. */
static void succeed_in_pieces(struct front_fake *unused, struct request *request) {
    (void)unused;
    struct op *op = request->ops;
    op->out = wire_example_success(&example, OP_UPDATE_LIST)->out;
    assert_non_null(request->piece);
    for (int i = 0; i < 500; i++) assert_true(request->piece(request));
    op->out.listing.count = 0;
}

static void many_updates_leave_in_parts(void **state) {
    (void)state;
    fake.answer = succeed_in_pieces;
    run(front_updates, "/users/ada/updates", "");
    assert_int_equal(fake.exchange.status, 200);
    assert_true(fake.pushed > 1);
    buffer_put_text(&fake.parts, buffer_text(&fake.exchange.out));
    size_t rows = 0;
    const char *at = fake.parts.data, *end = at + fake.parts.length;
    while ((at = memmem(at, (size_t)(end - at), "\"value_type\"", 12)) != NULL) {
        rows++;
        at++;
    }
    assert_int_equal(rows, 500);
    assert_memory_equal(end - 4, "}]}\n", 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    golden_open(argc, argv);
    const struct CMUnitTest tests[] = {
        CASE(every_route_asks_its_operation_of_what_it_names),
        CASE(ids_of_paths_reach_the_operation),
        CASE(the_path_wins_over_the_body),
        CASE(the_deprecated_routes_lie_as_they_always_did),
        CASE(an_id_that_is_none_is_told_by_its_name),
        CASE(bodies_are_refused_in_the_shape_of_their_route),
        CASE(failures_have_the_list_that_clients_know),
        CASE(all_updates_of_a_user_are_asked_for),
        CASE(many_updates_leave_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
