#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Cuts a text that filled its room at the start of the character that was torn, if one was. */
static void cut_torn_character(char *text, size_t length) {
    size_t start = length;
    while (start > 0 && length - start < 4) {
        start--;
        if (((uint8_t)text[start] & 0xC0) != 0x80) break;
    }
    if (!text_is_utf8((struct text){.data = text + start, .length = length - start}))
        text[start] = '\0';
}

bool qms_fail(struct qms_error *error, enum qms_code code, const char *format, ...) {
    if (error == NULL) return false;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof error->text) cut_torn_character(error->text, sizeof error->text - 1);
    return false;
}

bool qms_fail_code(struct qms_error *error, enum qms_code code) {
    return qms_fail(error, code, "%s", qms_code_text(code));
}
