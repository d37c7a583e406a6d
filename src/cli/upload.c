#include "cli/upload.h"

#include <assert.h>
#include <poll.h>

#include "base/clock.h"
#include "base/limits.h"
#include "wire/json_reader.h"

enum {
    LIST_BYTES_MAX = HTTP_USAGES_BODY_BYTES_MAX,
    BACKOFF_FIRST_US = 100000,
    BACKOFF_US_MAX = 2000000,
    WAIT_MS_MAX = 100, /* then the progress is shown again */
};

static_assert((int)UPLOAD_ITEMS_MAX <= (int)USAGE_ITEMS_MAX, "the server takes a list of ours");

struct item {
    size_t start, length; /* its JSON in the list's text */
    struct amount amount;
    const char *file;
    uint64_t line;
    bool is_settled;      /* applied, a duplicate or refused: not to be sent again */
};

enum list_state { LIST_FILLING, LIST_UNDER_WAY, LIST_WAITING };

struct list {
    enum list_state state;
    struct client_call call;
    struct buffer text;   /* the items, one behind the other */
    struct buffer body;   /* what is sent: those not settled */
    struct item items[UPLOAD_ITEMS_MAX];
    size_t count, settled;
    bool is_repeated;
    int64_t failed_us;    /* when it first failed; then */
    int64_t backoff_us, next_us;
};

struct upload {
    struct client *client;
    struct progress *progress;
    int64_t retry_us_max;
    struct arena arena;       /* problems */
    struct arena answer;      /* of one answer */
    struct upload_totals totals;
    bool is_broken;           /* it has failed; nothing is sent any more */
    struct list *filling;
    struct list lists[UPLOAD_LISTS];
};

struct upload *upload_open(struct client *client, struct progress *progress, int64_t retry_us_max) {
    struct upload *upload = memory_take_zeroed(1, sizeof *upload);
    upload->client = client;
    upload->progress = progress;
    upload->retry_us_max = retry_us_max;
    upload->totals.amount = amount_zero();
    arena_init(&upload->arena, 4096);
    arena_init(&upload->answer, 65536);
    for (size_t i = 0; i < UPLOAD_LISTS; i++) {
        client_call_init(&upload->lists[i].call);
        buffer_init(&upload->lists[i].text, LIST_BYTES_MAX);
        buffer_init(&upload->lists[i].body, LIST_BYTES_MAX);
    }
    upload->filling = &upload->lists[0];
    return upload;
}

void upload_close(struct upload *upload) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++) {
        client_call_close(&upload->lists[i].call);
        buffer_close(&upload->lists[i].text);
        buffer_close(&upload->lists[i].body);
    }
    arena_close(&upload->arena);
    arena_close(&upload->answer);
    memory_give(upload);
}

const struct upload_totals *upload_totals(const struct upload *upload) {
    return &upload->totals;
}

static void list_clear(struct list *list) {
    list->state = LIST_FILLING;
    list->count = list->settled = 0;
    list->is_repeated = false;
    list->failed_us = list->backoff_us = 0;
    buffer_reset(&list->text);
}

static void list_send(struct upload *upload, struct list *list) {
    buffer_reset(&list->body);
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        if (item->is_settled) continue;
        buffer_put_char(&list->body, list->body.length == 0 ? '[' : ',');
        buffer_put(&list->body, list->text.data + item->start, item->length);
    }
    buffer_put_char(&list->body, ']');
    assert(!list->body.failed);
    list->state = LIST_UNDER_WAY;
    list->call.body = buffer_text(&list->body);
    client_post(upload->client, "/v2/usages", &list->call);
}

static void count_applied(struct upload *upload, struct item *item) {
    struct upload_totals *totals = &upload->totals;
    totals->applied++;
    if (!amount_add(totals->amount, item->amount, &totals->amount))
        totals->amount_overflowed = true;
}

static void count_refused(struct upload *upload, const struct item *item, int status,
                          struct text text) {
    struct upload_totals *totals = &upload->totals;
    if (totals->failed++ == 0) totals->code = client_code(status);
    if (totals->problem_count == UPLOAD_PROBLEMS_MAX) return;
    totals->problems[totals->problem_count++] = (struct upload_problem){
        .file = item->file, .line = item->line, .text = arena_text(&upload->arena, text)};
}

/* One element of "results". */
struct result {
    struct text status, detail;
    int error_status;
};

static void read_problem(struct json_reader *reader, struct result *result) {
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        struct text number;
        struct amount status;
        if (text_equal(key, TEXT("detail")))
            json_string(reader, &result->detail);
        else if (!text_equal(key, TEXT("status")))
            json_skip(reader);
        else if (json_number(reader, &number) && amount_parse(number, &status) == AMOUNT_OK)
            result->error_status = (int)amount_to_double(status);
    }
}

static void read_result(struct json_reader *reader, struct result *result) {
    *result = (struct result){.error_status = 0};
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        if (text_equal(key, TEXT("status")))
            json_string(reader, &result->status);
        else if (text_equal(key, TEXT("error")))
            read_problem(reader, result);
        else
            json_skip(reader);
    }
}

static bool is_worth_repeating(int status) {
    return status == 0 || status == 408 || status == 502 || status == 503 || status == 504;
}

/* What the server said of one item; false: nothing we know. */
static bool settle(struct upload *upload, struct list *list, struct item *item,
                   const struct result *result) {
    if (text_equal(result->status, TEXT("applied"))) {
        count_applied(upload, item);
    } else if (text_equal(result->status, TEXT("duplicate"))) {
        if (list->is_repeated)
            upload->totals.confirmed++;
        else
            upload->totals.duplicates++;
    } else if (!text_equal(result->status, TEXT("error"))) {
        return false;
    } else if (is_worth_repeating(result->error_status)) {
        return true;
    } else {
        count_refused(upload, item, result->error_status, result->detail);
    }
    item->is_settled = true;
    list->settled++;
    return true;
}

/* The first item from there on that was sent and has no outcome yet. */
static size_t next_sent(const struct list *list, size_t at) {
    while (at < list->count && list->items[at].is_settled)
        at++;
    return at;
}

/* The results, in the order of the items that were sent. */
static void read_results(struct upload *upload, struct list *list, struct json_reader *reader) {
    size_t at = next_sent(list, 0);
    json_array_begin(reader);
    while (json_array_next(reader)) {
        struct result result;
        read_result(reader, &result);
        bool is_known = reader->problem == NULL && at < list->count &&
                        settle(upload, list, &list->items[at], &result);
        if (!is_known) json_refuse(reader, "not a result of what was sent");
        at = next_sent(list, at + 1);
    }
    if (at < list->count) json_refuse(reader, "fewer results than items");
}

static bool read_answer(struct upload *upload, struct list *list, struct qms_error *error) {
    arena_reset(&upload->answer);
    struct json_reader reader;
    json_open(&reader, buffer_text(&list->call.answer), &upload->answer);
    struct text key;
    bool has_results = false;
    json_object_begin(&reader);
    while (json_object_next(&reader, &key)) {
        if (text_equal(key, TEXT("results"))) {
            has_results = true;
            read_results(upload, list, &reader);
        } else {
            json_skip(&reader);
        }
    }
    if (json_finish(&reader) && has_results) return true;
    return qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood",
                    client_server(upload->client));
}

static bool any_failing(const struct upload *upload) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++)
        if (upload->lists[i].failed_us != 0) return true;
    return false;
}

/* Plans the next try of a list that is not settled, unless its time is over. */
static bool plan_retry(struct upload *upload, struct list *list, const struct qms_error *reason,
                       struct qms_error *error) {
    int64_t now_us = clock_monotonic_us();
    if (!any_failing(upload)) progress_say(upload->progress, "%s; trying again", reason->text);
    if (list->failed_us == 0) list->failed_us = now_us;
    if (now_us - list->failed_us >= upload->retry_us_max)
        return qms_fail(error, reason->code,
                        "gave up: %s; run the same command again, nothing is counted twice",
                        reason->text);
    list->backoff_us = list->backoff_us == 0 ? BACKOFF_FIRST_US : 2 * list->backoff_us;
    if (list->backoff_us > BACKOFF_US_MAX) list->backoff_us = BACKOFF_US_MAX;
    list->next_us = now_us + list->backoff_us;
    list->is_repeated = true;
    list->state = LIST_WAITING;
    upload->totals.lists_repeated++;
    return true;
}

static bool list_finished(struct upload *upload, struct list *list, struct qms_error *error) {
    struct qms_error reason;
    if (list->call.status == 200) {
        if (!read_answer(upload, list, error)) return false;
        if (list->settled == list->count) {
            list_clear(list);
            return true;
        }
        qms_fail(&reason, QMS_UNAVAILABLE, "%s is busy", client_server(upload->client));
    } else if (client_explain(upload->client, &list->call, &reason) ||
               !is_worth_repeating(list->call.status)) {
        return qms_fail(error, reason.code, "%s", reason.text);
    }
    return plan_retry(upload, list, &reason, error);
}

static struct list *list_of(struct upload *upload, const struct client_call *call) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++)
        if (&upload->lists[i].call == call) return &upload->lists[i];
    assert(false);
    return NULL;
}

/* Sends what is due, and handles one answer if there is one within a short time, or before the
 * descriptor is readable. */
static bool move_on(struct upload *upload, int descriptor, struct qms_error *error) {
    int64_t now_us = clock_monotonic_us(), wait_us = (int64_t)WAIT_MS_MAX * 1000;
    for (size_t i = 0; i < UPLOAD_LISTS; i++) {
        struct list *list = &upload->lists[i];
        if (list->state != LIST_WAITING) continue;
        if (list->next_us <= now_us)
            list_send(upload, list);
        else if (list->next_us - now_us < wait_us)
            wait_us = list->next_us - now_us;
    }
    struct client_call *call = client_wait(upload->client, (int)((wait_us + 999) / 1000),
                                           descriptor);
    progress_show(upload->progress);
    if (call == NULL || list_finished(upload, list_of(upload, call), error)) return true;
    upload->is_broken = true;
    return false;
}

static struct list *find_empty(struct upload *upload) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++)
        if (upload->lists[i].state == LIST_FILLING) return &upload->lists[i];
    return NULL;
}

static bool all_empty(const struct upload *upload) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++)
        if (upload->lists[i].state != LIST_FILLING || upload->lists[i].count > 0) return false;
    return true;
}

/* Sends the list that was filled and waits for an empty one. */
static bool turn_over(struct upload *upload, struct qms_error *error) {
    struct list *full = upload->filling;
    if (upload->client == NULL) {
        for (size_t i = 0; i < full->count; i++)
            count_applied(upload, &full->items[i]);
        list_clear(full);
        return true;
    }
    list_send(upload, full);
    while ((upload->filling = find_empty(upload)) == NULL)
        if (!move_on(upload, -1, error)) return false;
    return true;
}

struct buffer *upload_item(struct upload *upload) {
    return &upload->filling->text;
}

bool upload_put(struct upload *upload, struct amount amount, const char *file, uint64_t line,
                struct qms_error *error) {
    struct list *list = upload->filling;
    assert(!upload->is_broken);
    const struct item *before = list->count == 0 ? NULL : &list->items[list->count - 1];
    size_t start = before == NULL ? 0 : before->start + before->length;
    assert(!list->text.failed);
    list->items[list->count++] = (struct item){.start = start,
                                               .length = list->text.length - start,
                                               .amount = amount,
                                               .file = file,
                                               .line = line};
    return list->count < UPLOAD_ITEMS_MAX || turn_over(upload, error);
}

static bool any_sent(const struct upload *upload) {
    for (size_t i = 0; i < UPLOAD_LISTS; i++)
        if (upload->lists[i].state != LIST_FILLING) return true;
    return false;
}

bool upload_idle(struct upload *upload, int descriptor, struct qms_error *error) {
    assert(!upload->is_broken);
    if (upload->filling->count > 0 && !any_sent(upload)) return turn_over(upload, error);
    if (upload->client != NULL) return move_on(upload, descriptor, error);
    struct pollfd ready = {.fd = descriptor, .events = POLLIN};
    poll(&ready, 1, WAIT_MS_MAX);
    return true;
}

bool upload_finish(struct upload *upload, struct qms_error *error) {
    if (upload->is_broken) return qms_fail(error, QMS_UNAVAILABLE, "the upload has failed before");
    if (upload->filling->count > 0 && !turn_over(upload, error)) return false;
    while (!all_empty(upload))
        if (!move_on(upload, -1, error)) return false;
    return true;
}
