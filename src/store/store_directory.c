#include "store/store_directory.h"

#include "base/arena.h"
#include "base/log.h"

enum { QUOTA_BLOCK_BYTES = 1024, DETAILS_FIRST = 8 };

/* The type follows from the member, so none can be read into what it is not. */
#define TYPE(member)                                                                               \
    _Generic(member, struct uuid: COLUMN_UUID, struct text: COLUMN_TEXT, int64_t: COLUMN_INTEGER,  \
             unsigned: COLUMN_ENUM, bool: COLUMN_BOOLEAN, uint8_t *: COLUMN_HASH)
#define COLUMN(name, member)                                                                       \
    {TYPE(((struct name##_row *)NULL)->member), offsetof(struct name##_row, member)}
#define NULLABLE(name, member) {COLUMN_UUID_OR_NULL, offsetof(struct name##_row, member)}
#define TIME(name, member) {COLUMN_TIME, offsetof(struct name##_row, member)}

const struct directory_column directory_columns[DIRECTORY_KIND_COUNT][DIRECTORY_COLUMNS_MAX + 1] = {
    [DIRECTORY_ORGANIZATIONS] =
        {COLUMN(organization, id), NULLABLE(organization, parent_id),
         TIME(organization, created_us), COLUMN(organization, name),
         COLUMN(organization, entry_point), COLUMN(organization, is_trial),
         COLUMN(organization, is_reseller)},
    [DIRECTORY_USERS] =
        {COLUMN(cloud_user, id), COLUMN(cloud_user, organization_id), TIME(cloud_user, created_us),
         COLUMN(cloud_user, name), COLUMN(cloud_user, email), COLUMN(cloud_user, status)},
    [DIRECTORY_BINDINGS] =
        {COLUMN(role_binding, id), COLUMN(role_binding, user_id),
         NULLABLE(role_binding, organization_id), TIME(role_binding, created_us),
         COLUMN(role_binding, role), COLUMN(role_binding, qualifier),
         COLUMN(role_binding, is_primary)},
    [DIRECTORY_KEYS] =
        {COLUMN(api_key, id), COLUMN(api_key, user_id), TIME(api_key, created_us),
         COLUMN(api_key, name), COLUMN(api_key, hash), TIME(api_key, used_us),
         COLUMN(api_key, used_address)},
    [DIRECTORY_CONNECTIONS] =
        {COLUMN(connection, id), COLUMN(connection, owner_id), TIME(connection, created_us),
         COLUMN(connection, name), COLUMN(connection, service_code), COLUMN(connection, type),
         COLUMN(connection, supports_quotas)},
    [DIRECTORY_QUOTAS] =
        {COLUMN(cloud_quota, id), COLUMN(cloud_quota, connection_id),
         COLUMN(cloud_quota, owner_id), TIME(cloud_quota, created_us), COLUMN(cloud_quota, name),
         COLUMN(cloud_quota, description), COLUMN(cloud_quota, default_for_service),
         COLUMN(cloud_quota, default_for_trial), COLUMN(cloud_quota, version)},
    [DIRECTORY_ASSIGNMENTS] =
        {COLUMN(assignment, id), COLUMN(assignment, organization_id),
         COLUMN(assignment, connection_id), TIME(assignment, created_us),
         COLUMN(assignment, connection_state), NULLABLE(assignment, quota_id),
         COLUMN(assignment, applied)},
    [DIRECTORY_ENVIRONMENTS] =
        {COLUMN(environment, id), COLUMN(environment, organization_id),
         COLUMN(environment, connection_id), TIME(environment, created_us),
         COLUMN(environment, name), COLUMN(environment, connection_state)},
    [DIRECTORY_TASKS] =
        {COLUMN(task, id), NULLABLE(task, user_id), COLUMN(task, organization_id),
         TIME(task, created_us), COLUMN(task, object), COLUMN(task, object_id),
         COLUMN(task, object_name), COLUMN(task, status)},
};

/* ---- loading ---- */

void directory_loading_open(struct directory_loading *loading, int64_t version) {
    *loading = (struct directory_loading){.directory = directory_make(version)};
    arena_init(&loading->arena, QUOTA_BLOCK_BYTES);
}

static void quota_end(struct directory_loading *loading) {
    if (loading->has_quota) {
        loading->quota.details = loading->details;
        directory_put(loading->directory, DIRECTORY_QUOTAS, &loading->quota);
    }
    arena_reset(&loading->arena);
    loading->details = NULL;
    loading->capacity = 0;
    loading->has_quota = false;
}

static void quota_take(struct directory_loading *loading, const struct cloud_quota_row *quota) {
    if (loading->has_quota && uuid_equal(&loading->quota.id, &quota->id)) return;
    quota_end(loading);
    loading->quota = *quota;
    loading->quota.name = arena_text(&loading->arena, quota->name);
    loading->quota.description = arena_text(&loading->arena, quota->description);
    loading->quota.detail_count = 0;
    loading->has_quota = true;
}

static void detail_take(struct directory_loading *loading, const struct quota_detail *detail) {
    size_t count = loading->quota.detail_count++;
    if (count == loading->capacity) {
        size_t capacity = count == 0 ? DETAILS_FIRST : 2 * count;
        struct quota_detail *details =
            arena_take_zeroed(&loading->arena, capacity, sizeof *details);
        if (count > 0) memcpy(details, loading->details, count * sizeof *details);
        loading->details = details;
        loading->capacity = capacity;
    }
    loading->details[count] = *detail;
    loading->details[count].metric = arena_text(&loading->arena, detail->metric);
}

void directory_loading_take(struct directory_loading *loading, enum directory_kind kind,
                            const struct listed_row *listed) {
    if (kind != DIRECTORY_QUOTAS) {
        directory_put(loading->directory, kind, &listed->row);
    } else {
        quota_take(loading, &listed->row.quota);
        if (listed->has_detail) detail_take(loading, &listed->detail);
    }
}

struct directory *directory_loading_finish(struct directory_loading *loading,
                                           struct qms_error *error) {
    struct directory *directory = loading->directory;
    enum directory_kind kind;
    struct uuid id;
    quota_end(loading);
    if (directory_finish(directory, &kind, &id)) {
        loading->directory = NULL;
        return directory;
    }
    char text[UUID_TEXT_BYTES];
    uuid_format(&id, text);
    log_format(LOG_ERROR, "store: row %.*s of the directory's table %d fits nowhere",
               UUID_TEXT_BYTES, text, (int)kind);
    qms_fail_code(error, QMS_INTERNAL);
    return NULL;
}

void directory_loading_close(struct directory_loading *loading) {
    directory_release(loading->directory);
    arena_close(&loading->arena);
}
