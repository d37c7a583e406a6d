/* job_item.h: a job of a log as an item of POST /v2/usages: one ADD of cpu.hours.
 * The id is the source, the job's number and its submit time, padded so that ids sort as the jobs
 * do: the same job sent twice is known, equal numbers of another log are not mistaken for it.
 * Invariant: an item depends only on the log, not on when it is sent, but for one thing: a job that
 *            ends after now has no effective date, so that it counts from when it is recorded. */
#ifndef QMS_CLI_JOB_ITEM_H
#define QMS_CLI_JOB_ITEM_H

#include "base/buffer.h"
#include "base/error.h"
#include "cli/swf.h"
#include "domain/amount.h"

enum { JOB_SOURCE_BYTES_MAX = 200, JOB_PREFIX_BYTES_MAX = 200 };

/* What all jobs of one log have in common. */
struct job_log {
    struct text source;      /* empty: not known yet */
    struct text user_prefix;
    int64_t start_s;         /* UnixStartTime; -1: unknown */
};

enum job_skip {
    JOB_TAKEN,
    JOB_RUN_UNKNOWN,
    JOB_PROCESSORS_UNKNOWN,
    JOB_USER_UNKNOWN,
    JOB_AMOUNT_TOO_LARGE,
    JOB_SKIP_COUNT
};

/* Whether the job can be accounted for, and its hours. */
enum job_skip job_item_hours(const struct swf_job *job, struct amount *hours);
const char *job_skip_text(enum job_skip skip); /* "unknown run time" */

/* Appends the item as JSON. */
void job_item_write(struct buffer *out, const struct job_log *log, const struct swf_job *job,
                    struct amount hours);

/* The source a log names itself: its computer and its start; both have to be known. */
QMS_MUST_CHECK bool job_item_source(struct buffer *out, struct text computer, int64_t start_s,
                                    struct qms_error *error);

/* A source that may become part of ids. */
QMS_MUST_CHECK bool job_item_source_check(struct text source, struct qms_error *error);

#endif
