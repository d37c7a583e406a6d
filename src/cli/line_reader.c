#include "cli/line_reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"

enum {
    INPUT_BYTES = 64 * 1024,
    TEXT_BYTES = 256 * 1024,
    ZLIB_GZIP = 15 + 16, /* inflateInit2(): the largest window, and only gzip */
};

static_assert((int)TEXT_BYTES >= 2 * (int)LINE_BYTES_MAX, "a line fits beside its beginning");

enum format { FORMAT_UNKNOWN, FORMAT_PLAIN, FORMAT_GZIP };

struct line_reader {
    int descriptor;
    bool may_wait;        /* not a regular file */
    enum format format;
    z_stream zlib;        /* its next_in and avail_in are what of input is not taken yet */
    bool in_member;       /* inside a gzip member: an end now cuts it off */
    bool is_starved;      /* everything of input has become text: more has to be read */
    bool input_over, text_over;
    bool is_skipping;     /* inside a line that is too long */
    size_t start, end;    /* text read and not handed out: text[start .. end) */
    uint64_t number, offset;
    char path[256];       /* for messages, cut to this */
    unsigned char input[INPUT_BYTES];
    char text[TEXT_BYTES];
};

static bool refuse(struct qms_error *error, const char *path, const char *reason) {
    return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, reason);
}

struct line_reader *line_reader_open(const char *path, struct qms_error *error) {
    bool is_standard = strcmp(path, "-") == 0;
    int descriptor = is_standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        refuse(error, path, strerror(errno));
        return NULL;
    }
    if (S_ISDIR(status.st_mode)) {
        refuse(error, path, strerror(EISDIR));
        close(descriptor);
        return NULL;
    }
    struct line_reader *reader = memory_take(sizeof *reader);
    *reader = (struct line_reader){.descriptor = descriptor,
                                   .may_wait = !S_ISREG(status.st_mode),
                                   .is_starved = true};
    reader->zlib.next_in = reader->input;
    snprintf(reader->path, sizeof reader->path, "%s", is_standard ? "standard input" : path);
    return reader;
}

void line_reader_close(struct line_reader *reader) {
    if (reader->format == FORMAT_GZIP) inflateEnd(&reader->zlib);
    close(reader->descriptor);
    memory_give(reader);
}

/* Reads behind the input that is left; LINE_READ: done, at the end input_over is set. */
static enum line_status fill_input(struct line_reader *reader, struct qms_error *error) {
    struct pollfd ready = {.fd = reader->descriptor, .events = POLLIN};
    if (reader->may_wait && poll(&ready, 1, 0) == 0) return LINE_WAIT;
    memmove(reader->input, reader->zlib.next_in, reader->zlib.avail_in);
    ssize_t count = read(reader->descriptor, reader->input + reader->zlib.avail_in,
                         INPUT_BYTES - reader->zlib.avail_in);
    reader->zlib.next_in = reader->input;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return LINE_WAIT;
    if (count < 0) {
        refuse(error, reader->path, strerror(errno));
        return LINE_FAILED;
    }
    reader->zlib.avail_in += (unsigned)count;
    reader->offset += (uint64_t)count;
    reader->input_over = count == 0;
    return LINE_READ;
}

/* What other programs pack is told from text: nobody has to wonder about thousands of bad lines. */
static bool refuse_packed(const struct line_reader *reader, struct qms_error *error) {
    static const struct {
        char magic[2];
        const char *program;
    } formats[] = {{"BZ", "bzip2"}, {"\xfd" "7", "xz"}, {"(\xb5", "zstd"}};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (reader->zlib.avail_in >= 2 && memcmp(reader->input, formats[i].magic, 2) == 0)
            return qms_fail(error, QMS_BAD_REQUEST,
                            "cannot read %s: it is packed by %s; unpack it: %s -dc FILE | "
                            "qms ingest -", reader->path, formats[i].program, formats[i].program);
    return true;
}

/* The first two bytes tell. */
static bool find_format(struct line_reader *reader, struct qms_error *error) {
    bool is_gzip = reader->zlib.avail_in >= 2 && reader->input[0] == 0x1f &&
                   reader->input[1] == 0x8b;
    reader->format = is_gzip ? FORMAT_GZIP : FORMAT_PLAIN;
    if (!is_gzip) return refuse_packed(reader, error);
    if (inflateInit2(&reader->zlib, ZLIB_GZIP) == Z_OK) return true;
    reader->format = FORMAT_PLAIN; /* nothing to end */
    return refuse(error, reader->path, "the decompressor does not start");
}

static void copy_text(struct line_reader *reader) {
    size_t bytes = TEXT_BYTES - reader->end;
    if (bytes > reader->zlib.avail_in) bytes = reader->zlib.avail_in;
    memcpy(reader->text + reader->end, reader->zlib.next_in, bytes);
    reader->end += bytes;
    reader->zlib.next_in += bytes;
    reader->zlib.avail_in -= (unsigned)bytes;
}

/* A file may hold several members, one behind the other. */
static bool inflate_text(struct line_reader *reader, struct qms_error *error) {
    z_stream *zlib = &reader->zlib;
    while (reader->end < TEXT_BYTES && (zlib->avail_in > 0 || reader->in_member)) {
        zlib->next_out = (unsigned char *)reader->text + reader->end;
        zlib->avail_out = (unsigned)(TEXT_BYTES - reader->end);
        int code = inflate(zlib, Z_NO_FLUSH);
        if (code == Z_BUF_ERROR) break; /* nothing is left to be written, and nothing to read */
        reader->end = TEXT_BYTES - zlib->avail_out;
        reader->in_member = code != Z_STREAM_END;
        if (code == Z_STREAM_END) code = inflateReset(zlib);
        if (code != Z_OK) return refuse(error, reader->path, "the compressed data is damaged");
    }
    return true;
}

/* More text behind what is there, which may be none; at the end text_over is set. */
static enum line_status fill_text(struct line_reader *reader, struct qms_error *error) {
    memmove(reader->text, reader->text + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    assert(reader->end < TEXT_BYTES);
    if (reader->is_starved && !reader->input_over) {
        enum line_status status = fill_input(reader, error);
        if (status != LINE_READ) return status;
    }
    if (reader->format == FORMAT_UNKNOWN) {
        if (reader->zlib.avail_in < 2 && !reader->input_over) return LINE_READ;
        if (!find_format(reader, error)) return LINE_FAILED;
    }
    if (reader->format == FORMAT_PLAIN) copy_text(reader);
    else if (!inflate_text(reader, error)) return LINE_FAILED;
    reader->is_starved = reader->end < TEXT_BYTES;
    reader->text_over = reader->is_starved && reader->input_over;
    if (!reader->text_over || !reader->in_member) return LINE_READ;
    refuse(error, reader->path, "the compressed data is cut off");
    return LINE_FAILED;
}

/* Hands out the bytes up to the end of a line, or says that the line was too long. */
static enum line_status finish(struct line_reader *reader, size_t length, size_t with_feed,
                               struct text *line) {
    *line = (struct text){.data = reader->text + reader->start, .length = length};
    reader->start += with_feed;
    reader->number++;
    bool is_too_long = reader->is_skipping || length > LINE_BYTES_MAX;
    reader->is_skipping = false;
    return is_too_long ? LINE_TOO_LONG : LINE_READ;
}

enum line_status line_reader_next(struct line_reader *reader, struct text *line,
                                  struct qms_error *error) {
    for (;;) {
        size_t left = reader->end - reader->start;
        const char *start = reader->text + reader->start;
        const char *feed = left == 0 ? NULL : memchr(start, '\n', left);
        if (feed != NULL) {
            size_t length = (size_t)(feed - start);
            return finish(reader, length, length + 1, line);
        }
        if (left > LINE_BYTES_MAX) {
            reader->is_skipping = true;
            reader->start = reader->end;
        }
        if (reader->text_over) break;
        enum line_status status = fill_text(reader, error);
        if (status != LINE_READ) return status;
    }
    size_t left = reader->end - reader->start;
    if (left == 0 && !reader->is_skipping) return LINE_END;
    return finish(reader, left, left, line);
}

uint64_t line_reader_number(const struct line_reader *reader) {
    return reader->number;
}

uint64_t line_reader_offset(const struct line_reader *reader) {
    return reader->offset;
}

int line_reader_descriptor(const struct line_reader *reader) {
    return reader->descriptor;
}
