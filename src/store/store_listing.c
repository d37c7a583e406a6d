#include "store/store_listing.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

static const int64_t WAITED_US_MAX = LISTING_WAITED_S_MAX * INT64_C(1000000);

void store_listing_begin(struct running_listing *running, struct store_listing *listing) {
    *running = (struct running_listing){.listing = listing, .goes_on = true};
    listing->total = 0;
    listing->more = listing->user_exists = false;
}

/* A client that reads slowly, but reads (the front sees to that), is not cut off for it. */
void store_listing_hand_on(struct running_listing *running, const union store_row *row) {
    if (!running->goes_on) return;
    int64_t begun_us = clock_monotonic_us();
    running->goes_on = running->listing->row(running->listing->context, row);
    running->waited_us += clock_monotonic_us() - begun_us;
    if (running->waited_us > WAITED_US_MAX) running->waited_us = WAITED_US_MAX;
}

int64_t store_listing_left_us(const struct running_listing *running) {
    return running->listing->deadline_us - (clock_monotonic_us() - running->waited_us);
}

int64_t store_listing_ends_from_us(const struct listing_input *input, int64_t decided_us) {
    if (input->include_expired) return INT64_MIN;
    return input->has_cutoff ? input->cutoff_us : decided_us;
}

void store_listing_log_broken(struct text username) {
    const struct log_member members[] = {{.key = "user", .text = username}, {0}};
    log_write(LOG_ERROR, "store: a row of this user cannot be listed", members);
}
