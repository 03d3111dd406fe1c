package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

const qLastEntry = `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`

// Two writers that read the same end would make the same seq: the key refuses the second, and the chain never forks.
const qEnter = `
INSERT INTO audit (seq, at, kind, forge, repo, number, who, login, name, line, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

const qEntries = `SELECT seq, at, kind, forge, repo, number, who, login, name, line, hash FROM audit WHERE seq > $1`

const qFirstSince = `SELECT min(seq) FROM audit WHERE at >= $1`

// Enter appends entries to the audit log, where they come of something else than a piece of work.
func (s *Store) Enter(ctx context.Context, entries ...gate.Entry) error {
	entries = s.tidied(entries)
	return s.do(ctx, patient, func(t *tx) error { return enter(t, entries) })
}

// tidied makes entries ready to be written: it takes longer than a writer should.
func (s *Store) tidied(entries []gate.Entry) []gate.Entry {
	tidy := make([]gate.Entry, len(entries))
	for i, e := range entries {
		tidy[i] = audit.Tidy(e, s.Now())
	}
	return tidy
}

// enter has tidy entries appended when all else of the transaction is written. The end of the log is what every writer
// must have to itself, so that it is taken last and held for as short as can be.
func enter(t *tx, entries []gate.Entry) error {
	t.late = append(t.late, entries...)
	return nil
}

// enter appends the entries that are late, each chained to the one before. The end is read each time: what an earlier
// transaction entered may have been rolled back, and others write too.
func (t *tx) enter() error {
	entries := t.late
	t.late = nil
	if len(entries) == 0 {
		return nil
	}
	if err := t.lock("audit"); err != nil {
		return fmt.Errorf("wait for the end of the audit log: %w", err)
	}
	var end audit.End
	if _, err := t.row([]any{&end.Seq, &end.Hash}, qLastEntry); err != nil {
		return fmt.Errorf("read the end of the audit log: %w", err)
	}
	for _, e := range entries {
		e, line, err := audit.Seal(e, end.Seq, end.Hash)
		if err != nil {
			return err
		}
		k := audit.Keep(e, line)
		if _, err := t.exec(qEnter, k.Seq, k.At, k.Kind, k.Forge, k.Repo, k.Change, k.Who, k.Login, k.Check, k.Line, k.Hash); err != nil {
			return fmt.Errorf("enter into the audit log: %w", err)
		}
		end = audit.End{Seq: e.Seq, Hash: e.Hash}
	}
	return nil
}

// AuditEnd is the end of the audit log.
func (s *Store) AuditEnd(ctx context.Context) (end audit.End, err error) {
	_, err = s.scan(ctx, []any{&end.Seq, &end.Hash}, qLastEntry)
	return end, err
}

// AuditSince is the first entry with this time or a later one, or 0.
func (s *Store) AuditSince(ctx context.Context, since time.Time) (int64, error) {
	var seq sql.NullInt64
	_, err := s.scan(ctx, []any{&seq}, qFirstSince, since.UnixMilli())
	return seq.Int64, err
}

// AuditFilter says which entries to read; zero values say all.
type AuditFilter struct {
	After        int64 // the seq before the first
	Since, Until time.Time
	Who          string // login
	WhoID        int64  // or this id
	Repo, Check  string
	Repos        []string // one of these; nil: any
	Before       int64    // the seq after the last; 0: to the end
	Kinds        []gate.EntryKind
	Newest       int // so many of the newest
}

// Audit hands over entries in their order, as they are kept, and ends with the first error that see returns. All are
// read at one moment, and one at a time.
func (s *Store) Audit(ctx context.Context, f AuditFilter, see func(audit.Kept) error) error {
	text, args := f.text()
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	err = each(rows, func(scan func(...any) error) error {
		k, err := scanEntry(scan)
		if err != nil {
			return err
		}
		return see(k)
	})
	return s.explain(err)
}

// named are the checks of an entry as a list of ",changelog,approval,": a command names several, and each as people write
// it. literal is for a word in a pattern of LIKE.
const named = `replace(',' || lower(name) || ',', ',sluice/', ',')`

var literal = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func (f AuditFilter) text() (string, []any) {
	text, args := qEntries, []any{f.After}
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	if !f.Since.IsZero() {
		text += " AND at >= " + arg(f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		text += " AND at < " + arg(f.Until.UnixMilli())
	}
	if f.Who != "" {
		login := "login = " + arg(audit.Fold(f.Who))
		if f.WhoID != 0 {
			login += " OR who = " + arg(f.WhoID)
		}
		text += " AND (" + login + ")"
	}
	if f.Repo != "" {
		text += " AND repo = " + arg(audit.Fold(f.Repo))
	}
	if f.Before > 0 {
		text += " AND seq < " + arg(f.Before)
	}
	if len(f.Repos) > 0 {
		var list []string
		for _, r := range f.Repos {
			list = append(list, arg(audit.Fold(r)))
		}
		text += " AND repo IN (" + strings.Join(list, ", ") + ")"
	}
	if f.Check != "" {
		text += " AND " + named + " LIKE " + arg("%,"+literal.Replace(strings.TrimPrefix(audit.Fold(f.Check), "sluice/"))+",%") + " ESCAPE '!'"
	}
	if len(f.Kinds) > 0 {
		var list []string
		for _, k := range f.Kinds {
			list = append(list, arg(string(k)))
		}
		text += " AND kind IN (" + strings.Join(list, ", ") + ")"
	}
	if f.Newest > 0 {
		return "SELECT * FROM (" + text + " ORDER BY seq DESC LIMIT " + arg(f.Newest) + ") AS newest ORDER BY seq", args
	}
	return text + " ORDER BY seq", args
}

func scanEntry(scan func(...any) error) (k audit.Kept, err error) {
	err = scan(&k.Seq, &k.At, &k.Kind, &k.Forge, &k.Repo, &k.Change, &k.Who, &k.Login, &k.Check, &k.Line, &k.Hash)
	return k, err
}

// VerifyAudit reads the log into the chain, from where the chain has got to, and returns the *audit.Fault that it found.
// Any other error says that the log could not be read. A writer beside it does no harm: all is read at one moment.
func (s *Store) VerifyAudit(ctx context.Context, c *audit.Chain) error {
	text, args := AuditFilter{After: c.End().Seq}.text()
	all := c.End().Seq == 0
	if all {
		args[0] = int64(-1 << 63) // an entry stored under no proper number is a fault, not out of sight
	}
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	err = each(rows, func(scan func(...any) error) error {
		k, err := scanEntry(scan)
		if err != nil {
			return &audit.Fault{Seq: c.End().Seq + 1, What: "altered: its row cannot be read: " + err.Error()}
		}
		return c.Row(k)
	})
	if err == nil {
		err = c.Close()
	}
	if err == nil && all {
		err = s.searchable(ctx)
	}
	var fault *audit.Fault
	if err == nil || errors.As(err, &fault) {
		return err
	}
	return s.explain(err)
}

// searchable says whether the indexes that lists go by hold the same entries as the log.
func (s *Store) searchable(ctx context.Context) error {
	if s.d.whole == nil {
		return nil
	}
	what, err := s.d.whole(ctx, s, "audit")
	if err == nil && what != "" {
		err = &audit.Fault{What: "the entries are whole, and the indexes by which they are found are not: " + what}
	}
	return err
}
