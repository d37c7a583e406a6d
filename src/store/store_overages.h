/* store_overages.h: the overage report's rule of pages, for every store: users come whole.
 * A store gives the lines in order; those of one user are collected and handed on together, when
 * they fit under the listing's limit, or not at all.
 * Ownership: lines lie in the arena, which is reset from user to user. */
#ifndef QMS_STORE_STORE_OVERAGES_H
#define QMS_STORE_STORE_OVERAGES_H

#include "store/store_listing.h"

struct overages {
    struct running_listing *running;
    struct arena *arena;
    struct text username;
    struct overage_line *lines;
    size_t count, capacity;
    int64_t handed_on;
};

void overages_open(struct overages *overages, struct running_listing *running,
                   struct arena *arena);
/* A line of this user; its texts need not outlive the call. Ends the listing when it no longer
 * fits, whatever else there is. */
void overages_take(struct overages *overages, struct text username, struct overage_line line);
void overages_close(struct overages *overages); /* hands on the last user's */

#endif
