-- Whose the key of a request is: two clients may make up the same one. Empty: nobody was asked.
ALTER TABLE request_keys ADD COLUMN principal TEXT NOT NULL DEFAULT '';
