package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

const qSetups = `SELECT name, sealed, version, at FROM setup ORDER BY name`

const qSetupVersion = `SELECT version FROM setup WHERE name = $1`

const qKeepSetup = `
INSERT INTO setup (name, sealed, version, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, version = excluded.version, at = excluded.at`

const qReceived = `SELECT received_at FROM delivery WHERE forge = $1 ORDER BY received_at DESC LIMIT 1`

const qDropSetup = `DELETE FROM setup WHERE name = $1`

// Setups are all that was set up by the page, by name.
func (s *Store) Setups(ctx context.Context) (list []gate.Setup, err error) {
	rows, err := s.query(ctx, qSetups)
	if err != nil {
		return nil, fmt.Errorf("read what was set up: %w", err)
	}
	err = each(rows, func(scan func(...any) error) error {
		var x gate.Setup
		var when int64
		err := scan(&x.Name, &x.Sealed, &x.Version, &when)
		x.At = at(when)
		list = append(list, x)
		return err
	})
	return list, err
}

// KeepSetup keeps what is set up under a name, if what is there is still of the version that was read: 0 for nothing. It
// returns false when somebody was faster, and then keeps nothing.
func (s *Store) KeepSetup(ctx context.Context, x gate.Setup) (kept bool, err error) {
	var mine bool // the closure's own: it may outlive this call
	err = s.do(ctx, patient|alone, func(t *tx) error {
		var version int64
		if _, err := t.row([]any{&version}, qSetupVersion, x.Name); err != nil {
			return err
		}
		if mine = version == x.Version; !mine {
			return nil
		}
		// Never lower than before, though it was dropped in between: the time rises.
		_, err := t.exec(qKeepSetup, x.Name, blank(x.Sealed), max(version+1, s.now()), s.now())
		return err
	}, nameOf("setup", x.Name))
	if err != nil {
		return false, fmt.Errorf("keep what was set up: %w", err)
	}
	return mine, nil
}

// DropSetup forgets what was set up under a name.
func (s *Store) DropSetup(ctx context.Context, name string) error {
	return s.do(ctx, patient|alone, func(t *tx) error {
		_, err := t.exec(qDropSetup, name)
		return err
	}, nameOf("setup", name))
}

// Received is when the newest delivery of a forge was received; zero: none was.
func (s *Store) Received(ctx context.Context, forge string) (time.Time, error) {
	var when int64
	found, err := s.scan(ctx, []any{&when}, qReceived, forge)
	if err != nil || !found {
		return time.Time{}, err
	}
	return at(when), nil
}
