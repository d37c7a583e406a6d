/* What is true of a database that others use too: their locks, their rows, their interruptions; and
 * what it costs. postgres_cluster.py runs this program. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "store/store_postgres.h"
#include "support/store_fixture.h"

static int setup(void **state) {
    static struct store_fixture fixture;
    store_fixture_make(&fixture, &store_backend_postgres);
    store_fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    store_fixture_remove(*state);
    return 0;
}

/* Somebody else, whose transaction stays open until it is told otherwise. */
static PGconn *stranger_open(struct store_fixture *fixture, const char *first) {
    PGconn *stranger = PQconnectdb(fixture->url);
    assert_int_equal(PQstatus(stranger), CONNECTION_OK);
    PQclear(PQexec(stranger, "BEGIN"));
    PGresult *result = PQexec(stranger, first);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", first, PQresultErrorMessage(result));
    }
    PQclear(result);
    return stranger;
}

static void stranger_close(PGconn *stranger, const char *last) {
    PGresult *result = PQexec(stranger, last);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(stranger);
}

/* Ada and bob, each with a subscription, a quota, a usage and an add-on. */
static const char *const names[] = {"ada", "bob"};

static void make_users(struct store_fixture *fixture) {
    store_fixture_begin(fixture, true, names, 2);
    for (size_t i = 0; i < 2; i++) {
        struct subscription *subscription =
            fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
        fixture_quota(fixture, subscription, "cpu.hours", "10");
        fixture_usage(fixture, subscription, "cpu.hours", "1");
        fixture_apply(fixture, subscription, "1 TB", "5");
    }
    store_fixture_commit(fixture);
}

static void set_usage(struct store_fixture *fixture, size_t account, const char *amount) {
    struct quantity *usage = fixture->accounts[account]->subscriptions->usages;
    changes_usage(&fixture->changes, usage, ROW_CHANGED);
    usage->value = fixture_amount(amount);
}

static void rows_that_others_hold_make_their_account_busy(void **state) {
    static const char *const locks[] = {
        "SELECT 1 FROM users WHERE username = 'ada' FOR UPDATE",
        "UPDATE users SET username = username WHERE username = 'ada'",
        "SELECT 1 FROM subscriptions s JOIN users u ON u.id = s.user_id"
        " WHERE u.username = 'ada' FOR UPDATE OF s",
        "UPDATE quotas SET quota = 11 WHERE subscription_id ="
        " (SELECT s.id FROM subscriptions s JOIN users u ON u.id = s.user_id"
        " WHERE u.username = 'ada')",
        "UPDATE usages SET usage = 7 WHERE subscription_id ="
        " (SELECT s.id FROM subscriptions s JOIN users u ON u.id = s.user_id"
        " WHERE u.username = 'ada')",
        "DELETE FROM subscription_addons WHERE subscription_id ="
        " (SELECT s.id FROM subscriptions s JOIN users u ON u.id = s.user_id"
        " WHERE u.username = 'ada')",
    };
    struct store_fixture *fixture = *state;
    make_users(fixture);
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        char amount[8];
        snprintf(amount, sizeof amount, "%zu", i + 2);
        PGconn *stranger = stranger_open(fixture, locks[i]);
        store_fixture_begin(fixture, true, names, 2);
        assert_true(fixture->accounts[0]->busy);
        assert_false(fixture->accounts[0]->loaded);
        assert_null(fixture->accounts[0]->subscriptions);
        assert_false(fixture->accounts[1]->busy);
        set_usage(fixture, 1, amount);
        store_fixture_commit(fixture);
        assert_amount(fixture_stored_usage(fixture, "bob")->value, amount);
        assert_amount(fixture_stored_usage(fixture, "ada")->value, "1"); /* reads wait for nobody */
        stranger_close(stranger, "ROLLBACK");
        store_fixture_begin(fixture, true, names, 2);
        assert_false(fixture->accounts[0]->busy);
        assert_amount(fixture->accounts[0]->subscriptions->usages->value, "1");
        store_fixture_end(fixture);
    }
}

/* What a batch leaves alone others may hold and change meanwhile, and nothing of it is lost. */
static void rows_that_a_batch_does_not_change_are_free_for_others(void **state) {
    static const char *const changes[] = {
        "UPDATE subscriptions SET paid = true",
        "UPDATE quotas SET quota = quota + 11",
        "UPDATE subscription_addons SET amount = amount + 1",
    };
    struct store_fixture *fixture = *state;
    make_users(fixture);
    fixture->rows = ROWS_USAGES;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char amount[8];
        snprintf(amount, sizeof amount, "%zu", i + 2);
        PGconn *stranger = stranger_open(fixture, changes[i]);
        store_fixture_begin(fixture, true, names, 2);
        assert_false(fixture->accounts[0]->busy);
        set_usage(fixture, 0, amount);
        store_fixture_commit(fixture);
        stranger_close(stranger, "COMMIT");
        store_fixture_begin(fixture, true, names, 2);
        set_usage(fixture, 1, amount);
        fixture->backend->foreign(fixture, changes[i]); /* waits for nobody either */
        store_fixture_commit(fixture);
        assert_amount(fixture_stored_usage(fixture, "ada")->value, amount);
        assert_amount(fixture_stored_usage(fixture, "bob")->value, amount);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct subscription *subscription =
            store_fixture_look(fixture, names[i])->subscriptions;
        assert_true(subscription->paid);
        assert_amount(subscription->quotas->value, "32");
        assert_amount(subscription->addons->amount, "7");
    }
}

static void rows_that_a_batch_does_not_need_are_not_read(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    fixture->rows = fixture->needed = ROWS_USAGES;
    PGconn *stranger = stranger_open(fixture, "LOCK TABLE quotas, subscription_addons");
    store_fixture_begin(fixture, true, names, 2); /* else it would wait, and fail */
    set_usage(fixture, 0, "4");
    store_fixture_commit(fixture);
    stranger_close(stranger, "ROLLBACK");
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "4");
    fixture->needed = 0; /* what is to be changed is needed all the same */
    store_fixture_begin(fixture, true, names, 2);
    assert_amount(fixture->accounts[0]->subscriptions->usages->value, "4");
    store_fixture_end(fixture);
}

static void rows_that_a_batch_changes_are_still_locked_when_others_are_not(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    fixture->rows = ROWS_USAGES;
    PGconn *stranger = stranger_open(fixture, "UPDATE usages SET usage = usage + 5");
    store_fixture_begin(fixture, true, names, 2);
    assert_true(fixture->accounts[0]->busy);
    assert_true(fixture->accounts[1]->busy);
    store_fixture_end(fixture);
    stranger_close(stranger, "COMMIT");
    store_fixture_begin(fixture, true, names, 2);
    assert_amount(fixture->accounts[0]->subscriptions->usages->value, "6");
    stranger = stranger_open(fixture, "SET lock_timeout = 1");
    PGresult *result = PQexec(stranger, "UPDATE usages SET usage = 0");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    stranger_close(stranger, "ROLLBACK");
    store_fixture_end(fixture);
}

/* Somebody who makes a subscription between our reading of subscriptions and of quotas: both wait
 * for the lock of the table, and he has it. */
static void *make_subscription(void *context) {
    static const char waits[] = "SELECT 1 FROM pg_locks WHERE NOT granted AND"
                                " relation = 'quotas'::regclass";
    static const char subscribe[] =
        "WITH s AS (INSERT INTO subscriptions (user_id, plan_id, plan_rate_id,"
        " effective_start_date, effective_end_date) SELECT user_id, plan_id, plan_rate_id,"
        " effective_start_date, effective_end_date FROM subscriptions RETURNING id)"
        " INSERT INTO quotas (quota, resource_type_id, subscription_id)"
        " SELECT 3, t.id, s.id FROM s, resource_types t WHERE t.name = 'cpu.hours'";
    PGconn *stranger = context;
    bool waiting = false;
    while (!waiting) {
        PGresult *result = PQexec(stranger, waits);
        waiting = PQntuples(result) > 0;
        PQclear(result);
    }
    PQclear(PQexec(stranger, subscribe));
    PQclear(PQexec(stranger, "COMMIT"));
    return NULL;
}

static void a_subscription_made_between_two_reads_makes_its_account_busy(void **state) {
    struct store_fixture *fixture = *state;
    pthread_t thread;
    make_users(fixture);
    fixture->rows = ROWS_USAGES;
    PGconn *stranger = stranger_open(fixture, "LOCK TABLE quotas");
    assert_int_equal(pthread_create(&thread, NULL, make_subscription, stranger), 0);
    store_fixture_begin(fixture, true, names, 2);
    pthread_join(thread, NULL);
    PQfinish(stranger);
    for (size_t i = 0; i < 2; i++) {
        assert_false(fixture->accounts[i]->broken);
        assert_true(fixture->accounts[i]->busy);
    }
    store_fixture_end(fixture);
    store_fixture_begin(fixture, true, names, 2);
    assert_non_null(fixture->accounts[0]->subscriptions->next);
    store_fixture_end(fixture);
}

static void checks_of_foreign_keys_pass_what_we_have_locked(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    store_fixture_begin(fixture, true, names, 2);
    PGconn *stranger = stranger_open(fixture, "SET lock_timeout = 1");
    static const char insert[] =
        "INSERT INTO usages (usage, resource_type_id, subscription_id)"
        " SELECT 3, t.id, s.id FROM subscriptions s, resource_types t WHERE t.name = 'data.size'";
    PGresult *result = PQexec(stranger, insert);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    stranger_close(stranger, "ROLLBACK");
    store_fixture_end(fixture);
}

static void a_store_that_waits_leaves_busy_what_it_does_not_get(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    struct store *impatient = fixture->store;
    struct qms_error error = {0};
    const struct store_options options = {
        .url = fixture->url, .clock = &clock_system, .waits = true, .lock_wait_us = 20000};
    fixture->store = store_open(&options, &error);
    if (fixture->store == NULL) fail_msg("%s", error.text);
    static const char *const locks[] = {
        "SELECT 1 FROM users WHERE username = 'ada' FOR UPDATE",
        "SELECT 1 FROM usages g JOIN subscriptions s ON s.id = g.subscription_id"
        " JOIN users u ON u.id = s.user_id WHERE u.username = 'ada' FOR UPDATE OF g",
    };
    for (size_t i = 0; i < 2; i++) {
        PGconn *stranger = stranger_open(fixture, locks[i]);
        store_fixture_begin(fixture, true, names, 2);
        assert_true(fixture->accounts[0]->busy);
        assert_false(fixture->accounts[1]->busy);
        set_usage(fixture, 1, "8");
        store_fixture_commit(fixture);
        stranger_close(stranger, "ROLLBACK");
    }
    store_fixture_begin(fixture, true, names, 2);
    assert_false(fixture->accounts[0]->busy);
    store_fixture_end(fixture);
    fixture->store->ops->close(fixture->store);
    fixture->store = impatient;
}

/* Each is what the batch below wants to insert, by somebody who was quicker. */
static void who_comes_second_is_overtaken(void **state) {
    static const char *const firsts[] = {
        "INSERT INTO users (username) VALUES ('eve')",
        "INSERT INTO usages (usage, resource_type_id, subscription_id)"
        " SELECT 3, t.id, s.id FROM subscriptions s JOIN users u ON u.id = s.user_id,"
        " resource_types t WHERE t.name = 'data.size' AND u.username = 'ada'",
        "INSERT INTO qms_server.idempotency (key, user_id, operation, content, made_id,"
        " recorded_at, expires) SELECT 'key', id, 'usages.record', '\\x00', id, now(), false"
        " FROM users WHERE username = 'ada'",
    };
    static const char *const wanted[] = {"ada", "bob", "eve"};
    struct store_fixture *fixture = *state;
    make_users(fixture);
    for (size_t i = 0; i < 3; i++) {
        store_fixture_begin(fixture, true, wanted, i == 0 ? 3 : 2);
        if (i == 0) fixture_subscribe(fixture, fixture->accounts[2], "Basic", 0, TIME_NEVER);
        if (i == 1) fixture_usage(fixture, fixture->accounts[0]->subscriptions, "data.size", "4");
        if (i == 2) fixture_replay(fixture, fixture->accounts[0], "key", false);
        set_usage(fixture, 1, "9");
        fixture->backend->foreign(fixture, firsts[i]);
        assert_int_equal(store_fixture_save(fixture), STORE_OVERTAKEN);
        assert_amount(fixture_stored_usage(fixture, "bob")->value, "1");
    }
    assert_true(store_fixture_look(fixture, "eve")->exists);
}

/* Under load it happens all the time; a metric counts it. */
static void who_comes_second_fills_no_log(void **state) {
    struct store_fixture *fixture = *state;
    FILE *log = tmpfile();
    make_users(fixture);
    store_fixture_begin(fixture, true, names, 1);
    fixture_usage(fixture, fixture->accounts[0]->subscriptions, "data.size", "4");
    fixture->backend->foreign(fixture,
                              "INSERT INTO usages (usage, resource_type_id, subscription_id)"
                              " SELECT 3, t.id, s.id FROM subscriptions s, resource_types t"
                              " WHERE t.name = 'data.size'");
    int stderr_before = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    enum store_outcome outcome = store_fixture_save(fixture);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    assert_int_equal(outcome, STORE_OVERTAKEN);
    assert_int_equal(lseek(fileno(log), 0, SEEK_END), 0);
    fclose(log);
}

static void data_that_a_foreign_rule_refuses_is_refused(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    fixture->backend->foreign(fixture, "ALTER TABLE usages ADD CHECK (usage < 100)");
    store_fixture_begin(fixture, true, names, 2);
    set_usage(fixture, 0, "2");
    set_usage(fixture, 1, "100");
    assert_int_equal(store_fixture_save(fixture), STORE_REFUSED);
    store_fixture_begin(fixture, true, names, 2);
    set_usage(fixture, 0, "2");
    store_fixture_commit(fixture);
}

static void values_beyond_ours_break_their_account_only(void **state) {
    static const char *const changes[] = {
        "UPDATE subscriptions SET effective_start_date = '-infinity'",
        "UPDATE subscriptions SET effective_start_date = '4000-01-01 BC'",
        "UPDATE subscriptions SET effective_end_date = '10000-01-01'",
        "UPDATE quotas SET quota = 'Infinity'",
        "UPDATE quotas SET quota = 1e100",
        "UPDATE usages SET usage = 'NaN'",
        "UPDATE subscription_addons SET amount = '-Infinity'",
    };
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "eve", "1");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture->backend->foreign(fixture, "SET client_min_messages = warning;"
                                           " TRUNCATE users CASCADE");
        make_users(fixture);
        fixture->backend->foreign(fixture, changes[i]);
        fixture_user(fixture, "eve", "1");
        static const char *const wanted[] = {"ada", "eve"};
        store_fixture_begin(fixture, true, wanted, 2);
        assert_true(fixture->accounts[0]->broken);
        assert_false(fixture->accounts[1]->broken);
        assert_amount(fixture->accounts[1]->subscriptions->usages->value, "1");
        store_fixture_end(fixture);
    }
}

static uint64_t round_trips(struct store_fixture *fixture) {
    return store_postgres_of(fixture->store)->session.round_trips;
}

static void a_batch_takes_two_round_trips_whatever_its_size(void **state) {
    enum { MANY = 1000 };
    static char texts[MANY][12];
    static const char *many[MANY];
    struct store_fixture *fixture = *state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "user%05zu", i);
        many[i] = texts[i];
    }
    store_fixture_begin(fixture, true, many, MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct subscription *subscription =
            fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
        fixture_usage(fixture, subscription, "cpu.hours", "1");
    }
    store_fixture_commit(fixture);
    const size_t sizes[] = {1, MANY};
    for (size_t i = 0; i < 2; i++) {
        uint64_t before = round_trips(fixture);
        store_fixture_begin(fixture, true, many, sizes[i]);
        assert_int_equal(round_trips(fixture) - before, 1);
        for (size_t j = 0; j < sizes[i]; j++) {
            set_usage(fixture, j, "2");
            fixture_update(fixture, fixture->accounts[j], "cpu.hours", "1", 0);
            fixture_replay(fixture, fixture->accounts[j], texts[i], true)->operation =
                i == 0 ? OP_UPDATE_ADD : OP_USAGE_ADD;
        }
        store_fixture_commit(fixture);
        assert_int_equal(round_trips(fixture) - before, 2);
        store_fixture_begin(fixture, false, many, sizes[i]);
        store_fixture_end(fixture);
        assert_int_equal(round_trips(fixture) - before, 3);
    }
}

static const char end_sessions[] =
    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
    " WHERE application_name = 'qms' AND datname = current_database()";

static void a_session_that_is_ended_is_replaced(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    fixture->backend->foreign(fixture, end_sessions);
    store_fixture_begin(fixture, true, names, 2);
    set_usage(fixture, 0, "2");
    fixture->backend->foreign(fixture, end_sessions);
    assert_int_equal(store_fixture_save(fixture), STORE_FAILED);
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "1");
    store_fixture_begin(fixture, true, names, 2);
    set_usage(fixture, 0, "2");
    store_fixture_commit(fixture);
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "2");
}

static void a_batch_that_was_cut_off_is_known_not_to_be_committed(void **state) {
    struct store_fixture *fixture = *state;
    make_users(fixture);
    static const char *const wanted[] = {"ada", "eve"};
    store_fixture_begin(fixture, true, wanted, 2);
    set_usage(fixture, 0, "2");
    fixture_subscribe(fixture, fixture->accounts[1], "Basic", 0, TIME_NEVER);
    fixture->backend->foreign(
        fixture, "CREATE FUNCTION end_us() RETURNS trigger LANGUAGE plpgsql AS"
                 " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';"
                 " CREATE TRIGGER end_us BEFORE INSERT ON subscriptions"
                 " FOR EACH ROW EXECUTE FUNCTION end_us()");
    enum store_outcome outcome = store_fixture_save(fixture);
    fixture->backend->foreign(fixture, "DROP TRIGGER end_us ON subscriptions");
    assert_int_equal(outcome, STORE_UNKNOWN);
    assert_false(store_fixture_resolve(fixture, &fixture->batch_id));
    assert_amount(fixture_stored_usage(fixture, "ada")->value, "1");
    assert_false(store_fixture_look(fixture, "eve")->exists);
}

static void a_password_is_in_no_message(void **state) {
    (void)state;
    static const char *const urls[] = {
        "postgresql://qms:secret%zz@localhost/qms",
        "postgresql://qms:secret@localhost:port/qms",
        "postgres//qms:secret@localhost/qms",
        "postgresql://qms:secret@/nowhere?secret=1",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct qms_error error = {0};
        const struct store_options options = {.url = urls[i], .clock = &clock_system};
        assert_null(store_open(&options, &error));
        assert_int_not_equal(error.code, QMS_OK);
        assert_null(strstr(error.text, "secret"));
    }
}

#define SENTENCE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SENTENCE(rows_that_others_hold_make_their_account_busy),
        SENTENCE(rows_that_a_batch_does_not_change_are_free_for_others),
        SENTENCE(rows_that_a_batch_does_not_need_are_not_read),
        SENTENCE(rows_that_a_batch_changes_are_still_locked_when_others_are_not),
        SENTENCE(a_subscription_made_between_two_reads_makes_its_account_busy),
        SENTENCE(checks_of_foreign_keys_pass_what_we_have_locked),
        SENTENCE(a_store_that_waits_leaves_busy_what_it_does_not_get),
        SENTENCE(who_comes_second_is_overtaken),
        SENTENCE(who_comes_second_fills_no_log),
        SENTENCE(data_that_a_foreign_rule_refuses_is_refused),
        SENTENCE(values_beyond_ours_break_their_account_only),
        SENTENCE(a_batch_takes_two_round_trips_whatever_its_size),
        SENTENCE(a_session_that_is_ended_is_replaced),
        SENTENCE(a_batch_that_was_cut_off_is_known_not_to_be_committed),
        cmocka_unit_test(a_password_is_in_no_message),
    };
    if (getenv("QMS_TEST_POSTGRES") == NULL || getenv("QMS_STILL_CLOCK") == NULL) {
        fprintf(stderr, "usage: postgres_cluster.py --clock LIBRARY -- test_store_postgres\n");
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL) > 0;
}
