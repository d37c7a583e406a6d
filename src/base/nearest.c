#include "base/nearest.h"

#include <assert.h>
#include <string.h>

static size_t smallest(size_t first, size_t second, size_t third) {
    size_t least = first < second ? first : second;
    return least < third ? least : third;
}

/* Levenshtein's: how many letters have to be put in, left out or exchanged. */
static size_t distance(const char *left, const char *right) {
    size_t row[NEAREST_BYTES_MAX + 1], length = strlen(right);
    assert(length <= NEAREST_BYTES_MAX);
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t i = 1; left[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t exchanged = diagonal + (left[i - 1] != right[j - 1]);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, exchanged);
        }
    }
    return row[length];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count) {
    const char *nearest = NULL;
    size_t least = 3; /* more than two mistakes are another word */
    for (size_t i = 0; i < count; i++) {
        size_t far = distance(word, candidates[i]);
        if (far >= least || far >= strlen(candidates[i])) continue;
        nearest = candidates[i];
        least = far;
    }
    return nearest;
}
