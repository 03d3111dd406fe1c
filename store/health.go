package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"
)

// Health is what can be told of a database from beside. Errors in it are explained, with what cures them.
type Health struct {
	Where    string // without a password
	Postgres bool
	Version  string // of the engine
	Schema   int64
	Bytes    int64         // of the database
	Free     int64         // bytes left on the disk; -1 where the database does not tell
	Written  error         // why it cannot be written to
	Damaged  string        // what a check found
	Checked  bool          // that all of it was checked within the time
	Unsafe   []string      // settings by which what was accepted could be lost
	Skew     time.Duration // how far this machine's clock is ahead of the database's
	Left     int           // connections that the server would still take; -1: it needs none
	Each     int           // what one replica takes of them
}

// Health looks, for at most as long as a check of everything may take.
func (s *Store) Health(ctx context.Context, check time.Duration) (h Health, err error) {
	h = Health{Where: s.path, Postgres: s.d.begin != nil, Free: -1, Left: -1}
	if h.Schema, err = s.Schema(ctx); err != nil {
		return h, err
	}
	h.Written = s.Ready(ctx)
	if h.Postgres {
		err = s.healthPostgres(ctx, &h)
	} else {
		err = s.healthSQLite(ctx, &h, check)
	}
	return h, s.d.explain(err)
}

func (s *Store) healthSQLite(ctx context.Context, h *Health, check time.Duration) error {
	var journal string
	err := s.read.QueryRowContext(ctx, `SELECT sqlite_version(), (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()), (SELECT journal_mode FROM pragma_journal_mode())`).
		Scan(&h.Version, &h.Bytes, &journal)
	if err != nil {
		return err
	}
	if journal != "wal" {
		h.Unsafe = append(h.Unsafe, "journal_mode is "+journal+" instead of wal")
	}
	h.Free = freeBytes(filepath.Dir(s.path))
	limit, cancel := context.WithTimeout(ctx, check)
	defer cancel()
	var found string
	err = s.read.QueryRowContext(limit, "PRAGMA quick_check(1)").Scan(&found)
	switch {
	case limit.Err() != nil && ctx.Err() == nil:
		return nil // not all of it within the time
	case err != nil:
		found = s.d.explain(err).Error()
	}
	if h.Checked = true; found != "ok" {
		h.Damaged = found
	}
	return nil
}

func (s *Store) healthPostgres(ctx context.Context, h *Health) error {
	var fsync, pages string
	var us int64
	before := time.Now()
	err := s.read.QueryRowContext(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)`).Scan(&us)
	if err != nil {
		return err
	}
	took := time.Since(before)
	h.Skew = before.Add(took / 2).Sub(time.UnixMicro(us)).Round(time.Millisecond)
	var left sql.NullInt64
	err = s.read.QueryRowContext(ctx, `SELECT current_setting('server_version'), pg_database_size(current_database()),
current_setting('fsync'), current_setting('full_page_writes'),
LEAST(CAST(current_setting('max_connections') AS integer) - CAST(current_setting('superuser_reserved_connections') AS integer) - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
 (SELECT NULLIF(datconnlimit, -1) - (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database()) FROM pg_database WHERE datname = current_database()),
 (SELECT NULLIF(rolconnlimit, -1) - (SELECT count(*) FROM pg_stat_activity a WHERE a.usename = current_user) FROM pg_roles WHERE rolname = current_user))`).
		Scan(&h.Version, &h.Bytes, &fsync, &pages, &left)
	if err != nil {
		return err
	}
	h.Left, h.Each = int(left.Int64), ingestPens+workPens+readers
	for name, value := range map[string]string{"fsync": fsync, "full_page_writes": pages} {
		if value != "on" {
			h.Unsafe = append(h.Unsafe, fmt.Sprintf("%s is %s", name, value))
		}
	}
	return nil
}
