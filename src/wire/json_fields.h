/* json_fields.h: members of an object by name, exact first, then without regard to case; how long a
 * list is. */
#ifndef QMS_WIRE_JSON_FIELDS_H
#define QMS_WIRE_JSON_FIELDS_H

#include "wire/json_reader.h"

/* The next member that has a value and one of the names; the caller takes the value. Others are
 * skipped, null counts as absent. Two spellings of one name are a repeated name, which is refused:
 * which of them would count is nothing to guess at. *seen starts as 0; its bits are the names'. */
bool json_field_next(struct json_reader *reader, const struct text *names, size_t count,
                     unsigned *seen, size_t *field);

/* How many elements the array that comes next has; the reader itself stays where it is. One that is
 * not valid counts too, and is the last: whoever reads the array meets it. */
size_t json_array_count(const struct json_reader *reader);

#endif
