#include "base/http_status.h"
#include "domain/date.h"
#include "wire/json_writer.h"
#include "wire/v1_json.h"

/* ---- members ---- */

static void write_text(struct json_writer *writer, struct text name, struct text value) {
    json_write_key(writer, name);
    json_write_string(writer, value);
}

/* "Omitted if empty". */
static void write_text_unless_empty(struct json_writer *writer, struct text name,
                                    struct text value) {
    if (value.length > 0) write_text(writer, name, value);
}

static void write_id(struct json_writer *writer, const struct uuid *id) {
    if (uuid_is_nil(id)) return;
    json_write_key(writer, TEXT("id"));
    json_write_uuid(writer, id);
}

static void write_amount(struct json_writer *writer, struct text name, struct amount value) {
    json_write_key(writer, name);
    json_write_amount(writer, value);
}

static void write_bool(struct json_writer *writer, struct text name, bool value) {
    json_write_key(writer, name);
    json_write_bool(writer, value);
}

static void write_date(struct json_writer *writer, struct text name, int64_t at_us) {
    char text[TIMESTAMP_TEXT_MAX];
    write_text(writer, name,
               (struct text){.data = text, .length = timestamp_format_trimmed(at_us, text)});
}

/* ---- objects, members in the order of qms-http 1.2 ---- */

static void write_user(struct json_writer *writer, const struct uuid *id, struct text username) {
    json_write_object_begin(writer);
    write_id(writer, id);
    write_text_unless_empty(writer, TEXT("username"), username);
    json_write_object_end(writer);
}

static void write_resource_type(struct json_writer *writer, const struct resource_type *type) {
    json_write_object_begin(writer);
    write_id(writer, &type->id);
    write_text_unless_empty(writer, TEXT("name"), type->name);
    write_text_unless_empty(writer, TEXT("unit"), type->unit);
    write_bool(writer, TEXT("consumable"), type->consumable);
    json_write_object_end(writer);
}

static void write_default(struct json_writer *writer, const struct quota_default *value) {
    json_write_object_begin(writer);
    write_id(writer, &value->id);
    if (amount_sign(value->value) != 0) write_amount(writer, TEXT("quota_value"), value->value);
    json_write_key(writer, TEXT("resource_type"));
    write_resource_type(writer, value->resource_type);
    write_date(writer, TEXT("effective_date"), value->effective_us);
    json_write_object_end(writer);
}

static void write_rate(struct json_writer *writer, const struct rate *rate) {
    json_write_object_begin(writer);
    write_id(writer, &rate->id);
    write_date(writer, TEXT("effective_date"), rate->effective_us);
    write_amount(writer, TEXT("rate"), rate->rate);
    json_write_object_end(writer);
}

static void write_plan(struct json_writer *writer, const struct plan *plan) {
    json_write_object_begin(writer);
    write_id(writer, &plan->id);
    write_text(writer, TEXT("name"), plan->name);
    write_text_unless_empty(writer, TEXT("description"), plan->description);
    if (plan->default_count > 0) {
        json_write_array_named(writer, TEXT("plan_quota_defaults"));
        for (size_t i = 0; i < plan->default_count; i++) write_default(writer, &plan->defaults[i]);
        json_write_array_end(writer);
    }
    if (plan->rate_count > 0) {
        json_write_array_named(writer, TEXT("plan_rates"));
        for (size_t i = 0; i < plan->rate_count; i++) write_rate(writer, &plan->rates[i]);
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

/* Quota and Usage differ in the name of their amount. */
static void write_quantities(struct json_writer *writer, struct text name,
                             const struct quantity_view *rows, size_t count) {
    json_write_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(writer);
        write_id(writer, &rows[i].row.id);
        write_amount(writer, name, rows[i].row.value);
        json_write_key(writer, TEXT("resource_type"));
        write_resource_type(writer, rows[i].resource_type);
        if (rows[i].row.stamps.last_modified_us != 0)
            write_date(writer, TEXT("last_modified_at"), rows[i].row.stamps.last_modified_us);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* The members of a Subscription, without the braces: a SubscriptionResponse has more. */
static void write_subscription_members(struct json_writer *writer,
                                       const struct subscription_view *view) {
    write_id(writer, &view->id);
    write_date(writer, TEXT("effective_start_date"), view->start_us);
    if (view->end_us != TIME_NEVER)
        write_date(writer, TEXT("effective_end_date"), view->end_us);
    json_write_key(writer, TEXT("user"));
    write_user(writer, &view->user_id, view->username);
    if (view->plan != NULL) {
        json_write_key(writer, TEXT("plan"));
        write_plan(writer, view->plan);
    }
    json_write_key(writer, TEXT("quotas"));
    write_quantities(writer, TEXT("quota"), view->quotas, view->quota_count);
    json_write_key(writer, TEXT("usages"));
    write_quantities(writer, TEXT("usage"), view->usages, view->usage_count);
    write_bool(writer, TEXT("paid"), view->paid);
    if (view->plan_rate != NULL) {
        json_write_key(writer, TEXT("plan_rate"));
        write_rate(writer, view->plan_rate);
    }
}

static void write_subscription(struct json_writer *writer, const struct subscription_view *view) {
    json_write_object_begin(writer);
    write_subscription_members(writer, view);
    json_write_object_end(writer);
}

static void write_subscription_response(struct json_writer *writer,
                                        const struct subscription_view *view) {
    json_write_object_begin(writer);
    write_subscription_members(writer, view);
    write_bool(writer, TEXT("new_subscription"), view->created);
    json_write_object_end(writer);
}

/* A failed item of a bulk request: who was asked for, and why it came to nothing. */
static void write_subscription_failure(struct json_writer *writer, const struct op *op) {
    const struct uuid none = {0};
    const char *reason = op->error.code == QMS_INTERNAL ? "unable to add the subscription"
                                                        : op->error.text;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("user"));
    write_user(writer, &none, op->username);
    json_write_key(writer, TEXT("quotas"));
    json_write_null(writer);
    json_write_key(writer, TEXT("usages"));
    json_write_null(writer);
    write_bool(writer, TEXT("paid"), false);
    write_text(writer, TEXT("failure_reason"), text_of(reason));
    write_bool(writer, TEXT("new_subscription"), false);
    json_write_object_end(writer);
}

static void write_update(struct json_writer *writer, const struct update_view *view) {
    json_write_object_begin(writer);
    write_id(writer, &view->row.id);
    write_text(writer, TEXT("value_type"), text_of(value_type_name(view->row.value_type)));
    write_amount(writer, TEXT("value"), view->row.value);
    write_date(writer, TEXT("effective_date"), view->row.effective_us);
    json_write_key(writer, TEXT("resource_types"));
    write_resource_type(writer, view->resource_type);
    json_write_key(writer, TEXT("user"));
    write_user(writer, &view->user_id, view->username);
    json_write_key(writer, TEXT("metadata"));
    if (view->has_metadata) json_write_string(writer, view->row.metadata);
    else json_write_null(writer);
    json_write_object_end(writer);
}

/* ---- the envelope ---- */

static void result_begin(struct json_writer *writer, struct buffer *out) {
    json_write_open(writer, out);
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("result"));
}

static void result_end(struct json_writer *writer) {
    write_text(writer, TEXT("status"), TEXT("OK"));
    json_write_object_end(writer);
    buffer_put_char(writer->out, '\n');
}

/* That of 413 is the older one, which the tree has always had. */
static struct text status_phrase(int status) {
    return text_of(status == 413 ? "Request Entity Too Large" : http_status_text(status));
}

void v1_encode_error(struct buffer *out, const struct qms_error *error) {
    struct json_writer writer;
    json_write_open(&writer, out);
    json_write_object_begin(&writer);
    write_text(&writer, TEXT("error"), text_of(error->text));
    write_text(&writer, TEXT("status"), status_phrase(qms_code_http(error->code)));
    json_write_object_end(&writer);
    buffer_put_char(out, '\n');
}

void v1_encode_text(struct buffer *out, struct text result) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_string(&writer, result);
    result_end(&writer);
}

void v1_encode_service(struct buffer *out) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_object_begin(&writer);
    write_text(&writer, TEXT("service"), TEXT("subscriptions"));
    write_text(&writer, TEXT("title"), TEXT("CyVerse Subscriptions"));
    write_text(&writer, TEXT("version"), TEXT(""));
    write_text(&writer, TEXT("api_version"), TEXT("1.0.0"));
    json_write_object_end(&writer);
    result_end(&writer);
}

void v1_encode_plans(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_array_begin(&writer);
    for (size_t i = 0; i < op->catalogue->plan_count; i++)
        write_plan(&writer, &op->catalogue->plans[i]);
    json_write_array_end(&writer);
    result_end(&writer);
}

/* Somebody else has removed it: a repeated request knows no more. */
static void write_gone(struct json_writer *writer, const struct op *op) {
    json_write_object_begin(writer);
    write_id(writer, &op->made_id);
    json_write_object_end(writer);
}

void v1_encode_plan(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    if (op->out.plan != NULL) write_plan(&writer, op->out.plan);
    else write_gone(&writer, op);
    result_end(&writer);
}

void v1_encode_rate(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    write_rate(&writer, op->out.rate);
    result_end(&writer);
}

void v1_encode_defaults(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_array_begin(&writer);
    for (size_t i = 0; i < op->out.defaults.count; i++)
        write_default(&writer, op->out.defaults.rows[i]);
    json_write_array_end(&writer);
    result_end(&writer);
}

void v1_encode_resource_types(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_array_begin(&writer);
    for (size_t i = 0; i < op->catalogue->resource_type_count; i++)
        write_resource_type(&writer, &op->catalogue->resource_types[i]);
    json_write_array_end(&writer);
    result_end(&writer);
}

void v1_encode_resource_type(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    if (op->out.resource_type != NULL) write_resource_type(&writer, op->out.resource_type);
    else write_gone(&writer, op);
    result_end(&writer);
}

void v1_encode_usages(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    write_quantities(&writer, TEXT("usage"), op->out.usages.rows, op->out.usages.count);
    result_end(&writer);
}

void v1_encode_subscription(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    write_subscription(&writer, &op->out.subscription);
    result_end(&writer);
}

void v1_encode_subscription_response(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    result_begin(&writer, out);
    write_subscription_response(&writer, &op->out.subscription);
    result_end(&writer);
}

void v1_encode_subscription_responses(struct buffer *out, const struct request *request) {
    struct json_writer writer;
    result_begin(&writer, out);
    json_write_array_begin(&writer);
    for (size_t i = 0; i < request->op_count; i++) {
        const struct op *op = &request->ops[i];
        if (op->error.code == QMS_OK)
            write_subscription_response(&writer, &op->out.subscription);
        else write_subscription_failure(&writer, op);
    }
    json_write_array_end(&writer);
    result_end(&writer);
}

/* ---- listings ---- */

/* A SubscriptionListing wraps its rows; users and updates are bare lists. */
static bool listing_is_wrapped(const struct op *op) {
    return op->operation == OP_SUBSCRIPTION_LIST || op->operation == OP_SUBSCRIPTION_LIST_USER;
}

void v1_encode_listing_begin(struct buffer *out, const struct op *op) {
    buffer_put_text(out, listing_is_wrapped(op) ? TEXT("{\"result\":{\"subscriptions\":[")
                                                : TEXT("{\"result\":["));
}

void v1_encode_listing_rows(struct buffer *out, const struct op *op, bool first) {
    const struct listing_view *view = &op->out.listing;
    struct json_writer writer;
    json_write_open(&writer, out);
    writer.needs_comma = !first;
    for (size_t i = 0; i < view->count; i++) {
        switch (op->operation) {
        case OP_USER_LIST:
            write_user(&writer, &view->users[i].id, view->users[i].username);
            break;
        case OP_UPDATE_LIST: write_update(&writer, &view->updates[i]); break;
        default: write_subscription(&writer, &view->subscriptions[i]); break;
        }
    }
}

void v1_encode_listing_end(struct buffer *out, const struct op *op) {
    if (listing_is_wrapped(op))
        buffer_format(out, "],\"total\":%lld}", (long long)op->out.listing.total);
    else buffer_put_text(out, TEXT("]"));
    buffer_put_text(out, TEXT(",\"status\":\"OK\"}\n"));
}
