// Package store is what survives a restart: deliveries that were accepted, work that is still to do, decisions with the
// facts and the policy they came from, and what each forge was last known to show.
//
// It refuses to call a forge, to judge, to acknowledge what is not on disk, and to be shared over a network file
// system. Work is level-triggered: a subject counts the causes to look at it (`wanted`) and the causes that a finished
// look has covered (`done`), so that lost, doubled and late causes need no cleverness.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Errors that callers may ask for; each may be wrapped.
var (
	// ErrBusy says that more is waiting to be written than the store will queue: answer 503 and be asked again.
	ErrBusy = errors.New("the store has too much to write at the moment")
	// ErrLost says that the lease on a piece of work ran out and somebody else has it, or had it: drop what came of it.
	ErrLost = errors.New("this work was taken over by another worker")
	// ErrUnknown says that nothing is kept under that name.
	ErrUnknown = errors.New("not in the store")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrInUse says that another process has the database.
	ErrInUse = errors.New("the database is in use")
)

// Options are the settings of a Store. Only URL must be given.
type Options struct {
	URL string           // sqlite:PATH
	Now func() time.Time // the clock; time.Now when nil
	Log *slog.Logger     // nothing is logged when nil

	Debounce  time.Duration // how long an event waits for others on the same subject; 0: due at once
	Linger    time.Duration // how long what nobody waits for may wait to share a flush of the disk; 0: not at all
	Queue     int           // writes that may wait before Add says ErrBusy; 1024 when 0
	DeadAfter int           // failures in a row after which work is a dead letter; 12 when 0
	Holder    string        // who claims, for people to read; "HOST/PID" when ""

	Dice func() float64 // in [0, 1): spreads what is tried again; math/rand/v2 when nil

	// Targets says who is told of a notice; nobody is, and none is kept, when nil.
	Targets func(gate.Notification) []string

	// Beside opens the database of a server that is running, for a command line: it takes no lock, changes no
	// schema, frees no work, and never creates a database.
	Beside bool
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	opts  Options
	d     dialect
	path  string
	read  *sql.DB
	write *writer
	pack  *packer
	lock  *processLock
	wake  chan struct{}

	texts    sync.Map // query text → *sql.Stmt, for reading
	accounts sync.Map // "forge:account" → installation id, as last written by this process
	healthy  atomic.Int64
	company  company
}

// dialect is what differs between databases. All else is one set of texts.
type dialect struct {
	name    string
	rewrite func(string) string            // placeholders as the driver wants them
	locking string                         // how a claim skips rows that another claim has
	explain func(err error) error          // names the cure, where there is one
	shrink  func(*tx) (more bool, _ error) // gives a step of free pages back to the file system

	whole          func(ctx context.Context, s *Store, table string) (problem string, _ error) // asks the database about a table and its indexes; may be nil
	ready          string                                                                      // makes a new connection fit to write on
	relax, tighten string                                                                      // between transactions: commits are not flushed from here on, and are again; "" where there is no such thing
}

// Open opens the database, creates it or brings its schema up to date, and frees the work that an earlier process left
// held. It fails with ErrInUse when another process has it.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.filled()
	path, ok := strings.CutPrefix(o.URL, "sqlite:")
	if !ok || path == "" {
		return nil, fmt.Errorf("database %s: want sqlite:PATH", redacted(o.URL))
	}
	if strings.Contains(path, ":memory:") {
		return nil, errors.New("database sqlite::memory: would not survive a restart: name a file, as in sqlite:sluice.db")
	}
	s, err := openSQLite(ctx, o, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if o.Beside {
		return s, nil
	}
	err = s.do(ctx, patient, func(t *tx) error {
		_, err := t.exec(qRecover, s.now())
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("free the work of the last run in %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Queue <= 0 {
		o.Queue = 1024
	}
	if o.DeadAfter <= 0 {
		o.DeadAfter = 12
	}
	if o.Dice == nil {
		o.Dice = rand.Float64
	}
	if o.Holder == "" {
		host, _ := os.Hostname()
		o.Holder = fmt.Sprintf("%s/%d", host, os.Getpid())
	}
	return o
}

// redacted shows a database URL without what may be a password.
func redacted(url string) string {
	scheme, _, ok := strings.Cut(url, ":")
	if !ok || strings.ContainsAny(scheme, "/\\@") {
		return fmt.Sprintf("%q", url)
	}
	return scheme + ":…"
}

// Close writes what is queued and lets go of the database. What is held stays held: the next Open frees it.
func (s *Store) Close() error {
	err := s.write.close()
	s.healthy.Store(0)
	s.texts.Range(func(_, v any) bool { v.(*sql.Stmt).Close(); return true })
	return errors.Join(err, s.read.Close(), s.write.db.Close(), s.lock.release())
}

// Wake is poked after commits that may have made work due in this process. Work that another process or a clock made
// due is only found by asking: see NextDue.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ready says whether the store can write at this moment, by writing; a success is believed for a second.
func (s *Store) Ready(ctx context.Context) error {
	if at := s.healthy.Load(); at != 0 && time.Since(time.UnixMilli(at)) < time.Second {
		return nil
	}
	err := s.do(ctx, hasty, func(t *tx) error {
		_, err := t.exec(qProbe, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.path, err)
	}
	s.healthy.Store(time.Now().UnixMilli())
	return nil
}

func (s *Store) now() int64 { return s.opts.Now().UnixMilli() }

// query reads through the pool, with the text prepared once.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, s.d.explain(err)
}

// scan reads one row into dest and says whether there was one.
func (s *Store) scan(ctx context.Context, dest []any, text string, args ...any) (bool, error) {
	stmt, err := s.prepared(ctx, text)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, s.d.explain(err)
}

func (s *Store) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := s.texts.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := s.read.PrepareContext(ctx, s.d.text(text))
	if err != nil {
		return nil, s.d.explain(err)
	}
	if kept, loaded := s.texts.LoadOrStore(text, stmt); loaded {
		stmt.Close()
		return kept.(*sql.Stmt), nil
	}
	return stmt, nil
}

func (d dialect) text(text string) string {
	return d.rewrite(strings.ReplaceAll(text, "{lock}", d.locking))
}
