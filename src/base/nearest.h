/* nearest.h: what a misspelled word was meant to be. */
#ifndef QMS_BASE_NEAREST_H
#define QMS_BASE_NEAREST_H

#include <stddef.h>

enum { NEAREST_BYTES_MAX = 32 }; /* of a candidate; the word may have any length */

/* The candidate that is closest to the word; NULL: none is close. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
