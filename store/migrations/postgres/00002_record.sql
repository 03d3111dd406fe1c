-- Times are unix milliseconds, flags are 0 or 1: as on SQLite; text is compared by its bytes, as there.

-- +goose Up

-- What people said about a change. `body` is the override as JSON, people's words and all; what has ended stays until
-- the subject goes, so that the reply to the comment can say what ended it.
CREATE TABLE override (
  subject_id bigint NOT NULL REFERENCES subject (id) ON DELETE CASCADE, -- the change
  comment    bigint NOT NULL,
  name       text COLLATE "C" NOT NULL, -- of the check
  live       bigint NOT NULL, -- not ended
  body       text COLLATE "C" NOT NULL,
  PRIMARY KEY (subject_id, comment, name)
);
CREATE INDEX override_live ON override (subject_id) WHERE live = 1;

CREATE TABLE hold (
  subject_id bigint PRIMARY KEY REFERENCES subject (id) ON DELETE CASCADE,
  body       text COLLATE "C" NOT NULL
);

-- What came of a comment: it is worked off once, whatever is delivered again.
CREATE TABLE comment (
  subject_id bigint PRIMARY KEY REFERENCES subject (id) ON DELETE CASCADE, -- the piece of work of kind comment
  body       text COLLATE "C" NOT NULL
);

-- The facts of the newest look that came to the same decision: they may tell what its own do not, a second approval say,
-- and another policy may ask for that.
CREATE TABLE seen (
  decision_seq bigint PRIMARY KEY REFERENCES decision (seq) ON DELETE CASCADE,
  at           bigint NOT NULL,
  facts_blob   bigint NOT NULL REFERENCES blob (id)
);
CREATE INDEX seen_facts ON seen (facts_blob);

-- The audit log: one line of JSON an entry, chained by the hash of the one before. The line alone counts; the other
-- columns are copies to search by, which `sluice audit verify` compares with it.
CREATE TABLE audit (
  seq    bigint PRIMARY KEY, -- from 1, without gaps
  at     bigint NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  forge  text COLLATE "C" NOT NULL,
  repo   text COLLATE "C" NOT NULL, -- ASCII lower case
  number bigint NOT NULL, -- of the change
  who    bigint NOT NULL, -- numeric id
  login  text COLLATE "C" NOT NULL, -- ASCII lower case
  name   text COLLATE "C" NOT NULL, -- of the check
  line   text COLLATE "C" NOT NULL, -- the entry, its hash included
  hash   text COLLATE "C" NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_repo ON audit (repo, seq);
CREATE INDEX audit_kind ON audit (kind, seq);

-- So that no slip rewrites the log. Whoever means to can drop these: the chain and signed checkpoints are against him.
-- An ON CONFLICT DO UPDATE is stopped as an insert or as an update.
-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.seq = (SELECT COALESCE(max(seq), 0) + 1 FROM audit) THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log only grows at its end';
  END IF;
  RAISE EXCEPTION 'the audit log is append-only: no entry is ever %', CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_insert BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- Which policy was in force for a branch, and up to where its merges were looked at, when it was last looked at.
CREATE TABLE branch_seen (
  forge  text COLLATE "C" NOT NULL,
  repo   text COLLATE "C" NOT NULL, -- lower case
  name   text COLLATE "C" NOT NULL,
  called text COLLATE "C" NOT NULL, -- the repository, as the forge spells it
  installation bigint NOT NULL,
  sha    text COLLATE "C" NOT NULL, -- the tip
  policy text COLLATE "C" NOT NULL, -- digest
  pending text COLLATE "C" NOT NULL, -- JSON: since when something odd was seen, and the pushes told of
  PRIMARY KEY (forge, repo, name)
);

-- Releases that somebody asked for in a comment. `body` is the release as JSON.
CREATE TABLE release (
  forge   text COLLATE "C" NOT NULL,
  repo    text COLLATE "C" NOT NULL, -- lower case
  number  bigint NOT NULL, -- of the change whose merge is released
  sha     text COLLATE "C" NOT NULL, -- the commit that it was asked on; '': on the change
  comment bigint NOT NULL,
  line    bigint NOT NULL, -- of the comment
  tag     text COLLATE "C" NOT NULL,
  pull    bigint NOT NULL, -- the change that makes its section of the changelog; 0: none
  state   text COLLATE "C" NOT NULL, -- working, waiting, done, refused
  at      bigint NOT NULL,
  body    text COLLATE "C" NOT NULL,
  PRIMARY KEY (forge, repo, number, sha, comment, line)
);
CREATE INDEX release_tag ON release (forge, repo, tag);
CREATE INDEX release_pull ON release (forge, repo, pull);

-- The changes that a merge queue's commit carries; it lives for as long as its state is open.
CREATE TABLE group_member (
  subject_id bigint NOT NULL REFERENCES subject (id) ON DELETE CASCADE, -- of kind group
  number     bigint NOT NULL, -- of the change
  PRIMARY KEY (subject_id, number)
);

-- Whether the gate was open when the change was merged is looked at once.
ALTER TABLE subject_state ADD COLUMN merged bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE subject_state DROP COLUMN merged;
DROP TABLE group_member;
DROP TABLE release;
DROP TABLE branch_seen;
DROP TABLE seen;
DROP TABLE audit;
DROP FUNCTION audit_refuse();
DROP TABLE comment;
DROP TABLE hold;
DROP TABLE override;
