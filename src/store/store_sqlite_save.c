#include <sqlite3.h>
#include <stdlib.h>

#include "store/store_sqlite.h"

/* Values are absolute, from memory: no statement reads what it writes. */

/* A change of a row that is not there means that what was cached is not what is stored. */
int store_sqlite_run_one(struct row *row) {
    int64_t changed;
    int code = row_run_counted(row, &changed);
    if (code != SQLITE_OK) return code;
    return changed == 1 ? SQLITE_OK : SQLITE_NOTFOUND;
}

static int write_users(struct store_sqlite *sqlite, const struct changes *changes) {
    size_t count = changes->accounts.count;
    if (count == 0) return SQLITE_OK;
    const struct account **accounts = arena_take(changes->arena, count * sizeof *accounts);
    memcpy(accounts, changes->accounts.rows, count * sizeof *accounts);
    qsort(accounts, count, sizeof *accounts, account_order);
    for (size_t i = 0; i < count; i++) {
        struct row row;
        row_open(&row, &sqlite->statements, INSERT_USER);
        row_put_uuid(&row, &accounts[i]->user_id);
        row_put_text(&row, accounts[i]->username);
        int code = row_run(&row);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

static int insert_subscription(struct store_sqlite *sqlite,
                               const struct subscription *subscription) {
    struct row row;
    row_open(&row, &sqlite->statements, INSERT_SUBSCRIPTION);
    row_put_uuid(&row, &subscription->id);
    row_put_uuid(&row, &subscription->account->user_id);
    row_put_uuid(&row, &subscription->plan_id);
    row_put_integer(&row, subscription->start_us);
    row_put_end(&row, subscription->end_us);
    row_put_integer(&row, subscription->paid);
    row_put_uuid(&row, &subscription->plan_rate_id);
    row_put_text(&row, sqlite->moment.actor);
    row_put_integer(&row, sqlite->moment.stamped_us);
    return row_run(&row);
}

static int change_subscription(struct store_sqlite *sqlite,
                               const struct subscription *subscription) {
    struct row row;
    row_open(&row, &sqlite->statements, CHANGE_SUBSCRIPTION);
    row_put_uuid(&row, &subscription->id);
    row_put_integer(&row, subscription->start_us);
    row_put_end(&row, subscription->end_us);
    row_put_integer(&row, subscription->paid);
    row_put_text(&row, sqlite->moment.actor);
    row_put_integer(&row, sqlite->moment.stamped_us);
    return store_sqlite_run_one(&row);
}

static int write_subscriptions(struct store_sqlite *sqlite, const struct change_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct subscription *subscription = list->rows[i];
        int code = subscription->dirty == ROW_INSERTED ? insert_subscription(sqlite, subscription)
                                                       : change_subscription(sqlite, subscription);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

static int write_applied_row(struct store_sqlite *sqlite,
                             const struct subscription_addon *addon) {
    struct row row;
    row_open(&row, &sqlite->statements,
             addon->dirty == ROW_INSERTED  ? INSERT_APPLIED
             : addon->dirty == ROW_DELETED ? DELETE_APPLIED
                                           : CHANGE_APPLIED);
    row_put_uuid(&row, &addon->id);
    if (addon->dirty == ROW_DELETED) return store_sqlite_run_one(&row);
    if (addon->dirty == ROW_INSERTED) {
        row_put_uuid(&row, &addon->subscription->id);
        row_put_uuid(&row, &addon->addon_id);
    }
    row_put_amount(&row, addon->amount);
    row_put_integer(&row, addon->paid);
    if (addon->dirty == ROW_INSERTED) row_put_uuid(&row, &addon->addon_rate_id);
    return store_sqlite_run_one(&row);
}

static int write_applied(struct store_sqlite *sqlite, const struct change_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        int code = write_applied_row(sqlite, list->rows[i]);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

static int insert_quantity(struct store_sqlite *sqlite, enum statement_id id,
                           const struct quantity *quantity) {
    struct row row;
    row_open(&row, &sqlite->statements, id);
    row_put_uuid(&row, &quantity->id);
    row_put_amount(&row, quantity->value);
    row_put_uuid(&row, &quantity->resource_type_id);
    row_put_uuid(&row, &quantity->subscription->id);
    row_put_text(&row, quantity->stamps.created_by);
    row_put_integer(&row, quantity->stamps.created_us);
    row_put_text(&row, quantity->stamps.last_modified_by);
    row_put_integer(&row, quantity->stamps.last_modified_us);
    return row_run(&row);
}

static int change_quantity(struct store_sqlite *sqlite, enum statement_id id,
                           const struct quantity *quantity) {
    struct row row;
    row_open(&row, &sqlite->statements, id);
    row_put_uuid(&row, &quantity->subscription->id);
    row_put_uuid(&row, &quantity->resource_type_id);
    row_put_amount(&row, quantity->value);
    row_put_text(&row, quantity->stamps.last_modified_by);
    row_put_integer(&row, quantity->stamps.last_modified_us);
    return store_sqlite_run_one(&row);
}

static int write_quantities(struct store_sqlite *sqlite, const struct change_list *list,
                            enum statement_id insert, enum statement_id change) {
    for (size_t i = 0; i < list->count; i++) {
        const struct quantity *quantity = list->rows[i];
        int code = quantity->dirty == ROW_INSERTED ? insert_quantity(sqlite, insert, quantity)
                                                   : change_quantity(sqlite, change, quantity);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

void store_sqlite_put_replay_key(struct row *row, const struct replay *replay) {
    row_put_text(row, replay->key);
    row_put_uuid(row, replay_user(replay));
    row_put_text(row, text_of(operation_name(replay->operation)));
    row_put_text(row, replay->principal);
}

uint32_t store_sqlite_replay_fingerprint(const struct store_sqlite *sqlite,
                                         const struct replay *replay) {
    return store_sqlite_keys_fingerprint(&sqlite->keys, replay->key,
                                         replay_user(replay),
                                         text_of(operation_name(replay->operation)),
                                         replay->principal);
}

/* The ids of items. */
static int write_replays(struct store_sqlite *sqlite, const struct change_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct replay *replay = list->rows[i];
        if (replay->expires) continue;
        struct row row;
        row_open(&row, &sqlite->statements, INSERT_REPLAY);
        store_sqlite_put_replay_key(&row, replay);
        row_put_hash(&row, replay->content);
        row_put_uuid(&row, &replay->made_id);
        row_put_integer(&row, replay->recorded_us);
        int code = row_run(&row);
        if (code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
}

static int write_batch(struct store_sqlite *sqlite, const struct uuid *batch_id) {
    struct row row;
    row_open(&row, &sqlite->statements, SAVE_BATCH);
    row_put_uuid(&row, batch_id);
    row_put_integer(&row, sqlite->moment.decided_us);
    return store_sqlite_run_one(&row);
}

/* In the order in which rows refer to each other. */
int store_sqlite_write(struct store_sqlite *sqlite, const struct uuid *batch_id,
                       const struct changes *changes) {
    int code = SQLITE_OK;
    if (changes_catalogue_any(changes)) code = store_sqlite_write_catalogue(sqlite, changes);
    if (code == SQLITE_OK && changes_directory_any(changes))
        code = store_sqlite_write_directory(sqlite, changes);
    if (code == SQLITE_OK) code = write_users(sqlite, changes);
    if (code == SQLITE_OK) code = write_subscriptions(sqlite, &changes->subscriptions);
    if (code == SQLITE_OK) code = write_applied(sqlite, &changes->addons_applied);
    if (code == SQLITE_OK) {
        code = write_quantities(sqlite, &changes->quotas, INSERT_QUOTA, CHANGE_QUOTA);
    }
    if (code == SQLITE_OK) {
        code = write_quantities(sqlite, &changes->usages, INSERT_USAGE, CHANGE_USAGE);
    }
    if (code == SQLITE_OK) code = store_sqlite_write_updates(sqlite, &changes->updates);
    if (code == SQLITE_OK) code = write_replays(sqlite, &changes->replays);
    if (code == SQLITE_OK) code = store_sqlite_write_keys(sqlite, changes);
    if (code == SQLITE_OK && !sqlite->beside) code = write_batch(sqlite, batch_id);
    return code;
}
