#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"

enum { REDRAW_US = 100000, BAR_COLUMNS = 30 };

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

static void draw(struct progress *progress, int64_t now_us) {
    clear(progress);
    if (progress->bytes_total > 0) {
        double part = (double)progress->bytes / (double)progress->bytes_total;
        if (part > 1) part = 1;
        struct buffer bar;
        buffer_init(&bar, 1024);
        table_bar(&bar, part, BAR_COLUMNS, progress->style);
        table_write_text(buffer_text(&bar), TABLE_GREEN, progress->style, stderr);
        fprintf(stderr, " %3d %%  ", (int)(part * 100));
        buffer_close(&bar);
    }
    double seconds = (double)(now_us - progress->started_us) / 1e6;
    fprintf(stderr, "%" PRIu64 " %s, %.0f a second", progress->jobs, progress->things,
            seconds > 0 ? (double)progress->jobs / seconds : 0);
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
