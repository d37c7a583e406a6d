-- The rows every QMS database begins with, at version 17 of the data model. Effective dates are
-- 2022-01-01T00:00:00Z (1640995200000000) and 2025-01-01T00:00:00Z (1735689600000000).

INSERT INTO plans (id, name, description) VALUES
    (X'99e47c22950a11ec84a4406c8f3e9cbb', 'Basic', 'Basic plan'),
    (X'c6d3958098dc11ecbbe3406c8f3e9cbb', 'Regular', 'Regular plan'),
    (X'cdf7ac7a98dc11ecbbe3406c8f3e9cbb', 'Pro', 'Professional plan'),
    (X'd80b548298dc11ecbbe3406c8f3e9cbb', 'Commercial', 'Commercial plan');

INSERT INTO plan_rates (id, plan_id, effective_date, rate) VALUES
    (X'120c56e082a011efaac35a8d7f4f1112', (SELECT id FROM plans WHERE name = 'Basic'),
        1640995200000000, '0'),
    (X'1db9ab6e82a011efaac35a8d7f4f1112', (SELECT id FROM plans WHERE name = 'Regular'),
        1640995200000000, '200'),
    (X'29f6cff682a011efaac35a8d7f4f1112', (SELECT id FROM plans WHERE name = 'Pro'),
        1640995200000000, '340'),
    (X'312d94c682a011efaac35a8d7f4f1112', (SELECT id FROM plans WHERE name = 'Commercial'),
        1640995200000000, '2000');

INSERT INTO resource_types (id, name, unit, consumable) VALUES
    (X'99e3bc7e950a11ec84a4406c8f3e9cbb', 'cpu.hours', 'cpu hours', 1),
    (X'99e3f91e950a11ec84a4406c8f3e9cbb', 'data.size', 'bytes', 0);

INSERT INTO plan_quota_defaults (id, plan_id, resource_type_id, quota_value, effective_date) VALUES
    (X'46febbba951111ec8844406c8f3e9cbb', (SELECT id FROM plans WHERE name = 'Basic'),
        (SELECT id FROM resource_types WHERE name = 'cpu.hours'),
        '200', 1640995200000000),
    (X'60b3d5ae951111ec8844406c8f3e9cbb', (SELECT id FROM plans WHERE name = 'Basic'),
        (SELECT id FROM resource_types WHERE name = 'data.size'),
        '5368709120', 1640995200000000),
    (X'e286b5266e50439599b0431f76cb4dd9', (SELECT id FROM plans WHERE name = 'Regular'),
        (SELECT id FROM resource_types WHERE name = 'cpu.hours'),
        '1000', 1640995200000000),
    (X'0ebd2c197c1d4418a02fdf5f6d782901', (SELECT id FROM plans WHERE name = 'Regular'),
        (SELECT id FROM resource_types WHERE name = 'data.size'),
        '53687091200', 1640995200000000),
    (X'7efddabe47d6401cb857d08361397fcf', (SELECT id FROM plans WHERE name = 'Pro'),
        (SELECT id FROM resource_types WHERE name = 'cpu.hours'),
        '20000', 1640995200000000),
    (X'2c39ff2f2ec74ac8a10e79fd82b39c09', (SELECT id FROM plans WHERE name = 'Pro'),
        (SELECT id FROM resource_types WHERE name = 'data.size'),
        '3298534883328', 1640995200000000),
    (X'1e3804ed4ed34cd98e581e725fa79c1b', (SELECT id FROM plans WHERE name = 'Commercial'),
        (SELECT id FROM resource_types WHERE name = 'cpu.hours'),
        '50000', 1640995200000000),
    (X'de496045b9544f41b0683c71b32d2287', (SELECT id FROM plans WHERE name = 'Commercial'),
        (SELECT id FROM resource_types WHERE name = 'data.size'),
        '5497558138880', 1640995200000000);

INSERT INTO update_operations (id, name) VALUES
    (X'f1f9df66967611ecaa73406c8f3e9cbb', 'ADD'),
    (X'f1fa4a1e967611ecaa73406c8f3e9cbb', 'SET');

INSERT INTO addons (id, name, description, resource_type_id, default_amount, default_paid) VALUES
    (X'c21dd61faa4140ad8005859679ceed9c', '1 TB',
        '1 TB of data storage for one year.',
        (SELECT id FROM resource_types WHERE name = 'data.size'), '1099511627776', 1),
    (X'f8d2066ce3b24559839e88bfc997c89f', '5000 CPU Hours',
        '5000 CPU Hours to be used before the current subscription ends..',
        (SELECT id FROM resource_types WHERE name = 'cpu.hours'), '5000', 1);

INSERT INTO addon_rates (id, addon_id, effective_date, rate) VALUES
    (X'd612d95882ad11efb4b25a8d7f4f1112', (SELECT id FROM addons WHERE name = '1 TB'),
        1640995200000000, '125'),
    (X'672e49afb7b74a0ea92900f4a1c5e7f2', (SELECT id FROM addons WHERE name = '5000 CPU Hours'),
        1735689600000000, '100');
