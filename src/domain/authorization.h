/* authorization.h: who may do what to which organization: one table of roles and permissions, and
 * what the scope of a binding reaches. A user's rights are the union over all bindings.
 * Seeing:   an organization is visible to its own users and to whom a binding with a role that
 *           reads organizations reaches it. What belongs to organizations is seen with them. What
 *           is not visible is answered like what does not exist.
 * The QMS trees have no organizations: there is one scope, and it belongs to the system
 *           organization. Who has a QMS permission over that organization has it there: its users
 *           and guests read, a Reporter reports, its Administrators and whoever is Operator
 *           everywhere administer.
 * Threads:  any; everything lies in the directory. */
#ifndef QMS_DOMAIN_AUTHORIZATION_H
#define QMS_DOMAIN_AUTHORIZATION_H

#include "domain/directory.h"
#include "domain/operations.h"

/* X(NAME, name on the wire) */
#define QMS_PERMISSIONS(X)                                                                         \
    X(ORGANIZATIONS_READ, "sys:organizations:read")                                                \
    X(ORGANIZATIONS_CREATE, "sys:organizations:create") /* below the one that is reached */        \
    X(ORGANIZATIONS_MANAGE, "sys:organizations:manage")                                            \
    X(USERS_MANAGE, "sys:users:manage") /* and their roles and keys */                             \
    X(CONNECTIONS_READ, "sys:connections:read")                                                    \
    X(CONNECTIONS_MANAGE, "sys:connections:manage")                                                \
    X(QUOTAS_READ, "sys:quotas:read")                                                              \
    X(QUOTAS_MANAGE, "sys:quotas:manage")                                                          \
    X(ENVIRONMENTS_READ, "env:*:read")                                                             \
    X(ENVIRONMENTS_CREATE, "env:*:create")                                                         \
    X(ENVIRONMENTS_MANAGE, "env:*:manage")                                                         \
    X(QMS_READ, "qms:*:read")                                                                      \
    X(QMS_REPORT, "qms:usages:report")                                                             \
    X(QMS_ADMINISTER, "qms:*:administer")

#define X(name, text) PERMISSION_##name,
enum permission { QMS_PERMISSIONS(X) PERMISSION_COUNT };
#undef X

const char *permission_name(enum permission permission);

/* The roles are fixed: nobody makes or changes one. */
const struct uuid *role_id(enum role role);
const char *role_name(enum role role); /* "Guest", ... */
bool role_has(enum role role, enum permission permission);
/* The scope of a user's primary role; of the Reporter, that of a binding without a scope. */
enum scope_qualifier role_default_scope(enum role role);
bool role_with_id(const struct uuid *id, enum role *role);

const char *scope_qualifier_name(enum scope_qualifier qualifier); /* "ORG_TREE", ... */
bool scope_qualifier_named(struct text name, enum scope_qualifier *qualifier); /* and "ORG_SUB" */

/* Who asks, as a front or a tool knows it. */
struct caller {
    struct uuid user_id;
    struct uuid key_id; /* with which he came; nil: without one */
    bool is_local;      /* a tool on the machine that has the store's password or file: it may do
                           everything, for the system organization */
};

/* Who asks, in a directory. */
struct principal {
    const struct directory *directory;
    const struct cloud_user *user;             /* NULL: is_local */
    const struct organization *organization;   /* his own */
};

/* false: there is no such user or key any more, or the user is disabled (401). */
bool principal_find(const struct directory *directory, const struct caller *caller,
                    struct principal *principal);
/* The same for a key as it arrived; *key is whose it is. */
bool principal_of_key(const struct directory *directory, const uint8_t hash[32],
                      struct principal *principal, const struct api_key **key);

bool authorization_visible(const struct principal *principal,
                           const struct organization *organization);
/* Through a visible owner, or an organization it is given or assigned to that is visible. */
bool authorization_visible_connection(const struct principal *principal,
                                      const struct connection *connection);
bool authorization_visible_quota(const struct principal *principal,
                                 const struct cloud_quota *quota);

bool authorization_may(const struct principal *principal, enum permission permission,
                       const struct organization *organization);

/* Nobody grants a right that he lacks. */
bool authorization_may_grant(const struct principal *principal, enum role role,
                             enum scope_qualifier qualifier,
                             const struct organization *organization);

/* May he use the QMS trees for operations of this kind? */
bool authorization_access(const struct principal *principal, enum access access);

#endif
