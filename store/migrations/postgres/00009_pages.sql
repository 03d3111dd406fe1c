-- What more the pages read by: whose entries of the audit log are asked for.

-- +goose Up
CREATE INDEX audit_login ON audit (login, seq);

-- What is sealed does not get smaller: nothing is to be won by packing it.
ALTER TABLE account ALTER COLUMN grant_sealed SET STORAGE EXTERNAL;
ALTER TABLE session ALTER COLUMN body SET STORAGE EXTERNAL;

-- +goose Down
ALTER TABLE session ALTER COLUMN body SET STORAGE EXTENDED;
ALTER TABLE account ALTER COLUMN grant_sealed SET STORAGE EXTENDED;
DROP INDEX audit_login;
