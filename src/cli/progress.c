#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { REDRAW_US = 100000, BAR_COLUMNS = 30, BAR_COLUMNS_MIN = 5 };

void progress_open(struct progress *progress, uint64_t bytes_total) {
    *progress = (struct progress){
        .is_terminal = isatty(STDERR_FILENO) == 1,
        .style = table_style_of(stderr),
        .started_us = clock_monotonic_us(),
        .bytes_total = bytes_total,
        .things = "jobs",
    };
}

static void clear(struct progress *progress) {
    if (progress->is_shown) fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

/* Of the terminal: a line that wraps could not be taken away again. */
static size_t line_columns(void) {
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return 80;
    return window.ws_col - 1U;
}

static void draw_bar(const struct progress *progress, double part, size_t columns) {
    if (columns > BAR_COLUMNS) columns = BAR_COLUMNS;
    if (columns < BAR_COLUMNS_MIN) return;
    struct buffer bar;
    buffer_init(&bar, 1024);
    table_bar(&bar, part, columns, progress->style);
    table_write_text(buffer_text(&bar), TABLE_GREEN, progress->style, stderr);
    buffer_close(&bar);
    fputc(' ', stderr);
}

static void draw(struct progress *progress, int64_t now_us) {
    clear(progress);
    double seconds = (double)(now_us - progress->started_us) / 1e6;
    double rate = seconds > 0 ? (double)progress->jobs / seconds : 0;
    double part = 0;
    char text[128];
    size_t length = 0, columns = line_columns();
    if (progress->bytes_total > 0) {
        part = (double)progress->bytes / (double)progress->bytes_total;
        if (part > 1) part = 1;
        length = (size_t)snprintf(text, sizeof text, "%3d %%  ", (int)(part * 100));
    }
    length += (size_t)snprintf(text + length, sizeof text - length,
                               "%" PRIu64 " %s, %.0f a second", progress->jobs, progress->things,
                               rate);
    if (progress->bytes_total > 0 && columns > length)
        draw_bar(progress, part, columns - length - 1);
    fprintf(stderr, "%.*s", (int)columns, text);
    fflush(stderr);
    progress->is_shown = true;
}

void progress_show(struct progress *progress) {
    if (!progress->is_terminal) return;
    int64_t now_us = clock_monotonic_us();
    if (now_us - progress->shown_us < REDRAW_US) return;
    progress->shown_us = now_us;
    draw(progress, now_us);
}

void progress_say(struct progress *progress, const char *format, ...) {
    clear(progress);
    struct arena arena;
    arena_init(&arena, 1024);
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s\n", table_printable(&arena, text_of(line)).data);
    arena_close(&arena);
}

void progress_close(struct progress *progress) {
    clear(progress);
    fflush(stderr);
}
