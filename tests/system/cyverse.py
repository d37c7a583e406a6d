"""The migrations of the CyVerse QMS database, one by one as the data-model document tells them, and
statements as its services make them. What qms creates by itself is compared with the outcome."""

import zlib

NOW = 'timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP'
AUDIT = f"""created_by text NOT NULL, created_at {NOW},
 last_modified_by text NOT NULL, last_modified_at {NOW}"""
UUID1 = 'uuid NOT NULL DEFAULT uuid_generate_v1()'
UUID4 = 'uuid NOT NULL DEFAULT uuid_generate_v4()'


def audited(table):
    return f"""
CREATE TRIGGER {table}_created_by_trigger BEFORE INSERT ON {table}
 FOR EACH ROW EXECUTE PROCEDURE insert_username(created_by);
CREATE TRIGGER {table}_last_modified_by_insert_trigger BEFORE INSERT ON {table}
 FOR EACH ROW EXECUTE PROCEDURE insert_username(last_modified_by);
CREATE TRIGGER {table}_last_modified_by_trigger BEFORE UPDATE ON {table}
 FOR EACH ROW EXECUTE PROCEDURE insert_username(last_modified_by);
CREATE TRIGGER {table}_last_modified_at_trigger BEFORE UPDATE ON {table}
 FOR EACH ROW EXECUTE PROCEDURE moddatetime(last_modified_at);"""


def amounts(table, column):
    return f"""
CREATE TABLE {table} (id {UUID1}, {column} numeric NOT NULL,
 resource_type_id uuid NOT NULL REFERENCES resource_types(id) ON DELETE CASCADE,
 user_plan_id uuid NOT NULL REFERENCES user_plans(id) ON DELETE CASCADE, {AUDIT},
 PRIMARY KEY (id));
CREATE UNIQUE INDEX {table}_resource_type_user_plan_index
 ON {table} (resource_type_id, user_plan_id);""" + audited(table)


MIGRATIONS = [
    f'CREATE TABLE users (id {UUID1}, username text NOT NULL UNIQUE, PRIMARY KEY (id));',
    f"""
CREATE TABLE plans (id {UUID1}, name text NOT NULL UNIQUE, description text NOT NULL,
 PRIMARY KEY (id));
INSERT INTO plans VALUES
 ('99e47c22-950a-11ec-84a4-406c8f3e9cbb', 'Basic', 'Basic plan'),
 ('c6d39580-98dc-11ec-bbe3-406c8f3e9cbb', 'Regular', 'Regular plan'),
 ('cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb', 'Pro', 'Professional plan'),
 ('d80b5482-98dc-11ec-bbe3-406c8f3e9cbb', 'Commercial', 'Commercial plan');
CREATE TABLE resource_types (id {UUID1}, name text NOT NULL UNIQUE, unit text NOT NULL,
 PRIMARY KEY (id));
INSERT INTO resource_types VALUES
 ('99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', 'cpu.hours', 'cpu hours'),
 ('99e3f91e-950a-11ec-84a4-406c8f3e9cbb', 'data.size', 'bytes');
CREATE TABLE plan_quota_defaults (id {UUID1},
 plan_id uuid NOT NULL REFERENCES plans(id) ON DELETE CASCADE,
 resource_type_id uuid NOT NULL REFERENCES resource_types(id) ON DELETE CASCADE,
 quota_value numeric NOT NULL, PRIMARY KEY (id));
INSERT INTO plan_quota_defaults (id, plan_id, resource_type_id, quota_value)
SELECT d.id::uuid, p.id, r.id, d.quota FROM (VALUES
 ('46febbba-9511-11ec-8844-406c8f3e9cbb', 'Basic', 'cpu.hours', 20),
 ('60b3d5ae-9511-11ec-8844-406c8f3e9cbb', 'Basic', 'data.size', 5000000000),
 ('e286b526-6e50-4395-99b0-431f76cb4dd9', 'Regular', 'cpu.hours', 100),
 ('0ebd2c19-7c1d-4418-a02f-df5f6d782901', 'Regular', 'data.size', 50000000000),
 ('7efddabe-47d6-401c-b857-d08361397fcf', 'Pro', 'cpu.hours', 2000),
 ('2c39ff2f-2ec7-4ac8-a10e-79fd82b39c09', 'Pro', 'data.size', 3000000000000),
 ('1e3804ed-4ed3-4cd9-8e58-1e725fa79c1b', 'Commercial', 'cpu.hours', 5000),
 ('de496045-b954-4f41-b068-3c71b32d2287', 'Commercial', 'data.size', 5000000000000)
) d (id, plan, resource, quota) JOIN plans p ON p.name = plan JOIN resource_types r
 ON r.name = resource;
CREATE TABLE user_plans (id {UUID1},
 user_id uuid NOT NULL REFERENCES users(id) ON DELETE CASCADE,
 plan_id uuid NOT NULL REFERENCES plans(id) ON DELETE CASCADE,
 effective_start_date timestamptz NOT NULL, effective_end_date timestamptz, {AUDIT},
 PRIMARY KEY (id));""" + audited('user_plans'),
    amounts('quotas', 'quota') + amounts('usages', 'usage') + f"""
CREATE TABLE update_operations (id {UUID1}, name text NOT NULL UNIQUE, PRIMARY KEY (id));
INSERT INTO update_operations VALUES ('f1f9df66-9676-11ec-aa73-406c8f3e9cbb', 'ADD'),
 ('f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb', 'SET');
CREATE TYPE tracked_metrics AS ENUM ('quotas', 'usages');
CREATE TABLE updates (id {UUID1},
 update_operation_id uuid NOT NULL REFERENCES update_operations(id) ON DELETE CASCADE,
 value_type tracked_metrics NOT NULL, value numeric NOT NULL,
 resource_type_id uuid NOT NULL REFERENCES resource_types(id) ON DELETE CASCADE,
 effective_date timestamptz NOT NULL, {AUDIT}, PRIMARY KEY (id));""" + audited('updates'),
    """CREATE UNIQUE INDEX plan_quota_defaults_resource_type_plan_index
 ON plan_quota_defaults (resource_type_id, plan_id);""",
    """
UPDATE plan_quota_defaults SET quota_value = 5 * 2^30::numeric WHERE quota_value = 5000000000;
UPDATE plan_quota_defaults SET quota_value = 50 * 2^30::numeric WHERE quota_value = 50000000000;
UPDATE plan_quota_defaults SET quota_value = 3 * 2^40::numeric WHERE quota_value = 3000000000000;
UPDATE plan_quota_defaults SET quota_value = 5 * 2^40::numeric WHERE quota_value = 5000000000000;
UPDATE plan_quota_defaults SET quota_value = trunc(quota_value);""",
    'ALTER TABLE updates ADD COLUMN user_id uuid REFERENCES users(id);',
    """
ALTER TABLE user_plans RENAME TO subscriptions;
ALTER INDEX user_plans_pkey RENAME TO subscriptions_pkey;
ALTER TABLE subscriptions RENAME CONSTRAINT user_plans_user_id_fkey TO subscriptions_user_id_fkey;
ALTER TABLE subscriptions RENAME CONSTRAINT user_plans_plan_id_fkey TO subscriptions_plan_id_fkey;
""" + ''.join(f"""
ALTER TRIGGER user_plans_{name}_trigger ON subscriptions RENAME TO subscriptions_{name}_trigger;"""
              for name in ('created_by', 'last_modified_by_insert', 'last_modified_by',
                           'last_modified_at')) + ''.join(f"""
ALTER TABLE {table} RENAME COLUMN user_plan_id TO subscription_id;
ALTER INDEX {table}_resource_type_user_plan_index
 RENAME TO {table}_resource_type_subscription_index;
ALTER TABLE {table} RENAME CONSTRAINT {table}_user_plan_id_fkey TO {key};"""
              for table, key in (('quotas', 'quotas_subscriptions_id_fkey'),
                                 ('usages', 'usages_subscription_id_fkey'))),
    'ALTER TABLE subscriptions ADD COLUMN paid boolean NOT NULL DEFAULT true;',
    f"""CREATE TABLE addons (id {UUID4}, name text NOT NULL, description text NOT NULL,
 resource_type_id uuid NOT NULL REFERENCES resource_types(id) ON DELETE CASCADE,
 default_amount numeric NOT NULL, default_paid boolean NOT NULL DEFAULT true, PRIMARY KEY (id));""",
    f"""CREATE TABLE subscription_addons (id {UUID4},
 subscription_id uuid NOT NULL REFERENCES subscriptions(id) ON DELETE CASCADE,
 addon_id uuid NOT NULL REFERENCES addons(id) ON DELETE CASCADE,
 amount numeric NOT NULL, paid boolean NOT NULL DEFAULT true, PRIMARY KEY (id));""",
    """UPDATE plan_quota_defaults SET quota_value = quota_value * 10
 WHERE resource_type_id = '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb';""",
    """INSERT INTO addons VALUES ('c21dd61f-aa41-40ad-8005-859679ceed9c', '1 TB',
 '1 TB of data storage for one year.', '99e3f91e-950a-11ec-84a4-406c8f3e9cbb', 1099511627776,
 true);""",
    """ALTER TABLE resource_types ADD COLUMN consumable boolean DEFAULT false;
UPDATE resource_types SET consumable = name = 'cpu.hours';""",
    f"""
CREATE TABLE plan_rates (id {UUID1}, plan_id uuid NOT NULL REFERENCES plans(id) ON DELETE CASCADE,
 effective_date {NOW}, rate numeric NOT NULL, PRIMARY KEY (id));
CREATE UNIQUE INDEX plan_rates_plan_effective_date_index ON plan_rates (plan_id, effective_date);
INSERT INTO plan_rates (id, plan_id, effective_date, rate)
SELECT d.id::uuid, p.id, '2022-01-01', d.rate FROM (VALUES
 ('120c56e0-82a0-11ef-aac3-5a8d7f4f1112', 'Basic', 0.00),
 ('1db9ab6e-82a0-11ef-aac3-5a8d7f4f1112', 'Regular', 200.00),
 ('29f6cff6-82a0-11ef-aac3-5a8d7f4f1112', 'Pro', 340.00),
 ('312d94c6-82a0-11ef-aac3-5a8d7f4f1112', 'Commercial', 2000.00)
) d (id, plan, rate) JOIN plans p ON p.name = plan;
DROP INDEX plan_quota_defaults_resource_type_plan_index;
ALTER TABLE plan_quota_defaults ADD COLUMN effective_date timestamptz;
UPDATE plan_quota_defaults SET effective_date = '2022-01-01';
ALTER TABLE plan_quota_defaults ALTER COLUMN effective_date SET NOT NULL;
CREATE UNIQUE INDEX plan_quota_defaults_resource_type_plan_effective_date_index
 ON plan_quota_defaults (resource_type_id, effective_date, plan_id);
ALTER TABLE subscriptions ADD COLUMN plan_rate_id uuid REFERENCES plan_rates(id) ON DELETE CASCADE;
ALTER TABLE subscriptions ALTER COLUMN plan_rate_id SET NOT NULL;""",
    f"""
CREATE TABLE addon_rates (id {UUID1},
 addon_id uuid NOT NULL REFERENCES addons(id) ON DELETE CASCADE,
 effective_date {NOW}, rate numeric NOT NULL, PRIMARY KEY (id));
INSERT INTO addon_rates VALUES ('d612d958-82ad-11ef-b4b2-5a8d7f4f1112',
 'c21dd61f-aa41-40ad-8005-859679ceed9c', '2022-01-01', 125.00);
CREATE UNIQUE INDEX addon_rates_effective_date_addon_index
 ON addon_rates (addon_id, effective_date);
ALTER TABLE subscription_addons
 ADD COLUMN addon_rate_id uuid REFERENCES addon_rates(id) ON DELETE CASCADE;
ALTER TABLE subscription_addons ALTER COLUMN addon_rate_id SET NOT NULL;""",
    """
INSERT INTO addons VALUES ('f8d2066c-e3b2-4559-839e-88bfc997c89f', '5000 CPU Hours',
 '5000 CPU Hours to be used before the current subscription ends..',
 '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', 5000, true);
INSERT INTO addon_rates VALUES ('672e49af-b7b7-4a0e-a929-00f4a1c5e7f2',
 'f8d2066c-e3b2-4559-839e-88bfc997c89f', '2025-01-01', 100.00);""",
    'ALTER TABLE updates ADD COLUMN metadata text;',
]


def migrate(database, version=17, dirty=False, role='qms'):
    """As the migration program of the services, run by the role that will own the tables."""
    for number, text in enumerate(MIGRATIONS[:version], 1):
        database.execute(f'BEGIN; SET LOCAL search_path = public, pg_catalog; {text} COMMIT',
                         role=role)
    database.execute(
        'CREATE TABLE schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL,'
        f' PRIMARY KEY (version)); INSERT INTO schema_migrations VALUES ({version}, {dirty})',
        role=role)


def lock_key(database_name):
    """The lock of golang-migrate for a database."""
    name = b'public\0schema_migrations\0' + database_name.encode()
    return zlib.crc32(name) * 1486364155 % 2**32


# A user's first usages, as the services write them: unqualified names, the literal 'de'.
STATEMENTS = """
INSERT INTO users (username) VALUES ('ada') ON CONFLICT (username) DO UPDATE SET username =
 EXCLUDED.username;
SELECT id FROM users WHERE username = 'ada' FOR UPDATE;
INSERT INTO subscriptions (user_id, plan_id, effective_start_date, effective_end_date, created_by,
 last_modified_by, paid, plan_rate_id)
SELECT u.id, p.id, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP + interval '1 year', 'de', 'de', false, r.id
FROM users u, plans p JOIN plan_rates r ON r.plan_id = p.id
WHERE u.username = 'ada' AND p.name = 'Basic';
INSERT INTO quotas (quota, resource_type_id, subscription_id, created_by, last_modified_by)
SELECT d.quota_value, d.resource_type_id, s.id, 'de', 'de' FROM subscriptions s
JOIN plan_quota_defaults d ON d.plan_id = s.plan_id ON CONFLICT (resource_type_id, subscription_id)
DO NOTHING;
INSERT INTO usages (usage, resource_type_id, subscription_id, created_by, last_modified_by)
SELECT 1.5, '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', s.id, 'de', 'de' FROM subscriptions s
ON CONFLICT (resource_type_id, subscription_id) DO UPDATE SET usage = usages.usage + EXCLUDED.usage;
INSERT INTO updates (update_operation_id, value_type, value, resource_type_id, effective_date,
 created_by, last_modified_by, user_id)
SELECT o.id, 'usages', 1.5, '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', CURRENT_TIMESTAMP, 'de', 'de',
 u.id FROM update_operations o, users u WHERE o.name = 'ADD' AND u.username = 'ada';
INSERT INTO plans (name, description) VALUES ('Team', 'x');
INSERT INTO plan_rates (plan_id, rate) SELECT id, 5 FROM plans WHERE name = 'Team';
UPDATE resource_types SET unit = unit;
DELETE FROM plans WHERE name = 'Team';
"""
