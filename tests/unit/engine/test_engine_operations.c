/* The operations that need more of the engine than an account by name: writes of the catalogue,
 * what is found by an id, lists of subscriptions, and their repeats. */
#include <stdlib.h>

#include "engine_fixture.h"

#define HOURS_ID "f8d2066c-e3b2-4559-839e-88bfc997c89f" /* seeded */

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

static void expect(enum qms_code code) {
    call_submit(&call, false);
    call_wait(&call);
    const struct op *op = call.request.ops;
    if (op->error.code != code)
        fail_msg("%s: %s", operation_name(op->operation), op->error.text);
}

static void expect_number(struct amount amount, int64_t number) {
    assert_int_equal(amount_compare(amount, amount_of(number)), 0);
}

static void give_key(struct op *op) {
    op->key = TEXT("once");
    op->content[0] = 1;
}

static struct op *ask_about(enum operation operation, struct uuid id) {
    struct op *op = call_read(&call, operation, "");
    op->target_id = id;
    return op;
}

static struct uuid subscribe(const char *username, const char *plan) {
    struct op *op = call_read(&call, OP_SUBSCRIPTION_CHANGE, username);
    op->in.subscription = (struct subscription_input){
        .plan_name = text_of(plan), .has_paid = true, .paid = true};
    expect(QMS_OK);
    return op->out.subscription.id;
}

static struct amount cpu_hours_quota(const char *username) {
    struct op *op = call_read(&call, OP_SUMMARY_GET, username);
    expect(QMS_OK);
    return op->out.subscription.quotas[0].row.value;
}

/* ---- the catalogue ---- */

static void ask_plan(const char *name, struct rate_input *rate) {
    struct op *op = call_read(&call, OP_PLAN_ADD, "");
    op->in.plan = (struct plan_input){
        .name = text_of(name), .description = TEXT("a plan"), .rates = rate, .rate_count = 1};
    give_key(op);
}

static void a_write_of_the_catalogue_answers_what_is_stored_now(void **state) {
    (void)state;
    struct rate_input rate = {.rate = amount_of(5), .has_effective = true};
    const struct op *op = &call.request.single;
    ask_plan("Team", &rate);
    expect(QMS_OK);
    assert_true(text_equal(op->out.plan->name, TEXT("Team")));
    assert_int_equal(op->out.plan->rate_count, 1);
    struct uuid id = op->made_id;
    ask_plan("Team", &rate);
    expect(QMS_OK);
    assert_true(op->duplicate);
    assert_true(uuid_equal(&op->out.plan->id, &id));
    ask_plan("Team", &rate);
    call.request.single.key = TEXT("");
    expect(QMS_BAD_REQUEST);
    subscribe("ada", "Team"); /* it can be used at once */
}

/* The old row must not be shown for the new one. */
static void a_write_that_cannot_be_shown_is_said_to_be_saved(void **state) {
    (void)state;
    for (int times = 0; times < 2; times++) {
        struct op *op = call_read(&call, OP_ADDON_UPDATE, "");
        op->in.addon = (struct addon_input){.id = id_of(HOURS_ID), .name = TEXT("Many CPU Hours"),
                                            .update_name = true};
        give_key(op);
        if (times == 0) fault_store_arm(fixture.store, FAULT_LOAD, 1, 1);
        expect(times == 0 ? QMS_INTERNAL : QMS_OK);
        if (times == 0) {
            assert_string_equal(op->error.text, "it was saved, but cannot be shown");
            continue;
        }
        assert_true(op->duplicate);
        assert_true(text_equal(op->out.addon->name, TEXT("Many CPU Hours")));
    }
}

static void an_addon_without_changes_is_answered_without_a_write(void **state) {
    (void)state;
    struct op *op = call_read(&call, OP_ADDON_UPDATE, "");
    op->in.addon.id = id_of(HOURS_ID);
    expect(QMS_OK);
    assert_true(text_equal(op->out.addon->name, TEXT("5000 CPU Hours")));
}

/* ---- what is found by an id ---- */

static struct op *ask_apply(struct uuid subscription_id) {
    struct op *op = ask_about(OP_ADDON_APPLY, subscription_id);
    op->in.applied.addon_id = id_of(HOURS_ID);
    give_key(op);
    return op;
}

static struct op *ask_delete_addon(void) {
    struct op *op = call_read(&call, OP_ADDON_DELETE, "");
    op->in.addon.id = id_of(HOURS_ID);
    give_key(op);
    return op;
}

static void an_addon_is_applied_used_and_removed_and_every_repeat_knows_it(void **state) {
    (void)state;
    struct uuid subscription_id = subscribe("ada", "Basic");
    struct op *op = ask_apply(subscription_id);
    expect(QMS_OK);
    struct uuid applied = op->out.applied.row.id;
    ask_apply(subscription_id);
    expect(QMS_OK);
    assert_true(op->duplicate);
    expect_number(cpu_hours_quota("ada"), 5200);

    ask_delete_addon();
    expect(QMS_CONFLICT);
    for (int times = 0; times < 2; times++) {
        op = ask_about(OP_APPLIED_DELETE, applied);
        give_key(op);
        expect(QMS_OK);
        assert_int_equal(op->duplicate, times == 1);
        assert_true(uuid_equal(&op->out.applied.row.id, &applied));
    }
    expect_number(cpu_hours_quota("ada"), 200);
    ask_about(OP_APPLIED_GET, applied);
    expect(QMS_NOT_FOUND);
    ask_apply(subscription_id); /* a repeat of what has been removed since */
    expect(QMS_OK);
    assert_true(op->duplicate);
    expect_number(cpu_hours_quota("ada"), 200);
    for (int times = 0; times < 2; times++) {
        op = ask_delete_addon();
        expect(QMS_OK);
        assert_int_equal(op->duplicate, times == 1);
        assert_null(op->out.addon);
    }
    ask_apply(subscription_id)->key = TEXT("");
    expect(QMS_NOT_FOUND);
}

static void a_quota_is_set_in_a_subscription_that_was_replaced(void **state) {
    (void)state;
    struct uuid first = subscribe("ada", "Basic");
    subscribe("ada", "Pro");
    struct op *op = ask_about(OP_QUOTA_SET, first);
    op->in.quota = (struct quota_input){.resource_name = TEXT("cpu.hours"), .value = amount_of(7)};
    expect(QMS_OK);
    assert_true(uuid_equal(&op->out.quantity.subscription_id, &first));
    expect_number(op->out.quantity.row.value, 7);
    expect_number(cpu_hours_quota("ada"), 20000);
    op = ask_about(OP_QUOTA_SET, id_of(HOURS_ID));
    op->in.quota.resource_name = TEXT("cpu.hours");
    expect(QMS_NOT_FOUND);
    op = ask_about(OP_APPLIED_LIST, id_of(HOURS_ID));
    expect(QMS_OK);
    assert_int_equal(op->out.applieds.count, 0);
}

/* ---- lists ---- */

/* Items for one user in one list: each sees those before it, and a bad one changes nothing. */
static void items_of_a_list_see_those_before_them(void **state) {
    (void)state;
    static const struct {
        const char *plan;
        bool force, created;
        enum qms_code code;
    } items[] = {
        {"Regular", true, true, QMS_OK},   {"Basic", false, false, QMS_OK},
        {"Gold", true, false, QMS_BAD_REQUEST}, {"Pro", false, true, QMS_OK},
        {"Basic", true, true, QMS_OK},
    };
    enum { ITEMS = sizeof items / sizeof *items };
    struct op *ops = request_list(&call.request, OP_SUBSCRIPTION_CREATE, ITEMS);
    for (size_t i = 0; i < ITEMS; i++) {
        ops[i].username = TEXT("ada");
        ops[i].in.subscription = (struct subscription_input){
            .plan_name = text_of(items[i].plan), .has_paid = true, .force = items[i].force};
    }
    call_submit(&call, false);
    call_wait(&call);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(ops[i].error.code, items[i].code);
        if (items[i].code == QMS_OK)
            assert_int_equal(ops[i].out.subscription.created, items[i].created);
    }
    assert_true(uuid_equal(&ops[0].out.subscription.id, &ops[1].out.subscription.id));
    expect_number(cpu_hours_quota("ada"), 200); /* the last one counts */
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_write_of_the_catalogue_answers_what_is_stored_now),
        SENTENCE(a_write_that_cannot_be_shown_is_said_to_be_saved),
        SENTENCE(an_addon_without_changes_is_answered_without_a_write),
        SENTENCE(an_addon_is_applied_used_and_removed_and_every_repeat_knows_it),
        SENTENCE(a_quota_is_set_in_a_subscription_that_was_replaced),
        SENTENCE(items_of_a_list_see_those_before_them),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
