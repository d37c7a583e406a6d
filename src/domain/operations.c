#include "domain/operations.h"

#include <assert.h>

struct operation_row {
    const char *name;
    enum access access;
    enum effect effect;
    enum target target;
};

static const struct operation_row operation_rows[OP_COUNT] = {
#define X(name, text, access, effect, target) [OP_##name] = {text, access, effect, target},
    QMS_OPERATIONS(X)
#undef X
};

static const struct operation_row *operation_row(enum operation operation) {
    assert((unsigned)operation < OP_COUNT);
    return &operation_rows[operation];
}

const char *operation_name(enum operation operation) {
    return operation_row(operation)->name;
}

enum access operation_access(enum operation operation) {
    return operation_row(operation)->access;
}

enum effect operation_effect(enum operation operation) {
    return operation_row(operation)->effect;
}

enum target operation_target(enum operation operation) {
    return operation_row(operation)->target;
}
