/* program.h: the commands of qms as one list: it drives dispatch, help, completion and the man
 * page. A command's name has one word, or two of which the first is its group. */
#ifndef QMS_CLI_PROGRAM_H
#define QMS_CLI_PROGRAM_H

#include "cli/command.h"

struct program_part {
    const struct command *rows; /* NULL ends the list */
    bool is_table;              /* rows that end with one without a name; else one row */
};

extern const struct program_part program_parts[]; /* defined beside main() */

extern const struct command command_version, command_help, command_completion;

enum { PROGRAM_COMMANDS_MAX = 64 };

/* The command at that place of the list, or NULL behind the last. */
const struct command *program_command(size_t index);

/* The command that the first words name, and how many words that were; or NULL. */
const struct command *program_find(int count, char *const *words, int *taken);

/* The first word of a name; what follows it, or NULL. */
struct text program_group(const struct command *command);
const char *program_subcommand(const struct command *command);

/* Is it the first of its group in the list (commands of one word always are)? */
bool program_is_first(size_t index);

/* Says on standard error that there is no such command, and which are near; the exit code. */
int program_refuse(int count, char *const *words);

/* For people: all commands, those of one group, one command. */
void program_list(FILE *out);
void program_list_group(struct text group, FILE *out);
bool program_has_group(struct text group);
void program_explain(const struct command *command, FILE *out);
void program_man(FILE *out); /* as a page for man(1) */

/* The words of the command line without the program's own name; returns the exit code. */
int program_run(int count, char **arguments);

#endif
