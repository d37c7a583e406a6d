/* cloud_fixture.h: a directory in memory and operations decided against it, published as the engine
 * would: the next operation sees what the last one changed. It starts with the system organization
 * and its operator, who asks unless somebody else is named.
 * Quotas are of the one metric that the plugin stackpath limits, unless a test says otherwise. */
#ifndef QMS_TESTS_SUPPORT_CLOUD_FIXTURE_H
#define QMS_TESTS_SUPPORT_CLOUD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/decide.h"

struct cloud {
    struct directory *directory;
    struct uuid system, operator; /* their ids */
    struct uuid caller;           /* who asks next */
    struct uuid_source ids;
    struct arena batch_arena, request_arena;
    struct changes changes;
    struct decision decision;
    struct replay replay;         /* used when op.replay points to it */
    struct op op;
};

void cloud_open(struct cloud *cloud, uint64_t seed);
void cloud_close(struct cloud *cloud);

/* cloud->op becomes an operation of cloud->caller; about: the object in the path, or NULL. */
struct op *cloud_ask(struct cloud *cloud, enum operation operation, const struct uuid *about);
/* Decides it, and publishes what it changed. */
bool cloud_decide(struct cloud *cloud);
void cloud_expect_ok(struct cloud *cloud);
/* Refused with this code, and nothing has changed. */
void cloud_expect(struct cloud *cloud, enum cloud_code code);
/* The member of the last refusal's context; the test fails when it has none. */
const struct cloud_member *cloud_member(const struct cloud *cloud, const char *name);

/* Each asks for one thing, which must succeed, and returns its id. */
struct uuid cloud_organization(struct cloud *cloud, const struct uuid *parent, const char *name);
struct uuid cloud_trial(struct cloud *cloud, const struct uuid *parent, const char *name);
struct uuid cloud_user(struct cloud *cloud, const struct uuid *organization, const char *name,
                       enum role role);
struct uuid cloud_connection(struct cloud *cloud, const struct uuid *owner, const char *name,
                             const char *type);
void cloud_assign(struct cloud *cloud, const struct uuid *organization,
                  const struct uuid *connection);
struct uuid cloud_quota(struct cloud *cloud, const struct uuid *owner,
                        const struct uuid *connection, const char *name);
void cloud_apply(struct cloud *cloud, const struct uuid *quota, const struct uuid *organization);

/* cloud->op asks for a quota of the metric workload_cpu_count with the ceiling 1. */
struct cloud_quota_input *cloud_ask_quota(struct cloud *cloud, const struct uuid *owner,
                                          const struct uuid *connection, const char *name);
/* cloud->op sends the quota back as it is. */
struct cloud_quota_input *cloud_ask_update(struct cloud *cloud, const struct uuid *quota);
void cloud_ask_apply(struct cloud *cloud, const struct uuid *quota, const struct uuid *targets,
                     size_t count);

/* Now; the test fails when there is none. */
const struct cloud_quota *cloud_quota_now(const struct cloud *cloud, const struct uuid *id);
/* The quota that limits the organization on the connection; NULL: none. */
const struct cloud_quota *cloud_limit(const struct cloud *cloud, const struct uuid *organization,
                                      const struct uuid *connection);

#endif
