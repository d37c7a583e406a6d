/* bench_rows: the ceiling of the engine over SQLite: a bare loop that writes the same rows with the
 * same settings and batch size, and does nothing else: per ADD one usage set and one audit row
 * appended, per batch the batch row and a commit.
 * FILE is a store that bench_engine has filled (every user has a cpu.hours usage).
 * Usage: bench_rows FILE uniform|zipf batch seconds */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "bench_common.h"

struct target {
    unsigned char subscription[16], resource[16], user[16];
    long value;
};

static struct target targets[BENCH_USERS];
static unsigned char operation_add[16];
static sqlite3 *database;

static void check(int code, const char *what) {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    fprintf(stderr, "bench_rows: %s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

static sqlite3_stmt *prepare(const char *text) {
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v2(database, text, -1, &statement, NULL), text);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement), "step");
    sqlite3_reset(statement);
}

static void copy_blob(sqlite3_stmt *statement, int column, unsigned char out[16]) {
    memcpy(out, sqlite3_column_blob(statement, column), 16);
}

static void open_file(const char *path) {
    check(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL),
          path);
    check(sqlite3_exec(database,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                       "PRAGMA wal_autocheckpoint = 10000; PRAGMA cache_size = -65536;",
                       NULL, NULL, NULL),
          "settings");
    sqlite3_stmt *statement = prepare(
        "SELECT u.username, g.subscription_id, g.resource_type_id, u.id FROM users u"
        " JOIN subscriptions s ON s.user_id = u.id JOIN usages g ON g.subscription_id = s.id");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        long user = strtol((const char *)sqlite3_column_text(statement, 0) + 4, NULL, 10);
        struct target *target = &targets[user];
        copy_blob(statement, 1, target->subscription);
        copy_blob(statement, 2, target->resource);
        copy_blob(statement, 3, target->user);
        target->value = 1;
    }
    sqlite3_finalize(statement);
    statement = prepare("SELECT id FROM update_operations WHERE name = 'ADD'");
    check(sqlite3_step(statement), "ADD");
    copy_blob(statement, 0, operation_add);
    sqlite3_finalize(statement);
}

static void set_usage(sqlite3_stmt *statement, struct target *target, int64_t now_us) {
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", ++target->value);
    sqlite3_bind_blob(statement, 1, target->subscription, 16, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, target->resource, 16, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, text, length, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, now_us);
    run(statement);
}

static void add_update(sqlite3_stmt *statement, const struct target *target,
                       const struct uuid *id, int64_t now_us) {
    sqlite3_bind_blob(statement, 1, id->bytes, 16, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, operation_add, 16, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 3, target->resource, 16, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, now_us);
    sqlite3_bind_blob(statement, 5, target->user, 16, SQLITE_STATIC);
    run(statement);
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: bench_rows FILE uniform|zipf batch seconds\n");
        return 2;
    }
    long batch = strtol(arguments[3], NULL, 10);
    double seconds = strtod(arguments[4], NULL);
    static struct bench_picker picker;
    bench_picker_init(&picker, strcmp(arguments[2], "zipf") == 0, 1);
    open_file(arguments[1]);
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    sqlite3_stmt *set = prepare("UPDATE usages SET usage = ?3, last_modified_by = 'qms',"
                                " last_modified_at = ?4"
                                " WHERE subscription_id = ?1 AND resource_type_id = ?2");
    sqlite3_stmt *add = prepare(
        "INSERT INTO updates (id, update_operation_id, value_type, value, resource_type_id,"
        " effective_date, user_id, metadata, created_by, created_at,"
        " last_modified_by, last_modified_at)"
        " VALUES (?1, ?2, 'usages', '1', ?3, ?4, ?5, '', 'qms', ?4, 'qms', ?4)");
    sqlite3_stmt *mark = prepare("UPDATE last_batch SET batch_id = ?1, committed_at = ?2");

    struct uuid_source ids;
    uuid_source_init(&ids);
    double start = bench_seconds(), now = start;
    long done = 0;
    for (; now - start < seconds; now = bench_seconds()) {
        int64_t now_us = clock_wall_us(&clock_system);
        run(begin);
        for (long i = 0; i < batch; i++, done++) {
            struct target *target = &targets[bench_pick(&picker)];
            struct uuid id = uuid_make(&ids, now_us);
            set_usage(set, target, now_us);
            add_update(add, target, &id, now_us);
        }
        struct uuid id = uuid_make_random(&ids);
        sqlite3_bind_blob(mark, 1, id.bytes, 16, SQLITE_STATIC);
        sqlite3_bind_int64(mark, 2, now_us);
        run(mark);
        run(commit);
    }
    bench_report("bare loop", (double)done, now - start);
    return 0; /* the file is thrown away: nothing is closed in order */
}
