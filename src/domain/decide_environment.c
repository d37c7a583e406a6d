/* Environments: OP_ENVIRONMENT_* (cloudmc-environment 10). */
#include "domain/decide_directory.h"

#include "base/limits.h"

bool decide_environment_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_listed(&cloud);
    if (organization == NULL) return false;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_ENVIRONMENTS);
    if (!authorization_may(&cloud.principal, PERMISSION_ENVIRONMENTS_READ, organization))
        return true; /* a guest sees those he is a member of, and there are no members here */
    const struct environment *environment = organization->environments;
    for (; environment != NULL; environment = environment->next_of_organization)
        cloud_list_add(&cloud, environment);
    return true;
}

static const struct environment *environment_target(struct cloud_case *cloud) {
    const struct environment *environment =
        directory_environment(cloud->directory, &cloud->op->target_id);
    if (environment != NULL &&
        authorization_may(&cloud->principal, PERMISSION_ENVIRONMENTS_READ,
                          environment->organization))
        return environment;
    cloud_refuse_unknown(cloud, "environment");
    return NULL;
}

bool decide_environment_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    op->out.cloud.environment = environment_target(&cloud);
    return op->out.cloud.environment != NULL;
}

static bool name_check(struct cloud_case *cloud, struct text *name) {
    const struct environment_input *input = &cloud->op->in.environment;
    if (!cloud_line(cloud, "name", input->has_name, input->name, NAME_BYTES_MAX, name))
        return false;
    for (size_t i = 0; i < name->length; i++) {
        char byte = name->data[i];
        if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') && byte != '-' && byte != '_')
            return cloud_refuse_value(cloud, "name", *name,
                                      "may hold lower case letters, digits, '-' and '_'");
    }
    return true;
}

static bool name_is_free(struct cloud_case *cloud, const struct organization *organization,
                         const struct connection *connection, struct text name,
                         const struct environment *self) {
    const struct environment *environment = organization->environments;
    for (; environment != NULL; environment = environment->next_of_organization) {
        if (environment == self || environment->connection != connection ||
            !text_equal(environment->row.name, name))
            continue;
        cloud_refuse(cloud, CLOUD_NOT_UNIQUE, "there is an environment of this name");
        cloud_error_text(&cloud->op->cloud, "field", TEXT("name"));
        cloud_error_text(&cloud->op->cloud, "value", name);
        return false;
    }
    return true;
}

bool decide_environment_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct environment_input *input = &op->in.environment;
    struct text name;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!name_check(&cloud, &name)) return false;
    if (!input->has_connection) return cloud_refuse_missing(&cloud, "serviceConnection.id");
    const struct connection *connection =
        cloud_connection_given(&cloud, &input->connection_id, "serviceConnection.id");
    if (connection == NULL) return false;
    const struct organization *organization = cloud_organization_given(
        &cloud, input->has_organization, &input->organization_id, "organization.id");
    if (organization == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ENVIRONMENTS_CREATE, organization)) return false;
    const struct assignment *assignment = organization_assignment(organization, connection);
    if (connection->owner != organization &&
        (assignment == NULL || !connection_state_holds(assignment->row.connection_state))) {
        cloud_refuse(&cloud, CLOUD_CONNECTION_NOT_ASSIGNABLE,
                     "the organization does not have the connection");
        cloud_error_id(&op->cloud, "serviceConnectionId", &connection->row.id);
        cloud_error_id(&op->cloud, "organizationId", &organization->row.id);
        return false;
    }
    if (!name_is_free(&cloud, organization, connection, name, NULL)) return false;

    struct environment_row *row = cloud_insert(&cloud, DIRECTORY_ENVIRONMENTS, sizeof *row);
    row->organization_id = organization->row.id;
    row->connection_id = connection->row.id;
    row->name = name;
    row->connection_state = CONNECTION_PROVISIONED; /* there is no back end to wait for */
    op->made_id = row->id;
    cloud_task(&cloud, &row->id, TASK_OF_ENVIRONMENT, &row->id, name, organization, true);
    return true;
}

/* A client may send back what it read, but only the name can change. */
static bool immutable_check(struct cloud_case *cloud, const struct environment *environment) {
    const struct environment_input *input = &cloud->op->in.environment;
    if (input->has_organization &&
        !uuid_equal(&input->organization_id, &environment->organization->row.id))
        return cloud_refuse_value(cloud, "organization.id", (struct text){0}, "never changes");
    if (input->has_connection &&
        !uuid_equal(&input->connection_id, &environment->connection->row.id))
        return cloud_refuse_value(cloud, "serviceConnection.id", (struct text){0},
                                  "never changes");
    return true;
}

bool decide_environment_update(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    struct text name = {0};
    bool has_name = op->in.environment.has_name;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (has_name && !name_check(&cloud, &name)) return false;
    const struct environment *environment = environment_target(&cloud);
    if (environment == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ENVIRONMENTS_MANAGE, environment->organization) ||
        !immutable_check(&cloud, environment))
        return false;
    if (!has_name) name = environment->row.name;
    bool renames = !text_equal(name, environment->row.name);
    if (!name_is_free(&cloud, environment->organization, environment->connection, name,
                      environment))
        return false;

    if (renames) {
        struct environment_row *row = cloud_change(&cloud, DIRECTORY_ENVIRONMENTS,
                                                   &environment->row, sizeof *row, ROW_CHANGED);
        row->name = name;
    }
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_ENVIRONMENT, &environment->row.id, name,
               environment->organization, renames);
    return true;
}

bool decide_environment_delete(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct environment *environment = environment_target(&cloud);
    if (environment == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_ENVIRONMENTS_MANAGE, environment->organization))
        return false;
    cloud_change(&cloud, DIRECTORY_ENVIRONMENTS, &environment->row, sizeof environment->row,
                 ROW_DELETED);
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_ENVIRONMENT, &environment->row.id,
               environment->row.name, environment->organization, true);
    return true;
}
