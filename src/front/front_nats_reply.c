/* front_nats_reply.c: answers out, all that are ready together, on a thread of their own: it waits
 * for the NATS server, as nothing else of qms does. */
#include <nats/nats.h>

#include "base/clock.h"
#include "base/limits.h"
#include "front/front_nats_private.h"

enum {
    TICK_MS = 500,  /* how often the connection and what was dropped are looked at */
    RETRY_MS = 100,
};

/* ---- listings: written while they are read, on the lister's thread ---- */

bool nats_reply_piece(struct request *request) {
    struct nats_slot *slot = nats_slot_of(request);
    const struct op *op = request->ops;
    if (slot->silent) return false;
    slot->out.bytes_max = slot->subject->nats->reply_bytes_max;
    if (!slot->begun) qms_message_encode_listing_begin(&slot->out, &slot->answer, op);
    slot->begun = true;
    qms_message_encode_listing_rows(&slot->out, &slot->answer, op, !slot->has_rows);
    slot->has_rows = true;
    return !slot->out.failed;
}

/* ---- answers ---- */

static void encode(struct nats_slot *slot, struct buffer *out) {
    const struct op *op = slot->request.ops;
    out->bytes_max = slot->subject->nats->reply_bytes_max;
    qms_message_encode(out, &slot->answer, op);
}

/* Of what the operation says of a failure, or the listing that has been written. */
static const struct buffer *answer_of(struct nats_slot *slot, struct buffer *reply) {
    const struct op *op = slot->request.ops;
    if (slot->begun && op->error.code == QMS_OK) {
        qms_message_encode_listing_end(&slot->out, &slot->answer);
        return &slot->out;
    }
    encode(slot, reply);
    return reply;
}

static void answer(struct nats_slot *slot) {
    struct front_nats *nats = slot->subject->nats;
    const char *to = natsMsg_GetReply(slot->message);
    buffer_reset(&nats->reply);
    const struct buffer *whole = answer_of(slot, &nats->reply);
    if (whole->failed || !nats_link_publish(nats->connection, to, whole)) {
        qms_fail_code(&slot->request.ops->error, QMS_MARSHAL_FAILURE);
        buffer_reset(&nats->reply);
        encode(slot, &nats->reply);
        nats_link_publish(nats->connection, to, &nats->reply);
    }
    nats_slot_finish(slot);
}

/* On the subject's own thread: too many requests are in flight, so this one is not even decoded. */
void nats_reply_busy(struct nats_subject *subject, struct __natsConnection *connection,
                     struct __natsMsg *message) {
    struct text payload = {.data = natsMsg_GetData(message),
                           .length = (size_t)natsMsg_GetDataLength(message)};
    struct qms_answer how = {.type = subject->response, .encoding = message_encoding_of(payload)};
    struct op op = {.operation = subject->row->operation};
    struct buffer out;
    qms_fail_code(&op.error, QMS_BUSY);
    buffer_init(&out, NATS_PAYLOAD_BYTES_MAX);
    qms_message_encode(&out, &how, &op);
    nats_link_publish(connection, natsMsg_GetReply(message), &out);
    buffer_close(&out);
    metrics_request(subject->nats->options.metrics, op.operation, qms_code_http(QMS_BUSY), 0);
}

/* ---- the thread ---- */

/* What nobody may be told was not done is tried again. */
static bool retry(struct front_nats *nats) {
    struct part_list list = {0};
    pthread_mutex_lock(&nats->slot_lock);
    part_list_append(&list, &nats->retries);
    pthread_mutex_unlock(&nats->slot_lock);
    bool any = list.first != NULL;
    for (struct request_part *part; (part = part_list_pop(&list)) != NULL;)
        nats_slot_retry(nats_slot_of(part->request));
    return any;
}

static void answer_all(struct front_nats *nats, struct part_list *list) {
    if (list->first == NULL) return;
    for (struct request_part *part; (part = part_list_pop(list)) != NULL;)
        answer(nats_slot_of(part->request));
    nats_link_flush(nats);
}

void *nats_reply_main(void *context) {
    struct front_nats *nats = context;
    struct part_list list = {0};
    int64_t tick_us = 0, retry_us = 0;
    bool retrying = false;
    nats_link_keep(nats);
    while (queue_take(&nats->finished, &list, retrying ? RETRY_MS : TICK_MS)) {
        answer_all(nats, &list);
        int64_t now_us = clock_monotonic_us();
        if (now_us - retry_us >= RETRY_MS * 1000) {
            retrying = retry(nats);
            retry_us = now_us;
        }
        if (now_us - tick_us < TICK_MS * 1000) continue;
        tick_us = now_us;
        nats_link_keep(nats);
        nats_link_count(nats, true);
    }
    return NULL;
}
