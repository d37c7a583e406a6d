#include "support/facts_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { ARENA_BLOCK_BYTES = 16384, SNAPSHOT_BYTES_MAX = 1 << 22 };

/* ---- values ---- */

int64_t facts_time(const char *timestamp) {
    int64_t at_us = 0;
    assert_true(timestamp_parse(text_of(timestamp), &at_us));
    return at_us;
}

struct amount facts_amount(const char *text) {
    struct amount amount;
    assert_int_equal(amount_parse_stored(text_of(text), &amount), AMOUNT_OK);
    return amount;
}

struct uuid facts_id(const char *text) {
    struct uuid uuid;
    assert_true(uuid_parse(text_of(text), &uuid));
    return uuid;
}

void expect_amount(struct amount amount, const char *text) {
    char out[AMOUNT_TEXT_MAX + 1];
    out[amount_format(amount, out)] = '\0';
    assert_string_equal(out, text);
}

void expect_text(struct text text, const char *expected) {
    if (!text_equal(text, text_of(expected))) /* compared here: sanitizers do not see into cmocka */
        fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARGUMENTS(text), expected);
}

void expect_made(const struct uuid *id) {
    assert_int_equal(id->bytes[6] >> 4, 7);
}

void expect_time(int64_t at_us, const char *timestamp) {
    if (at_us == facts_time(timestamp)) return;
    char out[TIMESTAMP_TEXT_MAX + 1];
    out[timestamp_format(at_us, out)] = '\0';
    assert_string_equal(out, timestamp);
}

/* ---- the catalogue ---- */

static struct uuid next_id(struct facts *facts) {
    struct uuid uuid = {{0xca, 0x7a}};
    uuid.bytes[15] = (uint8_t)++facts->next_id;
    return uuid;
}

static int default_order(const void *left, const void *right) {
    const struct quota_default *a = left, *b = right;
    if (a->effective_us != b->effective_us) return a->effective_us < b->effective_us ? -1 : 1;
    return text_compare(a->resource_type->name, b->resource_type->name);
}

static int rate_order(const void *left, const void *right) {
    const struct rate *a = left, *b = right;
    return (a->effective_us > b->effective_us) - (a->effective_us < b->effective_us);
}

static int resource_type_order(const void *left, const void *right) {
    const struct resource_type *a = left, *b = right;
    return text_compare(a->name, b->name);
}

static void publish_plan(struct catalogue *catalogue, const struct facts_plan *from,
                         struct plan *plan) {
    struct quota_default *defaults =
        arena_take_zeroed(&catalogue->arena, from->plan.default_count, sizeof *defaults);
    for (size_t i = 0; i < from->plan.default_count; i++) {
        defaults[i] = from->defaults[i];
        defaults[i].resource_type = catalogue_resource_named(catalogue, from->default_resources[i]);
    }
    qsort(defaults, from->plan.default_count, sizeof *defaults, default_order);
    struct rate *rates =
        arena_take_zeroed(&catalogue->arena, from->plan.rate_count, sizeof *rates);
    memcpy(rates, from->rates, from->plan.rate_count * sizeof *rates);
    qsort(rates, from->plan.rate_count, sizeof *rates, rate_order);
    *plan = from->plan;
    plan->defaults = defaults;
    plan->rates = rates;
}

static void publish_addon(struct catalogue *catalogue, const struct facts_addon *from,
                          struct addon *addon) {
    struct rate *rates =
        arena_take_zeroed(&catalogue->arena, from->addon.rate_count, sizeof *rates);
    memcpy(rates, from->rates, from->addon.rate_count * sizeof *rates);
    qsort(rates, from->addon.rate_count, sizeof *rates, rate_order);
    *addon = from->addon;
    addon->rates = rates;
    addon->resource_type = catalogue_resource_named(catalogue, from->resource);
}

/* As the store does: a catalogue is never changed, a new one takes its place. */
static void publish(struct facts *facts) {
    struct catalogue *catalogue = catalogue_make();
    struct resource_type *types = arena_take_zeroed(
        &catalogue->arena, facts->resource_type_count, sizeof *types);
    memcpy(types, facts->resource_types, facts->resource_type_count * sizeof *types);
    qsort(types, facts->resource_type_count, sizeof *types, resource_type_order);
    catalogue->resource_types = types;
    catalogue->resource_type_count = facts->resource_type_count;

    struct plan *plans = arena_take_zeroed(&catalogue->arena, facts->plan_count, sizeof *plans);
    for (size_t i = 0; i < facts->plan_count; i++)
        publish_plan(catalogue, &facts->plans[i], &plans[i]);
    catalogue->plans = plans;
    catalogue->plan_count = facts->plan_count;

    struct addon *addons =
        arena_take_zeroed(&catalogue->arena, facts->addon_count, sizeof *addons);
    for (size_t i = 0; i < facts->addon_count; i++)
        publish_addon(catalogue, &facts->addons[i], &addons[i]);
    catalogue->addons = addons;
    catalogue->addon_count = facts->addon_count;

    catalogue->update_operation_ids[UPDATE_ADD] = facts_id("f1f9df66-9676-11ec-aa73-406c8f3e9cbb");
    catalogue->update_operation_ids[UPDATE_SET] = facts_id("f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb");
    catalogue_release(facts->decision.catalogue);
    facts->decision.catalogue = catalogue;
}

static struct facts_plan *plan_named(struct facts *facts, const char *name) {
    for (size_t i = 0; i < facts->plan_count; i++)
        if (text_equal(facts->plans[i].plan.name, text_of(name))) return &facts->plans[i];
    fail_msg("no plan %s", name);
    return NULL;
}

static void add_plan(struct facts *facts, const char *id, const char *name,
                     const char *description) {
    assert_true(facts->plan_count < FACTS_PLANS_MAX);
    facts->plans[facts->plan_count++].plan = (struct plan){
        .id = facts_id(id), .name = text_of(name), .description = text_of(description)};
}

static void add_resource_type(struct facts *facts, struct uuid id, const char *name,
                              const char *unit, bool consumable) {
    assert_true(facts->resource_type_count < FACTS_ROWS_MAX);
    facts->resource_types[facts->resource_type_count++] = (struct resource_type){
        .id = id, .name = text_of(name), .unit = text_of(unit), .consumable = consumable};
}

static void add_rate(struct facts *facts, const char *plan, struct uuid id, const char *rate,
                     const char *effective) {
    struct facts_plan *to = plan_named(facts, plan);
    assert_true(to->plan.rate_count < FACTS_ROWS_MAX);
    to->rates[to->plan.rate_count++] = (struct rate){
        .id = id, .rate = facts_amount(rate), .effective_us = facts_time(effective)};
}

static void add_default(struct facts *facts, const char *plan, struct uuid id,
                        const char *resource_name, const char *value, const char *effective) {
    struct facts_plan *to = plan_named(facts, plan);
    assert_true(to->plan.default_count < FACTS_ROWS_MAX);
    to->default_resources[to->plan.default_count] = text_of(resource_name);
    to->defaults[to->plan.default_count++] = (struct quota_default){
        .id = id, .value = facts_amount(value), .effective_us = facts_time(effective)};
}

void facts_plan(struct facts *facts, const char *id, const char *name) {
    add_plan(facts, id, name, "");
    publish(facts);
}

void facts_resource_type(struct facts *facts, const char *name, const char *unit,
                         bool consumable) {
    add_resource_type(facts, next_id(facts), name, unit, consumable);
    publish(facts);
}

static void rename_text(struct text *text, const char *from, const char *to) {
    if (text_equal(*text, text_of(from))) *text = text_of(to);
}

void facts_rename(struct facts *facts, const char *resource_name, const char *name) {
    for (size_t i = 0; i < facts->resource_type_count; i++)
        rename_text(&facts->resource_types[i].name, resource_name, name);
    for (size_t i = 0; i < facts->plan_count; i++)
        for (size_t j = 0; j < facts->plans[i].plan.default_count; j++)
            rename_text(&facts->plans[i].default_resources[j], resource_name, name);
    for (size_t i = 0; i < facts->addon_count; i++)
        rename_text(&facts->addons[i].resource, resource_name, name);
    publish(facts);
}

void facts_rate(struct facts *facts, const char *plan, const char *rate, const char *effective) {
    add_rate(facts, plan, next_id(facts), rate, effective);
    publish(facts);
}

void facts_default(struct facts *facts, const char *plan, const char *resource_name,
                   const char *value, const char *effective) {
    add_default(facts, plan, next_id(facts), resource_name, value, effective);
    publish(facts);
}

void facts_addon(struct facts *facts, const char *id, const char *name,
                 const char *resource_name) {
    assert_true(facts->addon_count < FACTS_ROWS_MAX);
    facts->addons[facts->addon_count++] = (struct facts_addon){
        .addon = {.id = facts_id(id), .name = text_of(name), .description = TEXT("an add-on")},
        .resource = text_of(resource_name)};
    publish(facts);
}

static struct facts_addon *addon_named(struct facts *facts, const char *name) {
    for (size_t i = 0; i < facts->addon_count; i++)
        if (text_equal(facts->addons[i].addon.name, text_of(name))) return &facts->addons[i];
    fail_msg("no add-on %s", name);
    return NULL;
}

void facts_addon_defaults(struct facts *facts, const char *name, const char *amount, bool paid) {
    struct addon *addon = &addon_named(facts, name)->addon;
    addon->default_amount = facts_amount(amount);
    addon->default_paid = paid;
    publish(facts);
}

void facts_addon_rate(struct facts *facts, const char *name, const char *id, const char *rate,
                      const char *effective) {
    struct facts_addon *to = addon_named(facts, name);
    assert_true(to->addon.rate_count < FACTS_ROWS_MAX);
    to->rates[to->addon.rate_count++] = (struct rate){
        .id = facts_id(id), .rate = facts_amount(rate), .effective_us = facts_time(effective)};
    publish(facts);
}

void facts_forget_addons(struct facts *facts) {
    facts->addon_count = 0;
    publish(facts);
}

void facts_forget_rates(struct facts *facts, const char *plan) {
    plan_named(facts, plan)->plan.rate_count = 0;
    publish(facts);
}

static void add_seeded_rows(struct facts *facts) {
    static const char *since = "2022-01-01T00:00:00Z";
    add_resource_type(facts, facts_id("99e3bc7e-950a-11ec-84a4-406c8f3e9cbb"), "cpu.hours",
                      "cpu hours", true);
    add_resource_type(facts, facts_id("99e3f91e-950a-11ec-84a4-406c8f3e9cbb"), "data.size",
                      "bytes", false);
    add_plan(facts, "99e47c22-950a-11ec-84a4-406c8f3e9cbb", "Basic", "Basic plan");
    add_plan(facts, "c6d39580-98dc-11ec-bbe3-406c8f3e9cbb", "Regular", "Regular plan");
    add_plan(facts, "cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb", "Pro", "Professional plan");
    add_rate(facts, "Basic", facts_id("120c56e0-82a0-11ef-aac3-5a8d7f4f1112"), "0.00", since);
    add_rate(facts, "Regular", facts_id("1db9ab6e-82a0-11ef-aac3-5a8d7f4f1112"), "200.00", since);
    add_rate(facts, "Pro", facts_id("29f6cff6-82a0-11ef-aac3-5a8d7f4f1112"), "340.00", since);
    add_default(facts, "Basic", facts_id("46febbba-9511-11ec-8844-406c8f3e9cbb"), "cpu.hours",
                "200", since);
    add_default(facts, "Basic", facts_id("60b3d5ae-9511-11ec-8844-406c8f3e9cbb"), "data.size",
                "5368709120", since);
    add_default(facts, "Regular", facts_id("e286b526-6e50-4395-99b0-431f76cb4dd9"), "cpu.hours",
                "1000", since);
    add_default(facts, "Regular", facts_id("0ebd2c19-7c1d-4418-a02f-df5f6d782901"), "data.size",
                "53687091200", since);
    add_default(facts, "Pro", facts_id("7efddabe-47d6-401c-b857-d08361397fcf"), "cpu.hours",
                "20000", since);
    add_default(facts, "Pro", facts_id("2c39ff2f-2ec7-4ac8-a10e-79fd82b39c09"), "data.size",
                "3298534883328", since);
}

/* ---- the fixture ---- */

void facts_open_zone(struct facts *facts, const char *zone) {
    setenv("TZ", zone, 1);
    tzset();
    memset(facts, 0, sizeof *facts);
    arena_init(&facts->batch_arena, ARENA_BLOCK_BYTES);
    arena_init(&facts->request_arena, ARENA_BLOCK_BYTES);
    uuid_source_init_seed(&facts->ids, 42);
    add_seeded_rows(facts);
    publish(facts);
    account_init(&facts->account, TEXT("ada"));
    facts->account.loaded = true;
    facts->account.writable = ROWS_ALL;
    facts->decision.ids = &facts->ids;
    facts->decision.actor = TEXT("qms");
    facts->decision.default_plan = TEXT("Basic");
    facts->decision.report_overages = true;
    facts->decision.reads_subscribe = true;
    facts->decision.changes = &facts->changes;
    changes_init(&facts->changes, &facts->batch_arena);
    facts_now(facts, "2026-08-12T10:00:00Z");
}

void facts_open(struct facts *facts) {
    facts_open_zone(facts, "UTC");
}

void facts_close(struct facts *facts) {
    catalogue_release(facts->op.catalogue);
    catalogue_release(facts->decision.catalogue);
    account_close(&facts->account);
    arena_close(&facts->request_arena);
    arena_close(&facts->batch_arena);
}

void facts_now(struct facts *facts, const char *timestamp) {
    facts->decision.decided_us = facts_time(timestamp);
    /* The time of a transaction is that of its start: older than what is read after a lock. */
    facts->decision.stamped_us = facts->decision.decided_us - 1;
}

/* ---- stored rows ---- */

void facts_user(struct facts *facts, const char *user_id) {
    facts->account.exists = true;
    facts->account.user_id = facts_id(user_id);
}

struct subscription *facts_subscription(struct facts *facts, const char *id, const char *plan,
                                        const char *start, const char *end) {
    if (!facts->account.exists) facts_user(facts, "3b0c5f8e-5d2a-11ee-8c99-0242ac120002");
    const struct plan *row = catalogue_plan_named(facts->decision.catalogue, text_of(plan));
    assert_non_null(row);
    struct subscription *subscription =
        arena_take_zeroed(&facts->account.arena, 1, sizeof *subscription);
    *subscription = (struct subscription){
        .next = facts->account.subscriptions,
        .account = &facts->account,
        .id = facts_id(id),
        .plan_id = row->id,
        .start_us = facts_time(start),
        .end_us = end == NULL ? TIME_NEVER : facts_time(end),
        .paid = true,
    };
    if (row->rate_count > 0) subscription->plan_rate_id = row->rates[0].id;
    facts->account.subscriptions = subscription;
    return subscription;
}

struct uuid facts_resource_id(const struct facts *facts, const char *name) {
    const struct resource_type *type =
        catalogue_resource_named(facts->decision.catalogue, text_of(name));
    assert_non_null(type);
    return type->id;
}

struct quantity *facts_quantity(struct facts *facts, struct subscription *subscription,
                                enum value_type type, const char *resource_name,
                                const char *value) {
    struct quantity **first =
        type == VALUE_QUOTAS ? &subscription->quotas : &subscription->usages;
    struct quantity *quantity = arena_take_zeroed(&facts->account.arena, 1, sizeof *quantity);
    *quantity = (struct quantity){
        .next = *first,
        .subscription = subscription,
        .id = next_id(facts),
        .resource_type_id = facts_resource_id(facts, resource_name),
        .value = facts_amount(value),
        .stamps = {.created_by = arena_text(&facts->account.arena, TEXT("de")),
                   .last_modified_by = arena_text(&facts->account.arena, TEXT("de")),
                   .created_us = facts_time("2026-01-01T00:00:00Z"),
                   .last_modified_us = facts_time("2026-01-02T00:00:00Z")},
    };
    *first = quantity;
    return quantity;
}

struct subscription_addon *facts_subscription_addon(struct facts *facts,
                                                    struct subscription *subscription,
                                                    const char *id, const char *addon_id) {
    struct subscription_addon *addon =
        arena_take_zeroed(&facts->account.arena, 1, sizeof *addon);
    *addon = (struct subscription_addon){.next = subscription->addons,
                                         .subscription = subscription,
                                         .id = facts_id(id),
                                         .addon_id = facts_id(addon_id),
                                         .amount = amount_of(1),
                                         .paid = true};
    const struct addon *offered = catalogue_addon(facts->decision.catalogue, &addon->addon_id);
    if (offered != NULL && offered->rate_count > 0) addon->addon_rate_id = offered->rates[0].id;
    subscription->addons = addon;
    return addon;
}

/* ---- operations ---- */

static void start_op(struct facts *facts, enum operation operation) {
    catalogue_release(facts->op.catalogue);
    facts->op = (struct op){
        .operation = operation, .username = TEXT("ada"), .account = &facts->account};
}

struct change_input *facts_update(struct facts *facts, const char *value_type,
                                  const char *operation, const char *resource_name,
                                  const char *value) {
    start_op(facts, OP_UPDATE_ADD);
    facts->op.in.change = (struct change_input){
        .value_type = text_of(value_type),
        .operation_name = text_of(operation),
        .resource_name = text_of(resource_name),
        .value = facts_amount(value),
        .has_effective = true,
        .effective_us = facts->decision.decided_us,
    };
    return &facts->op.in.change;
}

struct change_input *facts_usage(struct facts *facts, enum operation operation,
                                 const char *update_type, const char *resource_name,
                                 const char *value) {
    start_op(facts, operation);
    facts->op.in.change = (struct change_input){
        .operation_name = text_of(update_type),
        .resource_name = text_of(resource_name),
        .value = facts_amount(value),
    };
    return &facts->op.in.change;
}

void facts_read(struct facts *facts, enum operation operation) {
    start_op(facts, operation);
}

struct subscription_input *facts_subscribe(struct facts *facts, enum operation operation,
                                           const char *plan) {
    start_op(facts, operation);
    facts->op.in.subscription = (struct subscription_input){
        .plan_name = text_of(plan), .has_paid = true, .paid = true, .force = true};
    return &facts->op.in.subscription;
}

struct quota_input *facts_set_quota(struct facts *facts, enum operation operation,
                                    const char *resource_name, const char *value) {
    start_op(facts, operation);
    if (facts->account.subscriptions != NULL)
        facts->op.target_id = facts->account.subscriptions->id;
    facts->op.in.quota = (struct quota_input){
        .resource_name = text_of(resource_name), .value = facts_amount(value)};
    return &facts->op.in.quota;
}

void facts_catalogue(struct facts *facts, enum operation operation) {
    start_op(facts, operation);
    facts->op.username = TEXT("");
    facts->op.account = NULL;
}

void facts_batch(struct facts *facts) {
    changes_committed(&facts->changes);
    arena_reset(&facts->batch_arena);
    arena_reset(&facts->request_arena);
    changes_init(&facts->changes, &facts->batch_arena);
}

bool facts_decide(struct facts *facts) {
    facts_batch(facts);
    return decide(&facts->decision, &facts->op, &facts->request_arena);
}

void facts_expect_ok(struct facts *facts) {
    bool decided = facts_decide(facts);
    if (!decided) fail_msg("refused: %s", facts->op.error.text);
    assert_int_equal(facts->op.error.code, QMS_OK);
}

void facts_expect_refused(struct facts *facts, enum qms_code code, const char *text) {
    struct buffer before, after;
    buffer_init(&before, SNAPSHOT_BYTES_MAX);
    buffer_init(&after, SNAPSHOT_BYTES_MAX);
    facts_batch(facts);
    facts_snapshot(facts, &before);
    size_t taken = facts->account.arena.taken_bytes;
    assert_false(decide(&facts->decision, &facts->op, &facts->request_arena));
    assert_int_equal(facts->op.error.code, code);
    assert_string_equal(facts->op.error.text, text);
    facts_snapshot(facts, &after);
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.data, after.data, before.length);
    /* A refusal repeated for ever must not fill the account's memory. */
    assert_int_equal(facts->account.arena.taken_bytes, taken);
    buffer_close(&before);
    buffer_close(&after);
}

/* ---- what came of it ---- */

struct amount facts_value(const struct facts *facts, const struct subscription *subscription,
                          enum value_type type, const char *resource_name) {
    struct uuid id = facts_resource_id(facts, resource_name);
    struct quantity *quantity = quantity_find(
        type == VALUE_QUOTAS ? subscription->quotas : subscription->usages, &id);
    assert_non_null(quantity);
    return quantity->value;
}

const struct update *facts_audit(const struct facts *facts) {
    assert_int_equal(facts->changes.updates.count, 1);
    return facts->changes.updates.rows[0];
}

size_t facts_subscription_count(const struct facts *facts) {
    size_t count = 0;
    for (struct subscription *each = facts->account.subscriptions; each != NULL; each = each->next)
        count++;
    return count;
}

static void snapshot_quantities(const struct quantity *first, struct buffer *out) {
    for (const struct quantity *each = first; each != NULL; each = each->next)
        buffer_put(out, each, sizeof *each);
}

void facts_snapshot(const struct facts *facts, struct buffer *out) {
    struct account account;
    memcpy(&account, &facts->account, sizeof account); /* with its padding: bytes are compared */
    memset(&account.arena, 0, sizeof account.arena);
    buffer_put(out, &account, sizeof account);
    for (struct subscription *each = account.subscriptions; each != NULL; each = each->next) {
        buffer_put(out, each, sizeof *each);
        snapshot_quantities(each->quotas, out);
        snapshot_quantities(each->usages, out);
        for (struct subscription_addon *addon = each->addons; addon != NULL; addon = addon->next)
            buffer_put(out, addon, sizeof *addon);
    }
    buffer_put(out, &facts->replay, sizeof facts->replay);
    const struct changes *changes = &facts->changes;
    const struct change_list *lists[] = {&changes->accounts, &changes->subscriptions,
                                         &changes->quotas,   &changes->usages,
                                         &changes->updates,  &changes->replays,
                                         &changes->addons_applied,
                                         &changes->plans,
                                         &changes->plan_rates,
                                         &changes->quota_defaults,
                                         &changes->resource_types,
                                         &changes->addons,
                                         &changes->addon_rates};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        buffer_put(out, &lists[i]->count, sizeof lists[i]->count);
    assert_false(out->failed);
}
