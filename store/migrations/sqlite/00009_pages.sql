-- What more the pages read by: whose entries of the audit log are asked for, and what was promoted from one repository.

-- +goose Up
CREATE INDEX audit_login ON audit (login, seq);
CREATE INDEX promotion_repo ON promotion (repo, environment, at);

-- +goose Down
DROP INDEX promotion_repo;
DROP INDEX audit_login;
