/* line_reader.h: the lines of a file, plain or gzip as its content says, or of standard input.
 * Waiting:   a pipe that has nothing to say yet is an answer, LINE_WAIT, so that the caller can do
 *            something else until line_reader_descriptor() is readable.
 * Bounds:    a line longer than LINE_BYTES_MAX is skipped and reported, the rest is read on.
 * Ownership: a line is valid until the next call. */
#ifndef QMS_CLI_LINE_READER_H
#define QMS_CLI_LINE_READER_H

#include "base/error.h"

enum { LINE_BYTES_MAX = 65536 };

enum line_status {
    LINE_READ,
    LINE_TOO_LONG,
    LINE_WAIT,
    LINE_END,
    LINE_FAILED, /* unreadable, or a gzip file that is damaged or cut off; *error says it */
};

struct line_reader;

/* path "-": standard input. */
struct line_reader *line_reader_open(const char *path, struct qms_error *error);

/* The next line without its line feed. The last one need not have any. */
enum line_status line_reader_next(struct line_reader *reader, struct text *line,
                                  struct qms_error *error);

uint64_t line_reader_number(const struct line_reader *reader); /* of the last line, from 1 */
uint64_t line_reader_offset(const struct line_reader *reader); /* bytes of the file read so far */
int line_reader_descriptor(const struct line_reader *reader);

void line_reader_close(struct line_reader *reader);

#endif
