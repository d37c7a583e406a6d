#include "cli/command.h"

#include <inttypes.h>

#include "base/limits.h"
#include "cli/client.h"
#include "cli/csv.h"
#include "cli/summary.h"
#include "cli/table.h"
#include "wire/json_writer.h"

struct settings {
    struct client_settings client;
    bool json, csv;
};

static const struct option_row rows[] = {
    COMMAND_CLIENT_ROWS(offsetof(struct settings, client)),
    {"overages.json", "json", NULL, OPTION_BOOL, offsetof(struct settings, json), NULL, NULL,
     "print one JSON object: {\"overages\":[...],\"next\":null}", 0, 0},
    {"overages.csv", "csv", NULL, OPTION_BOOL, offsetof(struct settings, csv), NULL, NULL,
     "print comma-separated values, as RFC 4180 has them", 0, 0},
    OPTION_END,
};

/* Where pages go, one after the other. */
struct report {
    struct arena *arena;
    struct table table;
    struct buffer out; /* JSON or CSV */
    struct json_writer writer;
    uint64_t users, overages;
    struct text last_user; /* in the arena */
};

static void put_row(struct report *report, const struct overage *overage) {
    const struct summary_resource *resource = &overage->resource;
    char digits[AMOUNT_TEXT_MAX];
    struct amount over;
    table_put(&report->table, overage->username, TABLE_BOLD);
    table_put(&report->table, resource->name, TABLE_PLAIN);
    table_put(&report->table, (struct text){digits, amount_format(resource->usage, digits)},
              TABLE_PLAIN);
    table_put(&report->table, (struct text){digits, amount_format(resource->quota, digits)},
              TABLE_PLAIN);
    size_t length = 0;
    if (amount_subtract(resource->usage, resource->quota, &over))
        length = amount_format(over, digits);
    table_put(&report->table, (struct text){digits, length}, TABLE_RED);
    table_put(&report->table, summary_percent(report->arena, resource), TABLE_RED);
}

static void put_json(struct report *report, const struct overage *overage) {
    struct json_writer *writer = &report->writer;
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("username"));
    json_write_string(writer, overage->username);
    json_write_key(writer, TEXT("resource_name"));
    json_write_string(writer, overage->resource.name);
    json_write_key(writer, TEXT("quota"));
    json_write_amount(writer, overage->resource.quota);
    json_write_key(writer, TEXT("usage"));
    json_write_amount(writer, overage->resource.usage);
    json_write_object_end(writer);
}

static void put_csv(struct report *report, const struct overage *overage) {
    const struct summary_resource *resource = &overage->resource;
    char digits[AMOUNT_TEXT_MAX];
    struct amount over;
    struct buffer *out = &report->out;
    csv_put(out, overage->username, true);
    csv_put(out, resource->name, false);
    csv_put(out, (struct text){digits, amount_format(resource->usage, digits)}, false);
    csv_put(out, (struct text){digits, amount_format(resource->quota, digits)}, false);
    size_t length = 0;
    if (amount_subtract(resource->usage, resource->quota, &over))
        length = amount_format(over, digits);
    csv_put(out, (struct text){digits, length}, false);
    csv_end_line(out);
}

static void take_page(struct report *report, const struct overage_page *page,
                      const struct settings *settings) {
    for (size_t i = 0; i < page->count; i++) {
        const struct overage *overage = &page->rows[i];
        if (report->overages++ == 0 || !text_equal(overage->username, report->last_user)) {
            report->users++;
            report->last_user = arena_text(report->arena, overage->username);
        }
        if (settings->json)
            put_json(report, overage);
        else if (settings->csv)
            put_csv(report, overage);
        else
            put_row(report, overage);
    }
    /* What is complete leaves at once: the list may be long. */
    fwrite(report->out.data, 1, report->out.length, stdout);
    buffer_reset(&report->out);
}

static bool get_page(struct client *client, struct text after, struct arena *arena,
                     struct overage_page *page, struct qms_error *error) {
    struct buffer path;
    buffer_init(&path, 4 * USERNAME_BYTES_MAX);
    buffer_put_text(&path, TEXT("/v2/overages"));
    if (after.length > 0) {
        buffer_put_text(&path, TEXT("?after="));
        client_put_segment(&path, after);
    }
    buffer_put_char(&path, '\0');
    struct client_call call;
    client_call_init(&call);
    client_get(client, path.data, &call);
    buffer_close(&path);

    bool answered = client_explain(client, &call, error);
    if (answered) {
        struct text answer = arena_text(arena, buffer_text(&call.answer));
        answered = summary_read_overages(answer, arena, page) ||
                   qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood",
                            client_server(client));
    }
    client_call_close(&call);
    return answered;
}

/* Pages until there is no next one; each has to begin after the one before. */
static bool get_pages(struct client *client, struct report *report,
                      const struct settings *settings, struct qms_error *error) {
    struct arena arena; /* of one page */
    arena_init(&arena, 65536);
    struct text after = TEXT("");
    bool answered = true, has_next = true;
    while (answered && has_next) {
        struct overage_page page;
        arena_reset(&arena);
        answered = get_page(client, after, &arena, &page, error);
        if (!answered) break;
        take_page(report, &page, settings);
        has_next = page.has_next;
        if (has_next && (text_compare(page.next, after) <= 0 ||
                         page.next.length > USERNAME_BYTES_MAX))
            answered = qms_fail(error, QMS_INTERNAL, "the pages of %s do not go on",
                                client_server(client));
        if (has_next) after = arena_text(report->arena, page.next);
    }
    arena_close(&arena);
    return answered;
}

static void report_begin(const struct settings *settings) {
    if (settings->json) printf("{\"overages\":[");
    else if (settings->csv) printf("user,resource,usage,quota,over by\r\n");
}

static void report_end(struct report *report, const struct settings *settings) {
    if (settings->csv) return;
    if (settings->json) {
        printf("],\"next\":null}\n");
    } else if (report->overages == 0) {
        printf("Nobody is over quota.\n");
    } else {
        table_write(&report->table, table_style_of(stdout), stdout);
        printf("\n%" PRIu64 " %s over quota\n", report->users,
               report->users == 1 ? "user is" : "users are");
    }
}

static bool run_with(struct client *client, const struct settings *settings, struct arena *arena,
                     struct qms_error *error) {
    static const struct table_column columns[] = {
        {"user", false}, {"resource", false}, {"usage", true},
        {"quota", true}, {"over by", true},   {"used", true},
    };
    struct report report = {.arena = arena};
    table_init(&report.table, columns, sizeof columns / sizeof columns[0], arena);
    buffer_init(&report.out, CLIENT_ANSWER_BYTES_MAX);
    json_write_open(&report.writer, &report.out);
    report_begin(settings);
    bool done = get_pages(client, &report, settings, error);
    if (done) report_end(&report, settings);
    table_close(&report.table);
    buffer_close(&report.out);
    return done;
}

static int run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 65536);
    struct settings settings = {0};
    struct qms_error error;
    struct client *client = NULL;
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error);
    if (done && settings.json && settings.csv)
        done = qms_fail(&error, QMS_BAD_REQUEST, "--json and --csv exclude each other");
    if (done) client = client_open(&settings.client, &error);
    done = done && client != NULL && run_with(client, &settings, &arena, &error);
    int code = done ? 0 : command_fail(command, &error);
    if (client != NULL) client_close(client);
    arena_close(&arena);
    return code;
}

const struct command command_overages = {
    .name = "overages",
    .operands = "",
    .summary = "list everybody who is over quota, and by how much",
    .details = "",
    .options = rows,
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
