// Package store is what survives a restart: deliveries that were accepted, work that is still to do, decisions with the
// facts and the policy they came from, and what each forge was last known to show.
//
// It refuses to call a forge, to judge, to acknowledge what is not on disk, and to be shared over a network file
// system. Work is level-triggered: a subject counts the causes to look at it (`wanted`) and the causes that a finished
// look has covered (`done`), so that lost, doubled and late causes need no cleverness.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	dice "math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sluicegate/sluice/gate"
)

// Errors that callers may ask for; each may be wrapped.
var (
	// ErrBusy says that more is waiting to be written than the store will queue: answer 503 and be asked again.
	ErrBusy = errors.New("the store has too much to write at the moment")
	// ErrLost says that the lease on a piece of work ran out and somebody else has it, or had it: drop what came of it.
	ErrLost = gate.ErrLost
	// ErrUnknown says that nothing is kept under that name.
	ErrUnknown = errors.New("not in the store")
	// ErrSpoiled says that the database was found damaged: this process reads and writes no more of it.
	ErrSpoiled = errors.New("the database is damaged, and nothing is done with it any more")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrInUse says that another process has the database.
	ErrInUse = errors.New("the database is in use")
)

// Options are the settings of a Store. Only URL must be given.
type Options struct {
	URL string           // sqlite:PATH, or postgres://…
	Now func() time.Time // the clock; when nil that of this machine, or of the PostgreSQL server, which all replicas share
	Log *slog.Logger     // nothing is logged when nil

	// Steady is a clock beside Now that nobody sets: what is due moves with Now where they part. When nil that of this machine,
	// and none where Now is given.
	Steady func() time.Duration

	Debounce  time.Duration // how long an event waits for others on the same subject; 0: due at once
	Linger    time.Duration // how long what nobody waits for may wait to share a flush of the disk; 0: not at all
	Queue     int           // writes that may wait before Add says ErrBusy; 1024 when 0
	DeadAfter int           // failures in a row after which work is a dead letter; 12 when 0
	Holder    string        // who claims, for people to read; HOST/PID when "", on PostgreSQL with something random behind it

	Dice func() float64 // in [0, 1): spreads what is tried again; math/rand/v2 when nil

	// Targets says who is told of a notice; nobody is, and none is kept, when nil.
	Targets func(gate.Notification) []string

	// Step is told of each step of a writing transaction, for tests that let the process die there; nil: nobody is.
	Step func(Step)
	// Asked is told of each query that reads, where it is not nil: how many a page takes.
	Asked func(query string)

	// Beside opens the database of a server that is running, for a command line: it takes no lock, changes no
	// schema, frees no work, and never creates a database.
	Beside bool

	role role
}

// role is what a database is opened for.
type role int

const (
	serving role = iota // to be worked on; replicas share PostgreSQL
	source              // to be copied from: nobody else may have it, and its schema stays
	target              // to be copied into: nobody else may have it, and it is made where there is none
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	opts  Options
	d     dialect
	path  string
	read  *sql.DB
	write *writer
	work  *writer // of what no delivery waits for, where that has connections of its own; or nil
	pack  *packer
	lock  *processLock
	wake  chan struct{}
	clock *serverClock // nil: this machine's, or Options.Now
	sole  *sql.Conn    // of PostgreSQL, which keeps all others out for as long as it lives; nil: it is shared

	texts    sync.Map // query text → *sql.Stmt, for reading
	accounts sync.Map // "forge:account" → learntAt
	healthy  atomic.Int64
	closing  atomic.Bool
	spoiled  atomic.Pointer[error]
	pace     pace
	company  company
}

// dialect is what differs between databases. All else is one set of texts.
type dialect struct {
	name    string
	rewrite func(string) string            // placeholders as the driver wants them
	locking string                         // for {lock}: takes rows, and skips those that another transaction has
	damaged func(err error) bool           // whether it says that what is stored cannot be trusted; nil: the server sees to that
	corrupt error                          // what the database itself would call a damaged page
	explain func(err error) error          // names the cure, where there is one
	shrink  func(*tx) (more bool, _ error) // gives a step of free pages back to the file system
	commit  func(*tx) error                // is known to have committed, or returns an error

	begin    func(t *tx, batch []*job, lax bool) error // opens a transaction beside other writers, with the locks that the batch asks for; nil: there are none
	again    func(err error, try int) bool             // waits a moment where a transaction is to be run again; nil: never
	patience func() context.Context                    // for connecting
	newborn  func(err error) bool                      // whether it says that there are no tables at all
	provider func(*sql.DB, fs.FS) (*goose.Provider, error)

	whole           func(ctx context.Context, s *Store, table string) (problem string, _ error) // asks the database about a table and its indexes; may be nil
	columns, refers string                                                                      // the tables with their columns, and which table refers to which: see copy_tables.go
	fill            func(ctx context.Context, conn *sql.Conn, t table, rows *rowStream) error   // writes rows
	number          func(ctx context.Context, conn *sql.Conn, t table) error                    // has numbers given out go on after the highest; nil: they do
	atOnce          string                                                                      // begins a transaction that sees one moment, to read in

	ready          string // makes a new connection fit to write on
	relax, tighten string // between transactions: commits are not flushed from here on, and are again; "" where there is no such thing
}

// Open opens the database, creates it or brings its schema up to date, and frees the work that an earlier process left
// held. A SQLite database has one process: Open fails with ErrInUse when another has it. A PostgreSQL database may have
// many: what others hold stays theirs until they give it back or the lease ends.
func Open(ctx context.Context, o Options) (*Store, error) {
	named := o.Holder != ""
	o = o.filled()
	if isPostgres(o.URL) {
		if !named {
			o.Holder += "-" + rand.Text()[:6] // two containers may have one host name, and both be process 1
		}
		return openPostgres(ctx, o)
	}
	path, ok := strings.CutPrefix(o.URL, "sqlite:")
	if !ok || path == "" {
		return nil, fmt.Errorf("database %s: want sqlite:PATH or postgres://USER@HOST/NAME", redacted(o.URL))
	}
	if strings.Contains(path, ":memory:") {
		return nil, errors.New("database sqlite::memory: would not survive a restart: name a file, as in sqlite:sluice.db")
	}
	s, err := openSQLite(ctx, o, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if o.Beside || o.role != serving {
		return s, nil
	}
	switch {
	case o.Now == nil:
		s.pace.clocks = machineClocks()
	case o.Steady != nil:
		s.pace.clocks = func() (time.Time, time.Duration) { return o.Now(), o.Steady() }
	}
	if err := errors.Join(s.free(ctx, qRecover), s.free(ctx, qRewound)); err != nil {
		return nil, errors.Join(fmt.Errorf("free the work of the last run in %s: %w", path, err), s.Close())
	}
	return s, nil
}

// free gives back work that nobody will finish.
func (s *Store) free(ctx context.Context, text string, args ...any) error {
	return s.do(ctx, patient|alone, func(t *tx) error {
		_, err := t.exec(text, append([]any{s.now()}, args...)...)
		return err
	})
}

func (o Options) filled() Options {
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
		o.Dice = dice.Float64
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

// Close writes what is queued and lets go of the database. What is held stays held on SQLite, where the next Open frees it;
// on PostgreSQL it is freed here, for others to take.
func (s *Store) Close() error {
	var err error
	if s.work != nil && !s.opts.Beside && s.opts.role == serving && s.closing.CompareAndSwap(false, true) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err = s.free(ctx, qGiveUp, s.opts.Holder)
		cancel()
	}
	err = errors.Join(err, s.write.close(), s.work.close())
	s.healthy.Store(0)
	s.clock.stop()
	s.texts.Range(func(_, v any) bool { v.(*sql.Stmt).Close(); return true })
	if s.sole != nil {
		err = errors.Join(err, s.sole.Close())
	}
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
	if err := s.whole(); err != nil {
		return err
	}
	if at := s.healthy.Load(); at != 0 && time.Since(time.UnixMilli(at)) < time.Second {
		return nil
	}
	err := s.do(ctx, hasty, func(t *tx) error {
		_, err := t.exec(qProbe, s.now())
		return err
	}, nameOf("probe"))
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.path, err)
	}
	s.healthy.Store(time.Now().UnixMilli())
	return nil
}

// Now is the time by the store's clock. On PostgreSQL that is the server's, so that replicas agree on what is due and on
// whose lease has ended, whatever their own clocks say.
func (s *Store) Now() time.Time {
	switch {
	case s.opts.Now != nil:
		return s.opts.Now()
	case s.clock != nil:
		return s.clock.Now()
	}
	return time.Now().UTC()
}

func (s *Store) now() int64 { return s.Now().UnixMilli() }

// query reads through the pool, with the text prepared once.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.opts.Asked != nil {
		s.opts.Asked(text)
	}
	rows, err := stmt.QueryContext(ctx, clean(args)...)
	return rows, s.explain(err)
}

// scan reads one row into dest and says whether there was one.
func (s *Store) scan(ctx context.Context, dest []any, text string, args ...any) (bool, error) {
	stmt, err := s.prepared(ctx, text)
	if err != nil {
		return false, err
	}
	if s.opts.Asked != nil {
		s.opts.Asked(text)
	}
	err = stmt.QueryRowContext(ctx, clean(args)...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, s.explain(err)
}

func (s *Store) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if err := s.whole(); err != nil {
		return nil, err
	}
	if stmt, ok := s.texts.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := s.read.PrepareContext(ctx, s.d.text(text))
	if err != nil {
		return nil, s.explain(err)
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
