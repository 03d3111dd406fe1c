package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// A damaged page says nothing of what else is damaged, and a decision that rests on half of what was stored may open a gate.
// So the first sign of damage ends all work on the database, until somebody has looked.

func damagedSQLite(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// explain explains an error, and remembers one that says that the database is damaged.
func (s *Store) explain(err error) error {
	explained := s.d.explain(err)
	if err != nil && s.d.damaged != nil && s.d.damaged(err) && s.spoiled.CompareAndSwap(nil, &explained) {
		s.healthy.Store(0)
		s.opts.Log.Error("the database is damaged: nothing is accepted or done from here on", "err", explained)
	}
	return explained
}

// unpack unpacks what was stored. What does not unpack was written over in a place that the database itself has no sum for.
func (s *Store) unpack(b []byte) ([]byte, error) {
	text, err := s.pack.unzip(b)
	if err != nil {
		return nil, s.explain(fmt.Errorf("%w: %w", err, s.d.corrupt))
	}
	return text, nil
}

// whole fails with ErrSpoiled once damage was found.
func (s *Store) whole() error {
	if found := s.spoiled.Load(); found != nil {
		return fmt.Errorf("%w: %w", ErrSpoiled, *found)
	}
	return nil
}

// glance reads the first and the last row of every table: a file that was cut off, or written over at its beginning, is found
// at the start. It takes a few reads, however large the file is; a check of all of it takes minutes, and is the doctor's.
func glance(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		return err
	}
	var names []string
	if err := each(rows, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	}); err != nil {
		return err
	}
	for _, name := range names {
		for _, order := range []string{"ASC", "DESC"} {
			rows, err := db.QueryContext(ctx, "SELECT * FROM "+quoted(name)+" ORDER BY rowid "+order+" LIMIT 1")
			if err == nil {
				err = each(rows, func(func(...any) error) error { return nil })
			}
			if err != nil {
				return fmt.Errorf("look at table %s: %w", name, err)
			}
		}
	}
	return nil
}
