/* serve_copy.c: qms copy. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "serve.h"
#include "store/store_copy.h"

struct copy_settings {
    const char *from, *to;
};

static const struct option_row rows[] = {
    {"-from", "from", "QMS_COPY_FROM", OPTION_TEXT, offsetof(struct copy_settings, from), NULL,
     "URL", "the database to read, sqlite:PATH or postgresql://USER@HOST/DATABASE", 0, 0},
    {"-to", "to", "QMS_COPY_TO", OPTION_TEXT, offsetof(struct copy_settings, to), NULL, "URL",
     "the database to fill, which must be empty; it is made when it is an SQLite file", 0, 0},
    OPTION_END,
};

static void show(void *context, const char *doing, uint64_t done, uint64_t total) {
    struct progress *progress = context;
    progress->bytes = progress->jobs = done;
    progress->bytes_total = total;
    progress->things = doing;
    progress_show(progress);
}

static void put_number(struct table *table, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    table_put(table, text_of(digits), TABLE_PLAIN);
}

static void report(const struct store_copy *copy, struct arena *arena) {
    static const struct table_column columns[] = {{"table", false}, {"rows", true}};
    struct table table;
    table_init(&table, columns, 2, arena);
    for (size_t i = 0; i < copy->table_count; i++) {
        table_put(&table, text_of(copy->tables[i].name), TABLE_PLAIN);
        put_number(&table, copy->tables[i].rows);
    }
    table_write(&table, table_style_of(stdout), stdout);
    table_close(&table);
    printf("\nCopied %s to %s.\n",
           table_printable(arena, text_of(copy->from)).data,
           table_printable(arena, text_of(copy->to)).data);
    printf("Verified: every row reads back as it was, and so do the exact totals of quotas and\n"
           "usages by user and resource, %" PRIu64 " of them.\n", copy->totals);
    if (!copy->keeps_writers)
        printf("Not kept: created_by and last_modified_by. The target's triggers have written the\n"
               "name of this role, which does not own the tables and so cannot switch them off.\n");
}

static int run(const struct command *command, int count, char **arguments) {
    struct copy_settings settings = {0};
    struct qms_error error;
    struct arena arena;
    arena_init(&arena, 4096);
    struct progress progress;
    progress_open(&progress, 0);
    struct store_copy copy = {.progress = show, .context = &progress};
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error);
    if (done && (settings.from == NULL || settings.to == NULL))
        done = qms_fail(&error, QMS_BAD_REQUEST, "--from and --to are both needed");
    if (done) {
        copy.from_url = settings.from;
        copy.to_url = settings.to;
        done = store_copy(&copy, &error);
    }
    progress_close(&progress);
    int code = 0;
    if (done) report(&copy, &arena);
    else code = serve_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command command_copy = {
    .name = "copy",
    .operands = "",
    .summary = "copy everything from one database into another, empty one",
    .details =
        "Copies all rows with their ids, dates and exact amounts, from an SQLite file to a\n"
        "PostgreSQL database or back, in one transaction: all of it or nothing. The source may be\n"
        "in use by a server; it is read as it is at one moment, and what comes later is not\n"
        "copied: stop the servers first when you move. What was written is read again and\n"
        "compared before it counts.\n",
    .options = rows,
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
