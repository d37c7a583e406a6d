-- What CloudMC clients manage: organizations with their users, roles and keys, service connections,
-- quotas and who is limited by which. The server holds all of it in memory and writes it row by row;
-- directory_version counts the changes. Names with "cloud" and "organization" before them are there
-- because the data model has the short ones.

CREATE TABLE directory_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO directory_version (id, version) VALUES (1, 1);

-- Deleted organizations, users, connections and quotas, and revoked keys, stay, marked.

CREATE TABLE organizations (
    id BLOB NOT NULL PRIMARY KEY,
    parent_id BLOB REFERENCES organizations (id),
    name TEXT NOT NULL,
    entry_point TEXT NOT NULL DEFAULT '',
    is_trial INTEGER NOT NULL DEFAULT 0,
    is_reseller INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    CHECK (parent_id IS NULL OR parent_id <> id)
) STRICT, WITHOUT ROWID;

-- One organization has no parent: the system's own.
CREATE UNIQUE INDEX organizations_system_index ON organizations (parent_id IS NULL)
    WHERE parent_id IS NULL;
CREATE UNIQUE INDEX organizations_entry_point_index ON organizations (entry_point)
    WHERE deleted = 0 AND entry_point <> '';

CREATE TABLE organization_users (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL DEFAULT '',
    status INTEGER NOT NULL DEFAULT 0 CHECK (status IN (0, 1)),
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX organization_users_name_index ON organization_users (organization_id, name)
    WHERE deleted = 0;

-- Scopes 3 and 4, all at the top and all there are, have no organization.
CREATE TABLE role_bindings (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES organization_users (id),
    role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 5),
    scope INTEGER NOT NULL CHECK (scope BETWEEN 0 AND 4),
    organization_id BLOB REFERENCES organizations (id),
    is_primary INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    CHECK ((organization_id IS NULL) = (scope >= 3))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX role_bindings_primary_index ON role_bindings (user_id) WHERE is_primary = 1;

-- Of a key only its hash is kept.
CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES organization_users (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    used_at INTEGER NOT NULL DEFAULT 0,
    used_address TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_connections (
    id BLOB NOT NULL PRIMARY KEY,
    owner_id BLOB NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    service_code TEXT NOT NULL,
    type TEXT NOT NULL,
    supports_quotas INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX service_connections_code_index ON service_connections (service_code)
    WHERE deleted = 0;

CREATE TABLE cloud_quotas (
    id BLOB NOT NULL PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES service_connections (id),
    owner_id BLOB NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    default_for_service INTEGER NOT NULL DEFAULT 0,
    default_for_trial INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (id, connection_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX cloud_quotas_name_index ON cloud_quotas (connection_id, owner_id, name)
    WHERE deleted = 0;
CREATE UNIQUE INDEX cloud_quotas_service_index ON cloud_quotas (connection_id)
    WHERE deleted = 0 AND default_for_service = 1;
CREATE UNIQUE INDEX cloud_quotas_trial_index ON cloud_quotas (connection_id)
    WHERE deleted = 0 AND default_for_trial = 1;

-- In the order in which they were given.
CREATE TABLE cloud_quota_details (
    quota_id BLOB NOT NULL REFERENCES cloud_quotas (id),
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    metric TEXT NOT NULL,
    ceiling TEXT NOT NULL,
    PRIMARY KEY (quota_id, position),
    UNIQUE (quota_id, metric)
) STRICT, WITHOUT ROWID;

-- A connection that an organization has, and the one quota that limits it there, which is a quota of
-- that connection.
CREATE TABLE connection_assignments (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    connection_id BLOB NOT NULL REFERENCES service_connections (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    quota_id BLOB,
    applied INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, connection_id),
    FOREIGN KEY (quota_id, connection_id) REFERENCES cloud_quotas (id, connection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE environments (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    connection_id BLOB NOT NULL REFERENCES service_connections (id),
    name TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, connection_id, name)
) STRICT, WITHOUT ROWID;

-- Kept for a day. Nothing refers to what may be gone by then.
CREATE TABLE tasks (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB,
    organization_id BLOB NOT NULL,
    object INTEGER NOT NULL CHECK (object BETWEEN 0 AND 2),
    object_id BLOB NOT NULL,
    object_name TEXT NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The system organization and its Operator. He has no key yet: qms apikey create makes it.
INSERT INTO organizations (id, name, created_at)
VALUES (x'5a1e330c62b44d0e9c4f71a90b2d7001', 'System', strftime('%s', 'now') * 1000000);

INSERT INTO organization_users (id, organization_id, name, created_at)
VALUES (x'5a1e330c62b44d0e9c4f71a90b2d7002', x'5a1e330c62b44d0e9c4f71a90b2d7001', 'operator',
        strftime('%s', 'now') * 1000000);

INSERT INTO role_bindings (id, user_id, role, scope, is_primary, created_at)
VALUES (x'5a1e330c62b44d0e9c4f71a90b2d7003', x'5a1e330c62b44d0e9c4f71a90b2d7002', 4, 4, 1,
        strftime('%s', 'now') * 1000000);
