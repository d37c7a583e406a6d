/* in_force.h: of rows with an effective_date each, in the order of these dates: what holds now. */
#ifndef QMS_CLI_IN_FORCE_H
#define QMS_CLI_IN_FORCE_H

#include "cli/answer.h"

/* Is that row's date past, and no later row of the same resource type's too? */
bool in_force(const struct answer_list *rows, size_t index, int64_t now_us, struct arena *arena);

/* The rate that holds now, of those in that member of a row, in plain digits; "" without one. */
struct text in_force_rate(struct text row, const char *path, struct arena *arena);

#endif
