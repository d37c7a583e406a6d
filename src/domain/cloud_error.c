#include "domain/cloud_error.h"

#include <assert.h>

static const struct cloud_code_row {
    const char *name;
    int number;
    enum qms_code outcome;
} cloud_code_rows[CLOUD_CODE_COUNT] = {
    [CLOUD_NONE] = {"NONE", 0, QMS_OK},
#define X(name, number, outcome) [CLOUD_##name] = {#name, number, outcome},
    QMS_CLOUD_CODES(X)
#undef X
};

static const struct cloud_code_row *cloud_code_row(enum cloud_code code) {
    assert((unsigned)code < CLOUD_CODE_COUNT);
    return &cloud_code_rows[code];
}

const char *cloud_code_name(enum cloud_code code) {
    return cloud_code_row(code)->name;
}

int cloud_code_number(enum cloud_code code) {
    return cloud_code_row(code)->number;
}

enum qms_code cloud_code_outcome(enum cloud_code code) {
    return cloud_code_row(code)->outcome;
}

static struct cloud_member *member_add(struct cloud_error *cloud, const char *name) {
    assert(cloud->member_count < CLOUD_MEMBERS_MAX);
    struct cloud_member *member = &cloud->members[cloud->member_count++];
    member->name = name;
    return member;
}

void cloud_error_text(struct cloud_error *cloud, const char *name, struct text text) {
    struct cloud_member *member = member_add(cloud, name);
    member->kind = CLOUD_TEXT;
    member->text = text;
}

void cloud_error_id(struct cloud_error *cloud, const char *name, const struct uuid *id) {
    struct cloud_member *member = member_add(cloud, name);
    member->kind = CLOUD_ID;
    member->id = *id;
}

void cloud_error_number(struct cloud_error *cloud, const char *name, int64_t number) {
    struct cloud_member *member = member_add(cloud, name);
    member->kind = CLOUD_NUMBER;
    member->number = number;
}

void cloud_error_texts(struct cloud_error *cloud, const char *name, const struct text *rows,
                       size_t count) {
    struct cloud_member *member = member_add(cloud, name);
    member->kind = CLOUD_TEXTS;
    member->texts.rows = rows;
    member->texts.count = count;
}

enum cloud_code cloud_code_of(enum qms_code code) {
    switch (code) {
    case QMS_OK: return CLOUD_NONE;
    case QMS_BAD_REQUEST:
    case QMS_UNMARSHAL_FAILURE:
    case QMS_TOO_LARGE: return CLOUD_MALFORMED_REQUEST;
    case QMS_UNAUTHENTICATED: return CLOUD_INVALID_CREDENTIALS;
    case QMS_FORBIDDEN: return CLOUD_FORBIDDEN;
    case QMS_NOT_FOUND: return CLOUD_NOT_FOUND;
    case QMS_CONFLICT: return CLOUD_IDEMPOTENCY_KEY_REUSED;
    case QMS_BUSY:
    case QMS_UNAVAILABLE: return CLOUD_UNAVAILABLE;
    case QMS_OUTCOME_UNKNOWN:
    case QMS_INTERNAL:
    case QMS_MARSHAL_FAILURE:
    case QMS_UNIMPLEMENTED:
    case QMS_CODE_COUNT: break;
    }
    return CLOUD_INTERNAL_ERROR;
}
