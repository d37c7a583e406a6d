/* store.h: what the engine asks of a database, in domain words.
 *
 * A batch is begin, load, then save or end:
 *   begin   opens a transaction. *stale: somebody else wrote since the last one, so everything
 *           cached is to be forgotten. A store that is shared always says stale.
 *   load    fills the accounts and replays asked for, the moment, and a new catalogue or directory
 *           when the store's version differs from the one the caller has.
 *           A shared store locks the accounts that come writable, and no others: reads wait for
 *           nobody. An account that somebody else holds locked comes back busy and not loaded; an
 *           account, replay, add-on use or find whose rows cannot be read comes back broken. The
 *           others are loaded all the same.
 *   save    writes the changes and commits; end gives the transaction up without a trace. Changes
 *           of the directory are saved only if its version is still the one they were decided on,
 *           else it is OVERTAKEN; they make it one higher.
 * Whichever of them fails has rolled back; after it the next call is begin.
 *
 * Threads: one store is used by one thread at a time. now() alone may be called on any thread.
 * Errors:  a code and a text without database text; the details are in the log.
 * The same contract tests (tests/contract) run against every store. */
#ifndef QMS_STORE_STORE_H
#define QMS_STORE_STORE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "domain/directory.h"
#include "domain/op.h"

static const int64_t REQUEST_KEY_KEPT_US = REQUEST_KEY_KEPT_DAYS * INT64_C(86400000000);

struct store_moment {
    int64_t decided_us;  /* the time operations are decided at; never before an earlier one */
    int64_t stamped_us;  /* the time the rows written will carry */
    struct text actor;   /* the name the rows written will carry; valid while the store is open */
};

/* Whose subscription or subscription add-on an id is. */
struct store_find {
    bool is_addon;              /* in: id is a subscription add-on's, else a subscription's */
    struct uuid id;
    bool found;                 /* out */
    bool broken;                /* out: there is something, but it cannot be read; not found */
    struct text username;       /* in the arena given */
    struct uuid subscription_id;
    int64_t end_us;             /* of that subscription: load the account's history from here */
};

struct store_load {
    /* in */
    struct arena *arena;        /* for what comes out */
    struct account **accounts;  /* username, want_from_us, writable set; not loaded; sorted, each
                                   once */
    size_t account_count;
    struct replay **replays;    /* key, account, operation and expires set */
    size_t replay_count;
    struct addon_use *addon_uses; /* addon_id set; the rest comes out, in arena */
    size_t addon_use_count;
    int64_t catalogue_version;  /* the caller's; -1: it has none */
    int64_t directory_version;  /* likewise */
    /* out */
    struct store_moment moment;
    struct catalogue *catalogue; /* NULL: unchanged; else a new one that the caller now holds */
    struct directory *directory; /* likewise */
};

/* A listing (EFFECT_LISTING), row by row from one snapshot. The catalogue makes the rows' pointers.
 * Order: users by name; updates of a user by effective date, then id; subscriptions as asked, id
 * last; a user's subscriptions by start, then end (null last), then id; overages by user name, then
 * resource name. Names in byte order. */
union store_row;

struct store_listing {
    enum operation operation;
    struct text username;         /* TARGET_USER */
    const struct listing_input *input;
    struct catalogue *catalogue;
    int64_t decided_us;           /* what is active; the store's now when it owns the database */
    int64_t deadline_us;          /* monotonic: then the listing gives up with UNAVAILABLE; what
                                     row() takes counts only beyond LISTING_WAITED_S_MAX */
    /* Called for every row; it may take its time (a slow client), and false ends the listing. The
     * row is valid during the call. */
    bool (*row)(void *context, const union store_row *row);
    void *context;
    int64_t total;                /* out, before the first row: matches without paging, where the
                                     listing shows a total */
    bool more;                    /* out: the limit cut it off (overage report: whole users only) */
    bool user_exists;             /* out, before the first row; TARGET_USER */
};

union store_row {
    struct user_view user;
    struct update_view update;
    struct overage_line overage;
    const struct subscription *subscription; /* with account, quotas, usages; no add-ons needed */
};

struct store_reader;

enum store_outcome {
    STORE_COMMITTED,
    STORE_REFUSED, /* not committed; the data of some change is at fault: halve the batch */
    STORE_DECLINED, /* not committed; what failed may be some change's fault (what a trigger of
                       others raises can be anything) or everybody's: halve the batch, and stop when
                       nothing of it can be saved */
    STORE_OVERTAKEN, /* not committed; somebody else was first (a user, quota or key that was absent
                        when it was loaded, a deadlock): load and decide the batch again */
    STORE_LOCKED,  /* not committed; a shared store: somebody else holds what some change needs (a
                      key that is being inserted), and nobody knows for how long */
    STORE_FAILED,  /* not committed for certain: "unavailable, safe to retry" */
    STORE_UNKNOWN, /* the commit was sent and its answer lost: ask resolve() */
};

struct store;

struct store_ops {
    const char *name;

    /* Accounts may stay cached between batches: nobody else writes unless begin says stale. */
    bool owns_database;

    bool (*begin)(struct store *store, bool writes, bool *stale, struct qms_error *error);
    /* Between begin and load; only called when some operation names an id. */
    bool (*find)(struct store *store, struct store_find *finds, size_t count, struct arena *arena,
                 struct qms_error *error);
    bool (*load)(struct store *store, struct store_load *load, struct qms_error *error);
    enum store_outcome (*save)(struct store *store, const struct uuid *batch_id,
                               const struct changes *changes, struct qms_error *error);
    void (*end)(struct store *store);

    /* Reconnects if need be and says whether the batch was committed; false: cannot tell yet. */
    bool (*resolve)(struct store *store, const struct uuid *batch_id, bool *committed,
                    struct qms_error *error);

    /* Work that is better done while nobody waits (a checkpoint); the engine calls it when idle
     * and now and then under load. */
    void (*idle)(struct store *store);

    /* The store's clock, for reads that need no transaction; only when owns_database. */
    int64_t (*now)(struct store *store);

    /* A connection of its own for long reads, each from one snapshot; used by one thread, beside
     * the batches. */
    struct store_reader *(*reader_open)(struct store *store, struct qms_error *error);
    void (*reader_close)(struct store_reader *reader);

    bool (*list)(struct store_reader *reader, struct store_listing *listing,
                 struct qms_error *error);

    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
};

struct store_options {
    const char *url;            /* sqlite:PATH, sqlite::memory:, postgresql://... */
    bool waits;                 /* a shared store: load waits for rows that somebody else has
                                   locked, up to lock_wait_us, instead of leaving them busy */
    int64_t lock_wait_us;
    const struct clock *clock;
    struct text actor;          /* "qms" unless told otherwise */
    bool synchronous_off;       /* for the test that proves power loss shows; never a setting */
    bool beside;                /* a tool that writes a little while a server may have the store:
                                   a database is neither made, locked nor migrated, and what the
                                   server needs to find its own commits is left alone */
    const struct store *like;   /* an open store of this URL in this process, or NULL: a database
                                   that is shared is as that one left it, and not looked at again */
    const char *vfs;            /* SQLite VFS name, for tests; NULL: the default */
};

/* Opens and migrates. NULL with an error: the file is in use, damaged, of a newer version, ...;
 * then nothing was altered. */
struct store *store_open(const struct store_options *options, struct qms_error *error);

/* One per back end; store_open() chooses, and has read the URL (store_url.h). */
struct store *store_sqlite_open(const struct store_options *options, struct qms_error *error);
struct store *store_postgres_open(const struct store_options *options, struct qms_error *error);

#endif
