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

/* The operation says what a row is: an organization, a cloud_user, a role_binding (without
 * the primary one), an api_key, a connection, an environment, a cloud_quota; OP_CONNECTION_ASSIGNED
 * lists assignments, OP_ROLE_LIST role_views, which lie in the request's arena too. */
struct cloud_list {
    const void **rows; /* in the request's arena, in the tables' order */
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
