/* codes.h: the one list of outcomes, with what each edge needs to say about them.
 * Edges translate once, by column; nothing else in qms knows a status number.
 * Source: qms-operations 1.1 (error_code, status_code); busy, unavailable and unknown are ours. */
#ifndef QMS_BASE_CODES_H
#define QMS_BASE_CODES_H

/* X(NAME, http status, name of svcerror.ErrorCode, exit code of the command line, text) */
#define QMS_CODES(X)                                                                               \
    X(OK, 200, "UNSET", 0, "OK")                                                                   \
    X(BAD_REQUEST, 400, "BAD_REQUEST", 2, "the request is malformed")                              \
    X(UNAUTHENTICATED, 401, "UNAUTHENTICATED", 3, "authentication is required")                    \
    X(FORBIDDEN, 403, "FORBIDDEN", 3, "not allowed")                                               \
    X(NOT_FOUND, 404, "NOT_FOUND", 4, "not found")                                                 \
    X(CONFLICT, 409, "BAD_REQUEST", 5, "in conflict with what is stored")                          \
    X(TOO_LARGE, 413, "BAD_REQUEST", 2, "too large")                                               \
    X(UNMARSHAL_FAILURE, 400, "UNMARSHAL_FAILURE", 2, "the request cannot be decoded")             \
    X(INTERNAL, 500, "INTERNAL", 1, "the request could not be completed")                          \
    X(MARSHAL_FAILURE, 500, "MARSHAL_FAILURE", 1, "the answer is too large to be sent")            \
    X(UNIMPLEMENTED, 501, "UNIMPLEMENTED", 1, "not implemented")                                   \
    X(BUSY, 503, "UNSPECIFIED", 6, "the server is busy; nothing was changed, try again")           \
    X(UNAVAILABLE, 503, "UNSPECIFIED", 6, "unavailable; nothing was changed, safe to try again")   \
    X(OUTCOME_UNKNOWN, 504, "TIMEOUT", 7,                                                          \
      "the outcome is unknown; repeat only with an idempotency key")

#define X(name, http, service, exit, text) QMS_##name,
enum qms_code { QMS_CODES(X) QMS_CODE_COUNT };
#undef X

int qms_code_http(enum qms_code code);
const char *qms_code_service(enum qms_code code); /* name in svcerror.ErrorCode */
int qms_code_exit(enum qms_code code);
const char *qms_code_text(enum qms_code code);

#endif
