#include "store/store_verify.h"

#include <stdio.h>

#include "domain/amount.h"
#include "domain/date.h"
#include "store/store_verify_private.h"

enum { PROGRESS_ROWS = 1024, PERIODS_MAX = 10 };

static const double YEAR_US = 365.2425 * 86400e6;

static const char *const check_names[STORE_CHECK_COUNT] = {
    [CHECK_ORPHANS] = "orphans", [CHECK_AMOUNTS] = "amounts",   [CHECK_DATES] = "dates",
    [CHECK_TRAIL] = "trail",     [CHECK_OVERLAPS] = "overlaps", [CHECK_PERIODS] = "periods",
};

const char *store_check_name(enum store_check check) {
    return check_names[check];
}

void verify_found(struct verifying *verifying, struct store_finding finding) {
    finding.check = verifying->check;
    verifying->out->findings[verifying->check]++;
    verifying->out->found(verifying->out->context, &finding);
}

bool verify_each(struct verifying *verifying, const char *sql, const char *letters,
                 void (*take)(struct verifying *verifying, const struct rows_value *values,
                              void *context),
                 void *context, struct qms_error *error) {
    struct store_rows *rows = verifying->rows;
    struct store_verify *out = verifying->out;
    struct rows_value values[ROWS_COLUMNS_MAX];
    bool more = true;
    if (!rows->ops->query(rows, sql, letters, rows->now_us, error)) return false;
    while (rows->ops->next(rows, values, &more, error) && more) {
        take(verifying, values, context);
        if (++out->rows % PROGRESS_ROWS == 0 && out->progress != NULL)
            out->progress(out->context, verifying->check, out->rows);
    }
    return !more;
}

/* ---- orphans ---- */

static const struct reference {
    const char *table, *column, *parent;
} references[] = {
    {"plan_rates", "plan_id", "plans"},
    {"plan_quota_defaults", "plan_id", "plans"},
    {"plan_quota_defaults", "resource_type_id", "resource_types"},
    {"addons", "resource_type_id", "resource_types"},
    {"addon_rates", "addon_id", "addons"},
    {"subscriptions", "user_id", "users"},
    {"subscriptions", "plan_id", "plans"},
    {"subscriptions", "plan_rate_id", "plan_rates"},
    {"quotas", "subscription_id", "subscriptions"},
    {"quotas", "resource_type_id", "resource_types"},
    {"usages", "subscription_id", "subscriptions"},
    {"usages", "resource_type_id", "resource_types"},
    {"subscription_addons", "subscription_id", "subscriptions"},
    {"subscription_addons", "addon_id", "addons"},
    {"subscription_addons", "addon_rate_id", "addon_rates"},
    {"updates", "user_id", "users"},
    {"updates", "resource_type_id", "resource_types"},
    {"updates", "update_operation_id", "update_operations"},
};

static void take_orphan(struct verifying *verifying, const struct rows_value *values,
                        void *context) {
    const struct reference *reference = context;
    char problem[96], id[UUID_TEXT_BYTES];
    snprintf(problem, sizeof problem, "%s is of no row of %s", reference->column,
             reference->parent);
    uuid_format(&values[1].uuid, id);
    verify_found(verifying, (struct store_finding){
        .problem = problem,
        .table = reference->table,
        .id = values[0].uuid,
        .found = {id, sizeof id},
    });
}

static bool find_orphans(struct verifying *verifying, struct qms_error *error) {
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        struct reference reference = references[i];
        char sql[512];
        snprintf(sql, sizeof sql,
                 "SELECT c.id, c.%s FROM @%s c LEFT JOIN @%s p ON p.id = c.%s"
                 " WHERE c.%s IS NOT NULL AND p.id IS NULL ORDER BY 1",
                 reference.column, reference.table, reference.parent, reference.column,
                 reference.column);
        if (!verify_each(verifying, sql, "uu", take_orphan, &reference, error)) return false;
    }
    return true;
}

/* ---- amounts ---- */

/* Kind 1: may not be below 0. */
static const struct amounts_of {
    const char *table, *sql;
} amounts_of[] = {
    {"quotas",
     "SELECT q.id, CAST(q.quota AS text), 1, u.username, r.name FROM @quotas q"
     " LEFT JOIN @subscriptions s ON s.id = q.subscription_id"
     " LEFT JOIN @users u ON u.id = s.user_id"
     " LEFT JOIN @resource_types r ON r.id = q.resource_type_id"},
    {"usages",
     "SELECT q.id, CAST(q.usage AS text), 1, u.username, r.name FROM @usages q"
     " LEFT JOIN @subscriptions s ON s.id = q.subscription_id"
     " LEFT JOIN @users u ON u.id = s.user_id"
     " LEFT JOIN @resource_types r ON r.id = q.resource_type_id"},
    {"updates",
     "SELECT t.id, CAST(t.value AS text), 0, u.username, r.name FROM @updates t"
     " LEFT JOIN @users u ON u.id = t.user_id"
     " LEFT JOIN @resource_types r ON r.id = t.resource_type_id"},
    {"subscription_addons",
     "SELECT a.id, CAST(a.amount AS text), 1, u.username, r.name FROM @subscription_addons a"
     " LEFT JOIN @subscriptions s ON s.id = a.subscription_id"
     " LEFT JOIN @users u ON u.id = s.user_id LEFT JOIN @addons o ON o.id = a.addon_id"
     " LEFT JOIN @resource_types r ON r.id = o.resource_type_id"},
    {"plan_quota_defaults",
     "SELECT d.id, CAST(d.quota_value AS text), 1, '', r.name FROM @plan_quota_defaults d"
     " LEFT JOIN @resource_types r ON r.id = d.resource_type_id"},
    {"plan_rates", "SELECT id, CAST(rate AS text), 1, '', '' FROM @plan_rates"},
    {"addon_rates", "SELECT id, CAST(rate AS text), 1, '', '' FROM @addon_rates"},
    {"addons",
     "SELECT o.id, CAST(o.default_amount AS text), 1, '', r.name FROM @addons o"
     " LEFT JOIN @resource_types r ON r.id = o.resource_type_id"},
};

static void take_amount(struct verifying *verifying, const struct rows_value *values,
                        void *context) {
    struct amount amount;
    const char *problem = NULL;
    switch (amount_parse_stored(values[1].text, &amount)) {
    case AMOUNT_OK:
        if (values[2].integer == 1 && amount_sign(amount) < 0) problem = "below 0";
        break;
    case AMOUNT_INEXACT:
        problem = "more than 34 digits: shown rounded, and only a SET is accepted";
        break;
    case AMOUNT_RANGE:
        problem = "too large to be calculated with";
        break;
    default:
        problem = "no number";
        break;
    }
    if (problem == NULL) return;
    verify_found(verifying, (struct store_finding){
        .problem = problem,
        .table = context,
        .id = values[0].uuid,
        .username = values[3].text,
        .resource = values[4].text,
        .found = values[1].text,
    });
}

static bool find_amounts(struct verifying *verifying, struct qms_error *error) {
    for (size_t i = 0; i < sizeof amounts_of / sizeof *amounts_of; i++) {
        struct amounts_of of = amounts_of[i];
        char table[32];
        snprintf(table, sizeof table, "%s", of.table);
        if (!verify_each(verifying, of.sql, "uaitt", take_amount, table, error)) return false;
    }
    return true;
}

/* ---- dates ---- */

/* Kind 1: an end, that may be infinite as well. */
#define OF_SUBSCRIPTION(column, kind)                                                              \
    {"subscriptions", "SELECT s.id, s." column ", CAST(s." column " AS text), " kind ","           \
     " u.username FROM @subscriptions s LEFT JOIN @users u ON u.id = s.user_id"}
#define OF_CATALOGUE(table)                                                                        \
    {table, "SELECT id, effective_date, CAST(effective_date AS text), 0, '' FROM @" table}
static const struct dates_of {
    const char *table, *sql;
} dates_of[] = {
    OF_SUBSCRIPTION("effective_start_date", "0"),
    OF_SUBSCRIPTION("effective_end_date", "1"),
    {"updates", "SELECT t.id, t.effective_date, CAST(t.effective_date AS text), 0, u.username"
                " FROM @updates t LEFT JOIN @users u ON u.id = t.user_id"},
    OF_CATALOGUE("plan_quota_defaults"),
    OF_CATALOGUE("plan_rates"),
    OF_CATALOGUE("addon_rates"),
};

static void take_date(struct verifying *verifying, const struct rows_value *values,
                      void *context) {
    const struct rows_value *date = &values[1];
    bool is_endless = date->is_null || (values[3].integer == 1 && date->integer == INT64_MAX);
    if (!date->is_broken && (is_endless || (date->integer >= TIME_US_MIN &&
                                            date->integer <= TIME_US_MAX)))
        return;
    verify_found(verifying, (struct store_finding){
        .problem = "no date of the years 1 to 9999",
        .table = context,
        .id = values[0].uuid,
        .username = values[4].text,
        .found = values[2].text,
    });
}

static bool find_dates(struct verifying *verifying, struct qms_error *error) {
    for (size_t i = 0; i < sizeof dates_of / sizeof *dates_of; i++) {
        struct dates_of of = dates_of[i];
        char table[32];
        snprintf(table, sizeof table, "%s", of.table);
        if (!verify_each(verifying, of.sql, "uztit", take_date, table, error)) return false;
    }
    return true;
}

/* ---- overlaps ---- */

static void take_overlap(struct verifying *verifying, const struct rows_value *values,
                         void *context) {
    (void)context;
    char count[32];
    int length = snprintf(count, sizeof count, "%lld", (long long)values[2].integer);
    verify_found(verifying, (struct store_finding){
        .problem = "active subscriptions; the one with the latest start counts",
        .table = "users",
        .id = values[0].uuid,
        .username = values[1].text,
        .found = {count, (size_t)length},
        .expected = TEXT("1"),
    });
}

static bool find_overlaps(struct verifying *verifying, struct qms_error *error) {
    static const char sql[] =
        "SELECT u.id, u.username, count(*) FROM @subscriptions s JOIN @users u ON u.id = s.user_id"
        " WHERE s.effective_start_date <= ?"
        " AND (s.effective_end_date IS NULL OR s.effective_end_date > ?)"
        " GROUP BY u.id, u.username HAVING count(*) > 1 ORDER BY 1";
    return verify_each(verifying, sql, "uti", take_overlap, NULL, error);
}

/* ---- periods ---- */

static int64_t years_between(int64_t start_us, const struct rows_value *end) {
    if (end->is_null) return 1;
    double years = ((double)end->integer - (double)start_us) / YEAR_US;
    return years < 1 ? 1 : years > 1000 ? 1000 : (int64_t)(years + 0.5);
}

static void take_quota(struct verifying *verifying, const struct rows_value *values,
                       void *context) {
    (void)context;
    struct amount quota, value, product;
    if (amount_parse_stored(values[3].text, &quota) != AMOUNT_OK ||
        amount_parse_stored(values[4].text, &value) != AMOUNT_OK || amount_sign(value) <= 0)
        return;
    int64_t years = years_between(values[5].integer, &values[6]);
    for (int64_t periods = 2; periods <= PERIODS_MAX; periods++) {
        if (periods * periods == years ||
            !amount_multiply(value, periods * periods, &product) ||
            amount_compare(quota, product) != 0)
            continue;
        char problem[128], expected[AMOUNT_TEXT_MAX];
        snprintf(problem, sizeof problem, "the plan's default times %lld: %lld periods, twice",
                 (long long)(periods * periods), (long long)periods);
        if (!amount_multiply(value, periods, &product)) return;
        size_t length = amount_format(product, expected);
        verify_found(verifying, (struct store_finding){
            .problem = problem,
            .table = "subscriptions",
            .id = values[0].uuid,
            .username = values[1].text,
            .resource = values[2].text,
            .found = values[3].text,
            .expected = {expected, length},
        });
    }
}

/* Against the default that was in force when the subscription was made; only consumable resources
 * are multiplied by rights. */
static bool find_periods(struct verifying *verifying, struct qms_error *error) {
    static const char sql[] =
        "SELECT s.id, u.username, r.name, CAST(q.quota AS text), CAST(d.quota_value AS text),"
        " s.effective_start_date, s.effective_end_date FROM @quotas q"
        " JOIN @subscriptions s ON s.id = q.subscription_id JOIN @users u ON u.id = s.user_id"
        " JOIN @resource_types r ON r.id = q.resource_type_id"
        " JOIN @plan_quota_defaults d ON d.plan_id = s.plan_id"
        "  AND d.resource_type_id = q.resource_type_id"
        " WHERE r.consumable AND d.effective_date = (SELECT max(e.effective_date)"
        "  FROM @plan_quota_defaults e WHERE e.plan_id = s.plan_id"
        "  AND e.resource_type_id = q.resource_type_id AND e.effective_date <= s.created_at)"
        " ORDER BY 1, 3";
    return verify_each(verifying, sql, "uttaazz", take_quota, NULL, error);
}

/* ---- all ---- */

bool store_verify(struct store_verify *verify, struct qms_error *error) {
    static bool (*const checks[STORE_CHECK_COUNT])(struct verifying *, struct qms_error *) = {
        [CHECK_ORPHANS] = find_orphans, [CHECK_AMOUNTS] = find_amounts,
        [CHECK_DATES] = find_dates,     [CHECK_TRAIL] = verify_trail,
        [CHECK_OVERLAPS] = find_overlaps, [CHECK_PERIODS] = find_periods,
    };
    struct verifying verifying = {.out = verify};
    verifying.rows = store_rows_open(verify->url, false, error);
    if (verifying.rows == NULL) return false;
    snprintf(verify->place, sizeof verify->place, "%s", verifying.rows->place);
    bool verified = true;
    for (int i = 0; verified && i < STORE_CHECK_COUNT; i++) {
        verifying.check = (enum store_check)i;
        if (!verify->leaves_out[i]) verified = checks[i](&verifying, error);
    }
    verifying.rows->ops->close(verifying.rows);
    return verified;
}
