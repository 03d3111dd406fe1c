-- Times are unix milliseconds: as on SQLite; text is compared by its bytes, as there.

-- +goose Up

-- People who signed in, as their forge told of them last. `grant_sealed` is the forge's leave to ask in their name, encrypted
-- by the server's secret key; empty when it was given up.
CREATE TABLE account (
  forge text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL, -- the account's id at the forge
  login text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  grant_sealed bytea NOT NULL,
  version bigint NOT NULL, -- raised with each change of the grant
  at bigint NOT NULL, -- when the forge told of it last
  PRIMARY KEY (forge, person)
);
ALTER TABLE account ALTER grant_sealed SET STORAGE EXTERNAL; -- what is encrypted does not pack

-- A browser that is signed in. `hash` is of what its cookie holds, which is kept nowhere.
CREATE TABLE session (
  hash text COLLATE "C" PRIMARY KEY,
  forge text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  body bytea NOT NULL
);
ALTER TABLE session ALTER body SET STORAGE EXTERNAL; -- it is short
CREATE INDEX session_person ON session (forge, person);
CREATE INDEX session_until ON session (until);

-- A person's tokens for the API, by the hash of each.
CREATE TABLE api_token (
  id text COLLATE "C" PRIMARY KEY,
  hash text COLLATE "C" NOT NULL UNIQUE,
  forge text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  scopes text COLLATE "C" NOT NULL, -- words, with a space between them
  at bigint NOT NULL, -- when it was made
  until bigint NOT NULL,
  used bigint NOT NULL -- 0: never; to the hour
);
CREATE INDEX api_token_person ON api_token (forge, person, at);
CREATE INDEX api_token_until ON api_token (until);

-- +goose Down
DROP TABLE api_token;
DROP TABLE session;
DROP TABLE account;
