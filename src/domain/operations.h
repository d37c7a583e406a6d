/* operations.h: the single list of what qms can do. Dispatch, metrics, routes, idempotency and
 * documentation come from it; an operation is added by adding a row and its decision.
 * Columns: NAME, name in metrics and documents, access, effect on the store, target. */
#ifndef QMS_DOMAIN_OPERATIONS_H
#define QMS_DOMAIN_OPERATIONS_H

enum access {
    ACCESS_READ,
    ACCESS_REPORT,
    ACCESS_ADMINISTER,
    ACCESS_BY_PERMISSION, /* the decision looks at op->caller's permissions (authorization.h) */
};

enum effect {
    EFFECT_NONE,      /* never writes */
    EFFECT_SUBSCRIBE, /* a read that subscribes a user who has no active subscription (2.6) */
    EFFECT_WRITE,
    EFFECT_LISTING,   /* a long read over many accounts, from a snapshot on a reader thread */
};

enum target {
    TARGET_USER,               /* the account named by op->username */
    TARGET_SUBSCRIPTION,       /* the account that has the subscription op->target_id */
    TARGET_SUBSCRIPTION_ADDON, /* the account that has the subscription add-on op->target_id */
    TARGET_CATALOGUE,          /* no account: plans, resource types, add-ons */
    TARGET_ALL,                /* listings over all accounts */
    TARGET_DIRECTORY,          /* no account: what CloudMC manages (directory.h) */
};

#define DIRECTORY_READ(X, name, text)                                                              \
    X(name, text, ACCESS_BY_PERMISSION, EFFECT_NONE, TARGET_DIRECTORY)
#define DIRECTORY_WRITE(X, name, text)                                                             \
    X(name, text, ACCESS_BY_PERMISSION, EFFECT_WRITE, TARGET_DIRECTORY)
#define QMS_DIRECTORY_OPERATIONS(X)                                                                \
    DIRECTORY_READ(X, ORGANIZATION_LIST, "organizations.list")                                     \
    DIRECTORY_READ(X, ORGANIZATION_GET, "organizations.get")                                       \
    DIRECTORY_WRITE(X, ORGANIZATION_CREATE, "organizations.create")                                \
    DIRECTORY_WRITE(X, ORGANIZATION_UPDATE, "organizations.update")                                \
    DIRECTORY_WRITE(X, ORGANIZATION_DELETE, "organizations.delete")                                \
    DIRECTORY_READ(X, CLOUD_USER_LIST, "cloud_users.list")                                         \
    DIRECTORY_READ(X, CLOUD_USER_GET, "cloud_users.get")                                           \
    DIRECTORY_WRITE(X, CLOUD_USER_CREATE, "cloud_users.create")                                    \
    DIRECTORY_WRITE(X, CLOUD_USER_UPDATE, "cloud_users.update")                                    \
    DIRECTORY_WRITE(X, CLOUD_USER_DELETE, "cloud_users.delete")                                    \
    DIRECTORY_READ(X, ROLE_LIST, "roles.list")                                                     \
    DIRECTORY_READ(X, BINDING_LIST, "role_bindings.list")                                          \
    DIRECTORY_WRITE(X, BINDING_CREATE, "role_bindings.create")                                     \
    DIRECTORY_WRITE(X, BINDING_DELETE, "role_bindings.delete")                                     \
    DIRECTORY_READ(X, API_KEY_LIST, "api_keys.list")                                               \
    DIRECTORY_WRITE(X, API_KEY_CREATE, "api_keys.create")                                          \
    DIRECTORY_WRITE(X, API_KEY_REVOKE, "api_keys.revoke")                                          \
    DIRECTORY_WRITE(X, API_KEY_TOUCH, "api_keys.touch")                                            \
    DIRECTORY_READ(X, CONNECTION_LIST, "connections.list")                                         \
    DIRECTORY_READ(X, CONNECTION_GET, "connections.get")                                           \
    DIRECTORY_WRITE(X, CONNECTION_CREATE, "connections.create")                                    \
    DIRECTORY_READ(X, CONNECTION_ASSIGNED, "connections.assigned")                                 \
    DIRECTORY_READ(X, CONNECTION_MANAGEABLE, "connections.manageable")                             \
    DIRECTORY_WRITE(X, CONNECTION_UNASSIGN, "connections.unassign")                                \
    DIRECTORY_READ(X, DESCRIPTOR_GET, "descriptors.get")                                           \
    DIRECTORY_READ(X, ENVIRONMENT_LIST, "environments.list")                                       \
    DIRECTORY_READ(X, ENVIRONMENT_GET, "environments.get")                                         \
    DIRECTORY_WRITE(X, ENVIRONMENT_CREATE, "environments.create")                                  \
    DIRECTORY_WRITE(X, ENVIRONMENT_UPDATE, "environments.update")                                  \
    DIRECTORY_WRITE(X, ENVIRONMENT_DELETE, "environments.delete")                                  \
    DIRECTORY_READ(X, CLOUD_QUOTA_LIST, "cloud_quotas.list")                                       \
    DIRECTORY_READ(X, CLOUD_QUOTA_GET, "cloud_quotas.get")                                         \
    DIRECTORY_WRITE(X, CLOUD_QUOTA_CREATE, "cloud_quotas.create")                                  \
    DIRECTORY_WRITE(X, CLOUD_QUOTA_UPDATE, "cloud_quotas.update")                                  \
    DIRECTORY_WRITE(X, CLOUD_QUOTA_DELETE, "cloud_quotas.delete")                                  \
    DIRECTORY_WRITE(X, CLOUD_QUOTA_DEFAULT, "cloud_quotas.default")                                \
    DIRECTORY_WRITE(X, CLOUD_QUOTA_APPLY, "cloud_quotas.apply")                                    \
    DIRECTORY_READ(X, TASK_GET, "tasks.get")

#define QMS_OPERATIONS(X)                                                                          \
    X(SUMMARY_GET, "summary.get", ACCESS_READ, EFFECT_SUBSCRIBE, TARGET_USER)                      \
    X(USER_ADD, "users.add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_USER)                         \
    X(USER_ENSURE, "users.ensure", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_USER)                   \
    X(USER_LIST, "users.list", ACCESS_READ, EFFECT_LISTING, TARGET_ALL)                            \
    X(UPDATE_ADD, "updates.add", ACCESS_REPORT, EFFECT_WRITE, TARGET_USER)                         \
    X(UPDATE_LIST, "updates.list", ACCESS_READ, EFFECT_LISTING, TARGET_USER)                       \
    X(OVERAGE_LIST, "overages.list", ACCESS_READ, EFFECT_NONE, TARGET_USER)                        \
    X(OVERAGE_CHECK, "overages.check", ACCESS_READ, EFFECT_NONE, TARGET_USER)                      \
    X(OVERAGE_REPORT, "overages.report", ACCESS_READ, EFFECT_LISTING, TARGET_ALL)                  \
    X(USAGE_LIST, "usages.list", ACCESS_READ, EFFECT_NONE, TARGET_USER)                            \
    X(USAGE_SHOW, "usages.show", ACCESS_READ, EFFECT_SUBSCRIBE, TARGET_USER)                       \
    X(USAGE_ADD, "usages.add", ACCESS_REPORT, EFFECT_WRITE, TARGET_USER)                           \
    X(USAGE_REPORT, "usages.report", ACCESS_REPORT, EFFECT_WRITE, TARGET_USER)                     \
    X(USAGE_RECORD, "usages.record", ACCESS_REPORT, EFFECT_WRITE, TARGET_USER)                     \
    X(QUOTA_SET, "quotas.set", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_SUBSCRIPTION)               \
    X(QUOTA_SET_USER, "quotas.set_user", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_USER)             \
    X(SUBSCRIPTION_CHANGE, "subscriptions.change", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_USER)   \
    X(SUBSCRIPTION_CREATE, "subscriptions.create", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_USER)   \
    X(SUBSCRIPTION_LIST, "subscriptions.list", ACCESS_READ, EFFECT_LISTING, TARGET_ALL)            \
    X(SUBSCRIPTION_LIST_USER, "subscriptions.list_user", ACCESS_READ, EFFECT_LISTING, TARGET_USER) \
    X(PLAN_LIST, "plans.list", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)                         \
    X(PLAN_GET, "plans.get", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)                           \
    X(PLAN_ADD, "plans.add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)                    \
    X(PLAN_RATE_ACTIVE, "plans.active_rate", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)           \
    X(PLAN_DEFAULTS_ACTIVE, "plans.active_defaults", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)   \
    X(PLAN_RATES_ADD, "plans.rates_add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)        \
    X(PLAN_DEFAULTS_ADD, "plans.defaults_add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)  \
    X(RESOURCE_LIST, "resources.list", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)                 \
    X(RESOURCE_GET, "resources.get", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)                   \
    X(RESOURCE_ADD, "resources.add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)            \
    X(RESOURCE_UPDATE, "resources.update", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)      \
    X(ADDON_LIST, "addons.list", ACCESS_READ, EFFECT_NONE, TARGET_CATALOGUE)                       \
    X(ADDON_ADD, "addons.add", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)                  \
    X(ADDON_UPDATE, "addons.update", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)            \
    X(ADDON_DELETE, "addons.delete", ACCESS_ADMINISTER, EFFECT_WRITE, TARGET_CATALOGUE)            \
    X(ADDON_APPLY, "subscription_addons.apply", ACCESS_ADMINISTER, EFFECT_WRITE,                   \
      TARGET_SUBSCRIPTION)                                                                         \
    X(APPLIED_LIST, "subscription_addons.list", ACCESS_READ, EFFECT_NONE, TARGET_SUBSCRIPTION)     \
    X(APPLIED_GET, "subscription_addons.get", ACCESS_READ, EFFECT_NONE, TARGET_SUBSCRIPTION_ADDON) \
    X(APPLIED_UPDATE, "subscription_addons.update", ACCESS_ADMINISTER, EFFECT_WRITE,               \
      TARGET_SUBSCRIPTION_ADDON)                                                                   \
    X(APPLIED_DELETE, "subscription_addons.delete", ACCESS_ADMINISTER, EFFECT_WRITE,               \
      TARGET_SUBSCRIPTION_ADDON)                                                                   \
    QMS_DIRECTORY_OPERATIONS(X)

#define X(name, text, access, effect, target) OP_##name,
enum operation { QMS_OPERATIONS(X) OP_COUNT };
#undef X

const char *operation_name(enum operation operation);
enum access operation_access(enum operation operation);
enum effect operation_effect(enum operation operation);
enum target operation_target(enum operation operation);

#endif
