#include "engine/cache.h"

#include <assert.h>

#include "base/hash.h"

void cache_init(struct cache *cache, size_t count_max) {
    assert(count_max > 0);
    size_t buckets = 1024;
    while (buckets < 2 * count_max) buckets *= 2;
    *cache = (struct cache){
        .buckets = memory_take_zeroed(buckets, sizeof *cache->buckets),
        .bucket_count = buckets,
        .count_max = count_max,
    };
}

void cache_close(struct cache *cache) {
    cache_drop_all(cache);
    memory_give(cache->buckets);
    cache->buckets = NULL;
}

/* Short names, and a table that no client can see into by more than its timing. */
uint64_t cache_hash(struct text username) {
    uint64_t hash = hash_add(HASH_BASIS, username.data, username.length);
    return hash ^ hash >> 32;
}

static size_t cache_bucket(const struct cache *cache, struct text username) {
    return (size_t)cache_hash(username) & (cache->bucket_count - 1);
}

struct account *cache_find(struct cache *cache, struct text username) {
    struct account *account = cache->buckets[cache_bucket(cache, username)];
    while (account != NULL && !text_equal(account->username, username)) {
        account = account->hash_next;
    }
    return account;
}

static void cache_link_newest(struct cache *cache, struct account *account) {
    account->newer = NULL;
    account->older = cache->newest;
    if (cache->newest != NULL) cache->newest->newer = account;
    cache->newest = account;
    if (cache->oldest == NULL) cache->oldest = account;
}

static void cache_unlink(struct cache *cache, struct account *account) {
    if (account->newer != NULL) account->newer->older = account->older;
    if (account->older != NULL) account->older->newer = account->newer;
    if (cache->newest == account) cache->newest = account->older;
    if (cache->oldest == account) cache->oldest = account->newer;
}

struct account *cache_add(struct cache *cache, struct text username) {
    struct account *account = memory_take_zeroed(1, sizeof *account);
    account_init(account, username);
    account->want_from_us = TIME_NEVER;
    struct account **bucket = &cache->buckets[cache_bucket(cache, username)];
    account->hash_next = *bucket;
    *bucket = account;
    cache_link_newest(cache, account);
    cache->count++;
    return account;
}

void cache_use(struct cache *cache, struct account *account) {
    if (cache->newest == account) return;
    cache_unlink(cache, account);
    cache_link_newest(cache, account);
}

void cache_drop(struct cache *cache, struct account *account) {
    struct account **link = &cache->buckets[cache_bucket(cache, account->username)];
    while (*link != account) {
        assert(*link != NULL);
        link = &(*link)->hash_next;
    }
    *link = account->hash_next;
    cache_unlink(cache, account);
    cache->count--;
    account_close(account);
    memory_give(account);
}

void cache_drop_all(struct cache *cache) {
    while (cache->oldest != NULL) cache_drop(cache, cache->oldest);
    assert(cache->count == 0);
}

size_t cache_evict(struct cache *cache, uint64_t batch) {
    size_t evicted = 0;
    struct account *account = cache->oldest;
    while (cache->count > cache->count_max && account != NULL) {
        struct account *newer = account->newer;
        if (!account->held && account->batch != batch) {
            cache_drop(cache, account);
            evicted++;
        }
        account = newer;
    }
    return evicted;
}
