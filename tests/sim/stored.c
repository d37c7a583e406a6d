/* The database as somebody else sees it: its rows in words against the model's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "engine/engine_private.h"
#include "sim/sim.h"
#include "support/power_vfs.h"

static sqlite3 *stored_open(void) {
    sqlite3 *connection = NULL;
    int code = sqlite3_open_v2(world.path, &connection, SQLITE_OPEN_READWRITE, POWER_VFS);
    if (code != SQLITE_OK) fail("cannot look into the database: %s", sqlite3_errstr(code));
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return connection;
}

static sqlite3_stmt *stored_prepare(sqlite3 *connection, const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(connection));
    return statement;
}

bool stored_has_batch(const struct uuid *batch_id) {
    sqlite3 *connection = stored_open();
    sqlite3_stmt *statement = stored_prepare(connection, "SELECT batch_id FROM last_batch");
    if (sqlite3_step(statement) != SQLITE_ROW) fail("no last batch");
    bool has = memcmp(sqlite3_column_blob(statement, 0), batch_id, sizeof *batch_id) == 0;
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return has;
}

/* ---- lines ---- */

/* Their order does not matter, so they are added up, and listed only to be shown. */
struct lines {
    uint64_t count, sum;
    bool are_kept;
    char **kept;
    size_t capacity;
};

static void line_add(struct lines *lines, const char *line) {
    uint64_t hash = hash_add(HASH_BASIS, line, strlen(line));
    lines->sum += hash ^ hash >> 29;
    if (lines->are_kept) {
        if (lines->count == lines->capacity) {
            lines->capacity = 2 * lines->capacity + 64;
            lines->kept = memory_resize(lines->kept, lines->capacity, sizeof *lines->kept);
        }
        lines->kept[lines->count] = memory_take(strlen(line) + 1);
        memcpy(lines->kept[lines->count], line, strlen(line) + 1);
    }
    lines->count++;
}

static const char stored_sql[] =
    "SELECT 'user ' || hex(id) || ' ' || username FROM users "
    "UNION ALL SELECT 'type ' || hex(id) || ' ' || name || ' ' || unit || ' ' ||"
    " coalesce(consumable, 0) FROM resource_types "
    "UNION ALL SELECT 'plan ' || hex(id) || ' ' || name FROM plans "
    "UNION ALL SELECT 'plan_rate ' || hex(id) || ' ' || hex(plan_id) || ' ' || effective_date ||"
    " ' ' || rate FROM plan_rates "
    "UNION ALL SELECT 'default ' || hex(plan_id) || ' ' || hex(resource_type_id) || ' ' ||"
    " effective_date || ' ' || quota_value FROM plan_quota_defaults "
    "UNION ALL SELECT 'addon ' || hex(id) || ' ' || name || ' ' || hex(resource_type_id) || ' ' ||"
    " default_paid || ' ' || default_amount FROM addons "
    "UNION ALL SELECT 'addon_rate ' || hex(id) || ' ' || hex(addon_id) || ' ' || effective_date ||"
    " ' ' || rate FROM addon_rates "
    "UNION ALL SELECT 'subscription ' || hex(id) || ' ' || hex(user_id) || ' ' || hex(plan_id) ||"
    " ' ' || hex(plan_rate_id) || ' ' || effective_start_date || ' ' ||"
    " coalesce(effective_end_date, 9223372036854775807) || ' ' || paid FROM subscriptions "
    "UNION ALL SELECT 'quota ' || hex(subscription_id) || ' ' || hex(resource_type_id) || ' ' ||"
    " quota FROM quotas "
    "UNION ALL SELECT 'usage ' || hex(subscription_id) || ' ' || hex(resource_type_id) || ' ' ||"
    " usage FROM usages "
    "UNION ALL SELECT 'applied ' || hex(id) || ' ' || hex(subscription_id) || ' ' ||"
    " hex(addon_id) || ' ' || hex(addon_rate_id) || ' ' || paid || ' ' || amount"
    " FROM subscription_addons "
    "UNION ALL SELECT 'update ' || hex(user_id) || ' ' || hex(resource_type_id) || ' ' || name ||"
    " ' ' || value_type || ' ' || effective_date || ' ' || value"
    " FROM updates JOIN update_operations o ON o.id = update_operation_id";

static void stored_lines(struct lines *lines) {
    sqlite3 *connection = stored_open();
    sqlite3_stmt *statement = stored_prepare(connection, stored_sql);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        line_add(lines, (const char *)sqlite3_column_text(statement, 0));
    if (code != SQLITE_DONE) fail("cannot read the database: %s", sqlite3_errmsg(connection));
    sqlite3_finalize(statement);
    sqlite3_close(connection);
}

static char line[ANSWER_BYTES];

static void put_hex(const struct uuid *id) {
    static const char digits[] = "0123456789ABCDEF";
    char hex[2 * sizeof id->bytes];
    for (size_t i = 0; i < sizeof hex; i++)
        hex[i] = digits[id->bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    put(line, " %.*s", (int)sizeof hex, hex);
}

static void begin(const char *kind, const struct uuid *const *ids, int count) {
    line[0] = '\0';
    put(line, "%s", kind);
    for (int i = 0; i < count; i++) put_hex(ids[i]);
}

#define BEGIN(kind, ...)                                                                           \
    begin(kind, (const struct uuid *const[]){__VA_ARGS__},                                         \
          (int)(sizeof(const struct uuid *[]){__VA_ARGS__} / sizeof(struct uuid *)))

static void end(struct lines *lines, int64_t milli) {
    put(line, " ");
    put_milli(line, milli);
    line_add(lines, line);
}

static void catalogue_lines(const struct model *model, struct lines *lines) {
    for (int i = 0; i < model->type_count; i++) {
        const struct model_type *type = &model->types[i];
        BEGIN("type", &type->id);
        put(line, " %s %s %d", type->name, type->unit, type->consumable);
        line_add(lines, line);
    }
    for (int i = 0; i < model->plan_count; i++) {
        const struct model_plan *plan = &model->plans[i];
        BEGIN("plan", &plan->id);
        put(line, " %s", plan->name);
        line_add(lines, line);
        for (int j = 0; j < plan->rate_count; j++) {
            BEGIN("plan_rate", &plan->rates[j].id, &plan->id);
            put(line, " %lld", (long long)plan->rates[j].at_us);
            end(lines, plan->rates[j].milli);
        }
        for (int j = 0; j < plan->default_count; j++) {
            BEGIN("default", &plan->id, &model->types[plan->defaults[j].type].id);
            put(line, " %lld", (long long)plan->defaults[j].at_us);
            end(lines, plan->defaults[j].milli);
        }
    }
    for (int i = 0; i < model->addon_count; i++) {
        const struct model_addon *addon = &model->addons[i];
        BEGIN("addon", &addon->id);
        put(line, " %s", addon->name);
        put_hex(&model->types[addon->type].id);
        put(line, " %d", addon->paid);
        end(lines, addon->milli);
        for (int j = 0; j < addon->rate_count; j++) {
            BEGIN("addon_rate", &addon->rates[j].id, &addon->id);
            put(line, " %lld", (long long)addon->rates[j].at_us);
            end(lines, addon->rates[j].milli);
        }
    }
}

static void subscription_lines(const struct model *model, const struct model_subscription *row,
                               struct lines *lines) {
    static const char *const kinds[] = {[VALUE_QUOTAS] = "quota", [VALUE_USAGES] = "usage"};
    BEGIN("subscription", &row->id, &model->users[row->user].id, &row->plan_id, &row->rate_id);
    put(line, " %lld %lld %d", (long long)row->start_us, (long long)row->end_us, row->paid);
    line_add(lines, line);
    for (int kind = 0; kind < 2; kind++)
        for (int type = 0; type < model->type_count; type++) {
            if (!row->values[kind][type].is) continue;
            BEGIN(kinds[kind], &row->id, &model->types[type].id);
            end(lines, row->values[kind][type].milli);
        }
}

static void model_lines(const struct model *model, struct lines *lines) {
    catalogue_lines(model, lines);
    for (int i = 0; i < USERS; i++) {
        if (!model->users[i].exists) continue;
        BEGIN("user", &model->users[i].id);
        put(line, " %s", user_name(i));
        line_add(lines, line);
    }
    for (int i = 0; i < model->subscription_count; i++)
        subscription_lines(model, &model->subscriptions[i], lines);
    for (int i = 0; i < model->applied_count; i++) {
        const struct model_applied *row = &model->applied[i];
        BEGIN("applied", &row->id, &row->subscription_id, &row->addon_id, &row->rate_id);
        put(line, " %d", row->paid);
        end(lines, row->milli);
    }
    for (int i = 0; i < model->trail_count; i++) {
        const struct model_update *row = &trail[i];
        BEGIN("update", &model->users[row->user].id, &model->types[row->type].id);
        put(line, " %s %s %lld", row->set ? "SET" : "ADD", row->quotas ? "quotas" : "usages",
            (long long)row->effective_us);
        end(lines, row->milli);
    }
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void show_differences(void) {
    struct lines stored = {.are_kept = true}, expected = {.are_kept = true};
    stored_lines(&stored);
    model_lines(&world.durable, &expected);
    if (stored.count > 0) qsort(stored.kept, stored.count, sizeof(char *), by_text);
    if (expected.count > 0) qsort(expected.kept, expected.count, sizeof(char *), by_text);
    size_t i = 0, j = 0;
    for (int shown = 0; shown < 20 && (i < stored.count || j < expected.count);) {
        int order = i == stored.count     ? 1
                    : j == expected.count ? -1
                                          : strcmp(stored.kept[i], expected.kept[j]);
        if (order != 0) shown++;
        if (order < 0) say("stored only:   %s", stored.kept[i]);
        if (order > 0) say("expected only: %s", expected.kept[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

void stored_check(void) {
    struct lines stored = {0}, expected = {0};
    stored_lines(&stored);
    model_lines(&world.durable, &expected);
    world.checks++;
    if (stored.sum == expected.sum && stored.count == expected.count) return;
    show_differences();
    fail("the database does not hold what it should");
}

/* ---- what is there at first ---- */

static int64_t milli_of(struct amount amount) {
    return (int64_t)(amount_to_double(amount) * 1000.0 + 0.5); /* whole and small, at first */
}

static void adopt_rates(struct dated *list, int *count, const struct rate *rates, size_t real) {
    for (size_t i = 0; i < real; i++)
        list[(*count)++] = (struct dated){.id = rates[i].id, .at_us = rates[i].effective_us,
                                          .milli = milli_of(rates[i].rate)};
}

#define COPY(to, from) snprintf(to, sizeof(to), "%.*s", TEXT_ARGUMENTS(from))

void stored_adopt(struct model *model) {
    const struct catalogue *catalogue = world.engines[0]->workers[0]->catalogue;
    for (size_t i = 0; i < catalogue->resource_type_count; i++) {
        const struct resource_type *from = &catalogue->resource_types[i];
        struct model_type *type = &model->types[model->type_count++];
        *type = (struct model_type){.id = from->id, .consumable = from->consumable};
        COPY(type->name, from->name);
        COPY(type->unit, from->unit);
    }
    for (size_t i = 0; i < catalogue->plan_count; i++) {
        const struct plan *from = &catalogue->plans[i];
        struct model_plan *plan = &model->plans[model->plan_count++];
        plan->id = from->id;
        COPY(plan->name, from->name);
        adopt_rates(plan->rates, &plan->rate_count, from->rates, from->rate_count);
        for (size_t j = 0; j < from->default_count; j++)
            plan->defaults[plan->default_count++] = (struct dated){
                .type = type_with(model, &from->defaults[j].resource_type->id),
                .at_us = from->defaults[j].effective_us,
                .milli = milli_of(from->defaults[j].value)};
    }
    for (size_t i = 0; i < catalogue->addon_count; i++) {
        const struct addon *from = &catalogue->addons[i];
        struct model_addon *addon = &model->addons[model->addon_count++];
        *addon = (struct model_addon){.id = from->id,
                                      .type = type_with(model, &from->resource_type->id),
                                      .milli = milli_of(from->default_amount),
                                      .paid = from->default_paid};
        COPY(addon->name, from->name);
        adopt_rates(addon->rates, &addon->rate_count, from->rates, from->rate_count);
    }
}

/* ---- somebody else ---- */

static struct model_value *value_drawn(struct model_subscription *row, int kind, int *type) {
    *type = (int)draw((uint64_t)world.durable.type_count);
    struct model_value *value = &row->values[kind][*type];
    return value->is ? value : NULL;
}

void stored_write(void) {
    struct model *model = &world.durable;
    if (model->subscription_count == 0 || world.has_pending) return;
    struct model_subscription *row =
        &model->subscriptions[draw((uint64_t)model->subscription_count)];
    int kind = chance(2) ? VALUE_QUOTAS : VALUE_USAGES, type;
    struct model_value *value = value_drawn(row, kind, &type);
    const char *table = kind == VALUE_QUOTAS ? "quota" : "usage";
    char sql[ANSWER_BYTES] = "";
    if (value != NULL && !chance(3)) {
        value->milli = (int64_t)draw(1000000);
        put(sql, "UPDATE %ss SET %s = '", table, table);
        put_milli(sql, value->milli);
        BEGIN("", &row->id);
        put(sql, "' WHERE subscription_id = X'%s'", line + 1);
        BEGIN("", &model->types[type].id);
        put(sql, " AND resource_type_id = X'%s'", line + 1);
    } else if (chance(2)) {
        struct model_plan *plan = &model->plans[draw((uint64_t)model->plan_count)];
        if (plan->rate_count == 0) return;
        struct dated *rate = &plan->rates[draw((uint64_t)plan->rate_count)];
        rate->milli = (int64_t)draw(1000000);
        put(sql, "UPDATE plan_rates SET rate = '");
        put_milli(sql, rate->milli);
        BEGIN("", &rate->id);
        put(sql, "' WHERE id = X'%s'", line + 1);
    } else {
        row->paid = chance(2);
        if (chance(2)) row->end_us = TIME_NEVER;
        BEGIN("", &row->id);
        put(sql, "UPDATE subscriptions SET paid = %d, effective_end_date = ", row->paid);
        if (row->end_us == TIME_NEVER) put(sql, "NULL");
        else put(sql, "%lld", (long long)row->end_us);
        put(sql, " WHERE id = X'%s'", line + 1);
    }
    say("somebody else: %s", sql);
    world.monotonic_us += FRESH_US + 1; /* reads outside of batches may be as old */
    sqlite3 *connection = stored_open();
    char *text = NULL;
    sqlite3_exec(connection, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (sqlite3_exec(connection, sql, NULL, NULL, &text) != SQLITE_OK) fail("%s: %s", sql, text);
    sqlite3_close(connection);
}
