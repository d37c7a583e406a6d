#include <assert.h>
#include <sqlite3.h>

#include "base/log.h"
#include "store/store_sqlite_row.h"

/* The subscriptions active at ?1, from all of them when nobody's name (?2) is searched for, else
 * from the users whose name contains it: most others cost a look at an index of names. */
#define IS_ACTIVE                                                                                  \
    " WHERE s.effective_start_date <= ?1"                                                          \
    " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?1)"
#define NAME_OF_USER "(SELECT username FROM users WHERE id = s.user_id)"
#define ACTIVE " FROM subscriptions s" IS_ACTIVE " AND ?2 = ''"
#define FOUND                                                                                      \
    " FROM users u CROSS JOIN subscriptions s ON s.user_id = u.id" IS_ACTIVE                       \
    " AND instr(u.username, ?2) > 0"
/* All of a subscription for a listing. */
#define SUBSCRIPTION_OF_USER                                                                       \
    "SELECT s.id, s.plan_id, s.plan_rate_id, s.effective_start_date, s.effective_end_date,"        \
    " s.paid, u.id, u.username"
/* A page of them. Only ids are sorted, and only what is on the page is read whole. */
#define READ_PAGE(which, order)                                                                    \
    {"itii", "uuuiebut",                                                                           \
     SUBSCRIPTION_OF_USER                                                                          \
     " FROM (SELECT s.id AS id" which " ORDER BY " order ", s.id LIMIT ?3 OFFSET ?4) page"         \
     " CROSS JOIN subscriptions s ON s.id = page.id CROSS JOIN users u ON u.id = s.user_id"        \
     " ORDER BY " order ", s.id"}
/* The same by name without sorting: from one user to the next, which is dear per user passed. */
#define WALK_PAGE(order)                                                                           \
    {"itii", "uuuiebut",                                                                           \
     SUBSCRIPTION_OF_USER FOUND " ORDER BY " order ", s.id LIMIT ?3 OFFSET ?4"}
#define OF_USER                                                                                    \
    " FROM users u JOIN subscriptions s ON s.user_id = u.id WHERE u.id = ?1"                       \
    " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?2)"
#define UPDATES_OF_USER(rows)                                                                      \
    "SELECT p.id, p.update_operation_id, p.value_type, p.value,"                                   \
    " p.resource_type_id, p.effective_date, p.metadata"                                            \
    " FROM " rows " JOIN resource_types t ON t.id = p.resource_type_id"                            \
    " WHERE p.user_id = ?1 AND (?2 = '' OR t.name = ?2)"                                           \
    " AND p.effective_date >= ?3"                                                                  \
    " ORDER BY p.effective_date, p.id LIMIT ?4 OFFSET ?5"

/* What of the directory is not deleted, and the writing of a row whether it is there or not. */
#define LISTED(columns, table) "SELECT " columns " FROM " table " WHERE deleted = 0"
#define PUT(table, columns, values, changes)                                                       \
    "INSERT INTO " table " (" columns ") VALUES (" values ")"                                      \
    " ON CONFLICT (id) DO UPDATE SET " changes
#define MARK_DELETED(table) {"u", "", "UPDATE " table " SET deleted = 1 WHERE id = ?1"}
#define DELETE_ROW(table) {"u", "", "DELETE FROM " table " WHERE id = ?1"}

/* Parameters in and columns out, a letter each: u identifier, o identifier or null, t text, n text
 * or null, i integer, b boolean, e end of a period (null: never), a amount, h hash of 32 bytes, x
 * bytes. */
static const struct statement {
    const char *parameters, *columns, *text;
} statements_all[STATEMENT_COUNT] = {
    [BEGIN_READ] = {"", "", "BEGIN"},
    [BEGIN_WRITE] = {"", "", "BEGIN IMMEDIATE"},
    [COMMIT] = {"", "", "COMMIT"},
    [ROLLBACK] = {"", "", "ROLLBACK"},
    [DATA_VERSION] = {"", "i", "PRAGMA data_version"},

    [FIND_SUBSCRIPTION] = {"u", "tue",
                           "SELECT u.username, s.id, s.effective_end_date"
                           " FROM subscriptions s JOIN users u ON u.id = s.user_id"
                           " WHERE s.id = ?1"},
    [FIND_APPLIED] = {"u", "tue",
                      "SELECT u.username, s.id, s.effective_end_date FROM subscription_addons a"
                      " JOIN subscriptions s ON s.id = a.subscription_id"
                      " JOIN users u ON u.id = s.user_id WHERE a.id = ?1"},

    /* The account: five statements, however much it has. ?2 is the time that must not be past. */
    [LOAD_USER] = {"t", "u", "SELECT id FROM users WHERE username = ?1"},
    [LOAD_SUBSCRIPTIONS] =
        {"ui", "uuuieb",
         "SELECT id, plan_id, plan_rate_id, effective_start_date, effective_end_date, paid"
         " FROM subscriptions WHERE user_id = ?1"
         " AND (effective_end_date IS NULL OR effective_end_date >= ?2)"
         " ORDER BY effective_start_date DESC, id"},
    [LOAD_QUOTAS] =
        {"ui", "uuuatiti",
         "SELECT q.subscription_id, q.id, q.resource_type_id, q.quota,"
         " q.created_by, q.created_at, q.last_modified_by, q.last_modified_at"
         " FROM subscriptions s JOIN quotas q ON q.subscription_id = s.id WHERE s.user_id = ?1"
         " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?2)"},
    [LOAD_USAGES] =
        {"ui", "uuuatiti",
         "SELECT g.subscription_id, g.id, g.resource_type_id, g.usage,"
         " g.created_by, g.created_at, g.last_modified_by, g.last_modified_at"
         " FROM subscriptions s JOIN usages g ON g.subscription_id = s.id WHERE s.user_id = ?1"
         " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?2)"},
    [LOAD_APPLIED] =
        {"ui", "uuuuab",
         "SELECT a.subscription_id, a.id, a.addon_id, a.addon_rate_id, a.amount, a.paid"
         " FROM subscriptions s JOIN subscription_addons a ON a.subscription_id = s.id"
         " WHERE s.user_id = ?1"
         " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?2)"},
    [LOAD_REPLAY] = {"tutt", "hui",
                     "SELECT content, made_id, recorded_at FROM idempotency"
                     " WHERE \"key\" = ?1 AND user_id = ?2 AND operation = ?3"
                     " AND principal = ?4"},
    [LOAD_REQUEST_KEY] = {"itutt", "hui",
                          "SELECT content, made_id, recorded_at FROM request_keys"
                          " WHERE id = ?1 AND \"key\" = ?2 AND user_id = ?3 AND operation = ?4"
                          " AND principal = ?5"},
    [LIST_REQUEST_KEYS] = {"", "itutt",
                           "SELECT id, \"key\", user_id, operation, principal FROM request_keys"
                           " ORDER BY id"},
    [REQUEST_KEY_ENDS] = {"", "ii",
                          "SELECT coalesce((SELECT min(id) FROM request_key_groups), 1),"
                          " coalesce((SELECT max(id) FROM request_key_groups), 0) + 1"},
    [LOAD_ADDON_USE] = {"u", "u",
                        "SELECT DISTINCT addon_rate_id FROM subscription_addons"
                        " WHERE addon_id = ?1"},

    /* An insertion never replaces: a row that is there already is refused data. */
    [INSERT_USER] = {"ut", "", "INSERT INTO users (id, username) VALUES (?1, ?2)"},
    [INSERT_SUBSCRIPTION] =
        {"uuuieiuti", "",
         "INSERT INTO subscriptions (id, user_id, plan_id, effective_start_date,"
         " effective_end_date, paid, plan_rate_id, created_by, created_at,"
         " last_modified_by, last_modified_at)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8, ?9)"},
    [CHANGE_SUBSCRIPTION] =
        {"uieiti", "",
         "UPDATE subscriptions SET effective_start_date = ?2, effective_end_date = ?3,"
         " paid = ?4, last_modified_by = ?5, last_modified_at = ?6 WHERE id = ?1"},
    [INSERT_APPLIED] = {"uuuaiu", "",
                        "INSERT INTO subscription_addons (id, subscription_id, addon_id, amount,"
                        " paid, addon_rate_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
    [CHANGE_APPLIED] = {"uai", "",
                        "UPDATE subscription_addons SET amount = ?2, paid = ?3 WHERE id = ?1"},
    [DELETE_APPLIED] = {"u", "", "DELETE FROM subscription_addons WHERE id = ?1"},
    [INSERT_QUOTA] =
        {"uauutiti", "",
         "INSERT INTO quotas (id, quota, resource_type_id, subscription_id,"
         " created_by, created_at, last_modified_by, last_modified_at)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
    [CHANGE_QUOTA] =
        {"uuati", "",
         "UPDATE quotas SET quota = ?3, last_modified_by = ?4, last_modified_at = ?5"
         " WHERE subscription_id = ?1 AND resource_type_id = ?2"},
    [INSERT_USAGE] =
        {"uauutiti", "",
         "INSERT INTO usages (id, usage, resource_type_id, subscription_id,"
         " created_by, created_at, last_modified_by, last_modified_at)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
    [CHANGE_USAGE] =
        {"uuati", "",
         "UPDATE usages SET usage = ?3, last_modified_by = ?4, last_modified_at = ?5"
         " WHERE subscription_id = ?1 AND resource_type_id = ?2"},
    [INSERT_UPDATES] =
        {"ti", "",
         "INSERT INTO updates (id, update_operation_id, value_type, value, resource_type_id,"
         " effective_date, user_id, metadata, created_by, created_at,"
         " last_modified_by, last_modified_at)"
         " SELECT id, update_operation_id, value_type, value, resource_type_id, effective_date,"
         " user_id, metadata, ?1, ?2, ?1, ?2 FROM new_updates"},
    [INSERT_REPLAY] = {"tutthui", "",
                       "INSERT INTO idempotency (\"key\", user_id, operation, principal, content,"
                       " made_id, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
    [INSERT_REQUEST_KEYS] = {"ittitxxx", "",
                             "INSERT INTO request_key_groups (id, operation, principal,"
                             " recorded_at, keys, user_ids, contents, made_ids)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
    [DELETE_REQUEST_KEYS] = {"ii", "",
                             "DELETE FROM request_key_groups WHERE recorded_at < ?1 AND id IN"
                             " (SELECT id FROM request_key_groups ORDER BY id LIMIT ?2)"},
    [SAVE_BATCH] = {"ui", "",
                    "UPDATE last_batch SET batch_id = ?1, committed_at = ?2 WHERE id = 1"},
    [FIND_BATCH] = {"", "ui", "SELECT batch_id, committed_at FROM last_batch WHERE id = 1"},

    /* The catalogue, in the orders catalogue.h promises. */
    [CATALOGUE_VERSION] = {"", "i", "SELECT version FROM catalogue_version"},
    [COUNT_CATALOGUE] =
        {"", "iiiiii",
         "SELECT (SELECT count(*) FROM resource_types), (SELECT count(*) FROM plans),"
         " (SELECT count(*) FROM plan_rates), (SELECT count(*) FROM plan_quota_defaults),"
         " (SELECT count(*) FROM addons), (SELECT count(*) FROM addon_rates)"},
    [LIST_RESOURCE_TYPES] = {"", "uttb",
                             "SELECT id, name, unit, consumable FROM resource_types"
                             " ORDER BY name"},
    [LIST_PLANS] = {"", "utt", "SELECT id, name, description FROM plans ORDER BY rowid"},
    [LIST_PLAN_RATES] = {"", "uuai",
                         "SELECT p.id, r.id, r.rate, r.effective_date"
                         " FROM plans p JOIN plan_rates r ON r.plan_id = p.id"
                         " ORDER BY p.rowid, r.effective_date"},
    [LIST_QUOTA_DEFAULTS] = {"", "uuuai",
                             "SELECT p.id, d.id, d.resource_type_id, d.quota_value,"
                             " d.effective_date"
                             " FROM plans p JOIN plan_quota_defaults d ON d.plan_id = p.id"
                             " JOIN resource_types t ON t.id = d.resource_type_id"
                             " ORDER BY p.rowid, d.effective_date, t.name"},
    [LIST_ADDONS] = {"", "uttuab",
                     "SELECT id, name, description, resource_type_id, default_amount,"
                     " default_paid FROM addons ORDER BY name, id"},
    [LIST_ADDON_RATES] = {"", "uuai",
                          "SELECT a.id, r.id, r.rate, r.effective_date"
                          " FROM addons a JOIN addon_rates r ON r.addon_id = a.id"
                          " ORDER BY a.name, a.id, r.effective_date"},
    [LIST_UPDATE_OPERATIONS] = {"", "ut", "SELECT id, name FROM update_operations"},

    [INSERT_PLAN] = {"utt", "", "INSERT INTO plans (id, name, description) VALUES (?1, ?2, ?3)"},
    [INSERT_PLAN_RATE] = {"uuai", "",
                          "INSERT INTO plan_rates (id, plan_id, rate, effective_date)"
                          " VALUES (?1, ?2, ?3, ?4)"},
    [INSERT_QUOTA_DEFAULT] = {"uuuai", "",
                              "INSERT INTO plan_quota_defaults (id, plan_id, resource_type_id,"
                              " quota_value, effective_date) VALUES (?1, ?2, ?3, ?4, ?5)"},
    [CHANGE_QUOTA_DEFAULT] = {"uai", "",
                              "UPDATE plan_quota_defaults SET quota_value = ?2,"
                              " effective_date = ?3 WHERE id = ?1"},
    [INSERT_RESOURCE_TYPE] = {"utti", "",
                              "INSERT INTO resource_types (id, name, unit, consumable)"
                              " VALUES (?1, ?2, ?3, ?4)"},
    [CHANGE_RESOURCE_TYPE] = {"utti", "",
                              "UPDATE resource_types SET name = ?2, unit = ?3, consumable = ?4"
                              " WHERE id = ?1"},
    [INSERT_ADDON] = {"uttuai", "",
                      "INSERT INTO addons (id, name, description, resource_type_id,"
                      " default_amount, default_paid) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
    [CHANGE_ADDON] = {"uttuai", "",
                      "UPDATE addons SET name = ?2, description = ?3, resource_type_id = ?4,"
                      " default_amount = ?5, default_paid = ?6 WHERE id = ?1"},
    [DELETE_ADDON] = {"u", "", "DELETE FROM addons WHERE id = ?1"},
    [INSERT_ADDON_RATE] = {"uuai", "",
                           "INSERT INTO addon_rates (id, addon_id, rate, effective_date)"
                           " VALUES (?1, ?2, ?3, ?4)"},
    [PARK_ADDON_RATE] = {"ui", "", "UPDATE addon_rates SET effective_date = ?2 WHERE id = ?1"},
    [CHANGE_ADDON_RATE] = {"uai", "",
                           "UPDATE addon_rates SET rate = ?2, effective_date = ?3 WHERE id = ?1"},
    [DELETE_ADDON_RATE] = {"u", "", "DELETE FROM addon_rates WHERE id = ?1"},

    [DIRECTORY_VERSION] = {"", "i", "SELECT version FROM directory_version"},
    [NEXT_DIRECTORY_VERSION] =
        {"i", "", "UPDATE directory_version SET version = version + 1 WHERE version = ?1"},
    [DELETE_QUOTA_DETAILS] = {"u", "", "DELETE FROM cloud_quota_details WHERE quota_id = ?1"},
    [INSERT_QUOTA_DETAIL] =
        {"uiuta", "",
         "INSERT INTO cloud_quota_details (quota_id, position, id, metric, ceiling)"
         " VALUES (?1, ?2, ?3, ?4, ?5)"},
    [LIST_DIRECTORY + DIRECTORY_ORGANIZATIONS] =
        {"", "uoittbb",
         LISTED("id, parent_id, created_at, name, entry_point, is_trial, is_reseller",
                "organizations")},
    [PUT_DIRECTORY + DIRECTORY_ORGANIZATIONS] =
        {"uoittii", "",
         PUT("organizations",
             "id, parent_id, created_at, name, entry_point, is_trial, is_reseller",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7",
             "name = excluded.name, entry_point = excluded.entry_point, is_trial ="
             " excluded.is_trial, is_reseller = excluded.is_reseller")},
    [DELETE_DIRECTORY + DIRECTORY_ORGANIZATIONS] = MARK_DELETED("organizations"),
    [LIST_DIRECTORY + DIRECTORY_USERS] =
        {"", "uuitti",
         LISTED("id, organization_id, created_at, name, email, status",
                "organization_users")},
    [PUT_DIRECTORY + DIRECTORY_USERS] =
        {"uuitti", "",
         PUT("organization_users",
             "id, organization_id, created_at, name, email, status",
             "?1, ?2, ?3, ?4, ?5, ?6",
             "name = excluded.name, email = excluded.email, status = excluded.status")},
    [DELETE_DIRECTORY + DIRECTORY_USERS] = MARK_DELETED("organization_users"),
    [LIST_DIRECTORY + DIRECTORY_BINDINGS] =
        {"", "uuoiiib",
         "SELECT id, user_id, organization_id, created_at, role, scope, is_primary FROM"
         " role_bindings"},
    [PUT_DIRECTORY + DIRECTORY_BINDINGS] =
        {"uuoiiii", "",
         PUT("role_bindings",
             "id, user_id, organization_id, created_at, role, scope, is_primary",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7",
             "organization_id = excluded.organization_id, role = excluded.role, scope ="
             " excluded.scope")},
    [DELETE_DIRECTORY + DIRECTORY_BINDINGS] = DELETE_ROW("role_bindings"),
    [LIST_DIRECTORY + DIRECTORY_KEYS] =
        {"", "uuithit",
         LISTED("id, user_id, created_at, name, hash, used_at, used_address",
                "api_keys")},
    [PUT_DIRECTORY + DIRECTORY_KEYS] =
        {"uuithit", "",
         PUT("api_keys",
             "id, user_id, created_at, name, hash, used_at, used_address",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7",
             "used_at = excluded.used_at, used_address = excluded.used_address")},
    [DELETE_DIRECTORY + DIRECTORY_KEYS] = MARK_DELETED("api_keys"),
    [LIST_DIRECTORY + DIRECTORY_CONNECTIONS] =
        {"", "uuitttb",
         LISTED("id, owner_id, created_at, name, service_code, type, supports_quotas",
                "service_connections")},
    [PUT_DIRECTORY + DIRECTORY_CONNECTIONS] =
        {"uuittti", "",
         PUT("service_connections",
             "id, owner_id, created_at, name, service_code, type, supports_quotas",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7",
             "name = excluded.name")},
    [DELETE_DIRECTORY + DIRECTORY_CONNECTIONS] = MARK_DELETED("service_connections"),
    [LIST_DIRECTORY + DIRECTORY_QUOTAS] =
        {"", "uuuittbbiiuta",
         "SELECT q.id, q.connection_id, q.owner_id, q.created_at, q.name, q.description,"
         " q.default_for_service, q.default_for_trial, q.version, d.quota_id IS NOT NULL,"
         " d.id, d.metric, d.ceiling"
         " FROM cloud_quotas q LEFT JOIN cloud_quota_details d ON d.quota_id = q.id"
         " WHERE q.deleted = 0 ORDER BY q.id, d.position"},
    [PUT_DIRECTORY + DIRECTORY_QUOTAS] =
        {"uuuittiii", "",
         PUT("cloud_quotas",
             "id, connection_id, owner_id, created_at, name, description, default_for_service,"
             " default_for_trial, version",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9",
             "name = excluded.name, description = excluded.description, default_for_service ="
             " excluded.default_for_service, default_for_trial = excluded.default_for_trial,"
             " version = excluded.version")},
    [DELETE_DIRECTORY + DIRECTORY_QUOTAS] = MARK_DELETED("cloud_quotas"),
    [LIST_DIRECTORY + DIRECTORY_ASSIGNMENTS] =
        {"", "uuuiiob",
         "SELECT id, organization_id, connection_id, created_at, state, quota_id, applied FROM"
         " connection_assignments"},
    [PUT_DIRECTORY + DIRECTORY_ASSIGNMENTS] =
        {"uuuiioi", "",
         PUT("connection_assignments",
             "id, organization_id, connection_id, created_at, state, quota_id, applied",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7",
             "state = excluded.state, quota_id = excluded.quota_id, applied = excluded.applied")},
    [DELETE_DIRECTORY + DIRECTORY_ASSIGNMENTS] = DELETE_ROW("connection_assignments"),
    [LIST_DIRECTORY + DIRECTORY_ENVIRONMENTS] =
        {"", "uuuiti",
         "SELECT id, organization_id, connection_id, created_at, name, state FROM environments"},
    [PUT_DIRECTORY + DIRECTORY_ENVIRONMENTS] =
        {"uuuiti", "",
         PUT("environments",
             "id, organization_id, connection_id, created_at, name, state",
             "?1, ?2, ?3, ?4, ?5, ?6",
             "name = excluded.name, state = excluded.state")},
    [DELETE_DIRECTORY + DIRECTORY_ENVIRONMENTS] = DELETE_ROW("environments"),
    [LIST_DIRECTORY + DIRECTORY_TASKS] =
        {"", "uouiiuti",
         "SELECT id, user_id, organization_id, created_at, object, object_id, object_name, status"
         " FROM tasks"},
    [PUT_DIRECTORY + DIRECTORY_TASKS] =
        {"uouiiuti", "",
         PUT("tasks",
             "id, user_id, organization_id, created_at, object, object_id, object_name, status",
             "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8",
             "status = excluded.status")},
    [DELETE_DIRECTORY + DIRECTORY_TASKS] = DELETE_ROW("tasks"),

    /* Listings. A negative limit is none. */
    [READ_USER] = {"t", "u", "SELECT id FROM users WHERE username = ?1"},
    [READ_USERS] = {"ttii", "ut",
                    "SELECT id, username FROM users"
                    " WHERE username >= ?1 AND (?1 = '' OR username <> ?1)"
                    " AND instr(username, ?2) > 0 ORDER BY username LIMIT ?3 OFFSET ?4"},
    [READ_TRAIL] = {"ii", "iu",
                    "SELECT rowid, coalesce(user_id, zeroblob(16)) FROM updates"
                    " WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2"},
    [READ_UPDATES] = {"utiii", "uutauin", UPDATES_OF_USER("updates p")},
    [READ_UPDATES_AT] = {"utiiit", "uutauin",
                         UPDATES_OF_USER("json_each(?6) e CROSS JOIN updates p"
                                         " ON p.rowid = e.value")},
    /* Users after ?1 with the quotas and usages of the subscription that is active at ?2, chosen
     * as subscription_active() does, but never one of no length: it was for an instant. The caller
     * compares the amounts: their texts do not sort. */
    [READ_OVERAGES] =
        {"ti", "ttaa",
         "SELECT u.username, t.name, q.quota, g.usage FROM users u"
         " CROSS JOIN quotas q ON q.subscription_id = ("
         "SELECT s.id FROM subscriptions s WHERE s.user_id = u.id"
         " AND s.effective_start_date <= ?2"
         " AND (s.effective_end_date IS NULL OR s.effective_end_date >= ?2)"
         " AND s.effective_start_date IS NOT s.effective_end_date"
         " ORDER BY s.effective_start_date DESC, s.id LIMIT 1)"
         " CROSS JOIN usages g ON g.subscription_id = q.subscription_id"
         " AND g.resource_type_id = q.resource_type_id"
         " CROSS JOIN resource_types t ON t.id = q.resource_type_id"
         " WHERE u.username > ?1 ORDER BY u.username, t.name"},
    [COUNT_ACTIVE] = {"it", "i", "SELECT count(*)" ACTIVE},
    [COUNT_FOUND] = {"it", "i", "SELECT count(*)" FOUND},
    [READ_ACTIVE_BY_USERNAME] = READ_PAGE(ACTIVE, NAME_OF_USER),
    [READ_ACTIVE_BY_USERNAME_DOWN] = READ_PAGE(ACTIVE, NAME_OF_USER " DESC"),
    [READ_ACTIVE_BY_START] = READ_PAGE(ACTIVE, "s.effective_start_date"),
    [READ_ACTIVE_BY_START_DOWN] = READ_PAGE(ACTIVE, "s.effective_start_date DESC"),
    [READ_ACTIVE_BY_END] = READ_PAGE(ACTIVE, "s.effective_end_date NULLS LAST"),
    [READ_ACTIVE_BY_END_DOWN] = READ_PAGE(ACTIVE, "s.effective_end_date DESC NULLS FIRST"),
    [READ_FOUND_BY_USERNAME] = WALK_PAGE("u.username"),
    [READ_FOUND_BY_USERNAME_DOWN] = WALK_PAGE("u.username DESC"),
    [READ_FOUND_BY_START] = READ_PAGE(FOUND, "s.effective_start_date"),
    [READ_FOUND_BY_START_DOWN] = READ_PAGE(FOUND, "s.effective_start_date DESC"),
    [READ_FOUND_BY_END] = READ_PAGE(FOUND, "s.effective_end_date NULLS LAST"),
    [READ_FOUND_BY_END_DOWN] = READ_PAGE(FOUND, "s.effective_end_date DESC NULLS FIRST"),
    [COUNT_OF_USER] = {"ui", "i", "SELECT count(*)" OF_USER},
    [READ_OF_USER] = {"uiii", "uuuiebut",
                      SUBSCRIPTION_OF_USER OF_USER
                      " ORDER BY s.effective_start_date, s.effective_end_date NULLS LAST, s.id"
                      " LIMIT ?3 OFFSET ?4"},
    [READ_QUOTAS] = {"u", "uuuatiti",
                     "SELECT subscription_id, id, resource_type_id, quota,"
                     " created_by, created_at, last_modified_by, last_modified_at"
                     " FROM quotas WHERE subscription_id = ?1"},
    [READ_USAGES] = {"u", "uuuatiti",
                     "SELECT subscription_id, id, resource_type_id, usage,"
                     " created_by, created_at, last_modified_by, last_modified_at"
                     " FROM usages WHERE subscription_id = ?1"},
};

/* Also true of PRAGMA data_version: SQLite knows its one column before it runs. */
static void statement_check(const struct statement *statement, struct sqlite3_stmt *prepared) {
    assert(sqlite3_bind_parameter_count(prepared) == (int)strlen(statement->parameters));
    assert(sqlite3_column_count(prepared) == (int)strlen(statement->columns));
}

bool statements_prepare(struct statements *statements, struct sqlite3 *connection,
                        enum statement_id first, enum statement_id end, struct qms_error *error) {
    for (enum statement_id id = first; id < end; id++) {
        const struct statement *statement = &statements_all[id];
        assert(statement->text != NULL);
        int code = sqlite3_prepare_v3(connection, statement->text, -1, SQLITE_PREPARE_PERSISTENT,
                                      &statements->prepared[id], NULL);
        if (code != SQLITE_OK) {
            log_format(LOG_ERROR, "store: cannot prepare \"%s\": %s", statement->text,
                       sqlite3_errmsg(connection));
            return qms_fail(error, QMS_INTERNAL, "%s has other tables than those of qms",
                            sqlite3_db_filename(connection, "main"));
        }
        statement_check(statement, statements->prepared[id]);
    }
    return true;
}

void statements_finalize(struct statements *statements) {
    for (size_t id = 0; id < STATEMENT_COUNT; id++) {
        sqlite3_finalize(statements->prepared[id]);
        statements->prepared[id] = NULL;
    }
}

void row_open(struct row *row, const struct statements *statements, enum statement_id id) {
    assert(statements->prepared[id] != NULL);
    row->prepared = statements->prepared[id];
    row->parameters = statements_all[id].parameters;
    row->columns = statements_all[id].columns;
    row->index = 0;
    row->code = SQLITE_OK;
    row->broken = false;
}
