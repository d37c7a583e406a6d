/* serve_verify.c: qms verify. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "serve.h"
#include "store/store_verify.h"
#include "wire/json_writer.h"

enum { REPORT_BYTES_MAX = 1 << 20 };

struct verify_settings {
    const char *store_url;
    struct option_texts checks;
    uint64_t limit;
    bool json;
};

static const struct option_row rows[] = {
    {"database.uri", NULL, "QMS_DATABASE_URI", OPTION_TEXT,
     offsetof(struct verify_settings, store_url), NULL, NULL,
     "as QMS_STORE_URL, from older settings",
     0, 0},
    {"store.url", "store", "QMS_STORE_URL", OPTION_TEXT,
     offsetof(struct verify_settings, store_url), "sqlite:qms.db", "URL",
     "the database, sqlite:PATH or postgresql://USER@HOST/DATABASE", 0, 0},
    {"-check", "check", NULL, OPTION_TEXTS, offsetof(struct verify_settings, checks), NULL, "NAME",
     "only this check: orphans, amounts, dates, trail, overlaps or periods; may be repeated", 0, 0},
    {"-limit", "limit", NULL, OPTION_UNSIGNED, offsetof(struct verify_settings, limit), "1000",
     "N", "findings to show of each check; all are counted", 1, 1000000},
    {"-json", "json", NULL, OPTION_BOOL, offsetof(struct verify_settings, json), NULL, NULL,
     "print one JSON object", 0, 0},
    OPTION_END,
};

struct report {
    const struct verify_settings *settings;
    struct arena arena;
    struct table table;
    struct buffer out; /* JSON */
    struct json_writer writer;
    struct progress progress;
    uint64_t shown[STORE_CHECK_COUNT];
};

/* ---- for programs ---- */

static void flush(struct report *report) {
    fwrite(report->out.data, 1, report->out.length, stdout);
    buffer_reset(&report->out);
}

static void write_text(struct json_writer *writer, struct text name, struct text value) {
    json_write_key(writer, name);
    if (value.length == 0) json_write_null(writer);
    else json_write_string(writer, value);
}

static void write_finding(struct report *report, const struct store_finding *finding) {
    struct json_writer *writer = &report->writer;
    json_write_object_begin(writer);
    write_text(writer, TEXT("check"), text_of(store_check_name(finding->check)));
    write_text(writer, TEXT("problem"), text_of(finding->problem));
    write_text(writer, TEXT("username"), finding->username);
    write_text(writer, TEXT("resource_name"), finding->resource);
    write_text(writer, TEXT("found"), finding->found);
    write_text(writer, TEXT("expected"), finding->expected);
    write_text(writer, TEXT("table"), text_of(finding->table));
    json_write_key(writer, TEXT("id"));
    json_write_uuid(writer, &finding->id);
    json_write_object_end(writer);
    flush(report);
}

static void write_end(struct report *report, const struct store_verify *verify) {
    struct json_writer *writer = &report->writer;
    json_write_array_end(writer);
    write_text(writer, TEXT("store"), text_of(verify->place));
    json_write_key(writer, TEXT("counts"));
    json_write_object_begin(writer);
    for (int i = 0; i < STORE_CHECK_COUNT; i++) {
        if (verify->leaves_out[i]) continue;
        json_write_key(writer, text_of(store_check_name((enum store_check)i)));
        json_write_integer(writer, (int64_t)verify->findings[i]);
    }
    json_write_object_end(writer);
    json_write_object_end(writer);
    flush(report);
    printf("\n");
}

/* ---- for people ---- */

static void put_finding(struct report *report, const struct store_finding *finding) {
    struct table *table = &report->table;
    char id[UUID_TEXT_BYTES];
    uuid_format(&finding->id, id);
    table_put(table, text_of(store_check_name(finding->check)), TABLE_YELLOW);
    table_put(table, finding->username, TABLE_BOLD);
    table_put(table, finding->resource, TABLE_PLAIN);
    table_put(table, finding->found, TABLE_RED);
    table_put(table, finding->expected, TABLE_PLAIN);
    table_put(table, text_of(finding->problem), TABLE_PLAIN);
    table_put(table,
              arena_format(&report->arena, "%s %.*s", finding->table, (int)sizeof id, id),
              TABLE_DIM);
}

static void print_counts(struct report *report, const struct store_verify *verify) {
    for (int i = 0; i < STORE_CHECK_COUNT; i++) {
        const char *name = store_check_name((enum store_check)i);
        if (verify->leaves_out[i]) continue;
        if (verify->findings[i] == 0) printf("%s: nothing found\n", name);
        else printf("%s: %" PRIu64 " found", name, verify->findings[i]);
        if (verify->findings[i] > report->shown[i])
            printf(", the first %" PRIu64 " are shown", report->shown[i]);
        if (verify->findings[i] > 0) printf("\n");
    }
}

static void print_end(struct report *report, const struct store_verify *verify, uint64_t found) {
    if (found > 0) {
        table_write(&report->table, table_style_of(stdout), stdout);
        printf("\n");
    }
    printf("%s, %" PRIu64 " rows looked at\n",
           table_printable(&report->arena, text_of(verify->place)).data, verify->rows);
    print_counts(report, verify);
}

/* ---- */

static void take(void *context, const struct store_finding *finding) {
    struct report *report = context;
    if (report->shown[finding->check] == report->settings->limit) return;
    report->shown[finding->check]++;
    if (report->settings->json) write_finding(report, finding);
    else put_finding(report, finding);
}

static void show(void *context, enum store_check check, uint64_t count) {
    struct report *report = context;
    report->progress.jobs = count;
    report->progress.things = store_check_name(check);
    progress_show(&report->progress);
}

static bool choose(const struct verify_settings *settings, struct store_verify *verify,
                   struct qms_error *error) {
    for (int i = 0; i < STORE_CHECK_COUNT; i++)
        verify->leaves_out[i] = settings->checks.count > 0;
    for (size_t i = 0; i < settings->checks.count; i++) {
        int check = 0;
        while (check < STORE_CHECK_COUNT &&
               strcmp(settings->checks.items[i], store_check_name((enum store_check)check)) != 0)
            check++;
        if (check == STORE_CHECK_COUNT)
            return qms_fail(error, QMS_BAD_REQUEST,
                            "there is no check %s: orphans, amounts, dates, trail, overlaps,"
                            " periods",
                            settings->checks.items[i]);
        verify->leaves_out[check] = false;
    }
    return true;
}

static bool verify_store(struct report *report, uint64_t *found, struct qms_error *error) {
    const struct verify_settings *settings = report->settings;
    struct store_verify verify = {
        .url = settings->store_url,
        .found = take,
        .progress = show,
        .context = report,
    };
    if (!choose(settings, &verify, error)) return false;
    if (settings->json) {
        json_write_object_begin(&report->writer);
        json_write_key(&report->writer, TEXT("findings"));
        json_write_array_begin(&report->writer);
    }
    bool verified = store_verify(&verify, error);
    progress_close(&report->progress);
    if (!verified) return false;
    for (int i = 0; i < STORE_CHECK_COUNT; i++)
        *found += verify.findings[i];
    if (settings->json) write_end(report, &verify);
    else print_end(report, &verify, *found);
    return true;
}

static int run(const struct command *command, int count, char **arguments) {
    static const struct table_column columns[] = {
        {"check", false},    {"user", false},    {"resource", false}, {"found", true},
        {"expected", true},  {"problem", false}, {"row", false},
    };
    struct verify_settings settings = {0};
    struct qms_error error;
    struct report report = {.settings = &settings};
    arena_init(&report.arena, 65536);
    table_init(&report.table, columns, sizeof columns / sizeof columns[0], &report.arena);
    buffer_init(&report.out, REPORT_BYTES_MAX);
    json_write_open(&report.writer, &report.out);
    progress_open(&report.progress, 0);
    uint64_t found = 0;
    bool verified = command_parse(command, &settings, &count, arguments, &report.arena, &error) &&
                    verify_store(&report, &found, &error);
    int code = !verified ? serve_fail(command, &error)
               : found > 0 ? qms_code_exit(QMS_CONFLICT) : 0;
    buffer_close(&report.out);
    table_close(&report.table);
    arena_close(&report.arena);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "",
    .summary = "look for what should not be in a database",
    .details =
        "Reads the database as it is at one moment, beside servers that run, and alters nothing.\n"
        "  orphans   rows that refer to rows that are not there\n"
        "  amounts   amounts that cannot be calculated with (NaN, over 34 digits), or below 0\n"
        "  dates     infinite dates, and those outside the years 1 to 9999\n"
        "  trail     usages of active subscriptions that are not what the audit trail adds up to\n"
        "            since the subscription began or the last SET; quotas, since the last SET\n"
        "  overlaps  users with more than one active subscription\n"
        "  periods   quotas that look as if they had been multiplied by the periods twice\n"
        "The exit code is 0 when nothing was found, else 5.\n",
    .options = rows,
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
