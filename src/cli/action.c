#include "cli/action.h"

#include <assert.h>
#include <time.h>

#include "base/clock.h"
#include "domain/date.h"

enum { PATH_BYTES_MAX = 4000, BODY_BYTES_MAX = 1 << 20, NAMES_BYTES_MAX = 160, TRIES_MAX = 3 };

const struct option_row action_listing_options[] = {ACTION_LISTING_ROWS, OPTION_END};
const struct option_row action_write_options[] = {ACTION_WRITE_ROWS, OPTION_END};

/* ---- what the command line says ---- */

bool action_flag(const char *option, const char *value, bool fallback, bool *flag,
                 struct qms_error *error) {
    *flag = value == NULL ? fallback : strcmp(value, "yes") == 0;
    return value == NULL || *flag || strcmp(value, "no") == 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "--%s is yes or no, not '%s'", option, value);
}

bool action_amount(const char *what, struct text text, struct amount *amount,
                   struct qms_error *error) {
    switch (amount_parse(text, amount)) {
    case AMOUNT_OK: return true;
    case AMOUNT_RANGE:
        return qms_fail(error, QMS_BAD_REQUEST,
                        "%s '%.*s' does not fit: it has to be below 1e%d, with at most %d digits"
                        " after the point and %d in all",
                        what, TEXT_ARGUMENTS(text), AMOUNT_WIRE_INTEGER_DIGITS_MAX,
                        AMOUNT_WIRE_FRACTION_DIGITS_MAX, AMOUNT_DIGITS_MAX);
    default:
        return qms_fail(error, QMS_BAD_REQUEST, "%s is a number, not '%.*s'", what,
                        TEXT_ARGUMENTS(text));
    }
}

void action_write_text(struct json_writer *writer, struct text name, struct text value) {
    json_write_key(writer, name);
    json_write_string(writer, value);
}

static bool read_date(const char *option, const char *value, int64_t *at_us,
                      struct qms_error *error) {
    return value == NULL || request_date_parse(text_of(value), at_us) ||
           qms_fail(error, QMS_BAD_REQUEST,
                    "--%s is a date such as 2026-12-31 or 2026-12-31T12:00:00Z, not '%s'", option,
                    value);
}

static bool read_key(const char *key, struct qms_error *error) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_.:";
    if (key == NULL) return true;
    size_t length = strspn(key, allowed);
    return (length > 0 && length <= CLIENT_KEY_BYTES_MAX && key[length] == '\0') ||
           qms_fail(error, QMS_BAD_REQUEST, "--key has 1 to %d letters, digits, - _ . or :",
                    CLIENT_KEY_BYTES_MAX);
}

/* Everything that can be refused without asking the server. */
static bool read_inputs(struct action_call *call, struct qms_error *error) {
    const struct action_inputs *inputs = &call->inputs;
    int64_t ignored;
    for (size_t i = 0; i < call->operand_count; i++) {
        if (call->operands[i].length == 0)
            return qms_fail(error, QMS_BAD_REQUEST, "an argument is empty");
        if (call->operands[i].length > ACTION_ARGUMENT_BYTES_MAX)
            return qms_fail(error, QMS_BAD_REQUEST, "an argument is too long");
    }
    if (inputs->search != NULL && strlen(inputs->search) > ACTION_ARGUMENT_BYTES_MAX)
        return qms_fail(error, QMS_BAD_REQUEST, "--search is too long");
    if (inputs->json && inputs->csv)
        return qms_fail(error, QMS_BAD_REQUEST, "--json and --csv exclude each other");
    int value = call->action->value_operand;
    if (value > 0 &&
        !action_amount("the value", call->operands[value - 1], &call->value, error))
        return false;
    return read_key(inputs->key, error) && read_date("from", inputs->from, &call->from_us, error) &&
           read_date("since", inputs->since, &call->since_us, error) &&
           read_date("start", inputs->start, &ignored, error) &&
           read_date("end", inputs->end, &ignored, error);
}

/* ---- templates ---- */

static struct text placeholder(const struct action_call *call, struct text name,
                               struct text answer) {
    const struct action_lookup *const *lookups = call->action->lookups;
    char last = name.data[name.length - 1];
    size_t index = (size_t)(last - '0');
    if (name.length == 1 && last >= '0' && last <= '9') return call->operands[index];
    if (name.length == 2 && name.data[0] == '#')
        return answer_text(call->found[index], lookups[index]->id, call->arena);
    if (name.length == 2 && name.data[0] == '=')
        return answer_text(call->found[index], lookups[index]->name, call->arena);
    struct answer_value value =
        answer_find(answer, arena_text(call->arena, name).data, call->arena);
    return value.kind == JSON_NUMBER ? listing_amount(value.text, call->arena) : value.text;
}

static void expand(const struct action_call *call, const char *template, struct text answer,
                   bool is_path, struct buffer *out) {
    while (*template != '\0') {
        size_t plain = strcspn(template, "{");
        buffer_put(out, template, plain);
        template += plain;
        if (*template == '\0') break;
        size_t length = strcspn(template, "}");
        assert(template[length] == '}' && length > 1);
        struct text value = placeholder(call, (struct text){template + 1, length - 1}, answer);
        if (is_path)
            client_put_segment(out, value);
        else
            buffer_put_text(out, value);
        template += length + 1;
    }
}

/* ---- asking ---- */

/* The answer's JSON in the arena, or why there is none. */
static bool take_answer(const struct action_call *call, struct client_call *exchange,
                        struct arena *arena, struct text *answer, struct qms_error *error) {
    if (!client_explain(call->client, exchange, error)) return false;
    *answer = arena_text(arena, buffer_text(&exchange->answer));
    return answer_is_json(*answer, arena) ||
           qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood",
                    client_server(call->client));
}

/* What a server that was stopped, or is busy, may take back a moment later. */
static bool is_worth_repeating(const struct client_call *exchange) {
    if (exchange->status == 0) return exchange->error.code == QMS_OUTCOME_UNKNOWN;
    return exchange->status == 503 || exchange->status == 504;
}

static void send_write(const struct action_call *call, const char *path,
                       struct client_call *exchange, const char *key) {
    for (int try = 1;; try++) {
        client_send(call->client, call->action->method, path, key, exchange);
        if (try == TRIES_MAX || !is_worth_repeating(exchange)) return;
        struct timespec pause = {.tv_nsec = 250000000L * try};
        nanosleep(&pause, NULL);
    }
}

static bool ask(const struct action_call *call, struct text path, struct arena *arena,
                struct text *answer, struct qms_error *error) {
    struct client_call exchange;
    client_call_init(&exchange);
    client_get(call->client, arena_text(arena, path).data, &exchange);
    bool answered = take_answer(call, &exchange, arena, answer, error);
    client_call_close(&exchange);
    return answered;
}

static bool ask_template(const struct action_call *call, const char *template, struct text *answer,
                         struct qms_error *error) {
    struct buffer path;
    buffer_init(&path, PATH_BYTES_MAX);
    expand(call, template, TEXT(""), true, &path);
    bool answered = ask(call, buffer_text(&path), call->arena, answer, error);
    buffer_close(&path);
    return answered;
}

/* ---- looking names up ---- */

/* "there is no plan 'Gold'; the plans are: Basic, Pro" */
static bool fail_unknown(const struct action_call *call, const struct action_lookup *lookup,
                         const struct answer_list *rows, struct text word,
                         struct qms_error *error) {
    struct buffer names;
    buffer_init(&names, NAMES_BYTES_MAX);
    for (size_t i = 0; i < rows->count; i++) {
        struct text name = answer_text(rows->items[i], lookup->name, call->arena);
        if (names.length + name.length + 8 > NAMES_BYTES_MAX) {
            buffer_put_text(&names, TEXT(", ..."));
            break;
        }
        if (i > 0) buffer_put_text(&names, TEXT(", "));
        buffer_put_text(&names, name);
    }
    if (rows->count == 0)
        qms_fail(error, QMS_NOT_FOUND, "there is no %s '%.*s'; there are no %s at all",
                 lookup->noun, TEXT_ARGUMENTS(word), lookup->nouns);
    else
        qms_fail(error, QMS_NOT_FOUND, "there is no %s '%.*s'; the %s are: %.*s", lookup->noun,
                 TEXT_ARGUMENTS(word), lookup->nouns, TEXT_ARGUMENTS(buffer_text(&names)));
    buffer_close(&names);
    return false;
}

static bool pick_row(const struct action_call *call, const struct action_lookup *lookup,
                     const struct answer_list *rows, struct text word, struct text *found,
                     struct qms_error *error) {
    size_t matches = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct text id = answer_text(rows->items[i], lookup->id, call->arena);
        bool is_id = text_equal_nocase(id, word);
        if (!is_id && !text_equal(answer_text(rows->items[i], lookup->name, call->arena), word))
            continue;
        *found = rows->items[i];
        if (is_id) return true; /* an id is never ambiguous */
        matches++;
    }
    if (matches == 0) return fail_unknown(call, lookup, rows, word, error);
    return matches == 1 ||
           qms_fail(error, QMS_CONFLICT, "there are %zu %s '%.*s': name the one by its id, which "
                    "--json and --csv show", matches, lookup->nouns, TEXT_ARGUMENTS(word));
}

/* A row of nothing but the id, which is all that is known, also for a name. */
static bool take_id(const struct action_call *call, const struct action_lookup *lookup,
                    struct text *found) {
    struct text word = call->operands[lookup->operand];
    struct uuid id;
    if (!uuid_parse(word, &id)) return false;
    *found = arena_format(call->arena, "{\"%s\":\"%.*s\",\"%s\":\"%.*s\"}", lookup->id,
                          TEXT_ARGUMENTS(word), lookup->name, TEXT_ARGUMENTS(word));
    return true;
}

bool action_find(const struct action_call *call, const struct action_lookup *lookup,
                 struct text word, struct text *found, struct qms_error *error) {
    struct text answer;
    struct answer_list rows = {.count = 0};
    if (!ask_template(call, lookup->path, &answer, error)) return false;
    if (!answer_list_add(&rows, answer, lookup->rows, call->arena))
        return qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood",
                        client_server(call->client));
    return pick_row(call, lookup, &rows, word, found, error);
}

static bool look_up(struct action_call *call, size_t index, struct qms_error *error) {
    const struct action_lookup *lookup = call->action->lookups[index];
    struct text answer;
    if (lookup->operand >= (int)call->operand_count) return true; /* an operand left out */
    if (lookup->takes_id && take_id(call, lookup, &call->found[index])) return true;
    if (lookup->operand >= 0)
        return action_find(call, lookup, call->operands[lookup->operand], &call->found[index],
                           error);
    if (!ask_template(call, lookup->path, &answer, error)) return false;
    call->found[index] = answer_find(answer, lookup->rows, call->arena).raw;
    return true;
}

/* ---- listings ---- */

static bool put_rows(const struct action_call *call, struct listing *listing, struct text answer,
                     struct arena *arena, size_t *count, struct qms_error *error) {
    const struct action *action = call->action;
    struct answer_list rows = {.count = 0};
    bool has_rows = false;
    for (size_t i = 0; i < 2 && action->rows[i] != NULL; i++)
        if (answer_list_add(&rows, answer, action->rows[i], arena)) has_rows = true;
    /* Lists inside one object are left out when they are empty. */
    if (!has_rows && action->rows[1] == NULL)
        return qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood",
                        client_server(call->client));
    for (size_t i = 0; i < rows.count; i++)
        if (action->keeps == NULL || action->keeps(call, rows.items[i]))
            listing_put(listing, rows.items[i], arena);
    *count = rows.count;
    listing_flush(listing, stdout);
    return true;
}

static bool list_page(const struct action_call *call, struct listing *listing, uint64_t offset,
                      struct arena *arena, size_t *count, uint64_t *total,
                      struct qms_error *error) {
    const struct action *action = call->action;
    struct buffer path;
    buffer_init(&path, PATH_BYTES_MAX);
    expand(call, action->path, TEXT(""), true, &path);
    if (action->query != NULL) action->query(call, &path);
    if (action->pages != NULL)
        buffer_format(&path, "%climit=%d&offset=%zu", action->query == NULL ? '?' : '&',
                      ACTION_PAGE_ROWS, (size_t)offset);
    struct text answer;
    bool answered = ask(call, buffer_text(&path), arena, &answer, error) &&
                    put_rows(call, listing, answer, arena, count, error);
    buffer_close(&path);
    *total = 0;
    if (!answered || action->pages == NULL) return answered;
    struct text digits = answer_text(answer, action->pages, arena);
    for (size_t i = 0; i < digits.length && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
        *total = *total * 10 + (uint64_t)(digits.data[i] - '0');
    return true;
}

static bool list_rows(const struct action_call *call, struct qms_error *error) {
    enum listing_format format = call->inputs.json  ? LISTING_JSON
                                 : call->inputs.csv ? LISTING_CSV
                                                    : LISTING_TABLE;
    struct arena page;
    arena_init(&page, 65536);
    struct listing listing;
    listing_begin(&listing, call->action->columns, format, call->arena);
    uint64_t offset = 0, total = 0;
    size_t count = 0;
    bool done;
    do {
        arena_reset(&page);
        done = list_page(call, &listing, offset, &page, &count, &total, error);
        offset += count;
    } while (done && count > 0 && offset < total);
    if (done) listing_end(&listing, call->action->none, stdout);
    listing_close(&listing);
    arena_close(&page);
    return done;
}

/* ---- writes ---- */

static void make_key(char key[UUID_TEXT_BYTES + 1]) {
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid uuid = uuid_make_random(&source);
    uuid_format(&uuid, key);
    key[UUID_TEXT_BYTES] = '\0';
}

static void confirm(const struct action_call *call, struct text answer) {
    struct buffer line;
    buffer_init(&line, BODY_BYTES_MAX);
    if (call->action->confirmation != NULL)
        buffer_put_text(&line, call->action->confirmation(call, answer));
    else
        expand(call, call->action->done, answer, false, &line);
    struct text printable = table_printable(call->arena, buffer_text(&line));
    printf("%.*s\n", TEXT_ARGUMENTS(printable));
    buffer_close(&line);
}

static bool write_with(const struct action_call *call, struct text path, struct text body,
                       struct qms_error *error) {
    const struct action *action = call->action;
    char made[UUID_TEXT_BYTES + 1];
    make_key(made);
    const char *key = call->inputs.key != NULL ? call->inputs.key : made;
    struct client_call exchange;
    client_call_init(&exchange);
    exchange.body = body;
    send_write(call, arena_text(call->arena, path).data, &exchange, key);
    struct text answer;
    bool done = take_answer(call, &exchange, call->arena, &answer, error);
    if (!done && error->code == QMS_OUTCOME_UNKNOWN) {
        struct qms_error cause = *error;
        qms_fail(error, QMS_OUTCOME_UNKNOWN, "%.120s; it is safe to repeat with --key %.80s",
                 cause.text, key);
    }
    if (done && action->accepts != NULL) done = action->accepts(call, answer, error);
    if (done && call->inputs.json)
        fwrite(exchange.answer.data, 1, exchange.answer.length, stdout);
    else if (done)
        confirm(call, answer);
    client_call_close(&exchange);
    return done;
}

static bool write_request(const struct action_call *call, struct qms_error *error) {
    struct buffer path, body;
    buffer_init(&path, PATH_BYTES_MAX);
    buffer_init(&body, BODY_BYTES_MAX);
    expand(call, call->action->path, TEXT(""), true, &path);
    if (call->action->query != NULL) call->action->query(call, &path);
    struct json_writer writer;
    json_write_open(&writer, &body);
    bool done = call->action->body == NULL || call->action->body(call, &writer, error);
    if (done && body.failed) done = qms_fail(error, QMS_TOO_LARGE, "the request is too long");
    done = done && write_with(call, buffer_text(&path), buffer_text(&body), error);
    buffer_close(&path);
    buffer_close(&body);
    return done;
}

int action_run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 65536);
    struct action_call call = {.action = command->action, .arena = &arena,
                               .now_us = clock_wall_us(&clock_system), .since_us = TIME_US_MIN};
    call.from_us = call.now_us;
    struct qms_error error;
    bool done = command_parse(command, &call.inputs, &count, arguments, &arena, &error);
    for (int i = 0; done && i < count; i++)
        call.operands[call.operand_count++] = text_of(arguments[i]);
    if (done && call.inputs.substitute != NULL)
        call.operands[call.operand_count++] = text_of(call.inputs.substitute);
    if (done && call.inputs.resource != NULL)
        call.operands[call.operand_count++] = text_of(call.inputs.resource);
    done = done && read_inputs(&call, &error);
    if (done) call.client = client_open(&call.inputs.client, &error);
    done = done && call.client != NULL;
    for (size_t i = 0; done && i < ACTION_LOOKUPS_MAX && call.action->lookups[i] != NULL; i++)
        done = look_up(&call, i, &error);
    if (done && call.action->method == NULL)
        done = list_rows(&call, &error);
    else if (done)
        done = write_request(&call, &error);
    int code = done ? 0 : command_fail(command, &error);
    if (call.client != NULL) client_close(call.client);
    arena_close(&arena);
    return code;
}
