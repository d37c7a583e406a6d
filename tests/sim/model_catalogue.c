/* The rules of plans, resource types and add-ons (spec sections 4, 5 and 11). */
#include <assert.h>
#include <stdio.h>

#include "sim/model.h"

/* ---- finding ---- */

int type_named(const struct model *model, const char *name) {
    for (int i = 0; i < model->type_count; i++)
        if (strcmp(model->types[i].name, name) == 0) return i;
    return -1;
}

int type_with(const struct model *model, const struct uuid *id) {
    for (int i = 0; i < model->type_count; i++)
        if (uuid_equal(&model->types[i].id, id)) return i;
    return -1;
}

int plan_named(const struct model *model, const char *name) {
    for (int i = 0; i < model->plan_count; i++)
        if (strcmp(model->plans[i].name, name) == 0) return i;
    return -1;
}

int plan_with(const struct model *model, const struct uuid *id) {
    for (int i = 0; i < model->plan_count; i++)
        if (uuid_equal(&model->plans[i].id, id)) return i;
    return -1;
}

int addon_with(const struct model *model, const struct uuid *id) {
    for (int i = 0; i < model->addon_count; i++)
        if (uuid_equal(&model->addons[i].id, id)) return i;
    return -1;
}

bool addon_in_use(const struct model *model, const struct uuid *addon_id,
                  const struct uuid *rate_id) {
    for (int i = 0; i < model->applied_count; i++)
        if (uuid_equal(&model->applied[i].addon_id, addon_id) &&
            (rate_id == NULL || uuid_equal(&model->applied[i].rate_id, rate_id)))
            return true;
    return false;
}

static struct dated *dated_at(struct dated *list, int count, int type, int64_t at_us) {
    for (int i = 0; i < count; i++)
        if (list[i].type == type && list[i].at_us == at_us) return &list[i];
    return NULL;
}

/* ---- checking ---- */

static bool listed_twice(const struct ask *ask) {
    for (int i = 0; i < ask->listed; i++)
        for (int j = 0; j < i; j++)
            if (ask->list[i].type == ask->list[j].type && ask->list[i].at_us == ask->list[j].at_us)
                return true;
    return false;
}

/* Rates may be 0, defaults and amounts have to be more. */
static bool listed_below(const struct ask *ask, int64_t least_milli) {
    for (int i = 0; i < ask->listed; i++)
        if (ask->list[i].milli < least_milli) return true;
    return false;
}

/* No two rates of a plan or add-on have the same date. */
static void adopt_rate_ids(struct dated *list, int count, const struct change_list *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        const struct rate_row *row = rows->rows[i];
        struct dated *rate = dated_at(list, count, 0, row->effective_us);
        if (rate != NULL && row->state == ROW_INSERTED) rate->id = row->id;
    }
}

/* ---- plans ---- */

static void add_listed(struct dated *list, int *count, const struct ask *ask) {
    for (int i = 0; i < ask->listed; i++) {
        struct dated *present = dated_at(list, *count, ask->list[i].type, ask->list[i].at_us);
        assert(present != NULL || *count < DATED_MAX);
        if (present == NULL) present = &list[(*count)++];
        *present = ask->list[i];
    }
}

static enum qms_code plan_add(struct model *model, const struct ask *ask, const struct made *made,
                              char *text) {
    if (ask->name[0] == '\0' || plan_named(model, ask->name) >= 0 || listed_below(ask, 0) ||
        listed_twice(ask))
        return QMS_BAD_REQUEST;
    assert(model->plan_count <= PLANS);
    struct model_plan *plan = &model->plans[model->plan_count++];
    *plan = (struct model_plan){0};
    snprintf(plan->name, sizeof plan->name, "%s", ask->name);
    add_listed(plan->rates, &plan->rate_count, ask);
    if (made != NULL) {
        plan->id = made->op->made_id;
        adopt_rate_ids(plan->rates, plan->rate_count, &made->changes->plan_rates);
    }
    put_plan(text, model, plan);
    return QMS_OK;
}

static enum qms_code plan_extend(struct model *model, const struct ask *ask,
                                 const struct made *made, char *text) {
    bool rates = ask->operation == OP_PLAN_RATES_ADD;
    int at = plan_with(model, &ask->target);
    if (ask->listed == 0 || listed_below(ask, rates ? 0 : 1) || listed_twice(ask))
        return QMS_BAD_REQUEST;
    if (at < 0) return QMS_NOT_FOUND;
    struct model_plan *plan = &model->plans[at];
    struct dated *list = rates ? plan->rates : plan->defaults;
    int *count = rates ? &plan->rate_count : &plan->default_count;
    for (int i = 0; i < ask->listed; i++) {
        bool present = dated_at(list, *count, ask->list[i].type, ask->list[i].at_us) != NULL;
        if (present && !ask->replace) return QMS_BAD_REQUEST;
    }
    add_listed(list, count, ask);
    if (rates && made != NULL) adopt_rate_ids(list, *count, &made->changes->plan_rates);
    put_plan(text, model, plan);
    return QMS_OK;
}

static enum qms_code plan_read(const struct model *model, const struct ask *ask, int64_t now_us,
                               char *text) {
    int at = plan_with(model, &ask->target);
    if (at < 0) return QMS_NOT_FOUND;
    const struct model_plan *plan = &model->plans[at];
    if (ask->operation == OP_PLAN_GET) {
        put_plan(text, model, plan);
        return QMS_OK;
    }
    if (ask->operation == OP_PLAN_RATE_ACTIVE) {
        const struct dated *rate = dated_active(plan->rates, plan->rate_count, 0, now_us);
        if (rate == NULL) return QMS_NOT_FOUND;
        put_milli(text, rate->milli);
        return QMS_OK;
    }
    struct model_value values[TYPES + 1] = {{0}};
    for (int type = 0; type < model->type_count; type++) {
        const struct dated *each =
            dated_active(plan->defaults, plan->default_count, type, now_us);
        if (each != NULL) values[type] = (struct model_value){.is = true, .milli = each->milli};
    }
    put_values(text, model, values);
    return QMS_OK;
}

/* ---- resource types ---- */

static enum qms_code type_put(struct model *model, const struct ask *ask, const struct made *made,
                              char *text) {
    bool adds = ask->operation == OP_RESOURCE_ADD;
    int named = type_named(model, ask->name), at = adds ? -1 : type_with(model, &ask->target);
    if (ask->name[0] == '\0' || ask->unit[0] == '\0') return QMS_BAD_REQUEST;
    if (!adds && at < 0) return QMS_NOT_FOUND;
    if (named >= 0 && named != at) return QMS_CONFLICT;
    assert(!adds || model->type_count <= TYPES);
    struct model_type *type = &model->types[adds ? model->type_count++ : at];
    if (adds && made != NULL) type->id = made->op->made_id;
    snprintf(type->name, sizeof type->name, "%s", ask->name);
    snprintf(type->unit, sizeof type->unit, "%s", ask->unit);
    type->consumable = ask->consumable;
    put_type(text, type);
    return QMS_OK;
}

/* ---- add-ons ---- */

static enum qms_code addon_add(struct model *model, const struct ask *ask, const struct made *made,
                               char *text) {
    int type = type_named(model, ask->word);
    if (ask->name[0] == '\0' || ask->milli <= 0 || type < 0 || ask->listed == 0 ||
        listed_below(ask, 0) || listed_twice(ask))
        return QMS_BAD_REQUEST;
    assert(model->addon_count <= ADDONS);
    struct model_addon *addon = &model->addons[model->addon_count++];
    *addon = (struct model_addon){.type = type, .milli = ask->milli, .paid = ask->paid};
    snprintf(addon->name, sizeof addon->name, "%s", ask->name);
    add_listed(addon->rates, &addon->rate_count, ask);
    if (made != NULL) {
        addon->id = made->op->made_id;
        adopt_rate_ids(addon->rates, addon->rate_count, &made->changes->addon_rates);
    }
    put_addon(text, model, addon);
    return QMS_OK;
}

/* The list replaces the list; a listed rate with an id is the present one with that id. */
static enum qms_code addon_rates(struct model *model, struct model_addon *addon,
                                 const struct ask *ask) {
    if (ask->listed == 0 || listed_below(ask, 0) || listed_twice(ask)) return QMS_BAD_REQUEST;
    for (int i = 0; i < ask->listed; i++) {
        bool present = uuid_is_nil(&ask->list[i].id);
        for (int j = 0; j < addon->rate_count; j++)
            present = present || uuid_equal(&addon->rates[j].id, &ask->list[i].id);
        for (int j = 0; j < i; j++)
            if (!uuid_is_nil(&ask->list[i].id) &&
                uuid_equal(&ask->list[i].id, &ask->list[j].id))
                present = false; /* listed twice */
        if (!present) return QMS_BAD_REQUEST;
    }
    for (int j = 0; j < addon->rate_count; j++) {
        bool stays = false;
        for (int i = 0; i < ask->listed; i++)
            stays = stays || uuid_equal(&addon->rates[j].id, &ask->list[i].id);
        if (!stays && addon_in_use(model, &addon->id, &addon->rates[j].id)) return QMS_CONFLICT;
    }
    addon->rate_count = 0;
    add_listed(addon->rates, &addon->rate_count, ask);
    return QMS_OK;
}

static enum qms_code addon_update(struct model *model, const struct ask *ask,
                                  const struct made *made, char *text) {
    int at = addon_with(model, &ask->target);
    if (at < 0) return QMS_NOT_FOUND;
    struct model_addon *addon = &model->addons[at];
    if (ask->update_amount && ask->milli <= 0) return QMS_BAD_REQUEST;
    if (ask->update_rates) {
        enum qms_code code = addon_rates(model, addon, ask);
        if (code != QMS_OK) return code;
        if (made != NULL)
            adopt_rate_ids(addon->rates, addon->rate_count, &made->changes->addon_rates);
    }
    if (ask->update_name) snprintf(addon->name, sizeof addon->name, "%s", ask->name);
    if (ask->update_amount) addon->milli = ask->milli;
    if (ask->update_paid) addon->paid = ask->paid;
    put_addon(text, model, addon);
    return QMS_OK;
}

static enum qms_code addon_delete(struct model *model, const struct ask *ask) {
    int at = addon_with(model, &ask->target);
    if (at < 0) return QMS_NOT_FOUND;
    if (addon_in_use(model, &ask->target, NULL)) return QMS_CONFLICT;
    model->addons[at] = model->addons[--model->addon_count];
    return QMS_OK;
}

enum qms_code model_catalogue(struct model *model, const struct ask *ask, int64_t now_us,
                              const struct made *made, char *text) {
    switch (ask->operation) {
    case OP_PLAN_ADD: return plan_add(model, ask, made, text);
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD: return plan_extend(model, ask, made, text);
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE: return type_put(model, ask, made, text);
    case OP_ADDON_ADD: return addon_add(model, ask, made, text);
    case OP_ADDON_UPDATE: return addon_update(model, ask, made, text);
    case OP_ADDON_DELETE: return addon_delete(model, ask);
    default: return plan_read(model, ask, now_us, text);
    }
}
