/* The contract of every store, run on SQLite: in a file or in memory.
 * Usage: contract_sqlite file|memory */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "contract/contract.h"

const struct store_backend *contract_backend;

int contract_setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, contract_backend);
    store_fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

int contract_teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

int contract_run(const char *name, const struct sentence *sentences, size_t count) {
    struct CMUnitTest tests[64];
    size_t asked = 0;
    assert(count <= sizeof tests / sizeof tests[0]);
    for (size_t i = 0; i < count; i++) {
        if (sentences[i].need == NEED_FILE && !contract_backend->persists) continue;
        if (sentences[i].need == NEED_FOREIGN && contract_backend->foreign == NULL) continue;
        tests[asked++] = sentences[i].test;
    }
    return _cmocka_run_group_tests(name, tests, asked, NULL, NULL);
}

int main(int count, char **arguments) {
    const char *kind = count == 2 ? arguments[1] : "";
    if (strcmp(kind, "file") == 0) contract_backend = &store_backend_file;
    if (strcmp(kind, "memory") == 0) contract_backend = &store_backend_memory;
    if (contract_backend == NULL) {
        fprintf(stderr, "usage: contract_sqlite file|memory\n");
        return 2;
    }
    int failed = contract_catalogue() + contract_catalogue_changes() + contract_accounts() +
                 contract_batches() + contract_replays() + contract_listings();
    return failed > 0;
}
