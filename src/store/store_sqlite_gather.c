#include "store/store_sqlite_gather.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum {
    GATHER_BYTES = 120 << 10, /* a single write must stay below 128 KiB */
    NAME_BYTES = 32,
};

struct gather_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *under;
    char name[NAME_BYTES];
};

/* A write-ahead log; its handle in the VFS below lies behind it. */
struct gather_log {
    sqlite3_file file;
    sqlite3_file *under;
    char *bytes;         /* not written yet; NULL: nothing is gathered in this log */
    int count;
    sqlite3_int64 start; /* where in the log they belong */
    int failed;          /* of a piece that could not be written; SQLITE_OK: of none */
};

static struct gather_log *log_of(sqlite3_file *file) {
    return (struct gather_log *)file;
}

/* A piece that cannot be written is given up, and with it all writing by this handle: no later sync
 * can do without the piece, and where it belongs somebody else may have written since. */
static int log_flush(struct gather_log *log) {
    if (log->count == 0) return log->failed;
    log->failed = log->under->pMethods->xWrite(log->under, log->bytes, log->count, log->start);
    log->count = 0;
    return log->failed;
}

/* What others have committed can be read by a handle that writes no more. */
static int log_flush_to_read(struct gather_log *log) {
    return log->count == 0 ? SQLITE_OK : log_flush(log);
}

/* ---- what SQLite calls ---- */

/* What has not been synced was not committed, and the lock under which it was to be written may be
 * somebody else's by now. */
static int gather_close(sqlite3_file *file) {
    struct gather_log *log = log_of(file);
    memory_give(log->bytes);
    return log->under->pMethods->xClose(log->under);
}

static int gather_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset) {
    struct gather_log *log = log_of(file);
    int code = log_flush_to_read(log);
    return code != SQLITE_OK ? code
                             : log->under->pMethods->xRead(log->under, data, bytes, offset);
}

/* A single write that leaves no room for others is not gathered. */
static int gather_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset) {
    struct gather_log *log = log_of(file);
    bool fits = offset == log->start + log->count && log->count + bytes <= GATHER_BYTES;
    int code = fits ? log->failed : log_flush(log);
    if (code != SQLITE_OK) return code;
    if (log->bytes == NULL || bytes > GATHER_BYTES)
        return log->under->pMethods->xWrite(log->under, data, bytes, offset);
    if (log->count == 0) log->start = offset;
    memcpy(log->bytes + log->count, data, (size_t)bytes);
    log->count += bytes;
    return SQLITE_OK;
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
    struct gather_log *log = log_of(file);
    int code = log_flush(log);
    return code != SQLITE_OK ? code : log->under->pMethods->xTruncate(log->under, bytes);
}

static int gather_sync(sqlite3_file *file, int flags) {
    struct gather_log *log = log_of(file);
    int code = log_flush(log);
    return code != SQLITE_OK ? code : log->under->pMethods->xSync(log->under, flags);
}

static int gather_file_size(sqlite3_file *file, sqlite3_int64 *bytes) {
    struct gather_log *log = log_of(file);
    int code = log_flush_to_read(log);
    return code != SQLITE_OK ? code : log->under->pMethods->xFileSize(log->under, bytes);
}

static int gather_lock(sqlite3_file *file, int lock) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xLock(log->under, lock);
}

static int gather_unlock(sqlite3_file *file, int lock) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xUnlock(log->under, lock);
}

static int gather_check_reserved(sqlite3_file *file, int *reserved) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xCheckReservedLock(log->under, reserved);
}

static int gather_control(sqlite3_file *file, int operation, void *argument) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xFileControl(log->under, operation, argument);
}

static int gather_sector_size(sqlite3_file *file) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xSectorSize(log->under);
}

static int gather_characteristics(sqlite3_file *file) {
    struct gather_log *log = log_of(file);
    return log->under->pMethods->xDeviceCharacteristics(log->under);
}

static const sqlite3_io_methods gather_methods = {
    .iVersion = 1, /* a log is neither shared memory nor mapped */
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_file_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_check_reserved,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector_size,
    .xDeviceCharacteristics = gather_characteristics,
};

/* Every other file is the VFS's below, as if there were nothing above it. */
static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags) {
    sqlite3_vfs *under = ((struct gather_vfs *)vfs)->under;
    if ((flags & SQLITE_OPEN_WAL) == 0) return under->xOpen(under, name, file, flags, out_flags);
    struct gather_log *log = log_of(file);
    *log = (struct gather_log){.under = (sqlite3_file *)(log + 1)};
    int code = under->xOpen(under, name, log->under, flags, out_flags);
    if (code == SQLITE_OK) log->file.pMethods = &gather_methods;
    return code;
}

const char *store_sqlite_gather_over(const char *vfs) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char name[NAME_BYTES];
    sqlite3_vfs *under = sqlite3_vfs_find(vfs);
    assert(under != NULL);
    int length = snprintf(name, sizeof name, "qms-%s", under->zName);
    assert(length < NAME_BYTES);
    (void)length;
    pthread_mutex_lock(&lock);
    sqlite3_vfs *found = sqlite3_vfs_find(name);
    if (found == NULL) {
        struct gather_vfs *made = memory_take_zeroed(1, sizeof *made); /* as long as the program */
        made->vfs = *under; /* times, deleting and full names are as below */
        made->under = under;
        memcpy(made->name, name, sizeof name);
        made->vfs.pNext = NULL;
        made->vfs.zName = made->name;
        made->vfs.szOsFile = (int)sizeof(struct gather_log) + under->szOsFile;
        made->vfs.xOpen = gather_open;
        int code = sqlite3_vfs_register(&made->vfs, 0);
        assert(code == SQLITE_OK);
        (void)code;
        found = &made->vfs;
    }
    pthread_mutex_unlock(&lock);
    return found->zName;
}

/* NULL where there is no log, as in memory. */
static int connection_log(struct sqlite3 *connection, const char *setting,
                          struct gather_log **log) {
    sqlite3_file *file = NULL;
    int code = sqlite3_exec(connection, setting, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    bool has_log = code == SQLITE_OK && file->pMethods == &gather_methods;
    *log = has_log ? log_of(file) : NULL;
    assert(!has_log || (*log)->count == 0); /* between transactions nothing is gathered */
    return code;
}

int store_sqlite_gather(struct sqlite3 *connection) {
    struct gather_log *log;
    int code = connection_log(connection, "PRAGMA cache_spill = OFF", &log);
    if (log != NULL && log->bytes == NULL) log->bytes = memory_take(GATHER_BYTES);
    return code;
}

int store_sqlite_gather_end(struct sqlite3 *connection) {
    struct gather_log *log;
    int code = connection_log(connection, "PRAGMA cache_spill = ON", &log);
    if (log != NULL) {
        memory_give(log->bytes);
        log->bytes = NULL;
    }
    return code;
}
