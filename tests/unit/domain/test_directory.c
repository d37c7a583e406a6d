/* A directory is whole or is not used: what its rows refer to is there, once, and hangs on the
 * system organization. */
#include <stdlib.h>

#include "support/cloud_fixture.h"

static struct uuid id_of(unsigned number) {
    struct uuid id = {{9}};
    id.bytes[15] = (uint8_t)number;
    return id;
}

static void put_organization(struct directory *directory, unsigned id, unsigned parent) {
    struct organization_row row = {.id = id_of(id), .created_us = id, .name = TEXT("x")};
    if (parent != 0) row.parent_id = id_of(parent);
    directory_put(directory, DIRECTORY_ORGANIZATIONS, &row);
}

static struct directory *with_system(void) {
    struct directory *directory = directory_make(1);
    put_organization(directory, 1, 0);
    return directory;
}

/* Releases it. */
static void expect_refused(struct directory *directory, enum directory_kind kind, unsigned id) {
    enum directory_kind found_kind;
    struct uuid found_id, expected = id_of(id);
    assert_false(directory_finish(directory, &found_kind, &found_id));
    assert_int_equal(found_kind, kind);
    if (id != 0) assert_true(uuid_equal(&found_id, &expected));
    directory_release(directory);
}

static void a_directory_without_a_system_organization_is_none(void **state) {
    (void)state;
    expect_refused(directory_make(1), DIRECTORY_ORGANIZATIONS, 0);
}

static void there_is_one_system_organization(void **state) {
    (void)state;
    struct directory *directory = with_system();
    put_organization(directory, 2, 0);
    expect_refused(directory, DIRECTORY_ORGANIZATIONS, 1); /* rows are linked from the last */
}

static void a_ring_of_organizations_hangs_on_nothing(void **state) {
    (void)state;
    struct directory *directory = with_system();
    put_organization(directory, 2, 3);
    put_organization(directory, 3, 2);
    expect_refused(directory, DIRECTORY_ORGANIZATIONS, 0);
    directory = with_system();
    put_organization(directory, 4, 4);
    expect_refused(directory, DIRECTORY_ORGANIZATIONS, 4);
}

static void no_two_rows_have_one_id(void **state) {
    (void)state;
    struct directory *directory = with_system();
    put_organization(directory, 2, 1);
    put_organization(directory, 2, 1);
    expect_refused(directory, DIRECTORY_ORGANIZATIONS, 2);
}

static void what_a_row_refers_to_is_there(void **state) {
    (void)state;
    struct cloud_user_row user = {.id = id_of(20), .organization_id = id_of(9)};
    struct role_binding_row binding = {.id = id_of(21), .user_id = id_of(9)};
    struct api_key_row key = {.id = id_of(22), .user_id = id_of(9)};
    struct connection_row connection = {.id = id_of(23), .owner_id = id_of(9)};
    struct cloud_quota_row quota = {
        .id = id_of(24), .owner_id = id_of(1), .connection_id = id_of(9)};
    struct assignment_row assignment = {
        .id = id_of(25), .organization_id = id_of(1), .connection_id = id_of(9)};
    struct environment_row environment = {
        .id = id_of(26), .organization_id = id_of(1), .connection_id = id_of(9)};
    const struct {
        enum directory_kind kind;
        const void *row;
        unsigned id;
    } orphans[] = {
        {DIRECTORY_USERS, &user, 20},           {DIRECTORY_BINDINGS, &binding, 21},
        {DIRECTORY_KEYS, &key, 22},             {DIRECTORY_CONNECTIONS, &connection, 23},
        {DIRECTORY_QUOTAS, &quota, 24},         {DIRECTORY_ASSIGNMENTS, &assignment, 25},
        {DIRECTORY_ENVIRONMENTS, &environment, 26},
    };
    for (size_t i = 0; i < sizeof orphans / sizeof orphans[0]; i++) {
        struct directory *directory = with_system();
        directory_put(directory, orphans[i].kind, orphans[i].row);
        expect_refused(directory, orphans[i].kind, orphans[i].id);
    }
}

static void a_quota_limits_only_on_its_own_connection(void **state) {
    (void)state;
    struct directory *directory = with_system();
    struct connection_row first = {.id = id_of(30), .owner_id = id_of(1)}, second = first;
    second.id = id_of(31);
    struct cloud_quota_row quota = {
        .id = id_of(32), .owner_id = id_of(1), .connection_id = id_of(30)};
    struct assignment_row assignment = {.id = id_of(33), .organization_id = id_of(1),
                                        .connection_id = id_of(31), .quota_id = id_of(32)};
    directory_put(directory, DIRECTORY_CONNECTIONS, &first);
    directory_put(directory, DIRECTORY_CONNECTIONS, &second);
    directory_put(directory, DIRECTORY_QUOTAS, &quota);
    directory_put(directory, DIRECTORY_ASSIGNMENTS, &assignment);
    expect_refused(directory, DIRECTORY_ASSIGNMENTS, 33);
}

/* Also when rows come in another order than they were made in. */
static void lists_are_in_the_order_of_creation(void **state) {
    (void)state;
    enum directory_kind kind;
    struct uuid id;
    struct directory *directory = directory_make(1);
    for (unsigned i = 40; i > 1; i--) put_organization(directory, i, i % 2 == 0 ? 1 : i - 1);
    put_organization(directory, 1, 0);
    assert_true(directory_finish(directory, &kind, &id));
    int64_t last_us = 0;
    const struct organization *child = directory->system->children;
    for (; child != NULL; child = child->next_child) {
        assert_true(child->row.created_us > last_us);
        last_us = child->row.created_us;
        assert_int_equal(child->depth, 1);
    }
    assert_int_equal(last_us, 40);
    struct uuid deep = id_of(39), above = id_of(38), other = id_of(36);
    const struct organization *below = directory_organization(directory, &deep);
    assert_int_equal(below->depth, 2);
    assert_true(organization_is_below(below, directory->system));
    assert_true(organization_is_below(below, directory_organization(directory, &above)));
    assert_false(organization_is_below(below, directory_organization(directory, &other)));
    assert_false(organization_is_below(below, below));
    directory_release(directory);
}

static void a_key_is_found_by_its_hash_among_many(void **state) {
    (void)state;
    enum directory_kind kind;
    struct uuid id;
    struct directory *directory = with_system();
    struct cloud_user_row user = {.id = id_of(2), .organization_id = id_of(1)};
    directory_put(directory, DIRECTORY_USERS, &user);
    for (unsigned i = 0; i < 200; i++) {
        struct api_key_row key = {.id = id_of(i), .user_id = id_of(2), .hash = {(uint8_t)i, 5}};
        directory_put(directory, DIRECTORY_KEYS, &key);
    }
    assert_true(directory_finish(directory, &kind, &id));
    for (unsigned i = 0; i < 256; i++) {
        uint8_t hash[32] = {(uint8_t)i, 5};
        const struct api_key *key = directory_key_hashed(directory, hash);
        assert_int_equal(key != NULL, i < 200);
        if (key != NULL) assert_int_equal(key->row.id.bytes[15], i);
        hash[31] = 1;
        assert_null(directory_key_hashed(directory, hash));
    }
    directory_release(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_without_a_system_organization_is_none),
        cmocka_unit_test(there_is_one_system_organization),
        cmocka_unit_test(a_ring_of_organizations_hangs_on_nothing),
        cmocka_unit_test(no_two_rows_have_one_id),
        cmocka_unit_test(what_a_row_refers_to_is_there),
        cmocka_unit_test(a_quota_limits_only_on_its_own_connection),
        cmocka_unit_test(lists_are_in_the_order_of_creation),
        cmocka_unit_test(a_key_is_found_by_its_hash_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
