/* fault_store.h: a store that wraps another and fails the n-th call (style 2.16).
 * A fault is armed with a countdown: after `skip` calls that could have met it the next `times`
 * calls do. fault_store_fired() says how often it did, so that a test can fail the first call, then
 * the second, until nothing fires any more:
 *
 *     for (unsigned skip = 0;; skip++) {
 *         fault_store_arm(store, FAULT_SAVE_FAILED, skip, 1);
 *         ... work, and what must hold ...
 *         if (fault_store_fired(store, FAULT_SAVE_FAILED) == 0) break;
 *     }
 *
 * Threads: as store.h; arming and reading the counts from any thread.
 * Ownership: closing the wrapper closes the wrapped store. */
#ifndef QMS_TESTS_FAULT_STORE_H
#define QMS_TESTS_FAULT_STORE_H

#include "store/store.h"

enum fault {
    FAULT_BEGIN,          /* begin fails, UNAVAILABLE */
    FAULT_BEGIN_STALE,    /* begin succeeds and says stale, as after a foreign writer */
    FAULT_LOAD,           /* load fails, UNAVAILABLE; the transaction is rolled back */
    FAULT_FIND_BROKEN,    /* find says of its first id that what it names cannot be read */
    FAULT_ADDON_BROKEN,   /* load says that the use of an add-on cannot be read */
    FAULT_SAVE_REFUSED,   /* not committed, STORE_REFUSED */
    FAULT_SAVE_DECLINED,  /* not committed, STORE_DECLINED */
    FAULT_SAVE_OVERTAKEN, /* not committed, STORE_OVERTAKEN */
    FAULT_SAVE_LOCKED,    /* not committed, STORE_LOCKED */
    FAULT_SAVE_FAILED,    /* not committed, STORE_FAILED */
    FAULT_SAVE_COMMITTED, /* committed, but the answer is STORE_UNKNOWN */
    FAULT_SAVE_LOST,      /* not committed, and the answer is STORE_UNKNOWN */
    FAULT_RESOLVE,        /* resolve cannot tell yet */
    FAULT_READER_OPEN,    /* reader_open fails, UNAVAILABLE */
    FAULT_LIST,           /* a listing fails, UNAVAILABLE, as at its deadline */
    FAULT_COUNT,
};

enum { FAULT_FOR_EVER = -1 };

/* Takes over the inner store. */
struct store *fault_store_make(struct store *inner);

/* Resets the fault's count; times 0 disarms it. */
void fault_store_arm(struct store *store, enum fault fault, unsigned skip, int times);
unsigned fault_store_fired(struct store *store, enum fault fault);

/* Every save that writes a usage, a quota or an audit row of this user is refused, whatever else is
 * in it: the guilty operation that halving has to find. Empty: nobody. The text must outlive it. */
void fault_store_refuse_user(struct store *store, struct text username);

/* Likewise, but the save is overtaken, for ever. */
void fault_store_overtake_user(struct store *store, struct text username);

/* What is stored of this idempotency key comes back broken. Empty: none. The text must outlive
 * it. */
void fault_store_break_key(struct store *store, struct text key);

/* Called before every begin, load, save and resolve, on the store's thread: tests hold a batch
 * here, or look at what is in it. call is "begin", "load", "save" or "resolve". */
void fault_store_watch(struct store *store, void (*watch)(void *context, const char *call),
                       void *context);

/* How many transactions were begun, and how many saves committed. */
unsigned fault_store_begins(struct store *store);
unsigned fault_store_commits(struct store *store);

#endif
