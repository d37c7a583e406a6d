/* store_totals.h: what the quotas and the usages of each user and resource come to, exactly, in two
 * stores side by side. */
#ifndef QMS_STORE_STORE_TOTALS_H
#define QMS_STORE_STORE_TOTALS_H

#include "store/store_rows.h"

/* False: they differ (CONFLICT, with the first that does), or one of them cannot be read. *count:
 * of the totals that were compared. */
bool store_totals_compare(struct store_rows *left, struct store_rows *right, uint64_t *count,
                          struct qms_error *error);

#endif
