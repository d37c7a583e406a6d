/* serve_check.c: qms serve --check. */
#include <unistd.h>

#include "base/log.h"
#include "cli/table.h"
#include "front/http_tls.h"
#include "serve_settings.h"
#include "store/store_url.h"

/* A parameter of an address that holds a password: ?password=, &sslpassword= */
static struct text masked_parameter(struct text value, struct arena *arena) {
    static const char name[] = "password=";
    const char *start = memmem(value.data, value.length, name, sizeof name - 1);
    if (start == NULL) return value;
    size_t before = (size_t)(start - value.data) + sizeof name - 1;
    struct text rest = {value.data + before, value.length - before};
    const char *end = rest.length == 0 ? NULL : memchr(rest.data, '&', rest.length);
    rest = end == NULL ? TEXT("") : (struct text){end, rest.length - (size_t)(end - rest.data)};
    rest = masked_parameter(rest, arena);
    return arena_format(arena, "%.*s***%.*s", (int)before, value.data, TEXT_ARGUMENTS(rest));
}

/* A password in an address is nobody's business; for NATS, what stands there alone is a token. */
static struct text masked(struct text value, struct arena *arena) {
    value = masked_parameter(value, arena);
    const char *start = memmem(value.data, value.length, "://", 3);
    if (start == NULL) return value;
    size_t before = (size_t)(start - value.data) + 3;
    const char *at = memrchr(value.data + before, '@', value.length - before);
    if (at == NULL) return value;
    struct text host = {.data = at, .length = value.length - (size_t)(at - value.data)};
    const char *colon = memchr(value.data + before, ':', (size_t)(at - value.data) - before);
    if (colon == NULL && value.data[0] == 'p') return value; /* postgres: the name of a user */
    if (colon == NULL)
        return arena_format(arena, "%.*s***%.*s", (int)before, value.data, TEXT_ARGUMENTS(host));
    return arena_format(arena, "%.*s:***%.*s", (int)(colon - value.data), value.data,
                        TEXT_ARGUMENTS(host));
}

static struct text value_of(const struct option_row *row, const struct settings *values,
                            struct arena *arena) {
    if (row->type != OPTION_TEXTS) return masked(option_text(row, values, arena), arena);
    const struct option_texts *texts =
        (const struct option_texts *)((const char *)values + row->place);
    struct text joined = TEXT("");
    for (size_t i = 0; i < texts->count; i++)
        joined = arena_format(arena, "%.*s%s%.*s", TEXT_ARGUMENTS(joined), i == 0 ? "" : ",",
                              TEXT_ARGUMENTS(masked(text_of(texts->items[i]), arena)));
    return joined;
}

/* The origin of the row's value, which another name of it may have set. */
static const char *origin_of(const struct settings_reading *reading,
                             const struct option_row *row) {
    for (size_t i = 0; settings_rows[i].name != NULL; i++)
        if (settings_rows[i].place == row->place && reading->origins.text[i] != NULL)
            return reading->origins.text[i];
    return "default";
}

static void print_settings(const struct settings_reading *reading, struct arena *arena,
                           FILE *out) {
    static const struct table_column columns[] = {
        {"setting", false}, {"value", false}, {"from", false}};
    struct table table;
    table_init(&table, columns, sizeof columns / sizeof columns[0], arena);
    for (const struct option_row *row = settings_rows; row->name != NULL; row++) {
        if (row->flag == NULL || row->place == offsetof(struct settings, check)) continue;
        table_put(&table, text_of(row->name[0] == '-' ? row->flag : row->name), TABLE_PLAIN);
        table_put(&table, value_of(row, &reading->values, arena), TABLE_PLAIN);
        table_put(&table, text_of(origin_of(reading, row)), TABLE_PLAIN);
    }
    table_write(&table, table_style_of(out), out);
    table_close(&table);
}

/* Whether the file of the store can be used, as far as can be told without opening it. */
static bool check_store(const char *url, struct arena *arena, struct qms_error *error) {
    enum store_kind kind;
    if (!store_url_read(url, &kind, error)) return false;
    if (kind == STORE_POSTGRES) return true;
    const char *path = store_url_path(url);
    if (strcmp(path, ":memory:") == 0) return true;
    if (access(path, F_OK) == 0)
        return access(path, R_OK | W_OK) == 0 ||
               qms_fail(error, QMS_BAD_REQUEST, "%s cannot be read and written", path);
    const char *slash = strrchr(path, '/');
    struct text folder = slash == NULL ? TEXT(".") : (struct text){path, (size_t)(slash - path)};
    if (folder.length == 0) folder = TEXT("/");
    const char *name = arena_text(arena, folder).data;
    return access(name, R_OK | W_OK | X_OK) == 0 ||
           qms_fail(error, QMS_BAD_REQUEST, "%s is not there, and cannot be made in %s", path,
                    name);
}

static bool check_tls(const struct settings *values, FILE *out, struct qms_error *error) {
    if (!settings_have_tls(values)) return true;
    struct http_tls_identity *tls = http_tls_open(values->tls_cert, values->tls_key, error);
    if (tls == NULL) return false;
    if (http_tls_warning(tls, error)) fprintf(out, "\n%s\n", error->text);
    http_tls_close(tls);
    return true;
}

int settings_check(struct settings_reading *reading, struct arena *arena, FILE *out) {
    struct qms_error error;
    print_settings(reading, arena, out);
    if (reading->warnings.length > 0) fprintf(out, "\n%.*s", TEXT_ARGUMENTS(reading->warnings));
    bool good = true;
    if (!settings_apply(reading, arena, &error)) {
        fprintf(out, "\nwrong: %s\n", error.text);
        good = false;
    }
    if (!check_store(reading->values.store_url, arena, &error)) {
        fprintf(out, "\nwrong: %s\n", error.text);
        good = false;
    }
    if (!check_tls(&reading->values, out, &error)) {
        fprintf(out, "\nwrong: %s\n", error.text);
        good = false;
    }
    if (good) fprintf(out, "\nnothing is wrong\n");
    return good ? 0 : qms_code_exit(QMS_BAD_REQUEST);
}
