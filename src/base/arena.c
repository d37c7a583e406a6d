#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

struct arena_block {
    struct arena_block *older;
    size_t capacity, used;
    alignas(max_align_t) char data[];
};

static void out_of_memory(size_t bytes) {
    fprintf(stderr, "qms: out of memory (%zu bytes were needed)\n", bytes);
    abort();
}

void *memory_take(size_t bytes) {
    void *piece = malloc(bytes == 0 ? 1 : bytes);
    if (piece == NULL) out_of_memory(bytes);
    return piece;
}

void *memory_take_zeroed(size_t count, size_t bytes) {
    void *piece = count == 0 || bytes == 0 ? calloc(1, 1) : calloc(count, bytes);
    if (piece == NULL) out_of_memory(count * bytes);
    return piece;
}

void *memory_resize(void *piece, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) out_of_memory(SIZE_MAX);
    void *resized = realloc(piece, total == 0 ? 1 : total);
    if (resized == NULL) out_of_memory(total);
    return resized;
}

void memory_give(void *piece) {
    free(piece);
}

static struct arena_block *block_make(size_t capacity) {
    size_t total;
    if (__builtin_add_overflow(sizeof(struct arena_block), capacity, &total))
        out_of_memory(SIZE_MAX);
    struct arena_block *block = memory_take(total);
    block->older = NULL;
    block->capacity = capacity;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->data, capacity);
    return block;
}

static void block_free(struct arena_block *block) {
    ASAN_UNPOISON_MEMORY_REGION(block->data, block->capacity);
    memory_give(block);
}

void arena_init(struct arena *arena, size_t block_bytes) {
    assert(block_bytes > 0);
    *arena = (struct arena){.block_bytes = block_bytes};
}

static void *block_take(struct arena_block *block, size_t bytes) {
    char *piece = block->data + block->used;
    block->used += bytes;
    return piece;
}

/* A piece larger than a block gets one of its own, linked behind the current one so that the room
 * left there is still used. */
static void *arena_take_from_new_block(struct arena *arena, size_t bytes) {
    struct arena_block *current = arena->current;
    struct arena_block *block = block_make(bytes > arena->block_bytes ? bytes : arena->block_bytes);
    if (bytes > arena->block_bytes && current != NULL) {
        block->older = current->older;
        current->older = block;
    } else {
        block->older = current;
        arena->current = block;
    }
    return block_take(block, bytes);
}

void *arena_take(struct arena *arena, size_t bytes) {
    size_t rounded = bytes == 0 ? 1 : bytes;
    if (__builtin_add_overflow(rounded, alignof(max_align_t) - 1, &rounded))
        out_of_memory(SIZE_MAX);
    rounded &= ~(alignof(max_align_t) - 1);

    struct arena_block *current = arena->current;
    void *piece = current != NULL && current->capacity - current->used >= rounded
                      ? block_take(current, rounded)
                      : arena_take_from_new_block(arena, rounded);
    arena->taken_bytes += rounded;
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    return piece;
}

void *arena_take_zeroed(struct arena *arena, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) out_of_memory(SIZE_MAX);
    void *piece = arena_take(arena, total);
    if (total > 0) memset(piece, 0, total);
    return piece;
}

struct text arena_text(struct arena *arena, struct text text) {
    size_t bytes;
    if (__builtin_add_overflow(text.length, 1, &bytes)) out_of_memory(SIZE_MAX);
    char *copy = arena_take(arena, bytes);
    if (text.length > 0) memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return (struct text){.data = copy, .length = text.length};
}

struct text arena_format(struct arena *arena, const char *format, ...) {
    assert(format != NULL);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    char *data = arena_take(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(data, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return (struct text){.data = data, .length = (size_t)length};
}

/* Keeps one block of the usual size: a single huge piece must not stay for ever. */
void arena_reset(struct arena *arena) {
    struct arena_block *kept = NULL;
    for (struct arena_block *block = arena->current, *older; block != NULL; block = older) {
        older = block->older;
        if (kept == NULL && block->capacity == arena->block_bytes) {
            kept = block;
        } else {
            block_free(block);
        }
    }
    if (kept != NULL) {
        kept->older = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->data, kept->capacity);
    }
    arena->current = kept;
    arena->taken_bytes = 0;
}

void arena_close(struct arena *arena) {
    arena_reset(arena);
    if (arena->current != NULL) block_free(arena->current);
    arena->current = NULL;
}
