#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A line is built on the stack and leaves in one write(2), so that lines of several threads never
 * mix. What does not fit is cut inside a text, never between quotes and braces. */
enum {
    LOG_LINE_BYTES_MAX = 8192,
    LOG_MESSAGE_BYTES_MAX = 2048,
    LOG_TAIL_BYTES = 3,       /* closing quote, brace, new line */
    LOG_VALUE_BYTES_MIN = 32, /* a number and the tail; less room, and a member is left out */
};

struct line {
    char data[LOG_LINE_BYTES_MAX];
    size_t length;
};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

static enum log_level level_minimum = LOG_INFO;

void log_set_level(enum log_level level) {
    level_minimum = level;
}

bool log_level_parse(const char *name, enum log_level *level) {
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}

bool log_enabled(enum log_level level) {
    return level >= level_minimum;
}

static bool line_put(struct line *line, const char *data, size_t bytes) {
    if (line->length + bytes + LOG_TAIL_BYTES > sizeof line->data) return false;
    memcpy(line->data + line->length, data, bytes);
    line->length += bytes;
    return true;
}

/* The length of the valid UTF-8 character at the start of text; 0 when it is broken. */
static size_t character_length(struct text text) {
    for (size_t length = 1; length <= 4 && length <= text.length; length++)
        if (text_is_utf8((struct text){.data = text.data, .length = length})) return length;
    return 0;
}

static void line_put_escaped(struct line *line, struct text text) {
    while (text.length > 0) {
        size_t taken = character_length(text);
        uint8_t first = (uint8_t)text.data[0];
        bool room;
        if (taken == 0) {
            taken = 1;
            room = line_put(line, "\\ufffd", 6);
        } else if (first == '"' || first == '\\') {
            char escaped[2] = {'\\', (char)first};
            room = line_put(line, escaped, sizeof escaped);
        } else if (first == '\n') {
            room = line_put(line, "\\n", 2);
        } else if (first < 0x20 || first == 0x7F) {
            char escaped[8];
            int length = snprintf(escaped, sizeof escaped, "\\u%04x", first);
            room = line_put(line, escaped, (size_t)length);
        } else {
            room = line_put(line, text.data, taken);
        }
        if (!room) return;
        text.data += taken;
        text.length -= taken;
    }
}

/* ,"key":  or nothing when the line has no room for it and a value. */
static bool line_put_key(struct line *line, const char *key) {
    char start[128];
    int length = snprintf(start, sizeof start, "%s\"%s\":", line->length == 1 ? "" : ",", key);
    if (length < 0 || (size_t)length >= sizeof start) return false;
    if (line->length + (size_t)length + LOG_VALUE_BYTES_MIN > sizeof line->data) return false;
    return line_put(line, start, (size_t)length);
}

static void line_put_text(struct line *line, const char *key, struct text text) {
    if (!line_put_key(line, key)) return;
    line_put(line, "\"", 1);
    line_put_escaped(line, text);
    line->data[line->length++] = '"'; /* the tail has room for it */
}

static void line_put_number(struct line *line, const char *key, int64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    if (line_put_key(line, key)) line_put(line, digits, (size_t)length);
}

static void line_put_time(struct line *line) {
    struct timespec now;
    struct tm date;
    char seconds[32], text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &date);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &date);
    int length = snprintf(text, sizeof text, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
    line_put_text(line, "time", (struct text){.data = text, .length = (size_t)length});
}

/* A log that cannot be written is nobody's failure: there is nowhere left to say so. */
static void line_write(const struct line *line) {
    while (write(STDERR_FILENO, line->data, line->length) < 0 && errno == EINTR) continue;
}

void log_write(enum log_level level, const char *message, const struct log_member *members) {
    if (!log_enabled(level)) return;
    struct line line;
    line.data[0] = '{';
    line.length = 1;
    line_put_time(&line);
    line_put_text(&line, "level", text_of(level_names[level]));
    line_put_text(&line, "message", text_of(message));
    for (const struct log_member *member = members; member != NULL && member->key != NULL;
         member++) {
        if (member->is_number) {
            line_put_number(&line, member->key, member->number);
        } else {
            line_put_text(&line, member->key, member->text);
        }
    }
    line.data[line.length++] = '}';
    line.data[line.length++] = '\n';
    line_write(&line);
}

void log_format(enum log_level level, const char *format, ...) {
    if (!log_enabled(level)) return;
    char message[LOG_MESSAGE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log_write(level, message, NULL);
}
