#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"

#define SUBSCRIPTION_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"
#define USER_ID "3b0c5f8e-5d2a-11ee-8c99-0242ac120002"
#define OTHER_USER_ID "3b0c5f8e-5d2a-11ee-8c99-0242ac120003"
#define ADD_ID "f1f9df66-9676-11ec-aa73-406c8f3e9cbb"
#define SET_ID "f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb"
#define CPU_ID "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"
#define DATA_ID "99e3f91e-950a-11ec-84a4-406c8f3e9cbb"
#define DIGITS_34 "9999999999999999999999999999999999"

static struct facts facts;
static struct subscription *subscription;

/* ada has a Basic subscription with quotas and has used 90 cpu hours. */
static int setup(void **state) {
    (void)state;
    facts_open(&facts);
    facts_user(&facts, USER_ID);
    subscription = facts_subscription(&facts, SUBSCRIPTION_ID, "Basic", "2026-01-01T00:00:00Z",
                                      "2027-01-01T00:00:00Z");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "cpu.hours", "200");
    facts_quantity(&facts, subscription, VALUE_QUOTAS, "data.size", "5368709120");
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

static struct amount used(const char *resource_name) {
    return facts_value(&facts, subscription, VALUE_USAGES, resource_name);
}

static struct amount quota(const char *resource_name) {
    return facts_value(&facts, subscription, VALUE_QUOTAS, resource_name);
}

/* ---- updates.add: the checks of 9.1 ---- */

static void an_update_is_checked_in_the_documented_order(void **state) {
    (void)state;
    /* Each case spoils everything that is looked at later as well. */
    static const struct {
        const char *name, *unit, *operation, *value_type;
        bool has_effective;
        const char *effective, *value, *resource_id, *text;
    } cases[] = {
        {"gpu.hours", "x", "add", "x", false, NULL, "-1", "x", "invalid resource name"},
        {"", "", "ADD", "usages", true, "2026-08-12T10:00:00Z", "1", "", "invalid resource name"},
        {"CPU.HOURS", "", "ADD", "usages", true, "2026-08-12T10:00:00Z", "1", "",
         "invalid resource name"},
        {"cpu.hours", "bytes", "add", "x", false, NULL, "-1", "x", "invalid resource unit"},
        {"cpu.hours", "CPU hours", "SET", "x", false, NULL, "-1", "x", "invalid resource unit"},
        {"cpu.hours", "cpu hours", "add", "x", false, NULL, "-1", "x", "invalid operation name"},
        {"cpu.hours", "", "", "x", false, NULL, "-1", "x", "invalid operation name"},
        {"cpu.hours", "", "SET", "Usages", false, NULL, "-1", "x", "invalid value type"},
        {"cpu.hours", "", "SET", "", false, NULL, "-1", "x", "invalid value type"},
        {"cpu.hours", "", "SET", "usages", false, NULL, "-1", "x", "invalid effective date"},
        {"cpu.hours", "", "SET", "usages", true, "2026-08-12T10:05:00.000001Z", "-1", "x",
         "invalid effective date"},
        {"cpu.hours", "", "SET", "usages", true, "2026-08-12T10:05:00Z", "-1", "x",
         "invalid value"},
        {"cpu.hours", "", "SET", "quotas", true, "2026-08-12T10:05:00Z", "-0.000001", "x",
         "invalid value"},
        {"cpu.hours", "", "SET", "usages", true, "2026-08-12T10:05:00Z", "1", "x",
         "resource_type.uuid must be a UUID"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct change_input *input = facts_update(&facts, cases[i].value_type, cases[i].operation,
                                                  cases[i].name, cases[i].value);
        input->resource_unit = text_of(cases[i].unit);
        input->resource_id = text_of(cases[i].resource_id);
        input->has_effective = cases[i].has_effective;
        input->effective_us = cases[i].effective == NULL ? 0 : facts_time(cases[i].effective);
        facts_expect_refused(&facts, QMS_BAD_REQUEST, cases[i].text);
    }
}

static void a_uuid_given_beside_a_name_must_agree_with_it(void **state) {
    (void)state;
    static const struct {
        const char *resource_id, *operation_id, *user_id, *text; /* text NULL: accepted */
    } cases[] = {
        {CPU_ID, ADD_ID, USER_ID, NULL},
        {"99E3BC7E-950A-11EC-84A4-406C8F3E9CBB", "", "", NULL},
        {DATA_ID, ADD_ID, USER_ID, "resource_type.uuid does not agree with the name"},
        {CPU_ID, SET_ID, USER_ID, "operation.uuid does not agree with the name"},
        {CPU_ID, ADD_ID, OTHER_USER_ID, "user.uuid does not agree with the name"},
        {"99e3bc7e950a11ec84a4406c8f3e9cbb", "", "", "resource_type.uuid must be a UUID"},
        {"", "{" ADD_ID "}", "", "operation.uuid must be a UUID"},
        {"", "", "urn:uuid:" USER_ID, "user.uuid must be a UUID"},
        {"00000000-0000-0000-0000-000000000000", "", "",
         "resource_type.uuid does not agree with the name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct change_input *input = facts_update(&facts, "usages", "ADD", "cpu.hours", "1");
        input->resource_id = text_of(cases[i].resource_id);
        input->operation_id = text_of(cases[i].operation_id);
        input->user_id = text_of(cases[i].user_id);
        if (cases[i].text == NULL) facts_expect_ok(&facts);
        else facts_expect_refused(&facts, QMS_BAD_REQUEST, cases[i].text);
    }
    expect_amount(used("cpu.hours"), "92");
}

static void a_uuid_for_a_user_who_does_not_exist_agrees_with_nothing(void **state) {
    (void)state;
    struct change_input *input = facts_update(&facts, "usages", "ADD", "cpu.hours", "1");
    input->user_id = TEXT("00000000-0000-0000-0000-000000000000");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "user.uuid does not agree with the name");
}

static void the_value_type_is_taken_in_both_spellings_and_kept_in_the_plural(void **state) {
    (void)state;
    static const struct {
        const char *given;
        enum value_type stored;
    } cases[] = {
        {"usages", VALUE_USAGES}, {"usage", VALUE_USAGES},
        {"quotas", VALUE_QUOTAS}, {"quota", VALUE_QUOTAS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts_update(&facts, cases[i].given, "SET", "cpu.hours", "5");
        facts_expect_ok(&facts);
        assert_int_equal(facts_audit(&facts)->value_type, cases[i].stored);
        assert_int_equal(facts.op.out.update.row.value_type, cases[i].stored);
    }
    assert_string_equal(value_type_name(VALUE_USAGES), "usages");
    assert_string_equal(value_type_name(VALUE_QUOTAS), "quotas");
}

static void a_resource_type_of_the_catalogue_can_be_reported(void **state) {
    (void)state;
    facts_resource_type(&facts, "gpu.hours", "gpu hours", true);
    struct change_input *input = facts_update(&facts, "usages", "ADD", "gpu.hours", "2.5");
    input->resource_unit = TEXT("gpu hours");
    facts_expect_ok(&facts);
    expect_amount(used("gpu.hours"), "2.5");
}

static void a_past_effective_date_is_recorded_and_the_change_applies_at_once(void **state) {
    (void)state;
    struct change_input *input = facts_update(&facts, "usages", "ADD", "cpu.hours", "10");
    input->effective_us = facts_time("1993-10-01T00:00:00Z");
    facts_expect_ok(&facts);
    expect_amount(used("cpu.hours"), "100");
    expect_time(facts_audit(&facts)->effective_us, "1993-10-01T00:00:00Z");
    expect_time(facts.op.out.update.row.effective_us, "1993-10-01T00:00:00Z");
}

static void an_effective_date_up_to_five_minutes_ahead_applies_at_once(void **state) {
    (void)state;
    struct change_input *input = facts_update(&facts, "usages", "ADD", "cpu.hours", "10");
    input->effective_us = facts_time("2026-08-12T10:05:00Z");
    facts_expect_ok(&facts);
    expect_amount(used("cpu.hours"), "100");
}

/* ---- what an update does ---- */

static void an_update_answers_its_audit_row(void **state) {
    (void)state;
    struct change_input *input = facts_update(&facts, "usages", "ADD", "cpu.hours", "12.50");
    input->has_metadata = true;
    input->metadata = TEXT("{\"analysis\":\"x\"}");
    facts_expect_ok(&facts);
    const struct update *row = facts_audit(&facts);
    const struct update_view *view = &facts.op.out.update;
    struct uuid add = facts_id(ADD_ID), user = facts_id(USER_ID), cpu = facts_id(CPU_ID);
    assert_int_equal(row->id.bytes[6] >> 4, 7);
    assert_true(uuid_equal(&view->row.id, &row->id));
    assert_int_equal(row->operation, UPDATE_ADD);
    assert_int_equal(view->row.operation, UPDATE_ADD);
    assert_true(uuid_equal(&view->operation_id, &add));
    expect_amount(row->value, "12.5");
    expect_amount(view->row.value, "12.5");
    assert_true(uuid_equal(&row->resource_type_id, &cpu));
    expect_text(view->resource_type->name, "cpu.hours");
    assert_ptr_equal(row->account, &facts.account);
    assert_true(uuid_equal(&view->user_id, &user));
    expect_text(view->username, "ada");
    expect_text(row->metadata, "{\"analysis\":\"x\"}");
    expect_text(view->row.metadata, "{\"analysis\":\"x\"}");
}

static void an_update_without_metadata_records_an_empty_text(void **state) {
    (void)state;
    facts_update(&facts, "usages", "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    expect_text(facts_audit(&facts)->metadata, "");
}

static void set_replaces_and_add_adds(void **state) {
    (void)state;
    static const struct {
        const char *value_type, *operation, *resource_name, *value, *after;
    } cases[] = {
        {"usages", "ADD", "cpu.hours", "10", "100"},
        {"usages", "ADD", "cpu.hours", "-100", "0"},
        {"usages", "SET", "cpu.hours", "12.25", "12.25"},
        {"usages", "SET", "cpu.hours", "0", "0"},
        {"usages", "ADD", "cpu.hours", "0", "0"},
        {"usages", "ADD", "data.size", "5", "5"}, /* no row yet: counts as 0 */
        {"quotas", "SET", "cpu.hours", "0", "0"},
        {"quotas", "ADD", "cpu.hours", "7.5", "7.5"},
        {"quotas", "ADD", "cpu.hours", "-7.25", "0.25"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts_update(&facts, cases[i].value_type, cases[i].operation, cases[i].resource_name,
                     cases[i].value);
        facts_expect_ok(&facts);
        bool is_quota = strcmp(cases[i].value_type, "quotas") == 0;
        struct amount after =
            is_quota ? quota(cases[i].resource_name) : used(cases[i].resource_name);
        expect_amount(after, cases[i].after);
        expect_amount(facts_audit(&facts)->value, cases[i].value);
    }
}

static void a_quota_that_would_fall_below_0_stops_there_and_records_the_difference(void **state) {
    (void)state;
    facts_update(&facts, "quotas", "ADD", "cpu.hours", "-1000");
    facts_expect_ok(&facts);
    expect_amount(quota("cpu.hours"), "0");
    expect_amount(facts_audit(&facts)->value, "-200");
    assert_int_equal(facts_audit(&facts)->operation, UPDATE_ADD);
    expect_amount(facts.op.out.update.row.value, "-1000"); /* the operand, as it was sent */

    facts_update(&facts, "quotas", "ADD", "cpu.hours", "-1");
    facts_expect_ok(&facts);
    expect_amount(quota("cpu.hours"), "0");
    expect_amount(facts_audit(&facts)->value, "0");
}

static void a_usage_never_falls_below_0(void **state) {
    (void)state;
    facts_update(&facts, "usages", "ADD", "cpu.hours", "-90.000001");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid value: the usage would fall below 0");
    facts_update(&facts, "usages", "ADD", "data.size", "-1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid value: the usage would fall below 0");
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "-91");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid usage value: the usage would fall below 0");
}

static void a_usage_left_below_0_by_another_writer_can_be_raised(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", "-10");
    facts_update(&facts, "usages", "ADD", "data.size", "-1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid value: the usage would fall below 0");
    facts_update(&facts, "usages", "ADD", "data.size", "4");
    facts_expect_ok(&facts);
    expect_amount(used("data.size"), "-6");
}

static void a_sum_of_more_than_34_digits_is_refused_never_rounded(void **state) {
    (void)state;
    facts_quantity(&facts, subscription, VALUE_USAGES, "data.size", DIGITS_34);
    facts_update(&facts, "usages", "ADD", "data.size", "1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid value: the sum needs more than 34 digits");
    facts_update(&facts, "usages", "ADD", "data.size", "0.1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid value: the sum needs more than 34 digits");
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "data.size", "1e-30");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid usage value: the sum needs more than 34 digits");
    facts_update(&facts, "usages", "ADD", "data.size", "-1");
    facts_expect_ok(&facts);
    expect_amount(used("data.size"), "9999999999999999999999999999999998");
}

static void a_stored_value_of_too_many_digits_accepts_only_set(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *value_type = i == 0 ? "usages" : "quotas";
        struct quantity *row = i == 0 ? subscription->usages : subscription->quotas;
        row->inexact = true;
        struct uuid cpu = facts_id(CPU_ID), data = facts_id(DATA_ID);
        const char *name = uuid_equal(&row->resource_type_id, &cpu) ? "cpu.hours" : "data.size";
        assert_true(uuid_equal(&row->resource_type_id, &cpu) ||
                    uuid_equal(&row->resource_type_id, &data));
        facts_update(&facts, value_type, "ADD", name, "1");
        facts_expect_refused(
            &facts, QMS_BAD_REQUEST,
            "invalid value: what is stored has more than 34 digits and accepts only SET");
        facts_update(&facts, value_type, "SET", name, "1");
        facts_expect_ok(&facts);
        assert_false(row->inexact);
        facts_update(&facts, value_type, "ADD", name, "1");
        facts_expect_ok(&facts);
        expect_amount(row->value, "2");
    }
}

static void a_tenth_and_two_tenths_are_three_tenths(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "data.size", "0.1");
    facts_expect_ok(&facts);
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "data.size", "0.2");
    facts_expect_ok(&facts);
    expect_amount(used("data.size"), "0.3");
}

/* ---- rows and stamps ---- */

static void a_changed_row_keeps_its_id_and_creation_and_is_stamped_anew(void **state) {
    (void)state;
    struct quantity before = *subscription->usages;
    facts_update(&facts, "usages", "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    const struct quantity *after = subscription->usages;
    assert_true(uuid_equal(&after->id, &before.id));
    expect_text(after->stamps.created_by, "de");
    assert_int_equal(after->stamps.created_us, before.stamps.created_us);
    expect_text(after->stamps.last_modified_by, "qms");
    assert_int_equal(after->stamps.last_modified_us, facts.decision.stamped_us);
    assert_int_equal(after->dirty, ROW_CHANGED);
    assert_int_equal(facts.changes.usages.count, 1);
    assert_int_equal(facts.changes.quotas.count, 0);
    assert_int_equal(facts.changes.subscriptions.count, 0);
}

static void a_first_usage_inserts_a_row_with_all_stamps(void **state) {
    (void)state;
    facts_update(&facts, "usages", "ADD", "data.size", "1");
    facts_expect_ok(&facts);
    struct uuid data = facts_id(DATA_ID);
    const struct quantity *row = quantity_find(subscription->usages, &data);
    assert_int_equal(row->dirty, ROW_INSERTED);
    assert_int_equal(row->id.bytes[6] >> 4, 7);
    expect_text(row->stamps.created_by, "qms");
    expect_text(row->stamps.last_modified_by, "qms");
    assert_int_equal(row->stamps.created_us, facts.decision.stamped_us);
    assert_int_equal(row->stamps.last_modified_us, facts.decision.stamped_us);
    assert_ptr_equal(row->subscription, subscription);
}

static void changes_of_one_row_in_a_batch_are_written_once_and_audited_each(void **state) {
    (void)state;
    facts_batch(&facts);
    for (int i = 0; i < 3; i++) {
        facts_update(&facts, "usages", "ADD", "data.size", "1");
        assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    }
    assert_int_equal(facts.changes.usages.count, 1);
    assert_int_equal(facts.changes.updates.count, 3);
    struct quantity *row = facts.changes.usages.rows[0];
    assert_int_equal(row->dirty, ROW_INSERTED);
    expect_amount(row->value, "3");
}

static void a_change_goes_to_the_subscription_active_at_its_decision(void **state) {
    (void)state;
    struct subscription *later = facts_subscription(
        &facts, "0a6f0d8e-5d2b-11ee-8c99-0242ac120009", "Pro", "2026-08-12T11:00:00Z", NULL);
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "1");
    facts_expect_ok(&facts);
    facts_now(&facts, "2026-08-12T11:00:00Z");
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "2");
    facts_expect_ok(&facts);
    expect_amount(used("cpu.hours"), "91");
    expect_amount(facts_value(&facts, later, VALUE_USAGES, "cpu.hours"), "2");
}

/* ---- users without a subscription ---- */

static void a_change_subscribes_an_unknown_user(void **state) {
    (void)state;
    static const struct {
        enum operation operation;
        const char *value_type, *update_type, *value, *after;
    } cases[] = {
        {OP_UPDATE_ADD, "usages", "ADD", "1.5", "1.5"},
        {OP_UPDATE_ADD, "quotas", "ADD", "1.5", "201.5"},
        {OP_UPDATE_ADD, "quotas", "ADD", "-1.5", "198.5"},
        {OP_UPDATE_ADD, "quotas", "SET", "3", "3"},
        {OP_USAGE_ADD, "usages", "SET", "4", "4"},
        {OP_USAGE_RECORD, "usages", "ADD", "0", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        facts.account.subscriptions = NULL;
        facts.account.exists = false;
        if (cases[i].operation == OP_UPDATE_ADD)
            facts_update(&facts, cases[i].value_type, cases[i].update_type, "cpu.hours",
                         cases[i].value);
        else
            facts_usage(&facts, cases[i].operation, cases[i].update_type, "cpu.hours",
                        cases[i].value);
        facts_expect_ok(&facts);
        assert_true(facts.account.exists);
        assert_int_equal(facts_subscription_count(&facts), 1);
        enum value_type type =
            strcmp(cases[i].value_type, "quotas") == 0 ? VALUE_QUOTAS : VALUE_USAGES;
        expect_amount(
            facts_value(&facts, facts.account.subscriptions, type, "cpu.hours"), cases[i].after);
        assert_int_equal(facts_audit(&facts)->value_type, type); /* one row, for the change */
        assert_int_equal(facts.changes.quotas.count, 2);         /* each once, though changed */
        if (cases[i].operation == OP_UPDATE_ADD)
            assert_true(uuid_equal(&facts.op.out.update.user_id, &facts.account.user_id));
    }
}

static void a_clamped_quota_of_a_new_subscription_records_the_difference(void **state) {
    (void)state;
    facts_update(&facts, "quotas", "ADD", "cpu.hours", "-500");
    facts_expect_ok(&facts);
    expect_amount(facts_value(&facts, facts.account.subscriptions, VALUE_QUOTAS, "cpu.hours"), "0");
    expect_amount(facts_audit(&facts)->value, "-200");
}

static void a_refused_change_makes_neither_the_user_nor_a_subscription(void **state) {
    (void)state;
    facts_update(&facts, "usages", "ADD", "cpu.hours", "-1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid value: the usage would fall below 0");
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "-1");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid usage value: the usage would fall below 0");
    facts_default(&facts, "Basic", "cpu.hours", DIGITS_34, "2026-01-01T00:00:00Z");
    facts_update(&facts, "quotas", "ADD", "cpu.hours", "0.5");
    facts_expect_refused(&facts, QMS_BAD_REQUEST,
                         "invalid value: the sum needs more than 34 digits");
    assert_false(facts.account.exists);
    assert_null(facts.account.subscriptions);
}

/* ---- usages.add and usages.record (8.3) ---- */

static void a_usage_that_makes_no_sense_is_refused_with_what_was_given(void **state) {
    (void)state;
    static const struct {
        const char *update_type, *resource_name, *value, *text;
    } cases[] = {
        {"add", "gpu.hours", "-1", "invalid update type: add"},
        {"", "cpu.hours", "1", "invalid update type"},
        {"SET", "gpu.hours", "-1", "invalid resource name: gpu.hours"},
        {"SET", "", "1", "invalid resource name"},
        {"SET", "cpu.hours", "-1", "invalid usage value"},
        {"SET", "cpu.hours", "-1e-30", "invalid usage value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int record = 0; record < 2; record++) {
            facts_usage(&facts, record ? OP_USAGE_RECORD : OP_USAGE_ADD, cases[i].update_type,
                        cases[i].resource_name, cases[i].value);
            facts_expect_refused(&facts, QMS_BAD_REQUEST, cases[i].text);
        }
    }
}

static void the_unit_of_a_usage_is_ignored(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_ADD, "SET", "cpu.hours", "1")->resource_unit = TEXT("furlongs");
    facts_expect_ok(&facts);
}

static void a_usage_answers_the_stored_row(void **state) {
    (void)state;
    facts_usage(&facts, OP_USAGE_ADD, "ADD", "cpu.hours", "10");
    facts_expect_ok(&facts);
    const struct quantity_view *view = &facts.op.out.quantity;
    struct uuid id = facts_id(SUBSCRIPTION_ID);
    assert_true(uuid_equal(&view->row.id, &subscription->usages->id));
    assert_true(uuid_equal(&view->subscription_id, &id));
    expect_amount(view->row.value, "100");
    expect_text(view->resource_type->name, "cpu.hours");
    expect_text(view->row.stamps.created_by, "de");
    expect_text(view->row.stamps.last_modified_by, "qms");
}

static void a_usage_writes_an_audit_row_that_says_which_path_it_took(void **state) {
    (void)state;
    static const struct {
        enum operation operation;
        const char *given, *recorded;
    } cases[] = {
        {OP_USAGE_ADD, NULL, "usages.add"},
        {OP_USAGE_RECORD, NULL, "usages.record"},
        {OP_USAGE_ADD, "a correction", "a correction"},
        {OP_USAGE_RECORD, "job 17", "job 17"},
        {OP_USAGE_RECORD, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct change_input *input =
            facts_usage(&facts, cases[i].operation, "SET", "cpu.hours", "3");
        input->has_metadata = cases[i].given != NULL;
        input->metadata = text_of(cases[i].given);
        facts_expect_ok(&facts);
        const struct update *row = facts_audit(&facts);
        expect_text(row->metadata, cases[i].recorded);
        assert_int_equal(row->operation, UPDATE_SET);
        assert_int_equal(row->value_type, VALUE_USAGES);
        expect_amount(row->value, "3");
        assert_int_equal(row->effective_us, facts.decision.decided_us);
    }
}

static void a_recorded_usage_keeps_its_own_effective_date(void **state) {
    (void)state;
    struct change_input *input = facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "3");
    input->has_effective = true;
    input->effective_us = facts_time("1993-10-01T00:00:00Z");
    facts_expect_ok(&facts);
    expect_time(facts_audit(&facts)->effective_us, "1993-10-01T00:00:00Z");
    input->effective_us = facts_time("2026-08-12T10:05:00.000001Z");
    facts_expect_refused(&facts, QMS_BAD_REQUEST, "invalid effective date");
}

int main(void) {
#define SENTENCE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SENTENCE_ABSENT(test) cmocka_unit_test_setup_teardown(test, setup_absent, teardown)
    const struct CMUnitTest tests[] = {
        SENTENCE(an_update_is_checked_in_the_documented_order),
        SENTENCE(a_uuid_given_beside_a_name_must_agree_with_it),
        SENTENCE_ABSENT(a_uuid_for_a_user_who_does_not_exist_agrees_with_nothing),
        SENTENCE(the_value_type_is_taken_in_both_spellings_and_kept_in_the_plural),
        SENTENCE(a_resource_type_of_the_catalogue_can_be_reported),
        SENTENCE(a_past_effective_date_is_recorded_and_the_change_applies_at_once),
        SENTENCE(an_effective_date_up_to_five_minutes_ahead_applies_at_once),
        SENTENCE(an_update_answers_its_audit_row),
        SENTENCE(an_update_without_metadata_records_an_empty_text),
        SENTENCE(set_replaces_and_add_adds),
        SENTENCE(a_quota_that_would_fall_below_0_stops_there_and_records_the_difference),
        SENTENCE(a_usage_never_falls_below_0),
        SENTENCE(a_usage_left_below_0_by_another_writer_can_be_raised),
        SENTENCE(a_sum_of_more_than_34_digits_is_refused_never_rounded),
        SENTENCE(a_stored_value_of_too_many_digits_accepts_only_set),
        SENTENCE(a_tenth_and_two_tenths_are_three_tenths),
        SENTENCE(a_changed_row_keeps_its_id_and_creation_and_is_stamped_anew),
        SENTENCE(a_first_usage_inserts_a_row_with_all_stamps),
        SENTENCE(changes_of_one_row_in_a_batch_are_written_once_and_audited_each),
        SENTENCE(a_change_goes_to_the_subscription_active_at_its_decision),
        SENTENCE_ABSENT(a_change_subscribes_an_unknown_user),
        SENTENCE_ABSENT(a_clamped_quota_of_a_new_subscription_records_the_difference),
        SENTENCE_ABSENT(a_refused_change_makes_neither_the_user_nor_a_subscription),
        SENTENCE(a_usage_that_makes_no_sense_is_refused_with_what_was_given),
        SENTENCE(the_unit_of_a_usage_is_ignored),
        SENTENCE(a_usage_answers_the_stored_row),
        SENTENCE(a_usage_writes_an_audit_row_that_says_which_path_it_took),
        SENTENCE(a_recorded_usage_keeps_its_own_effective_date),
    };
#undef SENTENCE_ABSENT
#undef SENTENCE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
