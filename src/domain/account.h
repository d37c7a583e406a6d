/* account.h: the facts about one user: the subscriptions that can matter, their quotas and usages.
 * Invariant: facts never hold "the active" anything; what is active depends on a time.
 *            subscriptions holds every subscription of the user that ends at ends_from_us or later.
 * Rows:      dirty says what the open batch did to a row; only changes.c writes it.
 * Ownership: an account and its rows live in the account's own arena. */
#ifndef QMS_DOMAIN_ACCOUNT_H
#define QMS_DOMAIN_ACCOUNT_H

#include "base/arena.h"
#include "base/uuid.h"
#include "domain/amount.h"
#include "domain/catalogue.h"
#include "domain/date.h"

enum row_state { ROW_CLEAN, ROW_INSERTED, ROW_CHANGED, ROW_DELETED };

struct stamps { /* the audit columns (qms-data-model, Triggers) */
    struct text created_by, last_modified_by;
    int64_t created_us, last_modified_us;
};

/* A row of quotas or of usages; the two tables have the same columns. */
struct quantity {
    struct quantity *next;
    struct subscription *subscription;
    struct uuid id;
    struct uuid resource_type_id;
    struct amount value;
    struct stamps stamps;
    bool inexact; /* stored with more than 34 digits: shown rounded, accepts only SET */
    enum row_state dirty;
};

struct subscription_addon {
    struct subscription_addon *next;
    struct subscription *subscription;
    struct uuid id, addon_id, addon_rate_id;
    struct amount amount;
    bool paid;
    enum row_state dirty;
};

struct subscription {
    struct subscription *next;
    struct account *account;
    struct uuid id, plan_id, plan_rate_id;
    int64_t start_us;
    int64_t end_us; /* TIME_NEVER: null in the store, runs for ever */
    bool paid;
    struct quantity *quotas, *usages; /* at most one per resource type */
    struct subscription_addon *addons;
    enum row_state dirty;
};

/* Kinds of rows of an account, in the order in which stores lock them. */
enum account_rows {
    ROWS_SUBSCRIPTIONS = 1 << 0,
    ROWS_QUOTAS = 1 << 1,
    ROWS_USAGES = 1 << 2,
    ROWS_ADDONS = 1 << 3,
    ROWS_ALL = (1 << 4) - 1,
};

struct account {
    struct text username;
    struct uuid user_id; /* meaningful when exists, or once inserted by the open batch */
    bool exists;         /* a row in users is stored, or will be with the open batch */
    enum row_state dirty;
    unsigned writable;   /* the kinds of rows that may be changed in the open transaction; load
                            locks them and the user for that. Others are facts of one moment */
    unsigned needed;     /* the kinds of rows that load has to bring beside subscriptions; others
                            may be missing where a store has to fetch them */
    int64_t ends_from_us;
    int64_t want_from_us; /* before a load: subscriptions ending at this time or later are wanted,
                             beside all that have not ended; TIME_NEVER: only those */
    struct subscription *subscriptions;
    struct arena arena;

    /* the engine's: cache links and the batch that holds it */
    struct account *hash_next, *newer, *older;
    uint64_t batch;      /* number of the last batch that had it */
    bool loaded;
    bool broken;         /* set by load: a stored row cannot be read (a foreign NaN, a bad id); the
                            rows here are incomplete and every operation on it is INTERNAL */
    bool busy;           /* set by load: somebody else holds its rows locked; it is not loaded */
    bool put_off;        /* a change was, in the open batch; what comes after it has to be too */
    bool held;           /* being loaded, or touched by the open batch and not yet committed */
};

void account_init(struct account *account, struct text username); /* copies the name */
void account_close(struct account *account);
/* Forgets all rows, keeps the name: the account is as if never loaded. */
void account_forget(struct account *account);

/* For qsort(): of pointers to accounts, by user name. */
int account_order(const void *left, const void *right);

/* The active subscription at a time: start <= at <= end; of several the latest start, then the
 * smallest id (2.5). One of no length is what a newer one has left over (2.9) and comes last: both
 * hold the instant of the change. NULL if there is none. */
struct subscription *subscription_active(const struct account *account, int64_t at_us);

struct subscription *subscription_find(const struct account *account, const struct uuid *id);

struct quantity *quantity_find(struct quantity *first, const struct uuid *resource_type_id);

#endif
