package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/sluicegate/sluice/gate/audit"
)

// Copying says what to copy where. From and To are database URLs.
type Copying struct {
	From, To string
	Log      *slog.Logger
	Progress func(table string, rows, of int64) // told of every row; may be nil
}

// Copied is what was copied, and that it is the same on both sides.
type Copied struct {
	From, To string // without passwords
	Tables   []CopiedTable
	Audit    audit.End // of the audit log, which is whole
}

// CopiedTable is one table. Digest is the SHA-256 of all its values in the order of its key, as read from either side.
type CopiedTable struct {
	Name   string
	Rows   int64
	Digest string
	Mended int64 // texts that PostgreSQL would not have taken as they were
}

// Copy copies all that a database holds into another one that holds nothing, of the same or the other kind, while nobody
// else has either. It reads at one moment, streams table by table, and writes one transaction: before that is committed,
// every table is read back and compared, and the audit log verified. So a failure leaves nothing in To.
func Copy(ctx context.Context, c Copying) (_ *Copied, err error) {
	if c.Progress == nil {
		c.Progress = func(string, int64, int64) {}
	}
	from, err := c.open(ctx, c.From, source)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := c.open(ctx, c.To, target)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	out := &Copied{From: from.path, To: to.path}
	if err := c.move(ctx, from, to, out); err != nil {
		again := fmt.Sprintf("nothing was kept in %s: mend that and run the same command again", to.path)
		if errors.Is(err, ErrUnsure) {
			again = fmt.Sprintf("run the same command again: it copies, or says that %s holds it all, which `sluice audit verify` there then confirms", to.path)
		}
		return nil, fmt.Errorf("copy %s to %s: %w; %s", from.path, to.path, err, again)
	}
	return out, nil
}

func (c Copying) open(ctx context.Context, at string, r role) (*Store, error) {
	return Open(ctx, Options{URL: at, Log: c.Log, role: r})
}

// reader is a connection in a transaction that sees one moment; writer one that may write.
func (s *Store) side(ctx context.Context, begin string) (*sql.Conn, error) {
	conn, err := s.sole, error(nil)
	if conn == nil {
		pool := s.read
		if s.opts.role == target {
			pool = s.write.db
		}
		if conn, err = pool.Conn(ctx); err != nil {
			return nil, s.d.explain(err)
		}
	}
	_, err = conn.ExecContext(ctx, begin)
	return conn, s.d.explain(err)
}

func (c Copying) move(ctx context.Context, from, to *Store, out *Copied) error {
	a, err := from.side(ctx, from.d.atOnce)
	if err != nil {
		return err
	}
	defer leave(from, a)
	b, err := to.side(ctx, "BEGIN")
	if err != nil {
		return err
	}
	defer leave(to, b)
	tables, err := alike(ctx, from, to, a, b)
	if err != nil {
		return err
	}
	if out.Audit, err = from.chained(ctx, a); err != nil {
		return fmt.Errorf("the audit log in %s: %w", from.path, err)
	}
	for _, t := range tables {
		done, err := c.table(ctx, from, to, a, b, t)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, to.d.explain(from.d.explain(err)))
		}
		out.Tables = append(out.Tables, done)
	}
	if err := same(ctx, to, b, tables, out); err != nil {
		return err
	}
	t := &tx{conn: b, d: to.d, texts: map[string]*sql.Stmt{}, ctx: ctx}
	if err := to.d.commit(t); err != nil {
		return to.d.explain(err)
	}
	return nil
}

// leave ends what is open on a connection, and gives back one that was borrowed.
func leave(s *Store, conn *sql.Conn) {
	conn.ExecContext(context.Background(), "ROLLBACK") //nolint:errcheck // there may be nothing to roll back
	if conn != s.sole {
		conn.Close()
	}
}

// alike says which tables there are, and refuses two schemas that differ and a database that holds something.
func alike(ctx context.Context, from, to *Store, a, b *sql.Conn) ([]table, error) {
	tables, err := from.tables(ctx, a)
	if err != nil {
		return nil, from.d.explain(err)
	}
	others, err := to.tables(ctx, b)
	if err != nil {
		return nil, to.d.explain(err)
	}
	for i, t := range tables {
		if len(others) != len(tables) || others[i].name != t.name || !slices.Equal(slices.Sorted(slices.Values(others[i].columns)), slices.Sorted(slices.Values(t.columns))) {
			return nil, fmt.Errorf("their schemas differ at table %s: has somebody added to one of them?", t.name)
		}
		tables[i].identity = others[i].identity
		var one int
		err := b.QueryRowContext(ctx, "SELECT 1 FROM "+quoted(t.name)+" LIMIT 1").Scan(&one)
		if err == nil {
			return nil, fmt.Errorf("%s holds something already (in table %s), and only an empty database is copied into: name another", to.path, t.name)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, to.d.explain(err)
		}
	}
	return tables, nil
}

// table copies one.
func (c Copying) table(ctx context.Context, from, to *Store, a, b *sql.Conn, t table) (done CopiedTable, err error) {
	var of int64
	if err := a.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted(t.name)).Scan(&of); err != nil {
		return done, err
	}
	rows, err := from.stream(ctx, a, t)
	if err != nil {
		return done, err
	}
	defer rows.rows.Close()
	rows.strict, rows.seen = to.d.begin != nil, func(n int64) { c.Progress(t.name, n, of) }
	if err := to.d.fill(ctx, b, t, rows); err != nil {
		return done, err
	}
	if err := rows.Err(); err != nil {
		return done, err
	}
	if to.d.number != nil {
		err = to.d.number(ctx, b, t)
	}
	return CopiedTable{t.name, rows.count, rows.digest(), rows.mended}, err
}

// same reads everything back, as it will be there, and compares.
func same(ctx context.Context, to *Store, b *sql.Conn, tables []table, out *Copied) error {
	for i, t := range tables {
		rows, err := to.stream(ctx, b, t)
		if err != nil {
			return to.d.explain(err)
		}
		for rows.Next() { //nolint:revive // it sums up as it goes
		}
		err = errors.Join(rows.Err(), rows.rows.Close())
		want := out.Tables[i]
		if err == nil && (rows.count != want.Rows || rows.digest() != want.Digest) {
			err = fmt.Errorf("%d rows were sent, with the digest %s, and %d are there, with %s", want.Rows, want.Digest, rows.count, rows.digest())
		}
		if err != nil {
			return fmt.Errorf("compare table %s: %w", t.name, to.d.explain(err))
		}
	}
	end, err := to.chained(ctx, b)
	if err == nil && end != out.Audit {
		err = fmt.Errorf("it ends with entry %d, %s, and not with %d, %s", end.Seq, end.Hash, out.Audit.Seq, out.Audit.Hash)
	}
	if err != nil {
		return fmt.Errorf("the copy of the audit log: %w", err)
	}
	return nil
}

// chained verifies the audit log on a connection, and says where it ends.
func (s *Store) chained(ctx context.Context, conn *sql.Conn) (audit.End, error) {
	var chain audit.Chain
	rows, err := conn.QueryContext(ctx, s.d.text(qEntries+" ORDER BY seq"), int64(-1<<63))
	if err != nil {
		return audit.End{}, s.d.explain(err)
	}
	err = each(rows, func(scan func(...any) error) error {
		k, err := scanEntry(scan)
		if err != nil {
			return err
		}
		return chain.Row(k)
	})
	if err == nil {
		err = chain.Close()
	}
	return chain.End(), s.d.explain(err)
}
