/* message_older.c: the newest messages as they were in February 2024 (generation B of the messages
 * document): the same descriptors without the fields that came later. */
#include <assert.h>
#include <pthread.h>

#include "wire/message_private.h"

static const struct {
    const struct message_type *type;
    int number;
} later_fields[] = {
    {&message_qms_plan, QMS_PLAN_PLAN_RATES},
    {&message_qms_quota_default, QMS_QUOTA_DEFAULT_EFFECTIVE_DATE},
    {&message_qms_subscription, QMS_SUBSCRIPTION_PLAN_RATE},
    {&message_qms_subscription, QMS_SUBSCRIPTION_ADDONS},
    {&message_qms_update, QMS_UPDATE_METADATA},
    {&message_qms_addon, QMS_ADDON_ADDON_RATES},
    {&message_qms_update_addon_request, QMS_UPDATE_ADDON_REQUEST_UPDATE_ADDON_RATES},
    {&message_qms_subscription_addon, QMS_SUBSCRIPTION_ADDON_ADDON_RATE},
};

/* In the places of message_types; made once, for as long as the process lives. */
static struct message_type *older_types;
static pthread_once_t older_once = PTHREAD_ONCE_INIT;

static size_t place_of(const struct message_type *type) {
    size_t place = 0;
    while (message_types[place] != type) place++;
    return place;
}

static bool is_later(const struct message_type *type, const ProtobufCFieldDescriptor *field) {
    for (size_t i = 0; i < sizeof later_fields / sizeof later_fields[0]; i++)
        if (later_fields[i].type == type && later_fields[i].number == (int)field->id) return true;
    return false;
}

/* Where the id is now there was the whole subscription. */
static void restore_subscription(ProtobufCFieldDescriptor *field, struct message_name *name) {
    field->name = "subscription";
    field->type = PROTOBUF_C_TYPE_MESSAGE;
    field->descriptor = message_qms_subscription.descriptor;
    name->key = TEXT(",\"subscription\":");
    name->json = TEXT("subscription");
    name->type = &message_qms_subscription;
}

static void make_older(const struct message_type *type, struct message_type *older) {
    const ProtobufCMessageDescriptor *from = type->descriptor;
    ProtobufCMessageDescriptor *to = memory_take(sizeof *to);
    ProtobufCFieldDescriptor *fields = memory_take(from->n_fields * sizeof *fields);
    struct message_name *names = memory_take(from->n_fields * sizeof *names);
    *to = *from;
    to->fields = fields;
    to->n_fields = 0;
    for (unsigned i = 0; i < from->n_fields; i++) {
        if (is_later(type, &from->fields[i])) continue;
        ProtobufCFieldDescriptor *field = &fields[to->n_fields];
        struct message_name *name = &names[to->n_fields++];
        *field = from->fields[i];
        *name = type->names[i];
        if (type == &message_qms_subscription_addon &&
            field->id == QMS_SUBSCRIPTION_ADDON_SUBSCRIPTION_ID)
            restore_subscription(field, name);
        if (name->type != NULL) name->type = &older_types[place_of(name->type)];
    }
    *older = (struct message_type){.descriptor = to, .names = names,
                                   .is_map_entry = type->is_map_entry};
}

static void make_all(void) {
    size_t count = 0;
    while (message_types[count] != NULL) count++;
    older_types = memory_take_zeroed(count, sizeof *older_types);
    for (size_t i = 0; i < count; i++) make_older(message_types[i], &older_types[i]);
}

const struct message_type *message_type_of_2024(const struct message_type *type) {
    int failed = pthread_once(&older_once, make_all);
    assert(failed == 0);
    return &older_types[place_of(type)];
}
