/* message_fuzz.h: what the fuzzers of both encodings of messages have in common. */
#ifndef QMS_TESTS_SUPPORT_MESSAGE_FUZZ_H
#define QMS_TESTS_SUPPORT_MESSAGE_FUZZ_H

#include "base/buffer.h"
#include "support/message_any.h"

struct message_fuzz {
    struct arena arena;
    struct buffer out;
    const struct message_type *type;
};

/* The type that the first byte stands for, and the payload behind it. */
struct text message_fuzz_open(struct message_fuzz *fuzz, const uint8_t *data, size_t size);
void message_fuzz_close(struct message_fuzz *fuzz);

/* Asserts that a decoded message, written, decoded and written again, stays the same: in JSON, and
 * in an encoding, whose bytes are left in out. */
void message_fuzz_again(struct message_fuzz *fuzz, const struct message *message,
                        enum message_encoding encoding);

#endif
