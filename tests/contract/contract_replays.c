/* Operations that carried a key are remembered, by key, account and operation. */
#include <stdio.h>

#include "contract/contract.h"

static const int64_t KEPT_US = REQUEST_KEY_KEPT_DAYS * HOURS_US(24);

/* Two users, the first of whom used a key. */
static void remember(struct store_fixture *fixture, const char *key, bool expires) {
    static const char *const names[] = {"ada", "bob"};
    store_fixture_begin(fixture, true, names, 2);
    for (size_t i = 0; i < 2; i++) {
        struct account *account = fixture->accounts[i];
        if (account->exists) continue;
        fixture_subscribe(fixture, account, "Basic", 0, TIME_NEVER);
    }
    fixture_replay(fixture, fixture->accounts[0], key, expires);
    store_fixture_commit(fixture);
}

static void an_operation_with_a_key_is_remembered(void **state) {
    struct store_fixture *fixture = *state;
    uint8_t content[32];
    memset(content, 7, sizeof content);
    remember(fixture, "nasa/1", false);
    const struct replay *replay = fixture_look_replay(fixture, "ada", "nasa/1", false);
    assert_true(replay->known);
    assert_memory_equal(replay->content, content, sizeof content);
    assert_false(uuid_is_nil(&replay->made_id));
    assert_int_equal(replay->recorded_us, STORE_FIXTURE_US);
    if (!fixture->backend->persists) return;
    store_fixture_reopen(fixture);
    store_fixture_look(fixture, "ada");
    assert_true(fixture_look_replay(fixture, "ada", "nasa/1", false)->known);
}

static void other_keys_and_other_users_are_not_known(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "nasa/1", false);
    assert_false(fixture_look_replay(fixture, "ada", "nasa/2", false)->known);
    assert_false(fixture_look_replay(fixture, "ada", "nasa/", false)->known);
    assert_false(fixture_look_replay(fixture, "ada", "NASA/1", false)->known);
    assert_false(fixture_look_replay(fixture, "bob", "nasa/1", false)->known);
    assert_false(fixture_look_replay(fixture, "eve", "nasa/1", false)->known);
    assert_true(fixture_look_replay(fixture, "ada", "nasa/1", false)->known);
}

static void a_key_of_another_operation_is_another_key(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "key", false);
    store_fixture_begin_one(fixture, "ada");
    fixture_replay(fixture, fixture->accounts[0], "key", false)->operation = OP_UPDATE_ADD;
    store_fixture_commit(fixture);
    struct uuid other = fixture->changes.replays.count == 0
                            ? (struct uuid){0}
                            : ((struct replay *)fixture->changes.replays.rows[0])->made_id;
    const struct replay *replay = fixture_look_replay(fixture, "ada", "key", false);
    assert_true(replay->known);
    assert_memory_not_equal(&replay->made_id, &other, sizeof other);
}

static void a_key_of_somebody_else_is_another_key(void **state) {
    static const struct text eve = {"eve", 3}, nobody = {0};
    static const char *const keys[] = {"of an item", "of a request"};
    struct store_fixture *fixture = *state;
    struct uuid made[2];
    remember(fixture, "first", true); /* sees to the users */
    for (int i = 0; i < 2; i++) {
        store_fixture_begin_one(fixture, "ada");
        struct replay *replay = fixture_replay(fixture, fixture->accounts[0], keys[i], i == 1);
        made[i] = replay->made_id;
        replay->principal = eve;
        store_fixture_commit(fixture);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 2; i++) {
            assert_false(fixture_look_replay(fixture, "ada", keys[i], i == 1)->known);
            fixture->principal = eve;
            const struct replay *replay = fixture_look_replay(fixture, "ada", keys[i], i == 1);
            assert_true(replay->known);
            assert_memory_equal(&replay->made_id, &made[i], sizeof made[i]);
            fixture->principal = nobody;
        }
        if (!fixture->backend->persists) return;
        store_fixture_reopen(fixture);
        store_fixture_look(fixture, "ada");
    }
}

static void operations_on_the_catalogue_have_keys_too(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin(fixture, true, NULL, 0);
    fixture_replay(fixture, NULL, "key", true);
    store_fixture_commit(fixture);
    assert_true(fixture_look_replay(fixture, NULL, "key", true)->known);
    assert_false(fixture_look_replay(fixture, NULL, "other", true)->known);
}

static void keys_of_requests_expire(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "key", true);
    *fixture->clock_us += KEPT_US;
    assert_true(fixture_look_replay(fixture, "ada", "key", true)->known);
    *fixture->clock_us += 1;
    assert_false(fixture_look_replay(fixture, "ada", "key", true)->known);
}

static void an_expired_key_can_be_used_again(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "key", true);
    *fixture->clock_us += KEPT_US + 1;
    store_fixture_begin_one(fixture, "ada");
    struct replay *replay = fixture_replay(fixture, fixture->accounts[0], "key", true);
    store_fixture_load_replays(fixture, &replay, 1);
    assert_false(replay->known);
    replay->recorded_us = *fixture->clock_us;
    store_fixture_commit(fixture);
    replay = fixture_look_replay(fixture, "ada", "key", true);
    assert_true(replay->known);
    assert_int_equal(replay->recorded_us, *fixture->clock_us);
}

static void expired_keys_are_cleared_away_when_nobody_waits(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "key", true);
    remember(fixture, "item", false);
    *fixture->clock_us += KEPT_US + 1;
    remember(fixture, "young", true);
    fixture->store->ops->idle(fixture->store);
    /* what still lies there would be known again once it is young */
    fixture->backend->age_keys(fixture, *fixture->clock_us);
    assert_false(fixture_look_replay(fixture, "ada", "key", true)->known);
    assert_true(fixture_look_replay(fixture, "ada", "item", false)->known);
    assert_true(fixture_look_replay(fixture, "ada", "young", true)->known);
}

static void a_key_is_found_among_many(void **state) {
    enum { MANY = 3000 };
    struct store_fixture *fixture = *state;
    char key[16];
    remember(fixture, "first", true);
    for (int round = 0; round < 2; round++) {
        store_fixture_begin_one(fixture, "ada");
        for (int i = 0; i < MANY; i++) {
            snprintf(key, sizeof key, "%d/%d", round, i);
            struct text kept = arena_text(&fixture->arena, text_of(key));
            fixture_replay(fixture, fixture->accounts[0], kept.data, true);
        }
        /* The first round is not saved: what comes after it takes its places. */
        if (round == 0) store_fixture_end(fixture);
        else store_fixture_commit(fixture);
    }
    for (int pass = 0; pass < 2; pass++) {
        assert_true(fixture_look_replay(fixture, "ada", "first", true)->known);
        assert_true(fixture_look_replay(fixture, "ada", "1/0", true)->known);
        assert_true(fixture_look_replay(fixture, "ada", "1/2999", true)->known);
        assert_false(fixture_look_replay(fixture, "bob", "1/2999", true)->known);
        assert_false(fixture_look_replay(fixture, "ada", "0/0", true)->known);
        assert_false(fixture_look_replay(fixture, "ada", "0/2999", true)->known);
        if (!fixture->backend->persists) return;
        store_fixture_reopen(fixture);
        store_fixture_look(fixture, "ada");
    }
}

/* Keys of any look and length, of several users and principals, saved together: each keeps what is
 * its own. */
static void keys_of_one_batch_keep_their_own(void **state) {
    enum { MANY = 240 };
    static const char *const names[] = {"ada", "bob"};
    static const struct text principals[] = {{0}, {"eve", 3}, {"\"e\\ve", 5}};
    static const char *const looks[] = {"", "\"", "\\", "[null,\"", "\001\037", "\xc3\xbc"};
    struct store_fixture *fixture = *state;
    struct replay *saved[MANY];
    char key[256];
    remember(fixture, "first", true); /* sees to the users */
    store_fixture_begin(fixture, true, names, 2);
    struct arena kept;
    arena_init(&kept, 4096);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%s%0*d", looks[i % 6], i % 5 == 0 ? 240 : 1, i);
        struct text copy = arena_text(&kept, text_of(key));
        struct replay *replay =
            fixture_replay(fixture, fixture->accounts[i % 2], copy.data, true);
        replay->principal = principals[i % 3];
        memset(replay->content, i, sizeof replay->content);
        saved[i] = arena_take(&kept, sizeof **saved);
        *saved[i] = *replay;
    }
    store_fixture_commit(fixture);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < MANY; i++) {
            fixture->principal = principals[i % 3];
            const struct replay *found =
                fixture_look_replay(fixture, names[i % 2], saved[i]->key.data, true);
            assert_true(found->known);
            assert_memory_equal(found->content, saved[i]->content, sizeof found->content);
            assert_true(uuid_equal(&found->made_id, &saved[i]->made_id));
            assert_false(
                fixture_look_replay(fixture, names[1 - i % 2], saved[i]->key.data, true)->known);
            fixture->principal = principals[(i + 1) % 3];
            assert_false(
                fixture_look_replay(fixture, names[i % 2], saved[i]->key.data, true)->known);
        }
        fixture->principal = principals[0];
        if (!fixture->backend->persists || pass == 1) break;
        store_fixture_reopen(fixture);
        store_fixture_look(fixture, "ada");
    }
    arena_close(&kept);
}

static void ids_of_usages_are_remembered_for_ever(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "nasa/1", false);
    *fixture->clock_us += 100 * KEPT_US;
    fixture->store->ops->idle(fixture->store);
    assert_true(fixture_look_replay(fixture, "ada", "nasa/1", false)->known);
}

static void an_operation_that_was_not_saved_is_not_remembered(void **state) {
    struct store_fixture *fixture = *state;
    remember(fixture, "nasa/1", false);
    store_fixture_begin_one(fixture, "ada");
    fixture_replay(fixture, fixture->accounts[0], "nasa/2", false);
    store_fixture_end(fixture);
    assert_false(fixture_look_replay(fixture, "ada", "nasa/2", false)->known);
}

int contract_replays(void) {
    const struct sentence sentences[] = {
        SENTENCE(an_operation_with_a_key_is_remembered),
        SENTENCE(other_keys_and_other_users_are_not_known),
        SENTENCE(a_key_of_another_operation_is_another_key),
        SENTENCE(a_key_of_somebody_else_is_another_key),
        SENTENCE(operations_on_the_catalogue_have_keys_too),
        SENTENCE(keys_of_requests_expire),
        SENTENCE(a_key_is_found_among_many),
        SENTENCE(keys_of_one_batch_keep_their_own),
        SENTENCE(an_expired_key_can_be_used_again),
        SENTENCE_OF(NEED_FOREIGN, expired_keys_are_cleared_away_when_nobody_waits),
        SENTENCE(ids_of_usages_are_remembered_for_ever),
        SENTENCE(an_operation_that_was_not_saved_is_not_remembered),
    };
    return contract_run("replays", sentences, sizeof sentences / sizeof sentences[0]);
}
