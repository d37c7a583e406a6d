/* http_parse_tool.c: the HTTP parser as a filter. Reads cases from standard input, each a line with
 * the number of its bytes and then the bytes; writes for each the lines of its transcript and an
 * empty line. Used by tests that compare the parser with others'. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "support/http_transcript.h"

enum { CASE_BYTES_MAX = 1 << 24 };

int main(void) {
    char line[32];
    struct buffer out;
    buffer_init(&out, SIZE_MAX / 2);
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t length = strtoul(line, NULL, 10);
        if (length > CASE_BYTES_MAX) return 1;
        char *data = memory_take(length);
        if (fread(data, 1, length, stdin) != length) return 1;
        struct text stream = {.data = data, .length = length};
        http_transcript(&out, stream, HTTP_BODY_BYTES_MAX, http_split_whole, NULL);
        buffer_put_char(&out, '\n');
        fwrite(out.data, 1, out.length, stdout);
        fflush(stdout);
        buffer_reset(&out);
        memory_give(data);
    }
    buffer_close(&out);
    return 0;
}
