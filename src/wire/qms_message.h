/* qms_message.h: operations as messages of proto/: the root tree's bodies (qms-http 1.1 and 2), and
 * what NATS carries. Decoding checks shape only; what names mean and which values are allowed is
 * the domain's. */
#ifndef QMS_WIRE_QMS_MESSAGE_H
#define QMS_WIRE_QMS_MESSAGE_H

#include "base/buffer.h"
#include "domain/op.h"
#include "wire/message.h"

/* Who says what an operation is about, its user or the id of what it changes: a path, and the
 * message is not asked, or the message. Users and quotas are always named by the message. */
enum qms_named { NAMED_BY_PATH, NAMED_BY_MESSAGE };

/* What the message asks op->operation for, into op->in, and with NAMED_BY_MESSAGE op->username, as
 * it was given, or op->target_id. Texts point into the message, which is the one that NATS has for
 * the operation (qms_subjects.h), of any dialect. False: its shape is wrong. */
bool qms_message_decode(const struct message *message, enum qms_named named, struct arena *arena,
                        struct op *op, struct qms_error *error);

/* The keys of a header's map that carry trace context. */
#define TRACEPARENT TEXT("traceparent")
#define TRACESTATE TEXT("tracestate")

/* How a response is to be written. */
struct qms_answer {
    const struct message_type *type; /* the response of another dialect; NULL: of the newest */
    enum message_encoding encoding;
    struct text traceparent, tracestate; /* for its header; empty: none */
};

/* The response of op->operation: success when op->error.code is QMS_OK, else failure. An INTERNAL
 * error shows the code's own text, whatever the error says. */
void qms_message_encode(struct buffer *out, const struct qms_answer *answer, const struct op *op);

/* The same in parts, for a listing of any length (OP_UPDATE_LIST): what comes before its rows, the
 * rows of a piece, and the end. */
void qms_message_encode_listing_begin(struct buffer *out, const struct qms_answer *answer,
                                      const struct op *op);
void qms_message_encode_listing_rows(struct buffer *out, const struct qms_answer *answer,
                                     const struct op *op, bool first);
void qms_message_encode_listing_end(struct buffer *out, const struct qms_answer *answer);

/* The trace context of a request (qms-nats, telemetry), to be given back in the response's header.
 * Empty where there is none. */
void qms_message_trace(const struct message *message, struct qms_answer *answer);

/* ---- over HTTP ---- */

/* What was wrong with a body, in the shape it has to be answered in (qms-http 1.1). */
enum qms_fault {
    QMS_FAULT_NONE,
    QMS_FAULT_MESSAGE,  /* {"message": error->text} */
    QMS_FAULT_ENVELOPE, /* the response with error filled */
};

/* The JSON body of op->operation; no bytes are an empty object. Texts point into the body, or into
 * the arena where they held escapes. */
enum qms_fault qms_body_decode(struct text body, enum qms_named named, struct arena *arena,
                               struct op *op, struct qms_error *error);

/* A body that is no JSON by its type counts as one that cannot be decoded: the words for it. */
void qms_body_undecodable(enum operation operation, struct qms_error *error);

/* The response in JSON and a newline. */
void qms_body_encode(struct buffer *out, const struct op *op);

/* A listing in parts: as those of messages, and a newline at the end. */
void qms_body_encode_listing_begin(struct buffer *out, const struct op *op);
void qms_body_encode_listing_rows(struct buffer *out, const struct op *op, bool first);
void qms_body_encode_listing_end(struct buffer *out, const struct op *op);

/* {"message": text} and a newline. */
void qms_body_encode_message(struct buffer *out, struct text text);

#endif
