/* front_listing.h: listings that may be longer than memory is for: small ones are answered whole,
 * longer ones leave in parts while they are read. */
#ifndef QMS_FRONT_FRONT_LISTING_H
#define QMS_FRONT_FRONT_LISTING_H

#include "front/front.h"

/* How a listing is written: what is before the rows, some rows (of op->out.listing), what is behind
 * them; and how a failure is answered. */
struct front_listing {
    void (*begin)(struct buffer *out, const struct op *op);
    void (*rows)(struct buffer *out, const struct op *op, bool first);
    void (*end)(struct buffer *out, const struct op *op);
    void (*fail)(struct http_exchange *exchange, const struct qms_error *error);
};

/* Inside a handler: hands the exchange's listing to the engine, and answers. */
void front_listing_submit(struct front *front, struct http_exchange *exchange,
                          const struct front_listing *listing);

#endif
