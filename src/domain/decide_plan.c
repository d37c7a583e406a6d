/* Plans, their quota defaults and rates (4). */
#include "domain/decide.h"

/* One rule, in the words of either tree; /v1 looks for repetitions before it looks anything up. */
struct plan_words {
    const char *value, *date, *type, *default_twice, *rate_twice, *quote;
    bool repetitions_first;
};

static const struct plan_words plan_words = {
    .value = "plan quota default values must be specified and greater than zero",
    .date = "all plan quota defaults must have an effective date",
    .type = "either the resource type name or the resource type ID is required",
    .default_twice =
        "there can only be one quota default for each resource type and effective date",
    .rate_twice = "there can only be one plan rate for each effective date",
    .quote = "",
};

static const struct plan_words plan_words_v1 = {
    .value = "default quota values must be specified and greater than zero",
    .date = "the effective date of the plan quota default must be specified",
    .type = "the resource type name is required",
    .default_twice =
        "multiple plan quota defaults found with the same resource type and effective date",
    .rate_twice = "multiple plan rates found with the same effective date",
    .quote = "`",
    .repetitions_first = true,
};

/* A quota default asked for, and the resource type it names; NULL when there is no such type. */
struct plan_default {
    const struct quota_default_input *input;
    const struct resource_type *resource_type;
    int64_t effective_us;
};

/* ---- looking up ---- */

static const struct plan *plan_given(const struct decision *decision, struct op *op) {
    const struct plan_input *input = &op->in.plan;
    const struct plan *plan;
    if (input->name.length > 0) {
        plan = catalogue_plan_named(decision->catalogue, input->name);
        if (plan == NULL)
            qms_fail(&op->error, QMS_BAD_REQUEST, "subscription plan does not exist: %.*s",
                     TEXT_ARGUMENTS(input->name));
    } else {
        plan = catalogue_plan(decision->catalogue, &input->id);
        if (plan == NULL)
            decide_unknown(&op->error, QMS_NOT_FOUND, "plan ID ", &input->id, " not found");
    }
    return plan;
}

static struct plan_default *plan_defaults(const struct decision *decision, const struct op *op,
                                          struct arena *arena) {
    const struct plan_input *input = &op->in.plan;
    struct plan_default *rows = arena_take_zeroed(arena, input->default_count, sizeof *rows);
    for (size_t i = 0; i < input->default_count; i++) {
        const struct quota_default_input *each = &input->defaults[i];
        struct uuid id;
        rows[i] = (struct plan_default){
            .input = each,
            .effective_us = each->has_effective ? each->effective_us : decision->decided_us,
        };
        if (each->resource_id.length == 0)
            rows[i].resource_type =
                catalogue_resource_named(decision->catalogue, each->resource_name);
        else if (uuid_parse(each->resource_id, &id))
            rows[i].resource_type = catalogue_resource_type(decision->catalogue, &id);
    }
    return rows;
}

/* ---- checks ---- */

static bool plan_default_check(const struct plan_words *words,
                               const struct quota_default_input *input, bool needs_date,
                               struct qms_error *error) {
    struct uuid id;
    if (amount_sign(input->value) <= 0)
        return qms_fail(error, QMS_BAD_REQUEST, "%s", words->value);
    if (needs_date && !input->has_effective)
        return qms_fail(error, QMS_BAD_REQUEST, "%s", words->date);
    if (input->resource_id.length == 0 && input->resource_name.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "%s", words->type);
    if (input->resource_id.length > 0 && !uuid_parse(input->resource_id, &id))
        return qms_fail(error, QMS_BAD_REQUEST, "resource_type.uuid must be a UUID");
    return true;
}

static bool plan_defaults_check(const struct plan_words *words, const struct plan_input *input,
                                struct qms_error *error) {
    if (!entry_count("plan quota defaults", input->default_count, error)) return false;
    bool needs_date = !input->replace && !input->undated;
    for (size_t i = 0; i < input->default_count; i++)
        if (!plan_default_check(words, &input->defaults[i], needs_date, error)) return false;
    return true;
}

/* Two names that stand for no type at all are the same when they are spelt the same. */
static bool plan_defaults_meet(const struct plan_default *left, const struct plan_default *right) {
    if (left->effective_us != right->effective_us) return false;
    if (left->resource_type != NULL || right->resource_type != NULL)
        return left->resource_type == right->resource_type;
    return text_equal(left->input->resource_name, right->input->resource_name) &&
           text_equal(left->input->resource_id, right->input->resource_id);
}

static bool plan_defaults_once(const struct plan_words *words, const struct plan_default *rows,
                               size_t count, struct qms_error *error) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (plan_defaults_meet(&rows[i], &rows[j]))
                return qms_fail(error, QMS_BAD_REQUEST, "%s", words->default_twice);
    return true;
}

static bool plan_defaults_known(const struct plan_default *rows, size_t count, const char *before,
                                const char *after, struct qms_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].resource_type != NULL) continue;
        struct text given = rows[i].input->resource_id;
        if (given.length == 0) given = rows[i].input->resource_name;
        return qms_fail(error, QMS_BAD_REQUEST, "%s%.*s%s", before, TEXT_ARGUMENTS(given), after);
    }
    return true;
}

static bool plan_rates_check(const struct plan_input *input, struct qms_error *error) {
    return entry_count("plan rates", input->rate_count, error) &&
           entry_rates("plan", input->rates, input->rate_count, error);
}

static bool plan_rates_once(const struct plan_words *words, const struct plan_input *input,
                            struct qms_error *error) {
    return entry_rates_once(input->rates, input->rate_count, words->rate_twice, error);
}

/* ---- rows ---- */

static void plan_put_rates(struct decision *decision, const struct uuid *plan_id,
                           const struct plan_input *input) {
    struct changes *changes = decision->changes;
    for (size_t i = 0; i < input->rate_count; i++) {
        struct rate_row *row = arena_take_zeroed(changes->arena, 1, sizeof *row);
        *row = (struct rate_row){
            .id = uuid_make(decision->ids, decision->decided_us),
            .owner_id = *plan_id,
            .rate = input->rates[i].rate,
            .effective_us = input->rates[i].effective_us,
            .state = ROW_INSERTED,
        };
        changes_catalogue(changes, &changes->plan_rates, row);
    }
}

static void plan_put_default(struct decision *decision, const struct uuid *plan_id,
                             const struct plan_default *given,
                             const struct quota_default *present) {
    struct changes *changes = decision->changes;
    struct quota_default_row *row = arena_take_zeroed(changes->arena, 1, sizeof *row);
    *row = (struct quota_default_row){
        .id = present != NULL ? present->id : uuid_make(decision->ids, decision->decided_us),
        .plan_id = *plan_id,
        .resource_type_id = given->resource_type->id,
        .value = given->input->value,
        .effective_us = given->effective_us,
        .state = present != NULL ? ROW_CHANGED : ROW_INSERTED,
    };
    changes_catalogue(changes, &changes->quota_defaults, row);
}

/* The plan as it is before the change; the engine shows the new one once it is read. */
static void plan_show(const struct decision *decision, struct op *op) {
    op->out.plan = catalogue_plan(decision->catalogue, &op->made_id);
}

/* ---- plans.add (4.3, 4.4) ---- */

static bool plan_name_check(const struct plan_input *input, struct qms_error *error) {
    if (input->name.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "a plan name is required");
    if (input->description.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "a plan description is required");
    return entry_name("the plan name", input->name, error) &&
           entry_description("the plan description", input->description, error);
}

static bool plan_name_free(const struct decision *decision, const struct plan_words *words,
                           struct text name, struct qms_error *error) {
    if (catalogue_plan_named(decision->catalogue, name) == NULL) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "a plan named %s%.*s%s already exists", words->quote,
                    TEXT_ARGUMENTS(name), words->quote);
}

/* What is left once each default by itself is well-formed; the order is the tree's. */
static bool plan_add_check(const struct decision *decision, struct op *op,
                           const struct plan_words *words, const struct plan_default *defaults) {
    const struct plan_input *input = &op->in.plan;
    size_t count = input->default_count;
    struct qms_error *error = &op->error;
    bool early = words->repetitions_first;
    return (!early || plan_defaults_once(words, defaults, count, error)) &&
           plan_rates_check(input, error) &&
           (!early || plan_rates_once(words, input, error)) &&
           plan_name_free(decision, words, input->name, error) &&
           plan_defaults_known(defaults, count, "resource type not found: ", "", error) &&
           (early || (plan_defaults_once(words, defaults, count, error) &&
                      plan_rates_once(words, input, error)));
}

bool decide_plan_add(struct decision *decision, struct op *op, struct arena *arena) {
    struct changes *changes = decision->changes;
    const struct plan_input *input = &op->in.plan;
    const struct plan_words *words = op->v1 ? &plan_words_v1 : &plan_words;
    if (!plan_name_check(input, &op->error) || !plan_defaults_check(words, input, &op->error))
        return false;
    struct plan_default *defaults = plan_defaults(decision, op, arena);
    if (!plan_add_check(decision, op, words, defaults)) return false;

    struct plan_row *row = arena_take_zeroed(changes->arena, 1, sizeof *row);
    row->id = op->made_id = uuid_make(decision->ids, decision->decided_us);
    row->name = input->name;
    row->description = input->description;
    changes_catalogue(changes, &changes->plans, row);
    for (size_t i = 0; i < input->default_count; i++)
        plan_put_default(decision, &row->id, &defaults[i], NULL);
    plan_put_rates(decision, &row->id, input);
    return true;
}

/* ---- plans.defaults_add (4.5), plans.rates_add (4.6) ---- */

/* A date as these refusals show it: "2026-01-15 12:00:00 +0000 UTC". */
static bool plan_fail_exists(struct qms_error *error, const char *what, int64_t effective_us) {
    char date[TIMESTAMP_TEXT_MAX];
    size_t length = timestamp_format_trimmed(effective_us, date);
    char *time = memchr(date, 'T', length);
    *time = ' ';
    return qms_fail(error, QMS_BAD_REQUEST, "%s with effective date %.*s +0000 UTC already exists",
                    what, (int)length - 1, date);
}

static const struct quota_default *plan_default_present(const struct plan *plan,
                                                        const struct plan_default *given) {
    for (size_t i = 0; i < plan->default_count; i++)
        if (plan->defaults[i].effective_us == given->effective_us &&
            plan->defaults[i].resource_type == given->resource_type)
            return &plan->defaults[i];
    return NULL;
}

static bool plan_defaults_new(const struct plan *plan, const struct plan_default *rows,
                              size_t count, struct arena *arena, struct qms_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (plan_default_present(plan, &rows[i]) == NULL) continue;
        struct text what = arena_format(arena, "plan quota default for resource type %.*s",
                                        TEXT_ARGUMENTS(rows[i].resource_type->name));
        return plan_fail_exists(error, what.data, rows[i].effective_us);
    }
    return true;
}

static bool plan_rates_new(const struct plan *plan, const struct plan_input *input,
                           struct qms_error *error) {
    for (size_t i = 0; i < input->rate_count; i++)
        for (size_t j = 0; j < plan->rate_count; j++)
            if (plan->rates[j].effective_us == input->rates[i].effective_us)
                return plan_fail_exists(error, "plan rate", input->rates[i].effective_us);
    return true;
}

bool decide_plan_defaults_add(struct decision *decision, struct op *op, struct arena *arena) {
    const struct plan_input *input = &op->in.plan;
    const struct plan_words *words = input->replace ? &plan_words : &plan_words_v1;
    size_t count = input->default_count;
    if (count == 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no plan quota defaults provided in request");
    if (!plan_defaults_check(words, input, &op->error)) return false;
    struct plan_default *rows = plan_defaults(decision, op, arena);
    if (!plan_defaults_once(words, rows, count, &op->error)) return false;
    const struct plan *plan = plan_given(decision, op);
    if (plan == NULL) return false;
    if (!plan_defaults_known(rows, count, "resource type ", " not found", &op->error) ||
        (!input->replace && !plan_defaults_new(plan, rows, count, arena, &op->error)))
        return false;
    for (size_t i = 0; i < count; i++) {
        plan_put_default(decision, &plan->id, &rows[i], plan_default_present(plan, &rows[i]));
        input->defaults[i].effective_us = rows[i].effective_us;
    }
    op->made_id = plan->id;
    plan_show(decision, op);
    return true;
}

bool decide_plan_rates_add(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer is the plan */
    const struct plan_input *input = &op->in.plan;
    if (input->rate_count == 0)
        return qms_fail(&op->error, QMS_BAD_REQUEST, "no plan rates provided in request");
    if (!plan_rates_check(input, &op->error) ||
        !plan_rates_once(&plan_words_v1, input, &op->error))
        return false;
    const struct plan *plan = plan_given(decision, op);
    if (plan == NULL || !plan_rates_new(plan, input, &op->error)) return false;
    plan_put_rates(decision, &plan->id, input);
    op->made_id = plan->id;
    plan_show(decision, op);
    return true;
}

bool decide_plan_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer is the plan */
    plan_show(decision, op);
    return true;
}

/* ---- reads ---- */

bool decide_plan_get(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    op->out.plan = plan_given(decision, op);
    return op->out.plan != NULL;
}

bool decide_plan_rate_active(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    const struct plan *plan = plan_given(decision, op);
    if (plan == NULL) return false;
    op->out.rate = rate_active(plan->rates, plan->rate_count, decision->decided_us);
    return op->out.rate != NULL ||
           decide_unknown(&op->error, QMS_NOT_FOUND, "no active rate found for plan ID ",
                          &plan->id, "");
}

/* One for each resource type that has any, by the type's id. */
bool decide_plan_defaults_active(struct decision *decision, struct op *op, struct arena *arena) {
    const struct catalogue *catalogue = decision->catalogue;
    const struct plan *plan = plan_given(decision, op);
    if (plan == NULL) return false;
    const struct quota_default **rows =
        arena_take_zeroed(arena, catalogue->resource_type_count, sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) {
        const struct quota_default *active =
            quota_default_active(plan, &catalogue->resource_types[i], decision->decided_us);
        if (active == NULL) continue;
        size_t at = count++;
        for (; at > 0 && uuid_compare(&active->resource_type->id,
                                      &rows[at - 1]->resource_type->id) < 0; at--)
            rows[at] = rows[at - 1];
        rows[at] = active;
    }
    op->out.defaults.rows = rows;
    op->out.defaults.count = count;
    return true;
}
