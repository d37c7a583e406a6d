#include "support/power_vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { SECTOR_BYTES = 512, NEVER = -1 };

/* A write, or with data NULL a truncation, that the real file has not seen. */
struct pending {
    struct pending *next;
    sqlite3_int64 offset;
    int bytes;
    char *data;
};

/* A file as programs see it; it outlives its handles while the real file does not hold it all. */
struct node {
    struct node *next;
    char *path;
    char *image;
    sqlite3_int64 bytes, capacity;
    struct pending *first, **last;
    bool is_unsyncable; /* a sync failed: some of the image never reaches the real file */
    int handles;
};

struct handle {
    sqlite3_file base;
    struct node *node;
    sqlite3_file *real;
    bool is_read_only; /* writes reach the disk through other handles */
};

static struct {
    sqlite3_vfs base;
    sqlite3_vfs *real;
    struct node *nodes;
    int cut_after, fail_after, fail_sync_after;
    int fail_code;
    enum power_loss loss;
    uint64_t random;
    bool is_cut, has_failed;
    unsigned lost;
} disk = {.cut_after = NEVER, .fail_after = NEVER, .fail_sync_after = NEVER};

static uint64_t disk_random(void) {
    disk.random ^= disk.random << 13;
    disk.random ^= disk.random >> 7;
    disk.random ^= disk.random << 17;
    return disk.random;
}

static bool countdown(int *left) {
    if (*left == NEVER) return false;
    return (*left)-- == 0;
}

/* Whether an operation that changes the disk takes place. */
static int disk_operation(void) {
    if (countdown(&disk.cut_after)) disk.is_cut = true;
    if (disk.is_cut) return SQLITE_IOERR;
    if (countdown(&disk.fail_after)) {
        disk.has_failed = true;
        return disk.fail_code;
    }
    return SQLITE_OK;
}

/* ---- nodes ---- */

static void node_forget_pending(struct node *node) {
    for (struct pending *pending = node->first, *next; pending != NULL; pending = next) {
        next = pending->next;
        memory_give(pending->data);
        memory_give(pending);
    }
    node->first = NULL;
    node->last = &node->first;
}

static struct node *node_find(const char *path) {
    struct node *node = disk.nodes;
    while (node != NULL && strcmp(node->path, path) != 0) node = node->next;
    return node;
}

static void node_free(struct node *node) {
    struct node **link = &disk.nodes;
    while (*link != node) link = &(*link)->next;
    *link = node->next;
    node_forget_pending(node);
    memory_give(node->image);
    memory_give(node->path);
    memory_give(node);
}

static void node_resize(struct node *node, sqlite3_int64 bytes) {
    if (bytes > node->capacity) {
        node->capacity = 2 * bytes;
        node->image = memory_resize(node->image, (size_t)node->capacity, 1);
    }
    if (bytes > node->bytes) {
        memset(node->image + node->bytes, 0, (size_t)(bytes - node->bytes));
    }
    node->bytes = bytes;
}

static int node_read_real(struct node *node, sqlite3_file *real) {
    sqlite3_int64 bytes;
    int code = real->pMethods->xFileSize(real, &bytes);
    if (code != SQLITE_OK) return code;
    node_resize(node, bytes);
    return bytes == 0 ? SQLITE_OK : real->pMethods->xRead(real, node->image, (int)bytes, 0);
}

static struct node *node_make(const char *path) {
    struct node *node = memory_take_zeroed(1, sizeof *node);
    node->path = memory_take(strlen(path) + 1);
    memcpy(node->path, path, strlen(path) + 1);
    node->last = &node->first;
    node->next = disk.nodes;
    disk.nodes = node;
    return node;
}

static void node_add_pending(struct node *node, const void *data, int bytes,
                             sqlite3_int64 offset) {
    struct pending *pending = memory_take_zeroed(1, sizeof *pending);
    pending->offset = offset;
    pending->bytes = bytes;
    if (data != NULL) {
        pending->data = memory_take((size_t)bytes);
        memcpy(pending->data, data, (size_t)bytes);
    }
    *node->last = pending;
    node->last = &pending->next;
}

static void pending_apply(const struct pending *pending, int bytes, sqlite3_file *real) {
    int code = pending->data == NULL
                   ? real->pMethods->xTruncate(real, pending->offset)
                   : real->pMethods->xWrite(real, pending->data, bytes, pending->offset);
    assert(code == SQLITE_OK);
    (void)code;
}

static void node_flush(struct node *node, sqlite3_file *real) {
    for (struct pending *pending = node->first; pending != NULL; pending = pending->next) {
        pending_apply(pending, pending->bytes, real);
    }
    node_forget_pending(node);
}

/* The power is gone: some of what was pending may have reached the disk by itself. */
static void node_cut(struct node *node, sqlite3_file *real) {
    for (struct pending *pending = node->first; pending != NULL; pending = pending->next) {
        uint64_t fate = disk.loss == POWER_LOSES_ALL ? 0 : disk_random() % 3;
        int sectors = pending->bytes / SECTOR_BYTES;
        int kept = fate == 0 || sectors == 0
                       ? 0
                       : SECTOR_BYTES * (int)(disk_random() % (uint64_t)sectors);
        if (fate == 1) {
            pending_apply(pending, pending->bytes, real);
            continue;
        }
        disk.lost++;
        if (kept > 0 && pending->data != NULL) pending_apply(pending, kept, real);
    }
    node_forget_pending(node);
}

/* ---- files ---- */

static struct handle *handle_of(sqlite3_file *file) {
    return (struct handle *)file;
}

static int power_close(sqlite3_file *file) {
    struct handle *handle = handle_of(file);
    struct node *node = handle->node;
    node->handles--;
    if (handle->is_read_only) {
        /* leaves what is pending to the handle that wrote it */
    } else if (disk.is_cut) {
        node_cut(node, handle->real);
    } else if (!node->is_unsyncable) {
        node_flush(node, handle->real);
    }
    bool is_done = node->handles == 0 && (disk.is_cut || !node->is_unsyncable);
    assert(!is_done || node->first == NULL);
    if (is_done) node_free(node);
    return handle->real->pMethods->xClose(handle->real);
}

static int power_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset) {
    struct node *node = handle_of(file)->node;
    if (disk.is_cut) return SQLITE_IOERR_READ;
    sqlite3_int64 there = node->bytes - offset;
    if (there > bytes) there = bytes;
    if (there < 0) there = 0;
    if (there > 0) memcpy(data, node->image + offset, (size_t)there);
    if (there == bytes) return SQLITE_OK;
    memset((char *)data + there, 0, (size_t)(bytes - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int power_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset) {
    struct node *node = handle_of(file)->node;
    int code = disk_operation();
    if (code != SQLITE_OK) return code;
    if (offset + bytes > node->bytes) node_resize(node, offset + bytes);
    memcpy(node->image + offset, data, (size_t)bytes);
    node_add_pending(node, data, bytes, offset);
    return SQLITE_OK;
}

static int power_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
    struct node *node = handle_of(file)->node;
    int code = disk_operation();
    if (code != SQLITE_OK) return code;
    node_resize(node, bytes);
    node_add_pending(node, NULL, 0, bytes);
    return SQLITE_OK;
}

static int power_sync(sqlite3_file *file, int flags) {
    (void)flags;
    struct handle *handle = handle_of(file);
    int code = disk_operation();
    if (code != SQLITE_OK) return code;
    if (countdown(&disk.fail_sync_after)) {
        disk.has_failed = true;
        handle->node->is_unsyncable = true;
        node_forget_pending(handle->node); /* in the image for good, on the disk never */
        return SQLITE_IOERR_FSYNC;
    }
    node_flush(handle->node, handle->real);
    return SQLITE_OK;
}

static int power_file_size(sqlite3_file *file, sqlite3_int64 *bytes) {
    *bytes = handle_of(file)->node->bytes;
    return disk.is_cut ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

#define REAL(file) handle_of(file)->real

static int power_lock(sqlite3_file *file, int lock) {
    return REAL(file)->pMethods->xLock(REAL(file), lock);
}

static int power_unlock(sqlite3_file *file, int lock) {
    return REAL(file)->pMethods->xUnlock(REAL(file), lock);
}

static int power_check_reserved(sqlite3_file *file, int *out) {
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out);
}

static int power_control(sqlite3_file *file, int operation, void *argument) {
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int power_sector_size(sqlite3_file *file) {
    (void)file;
    return SECTOR_BYTES;
}

static int power_characteristics(sqlite3_file *file) {
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int power_shm_map(sqlite3_file *file, int page, int bytes, int extend,
                         void volatile **out) {
    return REAL(file)->pMethods->xShmMap(REAL(file), page, bytes, extend, out);
}

static int power_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, count, flags);
}

static void power_shm_barrier(sqlite3_file *file) {
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int power_shm_unmap(sqlite3_file *file, int remove) {
    return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

static const sqlite3_io_methods power_methods = {
    .iVersion = 2,
    .xClose = power_close,
    .xRead = power_read,
    .xWrite = power_write,
    .xTruncate = power_truncate,
    .xSync = power_sync,
    .xFileSize = power_file_size,
    .xLock = power_lock,
    .xUnlock = power_unlock,
    .xCheckReservedLock = power_check_reserved,
    .xFileControl = power_control,
    .xSectorSize = power_sector_size,
    .xDeviceCharacteristics = power_characteristics,
    .xShmMap = power_shm_map,
    .xShmLock = power_shm_lock,
    .xShmBarrier = power_shm_barrier,
    .xShmUnmap = power_shm_unmap,
};

/* ---- the disk ---- */

static int power_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *out_flags) {
    (void)vfs;
    struct handle *handle = handle_of(file);
    handle->base.pMethods = NULL;
    assert(name != NULL); /* temporary files are in memory */
    if (disk.is_cut) return SQLITE_CANTOPEN;
    handle->real = (sqlite3_file *)(handle + 1);
    int code = disk.real->xOpen(disk.real, name, handle->real, flags, out_flags);
    if (code != SQLITE_OK) return code;
    struct node *node = node_find(name);
    if (node == NULL) {
        node = node_make(name);
        code = node_read_real(node, handle->real);
        assert(code == SQLITE_OK);
    }
    node->handles++;
    handle->node = node;
    handle->is_read_only = (flags & SQLITE_OPEN_READONLY) != 0;
    handle->base.pMethods = &power_methods;
    return SQLITE_OK;
}

static int power_delete(sqlite3_vfs *vfs, const char *name, int sync_directory) {
    (void)vfs;
    int code = disk_operation();
    if (code != SQLITE_OK) return code;
    struct node *node = node_find(name);
    if (node != NULL && node->handles == 0) node_free(node);
    return disk.real->xDelete(disk.real, name, sync_directory);
}

static int power_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    return disk.real->xAccess(disk.real, name, flags, out);
}

void power_vfs_register(void) {
    if (disk.real != NULL) return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.base = *disk.real; /* times, randomness, sleeping and full names as the default has them */
    disk.base.pNext = NULL;
    disk.base.zName = POWER_VFS;
    disk.base.szOsFile = (int)sizeof(struct handle) + disk.real->szOsFile;
    disk.base.xOpen = power_open;
    disk.base.xDelete = power_delete;
    disk.base.xAccess = power_access;
    int code = sqlite3_vfs_register(&disk.base, 0);
    assert(code == SQLITE_OK);
    (void)code;
}

void power_vfs_cut_after(unsigned operations, enum power_loss loss, uint64_t seed) {
    disk.cut_after = (int)operations;
    disk.loss = loss;
    disk.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    disk.lost = 0;
}

bool power_vfs_is_cut(void) {
    return disk.is_cut;
}

unsigned power_vfs_restore(void) {
    while (disk.nodes != NULL) {
        assert(disk.nodes->handles == 0);
        node_free(disk.nodes);
    }
    disk.is_cut = disk.has_failed = false;
    disk.cut_after = disk.fail_after = disk.fail_sync_after = NEVER;
    return disk.lost;
}

void power_vfs_fail_sync_after(unsigned syncs) {
    disk.fail_sync_after = (int)syncs;
    disk.has_failed = false;
}

void power_vfs_fail_after(unsigned operations, int code) {
    disk.fail_after = (int)operations;
    disk.fail_code = code;
    disk.has_failed = false;
}

bool power_vfs_has_failed(void) {
    return disk.has_failed;
}
