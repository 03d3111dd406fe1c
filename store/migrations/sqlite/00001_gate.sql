-- Times are unix milliseconds, flags are 0 or 1, object ids are hex: the same text serves PostgreSQL.

-- +goose Up

-- A piece of work, and whatever is known under its name. `wanted` is raised by every cause, `done` is the `wanted`
-- that the last finished look was claimed with. `next_at` is the one clock: when it is due while free, when the
-- lease ends while held, NULL at rest. `token` fences: whoever lost the lease cannot finish.
CREATE TABLE subject (
  id           INTEGER PRIMARY KEY,
  kind         TEXT    NOT NULL,             -- change, tag, base, head, sweep, prune
  key          TEXT    NOT NULL,             -- github:acme/shop#42
  forge        TEXT    NOT NULL,
  repo         TEXT    NOT NULL,             -- as the forge spells it
  number       INTEGER NOT NULL DEFAULT 0,   -- of a change
  name         TEXT    NOT NULL DEFAULT '',  -- of a tag or base branch; the commit of a head
  installation INTEGER NOT NULL DEFAULT 0,
  wanted       INTEGER NOT NULL DEFAULT 1,
  done         INTEGER NOT NULL DEFAULT 0,
  since        INTEGER,                      -- when the oldest cause that is not done arrived
  next_at      INTEGER,
  holder       TEXT,                         -- NULL: free
  token        INTEGER NOT NULL DEFAULT 0,
  attempt      INTEGER NOT NULL DEFAULT 0,   -- claims since the last success: a crash counts
  error        TEXT    NOT NULL DEFAULT '',
  note         TEXT    NOT NULL DEFAULT '',
  UNIQUE (kind, key)
) STRICT;
CREATE INDEX subject_next ON subject (kind, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX subject_due  ON subject (next_at) WHERE next_at IS NOT NULL;

-- One webhook request that was verified, wanted or not.
CREATE TABLE delivery (
  id           INTEGER PRIMARY KEY,
  forge        TEXT    NOT NULL,
  guid         TEXT    NOT NULL,
  event        TEXT    NOT NULL,
  action       TEXT    NOT NULL,
  account      TEXT    NOT NULL,
  installation INTEGER NOT NULL,
  outcome      TEXT    NOT NULL,             -- stored, ignored
  received_at  INTEGER NOT NULL,
  size         INTEGER NOT NULL,             -- of the body before zstd
  body         BLOB    NOT NULL,             -- zstd
  UNIQUE (forge, guid)
) STRICT;
CREATE INDEX delivery_age ON delivery (received_at);

-- Why a subject is looked at; `seq` is the subject's `wanted` that it raised, so it is undone while seq > done.
CREATE TABLE cause (
  id           INTEGER PRIMARY KEY,
  subject_id   INTEGER NOT NULL REFERENCES subject (id) ON DELETE CASCADE,
  seq          INTEGER NOT NULL,
  delivery_id  INTEGER REFERENCES delivery (id) ON DELETE CASCADE,  -- NULL: a sweep, a fan-out, a person
  at           INTEGER NOT NULL,
  why          TEXT    NOT NULL,
  detail       TEXT    NOT NULL,
  sha          TEXT    NOT NULL,
  was          TEXT    NOT NULL,
  pushed_by    TEXT    NOT NULL,
  installation INTEGER NOT NULL
) STRICT;
CREATE INDEX cause_seq ON cause (subject_id, seq);
CREATE INDEX cause_delivery ON cause (delivery_id) WHERE delivery_id IS NOT NULL;

-- Facts and policy sources, once per content.
CREATE TABLE blob (
  id     INTEGER PRIMARY KEY,
  digest TEXT    NOT NULL UNIQUE,            -- SHA-256 of the content before zstd, hex
  size   INTEGER NOT NULL,
  body   BLOB    NOT NULL                    -- zstd
) STRICT;

CREATE TABLE decision (
  seq          INTEGER PRIMARY KEY,          -- in the order kept
  id           TEXT    NOT NULL UNIQUE,
  subject_id   INTEGER NOT NULL REFERENCES subject (id),
  forge        TEXT    NOT NULL,
  repo         TEXT    NOT NULL,             -- lower case
  sha          TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  open         INTEGER NOT NULL,
  policy       TEXT    NOT NULL,
  facts        TEXT    NOT NULL,
  digest       TEXT    NOT NULL,
  body         BLOB    NOT NULL,             -- the whole decision as JSON, zstd
  facts_blob   INTEGER REFERENCES blob (id),
  sources_blob INTEGER REFERENCES blob (id)
) STRICT;
CREATE INDEX decision_subject ON decision (subject_id, seq);
CREATE INDEX decision_at ON decision (at);
CREATE INDEX decision_repo ON decision (forge, repo, at);
CREATE INDEX decision_facts ON decision (facts_blob) WHERE facts_blob IS NOT NULL;
CREATE INDEX decision_sources ON decision (sources_blob) WHERE sources_blob IS NOT NULL;

-- What the forge was last known to show.
CREATE TABLE posted (
  subject_id INTEGER NOT NULL REFERENCES subject (id),
  sha        TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  check_id   INTEGER NOT NULL,
  node       TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  decision   TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (subject_id, sha, name)
) STRICT;
CREATE INDEX posted_at ON posted (at);

CREATE TABLE subject_state (
  subject_id INTEGER PRIMARY KEY REFERENCES subject (id),
  forge      TEXT    NOT NULL,
  repo       TEXT    NOT NULL,               -- lower case
  open       INTEGER NOT NULL,
  head       TEXT    NOT NULL,
  base       TEXT    NOT NULL,
  author     TEXT    NOT NULL,
  title      TEXT    NOT NULL,
  decision   TEXT    NOT NULL,
  read_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX subject_state_head ON subject_state (forge, repo, head) WHERE open = 1;
CREATE INDEX subject_state_base ON subject_state (forge, repo, base) WHERE open = 1;

CREATE TABLE installation (
  forge TEXT    NOT NULL,
  name  TEXT    NOT NULL,                    -- "acme" or "acme/shop", lower case
  id    INTEGER NOT NULL,
  PRIMARY KEY (forge, name)
) STRICT;

CREATE TABLE tag_seen (
  forge TEXT NOT NULL,
  repo  TEXT NOT NULL,                       -- lower case
  name  TEXT NOT NULL,
  sha   TEXT NOT NULL,                       -- '': it was gone
  PRIMARY KEY (forge, repo, name)
) STRICT;

CREATE TABLE probe (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE probe;
DROP TABLE tag_seen;
DROP TABLE installation;
DROP TABLE subject_state;
DROP TABLE posted;
DROP TABLE decision;
DROP TABLE blob;
DROP TABLE cause;
DROP TABLE delivery;
DROP TABLE subject;
