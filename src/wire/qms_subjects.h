/* qms_subjects.h: the list of what qms serves over NATS: each subject with the messages that are
 * asked and answered there, and the operation that does it (qms-nats). What serves, what asks and
 * what documents the subjects are made from it.
 * Threads: any; the list does not change. */
#ifndef QMS_WIRE_QMS_SUBJECTS_H
#define QMS_WIRE_QMS_SUBJECTS_H

#include "domain/operations.h"
#include "wire/message.h"

/* Which messages a prefix speaks (qms-messages). */
enum qms_dialect {
    DIALECT_SUBSCRIPTIONS, /* the newest messages, proto/qms.proto */
    DIALECT_USER_PLANS,    /* those of December 2022, proto/user_plans.proto */
    DIALECT_COUNT,
};

#define QMS_SUBJECT_PREFIX "cyverse.qms" /* what subjects begin with unless a setting says so */
#define QMS_QUEUE_SUFFIX "subscriptions" /* the queue group of a subject: SUBJECT.subscriptions */

struct qms_subject {
    const char *name;         /* what follows the prefix and a dot */
    enum operation operation;
    struct { const struct message_type *request, *response; } messages[DIALECT_COUNT];
                              /* NULL: the dialect has no such subject */
    const char *summary;      /* one sentence for people, without its full stop */
};

extern const struct qms_subject qms_subjects[]; /* ends with a NULL name */

/* By the name behind the prefix; NULL: there is none. */
const struct qms_subject *qms_subject_find(struct text name);

#endif
