#include <assert.h>

#include "base/limits.h"
#include "wire/cloud_json.h"
#include "wire/json_fields.h"

enum { FIELDS_MAX = 8, VALUE_SHOWN_BYTES_MAX = 256 };

/* ---- failures ---- */

bool cloud_fail(struct op *op, enum cloud_code code, const char *text) {
    op->cloud = (struct cloud_error){.code = code};
    return qms_fail(&op->error, cloud_code_outcome(code), "%s", text);
}

bool cloud_fail_field(struct op *op, const char *field, struct text value, const char *why) {
    op->cloud = (struct cloud_error){.code = CLOUD_INVALID_FIELD};
    cloud_error_text(&op->cloud, "field", text_of(field));
    if (value.data != NULL && value.length <= VALUE_SHOWN_BYTES_MAX)
        cloud_error_text(&op->cloud, "value", value);
    return qms_fail(&op->error, cloud_code_outcome(CLOUD_INVALID_FIELD), "%s %s", field, why);
}

static bool fail_missing(struct op *op, const char *field) {
    op->cloud = (struct cloud_error){.code = CLOUD_MISSING_FIELD};
    cloud_error_text(&op->cloud, "field", text_of(field));
    return qms_fail(&op->error, cloud_code_outcome(CLOUD_MISSING_FIELD), "%s is required", field);
}

/* ---- one body ---- */

struct cloud_body {
    struct json_reader reader; /* of a body that is known to be JSON */
    struct op *op;
};

/* The value that comes next is not what the field takes. A string is shown as it is, anything else
 * as JSON. */
static bool refuse_value(struct cloud_body *body, const char *field, const char *why) {
    struct json_reader *reader = &body->reader;
    bool is_string = json_peek(reader) == JSON_STRING;
    struct text value = {.data = reader->at};
    if (is_string) {
        if (!json_string(reader, &value)) value = (struct text){0};
    } else {
        if (json_skip(reader)) value.length = (size_t)(reader->at - value.data);
        else value = (struct text){0};
    }
    return cloud_fail_field(body->op, field, value, why);
}

static bool take_text(struct cloud_body *body, const char *field, struct text *text) {
    if (json_peek(&body->reader) != JSON_STRING)
        return refuse_value(body, field, "must be a string");
    return json_string(&body->reader, text);
}

static bool take_flag(struct cloud_body *body, const char *field, bool *flag) {
    if (json_peek(&body->reader) != JSON_BOOL)
        return refuse_value(body, field, "must be true or false");
    return json_bool(&body->reader, flag);
}

static bool take_uuid(struct cloud_body *body, const char *field, struct uuid *id) {
    struct text text;
    if (!take_text(body, field, &text)) return false;
    return uuid_parse(text, id) || cloud_fail_field(body->op, field, text, "must be a UUID");
}

/* "serviceConnection": {"id": ...}: of an object that is referred to only the id counts. */
static bool take_reference(struct cloud_body *body, const char *field, bool *has,
                           struct uuid *id) {
    static const struct text names[] = {TEXT("id")};
    struct json_reader *reader = &body->reader;
    unsigned seen = 0;
    size_t at;
    *has = false;
    if (json_peek(reader) != JSON_OBJECT)
        return refuse_value(body, field, "must be an object with an id");
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 1, &seen, &at)) {
        if (!take_uuid(body, field, id)) return false;
        *has = true;
    }
    return reader->problem == NULL;
}

/* "organizations": [{"id": ...}, ...] */
static bool take_references(struct cloud_body *body, const char *field, const char *id_field,
                            size_t count_max, const struct uuid **ids, size_t *id_count) {
    struct json_reader *reader = &body->reader;
    if (json_peek(reader) != JSON_ARRAY)
        return refuse_value(body, field, "must be a list of objects with an id");
    size_t count = json_array_count(reader);
    if (count > count_max)
        return cloud_fail_field(body->op, field, (struct text){0}, "has too many elements");
    struct uuid *rows = arena_take_zeroed(reader->arena, count, sizeof *rows);
    *ids = rows;
    *id_count = 0;
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        bool has;
        assert(*id_count < count);
        if (!take_reference(body, id_field, &has, &rows[(*id_count)++])) return false;
        if (!has) return fail_missing(body->op, id_field);
    }
    return reader->problem == NULL;
}

/* ---- fields of one operation only ---- */

static bool take_ceiling(struct cloud_body *body, struct quota_detail_input *detail) {
    static const char field[] = "quotaDetails.ceiling";
    struct text raw;
    if (json_peek(&body->reader) != JSON_NUMBER)
        return refuse_value(body, field, "must be a number");
    if (!json_number(&body->reader, &raw)) return false;
    detail->has_ceiling = amount_parse(raw, &detail->ceiling) == AMOUNT_OK;
    return detail->has_ceiling || cloud_fail_field(body->op, field, raw, "is out of range");
}

static bool take_detail(struct cloud_body *body, struct quota_detail_input *detail) {
    static const struct text names[] = {TEXT("metricIdentifier"), TEXT("ceiling")};
    struct json_reader *reader = &body->reader;
    unsigned seen = 0;
    size_t at;
    if (json_peek(reader) != JSON_OBJECT)
        return refuse_value(body, "quotaDetails", "must be a list of objects");
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 2, &seen, &at)) {
        if (at == 1) {
            if (!take_ceiling(body, detail)) return false;
            continue;
        }
        if (!take_text(body, "quotaDetails.metricIdentifier", &detail->metric)) return false;
        detail->has_metric = true;
    }
    return reader->problem == NULL;
}

static bool take_details(struct cloud_body *body, const char *field) {
    struct cloud_quota_input *input = &body->op->in.cloud_quota;
    struct json_reader *reader = &body->reader;
    if (json_peek(reader) != JSON_ARRAY) return refuse_value(body, field, "must be a list");
    size_t count = json_array_count(reader);
    if (count > CATALOGUE_ROWS_MAX)
        return cloud_fail_field(body->op, field, (struct text){0}, "has too many elements");
    struct quota_detail_input *details =
        arena_take_zeroed(reader->arena, count, sizeof *details);
    input->has_details = true;
    input->details = details;
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        assert(input->detail_count < count);
        if (!take_detail(body, &details[input->detail_count++])) return false;
    }
    return reader->problem == NULL;
}

static bool take_organizations(struct cloud_body *body, const char *field) {
    struct cloud_quota_apply_input *input = &body->op->in.quota_apply;
    if (input->has_organizations)
        return cloud_fail_field(body->op, field, (struct text){0},
                                "and organization exclude each other");
    input->has_organizations = true;
    return take_references(body, field, "organizations.id", APPLY_ORGANIZATIONS_MAX,
                           &input->organization_ids, &input->organization_count);
}

/* The shorthand for a list of one. */
static bool take_organization(struct cloud_body *body, const char *field) {
    struct cloud_quota_apply_input *input = &body->op->in.quota_apply;
    struct uuid *id = arena_take_zeroed(body->reader.arena, 1, sizeof *id);
    bool has;
    if (!take_reference(body, field, &has, id)) return false;
    if (!has) return true;
    if (input->has_organizations)
        return cloud_fail_field(body->op, field, (struct text){0},
                                "and organizations exclude each other");
    input->has_organizations = true;
    input->organization_ids = id;
    input->organization_count = 1;
    return true;
}

static bool take_connections(struct cloud_body *body, const char *field) {
    struct organization_input *input = &body->op->in.organization;
    return take_references(body, field, "serviceConnections.id", CATALOGUE_ROWS_MAX,
                           &input->connection_ids, &input->connection_count);
}

/* {"role": {"id": ...}} */
static bool take_primary(struct cloud_body *body, const char *field) {
    static const struct text names[] = {TEXT("role")};
    struct cloud_user_input *input = &body->op->in.user;
    struct json_reader *reader = &body->reader;
    unsigned seen = 0;
    size_t at;
    if (json_peek(reader) != JSON_OBJECT)
        return refuse_value(body, field, "must be an object with a role");
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, 1, &seen, &at))
        if (!take_reference(body, "primaryRoleBinding.role.id", &input->has_role,
                            &input->role_id))
            return false;
    return reader->problem == NULL;
}

static bool take_status(struct cloud_body *body, const char *field) {
    struct cloud_user_input *input = &body->op->in.user;
    struct text text;
    if (!take_text(body, field, &text)) return false;
    input->has_status = true;
    input->status = text_equal(text, text_of(user_status_name(USER_DISABLED))) ? USER_DISABLED
                                                                               : USER_ACTIVE;
    return text_equal(text, text_of(user_status_name(input->status))) ||
           cloud_fail_field(body->op, field, text, "must be ACTIVE or DISABLED");
}

static bool take_qualifier(struct cloud_body *body, const char *field) {
    struct role_binding_input *input = &body->op->in.binding;
    struct text text;
    if (!take_text(body, field, &text)) return false;
    input->has_qualifier = scope_qualifier_named(text, &input->qualifier);
    return input->has_qualifier ||
           cloud_fail_field(body->op, field, text,
                            "must be ORG_BASE, ORG_TREE, ORG_SUBS, ORG_TOPLEVEL or GLOBAL");
}

/* ---- what each operation takes ---- */

struct cloud_field {
    struct text member; /* its name in the body */
    const char *name;   /* in errors */
    enum {
        FIELD_TEXT,
        FIELD_CLEARABLE, /* a text that null makes empty */
        FIELD_FLAG,
        FIELD_REFERENCE,
        FIELD_OTHER, /* take() */
    } kind;
    size_t value, has; /* within op->in */
    bool (*take)(struct cloud_body *body, const char *field);
};

#define FIELD(kind, name, input, value, has)                                                       \
    {TEXT(name), name, kind, offsetof(struct input, value), offsetof(struct input, has), NULL}
#define REFERENCE(name, input, value, has)                                                         \
    {TEXT(name), name ".id", FIELD_REFERENCE, offsetof(struct input, value),                       \
     offsetof(struct input, has), NULL}
#define OTHER(name, take) {TEXT(name), name, FIELD_OTHER, 0, 0, take}
#define FIELDS_END {.name = NULL}

static const struct cloud_field organization_fields[] = {
    FIELD(FIELD_TEXT, "name", organization_input, name, has_name),
    FIELD(FIELD_CLEARABLE, "entryPoint", organization_input, entry_point, has_entry_point),
    REFERENCE("parent", organization_input, parent_id, has_parent),
    FIELD(FIELD_FLAG, "isTrial", organization_input, is_trial, has_trial),
    FIELD(FIELD_FLAG, "isReseller", organization_input, is_reseller, has_reseller),
    OTHER("serviceConnections", take_connections),
    FIELDS_END,
};
static const struct cloud_field user_fields[] = {
    FIELD(FIELD_TEXT, "userName", cloud_user_input, name, has_name),
    FIELD(FIELD_CLEARABLE, "email", cloud_user_input, email, has_email),
    REFERENCE("organization", cloud_user_input, organization_id, has_organization),
    OTHER("status", take_status),
    OTHER("primaryRoleBinding", take_primary),
    FIELDS_END,
};
static const struct cloud_field binding_fields[] = {
    REFERENCE("role", role_binding_input, role_id, has_role),
    REFERENCE("organization", role_binding_input, organization_id, has_organization),
    OTHER("scopeQualifier", take_qualifier),
    FIELDS_END,
};
static const struct cloud_field api_key_fields[] = {
    FIELD(FIELD_TEXT, "name", api_key_input, name, has_name),
    REFERENCE("user", api_key_input, user_id, has_user),
    FIELDS_END,
};
static const struct cloud_field connection_fields[] = {
    FIELD(FIELD_TEXT, "name", connection_input, name, has_name),
    FIELD(FIELD_TEXT, "serviceCode", connection_input, service_code, has_service_code),
    FIELD(FIELD_TEXT, "type", connection_input, type, has_type),
    REFERENCE("organization", connection_input, organization_id, has_organization),
    FIELD(FIELD_FLAG, "supportsQuotas", connection_input, supports_quotas, has_supports_quotas),
    FIELDS_END,
};
static const struct cloud_field environment_fields[] = {
    FIELD(FIELD_TEXT, "name", environment_input, name, has_name),
    REFERENCE("organization", environment_input, organization_id, has_organization),
    REFERENCE("serviceConnection", environment_input, connection_id, has_connection),
    FIELDS_END,
};
#define QUOTA_FIELDS                                                                               \
    FIELD(FIELD_TEXT, "name", cloud_quota_input, name, has_name),                                  \
        FIELD(FIELD_CLEARABLE, "description", cloud_quota_input, description, has_description),    \
        REFERENCE("serviceConnection", cloud_quota_input, connection_id, has_connection),          \
        REFERENCE("ownerOrganization", cloud_quota_input, owner_id, has_owner),                    \
        OTHER("quotaDetails", take_details)
static const struct cloud_field quota_fields[] = {
    QUOTA_FIELDS,
    FIELD(FIELD_FLAG, "defaultForService", cloud_quota_input, default_for_service,
          default_for_service),
    FIELD(FIELD_FLAG, "defaultForTrial", cloud_quota_input, default_for_trial, default_for_trial),
    FIELDS_END,
};
static const struct cloud_field quota_update_fields[] = {QUOTA_FIELDS, FIELDS_END};
static const struct cloud_field apply_fields[] = {
    REFERENCE("quota", cloud_quota_apply_input, quota_id, has_quota),
    OTHER("organizations", take_organizations),
    OTHER("organization", take_organization),
    FIELDS_END,
};

static const struct cloud_field *const fields_of[OP_COUNT] = {
    [OP_ORGANIZATION_CREATE] = organization_fields,
    [OP_ORGANIZATION_UPDATE] = organization_fields,
    [OP_CLOUD_USER_CREATE] = user_fields,
    [OP_CLOUD_USER_UPDATE] = user_fields,
    [OP_BINDING_CREATE] = binding_fields,
    [OP_API_KEY_CREATE] = api_key_fields,
    [OP_CONNECTION_CREATE] = connection_fields,
    [OP_ENVIRONMENT_CREATE] = environment_fields,
    [OP_ENVIRONMENT_UPDATE] = environment_fields,
    [OP_CLOUD_QUOTA_CREATE] = quota_fields,
    [OP_CLOUD_QUOTA_UPDATE] = quota_update_fields,
    [OP_CLOUD_QUOTA_APPLY] = apply_fields,
};

static bool take_field(struct cloud_body *body, const struct cloud_field *field) {
    char *input = (char *)&body->op->in;
    bool *has = (bool *)(input + field->has);
    void *value = input + field->value;
    if (field->kind == FIELD_OTHER) return field->take(body, field->name);
    if (field->kind == FIELD_REFERENCE) return take_reference(body, field->name, has, value);
    if (field->kind == FIELD_FLAG) {
        bool flag;
        if (!take_flag(body, field->name, &flag)) return false;
        *has = true;
        *(bool *)value = flag; /* after *has: a flag that is false unless given is both */
        return true;
    }
    *has = true;
    return take_text(body, field->name, value);
}

static bool take_fields(struct cloud_body *body, const struct cloud_field *fields) {
    struct json_reader *reader = &body->reader;
    struct text names[FIELDS_MAX];
    size_t count = 0, at;
    unsigned seen = 0;
    for (; fields[count].name != NULL; count++) {
        assert(count < FIELDS_MAX);
        names[count] = fields[count].member;
    }
    if (!json_object_begin(reader)) return false;
    while (json_field_next(reader, names, count, &seen, &at))
        if (!take_field(body, &fields[at])) return false;
    for (size_t i = 0; i < count; i++) /* also when it is null */
        if (fields[i].kind == FIELD_CLEARABLE && (seen & 1u << i))
            *(bool *)((char *)&body->op->in + fields[i].has) = true;
    return reader->problem == NULL;
}

bool cloud_decodes(enum operation operation) {
    return fields_of[operation] != NULL;
}

static bool refuse_malformed(struct cloud_body *body) {
    struct op *op = body->op;
    const struct json_reader *reader = &body->reader;
    op->cloud = (struct cloud_error){.code = CLOUD_MALFORMED_REQUEST};
    return qms_fail(&op->error, cloud_code_outcome(CLOUD_MALFORMED_REQUEST),
                    "the body cannot be read: %s at byte %zu",
                    reader->problem == NULL ? "unexpected" : reader->problem, reader->problem_at);
}

/* A body that is not JSON at all is that before anything else. */
static bool is_well_formed(struct cloud_body *body, struct text text, struct arena *arena) {
    struct json_reader *reader = &body->reader;
    json_open(reader, text, arena);
    bool is_object = json_peek(reader) == JSON_OBJECT;
    if (!json_skip(reader) || !json_finish(reader)) return refuse_malformed(body);
    return is_object || cloud_fail(body->op, CLOUD_MALFORMED_REQUEST,
                                   "the body must be a JSON object");
}

bool cloud_decode(struct text text, struct arena *arena, struct op *op) {
    struct cloud_body body = {.op = op};
    if (text.length == 0 && op->operation == OP_API_KEY_CREATE) return true; /* needs nothing */
    if (text.length == 0)
        return cloud_fail(op, CLOUD_MALFORMED_REQUEST, "the body must be a JSON object");
    if (!is_well_formed(&body, text, arena)) return false;
    json_open(&body.reader, text, arena);
    if (take_fields(&body, fields_of[op->operation])) return true;
    return op->error.code != QMS_OK ? false : refuse_malformed(&body);
}
