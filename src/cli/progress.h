/* progress.h: one line on standard error that says how far something is, on a terminal only, and
 * lines of news that do not tear it. */
#ifndef QMS_CLI_PROGRESS_H
#define QMS_CLI_PROGRESS_H

#include "cli/table.h"

struct progress {
    bool is_terminal, is_shown;
    struct table_style style;
    int64_t started_us, shown_us; /* monotonic */
    uint64_t bytes_total;         /* 0: unknown, no bar */
    uint64_t bytes, jobs;         /* the caller counts here */
    const char *things;           /* what is counted as jobs: "jobs" unless told otherwise */
};

void progress_open(struct progress *progress, uint64_t bytes_total);

/* Shows what was counted. Cheap enough for every line: it redraws a few times a second. */
void progress_show(struct progress *progress);

/* A line of news, on a terminal or not. */
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the line away. */
void progress_close(struct progress *progress);

#endif
