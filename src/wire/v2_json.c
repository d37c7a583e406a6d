#include "wire/v2_json.h"

#include <assert.h>

#include "base/http_status.h"
#include "base/limits.h"
#include "domain/date.h"
#include "wire/content.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"

enum item_field {
    ITEM_ID, ITEM_USERNAME, ITEM_RESOURCE_NAME, ITEM_UPDATE_TYPE, ITEM_USAGE_VALUE,
    ITEM_EFFECTIVE_DATE, ITEM_METADATA, ITEM_FIELD_COUNT
};

static const struct {
    struct text name;
    enum json_kind kind;
    bool required;
} item_fields[ITEM_FIELD_COUNT] = {
    [ITEM_ID] = {TEXT("id"), JSON_STRING, true},
    [ITEM_USERNAME] = {TEXT("username"), JSON_STRING, true},
    [ITEM_RESOURCE_NAME] = {TEXT("resource_name"), JSON_STRING, true},
    [ITEM_UPDATE_TYPE] = {TEXT("update_type"), JSON_STRING, true},
    [ITEM_USAGE_VALUE] = {TEXT("usage_value"), JSON_NUMBER, true},
    [ITEM_EFFECTIVE_DATE] = {TEXT("effective_date"), JSON_STRING, false},
    [ITEM_METADATA] = {TEXT("metadata"), JSON_STRING, false},
};

/* Of several faults of an item the first one is told. */
static void item_fail(struct op *op, const char *text) {
    if (op->error.code == QMS_OK) qms_fail(&op->error, QMS_BAD_REQUEST, "%s", text);
}

static void item_fail_at(struct op *op, struct text name, const char *text) {
    if (op->error.code == QMS_OK)
        qms_fail(&op->error, QMS_BAD_REQUEST, "%.*s %s", TEXT_ARGUMENTS(name), text);
}

static bool has_control_character(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte == 0x7f) return true;
        bool is_pair = byte == 0xc2; /* of U+0080 to U+00BF, the first half control characters */
        if (is_pair && (unsigned char)text.data[i + 1] < 0xa0) return true;
    }
    return false;
}

static void item_id(struct op *op) {
    if (op->key.length == 0) item_fail(op, "id must not be empty");
    else if (op->key.length > IDEMPOTENCY_KEY_BYTES_MAX) item_fail(op, "id is too long");
    else if (has_control_character(op->key)) item_fail(op, "id holds a control character");
}

/* The value is of a kind that fits. */
static void item_take(struct json_reader *reader, enum item_field field,
                      const struct username_rule *rule, struct op *op) {
    struct change_input *input = &op->in.change;
    struct text text = {0};
    struct qms_error error;
    bool taken = json_peek(reader) == JSON_NUMBER ? json_number(reader, &text)
                                                  : json_string(reader, &text);
    if (!taken) return;
    switch (field) {
    case ITEM_ID:
        op->key = text;
        item_id(op);
        break;
    case ITEM_USERNAME:
        if (!username_resolve(rule, text, &op->username, &error)) item_fail(op, error.text);
        break;
    case ITEM_RESOURCE_NAME: input->resource_name = text; break;
    case ITEM_UPDATE_TYPE: input->operation_name = text; break;
    case ITEM_USAGE_VALUE:
        if (!json_is_number(text)) item_fail(op, "usage_value must be a number");
        else if (text.length > NUMBER_BYTES_MAX || amount_parse(text, &input->value) != AMOUNT_OK)
            item_fail(op, "invalid usage value");
        break;
    case ITEM_EFFECTIVE_DATE:
        input->has_effective = true;
        if (!timestamp_parse(text, &input->effective_us)) item_fail(op, "invalid effective date");
        break;
    case ITEM_METADATA:
        input->has_metadata = true;
        input->metadata = text;
        if (text.length > METADATA_BYTES_MAX) item_fail(op, "metadata is too long");
        break;
    case ITEM_FIELD_COUNT: break;
    }
}

static enum item_field item_field_named(struct text name) {
    enum item_field field = 0;
    while (field < ITEM_FIELD_COUNT && !text_equal(item_fields[field].name, name)) field++;
    return field;
}

/* A number may come as a string: exact decimals are beyond many JSON libraries. */
static bool item_kind_fits(enum item_field field, enum json_kind kind) {
    return kind == item_fields[field].kind ||
           (kind == JSON_STRING && item_fields[field].kind == JSON_NUMBER);
}

static void item_members(struct json_reader *reader, const struct username_rule *rule,
                         struct op *op) {
    struct text name;
    unsigned seen = 0;
    json_object_begin(reader);
    while (json_object_next(reader, &name)) {
        enum item_field field = item_field_named(name);
        enum json_kind kind = json_peek(reader);
        if (field == ITEM_FIELD_COUNT) {
            item_fail_at(op, name, "is not a member of a usage");
        } else if (item_kind_fits(field, kind)) {
            seen |= 1u << field;
            item_take(reader, field, rule, op);
            continue;
        } else if (kind != JSON_NULL) { /* null counts as absent */
            item_fail_at(op, name,
                         item_fields[field].kind == JSON_NUMBER ? "must be a number"
                                                                : "must be a string");
        }
        json_skip(reader);
    }
    for (enum item_field field = 0; field < ITEM_FIELD_COUNT; field++)
        if (item_fields[field].required && !(seen & 1u << field))
            item_fail_at(op, item_fields[field].name, "is missing");
}

static void item_decode(struct json_reader *reader, const struct username_rule *rule,
                        struct content_hasher *hasher, struct op *op) {
    op->in.change.value = amount_zero();
    if (json_peek(reader) == JSON_OBJECT) {
        item_members(reader, rule, op);
    } else {
        item_fail(op, "a usage must be an object");
        json_skip(reader);
    }
    if (op->error.code == QMS_OK) content_hash(hasher, op);
}

static bool body_refuse(const struct json_reader *reader, struct qms_error *error) {
    return qms_fail(error, QMS_BAD_REQUEST, "the body is not valid JSON: %s at byte %zu",
                    reader->problem, reader->problem_at);
}

/* The whole body is checked before any of it is believed: a fault in the last item refuses all. */
static bool body_count(struct text body, struct arena *arena, size_t *count,
                       struct qms_error *error) {
    struct json_reader reader;
    json_open(&reader, body, arena);
    if (json_peek(&reader) != JSON_ARRAY) {
        if (!json_skip(&reader) || !json_finish(&reader)) return body_refuse(&reader, error);
        return qms_fail(error, QMS_BAD_REQUEST, "the body must be an array of usages");
    }
    json_array_begin(&reader);
    for (*count = 0; json_array_next(&reader); ++*count) {
        if (*count == USAGE_ITEMS_MAX)
            return qms_fail(error, QMS_TOO_LARGE, "a body holds at most %d usages",
                            USAGE_ITEMS_MAX);
        json_skip(&reader);
    }
    return json_finish(&reader) || body_refuse(&reader, error);
}

bool v2_decode_usages(struct text body, const struct username_rule *rule, struct request *request,
                      struct qms_error *error) {
    size_t count = 0;
    if (!body_count(body, &request->arena, &count, error)) return false;
    struct op *op = request_list(request, OP_USAGE_RECORD, count);
    struct content_hasher *hasher = content_hasher_open();
    struct json_reader reader;
    json_open(&reader, body, &request->arena);
    json_array_begin(&reader);
    while (json_array_next(&reader)) item_decode(&reader, rule, hasher, op++);
    bool finished = json_finish(&reader);
    assert(finished);
    assert(op == request->ops + request->op_count);
    content_hasher_close(hasher);
    return true;
}

/* answers */

/* RFC 9457: with "about:blank" the title is the phrase of the status. */
static void write_problem(struct json_writer *writer, int status, struct text detail,
                          struct text instance) {
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("type"));
    json_write_raw(writer, TEXT("\"about:blank\""));
    json_write_key(writer, TEXT("title"));
    json_write_string(writer, text_of(http_status_text(status)));
    json_write_key(writer, TEXT("status"));
    json_write_integer(writer, status);
    json_write_key(writer, TEXT("detail"));
    json_write_string(writer, detail);
    if (instance.length > 0) {
        json_write_key(writer, TEXT("instance"));
        json_write_string(writer, instance);
    }
    json_write_object_end(writer);
}

static void write_item_error(struct json_writer *writer, const struct qms_error *error) {
    const char *detail = error->code == QMS_INTERNAL ? qms_code_text(QMS_INTERNAL) : error->text;
    json_write_key(writer, TEXT("error"));
    write_problem(writer, qms_code_http(error->code), text_of(detail), (struct text){0});
}

static void write_result(struct json_writer *writer, const struct op *op) {
    bool failed = op->error.code != QMS_OK;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("id"));
    if (op->key.data == NULL) json_write_null(writer);
    else json_write_string(writer, op->key);
    json_write_key(writer, TEXT("status"));
    json_write_raw(writer, failed          ? TEXT("\"error\"")
                           : op->duplicate ? TEXT("\"duplicate\"")
                                           : TEXT("\"applied\""));
    if (failed) write_item_error(writer, &op->error);
    json_write_object_end(writer);
}

void v2_encode_usages(struct buffer *out, const struct request *request) {
    struct json_writer writer;
    json_write_open(&writer, out);
    json_write_object_begin(&writer);
    json_write_array_named(&writer, TEXT("results"));
    for (size_t i = 0; i < request->op_count; i++) write_result(&writer, &request->ops[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    buffer_put_char(out, '\n');
}

static void write_overage(struct json_writer *writer, const struct overage_line *line) {
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("username"));
    json_write_string(writer, line->username);
    json_write_key(writer, TEXT("resource_name"));
    json_write_string(writer, line->resource_name);
    json_write_key(writer, TEXT("quota"));
    json_write_amount(writer, line->quota);
    json_write_key(writer, TEXT("usage"));
    json_write_amount(writer, line->usage);
    json_write_object_end(writer);
}

void v2_encode_overages(struct buffer *out, const struct op *op) {
    struct json_writer writer;
    json_write_open(&writer, out);
    json_write_object_begin(&writer);
    json_write_array_named(&writer, TEXT("overages"));
    const struct listing_view *report = &op->out.listing;
    for (size_t i = 0; i < report->count; i++) write_overage(&writer, &report->overages[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, TEXT("next"));
    if (report->more && report->count > 0)
        json_write_string(&writer, report->overages[report->count - 1].username);
    else json_write_null(&writer);
    json_write_object_end(&writer);
    buffer_put_char(out, '\n');
}

void v2_encode_problem(struct buffer *out, int status, struct text detail, struct text instance) {
    struct json_writer writer;
    json_write_open(&writer, out);
    write_problem(&writer, status, detail, instance);
    buffer_put_char(out, '\n');
}
