/* store_postgres_migrate_private.h: shared by the files that prepare a PostgreSQL database. */
#ifndef QMS_STORE_STORE_POSTGRES_MIGRATE_PRIVATE_H
#define QMS_STORE_STORE_POSTGRES_MIGRATE_PRIVATE_H

#include "store/store_postgres_migrate.h"

enum { POSTGRES_NAME_MAX = 64 }; /* bytes of a role's or a database's name, with the zero */

/* What there is, read by postgres_inspect() and judged afterwards. */
struct postgres_found {
    char role[POSTGRES_NAME_MAX], database[POSTGRES_NAME_MAX];
    int64_t product_version;      /* 150004 is 15.4 */
    char encoding[POSTGRES_NAME_MAX];
    bool is_standby;
    bool role_named_as_schema;    /* a role is called qms_server */
    bool may_use_public, has_migrations, may_read_version, has_plans;
    char table[POSTGRES_NAME_MAX]; /* one that is called like one of CyVerse's; empty: none */
    bool has_version, has_versions; /* a row of schema_migrations, or several; what it says: */
    int64_t version;
    bool is_dirty;
    char missing_column[2 * POSTGRES_NAME_MAX + 1]; /* table.column; empty: none */
    bool may_create_in_public, may_create_schema;
    bool may_use_tables, owns_tables;
    bool has_server;              /* the schema qms_server */
    bool may_create_in_server, may_use_server;
    bool has_server_migrations;
    int server_version;
    int triggers, indexes;        /* ours, usable */
};

/* Runs statements without parameters. An error is logged and told in general words. */
bool postgres_run(PGconn *connection, const char *statements, const char *what,
                  struct qms_error *error);
/* One row of a query, NULL with an error; PQclear() it. */
PGresult *postgres_row(PGconn *connection, const char *query, struct qms_error *error);

bool postgres_inspect(PGconn *connection, struct postgres_found *found, struct qms_error *error);
/* Whether what was found can be built on. */
bool postgres_judge(const struct postgres_found *found, struct qms_error *error);
/* An empty database, where everything is to be built. */
bool postgres_is_fresh(const struct postgres_found *found);

/* The indexes of ours: X(name, what is indexed in public). */
#define POSTGRES_INDEXES(X)                                                                        \
    X("qms_subscriptions_user_index", "subscriptions (user_id, effective_start_date DESC)")        \
    X("qms_quotas_subscription_index", "quotas (subscription_id)")                                 \
    X("qms_usages_subscription_index", "usages (subscription_id)")                                 \
    X("qms_updates_user_index", "updates (user_id, effective_date)")                               \
    X("qms_subscription_addons_subscription_index", "subscription_addons (subscription_id)")       \
    X("qms_subscription_addons_addon_index", "subscription_addons (addon_id)")                     \
    X("qms_plan_quota_defaults_plan_index", "plan_quota_defaults (plan_id)")

extern const int postgres_trigger_count, postgres_index_count;

/* Inside a transaction; each fails as a whole. */
bool postgres_make_triggers(PGconn *connection, struct qms_error *error);
bool postgres_make_indexes(PGconn *connection, struct qms_error *error);
/* Outside one: beside others who write, index by index; returns how many it made. Failures are
 * logged. */
int postgres_add_indexes(PGconn *connection);
bool postgres_drop_triggers(PGconn *connection, struct qms_error *error);
bool postgres_drop_indexes(PGconn *connection, struct qms_error *error);

#endif
