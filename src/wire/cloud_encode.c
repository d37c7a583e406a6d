/* cloud_encode.c: the envelope: data, metadata, taskId, taskStatus, errors. */
#include <assert.h>
#include <stdlib.h>

#include "domain/date.h"
#include "wire/cloud_private.h"

/* ---- members ---- */

/* A text without a value is left out rather than sent as null. */
void cloud_write_member(struct cloud_writer *writer, struct text name, struct text value) {
    if (value.length == 0) return;
    json_write_key(&writer->json, name);
    json_write_string(&writer->json, value);
}

void cloud_write_id(struct cloud_writer *writer, struct text name, const struct uuid *id) {
    json_write_key(&writer->json, name);
    json_write_uuid(&writer->json, id);
}

void cloud_write_flag(struct cloud_writer *writer, struct text name, bool flag) {
    json_write_key(&writer->json, name);
    json_write_bool(&writer->json, flag);
}

void cloud_write_number(struct cloud_writer *writer, struct text name, int64_t number) {
    json_write_key(&writer->json, name);
    json_write_integer(&writer->json, number);
}

void cloud_write_time(struct cloud_writer *writer, struct text name, int64_t at_us) {
    char date[TIMESTAMP_TEXT_MAX + sizeof ".000Z"];
    int64_t us = time_below_second_us(at_us);
    size_t length = timestamp_format(at_us - us, date) - 1; /* without Z */
    int milliseconds = (int)(us / 1000);
    date[length++] = '.';
    date[length++] = (char)('0' + milliseconds / 100);
    date[length++] = (char)('0' + milliseconds / 10 % 10);
    date[length++] = (char)('0' + milliseconds % 10);
    date[length++] = 'Z';
    cloud_write_member(writer, name, (struct text){date, length});
}

void cloud_write_reference(struct cloud_writer *writer, struct text name, const struct uuid *id,
                           struct text named) {
    json_write_key(&writer->json, name);
    cloud_write_named(writer, id, named);
}

void cloud_write_named(struct cloud_writer *writer, const struct uuid *id, struct text named) {
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), id);
    cloud_write_member(writer, TEXT("name"), named);
    json_write_object_end(&writer->json);
}

/* ---- lists ---- */

enum { SORT_FIELDS_MAX = 6 };

/* Every row begins with its id, its state and when it was made. */
static const struct cloud_list_shape {
    void (*write)(struct cloud_writer *writer, const void *row);
    struct sort_column {
        const char *name;
        enum { SORT_BY_TEXT, SORT_BY_TIME, SORT_BY_ID } by;
        size_t at;  /* of a text in the row */
        size_t via; /* of the row to look at instead, which this one points to; 0: this one */
    } fields[SORT_FIELDS_MAX];
} shapes[OP_COUNT] = {
#define BY_ALWAYS {"creationDate", SORT_BY_TIME, 0, 0}, {"id", SORT_BY_ID, 0, 0}
#define BY(field, row_type, member) {field, SORT_BY_TEXT, offsetof(struct row_type, row.member), 0}
#define OF_ASSIGNED offsetof(struct assignment, organization)
#define CONNECTIONS                                                                                \
    {cloud_write_connection,                                                                       \
     {BY_ALWAYS, BY("name", connection, name), BY("serviceCode", connection, service_code),        \
      BY("type", connection, type)}}
    [OP_ORGANIZATION_LIST] = {cloud_write_organization,
                              {BY_ALWAYS, BY("name", organization, name),
                               BY("entryPoint", organization, entry_point)}},
    [OP_ROLE_LIST] = {cloud_write_role, {BY_ALWAYS, BY("name", role_view, name)}},
    [OP_CLOUD_USER_LIST] = {cloud_write_user,
                            {BY_ALWAYS, BY("userName", cloud_user, name),
                             BY("email", cloud_user, email)}},
    [OP_BINDING_LIST] = {cloud_write_binding, {BY_ALWAYS}},
    [OP_API_KEY_LIST] = {cloud_write_key, {BY_ALWAYS, BY("name", api_key, name)}},
    [OP_CONNECTION_LIST] = CONNECTIONS,
    [OP_CONNECTION_MANAGEABLE] = CONNECTIONS,
    [OP_CONNECTION_ASSIGNED] =
        {cloud_write_assignment,
         {{"creationDate", SORT_BY_TIME, 0, 0},
          {"id", SORT_BY_ID, 0, OF_ASSIGNED},
          {"name", SORT_BY_TEXT, offsetof(struct organization, row.name), OF_ASSIGNED},
          {"entryPoint", SORT_BY_TEXT, offsetof(struct organization, row.entry_point),
           OF_ASSIGNED}}},
    [OP_ENVIRONMENT_LIST] = {cloud_write_environment, {BY_ALWAYS, BY("name", environment, name)}},
    [OP_CLOUD_QUOTA_LIST] = {cloud_write_quota, {BY_ALWAYS, BY("name", cloud_quota, name)}},
};

const char *cloud_sort_field(enum operation operation, struct text name) {
    for (size_t i = 0; i < SORT_FIELDS_MAX && shapes[operation].fields[i].name != NULL; i++)
        if (text_equal(text_of(shapes[operation].fields[i].name), name))
            return shapes[operation].fields[i].name;
    return NULL;
}

struct sorted_row {
    const void *row, *key; /* what is written, what it is sorted by */
    const struct sort_column *field;
    size_t place; /* in the order of the list: of equal rows the earlier comes first */
};

static int compare_rows(const void *left_row, const void *right_row) {
    const struct sorted_row *left = left_row, *right = right_row;
    const struct directory_row *a = left->key, *b = right->key;
    int order = 0;
    switch (left->field->by) {
    case SORT_BY_TEXT:
        order = text_compare(*(const struct text *)((const char *)left->key + left->field->at),
                             *(const struct text *)((const char *)right->key + left->field->at));
        break;
    case SORT_BY_TIME: order = (a->created_us > b->created_us) - (a->created_us < b->created_us);
        break;
    case SORT_BY_ID: order = memcmp(&a->id, &b->id, sizeof a->id); break;
    }
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* The rows in the order that was asked for; as they are when none was. */
static const struct sorted_row *sorted_rows(const struct cloud_writer *writer,
                                            const struct cloud_list *list) {
    const struct cloud_page *page = &writer->answer->page;
    const struct sort_column *field = shapes[writer->op->operation].fields;
    struct sorted_row *rows =
        arena_take_zeroed(writer->answer->arena, list->count + 1, sizeof *rows);
    while (page->is_sorted && page->field != field->name) field++;
    for (size_t i = 0; i < list->count; i++) {
        const char *row = list->rows[i];
        const void *key = field->via == 0 ? row : *(const void *const *)(row + field->via);
        rows[i] = (struct sorted_row){row, key, field, i};
    }
    if (page->is_sorted) qsort(rows, list->count, sizeof *rows, compare_rows);
    return rows;
}

static void write_metadata(struct cloud_writer *writer, size_t count) {
    const struct cloud_page *page = &writer->answer->page;
    json_write_object_named(&writer->json, TEXT("metadata"));
    cloud_write_number(writer, TEXT("recordCount"), (int64_t)count);
    if (page->is_paged) {
        cloud_write_number(writer, TEXT("pageSize"), page->size);
        cloud_write_number(writer, TEXT("pageCurrent"), page->number);
    }
    if (page->is_sorted) {
        cloud_write_member(writer, TEXT("sortField"), text_of(page->field));
        cloud_write_member(writer, TEXT("sortOrder"), page->descends ? TEXT("DESC") : TEXT("ASC"));
    }
    json_write_object_end(&writer->json);
}

static void write_list(struct cloud_writer *writer) {
    const struct cloud_list *list = &writer->op->out.cloud.list;
    const struct cloud_page *page = &writer->answer->page;
    const struct sorted_row *rows = sorted_rows(writer, list);
    size_t first = 0, end = list->count;
    if (page->is_paged) {
        uint64_t skipped = (uint64_t)(page->number - 1) * (uint64_t)page->size;
        first = skipped < list->count ? (size_t)skipped : list->count;
        if (list->count - first > (size_t)page->size) end = first + (size_t)page->size;
    }
    writer->in_list = true;
    json_write_array_named(&writer->json, TEXT("data"));
    for (size_t i = first; i < end; i++)
        shapes[writer->op->operation].write(
            writer, rows[page->descends ? list->count - 1 - i : i].row);
    json_write_array_end(&writer->json);
    write_metadata(writer, list->count);
}

/* ---- tasks ---- */

static void write_result(struct cloud_writer *writer, const struct task *task) {
    if (task->row.status == TASK_SUCCESS)
        cloud_write_reference(writer, TEXT("result"), &task->row.object_id,
                              task->row.object_name);
}

/* Both shapes that are known, as one. */
static void write_task(struct cloud_writer *writer, const struct task *task) {
    struct text status = text_of(task_status_name(task->row.status));
    cloud_write_id(writer, TEXT("taskId"), &task->row.id);
    cloud_write_member(writer, TEXT("taskStatus"), status);
    write_result(writer, task);
    json_write_object_named(&writer->json, TEXT("data"));
    cloud_write_id(writer, TEXT("id"), &task->row.id);
    cloud_write_member(writer, TEXT("status"), status);
    cloud_write_time(writer, TEXT("created"), task->row.created_us);
    write_result(writer, task);
    json_write_object_end(&writer->json);
}

/* ---- answers ---- */

static void write_data(struct cloud_writer *writer) {
    const struct cloud_view *view = &writer->op->out.cloud;
    json_write_key(&writer->json, TEXT("data"));
    if (view->quota != NULL) cloud_write_quota(writer, view->quota);
    else if (view->environment != NULL) cloud_write_environment(writer, view->environment);
    else if (view->connection != NULL) cloud_write_connection(writer, view->connection);
    else if (view->key != NULL) cloud_write_key(writer, view->key);
    else if (view->binding != NULL) cloud_write_binding(writer, view->binding);
    else if (view->user != NULL) cloud_write_user(writer, view->user);
    else if (view->organization != NULL) cloud_write_organization(writer, view->organization);
    else if (view->plugin != NULL) cloud_write_descriptor(writer, view->plugin);
    else cloud_write_named(writer, &writer->op->made_id, TEXT("")); /* what was deleted */
}

/* A deletion with a task has no object to show. */
static bool has_data(enum operation operation) {
    return operation != OP_CLOUD_QUOTA_DELETE && operation != OP_ORGANIZATION_DELETE &&
           operation != OP_ENVIRONMENT_DELETE && operation != OP_CONNECTION_UNASSIGN;
}

void cloud_encode(struct buffer *out, const struct op *op, const struct cloud_answer *answer) {
    struct cloud_writer writer = {.op = op, .answer = answer};
    const struct cloud_view *view = &op->out.cloud;
    assert(op->error.code == QMS_OK && op->directory != NULL);
    writer.knows_principal = principal_find(op->directory, &op->caller, &writer.principal);
    json_write_open(&writer.json, out);
    json_write_object_begin(&writer.json);
    if (view->has_task) {
        cloud_write_id(&writer, TEXT("taskId"), &view->task_id);
        cloud_write_member(&writer, TEXT("taskStatus"),
                           text_of(task_status_name(view->task_status)));
    }
    if (shapes[op->operation].write != NULL) write_list(&writer);
    else if (op->operation == OP_TASK_GET) write_task(&writer, view->task);
    else if (has_data(op->operation)) write_data(&writer);
    json_write_object_end(&writer.json);
    buffer_put_char(out, '\n');
}

/* ---- errors ---- */

static void write_context_member(struct json_writer *json, const struct cloud_member *member) {
    json_write_key(json, text_of(member->name));
    switch (member->kind) {
    case CLOUD_TEXT: json_write_string(json, member->text); break;
    case CLOUD_ID: json_write_uuid(json, &member->id); break;
    case CLOUD_NUMBER: json_write_integer(json, member->number); break;
    case CLOUD_TEXTS:
        json_write_array_begin(json);
        for (size_t i = 0; i < member->texts.count; i++)
            json_write_string(json, member->texts.rows[i]);
        json_write_array_end(json);
        break;
    }
}

static void write_error(struct buffer *out, const struct cloud_error *cloud, struct text text) {
    struct json_writer json;
    json_write_open(&json, out);
    json_write_object_begin(&json);
    json_write_array_named(&json, TEXT("errors"));
    json_write_object_begin(&json);
    json_write_key(&json, TEXT("code"));
    json_write_integer(&json, cloud_code_number(cloud->code));
    json_write_key(&json, TEXT("errorCode"));
    json_write_string(&json, text_of(cloud_code_name(cloud->code)));
    json_write_key(&json, TEXT("message"));
    json_write_string(&json, text);
    if (cloud->member_count > 0) {
        json_write_object_named(&json, TEXT("context"));
        for (size_t i = 0; i < cloud->member_count; i++)
            write_context_member(&json, &cloud->members[i]);
        json_write_object_end(&json);
    }
    json_write_object_end(&json);
    json_write_array_end(&json);
    json_write_object_end(&json);
    buffer_put_char(out, '\n');
}

int cloud_encode_error(struct buffer *out, const struct op *op) {
    struct cloud_error cloud = op->cloud;
    assert(op->error.code != QMS_OK);
    if (cloud.code == CLOUD_NONE) cloud.code = cloud_code_of(op->error.code);
    write_error(out, &cloud, text_of(op->error.text));
    /* An outcome that is not known has a status of its own. */
    return qms_code_http(op->error.code == QMS_OUTCOME_UNKNOWN ? op->error.code
                                                               : cloud_code_outcome(cloud.code));
}

void cloud_encode_failure(struct buffer *out, enum cloud_code code, struct text text,
                          const char *method) {
    struct cloud_error cloud = {.code = code};
    if (method != NULL) cloud_error_text(&cloud, "method", text_of(method));
    write_error(out, &cloud, text);
}
