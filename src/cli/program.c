#include "cli/program.h"

#include "base/nearest.h"
#include "cli/table.h"

const struct command *program_command(size_t index) {
    for (const struct program_part *part = program_parts; part->rows != NULL; part++) {
        const struct command *row = part->rows;
        do {
            if (index-- == 0) return row;
            row++;
        } while (part->is_table && row->name != NULL);
    }
    return NULL;
}

struct text program_group(const struct command *command) {
    return (struct text){command->name, strcspn(command->name, " ")};
}

const char *program_subcommand(const struct command *command) {
    const char *space = strchr(command->name, ' ');
    return space == NULL ? NULL : space + 1;
}

bool program_is_first(size_t index) {
    const struct command *command = program_command(index);
    return index == 0 ||
           !text_equal(program_group(program_command(index - 1)), program_group(command));
}

bool program_has_group(struct text group) {
    const struct command *command;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        if (program_subcommand(command) != NULL && text_equal(program_group(command), group))
            return true;
    return false;
}

const struct command *program_find(int count, char *const *words, int *taken) {
    const struct command *command;
    *taken = 1;
    if (count == 0) return NULL;
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) return &command_help;
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0) return &command_version;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++) {
        const char *second = program_subcommand(command);
        if (!text_equal(program_group(command), text_of(words[0]))) continue;
        if (second != NULL && (count < 2 || strcmp(second, words[1]) != 0)) continue;
        *taken = second == NULL ? 1 : 2;
        return command;
    }
    return NULL;
}

/* The command, or the group of commands, whose name is closest. */
static const char *find_nearest(const char *word, struct arena *arena) {
    const char *names[2 * PROGRAM_COMMANDS_MAX];
    const struct command *command;
    size_t count = 0;
    for (size_t i = 0; i < PROGRAM_COMMANDS_MAX && (command = program_command(i)) != NULL; i++) {
        names[count++] = command->name;
        if (program_is_first(i)) names[count++] = arena_text(arena, program_group(command)).data;
    }
    return nearest_word(word, names, count);
}

int program_refuse(int count, char *const *words) {
    struct arena arena;
    arena_init(&arena, 1024);
    struct text group = text_of(words[0]), asked = group;
    if (program_has_group(group) && count > 1 && words[1][0] != '-')
        asked = arena_format(&arena, "%s %s", words[0], words[1]);
    const char *nearest = find_nearest(asked.data, &arena);
    if (program_has_group(group) && asked.data == group.data)
        fprintf(stderr, "qms %s: a second word is missing (see: qms help %s)\n", words[0],
                words[0]);
    else if (nearest != NULL)
        fprintf(stderr, "qms: there is no command '%s'; did you mean '%s'?\n",
                table_printable(&arena, asked).data, nearest);
    else
        fprintf(stderr, "qms: there is no command '%s' (see: qms help%s%s)\n",
                table_printable(&arena, asked).data, asked.data == group.data ? "" : " ",
                asked.data == group.data ? "" : words[0]);
    arena_close(&arena);
    return qms_code_exit(QMS_BAD_REQUEST);
}

static bool asks_for_help(int count, char **arguments) {
    for (int i = 0; i < count && strcmp(arguments[i], "--") != 0; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) return true;
    return false;
}

int program_run(int count, char **arguments) {
    int taken = 0;
    if (count == 0) {
        program_list(stderr);
        return qms_code_exit(QMS_BAD_REQUEST);
    }
    const struct command *command = program_find(count, arguments, &taken);
    bool wants_help = command != &command_help && asks_for_help(count - 1, arguments + 1);
    if (command == NULL && wants_help && program_has_group(text_of(arguments[0]))) {
        program_list_group(text_of(arguments[0]), stdout);
        return 0;
    }
    if (command == NULL) return program_refuse(count, arguments);
    if (wants_help) {
        program_explain(command, stdout);
        return 0;
    }
    return command->run(command, count - taken, arguments + taken);
}
