/* Transactions: what stays, what leaves no trace, who is told of others, and time. */
#include <stdio.h>

#include "contract/contract.h"

static void changes_that_were_not_saved_leave_no_trace(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
    fixture_usage(fixture, subscription, "cpu.hours", "1");
    store_fixture_end(fixture);
    assert_false(store_fixture_look(fixture, "ada")->exists);
    if (!fixture->backend->persists) return;
    store_fixture_reopen(fixture);
    assert_false(store_fixture_look(fixture, "ada")->exists);
}

/* Each of these makes data that no store takes. */
static void same_update_twice(struct store_fixture *fixture, struct subscription *subscription) {
    struct update *first = fixture_update(fixture, subscription->account, "cpu.hours", "1", 0);
    fixture_update(fixture, subscription->account, "cpu.hours", "2", 0)->id = first->id;
}

static void same_resource_twice(struct store_fixture *fixture, struct subscription *subscription) {
    fixture_usage(fixture, subscription, "cpu.hours", "1");
    fixture_usage(fixture, subscription, "cpu.hours", "2");
}

static void plan_that_is_not_there(struct store_fixture *fixture,
                                   struct subscription *subscription) {
    (void)fixture;
    subscription->plan_id = fixture_uuid("00000000-0000-4000-8000-000000000000");
}

static void update_of_a_user_that_is_not_there(struct store_fixture *fixture,
                                               struct subscription *subscription) {
    (void)subscription;
    static struct account stranger;
    stranger.user_id = fixture_uuid("00000000-0000-4000-8000-000000000000");
    fixture_update(fixture, &stranger, "cpu.hours", "1", 0);
}

static void subscription_that_is_there(struct store_fixture *fixture,
                                       struct subscription *subscription) {
    fixture_subscribe(fixture, subscription->account, "Basic", 0, 1)->id = subscription->id;
}

static void same_key_twice(struct store_fixture *fixture, struct subscription *subscription) {
    fixture_replay(fixture, subscription->account, "key", false);
    fixture_replay(fixture, subscription->account, "key", false);
}

static void refused_data_leaves_nothing(void **state) {
    static void (*const offences[])(struct store_fixture *, struct subscription *) = {
        same_update_twice,      same_resource_twice,
        plan_that_is_not_there, update_of_a_user_that_is_not_there,
        subscription_that_is_there, same_key_twice,
    };
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "bob", "1");
    struct uuid before = fixture->batch_id;
    for (size_t i = 0; i < sizeof offences / sizeof *offences; i++) {
        static const char *const names[] = {"ada", "bob"};
        store_fixture_begin(fixture, true, names, 2);
        struct quantity *innocent = fixture->accounts[1]->subscriptions->usages;
        changes_usage(&fixture->changes, innocent, ROW_CHANGED);
        innocent->value = fixture_amount("99");
        offences[i](fixture, fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, 1));
        assert_int_equal(store_fixture_save(fixture), STORE_REFUSED);
        assert_false(store_fixture_resolve(fixture, &fixture->batch_id));
        assert_false(store_fixture_look(fixture, "ada")->exists);
        assert_amount(fixture_stored_usage(fixture, "bob")->value, "1");
        assert_true(store_fixture_resolve(fixture, &before));
    }
}

static void a_change_of_a_row_that_is_gone_is_not_committed(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription = fixture->accounts[0]->subscriptions;
    subscription->id = fixture_uuid("00000000-0000-4000-8000-000000000000");
    changes_usage(&fixture->changes, subscription->usages, ROW_CHANGED);
    subscription->usages->value = fixture_amount("2");
    fixture_update(fixture, fixture->accounts[0], "cpu.hours", "1", 0);
    enum store_outcome outcome = store_fixture_save(fixture);
    assert_true(outcome == STORE_FAILED || outcome == STORE_DECLINED);
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "1");
}

static void a_batch_is_known_by_its_id(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    struct uuid committed = fixture->batch_id;
    struct uuid other = fixture_uuid("00000000-0000-4000-8000-000000000000");
    assert_true(store_fixture_resolve(fixture, &committed));
    assert_false(store_fixture_resolve(fixture, &other));
    store_fixture_begin_one(fixture, "ada");
    store_fixture_end(fixture);
    assert_true(store_fixture_resolve(fixture, &committed));
    if (!fixture->backend->persists) return;
    store_fixture_reopen(fixture);
    assert_true(store_fixture_resolve(fixture, &committed));
}

static void own_writes_do_not_make_stale(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_look(fixture, "ada");
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "user%d", i);
        assert_false(store_fixture_begin_one(fixture, name));
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
        store_fixture_commit(fixture);
        fixture->store->ops->idle(fixture->store);
        assert_false(store_fixture_begin(fixture, false, NULL, 0));
        store_fixture_end(fixture);
    }
}

static void writes_of_others_make_stale(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    store_fixture_begin(fixture, false, NULL, 0);
    store_fixture_end(fixture);
    fixture->backend->foreign(fixture, "UPDATE usages SET usage = '5'");
    assert_true(store_fixture_begin_one(fixture, "ada"));
    assert_amount(fixture->accounts[0]->subscriptions->usages->value, "5");
    store_fixture_end(fixture);
    fixture->backend->foreign(fixture, "UPDATE usages SET usage = '6'");
    const char *name = "ada";
    assert_true(store_fixture_begin(fixture, false, &name, 1));
    assert_amount(fixture->accounts[0]->subscriptions->usages->value, "6");
    store_fixture_end(fixture);
}

static void moments_never_go_back(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_look(fixture, "ada");
    int64_t first = fixture->load.moment.decided_us;
    assert_int_equal(first, STORE_FIXTURE_US);
    *fixture->clock_us -= HOURS_US(1);
    store_fixture_look(fixture, "ada");
    assert_int_equal(fixture->load.moment.decided_us, first);
    assert_int_equal(fixture->load.moment.stamped_us, first);
    if (fixture->store->ops->now != NULL) {
        assert_int_equal(fixture->store->ops->now(fixture->store), first);
    }
    *fixture->clock_us = first + 1;
    store_fixture_look(fixture, "ada");
    assert_int_equal(fixture->load.moment.decided_us, first + 1);
}

static void moments_never_go_back_across_a_restart(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    *fixture->clock_us -= HOURS_US(24);
    store_fixture_reopen(fixture);
    store_fixture_look(fixture, "ada");
    assert_int_equal(fixture->load.moment.decided_us, STORE_FIXTURE_US);
}

static void what_is_decided_never_goes_back_in_time(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_look(fixture, "ada");
    int64_t first = fixture->load.moment.decided_us;
    assert_int_equal(first, STORE_FIXTURE_US);
    *fixture->clock_us -= HOURS_US(1);
    store_fixture_look(fixture, "ada");
    assert_int_equal(fixture->load.moment.decided_us, first);
    *fixture->clock_us = first + 1;
    store_fixture_look(fixture, "ada");
    assert_int_equal(fixture->load.moment.decided_us, first + 1);
}

static void the_actor_is_the_one_that_was_named(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_look(fixture, "ada");
    assert_text(fixture->load.moment.actor, "qms");
}

static void a_batch_of_thousands_is_saved_whole(void **state) {
    enum { USERS = BATCH_OPERATIONS_MAX };
    struct store_fixture *fixture = *state;
    static char texts[USERS][12];
    static const char *names[USERS];
    for (size_t i = 0; i < USERS; i++) {
        snprintf(texts[i], sizeof texts[i], "user%05zu", i);
        names[i] = texts[i];
    }
    store_fixture_begin(fixture, true, names, USERS);
    for (size_t i = USERS; i-- > 0;) { /* not in the order of the names */
        struct subscription *subscription =
            fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
        fixture_usage(fixture, subscription, "cpu.hours", texts[i] + strlen("user"));
        fixture_update(fixture, fixture->accounts[i], "cpu.hours", "1", 0);
        fixture_replay(fixture, fixture->accounts[i], texts[i], false);
    }
    store_fixture_commit(fixture);
    store_fixture_begin(fixture, false, names, USERS);
    store_fixture_end(fixture);
    for (size_t i = 0; i < USERS; i++) {
        const struct account *account = fixture->accounts[i];
        assert_true(account->exists);
        assert_int_equal(amount_compare(account->subscriptions->usages->value,
                                        amount_of((int64_t)i)), 0);
    }
}

static void what_is_in_use_of_an_addon_is_known(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin_one(fixture, "ada");
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
    fixture_apply(fixture, subscription, "1 TB", "1");
    fixture_apply(fixture, subscription, "1 TB", "2");
    store_fixture_commit(fixture);
    struct qms_error error = {0};
    struct addon_use uses[] = {
        {.addon_id = fixture_uuid("c21dd61f-aa41-40ad-8005-859679ceed9c")},
        {.addon_id = fixture_uuid("f8d2066c-e3b2-4559-839e-88bfc997c89f")},
    };
    store_fixture_begin(fixture, false, NULL, 0);
    struct store_load load = {
        .arena = &fixture->arena,
        .addon_uses = uses,
        .addon_use_count = 2,
        .catalogue_version = fixture->catalogue->version,
        .directory_version = fixture->cloud->version,
    };
    assert_true(fixture->store->ops->load(fixture->store, &load, &error));
    store_fixture_end(fixture);
    assert_true(uses[0].in_use);
    assert_int_equal(uses[0].rate_count, 1);
    assert_uuid(&uses[0].rate_ids[0], "d612d958-82ad-11ef-b4b2-5a8d7f4f1112");
    assert_false(uses[1].in_use);
    assert_int_equal(uses[1].rate_count, 0);
}

int contract_batches(void) {
    const struct sentence sentences[] = {
        SENTENCE(changes_that_were_not_saved_leave_no_trace),
        SENTENCE(refused_data_leaves_nothing),
        SENTENCE(a_change_of_a_row_that_is_gone_is_not_committed),
        SENTENCE(a_batch_is_known_by_its_id),
        SENTENCE_OF(NEED_OWNER, own_writes_do_not_make_stale),
        SENTENCE_OF(NEED_FOREIGN, writes_of_others_make_stale),
        SENTENCE_OF(NEED_OWNER, moments_never_go_back),
        SENTENCE_OF(NEED_FILE, moments_never_go_back_across_a_restart),
        SENTENCE(what_is_decided_never_goes_back_in_time),
        SENTENCE(the_actor_is_the_one_that_was_named),
        SENTENCE(a_batch_of_thousands_is_saved_whole),
        SENTENCE(what_is_in_use_of_an_addon_is_known),
    };
    return contract_run("batches", sentences, sizeof sentences / sizeof sentences[0]);
}
