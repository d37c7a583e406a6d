#include <assert.h>
#include <stddef.h>

#include "store/store_postgres_row.h"

/* How these are written:
 *   - Sets go in as arrays; "n" is the number of the element, from 1, by which what comes out is
 *     given back to the account, key or identifier that asked.
 *   - All that a batch reads of accounts goes by their names, in one round trip: what one statement
 *     has found out the next one looks up again.
 *   - A lock is a statement of its own. What it returns may be older than what it has locked (of
 *     the tables joined to it), so rows are read by later statements, with snapshots of their own.
 *   - What others hold locked is missing from a count of locked rows and not from the rows read:
 *     that is how a busy account is known.
 *   - Everything locks in one order: users by id, subscriptions by id, quotas and then usages by
 *     subscription and resource type, subscription add-ons by id. FOR NO KEY UPDATE lets the
 *     foreign-key checks of others through.
 *   - A statement that inserted or changed fewer rows than it was sent divides by zero: so the
 *     transaction fails on the server, and the COMMIT behind it in the same pipeline is skipped.
 *     A target for ON CONFLICT is always named: other people's unique indexes refuse the row.
 *   - Identifiers are always ours: default ids are dear. The triggers write who and when. */

#define GUARDED(change, count)                                                                     \
    "WITH made AS (" change " RETURNING 1) SELECT 1 / (count(*) = cardinality(" count "))::int4"   \
    " FROM made"

#define WANTED                                                                                     \
    "unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS w (username, ends_from, n)"          \
    " JOIN public.users u ON u.username = w.username"
#define HAS_NOT_ENDED                                                                              \
    " (s.effective_end_date IS NULL OR s.effective_end_date >= least(w.ends_from, now()))"
#define WANTED_SUBSCRIPTIONS                                                                       \
    " FROM " WANTED " JOIN public.subscriptions s ON s.user_id = u.id AND" HAS_NOT_ENDED

/* The users first, and then rows of those that were obtained; how many, of each. */
#define LOCK(rows, how)                                                                            \
    {"TZ", "ii",                                                                                   \
     "WITH obtained AS (SELECT w.n, w.ends_from, u.id FROM " WANTED                                \
     " ORDER BY u.id FOR NO KEY UPDATE OF u" how "),"                                              \
     " locked AS (SELECT w.n FROM obtained w JOIN public.subscriptions s ON s.user_id = w.id AND"  \
     HAS_NOT_ENDED rows how ")"                                                                    \
     " SELECT n, count(*) - 1 FROM (SELECT n FROM obtained UNION ALL SELECT n FROM locked) a"      \
     " GROUP BY n"}
#define LOCK_SUBSCRIPTIONS(how) LOCK(" ORDER BY s.id FOR NO KEY UPDATE OF s", how)
#define LOCK_QUANTITIES(table, how)                                                                \
    LOCK(" JOIN public." table " q ON q.subscription_id = s.id"                                    \
         " ORDER BY q.subscription_id, q.resource_type_id FOR NO KEY UPDATE OF q", how)
#define LOCK_APPLIED(how)                                                                          \
    LOCK(" JOIN public.subscription_addons a ON a.subscription_id = s.id"                          \
         " ORDER BY a.id FOR NO KEY UPDATE OF a", how)

#define NOBODY "'00000000-0000-0000-0000-000000000000'::uuid"

#define QUANTITY(value)                                                                            \
    "q.subscription_id, q.id, q.resource_type_id, q." value "::text,"                              \
    " q.created_by, q.created_at, q.last_modified_by, q.last_modified_at"
#define LOAD_QUANTITIES(table, value)                                                              \
    {"TZ", "iuuuatztz",                                                                            \
     "SELECT w.n, " QUANTITY(value) WANTED_SUBSCRIPTIONS                                           \
     " JOIN public." table " q ON q.subscription_id = s.id"}
#define READ_QUANTITIES(table, value)                                                              \
    {"U", "iuuuatztz",                                                                             \
     "SELECT w.n, " QUANTITY(value)                                                                \
     " FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, n)"                                       \
     " JOIN public." table " q ON q.subscription_id = w.id ORDER BY w.n"}

#define INSERT_QUANTITIES(table, value)                                                            \
    {"UAUU", "i",                                                                                  \
     GUARDED("INSERT INTO public." table " (id, " value ", resource_type_id, subscription_id)"     \
             " SELECT v.id, v.amount::numeric, v.resource_type_id, v.subscription_id"              \
             " FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])"                        \
             " AS v (id, amount, resource_type_id, subscription_id)"                               \
             " ON CONFLICT (resource_type_id, subscription_id) DO NOTHING", "$1")}
#define CHANGE_QUANTITIES(table, value)                                                            \
    {"UUA", "i",                                                                                   \
     GUARDED("UPDATE public." table " q SET " value " = v.amount::numeric"                         \
             " FROM unnest($1::uuid[], $2::uuid[], $3::text[])"                                    \
             " AS v (subscription_id, resource_type_id, amount)"                                   \
             " WHERE q.subscription_id = v.subscription_id"                                        \
             " AND q.resource_type_id = v.resource_type_id", "$1")}

#define ACTIVE(at, search)                                                                         \
    " FROM public.users u JOIN public.subscriptions s ON s.user_id = u.id"                         \
    " WHERE s.effective_start_date <= " at                                                         \
    " AND (s.effective_end_date IS NULL OR s.effective_end_date >= " at ")"                        \
    " AND strpos(u.username, " search ") > 0"
#define OF_USER                                                                                    \
    " FROM public.users u JOIN public.subscriptions s ON s.user_id = u.id WHERE u.id = $1::uuid"   \
    " AND (s.effective_end_date IS NULL OR s.effective_end_date >= $2::timestamptz)"
#define SUBSCRIPTION_OF_USER                                                                       \
    "SELECT s.id, s.plan_id, s.plan_rate_id, s.effective_start_date, s.effective_end_date,"        \
    " s.paid, u.id, u.username"
#define CURSOR "DECLARE listing NO SCROLL CURSOR FOR "
#define PAGE(limit, offset)                                                                        \
    " LIMIT CASE WHEN " limit "::int8 >= 0 THEN " limit "::int8 END OFFSET " offset "::int8"
#define READ_ACTIVE(order)                                                                         \
    {"ztii", "",                                                                                   \
     CURSOR SUBSCRIPTION_OF_USER ACTIVE("$1::timestamptz", "$2::text") " ORDER BY " order ", s.id" \
     PAGE("$3", "$4")}
#define FETCH "FETCH 500 FROM listing"

/* Of all lists of the catalogue at once, so that they are of one moment. kind is the order in which
 * they refer to each other; the columns a list does not have are null. */
#define CATALOGUE_LIST(kind, id, owner, other, name, text, amount, at, flag)                       \
    "SELECT " kind "::int8, " id ", " owner "::uuid, " other "::uuid,"                             \
    " " name "::text COLLATE \"C\","                                                               \
    " " text "::text, " amount "::text, " at "::timestamptz, " flag "::bool"

static const struct postgres_statement_text statements[PG_STATEMENT_COUNT] = {
    [PG_BEGIN_READ] = {"", "", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
    [PG_BEGIN_WRITE] = {"", "", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"},
    [PG_COMMIT] = {"", "", "COMMIT"},
    [PG_ROLLBACK] = {"", "", "ROLLBACK"},

    [PG_FIND_SUBSCRIPTIONS] =
        {"U", "itue",
         "SELECT w.n, u.username, s.id, s.effective_end_date"
         " FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, n)"
         " JOIN public.subscriptions s ON s.id = w.id JOIN public.users u ON u.id = s.user_id"},
    [PG_FIND_APPLIED] =
        {"U", "itue",
         "SELECT w.n, u.username, s.id, s.effective_end_date"
         " FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, n)"
         " JOIN public.subscription_addons a ON a.id = w.id"
         " JOIN public.subscriptions s ON s.id = a.subscription_id"
         " JOIN public.users u ON u.id = s.user_id"},

    [PG_LOCK_SUBSCRIPTIONS] = LOCK_SUBSCRIPTIONS(" SKIP LOCKED"),
    [PG_LOCK_SUBSCRIPTIONS_WAITING] = LOCK_SUBSCRIPTIONS(""),
    [PG_LOCK_QUOTAS] = LOCK_QUANTITIES("quotas", " SKIP LOCKED"),
    [PG_LOCK_QUOTAS_WAITING] = LOCK_QUANTITIES("quotas", ""),
    [PG_LOCK_USAGES] = LOCK_QUANTITIES("usages", " SKIP LOCKED"),
    [PG_LOCK_USAGES_WAITING] = LOCK_QUANTITIES("usages", ""),
    [PG_LOCK_APPLIED] = LOCK_APPLIED(" SKIP LOCKED"),
    [PG_LOCK_APPLIED_WAITING] = LOCK_APPLIED(""),
    /* An add-on that is to be changed or deleted: nobody may begin to use it meanwhile, so this
     * lock does keep the foreign-key checks of others waiting. */
    [PG_LOCK_ADDONS] = {"U", "i",
                        "SELECT 1::int8 FROM public.addons WHERE id = ANY ($1::uuid[])"
                        " ORDER BY id FOR UPDATE"},
    [PG_LOCK_ADDON_RATES] = {"U", "i",
                             "SELECT 1::int8 FROM public.addon_rates"
                             " WHERE addon_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE"},

    [PG_LOAD_MOMENT] = {"", "zzi", "SELECT clock_timestamp(), now(), pg_backend_pid()::int8"},
    [PG_LOAD_ACCOUNTS] =
        {"TZ", "iubuuuzeb",
         "SELECT w.n, u.id, s.id IS NOT NULL, s.id, s.plan_id, s.plan_rate_id,"
         " s.effective_start_date, s.effective_end_date, s.paid FROM " WANTED
         " LEFT JOIN public.subscriptions s ON s.user_id = u.id AND" HAS_NOT_ENDED
         " ORDER BY w.n, s.effective_start_date DESC, s.id"},
    [PG_LOAD_QUOTAS] = LOAD_QUANTITIES("quotas", "quota"),
    [PG_LOAD_USAGES] = LOAD_QUANTITIES("usages", "usage"),
    [PG_LOAD_APPLIED] =
        {"TZ", "iuuuuab",
         "SELECT w.n, a.subscription_id, a.id, a.addon_id, a.addon_rate_id, a.amount::text,"
         " a.paid" WANTED_SUBSCRIPTIONS
         " JOIN public.subscription_addons a ON a.subscription_id = s.id"},
    /* Nobody's keys are those of the empty name. OFFSET: the user is looked up first, or all keys
     * that others have made up alike would be read. */
    [PG_LOAD_REPLAYS] =
        {"TTTT", "ihuz",
         "SELECT w.n, i.content, i.made_id, i.recorded_at"
         " FROM (SELECT w.*, CASE WHEN w.username = '' THEN " NOBODY " ELSE u.id END AS user_id"
         " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
         " WITH ORDINALITY AS w (key, username, operation, principal, n)"
         " LEFT JOIN public.users u ON u.username = w.username OFFSET 0) w"
         " JOIN qms_server.idempotency i ON i.key = w.key AND i.user_id = w.user_id"
         " AND i.operation = w.operation AND i.principal = w.principal"},
    [PG_LOAD_ADDON_USE] =
        {"U", "iu",
         "SELECT DISTINCT w.n, a.addon_rate_id"
         " FROM unnest($1::uuid[]) WITH ORDINALITY AS w (addon_id, n)"
         " JOIN public.subscription_addons a ON a.addon_id = w.addon_id"},

    [PG_CATALOGUE_VERSION] = {"", "i", "SELECT version::int8 FROM qms_server.catalogue_version"},
    [PG_LOAD_CATALOGUE] =
        {"", "iuuuttazb",
         CATALOGUE_LIST("0", "id", "NULL", "NULL", "name", "NULL", "NULL", "NULL", "NULL")
         " FROM public.update_operations"
         " UNION ALL "
         CATALOGUE_LIST("1", "id", "NULL", "NULL", "name", "unit", "NULL", "NULL", "consumable")
         " FROM public.resource_types"
         " UNION ALL "
         CATALOGUE_LIST("2", "id", "NULL", "NULL", "name", "description", "NULL", "NULL", "NULL")
         " FROM public.plans"
         " UNION ALL "
         CATALOGUE_LIST("3", "id", "plan_id", "NULL", "NULL", "NULL", "rate", "effective_date",
                        "NULL")
         " FROM public.plan_rates"
         " UNION ALL "
         CATALOGUE_LIST("4", "d.id", "d.plan_id", "d.resource_type_id", "t.name", "NULL",
                        "d.quota_value", "d.effective_date", "NULL")
         " FROM public.plan_quota_defaults d"
         " JOIN public.resource_types t ON t.id = d.resource_type_id"
         " UNION ALL "
         CATALOGUE_LIST("5", "id", "NULL", "resource_type_id", "name", "description",
                        "default_amount", "NULL", "default_paid")
         " FROM public.addons"
         " UNION ALL "
         CATALOGUE_LIST("6", "id", "addon_id", "NULL", "NULL", "NULL", "rate", "effective_date",
                        "NULL")
         " FROM public.addon_rates"
         " UNION ALL "
         CATALOGUE_LIST("7", "NULL::uuid", "NULL", "NULL", "version::text", "NULL", "NULL", "NULL",
                        "NULL")
         " FROM qms_server.catalogue_version"
         " ORDER BY 1, 3, 8, 5, 2"},

    [PG_INSERT_USERS] =
        {"UT", "i",
         GUARDED("INSERT INTO public.users (id, username)"
                 " SELECT * FROM unnest($1::uuid[], $2::text[])"
                 " ON CONFLICT (username) DO NOTHING", "$1")},
    [PG_INSERT_SUBSCRIPTIONS] =
        {"UUUZEBU", "",
         "INSERT INTO public.subscriptions (id, user_id, plan_id, effective_start_date,"
         " effective_end_date, paid, plan_rate_id) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
         " $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bool[], $7::uuid[])"},
    [PG_CHANGE_SUBSCRIPTIONS] =
        {"UZEB", "i",
         GUARDED("UPDATE public.subscriptions s SET effective_start_date = v.start_date,"
                 " effective_end_date = v.end_date, paid = v.paid"
                 " FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bool[])"
                 " AS v (id, start_date, end_date, paid) WHERE s.id = v.id", "$1")},
    [PG_INSERT_APPLIED] =
        {"UUUABU", "",
         "INSERT INTO public.subscription_addons (id, subscription_id, addon_id, amount, paid,"
         " addon_rate_id) SELECT v.id, v.subscription_id, v.addon_id, v.amount::numeric, v.paid,"
         " v.addon_rate_id"
         " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bool[], $6::uuid[])"
         " AS v (id, subscription_id, addon_id, amount, paid, addon_rate_id)"},
    [PG_CHANGE_APPLIED] =
        {"UAB", "i",
         GUARDED("UPDATE public.subscription_addons a SET amount = v.amount::numeric,"
                 " paid = v.paid FROM unnest($1::uuid[], $2::text[], $3::bool[])"
                 " AS v (id, amount, paid) WHERE a.id = v.id", "$1")},
    [PG_DELETE_APPLIED] =
        {"U", "i",
         GUARDED("DELETE FROM public.subscription_addons WHERE id = ANY ($1::uuid[])", "$1")},
    [PG_INSERT_QUOTAS] = INSERT_QUANTITIES("quotas", "quota"),
    [PG_CHANGE_QUOTAS] = CHANGE_QUANTITIES("quotas", "quota"),
    [PG_INSERT_USAGES] = INSERT_QUANTITIES("usages", "usage"),
    [PG_CHANGE_USAGES] = CHANGE_QUANTITIES("usages", "usage"),
    [PG_INSERT_UPDATES] =
        {"UUTAUZUT", "",
         "INSERT INTO public.updates (id, update_operation_id, value_type, value,"
         " resource_type_id, effective_date, user_id, metadata)"
         " SELECT v.id, v.operation_id, v.value_type::public.tracked_metrics, v.value::numeric,"
         " v.resource_type_id, v.effective_date, v.user_id, v.metadata"
         " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[],"
         " $6::timestamptz[], $7::uuid[], $8::text[])"
         " AS v (id, operation_id, value_type, value, resource_type_id, effective_date, user_id,"
         " metadata)"},
    /* A key that has expired and not been cleared away yet is taken over: $1 is the time from which
     * on keys are kept. */
    [PG_INSERT_REPLAYS] =
        {"zTUTTHUZB", "i",
         GUARDED("INSERT INTO qms_server.idempotency AS i (key, user_id, operation, principal,"
                 " content, made_id, recorded_at, expires)"
                 " SELECT * FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[],"
                 " $6::bytea[], $7::uuid[], $8::timestamptz[], $9::bool[])"
                 " ON CONFLICT (key, user_id, operation, principal) DO UPDATE"
                 " SET content = excluded.content, made_id = excluded.made_id,"
                 " recorded_at = excluded.recorded_at"
                 " WHERE i.expires AND excluded.expires AND i.recorded_at < $1::timestamptz",
                 "$2")},
    /* The one before it is not asked for any more: its outcome is known. What comes after it in
     * the transaction waits for locks no longer than is said here. */
    [PG_INSERT_BATCH] =
        {"uuzt", "",
         "WITH known AS (DELETE FROM qms_server.batches WHERE batch_id = $2::uuid)"
         " INSERT INTO qms_server.batches (batch_id, committed_at)"
         " SELECT $1::uuid, $3::timestamptz FROM set_config('lock_timeout', $4::text, true)"},

    [PG_INSERT_PLANS] = {"UTT", "",
                         "INSERT INTO public.plans (id, name, description)"
                         " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])"},
    [PG_INSERT_PLAN_RATES] =
        {"UUAZ", "",
         "INSERT INTO public.plan_rates (id, plan_id, rate, effective_date)"
         " SELECT v.id, v.plan_id, v.rate::numeric, v.effective_date"
         " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])"
         " AS v (id, plan_id, rate, effective_date)"},
    [PG_INSERT_QUOTA_DEFAULTS] =
        {"UUUAZ", "",
         "INSERT INTO public.plan_quota_defaults (id, plan_id, resource_type_id, quota_value,"
         " effective_date)"
         " SELECT v.id, v.plan_id, v.resource_type_id, v.value::numeric, v.effective_date"
         " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])"
         " AS v (id, plan_id, resource_type_id, value, effective_date)"},
    [PG_CHANGE_QUOTA_DEFAULTS] =
        {"UAZ", "i",
         GUARDED("UPDATE public.plan_quota_defaults d SET quota_value = v.value::numeric,"
                 " effective_date = v.effective_date"
                 " FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])"
                 " AS v (id, value, effective_date) WHERE d.id = v.id", "$1")},
    [PG_INSERT_RESOURCE_TYPES] =
        {"UTTB", "",
         "INSERT INTO public.resource_types (id, name, unit, consumable)"
         " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[])"},
    [PG_CHANGE_RESOURCE_TYPES] =
        {"UTTB", "i",
         GUARDED("UPDATE public.resource_types t SET name = v.name, unit = v.unit,"
                 " consumable = v.consumable"
                 " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[])"
                 " AS v (id, name, unit, consumable) WHERE t.id = v.id", "$1")},
    [PG_INSERT_ADDONS] =
        {"UTTUAB", "",
         "INSERT INTO public.addons (id, name, description, resource_type_id, default_amount,"
         " default_paid)"
         " SELECT v.id, v.name, v.description, v.resource_type_id, v.amount::numeric, v.paid"
         " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::bool[])"
         " AS v (id, name, description, resource_type_id, amount, paid)"},
    [PG_CHANGE_ADDONS] =
        {"UTTUAB", "i",
         GUARDED("UPDATE public.addons a SET name = v.name, description = v.description,"
                 " resource_type_id = v.resource_type_id, default_amount = v.amount::numeric,"
                 " default_paid = v.paid"
                 " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[],"
                 " $6::bool[]) AS v (id, name, description, resource_type_id, amount, paid)"
                 " WHERE a.id = v.id", "$1")},
    [PG_DELETE_ADDONS] =
        {"U", "i", GUARDED("DELETE FROM public.addons WHERE id = ANY ($1::uuid[])", "$1")},
    [PG_DELETE_ADDON_RATES] =
        {"U", "i", GUARDED("DELETE FROM public.addon_rates WHERE id = ANY ($1::uuid[])", "$1")},
    [PG_PARK_ADDON_RATES] =
        {"UZ", "i",
         GUARDED("UPDATE public.addon_rates r SET effective_date = v.effective_date"
                 " FROM unnest($1::uuid[], $2::timestamptz[]) AS v (id, effective_date)"
                 " WHERE r.id = v.id", "$1")},
    [PG_INSERT_ADDON_RATES] =
        {"UUAZ", "",
         "INSERT INTO public.addon_rates (id, addon_id, rate, effective_date)"
         " SELECT v.id, v.addon_id, v.rate::numeric, v.effective_date"
         " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])"
         " AS v (id, addon_id, rate, effective_date)"},
    [PG_CHANGE_ADDON_RATES] =
        {"UAZ", "i",
         GUARDED("UPDATE public.addon_rates r SET rate = v.rate::numeric,"
                 " effective_date = v.effective_date"
                 " FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])"
                 " AS v (id, rate, effective_date) WHERE r.id = v.id", "$1")},

    /* A directory is read by several statements with snapshots of their own: it is of one piece
     * when its version is the same before and after. */
    [PG_DIRECTORY_VERSION] = {"", "i", "SELECT version FROM qms_server.directory_version"},
    [PG_DIRECTORY_VERSION_AGAIN] = {"", "i", "SELECT version FROM qms_server.directory_version"},
    [PG_NEXT_DIRECTORY_VERSION] =
        {"i", "i",
         "WITH made AS (UPDATE qms_server.directory_version SET version = version + 1"
         " WHERE version = $1 RETURNING 1) SELECT 1 / count(*) FROM made"},
    [PG_LIST_DIRECTORY + DIRECTORY_ORGANIZATIONS] =
        {"", "uuzttbb",
         "SELECT id, parent_id, created_at, name, entry_point, is_trial, is_reseller FROM"
         " qms_server.organizations WHERE NOT deleted"},
    [PG_PUT_DIRECTORY + DIRECTORY_ORGANIZATIONS] =
        {"UUZTTBB", "",
         "INSERT INTO qms_server.organizations (id, parent_id, created_at, name, entry_point,"
         " is_trial, is_reseller) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
         " $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::boolean[]) ON CONFLICT"
         " (id) DO UPDATE SET name = excluded.name, entry_point = excluded.entry_point, is_trial"
         " = excluded.is_trial, is_reseller = excluded.is_reseller"},
    [PG_DELETE_DIRECTORY + DIRECTORY_ORGANIZATIONS] =
        {"U", "", "UPDATE qms_server.organizations SET deleted = true WHERE id = ANY"
                  " ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_USERS] =
        {"", "uuztti",
         "SELECT id, organization_id, created_at, name, email, status::int8 FROM"
         " qms_server.organization_users WHERE NOT deleted"},
    [PG_PUT_DIRECTORY + DIRECTORY_USERS] =
        {"UUZTTI", "",
         "INSERT INTO qms_server.organization_users (id, organization_id, created_at, name,"
         " email, status) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[],"
         " $4::text[], $5::text[], $6::int8[]) ON CONFLICT (id) DO UPDATE SET name ="
         " excluded.name, email = excluded.email, status = excluded.status"},
    [PG_DELETE_DIRECTORY + DIRECTORY_USERS] =
        {"U", "", "UPDATE qms_server.organization_users SET deleted = true WHERE id = ANY"
                  " ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_BINDINGS] =
        {"", "uuuziib",
         "SELECT id, user_id, organization_id, created_at, role::int8, scope::int8, is_primary"
         " FROM qms_server.role_bindings"},
    [PG_PUT_DIRECTORY + DIRECTORY_BINDINGS] =
        {"UUUZIIB", "",
         "INSERT INTO qms_server.role_bindings (id, user_id, organization_id, created_at, role,"
         " scope, is_primary) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
         " $4::timestamptz[], $5::int8[], $6::int8[], $7::boolean[]) ON CONFLICT (id) DO UPDATE"
         " SET organization_id = excluded.organization_id, role = excluded.role, scope ="
         " excluded.scope"},
    [PG_DELETE_DIRECTORY + DIRECTORY_BINDINGS] =
        {"U", "", "DELETE FROM qms_server.role_bindings WHERE id = ANY ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_KEYS] =
        {"", "uuzthzt",
         "SELECT id, user_id, created_at, name, hash, used_at, used_address FROM"
         " qms_server.api_keys WHERE NOT deleted"},
    [PG_PUT_DIRECTORY + DIRECTORY_KEYS] =
        {"UUZTHZT", "",
         "INSERT INTO qms_server.api_keys (id, user_id, created_at, name, hash, used_at,"
         " used_address) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[],"
         " $4::text[], $5::bytea[], $6::timestamptz[], $7::text[]) ON CONFLICT (id) DO UPDATE"
         " SET used_at = excluded.used_at, used_address = excluded.used_address"},
    [PG_DELETE_DIRECTORY + DIRECTORY_KEYS] =
        {"U", "", "UPDATE qms_server.api_keys SET deleted = true WHERE id = ANY ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_CONNECTIONS] =
        {"", "uuztttb",
         "SELECT id, owner_id, created_at, name, service_code, type, supports_quotas FROM"
         " qms_server.service_connections WHERE NOT deleted"},
    [PG_PUT_DIRECTORY + DIRECTORY_CONNECTIONS] =
        {"UUZTTTB", "",
         "INSERT INTO qms_server.service_connections (id, owner_id, created_at, name,"
         " service_code, type, supports_quotas) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
         " $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::boolean[]) ON CONFLICT"
         " (id) DO UPDATE SET name = excluded.name"},
    [PG_DELETE_DIRECTORY + DIRECTORY_CONNECTIONS] =
        {"U", "", "UPDATE qms_server.service_connections SET deleted = true WHERE id = ANY"
                  " ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_QUOTAS] =
        {"", "uuuzttbbibuta",
         "SELECT q.id, q.connection_id, q.owner_id, q.created_at, q.name, q.description,"
         " q.default_for_service, q.default_for_trial, q.version, d.quota_id IS NOT NULL, d.id,"
         " d.metric, d.ceiling::text FROM qms_server.cloud_quotas q"
         " LEFT JOIN qms_server.cloud_quota_details d ON d.quota_id = q.id"
         " WHERE NOT q.deleted ORDER BY q.id, d.position"},
    [PG_PUT_DIRECTORY + DIRECTORY_QUOTAS] =
        {"UUUZTTBBI", "",
         "INSERT INTO qms_server.cloud_quotas (id, connection_id, owner_id, created_at, name,"
         " description, default_for_service, default_for_trial, version) SELECT * FROM"
         " unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[],"
         " $7::boolean[], $8::boolean[], $9::int8[]) ON CONFLICT (id) DO UPDATE SET name ="
         " excluded.name, description = excluded.description, default_for_service ="
         " excluded.default_for_service, default_for_trial = excluded.default_for_trial, version"
         " = excluded.version"},
    [PG_DELETE_DIRECTORY + DIRECTORY_QUOTAS] =
        {"U", "", "UPDATE qms_server.cloud_quotas SET deleted = true WHERE id = ANY ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_ASSIGNMENTS] =
        {"", "uuuziub",
         "SELECT id, organization_id, connection_id, created_at, state::int8, quota_id, applied"
         " FROM qms_server.connection_assignments"},
    [PG_PUT_DIRECTORY + DIRECTORY_ASSIGNMENTS] =
        {"UUUZIUB", "",
         "INSERT INTO qms_server.connection_assignments (id, organization_id, connection_id,"
         " created_at, state, quota_id, applied) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
         " $3::uuid[], $4::timestamptz[], $5::int8[], $6::uuid[], $7::boolean[]) ON CONFLICT"
         " (id) DO UPDATE SET state = excluded.state, quota_id = excluded.quota_id, applied ="
         " excluded.applied"},
    [PG_DELETE_DIRECTORY + DIRECTORY_ASSIGNMENTS] =
        {"U", "", "DELETE FROM qms_server.connection_assignments WHERE id = ANY ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_ENVIRONMENTS] =
        {"", "uuuzti",
         "SELECT id, organization_id, connection_id, created_at, name, state::int8 FROM"
         " qms_server.environments"},
    [PG_PUT_DIRECTORY + DIRECTORY_ENVIRONMENTS] =
        {"UUUZTI", "",
         "INSERT INTO qms_server.environments (id, organization_id, connection_id, created_at,"
         " name, state) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
         " $4::timestamptz[], $5::text[], $6::int8[]) ON CONFLICT (id) DO UPDATE SET name ="
         " excluded.name, state = excluded.state"},
    [PG_DELETE_DIRECTORY + DIRECTORY_ENVIRONMENTS] =
        {"U", "", "DELETE FROM qms_server.environments WHERE id = ANY ($1::uuid[])"},
    [PG_LIST_DIRECTORY + DIRECTORY_TASKS] =
        {"", "uuuziuti",
         "SELECT id, user_id, organization_id, created_at, object::int8, object_id, object_name,"
         " status::int8 FROM qms_server.tasks"},
    [PG_PUT_DIRECTORY + DIRECTORY_TASKS] =
        {"UUUZIUTI", "",
         "INSERT INTO qms_server.tasks (id, user_id, organization_id, created_at, object,"
         " object_id, object_name, status) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
         " $3::uuid[], $4::timestamptz[], $5::int8[], $6::uuid[], $7::text[], $8::int8[]) ON"
         " CONFLICT (id) DO UPDATE SET status = excluded.status"},
    [PG_DELETE_DIRECTORY + DIRECTORY_TASKS] =
        {"U", "", "DELETE FROM qms_server.tasks WHERE id = ANY ($1::uuid[])"},
    [PG_DELETE_QUOTA_DETAILS] =
        {"U", "", "DELETE FROM qms_server.cloud_quota_details WHERE quota_id = ANY ($1::uuid[])"},
    [PG_INSERT_QUOTA_DETAILS] =
        {"UIUTA", "",
         "INSERT INTO qms_server.cloud_quota_details (quota_id, position, id, metric, ceiling)"
         " SELECT v.quota_id, v.position, v.id, v.metric, v.ceiling::numeric"
         " FROM unnest($1::uuid[], $2::int8[], $3::uuid[], $4::text[], $5::text[])"
         " AS v (quota_id, position, id, metric, ceiling)"},

    /* Whether the session of that process is still there; one that waits for our next word, or for
     * the rest of one, is told to end. One that is at work may be committing, or waiting for a
     * standby: it is left alone. (What is OR true is not even called.) */
    [PG_BACKEND_LIVES] =
        {"iz", "b",
         "SELECT CASE WHEN state LIKE 'idle%' OR wait_event = 'ClientRead'"
         " THEN pg_terminate_backend(pid) IS NOT NULL ELSE true END"
         " FROM pg_stat_activity WHERE pid = $1::int8 AND backend_start = $2::timestamptz"},
    [PG_FIND_BATCH] = {"u", "i",
                       "SELECT 1::int8 FROM qms_server.batches WHERE batch_id = $1::uuid"},
    [PG_LAST_BATCH] = {"", "z", "SELECT max(committed_at) FROM qms_server.batches"},
    [PG_FORGET_PLANS] = {"", "", "DISCARD PLANS"},
    [PG_PURGE_KEYS] =
        {"zi", "i",
         "WITH gone AS (DELETE FROM qms_server.idempotency WHERE ctid = ANY (ARRAY("
         "SELECT ctid FROM qms_server.idempotency WHERE expires AND recorded_at < $1::timestamptz"
         " LIMIT $2::int8 FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone"},
    [PG_PURGE_BATCHES] =
        {"zi", "i",
         "WITH gone AS (DELETE FROM qms_server.batches WHERE ctid = ANY (ARRAY("
         "SELECT ctid FROM qms_server.batches WHERE committed_at < $1::timestamptz"
         " LIMIT $2::int8 FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone"},

    /* Listings. A negative limit is none. Names in byte order. */
    [PG_READ_LIMIT_TIME] =
        {"t", "zt",
         "SELECT clock_timestamp(), set_config('statement_timeout', $1::text, true)"},
    [PG_READ_USER] = {"t", "u", "SELECT id FROM public.users WHERE username = $1::text"},
    [PG_READ_USERS] = {"ttii", "",
                       CURSOR "SELECT u.id, u.username FROM public.users u"
                       " WHERE u.username COLLATE \"C\" >= $1::text"
                       " AND ($1::text = '' OR u.username <> $1::text)"
                       " AND strpos(u.username, $2::text) > 0"
                       " ORDER BY u.username COLLATE \"C\"" PAGE("$3", "$4")},
    [PG_READ_UPDATES] =
        {"utzii", "",
         CURSOR "SELECT p.id, p.update_operation_id, p.value_type::text, p.value::text,"
         " p.resource_type_id, p.effective_date, p.metadata FROM public.updates p"
         " JOIN public.resource_types t ON t.id = p.resource_type_id"
         " WHERE p.user_id = $1::uuid AND ($2::text = '' OR t.name = $2::text)"
         " AND p.effective_date >= $3::timestamptz"
         " ORDER BY p.effective_date, p.id" PAGE("$4", "$5")},
    /* Users after $1 with the quotas and usages of the subscription that is active at $2, chosen
     * as subscription_active() does, but never one of no length: it was for an instant. */
    [PG_READ_OVERAGES] =
        {"tz", "",
         CURSOR "SELECT u.username, t.name, q.quota::text, g.usage::text FROM public.users u"
         " CROSS JOIN LATERAL (SELECT s.id FROM public.subscriptions s WHERE s.user_id = u.id"
         " AND s.effective_start_date <= $2::timestamptz"
         " AND (s.effective_end_date IS NULL OR s.effective_end_date >= $2::timestamptz)"
         " AND s.effective_start_date IS DISTINCT FROM s.effective_end_date"
         " ORDER BY s.effective_start_date DESC, s.id LIMIT 1) a"
         " JOIN public.quotas q ON q.subscription_id = a.id"
         " JOIN public.usages g ON g.subscription_id = q.subscription_id"
         " AND g.resource_type_id = q.resource_type_id AND g.usage >= q.quota"
         " JOIN public.resource_types t ON t.id = q.resource_type_id"
         " WHERE u.username COLLATE \"C\" > $1::text"
         " ORDER BY u.username COLLATE \"C\", t.name COLLATE \"C\""},
    [PG_READ_ACTIVE_BY_USERNAME] = READ_ACTIVE("u.username COLLATE \"C\""),
    [PG_READ_ACTIVE_BY_USERNAME_DOWN] = READ_ACTIVE("u.username COLLATE \"C\" DESC"),
    [PG_READ_ACTIVE_BY_START] = READ_ACTIVE("s.effective_start_date"),
    [PG_READ_ACTIVE_BY_START_DOWN] = READ_ACTIVE("s.effective_start_date DESC"),
    [PG_READ_ACTIVE_BY_END] = READ_ACTIVE("s.effective_end_date NULLS LAST"),
    [PG_READ_ACTIVE_BY_END_DOWN] = READ_ACTIVE("s.effective_end_date DESC NULLS FIRST"),
    [PG_READ_OF_USER] = {"uzii", "",
                         CURSOR SUBSCRIPTION_OF_USER OF_USER
                         " ORDER BY s.effective_start_date, s.effective_end_date NULLS LAST, s.id"
                         PAGE("$3", "$4")},
    [PG_COUNT_ACTIVE] = {"zt", "i", "SELECT count(*)" ACTIVE("$1::timestamptz", "$2::text")},
    [PG_COUNT_OF_USER] = {"uz", "i", "SELECT count(*)" OF_USER},
    [PG_READ_QUOTAS] = READ_QUANTITIES("quotas", "quota"),
    [PG_READ_USAGES] = READ_QUANTITIES("usages", "usage"),
    [PG_FETCH_USERS] = {"", "ut", FETCH},
    [PG_FETCH_UPDATES] = {"", "uutauzn", FETCH},
    [PG_FETCH_OVERAGES] = {"", "ttaa", FETCH},
    [PG_FETCH_SUBSCRIPTIONS] = {"", "uuuzebut", FETCH},
};

const struct postgres_statement_text *postgres_statement(enum postgres_statement id) {
    assert(statements[id].text != NULL);
    return &statements[id];
}
