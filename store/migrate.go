package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema up to date. With nothing to do, which is nearly always, it costs one query.
func (s *Store) migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations/"+s.d.name)
	if err != nil {
		return err
	}
	want, err := newest(files)
	if err != nil {
		return err
	}
	have, err := s.schema(ctx, db)
	switch {
	case err != nil:
		return err
	case have == want:
		return nil
	case have > want:
		return fmt.Errorf("its schema is version %d, made by a newer sluice than this one, which knows %d: run that one again", have, want)
	case s.opts.Beside || s.opts.role == source || s.opts.role == target && have > 0:
		return fmt.Errorf("its schema is version %d and this sluice wants %d: start the server, or run `sluice migrate`, first", have, want)
	}
	provider, err := s.d.provider(db, files)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate from version %d to %d: %w", have, want, err)
	}
	s.opts.Log.Info("database migrated", "from", have, "to", want)
	return nil
}

// Schema says which version of the schema the database has. Open brings it to the newest.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	v, err := s.schema(ctx, s.read)
	return v, s.d.explain(err)
}

// schema reads goose's own table; a database without one is at 0.
func (s *Store) schema(ctx context.Context, db *sql.DB) (int64, error) {
	var v sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&v)
	if err != nil && s.d.newborn(err) {
		return 0, nil
	}
	return v.Int64, err
}

// newest is the highest number that a migration's file name starts with.
func newest(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no migrations are embedded (%v)", err)
	}
	number, _, _ := strings.Cut(names[len(names)-1], "_") // Glob sorts, and the numbers are of one width
	return strconv.ParseInt(number, 10, 64)
}
