/* Our JSON reader against jansson on any bytes at all; tests/support/json_compare.h names the known
 * differences. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/json_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *complaint;
    struct text input = {.data = (const char *)data, .length = size};
    if (json_compare(input, &complaint) == JSON_DISAGREE) {
        fprintf(stderr, "%.*s\n%s\n", TEXT_ARGUMENTS(input), complaint);
        abort();
    }
    return 0;
}
