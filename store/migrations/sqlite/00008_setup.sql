-- Times are unix milliseconds: the same text serves PostgreSQL.

-- +goose Up

-- What was set up by the page, and whether that is done. `sealed` is JSON that the server's secret key alone opens, for its `name`.
CREATE TABLE setup (
  name    TEXT    PRIMARY KEY,             -- github, gitlab, people, token
  sealed  BLOB    NOT NULL,
  version INTEGER NOT NULL,                -- raised with each change: by it processes notice what another has set up
  at      INTEGER NOT NULL                 -- of the change
) STRICT;

-- +goose Down
DROP TABLE setup;
