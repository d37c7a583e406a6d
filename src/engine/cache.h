/* cache.h: accounts by user name, the least recently used first out.
 * Threads: none of its own; the engine's facts lock guards every call.
 * Invariant: an account that is held, or part of the batch in hand, is never evicted. */
#ifndef QMS_ENGINE_CACHE_H
#define QMS_ENGINE_CACHE_H

#include "domain/account.h"

struct cache {
    struct account **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, count_max;
    struct account *newest, *oldest;
};

void cache_init(struct cache *cache, size_t count_max);
void cache_close(struct cache *cache);

uint64_t cache_hash(struct text username);

struct account *cache_find(struct cache *cache, struct text username);
/* Adds an account that is not loaded yet. */
struct account *cache_add(struct cache *cache, struct text username);
void cache_use(struct cache *cache, struct account *account); /* now the newest */
void cache_drop(struct cache *cache, struct account *account);
void cache_drop_all(struct cache *cache);
/* Drops the oldest until count_max is met; returns how many. Accounts of batch stay. */
size_t cache_evict(struct cache *cache, uint64_t batch);

#endif
