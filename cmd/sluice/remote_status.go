package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// askingCommands are those that ask a server.
func askingCommands() []string {
	return []string{"status", "deploy", "rollback", "lock", "unlock", "approve", "reject", "cancel", "override", "quota"}
}

// toServer takes `--server URL` off the front, which stands for SLUICE_PUBLIC_URL to the commands that ask a server.
func toServer(p process) (_ process, wrong string) {
	first := p.args[0]
	value, given := strings.CutPrefix(first, "--server=")
	switch {
	case given:
		p.args = p.args[1:]
	case first != "--server":
		return p, ""
	case len(p.args) < 2:
		return p, "--server is without its address; write `sluice --server URL COMMAND`"
	default:
		value, p.args = p.args[1], p.args[2:]
	}
	switch {
	case value == "" || len(p.args) == 0:
		return p, "an address and a command go with --server; write `sluice --server URL COMMAND`"
	case !slices.Contains(askingCommands(), p.args[0]):
		return p, fmt.Sprintf("%q asks no server; with --server go %s", p.args[0], strings.Join(askingCommands(), ", "))
	}
	p.environ = append(slices.Clone(p.environ), "SLUICE_PUBLIC_URL="+value)
	return p, ""
}

const statusUsage = `usage: sluice status --repo OWNER/NAME [--forge NAME] [--json]

Shows what is live, under way and waiting in each environment, and what is locked, as the server at SLUICE_PUBLIC_URL
(http://localhost:8080), or ` + "`sluice --server URL`" + `, knows it. The token is in SLUICE_API_TOKEN.
`

// stands is where environments stand, as the server tells it.
type stands struct {
	Detail       string
	Environments []struct {
		Name          string
		Live, Waiting *standing
		UnderWay      *standing `json:"under_way"`
		Locks         []struct {
			Environment, By, Reason string
			Until                   time.Time
		}
	}
}

type standing struct {
	Commit, By, Why string
	State           gate.State
	Since           time.Time
}

func statusCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice status", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), statusUsage) }
	repo := flags.String("repo", "", "")
	forge := flags.String("forge", "", "")
	asJSON := flags.Bool("json", false, "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	owner, name := splitRepo(*repo)
	if len(args) > 0 || owner == "" || name == "" {
		fmt.Fprintf(p.stderr, "sluice status: which repository is missing, or there is a word too many: --repo OWNER/NAME\n%s", statusUsage)
		return exitFailed
	}
	if err := showStatus(ctx, p, owner, name, *forge, *asJSON); err != nil {
		fmt.Fprintln(p.stderr, "sluice status:", gate.Plain(err.Error()))
		return exitFailed
	}
	return exitOpen
}

func showStatus(ctx context.Context, p process, owner, name, forge string, asJSON bool) error {
	r, err := newRemote(p)
	if err != nil {
		return err
	}
	path := "/api/v1/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/environments"
	if forge != "" {
		path += "?forge=" + url.QueryEscape(forge)
	}
	var raw json.RawMessage
	status, err := r.call(ctx, http.MethodGet, path, nil, "", &raw)
	if err != nil {
		return err
	}
	var got stands
	if err := json.Unmarshal(raw, &got); err != nil || status != http.StatusOK {
		return fmt.Errorf("the server does not tell (%d): %s", status, cmp.Or(got.Detail, "it gave no reason; is SLUICE_PUBLIC_URL a Sluice of this version?"))
	}
	if asJSON {
		_, err := fmt.Fprintf(p.stdout, "%s\n", raw)
		return err
	}
	return got.write(p)
}

// write shows a line for each environment, and beneath it what holds it back.
func (s stands) write(p process) error {
	if len(s.Environments) == 0 {
		fmt.Fprintln(p.stdout, "no environment is guarded there, or none was looked at yet")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENVIRONMENT\tLIVE\tUNDER WAY\tWAITING")
	for _, e := range s.Environments {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", gate.Plain(e.Name), e.Live.text(), e.UnderWay.text(), e.Waiting.text())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, e := range s.Environments {
		for _, l := range e.Locks {
			until := ""
			if !l.Until.IsZero() {
				until = ", until " + l.Until.UTC().Format("2006-01-02 15:04 UTC")
			}
			say(p.stdout, "%s is locked by %s%s: %s", e.Name, l.By, until, l.Reason)
		}
	}
	return nil
}

func (x *standing) text() string {
	if x == nil {
		return "-"
	}
	return gate.Plain(fmt.Sprintf("%.8s %s since %s", x.Commit, x.State, x.Since.UTC().Format("2006-01-02 15:04")))
}
