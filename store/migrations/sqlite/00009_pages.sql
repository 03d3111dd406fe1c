-- What more the pages read by: whose entries of the audit log are asked for.

-- +goose Up
CREATE INDEX audit_login ON audit (login, seq);

-- +goose Down
DROP INDEX audit_login;
