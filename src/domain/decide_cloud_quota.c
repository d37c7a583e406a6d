/* Quotas as CloudMC knows them: reading, creating, updating, making default: OP_CLOUD_QUOTA_LIST,
 * _GET, _CREATE, _UPDATE, _DEFAULT. R1 to R16 are the rules of cloudmc-quotas 3. */
#include "domain/decide_directory.h"

#include "base/limits.h"

/* ---- reads ---- */

static const struct cloud_quota *assigned_quota(const struct organization *organization,
                                                const struct cloud_quota *quota) {
    const struct assignment *assignment = organization_assignment(organization, quota->connection);
    return assignment == NULL ? NULL : assignment->quota;
}

bool decide_cloud_quota_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_listed(&cloud);
    if (organization == NULL) return false;
    enum quota_relation relation = op->in.list.relation;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_QUOTAS);
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_QUOTAS); i++) {
        const struct cloud_quota *quota = directory_at(cloud.directory, DIRECTORY_QUOTAS, i);
        bool owned = relation != QUOTA_ASSIGNED && quota->owner == organization;
        if (owned || (relation != QUOTA_OWNED && assigned_quota(organization, quota) == quota))
            cloud_list_add(&cloud, quota);
    }
    return true;
}

static const struct cloud_quota *quota_target(struct cloud_case *cloud) {
    const struct cloud_quota *quota = directory_quota(cloud->directory, &cloud->op->target_id);
    if (quota != NULL && authorization_visible_quota(&cloud->principal, quota)) return quota;
    cloud_refuse_unknown(cloud, "quota");
    return NULL;
}

bool decide_cloud_quota_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    op->out.cloud.quota = quota_target(&cloud);
    return op->out.cloud.quota != NULL;
}

/* ---- details ---- */

static bool details_shape(struct cloud_case *cloud) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    if (!input->has_details) return cloud_refuse_missing(cloud, "quotaDetails");
    if (input->detail_count > CATALOGUE_ROWS_MAX)
        return cloud_refuse_value(cloud, "quotaDetails", (struct text){0}, "has too many");
    for (size_t i = 0; i < input->detail_count; i++) {
        if (!input->details[i].has_metric)
            return cloud_refuse_missing(cloud, "quotaDetails.metricIdentifier");
        if (!input->details[i].has_ceiling)
            return cloud_refuse_missing(cloud, "quotaDetails.ceiling");
    }
    return true;
}

/* A message is cut when it is too long; the context has all of them. */
enum { METRIC_NAMES_BYTES_MAX = QMS_ERROR_TEXT_MAX };

static bool refuse_metrics(struct cloud_case *cloud, enum cloud_code code,
                           const struct text *metrics, size_t count, const char *why) {
    struct text names = metrics[0];
    for (size_t i = 1; i < count && names.length < METRIC_NAMES_BYTES_MAX; i++)
        names = arena_format(cloud->arena, "%.*s, %.*s", TEXT_ARGUMENTS(names),
                             TEXT_ARGUMENTS(metrics[i]));
    cloud_refuse(cloud, code, "the quota %s: %.*s", why, TEXT_ARGUMENTS(names));
    cloud_error_texts(&cloud->op->cloud, "metricIdentifiers", metrics, count);
    return false;
}

static bool details_have(const struct cloud_quota_input *input, size_t count, struct text metric) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(input->details[i].metric, metric)) return true;
    return false;
}

/* R3, R3a: every metric that the plugin enforces. R3b: no other, and none twice. */
static bool details_complete(struct cloud_case *cloud, const struct plugin *plugin) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    size_t room = plugin->metric_count + input->detail_count + 1;
    struct text *missing = arena_take_zeroed(cloud->arena, room, sizeof *missing);
    struct text *unknown = arena_take_zeroed(cloud->arena, room, sizeof *unknown);
    struct text *repeated = arena_take_zeroed(cloud->arena, room, sizeof *repeated);
    size_t missing_count = 0, unknown_count = 0, repeated_count = 0;
    for (size_t i = 0; i < plugin->metric_count; i++)
        if (plugin->metrics[i].is_enforced &&
            !details_have(input, input->detail_count, plugin->metrics[i].identifier))
            missing[missing_count++] = plugin->metrics[i].identifier;
    for (size_t i = 0; i < input->detail_count; i++) {
        struct text identifier = input->details[i].metric;
        const struct metric_descriptor *metric = plugin_metric(plugin, identifier);
        if (metric == NULL || !metric->is_enforced) unknown[unknown_count++] = identifier;
        else if (details_have(input, i, identifier)) repeated[repeated_count++] = identifier;
    }
    if (missing_count > 0)
        return refuse_metrics(cloud, CLOUD_QUOTA_METRIC_MISSING, missing, missing_count,
                              "must have every metric of the connection; missing");
    if (unknown_count > 0)
        return refuse_metrics(cloud, CLOUD_QUOTA_METRIC_UNKNOWN, unknown, unknown_count,
                              "has metrics that the connection does not limit");
    return repeated_count == 0 ||
           refuse_metrics(cloud, CLOUD_QUOTA_METRIC_DUPLICATE, repeated, repeated_count,
                          "has metrics twice");
}

/* A finite number from 0, or exactly -1 for no limit. */
static bool ceilings_check(struct cloud_case *cloud) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    for (size_t i = 0; i < input->detail_count; i++) {
        struct amount ceiling = input->details[i].ceiling;
        if (amount_sign(ceiling) >= 0 || amount_compare(ceiling, amount_of(-1)) == 0) continue;
        char digits[AMOUNT_TEXT_MAX];
        struct text value = {digits, amount_format(ceiling, digits)};
        return cloud_refuse_value(cloud, "quotaDetails.ceiling", arena_text(cloud->arena, value),
                                  "must be at least 0, or -1 for no limit");
    }
    return true;
}

static bool details_check(struct cloud_case *cloud, const struct connection *connection) {
    if (!connection_supports_quotas(cloud, connection)) {
        cloud_refuse(cloud, CLOUD_QUOTA_NOT_SUPPORTED, "the connection does not support quotas");
        cloud_error_id(&cloud->op->cloud, "serviceConnectionId", &connection->row.id);
        return false;
    }
    const struct plugin *plugin = plugin_find(cloud->decision->plugins, connection->row.type);
    return details_complete(cloud, plugin) && ceilings_check(cloud);
}

static void details_set(struct cloud_case *cloud, struct cloud_quota_row *row) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    struct decision *decision = cloud->decision;
    struct quota_detail *details =
        arena_take_zeroed(decision->changes->arena, input->detail_count, sizeof *details);
    for (size_t i = 0; i < input->detail_count; i++)
        details[i] = (struct quota_detail){
            .id = uuid_make(decision->ids, decision->decided_us),
            .metric = input->details[i].metric,
            .ceiling = input->details[i].ceiling,
        };
    row->details = details;
    row->detail_count = input->detail_count;
    row->replaces_details = true;
}

/* ---- names and defaults ---- */

/* R1, R1a: byte for byte, among those of the same connection and owner. */
static bool name_is_free(struct cloud_case *cloud, const struct connection *connection,
                         const struct organization *owner, struct text name,
                         const struct cloud_quota *self) {
    const struct cloud_quota *quota = connection->quotas;
    for (; quota != NULL; quota = quota->next_of_connection) {
        if (quota == self || quota->owner != owner || !text_equal(quota->row.name, name)) continue;
        cloud_refuse(cloud, CLOUD_QUOTA_NAME_NOT_UNIQUE, "a quota of this name is there already");
        cloud_error_text(&cloud->op->cloud, "name", name);
        cloud_error_id(&cloud->op->cloud, "serviceConnectionId", &connection->row.id);
        cloud_error_id(&cloud->op->cloud, "organizationId", &owner->row.id);
        return false;
    }
    return true;
}

/* R8 */
static bool default_check(struct cloud_case *cloud, const struct connection *connection,
                          const struct organization *owner, bool service, bool trial) {
    if ((!service && !trial) || owner == connection->owner) return true;
    cloud_refuse(cloud, CLOUD_QUOTA_OWNER_NOT_CONNECTION_OWNER,
                 "only a quota of the connection's owner can be its default");
    cloud_error_id(&cloud->op->cloud, "ownerOrganizationId", &owner->row.id);
    cloud_error_id(&cloud->op->cloud, "connectionOrganizationId", &connection->owner->row.id);
    return false;
}

static struct cloud_quota_row *quota_change(struct cloud_case *cloud,
                                            const struct cloud_quota *quota) {
    struct cloud_quota_row *row =
        cloud_change(cloud, DIRECTORY_QUOTAS, &quota->row, sizeof *row, ROW_CHANGED);
    row->version++;
    return row;
}

/* R5: takes the flags from whoever has them, and from nobody anything else. The holders' rows are
 * listed before the row that gets the flags, and the store writes them in that order. */
static void default_take(struct cloud_case *cloud, const struct connection *connection,
                         const struct cloud_quota *self, bool service, bool trial) {
    const struct cloud_quota *of_service = service ? connection->default_for_service : NULL;
    const struct cloud_quota *of_trial = trial ? connection->default_for_trial : NULL;
    if (of_service == self) of_service = NULL;
    if (of_trial == self) of_trial = NULL;
    if (of_service != NULL) {
        struct cloud_quota_row *row = quota_change(cloud, of_service);
        row->default_for_service = false;
        if (of_trial == of_service) row->default_for_trial = false;
    }
    if (of_trial != NULL && of_trial != of_service)
        quota_change(cloud, of_trial)->default_for_trial = false;
}

/* ---- writes ---- */

static bool quota_lines(struct cloud_case *cloud, struct text *name, struct text *description) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    struct qms_error ignored;
    if (!cloud_line(cloud, "name", input->has_name, input->name, QUOTA_NAME_BYTES_MAX, name))
        return false;
    *description = input->has_description ? input->description : (struct text){0};
    return entry_description("description", *description, &ignored) ||
           cloud_refuse_value(cloud, "description", (struct text){0},
                              "is too long or holds control characters");
}

/* R13: who owns a quota owns its connection or has it. */
static bool owner_check(struct cloud_case *cloud, const struct connection *connection,
                        const struct organization *owner) {
    const struct assignment *assignment = organization_assignment(owner, connection);
    if (owner == connection->owner) return true;
    if (assignment != NULL && connection_state_holds(assignment->row.connection_state))
        return true;
    cloud_refuse(cloud, CLOUD_QUOTA_NOT_APPLICABLE,
                 "the owner neither owns the connection nor has it assigned");
    cloud_error_id(&cloud->op->cloud, "organizationId", &owner->row.id);
    cloud_error_text(&cloud->op->cloud, "reason", TEXT("CONNECTION_NOT_ASSIGNED"));
    return false;
}

bool decide_cloud_quota_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_quota_input *input = &op->in.cloud_quota;
    bool service = input->default_for_service, trial = input->default_for_trial;
    struct text name, description;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!quota_lines(&cloud, &name, &description)) return false;
    if (!input->has_connection) return cloud_refuse_missing(&cloud, "serviceConnection.id");
    if (!details_shape(&cloud)) return false;
    const struct connection *connection =
        cloud_connection_given(&cloud, &input->connection_id, "serviceConnection.id");
    if (connection == NULL) return false;
    const struct organization *owner = cloud_organization_given(
        &cloud, input->has_owner, &input->owner_id, "ownerOrganization.id");
    if (owner == NULL) return false;
    if (!cloud_may(&cloud, PERMISSION_QUOTAS_MANAGE, owner)) return false;
    if (!owner_check(&cloud, connection, owner) || !details_check(&cloud, connection) ||
        !default_check(&cloud, connection, owner, service, trial) ||
        !name_is_free(&cloud, connection, owner, name, NULL))
        return false;

    default_take(&cloud, connection, NULL, service, trial);
    struct cloud_quota_row *row = cloud_insert(&cloud, DIRECTORY_QUOTAS, sizeof *row);
    row->connection_id = connection->row.id;
    row->owner_id = owner->row.id;
    row->name = name;
    row->description = description;
    row->default_for_service = service;
    row->default_for_trial = trial;
    row->version = 1;
    details_set(&cloud, row);
    op->made_id = row->id;
    return true;
}

static const struct cloud_quota *quota_managed(struct cloud_case *cloud) {
    const struct cloud_quota *quota = quota_target(cloud);
    if (quota == NULL) return NULL;
    return cloud_may(cloud, PERMISSION_QUOTAS_MANAGE, quota->owner) ? quota : NULL;
}

/* R2, R6a: a client may send back what it read, but owner and connection never change. */
static bool immutable_check(struct cloud_case *cloud, const struct cloud_quota *quota) {
    const struct cloud_quota_input *input = &cloud->op->in.cloud_quota;
    const char *field = NULL;
    if (input->has_owner && !uuid_equal(&input->owner_id, &quota->owner->row.id))
        field = "ownerOrganization.id";
    if (input->has_connection && !uuid_equal(&input->connection_id, &quota->connection->row.id))
        field = "serviceConnection.id";
    if (field == NULL) return true;
    cloud_refuse(cloud, CLOUD_QUOTA_FIELD_IMMUTABLE, "%s never changes", field);
    cloud_error_text(&cloud->op->cloud, "field", text_of(field));
    return false;
}

bool decide_cloud_quota_update(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_quota_input *input = &op->in.cloud_quota;
    struct text name, description;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!quota_lines(&cloud, &name, &description) || !details_shape(&cloud)) return false;
    const struct cloud_quota *quota = quota_managed(&cloud);
    if (quota == NULL) return false;
    if (!immutable_check(&cloud, quota) || !details_check(&cloud, quota->connection) ||
        !name_is_free(&cloud, quota->connection, quota->owner, name, quota))
        return false;

    struct cloud_quota_row *row = quota_change(&cloud, quota);
    row->name = name;
    if (input->has_description) row->description = description;
    details_set(&cloud, row);
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_QUOTA, &quota->row.id, name, quota->owner,
               quota->assignment_count > 0);
    return true;
}

/* R7: it can only set. What is so already is no change, and no new version. */
bool decide_cloud_quota_default(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct cloud_quota *quota = quota_managed(&cloud);
    if (quota == NULL) return false;
    bool service = op->in.quota_default.service, trial = op->in.quota_default.trial;
    if (!default_check(&cloud, quota->connection, quota->owner, service, trial)) return false;
    op->made_id = quota->row.id;
    bool gains_service = service && !quota->row.default_for_service;
    bool gains_trial = trial && !quota->row.default_for_trial;
    if (!gains_service && !gains_trial) return true;
    default_take(&cloud, quota->connection, quota, service, trial);
    struct cloud_quota_row *row = quota_change(&cloud, quota);
    row->default_for_service |= gains_service;
    row->default_for_trial |= gains_trial;
    return true;
}
