-- Keys that clients make up for their requests come in any order, and a tree ordered by them is
-- written all over: with a million keys that costs more than everything else a change does. They
-- are kept as they arrive; the server finds them by an index it holds in memory. What has an id for
-- ever (usages that are reported in lists) stays where it is: such ids mostly come in order.

CREATE TABLE request_keys (
    id INTEGER NOT NULL PRIMARY KEY,
    "key" TEXT NOT NULL,
    user_id BLOB NOT NULL,
    operation TEXT NOT NULL,
    content BLOB NOT NULL,
    made_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

INSERT INTO request_keys ("key", user_id, operation, content, made_id, recorded_at)
SELECT "key", user_id, operation, content, made_id, recorded_at FROM idempotency
WHERE expires = 1 ORDER BY recorded_at;

DELETE FROM idempotency WHERE expires = 1;

DROP INDEX idempotency_expiry_index;

ALTER TABLE idempotency DROP COLUMN expires;
