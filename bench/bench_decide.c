/* bench_decide: operations a second when nothing but the rules runs: facts are in memory, nothing
 * is saved. Every operation is an ADD of cpu.hours to one of 10,000 users; changes are collected as
 * for a batch of 1,000 and then declared committed.
 * Usage: bench_decide uniform|zipf [operations] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_common.h"
#include "domain/decide.h"
#include "store/store.h"

enum { BATCH = 1000 };

static struct account accounts[BENCH_USERS];
static char names[BENCH_USERS][16];

static void fail(const struct qms_error *error) {
    fprintf(stderr, "bench_decide: %s\n", error->text);
    exit(1);
}

/* An empty store gives the seeded catalogue; the users are unknown and made by the first round. */
static struct store_load load_facts(struct store *store) {
    static struct account *wanted[BENCH_USERS];
    struct qms_error error = {0};
    for (int i = 0; i < BENCH_USERS; i++) {
        snprintf(names[i], sizeof names[i], "user%05d", i);
        account_init(&accounts[i], text_of(names[i]));
        wanted[i] = &accounts[i];
    }
    struct store_load load = {
        .accounts = wanted, .account_count = BENCH_USERS, .catalogue_version = -1};
    bool stale;
    if (!store->ops->begin(store, true, &stale, &error)) fail(&error);
    if (!store->ops->load(store, &load, &error)) fail(&error);
    store->ops->end(store);
    return load;
}

static void decide_one(struct decision *decision, struct arena *arena, size_t user) {
    struct op op = {
        .operation = OP_UPDATE_ADD,
        .username = text_of(names[user]),
        .account = &accounts[user],
        .in.change = {.value_type = TEXT("usages"),
                      .resource_name = TEXT("cpu.hours"),
                      .resource_unit = TEXT("cpu hours"),
                      .operation_name = TEXT("ADD"),
                      .value = amount_of(1),
                      .has_effective = true,
                      .effective_us = decision->decided_us},
    };
    if (!decide(decision, &op, arena)) fail(&op.error);
    catalogue_release(op.catalogue);
}

int main(int count, char **arguments) {
    bool zipf = count > 1 && strcmp(arguments[1], "zipf") == 0;
    long operations = count > 2 ? strtol(arguments[2], NULL, 10) : 5000000;
    struct qms_error error = {0};
    struct store *store = store_open(
        &(struct store_options){
            .url = "sqlite::memory:", .clock = &clock_system, .actor = TEXT("bench")},
        &error);
    if (store == NULL) fail(&error);
    struct store_load load = load_facts(store);

    struct uuid_source ids;
    uuid_source_init(&ids);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct changes changes;
    struct decision decision = {
        .catalogue = load.catalogue,
        .changes = &changes,
        .ids = &ids,
        .decided_us = load.moment.decided_us,
        .stamped_us = load.moment.stamped_us,
        .actor = TEXT("bench"),
        .default_plan = TEXT("Basic"),
        .report_overages = true,
    };
    static struct bench_picker picker;
    bench_picker_init(&picker, zipf, 1);
    double start = 0;
    /* the first round over all users makes their subscriptions and is not counted */
    for (long done = -BENCH_USERS; done < operations; done++) {
        if (done == 0) start = bench_seconds();
        if (done % BATCH == 0) {
            if (done > -BENCH_USERS) changes_committed(&changes);
            arena_reset(&arena);
            changes_init(&changes, &arena);
        }
        decide_one(&decision, &arena,
                   done < 0 ? (size_t)(done + BENCH_USERS) : bench_pick(&picker));
    }
    bench_report(zipf ? "decide zipf" : "decide uniform", (double)operations,
                 bench_seconds() - start);
    arena_close(&arena);
    for (int i = 0; i < BENCH_USERS; i++) account_close(&accounts[i]);
    catalogue_release(load.catalogue);
    store->ops->close(store);
    return 0;
}
