#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/nats_client.h"
#include "wire/message_copy.h"
#include "wire/qms_subjects.h"

enum { SUBJECTS_MAX = 64, SUBJECT_BYTES_MAX = 256 };

struct settings {
    struct nats_target target;
    const char *key;
    uint64_t timeout_seconds;
    bool binary, user_plans;
};

#define TEXT_ROW(flag, environment, member, value, help)                                           \
    {"nats." flag, flag, environment, OPTION_TEXT, offsetof(struct settings, member), NULL, value, \
     help, 0, 0}
#define SWITCH_ROW(flag, member, help)                                                             \
    {"nats." flag, flag, NULL, OPTION_BOOL, offsetof(struct settings, member), NULL, NULL, help,   \
     0, 0}

static const struct option_row rows[] = {
    {"nats.cluster", "nats", "QMS_NATS_CLUSTER", OPTION_TEXTS,
     offsetof(struct settings, target.servers), NATS_CLIENT_URL_DEFAULT, "URL[,URL]",
     "the NATS servers to connect to, any of them", 0, 0},
    TEXT_ROW("creds", NULL, target.creds, "FILE", "the credentials of a NATS user"),
    TEXT_ROW("tlsca", NULL, target.tls_ca, "FILE",
             "use TLS, and trust the certificates in this file"),
    TEXT_ROW("tlscert", NULL, target.tls_cert, "FILE", "use TLS with this certificate"),
    TEXT_ROW("tlskey", NULL, target.tls_key, "FILE", "the key of the certificate"),
    {"nats.timeout", "timeout", NULL, OPTION_UNSIGNED, offsetof(struct settings, timeout_seconds),
     "30", "SECONDS", "how long to wait for the answer", 1, 600},
    SWITCH_ROW("binary", binary, "send the request as protobuf in binary"),
    SWITCH_ROW("user-plans", user_plans, "speak the messages of December 2022"),
    TEXT_ROW("key", NULL, key, "KEY",
             "the Nats-Msg-Id: repeating with the same one does nothing twice"),
    OPTION_END,
};

/* What is asked of whom. */
struct asking {
    const struct qms_subject *subject;
    const struct message_type *request, *response;
    struct text name; /* the whole subject */
};

/* The longest name of a subject that this one ends with, behind a dot: it has another prefix. */
static const struct qms_subject *subject_behind_prefix(struct text given) {
    const struct qms_subject *found = NULL;
    for (const struct qms_subject *at = qms_subjects; at->name != NULL; at++) {
        struct text name = text_of(at->name);
        if (given.length < name.length + 2 || given.data[given.length - name.length - 1] != '.')
            continue;
        struct text end = {given.data + given.length - name.length, name.length};
        if (text_equal(end, name) && (found == NULL || strlen(found->name) < name.length))
            found = at;
    }
    return found;
}

/* No white space, no wildcards, no empty word. */
static bool is_subject(struct text given) {
    bool after_dot = true;
    for (size_t i = 0; i < given.length; i++) {
        unsigned char byte = (unsigned char)given.data[i];
        if (byte <= ' ' || byte == 0x7f || byte == '*' || byte == '>') return false;
        if (byte == '.' && after_dot) return false;
        after_dot = byte == '.';
    }
    return !after_dot && given.length <= SUBJECT_BYTES_MAX;
}

static bool refuse_subject(struct text given, struct qms_error *error) {
    const char *names[SUBJECTS_MAX];
    size_t count = 0;
    for (const struct qms_subject *at = qms_subjects; at->name != NULL; at++)
        if (count < SUBJECTS_MAX) names[count++] = at->name;
    const char *nearest = nearest_word(given.data, names, count);
    if (nearest != NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "there is no subject '%s'; did you mean '%s'?",
                        given.data, nearest);
    return qms_fail(error, QMS_BAD_REQUEST, "there is no subject '%s' (see: docs/nats.md)",
                    given.data);
}

static bool find_subject(const struct settings *settings, struct text given, struct arena *arena,
                         struct asking *asking, struct qms_error *error) {
    enum qms_dialect dialect = settings->user_plans ? DIALECT_USER_PLANS : DIALECT_SUBSCRIPTIONS;
    if (!is_subject(given))
        return qms_fail(error, QMS_BAD_REQUEST, "'%s' is no subject", given.data);
    asking->name = given;
    asking->subject = qms_subject_find(given);
    if (asking->subject != NULL)
        asking->name = arena_format(arena, "%s.%s", QMS_SUBJECT_PREFIX, given.data);
    else asking->subject = subject_behind_prefix(given);
    if (asking->subject == NULL) return refuse_subject(given, error);
    asking->request = asking->subject->messages[dialect].request;
    asking->response = asking->subject->messages[dialect].response;
    if (asking->request == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "the messages of December 2022 have no %s",
                        asking->subject->name);
    return true;
}

/* All of standard input; one byte more than is allowed is enough to know. */
static bool read_input(struct arena *arena, struct text *json, struct qms_error *error) {
    char *bytes = arena_take(arena, NATS_PAYLOAD_BYTES_MAX + 1);
    size_t length = 0;
    ssize_t count = 1;
    while (count > 0 && length <= NATS_PAYLOAD_BYTES_MAX) {
        count = read(STDIN_FILENO, bytes + length, NATS_PAYLOAD_BYTES_MAX + 1 - length);
        if (count > 0) length += (size_t)count;
    }
    *json = (struct text){.data = bytes, .length = length};
    return count >= 0 || qms_fail(error, QMS_BAD_REQUEST, "cannot read standard input");
}

/* What is sent. In JSON it goes as it is, so that the server says what is wrong with it. */
static bool make_payload(const struct settings *settings, const struct asking *asking,
                         struct text json, struct arena *arena, struct text *payload,
                         struct qms_error *error) {
    struct qms_error problem;
    struct buffer out;
    if (json.length > NATS_PAYLOAD_BYTES_MAX)
        return qms_fail(error, QMS_TOO_LARGE, "the request has more than %d bytes",
                        NATS_PAYLOAD_BYTES_MAX);
    *payload = json;
    if (!settings->binary) return true;
    const struct message *message = message_decode_json(asking->request, json, true, arena,
                                                        &problem);
    if (message == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "no %s: %s", message_type_name(asking->request),
                        problem.text);
    buffer_init(&out, NATS_PAYLOAD_BYTES_MAX);
    message_copy(message, MESSAGE_BINARY, &out);
    bool fits = !out.failed || qms_fail(error, QMS_TOO_LARGE, "the request is too large");
    if (fits) *payload = arena_text(arena, buffer_text(&out));
    buffer_close(&out);
    return fits;
}

/* The answer in JSON, whatever it came in. */
static bool read_answer(const struct asking *asking, struct arena *arena, struct text *answer,
                        struct qms_error *error) {
    struct qms_error problem;
    struct buffer out;
    if (answer->length > 0 && answer_is_json(*answer, arena)) return true;
    const struct message *message =
        message_decode_binary(asking->response, *answer, false, arena, &problem);
    if (message == NULL)
        return qms_fail(error, QMS_INTERNAL, "the answer is no %s: %s",
                        message_type_name(asking->response), problem.text);
    buffer_init(&out, CLIENT_ANSWER_BYTES_MAX);
    message_copy(message, MESSAGE_JSON, &out);
    *answer = arena_text(arena, buffer_text(&out));
    buffer_close(&out);
    return true;
}

/* By the status, else by the name: older servers sent no status. */
static enum qms_code code_of(int status, struct text name) {
    if (status != 0) return client_code(status);
    for (int code = 0; code < QMS_CODE_COUNT; code++)
        if (text_equal(text_of(qms_code_service((enum qms_code)code)), name))
            return (enum qms_code)code;
    return QMS_INTERNAL;
}

/* True: the request succeeded. An error whose code is UNSET is none. */
static bool check_answer(const struct asking *asking, struct text answer, struct arena *arena,
                         struct qms_error *error) {
    struct text name = answer_text(answer, "error.error_code", arena);
    if (name.length == 0 || text_equal(name, TEXT("UNSET"))) return true;
    struct text status = answer_text(answer, "error.status_code", arena);
    struct text message = answer_text(answer, "error.message", arena);
    int number = (int)strtol(arena_text(arena, status).data, NULL, 10);
    return qms_fail(error, code_of(number, name), "%.*s answered %.*s %d: %.*s",
                    TEXT_ARGUMENTS(asking->name), TEXT_ARGUMENTS(name), number,
                    TEXT_ARGUMENTS(message));
}

static bool run_with(const struct settings *settings, int count, char **operands,
                     struct arena *arena, struct qms_error *error) {
    struct asking asking = {0};
    struct text json = text_of(count < 2 ? "{}" : operands[1]), payload = {0}, answer = {0};
    if (!find_subject(settings, text_of(operands[0]), arena, &asking, error)) return false;
    if (strcmp(json.data, "-") == 0 && !read_input(arena, &json, error)) return false;
    if (!make_payload(settings, &asking, json, arena, &payload, error)) return false;
    struct nats_call call = {
        .subject = asking.name.data,
        .payload = payload,
        .key = settings->key,
        .may_write = operation_effect(asking.subject->operation) == EFFECT_WRITE,
        .timeout_seconds = settings->timeout_seconds,
    };
    if (!nats_client_request(&settings->target, &call, arena, &answer, error)) return false;
    if (!read_answer(&asking, arena, &answer, error)) return false;
    printf("%.*s\n", TEXT_ARGUMENTS(answer));
    return check_answer(&asking, answer, arena, error);
}

static int run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 65536);
    struct settings settings = {0};
    struct qms_error error;
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error) &&
                run_with(&settings, count, arguments, &arena, &error);
    int code = done ? 0 : command_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command command_nats = {
    .name = "nats request",
    .operands = "SUBJECT [JSON]",
    .summary = "send one request over NATS and print the answer",
    .details = "SUBJECT is short, as user.summary.get, and then cyverse.qms. stands before it; or "
               "whole, for\nanother prefix. JSON is the message; - reads it from standard input; "
               "without it, it is empty.\nThe answer is printed in JSON, also one that came in "
               "binary. The exit code says what its\nerror's status_code says.\n",
    .options = rows,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
