#include "store/store_postgres_session.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { PAUSE_MS_FIRST = 50 };

static void on_notice(void *context, const PGresult *result) {
    (void)context;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (log_enabled(LOG_DEBUG) && message != NULL) log_format(LOG_DEBUG, "store: %s", message);
}

/* ---- connecting ---- */

/* A database of no encoding holds bytes: a row whose bytes are not UTF-8 is to be an error of that
 * row, found by us, and not one of the statement that meets it. */
static bool take_bytes_as_they_are(PGconn *connection) {
    const char *encoding = PQparameterStatus(connection, "server_encoding");
    return encoding == NULL || strcmp(encoding, "SQL_ASCII") != 0 ||
           PQsetClientEncoding(connection, "SQL_ASCII") == 0;
}

bool postgres_check_url(const char *url, struct qms_error *error) {
    PQconninfoOption *parsed = PQconninfoParse(url, NULL); /* its complaint may quote a password */
    if (parsed == NULL)
        return qms_fail(error, QMS_BAD_REQUEST,
                        "the URL of the store is not one of PostgreSQL:"
                        " postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
    PQconninfoFree(parsed);
    return true;
}

PGconn *postgres_connect(const char *url, struct qms_error *error) {
    char connect_s[16];
    snprintf(connect_s, sizeof connect_s, "%d", POSTGRES_CONNECT_S_MAX);
    /* The URL overrides what comes before it. A server that may not be written is of no use, and a
     * dead one is to be noticed: idle ones are asked after 30 s, silence ends after 15 s. */
    const char *const keywords[] = {
        "target_session_attrs", "connect_timeout", "application_name", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
        "client_encoding", NULL,
    };
    const char *const values[] = {
        "read-write", connect_s, "qms", "30", "5", "3", "15000", url, "UTF8", NULL,
    };
    PGconn *connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(connection) == CONNECTION_OK && take_bytes_as_they_are(connection)) {
        PQsetNoticeReceiver(connection, on_notice, NULL);
        return connection;
    }
    postgres_log_connection(connection, "connect to the database");
    PQfinish(connection);
    qms_fail(error, QMS_UNAVAILABLE, "cannot connect to the database, see the log");
    return NULL;
}

void session_init(struct postgres_session *session, const char *url,
                  enum postgres_statement first, enum postgres_statement end) {
    *session = (struct postgres_session){
        .url = url,
        .lock_ms = POSTGRES_LOCK_MS_MAX,
        .statement_ms = POSTGRES_STATEMENT_MS_MAX,
        .idle_ms = POSTGRES_IDLE_MS_MAX,
        .first = first,
        .end = end,
    };
}

void session_close(struct postgres_session *session) {
    if (session->connection != NULL) PQfinish(session->connection);
    session->connection = NULL;
    session->in_transaction = false;
    session->owed = 0;
}

void session_end(struct postgres_session *session) {
    session_close(session);
    memory_give(session->actor);
}

/* Statements for sets are planned once, for ten rows or so, with whatever index there is: planning
 * them each time would cost more than they do. */
static void send_settings(const struct postgres_session *session) {
    static const char plans_kept[] =
        ", set_config('plan_cache_mode', 'force_generic_plan', false),"
        " set_config('enable_seqscan', 'off', false)";
    char text[1024];
    snprintf(text, sizeof text,
             "SELECT current_user::text, pg_backend_pid()::int8,"
             " (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),"
             " set_config('search_path', 'pg_catalog, pg_temp', false),"
             " set_config('statement_timeout', '%lld', false),"
             " set_config('lock_timeout', '%lld', false),"
             " set_config('idle_in_transaction_session_timeout', '%lld', false),"
             " set_config('jit', 'off', false),"
             " set_config('default_transaction_isolation', 'read committed', false)%s",
             (long long)session->statement_ms, (long long)session->lock_ms,
             (long long)session->idle_ms, session->keeps_plans ? plans_kept : "");
    PQsendQueryParams(session->connection, text, 0, NULL, NULL, NULL, NULL, 1);
}

static void take_settings(struct postgres_session *session, const PGresult *result) {
    static const struct postgres_statement_text columns = {"", "tiz", ""};
    struct postgres_row row = {.result = result, .columns = columns.columns, .number = -1};
    row_take(&row);
    struct text actor = get_text(&row);
    session->backend.process = get_integer(&row);
    session->backend.started_us = get_time(&row);
    if (session->actor != NULL) return; /* the same URL, the same role */
    session->actor = memory_take(actor.length + 1);
    memcpy(session->actor, actor.data, actor.length);
    session->actor[actor.length] = '\0';
}

static size_t send_statements(const struct postgres_session *session, enum postgres_statement first,
                              enum postgres_statement end) {
    for (enum postgres_statement id = first; id < end; id++) {
        char name[STATEMENT_NAME_MAX];
        postgres_statement_name(id, name);
        PQsendPrepare(session->connection, name, postgres_statement(id)->text, 0, NULL);
    }
    return (size_t)(end - first);
}

/* The results of send_settings(), of count statements that were prepared, and of the pipeline. */
static bool take_prepared(struct postgres_session *session, size_t count, int64_t deadline_us) {
    PGresult *result, *end;
    for (size_t i = 0; i <= count + 1; i++) {
        if (!connection_take(session->connection, deadline_us, &result)) return false;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_TUPLES_OK) take_settings(session, result);
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC) return i == count + 1;
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return false;
        if (!connection_take(session->connection, deadline_us, &end)) return false;
        PQclear(end);
    }
    return false;
}

static bool session_prepare(struct postgres_session *session, struct qms_error *error) {
    PGconn *connection = session->connection;
    int64_t deadline_us =
        clock_monotonic_us() + 1000 * (session->statement_ms + POSTGRES_ANSWER_MS_MAX);
    PQsetnonblocking(connection, 1);
    if (PQenterPipelineMode(connection) == 1) {
        send_settings(session);
        size_t count = send_statements(session, 0, PG_COMMON_COUNT);
        count += send_statements(session, session->first, session->end);
        PQpipelineSync(connection);
        if (connection_flush(connection, deadline_us) &&
            take_prepared(session, count, deadline_us)) {
            return true;
        }
    }
    postgres_log_connection(connection, "prepare a session");
    return qms_fail(error, QMS_UNAVAILABLE, "cannot prepare a database session, see the log");
}

bool session_open(struct postgres_session *session, struct qms_error *error) {
    if (session->connection != NULL) {
        if (session_is_whole(session)) return true;
        postgres_log_connection(session->connection, "go on with the connection");
        session_close(session);
    }
    int64_t now_us = clock_monotonic_us();
    if (now_us < session->next_try_us) {
        return qms_fail(error, QMS_UNAVAILABLE, "the database does not answer");
    }
    session->connection = postgres_connect(session->url, error);
    if (session->connection != NULL && session_prepare(session, error)) {
        session->pause_us = 0;
        return true;
    }
    session_close(session);
    session->pause_us = session->pause_us == 0 ? PAUSE_MS_FIRST * 1000 : 2 * session->pause_us;
    if (session->pause_us > POSTGRES_PAUSE_MS_MAX * 1000) {
        session->pause_us = POSTGRES_PAUSE_MS_MAX * 1000;
    }
    session->next_try_us = clock_monotonic_us() + session->pause_us;
    return false;
}

/* A server that ends a session says so, or closes the socket: either can be read. */
bool session_is_whole(struct postgres_session *session) {
    if (session->connection == NULL) return false;
    for (int i = 0; i < 2; i++) { /* its last words, then the end */
        struct pollfd look = {.fd = PQsocket(session->connection), .events = POLLIN};
        if (look.fd < 0) return false;
        if (poll(&look, 1, 0) == 0) break;
        if (PQconsumeInput(session->connection) == 0) return false;
    }
    return PQstatus(session->connection) == CONNECTION_OK;
}

void session_rollback(struct postgres_session *session) {
    if (session->connection == NULL || !session->in_transaction) return;
    struct parameters none;
    parameters_open(&none, NULL, PG_ROLLBACK);
    session->in_transaction = false;
    if (parameters_send(&none, session->connection, PG_ROLLBACK) &&
        PQpipelineSync(session->connection) == 1 && PQflush(session->connection) >= 0) {
        session->owed++;
    } else {
        session_close(session);
    }
}

/* ---- poolers ---- */

/* The process that serves the connection, at this moment; 0: it does not say. */
static int64_t process_of(PGconn *connection) {
    PGresult *result = PQexecParams(connection, "SELECT pg_catalog.pg_backend_pid()::int8", 0,
                                    NULL, NULL, NULL, NULL, 1);
    struct postgres_row row = {.result = result, .columns = "i", .number = -1};
    int64_t process = 0;
    if (PQresultStatus(result) == PGRES_TUPLES_OK && row_take(&row)) process = get_integer(&row);
    PQclear(result);
    return process;
}

/* What serves the first connection now must serve it for ever, and nobody else. A pooler gives a
 * session that is not in a transaction to whoever comes next; others keep theirs, so that with
 * every one there are fewer to choose from. */
bool postgres_refuse_shared_sessions(PGconn *connection, const char *url,
                                     struct qms_error *error) {
    enum { OTHERS = 3 };
    PGconn *others[OTHERS] = {0};
    int64_t process = process_of(connection);
    if (process == PQbackendPID(connection)) return true; /* nobody in between */
    bool shared = false;
    for (int i = 0; i < OTHERS && !shared; i++) {
        others[i] = postgres_connect(url, error);
        if (others[i] == NULL) continue;
        PQclear(PQexec(others[i], "BEGIN"));
        shared = process_of(others[i]) == process;
    }
    if (!shared) shared = process_of(connection) != process;
    for (int i = 0; i < OTHERS; i++) {
        if (others[i] != NULL) PQfinish(others[i]);
    }
    if (!shared) {
        if (error != NULL) *error = (struct qms_error){0};
        return true;
    }
    return qms_fail(error, QMS_BAD_REQUEST,
                    "the database is behind a pooler that gives each transaction another session;"
                    " use its session pooling (pgbouncer: pool_mode=session) or connect directly");
}
