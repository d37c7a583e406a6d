/* facts_fixture.h: facts about one user, made by hand, and operations decided against them.
 * The catalogue starts as the seeded rows of the data model (Basic, Regular, Pro with their rates
 * and defaults of 2022-01-01, cpu.hours, data.size) and can be given more; the clock is a number.
 * Every operation is decided as the only one of its batch unless facts_batch() is left out. */
#ifndef QMS_TESTS_SUPPORT_FACTS_FIXTURE_H
#define QMS_TESTS_SUPPORT_FACTS_FIXTURE_H

#include "base/buffer.h"
#include "domain/decide.h"

enum { FACTS_PLANS_MAX = 4, FACTS_ROWS_MAX = 16 };

struct facts_plan {
    struct plan plan;
    struct quota_default defaults[FACTS_ROWS_MAX];
    struct text default_resources[FACTS_ROWS_MAX]; /* parallel to defaults */
    struct rate rates[FACTS_ROWS_MAX];
};

struct facts_addon {
    struct addon addon;
    struct text resource;
    struct rate rates[FACTS_ROWS_MAX];
};

struct facts {
    struct resource_type resource_types[FACTS_ROWS_MAX];
    size_t resource_type_count;
    struct facts_plan plans[FACTS_PLANS_MAX];
    size_t plan_count;
    struct facts_addon addons[FACTS_ROWS_MAX];
    size_t addon_count;
    unsigned next_id;

    struct account account; /* "ada", absent until something inserts or facts_user() stores her */
    struct uuid_source ids;
    struct arena batch_arena, request_arena;
    struct changes changes;
    struct decision decision; /* decided_us and stamped_us are set by facts_now() */
    struct replay replay;     /* used when op.replay points to it */
    struct op op;             /* the operation of facts_update() and its like */
};

/* At 2026-08-12T10:00:00Z, in the time zone given ("UTC" unless it matters). */
void facts_open(struct facts *facts);
void facts_open_zone(struct facts *facts, const char *zone);
void facts_close(struct facts *facts);

void facts_now(struct facts *facts, const char *timestamp);
int64_t facts_time(const char *timestamp);
struct amount facts_amount(const char *text);
struct uuid facts_id(const char *text);

/* Changes to the catalogue; each publishes a new one, as the store would. */
void facts_plan(struct facts *facts, const char *id, const char *name);
void facts_resource_type(struct facts *facts, const char *name, const char *unit, bool consumable);
void facts_rename(struct facts *facts, const char *resource_name, const char *name);
void facts_rate(struct facts *facts, const char *plan, const char *rate, const char *effective);
void facts_default(struct facts *facts, const char *plan, const char *resource_name,
                   const char *value, const char *effective);
void facts_addon(struct facts *facts, const char *id, const char *name, const char *resource_name);
void facts_addon_defaults(struct facts *facts, const char *name, const char *amount, bool paid);
void facts_addon_rate(struct facts *facts, const char *name, const char *id, const char *rate,
                      const char *effective);
void facts_forget_addons(struct facts *facts);
void facts_forget_rates(struct facts *facts, const char *plan);

/* Rows as if loaded. end NULL: open-ended. */
void facts_user(struct facts *facts, const char *user_id);
struct subscription *facts_subscription(struct facts *facts, const char *id, const char *plan,
                                        const char *start, const char *end);
struct quantity *facts_quantity(struct facts *facts, struct subscription *subscription,
                                enum value_type type, const char *resource_name,
                                const char *value);
/* Amount 1, paid, at the add-on's first rate if there is one. */
struct subscription_addon *facts_subscription_addon(struct facts *facts,
                                                    struct subscription *subscription,
                                                    const char *id, const char *addon_id);
struct uuid facts_resource_id(const struct facts *facts, const char *name);

/* facts->op becomes a well-formed operation; the caller may spoil it before facts_decide(). */
struct change_input *facts_update(struct facts *facts, const char *value_type,
                                  const char *operation, const char *resource_name,
                                  const char *value);
struct change_input *facts_usage(struct facts *facts, enum operation operation,
                                 const char *update_type, const char *resource_name,
                                 const char *value);
/* Paid and forced. */
struct subscription_input *facts_subscribe(struct facts *facts, enum operation operation,
                                           const char *plan);
/* OP_QUOTA_SET: of the subscription that was added last. */
struct quota_input *facts_set_quota(struct facts *facts, enum operation operation,
                                    const char *resource_name, const char *value);
void facts_read(struct facts *facts, enum operation operation);
/* Of the catalogue: it has no account. */
void facts_catalogue(struct facts *facts, enum operation operation);

/* A new batch: what the last one changed has been committed, its memory and views are gone. */
void facts_batch(struct facts *facts);
/* facts_batch(), then decide(). */
bool facts_decide(struct facts *facts);

/* decide() succeeded; or failed with this code and text, and left every byte of the facts alone. */
void facts_expect_ok(struct facts *facts);
void facts_expect_refused(struct facts *facts, enum qms_code code, const char *text);

/* Fails the test unless the value, whatever its bits, is the number in the text. */
void expect_amount(struct amount amount, const char *text);
void expect_text(struct text text, const char *expected);
/* Made by us: version 7. */
void expect_made(const struct uuid *id);
void expect_time(int64_t at_us, const char *timestamp);

/* The quota or usage of a subscription, failing the test when there is none. */
struct amount facts_value(const struct facts *facts, const struct subscription *subscription,
                          enum value_type type, const char *resource_name);
/* The only row that the batch added to the audit trail, failing the test when it is not one. */
const struct update *facts_audit(const struct facts *facts);
size_t facts_subscription_count(const struct facts *facts);

/* Every byte that an operation may change: the account, its rows in order, the replay, and the
 * lengths of the lists of changes. */
void facts_snapshot(const struct facts *facts, struct buffer *out);

#endif
