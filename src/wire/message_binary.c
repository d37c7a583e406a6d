/* message_binary.c: messages out of protobuf in binary. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "wire/message_private.h"

enum wire_type { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_LENGTH = 2, WIRE_FOUR = 5 };

struct decoding {
    const char *start;
    const char *at;
    struct message_parts parts;
    bool refuse_unknown;
    const char *problem;
};

/* One field as it stands on the wire. */
struct wire_field {
    int number;
    enum wire_type type;
    uint64_t bits;    /* of a varint, of four or eight bytes */
    struct text bytes; /* of what has a length */
};

static bool take_message(struct decoding *decoding, struct message *message, const char *end);

static bool refuse(struct decoding *decoding, const char *problem) {
    decoding->problem = problem;
    return false;
}

static bool take_varint(struct decoding *decoding, const char *end, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (decoding->at == end) return refuse(decoding, "the message ends too early");
        unsigned char byte = (unsigned char)*decoding->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return refuse(decoding, "a number of more than ten bytes");
}

static bool take_bytes(struct decoding *decoding, const char *end, uint64_t length,
                       struct text *bytes) {
    if (length > (uint64_t)(end - decoding->at))
        return refuse(decoding, "the message ends too early");
    *bytes = (struct text){.data = decoding->at, .length = (size_t)length};
    decoding->at += length;
    return true;
}

static bool take_fixed(struct decoding *decoding, const char *end, size_t length, uint64_t *bits) {
    struct text bytes;
    *bits = 0;
    if (!take_bytes(decoding, end, length, &bytes)) return false;
    memcpy(bits, bytes.data, length);
    *bits = le64toh(*bits);
    return true;
}

/* The next field, whatever it is. */
static bool take_wire_field(struct decoding *decoding, const char *end, struct wire_field *field) {
    uint64_t tag, length;
    if (!take_varint(decoding, end, &tag)) return false;
    if (tag > UINT32_MAX || tag >> 3 == 0) return refuse(decoding, "a field without a number");
    field->number = (int)(tag >> 3);
    field->type = (enum wire_type)(tag & 7);
    switch (field->type) {
    case WIRE_VARINT: return take_varint(decoding, end, &field->bits);
    case WIRE_EIGHT: return take_fixed(decoding, end, 8, &field->bits);
    case WIRE_FOUR: return take_fixed(decoding, end, 4, &field->bits);
    case WIRE_LENGTH:
        return take_varint(decoding, end, &length) &&
               take_bytes(decoding, end, length, &field->bytes);
    }
    return refuse(decoding, "a field of an unknown wire type");
}

/* values */

/* The amount of the shortest text that reads back as the same float. */
static bool amount_of_float(float value, struct amount *amount) {
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    return amount_parse(text_of(text), amount) == AMOUNT_OK;
}

static void set_amount(struct message_value *value, const struct wire_field *field) {
    bool within;
    if (field->type == WIRE_EIGHT) {
        double number;
        memcpy(&number, &field->bits, sizeof number);
        within = amount_of_double(number, &value->amount);
    } else {
        uint32_t bits = (uint32_t)field->bits;
        float number;
        memcpy(&number, &bits, sizeof number);
        within = amount_of_float(number, &value->amount);
    }
    value->outside = !within;
    if (!within) value->amount = amount_zero();
}

static bool set_text(struct decoding *decoding, struct message_value *value, struct text bytes) {
    if (bytes.length > 0 && memchr(bytes.data, '\0', bytes.length) != NULL)
        return refuse(decoding, "a zero byte in a text");
    if (!text_is_utf8(bytes)) return refuse(decoding, "a text is not UTF-8");
    value->text = bytes;
    return true;
}

/* Once a subscription add-on had its whole subscription where it has the id now: what is no id is
 * looked through for one. A text that happens to be a message too stays what it is. */
static struct text subscription_id(struct text bytes) {
    struct uuid uuid;
    struct wire_field field;
    struct decoding decoding = {.at = bytes.data};
    struct text id = TEXT("");
    if (uuid_parse(bytes, &uuid)) return bytes;
    for (const char *end = bytes.data + bytes.length; decoding.at < end;) {
        if (!take_wire_field(&decoding, end, &field)) return bytes;
        if (field.number == QMS_SUBSCRIPTION_UUID && field.type == WIRE_LENGTH) id = field.bytes;
    }
    return id.length == 0 || uuid_parse(id, &uuid) ? id : bytes;
}

/* Messages are decoded into the one that is there already, as protobuf has it. */
static bool set_message(struct decoding *decoding, const struct message_type *type,
                        struct message_value *value, struct text bytes) {
    if (value->message == NULL) value->message = message_make(&decoding->parts, type);
    if (value->message == NULL) return refuse(decoding, "too many parts");
    decoding->at = bytes.data;
    return take_message(decoding, value->message, bytes.data + bytes.length);
}

static bool set_value(struct decoding *decoding, const struct message_type *type, unsigned index,
                      struct message_value *value, const struct wire_field *field) {
    const ProtobufCFieldDescriptor *schema = &type->descriptor->fields[index];
    value->present = true;
    switch (message_kind(schema)) {
    case KIND_TEXT:
        if (type == &message_qms_subscription_addon &&
            field->number == QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID)
            return set_text(decoding, value, subscription_id(field->bytes));
        return set_text(decoding, value, field->bytes);
    case KIND_AMOUNT: set_amount(value, field); break;
    case KIND_INTEGER:
        value->integer = schema->type == PROTOBUF_C_TYPE_INT64 ? (int64_t)field->bits
                                                               : (int32_t)(uint32_t)field->bits;
        break;
    case KIND_ENUM: value->integer = (int32_t)(uint32_t)field->bits; break;
    case KIND_FLAG: value->flag = field->bits != 0; break;
    case KIND_MESSAGE: return set_message(decoding, type->names[index].type, value, field->bytes);
    }
    return true;
}

static bool wire_type_fits(const ProtobufCFieldDescriptor *schema, enum wire_type type) {
    switch (message_kind(schema)) {
    case KIND_TEXT:
    case KIND_MESSAGE: return type == WIRE_LENGTH;
    case KIND_AMOUNT: return type == WIRE_EIGHT || type == WIRE_FOUR;
    case KIND_INTEGER:
    case KIND_ENUM:
    case KIND_FLAG: return type == WIRE_VARINT;
    }
    return false;
}

enum { MAP_KEY = 1 };

/* Of entries of a map that have one key the last counts, in the place of the first. */
static bool settle_last_entry(struct decoding *decoding, struct message_list *list) {
    struct message_item *before = NULL, *same = NULL;
    struct text key = message_text(list->last->value.message, MAP_KEY);
    size_t count = 1;
    for (struct message_item *at = list->first; at != list->last; at = at->next, count++) {
        if (same == NULL && text_equal(message_text(at->value.message, MAP_KEY), key)) same = at;
        before = at;
    }
    if (same == NULL)
        return count <= JSON_MEMBERS_MAX || refuse(decoding, "too many entries of a map");
    same->value = list->last->value;
    before->next = NULL;
    list->last = before;
    return true;
}

static bool set_field(struct decoding *decoding, struct message *message, unsigned index,
                      const struct wire_field *field) {
    const struct message_type *type = message->type;
    struct message_value *value = &message->values[index];
    if (!message_is_repeated(&type->descriptor->fields[index])) {
        message_oneof_taken(message, index, true); /* the last one counts */
        return set_value(decoding, type, index, value, field);
    }
    value->present = true;
    struct message_value *item = message_append(&decoding->parts, &value->list);
    if (item == NULL) return refuse(decoding, "too many parts");
    return set_value(decoding, type, index, item, field) &&
           (!message_is_map(&type->names[index]) || settle_last_entry(decoding, &value->list));
}

static bool take_message(struct decoding *decoding, struct message *message, const char *end) {
    const ProtobufCMessageDescriptor *descriptor = message->type->descriptor;
    struct wire_field field;
    while (decoding->at < end) {
        if (!take_wire_field(decoding, end, &field)) return false;
        unsigned index = message_index(message->type, field.number);
        bool known = index < descriptor->n_fields &&
                     wire_type_fits(&descriptor->fields[index], field.type);
        if (!known && decoding->refuse_unknown) return refuse(decoding, "an unknown field");
        const char *behind = decoding->at;
        if (known && !set_field(decoding, message, index, &field)) return false;
        decoding->at = behind;
    }
    return true;
}

const struct message *message_decode_binary(const struct message_type *type, struct text payload,
                                            bool refuse_unknown, struct arena *arena,
                                            struct qms_error *error) {
    const char *start = payload.data == NULL ? "" : payload.data;
    struct decoding decoding = {
        .start = start,
        .at = start,
        .parts = {.arena = arena, .left = MESSAGE_PARTS_MAX},
        .refuse_unknown = refuse_unknown,
    };
    struct message *message = message_make(&decoding.parts, type);
    if (take_message(&decoding, message, start + payload.length)) return message;
    qms_fail(error, QMS_BAD_REQUEST, "%s at byte %zu", decoding.problem,
             (size_t)(decoding.at - decoding.start));
    return NULL;
}
