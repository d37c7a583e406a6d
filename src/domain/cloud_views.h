/* cloud_views.h: what an operation of the CloudMC tree answers. Everything is a pointer into
 * op->directory, which the request holds: what hangs on a row is read there. Whether the caller may
 * see it is asked of authorization.h.
 * A write shows the directory that it made. */
#ifndef QMS_DOMAIN_CLOUD_VIEWS_H
#define QMS_DOMAIN_CLOUD_VIEWS_H

#include "domain/directory.h"
#include "domain/plugin.h"

/* A fixed role as a row of a list. */
struct role_view {
    struct {
        struct uuid id;
        enum row_state state;
        int64_t created_us; /* they are as old as the store */
        struct text name;
    } row;
    enum role role;
};

struct cloud_list {
    union {
        const void **rows;                    /* in the request's arena, in the tables' order */
        const struct organization **organizations; /* OP_ORGANIZATION_LIST */
        const struct cloud_user **users;           /* OP_CLOUD_USER_LIST */
        const struct role_binding **bindings;      /* OP_BINDING_LIST: without the primary one */
        const struct api_key **keys;               /* OP_API_KEY_LIST */
        const struct connection **connections;     /* OP_CONNECTION_LIST, _MANAGEABLE */
        const struct assignment **assignments;     /* OP_CONNECTION_ASSIGNED */
        const struct cloud_quota **quotas;         /* OP_CLOUD_QUOTA_LIST */
        const struct environment **environments;   /* OP_ENVIRONMENT_LIST */
        const struct role_view **roles;            /* OP_ROLE_LIST: in the request's arena too */
    };
    size_t count;
};

struct cloud_view {
    struct cloud_list list;
    const struct organization *organization; /* also of a list: whose it is */
    const struct cloud_user *user;
    const struct role_binding *binding;
    const struct api_key *key;
    const struct connection *connection;
    const struct cloud_quota *quota;         /* NULL once it is deleted */
    const struct environment *environment;
    const struct task *task;                 /* OP_TASK_GET */
    const struct plugin *plugin;             /* OP_DESCRIPTOR_GET */
    bool has_task;                           /* an asynchronous part was started */
    struct uuid task_id;
    enum task_status task_status;            /* as the answer says it */
};

#endif
