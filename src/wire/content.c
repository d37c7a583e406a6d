#include "wire/content.h"

#include <assert.h>
#include <endian.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/arena.h"

enum { STAGED_BYTES_MAX = 1024 };

/* Bytes are collected and handed to the digest together: a call costs more than a short member. */
struct content_hasher {
    EVP_MD *algorithm;
    EVP_MD_CTX *digest;
    size_t staged;
    char stage[STAGED_BYTES_MAX];
};

struct content_hasher *content_hasher_open(void) {
    struct content_hasher *hasher = memory_take(sizeof *hasher);
    hasher->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(hasher->algorithm != NULL);
    hasher->digest = EVP_MD_CTX_new();
    assert(hasher->digest != NULL);
    hasher->staged = 0;
    return hasher;
}

void content_hasher_close(struct content_hasher *hasher) {
    if (hasher == NULL) return;
    EVP_MD_CTX_free(hasher->digest);
    EVP_MD_free(hasher->algorithm);
    memory_give(hasher);
}

static void content_update(struct content_hasher *hasher, const void *data, size_t bytes) {
    int updated = EVP_DigestUpdate(hasher->digest, data, bytes);
    assert(updated == 1);
}

static void content_flush(struct content_hasher *hasher) {
    content_update(hasher, hasher->stage, hasher->staged);
    hasher->staged = 0;
}

static void content_put(struct content_hasher *hasher, const void *data, size_t bytes) {
    if (bytes == 0) return;
    if (bytes > sizeof hasher->stage - hasher->staged) content_flush(hasher);
    if (bytes > sizeof hasher->stage) {
        content_update(hasher, data, bytes);
        return;
    }
    memcpy(hasher->stage + hasher->staged, data, bytes);
    hasher->staged += bytes;
}

/* Little endian, whatever the machine. */
static void content_put_number(struct content_hasher *hasher, uint64_t number) {
    uint64_t bytes = htole64(number);
    content_put(hasher, &bytes, sizeof bytes);
}

static void content_put_text(struct content_hasher *hasher, struct text text) {
    content_put_number(hasher, text.length);
    content_put(hasher, text.data, text.length);
}

static void content_put_amount(struct content_hasher *hasher, struct amount amount) {
    char digits[AMOUNT_TEXT_MAX];
    size_t length = amount_format(amount, digits);
    content_put_text(hasher, (struct text){.data = digits, .length = length});
}

static void content_put_change(struct content_hasher *hasher, const struct change_input *input) {
    content_put_text(hasher, input->value_type);
    content_put_text(hasher, input->resource_name);
    content_put_text(hasher, input->resource_unit);
    content_put_text(hasher, input->resource_id);
    content_put_text(hasher, input->operation_name);
    content_put_text(hasher, input->operation_id);
    content_put_text(hasher, input->user_id);
    content_put_amount(hasher, input->value);
    content_put_number(hasher, input->has_effective);
    content_put_number(hasher, input->has_effective ? (uint64_t)input->effective_us : 0);
    content_put_number(hasher, input->has_metadata);
    content_put_text(hasher, input->metadata);
}

static void content_put_uuid(struct content_hasher *hasher, const struct uuid *id) {
    content_put(hasher, id->bytes, sizeof id->bytes);
}

/* A date that may be absent. */
static void content_put_date(struct content_hasher *hasher, bool has, int64_t date_us) {
    content_put_number(hasher, has);
    content_put_number(hasher, has ? (uint64_t)date_us : 0);
}

static void content_put_subscription(struct content_hasher *hasher,
                                     const struct subscription_input *input) {
    content_put_text(hasher, input->plan_name);
    content_put_text(hasher, input->plan_id);
    content_put_number(hasher, input->has_paid);
    content_put_number(hasher, input->paid);
    content_put_number(hasher, (uint64_t)input->periods);
    content_put_date(hasher, input->has_start, input->start_us);
    content_put_date(hasher, input->has_end, input->end_us);
    content_put_number(hasher, input->force);
}

static void content_put_quota(struct content_hasher *hasher, const struct quota_input *input) {
    content_put_text(hasher, input->resource_name);
    content_put_text(hasher, input->resource_id);
    content_put_amount(hasher, input->value);
}

static void content_put_rates(struct content_hasher *hasher, const struct rate_input *rates,
                              size_t count) {
    content_put_number(hasher, count);
    for (size_t i = 0; i < count; i++) {
        content_put_text(hasher, rates[i].id);
        content_put_amount(hasher, rates[i].rate);
        content_put_date(hasher, rates[i].has_effective, rates[i].effective_us);
    }
}

static void content_put_plan(struct content_hasher *hasher, const struct plan_input *input) {
    content_put_uuid(hasher, &input->id);
    content_put_text(hasher, input->name);
    content_put_text(hasher, input->description);
    content_put_number(hasher, input->default_count);
    for (size_t i = 0; i < input->default_count; i++) {
        const struct quota_default_input *row = &input->defaults[i];
        content_put_text(hasher, row->resource_name);
        content_put_text(hasher, row->resource_id);
        content_put_amount(hasher, row->value);
        content_put_date(hasher, row->has_effective, row->effective_us);
    }
    content_put_rates(hasher, input->rates, input->rate_count);
    content_put_number(hasher, input->replace);
    if (input->undated) content_put_number(hasher, true);
}

static void content_put_resource(struct content_hasher *hasher,
                                 const struct resource_input *input) {
    content_put_uuid(hasher, &input->id);
    content_put_text(hasher, input->name);
    content_put_text(hasher, input->unit);
    content_put_number(hasher, input->consumable);
}

static void content_put_addon(struct content_hasher *hasher, const struct addon_input *input) {
    const bool flags[] = {
        input->default_paid,          input->update_name,         input->update_description,
        input->update_resource_type,  input->update_default_amount,
        input->update_default_paid,   input->update_rates,        input->toggle_paid,
    };
    content_put_uuid(hasher, &input->id);
    content_put_text(hasher, input->name);
    content_put_text(hasher, input->description);
    content_put_text(hasher, input->resource_name);
    content_put_text(hasher, input->resource_id);
    content_put_amount(hasher, input->default_amount);
    for (size_t i = 0; i < sizeof flags; i++) content_put_number(hasher, flags[i]);
    content_put_rates(hasher, input->rates, input->rate_count);
}

static void content_put_applied(struct content_hasher *hasher, const struct applied_input *input) {
    content_put_uuid(hasher, &input->addon_id);
    content_put_number(hasher, input->update_amount);
    content_put_number(hasher, input->update_paid);
    content_put_amount(hasher, input->amount);
    content_put_number(hasher, input->paid);
}

/* ---- what CloudMC manages; a text, an id or a flag after whether it is there ---- */

static void content_put_given_text(struct content_hasher *hasher, bool has, struct text text) {
    content_put_number(hasher, has);
    content_put_text(hasher, has ? text : (struct text){0});
}

static void content_put_given_id(struct content_hasher *hasher, bool has, const struct uuid *id) {
    static const struct uuid nil;
    content_put_number(hasher, has);
    content_put_uuid(hasher, has ? id : &nil);
}

static void content_put_given_number(struct content_hasher *hasher, bool has, uint64_t number) {
    content_put_number(hasher, has);
    content_put_number(hasher, has ? number : 0);
}

static void content_put_ids(struct content_hasher *hasher, const struct uuid *ids, size_t count) {
    content_put_number(hasher, count);
    for (size_t i = 0; i < count; i++) content_put_uuid(hasher, &ids[i]);
}

static void content_put_organization(struct content_hasher *hasher,
                                     const struct organization_input *input) {
    content_put_given_text(hasher, input->has_name, input->name);
    content_put_given_text(hasher, input->has_entry_point, input->entry_point);
    content_put_given_id(hasher, input->has_parent, &input->parent_id);
    content_put_given_number(hasher, input->has_trial, input->is_trial);
    content_put_given_number(hasher, input->has_reseller, input->is_reseller);
    content_put_ids(hasher, input->connection_ids, input->connection_count);
}

static void content_put_cloud_user(struct content_hasher *hasher,
                                   const struct cloud_user_input *input) {
    content_put_given_id(hasher, input->has_organization, &input->organization_id);
    content_put_given_text(hasher, input->has_name, input->name);
    content_put_given_text(hasher, input->has_email, input->email);
    content_put_given_number(hasher, input->has_status, input->status);
    content_put_given_id(hasher, input->has_role, &input->role_id);
}

static void content_put_binding(struct content_hasher *hasher,
                                const struct role_binding_input *input) {
    content_put_uuid(hasher, &input->binding_id);
    content_put_given_id(hasher, input->has_role, &input->role_id);
    content_put_given_number(hasher, input->has_qualifier, input->qualifier);
    content_put_given_id(hasher, input->has_organization, &input->organization_id);
}

static void content_put_connection(struct content_hasher *hasher,
                                   const struct connection_input *input) {
    content_put_given_text(hasher, input->has_name, input->name);
    content_put_given_text(hasher, input->has_service_code, input->service_code);
    content_put_given_text(hasher, input->has_type, input->type);
    content_put_given_id(hasher, input->has_organization, &input->organization_id);
    content_put_given_number(hasher, input->has_supports_quotas, input->supports_quotas);
}

static void content_put_environment(struct content_hasher *hasher,
                                    const struct environment_input *input) {
    content_put_given_text(hasher, input->has_name, input->name);
    content_put_given_id(hasher, input->has_organization, &input->organization_id);
    content_put_given_id(hasher, input->has_connection, &input->connection_id);
}

static void content_put_cloud_quota(struct content_hasher *hasher,
                                    const struct cloud_quota_input *input) {
    content_put_given_text(hasher, input->has_name, input->name);
    content_put_given_text(hasher, input->has_description, input->description);
    content_put_given_id(hasher, input->has_connection, &input->connection_id);
    content_put_given_id(hasher, input->has_owner, &input->owner_id);
    content_put_number(hasher, input->default_for_service);
    content_put_number(hasher, input->default_for_trial);
    content_put_number(hasher, input->has_details);
    content_put_number(hasher, input->detail_count);
    for (size_t i = 0; i < input->detail_count; i++) {
        const struct quota_detail_input *detail = &input->details[i];
        content_put_given_text(hasher, detail->has_metric, detail->metric);
        content_put_number(hasher, detail->has_ceiling);
        content_put_amount(hasher, detail->has_ceiling ? detail->ceiling : amount_zero());
    }
}

static void content_put_apply(struct content_hasher *hasher,
                              const struct cloud_quota_apply_input *input) {
    content_put_given_id(hasher, input->has_quota, &input->quota_id);
    content_put_number(hasher, input->has_organizations);
    content_put_ids(hasher, input->organization_ids, input->organization_count);
}

static void content_put_touches(struct content_hasher *hasher,
                                const struct api_key_touch_input *input) {
    content_put_number(hasher, input->count);
    for (size_t i = 0; i < input->count; i++) {
        content_put_uuid(hasher, &input->touches[i].key_id);
        content_put_number(hasher, (uint64_t)input->touches[i].used_us);
        content_put_text(hasher, input->touches[i].address);
    }
}

/* Of a key only what it is for: a repeat of the request has made another one. */
static void content_put_cloud(struct content_hasher *hasher, const struct op *op) {
    switch (op->operation) {
    case OP_ORGANIZATION_CREATE:
    case OP_ORGANIZATION_UPDATE: content_put_organization(hasher, &op->in.organization); break;
    case OP_CLOUD_USER_CREATE:
    case OP_CLOUD_USER_UPDATE: content_put_cloud_user(hasher, &op->in.user); break;
    case OP_BINDING_CREATE:
    case OP_BINDING_DELETE: content_put_binding(hasher, &op->in.binding); break;
    case OP_API_KEY_CREATE:
        content_put_given_text(hasher, op->in.api_key.has_name, op->in.api_key.name);
        content_put_given_id(hasher, op->in.api_key.has_user, &op->in.api_key.user_id);
        break;
    case OP_API_KEY_TOUCH: content_put_touches(hasher, &op->in.touch); break;
    case OP_CONNECTION_CREATE:
    case OP_CONNECTION_UNASSIGN: content_put_connection(hasher, &op->in.connection); break;
    case OP_ENVIRONMENT_CREATE:
    case OP_ENVIRONMENT_UPDATE: content_put_environment(hasher, &op->in.environment); break;
    case OP_CLOUD_QUOTA_CREATE:
    case OP_CLOUD_QUOTA_UPDATE: content_put_cloud_quota(hasher, &op->in.cloud_quota); break;
    case OP_CLOUD_QUOTA_DELETE:
        content_put_given_id(hasher, op->in.quota_delete.has_substitute,
                             &op->in.quota_delete.substitute_id);
        break;
    case OP_CLOUD_QUOTA_DEFAULT:
        content_put_number(hasher, op->in.quota_default.service);
        content_put_number(hasher, op->in.quota_default.trial);
        break;
    case OP_CLOUD_QUOTA_APPLY: content_put_apply(hasher, &op->in.quota_apply); break;
    case OP_ORGANIZATION_DELETE:
    case OP_CLOUD_USER_DELETE:
    case OP_API_KEY_REVOKE:
    case OP_ENVIRONMENT_DELETE: break; /* the object in the path is all they say */
    default: assert(false);
    }
}

/* Every operation that writes is here: the compiler cannot say so, the tests do. */
static void content_put_input(struct content_hasher *hasher, const struct op *op) {
    switch (op->operation) {
    case OP_UPDATE_ADD:
    case OP_USAGE_ADD:
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD: content_put_change(hasher, &op->in.change); break;
    case OP_USER_ENSURE: break; /* the user is all it says */
    case OP_USER_ADD:
    case OP_SUBSCRIPTION_CHANGE:
    case OP_SUBSCRIPTION_CREATE: content_put_subscription(hasher, &op->in.subscription); break;
    case OP_QUOTA_SET:
    case OP_QUOTA_SET_USER: content_put_quota(hasher, &op->in.quota); break;
    case OP_PLAN_ADD:
    case OP_PLAN_RATES_ADD:
    case OP_PLAN_DEFAULTS_ADD: content_put_plan(hasher, &op->in.plan); break;
    case OP_RESOURCE_ADD:
    case OP_RESOURCE_UPDATE: content_put_resource(hasher, &op->in.resource); break;
    case OP_ADDON_ADD:
    case OP_ADDON_UPDATE:
    case OP_ADDON_DELETE: content_put_addon(hasher, &op->in.addon); break;
    case OP_ADDON_APPLY:
    case OP_APPLIED_UPDATE:
    case OP_APPLIED_DELETE: content_put_applied(hasher, &op->in.applied); break;
    default: content_put_cloud(hasher, op); break;
    }
}

static bool has_target_id(enum operation operation) {
    enum target target = operation_target(operation);
    return target == TARGET_SUBSCRIPTION || target == TARGET_SUBSCRIPTION_ADDON ||
           target == TARGET_DIRECTORY;
}

void content_hash(struct content_hasher *hasher, struct op *op) {
    assert(operation_effect(op->operation) == EFFECT_WRITE);
    int started = EVP_DigestInit_ex2(hasher->digest, hasher->algorithm, NULL);
    assert(started == 1);
    content_put_text(hasher, text_of(operation_name(op->operation)));
    if (has_target_id(op->operation)) content_put_uuid(hasher, &op->target_id);
    content_put_input(hasher, op);
    content_flush(hasher);
    int finished = EVP_DigestFinal_ex(hasher->digest, op->content, NULL);
    assert(finished == 1);
}

static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_hasher;

static void thread_close(void *hasher) {
    content_hasher_close(hasher);
}

static void thread_init(void) {
    int failed = pthread_key_create(&thread_hasher, thread_close);
    assert(failed == 0);
}

struct content_hasher *content_hasher_of_thread(void) {
    pthread_once(&thread_once, thread_init);
    struct content_hasher *hasher = pthread_getspecific(thread_hasher);
    if (hasher == NULL) {
        hasher = content_hasher_open();
        pthread_setspecific(thread_hasher, hasher);
    }
    return hasher;
}
