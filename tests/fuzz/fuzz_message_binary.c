/* Any bytes as any message in binary: the first byte says which. What is accepted can be written
 * again, for protobuf-c too; with unknown fields refused, less is accepted; and a payload of
 * unknown encoding is decoded as one of the two. */
#include <assert.h>
#include <protobuf-c/protobuf-c.h>

#include "support/message_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_protobuf_c(const struct message_type *type, struct text payload) {
    ProtobufCMessage *unpacked = protobuf_c_message_unpack(
        type->descriptor, NULL, payload.length, (const uint8_t *)payload.data);
    assert(unpacked != NULL);
    protobuf_c_message_free_unpacked(unpacked, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct message_fuzz fuzz;
    struct text payload = message_fuzz_open(&fuzz, data, size);
    struct qms_error error = {0};
    enum message_encoding encoding;
    const struct message *message =
        message_decode_binary(fuzz.type, payload, false, &fuzz.arena, &error);
    assert((message != NULL) == (error.code == QMS_OK));
    if (message != NULL) {
        message_fuzz_again(&fuzz, message, MESSAGE_BINARY);
        expect_protobuf_c(fuzz.type, buffer_text(&fuzz.out));
    }
    if (message_decode_binary(fuzz.type, payload, true, &fuzz.arena, &error) != NULL)
        assert(message != NULL);
    message = message_decode(fuzz.type, payload, false, &fuzz.arena, &encoding, &error);
    if (message != NULL) message_fuzz_again(&fuzz, message, encoding);
    message_fuzz_close(&fuzz);
    return 0;
}
