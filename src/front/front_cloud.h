/* front_cloud.h: what the parts of the CloudMC tree share: reading a query into an operation. */
#ifndef QMS_FRONT_FRONT_CLOUD_H
#define QMS_FRONT_FRONT_CLOUD_H

#include "front/front.h"
#include "wire/cloud_json.h"

/* Each reads what the operation takes from the query. False: op->error and op->cloud say what is
 * wrong with it. */

/* Acting in another organization: org_id, organization_id and organizationId are one parameter. */
QMS_MUST_CHECK bool front_cloud_organization(struct http_exchange *exchange, struct op *op);
/* page_number, page_size, sort_by, sort_order. */
QMS_MUST_CHECK bool front_cloud_page(struct http_exchange *exchange, struct op *op,
                                     struct cloud_page *page);
/* GET /quotas: type. */
QMS_MUST_CHECK bool front_cloud_relation(struct http_exchange *exchange, struct op *op);
/* DELETE /quotas/{id}: quota_id. */
QMS_MUST_CHECK bool front_cloud_substitute(struct http_exchange *exchange, struct op *op);
/* POST /quotas/{id}/default: service, trial. */
QMS_MUST_CHECK bool front_cloud_default(struct http_exchange *exchange, struct op *op);

#endif
