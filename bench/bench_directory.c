/* bench_directory.c: what a directory of many organizations costs to read whole, and to copy with
 * one change: each organization has a user with a role and a key, a connection with a quota, and an
 * environment. Usage: bench_directory [ORGANIZATIONS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "store/store.h"

enum { ORGANIZATIONS_DEFAULT = 10000, COPIES = 20 };

static struct uuid_source ids;
static struct arena arena;
static struct changes changes;

static void check(bool holds, const struct qms_error *error) {
    if (holds) return;
    fprintf(stderr, "bench_directory: %s\n", error->text);
    exit(1);
}

static void *row(enum directory_kind kind, size_t bytes) {
    struct directory_row *made = arena_take_zeroed(&arena, 1, bytes);
    made->id = uuid_make(&ids, clock_wall_us(&clock_system));
    made->created_us = clock_wall_us(&clock_system);
    changes_directory(&changes, kind, made, ROW_INSERTED);
    return made;
}

static struct connection_row *add_connection(const struct uuid *owner) {
    struct connection_row *connection = row(DIRECTORY_CONNECTIONS, sizeof *connection);
    connection->owner_id = *owner;
    connection->name = connection->service_code = TEXT("link");
    connection->type = TEXT("cloudca");
    return connection;
}

static struct cloud_quota_row *add_quota(const struct connection_row *connection) {
    struct cloud_quota_row *quota = row(DIRECTORY_QUOTAS, sizeof *quota);
    quota->connection_id = connection->id;
    quota->owner_id = connection->owner_id;
    quota->name = TEXT("quota");
    return quota;
}

static void add_organization(int number, const struct cloud_quota_row *quota) {
    struct organization_row *organization = row(DIRECTORY_ORGANIZATIONS, sizeof *organization);
    organization->parent_id = quota->owner_id;
    organization->name = arena_format(&arena, "Organization %d", number);
    organization->entry_point = arena_format(&arena, "organization-%d", number);
    struct cloud_user_row *user = row(DIRECTORY_USERS, sizeof *user);
    user->organization_id = organization->id;
    user->name = TEXT("administrator");
    user->email = arena_format(&arena, "administrator@organization-%d.example", number);
    struct role_binding_row *binding = row(DIRECTORY_BINDINGS, sizeof *binding);
    binding->user_id = user->id;
    binding->organization_id = organization->id;
    binding->role = ROLE_ADMINISTRATOR;
    binding->is_primary = true;
    struct api_key_row *key = row(DIRECTORY_KEYS, sizeof *key);
    key->user_id = user->id;
    key->name = TEXT("a program");
    for (size_t i = 0; i < sizeof key->hash; i++) key->hash[i] = user->id.bytes[i % 16];
    struct assignment_row *assignment = row(DIRECTORY_ASSIGNMENTS, sizeof *assignment);
    assignment->organization_id = organization->id;
    assignment->connection_id = quota->connection_id;
    assignment->quota_id = quota->id;
    struct environment_row *environment = row(DIRECTORY_ENVIRONMENTS, sizeof *environment);
    environment->organization_id = organization->id;
    environment->connection_id = quota->connection_id;
    environment->name = TEXT("production");
}

static struct directory *load(struct store *store, bool writes) {
    struct qms_error error = {0};
    struct store_load wanted = {
        .arena = &arena, .catalogue_version = -1, .directory_version = -1};
    bool stale;
    check(store->ops->begin(store, writes, &stale, &error), &error);
    check(store->ops->load(store, &wanted, &error), &error);
    catalogue_release(wanted.catalogue);
    return wanted.directory;
}

static void fill(struct store *store, int organizations) {
    struct qms_error error = {0};
    struct directory *directory = load(store, true);
    struct uuid batch_id = uuid_make_random(&ids);
    changes_init(&changes, &arena);
    changes.directory_version = directory->version;
    struct cloud_quota_row *quota = add_quota(add_connection(&directory->system->row.id));
    for (int i = 0; i < organizations; i++) add_organization(i, quota);
    check(store->ops->save(store, &batch_id, &changes, &error) == STORE_COMMITTED, &error);
    directory_release(directory);
}

/* Of the processor: others may be at work on the machine. */
static double milliseconds(clock_t since) {
    return (double)(clock() - since) * 1000 / CLOCKS_PER_SEC;
}

int main(int count, char **arguments) {
    int organizations = count > 1 ? (int)strtol(arguments[1], NULL, 10) : ORGANIZATIONS_DEFAULT;
    struct qms_error error = {0};
    struct store_options options = {.url = "sqlite::memory:", .clock = &clock_system};
    uuid_source_init(&ids);
    arena_init(&arena, 1 << 20);
    struct store *store = store_open(&options, &error);
    check(store != NULL, &error);
    clock_t start = clock();
    fill(store, organizations);
    printf("%d organizations written in %.1f ms\n", organizations, milliseconds(start));
    start = clock();
    struct directory *directory = load(store, false);
    printf("read whole in %.1f ms\n", milliseconds(start));
    store->ops->end(store);

    changes_init(&changes, &arena);
    struct organization_row changed = directory->system->row;
    changes_directory(&changes, DIRECTORY_ORGANIZATIONS, &changed, ROW_CHANGED);
    start = clock();
    for (int i = 0; i < COPIES; i++) directory_release(directory_apply(directory, &changes));
    printf("copied with a change in %.1f ms\n", milliseconds(start) / COPIES);
    directory_release(directory);
    store->ops->close(store);
    arena_close(&arena);
    return 0;
}
