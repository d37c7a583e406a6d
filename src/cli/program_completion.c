/* program_completion.c: qms completion: what a shell needs to know to complete the words of qms.
 * Both scripts choose by "NUMBER:FIRST SECOND", the number of the word and the first two words. */
#include "cli/program.h"

/* Inside single quotes of a shell. */
static void put_quoted(const char *text, FILE *out) {
    for (; *text != '\0'; text++) {
        if (*text == '\'') fputs("'\\''", out);
        else fputc(*text, out);
    }
}

/* One candidate: for bash the word, for zsh 'word:what it is'. */
static void put_word(const char *before, struct text word, const char *summary, bool is_zsh,
                     FILE *out) {
    if (!is_zsh) {
        fprintf(out, " %s%.*s", before, TEXT_ARGUMENTS(word));
        return;
    }
    fprintf(out, " '%s%.*s:", before, TEXT_ARGUMENTS(word));
    put_quoted(summary, out);
    fputc('\'', out);
}

static void put_pattern(const char *pattern, struct text first, const char *second, bool is_zsh,
                        FILE *out) {
    fprintf(out, "    %s:'%.*s '%s) choices=%s", pattern, TEXT_ARGUMENTS(first), second,
            is_zsh ? "(" : "'");
}

static void end_words(bool is_zsh, FILE *out) {
    fprintf(out, "%s ;;\n", is_zsh ? " )" : "'");
}

/* Every first word; a group is explained by its commands. */
static void put_first_words(bool is_zsh, FILE *out) {
    const struct command *command;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        if (program_is_first(i))
            put_word("", program_group(command),
                     program_subcommand(command) == NULL ? command->summary : "a group of commands",
                     is_zsh, out);
}

static void put_second_words(struct text group, bool is_zsh, FILE *out) {
    const struct command *command;
    for (size_t i = 0; (command = program_command(i)) != NULL; i++)
        if (program_subcommand(command) != NULL && text_equal(program_group(command), group))
            put_word("", text_of(program_subcommand(command)), command->summary, is_zsh, out);
}

static void put_options(const struct command *command, bool is_zsh, FILE *out) {
    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        if (row->flag == NULL) continue;
        bool is_on = row->type == OPTION_BOOL && row->fallback != NULL &&
                     strcmp(row->fallback, "true") == 0;
        put_word(is_on ? "--no-" : "--", text_of(row->flag), row->help, is_zsh, out);
    }
}

static void put_shells(bool is_zsh, FILE *out) {
    put_word("", TEXT("bash"), "for bash", is_zsh, out);
    put_word("", TEXT("zsh"), "for zsh", is_zsh, out);
}

static void put_cases(bool is_zsh, FILE *out) {
    const struct command *command;
    fprintf(out, "    1:*) choices=%s", is_zsh ? "(" : "'");
    put_first_words(is_zsh, out);
    end_words(is_zsh, out);
    for (size_t i = 0; (command = program_command(i)) != NULL; i++) {
        if (program_subcommand(command) == NULL || !program_is_first(i)) continue;
        put_pattern("2", program_group(command), "*", is_zsh, out);
        put_second_words(program_group(command), is_zsh, out);
        end_words(is_zsh, out);
    }
    for (size_t i = 0; (command = program_command(i)) != NULL; i++) {
        const char *second = program_subcommand(command);
        put_pattern("*", program_group(command), second == NULL ? "*" : second, is_zsh, out);
        put_options(command, is_zsh, out);
        if (command == &command_help) put_first_words(is_zsh, out);
        if (command == &command_completion) put_shells(is_zsh, out);
        end_words(is_zsh, out);
    }
}

static void write_bash(FILE *out) {
    fputs("# Completion of qms for bash; made by: qms completion bash\n"
          "_qms() {\n"
          "    local choices=''\n"
          "    case \"$COMP_CWORD:${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
          out);
    put_cases(false, out);
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$choices\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
          "}\n"
          "complete -o bashdefault -o default -F _qms qms\n",
          out);
}

static void write_zsh(FILE *out) {
    fputs("#compdef qms\n"
          "# Completion of qms for zsh; made by: qms completion zsh\n"
          "_qms() {\n"
          "    local -a choices=()\n"
          "    case \"$((CURRENT - 1)):${words[2]} ${words[3]}\" in\n",
          out);
    put_cases(true, out);
    fputs("    esac\n"
          "    _describe 'qms' choices || _files\n"
          "}\n"
          "if [ \"$funcstack[1]\" = _qms ]; then _qms \"$@\"; else compdef _qms qms; fi\n",
          out);
}

static const struct option_row no_options[] = {OPTION_END};

static int run_completion(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 256);
    struct qms_error error;
    bool done = command_parse(command, NULL, &count, arguments, &arena, &error);
    if (done && strcmp(arguments[0], "bash") == 0)
        write_bash(stdout);
    else if (done && strcmp(arguments[0], "zsh") == 0)
        write_zsh(stdout);
    else if (done)
        done = qms_fail(&error, QMS_BAD_REQUEST, "the shell is bash or zsh, not '%s'",
                        arguments[0]);
    int code = done ? 0 : command_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh",
    .summary = "write the completion of qms for a shell",
    .details = "For bash: source <(qms completion bash). For zsh, after compinit: the same with "
               "zsh.\n",
    .options = no_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_completion,
};
