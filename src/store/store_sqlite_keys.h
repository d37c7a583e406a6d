/* store_sqlite_keys.h: where the keys of requests lie: an index in memory over the table
 * request_key_groups, which is only ever written at its end and deleted from at its beginning.
 * Memory: 8 bytes a place, at most three quarters of them taken; a key that has been found is
 *         compared in its row, so that a fingerprint need not be unique. A row has many keys.
 * Transactions: what is added counts once it is committed. */
#ifndef QMS_STORE_STORE_SQLITE_KEYS_H
#define QMS_STORE_STORE_SQLITE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/uuid.h"

struct key_place {
    uint32_t fingerprint;
    uint32_t number; /* of the row, from base_id on; 0: free */
};

struct store_sqlite_keys {
    struct key_place *places;
    size_t place_count;        /* a power of two, or 0 */
    size_t taken;
    uint64_t seed;             /* of this process: nobody can aim at one place */
    int64_t base_id, next_id;  /* of rows; rows before first_id are gone */
    int64_t first_id;
    struct key_place *pending; /* of the open transaction; numbers are from next_id on */
    size_t pending_count, pending_capacity, pending_rows;
};

void store_sqlite_keys_open(struct store_sqlite_keys *keys);
void store_sqlite_keys_close(struct store_sqlite_keys *keys);

/* Forgets all, to be filled from the table: next_id is the id after its last row. */
void store_sqlite_keys_clear(struct store_sqlite_keys *keys, int64_t first_id, int64_t next_id);

uint32_t store_sqlite_keys_fingerprint(const struct store_sqlite_keys *keys, struct text key,
                                       const struct uuid *user_id, struct text operation,
                                       struct text principal);

/* A key and the row of the table that has it. */
void store_sqlite_keys_put(struct store_sqlite_keys *keys, uint32_t fingerprint, int64_t id);

/* The id for a new row, in the open transaction, and a key of the row that was begun last. */
int64_t store_sqlite_keys_begin_row(struct store_sqlite_keys *keys);
void store_sqlite_keys_add(struct store_sqlite_keys *keys, uint32_t fingerprint);
void store_sqlite_keys_commit(struct store_sqlite_keys *keys);
void store_sqlite_keys_rollback(struct store_sqlite_keys *keys);

/* The next row that may have the key, 0 when there is none; *at is 0 to begin with. */
int64_t store_sqlite_keys_next(const struct store_sqlite_keys *keys, uint32_t fingerprint,
                               size_t *at);

/* Rows before this one have been deleted. */
void store_sqlite_keys_forget(struct store_sqlite_keys *keys, int64_t first_id);

#endif
