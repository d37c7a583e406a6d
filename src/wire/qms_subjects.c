#include "wire/qms_subjects.h"

#include "proto/messages.h"

#define MESSAGES(package, request, response)                                                       \
    {&message_##package##_##request, &message_##package##_##response}

/* Only the newest messages have such a subject. */
#define NEW(name, operation, package, request, response, summary)                                  \
    {name, operation, {{&message_##package##_##request, &message_qms_##response}, {NULL, NULL}},   \
     summary}
/* Both have, with messages of the same names. */
#define BOTH(name, operation, request, response, summary)                                          \
    {name, operation,                                                                              \
     {MESSAGES(qms, request, response), MESSAGES(user_plans, request, response)}, summary}
/* What is about subscriptions was about user plans. */
#define RENAMED(name, operation, request, old_request, summary)                                    \
    {name, operation,                                                                              \
     {MESSAGES(qms, request, subscription_response),                                               \
      MESSAGES(user_plans, old_request, user_plan_response)}, summary}

const struct qms_subject qms_subjects[] = {
    BOTH("user.add", OP_USER_ADD, add_user_request, add_user_response,
         "Adds a user and subscribes the user to a plan"),
    RENAMED("user.summary.get", OP_SUMMARY_GET, request_by_username, request_by_username,
            "The user's active subscription with its plan, quotas, usages and add-ons"),
    RENAMED("user.plan.get", OP_SUMMARY_GET, request_by_username, request_by_username,
            "The same as user.summary.get"),
    RENAMED("user.plan.change", OP_SUBSCRIPTION_CHANGE, change_subscription_request,
            change_user_plan_request, "Moves a user to another plan"),
    BOTH("user.quota.add", OP_QUOTA_SET, add_quota_request, quota_response,
         "Sets a quota of a subscription"),
    BOTH("user.usages.get", OP_USAGE_LIST, get_usages, usage_list, "The user's usages"),
    BOTH("user.usages.add", OP_USAGE_ADD, add_usage, usage_response,
         "Sets or adds to a usage"),
    BOTH("user.updates.get", OP_UPDATE_LIST, update_list_request, update_list_response,
         "The user's audit rows"),
    BOTH("user.updates.add", OP_UPDATE_ADD, add_update_request, add_update_response,
         "Records a change of a usage or a quota"),
    BOTH("user.overages.get", OP_OVERAGE_LIST, all_user_overages_request, overage_list,
         "The resources of which the user has used all or more"),
    BOTH("user.overages.check", OP_OVERAGE_CHECK, is_overage_request, is_overage,
         "Whether the user has used all of a resource"),
    BOTH("plan.list", OP_PLAN_LIST, no_params_request, plan_list, "All plans"),
    BOTH("plan.add", OP_PLAN_ADD, add_plan_request, plan_response, "Adds a plan"),
    BOTH("plan.get", OP_PLAN_GET, plan_request, plan_response, "A plan"),
    BOTH("plan.quota.defaults", OP_PLAN_DEFAULTS_ADD, add_plan_quota_default_request,
         quota_default_response, "Adds a quota default to a plan, or replaces that of its date"),
    NEW("addon.add", OP_ADDON_ADD, qms, add_addon_request, addon_response, "Adds an add-on"),
    NEW("addon.list", OP_ADDON_LIST, qms, no_params_request, addon_list_response, "All add-ons"),
    NEW("addon.update", OP_ADDON_UPDATE, qms, update_addon_request, addon_response,
        "Changes an add-on"),
    NEW("addon.delete", OP_ADDON_DELETE, requests, by_uuid, addon_response, "Deletes an add-on"),
    NEW("addon.togglepaid", OP_ADDON_UPDATE, requests, by_uuid, addon_response,
        "Turns around whether an add-on has to be paid for"),
    NEW("user.plan.addons.list", OP_APPLIED_LIST, requests, by_uuid,
        subscription_addon_list_response, "The add-ons of a subscription"),
    NEW("user.plan.addons.add", OP_ADDON_APPLY, requests, associate_by_uuids,
        subscription_addon_response, "Applies an add-on to a subscription"),
    NEW("user.plan.addons.update", OP_APPLIED_UPDATE, qms, update_subscription_addon_request,
        subscription_addon_response, "Changes an add-on of a subscription"),
    NEW("user.plan.addons.delete", OP_APPLIED_DELETE, requests, by_uuid,
        subscription_addon_response, "Takes an add-on away from a subscription"),
    NEW("user.plan.addons.get", OP_APPLIED_GET, requests, by_uuid, subscription_addon_response,
        "An add-on of a subscription"),
    {0},
};

const struct qms_subject *qms_subject_find(struct text name) {
    for (const struct qms_subject *subject = qms_subjects; subject->name != NULL; subject++)
        if (text_equal(text_of(subject->name), name)) return subject;
    return NULL;
}
