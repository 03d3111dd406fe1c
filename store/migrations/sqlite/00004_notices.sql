-- Times are unix milliseconds: the same text serves PostgreSQL.

-- +goose Up

-- What is told outside of the forge, kept with the outcome that it comes of. `id` names what it tells of, so that the
-- same happening is one notice however often it is found.
CREATE TABLE notice (
  seq  INTEGER PRIMARY KEY,                -- in the order kept
  id   TEXT    NOT NULL UNIQUE,
  at   INTEGER NOT NULL,                   -- when it was kept
  body TEXT    NOT NULL                    -- the notice as JSON
) STRICT;
CREATE INDEX notice_at ON notice (at);

-- Whom it is for, and what came of it. When it is tried next is the clock of the target's piece of work.
CREATE TABLE notice_target (
  notice_seq INTEGER NOT NULL REFERENCES notice (seq) ON DELETE CASCADE,
  target     TEXT    NOT NULL,             -- as the settings name it, without its secrets
  state      TEXT    NOT NULL,             -- waiting, told, given up
  tries      INTEGER NOT NULL,
  at         INTEGER NOT NULL,             -- of the last try; of one never tried, when it was kept
  error      TEXT    NOT NULL,             -- of the last try
  PRIMARY KEY (notice_seq, target)
) STRICT;
CREATE INDEX notice_target_waiting ON notice_target (target, notice_seq) WHERE state = 'waiting';
CREATE INDEX notice_target_given_up ON notice_target (target, at) WHERE state = 'given up';

-- +goose Down
DROP TABLE notice_target;
DROP TABLE notice;
