#include "store/store_sqlite_keys.h"

#include <assert.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/hash.h"

enum { PLACES_MIN = 1024 };

void store_sqlite_keys_open(struct store_sqlite_keys *keys) {
    *keys = (struct store_sqlite_keys){.base_id = 0, .first_id = 1, .next_id = 1};
    ssize_t taken = getrandom(&keys->seed, sizeof keys->seed, 0);
    assert(taken == sizeof keys->seed);
}

void store_sqlite_keys_close(struct store_sqlite_keys *keys) {
    memory_give(keys->places);
    memory_give(keys->pending);
    keys->places = keys->pending = NULL;
}

void store_sqlite_keys_clear(struct store_sqlite_keys *keys, int64_t first_id, int64_t next_id) {
    assert(first_id >= 1);
    assert(next_id >= first_id);
    memory_give(keys->places);
    keys->places = NULL;
    keys->place_count = keys->taken = 0;
    store_sqlite_keys_rollback(keys);
    keys->base_id = first_id - 1;
    keys->first_id = first_id;
    keys->next_id = next_id;
}

uint32_t store_sqlite_keys_fingerprint(const struct store_sqlite_keys *keys, struct text key,
                                       const struct uuid *user_id, struct text operation,
                                       struct text principal) {
    uint64_t hash = keys->seed ^ HASH_BASIS;
    hash = hash_add(hash, key.data, key.length);
    hash = hash_add(hash, user_id->bytes, sizeof user_id->bytes);
    hash = hash_add(hash, operation.data, operation.length);
    hash = hash_add(hash, principal.data, principal.length);
    hash ^= hash >> 33; /* lets every bit count */
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    return (uint32_t)(hash >> 32);
}

/* Places follow the order of fingerprints, so that growing copies from front to back. */
static size_t home(const struct store_sqlite_keys *keys, uint32_t fingerprint) {
    return (size_t)((uint64_t)fingerprint * keys->place_count >> 32);
}

static bool is_live(const struct store_sqlite_keys *keys, const struct key_place *place) {
    return place->number != 0 && keys->base_id + place->number >= keys->first_id;
}

static void insert(struct store_sqlite_keys *keys, struct key_place place) {
    size_t at = home(keys, place.fingerprint);
    while (keys->places[at].number != 0) at = (at + 1) & (keys->place_count - 1);
    keys->places[at] = place;
    keys->taken++;
}

/* Room for this row; when all is moved for it, what is gone is left out, and numbers begin anew. */
static void make_room(struct store_sqlite_keys *keys, int64_t id) {
    if (keys->taken + 1 <= keys->place_count / 4 * 3 && id - keys->base_id <= UINT32_MAX) return;
    size_t old_count = keys->place_count, live = 0;
    struct key_place *old = keys->places;
    uint32_t shift = (uint32_t)(keys->first_id - 1 - keys->base_id);
    for (size_t i = 0; i < old_count; i++) live += is_live(keys, &old[i]);
    keys->place_count = PLACES_MIN;
    while (keys->place_count / 2 < live + 1) keys->place_count *= 2;
    keys->places = memory_take_zeroed(keys->place_count, sizeof *keys->places);
    keys->taken = 0;
    for (size_t i = 0; i < old_count; i++)
        if (is_live(keys, &old[i]))
            insert(keys, (struct key_place){old[i].fingerprint, old[i].number - shift});
    keys->base_id += shift;
    memory_give(old);
}

void store_sqlite_keys_put(struct store_sqlite_keys *keys, uint32_t fingerprint, int64_t id) {
    make_room(keys, id);
    int64_t number = id - keys->base_id;
    assert(number >= 1);
    assert(number <= UINT32_MAX); /* so many take 40 GB */
    insert(keys, (struct key_place){.fingerprint = fingerprint, .number = (uint32_t)number});
}

int64_t store_sqlite_keys_begin_row(struct store_sqlite_keys *keys) {
    return keys->next_id + (int64_t)keys->pending_rows++;
}

void store_sqlite_keys_add(struct store_sqlite_keys *keys, uint32_t fingerprint) {
    assert(keys->pending_rows > 0);
    if (keys->pending_count == keys->pending_capacity) {
        size_t capacity = keys->pending_capacity == 0 ? 256 : 2 * keys->pending_capacity;
        keys->pending = memory_resize(keys->pending, capacity, sizeof *keys->pending);
        keys->pending_capacity = capacity;
    }
    keys->pending[keys->pending_count++] =
        (struct key_place){fingerprint, (uint32_t)keys->pending_rows - 1};
}

void store_sqlite_keys_commit(struct store_sqlite_keys *keys) {
    for (size_t i = 0; i < keys->pending_count; i++)
        store_sqlite_keys_put(keys, keys->pending[i].fingerprint,
                              keys->next_id + keys->pending[i].number);
    keys->next_id += (int64_t)keys->pending_rows;
    store_sqlite_keys_rollback(keys);
}

void store_sqlite_keys_rollback(struct store_sqlite_keys *keys) {
    keys->pending_count = keys->pending_rows = 0;
}

int64_t store_sqlite_keys_next(const struct store_sqlite_keys *keys, uint32_t fingerprint,
                               size_t *at) {
    if (keys->place_count == 0) return 0;
    for (;;) {
        size_t place = (home(keys, fingerprint) + *at) & (keys->place_count - 1);
        const struct key_place *found = &keys->places[place];
        if (found->number == 0) return 0;
        ++*at;
        if (found->fingerprint == fingerprint && is_live(keys, found))
            return keys->base_id + found->number;
    }
}

void store_sqlite_keys_forget(struct store_sqlite_keys *keys, int64_t first_id) {
    assert(first_id >= keys->first_id);
    keys->first_id = first_id;
}
