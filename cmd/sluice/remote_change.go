package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// onChange is a command about a change that asks a running server, beside override, which binds to a commit.
type onChange struct {
	errand
	check bool // it names a check
	may   bool // it may have a reason
}

func changeErrands() map[string]onChange {
	return map[string]onChange{
		"revoke": {errand: errand{word: "revoke", method: http.MethodDelete, path: "overrides",
			usage: "usage: sluice revoke CHECK --change NUMBER --repo OWNER/NAME --by LOGIN [--reason TEXT] [--key KEY]\n\n" +
				"Takes an override back: the check counts again.\n"}, check: true, may: true},
		"hold": {errand: errand{word: "hold", method: http.MethodPost, path: "hold", reasoned: true,
			usage: "usage: sluice hold --change NUMBER --reason TEXT --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Keeps the gate of a change shut, whatever is pushed, until somebody with at least the same right lifts it.\n"}, may: true},
		"unhold": {errand: errand{word: "unhold", method: http.MethodDelete, path: "hold",
			usage: "usage: sluice unhold --change NUMBER --repo OWNER/NAME --by LOGIN [--reason TEXT] [--key KEY]\n\n" +
				"Lifts the hold of a change.\n"}, may: true},
		"recheck": {errand: errand{word: "recheck", method: http.MethodPost, path: "recheck",
			usage: "usage: sluice recheck --change NUMBER --repo OWNER/NAME --by LOGIN [--key KEY]\n\n" +
				"Has a change read and judged afresh.\n"}},
	}
}

// changeCommand is one of them.
func changeCommand(word string) func(context.Context, process) int {
	return func(ctx context.Context, p process) int { return runOnChange(ctx, p, changeErrands()[word]) }
}

func runOnChange(ctx context.Context, p process, e onChange) int {
	var x wish
	help := e.usage + remoteUsage + "  --change NUMBER    of the pull or merge request\n" + remoteExits
	flags := flag.NewFlagSet("sluice "+e.word, flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), help) }
	change := flags.Int("change", 0, "")
	for name, to := range map[string]*string{"repo": &x.repo, "forge": &x.forge, "by": &x.by} {
		flags.StringVar(to, name, "", "")
	}
	if e.may {
		flags.StringVar(&x.reason, "reason", "", "")
	}
	flags.StringVar(&x.key, "key", newID(), "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if wrong := e.misused(&x, args, *change, p.getenv("SLUICE_API_TOKEN")); wrong != "" {
		fmt.Fprintf(p.stderr, "sluice %s: %s\n%s", e.word, wrong, help)
		return exitFailed
	}
	r, err := newRemote(p)
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice %s: %v\n", e.word, err)
		return exitFailed
	}
	owner, name := splitRepo(x.repo)
	x.at = "/api/v1/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/changes/" + strconv.Itoa(*change) + "/" + e.path
	if e.check {
		x.at += "/" + url.PathEscape(args[0])
	}
	return r.run(ctx, e.errand, &x)
}

// misused says what is wrong with how the command was called.
func (e onChange) misused(x *wish, args []string, change int, token string) string {
	owner, name := splitRepo(x.repo)
	switch {
	case e.check && len(args) != 1:
		return "one word is wanted: the check; a reason goes after --reason, in quotes"
	case !e.check && len(args) > 0:
		return fmt.Sprintf("%q is one word too many; a reason goes after --reason, in quotes", args[0])
	case owner == "" || name == "":
		return "which repository is missing: --repo OWNER/NAME"
	case change <= 0:
		return "which change is missing: --change NUMBER"
	case x.by == "" && !strings.HasPrefix(token, "sluice_"): // which says whose it is
		return "in whose name is missing: --by LOGIN"
	case e.reasoned && strings.TrimSpace(x.reason) == "":
		return "the reason is missing: --reason TEXT; it goes into the audit log"
	}
	return ""
}
