#include "cli/summary.h"

#include <math.h>

#include "wire/json_reader.h"

enum { RESOURCES_MAX = 256 }; /* resource types in one summary */

/* An amount as a server may hold it, also beyond the bounds of what clients may send. */
static void read_amount(struct json_reader *reader, struct amount *amount) {
    struct text number;
    if (!json_number(reader, &number)) return;
    enum amount_status status = amount_parse_stored(number, amount);
    if (status != AMOUNT_OK && status != AMOUNT_INEXACT) json_refuse(reader, "not an amount");
}

static void read_resource_type(struct json_reader *reader, struct summary_resource *resource) {
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        if (text_equal(key, TEXT("name")))
            json_string(reader, &resource->name);
        else if (text_equal(key, TEXT("unit")))
            json_string(reader, &resource->unit);
        else
            json_skip(reader);
    }
}

static struct summary_resource *find_resource(struct json_reader *reader, struct summary *summary,
                                              const struct summary_resource *wanted) {
    for (size_t i = 0; i < summary->resource_count; i++)
        if (text_equal(summary->resources[i].name, wanted->name)) return &summary->resources[i];
    if (summary->resource_count == RESOURCES_MAX) {
        json_refuse(reader, "too many resource types");
        return &summary->resources[0];
    }
    struct summary_resource *resource = &summary->resources[summary->resource_count++];
    *resource = (struct summary_resource){
        .name = wanted->name, .unit = wanted->unit, .quota = amount_zero(), .usage = amount_zero()};
    return resource;
}

/* The list of quotas, or that of usages; a resource type may be in only one of them. */
static void read_quantities(struct json_reader *reader, struct summary *summary, bool is_quota) {
    json_array_begin(reader);
    while (json_array_next(reader)) {
        struct summary_resource read = {.has_quota = is_quota};
        struct amount amount = amount_zero();
        struct text key;
        json_object_begin(reader);
        while (json_object_next(reader, &key)) {
            if (text_equal(key, is_quota ? TEXT("quota") : TEXT("usage")))
                read_amount(reader, &amount);
            else if (text_equal(key, TEXT("resource_type")))
                read_resource_type(reader, &read);
            else
                json_skip(reader);
        }
        struct summary_resource *resource = find_resource(reader, summary, &read);
        if (is_quota) {
            resource->quota = amount;
            resource->has_quota = true;
        } else {
            resource->usage = amount;
        }
    }
}

/* The text member of that name in an object whose other members do not matter. */
static void read_member(struct json_reader *reader, struct text name, struct text *value) {
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        if (text_equal(key, name))
            json_string(reader, value);
        else
            json_skip(reader);
    }
}

static void read_subscription(struct json_reader *reader, struct summary *summary) {
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        if (text_equal(key, TEXT("effective_start_date")))
            json_string(reader, &summary->start);
        else if (text_equal(key, TEXT("effective_end_date")) && json_peek(reader) == JSON_STRING)
            json_string(reader, &summary->end);
        else if (text_equal(key, TEXT("user")))
            read_member(reader, TEXT("username"), &summary->username);
        else if (text_equal(key, TEXT("plan")))
            read_member(reader, TEXT("name"), &summary->plan_name);
        else if (text_equal(key, TEXT("paid")))
            json_bool(reader, &summary->is_paid);
        else if (text_equal(key, TEXT("quotas")))
            read_quantities(reader, summary, true);
        else if (text_equal(key, TEXT("usages")))
            read_quantities(reader, summary, false);
        else
            json_skip(reader);
    }
}

static void sort_resources(struct summary *summary) {
    for (size_t i = 1; i < summary->resource_count; i++)
        for (size_t j = i; j > 0; j--) {
            struct summary_resource *right = &summary->resources[j], *left = right - 1;
            if (text_compare(left->name, right->name) <= 0) break;
            struct summary_resource moved = *left;
            *left = *right;
            *right = moved;
        }
}

bool summary_read(struct text json, struct arena *arena, struct summary *summary) {
    *summary = (struct summary){
        .resources = arena_take_zeroed(arena, RESOURCES_MAX, sizeof *summary->resources)};
    struct json_reader reader;
    json_open(&reader, json, arena);
    struct text key;
    json_object_begin(&reader);
    while (json_object_next(&reader, &key)) {
        if (text_equal(key, TEXT("subscription")))
            read_subscription(&reader, summary);
        else
            json_skip(&reader);
    }
    sort_resources(summary);
    return json_finish(&reader) && summary->username.length > 0;
}

static void read_overage(struct json_reader *reader, struct overage *overage) {
    struct summary_resource *resource = &overage->resource;
    resource->has_quota = true;
    struct text key;
    json_object_begin(reader);
    while (json_object_next(reader, &key)) {
        if (text_equal(key, TEXT("username")))
            json_string(reader, &overage->username);
        else if (text_equal(key, TEXT("resource_name")))
            json_string(reader, &resource->name);
        else if (text_equal(key, TEXT("quota")))
            read_amount(reader, &resource->quota);
        else if (text_equal(key, TEXT("usage")))
            read_amount(reader, &resource->usage);
        else
            json_skip(reader);
    }
}

static void read_overage_rows(struct json_reader *reader, struct arena *arena,
                              struct overage_page *page) {
    size_t capacity = 0;
    json_array_begin(reader);
    while (json_array_next(reader)) {
        if (page->count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            struct overage *rows = arena_take_zeroed(arena, capacity, sizeof *rows);
            if (page->count > 0) memcpy(rows, page->rows, page->count * sizeof *rows);
            page->rows = rows;
        }
        struct overage *overage = &page->rows[page->count++];
        overage->resource.quota = overage->resource.usage = amount_zero();
        read_overage(reader, overage);
    }
}

bool summary_read_overages(struct text json, struct arena *arena, struct overage_page *page) {
    *page = (struct overage_page){.count = 0};
    struct json_reader reader;
    json_open(&reader, json, arena);
    bool has_rows = false;
    struct text key;
    json_object_begin(&reader);
    while (json_object_next(&reader, &key)) {
        if (text_equal(key, TEXT("overages"))) {
            has_rows = true;
            read_overage_rows(&reader, arena, page);
        } else if (text_equal(key, TEXT("next")) && json_peek(&reader) == JSON_STRING) {
            page->has_next = json_string(&reader, &page->next);
        } else {
            json_skip(&reader);
        }
    }
    return json_finish(&reader) && has_rows;
}

bool summary_is_over(const struct summary_resource *resource) {
    return resource->has_quota && amount_compare(resource->usage, resource->quota) >= 0;
}

struct text summary_percent(struct arena *arena, const struct summary_resource *resource) {
    double quota = amount_to_double(resource->quota);
    if (!resource->has_quota || quota <= 0) return TEXT("");
    double percent = floor(amount_to_double(resource->usage) / quota * 1000) / 10;
    /* A double may round up what is a hair below the quota. */
    if (percent >= 100 && !summary_is_over(resource)) percent = 99.9;
    return arena_format(arena, "%.1f %%", percent);
}
