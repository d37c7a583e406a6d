/* message.h: the messages of proto/ in JSON (dialect 2 of the protobuf mapping) and in binary, by
 * protobuf-c's descriptors. A type is called message_PACKAGE_NAME and a field, its number,
 * PACKAGE_MESSAGE_FIELD in proto/messages.h, which is made at build time.
 * Amounts: a double of the schema is a struct amount here: exact in JSON, all its digits, in and
 *          out; the nearest double in binary, and from there by its shortest text.
 * Threads: any; descriptors do not change. */
#ifndef QMS_WIRE_MESSAGE_H
#define QMS_WIRE_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "domain/amount.h"

struct ProtobufCMessageDescriptor;

/* What protobuf-c does not say of a field. */
struct message_name {
    struct text key;                 /* as it is written: {"uuid": or ,"name": */
    struct text json;
    const struct message_type *type; /* of a field that is a message; else NULL */
};

struct message_type {
    const struct ProtobufCMessageDescriptor *descriptor;
    const struct message_name *names; /* as many, and in the order, as the descriptor's fields */
    bool is_map_entry;
};

/* "qms.AddUserRequest" */
const char *message_type_name(const struct message_type *type);
/* Of a field that is a message. */
const struct message_type *message_type_of_field(const struct message_type *type, int number);

/* The same as it was in February 2024: for answers to clients that refuse fields which came later.
 * It is there for writing, not for decoding. */
const struct message_type *message_type_of_2024(const struct message_type *type);

enum message_encoding { MESSAGE_JSON, MESSAGE_BINARY };

/* A decoded message. Everything lies in the arena that it was decoded into, or in the payload. */
struct message {
    const struct message_type *type;
    struct message_value *values; /* as many, and in the order, as the descriptor's fields */
};

struct message_value {
    bool present; /* JSON: given, and not null; binary: there */
    bool outside; /* an amount that qms cannot hold: NaN, 1e400; amount is 0 then */
    union {
        struct text text;
        struct amount amount;    /* double and float */
        int64_t integer;         /* integers and enums; beyond its type, the nearest one within */
        bool flag;
        struct message *message;
        struct message_list { struct message_item *first, *last; } list; /* repeated fields */
    };
};

struct message_item {
    struct message_item *next;
    struct message_value value;
};

/* Values by the number of their field. What is absent, or has no such field, is "", 0, false, NULL;
 * is of no other kind than asked for. */
bool message_has(const struct message *message, int number);
struct text message_text(const struct message *message, int number);
bool message_flag(const struct message *message, int number);
int64_t message_integer(const struct message *message, int number);
int64_t message_enum(const struct message *message, int number);
const struct message *message_child(const struct message *message, int number);
const struct message_item *message_items(const struct message *message, int number);
/* False: it is outside of what qms can hold. *amount and *at_us are 0 then, and when absent. */
bool message_amount(const struct message *message, int number, struct amount *amount);
bool message_time(const struct message *message, int number, int64_t *at_us);

/* Decoding: NULL with error BAD_REQUEST when the payload is not what it should be.
 *
 * JSON:    fields by their JSON name, their name in the schema or one they once had, exact, else
 *          without regard to case, but each once; null for absent; enums by name or number; numbers
 *          also in strings; timestamps as text or as an object. Refused is what json_reader.h
 *          refuses, values of another type, and two members of a oneof.
 * Binary:  a field of another wire type than the schema's counts as unknown, but floats and doubles
 *          are taken for each other. Refused is what is cut off, groups, text that is not UTF-8 or
 *          has a zero byte.
 * Both:    unknown fields are ignored, or refused if refuse_unknown is set. At most
 *          MESSAGE_PARTS_MAX messages and list items in one payload. */
const struct message *message_decode_json(const struct message_type *type, struct text payload,
                                          bool refuse_unknown, struct arena *arena,
                                          struct qms_error *error);
const struct message *message_decode_binary(const struct message_type *type, struct text payload,
                                            bool refuse_unknown, struct arena *arena,
                                            struct qms_error *error);

/* A payload of either kind; *encoding is the one to answer in. No bytes at all are an empty
 * message, answered in JSON. JSON is what begins with '{' after white space; but 0A 7B also begins
 * a binary message whose first field has 123 bytes, and is one if it is that to the byte. Text that
 * is neither, or holds nothing but unknown fields in binary, is refused as JSON. */
const struct message *message_decode(const struct message_type *type, struct text payload,
                                     bool refuse_unknown, struct arena *arena,
                                     enum message_encoding *encoding, struct qms_error *error);

/* The same at first sight, for payloads that are refused undecoded. */
enum message_encoding message_encoding_of(struct text payload);

#endif
