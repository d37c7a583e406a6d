/* content.h: what an operation asks for, as 32 bytes: two operations under one idempotency key are
 * the same one exactly when these are equal.
 * Stable:  stored for ever, so the encoding below the hash never changes: an operation's name, the
 *          id of its target if it has one, then every member of its input, in the order of inputs.h
 *          but for an add-on's flags, which stand together: texts and amounts with their length
 *          before them; numbers, flags and lengths as 8 bytes, little endian; ids as 16 bytes;
 *          lists after their count; what CloudMC's inputs say has_ of, after that flag. Amounts
 *          count by value (1.10 is 1.1); dates are instants, after whether they are there. Key,
 *          user and principal are not in it: they are its scope.
 * Threads: one hasher is used by one thread at a time. It exists because preparing a digest costs
 *          more than the digest of one operation. */
#ifndef QMS_WIRE_CONTENT_H
#define QMS_WIRE_CONTENT_H

#include "domain/op.h"

struct content_hasher;

struct content_hasher *content_hasher_open(void);
void content_hasher_close(struct content_hasher *hasher);

/* The calling thread's own, made at its first call and closed when the thread ends. */
struct content_hasher *content_hasher_of_thread(void);

/* Fills op->content; op is one that writes. */
void content_hash(struct content_hasher *hasher, struct op *op);

#endif
