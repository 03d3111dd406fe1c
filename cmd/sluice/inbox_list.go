package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// stuckAfter is how long work that is due may wait until people should know.
const stuckAfter = 10 * time.Minute

// shownItem is a piece of work with what is wrong with it.
type shownItem struct {
	store.Item
	Stuck string `json:"stuck,omitempty"`
}

// inboxList lists pieces of work.
func inboxList(ctx context.Context, s *store.Store, args []string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("sluice inbox list", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, inboxUsage) }
	dead, all, stuck := flags.Bool("dead", false, ""), flags.Bool("all", false, ""), flags.Bool("stuck", false, "")
	kind, repo, older := flags.String("kind", "", ""), flags.String("repo", "", ""), flags.String("older", "", "")
	asJSON := flags.Bool("json", false, "as JSON")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed), nil
	}
	if flags.NArg() > 0 || *dead && *all || *stuck && (*dead || *all) {
		return 0, fmt.Errorf("list takes one of --dead, --stuck and --all, and --kind, --repo, --older and --json")
	}
	long := stuckAfter
	if *older != "" {
		given, err := policy.ParseDuration(*older)
		if err != nil {
			return 0, fmt.Errorf("--older: %w", err)
		}
		long = time.Duration(given)
	}
	filter := store.InboxFilter{All: *all, Kind: *kind, Repo: *repo}
	if *dead {
		filter.Standing = store.Dead
	}
	items, now := []shownItem{}, s.Now() // an empty list, not null, in JSON
	for {
		page, err := s.Inbox(ctx, filter)
		if err != nil {
			return 0, err
		}
		for _, i := range page {
			shown := shownItem{i, i.Stuck(now, long)}
			if *stuck && shown.Stuck == "" || !*stuck && *older != "" && (i.Since.IsZero() || now.Sub(i.Since) < long) {
				continue
			}
			items = append(items, shown)
		}
		if len(page) < store.InboxPage {
			break
		}
		filter.After = page[len(page)-1].ID
	}
	if *asJSON {
		return exitOpen, writeIndented(stdout, map[string]any{"version": 1, "items": items})
	}
	return exitOpen, writeInbox(stdout, items, now)
}

func writeIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeInbox writes a line per piece of work. What came from a forge is made plain: a terminal obeys odd characters.
func writeInbox(stdout io.Writer, items []shownItem, now time.Time) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(stdout, "Nothing waits.")
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTANDING\tKIND\tSUBJECT\tWAITS\tDUE\tTRIES\tCAUSE\tSTUCK\tLAST")
	for _, i := range items {
		last := i.Error
		if last == "" {
			last = i.Note
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", i.ID, i.Standing, i.Kind, gate.Plain(i.Key), ago(now, i.Since),
			due(now, i.Due), i.Attempts, gate.Plain(i.Why), gate.Plain(i.Stuck), gate.Plain(last))
	}
	return w.Flush()
}

// inboxShow shows a piece of work with what asked for it.
func inboxShow(ctx context.Context, s *store.Store, args []string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("sluice inbox show", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, inboxUsage) }
	asJSON := flags.Bool("json", false, "as JSON")
	args, err := parseAnywhere(flags, args, stdout)
	if err != nil {
		return helpOr(err, exitFailed), nil
	}
	if len(args) != 1 {
		return 0, fmt.Errorf("show takes one ID that `sluice inbox list` shows")
	}
	id, err := workID(args[0])
	if err != nil {
		return 0, err
	}
	i, causes, err := s.Item(ctx, id)
	if err != nil {
		return 0, err
	}
	shown := shownItem{i, i.Stuck(s.Now(), stuckAfter)}
	if *asJSON {
		return exitOpen, writeIndented(stdout, map[string]any{"version": 1, "item": shown, "causes": causes})
	}
	if err := writeInbox(stdout, []shownItem{shown}, s.Now()); err != nil {
		return 0, err
	}
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nAT\tCAUSE\tDETAIL\tCOMMIT\tDELIVERY\tDONE")
	for _, c := range causes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\n", c.At.Format(time.RFC3339), gate.Plain(c.Why), gate.Plain(c.Detail), gate.Plain(c.Commit), gate.Plain(c.Delivery), c.Done)
	}
	return exitOpen, w.Flush()
}
