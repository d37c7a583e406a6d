/* Databases for tests, in a cluster that somebody else has started (postgres_cluster.py). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/store_fixture.h"

/* The extensions and nothing else; made by postgres_cluster.py. */
static const char empty_database[] = "qms_empty";
/* What a store makes of it, once; every fixture gets a copy. */
static const char prepared_database[] = "qms_prepared";

static void url_of(char *url, size_t bytes, const char *database) {
    int length = snprintf(url, bytes, "%s%s", getenv("QMS_TEST_POSTGRES"), database);
    assert_true(length > 0 && (size_t)length < bytes);
}

static void run(const char *database, const char *sql) {
    char url[128];
    url_of(url, sizeof url, database);
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(connection));
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    }
    PQclear(result);
    PQfinish(connection);
}

static void copy(const char *from, const char *to) {
    char sql[160];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", to, from);
    run("postgres", sql);
}

/* The clock that all sessions of the cluster see. */
static int64_t *cluster_clock(void) {
    static int64_t *clock;
    if (clock != NULL) return clock;
    int file = open(getenv("QMS_STILL_CLOCK"), O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    void *mapped = mmap(NULL, sizeof *clock, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    assert_true(mapped != MAP_FAILED);
    clock = mapped;
    return clock;
}

static void prepare(struct store_fixture *fixture) {
    static bool prepared;
    if (prepared) return;
    prepared = true;
    copy(empty_database, prepared_database);
    url_of(fixture->url, sizeof fixture->url, prepared_database);
    store_fixture_open(fixture);
    store_fixture_close(fixture);
}

static void postgres_make(struct store_fixture *fixture) {
    static int made;
    fixture->clock_us = cluster_clock();
    *fixture->clock_us = STORE_FIXTURE_US;
    prepare(fixture);
    snprintf(fixture->database, sizeof fixture->database, "contract_%d", made++);
    copy(prepared_database, fixture->database);
    url_of(fixture->url, sizeof fixture->url, fixture->database);
}

static void postgres_remove(struct store_fixture *fixture) {
    char sql[96];
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", fixture->database);
    run("postgres", sql);
}

static void postgres_foreign(struct store_fixture *fixture, const char *sql) {
    run(fixture->database, sql);
}

static void postgres_age_keys(struct store_fixture *fixture, int64_t recorded_us) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "UPDATE qms_server.idempotency SET recorded_at = 'epoch'::timestamptz"
             " + %lld * interval '1 microsecond' WHERE expires",
             (long long)recorded_us);
    run(fixture->database, sql);
}

const struct store_backend store_backend_postgres = {
    .name = "postgres",
    .persists = true,
    .make = postgres_make,
    .remove = postgres_remove,
    .foreign = postgres_foreign,
    .age_keys = postgres_age_keys,
};
