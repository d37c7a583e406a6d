/* plugin_json.h: plugins as JSON, as GET /services/descriptors/:type answers them, in an array:
 *   [{"type": "cloudca", "quotaMetricIdentifiers": ["disk.size.gb"],
 *     "metricDescriptors": [{"metricIdentifier": "disk.size.gb", "nameLabelKey": "...",
 *       "unitLabelKey": "...", "categoryLabelKey": "...", "entityType": "volumes",
 *       "resourceMetricType": "GAUGE", "type": "DISK_SIZE", "labelKey": "quotas.disk_size"}]}]
 * quotaMetricIdentifiers are those that quotas limit. Of a descriptor only the identifier is
 * needed; without resourceMetricType it is a gauge. A member of another name is refused: it would
 * be a misspelling. */
#ifndef QMS_WIRE_PLUGIN_JSON_H
#define QMS_WIRE_PLUGIN_JSON_H

#include "base/arena.h"
#include "domain/plugin.h"

/* Everything lies in the arena; the input must live as long. Checked with plugins_check(), too. */
bool plugin_json_read(struct text input, struct arena *arena, struct plugins *plugins,
                      struct qms_error *error);

#endif
