#include <assert.h>

#include "base/limits.h"
#include "domain/decide.h"

/* What a subscription request comes to, once everything that can fail has been looked at. */
struct terms {
    const struct plan *plan;
    const struct rate *rate;
    int64_t start_us, end_us;
    int periods;
    bool paid;
    struct remainder remainder;
};

/* code: whose fault it is when there is none, the caller's who named the plan or our own. */
static const struct rate *subscription_rate(const struct decision *decision,
                                            const struct plan *plan, enum qms_code code,
                                            struct qms_error *error) {
    if (plan->broken) {
        qms_fail(error, QMS_INTERNAL, "a rate or quota default of the %.*s subscription plan cannot"
                                      " be read", TEXT_ARGUMENTS(plan->name));
        return NULL;
    }
    const struct rate *rate = rate_active(plan->rates, plan->rate_count, decision->decided_us);
    if (rate == NULL)
        qms_fail(error, code, "the %.*s subscription plan has no effective rate",
                 TEXT_ARGUMENTS(plan->name));
    return rate;
}

const struct plan *subscription_default_plan(const struct decision *decision,
                                             struct qms_error *error) {
    const struct plan *plan = catalogue_plan_named(decision->catalogue, decision->default_plan);
    if (plan == NULL) {
        qms_fail(error, QMS_INTERNAL, "the default subscription plan %.*s does not exist",
                 TEXT_ARGUMENTS(decision->default_plan));
        return NULL;
    }
    return subscription_rate(decision, plan, QMS_INTERNAL, error) == NULL ? NULL : plan;
}

/* Consumable resources are bought per period, the others once (2.7). */
static bool subscription_quota(const struct quota_default *quota_default, int periods,
                               struct amount *quota, struct qms_error *error) {
    const struct resource_type *resource_type = quota_default->resource_type;
    *quota = quota_default->value;
    if (!resource_type->consumable) return true;
    if (amount_multiply(quota_default->value, periods, quota)) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "the %.*s quota of %d periods needs too many digits",
                    TEXT_ARGUMENTS(resource_type->name), periods);
}

static bool subscription_quotas_check(const struct decision *decision, const struct terms *terms,
                                      struct qms_error *error) {
    const struct catalogue *catalogue = decision->catalogue;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) {
        const struct resource_type *resource_type = &catalogue->resource_types[i];
        const struct quota_default *active =
            quota_default_active(terms->plan, resource_type, decision->decided_us);
        struct amount quota = amount_zero();
        if (active != NULL && !subscription_quota(active, terms->periods, &quota, error))
            return false;
        if (!remainder_fits(decision, &terms->remainder, resource_type, quota, error))
            return false;
    }
    return true;
}

static bool subscription_terms(const struct decision *decision, const struct account *account,
                               const struct subscription_request *request, struct terms *terms,
                               struct qms_error *error) {
    if (request->periods < 0 || request->periods > SUBSCRIPTION_PERIODS_MAX)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "the number of periods must be greater than zero");
    *terms = (struct terms){
        .plan = request->plan,
        .start_us = request->start_us,
        .end_us = request->end_us,
        .periods = request->periods == 0 ? 1 : request->periods,
        .paid = request->paid,
    };
    if (terms->end_us == 0) terms->end_us = date_add_years(terms->start_us, terms->periods);
    if (terms->start_us >= terms->end_us)
        return qms_fail(error, QMS_BAD_REQUEST, "the start date must precede the end date");
    if (terms->end_us <= decision->decided_us)
        return qms_fail(error, QMS_BAD_REQUEST, "the end date must be in the future");
    terms->rate = subscription_rate(decision, request->plan, QMS_BAD_REQUEST, error);
    if (terms->rate == NULL) return false;
    terms->remainder = remainder_find(decision, account, terms->start_us, terms->end_us);
    return subscription_quotas_check(decision, terms, error);
}

static void subscription_account(struct decision *decision, struct account *account) {
    if (account->exists) return;
    changes_account_insert(decision->changes, account);
    account->exists = true;
    account->user_id = uuid_make(decision->ids, decision->decided_us);
}

static void subscription_move(struct decision *decision, struct subscription *subscription,
                              int64_t start_us, int64_t end_us) {
    if (subscription->start_us == start_us && subscription->end_us == end_us) return;
    changes_subscription(decision->changes, subscription, ROW_CHANGED);
    subscription->start_us = start_us;
    subscription->end_us = end_us;
}

/* No other subscription may overlap the window [start, end) of a new one (2.9). Rows stay: one
 * that lay inside the window is kept as history of no length. An open end is TIME_NEVER, after
 * every date. */
static void subscription_clear_window(struct decision *decision, struct account *account,
                                      int64_t start_us, int64_t end_us) {
    for (struct subscription *other = account->subscriptions; other != NULL; other = other->next) {
        if (other->start_us <= start_us) {
            if (other->end_us > start_us)
                subscription_move(decision, other, other->start_us, start_us);
        } else if (other->end_us <= end_us) {
            subscription_move(decision, other, other->start_us, other->start_us);
        } else if (other->start_us < end_us) {
            subscription_move(decision, other, end_us, other->end_us);
        }
    }
}

struct subscription *subscription_insert(struct decision *decision, struct account *account,
                                         const struct subscription *like) {
    struct subscription *subscription =
        arena_take_zeroed(&account->arena, 1, sizeof *subscription);
    *subscription = (struct subscription){
        .next = account->subscriptions,
        .account = account,
        .id = uuid_make(decision->ids, decision->decided_us),
        .plan_id = like->plan_id,
        .plan_rate_id = like->plan_rate_id,
        .start_us = like->start_us,
        .end_us = like->end_us,
        .paid = like->paid,
    };
    changes_account_rows(decision->changes, account);
    account->subscriptions = subscription;
    changes_subscription(decision->changes, subscription, ROW_INSERTED);
    return subscription;
}

static struct quantity *subscription_quantity_new(struct decision *decision,
                                                  struct subscription *subscription,
                                                  struct quantity **first,
                                                  const struct uuid *resource_type_id) {
    struct quantity *quantity =
        arena_take_zeroed(&subscription->account->arena, 1, sizeof *quantity);
    *quantity = (struct quantity){
        .next = *first,
        .subscription = subscription,
        .id = uuid_make(decision->ids, decision->decided_us),
        .resource_type_id = *resource_type_id,
        .value = amount_zero(),
        .stamps = {.created_by = decision->actor, .created_us = decision->stamped_us},
    };
    changes_subscription_rows(decision->changes, subscription);
    *first = quantity;
    return quantity;
}

struct subscription *subscription_target(const struct op *op, struct qms_error *error) {
    struct subscription *subscription =
        op->account == NULL ? NULL : subscription_find(op->account, &op->target_id);
    if (subscription == NULL)
        decide_unknown(error, QMS_NOT_FOUND, "subscription not found: ", &op->target_id, "");
    return subscription;
}

struct quantity *subscription_quantity(struct decision *decision,
                                       struct subscription *subscription, enum value_type type,
                                       const struct uuid *resource_type_id) {
    struct quantity **first =
        type == VALUE_QUOTAS ? &subscription->quotas : &subscription->usages;
    struct quantity *quantity = quantity_find(*first, resource_type_id);
    enum row_state state = quantity == NULL ? ROW_INSERTED : ROW_CHANGED;
    if (quantity == NULL)
        quantity = subscription_quantity_new(decision, subscription, first, resource_type_id);
    if (type == VALUE_QUOTAS) changes_quota(decision->changes, quantity, state);
    else changes_usage(decision->changes, quantity, state);
    quantity->inexact = false;
    quantity->stamps.last_modified_by = decision->actor;
    quantity->stamps.last_modified_us = decision->stamped_us;
    return quantity;
}

static void subscription_quotas_insert(struct decision *decision,
                                       struct subscription *subscription,
                                       const struct terms *terms) {
    const struct catalogue *catalogue = decision->catalogue;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) {
        const struct resource_type *resource_type = &catalogue->resource_types[i];
        const struct quota_default *active =
            quota_default_active(terms->plan, resource_type, decision->decided_us);
        if (active == NULL) continue;
        struct quantity *quota =
            subscription_quantity(decision, subscription, VALUE_QUOTAS, &resource_type->id);
        bool counted = subscription_quota(active, terms->periods, &quota->value, NULL);
        assert(counted); /* subscription_quotas_check() has looked */
    }
}

static struct subscription *subscription_make(struct decision *decision, struct account *account,
                                              const struct terms *terms) {
    const struct subscription like = {
        .plan_id = terms->plan->id,
        .plan_rate_id = terms->rate->id,
        .start_us = terms->start_us,
        .end_us = terms->end_us,
        .paid = terms->paid,
    };
    struct subscription *subscription = subscription_insert(decision, account, &like);
    subscription_quotas_insert(decision, subscription, terms);
    return subscription;
}

bool subscription_create(struct decision *decision, struct op *op,
                         const struct subscription_request *request,
                         struct subscription **subscription) {
    struct account *account = op->account;
    struct terms terms = {0};
    if (!subscription_terms(decision, account, request, &terms, &op->error)) return false;
    /* Every subscription that the window can meet has to be among the facts. */
    assert(!account->exists || account->ends_from_us <= terms.start_us);

    subscription_account(decision, account);
    subscription_clear_window(decision, account, terms.start_us, terms.end_us);
    remainder_restore_tail(decision, op, &terms.remainder, terms.end_us);
    *subscription = subscription_make(decision, account, &terms);
    remainder_carry_over(decision, op, &terms.remainder, *subscription);
    return true;
}

bool subscription_ensure(struct decision *decision, struct op *op,
                         struct subscription **subscription) {
    *subscription = subscription_active(op->account, decision->decided_us);
    if (*subscription != NULL) return true;
    const struct plan *plan = subscription_default_plan(decision, &op->error);
    if (plan == NULL) return false;
    const struct subscription_request request = {
        .plan = plan, .start_us = decision->decided_us, .periods = 1, .paid = false};
    return subscription_create(decision, op, &request, subscription);
}
