/* Add-ons and their rates (11). What subscription add-ons use may neither go nor change its type:
 * their quotas could never be lowered again as they were raised (defects 9, 10). */
#include <assert.h>

#include "domain/decide.h"

#define ADDONS_EXIST "subscription add-ons exist"

/* ---- checks ---- */

static bool addon_name(struct text name, struct qms_error *error) {
    if (name.length == 0) return qms_fail(error, QMS_BAD_REQUEST, "name must be set");
    return entry_name("the add-on name", name, error);
}

static bool addon_description(struct text description, struct qms_error *error) {
    if (description.length == 0) return qms_fail(error, QMS_BAD_REQUEST, "description must be set");
    return entry_description("the add-on description", description, error);
}

static bool addon_amount(struct amount amount, struct qms_error *error) {
    return amount_sign(amount) > 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "default_amount must be greater than 0.0");
}

static const struct resource_type *addon_type(const struct decision *decision,
                                              const struct addon_input *input,
                                              struct qms_error *error) {
    return resource_given(decision, input->resource_id, input->resource_name,
                          "either the resource type name or the resource type ID is required",
                          error);
}

static bool addon_rates(const struct addon_input *input, struct qms_error *error) {
    if (input->rate_count == 0)
        return qms_fail(error, QMS_BAD_REQUEST, "at least one add-on rate is required");
    return entry_count("add-on rates", input->rate_count, error) &&
           entry_rates("add-on", input->rates, input->rate_count, error) &&
           entry_rates_once(input->rates, input->rate_count,
                            "there can only be one add-on rate for each effective date", error);
}

/* ---- rows ---- */

static void addon_put(struct decision *decision, const struct addon_row *row) {
    struct changes *changes = decision->changes;
    struct addon_row *copy = arena_take_zeroed(changes->arena, 1, sizeof *copy);
    *copy = *row;
    changes_catalogue(changes, &changes->addons, copy);
}

static void addon_put_rate(struct decision *decision, const struct rate_row *row) {
    struct changes *changes = decision->changes;
    struct rate_row *copy = arena_take_zeroed(changes->arena, 1, sizeof *copy);
    *copy = *row;
    changes_catalogue(changes, &changes->addon_rates, copy);
}

static struct rate_row addon_rate_row(struct decision *decision, const struct uuid *addon_id,
                                      const struct rate_input *input, const struct rate *present) {
    return (struct rate_row){
        .id = present != NULL ? present->id : uuid_make(decision->ids, decision->decided_us),
        .owner_id = *addon_id,
        .rate = input->rate,
        .effective_us = input->effective_us,
        .state = present != NULL ? ROW_CHANGED : ROW_INSERTED,
    };
}

/* The add-on as it is before the change; the engine shows the new one once it is read. */
static void addon_show(const struct decision *decision, struct op *op) {
    op->out.addon = catalogue_addon(decision->catalogue, &op->made_id);
}

/* ---- addons.add (11.1) ---- */

bool decide_addon_add(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    const struct addon_input *input = &op->in.addon;
    struct qms_error *error = &op->error;
    if (!addon_name(input->name, error) || !addon_description(input->description, error) ||
        !addon_amount(input->default_amount, error))
        return false;
    struct qms_error type_error = {0};
    const struct resource_type *resource_type = addon_type(decision, input, &type_error);
    bool named = input->resource_id.length > 0 || input->resource_name.length > 0;
    if (named && !addon_rates(input, error)) return false;
    if (resource_type == NULL) {
        *error = type_error;
        return false;
    }
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    addon_put(decision, &(struct addon_row){
                            .id = op->made_id,
                            .resource_type_id = resource_type->id,
                            .name = input->name,
                            .description = input->description,
                            .default_amount = input->default_amount,
                            .default_paid = input->default_paid,
                            .state = ROW_INSERTED,
                        });
    for (size_t i = 0; i < input->rate_count; i++) {
        struct rate_row row = addon_rate_row(decision, &op->made_id, &input->rates[i], NULL);
        addon_put_rate(decision, &row);
    }
    return true;
}

/* ---- addons.update (11.3) ---- */

static const struct addon *addon_with_id(const struct decision *decision, struct op *op) {
    assert(decision->addon_use != NULL);
    assert(uuid_equal(&decision->addon_use->addon_id, &op->in.addon.id));
    const struct addon *addon = catalogue_addon(decision->catalogue, &op->in.addon.id);
    if (addon == NULL) qms_fail(&op->error, QMS_NOT_FOUND, "add-on not found");
    return addon;
}

static bool addon_rate_used(const struct decision *decision, const struct uuid *id) {
    const struct addon_use *use = decision->addon_use;
    for (size_t i = 0; i < use->rate_count; i++)
        if (uuid_equal(&use->rate_ids[i], id)) return true;
    return false;
}

/* The new rates of an add-on beside its present ones: the list replaces the list. */
struct addon_rate_list {
    const struct addon *addon;
    const struct rate_input *inputs;
    const struct rate **presents; /* of each input the rate that it names; NULL: a new one */
    size_t count;
    struct rate_row *rows;        /* what is to be saved */
    size_t row_count;
};

static bool addon_rates_find(struct addon_rate_list *list, struct qms_error *error) {
    for (size_t i = 0; i < list->count; i++) {
        struct uuid id;
        if (list->inputs[i].id.length == 0) continue;
        if (!uuid_parse(list->inputs[i].id, &id))
            return qms_fail(error, QMS_BAD_REQUEST, "addon_rates.uuid must be a UUID");
        list->presents[i] = addon_rate(list->addon, &id);
        if (list->presents[i] == NULL)
            return decide_unknown(error, QMS_BAD_REQUEST, "the add-on has no rate ", &id, "");
        for (size_t j = 0; j < i; j++)
            if (list->presents[j] == list->presents[i])
                return decide_unknown(error, QMS_BAD_REQUEST, "the add-on rate ", &id,
                                      " is listed twice");
    }
    return true;
}

static bool addon_rate_stays(const struct addon_rate_list *list, const struct rate *rate) {
    for (size_t i = 0; i < list->count; i++)
        if (list->presents[i] == rate) return true;
    return false;
}

static bool addon_rates_delete(const struct decision *decision, struct addon_rate_list *list,
                               struct qms_error *error) {
    for (size_t i = 0; i < list->addon->rate_count; i++) {
        const struct rate *rate = &list->addon->rates[i];
        if (addon_rate_stays(list, rate)) continue;
        if (addon_rate_used(decision, &rate->id))
            return decide_unknown(error, QMS_CONFLICT, ADDONS_EXIST " at the rate ", &rate->id,
                                  "");
        list->rows[list->row_count++] =
            (struct rate_row){.id = rate->id, .owner_id = list->addon->id, .state = ROW_DELETED};
    }
    return true;
}

static bool addon_rate_changes(const struct rate_input *input, const struct rate *present) {
    return present == NULL || present->effective_us != input->effective_us ||
           amount_compare(present->rate, input->rate) != 0;
}

static bool addon_rates_replace(struct decision *decision, struct addon_rate_list *list,
                                struct arena *arena, struct qms_error *error) {
    list->presents = arena_take_zeroed(arena, list->count, sizeof(const struct rate *));
    list->rows =
        arena_take_zeroed(arena, list->count + list->addon->rate_count, sizeof *list->rows);
    if (!addon_rates_find(list, error) || !addon_rates_delete(decision, list, error)) return false;
    for (size_t i = 0; i < list->count; i++)
        if (addon_rate_changes(&list->inputs[i], list->presents[i]))
            list->rows[list->row_count++] = addon_rate_row(decision, &list->addon->id,
                                                           &list->inputs[i], list->presents[i]);
    return true;
}

/* The add-on's own row as it will be: only what is flagged changes, and only that is checked. */
static bool addon_update_row(const struct decision *decision, struct op *op,
                             const struct addon *addon, struct addon_row *row) {
    const struct addon_input *input = &op->in.addon;
    const struct resource_type *resource_type = addon->resource_type;
    struct qms_error *error = &op->error;
    if (input->update_name && !addon_name(input->name, error)) return false;
    if (input->update_description && !addon_description(input->description, error)) return false;
    if (input->update_default_amount && !addon_amount(input->default_amount, error)) return false;
    if (input->update_resource_type) {
        resource_type = addon_type(decision, input, error);
        if (resource_type == NULL) return false;
    }
    if (resource_type != addon->resource_type && decision->addon_use->in_use)
        return qms_fail(error, QMS_CONFLICT, ADDONS_EXIST);
    *row = (struct addon_row){
        .id = addon->id,
        .resource_type_id = resource_type->id,
        .name = input->update_name ? input->name : addon->name,
        .description = input->update_description ? input->description : addon->description,
        .default_amount =
            input->update_default_amount ? input->default_amount : addon->default_amount,
        .default_paid = input->update_default_paid ? input->default_paid : addon->default_paid,
        .state = ROW_CHANGED,
    };
    if (input->toggle_paid) row->default_paid = !addon->default_paid;
    return true;
}

static bool addon_updates_row(const struct addon_input *input) {
    return input->update_name || input->update_description || input->update_resource_type ||
           input->update_default_amount || input->update_default_paid || input->toggle_paid;
}

bool decide_addon_update(struct decision *decision, struct op *op, struct arena *arena) {
    const struct addon_input *input = &op->in.addon;
    const struct addon *addon = addon_with_id(decision, op);
    struct addon_row row;
    if (addon != NULL && addon->broken) return qms_fail_code(&op->error, QMS_INTERNAL);
    if (addon == NULL || !addon_update_row(decision, op, addon, &row)) return false;
    struct addon_rate_list list = {
        .addon = addon, .inputs = input->rates, .count = input->rate_count};
    if (input->update_rates && (!addon_rates(input, &op->error) ||
                                !addon_rates_replace(decision, &list, arena, &op->error)))
        return false;

    if (addon_updates_row(input)) addon_put(decision, &row);
    for (size_t i = 0; i < list.row_count; i++) addon_put_rate(decision, &list.rows[i]);
    op->made_id = addon->id;
    addon_show(decision, op);
    return true;
}

/* ---- addons.delete (11.4) ---- */

bool decide_addon_delete(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer is the id */
    const struct addon *addon = addon_with_id(decision, op);
    if (addon == NULL) return false;
    if (decision->addon_use->in_use) return qms_fail(&op->error, QMS_CONFLICT, ADDONS_EXIST);
    addon_put(decision, &(struct addon_row){.id = addon->id, .state = ROW_DELETED});
    op->made_id = addon->id;
    return true;
}

bool decide_addon_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    addon_show(decision, op);
    return true;
}
