package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// auditVerb is one of the commands of `sluice audit`.
type auditVerb func(ctx context.Context, p process) (int, error)

func auditVerbs() map[string]auditVerb {
	return map[string]auditVerb{"list": auditList, "verify": auditVerify, "export": auditExport, "checkpoint": auditCheckpoint, "key": auditKey}
}

// auditCommand reads the audit log, beside a server that is running or without one.
func auditCommand(ctx context.Context, p process) int {
	return verb(ctx, p, "audit", auditUsage, []string{"list", "verify", "export", "checkpoint", "key"}, auditVerbs())
}

// verb runs one of several commands under one name.
func verb(ctx context.Context, p process, name, usage string, words []string, verbs map[string]auditVerb) int {
	if len(p.args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, p.args[0]) {
		fmt.Fprint(p.stdout, usage)
		return exitOpen
	}
	if len(p.args) == 0 || verbs[p.args[0]] == nil {
		if len(p.args) > 0 {
			fmt.Fprintf(p.stderr, "sluice %s: %q is none of %s%s\n", name, p.args[0], strings.Join(words, ", "), meant(p.args[0], words))
		}
		fmt.Fprint(p.stderr, usage)
		return exitFailed
	}
	run := verbs[p.args[0]]
	p.args = p.args[1:]
	code, err := run(ctx, p)
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice %s: %v\n", name, err)
		if code == exitOpen {
			code = exitFailed
		}
	}
	return code
}

// beside opens the database of a server that may be running.
func beside(ctx context.Context, p process) (*store.Store, error) {
	url := p.getenv("SLUICE_DATABASE")
	if url == "" {
		url = "sqlite:sluice.db"
	}
	return store.Open(ctx, store.Options{URL: url, Beside: true})
}

// momentFlag is an option that holds a time.
type momentFlag struct {
	time.Time
	until bool // a day is meant with its end
}

func (m *momentFlag) String() string { return "" }

// Set reads a time ago, a day, or a time.
func (m *momentFlag) Set(s string) (err error) {
	if d, err := policy.ParseDuration(s); err == nil {
		m.Time = time.Now().Add(-time.Duration(d))
		return nil
	}
	if m.Time, err = time.Parse(time.DateOnly, s); err == nil {
		if m.until {
			m.Time = m.AddDate(0, 0, 1)
		}
		return nil
	}
	if m.Time, err = time.Parse(time.RFC3339, s); err != nil {
		return fmt.Errorf("want a time ago such as 90d, 2w or 36h, a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z")
	}
	return nil
}

func auditKinds() []string {
	return []string{string(gate.EntryDecision), string(gate.EntryOverride), string(gate.EntryCommand), string(gate.EntryPolicy), string(gate.EntryRelease),
		string(gate.EntryFinding), string(gate.EntryDeployment), string(gate.EntryOutside)}
}

func auditList(ctx context.Context, p process) (int, error) {
	var f store.AuditFilter
	var since, until momentFlag
	until.until = true
	flags := p.flags("audit list")
	flags.Var(&since, "since", "")
	flags.Var(&until, "until", "")
	flags.StringVar(&f.Who, "who", "", "")
	flags.StringVar(&f.Repo, "repo", "", "")
	flags.StringVar(&f.Check, "check", "", "")
	kind := flags.String("kind", "", "")
	flags.IntVar(&f.Newest, "newest", 0, "")
	asJSON := flags.Bool("json", false, "")
	if help, err := p.parse(flags, auditListUsage); help || err != nil {
		return exitOpen, err
	}
	if flags.NArg() > 0 || f.Newest < 0 {
		return 0, fmt.Errorf("list takes options alone, and a positive number for --newest; `sluice audit --help` tells more")
	}
	if *kind != "" {
		if !slices.Contains(auditKinds(), *kind) {
			return 0, fmt.Errorf("--kind %s: there is no such kind of entry%s; they are %s", *kind, meant(*kind, auditKinds()), strings.Join(auditKinds(), ", "))
		}
		f.Kinds = []gate.EntryKind{gate.EntryKind(*kind)}
	}
	f.Since, f.Until, f.Check = since.Time, until.Time, strings.TrimSpace(f.Check)
	f.WhoID, _ = strconv.ParseInt(f.Who, 10, 64) // else it is a login alone
	s, err := beside(ctx, p)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	list := newAuditTable(p.stdout)
	if *asJSON {
		list = newAuditJSON(p.stdout)
	}
	altered := 0
	err = s.Audit(ctx, f, func(k audit.Kept) error {
		e, err := audit.Open(k.Line)
		if err != nil {
			altered++
			fmt.Fprintf(p.stderr, "sluice audit: entry %d is not shown: %v\n", k.Seq, err)
			return nil
		}
		return list.add(e, k.Line)
	})
	if err == nil {
		err = list.end()
	}
	if err == nil && altered > 0 {
		return exitShut, fmt.Errorf("%d altered; `sluice audit verify` names the first that does not fit", altered)
	}
	return exitOpen, err
}

// auditListing writes entries one by one.
type auditListing struct {
	add func(e gate.Entry, line string) error
	end func() error
}

// newAuditTable writes a line for an entry. What came from a forge is made plain: a terminal obeys odd characters.
func newAuditTable(stdout io.Writer) auditListing {
	w, n := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0), 0
	return auditListing{
		add: func(e gate.Entry, _ string) error {
			if n == 0 {
				fmt.Fprintln(w, "SEQ\tAT\tKIND\tSUBJECT\tWHO\tCHECK\tOUTCOME\tREASON")
			}
			n++
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Seq, e.At.Format(time.RFC3339), plainOr(e.Kind), plainOr(subjectOf(e)), plainOr(e.Who.Login), plainOr(e.Check),
				plainOr(strings.TrimSpace(e.Command+" "+e.Outcome)), gate.Plain(e.Reason))
			if n%1000 == 0 { // columns may shift, and memory does not grow
				return w.Flush()
			}
			return nil
		},
		end: func() error {
			if n == 0 {
				fmt.Fprintln(stdout, "No entries.")
			}
			return w.Flush()
		},
	}
}

func plainOr[S ~string](s S) string {
	if plain := gate.Plain(string(s)); plain != "" {
		return plain
	}
	return "-"
}

// subjectOf names what an entry is about: repository, change, commit, environment.
func subjectOf(e gate.Entry) string {
	s := e.Repo
	if e.Change != 0 {
		s += "#" + strconv.Itoa(e.Change)
	}
	if e.Commit != "" {
		s += fmt.Sprintf("@%.8s", e.Commit)
	}
	if e.Environment != "" {
		s += " " + e.Environment
	}
	return s
}

// newAuditJSON writes the entries of the log as they are.
func newAuditJSON(stdout io.Writer) auditListing {
	w, between := bufio.NewWriter(stdout), `{"version":1,"entries":[`
	return auditListing{
		add: func(_ gate.Entry, line string) error {
			_, err := fmt.Fprintf(w, "%s\n%s", between, line)
			between = ","
			return err
		},
		end: func() error {
			if between != "," {
				fmt.Fprint(w, between)
			}
			fmt.Fprintln(w, "\n]}")
			return w.Flush()
		},
	}
}

func auditExport(ctx context.Context, p process) (int, error) {
	var since momentFlag
	flags := p.flags("audit export")
	flags.Var(&since, "since", "")
	after := flags.Int64("after", 0, "")
	if help, err := p.parse(flags, auditExportUsage); help || err != nil {
		return exitOpen, err
	}
	if flags.NArg() > 0 || *after < 0 || *after > 0 && !since.IsZero() {
		return 0, fmt.Errorf("export takes --since or --after, and nothing else; it writes to the standard output")
	}
	s, err := beside(ctx, p)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if !since.IsZero() {
		first, err := s.AuditSince(ctx, since.Time)
		if err != nil || first == 0 {
			return exitOpen, err
		}
		*after = first - 1 // and all after it, whatever their clocks said: an export has no gaps
	}
	w := bufio.NewWriter(p.stdout)
	err = s.Audit(ctx, store.AuditFilter{After: *after}, func(k audit.Kept) error {
		_, err := fmt.Fprintln(w, k.Line)
		return err
	})
	if err != nil {
		return 0, err
	}
	return exitOpen, w.Flush()
}

// writeReport writes a report for scripts.
func writeReport(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
