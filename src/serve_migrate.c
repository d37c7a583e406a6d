/* serve_migrate.c: qms migrate. */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "serve.h"
#include "store/store_migrate.h"

struct migrate_settings {
    const char *store_url;
    bool removes;
};

static const struct option_row rows[] = {
    {"database.uri", NULL, "QMS_DATABASE_URI", OPTION_TEXT,
     offsetof(struct migrate_settings, store_url), NULL, NULL,
     "as QMS_STORE_URL, from older settings",
     0, 0},
    {"store.url", "store", "QMS_STORE_URL", OPTION_TEXT,
     offsetof(struct migrate_settings, store_url), "sqlite:qms.db", "URL",
     "the database, sqlite:PATH or postgresql://USER@HOST/DATABASE", 0, 0},
    {"-remove", "remove", NULL, OPTION_BOOL, offsetof(struct migrate_settings, removes), NULL, NULL,
     "take away what qms has added to a PostgreSQL database: the schema qms_server with everything "
     "in it, triggers and indexes",
     0, 0},
    OPTION_END,
};

static int run(const struct command *command, int count, char **arguments) {
    struct migrate_settings settings = {0};
    struct qms_error error;
    struct text report;
    struct arena arena;
    arena_init(&arena, 4096);
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error) &&
                (settings.removes ? store_migrate_remove : store_migrate)(
                    settings.store_url, &arena, &report, &error);
    int code = 0;
    if (done) printf("%.*s", TEXT_ARGUMENTS(report));
    else code = serve_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command command_migrate = {
    .name = "migrate",
    .operands = "",
    .summary = "bring a database up to date, and say what was done",
    .details =
        "A server does the same when it starts. This is for doing it beforehand, as another role\n"
        "than the server's, and, with --remove, for leaving a PostgreSQL database as it was\n"
        "before: stop every server first. Nothing of the CyVerse services is changed.\n",
    .options = rows,
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
