#include "base/codes.h"

#include <assert.h>

struct code_row {
    int http;
    const char *service;
    int exit;
    const char *text;
};

static const struct code_row code_rows[QMS_CODE_COUNT] = {
#define X(name, http, service, exit, text) [QMS_##name] = {http, service, exit, text},
    QMS_CODES(X)
#undef X
};

static const struct code_row *code_row(enum qms_code code) {
    assert((unsigned)code < QMS_CODE_COUNT);
    return &code_rows[code];
}

int qms_code_http(enum qms_code code) {
    return code_row(code)->http;
}

const char *qms_code_service(enum qms_code code) {
    return code_row(code)->service;
}

int qms_code_exit(enum qms_code code) {
    return code_row(code)->exit;
}

const char *qms_code_text(enum qms_code code) {
    return code_row(code)->text;
}
