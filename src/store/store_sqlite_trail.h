/* store_sqlite_trail.h: which rows of the audit trail may be a user's: two bytes a row in memory,
 * by rowid, instead of an index in the file, which would double what a commit writes (see
 * migrations/sqlite/0001_data_model.sql). Nothing is done when a row is written: who looks for a
 * user first adds the rows that came since the last look. A row that has been found is compared,
 * so that a fingerprint need not be unique.
 * Threads: any; a lock is held only for what happens in memory. */
#ifndef QMS_STORE_STORE_SQLITE_TRAIL_H
#define QMS_STORE_STORE_SQLITE_TRAIL_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/uuid.h"

enum {
    TRAIL_BLOCK_ROWS = 1 << 16,
    TRAIL_BLOCKS_MAX = 1 << 11, /* 256 MiB; with more rows, they are all read */
    TRAIL_ROWS_MAX = TRAIL_BLOCK_ROWS * TRAIL_BLOCKS_MAX,
};

struct store_sqlite_trail {
    pthread_mutex_t mutex;
    uint64_t generation;      /* how often it was forgotten */
    int64_t next_rowid;       /* rows before it are known */
    bool is_useless;          /* a row does not fit */
    uint16_t *blocks[TRAIL_BLOCKS_MAX]; /* fingerprints; 0: there is no such row */
};

/* Where to go on reading rows, and for which generation what is read counts. */
struct trail_mark {
    uint64_t generation;
    int64_t next_rowid;
};

struct trail_row {
    int64_t rowid;
    struct uuid user_id;
};

void store_sqlite_trail_open(struct store_sqlite_trail *trail);
void store_sqlite_trail_close(struct store_sqlite_trail *trail);

/* Somebody else wrote: any row may have changed. */
void store_sqlite_trail_forget(struct store_sqlite_trail *trail);

/* False: it is of no use; read all rows. */
bool store_sqlite_trail_mark(struct store_sqlite_trail *trail, struct trail_mark *mark);

/* All rows from the mark on up to the last of these, by rowid; the mark moves behind it. */
void store_sqlite_trail_add(struct store_sqlite_trail *trail, struct trail_mark *mark,
                            const struct trail_row *rows, size_t count);

/* Writes the rowids before the mark of what may be the user's, and perhaps some behind it, as a
 * JSON array. False: they are so many that all rows are better read, or it was forgotten since the
 * mark was taken. */
bool store_sqlite_trail_find(struct store_sqlite_trail *trail, const struct trail_mark *mark,
                             const struct uuid *user_id, struct buffer *rowids);

#endif
