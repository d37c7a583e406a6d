/* Subscription add-ons (12): what is applied raises the quota of its resource type by its amount,
 * whatever the periods; changing the amount changes the quota by the difference; removing lowers
 * it, never below 0. The audit row says by how much the quota really changed. */
#include "domain/decide.h"

/* ---- looking up ---- */

static struct subscription_addon *applied_find(const struct account *account,
                                               const struct uuid *id) {
    if (account == NULL) return NULL;
    for (struct subscription *each = account->subscriptions; each != NULL; each = each->next)
        for (struct subscription_addon *row = each->addons; row != NULL; row = row->next)
            if (uuid_equal(&row->id, id)) return row;
    return NULL;
}

static struct subscription_addon *applied_target(struct op *op) {
    struct subscription_addon *applied = applied_find(op->account, &op->target_id);
    if (applied == NULL) qms_fail(&op->error, QMS_NOT_FOUND, "subscription add-on not found");
    return applied;
}

static void applied_show(const struct decision *decision, struct op *op,
                         const struct subscription_addon *applied) {
    op->made_id = applied->id;
    view_applied(decision, applied, &op->out.applied);
}

/* ---- the effect on the quota ---- */

/* The first change of an operation, and the last that can be refused. */
static bool applied_quota(struct decision *decision, struct op *op,
                          struct subscription *subscription, const struct addon *addon,
                          struct amount difference) {
    const struct change change = {
        .subscription = subscription,
        .resource_type = addon->resource_type,
        .operation = UPDATE_ADD,
        .value_type = VALUE_QUOTAS,
        .operand = difference,
        .effective_us = decision->decided_us,
        .metadata = change_path(decision, op),
        .value_text = "invalid amount",
    };
    const struct quantity *changed;
    const struct update *audit;
    if (amount_sign(difference) == 0) return true;
    return change_apply(decision, op, &change, &changed, &audit);
}

/* From one amount of an applied add-on to another. */
static bool applied_amount(struct decision *decision, struct op *op,
                           const struct subscription_addon *applied, struct amount amount) {
    const struct addon *addon = catalogue_addon(decision->catalogue, &applied->addon_id);
    struct amount difference;
    if (addon == NULL) return qms_fail_code(&op->error, QMS_INTERNAL);
    if (!amount_subtract(amount, applied->amount, &difference))
        return qms_fail(&op->error, QMS_BAD_REQUEST,
                        "invalid amount: the difference needs more than 34 digits");
    return applied_quota(decision, op, applied->subscription, addon, difference);
}

/* ---- subscription_addons.apply ---- */

static const struct rate *applied_rate(const struct decision *decision, const struct addon *addon,
                                       struct qms_error *error) {
    if (addon->broken) {
        qms_fail_code(error, QMS_INTERNAL);
        return NULL;
    }
    const struct rate *rate = rate_active(addon->rates, addon->rate_count, decision->decided_us);
    if (rate == NULL)
        decide_unknown(error, QMS_BAD_REQUEST, "no active rate found for addon ", &addon->id, "");
    return rate;
}

struct subscription_addon *subscription_addon_insert(struct decision *decision,
                                                     struct subscription *subscription,
                                                     const struct subscription_addon *like) {
    struct subscription_addon *applied =
        arena_take_zeroed(&subscription->account->arena, 1, sizeof *applied);
    *applied = (struct subscription_addon){
        .next = subscription->addons,
        .subscription = subscription,
        .id = uuid_make(decision->ids, decision->decided_us),
        .addon_id = like->addon_id,
        .addon_rate_id = like->addon_rate_id,
        .amount = like->amount,
        .paid = like->paid,
    };
    changes_subscription_rows(decision->changes, subscription);
    subscription->addons = applied;
    changes_addon_applied(decision->changes, applied, ROW_INSERTED);
    return applied;
}

bool decide_addon_apply(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the catalogue */
    const struct addon *addon =
        catalogue_addon(decision->catalogue, &op->in.applied.addon_id);
    if (addon == NULL) return qms_fail(&op->error, QMS_NOT_FOUND, "add-on not found");
    struct subscription *subscription = subscription_target(op, &op->error);
    if (subscription == NULL) return false;
    const struct rate *rate = applied_rate(decision, addon, &op->error);
    if (rate == NULL) return false;
    /* A foreign writer may have stored any default. */
    if (amount_sign(addon->default_amount) < 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "invalid amount");
    if (!applied_quota(decision, op, subscription, addon, addon->default_amount)) return false;
    const struct subscription_addon like = {
        .addon_id = addon->id,
        .addon_rate_id = rate->id,
        .amount = addon->default_amount,
        .paid = addon->default_paid,
    };
    applied_show(decision, op, subscription_addon_insert(decision, subscription, &like));
    return true;
}

/* ---- subscription_addons.list, .get ---- */

bool decide_applied_list(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription *subscription =
        op->account == NULL ? NULL : subscription_find(op->account, &op->target_id);
    if (subscription != NULL)
        op->out.applieds.count =
            view_applieds(decision, subscription->addons, arena, &op->out.applieds.rows);
    return true;
}

bool decide_applied_get(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the catalogue */
    const struct subscription_addon *applied = applied_target(op);
    if (applied == NULL) return false;
    view_applied(decision, applied, &op->out.applied);
    return true;
}

/* ---- subscription_addons.update ---- */

bool decide_applied_update(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the catalogue */
    const struct applied_input *input = &op->in.applied;
    struct subscription_addon *applied = applied_target(op);
    if (applied == NULL) return false;
    struct amount amount = input->update_amount ? input->amount : applied->amount;
    if (input->update_amount && amount_sign(amount) < 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "invalid amount");
    if (!applied_amount(decision, op, applied, amount)) return false;
    if (input->update_amount || input->update_paid) {
        changes_addon_applied(decision->changes, applied, ROW_CHANGED);
        applied->amount = amount;
        if (input->update_paid) applied->paid = input->paid;
    }
    applied_show(decision, op, applied);
    return true;
}

/* ---- subscription_addons.delete ---- */

static void applied_unlink(struct decision *decision, struct subscription_addon *applied) {
    struct subscription *subscription = applied->subscription;
    struct subscription_addon *before = NULL;
    for (struct subscription_addon *row = subscription->addons; row != applied; row = row->next)
        before = row;
    if (before == NULL) changes_subscription_rows(decision->changes, subscription);
    else changes_addon_link(decision->changes, before);
    changes_addon_applied(decision->changes, applied, ROW_DELETED);
    *(before == NULL ? &subscription->addons : &before->next) = applied->next;
}

bool decide_applied_delete(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the catalogue */
    struct subscription_addon *applied = applied_target(op);
    if (applied == NULL) return false;
    if (!applied_amount(decision, op, applied, amount_zero())) return false;
    applied_show(decision, op, applied);
    applied_unlink(decision, applied);
    return true;
}

bool decide_applied_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the catalogue */
    const struct subscription_addon *applied = applied_find(op->account, &op->made_id);
    if (applied != NULL) view_applied(decision, applied, &op->out.applied);
    else op->out.applied.row.id = op->made_id;
    return true;
}
