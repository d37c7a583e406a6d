#include "store/store_copy.h"

#include <assert.h>
#include <stdio.h>

#include "domain/amount.h"
#include "store/store_rows.h"
#include "store/store_totals.h"

enum { PROGRESS_ROWS = 256 };

/* What the rows of a table come to, in whatever order they are read. */
struct digest {
    uint64_t rows, sum;
};

struct copying {
    struct store_copy *out;
    struct store_rows *from, *to;
    uint64_t rows, total;  /* for the progress: each row is read, written and read again */
    int64_t latest_us;
    const char *verb;
};

static void tell(struct copying *copying, const char *name) {
    if (copying->out->progress == NULL) return;
    char doing[96];
    snprintf(doing, sizeof doing, "%s %s", copying->verb, name);
    copying->out->progress(copying->out->context, doing, copying->rows, copying->total);
}

static void count(struct copying *copying, const char *name) {
    if (++copying->rows % PROGRESS_ROWS == 0) tell(copying, name);
}

/* ---- digests ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t length) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
    return (hash + length + 1) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Amounts count by value: 1.10 is 1.1. */
static uint64_t mix_amount(uint64_t hash, struct text text) {
    char digits[AMOUNT_TEXT_MAX];
    struct amount amount;
    if (amount_parse_stored(text, &amount) == AMOUNT_OK)
        text = (struct text){digits, amount_format(amount, digits)};
    return mix(hash, text.data, text.length);
}

static uint64_t mix_value(uint64_t hash, char letter, const struct rows_value *value) {
    static const char null_mark = 'n';
    if (value->is_null) return mix(hash, &null_mark, 1);
    int64_t integer = letter == 'b' ? value->integer != 0 : value->integer;
    switch (letter) {
    case 'u':
        return mix(hash, value->uuid.bytes, sizeof value->uuid.bytes);
    case 'i':
    case 'b':
    case 'z':
        return mix(hash, &integer, sizeof integer);
    case 'a':
        return mix_amount(hash, value->text);
    default:
        return mix(hash, value->text.data, value->text.length);
    }
}

static void digest_row(struct digest *digest, const char *letters, const struct rows_value *values,
                       bool with_writers) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; letters[i] != '\0'; i++)
        if (letters[i] != 'w' || with_writers) hash = mix_value(hash, letters[i], &values[i]);
    hash ^= hash >> 32;
    digest->sum += hash * UINT64_C(0x94d049bb133111eb);
    digest->rows++;
}

static bool refuse_broken(const struct rows_table *table, const struct rows_value *values,
                          struct qms_error *error) {
    for (int i = 0; table->letters[i] != '\0'; i++)
        if (values[i].is_broken)
            return qms_fail(error, QMS_CONFLICT,
                            "a row of %s in the source cannot be read: its column %d holds "
                            "something else than it should", table->name, i + 1);
    return true;
}

/* ---- the target as it is before ---- */

static bool first_integer(struct store_rows *rows, const char *sql, int64_t *integer,
                          struct qms_error *error) {
    struct rows_value value;
    bool more;
    if (!rows->ops->query(rows, sql, "i", 0, error) ||
        !rows->ops->next(rows, &value, &more, error))
        return false;
    *integer = more ? value.integer : 0;
    return !more || rows->ops->next(rows, &value, &more, error);
}

/* Digest of the ids only: what every database begins with may have been changed in dates. */
static bool digest_ids(struct store_rows *rows, const struct rows_table *table,
                       struct digest *digest, struct qms_error *error) {
    struct rows_value values[ROWS_COLUMNS_MAX];
    bool more = true;
    *digest = (struct digest){0};
    if (!rows->ops->read(rows, table, error)) return false;
    while (rows->ops->next(rows, values, &more, error) && more)
        digest_row(digest, "u", values, true);
    return !more;
}

/* Whether a table holds what every database begins with: all of it, or nothing at all. */
static bool is_untouched(struct store_rows *rows, const struct rows_table *table,
                         struct store_rows *fresh, bool *untouched, struct qms_error *error) {
    struct digest found, expected = {0};
    if (!digest_ids(rows, table, &found, error) ||
        (table->is_seeded && !digest_ids(fresh, table, &expected, error)))
        return false;
    *untouched = found.rows == 0 || (found.rows == expected.rows && found.sum == expected.sum);
    return true;
}

static bool check_table(struct copying *copying, const struct rows_table *table,
                        struct store_rows *fresh, struct qms_error *error) {
    bool untouched;
    if (!is_untouched(copying->to, table, fresh, &untouched, error)) return false;
    return untouched || qms_fail(error, QMS_CONFLICT, "the target is not empty: it has %s%s",
                                 table->is_seeded ? "other or more " : "", table->name);
}

static bool check_tables(struct copying *copying, struct qms_error *error) {
    struct store_rows *fresh = store_rows_open("sqlite::memory:", true, error);
    if (fresh == NULL) return false;
    bool checked = true;
    for (size_t i = 0; checked && i < rows_table_count; i++)
        checked = check_table(copying, &rows_tables[i], fresh, error);
    fresh->ops->close(fresh);
    return checked;
}

/* What the source lacks stays in the target as every database begins. */
static bool is_copied(const struct copying *copying, const struct rows_table *table) {
    return copying->from->ops->has(copying->from, table);
}

static bool clear_tables(struct copying *copying, struct qms_error *error) {
    for (size_t i = rows_table_count; i > 0; i--) {
        const struct rows_table *table = &rows_tables[i - 1];
        if (!table->is_seeded || !is_copied(copying, table)) continue;
        if (!copying->to->ops->clear(copying->to, table, error)) return false;
    }
    return true;
}

/* ---- copying ---- */

/* Rows that are there, roughly as many as there will be work to do. */
static bool count_source(struct copying *copying, struct qms_error *error) {
    static const char sql[] =
        "SELECT (SELECT count(*) FROM @users) + (SELECT count(*) FROM @subscriptions)"
        " + (SELECT count(*) FROM @quotas) + (SELECT count(*) FROM @usages)"
        " + (SELECT count(*) FROM @updates)";
    int64_t rows;
    if (!first_integer(copying->from, sql, &rows, error)) return false;
    copying->total = (uint64_t)rows * 2;
    return true;
}

static void note_times(struct copying *copying, const char *letters,
                       const struct rows_value *values) {
    /* Only those the store's clock gave: beside the name of who wrote the row. */
    for (int i = 1; letters[i] != '\0'; i++)
        if (letters[i] == 'z' && letters[i - 1] == 'w' && !values[i].is_null &&
            values[i].integer > copying->latest_us && values[i].integer != INT64_MAX)
            copying->latest_us = values[i].integer;
}

static bool copy_rows(struct copying *copying, const struct rows_table *table,
                      struct digest *digest, struct qms_error *error) {
    struct store_rows *from = copying->from, *to = copying->to;
    struct rows_value values[ROWS_COLUMNS_MAX];
    bool more = true;
    while (from->ops->next(from, values, &more, error) && more) {
        if (!refuse_broken(table, values, error) || !to->ops->put(to, values, error)) return false;
        digest_row(digest, table->letters, values, to->keeps_writers);
        note_times(copying, table->letters, values);
        count(copying, table->name);
    }
    return !more;
}

static bool copy_table(struct copying *copying, const struct rows_table *table,
                       struct digest *digest, struct qms_error *error) {
    tell(copying, table->name);
    return copying->from->ops->read(copying->from, table, error) &&
           copying->to->ops->put_begin(copying->to, table, error) &&
           copy_rows(copying, table, digest, error) &&
           copying->to->ops->put_end(copying->to, error);
}

static bool verify_table(struct copying *copying, const struct rows_table *table,
                         struct digest *expected, struct qms_error *error) {
    struct store_rows *to = copying->to;
    struct rows_value values[ROWS_COLUMNS_MAX];
    struct digest found = {0};
    bool more = true;
    tell(copying, table->name);
    if (!to->ops->read(to, table, error)) return false;
    while (to->ops->next(to, values, &more, error) && more) {
        digest_row(&found, table->letters, values, to->keeps_writers);
        count(copying, table->name);
    }
    if (more) return false;
    if (found.rows == expected->rows && found.sum == expected->sum) return true;
    return qms_fail(error, QMS_CONFLICT,
                    "the target holds something else than was copied: %llu rows of %s, read %llu",
                    (unsigned long long)found.rows, table->name,
                    (unsigned long long)expected->rows);
}

static bool for_each(struct copying *copying, const char *verb,
                     bool (*act)(struct copying *copying, const struct rows_table *table,
                                 struct digest *digest, struct qms_error *error),
                     struct digest *digests, struct qms_error *error) {
    copying->verb = verb;
    for (size_t i = 0; i < rows_table_count; i++)
        if (is_copied(copying, &rows_tables[i]) &&
            !act(copying, &rows_tables[i], &digests[i], error))
            return false;
    return true;
}

static bool copy_all(struct copying *copying, struct qms_error *error) {
    struct store_copy *out = copying->out;
    struct digest digests[COPY_TABLES_MAX] = {0};
    assert(rows_table_count <= COPY_TABLES_MAX);
    if (!count_source(copying, error) || !check_tables(copying, error) ||
        !clear_tables(copying, error) ||
        !for_each(copying, "copying", copy_table, digests, error) ||
        !for_each(copying, "verifying", verify_table, digests, error))
        return false;
    tell(copying, "totals");
    if (!store_totals_compare(copying->from, copying->to, &out->totals, error)) return false;
    for (size_t i = 0; i < rows_table_count; i++)
        if (is_copied(copying, &rows_tables[i]))
            out->tables[out->table_count++] =
                (struct store_copied){rows_tables[i].name, digests[i].rows};
    out->keeps_writers = copying->to->keeps_writers;
    return copying->to->ops->commit(copying->to, copying->latest_us, error);
}

bool store_copy(struct store_copy *copy, struct qms_error *error) {
    struct copying copying = {.out = copy};
    copying.from = store_rows_open(copy->from_url, false, error);
    if (copying.from == NULL) return false;
    copying.to = store_rows_open(copy->to_url, true, error);
    bool copied = false;
    if (copying.to != NULL) {
        snprintf(copy->from, sizeof copy->from, "%s", copying.from->place);
        snprintf(copy->to, sizeof copy->to, "%s", copying.to->place);
        copied = copy_all(&copying, error);
        copying.to->ops->close(copying.to);
    }
    copying.from->ops->close(copying.from);
    return copied;
}
