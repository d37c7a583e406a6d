/* API keys: OP_API_KEY_*. A key has exactly the rights of its user, so making one for somebody else
 * is granting oneself his rights. */
#include "domain/decide_directory.h"

#include <assert.h>

#include "base/limits.h"

static const int64_t TOUCH_US = KEY_TOUCH_SECONDS * INT64_C(1000000);

/* The user whose keys are meant: the one in the path or, without one, the caller himself. */
static const struct cloud_user *key_user(struct cloud_case *cloud, bool has,
                                         const struct uuid *id) {
    const struct cloud_user *self = cloud->principal.user;
    if (!has && self == NULL) {
        cloud_refuse_missing(cloud, "user.id");
        return NULL;
    }
    if (!has) return self;
    const struct cloud_user *user = directory_user(cloud->directory, id);
    if (user == NULL || !authorization_visible(&cloud->principal, user->organization)) {
        cloud_refuse_reference(cloud, "user.id", id);
        return NULL;
    }
    if (user == self) return user;
    return cloud_may(cloud, PERMISSION_USERS_MANAGE, user->organization) ? user : NULL;
}

/* May the caller do everything that this user may? */
static bool covers(const struct cloud_case *cloud, const struct cloud_user *user) {
    if (cloud->principal.user == user) return true;
    const struct role_binding *binding = user->bindings;
    for (; binding != NULL; binding = binding->next_of_user)
        if (!authorization_may_grant(&cloud->principal, binding->row.role, binding->row.qualifier,
                                     binding->organization))
            return false;
    return true;
}

/* The caller's own keys, or those of an organization whose users he manages. */
bool decide_api_key_list(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct organization *organization = cloud_organization_listed(&cloud);
    if (organization == NULL) return false;
    bool of_all = op->in.list.has_organization || cloud.principal.user == NULL;
    if (of_all && !cloud_may(&cloud, PERMISSION_USERS_MANAGE, organization)) return false;
    op->out.cloud.organization = organization;
    cloud_list_open(&cloud, DIRECTORY_KEYS);
    for (size_t i = 0; i < directory_count(cloud.directory, DIRECTORY_KEYS); i++) {
        const struct api_key *key = directory_at(cloud.directory, DIRECTORY_KEYS, i);
        if (of_all ? key->user->organization == organization
                   : key->user == cloud.principal.user)
            cloud_list_add(&cloud, key);
    }
    return true;
}

bool decide_api_key_create(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    const struct api_key_input *input = &op->in.api_key;
    struct text name = {0};
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    if (input->has_name &&
        !cloud_line(&cloud, "name", true, input->name, NAME_BYTES_MAX, &name))
        return false;
    const struct cloud_user *user = key_user(&cloud, input->has_user, &input->user_id);
    if (user == NULL) return false;
    if (!covers(&cloud, user)) return cloud_refuse_permission(&cloud, PERMISSION_USERS_MANAGE);
    assert(directory_key_hashed(cloud.directory, input->hash) == NULL); /* 256 random bits */

    struct api_key_row *row = cloud_insert(&cloud, DIRECTORY_KEYS, sizeof *row);
    row->user_id = user->row.id;
    char id[UUID_TEXT_BYTES];
    uuid_format(&row->id, id);
    if (!input->has_name) name = arena_format(arena, "key-%.12s", id + 24);
    row->name = name;
    memcpy(row->hash, input->hash, sizeof row->hash);
    op->made_id = row->id;
    return true;
}

bool decide_api_key_revoke(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud;
    if (!cloud_case_open(&cloud, decision, op, arena)) return false;
    const struct api_key *key = directory_key(cloud.directory, &op->target_id);
    bool own = key != NULL && key->user == cloud.principal.user;
    if (key == NULL ||
        (!own && !authorization_may(&cloud.principal, PERMISSION_USERS_MANAGE,
                                    key->user->organization)))
        return cloud_refuse_unknown(&cloud, "apiKey"); /* others' keys are nobody's business */
    cloud_change(&cloud, DIRECTORY_KEYS, &key->row, sizeof key->row, ROW_DELETED);
    op->made_id = key->row.id;
    return true;
}

/* Asked by the front for itself, whoever's the keys. */
bool decide_api_key_touch(struct decision *decision, struct op *op, struct arena *arena) {
    struct cloud_case cloud = {
        .decision = decision, .op = op, .arena = arena, .directory = decision->directory};
    const struct api_key_touch_input *input = &op->in.touch;
    for (size_t i = 0; i < input->count; i++) {
        const struct api_key_touch *touch = &input->touches[i];
        const struct api_key *key = directory_key(cloud.directory, &touch->key_id);
        if (key == NULL) continue;
        bool is_new = touch->used_us - key->row.used_us >= TOUCH_US ||
                      !text_equal(touch->address, key->row.used_address);
        for (size_t j = 0; j < i && is_new; j++) /* of two touches of one key the first counts */
            is_new = !uuid_equal(&input->touches[j].key_id, &touch->key_id);
        if (!is_new) continue;
        struct api_key_row *row =
            cloud_change(&cloud, DIRECTORY_KEYS, &key->row, sizeof key->row, ROW_CHANGED);
        row->used_us = touch->used_us;
        row->used_address = touch->address;
    }
    return true;
}
