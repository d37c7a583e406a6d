/* cloud_error.h: what a CloudMC client is told of a failure beside its text: a code as a word, as a
 * number, and the facts (cloudmc-quotas 7).
 * Ownership: texts of members are literals, or lie in the request's arena or the directory that the
 *            operation holds. */
#ifndef QMS_DOMAIN_CLOUD_ERROR_H
#define QMS_DOMAIN_CLOUD_ERROR_H

#include "base/error.h"
#include "base/uuid.h"

/* X(NAME, number, outcome). The outcome's status is the answer's. */
#define QMS_CLOUD_CODES(X)                                                                         \
    X(MALFORMED_REQUEST, 9000, QMS_BAD_REQUEST)                                                    \
    X(MISSING_FIELD, 9001, QMS_BAD_REQUEST)                                                        \
    X(INVALID_FIELD, 9002, QMS_BAD_REQUEST)                                                        \
    X(REFERENCE_NOT_FOUND, 9003, QMS_BAD_REQUEST)                                                  \
    X(QUOTA_NAME_NOT_UNIQUE, 9010, QMS_BAD_REQUEST)                                                \
    X(QUOTA_METRIC_MISSING, 9011, QMS_BAD_REQUEST)                                                 \
    X(QUOTA_METRIC_UNKNOWN, 9012, QMS_BAD_REQUEST)                                                 \
    X(QUOTA_METRIC_DUPLICATE, 9013, QMS_BAD_REQUEST)                                               \
    X(QUOTA_FIELD_IMMUTABLE, 9014, QMS_BAD_REQUEST)                                                \
    X(QUOTA_NOT_SUPPORTED, 9015, QMS_BAD_REQUEST)                                                  \
    X(QUOTA_OWNER_NOT_CONNECTION_OWNER, 9016, QMS_BAD_REQUEST)                                     \
    X(QUOTA_SUBSTITUTE_REQUIRED, 9017, QMS_BAD_REQUEST)                                            \
    X(QUOTA_SUBSTITUTE_INVALID, 9018, QMS_BAD_REQUEST)                                             \
    X(QUOTA_NOT_APPLICABLE, 9019, QMS_BAD_REQUEST)                                                 \
    X(QUOTA_EXCEEDED, 9030, QMS_BAD_REQUEST)                                                       \
    X(NOT_UNIQUE, 9040, QMS_BAD_REQUEST)             /* a name that is not a quota's */            \
    X(ORGANIZATION_NOT_DELETABLE, 9041, QMS_BAD_REQUEST)                                           \
    X(CONNECTION_NOT_ASSIGNABLE, 9042, QMS_BAD_REQUEST)                                            \
    X(IDEMPOTENCY_KEY_REUSED, 9043, QMS_BAD_REQUEST) /* with other content */                      \
    X(INVALID_CREDENTIALS, 9401, QMS_UNAUTHENTICATED)                                              \
    X(FORBIDDEN, 9403, QMS_FORBIDDEN)                                                              \
    X(NOT_FOUND, 9404, QMS_NOT_FOUND)                                                              \
    X(METHOD_NOT_ALLOWED, 9405, QMS_BAD_REQUEST)     /* the front's: its status is 405 */          \
    X(INTERNAL_ERROR, 9500, QMS_INTERNAL)                                                          \
    X(UNAVAILABLE, 9503, QMS_UNAVAILABLE)

enum cloud_code {
    CLOUD_NONE, /* the operation did not fail, or its error says it all */
#define X(name, number, outcome) CLOUD_##name,
    QMS_CLOUD_CODES(X)
#undef X
    CLOUD_CODE_COUNT,
};

const char *cloud_code_name(enum cloud_code code);
int cloud_code_number(enum cloud_code code);
enum qms_code cloud_code_outcome(enum cloud_code code);

enum { CLOUD_MEMBERS_MAX = 4 };

struct cloud_member {
    const char *name;
    enum { CLOUD_TEXT, CLOUD_ID, CLOUD_NUMBER, CLOUD_TEXTS } kind;
    union {
        struct text text;
        struct uuid id;
        int64_t number;
        struct { const struct text *rows; size_t count; } texts;
    };
};

struct cloud_error {
    enum cloud_code code;
    size_t member_count;
    struct cloud_member members[CLOUD_MEMBERS_MAX];
};

void cloud_error_text(struct cloud_error *cloud, const char *name, struct text text);
void cloud_error_id(struct cloud_error *cloud, const char *name, const struct uuid *id);
void cloud_error_number(struct cloud_error *cloud, const char *name, int64_t number);
void cloud_error_texts(struct cloud_error *cloud, const char *name, const struct text *rows,
                       size_t count);

/* The code of a failure that has none of its own: of the engine, or of a repeat with other
 * content. */
enum cloud_code cloud_code_of(enum qms_code code);

#endif
