#include "cli/command.h"

#include <assert.h>

#include "cli/table.h"

/* Names the operands that are not there: "RESOURCE VALUE" of "USER RESOURCE VALUE". */
static bool refuse_missing(const struct command *command, size_t given, struct qms_error *error) {
    const char *missing = command->operands;
    for (; given > 0; given--)
        missing += strcspn(missing, " ") + 1;
    const char *optional = strstr(missing, " [");
    size_t length = optional == NULL ? strlen(missing) : (size_t)(optional - missing);
    return qms_fail(error, QMS_BAD_REQUEST, "%.*s %s missing (see: qms help %s)", (int)length,
                    missing, memchr(missing, ' ', length) == NULL ? "is" : "are", command->name);
}

bool command_parse(const struct command *command, void *settings, int *count, char **arguments,
                   struct arena *arena, struct qms_error *error) {
    if (!options_parse(command->options, settings, count, arguments, NULL, arena, error))
        return false;
    if ((size_t)*count < command->operands_min)
        return refuse_missing(command, (size_t)*count, error);
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
