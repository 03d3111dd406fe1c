-- Times are unix milliseconds: the same text serves PostgreSQL.

-- +goose Up

-- Up to when a forge's log of deliveries was gone through, by the forge's clock.
CREATE TABLE log_seen (
  forge TEXT    PRIMARY KEY,
  at    INTEGER NOT NULL
) STRICT;

-- What is read anew first: the changes that were not looked at for the longest.
CREATE INDEX subject_state_read ON subject_state (forge, read_at) WHERE open = 1;

-- +goose Down
DROP INDEX subject_state_read;
DROP TABLE log_seen;
