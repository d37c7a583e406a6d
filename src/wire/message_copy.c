#include "wire/message_copy.h"

#include "wire/message_private.h"
#include "wire/message_writer.h"

static void write_fields(struct message_writer *writer, const struct message *message);

static void write_value(struct message_writer *writer, const struct message_type *type,
                        unsigned index, const struct message_value *value) {
    const ProtobufCFieldDescriptor *field = &type->descriptor->fields[index];
    int number = (int)field->id;
    const ProtobufCEnumValue *name;
    switch (message_kind(field)) {
    case KIND_TEXT: message_put_text(writer, number, value->text); break;
    case KIND_AMOUNT: message_put_amount(writer, number, value->amount); break;
    case KIND_INTEGER: message_put_integer(writer, number, value->integer); break;
    case KIND_ENUM:
        name = protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value->integer);
        message_put_enum(writer, number, text_of(name == NULL ? "" : name->name));
        break;
    case KIND_FLAG: message_put_flag(writer, number, value->flag); break;
    case KIND_MESSAGE:
        message_begin(writer, number);
        write_fields(writer, value->message);
        message_end(writer);
        break;
    }
}

/* Both parts of an entry are put, also when a decoder found only one. */
static void write_entry(struct message_writer *writer, const struct message *entry) {
    static const struct message_value no_key = {.text = {"", 0}};
    const struct message_value *values = entry->values;
    write_value(writer, entry->type, 0, values[0].present ? &values[0] : &no_key);
    if (values[1].present) {
        write_value(writer, entry->type, 1, &values[1]);
    } else {
        message_begin(writer, HEADER_HEADER_MAP_ENTRY_VALUE);
        message_end(writer);
    }
}

static void write_list(struct message_writer *writer, const struct message_type *type,
                       unsigned index, const struct message_item *item) {
    for (; item != NULL; item = item->next) write_value(writer, type, index, &item->value);
}

static void write_fields(struct message_writer *writer, const struct message *message) {
    const struct message_type *type = message->type;
    if (type->is_map_entry) {
        write_entry(writer, message);
        return;
    }
    for (unsigned i = 0; i < type->descriptor->n_fields; i++) {
        const struct message_value *value = &message->values[i];
        int number = (int)type->descriptor->fields[i].id;
        int64_t at_us;
        if (!value->present) continue;
        if (type->names[i].type == &message_google_protobuf_timestamp) {
            if (message_time(message, number, &at_us)) message_put_time(writer, number, at_us);
        } else if (message_is_repeated(&type->descriptor->fields[i])) {
            write_list(writer, type, i, value->list.first);
        } else {
            write_value(writer, type, i, value);
        }
    }
}

void message_copy(const struct message *message, enum message_encoding encoding,
                  struct buffer *out) {
    struct message_writer writer;
    message_open(&writer, encoding, message->type, out);
    write_fields(&writer, message);
    message_finish(&writer);
}
