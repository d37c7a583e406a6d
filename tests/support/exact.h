/* exact.h: input as it comes from the network, with nothing of ours behind it.
 * Ownership: the copy lies in the arena, which is poisoned around it for the address sanitizer. */
#ifndef QMS_TESTS_SUPPORT_EXACT_H
#define QMS_TESTS_SUPPORT_EXACT_H

#include "base/arena.h"

/* A copy of exactly the input's length, so that a sanitizer sees a byte read behind it. */
static inline struct text exact_copy(struct arena *arena, struct text input) {
    char *copy = arena_take(arena, input.length);
    memcpy(copy, input.data, input.length);
    return (struct text){.data = copy, .length = input.length};
}

#endif
