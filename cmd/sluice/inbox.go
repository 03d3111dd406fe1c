package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const inboxUsage = `usage: sluice inbox list [--dead] [--all] [--json]
       sluice inbox retry ID...|--all

list shows the work that waits, runs or failed too often (dead), and with --all what a timer will bring.
retry makes work due at once. A server that is running takes it up within a second.
The database is the one in SLUICE_DATABASE (sqlite:sluice.db).
`

// inboxCommand shows and moves what waits in the inbox, beside a server that is running or without one.
func inboxCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	verbs := map[string]func(context.Context, *store.Store, []string, io.Writer, io.Writer) (int, error){
		"list": inboxList, "retry": inboxRetry,
	}
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help") {
		fmt.Fprint(stdout, inboxUsage)
		return exitOpen
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		if len(args) > 0 {
			fmt.Fprintf(stderr, "sluice inbox: %q is neither list nor retry%s\n", args[0], meant(args[0], []string{"list", "retry"}))
		}
		fmt.Fprint(stderr, inboxUsage)
		return exitFailed
	}
	url := getenv("SLUICE_DATABASE")
	if url == "" {
		url = "sqlite:sluice.db"
	}
	s, err := store.Open(ctx, store.Options{URL: url, Beside: true})
	if err != nil {
		fmt.Fprintln(stderr, "sluice inbox:", err)
		return exitFailed
	}
	defer s.Close()
	code, err := verbs[args[0]](ctx, s, args[1:], stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "sluice inbox:", err)
		return exitFailed
	}
	return code
}

func inboxList(ctx context.Context, s *store.Store, args []string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("sluice inbox list", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, inboxUsage) }
	dead := flags.Bool("dead", false, "only what failed too often")
	all := flags.Bool("all", false, "also what a timer will bring")
	asJSON := flags.Bool("json", false, "as JSON")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed), nil
	}
	if flags.NArg() > 0 || *dead && *all {
		return 0, fmt.Errorf("list takes --dead or --all, and --json")
	}
	filter := store.InboxFilter{All: *all}
	if *dead {
		filter.Standing = store.Dead
	}
	items := []store.Item{} // an empty list, not null, in JSON
	for {
		page, err := s.Inbox(ctx, filter)
		if err != nil {
			return 0, err
		}
		items = append(items, page...)
		if len(page) < store.InboxPage {
			break
		}
		filter.After = page[len(page)-1].ID
	}
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return exitOpen, e.Encode(map[string]any{"version": 1, "items": items})
	}
	return exitOpen, writeInbox(stdout, items, time.Now())
}

// writeInbox writes a line per piece of work. What came from a forge is made plain: a terminal obeys odd characters.
func writeInbox(stdout io.Writer, items []store.Item, now time.Time) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(stdout, "Nothing waits.")
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTANDING\tKIND\tSUBJECT\tWAITS\tDUE\tTRIES\tCAUSE\tLAST")
	for _, i := range items {
		last := i.Error
		if last == "" {
			last = i.Note
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", i.ID, i.Standing, i.Kind, gate.Plain(i.Key), ago(now, i.Since),
			due(now, i.Due), i.Attempts, gate.Plain(i.Why), gate.Plain(last))
	}
	return w.Flush()
}

func ago(now, at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return max(0, now.Sub(at)).Round(time.Second).String()
}

func due(now, at time.Time) string {
	if !at.After(now) {
		return "now"
	}
	return "in " + at.Sub(now).Round(time.Second).String()
}

func inboxRetry(ctx context.Context, s *store.Store, args []string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("sluice inbox retry", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, inboxUsage) }
	all := flags.Bool("all", false, "all that failed")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed), nil
	}
	if *all == (flags.NArg() > 0) {
		return 0, fmt.Errorf("retry takes the IDs that `sluice inbox list` shows, or --all")
	}
	var ids []int64
	for _, arg := range flags.Args() {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return 0, fmt.Errorf("%q is no ID that `sluice inbox list` shows", arg)
		}
		ids = append(ids, id)
	}
	n, err := s.Retry(ctx, ids...)
	if err != nil {
		return 0, err
	}
	if fmt.Fprintf(stdout, "%d due at once.\n", n); n < len(ids) {
		return 0, fmt.Errorf("%d of them are not there, or run at the moment", len(ids)-n)
	}
	return exitOpen, nil
}
