-- The CyVerse QMS database at version 17 of its migrations: every column, constraint, index and
-- trigger as those migrations leave it, columns in their order, so that the services of CyVerse
-- run on it as on one of their own. search_path is public, pg_catalog; the extensions are there.

CREATE TABLE users (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    username text NOT NULL UNIQUE
);

CREATE TABLE plans (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    name text NOT NULL UNIQUE,
    description text NOT NULL
);

CREATE TABLE plan_rates (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    effective_date timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    rate numeric NOT NULL
);

CREATE UNIQUE INDEX plan_rates_plan_effective_date_index ON plan_rates (plan_id, effective_date);

CREATE TABLE resource_types (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    name text NOT NULL UNIQUE,
    unit text NOT NULL,
    consumable boolean DEFAULT false
);

CREATE TABLE plan_quota_defaults (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    resource_type_id uuid NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    quota_value numeric NOT NULL,
    effective_date timestamptz NOT NULL
);

CREATE UNIQUE INDEX plan_quota_defaults_resource_type_plan_effective_date_index
    ON plan_quota_defaults (resource_type_id, effective_date, plan_id);

CREATE TABLE subscriptions (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plan_id uuid NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    effective_start_date timestamptz NOT NULL,
    effective_end_date timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_modified_by text NOT NULL,
    last_modified_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    paid boolean NOT NULL DEFAULT true,
    plan_rate_id uuid NOT NULL REFERENCES plan_rates (id) ON DELETE CASCADE
);

CREATE TABLE quotas (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    quota numeric NOT NULL,
    resource_type_id uuid NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    subscription_id uuid NOT NULL
        CONSTRAINT quotas_subscriptions_id_fkey
        REFERENCES subscriptions (id) ON DELETE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_modified_by text NOT NULL,
    last_modified_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE UNIQUE INDEX quotas_resource_type_subscription_index
    ON quotas (resource_type_id, subscription_id);

CREATE TABLE usages (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    usage numeric NOT NULL,
    resource_type_id uuid NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    subscription_id uuid NOT NULL
        CONSTRAINT usages_subscription_id_fkey
        REFERENCES subscriptions (id) ON DELETE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_modified_by text NOT NULL,
    last_modified_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE UNIQUE INDEX usages_resource_type_subscription_index
    ON usages (resource_type_id, subscription_id);

CREATE TABLE update_operations (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TYPE tracked_metrics AS ENUM ('quotas', 'usages');

CREATE TABLE updates (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    update_operation_id uuid NOT NULL REFERENCES update_operations (id) ON DELETE CASCADE,
    value_type tracked_metrics NOT NULL,
    value numeric NOT NULL,
    resource_type_id uuid NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    effective_date timestamptz NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_modified_by text NOT NULL,
    last_modified_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    user_id uuid REFERENCES users (id),
    metadata text
);

CREATE TABLE addons (
    id uuid NOT NULL DEFAULT uuid_generate_v4() PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    resource_type_id uuid NOT NULL REFERENCES resource_types (id) ON DELETE CASCADE,
    default_amount numeric NOT NULL,
    default_paid boolean NOT NULL DEFAULT true
);

CREATE TABLE addon_rates (
    id uuid NOT NULL DEFAULT uuid_generate_v1() PRIMARY KEY,
    addon_id uuid NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    effective_date timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    rate numeric NOT NULL
);

CREATE UNIQUE INDEX addon_rates_effective_date_addon_index
    ON addon_rates (addon_id, effective_date);

CREATE TABLE subscription_addons (
    id uuid NOT NULL DEFAULT uuid_generate_v4() PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    addon_id uuid NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
    amount numeric NOT NULL,
    paid boolean NOT NULL DEFAULT true,
    addon_rate_id uuid NOT NULL REFERENCES addon_rates (id) ON DELETE CASCADE
);

CREATE TRIGGER subscriptions_created_by_trigger BEFORE INSERT ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION insert_username('created_by');
CREATE TRIGGER subscriptions_last_modified_by_insert_trigger BEFORE INSERT ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER subscriptions_last_modified_by_trigger BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER subscriptions_last_modified_at_trigger BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION moddatetime('last_modified_at');

CREATE TRIGGER quotas_created_by_trigger BEFORE INSERT ON quotas
    FOR EACH ROW EXECUTE FUNCTION insert_username('created_by');
CREATE TRIGGER quotas_last_modified_by_insert_trigger BEFORE INSERT ON quotas
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER quotas_last_modified_by_trigger BEFORE UPDATE ON quotas
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER quotas_last_modified_at_trigger BEFORE UPDATE ON quotas
    FOR EACH ROW EXECUTE FUNCTION moddatetime('last_modified_at');

CREATE TRIGGER usages_created_by_trigger BEFORE INSERT ON usages
    FOR EACH ROW EXECUTE FUNCTION insert_username('created_by');
CREATE TRIGGER usages_last_modified_by_insert_trigger BEFORE INSERT ON usages
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER usages_last_modified_by_trigger BEFORE UPDATE ON usages
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER usages_last_modified_at_trigger BEFORE UPDATE ON usages
    FOR EACH ROW EXECUTE FUNCTION moddatetime('last_modified_at');

CREATE TRIGGER updates_created_by_trigger BEFORE INSERT ON updates
    FOR EACH ROW EXECUTE FUNCTION insert_username('created_by');
CREATE TRIGGER updates_last_modified_by_insert_trigger BEFORE INSERT ON updates
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER updates_last_modified_by_trigger BEFORE UPDATE ON updates
    FOR EACH ROW EXECUTE FUNCTION insert_username('last_modified_by');
CREATE TRIGGER updates_last_modified_at_trigger BEFORE UPDATE ON updates
    FOR EACH ROW EXECUTE FUNCTION moddatetime('last_modified_at');

-- Kept by the migration program of the CyVerse services: one row, the version reached.
CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint NOT NULL PRIMARY KEY,
    dirty boolean NOT NULL
);

INSERT INTO schema_migrations (version, dirty) VALUES (17, false);
