/* plugin.h: what the plugin of a kind of service can measure and limit: its metric descriptors. A
 * server without back ends takes them from its configuration (cloudmc-environment 8).
 * Threads: any; nothing changes after the start. */
#ifndef QMS_DOMAIN_PLUGIN_H
#define QMS_DOMAIN_PLUGIN_H

#include "base/error.h"

struct metric_descriptor {
    struct text identifier;   /* "instance.cpu.count"; unique within its plugin */
    struct text name_label, unit_label, category_label, entity_type;
    struct text legacy_type;  /* shown as the type of a quota's detail; empty: the identifier */
    struct text label_key;    /* shown as its labelKey; empty: the identifier and ".label" */
    bool is_counter;          /* COUNTER, else GAUGE */
    bool is_enforced;         /* quotas limit it, and must have it */
};

struct plugin {
    struct text type;
    const struct metric_descriptor *metrics;
    size_t metric_count;
};

struct plugins {
    const struct plugin *rows;
    size_t count;
};

/* What is known without a configuration. */
extern const struct plugins plugins_builtin;

/* Refuses what rules could not work with: empty, repeated or overlong names, and counters that are
 * to be enforced (no period is documented after which they would begin anew). */
bool plugins_check(const struct plugins *plugins, struct qms_error *error);

const struct plugin *plugin_find(const struct plugins *plugins, struct text type);
const struct metric_descriptor *plugin_metric(const struct plugin *plugin, struct text identifier);
bool plugin_supports_quotas(const struct plugin *plugin); /* it enforces something */

#endif
