/* directory.h: everything CloudMC keeps, in memory: organizations in their tree, users with roles
 * and keys, service connections, quotas, who is limited by which, tasks.
 * Invariant: immutable once finished; a change makes a new one (like the catalogue). What a row
 *            refers to is there, and linked.
 * Threads:   any number of readers; directory_hold()/directory_release() count them.
 * Order:     every table by creation, then id; lists within a row likewise.
 * Cost:      with 10,000 organizations that have a user, a key, a limited connection and an
 *            environment each, 60,000 rows, a copy with one change takes 25 ms of a processor, and
 *            reading all of it from SQLite 80 ms (bench_directory). Writes are rare, so a copy of
 *            the whole is simple enough to be right and quick enough. */
#ifndef QMS_DOMAIN_DIRECTORY_H
#define QMS_DOMAIN_DIRECTORY_H

#include <stdatomic.h>

#include "domain/changes.h"

struct organization {
    struct organization_row row;
    const struct organization *parent, *children, *next_child;
    const struct cloud_user *users;
    const struct connection *connections; /* that it owns */
    const struct cloud_quota *quotas;     /* that it owns */
    const struct assignment *assignments; /* connections it was given, with its quota on each */
    const struct environment *environments;
    size_t depth;                         /* the system organization's is 0 */
};

struct cloud_user {
    struct cloud_user_row row;
    const struct organization *organization;
    const struct role_binding *bindings;
    const struct role_binding *primary;
    const struct api_key *keys;
    const struct cloud_user *next_in_organization;
};

struct role_binding {
    struct role_binding_row row;
    const struct cloud_user *user;
    const struct organization *organization; /* NULL for scopes without one */
    const struct role_binding *next_of_user;
};

struct api_key {
    struct api_key_row row;
    const struct cloud_user *user;
    const struct api_key *next_of_user;
};

struct connection {
    struct connection_row row;
    const struct organization *owner;
    const struct cloud_quota *quotas;
    const struct cloud_quota *default_for_service, *default_for_trial; /* NULL: none */
    const struct assignment *assignments;
    const struct environment *environments;
    const struct connection *next_of_owner;
};

struct cloud_quota {
    struct cloud_quota_row row;
    const struct connection *connection;
    const struct organization *owner;
    const struct assignment *assignments;
    size_t assignment_count;
    const struct cloud_quota *next_of_connection, *next_of_owner;
};

struct assignment {
    struct assignment_row row;
    const struct organization *organization;
    const struct connection *connection;
    const struct cloud_quota *quota; /* NULL: not limited */
    const struct assignment *next_of_organization, *next_of_connection, *next_of_quota;
};

struct environment {
    struct environment_row row;
    const struct organization *organization;
    const struct connection *connection;
    const struct environment *next_of_organization, *next_of_connection;
};

struct task {
    struct task_row row;
};

struct directory_table {
    char *rows;
    size_t count, capacity;
    uint32_t *slots; /* of row numbers + 1, by a hash of the id; 0: free */
    size_t slot_count;
};

struct directory {
    atomic_int holders;
    int64_t version;
    struct arena arena; /* texts and details */
    struct directory_table tables[DIRECTORY_KIND_COUNT];
    uint32_t *key_slots; /* of keys, by their hash; as many as keys have slots */
    const struct organization *system; /* the one without a parent; NULL only while being made */
};

/* A new, empty one with one holder. Rows are put in any order, then it is finished: false when a
 * row refers to one that is not there, two rows have one id, or there is no system organization;
 * *kind and *id say which. One that could not be finished may only be released. */
struct directory *directory_make(int64_t version);
void directory_put(struct directory *directory, enum directory_kind kind, const void *row);
bool directory_finish(struct directory *directory, enum directory_kind *kind, struct uuid *id);

/* The next version, with these changes; the rows are copied. The changes fit: the rules made them
 * from this directory. */
struct directory *directory_apply(const struct directory *directory,
                                  const struct changes *changes);

struct directory *directory_hold(struct directory *directory);
void directory_release(struct directory *directory); /* the last one frees it; NULL is allowed */

/* The rows of a kind, in order: directory_at(directory, DIRECTORY_USERS, i) is a cloud_user. */
size_t directory_count(const struct directory *directory, enum directory_kind kind);
const void *directory_at(const struct directory *directory, enum directory_kind kind, size_t i);

/* NULL: there is none. */
const struct organization *directory_organization(const struct directory *directory,
                                                  const struct uuid *id);
const struct cloud_user *directory_user(const struct directory *directory, const struct uuid *id);
const struct role_binding *directory_binding(const struct directory *directory,
                                             const struct uuid *id);
const struct api_key *directory_key(const struct directory *directory, const struct uuid *id);
const struct api_key *directory_key_hashed(const struct directory *directory,
                                           const uint8_t hash[32]);
const struct connection *directory_connection(const struct directory *directory,
                                              const struct uuid *id);
const struct cloud_quota *directory_quota(const struct directory *directory,
                                          const struct uuid *id);
const struct environment *directory_environment(const struct directory *directory,
                                                const struct uuid *id);
const struct task *directory_task(const struct directory *directory, const struct uuid *id);

/* The connection's assignment to the organization; NULL: it has none. */
const struct assignment *organization_assignment(const struct organization *organization,
                                                 const struct connection *connection);

/* True when below lies in the tree under above, at any depth; an organization is not below
 * itself. */
bool organization_is_below(const struct organization *below, const struct organization *above);

/* Is not being, and has not been, taken away. */
bool connection_state_holds(enum connection_state state);

const char *user_status_name(enum user_status status);            /* "ACTIVE", ... */
const char *connection_state_name(enum connection_state state);   /* "PROVISIONED", ... */
const char *task_status_name(enum task_status status);            /* "PENDING", ... */

#endif
