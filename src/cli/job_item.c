#include "cli/job_item.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "wire/json_writer.h"

enum { ID_NUMBERS_BYTES_MAX = 2 * (1 + 16) }; /* ":NUMBER:SUBMIT" of swf.h's integers */

static_assert(JOB_SOURCE_BYTES_MAX + ID_NUMBERS_BYTES_MAX <= IDEMPOTENCY_KEY_BYTES_MAX,
              "an id is short enough to be remembered");

const char *job_skip_text(enum job_skip skip) {
    static const char *const texts[JOB_SKIP_COUNT] = {
        [JOB_TAKEN] = "",
        [JOB_RUN_UNKNOWN] = "unknown run time",
        [JOB_PROCESSORS_UNKNOWN] = "unknown processors",
        [JOB_USER_UNKNOWN] = "unknown user",
        [JOB_AMOUNT_TOO_LARGE] = "hours out of range",
    };
    return texts[skip];
}

enum job_skip job_item_hours(const struct swf_job *job, struct amount *hours) {
    if (job->run_s < 0) return JOB_RUN_UNKNOWN;
    if (job->processors <= 0) return JOB_PROCESSORS_UNKNOWN;
    if (job->user < 0) return JOB_USER_UNKNOWN;
    if (!amount_of_double(swf_job_hours(job), hours)) return JOB_AMOUNT_TOO_LARGE;
    return JOB_TAKEN;
}

/* When the job ended, in seconds since 1970; false when that is unknown. Never a matter of today's
 * clock: the same job has to be the same item whenever it is sent. */
static bool job_end(const struct job_log *log, const struct swf_job *job, int64_t *end_s) {
    if (log->start_s < 0 || job->submit_s < 0) return false;
    *end_s = log->start_s + job->submit_s + (job->wait_s > 0 ? job->wait_s : 0) + job->run_s;
    return true;
}

void job_item_write(struct buffer *out, const struct job_log *log, const struct swf_job *job,
                    struct amount hours) {
    char id[JOB_SOURCE_BYTES_MAX + ID_NUMBERS_BYTES_MAX + 1], user[JOB_PREFIX_BYTES_MAX + 17];
    int id_length = snprintf(id, sizeof id, "%.*s:%010" PRId64 ":%010" PRId64,
                             TEXT_ARGUMENTS(log->source), job->number, job->submit_s);
    int user_length = snprintf(user, sizeof user, "%.*s%" PRId64, TEXT_ARGUMENTS(log->user_prefix),
                               job->user);
    assert(id_length > 0 && (size_t)id_length < sizeof id);
    assert(user_length > 0 && (size_t)user_length < sizeof user);

    struct json_writer writer;
    json_write_open(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, TEXT("id"));
    json_write_string(&writer, (struct text){.data = id, .length = (size_t)id_length});
    json_write_key(&writer, TEXT("username"));
    json_write_string(&writer, (struct text){.data = user, .length = (size_t)user_length});
    json_write_key(&writer, TEXT("resource_name"));
    json_write_string(&writer, TEXT("cpu.hours"));
    json_write_key(&writer, TEXT("update_type"));
    json_write_string(&writer, TEXT("ADD"));
    json_write_key(&writer, TEXT("usage_value"));
    json_write_amount(&writer, hours);
    int64_t end_s = 0;
    if (job_end(log, job, &end_s)) {
        json_write_key(&writer, TEXT("effective_date"));
        json_write_timestamp(&writer, end_s * 1000000);
    }
    json_write_object_end(&writer);
}

bool job_item_source(struct buffer *out, struct text computer, int64_t start_s,
                     struct qms_error *error) {
    if (computer.length == 0 || start_s < 0)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "the log does not say where it comes from (no %s in its header): "
                        "name it with --source NAME",
                        computer.length == 0 ? "Computer" : "UnixStartTime");
    buffer_reset(out);
    buffer_format(out, "%.*s@%" PRId64, TEXT_ARGUMENTS(computer), start_s);
    return job_item_source_check(buffer_text(out), error);
}

bool job_item_source_check(struct text source, struct qms_error *error) {
    bool has_control = false;
    for (size_t i = 0; i < source.length; i++)
        if ((unsigned char)source.data[i] < 0x20 || source.data[i] == 0x7f) has_control = true;
    if (source.length > 0 && source.length <= JOB_SOURCE_BYTES_MAX && !has_control &&
        text_is_utf8(source))
        return true;
    return qms_fail(error, QMS_BAD_REQUEST,
                    "the name of the log's source has to be 1 to %d bytes of plain UTF-8 text: "
                    "give one with --source NAME",
                    JOB_SOURCE_BYTES_MAX);
}
