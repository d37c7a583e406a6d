/* hash.h: FNV-1a, for tables in memory. Quick and no secret: where outsiders choose what is hashed
 * and could fill one bucket with it, the hash begins with a random seed. Never stored. */
#ifndef QMS_BASE_HASH_H
#define QMS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static const uint64_t HASH_BASIS = UINT64_C(14695981039346656037); /* to begin with */

static inline uint64_t hash_add(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
