/* Random operations against a model that knows nothing of decide: amounts are integers of
 * thousandths, and 2.9 is three statements one after the other, as the reference writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/facts_fixture.h"
#include "support/sanitized.h"

enum {
    RESOURCES = 3,
    SUBSCRIPTIONS_MAX = 512,
    ADDONS_MAX = 512,
    RUNS = 40,
    OPERATIONS_PER_RUN = 400,
    BATCH_OPERATIONS = 4096,
    TENTHS = SANITIZED ? 1000000 : 10000000,
    SNAPSHOT_BYTES_MAX = 1 << 24,
};

/* Add-ons on offer, one for each resource. */
static const char *const addon_ids[RESOURCES] = {"f8d2066c-e3b2-4559-839e-88bfc997c890",
                                                 "f8d2066c-e3b2-4559-839e-88bfc997c891",
                                                 "f8d2066c-e3b2-4559-839e-88bfc997c892"};

#define DAY_US INT64_C(86400000000)

static const char *const resource_names[RESOURCES] = {"cpu.hours", "data.size", "gpu.hours"};
static const bool consumable[RESOURCES] = {true, false, true};

struct model_subscription {
    const struct subscription *row;
    int64_t start_us, end_us;
    bool has[2][RESOURCES]; /* by value type */
    int64_t thousandths[2][RESOURCES];
};

struct model_addon { /* a subscription add-on */
    const struct subscription_addon *row;
    struct model_subscription *subscription;
    int resource;
    int64_t thousandths;
    bool gone;
};

struct model {
    bool exists;
    struct model_subscription subscriptions[SUBSCRIPTIONS_MAX];
    size_t count;
    size_t audit_rows;
    struct model_addon addons[ADDONS_MAX];
    size_t addon_count;
    size_t addons_deleted; /* in this batch */
};

static struct facts facts;
static struct model model;
static uint64_t random_state;

static uint64_t random_next(void) { /* splitmix64 */
    uint64_t value = random_state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static int64_t random_below(int64_t limit) {
    return (int64_t)(random_next() % (uint64_t)limit);
}

static bool chance(int64_t one_in) {
    return random_below(one_in) == 0;
}

/* ---- the model ---- */

static struct model_subscription *model_active_of(int64_t at_us, bool of_no_length) {
    struct model_subscription *best = NULL;
    for (size_t i = 0; i < model.count; i++) {
        struct model_subscription *each = &model.subscriptions[i];
        if (each->start_us > at_us || each->end_us < at_us) continue;
        if ((each->start_us == each->end_us) != of_no_length) continue;
        if (best == NULL || each->start_us > best->start_us ||
            (each->start_us == best->start_us &&
             uuid_compare(&each->row->id, &best->row->id) < 0))
            best = each;
    }
    return best;
}

static struct model_subscription *model_active(int64_t at_us) {
    struct model_subscription *active = model_active_of(at_us, false);
    return active != NULL ? active : model_active_of(at_us, true);
}

static void model_clear_window(int64_t start_us, int64_t end_us) {
    struct model_subscription *rows = model.subscriptions;
    for (size_t i = 0; i < model.count; i++)
        if (rows[i].start_us <= start_us && rows[i].end_us > start_us) rows[i].end_us = start_us;
    for (size_t i = 0; i < model.count; i++)
        if (start_us <= rows[i].start_us && rows[i].start_us < end_us && rows[i].end_us > end_us)
            rows[i].start_us = end_us;
    for (size_t i = 0; i < model.count; i++)
        if (rows[i].start_us >= start_us && rows[i].end_us <= end_us)
            rows[i].end_us = rows[i].start_us;
}

static struct model_subscription *model_subscribe(const struct subscription *row, int64_t start_us,
                                                  int64_t end_us, bool pro, int periods) {
    static const int64_t defaults[2][RESOURCES] = {{200000, 5000, 0}, {20000000, 7000, 9000}};
    model.exists = true;
    model_clear_window(start_us, end_us);
    assert_true(model.count < SUBSCRIPTIONS_MAX);
    struct model_subscription *made = &model.subscriptions[model.count++];
    *made = (struct model_subscription){.row = row, .start_us = start_us, .end_us = end_us};
    for (int i = 0; i < RESOURCES; i++) {
        if (i == 2 && !pro) continue; /* Basic has no default for it */
        made->has[VALUE_QUOTAS][i] = true;
        made->thousandths[VALUE_QUOTAS][i] = defaults[pro][i] * (consumable[i] ? periods : 1);
    }
    return made;
}

/* The new value, or -1 when the change is to be refused. */
static int64_t model_change(enum value_type type, bool is_set, int64_t before, int64_t operand) {
    int64_t after = is_set ? operand : before + operand;
    if (after >= 0) return after;
    return type == VALUE_QUOTAS && !is_set ? 0 : -1;
}

static void model_quota_add(struct model_subscription *subscription, int resource,
                            int64_t difference) {
    if (difference == 0) return;
    int64_t *quota = &subscription->thousandths[VALUE_QUOTAS][resource];
    *quota = *quota + difference < 0 ? 0 : *quota + difference;
    subscription->has[VALUE_QUOTAS][resource] = true;
    model.audit_rows++;
}

/* ---- comparing ---- */

static void expect_thousandths(struct amount amount, int64_t thousandths) {
    struct amount scaled;
    assert_true(amount_multiply(amount, 1000, &scaled));
    assert_int_equal(amount_compare(scaled, amount_of(thousandths)), 0);
}

static void compare_subscription(const struct model_subscription *expected) {
    const struct subscription *row = expected->row;
    assert_int_equal(row->start_us, expected->start_us);
    assert_int_equal(row->end_us, expected->end_us);
    for (int type = 0; type < 2; type++) {
        for (int i = 0; i < RESOURCES; i++) {
            struct uuid id = facts_resource_id(&facts, resource_names[i]);
            const struct quantity *quantity =
                quantity_find(type == VALUE_QUOTAS ? row->quotas : row->usages, &id);
            assert_int_equal(quantity != NULL, expected->has[type][i]);
            if (quantity != NULL)
                expect_thousandths(quantity->value, expected->thousandths[type][i]);
        }
    }
}

/* Every row that is dirty is listed, once; nothing else is. */
static void check_list(const struct change_list *list, size_t dirty) {
    assert_int_equal(list->count, dirty);
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = i + 1; j < list->count; j++)
            assert_ptr_not_equal(list->rows[i], list->rows[j]);
}

static size_t count_dirty(const struct quantity *first) {
    size_t dirty = 0;
    for (const struct quantity *each = first; each != NULL; each = each->next)
        if (each->dirty != ROW_CLEAN) dirty++;
    return dirty;
}

static void compare_addons(void) {
    size_t dirty = model.addons_deleted, count = 0, expected = 0;
    for (const struct subscription *each = facts.account.subscriptions; each != NULL;
         each = each->next) {
        for (const struct subscription_addon *row = each->addons; row != NULL; row = row->next) {
            count++;
            if (row->dirty != ROW_CLEAN) dirty++;
        }
    }
    for (size_t i = 0; i < model.addon_count; i++) {
        if (model.addons[i].gone) continue;
        expected++;
        expect_thousandths(model.addons[i].row->amount, model.addons[i].thousandths);
    }
    assert_int_equal(count, expected);
    check_list(&facts.changes.addons_applied, dirty);
}

static void compare(void) {
    assert_int_equal(facts.account.exists, model.exists);
    assert_int_equal(facts_subscription_count(&facts), model.count);
    for (size_t i = 0; i < model.count; i++) compare_subscription(&model.subscriptions[i]);
    size_t subscriptions = 0, quotas = 0, usages = 0;
    for (const struct subscription *each = facts.account.subscriptions; each != NULL;
         each = each->next) {
        if (each->dirty != ROW_CLEAN) subscriptions++;
        quotas += count_dirty(each->quotas);
        usages += count_dirty(each->usages);
    }
    check_list(&facts.changes.subscriptions, subscriptions);
    check_list(&facts.changes.quotas, quotas);
    check_list(&facts.changes.usages, usages);
    check_list(&facts.changes.accounts, facts.account.dirty != ROW_CLEAN);
    assert_int_equal(facts.changes.updates.count, model.audit_rows);
    compare_addons();
}

/* ---- one operation ---- */

/* What the last operation made, when the model has to follow it. */
static void follow_automatic(void) {
    if (model_active(facts.decision.decided_us) != NULL) return;
    model_subscribe(facts.account.subscriptions, facts.decision.decided_us,
                    date_add_years(facts.decision.decided_us, 1), false, 1);
}

static bool random_change(bool *follow) {
    enum value_type type = chance(3) ? VALUE_QUOTAS : VALUE_USAGES;
    bool is_set = chance(3);
    int resource = (int)random_below(RESOURCES);
    int64_t operand = random_below(40000) - 15000;
    char value[32];
    snprintf(value, sizeof value, "%s%d.%03d", operand < 0 ? "-" : "", abs((int)operand) / 1000,
             abs((int)operand) % 1000);
    const char *operation = is_set ? "SET" : "ADD";
    if (type == VALUE_QUOTAS || chance(2))
        facts_update(&facts, value_type_name(type), operation, resource_names[resource], value);
    else
        facts_usage(&facts, chance(2) ? OP_USAGE_ADD : OP_USAGE_RECORD, operation,
                    resource_names[resource], value);

    struct model_subscription *active = model_active(facts.decision.decided_us);
    int64_t before = active != NULL        ? active->thousandths[type][resource]
                     : type == VALUE_USAGES ? 0
                                            : (int64_t[]){200000, 5000, 0}[resource];
    int64_t after = model_change(type, is_set, before, operand);
    bool decided = decide(&facts.decision, &facts.op, &facts.request_arena);
    assert_int_equal(decided, after >= 0);
    if (!decided || !*follow) return decided;
    follow_automatic();
    active = model_active(facts.decision.decided_us);
    active->has[type][resource] = true;
    active->thousandths[type][resource] = after;
    model.audit_rows++;
    return true;
}

static bool random_read(bool *follow) {
    static const enum operation reads[] = {OP_SUMMARY_GET, OP_OVERAGE_LIST, OP_USAGE_LIST};
    facts_read(&facts, reads[random_below(3)]);
    bool subscribes = facts.op.operation == OP_SUMMARY_GET;
    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    const struct model_subscription *active = model_active(facts.decision.decided_us);
    size_t usages = 0, overages = 0;
    for (int i = 0; i < RESOURCES && active != NULL; i++) {
        if (!active->has[VALUE_USAGES][i]) continue;
        usages++;
        if (active->has[VALUE_QUOTAS][i] &&
            active->thousandths[VALUE_USAGES][i] >= active->thousandths[VALUE_QUOTAS][i])
            overages++;
    }
    if (facts.op.operation == OP_OVERAGE_LIST)
        assert_int_equal(facts.op.out.overages.count, overages);
    if (facts.op.operation == OP_USAGE_LIST)
        assert_int_equal(facts.op.out.usages.count, usages);
    if (subscribes && *follow) follow_automatic();
    return true;
}

static bool random_purchase(bool *follow) {
    struct subscription_request request = {
        .plan = catalogue_plan_named(facts.decision.catalogue, TEXT("Pro")),
        .start_us = facts.decision.decided_us + (chance(3) ? 0 : random_below(400 * DAY_US)),
        .periods = (int)random_below(4),
    };
    int periods = request.periods == 0 ? 1 : request.periods;
    int64_t end_us = date_add_years(request.start_us, periods);
    if (chance(2)) end_us = request.end_us = request.start_us + 1 + random_below(500 * DAY_US);
    if (chance(8)) end_us = request.end_us = TIME_NEVER;
    struct subscription *made;
    changes_begin(&facts.changes);
    facts.op.account = &facts.account;
    assert_true(subscription_create(&facts.decision, &facts.op, &request, &made));
    if (*follow) model_subscribe(made, request.start_us, end_us, true, periods);
    return true;
}

/* There is nothing to undo. */
static bool nothing_done(bool *follow) {
    *follow = true;
    return true;
}

static bool random_apply(bool *follow) {
    if (model.count == 0 || model.addon_count == ADDONS_MAX) return nothing_done(follow);
    struct model_subscription *to = &model.subscriptions[random_below((int64_t)model.count)];
    int resource = (int)random_below(RESOURCES);
    facts_read(&facts, OP_ADDON_APPLY);
    facts.op.target_id = to->row->id;
    facts.op.in.applied.addon_id = facts_id(addon_ids[resource]);
    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    if (!*follow) return true;
    model.addons[model.addon_count++] = (struct model_addon){
        .row = to->row->addons, .subscription = to, .resource = resource, .thousandths = 1500};
    model_quota_add(to, resource, 1500);
    return true;
}

/* Changes or removes one; those of the open batch are known to nobody and cannot be removed. */
static bool random_applied(bool *follow) {
    if (model.addon_count == 0) return nothing_done(follow);
    struct model_addon *addon = &model.addons[random_below((int64_t)model.addon_count)];
    if (addon->gone) return nothing_done(follow);
    bool removes = chance(2) && addon->row->dirty != ROW_INSERTED;
    int64_t thousandths = removes ? 0 : random_below(9) * 500;
    facts_read(&facts, removes ? OP_APPLIED_DELETE : OP_APPLIED_UPDATE);
    facts.op.target_id = addon->row->id;
    facts.op.in.applied.update_amount = true;
    assert_true(amount_multiply(facts_amount("0.001"), thousandths, &facts.op.in.applied.amount));
    assert_true(decide(&facts.decision, &facts.op, &facts.request_arena));
    if (!*follow) return true;
    model_quota_add(addon->subscription, addon->resource, thousandths - addon->thousandths);
    if (removes) {
        addon->gone = true;
        model.addons_deleted++;
    }
    addon->thousandths = thousandths;
    return true;
}

/* One operation in four is undone as if it had failed after its last change. */
static void step(void) {
    if (chance(5)) {
        facts_batch(&facts);
        model.audit_rows = model.addons_deleted = 0;
    }
    if (chance(6)) facts.decision.decided_us += random_below(60 * DAY_US);
    facts.decision.stamped_us = facts.decision.decided_us;

    struct buffer before, after;
    buffer_init(&before, SNAPSHOT_BYTES_MAX);
    buffer_init(&after, SNAPSHOT_BYTES_MAX);
    bool follow = !chance(4);
    facts_snapshot(&facts, &before);
    int64_t kind = random_below(17);
    bool decided = kind < 8    ? random_change(&follow)
                   : kind < 11 ? random_read(&follow)
                   : kind < 13 ? random_apply(&follow)
                   : kind < 15 ? random_applied(&follow)
                               : random_purchase(&follow);
    if (decided && !follow) changes_undo(&facts.changes);
    if (!decided || !follow) {
        facts_snapshot(&facts, &after);
        assert_int_equal(before.length, after.length);
        assert_memory_equal(before.data, after.data, before.length);
    }
    compare();
    buffer_close(&before);
    buffer_close(&after);
}

static void offer_addon(int resource) {
    static const char *const names[RESOURCES] = {"more hours", "more bytes", "more gpus"};
    facts_addon(&facts, addon_ids[resource], names[resource], resource_names[resource]);
    facts_addon_defaults(&facts, names[resource], "1.5", true);
    facts_addon_rate(&facts, names[resource], addon_ids[resource], "1", "2022-01-01T00:00:00Z");
}

static void random_operations_agree_with_the_model_and_undo_restores_every_byte(void **state) {
    (void)state;
    for (uint64_t run = 1; run <= RUNS; run++) {
        facts_open(&facts);
        facts_resource_type(&facts, "gpu.hours", "gpu hours", true);
        facts_default(&facts, "Pro", "gpu.hours", "9", "2022-01-01T00:00:00Z");
        facts_default(&facts, "Pro", "data.size", "7", "2023-01-01T00:00:00Z");
        facts_default(&facts, "Basic", "data.size", "5", "2023-01-01T00:00:00Z");
        for (int i = 0; i < RESOURCES; i++) offer_addon(i);
        memset(&model, 0, sizeof model);
        random_state = run;
        for (int i = 0; i < OPERATIONS_PER_RUN; i++) step();
        facts_close(&facts);
    }
}

static void millions_of_tenths_drift_by_nothing(void **state) {
    (void)state;
    facts_open(&facts);
    facts_usage(&facts, OP_USAGE_RECORD, "ADD", "cpu.hours", "0.1");
    for (int i = 0; i < TENTHS; i++) {
        if (i % BATCH_OPERATIONS == 0) facts_batch(&facts);
        if (!decide(&facts.decision, &facts.op, &facts.request_arena))
            fail_msg("refused: %s", facts.op.error.text);
    }
    expect_amount(
        facts_value(&facts, facts.account.subscriptions, VALUE_USAGES, "cpu.hours"),
        SANITIZED ? "100000" : "1000000");
    facts_close(&facts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model_and_undo_restores_every_byte),
        cmocka_unit_test(millions_of_tenths_drift_by_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
