/* commands_cloud.c: qms org ..., qms connection ..., qms cloud-quota ...: the quotas of CloudMC,
 * through its HTTP API. Operands are names of what the key's own organization has, or ids of
 * anything that the key sees. */
#include "cli/action.h"

#define ORGANIZATION(at)                                                                           \
    {.noun = "organization", .nouns = "organizations", .path = "/api/v2/organizations",            \
     .rows = "data", .name = "name", .id = "id", .operand = (at), .takes_id = true}
#define CONNECTION(at)                                                                             \
    {.noun = "connection", .nouns = "connections", .path = "/api/v2/services/connections",         \
     .rows = "data", .name = "name", .id = "id", .operand = (at), .takes_id = true}
#define QUOTA(at)                                                                                  \
    {.noun = "quota", .nouns = "quotas", .path = "/api/v2/quotas", .rows = "data", .name = "name", \
     .id = "id", .operand = (at), .takes_id = true}

static const struct action_lookup organization = ORGANIZATION(0);
static const struct action_lookup organization_given = ORGANIZATION(1);
static const struct action_lookup connection = CONNECTION(0);
static const struct action_lookup connection_of_quota = CONNECTION(1);
static const struct action_lookup quota = QUOTA(0);
static const struct action_lookup substitute = QUOTA(1);

/* ---- listings ---- */

static const struct listing_column organization_columns[] = {
    {"organization", "name", .kind = LISTING_TEXT},
    {"parent", "parent.name", .kind = LISTING_TEXT},
    {"trial", "isTrial", .kind = LISTING_BOOL},
    {"reseller", "isReseller", .kind = LISTING_BOOL},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};
/* What limits an organization. */
static const struct listing_column organization_quota_columns[] = {
    {"quota", "name", .kind = LISTING_TEXT},
    {"connection", "serviceConnection.id", .kind = LISTING_TEXT},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};
static const struct listing_column connection_columns[] = {
    {"connection", "name", .kind = LISTING_TEXT},
    {"code", "serviceCode", .kind = LISTING_TEXT},
    {"type", "type", .kind = LISTING_TEXT},
    {"owner", "organization.name", .kind = LISTING_TEXT},
    {"quotas", "supportsQuotas", .kind = LISTING_BOOL},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};
static const struct listing_column assigned_columns[] = {
    {"organization", "name", .kind = LISTING_TEXT},
    {"quota", "quota.name", .kind = LISTING_TEXT},
    {"state", "state", .kind = LISTING_TEXT},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};
static const struct listing_column quota_columns[] = {
    {"quota", "name", .kind = LISTING_TEXT},
    {"connection", "serviceConnection.name", .kind = LISTING_TEXT},
    {"owner", "ownerOrganization.name", .kind = LISTING_TEXT},
    {"limits", "numberOfOrganizationsAppliedTo", .kind = LISTING_AMOUNT},
    {"default", "defaultForService", .kind = LISTING_BOOL},
    {"trial", "defaultForTrial", .kind = LISTING_BOOL},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};
static const struct listing_column detail_columns[] = {
    {"metric", "metricIdentifier", .kind = LISTING_TEXT},
    {"ceiling", "ceiling", .kind = LISTING_AMOUNT},
    {NULL},
};

/* ---- queries ---- */

static void parameter_put(struct buffer *path, char before, const char *name, const char *value) {
    buffer_format(path, "%c%s=", before, name);
    client_put_segment(path, text_of(value));
}

static void organization_query(const struct action_call *call, struct buffer *path) {
    if (call->inputs.organization != NULL)
        parameter_put(path, '?', "organization_id", call->inputs.organization);
}

static void default_query(const struct action_call *call, struct buffer *path) {
    bool trial = call->inputs.for_trial;
    parameter_put(path, '?', "service", trial && !call->inputs.for_service ? "false" : "true");
    parameter_put(path, '&', "trial", trial ? "true" : "false");
}

static struct text found_id(const struct action_call *call, size_t index) {
    return answer_text(call->found[index], "id", call->arena);
}

static void substitute_query(const struct action_call *call, struct buffer *path) {
    if (call->inputs.substitute == NULL) return;
    buffer_put_text(path, TEXT("?quota_id="));
    client_put_segment(path, found_id(call, 1));
}

/* ---- bodies ---- */

static void write_reference(struct json_writer *writer, struct text name, struct text id) {
    json_write_key(writer, name);
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("id"), id);
    json_write_object_end(writer);
}

static bool write_flags(const struct action_call *call, struct json_writer *writer,
                        struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    bool trial;
    if (!action_flag("trial", inputs->trial, false, &trial, error)) return false;
    if (inputs->trial == NULL) return true;
    json_write_key(writer, TEXT("isTrial"));
    json_write_bool(writer, trial);
    return true;
}

static bool org_create_body(const struct action_call *call, struct json_writer *writer,
                            struct qms_error *error) {
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), call->operands[0]);
    if (call->inputs.organization != NULL)
        write_reference(writer, TEXT("parent"), text_of(call->inputs.organization));
    if (!write_flags(call, writer, error)) return false;
    json_write_object_end(writer);
    return true;
}

static bool org_update_body(const struct action_call *call, struct json_writer *writer,
                            struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    if (inputs->name == NULL && inputs->trial == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "nothing to change: give --name or --trial");
    json_write_object_begin(writer);
    if (inputs->name != NULL) action_write_text(writer, TEXT("name"), text_of(inputs->name));
    if (!write_flags(call, writer, error)) return false;
    json_write_object_end(writer);
    return true;
}

static bool connection_create_body(const struct action_call *call, struct json_writer *writer,
                                   struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), call->operands[0]);
    action_write_text(writer, TEXT("serviceCode"), call->operands[1]);
    action_write_text(writer, TEXT("type"), call->operands[2]);
    if (call->inputs.organization != NULL)
        write_reference(writer, TEXT("organization"), text_of(call->inputs.organization));
    json_write_object_end(writer);
    return true;
}

/* The organization is the second lookup, the connection the first. */
static bool connection_assign_body(const struct action_call *call, struct json_writer *writer,
                                   struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    json_write_array_named(writer, TEXT("serviceConnections"));
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("id"), found_id(call, 0));
    json_write_object_end(writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
    return true;
}

/* "disk.size.gb=500" of --ceiling. */
static bool write_ceiling(struct json_writer *writer, const char *option,
                          struct qms_error *error) {
    const char *equals = strrchr(option, '=');
    struct amount ceiling;
    if (equals == NULL || equals == option)
        return qms_fail(error, QMS_BAD_REQUEST, "--ceiling is METRIC=VALUE, not '%s'", option);
    if (!action_amount("the value of --ceiling", text_of(equals + 1), &ceiling, error))
        return false;
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("metricIdentifier"),
                      (struct text){option, (size_t)(equals - option)});
    json_write_key(writer, TEXT("ceiling"));
    json_write_amount(writer, ceiling);
    json_write_object_end(writer);
    return true;
}

static bool write_ceilings(const struct action_call *call, struct json_writer *writer,
                           struct qms_error *error) {
    const struct option_texts *ceilings = &call->inputs.defaults;
    json_write_array_named(writer, TEXT("quotaDetails"));
    for (size_t i = 0; i < ceilings->count; i++)
        if (!write_ceiling(writer, ceilings->items[i], error)) return false;
    json_write_array_end(writer);
    return true;
}

static void write_description(const struct action_call *call, struct json_writer *writer) {
    if (call->inputs.description != NULL)
        action_write_text(writer, TEXT("description"), text_of(call->inputs.description));
}

static bool quota_create_body(const struct action_call *call, struct json_writer *writer,
                              struct qms_error *error) {
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), call->operands[0]);
    write_reference(writer, TEXT("serviceConnection"), found_id(call, 0));
    if (call->inputs.organization != NULL)
        write_reference(writer, TEXT("ownerOrganization"), text_of(call->inputs.organization));
    write_description(call, writer);
    if (!write_ceilings(call, writer, error)) return false;
    json_write_object_end(writer);
    return true;
}

static bool quota_update_body(const struct action_call *call, struct json_writer *writer,
                              struct qms_error *error) {
    json_write_object_begin(writer);
    action_write_text(writer, TEXT("name"), call->operands[1]);
    write_description(call, writer);
    if (!write_ceilings(call, writer, error)) return false;
    json_write_object_end(writer);
    return true;
}

static bool quota_apply_body(const struct action_call *call, struct json_writer *writer,
                             struct qms_error *error) {
    (void)error;
    json_write_object_begin(writer);
    write_reference(writer, TEXT("quota"), found_id(call, 0));
    write_reference(writer, TEXT("organization"), found_id(call, 1));
    json_write_object_end(writer);
    return true;
}

/* ---- the commands ---- */

static const struct action org_list = {
    .path = "/api/v2/organizations", .query = organization_query, .rows = {"data"},
    .columns = organization_columns, .none = "There are no organizations.",
};
static const struct action org_show = {
    .lookups = {&organization}, .path = "/api/v2/organizations/{#0}", .rows = {"data.quotas"},
    .columns = organization_quota_columns, .none = "No quota limits the organization.",
};
static const struct action org_create = {
    .method = "POST", .path = "/api/v2/organizations", .body = org_create_body,
    .done = "Created the organization {data.name}: {data.id}.",
};
static const struct action org_update = {
    .lookups = {&organization}, .method = "PUT", .path = "/api/v2/organizations/{#0}",
    .body = org_update_body, .done = "Changed the organization {data.name}.",
};
static const struct action org_delete = {
    .lookups = {&organization}, .method = "DELETE", .path = "/api/v2/organizations/{#0}",
    .done = "Deleted the organization {=0}.",
};
static const struct action connection_list = {
    .path = "/api/v2/services/connections", .query = organization_query, .rows = {"data"},
    .columns = connection_columns, .none = "The organization has no connections.",
};
static const struct action connection_create = {
    .method = "POST", .path = "/api/v2/services/connections", .body = connection_create_body,
    .done = "Created the connection {data.name}: {data.id}.",
};
static const struct action connection_assign = {
    .lookups = {&connection, &organization_given}, .method = "PUT",
    .path = "/api/v2/organizations/{#1}", .body = connection_assign_body,
    .done = "{data.name} has the connection {=0}.",
};
static const struct action connection_unassign = {
    .lookups = {&connection, &organization_given}, .method = "DELETE",
    .path = "/api/v2/services/connections/{#0}/assigned_organizations/{#1}",
    .done = "{=1} no longer has the connection {=0}.",
};
static const struct action connection_assigned = {
    .lookups = {&connection}, .query = organization_query,
    .path = "/api/v2/services/connections/{#0}/assigned_organizations", .rows = {"data"},
    .columns = assigned_columns, .none = "No organization has the connection.",
};
static const struct action quota_list = {
    .path = "/api/v2/quotas", .query = organization_query, .rows = {"data"},
    .columns = quota_columns, .none = "The organization owns no quotas, and none limits it.",
};
static const struct action quota_show = {
    .lookups = {&quota}, .path = "/api/v2/quotas/{#0}", .rows = {"data.quotaDetails"},
    .columns = detail_columns, .none = "The quota limits nothing.",
};
static const struct action quota_create = {
    .lookups = {&connection_of_quota}, .method = "POST", .path = "/api/v2/quotas",
    .body = quota_create_body, .done = "Created the quota {data.name}: {data.id}.",
};
static const struct action quota_update = {
    .lookups = {&quota}, .method = "PUT", .path = "/api/v2/quotas/{#0}",
    .body = quota_update_body,
    .done = "Changed the quota {data.name}. Organizations that it limits: "
            "{data.numberOfOrganizationsAppliedTo}.",
};
static const struct action quota_delete = {
    .lookups = {&quota, &substitute}, .method = "DELETE", .path = "/api/v2/quotas/{#0}",
    .query = substitute_query, .done = "Deleted the quota {=0}.",
};
static const struct action quota_default = {
    .lookups = {&quota}, .method = "POST", .path = "/api/v2/quotas/{#0}/default",
    .query = default_query, .done = "{data.name} is a default of {data.serviceConnection.name}.",
};
static const struct action quota_apply = {
    .lookups = {&quota, &organization_given}, .method = "POST", .path = "/api/v2/quotas/apply",
    .body = quota_apply_body,
    .done = "{data.name} limits {=1}. Organizations that it limits: "
            "{data.numberOfOrganizationsAppliedTo}.",
};

#define ORGANIZATION_ROW(help) ACTION_TEXT("org", organization, "ID", help)
#define TRIAL_ROW ACTION_TEXT("trial", trial, "yes|no", "whether it is a trial")
#define CEILING_ROWS                                                                               \
    {"ceiling", "ceiling", NULL, OPTION_TEXTS, ACTION_PLACE(defaults), NULL, "METRIC=VALUE",       \
     "the most that is permitted, -1 for no limit; one for each metric of the connection", 0, 0},  \
        ACTION_TEXT("description", description, "TEXT", "for people")

static const struct option_row cloud_listing_options[] = {
    ORGANIZATION_ROW("whose, by id; the key's own organization without it"),
    ACTION_LISTING_ROWS, OPTION_END,
};
static const struct option_row org_create_options[] = {
    ORGANIZATION_ROW("the organization above it; the key's own without it"), TRIAL_ROW,
    ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row org_update_options[] = {
    ACTION_TEXT("name", name, "NAME", "the new name"), TRIAL_ROW, ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row connection_create_options[] = {
    ORGANIZATION_ROW("who owns it; the key's own organization without it"), ACTION_WRITE_ROWS,
    OPTION_END,
};
static const struct option_row quota_create_options[] = {
    ORGANIZATION_ROW("who owns it; the key's own organization without it"), CEILING_ROWS,
    ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row quota_update_options[] = {CEILING_ROWS, ACTION_WRITE_ROWS,
                                                         OPTION_END};
static const struct option_row quota_delete_options[] = {
    ACTION_TEXT("substitute", substitute, "QUOTA", "the quota that takes its place"),
    ACTION_WRITE_ROWS, OPTION_END,
};
static const struct option_row quota_default_options[] = {
    ACTION_SWITCH("service", for_service, "for all organizations; so without --trial, too"),
    ACTION_SWITCH("trial", for_trial, "for trial organizations"), ACTION_WRITE_ROWS, OPTION_END,
};

const struct command commands_cloud[] = {
    {"org list", "", "list an organization and those below it", "", cloud_listing_options, 0, 0,
     action_run, &org_list},
    {"org show", "ORGANIZATION", "show which quotas limit an organization", "",
     action_listing_options, 1, 1, action_run, &org_show},
    {"org create", "NAME", "create an organization", "", org_create_options, 1, 1, action_run,
     &org_create},
    {"org update", "ORGANIZATION", "change an organization",
     "A trial that is one no longer gets the default quotas of others.\n", org_update_options, 1, 1,
     action_run, &org_update},
    {"org delete", "ORGANIZATION", "delete an organization that has none below it", "",
     action_write_options, 1, 1, action_run, &org_delete},
    {"connection list", "", "list the service connections of an organization", "",
     cloud_listing_options, 0, 0, action_run, &connection_list},
    {"connection create", "NAME CODE TYPE", "create a service connection",
     "TYPE is that of a plugin, such as cloudca; CODE is its name in paths: letters, digits, and\n"
     "any of - _ and the full stop.\n",
     connection_create_options, 3, 3, action_run, &connection_create},
    {"connection assign", "CONNECTION ORGANIZATION", "give a connection to an organization",
     "It gets the connection's default quota with it.\n", action_write_options, 2, 2, action_run,
     &connection_assign},
    {"connection unassign", "CONNECTION ORGANIZATION", "take a connection from an organization",
     "Its environments there and its quota go, too.\n", action_write_options, 2, 2, action_run,
     &connection_unassign},
    {"connection assigned", "CONNECTION", "list the organizations that have a connection", "",
     cloud_listing_options, 1, 1, action_run, &connection_assigned},
    {"cloud-quota list", "", "list the quotas of an organization",
     "Those that it owns, and those that limit it.\n", cloud_listing_options, 0, 0, action_run,
     &quota_list},
    {"cloud-quota show", "QUOTA", "show the ceilings of a quota", "", action_listing_options, 1, 1,
     action_run, &quota_show},
    {"cloud-quota create", "NAME CONNECTION", "create a quota that limits nobody yet", "",
     quota_create_options, 2, 2, action_run, &quota_create},
    {"cloud-quota update", "QUOTA NAME", "replace the name and all ceilings of a quota",
     "Whom it limits it limits so at once.\n", quota_update_options, 2, 2, action_run,
     &quota_update},
    {"cloud-quota delete", "QUOTA", "delete a quota",
     "One that limits somebody needs a --substitute.\n", quota_delete_options, 1, 1, action_run,
     &quota_delete},
    {"cloud-quota default", "QUOTA", "make a quota the default of its connection",
     "For organizations that get the connection from now on.\n", quota_default_options, 1, 1,
     action_run, &quota_default},
    {"cloud-quota apply", "QUOTA ORGANIZATION", "let a quota limit an organization", "",
     action_write_options, 2, 2, action_run, &quota_apply},
    {.name = NULL},
};
