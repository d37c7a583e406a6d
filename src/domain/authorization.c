#include "domain/authorization.h"

#include <assert.h>

static const char *const permission_names[PERMISSION_COUNT] = {
#define X(name, text) [PERMISSION_##name] = text,
    QMS_PERMISSIONS(X)
#undef X
};

const char *permission_name(enum permission permission) {
    assert((unsigned)permission < PERMISSION_COUNT);
    return permission_names[permission];
}

/* ---- roles ---- */

#define MAY(permission) (UINT32_C(1) << PERMISSION_##permission)
#define GUEST                                                                                      \
    (MAY(ORGANIZATIONS_READ) | MAY(CONNECTIONS_READ) | MAY(QUOTAS_READ) | MAY(QMS_READ))
#define USER (GUEST | MAY(ENVIRONMENTS_READ) | MAY(ENVIRONMENTS_CREATE))
#define ADMINISTRATOR                                                                              \
    (USER | MAY(ORGANIZATIONS_MANAGE) | MAY(USERS_MANAGE) | MAY(ENVIRONMENTS_MANAGE) |             \
     MAY(QMS_REPORT) | MAY(QMS_ADMINISTER))
#define RESELLER (ADMINISTRATOR | MAY(ORGANIZATIONS_CREATE))
#define OPERATOR (RESELLER | MAY(CONNECTIONS_MANAGE) | MAY(QUOTAS_MANAGE))
static_assert(PERMISSION_COUNT <= 32, "a role's permissions are a set of bits");

/* The table. The ids are those of every installation. */
static const struct role_line {
    const char *name;
    struct uuid id;
    uint32_t permissions;
    enum scope_qualifier default_scope;
} role_lines[ROLE_COUNT] = {
#define ID(last) {{0x5a, 0x1e, 0x33, 0x0c, 0x62, 0xb4, 0x4d, 0x0e, 0x9c, 0x4f, 0x71, 0xa9, 0x0b,   \
                   0x2d, 0x60, last}}
    [ROLE_GUEST] = {"Guest", ID(1), GUEST, SCOPE_ORG_BASE},
    [ROLE_USER] = {"User", ID(2), USER, SCOPE_ORG_BASE},
    [ROLE_ADMINISTRATOR] = {"Administrator", ID(3), ADMINISTRATOR, SCOPE_ORG_BASE},
    [ROLE_RESELLER] = {"Reseller", ID(4), RESELLER, SCOPE_ORG_TREE},
    [ROLE_OPERATOR] = {"Operator", ID(5), OPERATOR, SCOPE_GLOBAL},
    [ROLE_REPORTER] = {"Reporter", ID(6), MAY(QMS_READ) | MAY(QMS_REPORT), SCOPE_ORG_BASE},
#undef ID
};

static const struct role_line *role_line(enum role role) {
    assert((unsigned)role < ROLE_COUNT);
    return &role_lines[role];
}

const struct uuid *role_id(enum role role) {
    return &role_line(role)->id;
}

const char *role_name(enum role role) {
    return role_line(role)->name;
}

bool role_has(enum role role, enum permission permission) {
    assert((unsigned)permission < PERMISSION_COUNT);
    return (role_line(role)->permissions & UINT32_C(1) << permission) != 0;
}

enum scope_qualifier role_default_scope(enum role role) {
    return role_line(role)->default_scope;
}

bool role_with_id(const struct uuid *id, enum role *role) {
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (!uuid_equal(&role_lines[i].id, id)) continue;
        *role = (enum role)i;
        return true;
    }
    return false;
}

/* ---- scopes ---- */

static const char *const qualifier_names[SCOPE_QUALIFIER_COUNT] = {
    [SCOPE_ORG_BASE] = "ORG_BASE",
    [SCOPE_ORG_TREE] = "ORG_TREE",
    [SCOPE_ORG_SUBS] = "ORG_SUBS",
    [SCOPE_ORG_TOPLEVEL] = "ORG_TOPLEVEL",
    [SCOPE_GLOBAL] = "GLOBAL",
};

const char *scope_qualifier_name(enum scope_qualifier qualifier) {
    assert((unsigned)qualifier < SCOPE_QUALIFIER_COUNT);
    return qualifier_names[qualifier];
}

bool scope_qualifier_named(struct text name, enum scope_qualifier *qualifier) {
    if (text_equal(name, TEXT("ORG_SUB"))) name = TEXT("ORG_SUBS");
    for (int i = 0; i < SCOPE_QUALIFIER_COUNT; i++) {
        if (!text_equal(text_of(qualifier_names[i]), name)) continue;
        *qualifier = (enum scope_qualifier)i;
        return true;
    }
    return false;
}

static bool binding_reaches(const struct role_binding *binding,
                            const struct organization *organization) {
    switch (binding->row.qualifier) {
    case SCOPE_ORG_BASE: return organization == binding->organization;
    case SCOPE_ORG_TREE:
        return organization == binding->organization ||
               organization_is_below(organization, binding->organization);
    case SCOPE_ORG_SUBS: return organization_is_below(organization, binding->organization);
    case SCOPE_ORG_TOPLEVEL: return organization->parent == NULL;
    case SCOPE_GLOBAL:
    case SCOPE_QUALIFIER_COUNT: break;
    }
    return true;
}

/* Does the binding reach everything that a scope of this kind reaches? */
static bool binding_covers(const struct role_binding *binding, enum scope_qualifier qualifier,
                           const struct organization *organization) {
    if (binding->row.qualifier == SCOPE_GLOBAL) return true;
    switch (qualifier) {
    case SCOPE_ORG_BASE: return binding_reaches(binding, organization);
    case SCOPE_ORG_TREE: /* what reaches one below and is a tree reaches all below */
        return binding->row.qualifier != SCOPE_ORG_BASE &&
               binding->row.qualifier != SCOPE_ORG_TOPLEVEL &&
               binding_reaches(binding, organization);
    case SCOPE_ORG_SUBS:
        return (binding->row.qualifier == SCOPE_ORG_SUBS &&
                binding->organization == organization) ||
               binding_covers(binding, SCOPE_ORG_TREE, organization);
    case SCOPE_ORG_TOPLEVEL: return binding->row.qualifier == SCOPE_ORG_TOPLEVEL;
    case SCOPE_GLOBAL:
    case SCOPE_QUALIFIER_COUNT: break;
    }
    return false;
}

/* ---- principals ---- */

bool principal_find(const struct directory *directory, const struct caller *caller,
                    struct principal *principal) {
    *principal = (struct principal){.directory = directory, .organization = directory->system};
    if (caller->is_local) return true;
    principal->user = directory_user(directory, &caller->user_id);
    if (principal->user == NULL || principal->user->row.status != USER_ACTIVE) return false;
    principal->organization = principal->user->organization;
    if (uuid_is_nil(&caller->key_id)) return true;
    const struct api_key *key = directory_key(directory, &caller->key_id);
    return key != NULL && key->user == principal->user;
}

bool principal_of_key(const struct directory *directory, const uint8_t hash[32],
                      struct principal *principal, const struct api_key **key) {
    *key = directory_key_hashed(directory, hash);
    if (*key == NULL) return false;
    struct caller caller = {.user_id = (*key)->row.user_id, .key_id = (*key)->row.id};
    return principal_find(directory, &caller, principal);
}

/* ---- decisions ---- */

bool authorization_may(const struct principal *principal, enum permission permission,
                       const struct organization *organization) {
    if (principal->user == NULL) return true;
    const struct role_binding *binding = principal->user->bindings;
    for (; binding != NULL; binding = binding->next_of_user)
        if (role_has(binding->row.role, permission) && binding_reaches(binding, organization))
            return true;
    return false;
}

bool authorization_visible(const struct principal *principal,
                           const struct organization *organization) {
    return organization == principal->organization ||
           authorization_may(principal, PERMISSION_ORGANIZATIONS_READ, organization);
}

bool authorization_visible_connection(const struct principal *principal,
                                      const struct connection *connection) {
    if (authorization_visible(principal, connection->owner)) return true;
    const struct assignment *assignment = connection->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_connection)
        if (authorization_visible(principal, assignment->organization)) return true;
    return false;
}

bool authorization_visible_quota(const struct principal *principal,
                                 const struct cloud_quota *quota) {
    if (authorization_visible(principal, quota->owner)) return true;
    const struct assignment *assignment = quota->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_quota)
        if (authorization_visible(principal, assignment->organization)) return true;
    return false;
}

static bool covered(const struct principal *principal, enum permission permission,
                    enum scope_qualifier qualifier, const struct organization *organization) {
    const struct role_binding *binding = principal->user->bindings;
    for (; binding != NULL; binding = binding->next_of_user)
        if (role_has(binding->row.role, permission) &&
            binding_covers(binding, qualifier, organization))
            return true;
    return false;
}

bool authorization_may_grant(const struct principal *principal, enum role role,
                             enum scope_qualifier qualifier,
                             const struct organization *organization) {
    assert((organization == NULL) == (qualifier >= SCOPE_ORG_TOPLEVEL));
    if (principal->user == NULL) return true;
    for (int permission = 0; permission < PERMISSION_COUNT; permission++)
        if (role_has(role, (enum permission)permission) &&
            !covered(principal, (enum permission)permission, qualifier, organization))
            return false;
    return true;
}

bool authorization_access(const struct principal *principal, enum access access) {
    static const enum permission permissions[] = {
        [ACCESS_READ] = PERMISSION_QMS_READ,
        [ACCESS_REPORT] = PERMISSION_QMS_REPORT,
        [ACCESS_ADMINISTER] = PERMISSION_QMS_ADMINISTER,
    };
    assert((unsigned)access < sizeof permissions / sizeof permissions[0]);
    return authorization_may(principal, permissions[access], principal->directory->system);
}
