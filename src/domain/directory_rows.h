/* directory_rows.h: the rows of what CloudMC clients manage, as they are stored and changed.
 * Every row begins with the members of struct directory_row, so that tables of any kind can be
 * found, ordered and replaced alike. A row refers to others by their ids.
 * Ownership: in a batch its arena, texts point into the request or into the directory that the
 *            change was decided on; in a directory its own. */
#ifndef QMS_DOMAIN_DIRECTORY_ROWS_H
#define QMS_DOMAIN_DIRECTORY_ROWS_H

#include "domain/account.h"

/* In the order in which rows refer to each other. */
enum directory_kind {
    DIRECTORY_ORGANIZATIONS,
    DIRECTORY_USERS,
    DIRECTORY_BINDINGS,
    DIRECTORY_KEYS,
    DIRECTORY_CONNECTIONS,
    DIRECTORY_QUOTAS,
    DIRECTORY_ASSIGNMENTS,
    DIRECTORY_ENVIRONMENTS,
    DIRECTORY_TASKS,
    DIRECTORY_KIND_COUNT,
};

struct directory_row {
    struct uuid id;
    enum row_state state; /* in a batch; ROW_CLEAN in a directory */
    int64_t created_us;   /* tables are ordered by it, then by id */
};

/* Deleted ones stay in the store, marked; bindings and assignments go. */
struct organization_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid parent_id;    /* nil: the system organization, the only one without a parent */
    struct text name;
    struct text entry_point;  /* unique; empty: none */
    bool is_trial, is_reseller;
};

enum user_status { USER_ACTIVE, USER_DISABLED };

struct cloud_user_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid organization_id;
    struct text name;         /* unique in the organization */
    struct text email;
    enum user_status status;
};

/* The fixed roles, each but the last including all before it, and one that only reports usage to
 * the QMS trees. The numbers are stored. */
enum role {
    ROLE_GUEST,
    ROLE_USER,
    ROLE_ADMINISTRATOR,
    ROLE_RESELLER,
    ROLE_OPERATOR,
    ROLE_REPORTER,
    ROLE_COUNT,
};

/* What a binding reaches; the numbers are stored. */
enum scope_qualifier {
    SCOPE_ORG_BASE,     /* one organization */
    SCOPE_ORG_TREE,     /* one organization and all below it */
    SCOPE_ORG_SUBS,     /* all below one organization */
    SCOPE_ORG_TOPLEVEL, /* all organizations without a parent */
    SCOPE_GLOBAL,
    SCOPE_QUALIFIER_COUNT,
};

struct role_binding_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid user_id;
    struct uuid organization_id; /* nil for SCOPE_ORG_TOPLEVEL and SCOPE_GLOBAL */
    enum role role;
    enum scope_qualifier qualifier;
    bool is_primary;          /* one for every user */
};

struct api_key_row { /* deleted: revoked; it stays in the store */
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid user_id;
    struct text name;
    uint8_t hash[32];         /* SHA-256 of the key; the key itself is known to its user alone */
    int64_t used_us;          /* last use, to a minute; 0: never */
    struct text used_address;
};

struct connection_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid owner_id;     /* the organization it belongs to */
    struct text name;
    struct text service_code; /* unique */
    struct text type;         /* of a plugin */
    bool supports_quotas;
};

struct quota_detail {
    struct uuid id;
    struct text metric;
    struct amount ceiling;    /* -1: no limit */
};

struct cloud_quota_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid connection_id, owner_id;
    struct text name;         /* unique per connection and owner among those not deleted */
    struct text description;
    bool default_for_service, default_for_trial; /* one of each per connection */
    int64_t version;
    bool replaces_details;    /* of a changed row: else details are as stored */
    const struct quota_detail *details;
    size_t detail_count;
};

/* The numbers are stored. */
enum connection_state {
    CONNECTION_PENDING,
    CONNECTION_PROVISIONING,
    CONNECTION_PROVISIONED,
    CONNECTION_ERROR_PROVISIONING,
    CONNECTION_PENDING_PURGE,
    CONNECTION_PURGING,
    CONNECTION_PURGED,
    CONNECTION_ERROR_PURGING,
    CONNECTION_STATE_COUNT,
};

/* A connection assigned to an organization, and with it the one quota that limits it there. */
struct assignment_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid organization_id, connection_id; /* unique together */
    enum connection_state connection_state;
    struct uuid quota_id;     /* nil: no limit; else a quota of this connection */
    bool applied;             /* the quota was given by hand, not as a default */
};

struct environment_row {
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid organization_id, connection_id;
    struct text name;         /* unique per organization and connection */
    enum connection_state connection_state;
};

enum task_status { TASK_PENDING, TASK_SUCCESS, TASK_FAILED };
enum task_object { TASK_OF_ORGANIZATION, TASK_OF_QUOTA, TASK_OF_ENVIRONMENT };

struct task_row { /* kept TASK_KEPT_HOURS, then deleted by a later one */
    struct uuid id;
    enum row_state state;
    int64_t created_us;
    struct uuid user_id;         /* who started it; nil: at the machine itself */
    struct uuid organization_id; /* the object's, or its owner: who manages it may look */
    enum task_object object;
    struct uuid object_id;
    struct text object_name;     /* as the task left it */
    enum task_status status;
};

#endif
