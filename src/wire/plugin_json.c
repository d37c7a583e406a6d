#include "wire/plugin_json.h"

#include "wire/json_fields.h"

enum { PLUGINS_MAX = 256, METRICS_MAX = 256 };

/* The value belongs to this text member, if it is that one. */
struct member {
    const char *name;
    struct text *value;
};

static bool take_text(struct json_reader *reader, struct text key, const struct member *members,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(key, text_of(members[i].name))) return json_string(reader, members[i].value);
    return json_refuse(reader, "a member has a name that is not known here");
}

static bool read_metric(struct json_reader *reader, struct metric_descriptor *metric) {
    struct text key, kind = TEXT("GAUGE");
    const struct member members[] = {
        {"metricIdentifier", &metric->identifier}, {"nameLabelKey", &metric->name_label},
        {"unitLabelKey", &metric->unit_label},     {"categoryLabelKey", &metric->category_label},
        {"entityType", &metric->entity_type},      {"resourceMetricType", &kind},
        {"type", &metric->legacy_type},            {"labelKey", &metric->label_key},
    };
    *metric = (struct metric_descriptor){0};
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key))
        if (!take_text(reader, key, members, sizeof members / sizeof members[0])) return false;
    if (reader->problem != NULL) return false;
    metric->is_counter = text_equal(kind, TEXT("COUNTER"));
    return metric->is_counter || text_equal(kind, TEXT("GAUGE")) ||
           json_refuse(reader, "a resourceMetricType is neither GAUGE nor COUNTER");
}

struct reading {
    struct json_reader *json;
    struct text *enforced;
    size_t enforced_count, metric_count;
    struct metric_descriptor *metrics;
};

static bool read_enforced(struct reading *reading) {
    size_t room = json_array_count(reading->json);
    if (room > METRICS_MAX) return json_refuse(reading->json, "too many metrics");
    reading->enforced = arena_take_zeroed(reading->json->arena, room + 1,
                                          sizeof *reading->enforced);
    if (!json_array_begin(reading->json)) return false;
    while (json_array_next(reading->json))
        if (!json_string(reading->json, &reading->enforced[reading->enforced_count++]))
            return false;
    return reading->json->problem == NULL;
}

static bool read_metrics(struct reading *reading) {
    size_t room = json_array_count(reading->json);
    if (room > METRICS_MAX) return json_refuse(reading->json, "too many metrics");
    reading->metrics = arena_take_zeroed(reading->json->arena, room + 1, sizeof *reading->metrics);
    if (!json_array_begin(reading->json)) return false;
    while (json_array_next(reading->json))
        if (!read_metric(reading->json, &reading->metrics[reading->metric_count++])) return false;
    return reading->json->problem == NULL;
}

/* The two lists of a plugin come in any order. */
static bool mark_enforced(struct reading *reading) {
    for (size_t i = 0; i < reading->enforced_count; i++) {
        bool found = false;
        for (size_t j = 0; j < reading->metric_count; j++) {
            if (!text_equal(reading->metrics[j].identifier, reading->enforced[i])) continue;
            reading->metrics[j].is_enforced = found = true;
        }
        if (!found)
            return json_refuse(reading->json, "a quotaMetricIdentifier has no metricDescriptor");
    }
    return true;
}

static bool read_plugin(struct json_reader *json, struct plugin *plugin) {
    struct reading reading = {.json = json};
    struct text key;
    bool supports;
    if (!json_object_begin(json)) return false;
    while (json_object_next(json, &key)) {
        const struct member members[] = {{"type", &plugin->type}};
        bool taken = text_equal(key, TEXT("quotaMetricIdentifiers")) ? read_enforced(&reading)
                     : text_equal(key, TEXT("metricDescriptors"))    ? read_metrics(&reading)
                     : text_equal(key, TEXT("supportsQuota")) ? json_bool(json, &supports)
                                                              : take_text(json, key, members, 1);
        if (!taken) return false;
    }
    if (json->problem != NULL || !mark_enforced(&reading)) return false;
    plugin->metrics = reading.metrics;
    plugin->metric_count = reading.metric_count;
    return true;
}

static bool read_all(struct json_reader *json, struct plugins *plugins) {
    size_t room = json_peek(json) == JSON_ARRAY ? json_array_count(json) : 0;
    if (room > PLUGINS_MAX) return json_refuse(json, "too many plugins");
    struct plugin *rows = arena_take_zeroed(json->arena, room + 1, sizeof *rows);
    *plugins = (struct plugins){.rows = rows};
    if (!json_array_begin(json)) return false;
    while (json_array_next(json))
        if (!read_plugin(json, &rows[plugins->count++])) return false;
    return json_finish(json);
}

bool plugin_json_read(struct text input, struct arena *arena, struct plugins *plugins,
                      struct qms_error *error) {
    struct json_reader json;
    json_open(&json, input, arena);
    if (read_all(&json, plugins)) return plugins_check(plugins, error);
    return qms_fail(error, QMS_BAD_REQUEST, "%s, at byte %zu", json.problem, json.problem_at);
}
