package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const copyUsage = `usage: sluice copy --from URL --to URL

Copies all that one database holds into another, sqlite:PATH or postgres://…, in any direction. The other one must be empty:
it is made where it is a file, and on PostgreSQL with createdb. No server may run on either. What was written is read back and
compared row by row, and the audit log is verified, before any of it is kept: after a failure the other one is empty still.
Give a password in PGPASSWORD or ~/.pgpass rather than here, where other users of this machine may see it.
`

// copyCommand moves everything from one database into another.
func copyCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice copy", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), copyUsage) }
	from, to := flags.String("from", "", ""), flags.String("to", "", "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if len(args) > 0 || *from == "" || *to == "" {
		fmt.Fprint(p.stderr, "sluice copy: it takes --from and --to\n", copyUsage)
		return exitFailed
	}
	told := progress{w: p.stderr}
	done, err := store.Copy(ctx, store.Copying{From: *from, To: *to, Log: slog.New(slog.NewTextHandler(p.stderr, nil)), Progress: told.row})
	if err == nil {
		err = writeCopied(p.stdout, done)
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice copy:", gate.Plain(err.Error()))
		return exitFailed
	}
	return exitOpen
}

// progress says how far a table is, at its end and every second.
type progress struct {
	w    io.Writer
	last time.Time
}

func (p *progress) row(table string, rows, of int64) {
	if rows < of && time.Since(p.last) < time.Second {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.w, "%s: %d of %d rows\n", table, rows, of)
}

func writeCopied(out io.Writer, done *store.Copied) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tSHA-256 ON BOTH SIDES")
	mended := int64(0)
	for _, t := range done.Tables {
		fmt.Fprintf(w, "%s\t%d\t%s\n", t.Name, t.Rows, t.Digest)
		mended += t.Mended
	}
	err := w.Flush()
	if mended > 0 {
		fmt.Fprintf(out, "%d texts held characters that PostgreSQL cannot: those became %q.\n", mended, "\ufffd")
	}
	end := "The audit log is empty on both sides."
	if done.Audit.Seq > 0 {
		end = fmt.Sprintf("The audit log is whole, and ends on both sides with entry %d, %s.", done.Audit.Seq, done.Audit.Hash)
	}
	_, said := fmt.Fprintf(out, "%s\nNow let SLUICE_DATABASE name %s, and keep %s until you trust it.\n", end, done.To, done.From)
	return errors.Join(err, said)
}
