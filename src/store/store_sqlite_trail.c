#include "store/store_sqlite_trail.h"

#include <inttypes.h>

#include "base/arena.h"

enum {
    STRIDE = 64,   /* fingerprints looked at together; gcc and clang make vectors of it */
    MANY_PART = 8, /* with a larger part of all rows, reading all in order is cheaper ... */
    MANY_MIN = 1000, /* ... unless there are few anyway */
};

void store_sqlite_trail_open(struct store_sqlite_trail *trail) {
    memset(trail, 0, sizeof *trail);
    pthread_mutex_init(&trail->mutex, NULL);
    trail->next_rowid = INT64_MIN;
}

static void clear(struct store_sqlite_trail *trail) {
    for (size_t i = 0; i < TRAIL_BLOCKS_MAX; i++) {
        memory_give(trail->blocks[i]);
        trail->blocks[i] = NULL;
    }
}

void store_sqlite_trail_close(struct store_sqlite_trail *trail) {
    clear(trail);
    pthread_mutex_destroy(&trail->mutex);
}

void store_sqlite_trail_forget(struct store_sqlite_trail *trail) {
    pthread_mutex_lock(&trail->mutex);
    clear(trail);
    trail->generation++;
    trail->next_rowid = INT64_MIN;
    trail->is_useless = false;
    pthread_mutex_unlock(&trail->mutex);
}

bool store_sqlite_trail_mark(struct store_sqlite_trail *trail, struct trail_mark *mark) {
    pthread_mutex_lock(&trail->mutex);
    *mark = (struct trail_mark){.generation = trail->generation, .next_rowid = trail->next_rowid};
    bool useful = !trail->is_useless;
    pthread_mutex_unlock(&trail->mutex);
    return useful;
}

/* Never 0. */
static uint16_t fingerprint(const struct uuid *user_id) {
    uint64_t halves[2];
    memcpy(halves, user_id->bytes, sizeof halves);
    uint64_t hash = (halves[0] ^ halves[1] * UINT64_C(0x9e3779b97f4a7c15)) *
                    UINT64_C(0xff51afd7ed558ccd);
    uint16_t top = (uint16_t)(hash >> 48);
    return top == 0 ? 1 : top;
}

static bool put(struct store_sqlite_trail *trail, const struct trail_row *row) {
    int64_t block = row->rowid / TRAIL_BLOCK_ROWS;
    if (row->rowid < 0 || block >= TRAIL_BLOCKS_MAX) return false;
    if (trail->blocks[block] == NULL)
        trail->blocks[block] = memory_take_zeroed(TRAIL_BLOCK_ROWS, sizeof(uint16_t));
    trail->blocks[block][row->rowid % TRAIL_BLOCK_ROWS] = fingerprint(&row->user_id);
    return true;
}

void store_sqlite_trail_add(struct store_sqlite_trail *trail, struct trail_mark *mark,
                            const struct trail_row *rows, size_t count) {
    if (count == 0) return;
    pthread_mutex_lock(&trail->mutex);
    /* Another reader may have come further meanwhile: then the same is written once more. */
    bool counts = mark->generation == trail->generation && mark->next_rowid <= trail->next_rowid;
    for (size_t i = 0; counts && i < count; i++)
        if (!put(trail, &rows[i])) trail->is_useless = true;
    mark->next_rowid = rows[count - 1].rowid + 1;
    if (counts && trail->next_rowid < mark->next_rowid) trail->next_rowid = mark->next_rowid;
    pthread_mutex_unlock(&trail->mutex);
}

static bool stride_has(const uint16_t *prints, uint16_t wanted) {
    unsigned any = 0;
    for (size_t i = 0; i < STRIDE; i++) any |= prints[i] == wanted;
    return any != 0;
}

static size_t find_in_block(const uint16_t *prints, uint16_t wanted, int64_t first_rowid,
                            struct buffer *rowids) {
    size_t found = 0;
    for (size_t at = 0; at < TRAIL_BLOCK_ROWS; at += STRIDE) {
        if (!stride_has(prints + at, wanted)) continue;
        for (size_t i = at; i < at + STRIDE; i++) {
            if (prints[i] != wanted) continue;
            buffer_format(rowids, "%s%" PRId64, rowids->length > 1 ? "," : "",
                          first_rowid + (int64_t)i);
            found++;
        }
    }
    return found;
}

bool store_sqlite_trail_find(struct store_sqlite_trail *trail, const struct trail_mark *mark,
                             const struct uuid *user_id, struct buffer *rowids) {
    uint16_t wanted = fingerprint(user_id);
    int64_t found = 0;
    buffer_put_char(rowids, '[');
    pthread_mutex_lock(&trail->mutex);
    int64_t many = trail->next_rowid / MANY_PART;
    if (many < MANY_MIN) many = MANY_MIN;
    bool useful = !trail->is_useless && mark->generation == trail->generation;
    for (int64_t i = 0; useful && i < TRAIL_BLOCKS_MAX; i++) {
        if (trail->blocks[i] == NULL) continue;
        found += (int64_t)find_in_block(trail->blocks[i], wanted, i * TRAIL_BLOCK_ROWS, rowids);
        useful = found <= many && !rowids->failed;
    }
    pthread_mutex_unlock(&trail->mutex);
    buffer_put_char(rowids, ']');
    return useful && !rowids->failed;
}
