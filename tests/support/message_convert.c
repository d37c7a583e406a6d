/* message_convert: lets clients that others wrote look at our codec. Each line of standard input is
 * TYPE ENCODING UNKNOWN HEX: a message in either encoding; the answer is a line with the same
 * message in the ENCODING asked for (json, binary, or same: the one it came in), as hex digits, or
 * "!" and what is wrong. UNKNOWN says what is done with fields that the type does not have: ignore
 * or refuse. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/message_copy.h"
#include "wire/message_private.h"

enum { LINE_BYTES_MAX = 1 << 22 };

static const struct message_type *type_named(const char *name) {
    for (size_t i = 0; message_types[i] != NULL; i++)
        if (strcmp(message_types[i]->descriptor->name, name) == 0) return message_types[i];
    return NULL;
}

static struct text bytes_of_hex(const char *hex, struct arena *arena) {
    size_t length = strlen(hex) / 2;
    char *bytes = arena_take(arena, length);
    for (size_t i = 0; i < length; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (char)strtoul(digits, NULL, 16);
    }
    return (struct text){.data = bytes, .length = length};
}

static enum message_encoding encoding_named(const char *name, enum message_encoding from) {
    if (strcmp(name, "same") == 0) return from;
    return strcmp(name, "json") == 0 ? MESSAGE_JSON : MESSAGE_BINARY;
}

static void convert(const char *type_name, const char *encoding, const char *unknown,
                    const char *hex, struct arena *arena) {
    struct qms_error error;
    struct buffer out;
    enum message_encoding from;
    bool refuse = strcmp(unknown, "refuse") == 0;
    const struct message_type *type = type_named(type_name);
    if (type == NULL) {
        puts("!an unknown type");
        return;
    }
    const struct message *message =
        message_decode(type, bytes_of_hex(hex, arena), refuse, arena, &from, &error);
    if (message == NULL) {
        printf("!%s\n", error.text);
        return;
    }
    buffer_init(&out, LINE_BYTES_MAX);
    message_copy(message, encoding_named(encoding, from), &out);
    for (size_t i = 0; i < out.length; i++) printf("%02x", (unsigned char)out.data[i]);
    putchar('\n');
    buffer_close(&out);
}

int main(void) {
    static char line[LINE_BYTES_MAX];
    struct arena arena;
    arena_init(&arena, 1 << 16);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line, *type = strsep(&rest, " "), *encoding = strsep(&rest, " "),
             *unknown = strsep(&rest, " ");
        if (rest == NULL) return 2;
        rest[strcspn(rest, "\n")] = '\0';
        convert(type, encoding, unknown, rest, &arena);
        fflush(stdout);
        arena_reset(&arena);
    }
    arena_close(&arena);
    return 0;
}
