/* store_postgres.h: what the parts of the PostgreSQL store share; only they include it.
 *   store_postgres.c            opening, transactions, outcomes, time, clearing away
 *   store_postgres_migrate*.c   the schema: adopted, created or refused
 *   store_postgres_session.c, _exchange.c   connections and round trips
 *   store_postgres_load.c       accounts, replays, and whose an id is
 *   store_postgres_save.c, _save_catalogue.c   changes, in one round trip with their commit
 *   store_postgres_catalogue.c  the catalogue (store_catalogue.h), and its version
 *   store_postgres_directory.c, _save_directory.c   the directory, in and out (store_directory.h)
 *   store_postgres_list.c       readers: long listings on connections of their own
 *   store_postgres_rows.c       whole tables (store_rows.h), for copying and for verifying
 *   store_postgres_statements.c, _row.c   SQL and the values that go in and out
 *
 * Round trips of a batch: one to find whose ids are, one to load (more when the catalogue or the
 * directory has changed), one to save and commit. begin() and end() wait for nobody. */
#ifndef QMS_STORE_STORE_POSTGRES_H
#define QMS_STORE_STORE_POSTGRES_H

#include "base/limits.h"
#include "store/store.h"
#include "store/store_postgres_session.h"

struct store_postgres {
    struct store base;
    struct postgres_session session;
    char *url;
    bool waits;                 /* for rows that others have locked */
    bool has_version_triggers;  /* else the catalogue is read with every batch */

    bool is_open, writes;       /* a transaction is open, or to be opened by the first exchange */
    struct store_moment moment; /* of the open transaction */
    int64_t last_us;            /* the latest moment given */

    int64_t catalogue_version;  /* last loaded; -1: none yet */
    struct uuid update_operation_ids[UPDATE_OPERATION_COUNT]; /* of that version */

    int64_t directory_version;  /* last loaded or saved; -1: none yet */
    int64_t directory_seen;     /* the store's, at the last load */

    struct arena arena;         /* parameters of one round trip */
    bool has_last_batch;
    struct uuid last_batch_id;  /* committed; its row goes with the next batch */
    struct postgres_backend unknown_backend; /* the one whose answer to COMMIT was lost */

    int64_t purge_us;           /* idle() clears away from here; monotonic */

    /* Plans are made for tables as large as they are at that time; when these may have doubled, the
     * next batch has them made anew, and every minute for what others add. */
    uint64_t rows_added, rows_planned_for;
    int64_t plan_us; /* monotonic */
    bool forgets_plans;
};

static inline struct store_postgres *store_postgres_of(struct store *store) {
    return (struct store_postgres *)store;
}

/* Gives up the transaction and fails as the exchange did. */
bool store_postgres_fail(struct store_postgres *postgres, const struct exchange *exchange,
                         struct qms_error *error);

bool store_postgres_find(struct store *store, struct store_find *finds, size_t count,
                         struct arena *arena, struct qms_error *error);
bool store_postgres_load(struct store *store, struct store_load *load, struct qms_error *error);

/* Takes a subscription's own columns, which come one after the other. */
void store_postgres_take_subscription(struct postgres_row *row, struct account *account,
                                      struct subscription *subscription);
/* Takes the rows of quotas or usages into accounts[n - 1]; counts, by the same number, may be NULL.
 * A row that cannot be read makes its account broken. */
void store_postgres_take_quantities(struct postgres_row *row, struct account **accounts,
                                    enum value_type type, uint32_t *counts);

/* What load asks of the catalogue in its first round trip; then whether it must be read in the
 * second one (true without version triggers: it has come with the first). */
void store_postgres_ask_catalogue(struct store_postgres *postgres, struct exchange *exchange);
bool store_postgres_catalogue_is_new(struct store_postgres *postgres, const struct store_load *load,
                                     const struct exchange *exchange);
/* Makes load->catalogue from the list in the exchange, unless the caller has that version. */
bool store_postgres_take_catalogue(struct store_postgres *postgres, struct store_load *load,
                                   const struct exchange *exchange, struct qms_error *error);

/* Notes the directory's version, which the exchange has asked for; then reads it if it is another
 * than the caller's. False: the transaction is given up. */
void store_postgres_see_directory(struct store_postgres *postgres,
                                  const struct exchange *exchange);
bool store_postgres_load_directory(struct store_postgres *postgres, struct store_load *load,
                                   struct qms_error *error);

/* Adds every change to the exchange. */
void store_postgres_write(struct store_postgres *postgres, struct exchange *exchange,
                          const struct uuid *batch_id, const struct changes *changes);
void store_postgres_write_catalogue(struct store_postgres *postgres, struct exchange *exchange,
                                    const struct changes *changes);
void store_postgres_write_directory(struct store_postgres *postgres, struct exchange *exchange,
                                    const struct changes *changes);
/* Whether two rows of the batch want one place (a quota of the same resource, a user of the same
 * name): then it is not others who were first. */
bool store_postgres_collides(struct store_postgres *postgres, const struct changes *changes);

struct store_reader *store_postgres_reader_open(struct store *store, struct qms_error *error);
void store_postgres_reader_close(struct store_reader *reader);
bool store_postgres_list(struct store_reader *reader, struct store_listing *listing,
                         struct qms_error *error);

#endif
