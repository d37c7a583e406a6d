/* Who is limited by which quota: OP_CLOUD_QUOTA_APPLY, OP_CLOUD_QUOTA_DELETE (cloudmc-quotas 4.5,
 * 4.7). */
#include "domain/decide_directory.h"

#include <stdlib.h>

#include "base/limits.h"

/* ---- apply ---- */

static bool refuse_target(struct cloud_case *cloud, const struct organization *organization,
                          const char *reason, const char *why) {
    cloud_refuse(cloud, CLOUD_QUOTA_NOT_APPLICABLE, "the quota cannot be applied: %s", why);
    cloud_error_id(&cloud->op->cloud, "organizationId", &organization->row.id);
    cloud_error_text(&cloud->op->cloud, "reason", text_of(reason));
    return false;
}

/* R9, R9a. */
static bool target_check(struct cloud_case *cloud, const struct cloud_quota *quota,
                         const struct organization *organization) {
    if (!organization_is_below(organization, quota->owner))
        return refuse_target(cloud, organization, "NOT_BELOW_OWNER",
                             "the organization is not below the owner of the quota");
    const struct assignment *assignment =
        organization_assignment(organization, quota->connection);
    if (assignment == NULL || !connection_state_holds(assignment->row.connection_state))
        return refuse_target(cloud, organization, "CONNECTION_NOT_ASSIGNED",
                             "the organization does not have the connection");
    return true;
}

static bool targets_check(struct cloud_case *cloud, const struct cloud_quota *quota) {
    const struct cloud_quota_apply_input *input = &cloud->op->in.quota_apply;
    for (size_t i = 0; i < input->organization_count; i++) {
        const struct organization *organization = cloud_organization_given(
            cloud, true, &input->organization_ids[i], "organizations.id");
        if (organization == NULL) return false;
        if (!cloud_may(cloud, PERMISSION_QUOTAS_MANAGE, organization) ||
            !target_check(cloud, quota, organization))
            return false;
    }
    return true;
}

static const struct cloud_quota *quota_given(struct cloud_case *cloud) {
    const struct cloud_quota_apply_input *input = &cloud->op->in.quota_apply;
    const struct cloud_quota *quota = directory_quota(cloud->directory, &input->quota_id);
    if (quota == NULL || !authorization_visible_quota(&cloud->principal, quota)) {
        cloud_refuse_reference(cloud, "quota.id", &input->quota_id);
        return NULL;
    }
    return cloud_may(cloud, PERMISSION_QUOTAS_MANAGE, quota->owner) ? quota : NULL;
}

static int id_order(const void *left, const void *right) {
    return uuid_compare(left, right);
}

/* The targets in order, each once. */
static size_t targets_merge(struct cloud_case *cloud, struct uuid **targets) {
    const struct cloud_quota_apply_input *input = &cloud->op->in.quota_apply;
    size_t count = 0;
    struct uuid *ids = arena_take(cloud->arena, input->organization_count * sizeof *ids);
    memcpy(ids, input->organization_ids, input->organization_count * sizeof *ids);
    qsort(ids, input->organization_count, sizeof *ids, id_order);
    for (size_t i = 0; i < input->organization_count; i++)
        if (i == 0 || !uuid_equal(&ids[i], &ids[i - 1])) ids[count++] = ids[i];
    *targets = ids;
    return count;
}

/* R11: another quota of the connection is replaced; who has this one already stays as he is, but
 * from now on has it by hand. */
static bool assign(struct cloud_case *cloud, const struct assignment *assignment,
                   const struct cloud_quota *quota) {
    bool moves = assignment->quota != quota;
    if (!moves && assignment->row.applied) return false;
    struct assignment_row *row = cloud_change(cloud, DIRECTORY_ASSIGNMENTS, &assignment->row,
                                              sizeof *row, ROW_CHANGED);
    row->quota_id = quota->row.id;
    row->applied = true;
    return moves;
}

bool decide_cloud_quota_apply(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_quota_apply_input *input = &op->in.quota_apply;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (!input->has_quota) return cloud_refuse_missing(&cloud, "quota.id");
    if (!input->has_organizations) return cloud_refuse_missing(&cloud, "organizations");
    if (input->organization_count == 0)
        return cloud_refuse_value(&cloud, "organizations", (struct text){0}, "must not be empty");
    if (input->organization_count > APPLY_ORGANIZATIONS_MAX)
        return cloud_refuse_value(&cloud, "organizations", (struct text){0}, "has too many");
    const struct cloud_quota *quota = quota_given(&cloud);
    if (quota == NULL || !targets_check(&cloud, quota)) return false;

    struct uuid *targets;
    size_t count = targets_merge(&cloud, &targets), moved = 0;
    for (size_t i = 0; i < count; i++) {
        const struct organization *organization =
            directory_organization(cloud.directory, &targets[i]);
        moved += assign(&cloud, organization_assignment(organization, quota->connection), quota);
    }
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_QUOTA, &quota->row.id, quota->row.name, quota->owner,
               moved > 0);
    return true;
}

/* ---- delete ---- */

static bool refuse_substitute(struct cloud_case *cloud, const char *reason, const char *why) {
    cloud_refuse(cloud, CLOUD_QUOTA_SUBSTITUTE_INVALID, "the substitute %s", why);
    cloud_error_id(&cloud->op->cloud, "quotaId", &cloud->op->in.quota_delete.substitute_id);
    cloud_error_text(&cloud->op->cloud, "reason", text_of(reason));
    return false;
}

/* R12 and 4.5; checked also when it is not needed. NULL with no error: none was given. */
static bool substitute_check(struct cloud_case *cloud, const struct cloud_quota *quota,
                             const struct cloud_quota **substitute) {
    const struct cloud_quota_delete_input *input = &cloud->op->in.quota_delete;
    *substitute = NULL;
    if (!input->has_substitute) {
        if (quota->assignment_count == 0) return true;
        cloud_refuse(cloud, CLOUD_QUOTA_SUBSTITUTE_REQUIRED,
                     "the quota is assigned: quota_id must name one that takes its place");
        cloud_error_number(&cloud->op->cloud, "numberOfOrganizationsAppliedTo",
                           (int64_t)quota->assignment_count);
        return false;
    }
    const struct cloud_quota *given = directory_quota(cloud->directory, &input->substitute_id);
    if (given == NULL || !authorization_visible_quota(&cloud->principal, given))
        return refuse_substitute(cloud, "NOT_FOUND", "was not found");
    if (given == quota) return refuse_substitute(cloud, "SAME_QUOTA", "is the quota itself");
    if (given->connection != quota->connection)
        return refuse_substitute(cloud, "OTHER_CONNECTION", "is of another connection");
    if (!authorization_may(&cloud->principal, PERMISSION_QUOTAS_MANAGE, given->owner))
        return refuse_substitute(cloud, "FORBIDDEN", "is not yours to assign");
    const struct assignment *assignment = quota->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_quota)
        if (!organization_is_below(assignment->organization, given->owner))
            return refuse_substitute(cloud, "NOT_BELOW_OWNER",
                                     "cannot be assigned to every organization that would move");
    *substitute = given;
    return true;
}

/* A default that is lost goes to the substitute when R8 allows, else to nobody. */
static void default_inherit(struct cloud_case *cloud, const struct cloud_quota *quota,
                            const struct cloud_quota *substitute) {
    if (substitute == NULL || substitute->owner != quota->connection->owner) return;
    if (!quota->row.default_for_service && !quota->row.default_for_trial) return;
    struct cloud_quota_row *row = cloud_change(cloud, DIRECTORY_QUOTAS, &substitute->row,
                                               sizeof *row, ROW_CHANGED);
    row->default_for_service |= quota->row.default_for_service;
    row->default_for_trial |= quota->row.default_for_trial;
    row->version++;
}

bool decide_cloud_quota_delete(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct cloud_quota *substitute;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct cloud_quota *quota = directory_quota(cloud.directory, &op->target_id);
    if (quota == NULL || !authorization_visible_quota(&cloud.principal, quota))
        return cloud_refuse_unknown(&cloud, "quota");
    if (!cloud_may(&cloud, PERMISSION_QUOTAS_MANAGE, quota->owner)) return false;
    if (!substitute_check(&cloud, quota, &substitute)) return false;

    const struct assignment *assignment = quota->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_quota) {
        struct assignment_row *row = cloud_change(&cloud, DIRECTORY_ASSIGNMENTS, &assignment->row,
                                                  sizeof *row, ROW_CHANGED);
        row->quota_id = substitute->row.id;
    }
    cloud_change(&cloud, DIRECTORY_QUOTAS, &quota->row, sizeof quota->row, ROW_DELETED);
    default_inherit(&cloud, quota, substitute);
    op->made_id = uuid_make(decision->ids, decision->decided_us);
    cloud_task(&cloud, &op->made_id, TASK_OF_QUOTA, &quota->row.id, quota->row.name, quota->owner,
               quota->assignment_count > 0);
    return true;
}
