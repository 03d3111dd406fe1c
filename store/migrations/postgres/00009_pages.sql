-- What more the pages read by: whose entries of the audit log are asked for, and what was promoted from one repository.

-- +goose Up
CREATE INDEX audit_login ON audit (login, seq);
CREATE INDEX promotion_repo ON promotion (repo, environment, at);

-- What is sealed does not get smaller: nothing is to be won by packing it.
ALTER TABLE account ALTER COLUMN grant_sealed SET STORAGE EXTERNAL;
ALTER TABLE session ALTER COLUMN body SET STORAGE EXTERNAL;

-- +goose Down
ALTER TABLE session ALTER COLUMN body SET STORAGE EXTENDED;
ALTER TABLE account ALTER COLUMN grant_sealed SET STORAGE EXTENDED;
DROP INDEX promotion_repo;
DROP INDEX audit_login;
