/* engine_fixture.h: an engine over a fresh SQLite store in memory, behind the store that can fail.
 * Requests are answered on the engine's threads; call_wait() joins them with the test. */
#ifndef QMS_TESTS_ENGINE_FIXTURE_H
#define QMS_TESTS_ENGINE_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "support/fault_store.h"
#include "support/shared_store.h"

struct fixture {
    struct store *store;                  /* the first thread's */
    struct store *stores[ENGINE_THREADS_MAX + 1]; /* in the order they were opened; the waiting
                                                     lane's comes last */
    size_t store_count;
    struct shared_database *database;     /* NULL: the store owns it */
    struct engine *engine;
    struct metrics *metrics;
    struct engine_options options;
    /* a gate in front of the store's save: closed, the engine thread waits there */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool gate_closed, engine_waits;
    unsigned answered; /* calls, so far */
};

struct call { /* one request of a test */
    struct request request;
    struct fixture *fixture;
    bool done;
    unsigned nth; /* of all that were answered it was this one */
};

/* options, when given, changes the engine's options before it opens. */
void fixture_open(struct fixture *fixture, void (*options)(struct engine_options *));
/* The same over a database that others share. */
void fixture_open_shared(struct fixture *fixture, void (*options)(struct engine_options *));
void fixture_close(struct fixture *fixture);

void gate_close(struct fixture *fixture);
void gate_wait(struct fixture *fixture); /* until the engine thread stands before the gate */
void gate_open(struct fixture *fixture);

void call_init(struct call *call, struct fixture *fixture);
void call_close(struct call *call);
void call_submit(struct call *call, bool may_answer_now);
bool call_is_done(struct call *call);
void call_wait(struct call *call);

/* Fills the call with one operation. */
struct op *call_add_usage(struct call *call, const char *username, const char *amount);
struct op *call_read(struct call *call, enum operation operation, const char *username);
/* A list of usages.record for the users; ids "0", "1", ... after the prefix. */
struct op *call_list(struct call *call, const char *prefix, const char *const *usernames,
                     size_t users, size_t count);

struct uuid id_of(const char *text);

/* The whole road: submits, waits, and gives the outcome. */
enum qms_code add_usage(struct fixture *fixture, const char *username, const char *amount);
/* The cpu.hours used, as text: "" when there is none. */
const char *usage_of(struct fixture *fixture, const char *username);

#endif
