#include "domain/account.h"

/* Room for one subscription with a few quotas and usages: tens of thousands of accounts are cached,
 * most of them just that large. */
enum { ACCOUNT_BLOCK_BYTES = 1024 };

void account_init(struct account *account, struct text username) {
    char *name = memory_take(username.length);
    if (username.length > 0) memcpy(name, username.data, username.length);
    *account = (struct account){
        .username = {.data = name, .length = username.length},
        .needed = ROWS_ALL,
    };
    arena_init(&account->arena, ACCOUNT_BLOCK_BYTES);
}

void account_close(struct account *account) {
    arena_close(&account->arena);
    memory_give((char *)account->username.data);
    *account = (struct account){0};
}

/* The cache links stay: the account is still in the cache. */
void account_forget(struct account *account) {
    arena_reset(&account->arena);
    account->subscriptions = NULL;
    account->ends_from_us = 0;
    account->user_id = (struct uuid){0};
    account->exists = false;
    account->writable = 0;
    account->loaded = account->broken = account->busy = false;
    account->dirty = ROW_CLEAN;
}

int account_order(const void *left, const void *right) {
    const struct account *const *a = left, *const *b = right;
    return text_compare((*a)->username, (*b)->username);
}

static bool is_active(const struct subscription *subscription, int64_t at_us) {
    return subscription->start_us <= at_us && at_us <= subscription->end_us;
}

static bool has_length(const struct subscription *subscription) {
    return subscription->start_us < subscription->end_us;
}

static bool is_preferred(const struct subscription *subscription,
                         const struct subscription *other) {
    if (has_length(subscription) != has_length(other)) return has_length(subscription);
    if (subscription->start_us != other->start_us)
        return subscription->start_us > other->start_us;
    return uuid_compare(&subscription->id, &other->id) < 0;
}

struct subscription *subscription_active(const struct account *account, int64_t at_us) {
    struct subscription *active = NULL;
    for (struct subscription *row = account->subscriptions; row != NULL; row = row->next) {
        if (!is_active(row, at_us)) continue;
        if (active == NULL || is_preferred(row, active)) active = row;
    }
    return active;
}

struct subscription *subscription_find(const struct account *account, const struct uuid *id) {
    struct subscription *row = account->subscriptions;
    while (row != NULL && !uuid_equal(&row->id, id)) row = row->next;
    return row;
}

struct quantity *quantity_find(struct quantity *first, const struct uuid *resource_type_id) {
    struct quantity *row = first;
    while (row != NULL && !uuid_equal(&row->resource_type_id, resource_type_id)) row = row->next;
    return row;
}
