/* error.h: why something failed: a code for programs and a bounded text for people.
 * Text that goes to clients never holds text of a library or a database; that goes to the log. */
#ifndef QMS_BASE_ERROR_H
#define QMS_BASE_ERROR_H

#include "base/codes.h"
#include "base/text.h"

#define QMS_MUST_CHECK __attribute__((warn_unused_result))

enum { QMS_ERROR_TEXT_MAX = 240 }; /* bytes, with the zero; longer text is cut between characters */

struct qms_error {
    enum qms_code code;
    char text[QMS_ERROR_TEXT_MAX];
};

/* Fills *error (which may be NULL) and returns false, so that a caller can return it at once. */
bool qms_fail(struct qms_error *error, enum qms_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The code's own text. */
bool qms_fail_code(struct qms_error *error, enum qms_code code);

#endif
