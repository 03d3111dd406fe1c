-- Times are unix milliseconds: the same text serves PostgreSQL.

-- +goose Up

-- People who signed in, as their forge told of them last. `grant_sealed` is the forge's leave to ask in their name, encrypted
-- by the server's secret key; empty when it was given up.
CREATE TABLE account (
  forge        TEXT    NOT NULL,
  person       TEXT    NOT NULL,           -- the account's id at the forge
  login        TEXT    NOT NULL,
  name         TEXT    NOT NULL,
  grant_sealed BLOB    NOT NULL,
  version      INTEGER NOT NULL,           -- raised with each change of the grant
  at           INTEGER NOT NULL,           -- when the forge told of it last
  PRIMARY KEY (forge, person)
) STRICT;

-- A browser that is signed in. `hash` is of what its cookie holds, which is kept nowhere.
CREATE TABLE session (
  hash   TEXT    PRIMARY KEY,
  forge  TEXT    NOT NULL,
  person TEXT    NOT NULL,
  until  INTEGER NOT NULL,
  body   BLOB    NOT NULL
) STRICT;
CREATE INDEX session_person ON session (forge, person);
CREATE INDEX session_until ON session (until);

-- A person's tokens for the API, by the hash of each.
CREATE TABLE api_token (
  id     TEXT    PRIMARY KEY,
  hash   TEXT    NOT NULL UNIQUE,
  forge  TEXT    NOT NULL,
  person TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  scopes TEXT    NOT NULL,                 -- words, with a space between them
  at     INTEGER NOT NULL,                 -- when it was made
  until  INTEGER NOT NULL,
  used   INTEGER NOT NULL                  -- 0: never; to the hour
) STRICT;
CREATE INDEX api_token_person ON api_token (forge, person, at);
CREATE INDEX api_token_until ON api_token (until);

-- +goose Down
DROP TABLE api_token;
DROP TABLE session;
DROP TABLE account;
