#include "front/front_listing.h"

#include "base/log.h"

enum { PART_BYTES = 65536 }; /* what is smaller waits for more, or is answered whole */

/* A listing on its way; in the request's arena. */
struct listing_state {
    const struct front_listing *listing;
    bool begun, has_rows, streams, broken;
};

static void listing_write(struct http_exchange *exchange, struct listing_state *state) {
    const struct op *op = exchange->request.ops;
    if (!state->begun) state->listing->begin(&exchange->out, op);
    state->begun = true;
    if (op->out.listing.count == 0) return;
    state->listing->rows(&exchange->out, op, !state->has_rows);
    state->has_rows = true;
}

static bool listing_piece(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    struct listing_state *state = request->context;
    listing_write(exchange, state);
    if (exchange->out.length < PART_BYTES && !exchange->out.failed) return true;
    if (!state->streams) exchange->status = 200; /* from the first part on the loop reads it */
    state->streams = true;
    state->broken = !http_exchange_push(exchange);
    return !state->broken;
}

/* Success has been said already: all that is left is to break off. */
static void listing_cut(struct http_exchange *exchange, const struct qms_error *error) {
    if (error->code != QMS_OK) log_format(LOG_WARNING, "a listing was cut off: %s", error->text);
    exchange->cut = true;
    front_finish(exchange);
}

static void listing_done(struct request *request) {
    struct http_exchange *exchange = front_exchange(request);
    struct listing_state *state = request->context;
    const struct op *op = request->ops;
    if (state->broken || (op->error.code != QMS_OK && state->streams)) {
        listing_cut(exchange, &op->error);
        return;
    }
    if (op->error.code != QMS_OK) {
        buffer_reset(&exchange->out);
        state->listing->fail(exchange, &op->error);
        return;
    }
    listing_write(exchange, state);
    state->listing->end(&exchange->out, op);
    if (!state->streams) exchange->status = 200;
    front_finish(exchange);
}

void front_listing_submit(struct front *front, struct http_exchange *exchange,
                          const struct front_listing *listing) {
    struct request *request = &exchange->request;
    struct listing_state *state = arena_take_zeroed(&request->arena, 1, sizeof *state);
    state->listing = listing;
    request->context = state;
    request->piece = listing_piece;
    front_submit(front, exchange, listing_done);
}
