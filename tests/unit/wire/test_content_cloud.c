/* Every member of every input of the CloudMC tree is part of what an idempotency key stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/content.h"

static struct content_hasher *hasher;

static int open_hasher(void **state) {
    (void)state;
    hasher = content_hasher_open();
    return 0;
}

static int close_hasher(void **state) {
    (void)state;
    content_hasher_close(hasher);
    return 0;
}

static const struct uuid some_ids[] = {{{1}}, {{2}}};
static const struct quota_detail_input details[] = {
    {.has_metric = true, .metric = TEXT("a"), .has_ceiling = true, .ceiling = {{0}}},
    {.has_metric = true, .metric = TEXT("b"), .has_ceiling = true, .ceiling = {{0}}},
    {.metric = TEXT("a"), .has_ceiling = true},
    {.has_metric = true, .metric = TEXT("a")},
};
static const struct api_key_touch touches[] = {
    {.used_us = 1}, {.used_us = 2}, {.used_us = 1, .address = TEXT("x")},
};

#define ORGANIZATION(...) {.operation = OP_ORGANIZATION_UPDATE, .in.organization = {__VA_ARGS__}}
#define USER(...) {.operation = OP_CLOUD_USER_CREATE, .in.user = {__VA_ARGS__}}
#define BINDING(...) {.operation = OP_BINDING_CREATE, .in.binding = {__VA_ARGS__}}
#define KEY(...) {.operation = OP_API_KEY_CREATE, .in.api_key = {__VA_ARGS__}}
#define TOUCH(...) {.operation = OP_API_KEY_TOUCH, .in.touch = {__VA_ARGS__}}
#define CONNECTION(...) {.operation = OP_CONNECTION_CREATE, .in.connection = {__VA_ARGS__}}
#define ENVIRONMENT(...) {.operation = OP_ENVIRONMENT_CREATE, .in.environment = {__VA_ARGS__}}
#define QUOTA(...) {.operation = OP_CLOUD_QUOTA_CREATE, .in.cloud_quota = {__VA_ARGS__}}
#define DELETION(...) {.operation = OP_CLOUD_QUOTA_DELETE, .in.quota_delete = {__VA_ARGS__}}
#define DEFAULT(...) {.operation = OP_CLOUD_QUOTA_DEFAULT, .in.quota_default = {__VA_ARGS__}}
#define APPLY(...) {.operation = OP_CLOUD_QUOTA_APPLY, .in.quota_apply = {__VA_ARGS__}}

/* No two of them ask for the same. */
static const struct op different[] = {
    ORGANIZATION(),
    ORGANIZATION(.has_name = true),
    ORGANIZATION(.has_name = true, .name = TEXT("x")),
    ORGANIZATION(.has_entry_point = true),
    ORGANIZATION(.has_entry_point = true, .entry_point = TEXT("x")),
    ORGANIZATION(.has_parent = true),
    ORGANIZATION(.has_parent = true, .parent_id = {{1}}),
    ORGANIZATION(.has_trial = true),
    ORGANIZATION(.has_trial = true, .is_trial = true),
    ORGANIZATION(.has_reseller = true),
    ORGANIZATION(.has_reseller = true, .is_reseller = true),
    ORGANIZATION(.connection_ids = some_ids, .connection_count = 1),
    ORGANIZATION(.connection_ids = some_ids, .connection_count = 2),
    ORGANIZATION(.connection_ids = some_ids + 1, .connection_count = 1),
    USER(),
    USER(.has_organization = true),
    USER(.has_organization = true, .organization_id = {{1}}),
    USER(.has_name = true),
    USER(.has_name = true, .name = TEXT("x")),
    USER(.has_email = true),
    USER(.has_email = true, .email = TEXT("x")),
    USER(.has_status = true),
    USER(.has_status = true, .status = USER_DISABLED),
    USER(.has_role = true),
    USER(.has_role = true, .role_id = {{1}}),
    BINDING(),
    BINDING(.binding_id = {{1}}),
    BINDING(.has_role = true),
    BINDING(.has_role = true, .role_id = {{1}}),
    BINDING(.has_qualifier = true),
    BINDING(.has_qualifier = true, .qualifier = SCOPE_ORG_TREE),
    BINDING(.has_organization = true),
    BINDING(.has_organization = true, .organization_id = {{1}}),
    KEY(),
    KEY(.has_name = true),
    KEY(.has_name = true, .name = TEXT("x")),
    KEY(.has_user = true),
    KEY(.has_user = true, .user_id = {{1}}),
    TOUCH(),
    TOUCH(touches, 1),
    TOUCH(touches + 1, 1),
    TOUCH(touches + 2, 1),
    TOUCH(touches, 2),
    CONNECTION(),
    CONNECTION(.has_name = true, .name = TEXT("x")),
    CONNECTION(.has_service_code = true, .service_code = TEXT("x")),
    CONNECTION(.has_type = true, .type = TEXT("x")),
    CONNECTION(.has_organization = true, .organization_id = {{1}}),
    CONNECTION(.has_supports_quotas = true),
    CONNECTION(.has_supports_quotas = true, .supports_quotas = true),
    ENVIRONMENT(),
    ENVIRONMENT(.has_name = true, .name = TEXT("x")),
    ENVIRONMENT(.has_organization = true, .organization_id = {{1}}),
    ENVIRONMENT(.has_connection = true, .connection_id = {{1}}),
    QUOTA(),
    QUOTA(.has_name = true),
    QUOTA(.has_name = true, .name = TEXT("x")),
    QUOTA(.has_description = true),
    QUOTA(.has_description = true, .description = TEXT("x")),
    QUOTA(.has_connection = true, .connection_id = {{1}}),
    QUOTA(.has_owner = true, .owner_id = {{1}}),
    QUOTA(.default_for_service = true),
    QUOTA(.default_for_trial = true),
    QUOTA(.has_details = true),
    QUOTA(.has_details = true, .details = details, .detail_count = 1),
    QUOTA(.has_details = true, .details = details, .detail_count = 2),
    QUOTA(.has_details = true, .details = details + 1, .detail_count = 1),
    QUOTA(.has_details = true, .details = details + 2, .detail_count = 1),
    QUOTA(.has_details = true, .details = details + 3, .detail_count = 1),
    DELETION(),
    DELETION(.has_substitute = true),
    DELETION(.has_substitute = true, .substitute_id = {{1}}),
    DEFAULT(),
    DEFAULT(.service = true),
    DEFAULT(.trial = true),
    DEFAULT(.service = true, .trial = true),
    APPLY(),
    APPLY(.has_quota = true),
    APPLY(.has_quota = true, .quota_id = {{1}}),
    APPLY(.has_organizations = true),
    APPLY(.has_organizations = true, .organization_ids = some_ids, .organization_count = 1),
    APPLY(.has_organizations = true, .organization_ids = some_ids, .organization_count = 2),
};

enum { DIFFERENT = sizeof different / sizeof different[0] };

static void every_member_counts(void **state) {
    (void)state;
    static uint8_t found[DIFFERENT][32];
    for (size_t i = 0; i < DIFFERENT; i++) {
        struct op op = different[i];
        content_hash(hasher, &op);
        memcpy(found[i], op.content, sizeof found[i]);
        for (size_t j = 0; j < i; j++)
            if (memcmp(found[i], found[j], sizeof found[i]) == 0)
                fail_msg("%zu and %zu have equal content", i, j);
    }
}

static void what_is_not_there_has_no_value(void **state) {
    (void)state;
    struct op left = {.operation = OP_ORGANIZATION_UPDATE}, right = left;
    right.in.organization.name = TEXT("x");
    right.in.organization.parent_id = some_ids[0];
    right.in.organization.is_trial = true;
    content_hash(hasher, &left);
    content_hash(hasher, &right);
    assert_memory_equal(left.content, right.content, sizeof left.content);
}

/* A repeat has made another key, which is thrown away. */
static void the_key_itself_is_not_the_content(void **state) {
    (void)state;
    struct op left = {.operation = OP_API_KEY_CREATE}, right = left;
    right.in.api_key.hash[0] = 1;
    content_hash(hasher, &left);
    content_hash(hasher, &right);
    assert_memory_equal(left.content, right.content, sizeof left.content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_counts),
        cmocka_unit_test(what_is_not_there_has_no_value),
        cmocka_unit_test(the_key_itself_is_not_the_content),
    };
    return cmocka_run_group_tests(tests, open_hasher, close_hasher);
}
