package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const inboxUsage = `usage: sluice inbox list [--dead | --stuck | --all] [--kind KIND] [--repo OWNER/NAME] [--older 1h] [--json]
       sluice inbox show ID [--json]
       sluice inbox retry ID...|--all
       sluice inbox replay GUID [--forge github|gitlab] [--reason TEXT] [--json]

list shows the work that waits, runs or failed too often (dead), and with --all what a timer will bring; --stuck shows what does
not get on: dead, due for longer than ten minutes (--older says another time), taken again and again, or held by a server
that is gone. show tells what asked for a piece of work, and which delivery brought it.
retry makes work due at once. replay reads a delivery that is kept anew, as if it had just come, with the settings of the server;
that is entered into the audit log. A server that is running takes either up within a second.
The database is the one in SLUICE_DATABASE (sqlite:sluice.db).
`

// inboxCommand shows and moves what waits in the inbox, beside a server that is running or without one.
func inboxCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	verbs := map[string]func(context.Context, *store.Store, []string, io.Writer, io.Writer) (int, error){
		"list": inboxList, "retry": inboxRetry, "show": inboxShow,
		"replay": func(ctx context.Context, s *store.Store, args []string, stdout, stderr io.Writer) (int, error) {
			return inboxReplay(ctx, s, args, getenv, stdout, stderr)
		},
	}
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help") {
		fmt.Fprint(stdout, inboxUsage)
		return exitOpen
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		if len(args) > 0 {
			fmt.Fprintf(stderr, "sluice inbox: %q is none of list, show, retry and replay%s\n", args[0], meant(args[0], []string{"list", "show", "retry", "replay"}))
		}
		fmt.Fprint(stderr, inboxUsage)
		return exitFailed
	}
	s, err := store.Open(ctx, store.Options{URL: databaseOf(getenv), Beside: true})
	if err != nil {
		fmt.Fprintln(stderr, "sluice inbox:", gate.Plain(err.Error()))
		return exitFailed
	}
	defer s.Close()
	code, err := verbs[args[0]](ctx, s, args[1:], stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "sluice inbox:", gate.Plain(err.Error()))
		return exitFailed
	}
	return code
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
		id, err := workID(arg)
		if err != nil {
			return 0, err
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

func workID(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is no ID that `sluice inbox list` shows", arg)
	}
	return id, nil
}
