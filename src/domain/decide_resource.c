/* Resource types: named by requests, and kept (5). */
#include "domain/decide.h"

const struct resource_type *resource_given(const struct decision *decision, struct text id,
                                           struct text name, const char *missing_text,
                                           struct qms_error *error) {
    const struct resource_type *resource_type = NULL;
    struct uuid uuid;
    if (id.length == 0 && name.length == 0) {
        qms_fail(error, QMS_BAD_REQUEST, "%s", missing_text);
    } else if (id.length == 0) {
        resource_type = catalogue_resource_named(decision->catalogue, name);
        if (resource_type == NULL)
            qms_fail(error, QMS_BAD_REQUEST, "resource type not found: %.*s",
                     TEXT_ARGUMENTS(name));
    } else if (!uuid_parse(id, &uuid)) {
        qms_fail(error, QMS_BAD_REQUEST, "resource_type.uuid must be a UUID");
    } else {
        resource_type = catalogue_resource_type(decision->catalogue, &uuid);
        if (resource_type == NULL)
            decide_unknown(error, QMS_BAD_REQUEST, "resource type not found: ", &uuid, "");
    }
    return resource_type;
}

/* The type as it is before the change; the engine shows the new one once it is read. */
static void resource_show(const struct decision *decision, struct op *op) {
    op->out.resource_type = catalogue_resource_type(decision->catalogue, &op->made_id);
}

static bool resource_check(const struct resource_input *input, struct qms_error *error) {
    if (input->name.length == 0 || input->unit.length == 0)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "the resource type name and unit are both required");
    return entry_name("the resource type name", input->name, error) &&
           entry_name("the resource type unit", input->unit, error);
}

static const struct resource_type *resource_with_id(const struct decision *decision,
                                                    struct op *op) {
    const struct uuid *id = &op->in.resource.id;
    const struct resource_type *resource_type = catalogue_resource_type(decision->catalogue, id);
    if (resource_type == NULL)
        decide_unknown(&op->error, QMS_NOT_FOUND, "resource type not found: ", id, "");
    return resource_type;
}

static void resource_put(struct decision *decision, struct op *op, enum row_state state) {
    struct changes *changes = decision->changes;
    const struct resource_input *input = &op->in.resource;
    struct resource_type_row *row = arena_take_zeroed(changes->arena, 1, sizeof *row);
    *row = (struct resource_type_row){
        .id = op->made_id,
        .name = input->name,
        .unit = input->unit,
        .consumable = input->consumable,
        .state = state,
    };
    changes_catalogue(changes, &changes->resource_types, row);
    resource_show(decision, op);
}

bool decide_resource_get(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    op->out.resource_type = resource_with_id(decision, op);
    return op->out.resource_type != NULL;
}

bool decide_resource_add(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    if (!resource_check(&op->in.resource, &op->error)) return false;
    if (catalogue_resource_named(decision->catalogue, op->in.resource.name) != NULL)
        return qms_fail(&op->error, QMS_CONFLICT,
                        "a resource type with the same name already exists");
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    resource_put(decision, op, ROW_INSERTED);
    return true;
}

bool decide_resource_update(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    const struct resource_input *input = &op->in.resource;
    if (!resource_check(input, &op->error)) return false;
    const struct resource_type *present = resource_with_id(decision, op);
    if (present == NULL) return false;
    const struct resource_type *named = catalogue_resource_named(decision->catalogue, input->name);
    if (named != NULL && named != present)
        return qms_fail(&op->error, QMS_CONFLICT,
                        "a resource type with the given name already exists: %.*s",
                        TEXT_ARGUMENTS(input->name));
    op->made_id = present->id;
    resource_put(decision, op, ROW_CHANGED);
    return true;
}

bool decide_resource_again(struct decision *decision, struct op *op, struct arena *arena) {
    (void)arena; /* the answer lies in the catalogue */
    resource_show(decision, op);
    return true;
}
