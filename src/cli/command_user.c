#include "cli/command.h"

#include "base/limits.h"
#include "cli/client.h"
#include "cli/summary.h"
#include "cli/table.h"
#include "domain/amount.h"

enum { BAR_COLUMNS = 20 };

struct settings {
    struct client_settings client;
    bool json;
};

static const struct option_row rows[] = {
    COMMAND_CLIENT_ROWS(offsetof(struct settings, client)),
    {"user.json", "json", NULL, OPTION_BOOL, offsetof(struct settings, json), NULL, NULL,
     "print the server's answer as it is", 0, 0},
    OPTION_END,
};

/* "5368709120 (5 GiB)": exact, and for people where the unit is bytes. */
static struct text amount_text(struct arena *arena, struct amount amount, struct text unit) {
    char digits[AMOUNT_TEXT_MAX];
    int length = (int)amount_format(amount, digits);
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = amount_to_double(amount);
    if (!text_equal(unit, TEXT("bytes")) || size < 1024)
        return arena_format(arena, "%.*s", length, digits);
    size_t i = 0;
    for (size /= 1024; size >= 1024 && i < sizeof units / sizeof units[0] - 1; i++)
        size /= 1024;
    return arena_format(arena, "%.*s (%.4g %s)", length, digits, size, units[i]);
}

/* Only the date: YYYY-MM-DD of RFC 3339. */
static struct text date_of(struct text timestamp) {
    return (struct text){.data = timestamp.data,
                         .length = timestamp.length < 10 ? timestamp.length : 10};
}

static void put_resource(struct table *table, const struct summary_resource *resource,
                         struct table_style style) {
    struct arena *arena = table->arena;
    double quota = amount_to_double(resource->quota), usage = amount_to_double(resource->usage);
    bool has_quota = resource->has_quota, is_over = summary_is_over(resource);
    double part = quota > 0 ? usage / quota : is_over;
    enum table_colour colour = is_over ? TABLE_RED : part >= 0.8 ? TABLE_YELLOW : TABLE_GREEN;

    struct buffer bar;
    buffer_init(&bar, 1024);
    if (has_quota) table_bar(&bar, is_over ? 1 : part, BAR_COLUMNS, style);
    table_put(table, resource->name, TABLE_BOLD);
    table_put(table, amount_text(arena, resource->usage, resource->unit), TABLE_PLAIN);
    table_put(table, has_quota ? amount_text(arena, resource->quota, resource->unit) : TEXT("none"),
              TABLE_PLAIN);
    table_put(table, resource->unit, TABLE_DIM);
    table_put(table, buffer_text(&bar), colour);
    table_put(table, has_quota ? summary_percent(arena, resource) : TEXT(""), colour);
    buffer_close(&bar);
}

/* A line below the table: for the eye, where there is no colour, and for the exact excess. */
static void show_excess(const struct summary_resource *resource, struct arena *arena,
                        struct table_style style) {
    struct amount excess;
    struct text line = arena_format(arena, "over quota: %.*s", TEXT_ARGUMENTS(resource->name));
    if (amount_subtract(resource->usage, resource->quota, &excess)) {
        struct text by = amount_text(arena, excess, resource->unit);
        line = arena_format(arena, "%.*s by %.*s", TEXT_ARGUMENTS(line), TEXT_ARGUMENTS(by));
    }
    table_write_text(table_printable(arena, line), TABLE_RED, style, stdout);
    putchar('\n');
}

static void show(const struct summary *summary, struct arena *arena) {
    static const struct table_column columns[] = {
        {"resource", false}, {"usage", true}, {"quota", true}, {"unit", false},
        {"used", false},     {"", true},
    };
    struct table_style style = table_style_of(stdout);
    table_write_text(table_printable(arena, summary->username), TABLE_BOLD, style, stdout);
    struct text end = date_of(summary->end); /* none: older servers made such subscriptions */
    struct text line = arena_format(
        arena, "  plan %.*s, %s, from %.*s%s%.*s", TEXT_ARGUMENTS(summary->plan_name),
        summary->is_paid ? "paid" : "not paid", TEXT_ARGUMENTS(date_of(summary->start)),
        end.length > 0 ? " to " : ", without end", TEXT_ARGUMENTS(end));
    line = table_printable(arena, line);
    printf("%.*s\n\n", TEXT_ARGUMENTS(line));

    struct table table;
    table_init(&table, columns, sizeof columns / sizeof columns[0], arena);
    for (size_t i = 0; i < summary->resource_count; i++)
        put_resource(&table, &summary->resources[i], style);
    table_write(&table, style, stdout);
    table_close(&table);
    for (size_t i = 0; i < summary->resource_count; i++)
        if (summary_is_over(&summary->resources[i]))
            show_excess(&summary->resources[i], arena, style);
}

static bool run_with(struct client *client, const struct settings *settings, struct text username,
                     struct arena *arena, struct qms_error *error) {
    struct buffer path;
    buffer_init(&path, 4 * USERNAME_BYTES_MAX);
    buffer_put_text(&path, TEXT("/summary/"));
    client_put_segment(&path, username);
    buffer_put_char(&path, '\0');
    struct client_call call;
    client_call_init(&call);
    client_get(client, path.data, &call);
    buffer_close(&path);

    struct summary summary;
    bool answered = client_explain(client, &call, error);
    if (answered && settings->json)
        fwrite(call.answer.data, 1, call.answer.length, stdout);
    else if (answered && (answered = summary_read(buffer_text(&call.answer), arena, &summary)))
        show(&summary, arena);
    else if (call.status == 200)
        qms_fail(error, QMS_INTERNAL, "the answer of %s is not understood", client_server(client));
    client_call_close(&call);
    return answered;
}

static int run(const struct command *command, int count, char **arguments) {
    struct arena arena;
    arena_init(&arena, 16384);
    struct settings settings = {0};
    struct qms_error error;
    struct client *client = NULL;
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error);
    if (done && arguments[0][0] == '\0')
        done = qms_fail(&error, QMS_BAD_REQUEST, "the user name is empty");
    if (done && strlen(arguments[0]) > USERNAME_BYTES_MAX)
        done = qms_fail(&error, QMS_BAD_REQUEST, "the user name is too long");
    if (done) client = client_open(&settings.client, &error);
    done = done && client != NULL &&
           run_with(client, &settings, text_of(arguments[0]), &arena, &error);
    int code = done ? 0 : command_fail(command, &error);
    if (client != NULL) client_close(client);
    arena_close(&arena);
    return code;
}

const struct command command_user = {
    .name = "user",
    .operands = "NAME",
    .summary = "show what a user has used of each quota",
    .details = "A user without a subscription gets one to the default plan by being asked for.\n",
    .options = rows,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
