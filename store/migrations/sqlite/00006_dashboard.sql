-- What the pages read by.

-- +goose Up
CREATE INDEX promotion_state ON promotion (state, forge, repo);
CREATE INDEX promotion_made ON promotion (forge, repo, environment, deployment) WHERE deployment <> 0;
CREATE INDEX tag_seen_at ON tag_seen (forge, repo, sha);

-- What lists of environments go by: what is live there came past the gate; freezes are known, or may be.
ALTER TABLE environment_seen ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environment_seen ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
CREATE INDEX environment_seen_outside ON environment_seen (forge, repo) WHERE outside = 1;
CREATE INDEX environment_seen_frozen ON environment_seen (repo, forge, name) WHERE frozen = 1;

-- +goose Down
DROP INDEX environment_seen_frozen;
DROP INDEX environment_seen_outside;
ALTER TABLE environment_seen DROP COLUMN frozen;
ALTER TABLE environment_seen DROP COLUMN outside;
DROP INDEX tag_seen_at;
DROP INDEX promotion_made;
DROP INDEX promotion_state;
