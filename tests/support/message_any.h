/* message_any.h: messages of any type: made at random, compared.
 * For properties that hold for every message. */
#ifndef QMS_TESTS_SUPPORT_MESSAGE_ANY_H
#define QMS_TESTS_SUPPORT_MESSAGE_ANY_H

#include "wire/message.h"

/* What a random message may hold: amounts that a double, or a float where the schema has one, gives
 * back, or any amount that qms accepts. */
enum message_amounts { AMOUNTS_BINARY, AMOUNTS_ANY };

struct message *message_any_random(const struct message_type *type, enum message_amounts amounts,
                                   uint64_t *seed, struct arena *arena);

/* Equal but for what proto3 does not tell apart: an absent scalar and one of its zero. */
bool message_any_equal(const struct message *left, const struct message *right);

#endif
