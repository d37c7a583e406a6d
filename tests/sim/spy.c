/* Between the engine and what it stands on: every decision is decided by the model too, in the same
 * order and at the same time, and every commit makes the model's the truth. In the place of clocks,
 * sleep and chance stand the world's. */
#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "domain/decide.h"
#include "engine/engine_private.h"
#include "sim/sim.h"

bool __real_decide(struct decision *decision, struct op *op, struct arena *arena);
bool __wrap_decide(struct decision *decision, struct op *op, struct arena *arena);
int64_t __wrap_clock_monotonic_us(void);
int __wrap_usleep(unsigned us);
ssize_t __wrap_getrandom(void *data, size_t bytes, unsigned flags);

int64_t __wrap_clock_monotonic_us(void) {
    return world.monotonic_us++;
}

int __wrap_usleep(unsigned us) {
    world.monotonic_us += us;
    return 0;
}

ssize_t __wrap_getrandom(void *data, size_t bytes, unsigned flags) {
    (void)flags;
    for (size_t i = 0; i < bytes; i++) ((uint8_t *)data)[i] = (uint8_t)draw(256);
    return (ssize_t)bytes;
}

/* ---- decisions ---- */

enum { TICKS_US = 1000 };

static struct flight *flight_of(const struct op *op, int *at) {
    for (int i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &world.flights[i];
        const struct op *ops = flight->request.ops;
        if (!flight->is_busy || op < ops || op >= ops + flight->count) continue;
        *at = (int)(op - ops);
        return flight;
    }
    fail("somebody decides what nobody asked");
}

/* Time is the clock's, and where that is set back the latest that it has said. A store that was
 * opened again after a lost commit has ticked by itself. */
static void check_time(int64_t decided_us) {
    if (decided_us < world.decided_us || decided_us < world.wall_us ||
        decided_us > world.wall_latest_us + TICKS_US)
        fail("decided at %lld, the clock says %lld and the last decision was at %lld",
             (long long)decided_us, (long long)world.wall_us, (long long)world.decided_us);
    world.decided_us = decided_us;
}

bool __wrap_decide(struct decision *decision, struct op *op, struct arena *arena) {
    static struct model beside;
    int at;
    struct flight *flight = flight_of(op, &at);
    bool decided = __real_decide(decision, op, arena);
    if (decision->must_write) return decided;
    bool in_batch = world.batch_is_open && !world.is_saving;
    struct made made = {.op = op, .changes = decision->changes};
    if (!in_batch && world.has_pending) fail("decided at once beside an unknown outcome");
    check_time(decision->decided_us);
    if (!in_batch) model_copy(&beside, &world.durable);
    model_do(in_batch ? &world.working : &beside, &flight->asks[at], decision->decided_us,
             decided ? &made : NULL, &flight->expected[at]);
    flight->fates[at] = DECIDED;
    flight->attempts[at] = in_batch ? world.attempt : 0;
    flight->orders[at] = ++world.decisions;
    return decided;
}

/* ---- batches ---- */

static void mark_attempt(uint64_t attempt, enum fate fate) {
    for (int i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &world.flights[i];
        for (int at = 0; flight->is_busy && at < flight->count; at++)
            if (flight->attempts[at] == attempt && flight->fates[at] != UNDECIDED)
                flight->fates[at] = fate;
    }
}

static void mark(enum fate fate) {
    mark_attempt(world.attempt, fate);
    world.batch_is_open = false;
}

static void batch_open(void) {
    spy_settle();
    model_copy(&world.working, &world.durable);
    world.batch_is_open = true;
    world.attempt++;
}

static void batch_failed(void) {
    world.failures++;
    if (world.unread_attempt != 0) mark_attempt(world.unread_attempt, UNSEEN);
    world.unread_attempt = 0;
    world.batch_is_open = false;
}

/* The changes that a server was sent for one user come into force in the order they came in. */
static void check_order(int node, int user) {
    uint64_t *settled = &world.settled[node][user], order = 0;
    for (;;) { /* from one decision to the next */
        uint64_t next = UINT64_MAX, number = 0;
        for (int i = 0; i < FLIGHTS; i++) {
            struct flight *flight = &world.flights[i];
            for (int at = 0; flight->is_busy && flight->node == node && at < flight->count; at++) {
                const struct ask *ask = &flight->asks[at];
                if (flight->attempts[at] != world.attempt || ask->user != user ||
                    operation_target(ask->operation) != TARGET_USER ||
                    operation_effect(ask->operation) != EFFECT_WRITE ||
                    flight->orders[at] <= order || flight->orders[at] >= next)
                    continue;
                next = flight->orders[at];
                number = flight->number * FLIGHT_OPERATIONS + (uint64_t)at;
            }
        }
        if (next == UINT64_MAX) return;
        if (number <= *settled) fail("the changes of %s are out of order", user_name(user));
        *settled = number;
        order = next;
    }
}

static void batch_committed(void) {
    for (int user = 0; user < USERS; user++)
        for (int node = 0; node < world.node_count; node++) check_order(node, user);
    model_copy(&world.durable, &world.working);
    world.unread_attempt = world.attempt;
    mark(COMMITTED);
}

void spy_settle(void) {
    if (!world.has_pending) return;
    world.has_pending = false;
    world.takeovers++;
    bool committed = stored_has_batch(&world.pending_batch);
    say("the pending batch %s", committed ? "was committed" : "is lost");
    if (committed) model_copy(&world.durable, &world.pending);
}

/* ---- the store ---- */

struct spy {
    struct store base;
    struct store *inner;
    struct store_ops ops;
    int node;
};

static struct spy *spy_of(struct store *store) {
    return (struct spy *)store;
}

static bool spy_begin(struct store *store, bool writes, bool *stale, struct qms_error *error) {
    struct store *inner = spy_of(store)->inner;
    assert(!world.batch_is_open);
    befall_locks();
    bool begun = inner->ops->begin(inner, writes, stale, error);
    if (begun) batch_open();
    else batch_failed();
    return begun;
}

static bool spy_find(struct store *store, struct store_find *finds, size_t count,
                     struct arena *arena, struct qms_error *error) {
    struct store *inner = spy_of(store)->inner;
    bool found = inner->ops->find(inner, finds, count, arena, error);
    if (!found) batch_failed();
    return found;
}

static bool spy_load(struct store *store, struct store_load *load, struct qms_error *error) {
    struct store *inner = spy_of(store)->inner;
    bool loaded = inner->ops->load(inner, load, error);
    if (!loaded) batch_failed();
    world.unread_attempt = 0;
    return loaded;
}

static bool differs(const void *left, const void *right, size_t count, size_t bytes) {
    return memcmp(left, right, count * bytes) != 0;
}

static void spy_end(struct store *store) {
    struct store *inner = spy_of(store)->inner;
    const struct model *model = &world.working, *durable = &world.durable;
    inner->ops->end(inner);
    if (!world.batch_is_open) return;
    if (differs(model, durable, 1, offsetof(struct model, applied)) ||
        differs(model->applied, durable->applied, (size_t)model->applied_count,
                sizeof *model->applied) ||
        differs(model->subscriptions, durable->subscriptions, (size_t)model->subscription_count,
                sizeof *model->subscriptions))
        fail("a batch that should have changed something ends without a commit");
    mark(ENDED);
}

static enum store_outcome spy_save(struct store *store, const struct uuid *batch_id,
                                   const struct changes *changes, struct qms_error *error) {
    static const char *const names[] = {"committed", "refused", "declined",
                                        "overtaken", "locked",  "failed", "unknown"};
    struct store *inner = spy_of(store)->inner;
    world.is_saving = true;
    ask_during_save(spy_of(store)->node);
    enum store_outcome outcome = inner->ops->save(inner, batch_id, changes, error);
    world.is_saving = false;
    if (outcome != STORE_COMMITTED) say("a batch is %s", names[outcome]);
    switch (outcome) {
    case STORE_COMMITTED: batch_committed(); break;
    case STORE_REFUSED: mark(REFUSED); break;
    case STORE_DECLINED: mark(DECLINED); break;
    case STORE_OVERTAKEN:
    case STORE_LOCKED: mark(OVERTAKEN); break;
    case STORE_FAILED: mark(FAILED); break;
    case STORE_UNKNOWN:
        mark(UNKNOWN);
        model_copy(&world.pending, &world.working);
        world.pending_batch = *batch_id;
        world.has_pending = true;
        break;
    }
    return outcome;
}

static bool spy_resolve(struct store *store, const struct uuid *batch_id, bool *committed,
                        struct qms_error *error) {
    struct store *inner = spy_of(store)->inner;
    assert(world.has_pending);
    if (!inner->ops->resolve(inner, batch_id, committed, error)) return false;
    say("it was %s", *committed ? "committed" : "not committed");
    world.has_pending = false;
    if (*committed) batch_committed();
    else mark(FAILED);
    return true;
}

static void spy_idle(struct store *store) {
    struct store *inner = spy_of(store)->inner;
    inner->ops->idle(inner);
}

static int64_t spy_now(struct store *store) {
    struct store *inner = spy_of(store)->inner;
    return inner->ops->now(inner);
}

static void spy_close(struct store *store) {
    struct store *inner = spy_of(store)->inner;
    inner->ops->close(inner);
    memory_give(store);
}

struct store *spy_make(struct store *inner, int node) {
    struct spy *spy = memory_take_zeroed(1, sizeof *spy);
    spy->inner = inner;
    spy->node = node;
    spy->ops = (struct store_ops){
        .name = inner->ops->name, .owns_database = inner->ops->owns_database, .begin = spy_begin,
        .find = spy_find, .load = spy_load, .save = spy_save, .end = spy_end,
        .resolve = spy_resolve, .idle = spy_idle,
        .now = inner->ops->now == NULL ? NULL : spy_now, .close = spy_close};
    spy->base.ops = &spy->ops;
    return &spy->base;
}
