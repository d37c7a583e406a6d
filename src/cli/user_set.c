#include "cli/user_set.h"

#include <assert.h>

#include "base/arena.h"

enum { CAPACITY_FIRST = 256 };

#define SLOT_EMPTY INT64_C(-1)

static void allocate(struct user_set *set, size_t capacity) {
    *set = (struct user_set){.capacity = capacity};
    set->slots = memory_take(capacity * sizeof *set->slots);
    for (size_t i = 0; i < capacity; i++)
        set->slots[i] = SLOT_EMPTY;
}

void user_set_init(struct user_set *set) {
    allocate(set, CAPACITY_FIRST);
}

void user_set_close(struct user_set *set) {
    memory_give(set->slots);
}

static void grow(struct user_set *set) {
    struct user_set smaller = *set;
    allocate(set, 2 * smaller.capacity);
    for (size_t i = 0; i < smaller.capacity; i++)
        if (smaller.slots[i] != SLOT_EMPTY) user_set_add(set, smaller.slots[i]);
    user_set_close(&smaller);
}

void user_set_add(struct user_set *set, int64_t user) {
    assert(user >= 0);
    uint64_t hash = (uint64_t)user * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & (set->capacity - 1);
    while (set->slots[at] != SLOT_EMPTY && set->slots[at] != user)
        at = (at + 1) & (set->capacity - 1);
    if (set->slots[at] == user) return;
    set->slots[at] = user;
    if (2 * ++set->count > set->capacity) grow(set);
}
