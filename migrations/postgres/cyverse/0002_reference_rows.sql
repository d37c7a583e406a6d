-- The rows every QMS database begins with, at version 17 of the data model. Effective dates are
-- midnight in the time zone of the connection.

INSERT INTO plans (id, name, description) VALUES
    ('99e47c22-950a-11ec-84a4-406c8f3e9cbb', 'Basic', 'Basic plan'),
    ('c6d39580-98dc-11ec-bbe3-406c8f3e9cbb', 'Regular', 'Regular plan'),
    ('cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb', 'Pro', 'Professional plan'),
    ('d80b5482-98dc-11ec-bbe3-406c8f3e9cbb', 'Commercial', 'Commercial plan');

INSERT INTO plan_rates (id, plan_id, effective_date, rate)
SELECT seed.id::uuid, plans.id, '2022-01-01', seed.rate FROM (VALUES
    ('120c56e0-82a0-11ef-aac3-5a8d7f4f1112', 'Basic', 0.00),
    ('1db9ab6e-82a0-11ef-aac3-5a8d7f4f1112', 'Regular', 200.00),
    ('29f6cff6-82a0-11ef-aac3-5a8d7f4f1112', 'Pro', 340.00),
    ('312d94c6-82a0-11ef-aac3-5a8d7f4f1112', 'Commercial', 2000.00)
) AS seed (id, plan, rate) JOIN plans ON plans.name = seed.plan;

INSERT INTO resource_types (id, name, unit, consumable) VALUES
    ('99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', 'cpu.hours', 'cpu hours', true),
    ('99e3f91e-950a-11ec-84a4-406c8f3e9cbb', 'data.size', 'bytes', false);

INSERT INTO plan_quota_defaults (id, plan_id, resource_type_id, quota_value, effective_date)
SELECT seed.id::uuid, plans.id, resource_types.id, seed.quota, '2022-01-01' FROM (VALUES
    ('46febbba-9511-11ec-8844-406c8f3e9cbb', 'Basic', 'cpu.hours', 200),
    ('60b3d5ae-9511-11ec-8844-406c8f3e9cbb', 'Basic', 'data.size', 5368709120),
    ('e286b526-6e50-4395-99b0-431f76cb4dd9', 'Regular', 'cpu.hours', 1000),
    ('0ebd2c19-7c1d-4418-a02f-df5f6d782901', 'Regular', 'data.size', 53687091200),
    ('7efddabe-47d6-401c-b857-d08361397fcf', 'Pro', 'cpu.hours', 20000),
    ('2c39ff2f-2ec7-4ac8-a10e-79fd82b39c09', 'Pro', 'data.size', 3298534883328),
    ('1e3804ed-4ed3-4cd9-8e58-1e725fa79c1b', 'Commercial', 'cpu.hours', 50000),
    ('de496045-b954-4f41-b068-3c71b32d2287', 'Commercial', 'data.size', 5497558138880)
) AS seed (id, plan, resource, quota)
JOIN plans ON plans.name = seed.plan JOIN resource_types ON resource_types.name = seed.resource;

INSERT INTO update_operations (id, name) VALUES
    ('f1f9df66-9676-11ec-aa73-406c8f3e9cbb', 'ADD'),
    ('f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb', 'SET');

INSERT INTO addons (id, name, description, resource_type_id, default_amount, default_paid)
SELECT seed.id::uuid, seed.name, seed.description, resource_types.id, seed.amount, true FROM (VALUES
    ('c21dd61f-aa41-40ad-8005-859679ceed9c', '1 TB',
        '1 TB of data storage for one year.', 'data.size', 1099511627776),
    ('f8d2066c-e3b2-4559-839e-88bfc997c89f', '5000 CPU Hours',
        '5000 CPU Hours to be used before the current subscription ends..', 'cpu.hours', 5000)
) AS seed (id, name, description, resource, amount)
JOIN resource_types ON resource_types.name = seed.resource;

INSERT INTO addon_rates (id, addon_id, effective_date, rate) VALUES
    ('d612d958-82ad-11ef-b4b2-5a8d7f4f1112', 'c21dd61f-aa41-40ad-8005-859679ceed9c',
        '2022-01-01', 125.00),
    ('672e49af-b7b7-4a0e-a929-00f4a1c5e7f2', 'f8d2066c-e3b2-4559-839e-88bfc997c89f',
        '2025-01-01', 100.00);
