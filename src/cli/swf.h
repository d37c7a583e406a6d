/* swf.h: one line of a job log in the Standard Workload Format: 18 fields separated by white space,
 * -1 for unknown; lines beginning with ';' are comments, and "; Key: value" is a header.
 * Pure: text in, job out, no I/O. Field numbers are those of the standard, from 1. */
#ifndef QMS_CLI_SWF_H
#define QMS_CLI_SWF_H

#include "base/text.h"

enum { SWF_FIELDS = 18 };

/* Larger integers are refused: up to here a double holds every one exactly. */
#define SWF_INTEGER_MAX INT64_C(999999999999999)

enum swf_kind { SWF_BLANK, SWF_COMMENT, SWF_HEADER, SWF_JOB, SWF_MALFORMED };

/* The fields that accounting needs; what is negative is unknown. */
struct swf_job {
    int64_t number;      /* 1; never unknown */
    int64_t submit_s;    /* 2: seconds since the log's UnixStartTime */
    int64_t wait_s;      /* 3 */
    int64_t run_s;       /* 4 */
    int64_t processors;  /* 5: allocated */
    int64_t user;        /* 12 */
};

struct swf_line {
    enum swf_kind kind;
    struct swf_job job;      /* SWF_JOB */
    struct text key, value;  /* SWF_HEADER; they point into the line */
    const char *problem;     /* SWF_MALFORMED: what is wrong, for people */
    int field;               /* and where; 0: the line as a whole */
};

/* The line comes without its line feed; a carriage return before it is white space. */
void swf_parse(struct text line, struct swf_line *parsed);

/* A whole number as fields have it. */
bool swf_integer(struct text word, int64_t *integer);

/* Run time times processors in hours, as the nearest double. */
double swf_job_hours(const struct swf_job *job);

#endif
