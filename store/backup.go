package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sluicegate/sluice/gate/audit"
)

// ErrElsewhere says that the database has tools of its own for this.
var ErrElsewhere = errors.New("that is done with the database server's own tools")

// BackedUp is what a backup holds.
type BackedUp struct {
	File   string
	Bytes  int64
	Schema int64
	Audit  audit.End
}

// Backup copies the database into a new file, readable by its owner alone, as it is at one moment, while a server goes on
// writing. The file appears under its name only when it is whole, on the disk, and verified: by SQLite's own check and by the
// audit log's chain. A file that is there is never written over. On PostgreSQL it fails with ErrElsewhere: see DumpCommand.
func (s *Store) Backup(ctx context.Context, file string) (*BackedUp, error) {
	if s.d.begin != nil {
		return nil, ErrElsewhere
	}
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("%s is there already, and a backup never writes over anything: name another file", file)
	}
	part := file + ".partial"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there: another backup is being made, or was broken off; delete it when none is", part)
	}
	if err != nil {
		return nil, err
	}
	defer os.Remove(part)
	defer f.Close()
	db, err := sql.Open("sqlite3", dsn(s.path, url.Values{"mode": {"rw"}})) // the writer's connection is the writer's
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return nil, fmt.Errorf("write %s: %w", part, explainSQLite(err, part))
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("write %s to the disk: %w", part, err)
	}
	done, err := verified(ctx, part)
	if err != nil {
		return nil, fmt.Errorf("the copy cannot be trusted, and was thrown away: %w", err)
	}
	if err := settle(part, file); err != nil {
		return nil, err
	}
	done.File = file
	return done, nil
}

// settle gives a file its name, and never another file's.
func settle(part, file string) error {
	err := os.Link(part, file)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s has appeared meanwhile, and a backup never writes over anything: name another file", file)
	}
	if err != nil { // a file system without links
		if _, there := os.Lstat(file); there == nil {
			return fmt.Errorf("%s has appeared meanwhile, and a backup never writes over anything: name another file", file)
		}
		if err := os.Rename(part, file); err != nil {
			return err
		}
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	dir.Sync() //nolint:errcheck // not every system can
	return nil
}

// verified reads a whole copy, to which nobody writes.
func verified(ctx context.Context, file string) (*BackedUp, error) {
	db, err := sql.Open("sqlite3", dsn(file, url.Values{"mode": {"ro"}, "immutable": {"1"}}))
	if err != nil {
		return nil, err
	}
	s := &Store{d: sqliteDialect(file), path: file, read: db}
	defer db.Close()
	var problem string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&problem); err != nil || problem != "ok" {
		return nil, errors.Join(s.d.explain(err), fmt.Errorf("SQLite finds it damaged: %s", problem))
	}
	chain := &audit.Chain{}
	if err := s.VerifyAudit(ctx, chain); err != nil {
		return nil, fmt.Errorf("its audit log: %w", err)
	}
	schema, err := s.Schema(ctx)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	return &BackedUp{Bytes: info.Size(), Schema: schema, Audit: chain.End()}, nil
}

// DumpCommand is what backs a PostgreSQL database up into a file, and what restores that into an empty one; false where the
// URL is not PostgreSQL's. Passwords are left out.
func DumpCommand(at, file string) (dump, restore string, ok bool) {
	if !isPostgres(at) {
		return "", "", false
	}
	where := "postgres://HOST/NAME"
	if c, err := pgx.ParseConfig(at); err == nil {
		u := url.URL{Scheme: "postgres", User: url.User(c.User), Path: "/" + c.Database}
		if q := u.Query(); strings.HasPrefix(c.Host, "/") {
			q.Set("host", c.Host)
			q.Set("port", fmt.Sprint(c.Port))
			u.RawQuery = q.Encode()
		} else {
			u.Host = net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
		}
		where = u.String()
	}
	return fmt.Sprintf("pg_dump --format=custom --no-owner --file=%s --dbname=%s", shell(file), shell(where)),
		fmt.Sprintf("pg_restore --exit-on-error --single-transaction --no-owner --dbname=%s %s", shell(where), shell(file)), true
}

// shell is a word for a shell.
func shell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
