/* What was answered, in words, so that a difference can be read. Lists are sorted here on the
 * model's side, and as they came on the other. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/model.h"

void put(char *text, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, ANSWER_BYTES - length, format, arguments);
    va_end(arguments);
}

void put_milli(char *text, int64_t milli) {
    char digits[32];
    int64_t size = milli < 0 ? -milli : milli;
    int length = snprintf(digits, sizeof digits, "%s%lld.%03lld", milli < 0 ? "-" : "",
                          (long long)(size / 1000), (long long)(size % 1000));
    while (digits[length - 1] == '0') length--;
    if (digits[length - 1] == '.') length--;
    put(text, "%.*s", length, digits);
}

struct amount model_amount(int64_t milli) {
    char digits[ANSWER_BYTES] = "";
    struct amount amount;
    put_milli(digits, milli);
    enum amount_status status = amount_parse(text_of(digits), &amount);
    assert(status == AMOUNT_OK);
    (void)status;
    return amount;
}

void put_id(char *text, const struct uuid *id) {
    char digits[UUID_TEXT_BYTES];
    uuid_format(id, digits);
    put(text, "%.*s", UUID_TEXT_BYTES, digits);
}

static void put_amount(char *text, struct amount amount) {
    char digits[AMOUNT_TEXT_MAX];
    put(text, "%.*s", (int)amount_format(amount, digits), digits);
}

static void put_dated(char *text, const struct dated *each) {
    put(text, " %lld=", (long long)each->at_us);
    put_milli(text, each->milli);
}

/* ---- the model's ---- */

static const struct model *sorted; /* what the orders below are about; one thread */

static int by_name(const void *left, const void *right) {
    return strcmp(sorted->types[*(const int *)left].name, sorted->types[*(const int *)right].name);
}

static void types_by_name(const struct model *model, int order[TYPES + 1]) {
    for (int i = 0; i < model->type_count; i++) order[i] = i;
    sorted = model;
    qsort(order, (size_t)model->type_count, sizeof *order, by_name);
}

void put_values(char *text, const struct model *model, const struct model_value *values) {
    int order[TYPES + 1];
    types_by_name(model, order);
    for (int i = 0; i < model->type_count; i++) {
        if (!values[order[i]].is) continue;
        put(text, " %s=", model->types[order[i]].name);
        put_milli(text, values[order[i]].milli);
    }
}

void put_applied(char *text, const struct model *model, const struct model_applied *applied) {
    int at = addon_with(model, &applied->addon_id);
    put(text, " [");
    put_id(text, &applied->id);
    put(text, " %s ", model->addons[at].name);
    put_id(text, &applied->rate_id);
    put(text, " ");
    put_milli(text, applied->milli);
    put(text, applied->paid ? " paid]" : "]");
}

static int by_addon_name(const void *left, const void *right) {
    const struct model_applied *one = *(const struct model_applied *const *)left;
    const struct model_applied *other = *(const struct model_applied *const *)right;
    int order = strcmp(sorted->addons[addon_with(sorted, &one->addon_id)].name,
                       sorted->addons[addon_with(sorted, &other->addon_id)].name);
    return order != 0 ? order : uuid_compare(&one->id, &other->id);
}

void put_applied_of(char *text, const struct model *model, const struct uuid *subscription_id) {
    static const struct model_applied *order[APPLIED_MAX];
    size_t count = 0;
    for (int i = 0; i < model->applied_count; i++)
        if (uuid_equal(&model->applied[i].subscription_id, subscription_id))
            order[count++] = &model->applied[i];
    sorted = model;
    qsort(order, count, sizeof(struct model_applied *), by_addon_name);
    for (size_t i = 0; i < count; i++) put_applied(text, model, order[i]);
}

void put_subscription(char *text, const struct model *model,
                      const struct model_subscription *subscription, bool created) {
    put_id(text, &subscription->id);
    put(text, "%s of %s %lld..%lld%s plan %s rate ", created ? " created" : "",
        user_name(subscription->user), (long long)subscription->start_us,
        (long long)subscription->end_us, subscription->paid ? " paid" : "",
        model->plans[plan_with(model, &subscription->plan_id)].name);
    put_id(text, &subscription->rate_id);
    put(text, " quotas");
    put_values(text, model, subscription->values[VALUE_QUOTAS]);
    put(text, " usages");
    put_values(text, model, subscription->values[VALUE_USAGES]);
    put_applied_of(text, model, &subscription->id);
}

static int by_date(const void *left, const void *right) {
    const struct dated *one = left, *other = right;
    if (one->at_us != other->at_us) return one->at_us < other->at_us ? -1 : 1;
    if (one->type == other->type) return 0;
    return strcmp(sorted->types[one->type].name, sorted->types[other->type].name);
}

static void put_list(char *text, const struct model *model, const struct dated *list, int count,
                     bool of_types) {
    struct dated order[DATED_MAX];
    memcpy(order, list, (size_t)count * sizeof *order);
    sorted = model;
    qsort(order, (size_t)count, sizeof *order, by_date);
    for (int i = 0; i < count; i++) {
        if (of_types) put(text, " %s", model->types[order[i].type].name);
        put_dated(text, &order[i]);
    }
}

void put_plan(char *text, const struct model *model, const struct model_plan *plan) {
    put(text, "plan %s rates", plan->name);
    put_list(text, model, plan->rates, plan->rate_count, false);
    put(text, " defaults");
    put_list(text, model, plan->defaults, plan->default_count, true);
}

void put_type(char *text, const struct model_type *type) {
    put(text, "type %s in %s%s", type->name, type->unit, type->consumable ? " consumable" : "");
}

void put_addon(char *text, const struct model *model, const struct model_addon *addon) {
    put(text, "add-on %s of %s ", addon->name, model->types[addon->type].name);
    put_milli(text, addon->milli);
    put(text, "%s rates", addon->paid ? " paid" : "");
    put_list(text, model, addon->rates, addon->rate_count, false);
}

/* ---- what was really answered ---- */

static void put_quantities(char *text, const struct quantity_view *views, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(text, " %.*s=", TEXT_ARGUMENTS(views[i].resource_type->name));
        put_amount(text, views[i].row.value);
    }
}

static void put_applied_views(char *text, const struct applied_view *views, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(text, " [");
        put_id(text, &views[i].row.id);
        put(text, " %.*s ", TEXT_ARGUMENTS(views[i].addon->name));
        put_id(text, &views[i].rate->id);
        put(text, " ");
        put_amount(text, views[i].row.amount);
        put(text, views[i].row.paid ? " paid]" : "]");
    }
}

static void put_view(char *text, const struct subscription_view *view) {
    put_id(text, &view->id);
    put(text, "%s of %.*s %lld..%lld%s plan %.*s rate ", view->created ? " created" : "",
        TEXT_ARGUMENTS(view->username), (long long)view->start_us, (long long)view->end_us,
        view->paid ? " paid" : "", TEXT_ARGUMENTS(view->plan->name));
    put_id(text, &view->plan_rate->id);
    put(text, " quotas");
    put_quantities(text, view->quotas, view->quota_count);
    put(text, " usages");
    put_quantities(text, view->usages, view->usage_count);
    put_applied_views(text, view->addons, view->addon_count);
}

static void put_rates(char *text, const struct rate *rates, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(text, " %lld=", (long long)rates[i].effective_us);
        put_amount(text, rates[i].rate);
    }
}

static void put_real_plan(char *text, const struct plan *plan) {
    put(text, "plan %.*s rates", TEXT_ARGUMENTS(plan->name));
    put_rates(text, plan->rates, plan->rate_count);
    put(text, " defaults");
    for (size_t i = 0; i < plan->default_count; i++) {
        put(text, " %.*s %lld=", TEXT_ARGUMENTS(plan->defaults[i].resource_type->name),
            (long long)plan->defaults[i].effective_us);
        put_amount(text, plan->defaults[i].value);
    }
}

static void put_catalogue_answer(char *text, const struct op *op) {
    const struct resource_type *type = op->out.resource_type;
    const struct addon *addon = op->out.addon;
    switch (op->operation) {
    case OP_PLAN_RATE_ACTIVE: put_amount(text, op->out.rate->rate); break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE:
        put(text, "type %.*s in %.*s%s", TEXT_ARGUMENTS(type->name), TEXT_ARGUMENTS(type->unit),
            type->consumable ? " consumable" : "");
        break;
    case OP_ADDON_ADD:
    case OP_ADDON_UPDATE:
        put(text, "add-on %.*s of %.*s ", TEXT_ARGUMENTS(addon->name),
            TEXT_ARGUMENTS(addon->resource_type->name));
        put_amount(text, addon->default_amount);
        put(text, "%s rates", addon->default_paid ? " paid" : "");
        put_rates(text, addon->rates, addon->rate_count);
        break;
    case OP_ADDON_DELETE: break;
    default: put_real_plan(text, op->out.plan); break;
    }
}

/* By the type's name; it comes by the type's id. */
static void put_defaults(char *text, const struct op *op) {
    for (size_t type = 0; type < op->catalogue->resource_type_count; type++)
        for (size_t i = 0; i < op->out.defaults.count; i++) {
            const struct quota_default *each = op->out.defaults.rows[i];
            if (each->resource_type != &op->catalogue->resource_types[type]) continue;
            put(text, " %.*s=", TEXT_ARGUMENTS(each->resource_type->name));
            put_amount(text, each->value);
        }
}

static void put_answer(char *text, const struct op *op) {
    const struct update_view *update = &op->out.update;
    switch (op->operation) {
    case OP_USER_ADD:
    case OP_USER_ENSURE:
        put(text, "user %.*s plan ", TEXT_ARGUMENTS(op->out.user.username));
        if (op->out.user.plan != NULL)
            put(text, "%.*s", TEXT_ARGUMENTS(op->out.user.plan->name));
        break;
    case OP_SUBSCRIPTION_CHANGE:
    case OP_SUBSCRIPTION_CREATE:
    case OP_QUOTA_SET_USER:
    case OP_SUMMARY_GET: put_view(text, &op->out.subscription); break;
    case OP_UPDATE_ADD:
        put(text, "%s %s %.*s ", update_operation_name(update->row.operation),
            value_type_name(update->row.value_type), TEXT_ARGUMENTS(update->resource_type->name));
        put_amount(text, update->row.value);
        break;
    case OP_USAGE_ADD:
    case OP_QUOTA_SET:
        put(text, "%.*s ", TEXT_ARGUMENTS(op->out.quantity.resource_type->name));
        put_amount(text, op->out.quantity.row.value);
        put(text, " of ");
        put_id(text, &op->out.quantity.subscription_id);
        break;
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD: break;
    case OP_USAGE_SHOW:
    case OP_USAGE_LIST:
        put_quantities(text, op->out.usages.rows, op->out.usages.count);
        break;
    case OP_OVERAGE_LIST:
        for (size_t i = 0; i < op->out.overages.count; i++) {
            put(text, " %.*s=", TEXT_ARGUMENTS(op->out.overages.rows[i].resource_type->name));
            put_amount(text, op->out.overages.rows[i].usage);
        }
        break;
    case OP_OVERAGE_CHECK: put(text, op->out.is_overage ? "over" : "not over"); break;
    case OP_APPLIED_LIST:
        put_applied_views(text, op->out.applieds.rows, op->out.applieds.count);
        break;
    case OP_ADDON_APPLY:
    case OP_APPLIED_GET:
    case OP_APPLIED_UPDATE:
    case OP_APPLIED_DELETE: put_applied_views(text, &op->out.applied, 1); break;
    case OP_PLAN_DEFAULTS_ACTIVE: put_defaults(text, op); break;
    default: put_catalogue_answer(text, op); break;
    }
}

void answer_of(const struct op *op, struct answer *answer) {
    answer->code = op->error.code;
    answer->text[0] = '\0';
    if (op->error.code != QMS_OK) return;
    if (!op->duplicate) {
        put_answer(answer->text, op);
        return;
    }
    put(answer->text, "again ");
    put_id(answer->text, &op->made_id);
}
