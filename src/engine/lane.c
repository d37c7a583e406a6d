#include "engine/lane.h"

#include <assert.h>
#include <unistd.h>

enum {
    LANE_BUCKETS = 1024,
    LANE_PAUSE_US = 5000, /* after a try that found the rows locked without waiting for them */
    FRESH_RUN_MAX = 8,    /* batches of those just come before one of those tried in vain */
};

/* An operation that waits. */
struct waiting {
    struct waiting *next;
    struct work work;
};

struct waiting_account {
    struct text username;
    struct waiting_account *bucket_next, *next;
    struct waiting *first, *last;
    bool locked; /* at the last try; only while it is being put away */
};

struct rotation {
    struct waiting_account *first, *last;
};

struct lane {
    struct worker *worker; /* its works, batches and store; its queue stays empty */
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool closed;
    struct waiting_account *buckets[LANE_BUCKETS];
    struct rotation fresh; /* not tried yet, or obtained and more have followed */
    struct rotation tried; /* still locked at the last try */
    unsigned fresh_run;    /* batches taken from fresh since one was taken from tried */
    size_t together;       /* accounts of tried that make the next batch */
    size_t count;          /* of operations, with those in hand */
    atomic_size_t accounts;
};

/* ---- accounts ---- */

static struct waiting_account **lane_link(struct lane *lane, struct text username) {
    struct waiting_account **link = &lane->buckets[cache_hash(username) % LANE_BUCKETS];
    while (*link != NULL && !text_equal((*link)->username, username)) link = &(*link)->bucket_next;
    return link;
}

static void rotation_push(struct rotation *rotation, struct waiting_account *account) {
    account->next = NULL;
    if (rotation->last == NULL) {
        rotation->first = account;
    } else {
        rotation->last->next = account;
    }
    rotation->last = account;
}

static struct waiting_account *rotation_pop(struct rotation *rotation) {
    struct waiting_account *account = rotation->first;
    rotation->first = account->next;
    if (rotation->first == NULL) rotation->last = NULL;
    return account;
}

static struct waiting_account *lane_add(struct lane *lane, struct text username) {
    struct waiting_account *account = memory_take_zeroed(1, sizeof *account);
    char *name = memory_take(username.length);
    if (username.length > 0) memcpy(name, username.data, username.length);
    account->username = (struct text){.data = name, .length = username.length};
    *lane_link(lane, username) = account;
    rotation_push(&lane->fresh, account);
    atomic_fetch_add(&lane->accounts, 1);
    return account;
}

/* One that is in no rotation and has no operations. */
static void lane_remove(struct lane *lane, struct waiting_account *account) {
    struct waiting_account **link = lane_link(lane, account->username);
    assert(*link == account);
    *link = account->bucket_next;
    memory_give((char *)account->username.data);
    memory_give(account);
    atomic_fetch_sub(&lane->accounts, 1);
}

/* ---- coming in ---- */

static void lane_count(struct lane *lane, size_t count) {
    lane->count = count;
    atomic_store(&lane->worker->engine->metrics->locks_waiting, count);
}

static struct waiting *waiting_make(const struct work *work) {
    struct waiting *waiting = memory_take_zeroed(1, sizeof *waiting);
    waiting->work = *work;
    if (work->locked_us == 0) waiting->work.locked_us = clock_monotonic_us();
    /* the worker goes on with the others of a list */
    size_t parts = work->request->part_count;
    if (parts > 0) waiting->work.arena = work->request->parts[parts - 1].arena;
    return waiting;
}

static void account_append(struct waiting_account *account, struct waiting *waiting) {
    if (account->last == NULL) {
        account->first = waiting;
    } else {
        account->last->next = waiting;
    }
    account->last = waiting;
}

static void work_give_up(struct lane *lane, struct work *work, struct part_list *finished) {
    struct op *op = work->op;
    atomic_fetch_add(&lane->worker->engine->metrics->lock_timeouts, 1);
    qms_fail(&op->error, QMS_UNAVAILABLE,
             "user %.*s is held locked by another program; nothing was changed, safe to try again",
             TEXT_ARGUMENTS(op->username));
    work_finish(work, finished);
}

/* Behind the account's others, or answered when there is no room. */
static void lane_append(struct lane *lane, struct waiting_account *account,
                        const struct work *work, struct part_list *finished) {
    atomic_fetch_add(&lane->worker->engine->metrics->lock_waits, 1);
    if (lane->count == LANE_OPERATIONS_MAX) {
        struct work refused = *work;
        work_give_up(lane, &refused, finished);
        return;
    }
    account_append(account, waiting_make(work));
    lane_count(lane, lane->count + 1);
}

bool lane_follow(struct lane *lane, const struct work *work) {
    if (atomic_load(&lane->accounts) == 0) return false;
    struct part_list finished = {0};
    pthread_mutex_lock(&lane->lock);
    struct waiting_account *account = *lane_link(lane, work->op->username);
    if (account != NULL) lane_append(lane, account, work, &finished);
    pthread_mutex_unlock(&lane->lock);
    queue_put_list(&lane->worker->engine->finished, &finished);
    return account != NULL;
}

void lane_enter(struct lane *lane, const struct work *works, size_t count) {
    struct part_list finished = {0};
    pthread_mutex_lock(&lane->lock);
    assert(!lane->closed);
    for (size_t i = 0; i < count; i++) {
        struct text username = works[i].op->username;
        struct waiting_account *account = *lane_link(lane, username);
        if (account == NULL) account = lane_add(lane, username);
        lane_append(lane, account, &works[i], &finished);
    }
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    queue_put_list(&lane->worker->engine->finished, &finished);
}

/* ---- giving up ---- */

static bool is_over(const struct lane *lane, const struct work *work, int64_t now_us) {
    const struct engine_options *options = &lane->worker->engine->options;
    return now_us - work->locked_us > options->lock_wait_us_max ||
           now_us - work->request->submitted_us > options->request_wait_us_max;
}

static void account_expire(struct lane *lane, struct waiting_account *account, int64_t now_us,
                           struct part_list *finished) {
    struct waiting **link = &account->first;
    account->last = NULL;
    while (*link != NULL) {
        struct waiting *waiting = *link;
        if (!is_over(lane, &waiting->work, now_us)) {
            account->last = waiting;
            link = &waiting->next;
            continue;
        }
        *link = waiting->next;
        work_give_up(lane, &waiting->work, finished);
        memory_give(waiting);
        lane_count(lane, lane->count - 1);
    }
}

static void rotation_expire(struct lane *lane, struct rotation *rotation, int64_t now_us,
                            struct part_list *finished) {
    struct rotation left = {0};
    while (rotation->first != NULL) {
        struct waiting_account *account = rotation_pop(rotation);
        account_expire(lane, account, now_us, finished);
        if (account->first == NULL) {
            lane_remove(lane, account);
        } else {
            rotation_push(&left, account);
        }
    }
    *rotation = left;
}

static void lane_expire(struct lane *lane) {
    struct part_list finished = {0};
    int64_t now_us = clock_monotonic_us();
    rotation_expire(lane, &lane->fresh, now_us, &finished);
    rotation_expire(lane, &lane->tried, now_us, &finished);
    queue_put_list(&lane->worker->engine->finished, &finished);
}

/* ---- trying ---- */

/* Of these accounts the first so many, out of their rotation, and of their operations as many as
 * make a batch. */
static void rotation_take(struct lane *lane, struct rotation *rotation, size_t accounts,
                          struct rotation *taken) {
    struct worker *worker = lane->worker;
    while (rotation->first != NULL && accounts-- > 0 && worker->work_count < worker->batch_limit) {
        struct waiting_account *account = rotation_pop(rotation);
        while (account->first != NULL && worker->work_count < worker->batch_limit) {
            struct waiting *waiting = account->first;
            worker->works[worker->work_count++] = waiting->work;
            account->first = waiting->next;
            memory_give(waiting);
        }
        if (account->first == NULL) account->last = NULL;
        rotation_push(taken, account);
    }
}

/* The accounts whose turn it is, and their operations as the worker's works. Those that have just
 * come are taken together: most were held by another server, for one batch. Those that are stuck
 * come after them, but they come, alone, since the store waits for their locks; when it need not
 * have, more at a time, for whoever held them may have held many. False: nobody waits, and the lane
 * is closed or nobody may come while this waits. */
static bool lane_take(struct lane *lane, bool waits, struct rotation *taken) {
    struct worker *worker = lane->worker;
    worker->work_count = worker->busy_count = worker->deferred_count = 0;
    *taken = (struct rotation){0};
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        lane_expire(lane);
        if (lane->fresh.first != NULL &&
            (lane->tried.first == NULL || lane->fresh_run < FRESH_RUN_MAX)) {
            rotation_take(lane, &lane->fresh, SIZE_MAX, taken);
            lane->fresh_run++;
            break;
        }
        if (lane->tried.first != NULL) {
            rotation_take(lane, &lane->tried, lane->together, taken);
            if (lane->together < BATCH_OPERATIONS_MAX) lane->together *= 2;
            lane->fresh_run = 0;
            break;
        }
        if (lane->closed || !waits) break;
        pthread_cond_wait(&lane->changed, &lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return taken->first != NULL;
}

/* Before the others of their accounts, as they were. */
static void lane_give_back(struct lane *lane, const struct work *works, size_t count,
                           bool locked) {
    for (size_t i = count; i-- > 0;) {
        struct waiting_account *account = *lane_link(lane, works[i].op->username);
        struct waiting *waiting = waiting_make(&works[i]);
        waiting->next = account->first;
        account->first = waiting;
        if (account->last == NULL) account->last = waiting;
        account->locked = locked;
    }
}

static void lane_put_away(struct lane *lane, struct rotation *taken) {
    while (taken->first != NULL) {
        struct waiting_account *account = rotation_pop(taken);
        bool locked = account->locked;
        account->locked = false;
        if (account->first == NULL) {
            lane_remove(lane, account);
        } else {
            rotation_push(locked ? &lane->tried : &lane->fresh, account);
        }
    }
}

/* A batch of these accounts' operations; true: one was still locked. */
static bool lane_try(struct lane *lane, struct rotation *taken) {
    struct worker *worker = lane->worker;
    batch_run(worker, worker->works, worker->work_count);
    bool locked = worker->busy_count > 0;
    pthread_mutex_lock(&lane->lock);
    size_t left = worker->deferred_count + worker->busy_count;
    lane_count(lane, lane->count - worker->work_count + left);
    lane_give_back(lane, worker->deferred, worker->deferred_count, false);
    lane_give_back(lane, worker->busy, worker->busy_count, true);
    lane_put_away(lane, taken);
    if (locked) lane->together = 1;
    pthread_mutex_unlock(&lane->lock);
    return locked;
}

bool lane_turn(struct lane *lane) {
    struct rotation taken;
    bool any = lane_take(lane, false, &taken);
    if (any) lane_try(lane, &taken);
    return any;
}

static void *lane_main(void *context) {
    struct lane *lane = context;
    for (struct rotation taken; lane_take(lane, true, &taken);) {
        int64_t start_us = clock_monotonic_us();
        bool locked = lane_try(lane, &taken);
        if (locked && clock_monotonic_us() - start_us < LANE_PAUSE_US) usleep(LANE_PAUSE_US);
    }
    return NULL;
}

/* ---- opening and closing ---- */

struct lane *lane_make(struct engine *engine, struct store *store) {
    struct lane *lane = memory_take_zeroed(1, sizeof *lane);
    lane->worker = worker_make(engine, engine->worker_count, store);
    lane->together = 1;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    return lane;
}

bool lane_start(struct lane *lane) {
    lane->running = pthread_create(&lane->thread, NULL, lane_main, lane) == 0;
    return lane->running;
}

void lane_stop(struct lane *lane) {
    if (!lane->running) return;
    pthread_mutex_lock(&lane->lock);
    lane->closed = true;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
    lane->running = false;
}

void lane_free(struct lane *lane) {
    assert(lane->count == 0);
    worker_free(lane->worker);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->lock);
    memory_give(lane);
}
