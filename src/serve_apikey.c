/* serve_apikey.c: qms apikey: keys made on the machine itself, in the store, whether a server runs
 * or not. Whoever may write the store may do everything anyway, so nobody asks for a key here. */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/listing.h"
#include "domain/decide.h"
#include "serve.h"
#include "store/store.h"
#include "wire/api_key.h"
#include "wire/json_writer.h"

enum { SAVE_ATTEMPTS_MAX = 8, KEY_ROW_BYTES_MAX = 16384 };

struct apikey_settings {
    const char *store_url, *user, *name;
    bool json, csv;
};

#define STORE_ROWS                                                                                 \
    {"database.uri", NULL, "QMS_DATABASE_URI", OPTION_TEXT,                                        \
     offsetof(struct apikey_settings, store_url), NULL, NULL,                                      \
     "as QMS_STORE_URL, from older settings", 0, 0},                                               \
    {"store.url", "store", "QMS_STORE_URL", OPTION_TEXT,                                           \
     offsetof(struct apikey_settings, store_url), "sqlite:qms.db", "URL",                          \
     "the database of the server, sqlite:PATH or postgresql://USER@HOST/DATABASE", 0, 0}

static const struct option_row create_rows[] = {
    STORE_ROWS,
    {"-user", "user", NULL, OPTION_TEXT, offsetof(struct apikey_settings, user), "operator",
     "USER", "whose key it is: a user of the system organization by name, or any by id", 0, 0},
    {"-name", "name", NULL, OPTION_TEXT, offsetof(struct apikey_settings, name), NULL, "NAME",
     "what the key is called, as the program that will use it", 0, 0},
    OPTION_END,
};

static const struct option_row list_rows[] = {
    STORE_ROWS,
    {"-json", "json", NULL, OPTION_BOOL, offsetof(struct apikey_settings, json), NULL, NULL,
     "print the keys as a JSON array", 0, 0},
    {"-csv", "csv", NULL, OPTION_BOOL, offsetof(struct apikey_settings, csv), NULL, NULL,
     "print comma-separated values, as RFC 4180 has them", 0, 0},
    OPTION_END,
};

static const struct option_row revoke_rows[] = {STORE_ROWS, OPTION_END};

/* One operation on the directory, decided here as the engine would. */
struct local {
    struct store *store;
    struct arena arena;
    struct uuid_source ids;
    struct directory *directory;
    struct op op;
};

static bool local_open(struct local *local, const char *url, struct qms_error *error) {
    const struct store_options options = {.url = url, .clock = &clock_system, .beside = true};
    *local = (struct local){0};
    arena_init(&local->arena, 4096);
    uuid_source_init(&local->ids);
    local->store = store_open(&options, error);
    return local->store != NULL;
}

static void local_close(struct local *local) {
    directory_release(local->op.directory);
    directory_release(local->directory);
    if (local->store != NULL) local->store->ops->close(local->store);
    arena_close(&local->arena);
}

static bool local_begin(struct local *local, bool writes, struct store_load *load,
                        struct qms_error *error) {
    bool stale;
    *load = (struct store_load){
        .arena = &local->arena, .catalogue_version = -1, .directory_version = -1};
    if (!local->store->ops->begin(local->store, writes, &stale, error) ||
        !local->store->ops->load(local->store, load, error))
        return false;
    catalogue_release(local->op.catalogue);
    local->op.catalogue = NULL;
    directory_release(local->directory);
    local->directory = load->directory;
    return true;
}

/* prepare, when given, fills in what it finds in the directory; false: it has failed. */
static bool local_try(struct local *local, bool (*prepare)(struct local *, const char *,
                                                           struct qms_error *),
                      const char *user, enum store_outcome *outcome, struct qms_error *error) {
    struct store_load load;
    struct changes changes;
    bool writes = operation_effect(local->op.operation) == EFFECT_WRITE;
    if (!local_begin(local, writes, &load, error)) return false;
    changes_init(&changes, &local->arena);
    struct decision decision = {
        .catalogue = load.catalogue, .directory = local->directory, .plugins = &plugins_builtin,
        .changes = &changes, .ids = &local->ids, .decided_us = load.moment.decided_us,
        .stamped_us = load.moment.stamped_us, .actor = load.moment.actor};
    bool decided = prepare == NULL || prepare(local, user, error);
    if (decided) {
        decided = decide(&decision, &local->op, &local->arena);
        *error = local->op.error;
    }
    catalogue_release(local->op.catalogue);
    local->op.catalogue = NULL;
    catalogue_release(load.catalogue);
    *outcome = STORE_COMMITTED;
    if (decided && changes_directory_any(&changes)) {
        struct uuid batch_id = uuid_make_random(&local->ids);
        *outcome = local->store->ops->save(local->store, &batch_id, &changes, error);
        return *outcome == STORE_COMMITTED;
    }
    local->store->ops->end(local->store);
    return decided;
}

static bool is_to_repeat(enum store_outcome outcome) {
    return outcome == STORE_OVERTAKEN || outcome == STORE_LOCKED;
}

static bool local_run(struct local *local, bool (*prepare)(struct local *, const char *,
                                                           struct qms_error *),
                      const char *user, struct qms_error *error) {
    enum store_outcome outcome = STORE_OVERTAKEN;
    bool done = false;
    local->op.caller.is_local = true;
    for (int i = 0; i < SAVE_ATTEMPTS_MAX && !done && is_to_repeat(outcome); i++) {
        outcome = STORE_FAILED;
        done = local_try(local, prepare, user, &outcome, error);
    }
    return done;
}

/* ---- create ---- */

static bool find_user(struct local *local, const char *name, struct qms_error *error) {
    struct uuid id;
    const struct cloud_user *user = NULL;
    if (uuid_parse(text_of(name), &id)) {
        user = directory_user(local->directory, &id);
    } else {
        user = local->directory->system->users;
        while (user != NULL && !text_equal(user->row.name, text_of(name)))
            user = user->next_in_organization;
    }
    if (user == NULL)
        return qms_fail(error, QMS_NOT_FOUND, "the system organization has no user %s", name);
    local->op.in.api_key.has_user = true;
    local->op.in.api_key.user_id = user->row.id;
    return true;
}

static bool create(const struct apikey_settings *settings, struct qms_error *error) {
    struct local local;
    char key[API_KEY_TEXT_BYTES];
    bool done = local_open(&local, settings->store_url, error);
    if (done) {
        api_key_make(key);
        local.op.operation = OP_API_KEY_CREATE;
        local.op.in.api_key.has_name = settings->name != NULL;
        local.op.in.api_key.name = text_of(settings->name);
        api_key_hash((struct text){key, sizeof key}, local.op.in.api_key.hash);
        done = local_run(&local, find_user, settings->user, error);
    }
    if (done) {
        printf("%.*s\n", API_KEY_TEXT_BYTES, key);
        fflush(stdout);
        fprintf(stderr, "This is the only time the key is shown.\n");
    }
    explicit_bzero(key, sizeof key);
    local_close(&local);
    return done;
}

/* ---- list ---- */

static const struct listing_column key_columns[] = {
    {"name", "name", .kind = LISTING_TEXT},
    {"user", "user", .kind = LISTING_TEXT},
    {"organization", "organization", .kind = LISTING_TEXT},
    {"created", "created", .kind = LISTING_TIME},
    {"last used", "lastUsed", .kind = LISTING_TIME},
    {"from", "lastUsedFrom", .kind = LISTING_TEXT},
    {"id", "id", .kind = LISTING_TEXT},
    {NULL},
};

static void write_member(struct json_writer *writer, struct text name, struct text value) {
    json_write_key(writer, name);
    json_write_string(writer, value);
}

/* A key that was never used has no members that say when and from where. */
static void write_key(struct json_writer *writer, const struct api_key *key) {
    json_write_object_begin(writer);
    json_write_key(writer, TEXT("id"));
    json_write_uuid(writer, &key->row.id);
    write_member(writer, TEXT("name"), key->row.name);
    write_member(writer, TEXT("user"), key->user->row.name);
    write_member(writer, TEXT("organization"), key->user->organization->row.name);
    json_write_key(writer, TEXT("created"));
    json_write_timestamp(writer, key->row.created_us);
    if (key->row.used_us != 0) {
        json_write_key(writer, TEXT("lastUsed"));
        json_write_timestamp(writer, key->row.used_us);
        write_member(writer, TEXT("lastUsedFrom"), key->row.used_address);
    }
    json_write_object_end(writer);
}

static void show(struct local *local, enum listing_format format) {
    struct listing listing;
    struct buffer row;
    buffer_init(&row, KEY_ROW_BYTES_MAX);
    listing_begin(&listing, key_columns, format, &local->arena);
    for (size_t i = 0; i < directory_count(local->directory, DIRECTORY_KEYS); i++) {
        struct json_writer writer;
        buffer_reset(&row);
        json_write_open(&writer, &row);
        write_key(&writer, directory_at(local->directory, DIRECTORY_KEYS, i));
        listing_put(&listing, buffer_text(&row), &local->arena);
    }
    listing_end(&listing, "There are no API keys.", stdout);
    listing_close(&listing);
    buffer_close(&row);
}

static bool list(const struct apikey_settings *settings, struct qms_error *error) {
    struct local local;
    struct store_load load;
    enum listing_format format = settings->json  ? LISTING_JSON
                                 : settings->csv ? LISTING_CSV
                                                 : LISTING_TABLE;
    if (settings->json && settings->csv)
        return qms_fail(error, QMS_BAD_REQUEST, "--json and --csv exclude each other");
    bool done = local_open(&local, settings->store_url, error) &&
                local_begin(&local, false, &load, error);
    if (done) {
        catalogue_release(load.catalogue);
        local.store->ops->end(local.store);
        show(&local, format);
    }
    local_close(&local);
    return done;
}

/* ---- revoke ---- */

static bool revoke(const struct apikey_settings *settings, const char *id,
                   struct qms_error *error) {
    struct local local;
    struct uuid key_id;
    if (!uuid_parse(text_of(id), &key_id))
        return qms_fail(error, QMS_BAD_REQUEST,
                        "\"%s\" is not the id of a key; qms apikey list shows them", id);
    bool done = local_open(&local, settings->store_url, error);
    if (done) {
        local.op.operation = OP_API_KEY_REVOKE;
        local.op.target_id = key_id;
        done = local_run(&local, NULL, NULL, error);
        if (!done && error->code == QMS_NOT_FOUND)
            qms_fail(error, QMS_NOT_FOUND, "there is no key %s; qms apikey list shows them", id);
    }
    local_close(&local);
    return done;
}

/* ---- commands ---- */

static int run(const struct command *command, int count, char **arguments) {
    struct apikey_settings settings = {0};
    struct qms_error error;
    struct arena arena;
    arena_init(&arena, 4096);
    bool done = command_parse(command, &settings, &count, arguments, &arena, &error);
    if (done && command->options == create_rows) done = create(&settings, &error);
    else if (done && command->operands_min > 0) done = revoke(&settings, arguments[0], &error);
    else if (done) done = list(&settings, &error);
    int code = done ? 0 : serve_fail(command, &error);
    arena_close(&arena);
    return code;
}

const struct command commands_apikey[] = {
    {
        .name = "apikey create",
        .operands = "",
        .summary = "make an API key, on the machine that has the database",
        .details =
            "Prints the key, this once; only its SHA-256 is kept. It has all the rights of its\n"
            "user. A server may be running meanwhile: within about a second it knows the key.\n",
        .options = create_rows,
        .run = run,
    },
    {
        .name = "apikey list",
        .operands = "",
        .summary = "list the API keys: whose, and when and from where last used",
        .details = "",
        .options = list_rows,
        .run = run,
    },
    {
        .name = "apikey revoke",
        .operands = "ID",
        .summary = "revoke an API key",
        .details = "A running server refuses the key within about a second.\n",
        .options = revoke_rows,
        .operands_min = 1,
        .operands_max = 1,
        .run = run,
    },
    {.name = NULL},
};
