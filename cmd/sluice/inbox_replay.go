package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	machine "os/user"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/webhook"
)

// inboxReplay reads a kept delivery anew, as its receiver would, and raises what it means. A server that runs takes that up.
func inboxReplay(ctx context.Context, s *store.Store, args []string, getenv func(string) string, stdout, stderr io.Writer) (int, error) {
	flags := flag.NewFlagSet("sluice inbox replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, inboxUsage) }
	forge, reason := flags.String("forge", "", ""), flags.String("reason", "", "")
	asJSON := flags.Bool("json", false, "")
	args, err := parseAnywhere(flags, args, stdout)
	if err != nil {
		return helpOr(err, exitFailed), nil
	}
	if len(args) != 1 {
		return 0, fmt.Errorf("replay takes the GUID of one delivery, as `sluice inbox show ID` and the forge's own log show it")
	}
	d, err := s.Delivery(ctx, *forge, args[0])
	if err != nil {
		return 0, err
	}
	means, err := meaningOf(s, getenv, d.Forge)
	if err != nil {
		return 0, err
	}
	read, err := webhook.Again(ctx, means, d)
	if err != nil {
		return 0, fmt.Errorf("read delivery %s: %w", args[0], err)
	}
	if err := s.Replay(ctx, read, operator(), *reason); err != nil {
		return 0, err
	}
	keys := []string{} // an empty list, not null, in JSON
	for _, m := range read.Marks {
		keys = append(keys, string(m.Kind)+" "+m.Key())
	}
	if *asJSON {
		return exitOpen, writeIndented(stdout, map[string]any{"version": 1, "forge": read.Forge, "delivery": read.ID, "event": read.Event, "action": read.Action, "due": keys})
	}
	what := "it means nothing that would be looked at"
	if len(keys) > 0 {
		what = "due at once: " + strings.Join(keys, ", ")
	}
	_, err = fmt.Fprintf(stdout, "%s %s, read anew: %s. The audit log says so.\n", gate.Plain(read.Event), gate.Plain(read.ID), gate.Plain(what))
	return exitOpen, err
}

// meaningOf are the receiver's settings that say what a delivery means; what only spares work is left out.
func meaningOf(s *store.Store, getenv func(string) string, forge string) (set webhook.Settings, err error) {
	set = webhook.Settings{HasOpen: s.HasOpen, Awaited: s.Awaited}
	if forge != "github" {
		return set, nil
	}
	at := github.Settings{URL: getenv("SLUICE_GITHUB_URL")}
	if at.URL == "" {
		at.URL = "https://github.com"
	}
	if id := getenv("SLUICE_GITHUB_APP_ID"); id != "" {
		if set.AppID, err = strconv.ParseInt(id, 10, 64); err != nil {
			return set, errors.New("SLUICE_GITHUB_APP_ID: it is no number; give replay the settings of the server")
		}
	}
	set.API, err = at.API()
	return set, err
}

// operator is who runs this, by the machine's own word.
func operator() string {
	if u, err := machine.Current(); err == nil {
		return u.Username
	}
	return "operator"
}
