/* Service connections and what their plugins measure: OP_CONNECTION_*, OP_DESCRIPTOR_GET
 * (cloudmc-environment 8). */
#include "domain/decide_directory.h"

#include "base/limits.h"

bool connection_supports_quotas(const struct cloud_case *cloud,
                                const struct connection *connection) {
    const struct plugin *plugin = plugin_find(cloud->decision->plugins, connection->row.type);
    return connection->row.supports_quotas && plugin != NULL && plugin_supports_quotas(plugin);
}

void assignment_make(struct cloud_case *cloud, const struct uuid *organization_id,
                     const struct connection *connection, bool is_trial) {
    const struct cloud_quota *quota = is_trial ? connection->default_for_trial : NULL;
    if (quota == NULL) quota = connection->default_for_service;
    struct assignment_row *row = cloud_insert(cloud, DIRECTORY_ASSIGNMENTS, sizeof *row);
    row->organization_id = *organization_id;
    row->connection_id = connection->row.id;
    row->connection_state = CONNECTION_PROVISIONED; /* there is no back end to wait for */
    if (quota != NULL) row->quota_id = quota->row.id;
}

/* ---- reads ---- */

static bool connection_is_of(const struct connection *connection,
                             const struct organization *organization) {
    if (connection->owner == organization) return true;
    const struct assignment *assignment = organization_assignment(organization, connection);
    return assignment != NULL && connection_state_holds(assignment->row.connection_state);
}

bool decide_connection_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_listed(&cloud);
    if (organization == NULL) return false;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_CONNECTIONS);
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_CONNECTIONS); i++) {
        const struct connection *connection =
            directory_at(cloud.directory, DIRECTORY_CONNECTIONS, i);
        if (connection_is_of(connection, organization)) cloud_list_add(&cloud, connection);
    }
    return true;
}

bool decide_connection_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct connection *connection = cloud_connection_target(&cloud);
    if (connection == NULL) return false;
    op->out.cloud.organization = cloud_organization_listed(&cloud);
    if (op->out.cloud.organization == NULL) return false;
    op->out.cloud.connection = connection;
    return true;
}

/* The organizations that have the connection, from the one in scope downwards. */
bool decide_connection_assigned(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct connection *connection = cloud_connection_target(&cloud);
    if (connection == NULL) return false;
    const struct organization *top = cloud_organization_listed(&cloud);
    if (top == NULL) return false;
    op->out.cloud.connection = connection;
    op->out.cloud.organization = top;
    cloud_list_open(&cloud, DIRECTORY_ASSIGNMENTS);
    const struct assignment *assignment = connection->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_connection) {
        const struct organization *organization = assignment->organization;
        if (organization != top && !organization_is_below(organization, top)) continue;
        if (authorization_visible(&cloud.principal, organization))
            cloud_list_add(&cloud, assignment);
    }
    return true;
}

/* Those that the organization in the path has and could assign to the ones below it. */
bool decide_connection_manageable(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_target(&cloud);
    if (organization == NULL) return false;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_CONNECTIONS);
    if (!authorization_may(&cloud.principal, PERMISSION_ORGANIZATIONS_CREATE, organization))
        return true;
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_CONNECTIONS); i++) {
        const struct connection *connection =
            directory_at(cloud.directory, DIRECTORY_CONNECTIONS, i);
        if (connection_is_of(connection, organization)) cloud_list_add(&cloud, connection);
    }
    return true;
}

bool decide_descriptor_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    op->out.cloud.plugin = plugin_find(decision->plugins, op->in.descriptor_type);
    if (op->out.cloud.plugin != NULL) return true;
    cloud_refuse(&cloud, CLOUD_NOT_FOUND, "the descriptor was not found");
    cloud_error_text(&op->cloud, "id", op->in.descriptor_type);
    cloud_error_text(&op->cloud, "type", TEXT("descriptor"));
    return false;
}

/* ---- writes ---- */

/* A segment of the paths of the services API; "." and ".." are none that arrives there. */
static bool is_segment(struct text text) {
    if (text_equal(text, TEXT(".")) || text_equal(text, TEXT(".."))) return false;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        bool fits = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
        if (!fits) return false;
    }
    return true;
}

static bool service_code_is_free(const struct cloud_case *cloud, struct text service_code) {
    for (size_t i = 0; i < directory_count(cloud->directory, DIRECTORY_CONNECTIONS); i++) {
        const struct connection *other =
            directory_at(cloud->directory, DIRECTORY_CONNECTIONS, i);
        if (text_equal(other->row.service_code, service_code)) return false;
    }
    return true;
}

static bool connection_lines(struct cloud_case *cloud, struct text *name,
                             struct text *service_code) {
    const struct connection_input *input = &cloud->op->in.connection;
    if (!cloud_line(cloud, "name", input->has_name, input->name, NAME_BYTES_MAX, name) ||
        !cloud_line(cloud, "serviceCode", input->has_service_code, input->service_code,
                    NAME_BYTES_MAX, service_code))
        return false;
    if (!is_segment(*service_code))
        return cloud_refuse_value(cloud, "serviceCode", *service_code,
                                  "must be a path segment of letters, digits, '-', '_', '.'");
    if (!input->has_type) return cloud_refuse_missing(cloud, "type");
    return true;
}

static const struct plugin *connection_plugin(struct cloud_case *cloud) {
    const struct connection_input *input = &cloud->op->in.connection;
    const struct plugin *plugin = plugin_find(cloud->decision->plugins, input->type);
    if (plugin == NULL) {
        cloud_refuse_value(cloud, "type", input->type, "is not the type of a plugin");
        return NULL;
    }
    if (input->has_supports_quotas && input->supports_quotas && !plugin_supports_quotas(plugin)) {
        cloud_refuse_value(cloud, "supportsQuotas", TEXT("true"),
                           "is not for plugins of this type");
        return NULL;
    }
    return plugin;
}

bool decide_connection_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct connection_input *input = &op->in.connection;
    struct text name, service_code;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!connection_lines(&cloud, &name, &service_code)) return false;
    const struct plugin *plugin = connection_plugin(&cloud);
    if (plugin == NULL) return false;
    const struct organization *owner = cloud_organization_given(
        &cloud, input->has_organization, &input->organization_id, "organization.id");
    if (owner == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_CONNECTIONS_MANAGE, owner)) return false;
    if (!service_code_is_free(&cloud, service_code)) {
        cloud_refuse(&cloud, CLOUD_NOT_UNIQUE, "the serviceCode is taken");
        cloud_error_text(&op->cloud, "field", TEXT("serviceCode"));
        cloud_error_text(&op->cloud, "value", service_code);
        return false;
    }
    struct connection_row *row = cloud_insert(&cloud, DIRECTORY_CONNECTIONS, sizeof *row);
    row->owner_id = owner->row.id;
    row->name = name;
    row->service_code = service_code;
    row->type = plugin->type;
    row->supports_quotas =
        input->has_supports_quotas ? input->supports_quotas : plugin_supports_quotas(plugin);
    op->made_id = row->id;
    return true;
}

/* Takes the connection from an organization: its environments there and its quota go with it. As
 * connections are handed down from parent to child, they are taken back from below. */
static bool unassign_check(struct cloud_case *cloud, const struct connection *connection,
                           const struct organization *organization) {
    const struct organization *child = organization->children;
    for (; child != NULL; child = child->next_child) {
        if (organization_assignment(child, connection) == NULL) continue;
        cloud_refuse(cloud, CLOUD_CONNECTION_NOT_ASSIGNABLE,
                     "an organization below has the connection");
        cloud_error_id(&cloud->op->cloud, "serviceConnectionId", &connection->row.id);
        cloud_error_id(&cloud->op->cloud, "organizationId", &organization->row.id);
        return false;
    }
    return true;
}

/* The assignment in the path. */
static const struct assignment *assignment_target(struct cloud_case *cloud,
                                                  const struct connection *connection) {
    const struct uuid *id = &cloud->op->in.connection.organization_id;
    const struct organization *organization = directory_organization(cloud->directory, id);
    if (organization != NULL && authorization_visible(&cloud->principal, organization)) {
        const struct assignment *assignment = organization_assignment(organization, connection);
        if (assignment != NULL) return assignment;
    }
    cloud_refuse(cloud, CLOUD_NOT_FOUND, "the organization does not have the connection");
    cloud_error_id(&cloud->op->cloud, "id", id);
    cloud_error_text(&cloud->op->cloud, "type", TEXT("organization"));
    return NULL;
}

bool decide_connection_unassign(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct connection *connection = cloud_connection_target(&cloud);
    if (connection == NULL) return false;
    const struct assignment *assignment = assignment_target(&cloud, connection);
    if (assignment == NULL) return false;
    const struct organization *organization = assignment->organization;
    /* One that has it and owns it not has a parent. */
    if (!cloud_may(&cloud, PERMISSION_ORGANIZATIONS_CREATE, organization->parent)) return false;
    if (!unassign_check(&cloud, connection, organization)) return false;

    const struct environment *environment = organization->environments;
    for (; environment != NULL; environment = environment->next_of_organization)
        if (environment->connection == connection)
            cloud_change(&cloud, DIRECTORY_ENVIRONMENTS, &environment->row,
                         sizeof environment->row, ROW_DELETED);
    cloud_change(&cloud, DIRECTORY_ASSIGNMENTS, &assignment->row, sizeof assignment->row,
                 ROW_DELETED);
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_ORGANIZATION, &organization->row.id,
               organization->row.name, organization, true);
    return true;
}
