/* uuid.h: 16 bytes inside, 36 lower-case characters outside (qms-operations 2.2). */
#ifndef QMS_BASE_UUID_H
#define QMS_BASE_UUID_H

#include "base/text.h"

enum { UUID_TEXT_BYTES = 36 };

struct uuid {
    uint8_t bytes[16];
};

static inline bool uuid_equal(const struct uuid *left, const struct uuid *right) {
    return memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static inline int uuid_compare(const struct uuid *left, const struct uuid *right) {
    return memcmp(left->bytes, right->bytes, sizeof left->bytes);
}

bool uuid_is_nil(const struct uuid *uuid);

/* Only the 36-character form, in any case. *uuid is written only on success. */
bool uuid_parse(struct text text, struct uuid *uuid);

/* Writes 36 characters, no zero. */
void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_BYTES]);

/* Makes version 7 UUIDs that sort in the order they were made, also within a millisecond.
 * One source per thread; its random state is seeded from the system once. */
struct uuid_source {
    uint64_t state[4];
    int64_t last_ms;
    uint32_t sequence;
};

void uuid_source_init(struct uuid_source *source);               /* seeded by the kernel */
void uuid_source_init_seed(struct uuid_source *source, uint64_t seed); /* repeatable, for tests */
struct uuid uuid_make(struct uuid_source *source, int64_t now_us);
struct uuid uuid_make_random(struct uuid_source *source);        /* version 4 */

#endif
