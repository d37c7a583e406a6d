#include <assert.h>
#include <sqlite3.h>

#include "base/log.h"
#include "store/store_sqlite.h"

/* What reading a row, or the rows of one kind, came to. */
enum reading { READ, READ_BROKEN, READ_FAILED };

/* SQLITE_ERROR: a statement fails so over what it reads, keys that are no JSON. */
static bool code_is_damage(int code) {
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_ERROR;
}

/* Closes the row; a damaged page is an error of the account that lies on it. doing: "load ...". */
static enum reading reading_end(struct store_sqlite *sqlite, struct row *row, bool broken,
                                const char *doing, struct qms_error *error) {
    int code = row_close(row);
    if (code == SQLITE_OK) return broken ? READ_BROKEN : READ;
    store_sqlite_fail(sqlite->connection, code, doing, error);
    return code_is_damage(code) ? READ_BROKEN : READ_FAILED;
}

static enum reading load_user(struct store_sqlite *sqlite, struct account *account,
                              struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, LOAD_USER);
    row_put_text(&row, account->username);
    account->exists = row_next(&row);
    bool broken = false;
    if (account->exists) {
        account->user_id = row_uuid(&row);
        broken = row.broken;
    }
    return reading_end(sqlite, &row, broken, "load a user", error);
}

static void period_open(struct row *row, struct store_sqlite *sqlite, enum statement_id id,
                        const struct account *account) {
    row_open(row, &sqlite->statements, id);
    row_put_uuid(row, &account->user_id);
    row_put_integer(row, account->ends_from_us);
}

void store_sqlite_read_subscription(struct row *row, struct account *account,
                                    struct subscription *subscription) {
    *subscription = (struct subscription){.account = account};
    subscription->id = row_uuid(row);
    subscription->plan_id = row_uuid(row);
    subscription->plan_rate_id = row_uuid(row);
    subscription->start_us = row_integer(row);
    subscription->end_us = row_end(row);
    subscription->paid = row_boolean(row);
}

static enum reading load_subscriptions(struct store_sqlite *sqlite, struct account *account,
                                       struct qms_error *error) {
    struct row row;
    struct subscription **last = &account->subscriptions;
    bool broken = false;
    period_open(&row, sqlite, LOAD_SUBSCRIPTIONS, account);
    while (!broken && row_next(&row)) {
        struct subscription *subscription = arena_take(&account->arena, sizeof *subscription);
        store_sqlite_read_subscription(&row, account, subscription);
        *last = subscription;
        last = &subscription->next;
        broken = row.broken;
    }
    return reading_end(sqlite, &row, broken, "load subscriptions", error);
}

static struct quantity *quantity_read(struct row *row, struct account *account) {
    struct arena *arena = &account->arena;
    struct quantity *quantity = arena_take_zeroed(arena, 1, sizeof *quantity);
    struct uuid subscription_id = row_uuid(row);
    quantity->subscription = subscription_find(account, &subscription_id);
    quantity->id = row_uuid(row);
    quantity->resource_type_id = row_uuid(row);
    quantity->value = row_amount(row, &quantity->inexact);
    quantity->stamps.created_by = arena_text(arena, row_text(row));
    quantity->stamps.created_us = row_integer(row);
    quantity->stamps.last_modified_by = arena_text(arena, row_text(row));
    quantity->stamps.last_modified_us = row_integer(row);
    return quantity;
}

bool store_sqlite_read_quantities(struct row *row, struct account *account,
                                  enum value_type type) {
    while (row_next(row)) {
        struct quantity *quantity = quantity_read(row, account);
        struct subscription *subscription = quantity->subscription;
        if (row->broken || subscription == NULL) return false;
        struct quantity **first =
            type == VALUE_QUOTAS ? &subscription->quotas : &subscription->usages;
        quantity->next = *first;
        *first = quantity;
    }
    return true;
}

static enum reading load_quantities(struct store_sqlite *sqlite, struct account *account,
                                    enum value_type type, struct qms_error *error) {
    struct row row;
    period_open(&row, sqlite, type == VALUE_QUOTAS ? LOAD_QUOTAS : LOAD_USAGES, account);
    bool broken = !store_sqlite_read_quantities(&row, account, type);
    return reading_end(sqlite, &row, broken,
                       type == VALUE_QUOTAS ? "load quotas" : "load usages", error);
}

static enum reading load_applied(struct store_sqlite *sqlite, struct account *account,
                                struct qms_error *error) {
    struct row row;
    bool broken = false;
    period_open(&row, sqlite, LOAD_APPLIED, account);
    while (!broken && row_next(&row)) {
        struct subscription_addon *addon =
            arena_take_zeroed(&account->arena, 1, sizeof *addon);
        bool inexact;
        struct uuid subscription_id = row_uuid(&row);
        addon->id = row_uuid(&row);
        addon->addon_id = row_uuid(&row);
        addon->addon_rate_id = row_uuid(&row);
        addon->amount = row_amount(&row, &inexact);
        addon->paid = row_boolean(&row);
        struct subscription *subscription = subscription_find(account, &subscription_id);
        addon->subscription = subscription;
        broken = row.broken || subscription == NULL;
        if (broken) continue;
        addon->next = subscription->addons;
        subscription->addons = addon;
    }
    return reading_end(sqlite, &row, broken, "load subscription add-ons", error);
}

/* An account that cannot be read is an error of that account only; false: of the whole batch. */
static bool load_account(struct store_sqlite *sqlite, struct account *account,
                         struct qms_error *error) {
    account->exists = account->broken = false;
    account->writable = sqlite->writes ? ROWS_ALL : 0;
    account->ends_from_us = account->want_from_us < sqlite->moment.decided_us
                                ? account->want_from_us
                                : sqlite->moment.decided_us;
    enum reading reading = load_user(sqlite, account, error);
    if (reading == READ && account->exists) {
        reading = load_subscriptions(sqlite, account, error);
        if (account->subscriptions != NULL) {
            if (reading == READ) reading = load_quantities(sqlite, account, VALUE_QUOTAS, error);
            if (reading == READ) reading = load_quantities(sqlite, account, VALUE_USAGES, error);
            if (reading == READ) reading = load_applied(sqlite, account, error);
        }
    }
    if (reading == READ_FAILED) return false;
    account->loaded = true;
    if (reading == READ_BROKEN) {
        account->broken = true;
        const struct log_member members[] = {{.key = "user", .text = account->username}, {0}};
        log_write(LOG_ERROR, "store: a row of this user cannot be read", members);
    }
    return true;
}

/* Takes the row of a statement that has one at most; *found: there was one that can be read. */
static bool read_replay(struct store_sqlite *sqlite, struct row *row, struct replay *replay,
                        bool *found, struct qms_error *error) {
    *found = row_next(row);
    if (*found) {
        row_hash(row, replay->content);
        replay->made_id = row_uuid(row);
        replay->recorded_us = row_integer(row);
    }
    enum reading reading = reading_end(sqlite, row, *found && row->broken, "load a key", error);
    if (reading == READ_BROKEN) {
        log_format(LOG_ERROR, "store: a row of idempotency or request_keys cannot be read");
        replay->broken = true;
        *found = false;
    }
    return reading != READ_FAILED;
}

/* A key that has expired is as if it had never been, though its row may still be there. */
static bool load_request_key(struct store_sqlite *sqlite, struct replay *replay,
                             struct qms_error *error) {
    uint32_t fingerprint = store_sqlite_replay_fingerprint(sqlite, replay);
    int64_t kept_from_us = sqlite->moment.decided_us - REQUEST_KEY_KEPT_US, id;
    size_t at = 0;
    while (!replay->known && !replay->broken &&
           (id = store_sqlite_keys_next(&sqlite->keys, fingerprint, &at)) != 0) {
        struct row row;
        bool found;
        row_open(&row, &sqlite->statements, LOAD_REQUEST_KEY);
        row_put_integer(&row, id);
        store_sqlite_put_replay_key(&row, replay);
        if (!read_replay(sqlite, &row, replay, &found, error)) return false;
        replay->known = found && replay->recorded_us >= kept_from_us;
    }
    return true;
}

static bool load_replay(struct store_sqlite *sqlite, struct replay *replay,
                        struct qms_error *error) {
    replay->known = replay->broken = false;
    if (replay->account != NULL && !replay->account->exists) return true;
    if (replay->expires) return load_request_key(sqlite, replay, error);
    struct row row;
    row_open(&row, &sqlite->statements, LOAD_REPLAY);
    store_sqlite_put_replay_key(&row, replay);
    return read_replay(sqlite, &row, replay, &replay->known, error);
}

bool store_sqlite_key_ends(struct store_sqlite *sqlite, int64_t *first_id, int64_t *next_id,
                           struct qms_error *error) {
    struct row row;
    row_open(&row, &sqlite->statements, REQUEST_KEY_ENDS);
    if (row_next(&row)) {
        *first_id = row_integer(&row);
        *next_id = row_integer(&row);
    }
    return reading_end(sqlite, &row, row.broken, "look for keys", error) == READ;
}

bool store_sqlite_load_keys(struct store_sqlite *sqlite, struct qms_error *error) {
    int64_t first_id = 1, next_id = 1;
    struct row row;
    if (!store_sqlite_key_ends(sqlite, &first_id, &next_id, error)) return false;
    store_sqlite_keys_clear(&sqlite->keys, first_id, next_id);
    row_open(&row, &sqlite->statements, LIST_REQUEST_KEYS);
    bool broken = false;
    while (!broken && row_next(&row)) {
        int64_t id = row_integer(&row);
        struct text key = row_text(&row);
        struct uuid user_id = row_uuid(&row);
        struct text operation = row_text(&row);
        uint32_t fingerprint = store_sqlite_keys_fingerprint(&sqlite->keys, key, &user_id,
                                                             operation, row_text(&row));
        broken = row.broken;
        if (!broken) store_sqlite_keys_put(&sqlite->keys, fingerprint, id);
    }
    if (reading_end(sqlite, &row, broken, "load the keys", error) == READ) return true;
    return broken ? qms_fail(error, QMS_INTERNAL, "a row of request_keys cannot be read") : false;
}

static bool load_addon_use(struct store_sqlite *sqlite, struct addon_use *use,
                           struct arena *arena, struct qms_error *error) {
    struct row row;
    size_t capacity = 0;
    bool broken = false;
    row_open(&row, &sqlite->statements, LOAD_ADDON_USE);
    row_put_uuid(&row, &use->addon_id);
    use->rate_count = 0;
    while (!broken && row_next(&row)) {
        if (use->rate_count == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            struct uuid *ids = arena_take(arena, capacity * sizeof *ids);
            if (use->rate_count > 0) memcpy(ids, use->rate_ids, use->rate_count * sizeof *ids);
            use->rate_ids = ids;
        }
        use->rate_ids[use->rate_count++] = row_uuid(&row);
        broken = row.broken;
    }
    use->in_use = use->rate_count > 0;
    enum reading reading = reading_end(sqlite, &row, broken, "load the use of an add-on", error);
    use->broken = reading == READ_BROKEN;
    return reading != READ_FAILED;
}

bool store_sqlite_load(struct store *store, struct store_load *load, struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    load->moment = sqlite->moment;
    load->catalogue = NULL;
    for (size_t i = 0; i < load->account_count; i++) {
        assert(!load->accounts[i]->loaded);
        if (!load_account(sqlite, load->accounts[i], error)) return false;
    }
    for (size_t i = 0; i < load->replay_count; i++) {
        if (!load_replay(sqlite, load->replays[i], error)) return false;
    }
    for (size_t i = 0; i < load->addon_use_count; i++) {
        if (!load_addon_use(sqlite, &load->addon_uses[i], load->arena, error)) return false;
    }
    if (!store_sqlite_load_catalogue(sqlite, load, error)) return false;
    if (store_sqlite_load_directory(sqlite, load, error)) return true;
    catalogue_release(load->catalogue);
    load->catalogue = NULL;
    return false;
}

bool store_sqlite_find(struct store *store, struct store_find *finds, size_t count,
                       struct arena *arena, struct qms_error *error) {
    struct store_sqlite *sqlite = store_sqlite_of(store);
    for (size_t i = 0; i < count; i++) {
        struct store_find *find = &finds[i];
        struct row row;
        row_open(&row, &sqlite->statements, find->is_addon ? FIND_APPLIED : FIND_SUBSCRIPTION);
        row_put_uuid(&row, &find->id);
        find->found = row_next(&row);
        if (find->found) {
            find->username = arena_text(arena, row_text(&row));
            find->subscription_id = row_uuid(&row);
            find->end_us = row_end(&row);
        }
        bool broken = find->found && row.broken;
        enum reading reading = reading_end(sqlite, &row, broken, "find an account", error);
        if (reading == READ_FAILED) return false;
        find->broken = reading == READ_BROKEN; /* an error of that account only */
        if (find->broken) find->found = false;
    }
    return true;
}
