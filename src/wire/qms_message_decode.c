#include <assert.h>

#include "base/limits.h"
#include "domain/date.h"
#include "proto/messages.h"
#include "wire/qms_message.h"

static const char fields_missing[] = "required fields are missing from the request body";

enum { REQUEST_HEADER = 1 }; /* every request begins with it */

static bool bad(struct qms_error *error, const char *text) {
    return qms_fail(error, QMS_BAD_REQUEST, "%s", text);
}

/* ---- parts ---- */

/* A part that is missing reads as one without fields: the rules say what is wrong with that. */
static struct text part_text(const struct message *part, int number) {
    return part == NULL ? TEXT("") : message_text(part, number);
}

static bool take_date(const struct message *message, int number, bool *has, int64_t *at_us,
                      struct qms_error *error) {
    *has = message_has(message, number);
    return message_time(message, number, at_us) || bad(error, "invalid effective date");
}

static bool take_id(struct text given, const char *name, struct uuid *id,
                    struct qms_error *error) {
    return uuid_parse(given, id) ||
           qms_fail(error, QMS_BAD_REQUEST, "%s must be a UUID", name);
}

static size_t item_count(const struct message_item *item) {
    size_t count = 0;
    for (; item != NULL; item = item->next) count++;
    return count;
}

/* PlanRate and AddonRate have the same fields. */
static bool take_rates(const struct message_item *item, struct arena *arena,
                       struct rate_input **rates, size_t *count, struct qms_error *error) {
    *count = item_count(item);
    *rates = arena_take_zeroed(arena, *count, sizeof **rates);
    for (struct rate_input *rate = *rates; item != NULL; item = item->next, rate++) {
        const struct message *message = item->value.message;
        rate->id = message_text(message, QMS_PLAN_RATE_UUID);
        if (!message_amount(message, QMS_PLAN_RATE_RATE, &rate->rate))
            return bad(error, "invalid rate");
        if (!take_date(message, QMS_PLAN_RATE_EFFECTIVE_DATE, &rate->has_effective,
                       &rate->effective_us, error))
            return false;
    }
    return true;
}

static bool take_default(const struct message *message, struct quota_default_input *input,
                         struct qms_error *error) {
    const struct message *type = message_child(message, QMS_QUOTA_DEFAULT_RESOURCE_TYPE);
    input->resource_name = part_text(type, QMS_RESOURCE_TYPE_NAME);
    input->resource_id = part_text(type, QMS_RESOURCE_TYPE_UUID);
    if (!message_amount(message, QMS_QUOTA_DEFAULT_QUOTA_VALUE, &input->value))
        return bad(error, "invalid value");
    return take_date(message, QMS_QUOTA_DEFAULT_EFFECTIVE_DATE, &input->has_effective,
                     &input->effective_us, error);
}

static bool take_defaults(const struct message_item *item, struct arena *arena,
                          struct plan_input *plan, struct qms_error *error) {
    plan->default_count = item_count(item);
    plan->defaults = arena_take_zeroed(arena, plan->default_count, sizeof *plan->defaults);
    for (struct quota_default_input *each = plan->defaults; item != NULL;
         item = item->next, each++)
        if (!take_default(item->value.message, each, error)) return false;
    return true;
}

/* ---- requests ---- */

/* Absent and empty count as none (qms-operations 2.3). Of one that is no date others tell, after
 * the name of the user and the periods (3.1). */
static void take_end(struct text end, struct subscription_input *input) {
    input->has_end = end.length > 0;
    if (input->has_end && !request_date_parse(end, &input->end_us)) input->end_unread = end;
}

static void decode_user(const struct message *message, struct op *op) {
    struct subscription_input *input = &op->in.subscription;
    op->username = message_text(message, QMS_ADD_USER_REQUEST_USERNAME);
    input->plan_name = message_text(message, QMS_ADD_USER_REQUEST_PLAN_NAME);
    input->has_paid = true;
    input->paid = message_flag(message, QMS_ADD_USER_REQUEST_PAID);
    input->periods = message_integer(message, QMS_ADD_USER_REQUEST_PERIODS);
    input->force = message_flag(message, QMS_ADD_USER_REQUEST_FORCE);
    take_end(message_text(message, QMS_ADD_USER_REQUEST_END_DATE), input);
}

/* The message has no paid flag: the present one stays (6.7). */
static void decode_change(const struct message *message, struct op *op) {
    struct subscription_input *input = &op->in.subscription;
    op->username = message_text(message, QMS_CHANGE_SUBSCRIPTION_REQUEST_USERNAME);
    input->plan_id = message_text(message, QMS_CHANGE_SUBSCRIPTION_REQUEST_UUID);
    input->plan_name = message_text(message, QMS_CHANGE_SUBSCRIPTION_REQUEST_NAME);
    input->periods = message_integer(message, QMS_CHANGE_SUBSCRIPTION_REQUEST_PERIODS);
    take_end(message_text(message, QMS_CHANGE_SUBSCRIPTION_REQUEST_END_DATE), input);
}

static bool decode_update(const struct message *message, enum qms_named named, struct op *op,
                          struct qms_error *error) {
    struct change_input *input = &op->in.change;
    const struct message *update = message_child(message, QMS_ADD_UPDATE_REQUEST_UPDATE);
    if (update == NULL) return bad(error, fields_missing);
    const struct message *user = message_child(update, QMS_UPDATE_USER);
    const struct message *type = message_child(update, QMS_UPDATE_RESOURCE_TYPE);
    const struct message *operation = message_child(update, QMS_UPDATE_OPERATION);
    if (user == NULL || type == NULL || operation == NULL) return bad(error, fields_missing);

    if (named == NAMED_BY_MESSAGE) op->username = message_text(user, QMS_QMSUSER_USERNAME);
    input->user_id = message_text(user, QMS_QMSUSER_UUID);
    input->resource_id = message_text(type, QMS_RESOURCE_TYPE_UUID);
    input->resource_name = message_text(type, QMS_RESOURCE_TYPE_NAME);
    input->resource_unit = message_text(type, QMS_RESOURCE_TYPE_UNIT);
    input->operation_id = message_text(operation, QMS_UPDATE_OPERATION_UUID);
    input->operation_name = message_text(operation, QMS_UPDATE_OPERATION_NAME);
    input->value_type = message_text(update, QMS_UPDATE_VALUE_TYPE);
    input->has_metadata = message_has(update, QMS_UPDATE_METADATA);
    input->metadata = message_text(update, QMS_UPDATE_METADATA);
    if (!message_amount(update, QMS_UPDATE_VALUE, &input->value))
        return bad(error, "invalid value");
    if (!take_date(update, QMS_UPDATE_EFFECTIVE_DATE, &input->has_effective, &input->effective_us,
                   error))
        return false;
    return input->metadata.length <= METADATA_BYTES_MAX ||
           bad(error, "the metadata is too long");
}

static bool decode_usage(const struct message *message, enum qms_named named, struct op *op,
                         struct qms_error *error) {
    struct change_input *input = &op->in.change;
    if (named == NAMED_BY_MESSAGE) op->username = message_text(message, QMS_ADD_USAGE_USERNAME);
    input->resource_name = message_text(message, QMS_ADD_USAGE_RESOURCE_NAME);
    input->resource_unit = message_text(message, QMS_ADD_USAGE_RESOURCE_UNIT);
    input->operation_name = message_text(message, QMS_ADD_USAGE_UPDATE_TYPE);
    return message_amount(message, QMS_ADD_USAGE_USAGE_VALUE, &input->value) ||
           bad(error, "invalid usage value");
}

static bool decode_quota(const struct message *message, struct op *op, struct qms_error *error) {
    struct quota_input *input = &op->in.quota;
    const struct message *quota = message_child(message, QMS_ADD_QUOTA_REQUEST_QUOTA);
    if (quota == NULL) return bad(error, fields_missing);
    const struct message *type = message_child(quota, QMS_QUOTA_RESOURCE_TYPE);
    if (type == NULL) return bad(error, fields_missing);
    input->resource_id = message_text(type, QMS_RESOURCE_TYPE_UUID);
    input->resource_name = message_text(type, QMS_RESOURCE_TYPE_NAME);
    if (!message_amount(quota, QMS_QUOTA_QUOTA, &input->value))
        return bad(error, "invalid value");
    return take_id(message_text(quota, QMS_QUOTA_SUBSCRIPTION_ID), "subscription_id",
                   &op->target_id, error);
}

/* Ids in it are ignored: what is made gets its own. */
static bool decode_plan(const struct message *message, struct arena *arena, struct op *op,
                        struct qms_error *error) {
    struct plan_input *input = &op->in.plan;
    const struct message *plan = message_child(message, QMS_ADD_PLAN_REQUEST_PLAN);
    if (plan == NULL) return bad(error, fields_missing);
    input->undated = plan->type == &message_user_plans_plan;
    input->name = message_text(plan, QMS_PLAN_NAME);
    input->description = message_text(plan, QMS_PLAN_DESCRIPTION);
    return take_defaults(message_items(plan, QMS_PLAN_PLAN_QUOTA_DEFAULTS), arena, input, error) &&
           take_rates(message_items(plan, QMS_PLAN_PLAN_RATES), arena, &input->rates,
                      &input->rate_count, error);
}

/* 4.5: the upsert. */
static bool decode_default(const struct message *message, struct arena *arena, struct op *op,
                           struct qms_error *error) {
    struct plan_input *input = &op->in.plan;
    const struct message *given =
        message_child(message, QMS_ADD_PLAN_QUOTA_DEFAULT_REQUEST_QUOTA_DEFAULT);
    if (given == NULL) return bad(error, fields_missing);
    input->replace = true;
    input->name = message_text(message, QMS_ADD_PLAN_QUOTA_DEFAULT_REQUEST_PLAN_NAME);
    if (input->name.length == 0) return bad(error, "a plan name is required");
    input->default_count = 1;
    input->defaults = arena_take_zeroed(arena, 1, sizeof *input->defaults);
    return take_default(given, input->defaults, error);
}

static bool take_addon(const struct message *addon, struct arena *arena, struct addon_input *input,
                       struct qms_error *error) {
    const struct message *type = message_child(addon, QMS_ADDON_RESOURCE_TYPE);
    input->name = message_text(addon, QMS_ADDON_NAME);
    input->description = message_text(addon, QMS_ADDON_DESCRIPTION);
    input->resource_id = part_text(type, QMS_RESOURCE_TYPE_UUID);
    input->resource_name = part_text(type, QMS_RESOURCE_TYPE_NAME);
    input->default_paid = message_flag(addon, QMS_ADDON_DEFAULT_PAID);
    if (!message_amount(addon, QMS_ADDON_DEFAULT_AMOUNT, &input->default_amount))
        return bad(error, "invalid amount");
    return take_rates(message_items(addon, QMS_ADDON_ADDON_RATES), arena, &input->rates,
                      &input->rate_count, error);
}

static bool decode_addon(const struct message *message, struct arena *arena, struct op *op,
                         struct qms_error *error) {
    const struct message *addon = message_child(message, QMS_ADD_ADDON_REQUEST_ADDON);
    if (addon == NULL) return bad(error, fields_missing);
    return take_addon(addon, arena, &op->in.addon, error);
}

/* What an update is about, where no path says so. */
static bool take_own_id(const struct message *part, int number, struct uuid *id,
                        struct qms_error *error) {
    struct text given = message_text(part, number);
    if (given.length == 0) return bad(error, "uuid must be set in the request");
    return take_id(given, "uuid", id, error);
}

static bool decode_addon_update(const struct message *message, enum qms_named named,
                                struct arena *arena, struct op *op, struct qms_error *error) {
    struct addon_input *input = &op->in.addon;
    const struct message *addon = message_child(message, QMS_UPDATE_ADDON_REQUEST_ADDON);
    if (addon == NULL) return bad(error, fields_missing);
    if (named == NAMED_BY_MESSAGE && !take_own_id(addon, QMS_ADDON_UUID, &input->id, error))
        return false;
    input->update_name = message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_NAME);
    input->update_description =
        message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_DESCRIPTION);
    input->update_resource_type =
        message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_RESOURCE_TYPE);
    input->update_default_amount =
        message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_DEFAULT_AMOUNT);
    input->update_default_paid =
        message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_DEFAULT_PAID);
    input->update_rates = message_flag(message, QMS_UPDATE_ADDON_REQUEST_UPDATE_ADDON_RATES);
    return take_addon(addon, arena, input, error);
}

/* Its flags for the add-on and the subscription do nothing (qms-messages). */
static bool decode_applied_update(const struct message *message, enum qms_named named,
                                  struct op *op, struct qms_error *error) {
    struct applied_input *input = &op->in.applied;
    const struct message *applied =
        message_child(message, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_SUBSCRIPTION_ADDON);
    if (applied == NULL) return bad(error, fields_missing);
    if (named == NAMED_BY_MESSAGE &&
        !take_own_id(applied, QMS_SUBSCRIPTION_ADDON_UUID, &op->target_id, error))
        return false;
    input->update_amount =
        message_flag(message, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_UPDATE_AMOUNT);
    input->update_paid =
        message_flag(message, QMS_UPDATE_SUBSCRIPTION_ADDON_REQUEST_UPDATE_PAID);
    input->paid = message_flag(applied, QMS_SUBSCRIPTION_ADDON_PAID);
    return message_amount(applied, QMS_SUBSCRIPTION_ADDON_AMOUNT, &input->amount) ||
           bad(error, "invalid amount");
}

/* ---- requests that are nothing but who or what they are about ---- */

/* An id that has to be there. missing is what is said when it is not. */
static bool take_needed_id(struct text given, const char *name, const char *missing,
                           struct uuid *id, struct qms_error *error) {
    return given.length == 0 ? bad(error, missing) : take_id(given, name, id, error);
}

static bool take_by_uuid(const struct message *message, const char *missing, struct uuid *id,
                         struct qms_error *error) {
    return take_needed_id(message_text(message, REQUESTS_BY_UUID_UUID), "uuid", missing, id, error);
}

static bool decode_apply(const struct message *message, struct op *op, struct qms_error *error) {
    return take_needed_id(message_text(message, REQUESTS_ASSOCIATE_BY_UUIDS_PARENT_UUID),
                          "parent_uuid", "parent_uuid must be set to the subscription UUID",
                          &op->target_id, error) &&
           take_needed_id(message_text(message, REQUESTS_ASSOCIATE_BY_UUIDS_CHILD_UUID),
                          "child_uuid", "child_uuid must be set to the add-on UUID",
                          &op->in.applied.addon_id, error);
}

/* Over NATS one operation has two messages; the one that is an id alone turns the flag around. */
static bool decode_addon_toggle(const struct message *message, struct op *op,
                                struct qms_error *error) {
    op->in.addon.toggle_paid = true;
    return take_by_uuid(message, "uuid must be set in the request", &op->in.addon.id, error);
}

static bool decode_listing(const struct message *message, struct op *op,
                           struct qms_error *error) {
    const struct message *user = message_child(message, QMS_UPDATE_LIST_REQUEST_USER);
    if (user == NULL) return bad(error, fields_missing);
    op->username = message_text(user, QMS_QMSUSER_USERNAME);
    op->in.listing.limit = -1; /* all of them */
    return true;
}

static bool decode_read(const struct message *message, struct op *op, struct qms_error *error) {
    switch (op->operation) {
    case OP_SUMMARY_GET:
        op->username = message_text(message, QMS_REQUEST_BY_USERNAME_USERNAME);
        return true;
    case OP_USAGE_LIST:
        op->username = message_text(message, QMS_GET_USAGES_USERNAME);
        return true;
    case OP_OVERAGE_LIST:
        op->username = message_text(message, QMS_ALL_USER_OVERAGES_REQUEST_USERNAME);
        return true;
    case OP_OVERAGE_CHECK:
        op->username = message_text(message, QMS_IS_OVERAGE_REQUEST_USERNAME);
        op->in.resource_name = message_text(message, QMS_IS_OVERAGE_REQUEST_RESOURCE_NAME);
        return true;
    case OP_UPDATE_LIST: return decode_listing(message, op, error);
    case OP_PLAN_GET:
        return take_id(message_text(message, QMS_PLAN_REQUEST_PLAN_ID), "plan_id",
                       &op->in.plan.id, error);
    case OP_APPLIED_LIST:
    case OP_APPLIED_GET:
        return take_by_uuid(message, "uuid must be set in the request", &op->target_id, error);
    case OP_PLAN_LIST:
    case OP_ADDON_LIST: return true;
    default: break;
    }
    assert(!"an operation that a message asks for");
    return false;
}

bool qms_message_decode(const struct message *message, enum qms_named named, struct arena *arena,
                        struct op *op, struct qms_error *error) {
    memset(&op->in, 0, sizeof op->in);
    switch (op->operation) {
    case OP_USER_ADD: decode_user(message, op); return true;
    case OP_UPDATE_ADD: return decode_update(message, named, op, error);
    case OP_USAGE_ADD: return decode_usage(message, named, op, error);
    case OP_QUOTA_SET: return decode_quota(message, op, error);
    case OP_PLAN_ADD: return decode_plan(message, arena, op, error);
    case OP_ADDON_ADD: return decode_addon(message, arena, op, error);
    case OP_ADDON_UPDATE:
        if (message->type == &message_requests_by_uuid)
            return decode_addon_toggle(message, op, error);
        return decode_addon_update(message, named, arena, op, error);
    case OP_APPLIED_UPDATE: return decode_applied_update(message, named, op, error);
    case OP_SUBSCRIPTION_CHANGE: decode_change(message, op); return true;
    case OP_PLAN_DEFAULTS_ADD: return decode_default(message, arena, op, error);
    case OP_ADDON_DELETE:
        return take_by_uuid(message, "uuid must be set in the request", &op->in.addon.id, error);
    case OP_ADDON_APPLY: return decode_apply(message, op, error);
    case OP_APPLIED_DELETE:
        return take_by_uuid(message, "subscription add-on UUID must be set", &op->target_id,
                            error);
    default: return decode_read(message, op, error);
    }
}

/* Of each value the first string counts; of an entry that comes again, the last. */
static void take_trace(const struct message_item *entry, struct text key, struct text *into) {
    for (; entry != NULL; entry = entry->next) {
        const struct message *pair = entry->value.message;
        if (!text_equal(message_text(pair, HEADER_HEADER_MAP_ENTRY_KEY), key)) continue;
        const struct message *value = message_child(pair, HEADER_HEADER_MAP_ENTRY_VALUE);
        const struct message_item *first =
            value == NULL ? NULL : message_items(value, HEADER_HEADER_VALUE_VALUE);
        *into = first == NULL ? TEXT("") : first->value.text;
    }
}

void qms_message_trace(const struct message *message, struct qms_answer *answer) {
    answer->traceparent = answer->tracestate = TEXT("");
    const struct message *header = message_child(message, REQUEST_HEADER);
    if (header == NULL) return;
    const struct message_item *entries = message_items(header, HEADER_HEADER_MAP);
    take_trace(entries, TRACEPARENT, &answer->traceparent);
    take_trace(entries, TRACESTATE, &answer->tracestate);
}

/* ---- over HTTP ---- */

static const struct message_type *request_type(enum operation operation) {
    static const struct message_type *const types[OP_COUNT] = {
        [OP_USER_ADD] = &message_qms_add_user_request,
        [OP_UPDATE_ADD] = &message_qms_add_update_request,
        [OP_USAGE_ADD] = &message_qms_add_usage,
        [OP_QUOTA_SET] = &message_qms_add_quota_request,
        [OP_PLAN_ADD] = &message_qms_add_plan_request,
        [OP_ADDON_ADD] = &message_qms_add_addon_request,
        [OP_ADDON_UPDATE] = &message_qms_update_addon_request,
        [OP_APPLIED_UPDATE] = &message_qms_update_subscription_addon_request,
    };
    assert(types[operation] != NULL);
    return types[operation];
}

void qms_body_undecodable(enum operation operation, struct qms_error *error) {
    bad(error, operation == OP_ADDON_ADD ? "invalid body format" : "bad request");
}

/* What has to be there before there is an operation to answer for; NULL: nothing is missing. */
static const char *body_missing(const struct message *message, enum operation operation) {
    const struct message *update;
    switch (operation) {
    case OP_USER_ADD:
        if (message_text(message, QMS_ADD_USER_REQUEST_USERNAME).length > 0) return NULL;
        return "no username provided in the request body";
    case OP_UPDATE_ADD:
        update = message_child(message, QMS_ADD_UPDATE_REQUEST_UPDATE);
        if (update != NULL && message_has(update, QMS_UPDATE_USER)) return NULL;
        return fields_missing;
    case OP_ADDON_UPDATE:
        if (message_has(message, QMS_UPDATE_ADDON_REQUEST_ADDON)) return NULL;
        return "request body must include an addon";
    default: return NULL;
    }
}

enum qms_fault qms_body_decode(struct text body, enum qms_named named, struct arena *arena,
                               struct op *op, struct qms_error *error) {
    const struct message *message =
        message_decode_json(request_type(op->operation), body.length == 0 ? TEXT("{}") : body,
                            false, arena, error);
    if (message == NULL) {
        qms_body_undecodable(op->operation, error);
        return QMS_FAULT_MESSAGE;
    }
    const char *missing = body_missing(message, op->operation);
    if (missing != NULL) {
        bad(error, missing);
        return QMS_FAULT_MESSAGE;
    }
    return qms_message_decode(message, named, arena, op, error) ? QMS_FAULT_NONE
                                                                : QMS_FAULT_ENVELOPE;
}
