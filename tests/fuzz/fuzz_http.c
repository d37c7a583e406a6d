/* The HTTP parser on any bytes at all: whatever packets they come in, it understands the same, and
 * it never takes more of a body than it was told to. The first bytes choose packets and limit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "support/http_transcript.h"

enum { CHOICE_BYTES = 4, BODY_BYTES_UNIT = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t split_randomly(void *context, size_t left) {
    uint32_t *state = context;
    *state = *state * 1664525 + 1013904223;
    size_t length = 1 + (*state >> 24) % ((*state >> 16) % 64 + 1);
    return length < left ? length : left;
}

static void compare(const struct buffer *whole, const struct buffer *parts, struct text stream) {
    if (text_equal(buffer_text(whole), buffer_text(parts))) return;
    fprintf(stderr, "%.*s\nwhole:\n%.*s\nin parts:\n%.*s\n", TEXT_ARGUMENTS(stream),
            TEXT_ARGUMENTS(buffer_text(whole)), TEXT_ARGUMENTS(buffer_text(parts)));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint32_t state = 0;
    struct buffer whole, parts;
    if (size < CHOICE_BYTES) return 0;
    memcpy(&state, data, sizeof state);
    uint64_t body_bytes_max = (uint64_t)data[0] * BODY_BYTES_UNIT;
    struct text stream = {.data = (const char *)data + CHOICE_BYTES,
                          .length = size - CHOICE_BYTES};
    buffer_init(&whole, SIZE_MAX / 2);
    buffer_init(&parts, SIZE_MAX / 2);
    http_transcript(&whole, stream, body_bytes_max, http_split_whole, NULL);
    http_transcript(&parts, stream, body_bytes_max, split_randomly, &state);
    compare(&whole, &parts, stream);
    buffer_reset(&parts);
    http_transcript(&parts, stream, body_bytes_max, http_split_bytes, NULL);
    compare(&whole, &parts, stream);
    buffer_close(&whole);
    buffer_close(&parts);
    return 0;
}
