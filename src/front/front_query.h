/* front_query.h: the parameters of a query by name (qms-http 3): unknown ones are ignored, of
 * repeated ones the first counts, an empty value counts as absent. Pure; any thread.
 * Each function leaves *value alone when the parameter is absent, and fails with BAD_REQUEST
 * "invalid query parameter: NAME: ..." when it cannot be read. */
#ifndef QMS_FRONT_FRONT_QUERY_H
#define QMS_FRONT_FRONT_QUERY_H

#include "base/arena.h"
#include "base/error.h"

struct front_query {
    struct text text; /* without '?' */
    struct arena *arena;
};

QMS_MUST_CHECK bool front_query_text(const struct front_query *query, struct text name,
                                     struct text *value, struct qms_error *error);
/* "1 t T TRUE true True 0 f F FALSE false False". */
QMS_MUST_CHECK bool front_query_bool(const struct front_query *query, struct text name, bool *has,
                                     bool *value, struct qms_error *error);
/* A 32-bit integer in a range; without an upper bound maximum is INT32_MAX. */
QMS_MUST_CHECK bool front_query_integer(const struct front_query *query, struct text name,
                                        int64_t minimum, int64_t maximum, int64_t *value,
                                        struct qms_error *error);
/* YYYY-MM-DD, midnight in local time. */
QMS_MUST_CHECK bool front_query_date(const struct front_query *query, struct text name, bool *has,
                                     int64_t *at_us, struct qms_error *error);
/* One of the words, in any case; *value becomes its index. */
QMS_MUST_CHECK bool front_query_word(const struct front_query *query, struct text name,
                                     const struct text *words, size_t count, size_t *value,
                                     struct qms_error *error);

#endif
