/* The operations that subscribe a user: users.add (3.1), users.ensure (3.2), subscriptions.change
 * (6.3, 6.7) and subscriptions.create (6.4). */
#include "base/limits.h"
#include "domain/decide.h"

/* One rule, in the words and the order of the service that each operation comes from. */
struct subscribe_words {
    const char *past, *order;
    bool order_first;
};

static struct subscribe_words subscribe_words(enum operation operation) {
    if (operation == OP_SUBSCRIPTION_CREATE)
        return (struct subscribe_words){.past = "end date must be in the future",
                                        .order = "start date must precede end date",
                                        .order_first = true};
    return (struct subscribe_words){.past = operation == OP_USER_ADD
                                                ? "the end date must be in the future"
                                                : "end date must be in the future",
                                    .order = "the start date must precede the end date"};
}

static bool subscribe_dates(const struct decision *decision, enum operation operation,
                            const struct subscription_request *request, struct qms_error *error) {
    struct subscribe_words words = subscribe_words(operation);
    bool past = request->end_us <= decision->decided_us;
    bool order = request->start_us >= request->end_us;
    if (order && (words.order_first || !past))
        return qms_fail(error, QMS_BAD_REQUEST, "%s", words.order);
    return !past || qms_fail(error, QMS_BAD_REQUEST, "%s", words.past);
}

/* Periods, start and end (2.7, 2.8) of a request that is made at a time. */
static struct subscription_request subscribe_window(const struct subscription_input *input,
                                                    int64_t now_us) {
    struct subscription_request request = {
        .periods = input->periods == 0 ? 1 : (int)input->periods,
        .start_us = input->has_start ? input->start_us : now_us,
        .end_us = input->end_us,
        .paid = input->paid,
    };
    if (!input->has_end) request.end_us = date_add_years(request.start_us, request.periods);
    return request;
}

static bool subscribe_request(const struct decision *decision, struct op *op,
                              struct subscription_request *request) {
    const struct subscription_input *input = &op->in.subscription;
    if (input->periods < 0 || input->periods > SUBSCRIPTION_PERIODS_MAX)
        return qms_fail(&op->error, QMS_BAD_REQUEST,
                        "the number of periods must be greater than zero");
    if (input->end_unread.length > 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "unrecognized timestamp layout: %.*s",
                        TEXT_ARGUMENTS(input->end_unread));
    *request = subscribe_window(input, decision->decided_us);
    return subscribe_dates(decision, op->operation, request, &op->error);
}

static void subscribe_view(const struct decision *decision, struct op *op, struct arena *arena,
                           const struct subscription *subscription, bool created) {
    view_subscription(decision, subscription, arena, &op->out.subscription);
    op->out.subscription.created = created;
}

static bool subscribe_create(struct decision *decision, struct op *op, struct arena *arena,
                             const struct subscription_request *request) {
    struct subscription *subscription;
    if (!subscription_create(decision, op, request, &subscription)) return false;
    op->made_id = subscription->id;
    subscribe_view(decision, op, arena, subscription, true);
    return true;
}

/* ---- users.add, users.ensure ---- */

/* What a plan is ranked by: its present default of cpu.hours (6.4); none is nothing. */
static struct amount subscribe_rank(const struct decision *decision, const struct plan *plan) {
    const struct resource_type *resource_type =
        catalogue_resource_named(decision->catalogue, QMS_CPU_HOURS);
    if (plan == NULL || resource_type == NULL) return amount_zero();
    const struct quota_default *active =
        quota_default_active(plan, resource_type, decision->decided_us);
    return active == NULL ? amount_zero() : active->value;
}

/* Whether the user stays on the active subscription, if any (3.1; of plans, defect 23). */
static bool subscribe_stays(const struct decision *decision, const struct subscription_input *input,
                            const struct subscription *active, const struct plan *asked) {
    if (input->force || active == NULL) return false;
    if (uuid_equal(&active->plan_id, &asked->id)) return true;
    const struct plan *plan = catalogue_plan(decision->catalogue, &active->plan_id);
    return input->keep_larger &&
           amount_compare(subscribe_rank(decision, plan), subscribe_rank(decision, asked)) > 0;
}

static void subscribe_user(struct op *op, const struct plan *plan) {
    op->made_id = op->account->user_id;
    op->out.user = (struct user_view){
        .id = op->account->user_id, .username = op->username, .plan = plan};
}

bool decide_user_add(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the operation */
    const struct subscription_input *input = &op->in.subscription;
    struct subscription_request request;
    if (!subscribe_request(decision, op, &request)) return false;
    if (input->plan_name.length == 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no plan name provided in the request body");
    request.plan = catalogue_plan_named(decision->catalogue, input->plan_name);
    if (request.plan == NULL)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "subscription plan does not exist: %.*s",
                        TEXT_ARGUMENTS(input->plan_name));

    struct subscription *active = subscription_active(op->account, decision->decided_us);
    if (!subscribe_stays(decision, input, active, request.plan) &&
        !subscription_create(decision, op, &request, &active))
        return false;
    subscribe_user(op, request.plan);
    return true;
}

bool decide_user_add_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the operation */
    subscribe_user(op, catalogue_plan_named(decision->catalogue, op->in.subscription.plan_name));
    return true;
}

bool decide_user_ensure(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the operation */
    struct subscription *subscription;
    if (!subscription_ensure(decision, op, &subscription))
        return decide_reword(&op->error, "unable to look up the user's active subscription");
    subscribe_user(op, NULL);
    return true;
}

bool decide_user_ensure_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)decision;
    (void)arena; /* the answer points into the operation */
    subscribe_user(op, NULL);
    return true;
}

/* ---- subscriptions.change ---- */

static const struct plan *subscribe_plan_with_id(const struct decision *decision, struct text id,
                                                 struct qms_error *error) {
    struct uuid uuid;
    if (!uuid_parse(id, &uuid)) {
        qms_fail(error, QMS_BAD_REQUEST, "uuid must be a UUID");
        return NULL;
    }
    const struct plan *plan = catalogue_plan(decision->catalogue, &uuid);
    if (plan == NULL) decide_unknown(error, QMS_NOT_FOUND, "plan ID ", &uuid, " not found");
    return plan;
}

static const struct plan *subscribe_plan(const struct decision *decision, struct op *op) {
    const struct subscription_input *input = &op->in.subscription;
    if (input->plan_id.length > 0)
        return subscribe_plan_with_id(decision, input->plan_id, &op->error);
    if (input->plan_name.length == 0) {
        qms_fail(&op->error, QMS_BAD_REQUEST, "no plan name provided in the request body");
        return NULL;
    }
    const struct plan *plan = catalogue_plan_named(decision->catalogue, input->plan_name);
    if (plan == NULL)
        qms_fail(&op->error, QMS_BAD_REQUEST, "plan name `%.*s` not found",
                 TEXT_ARGUMENTS(input->plan_name));
    return plan;
}

bool decide_subscription_change(struct decision *decision, struct op *op, struct arena *arena) {
    const struct subscription_input *input = &op->in.subscription;
    struct subscription_request request;
    if (!subscribe_request(decision, op, &request)) return false;
    request.plan = subscribe_plan(decision, op);
    if (request.plan == NULL) return false;
    if (!input->has_paid) {
        const struct subscription *replaced = subscription_active(op->account, request.start_us);
        request.paid = replaced != NULL && replaced->paid;
    }
    return subscribe_create(decision, op, arena, &request);
}

/* Without any subscription to show, only what is certain. */
static void subscribe_view_or_id(const struct decision *decision, struct op *op,
                                 struct arena *arena, const struct subscription *subscription) {
    if (subscription != NULL) {
        bool created = uuid_equal(&subscription->id, &op->made_id);
        subscribe_view(decision, op, arena, subscription, created);
        return;
    }
    op->out.subscription = (struct subscription_view){
        .id = op->made_id, .user_id = op->account->user_id, .username = op->username};
}

bool decide_subscription_change_again(struct decision *decision, struct op *op,
                                      struct arena *arena) {
    const struct subscription *subscription = subscription_find(op->account, &op->made_id);
    if (subscription == NULL)
        subscription = subscription_active(op->account, decision->decided_us);
    subscribe_view_or_id(decision, op, arena, subscription);
    return true;
}

/* ---- subscriptions.create ---- */

/* Leftovers of no length are history and stand in nobody's way. */
static bool subscribe_overlaps(const struct subscription *subscription,
                               const struct subscription_request *window) {
    return subscription->start_us < subscription->end_us &&
           subscription->start_us < window->end_us && subscription->end_us > window->start_us;
}

static bool subscribe_is_better(const struct decision *decision,
                                const struct subscription *subscription,
                                const struct subscription *other) {
    int order = amount_compare(
        subscribe_rank(decision, catalogue_plan(decision->catalogue, &subscription->plan_id)),
        subscribe_rank(decision, catalogue_plan(decision->catalogue, &other->plan_id)));
    if (order != 0) return order > 0;
    if (subscription->start_us != other->start_us)
        return subscription->start_us > other->start_us;
    return uuid_compare(&subscription->id, &other->id) < 0;
}

/* The best of the user's subscriptions that overlap the window; NULL if there is none. */
static const struct subscription *subscribe_best(const struct decision *decision,
                                                 const struct account *account,
                                                 const struct subscription_request *window) {
    const struct subscription *best = NULL;
    for (const struct subscription *each = account->subscriptions; each != NULL;
         each = each->next) {
        if (!subscribe_overlaps(each, window)) continue;
        if (best == NULL || subscribe_is_better(decision, each, best)) best = each;
    }
    return best;
}

/* The checks of 6.4, in its order; the user name is the front's. */
static bool subscribe_item(const struct decision *decision, struct op *op,
                           struct subscription_request *request) {
    const struct subscription_input *input = &op->in.subscription;
    if (input->plan_name.length == 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no plan name provided in request");
    if (!input->has_paid)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no paid indicator provided in request");
    if (!subscribe_request(decision, op, request)) return false;
    request->plan = catalogue_plan_named(decision->catalogue, input->plan_name);
    return request->plan != NULL || qms_fail(&op->error, QMS_BAD_REQUEST,
                                             "plan does not exist: %.*s",
                                             TEXT_ARGUMENTS(input->plan_name));
}

bool decide_subscription_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct subscription_request request;
    if (!subscribe_item(decision, op, &request)) return false;
    const struct subscription *best = subscribe_best(decision, op->account, &request);
    if (op->in.subscription.force || best == NULL)
        return subscribe_create(decision, op, arena, &request);
    const struct plan *plan = catalogue_plan(decision->catalogue, &best->plan_id);
    if (amount_compare(subscribe_rank(decision, plan), subscribe_rank(decision, request.plan)) < 0)
        return subscribe_create(decision, op, arena, &request);
    subscribe_view(decision, op, arena, best, false);
    return true;
}

bool decide_subscription_create_again(struct decision *decision, struct op *op,
                                      struct arena *arena) {
    if (!uuid_is_nil(&op->made_id)) return decide_subscription_change_again(decision, op, arena);
    struct subscription_request window =
        subscribe_window(&op->in.subscription, op->replay->recorded_us);
    const struct subscription *best = subscribe_best(decision, op->account, &window);
    if (best == NULL) best = subscription_active(op->account, decision->decided_us);
    subscribe_view_or_id(decision, op, arena, best);
    return true;
}
