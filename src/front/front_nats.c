/* front_nats.c: messages in: what was asked, and when it may be done. */
#include "front/front_nats.h"

#include <assert.h>
#include <nats/nats.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "front/front_key.h"
#include "front/front_nats_private.h"

#define KEY_HEADER "Nats-Msg-Id"

enum {
    REFUSED_WAIT_US = 1000,    /* the engine's queue was full */
    RETRY_US_MAX = 60 * 1000000, /* for so long a message without a reply is tried */
};

/* The slot that this thread is handing to the engine, so that its end inside of that is noticed. */
static _Thread_local struct nats_slot *submitting;
static _Thread_local bool ended_inside, refused_inside;

struct nats_slot *nats_slot_of(struct request *request) {
    return (struct nats_slot *)((char *)request - offsetof(struct nats_slot, request));
}

/* ---- slots ---- */

static bool slot_is_free(const struct front_nats *nats, size_t bytes) {
    return nats->in_flight < nats->options.in_flight_max &&
           (nats->in_flight == 0 || nats->in_flight_bytes + bytes <= NATS_BUFFERED_BYTES_MAX);
}

static struct nats_slot *slot_make(struct front_nats *nats) {
    struct nats_slot *slot = nats->free_slots;
    if (slot != NULL) {
        nats->free_slots = slot->next_free;
        return slot;
    }
    slot = memory_take_zeroed(1, sizeof *slot);
    request_init(&slot->request);
    buffer_init(&slot->out, NATS_REPLY_BYTES_MAX);
    return slot;
}

/* NULL: there are too many requests in flight, or the front ends. */
static struct nats_slot *slot_take(struct front_nats *nats, size_t bytes, bool wait) {
    struct nats_slot *slot = NULL;
    pthread_mutex_lock(&nats->slot_lock);
    while (wait && !slot_is_free(nats, bytes) && !nats->ending)
        pthread_cond_wait(&nats->slot_freed, &nats->slot_lock);
    if (slot_is_free(nats, bytes)) {
        slot = slot_make(nats);
        nats->in_flight++;
        nats->in_flight_bytes += bytes;
        atomic_store(&nats->options.metrics->nats_in_flight, nats->in_flight);
    }
    pthread_mutex_unlock(&nats->slot_lock);
    return slot;
}

static void slot_give(struct front_nats *nats, struct nats_slot *slot) {
    natsMsg_Destroy(slot->message);
    request_reset(&slot->request);
    buffer_reset(&slot->out);
    pthread_mutex_lock(&nats->slot_lock);
    nats->in_flight--;
    nats->in_flight_bytes -= slot->bytes;
    atomic_store(&nats->options.metrics->nats_in_flight, nats->in_flight);
    slot->next_free = nats->free_slots;
    nats->free_slots = slot;
    pthread_mutex_unlock(&nats->slot_lock);
    if (nats->stopping) pthread_cond_broadcast(&nats->slot_freed); /* that waits for the last too */
    else pthread_cond_signal(&nats->slot_freed);
}

/* ---- the end of a request ---- */

static void message_dropped(struct front_nats *nats) {
    atomic_fetch_add(&nats->options.metrics->nats_dropped, 1);
}

/* As over HTTP: what the server could not do is an error; being too busy is not. */
static void slot_log(const struct nats_slot *slot, int status, int64_t latency_us) {
    enum log_level level = status >= 500 && status != 503 ? LOG_ERROR : LOG_DEBUG;
    if (!log_enabled(level)) return;
    const struct log_member members[] = {
        {.key = "subject", .text = text_of(slot->subject->name)},
        {.key = "status", .number = status, .is_number = true},
        {.key = "latency_us", .number = latency_us, .is_number = true},
        {.key = "traceparent", .text = slot->answer.traceparent},
        {0},
    };
    log_write(level, "request", members);
}

void nats_slot_finish(struct nats_slot *slot) {
    struct front_nats *nats = slot->subject->nats;
    const struct op *op = slot->request.ops;
    int status = qms_code_http(op->error.code);
    int64_t latency_us = clock_monotonic_us() - slot->received_us;
    metrics_request(nats->options.metrics, op->operation, status, latency_us);
    slot_log(slot, status, latency_us);
    slot_give(nats, slot);
}

/* Nobody would learn that this was not done: it has to be tried again. */
static bool slot_is_owed(const struct nats_slot *slot) {
    const struct op *op = slot->request.ops;
    enum effect effect = operation_effect(op->operation);
    return slot->silent && (effect == EFFECT_WRITE || effect == EFFECT_SUBSCRIBE) &&
           (op->error.code == QMS_BUSY || op->error.code == QMS_UNAVAILABLE);
}

static bool slot_gives_up(struct nats_slot *slot) {
    struct front_nats *nats = slot->subject->nats;
    if (!nats->ending && clock_monotonic_us() - slot->received_us < RETRY_US_MAX) return false;
    message_dropped(nats);
    log_format(LOG_ERROR, "a message of %s was dropped: %s", slot->subject->name,
               slot->request.ops->error.text);
    return true;
}

static void slot_push(struct front_nats *nats, struct part_list *list,
                      struct nats_slot *slot) {
    pthread_mutex_lock(&nats->slot_lock);
    part_list_push(list, &slot->request.whole);
    pthread_mutex_unlock(&nats->slot_lock);
}

/* On the engine's reply thread, or inside engine_submit(). */
static void slot_done(struct request *request) {
    struct nats_slot *slot = nats_slot_of(request);
    struct front_nats *nats = slot->subject->nats;
    bool inside = submitting == slot;
    if (inside) ended_inside = true;
    if (slot_is_owed(slot) && !slot_gives_up(slot)) {
        if (inside) refused_inside = true;
        else slot_push(nats, &nats->retries, slot);
        return;
    }
    if (slot->silent) {
        nats_slot_finish(slot);
        return;
    }
    slot_push(nats, &nats->answered, slot);
}

/* ---- the way to the engine ---- */

/* Takes back what an attempt left. */
static void slot_renew(struct nats_slot *slot) {
    struct op *op = slot->request.ops;
    op->error.code = QMS_OK;
    op->account = NULL;
    op->replay = NULL;
    op->as_writer = false;
}

/* True: refused, and nobody may be told of that. */
static bool slot_submit(struct nats_slot *slot) {
    struct front_nats *nats = slot->subject->nats;
    submitting = slot;
    ended_inside = refused_inside = false;
    engine_submit(nats->options.engine, &slot->request, true);
    submitting = NULL;
    if (refused_inside) return true;
    if (ended_inside) front_nats_wake(nats); /* no batch will: it was answered at once */
    return false;
}

/* Such a refusal is waited out here, so that the order of the subject stays. */
static void slot_submit_for_certain(struct nats_slot *slot) {
    while (slot_submit(slot)) {
        nanosleep(&(struct timespec){.tv_nsec = REFUSED_WAIT_US * 1000}, NULL);
        slot_renew(slot);
    }
}

void nats_slot_retry(struct nats_slot *slot) {
    slot_renew(slot);
    if (slot_submit(slot)) slot_push(slot->subject->nats, &slot->subject->nats->retries, slot);
}

/* ---- what was asked ---- */

/* The NATS library takes the line behind a header without a value for its value. */
static bool key_is_swallowed(struct __natsMsg *message) {
    const char **names = NULL, *value;
    int count = 0;
    bool swallowed = false;
    if (natsMsgHeader_Keys(message, &names, &count) != NATS_OK) return false;
    for (int i = 0; i < count; i++)
        swallowed |= natsMsgHeader_Get(message, names[i], &value) == NATS_OK && value != NULL &&
                     strncmp(value, KEY_HEADER ":", sizeof KEY_HEADER) == 0;
    memory_give((void *)names);
    return swallowed;
}

/* Without the key that may be there, a repetition would count twice: so headers are not guessed. */
static bool slot_take_key(struct nats_slot *slot, struct qms_error *error) {
    const char **values = NULL;
    int count = 0;
    struct text key;
    if (!front_key_is_wanted(&slot->request)) return true;
    natsStatus status = natsMsgHeader_Values(slot->message, KEY_HEADER, &values, &count);
    if (status == NATS_NOT_FOUND && !key_is_swallowed(slot->message)) return true;
    if (status != NATS_OK)
        return qms_fail(error, QMS_BAD_REQUEST, "a header has no value: none can be read");
    bool good = front_key_check(KEY_HEADER, count > 0 ? text_of(values[0]) : TEXT(""),
                                (size_t)count, &key, error);
    if (good && key.length > 0) front_key_give(&slot->request, key);
    memory_give((void *)values);
    return good;
}

static bool slot_decode(struct nats_slot *slot, struct qms_error *error) {
    const struct nats_subject *subject = slot->subject;
    const struct front_nats_options *options = &subject->nats->options;
    struct op *op = slot->request.ops;
    struct arena *arena = &slot->request.arena;
    struct text payload = {.data = natsMsg_GetData(slot->message), .length = slot->bytes};
    if (payload.length > NATS_PAYLOAD_BYTES_MAX) {
        slot->answer.encoding = message_encoding_of(payload);
        return qms_fail(error, QMS_TOO_LARGE, "a request has at most %d bytes",
                        NATS_PAYLOAD_BYTES_MAX);
    }
    const struct message *message =
        message_decode(subject->request, payload, options->refuse_unknown, arena,
                       &slot->answer.encoding, error);
    if (message == NULL) {
        error->code = QMS_UNMARSHAL_FAILURE;
        return false;
    }
    qms_message_trace(message, &slot->answer);
    if (!qms_message_decode(message, NAMED_BY_MESSAGE, arena, op, error)) return false;
    if (op->operation == OP_USER_ADD)
        op->in.subscription.keep_larger = options->keep_larger_plan;
    bool is_user = operation_target(op->operation) == TARGET_USER;
    return (!is_user || username_resolve(&options->usernames, op->username, &op->username, error))
           && slot_take_key(slot, error);
}

void nats_take_message(struct nats_subject *subject, struct __natsConnection *connection,
                       struct __natsMsg *message) {
    struct front_nats *nats = subject->nats;
    bool silent = natsMsg_GetReply(message) == NULL;
    size_t bytes = (size_t)natsMsg_GetDataLength(message);
    struct nats_slot *slot = slot_take(nats, bytes, silent);
    if (slot == NULL) {
        if (silent) message_dropped(nats);
        else nats_reply_busy(subject, connection, message);
        natsMsg_Destroy(message);
        return;
    }
    slot->subject = subject;
    slot->message = message;
    slot->bytes = bytes;
    slot->silent = silent;
    slot->begun = slot->has_rows = false;
    slot->answer = (struct qms_answer){.type = subject->response};
    slot->received_us = clock_monotonic_us();
    struct op *op = request_single(&slot->request, subject->row->operation);
    struct qms_error error;
    if (!slot_decode(slot, &error)) op->error = error;
    slot->request.done = slot_done;
    if (operation_effect(op->operation) == EFFECT_LISTING) slot->request.piece = nats_reply_piece;
    slot_submit_for_certain(slot);
}

/* ---- opening and closing ---- */

void front_nats_options_init(struct front_nats_options *options) {
    *options = (struct front_nats_options){
        .prefixes = {[DIALECT_SUBSCRIPTIONS] = QMS_SUBJECT_PREFIX},
        .reconnect_wait_ms = 1000,
        .in_flight_max = NATS_IN_FLIGHT_DEFAULT,
        .pending_messages_max = NATS_PENDING_MESSAGES_DEFAULT,
        .pending_bytes_max = NATS_PENDING_BYTES_DEFAULT,
    };
}

static void add_subjects(struct front_nats *nats, enum qms_dialect dialect) {
    const char *prefix = nats->options.prefixes[dialect];
    for (const struct qms_subject *row = qms_subjects; prefix != NULL && row->name; row++) {
        if (row->messages[dialect].request == NULL) continue;
        struct nats_subject *subject = &nats->subjects[nats->subject_count++];
        subject->nats = nats;
        subject->row = row;
        subject->request = row->messages[dialect].request;
        subject->response = row->messages[dialect].response;
        if (dialect == DIALECT_SUBSCRIPTIONS && nats->options.answers_of_2024)
            subject->response = message_type_of_2024(subject->response);
        snprintf(subject->name, sizeof subject->name, "%s.%s", prefix, row->name);
    }
}

struct front_nats *front_nats_open(const struct front_nats_options *options) {
    struct front_nats *nats = memory_take_zeroed(1, sizeof *nats);
    size_t count = 0;
    while (qms_subjects[count].name != NULL) count++;
    nats->options = *options;
    nats->reply_bytes_max = NATS_PAYLOAD_BYTES_MAX;
    nats->subjects = memory_take_zeroed(DIALECT_COUNT * count, sizeof *nats->subjects);
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        add_subjects(nats, (enum qms_dialect)dialect);
    pthread_mutex_init(&nats->link_lock, NULL);
    pthread_mutex_init(&nats->slot_lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&nats->slot_freed, &attributes);
    pthread_condattr_destroy(&attributes);
    queue_init(&nats->finished, SIZE_MAX);
    buffer_init(&nats->reply, NATS_REPLY_BYTES_MAX);
    return nats;
}

void front_nats_start(struct front_nats *nats) {
    nats->started = true;
    int failed = pthread_create(&nats->thread, NULL, nats_reply_main, nats);
    assert(failed == 0); /* out of threads at start: nothing to go on with */
}

void front_nats_wake(struct front_nats *nats) {
    struct part_list list = {0};
    pthread_mutex_lock(&nats->slot_lock);
    part_list_append(&list, &nats->answered);
    pthread_mutex_unlock(&nats->slot_lock);
    queue_put_list(&nats->finished, &list);
}

bool front_nats_ready(struct front_nats *nats, struct qms_error *error) {
    if (nats->connected && !nats->stopping) return true;
    return qms_fail(error, QMS_UNAVAILABLE, nats->stopping ? "the server is stopping"
                                                           : "not connected to a NATS server");
}

void front_nats_count(struct front_nats *nats) {
    nats_link_count(nats, false);
}

void front_nats_stop(struct front_nats *nats, int ms) {
    nats->stopping = true;
    nats->drained_by_us = clock_monotonic_us() + (int64_t)ms * 1000;
    nats_link_drain_begin(nats, ms);
}

static void await_in_flight(struct front_nats *nats) {
    int64_t until_us = nats->drained_by_us;
    pthread_mutex_lock(&nats->slot_lock);
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    while (nats->in_flight > 0)
        if (pthread_cond_timedwait(&nats->slot_freed, &nats->slot_lock, &until) != 0) break;
    nats->ending = true;
    pthread_mutex_unlock(&nats->slot_lock);
    pthread_cond_broadcast(&nats->slot_freed);
}

void front_nats_drain(struct front_nats *nats) {
    nats_link_drain(nats);
    await_in_flight(nats);
}

/* What is left when nothing will answer it any more. */
static void drop_rest(struct front_nats *nats, struct part_list *list) {
    for (struct request_part *part; (part = part_list_pop(list)) != NULL;) {
        message_dropped(nats);
        nats_slot_finish(nats_slot_of(part->request));
    }
}

static void free_slots(struct front_nats *nats) {
    for (struct nats_slot *slot; (slot = nats->free_slots) != NULL; memory_give(slot)) {
        nats->free_slots = slot->next_free;
        request_close(&slot->request);
        buffer_close(&slot->out);
    }
}

void front_nats_close(struct front_nats *nats) {
    nats->stopping = nats->ending = true;
    front_nats_wake(nats);
    queue_close(&nats->finished);
    if (nats->started) pthread_join(nats->thread, NULL);
    if (nats->started && !nats_link_end(nats)) return; /* one of its threads may look at it */
    drop_rest(nats, &nats->answered);
    drop_rest(nats, &nats->retries);
    free_slots(nats);
    queue_destroy(&nats->finished);
    buffer_close(&nats->reply);
    pthread_cond_destroy(&nats->slot_freed);
    pthread_mutex_destroy(&nats->slot_lock);
    pthread_mutex_destroy(&nats->link_lock);
    memory_give(nats->subjects);
    memory_give(nats);
}
