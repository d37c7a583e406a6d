/* store_listing.h: what the readers of every store share: a listing that is running, whose rows are
 * handed on to whoever asked for them, who may be slow.
 * Invariant: nothing is handed on once goes_on is false.
 * Threads:   the reader's. Ownership: the listing is the caller's. */
#ifndef QMS_STORE_STORE_LISTING_H
#define QMS_STORE_STORE_LISTING_H

#include "store/store.h"

struct running_listing {
    struct store_listing *listing;
    int64_t waited_us; /* for whoever reads it, at most LISTING_WAITED_S_MAX */
    bool goes_on;      /* false: whoever asked has enough, or the limit is reached */
};

/* The listing begins: its results are none yet. */
void store_listing_begin(struct running_listing *running, struct store_listing *listing);
void store_listing_hand_on(struct running_listing *running, const union store_row *row);
/* Until it has to give up; below zero when it should have. */
int64_t store_listing_left_us(const struct running_listing *running);

/* Of a user's subscriptions those that end at it or later are asked for. */
int64_t store_listing_ends_from_us(const struct listing_input *input, int64_t decided_us);

/* As when an account is loaded, a row that cannot be read is an error of that account only: the
 * listing goes on without it. */
void store_listing_log_broken(struct text username);

#endif
