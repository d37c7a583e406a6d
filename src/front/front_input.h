/* front_input.h: parts of a request that handlers of several routes look at. Pure; any thread. */
#ifndef QMS_FRONT_FRONT_INPUT_H
#define QMS_FRONT_FRONT_INPUT_H

#include "base/arena.h"

/* "application/json", in any case, with or without parameters. */
bool front_input_is_json(struct text content_type);

/* Takes the next NAME=VALUE from the front of the query, both percent-decoded once, '+' read as a
 * space; a part without '=' is a name with an empty value. False at the end, and, with *malformed
 * set, at an escape that is none or that decodes to NUL or to no UTF-8: *name then is what it is
 * called if that can be decoded, and the next call goes on behind it. Decoded text lies in the
 * arena, other text points into the query. */
bool front_input_parameter(struct text *query, struct arena *arena, struct text *name,
                           struct text *value, bool *malformed);

#endif
