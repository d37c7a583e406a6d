/* Setting a quota: of any subscription by its id (7.1), or of a user's active one (7.2). The number
 * is the total, add-ons included. */
#include "domain/decide.h"

static bool quota_change(const struct decision *decision, struct op *op, const char *value_text,
                         struct change *change) {
    *change = (struct change){
        .operation = UPDATE_SET,
        .value_type = VALUE_QUOTAS,
        .operand = op->in.quota.value,
        .effective_us = decision->decided_us,
        .metadata = change_path(decision, op),
    };
    return amount_sign(change->operand) >= 0 ||
           qms_fail(&op->error, QMS_BAD_REQUEST, "%s", value_text);
}

bool decide_quota_set(struct decision *decision, struct op *op, struct arena *arena) {
    const struct quota_input *input = &op->in.quota;
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (!quota_change(decision, op, "invalid value", &change)) return false;
    change.resource_type = resource_given(decision, input->resource_id, input->resource_name,
                                          "either the resource type ID or name must be specified",
                                          &op->error);
    if (change.resource_type == NULL) return false;
    change.subscription = subscription_target(op, &op->error);
    if (change.subscription == NULL) return false;
    if (!change_apply(decision, op, &change, &changed, &audit)) return false;
    op->made_id = changed->id;
    view_quantity(decision, changed, arena, &op->out.quantity);
    return true;
}

/* qms deletes neither subscriptions nor their quotas. */
bool decide_quota_set_again(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription *subscription = subscription_target(op, &op->error);
    if (subscription == NULL) return false;
    for (const struct quantity *quota = subscription->quotas; quota != NULL; quota = quota->next) {
        if (!uuid_equal(&quota->id, &op->made_id)) continue;
        view_quantity(decision, quota, arena, &op->out.quantity);
        return true;
    }
    return qms_fail_code(&op->error, QMS_INTERNAL);
}

bool decide_quota_set_user(struct decision *decision, struct op *op, struct arena *arena) {
    struct text name = op->in.quota.resource_name;
    bool subscribed = subscription_active(op->account, decision->decided_us) != NULL;
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (name.length == 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no resource type name provided in request");
    if (!quota_change(decision, op, "the quota must not be less than zero", &change)) return false;
    change.resource_type = catalogue_resource_named(decision->catalogue, name);
    if (change.resource_type == NULL)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "resource type '%.*s' not found",
                        TEXT_ARGUMENTS(name));
    if (!change_apply(decision, op, &change, &changed, &audit))
        return decide_reword(&op->error, "unable to look up the user's active subscription");
    if (!subscribed) op->made_id = changed->subscription->id;
    view_subscription(decision, changed->subscription, arena, &op->out.subscription);
    op->out.subscription.created = !subscribed;
    return true;
}
