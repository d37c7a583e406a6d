/* What is saved of an account is loaded again, to the last digit, and nothing else is. */
#include <stdio.h>

#include "contract/contract.h"

static void an_unknown_user_does_not_exist(void **state) {
    struct store_fixture *fixture = *state;
    const struct account *account = store_fixture_look(fixture, "nobody");
    assert_true(account->loaded);
    assert_false(account->exists);
    assert_false(account->broken);
    assert_null(account->subscriptions);
    assert_int_equal(account->ends_from_us, fixture->load.moment.decided_us);
}

static void only_a_writing_batch_may_change_accounts(void **state) {
    struct store_fixture *fixture = *state;
    assert_false(store_fixture_look(fixture, "ada")->writable);
    store_fixture_begin_one(fixture, "ada");
    assert_true(fixture->accounts[0]->writable);
    store_fixture_end(fixture);
}

/* Everything an account can have. */
struct saved {
    struct uuid user_id, subscription_id, quota_id, usage_id, applied_id;
    int64_t stamped_us;
};

static struct saved save_ada(struct store_fixture *fixture) {
    store_fixture_begin_one(fixture, "ada");
    struct account *ada = fixture->accounts[0];
    struct subscription *subscription =
        fixture_subscribe(fixture, ada, "Pro", STORE_FIXTURE_US - HOURS_US(3) + 1,
                          STORE_FIXTURE_US + HOURS_US(5) + 123456);
    subscription->paid = true;
    struct saved saved = {
        .subscription_id = subscription->id,
        .quota_id = fixture_quota(fixture, subscription, "cpu.hours", "20000")->id,
        .usage_id = fixture_usage(fixture, subscription, "data.size", "17.25")->id,
        .applied_id = fixture_apply(fixture, subscription, "1 TB", "1099511627776")->id,
        .user_id = ada->user_id,
        .stamped_us = fixture->load.moment.stamped_us,
    };
    store_fixture_commit(fixture);
    return saved;
}

static void assert_quantity(const struct quantity *quantity, const struct subscription *owner,
                            const struct uuid *id, const char *resource_type_id, const char *value,
                            int64_t stamped_us) {
    assert_non_null(quantity);
    assert_null(quantity->next);
    assert_ptr_equal(quantity->subscription, owner);
    assert_memory_equal(&quantity->id, id, sizeof *id);
    assert_uuid(&quantity->resource_type_id, resource_type_id);
    assert_amount(quantity->value, value);
    assert_false(quantity->inexact);
    assert_int_equal(quantity->dirty, ROW_CLEAN);
    assert_text(quantity->stamps.created_by, "qms");
    assert_text(quantity->stamps.last_modified_by, "qms");
    assert_int_equal(quantity->stamps.created_us, stamped_us);
    assert_int_equal(quantity->stamps.last_modified_us, stamped_us);
}

static void assert_ada(struct store_fixture *fixture, const struct saved *saved) {
    const struct account *ada = store_fixture_look(fixture, "ada");
    assert_true(ada->exists);
    assert_true(ada->loaded);
    assert_memory_equal(&ada->user_id, &saved->user_id, sizeof ada->user_id);
    const struct subscription *subscription = ada->subscriptions;
    assert_non_null(subscription);
    assert_null(subscription->next);
    assert_ptr_equal(subscription->account, ada);
    assert_memory_equal(&subscription->id, &saved->subscription_id, sizeof subscription->id);
    assert_uuid(&subscription->plan_id, "cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb");
    assert_uuid(&subscription->plan_rate_id, "29f6cff6-82a0-11ef-aac3-5a8d7f4f1112");
    assert_int_equal(subscription->start_us, STORE_FIXTURE_US - HOURS_US(3) + 1);
    assert_int_equal(subscription->end_us, STORE_FIXTURE_US + HOURS_US(5) + 123456);
    assert_true(subscription->paid);
    assert_int_equal(subscription->dirty, ROW_CLEAN);
    assert_quantity(subscription->quotas, subscription, &saved->quota_id,
                    "99e3bc7e-950a-11ec-84a4-406c8f3e9cbb", "20000", saved->stamped_us);
    assert_quantity(subscription->usages, subscription, &saved->usage_id,
                    "99e3f91e-950a-11ec-84a4-406c8f3e9cbb", "17.25", saved->stamped_us);
    const struct subscription_addon *applied = subscription->addons;
    assert_non_null(applied);
    assert_null(applied->next);
    assert_ptr_equal(applied->subscription, subscription);
    assert_memory_equal(&applied->id, &saved->applied_id, sizeof applied->id);
    assert_uuid(&applied->addon_id, "c21dd61f-aa41-40ad-8005-859679ceed9c");
    assert_uuid(&applied->addon_rate_id, "d612d958-82ad-11ef-b4b2-5a8d7f4f1112");
    assert_amount(applied->amount, "1099511627776");
    assert_false(applied->paid);
}

static void what_was_saved_is_loaded_again(void **state) {
    struct store_fixture *fixture = *state;
    struct saved saved = save_ada(fixture);
    *fixture->clock_us += HOURS_US(1);
    assert_ada(fixture, &saved);
}

static void what_was_saved_is_there_after_opening_again(void **state) {
    struct store_fixture *fixture = *state;
    struct saved saved = save_ada(fixture);
    store_fixture_reopen(fixture);
    assert_ada(fixture, &saved);
}

static void rows_that_changed_are_loaded_as_they_are_now(void **state) {
    struct store_fixture *fixture = *state;
    struct saved saved = save_ada(fixture);
    *fixture->clock_us += HOURS_US(1);
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription = fixture->accounts[0]->subscriptions;
    changes_subscription(&fixture->changes, subscription, ROW_CHANGED);
    subscription->start_us = STORE_FIXTURE_US;
    subscription->end_us = TIME_NEVER;
    subscription->paid = false;
    changes_quota(&fixture->changes, subscription->quotas, ROW_CHANGED);
    subscription->quotas->value = fixture_amount("0");
    subscription->quotas->stamps.last_modified_us = *fixture->clock_us;
    changes_usage(&fixture->changes, subscription->usages, ROW_CHANGED);
    subscription->usages->value = fixture_amount("0.3");
    subscription->usages->stamps.last_modified_us = *fixture->clock_us;
    changes_addon_applied(&fixture->changes, subscription->addons, ROW_CHANGED);
    subscription->addons->amount = fixture_amount("5");
    subscription->addons->paid = true;
    store_fixture_commit(fixture);

    const struct subscription *stored = store_fixture_look(fixture, "ada")->subscriptions;
    assert_int_equal(stored->start_us, STORE_FIXTURE_US);
    assert_int_equal(stored->end_us, TIME_NEVER);
    assert_false(stored->paid);
    assert_amount(stored->quotas->value, "0");
    assert_memory_equal(&stored->quotas->id, &saved.quota_id, sizeof saved.quota_id);
    assert_int_equal(stored->quotas->stamps.created_us, saved.stamped_us);
    assert_int_equal(stored->quotas->stamps.last_modified_us, *fixture->clock_us);
    assert_amount(stored->usages->value, "0.3");
    assert_int_equal(stored->usages->stamps.created_us, saved.stamped_us);
    assert_int_equal(stored->usages->stamps.last_modified_us, *fixture->clock_us);
    assert_amount(stored->addons->amount, "5");
    assert_true(stored->addons->paid);
}

static void a_subscription_can_be_ended(void **state) {
    struct store_fixture *fixture = *state;
    save_ada(fixture);
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription = fixture->accounts[0]->subscriptions;
    changes_subscription(&fixture->changes, subscription, ROW_CHANGED);
    subscription->end_us = *fixture->clock_us + 7;
    store_fixture_commit(fixture);
    const struct subscription *stored = store_fixture_look(fixture, "ada")->subscriptions;
    assert_int_equal(stored->end_us, *fixture->clock_us + 7);
    assert_true(stored->paid);
    *fixture->clock_us += 8;
    assert_null(store_fixture_look(fixture, "ada")->subscriptions);
}

static void an_addon_that_was_taken_back_is_gone(void **state) {
    struct store_fixture *fixture = *state;
    save_ada(fixture);
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription = fixture->accounts[0]->subscriptions;
    struct subscription_addon *applied = subscription->addons;
    changes_subscription_rows(&fixture->changes, subscription);
    changes_addon_applied(&fixture->changes, applied, ROW_DELETED);
    subscription->addons = NULL;
    store_fixture_commit(fixture);
    assert_null(store_fixture_look(fixture, "ada")->subscriptions->addons);
}

/* Amounts as they may be on the wire, and sums of such. */
static void amounts_keep_every_digit(void **state) {
    static const char *const amounts[] = {
        "0", "1", "-1", "0.1", "131732.7819444444443404732",
        "0.000000000000000000000000000001",     /* 1e-30 */
        "99999999999999999999999999999",        /* 29 digits */
        "999999999999999999999999999999",       /* 30 digits */
        "-999999999999999999999999999999.9999", /* 34 digits */
        "1234567890.123456789012345678901234",
        "0.1234567890123456789012345678",
    };
    enum { COUNT = sizeof amounts / sizeof *amounts };
    struct store_fixture *fixture = *state;
    char names[COUNT][8];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "user%02zu", i);
        fixture_user(fixture, names[i], amounts[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_amount(fixture_stored_usage(fixture, names[i])->value, amounts[i]);
    }
}

static void set_foreign_usage(struct store_fixture *fixture, const char *name, const char *usage) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "UPDATE usages SET usage = '%s' WHERE subscription_id IN (SELECT s.id FROM"
             " subscriptions s JOIN users u ON u.id = s.user_id WHERE u.username = '%s')",
             usage, name);
    fixture->backend->foreign(fixture, sql);
}

static void an_amount_of_too_many_digits_is_inexact(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    set_foreign_usage(fixture, "ada", "12345678901234567890.123456789012345678");
    const struct quantity *usage = fixture_stored_usage(fixture, "ada");
    assert_true(usage->inexact);
    assert_amount(usage->value, "12345678901234567890.12345678901235");
}

static void an_account_that_cannot_be_read_fails_alone(void **state) {
    struct store_fixture *fixture = *state;
    static const char *const names[] = {"ada", "bob", "eve"};
    for (size_t i = 0; i < 3; i++) fixture_user(fixture, names[i], "1");
    set_foreign_usage(fixture, "bob", "NaN");
    store_fixture_begin(fixture, true, names, 3);
    assert_true(fixture->accounts[1]->broken);
    assert_true(fixture->accounts[1]->loaded);
    for (size_t i = 0; i < 3; i += 2) {
        struct account *account = fixture->accounts[i];
        assert_false(account->broken);
        changes_usage(&fixture->changes, account->subscriptions->usages, ROW_CHANGED);
        account->subscriptions->usages->value = fixture_amount("2");
    }
    store_fixture_commit(fixture);
    assert_amount(fixture_stored_usage(fixture, "eve")->value, "2");
    set_foreign_usage(fixture, "bob", "3");
    assert_amount(fixture_stored_usage(fixture, "bob")->value, "3");
    assert_false(fixture->accounts[0]->broken);
}

static size_t count_subscriptions(const struct account *account) {
    size_t count = 0;
    for (const struct subscription *row = account->subscriptions; row != NULL; row = row->next) {
        count++;
    }
    return count;
}

static void only_subscriptions_that_have_not_ended_are_loaded(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin_one(fixture, "ada");
    struct account *ada = fixture->accounts[0];
    int64_t now = *fixture->clock_us;
    static const char *const plans[] = {"Basic", "Regular", "Pro", "Commercial"};
    const int64_t ends[] = {now - 1, now, now + 1, TIME_NEVER};
    for (size_t i = 0; i < 4; i++) {
        struct subscription *subscription =
            fixture_subscribe(fixture, ada, plans[i], now - HOURS_US(1), ends[i]);
        fixture_quota(fixture, subscription, "cpu.hours", "1");
        fixture_apply(fixture, subscription, "1 TB", "1");
    }
    fixture_subscribe(fixture, ada, "Basic", now + HOURS_US(1), now + HOURS_US(2));
    store_fixture_commit(fixture);
    assert_int_equal(count_subscriptions(store_fixture_look(fixture, "ada")), 4);
    *fixture->clock_us = now + 2;
    assert_int_equal(count_subscriptions(store_fixture_look(fixture, "ada")), 2);
    *fixture->clock_us = now + HOURS_US(3);
    const struct account *later = store_fixture_look(fixture, "ada");
    assert_int_equal(count_subscriptions(later), 1);
    assert_int_equal(later->subscriptions->end_us, TIME_NEVER);
    assert_non_null(later->subscriptions->quotas);
    assert_null(later->subscriptions->quotas->next);
    assert_non_null(later->subscriptions->addons);
}

static void ended_subscriptions_are_loaded_when_wanted(void **state) {
    struct store_fixture *fixture = *state;
    int64_t now = *fixture->clock_us;
    store_fixture_begin_one(fixture, "ada");
    struct account *ada = fixture->accounts[0];
    struct subscription *old =
        fixture_subscribe(fixture, ada, "Basic", now - HOURS_US(9), now - HOURS_US(5));
    fixture_usage(fixture, old, "cpu.hours", "12");
    fixture_subscribe(fixture, ada, "Basic", now - HOURS_US(9), now - HOURS_US(6));
    store_fixture_commit(fixture);

    struct qms_error error = {0};
    store_fixture_begin(fixture, false, NULL, 0);
    struct account *accounts[1] = {arena_take(&fixture->arena, sizeof *accounts[0])};
    account_init(accounts[0], TEXT("ada"));
    accounts[0]->want_from_us = now - HOURS_US(5);
    struct store_load load = {
        .arena = &fixture->arena,
        .accounts = accounts,
        .account_count = 1,
        .catalogue_version = fixture->catalogue->version,
        .directory_version = fixture->cloud->version,
    };
    assert_true(fixture->store->ops->load(fixture->store, &load, &error));
    store_fixture_end(fixture);
    assert_int_equal(count_subscriptions(accounts[0]), 1);
    assert_amount(accounts[0]->subscriptions->usages->value, "12");
    assert_int_equal(accounts[0]->ends_from_us, now - HOURS_US(5));
    account_close(accounts[0]);
}

static void rows_of_several_subscriptions_find_their_own(void **state) {
    struct store_fixture *fixture = *state;
    int64_t now = *fixture->clock_us;
    store_fixture_begin_one(fixture, "ada");
    for (int i = 0; i < 3; i++) {
        char value[8];
        struct subscription *subscription =
            fixture_subscribe(fixture, fixture->accounts[0], "Basic", now - HOURS_US(i),
                              now + HOURS_US(9));
        snprintf(value, sizeof value, "%d", i);
        fixture_usage(fixture, subscription, "cpu.hours", value);
        fixture_usage(fixture, subscription, "data.size", value);
    }
    store_fixture_commit(fixture);
    const struct account *ada = store_fixture_look(fixture, "ada");
    assert_int_equal(count_subscriptions(ada), 3);
    for (const struct subscription *row = ada->subscriptions; row != NULL; row = row->next) {
        char value[8];
        snprintf(value, sizeof value, "%d", (int)((now - row->start_us) / HOURS_US(1)));
        assert_amount(row->usages->value, value);
        assert_amount(row->usages->next->value, value);
        assert_null(row->usages->next->next);
    }
}

static void names_are_bytes_and_not_folded(void **state) {
    static const char *const names[] = {"ADA", "a", "ada", "ad\xC3\xA1"};
    static const char *const usages[] = {"1", "2", "3", "4"};
    struct store_fixture *fixture = *state;
    for (size_t i = 0; i < 4; i++) fixture_user(fixture, names[i], usages[i]);
    for (size_t i = 0; i < 4; i++) {
        assert_amount(fixture_stored_usage(fixture, names[i])->value, usages[i]);
    }
}

static void the_account_of_an_id_is_found(void **state) {
    struct store_fixture *fixture = *state;
    struct saved saved = save_ada(fixture);
    struct qms_error error = {0};
    struct store_find finds[] = {
        {.id = saved.subscription_id},
        {.id = saved.applied_id, .is_addon = true},
        {.id = saved.applied_id},
        {.id = saved.subscription_id, .is_addon = true},
    };
    store_fixture_begin(fixture, false, NULL, 0);
    assert_true(
        fixture->store->ops->find(fixture->store, finds, 4, &fixture->arena, &error));
    store_fixture_end(fixture);
    for (size_t i = 0; i < 2; i++) {
        assert_true(finds[i].found);
        assert_text(finds[i].username, "ada");
        assert_memory_equal(&finds[i].subscription_id, &saved.subscription_id,
                            sizeof saved.subscription_id);
        assert_int_equal(finds[i].end_us, STORE_FIXTURE_US + HOURS_US(5) + 123456);
    }
    assert_false(finds[2].found);
    assert_false(finds[3].found);
}

static void metadata_of_any_size_is_stored(void **state) {
    struct store_fixture *fixture = *state;
    struct text metadata = {.length = METADATA_BYTES_MAX};
    fixture_user(fixture, "ada", "1");
    store_fixture_begin_one(fixture, "ada");
    char *bytes = arena_take(&fixture->arena, metadata.length);
    memset(bytes, 'm', metadata.length);
    metadata.data = bytes;
    fixture_update(fixture, fixture->accounts[0], "cpu.hours", "1", 0)->metadata = metadata;
    store_fixture_commit(fixture);
}

int contract_accounts(void) {
    const struct sentence sentences[] = {
        SENTENCE(an_unknown_user_does_not_exist),
        SENTENCE(only_a_writing_batch_may_change_accounts),
        SENTENCE(what_was_saved_is_loaded_again),
        SENTENCE_OF(NEED_FILE, what_was_saved_is_there_after_opening_again),
        SENTENCE(rows_that_changed_are_loaded_as_they_are_now),
        SENTENCE(a_subscription_can_be_ended),
        SENTENCE(an_addon_that_was_taken_back_is_gone),
        SENTENCE(amounts_keep_every_digit),
        SENTENCE_OF(NEED_FOREIGN, an_amount_of_too_many_digits_is_inexact),
        SENTENCE_OF(NEED_FOREIGN, an_account_that_cannot_be_read_fails_alone),
        SENTENCE(only_subscriptions_that_have_not_ended_are_loaded),
        SENTENCE(ended_subscriptions_are_loaded_when_wanted),
        SENTENCE(rows_of_several_subscriptions_find_their_own),
        SENTENCE(names_are_bytes_and_not_folded),
        SENTENCE(the_account_of_an_id_is_found),
        SENTENCE(metadata_of_any_size_is_stored),
    };
    return contract_run("accounts", sentences, sizeof sentences / sizeof sentences[0]);
}
