#include "store/store_totals.h"

#include <stdio.h>

#include "domain/amount.h"

/* In the order of the ids, which every store has alike. */
static const char totals_sql[] =
    "SELECT s.user_id, q.resource_type_id, q.kind, CAST(q.amount AS text), u.username, r.name"
    " FROM (SELECT subscription_id, resource_type_id, 0 AS kind, quota AS amount FROM @quotas"
    "  UNION ALL SELECT subscription_id, resource_type_id, 1, usage FROM @usages) q"
    " JOIN @subscriptions s ON s.id = q.subscription_id JOIN @users u ON u.id = s.user_id"
    " JOIN @resource_types r ON r.id = q.resource_type_id ORDER BY 1, 2, 3, s.id";
static const char totals_letters[] = "uuiatt";

enum { NAME_BYTES_MAX = 64, COLUMNS = 6 };

struct total {
    struct uuid user_id, resource_id;
    int64_t kind;
    bool is_exact;          /* the sum has all digits, of amounts that can be read */
    struct amount sum;
    uint64_t others;        /* what cannot be summed has to be the same, in whatever order */
    uint64_t rows;
    char username[NAME_BYTES_MAX], resource[NAME_BYTES_MAX]; /* for people; cut off */
};

struct totals {
    struct store_rows *rows;
    struct rows_value values[COLUMNS]; /* of the next row, while there is one */
    bool more;
};

static bool totals_open(struct totals *totals, struct store_rows *rows, struct qms_error *error) {
    totals->rows = rows;
    return rows->ops->query(rows, totals_sql, totals_letters, 0, error) &&
           rows->ops->next(rows, totals->values, &totals->more, error);
}

static bool belongs(const struct total *total, const struct rows_value *values) {
    return uuid_equal(&total->user_id, &values[0].uuid) &&
           uuid_equal(&total->resource_id, &values[1].uuid) && total->kind == values[2].integer;
}

static void add(struct total *total, struct text text) {
    struct amount amount;
    total->rows++;
    if (amount_parse_stored(text, &amount) == AMOUNT_OK) {
        if (total->is_exact && amount_add(total->sum, amount, &total->sum)) return;
        total->is_exact = false;
        char digits[AMOUNT_TEXT_MAX];
        text = (struct text){digits, amount_format(amount, digits)};
    }
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.data[i]) * UINT64_C(0x100000001b3);
    total->others += hash;
}

/* The next total; *found false: there are no more. */
static bool totals_next(struct totals *totals, struct total *total, bool *found,
                        struct qms_error *error) {
    *found = totals->more;
    if (!totals->more) return true;
    *total = (struct total){
        .user_id = totals->values[0].uuid,
        .resource_id = totals->values[1].uuid,
        .kind = totals->values[2].integer,
        .is_exact = true,
        .sum = amount_zero(),
    };
    struct text username = totals->values[4].text, resource = totals->values[5].text;
    snprintf(total->username, NAME_BYTES_MAX, "%.*s", TEXT_ARGUMENTS(username));
    snprintf(total->resource, NAME_BYTES_MAX, "%.*s", TEXT_ARGUMENTS(resource));
    while (totals->more && belongs(total, totals->values)) {
        add(total, totals->values[3].text);
        if (!totals->rows->ops->next(totals->rows, totals->values, &totals->more, error))
            return false;
    }
    return true;
}

static bool same(const struct total *left, const struct total *right) {
    return uuid_equal(&left->user_id, &right->user_id) &&
           uuid_equal(&left->resource_id, &right->resource_id) && left->kind == right->kind &&
           left->rows == right->rows && left->others == right->others &&
           amount_compare(left->sum, right->sum) == 0;
}

static bool refuse(const struct total *left, struct qms_error *error) {
    return qms_fail(error, QMS_CONFLICT, "the %s of %s for %s differ",
                    left->kind == 0 ? "quotas" : "usages", left->resource, left->username);
}

bool store_totals_compare(struct store_rows *left, struct store_rows *right, uint64_t *count,
                          struct qms_error *error) {
    struct totals sides[2];
    struct total totals[2];
    bool found[2] = {true, true};
    if (!totals_open(&sides[0], left, error) || !totals_open(&sides[1], right, error))
        return false;
    for (*count = 0; found[0] || found[1]; ++*count) {
        if (!totals_next(&sides[0], &totals[0], &found[0], error) ||
            !totals_next(&sides[1], &totals[1], &found[1], error))
            return false;
        if (!found[0] && !found[1]) return true;
        if (found[0] != found[1] || !same(&totals[0], &totals[1]))
            return refuse(&totals[found[0] ? 0 : 1], error);
    }
    return true;
}
