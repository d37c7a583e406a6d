/* cloud_json.h: the JSON of the CloudMC tree, /api/v2: its envelope, its errors, its objects, its
 * bodies (cloudmc-environment 4, cloudmc-quotas 2 and 7).
 * Bodies:  one function for all operations; what each takes is a table. Unknown members are
 *          ignored, null counts as absent. Shape only; the rules check the rest.
 * Objects: what the caller may not see is left out of them. Ceilings are exact.
 * Threads: any; everything lies in the operation and in the arena that is given. */
#ifndef QMS_WIRE_CLOUD_JSON_H
#define QMS_WIRE_CLOUD_JSON_H

#include "base/buffer.h"
#include "domain/op.h"

/* ---- failures: op->error and op->cloud; all return false ---- */

bool cloud_fail(struct op *op, enum cloud_code code, const char *text);
/* field: "serviceConnection.id"; it must be a literal, or lie in the request's arena. */
bool cloud_fail_field(struct op *op, const char *field, struct text value, const char *why);

/* ---- bodies ---- */

/* Does the operation take a body? */
bool cloud_decodes(enum operation operation);

/* Fills op->in from the body. False: op->error and op->cloud say what is wrong with it. */
QMS_MUST_CHECK bool cloud_decode(struct text body, struct arena *arena, struct op *op);

/* ---- answers ---- */

/* Which part of a list, and in what order. */
struct cloud_page {
    bool is_paged, is_sorted, descends;
    int64_t number, size; /* the first page is 1 */
    const char *field;    /* of cloud_sort_field() */
};

/* The name of a field that lists of this operation can be sorted by, as a literal, or NULL. */
const char *cloud_sort_field(enum operation operation, struct text name);

/* What an answer is made from beside the operation. */
struct cloud_answer {
    const struct plugins *plugins;
    struct arena *arena;
    struct cloud_page page;
    struct text key; /* the API key that was made; empty: none to show */
};

/* The operation has succeeded. */
void cloud_encode(struct buffer *out, const struct op *op, const struct cloud_answer *answer);

/* The operation has failed; returns the status. */
int cloud_encode_error(struct buffer *out, const struct op *op);

/* A failure that has no operation; method NULL: it has nothing to do with it. */
void cloud_encode_failure(struct buffer *out, enum cloud_code code, struct text text,
                          const char *method);

#endif
