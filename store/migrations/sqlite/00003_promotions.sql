-- Times are unix milliseconds, flags are 0 or 1: the same text serves PostgreSQL.

-- +goose Up

-- One commit on its way into one environment. `body` is the promotion as JSON. What asked for it makes it one, and so does
-- its attempt: a request that is delivered twice finds the first one's row.
CREATE TABLE promotion (
  id          TEXT    PRIMARY KEY,
  forge       TEXT    NOT NULL,
  repo        TEXT    NOT NULL,            -- lower case
  environment TEXT    NOT NULL,            -- lower case
  sha         TEXT    NOT NULL,
  attempt     INTEGER NOT NULL,
  request     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  number      INTEGER NOT NULL,            -- of the change that brought it; 0: not known
  deployment  INTEGER NOT NULL,            -- 0: none yet
  at          INTEGER NOT NULL,            -- asked for
  since       INTEGER NOT NULL,            -- in this state
  body        TEXT    NOT NULL,
  UNIQUE (forge, repo, environment, request),
  UNIQUE (forge, repo, environment, sha, attempt)
) STRICT;
CREATE INDEX promotion_newest ON promotion (forge, repo, environment, at);
CREATE INDEX promotion_commit ON promotion (forge, repo, sha);
CREATE INDEX promotion_at ON promotion (at);
-- One at a time.
CREATE UNIQUE INDEX promotion_under_way ON promotion (forge, repo, environment) WHERE state = 'deploying';

-- What people said about promotions.
CREATE TABLE promotion_act (
  seq       INTEGER PRIMARY KEY,           -- in the order kept
  promotion TEXT    NOT NULL REFERENCES promotion (id) ON DELETE CASCADE,
  key       TEXT    NOT NULL,              -- what said it: once, whatever is delivered again
  body      TEXT    NOT NULL,
  UNIQUE (promotion, key)
) STRICT;

CREATE TABLE environment_lock (
  id          TEXT    NOT NULL,            -- what put it on
  forge       TEXT    NOT NULL,
  repo        TEXT    NOT NULL,            -- lower case
  environment TEXT    NOT NULL,            -- lower case; '': the whole repository
  lifted      INTEGER NOT NULL,
  body        TEXT    NOT NULL,
  PRIMARY KEY (forge, repo, id)
) STRICT;
CREATE INDEX environment_lock_holds ON environment_lock (forge, repo, environment) WHERE lifted = 0;

-- What was last seen of an environment at the forge.
CREATE TABLE environment_seen (
  forge  TEXT NOT NULL,
  repo   TEXT NOT NULL,                    -- lower case
  name   TEXT NOT NULL,                    -- lower case
  body   TEXT NOT NULL,
  PRIMARY KEY (forge, repo, name)
) STRICT;

-- Failures in environments, told of by people.
CREATE TABLE incident (
  id          TEXT    NOT NULL,            -- what told of it
  forge       TEXT    NOT NULL,
  repo        TEXT    NOT NULL,            -- lower case
  environment TEXT    NOT NULL,            -- lower case
  sha         TEXT    NOT NULL,            -- that was live
  promotion   TEXT    NOT NULL,            -- that had brought it; '': none is known
  opened_at   INTEGER NOT NULL,
  resolved_at INTEGER NOT NULL,            -- 0: not over
  body        TEXT    NOT NULL,
  PRIMARY KEY (forge, repo, id)
) STRICT;
CREATE INDEX incident_opened ON incident (forge, repo, opened_at);

-- What was asked through the API, and what came of it.
CREATE TABLE ask (
  id     TEXT    PRIMARY KEY,
  at     INTEGER NOT NULL,
  body   TEXT    NOT NULL
) STRICT;
CREATE INDEX ask_at ON ask (at);

-- Why the gate of a merged change was not open when it was merged; '' when it was, '?' when nobody knows.
ALTER TABLE subject_state ADD COLUMN shut TEXT NOT NULL DEFAULT '?';

-- +goose Down
ALTER TABLE subject_state DROP COLUMN shut;
DROP TABLE ask;
DROP TABLE incident;
DROP TABLE environment_seen;
DROP TABLE environment_lock;
DROP TABLE promotion_act;
DROP TABLE promotion;
