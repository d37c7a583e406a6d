#include "domain/plugin.h"

#include "base/limits.h"

#define GAUGE_OF(metric, unit)                                                                     \
    .name_label = TEXT("metrics.quotas." metric), .unit_label = TEXT("metrics.units." unit)
#define INSTANCES(plugin)                                                                          \
    .category_label = TEXT("usage." plugin ".compute"), .entity_type = TEXT("instances"),          \
    .is_enforced = true
#define VOLUMES(plugin)                                                                            \
    .category_label = TEXT("usage." plugin ".storage"), .entity_type = TEXT("volumes"),            \
    .is_enforced = true

/* What the plugins for machines have in common, in the words of each. */
#define MACHINE_METRICS(plugin)                                                                    \
    {{.identifier = TEXT("instance.cpu.count"), GAUGE_OF("instance.cpu.count", "unit"),            \
      INSTANCES(plugin), .legacy_type = TEXT("INSTANCE_VCPUS"),                                    \
      .label_key = TEXT("quotas.vcpus")},                                                          \
     {.identifier = TEXT("instance.memory.mb"), GAUGE_OF("instance.memory.mb", "megabyte"),        \
      INSTANCES(plugin), .legacy_type = TEXT("INSTANCE_MEMORY"),                                   \
      .label_key = TEXT("quotas.memory")},                                                         \
     {.identifier = TEXT("disk.size.gb"), GAUGE_OF("disk.size.gb", "gigabyte"), VOLUMES(plugin),   \
      .legacy_type = TEXT("DISK_SIZE"), .label_key = TEXT("quotas.disk_size")}}

static const struct metric_descriptor aws_metrics[] = MACHINE_METRICS("aws");
static const struct metric_descriptor azure_metrics[] = MACHINE_METRICS("azure");
static const struct metric_descriptor cloudca_metrics[] = MACHINE_METRICS("cloudca");
static const struct metric_descriptor cloudstack_metrics[] = MACHINE_METRICS("cloudstack");
static const struct metric_descriptor gcp_metrics[] = MACHINE_METRICS("gcp");

static const struct metric_descriptor workload_metrics[] = {
    {.identifier = TEXT("workload_cpu_count"), GAUGE_OF("workload_cpu_count", "unit"),
     .category_label = TEXT("usage.stackpath.compute"), .entity_type = TEXT("workloads"),
     .is_enforced = true},
};

static const struct metric_descriptor storage_metrics[] = {
    {.identifier = TEXT("storage.size.gb"), GAUGE_OF("storage.size.gb", "gigabyte"),
     .entity_type = TEXT("containers")},
};

#define PLUGIN(name, list) {TEXT(name), list, sizeof list / sizeof list[0]}
static const struct plugin builtin[] = {
    PLUGIN("aws", aws_metrics),
    PLUGIN("azure", azure_metrics),
    PLUGIN("cloudca", cloudca_metrics),
    PLUGIN("cloudstack", cloudstack_metrics),
    PLUGIN("gcp", gcp_metrics),
    PLUGIN("stackpath", workload_metrics),
    PLUGIN("swift", storage_metrics), /* measured, not limited */
};

const struct plugins plugins_builtin = {builtin, sizeof builtin / sizeof builtin[0]};

const struct plugin *plugin_find(const struct plugins *plugins, struct text type) {
    for (size_t i = 0; i < plugins->count; i++)
        if (text_equal(plugins->rows[i].type, type)) return &plugins->rows[i];
    return NULL;
}

const struct metric_descriptor *plugin_metric(const struct plugin *plugin,
                                              struct text identifier) {
    for (size_t i = 0; i < plugin->metric_count; i++)
        if (text_equal(plugin->metrics[i].identifier, identifier)) return &plugin->metrics[i];
    return NULL;
}

bool plugin_supports_quotas(const struct plugin *plugin) {
    for (size_t i = 0; i < plugin->metric_count; i++)
        if (plugin->metrics[i].is_enforced) return true;
    return false;
}

static bool name_check(const char *what, struct text name, struct qms_error *error) {
    if (name.length >= 1 && name.length <= NAME_BYTES_MAX) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "%s must have 1 to %d bytes", what, NAME_BYTES_MAX);
}

static bool plugin_check(const struct plugin *plugin, struct qms_error *error) {
    for (size_t i = 0; i < plugin->metric_count; i++) {
        const struct metric_descriptor *metric = &plugin->metrics[i];
        if (!name_check("a metric identifier", metric->identifier, error)) return false;
        if (plugin_metric(plugin, metric->identifier) != metric)
            return qms_fail(error, QMS_BAD_REQUEST, "the plugin %.*s has the metric %.*s twice",
                            TEXT_ARGUMENTS(plugin->type), TEXT_ARGUMENTS(metric->identifier));
        if (metric->is_counter && metric->is_enforced)
            return qms_fail(error, QMS_BAD_REQUEST,
                            "the metric %.*s is a counter; quotas enforce only gauges",
                            TEXT_ARGUMENTS(metric->identifier));
    }
    return true;
}

bool plugins_check(const struct plugins *plugins, struct qms_error *error) {
    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *plugin = &plugins->rows[i];
        if (!name_check("a plugin type", plugin->type, error)) return false;
        if (plugin_find(plugins, plugin->type) != plugin)
            return qms_fail(error, QMS_BAD_REQUEST, "the plugin %.*s is there twice",
                            TEXT_ARGUMENTS(plugin->type));
        if (!plugin_check(plugin, error)) return false;
    }
    return true;
}
