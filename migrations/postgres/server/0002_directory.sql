-- What CloudMC clients manage: organizations with their users, roles and keys, service connections,
-- quotas and who is limited by which. Each server holds all of it in memory and reads it again when
-- directory_version is another; whoever writes it raises the version, and has decided on the one
-- before.

CREATE TABLE qms_server.directory_version (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);

INSERT INTO qms_server.directory_version (id, version) VALUES (1, 1);

-- Deleted organizations, users, connections and quotas, and revoked keys, stay, marked.

CREATE TABLE qms_server.organizations (
    id uuid NOT NULL PRIMARY KEY,
    parent_id uuid REFERENCES qms_server.organizations (id),
    name text COLLATE "C" NOT NULL,
    entry_point text COLLATE "C" NOT NULL DEFAULT '',
    is_trial boolean NOT NULL DEFAULT false,
    is_reseller boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CHECK (parent_id IS NULL OR parent_id <> id)
);

-- One organization has no parent: the system's own.
CREATE UNIQUE INDEX organizations_system_index ON qms_server.organizations ((parent_id IS NULL))
    WHERE parent_id IS NULL;
CREATE UNIQUE INDEX organizations_entry_point_index ON qms_server.organizations (entry_point)
    WHERE NOT deleted AND entry_point <> '';

CREATE TABLE qms_server.organization_users (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES qms_server.organizations (id),
    name text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL DEFAULT '',
    status integer NOT NULL DEFAULT 0 CHECK (status IN (0, 1)),
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX organization_users_name_index
    ON qms_server.organization_users (organization_id, name) WHERE NOT deleted;

-- Scopes 3 and 4, all at the top and all there are, have no organization.
CREATE TABLE qms_server.role_bindings (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES qms_server.organization_users (id),
    role integer NOT NULL CHECK (role BETWEEN 0 AND 5),
    scope integer NOT NULL CHECK (scope BETWEEN 0 AND 4),
    organization_id uuid REFERENCES qms_server.organizations (id),
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CHECK ((organization_id IS NULL) = (scope >= 3))
);

CREATE UNIQUE INDEX role_bindings_primary_index ON qms_server.role_bindings (user_id)
    WHERE is_primary;

-- Of a key only its hash is kept.
CREATE TABLE qms_server.api_keys (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES qms_server.organization_users (id),
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    used_at timestamptz NOT NULL DEFAULT 'epoch',
    used_address text COLLATE "C" NOT NULL DEFAULT '',
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);

CREATE TABLE qms_server.service_connections (
    id uuid NOT NULL PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES qms_server.organizations (id),
    name text COLLATE "C" NOT NULL,
    service_code text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    supports_quotas boolean NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX service_connections_code_index ON qms_server.service_connections (service_code)
    WHERE NOT deleted;

CREATE TABLE qms_server.cloud_quotas (
    id uuid NOT NULL PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES qms_server.service_connections (id),
    owner_id uuid NOT NULL REFERENCES qms_server.organizations (id),
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL DEFAULT '',
    default_for_service boolean NOT NULL DEFAULT false,
    default_for_trial boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    UNIQUE (id, connection_id)
);

CREATE UNIQUE INDEX cloud_quotas_name_index
    ON qms_server.cloud_quotas (connection_id, owner_id, name) WHERE NOT deleted;
CREATE UNIQUE INDEX cloud_quotas_service_index ON qms_server.cloud_quotas (connection_id)
    WHERE NOT deleted AND default_for_service;
CREATE UNIQUE INDEX cloud_quotas_trial_index ON qms_server.cloud_quotas (connection_id)
    WHERE NOT deleted AND default_for_trial;

-- In the order in which they were given.
CREATE TABLE qms_server.cloud_quota_details (
    quota_id uuid NOT NULL REFERENCES qms_server.cloud_quotas (id),
    position integer NOT NULL,
    id uuid NOT NULL,
    metric text COLLATE "C" NOT NULL,
    ceiling numeric NOT NULL,
    PRIMARY KEY (quota_id, position),
    UNIQUE (quota_id, metric)
);

-- A connection that an organization has, and the one quota that limits it there, which is a quota of
-- that connection.
CREATE TABLE qms_server.connection_assignments (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES qms_server.organizations (id),
    connection_id uuid NOT NULL REFERENCES qms_server.service_connections (id),
    state integer NOT NULL CHECK (state BETWEEN 0 AND 7),
    quota_id uuid,
    applied boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    UNIQUE (organization_id, connection_id),
    FOREIGN KEY (quota_id, connection_id) REFERENCES qms_server.cloud_quotas (id, connection_id)
);

CREATE TABLE qms_server.environments (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES qms_server.organizations (id),
    connection_id uuid NOT NULL REFERENCES qms_server.service_connections (id),
    name text COLLATE "C" NOT NULL,
    state integer NOT NULL CHECK (state BETWEEN 0 AND 7),
    created_at timestamptz NOT NULL,
    UNIQUE (organization_id, connection_id, name)
);

-- Kept for a day. Nothing refers to what may be gone by then.
CREATE TABLE qms_server.tasks (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid,
    organization_id uuid NOT NULL,
    object integer NOT NULL CHECK (object BETWEEN 0 AND 2),
    object_id uuid NOT NULL,
    object_name text COLLATE "C" NOT NULL,
    status integer NOT NULL CHECK (status BETWEEN 0 AND 2),
    created_at timestamptz NOT NULL
);

-- The system organization and its Operator. He has no key yet: qms apikey create makes it.
INSERT INTO qms_server.organizations (id, name, created_at)
VALUES ('5a1e330c-62b4-4d0e-9c4f-71a90b2d7001', 'System', clock_timestamp());

INSERT INTO qms_server.organization_users (id, organization_id, name, created_at)
VALUES ('5a1e330c-62b4-4d0e-9c4f-71a90b2d7002', '5a1e330c-62b4-4d0e-9c4f-71a90b2d7001', 'operator',
        clock_timestamp());

INSERT INTO qms_server.role_bindings (id, user_id, role, scope, is_primary, created_at)
VALUES ('5a1e330c-62b4-4d0e-9c4f-71a90b2d7003', '5a1e330c-62b4-4d0e-9c4f-71a90b2d7002', 4, 4, true,
        clock_timestamp());
