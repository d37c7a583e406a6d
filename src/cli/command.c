#include "cli/command.h"

#include <assert.h>

#include "cli/table.h"

enum { WORD_BYTES_MAX = 32 };

bool command_parse(const struct command *command, void *settings, int *count, char **arguments,
                   struct arena *arena, struct qms_error *error) {
    if (!options_parse(command->options, settings, count, arguments, NULL, arena, error))
        return false;
    if ((size_t)*count < command->operands_min)
        return qms_fail(error, QMS_BAD_REQUEST, "%s is missing (see: qms help %s)",
                        command->operands, command->name);
    if ((size_t)*count > command->operands_max)
        return qms_fail(error, QMS_BAD_REQUEST, "'%s' is one argument too many (see: qms help %s)",
                        arguments[command->operands_max], command->name);
    return true;
}

int command_fail(const struct command *command, const struct qms_error *error) {
    assert(error->code != QMS_OK);
    struct arena arena;
    arena_init(&arena, sizeof error->text + 1);
    fprintf(stderr, "qms %s: %s\n", command->name,
            table_printable(&arena, text_of(error->text)).data);
    arena_close(&arena);
    return qms_code_exit(error->code);
}

static size_t smallest(size_t first, size_t second, size_t third) {
    size_t least = first < second ? first : second;
    return least < third ? least : third;
}

/* Levenshtein's: how many letters have to be put in, left out or exchanged. */
static size_t distance(const char *left, const char *right) {
    size_t row[WORD_BYTES_MAX + 1], length = strlen(right);
    assert(length <= WORD_BYTES_MAX);
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

const char *command_nearest(const char *word, const char *const *candidates, size_t count) {
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
