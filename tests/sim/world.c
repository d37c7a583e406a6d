/* A world of one seed: what it is like, its servers, and what befalls it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine_private.h"
#include "sim/sim.h"
#include "support/fault_store.h"
#include "support/power_vfs.h"
#include "support/shared_store.h"

struct world world;

static struct metrics metrics;
static int nodes[NODES_MAX] = {0, 1};

static int64_t world_wall_us(void *context) {
    (void)context;
    return world.wall_us;
}

static const struct clock world_clock = {.wall_us = world_wall_us};

static struct store *world_store(void) {
    char url[sizeof world.path + 8];
    struct qms_error error = {0};
    snprintf(url, sizeof url, "sqlite:%s", world.path);
    struct store *store = store_open(
        &(struct store_options){.url = url, .clock = &world_clock, .vfs = POWER_VFS}, &error);
    if (store == NULL) fail("cannot open the store: %s", error.text);
    return store;
}

static struct store *node_store(void *context, bool waits, struct qms_error *error) {
    (void)error;
    int node = *(int *)context;
    struct store *store = world.shared == NULL ? world_store() : shared_store_open(world.shared, 0);
    store = fault_store_make(store);
    if (!waits) world.faulty[node] = store; /* the lane's works */
    return spy_make(store, node);
}

static void node_open(int node) {
    struct engine_options options;
    struct qms_error error = {0};
    engine_options_init(&options);
    options.open_store = node_store;
    options.store_context = &nodes[node];
    options.metrics = &metrics;
    options.reads_subscribe = world.durable.reads_subscribe;
    options.report_overages = world.durable.report_overages;
    options.carries_over = world.durable.carries_over;
    options.restores_tails = world.durable.restores_tails;
    options.cache_accounts_max = world.accounts_max;
    options.commit_resolve_us_max = 0; /* asks once */
    world.engines[node] = engine_make(&options, &error);
    if (world.engines[node] == NULL) fail("cannot open the engine: %s", error.text);
}

static void node_close(int node) {
    engine_stop(world.engines[node]);
    engine_close(world.engines[node]);
    world.engines[node] = NULL;
}

void world_restart(void) {
    bool was_cut = power_vfs_is_cut();
    if (world.is_shared) return;
    node_close(0);
    unsigned lost = was_cut ? power_vfs_restore() : 0;
    say("%s, %u writes lost", was_cut ? "power cut" : "restart", lost);
    world.cuts += was_cut;
    world.decided_us = 0; /* of what was only read, nothing remembers when */
    node_open(0);
    stored_check();
}

/* Every seed leaves some things out, so that the others have room to meet. */
static void world_draw(uint64_t seed) {
    memset(&world, 0, sizeof world);
    world.seed = world.random = seed;
    world.wall_us = INT64_C(1785000000000000) + (int64_t)draw(INT64_C(10000000000000));
    world.wall_latest_us = world.wall_us;
    world.monotonic_us = 1000000;
    world.is_shared = seed % 3 == 0;
    world.has_disk_faults = seed % 3 == 1;
    world.has_store_faults = !chance(3);
    world.has_foreign = chance(2);
    world.has_locks = world.is_shared && chance(2);
    world.accounts_max = chance(2) ? 1 + draw(3) : 1000;
    world.durable.reads_subscribe = !chance(4);
    world.durable.report_overages = !chance(4);
    world.durable.carries_over = chance(2);
    world.durable.restores_tails = chance(2);
    for (size_t i = 0; i < sizeof world.weights / sizeof *world.weights; i++)
        world.weights[i] = chance(5) ? 0 : 1 + (unsigned)draw(10);
    world.weights[0] += 3; /* usages */
    world.weights[1] += 1; /* without subscriptions not much happens */
    world.weights[4] += 1; /* reads, at least: they are asked during commits */
}

void world_open(uint64_t seed) {
    world_draw(seed);
    const char *base = getenv("TMPDIR");
    snprintf(world.directory, sizeof world.directory, "%s/qms-sim-XXXXXX",
             base == NULL || strlen(base) > 80 ? P_tmpdir : base);
    if (mkdtemp(world.directory) == NULL) fail("cannot make %s", world.directory);
    snprintf(world.path, sizeof world.path, "%s/qms.db", world.directory);
    power_vfs_register();
    if (world.is_shared) world.shared = shared_database_make(world_store());
    world.node_count = world.is_shared ? NODES_MAX : 1;
    for (int node = 0; node < world.node_count; node++) node_open(node);
    stored_adopt(&world.durable);
    stored_check();
    for (int i = 0; i < FLIGHTS; i++) request_init(&world.flights[i].request);
    say("%s%s%s%s%s, %zu accounts cached", world.is_shared ? "two servers" : "one server",
        world.has_disk_faults ? ", disk" : "", world.has_store_faults ? ", store" : "",
        world.has_foreign ? ", foreign" : "", world.has_locks ? ", locks" : "",
        world.accounts_max);
}

void world_close(void) {
    for (int node = 0; node < world.node_count; node++) node_close(node);
    if (world.shared != NULL) shared_database_free(world.shared);
    for (int i = 0; i < FLIGHTS; i++) request_close(&world.flights[i].request);
    power_vfs_restore();
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < 4; i++) {
        char path[sizeof world.path + 8];
        snprintf(path, sizeof path, "%s%s", world.path, endings[i]);
        unlink(path);
    }
    rmdir(world.directory);
}

/* ---- what befalls it ---- */

static void befall_store(void) {
    struct store *store = world.faulty[draw((uint64_t)world.node_count)];
    static const enum fault faults[] = {
        FAULT_BEGIN,       FAULT_BEGIN_STALE,    FAULT_LOAD,      FAULT_SAVE_REFUSED,
        FAULT_SAVE_FAILED, FAULT_SAVE_COMMITTED, FAULT_SAVE_LOST, FAULT_SAVE_OVERTAKEN,
        FAULT_SAVE_DECLINED};
    unsigned which = (unsigned)draw(11);
    if (which < 9) {
        unsigned skip = (unsigned)draw(3);
        fault_store_arm(store, faults[which], skip, 1 + (int)draw(2));
        if (chance(2)) fault_store_arm(store, FAULT_RESOLVE, 0, 1);
    } else if (which == 9) {
        fault_store_refuse_user(store, text_of(user_name((int)draw(USERS))));
    } else if (chance(4)) {
        fault_store_overtake_user(store, text_of(user_name((int)draw(USERS))));
    }
    say("the store will fail (%u)", which);
}

static void befall_disk(void) {
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL};
    unsigned which = (unsigned)draw(4);
    unsigned after = (unsigned)draw(1 + draw(40));
    if (which == 0) power_vfs_fail_after(after, codes[draw(2)]);
    else if (which == 1) power_vfs_fail_sync_after((unsigned)draw(4));
    else power_vfs_cut_after(after, which == 2 ? POWER_LOSES_ALL : POWER_LOSES_SOME, world.step);
    say("the disk will fail (%u)", which);
}

void befall_locks(void) {
    if (!world.has_locks || !chance(5)) return;
    int user = (int)draw(USERS);
    world.locked[user] = !world.locked[user];
    (world.locked[user] ? shared_database_lock
                        : shared_database_unlock)(world.shared, user_name(user));
    say("%s is %s", user_name(user), world.locked[user] ? "locked" : "unlocked");
}

void befall(void) {
    if (chance(2)) {
        int64_t us = chance(3) ? 0 : draw_span_us();
        if (chance(60)) {
            world.wall_us -= us;
        } else if (chance(4)) {
            int64_t at_us = draw_time_us();
            if (at_us > world.wall_us && at_us < world.wall_us + 2000 * INT64_C(86400000000))
                world.wall_us = at_us;
        } else {
            world.wall_us += us;
        }
        if (!chance(4)) world.monotonic_us += us;
        if (world.wall_us > world.wall_latest_us) world.wall_latest_us = world.wall_us;
        say("the clock says %lld", (long long)world.wall_us);
    }
    if (world.has_foreign && chance(10)) stored_write();
    if (world.has_store_faults && chance(4)) befall_store();
    if (world.has_disk_faults && chance(3)) befall_disk();
    befall_locks();
}

void mend(void) {
    for (int node = 0; node < world.node_count; node++) {
        for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
            fault_store_arm(world.faulty[node], fault, 0, 0);
        fault_store_refuse_user(world.faulty[node], TEXT(""));
        fault_store_overtake_user(world.faulty[node], TEXT(""));
    }
    if (power_vfs_is_cut()) {
        world_restart();
        return;
    }
    power_vfs_cut_after(UINT32_MAX, POWER_LOSES_ALL, 0); /* never */
    power_vfs_fail_after(UINT32_MAX, 0);
    power_vfs_fail_sync_after(UINT32_MAX);
}
