/* The rules of accounts (spec sections 2, 3, 6 to 10, 12), as simply as they can be said. */
#include "sim/model.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "base/hash.h"

enum { USAGES = VALUE_USAGES, QUOTAS = VALUE_QUOTAS };

struct model_update trail[TRAIL_MAX];
struct model_key keys[KEYS_MAX];

void model_copy(struct model *to, const struct model *from) {
    memcpy(to, from, offsetof(struct model, applied));
    memcpy(to->applied, from->applied, (size_t)from->applied_count * sizeof *from->applied);
    memcpy(to->subscriptions, from->subscriptions,
           (size_t)from->subscription_count * sizeof *from->subscriptions);
}

uint64_t ask_content(const struct ask *ask) {
    struct ask bare = *ask;
    memset(bare.key, 0, sizeof bare.key);
    bare.principal = 0;
    return hash_add(HASH_BASIS, &bare, sizeof bare);
}

const char *user_name(int user) {
    static const char *const names[USERS] = {"ada", "bob", "cyd", "dora", "eve"};
    return names[user];
}

static int64_t years_later(int64_t at_us, int years) {
    time_t seconds = (time_t)(at_us / 1000000);
    struct tm date;
    gmtime_r(&seconds, &date);
    date.tm_year += years; /* timegm() makes 1 March of 29 February where there is none */
    return (int64_t)timegm(&date) * 1000000 + at_us % 1000000;
}

const struct dated *dated_active(const struct dated *list, int count, int type, int64_t now_us) {
    const struct dated *active = NULL;
    for (int i = 0; i < count; i++) {
        if (list[i].type != type || list[i].at_us > now_us) continue;
        if (active == NULL || list[i].at_us > active->at_us) active = &list[i];
    }
    return active;
}

/* ---- finding ---- */

static struct model_subscription *subscription_with(struct model *model, const struct uuid *id) {
    for (int i = 0; i < model->subscription_count; i++)
        if (uuid_equal(&model->subscriptions[i].id, id)) return &model->subscriptions[i];
    return NULL;
}

static struct model_applied *applied_with(struct model *model, const struct uuid *id) {
    for (int i = 0; i < model->applied_count; i++)
        if (uuid_equal(&model->applied[i].id, id)) return &model->applied[i];
    return NULL;
}

static struct model_subscription *active_of(struct model *model, int user, int64_t at_us,
                                            bool of_no_length) {
    struct model_subscription *best = NULL;
    for (int i = 0; i < model->subscription_count; i++) {
        struct model_subscription *each = &model->subscriptions[i];
        if (each->user != user || each->start_us > at_us || each->end_us < at_us) continue;
        if ((each->start_us == each->end_us) != of_no_length) continue;
        if (best == NULL || each->start_us > best->start_us ||
            (each->start_us == best->start_us && uuid_compare(&each->id, &best->id) < 0))
            best = each;
    }
    return best;
}

static struct model_subscription *active(struct model *model, int user, int64_t at_us) {
    struct model_subscription *found = active_of(model, user, at_us, false);
    return found != NULL ? found : active_of(model, user, at_us, true);
}

static int64_t default_of(const struct model *model, int plan, int type, int64_t now_us) {
    if (plan < 0 || type < 0) return 0;
    const struct dated *found = dated_active(model->plans[plan].defaults,
                                             model->plans[plan].default_count, type, now_us);
    return found == NULL ? 0 : found->milli;
}

static int64_t rank_of(const struct model *model, int plan, int64_t now_us) {
    return default_of(model, plan, type_named(model, "cpu.hours"), now_us);
}

/* ---- what a new subscription takes over, where the settings say so ---- */

static int64_t later(int64_t left_us, int64_t right_us) {
    return left_us > right_us ? left_us : right_us;
}

static void record(struct model *model, const struct model_subscription *row, int type, int kind,
                   bool set, int64_t milli, int64_t effective_us) {
    assert(model->trail_count < TRAIL_MAX);
    trail[model->trail_count++] = (struct model_update){
        .user = row->user, .type = type, .quotas = kind == QUOTAS, .set = set, .milli = milli,
        .effective_us = effective_us};
}

/* The id of the row that was really made for it, as for a subscription. */
static void adopt_applied_id(struct model *model, struct model_applied *row,
                             const struct made *made) {
    if (made == NULL) return;
    const struct subscription *real = made->op->account->subscriptions;
    while (real != NULL && !uuid_equal(&real->id, &row->subscription_id)) real = real->next;
    for (const struct subscription_addon *each = real == NULL ? NULL : real->addons; each != NULL;
         each = each->next)
        if (uuid_equal(&each->addon_id, &row->addon_id) && applied_with(model, &each->id) == NULL &&
            uuid_equal(&each->addon_rate_id, &row->rate_id) && each->paid == row->paid &&
            amount_compare(each->amount, model_amount(row->milli)) == 0)
            row->id = each->id;
}

static void take_values(struct model *model, const struct model_subscription *from,
                        struct model_subscription *to, int kind, bool only_occupied,
                        int64_t now_us) {
    for (int type = 0; type < model->type_count; type++) {
        struct model_value value = from->values[kind][type];
        if (!value.is || (only_occupied && model->types[type].consumable)) continue;
        to->values[kind][type] = value;
        record(model, to, type, kind, true, value.milli, later(to->start_us, now_us));
    }
}

static void take_addons(struct model *model, const struct uuid *from,
                        struct model_subscription *to, bool raise, int64_t now_us,
                        const struct made *made) {
    for (int i = 0, count = model->applied_count; i < count; i++) {
        if (!uuid_equal(&model->applied[i].subscription_id, from)) continue;
        struct model_applied row = model->applied[i];
        int type = model->addons[addon_with(model, &row.addon_id)].type;
        struct model_value *quota = &to->values[QUOTAS][type];
        if (raise) {
            record(model, to, type, QUOTAS, false, row.milli, later(to->start_us, now_us));
            *quota = (struct model_value){.is = true, .milli = quota->milli + row.milli};
        }
        row.id = (struct uuid){0};
        row.subscription_id = to->id;
        adopt_applied_id(model, &row, made);
        assert(model->applied_count < APPLIED_MAX);
        model->applied[model->applied_count++] = row;
    }
}

/* ---- subscribing ---- */

static void make_user(struct model *model, int user, const struct made *made) {
    if (model->users[user].exists) return;
    model->users[user].exists = true;
    if (made != NULL) model->users[user].id = made->op->account->user_id;
}

/* 2.9, one rule after the other. */
static void clear_window(struct model *model, int user, int64_t start_us, int64_t end_us) {
    for (int rule = 1; rule <= 3; rule++) {
        for (int i = 0; i < model->subscription_count; i++) {
            struct model_subscription *each = &model->subscriptions[i];
            if (each->user != user) continue;
            if (rule == 1 && each->start_us <= start_us && each->end_us > start_us)
                each->end_us = start_us;
            if (rule == 2 && each->start_us >= start_us && each->start_us < end_us &&
                each->end_us > end_us)
                each->start_us = end_us;
            if (rule == 3 && each->start_us >= start_us && each->end_us <= end_us)
                each->end_us = each->start_us;
        }
    }
}

/* The id of the row that was really made for it. */
static void adopt_id(struct model *model, struct model_subscription *row, const struct made *made) {
    if (made == NULL) return;
    for (const struct subscription *each = made->op->account->subscriptions; each != NULL;
         each = each->next)
        if (each->start_us == row->start_us && each->end_us == row->end_us &&
            subscription_with(model, &each->id) == NULL)
            row->id = each->id;
}

static struct model_subscription *insert(struct model *model, struct model_subscription row,
                                         const struct made *made) {
    assert(model->subscription_count < SUBSCRIPTIONS_MAX);
    adopt_id(model, &row, made);
    model->subscriptions[model->subscription_count] = row;
    return &model->subscriptions[model->subscription_count++];
}

static enum qms_code subscribe(struct model *model, int user, int plan, int64_t start_us,
                               int64_t end_us, int periods, bool paid, int64_t now_us,
                               const struct made *made, struct model_subscription **row) {
    const struct model_plan *of = &model->plans[plan];
    const struct dated *rate = dated_active(of->rates, of->rate_count, 0, now_us);
    if (rate == NULL) return QMS_BAD_REQUEST;
    int64_t from_us = later(start_us, now_us);
    struct model_subscription *replaced = model->carries_over ? active(model, user, from_us) : NULL;
    struct model_subscription *longer = model->restores_tails ? active(model, user, end_us) : NULL;
    if (replaced != NULL && replaced->start_us == replaced->end_us) replaced = NULL;
    if (longer != NULL && (longer->start_us > start_us || longer->end_us <= end_us)) longer = NULL;
    bool addons_go_on = replaced != NULL && replaced->end_us > from_us;
    int64_t tail_end_us = longer == NULL ? 0 : longer->end_us;
    make_user(model, user, made);
    clear_window(model, user, start_us, end_us);
    if (longer != NULL) {
        struct model_subscription tail = {
            .user = user, .plan_id = longer->plan_id, .rate_id = longer->rate_id,
            .start_us = end_us, .end_us = tail_end_us, .paid = longer->paid};
        struct model_subscription *to = insert(model, tail, made);
        take_values(model, longer, to, QUOTAS, false, now_us);
        take_values(model, longer, to, USAGES, false, now_us);
        take_addons(model, &longer->id, to, false, now_us, made);
    }
    struct model_subscription begun = {.user = user, .plan_id = of->id, .rate_id = rate->id,
                                       .start_us = start_us, .end_us = end_us, .paid = paid};
    *row = insert(model, begun, made);
    for (int type = 0; type < model->type_count; type++) {
        const struct dated *given =
            dated_active(of->defaults, of->default_count, type, now_us);
        if (given == NULL) continue;
        int64_t milli = given->milli * (model->types[type].consumable ? periods : 1);
        (*row)->values[QUOTAS][type] = (struct model_value){.is = true, .milli = milli};
    }
    if (replaced != NULL) take_values(model, replaced, *row, USAGES, true, now_us);
    if (addons_go_on) take_addons(model, &replaced->id, *row, true, now_us, made);
    return QMS_OK;
}

static enum qms_code ensure(struct model *model, int user, int64_t now_us, const struct made *made,
                            struct model_subscription **row, bool *created) {
    *row = active(model, user, now_us);
    *created = *row == NULL;
    if (!*created) return QMS_OK;
    int plan = plan_named(model, "Basic");
    if (plan < 0) return QMS_INTERNAL;
    enum qms_code code = subscribe(model, user, plan, now_us, years_later(now_us, 1), 1, false,
                                   now_us, made, row);
    return code == QMS_OK ? QMS_OK : QMS_INTERNAL;
}

/* Periods and dates as users.add, subscriptions.change and .create take them (2.7, 2.8). */
static enum qms_code window_of(const struct ask *ask, int64_t now_us, int64_t *start_us,
                               int64_t *end_us, int *periods) {
    if (ask->periods < 0 || ask->periods > 10) return QMS_BAD_REQUEST;
    *periods = ask->periods == 0 ? 1 : ask->periods;
    *start_us = ask->has_start ? ask->start_us : now_us;
    *end_us = ask->has_end ? ask->end_us : years_later(*start_us, *periods);
    return *start_us >= *end_us || *end_us <= now_us ? QMS_BAD_REQUEST : QMS_OK;
}

static struct model_subscription *best_overlapping(struct model *model, int user, int64_t start_us,
                                                   int64_t end_us, int64_t now_us) {
    struct model_subscription *best = NULL;
    for (int i = 0; i < model->subscription_count; i++) {
        struct model_subscription *each = &model->subscriptions[i];
        if (each->user != user || each->start_us == each->end_us) continue;
        if (each->start_us >= end_us || each->end_us <= start_us) continue;
        if (best != NULL) {
            int64_t mine = rank_of(model, plan_with(model, &each->plan_id), now_us);
            int64_t other = rank_of(model, plan_with(model, &best->plan_id), now_us);
            if (mine < other) continue;
            if (mine == other && each->start_us < best->start_us) continue;
            if (mine == other && each->start_us == best->start_us &&
                uuid_compare(&each->id, &best->id) > 0)
                continue;
        }
        best = each;
    }
    return best;
}

static enum qms_code subscribe_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                     const struct made *made, char *text) {
    int64_t start_us, end_us;
    int periods, plan = plan_named(model, ask->name);
    struct model_subscription *present = active(model, ask->user, now_us), *row = NULL;
    bool paid = ask->paid, creates = true;
    if (ask->operation == OP_SUBSCRIPTION_CREATE && !ask->has_paid) return QMS_BAD_REQUEST;
    if (window_of(ask, now_us, &start_us, &end_us, &periods) != QMS_OK) return QMS_BAD_REQUEST;
    if (plan < 0) return QMS_BAD_REQUEST;
    if (ask->operation == OP_USER_ADD && !ask->force)
        creates = present == NULL || !uuid_equal(&present->plan_id, &model->plans[plan].id);
    if (ask->operation == OP_SUBSCRIPTION_CHANGE && !ask->has_paid) {
        struct model_subscription *replaced = active(model, ask->user, start_us);
        paid = replaced != NULL && replaced->paid;
    }
    if (ask->operation == OP_SUBSCRIPTION_CREATE && !ask->force) {
        row = best_overlapping(model, ask->user, start_us, end_us, now_us);
        creates = row == NULL || rank_of(model, plan_with(model, &row->plan_id), now_us) <
                                     rank_of(model, plan, now_us);
    }
    if (creates) {
        enum qms_code code = subscribe(model, ask->user, plan, start_us, end_us, periods, paid,
                                       now_us, made, &row);
        if (code != QMS_OK) return code;
    }
    if (ask->operation == OP_USER_ADD)
        put(text, "user %s plan %s", user_name(ask->user), ask->name);
    else put_subscription(text, model, row, creates);
    return QMS_OK;
}

/* ---- quotas and usages ---- */

/* 7, 8, 9 and 12: of this subscription, or of the active one, made if there is none. */
static enum qms_code change(struct model *model, int user, struct model_subscription **row,
                            int kind, int type, bool set, int64_t milli, int64_t effective_us,
                            int64_t now_us, const struct made *made, bool *created) {
    *created = false;
    if (set && milli < 0) return QMS_BAD_REQUEST;
    if (*row == NULL) *row = active(model, user, now_us);
    if (*row == NULL) {
        if (kind == USAGES && milli < 0) return QMS_BAD_REQUEST; /* below 0 */
        enum qms_code code = ensure(model, user, now_us, made, row, created);
        if (code != QMS_OK) return code;
    }
    struct model_value *value = &(*row)->values[kind][type];
    int64_t before = value->milli, after = set ? milli : before + milli, recorded = milli;
    if (after < 0 && kind == USAGES && milli < 0) return QMS_BAD_REQUEST;
    if (after < 0 && milli < 0) {
        after = 0;
        recorded = -before;
    }
    *value = (struct model_value){.is = true, .milli = after};
    record(model, *row, type, kind, set, recorded, effective_us);
    return QMS_OK;
}

static enum qms_code change_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                  const struct made *made, char *text) {
    int type = type_named(model, ask->name);
    bool set = strcmp(ask->word, "SET") == 0, is_update = ask->operation == OP_UPDATE_ADD;
    bool is_report = ask->operation == OP_USAGE_REPORT, created;
    int kind = is_update && ask->quotas ? QUOTAS : USAGES;
    int64_t effective_us = ask->has_effective && !is_report ? ask->effective_us : now_us;
    struct model_subscription *row = NULL;
    if (type < 0 || (!set && strcmp(ask->word, "ADD") != 0)) return QMS_BAD_REQUEST;
    if (is_update && strcmp(ask->unit, model->types[type].unit) != 0) return QMS_BAD_REQUEST;
    if (is_update && !ask->has_effective) return QMS_BAD_REQUEST;
    if (effective_us > now_us + 5 * INT64_C(60000000)) return QMS_BAD_REQUEST;
    if (is_report && ask->milli < 0) return QMS_BAD_REQUEST;
    enum qms_code code = change(model, ask->user, &row, kind, type, set, ask->milli, effective_us,
                                now_us, made, &created);
    if (code != QMS_OK) return code;
    if (is_update) {
        put(text, "%s %s %s ", ask->word, kind == QUOTAS ? "quotas" : "usages", ask->name);
        put_milli(text, ask->milli);
    } else if (ask->operation == OP_USAGE_ADD) {
        put(text, "%s ", ask->name);
        put_milli(text, row->values[kind][type].milli);
        put(text, " of ");
        put_id(text, &row->id);
    }
    return QMS_OK;
}

static enum qms_code quota_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                 const struct made *made, char *text) {
    int type = type_named(model, ask->name);
    bool of_user = ask->operation == OP_QUOTA_SET_USER, created;
    struct model_subscription *row = NULL;
    if (type < 0 || ask->milli < 0) return QMS_BAD_REQUEST;
    if (!of_user && (row = subscription_with(model, &ask->target)) == NULL) return QMS_NOT_FOUND;
    int user = of_user ? ask->user : row->user;
    enum qms_code code = change(model, user, &row, QUOTAS, type, true, ask->milli, now_us, now_us,
                                made, &created);
    if (code != QMS_OK) return code;
    if (of_user) {
        put_subscription(text, model, row, created);
        return QMS_OK;
    }
    put(text, "%s ", ask->name);
    put_milli(text, ask->milli);
    put(text, " of ");
    put_id(text, &row->id);
    return QMS_OK;
}

/* ---- subscription add-ons ---- */

static enum qms_code raise_quota(struct model *model, const struct uuid *subscription_id,
                                 const struct model_addon *addon, int64_t milli, int64_t now_us) {
    struct model_subscription *row = subscription_with(model, subscription_id);
    bool created;
    if (milli == 0) return QMS_OK;
    return change(model, row->user, &row, QUOTAS, addon->type, false, milli, now_us, now_us, NULL,
                  &created);
}

static enum qms_code apply_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                 const struct made *made, char *text) {
    int at = addon_with(model, &ask->addon_id);
    if (at < 0 || subscription_with(model, &ask->target) == NULL) return QMS_NOT_FOUND;
    const struct model_addon *addon = &model->addons[at];
    const struct dated *rate = dated_active(addon->rates, addon->rate_count, 0, now_us);
    if (rate == NULL) return QMS_BAD_REQUEST;
    raise_quota(model, &ask->target, addon, addon->milli, now_us);
    assert(model->applied_count < APPLIED_MAX);
    struct model_applied *row = &model->applied[model->applied_count++];
    *row = (struct model_applied){.subscription_id = ask->target, .addon_id = addon->id,
                                  .rate_id = rate->id, .milli = addon->milli,
                                  .paid = addon->paid};
    if (made != NULL) row->id = made->op->made_id;
    put_applied(text, model, row);
    return QMS_OK;
}

static enum qms_code applied_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                   char *text) {
    struct model_applied *row = applied_with(model, &ask->target);
    if (row == NULL) return QMS_NOT_FOUND;
    const struct model_addon *addon = &model->addons[addon_with(model, &row->addon_id)];
    if (ask->operation == OP_APPLIED_UPDATE) {
        if (ask->update_amount && ask->milli < 0) return QMS_BAD_REQUEST;
        if (ask->update_amount) {
            raise_quota(model, &row->subscription_id, addon, ask->milli - row->milli, now_us);
            row->milli = ask->milli;
        }
        if (ask->update_paid) row->paid = ask->paid;
    }
    put_applied(text, model, row);
    if (ask->operation == OP_APPLIED_DELETE) {
        raise_quota(model, &row->subscription_id, addon, -row->milli, now_us);
        *row = model->applied[--model->applied_count];
    }
    return QMS_OK;
}

/* ---- reads ---- */

static enum qms_code overages_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                    char *text) {
    struct model_subscription *row = active(model, ask->user, now_us);
    struct model_value over[TYPES + 1] = {{0}};
    for (int type = 0; type < model->type_count && row != NULL && model->report_overages; type++) {
        struct model_value usage = row->values[USAGES][type], quota = row->values[QUOTAS][type];
        if (usage.is && quota.is && usage.milli >= quota.milli) over[type] = usage;
    }
    int type = type_named(model, ask->name);
    if (ask->operation == OP_OVERAGE_LIST) put_values(text, model, over);
    else put(text, type >= 0 && over[type].is ? "over" : "not over");
    return QMS_OK;
}

static enum qms_code read_asked(struct model *model, const struct ask *ask, int64_t now_us,
                                const struct made *made, char *text) {
    struct model_subscription *row = active(model, ask->user, now_us);
    bool created;
    if (ask->operation != OP_USAGE_LIST) {
        if (row == NULL && !model->reads_subscribe) return QMS_NOT_FOUND;
        enum qms_code code = ensure(model, ask->user, now_us, made, &row, &created);
        if (code != QMS_OK) return code;
    }
    if (ask->operation == OP_SUMMARY_GET) put_subscription(text, model, row, false);
    else if (row != NULL) put_values(text, model, row->values[USAGES]);
    return QMS_OK;
}

/* ---- all of them ---- */

static enum qms_code do_first(struct model *model, const struct ask *ask, int64_t now_us,
                              const struct made *made, char *text) {
    struct model_subscription *row;
    bool created;
    enum qms_code code;
    switch (ask->operation) {
    case OP_USER_ADD:
    case OP_SUBSCRIPTION_CHANGE:
    case OP_SUBSCRIPTION_CREATE: return subscribe_asked(model, ask, now_us, made, text);
    case OP_USER_ENSURE:
        code = ensure(model, ask->user, now_us, made, &row, &created);
        put(text, "user %s plan ", user_name(ask->user));
        return code;
    case OP_UPDATE_ADD:
    case OP_USAGE_ADD:
    case OP_USAGE_REPORT:
    case OP_USAGE_RECORD: return change_asked(model, ask, now_us, made, text);
    case OP_QUOTA_SET:
    case OP_QUOTA_SET_USER: return quota_asked(model, ask, now_us, made, text);
    case OP_ADDON_APPLY: return apply_asked(model, ask, now_us, made, text);
    case OP_APPLIED_LIST: put_applied_of(text, model, &ask->target); return QMS_OK;
    case OP_APPLIED_GET:
    case OP_APPLIED_UPDATE:
    case OP_APPLIED_DELETE: return applied_asked(model, ask, now_us, text);
    case OP_OVERAGE_LIST:
    case OP_OVERAGE_CHECK: return overages_asked(model, ask, now_us, text);
    case OP_SUMMARY_GET:
    case OP_USAGE_SHOW:
    case OP_USAGE_LIST: return read_asked(model, ask, now_us, made, text);
    default: return model_catalogue(model, ask, now_us, made, text);
    }
}

/* Whose key it is: a subscription add-on may be gone, so its keys are nobody's. */
static int key_user(struct model *model, const struct ask *ask) {
    struct model_subscription *row;
    switch (operation_target(ask->operation)) {
    case TARGET_USER: return ask->user;
    case TARGET_SUBSCRIPTION:
        row = subscription_with(model, &ask->target);
        return row == NULL ? -1 : row->user;
    default: return -1;
    }
}

static const struct model_key *key_find(const struct model *model, const struct model_key *like) {
    for (int i = model->key_count - 1; i >= 0; i--) {
        const struct model_key *each = &keys[i];
        if (strcmp(each->key, like->key) == 0 && each->principal == like->principal &&
            each->user == like->user && each->operation == like->operation)
            return each;
    }
    return NULL;
}

static bool key_is_kept(const struct model_key *key, int64_t now_us) {
    return key->operation == OP_USAGE_RECORD ||
           key->recorded_us >= now_us - 35 * INT64_C(86400000000);
}

void model_do(struct model *model, const struct ask *ask, int64_t now_us, const struct made *made,
              struct answer *answer) {
    bool keyed = ask->key[0] != '\0' && operation_effect(ask->operation) == EFFECT_WRITE;
    struct model_key key = {.operation = ask->operation, .content = ask_content(ask),
                            .user = key_user(model, ask), .recorded_us = now_us};
    snprintf(key.key, sizeof key.key, "%s", ask->key);
    if (ask->operation != OP_USAGE_RECORD) key.principal = ask->principal;
    answer->text[0] = '\0';
    const struct model_key *known = keyed ? key_find(model, &key) : NULL;
    if (known != NULL && key_is_kept(known, now_us)) {
        answer->code = known->content == key.content ? QMS_OK : QMS_CONFLICT;
        if (answer->code == QMS_OK) {
            put(answer->text, "again ");
            put_id(answer->text, &known->made_id);
        }
        return;
    }
    answer->code = do_first(model, ask, now_us, made, answer->text);
    if (answer->code != QMS_OK) answer->text[0] = '\0';
    if (answer->code != QMS_OK || !keyed) return;
    if (made != NULL) key.made_id = made->op->made_id;
    assert(model->key_count < KEYS_MAX);
    keys[model->key_count++] = key;
}
