package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// errand is what one of the commands that ask a running server takes.
type errand struct {
	word, method, path string
	usage              string
	ref, lasts, waits  bool // it takes a REF, --for, --wait
	reasoned           bool // it needs a reason
	rejects            bool
}

const remoteUsage = `
Asks the server at SLUICE_PUBLIC_URL (http://localhost:8080), or ` + "`sluice --server URL`" + `, with the token in SLUICE_API_TOKEN: one
that you made at /tokens, or the operator's. What may be done is what the person may do at that moment, by the policy on the
default branch, and the audit log names that person.

  --repo OWNER/NAME  the repository, GROUP/SUBGROUP/NAME at GitLab
  --forge NAME       github or gitlab, where the server guards both
  --by LOGIN         in whose name it is asked, with the operator's token; with your own it is in yours
  --reason TEXT      why
  --key KEY          asked twice with one key, it is done once
`

const waitUsage = `  --wait             follow the promotion until it is live or has come to another end, and tell what holds it back
`

const remoteExits = `
Exit: 0 it was asked for and not refused; with --wait it is live; 1 it was refused, or failed; 2 it could not be asked, or
nobody could say what became of it.
`

func errands() map[string]errand {
	return map[string]errand{
		"deploy": {word: "deploy", method: http.MethodPost, path: "promotions", ref: true, waits: true,
			usage: "usage: sluice deploy ENVIRONMENT [REF] --repo OWNER/NAME --by LOGIN [--reason TEXT] [--key KEY] [--wait]\n\n" +
				"Asks for a promotion of REF (a commit, tag or branch), or of what is live and well in the environment before.\n"},
		"rollback": {word: "rollback", method: http.MethodPost, path: "rollback", ref: true, waits: true, reasoned: true,
			usage: "usage: sluice rollback ENVIRONMENT [REF] --reason TEXT --repo OWNER/NAME --by LOGIN [--key KEY] [--wait]\n\n" +
				"Goes back to REF (a commit or tag that was live and well there), or to what was before the one that is live now.\n"},
		"lock": {word: "lock", method: http.MethodPost, path: "lock", lasts: true, reasoned: true,
			usage: "usage: sluice lock ENVIRONMENT --reason TEXT [--for DURATION] --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Holds back every promotion into the environment, or, with '*', into all of them.\n"},
		"unlock": {word: "unlock", method: http.MethodDelete, path: "lock",
			usage: "usage: sluice unlock ENVIRONMENT --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Lifts the environment's locks, that of a rollback too, or, with '*', the repository's.\n"},
		"approve": {word: "approve", method: http.MethodPost, path: "approvals",
			usage: "usage: sluice approve ENVIRONMENT --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Approves what waits there.\n"},
		"reject": {word: "reject", method: http.MethodPost, path: "approvals", reasoned: true, rejects: true,
			usage: "usage: sluice reject ENVIRONMENT --reason TEXT --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Rejects what waits there.\n"},
		"cancel": {word: "cancel", method: http.MethodPost, path: "cancel",
			usage: "usage: sluice cancel ENVIRONMENT --repo OWNER/NAME --by LOGIN [--reason TEXT] [--key KEY]\n\n" +
				"Ends what waits there.\n"},
	}
}

// remoteCommand is one of the commands that ask a running server.
func remoteCommand(word string) func(context.Context, process) int {
	return func(ctx context.Context, p process) int { return runErrand(ctx, p, errands()[word]) }
}

// wish is what somebody wants done.
type wish struct {
	repo, forge            string
	by, reason, key, lasts string
	wait                   bool
	environment, ref       string
	at, checks, commit     string // of an override: its path, and what it is for
}

func runErrand(ctx context.Context, p process, e errand) int {
	var x wish
	flags := flag.NewFlagSet("sluice "+e.word, flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), e.help()) }
	flags.StringVar(&x.repo, "repo", "", "")
	flags.StringVar(&x.forge, "forge", "", "")
	flags.StringVar(&x.by, "by", "", "")
	flags.StringVar(&x.reason, "reason", "", "")
	flags.StringVar(&x.key, "key", newID(), "")
	if e.lasts {
		flags.StringVar(&x.lasts, "for", "", "")
	}
	if e.waits {
		flags.BoolVar(&x.wait, "wait", false, "")
	}
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if wrong := e.misused(&x, args, p.getenv("SLUICE_API_TOKEN")); wrong != "" {
		fmt.Fprintf(p.stderr, "sluice %s: %s\n%s", e.word, wrong, e.help())
		return exitFailed
	}
	r, err := newRemote(p)
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice %s: %v\n", e.word, err)
		return exitFailed
	}
	return r.run(ctx, e, &x)
}

func (e errand) help() string {
	text := e.usage + remoteUsage
	if e.lasts {
		text += "  --for DURATION     how long (2h, 1d); left out: until it is lifted\n"
	}
	if e.waits {
		text += waitUsage
	}
	return text + remoteExits
}

// misused says what is wrong with how the command was called.
func (e errand) misused(x *wish, args []string, token string) string {
	owner, name := splitRepo(x.repo)
	switch {
	case len(args) == 0:
		return "which environment is missing"
	case len(args) > 2 || len(args) == 2 && !e.ref:
		return fmt.Sprintf("%q is one word too many; a reason goes after --reason, in quotes", args[len(args)-1])
	case owner == "" || name == "":
		return "which repository is missing: --repo OWNER/NAME"
	case x.by == "" && !strings.HasPrefix(token, "sluice_"): // which says whose it is
		return "in whose name is missing: --by LOGIN"
	case e.reasoned && strings.TrimSpace(x.reason) == "":
		return "the reason is missing: --reason TEXT; it goes into the audit log"
	}
	if x.environment = args[0]; len(args) == 2 {
		x.ref = args[1]
	}
	return ""
}

// splitRepo is a repository's path as the owner, which may be a group below others, and the name.
func splitRepo(path string) (owner, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", ""
	}
	return path[:i], path[i+1:]
}

// remote is a server that is asked.
type remote struct {
	base   string
	token  string
	client *http.Client
	p      process
}

// newRemote reads where the server is. The token goes there alone, and never over a network in the clear.
func newRemote(p process) (*remote, error) {
	base := strings.TrimRight(p.getenv("SLUICE_PUBLIC_URL"), "/")
	if base == "" {
		base = "http://localhost:8080"
	}
	u, err := url.Parse(base)
	switch token := p.getenv("SLUICE_API_TOKEN"); {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return nil, fmt.Errorf("SLUICE_PUBLIC_URL: it is no http:// or https:// address of a server")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("SLUICE_PUBLIC_URL: the token would travel to %s in the clear, so it is not sent; set an https:// address", gate.Plain(u.Hostname()))
	case token == "":
		return nil, fmt.Errorf("SLUICE_API_TOKEN is not set, and the server takes nothing without it; make a token of your own at %s/tokens", gate.Plain(base))
	default:
		client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		return &remote{base, token, client, p}, nil
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// run asks, and tells what came of it.
func (r *remote) run(ctx context.Context, e errand, x *wish) int {
	id, code, err := r.ask(ctx, e, x)
	if err == nil && id != "" {
		code, err = r.follow(ctx, id, x.wait)
	}
	if err != nil {
		fmt.Fprintf(r.p.stderr, "sluice %s: %s\n", e.word, gate.Plain(err.Error()))
		return exitFailed
	}
	return code
}

// say prints one line of what a server or a forge said.
func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, gate.Plain(fmt.Sprintf(format, args...)))
}

// ended are the states after which nothing more comes.
var ended = []gate.State{gate.Live, gate.Verified, gate.Failed, gate.Superseded, gate.RolledBack, gate.Cancelled}

func well(s gate.State) bool { return slices.Contains([]gate.State{gate.Live, gate.Verified}, s) }
