-- A row for each key was the dearest part of a key. Those that one commit remembers of one operation
-- and one principal share rows of up to a page: the keys as a JSON array of texts, and in the same
-- order whose they are, what was asked (32 bytes each) and what was made. The view shows them one
-- by one, with the id of their row.
CREATE TABLE request_key_groups (
    id INTEGER NOT NULL PRIMARY KEY,
    operation TEXT NOT NULL,
    principal TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    keys TEXT NOT NULL,
    user_ids BLOB NOT NULL,
    contents BLOB NOT NULL,
    made_ids BLOB NOT NULL
) STRICT;

INSERT INTO request_key_groups
SELECT id, operation, principal, recorded_at, json_array("key"), user_id, content, made_id
FROM request_keys ORDER BY id;

DROP TABLE request_keys;

CREATE VIEW request_keys AS
SELECT g.id, k.value AS "key", substr(g.user_ids, 16 * k.key + 1, 16) AS user_id, g.operation,
    g.principal, substr(g.contents, 32 * k.key + 1, 32) AS content,
    substr(g.made_ids, 16 * k.key + 1, 16) AS made_id, g.recorded_at
FROM request_key_groups g, json_each(g.keys) k;
