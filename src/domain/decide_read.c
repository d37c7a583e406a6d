#include "domain/decide.h"

/* The active subscription for a read that subscribes a user without one, where it may. */
static struct subscription *read_subscription(struct decision *decision, struct op *op) {
    struct account *account = op->account;
    struct subscription *subscription = subscription_active(account, decision->decided_us);
    if (subscription != NULL) return subscription;
    if (!decision->reads_subscribe) {
        qms_fail(&op->error, QMS_NOT_FOUND, "user name not found");
        return NULL;
    }
    decision->must_write = decision->changes == NULL || !account->writable;
    if (decision->must_write) return NULL;
    return subscription_ensure(decision, op, &subscription) ? subscription : NULL;
}

bool decide_summary(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription *subscription = read_subscription(decision, op);
    if (subscription == NULL) return false;
    view_subscription(decision, subscription, arena, &op->out.subscription);
    return true;
}

bool decide_usage_show(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription *subscription = read_subscription(decision, op);
    if (subscription == NULL) return decide_reword(&op->error, "unable to look up the usages");
    op->out.usages.count =
        view_quantities(decision, subscription->usages, arena, &op->out.usages.rows);
    return true;
}

/* In overage: both rows exist and the usage has reached the quota (10). */
static bool overage_of(const struct subscription *subscription,
                       const struct resource_type *resource_type, struct overage_view *overage) {
    const struct quantity *quota = quantity_find(subscription->quotas, &resource_type->id);
    const struct quantity *usage = quantity_find(subscription->usages, &resource_type->id);
    if (quota == NULL || usage == NULL) return false;
    if (amount_compare(usage->value, quota->value) < 0) return false;
    *overage = (struct overage_view){
        .resource_type = resource_type, .quota = quota->value, .usage = usage->value};
    return true;
}

/* The subscription whose overages count: only the active one; NULL when none do. */
static const struct subscription *overage_subscription(const struct decision *decision,
                                                       const struct op *op) {
    if (!decision->report_overages) return NULL;
    return subscription_active(op->account, decision->decided_us);
}

bool decide_overage_list(struct decision *decision, struct op *op, struct arena *arena) {
    const struct catalogue *catalogue = decision->catalogue;
    const struct subscription *subscription = overage_subscription(decision, op);
    if (subscription == NULL) return true;
    struct overage_view *rows =
        arena_take_zeroed(arena, catalogue->resource_type_count, sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) /* by name, as they are listed */
        if (overage_of(subscription, &catalogue->resource_types[i], &rows[count])) count++;
    op->out.overages.rows = rows;
    op->out.overages.count = count;
    return true;
}

bool decide_overage_check(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer is a bit */
    const struct subscription *subscription = overage_subscription(decision, op);
    const struct resource_type *resource_type =
        catalogue_resource_named(decision->catalogue, op->in.resource_name);
    struct overage_view overage;
    op->out.is_overage = subscription != NULL && resource_type != NULL &&
                         overage_of(subscription, resource_type, &overage);
    return true;
}

bool decide_usage_list(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription *subscription =
        subscription_active(op->account, decision->decided_us);
    if (subscription != NULL)
        op->out.usages.count =
            view_quantities(decision, subscription->usages, arena, &op->out.usages.rows);
    return true;
}
