#include "domain/decide.h"

#include <assert.h>

static decide_function *const deciders[OP_COUNT] = {
    [OP_SUMMARY_GET] = decide_summary,
    [OP_USER_ADD] = decide_user_add,
    [OP_USER_ENSURE] = decide_user_ensure,
    [OP_UPDATE_ADD] = decide_update_add,
    [OP_OVERAGE_LIST] = decide_overage_list,
    [OP_OVERAGE_CHECK] = decide_overage_check,
    [OP_USAGE_LIST] = decide_usage_list,
    [OP_USAGE_SHOW] = decide_usage_show,
    [OP_USAGE_ADD] = decide_usage_add,
    [OP_USAGE_REPORT] = decide_usage_report,
    [OP_USAGE_RECORD] = decide_usage_record,
    [OP_QUOTA_SET] = decide_quota_set,
    [OP_QUOTA_SET_USER] = decide_quota_set_user,
    [OP_SUBSCRIPTION_CHANGE] = decide_subscription_change,
    [OP_SUBSCRIPTION_CREATE] = decide_subscription_create,
    [OP_PLAN_LIST] = decide_catalogue_list,
    [OP_PLAN_GET] = decide_plan_get,
    [OP_PLAN_ADD] = decide_plan_add,
    [OP_PLAN_RATE_ACTIVE] = decide_plan_rate_active,
    [OP_PLAN_DEFAULTS_ACTIVE] = decide_plan_defaults_active,
    [OP_PLAN_RATES_ADD] = decide_plan_rates_add,
    [OP_PLAN_DEFAULTS_ADD] = decide_plan_defaults_add,
    [OP_RESOURCE_LIST] = decide_catalogue_list,
    [OP_RESOURCE_GET] = decide_resource_get,
    [OP_RESOURCE_ADD] = decide_resource_add,
    [OP_RESOURCE_UPDATE] = decide_resource_update,
    [OP_ADDON_LIST] = decide_catalogue_list,
    [OP_ADDON_ADD] = decide_addon_add,
    [OP_ADDON_UPDATE] = decide_addon_update,
    [OP_ADDON_DELETE] = decide_addon_delete,
    [OP_ADDON_APPLY] = decide_addon_apply,
    [OP_APPLIED_LIST] = decide_applied_list,
    [OP_APPLIED_GET] = decide_applied_get,
    [OP_APPLIED_UPDATE] = decide_applied_update,
    [OP_APPLIED_DELETE] = decide_applied_delete,
    [OP_ORGANIZATION_LIST] = decide_organization_list,
    [OP_ORGANIZATION_GET] = decide_organization_get,
    [OP_ORGANIZATION_CREATE] = decide_organization_create,
    [OP_ORGANIZATION_UPDATE] = decide_organization_update,
    [OP_ORGANIZATION_DELETE] = decide_organization_delete,
    [OP_CLOUD_USER_LIST] = decide_cloud_user_list,
    [OP_CLOUD_USER_GET] = decide_cloud_user_get,
    [OP_CLOUD_USER_CREATE] = decide_cloud_user_create,
    [OP_CLOUD_USER_UPDATE] = decide_cloud_user_update,
    [OP_CLOUD_USER_DELETE] = decide_cloud_user_delete,
    [OP_ROLE_LIST] = decide_role_list,
    [OP_BINDING_LIST] = decide_binding_list,
    [OP_BINDING_CREATE] = decide_binding_create,
    [OP_BINDING_DELETE] = decide_binding_delete,
    [OP_API_KEY_LIST] = decide_api_key_list,
    [OP_API_KEY_CREATE] = decide_api_key_create,
    [OP_API_KEY_REVOKE] = decide_api_key_revoke,
    [OP_API_KEY_TOUCH] = decide_api_key_touch,
    [OP_CONNECTION_LIST] = decide_connection_list,
    [OP_CONNECTION_GET] = decide_connection_get,
    [OP_CONNECTION_CREATE] = decide_connection_create,
    [OP_CONNECTION_ASSIGNED] = decide_connection_assigned,
    [OP_CONNECTION_MANAGEABLE] = decide_connection_manageable,
    [OP_CONNECTION_UNASSIGN] = decide_connection_unassign,
    [OP_DESCRIPTOR_GET] = decide_descriptor_get,
    [OP_ENVIRONMENT_LIST] = decide_environment_list,
    [OP_ENVIRONMENT_GET] = decide_environment_get,
    [OP_ENVIRONMENT_CREATE] = decide_environment_create,
    [OP_ENVIRONMENT_UPDATE] = decide_environment_update,
    [OP_ENVIRONMENT_DELETE] = decide_environment_delete,
    [OP_CLOUD_QUOTA_LIST] = decide_cloud_quota_list,
    [OP_CLOUD_QUOTA_GET] = decide_cloud_quota_get,
    [OP_CLOUD_QUOTA_CREATE] = decide_cloud_quota_create,
    [OP_CLOUD_QUOTA_UPDATE] = decide_cloud_quota_update,
    [OP_CLOUD_QUOTA_DELETE] = decide_cloud_quota_delete,
    [OP_CLOUD_QUOTA_DEFAULT] = decide_cloud_quota_default,
    [OP_CLOUD_QUOTA_APPLY] = decide_cloud_quota_apply,
    [OP_TASK_GET] = decide_task_get,
};

/* Who answers when an operation with a key comes again: one for every operation that writes. */
static decide_function *const repeaters[OP_COUNT] = {
    [OP_USER_ADD] = decide_user_add_again,
    [OP_USER_ENSURE] = decide_user_ensure_again,
    [OP_UPDATE_ADD] = decide_update_add_again,
    [OP_USAGE_ADD] = decide_usage_add_again,
    [OP_USAGE_REPORT] = decide_usage_record_again,
    [OP_USAGE_RECORD] = decide_usage_record_again,
    [OP_QUOTA_SET] = decide_quota_set_again,
    [OP_QUOTA_SET_USER] = decide_subscription_change_again,
    [OP_SUBSCRIPTION_CHANGE] = decide_subscription_change_again,
    [OP_SUBSCRIPTION_CREATE] = decide_subscription_create_again,
    [OP_PLAN_ADD] = decide_plan_again,
    [OP_PLAN_RATES_ADD] = decide_plan_again,
    [OP_PLAN_DEFAULTS_ADD] = decide_plan_again,
    [OP_RESOURCE_ADD] = decide_resource_again,
    [OP_RESOURCE_UPDATE] = decide_resource_again,
    [OP_ADDON_ADD] = decide_addon_again,
    [OP_ADDON_UPDATE] = decide_addon_again,
    [OP_ADDON_DELETE] = decide_addon_again,
    [OP_ADDON_APPLY] = decide_applied_again,
    [OP_APPLIED_UPDATE] = decide_applied_again,
    [OP_APPLIED_DELETE] = decide_applied_again,
    [OP_ORGANIZATION_CREATE] = decide_directory_again,
    [OP_ORGANIZATION_UPDATE] = decide_directory_again,
    [OP_ORGANIZATION_DELETE] = decide_directory_again,
    [OP_CLOUD_USER_CREATE] = decide_directory_again,
    [OP_CLOUD_USER_UPDATE] = decide_directory_again,
    [OP_CLOUD_USER_DELETE] = decide_directory_again,
    [OP_BINDING_CREATE] = decide_directory_again,
    [OP_BINDING_DELETE] = decide_directory_again,
    [OP_API_KEY_CREATE] = decide_directory_again,
    [OP_API_KEY_REVOKE] = decide_directory_again,
    [OP_API_KEY_TOUCH] = decide_directory_again,
    [OP_CONNECTION_CREATE] = decide_directory_again,
    [OP_CONNECTION_UNASSIGN] = decide_directory_again,
    [OP_ENVIRONMENT_CREATE] = decide_directory_again,
    [OP_ENVIRONMENT_UPDATE] = decide_directory_again,
    [OP_ENVIRONMENT_DELETE] = decide_directory_again,
    [OP_CLOUD_QUOTA_CREATE] = decide_directory_again,
    [OP_CLOUD_QUOTA_UPDATE] = decide_directory_again,
    [OP_CLOUD_QUOTA_DELETE] = decide_directory_again,
    [OP_CLOUD_QUOTA_DEFAULT] = decide_directory_again,
    [OP_CLOUD_QUOTA_APPLY] = decide_directory_again,
};

bool decide_unknown(struct qms_error *error, enum qms_code code, const char *before,
                    const struct uuid *id, const char *after) {
    char text[UUID_TEXT_BYTES];
    uuid_format(id, text);
    return qms_fail(error, code, "%s%.*s%s", before, UUID_TEXT_BYTES, text, after);
}

bool decide_reword(struct qms_error *error, const char *text) {
    if (error->code != QMS_INTERNAL) return false;
    return qms_fail(error, QMS_INTERNAL, "%s", text);
}

bool decide_catalogue_list(struct decision *decision, struct op *op, struct arena *arena) {
    (void)decision;
    (void)op; /* decide() lets it hold the catalogue */
    (void)arena;
    return true;
}

/* As if never decided: an operation of a batch that was rolled back comes a second time. */
static void decide_reset(struct op *op) {
    op->error.code = QMS_OK;
    op->error.text[0] = '\0';
    op->duplicate = false;
    op->cloud = (struct cloud_error){0};
    op->made_id = (struct uuid){0};
    memset(&op->out, 0, sizeof op->out);
}

static void decide_hold(const struct decision *decision, struct op *op) {
    if (op->catalogue == decision->catalogue) return;
    catalogue_release(op->catalogue);
    op->catalogue = catalogue_hold(decision->catalogue);
}

/* Also for a failure: what it names lies there. */
static void decide_hold_directory(const struct decision *decision, struct op *op) {
    if (op->directory == decision->directory) return;
    directory_release(op->directory);
    op->directory = directory_hold(decision->directory);
}

static bool decide_again(struct decision *decision, struct op *op, struct arena *arena) {
    if (memcmp(op->replay->content, op->content, sizeof op->content) != 0)
        return qms_fail(&op->error, QMS_CONFLICT, "the %s was used before with other content",
                        op->operation == OP_USAGE_RECORD ? "id" : "idempotency key");
    op->duplicate = true;
    op->made_id = op->replay->made_id;
    return repeaters[op->operation](decision, op, arena);
}

static void decide_remember(struct decision *decision, struct op *op) {
    struct replay *replay = op->replay;
    changes_replay(decision->changes, replay);
    memcpy(replay->content, op->content, sizeof replay->content);
    replay->made_id = op->made_id;
    replay->recorded_us = decision->decided_us;
    replay->known = true;
}

static bool decide_first(struct decision *decision, struct op *op, struct arena *arena) {
    if (decision->changes != NULL) changes_begin(decision->changes);
    if (!deciders[op->operation](decision, op, arena)) {
        if (decision->changes != NULL) changes_undo(decision->changes);
        return false;
    }
    if (decision->changes != NULL && decision->changes->must_lock) {
        changes_undo(decision->changes);
        decide_reset(op);
        decision->must_write = true;
        return false;
    }
    if (op->replay != NULL && operation_effect(op->operation) == EFFECT_WRITE)
        decide_remember(decision, op);
    return true;
}

unsigned decide_rows(const struct op *op) {
    enum value_type type;
    if (op->as_writer) return ROWS_ALL;
    switch (op->operation) {
    case OP_USAGE_ADD:
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD: return ROWS_USAGES;
    case OP_UPDATE_ADD:
        if (!value_type_named(op->in.change.value_type, &type)) return ROWS_USAGES; /* refused */
        return type == VALUE_USAGES ? ROWS_USAGES : ROWS_QUOTAS;
    default: return ROWS_ALL;
    }
}

bool decide(struct decision *decision, struct op *op, struct arena *arena) {
    assert(op->operation < OP_COUNT);
    assert(deciders[op->operation] != NULL);
    assert(op->account != NULL || operation_target(op->operation) != TARGET_USER);
    bool writes = operation_effect(op->operation) == EFFECT_WRITE;
    assert(!writes || decision->changes != NULL);
    assert(!writes || repeaters[op->operation] != NULL);
    assert(!writes || op->account == NULL || op->account->writable);

    decide_reset(op);
    decision->must_write = false;
    if (op->account != NULL && op->account->broken) return qms_fail_code(&op->error, QMS_INTERNAL);
    if (operation_target(op->operation) == TARGET_DIRECTORY) {
        if (decision->directory == NULL) return qms_fail_code(&op->error, QMS_UNIMPLEMENTED);
        decide_hold_directory(decision, op);
        if (writes) decision->changes->directory_version = decision->directory->version;
    }
    bool repeated = writes && op->replay != NULL && op->replay->known;
    bool decided = repeated ? decide_again(decision, op, arena)
                            : decide_first(decision, op, arena);
    assert(!decision->must_write || (!decided && op->error.code == QMS_OK));
    assert(decision->must_write || decided == (op->error.code == QMS_OK));
    /* A write that changes nothing shows what there is; of others the engine shows the outcome. */
    if (decided && writes && operation_target(op->operation) == TARGET_DIRECTORY)
        decide_directory_show(op, decision->directory);
    if (decided) decide_hold(decision, op);
    return decided;
}
