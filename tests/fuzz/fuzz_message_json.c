/* Any bytes as JSON of any message: the first byte says which. What is accepted is JSON, and
 * can be written again; with unknown members refused, less is accepted. */
#include "support/message_fuzz.h"

#include <assert.h>

#include "wire/json_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct message_fuzz fuzz;
    struct text payload = message_fuzz_open(&fuzz, data, size);
    struct qms_error error = {0};
    const struct message *message =
        message_decode_json(fuzz.type, payload, false, &fuzz.arena, &error);
    assert((message != NULL) == (error.code == QMS_OK));
    if (message != NULL) {
        struct json_reader reader;
        json_open(&reader, payload, &fuzz.arena);
        assert(json_skip(&reader) && json_finish(&reader));
        message_fuzz_again(&fuzz, message, MESSAGE_JSON);
    }
    if (message_decode_json(fuzz.type, payload, true, &fuzz.arena, &error) != NULL)
        assert(message != NULL);
    message_fuzz_close(&fuzz);
    return 0;
}
