/* commands_catalogue.c: qms plan ... and qms resource ...: what can be subscribed to. */
#include "base/clock.h"
#include "cli/action.h"
#include "cli/in_force.h"

/* ---- what is in force today ---- */

static struct text plan_rate_cell(struct text row, struct arena *arena) {
    return in_force_rate(row, "plan_rates", arena);
}

/* "cpu.hours 200, data.size 5368709120" */
static struct text plan_defaults_cell(struct text row, struct arena *arena) {
    struct answer_list defaults = {.count = 0};
    struct text cell = TEXT("");
    if (!answer_list_add(&defaults, row, "plan_quota_defaults", arena)) return cell;
    int64_t now_us = clock_wall_us(&clock_system);
    for (size_t i = 0; i < defaults.count; i++) {
        if (!in_force(&defaults, i, now_us, arena)) continue;
        struct text name = answer_text(defaults.items[i], "resource_type.name", arena);
        struct text value = listing_amount(answer_text(defaults.items[i], "quota_value", arena),
                                           arena);
        cell = arena_format(arena, "%.*s%s%.*s %.*s", TEXT_ARGUMENTS(cell),
                            cell.length == 0 ? "" : ", ", TEXT_ARGUMENTS(name),
                            TEXT_ARGUMENTS(value));
    }
    return cell;
}

/* A row of plan_rates, or of plan_quota_defaults. */
static struct text plan_what_cell(struct text row, struct arena *arena) {
    struct text resource = answer_text(row, "resource_type.name", arena);
    if (resource.length == 0) return TEXT("rate");
    return arena_format(arena, "quota of %.*s", TEXT_ARGUMENTS(resource));
}

static const struct listing_column plan_columns[] = {
    {"plan", "name", .kind = LISTING_TEXT},
    {"description", "description", .kind = LISTING_TEXT},
    {"rate", .kind = LISTING_AMOUNT, .cell = plan_rate_cell},
    {"quotas", .kind = LISTING_TEXT, .cell = plan_defaults_cell},
    {"id", "id", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

static const struct listing_column plan_row_columns[] = {
    {"what", .kind = LISTING_TEXT, .cell = plan_what_cell},
    {"value", "rate|quota_value", .kind = LISTING_AMOUNT},
    {"unit", "resource_type.unit", .kind = LISTING_TEXT},
    {"from", "effective_date", .kind = LISTING_DATE},
    {"id", "id", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

/* ---- bodies ---- */

static void write_effective(struct json_writer *writer, int64_t at_us) {
    json_write_key(writer, TEXT("effective_date"));
    json_write_timestamp(writer, at_us);
}

static void write_rates(struct json_writer *writer, struct amount rate, int64_t from_us) {
    json_write_array_named(writer, TEXT("plan_rates"));
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("rate"));
    json_write_amount(writer, rate);
    write_effective(writer, from_us);
    json_write_object_end(writer);
    json_write_array_end(writer);
}

static void write_default(struct json_writer *writer, struct text resource, struct amount value,
                          int64_t from_us) {
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("quota_value"));
    json_write_amount(writer, value);
    json_write_object_named(writer, TEXT("resource_type"));
    action_write_text(writer, TEXT("name"), resource);
    json_write_object_end(writer);
    write_effective(writer, from_us);
    json_write_object_end(writer);
}

static const struct action_lookup resource = ACTION_RESOURCE(0);

/* "cpu.hours=500" of --quota. */
static bool write_default_option(const struct action_call *call, struct json_writer *writer,
                                 const char *option, struct qms_error *error) {
    const char *equals = strrchr(option, '=');
    struct amount value;
    struct text row;
    if (equals == NULL || equals == option)
        return qms_fail(error, QMS_BAD_REQUEST, "--quota is RESOURCE=VALUE, not '%s'", option);
    struct text word = {option, (size_t)(equals - option)};
    if (!action_amount("the value of --quota", text_of(equals + 1), &value, error) ||
        !action_find(call, &resource, word, &row, error))
        return false;
    write_default(writer, answer_text(row, "name", call->arena), value, call->from_us);
    return true;
}

static bool plan_add_body(const struct action_call *call, struct json_writer *writer,
                          struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    struct amount rate = amount_zero();
    if (inputs->rate != NULL && !action_amount("--rate", text_of(inputs->rate), &rate, error))
        return false;
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), call->operands[0]);
    action_write_text(writer, TEXT("description"),
                      inputs->description == NULL ? call->operands[0]
                                                  : text_of(inputs->description));
    json_write_array_named(writer, TEXT("plan_quota_defaults"));
    for (size_t i = 0; i < inputs->defaults.count; i++)
        if (!write_default_option(call, writer, inputs->defaults.items[i], error)) return false;
    json_write_array_end(writer);
    write_rates(writer, rate, call->from_us);
    json_write_object_end(writer);
    return true;
}

static bool plan_rate_body(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    write_rates(writer, call->value, call->from_us);
    json_write_object_end(writer);
    return true;
}

static bool plan_default_body(const struct action_call *call, struct json_writer *writer,
                              struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    json_write_array_named(writer, TEXT("plan_quota_defaults"));
    write_default(writer, answer_text(call->found[1], "name", call->arena), call->value,
                  call->from_us);
    json_write_array_end(writer);
    json_write_object_end(writer);
    return true;
}

static bool resource_body(const struct action_call *call, struct json_writer *writer,
                          struct text name, struct text unit, bool was_consumable,
                          struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    bool consumable;
    if (!action_flag("consumable", inputs->consumable, was_consumable, &consumable, error))
        return false;
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), name);
    action_write_text(writer, TEXT("unit"), unit);
    json_write_key(writer, TEXT("consumable"));
    json_write_bool(writer, consumable);
    json_write_object_end(writer);
    return true;
}

static bool resource_add_body(const struct action_call *call, struct json_writer *writer,
                              struct qms_error *error) {
    return resource_body(call, writer, call->operands[0], call->operands[1], false, error);
}

/* What no option names stays as it is. */
static bool resource_update_body(const struct action_call *call, struct json_writer *writer,
                                 struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    struct text row = call->found[0];
    if (inputs->name == NULL && inputs->unit == NULL && inputs->consumable == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "nothing to change: give --name, --unit or "
                                                "--consumable");
    struct text name = inputs->name != NULL ? text_of(inputs->name)
                                            : answer_text(row, "name", call->arena);
    struct text unit = inputs->unit != NULL ? text_of(inputs->unit)
                                            : answer_text(row, "unit", call->arena);
    bool consumable = text_equal(answer_text(row, "consumable", call->arena), TEXT("true"));
    return resource_body(call, writer, name, unit, consumable, error);
}

/* ---- the commands ---- */

static const struct action_lookup plan = ACTION_PLAN(0);
static const struct action_lookup plan_resource = ACTION_RESOURCE(1);

static const struct action plan_list = {
    .path = "/v1/plans", .rows = {"result"}, .columns = plan_columns, .none = "There are no plans.",
};
static const struct action plan_show = {
    .lookups = {&plan}, .path = "/v1/plans/{#0}",
    .rows = {"result.plan_rates", "result.plan_quota_defaults"}, .columns = plan_row_columns,
    .none = "The plan has no rates and no quotas.",
};
static const struct action plan_add = {
    .method = "POST", .path = "/v1/plans", .body = plan_add_body, .done = "Added the plan {0}.",
};
static const struct action plan_rate = {
    .lookups = {&plan}, .value_operand = 2, .method = "POST",
    .path = "/v1/plans/{#0}/rates", .body = plan_rate_body,
    .done = "The plan {=0} has a new rate: {1}.",
};
static const struct action plan_default = {
    .lookups = {&plan, &plan_resource}, .value_operand = 3, .method = "POST",
    .path = "/v1/plans/{#0}/quota-defaults", .body = plan_default_body,
    .done = "The plan {=0} has a new quota of {=1}: {2}. Subscriptions made before keep theirs.",
};

static const struct listing_column resource_columns[] = {
    {"resource", "name", .kind = LISTING_TEXT},
    {"unit", "unit", .kind = LISTING_TEXT},
    {"consumable", "consumable", .kind = LISTING_BOOL},
    {"id", "id", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

static const struct action resource_list = {
    .path = "/v1/resource-types", .rows = {"result"}, .columns = resource_columns,
    .none = "There are no resource types.",
};
static const struct action resource_add = {
    .method = "POST", .path = "/v1/resource-types", .body = resource_add_body,
    .done = "Added the resource type {result.name}, in {result.unit}.",
};
static const struct action resource_update = {
    .lookups = {&resource}, .method = "PUT", .path = "/v1/resource-types/{#0}",
    .body = resource_update_body, .done = "The resource type is now {result.name}, in "
                                          "{result.unit}.",
};

static const struct option_row plan_add_options[] = {
    ACTION_TEXT("description", description, "TEXT", "for people; without it the name"),
    ACTION_TEXT("rate", rate, "RATE", "what it costs; without it nothing"),
    {"quota", "quota", NULL, OPTION_TEXTS, ACTION_PLACE(defaults), NULL, "RESOURCE=VALUE",
     "a quota that comes with the plan; may be repeated", 0, 0},
    ACTION_FROM_ROW, ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row plan_change_options[] = {
    ACTION_FROM_ROW, ACTION_WRITE_ROWS, OPTION_END,
};
#define RESOURCE_CONSUMABLE_ROW                                                                    \
    ACTION_TEXT("consumable", consumable, "yes|no",                                                \
                "yes: it is used up, as hours are, and bought anew for each period")
static const struct option_row resource_add_options[] = {
    RESOURCE_CONSUMABLE_ROW, ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row resource_update_options[] = {
    ACTION_TEXT("name", name, "NAME", "the new name"),
    ACTION_TEXT("unit", unit, "UNIT", "the new unit"),
    RESOURCE_CONSUMABLE_ROW, ACTION_WRITE_ROWS, OPTION_END,
};

const struct command commands_catalogue[] = {
    {"plan list", "", "list the plans, with the rate and the quotas of today", "",
     action_listing_options, 0, 0, action_run, &plan_list},
    {"plan show", "PLAN", "show all rates and quotas of a plan, past and to come", "",
     action_listing_options, 1, 1, action_run, &plan_show},
    {"plan add", "NAME", "add a plan", "", plan_add_options, 1, 1, action_run, &plan_add},
    {"plan rate", "PLAN RATE", "give a plan a new rate", "", plan_change_options, 2, 2, action_run,
     &plan_rate},
    {"plan default", "PLAN RESOURCE VALUE", "give a plan a new quota for a resource type",
     "It holds for subscriptions made from then on; those there are keep their quotas.\n",
     plan_change_options, 3, 3, action_run, &plan_default},
    {"resource list", "", "list the resource types", "", action_listing_options, 0, 0, action_run,
     &resource_list},
    {"resource add", "NAME UNIT", "add a resource type", "", resource_add_options, 2, 2, action_run,
     &resource_add},
    {"resource update", "RESOURCE", "change a resource type", "", resource_update_options, 1, 1,
     action_run, &resource_update},
    {.name = NULL},
};
