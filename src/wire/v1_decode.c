#include <assert.h>

#include "base/limits.h"
#include "domain/date.h"
#include "wire/json_fields.h"
#include "wire/v1_json.h"

/* ---- reading ---- */

static void body_open(struct json_reader *reader, struct text body, struct arena *arena) {
    json_open(reader, body.length == 0 ? TEXT("{}") : body, arena);
}

/* Says what is wrong where, after the prefix that the route's clients know. */
static bool body_refuse(const struct json_reader *reader, const char *prefix,
                        struct qms_error *error) {
    return qms_fail(error, QMS_BAD_REQUEST, "%s%s at byte %zu", prefix,
                    reader->problem == NULL ? "unreadable" : reader->problem, reader->problem_at);
}

static bool take_amount(struct json_reader *reader, struct amount *amount) {
    struct text raw;
    if (!json_number(reader, &raw)) return false;
    return amount_parse(raw, amount) == AMOUNT_OK || json_refuse(reader, "a number out of range");
}

static bool take_integer(struct json_reader *reader, int64_t *integer) {
    struct amount amount;
    if (!take_amount(reader, &amount)) return false;
    double value = amount_to_double(amount);
    if (value < INT32_MIN || value > INT32_MAX)
        return json_refuse(reader, "an integer out of range");
    *integer = (int64_t)value;
    return amount_compare(amount_of(*integer), amount) == 0 ||
           json_refuse(reader, "an integer was expected");
}

static bool take_timestamp(struct json_reader *reader, bool *has, int64_t *at_us) {
    struct text text;
    if (!json_string(reader, &text)) return false;
    *has = timestamp_parse(text, at_us);
    return *has || json_refuse(reader, "a timestamp was expected");
}

/* Empty counts as absent (qms-http V9). */
static bool take_request_date(struct json_reader *reader, bool *has, int64_t *at_us) {
    struct text text;
    if (!json_string(reader, &text)) return false;
    if (text.length == 0) return true;
    *has = request_date_parse(text, at_us);
    return *has || json_refuse(reader, "unrecognized timestamp layout");
}

/* ---- plans ---- */

static bool take_resource_name(struct json_reader *reader, struct text *name) {
    static const struct text names[] = {TEXT("name")};
    unsigned seen = 0;
    size_t field;
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 1, &seen, &field))
        if (!json_string(reader, name)) return false;
    return reader->problem == NULL;
}

static bool take_default(struct json_reader *reader, struct quota_default_input *input) {
    static const struct text names[] = {TEXT("quota_value"), TEXT("resource_type"),
                                        TEXT("effective_date")};
    unsigned seen = 0;
    size_t field;
    *input = (struct quota_default_input){.value = amount_zero()};
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 3, &seen, &field)) {
        bool taken = field == 0 ? take_amount(reader, &input->value)
                     : field == 1
                         ? take_resource_name(reader, &input->resource_name)
                         : take_timestamp(reader, &input->has_effective, &input->effective_us);
        if (!taken) return false;
    }
    return reader->problem == NULL;
}

static bool take_rate(struct json_reader *reader, struct rate_input *input) {
    static const struct text names[] = {TEXT("effective_date"), TEXT("rate")};
    unsigned seen = 0;
    size_t field;
    *input = (struct rate_input){.rate = amount_zero()};
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 2, &seen, &field)) {
        bool taken = field == 1
                         ? take_amount(reader, &input->rate)
                         : take_timestamp(reader, &input->has_effective, &input->effective_us);
        if (!taken) return false;
    }
    return reader->problem == NULL;
}

/* Begins a list and counts it. */
static bool list_begin(struct json_reader *reader, size_t count_max, size_t *count) {
    *count = json_array_count(reader);
    if (*count > count_max) return json_refuse(reader, "a list that is too long");
    return json_array_begin(reader);
}

static bool take_defaults(struct json_reader *reader, struct plan_input *plan) {
    size_t count;
    if (!list_begin(reader, CATALOGUE_ROWS_MAX, &count)) return false;
    plan->defaults = arena_take_zeroed(reader->arena, count, sizeof *plan->defaults);
    while (json_array_next(reader)) {
        assert(plan->default_count < count);
        if (!take_default(reader, &plan->defaults[plan->default_count++])) return false;
    }
    return reader->problem == NULL;
}

static bool take_rates(struct json_reader *reader, struct plan_input *plan) {
    size_t count;
    if (!list_begin(reader, CATALOGUE_ROWS_MAX, &count)) return false;
    plan->rates = arena_take_zeroed(reader->arena, count, sizeof *plan->rates);
    while (json_array_next(reader)) {
        assert(plan->rate_count < count);
        if (!take_rate(reader, &plan->rates[plan->rate_count++])) return false;
    }
    return reader->problem == NULL;
}

enum plan_member { PLAN_NAME, PLAN_DESCRIPTION, PLAN_DEFAULTS, PLAN_RATES, PLAN_MEMBER_COUNT };

static bool take_plan_member(struct json_reader *reader, enum plan_member member,
                             struct plan_input *plan) {
    switch (member) {
    case PLAN_NAME: return json_string(reader, &plan->name);
    case PLAN_DESCRIPTION: return json_string(reader, &plan->description);
    case PLAN_DEFAULTS: return take_defaults(reader, plan);
    case PLAN_RATES: return take_rates(reader, plan);
    case PLAN_MEMBER_COUNT: break;
    }
    return false;
}

/* A plan, or that part of one which has the members first to last; others are unknown. */
static bool take_plan(struct json_reader *reader, enum plan_member first, enum plan_member last,
                      struct plan_input *plan) {
    static const struct text names[PLAN_MEMBER_COUNT] = {
        [PLAN_NAME] = TEXT("name"),
        [PLAN_DESCRIPTION] = TEXT("description"),
        [PLAN_DEFAULTS] = TEXT("plan_quota_defaults"),
        [PLAN_RATES] = TEXT("plan_rates"),
    };
    unsigned seen = 0;
    size_t field;
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names + first, last - first + 1, &seen, &field))
        if (!take_plan_member(reader, (enum plan_member)(first + field), plan)) return false;
    return json_finish(reader);
}

static bool bad(struct qms_error *error, const char *text) {
    return qms_fail(error, QMS_BAD_REQUEST, "%s", text);
}

/* The same to the millisecond (4.4). No date lies before TIME_US_MIN. */
static bool dates_meet(int64_t left_us, int64_t right_us) {
    return (left_us - TIME_US_MIN) / 1000 == (right_us - TIME_US_MIN) / 1000;
}

/* 4.4: each default in itself, then whether two are for one resource type and date. */
static bool check_defaults(const struct plan_input *plan, struct qms_error *error) {
    for (size_t i = 0; i < plan->default_count; i++) {
        const struct quota_default_input *each = &plan->defaults[i];
        if (amount_sign(each->value) <= 0)
            return bad(error, "default quota values must be specified and greater than zero");
        if (!each->has_effective)
            return bad(error, "the effective date of the plan quota default must be specified");
        if (each->resource_name.length == 0)
            return bad(error, "the resource type name is required");
    }
    for (size_t i = 0; i < plan->default_count; i++)
        for (size_t j = 0; j < i; j++)
            if (dates_meet(plan->defaults[i].effective_us, plan->defaults[j].effective_us) &&
                text_equal(plan->defaults[i].resource_name, plan->defaults[j].resource_name))
                return bad(error, "multiple plan quota defaults found with the same resource type "
                                  "and effective date");
    return true;
}

static bool check_rates(const struct plan_input *plan, struct qms_error *error) {
    for (size_t i = 0; i < plan->rate_count; i++) {
        if (amount_sign(plan->rates[i].rate) < 0)
            return bad(error, "the plan rate must not be less than zero");
        if (!plan->rates[i].has_effective)
            return bad(error, "the effective date of the plan rate must be specified");
    }
    for (size_t i = 0; i < plan->rate_count; i++)
        for (size_t j = 0; j < i; j++)
            if (plan->rates[i].effective_us == plan->rates[j].effective_us)
                return bad(error, "multiple plan rates found with the same effective date");
    return true;
}

static bool decode_plan(struct text body, enum plan_member first, enum plan_member last,
                        struct arena *arena, struct op *op, struct qms_error *error) {
    struct json_reader reader;
    body_open(&reader, body, arena);
    return take_plan(&reader, first, last, &op->in.plan) || body_refuse(&reader, "", error);
}

bool v1_decode_plan(struct text body, struct arena *arena, struct op *op,
                    struct qms_error *error) {
    if (!decode_plan(body, PLAN_NAME, PLAN_RATES, arena, op, error)) return false;
    if (op->in.plan.name.length == 0) return bad(error, "a plan name is required");
    if (op->in.plan.description.length == 0) return bad(error, "a plan description is required");
    return check_defaults(&op->in.plan, error) && check_rates(&op->in.plan, error);
}

bool v1_decode_plan_defaults(struct text body, struct arena *arena, struct op *op,
                             struct qms_error *error) {
    if (!decode_plan(body, PLAN_DEFAULTS, PLAN_DEFAULTS, arena, op, error)) return false;
    if (op->in.plan.default_count == 0)
        return bad(error, "no plan quota defaults provided in request");
    return check_defaults(&op->in.plan, error);
}

bool v1_decode_plan_rates(struct text body, struct arena *arena, struct op *op,
                          struct qms_error *error) {
    if (!decode_plan(body, PLAN_RATES, PLAN_RATES, arena, op, error)) return false;
    if (op->in.plan.rate_count == 0) return bad(error, "no plan rates provided in request");
    return check_rates(&op->in.plan, error);
}

/* ---- usages, quotas, resource types ---- */

static bool take_usage(struct json_reader *reader, struct change_input *input,
                       struct text *username) {
    static const struct text names[] = {TEXT("username"), TEXT("resource_name"),
                                        TEXT("usage_value"), TEXT("update_type"),
                                        TEXT("metadata")};
    struct text *const texts[] = {username, &input->resource_name, NULL, &input->operation_name,
                                  &input->metadata};
    unsigned seen = 0;
    size_t field;
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 5, &seen, &field))
        if (!(field == 2 ? take_amount(reader, &input->value)
                         : json_string(reader, texts[field])))
            return false;
    input->has_metadata = (seen & 1u << 4) != 0;
    return json_finish(reader);
}

bool v1_decode_usage(struct text body, const struct username_rule *rule, struct arena *arena,
                     struct op *op, struct qms_error *error) {
    struct json_reader reader;
    struct text username = {0};
    op->in.change = (struct change_input){.value = amount_zero()};
    body_open(&reader, body, arena);
    if (!take_usage(&reader, &op->in.change, &username)) return bad(error, "invalid request body");
    if (op->in.change.metadata.length > METADATA_BYTES_MAX)
        return bad(error, "the metadata is too long");
    return username_resolve(rule, username, &op->username, error);
}

bool v1_decode_quota(struct text body, struct arena *arena, struct op *op,
                     struct qms_error *error) {
    static const struct text names[] = {TEXT("quota")};
    struct json_reader reader;
    unsigned seen = 0;
    size_t field;
    bool taken = true, given = false;
    body_open(&reader, body, arena);
    if (!json_object_begin(&reader)) return body_refuse(&reader, "invalid request body: ", error);
    while (taken && json_field_next(&reader, names, 1, &seen, &field))
        taken = given = take_amount(&reader, &op->in.quota.value);
    if (!taken || !json_finish(&reader))
        return body_refuse(&reader, "invalid request body: ", error);
    /* 0 is a quota like any other; only a missing one is not. */
    return given || bad(error, "invalid request body: quota is required");
}

bool v1_decode_resource_type(struct text body, struct arena *arena, struct op *op,
                             struct qms_error *error) {
    static const struct text names[] = {TEXT("name"), TEXT("unit"), TEXT("consumable")};
    struct resource_input *input = &op->in.resource;
    struct json_reader reader;
    unsigned seen = 0;
    size_t field;
    bool taken = true;
    body_open(&reader, body, arena);
    if (!json_object_begin(&reader)) return body_refuse(&reader, "invalid request body: ", error);
    while (taken && json_field_next(&reader, names, 3, &seen, &field))
        taken = field == 0   ? json_string(&reader, &input->name)
                : field == 1 ? json_string(&reader, &input->unit)
                             : json_bool(&reader, &input->consumable);
    if (!taken || !json_finish(&reader))
        return body_refuse(&reader, "invalid request body: ", error);
    return (input->name.length > 0 && input->unit.length > 0) ||
           bad(error, "the resource type name and unit are both required");
}

/* ---- bulk subscriptions ---- */

enum bulk_field { BULK_USERNAME, BULK_PLAN, BULK_PAID, BULK_PERIODS, BULK_START, BULK_END };

static bool take_bulk_member(struct json_reader *reader, enum bulk_field field, struct op *op,
                             struct text *username) {
    struct subscription_input *input = &op->in.subscription;
    switch (field) {
    case BULK_USERNAME: return json_string(reader, username);
    case BULK_PLAN: return json_string(reader, &input->plan_name);
    case BULK_PAID: input->has_paid = true; return json_bool(reader, &input->paid);
    case BULK_PERIODS: return take_integer(reader, &input->periods);
    case BULK_START: return take_request_date(reader, &input->has_start, &input->start_us);
    case BULK_END: return take_request_date(reader, &input->has_end, &input->end_us);
    }
    return false;
}

/* A name that is empty only once the domain is stripped is as good as none (6.4). */
static void bulk_username(struct op *op, const struct username_rule *rule, struct text given) {
    struct qms_error error;
    struct text at_domain = {.data = given.data, .length = given.length > 0};
    bool only_domain = text_equal(at_domain, TEXT("@")) && rule->domain.length > 0 &&
                       given.length == rule->domain.length + 1 &&
                       memcmp(given.data + 1, rule->domain.data, rule->domain.length) == 0;
    if (given.length == 0 || only_domain) {
        qms_fail(&op->error, QMS_BAD_REQUEST, "no username provided in request");
    } else if (!username_resolve(rule, given, &op->username, &error)) {
        op->error = error;
    }
}

static bool take_bulk_item(struct json_reader *reader, const struct username_rule *rule,
                           bool force, struct op *op) {
    static const struct text names[] = {TEXT("username"), TEXT("plan_name"),  TEXT("paid"),
                                        TEXT("periods"),  TEXT("start_date"), TEXT("end_date")};
    struct text username = {0};
    unsigned seen = 0;
    size_t field;
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 6, &seen, &field))
        if (!take_bulk_member(reader, (enum bulk_field)field, op, &username)) return false;
    struct subscription_input *input = &op->in.subscription;
    input->force = force;
    op->needs_history = input->has_start;
    op->facts_from_us = input->start_us;
    bulk_username(op, rule, username);
    return reader->problem == NULL;
}

static bool take_bulk_list(struct json_reader *reader, const struct username_rule *rule,
                           bool force, struct request *request) {
    size_t count, next = 0;
    if (!list_begin(reader, BULK_SUBSCRIPTIONS_MAX, &count)) return false;
    struct op *ops = request_list(request, OP_SUBSCRIPTION_CREATE, count);
    while (json_array_next(reader)) {
        assert(next < count);
        if (!take_bulk_item(reader, rule, force, &ops[next++])) return false;
    }
    return reader->problem == NULL;
}

bool v1_decode_subscriptions(struct text body, const struct username_rule *rule, bool force,
                             struct request *request, struct qms_error *error) {
    static const struct text names[] = {TEXT("subscriptions")};
    struct json_reader reader;
    unsigned seen = 0;
    size_t field;
    bool taken = true;
    request_list(request, OP_SUBSCRIPTION_CREATE, 0);
    body_open(&reader, body, &request->arena);
    if (!json_object_begin(&reader)) return body_refuse(&reader, "invalid request body: ", error);
    while (taken && json_field_next(&reader, names, 1, &seen, &field))
        taken = take_bulk_list(&reader, rule, force, request);
    return (taken && json_finish(&reader)) ||
           body_refuse(&reader, "invalid request body: ", error);
}
