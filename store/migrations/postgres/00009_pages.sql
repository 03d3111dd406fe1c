-- What more the pages read by: whose entries of the audit log are asked for.

-- +goose Up
CREATE INDEX audit_login ON audit (login, seq);
ALTER TABLE setup ALTER sealed SET STORAGE EXTERNAL; -- what is encrypted does not pack

-- +goose Down
ALTER TABLE setup ALTER sealed SET STORAGE EXTENDED;
DROP INDEX audit_login;
