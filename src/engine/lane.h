/* lane.h: the waiting lane of a shared store: operations whose account somebody else holds locked
 * wait here, on a thread and a connection of their own, so that nobody else waits with them.
 * Order:   the operations of an account stay in the order they came in; those that come while the
 *          account is here follow it.
 * Limits:  at most LANE_OPERATIONS_MAX operations; each waits no longer than
 *          engine_options.lock_wait_us_max, then it is answered UNAVAILABLE, unexecuted.
 * Threads: lane_follow() and lane_enter() from any worker's thread. */
#ifndef QMS_ENGINE_LANE_H
#define QMS_ENGINE_LANE_H

#include "engine/engine_private.h"

/* Takes over the store, which waits for locks. */
struct lane *lane_make(struct engine *engine, struct store *store);
bool lane_start(struct lane *lane);
/* In the place of its thread: tries the accounts whose turn it is; false: nobody waits. */
bool lane_turn(struct lane *lane);
/* Finishes what waits, then joins the thread. After the workers' threads. */
void lane_stop(struct lane *lane);
void lane_free(struct lane *lane);

/* Takes the operation if others on its account wait here. */
bool lane_follow(struct lane *lane, const struct work *work);
/* Takes all of them; what finds no room is answered. */
void lane_enter(struct lane *lane, const struct work *works, size_t count);

#endif
