#include "support/shared_store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/arena.h"

enum { LOCKS_MAX = 64 };

struct user_lock {
    const char *username;
    bool held;
    unsigned tries;
};

struct shared_database {
    struct store *inner;
    pthread_mutex_t in_use; /* held while a transaction of the inner store is open */
    struct uuid *batches;   /* those that were committed */
    size_t batch_count, batch_capacity;

    pthread_mutex_t lock; /* of the locks */
    pthread_cond_t unlocked;
    struct user_lock locks[LOCKS_MAX];
    size_t lock_count;
};

struct shared_store {
    struct store base;
    struct shared_database *database;
    int64_t wait_us;
    bool writes, is_open;
};

static struct shared_store *shared_of(struct store *store) {
    return (struct shared_store *)store;
}

/* ---- locks ---- */

static struct user_lock *lock_of(struct shared_database *database, const char *username) {
    struct user_lock *lock = database->locks;
    while (lock < database->locks + database->lock_count && strcmp(lock->username, username) != 0)
        lock++;
    if (lock == database->locks + database->lock_count) {
        assert(database->lock_count < LOCKS_MAX);
        lock->username = username;
        database->lock_count++;
    }
    return lock;
}

static void set_lock(struct shared_database *database, const char *username, bool held) {
    pthread_mutex_lock(&database->lock);
    lock_of(database, username)->held = held;
    pthread_cond_broadcast(&database->unlocked);
    pthread_mutex_unlock(&database->lock);
}

void shared_database_lock(struct shared_database *database, const char *username) {
    set_lock(database, username, true);
}

void shared_database_unlock(struct shared_database *database, const char *username) {
    set_lock(database, username, false);
}

unsigned shared_database_tries(struct shared_database *database, const char *username) {
    pthread_mutex_lock(&database->lock);
    unsigned tries = lock_of(database, username)->tries;
    pthread_mutex_unlock(&database->lock);
    return tries;
}

/* Marks the accounts that are locked; returns how many. */
static size_t mark_busy(struct shared_database *database, const struct store_load *load,
                        bool count) {
    size_t busy = 0;
    for (size_t i = 0; i < load->account_count; i++) {
        struct account *account = load->accounts[i];
        account->busy = false;
        for (size_t j = 0; j < database->lock_count && account->writable; j++) {
            struct user_lock *lock = &database->locks[j];
            if (!lock->held || !text_equal(account->username, text_of(lock->username))) continue;
            account->busy = true;
            lock->tries += count;
            busy++;
        }
    }
    return busy;
}

static void wait_for_locks(struct shared_store *shared, const struct store_load *load) {
    struct shared_database *database = shared->database;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + shared->wait_us % 1000000 * 1000;
    until.tv_sec += (time_t)(shared->wait_us / 1000000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&database->lock);
    int outcome = shared->wait_us == 0 ? ETIMEDOUT : 0;
    size_t busy = mark_busy(database, load, true);
    while (busy > 0 && outcome != ETIMEDOUT) {
        outcome = pthread_cond_timedwait(&database->unlocked, &database->lock, &until);
        busy = mark_busy(database, load, false);
    }
    pthread_mutex_unlock(&database->lock);
}

/* ---- transactions ---- */

static bool shared_begin(struct store *store, bool writes, bool *stale, struct qms_error *error) {
    (void)error;
    struct shared_store *shared = shared_of(store);
    assert(!shared->is_open);
    shared->writes = writes;
    *stale = true;
    return true;
}

static bool inner_begin(struct shared_store *shared, bool writes, struct qms_error *error) {
    struct store *inner = shared->database->inner;
    bool stale;
    pthread_mutex_lock(&shared->database->in_use);
    shared->is_open = inner->ops->begin(inner, writes, &stale, error);
    if (!shared->is_open) pthread_mutex_unlock(&shared->database->in_use);
    return shared->is_open;
}

static void inner_ended(struct shared_store *shared) {
    shared->is_open = false;
    pthread_mutex_unlock(&shared->database->in_use);
}

static void shared_end(struct store *store) {
    struct shared_store *shared = shared_of(store);
    if (!shared->is_open) return;
    shared->database->inner->ops->end(shared->database->inner);
    inner_ended(shared);
}

static bool shared_find(struct store *store, struct store_find *finds, size_t count,
                        struct arena *arena, struct qms_error *error) {
    struct shared_store *shared = shared_of(store);
    struct store *inner = shared->database->inner;
    if (!inner_begin(shared, false, error)) return false;
    if (inner->ops->find(inner, finds, count, arena, error)) {
        shared_end(store);
        return true;
    }
    inner_ended(shared);
    return false;
}

static bool shared_load(struct store *store, struct store_load *load, struct qms_error *error) {
    struct shared_store *shared = shared_of(store);
    struct store *inner = shared->database->inner;
    wait_for_locks(shared, load);
    struct store_load rest = *load;
    rest.accounts = arena_take(load->arena, load->account_count * sizeof *rest.accounts);
    rest.account_count = 0;
    for (size_t i = 0; i < load->account_count; i++) {
        if (!load->accounts[i]->busy) rest.accounts[rest.account_count++] = load->accounts[i];
    }
    unsigned *asked = arena_take(load->arena, rest.account_count * sizeof *asked);
    for (size_t i = 0; i < rest.account_count; i++) asked[i] = rest.accounts[i]->writable;
    if (!inner_begin(shared, shared->writes, error)) return false;
    if (!inner->ops->load(inner, &rest, error)) {
        inner_ended(shared);
        return false;
    }
    for (size_t i = 0; i < rest.account_count; i++) rest.accounts[i]->writable = asked[i];
    load->moment = rest.moment;
    load->catalogue = rest.catalogue;
    load->directory = rest.directory;
    return true;
}

static void remember_batch(struct shared_database *database, const struct uuid *batch_id) {
    if (database->batch_count == database->batch_capacity) {
        size_t capacity = database->batch_capacity == 0 ? 64 : 2 * database->batch_capacity;
        database->batches =
            memory_resize(database->batches, capacity, sizeof *database->batches);
        database->batch_capacity = capacity;
    }
    database->batches[database->batch_count++] = *batch_id;
}

static enum store_outcome shared_save(struct store *store, const struct uuid *batch_id,
                                      const struct changes *changes, struct qms_error *error) {
    struct shared_store *shared = shared_of(store);
    struct store *inner = shared->database->inner;
    assert(shared->is_open);
    enum store_outcome outcome = inner->ops->save(inner, batch_id, changes, error);
    if (outcome == STORE_COMMITTED) remember_batch(shared->database, batch_id);
    inner_ended(shared);
    return outcome;
}

static bool shared_resolve(struct store *store, const struct uuid *batch_id, bool *committed,
                           struct qms_error *error) {
    (void)error;
    struct shared_database *database = shared_of(store)->database;
    *committed = false;
    pthread_mutex_lock(&database->in_use);
    for (size_t i = 0; i < database->batch_count; i++) {
        if (uuid_equal(&database->batches[i], batch_id)) *committed = true;
    }
    pthread_mutex_unlock(&database->in_use);
    return true;
}

static void shared_idle(struct store *store) {
    struct shared_database *database = shared_of(store)->database;
    pthread_mutex_lock(&database->in_use);
    database->inner->ops->idle(database->inner);
    pthread_mutex_unlock(&database->in_use);
}

/* ---- readers ---- */

struct shared_reader {
    struct shared_database *database;
    struct store_reader *inner;
};

static struct store_reader *shared_reader_open(struct store *store, struct qms_error *error) {
    struct shared_database *database = shared_of(store)->database;
    struct store_reader *inner = database->inner->ops->reader_open(database->inner, error);
    if (inner == NULL) return NULL;
    struct shared_reader *reader = memory_take(sizeof *reader);
    *reader = (struct shared_reader){.database = database, .inner = inner};
    return (struct store_reader *)reader;
}

static void shared_reader_close(struct store_reader *reader) {
    struct shared_reader *shared = (struct shared_reader *)reader;
    shared->database->inner->ops->reader_close(shared->inner);
    memory_give(shared);
}

static bool shared_list(struct store_reader *reader, struct store_listing *listing,
                        struct qms_error *error) {
    struct shared_reader *shared = (struct shared_reader *)reader;
    struct store *inner = shared->database->inner;
    listing->decided_us = inner->ops->now(inner);
    return inner->ops->list(shared->inner, listing, error);
}

/* ---- open and close ---- */

static void shared_close(struct store *store) {
    shared_end(store);
    memory_give(store);
}

static const struct store_ops shared_ops = {
    .name = "shared",
    .owns_database = false,
    .begin = shared_begin,
    .find = shared_find,
    .load = shared_load,
    .save = shared_save,
    .end = shared_end,
    .resolve = shared_resolve,
    .idle = shared_idle,
    .now = NULL,
    .reader_open = shared_reader_open,
    .reader_close = shared_reader_close,
    .list = shared_list,
    .close = shared_close,
};

struct store *shared_store_open(struct shared_database *database, int64_t wait_us) {
    struct shared_store *shared = memory_take_zeroed(1, sizeof *shared);
    shared->base.ops = &shared_ops;
    shared->database = database;
    shared->wait_us = wait_us;
    return &shared->base;
}

struct shared_database *shared_database_make(struct store *inner) {
    struct shared_database *database = memory_take_zeroed(1, sizeof *database);
    database->inner = inner;
    pthread_mutex_init(&database->in_use, NULL);
    pthread_mutex_init(&database->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&database->unlocked, &attributes);
    pthread_condattr_destroy(&attributes);
    return database;
}

void shared_database_free(struct shared_database *database) {
    database->inner->ops->close(database->inner);
    pthread_cond_destroy(&database->unlocked);
    pthread_mutex_destroy(&database->lock);
    pthread_mutex_destroy(&database->in_use);
    memory_give(database->batches);
    memory_give(database);
}
