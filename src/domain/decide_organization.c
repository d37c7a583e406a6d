/* Organizations: OP_ORGANIZATION_* (cloudmc-environment 7). */
#include "domain/decide_directory.h"

#include "base/limits.h"

bool decide_organization_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *top = cloud_organization_listed(&cloud);
    if (top == NULL) return false;
    cloud_list_open(&cloud, DIRECTORY_ORGANIZATIONS);
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_ORGANIZATIONS); i++) {
        const struct organization *organization =
            directory_at(cloud.directory, DIRECTORY_ORGANIZATIONS, i);
        if (organization != top && !organization_is_below(organization, top)) continue;
        if (authorization_visible(&cloud.principal, organization))
            cloud_list_add(&cloud, organization);
    }
    return true;
}

bool decide_organization_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_target(&cloud);
    if (organization == NULL) return false;
    op->out.cloud.organization = organization;
    return true;
}

/* ---- fields ---- */

static bool is_alphanumeric(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (uint8_t)byte >= 0x80; /* letters beyond ASCII */
}

static size_t characters(struct text text) {
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        if (((uint8_t)text.data[i] & 0xC0) != 0x80) count++;
    return count;
}

static bool name_check(struct cloud_case *cloud, bool has, struct text given,
                       struct text *name) {
    if (!cloud_line(cloud, "name", has, given, NAME_BYTES_MAX, name)) return false;
    if (characters(*name) < 2 || characters(*name) > 50)
        return cloud_refuse_value(cloud, "name", given, "must have 2 to 50 characters");
    return is_alphanumeric(name->data[0]) ||
           cloud_refuse_value(cloud, "name", given, "must begin with a letter or a digit");
}

static bool is_label(struct text text) {
    if (text.length > 63 || text.data[0] == '-' || text.data[text.length - 1] == '-') return false;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != '-' && (!is_alphanumeric(text.data[i]) ||
                                    (uint8_t)text.data[i] >= 0x80 ||
                                    (text.data[i] >= 'A' && text.data[i] <= 'Z')))
            return false;
    return true;
}

/* A sub-domain, so it is unique everywhere. Empty: none. */
static bool entry_point_check(struct cloud_case *cloud, struct text entry_point,
                              const struct organization *self) {
    if (entry_point.length == 0) return true;
    if (!is_label(entry_point))
        return cloud_refuse_value(cloud, "entryPoint", entry_point,
                                  "must be a label of lower case letters, digits and hyphens");
    for (size_t i = 0; i < directory_count(cloud->directory, DIRECTORY_ORGANIZATIONS); i++) {
        const struct organization *other =
            directory_at(cloud->directory, DIRECTORY_ORGANIZATIONS, i);
        if (other == self || !text_equal(other->row.entry_point, entry_point)) continue;
        cloud_refuse(cloud, CLOUD_NOT_UNIQUE, "the entryPoint is taken");
        cloud_error_text(&cloud->op->cloud, "field", TEXT("entryPoint"));
        cloud_error_text(&cloud->op->cloud, "value", entry_point);
        return false;
    }
    return true;
}

/* ---- connections ---- */

/* Whether the immediate parent owns the connection or has it. */
static bool parent_has(const struct organization *parent, const struct connection *connection) {
    if (parent == NULL) return false;
    if (connection->owner == parent) return true;
    const struct assignment *assignment = organization_assignment(parent, connection);
    return assignment != NULL && connection_state_holds(assignment->row.connection_state);
}

static bool connections_check(struct cloud_case *cloud, const struct organization *self,
                              const struct organization *parent) {
    const struct organization_input *input = &cloud->op->in.organization;
    if (input->connection_count > CATALOGUE_ROWS_MAX)
        return cloud_refuse_value(cloud, "serviceConnections", (struct text){0}, "has too many");
    for (size_t i = 0; i < input->connection_count; i++) {
        const struct connection *connection =
            cloud_connection_given(cloud, &input->connection_ids[i], "serviceConnections.id");
        if (connection == NULL) return false;
        if (self != NULL && connection->owner == self) continue;
        if (parent_has(parent, connection)) continue;
        cloud_refuse(cloud, CLOUD_CONNECTION_NOT_ASSIGNABLE,
                     "the parent organization neither owns the connection nor has it assigned");
        cloud_error_id(&cloud->op->cloud, "serviceConnectionId", &connection->row.id);
        return false;
    }
    return true;
}

static bool is_repeated(const struct organization_input *input, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (uuid_equal(&input->connection_ids[j], &input->connection_ids[i])) return true;
    return false;
}

/* Assigns those that it has not; one that was taken away comes back as a new assignment. Who owns
 * a connection has it without being limited. Returns how many were assigned. */
static size_t connections_assign(struct cloud_case *cloud, const struct uuid *organization_id,
                                 const struct organization *self, bool is_trial) {
    const struct organization_input *input = &cloud->op->in.organization;
    size_t assigned = 0;
    for (size_t i = 0; i < input->connection_count; i++) {
        const struct connection *connection =
            directory_connection(cloud->directory, &input->connection_ids[i]);
        if (is_repeated(input, i) || connection->owner == self) continue;
        const struct assignment *present =
            self == NULL ? NULL : organization_assignment(self, connection);
        if (present != NULL) continue;
        assignment_make(cloud, organization_id, connection, is_trial);
        assigned++;
    }
    return assigned;
}

/* ---- writes ---- */

bool decide_organization_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct organization_input *input = &op->in.organization;
    struct text name, entry_point = cloud_trimmed(input->entry_point);
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!name_check(&cloud, input->has_name, input->name, &name)) return false;
    const struct organization *parent =
        cloud_organization_given(&cloud, input->has_parent, &input->parent_id, "parent.id");
    if (parent == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_CREATE, parent)) return false;
    if (!connections_check(&cloud, NULL, parent)) return false;
    if (!entry_point_check(&cloud, entry_point, NULL)) return false;

    struct organization_row *row = cloud_insert(&cloud, DIRECTORY_ORGANIZATIONS, sizeof *row);
    row->parent_id = parent->row.id;
    row->name = name;
    row->entry_point = entry_point;
    row->is_trial = input->has_trial && input->is_trial;
    row->is_reseller = input->has_reseller && input->is_reseller;
    op->made_id = row->id;
    if (input->connection_count > 0) {
        connections_assign(&cloud, &row->id, NULL, row->is_trial);
        cloud_task(&cloud, &row->id, TASK_OF_ORGANIZATION, &row->id, name, parent, true);
    }
    return true;
}

/* A trial that is converted: where it has the trial default as a default, it gets what it would
 * have got; what was applied by hand stays (cloudmc-quotas 5). */
static void convert_trial(struct cloud_case *cloud, const struct organization *organization) {
    const struct assignment *assignment = organization->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_organization) {
        const struct cloud_quota *quota = assignment->quota;
        if (quota == NULL || !quota->row.default_for_trial || assignment->row.applied) continue;
        const struct cloud_quota *next = assignment->connection->default_for_service;
        if (next == quota) continue;
        struct assignment_row *row = cloud_change(cloud, DIRECTORY_ASSIGNMENTS, &assignment->row,
                                                  sizeof *row, ROW_CHANGED);
        row->quota_id = next == NULL ? (struct uuid){0} : next->row.id;
    }
}

static bool organization_changes(const struct organization_input *input,
                                 const struct organization *organization,
                                 const struct organization_row *row) {
    return (input->has_name && !text_equal(row->name, organization->row.name)) ||
           !text_equal(row->entry_point, organization->row.entry_point) ||
           row->is_trial != organization->row.is_trial ||
           row->is_reseller != organization->row.is_reseller;
}

bool decide_organization_update(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct organization_input *input = &op->in.organization;
    struct text name = {0};
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (input->has_name && !name_check(&cloud, true, input->name, &name)) return false;
    const struct organization *organization = cloud_organization_target(&cloud);
    if (organization == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_MANAGE, organization)) return false;
    /* What raises an organization's standing or lifts its limits is for those who could make it. */
    const struct organization *above =
        organization->parent != NULL ? organization->parent : organization;
    if ((input->has_trial && input->is_trial != organization->row.is_trial) ||
        (input->has_reseller && input->is_reseller != organization->row.is_reseller) ||
        input->connection_count > 0) {
        if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_CREATE, above)) return false;
    }
    struct organization_row row = organization->row;
    if (input->has_name) row.name = name;
    if (input->has_entry_point) row.entry_point = cloud_trimmed(input->entry_point);
    if (input->has_trial) row.is_trial = input->is_trial;
    if (input->has_reseller) row.is_reseller = input->is_reseller;
    if (input->has_parent && (organization->parent == NULL ||
                              !uuid_equal(&input->parent_id, &organization->parent->row.id)))
        return cloud_refuse_value(&cloud, "parent.id", (struct text){0}, "never changes");
    if (!connections_check(&cloud, organization, organization->parent)) return false;
    if (!entry_point_check(&cloud, row.entry_point, organization)) return false;

    if (organization_changes(input, organization, &row))
        cloud_change(&cloud, DIRECTORY_ORGANIZATIONS, &row, sizeof row, ROW_CHANGED);
    if (organization->row.is_trial && !row.is_trial) convert_trial(&cloud, organization);
    op->made_id = organization->row.id;
    if (input->connection_count > 0) {
        size_t assigned =
            connections_assign(&cloud, &row.id, organization, row.is_trial);
        op->made_id = uuid_make(decision->ids, decision->decided_us);
        cloud_task(&cloud, &op->made_id, TASK_OF_ORGANIZATION, &row.id, row.name, organization,
                   assigned > 0);
    }
    return true;
}

/* ---- deletion ---- */

/* Without organizations below there is nobody who has its connections or quotas but itself. */
static void remove_owned(struct cloud_case *cloud, const struct organization *organization) {
    const struct cloud_quota *quota = organization->quotas;
    for (; quota != NULL; quota = quota->next_of_owner)
        cloud_change(cloud, DIRECTORY_QUOTAS, &quota->row, sizeof quota->row, ROW_DELETED);
    const struct connection *connection = organization->connections;
    for (; connection != NULL; connection = connection->next_of_owner) {
        cloud_change(cloud, DIRECTORY_CONNECTIONS, &connection->row, sizeof connection->row,
                     ROW_DELETED);
        for (quota = connection->quotas; quota != NULL; quota = quota->next_of_connection)
            if (quota->owner != organization)
                cloud_change(cloud, DIRECTORY_QUOTAS, &quota->row, sizeof quota->row, ROW_DELETED);
    }
}

static void organization_remove(struct cloud_case *cloud,
                                const struct organization *organization) {
    const struct environment *environment = organization->environments;
    for (; environment != NULL; environment = environment->next_of_organization)
        cloud_change(cloud, DIRECTORY_ENVIRONMENTS, &environment->row, sizeof environment->row,
                     ROW_DELETED);
    const struct assignment *assignment = organization->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_organization)
        cloud_change(cloud, DIRECTORY_ASSIGNMENTS, &assignment->row, sizeof assignment->row,
                     ROW_DELETED);
    remove_owned(cloud, organization);
    const struct cloud_user *user = organization->users;
    for (; user != NULL; user = user->next_in_organization)
        cloud_user_remove(cloud, user);
    for (size_t i = 0; i < directory_count(cloud->directory, DIRECTORY_BINDINGS); i++) {
        const struct role_binding *binding =
            directory_at(cloud->directory, DIRECTORY_BINDINGS, i);
        if (binding->organization != organization || binding->user->organization == organization)
            continue;
        cloud_change(cloud, DIRECTORY_BINDINGS, &binding->row, sizeof binding->row, ROW_DELETED);
    }
    cloud_change(cloud, DIRECTORY_ORGANIZATIONS, &organization->row, sizeof organization->row,
                 ROW_DELETED);
}

static bool refuse_deletion(struct cloud_case *cloud, const struct organization *organization,
                            const char *reason) {
    cloud_refuse(cloud, CLOUD_ORGANIZATION_NOT_DELETABLE, "the organization cannot be deleted: %s",
                 reason);
    cloud_error_id(&cloud->op->cloud, "organizationId", &organization->row.id);
    cloud_error_text(&cloud->op->cloud, "reason", text_of(reason));
    return false;
}

bool decide_organization_delete(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_target(&cloud);
    if (organization == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_MANAGE, organization)) return false;
    if (organization == cloud.principal.organization || organization->parent == NULL)
        return refuse_deletion(&cloud, organization, "it is your own");
    if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_CREATE, organization->parent)) return false;
    if (organization->children != NULL)
        return refuse_deletion(&cloud, organization, "it has organizations below it");

    organization_remove(&cloud, organization);
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_ORGANIZATION, &organization->row.id,
               organization->row.name, organization->parent, true);
    return true;
}
