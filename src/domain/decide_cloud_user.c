/* Users of organizations and their roles: OP_CLOUD_USER_*, OP_ROLE_LIST, OP_BINDING_*
 * (cloudmc-environment 3). */
#include "domain/decide_directory.h"

#include "base/limits.h"

bool decide_cloud_user_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_listed(&cloud);
    if (organization == NULL) return false;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_USERS);
    const struct cloud_user *user = organization->users;
    for (; user != NULL; user = user->next_in_organization) cloud_list_add(&cloud, user);
    return true;
}

bool decide_cloud_user_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    op->out.cloud.user = cloud_user_target(&cloud);
    return op->out.cloud.user != NULL;
}

/* ---- fields ---- */

static bool name_is_free(struct cloud_case *cloud, const struct organization *organization,
                         struct text name, const struct cloud_user *self) {
    const struct cloud_user *user = organization->users;
    for (; user != NULL; user = user->next_in_organization) {
        if (user == self || !text_equal(user->row.name, name)) continue;
        cloud_refuse(cloud, CLOUD_NOT_UNIQUE, "the organization has a user of this name");
        cloud_error_text(&cloud->op->cloud, "field", TEXT("userName"));
        cloud_error_text(&cloud->op->cloud, "value", name);
        return false;
    }
    return true;
}

static bool email_check(struct cloud_case *cloud, struct text email) {
    if (email.length == 0) return true;
    if (memchr(email.data, '@', email.length) == NULL)
        return cloud_refuse_value(cloud, "email", email, "is not an address");
    return cloud_line(cloud, "email", true, email, NAME_BYTES_MAX, &email);
}

static bool role_given(struct cloud_case *cloud, const char *field, const struct uuid *id,
                       enum role *role) {
    return role_with_id(id, role) || cloud_refuse_reference(cloud, field, id);
}

/* The organization of a scope that has none is NULL. */
static const struct organization *scope_organization(enum scope_qualifier qualifier,
                                                     const struct organization *organization) {
    return qualifier < SCOPE_ORG_TOPLEVEL ? organization : NULL;
}

static bool may_grant(struct cloud_case *cloud, enum role role, enum scope_qualifier qualifier,
                      const struct organization *organization) {
    if (authorization_may_grant(&cloud->principal, role, qualifier, organization)) return true;
    cloud_refuse(cloud, CLOUD_FORBIDDEN, "nobody can grant a right that he lacks");
    cloud_error_text(&cloud->op->cloud, "permission",
                     text_of(permission_name(PERMISSION_USERS_MANAGE)));
    return false;
}

/* A primary role is one of those that include each other, in the user's own organization. */
static bool primary_check(struct cloud_case *cloud, const struct organization *organization,
                          enum role *role) {
    const struct cloud_user_input *input = &cloud->op->in.user;
    if (!input->has_role) {
        *role = ROLE_USER;
    } else if (!role_given(cloud, "primaryRoleBinding.role.id", &input->role_id, role)) {
        return false;
    } else if (*role == ROLE_REPORTER) {
        return cloud_refuse_value(cloud, "primaryRoleBinding.role.id", TEXT("Reporter"),
                                  "is an additional role");
    }
    enum scope_qualifier qualifier = role_default_scope(*role);
    return may_grant(cloud, *role, qualifier, scope_organization(qualifier, organization));
}

static void primary_set(struct role_binding_row *row, const struct uuid *user_id, enum role role,
                        const struct organization *organization) {
    row->user_id = *user_id;
    row->role = role;
    row->qualifier = role_default_scope(role);
    row->is_primary = true;
    row->organization_id = row->qualifier < SCOPE_ORG_TOPLEVEL ? organization->row.id
                                                               : (struct uuid){0};
}

/* ---- users ---- */

bool decide_cloud_user_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_user_input *input = &op->in.user;
    struct text name;
    enum role role;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!cloud_line(&cloud, "userName", input->has_name, input->name, NAME_BYTES_MAX, &name) ||
        !email_check(&cloud, input->email))
        return false;
    const struct organization *organization = cloud_organization_given(
        &cloud, input->has_organization, &input->organization_id, "organization.id");
    if (organization == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_USERS_MANAGE, organization)) return false;
    if (!primary_check(&cloud, organization, &role)) return false;
    if (!name_is_free(&cloud, organization, name, NULL)) return false;

    struct cloud_user_row *row = cloud_insert(&cloud, DIRECTORY_USERS, sizeof *row);
    row->organization_id = organization->row.id;
    row->name = name;
    row->email = input->email;
    row->status = input->has_status ? input->status : USER_ACTIVE;
    struct role_binding_row *binding = cloud_insert(&cloud, DIRECTORY_BINDINGS, sizeof *binding);
    primary_set(binding, &row->id, role, organization);
    op->made_id = row->id;
    return true;
}

static const struct cloud_user *user_managed(struct cloud_case *cloud) {
    const struct cloud_user *user = cloud_user_target(cloud);
    if (user == NULL) return NULL;
    return cloud_may(cloud, PERMISSION_USERS_MANAGE, user->organization) ? user : NULL;
}

bool decide_cloud_user_update(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_user_input *input = &op->in.user;
    struct text name;
    enum role role = ROLE_USER;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (input->has_name &&
        !cloud_line(&cloud, "userName", true, input->name, NAME_BYTES_MAX, &name))
        return false;
    if (input->has_email && !email_check(&cloud, input->email)) return false;
    const struct cloud_user *user = user_managed(&cloud);
    if (user == NULL) return false;
    if (input->has_organization &&
        !uuid_equal(&input->organization_id, &user->organization->row.id))
        return cloud_refuse_value(&cloud, "organization.id", (struct text){0}, "never changes");
    if (input->has_role && !primary_check(&cloud, user->organization, &role)) return false;
    if (input->has_name && !name_is_free(&cloud, user->organization, name, user)) return false;

    struct cloud_user_row *row =
        cloud_change(&cloud, DIRECTORY_USERS, &user->row, sizeof user->row, ROW_CHANGED);
    if (input->has_name) row->name = name;
    if (input->has_email) row->email = input->email;
    if (input->has_status) row->status = input->status;
    if (input->has_role && (user->primary == NULL || user->primary->row.role != role)) {
        struct role_binding_row *binding =
            user->primary == NULL
                ? cloud_insert(&cloud, DIRECTORY_BINDINGS, sizeof *binding)
                : cloud_change(&cloud, DIRECTORY_BINDINGS, &user->primary->row, sizeof *binding,
                               ROW_CHANGED);
        primary_set(binding, &user->row.id, role, user->organization);
    }
    op->made_id = user->row.id;
    return true;
}

void cloud_user_remove(struct cloud_case *cloud, const struct cloud_user *user) {
    const struct role_binding *binding = user->bindings;
    for (; binding != NULL; binding = binding->next_of_user)
        cloud_change(cloud, DIRECTORY_BINDINGS, &binding->row, sizeof binding->row, ROW_DELETED);
    const struct api_key *key = user->keys;
    for (; key != NULL; key = key->next_of_user)
        cloud_change(cloud, DIRECTORY_KEYS, &key->row, sizeof key->row, ROW_DELETED);
    cloud_change(cloud, DIRECTORY_USERS, &user->row, sizeof user->row, ROW_DELETED);
}

bool decide_cloud_user_delete(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct cloud_user *user = user_managed(&cloud);
    if (user == NULL) return false;
    if (user == cloud.principal.user)
        return cloud_refuse_value(&cloud, "id", (struct text){0}, "is your own user");
    cloud_user_remove(&cloud, user);
    op->made_id = user->row.id;
    return true;
}

/* ---- roles ---- */

/* The roles are fixed: they are those of every organization. */
bool decide_role_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (cloud_organization_listed(&cloud) == NULL) return false;
    struct role_view *views = arena_take_zeroed(arena, ROLE_COUNT, sizeof *views);
    struct cloud_list *list = &op->out.cloud.list;
    list->rows = arena_take(arena, ROLE_COUNT * sizeof *list->rows);
    for (int i = 0; i < ROLE_COUNT; i++) {
        enum role role = (enum role)i;
        views[i].row.id = *role_id(role);
        views[i].row.created_us = cloud.directory->system->row.created_us;
        views[i].row.name = text_of(role_name(role));
        views[i].role = role;
        cloud_list_add(&cloud, &views[i]);
    }
    return true;
}

bool decide_binding_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct cloud_user *user = cloud_user_target(&cloud);
    if (user == NULL) return false;
    op->out.cloud.user = user;
    cloud_list_open(&cloud, DIRECTORY_BINDINGS);
    const struct role_binding *binding = user->bindings;
    for (; binding != NULL; binding = binding->next_of_user)
        if (!binding->row.is_primary) cloud_list_add(&cloud, binding);
    return true;
}

bool decide_binding_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct role_binding_input *input = &op->in.binding;
    enum role role;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!input->has_role) return cloud_refuse_missing(&cloud, "role.id");
    const struct cloud_user *user = user_managed(&cloud);
    if (user == NULL) return false;
    if (!role_given(&cloud, "role.id", &input->role_id, &role)) return false;
    enum scope_qualifier qualifier =
        input->has_qualifier ? input->qualifier : role_default_scope(role);
    const struct organization *organization = user->organization;
    if (input->has_organization) {
        organization =
            cloud_organization_given(&cloud, true, &input->organization_id, "organization.id");
        if (organization == NULL) return false;
    }
    organization = scope_organization(qualifier, organization);
    if (!may_grant(&cloud, role, qualifier, organization)) return false;

    struct role_binding_row *row = cloud_insert(&cloud, DIRECTORY_BINDINGS, sizeof *row);
    row->user_id = user->row.id;
    row->role = role;
    row->qualifier = qualifier;
    if (organization != NULL) row->organization_id = organization->row.id;
    op->made_id = row->id;
    return true;
}

bool decide_binding_delete(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct cloud_user *user = user_managed(&cloud);
    if (user == NULL) return false;
    const struct role_binding *binding =
        directory_binding(cloud.directory, &op->in.binding.binding_id);
    if (binding == NULL || binding->user != user || binding->row.is_primary) {
        cloud_refuse(&cloud, CLOUD_NOT_FOUND, "the additionalRole was not found");
        cloud_error_id(&op->cloud, "id", &op->in.binding.binding_id);
        cloud_error_text(&op->cloud, "type", TEXT("additionalRole"));
        return false;
    }
    cloud_change(&cloud, DIRECTORY_BINDINGS, &binding->row, sizeof binding->row, ROW_DELETED);
    op->made_id = binding->row.id;
    return true;
}
