/* What the decisions about the directory share: who asks, refusals, lists, tasks, answers. */
#include "domain/decide_directory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

enum { TASKS_FORGOTTEN_AT_ONCE = 64 };
static const int64_t TASK_KEPT_US = TASK_KEPT_HOURS * INT64_C(3600000000);

bool cloud_case_open(struct cloud_case *cloud, struct decision *decision, struct op *op,
                     struct arena *arena) {
    *cloud = (struct cloud_case){
        .decision = decision, .op = op, .arena = arena, .directory = decision->directory};
    if (principal_find(cloud->directory, &op->caller, &cloud->principal)) return true;
    return cloud_refuse(cloud, CLOUD_INVALID_CREDENTIALS, "the credentials are invalid");
}

/* ---- refusals ---- */

bool cloud_refuse(struct cloud_case *cloud, enum cloud_code code, const char *format, ...) {
    char text[QMS_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cloud->op->cloud = (struct cloud_error){.code = code};
    return qms_fail(&cloud->op->error, cloud_code_outcome(code), "%s", text);
}

bool cloud_refuse_missing(struct cloud_case *cloud, const char *field) {
    cloud_refuse(cloud, CLOUD_MISSING_FIELD, "%s is required", field);
    cloud_error_text(&cloud->op->cloud, "field", text_of(field));
    return false;
}

bool cloud_refuse_value(struct cloud_case *cloud, const char *field, struct text value,
                        const char *why) {
    cloud_refuse(cloud, CLOUD_INVALID_FIELD, "%s %s", field, why);
    cloud_error_text(&cloud->op->cloud, "field", text_of(field));
    cloud_error_text(&cloud->op->cloud, "value", value);
    return false;
}

bool cloud_refuse_reference(struct cloud_case *cloud, const char *field, const struct uuid *id) {
    cloud_refuse(cloud, CLOUD_REFERENCE_NOT_FOUND, "%s refers to nothing that is there", field);
    cloud_error_text(&cloud->op->cloud, "field", text_of(field));
    cloud_error_id(&cloud->op->cloud, "id", id);
    return false;
}

bool cloud_refuse_unknown(struct cloud_case *cloud, const char *type) {
    cloud_refuse(cloud, CLOUD_NOT_FOUND, "the %s was not found", type);
    cloud_error_id(&cloud->op->cloud, "id", &cloud->op->target_id);
    cloud_error_text(&cloud->op->cloud, "type", text_of(type));
    return false;
}

bool cloud_refuse_permission(struct cloud_case *cloud, enum permission permission) {
    const char *name = permission_name(permission);
    cloud_refuse(cloud, CLOUD_FORBIDDEN, "this needs the permission %s", name);
    cloud_error_text(&cloud->op->cloud, "permission", text_of(name));
    return false;
}

bool cloud_may(struct cloud_case *cloud, enum permission permission,
               const struct organization *organization) {
    return authorization_may(&cloud->principal, permission, organization) ||
           cloud_refuse_permission(cloud, permission);
}

/* ---- what is named ---- */

static const struct organization *organization_seen(const struct cloud_case *cloud,
                                                    const struct uuid *id) {
    const struct organization *organization = directory_organization(cloud->directory, id);
    if (organization == NULL || !authorization_visible(&cloud->principal, organization))
        return NULL;
    return organization;
}

const struct organization *cloud_organization_target(struct cloud_case *cloud) {
    const struct organization *organization = organization_seen(cloud, &cloud->op->target_id);
    if (organization == NULL) cloud_refuse_unknown(cloud, "organization");
    return organization;
}

const struct organization *cloud_organization_given(struct cloud_case *cloud, bool has,
                                                    const struct uuid *id, const char *field) {
    if (!has) return cloud->principal.organization;
    const struct organization *organization = organization_seen(cloud, id);
    if (organization == NULL) cloud_refuse_reference(cloud, field, id);
    return organization;
}

const struct organization *cloud_organization_listed(struct cloud_case *cloud) {
    const struct cloud_list_input *input = &cloud->op->in.list;
    if (!input->has_organization) return cloud->principal.organization;
    const struct organization *organization = organization_seen(cloud, &input->organization_id);
    if (organization != NULL) return organization;
    cloud_refuse(cloud, CLOUD_NOT_FOUND, "the organization was not found");
    cloud_error_id(&cloud->op->cloud, "id", &input->organization_id);
    cloud_error_text(&cloud->op->cloud, "type", TEXT("organization"));
    return NULL;
}

const struct cloud_user *cloud_user_target(struct cloud_case *cloud) {
    const struct cloud_user *user = directory_user(cloud->directory, &cloud->op->target_id);
    if (user != NULL && authorization_visible(&cloud->principal, user->organization)) return user;
    cloud_refuse_unknown(cloud, "user");
    return NULL;
}

static const struct connection *connection_seen(const struct cloud_case *cloud,
                                                const struct uuid *id) {
    const struct connection *connection = directory_connection(cloud->directory, id);
    if (connection == NULL || !authorization_visible_connection(&cloud->principal, connection))
        return NULL;
    return connection;
}

const struct connection *cloud_connection_target(struct cloud_case *cloud) {
    const struct connection *connection = connection_seen(cloud, &cloud->op->target_id);
    if (connection == NULL) cloud_refuse_unknown(cloud, "serviceConnection");
    return connection;
}

const struct connection *cloud_connection_given(struct cloud_case *cloud, const struct uuid *id,
                                                const char *field) {
    const struct connection *connection = connection_seen(cloud, id);
    if (connection == NULL) cloud_refuse_reference(cloud, field, id);
    return connection;
}

/* ---- texts ---- */

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct text cloud_trimmed(struct text text) {
    while (text.length > 0 && is_space(text.data[0])) text = (struct text){text.data + 1,
                                                                           text.length - 1};
    while (text.length > 0 && is_space(text.data[text.length - 1])) text.length--;
    return text;
}

bool cloud_line(struct cloud_case *cloud, const char *field, bool has, struct text given,
                size_t bytes_max, struct text *line) {
    struct qms_error ignored;
    if (!has) return cloud_refuse_missing(cloud, field);
    *line = cloud_trimmed(given);
    if (line->length == 0) return cloud_refuse_value(cloud, field, given, "must not be empty");
    if (line->length > bytes_max)
        return cloud_refuse_value(cloud, field, (struct text){0}, "is too long");
    return entry_name(field, *line, &ignored) ||
           cloud_refuse_value(cloud, field, (struct text){0}, "holds control characters");
}

/* ---- lists ---- */

void cloud_list_open(struct cloud_case *cloud, enum directory_kind kind) {
    size_t count = directory_count(cloud->directory, kind);
    cloud->op->out.cloud.list.rows =
        arena_take(cloud->arena, (count + 1) * sizeof *cloud->op->out.cloud.list.rows);
}

void cloud_list_add(struct cloud_case *cloud, const void *row) {
    struct cloud_list *list = &cloud->op->out.cloud.list;
    list->rows[list->count++] = row;
}

/* ---- changes ---- */

void *cloud_insert(struct cloud_case *cloud, enum directory_kind kind, size_t row_bytes) {
    struct decision *decision = cloud->decision;
    struct directory_row *row = arena_take_zeroed(decision->changes->arena, 1, row_bytes);
    row->id = uuid_make(decision->ids, decision->decided_us);
    row->created_us = decision->decided_us;
    changes_directory(decision->changes, kind, row, ROW_INSERTED);
    return row;
}

void *cloud_change(struct cloud_case *cloud, enum directory_kind kind, const void *row,
                   size_t row_bytes, enum row_state state) {
    struct changes *changes = cloud->decision->changes;
    void *changed = arena_take(changes->arena, row_bytes);
    memcpy(changed, row, row_bytes);
    changes_directory(changes, kind, changed, state);
    return changed;
}

/* ---- tasks ---- */

static bool task_is_kept(const struct cloud_case *cloud, const struct task *task) {
    return cloud->decision->decided_us - task->row.created_us < TASK_KEPT_US;
}

static void tasks_forget(struct cloud_case *cloud) {
    size_t count = directory_count(cloud->directory, DIRECTORY_TASKS);
    if (count > TASKS_FORGOTTEN_AT_ONCE) count = TASKS_FORGOTTEN_AT_ONCE;
    for (size_t i = 0; i < count; i++) {
        const struct task *task = directory_at(cloud->directory, DIRECTORY_TASKS, i);
        if (task_is_kept(cloud, task)) break; /* the others are younger */
        cloud_change(cloud, DIRECTORY_TASKS, &task->row, sizeof task->row, ROW_DELETED);
    }
}

void cloud_task(struct cloud_case *cloud, const struct uuid *task_id, enum task_object object,
                const struct uuid *object_id, struct text name,
                const struct organization *organization, bool had_to_reach) {
    tasks_forget(cloud);
    struct task_row *row = cloud_insert(cloud, DIRECTORY_TASKS, sizeof *row);
    row->id = *task_id;
    if (cloud->principal.user != NULL) row->user_id = cloud->principal.user->row.id;
    row->organization_id = organization->row.id;
    row->object = object;
    row->object_id = *object_id;
    row->object_name = name;
    row->status = TASK_SUCCESS;
    struct cloud_view *view = &cloud->op->out.cloud;
    view->has_task = true;
    view->task_id = *task_id;
    view->task_status = had_to_reach ? TASK_PENDING : TASK_SUCCESS;
}

/* Whoever started it, and whoever manages the object, may look. */
static bool task_visible(const struct cloud_case *cloud, const struct task *task) {
    static const enum permission permissions[] = {
        [TASK_OF_ORGANIZATION] = PERMISSION_ORGANIZATIONS_MANAGE,
        [TASK_OF_QUOTA] = PERMISSION_QUOTAS_MANAGE,
        [TASK_OF_ENVIRONMENT] = PERMISSION_ENVIRONMENTS_MANAGE,
    };
    const struct cloud_user *user = cloud->principal.user;
    if (user == NULL || uuid_equal(&task->row.user_id, &user->row.id)) return true;
    const struct organization *organization =
        directory_organization(cloud->directory, &task->row.organization_id);
    return organization != NULL && authorization_may(&cloud->principal,
                                                     permissions[task->row.object], organization);
}

bool decide_task_get(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct task *task = directory_task(cloud.directory, &op->target_id);
    if (task == NULL || !task_is_kept(&cloud, task) || !task_visible(&cloud, task))
        return cloud_refuse_unknown(&cloud, "task");
    op->out.cloud.task = task;
    return true;
}

/* ---- answers of writes ---- */

/* Which row an answer shows: the one that was made, or the one in the path. A write with a task
 * remembers the task's id with its key, and finds its object in the request; what creates something
 * gives the task the id of what was made. */
static const struct shown {
    enum directory_kind kind;
    enum { SHOWS_MADE, SHOWS_TARGET, SHOWS_QUOTA_GIVEN } which;
    enum { TASK_NEVER, TASK_ALWAYS, TASK_WITH_CONNECTIONS } task;
} shown[OP_COUNT] = {
    [OP_ORGANIZATION_CREATE] = {DIRECTORY_ORGANIZATIONS, SHOWS_MADE, TASK_WITH_CONNECTIONS},
    [OP_ORGANIZATION_UPDATE] = {DIRECTORY_ORGANIZATIONS, SHOWS_TARGET, TASK_WITH_CONNECTIONS},
    [OP_ORGANIZATION_DELETE] = {DIRECTORY_ORGANIZATIONS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_CLOUD_USER_CREATE] = {DIRECTORY_USERS, SHOWS_MADE, TASK_NEVER},
    [OP_CLOUD_USER_UPDATE] = {DIRECTORY_USERS, SHOWS_TARGET, TASK_NEVER},
    [OP_CLOUD_USER_DELETE] = {DIRECTORY_USERS, SHOWS_TARGET, TASK_NEVER},
    [OP_BINDING_CREATE] = {DIRECTORY_BINDINGS, SHOWS_MADE, TASK_NEVER},
    [OP_BINDING_DELETE] = {DIRECTORY_BINDINGS, SHOWS_MADE, TASK_NEVER},
    [OP_API_KEY_CREATE] = {DIRECTORY_KEYS, SHOWS_MADE, TASK_NEVER},
    [OP_API_KEY_REVOKE] = {DIRECTORY_KEYS, SHOWS_TARGET, TASK_NEVER},
    [OP_API_KEY_TOUCH] = {DIRECTORY_KEYS, SHOWS_MADE, TASK_NEVER},
    [OP_CONNECTION_CREATE] = {DIRECTORY_CONNECTIONS, SHOWS_MADE, TASK_NEVER},
    [OP_CONNECTION_UNASSIGN] = {DIRECTORY_CONNECTIONS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_ENVIRONMENT_CREATE] = {DIRECTORY_ENVIRONMENTS, SHOWS_MADE, TASK_ALWAYS},
    [OP_ENVIRONMENT_UPDATE] = {DIRECTORY_ENVIRONMENTS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_ENVIRONMENT_DELETE] = {DIRECTORY_ENVIRONMENTS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_CLOUD_QUOTA_CREATE] = {DIRECTORY_QUOTAS, SHOWS_MADE, TASK_NEVER},
    [OP_CLOUD_QUOTA_UPDATE] = {DIRECTORY_QUOTAS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_CLOUD_QUOTA_DELETE] = {DIRECTORY_QUOTAS, SHOWS_TARGET, TASK_ALWAYS},
    [OP_CLOUD_QUOTA_DEFAULT] = {DIRECTORY_QUOTAS, SHOWS_TARGET, TASK_NEVER},
    [OP_CLOUD_QUOTA_APPLY] = {DIRECTORY_QUOTAS, SHOWS_QUOTA_GIVEN, TASK_ALWAYS},
};

static const struct uuid *shown_id(const struct op *op) {
    switch (shown[op->operation].which) {
    case SHOWS_MADE: return &op->made_id;
    case SHOWS_TARGET: return &op->target_id;
    case SHOWS_QUOTA_GIVEN: break;
    }
    return &op->in.quota_apply.quota_id;
}

static bool shows_task(const struct op *op) {
    switch (shown[op->operation].task) {
    case TASK_NEVER: return false;
    case TASK_ALWAYS: return true;
    case TASK_WITH_CONNECTIONS: break;
    }
    return op->in.organization.connection_count > 0;
}

void decide_directory_show(struct op *op, struct directory *directory) {
    assert(operation_target(op->operation) == TARGET_DIRECTORY);
    assert(operation_effect(op->operation) == EFFECT_WRITE);
    if (op->directory != directory) {
        directory_release(op->directory);
        op->directory = directory_hold(directory);
    }
    struct cloud_view *view = &op->out.cloud;
    const struct uuid *id = shown_id(op);
    switch (shown[op->operation].kind) {
    case DIRECTORY_ORGANIZATIONS: view->organization = directory_organization(directory, id); break;
    case DIRECTORY_USERS: view->user = directory_user(directory, id); break;
    case DIRECTORY_BINDINGS: view->binding = directory_binding(directory, id); break;
    case DIRECTORY_KEYS: view->key = directory_key(directory, id); break;
    case DIRECTORY_CONNECTIONS: view->connection = directory_connection(directory, id); break;
    case DIRECTORY_ENVIRONMENTS: view->environment = directory_environment(directory, id); break;
    case DIRECTORY_QUOTAS: view->quota = directory_quota(directory, id); break;
    case DIRECTORY_ASSIGNMENTS:
    case DIRECTORY_TASKS:
    case DIRECTORY_KIND_COUNT: break;
    }
    view->task = view->has_task ? directory_task(directory, &view->task_id) : NULL;
}

/* May he still see what he once changed? */
static bool shown_visible(const struct cloud_case *cloud) {
    const struct cloud_view *view = &cloud->op->out.cloud;
    const struct principal *principal = &cloud->principal;
    if (view->organization != NULL) return authorization_visible(principal, view->organization);
    if (view->user != NULL) return authorization_visible(principal, view->user->organization);
    if (view->binding != NULL)
        return authorization_visible(principal, view->binding->user->organization);
    if (view->key != NULL)
        return authorization_visible(principal, view->key->user->organization);
    if (view->connection != NULL)
        return authorization_visible_connection(principal, view->connection);
    if (view->environment != NULL)
        return authorization_visible(principal, view->environment->organization);
    if (view->quota != NULL) return authorization_visible_quota(principal, view->quota);
    return true;
}

bool decide_directory_again(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    op->out.cloud.has_task = shows_task(op);
    op->out.cloud.task_id = op->made_id;
    op->out.cloud.task_status = TASK_SUCCESS;
    decide_directory_show(op, decision->directory);
    return shown_visible(&cloud) || cloud_refuse_unknown(&cloud, "object");
}
