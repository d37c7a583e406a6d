#include "base/uuid.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

/* The counter of uuid_make() takes the 12 bits after the version and the first 14 after the
 * variant. It starts anew, at random, in the lower half of its range every millisecond. */
enum {
    SEQUENCE_BITS = 26,
    SEQUENCE_LOW_BITS = 14,
};
#define SEQUENCE_MAX ((UINT32_C(1) << SEQUENCE_BITS) - 1)
#define MS_MAX ((INT64_C(1) << 48) - 1)

bool uuid_is_nil(const struct uuid *uuid) {
    static const struct uuid nil;
    return uuid_equal(uuid, &nil);
}

static bool hyphen_follows(size_t byte) {
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

bool uuid_parse(struct text text, struct uuid *uuid) {
    if (text.length != UUID_TEXT_BYTES) return false;
    struct uuid parsed;
    const char *in = text.data;
    for (size_t i = 0; i < sizeof parsed.bytes; i++) {
        int high = text_hex_digit(*in++), low = text_hex_digit(*in++);
        if (high < 0 || low < 0) return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
        if (hyphen_follows(i) && *in++ != '-') return false;
    }
    *uuid = parsed;
    return true;
}

void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        *out++ = digits[uuid->bytes[i] >> 4];
        *out++ = digits[uuid->bytes[i] & 15];
        if (hyphen_follows(i)) *out++ = '-';
    }
}

/* splitmix64: spreads one seed over a state. */
static uint64_t spread(uint64_t *seed) {
    uint64_t mixed = *seed += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static uint64_t rotate(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

/* xoshiro256**: identifiers have to differ, they need not be secret. */
static uint64_t random_word(struct uuid_source *source) {
    uint64_t *state = source->state;
    uint64_t result = rotate(state[1] * 5, 7) * 9, shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

void uuid_source_init(struct uuid_source *source) {
    *source = (struct uuid_source){.last_ms = -1};
    ssize_t taken;
    do {
        taken = getrandom(source->state, sizeof source->state, 0);
    } while (taken < 0 && errno == EINTR);
    assert(taken == (ssize_t)sizeof source->state);
}

void uuid_source_init_seed(struct uuid_source *source, uint64_t seed) {
    *source = (struct uuid_source){.last_ms = -1};
    for (size_t i = 0; i < sizeof source->state / sizeof source->state[0]; i++)
        source->state[i] = spread(&seed);
}

static void put_big_endian(uint8_t *out, uint64_t word) {
    for (int i = 7; i >= 0; i--, word >>= 8) out[i] = (uint8_t)word;
}

static struct uuid uuid_of(uint64_t high, uint64_t low, unsigned version) {
    struct uuid uuid;
    put_big_endian(uuid.bytes, high);
    put_big_endian(uuid.bytes + 8, low);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | version << 4);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid;
}

/* A clock that stands still or goes back leaves last_ms where it is and only counts on. */
struct uuid uuid_make(struct uuid_source *source, int64_t now_us) {
    uint64_t random = random_word(source);
    int64_t now_ms = now_us < 0 ? 0 : now_us / 1000;
    if (now_ms > source->last_ms) {
        source->last_ms = now_ms;
        source->sequence = (uint32_t)(random >> 32) & SEQUENCE_MAX >> 1;
    } else if (source->sequence < SEQUENCE_MAX) {
        source->sequence++;
    } else {
        source->last_ms++;
        source->sequence = 0;
    }
    assert(source->last_ms <= MS_MAX);

    uint64_t sequence = source->sequence;
    uint64_t sequence_low = sequence & ((1 << SEQUENCE_LOW_BITS) - 1);
    uint64_t high = (uint64_t)source->last_ms << 16 | sequence >> SEQUENCE_LOW_BITS;
    uint64_t low = sequence_low << 48 | (random_word(source) >> 16);
    return uuid_of(high, low, 7);
}

struct uuid uuid_make_random(struct uuid_source *source) {
    uint64_t high = random_word(source), low = random_word(source);
    return uuid_of(high, low, 4);
}
