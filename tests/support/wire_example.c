#include "support/wire_example.h"

#include <assert.h>

#include "domain/date.h"

struct amount wire_example_amount(const char *text) {
    struct amount amount;
    enum amount_status status = amount_parse(text_of(text), &amount);
    assert(status == AMOUNT_OK);
    return amount;
}

int64_t wire_example_time(const char *text) {
    int64_t at_us;
    bool parsed = timestamp_parse(text_of(text), &at_us);
    assert(parsed);
    return at_us;
}

static struct uuid id(const char *text) {
    struct uuid uuid;
    bool parsed = uuid_parse(text_of(text), &uuid);
    assert(parsed);
    return uuid;
}

static struct stamps stamps(const char *at) {
    return (struct stamps){
        .created_by = TEXT("de"),
        .last_modified_by = TEXT("de"),
        .created_us = wire_example_time(at),
        .last_modified_us = wire_example_time(at),
    };
}

static void open_catalogue(struct wire_example *e) {
    e->cpu = (struct resource_type){
        .id = id("99E3BC7E-950A-11EC-84A4-406C8F3E9CBB"), /* shown in lower case */
        .name = TEXT("cpu.hours"),
        .unit = TEXT("cpu hours"),
        .consumable = true,
    };
    e->rate = (struct rate){
        .id = id("120c56e0-82a0-11ef-aac3-5a8d7f4f1112"),
        .rate = amount_zero(),
        .effective_us = wire_example_time("2022-01-01T00:00:00Z"),
    };
    e->quota_default = (struct quota_default){
        .id = id("46febbba-9511-11ec-8844-406c8f3e9cbb"),
        .resource_type = &e->cpu,
        .value = amount_of(200),
        .effective_us = wire_example_time("2022-01-01T00:00:00Z"),
    };
    e->plan = (struct plan){
        .id = id("99e47c22-950a-11ec-84a4-406c8f3e9cbb"),
        .name = TEXT("Basic"),
        .description = TEXT("Basic plan"),
        .defaults = &e->quota_default,
        .default_count = 1,
        .rates = &e->rate,
        .rate_count = 1,
    };
    e->pro = (struct plan){
        .id = id("cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb"),
        .name = TEXT("Pro"),
    };
    e->addon_rate = (struct rate){
        .id = id("672e49af-b7b7-4a0e-a929-00f4a1c5e7f2"),
        .rate = amount_of(100),
        .effective_us = wire_example_time("2025-01-01T00:00:00Z"),
    };
    e->addon = (struct addon){
        .id = id("f8d2066c-e3b2-4559-839e-88bfc997c89f"),
        .name = TEXT("5000 CPU Hours"),
        .description = TEXT("5000 CPU Hours to be used before the current subscription ends.."),
        .resource_type = &e->cpu,
        .default_amount = amount_of(5000),
        .default_paid = true,
        .rates = &e->addon_rate,
        .rate_count = 1,
    };
    e->catalogue = (struct catalogue){
        .holders = 1000,
        .resource_types = &e->cpu,
        .resource_type_count = 1,
        .plans = &e->plan,
        .plan_count = 1,
        .addons = &e->addon,
        .addon_count = 1,
    };
}

static void open_rows(struct wire_example *e) {
    struct uuid subscription_id = id("0a6f0d8e-5d2b-11ee-8c99-0242ac120002");
    e->quota = (struct quantity_view){
        .row = {.id = id("0a6f1c52-5d2b-11ee-8c99-0242ac120002"),
                .value = amount_of(200),
                .stamps = stamps("2026-08-12T10:00:00.123456Z")},
        .subscription_id = subscription_id,
        .resource_type = &e->cpu,
    };
    e->usage = (struct quantity_view){
        .row = {.id = id("1b7e2a10-5d2b-11ee-8c99-0242ac120002"),
                .value = wire_example_amount("12.50"), /* shown as 12.5 */
                .stamps = stamps("2026-08-12T11:00:00Z")},
        .subscription_id = subscription_id,
        .resource_type = &e->cpu,
    };
    e->applied = (struct applied_view){
        .row = {.id = id("5f0f8c4e-7a55-4b4e-9a0b-3f6a6f0d2c11"),
                .amount = amount_of(5000),
                .paid = true},
        .subscription_id = subscription_id,
        .addon = &e->addon,
        .rate = &e->addon_rate,
    };
    e->overage = (struct overage_view){
        .resource_type = &e->cpu,
        .quota = amount_of(200),
        .usage = amount_of(250),
    };
}

void wire_example_open(struct wire_example *example) {
    open_catalogue(example);
    open_rows(example);
}

static void fill_summary(struct wire_example *e) {
    e->op.out.subscription = (struct subscription_view){
        .id = id("0a6f0d8e-5d2b-11ee-8c99-0242ac120002"),
        .start_us = wire_example_time("2026-08-12T10:00:00.123456Z"),
        .end_us = wire_example_time("2027-08-12T10:00:00.123456Z"),
        .user_id = id("3b0c5f8e-5d2a-11ee-8c99-0242ac120002"),
        .username = TEXT("ada"),
        .plan = &e->plan,
        .plan_rate = &e->rate,
        .quotas = &e->quota,
        .quota_count = 1,
        .usages = &e->usage,
        .usage_count = 1,
        .addons = &e->applied,
        .addon_count = 0,
    };
}

static struct update_view update(const struct wire_example *e) {
    return (struct update_view){
        .row = {.id = id("7c1d0d5a-5d2b-11ee-8c99-0242ac120002"),
                .operation = UPDATE_SET,
                .value_type = VALUE_USAGES,
                .value = wire_example_amount("12.5"),
                .effective_us = wire_example_time("2026-08-12T11:00:00Z")},
        .resource_type = &e->cpu,
        .operation_id = id("f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb"),
        .user_id = id("3b0c5f8e-5d2a-11ee-8c99-0242ac120002"),
        .username = TEXT("ada"),
    };
}

static void fill_updates(struct wire_example *e) {
    e->update = update(e);
    e->op.out.listing.updates = &e->update;
    e->op.out.listing.count = 1;
}

static void fill_user(struct wire_example *e) {
    e->op.out.user = (struct user_view){
        .id = id("3b0c5f8e-5d2a-11ee-8c99-0242ac120002"),
        .username = TEXT("ada"),
        .plan = &e->pro,
    };
}

/* Of a user, or of what a user has. */
static void fill_account(struct wire_example *e) {
    struct op *op = &e->op;
    switch (op->operation) {
    case OP_SUMMARY_GET: fill_summary(e); break;
    case OP_USER_ADD: fill_user(e); break;
    case OP_UPDATE_ADD:
        op->out.update = update(e);
        op->out.update.row.metadata = TEXT("{\"analysis\":\"x\"}");
        break;
    case OP_UPDATE_LIST: fill_updates(e); break;
    case OP_USAGE_ADD: op->out.quantity = e->usage; break;
    case OP_USAGE_LIST:
        op->out.usages.rows = &e->usage;
        op->out.usages.count = 1;
        break;
    case OP_OVERAGE_LIST:
        op->out.overages.rows = &e->overage;
        op->out.overages.count = 1;
        break;
    case OP_OVERAGE_CHECK: op->out.is_overage = true; break;
    case OP_QUOTA_SET: op->out.quantity = e->quota; break;
    default: break;
    }
}

/* Of the catalogue, and of what of it is applied. */
static void fill_catalogue(struct wire_example *e) {
    struct op *op = &e->op;
    switch (op->operation) {
    case OP_PLAN_GET:
    case OP_PLAN_ADD: op->out.plan = &e->plan; break;
    case OP_ADDON_ADD:
    case OP_ADDON_UPDATE: op->out.addon = &e->addon; break;
    case OP_ADDON_DELETE: op->made_id = e->addon.id; break;
    case OP_ADDON_APPLY:
    case OP_APPLIED_GET:
    case OP_APPLIED_UPDATE:
    case OP_APPLIED_DELETE: op->out.applied = e->applied; break;
    case OP_APPLIED_LIST:
        op->out.applieds.rows = &e->applied;
        op->out.applieds.count = 1;
        break;
    default: break;
    }
}

struct op *wire_example_success(struct wire_example *example, enum operation operation) {
    example->op = (struct op){.operation = operation, .catalogue = &example->catalogue};
    fill_account(example);
    fill_catalogue(example);
    return &example->op;
}

struct op *wire_example_failure(struct wire_example *example, enum operation operation,
                                enum qms_code code, const char *text) {
    example->op = (struct op){.operation = operation};
    qms_fail(&example->op.error, code, "%s", text);
    return &example->op;
}
