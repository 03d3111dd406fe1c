-- Times are unix milliseconds: as on SQLite; text is compared by its bytes, as there.

-- +goose Up

-- What was set up by the page, and whether that is done. `sealed` is JSON that the server's secret key alone opens, for its `name`.
CREATE TABLE setup (
  name text COLLATE "C" PRIMARY KEY, -- github, gitlab, people, token
  sealed bytea NOT NULL,
  version bigint NOT NULL, -- raised with each change: by it processes notice what another has set up
  at bigint NOT NULL -- of the change
);

-- +goose Down
DROP TABLE setup;
