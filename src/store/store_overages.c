#include "store/store_overages.h"

void overages_open(struct overages *overages, struct running_listing *running,
                   struct arena *arena) {
    *overages = (struct overages){.running = running, .arena = arena};
}

static void overages_add(struct overages *overages, struct overage_line line) {
    struct arena *arena = overages->arena;
    if (overages->count == overages->capacity) {
        overages->capacity = overages->capacity == 0 ? 8 : 2 * overages->capacity;
        struct overage_line *lines = arena_take(arena, overages->capacity * sizeof *lines);
        if (overages->count > 0) memcpy(lines, overages->lines, overages->count * sizeof *lines);
        overages->lines = lines;
    }
    line.username = overages->username;
    line.resource_name = arena_text(arena, line.resource_name);
    overages->lines[overages->count++] = line;
}

/* A first user with more lines than the limit is handed on all the same: paging must get past. */
void overages_close(struct overages *overages) {
    struct running_listing *running = overages->running;
    struct store_listing *listing = running->listing;
    int64_t limit = listing->input->limit, count = (int64_t)overages->count;
    bool fits = limit < 0 || overages->handed_on + count <= limit ||
                (overages->handed_on == 0 && limit > 0);
    if (!running->goes_on) return;
    if (count > 0 && !fits) {
        listing->more = true;
        running->goes_on = false;
        return;
    }
    for (size_t i = 0; i < overages->count; i++) {
        const union store_row out = {.overage = overages->lines[i]};
        store_listing_hand_on(running, &out);
    }
    overages->handed_on += count;
}

void overages_take(struct overages *overages, struct text username, struct overage_line line) {
    if (!text_equal(username, overages->username)) {
        overages_close(overages);
        arena_reset(overages->arena);
        overages->lines = NULL;
        overages->count = overages->capacity = 0;
        overages->username = arena_text(overages->arena, username);
    }
    if (overages->running->goes_on) overages_add(overages, line);
}
