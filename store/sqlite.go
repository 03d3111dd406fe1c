package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"github.com/sluicegate/sluice/checks/patterns"
)

// sqlite's driver binds $n by first appearance, so that `SELECT $2, $1` silently swaps: ?n says what is meant.
var numbered = patterns.New(`\$(\d+)`)

func sqliteDialect(path string) dialect {
	return dialect{
		name:   "sqlite",
		commit: func(t *tx) error { _, err := t.exec("COMMIT"); return err },
		newborn: func(err error) bool {
			var e sqlite3.Error
			return errors.As(err, &e) && e.Code == sqlite3.ErrError && strings.Contains(e.Error(), "no such table")
		},
		patience: context.Background,
		provider: func(db *sql.DB, files fs.FS) (*goose.Provider, error) {
			return goose.NewProvider(goose.DialectSQLite3, db, files)
		},
		rewrite: func(text string) string { return numbered.ReplaceAllString(text, "?$1") },
		explain: func(err error) error { return explainSQLite(err, path) },
		damaged: damagedSQLite,
		corrupt: sqlite3.Error{Code: sqlite3.ErrCorrupt},
		shrink:  shrinkSQLite,
		whole:   wholeSQLite,
		columns: columnsSQLite,
		refers:  refersSQLite,
		fill:    fillSQLite,
		atOnce:  "BEGIN DEFERRED",
		ready:   "PRAGMA temp_store = MEMORY", // what undoes a statement or a savepoint went to a file of its own each time
		relax:   "PRAGMA synchronous = NORMAL",
		tighten: "PRAGMA synchronous = FULL",
	}
}

// openSQLite opens the file for one writer and four readers, after taking the lock that keeps other servers out.
func openSQLite(ctx context.Context, o Options, path string) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o, d: sqliteDialect(path), path: path, wake: make(chan struct{}, 1), pack: newPacker()}
	var db *sql.DB
	defer func() {
		if err != nil {
			err = s.d.explain(err)
			for _, db := range []*sql.DB{db, s.read} {
				if db != nil {
					db.Close()
				}
			}
			s.lock.release()
		}
	}()
	if err := prepareFile(s, path); err != nil {
		return nil, err
	}
	if db, err = sql.Open("sqlite3", dsn(path, url.Values{
		"mode": {"rw"}, "_auto_vacuum": {"incremental"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_txlock": {"immediate"}, "_cache_size": {"-4000"},
	})); err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := s.migrate(ctx, db); err != nil {
		return nil, err
	}
	if s.read, err = sql.Open("sqlite3", dsn(path, url.Values{"mode": {"rw"}, "_query_only": {"1"}})); err != nil {
		return nil, err
	}
	if err := glance(ctx, s.read); err != nil {
		return nil, err
	}
	s.read.SetMaxOpenConns(4)
	s.read.SetMaxIdleConns(4)
	s.read.SetConnMaxIdleTime(time.Minute)
	s.write = newWriter(db, s.d, o)
	return s, nil
}

// prepareFile takes the lock and creates the file, readable by its owner alone: it holds what private repositories say.
func prepareFile(s *Store, path string) error {
	if s.opts.Beside || s.opts.role == source {
		_, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New("there is no such database: has the server been started, and does SLUICE_DATABASE say what it says there?")
		}
		if err != nil || s.opts.Beside {
			return err
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: create the directory first", err)
	}
	lock, err := lockProcess(path+".lock", s.Now())
	if err != nil {
		return err
	}
	s.lock = lock
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func dsn(path string, values url.Values) string {
	values.Set("_busy_timeout", "10000")
	values.Set("_mutex", "no") // database/sql never uses a connection twice at once
	values.Set("_foreign_keys", "1")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + values.Encode()
}

// explainSQLite adds what to do about the errors that an operator can do something about.
func explainSQLite(err error, path string) error {
	var e sqlite3.Error
	room := "free some space on the disk that holds " + path + "; until then deliveries are refused, and nothing accepted is lost"
	rights := "make " + path + " and its directory writable for the user that runs sluice"
	if err == nil || !errors.As(err, &e) { // what the system said before SQLite was asked
		switch {
		case errors.Is(err, syscall.ENOSPC):
			return fmt.Errorf("%w: %s", err, room)
		case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
			return fmt.Errorf("%w: %s", err, rights)
		}
		return err
	}
	cure := ""
	switch e.Code {
	case sqlite3.ErrFull:
		cure = room
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		cure = rights
	case sqlite3.ErrCorrupt:
		cure = "stop sluice, keep a copy of " + path + ", and run `sqlite3 " + path + " .recover` into a new file, or restore a backup"
	case sqlite3.ErrNotADB:
		cure = path + " is not a SQLite database: let SLUICE_DATABASE name another file, or restore a backup"
	case sqlite3.ErrCantOpen:
		cure = "look whether " + path + " is a file that the user who runs sluice may open, in a directory that he may write to"
	case sqlite3.ErrIoErr:
		cure = "look at the disk that holds " + path + " (dmesg, free space, quota)"
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		cure = "another program is writing to " + path + ": end it"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, cure)
}

// shrinkSQLite frees up to 1,000 pages. The pragma does a page per row, so that all rows have to be read.
func shrinkSQLite(t *tx) (bool, error) {
	var free int64
	if _, err := t.row([]any{&free}, "PRAGMA freelist_count"); err != nil || free == 0 {
		return false, err
	}
	err := t.rows(func(func(...any) error) error { return nil }, "PRAGMA incremental_vacuum(1000)")
	return free > 1000, err
}

// wholeSQLite says what is wrong with a table and its indexes, or "".
func wholeSQLite(ctx context.Context, s *Store, table string) (problem string, _ error) {
	_, err := s.scan(ctx, []any{&problem}, "PRAGMA integrity_check("+table+")")
	if problem == "ok" {
		problem = ""
	}
	return problem, err
}
