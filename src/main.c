/* main.c: the list of the commands of qms, and the only place that ends the process. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* What is opened first takes the number of a standard stream that the caller has closed, and with
 * it all that is said there: a database would get the log over its first page. What stands in for
 * such a stream refuses as it did: it cannot be read, or not be written. */
static bool standard_streams_exist(void) {
    static const int refusing[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", refusing[stream]) != stream)
            return false;
    return true;
}

int main(int count, char **arguments) {
    if (!standard_streams_exist()) exit(qms_code_exit(QMS_INTERNAL));
    setlocale(LC_CTYPE, "");
    int code = program_run(count - 1, arguments + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "qms: cannot write the output\n");
        if (code == 0) code = qms_code_exit(QMS_INTERNAL);
    }
    exit(code);
}
