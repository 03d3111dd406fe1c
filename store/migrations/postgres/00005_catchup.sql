-- Times are unix milliseconds: as on SQLite; text is compared by its bytes, as there.

-- +goose Up

-- Up to when a forge's log of deliveries was gone through, by the forge's clock.
CREATE TABLE log_seen (
  forge text COLLATE "C" PRIMARY KEY,
  at    bigint NOT NULL
);

-- What is read anew first: the changes that were not looked at for the longest.
CREATE INDEX subject_state_read ON subject_state (forge, read_at) WHERE open = 1;

-- +goose Down
DROP INDEX subject_state_read;
DROP TABLE log_seen;
