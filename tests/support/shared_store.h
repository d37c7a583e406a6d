/* shared_store.h: several stores of one database, as of a server that shares it with others, over
 * one store that owns it: one transaction at a time, and users that another program holds locked.
 * Threads: a store as store.h; the database's functions from any thread. */
#ifndef QMS_TESTS_SHARED_STORE_H
#define QMS_TESTS_SHARED_STORE_H

#include "store/store.h"

struct shared_database;

/* Takes over the inner store. */
struct shared_database *shared_database_make(struct store *inner);
/* After the last of its stores was closed. */
void shared_database_free(struct shared_database *database);

/* With wait_us 0 a load leaves locked accounts busy at once, else it waits for them so long. */
struct store *shared_store_open(struct shared_database *database, int64_t wait_us);

/* Another program holds the user's rows. The name must outlive it. */
void shared_database_lock(struct shared_database *database, const char *username);
void shared_database_unlock(struct shared_database *database, const char *username);

/* How often a load found this user locked, or waited for it. */
unsigned shared_database_tries(struct shared_database *database, const char *username);

#endif
