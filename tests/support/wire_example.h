/* wire_example.h: the facts behind the examples of the HTTP document, as operations that have been
 * decided: what the golden bodies show. */
#ifndef QMS_TESTS_SUPPORT_WIRE_EXAMPLE_H
#define QMS_TESTS_SUPPORT_WIRE_EXAMPLE_H

#include "domain/op.h"

struct wire_example {
    struct resource_type cpu;
    struct rate rate, addon_rate;
    struct quota_default quota_default;
    struct plan plan, pro;
    struct addon addon;
    struct catalogue catalogue; /* holds itself: nobody frees it */
    struct quantity_view quota, usage;
    struct applied_view applied;
    struct update_view update; /* without metadata, as listed */
    struct overage_view overage;
    struct op op;
};

void wire_example_open(struct wire_example *example);

/* example->op as a success of the operation, as in the document. */
struct op *wire_example_success(struct wire_example *example, enum operation operation);

/* ... and as a failure. */
struct op *wire_example_failure(struct wire_example *example, enum operation operation,
                                enum qms_code code, const char *text);

struct amount wire_example_amount(const char *text);
int64_t wire_example_time(const char *text);

#endif
