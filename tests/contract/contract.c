#include "contract/contract.h"

#include <assert.h>

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
        int needs = sentences[i].needs;
        if ((needs & NEED_FILE) && !contract_backend->persists) continue;
        if ((needs & NEED_FOREIGN) && contract_backend->foreign == NULL) continue;
        if ((needs & NEED_OWNER) && !contract_backend->is_owned) continue;
        tests[asked++] = sentences[i].test;
    }
    return _cmocka_run_group_tests(name, tests, asked, NULL, NULL);
}

int contract_all(void) {
    return contract_catalogue() + contract_catalogue_changes() + contract_accounts() +
           contract_batches() + contract_replays() + contract_listings() +
           contract_directory() + contract_directory_random();
}
