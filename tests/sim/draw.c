/* What clients ask for. */
#include <stdio.h>

#include "sim/sim.h"

/* Never two draws among the arguments of one call: compilers differ in which comes first. */
uint64_t draw(uint64_t below) { /* splitmix64 */
    uint64_t value = world.random += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return (value ^ value >> 31) % below;
}

bool chance(uint64_t one_in) {
    return draw(one_in) == 0;
}

int64_t draw_span_us(void) {
    static const int64_t spans[] = {
        1, 1000, INT64_C(1000000), INT64_C(60000000), INT64_C(3600000000), INT64_C(86400000000),
        INT64_C(30) * 86400000000, INT64_C(366) * 86400000000};
    int64_t span = spans[draw(sizeof spans / sizeof *spans)];
    return chance(3) ? span : (int64_t)draw((uint64_t)span) + 1;
}

int64_t draw_time_us(void) {
    const struct model *model = &world.durable;
    int64_t at_us = world.wall_us;
    if (chance(2) && model->subscription_count > 0) {
        const struct model_subscription *row =
            &model->subscriptions[draw((uint64_t)model->subscription_count)];
        at_us = chance(2) || row->end_us == TIME_NEVER ? row->start_us : row->end_us;
    } else if (chance(3)) {
        const struct model_plan *plan = &model->plans[draw((uint64_t)model->plan_count)];
        if (plan->rate_count > 0) at_us = plan->rates[draw((uint64_t)plan->rate_count)].at_us;
    }
    int64_t distance_us = chance(2) ? (int64_t)draw(2) : draw_span_us();
    return chance(3) ? at_us - distance_us : at_us + distance_us;
}

static int64_t draw_milli(bool may_be_negative) {
    static const int64_t sizes[] = {2, 1000, 100000, 10000000, INT64_C(5000000000000)};
    int64_t milli = (int64_t)draw((uint64_t)sizes[draw(sizeof sizes / sizeof *sizes)]);
    if (chance(3)) milli -= milli % 1000;
    return may_be_negative && chance(4) ? -milli : milli;
}

static void draw_type(char name[NAME_BYTES], char *unit) {
    const struct model_type *type =
        &world.durable.types[draw((uint64_t)world.durable.type_count)];
    snprintf(name, NAME_BYTES, "%s", chance(40) ? "no.such" : type->name);
    if (unit != NULL) snprintf(unit, NAME_BYTES, "%s", chance(40) ? "bogus" : type->unit);
}

static struct uuid draw_uuid(void) {
    struct uuid id;
    for (size_t i = 0; i < sizeof id.bytes; i++) id.bytes[i] = (uint8_t)draw(256);
    return id;
}

/* Mostly one of the latest. */
static uint64_t draw_late(int count) {
    return chance(3) || count < 8 ? draw((uint64_t)count) : (uint64_t)count - 1 - draw(8);
}

static struct uuid draw_subscription(void) {
    const struct model *model = &world.durable;
    if (chance(30) || model->subscription_count == 0) return draw_uuid();
    return model->subscriptions[draw_late(model->subscription_count)].id;
}

static void draw_dated(struct ask *ask, uint64_t types) {
    ask->listed = (int)draw(LISTED_MAX + 1);
    for (int i = 0; i < ask->listed; i++) {
        ask->list[i].type = (int)draw(types);
        ask->list[i].at_us = draw_time_us();
        ask->list[i].milli = draw_milli(chance(20));
    }
}

/* ---- families ---- */

static void draw_change(struct ask *ask) {
    static const enum operation operations[] = {OP_USAGE_ADD, OP_USAGE_REPORT, OP_USAGE_RECORD,
                                                OP_UPDATE_ADD};
    ask->operation = operations[draw(4)];
    draw_type(ask->name, ask->unit);
    snprintf(ask->word, sizeof ask->word, "%s", chance(40) ? "MUL" : chance(4) ? "SET" : "ADD");
    ask->quotas = chance(2);
    ask->milli = draw_milli(true);
    ask->has_effective = ask->operation == OP_UPDATE_ADD ? !chance(30) : chance(3);
    if (ask->has_effective)
        ask->effective_us = chance(3) ? draw_time_us() : world.wall_us - draw_span_us();
    if (ask->operation == OP_USAGE_RECORD)
        snprintf(ask->key, sizeof ask->key, "item%u", (unsigned)draw(4000));
}

static void draw_subscribe(struct ask *ask) {
    static const enum operation operations[] = {OP_USER_ADD, OP_USER_ENSURE,
                                                OP_SUBSCRIPTION_CHANGE, OP_SUBSCRIPTION_CREATE};
    const struct model *model = &world.durable;
    ask->operation = operations[draw(4)];
    snprintf(ask->name, sizeof ask->name, "%s",
             chance(30) ? "nothing" : model->plans[draw((uint64_t)model->plan_count)].name);
    ask->periods = chance(2) ? 0 : chance(20) ? (int)draw(14) - 2 : (int)draw(4);
    ask->has_start = ask->operation != OP_USER_ADD && chance(2);
    ask->has_end = chance(3);
    if (ask->has_start) ask->start_us = draw_time_us();
    if (ask->has_end) ask->end_us = draw_time_us() + (chance(2) ? 0 : draw_span_us());
    ask->has_paid = !chance(10);
    ask->paid = ask->has_paid && chance(2);
    ask->force = chance(3);
}

static void draw_quota(struct ask *ask) {
    ask->operation = chance(2) ? OP_QUOTA_SET : OP_QUOTA_SET_USER;
    ask->target = draw_subscription();
    draw_type(ask->name, NULL);
    ask->milli = draw_milli(chance(10));
}

static void draw_applied(struct ask *ask) {
    static const enum operation operations[] = {OP_ADDON_APPLY, OP_ADDON_APPLY, OP_APPLIED_UPDATE,
                                                OP_APPLIED_DELETE, OP_APPLIED_GET,
                                                OP_APPLIED_LIST};
    const struct model *model = &world.durable;
    ask->operation = operations[draw(6)];
    ask->target = draw_subscription();
    if (operation_target(ask->operation) == TARGET_SUBSCRIPTION_ADDON)
        ask->target = model->applied_count == 0 || chance(20)
                          ? draw_uuid()
                          : model->applied[draw_late(model->applied_count)].id;
    ask->addon_id = model->addon_count == 0 || chance(30)
                        ? draw_uuid()
                        : model->addons[draw((uint64_t)model->addon_count)].id;
    ask->update_amount = chance(2);
    ask->update_paid = chance(2);
    ask->paid = chance(2);
    ask->milli = draw_milli(chance(8));
}

static void draw_read(struct ask *ask) {
    static const enum operation operations[] = {OP_SUMMARY_GET, OP_USAGE_SHOW, OP_USAGE_LIST,
                                                OP_OVERAGE_LIST, OP_OVERAGE_CHECK};
    ask->operation = operations[draw(5)];
    if (ask->operation == OP_OVERAGE_CHECK) draw_type(ask->name, NULL);
}

static void draw_plan(struct ask *ask) {
    static const enum operation operations[] = {OP_PLAN_RATES_ADD, OP_PLAN_DEFAULTS_ADD,
                                                OP_PLAN_ADD, OP_PLAN_GET, OP_PLAN_RATE_ACTIVE,
                                                OP_PLAN_DEFAULTS_ACTIVE};
    const struct model *model = &world.durable;
    const struct model_plan *plan = &model->plans[draw((uint64_t)model->plan_count)];
    ask->operation = operations[draw(6)];
    ask->target = chance(20) ? draw_uuid() : plan->id;
    draw_dated(ask, ask->operation == OP_PLAN_DEFAULTS_ADD ? (uint64_t)model->type_count : 1);
    ask->replace = ask->operation == OP_PLAN_DEFAULTS_ADD && chance(2);
    if (ask->operation == OP_PLAN_ADD)
        snprintf(ask->name, sizeof ask->name, "Plan %u", (unsigned)draw(50));
}

static void draw_catalogue(struct ask *ask) {
    static const enum operation operations[] = {OP_RESOURCE_ADD, OP_RESOURCE_UPDATE, OP_ADDON_ADD,
                                                OP_ADDON_UPDATE, OP_ADDON_DELETE};
    const struct model *model = &world.durable;
    ask->operation = operations[draw(5)];
    if (ask->operation == OP_RESOURCE_ADD || ask->operation == OP_RESOURCE_UPDATE) {
        int type = (int)draw((uint64_t)model->type_count);
        ask->target = chance(20) ? draw_uuid() : model->types[type].id;
        ask->consumable = chance(2);
        draw_type(ask->name, ask->unit);
        if (!chance(3)) snprintf(ask->name, sizeof ask->name, "type%u", (unsigned)draw(20));
        if (chance(30)) ask->name[0] = '\0';
        return;
    }
    int addon = model->addon_count == 0 ? -1 : (int)draw((uint64_t)model->addon_count);
    ask->target = addon < 0 || chance(20) ? draw_uuid() : model->addons[addon].id;
    snprintf(ask->name, sizeof ask->name, "Extra %u", (unsigned)draw(20));
    draw_type(ask->word, NULL);
    ask->milli = draw_milli(chance(10));
    ask->paid = chance(2);
    ask->update_name = chance(3);
    ask->update_amount = chance(2);
    ask->update_paid = chance(3);
    ask->update_rates = chance(2);
    draw_dated(ask, 1);
    if (ask->operation != OP_ADDON_UPDATE || addon < 0) return;
    const struct model_addon *present = &model->addons[addon];
    for (int i = 0; i < ask->listed && present->rate_count > 0; i++)
        if (chance(2))
            ask->list[i].id = present->rates[draw((uint64_t)present->rate_count)].id;
}

/* ---- all of them ---- */

/* As before, to the letter or not, by whomever. */
static bool draw_again(struct ask *ask) {
    const struct ask *before = &world.remembered[draw(REMEMBERED)];
    if (before->key[0] == '\0') return false;
    *ask = *before;
    if (chance(5)) ask->milli += 1000;
    if (chance(8)) ask->user = (int)draw(USERS);
    if (chance(8)) ask->principal = (int)draw(2);
    return true;
}

static bool plan_is_full(const struct model_plan *plan) {
    return plan->rate_count + LISTED_MAX > DATED_MAX ||
           plan->default_count + LISTED_MAX > DATED_MAX;
}

/* The model has room for one more of everything beyond what is drawn, so one a step. */
static bool is_too_much(const struct ask *ask) {
    const struct model *model = &world.durable;
    int plan = plan_with(model, &ask->target);
    bool is_full = world.has_grown;
    switch (ask->operation) {
    case OP_PLAN_ADD: is_full = is_full || model->plan_count == PLANS; break;
    case OP_RESOURCE_ADD: is_full = is_full || model->type_count == TYPES; break;
    case OP_ADDON_ADD: is_full = is_full || model->addon_count == ADDONS; break;
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD:
        is_full = is_full || (plan >= 0 && plan_is_full(&model->plans[plan]));
        break;
    default: return false;
    }
    world.has_grown = true;
    return is_full;
}

static void draw_new(struct ask *ask) {
    static void (*const families[])(struct ask *) = {
        draw_change, draw_subscribe, draw_quota, draw_applied, draw_read, draw_plan,
        draw_catalogue};
    uint64_t all = 0, family = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) all += world.weights[i];
    for (uint64_t left = draw(all); left >= world.weights[family]; family++)
        left -= world.weights[family];
    ask->user = (int)draw(USERS);
    families[family](ask);
    if (operation_effect(ask->operation) != EFFECT_WRITE) return;
    if (ask->key[0] == '\0' && chance(3)) {
        snprintf(ask->key, sizeof ask->key, "key%u", (unsigned)draw(400));
        ask->principal = (int)draw(2);
    }
    if (ask->key[0] != '\0' && chance(2)) world.remembered[draw(REMEMBERED)] = *ask;
}

void draw_ask(struct ask *ask) {
    do {
        memset(ask, 0, sizeof *ask); /* its padding is part of its content */
        if (!chance(8) || !draw_again(ask)) draw_new(ask);
    } while (is_too_much(ask));
}

void draw_list(struct flight *flight) {
    enum operation operation = chance(4) ? OP_SUBSCRIPTION_CREATE : OP_USAGE_RECORD;
    flight->count = 1 + (int)draw(FLIGHT_OPERATIONS);
    for (int i = 0; i < flight->count; i++) {
        struct ask *ask = &flight->asks[i];
        do {
            memset(ask, 0, sizeof *ask);
            ask->user = (int)draw(USERS);
            if (operation == OP_USAGE_RECORD) draw_change(ask);
            else draw_subscribe(ask);
        } while (ask->operation != operation);
    }
}

/* ---- as the engine takes them ---- */

static struct text uuid_text(const struct uuid *id, struct arena *arena) {
    char *digits = arena_take(arena, UUID_TEXT_BYTES);
    uuid_format(id, digits);
    return (struct text){.data = digits, .length = UUID_TEXT_BYTES};
}

static struct rate_input *fill_rates(const struct ask *ask, struct arena *arena) {
    struct rate_input *rates = arena_take_zeroed(arena, LISTED_MAX, sizeof *rates);
    for (int i = 0; i < ask->listed; i++) {
        rates[i] = (struct rate_input){.rate = model_amount(ask->list[i].milli),
                                       .has_effective = true,
                                       .effective_us = ask->list[i].at_us};
        if (!uuid_is_nil(&ask->list[i].id)) rates[i].id = uuid_text(&ask->list[i].id, arena);
    }
    return rates;
}

static void fill_plan(const struct ask *ask, struct plan_input *plan, struct arena *arena) {
    *plan = (struct plan_input){.id = ask->target, .replace = ask->replace};
    if (ask->operation == OP_PLAN_ADD) {
        plan->name = arena_text(arena, text_of(ask->name));
        plan->description = TEXT("drawn");
    }
    if (ask->operation != OP_PLAN_DEFAULTS_ADD) {
        plan->rates = fill_rates(ask, arena);
        plan->rate_count = (size_t)ask->listed;
        return;
    }
    plan->defaults = arena_take_zeroed(arena, LISTED_MAX, sizeof *plan->defaults);
    plan->default_count = (size_t)ask->listed;
    for (int i = 0; i < ask->listed; i++)
        plan->defaults[i] = (struct quota_default_input){
            .resource_id = uuid_text(&world.durable.types[ask->list[i].type].id, arena),
            .value = model_amount(ask->list[i].milli),
            .has_effective = true,
            .effective_us = ask->list[i].at_us};
}

static void fill_addon(const struct ask *ask, struct op *op, struct arena *arena) {
    op->in.addon = (struct addon_input){
        .id = ask->target, .name = arena_text(arena, text_of(ask->name)),
        .description = TEXT("drawn"), .resource_name = arena_text(arena, text_of(ask->word)),
        .default_amount = model_amount(ask->milli), .default_paid = ask->paid,
        .rates = fill_rates(ask, arena), .rate_count = (size_t)ask->listed,
        .update_name = ask->update_name, .update_default_amount = ask->update_amount,
        .update_default_paid = ask->update_paid, .update_rates = ask->update_rates};
}

static void fill_subscription(const struct ask *ask, struct op *op, struct arena *arena) {
    op->in.subscription = (struct subscription_input){
        .plan_name = arena_text(arena, text_of(ask->name)), .has_paid = ask->has_paid,
        .paid = ask->paid, .periods = ask->periods, .has_start = ask->has_start,
        .has_end = ask->has_end, .start_us = ask->start_us, .end_us = ask->end_us,
        .force = ask->force};
    op->needs_history = ask->has_start; /* as the fronts do */
    op->facts_from_us = ask->start_us;
}

void ask_fill(const struct ask *ask, struct op *op, struct arena *arena) {
    uint64_t content = ask_content(ask);
    op->operation = ask->operation;
    if (operation_target(ask->operation) == TARGET_USER)
        op->username = text_of(user_name(ask->user));
    op->target_id = ask->target;
    op->key = arena_text(arena, text_of(ask->key));
    memcpy(op->content, &content, sizeof content);
    if (ask->principal > 0) op->principal = TEXT("a program");
    struct text name = arena_text(arena, text_of(ask->name));
    switch (ask->operation) {
    case OP_USER_ADD:
    case OP_SUBSCRIPTION_CHANGE:
    case OP_SUBSCRIPTION_CREATE: fill_subscription(ask, op, arena); break;
    case OP_UPDATE_ADD:
    case OP_USAGE_ADD:
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD:
        op->in.change = (struct change_input){
            .value_type = ask->quotas ? TEXT("quotas") : TEXT("usages"), .resource_name = name,
            .resource_unit = arena_text(arena, text_of(ask->unit)),
            .operation_name = arena_text(arena, text_of(ask->word)),
            .value = model_amount(ask->milli), .has_effective = ask->has_effective,
            .effective_us = ask->effective_us};
        break;
    case OP_QUOTA_SET:
    case OP_QUOTA_SET_USER:
        op->in.quota = (struct quota_input){.resource_name = name,
                                            .value = model_amount(ask->milli)};
        break;
    case OP_OVERAGE_CHECK: op->in.resource_name = name; break;
    case OP_ADDON_APPLY:
    case OP_APPLIED_UPDATE:
        op->in.applied = (struct applied_input){
            .addon_id = ask->addon_id, .update_amount = ask->update_amount,
            .update_paid = ask->update_paid, .amount = model_amount(ask->milli),
            .paid = ask->paid};
        break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE:
        op->in.resource = (struct resource_input){
            .id = ask->target, .name = name, .unit = arena_text(arena, text_of(ask->unit)),
            .consumable = ask->consumable};
        break;
    case OP_ADDON_ADD:
    case OP_ADDON_UPDATE:
    case OP_ADDON_DELETE: fill_addon(ask, op, arena); break;
    default:
        if (operation_target(ask->operation) == TARGET_CATALOGUE)
            fill_plan(ask, &op->in.plan, arena);
        break;
    }
}
