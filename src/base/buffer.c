#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

enum {
    BUFFER_BYTES_FIRST = 256,
    BUFFER_BYTES_KEPT = 65536,
};

void buffer_init(struct buffer *buffer, size_t bytes_max) {
    *buffer = (struct buffer){.bytes_max = bytes_max};
}

void buffer_reset(struct buffer *buffer) {
    if (buffer->capacity > BUFFER_BYTES_KEPT) buffer_close(buffer);
    buffer->length = 0;
    buffer->failed = false;
}

void buffer_close(struct buffer *buffer) {
    memory_give(buffer->data);
    buffer_init(buffer, buffer->bytes_max);
}

static void buffer_grow(struct buffer *buffer, size_t needed) {
    size_t capacity = buffer->capacity == 0 ? BUFFER_BYTES_FIRST : buffer->capacity;
    while (capacity < needed && capacity < buffer->bytes_max) capacity *= 2;
    if (capacity > buffer->bytes_max) capacity = buffer->bytes_max;
    assert(capacity >= needed);
    buffer->data = memory_resize(buffer->data, capacity, 1);
    buffer->capacity = capacity;
}

char *buffer_reserve(struct buffer *buffer, size_t bytes) {
    assert(buffer->length <= buffer->capacity);
    if (buffer->failed) return NULL;
    if (bytes > buffer->bytes_max - buffer->length) {
        buffer->failed = true;
        return NULL;
    }
    if (buffer->data == NULL || bytes > buffer->capacity - buffer->length)
        buffer_grow(buffer, buffer->length + bytes);
    return buffer->data + buffer->length;
}

void buffer_put(struct buffer *buffer, const void *data, size_t bytes) {
    char *room = buffer_reserve(buffer, bytes);
    if (room == NULL || bytes == 0) return;
    memcpy(room, data, bytes);
    buffer->length += bytes;
}

void buffer_put_text(struct buffer *buffer, struct text text) {
    buffer_put(buffer, text.data, text.length);
}

void buffer_put_char(struct buffer *buffer, char character) {
    char *room = buffer_reserve(buffer, 1);
    if (room == NULL) return;
    *room = character;
    buffer->length++;
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    if (buffer->failed) return;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);

    /* vsnprintf writes a zero behind the text, for which bytes_max need not have room. */
    char small[512], *text = small;
    if ((size_t)length >= sizeof small) text = memory_take((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer_put(buffer, text, (size_t)length);
    if (text != small) memory_give(text);
}
