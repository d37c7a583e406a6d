#include "front/front_query.h"

#include <stdio.h>

#include "domain/date.h"
#include "front/front_input.h"

enum { DATE_BYTES = sizeof "YYYY-MM-DD" - 1 };

bool front_query_text(const struct front_query *query, struct text name, struct text *value,
                      struct qms_error *error) {
    struct text rest = query->text, each, text;
    bool malformed;
    while (front_input_parameter(&rest, query->arena, &each, &text, &malformed) || malformed) {
        if (!text_equal(each, name)) continue;
        if (malformed)
            return qms_fail(error, QMS_BAD_REQUEST,
                            "invalid query parameter: %.*s: it cannot be decoded",
                            TEXT_ARGUMENTS(name));
        if (text.length > 0) *value = text;
        return true;
    }
    return true;
}

static bool query_fail(struct text name, const char *reason, struct text value,
                       struct qms_error *error) {
    return qms_fail(error, QMS_BAD_REQUEST, "invalid query parameter: %.*s: %s (got %.*s)",
                    TEXT_ARGUMENTS(name), reason, TEXT_ARGUMENTS(value));
}

bool front_query_bool(const struct front_query *query, struct text name, bool *has, bool *value,
                      struct qms_error *error) {
    static const struct text words[] = {
        TEXT("0"), TEXT("1"), TEXT("f"), TEXT("t"), TEXT("F"), TEXT("T"), TEXT("false"),
        TEXT("true"), TEXT("FALSE"), TEXT("TRUE"), TEXT("False"), TEXT("True"),
    };
    struct text text = {0};
    *has = false;
    if (!front_query_text(query, name, &text, error)) return false;
    if (text.length == 0) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!text_equal(words[i], text)) continue;
        *has = true;
        *value = i % 2 == 1;
        return true;
    }
    return query_fail(name, "must be true or false", text, error);
}

static bool query_digits(struct text text, int64_t *value) {
    bool negative = text.data[0] == '-';
    size_t at = text.data[0] == '-' || text.data[0] == '+' ? 1 : 0;
    if (at == text.length) return false;
    *value = 0;
    for (; at < text.length; at++) {
        if (text.data[at] < '0' || text.data[at] > '9' || *value > INT32_MAX) return false;
        *value = *value * 10 + (text.data[at] - '0');
    }
    if (negative) *value = -*value;
    return *value >= INT32_MIN && *value <= INT32_MAX;
}

bool front_query_integer(const struct front_query *query, struct text name, int64_t minimum,
                         int64_t maximum, int64_t *value, struct qms_error *error) {
    struct text text = {0};
    char reason[64];
    int64_t number;
    if (!front_query_text(query, name, &text, error)) return false;
    if (text.length == 0) return true;
    if (!query_digits(text, &number))
        return query_fail(name, "must be an integer of 32 bits", text, error);
    if (number >= minimum && number <= maximum) {
        *value = number;
        return true;
    }
    if (maximum == INT32_MAX)
        snprintf(reason, sizeof reason, "must be at least %lld", (long long)minimum);
    else
        snprintf(reason, sizeof reason, "must be between %lld and %lld", (long long)minimum,
                 (long long)maximum);
    return query_fail(name, reason, text, error);
}

bool front_query_date(const struct front_query *query, struct text name, bool *has,
                      int64_t *at_us, struct qms_error *error) {
    struct text text = {0};
    *has = false;
    if (!front_query_text(query, name, &text, error)) return false;
    if (text.length == 0) return true;
    *has = text.length == DATE_BYTES && request_date_parse(text, at_us);
    return *has || query_fail(name, "must be a date of the form YYYY-MM-DD", text, error);
}

bool front_query_word(const struct front_query *query, struct text name, const struct text *words,
                      size_t count, size_t *value, struct qms_error *error) {
    struct text text = {0};
    if (!front_query_text(query, name, &text, error)) return false;
    if (text.length == 0) return true;
    for (size_t i = 0; i < count; i++) {
        if (!text_equal_nocase(words[i], text)) continue;
        *value = i;
        return true;
    }
    struct text list = words[0];
    for (size_t i = 1; i < count; i++)
        list = arena_format(query->arena, "%.*s, %.*s", TEXT_ARGUMENTS(list),
                            TEXT_ARGUMENTS(words[i]));
    return qms_fail(error, QMS_BAD_REQUEST, "invalid query parameter: %.*s; valid values: %.*s",
                    TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(list));
}
