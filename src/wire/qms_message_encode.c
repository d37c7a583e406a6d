#include <assert.h>

#include "proto/messages.h"
#include "wire/message_writer.h"
#include "wire/qms_message.h"

/* What an operation answers with, after header and error. */
struct response {
    const struct message_type *type;
    void (*put)(struct message_writer *writer, const struct op *op); /* of a success */
    void (*put_failed)(struct message_writer *writer);               /* NULL: nothing */
};

/* Every response begins with these. */
enum { RESPONSE_HEADER = 1, RESPONSE_ERROR = 2, RESPONSE_PAYLOAD = 3 };

/* ---- the nouns: fields of the message that has begun ---- */

static void put_user(struct message_writer *writer, int number, const struct uuid *id,
                     struct text username) {
    message_begin(writer, number);
    message_put_uuid(writer, QMS_QMSUSER_UUID, id);
    message_put_text(writer, QMS_QMSUSER_USERNAME, username);
    message_end(writer);
}

static void put_resource_type(struct message_writer *writer, int number,
                              const struct resource_type *type) {
    message_begin(writer, number);
    if (!uuid_is_nil(&type->id)) message_put_uuid(writer, QMS_RESOURCE_TYPE_UUID, &type->id);
    message_put_text(writer, QMS_RESOURCE_TYPE_NAME, type->name);
    message_put_text(writer, QMS_RESOURCE_TYPE_UNIT, type->unit);
    message_put_flag(writer, QMS_RESOURCE_TYPE_CONSUMABLE, type->consumable);
    message_end(writer);
}

/* PlanRate and AddonRate have the same fields. */
static void put_rate(struct message_writer *writer, int number, const struct rate *rate) {
    if (rate == NULL) return;
    message_begin(writer, number);
    message_put_uuid(writer, QMS_PLAN_RATE_UUID, &rate->id);
    message_put_amount(writer, QMS_PLAN_RATE_RATE, rate->rate);
    message_put_time(writer, QMS_PLAN_RATE_EFFECTIVE_DATE, rate->effective_us);
    message_end(writer);
}

static void put_default(struct message_writer *writer, int number,
                        const struct quota_default *value) {
    message_begin(writer, number);
    message_put_uuid(writer, QMS_QUOTA_DEFAULT_UUID, &value->id);
    message_put_amount(writer, QMS_QUOTA_DEFAULT_QUOTA_VALUE, value->value);
    put_resource_type(writer, QMS_QUOTA_DEFAULT_RESOURCE_TYPE, value->resource_type);
    message_put_time(writer, QMS_QUOTA_DEFAULT_EFFECTIVE_DATE, value->effective_us);
    message_end(writer);
}

static void put_plan(struct message_writer *writer, int number, const struct plan *plan) {
    if (plan == NULL) return;
    message_begin(writer, number);
    message_put_uuid(writer, QMS_PLAN_UUID, &plan->id);
    message_put_text(writer, QMS_PLAN_NAME, plan->name);
    message_put_text(writer, QMS_PLAN_DESCRIPTION, plan->description);
    for (size_t i = 0; i < plan->default_count; i++)
        put_default(writer, QMS_PLAN_PLAN_QUOTA_DEFAULTS, &plan->defaults[i]);
    for (size_t i = 0; i < plan->rate_count; i++)
        put_rate(writer, QMS_PLAN_PLAN_RATES, &plan->rates[i]);
    message_end(writer);
}

static void put_quota(struct message_writer *writer, int number,
                      const struct quantity_view *quota) {
    const struct stamps *stamps = &quota->row.stamps;
    message_begin(writer, number);
    message_put_uuid(writer, QMS_QUOTA_UUID, &quota->row.id);
    message_put_amount(writer, QMS_QUOTA_QUOTA, quota->row.value);
    put_resource_type(writer, QMS_QUOTA_RESOURCE_TYPE, quota->resource_type);
    message_put_text(writer, QMS_QUOTA_CREATED_BY, stamps->created_by);
    message_put_time(writer, QMS_QUOTA_CREATED_AT, stamps->created_us);
    message_put_text(writer, QMS_QUOTA_LAST_MODIFIED_BY, stamps->last_modified_by);
    message_put_time(writer, QMS_QUOTA_LAST_MODIFIED_AT, stamps->last_modified_us);
    message_put_uuid(writer, QMS_QUOTA_SUBSCRIPTION_ID, &quota->subscription_id);
    message_end(writer);
}

static void put_usage(struct message_writer *writer, int number,
                      const struct quantity_view *usage) {
    const struct stamps *stamps = &usage->row.stamps;
    message_begin(writer, number);
    message_put_uuid(writer, QMS_USAGE_UUID, &usage->row.id);
    message_put_amount(writer, QMS_USAGE_USAGE, usage->row.value);
    message_put_uuid(writer, QMS_USAGE_SUBSCRIPTION_ID, &usage->subscription_id);
    put_resource_type(writer, QMS_USAGE_RESOURCE_TYPE, usage->resource_type);
    message_put_text(writer, QMS_USAGE_CREATED_BY, stamps->created_by);
    message_put_time(writer, QMS_USAGE_CREATED_AT, stamps->created_us);
    message_put_text(writer, QMS_USAGE_LAST_MODIFIED_BY, stamps->last_modified_by);
    message_put_time(writer, QMS_USAGE_LAST_MODIFIED_AT, stamps->last_modified_us);
    message_end(writer);
}

enum addon_rates { RATES_HIDDEN, RATES_SHOWN };

static void put_addon(struct message_writer *writer, int number, const struct addon *addon,
                      enum addon_rates rates) {
    if (addon == NULL) return;
    message_begin(writer, number);
    message_put_uuid(writer, QMS_ADDON_UUID, &addon->id);
    message_put_text(writer, QMS_ADDON_NAME, addon->name);
    message_put_text(writer, QMS_ADDON_DESCRIPTION, addon->description);
    put_resource_type(writer, QMS_ADDON_RESOURCE_TYPE, addon->resource_type);
    message_put_amount(writer, QMS_ADDON_DEFAULT_AMOUNT, addon->default_amount);
    message_put_flag(writer, QMS_ADDON_DEFAULT_PAID, addon->default_paid);
    for (size_t i = 0; rates == RATES_SHOWN && i < addon->rate_count; i++)
        put_rate(writer, QMS_ADDON_ADDON_RATES, &addon->rates[i]);
    message_end(writer);
}

/* Its id; once it was the whole subscription, of which the id is enough. */
static void put_applied_to(struct message_writer *writer, const struct uuid *subscription_id) {
    enum { NUMBER = QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID };
    if (uuid_is_nil(subscription_id)) return; /* gone: a repeated request knows no more */
    if (message_takes_message(writer, NUMBER)) {
        message_begin(writer, NUMBER);
        message_put_uuid(writer, QMS_SUBSCRIPTION_UUID, subscription_id);
        message_end(writer);
    } else {
        message_put_uuid(writer, NUMBER, subscription_id);
    }
}

static void put_applied(struct message_writer *writer, int number, const struct applied_view *view,
                        enum addon_rates rates) {
    message_begin(writer, number);
    message_put_uuid(writer, QMS_SUBSCRIPTION_ADDON_UUID, &view->row.id);
    put_addon(writer, QMS_SUBSCRIPTION_ADDON_ADDON, view->addon, rates);
    put_applied_to(writer, &view->subscription_id);
    message_put_amount(writer, QMS_SUBSCRIPTION_ADDON_AMOUNT, view->row.amount);
    message_put_flag(writer, QMS_SUBSCRIPTION_ADDON_PAID, view->row.paid);
    put_rate(writer, QMS_SUBSCRIPTION_ADDON_ADDON_RATE, view->rate);
    message_end(writer);
}

static void put_update_fields(struct message_writer *writer, const struct update_view *view) {
    message_put_uuid(writer, QMS_UPDATE_UUID, &view->row.id);
    message_put_text(writer, QMS_UPDATE_VALUE_TYPE,
                     text_of(value_type_name(view->row.value_type)));
    message_put_amount(writer, QMS_UPDATE_VALUE, view->row.value);
    message_put_time(writer, QMS_UPDATE_EFFECTIVE_DATE, view->row.effective_us);
    message_begin(writer, QMS_UPDATE_OPERATION);
    message_put_uuid(writer, QMS_UPDATE_OPERATION_UUID, &view->operation_id);
    message_put_text(writer, QMS_UPDATE_OPERATION_NAME,
                     text_of(update_operation_name(view->row.operation)));
    message_end(writer);
    put_resource_type(writer, QMS_UPDATE_RESOURCE_TYPE, view->resource_type);
    put_user(writer, QMS_UPDATE_USER, &view->user_id, view->username);
    message_put_text(writer, QMS_UPDATE_METADATA, view->row.metadata);
}

static void put_update(struct message_writer *writer, int number, const struct update_view *view) {
    message_begin(writer, number);
    put_update_fields(writer, view);
    message_end(writer);
}

static void put_subscription(struct message_writer *writer, int number,
                             const struct subscription_view *view) {
    message_begin(writer, number);
    message_put_uuid(writer, QMS_SUBSCRIPTION_UUID, &view->id);
    message_put_time(writer, QMS_SUBSCRIPTION_EFFECTIVE_START_DATE, view->start_us);
    message_put_time(writer, QMS_SUBSCRIPTION_EFFECTIVE_END_DATE, view->end_us);
    put_user(writer, QMS_SUBSCRIPTION_USER, &view->user_id, view->username);
    put_plan(writer, QMS_SUBSCRIPTION_PLAN, view->plan);
    for (size_t i = 0; i < view->quota_count; i++)
        put_quota(writer, QMS_SUBSCRIPTION_QUOTAS, &view->quotas[i]);
    for (size_t i = 0; i < view->usage_count; i++)
        put_usage(writer, QMS_SUBSCRIPTION_USAGES, &view->usages[i]);
    message_put_flag(writer, QMS_SUBSCRIPTION_PAID, view->paid);
    put_rate(writer, QMS_SUBSCRIPTION_PLAN_RATE, view->plan_rate);
    for (size_t i = 0; i < view->addon_count; i++)
        put_applied(writer, QMS_SUBSCRIPTION_ADDONS, &view->addons[i], RATES_HIDDEN);
    message_end(writer);
}

/* ---- the payloads ---- */

static void put_summary(struct message_writer *writer, const struct op *op) {
    put_subscription(writer, RESPONSE_PAYLOAD, &op->out.subscription);
}

static void put_user_added(struct message_writer *writer, const struct op *op) {
    const struct user_view *view = &op->out.user;
    message_put_uuid(writer, QMS_ADD_USER_RESPONSE_UUID, &view->id);
    message_put_text(writer, QMS_ADD_USER_RESPONSE_USERNAME, view->username);
    if (view->plan == NULL) return;
    message_put_text(writer, QMS_ADD_USER_RESPONSE_PLAN_NAME, view->plan->name);
    message_put_uuid(writer, QMS_ADD_USER_RESPONSE_PLAN_UUID, &view->plan->id);
}

static void put_update_added(struct message_writer *writer, const struct op *op) {
    put_update(writer, RESPONSE_PAYLOAD, &op->out.update);
}

static void put_updates(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->out.listing.count; i++)
        put_update(writer, RESPONSE_PAYLOAD, &op->out.listing.updates[i]);
}

static void put_overages(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->out.overages.count; i++) {
        const struct overage_view *overage = &op->out.overages.rows[i];
        message_begin(writer, RESPONSE_PAYLOAD);
        message_put_text(writer, QMS_OVERAGE_RESOURCE_NAME, overage->resource_type->name);
        message_put_amount(writer, QMS_OVERAGE_QUOTA, overage->quota);
        message_put_amount(writer, QMS_OVERAGE_USAGE, overage->usage);
        message_end(writer);
    }
}

static void put_is_overage(struct message_writer *writer, const struct op *op) {
    message_put_flag(writer, RESPONSE_PAYLOAD, op->out.is_overage);
}

static void put_usages(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->out.usages.count; i++)
        put_usage(writer, RESPONSE_PAYLOAD, &op->out.usages.rows[i]);
}

static void put_usage_added(struct message_writer *writer, const struct op *op) {
    put_usage(writer, RESPONSE_PAYLOAD, &op->out.quantity);
}

static void put_quota_set(struct message_writer *writer, const struct op *op) {
    put_quota(writer, RESPONSE_PAYLOAD, &op->out.quantity);
}

static void put_plans(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->catalogue->plan_count; i++)
        put_plan(writer, RESPONSE_PAYLOAD, &op->catalogue->plans[i]);
}

static void put_one_plan(struct message_writer *writer, const struct op *op) {
    put_plan(writer, RESPONSE_PAYLOAD, op->out.plan);
}

static void put_addons(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->catalogue->addon_count; i++) {
        const struct addon *addon = &op->catalogue->addons[i];
        if (!addon->broken) put_addon(writer, RESPONSE_PAYLOAD, addon, RATES_SHOWN);
    }
}

static void put_one_addon(struct message_writer *writer, const struct op *op) {
    put_addon(writer, RESPONSE_PAYLOAD, op->out.addon, RATES_SHOWN);
}

/* The default that was given, by its resource type and date; a repeated request without a date
 * knows no more than that it is the latest. */
static const struct quota_default *default_added(const struct op *op) {
    const struct quota_default_input *given = op->in.plan.defaults;
    const struct plan *plan = op->out.plan;
    const struct quota_default *found = NULL;
    struct uuid id;
    bool by_id = uuid_parse(given->resource_id, &id);
    for (size_t i = 0; plan != NULL && i < plan->default_count; i++) {
        const struct quota_default *each = &plan->defaults[i];
        if (by_id ? !uuid_equal(&each->resource_type->id, &id)
                  : !text_equal(each->resource_type->name, given->resource_name))
            continue;
        if (each->effective_us == given->effective_us) return each;
        if (found == NULL || each->effective_us > found->effective_us) found = each;
    }
    return found;
}

static void put_default_added(struct message_writer *writer, const struct op *op) {
    const struct quota_default *added = default_added(op);
    if (added != NULL) put_default(writer, RESPONSE_PAYLOAD, added);
}

/* Of a deleted add-on only the id is shown (qms-http R17). */
static void put_addon_deleted(struct message_writer *writer, const struct op *op) {
    message_begin(writer, RESPONSE_PAYLOAD);
    message_put_uuid(writer, QMS_ADDON_UUID, &op->made_id);
    message_end(writer);
}

static void put_addon_applied(struct message_writer *writer, const struct op *op) {
    put_applied(writer, RESPONSE_PAYLOAD, &op->out.applied, RATES_SHOWN);
}

static void put_one_applied(struct message_writer *writer, const struct op *op) {
    put_applied(writer, RESPONSE_PAYLOAD, &op->out.applied, RATES_HIDDEN);
}

static void put_applieds(struct message_writer *writer, const struct op *op) {
    for (size_t i = 0; i < op->out.applieds.count; i++)
        put_applied(writer, RESPONSE_PAYLOAD, &op->out.applieds.rows[i], RATES_HIDDEN);
}

/* ---- the payloads of failures, where they are not simply unset ---- */

static void put_empty(struct message_writer *writer) {
    message_begin(writer, RESPONSE_PAYLOAD);
    message_end(writer);
}

static void put_null(struct message_writer *writer) {
    message_put_null(writer, RESPONSE_PAYLOAD);
}

static const struct response responses[OP_COUNT] = {
    [OP_SUMMARY_GET] = {&message_qms_subscription_response, put_summary, NULL},
    [OP_SUBSCRIPTION_CHANGE] = {&message_qms_subscription_response, put_summary, NULL},
    [OP_USER_ADD] = {&message_qms_add_user_response, put_user_added, NULL},
    [OP_UPDATE_ADD] = {&message_qms_add_update_response, put_update_added, put_empty},
    [OP_UPDATE_LIST] = {&message_qms_update_list_response, put_updates, NULL},
    [OP_OVERAGE_LIST] = {&message_qms_overage_list, put_overages, NULL},
    [OP_OVERAGE_CHECK] = {&message_qms_is_overage, put_is_overage, NULL},
    [OP_USAGE_LIST] = {&message_qms_usage_list, put_usages, NULL},
    [OP_USAGE_ADD] = {&message_qms_usage_response, put_usage_added, NULL},
    [OP_QUOTA_SET] = {&message_qms_quota_response, put_quota_set, NULL},
    [OP_PLAN_LIST] = {&message_qms_plan_list, put_plans, NULL},
    [OP_PLAN_GET] = {&message_qms_plan_response, put_one_plan, NULL},
    [OP_PLAN_ADD] = {&message_qms_plan_response, put_one_plan, NULL},
    [OP_PLAN_DEFAULTS_ADD] = {&message_qms_quota_default_response, put_default_added, NULL},
    [OP_ADDON_LIST] = {&message_qms_addon_list_response, put_addons, put_null},
    [OP_ADDON_ADD] = {&message_qms_addon_response, put_one_addon, NULL},
    [OP_ADDON_UPDATE] = {&message_qms_addon_response, put_one_addon, NULL},
    [OP_ADDON_DELETE] = {&message_qms_addon_response, put_addon_deleted, NULL},
    [OP_ADDON_APPLY] = {&message_qms_subscription_addon_response, put_addon_applied, NULL},
    [OP_APPLIED_LIST] = {&message_qms_subscription_addon_list_response, put_applieds, put_null},
    [OP_APPLIED_GET] = {&message_qms_subscription_addon_response, put_one_applied, NULL},
    [OP_APPLIED_UPDATE] = {&message_qms_subscription_addon_response, put_one_applied, NULL},
    [OP_APPLIED_DELETE] = {&message_qms_subscription_addon_response, put_one_applied, NULL},
};

/* ---- whole responses ---- */

static void put_error(struct message_writer *writer, const struct qms_error *error) {
    const char *text = error->code == QMS_INTERNAL ? qms_code_text(QMS_INTERNAL) : error->text;
    message_begin(writer, RESPONSE_ERROR);
    message_put_enum(writer, SVCERROR_SERVICE_ERROR_ERROR_CODE,
                     text_of(qms_code_service(error->code)));
    message_put_integer(writer, SVCERROR_SERVICE_ERROR_STATUS_CODE, qms_code_http(error->code));
    message_put_text(writer, SVCERROR_SERVICE_ERROR_MESSAGE, text_of(text));
    message_end(writer);
}

static void put_trace(struct message_writer *writer, struct text key, struct text value) {
    if (value.length == 0) return;
    message_begin(writer, HEADER_HEADER_MAP);
    message_put_text(writer, HEADER_HEADER_MAP_ENTRY_KEY, key);
    message_begin(writer, HEADER_HEADER_MAP_ENTRY_VALUE);
    message_put_text(writer, HEADER_HEADER_VALUE_VALUE, value);
    message_end(writer);
    message_end(writer);
}

static void put_header(struct message_writer *writer, const struct qms_answer *answer) {
    message_begin(writer, RESPONSE_HEADER);
    put_trace(writer, TRACEPARENT, answer->traceparent);
    put_trace(writer, TRACESTATE, answer->tracestate);
    message_end(writer);
}

static const struct message_type *answer_type(const struct qms_answer *answer,
                                              const struct op *op) {
    const struct message_type *newest = responses[op->operation].type;
    assert(newest != NULL);
    return answer->type == NULL ? newest : answer->type;
}

void qms_message_encode(struct buffer *out, const struct qms_answer *answer, const struct op *op) {
    const struct response *response = &responses[op->operation];
    struct message_writer writer;
    message_open(&writer, answer->encoding, answer_type(answer, op), out);
    put_header(&writer, answer);
    if (op->error.code == QMS_OK) {
        response->put(&writer, op);
    } else {
        put_error(&writer, &op->error);
        if (response->put_failed != NULL) response->put_failed(&writer);
    }
    message_finish(&writer);
}

/* ---- listings in parts ---- */

/* What an empty listing ends with in JSON, and a full one too. In binary nothing is at the end. */
#define LISTING_END "]}"

void qms_message_encode_listing_begin(struct buffer *out, const struct qms_answer *answer,
                                      const struct op *op) {
    struct op empty = {.operation = op->operation};
    qms_message_encode(out, answer, &empty);
    if (answer->encoding == MESSAGE_JSON && !out->failed) out->length -= sizeof LISTING_END - 1;
}

/* Rows by themselves: in JSON each is a message of its own. In binary they are fields of the
 * response wherever they stand. */
void qms_message_encode_listing_rows(struct buffer *out, const struct qms_answer *answer,
                                     const struct op *op, bool first) {
    const struct message_type *type = answer_type(answer, op);
    struct message_writer writer;
    if (answer->encoding == MESSAGE_BINARY) {
        message_open(&writer, MESSAGE_BINARY, type, out);
        put_updates(&writer, op);
        message_finish(&writer);
        return;
    }
    for (size_t i = 0; i < op->out.listing.count; i++) {
        if (i > 0 || !first) buffer_put_char(out, ',');
        message_open(&writer, MESSAGE_JSON, message_type_of_field(type, RESPONSE_PAYLOAD), out);
        put_update_fields(&writer, &op->out.listing.updates[i]);
        message_finish(&writer);
    }
}

void qms_message_encode_listing_end(struct buffer *out, const struct qms_answer *answer) {
    if (answer->encoding == MESSAGE_JSON) buffer_put_text(out, TEXT(LISTING_END));
}

/* ---- over HTTP ---- */

static const struct qms_answer body_answer = {.encoding = MESSAGE_JSON};

void qms_body_encode(struct buffer *out, const struct op *op) {
    qms_message_encode(out, &body_answer, op);
    buffer_put_char(out, '\n');
}

void qms_body_encode_listing_begin(struct buffer *out, const struct op *op) {
    qms_message_encode_listing_begin(out, &body_answer, op);
}

void qms_body_encode_listing_rows(struct buffer *out, const struct op *op, bool first) {
    qms_message_encode_listing_rows(out, &body_answer, op, first);
}

void qms_body_encode_listing_end(struct buffer *out, const struct op *op) {
    (void)op; /* nothing is said at the end */
    qms_message_encode_listing_end(out, &body_answer);
    buffer_put_char(out, '\n');
}

void qms_body_encode_message(struct buffer *out, struct text text) {
    struct json_writer writer;
    json_write_open(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, TEXT("message"));
    json_write_string(&writer, text);
    json_write_object_end(&writer);
    buffer_put_char(out, '\n');
}
