/* changes.h: everything one batch will write, collected while it decides.
 * Invariant: an operation changes facts completely or not at all: changes_begin() sets a mark, and
 *            changes_undo() puts every row touched since the mark back as it was.
 *            A row appears once in its list however often it is changed: writes are coalesced.
 * Threads:   the engine thread. Ownership: lists and undo copies lie in the batch's arena. */
#ifndef QMS_DOMAIN_CHANGES_H
#define QMS_DOMAIN_CHANGES_H

#include "domain/account.h"
#include "domain/catalogue_rows.h"
#include "domain/directory_rows.h"
#include "domain/operations.h"

enum value_type { VALUE_QUOTAS, VALUE_USAGES };
const char *value_type_name(enum value_type type); /* "quotas", "usages" */
/* Both spellings are in use: the reference's plural, and the singular its seeds describe. */
bool value_type_named(struct text name, enum value_type *type);

/* A row of the audit trail, table updates. */
struct update {
    struct uuid id;
    enum update_operation operation;
    enum value_type value_type;
    struct amount value; /* the operand, or the difference applied where it was clamped */
    struct uuid resource_type_id;
    int64_t effective_us;
    const struct account *account; /* its user_id is set by the time the row is saved */
    struct text metadata;
};

/* What is remembered of an operation that carried a key. */
struct replay {
    struct replay *next;          /* the batch's */
    struct text key;              /* as the client sent it */
    struct text principal;        /* whose key it is; empty: everybody's, as the id of a usage is */
    const struct account *account; /* NULL: an operation on the catalogue or on a subscription
                                      add-on, which may be gone when it is repeated */
    enum operation operation;
    bool expires;                 /* a request's key: kept 35 days; an item's id: for ever */
    uint8_t content[32];          /* SHA-256 of the decoded operation */
    struct uuid made_id;          /* the audit row or what else it made, to rebuild the answer */
    int64_t recorded_us;
    bool known;                   /* stored, or made by the open batch */
    bool broken;                  /* set by load: it is stored but cannot be read; not known */
    enum row_state dirty;
};

const struct uuid *replay_user(const struct replay *replay); /* nil: nobody's */

struct change_list {
    void **rows;
    size_t count, capacity;
};

struct changes {
    struct arena *arena;
    struct change_list accounts;      /* struct account *: users to insert */
    struct change_list subscriptions; /* struct subscription *: inserted or changed */
    struct change_list addons_applied; /* struct subscription_addon *: inserted, changed, deleted */
    struct change_list quotas;        /* struct quantity * */
    struct change_list usages;        /* struct quantity * */
    struct change_list updates;       /* struct update *: always inserted */
    struct change_list replays;       /* struct replay *: always inserted */
    /* the catalogue's (catalogue_rows.h); an operation that writes them is alone in its batch */
    struct change_list plans;          /* struct plan_row * */
    struct change_list plan_rates;     /* struct rate_row * */
    struct change_list quota_defaults; /* struct quota_default_row * */
    struct change_list resource_types; /* struct resource_type_row * */
    struct change_list addons;         /* struct addon_row * */
    struct change_list addon_rates;    /* struct rate_row * */
    /* the directory's (directory_rows.h), likewise; a row appears once */
    struct change_list directory[DIRECTORY_KIND_COUNT];
    int64_t directory_version; /* that they were decided on: saved only if it is still that */
    bool must_lock; /* the operation wants to change rows that are not locked (account.writable) */
    struct change_undo *undo;
    struct changes_mark {
        size_t accounts, subscriptions, addons_applied, quotas, usages, updates, replays;
    } mark;
};

void changes_init(struct changes *changes, struct arena *arena);
bool changes_empty(const struct changes *changes);

void changes_begin(struct changes *changes); /* a new operation starts: remember this state */
void changes_undo(struct changes *changes);  /* the operation failed: back to that state */

/* How rows are written, so that an operation can be undone:
 *   change a row      call changes_subscription/_quota/_usage(..., ROW_CHANGED), then write it. A
 *                     row that the batch inserted stays an insertion. Calling again is harmless.
 *   add a quota or a usage
 *                     fill in the new row with dirty ROW_CLEAN and its subscription set; call
 *                     changes_subscription_rows() for that subscription; put the row at the head of
 *                     its list; call changes_quota/_usage(..., ROW_INSERTED), once.
 *   add a subscription
 *                     likewise, with changes_account_rows() and changes_subscription().
 *   add the user      call changes_account_insert(), then set user_id and exists.
 *   remember an operation
 *                     call changes_replay(), then write the replay and set known.
 * A stored row may be changed when its kind is in account->writable. A stored user gets a new
 * subscription, and a stored subscription a new row, when ROWS_SUBSCRIPTIONS are. Else must_lock is
 * set, and the operation has to be undone.
 * dirty is written by these functions only. Memory taken for new rows is not given back by undo. */
void changes_account_insert(struct changes *changes, struct account *account);
void changes_subscription(struct changes *changes, struct subscription *subscription,
                          enum row_state state);
void changes_quota(struct changes *changes, struct quantity *quota, enum row_state state);
void changes_usage(struct changes *changes, struct quantity *usage, enum row_state state);
/* Add at the head of the subscription's list (after changes_subscription_rows()), change, or with
 * ROW_DELETED, take out of the list: after changes_subscription_rows(), or, when it is not the
 * first, changes_addon_link() of the row before it. Insertion and deletion of one row never meet
 * in a batch: nobody learns a row's id before its batch has committed. */
void changes_addon_applied(struct changes *changes, struct subscription_addon *addon,
                           enum row_state state);
void changes_update(struct changes *changes, struct update *update);
void changes_replay(struct changes *changes, struct replay *replay);

/* Makes the heads of the row's lists restorable; the row itself is not listed for saving. */
void changes_account_rows(struct changes *changes, struct account *account);
void changes_subscription_rows(struct changes *changes, struct subscription *subscription);
void changes_addon_link(struct changes *changes, struct subscription_addon *addon);

/* A row of the catalogue, in the list of its kind; it is not undone: what can fail fails before. */
void changes_catalogue(struct changes *changes, struct change_list *list, void *row);
/* True when the batch writes the catalogue. */
bool changes_catalogue_any(const struct changes *changes);

/* The same for the directory. row begins as a struct directory_row; its state is set to state. */
void changes_directory(struct changes *changes, enum directory_kind kind, void *row,
                       enum row_state state);
bool changes_directory_any(const struct changes *changes);

/* After the commit: every listed row is clean again. The lists stay until changes_init(). */
void changes_committed(struct changes *changes);

#endif
