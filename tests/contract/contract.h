/* contract.h: sentences that are true of every store. A program chooses a store_backend and runs
 * them all; a new kind of store is a new backend and a new main(), the sentences stay as they are.
 * Every test gets a fixture with a fresh, open store in *state. */
#ifndef QMS_TESTS_CONTRACT_CONTRACT_H
#define QMS_TESTS_CONTRACT_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "support/store_fixture.h"

extern const struct store_backend *contract_backend; /* set by main() */

int contract_setup(void **state);
int contract_teardown(void **state);

/* What a sentence needs; a store that does not have it is not asked. */
enum contract_need {
    NEED_NOTHING = 0,
    NEED_FILE = 1,    /* what persists, and is read by several connections */
    NEED_FOREIGN = 2, /* that others can write to it */
    NEED_OWNER = 4,   /* that it is its owner's alone, time included */
};

struct sentence {
    struct CMUnitTest test;
    int needs; /* of enum contract_need */
};

#define SENTENCE(test) SENTENCE_OF(NEED_NOTHING, test)
#define SENTENCE_OF(need, test)                                                                    \
    {cmocka_unit_test_setup_teardown(test, contract_setup, contract_teardown), need}

/* Runs those the backend has what they need for, and returns how many are not true. */
int contract_run(const char *name, const struct sentence *sentences, size_t count);

/* Each runs its sentences and returns how many are not true. */
int contract_catalogue(void);
int contract_catalogue_changes(void);
int contract_accounts(void);
int contract_batches(void);
int contract_replays(void);
int contract_listings(void);
int contract_directory(void);
int contract_directory_random(void);

/* All that is in a directory, as text; the caller closes the buffer. */
void contract_describe(const struct directory *directory, struct buffer *out);
int contract_all(void); /* all of them */

#endif
