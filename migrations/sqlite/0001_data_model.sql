-- The tables of the CyVerse QMS data model (version 17), column for column, in SQLite's types:
-- identifiers are 16 bytes, amounts plain decimal text (every digit is kept), instants microseconds
-- since 1970-01-01T00:00:00Z, booleans 0 or 1. What triggers do there (created_by and its sisters),
-- the store does here.
--
-- Shapes, measured with 10,000 users, an ADD being one usage changed and one audit row appended, at
-- 64 and 1,000 ADDs a commit:
--   * What a commit costs is the number of distinct pages it writes to the log (77 and 493 here, at
--     about 8 microseconds a page); the shape of a table (rowid or not, which key leads) moved
--     that number by 5 % at most and the time by less than the noise. So each table takes the shape
--     that reads best: clustered by what the load asks for, and one tree instead of two.
--   * An index of the audit trail by user doubles the pages (157 and 1,441) and halves the rate: it
--     is written at a random place for every row. Therefore updates has none: where a user's rows
--     lie is known in memory, from reading all of them once (store_sqlite_trail.h). Its rowid keeps
--     the order of insertion, its ids are version 7 and made in order, so both its trees only grow at
--     the end.
--   * Foreign keys cost 15 to 20 % of the processor time and no pages.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- With a rowid: plans are listed in the order in which they were inserted.
CREATE TABLE plans (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE plan_rates (
    id BLOB NOT NULL PRIMARY KEY,
    plan_id BLOB NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    effective_date INTEGER NOT NULL,
    rate TEXT NOT NULL,
    UNIQUE (plan_id, effective_date)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource_types (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    unit TEXT NOT NULL,
    consumable INTEGER DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_quota_defaults (
    id BLOB NOT NULL PRIMARY KEY,
    plan_id BLOB NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    resource_type_id BLOB NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    quota_value TEXT NOT NULL,
    effective_date INTEGER NOT NULL,
    UNIQUE (resource_type_id, effective_date, plan_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_quota_defaults_plan_index ON plan_quota_defaults (plan_id);

CREATE TABLE subscriptions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plan_id BLOB NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    effective_start_date INTEGER NOT NULL,
    effective_end_date INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_modified_by TEXT NOT NULL,
    last_modified_at INTEGER NOT NULL,
    paid INTEGER NOT NULL DEFAULT 1,
    plan_rate_id BLOB NOT NULL REFERENCES plan_rates (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_user_start_index ON subscriptions (user_id, effective_start_date);

CREATE TABLE quotas (
    id BLOB NOT NULL UNIQUE,
    quota TEXT NOT NULL,
    resource_type_id BLOB NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    subscription_id BLOB NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_modified_by TEXT NOT NULL,
    last_modified_at INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, resource_type_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE usages (
    id BLOB NOT NULL UNIQUE,
    usage TEXT NOT NULL,
    resource_type_id BLOB NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    subscription_id BLOB NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_modified_by TEXT NOT NULL,
    last_modified_at INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, resource_type_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE update_operations (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE updates (
    id BLOB NOT NULL PRIMARY KEY,
    update_operation_id BLOB NOT NULL REFERENCES update_operations (id) ON DELETE CASCADE,
    value_type TEXT NOT NULL CHECK (value_type IN ('quotas', 'usages')),
    value TEXT NOT NULL,
    resource_type_id BLOB NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    effective_date INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_modified_by TEXT NOT NULL,
    last_modified_at INTEGER NOT NULL,
    user_id BLOB REFERENCES users (id),
    metadata TEXT
) STRICT;

CREATE TABLE addons (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    resource_type_id BLOB NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    default_amount TEXT NOT NULL,
    default_paid INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE addon_rates (
    id BLOB NOT NULL PRIMARY KEY,
    addon_id BLOB NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    effective_date INTEGER NOT NULL,
    rate TEXT NOT NULL,
    UNIQUE (addon_id, effective_date)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription_addons (
    id BLOB NOT NULL PRIMARY KEY,
    subscription_id BLOB NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    addon_id BLOB NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    amount TEXT NOT NULL,
    paid INTEGER NOT NULL DEFAULT 1,
    addon_rate_id BLOB NOT NULL REFERENCES addon_rates (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX subscription_addons_subscription_index ON subscription_addons (subscription_id);
CREATE INDEX subscription_addons_addon_index ON subscription_addons (addon_id);
