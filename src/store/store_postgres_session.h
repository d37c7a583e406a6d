/* store_postgres_session.h: one connection to PostgreSQL, kept alive, and exchanges over it.
 *
 * An exchange is one round trip, whatever it carries: statements are sent one behind the other
 * (pipeline mode), then their results are taken. The first that fails stops those behind it.
 *
 * Waits: every exchange has an end: the server's statement_timeout, and ours a little later, after
 *        which the connection counts as lost. What is lost is connected to again by session_open(),
 *        at once, then with growing pauses in between, in which it fails without waiting.
 * Logs:  what the server says goes to the log only; connection parameters go nowhere. */
#ifndef QMS_STORE_STORE_POSTGRES_SESSION_H
#define QMS_STORE_STORE_POSTGRES_SESSION_H

#include "base/error.h"
#include "store/store_postgres_row.h"

enum { EXCHANGE_STATEMENTS_MAX = 24 };

/* A server process, of all that ever were. */
struct postgres_backend {
    int64_t process, started_us;
};

struct postgres_session {
    PGconn *connection;       /* NULL: not connected */
    const char *url;          /* of the caller's; never in a log */
    bool keeps_plans;         /* its statements are for sets of any size, found by indexes */
    int64_t lock_ms, statement_ms, idle_ms; /* time limits of the server */
    enum postgres_statement first, end; /* what it prepares beside the common ones */

    bool in_transaction;
    int owed;                 /* pipelines sent whose results nobody has taken yet */
    struct postgres_backend backend; /* of this connection, or of the last one */
    char *actor;              /* the role; as long as the session */

    int64_t next_try_us, pause_us; /* monotonic; connecting again */
    uint64_t round_trips;     /* exchanges so far */
};

/* Before anything else; nothing is connected. */
void session_init(struct postgres_session *session, const char *url,
                  enum postgres_statement first, enum postgres_statement end);
/* Connects, when it is not connected. False: with the code UNAVAILABLE, or, when trying again is of
 * no use, another. */
bool session_open(struct postgres_session *session, struct qms_error *error);
void session_close(struct postgres_session *session); /* may be opened again */
void session_end(struct postgres_session *session);   /* for good */

/* Whether libpq can read it; the error does not quote it. */
QMS_MUST_CHECK bool postgres_check_url(const char *url, struct qms_error *error);
/* A plain connection with none of our settings, for whoever brings the schema up to date. NULL:
 * an error. To be closed with PQfinish(). */
PGconn *postgres_connect(const char *url, struct qms_error *error);
/* Refuses a pooler that gives each transaction another session (pgbouncer's pool_mode=transaction
 * or statement): our settings, prepared statements and what the schema is prepared with belong to a
 * session. */
bool postgres_refuse_shared_sessions(PGconn *connection, const char *url, struct qms_error *error);

/* Gives up the open transaction; the answer is not waited for. */
void session_rollback(struct postgres_session *session);

/* False: the connection is known to be lost, without a round trip. */
bool session_is_whole(struct postgres_session *session);

/* Why the connection, or what was asked of it last, failed. */
void postgres_log_connection(const PGconn *connection, const char *doing);

/* Both in a session that does not block; false: not by then (monotonic), or the connection is lost.
 * The next result is NULL after the last one of a statement. */
bool connection_flush(PGconn *connection, int64_t deadline_us);
bool connection_take(PGconn *connection, int64_t deadline_us, PGresult **result);

struct exchange {
    struct postgres_session *session;
    size_t count;
    enum postgres_statement ids[EXCHANGE_STATEMENTS_MAX];
    PGresult *results[EXCHANGE_STATEMENTS_MAX];
    bool lost;        /* the connection, before all results had come */
    size_t failed;    /* the statement that failed; count: none */
    char state[6];    /* its SQLSTATE; "" */
    bool in_function; /* of somebody: that is where it happened */
};

void exchange_open(struct exchange *exchange, struct postgres_session *session);
/* Adds a statement; parameters may be NULL when it has none. */
void exchange_add(struct exchange *exchange, enum postgres_statement id,
                  struct parameters *parameters);
/* The same, but for a set of no rows. */
void exchange_add_rows(struct exchange *exchange, enum postgres_statement id,
                       struct parameters *parameters);
/* Begins a transaction unless one is open. */
void exchange_begin(struct exchange *exchange, bool writes);
/* The round trip. False: a statement failed, which is logged with what was being done ("load"), or
 * the connection was lost. What is open of a transaction after that is for the caller to roll back.
 */
bool exchange_run(struct exchange *exchange, const char *doing);
/* The rows of a statement: the first with this id. */
bool exchange_has(const struct exchange *exchange, enum postgres_statement id);
void exchange_rows(const struct exchange *exchange, enum postgres_statement id,
                   struct postgres_row *row);
void exchange_close(struct exchange *exchange);

/* What an error means for the batch. */
enum postgres_failure {
    POSTGRES_PASSES,    /* the same again may work: a deadlock, a serialization failure */
    POSTGRES_LOCKED,    /* lock_timeout: it may work when somebody else is done */
    POSTGRES_DATA,      /* this data is refused */
    POSTGRES_GUARD,     /* fewer rows than sent (store_postgres_statements.c) */
    POSTGRES_TIMED_OUT, /* statement_timeout */
    POSTGRES_SESSION,   /* this session is of no more use */
    POSTGRES_OTHER,
};
enum postgres_failure exchange_failure(const struct exchange *exchange);

#endif
