/* front_fake.h: handlers without a server and without an engine: what they submit is answered by
 * the test, what they finish is kept for it to look at. Link it with the handlers' own source. */
#ifndef QMS_TESTS_SUPPORT_FRONT_FAKE_H
#define QMS_TESTS_SUPPORT_FRONT_FAKE_H

#include "front/front.h"

struct front_fake {
    struct front front;
    struct http_exchange exchange;
    struct http_head head; /* what handlers see of it; empty */
    /* Called for what is submitted, in place of the engine; NULL: nothing may be submitted. */
    void (*answer)(struct front_fake *fake, struct request *request);
    void *context;
    int submitted, finished, pushed;
    struct buffer parts; /* what was pushed before the rest of the answer */
};

/* One at a time; handlers find it through the exchange. */
void front_fake_open(struct front_fake *fake);
void front_fake_close(struct front_fake *fake);

/* A new exchange for a path of unescaped segments, handed to the handler. Afterwards it must have
 * been finished exactly once. type NULL: there was no Content-Type. */
void front_fake_run(struct front_fake *fake, void (*handle)(void *, struct http_exchange *),
                    const char *path, const char *type, struct text body);

#endif
