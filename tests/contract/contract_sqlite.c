/* The contract of every store, run on SQLite: in a file or in memory.
 * Usage: contract_sqlite file|memory */
#include <stdio.h>
#include <string.h>

#include "contract/contract.h"

int main(int count, char **arguments) {
    const char *kind = count == 2 ? arguments[1] : "";
    if (strcmp(kind, "file") == 0) contract_backend = &store_backend_file;
    if (strcmp(kind, "memory") == 0) contract_backend = &store_backend_memory;
    if (contract_backend == NULL) {
        fprintf(stderr, "usage: contract_sqlite file|memory\n");
        return 2;
    }
    return contract_all() > 0;
}
