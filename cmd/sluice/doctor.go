package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

const doctorUsage = `usage: sluice doctor [--json]

Looks, with the settings of sluice serve, whether everything is as it must be: tokens and their scopes, roles and ends; webhooks
and whether the forge sends to them; what each repository's settings enforce; clocks, versions, quotas, the database. Each
finding says what, why and what cures it. Nothing is changed.

Exit: 0 nothing is wrong; 1 something is; 2 it could not be looked.
`

// doctorCommand looks whether everything is set up as it must be.
func doctorCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice doctor", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), doctorUsage) }
	asJSON := flags.Bool("json", false, "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	s, err := readSettings(ctx, p.environ)
	if err == nil && len(args) > 0 {
		err = fmt.Errorf("it takes no %q", args[0])
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice doctor:", gate.Plain(err.Error()))
		return exitFailed
	}
	list := examine(ctx, s, p)
	if *asJSON {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(map[string]any{"version": 1, "wrong": count(list, wrong), "findings": list})
	} else if err = writeFindings(p.stdout, list); err == nil {
		_, err = fmt.Fprintf(p.stdout, "%d wrong, %d to know, %d well.\n", count(list, wrong), count(list, advice), count(list, fine))
	}
	switch {
	case err != nil:
		fmt.Fprintln(p.stderr, "sluice doctor:", err)
		return exitFailed
	case count(list, wrong) > 0:
		return exitShut
	}
	return exitOpen
}

// examine looks at everything that is configured.
func examine(ctx context.Context, s settings, p process) []finding {
	list := examineDatabase(ctx, s)
	if f, err := stored(ctx, s); err == nil {
		s = f.settings
	} else if !s.GitHub.Configured() && !s.GitLab.Configured() {
		list = append(list, finding{advice, "set-up", sentence(err), "what the page /setup stored is not looked at.", "start the server once, and see that its key file is there."})
	}
	return append(list, examineForges(ctx, s, s.logger(p.stderr))...)
}

// examineForges looks at the address and at the forges.
func examineForges(ctx context.Context, s settings, log *slog.Logger) []finding {
	list := examineAddress(ctx, s)
	if s.GitHub.Configured() {
		list = append(list, examineGitHub(ctx, s, log)...)
	}
	if s.GitLab.Configured() {
		list = append(list, examineGitLab(ctx, s, log)...)
	}
	if !s.GitHub.Configured() && !s.GitLab.Configured() {
		list = append(list, finding{wrong, "settings", "no forge is configured.", "there is nothing to guard.", "start sluice serve and open /setup, or set SLUICE_GITHUB_* or SLUICE_GITLAB_*; `sluice serve --help` lists them."})
	}
	return list
}

// examineAddress looks whether the server answers where the forge and people are told that it is.
func examineAddress(ctx context.Context, s settings) []finding {
	const about = "SLUICE_PUBLIC_URL"
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.PublicURL, "/")+"/readyz", nil)
	if err == nil {
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("it answers %d", resp.StatusCode)
			}
		}
	}
	if err != nil {
		return []finding{{advice, about, fmt.Sprintf("no ready server was found there from here (%s).", unaddressed(err)), "the forge sends deliveries there, and links point there.", "start the server, and see that its address can be reached from the forge."}}
	}
	return []finding{{fine, about, "the server is ready there.", "", ""}}
}

// unaddressed is an error of a connection without the address, which stands beside it already.
func unaddressed(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}
