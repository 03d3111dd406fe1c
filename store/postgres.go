package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Connections of one process. The server flushes what several commit at one time together, so that a few that gather what
// is waiting do as well as many. Ten a replica leave room for eight of them on a server with its default of a hundred.
const (
	ingestPens = 2
	workPens   = 3
	readers    = 5
)

// ErrUnsure says that the connection to the database was lost while it was committing: it may have kept what was sent, or
// may not have. What is sent again is kept once.
var ErrUnsure = errors.New("the connection was lost while the database was committing, so that nobody knows whether it has")

// longest is how long a transaction may take. A replica that is frozen in the middle of one is cut off by the server before
// that, for others wait for what it has locked.
const longest = 30 * time.Second

// What a connection to write on asks of the server. A 202 says that a delivery is on disk, whatever the server's default.
const pgWriting = `
SET lock_timeout = '20s'; SET statement_timeout = '25s'; SET idle_in_transaction_session_timeout = '10s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`

const pgReading = `SET default_transaction_read_only = on`

// lockSpace keeps our advisory locks apart from those of other programs on the same database.
const lockSpace = 0x51c1ce

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

func postgresDialect(where string) dialect {
	return dialect{
		name:     "postgres",
		rewrite:  func(text string) string { return text },
		locking:  "FOR UPDATE SKIP LOCKED",
		corrupt:  &pgconn.PgError{Severity: "ERROR", Code: "XX001", Message: "data is corrupted"},
		explain:  func(err error) error { return explainPostgres(err, where) },
		shrink:   func(*tx) (bool, error) { return false, nil }, // autovacuum's business
		begin:    beginPostgres,
		commit:   commitPostgres,
		again:    againPostgres,
		patience: func() context.Context { return context.Background() }, // connecting has a limit of its own
		newborn: func(err error) bool {
			var e *pgconn.PgError
			return errors.As(err, &e) && e.Code == "42P01"
		},
		provider: providerPostgres,
		columns:  columnsPostgres,
		refers:   refersPostgres,
		fill:     fillPostgres,
		number:   numberPostgres,
		atOnce:   "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	}
}

// providerPostgres migrates under a lock of the whole database: many processes may start at once.
func providerPostgres(db *sql.DB, files fs.FS) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
}

// openPostgres opens the database for several writers and readers.
func openPostgres(ctx context.Context, o Options) (_ *Store, err error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil { // which is not told: it may show the password
		return nil, errors.New(`database postgres:…: cannot be read as a URL: want postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=verify-full, with %40, %2F, %3A and %23 for @, /, : and # in a password; or give the password in PGPASSWORD or ~/.pgpass`)
	}
	where := fmt.Sprintf("postgres://%s@%s/%s", config.User, net.JoinHostPort(config.Host, fmt.Sprint(config.Port)), config.Database)
	s := &Store{opts: o, d: postgresDialect(where), path: where, wake: make(chan struct{}, 1), pack: newPacker()}
	defer func() {
		if err != nil {
			s.clock.stop()
			if s.sole != nil {
				s.sole.Close()
			}
			err = fmt.Errorf("open database %s: %w", where, s.d.explain(err))
		}
	}()
	tune(config, o.Holder)
	first := connectTo(config, "")
	defer first.Close()
	if err := s.suits(ctx, first); err != nil {
		return nil, err
	}
	if o.role != serving {
		if err := s.alone(ctx, connectTo(config, "")); err != nil {
			return nil, err
		}
	}
	if err := s.migrate(ctx, first); err != nil {
		return nil, err
	}
	if o.Now == nil {
		if s.clock, err = newServerClock(ctx, first); err != nil {
			return nil, err
		}
	}
	s.read = connectTo(config, pgReading)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.read.SetConnMaxIdleTime(time.Minute)
	s.clock.follow(s.read)
	db := connectTo(config, pgWriting, s.living)
	if err := db.PingContext(ctx); err != nil { // from here on everybody can see that somebody serves
		return nil, errors.Join(err, db.Close(), s.read.Close())
	}
	s.write = startWriter(db, s.d, &writer{queue: make(chan *job, o.Queue), most: 64, step: o.Step}, ingestPens)
	s.work = startWriter(db, s.d, &writer{queue: make(chan *job, o.Queue), most: 16, step: o.Step}, workPens)
	return s, nil
}

// tune sets what the URL leaves open.
func tune(c *pgx.ConnConfig, holder string) {
	if c.ConnectTimeout == 0 || c.ConnectTimeout > time.Minute {
		c.ConnectTimeout = 5 * time.Second
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "sluice " + holder
	}
	// A server that is gone without a word is found out by the kernel, for some reads wait for as long as they take.
	c.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control: unacknowledged}).DialContext
}

// connectTo is a pool whose connections begin with these statements.
func connectTo(c *pgx.ConnConfig, first string, more ...func(context.Context, *pgx.Conn) error) *sql.DB {
	return stdlib.OpenDB(*c, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) (err error) {
		if first != "" {
			_, err = conn.Exec(ctx, first)
		}
		for i := 0; err == nil && i < len(more); i++ {
			err = more[i](ctx, conn)
		}
		return err
	}))
}

// suits says what makes a server unfit.
func (s *Store) suits(ctx context.Context, db *sql.DB) error {
	var version int
	var encoding, fsync string
	err := db.QueryRowContext(ctx, `SELECT CAST(current_setting('server_version_num') AS integer), current_setting('server_encoding'), current_setting('fsync')`).
		Scan(&version, &encoding, &fsync)
	switch {
	case err != nil:
		return err
	case version < 120000:
		return fmt.Errorf("its server is PostgreSQL %d: this needs 12 or newer", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("its encoding is %s, which cannot hold every name: make one with `createdb --encoding=UTF8 --template=template0 NAME`", encoding)
	case fsync != "on":
		s.opts.Log.Warn("the database server runs with fsync=off: a crash of its machine loses deliveries that were accepted, and may spoil the database; set fsync=on", "database", s.path)
	}
	return nil
}

// beginPostgres begins with all that its jobs ask for, in one round trip.
func beginPostgres(t *tx, batch []*job, lax bool) error {
	t.ctx, t.stop = context.WithTimeout(context.Background(), longest)
	text := "BEGIN ISOLATION LEVEL READ COMMITTED"
	if lax {
		text += "; SET LOCAL synchronous_commit = off"
	}
	if list := stripesOf(batch); len(list) > 0 {
		text += fmt.Sprintf("; SELECT pg_advisory_xact_lock(%d, k) FROM unnest('{%s}'::integer[]) AS k", lockSpace,
			strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ","), "[]"))
	}
	_, err := t.conn.ExecContext(t.ctx, text)
	if err != nil {
		t.end()
	}
	return err
}

// commitPostgres knows that it has committed, or that it has not, or says that it does not know: a server that was told to
// commit a transaction in which a statement had failed rolls it back and calls that no error.
func commitPostgres(t *tx) error {
	var tag pgconn.CommandTag
	var failed error
	err := t.conn.Raw(func(c any) error {
		tag, failed = c.(*stdlib.Conn).Conn().Exec(t.ctx, "COMMIT")
		return nil
	})
	if err = errors.Join(err, failed); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) && e.SeverityUnlocalized == "ERROR" {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	if tag.String() != "COMMIT" {
		return errors.New("a statement had failed: all of its transaction was rolled back")
	}
	return nil
}

// tries is how often a transaction is run again that the server ended. All in all that is some three seconds: what a server
// needs to start anew, and less than a forge waits for an answer.
const tries = 6

func againPostgres(err error, try int) bool {
	if try >= tries || errors.Is(err, ErrUnsure) {
		return false
	}
	pause := time.Duration(0)
	switch {
	case lost(err):
		pause = 50 * time.Millisecond << try
	case collided(err):
		pause = 2 * time.Millisecond << try
	default:
		return false
	}
	time.Sleep(pause/2 + rand.N(pause))
	return true
}
