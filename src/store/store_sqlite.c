#include "store/store_sqlite.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/log.h"
#include "store/store_sqlite_gather.h"
#include "store/store_url.h"

/* A larger log makes each commit cheaper (a page that many batches change is copied to the file
 * once) and each checkpoint longer. From the first bound the log is checkpointed when the engine is
 * idle; at the second one the batch that has just committed does it, so that the log stays bounded
 * under endless load. Measured: 10,000 pages take 13 to 40 ms. */
enum {
    CHECKPOINT_PAGES = 10000,
    CHECKPOINT_PAGES_MAX = 4 * CHECKPOINT_PAGES,
    CHECKPOINT_RETRY_PAGES = 1000, /* after one that a reader's snapshot kept from its end */
};
enum { PURGE_ROWS = 200, PURGE_EVERY_US = 600 * 1000000 };
enum { REOPEN_PAUSE_US = 250000 };

/* ---- errors ---- */

static bool code_may_pass(int code) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return false;
    }
}

bool store_sqlite_fail(struct sqlite3 *connection, int code, const char *doing,
                       struct qms_error *error) {
    log_format(LOG_ERROR, "store: cannot %s: %s (%s, %d)", doing, sqlite3_errmsg(connection),
               sqlite3_errstr(code), code);
    return qms_fail_code(error, code_may_pass(code) ? QMS_UNAVAILABLE : QMS_INTERNAL);
}

bool store_sqlite_execute(struct sqlite3 *connection, const char *text, const char *doing,
                          struct qms_error *error) {
    int code = sqlite3_exec(connection, text, NULL, NULL, NULL);
    return code == SQLITE_OK || store_sqlite_fail(connection, code, doing, error);
}

bool store_sqlite_integer(struct sqlite3 *connection, const char *text, int64_t *integer,
                          struct qms_error *error) {
    struct sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection, text, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *integer = sqlite3_column_int64(statement, 0);
    if (code != SQLITE_ROW) store_sqlite_fail(connection, code, text, error);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

/* ---- the connection ---- */

struct sqlite3 *store_sqlite_connect(const struct store_sqlite *sqlite, int flags,
                                     struct qms_error *error) {
    struct sqlite3 *connection = NULL;
    int code = sqlite3_open_v2(sqlite->file.path, &connection, flags | SQLITE_OPEN_NOMUTEX,
                               sqlite->vfs);
    if (code != SQLITE_OK) {
        store_sqlite_fail(connection, code, "open the database", error);
        sqlite3_close(connection);
        return NULL;
    }
    sqlite3_extended_result_codes(connection, 1);
    sqlite3_busy_timeout(connection, SQLITE_BUSY_MS);
    return connection;
}

static int connection_flags(const struct store_sqlite *sqlite) {
    bool in_memory = sqlite->file.descriptor < 0;
    return SQLITE_OPEN_READWRITE | (in_memory ? SQLITE_OPEN_CREATE | SQLITE_OPEN_URI : 0);
}

static int on_commit(void *context, struct sqlite3 *connection, const char *database, int pages) {
    (void)connection, (void)database;
    struct store_sqlite *sqlite = context;
    sqlite->log_pages = pages;
    return SQLITE_OK;
}

/* Everything here is forgotten with the connection; none of it alters the file. */
static bool connection_configure(struct store_sqlite *sqlite, struct qms_error *error) {
    char settings[256];
    snprintf(settings, sizeof settings,
             "PRAGMA foreign_keys = ON; PRAGMA synchronous = %s; PRAGMA temp_store = MEMORY;"
             "PRAGMA cache_size = -%d; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
             sqlite->synchronous_off ? "OFF" : "FULL", SQLITE_CACHE_KIB);
    sqlite->data_version = -1;
    sqlite->log_pages = 0;
    sqlite->checkpoint_pages = CHECKPOINT_PAGES;
    return store_sqlite_execute(sqlite->connection, settings, "configure a connection", error) &&
           store_sqlite_provide_updates(sqlite, error);
}

/* The log is for files only; what is in memory has a journal, also in memory, to roll back with. */
static bool connection_set_journal(struct store_sqlite *sqlite, struct qms_error *error) {
    bool in_memory = sqlite->file.descriptor < 0;
    struct sqlite3_stmt *pragma = NULL;
    const char *text = in_memory ? "PRAGMA journal_mode = MEMORY" : "PRAGMA journal_mode = WAL";
    int code = sqlite3_prepare_v2(sqlite->connection, text, -1, &pragma, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(pragma);
    const char *mode =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(pragma, 0) : "";
    bool set = strcmp(mode, in_memory ? "memory" : "wal") == 0;
    if (!set) store_sqlite_fail(sqlite->connection, code, "begin a write-ahead log", error);
    sqlite3_finalize(pragma);
    sqlite3_wal_hook(sqlite->connection, on_commit, sqlite);
    return set;
}

static void connection_close(struct store_sqlite *sqlite) {
    statements_finalize(&sqlite->statements);
    int code = sqlite3_close(sqlite->connection);
    assert(code == SQLITE_OK); /* every statement is finalized */
    (void)code;
    sqlite->connection = NULL;
    sqlite->is_open = false;
}

/* With synchronous = OFF no commit ends in a sync. */
static bool connection_gather(struct store_sqlite *sqlite, struct qms_error *error) {
    if (sqlite->synchronous_off) return true;
    int code = store_sqlite_gather(sqlite->connection);
    return code == SQLITE_OK ||
           store_sqlite_fail(sqlite->connection, code, "prepare for commits", error);
}

/* Whether closing the last connection moves the log into the file. While the file is not known to
 * be sound, or after an I/O error, it must stay as it is. */
static void connection_set_checkpoint_at_close(struct store_sqlite *sqlite, bool checkpoint) {
    sqlite3_db_config(sqlite->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoint, NULL);
}

static bool last_batch_find(struct store_sqlite *sqlite, struct uuid *batch_id,
                            int64_t *committed_us, struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, FIND_BATCH);
    bool found = row_next(&row);
    if (found) {
        *batch_id = row_uuid(&row);
        *committed_us = row_integer(&row);
    }
    int code = row_close(&row);
    if (code != SQLITE_OK) {
        return store_sqlite_fail(sqlite->connection, code, "read the last batch", error);
    }
    if (found && !row.broken) return true;
    log_format(LOG_ERROR, "store: the row of last_batch is missing or broken");
    return qms_fail_code(error, QMS_INTERNAL);
}

/* Writes the whole log once more, as it reads; the next commit flushes it. */
static int log_write_again(struct sqlite3 *connection) {
    enum { PIECE_BYTES = 65536 }; /* the largest piece every SQLite file takes */
    sqlite3_file *log = NULL;
    sqlite3_int64 bytes = 0;
    int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log->pMethods != NULL) code = log->pMethods->xFileSize(log, &bytes);
    if (code != SQLITE_OK || bytes == 0) return code;
    char *piece = memory_take(PIECE_BYTES);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < bytes; at += PIECE_BYTES) {
        int length = bytes - at < PIECE_BYTES ? (int)(bytes - at) : PIECE_BYTES;
        code = log->pMethods->xRead(log, piece, length, at);
        if (code == SQLITE_OK) code = log->pMethods->xWrite(log, piece, length, at);
    }
    memory_give(piece);
    return code;
}

/* After a commit of unknown outcome: what is read now must be what a power cut would leave.
 *   - A batch that is found may be in memory only: the kernel does not repeat a flush that failed,
 *     and takes the pages for written. Writing the log again makes it write them. (Moving the log
 *     into the file instead would not do: were the power cut then, a log without its end would be
 *     played over a file that has it.)
 *   - A batch that is not found may still lie in the log, behind its end as a reader's index knows
 *     it, and would be found after a restart. A commit in its place overwrites it. */
static bool connection_settle(struct store_sqlite *sqlite, struct qms_error *error) {
    struct uuid batch_id;
    int64_t committed_us;
    if (!last_batch_find(sqlite, &batch_id, &committed_us, error)) return false;
    int code = log_write_again(sqlite->connection);
    if (code == SQLITE_OK) {
        struct row row;
        row_open(&row, &sqlite->statements, SAVE_BATCH);
        row_put_uuid(&row, &batch_id);
        row_put_integer(&row, committed_us + 1); /* SQLite writes nothing when nothing changes */
        code = row_run(&row);
    }
    return code == SQLITE_OK ||
           store_sqlite_fail(sqlite->connection, code, "write the log again", error);
}

/* The next batch opens another. */
static void connection_give_up(struct store_sqlite *sqlite) {
    connection_set_checkpoint_at_close(sqlite, false);
    connection_close(sqlite);
}

static bool connection_reopen(struct store_sqlite *sqlite, struct qms_error *error) {
    sqlite->connection = store_sqlite_connect(sqlite, connection_flags(sqlite), error);
    if (sqlite->connection == NULL) return false;
    connection_set_checkpoint_at_close(sqlite, false);
    sqlite3_wal_hook(sqlite->connection, on_commit, sqlite);
    if (!connection_configure(sqlite, error) ||
        !statements_prepare(&sqlite->statements, sqlite->connection, 0, BATCH_STATEMENT_COUNT,
                            error) ||
        !connection_settle(sqlite, error) || !store_sqlite_load_keys(sqlite, error) ||
        !connection_gather(sqlite, error)) {
        connection_close(sqlite);
        return false;
    }
    connection_set_checkpoint_at_close(sqlite, true);
    log_format(LOG_INFO, "store: the database is open again");
    return true;
}

/* For a batch, of which many may come: while the disk is full or failing, each attempt writes the
 * whole log in vain. */
static bool connection_reopen_in_turn(struct store_sqlite *sqlite, struct qms_error *error) {
    if (clock_monotonic_us() < sqlite->reopen_us) return qms_fail_code(error, QMS_UNAVAILABLE);
    if (connection_reopen(sqlite, error)) return true;
    sqlite->reopen_us = clock_monotonic_us() + REOPEN_PAUSE_US;
    return false;
}

/* ---- time ---- */

static int64_t sqlite_now(struct store *store) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    int64_t now = clock_wall_us(sqlite->clock);
    int64_t last = atomic_load(&sqlite->last_us);
    while (now > last && !atomic_compare_exchange_weak(&sqlite->last_us, &last, now)) {}
    return now > last ? now : last;
}

/* ---- transactions ---- */

static int transaction_roll_back(struct store_sqlite *sqlite) {
    struct row row;
    /* after some errors SQLite has rolled back by itself */
    if (sqlite3_get_autocommit(sqlite->connection) != 0) return SQLITE_OK;
    row_open(&row, &sqlite->statements, ROLLBACK);
    int code = row_run(&row);
    if (code != SQLITE_OK) store_sqlite_fail(sqlite->connection, code, "roll back", NULL);
    return code;
}

/* A transaction that cannot be rolled back would be in the way of every later one, and would keep
 * its locks: it ends with its connection, and the next one opens another. What is in memory would
 * go with its connection, so there the rolling back is tried again. */
static void sqlite_end(struct store *store) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    bool in_memory = sqlite->file.descriptor < 0;
    if (sqlite->connection == NULL) return;
    if (transaction_roll_back(sqlite) != SQLITE_OK && !in_memory) connection_give_up(sqlite);
    sqlite->is_open = false;
}

static bool sqlite_begin(struct store *store, bool writes, bool *stale, struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    assert(!sqlite->is_open);
    if (sqlite->connection == NULL && !connection_reopen_in_turn(sqlite, error)) return false;
    if (transaction_roll_back(sqlite) != SQLITE_OK) return qms_fail_code(error, QMS_UNAVAILABLE);
    struct row row;
    row_open(&row, &sqlite->statements, writes ? BEGIN_WRITE : BEGIN_READ);
    int code = row_run(&row);
    if (code != SQLITE_OK) {
        return store_sqlite_fail(sqlite->connection, code, "begin a transaction", error);
    }
    /* This is what fixes the snapshot of a reading transaction. */
    row_open(&row, &sqlite->statements, DATA_VERSION);
    int64_t version = row_next(&row) ? row_integer(&row) : -1;
    code = row_close(&row);
    if (code != SQLITE_OK) {
        store_sqlite_fail(sqlite->connection, code, "look for other writers", error);
        sqlite_end(store);
        return false;
    }
    store_sqlite_keys_rollback(&sqlite->keys); /* what was not committed */
    *stale = version != sqlite->data_version;
    if (*stale) {
        store_sqlite_trail_forget(&sqlite->trail);
        sqlite->directory_version = -1;
    }
    sqlite->data_version = version;
    sqlite->is_open = true;
    sqlite->writes = writes;
    int64_t now = sqlite_now(store);
    sqlite->moment =
        (struct store_moment){.decided_us = now, .stamped_us = now, .actor = sqlite->actor};
    return true;
}

static bool sqlite_find(struct store *store, struct store_find *finds, size_t count,
                        struct arena *arena, struct qms_error *error) {
    assert(store_sqlite_of(store)->is_open);
    if (store_sqlite_find(store, finds, count, arena, error)) return true;
    sqlite_end(store);
    return false;
}

static bool sqlite_load(struct store *store, struct store_load *load, struct qms_error *error) {
    assert(store_sqlite_of(store)->is_open);
    if (store_sqlite_load(store, load, error)) return true;
    sqlite_end(store);
    return false;
}

static void sqlite_checkpoint(struct store_sqlite *sqlite) {
    int pages = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(sqlite->connection, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                         &pages, &moved);
    if (code != SQLITE_OK) store_sqlite_fail(sqlite->connection, code, "checkpoint", NULL);
    bool whole = code == SQLITE_OK && moved == pages;
    sqlite->checkpoint_pages = whole ? CHECKPOINT_PAGES : pages + CHECKPOINT_RETRY_PAGES;
    if (whole) sqlite->log_pages = 0;
}

/* The commit itself failed: the log may hold the batch or not. */
static enum store_outcome commit_failed(struct store_sqlite *sqlite, int code,
                                        struct qms_error *error) {
    bool in_memory = sqlite->file.descriptor < 0;
    store_sqlite_fail(sqlite->connection, code, "commit", error);
    if (in_memory || (code & 0xff) == SQLITE_BUSY) {
        sqlite_end(&sqlite->base); /* nothing was written: the transaction is still open */
        return STORE_FAILED;
    }
    connection_give_up(sqlite);
    qms_fail_code(error, QMS_OUTCOME_UNKNOWN);
    return STORE_UNKNOWN;
}

/* Data the schema refuses, and damaged pages: only what touches them is to fail, which halving the
 * batch finds out. */
static bool code_is_of_data(int code) {
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_CORRUPT:
        return true;
    default:
        return false;
    }
}

static enum store_outcome sqlite_save(struct store *store, const struct uuid *batch_id,
                                      const struct changes *changes, struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    assert(sqlite->is_open);
    assert(sqlite->writes);
    int code = store_sqlite_write(sqlite, batch_id, changes);
    if (code != SQLITE_OK) {
        if (code == SQLITE_NOTFOUND) log_format(LOG_ERROR, "store: a row to be changed is gone");
        store_sqlite_fail(sqlite->connection, code, "save", error);
        sqlite_end(store);
        if (code == SQLITE_BUSY_SNAPSHOT) return STORE_OVERTAKEN;
        return code_is_of_data(code) ? STORE_REFUSED : STORE_FAILED;
    }
    struct row row;
    row_open(&row, &sqlite->statements, COMMIT);
    code = row_run(&row);
    if (code != SQLITE_OK) return commit_failed(sqlite, code, error);
    sqlite->is_open = false;
    store_sqlite_keys_commit(&sqlite->keys);
    if (changes_directory_any(changes)) sqlite->directory_version = changes->directory_version + 1;
    if (sqlite->log_pages >= CHECKPOINT_PAGES_MAX &&
        sqlite->log_pages >= sqlite->checkpoint_pages) {
        sqlite_checkpoint(sqlite);
    }
    return STORE_COMMITTED;
}

static bool sqlite_resolve(struct store *store, const struct uuid *batch_id, bool *committed,
                           struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    assert(!sqlite->is_open);
    if (sqlite->connection == NULL && !connection_reopen(sqlite, error)) return false;
    struct uuid last;
    int64_t committed_us;
    if (!last_batch_find(sqlite, &last, &committed_us, error)) return false;
    *committed = uuid_equal(&last, batch_id);
    return true;
}

/* Forgets some of the keys that have expired; the rest at the next call. */
static void sqlite_purge(struct store_sqlite *sqlite) {
    struct row row;
    int64_t now_us = sqlite_now(&sqlite->base), deleted = 0;
    row_open(&row, &sqlite->statements, DELETE_REQUEST_KEYS);
    row_put_integer(&row, now_us - REQUEST_KEY_KEPT_US);
    row_put_integer(&row, PURGE_ROWS);
    int code = row_run_counted(&row, &deleted);
    if (code != SQLITE_OK || deleted < PURGE_ROWS) sqlite->purge_us = now_us + PURGE_EVERY_US;
    if (code != SQLITE_OK) {
        store_sqlite_fail(sqlite->connection, code, "forget old keys", NULL);
        bool in_memory = sqlite->file.descriptor < 0;
        if (!in_memory && (code & 0xff) != SQLITE_BUSY) connection_give_up(sqlite);
        return;
    }
    int64_t first_id, next_id;
    if (deleted > 0 && store_sqlite_key_ends(sqlite, &first_id, &next_id, NULL))
        store_sqlite_keys_forget(&sqlite->keys,
                                 next_id == 1 ? sqlite->keys.next_id : first_id);
}

static void sqlite_idle(struct store *store) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    assert(!sqlite->is_open);
    if (sqlite->connection == NULL) return;
    if (sqlite->log_pages >= sqlite->checkpoint_pages) sqlite_checkpoint(sqlite);
    if (sqlite_now(store) >= sqlite->purge_us) sqlite_purge(sqlite);
}

/* ---- open and close ---- */

static void sqlite_free(struct store_sqlite *sqlite) {
    store_sqlite_keys_close(&sqlite->keys);
    store_sqlite_trail_close(&sqlite->trail);
    memory_give((char *)sqlite->actor.data);
    memory_give(sqlite);
}

static void sqlite_close(struct store *store) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    if (sqlite->is_open) sqlite_end(store);
    if (sqlite->connection != NULL) connection_close(sqlite);
    store_sqlite_file_close(&sqlite->file);
    sqlite_free(sqlite);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .owns_database = true,
    .begin = sqlite_begin,
    .find = sqlite_find,
    .load = sqlite_load,
    .save = sqlite_save,
    .end = sqlite_end,
    .resolve = sqlite_resolve,
    .idle = sqlite_idle,
    .now = sqlite_now,
    .reader_open = store_sqlite_reader_open,
    .reader_close = store_sqlite_reader_close,
    .list = store_sqlite_list,
    .close = sqlite_close,
};

/* A database in memory has a name of its own, by which its readers find it. */
static void sqlite_name_memory(struct store_sqlite *sqlite) {
    static atomic_uint names;
    sqlite->file.descriptor = -1;
    sqlite->file.is_new = true;
    snprintf(sqlite->file.path, sizeof sqlite->file.path, "file:/qms-%u?vfs=memdb",
             atomic_fetch_add(&names, 1));
    sqlite->vfs = NULL;
}

/* The store's time goes on from where it was, also when the system's clock has been set back. */
static bool sqlite_continue_time(struct store_sqlite *sqlite, struct qms_error *error) {
    enum { NOTICEABLE_US = 1000000 };
    struct uuid batch_id;
    int64_t committed_us;
    if (!last_batch_find(sqlite, &batch_id, &committed_us, error)) return false;
    atomic_store(&sqlite->last_us, committed_us);
    int64_t ahead_us = committed_us - clock_wall_us(sqlite->clock);
    if (ahead_us > NOTICEABLE_US) {
        log_format(LOG_WARNING,
                   "store: the last change was made %lld s later than the clock says it is now;"
                   " time stands still until then",
                   (long long)(ahead_us / 1000000));
    }
    return true;
}

/* Statistics of its memory, which nobody reads, have SQLite lock a mutex at each allocation: a
 * twelfth of the instructions of a change. Too late, and kept, where SQLite is in use already. */
static void sqlite_forgo_statistics(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool sqlite_open_database(struct store_sqlite *sqlite, struct qms_error *error) {
    sqlite->connection = store_sqlite_connect(sqlite, connection_flags(sqlite), error);
    if (sqlite->connection == NULL) return false;
    connection_set_checkpoint_at_close(sqlite, !sqlite->file.has_log);
    /* A new file is filled before its log begins, so that its very first bytes say whose it is. */
    if (!store_sqlite_file_verify(&sqlite->file, sqlite->connection, error) ||
        !connection_configure(sqlite, error) || !store_sqlite_migrate(sqlite, error) ||
        !connection_set_journal(sqlite, error) ||
        !statements_prepare(&sqlite->statements, sqlite->connection, 0, BATCH_STATEMENT_COUNT,
                            error) ||
        !sqlite_continue_time(sqlite, error) || !store_sqlite_load_keys(sqlite, error) ||
        !connection_gather(sqlite, error)) {
        connection_close(sqlite);
        return false;
    }
    connection_set_checkpoint_at_close(sqlite, true);
    return true;
}

struct store *store_sqlite_open(const struct store_options *options, struct qms_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, sqlite_forgo_statistics);
    const char *path = store_url_path(options->url);
    struct store_sqlite *sqlite = memory_take_zeroed(1, sizeof *sqlite);
    sqlite->base.ops = &sqlite_ops;
    store_sqlite_keys_open(&sqlite->keys);
    store_sqlite_trail_open(&sqlite->trail);
    sqlite->clock = options->clock;
    sqlite->synchronous_off = options->synchronous_off;
    sqlite->beside = options->beside;
    sqlite->vfs = options->vfs;
    sqlite->catalogue_version = sqlite->directory_version = -1;
    struct text name = options->actor.length > 0 ? options->actor : TEXT("qms");
    char *actor = memory_take(name.length);
    memcpy(actor, name.data, name.length);
    sqlite->actor = (struct text){.data = actor, .length = name.length};

    if (strcmp(path, ":memory:") == 0) {
        sqlite_name_memory(sqlite);
    } else if (!(options->beside ? store_sqlite_file_open_beside
                                 : store_sqlite_file_open)(&sqlite->file, path, error)) {
        goto free_store;
    }
    if (sqlite->file.descriptor >= 0) sqlite->vfs = store_sqlite_gather_over(options->vfs);
    if (!sqlite_open_database(sqlite, error)) goto close_file;
    return &sqlite->base;
close_file:
    store_sqlite_file_remove(&sqlite->file);
    store_sqlite_file_close(&sqlite->file);
free_store:
    sqlite_free(sqlite);
    return NULL;
}
