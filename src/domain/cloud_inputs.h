/* cloud_inputs.h: what a client of the CloudMC tree asked, as a front decoded it: shape only; the
 * rules check the rest. The object in the path is op->target_id.
 * has_*: the member was there; what an update leaves out stays as it is.
 * Ownership: everything lies in the request's arena. */
#ifndef QMS_DOMAIN_CLOUD_INPUTS_H
#define QMS_DOMAIN_CLOUD_INPUTS_H

#include "domain/directory_rows.h"

enum quota_relation { QUOTA_OWNED_OR_ASSIGNED, QUOTA_OWNED, QUOTA_ASSIGNED };

/* The lists: OP_*_LIST, OP_CONNECTION_ASSIGNED, OP_CONNECTION_MANAGEABLE (the target is the
 * connection, the organization). */
struct cloud_list_input {
    bool has_organization;       /* whose; else the caller's own */
    struct uuid organization_id;
    enum quota_relation relation; /* OP_CLOUD_QUOTA_LIST */
};

/* OP_ORGANIZATION_CREATE, OP_ORGANIZATION_UPDATE. */
struct organization_input {
    bool has_name, has_entry_point, has_parent, has_trial, has_reseller;
    struct text name, entry_point;
    struct uuid parent_id;       /* OP_ORGANIZATION_CREATE; else the caller's own */
    bool is_trial, is_reseller;
    const struct uuid *connection_ids; /* to be assigned; those that are already stay */
    size_t connection_count;
};

/* OP_CLOUD_USER_CREATE, OP_CLOUD_USER_UPDATE. */
struct cloud_user_input {
    bool has_organization, has_name, has_email, has_status, has_role;
    struct uuid organization_id; /* OP_CLOUD_USER_CREATE; else the caller's own */
    struct text name, email;
    enum user_status status;
    struct uuid role_id;         /* of the primary role; a new user's is User unless said */
};

/* OP_BINDING_CREATE: an additional role for the user in the path. OP_BINDING_DELETE: binding_id,
 * of the user in the path. */
struct role_binding_input {
    struct uuid binding_id;
    bool has_role, has_qualifier, has_organization;
    struct uuid role_id;
    enum scope_qualifier qualifier; /* else the role's own */
    struct uuid organization_id;    /* else the user's */
};

/* OP_CONNECTION_CREATE; OP_CONNECTION_UNASSIGN (organization_id). */
struct connection_input {
    bool has_name, has_service_code, has_type, has_organization, has_supports_quotas;
    struct text name, service_code, type;
    struct uuid organization_id;    /* the owner; else the caller's own */
    bool supports_quotas;           /* else whether the plugin does */
};

/* OP_ENVIRONMENT_CREATE, OP_ENVIRONMENT_UPDATE. */
struct environment_input {
    bool has_name, has_organization, has_connection;
    struct text name;
    struct uuid organization_id;    /* of a new one; else the caller's own */
    struct uuid connection_id;
};

struct quota_detail_input {
    bool has_metric, has_ceiling;
    struct text metric;
    struct amount ceiling;
};

/* OP_CLOUD_QUOTA_CREATE, OP_CLOUD_QUOTA_UPDATE (no flags: they are ignored there). */
struct cloud_quota_input {
    bool has_name, has_description, has_connection, has_owner, has_details;
    struct text name, description; /* a description that is null is empty */
    struct uuid connection_id, owner_id;
    bool default_for_service, default_for_trial;
    const struct quota_detail_input *details;
    size_t detail_count;
};

/* OP_CLOUD_QUOTA_DELETE. */
struct cloud_quota_delete_input {
    bool has_substitute;
    struct uuid substitute_id;
};

/* OP_CLOUD_QUOTA_DEFAULT. */
struct cloud_quota_default_input {
    bool service, trial;
};

/* OP_CLOUD_QUOTA_APPLY. */
struct cloud_quota_apply_input {
    bool has_quota, has_organizations;
    struct uuid quota_id;
    const struct uuid *organization_ids;
    size_t organization_count;
};

/* OP_API_KEY_CREATE. The key itself is made by the caller (wire/api_key.h), who shows it once, and
 * only when the operation succeeds and is no duplicate. */
struct api_key_input {
    bool has_name, has_user;
    struct text name;            /* else one from its id */
    struct uuid user_id;         /* else the caller */
    uint8_t hash[32];
};

/* OP_API_KEY_TOUCH: keys that were used; those that are gone are passed over. A front collects
 * them and asks once in a while: it is a write like any other. */
struct api_key_touch {
    struct uuid key_id;
    int64_t used_us;             /* wall time */
    struct text address;
};

struct api_key_touch_input {
    const struct api_key_touch *touches;
    size_t count;
};

#endif
