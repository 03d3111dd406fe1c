-- What the pages read by.

-- +goose Up
CREATE INDEX promotion_state ON promotion (state, forge, repo);
CREATE INDEX promotion_made ON promotion (forge, repo, environment, deployment) WHERE deployment <> 0;
CREATE INDEX tag_seen_at ON tag_seen (forge, repo, sha);

-- +goose Down
DROP INDEX tag_seen_at;
DROP INDEX promotion_made;
DROP INDEX promotion_state;
