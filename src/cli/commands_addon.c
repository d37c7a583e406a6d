/* commands_addon.c: qms addon ...: what can be bought on top of a plan, and who has it. */
#include "cli/action.h"
#include "cli/in_force.h"

static const struct action_lookup addon = {
    .noun = "add-on", .nouns = "add-ons", .path = "/addons", .rows = "addons", .name = "name",
    .id = "uuid", .operand = 0,
};
static const struct action_lookup addon_applied_name = {
    .noun = "add-on", .nouns = "add-ons", .path = "/addons", .rows = "addons", .name = "name",
    .id = "uuid", .operand = 1,
};
static const struct action_lookup addon_resource = ACTION_RESOURCE(1);

/* The active subscription of the user who is the first operand. */
static const struct action_lookup addon_subscription = {
    .path = "/summary/{0}", .rows = "subscription", .name = "plan.name", .id = "uuid",
    .operand = -1,
};
/* An add-on that this subscription has. */
static const struct action_lookup addon_of_subscription = {
    .noun = "add-on", .nouns = "add-ons of the user", .path = "/subscriptions/{#0}/addons",
    .rows = "subscription_addons", .name = "addon.name", .id = "uuid", .operand = 1,
};

/* ---- listings ---- */

static struct text addon_rate_cell(struct text row, struct arena *arena) {
    return in_force_rate(row, "addon_rates", arena);
}

static const struct listing_column addon_columns[] = {
    {"add-on", "name", .kind = LISTING_TEXT},
    {"amount", "default_amount", .kind = LISTING_AMOUNT},
    {"resource", "resource_type.name", .kind = LISTING_TEXT},
    {"paid", "default_paid", .kind = LISTING_BOOL},
    {"rate", .kind = LISTING_AMOUNT, .cell = addon_rate_cell},
    {"description", "description", .kind = LISTING_TEXT},
    {"id", "uuid", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

static const struct listing_column addon_applied_columns[] = {
    {"add-on", "addon.name", .kind = LISTING_TEXT},
    {"amount", "amount", .kind = LISTING_AMOUNT},
    {"resource", "addon.resource_type.name", .kind = LISTING_TEXT},
    {"paid", "paid", .kind = LISTING_BOOL},
    {"rate", "addon_rate.rate", .kind = LISTING_AMOUNT},
    {"id", "uuid", .kind = LISTING_TEXT},
    {NULL},
};

/* ---- bodies ---- */

static void write_resource(struct json_writer *writer, struct text name) {
    json_write_object_named(writer, TEXT("resource_type"));
    action_write_text(writer, TEXT("name"), name);
    json_write_object_end(writer);
}

/* The rates there are, as they were sent, and a new one behind them. */
static bool write_rates(const struct action_call *call, struct json_writer *writer,
                        const struct answer_list *rates, struct qms_error *error) {
    const char *given = call->inputs.rate;
    struct amount rate = amount_zero();
    if (given != NULL && !action_amount("--rate", text_of(given), &rate, error)) return false;
    json_write_array_named(writer, TEXT("addon_rates"));
    for (size_t i = 0; i < rates->count; i++)
        json_write_raw(writer, rates->items[i]);
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("rate"));
    json_write_amount(writer, rate);
    json_write_key(writer, TEXT("effective_date"));
    json_write_timestamp(writer, call->from_us);
    json_write_object_end(writer);
    json_write_array_end(writer);
    return true;
}

static bool addon_add_body(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    static const struct answer_list none = {.count = 0};
    bool paid;
    if (!action_flag("paid", inputs->addon_paid, false, &paid, error)) return false;
    json_write_object_begin(writer);
    json_write_object_named(writer, TEXT("addon"));
    action_write_text(writer, TEXT("name"), call->operands[0]);
    action_write_text(writer, TEXT("description"),
                      inputs->description == NULL ? call->operands[0]
                                                  : text_of(inputs->description));
    write_resource(writer, answer_text(call->found[0], "name", call->arena));
    json_write_key(writer, TEXT("default_amount"));
    json_write_amount(writer, call->value);
    json_write_key(writer, TEXT("default_paid"));
    json_write_bool(writer, paid);
    if (!write_rates(call, writer, &none, error)) return false;
    json_write_object_end(writer);
    json_write_object_end(writer);
    return true;
}

/* The members that are to change. */
static bool write_changed(const struct action_call *call, struct json_writer *writer,
                          struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    if (inputs->name != NULL) action_write_text(writer, TEXT("name"), text_of(inputs->name));
    if (inputs->description != NULL)
        action_write_text(writer, TEXT("description"), text_of(inputs->description));
    if (inputs->resource != NULL)
        write_resource(writer, answer_text(call->found[1], "name", call->arena));
    if (inputs->amount != NULL) {
        struct amount amount;
        if (!action_amount("--amount", text_of(inputs->amount), &amount, error)) return false;
        json_write_key(writer, TEXT("default_amount"));
        json_write_amount(writer, amount);
    }
    if (inputs->addon_paid != NULL) {
        bool paid;
        if (!action_flag("paid", inputs->addon_paid, false, &paid, error)) return false;
        json_write_key(writer, TEXT("default_paid"));
        json_write_bool(writer, paid);
    }
    if (inputs->rate == NULL) return true;
    struct answer_list rates = {.count = 0};
    return (answer_list_add(&rates, call->found[0], "addon_rates", call->arena) ||
            qms_fail(error, QMS_INTERNAL, "the rates of the add-on are not understood")) &&
           write_rates(call, writer, &rates, error);
}

static bool addon_update_body(const struct action_call *call, struct json_writer *writer,
                              struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    const struct {
        const char *value;
        struct text flag;
    } flags[] = {
        {inputs->name, TEXT("updateName")},
        {inputs->description, TEXT("updateDescription")},
        {inputs->resource, TEXT("updateResourceType")},
        {inputs->amount, TEXT("updateDefaultAmount")},
        {inputs->addon_paid, TEXT("updateDefaultPaid")},
        {inputs->rate, TEXT("updateAddonRates")},
    };
    bool changes = false;
    json_write_object_begin(writer);
    json_write_object_named(writer, TEXT("addon"));
    if (!write_changed(call, writer, error)) return false;
    json_write_object_end(writer);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].value == NULL) continue;
        changes = true;
        json_write_key(writer, flags[i].flag);
        json_write_bool(writer, true);
    }
    json_write_object_end(writer);
    return changes || qms_fail(error, QMS_BAD_REQUEST,
                               "nothing to change: give --name, --description, --resource, "
                               "--amount, --paid or --rate");
}

/* ---- the commands ---- */

static const struct action addon_list = {
    .path = "/addons", .rows = {"addons"}, .columns = addon_columns,
    .none = "There are no add-ons.",
};
static const struct action addon_add = {
    .lookups = {&addon_resource}, .value_operand = 3, .method = "PUT", .path = "/addons",
    .body = addon_add_body, .done = "Added the add-on {addon.name}.",
};
static const struct action addon_update = {
    .lookups = {&addon, &addon_resource}, .method = "POST", .path = "/addons/{#0}",
    .body = addon_update_body, .done = "Changed the add-on {addon.name}.",
};
static const struct action addon_delete = {
    .lookups = {&addon}, .method = "DELETE", .path = "/addons/{#0}",
    .done = "Deleted the add-on {=0}.",
};
static const struct action addon_apply = {
    .lookups = {&addon_subscription, &addon_applied_name}, .method = "PUT",
    .path = "/subscriptions/{#0}/addons/{#1}",
    .done = "{0} has {=1}: {subscription_addon.amount} more of "
            "{subscription_addon.addon.resource_type.name}.",
};
static const struct action addon_revoke = {
    .lookups = {&addon_subscription, &addon_of_subscription}, .method = "DELETE",
    .path = "/subscription-addons/{#1}",
    .done = "{0} no longer has {=1}: {subscription_addon.amount} less of "
            "{subscription_addon.addon.resource_type.name}.",
};
static const struct action addon_applied = {
    .lookups = {&addon_subscription}, .path = "/subscriptions/{#0}/addons",
    .rows = {"subscription_addons"}, .columns = addon_applied_columns,
    .none = "The user has no add-ons.",
};

#define ADDON_CHANGED_ROWS                                                                         \
    ACTION_TEXT("description", description, "TEXT", "for people; of a new one otherwise the name"),\
        ACTION_TEXT("paid", addon_paid, "yes|no", "whether who gets it has paid for it"),          \
        ACTION_TEXT("rate", rate, "RATE", "what it costs; of a new one otherwise nothing"),        \
        ACTION_FROM_ROW, ACTION_WRITE_ROWS

static const struct option_row addon_add_options[] = {ADDON_CHANGED_ROWS, OPTION_END};
static const struct option_row addon_update_options[] = {
    ACTION_TEXT("name", name, "NAME", "the new name"),
    ACTION_TEXT("resource", resource, "RESOURCE", "the new resource type"),
    ACTION_TEXT("amount", amount, "VALUE", "the new amount, for who gets it from now on"),
    ADDON_CHANGED_ROWS, OPTION_END,
};

const struct command commands_addon[] = {
    {"addon list", "", "list the add-ons there are", "", action_listing_options, 0, 0, action_run,
     &addon_list},
    {"addon add", "NAME RESOURCE AMOUNT", "add an add-on", "", addon_add_options, 3, 3, action_run,
     &addon_add},
    {"addon update", "ADDON", "change an add-on",
     "Users who have it keep the amount and the rate they got it with.\n", addon_update_options, 1,
     1, action_run, &addon_update},
    {"addon delete", "ADDON", "delete an add-on that nobody has", "", action_write_options, 1, 1,
     action_run, &addon_delete},
    {"addon apply", "USER ADDON", "raise a user's quota by an add-on",
     "It goes to the active subscription, which is one to the default plan, made for it, for a\n"
     "user who has none. An add-on may be applied more than once.\n",
     action_write_options, 2, 2, action_run, &addon_apply},
    {"addon revoke", "USER ADDON", "take an add-on back from a user",
     "Of several with one name, name it by the id that addon applied shows. A user without a\n"
     "subscription gets one to the default plan by being asked for.\n",
     action_write_options, 2, 2, action_run, &addon_revoke},
    {"addon applied", "USER", "list the add-ons of a user's active subscription",
     "A user without a subscription gets one to the default plan by being asked for.\n",
     action_listing_options, 1, 1, action_run, &addon_applied},
    {.name = NULL},
};
