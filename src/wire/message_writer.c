#include "wire/message_writer.h"

#include <assert.h>
#include <endian.h>

#include "domain/date.h"
#include "wire/message_private.h"

enum { VARINT_BYTES_MAX = 10 };

/* fields */

/* The value of this name; one that the enum does not have (yet) is unspecified, number 1. */
static const ProtobufCEnumValue *enum_named(const ProtobufCFieldDescriptor *field,
                                            struct text name) {
    const ProtobufCEnumDescriptor *values = field->descriptor;
    for (unsigned i = 0; i < values->n_values; i++)
        if (text_equal(text_of(values->values[i].name), name)) return &values->values[i];
    return protobuf_c_enum_descriptor_get_value(values, 1);
}

static struct text enum_unset(const ProtobufCFieldDescriptor *field) {
    return text_of(protobuf_c_enum_descriptor_get_value(field->descriptor, 0)->name);
}

static inline void write_char(struct message_writer *writer, char character) {
    writer->json.needs_comma = false;
    char *at = json_write_room(&writer->json, 1);
    if (at == NULL) return;
    *at = character;
    buffer_advance(writer->json.out, 1);
}

/* The key brings its brace or comma along. */
static inline void write_key(struct message_writer *writer, const struct message_level *level) {
    json_write_raw(&writer->json, level->name->key);
    writer->json.needs_comma = false;
}

static struct text unset_value(const struct message_level *level) {
    if (message_is_map(level->name)) return TEXT("{}");
    if (message_is_repeated(level->field)) return TEXT("[]");
    switch (message_kind(level->field)) {
    case KIND_TEXT: return TEXT("\"\"");
    case KIND_FLAG: return TEXT("false");
    case KIND_MESSAGE: return TEXT("null");
    case KIND_AMOUNT:
    case KIND_INTEGER:
    case KIND_ENUM: break;
    }
    return TEXT("0");
}

static void write_unset(struct message_writer *writer, const struct message_level *level) {
    write_key(writer, level);
    if (message_kind(level->field) == KIND_ENUM)
        json_write_string(&writer->json, enum_unset(level->field));
    else json_write_raw(&writer->json, unset_value(level));
    writer->json.needs_comma = false;
}

/* Writes the next field as what it is when nothing is put, or ends its list. */
static void level_pass(struct message_writer *writer, struct message_level *level) {
    if (level->in_list) {
        if (writer->encoding == MESSAGE_JSON)
            write_char(writer, message_is_map(level->name) ? '}' : ']');
        level->in_list = false;
    } else if (writer->encoding == MESSAGE_JSON && !message_is_oneof(level->field)) {
        assert(!level->is_map_entry);
        write_unset(writer, level);
    }
    level->field++;
    level->name++;
}

/* Passes the fields before this one; false when there is no such field. */
static bool level_seek(struct message_writer *writer, struct message_level *level, int number) {
    assert(level->field == level->first || (int)level->field[-1].id < number); /* in order */
    while (level->field < level->end && (int)level->field->id < number) level_pass(writer, level);
    return level->field < level->end && (int)level->field->id == number;
}

/* What stands in JSON before the value of a field or of an item. */
static inline void write_before(struct message_writer *writer, struct message_level *level) {
    if (level->is_map_entry) return;
    if (level->in_list) {
        write_char(writer, ',');
        return;
    }
    write_key(writer, level);
    if (message_is_repeated(level->field))
        write_char(writer, message_is_map(level->name) ? '{' : '[');
}

/* Everything up to a value. NULL: it has no place. */
static inline const ProtobufCFieldDescriptor *field_begin(struct message_writer *writer,
                                                          int number) {
    struct message_level *level = writer->level;
    bool is_next = level->field < level->end && (int)level->field->id == number;
    if (!is_next && !level_seek(writer, level, number)) return NULL;
    if (writer->encoding == MESSAGE_JSON) write_before(writer, level);
    return level->field;
}

/* The value has been written. */
static inline void field_end(struct message_writer *writer,
                             const ProtobufCFieldDescriptor *field) {
    struct message_level *level = writer->level;
    writer->json.needs_comma = false;
    if (message_is_repeated(field)) {
        level->in_list = true;
    } else {
        level->field++;
        level->name++;
    }
}

/* binary */

static inline char *write_varint(char *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

static inline char *write_tag(char *at, const ProtobufCFieldDescriptor *field, unsigned wire_type) {
    return write_varint(at, (uint64_t)field->id << 3 | wire_type);
}

static void written_to(struct buffer *out, const char *at) {
    buffer_advance(out, (size_t)(at - (out->data + out->length)));
}

/* A field of its own that holds nothing is left out. */
static bool is_put(const struct message_writer *writer, const ProtobufCFieldDescriptor *field,
                   bool holds) {
    return holds || message_is_repeated(field) || message_is_oneof(field) ||
           writer->level->is_map_entry;
}

static void binary_varint(struct message_writer *writer, const ProtobufCFieldDescriptor *field,
                          uint64_t value) {
    if (!is_put(writer, field, value != 0)) return;
    char *at = json_write_room(&writer->json, 2 * VARINT_BYTES_MAX);
    if (at == NULL) return;
    written_to(writer->json.out, write_varint(write_tag(at, field, 0), value));
}

static void binary_bytes(struct message_writer *writer, const ProtobufCFieldDescriptor *field,
                         struct text value) {
    if (!is_put(writer, field, value.length > 0)) return;
    char *at = json_write_room(&writer->json, 2 * VARINT_BYTES_MAX + value.length);
    if (at == NULL) return;
    at = write_varint(write_tag(at, field, 2), value.length);
    if (value.length > 0) memcpy(at, value.data, value.length);
    written_to(writer->json.out, at + value.length);
}

/* Writes what is UTF-8 as it is, and a replacement for every byte that is not. */
static void binary_repaired(struct message_writer *writer, const ProtobufCFieldDescriptor *field,
                            struct text value) {
    struct buffer repaired;
    buffer_init(&repaired, 3 * value.length + 1);
    for (size_t at = 0, length; at < value.length; at += length) {
        struct text character = {.data = value.data + at};
        for (length = 1; length <= 4 && at + length <= value.length; length++) {
            character.length = length;
            if (text_is_utf8(character)) break;
        }
        bool found = text_is_utf8(character) && length <= 4;
        if (!found) length = 1;
        buffer_put_text(&repaired, found ? character : TEXT("\xef\xbf\xbd"));
    }
    binary_bytes(writer, field, buffer_text(&repaired));
    buffer_close(&repaired);
}

static void binary_amount(struct message_writer *writer, const ProtobufCFieldDescriptor *field,
                          struct amount value) {
    double number = amount_to_double(value);
    if (!is_put(writer, field, number != 0)) return;
    char *at = json_write_room(&writer->json, VARINT_BYTES_MAX + sizeof number);
    if (at == NULL) return;
    if (field->type == PROTOBUF_C_TYPE_FLOAT) {
        float narrow = (float)number;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        bits = htole32(bits);
        at = mempcpy(write_tag(at, field, 5), &bits, sizeof bits);
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        bits = htole64(bits);
        at = mempcpy(write_tag(at, field, 1), &bits, sizeof bits);
    }
    written_to(writer->json.out, at);
}

/* One byte is left for the length; a longer one makes room for itself at the end. */
static void binary_begin(struct message_writer *writer, struct message_level *level,
                         const ProtobufCFieldDescriptor *field) {
    char *at = json_write_room(&writer->json, VARINT_BYTES_MAX + 1);
    if (at == NULL) return;
    written_to(writer->json.out, write_tag(at, field, 2) + 1);
    level->start = writer->json.out->length;
}

static void binary_end(struct message_writer *writer, const struct message_level *level) {
    struct buffer *out = writer->json.out;
    size_t bytes = out->length - level->start, more = 0;
    if (out->failed) return;
    for (size_t rest = bytes >> 7; rest > 0; rest >>= 7) more++;
    if (more > 0) {
        if (buffer_reserve(out, more) == NULL) return;
        memmove(out->data + level->start + more, out->data + level->start, bytes);
    }
    write_varint(out->data + level->start - 1, bytes);
    out->length += more;
}

/* messages */

static void level_open(struct message_writer *writer, struct message_level *level,
                       const struct message_type *type) {
    *level = (struct message_level){0};
    writer->level = level;
    writer->json.needs_comma = false;
    if (type == NULL) return;
    level->first = level->field = type->descriptor->fields;
    level->end = level->first + type->descriptor->n_fields;
    level->name = type->names;
    level->is_map_entry = type->is_map_entry;
}

/* Passes what is left and closes the object. */
static void level_close(struct message_writer *writer, struct message_level *level) {
    while (level->field < level->end) level_pass(writer, level);
    if (writer->encoding == MESSAGE_JSON && !level->is_map_entry) write_char(writer, '}');
}

void message_open(struct message_writer *writer, enum message_encoding encoding,
                  const struct message_type *type, struct buffer *out) {
    json_write_open(&writer->json, out);
    writer->encoding = encoding;
    level_open(writer, &writer->levels[0], type);
}

void message_finish(struct message_writer *writer) {
    assert(writer->level == writer->levels);
    level_close(writer, writer->level);
}

void message_begin(struct message_writer *writer, int number) {
    struct message_level *level = writer->level;
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    assert(level + 1 < writer->levels + MESSAGE_DEPTH_MAX);
    if (field == NULL) {
        level_open(writer, level + 1, NULL);
        return;
    }
    assert(message_kind(field) == KIND_MESSAGE);
    level_open(writer, level + 1, level->name->type);
    if (writer->encoding == MESSAGE_BINARY) binary_begin(writer, level + 1, field);
}

void message_end(struct message_writer *writer) {
    struct message_level *level = writer->level;
    assert(level > writer->levels);
    writer->level--;
    if (level->end == NULL) return; /* it was left out */
    level_close(writer, level);
    if (writer->encoding == MESSAGE_BINARY) binary_end(writer, level);
    field_end(writer, writer->level->field);
}

/* values */

bool message_takes_message(struct message_writer *writer, int number) {
    return level_seek(writer, writer->level, number) &&
           message_kind(writer->level->field) == KIND_MESSAGE;
}

void message_put_text(struct message_writer *writer, int number, struct text value) {
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(field->type == PROTOBUF_C_TYPE_STRING);
    if (writer->encoding == MESSAGE_JSON) {
        json_write_string(&writer->json, value);
        if (writer->level->is_map_entry) write_char(writer, ':');
    } else if (text_is_utf8(value)) {
        binary_bytes(writer, field, value);
    } else {
        binary_repaired(writer, field, value);
    }
    field_end(writer, field);
}

void message_put_uuid(struct message_writer *writer, int number, const struct uuid *value) {
    char text[UUID_TEXT_BYTES];
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(field->type == PROTOBUF_C_TYPE_STRING);
    if (writer->encoding == MESSAGE_JSON) {
        json_write_uuid(&writer->json, value);
    } else {
        uuid_format(value, text);
        binary_bytes(writer, field, (struct text){.data = text, .length = sizeof text});
    }
    field_end(writer, field);
}

void message_put_amount(struct message_writer *writer, int number, struct amount value) {
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(message_kind(field) == KIND_AMOUNT);
    if (writer->encoding == MESSAGE_JSON) json_write_amount(&writer->json, value);
    else binary_amount(writer, field, value);
    field_end(writer, field);
}

void message_put_integer(struct message_writer *writer, int number, int64_t value) {
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(message_kind(field) == KIND_INTEGER);
    if (writer->encoding == MESSAGE_JSON) json_write_integer(&writer->json, value);
    else binary_varint(writer, field, (uint64_t)value);
    field_end(writer, field);
}

void message_put_enum(struct message_writer *writer, int number, struct text name) {
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(message_kind(field) == KIND_ENUM);
    const ProtobufCEnumValue *value = enum_named(field, name);
    if (writer->encoding == MESSAGE_JSON) json_write_string(&writer->json, text_of(value->name));
    else binary_varint(writer, field, (uint64_t)value->value);
    field_end(writer, field);
}

void message_put_flag(struct message_writer *writer, int number, bool value) {
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(field->type == PROTOBUF_C_TYPE_BOOL);
    if (writer->encoding == MESSAGE_JSON) json_write_bool(&writer->json, value);
    else binary_varint(writer, field, value);
    field_end(writer, field);
}

void message_put_time(struct message_writer *writer, int number, int64_t at_us) {
    if (at_us == TIME_NEVER) return; /* unset, as what is not put */
    if (writer->encoding == MESSAGE_BINARY) {
        int64_t us = time_below_second_us(at_us);
        message_begin(writer, number);
        message_put_integer(writer, GOOGLE_PROTOBUF_TIMESTAMP_SECONDS,
                            (at_us - us) / US_PER_SECOND);
        message_put_integer(writer, GOOGLE_PROTOBUF_TIMESTAMP_NANOS, us * 1000);
        message_end(writer);
        return;
    }
    const ProtobufCFieldDescriptor *field = field_begin(writer, number);
    if (field == NULL) return;
    assert(field->descriptor == message_google_protobuf_timestamp.descriptor);
    json_write_timestamp(&writer->json, at_us);
    field_end(writer, field);
}

void message_put_null(struct message_writer *writer, int number) {
    struct message_level *level = writer->level;
    if (writer->encoding != MESSAGE_JSON || !level_seek(writer, level, number)) return;
    write_key(writer, level);
    json_write_null(&writer->json);
    writer->json.needs_comma = false;
    level->field++;
    level->name++;
}
