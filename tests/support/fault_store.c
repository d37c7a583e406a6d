#include "support/fault_store.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/arena.h"

struct countdown {
    atomic_uint skip, fired;
    atomic_int times;
};

struct fault_store {
    struct store base;
    struct store *inner;
    struct store_ops ops; /* the inner's name and kind with our functions */
    struct countdown faults[FAULT_COUNT];
    struct text refused_username, overtaken_username, broken_key;
    void (*watch)(void *context, const char *call);
    void *watch_context;
    atomic_uint begins, commits;
};

static struct fault_store *fault_of(struct store *store) {
    return (struct fault_store *)store;
}

static bool fault_strikes(struct fault_store *faulty, enum fault fault) {
    struct countdown *countdown = &faulty->faults[fault];
    int times = atomic_load(&countdown->times);
    if (times == 0) return false;
    if (atomic_load(&countdown->skip) > 0) {
        atomic_fetch_sub(&countdown->skip, 1);
        return false;
    }
    if (times > 0) atomic_store(&countdown->times, times - 1);
    atomic_fetch_add(&countdown->fired, 1);
    return true;
}

static void fault_watch(struct fault_store *faulty, const char *call) {
    if (faulty->watch != NULL) faulty->watch(faulty->watch_context, call);
}

static bool fault_begin(struct store *store, bool writes, bool *stale, struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    fault_watch(faulty, "begin");
    if (fault_strikes(faulty, FAULT_BEGIN)) return qms_fail_code(error, QMS_UNAVAILABLE);
    atomic_fetch_add(&faulty->begins, 1);
    if (!faulty->inner->ops->begin(faulty->inner, writes, stale, error)) return false;
    if (fault_strikes(faulty, FAULT_BEGIN_STALE)) *stale = true;
    return true;
}

static bool fault_load(struct store *store, struct store_load *load, struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    fault_watch(faulty, "load");
    if (fault_strikes(faulty, FAULT_LOAD)) {
        faulty->inner->ops->end(faulty->inner);
        return qms_fail_code(error, QMS_UNAVAILABLE);
    }
    if (!faulty->inner->ops->load(faulty->inner, load, error)) return false;
    for (size_t i = 0; i < load->replay_count; i++) {
        struct replay *replay = load->replays[i];
        if (faulty->broken_key.length == 0 || !text_equal(replay->key, faulty->broken_key))
            continue;
        replay->broken = true;
        replay->known = false;
    }
    if (load->addon_use_count > 0 && fault_strikes(faulty, FAULT_ADDON_BROKEN)) {
        load->addon_uses[0].broken = true;
    }
    return true;
}

static bool quantities_have(const struct change_list *list, struct text username) {
    for (size_t i = 0; i < list->count; i++) {
        const struct quantity *quantity = list->rows[i];
        if (text_equal(quantity->subscription->account->username, username)) return true;
    }
    return false;
}

static bool changes_have(const struct changes *changes, struct text username) {
    if (username.length == 0) return false;
    for (size_t i = 0; i < changes->updates.count; i++) {
        const struct update *update = changes->updates.rows[i];
        if (text_equal(update->account->username, username)) return true;
    }
    return quantities_have(&changes->quotas, username) ||
           quantities_have(&changes->usages, username);
}

static enum store_outcome save_fails(struct fault_store *faulty, enum store_outcome outcome,
                                     struct qms_error *error) {
    faulty->inner->ops->end(faulty->inner);
    qms_fail_code(error, outcome == STORE_REFUSED   ? QMS_INTERNAL
                         : outcome == STORE_UNKNOWN ? QMS_OUTCOME_UNKNOWN
                                                    : QMS_UNAVAILABLE);
    return outcome;
}

static enum store_outcome fault_save(struct store *store, const struct uuid *batch_id,
                                     const struct changes *changes, struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    fault_watch(faulty, "save");
    if (changes_have(changes, faulty->refused_username) ||
        fault_strikes(faulty, FAULT_SAVE_REFUSED)) {
        return save_fails(faulty, STORE_REFUSED, error);
    }
    if (fault_strikes(faulty, FAULT_SAVE_DECLINED)) {
        return save_fails(faulty, STORE_DECLINED, error);
    }
    if (changes_have(changes, faulty->overtaken_username) ||
        fault_strikes(faulty, FAULT_SAVE_OVERTAKEN)) {
        return save_fails(faulty, STORE_OVERTAKEN, error);
    }
    if (fault_strikes(faulty, FAULT_SAVE_LOCKED)) return save_fails(faulty, STORE_LOCKED, error);
    if (fault_strikes(faulty, FAULT_SAVE_FAILED)) return save_fails(faulty, STORE_FAILED, error);
    if (fault_strikes(faulty, FAULT_SAVE_LOST)) return save_fails(faulty, STORE_UNKNOWN, error);

    enum store_outcome outcome =
        faulty->inner->ops->save(faulty->inner, batch_id, changes, error);
    if (outcome != STORE_COMMITTED) return outcome;
    atomic_fetch_add(&faulty->commits, 1);
    if (!fault_strikes(faulty, FAULT_SAVE_COMMITTED)) return STORE_COMMITTED;
    qms_fail_code(error, QMS_OUTCOME_UNKNOWN);
    return STORE_UNKNOWN;
}

static bool fault_find(struct store *store, struct store_find *finds, size_t count,
                       struct arena *arena, struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    if (!faulty->inner->ops->find(faulty->inner, finds, count, arena, error)) return false;
    if (fault_strikes(faulty, FAULT_FIND_BROKEN)) {
        finds[0].found = false;
        finds[0].broken = true;
    }
    return true;
}

static void fault_end(struct store *store) {
    struct fault_store *faulty = fault_of(store);
    faulty->inner->ops->end(faulty->inner);
}

static bool fault_resolve(struct store *store, const struct uuid *batch_id, bool *committed,
                          struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    fault_watch(faulty, "resolve");
    if (fault_strikes(faulty, FAULT_RESOLVE)) return qms_fail_code(error, QMS_UNAVAILABLE);
    return faulty->inner->ops->resolve(faulty->inner, batch_id, committed, error);
}

static void fault_idle(struct store *store) {
    struct fault_store *faulty = fault_of(store);
    faulty->inner->ops->idle(faulty->inner);
}

static int64_t fault_now(struct store *store) {
    struct fault_store *faulty = fault_of(store);
    return faulty->inner->ops->now(faulty->inner);
}

struct fault_reader {
    struct fault_store *faulty;
    struct store_reader *inner;
};

static struct store_reader *fault_reader_open(struct store *store, struct qms_error *error) {
    struct fault_store *faulty = fault_of(store);
    if (fault_strikes(faulty, FAULT_READER_OPEN)) {
        qms_fail_code(error, QMS_UNAVAILABLE);
        return NULL;
    }
    struct store_reader *inner = faulty->inner->ops->reader_open(faulty->inner, error);
    if (inner == NULL) return NULL;
    struct fault_reader *reader = memory_take(sizeof *reader);
    *reader = (struct fault_reader){.faulty = faulty, .inner = inner};
    return (struct store_reader *)reader;
}

static void fault_reader_close(struct store_reader *reader) {
    struct fault_reader *wrapper = (struct fault_reader *)reader;
    wrapper->faulty->inner->ops->reader_close(wrapper->inner);
    memory_give(wrapper);
}

static bool fault_list(struct store_reader *reader, struct store_listing *listing,
                       struct qms_error *error) {
    struct fault_reader *wrapper = (struct fault_reader *)reader;
    struct fault_store *faulty = wrapper->faulty;
    if (fault_strikes(faulty, FAULT_LIST)) return qms_fail_code(error, QMS_UNAVAILABLE);
    return faulty->inner->ops->list(wrapper->inner, listing, error);
}

static void fault_close(struct store *store) {
    struct fault_store *faulty = fault_of(store);
    faulty->inner->ops->close(faulty->inner);
    memory_give(faulty);
}

struct store *fault_store_make(struct store *inner) {
    struct fault_store *faulty = memory_take_zeroed(1, sizeof *faulty);
    faulty->inner = inner;
    faulty->ops = (struct store_ops){
        .name = inner->ops->name,
        .owns_database = inner->ops->owns_database,
        .begin = fault_begin,
        .find = fault_find,
        .load = fault_load,
        .save = fault_save,
        .end = fault_end,
        .resolve = fault_resolve,
        .idle = fault_idle,
        .now = inner->ops->now == NULL ? NULL : fault_now,
        .reader_open = fault_reader_open,
        .reader_close = fault_reader_close,
        .list = fault_list,
        .close = fault_close,
    };
    faulty->base.ops = &faulty->ops;
    return &faulty->base;
}

void fault_store_arm(struct store *store, enum fault fault, unsigned skip, int times) {
    assert(fault < FAULT_COUNT);
    struct countdown *countdown = &fault_of(store)->faults[fault];
    atomic_store(&countdown->times, 0);
    atomic_store(&countdown->skip, skip);
    atomic_store(&countdown->fired, 0);
    atomic_store(&countdown->times, times);
}

unsigned fault_store_fired(struct store *store, enum fault fault) {
    assert(fault < FAULT_COUNT);
    return atomic_load(&fault_of(store)->faults[fault].fired);
}

void fault_store_refuse_user(struct store *store, struct text username) {
    fault_of(store)->refused_username = username;
}

void fault_store_overtake_user(struct store *store, struct text username) {
    fault_of(store)->overtaken_username = username;
}

void fault_store_break_key(struct store *store, struct text key) {
    fault_of(store)->broken_key = key;
}

void fault_store_watch(struct store *store, void (*watch)(void *context, const char *call),
                       void *context) {
    fault_of(store)->watch_context = context;
    fault_of(store)->watch = watch;
}

unsigned fault_store_begins(struct store *store) {
    return atomic_load(&fault_of(store)->begins);
}

unsigned fault_store_commits(struct store *store) {
    return atomic_load(&fault_of(store)->commits);
}
