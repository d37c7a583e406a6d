#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/exact.h"
#include "support/json_compare.h"
#include "support/message_any.h"
#include "support/sanitized.h"
#include "wire/message_copy.h"
#include "wire/message_private.h"

enum { MESSAGES_OF_EACH_TYPE = SANITIZED ? 20 : 60 };

struct fixture {
    struct arena arena;
    struct buffer out, again;
    struct qms_error error;
};

static int set_up(void **state) {
    static struct fixture f;
    arena_init(&f.arena, 1 << 16);
    buffer_init(&f.out, 1 << 24);
    buffer_init(&f.again, 1 << 24);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    buffer_close(&f->out);
    buffer_close(&f->again);
    return 0;
}

/* Timestamps are fields; alone they are nothing that anybody sends. */
static bool is_sent(const struct message_type *type) {
    return type != &message_google_protobuf_timestamp && !type->is_map_entry;
}

static const struct message *decode(struct fixture *f, const struct message_type *type,
                                    enum message_encoding encoding, const struct buffer *out) {
    struct text payload = arena_text(&f->arena, buffer_text(out));
    const struct message *message =
        encoding == MESSAGE_JSON
            ? message_decode_json(type, payload, true, &f->arena, &f->error)
            : message_decode_binary(type, payload, true, &f->arena, &f->error);
    if (message == NULL) fail_msg("%s: %s", type->descriptor->name, f->error.text);
    return message;
}

static void each_message(struct fixture *f, enum message_amounts amounts,
                         void (*check)(struct fixture *f, const struct message *message)) {
    uint64_t seed = 20260812;
    for (size_t i = 0; message_types[i] != NULL; i++) {
        for (int n = 0; is_sent(message_types[i]) && n < MESSAGES_OF_EACH_TYPE; n++) {
            arena_reset(&f->arena);
            buffer_reset(&f->out);
            buffer_reset(&f->again);
            check(f, message_any_random(message_types[i], amounts, &seed, &f->arena));
        }
    }
}

static void check_json(struct fixture *f, const struct message *message) {
    const char *complaint;
    message_copy(message, MESSAGE_JSON, &f->out);
    assert_false(f->out.failed);
    const struct message *decoded = decode(f, message->type, MESSAGE_JSON, &f->out);
    if (!message_any_equal(message, decoded)) fail_msg("%.*s", TEXT_ARGUMENTS(f->out));
    assert_int_equal(json_compare(buffer_text(&f->out), &complaint), JSON_BOTH_ACCEPT);
}

static void every_message_survives_json(void **state) {
    each_message(*state, AMOUNTS_ANY, check_json);
}

static void check_binary(struct fixture *f, const struct message *message) {
    message_copy(message, MESSAGE_BINARY, &f->out);
    assert_false(f->out.failed);
    const struct message *decoded = decode(f, message->type, MESSAGE_BINARY, &f->out);
    if (!message_any_equal(message, decoded))
        fail_msg("a %s differs", message->type->descriptor->name);
}

static void every_message_survives_binary(void **state) {
    each_message(*state, AMOUNTS_BINARY, check_binary);
}

/* What we write protobuf-c reads, and what it writes of that we read as what it was. */
static void check_protobuf_c(struct fixture *f, const struct message *message) {
    const ProtobufCMessageDescriptor *descriptor = message->type->descriptor;
    message_copy(message, MESSAGE_BINARY, &f->out);
    ProtobufCMessage *unpacked = protobuf_c_message_unpack(
        descriptor, NULL, f->out.length, (const uint8_t *)(f->out.length == 0 ? "" : f->out.data));
    assert_non_null(unpacked);
    assert_null(unpacked->unknown_fields);
    size_t bytes = protobuf_c_message_get_packed_size(unpacked);
    char *room = buffer_reserve(&f->again, bytes + 1);
    buffer_advance(&f->again, protobuf_c_message_pack(unpacked, (uint8_t *)room));
    protobuf_c_message_free_unpacked(unpacked, NULL);
    assert_true(message_any_equal(message, decode(f, message->type, MESSAGE_BINARY, &f->again)));
}

static void protobuf_c_agrees_on_every_message(void **state) {
    each_message(*state, AMOUNTS_BINARY, check_protobuf_c);
}

/* Cut anywhere, a binary message is another message or none; it never reads beyond its end. */
static void check_cut(struct fixture *f, const struct message *message) {
    message_copy(message, MESSAGE_BINARY, &f->out);
    for (size_t length = 0; length < f->out.length && length < 200; length++) {
        struct text payload = exact_copy(&f->arena, (struct text){f->out.data, length});
        message_decode_binary(message->type, payload, false, &f->arena, &f->error);
    }
}

static void messages_cut_anywhere_do_no_harm(void **state) {
    each_message(*state, AMOUNTS_BINARY, check_cut);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_message_survives_json),
        CASE(every_message_survives_binary),
        CASE(protobuf_c_agrees_on_every_message),
        CASE(messages_cut_anywhere_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
