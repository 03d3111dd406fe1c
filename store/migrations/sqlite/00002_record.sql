-- Times are unix milliseconds, flags are 0 or 1: the same text serves PostgreSQL.

-- +goose Up

-- What people said about a change. `body` is the override as JSON, people's words and all; what has ended stays until
-- the subject goes, so that the reply to the comment can say what ended it.
CREATE TABLE override (
  subject_id INTEGER NOT NULL REFERENCES subject (id) ON DELETE CASCADE,  -- the change
  comment    INTEGER NOT NULL,
  name       TEXT    NOT NULL,             -- of the check
  live       INTEGER NOT NULL,             -- not ended
  body       TEXT    NOT NULL,
  PRIMARY KEY (subject_id, comment, name)
) STRICT;
CREATE INDEX override_live ON override (subject_id) WHERE live = 1;

CREATE TABLE hold (
  subject_id INTEGER PRIMARY KEY REFERENCES subject (id) ON DELETE CASCADE,
  body       TEXT    NOT NULL
) STRICT;

-- What came of a comment: it is worked off once, whatever is delivered again.
CREATE TABLE comment (
  subject_id INTEGER PRIMARY KEY REFERENCES subject (id) ON DELETE CASCADE,  -- the piece of work of kind comment
  body       TEXT    NOT NULL
) STRICT;

-- The facts of the newest look that came to the same decision: they may tell what its own do not, a second approval say,
-- and another policy may ask for that.
CREATE TABLE seen (
  decision_seq INTEGER PRIMARY KEY REFERENCES decision (seq) ON DELETE CASCADE,
  at           INTEGER NOT NULL,
  facts_blob   INTEGER NOT NULL REFERENCES blob (id)
) STRICT;
CREATE INDEX seen_facts ON seen (facts_blob);

-- The audit log: one line of JSON an entry, chained by the hash of the one before. The line alone counts; the other
-- columns are copies to search by, which `sluice audit verify` compares with it.
CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY,              -- from 1, without gaps
  at     INTEGER NOT NULL,
  kind   TEXT    NOT NULL,
  forge  TEXT    NOT NULL,
  repo   TEXT    NOT NULL,                 -- ASCII lower case
  number INTEGER NOT NULL,                 -- of the change
  who    INTEGER NOT NULL,                 -- numeric id
  login  TEXT    NOT NULL,                 -- ASCII lower case
  name   TEXT    NOT NULL,                 -- of the check
  line   TEXT    NOT NULL,                 -- the entry, its hash included
  hash   TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_repo ON audit (repo, seq);
CREATE INDEX audit_kind ON audit (kind, seq);

-- So that no slip rewrites the log. Whoever means to can drop these: the chain and signed checkpoints are against him.
-- A REPLACE deletes without asking the trigger on deletes, and is stopped as an insert.
-- +goose StatementBegin
CREATE TRIGGER audit_insert BEFORE INSERT ON audit
WHEN NEW.seq <> (SELECT COALESCE(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit log only grows at its end'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only: no entry is ever changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only: no entry is ever deleted'); END;
-- +goose StatementEnd

-- Which policy was in force for a branch, and up to where its merges were looked at, when it was last looked at.
CREATE TABLE branch_seen (
  forge  TEXT NOT NULL,
  repo   TEXT NOT NULL,                    -- lower case
  name   TEXT NOT NULL,
  called TEXT NOT NULL,                    -- the repository, as the forge spells it
  installation INTEGER NOT NULL,
  sha    TEXT NOT NULL,                    -- the tip
  policy TEXT NOT NULL,                    -- digest
  pending TEXT NOT NULL,                   -- JSON: since when something odd was seen, and the pushes told of
  PRIMARY KEY (forge, repo, name)
) STRICT;

-- Releases that somebody asked for in a comment. `body` is the release as JSON.
CREATE TABLE release (
  forge   TEXT    NOT NULL,
  repo    TEXT    NOT NULL,                -- lower case
  number  INTEGER NOT NULL,                -- of the change whose merge is released
  sha     TEXT    NOT NULL,                -- the commit that it was asked on; '': on the change
  comment INTEGER NOT NULL,
  line    INTEGER NOT NULL,                -- of the comment
  tag     TEXT    NOT NULL,
  pull    INTEGER NOT NULL,                -- the change that makes its section of the changelog; 0: none
  state   TEXT    NOT NULL,                -- working, waiting, done, refused
  at      INTEGER NOT NULL,
  body    TEXT    NOT NULL,
  PRIMARY KEY (forge, repo, number, sha, comment, line)
) STRICT;
CREATE INDEX release_tag ON release (forge, repo, tag);
CREATE INDEX release_pull ON release (forge, repo, pull);

-- The changes that a merge queue's commit carries; it lives for as long as its state is open.
CREATE TABLE group_member (
  subject_id INTEGER NOT NULL REFERENCES subject (id) ON DELETE CASCADE,  -- of kind group
  number     INTEGER NOT NULL,             -- of the change
  PRIMARY KEY (subject_id, number)
) STRICT;

-- Whether the gate was open when the change was merged is looked at once.
ALTER TABLE subject_state ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE subject_state DROP COLUMN merged;
DROP TABLE group_member;
DROP TABLE release;
DROP TABLE branch_seen;
DROP TABLE seen;
DROP TABLE audit;
DROP TABLE comment;
DROP TABLE hold;
DROP TABLE override;
