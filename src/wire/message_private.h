/* message_private.h: what the decoders and the writer of messages share, beside protobuf-c's
 * descriptors. Only message*.c include it. */
#ifndef QMS_WIRE_MESSAGE_PRIVATE_H
#define QMS_WIRE_MESSAGE_PRIVATE_H

#include <protobuf-c/protobuf-c.h>

#include "base/limits.h"
#include "proto/messages.h"

/* What a field holds, be it repeated or not. */
enum message_kind {
    KIND_TEXT,
    KIND_AMOUNT,
    KIND_INTEGER,
    KIND_ENUM,
    KIND_FLAG,
    KIND_MESSAGE,
};

enum message_kind message_kind(const ProtobufCFieldDescriptor *field);

/* The place of a field among its type's; the count when there is none of this number. */
unsigned message_index(const struct message_type *type, int number);

static inline bool message_is_repeated(const ProtobufCFieldDescriptor *field) {
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

static inline bool message_is_oneof(const ProtobufCFieldDescriptor *field) {
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static inline bool message_is_map(const struct message_name *name) {
    return name->type != NULL && name->type->is_map_entry;
}

/* Building messages. A part is a message or an item of a list: what input makes memory of. */
struct message_parts {
    struct arena *arena;
    size_t left;
};

/* NULL: there are too many. */
struct message *message_make(struct message_parts *parts, const struct message_type *type);
struct message_value *message_append(struct message_parts *parts, struct message_list *list);

/* Is another member of the field's oneof there? With clear set, it no longer is. */
bool message_oneof_taken(struct message *message, unsigned index, bool clear);

#endif
