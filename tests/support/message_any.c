#include "support/message_any.h"

#include <assert.h>
#include <stdio.h>

#include "domain/date.h"
#include "wire/message_private.h"

#define EXAMPLE_ID "0a6f0d8e-5d2b-11ee-8c99-0242ac120002"

/* random */

static uint64_t next(uint64_t *seed) { /* splitmix64 */
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *seed, uint64_t bound) {
    return next(seed) % bound;
}

static struct text random_text(uint64_t *seed, struct arena *arena) {
    static const char *const pieces[] = {
        "a", "Z", "0", " ", "\"", "\\", "/", "<&>", "\n", "\x01", "\x7f", "{", "\xc3\xa9",
        "\xe2\x80\xa8", "\xef\xbf\xbd", "\xf0\x9f\x98\x80", EXAMPLE_ID,
    };
    uint64_t count = below(seed, 6);
    struct text text = TEXT("");
    for (uint64_t i = 0; i < count; i++) {
        const char *piece = pieces[below(seed, sizeof pieces / sizeof pieces[0])];
        text = arena_format(arena, "%.*s%s", TEXT_ARGUMENTS(text), piece);
    }
    if (below(seed, 40) == 0) /* lengths of two and three bytes in binary */
        text = arena_format(arena, "%*s%.*s", (int)below(seed, 20000), "", TEXT_ARGUMENTS(text));
    return text;
}

static struct amount random_amount(uint64_t *seed, unsigned digits) {
    char text[64];
    size_t length = 0, point = below(seed, digits + 1);
    if (below(seed, 3) == 0) text[length++] = '-';
    text[length++] = '0';
    for (size_t i = 0; i < digits; i++) {
        if (i == point) text[length++] = '.';
        text[length++] = (char)('0' + below(seed, 10));
    }
    if (point == digits) length--; /* fewer, and none behind the point */
    struct amount amount;
    enum amount_status status =
        amount_parse((struct text){.data = text, .length = length}, &amount);
    assert(status == AMOUNT_OK);
    return amount;
}

static unsigned amount_digits(const ProtobufCFieldDescriptor *field, enum message_amounts amounts,
                              uint64_t *seed) {
    unsigned most = amounts == AMOUNTS_ANY                       ? 30
                    : field->type == PROTOBUF_C_TYPE_FLOAT ? 6
                                                                 : 15;
    return (unsigned)below(seed, most) + 1;
}

static int64_t random_integer(uint64_t *seed) {
    int64_t integer = (int32_t)next(seed);
    return integer >> below(seed, 32);
}

static void random_timestamp(struct message *timestamp, uint64_t *seed) {
    uint64_t seconds = below(seed, (uint64_t)(TIME_US_MAX - TIME_US_MIN) / 1000000 + 1);
    timestamp->values[0].present = timestamp->values[1].present = true;
    timestamp->values[0].integer = (int64_t)seconds + TIME_US_MIN / 1000000;
    timestamp->values[1].integer = (int64_t)below(seed, 1000000) * 1000;
}

/* What is no id there may in binary be the subscription that it once was. */
static bool is_id_or_subscription(const struct message_type *type,
                                  const ProtobufCFieldDescriptor *field) {
    return type == &message_qms_subscription_addon &&
           field->id == QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID;
}

static void random_value(const struct message_type *type, unsigned index,
                         enum message_amounts amounts, uint64_t *seed, struct arena *arena,
                         struct message_value *value) {
    const ProtobufCFieldDescriptor *field = &type->descriptor->fields[index];
    const ProtobufCEnumDescriptor *values;
    value->present = true;
    switch (message_kind(field)) {
    case KIND_TEXT:
        value->text = is_id_or_subscription(type, field) ? TEXT(EXAMPLE_ID)
                                                         : random_text(seed, arena);
        break;
    case KIND_AMOUNT:
        value->amount = random_amount(seed, amount_digits(field, amounts, seed));
        break;
    case KIND_INTEGER: value->integer = random_integer(seed); break;
    case KIND_ENUM:
        values = field->descriptor;
        value->integer = values->values[below(seed, values->n_values)].value;
        break;
    case KIND_FLAG: value->flag = below(seed, 2) == 1; break;
    case KIND_MESSAGE:
        value->message = message_any_random(type->names[index].type, amounts, seed, arena);
        break;
    }
}

/* Keys of a map differ, or one entry would stand for two. */
static void random_list(struct message *message, unsigned index, enum message_amounts amounts,
                        uint64_t *seed, struct arena *arena) {
    struct message_parts parts = {.arena = arena, .left = 4};
    uint64_t count = below(seed, 4);
    struct message_value *list = &message->values[index];
    list->present = count > 0;
    for (uint64_t i = 0; i < count; i++) {
        struct message_value *item = message_append(&parts, &list->list);
        random_value(message->type, index, amounts, seed, arena, item);
        if (!message_is_map(&message->type->names[index])) continue;
        struct message_value *entry = item->message->values;
        entry[0].text = arena_format(arena, "%u%.*s", (unsigned)i, TEXT_ARGUMENTS(entry[0].text));
    }
}

struct message *message_any_random(const struct message_type *type, enum message_amounts amounts,
                                   uint64_t *seed, struct arena *arena) {
    struct message_parts parts = {.arena = arena, .left = 1};
    struct message *message = message_make(&parts, type);
    if (type == &message_google_protobuf_timestamp) {
        random_timestamp(message, seed);
        return message;
    }
    for (unsigned i = 0; i < type->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->descriptor->fields[i];
        if (message_is_repeated(field)) random_list(message, i, amounts, seed, arena);
        else if (type->is_map_entry || (below(seed, 4) > 0 &&
                                        !message_oneof_taken(message, i, false)))
            random_value(type, i, amounts, seed, arena, &message->values[i]);
    }
    return message;
}

/* comparing */

static bool values_equal(const ProtobufCFieldDescriptor *field, const struct message_value *left,
                         const struct message_value *right) {
    static const struct message_value absent;
    bool is_message = message_kind(field) == KIND_MESSAGE;
    if ((is_message || message_is_oneof(field)) && left->present != right->present) return false;
    if (!left->present) left = &absent;
    if (!right->present) right = &absent;
    if (!left->present && !right->present) return true;
    switch (message_kind(field)) {
    case KIND_TEXT: return text_equal(left->text, right->text);
    case KIND_AMOUNT: {
        struct amount zero = amount_zero();
        return amount_compare(left->present ? left->amount : zero,
                              right->present ? right->amount : zero) == 0;
    }
    case KIND_INTEGER:
    case KIND_ENUM: return left->integer == right->integer;
    case KIND_FLAG: return left->flag == right->flag;
    case KIND_MESSAGE: return message_any_equal(left->message, right->message);
    }
    return false;
}

static bool lists_equal(const ProtobufCFieldDescriptor *field, const struct message_value *left,
                        const struct message_value *right) {
    const struct message_item *one = left->present ? left->list.first : NULL;
    const struct message_item *other = right->present ? right->list.first : NULL;
    for (; one != NULL && other != NULL; one = one->next, other = other->next)
        if (!values_equal(field, &one->value, &other->value)) return false;
    return one == NULL && other == NULL;
}

bool message_any_equal(const struct message *left, const struct message *right) {
    const ProtobufCMessageDescriptor *descriptor = left->type->descriptor;
    if (left->type != right->type) return false;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const struct message_value *one = &left->values[i], *other = &right->values[i];
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!(message_is_repeated(field) ? lists_equal(field, one, other)
                                         : values_equal(field, one, other)))
            return false;
    }
    return true;
}
