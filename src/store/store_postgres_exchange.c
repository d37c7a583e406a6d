#include <assert.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/store_postgres_session.h"

/* ---- waiting ---- */

/* Until the socket can be read, or written where that is asked for; false: not before then. */
static bool wait_for(PGconn *connection, bool writing, int64_t deadline_us) {
    for (;;) {
        int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0) return false;
        struct pollfd wait = {
            .fd = PQsocket(connection),
            .events = (short)(POLLIN | (writing ? POLLOUT : 0)),
        };
        if (wait.fd < 0) return false;
        if (poll(&wait, 1, (int)(left_us / 1000 + 1)) > 0) return true;
    }
}

/* What arrives meanwhile is taken in: a server that cannot send would not read either. */
bool connection_flush(PGconn *connection, int64_t deadline_us) {
    for (;;) {
        int left = PQflush(connection);
        if (left == 0) return true;
        if (left < 0 || !wait_for(connection, true, deadline_us)) return false;
        if (PQconsumeInput(connection) == 0) return false;
    }
}

bool connection_take(PGconn *connection, int64_t deadline_us, PGresult **result) {
    *result = NULL;
    while (PQisBusy(connection)) {
        if (!wait_for(connection, false, deadline_us)) return false;
        if (PQconsumeInput(connection) == 0) return false;
    }
    *result = PQgetResult(connection);
    return true;
}

/* ---- errors ---- */

/* The first line says it; others guess. */
void postgres_log_connection(const PGconn *connection, const char *doing) {
    const char *message = PQerrorMessage(connection);
    log_format(LOG_ERROR, "store: cannot %s: %.*s", doing, (int)strcspn(message, "\n"), message);
}

/* Only what says nothing of the rows: the detail of an error may quote them. */
static void log_failure(const PGresult *result, const char *state, const char *doing) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    log_format(LOG_ERROR, "store: cannot %s: %s (%s%s%s)", doing, message == NULL ? "" : message,
               state, constraint == NULL ? "" : ", ", constraint == NULL ? "" : constraint);
}

static bool state_is(const struct exchange *exchange, const char *state) {
    return strcmp(exchange->state, state) == 0;
}

static bool state_is_of(const struct exchange *exchange, const char *class) {
    return strncmp(exchange->state, class, 2) == 0;
}

enum postgres_failure exchange_failure(const struct exchange *exchange) {
    assert(!exchange->lost);
    if (state_is(exchange, "22012")) return POSTGRES_GUARD;
    if (state_is(exchange, "40001") || state_is(exchange, "40P01")) return POSTGRES_PASSES;
    if (state_is(exchange, "55P03")) return POSTGRES_LOCKED;
    if (state_is(exchange, "57014")) return POSTGRES_TIMED_OUT;
    /* data exceptions, integrity constraints, cardinality (one key twice), limits of a row; what
     * functions and triggers of others raise; WITH CHECK OPTION */
    static const char *const data[] = {"21", "22", "23", "27", "2F", "38", "39", "44", "54", "P0"};
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        if (state_is_of(exchange, data[i])) return POSTGRES_DATA;
    }
    /* the same states as below, but from within a function, which is no statement of ours */
    if (exchange->in_function && (state_is_of(exchange, "42") || state_is_of(exchange, "0A"))) {
        return POSTGRES_DATA;
    }
    /* a server that may only be read (the old primary), is shutting down, or has other tables than
     * when the statements were prepared; a pooler that hands out several sessions as one */
    static const char *const session[] = {"25006", "25P03", "0A000", "26000"};
    for (size_t i = 0; i < sizeof session / sizeof *session; i++) {
        if (state_is(exchange, session[i])) return POSTGRES_SESSION;
    }
    if (state_is_of(exchange, "08") || state_is_of(exchange, "57") ||
        state_is_of(exchange, "42") || state_is_of(exchange, "XX")) {
        return POSTGRES_SESSION;
    }
    return POSTGRES_OTHER;
}

/* ---- exchanges ---- */

void exchange_open(struct exchange *exchange, struct postgres_session *session) {
    *exchange = (struct exchange){.session = session, .lost = session->connection == NULL};
}

void exchange_add(struct exchange *exchange, enum postgres_statement id,
                  struct parameters *parameters) {
    struct parameters none;
    assert(exchange->count < EXCHANGE_STATEMENTS_MAX);
    exchange->ids[exchange->count++] = id;
    if (parameters == NULL) {
        assert(postgres_statement(id)->parameters[0] == '\0');
        parameters = &none;
        parameters_open(parameters, NULL, id);
    }
    if (!exchange->lost && !parameters_send(parameters, exchange->session->connection, id)) {
        exchange->lost = true;
    }
}

void exchange_add_rows(struct exchange *exchange, enum postgres_statement id,
                       struct parameters *parameters) {
    if (parameters_rows(parameters) > 0) exchange_add(exchange, id, parameters);
}

void exchange_begin(struct exchange *exchange, bool writes) {
    if (exchange->session->in_transaction) return;
    exchange_add(exchange, writes ? PG_BEGIN_WRITE : PG_BEGIN_READ, NULL);
    exchange->session->in_transaction = true;
}

/* Takes what came of earlier pipelines that nobody waited for. */
static bool settle(struct postgres_session *session, int64_t deadline_us) {
    while (session->owed > 0) {
        PGresult *result;
        if (!connection_take(session->connection, deadline_us, &result)) return false;
        if (PQstatus(session->connection) != CONNECTION_OK) {
            PQclear(result);
            return false;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) session->owed--;
        PQclear(result);
    }
    return true;
}

/* What others cause in the ordinary course is no error: it is tried again, and counted where it is
 * (qms_batches_overtaken_total, qms_lock_waits_total). */
static void exchange_fail(struct exchange *exchange, size_t number, const char *doing) {
    const PGresult *result = exchange->results[number];
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state != NULL) {
        snprintf(exchange->state, sizeof exchange->state, "%s", state);
        exchange->in_function = PQresultErrorField(result, PG_DIAG_CONTEXT) != NULL;
        enum postgres_failure failure = exchange_failure(exchange);
        if (failure == POSTGRES_PASSES || failure == POSTGRES_LOCKED ||
            failure == POSTGRES_GUARD) {
            log_format(LOG_DEBUG, "store: cannot %s: somebody else was first (%s)", doing, state);
        } else {
            log_failure(result, state, doing);
        }
    }
    /* Without a state it is libpq that speaks: of a connection that is no more. */
    exchange->lost =
        state == NULL || PQstatus(exchange->session->connection) != CONNECTION_OK;
    if (!exchange->lost) exchange->failed = number;
}

/* The results of all statements, each followed by an end, and that of the pipeline. */
static bool exchange_take(struct exchange *exchange, const char *doing, int64_t deadline_us) {
    PGconn *connection = exchange->session->connection;
    PGresult *end;
    for (size_t i = 0; i < exchange->count; i++) {
        if (!connection_take(connection, deadline_us, &exchange->results[i])) return false;
        if (exchange->results[i] == NULL) return false;
        ExecStatusType status = PQresultStatus(exchange->results[i]);
        if (status == PGRES_FATAL_ERROR && exchange->failed == exchange->count) {
            exchange_fail(exchange, i, doing);
            if (exchange->lost) return false;
        } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
                   status != PGRES_PIPELINE_ABORTED) {
            return false;
        }
        if (!connection_take(connection, deadline_us, &end) || end != NULL) {
            PQclear(end);
            return false;
        }
    }
    if (!connection_take(connection, deadline_us, &end)) return false;
    bool synced = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
    PQclear(end);
    return synced;
}

bool exchange_run(struct exchange *exchange, const char *doing) {
    struct postgres_session *session = exchange->session;
    int64_t deadline_us =
        clock_monotonic_us() + 1000 * (session->statement_ms + POSTGRES_ANSWER_MS_MAX);
    exchange->failed = exchange->count;
    session->round_trips++;
    if (!exchange->lost) {
        exchange->lost = PQpipelineSync(session->connection) == 0 ||
                         !connection_flush(session->connection, deadline_us) ||
                         !settle(session, deadline_us) ||
                         !exchange_take(exchange, doing, deadline_us);
    }
    if (!exchange->lost) return exchange->failed == exchange->count;
    if (session->connection != NULL) {
        postgres_log_connection(session->connection, doing);
    }
    session_close(session);
    return false;
}

bool exchange_has(const struct exchange *exchange, enum postgres_statement id) {
    for (size_t i = 0; i < exchange->count; i++) {
        if (exchange->ids[i] == id) return true;
    }
    return false;
}

void exchange_rows(const struct exchange *exchange, enum postgres_statement id,
                   struct postgres_row *row) {
    size_t i = 0;
    while (exchange->ids[i] != id) {
        i++;
        assert(i < exchange->count);
    }
    row_open_result(row, exchange->results[i], id);
}

void exchange_close(struct exchange *exchange) {
    for (size_t i = 0; i < exchange->count; i++) PQclear(exchange->results[i]);
    exchange->count = 0;
}
