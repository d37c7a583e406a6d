/* front.h: the HTTP face of qms: its route table over the engine (qms-http).
 * Every handler decodes, submits, and encodes in request->done(); nothing here decides. */
#ifndef QMS_FRONT_FRONT_H
#define QMS_FRONT_FRONT_H

#include "domain/username.h"
#include "engine/engine.h"
#include "front/front_nats.h"
#include "front/http_server.h"

struct front {
    struct engine *engine;
    struct metrics *metrics;
    struct username_rule usernames;
    const struct plugins *plugins; /* what service connections can measure and limit */
    bool keep_larger_plan;      /* of users who are added with a smaller one */
    struct front_auth *auth; /* for front_admit() */
    struct front_nats *nats; /* NULL: only HTTP is served */
};

/* Which tree a route belongs to: the index into front_trees. What the server finds, /v1 words like
 * the root. */
enum front_tree { TREE_V2, TREE_CLOUD, TREE_ROOT };

extern const struct http_route front_routes[];
extern const struct http_tree front_trees[];

/* front_root.c: the root tree, R1 to R9. */
void front_hello(void *context, struct http_exchange *exchange);
void front_summary(void *context, struct http_exchange *exchange);
void front_user_add(void *context, struct http_exchange *exchange);
void front_updates(void *context, struct http_exchange *exchange);
void front_update_add(void *context, struct http_exchange *exchange);
void front_overages(void *context, struct http_exchange *exchange);
void front_overage_check(void *context, struct http_exchange *exchange);
void front_usages(void *context, struct http_exchange *exchange);
void front_usage_add(void *context, struct http_exchange *exchange);

/* front_root_catalogue.c: R10 to R17. */
void front_plans(void *context, struct http_exchange *exchange);
void front_plan_add(void *context, struct http_exchange *exchange);
void front_plan(void *context, struct http_exchange *exchange);
void front_quota_set(void *context, struct http_exchange *exchange);
void front_addon_add(void *context, struct http_exchange *exchange);
void front_addons(void *context, struct http_exchange *exchange);
void front_addon_update(void *context, struct http_exchange *exchange);
void front_addon_delete(void *context, struct http_exchange *exchange);

/* front_root_applied.c: R18 to R25. */
void front_applieds(void *context, struct http_exchange *exchange);
void front_addon_apply(void *context, struct http_exchange *exchange);
void front_applied(void *context, struct http_exchange *exchange);
void front_applied_update(void *context, struct http_exchange *exchange);
void front_applied_delete(void *context, struct http_exchange *exchange);
void front_applied_deprecated(void *context, struct http_exchange *exchange);
void front_applied_update_deprecated(void *context, struct http_exchange *exchange);
void front_applied_delete_deprecated(void *context, struct http_exchange *exchange);

/* front_v1.c, front_v1_subscriptions.c: the /v1 tree, V1-V23. */
void front_v1_service(void *context, struct http_exchange *exchange);
void front_v1_plans(void *context, struct http_exchange *exchange);
void front_v1_plan_add(void *context, struct http_exchange *exchange);
void front_v1_plan(void *context, struct http_exchange *exchange);
void front_v1_plan_active_rate(void *context, struct http_exchange *exchange);
void front_v1_plan_active_defaults(void *context, struct http_exchange *exchange);
void front_v1_plan_defaults_add(void *context, struct http_exchange *exchange);
void front_v1_plan_rates_add(void *context, struct http_exchange *exchange);
void front_v1_resource_types(void *context, struct http_exchange *exchange);
void front_v1_resource_type(void *context, struct http_exchange *exchange);
void front_v1_resource_type_add(void *context, struct http_exchange *exchange);
void front_v1_resource_type_update(void *context, struct http_exchange *exchange);
void front_v1_usages(void *context, struct http_exchange *exchange);
void front_v1_usage_report(void *context, struct http_exchange *exchange);
void front_v1_updates(void *context, struct http_exchange *exchange);
void front_v1_users(void *context, struct http_exchange *exchange);
void front_v1_user_ensure(void *context, struct http_exchange *exchange);
void front_v1_user_plan(void *context, struct http_exchange *exchange);
void front_v1_user_quota(void *context, struct http_exchange *exchange);
void front_v1_user_change(void *context, struct http_exchange *exchange);
void front_v1_user_subscriptions(void *context, struct http_exchange *exchange);
void front_v1_subscriptions(void *context, struct http_exchange *exchange);
void front_v1_subscriptions_add(void *context, struct http_exchange *exchange);

/* front_v2.c: POST /v2/usages; GET /v2/overages?after=NAME&limit=LINES. */
void front_usages_record(void *context, struct http_exchange *exchange);
void front_overages_report(void *context, struct http_exchange *exchange);

/* front_cloud.c: the CloudMC tree, /api/v2. */
void front_cloud(void *context, struct http_exchange *exchange);
void front_cloud_mark_reseller(void *context, struct http_exchange *exchange);
void front_cloud_write_error(struct buffer *out, int status, struct text text,
                             const struct http_exchange *exchange);

/* front_health.c: /healthz, /readyz, /metrics. */
void front_healthz(void *context, struct http_exchange *exchange);
void front_readyz(void *context, struct http_exchange *exchange);
void front_metrics(void *context, struct http_exchange *exchange);

/* front_docs.c: /openapi.yaml, /cloudmc.yaml, /docs. */
void front_cloudmc_openapi(void *context, struct http_exchange *exchange);
void front_openapi(void *context, struct http_exchange *exchange);
void front_docs(void *context, struct http_exchange *exchange);

/* The exchange that a request is part of: for done(). */
static inline struct http_exchange *front_exchange(struct request *request) {
    return (struct http_exchange *)((char *)request - offsetof(struct http_exchange, request));
}

/* front.c: counts, logs and sends a finished exchange. */
void front_finish(struct http_exchange *exchange);

/* Inside a handler: hands exchange->request, with the Idempotency-Key of the head, to the engine;
 * done() must end in front_finish(). A key that cannot be used is every operation's error, and then
 * done() is called at once. */
void front_submit(struct front *front, struct http_exchange *exchange,
                  void (*done)(struct request *request));

#endif
