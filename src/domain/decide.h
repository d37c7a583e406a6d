/* decide.h: the rules: given facts, an operation and a time, what happens.
 * Invariant: deterministic in (facts, operation, time, id source); no I/O, no clock, no locks.
 *            A decision that fails changes nothing: its changes are undone before it returns.
 * Memory:    new rows are in the account's arena, views in the given one, lists in changes. */
#ifndef QMS_DOMAIN_DECIDE_H
#define QMS_DOMAIN_DECIDE_H

#include "domain/op.h"

#define QMS_CPU_HOURS TEXT("cpu.hours") /* the resource type that plans are ranked by (6.4) */

struct decision {
    struct catalogue *catalogue;
    struct directory *directory;   /* TARGET_DIRECTORY; NULL: the store has none */
    const struct plugins *plugins; /* likewise */
    struct changes *changes;   /* NULL: a read outside a batch, which may not write */
    struct uuid_source *ids;
    int64_t decided_us;        /* what is active, what is too far ahead */
    int64_t stamped_us;        /* created_at and last_modified_at of rows written */
    struct text actor;         /* created_by and last_modified_by of rows written */
    struct text default_plan;
    bool report_overages;
    bool reads_subscribe;      /* false: a read of a user without subscription is NOT_FOUND; it does
                                  not make one */
    bool carries_over;         /* a new subscription takes over from the one it replaces */
    bool restores_tails;       /* one longer than a new one goes on behind it */
    const struct addon_use *addon_use; /* OP_ADDON_UPDATE, OP_ADDON_DELETE: of op->in.addon.id */
    bool must_write;           /* out: see decide() */
};

/* Decides op for its loaded account (op->account) and returns success.
 * true:  op->error.code is QMS_OK, op->out is filled (in arena), op->catalogue holds the catalogue.
 * false: no fact has changed. With must_write false, op->error says why. With must_write true the
 *        operation is undecided (error QMS_OK, out empty): a read that has to subscribe its user
 *        (EFFECT_SUBSCRIBE) found changes NULL or the account not writable, or a write needs rows
 *        that are not (changes.h); decide it again, with as_writer, in a batch that locks all of
 *        the account. Operations with EFFECT_WRITE must come with changes and an account in which
 *        decide_rows() are writable. must_write is set anew by every call.
 * An operation may be decided again, after its batch was rolled back and its facts loaded anew:
 * what an earlier decision left in error, duplicate, out and catalogue is replaced.
 * An account that could not be read (broken) answers INTERNAL, whatever is asked.
 * A replay (op->replay) is looked at first, except by reads, which ignore it: known with equal
 * content answers again with duplicate set and changes nothing; known with other content is
 * CONFLICT. One that was not known is filled and listed in changes when the operation succeeds.
 * Listings (EFFECT_LISTING) are not decided here: they look at many accounts, in the store.
 *
 * Every write that succeeds leaves in op->made_id what it made, and a repeat answers from it, from
 * the facts as they are now:
 *   updates.add        its audit row, as the first time
 *   usages.add, quotas.set
 *                      the usage and the quota; shown as they are now
 *                      In these three a resource type that has another name since is shown with
 *                      that, or, where nothing but the old name tells which it was, as the request
 *                      named it, without id
 *   usages.record, usages.report
 *                      the audit row; they answer nothing beyond success
 *   users.add, users.ensure
 *                      the user
 *   subscriptions.change, subscriptions.create, quotas.set_user
 *                      the subscription that was made, nil when the present one served. When it is
 *                      not among the facts (it has ended) a repeat shows the active one; without
 *                      one only the made id and the user, with plan NULL
 *   plans.*, resources.*, addons.*
 *                      the plan, resource type or add-on; one that is gone is NULL in out, as an
 *                      add-on after its deletion: made_id is all there is
 *   of the directory   the object that was made, or the task of what was changed; a repeat shows
 *                      the object as it is now, and nothing of one that is gone
 *   subscription_addons.*
 *                      the subscription add-on; of one that is gone only row.id is filled, and
 *                      addon and rate are NULL */
bool decide(struct decision *decision, struct op *op, struct arena *arena);

/* The kinds of rows of its account that an operation looks at, beside subscriptions, and that a
 * write changes in the ordinary course (account.h): who would lock them all would keep other
 * programs from rows that nobody is going to change. */
unsigned decide_rows(const struct op *op);

/* After the commit of a write of the directory: op holds this one and shows what it made. */
void decide_directory_show(struct op *op, struct directory *directory);

/* The failures of a lookup by id: "<before><id><after>". */
bool decide_unknown(struct qms_error *error, enum qms_code code, const char *before,
                    const struct uuid *id, const char *after);

/* An internal failure in the words of the operation's route; other failures stay. Returns false. */
bool decide_reword(struct qms_error *error, const char *text);

/* decide_subscription.c: parts shared by operations */

struct subscription_request {
    const struct plan *plan;
    int64_t start_us, end_us;  /* end 0: start + periods years (2.8) */
    int periods;               /* 0: 1; negative or above SUBSCRIPTION_PERIODS_MAX is refused */
    bool paid;
};

/* Inserts the user op->account if absent, ends or shifts the user's other subscriptions (2.9) and
 * makes the subscription with its quotas from the defaults active at the decision (2.4, 2.7), and,
 * where the settings say so, with what decide_carry.c brings. What can fail (no active rate, dates,
 * periods, sums) fails before the first change. */
bool subscription_create(struct decision *decision, struct op *op,
                         const struct subscription_request *request,
                         struct subscription **subscription);

/* The active one, or a new one to the default plan, unpaid, for one period (2.6). */
bool subscription_ensure(struct decision *decision, struct op *op,
                         struct subscription **subscription);

/* A new row of the account, with the plan, rate, dates and paid flag of another. */
struct subscription *subscription_insert(struct decision *decision, struct account *account,
                                         const struct subscription *like);

/* decide_applied.c: a new add-on of the subscription, with the add-on, rate, amount and paid flag
 * of another; the quota is the caller's. */
struct subscription_addon *subscription_addon_insert(struct decision *decision,
                                                     struct subscription *subscription,
                                                     const struct subscription_addon *like);

/* The plan that subscription_ensure() subscribes to; NULL with an error when it does not exist or
 * has no active rate (2.4). Changes nothing: for checks before the first change. */
const struct plan *subscription_default_plan(const struct decision *decision,
                                             struct qms_error *error);

/* The subscription's quota or usage of a resource type, made with value 0 if missing, listed as
 * changed and stamped: the caller writes the value. */
struct quantity *subscription_quantity(struct decision *decision,
                                       struct subscription *subscription, enum value_type type,
                                       const struct uuid *resource_type_id);

/* The subscription op->target_id of op->account; NULL with an error when nobody has it. */
struct subscription *subscription_target(const struct op *op, struct qms_error *error);

/* decide_carry.c: what there will be beside a new subscription [start, end) of those it replaces.
 * It is found before they are ended and shifted. */
struct remainder {
    const struct subscription *replaced; /* active when the new one begins, or now when that is
                                            past; NULL: there is none, or the setting is off */
    bool addons_go_on;                   /* it would not have ended by then */
    const struct subscription *longer;   /* begins no later and ends later, and goes on behind the
                                            new one until tail_end_us; NULL likewise */
    int64_t tail_end_us;
};
struct remainder remainder_find(const struct decision *decision, const struct account *account,
                                int64_t start_us, int64_t end_us);

/* Whether a quota can be raised by the add-ons that are carried over, with all its digits. */
bool remainder_fits(const struct decision *decision, const struct remainder *remainder,
                    const struct resource_type *resource_type, struct amount quota,
                    struct qms_error *error);

/* A subscription for what was left of the longer one, from start_us on: plan, rate, paid flag,
 * quotas, usages and add-ons as it has them now. */
void remainder_restore_tail(struct decision *decision, struct op *op,
                            const struct remainder *remainder, int64_t start_us);

/* The new subscription gets the usages of resources that are not consumable and the add-ons that
 * would have gone on, which raise its quotas. The replaced one keeps its rows, as history. */
void remainder_carry_over(struct decision *decision, struct op *op,
                          const struct remainder *remainder, struct subscription *to);

/* The metadata of an audit row that says what a subscription began with: of no other one. path: of
 * change_path(). Parsing fails for any other metadata. */
struct text carry_metadata(struct arena *arena, const struct uuid *to, struct text path);
bool carry_metadata_parse(struct text metadata, struct uuid *to);

/* decide_change.c: a change of one quota or usage, once its words have been understood */

struct change {
    struct subscription *subscription; /* NULL: the active one, made if missing (2.6) */
    const struct resource_type *resource_type;
    enum update_operation operation;
    enum value_type value_type;
    struct amount operand;
    int64_t effective_us;
    struct text metadata;
    const char *value_text; /* what an answer calls a sum that cannot be accepted */
};

/* The metadata of an audit row when the client gives none: the path and who asked (defects 16,
 * 17). */
struct text change_path(const struct decision *decision, const struct op *op);

/* Changes the row at once, whatever the effective date (9.1), and writes its audit row: the operand
 * as asked, but the difference applied where a quota stopped at 0. Every refusal comes before the
 * first change. */
bool change_apply(struct decision *decision, struct op *op, const struct change *change,
                  const struct quantity **changed, const struct update **audit);

/* Every operation is decided by a function of this kind. Those named _again answer a repeat of an
 * operation that succeeded before: op->replay is known and equal, op->made_id is what it made. */
typedef bool decide_function(struct decision *decision, struct op *op, struct arena *arena);

/* decide_change.c: OP_UPDATE_ADD, OP_USAGE_ADD, OP_USAGE_REPORT, OP_USAGE_RECORD */
decide_function decide_update_add, decide_update_add_again, decide_usage_add,
    decide_usage_add_again, decide_usage_report, decide_usage_record, decide_usage_record_again;

/* decide_resource.c: the resource type that a request names, by id or else by name; NULL with an
 * error when neither is given (the text says so), the id is malformed or there is no such type. */
const struct resource_type *resource_given(const struct decision *decision, struct text id,
                                           struct text name, const char *missing_text,
                                           struct qms_error *error);

/* decide_entry.c: checks that all writes of the catalogue share. Names and units are one line of
 * text, descriptions may have several; lists are bounded; rates are not negative, have a date, and
 * no two have the same. what: "the plan name"; owner: "plan". */
bool entry_name(const char *what, struct text name, struct qms_error *error);
bool entry_description(const char *what, struct text description, struct qms_error *error);
bool entry_count(const char *what, size_t count, struct qms_error *error);
bool entry_rates(const char *owner, const struct rate_input *rates, size_t count,
                 struct qms_error *error);
bool entry_rates_once(const struct rate_input *rates, size_t count, const char *text,
                      struct qms_error *error);

/* decide_quota.c: OP_QUOTA_SET, OP_QUOTA_SET_USER */
decide_function decide_quota_set, decide_quota_set_again, decide_quota_set_user;

/* decide_subscribe.c: OP_USER_ADD, OP_USER_ENSURE, OP_SUBSCRIPTION_CHANGE, OP_SUBSCRIPTION_CREATE;
 * a repeated OP_QUOTA_SET_USER is answered as a repeated change */
decide_function decide_user_add, decide_user_add_again, decide_user_ensure,
    decide_user_ensure_again, decide_subscription_change, decide_subscription_change_again,
    decide_subscription_create, decide_subscription_create_again;

/* decide_plan.c: OP_PLAN_*. A write answers its plan; a repeat the plan as it is now. Where the
 * words of the trees differ, OP_PLAN_ADD has those of op->v1, OP_PLAN_RATES_ADD and
 * OP_PLAN_DEFAULTS_ADD those of /v1, except that a replacing one has the messages'. The plan is
 * the one named, or without a name the one with the id. */
decide_function decide_plan_get, decide_plan_add, decide_plan_rate_active,
    decide_plan_defaults_active, decide_plan_rates_add, decide_plan_defaults_add,
    decide_plan_again;

/* decide_resource.c: OP_RESOURCE_* */
decide_function decide_resource_get, decide_resource_add, decide_resource_update,
    decide_resource_again;

/* decide_addon.c: OP_ADDON_ADD, OP_ADDON_UPDATE, OP_ADDON_DELETE */
decide_function decide_addon_add, decide_addon_update, decide_addon_delete, decide_addon_again;

/* decide_applied.c: OP_ADDON_APPLY, OP_APPLIED_* */
decide_function decide_addon_apply, decide_applied_list, decide_applied_get,
    decide_applied_update, decide_applied_delete, decide_applied_again;

/* decide_read.c: OP_SUMMARY_GET, OP_OVERAGE_LIST, OP_OVERAGE_CHECK, OP_USAGE_LIST, OP_USAGE_SHOW */
decide_function decide_summary, decide_overage_list, decide_overage_check, decide_usage_list,
    decide_usage_show;

/* decide.c: OP_PLAN_LIST, OP_RESOURCE_LIST, OP_ADDON_LIST: the answer is op->catalogue */
decide_function decide_catalogue_list;

/* decide_organization.c: OP_ORGANIZATION_* */
decide_function decide_organization_list, decide_organization_get, decide_organization_create,
    decide_organization_update, decide_organization_delete;

/* decide_cloud_user.c: OP_CLOUD_USER_*, OP_ROLE_LIST, OP_BINDING_* */
decide_function decide_cloud_user_list, decide_cloud_user_get, decide_cloud_user_create,
    decide_cloud_user_update, decide_cloud_user_delete, decide_role_list, decide_binding_list,
    decide_binding_create, decide_binding_delete;

/* decide_api_key.c: OP_API_KEY_* */
decide_function decide_api_key_list, decide_api_key_create, decide_api_key_revoke,
    decide_api_key_touch;

/* decide_connection.c: OP_CONNECTION_*, OP_DESCRIPTOR_GET */
decide_function decide_connection_list, decide_connection_get, decide_connection_create,
    decide_connection_assigned, decide_connection_manageable, decide_connection_unassign,
    decide_descriptor_get;

/* decide_environment.c: OP_ENVIRONMENT_* */
decide_function decide_environment_list, decide_environment_get, decide_environment_create,
    decide_environment_update, decide_environment_delete;

/* decide_cloud_quota.c, decide_cloud_quota_apply.c: OP_CLOUD_QUOTA_* */
decide_function decide_cloud_quota_list, decide_cloud_quota_get, decide_cloud_quota_create,
    decide_cloud_quota_update, decide_cloud_quota_delete, decide_cloud_quota_default,
    decide_cloud_quota_apply;

/* decide_directory.c: OP_TASK_GET; and repeats of all that write the directory: the object as it
 * is now, nothing of one that is gone, with the task of the first time. */
decide_function decide_task_get, decide_directory_again;

/* decide_view.c: copies for answers, in the arena given, so that the account may move on. */
void view_subscription(const struct decision *decision, const struct subscription *subscription,
                       struct arena *arena, struct subscription_view *view);
void view_quantity(const struct decision *decision, const struct quantity *quantity,
                   struct arena *arena, struct quantity_view *view);
void view_applied(const struct decision *decision, const struct subscription_addon *applied,
                  struct applied_view *view);
/* All add-ons of a subscription, by the add-on's name, then id; returns their number. */
size_t view_applieds(const struct decision *decision, const struct subscription_addon *first,
                     struct arena *arena, struct applied_view **views);
/* All rows of one list, ordered by the name of their resource type; returns their number. */
size_t view_quantities(const struct decision *decision, const struct quantity *first,
                       struct arena *arena, struct quantity_view **views);

#endif
