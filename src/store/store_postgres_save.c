#include <stdio.h>
#include <stdlib.h>

#include "store/store_postgres.h"

/* Values are absolute, from memory; the rows they replace have been locked since they were read.
 * Who and when are left to the triggers: they write what the moment says. */

/* Sorted: two nodes that add the same users wait for each other in one direction only. */
static void write_users(struct store_postgres *postgres, struct exchange *exchange,
                        const struct change_list *list) {
    struct parameters users;
    if (list->count == 0) return;
    const struct account **accounts = arena_take(&postgres->arena, list->count * sizeof *accounts);
    memcpy(accounts, list->rows, list->count * sizeof *accounts);
    qsort(accounts, list->count, sizeof *accounts, account_order);
    parameters_open(&users, &postgres->arena, PG_INSERT_USERS);
    for (size_t i = 0; i < list->count; i++) {
        put_uuid(&users, &accounts[i]->user_id);
        put_text(&users, accounts[i]->username);
    }
    exchange_add_rows(exchange, PG_INSERT_USERS, &users);
}

static void write_subscriptions(struct store_postgres *postgres, struct exchange *exchange,
                                const struct change_list *list) {
    struct parameters inserted, changed;
    parameters_open(&inserted, &postgres->arena, PG_INSERT_SUBSCRIPTIONS);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_SUBSCRIPTIONS);
    for (size_t i = 0; i < list->count; i++) {
        const struct subscription *subscription = list->rows[i];
        bool is_new = subscription->dirty == ROW_INSERTED;
        struct parameters *row = is_new ? &inserted : &changed;
        put_uuid(row, &subscription->id);
        if (is_new) {
            put_uuid(row, &subscription->account->user_id);
            put_uuid(row, &subscription->plan_id);
        }
        put_time(row, subscription->start_us);
        put_end(row, subscription->end_us);
        put_boolean(row, subscription->paid);
        if (is_new) put_uuid(row, &subscription->plan_rate_id);
    }
    exchange_add_rows(exchange, PG_INSERT_SUBSCRIPTIONS, &inserted);
    exchange_add_rows(exchange, PG_CHANGE_SUBSCRIPTIONS, &changed);
}

static void write_applied(struct store_postgres *postgres, struct exchange *exchange,
                          const struct change_list *list) {
    struct parameters inserted, changed, deleted;
    parameters_open(&inserted, &postgres->arena, PG_INSERT_APPLIED);
    parameters_open(&changed, &postgres->arena, PG_CHANGE_APPLIED);
    parameters_open(&deleted, &postgres->arena, PG_DELETE_APPLIED);
    for (size_t i = 0; i < list->count; i++) {
        const struct subscription_addon *addon = list->rows[i];
        if (addon->dirty == ROW_DELETED) {
            put_uuid(&deleted, &addon->id);
            continue;
        }
        bool is_new = addon->dirty == ROW_INSERTED;
        struct parameters *row = is_new ? &inserted : &changed;
        put_uuid(row, &addon->id);
        if (is_new) {
            put_uuid(row, &addon->subscription->id);
            put_uuid(row, &addon->addon_id);
        }
        put_amount(row, addon->amount);
        put_boolean(row, addon->paid);
        if (is_new) put_uuid(row, &addon->addon_rate_id);
    }
    exchange_add_rows(exchange, PG_INSERT_APPLIED, &inserted);
    exchange_add_rows(exchange, PG_CHANGE_APPLIED, &changed);
    exchange_add_rows(exchange, PG_DELETE_APPLIED, &deleted);
}

static void write_quantities(struct store_postgres *postgres, struct exchange *exchange,
                             const struct change_list *list, enum postgres_statement insert,
                             enum postgres_statement change) {
    struct parameters inserted, changed;
    parameters_open(&inserted, &postgres->arena, insert);
    parameters_open(&changed, &postgres->arena, change);
    for (size_t i = 0; i < list->count; i++) {
        const struct quantity *quantity = list->rows[i];
        if (quantity->dirty == ROW_INSERTED) {
            put_uuid(&inserted, &quantity->id);
            put_amount(&inserted, quantity->value);
            put_uuid(&inserted, &quantity->resource_type_id);
            put_uuid(&inserted, &quantity->subscription->id);
        } else {
            put_uuid(&changed, &quantity->subscription->id);
            put_uuid(&changed, &quantity->resource_type_id);
            put_amount(&changed, quantity->value);
        }
    }
    exchange_add_rows(exchange, insert, &inserted);
    exchange_add_rows(exchange, change, &changed);
}

static void write_updates(struct store_postgres *postgres, struct exchange *exchange,
                          const struct change_list *list) {
    struct parameters updates;
    parameters_open(&updates, &postgres->arena, PG_INSERT_UPDATES);
    for (size_t i = 0; i < list->count; i++) {
        const struct update *update = list->rows[i];
        put_uuid(&updates, &update->id);
        put_uuid(&updates, &postgres->update_operation_ids[update->operation]);
        put_text(&updates, text_of(value_type_name(update->value_type)));
        put_amount(&updates, update->value);
        put_uuid(&updates, &update->resource_type_id);
        put_time(&updates, update->effective_us);
        put_uuid(&updates, &update->account->user_id);
        put_text(&updates, update->metadata);
    }
    exchange_add_rows(exchange, PG_INSERT_UPDATES, &updates);
}

static void write_replays(struct store_postgres *postgres, struct exchange *exchange,
                          const struct change_list *list) {
    struct parameters replays;
    if (list->count == 0) return;
    parameters_open(&replays, &postgres->arena, PG_INSERT_REPLAYS);
    put_time(&replays, postgres->moment.decided_us - REQUEST_KEY_KEPT_US);
    for (size_t i = 0; i < list->count; i++) {
        const struct replay *replay = list->rows[i];
        put_text(&replays, replay->key);
        put_uuid(&replays, replay_user(replay));
        put_text(&replays, text_of(operation_name(replay->operation)));
        put_text(&replays, replay->principal);
        put_hash(&replays, replay->content);
        put_uuid(&replays, &replay->made_id);
        put_time(&replays, replay->recorded_us);
        put_boolean(&replays, replay->expires);
    }
    exchange_add_rows(exchange, PG_INSERT_REPLAYS, &replays);
}

static void write_batch(struct store_postgres *postgres, struct exchange *exchange,
                        const struct uuid *batch_id) {
    struct parameters batch;
    parameters_open(&batch, &postgres->arena, PG_INSERT_BATCH);
    put_uuid(&batch, batch_id);
    if (postgres->has_last_batch) put_uuid(&batch, &postgres->last_batch_id);
    else put_null(&batch);
    put_time(&batch, postgres->moment.decided_us);
    char lock_ms[24];
    int64_t longest = postgres->session.lock_ms < POSTGRES_SAVE_LOCK_MS_MAX
                          ? postgres->session.lock_ms
                          : POSTGRES_SAVE_LOCK_MS_MAX;
    snprintf(lock_ms, sizeof lock_ms, "%lld", (long long)longest);
    put_text(&batch, text_of(lock_ms));
    exchange_add(exchange, PG_INSERT_BATCH, &batch);
}

/* In the order in which rows refer to each other, behind the batch's own. */
void store_postgres_write(struct store_postgres *postgres, struct exchange *exchange,
                          const struct uuid *batch_id, const struct changes *changes) {
    write_batch(postgres, exchange, batch_id);
    if (changes_catalogue_any(changes)) {
        store_postgres_write_catalogue(postgres, exchange, changes);
    }
    if (changes_directory_any(changes)) {
        store_postgres_write_directory(postgres, exchange, changes);
    }
    write_users(postgres, exchange, &changes->accounts);
    write_subscriptions(postgres, exchange, &changes->subscriptions);
    write_applied(postgres, exchange, &changes->addons_applied);
    write_quantities(postgres, exchange, &changes->quotas, PG_INSERT_QUOTAS, PG_CHANGE_QUOTAS);
    write_quantities(postgres, exchange, &changes->usages, PG_INSERT_USAGES, PG_CHANGE_USAGES);
    write_updates(postgres, exchange, &changes->updates);
    write_replays(postgres, exchange, &changes->replays);
}

/* ---- who was first ---- */

static int quantity_order(const void *left, const void *right) {
    const struct quantity *const *a = left, *const *b = right;
    int order = uuid_compare(&(*a)->subscription->id, &(*b)->subscription->id);
    if (order != 0) return order;
    return uuid_compare(&(*a)->resource_type_id, &(*b)->resource_type_id);
}

static int replay_order(const void *left, const void *right) {
    const struct replay *const *a = left, *const *b = right;
    int order = text_compare((*a)->key, (*b)->key);
    if (order != 0) return order;
    order = uuid_compare(replay_user(*a), replay_user(*b));
    if (order != 0) return order;
    order = (int)(*a)->operation - (int)(*b)->operation;
    return order != 0 ? order : text_compare((*a)->principal, (*b)->principal);
}

static bool has_twins(struct store_postgres *postgres, const struct change_list *list,
                      int (*order)(const void *left, const void *right)) {
    if (list->count < 2) return false;
    void **rows = arena_take(&postgres->arena, list->count * sizeof *rows);
    memcpy(rows, list->rows, list->count * sizeof *rows);
    qsort(rows, list->count, sizeof *rows, order);
    for (size_t i = 1; i < list->count; i++) {
        if (order(&rows[i - 1], &rows[i]) == 0) return true;
    }
    return false;
}

bool store_postgres_collides(struct store_postgres *postgres, const struct changes *changes) {
    return has_twins(postgres, &changes->accounts, account_order) ||
           has_twins(postgres, &changes->quotas, quantity_order) ||
           has_twins(postgres, &changes->usages, quantity_order) ||
           has_twins(postgres, &changes->replays, replay_order);
}
