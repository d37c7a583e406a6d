#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/migration.h"
#include "store/store_sqlite.h"

/* Files up to this size are read through when they are opened; 284 MB took 0.7 s. */
static const int64_t CHECKED_BYTES_MAX = INT64_C(1) << 30;

/* The file header of the SQLite format, and of its rollback journal; all numbers big-endian. */
enum {
    HEADER_BYTES = 100,
    HEADER_PAGE_SIZE = 16,
    HEADER_CHANGES = 24,
    HEADER_PAGES = 28,
    HEADER_USER_VERSION = 60,
    HEADER_APPLICATION_ID = 68,
    HEADER_PAGES_VALID_FOR = 92,
    JOURNAL_BYTES = 20,
    JOURNAL_PAGES_BEFORE = 16,
};
static const char header_magic[16] = "SQLite format 3";
static const uint8_t journal_magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

static uint32_t number_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool refuse_errno(const char *path, struct qms_error *error) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return qms_fail(error, QMS_NOT_FOUND, "cannot open %s: there is no such directory", path);
    case EISDIR:
        return qms_fail(error, QMS_BAD_REQUEST, "cannot open %s: it is a directory", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return qms_fail(error, QMS_FORBIDDEN, "cannot open %s: no permission to write", path);
    default:
        return qms_fail(error, QMS_UNAVAILABLE, "cannot open %s: %s", path, strerrordesc_np(errno));
    }
}

static bool file_create_or_open(struct store_sqlite_file *file, const char *path,
                                struct qms_error *error) {
    file->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    file->was_created = file->descriptor >= 0;
    if (file->descriptor < 0 && errno == EEXIST) {
        /* not blocking: it may be a pipe that nobody reads */
        file->descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    }
    if (file->descriptor < 0) return refuse_errno(path, error);
    return true;
}

/* A lock that belongs to our descriptor, so it ends with the process however that ends. It covers
 * one byte that SQLite neither locks nor reads: SQLite's own locks lie on the 512 bytes from 1 GiB.
 * They are of the older kind, which a process loses on every lock it holds on a file as soon as it
 * closes any descriptor of that file: ours is therefore closed after SQLite's, never before. */
static bool file_lock(struct store_sqlite_file *file, const char *path, struct qms_error *error) {
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = (off_t)(INT64_C(1) << 30) + 4096,
        .l_len = 1,
    };
    if (fcntl(file->descriptor, F_OFD_SETLK, &lock) == 0) return true;
    if (errno != EAGAIN && errno != EACCES) {
        return qms_fail(error, QMS_UNAVAILABLE, "cannot lock %s: %s", path, strerrordesc_np(errno));
    }
    return qms_fail(error, QMS_UNAVAILABLE, "%s is in use by another qms", path);
}

/* The size of a file beside the database, 0 if there is none; head gets its first bytes. */
static int64_t beside_read(const struct store_sqlite_file *file, const char *suffix, uint8_t *head,
                           size_t head_bytes) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s%s", file->path, suffix);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return 0;
    struct stat status;
    int64_t bytes = 0;
    if (fstat(descriptor, &status) == 0 && pread(descriptor, head, head_bytes, 0) >= 0) {
        bytes = status.st_size;
    }
    close(descriptor);
    return bytes;
}

/* A file that was being created when the power failed has a journal that says it was empty before:
 * SQLite makes it empty again when it opens it. */
static bool creation_was_cut_off(const struct store_sqlite_file *file) {
    uint8_t journal[JOURNAL_BYTES] = {0};
    if (beside_read(file, "-journal", journal, sizeof journal) < JOURNAL_BYTES) return false;
    return memcmp(journal, journal_magic, sizeof journal_magic) == 0 &&
           number_at(journal + JOURNAL_PAGES_BEFORE) == 0;
}

static bool refuse_damaged(const char *path, const char *why, struct qms_error *error) {
    return qms_fail(error, QMS_INTERNAL, "%s is damaged (%s); restore it from a backup", path, why);
}

static bool refuse_newer(const char *path, int64_t version, struct qms_error *error) {
    return qms_fail(error, QMS_CONFLICT,
                    "%s is of version %lld, this qms knows versions up to %zu; use a newer qms",
                    path, (long long)version, sqlite_migrations_count);
}

/* A log may hold what the file lacks yet, and a journal what it will be again, so only a file
 * without either can be seen to be short. */
static bool is_short(const struct store_sqlite_file *file, const uint8_t *header) {
    uint8_t ignored[1];
    if (file->has_log || beside_read(file, "-journal", ignored, sizeof ignored) > 0) return false;
    uint32_t page_bytes = (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    if (page_bytes == 1) page_bytes = 65536;
    if (number_at(header + HEADER_CHANGES) != number_at(header + HEADER_PAGES_VALID_FOR)) {
        return false; /* the count of pages is out of date */
    }
    return file->bytes < (int64_t)number_at(header + HEADER_PAGES) * page_bytes;
}

/* Looks at the file before SQLite does, because SQLite may repair what it opens. */
static bool file_inspect(struct store_sqlite_file *file, const char *path,
                         struct qms_error *error) {
    uint8_t header[HEADER_BYTES] = {0}, ignored[1];
    file->has_log = beside_read(file, "-wal", ignored, sizeof ignored) > 0;
    if (file->bytes == 0) {
        if (file->has_log) {
            return refuse_damaged(path, "it is empty, but a write-ahead log lies beside it", error);
        }
        file->is_new = true;
        return true;
    }
    if (pread(file->descriptor, header, sizeof header, 0) < 0) return refuse_errno(path, error);
    if (creation_was_cut_off(file)) {
        file->is_new = true;
        return true;
    }
    if (memcmp(header, header_magic, sizeof header_magic) != 0) {
        return qms_fail(error, QMS_CONFLICT,
                        "%s is not a qms database, or its beginning was overwritten", path);
    }
    if (file->bytes < HEADER_BYTES) return refuse_damaged(path, "it was cut off", error);
    if (number_at(header + HEADER_APPLICATION_ID) != SQLITE_APPLICATION_ID) {
        return qms_fail(error, QMS_CONFLICT, "%s is an SQLite database, but not of qms", path);
    }
    uint32_t version = number_at(header + HEADER_USER_VERSION);
    if (version > sqlite_migrations_count) return refuse_newer(path, version, error);
    if (is_short(file, header)) return refuse_damaged(path, "it was cut off", error);
    return true;
}

bool store_sqlite_file_open(struct store_sqlite_file *file, const char *path,
                            struct qms_error *error) {
    *file = (struct store_sqlite_file){.descriptor = -1};
    struct stat status;
    if (!file_create_or_open(file, path, error)) return false;
    if (fstat(file->descriptor, &status) != 0) {
        refuse_errno(path, error);
        goto close_file;
    }
    if (!S_ISREG(status.st_mode)) {
        qms_fail(error, QMS_BAD_REQUEST, "cannot open %s: it is not a file", path);
        goto close_file;
    }
    if (!file_lock(file, path, error)) goto close_file;
    /* The name SQLite gets survives a change of directory; the log lies beside the real file. */
    if (realpath(path, file->path) == NULL || fstat(file->descriptor, &status) != 0) {
        refuse_errno(path, error);
        goto remove_file;
    }
    file->bytes = status.st_size; /* now that nobody else writes */
    if (!file_inspect(file, path, error)) goto remove_file;
    return true;
remove_file:
    store_sqlite_file_remove(file);
close_file:
    store_sqlite_file_close(file);
    return false;
}

bool store_sqlite_file_open_beside(struct store_sqlite_file *file, const char *path,
                                   struct qms_error *error) {
    *file = (struct store_sqlite_file){.descriptor = -1};
    struct stat status;
    file->descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->descriptor < 0 && errno == ENOENT)
        return qms_fail(error, QMS_NOT_FOUND,
                        "there is no %s; qms serve or qms migrate makes it", path);
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0 ||
        realpath(path, file->path) == NULL) {
        refuse_errno(path, error);
    } else if (!S_ISREG(status.st_mode)) {
        qms_fail(error, QMS_BAD_REQUEST, "cannot open %s: it is not a file", path);
    } else {
        file->bytes = status.st_size;
        if (file_inspect(file, path, error)) return true;
    }
    store_sqlite_file_close(file);
    return false;
}

/* The first complaint of a check that reads the whole file. */
static bool verify_pages(const struct store_sqlite_file *file, struct sqlite3 *connection,
                         struct qms_error *error) {
    struct sqlite3_stmt *check = NULL;
    int code = sqlite3_prepare_v2(connection, "PRAGMA quick_check(1)", -1, &check, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(check);
    const char *result = code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0)
                                            : sqlite3_errmsg(connection);
    bool sound = code == SQLITE_ROW && strcmp(result, "ok") == 0;
    if (!sound) log_format(LOG_ERROR, "store: %s: %s", file->path, result);
    sqlite3_finalize(check);
    if (sound) return true;
    return refuse_damaged(file->path, "SQLite's check failed, see the log", error);
}

bool store_sqlite_file_verify(struct store_sqlite_file *file, struct sqlite3 *connection,
                              struct qms_error *error) {
    int64_t application_id, version, tables;
    struct qms_error reading;
    if (!store_sqlite_integer(connection, "PRAGMA application_id", &application_id, &reading) ||
        !store_sqlite_integer(connection, "PRAGMA user_version", &version, &reading) ||
        !store_sqlite_integer(connection, "SELECT count(*) FROM sqlite_schema", &tables,
                              &reading)) {
        if (reading.code != QMS_INTERNAL) return qms_fail(error, reading.code, "%s", reading.text);
        return refuse_damaged(file->path, "SQLite cannot read it, see the log", error);
    }
    if (file->is_new && application_id == 0 && tables == 0) return true;
    if (application_id != SQLITE_APPLICATION_ID) {
        return qms_fail(error, QMS_CONFLICT, "%s is an SQLite database, but not of qms",
                        file->path);
    }
    if (version > (int64_t)sqlite_migrations_count) {
        return refuse_newer(file->path, version, error);
    }
    if (file->bytes > CHECKED_BYTES_MAX) return true;
    return verify_pages(file, connection, error);
}

void store_sqlite_file_remove(struct store_sqlite_file *file) {
    if (file->was_created && file->path[0] != '\0') unlink(file->path);
}

void store_sqlite_file_close(struct store_sqlite_file *file) {
    if (file->descriptor >= 0) close(file->descriptor);
    file->descriptor = -1;
}
