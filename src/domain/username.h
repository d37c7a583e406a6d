/* username.h: the single rule for user names on every path (qms-operations 2.1).
 * Strip the configured "@domain" once from the end; what is left must not be empty, hold '@', '/',
 * control characters or invalid UTF-8, or exceed USERNAME_BYTES_MAX. */
#ifndef QMS_DOMAIN_USERNAME_H
#define QMS_DOMAIN_USERNAME_H

#include "base/error.h"

struct username_rule {
    struct text domain;     /* without '@'; empty: nothing is stripped */
    bool strip_any_domain;  /* for sites that relied on "drop everything from the first @" */
};

/* *name points into given. Fails with BAD_REQUEST "invalid username". */
QMS_MUST_CHECK bool username_resolve(const struct username_rule *rule, struct text given,
                                     struct text *name, struct qms_error *error);

#endif
