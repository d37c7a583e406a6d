/* sim [SEED [STEPS]]: runs worlds step by step; without arguments those that the tests run.
 * QMS_SIM_SEED and QMS_SIM_STEPS say the same; QMS_SIM_RUNS runs so many seeds one after the other,
 * and QMS_SIM_LOUD shows every step. A run that fails says its seed, which repeats it, and what
 * happened last. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/engine_private.h"
#include "engine/lane.h"
#include "sim/sim.h"
#include "support/sanitized.h"

enum {
    LINE_BYTES = 600,
    STEPS = 150,
    SEEDS = SANITIZED ? 6 : 12,
    TURNS_MAX = 10000,
    TURNS_LOCKED_MAX = 20,
};

static char lines[LINES_SHOWN][LINE_BYTES];
static unsigned line_count;
static bool is_loud;

static void __attribute__((format(printf, 1, 0))) say_all(const char *format,
                                                          va_list arguments) {
    char *line = lines[line_count++ % LINES_SHOWN];
    int length = snprintf(line, LINE_BYTES, "%u: ", world.step);
    vsnprintf(line + length, LINE_BYTES - (size_t)length, format, arguments);
    if (is_loud) fprintf(stderr, "%s\n", line);
}

void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_all(format, arguments);
    va_end(arguments);
}

/* What the server logs is part of what happened. */
void __wrap_log_format(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void __wrap_log_format(enum log_level level, const char *format, ...) {
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    say_all(format, arguments);
    va_end(arguments);
}

static void show_last(void) {
    unsigned first = line_count > LINES_SHOWN ? line_count - LINES_SHOWN : 0;
    for (unsigned i = first; i < line_count && !is_loud; i++)
        fprintf(stderr, "%s\n", lines[i % LINES_SHOWN]);
    fprintf(stderr, "FAILED at step %u; QMS_SIM_SEED=%llu repeats it\n", world.step,
            (unsigned long long)world.seed);
}

void fail(const char *format, ...) {
    va_list arguments;
    show_last();
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    exit(1);
}

static void aborted(int signal_number) {
    (void)signal_number; /* an assertion has said why */
    show_last();
}

/* ---- asking ---- */

static struct flight *flight_free(void) {
    for (int i = 0; i < FLIGHTS; i++)
        if (!world.flights[i].is_busy) return &world.flights[i];
    return NULL;
}

static void say_ask(const struct flight *flight, int at, const char *what, const char *text) {
    const struct ask *ask = &flight->asks[at];
    say("%s %s %s %s%s%s", what, operation_name(ask->operation), user_name(ask->user), ask->key,
        text[0] != '\0' ? ": " : "", text);
}

static void flight_send(struct flight *flight, int node, bool may_answer_now) {
    struct request *request = &flight->request;
    request_reset(request);
    struct op *ops = flight->count == 1
                         ? request_single(request, flight->asks[0].operation)
                         : request_list(request, flight->asks[0].operation,
                                        (size_t)flight->count);
    for (int i = 0; i < flight->count; i++) {
        ask_fill(&flight->asks[i], &ops[i], &request->arena);
        flight->fates[i] = UNDECIDED;
        flight->attempts[i] = 0;
        char text[ANSWER_BYTES] = "";
        put_milli(text, flight->asks[i].milli);
        say_ask(flight, i, "ask", text);
    }
    flight->is_busy = true;
    flight->failures = world.failures;
    flight->sent_us = world.monotonic_us;
    flight->number = ++world.sent;
    flight->node = node;
    request->done = flight_check;
    engine_submit(world.engines[node], request, may_answer_now);
}

void ask_during_save(int node) {
    engine_reply(world.engines[node], 0); /* whatever has been finished by now did not wait */
    struct flight *flight = flight_free();
    if (flight == NULL || !chance(3)) return;
    flight->count = 1;
    do draw_ask(&flight->asks[0]);
    while (operation_effect(flight->asks[0].operation) == EFFECT_WRITE);
    flight_send(flight, node, true);
}

/* ---- being answered ---- */

static bool was_undecided_for_a_reason(const struct flight *flight, const struct op *op) {
    int64_t waited_us = world.monotonic_us - flight->sent_us;
    return op->error.code == QMS_UNAVAILABLE &&
           (world.failures > flight->failures || waited_us > LOCK_WAIT_MS_DEFAULT * 1000);
}

/* What the fate of the batch that decided an operation makes of the answer. */
static void expect(const struct flight *flight, int at, const struct op *op,
                   struct answer *expected) {
    bool writes = operation_effect(op->operation) == EFFECT_WRITE;
    *expected = flight->expected[at];
    switch (flight->fates[at]) {
    case UNSEEN:
        if (operation_target(op->operation) == TARGET_CATALOGUE && writes &&
            expected->code == QMS_OK && op->operation != OP_ADDON_DELETE)
            *expected = (struct answer){.code = QMS_INTERNAL}; /* saved, and cannot be shown */
        break;
    case COMMITTED:
    case ENDED: break;
    case DECIDED:
        if (writes) fail("%s is answered before its commit", operation_name(op->operation));
        break;
    case FAILED:
    case DECLINED:
    case OVERTAKEN: *expected = (struct answer){.code = QMS_UNAVAILABLE}; break;
    case REFUSED: /* alone, unless the store failed before a half of it was decided again */
        *expected = (struct answer){
            .code = was_undecided_for_a_reason(flight, op) ? QMS_UNAVAILABLE : QMS_INTERNAL};
        break;
    case UNKNOWN: *expected = (struct answer){.code = QMS_OUTCOME_UNKNOWN}; break;
    case UNDECIDED:
        if (!was_undecided_for_a_reason(flight, op))
            fail("%s is answered undecided: %s", operation_name(op->operation), op->error.text);
        *expected = (struct answer){.code = QMS_UNAVAILABLE};
        break;
    }
}

void flight_check(struct request *request) {
    struct flight *flight = world.flights;
    while (&flight->request != request) flight++;
    for (int i = 0; i < flight->count; i++) {
        struct answer expected, answer;
        const struct op *op = &request->ops[i];
        answer_of(op, &answer);
        say_ask(flight, i, answer.code == QMS_OK ? "answered" : qms_code_text(answer.code),
                answer.text);
        expect(flight, i, op, &expected);
        world.answered[answer.code]++;
        if (answer.code != expected.code || strcmp(answer.text, expected.text) != 0)
            fail("%s of %s (%d of %d, fate %d)\nanswered  %d %s (%s)\nnot       %d %s",
                 operation_name(op->operation), user_name(flight->asks[i].user), i, flight->count,
                 flight->fates[i], answer.code, answer.text, op->error.text, expected.code,
                 expected.text);
    }
    flight->is_busy = false;
}

/* ---- steps ---- */

static bool any_busy(void) {
    for (int i = 0; i < FLIGHTS; i++)
        if (world.flights[i].is_busy) return true;
    return false;
}

/* Until all is answered, or what is left waits for somebody's lock. */
static void run_turns(void) {
    for (int turns = 0; any_busy(); turns++) {
        if (world.has_locks && turns == TURNS_LOCKED_MAX) return;
        if (turns == TURNS_MAX) fail("some requests are never answered");
        int node = (int)draw((uint64_t)world.node_count);
        struct engine *engine = world.engines[node];
        struct worker *worker = engine->workers[0];
        if (queue_depth(&worker->submitted) > 0 || worker->pending.first != NULL ||
            worker->deferred_count > 0)
            worker_turn(worker, 0);
        if (engine->lane != NULL) lane_turn(engine->lane);
        engine_reply(engine, 0);
    }
}

static void step(void) {
    world.has_grown = false;
    befall();
    for (uint64_t count = chance(3) ? 1 : draw(12); count > 0; count--) {
        struct flight *flight = flight_free();
        if (flight == NULL) break;
        if (chance(8)) {
            draw_list(flight);
        } else {
            flight->count = 1;
            draw_ask(&flight->asks[0]);
        }
        int node = (int)draw((uint64_t)world.node_count);
        flight_send(flight, node, chance(2));
    }
    run_turns();
    mend();
    for (int node = 0; node < world.node_count; node++)
        if (chance(20)) worker_turn(world.engines[node]->workers[0], 0); /* nothing to do */
    if (!any_busy() && chance(100)) world_restart();
    if (!world.has_pending && chance(5)) stored_check();
}

static void run(uint64_t seed, unsigned steps) {
    line_count = 0;
    world_open(seed);
    for (world.step = 1; world.step <= steps; world.step++) step();
    for (int user = 0; user < USERS; user++)
        if (world.locked[user]) shared_database_unlock(world.shared, user_name(user));
    world.has_locks = false;
    run_turns();
    world_restart();
    if (!world.has_pending) stored_check();
    printf("seed %llu: %u steps, %llu decisions, %llu succeeded, %llu looks, %llu power cuts, "
           "%llu outcomes taken over\n",
           (unsigned long long)seed, steps, (unsigned long long)world.decisions,
           (unsigned long long)world.answered[QMS_OK], (unsigned long long)world.checks,
           (unsigned long long)world.cuts, (unsigned long long)world.takeovers);
    fflush(stdout);
    world_close();
}

static uint64_t setting(const char *name, const char *argument, uint64_t otherwise) {
    const char *text = argument != NULL ? argument : getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

int main(int count, char **arguments) {
    setenv("TZ", "UTC", 1);
    signal(SIGABRT, aborted);
    is_loud = getenv("QMS_SIM_LOUD") != NULL;
    uint64_t seed = setting("QMS_SIM_SEED", count > 1 ? arguments[1] : NULL, 0);
    unsigned steps = (unsigned)setting("QMS_SIM_STEPS", count > 2 ? arguments[2] : NULL, STEPS);
    uint64_t runs = setting("QMS_SIM_RUNS", NULL, seed == 0 ? SEEDS : 1);
    if (seed == 0) seed = 1;
    for (uint64_t i = 0; i < runs; i++) run(seed + i, steps);
    return 0;
}
