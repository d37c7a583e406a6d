/* model.h: what qms should answer and hold, written again, naively, from the rules alone: lists,
 * linear searches, whole thousandths, no cache and no undo. It shares no code with src/domain.
 * Copies: a batch works on a copy; what it commits becomes the truth, what it does not is dropped.
 *         trail and keys only grow, so copies share them and differ in their counts. */
#ifndef QMS_TESTS_SIM_MODEL_H
#define QMS_TESTS_SIM_MODEL_H

#include "domain/op.h"

enum {
    USERS = 5,
    TYPES = 5,
    PLANS = 7,
    ADDONS = 7,
    DATED_MAX = 24,        /* rates or defaults of one plan or add-on */
    LISTED_MAX = 3,        /* rates or defaults of one request */
    SUBSCRIPTIONS_MAX = 1200,
    APPLIED_MAX = 1200,
    TRAIL_MAX = 40000,
    KEYS_MAX = 20000,
    ANSWER_BYTES = 1536,
    NAME_BYTES = 24,
};

struct dated { /* a rate of a plan or an add-on, or a plan's default of a type */
    struct uuid id;
    int type;
    int64_t at_us, milli;
};

struct model_type {
    struct uuid id;
    char name[NAME_BYTES], unit[NAME_BYTES];
    bool consumable;
};

struct model_plan {
    struct uuid id;
    char name[NAME_BYTES];
    struct dated rates[DATED_MAX], defaults[DATED_MAX];
    int rate_count, default_count;
};

struct model_addon {
    struct uuid id;
    char name[NAME_BYTES];
    int type;
    int64_t milli;
    bool paid;
    struct dated rates[DATED_MAX];
    int rate_count;
};

struct model_value {
    bool is;
    int64_t milli;
};

struct model_subscription {
    struct uuid id, plan_id, rate_id;
    int user;
    int64_t start_us, end_us;
    bool paid;
    struct model_value values[2][TYPES + 1]; /* by enum value_type */
};

struct model_applied {
    struct uuid id, subscription_id, addon_id, rate_id;
    int64_t milli;
    bool paid;
};

struct model_user {
    bool exists;
    struct uuid id;
};

struct model_update {
    int user, type;
    bool quotas, set;
    int64_t milli, effective_us;
};

struct model_key {
    char key[NAME_BYTES];
    int principal, user; /* user -1: nobody's */
    enum operation operation;
    uint64_t content;
    struct uuid made_id;
    int64_t recorded_us;
};

struct model {
    bool reads_subscribe, report_overages, carries_over, restores_tails; /* settings */
    int type_count, plan_count, addon_count, subscription_count, applied_count, trail_count,
        key_count;
    struct model_user users[USERS];
    struct model_type types[TYPES + 1]; /* one more than is drawn */
    struct model_plan plans[PLANS + 1];
    struct model_addon addons[ADDONS + 1];
    struct model_applied applied[APPLIED_MAX];
    struct model_subscription subscriptions[SUBSCRIPTIONS_MAX];
};

extern struct model_update trail[TRAIL_MAX];
extern struct model_key keys[KEYS_MAX];

/* What a client asks: an operation without pointers. */
struct ask {
    enum operation operation;
    int user;
    struct uuid target;      /* the subscription, subscription add-on, plan, type or add-on */
    struct uuid addon_id;    /* of OP_ADDON_APPLY */
    char name[NAME_BYTES];   /* of a resource type, plan or add-on */
    char unit[NAME_BYTES];
    char word[NAME_BYTES];   /* "ADD", "SET" or something else */
    bool quotas, consumable, has_effective, has_start, has_end, has_paid, paid, force, replace;
    bool update_name, update_amount, update_paid, update_rates;
    int64_t milli, effective_us, start_us, end_us;
    int periods, listed;
    struct dated list[LISTED_MAX];
    char key[NAME_BYTES];    /* empty: none */
    int principal;
};

/* What was asked but for who asks and under which key. */
uint64_t ask_content(const struct ask *ask);

struct answer {
    enum qms_code code;
    char text[ANSWER_BYTES]; /* of a success: all that is promised of it, in words */
};

/* What was really decided, successfully. The model takes the ids of new rows from it, nothing
 * else. */
struct made {
    const struct op *op;
    const struct changes *changes;
};

void model_copy(struct model *to, const struct model *from);

/* Does and answers what was asked. made NULL: what was really decided has failed. */
void model_do(struct model *model, const struct ask *ask, int64_t now_us, const struct made *made,
              struct answer *answer);

/* model_catalogue.c: the writes of the catalogue, and its reads. */
enum qms_code model_catalogue(struct model *model, const struct ask *ask, int64_t now_us,
                              const struct made *made, char *text);

const char *user_name(int user);
int type_named(const struct model *model, const char *name); /* -1: none */
int type_with(const struct model *model, const struct uuid *id);
int plan_named(const struct model *model, const char *name);
int plan_with(const struct model *model, const struct uuid *id);
int addon_with(const struct model *model, const struct uuid *id);
const struct dated *dated_active(const struct dated *list, int count, int type, int64_t now_us);
bool addon_in_use(const struct model *model, const struct uuid *addon_id,
                  const struct uuid *rate_id); /* rate_id NULL: at any rate */

/* answer.c: texts of both sides. */
void put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3))); /* appends */
void put_milli(char *text, int64_t milli);
struct amount model_amount(int64_t milli);
void put_id(char *text, const struct uuid *id);
/* In words, what an operation has really answered. */
void answer_of(const struct op *op, struct answer *answer);
/* The same of the model's things. */
void put_subscription(char *text, const struct model *model,
                      const struct model_subscription *subscription, bool created);
void put_values(char *text, const struct model *model, const struct model_value *values);
void put_applied(char *text, const struct model *model, const struct model_applied *applied);
void put_applied_of(char *text, const struct model *model, const struct uuid *subscription_id);
void put_plan(char *text, const struct model *model, const struct model_plan *plan);
void put_type(char *text, const struct model_type *type);
void put_addon(char *text, const struct model *model, const struct model_addon *addon);

#endif
