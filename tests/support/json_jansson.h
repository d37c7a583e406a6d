/* json_jansson.h: JSON as jansson reads it, in one text form that can be compared: n, t, f, numbers
 * as #VALUE;, strings as LENGTH:BYTES, arrays and objects in brackets, members in their order.
 * Apart from json_compare.c because jansson's names clash with those of our reader. */
#ifndef QMS_TESTS_SUPPORT_JSON_JANSSON_H
#define QMS_TESTS_SUPPORT_JSON_JANSSON_H

#include "base/buffer.h"

enum jansson_verdict { JANSSON_ACCEPTS, JANSSON_REFUSES, JANSSON_OVERFLOWS /* a double */ };

/* form NULL: only the verdict. */
enum jansson_verdict jansson_read(struct text input, struct buffer *form);

void form_number(struct buffer *form, double value);
void form_string(struct buffer *form, struct text value);

#endif
