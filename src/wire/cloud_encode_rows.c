/* cloud_encode_rows.c: organizations, users, keys, connections, environments
 * (cloudmc-environment 3 and 7 to 10). What a server without back ends and billing does not keep is
 * left out. */
#include "wire/cloud_private.h"

/* ---- organizations ---- */

void cloud_write_organization_members(struct cloud_writer *writer,
                                      const struct organization *organization) {
    cloud_write_id(writer, TEXT("id"), &organization->row.id);
    cloud_write_member(writer, TEXT("name"), organization->row.name);
    cloud_write_member(writer, TEXT("entryPoint"), organization->row.entry_point);
}

/* Itself first, then upwards. */
static void write_lineage(struct cloud_writer *writer, const struct organization *organization) {
    struct arena *arena = writer->answer->arena;
    size_t count = organization->depth + 1, at = 0;
    char *text = arena_take(arena, count * (UUID_TEXT_BYTES + 1));
    for (; organization != NULL; organization = organization->parent) {
        if (at > 0) text[at++] = ',';
        uuid_format(&organization->row.id, text + at);
        at += UUID_TEXT_BYTES;
    }
    cloud_write_member(writer, TEXT("lineage"), (struct text){text, at});
}

static void write_reseller(struct cloud_writer *writer, const struct organization *organization) {
    const struct organization *above = organization->parent;
    while (above != NULL && !above->row.is_reseller) above = above->parent;
    if (above == NULL) return;
    cloud_write_reference(writer, TEXT("reseller"), &above->row.id, TEXT(""));
}

static void write_connections(struct cloud_writer *writer,
                              const struct organization *organization) {
    json_write_array_named(&writer->json, TEXT("serviceConnections"));
    const struct assignment *assignment = organization->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_organization) {
        json_write_object_begin(&writer->json);
        cloud_write_id(writer, TEXT("id"), &assignment->connection->row.id);
        cloud_write_member(writer, TEXT("serviceCode"), assignment->connection->row.service_code);
        cloud_write_member(writer, TEXT("state"),
                           text_of(connection_state_name(assignment->row.connection_state)));
        json_write_object_end(&writer->json);
    }
    json_write_array_end(&writer->json);
}

static void write_quotas(struct cloud_writer *writer, const struct organization *organization) {
    json_write_array_named(&writer->json, TEXT("quotas"));
    const struct assignment *assignment = organization->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_organization) {
        if (assignment->quota == NULL) continue;
        json_write_object_begin(&writer->json);
        cloud_write_id(writer, TEXT("id"), &assignment->quota->row.id);
        cloud_write_member(writer, TEXT("name"), assignment->quota->row.name);
        cloud_write_reference(writer, TEXT("serviceConnection"), &assignment->connection->row.id,
                              TEXT(""));
        json_write_object_end(&writer->json);
    }
    json_write_array_end(&writer->json);
}

static void write_user_members(struct cloud_writer *writer, const struct cloud_user *user) {
    cloud_write_id(writer, TEXT("id"), &user->row.id);
    cloud_write_member(writer, TEXT("userName"), user->row.name);
}

static void write_belongings(struct cloud_writer *writer,
                             const struct organization *organization) {
    struct json_writer *json = &writer->json;
    json_write_array_named(json, TEXT("environments"));
    if (writer->knows_principal &&
        authorization_may(&writer->principal, PERMISSION_ENVIRONMENTS_READ, organization))
        for (const struct environment *each = organization->environments; each != NULL;
             each = each->next_of_organization)
            cloud_write_named(writer, &each->row.id, each->row.name);
    json_write_array_end(json);
    json_write_array_named(json, TEXT("users"));
    for (const struct cloud_user *each = organization->users; each != NULL;
         each = each->next_in_organization) {
        json_write_object_begin(json);
        write_user_members(writer, each);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

void cloud_write_organization(struct cloud_writer *writer, const void *row) {
    const struct organization *organization = row;
    json_write_object_begin(&writer->json);
    cloud_write_organization_members(writer, organization);
    if (organization->parent != NULL)
        cloud_write_reference(writer, TEXT("parent"), &organization->parent->row.id,
                              organization->parent->row.name);
    write_lineage(writer, organization);
    write_reseller(writer, organization);
    cloud_write_flag(writer, TEXT("isReseller"), organization->row.is_reseller);
    cloud_write_flag(writer, TEXT("isTrial"), organization->row.is_trial);
    cloud_write_flag(writer, TEXT("isBillable"), !organization->row.is_trial);
    write_connections(writer, organization);
    if (!writer->in_list) {
        write_quotas(writer, organization);
        write_belongings(writer, organization);
    }
    cloud_write_flag(writer, TEXT("deleted"), false);
    cloud_write_time(writer, TEXT("creationDate"), organization->row.created_us);
    json_write_object_end(&writer->json);
}

/* ---- users, roles, keys ---- */

static void write_role_short(struct cloud_writer *writer, enum role role) {
    json_write_object_named(&writer->json, TEXT("role"));
    cloud_write_id(writer, TEXT("id"), role_id(role));
    cloud_write_member(writer, TEXT("name"), text_of(role_name(role)));
    cloud_write_flag(writer, TEXT("isSystem"), true);
    cloud_write_flag(writer, TEXT("isFixed"), true);
    json_write_object_end(&writer->json);
}

void cloud_write_user(struct cloud_writer *writer, const void *row) {
    const struct cloud_user *user = row;
    json_write_object_begin(&writer->json);
    write_user_members(writer, user);
    cloud_write_member(writer, TEXT("email"), user->row.email);
    cloud_write_member(writer, TEXT("status"), text_of(user_status_name(user->row.status)));
    cloud_write_reference(writer, TEXT("organization"), &user->organization->row.id,
                          user->organization->row.name);
    if (user->primary != NULL) {
        json_write_object_named(&writer->json, TEXT("primaryRoleBinding"));
        cloud_write_id(writer, TEXT("id"), &user->primary->row.id);
        write_role_short(writer, user->primary->row.role);
        json_write_object_end(&writer->json);
    }
    cloud_write_time(writer, TEXT("creationDate"), user->row.created_us);
    json_write_object_end(&writer->json);
}

void cloud_write_role(struct cloud_writer *writer, const void *row) {
    const struct role_view *view = row;
    enum role role = view->role;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), role_id(role));
    cloud_write_member(writer, TEXT("name"), text_of(role_name(role)));
    json_write_array_named(&writer->json, TEXT("permissions"));
    for (int i = 0; i < PERMISSION_COUNT; i++) {
        if (!role_has(role, (enum permission)i)) continue;
        struct text name = text_of(permission_name((enum permission)i));
        json_write_object_begin(&writer->json);
        cloud_write_member(writer, TEXT("id"), name); /* permissions have no other identity */
        cloud_write_member(writer, TEXT("name"), name);
        json_write_object_end(&writer->json);
    }
    json_write_array_end(&writer->json);
    cloud_write_flag(writer, TEXT("isSystem"), true);
    cloud_write_flag(writer, TEXT("isDefault"), role == ROLE_USER);
    cloud_write_flag(writer, TEXT("isFixed"), true);
    cloud_write_member(writer, TEXT("defaultScope"),
                       text_of(scope_qualifier_name(role_default_scope(role))));
    cloud_write_flag(writer, TEXT("deleted"), false);
    cloud_write_number(writer, TEXT("version"), 1);
    cloud_write_time(writer, TEXT("creationDate"), view->row.created_us);
    json_write_object_end(&writer->json);
}

void cloud_write_binding(struct cloud_writer *writer, const void *row) {
    const struct role_binding *binding = row;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), &binding->row.id);
    write_role_short(writer, binding->row.role);
    cloud_write_member(writer, TEXT("scopeQualifier"),
                       text_of(scope_qualifier_name(binding->row.qualifier)));
    if (binding->organization != NULL)
        cloud_write_reference(writer, TEXT("organization"), &binding->organization->row.id,
                              binding->organization->row.name);
    json_write_object_end(&writer->json);
}

void cloud_write_key(struct cloud_writer *writer, const void *row) {
    const struct api_key *key = row;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), &key->row.id);
    cloud_write_member(writer, TEXT("name"), key->row.name);
    cloud_write_member(writer, TEXT("key"), writer->answer->key);
    json_write_object_named(&writer->json, TEXT("user"));
    write_user_members(writer, key->user);
    json_write_object_end(&writer->json);
    cloud_write_time(writer, TEXT("creationDate"), key->row.created_us);
    if (key->row.used_us > 0) {
        cloud_write_time(writer, TEXT("lastUsedDate"), key->row.used_us);
        cloud_write_member(writer, TEXT("lastUsedAddress"), key->row.used_address);
    }
    json_write_object_end(&writer->json);
}

/* ---- connections ---- */

void cloud_write_connection_members(struct cloud_writer *writer,
                                    const struct connection *connection) {
    cloud_write_id(writer, TEXT("id"), &connection->row.id);
    cloud_write_member(writer, TEXT("name"), connection->row.name);
    cloud_write_member(writer, TEXT("serviceCode"), connection->row.service_code);
    cloud_write_member(writer, TEXT("type"), connection->row.type);
}

/* All quotas of the connection that the organization in scope owns or is assigned. */
static void write_quotas_of(struct cloud_writer *writer, const struct connection *connection) {
    const struct organization *organization = writer->op->out.cloud.organization;
    json_write_array_named(&writer->json, TEXT("quotas"));
    const struct assignment *assignment =
        organization == NULL ? NULL : organization_assignment(organization, connection);
    const struct cloud_quota *quota = connection->quotas;
    for (; quota != NULL; quota = quota->next_of_connection) {
        bool is_assigned = assignment != NULL && assignment->quota == quota;
        if (quota->owner == organization || is_assigned)
            cloud_write_named(writer, &quota->row.id, quota->row.name);
    }
    json_write_array_end(&writer->json);
}

void cloud_write_connection(struct cloud_writer *writer, const void *row) {
    const struct connection *connection = row;
    json_write_object_begin(&writer->json);
    cloud_write_connection_members(writer, connection);
    cloud_write_reference(writer, TEXT("organization"), &connection->owner->row.id,
                          connection->owner->row.name);
    cloud_write_flag(writer, TEXT("supportsQuotas"), connection->row.supports_quotas);
    write_quotas_of(writer, connection);
    cloud_write_time(writer, TEXT("creationDate"), connection->row.created_us);
    json_write_object_end(&writer->json);
}

/* The organization that has it. */
void cloud_write_assignment(struct cloud_writer *writer, const void *row) {
    const struct assignment *assignment = row;
    json_write_object_begin(&writer->json);
    cloud_write_organization_members(writer, assignment->organization);
    if (assignment->quota != NULL)
        cloud_write_reference(writer, TEXT("quota"), &assignment->quota->row.id,
                              assignment->quota->row.name);
    cloud_write_member(writer, TEXT("state"),
                       text_of(connection_state_name(assignment->row.connection_state)));
    json_write_object_end(&writer->json);
}

void cloud_write_environment(struct cloud_writer *writer, const void *row) {
    const struct environment *environment = row;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), &environment->row.id);
    cloud_write_member(writer, TEXT("name"), environment->row.name);
    json_write_object_named(&writer->json, TEXT("organization"));
    cloud_write_organization_members(writer, environment->organization);
    json_write_object_end(&writer->json);
    json_write_object_named(&writer->json, TEXT("serviceConnection"));
    cloud_write_connection_members(writer, environment->connection);
    json_write_object_end(&writer->json);
    cloud_write_member(writer, TEXT("state"),
                       text_of(connection_state_name(environment->row.connection_state)));
    cloud_write_time(writer, TEXT("creationDate"), environment->row.created_us);
    json_write_object_end(&writer->json);
}

/* ---- descriptors ---- */

void cloud_write_descriptor(struct cloud_writer *writer, const struct plugin *plugin) {
    json_write_object_begin(&writer->json);
    cloud_write_member(writer, TEXT("type"), plugin->type);
    cloud_write_flag(writer, TEXT("supportsQuota"), plugin_supports_quotas(plugin));
    json_write_array_named(&writer->json, TEXT("quotaMetricIdentifiers"));
    for (size_t i = 0; i < plugin->metric_count; i++)
        if (plugin->metrics[i].is_enforced)
            json_write_string(&writer->json, plugin->metrics[i].identifier);
    json_write_array_end(&writer->json);
    json_write_array_named(&writer->json, TEXT("metricDescriptors"));
    for (size_t i = 0; i < plugin->metric_count; i++) {
        const struct metric_descriptor *metric = &plugin->metrics[i];
        json_write_object_begin(&writer->json);
        cloud_write_member(writer, TEXT("metricIdentifier"), metric->identifier);
        cloud_write_member(writer, TEXT("nameLabelKey"), metric->name_label);
        cloud_write_member(writer, TEXT("unitLabelKey"), metric->unit_label);
        cloud_write_member(writer, TEXT("entityType"), metric->entity_type);
        cloud_write_member(writer, TEXT("resourceMetricType"),
                           metric->is_counter ? TEXT("COUNTER") : TEXT("GAUGE"));
        json_write_object_end(&writer->json);
    }
    json_write_array_end(&writer->json);
    json_write_object_end(&writer->json);
}
