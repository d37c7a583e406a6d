/* commands_account.c: what a user has: qms subscribe, subscription ..., quota ..., usage ... */
#include "cli/action.h"
#include "domain/date.h"

/* ---- subscribe ---- */

static void subscribe_query(const struct action_call *call, struct buffer *path) {
    buffer_format(path, "?force=%s", call->inputs.force ? "true" : "false");
}

static bool subscribe_body(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    (void)error;
    json_write_object_begin(writer);
    json_write_array_named(writer, TEXT("subscriptions"));
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("username"), call->operands[0]);
    action_write_text(writer, TEXT("plan_name"), answer_text(call->found[0], "name", call->arena));
    json_write_key(writer, TEXT("paid"));
    json_write_bool(writer, inputs->paid);
    json_write_key(writer, TEXT("periods"));
    json_write_integer(writer, (int64_t)inputs->periods);
    if (inputs->start != NULL)
        action_write_text(writer, TEXT("start_date"), text_of(inputs->start));
    if (inputs->end != NULL) action_write_text(writer, TEXT("end_date"), text_of(inputs->end));
    json_write_object_end(writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
    return true;
}

/* The one item of the answer tells what came of it. */
static struct text subscribe_item(struct text answer, struct arena *arena) {
    struct answer_list items = {.count = 0};
    bool has_one = answer_list_add(&items, answer, "result", arena) && items.count == 1;
    return has_one ? items.items[0] : TEXT("");
}

static bool subscribe_accepts(const struct action_call *call, struct text answer,
                              struct qms_error *error) {
    struct text item = subscribe_item(answer, call->arena);
    struct text reason = answer_text(item, "failure_reason", call->arena);
    /* An item has no code; "unable to" is how the failures of the server itself begin. */
    bool is_internal = reason.length > 10 && memcmp(reason.data, "unable to ", 10) == 0;
    if (reason.length > 0)
        return qms_fail(error, is_internal ? QMS_INTERNAL : QMS_BAD_REQUEST, "%.*s",
                        TEXT_ARGUMENTS(reason));
    if (text_equal(answer_text(item, "new_subscription", call->arena), TEXT("true"))) return true;
    struct text plan = answer_text(item, "plan.name", call->arena);
    return qms_fail(error, QMS_CONFLICT, "%.*s keeps the plan %.*s, which has as much or more; "
                    "--force makes the change all the same",
                    TEXT_ARGUMENTS(call->operands[0]), TEXT_ARGUMENTS(plan));
}

static struct text subscribe_confirmation(const struct action_call *call, struct text answer) {
    struct text item = subscribe_item(answer, call->arena);
    struct text start = answer_text(item, "effective_start_date", call->arena);
    struct text end = answer_text(item, "effective_end_date", call->arena);
    struct text plan = answer_text(item, "plan.name", call->arena);
    if (start.length > 10) start.length = 10;
    if (end.length > 10) end.length = 10;
    return arena_format(call->arena, "%.*s has the plan %.*s from %.*s to %.*s.",
                        TEXT_ARGUMENTS(call->operands[0]), TEXT_ARGUMENTS(plan),
                        TEXT_ARGUMENTS(start), TEXT_ARGUMENTS(end));
}

static const struct action_lookup subscribe_plan = ACTION_PLAN(1);

static const struct action subscribe = {
    .lookups = {&subscribe_plan}, .method = "POST", .path = "/v1/subscriptions",
    .query = subscribe_query, .body = subscribe_body, .accepts = subscribe_accepts,
    .confirmation = subscribe_confirmation,
};

static const struct option_row subscribe_options[] = {
    {"periods", "periods", NULL, OPTION_UNSIGNED, ACTION_PLACE(periods), "1", "N",
     "years; the quotas of consumable resource types count for each", 1, 10},
    ACTION_TEXT("start", start, "DATE", "the first day, as 2026-12-31; without it now"),
    ACTION_TEXT("end", end, "DATE", "the end; without it after the periods"),
    ACTION_SWITCH("paid", paid, "the subscription is paid for"),
    ACTION_SWITCH("force", force, "also when the user has a plan with as much or more"),
    ACTION_WRITE_ROWS, OPTION_END,
};

/* ---- subscription list ---- */

static void subscription_query(const struct action_call *call, struct buffer *path) {
    const struct action_inputs *inputs = &call->inputs;
    buffer_put_text(path, TEXT("?sort-field="));
    client_put_segment(path, text_of(inputs->sort));
    buffer_format(path, "&sort-dir=%s", inputs->descending ? "desc" : "asc");
    if (inputs->search == NULL) return;
    buffer_put_text(path, TEXT("&search="));
    client_put_segment(path, text_of(inputs->search));
}

static const struct listing_column subscription_columns[] = {
    {"user", "user.username", .kind = LISTING_TEXT},
    {"plan", "plan.name", .kind = LISTING_TEXT},
    {"paid", "paid", .kind = LISTING_BOOL},
    {"from", "effective_start_date", .kind = LISTING_DATE},
    {"to", "effective_end_date", .kind = LISTING_DATE},
    {"id", "id", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

static const struct action subscription_list = {
    .path = "/v1/subscriptions", .query = subscription_query, .rows = {"result.subscriptions"},
    .columns = subscription_columns, .pages = "result.total",
    .none = "There are no such subscriptions.",
};

static const struct option_row subscription_list_options[] = {
    ACTION_TEXT("search", search, "TEXT", "only users whose names hold it"),
    {"sort", "sort", NULL, OPTION_TEXT, ACTION_PLACE(sort), "username", "FIELD",
     "username, start-date or end-date", 0, 0},
    ACTION_SWITCH("descending", descending, "from last to first"),
    ACTION_LISTING_ROWS, OPTION_END,
};

/* ---- quota set, usage add, usage set ---- */

static const struct action_lookup account_resource = ACTION_RESOURCE(1);

static bool quota_body(const struct action_call *call, struct json_writer *writer,
                       struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("quota"));
    json_write_amount(writer, call->value);
    json_write_object_end(writer);
    return true;
}

static bool usage_body(const struct action_call *call, struct json_writer *writer,
                       struct text update_type) {
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("username"), call->operands[0]);
    action_write_text(writer, TEXT("resource_name"),
                      answer_text(call->found[0], "name", call->arena));
    json_write_key(writer, TEXT("usage_value"));
    json_write_amount(writer, call->value);
    action_write_text(writer, TEXT("update_type"), update_type);
    if (call->inputs.metadata != NULL)
        action_write_text(writer, TEXT("metadata"), text_of(call->inputs.metadata));
    json_write_object_end(writer);
    return true;
}

static bool usage_add_body(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    if (amount_sign(call->value) < 0)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "the value is 0 or more; qms usage set takes back what was too much");
    return usage_body(call, writer, TEXT("ADD"));
}

static bool usage_set_body(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    (void)error;
    return usage_body(call, writer, TEXT("SET"));
}

static const struct action quota_set = {
    .lookups = {&account_resource}, .value_operand = 3, .method = "POST",
    .path = "/v1/users/{0}/plan/{=0}/quota", .body = quota_body,
    .done = "{0} has a quota of {2} for {=0}.",
};
static const struct action usage_add = {
    .lookups = {&account_resource}, .value_operand = 3, .method = "POST", .path = "/v1/usages",
    .body = usage_add_body, .done = "{0} has used {2} more of {=0}.",
};
static const struct action usage_set = {
    .lookups = {&account_resource}, .value_operand = 3, .method = "POST", .path = "/v1/usages",
    .body = usage_set_body, .done = "{0} has used {2} of {=0}.",
};

static const struct option_row usage_options[] = {
    ACTION_TEXT("metadata", metadata, "TEXT", "is kept with the change in the history"),
    ACTION_WRITE_ROWS, OPTION_END,
};

/* ---- history ---- */

static bool history_keeps(const struct action_call *call, struct text row) {
    int64_t at_us;
    if (call->inputs.resource != NULL &&
        !text_equal(answer_text(row, "resource_type.name", call->arena),
                    answer_text(call->found[0], "name", call->arena)))
        return false;
    return timestamp_parse(answer_text(row, "effective_date", call->arena), &at_us) &&
           at_us >= call->since_us;
}

/* "quota" or "usage". */
static struct text history_what_cell(struct text row, struct arena *arena) {
    struct text type = answer_text(row, "value_type", arena);
    if (text_equal(type, TEXT("quotas"))) return TEXT("quota");
    return text_equal(type, TEXT("usages")) ? TEXT("usage") : type;
}

static const struct listing_column history_columns[] = {
    {"when", "effective_date", .kind = LISTING_TIME},
    {"what", .kind = LISTING_TEXT, .cell = history_what_cell},
    {"operation", "operation.name", .kind = LISTING_TEXT},
    {"value", "value", .kind = LISTING_AMOUNT},
    {"resource", "resource_type.name", .kind = LISTING_TEXT},
    {"metadata", "metadata", .kind = LISTING_TEXT},
    {"id", "uuid", .kind = LISTING_TEXT, .is_extra = true},
    {NULL},
};

static const struct action history = {
    .lookups = {&account_resource}, .path = "/users/{0}/updates", .rows = {"updates"},
    .columns = history_columns, .keeps = history_keeps, .none = "There are no such changes.",
};

static const struct option_row history_options[] = {
    ACTION_TEXT("resource", resource, "RESOURCE", "only changes of this resource type"),
    ACTION_TEXT("since", since, "DATE", "only changes from then on, as 2026-12-31"),
    ACTION_LISTING_ROWS, OPTION_END,
};

const struct command commands_account[] = {
    {"subscribe", "USER PLAN", "give a user a plan",
     "Without --force a user whose plan has as much or more keeps it, and the exit code is 5.\n",
     subscribe_options, 2, 2, action_run, &subscribe},
    {"subscription list", "", "list the active subscriptions", "", subscription_list_options, 0, 0,
     action_run, &subscription_list},
    {"quota set", "USER RESOURCE VALUE", "set a user's quota of a resource type", "",
     action_write_options, 3, 3, action_run, &quota_set},
    {"usage add", "USER RESOURCE VALUE", "add to what a user has used", "", usage_options, 3, 3,
     action_run, &usage_add},
    {"usage set", "USER RESOURCE VALUE", "set what a user has used", "", usage_options, 3, 3,
     action_run, &usage_set},
    {"history", "USER", "list the changes of a user's quotas and usages: the audit trail",
     "Times are in UTC, and are those from which a change holds.\n", history_options, 1, 1,
     action_run, &history},
    {.name = NULL},
};
