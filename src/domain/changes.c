#include "domain/changes.h"

#include <assert.h>

enum { CHANGE_LIST_ROWS_FIRST = 64 };

/* What some bytes of a row were before an operation wrote them; the newest first. */
struct change_undo {
    struct change_undo *older;
    void *place;
    size_t bytes;
    char saved[];
};

static const char *const value_type_names[] = {
    [VALUE_QUOTAS] = "quotas",
    [VALUE_USAGES] = "usages",
};

const char *value_type_name(enum value_type type) {
    assert(type == VALUE_QUOTAS || type == VALUE_USAGES);
    return value_type_names[type];
}

bool value_type_named(struct text name, enum value_type *type) {
    if (text_equal(name, TEXT("usages")) || text_equal(name, TEXT("usage"))) *type = VALUE_USAGES;
    else if (text_equal(name, TEXT("quotas")) || text_equal(name, TEXT("quota")))
        *type = VALUE_QUOTAS;
    else return false;
    return true;
}

const struct uuid *replay_user(const struct replay *replay) {
    static const struct uuid nobody;
    return replay->account == NULL ? &nobody : &replay->account->user_id;
}

void changes_init(struct changes *changes, struct arena *arena) {
    *changes = (struct changes){.arena = arena};
}

bool changes_empty(const struct changes *changes) {
    return changes->accounts.count == 0 && changes->subscriptions.count == 0 &&
           changes->quotas.count == 0 && changes->usages.count == 0 &&
           changes->updates.count == 0 && changes->replays.count == 0 &&
           changes->addons_applied.count == 0 && !changes_catalogue_any(changes) &&
           !changes_directory_any(changes);
}

bool changes_catalogue_any(const struct changes *changes) {
    return changes->plans.count > 0 || changes->plan_rates.count > 0 ||
           changes->quota_defaults.count > 0 || changes->resource_types.count > 0 ||
           changes->addons.count > 0 || changes->addon_rates.count > 0;
}

bool changes_directory_any(const struct changes *changes) {
    for (int kind = 0; kind < DIRECTORY_KIND_COUNT; kind++)
        if (changes->directory[kind].count > 0) return true;
    return false;
}

void changes_begin(struct changes *changes) {
    changes->undo = NULL;
    changes->must_lock = false;
    changes->mark = (struct changes_mark){
        .accounts = changes->accounts.count,
        .subscriptions = changes->subscriptions.count,
        .addons_applied = changes->addons_applied.count,
        .quotas = changes->quotas.count,
        .usages = changes->usages.count,
        .updates = changes->updates.count,
        .replays = changes->replays.count,
    };
}

/* A row saved twice gets its oldest bytes last, so it ends as the operation found it. */
void changes_undo(struct changes *changes) {
    for (struct change_undo *undo = changes->undo; undo != NULL; undo = undo->older)
        memcpy(undo->place, undo->saved, undo->bytes);
    changes->undo = NULL;
    changes->accounts.count = changes->mark.accounts;
    changes->subscriptions.count = changes->mark.subscriptions;
    changes->addons_applied.count = changes->mark.addons_applied;
    changes->quotas.count = changes->mark.quotas;
    changes->usages.count = changes->mark.usages;
    changes->updates.count = changes->mark.updates;
    changes->replays.count = changes->mark.replays;
}

static void list_put(struct changes *changes, struct change_list *list, void *row) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? CHANGE_LIST_ROWS_FIRST : 2 * list->capacity;
        void **rows = arena_take_zeroed(changes->arena, capacity, sizeof *rows);
        if (list->count > 0) memcpy(rows, list->rows, list->count * sizeof *rows);
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->count++] = row;
}

static void save(struct changes *changes, void *place, size_t bytes) {
    struct change_undo *undo = arena_take(changes->arena, sizeof *undo + bytes);
    undo->older = changes->undo;
    undo->place = place;
    undo->bytes = bytes;
    memcpy(undo->saved, place, bytes);
    changes->undo = undo;
}

/* A row that the batch inserts stays an insertion however often it is changed afterwards. */
static void mark_dirty(struct changes *changes, struct change_list *list, void *row,
                       enum row_state *dirty, enum row_state state) {
    assert(state != ROW_CLEAN);
    if (*dirty != ROW_CLEAN) {
        assert(state == ROW_CHANGED || state == ROW_DELETED);
        if (state == ROW_DELETED) *dirty = ROW_DELETED;
        return;
    }
    list_put(changes, list, row);
    *dirty = state;
}

static void need_locked(struct changes *changes, const struct account *account,
                        enum account_rows kind) {
    if ((account->writable & kind) == 0) changes->must_lock = true;
}

/* A row of a subscription; dirty is what the batch has done to it so far. */
static void need_locked_row(struct changes *changes, const struct subscription *subscription,
                            enum row_state dirty, enum row_state state, enum account_rows kind) {
    if (dirty == ROW_INSERTED || subscription->dirty == ROW_INSERTED) return;
    need_locked(changes, subscription->account, state == ROW_INSERTED ? ROWS_SUBSCRIPTIONS : kind);
}

/* Only the facts of an account are saved: its arena and its place in the cache go on. */
void changes_account_insert(struct changes *changes, struct account *account) {
    assert(!account->exists);
    save(changes, &account->user_id, sizeof account->user_id);
    save(changes, &account->exists, sizeof account->exists);
    save(changes, &account->dirty, sizeof account->dirty);
    mark_dirty(changes, &changes->accounts, account, &account->dirty, ROW_INSERTED);
}

void changes_account_rows(struct changes *changes, struct account *account) {
    save(changes, &account->subscriptions, sizeof account->subscriptions);
}

void changes_subscription_rows(struct changes *changes, struct subscription *subscription) {
    save(changes, subscription, sizeof *subscription);
}

void changes_subscription(struct changes *changes, struct subscription *subscription,
                          enum row_state state) {
    bool is_new = subscription->dirty == ROW_INSERTED ||
                  (state == ROW_INSERTED && subscription->account->dirty == ROW_INSERTED);
    if (!is_new) need_locked(changes, subscription->account, ROWS_SUBSCRIPTIONS);
    save(changes, subscription, sizeof *subscription);
    mark_dirty(changes, &changes->subscriptions, subscription, &subscription->dirty, state);
}

void changes_quota(struct changes *changes, struct quantity *quota, enum row_state state) {
    need_locked_row(changes, quota->subscription, quota->dirty, state, ROWS_QUOTAS);
    save(changes, quota, sizeof *quota);
    mark_dirty(changes, &changes->quotas, quota, &quota->dirty, state);
}

void changes_usage(struct changes *changes, struct quantity *usage, enum row_state state) {
    need_locked_row(changes, usage->subscription, usage->dirty, state, ROWS_USAGES);
    save(changes, usage, sizeof *usage);
    mark_dirty(changes, &changes->usages, usage, &usage->dirty, state);
}

void changes_addon_applied(struct changes *changes, struct subscription_addon *addon,
                           enum row_state state) {
    need_locked_row(changes, addon->subscription, addon->dirty, state, ROWS_ADDONS);
    save(changes, addon, sizeof *addon);
    assert(state != ROW_DELETED || addon->dirty != ROW_INSERTED);
    mark_dirty(changes, &changes->addons_applied, addon, &addon->dirty, state);
}

void changes_addon_link(struct changes *changes, struct subscription_addon *addon) {
    save(changes, &addon->next, sizeof(struct subscription_addon *));
}

void changes_catalogue(struct changes *changes, struct change_list *list, void *row) {
    list_put(changes, list, row);
}

void changes_directory(struct changes *changes, enum directory_kind kind, void *row,
                       enum row_state state) {
    assert(state != ROW_CLEAN);
    ((struct directory_row *)row)->state = state;
    list_put(changes, &changes->directory[kind], row);
}

void changes_update(struct changes *changes, struct update *update) {
    list_put(changes, &changes->updates, update);
}

void changes_replay(struct changes *changes, struct replay *replay) {
    save(changes, replay, sizeof *replay);
    mark_dirty(changes, &changes->replays, replay, &replay->dirty, ROW_INSERTED);
}

void changes_committed(struct changes *changes) {
    for (size_t i = 0; i < changes->accounts.count; i++)
        ((struct account *)changes->accounts.rows[i])->dirty = ROW_CLEAN;
    for (size_t i = 0; i < changes->subscriptions.count; i++)
        ((struct subscription *)changes->subscriptions.rows[i])->dirty = ROW_CLEAN;
    for (size_t i = 0; i < changes->quotas.count; i++)
        ((struct quantity *)changes->quotas.rows[i])->dirty = ROW_CLEAN;
    for (size_t i = 0; i < changes->usages.count; i++)
        ((struct quantity *)changes->usages.rows[i])->dirty = ROW_CLEAN;
    for (size_t i = 0; i < changes->addons_applied.count; i++)
        ((struct subscription_addon *)changes->addons_applied.rows[i])->dirty = ROW_CLEAN;
    for (size_t i = 0; i < changes->replays.count; i++)
        ((struct replay *)changes->replays.rows[i])->dirty = ROW_CLEAN;
}
