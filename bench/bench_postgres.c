/* bench_postgres: what the engine over PostgreSQL is held against: bare libpq writing the same rows
 * (one usage set, one audit row appended) into a CyVerse database that bench_engine has filled.
 *   each N    N connections, each a thread of its own, one transaction an operation: what a service
 *             without batches does at its best (prepared statements, no rules, nothing read)
 *   batch N   one connection, N operations a transaction by unnest() in one pipeline, and the batch
 *             row: the ceiling of what batches can reach
 * Usage: bench_postgres URL uniform|zipf each|batch N seconds */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bench_common.h"

enum { CLIENTS_MAX = 1024, BATCH_MAX = 4096, ID_TEXT = UUID_TEXT_BYTES + 1 };

static struct target {
    char subscription[ID_TEXT], user[ID_TEXT];
} targets[BENCH_USERS];
static char resource[ID_TEXT], operation_add[ID_TEXT];
static const char *url;
static bool zipf;
static double stop_at;
static atomic_long done_count;

static void fail(PGconn *connection, const char *what) {
    fprintf(stderr, "bench_postgres: %s: %s\n", what, PQerrorMessage(connection));
    exit(1);
}

static void check(PGconn *connection, PGresult *result, const char *what) {
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(connection, what);
    PQclear(result);
}

static PGconn *connect_database(void) {
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK) fail(connection, "connect");
    return connection;
}

static void prepare(PGconn *connection, const char *name, const char *text) {
    check(connection, PQprepare(connection, name, text, 0, NULL), name);
}

static void copy_id(char out[ID_TEXT], PGresult *rows, int row, int column) {
    snprintf(out, ID_TEXT, "%s", PQgetvalue(rows, row, column));
}

static void read_targets(void) {
    PGconn *connection = connect_database();
    PGresult *rows = PQexec(connection,
                            "SELECT u.username, g.subscription_id, u.id, g.resource_type_id,"
                            " (SELECT id FROM public.update_operations WHERE name = 'ADD')"
                            " FROM public.users u JOIN public.subscriptions s ON s.user_id = u.id"
                            " JOIN public.usages g ON g.subscription_id = s.id");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) fail(connection, "users");
    for (int i = 0; i < PQntuples(rows); i++) {
        long user = strtol(PQgetvalue(rows, i, 0) + 4, NULL, 10);
        if (user < 0 || user >= BENCH_USERS) continue;
        copy_id(targets[user].subscription, rows, i, 1);
        copy_id(targets[user].user, rows, i, 2);
        copy_id(resource, rows, i, 3);
        copy_id(operation_add, rows, i, 4);
    }
    PQclear(rows);
    PQfinish(connection);
}

/* ---- one transaction an operation ---- */

static void add_once(PGconn *connection, const struct target *target, struct uuid_source *ids) {
    char id[ID_TEXT] = {0};
    struct uuid made = uuid_make(ids, clock_wall_us(&clock_system));
    uuid_format(&made, id);
    check(connection, PQexec(connection, "BEGIN"), "begin");
    const char *set[] = {target->subscription, resource};
    check(connection, PQexecPrepared(connection, "set", 2, set, NULL, NULL, 0), "set");
    const char *add[] = {id, operation_add, resource, target->user};
    check(connection, PQexecPrepared(connection, "add", 4, add, NULL, NULL, 0), "add");
    check(connection, PQexec(connection, "COMMIT"), "commit");
}

static void *client(void *seed) {
    PGconn *connection = connect_database();
    prepare(connection, "set",
            "UPDATE public.usages SET usage = usage + 1"
            " WHERE subscription_id = $1 AND resource_type_id = $2");
    prepare(connection, "add",
            "INSERT INTO public.updates (id, update_operation_id, value_type, value,"
            " resource_type_id, effective_date, user_id)"
            " VALUES ($1, $2, 'usages', 1, $3, now(), $4)");
    struct bench_picker *picker = malloc(sizeof *picker);
    bench_picker_init(picker, zipf, (uint64_t)(uintptr_t)seed);
    struct uuid_source ids;
    uuid_source_init(&ids);
    while (bench_seconds() < stop_at) {
        add_once(connection, &targets[bench_pick(picker)], &ids);
        atomic_fetch_add(&done_count, 1);
    }
    free(picker);
    PQfinish(connection);
    return NULL;
}

static void run_each(long clients, double seconds) {
    pthread_t threads[CLIENTS_MAX];
    double start = bench_seconds();
    stop_at = start + seconds;
    for (long i = 0; i < clients; i++) {
        if (pthread_create(&threads[i], NULL, client, (void *)(uintptr_t)(i + 1)) != 0) exit(1);
    }
    for (long i = 0; i < clients; i++) pthread_join(threads[i], NULL);
    bench_report("one transaction each", (double)done_count, bench_seconds() - start);
}

/* ---- batches ---- */

/* Arrays in PostgreSQL's text form: {a,b,c}. */
static struct buffer subscriptions, users, updates, amounts;

static void append(struct buffer *array, const char *text) {
    buffer_put_char(array, array->length == 0 ? '{' : ',');
    buffer_put_text(array, text_of(text));
}

static const char *finish(struct buffer *array) {
    buffer_put_text(array, (struct text){"}", 2}); /* with the end of the string */
    return array->data;
}

/* Fills the arrays; a user who comes twice is one usage set and two audit rows. */
static void fill_batch(long batch, struct bench_picker *picker, struct uuid_source *ids) {
    static long batch_of[BENCH_USERS], number;
    static long order[BATCH_MAX], times[BENCH_USERS];
    long distinct = 0;
    number++;
    buffer_reset(&subscriptions);
    buffer_reset(&users);
    buffer_reset(&updates);
    buffer_reset(&amounts);
    for (long i = 0; i < batch; i++) {
        size_t user = bench_pick(picker);
        char id[ID_TEXT] = {0};
        struct uuid made = uuid_make(ids, clock_wall_us(&clock_system));
        uuid_format(&made, id);
        append(&updates, id);
        append(&users, targets[user].user);
        if (batch_of[user] != number) {
            batch_of[user] = number;
            times[user] = 0;
            order[distinct++] = (long)user;
        }
        times[user]++;
    }
    for (long i = 0; i < distinct; i++) {
        char amount[12];
        snprintf(amount, sizeof amount, "%ld", times[order[i]]);
        append(&subscriptions, targets[order[i]].subscription);
        append(&amounts, amount);
    }
}

static void send(PGconn *connection, const char *name, int count, const char *const *values) {
    if (!PQsendQueryPrepared(connection, name, count, values, NULL, NULL, 0)) {
        fail(connection, name);
    }
}

static void send_batch(PGconn *connection, struct uuid_source *ids) {
    char id[ID_TEXT] = {0};
    struct uuid made = uuid_make_random(ids);
    uuid_format(&made, id);
    const char *mark[] = {id}, *set[] = {finish(&subscriptions), finish(&amounts), resource};
    const char *add[] = {finish(&updates), finish(&users), operation_add, resource};
    send(connection, "begin", 0, NULL);
    send(connection, "set", 3, set);
    send(connection, "add", 4, add);
    send(connection, "mark", 1, mark);
    send(connection, "commit", 0, NULL);
    if (!PQpipelineSync(connection)) fail(connection, "sync");
    for (int i = 0; i < 5; i++) {
        check(connection, PQgetResult(connection), "batch");
        PQclear(PQgetResult(connection));
    }
    PQclear(PQgetResult(connection)); /* the sync */
}

static void run_batches(long batch, double seconds) {
    static struct bench_picker picker;
    bench_picker_init(&picker, zipf, 1);
    struct buffer *arrays[] = {&subscriptions, &users, &updates, &amounts};
    for (int i = 0; i < 4; i++) buffer_init(arrays[i], BATCH_MAX * (ID_TEXT + 1));
    PGconn *connection = connect_database();
    prepare(connection, "begin", "BEGIN");
    prepare(connection, "commit", "COMMIT");
    prepare(connection, "set",
            "UPDATE public.usages g SET usage = g.usage + b.amount"
            " FROM unnest($1::uuid[], $2::numeric[]) AS b (subscription_id, amount)"
            " WHERE g.subscription_id = b.subscription_id AND g.resource_type_id = $3");
    prepare(connection, "add",
            "INSERT INTO public.updates (id, update_operation_id, value_type, value,"
            " resource_type_id, effective_date, user_id)"
            " SELECT b.id, $3, 'usages', 1, $4, now(), b.user_id"
            " FROM unnest($1::uuid[], $2::uuid[]) AS b (id, user_id)");
    prepare(connection, "mark", "INSERT INTO qms_server.batches (batch_id) VALUES ($1)");
    if (!PQenterPipelineMode(connection)) fail(connection, "pipeline");
    struct uuid_source ids;
    uuid_source_init(&ids);
    double start = bench_seconds(), now = start;
    long done = 0;
    for (; now - start < seconds; now = bench_seconds(), done += batch) {
        fill_batch(batch, &picker, &ids);
        send_batch(connection, &ids);
    }
    bench_report("unnest", (double)done, now - start);
    PQfinish(connection);
}

int main(int count, char **arguments) {
    long size = count == 6 ? strtol(arguments[4], NULL, 10) : 0;
    bool each = count == 6 && strcmp(arguments[3], "each") == 0;
    if (size < 1 || size > (each ? CLIENTS_MAX : BATCH_MAX)) {
        fprintf(stderr, "usage: bench_postgres URL uniform|zipf each|batch N seconds\n");
        return 2;
    }
    url = arguments[1];
    zipf = strcmp(arguments[2], "zipf") == 0;
    read_targets();
    if (each) {
        run_each(size, strtod(arguments[5], NULL));
    } else {
        run_batches(size, strtod(arguments[5], NULL));
    }
    return 0;
}
