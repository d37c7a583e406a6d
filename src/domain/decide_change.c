#include <assert.h>

#include "base/limits.h"
#include "domain/decide.h"

struct text change_path(const struct decision *decision, const struct op *op) {
    struct text name = text_of(operation_name(op->operation));
    if (op->principal.length == 0) return name;
    return arena_format(decision->changes->arena, "%.*s by %.*s", TEXT_ARGUMENTS(name),
                        TEXT_ARGUMENTS(op->principal));
}

static bool change_effective(const struct decision *decision, const struct change_input *input,
                             struct qms_error *error) {
    if (input->effective_us <= decision->decided_us + EFFECTIVE_AHEAD_US_MAX) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "invalid effective date");
}

static bool change_operand(const struct change *change, struct qms_error *error) {
    if (change->operation != UPDATE_SET || amount_sign(change->operand) >= 0) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "%s", change->value_text);
}

/* A uuid that a client sent beside a name has to be the one the name stands for. */
static bool change_uuid(struct text given, const struct uuid *resolved, const char *name,
                        struct qms_error *error) {
    struct uuid uuid;
    if (given.length == 0) return true;
    if (!uuid_parse(given, &uuid))
        return qms_fail(error, QMS_BAD_REQUEST, "%s must be a UUID", name);
    if (resolved != NULL && uuid_equal(&uuid, resolved)) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "%s does not agree with the name", name);
}

static bool change_uuids(const struct decision *decision, const struct op *op,
                         const struct change *change, struct qms_error *error) {
    const struct change_input *input = &op->in.change;
    const struct account *account = op->account;
    return change_uuid(input->resource_id, &change->resource_type->id, "resource_type.uuid",
                       error) &&
           change_uuid(input->operation_id,
                       &decision->catalogue->update_operation_ids[change->operation],
                       "operation.uuid", error) &&
           change_uuid(input->user_id, account->exists ? &account->user_id : NULL, "user.uuid",
                       error);
}

/* The checks of 9.1, in its order. */
static bool change_of_update(const struct decision *decision, struct op *op,
                             struct change *change) {
    const struct change_input *input = &op->in.change;
    struct qms_error *error = &op->error;
    *change = (struct change){
        .resource_type = catalogue_resource_named(decision->catalogue, input->resource_name),
        .operand = input->value,
        .effective_us = input->effective_us,
        .metadata = input->metadata,
        .value_text = "invalid value",
    };
    if (change->resource_type == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "invalid resource name");
    if (input->resource_unit.length > 0 &&
        !text_equal(input->resource_unit, change->resource_type->unit))
        return qms_fail(error, QMS_BAD_REQUEST, "invalid resource unit");
    if (!update_operation_named(input->operation_name, &change->operation))
        return qms_fail(error, QMS_BAD_REQUEST, "invalid operation name");
    if (!value_type_named(input->value_type, &change->value_type))
        return qms_fail(error, QMS_BAD_REQUEST, "invalid value type");
    if (!input->has_effective)
        return qms_fail(error, QMS_BAD_REQUEST, "invalid effective date");
    return change_effective(decision, input, error) && change_operand(change, error) &&
           change_uuids(decision, op, change, error);
}

static bool change_unknown(const char *what, struct text given, struct qms_error *error) {
    if (given.length == 0) return qms_fail(error, QMS_BAD_REQUEST, "invalid %s", what);
    return qms_fail(error, QMS_BAD_REQUEST, "invalid %s: %.*s", what, TEXT_ARGUMENTS(given));
}

/* The checks of 8.3, for the paths that only know usages. The audit row says which path it was
 * unless the client said something better. */
static bool change_of_usage(const struct decision *decision, struct op *op,
                            struct change *change) {
    const struct change_input *input = &op->in.change;
    *change = (struct change){
        .resource_type = catalogue_resource_named(decision->catalogue, input->resource_name),
        .value_type = VALUE_USAGES,
        .operand = input->value,
        .effective_us = input->has_effective ? input->effective_us : decision->decided_us,
        .metadata = input->has_metadata ? input->metadata : change_path(decision, op),
        .value_text = "invalid usage value",
    };
    if (!update_operation_named(input->operation_name, &change->operation))
        return change_unknown("update type", input->operation_name, &op->error);
    if (change->resource_type == NULL)
        return change_unknown("resource name", input->resource_name, &op->error);
    return (!input->has_effective || change_effective(decision, input, &op->error)) &&
           change_operand(change, &op->error);
}

/* The checks of 8.4, in its order. A report without metadata has an empty one, never null. */
static bool change_of_report(const struct decision *decision, struct op *op,
                             struct change *change) {
    const struct change_input *input = &op->in.change;
    struct qms_error *error = &op->error;
    *change = (struct change){
        .resource_type = catalogue_resource_named(decision->catalogue, input->resource_name),
        .value_type = VALUE_USAGES,
        .operand = input->value,
        .effective_us = decision->decided_us,
        .metadata = input->metadata,
        .value_text = "invalid usage value",
    };
    if (input->resource_name.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "invalid resource name");
    if (amount_sign(input->value) < 0)
        return qms_fail(error, QMS_BAD_REQUEST, "invalid usage value");
    if (input->operation_name.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "invalid update type");
    if (change->resource_type == NULL)
        return change_unknown("resource name", input->resource_name, error);
    if (!update_operation_named(input->operation_name, &change->operation))
        return change_unknown("update type", input->operation_name, error);
    return true;
}

/* What the row will hold, and what the audit row will say was done: the operand, except that a
 * quota stops at 0 and records the difference applied. Refuses what cannot be exact. */
static bool change_result(const struct change *change, struct amount before, bool inexact,
                          struct amount *after, struct amount *recorded,
                          struct qms_error *error) {
    *recorded = *after = change->operand;
    if (change->operation == UPDATE_SET) return true;
    if (inexact)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "%s: what is stored has more than 34 digits and accepts only SET",
                        change->value_text);
    if (!amount_add(before, change->operand, after))
        return qms_fail(error, QMS_BAD_REQUEST, "%s: the sum needs more than 34 digits",
                        change->value_text);
    /* A row that a foreign writer left below 0 may still be raised. */
    if (amount_sign(*after) >= 0 || amount_sign(change->operand) >= 0) return true;
    if (change->value_type == VALUE_USAGES)
        return qms_fail(error, QMS_BAD_REQUEST, "%s: the usage would fall below 0",
                        change->value_text);
    *after = amount_zero();
    if (amount_subtract(*after, before, recorded)) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "%s", change->value_text);
}

/* The value that a change starts from; of a user without a subscription it is what the default
 * plan will give, so that a refusal is known before anything is made. */
static bool change_before(const struct decision *decision, const struct change *change,
                          const struct subscription *subscription, struct amount *before,
                          bool *inexact, struct qms_error *error) {
    *before = amount_zero();
    *inexact = false;
    if (subscription == NULL) {
        const struct plan *plan = subscription_default_plan(decision, error);
        if (plan == NULL) return false;
        const struct quota_default *active =
            quota_default_active(plan, change->resource_type, decision->decided_us);
        if (change->value_type == VALUE_QUOTAS && active != NULL) *before = active->value;
        return true;
    }
    const struct quantity *quantity = quantity_find(
        change->value_type == VALUE_QUOTAS ? subscription->quotas : subscription->usages,
        &change->resource_type->id);
    if (quantity == NULL) return true;
    *before = quantity->value;
    *inexact = quantity->inexact;
    return true;
}

static struct update *change_audit(struct decision *decision, const struct change *change,
                                   const struct account *account, struct amount recorded) {
    struct update *update = arena_take_zeroed(decision->changes->arena, 1, sizeof *update);
    *update = (struct update){
        .id = uuid_make(decision->ids, decision->decided_us),
        .operation = change->operation,
        .value_type = change->value_type,
        .value = recorded,
        .resource_type_id = change->resource_type->id,
        .effective_us = change->effective_us,
        .account = account,
        .metadata = change->metadata,
    };
    changes_update(decision->changes, update);
    return update;
}

bool change_apply(struct decision *decision, struct op *op, const struct change *change,
                  const struct quantity **changed, const struct update **audit) {
    struct account *account = op->account;
    struct subscription *subscription = change->subscription;
    if (subscription == NULL) subscription = subscription_active(account, decision->decided_us);
    struct amount before, after, recorded;
    bool inexact;
    if (!change_before(decision, change, subscription, &before, &inexact, &op->error) ||
        !change_result(change, before, inexact, &after, &recorded, &op->error))
        return false;

    if (subscription == NULL && !subscription_ensure(decision, op, &subscription)) return false;
    struct quantity *quantity = subscription_quantity(decision, subscription, change->value_type,
                                                      &change->resource_type->id);
    quantity->value = after;
    *changed = quantity;
    *audit = change_audit(decision, change, account, recorded);
    return true;
}

/* The answer names the operand as it was sent, also where a quota stopped at 0: so a repeat can
 * answer the same without the row. */
static void change_view(const struct decision *decision, const struct change *change,
                        struct op *op) {
    op->out.update = (struct update_view){
        .row = {.id = op->made_id,
                .operation = change->operation,
                .value_type = change->value_type,
                .value = change->operand,
                .resource_type_id = change->resource_type->id,
                .effective_us = change->effective_us,
                .metadata = change->metadata},
        .resource_type = change->resource_type,
        .operation_id = decision->catalogue->update_operation_ids[change->operation],
        .user_id = op->account->user_id,
        .username = op->username,
    };
}

bool decide_update_add(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer points into the operation */
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (!change_of_update(decision, op, &change) ||
        !change_apply(decision, op, &change, &changed, &audit))
        return false;
    op->made_id = audit->id;
    change_view(decision, &change, op);
    return true;
}

bool decide_usage_add(struct decision *decision, struct op *op, struct arena *arena) {
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (!change_of_usage(decision, op, &change) ||
        !change_apply(decision, op, &change, &changed, &audit))
        return false;
    op->made_id = changed->id;
    view_quantity(decision, changed, arena, &op->out.quantity);
    return true;
}

bool decide_usage_report(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* success is the whole answer */
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (!change_of_report(decision, op, &change)) return false;
    if (!change_apply(decision, op, &change, &changed, &audit))
        return decide_reword(&op->error, "unable to record the usage");
    op->made_id = audit->id;
    return true;
}

bool decide_usage_record(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* success is the whole answer */
    struct change change;
    const struct quantity *changed;
    const struct update *audit;
    if (!change_of_usage(decision, op, &change) ||
        !change_apply(decision, op, &change, &changed, &audit))
        return false;
    op->made_id = audit->id;
    return true;
}

bool decide_usage_record_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)decision;
    (void)op;
    (void)arena;
    return true;
}

/* What a repeat is shown of the type that was named, by id or else by name. It succeeded the first
 * time: if there is no such type any more, it has another name now. */
static const struct resource_type *change_named(const struct decision *decision,
                                                const struct change_input *input,
                                                struct arena *arena) {
    struct uuid id;
    const struct resource_type *named =
        catalogue_resource_named(decision->catalogue, input->resource_name);
    if (uuid_parse(input->resource_id, &id))
        named = catalogue_resource_type(decision->catalogue, &id);
    if (named != NULL) return named;
    struct resource_type *gone = arena_take_zeroed(arena, 1, sizeof *gone);
    gone->name = input->resource_name;
    gone->unit = input->resource_unit;
    return gone;
}

bool decide_update_add_again(struct decision *decision, struct op *op, struct arena *arena) {
    const struct change_input *input = &op->in.change;
    struct change change = {
        .resource_type = change_named(decision, input, arena),
        .operand = input->value,
        .effective_us = input->effective_us,
        .metadata = input->metadata,
    };
    bool understood = update_operation_named(input->operation_name, &change.operation) &&
                      value_type_named(input->value_type, &change.value_type);
    assert(understood); /* as the first time */
    change_view(decision, &change, op);
    return true;
}

/* The row that the first time changed, while its subscription is among the facts. */
static const struct quantity *usage_made(const struct op *op) {
    for (const struct subscription *each = op->account->subscriptions; each != NULL;
         each = each->next)
        for (const struct quantity *usage = each->usages; usage != NULL; usage = usage->next)
            if (uuid_equal(&usage->id, &op->made_id)) return usage;
    return NULL;
}

static const struct resource_type *usage_type(const struct decision *decision,
                                              const struct op *op, struct arena *arena) {
    const struct quantity *made = usage_made(op);
    const struct resource_type *resource_type =
        made == NULL ? NULL : catalogue_resource_type(decision->catalogue, &made->resource_type_id);
    return resource_type != NULL ? resource_type : change_named(decision, &op->in.change, arena);
}

bool decide_usage_add_again(struct decision *decision, struct op *op, struct arena *arena) {
    const struct resource_type *resource_type = usage_type(decision, op, arena);
    const struct subscription *subscription =
        subscription_active(op->account, decision->decided_us);
    const struct quantity *usage =
        subscription == NULL ? NULL : quantity_find(subscription->usages, &resource_type->id);
    if (usage != NULL) {
        view_quantity(decision, usage, arena, &op->out.quantity);
        return true;
    }
    /* The subscription it was recorded in has ended since: nothing is used of the present one. */
    op->out.quantity = (struct quantity_view){
        .row = {.resource_type_id = resource_type->id, .value = amount_zero()},
        .resource_type = resource_type,
    };
    if (subscription != NULL) op->out.quantity.subscription_id = subscription->id;
    return true;
}
