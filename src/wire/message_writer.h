/* message_writer.h: appends a message to a buffer, field by field, in JSON or in binary.
 * Fields:  are put in the order of their numbers, each once, the items of a repeated field one
 *          after the other. Those not put have their unset value: in JSON null, [], {}, "", 0 or
 *          false, a oneof's none. A field that the type does not have is left out with all it
 *          holds: so one function writes all generations of a message.
 * Maps:    items are entries; of each both key and value are put.
 * Strings: bytes that are not UTF-8 become U+FFFD.
 * Errors:  those of the buffer, latched. */
#ifndef QMS_WIRE_MESSAGE_WRITER_H
#define QMS_WIRE_MESSAGE_WRITER_H

#include "wire/json_writer.h"
#include "wire/message.h"

enum { MESSAGE_DEPTH_MAX = 16 };

struct ProtobufCFieldDescriptor;

/* A message that has begun. One that is left out has no fields. */
struct message_level {
    const struct ProtobufCFieldDescriptor *first, *end;
    const struct ProtobufCFieldDescriptor *field; /* the next one to be written */
    const struct message_name *name;              /* of that one */
    bool in_list;                                 /* it is repeated, and has items */
    bool is_map_entry;
    size_t start;                                 /* binary: where its bytes begin */
};

struct message_writer {
    struct json_writer json; /* its buffer is that of both encodings */
    enum message_encoding encoding;
    struct message_level *level;
    struct message_level levels[MESSAGE_DEPTH_MAX];
};

void message_open(struct message_writer *writer, enum message_encoding encoding,
                  const struct message_type *type, struct buffer *out);
void message_finish(struct message_writer *writer);

/* A field that is a message, or another item of it; the puts up to its end are its fields. */
void message_begin(struct message_writer *writer, int number);
void message_end(struct message_writer *writer);

/* Is the field a message in this generation? */
bool message_takes_message(struct message_writer *writer, int number);

void message_put_text(struct message_writer *writer, int number, struct text value);
void message_put_uuid(struct message_writer *writer, int number, const struct uuid *value);
void message_put_amount(struct message_writer *writer, int number, struct amount value);
void message_put_integer(struct message_writer *writer, int number, int64_t value);
/* By the name of its value; a name that this generation does not know is UNSPECIFIED, 1. */
void message_put_enum(struct message_writer *writer, int number, struct text name);
void message_put_flag(struct message_writer *writer, int number, bool value);
void message_put_time(struct message_writer *writer, int number, int64_t at_us); /* never: unset */

/* In JSON null where a list would be []: the lists of some failures (qms-http 1.1). */
void message_put_null(struct message_writer *writer, int number);

#endif
