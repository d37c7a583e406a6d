#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define OLD_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define OTHER_ID "0a6f1c52-5d2b-11ee-8c99-0242ac120002"
#define USER_ID "3b0c5f8e-5d2a-11ee-8c99-0242ac120002"
#define PRO_ID "cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb"

static struct facts facts;

static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    facts_close(&facts);
    return 0;
}

static struct subscription *newest(void) {
    assert_non_null(facts.account.subscriptions);
    return facts.account.subscriptions;
}

static void expect_plan(const struct subscription *subscription, const char *name) {
    const struct plan *plan = catalogue_plan(facts.decision.catalogue, &subscription->plan_id);
    assert_non_null(plan);
    expect_text(plan->name, name);
}

static void expect_end(int64_t end_us, const char *end) {
    if (end == NULL) assert_true(end_us == TIME_NEVER);
    else expect_time(end_us, end);
}

/* ---- checks, in the words and the order of each operation ---- */

/* Each case spoils everything that is looked at later as well. */
struct refusal {
    const char *plan;
    bool has_paid;
    int64_t periods;
    const char *start, *end; /* NULL: absent */
    enum qms_code code;
    const char *text;
};

static void expect_refusals(enum operation operation, const struct refusal *cases, size_t count) {
    facts_subscription(&facts, OLD_ID, "Basic", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    for (size_t i = 0; i < count; i++) {
        struct subscription_input *input = facts_subscribe(&facts, operation, cases[i].plan);
        input->has_paid = cases[i].has_paid;
        input->periods = cases[i].periods;
        input->has_start = cases[i].start != NULL;
        if (input->has_start) input->start_us = facts_time(cases[i].start);
        input->has_end = cases[i].end != NULL;
        if (input->has_end) input->end_us = facts_time(cases[i].end);
        facts_expect_refused(&facts, cases[i].code, cases[i].text);
    }
}

#define PAST "2026-08-12T10:00:00Z" /* the very moment of the decision */
#define PERIODS "the number of periods must be greater than zero"

static void adding_a_user_is_checked_in_the_documented_order(void **state) {
    (void)state;
    facts_forget_rates(&facts, "Regular");
    static const struct refusal cases[] = {
        {"", false, -1, NULL, "2020-01-01T00:00:00Z", QMS_BAD_REQUEST, PERIODS},
        {"", false, 11, NULL, "2020-01-01T00:00:00Z", QMS_BAD_REQUEST, PERIODS},
        {"", false, INT64_C(1) << 40, NULL, NULL, QMS_BAD_REQUEST, PERIODS},
        {"", false, 0, NULL, "2020-01-01T00:00:00Z", QMS_BAD_REQUEST,
         "the end date must be in the future"},
        {"", false, 10, NULL, PAST, QMS_BAD_REQUEST, "the end date must be in the future"},
        {"", false, 10, NULL, "1970-01-01T00:00:00Z", QMS_BAD_REQUEST,
         "the end date must be in the future"},
        {"", false, 0, NULL, NULL, QMS_BAD_REQUEST,
         "no plan name provided in the request body"},
        {"Gold", false, 0, NULL, NULL, QMS_BAD_REQUEST, "subscription plan does not exist: Gold"},
        {"pro", false, 0, NULL, NULL, QMS_BAD_REQUEST, "subscription plan does not exist: pro"},
        {"Regular", false, 0, NULL, NULL, QMS_BAD_REQUEST,
         "the Regular subscription plan has no effective rate"},
    };
    expect_refusals(OP_USER_ADD, cases, sizeof cases / sizeof *cases);
}

static void changing_a_plan_is_checked_in_the_documented_order(void **state) {
    (void)state;
    facts_forget_rates(&facts, "Regular");
    static const struct refusal cases[] = {
        {"", false, -1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST, PERIODS},
        {"", false, 11, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST, PERIODS},
        {"", false, 1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST,
         "end date must be in the future"},
        {"", false, 1, "2020-08-12T10:00:00Z", NULL, QMS_BAD_REQUEST,
         "end date must be in the future"},
        {"", false, 1, "2026-09-12T10:00:00Z", "2026-09-12T10:00:00Z", QMS_BAD_REQUEST,
         "the start date must precede the end date"},
        {"", false, 1, "2026-09-12T10:00:00Z", "2026-09-12T09:59:59.999999Z", QMS_BAD_REQUEST,
         "the start date must precede the end date"},
        {"", false, 2, "9998-09-12T10:00:00Z", "9998-09-12T10:00:00Z", QMS_BAD_REQUEST,
         "the start date must precede the end date"},
        {"", false, 1, NULL, NULL, QMS_BAD_REQUEST, "no plan name provided in the request body"},
        {"Gold", false, 1, NULL, NULL, QMS_BAD_REQUEST, "plan name `Gold` not found"},
        {"Regular", false, 1, NULL, NULL, QMS_BAD_REQUEST,
         "the Regular subscription plan has no effective rate"},
    };
    expect_refusals(OP_SUBSCRIPTION_CHANGE, cases, sizeof cases / sizeof *cases);
}

static void an_item_of_a_list_is_checked_in_the_documented_order(void **state) {
    (void)state;
    facts_forget_rates(&facts, "Regular");
    static const struct refusal cases[] = {
        {"", false, -1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST,
         "no plan name provided in request"},
        {"Gold", false, -1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST,
         "no paid indicator provided in request"},
        {"Gold", true, -1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST, PERIODS},
        {"Gold", true, 11, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST, PERIODS},
        {"Gold", true, 1, "2026-08-12T10:00:00Z", PAST, QMS_BAD_REQUEST,
         "start date must precede end date"},
        {"Gold", true, 1, NULL, PAST, QMS_BAD_REQUEST, "start date must precede end date"},
        {"Gold", true, 1, "2026-08-12T09:59:59Z", PAST, QMS_BAD_REQUEST,
         "end date must be in the future"},
        {"Gold", true, 0, NULL, NULL, QMS_BAD_REQUEST, "plan does not exist: Gold"},
        {"Regular", true, 0, NULL, NULL, QMS_BAD_REQUEST,
         "the Regular subscription plan has no effective rate"},
    };
    expect_refusals(OP_SUBSCRIPTION_CREATE, cases, sizeof cases / sizeof *cases);
}

static void a_refused_request_of_an_unknown_user_makes_nobody(void **state) {
    (void)state;
    facts_forget_rates(&facts, "Regular");
    facts_subscribe(&facts, OP_USER_ADD, "Gold");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "subscription plan does not exist: Gold");
    facts_subscribe(&facts, OP_USER_ADD, "Regular");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "the Regular subscription plan has no effective rate");
    facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Regular");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "the Regular subscription plan has no effective rate");
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Regular");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "the Regular subscription plan has no effective rate");
    facts.decision.default_plan = TEXT("Starter");
    facts_read(&facts, OP_USER_ENSURE);
    facts_expect_refused(&facts, QMS_INTERNAL,
                         "unable to look up the user's active subscription");
    assert_false(facts.account.exists);
}

/* ---- users.add (3.1) ---- */

static void a_user_is_added_with_the_plan_asked_for(void **state) {
    (void)state;
    facts_subscribe(&facts, OP_USER_ADD, "Pro")->periods = 3;
    facts_expect_ok(&facts);
    const struct user_view *user = &facts.op.out.user;
    expect_text(user->username, "ada");
    assert_true(uuid_equal(&user->id, &facts.account.user_id));
    assert_true(uuid_equal(&facts.op.made_id, &user->id));
    expect_text(user->plan->name, "Pro");
    expect_plan(newest(), "Pro");
    assert_true(newest()->paid);
    expect_time(newest()->start_us, "2026-08-12T10:00:00Z");
    expect_time(newest()->end_us, "2029-08-12T10:00:00Z"); /* defects 1 and 2 */
    expect_amount(facts_value(&facts, newest(), VALUE_QUOTAS, "cpu.hours"), "60000");
    expect_amount(facts_value(&facts, newest(), VALUE_QUOTAS, "data.size"), "3298534883328");
    assert_int_equal(facts.changes.updates.count, 0);
    assert_int_equal(facts.changes.accounts.count, 1);
}

/* What the user has, what is asked for, and whether that makes a subscription (3.1, step 7). */
static void a_user_is_subscribed_when_forced_or_not_on_that_plan(void **state) {
    (void)state;
    static const struct {
        const char *plan, *start, *end; /* of what the user has */
        const char *asked;
        bool force, made;
    } cases[] = {
        {"Pro", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "Pro", false, false},
        {"Pro", "2026-01-01T00:00:00Z", NULL, "Pro", false, false},
        {"Pro", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "Pro", true, true},
        {"Pro", "2026-01-01T00:00:00Z", "2026-08-12T09:59:59.999999Z", "Pro", false, true},
        {"Pro", "2026-08-12T10:00:00.000001Z", "2027-01-01T00:00:00Z", "Pro", false, true},
        {"Basic", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "Pro", false, true},
        {"Pro", "2026-01-01T00:00:00Z", NULL, "Basic", false, true}, /* downgrades, by name */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        struct subscription *had =
            facts_subscription(&facts, OLD_ID, cases[i].plan, cases[i].start, cases[i].end);
        struct subscription_input *input = facts_subscribe(&facts, OP_USER_ADD, cases[i].asked);
        input->force = cases[i].force;
        input->paid = false;
        facts_expect_ok(&facts);
        expect_text(facts.op.out.user.plan->name, cases[i].asked);
        assert_int_equal(facts_subscription_count(&facts), cases[i].made ? 2 : 1);
        assert_int_equal(changes_empty(&facts.changes), !cases[i].made);
        if (!cases[i].made) continue;
        expect_plan(newest(), cases[i].asked);
        assert_false(newest()->paid);
        assert_true(had->end_us <= newest()->start_us || had->start_us >= newest()->end_us ||
                    had->start_us == had->end_us);
    }
}

static void a_larger_plan_is_kept_where_it_is_set_so(void **state) {
    (void)state;
    static const struct {
        const char *plan, *asked;
        bool keep, force, made;
    } cases[] = {
        {"Pro", "Basic", true, false, false},     {"Pro", "Basic", true, true, true},
        {"Pro", "Basic", false, false, true},     {"Regular", "Pro", true, false, true},
        {"Basic", "Regular", true, false, true},  {"Pro", "Pro", true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        facts_subscription(&facts, OLD_ID, cases[i].plan, "2026-01-01T00:00:00Z", NULL);
        struct subscription_input *input = facts_subscribe(&facts, OP_USER_ADD, cases[i].asked);
        input->keep_larger = cases[i].keep;
        input->force = cases[i].force;
        facts_expect_ok(&facts);
        expect_text(facts.op.out.user.plan->name, cases[i].asked);
        assert_int_equal(facts_subscription_count(&facts), cases[i].made ? 2 : 1);
    }
}

/* Defect 24: only the active one counts, not every one that has not ended. */
static void being_on_a_plan_means_by_the_active_subscription(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Pro", "2026-01-01T00:00:00Z", NULL);
    facts_subscription(&facts, OTHER_ID, "Basic", "2026-02-01T00:00:00Z", NULL);
    facts_subscribe(&facts, OP_USER_ADD, "Pro")->force = false;
    facts_expect_ok(&facts);
    assert_int_equal(facts_subscription_count(&facts), 3);
    expect_plan(subscription_active(&facts.account, facts.decision.decided_us), "Pro");
}

static void a_given_end_is_kept_whatever_the_periods(void **state) {
    (void)state;
    struct subscription_input *input = facts_subscribe(&facts, OP_USER_ADD, "Pro");
    input->periods = 2;
    input->has_end = true;
    input->end_us = facts_time("2026-08-12T10:00:00.000001Z");
    facts_expect_ok(&facts);
    expect_time(newest()->end_us, "2026-08-12T10:00:00.000001Z");
    expect_amount(facts_value(&facts, newest(), VALUE_QUOTAS, "cpu.hours"), "40000");
}

static void an_end_that_is_no_date_is_refused_after_the_periods(void **state) {
    (void)state;
    static const enum operation operations[] = {OP_USER_ADD, OP_SUBSCRIPTION_CHANGE};
    for (size_t i = 0; i < 2; i++) {
        struct subscription_input *input = facts_subscribe(&facts, operations[i], "Gold");
        input->has_end = true;
        input->end_unread = TEXT("soon");
        facts_expect_refused(&facts, QMS_BAD_REQUEST, "unrecognized timestamp layout: soon");
        input->periods = -1;
        facts_expect_refused(&facts, QMS_BAD_REQUEST,
                             "the number of periods must be greater than zero");
    }
}

/* ---- users.ensure (3.2) ---- */

static void ensuring_a_user_subscribes_once(void **state) {
    (void)state;
    facts_read(&facts, OP_USER_ENSURE);
    facts_expect_ok(&facts);
    expect_text(facts.op.out.user.username, "ada");
    struct uuid id = facts.op.out.user.id;
    assert_true(uuid_equal(&id, &facts.account.user_id));
    expect_plan(newest(), "Basic");
    assert_false(newest()->paid);

    facts_read(&facts, OP_USER_ENSURE);
    facts_expect_ok(&facts);
    assert_true(uuid_equal(&facts.op.out.user.id, &id));
    assert_true(changes_empty(&facts.changes));
    facts_now(&facts, "2027-08-12T10:00:00.000001Z"); /* it has expired */
    facts_read(&facts, OP_USER_ENSURE);
    facts_expect_ok(&facts);
    assert_int_equal(facts_subscription_count(&facts), 2);
    assert_int_equal(facts.changes.accounts.count, 0);
}

/* ---- subscriptions.change (6.3, 6.7) ---- */

static void every_change_makes_a_subscription_also_to_the_same_or_a_smaller_plan(void **state) {
    (void)state;
    facts_subscription(&facts, OLD_ID, "Pro", "2026-01-01T00:00:00Z", NULL);
    static const char *const plans[] = {"Pro", "Basic", "Regular"};
    for (size_t i = 0; i < 3; i++) {
        facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, plans[i])->paid = i == 1;
        facts_expect_ok(&facts);
        const struct subscription_view *view = &facts.op.out.subscription;
        expect_text(view->plan->name, plans[i]);
        assert_true(view->created);
        assert_int_equal(view->paid, i == 1);
        expect_time(view->start_us, "2026-08-12T10:00:00Z");
        expect_time(view->end_us, "2027-08-12T10:00:00Z");
        assert_int_equal(view->quota_count, 2);
        assert_int_equal(view->usage_count, 0);
        assert_int_equal(facts_subscription_count(&facts), i + 2);
        /* All were made in one instant: the last one counts. */
        const struct subscription *active =
            subscription_active(&facts.account, facts.decision.decided_us);
        assert_true(uuid_equal(&active->id, &view->id));
    }
}

static void a_plan_is_named_by_id_or_by_name(void **state) {
    (void)state;
    static const struct {
        const char *id, *name;
        enum qms_code code;
        const char *text;
    } cases[] = {
        {PRO_ID, "", QMS_OK, ""},
        {"CDF7AC7A-98DC-11EC-BBE3-406C8F3E9CBB", "", QMS_OK, ""},
        {"", "Pro", QMS_OK, ""},
        {"Pro", "", QMS_BAD_REQUEST, "uuid must be a UUID"},
        {"CDF7AC7A-98DC-11EC-BBE3-406C8F3E9CBC", "", QMS_NOT_FOUND,
         "plan ID cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbc not found"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, cases[i].name)->plan_id =
            text_of(cases[i].id);
        if (cases[i].code != QMS_OK) {
            facts_expect_refused(&facts, cases[i].code, cases[i].text);
            continue;
        }
        facts_expect_ok(&facts);
        expect_text(facts.op.out.subscription.plan->name, "Pro");
    }
}

/* 6.7: the message has no paid flag. */
static void a_change_that_does_not_say_keeps_the_paid_flag_of_what_it_replaces(void **state) {
    (void)state;
    facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Pro")->has_paid = false;
    facts_expect_ok(&facts);
    assert_false(facts.op.out.subscription.paid); /* there was none */

    facts.account.subscriptions = NULL;
    facts_subscription(&facts, OLD_ID, "Pro", "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z");
    struct subscription *later =
        facts_subscription(&facts, OTHER_ID, "Pro", "2026-12-01T00:00:00Z", NULL);
    later->paid = false;
    struct subscription_input *input = facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Basic");
    input->has_paid = input->paid = false;
    input->has_start = true;
    input->start_us = facts_time("2026-12-24T00:00:00Z"); /* replaces the later one */
    facts_expect_ok(&facts);
    assert_false(facts.op.out.subscription.paid);
    input = facts_subscribe(&facts, OP_SUBSCRIPTION_CHANGE, "Basic");
    input->has_paid = input->paid = false;
    facts_expect_ok(&facts);
    assert_true(facts.op.out.subscription.paid);
}

/* Upgrades, downgrades, windows that shift, futures, many years, open ends, expired users: what
 * there was, what is bought on 2026-08-12, and what comes of both. */
static void a_purchase_ends_or_shifts_what_there_was(void **state) {
    (void)state;
    static const struct {
        const char *plan, *start, *end; /* of what there was; plan NULL: nothing */
        const char *bought, *bought_start, *bought_end;
        int periods;
        const char *start_after, *end_after; /* of what there was */
        const char *made_start, *made_end, *cpu_hours;
    } cases[] = {
        {NULL, NULL, NULL, "Pro", NULL, NULL, 1, NULL, NULL, "2026-08-12T10:00:00Z",
         "2027-08-12T10:00:00Z", "20000"},
        {"Basic", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "Pro", NULL, NULL, 1,
         "2026-01-01T00:00:00Z", "2026-08-12T10:00:00Z", "2026-08-12T10:00:00Z",
         "2027-08-12T10:00:00Z", "20000"},
        {"Pro", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "Basic", NULL, NULL, 1,
         "2026-01-01T00:00:00Z", "2026-08-12T10:00:00Z", "2026-08-12T10:00:00Z",
         "2027-08-12T10:00:00Z", "200"},
        {"Pro", "2020-01-01T00:00:00Z", NULL, "Regular", NULL, NULL, 10, "2020-01-01T00:00:00Z",
         "2026-08-12T10:00:00Z", "2026-08-12T10:00:00Z", "2036-08-12T10:00:00Z", "10000"},
        {"Pro", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "Pro", NULL, NULL, 2,
         "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2026-08-12T10:00:00Z",
         "2028-08-12T10:00:00Z", "40000"},
        {"Basic", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "Pro", "2026-12-01T00:00:00Z",
         NULL, 3, "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z",
         "2029-12-01T00:00:00Z", "60000"},
        {"Pro", "2026-12-01T00:00:00Z", NULL, "Basic", NULL, NULL, 1, "2027-08-12T10:00:00Z",
         NULL, "2026-08-12T10:00:00Z", "2027-08-12T10:00:00Z", "200"},
        {"Pro", "2026-12-01T00:00:00Z", "2027-03-01T00:00:00Z", "Basic", NULL, NULL, 1,
         "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-08-12T10:00:00Z",
         "2027-08-12T10:00:00Z", "200"},
        {"Pro", "2026-01-01T00:00:00Z", NULL, "Basic", "2026-06-01T00:00:00Z",
         "2026-09-01T00:00:00Z", 1, "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z",
         "2026-06-01T00:00:00Z", "2026-09-01T00:00:00Z", "200"}, /* a start in the past */
    };
    static const enum operation operations[] = {OP_SUBSCRIPTION_CHANGE, OP_SUBSCRIPTION_CREATE};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        size_t n = i / 2;
        facts.account.subscriptions = NULL;
        struct subscription *had =
            cases[n].plan == NULL ? NULL
                                  : facts_subscription(&facts, OLD_ID, cases[n].plan,
                                                       cases[n].start, cases[n].end);
        struct subscription_input *input =
            facts_subscribe(&facts, operations[i % 2], cases[n].bought);
        input->periods = cases[n].periods;
        input->has_start = cases[n].bought_start != NULL;
        if (input->has_start) input->start_us = facts_time(cases[n].bought_start);
        input->has_end = cases[n].bought_end != NULL;
        if (input->has_end) input->end_us = facts_time(cases[n].bought_end);
        facts_expect_ok(&facts);
        const struct subscription_view *view = &facts.op.out.subscription;
        assert_true(uuid_equal(&view->id, &newest()->id));
        assert_true(view->created);
        expect_time(view->start_us, cases[n].made_start);
        expect_time(view->end_us, cases[n].made_end);
        expect_amount(view->quotas[0].row.value, cases[n].cpu_hours);
        if (had == NULL) continue;
        expect_time(had->start_us, cases[n].start_after);
        expect_end(had->end_us, cases[n].end_after);
    }
}

/* ---- subscriptions.create without force (6.4, step 8) ---- */

static void an_item_that_is_not_forced_leaves_what_is_as_good(void **state) {
    (void)state;
    static const struct {
        const char *plan, *start, *end; /* of what there is */
        const char *asked;
        bool made;
    } cases[] = {
        {"Pro", "2026-01-01T00:00:00Z", NULL, "Basic", false},
        {"Pro", "2026-01-01T00:00:00Z", NULL, "Pro", false}, /* at least as much */
        {"Basic", "2026-01-01T00:00:00Z", NULL, "Pro", true},
        {"Basic", "2026-01-01T00:00:00Z", NULL, "Regular", true},
        /* only what overlaps [2026-08-12T10:00:00Z, 2027-08-12T10:00:00Z) */
        {"Pro", "2026-01-01T00:00:00Z", "2026-08-12T10:00:00Z", "Basic", true},
        {"Pro", "2026-01-01T00:00:00Z", "2026-08-12T10:00:00.000001Z", "Basic", false},
        {"Pro", "2027-08-12T10:00:00Z", NULL, "Basic", true},
        {"Pro", "2027-08-12T09:59:59.999999Z", NULL, "Basic", false},
        {"Pro", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", "Basic", false},
        {"Pro", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "Basic", true}, /* history */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        facts_subscription(&facts, OLD_ID, cases[i].plan, cases[i].start, cases[i].end);
        facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, cases[i].asked)->force = false;
        facts_expect_ok(&facts);
        const struct subscription_view *view = &facts.op.out.subscription;
        struct uuid old = facts_id(OLD_ID);
        assert_int_equal(view->created, cases[i].made);
        assert_int_equal(uuid_equal(&view->id, &old), !cases[i].made);
        assert_int_equal(changes_empty(&facts.changes), !cases[i].made);
        expect_text(view->plan->name, cases[i].made ? cases[i].asked : cases[i].plan);
    }
}

/* Plans are compared by their present default of cpu.hours, not by the quota that was bought. */
static void the_best_overlapping_subscription_is_answered(void **state) {
    (void)state;
    struct subscription *rich = facts_subscription(
        &facts, OLD_ID, "Basic", "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z");
    facts_quantity(&facts, rich, VALUE_QUOTAS, "cpu.hours", "1000000");
    facts_subscription(&facts, OTHER_ID, "Pro", "2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z");
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Regular")->force = false;
    facts_expect_ok(&facts);
    struct uuid other = facts_id(OTHER_ID), old = facts_id(OLD_ID);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &other));

    facts_default(&facts, "Basic", "cpu.hours", "20000.1", "2026-08-12T10:00:00Z");
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Regular")->force = false;
    facts_expect_ok(&facts);
    assert_true(uuid_equal(&facts.op.out.subscription.id, &old));
}

static void of_equally_good_ones_the_later_start_is_answered_then_the_smallest_id(void **state) {
    (void)state;
    static const struct {
        const char *first_start, *second_start, *chosen; /* OLD_ID is the smaller one */
    } cases[] = {
        {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", OTHER_ID},
        {"2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", OLD_ID},
        {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", OLD_ID},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        bool reversed = i % 2 == 1;
        if (reversed) facts_subscription(&facts, OTHER_ID, "Pro", cases[i / 2].second_start, NULL);
        facts_subscription(&facts, OLD_ID, "Pro", cases[i / 2].first_start, NULL);
        if (!reversed) facts_subscription(&facts, OTHER_ID, "Pro", cases[i / 2].second_start, NULL);
        facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Pro")->force = false;
        facts_expect_ok(&facts);
        struct uuid chosen = facts_id(cases[i / 2].chosen);
        assert_true(uuid_equal(&facts.op.out.subscription.id, &chosen));
    }
}

static void a_plan_without_cpu_hours_ranks_as_nothing(void **state) {
    (void)state;
    facts_plan(&facts, "d80b5482-98dc-11ec-bbe3-406c8f3e9cbb", "Archive");
    facts_rate(&facts, "Archive", "1", "2022-01-01T00:00:00Z");
    facts_default(&facts, "Archive", "data.size", "1", "2022-01-01T00:00:00Z");
    facts_subscription(&facts, OLD_ID, "Archive", "2026-01-01T00:00:00Z", NULL);
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Archive")->force = false;
    facts_expect_ok(&facts);
    assert_false(facts.op.out.subscription.created); /* 0 is at least 0 */
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Basic")->force = false;
    facts_expect_ok(&facts);
    assert_true(facts.op.out.subscription.created);

    facts.decision.catalogue->resource_type_count = 0; /* nobody has heard of cpu.hours */
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Pro")->force = false;
    facts_expect_ok(&facts);
    assert_false(facts.op.out.subscription.created);
}

static void a_forced_item_replaces_what_is_better(void **state) {
    (void)state;
    struct subscription *better =
        facts_subscription(&facts, OLD_ID, "Pro", "2026-01-01T00:00:00Z", NULL);
    facts_subscribe(&facts, OP_SUBSCRIPTION_CREATE, "Basic");
    facts_expect_ok(&facts);
    assert_true(facts.op.out.subscription.created);
    expect_time(better->end_us, "2026-08-12T10:00:00Z");
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(adding_a_user_is_checked_in_the_documented_order),
        SENTENCE(changing_a_plan_is_checked_in_the_documented_order),
        SENTENCE(an_item_of_a_list_is_checked_in_the_documented_order),
        SENTENCE(a_refused_request_of_an_unknown_user_makes_nobody),
        SENTENCE(a_user_is_added_with_the_plan_asked_for),
        SENTENCE(a_user_is_subscribed_when_forced_or_not_on_that_plan),
        SENTENCE(being_on_a_plan_means_by_the_active_subscription),
        SENTENCE(a_larger_plan_is_kept_where_it_is_set_so),
        SENTENCE(a_given_end_is_kept_whatever_the_periods),
        SENTENCE(an_end_that_is_no_date_is_refused_after_the_periods),
        SENTENCE(ensuring_a_user_subscribes_once),
        SENTENCE(every_change_makes_a_subscription_also_to_the_same_or_a_smaller_plan),
        SENTENCE(a_plan_is_named_by_id_or_by_name),
        SENTENCE(a_change_that_does_not_say_keeps_the_paid_flag_of_what_it_replaces),
        SENTENCE(a_purchase_ends_or_shifts_what_there_was),
        SENTENCE(an_item_that_is_not_forced_leaves_what_is_as_good),
        SENTENCE(the_best_overlapping_subscription_is_answered),
        SENTENCE(of_equally_good_ones_the_later_start_is_answered_then_the_smallest_id),
        SENTENCE(a_plan_without_cpu_hours_ranks_as_nothing),
        SENTENCE(a_forced_item_replaces_what_is_better),
    };
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
