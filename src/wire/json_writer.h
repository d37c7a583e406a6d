/* json_writer.h: appends JSON to a buffer: compact, commas placed by the writer.
 * Strings: UTF-8 as it is; '<', '>', '&' as \u003c \u003e \u0026, U+2028 and U+2029 escaped
 *          (qms-http 1). Bytes that are not UTF-8 become U+FFFD: what is written is always JSON.
 * Errors:  those of the buffer, latched.
 * Speed:   answers are written on the hot path, so what is written for every member is inline. */
#ifndef QMS_WIRE_JSON_WRITER_H
#define QMS_WIRE_JSON_WRITER_H

#include "base/buffer.h"
#include "base/uuid.h"
#include "domain/amount.h"
#include "domain/date.h"

struct json_writer {
    struct buffer *out;
    bool needs_comma;
    int64_t date_us;              /* the last timestamp: rows written together share theirs */
    size_t date_length;           /* 0: none yet */
    char date[TIMESTAMP_TEXT_MAX];
};

static inline void json_write_open(struct json_writer *writer, struct buffer *out) {
    writer->out = out;
    writer->needs_comma = false;
    writer->date_length = 0;
}

/* Room for bytes more, with the comma that has to come first already written; NULL when failed. */
static inline char *json_write_room(struct json_writer *writer, size_t bytes) {
    struct buffer *out = writer->out;
    char *at;
    if (!out->failed && out->capacity - out->length > bytes) at = out->data + out->length;
    else if ((at = buffer_reserve(out, bytes + 1)) == NULL) return NULL;
    if (!writer->needs_comma) return at;
    *at = ',';
    out->length++;
    return at + 1;
}

/* Text that already is JSON, or the beginning of it up to where a comma has to follow. */
static inline void json_write_raw(struct json_writer *writer, struct text json) {
    char *at = json_write_room(writer, json.length);
    writer->needs_comma = true;
    if (at == NULL) return;
    memcpy(at, json.data, json.length);
    buffer_advance(writer->out, json.length);
}

static inline void json_write_begin(struct json_writer *writer, char bracket) {
    char *at = json_write_room(writer, 1);
    writer->needs_comma = false;
    if (at == NULL) return;
    *at = bracket;
    buffer_advance(writer->out, 1);
}

static inline void json_write_end(struct json_writer *writer, char bracket) {
    writer->needs_comma = false; /* none before a closing bracket */
    char *at = json_write_room(writer, 1);
    writer->needs_comma = true;
    if (at == NULL) return;
    *at = bracket;
    buffer_advance(writer->out, 1);
}

static inline void json_write_object_begin(struct json_writer *writer) {
    json_write_begin(writer, '{');
}

static inline void json_write_object_end(struct json_writer *writer) {
    json_write_end(writer, '}');
}

static inline void json_write_array_begin(struct json_writer *writer) {
    json_write_begin(writer, '[');
}

static inline void json_write_array_end(struct json_writer *writer) {
    json_write_end(writer, ']');
}

/* The name of the next value. Names are literals of ours and are not escaped. */
static inline void json_write_key(struct json_writer *writer, struct text name) {
    char *at = json_write_room(writer, name.length + 3);
    writer->needs_comma = false;
    if (at == NULL) return;
    at[0] = '"';
    memcpy(at + 1, name.data, name.length);
    at[name.length + 1] = '"';
    at[name.length + 2] = ':';
    buffer_advance(writer->out, name.length + 3);
}

/* The next value, under this name, is an object or an array. */
static inline void json_write_object_named(struct json_writer *writer, struct text name) {
    json_write_key(writer, name);
    json_write_object_begin(writer);
}

static inline void json_write_array_named(struct json_writer *writer, struct text name) {
    json_write_key(writer, name);
    json_write_array_begin(writer);
}

static inline void json_write_null(struct json_writer *writer) {
    json_write_raw(writer, TEXT("null"));
}

static inline void json_write_bool(struct json_writer *writer, bool value) {
    if (value) json_write_raw(writer, TEXT("true"));
    else json_write_raw(writer, TEXT("false"));
}

void json_write_string(struct json_writer *writer, struct text value);
void json_write_amount(struct json_writer *writer, struct amount value);
void json_write_integer(struct json_writer *writer, int64_t value);
void json_write_uuid(struct json_writer *writer, const struct uuid *value);
void json_write_timestamp(struct json_writer *writer, int64_t at_us); /* timestamp_format() */

#endif
