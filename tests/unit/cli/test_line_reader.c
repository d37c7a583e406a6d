#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "cli/line_reader.h"

struct fixture {
    char path[64];
    struct line_reader *reader;
    struct qms_error error;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->path, sizeof fixture->path, "qms_line_reader_XXXXXX");
    int descriptor = mkstemp(fixture->path);
    *state = fixture;
    return descriptor < 0 || close(descriptor) != 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    if (fixture->reader != NULL) line_reader_close(fixture->reader);
    unlink(fixture->path);
    free(fixture);
    return 0;
}

static void write_plain(struct fixture *fixture, const void *data, size_t bytes) {
    FILE *file = fopen(fixture->path, "wb");
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

static void write_gzip(struct fixture *fixture, const void *data, size_t bytes) {
    gzFile file = gzopen(fixture->path, "wb");
    assert_int_equal(gzwrite(file, data, (unsigned)bytes), bytes);
    assert_int_equal(gzclose(file), Z_OK);
}

static void open_it(struct fixture *fixture) {
    fixture->reader = line_reader_open(fixture->path, &fixture->error);
    assert_non_null(fixture->reader);
}

static void expect_line(struct fixture *fixture, const char *expected) {
    struct text line;
    assert_int_equal(line_reader_next(fixture->reader, &line, &fixture->error), LINE_READ);
    assert_true(text_equal(line, text_of(expected)));
}

static void expect(struct fixture *fixture, enum line_status status) {
    struct text line;
    assert_int_equal(line_reader_next(fixture->reader, &line, &fixture->error), status);
}

static void lines_come_one_by_one_and_are_numbered(void **state) {
    struct fixture *fixture = *state;
    write_plain(fixture, "one\n\nthree\r\nfour", 16);
    open_it(fixture);
    expect_line(fixture, "one");
    assert_int_equal(line_reader_number(fixture->reader), 1);
    expect_line(fixture, "");
    expect_line(fixture, "three\r");
    expect_line(fixture, "four");
    assert_int_equal(line_reader_number(fixture->reader), 4);
    expect(fixture, LINE_END);
    expect(fixture, LINE_END);
    assert_int_equal(line_reader_offset(fixture->reader), 16);
}

static void an_empty_file_has_no_lines(void **state) {
    struct fixture *fixture = *state;
    open_it(fixture);
    expect(fixture, LINE_END);
}

static void gzip_is_told_by_its_content(void **state) {
    struct fixture *fixture = *state;
    write_gzip(fixture, "one\ntwo\n", 8);
    open_it(fixture);
    expect_line(fixture, "one");
    expect_line(fixture, "two");
    expect(fixture, LINE_END);
}

/* Longer than the reader's memory, with lines across every boundary of it. */
static void a_long_file_is_read_whole(void **state) {
    struct fixture *fixture = *state;
    enum { LINES = 100000 };
    char *data = malloc(LINES * 16);
    size_t bytes = 0;
    for (int i = 0; i < LINES; i++)
        bytes += (size_t)snprintf(data + bytes, 16, "line %d\n", i);
    write_gzip(fixture, data, bytes);
    free(data);
    open_it(fixture);
    for (int i = 0; i < LINES; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "line %d", i);
        expect_line(fixture, expected);
    }
    expect(fixture, LINE_END);
}

/* A few bytes of input become many times the reader's memory. */
static void much_text_from_little_input_is_read_whole(void **state) {
    struct fixture *fixture = *state;
    enum { LINES = 2000000 };
    char *data = malloc(2 * LINES);
    for (size_t i = 0; i < LINES; i++)
        memcpy(data + 2 * i, "x\n", 2);
    write_gzip(fixture, data, 2 * LINES);
    free(data);
    open_it(fixture);
    struct text line;
    size_t lines = 0;
    while (line_reader_next(fixture->reader, &line, &fixture->error) == LINE_READ)
        lines++;
    assert_int_equal(lines, LINES);
}

static void a_file_of_several_gzip_members_is_read_whole(void **state) {
    struct fixture *fixture = *state;
    char bytes[4096];
    size_t length = 0;
    for (int i = 0; i < 3; i++) {
        write_gzip(fixture, "one\ntwo", 7);
        FILE *file = fopen(fixture->path, "rb");
        length += fread(bytes + length, 1, sizeof bytes - length, file);
        fclose(file);
    }
    write_plain(fixture, bytes, length);
    open_it(fixture);
    expect_line(fixture, "one");
    expect_line(fixture, "twoone");
    expect_line(fixture, "twoone");
    expect_line(fixture, "two");
    expect(fixture, LINE_END);
}

/* Opens the reading end of a pipe; returns the writing end. */
static int open_pipe(struct fixture *fixture) {
    int ends[2];
    char path[64];
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    fixture->reader = line_reader_open(path, &fixture->error);
    assert_non_null(fixture->reader);
    close(ends[0]);
    return ends[1];
}

static void a_pipe_without_anything_to_say_is_not_waited_for(void **state) {
    struct fixture *fixture = *state;
    int end = open_pipe(fixture);
    expect(fixture, LINE_WAIT);
    assert_int_equal(write(end, "one\ntw", 6), 6);
    expect_line(fixture, "one");
    expect(fixture, LINE_WAIT);
    assert_int_equal(write(end, "o\n", 2), 2);
    expect_line(fixture, "two");
    close(end);
    expect(fixture, LINE_END);
}

static void gzip_that_comes_byte_by_byte_is_read_as_well(void **state) {
    struct fixture *fixture = *state;
    char bytes[256];
    write_gzip(fixture, "one\ntwo\n", 8);
    FILE *file = fopen(fixture->path, "rb");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    int end = open_pipe(fixture);
    char text[16] = "";
    for (size_t i = 0; i < length; i++) {
        struct text line;
        assert_int_equal(write(end, bytes + i, 1), 1);
        enum line_status status;
        while ((status = line_reader_next(fixture->reader, &line, &fixture->error)) == LINE_READ)
            memcpy(text + strlen(text), line.data, line.length);
        assert_int_equal(status, LINE_WAIT);
    }
    close(end);
    expect(fixture, LINE_END);
    assert_string_equal(text, "onetwo");
}

static void a_file_of_one_byte_is_plain(void **state) {
    struct fixture *fixture = *state;
    write_plain(fixture, "\x1f", 1);
    open_it(fixture);
    expect_line(fixture, "\x1f");
    expect(fixture, LINE_END);
}

static void a_line_that_is_too_long_is_skipped_and_the_rest_is_read(void **state) {
    struct fixture *fixture = *state;
    static const size_t lengths[] = {LINE_BYTES_MAX + 1, 5 * LINE_BYTES_MAX, 100 * LINE_BYTES_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t bytes = lengths[i] + 1 + LINE_BYTES_MAX + 1;
        char *data = malloc(bytes);
        memset(data, 'x', bytes);
        data[lengths[i]] = data[bytes - 1] = '\n';
        write_plain(fixture, data, bytes);
        free(data);
        open_it(fixture);
        expect(fixture, LINE_TOO_LONG);
        struct text line;
        assert_int_equal(line_reader_next(fixture->reader, &line, &fixture->error), LINE_READ);
        assert_int_equal(line.length, LINE_BYTES_MAX);
        assert_int_equal(line_reader_number(fixture->reader), 2);
        expect(fixture, LINE_END);
        line_reader_close(fixture->reader);
        fixture->reader = NULL;
    }
}

static void a_last_line_that_is_too_long_is_reported(void **state) {
    struct fixture *fixture = *state;
    char *data = malloc(3 * LINE_BYTES_MAX);
    memset(data, 'x', 3 * LINE_BYTES_MAX);
    write_plain(fixture, data, 3 * LINE_BYTES_MAX);
    free(data);
    open_it(fixture);
    expect(fixture, LINE_TOO_LONG);
    expect(fixture, LINE_END);
}

/* Cuts the compressed file to a length, or turns one of its bytes round. */
static void damage(struct fixture *fixture, long cut_to, long flip_at) {
    char bytes[65536];
    FILE *file = fopen(fixture->path, "rb");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(length > 0 && length < sizeof bytes);
    if (flip_at >= 0) bytes[flip_at] = (char)~bytes[flip_at];
    write_plain(fixture, bytes, cut_to >= 0 ? (size_t)cut_to : length);
}

static void a_gzip_file_that_is_cut_off_anywhere_is_an_error(void **state) {
    struct fixture *fixture = *state;
    for (long cut_to = 3; cut_to < 28; cut_to++) {
        write_gzip(fixture, "one\ntwo\n", 8);
        damage(fixture, cut_to, -1);
        open_it(fixture);
        enum line_status status = LINE_READ;
        struct text line;
        while (status == LINE_READ)
            status = line_reader_next(fixture->reader, &line, &fixture->error);
        assert_int_equal(status, LINE_FAILED);
        assert_non_null(strstr(fixture->error.text, "cut off"));
        assert_non_null(strstr(fixture->error.text, fixture->path));
        line_reader_close(fixture->reader);
    }
    fixture->reader = NULL;
}

static void a_gzip_file_that_is_damaged_is_an_error(void **state) {
    struct fixture *fixture = *state;
    write_gzip(fixture, "one\ntwo\n", 8);
    damage(fixture, -1, 12);
    open_it(fixture);
    enum line_status status = LINE_READ;
    struct text line;
    while (status == LINE_READ)
        status = line_reader_next(fixture->reader, &line, &fixture->error);
    assert_int_equal(status, LINE_FAILED);
}

static void what_is_not_there_or_no_file_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_null(line_reader_open("/nowhere/at/all", &fixture->error));
    assert_string_equal(fixture->error.text,
                        "cannot read /nowhere/at/all: No such file or directory");
    assert_int_equal(fixture->error.code, QMS_BAD_REQUEST);
    assert_null(line_reader_open(".", &fixture->error));
    assert_string_equal(fixture->error.text, "cannot read .: Is a directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_one_by_one_and_are_numbered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_file_has_no_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gzip_is_told_by_its_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_file_is_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(much_text_from_little_input_is_read_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_several_gzip_members_is_read_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_without_anything_to_say_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gzip_that_comes_byte_by_byte_is_read_as_well, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_one_byte_is_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_skipped_and_the_rest_is_read,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_last_line_that_is_too_long_is_reported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_gzip_file_that_is_cut_off_anywhere_is_an_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_gzip_file_that_is_damaged_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_or_no_file_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
