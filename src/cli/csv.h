/* csv.h: comma-separated values as RFC 4180 has them: lines end with CR LF, fields that hold a
 * comma, a quote or the end of a line are quoted. Text is written as it is: a program reads it. */
#ifndef QMS_CLI_CSV_H
#define QMS_CLI_CSV_H

#include "base/buffer.h"

/* Appends one field; the first of a line has no comma before it. */
void csv_put(struct buffer *out, struct text field, bool is_first);
void csv_end_line(struct buffer *out);

#endif
