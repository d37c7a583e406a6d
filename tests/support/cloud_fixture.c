#include "support/cloud_fixture.h"

#include <stdlib.h>

static const int64_t NOW_US = INT64_C(1790000000000000);

static void put_operator(struct cloud *cloud) {
    struct organization_row system = {.id = cloud->system, .name = TEXT("System")};
    struct cloud_user_row operator = {
        .id = cloud->operator, .organization_id = cloud->system, .name = TEXT("operator")};
    struct role_binding_row binding = {
        .id = uuid_make(&cloud->ids, NOW_US), .user_id = cloud->operator, .role = ROLE_OPERATOR,
        .qualifier = SCOPE_GLOBAL, .is_primary = true};
    directory_put(cloud->directory, DIRECTORY_ORGANIZATIONS, &system);
    directory_put(cloud->directory, DIRECTORY_USERS, &operator);
    directory_put(cloud->directory, DIRECTORY_BINDINGS, &binding);
}

void cloud_open(struct cloud *cloud, uint64_t seed) {
    *cloud = (struct cloud){.directory = directory_make(1)};
    uuid_source_init_seed(&cloud->ids, seed);
    cloud->system = uuid_make(&cloud->ids, NOW_US);
    cloud->operator = cloud->caller = uuid_make(&cloud->ids, NOW_US);
    put_operator(cloud);
    enum directory_kind kind;
    struct uuid id;
    assert_true(directory_finish(cloud->directory, &kind, &id));
    arena_init(&cloud->batch_arena, 4096);
    arena_init(&cloud->request_arena, 4096);
    cloud->decision = (struct decision){
        .plugins = &plugins_builtin,
        .changes = &cloud->changes,
        .ids = &cloud->ids,
        .decided_us = NOW_US,
        .stamped_us = NOW_US,
        .actor = TEXT("qms"),
    };
}

void cloud_close(struct cloud *cloud) {
    directory_release(cloud->op.directory);
    directory_release(cloud->directory);
    arena_close(&cloud->batch_arena);
    arena_close(&cloud->request_arena);
}

struct op *cloud_ask(struct cloud *cloud, enum operation operation, const struct uuid *about) {
    directory_release(cloud->op.directory);
    arena_reset(&cloud->request_arena);
    cloud->op = (struct op){.operation = operation, .caller = {.user_id = cloud->caller}};
    if (about != NULL) cloud->op.target_id = *about;
    return &cloud->op;
}

bool cloud_decide(struct cloud *cloud) {
    /* A catalogue nobody looks at: answers hold one, whatever they are about. */
    struct catalogue *catalogue = catalogue_make();
    arena_reset(&cloud->batch_arena);
    changes_init(&cloud->changes, &cloud->batch_arena);
    cloud->decision.catalogue = catalogue;
    cloud->decision.directory = cloud->directory;
    cloud->decision.decided_us += 1000;
    bool decided = decide(&cloud->decision, &cloud->op, &cloud->request_arena);
    catalogue_release(cloud->op.catalogue);
    cloud->op.catalogue = NULL;
    catalogue_release(catalogue);
    if (!decided) assert_true(changes_empty(&cloud->changes));
    if (!changes_directory_any(&cloud->changes)) return decided;
    struct directory *next = directory_apply(cloud->directory, &cloud->changes);
    directory_release(cloud->directory);
    cloud->directory = next;
    decide_directory_show(&cloud->op, next);
    return decided;
}

void cloud_expect_ok(struct cloud *cloud) {
    if (!cloud_decide(cloud))
        fail_msg("%s: %s", operation_name(cloud->op.operation), cloud->op.error.text);
    assert_int_equal(cloud->op.cloud.code, CLOUD_NONE);
}

void cloud_expect(struct cloud *cloud, enum cloud_code code) {
    bool decided = cloud_decide(cloud);
    if (decided || cloud->op.cloud.code != code)
        fail_msg("%s: %s, not %s: %s", operation_name(cloud->op.operation),
                 cloud_code_name(cloud->op.cloud.code), cloud_code_name(code),
                 cloud->op.error.text);
    assert_int_equal(cloud->op.error.code, cloud_code_outcome(code));
    assert_true(cloud->op.error.text[0] != '\0');
}

const struct cloud_member *cloud_member(const struct cloud *cloud, const char *name) {
    for (size_t i = 0; i < cloud->op.cloud.member_count; i++)
        if (strcmp(cloud->op.cloud.members[i].name, name) == 0)
            return &cloud->op.cloud.members[i];
    fail_msg("the context has no %s", name);
    return NULL;
}

/* ---- things ---- */

static struct organization_input *ask_organization(struct cloud *cloud, const struct uuid *parent,
                                                   const char *name) {
    struct op *op = cloud_ask(cloud, OP_ORGANIZATION_CREATE, NULL);
    op->in.organization = (struct organization_input){
        .has_name = true, .name = text_of(name), .has_parent = true, .parent_id = *parent};
    return &op->in.organization;
}

struct uuid cloud_organization(struct cloud *cloud, const struct uuid *parent, const char *name) {
    ask_organization(cloud, parent, name);
    cloud_expect_ok(cloud);
    return cloud->op.made_id;
}

struct uuid cloud_trial(struct cloud *cloud, const struct uuid *parent, const char *name) {
    struct organization_input *input = ask_organization(cloud, parent, name);
    input->has_trial = input->is_trial = true;
    cloud_expect_ok(cloud);
    return cloud->op.made_id;
}

struct uuid cloud_user(struct cloud *cloud, const struct uuid *organization, const char *name,
                       enum role role) {
    struct op *op = cloud_ask(cloud, OP_CLOUD_USER_CREATE, NULL);
    op->in.user = (struct cloud_user_input){
        .has_organization = true, .organization_id = *organization, .has_name = true,
        .name = text_of(name), .has_role = true, .role_id = *role_id(role)};
    cloud_expect_ok(cloud);
    return cloud->op.made_id;
}

struct uuid cloud_connection(struct cloud *cloud, const struct uuid *owner, const char *name,
                             const char *type) {
    struct op *op = cloud_ask(cloud, OP_CONNECTION_CREATE, NULL);
    op->in.connection = (struct connection_input){
        .has_name = true, .name = text_of(name), .has_service_code = true,
        .service_code = text_of(name), .has_type = true, .type = text_of(type),
        .has_organization = true, .organization_id = *owner};
    cloud_expect_ok(cloud);
    return cloud->op.made_id;
}

void cloud_assign(struct cloud *cloud, const struct uuid *organization,
                  const struct uuid *connection) {
    struct op *op = cloud_ask(cloud, OP_ORGANIZATION_UPDATE, organization);
    op->in.organization =
        (struct organization_input){.connection_ids = connection, .connection_count = 1};
    cloud_expect_ok(cloud);
}

struct cloud_quota_input *cloud_ask_quota(struct cloud *cloud, const struct uuid *owner,
                                          const struct uuid *connection, const char *name) {
    struct op *op = cloud_ask(cloud, OP_CLOUD_QUOTA_CREATE, NULL);
    struct quota_detail_input *detail =
        arena_take_zeroed(&cloud->request_arena, 1, sizeof *detail);
    *detail = (struct quota_detail_input){.has_metric = true, .metric = TEXT("workload_cpu_count"),
                                          .has_ceiling = true, .ceiling = amount_of(1)};
    op->in.cloud_quota = (struct cloud_quota_input){
        .has_name = true, .name = text_of(name), .has_connection = true,
        .connection_id = *connection, .has_owner = true, .owner_id = *owner, .has_details = true,
        .details = detail, .detail_count = 1};
    return &op->in.cloud_quota;
}

struct cloud_quota_input *cloud_ask_update(struct cloud *cloud, const struct uuid *id) {
    struct op *op = cloud_ask(cloud, OP_CLOUD_QUOTA_UPDATE, id);
    const struct cloud_quota *quota = cloud_quota_now(cloud, id);
    struct quota_detail_input *details =
        arena_take_zeroed(&cloud->request_arena, quota->row.detail_count, sizeof *details);
    for (size_t i = 0; i < quota->row.detail_count; i++)
        details[i] = (struct quota_detail_input){
            .has_metric = true,
            .metric = arena_text(&cloud->request_arena, quota->row.details[i].metric),
            .has_ceiling = true, .ceiling = quota->row.details[i].ceiling};
    op->in.cloud_quota = (struct cloud_quota_input){
        .has_name = true, .name = arena_text(&cloud->request_arena, quota->row.name),
        .has_connection = true, .connection_id = quota->connection->row.id, .has_owner = true,
        .owner_id = quota->owner->row.id, .has_details = true, .details = details,
        .detail_count = quota->row.detail_count,
        .default_for_service = quota->row.default_for_service,
        .default_for_trial = quota->row.default_for_trial};
    return &op->in.cloud_quota;
}

struct uuid cloud_quota(struct cloud *cloud, const struct uuid *owner,
                        const struct uuid *connection, const char *name) {
    cloud_ask_quota(cloud, owner, connection, name);
    cloud_expect_ok(cloud);
    return cloud->op.made_id;
}

void cloud_ask_apply(struct cloud *cloud, const struct uuid *quota, const struct uuid *targets,
                     size_t count) {
    struct op *op = cloud_ask(cloud, OP_CLOUD_QUOTA_APPLY, NULL);
    op->in.quota_apply = (struct cloud_quota_apply_input){
        .has_quota = true, .quota_id = *quota, .has_organizations = true,
        .organization_ids = targets, .organization_count = count};
}

void cloud_apply(struct cloud *cloud, const struct uuid *quota, const struct uuid *organization) {
    cloud_ask_apply(cloud, quota, organization, 1);
    cloud_expect_ok(cloud);
}

const struct cloud_quota *cloud_quota_now(const struct cloud *cloud, const struct uuid *id) {
    const struct cloud_quota *quota = directory_quota(cloud->directory, id);
    assert_non_null(quota);
    return quota;
}

const struct cloud_quota *cloud_limit(const struct cloud *cloud, const struct uuid *organization,
                                      const struct uuid *connection) {
    const struct assignment *assignment =
        organization_assignment(directory_organization(cloud->directory, organization),
                                directory_connection(cloud->directory, connection));
    return assignment == NULL ? NULL : assignment->quota;
}
