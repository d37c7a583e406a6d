/* arena.h: memory that is taken piece by piece and given back all at once.
 * Invariant: what arena_take() returned stays valid until arena_reset() or arena_close().
 * Threads:   one at a time; the owner says which.
 * Errors:    none. Everything that fills an arena is bounded by limits.h, so running out of memory
 *            is a fault of the machine and ends the process with a message. */
#ifndef QMS_BASE_ARENA_H
#define QMS_BASE_ARENA_H

#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *current; /* newest block; older ones are linked behind it */
    size_t block_bytes;          /* size of a new block, unless a piece needs more */
    size_t taken_bytes;          /* handed out since the last reset */
};

/* Takes no memory until the first piece is taken. */
void arena_init(struct arena *arena, size_t block_bytes);

/* Uninitialized memory, aligned for any type; never NULL, also for 0 bytes. */
void *arena_take(struct arena *arena, size_t bytes);

/* The same, zeroed, for count elements; the product is checked. */
void *arena_take_zeroed(struct arena *arena, size_t count, size_t bytes);

/* A copy of the text in the arena. Its data is followed by a zero byte that is not counted. */
struct text arena_text(struct arena *arena, struct text text);

/* Formatted text, zero-terminated beyond its length. */
struct text arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Everything taken becomes invalid; one block is kept for reuse. */
void arena_reset(struct arena *arena);

/* As reset, and all memory goes back. The arena may be used again. */
void arena_close(struct arena *arena);

/* malloc, calloc, realloc and free for long-lived structures, ending the process when memory is
 * out. All heap memory of qms comes from here or from an arena. */
void *memory_take(size_t bytes);
void *memory_take_zeroed(size_t count, size_t bytes);
void *memory_resize(void *piece, size_t count, size_t bytes);
void memory_give(void *piece);

#endif
