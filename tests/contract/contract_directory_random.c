/* Whatever the rules decide, a store keeps: random operations on what CloudMC manages, each saved,
 * read whole by somebody who has nothing, and compared with what the rules go on with. What they
 * should decide is for another test. Prints the seed of a failure. */
#include "contract/contract.h"
#include "support/cloud_fixture.h"

#define OPERATOR_ID "5a1e330c-62b4-4d0e-9c4f-71a90b2d7002" /* seeded */

enum { SEEDS = 3, STEPS = 60 };

struct walk {
    struct store_fixture *fixture;
    struct cloud cloud;
    unsigned long seed;
    uint64_t state;
    unsigned saved;
};

static size_t pick(struct walk *walk, size_t below) {
    walk->state ^= walk->state << 13;
    walk->state ^= walk->state >> 7;
    walk->state ^= walk->state << 17;
    return (size_t)((walk->state >> 20) % below);
}

/* The id of any row of a kind; the system organization's when there is none. */
static struct uuid any(struct walk *walk, enum directory_kind kind) {
    size_t count = directory_count(walk->cloud.directory, kind);
    if (count == 0) return walk->cloud.system;
    const struct directory_row *row =
        directory_at(walk->cloud.directory, kind, pick(walk, count));
    return row->id;
}

static struct text fresh_name(struct walk *walk) {
    return arena_format(&walk->cloud.request_arena, "n%zu", pick(walk, 1000000));
}

static void ask_organization(struct walk *walk) {
    struct op *op = cloud_ask(&walk->cloud, OP_ORGANIZATION_CREATE, NULL);
    struct uuid *link = arena_take(&walk->cloud.request_arena, sizeof *link);
    *link = any(walk, DIRECTORY_CONNECTIONS);
    op->in.organization = (struct organization_input){
        .has_name = true, .name = fresh_name(walk), .has_entry_point = true,
        .entry_point = fresh_name(walk), .has_parent = true,
        .parent_id = any(walk, DIRECTORY_ORGANIZATIONS), .has_trial = true,
        .is_trial = pick(walk, 2) == 0, .connection_ids = link,
        .connection_count = pick(walk, 2)};
}

static void ask_update(struct walk *walk) {
    struct uuid organization = any(walk, DIRECTORY_ORGANIZATIONS);
    struct op *op = cloud_ask(&walk->cloud, OP_ORGANIZATION_UPDATE, &organization);
    struct uuid *link = arena_take(&walk->cloud.request_arena, sizeof *link);
    *link = any(walk, DIRECTORY_CONNECTIONS);
    op->in.organization = (struct organization_input){
        .has_trial = true, .is_trial = pick(walk, 2) == 0, .connection_ids = link,
        .connection_count = pick(walk, 3) > 0};
}

static void ask_connection(struct walk *walk) {
    struct op *op = cloud_ask(&walk->cloud, OP_CONNECTION_CREATE, NULL);
    op->in.connection = (struct connection_input){
        .has_name = true, .name = fresh_name(walk), .has_service_code = true,
        .service_code = fresh_name(walk), .has_type = true, .type = TEXT("stackpath"),
        .has_organization = pick(walk, 2) == 0,
        .organization_id = any(walk, DIRECTORY_ORGANIZATIONS)};
}

static void ask_quota(struct walk *walk) {
    struct uuid link = any(walk, DIRECTORY_CONNECTIONS);
    const struct connection *connection = directory_connection(walk->cloud.directory, &link);
    struct uuid owner = connection == NULL || pick(walk, 3) == 0
                            ? any(walk, DIRECTORY_ORGANIZATIONS)
                            : connection->owner->row.id;
    struct cloud_quota_input *input = cloud_ask_quota(&walk->cloud, &owner, &link, "");
    input->name = fresh_name(walk);
    input->default_for_service = pick(walk, 3) == 0;
    input->default_for_trial = pick(walk, 3) == 0;
}

static void ask_of_quota(struct walk *walk) {
    struct uuid quota = any(walk, DIRECTORY_QUOTAS);
    struct op *op;
    if (directory_count(walk->cloud.directory, DIRECTORY_QUOTAS) == 0) {
        ask_quota(walk);
    } else if (pick(walk, 3) == 0) {
        cloud_ask_update(&walk->cloud, &quota)->name = fresh_name(walk);
    } else if (pick(walk, 2) == 0) {
        op = cloud_ask(&walk->cloud, OP_CLOUD_QUOTA_DEFAULT, &quota);
        op->in.quota_default = (struct cloud_quota_default_input){true, pick(walk, 2) == 0};
    } else {
        op = cloud_ask(&walk->cloud, OP_CLOUD_QUOTA_DELETE, &quota);
        op->in.quota_delete.has_substitute = pick(walk, 3) > 0;
        op->in.quota_delete.substitute_id = any(walk, DIRECTORY_QUOTAS);
    }
}

static void ask_apply(struct walk *walk) {
    struct uuid quota = any(walk, DIRECTORY_QUOTAS), *target;
    const struct cloud_quota *found = directory_quota(walk->cloud.directory, &quota);
    cloud_ask(&walk->cloud, OP_ROLE_LIST, NULL); /* empties the arena */
    target = arena_take(&walk->cloud.request_arena, sizeof *target);
    *target = found != NULL && found->connection->assignments != NULL
                  ? found->connection->assignments->organization->row.id
                  : any(walk, DIRECTORY_ORGANIZATIONS);
    struct op *op = &walk->cloud.op;
    op->operation = OP_CLOUD_QUOTA_APPLY;
    op->in.quota_apply = (struct cloud_quota_apply_input){
        .has_quota = true, .quota_id = quota, .has_organizations = true,
        .organization_ids = target, .organization_count = 1};
}

static void ask_user_or_deletion(struct walk *walk) {
    struct uuid organization = any(walk, DIRECTORY_ORGANIZATIONS);
    if (pick(walk, 2) == 0) {
        cloud_ask(&walk->cloud, OP_ORGANIZATION_DELETE, &organization);
        return;
    }
    struct op *op = cloud_ask(&walk->cloud, OP_CLOUD_USER_CREATE, NULL);
    op->in.user = (struct cloud_user_input){
        .has_organization = true, .organization_id = organization, .has_name = true,
        .name = fresh_name(walk)};
}

static void (*const asks[])(struct walk *walk) = {
    ask_organization, ask_organization, ask_update, ask_update,  ask_connection,
    ask_quota,        ask_quota,        ask_apply,  ask_of_quota, ask_user_or_deletion,
};

static void save_and_compare(struct walk *walk) {
    struct store_fixture *fixture = walk->fixture;
    struct buffer expected, found;
    store_fixture_begin(fixture, true, NULL, 0);
    fixture->changes = walk->cloud.changes;
    if (store_fixture_save(fixture) != STORE_COMMITTED)
        fail_msg("seed %lu: %s is not saved", walk->seed,
                 operation_name(walk->cloud.op.operation));
    directory_release(fixture->cloud);
    fixture->cloud = NULL;
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    contract_describe(walk->cloud.directory, &expected);
    contract_describe(fixture->cloud, &found);
    if (expected.length != found.length || memcmp(expected.data, found.data, found.length) != 0)
        fail_msg("seed %lu, after %s: expected\n%.*s\nread\n%.*s", walk->seed,
                 operation_name(walk->cloud.op.operation), (int)expected.length, expected.data,
                 (int)found.length, found.data);
    buffer_close(&expected);
    buffer_close(&found);
    walk->saved++;
}

static void walk_open(struct walk *walk, struct store_fixture *fixture, unsigned long seed) {
    *walk = (struct walk){
        .fixture = fixture, .seed = seed, .state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    cloud_open(&walk->cloud, seed);
    directory_release(walk->cloud.directory);
    walk->cloud.directory = directory_hold(fixture->cloud);
    walk->cloud.system = fixture->cloud->system->row.id;
    walk->cloud.operator = walk->cloud.caller = fixture_uuid(OPERATOR_ID);
}

static void whatever_the_rules_decide_is_kept(void **state) {
    struct walk walk;
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        walk_open(&walk, *state, seed);
        for (int i = 0; i < STEPS; i++) {
            asks[pick(&walk, sizeof asks / sizeof asks[0])](&walk);
            struct directory *before = directory_hold(walk.cloud.directory); /* rows use it */
            cloud_decide(&walk.cloud);
            if (changes_directory_any(&walk.cloud.changes)) save_and_compare(&walk);
            directory_release(before);
        }
        assert_true(walk.saved > STEPS / 4);
        cloud_close(&walk.cloud);
    }
}

int contract_directory_random(void) {
    const struct sentence sentences[] = {SENTENCE(whatever_the_rules_decide_is_kept)};
    return contract_run("directory at random", sentences, 1);
}
