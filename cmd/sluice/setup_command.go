package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const setupUsage = `usage: sluice setup open
       sluice setup forget github|gitlab|all

Sees to what the page /setup of a server stored, with the settings of sluice serve, beside a server that runs or without one.

  open    opens the page again, after it was closed, and shows a new token for it: for whoever has lost the token, or for a
          server whose administrators cannot sign in
  forget  deletes the stored credentials of a forge, so that it can be set up anew; the key file need not be there. A server
          that runs goes on without that forge. The App itself stays at the forge: delete it there

Where the environment configures a forge the page is for administrators alone, and open changes nothing of that.
`

// setupCommand sees to what the page stored.
func setupCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice setup", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), setupUsage) }
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	var do func(context.Context, *setup) (string, error)
	switch {
	case slices.Equal(args, []string{"open"}):
		do = reopen
	case len(args) == 2 && args[0] == "forget" && slices.Contains([]string{partGitHub, partGitLab, "all"}, args[1]):
		do = func(ctx context.Context, x *setup) (string, error) { return forget(ctx, x, args[1]) }
	default:
		fmt.Fprint(p.stderr, setupUsage)
		return exitFailed
	}
	said, err := besides(ctx, p, do)
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice setup:", gate.Plain(err.Error()))
		return exitFailed
	}
	fmt.Fprintln(p.stdout, said)
	return exitOpen
}

// besides does something to the database, whether a server has it open or not.
func besides(ctx context.Context, p process, do func(context.Context, *setup) (string, error)) (said string, err error) {
	s, err := readSettings(ctx, p.environ)
	if err != nil {
		return "", err
	}
	st, err := store.Open(ctx, store.Options{URL: s.Database, Beside: true})
	if err != nil {
		return "", err
	}
	defer st.Close()
	return do(ctx, newSetup(&server{store: st, settings: s, log: slog.New(slog.DiscardHandler)}))
}

// reopen opens the page, and says where it is.
func reopen(ctx context.Context, x *setup) (string, error) {
	s := x.server.settings
	if !x.force().waits() {
		return "", fmt.Errorf("the environment configures a forge, so /setup is for administrators alone: SLUICE_ADMINS names them")
	}
	token, err := x.offer(ctx, true)
	if err != nil {
		return "", err
	}
	if err := x.server.store.DropSetup(ctx, partPeople); err != nil {
		return "", err
	}
	return fmt.Sprintf("The set-up is open: %s/setup?token=%s\nThe token is good once: %s", strings.TrimRight(s.PublicURL, "/"), token, token), nil
}

// forget deletes what is stored of a forge.
func forget(ctx context.Context, x *setup, what string) (string, error) {
	for _, name := range []string{partGitHub, partGitLab, partPeople, partToken} {
		if name != what && what != "all" {
			continue
		}
		if err := x.server.store.DropSetup(ctx, name); err != nil {
			return "", err
		}
	}
	e := gate.Entry{Kind: gate.EntryCommand, Forge: forgeOf(what), Command: "setup forget", Outcome: "done", Who: gate.Who{Login: "operator"}, Reason: "What the set-up stored was forgotten: " + what + "."}
	if err := x.server.store.Enter(ctx, e); err != nil {
		return "", err
	}
	return "Forgotten. The App or token itself is deleted at the forge. sluice setup open opens the page again.", nil
}
