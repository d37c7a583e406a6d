/* What the audit trail adds up to, beside what is stored. */
#include <stdio.h>

#include "domain/decide.h"
#include "store/store_verify_private.h"

/* For each user, resource and kind of value: first what is stored of the active subscription
 * (place 0, and its id), then the changes since, in
 * the order in which they were made. Of several active subscriptions the one with the latest start
 * counts, then the one with the smallest id. */
static const char trail_sql[] =
    "WITH active AS (SELECT s.id, s.user_id, s.created_at, s.effective_start_date AS start"
    "  FROM @subscriptions s"
    " WHERE s.effective_start_date <= ?"
    "  AND (s.effective_end_date IS NULL OR s.effective_end_date > ?)"
    "  AND NOT EXISTS (SELECT 1 FROM @subscriptions t WHERE t.user_id = s.user_id"
    "   AND t.effective_start_date <= ?"
    "   AND (t.effective_end_date IS NULL OR t.effective_end_date > ?)"
    "   AND (t.effective_start_date > s.effective_start_date"
    "    OR (t.effective_start_date = s.effective_start_date AND t.id < s.id)))),"
    " noted AS (SELECT a.user_id, q.resource_type_id, 'quotas' AS value_type, 0 AS place,"
    "  '' AS operation, CAST(q.quota AS text) AS amount, a.created_at AS noted_at, a.id,"
    "  a.created_at, a.start, '' AS metadata"
    "  FROM active a JOIN @quotas q ON q.subscription_id = a.id"
    " UNION ALL SELECT a.user_id, q.resource_type_id, 'usages', 0, '', CAST(q.usage AS text),"
    "  a.created_at, a.id, a.created_at, a.start, '' FROM active a"
    "  JOIN @usages q ON q.subscription_id = a.id"
    " UNION ALL SELECT a.user_id, t.resource_type_id, CAST(t.value_type AS text), 1, o.name,"
    "  CAST(t.value AS text), t.created_at, t.id, a.created_at, a.start,"
    "  COALESCE(t.metadata, '') FROM active a"
    "  JOIN @updates t ON t.user_id = a.user_id AND t.created_at >= a.created_at"
    "  JOIN @update_operations o ON o.id = t.update_operation_id)"
    " SELECT n.user_id, n.resource_type_id, n.value_type, n.place, n.operation, n.amount,"
    "  n.noted_at, n.id, n.created_at, n.start, u.username, r.name, n.metadata FROM noted n"
    " JOIN @users u ON u.id = n.user_id"
    " JOIN @resource_types r ON r.id = n.resource_type_id ORDER BY 1, 2, 3, 4, 7, 8";
static const char trail_letters[] = "uutitazuzzttt";

enum { USER, RESOURCE, VALUE_TYPE, PLACE, OPERATION, AMOUNT, NOTED_AT, ID, MADE_AT, START,
       USERNAME, NAME, METADATA };
enum { NAME_BYTES_MAX = 256 };

/* A subscription that begins at once begins when it is decided on, which may be a little later than
 * the time that its rows and those of the changes beside it carry. */
static const uint64_t AT_ONCE_US = 60000000;

struct account_of {
    bool is_open, is_quota;
    struct uuid user_id, resource_id;
    int64_t since_us;            /* changes were applied to the subscription from here */
    char username[NAME_BYTES_MAX], resource[NAME_BYTES_MAX];

    bool is_stored;              /* there is a row of quotas or usages: */
    struct uuid subscription_id;
    struct amount stored;

    bool has_set;
    bool is_unreadable;          /* some amount: another check says so */
    struct amount sum;
};

static struct text format(struct amount amount, char digits[AMOUNT_TEXT_MAX]) {
    return (struct text){digits, amount_format(amount, digits)};
}

static void judge(struct verifying *verifying, const struct account_of *account) {
    if (!account->is_open || account->is_unreadable) return;
    /* The quotas a subscription begins with are in no trail. */
    if (account->is_quota && !account->has_set) return;
    struct amount stored = account->is_stored ? account->stored : amount_zero();
    if (amount_compare(stored, account->sum) == 0) return;
    char found[AMOUNT_TEXT_MAX], expected[AMOUNT_TEXT_MAX];
    verify_found(verifying, (struct store_finding){
        .problem = account->has_set
                       ? "not what the audit trail adds up to since the last SET"
                       : "not what the audit trail adds up to since the subscription began",
        .table = account->is_stored ? "subscriptions" : "users",
        .id = account->is_stored ? account->subscription_id : account->user_id,
        .username = text_of(account->username),
        .resource = text_of(account->resource),
        .found = account->is_stored ? format(stored, found) : TEXT("no row"),
        .expected = format(account->sum, expected),
    });
}

static bool is_version_7(const struct uuid *id) {
    return id->bytes[6] >> 4 == 7;
}

/* Before the subscription: when it was at the same moment, our ids tell. */
static bool is_earlier(const struct account_of *account, const struct rows_value *values) {
    if (values[NOTED_AT].integer < account->since_us) return true;
    return account->is_stored && values[NOTED_AT].integer == account->since_us &&
           is_version_7(&values[ID].uuid) && is_version_7(&account->subscription_id) &&
           uuid_compare(&values[ID].uuid, &account->subscription_id) < 0;
}

/* What a subscription began with is its own, though it may begin later, and nobody else's. */
static bool is_of_another(const struct account_of *account, const struct rows_value *values) {
    struct uuid begun;
    if (!carry_metadata_parse(values[METADATA].text, &begun)) return is_earlier(account, values);
    return !account->is_stored || !uuid_equal(&begun, &account->subscription_id);
}

static void take_change(struct account_of *account, const struct rows_value *values) {
    struct amount value;
    if (is_of_another(account, values)) return;
    if (amount_parse_stored(values[AMOUNT].text, &value) != AMOUNT_OK) {
        account->is_unreadable = true;
    } else if (text_equal(values[OPERATION].text, TEXT("SET"))) {
        account->sum = value;
        account->has_set = true;
    } else if (!amount_add(account->sum, value, &account->sum)) {
        account->is_unreadable = true;
    } else if (account->is_quota && amount_sign(account->sum) < 0) {
        account->sum = amount_zero();
    }
}

static int64_t since(int64_t made_us, int64_t start_us) {
    bool is_later = start_us > made_us && (uint64_t)start_us - (uint64_t)made_us > AT_ONCE_US;
    return is_later ? start_us : made_us;
}

static void open_account(struct account_of *account, const struct rows_value *values) {
    *account = (struct account_of){
        .is_open = true,
        .is_quota = text_equal(values[VALUE_TYPE].text, TEXT("quotas")),
        .user_id = values[USER].uuid,
        .resource_id = values[RESOURCE].uuid,
        .since_us = since(values[MADE_AT].integer, values[START].integer),
        .sum = amount_zero(),
    };
    snprintf(account->username, NAME_BYTES_MAX, "%.*s", TEXT_ARGUMENTS(values[USERNAME].text));
    snprintf(account->resource, NAME_BYTES_MAX, "%.*s", TEXT_ARGUMENTS(values[NAME].text));
}

static void take_noted(struct verifying *verifying, const struct rows_value *values,
                       void *context) {
    struct account_of *account = context;
    bool is_quota = text_equal(values[VALUE_TYPE].text, TEXT("quotas"));
    if (!account->is_open || account->is_quota != is_quota ||
        !uuid_equal(&account->user_id, &values[USER].uuid) ||
        !uuid_equal(&account->resource_id, &values[RESOURCE].uuid)) {
        judge(verifying, account);
        open_account(account, values);
    }
    if (values[PLACE].integer == 1) {
        take_change(account, values);
        return;
    }
    account->is_stored = true;
    account->subscription_id = values[ID].uuid;
    if (amount_parse_stored(values[AMOUNT].text, &account->stored) != AMOUNT_OK)
        account->is_unreadable = true;
}

bool verify_trail(struct verifying *verifying, struct qms_error *error) {
    struct account_of account = {0};
    if (!verify_each(verifying, trail_sql, trail_letters, take_noted, &account, error))
        return false;
    judge(verifying, &account);
    return true;
}
