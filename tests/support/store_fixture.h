/* store_fixture.h: a store under test, its clock, and batches written by hand, row by row, without
 * the rules that normally make them. One fixture is one database; it can be opened again.
 * Every function that can only fail because of a fault fails the running test. */
#ifndef QMS_TESTS_SUPPORT_STORE_FIXTURE_H
#define QMS_TESTS_SUPPORT_STORE_FIXTURE_H

#include "base/limits.h"
#include "store/store.h"

struct store_fixture;

/* What the contract tests have to know about a kind of store. */
struct store_backend {
    const char *name;
    bool persists; /* what is committed is still there when it is opened again */
    bool is_owned; /* nobody shares it: it knows who writes, and its time never goes back */
    /* Makes a database that does not exist yet: sets url, and whatever remove() needs. */
    void (*make)(struct store_fixture *fixture);
    void (*remove)(struct store_fixture *fixture);
    /* Another program changes the database while the store is open; SQL that every store reads.
     * NULL: nobody else can. */
    void (*foreign)(struct store_fixture *fixture, const char *sql);
    /* Likewise: all keys of requests that still lie there seem to be recorded at that time. */
    void (*age_keys)(struct store_fixture *fixture, int64_t recorded_us);
};

extern const struct store_backend store_backend_file, store_backend_memory;
/* Databases of the cluster whose URL, but for a database's name, is QMS_TEST_POSTGRES, each a copy
 * of one that was prepared; QMS_STILL_CLOCK is the file that cluster's clock reads. */
extern const struct store_backend store_backend_postgres;

struct store_fixture {
    const struct store_backend *backend;
    char directory[64]; /* of its own */
    char database[32];  /* likewise, where there are such */
    char url[128];
    const char *vfs;
    bool synchronous_off;
    int64_t *clock_us;  /* what the store's clock says: */
    int64_t own_clock_us; /* here, unless the backend keeps it elsewhere */
    struct clock clock;

    struct store *store;
    struct uuid_source ids;
    struct arena arena; /* the batch's: accounts loaded and changes */
    struct changes changes;
    struct store_load load;
    struct catalogue *catalogue; /* the latest one loaded */
    struct directory *cloud;     /* likewise: what CloudMC manages */
    unsigned rows;               /* account_rows that a writing batch locks; all, at first */
    unsigned needed;             /* account_rows that it wants to see; likewise */
    struct uuid batch_id;        /* of the last save */
    struct text principal;       /* whose keys fixture_look_replay() looks for */
    struct account *accounts[4096];
};

/* 2026-08-12T10:00:00Z, where every fixture's clock starts. */
extern const int64_t STORE_FIXTURE_US;
#define HOURS_US(hours) ((hours) * INT64_C(3600000000))

void store_fixture_make(struct store_fixture *fixture, const struct store_backend *backend);
/* For stores that are refused; the error says why. */
bool store_fixture_try_open(struct store_fixture *fixture, struct qms_error *error);
void store_fixture_open(struct store_fixture *fixture);
void store_fixture_close(struct store_fixture *fixture); /* the store; the database stays */
void store_fixture_reopen(struct store_fixture *fixture);
void store_fixture_remove(struct store_fixture *fixture);

/* Begins and loads these users (sorted), and the catalogue when it changed; returns whether the
 * store says stale. Accounts of the batch before are closed. */
bool store_fixture_begin(struct store_fixture *fixture, bool writes, const char *const *names,
                         size_t count);
bool store_fixture_begin_one(struct store_fixture *fixture, const char *name); /* to write */
void store_fixture_end(struct store_fixture *fixture);
void store_fixture_forget(struct store_fixture *fixture); /* closes the last batch's accounts */
enum store_outcome store_fixture_save(struct store_fixture *fixture);
void store_fixture_commit(struct store_fixture *fixture); /* save, which must succeed */
bool store_fixture_resolve(struct store_fixture *fixture, const struct uuid *batch_id);

/* Loads these replays in the open batch. */
void store_fixture_load_replays(struct store_fixture *fixture, struct replay **replays,
                                size_t count);

/* A reading batch about one user, ended at once; the account stays until the next batch. */
struct account *store_fixture_look(struct store_fixture *fixture, const char *name);

/* Rows for the open batch; the account is inserted when it does not exist. Times are absolute. */
struct subscription *fixture_subscribe(struct store_fixture *fixture, struct account *account,
                                       const char *plan, int64_t start_us, int64_t end_us);
struct quantity *fixture_quota(struct store_fixture *fixture, struct subscription *subscription,
                               const char *resource, const char *value);
struct quantity *fixture_usage(struct store_fixture *fixture, struct subscription *subscription,
                               const char *resource, const char *value);
struct subscription_addon *fixture_apply(struct store_fixture *fixture,
                                         struct subscription *subscription, const char *addon,
                                         const char *amount);
struct update *fixture_update(struct store_fixture *fixture, struct account *account,
                              const char *resource, const char *value, int64_t effective_us);
struct replay *fixture_replay(struct store_fixture *fixture, struct account *account,
                              const char *key, bool expires);
/* Loads a replay in a batch of its own. */
struct replay *fixture_look_replay(struct store_fixture *fixture, const char *username,
                                   const char *key, bool expires);

/* A user with a Basic subscription from an hour ago for a year, and one usage; committed. */
void fixture_user(struct store_fixture *fixture, const char *name, const char *usage);
/* The first usage of the user's first subscription, read afresh; NULL without one. */
const struct quantity *fixture_stored_usage(struct store_fixture *fixture, const char *name);

struct uuid fixture_uuid(const char *text);
struct amount fixture_amount(const char *text);
void assert_amount(struct amount amount, const char *text);
void assert_text(struct text text, const char *expected);
void assert_uuid(const struct uuid *uuid, const char *expected);

#endif
