/* What a line of a log promises whatever its bytes are: texts lie inside the line, numbers keep
 * their bounds, and a carriage return at the end changes nothing. */
#include <assert.h>
#include <stdlib.h>

#include "cli/swf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_integer(int64_t integer) {
    assert(integer <= SWF_INTEGER_MAX);
    assert(integer >= -SWF_INTEGER_MAX);
}

static void check_job(const struct swf_job *job) {
    assert(job->number >= 0);
    check_integer(job->number);
    check_integer(job->submit_s);
    check_integer(job->wait_s);
    check_integer(job->run_s);
    check_integer(job->processors);
    check_integer(job->user);
    if (job->run_s >= 0 && job->processors >= 0) assert(swf_job_hours(job) >= 0);
}

static void check_inside(struct text part, struct text line) {
    assert(part.data >= line.data);
    assert(part.data + part.length <= line.data + line.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size + 1); /* of its own, so that reading past the line is noticed */
    assert(bytes != NULL);
    if (size > 0) memcpy(bytes, data, size);
    bytes[size] = '\r';
    struct text line = {.data = bytes, .length = size};
    struct swf_line parsed, again;
    swf_parse(line, &parsed);
    if (parsed.kind == SWF_JOB) check_job(&parsed.job);
    if (parsed.kind == SWF_HEADER) {
        assert(parsed.key.length > 0);
        check_inside(parsed.key, line);
        check_inside(parsed.value, line);
    }
    assert((parsed.kind == SWF_MALFORMED) == (parsed.problem != NULL));
    assert(parsed.field >= 0 && parsed.field <= SWF_FIELDS);

    swf_parse((struct text){.data = bytes, .length = size + 1}, &again);
    assert(again.kind == parsed.kind);
    assert(again.field == parsed.field);
    assert(memcmp(&again.job, &parsed.job, sizeof again.job) == 0);
    assert(text_equal(again.key, parsed.key) && text_equal(again.value, parsed.value));
    free(bytes);
    return 0;
}
