/* store_sqlite.h: what the parts of the SQLite store share; only they include it.
 *   store_sqlite.c            opening, transactions, outcomes, time, checkpoints
 *   store_sqlite_file.c       the file: who may have it, whether it is ours and whole
 *   store_sqlite_gather.c     the writes of a commit in few pieces (a VFS)
 *   store_sqlite_migrate.c    from an empty or an older file to the newest version
 *   store_sqlite_load.c       accounts, replays, and whose an id is
 *   store_sqlite_save.c       changes of accounts
 *   store_sqlite_save_updates.c   the audit rows of a batch
 *   store_sqlite_save_keys.c, _keys.c   the keys of requests, and where they lie
 *   store_sqlite_catalogue.c, _save_catalogue.c   the catalogue, in (store_catalogue.h) and out
 *   store_sqlite_directory.c, _save_directory.c   the directory, in and out (store_directory.h)
 *   store_sqlite_list.c       readers: long listings on connections of their own
 *   store_sqlite_trail.c      whose the rows of the audit trail may be, for listings of them
 *   store_sqlite_rows.c       whole tables (store_rows.h), for copying and for verifying
 *   store_sqlite_statements.c, _row.c   SQL and the values that go in and out
 * One connection writes; its thread is the engine's. */
#ifndef QMS_STORE_STORE_SQLITE_H
#define QMS_STORE_STORE_SQLITE_H

#include <limits.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "store/store.h"
#include "store/store_sqlite_keys.h"
#include "store/store_sqlite_row.h"
#include "store/store_sqlite_trail.h"

enum {
    SQLITE_APPLICATION_ID = 0x716d7364, /* "qmsd" */
    SQLITE_BUSY_MS = 2000, /* how long a foreign writer's transaction is waited for */
    SQLITE_CACHE_KIB = 65536,
};

/* Our own descriptor of the database file, held as long as the store is open. */
struct store_sqlite_file {
    int descriptor;      /* -1: in memory */
    bool is_new;         /* it was empty, or its creation was cut off and is undone */
    bool was_created;    /* by us: removed again when opening fails */
    bool has_log;        /* a write-ahead log with content lies beside it */
    int64_t bytes;
    char path[PATH_MAX]; /* as SQLite gets it */
};

struct store_sqlite {
    struct store base;
    struct store_sqlite_file file;
    const char *vfs;
    bool synchronous_off;
    bool beside; /* store_options */

    int64_t version_before;     /* of the tables, when it was opened; 0: there were none */
    struct sqlite3 *connection; /* NULL after a commit of unknown outcome, or a transaction that
                                   could not be rolled back, until it is reopened */
    int64_t reopen_us;          /* monotonic: no batch tries to reopen it before, for one failed */
    struct statements statements;
    bool is_open, writes;       /* a transaction is open; it was begun to write */
    int64_t data_version;       /* -1: unknown; it changes when another connection commits */
    struct store_moment moment; /* of the open transaction */

    int64_t catalogue_version;  /* last loaded; -1: none yet */
    struct uuid update_operation_ids[UPDATE_OPERATION_COUNT]; /* of that version */

    const struct change_list *new_updates; /* while they are written: the table of that name */

    int64_t directory_version;  /* last loaded or saved; -1: none that can be trusted */

    const struct clock *clock;
    _Atomic int64_t last_us;    /* the latest moment given, or stored when the store was opened */
    struct text actor;

    struct store_sqlite_keys keys;
    struct store_sqlite_trail trail; /* also the readers' */
    atomic_int log_pages;       /* in the write-ahead log since it last began anew */
    int checkpoint_pages;       /* idle() checkpoints from here */
    int64_t purge_us;           /* idle() forgets expired keys from here */
};

static inline struct store_sqlite *store_sqlite_of(struct store *store) {
    return (struct store_sqlite *)store;
}

/* Logs what SQLite says and fails with UNAVAILABLE where trying again can help (busy, full, I/O),
 * else with INTERNAL. doing: "begin a transaction". */
bool store_sqlite_fail(struct sqlite3 *connection, int code, const char *doing,
                       struct qms_error *error);

/* Opens a connection with the settings every one has. Closing it is the caller's. */
struct sqlite3 *store_sqlite_connect(const struct store_sqlite *sqlite, int flags,
                                     struct qms_error *error);
bool store_sqlite_execute(struct sqlite3 *connection, const char *text, const char *doing,
                          struct qms_error *error);
/* The single integer a statement (a pragma) yields. */
bool store_sqlite_integer(struct sqlite3 *connection, const char *text, int64_t *integer,
                          struct qms_error *error);

/* Takes the file: creates it if need be, locks it against other servers, looks at its first bytes.
 * It is altered only by being created. */
bool store_sqlite_file_open(struct store_sqlite_file *file, const char *path,
                            struct qms_error *error);
/* Takes a file that is there beside whoever has it. */
bool store_sqlite_file_open_beside(struct store_sqlite_file *file, const char *path,
                                   struct qms_error *error);
/* SQLite's view, with what lies in the log: is it ours, of a version we know, undamaged? */
bool store_sqlite_file_verify(struct store_sqlite_file *file, struct sqlite3 *connection,
                              struct qms_error *error);
void store_sqlite_file_remove(struct store_sqlite_file *file); /* if it was created */
void store_sqlite_file_close(struct store_sqlite_file *file);

bool store_sqlite_migrate(struct store_sqlite *sqlite, struct qms_error *error);

bool store_sqlite_load(struct store *store, struct store_load *load, struct qms_error *error);
bool store_sqlite_load_catalogue(struct store_sqlite *sqlite, struct store_load *load,
                                 struct qms_error *error);
bool store_sqlite_load_directory(struct store_sqlite *sqlite, struct store_load *load,
                                 struct qms_error *error);

bool store_sqlite_find(struct store *store, struct store_find *finds, size_t count,
                       struct arena *arena, struct qms_error *error);
/* Takes a subscription's own columns, the first of the row. */
void store_sqlite_read_subscription(struct row *row, struct account *account,
                                    struct subscription *subscription);
/* Puts all rows of quotas or usages into the account's subscriptions; false: one is broken. */
bool store_sqlite_read_quantities(struct row *row, struct account *account, enum value_type type);
/* Puts what a replay is found by: its key, user, operation and principal. */
void store_sqlite_put_replay_key(struct row *row, const struct replay *replay);
uint32_t store_sqlite_replay_fingerprint(const struct store_sqlite *sqlite,
                                         const struct replay *replay);
/* Fills the index of keys from the table. */
bool store_sqlite_load_keys(struct store_sqlite *sqlite, struct qms_error *error);
/* The first row of request_key_groups and the one after the last. */
bool store_sqlite_key_ends(struct store_sqlite *sqlite, int64_t *first_id, int64_t *next_id,
                           struct qms_error *error);

/* Writes all changes into the open transaction; the SQLite code. */
int store_sqlite_write(struct store_sqlite *sqlite, const struct uuid *batch_id,
                       const struct changes *changes);
/* The table new_updates on a connection that has just been opened. */
bool store_sqlite_provide_updates(struct store_sqlite *sqlite, struct qms_error *error);
int store_sqlite_write_updates(struct store_sqlite *sqlite, const struct change_list *updates);
int store_sqlite_write_catalogue(struct store_sqlite *sqlite, const struct changes *changes);
/* Those of the replays that expire. */
int store_sqlite_write_keys(struct store_sqlite *sqlite, const struct changes *changes);
/* SQLITE_BUSY_SNAPSHOT: the directory is not of the version that the changes were decided on. */
int store_sqlite_write_directory(struct store_sqlite *sqlite, const struct changes *changes);
/* Runs a statement that changes exactly one row; SQLITE_NOTFOUND if there is none. */
int store_sqlite_run_one(struct row *row);

struct store_reader *store_sqlite_reader_open(struct store *store, struct qms_error *error);
void store_sqlite_reader_close(struct store_reader *reader);
bool store_sqlite_list(struct store_reader *reader, struct store_listing *listing,
                       struct qms_error *error);

#endif
