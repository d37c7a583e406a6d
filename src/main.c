/* main.c: the list of the commands of qms, and the only place that ends the process. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/program.h"
#include "serve.h"

const struct program_part program_parts[] = {
    {&command_serve, false},    {&command_migrate, false},    {&command_copy, false},
    {&command_verify, false},   {commands_apikey, true},
    {&command_ingest, false},   {&command_user, false},       {&command_overages, false},
    {commands_account, true},   {commands_addon, true},       {commands_catalogue, true},
    {commands_cloud, true},     {&command_nats, false},       {&command_version, false},
    {&command_completion, false}, {&command_help, false},
    {.rows = NULL},
};

int main(int count, char **arguments) {
    setlocale(LC_CTYPE, "");
    int code = program_run(count - 1, arguments + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "qms: cannot write the output\n");
        if (code == 0) code = qms_code_exit(QMS_INTERNAL);
    }
    exit(code);
}
