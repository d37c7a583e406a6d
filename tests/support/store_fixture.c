#include "support/store_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

const int64_t STORE_FIXTURE_US = INT64_C(1786528800000000);

static int64_t fixture_wall_us(void *context) {
    return *((const struct store_fixture *)context)->clock_us;
}

/* ---- kinds of stores ---- */

static void file_make(struct store_fixture *fixture) {
    snprintf(fixture->url, sizeof fixture->url, "sqlite:%s/qms.db", fixture->directory);
}

static void remove_file(struct store_fixture *fixture, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->directory, name);
    unlink(path);
}

static void file_remove(struct store_fixture *fixture) {
    remove_file(fixture, "qms.db");
    remove_file(fixture, "qms.db-wal");
    remove_file(fixture, "qms.db-shm");
    remove_file(fixture, "qms.db-journal");
}

static void file_foreign(struct store_fixture *fixture, const char *sql) {
    sqlite3 *connection;
    char *message = NULL;
    int code = sqlite3_open(fixture->url + strlen("sqlite:"), &connection);
    assert_int_equal(code, SQLITE_OK);
    code = sqlite3_exec(connection, sql, NULL, NULL, &message);
    if (code != SQLITE_OK) fail_msg("%s: %s", sql, message);
    sqlite3_close(connection);
}

static void file_age_keys(struct store_fixture *fixture, int64_t recorded_us) {
    char sql[80];
    snprintf(sql, sizeof sql, "UPDATE request_key_groups SET recorded_at = %lld",
             (long long)recorded_us);
    file_foreign(fixture, sql);
}

const struct store_backend store_backend_file = {
    .name = "file",
    .persists = true,
    .is_owned = true,
    .make = file_make,
    .remove = file_remove,
    .foreign = file_foreign,
    .age_keys = file_age_keys,
};

static void memory_make(struct store_fixture *fixture) {
    snprintf(fixture->url, sizeof fixture->url, "sqlite::memory:");
}

static void memory_remove(struct store_fixture *fixture) {
    (void)fixture;
}

const struct store_backend store_backend_memory = {
    .name = "memory",
    .is_owned = true,
    .make = memory_make,
    .remove = memory_remove,
};

/* ---- opening and closing ---- */

void store_fixture_make(struct store_fixture *fixture, const struct store_backend *backend) {
    *fixture = (struct store_fixture){.backend = backend, .rows = ROWS_ALL,
                                     .needed = ROWS_ALL};
    fixture->clock_us = &fixture->own_clock_us;
    fixture->clock = (struct clock){.wall_us = fixture_wall_us, .context = fixture};
    const char *base = getenv("TMPDIR");
    snprintf(fixture->directory, sizeof fixture->directory, "%s/qms-store-XXXXXX",
             base == NULL || strlen(base) > 40 ? P_tmpdir : base);
    assert_non_null(mkdtemp(fixture->directory));
    uuid_source_init_seed(&fixture->ids, 1);
    arena_init(&fixture->arena, 1 << 16);
    backend->make(fixture);
    *fixture->clock_us = STORE_FIXTURE_US;
}

bool store_fixture_try_open(struct store_fixture *fixture, struct qms_error *error) {
    const struct store_options options = {
        .url = fixture->url,
        .clock = &fixture->clock,
        .vfs = fixture->vfs,
        .synchronous_off = fixture->synchronous_off,
    };
    *error = (struct qms_error){0};
    fixture->store = store_open(&options, error);
    return fixture->store != NULL;
}

void store_fixture_open(struct store_fixture *fixture) {
    struct qms_error error;
    if (!store_fixture_try_open(fixture, &error)) fail_msg("%s", error.text);
}

void store_fixture_forget(struct store_fixture *fixture) {
    for (size_t i = 0; i < fixture->load.account_count; i++) {
        account_close(fixture->accounts[i]);
    }
    fixture->load.account_count = 0;
}

void store_fixture_close(struct store_fixture *fixture) {
    if (fixture->store == NULL) return;
    store_fixture_forget(fixture);
    catalogue_release(fixture->catalogue);
    fixture->catalogue = NULL;
    directory_release(fixture->cloud);
    fixture->cloud = NULL;
    fixture->store->ops->close(fixture->store);
    fixture->store = NULL;
}

void store_fixture_reopen(struct store_fixture *fixture) {
    store_fixture_close(fixture);
    store_fixture_open(fixture);
}

void store_fixture_remove(struct store_fixture *fixture) {
    store_fixture_close(fixture);
    fixture->backend->remove(fixture);
    arena_close(&fixture->arena);
    rmdir(fixture->directory);
}

/* ---- batches ---- */

bool store_fixture_begin(struct store_fixture *fixture, bool writes, const char *const *names,
                         size_t count) {
    struct qms_error error = {0};
    bool stale = false;
    store_fixture_forget(fixture);
    arena_reset(&fixture->arena);
    changes_init(&fixture->changes, &fixture->arena);
    fixture->load = (struct store_load){
        .arena = &fixture->arena,
        .accounts = fixture->accounts,
        .account_count = count,
        .catalogue_version = fixture->catalogue == NULL ? -1 : fixture->catalogue->version,
        .directory_version = fixture->cloud == NULL ? -1 : fixture->cloud->version,
    };
    assert_true(count <= sizeof fixture->accounts / sizeof *fixture->accounts);
    for (size_t i = 0; i < count; i++) {
        fixture->accounts[i] = arena_take(&fixture->arena, sizeof *fixture->accounts[i]);
        account_init(fixture->accounts[i], text_of(names[i]));
        fixture->accounts[i]->want_from_us = TIME_NEVER;
        fixture->accounts[i]->writable = writes ? fixture->rows : 0;
        fixture->accounts[i]->needed = fixture->needed;
    }
    if (!fixture->store->ops->begin(fixture->store, writes, &stale, &error) ||
        !fixture->store->ops->load(fixture->store, &fixture->load, &error)) {
        fail_msg("%s", error.text);
    }
    if (fixture->load.catalogue != NULL) {
        catalogue_release(fixture->catalogue);
        fixture->catalogue = fixture->load.catalogue;
    }
    if (fixture->load.directory != NULL) {
        directory_release(fixture->cloud);
        fixture->cloud = fixture->load.directory;
    }
    return stale;
}

bool store_fixture_begin_one(struct store_fixture *fixture, const char *name) {
    return store_fixture_begin(fixture, true, &name, 1);
}

void store_fixture_end(struct store_fixture *fixture) {
    fixture->store->ops->end(fixture->store);
}

enum store_outcome store_fixture_save(struct store_fixture *fixture) {
    struct qms_error error = {0};
    fixture->batch_id = uuid_make_random(&fixture->ids);
    enum store_outcome outcome = fixture->store->ops->save(fixture->store, &fixture->batch_id,
                                                           &fixture->changes, &error);
    assert_int_equal(outcome == STORE_COMMITTED, error.code == QMS_OK);
    if (outcome == STORE_COMMITTED) changes_committed(&fixture->changes);
    return outcome;
}

void store_fixture_commit(struct store_fixture *fixture) {
    assert_int_equal(store_fixture_save(fixture), STORE_COMMITTED);
}

bool store_fixture_resolve(struct store_fixture *fixture, const struct uuid *batch_id) {
    struct qms_error error = {0};
    bool committed = false;
    if (!fixture->store->ops->resolve(fixture->store, batch_id, &committed, &error)) {
        fail_msg("%s", error.text);
    }
    return committed;
}

struct account *store_fixture_look(struct store_fixture *fixture, const char *name) {
    store_fixture_begin(fixture, false, &name, 1);
    store_fixture_end(fixture);
    return fixture->accounts[0];
}

/* ---- rows ---- */

struct uuid fixture_uuid(const char *text) {
    struct uuid uuid;
    assert_true(uuid_parse(text_of(text), &uuid));
    return uuid;
}

struct amount fixture_amount(const char *text) {
    struct amount amount;
    assert_int_equal(amount_parse(text_of(text), &amount), AMOUNT_OK);
    return amount;
}

static struct uuid fixture_id(struct store_fixture *fixture) {
    return uuid_make(&fixture->ids, *fixture->clock_us);
}

static struct stamps fixture_stamps(const struct store_fixture *fixture) {
    const struct store_moment *moment = &fixture->load.moment;
    return (struct stamps){
        .created_by = moment->actor,
        .last_modified_by = moment->actor,
        .created_us = moment->stamped_us,
        .last_modified_us = moment->stamped_us,
    };
}

struct subscription *fixture_subscribe(struct store_fixture *fixture, struct account *account,
                                       const char *plan_name, int64_t start_us, int64_t end_us) {
    const struct plan *plan = catalogue_plan_named(fixture->catalogue, text_of(plan_name));
    assert_non_null(plan);
    if (!account->exists) {
        changes_account_insert(&fixture->changes, account);
        account->user_id = fixture_id(fixture);
        account->exists = true;
    }
    struct subscription *subscription =
        arena_take_zeroed(&account->arena, 1, sizeof *subscription);
    subscription->account = account;
    subscription->id = fixture_id(fixture);
    subscription->plan_id = plan->id;
    subscription->plan_rate_id = plan->rates[0].id;
    subscription->start_us = start_us;
    subscription->end_us = end_us;
    changes_account_rows(&fixture->changes, account);
    subscription->next = account->subscriptions;
    account->subscriptions = subscription;
    changes_subscription(&fixture->changes, subscription, ROW_INSERTED);
    return subscription;
}

static struct quantity *fixture_quantity(struct store_fixture *fixture,
                                         struct subscription *subscription, const char *resource,
                                         const char *value) {
    const struct resource_type *type =
        catalogue_resource_named(fixture->catalogue, text_of(resource));
    assert_non_null(type);
    struct quantity *quantity =
        arena_take_zeroed(&subscription->account->arena, 1, sizeof *quantity);
    quantity->subscription = subscription;
    quantity->id = fixture_id(fixture);
    quantity->resource_type_id = type->id;
    quantity->value = fixture_amount(value);
    quantity->stamps = fixture_stamps(fixture);
    changes_subscription_rows(&fixture->changes, subscription);
    return quantity;
}

struct quantity *fixture_quota(struct store_fixture *fixture, struct subscription *subscription,
                               const char *resource, const char *value) {
    struct quantity *quota = fixture_quantity(fixture, subscription, resource, value);
    quota->next = subscription->quotas;
    subscription->quotas = quota;
    changes_quota(&fixture->changes, quota, ROW_INSERTED);
    return quota;
}

struct quantity *fixture_usage(struct store_fixture *fixture, struct subscription *subscription,
                               const char *resource, const char *value) {
    struct quantity *usage = fixture_quantity(fixture, subscription, resource, value);
    usage->next = subscription->usages;
    subscription->usages = usage;
    changes_usage(&fixture->changes, usage, ROW_INSERTED);
    return usage;
}

struct subscription_addon *fixture_apply(struct store_fixture *fixture,
                                         struct subscription *subscription, const char *addon_name,
                                         const char *amount) {
    const struct addon *addon = NULL;
    for (size_t i = 0; i < fixture->catalogue->addon_count; i++) {
        const struct addon *candidate = &fixture->catalogue->addons[i];
        if (text_equal(candidate->name, text_of(addon_name))) addon = candidate;
    }
    assert_non_null(addon);
    struct subscription_addon *applied =
        arena_take_zeroed(&subscription->account->arena, 1, sizeof *applied);
    applied->subscription = subscription;
    applied->id = fixture_id(fixture);
    applied->addon_id = addon->id;
    applied->addon_rate_id = addon->rates[0].id;
    applied->amount = fixture_amount(amount);
    changes_subscription_rows(&fixture->changes, subscription);
    applied->next = subscription->addons;
    subscription->addons = applied;
    changes_addon_applied(&fixture->changes, applied, ROW_INSERTED);
    return applied;
}

struct update *fixture_update(struct store_fixture *fixture, struct account *account,
                              const char *resource, const char *value, int64_t effective_us) {
    struct update *update = arena_take_zeroed(&fixture->arena, 1, sizeof *update);
    update->id = fixture_id(fixture);
    update->operation = UPDATE_ADD;
    update->value_type = VALUE_USAGES;
    update->value = fixture_amount(value);
    update->resource_type_id =
        catalogue_resource_named(fixture->catalogue, text_of(resource))->id;
    update->effective_us = effective_us;
    update->account = account;
    changes_update(&fixture->changes, update);
    return update;
}

struct replay *fixture_replay(struct store_fixture *fixture, struct account *account,
                              const char *key, bool expires) {
    struct replay *replay = arena_take_zeroed(&fixture->arena, 1, sizeof *replay);
    replay->key = text_of(key);
    replay->account = account;
    replay->operation = OP_USAGE_RECORD;
    replay->expires = expires;
    changes_replay(&fixture->changes, replay);
    memset(replay->content, 7, sizeof replay->content);
    replay->made_id = fixture_id(fixture);
    replay->recorded_us = fixture->load.moment.stamped_us;
    replay->known = true;
    return replay;
}

void store_fixture_load_replays(struct store_fixture *fixture, struct replay **replays,
                                size_t count) {
    struct qms_error error = {0};
    struct store_load load = {
        .arena = &fixture->arena,
        .replays = replays,
        .replay_count = count,
        .catalogue_version = fixture->catalogue->version,
        .directory_version = fixture->cloud->version,
    };
    assert_true(fixture->store->ops->load(fixture->store, &load, &error));
}

struct replay *fixture_look_replay(struct store_fixture *fixture, const char *username,
                                   const char *key, bool expires) {
    store_fixture_begin(fixture, true, &username, username == NULL ? 0 : 1);
    struct replay *replay = arena_take_zeroed(&fixture->arena, 1, sizeof *replay);
    *replay = (struct replay){
        .key = text_of(key), .principal = fixture->principal, .operation = OP_USAGE_RECORD,
        .expires = expires};
    if (username != NULL) replay->account = fixture->accounts[0];
    store_fixture_load_replays(fixture, &replay, 1);
    store_fixture_end(fixture);
    return replay;
}

void fixture_user(struct store_fixture *fixture, const char *name, const char *usage) {
    store_fixture_begin_one(fixture, name);
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", *fixture->clock_us - HOURS_US(1),
                          *fixture->clock_us + HOURS_US(24 * 365));
    fixture_usage(fixture, subscription, "cpu.hours", usage);
    store_fixture_commit(fixture);
}

const struct quantity *fixture_stored_usage(struct store_fixture *fixture, const char *name) {
    const struct account *account = store_fixture_look(fixture, name);
    return account->subscriptions == NULL ? NULL : account->subscriptions->usages;
}

/* ---- assertions ---- */

void assert_amount(struct amount amount, const char *text) {
    char formatted[AMOUNT_TEXT_MAX];
    size_t length = amount_format(amount, formatted);
    assert_text((struct text){.data = formatted, .length = length}, text);
}

void assert_text(struct text text, const char *expected) {
    if (text_equal(text, text_of(expected))) return;
    fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARGUMENTS(text), expected);
}

void assert_uuid(const struct uuid *uuid, const char *expected) {
    char formatted[UUID_TEXT_BYTES];
    uuid_format(uuid, formatted);
    assert_text((struct text){.data = formatted, .length = sizeof formatted}, expected);
}
