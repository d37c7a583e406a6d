-- What the server keeps for itself, beyond the data model. The schema qms_server and the table
-- qms_server.migrations are there.

-- The batches that were committed, for as long as somebody may ask: how the answer to a lost commit
-- is found out.
CREATE TABLE qms_server.batches (
    batch_id uuid NOT NULL PRIMARY KEY,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX batches_committed_at_index ON qms_server.batches (committed_at);

-- What is remembered of operations that carried a key, by key, account and operation; user_id is
-- all zeros for operations on the catalogue. The key's own text leads the primary key, not a hash:
-- what arrives in order is stored in order. There is no reference to users: that table is not ours.
CREATE TABLE qms_server.idempotency (
    key text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    principal text COLLATE "C" NOT NULL DEFAULT '',
    content bytea NOT NULL,
    made_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    expires boolean NOT NULL,
    PRIMARY KEY (key, user_id, operation, principal)
);

CREATE INDEX idempotency_expiry_index ON qms_server.idempotency (recorded_at) WHERE expires;

-- Counts the changes of the catalogue, by whomever they are made: a server that has read another
-- version reads it again. A counter in one row would make the CyVerse services wait for each other,
-- and run into deadlocks that they did not have; so each change adds a row, and now and then the
-- rows are counted into the base.
CREATE TABLE qms_server.catalogue_changes (
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE qms_server.catalogue_base (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);

INSERT INTO qms_server.catalogue_base (id, version) VALUES (1, 1);

CREATE VIEW qms_server.catalogue_version AS
SELECT base.id, base.version + (SELECT count(*) FROM qms_server.catalogue_changes) AS version
FROM qms_server.catalogue_base AS base;

-- Runs as its owner, whoever changes the catalogue, and never fails: a change that is not counted
-- is better than one of the CyVerse services' that is refused.
CREATE FUNCTION qms_server.catalogue_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO qms_server.catalogue_changes DEFAULT VALUES;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
