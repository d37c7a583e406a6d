/* log.h: structured lines on standard error, one JSON object each: time, level, message, members.
 * Threads: any. No secret and no body of a request is ever logged. Text from outside is escaped. */
#ifndef QMS_BASE_LOG_H
#define QMS_BASE_LOG_H

#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Set once at start, before threads; the default is LOG_INFO. */
void log_set_level(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);
bool log_enabled(enum log_level level);

/* A member of a log line; an array of them ends with a NULL key. */
struct log_member {
    const char *key;
    struct text text;      /* used unless is_number */
    int64_t number;
    bool is_number;
};

void log_write(enum log_level level, const char *message, const struct log_member *members);
/* For the common case: a formatted message without members. */
void log_format(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
