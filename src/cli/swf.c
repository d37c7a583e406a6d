#include "cli/swf.h"

/* Field numbers of the standard. */
enum {
    FIELD_JOB = 1,
    FIELD_SUBMIT = 2,
    FIELD_WAIT = 3,
    FIELD_RUN = 4,
    FIELD_PROCESSORS = 5,
    FIELD_USER = 12,
};

static bool is_space(char character) {
    return character == ' ' || character == '\t' || character == '\r' || character == '\v' ||
           character == '\f';
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static struct text trim(struct text text) {
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

static struct text take_word(struct text *rest) {
    *rest = trim(*rest);
    struct text word = {.data = rest->data, .length = 0};
    while (word.length < rest->length && !is_space(rest->data[word.length]))
        word.length++;
    rest->data += word.length;
    rest->length -= word.length;
    return word;
}

/* "; Key: value"; a key is one word. Comments without one say nothing to us. */
static void parse_comment(struct text line, struct swf_line *parsed) {
    parsed->kind = SWF_COMMENT;
    struct text rest = trim((struct text){.data = line.data + 1, .length = line.length - 1});
    size_t length = 0;
    while (length < rest.length && rest.data[length] != ':' && !is_space(rest.data[length]))
        length++;
    if (length == 0 || length == rest.length || rest.data[length] != ':') return;
    parsed->kind = SWF_HEADER;
    parsed->key = (struct text){.data = rest.data, .length = length};
    parsed->value = trim((struct text){rest.data + length + 1, rest.length - length - 1});
}

bool swf_integer(struct text word, int64_t *integer) {
    bool is_negative = word.length > 0 && word.data[0] == '-';
    size_t at = is_negative ? 1 : 0;
    if (at == word.length) return false;
    int64_t value = 0;
    for (; at < word.length; at++) {
        if (!is_digit(word.data[at])) return false;
        value = value * 10 + (word.data[at] - '0');
        if (value > SWF_INTEGER_MAX) return false;
    }
    *integer = is_negative ? -value : value;
    return true;
}

/* Fields accounting does not read may have a fraction: the average CPU time has, in places. */
static bool is_number(struct text word) {
    size_t at = word.length > 0 && word.data[0] == '-' ? 1 : 0, digits = 0, points = 0;
    for (; at < word.length; at++) {
        if (is_digit(word.data[at]))
            digits++;
        else if (word.data[at] == '.')
            points++;
        else
            return false;
    }
    return digits > 0 && points <= 1;
}

static int64_t *job_field(struct swf_job *job, int field) {
    switch (field) {
    case FIELD_JOB: return &job->number;
    case FIELD_SUBMIT: return &job->submit_s;
    case FIELD_WAIT: return &job->wait_s;
    case FIELD_RUN: return &job->run_s;
    case FIELD_PROCESSORS: return &job->processors;
    case FIELD_USER: return &job->user;
    default: return NULL;
    }
}

static void refuse(struct swf_line *parsed, const char *problem, int field) {
    parsed->kind = SWF_MALFORMED;
    parsed->problem = problem;
    parsed->field = field;
}

static void parse_job(struct text line, struct swf_line *parsed) {
    parsed->kind = SWF_JOB;
    struct text rest = line;
    for (int field = 1; field <= SWF_FIELDS; field++) {
        struct text word = take_word(&rest);
        int64_t *integer = job_field(&parsed->job, field);
        if (word.length == 0) return refuse(parsed, "fewer than 18 fields", 0);
        if (integer == NULL && !is_number(word)) return refuse(parsed, "not a number", field);
        if (integer != NULL && !swf_integer(word, integer))
            return refuse(parsed, "not a whole number of at most 15 digits", field);
    }
    if (trim(rest).length > 0) return refuse(parsed, "more than 18 fields", 0);
    if (parsed->job.number < 0) return refuse(parsed, "a job without a number", FIELD_JOB);
}

void swf_parse(struct text line, struct swf_line *parsed) {
    *parsed = (struct swf_line){.kind = SWF_BLANK};
    struct text content = trim(line);
    if (content.length == 0) return;
    if (content.data[0] == ';')
        parse_comment(content, parsed);
    else
        parse_job(content, parsed);
}

double swf_job_hours(const struct swf_job *job) {
    return (double)job->run_s * (double)job->processors / 3600.0;
}
