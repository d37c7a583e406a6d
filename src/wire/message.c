#include "wire/message.h"

#include <assert.h>

#include "domain/date.h"
#include "wire/message_private.h"

enum message_kind message_kind(const ProtobufCFieldDescriptor *field) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: return KIND_TEXT;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return KIND_AMOUNT;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_INT64: return KIND_INTEGER;
    case PROTOBUF_C_TYPE_ENUM: return KIND_ENUM;
    case PROTOBUF_C_TYPE_BOOL: return KIND_FLAG;
    default: break;
    }
    assert(field->type == PROTOBUF_C_TYPE_MESSAGE); /* no message has a field of another type */
    return KIND_MESSAGE;
}

unsigned message_index(const struct message_type *type, int number) {
    const ProtobufCMessageDescriptor *descriptor = type->descriptor;
    unsigned guess = (unsigned)number - 1; /* numbers have no gaps, but for two messages */
    if (guess < descriptor->n_fields && (int)descriptor->fields[guess].id == number) return guess;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        if ((int)descriptor->fields[i].id == number) return i;
    return descriptor->n_fields;
}

const char *message_type_name(const struct message_type *type) {
    return type->descriptor->name;
}

const struct message_type *message_type_of_field(const struct message_type *type, int number) {
    unsigned index = message_index(type, number);
    assert(index < type->descriptor->n_fields && type->names[index].type != NULL);
    return type->names[index].type;
}

/* building */

static bool message_part(struct message_parts *parts) {
    if (parts->left == 0) return false;
    parts->left--;
    return true;
}

struct message *message_make(struct message_parts *parts, const struct message_type *type) {
    if (!message_part(parts)) return NULL;
    struct message *message = arena_take(parts->arena, sizeof *message);
    message->type = type;
    message->values =
        arena_take_zeroed(parts->arena, type->descriptor->n_fields, sizeof message->values[0]);
    return message;
}

struct message_value *message_append(struct message_parts *parts, struct message_list *list) {
    if (!message_part(parts)) return NULL;
    struct message_item *item = arena_take_zeroed(parts->arena, 1, sizeof *item);
    if (list->last == NULL) list->first = item;
    else list->last->next = item;
    list->last = item;
    return &item->value;
}

bool message_oneof_taken(struct message *message, unsigned index, bool clear) {
    const ProtobufCFieldDescriptor *fields = message->type->descriptor->fields;
    bool taken = false;
    if (!message_is_oneof(&fields[index])) return false;
    for (unsigned i = 0; i < message->type->descriptor->n_fields; i++) {
        if (i == index || !message_is_oneof(&fields[i])) continue;
        if (fields[i].quantifier_offset != fields[index].quantifier_offset) continue;
        taken |= message->values[i].present;
        if (clear) message->values[i].present = false;
    }
    return taken;
}

/* looking */

/* The value of a field that is there, singular or not, and of this kind. */
static const struct message_value *message_find(const struct message *message, int number,
                                                enum message_kind kind, bool repeated) {
    unsigned index = message_index(message->type, number);
    if (index == message->type->descriptor->n_fields) return NULL;
    const ProtobufCFieldDescriptor *field = &message->type->descriptor->fields[index];
    assert(message_is_repeated(field) == repeated);
    assert(repeated || message_kind(field) == kind);
    return message->values[index].present ? &message->values[index] : NULL;
}

bool message_has(const struct message *message, int number) {
    unsigned index = message_index(message->type, number);
    return index < message->type->descriptor->n_fields && message->values[index].present;
}

struct text message_text(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_TEXT, false);
    return value == NULL ? TEXT("") : value->text;
}

bool message_flag(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_FLAG, false);
    return value != NULL && value->flag;
}

int64_t message_integer(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_INTEGER, false);
    return value == NULL ? 0 : value->integer;
}

int64_t message_enum(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_ENUM, false);
    return value == NULL ? 0 : value->integer;
}

const struct message *message_child(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_MESSAGE, false);
    return value == NULL ? NULL : value->message;
}

const struct message_item *message_items(const struct message *message, int number) {
    const struct message_value *value = message_find(message, number, KIND_MESSAGE, true);
    return value == NULL ? NULL : value->list.first;
}

bool message_amount(const struct message *message, int number, struct amount *amount) {
    const struct message_value *value = message_find(message, number, KIND_AMOUNT, false);
    *amount = value == NULL ? amount_zero() : value->amount;
    return value == NULL || !value->outside;
}

bool message_time(const struct message *message, int number, int64_t *at_us) {
    const struct message *timestamp = message_child(message, number);
    *at_us = 0;
    if (timestamp == NULL) return true;
    int64_t seconds = message_integer(timestamp, GOOGLE_PROTOBUF_TIMESTAMP_SECONDS);
    int64_t nanos = message_integer(timestamp, GOOGLE_PROTOBUF_TIMESTAMP_NANOS);
    if (seconds < TIME_US_MIN / US_PER_SECOND) return false;
    if (seconds > TIME_US_MAX / US_PER_SECOND) return false;
    if (nanos < 0 || nanos > 999999999) return false;
    *at_us = seconds * US_PER_SECOND + nanos / 1000;
    return true;
}

/* either encoding */

/* JSON after white space, if it is JSON. */
static bool message_is_json(struct text payload) {
    for (size_t i = 0; i < payload.length; i++) {
        char byte = payload.data[i];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') return byte == '{';
    }
    return false;
}

enum message_encoding message_encoding_of(struct text payload) {
    return payload.length == 0 || message_is_json(payload) ? MESSAGE_JSON : MESSAGE_BINARY;
}

static bool message_is_empty(const struct message *message) {
    for (unsigned i = 0; i < message->type->descriptor->n_fields; i++)
        if (message->values[i].present) return false;
    return true;
}

/* No control characters but those of JSON. Hardly a binary message is without: tags and lengths. */
static bool message_is_text(struct text payload) {
    for (size_t i = 0; i < payload.length; i++) {
        unsigned char byte = (unsigned char)payload.data[i];
        if (byte == 0x7f || (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r'))
            return false;
    }
    return text_is_utf8(payload);
}

const struct message *message_decode(const struct message_type *type, struct text payload,
                                     bool refuse_unknown, struct arena *arena,
                                     enum message_encoding *encoding, struct qms_error *error) {
    const struct message *message;
    *encoding = MESSAGE_JSON;
    if (payload.length == 0) return message_decode_binary(type, payload, false, arena, error);
    if (payload.length >= 2 && memcmp(payload.data, "\n{", 2) == 0) {
        message = message_decode_binary(type, payload, true, arena, error);
        if (message != NULL) *encoding = MESSAGE_BINARY;
        if (message != NULL) return message;
    }
    *encoding = message_encoding_of(payload);
    if (*encoding == MESSAGE_JSON)
        return message_decode_json(type, payload, refuse_unknown, arena, error);
    message = message_decode_binary(type, payload, refuse_unknown, arena, error);
    /* A short word is a message too, of nothing but unknown fields. */
    bool is_known = message != NULL && !message_is_empty(message);
    if (is_known || !message_is_text(payload)) return message;
    *encoding = MESSAGE_JSON; /* whoever sends text reads text */
    return message_decode_json(type, payload, refuse_unknown, arena, error);
}
