/* Random organizations, connections, quotas, defaults, applies, conversions and deletions with
 * substitutes, against a model as plain as can be: arrays, loops and the words of the rules. Prints
 * the seed of a failure; a seed as the argument runs it alone. */
#include <stdio.h>
#include <stdlib.h>

#include "support/cloud_fixture.h"
#include "support/sanitized.h"

enum { ORGS_MAX = 14, LINKS = 3, QUOTAS_MAX = 24, STEPS = 120, NAMES = 5, NONE = -1 };
enum { SEEDS = SANITIZED ? 200 : 1000 };

static const char *const names[NAMES] = {"gold", "silver", "bronze", "tin", "clay"};

struct model_org {
    bool exists, trial;
    int parent;
    bool has[LINKS], applied[LINKS];
    int limit[LINKS];
    struct uuid id;
};

struct model_quota {
    bool exists, service, trial;
    int owner, link, name;
    long ceiling, version;
    struct uuid id;
};

struct model {
    struct model_org orgs[ORGS_MAX];
    int org_count;
    int link_owner[LINKS];
    struct uuid link_ids[LINKS];
    struct model_quota quotas[QUOTAS_MAX];
    int quota_count;
};

static struct cloud cloud;
static struct model model;
static uint64_t random_state;
static unsigned long seed_now;
static const char *step_now;

static int pick(int below) { /* xorshift; the low bits of the product are not used */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int)((random_state >> 20) % (uint64_t)below);
}

static void check(bool holds, const char *what) {
    if (!holds) fail_msg("seed %lu, after %s: %s", seed_now, step_now, what);
}

/* ---- the model's rules ---- */

static bool is_below(int org, int above) {
    for (org = model.orgs[org].parent; org != NONE; org = model.orgs[org].parent)
        if (org == above) return true;
    return false;
}

static int applied_to(int quota) {
    int count = 0;
    for (int i = 0; i < model.org_count; i++)
        if (model.orgs[i].exists && model.orgs[i].limit[model.quotas[quota].link] == quota) count++;
    return count;
}

static int default_of(int link, bool trial) {
    for (int i = 0; i < model.quota_count; i++) {
        const struct model_quota *quota = &model.quotas[i];
        if (quota->exists && quota->link == link && (trial ? quota->trial : quota->service))
            return i;
    }
    return NONE;
}

static bool may_have(int parent, int link) {
    return parent != NONE && (model.link_owner[link] == parent || model.orgs[parent].has[link]);
}

static void model_assign(int org, int link) {
    struct model_org *to = &model.orgs[org];
    if (model.link_owner[link] == org || to->has[link]) return;
    to->has[link] = true;
    to->applied[link] = false;
    to->limit[link] = to->trial ? default_of(link, true) : NONE;
    if (to->limit[link] == NONE) to->limit[link] = default_of(link, false);
}

/* Takes the flags from all other quotas of the connection. */
static void model_take(int self, bool service, bool trial) {
    for (int i = 0; i < model.quota_count; i++) {
        struct model_quota *quota = &model.quotas[i];
        if (i == self || !quota->exists || quota->link != model.quotas[self].link) continue;
        bool loses = (service && quota->service) || (trial && quota->trial);
        if (service) quota->service = false;
        if (trial) quota->trial = false;
        if (loses) quota->version++;
    }
}

static bool name_taken(int owner, int link, int name, int self) {
    for (int i = 0; i < model.quota_count; i++) {
        const struct model_quota *quota = &model.quotas[i];
        if (i != self && quota->exists && quota->owner == owner && quota->link == link &&
            quota->name == name)
            return true;
    }
    return false;
}

/* ---- both sides agree ---- */

static void compare_quota(int i) {
    const struct model_quota *expected = &model.quotas[i];
    const struct cloud_quota *found = directory_quota(cloud.directory, &expected->id);
    check((found != NULL) == expected->exists, "a quota is there or not");
    if (found == NULL) return;
    check(found->row.default_for_service == expected->service, "defaultForService");
    check(found->row.default_for_trial == expected->trial, "defaultForTrial");
    check(found->row.version == expected->version, "version");
    check(text_equal(found->row.name, text_of(names[expected->name])), "name");
    check(found->row.detail_count == 1 &&
              amount_compare(found->row.details[0].ceiling, amount_of(expected->ceiling)) == 0,
          "ceiling");
    check(found->assignment_count == (size_t)applied_to(i), "numberOfOrganizationsAppliedTo");
}

static void compare_org(int i) {
    const struct model_org *expected = &model.orgs[i];
    const struct organization *found = directory_organization(cloud.directory, &expected->id);
    check((found != NULL) == expected->exists, "an organization is there or not");
    if (found == NULL) return;
    check(found->row.is_trial == expected->trial, "isTrial");
    for (int link = 0; link < LINKS; link++) {
        const struct connection *connection =
            directory_connection(cloud.directory, &model.link_ids[link]);
        if (connection == NULL) continue;
        const struct assignment *assignment = organization_assignment(found, connection);
        check((assignment != NULL) == expected->has[link], "a connection is assigned or not");
        if (assignment == NULL) continue;
        int limit = expected->limit[link];
        check((assignment->quota == NULL) == (limit == NONE), "a limit is there or not");
        if (limit != NONE && assignment->quota != NULL)
            check(uuid_equal(&assignment->quota->row.id, &model.quotas[limit].id), "which limit");
    }
}

static void compare(void) {
    for (int i = 0; i < model.quota_count; i++) compare_quota(i);
    for (int i = 0; i < model.org_count; i++) compare_org(i);
}

static void expect(enum cloud_code code) {
    bool decided = cloud_decide(&cloud);
    if (decided == (code == CLOUD_NONE) && cloud.op.cloud.code == code) return;
    fail_msg("seed %lu, %s: %s, not %s: %s", seed_now, step_now,
             cloud_code_name(cloud.op.cloud.code), cloud_code_name(code), cloud.op.error.text);
}

/* ---- steps ---- */

static int pick_org(void) {
    int org;
    do org = pick(model.org_count);
    while (!model.orgs[org].exists);
    return org;
}

static int pick_quota(void) { /* NONE: there is none; now and then one that is deleted */
    if (model.quota_count == 0) return NONE;
    int quota = pick(model.quota_count);
    for (int i = 0; i < 4 && !model.quotas[quota].exists; i++) quota = pick(model.quota_count);
    return quota;
}

/* Most often one that the quota can be applied to, if there is any. */
static int pick_target(const struct model_quota *quota) {
    int org = pick_org();
    for (int i = 0; i < 12; i++, org = pick_org())
        if (is_below(org, quota->owner) && model.orgs[org].has[quota->link]) break;
    return org;
}

static void step_create_org(void) {
    if (model.org_count == ORGS_MAX) return;
    int self = model.org_count;
    struct model_org org = {.exists = true, .trial = pick(3) == 0, .parent = pick_org()};
    struct uuid links[LINKS];
    size_t link_count = 0;
    bool wanted[LINKS] = {false}, fits = true;
    for (int link = 0; link < LINKS; link++) {
        org.limit[link] = NONE;
        if (uuid_is_nil(&model.link_ids[link]) || pick(3) != 0) continue; /* not made yet */
        wanted[link] = true;
        fits = fits && may_have(org.parent, link);
        links[link_count++] = model.link_ids[link];
    }
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_CREATE, NULL);
    op->in.organization = (struct organization_input){
        .has_name = true, .name = TEXT("Somebody"), .has_parent = true,
        .parent_id = model.orgs[org.parent].id, .has_trial = true, .is_trial = org.trial,
        .connection_ids = links, .connection_count = link_count};
    expect(fits ? CLOUD_NONE : CLOUD_CONNECTION_NOT_ASSIGNABLE);
    if (!fits) return;
    org.id = cloud.op.made_id;
    model.orgs[model.org_count++] = org;
    for (int link = 0; link < LINKS; link++)
        if (wanted[link]) model_assign(self, link);
}

static void step_assign(void) {
    int org = pick_org(), link = pick(LINKS);
    for (int i = 0; i < 6 && !may_have(model.orgs[org].parent, link); i++) org = pick_org();
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_UPDATE, &model.orgs[org].id);
    op->in.organization = (struct organization_input){.connection_ids = &model.link_ids[link],
                                                      .connection_count = 1};
    bool fits = model.link_owner[link] == org || may_have(model.orgs[org].parent, link);
    expect(fits ? CLOUD_NONE : CLOUD_CONNECTION_NOT_ASSIGNABLE);
    if (fits) model_assign(org, link);
}

static void step_unassign(void) {
    int org = pick_org(), link = pick(LINKS);
    struct op *op = cloud_ask(&cloud, OP_CONNECTION_UNASSIGN, &model.link_ids[link]);
    op->in.connection = (struct connection_input){.has_organization = true,
                                                  .organization_id = model.orgs[org].id};
    enum cloud_code code = CLOUD_NONE;
    for (int i = 0; i < model.org_count; i++)
        if (model.orgs[i].exists && model.orgs[i].parent == org && model.orgs[i].has[link])
            code = CLOUD_CONNECTION_NOT_ASSIGNABLE;
    if (!model.orgs[org].has[link]) code = CLOUD_NOT_FOUND;
    expect(code);
    if (code != CLOUD_NONE) return;
    model.orgs[org].has[link] = false;
    model.orgs[org].limit[link] = NONE;
}

static void step_convert(void) {
    struct model_org *org = &model.orgs[pick_org()];
    struct op *op = cloud_ask(&cloud, OP_ORGANIZATION_UPDATE, &org->id);
    bool trial = pick(2) == 0;
    op->in.organization = (struct organization_input){.has_trial = true, .is_trial = trial};
    expect(CLOUD_NONE);
    for (int link = 0; link < LINKS && org->trial && !trial; link++) {
        int limit = org->limit[link];
        if (limit != NONE && limit == default_of(link, true) && !org->applied[link])
            org->limit[link] = default_of(link, false);
    }
    org->trial = trial;
}

static void step_delete_org(void) {
    int org = pick_org();
    bool children = false;
    if (pick(3) != 0) return; /* else few are left */
    for (int i = 0; i < model.org_count; i++)
        children |= model.orgs[i].exists && model.orgs[i].parent == org;
    for (int link = 0; link < LINKS; link++)
        if (model.link_owner[link] == org) return; /* the links stay for the whole run */
    cloud_ask(&cloud, OP_ORGANIZATION_DELETE, &model.orgs[org].id);
    expect(org == 0 || children ? CLOUD_ORGANIZATION_NOT_DELETABLE : CLOUD_NONE);
    if (org == 0 || children) return;
    model.orgs[org].exists = false;
    for (int i = 0; i < model.quota_count; i++)
        if (model.quotas[i].owner == org) model.quotas[i].exists = false;
}

static void step_create_quota(void) {
    if (model.quota_count == QUOTAS_MAX) return;
    struct model_quota quota = {.exists = true, .link = pick(LINKS),
                                .name = pick(NAMES), .service = pick(4) == 0,
                                .trial = pick(4) == 0, .ceiling = 1, .version = 1};
    quota.owner = pick(2) == 0 ? pick_org() : model.link_owner[quota.link];
    struct cloud_quota_input *input = cloud_ask_quota(
        &cloud, &model.orgs[quota.owner].id, &model.link_ids[quota.link], names[quota.name]);
    input->default_for_service = quota.service;
    input->default_for_trial = quota.trial;
    bool owns = model.link_owner[quota.link] == quota.owner;
    enum cloud_code code = CLOUD_NONE;
    if (name_taken(quota.owner, quota.link, quota.name, NONE)) code = CLOUD_QUOTA_NAME_NOT_UNIQUE;
    if (!owns && (quota.service || quota.trial)) code = CLOUD_QUOTA_OWNER_NOT_CONNECTION_OWNER;
    if (!owns && !model.orgs[quota.owner].has[quota.link]) code = CLOUD_QUOTA_NOT_APPLICABLE;
    expect(code);
    if (code != CLOUD_NONE) return;
    quota.id = cloud.op.made_id;
    model.quotas[model.quota_count] = quota;
    model_take(model.quota_count++, quota.service, quota.trial);
}

static void step_update_quota(void) {
    int self = pick_quota();
    if (self == NONE || !model.quotas[self].exists) return;
    struct model_quota *quota = &model.quotas[self];
    int name = pick(NAMES), ceiling = pick(100) - 1;
    struct cloud_quota_input *input = cloud_ask_update(&cloud, &quota->id);
    input->name = text_of(names[name]);
    ((struct quota_detail_input *)input->details)[0].ceiling = amount_of(ceiling);
    bool taken = name_taken(quota->owner, quota->link, name, self);
    expect(taken ? CLOUD_QUOTA_NAME_NOT_UNIQUE : CLOUD_NONE);
    if (taken) return;
    quota->name = name;
    quota->ceiling = ceiling;
    quota->version++;
}

static void step_default(void) {
    int self = pick_quota();
    if (self == NONE) return;
    struct model_quota *quota = &model.quotas[self];
    bool service = pick(2) == 0, trial = pick(2) == 0;
    cloud_ask(&cloud, OP_CLOUD_QUOTA_DEFAULT, &quota->id)->in.quota_default =
        (struct cloud_quota_default_input){service, trial};
    enum cloud_code code = CLOUD_NONE;
    if ((service || trial) && model.link_owner[quota->link] != quota->owner)
        code = CLOUD_QUOTA_OWNER_NOT_CONNECTION_OWNER;
    if (!quota->exists) code = CLOUD_NOT_FOUND;
    expect(code);
    if (code != CLOUD_NONE) return;
    model_take(self, service, trial);
    if ((service && !quota->service) || (trial && !quota->trial)) quota->version++;
    quota->service |= service;
    quota->trial |= trial;
}

static void step_apply(void) {
    int self = pick_quota(), targets[4], count = 1 + pick(4);
    if (self == NONE) return;
    const struct model_quota *quota = &model.quotas[self];
    struct uuid ids[4];
    bool fits = true;
    for (int i = 0; i < count; i++) {
        targets[i] = pick_target(quota);
        ids[i] = model.orgs[targets[i]].id;
        fits = fits && is_below(targets[i], quota->owner) &&
               model.orgs[targets[i]].has[quota->link];
    }
    cloud_ask_apply(&cloud, &quota->id, ids, (size_t)count);
    expect(!quota->exists ? CLOUD_REFERENCE_NOT_FOUND
           : fits         ? CLOUD_NONE
                          : CLOUD_QUOTA_NOT_APPLICABLE);
    for (int i = 0; i < count && fits && quota->exists; i++) {
        model.orgs[targets[i]].limit[quota->link] = self;
        model.orgs[targets[i]].applied[quota->link] = true;
    }
}

static enum cloud_code code_of_deletion(int self, int substitute) {
    const struct model_quota *quota = &model.quotas[self];
    if (!quota->exists) return CLOUD_NOT_FOUND;
    if (substitute == NONE)
        return applied_to(self) > 0 ? CLOUD_QUOTA_SUBSTITUTE_REQUIRED : CLOUD_NONE;
    const struct model_quota *other = &model.quotas[substitute];
    if (!other->exists || substitute == self || other->link != quota->link)
        return CLOUD_QUOTA_SUBSTITUTE_INVALID;
    for (int i = 0; i < model.org_count; i++)
        if (model.orgs[i].exists && model.orgs[i].limit[quota->link] == self &&
            !is_below(i, other->owner))
            return CLOUD_QUOTA_SUBSTITUTE_INVALID;
    return CLOUD_NONE;
}

static void step_delete_quota(void) {
    int self = pick_quota();
    if (self == NONE) return;
    struct model_quota *quota = &model.quotas[self];
    int substitute = pick(3) == 0 ? NONE : pick_quota();
    struct op *op = cloud_ask(&cloud, OP_CLOUD_QUOTA_DELETE, &quota->id);
    op->in.quota_delete.has_substitute = substitute != NONE;
    if (substitute != NONE) op->in.quota_delete.substitute_id = model.quotas[substitute].id;
    enum cloud_code code = code_of_deletion(self, substitute);
    expect(code);
    if (code != CLOUD_NONE) return;
    quota->exists = false;
    for (int i = 0; i < model.org_count; i++)
        if (model.orgs[i].limit[quota->link] == self) model.orgs[i].limit[quota->link] = substitute;
    if (substitute == NONE || (!quota->service && !quota->trial)) return;
    struct model_quota *heir = &model.quotas[substitute];
    if (heir->owner != model.link_owner[quota->link]) return;
    heir->service |= quota->service;
    heir->trial |= quota->trial;
    heir->version++;
}

static const struct step {
    const char *name;
    void (*run)(void);
} steps[] = {
    {"creating an organization", step_create_org}, {"assigning a connection", step_assign},
    {"assigning a connection", step_assign},       {"taking a connection", step_unassign},
    {"converting a trial", step_convert},          {"deleting an organization", step_delete_org},
    {"creating a quota", step_create_quota},       {"creating a quota", step_create_quota},
    {"updating a quota", step_update_quota},       {"making default", step_default},
    {"applying", step_apply},                      {"applying", step_apply},
    {"deleting a quota", step_delete_quota},
};

static void start(unsigned long seed) {
    seed_now = seed;
    step_now = "the start";
    random_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    cloud_open(&cloud, seed);
    memset(&model, 0, sizeof model);
    model.org_count = 1;
    model.orgs[0] = (struct model_org){.exists = true, .parent = NONE, .id = cloud.system,
                                       .limit = {NONE, NONE, NONE}};
    for (int i = 0; i < 4; i++) step_create_org();
    for (int link = 0; link < LINKS; link++) {
        static const char *const codes[LINKS] = {"a", "b", "c"};
        model.link_owner[link] = pick(2); /* near the root, so that many can have it */
        model.link_ids[link] = cloud_connection(
            &cloud, &model.orgs[model.link_owner[link]].id, codes[link], "stackpath");
    }
}

static void run(unsigned long seed) {
    start(seed);
    for (int i = 0; i < STEPS; i++) {
        const struct step *step = &steps[pick((int)(sizeof steps / sizeof steps[0]))];
        step_now = step->name;
        step->run();
        compare();
    }
    cloud_close(&cloud);
}

static void any_sequence_of_operations_leaves_what_the_model_says(void **state) {
    const char *const *only = (const char *const *)*state;
    if (only != NULL) {
        run(strtoul(*only, NULL, 10));
        return;
    }
    for (unsigned long seed = 1; seed <= SEEDS; seed++) run(seed);
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(any_sequence_of_operations_leaves_what_the_model_says,
                                  count > 1 ? &arguments[1] : NULL),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
