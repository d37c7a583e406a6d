/* cloud_encode_quota.c: a quota with its details (cloudmc-quotas 2). */
#include <stdlib.h>

#include "wire/cloud_private.h"

/* Exact, and with a fraction as in all documents: 5.0, 0.25. */
static void write_ceiling(struct cloud_writer *writer, struct amount ceiling) {
    char digits[AMOUNT_TEXT_MAX + 2];
    size_t length = amount_format_json(ceiling, digits);
    bool is_whole = memchr(digits, '.', length) == NULL && memchr(digits, 'e', length) == NULL;
    if (is_whole) {
        digits[length++] = '.';
        digits[length++] = '0';
    }
    json_write_key(&writer->json, TEXT("ceiling"));
    json_write_raw(&writer->json, (struct text){digits, length});
}

/* The predecessor of the ceiling held whole numbers only. */
static int64_t limit_size(struct amount ceiling) {
    char digits[AMOUNT_TEXT_MAX + 1];
    digits[amount_format(ceiling, digits)] = '\0';
    return strtoll(digits, NULL, 10); /* stops at the point; the largest there is when too large */
}

static void write_metric(struct cloud_writer *writer, const struct metric_descriptor *metric) {
    json_write_object_named(&writer->json, TEXT("metricDescriptor"));
    cloud_write_member(writer, TEXT("metricIdentifier"), metric->identifier);
    cloud_write_member(writer, TEXT("nameLabelKey"), metric->name_label);
    cloud_write_member(writer, TEXT("unitLabelKey"), metric->unit_label);
    cloud_write_member(writer, TEXT("categoryLabelKey"), metric->category_label);
    cloud_write_member(writer, TEXT("resourceMetricType"),
                       metric->is_counter ? TEXT("COUNTER") : TEXT("GAUGE"));
    json_write_object_end(&writer->json);
}

static struct text label_key(struct cloud_writer *writer, struct text metric) {
    return arena_format(writer->answer->arena, "%.*s.label", TEXT_ARGUMENTS(metric));
}

/* A detail's id is new with every update, so there is never a second version of one. */
static void write_detail(struct cloud_writer *writer, const struct plugin *plugin,
                         const struct quota_detail *detail) {
    const struct metric_descriptor *metric =
        plugin == NULL ? NULL : plugin_metric(plugin, detail->metric);
    bool has_type = metric != NULL && metric->legacy_type.length > 0;
    bool has_label = metric != NULL && metric->label_key.length > 0;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), &detail->id);
    cloud_write_member(writer, TEXT("metricIdentifier"), detail->metric);
    write_ceiling(writer, detail->ceiling);
    cloud_write_member(writer, TEXT("type"), has_type ? metric->legacy_type : detail->metric);
    cloud_write_member(writer, TEXT("labelKey"),
                       has_label ? metric->label_key : label_key(writer, detail->metric));
    cloud_write_number(writer, TEXT("limitSize"), limit_size(detail->ceiling));
    if (metric != NULL) write_metric(writer, metric);
    cloud_write_flag(writer, TEXT("deleted"), false);
    cloud_write_number(writer, TEXT("version"), 1);
    json_write_object_end(&writer->json);
}

static void write_details(struct cloud_writer *writer, const struct cloud_quota *quota) {
    const struct plugin *plugin =
        plugin_find(writer->answer->plugins, quota->connection->row.type);
    json_write_array_named(&writer->json, TEXT("quotaDetails"));
    for (size_t i = 0; i < quota->row.detail_count; i++)
        write_detail(writer, plugin, &quota->row.details[i]);
    json_write_array_end(&writer->json);
}

static void write_service_connection(struct cloud_writer *writer,
                                     const struct connection *connection) {
    json_write_object_named(&writer->json, TEXT("serviceConnection"));
    cloud_write_connection_members(writer, connection);
    cloud_write_reference(writer, TEXT("organization"), &connection->owner->row.id, TEXT(""));
    json_write_object_end(&writer->json);
}

/* Those that the caller may see; the count is of all. */
static void write_organizations(struct cloud_writer *writer, const struct cloud_quota *quota) {
    json_write_array_named(&writer->json, TEXT("organizations"));
    const struct assignment *assignment = quota->assignments;
    for (; assignment != NULL; assignment = assignment->next_of_quota) {
        const struct organization *organization = assignment->organization;
        if (!writer->knows_principal || !authorization_visible(&writer->principal, organization))
            continue;
        json_write_object_begin(&writer->json);
        cloud_write_organization_members(writer, organization);
        json_write_object_end(&writer->json);
    }
    json_write_array_end(&writer->json);
}

void cloud_write_quota(struct cloud_writer *writer, const void *row) {
    const struct cloud_quota *quota = row;
    json_write_object_begin(&writer->json);
    cloud_write_id(writer, TEXT("id"), &quota->row.id);
    cloud_write_member(writer, TEXT("name"), quota->row.name);
    json_write_key(&writer->json, TEXT("description"));
    json_write_string(&writer->json, quota->row.description);
    cloud_write_time(writer, TEXT("creationDate"), quota->row.created_us);
    cloud_write_number(writer, TEXT("numberOfOrganizationsAppliedTo"),
                       (int64_t)quota->assignment_count);
    cloud_write_flag(writer, TEXT("defaultForService"), quota->row.default_for_service);
    cloud_write_flag(writer, TEXT("defaultForTrial"), quota->row.default_for_trial);
    cloud_write_reference(writer, TEXT("ownerOrganization"), &quota->owner->row.id,
                          quota->owner->row.name);
    write_service_connection(writer, quota->connection);
    write_details(writer, quota);
    cloud_write_flag(writer, TEXT("deleted"), false);
    cloud_write_number(writer, TEXT("version"), quota->row.version);
    if (!writer->in_list) write_organizations(writer, quota);
    json_write_object_end(&writer->json);
}
