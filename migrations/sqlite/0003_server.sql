-- What the server keeps for itself, beyond the data model.

-- The last batch that was committed: how the answer to a lost commit is found out, and where the
-- store's clock goes on after a restart.
CREATE TABLE last_batch (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    batch_id BLOB NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT;

INSERT INTO last_batch (id, batch_id, committed_at) VALUES (1, zeroblob(16), 0);

-- What is remembered of operations that carried a key, by key, account and operation; user_id is all
-- zeros for operations on the catalogue. The key's own text leads the primary key, not a hash: what
-- arrives in order is stored in order, and only the end of the tree is written. There is no
-- reference to users: the rows that were made have it.
CREATE TABLE idempotency (
    "key" TEXT NOT NULL,
    user_id BLOB NOT NULL,
    operation TEXT NOT NULL,
    principal TEXT NOT NULL DEFAULT '',
    content BLOB NOT NULL,
    made_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY ("key", user_id, operation, principal)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_expiry_index ON idempotency (recorded_at) WHERE expires = 1;

-- Counts the changes of the catalogue, by whomever they are made: a server that has read another
-- version reads it again.
CREATE TABLE catalogue_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO catalogue_version (id, version) VALUES (1, 1);

CREATE TRIGGER plans_insert_version AFTER INSERT ON plans BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plans_update_version AFTER UPDATE ON plans BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plans_delete_version AFTER DELETE ON plans BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_rates_insert_version AFTER INSERT ON plan_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_rates_update_version AFTER UPDATE ON plan_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_rates_delete_version AFTER DELETE ON plan_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER resource_types_insert_version AFTER INSERT ON resource_types BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER resource_types_update_version AFTER UPDATE ON resource_types BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER resource_types_delete_version AFTER DELETE ON resource_types BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_quota_defaults_insert_version AFTER INSERT ON plan_quota_defaults BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_quota_defaults_update_version AFTER UPDATE ON plan_quota_defaults BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER plan_quota_defaults_delete_version AFTER DELETE ON plan_quota_defaults BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER update_operations_insert_version AFTER INSERT ON update_operations BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER update_operations_update_version AFTER UPDATE ON update_operations BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER update_operations_delete_version AFTER DELETE ON update_operations BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addons_insert_version AFTER INSERT ON addons BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addons_update_version AFTER UPDATE ON addons BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addons_delete_version AFTER DELETE ON addons BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addon_rates_insert_version AFTER INSERT ON addon_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addon_rates_update_version AFTER UPDATE ON addon_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;

CREATE TRIGGER addon_rates_delete_version AFTER DELETE ON addon_rates BEGIN
    UPDATE catalogue_version SET version = version + 1;
END;
