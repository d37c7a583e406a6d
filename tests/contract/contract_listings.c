/* Listings: whole, in their order, from one snapshot. */
#include <stdio.h>

#include "contract/contract.h"

enum { LISTED_MAX = 64 };

/* What a listing handed on, in one line of text per row. */
struct listed {
    struct store_fixture *fixture;
    struct store_reader *reader;
    struct listing_input input;
    struct store_listing listing;
    struct arena arena;
    struct text lines[LISTED_MAX];
    size_t count, stop_at;
    void (*during)(struct listed *listed);
};

static struct text line_of(struct listed *listed, const union store_row *row) {
    struct arena *arena = &listed->arena;
    char first[AMOUNT_TEXT_MAX], second[AMOUNT_TEXT_MAX];
    size_t length;
    switch (listed->listing.operation) {
    case OP_USER_LIST: return arena_text(arena, row->user.username);
    case OP_UPDATE_LIST:
        length = amount_format(row->update.row.value, first);
        return arena_format(arena, "%lld %.*s %s%.*s", (long long)row->update.row.effective_us,
                            TEXT_ARGUMENTS(row->update.resource_type->name),
                            row->update.row.operation == UPDATE_ADD ? "+" : "=", (int)length,
                            first);
    case OP_OVERAGE_REPORT:
        length = amount_format(row->overage.usage, first);
        second[amount_format(row->overage.quota, second)] = '\0';
        return arena_format(arena, "%.*s %.*s %.*s/%s", TEXT_ARGUMENTS(row->overage.username),
                            TEXT_ARGUMENTS(row->overage.resource_name), (int)length, first,
                            second);
    default:
        length = 0;
        if (row->subscription->usages != NULL) {
            length = amount_format(row->subscription->usages->value, first);
        }
        return arena_format(arena, "%.*s %.*s",
                            TEXT_ARGUMENTS(row->subscription->account->username), (int)length,
                            first);
    }
}

static bool listed_take(void *context, const union store_row *row) {
    struct listed *listed = context;
    assert_true(listed->count < LISTED_MAX);
    listed->lines[listed->count++] = line_of(listed, row);
    if (listed->during != NULL) listed->during(listed);
    return listed->count != listed->stop_at;
}

static void listed_open(struct listed *listed, struct store_fixture *fixture,
                        enum operation operation) {
    struct qms_error error = {0};
    *listed = (struct listed){.fixture = fixture, .input = {.limit = -1}};
    arena_init(&listed->arena, 4096);
    listed->reader = fixture->store->ops->reader_open(fixture->store, &error);
    if (listed->reader == NULL) fail_msg("%s", error.text);
    listed->listing.operation = operation;
}

static bool listed_try(struct listed *listed, struct qms_error *error) {
    struct store_fixture *fixture = listed->fixture;
    listed->count = 0;
    listed->listing.input = &listed->input;
    listed->listing.catalogue = fixture->catalogue;
    listed->listing.decided_us = *fixture->clock_us;
    if (listed->listing.deadline_us == 0) {
        listed->listing.deadline_us = clock_monotonic_us() + HOURS_US(1);
    }
    listed->listing.row = listed_take;
    listed->listing.context = listed;
    *error = (struct qms_error){0};
    return fixture->store->ops->list(listed->reader, &listed->listing, error);
}

/* Lists, and compares with the lines expected, up to a NULL. */
static void assert_listed(struct listed *listed, const char *const *expected) {
    struct qms_error error;
    if (!listed_try(listed, &error)) fail_msg("%s", error.text);
    size_t count = 0;
    for (; expected[count] != NULL; count++) {
        if (count == listed->count) fail_msg("\"%s\" is missing", expected[count]);
        assert_text(listed->lines[count], expected[count]);
    }
    assert_int_equal(listed->count, count);
}
#define ASSERT_LISTED(listed, ...) assert_listed(listed, (const char *const[]){__VA_ARGS__, NULL})

static void listed_close(struct listed *listed) {
    listed->fixture->store->ops->reader_close(listed->reader);
    arena_close(&listed->arena);
}

/* ---- users ---- */

static void users_are_listed_by_name(void **state) {
    struct store_fixture *fixture = *state;
    /* The services that qms replaces made users of the empty name at times. */
    static const char *const names[] = {"bob", "ada", "", "Zoe", "eve", "a%b", "axb"};
    for (size_t i = 0; i < 7; i++) fixture_user(fixture, names[i], "1");
    struct listed listed;
    listed_open(&listed, fixture, OP_USER_LIST);
    ASSERT_LISTED(&listed, "", "Zoe", "a%b", "ada", "axb", "bob", "eve");
    listed.input.after = TEXT("axb");
    ASSERT_LISTED(&listed, "bob", "eve");
    listed.input.after = TEXT("");
    listed.input.search = TEXT("a%");
    ASSERT_LISTED(&listed, "a%b");
    listed.input.search = TEXT("b");
    listed.input.limit = 2;
    ASSERT_LISTED(&listed, "a%b", "axb");
    listed.input.offset = 2;
    ASSERT_LISTED(&listed, "bob");
    listed_close(&listed);
}

static void a_listing_can_be_ended_by_who_asked(void **state) {
    struct store_fixture *fixture = *state;
    static const char *const names[] = {"ada", "bob", "eve"};
    for (size_t i = 0; i < 3; i++) fixture_user(fixture, names[i], "1");
    struct listed listed;
    listed_open(&listed, fixture, OP_USER_LIST);
    listed.stop_at = 2;
    ASSERT_LISTED(&listed, "ada", "bob");
    listed.stop_at = 0;
    ASSERT_LISTED(&listed, "ada", "bob", "eve");
    listed_close(&listed);
}

/* ---- the audit trail ---- */

static void updates_are_listed_by_effective_date(void **state) {
    struct store_fixture *fixture = *state;
    static const char *const names[] = {"ada", "bob"};
    store_fixture_begin(fixture, true, names, 2);
    for (size_t i = 0; i < 2; i++) {
        fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
    }
    struct account *ada = fixture->accounts[0], *bob = fixture->accounts[1];
    fixture_update(fixture, ada, "cpu.hours", "1", 300);
    fixture_update(fixture, ada, "data.size", "2", 100);
    fixture_update(fixture, bob, "cpu.hours", "9", 150);
    fixture_update(fixture, ada, "cpu.hours", "3.5", 200)->operation = UPDATE_SET;
    fixture_update(fixture, ada, "cpu.hours", "4", 300); /* a later id */
    store_fixture_commit(fixture);

    struct listed listed;
    listed_open(&listed, fixture, OP_UPDATE_LIST);
    listed.listing.username = TEXT("ada");
    ASSERT_LISTED(&listed, "100 data.size +2", "200 cpu.hours =3.5", "300 cpu.hours +1",
                  "300 cpu.hours +4");
    assert_true(listed.listing.user_exists);
    listed.input.resource_name = TEXT("cpu.hours");
    ASSERT_LISTED(&listed, "200 cpu.hours =3.5", "300 cpu.hours +1", "300 cpu.hours +4");
    listed.input.has_since = true;
    listed.input.since_us = 201;
    listed.input.limit = 1;
    listed.input.offset = 1;
    ASSERT_LISTED(&listed, "300 cpu.hours +4");
    listed.listing.username = TEXT("nobody");
    assert_listed(&listed, (const char *const[]){NULL});
    assert_false(listed.listing.user_exists);
    listed_close(&listed);
}

static void append_updates(struct store_fixture *fixture, int from, int to) {
    static const char *const names[] = {"ada", "bob"};
    char value[16];
    store_fixture_begin(fixture, true, names, 2);
    for (int i = from; i < to; i++) {
        snprintf(value, sizeof value, "%d", i);
        fixture_update(fixture, fixture->accounts[i % 1000 == 0 ? 0 : 1], "cpu.hours", value, i);
    }
    store_fixture_commit(fixture);
}

static void the_few_updates_of_a_user_are_found_among_many(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    fixture_user(fixture, "bob", "1");
    append_updates(fixture, 1, 3001);
    struct listed listed;
    listed_open(&listed, fixture, OP_UPDATE_LIST);
    listed.listing.username = TEXT("ada");
    ASSERT_LISTED(&listed, "1000 cpu.hours +1000", "2000 cpu.hours +2000", "3000 cpu.hours +3000");
    append_updates(fixture, 4000, 4001);
    append_updates(fixture, 4001, 5001);
    ASSERT_LISTED(&listed, "1000 cpu.hours +1000", "2000 cpu.hours +2000", "3000 cpu.hours +3000",
                  "4000 cpu.hours +4000", "5000 cpu.hours +5000");
    listed.listing.username = TEXT("bob");
    listed.input.limit = 2;
    listed.input.offset = 2998;
    ASSERT_LISTED(&listed, "4002 cpu.hours +4002", "4003 cpu.hours +4003");
    listed_close(&listed);
}

static bool take_whole_update(void *context, const union store_row *row) {
    struct store_fixture *fixture = context;
    const struct update_view *view = &row->update;
    assert_text(view->username, "ada");
    assert_false(uuid_is_nil(&view->user_id));
    assert_false(uuid_is_nil(&view->row.id));
    assert_uuid(&view->operation_id, "f1f9df66-9676-11ec-aa73-406c8f3e9cbb");
    assert_int_equal(view->row.operation, UPDATE_ADD);
    assert_int_equal(view->row.value_type, VALUE_QUOTAS);
    assert_amount(view->row.value, "0.000000000000000000000000000001");
    assert_ptr_equal(view->resource_type, &fixture->catalogue->resource_types[0]);
    assert_true(view->has_metadata);
    assert_text(view->row.metadata, "{\"job\": 7}");
    return true;
}

static void an_update_is_listed_whole(void **state) {
    struct store_fixture *fixture = *state;
    store_fixture_begin_one(fixture, "ada");
    fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
    struct update *update =
        fixture_update(fixture, fixture->accounts[0], "cpu.hours",
                       "0.000000000000000000000000000001", 5);
    update->value_type = VALUE_QUOTAS;
    update->metadata = TEXT("{\"job\": 7}");
    store_fixture_commit(fixture);
    struct listed listed;
    struct qms_error error = {0};
    listed_open(&listed, fixture, OP_UPDATE_LIST);
    listed.listing.username = TEXT("ada");
    listed.listing.input = &listed.input;
    listed.listing.catalogue = fixture->catalogue;
    listed.listing.deadline_us = INT64_MAX;
    listed.listing.row = take_whole_update;
    listed.listing.context = fixture;
    assert_true(fixture->store->ops->list(listed.reader, &listed.listing, &error));
    listed_close(&listed);
}

/* ---- subscriptions ---- */

/* A subscription whose one usage tells it from the others. */
static void subscribe(struct store_fixture *fixture, const char *name, int start_hours,
                      int64_t end_us, const char *usage) {
    store_fixture_begin_one(fixture, name);
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic",
                          STORE_FIXTURE_US + HOURS_US(start_hours), end_us);
    fixture_usage(fixture, subscription, "cpu.hours", usage);
    fixture_quota(fixture, subscription, "cpu.hours", "10");
    store_fixture_commit(fixture);
}

static void make_subscriptions(struct store_fixture *fixture) {
    int64_t now = *fixture->clock_us;
    subscribe(fixture, "bob", -1, now + HOURS_US(9), "1");
    subscribe(fixture, "ada", -3, now + HOURS_US(5), "2");
    subscribe(fixture, "eve", -2, TIME_NEVER, "3");
    subscribe(fixture, "ada", -9, now - 1, "4");           /* has ended */
    subscribe(fixture, "bob", 2, now + HOURS_US(30), "5"); /* has not begun */
    subscribe(fixture, "ada", -4, now, "6");               /* ends at this moment */
}

static void active_subscriptions_are_listed_in_any_order(void **state) {
    struct store_fixture *fixture = *state;
    make_subscriptions(fixture);
    struct listed listed;
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST);
    ASSERT_LISTED(&listed, "ada 2", "ada 6", "bob 1", "eve 3");
    assert_int_equal(listed.listing.total, 4);
    listed.input.descending = true;
    ASSERT_LISTED(&listed, "eve 3", "bob 1", "ada 2", "ada 6");
    listed.input.sort_field = SORT_START_DATE;
    ASSERT_LISTED(&listed, "bob 1", "eve 3", "ada 2", "ada 6");
    listed.input.descending = false;
    ASSERT_LISTED(&listed, "ada 6", "ada 2", "eve 3", "bob 1");
    listed.input.sort_field = SORT_END_DATE;
    ASSERT_LISTED(&listed, "ada 6", "ada 2", "bob 1", "eve 3");
    listed.input.descending = true;
    ASSERT_LISTED(&listed, "eve 3", "bob 1", "ada 2", "ada 6");
    listed_close(&listed);
}

static void pages_of_subscriptions_add_up(void **state) {
    struct store_fixture *fixture = *state;
    make_subscriptions(fixture);
    struct listed listed;
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST);
    listed.input.limit = 3;
    ASSERT_LISTED(&listed, "ada 2", "ada 6", "bob 1");
    listed.input.offset = 3;
    ASSERT_LISTED(&listed, "eve 3");
    assert_int_equal(listed.listing.total, 4);
    listed.input.offset = 0;
    listed.input.limit = 0;
    assert_listed(&listed, (const char *const[]){NULL});
    assert_int_equal(listed.listing.total, 4);
    listed.input.limit = -1;
    listed.input.search = TEXT("d");
    ASSERT_LISTED(&listed, "ada 2", "ada 6");
    assert_int_equal(listed.listing.total, 2);
    listed_close(&listed);
}

static void assert_pages(struct listed *listed, int64_t length) {
    struct qms_error error;
    struct text whole[LISTED_MAX];
    listed->input.offset = 0;
    listed->input.limit = -1;
    assert_true(listed_try(listed, &error));
    size_t count = listed->count;
    memcpy(whole, listed->lines, sizeof whole);
    listed->input.limit = length;
    for (size_t at = 0; at <= count; at++) {
        listed->input.offset = (int64_t)at;
        assert_true(listed_try(listed, &error));
        size_t rest = count - at < (size_t)length ? count - at : (size_t)length;
        assert_int_equal(listed->count, rest);
        for (size_t i = 0; i < rest; i++) assert_true(text_equal(listed->lines[i], whole[at + i]));
    }
}

static void every_page_is_a_part_of_the_whole_in_every_order(void **state) {
    struct store_fixture *fixture = *state;
    static const char *const names[] = {"a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2", "e1"};
    static const int ends[] = {5, 3, 0, 3, 8, 5, 0, 1, 5}; /* hours; 0: never */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        subscribe(fixture, names[i], -(int)(i * i) % 4 - 1,
                  ends[i] == 0 ? TIME_NEVER : *fixture->clock_us + HOURS_US(ends[i]), "1");
    static const char *const searches[] = {"", "1", "b", "x"};
    struct listed listed;
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST);
    for (int order = 0; order < 24; order++) {
        listed.input.sort_field = (enum sort_field)(order % 3);
        listed.input.descending = order / 3 % 2 == 1;
        listed.input.search = text_of(searches[order / 6]);
        for (int64_t length = 1; length <= 4; length++) assert_pages(&listed, length);
    }
    listed_close(&listed);
}

static void subscriptions_of_a_user_are_listed_by_start(void **state) {
    struct store_fixture *fixture = *state;
    make_subscriptions(fixture);
    struct listed listed;
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST_USER);
    listed.listing.username = TEXT("ada");
    ASSERT_LISTED(&listed, "ada 6", "ada 2");
    assert_int_equal(listed.listing.total, 2);
    listed.input.include_expired = true;
    ASSERT_LISTED(&listed, "ada 4", "ada 6", "ada 2");
    listed.input.include_expired = false;
    listed.input.has_cutoff = true;
    listed.input.cutoff_us = *fixture->clock_us + 1;
    ASSERT_LISTED(&listed, "ada 2");
    listed.listing.username = TEXT("bob");
    ASSERT_LISTED(&listed, "bob 1", "bob 5");
    listed.listing.username = TEXT("nobody");
    assert_listed(&listed, (const char *const[]){NULL});
    assert_int_equal(listed.listing.total, 0);
    assert_false(listed.listing.user_exists);
    listed_close(&listed);
}

static bool take_whole_subscription(void *context, const union store_row *row) {
    struct store_fixture *fixture = context;
    const struct subscription *subscription = row->subscription;
    assert_text(subscription->account->username, "ada");
    assert_false(uuid_is_nil(&subscription->account->user_id));
    assert_ptr_equal(catalogue_plan(fixture->catalogue, &subscription->plan_id),
                     &fixture->catalogue->plans[0]);
    assert_uuid(&subscription->plan_rate_id, "120c56e0-82a0-11ef-aac3-5a8d7f4f1112");
    assert_int_equal(subscription->start_us, STORE_FIXTURE_US - HOURS_US(1));
    assert_int_equal(subscription->end_us, TIME_NEVER);
    assert_false(subscription->paid);
    assert_amount(subscription->quotas->value, "10");
    assert_null(subscription->quotas->next);
    assert_amount(subscription->usages->value, "7");
    assert_text(subscription->usages->stamps.created_by, "qms");
    assert_null(subscription->usages->next);
    return true;
}

static void a_subscription_is_listed_whole(void **state) {
    struct store_fixture *fixture = *state;
    subscribe(fixture, "ada", -1, TIME_NEVER, "7");
    struct listed listed;
    struct qms_error error = {0};
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST);
    listed.listing.input = &listed.input;
    listed.listing.catalogue = fixture->catalogue;
    listed.listing.decided_us = *fixture->clock_us;
    listed.listing.deadline_us = INT64_MAX;
    listed.listing.row = take_whole_subscription;
    listed.listing.context = fixture;
    assert_true(fixture->store->ops->list(listed.reader, &listed.listing, &error));
    assert_int_equal(listed.listing.total, 1);
    listed_close(&listed);
}

/* ---- overages ---- */

static void use(struct store_fixture *fixture, const char *name, const char *cpu,
                const char *data) {
    store_fixture_begin_one(fixture, name);
    struct subscription *subscription =
        fixture_subscribe(fixture, fixture->accounts[0], "Basic", 0, TIME_NEVER);
    fixture_quota(fixture, subscription, "cpu.hours", "200");
    fixture_quota(fixture, subscription, "data.size", "9.5");
    fixture_usage(fixture, subscription, "cpu.hours", cpu);
    fixture_usage(fixture, subscription, "data.size", data);
    store_fixture_commit(fixture);
}

static void overages_are_listed_by_user_and_resource(void **state) {
    struct store_fixture *fixture = *state;
    use(fixture, "eve", "200", "10");
    use(fixture, "ada", "199.9999999999999999999999999999", "9.49");
    use(fixture, "bob", "1000", "9"); /* greater, though "1000" sorts before "200" */
    struct listed listed;
    listed_open(&listed, fixture, OP_OVERAGE_REPORT);
    ASSERT_LISTED(&listed, "bob cpu.hours 1000/200", "eve cpu.hours 200/200",
                  "eve data.size 10/9.5");
    assert_false(listed.listing.more);
    listed_close(&listed);
}

static void only_the_active_subscription_can_be_over(void **state) {
    struct store_fixture *fixture = *state;
    use(fixture, "ada", "500", "0");
    subscribe(fixture, "ada", -1, TIME_NEVER, "1"); /* begins later: it is the active one */
    subscribe(fixture, "bob", 1, TIME_NEVER, "11"); /* has not begun */
    subscribe(fixture, "eve", -2, *fixture->clock_us - 1, "12"); /* has ended */
    subscribe(fixture, "joe", -2, *fixture->clock_us, "13");     /* ends at this moment */
    struct listed listed;
    listed_open(&listed, fixture, OP_OVERAGE_REPORT);
    ASSERT_LISTED(&listed, "joe cpu.hours 13/10");
    *fixture->clock_us += HOURS_US(1);
    ASSERT_LISTED(&listed, "bob cpu.hours 11/10");
    listed_close(&listed);
}

static void overages_come_in_pages_of_whole_users(void **state) {
    struct store_fixture *fixture = *state;
    use(fixture, "ada", "300", "0");
    use(fixture, "bob", "300", "10");
    use(fixture, "eve", "300", "0");
    struct listed listed;
    listed_open(&listed, fixture, OP_OVERAGE_REPORT);
    listed.input.limit = 2;
    ASSERT_LISTED(&listed, "ada cpu.hours 300/200");
    assert_true(listed.listing.more);
    listed.input.after = TEXT("ada");
    ASSERT_LISTED(&listed, "bob cpu.hours 300/200", "bob data.size 10/9.5");
    assert_true(listed.listing.more);
    listed.input.after = TEXT("bob");
    ASSERT_LISTED(&listed, "eve cpu.hours 300/200");
    assert_false(listed.listing.more);
    listed.input.after = TEXT("ada");
    listed.input.limit = 1; /* less than bob alone: he is listed all the same */
    ASSERT_LISTED(&listed, "bob cpu.hours 300/200", "bob data.size 10/9.5");
    assert_true(listed.listing.more);
    listed.input.limit = 0;
    assert_listed(&listed, (const char *const[]){NULL});
    assert_true(listed.listing.more);
    listed_close(&listed);
}

/* ---- all ---- */

static void add_a_user(struct listed *listed) {
    if (listed->count == 1) fixture_user(listed->fixture, "zoe", "1");
}

static void a_listing_sees_one_moment_while_others_write(void **state) {
    struct store_fixture *fixture = *state;
    fixture_user(fixture, "ada", "1");
    fixture_user(fixture, "bob", "1");
    struct listed listed;
    listed_open(&listed, fixture, OP_USER_LIST);
    listed.during = add_a_user;
    ASSERT_LISTED(&listed, "ada", "bob");
    listed.during = NULL;
    ASSERT_LISTED(&listed, "ada", "bob", "zoe");
    listed_close(&listed);
}

int64_t __real_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void);

static int64_t slept_us;

/* The store's clock, set forward by what a reader slept: beside that the store's own work is short
 * even on a slow machine. */
int64_t __wrap_clock_monotonic_us(void) {
    return __real_clock_monotonic_us() + slept_us;
}

static bool take_slowly(void *context, const union store_row *row) {
    struct listed *listed = context;
    (void)row;
    if (listed->count++ > 0) return true;
    slept_us += (LISTING_WAITED_S_MAX - 1) * INT64_C(1000000);
    listed->listing.deadline_us = clock_monotonic_us(); /* it passed while the reader was slow */
    return true;
}

static void a_slow_reader_is_not_cut_off_at_the_deadline(void **state) {
    struct store_fixture *fixture = *state;
    enum { USERS = 16384 }; /* so many that the time is looked at on the way */
    static char texts[USERS][12];
    static const char *names[USERS];
    for (size_t i = 0; i < USERS; i++) {
        snprintf(texts[i], sizeof texts[i], "user%05zu", i);
        names[i] = texts[i];
    }
    for (size_t i = 0; i < USERS; i += USERS / 4) {
        store_fixture_begin(fixture, true, names + i, USERS / 4);
        for (size_t j = 0; j < USERS / 4; j++)
            fixture_subscribe(fixture, fixture->accounts[j], "Basic", 0, TIME_NEVER);
        store_fixture_commit(fixture);
    }
    struct listed listed;
    struct qms_error error = {0};
    listed_open(&listed, fixture, OP_USER_LIST);
    listed.listing.input = &listed.input;
    listed.listing.catalogue = fixture->catalogue;
    listed.listing.decided_us = *fixture->clock_us;
    listed.listing.deadline_us = INT64_MAX;
    listed.listing.row = take_slowly;
    listed.listing.context = &listed;
    if (!fixture->store->ops->list(listed.reader, &listed.listing, &error))
        fail_msg("%s", error.text);
    assert_int_equal(listed.count, USERS);
    listed_close(&listed);
}

static void a_listing_gives_up_at_its_deadline(void **state) {
    struct store_fixture *fixture = *state;
    enum { USERS = 4096 };
    static char texts[USERS][12];
    static const char *names[USERS];
    for (size_t i = 0; i < USERS; i++) {
        snprintf(texts[i], sizeof texts[i], "user%05zu", i);
        names[i] = texts[i];
    }
    store_fixture_begin(fixture, true, names, USERS);
    for (size_t i = 0; i < USERS; i++) {
        fixture_subscribe(fixture, fixture->accounts[i], "Basic", 0, TIME_NEVER);
    }
    store_fixture_commit(fixture);
    struct listed listed;
    struct qms_error error;
    listed_open(&listed, fixture, OP_SUBSCRIPTION_LIST);
    listed.input.limit = 1;
    listed.listing.deadline_us = 1;
    assert_false(listed_try(&listed, &error));
    assert_int_equal(error.code, QMS_UNAVAILABLE);
    listed.listing.deadline_us = 0;
    assert_true(listed_try(&listed, &error));
    assert_int_equal(listed.listing.total, USERS);
    listed_close(&listed);
}

static void a_row_that_cannot_be_read_is_left_out(void **state) {
    struct store_fixture *fixture = *state;
    use(fixture, "ada", "300", "0");
    use(fixture, "bob", "301", "0");
    fixture->backend->foreign(fixture, "UPDATE usages SET usage = 'NaN' WHERE usage = '300'");
    struct listed listed;
    listed_open(&listed, fixture, OP_OVERAGE_REPORT);
    ASSERT_LISTED(&listed, "bob cpu.hours 301/200");
    listed_close(&listed);
}

int contract_listings(void) {
    const struct sentence sentences[] = {
        SENTENCE(users_are_listed_by_name),
        SENTENCE(a_listing_can_be_ended_by_who_asked),
        SENTENCE(updates_are_listed_by_effective_date),
        SENTENCE(the_few_updates_of_a_user_are_found_among_many),
        SENTENCE(an_update_is_listed_whole),
        SENTENCE(active_subscriptions_are_listed_in_any_order),
        SENTENCE(pages_of_subscriptions_add_up),
        SENTENCE(every_page_is_a_part_of_the_whole_in_every_order),
        SENTENCE(subscriptions_of_a_user_are_listed_by_start),
        SENTENCE(a_subscription_is_listed_whole),
        SENTENCE(overages_are_listed_by_user_and_resource),
        SENTENCE(only_the_active_subscription_can_be_over),
        SENTENCE(overages_come_in_pages_of_whole_users),
        SENTENCE_OF(NEED_FILE, a_listing_sees_one_moment_while_others_write),
        SENTENCE(a_slow_reader_is_not_cut_off_at_the_deadline),
        SENTENCE(a_listing_gives_up_at_its_deadline),
        SENTENCE_OF(NEED_FOREIGN, a_row_that_cannot_be_read_is_left_out),
    };
    return contract_run("listings", sentences, sizeof sentences / sizeof sentences[0]);
}
