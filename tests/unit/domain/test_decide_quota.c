/* Setting quotas, and the reports of the /v1 tree: usages.report and usages.show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define DIGITS_34 "9999999999999999999999999999999999"

static struct facts facts;
static struct subscription *subscription;

/* ada has a Basic subscription with quotas and has used 90 cpu hours. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Basic", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_USAGES, "cpu.hours", "90");
    return 0;
}

static int setup_absent(void **state) {
    (void)state;
    facts_open(&facts);
    subscription = NULL;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static struct amount quota(const char *resource_name) {
    return facts_value(&facts, subscription, VALUE_QUOTAS, resource_name);
}

static struct amount used(const char *resource_name) {
    return facts_value(&facts, subscription, VALUE_USAGES, resource_name);
}

static void expect_set_audit(const char *resource_name, const char *value, const char *metadata) {
    const struct update *audit = facts_audit(&facts);
    struct uuid id = facts_resource_id(&facts, resource_name);
    assert_int_equal(audit->operation, UPDATE_SET);
    assert_int_equal(audit->value_type, VALUE_QUOTAS);
    assert_true(uuid_equal(&audit->resource_type_id, &id));
    assert_ptr_equal(audit->account, &facts.account);
    assert_int_equal(audit->effective_us, facts.decision.decided_us);
    expect_amount(audit->value, value);
    expect_text(audit->metadata, metadata);
}

/* ---- quotas.set (7.1) ---- */

static void a_quota_is_set_in_any_subscription_named_by_its_id(void **state) {
    (void)state;
    static const struct {
        const char *start, *end;
    } cases[] = {
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"}, /* active */
        {"2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"}, /* expired */
        {"2030-01-01T00:00:00Z", NULL},                   /* not begun */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        struct subscription *other =
            facts_subscription(&facts, OTHER_ID, "Pro", cases[i].start, cases[i].end);
        facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "500.25");
        facts_expect_ok(&facts);
        expect_amount(facts_value(&facts, other, VALUE_QUOTAS, "cpu.hours"), "500.25");
        expect_set_audit("cpu.hours", "500.25", "quotas.set");
        const struct quantity_view *view = &facts.op.out.quantity;
        expect_amount(view->row.value, "500.25");
        expect_text(view->resource_type->name, "cpu.hours");
        assert_true(uuid_equal(&view->subscription_id, &other->id));
        assert_true(uuid_equal(&facts.op.made_id, &view->row.id));
        assert_int_equal(facts_subscription_count(&facts), 1);
    }
}

static void a_quota_that_is_set_replaces_the_row(void **state) {
    (void)state;
    subscription->quotas->inexact = true;
    struct uuid id = subscription->quotas->id;
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "0"); /* 0 is a quota */
    facts_expect_ok(&facts);
    expect_amount(quota("cpu.hours"), "0");
    assert_true(uuid_equal(&subscription->quotas->id, &id));
    assert_false(subscription->quotas->inexact);
    assert_null(subscription->quotas->next);
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", DIGITS_34);
    facts_expect_ok(&facts);
    expect_amount(quota("cpu.hours"), DIGITS_34);
}

static void a_resource_type_is_named_by_id_or_else_by_name(void **state) {
    (void)state;
    static const struct {
        const char *id, *name, *text; /* text NULL: accepted */
    } cases[] = {
        {CPU_ID, "", NULL},
        {CPU_ID, "anything", NULL}, /* the id counts */
        {"", "cpu.hours", NULL},
        {"", "", "either the resource type ID or name must be specified"},
        {"cpu.hours", "", "resource_type.uuid must be a UUID"},
        {"", "gpu.hours", "resource type not found: gpu.hours"},
        {"99e3bc7e-950a-11ec-84a4-406c8f3e9cbc", "cpu.hours",
         "resource type not found: 99e3bc7e-950a-11ec-84a4-406c8f3e9cbc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts_set_quota(&facts, OP_QUOTA_SET, cases[i].name, "7")->resource_id =
            text_of(cases[i].id);
        if (cases[i].text == NULL) facts_expect_ok(&facts);
        else facts_expect_refused(&facts, QMS_BAD_REQUEST, cases[i].text);
    }
    expect_amount(quota("cpu.hours"), "7");
}

static void a_quota_below_zero_is_refused(void **state) {
    (void)state;
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "-0.000001");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid value");
    facts_set_quota(&facts, OP_QUOTA_SET_USER, "cpu.hours", "-1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "the quota must not be less than zero");
}

static void a_subscription_that_nobody_has_is_not_found(void **state) {
    (void)state;
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "7");
    facts.op.target_id = facts_id(OTHER_ID);
    facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription not found: " OTHER_ID);
    facts.op.account = NULL;
    facts_expect_refused(&facts, QMS_NOT_FOUND, "subscription not found: " OTHER_ID);
}

static void an_audit_row_names_the_path_and_who_asked(void **state) {
    (void)state;
    facts_set_quota(&facts, OP_QUOTA_SET, "cpu.hours", "7");
    facts.op.principal = TEXT("key terrain");
    facts_expect_ok(&facts);
    expect_set_audit("cpu.hours", "7", "quotas.set by key terrain");
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "1");
    facts.op.principal = TEXT("key terrain");
    facts_expect_ok(&facts);
    expect_text(facts_audit(&facts)->metadata, "usages.add by key terrain");
}

/* ---- quotas.set_user (7.2) ---- */

static void the_active_subscription_of_a_user_gets_the_quota(void **state) {
    (void)state;
    facts_subscription(&facts, OTHER_ID, "Pro", "2026-12-01T00:00:00Z", NULL);
    facts_set_quota(&facts, OP_QUOTA_SET_USER, "data.size", "0");
    facts_expect_ok(&facts);
    const struct subscription_view *view = &facts.op.out.subscription;
    assert_true(uuid_equal(&view->id, &subscription->id));
    assert_false(view->created);
    assert_int_equal(view->quota_count, 2);
    expect_amount(view->quotas[1].row.value, "0");
    expect_amount(quota("cpu.hours"), "200");
    expect_set_audit("data.size", "0", "quotas.set_user");
}

static void a_quota_of_an_unknown_user_makes_a_basic_subscription(void **state) {
    (void)state;
    facts_set_quota(&facts, OP_QUOTA_SET_USER, "cpu.hours", "500");
    facts_expect_ok(&facts);
    const struct subscription_view *view = &facts.op.out.subscription;
    assert_true(view->created);
    expect_text(view->plan->name, "Basic");
    assert_true(uuid_equal(&view->id, &facts.op.made_id));
    expect_amount(view->quotas[0].row.value, "500");
    expect_amount(view->quotas[1].row.value, "5368709120");
    expect_set_audit("cpu.hours", "500", "quotas.set_user");
}

static void setting_the_quota_of_a_user_is_checked_in_order(void **state) {
    (void)state;
    static const struct {
        const char *resource, *value, *default_plan;
        enum qms_code code;
        const char *text;
    } cases[] = {
        {"", "-1", "None", QMS_BAD_REQUEST, "no resource type name provided in request"},
        {"gpu", "-1", "None", QMS_BAD_REQUEST, "the quota must not be less than zero"},
        {"gpu", "1", "None", QMS_BAD_REQUEST, "resource type 'gpu' not found"},
        {"cpu.hours", "1", "None", QMS_INTERNAL,
         "unable to look up the user's active subscription"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.decision.default_plan = text_of(cases[i].default_plan);
        facts_set_quota(&facts, OP_QUOTA_SET_USER, cases[i].resource, cases[i].value);
        facts_expect_refused(&facts, cases[i].code, cases[i].text);
    }
}

/* ---- usages.report (8.4) ---- */

static void a_report_is_checked_in_the_documented_order(void **state) {
    (void)state;
    /* Each case spoils everything that is looked at later as well. */
    static const struct {
        const char *resource, *value, *update_type, *text;
    } cases[] = {
        {"", "-1", "", "invalid resource name"},
        {"gpu.hours", "-1", "", "invalid usage value"},
        {"cpu.hours", "-0.1", "ADD", "invalid usage value"},
        {"gpu.hours", "1", "", "invalid update type"},
        {"gpu.hours", "1", "add", "invalid resource name: gpu.hours"},
        {"cpu.hours", "1", "add", "invalid update type: add"},
        {"cpu.hours", DIGITS_34, "ADD",
         "invalid usage value: the sum needs more than 34 digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts_usage(&facts, OP_USAGE_REPORT, cases[i].update_type, cases[i].resource,
                    cases[i].value);
        facts_expect_refused(&facts, QMS_BAD_REQUEST, cases[i].text);
    }
}

static void a_report_changes_the_usage_and_writes_its_operand(void **state) {
    (void)state;
    static const struct {
        const char *update_type, *value, *after;
        enum update_operation operation;
    } cases[] = {
        {"ADD", "2.5", "92.5", UPDATE_ADD},
        {"ADD", "0", "92.5", UPDATE_ADD},
        {"SET", "7", "7", UPDATE_SET},
        {"SET", "0", "0", UPDATE_SET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct change_input *input = facts_usage(&facts, OP_USAGE_REPORT, cases[i].update_type,
                                                 "cpu.hours", cases[i].value);
        input->has_metadata = i > 0;
        input->metadata = i > 0 ? TEXT("{\"why\":1}") : TEXT("");
        facts_expect_ok(&facts);
        expect_amount(used("cpu.hours"), cases[i].after);
        const struct update *audit = facts_audit(&facts);
        assert_int_equal(audit->operation, cases[i].operation);
        assert_int_equal(audit->value_type, VALUE_USAGES);
        expect_amount(audit->value, cases[i].value);
        assert_int_equal(audit->effective_us, facts.decision.decided_us);
        expect_text(audit->metadata, i > 0 ? "{\"why\":1}" : ""); /* as given */
    }
}

static void a_report_subscribes_its_user(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_REPORT, "ADD", "data.size", "1024");
    facts_expect_ok(&facts);
    assert_int_equal(facts_subscription_count(&facts), 1);
    expect_amount(
        facts_value(&facts, facts.account.subscriptions, VALUE_USAGES, "data.size"), "1024");
}

static void a_report_that_cannot_subscribe_is_internal_in_its_own_words(void **state) {
    (void)state;
    facts.decision.default_plan = TEXT("None");
    facts_usage(&facts, OP_USAGE_REPORT, "ADD", "data.size", "1024");
    facts_expect_refused(&facts, QMS_INTERNAL, "unable to record the usage");
}

/* ---- usages.show (8.2) ---- */

static void usages_are_shown_by_resource_name(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "5");
    facts_read(&facts, OP_USAGE_SHOW);
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.usages.count, 2);
    expect_text(facts.op.out.usages.rows[0].resource_type->name, "cpu.hours");
    expect_amount(facts.op.out.usages.rows[0].row.value, "90");
    expect_text(facts.op.out.usages.rows[1].resource_type->name, "data.size");
    assert_true(changes_empty(&facts.changes));
}

static void showing_usages_subscribes_where_it_may(void **state) {
    (void)state;
    facts.decision.reads_subscribe = false;
    facts_read(&facts, OP_USAGE_SHOW);
    facts_expect_refused(&facts, QMS_NOT_FOUND, "user name not found");
    facts.decision.reads_subscribe = true;

    facts.account.writable = 0;
    facts_read(&facts, OP_USAGE_SHOW);
    facts_expect_refused(&facts, QMS_OK, "");
    assert_true(facts.decision.must_write);
    facts.account.writable = ROWS_ALL;

    facts.decision.default_plan = TEXT("None");
    facts_expect_refused(&facts, QMS_INTERNAL, "unable to look up the usages");
    facts.decision.default_plan = TEXT("Basic");
    facts_expect_ok(&facts);
    assert_int_equal(facts.op.out.usages.count, 0);
    assert_int_equal(facts_subscription_count(&facts), 1);
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SENTENCE_ABSENT(test) cmocka_unit_test_setup_teardown(test, setup_absent, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(a_quota_is_set_in_any_subscription_named_by_its_id),
        SENTENCE(a_quota_that_is_set_replaces_the_row),
        SENTENCE(a_resource_type_is_named_by_id_or_else_by_name),
        SENTENCE(a_quota_below_zero_is_refused),
        SENTENCE(a_subscription_that_nobody_has_is_not_found),
        SENTENCE(an_audit_row_names_the_path_and_who_asked),
        SENTENCE(the_active_subscription_of_a_user_gets_the_quota),
        SENTENCE_ABSENT(a_quota_of_an_unknown_user_makes_a_basic_subscription),
        SENTENCE_ABSENT(setting_the_quota_of_a_user_is_checked_in_order),
        SENTENCE(a_report_is_checked_in_the_documented_order),
        SENTENCE(a_report_changes_the_usage_and_writes_its_operand),
        SENTENCE_ABSENT(a_report_subscribes_its_user),
        SENTENCE_ABSENT(a_report_that_cannot_subscribe_is_internal_in_its_own_words),
        SENTENCE(usages_are_shown_by_resource_name),
        SENTENCE_ABSENT(showing_usages_subscribes_where_it_may),
    };
#undef SENTENCE_ABSENT
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
