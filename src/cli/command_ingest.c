#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/job_item.h"
#include "cli/line_reader.h"
#include "cli/upload.h"
#include "cli/user_set.h"

enum { PROBLEM_LINES_MAX = 5 };

struct settings {
    struct client_settings client;
    const char *source, *user_prefix;
    uint64_t retry_s;
    bool dry_run;
};

static const struct option_row rows[] = {
    COMMAND_CLIENT_ROWS(offsetof(struct settings, client)),
    {"ingest.source", "source", NULL, OPTION_TEXT, offsetof(struct settings, source), NULL, "NAME",
     "where the log comes from, part of the ids that keep a job from being counted twice; without "
     "it the log's header has to say Computer and UnixStartTime",
     0, 0},
    {"ingest.user_prefix", "user-prefix", NULL, OPTION_TEXT,
     offsetof(struct settings, user_prefix), "user", "P",
     "a user is called by this and the number in the log", 0, 0},
    {"ingest.retry_seconds", "retry-seconds", NULL, OPTION_UNSIGNED,
     offsetof(struct settings, retry_s), "60", "N",
     "how long to go on trying when the server stops answering", 0, 86400},
    {"ingest.dry_run", "dry-run", NULL, OPTION_BOOL, offsetof(struct settings, dry_run), NULL, NULL,
     "read and count, send nothing", 0, 0},
    OPTION_END,
};

struct problem_line {
    const char *file, *problem;
    uint64_t line;
    int field;
};

struct ingest {
    const struct settings *settings;
    struct progress progress;
    struct upload *upload;
    struct user_set users;
    struct job_log log;         /* of the file being read */
    struct buffer source;       /* behind log.source */
    struct buffer computer;     /* header of the file being read */
    const char *file;
    uint64_t bytes_before;      /* of the files that are done */
    uint64_t skipped[JOB_SKIP_COUNT];
    uint64_t malformed;
    struct problem_line problems[PROBLEM_LINES_MAX];
};

static void count_malformed(struct ingest *ingest, uint64_t line, const char *problem, int field) {
    if (ingest->malformed < PROBLEM_LINES_MAX)
        ingest->problems[ingest->malformed] = (struct problem_line){
            .file = ingest->file, .problem = problem, .line = line, .field = field};
    ingest->malformed++;
}

static void take_header(struct ingest *ingest, struct text key, struct text value) {
    if (text_equal(key, TEXT("Computer"))) {
        buffer_reset(&ingest->computer);
        buffer_put_text(&ingest->computer, value);
    } else if (text_equal(key, TEXT("UnixStartTime"))) {
        int64_t start_s = 0;
        if (swf_integer(value, &start_s)) ingest->log.start_s = start_s;
    }
}

/* Before the first job of a log its source has to be known. */
static bool find_source(struct ingest *ingest, struct qms_error *error) {
    if (ingest->settings->source != NULL) {
        ingest->log.source = text_of(ingest->settings->source);
        return true;
    }
    if (!job_item_source(&ingest->source, buffer_text(&ingest->computer), ingest->log.start_s,
                         error))
        return false;
    ingest->log.source = buffer_text(&ingest->source);
    return true;
}

static bool take_job(struct ingest *ingest, const struct swf_job *job, uint64_t line,
                     struct qms_error *error) {
    if (ingest->log.source.length == 0 && !find_source(ingest, error)) return false;
    ingest->progress.jobs++;
    struct amount hours;
    enum job_skip skip = job_item_hours(job, &hours);
    ingest->skipped[skip]++;
    if (skip != JOB_TAKEN) return true;
    user_set_add(&ingest->users, job->user);
    job_item_write(upload_item(ingest->upload), &ingest->log, job, hours);
    return upload_put(ingest->upload, hours, ingest->file, line, error);
}

static bool take_line(struct ingest *ingest, const struct line_reader *reader, struct text line,
                      struct qms_error *error) {
    uint64_t number = line_reader_number(reader);
    struct swf_line parsed;
    swf_parse(line, &parsed);
    if (parsed.kind == SWF_HEADER) take_header(ingest, parsed.key, parsed.value);
    if (parsed.kind == SWF_MALFORMED)
        count_malformed(ingest, number, parsed.problem, parsed.field);
    if (parsed.kind != SWF_JOB) return true;
    ingest->progress.bytes = ingest->bytes_before + line_reader_offset(reader);
    progress_show(&ingest->progress);
    return take_job(ingest, &parsed.job, number, error);
}

static bool take_lines(struct ingest *ingest, struct line_reader *reader, struct qms_error *error) {
    for (;;) {
        struct text line;
        switch (line_reader_next(reader, &line, error)) {
        case LINE_READ:
            if (!take_line(ingest, reader, line, error)) return false;
            break;
        case LINE_TOO_LONG:
            count_malformed(ingest, line_reader_number(reader), "the line is too long", 0);
            break;
        case LINE_WAIT:
            if (!upload_idle(ingest->upload, line_reader_descriptor(reader), error)) return false;
            break;
        case LINE_END: return true;
        case LINE_FAILED: return false;
        }
    }
}

static bool take_file(struct ingest *ingest, const char *file, struct qms_error *error) {
    struct line_reader *reader = line_reader_open(file, error);
    if (reader == NULL) return false;
    ingest->file = file;
    ingest->log.source = (struct text){.length = 0};
    ingest->log.start_s = -1;
    buffer_reset(&ingest->computer);
    uint64_t jobs = ingest->progress.jobs, malformed = ingest->malformed;
    bool taken = take_lines(ingest, reader, error);
    if (taken && ingest->progress.jobs == jobs && ingest->malformed > malformed)
        taken = qms_fail(error, QMS_BAD_REQUEST,
                         "%s is no job log: no line has the 18 numbers of the Standard Workload "
                         "Format", file);
    ingest->bytes_before += line_reader_offset(reader);
    line_reader_close(reader);
    return taken;
}

static void show_problems(const struct ingest *ingest) {
    uint64_t shown = ingest->malformed < PROBLEM_LINES_MAX ? ingest->malformed : PROBLEM_LINES_MAX;
    for (uint64_t i = 0; i < shown; i++) {
        const struct problem_line *problem = &ingest->problems[i];
        fprintf(stderr, "%s:%" PRIu64 ": malformed: %s", problem->file, problem->line,
                problem->problem);
        if (problem->field > 0) fprintf(stderr, " (field %d)", problem->field);
        fputc('\n', stderr);
    }
    if (ingest->malformed > shown)
        fprintf(stderr, "... and %" PRIu64 " more malformed lines\n", ingest->malformed - shown);

    const struct upload_totals *totals = upload_totals(ingest->upload);
    struct arena arena;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < totals->problem_count; i++) {
        const struct upload_problem *problem = &totals->problems[i];
        fprintf(stderr, "%s:%" PRIu64 ": refused: %s\n", problem->file, problem->line,
                table_printable(&arena, problem->text).data);
    }
    if (totals->failed > totals->problem_count)
        fprintf(stderr, "... and %" PRIu64 " more refused\n",
                totals->failed - totals->problem_count);
    arena_close(&arena);
}

static void put_row(struct table *table, const char *label, uint64_t number, const char *remark) {
    table_put(table, text_of(label), TABLE_PLAIN);
    table_put(table, arena_format(table->arena, "%" PRIu64, number), TABLE_BOLD);
    table_put(table, text_of(remark), TABLE_DIM);
}

/* How many jobs were left out, and why: "2 unknown run time, 1 unknown user". */
static void put_skipped(struct table *table, const struct ingest *ingest) {
    uint64_t total = 0;
    const char *reasons = "";
    for (int skip = JOB_TAKEN + 1; skip < JOB_SKIP_COUNT; skip++) {
        uint64_t count = ingest->skipped[skip];
        if (count == 0) continue;
        reasons = arena_format(table->arena, "%s%s%" PRIu64 " %s", reasons, total == 0 ? "" : ", ",
                               count, job_skip_text((enum job_skip)skip))
                      .data;
        total += count;
    }
    put_row(table, "skipped", total, reasons);
}

static void put_hours(struct table *table, const struct upload_totals *totals, uint64_t users) {
    char hours[AMOUNT_TEXT_MAX];
    struct text text = {.data = hours, .length = amount_format(totals->amount, hours)};
    put_row(table, "users", users, "");
    table_put(table, TEXT("hours"), TABLE_PLAIN);
    table_put(table, text, TABLE_BOLD);
    table_put(table, totals->amount_overflowed ? TEXT("and more: the sum exceeds 34 digits")
                                               : TEXT(""), TABLE_DIM);
}

static void show_table(const struct ingest *ingest, int64_t elapsed_us) {
    static const struct table_column columns[] = {{"", false}, {"", true}, {"", false}};
    const struct upload_totals *totals = upload_totals(ingest->upload);
    struct arena arena;
    arena_init(&arena, 4096);
    struct table table;
    table_init(&table, columns, 3, &arena);
    put_row(&table, "jobs read", ingest->progress.jobs, "");
    put_row(&table, ingest->settings->dry_run ? "to be sent" : "applied", totals->applied, "");
    put_row(&table, "duplicates", totals->duplicates, "");
    if (totals->confirmed > 0)
        put_row(&table, "confirmed", totals->confirmed,
                "found applied in lists that were sent again");
    put_skipped(&table, ingest);
    if (ingest->malformed > 0) put_row(&table, "malformed lines", ingest->malformed, "");
    put_row(&table, "failed", totals->failed, "");
    put_hours(&table, totals, ingest->users.count);
    double seconds = (double)elapsed_us / 1e6;
    double rate = seconds > 0 ? (double)ingest->progress.jobs / seconds : 0;
    put_row(&table, "jobs a second", (uint64_t)rate,
            arena_format(&arena, "in %.2f s", seconds).data);
    table_write(&table, table_style_of(stdout), stdout);
    table_close(&table);
    arena_close(&arena);
}

/* The sizes of all files, for the progress; 0 when one of them has none. A file that is not there
 * is noticed here, before anything is sent. */
static bool add_sizes(int count, char **files, uint64_t *bytes, struct qms_error *error) {
    bool is_known = true;
    *bytes = 0;
    for (int i = 0; i < count; i++) {
        struct stat status = {.st_mode = 0};
        if (strcmp(files[i], "-") != 0 &&
            (stat(files[i], &status) != 0 || access(files[i], R_OK) != 0))
            return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", files[i],
                            strerror(errno));
        if (!S_ISREG(status.st_mode)) is_known = false;
        *bytes += (uint64_t)status.st_size;
    }
    if (!is_known) *bytes = 0;
    return true;
}

static bool check_settings(const struct settings *settings, struct qms_error *error) {
    struct text prefix = text_of(settings->user_prefix);
    if (prefix.length > JOB_PREFIX_BYTES_MAX || !text_is_utf8(prefix))
        return qms_fail(error, QMS_BAD_REQUEST, "--user-prefix has to be at most %d bytes of UTF-8",
                        JOB_PREFIX_BYTES_MAX);
    return settings->source == NULL || job_item_source_check(text_of(settings->source), error);
}

/* A server that is not there is noticed before the log is read, and not waited for. */
static bool greet(struct client *client, struct qms_error *error) {
    struct client_call call;
    client_call_init(&call);
    client_get(client, "/healthz", &call);
    bool is_there = call.status != 0 || client_explain(client, &call, error);
    client_call_close(&call);
    return is_there;
}

static bool ingest_files(struct ingest *ingest, int count, char **files, struct qms_error *error) {
    for (int i = 0; i < count; i++) {
        if (take_file(ingest, files[i], error)) continue;
        /* What was read before is sent all the same, so that the table tells what is recorded. */
        struct qms_error ignored;
        bool finished = upload_finish(ingest->upload, &ignored);
        (void)finished;
        return false;
    }
    return upload_finish(ingest->upload, error);
}

static int ingest_run(const struct command *command, struct ingest *ingest, struct client *client,
                      int count, char **files) {
    struct qms_error error;
    uint64_t bytes = 0;
    if (!add_sizes(count, files, &bytes, &error)) return command_fail(command, &error);
    progress_open(&ingest->progress, bytes);
    ingest->upload = upload_open(client, &ingest->progress,
                                 (int64_t)ingest->settings->retry_s * 1000000);
    user_set_init(&ingest->users);
    buffer_init(&ingest->source, 2 * LINE_BYTES_MAX);
    buffer_init(&ingest->computer, LINE_BYTES_MAX);
    ingest->log.user_prefix = text_of(ingest->settings->user_prefix);

    int64_t started_us = clock_monotonic_us();
    bool ingested = ingest_files(ingest, count, files, &error);
    int64_t elapsed_us = clock_monotonic_us() - started_us;
    progress_close(&ingest->progress);
    show_problems(ingest);
    show_table(ingest, elapsed_us);
    const struct upload_totals *totals = upload_totals(ingest->upload);
    int code = totals->failed == 0 ? 0 : qms_code_exit(totals->code);
    if (!ingested) code = command_fail(command, &error);

    upload_close(ingest->upload);
    user_set_close(&ingest->users);
    buffer_close(&ingest->source);
    buffer_close(&ingest->computer);
    return code;
}

static int run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 1024);
    struct settings settings = {0};
    struct qms_error error;
    struct client *client = NULL;
    bool is_ready = command_parse(command, &settings, &count, arguments, &arena, &error) &&
                    check_settings(&settings, &error);
    if (is_ready && !settings.dry_run) {
        client = client_open(&settings.client, &error);
        is_ready = client != NULL && greet(client, &error);
    }
    struct ingest ingest = {.settings = &settings};
    int code = is_ready ? ingest_run(command, &ingest, client, count, arguments)
                        : command_fail(command, &error);
    if (client != NULL) client_close(client);
    arena_close(&arena);
    return code;
}

const struct command command_ingest = {
    .name = "ingest",
    .operands = "FILE...",
    .summary = "record the jobs of a log as usage of cpu.hours",
    .details =
        "Reads logs in the Standard Workload Format, plain or gzip; - is standard input.\n"
        "Each job with known run time, allocated processors and user adds run time x processors\n"
        "/ 3600 hours to its user. A job that was recorded before is not counted again, so the\n"
        "same log can be given any number of times. Malformed lines are counted and left out; a\n"
        "file that has no others is refused.\n",
    .options = rows,
    .operands_min = 1,
    .operands_max = 1000000,
    .run = run,
};
