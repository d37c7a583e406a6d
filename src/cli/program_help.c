/* program_help.c: the list of commands for people: qms help, qms version, and the man page. */
#include <ctype.h>

#include "cli/program.h"

static const char about[] = "who has used how much of what, and who is over quota";

static const char *const exit_codes[] = {
    "done",
    "it could not be done, or the server failed",
    "the command line, a file or a request is wrong",
    "not allowed",
    "not found",
    "in conflict with what is stored",
    "the server cannot be reached or is busy; nothing is lost by trying again",
    "the outcome is unknown",
};

enum { EXIT_CODE_COUNT = sizeof exit_codes / sizeof exit_codes[0] };

/* Commands, all of them or those of one group, with the summaries below each other. */
static void list_commands(struct text group, FILE *out) {
    const struct command *command;
    int width = 0;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        if (group.length == 0 || text_equal(program_group(command), group))
            width = (int)strlen(command->name) > width ? (int)strlen(command->name) : width;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        if (group.length == 0 || text_equal(program_group(command), group))
            fprintf(out, "  %-*s  %s\n", width, command->name, command->summary);
}

void program_list(FILE *out) {
    fprintf(out, "qms %s: %s\n\nusage: qms COMMAND [OPTION...]\n\n", QMS_VERSION, about);
    list_commands(TEXT(""), out);
    fprintf(out, "\nqms help COMMAND explains one. Exit codes:\n\n");
    for (size_t i = 0; i < EXIT_CODE_COUNT; i++)
        fprintf(out, "  %zu  %s\n", i, exit_codes[i]);
}

void program_list_group(struct text group, FILE *out) {
    fprintf(out, "usage: qms %.*s COMMAND [OPTION...]\n\n", TEXT_ARGUMENTS(group));
    list_commands(group, out);
    fprintf(out, "\nqms help %.*s COMMAND explains one.\n", TEXT_ARGUMENTS(group));
}

void program_explain(const struct command *command, FILE *out) {
    bool has_options = command->options[0].name != NULL;
    fprintf(out, "qms %s: %s\n\nusage: qms %s%s%s%s\n", command->name, command->summary,
            command->name, has_options ? " [OPTION...]" : "",
            command->operands[0] == '\0' ? "" : " ", command->operands);
    if (command->details[0] != '\0') fprintf(out, "\n%s", command->details);
    if (has_options) {
        fprintf(out, "\nOptions, with their defaults and environment variables:\n\n");
        options_help(command->options, out);
    }
}

/* ---- man ---- */

/* Text of ours as roff: dashes that can be copied, no line that is taken for a request. */
static void man_text(const char *text, FILE *out) {
    bool starts_line = true;
    for (; *text != '\0'; text++) {
        if (starts_line && (*text == '.' || *text == '\'')) fputs("\\&", out);
        if (*text == '-') fputs("\\-", out);
        else if (*text == '\\') fputs("\\e", out);
        else fputc(*text, out);
        starts_line = *text == '\n';
    }
}

static void man_option(const struct option_row *row, FILE *out) {
    fputs(".TP\n", out);
    if (row->flag != NULL) {
        fputs("\\fB\\-\\-", out);
        man_text(row->flag, out);
        fputs("\\fR", out);
    } else {
        fputs("\\fB", out);
        man_text(row->environment == NULL ? row->name : row->environment, out);
        fputs("\\fR", out);
    }
    if (row->value != NULL) {
        fputs(" \\fI", out);
        man_text(row->value, out);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    man_text(row->help, out);
    bool is_switch = row->type == OPTION_BOOL;
    if (row->fallback != NULL && row->fallback[0] != '\0' && !is_switch) {
        fputs("; the default is ", out);
        man_text(row->fallback, out);
    } else if (row->fallback != NULL && is_switch && strcmp(row->fallback, "true") == 0) {
        fputs("; it is on, and turned off by \\-\\-no\\-", out);
        man_text(row->flag, out);
    }
    if (row->environment != NULL && row->flag != NULL) {
        fputs("; in the environment \\fB", out);
        man_text(row->environment, out);
        fputs("\\fR", out);
    }
    fputs(".\n", out);
}

static void man_command(const struct command *command, FILE *out) {
    fputs(".SS ", out);
    man_text(command->name, out);
    fputs("\n\\fBqms ", out);
    man_text(command->name, out);
    fprintf(out, "\\fR%s", command->options[0].name == NULL ? "" : " [\\fIOPTION\\fR...]");
    if (command->operands[0] != '\0') {
        fputs(" \\fI", out);
        man_text(command->operands, out);
        fputs("\\fR", out);
    }
    fputs("\n.PP\n", out);
    fputc(toupper((unsigned char)command->summary[0]), out);
    man_text(command->summary + 1, out);
    fputs(".\n", out);
    man_text(command->details, out);
    for (const struct option_row *row = command->options; row->name != NULL; row++)
        if (row->flag != NULL || row->environment != NULL) man_option(row, out);
}

void program_man(FILE *out) {
    const struct command *command;
    fprintf(out, ".\\\" Made by: qms help --man\n.TH QMS 1 \"\" \"qms %s\"\n.SH NAME\nqms \\- ",
            QMS_VERSION);
    man_text(about, out);
    fputs("\n.SH SYNOPSIS\n\\fBqms\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] "
          "[\\fIARGUMENT\\fR...]\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        man_command(command, out);
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < EXIT_CODE_COUNT; i++) {
        fprintf(out, ".TP\n%zu\n", i);
        man_text(exit_codes[i], out);
        fputc('\n', out);
    }
}

/* ---- the commands ---- */

static const struct option_row no_options[] = {OPTION_END};

static int run_version(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 256);
    struct qms_error error;
    int code = 0;
    if (command_parse(command, NULL, &count, arguments, &arena, &error))
        printf("qms %s\n", QMS_VERSION);
    else
        code = command_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "print the version",
    .details = "",
    .options = no_options,
    .run = run_version,
};

struct settings {
    bool man, markdown;
};

static const struct option_row help_options[] = {
    {"man", "man", NULL, OPTION_BOOL, offsetof(struct settings, man), NULL, NULL,
     "write all of it as a page for man(1)", 0, 0},
    {"markdown", "markdown", NULL, OPTION_BOOL, offsetof(struct settings, markdown), NULL, NULL,
     "only the options of the command, as a table in Markdown", 0, 0},
    OPTION_END,
};

static int help_on(int count, char **words, bool markdown) {
    int taken;
    const struct command *command = program_find(count, words, &taken);
    if (command != NULL && taken == count && markdown)
        options_markdown(command->options, stdout);
    else if (command != NULL && taken == count)
        program_explain(command, stdout);
    else if (count == 1 && program_has_group(text_of(words[0])))
        program_list_group(text_of(words[0]), stdout);
    else
        return program_refuse(count, words);
    return 0;
}

static int run_help(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 256);
    struct settings settings = {0};
    struct qms_error error;
    int code = 0;
    if (!command_parse(command, &settings, &count, arguments, &arena, &error))
        code = command_fail(command, &error);
    else if (settings.man)
        program_man(stdout);
    else if (count == 0)
        program_list(stdout);
    else
        code = help_on(count, arguments, settings.markdown);
    arena_close(&arena);
    return code;
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explain a command, or list them all",
    .details = "",
    .options = help_options,
    .operands_max = 2,
    .run = run_help,
};
