/* buffer.h: bytes that grow at the end: what writers append to and sockets send.
 * Errors: latched. Past bytes_max nothing is appended and failed is set; the caller looks once.
 * Ownership: the buffer owns its heap memory; buffer_close() gives it back. */
#ifndef QMS_BASE_BUFFER_H
#define QMS_BASE_BUFFER_H

#include "base/text.h"

struct buffer {
    char *data;
    size_t length, capacity, bytes_max;
    bool failed;
};

void buffer_init(struct buffer *buffer, size_t bytes_max);
void buffer_reset(struct buffer *buffer); /* empty again; keeps up to 64 KiB of memory */
void buffer_close(struct buffer *buffer);

/* Room for bytes more, or NULL when failed; buffer_advance() then counts what was written. */
char *buffer_reserve(struct buffer *buffer, size_t bytes);
void buffer_put(struct buffer *buffer, const void *data, size_t bytes);
void buffer_put_text(struct buffer *buffer, struct text text);
void buffer_put_char(struct buffer *buffer, char character);
void buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void buffer_advance(struct buffer *buffer, size_t bytes) {
    buffer->length += bytes;
}

static inline struct text buffer_text(const struct buffer *buffer) {
    return (struct text){.data = buffer->data, .length = buffer->length};
}

#endif
