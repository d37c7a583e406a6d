#include "support/message_fuzz.h"

#include <assert.h>

#include "proto/messages.h"
#include "wire/message_copy.h"

struct text message_fuzz_open(struct message_fuzz *fuzz, const uint8_t *data, size_t size) {
    size_t types = 0;
    arena_init(&fuzz->arena, 4096);
    buffer_init(&fuzz->out, SIZE_MAX / 2);
    while (message_types[types] != NULL) types++;
    fuzz->type = message_types[size == 0 ? 0 : data[0] % types];
    if (fuzz->type->is_map_entry) fuzz->type = &message_header_header; /* never alone */
    if (size == 0) return (struct text){0};
    return (struct text){.data = (const char *)data + 1, .length = size - 1};
}

void message_fuzz_close(struct message_fuzz *fuzz) {
    buffer_close(&fuzz->out);
    arena_close(&fuzz->arena);
}

/* Written once, what qms does not hold is gone: nanoseconds, enums of the future, NaN. From then on
 * nothing changes. */
static void again(struct message_fuzz *fuzz, const struct message *message,
                  enum message_encoding encoding) {
    struct qms_error error;
    buffer_reset(&fuzz->out);
    message_copy(message, encoding, &fuzz->out);
    struct text written = arena_text(&fuzz->arena, buffer_text(&fuzz->out));
    const struct message *decoded =
        encoding == MESSAGE_JSON
            ? message_decode_json(message->type, written, true, &fuzz->arena, &error)
            : message_decode_binary(message->type, written, true, &fuzz->arena, &error);
    assert(decoded != NULL);
    buffer_reset(&fuzz->out);
    message_copy(decoded, encoding, &fuzz->out);
    assert(text_equal(buffer_text(&fuzz->out), written));
}

void message_fuzz_again(struct message_fuzz *fuzz, const struct message *message,
                        enum message_encoding encoding) {
    again(fuzz, message, MESSAGE_JSON);
    again(fuzz, message, encoding); /* which leaves its bytes in fuzz->out */
}
