#include "wire/json_writer.h"

#include <inttypes.h>
#include <stdio.h>

/* What a byte of a string needs: nothing, one of the short escapes, \u00xx, or a look at the
 * character it begins. */
enum { BYTE_PLAIN = 0, BYTE_HEX = 1, BYTE_WIDE = 2 }; /* else the letter of the short escape */

static const unsigned char escapes[256] = {
    [0x00 ... 0x07] = BYTE_HEX, ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [0x0b] = BYTE_HEX,
    ['\f'] = 'f', ['\r'] = 'r', [0x0e ... 0x1f] = BYTE_HEX, ['"'] = '"', ['\\'] = '\\',
    ['<'] = BYTE_HEX, ['>'] = BYTE_HEX, ['&'] = BYTE_HEX, [0x80 ... 0xff] = BYTE_WIDE,
};

/* The length of the UTF-8 character at the front of the text; 0 if there is none. */
static size_t utf8_length(struct text text) {
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (length > text.length) return 0;
    return text_is_utf8((struct text){.data = text.data, .length = length}) ? length : 0;
}

static void write_hex_escape(struct buffer *out, unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    buffer_put(out, escape, sizeof escape);
}

/* Writes the character beyond ASCII at the front of the text; returns how many bytes it took. */
static size_t write_wide(struct buffer *out, struct text text) {
    size_t length = utf8_length(text);
    if (length == 0) {
        buffer_put_text(out, TEXT("\\ufffd"));
        return 1;
    }
    if (length == 3 && memcmp(text.data, "\xe2\x80\xa8", 3) == 0) {
        buffer_put_text(out, TEXT("\\u2028"));
    } else if (length == 3 && memcmp(text.data, "\xe2\x80\xa9", 3) == 0) {
        buffer_put_text(out, TEXT("\\u2029"));
    } else {
        buffer_put(out, text.data, length);
    }
    return length;
}

static void write_escaped(struct buffer *out, struct text value) {
    size_t at = 0;
    while (at < value.length) {
        size_t plain = at;
        while (at < value.length && escapes[(unsigned char)value.data[at]] == BYTE_PLAIN)
            at++;
        if (at > plain) buffer_put(out, value.data + plain, at - plain);
        if (at == value.length) break;
        unsigned char byte = (unsigned char)value.data[at], escape = escapes[byte];
        if (escape == BYTE_WIDE) {
            at += write_wide(out,
                             (struct text){.data = value.data + at, .length = value.length - at});
            continue;
        }
        if (escape == BYTE_HEX) {
            write_hex_escape(out, byte);
        } else {
            char both[2] = {'\\', (char)escape};
            buffer_put(out, both, sizeof both);
        }
        at++;
    }
}

void json_write_string(struct json_writer *writer, struct text value) {
    char *at = json_write_room(writer, value.length + 2);
    writer->needs_comma = true;
    if (at == NULL) return;
    *at++ = '"';
    size_t i = 0;
    while (i < value.length && escapes[(unsigned char)value.data[i]] == BYTE_PLAIN) {
        at[i] = value.data[i];
        i++;
    }
    if (i == value.length) {
        at[i] = '"';
        buffer_advance(writer->out, value.length + 2);
        return;
    }
    buffer_advance(writer->out, i + 1);
    write_escaped(writer->out, (struct text){.data = value.data + i, .length = value.length - i});
    buffer_put_char(writer->out, '"');
}

void json_write_amount(struct json_writer *writer, struct amount value) {
    char *at = json_write_room(writer, AMOUNT_TEXT_MAX);
    writer->needs_comma = true;
    if (at == NULL) return;
    buffer_advance(writer->out, amount_format_json(value, at));
}

void json_write_integer(struct json_writer *writer, int64_t value) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    json_write_raw(writer, (struct text){.data = digits, .length = (size_t)length});
}

void json_write_uuid(struct json_writer *writer, const struct uuid *value) {
    char *at = json_write_room(writer, UUID_TEXT_BYTES + 2);
    writer->needs_comma = true;
    if (at == NULL) return;
    at[0] = '"';
    uuid_format(value, at + 1);
    at[UUID_TEXT_BYTES + 1] = '"';
    buffer_advance(writer->out, UUID_TEXT_BYTES + 2);
}

void json_write_timestamp(struct json_writer *writer, int64_t at_us) {
    if (writer->date_length == 0 || writer->date_us != at_us) {
        writer->date_us = at_us;
        writer->date_length = timestamp_format(at_us, writer->date);
    }
    char *at = json_write_room(writer, TIMESTAMP_TEXT_MAX + 2);
    writer->needs_comma = true;
    if (at == NULL) return;
    at[0] = '"';
    memcpy(at + 1, writer->date, TIMESTAMP_TEXT_MAX);
    at[writer->date_length + 1] = '"';
    buffer_advance(writer->out, writer->date_length + 2);
}
