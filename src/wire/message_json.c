/* message_json.c: messages out of JSON. */
#include <assert.h>
#include <math.h>

#include "domain/date.h"
#include "wire/json_reader.h"
#include "wire/message_private.h"

struct decoding {
    struct json_reader reader;
    struct message_parts parts;
    bool refuse_unknown;
};

enum { FIELD_NAME_BYTES_MAX = 64 };

static bool take_message(struct decoding *decoding, struct message *message);

/* names */

/* What fields are called in JSON in other generations. */
static const struct {
    const struct message_type *type;
    int number;
    struct text name;
} other_names[] = {
    {&message_qms_quota, QMS_QUOTA_SUBSCRIPTION_ID, TEXT("user_plan_id")},
    {&message_qms_usage, QMS_USAGE_SUBSCRIPTION_ID, TEXT("user_plan_id")},
    {&message_user_plans_quota, QMS_QUOTA_SUBSCRIPTION_ID, TEXT("subscription_id")},
    {&message_qms_subscription_addon, QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID, TEXT("subscription")},
};

typedef bool text_comparison(struct text left, struct text right);

static unsigned field_compared(const struct message_type *type, struct text name,
                               text_comparison *equal) {
    const ProtobufCMessageDescriptor *descriptor = type->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        if (equal(type->names[i].json, name)) return i;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        if (equal(text_of(descriptor->fields[i].name), name)) return i;
    for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
        if (other_names[i].type == type && equal(other_names[i].name, name))
            return message_index(type, other_names[i].number);
    return descriptor->n_fields;
}

/* Whether name is the field's without the underscores: updateAmount is update_amount, since others
 * beside it, such as updateName, have only that form in answers (defect 75). */
static bool equal_camel_case(struct text field, struct text name) {
    char letters[FIELD_NAME_BYTES_MAX];
    struct text camel = {.data = letters};
    assert(field.length <= sizeof letters);
    for (size_t i = 0; i < field.length; i++)
        if (field.data[i] != '_') letters[camel.length++] = field.data[i];
    return text_equal_nocase(camel, name);
}

/* n_fields: there is none. */
static unsigned field_named(const struct message_type *type, struct text name) {
    static text_comparison *const spellings[] = {text_equal, text_equal_nocase, equal_camel_case};
    unsigned index = type->descriptor->n_fields;
    for (size_t i = 0; i < 3 && index == type->descriptor->n_fields; i++)
        index = field_compared(type, name, spellings[i]);
    return index;
}

/* values */

/* The three values that the protobuf mapping writes as words. */
static bool is_not_finite(struct text word) {
    return text_equal(word, TEXT("NaN")) || text_equal(word, TEXT("Infinity")) ||
           text_equal(word, TEXT("-Infinity"));
}

/* A number or a string that holds one. */
static bool take_number(struct json_reader *reader, struct text *raw) {
    if (json_peek(reader) != JSON_STRING) return json_number(reader, raw);
    if (!json_string(reader, raw)) return false;
    return json_is_number(*raw) || is_not_finite(*raw) ||
           json_refuse(reader, "a number was expected");
}

/* False: qms cannot hold it. */
static bool amount_taken(struct text raw, struct amount *amount) {
    return !is_not_finite(raw) && raw.length <= NUMBER_BYTES_MAX &&
           amount_parse(raw, amount) == AMOUNT_OK;
}

static bool take_amount(struct json_reader *reader, struct message_value *value) {
    struct text raw;
    if (!take_number(reader, &raw)) return false;
    value->outside = !amount_taken(raw, &value->amount);
    if (value->outside) value->amount = amount_zero();
    return true;
}

/* Also 1e3 and 1.0: what has a fraction of zero. Nobody means more than 1e15. */
static bool take_integer(struct json_reader *reader, bool is_wide, int64_t *integer) {
    double bound = is_wide ? 1e15 : INT32_MAX, nearest;
    struct amount amount;
    struct text raw;
    if (!take_number(reader, &raw)) return false;
    bool within = amount_taken(raw, &amount);
    nearest = within ? amount_to_double(amount) : raw.data[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    if (nearest > bound) {
        *integer = is_wide ? INT64_MAX : INT32_MAX;
    } else if (nearest < -bound) {
        *integer = is_wide ? INT64_MIN : INT32_MIN;
    } else {
        *integer = (int64_t)nearest;
        if (amount_compare(amount_of(*integer), amount) != 0)
            return json_refuse(reader, "an integer was expected");
    }
    return true;
}

static bool take_enum(struct json_reader *reader, const ProtobufCFieldDescriptor *field,
                      int64_t *integer) {
    const ProtobufCEnumDescriptor *values = field->descriptor;
    struct text name;
    if (json_peek(reader) != JSON_STRING) return take_integer(reader, false, integer);
    if (!json_string(reader, &name)) return false;
    for (unsigned i = 0; i < values->n_values; i++) {
        if (!text_equal(text_of(values->values[i].name), name)) continue;
        *integer = values->values[i].value;
        return true;
    }
    return json_refuse(reader, "an unknown name of an enum");
}

/* A Timestamp as text. */
static bool take_time(struct json_reader *reader, struct message *timestamp) {
    struct message_value *values = timestamp->values;
    struct text text;
    int64_t at_us;
    if (!json_string(reader, &text)) return false;
    if (!timestamp_parse(text, &at_us)) return json_refuse(reader, "a timestamp was expected");
    int64_t us = time_below_second_us(at_us);
    values[0] = (struct message_value){.present = true, .integer = (at_us - us) / US_PER_SECOND};
    values[1] = (struct message_value){.present = true, .integer = us * 1000};
    return true;
}

static bool take_child(struct decoding *decoding, const struct message_type *type,
                       struct message **child) {
    *child = message_make(&decoding->parts, type);
    if (*child == NULL) return json_refuse(&decoding->reader, "too many parts");
    bool is_text = type == &message_google_protobuf_timestamp &&
                   json_peek(&decoding->reader) != JSON_OBJECT;
    return is_text ? take_time(&decoding->reader, *child) : take_message(decoding, *child);
}

/* Once a subscription add-on had its whole subscription where it has the id now. */
static bool take_subscription(struct decoding *decoding, struct text *id) {
    struct message *subscription;
    if (!take_child(decoding, &message_qms_subscription, &subscription)) return false;
    *id = message_text(subscription, QMS_SUBSCRIPTION_UUID);
    return true;
}

static bool take_value(struct decoding *decoding, const struct message_type *type, unsigned index,
                       struct message_value *value) {
    const ProtobufCFieldDescriptor *field = &type->descriptor->fields[index];
    struct json_reader *reader = &decoding->reader;
    value->present = true;
    switch (message_kind(field)) {
    case KIND_TEXT:
        if (type == &message_qms_subscription_addon && json_peek(reader) == JSON_OBJECT &&
            field->id == QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID)
            return take_subscription(decoding, &value->text);
        return json_string(reader, &value->text);
    case KIND_AMOUNT: return take_amount(reader, value);
    case KIND_INTEGER:
        return take_integer(reader, field->type == PROTOBUF_C_TYPE_INT64, &value->integer);
    case KIND_ENUM: return take_enum(reader, field, &value->integer);
    case KIND_FLAG: return json_bool(reader, &value->flag);
    case KIND_MESSAGE: return take_child(decoding, type->names[index].type, &value->message);
    }
    return false;
}

static bool take_list(struct decoding *decoding, const struct message_type *type, unsigned index,
                      struct message_list *list) {
    struct json_reader *reader = &decoding->reader;
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        struct message_value *value = message_append(&decoding->parts, list);
        if (value == NULL) return json_refuse(reader, "too many parts");
        if (!take_value(decoding, type, index, value)) return false;
    }
    return reader->problem == NULL;
}

/* Members of any name, each an entry with that as its key. */
static bool take_map(struct decoding *decoding, const struct message_type *type,
                     struct message_list *list) {
    struct json_reader *reader = &decoding->reader;
    struct text key;
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        struct message_value *value = message_append(&decoding->parts, list);
        struct message *entry = value == NULL ? NULL : message_make(&decoding->parts, type);
        if (entry == NULL) return json_refuse(reader, "too many parts");
        *value = (struct message_value){.present = true, .message = entry};
        entry->values[0] = (struct message_value){.present = true, .text = key};
        if (!take_value(decoding, type, 1, &entry->values[1])) return false;
    }
    return reader->problem == NULL;
}

static bool take_field(struct decoding *decoding, struct message *message, unsigned index) {
    const struct message_type *type = message->type;
    struct message_value *value = &message->values[index];
    if (json_peek(&decoding->reader) == JSON_NULL) return json_null(&decoding->reader);
    if (message_oneof_taken(message, index, false))
        return json_refuse(&decoding->reader, "two members of which one excludes the other");
    if (!message_is_repeated(&type->descriptor->fields[index]))
        return take_value(decoding, type, index, value);
    value->present = true;
    if (message_is_map(&type->names[index]))
        return take_map(decoding, type->names[index].type, &value->list);
    return take_list(decoding, type, index, &value->list);
}

/* Which of two spellings of one name would count is nothing to guess at, so they are refused. */
static bool take_message(struct decoding *decoding, struct message *message) {
    struct json_reader *reader = &decoding->reader;
    struct text name;
    uint64_t seen = 0;
    assert(message->type->descriptor->n_fields <= 64);
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &name)) {
        unsigned index = field_named(message->type, name);
        if (index == message->type->descriptor->n_fields) {
            if (decoding->refuse_unknown) return json_refuse(reader, "an unknown name");
            if (!json_skip(reader)) return false;
            continue;
        }
        if (seen & UINT64_C(1) << index) return json_refuse(reader, "a repeated name");
        seen |= UINT64_C(1) << index;
        if (!take_field(decoding, message, index)) return false;
    }
    return reader->problem == NULL;
}

const struct message *message_decode_json(const struct message_type *type, struct text payload,
                                          bool refuse_unknown, struct arena *arena,
                                          struct qms_error *error) {
    struct decoding decoding = {
        .parts = {.arena = arena, .left = MESSAGE_PARTS_MAX},
        .refuse_unknown = refuse_unknown,
    };
    json_open(&decoding.reader, payload, arena);
    struct message *message = message_make(&decoding.parts, type);
    if (take_message(&decoding, message) && json_finish(&decoding.reader)) return message;
    qms_fail(error, QMS_BAD_REQUEST, "%s at byte %zu", decoding.reader.problem,
             decoding.reader.problem_at);
    return NULL;
}
