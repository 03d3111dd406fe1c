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

const overrideUsage = `usage: sluice override CHECK[,CHECK...] --change NUMBER --commit SHA --reason TEXT --repo OWNER/NAME --by LOGIN [--for DURATION] [--key KEY]

Lets named checks of a change through, for the commit that you have looked at: nothing of it holds for another one.
`

const overrideFlags = `  --change NUMBER    of the pull or merge request
  --commit SHA       its head, in full
  --for DURATION     at most so long (2h, 1d); left out: until the next push
`

// overrideCommand asks a server for an override.
func overrideCommand(ctx context.Context, p process) int {
	var x wish
	e := errand{word: "override", method: http.MethodPost, usage: overrideUsage, reasoned: true}
	flags := flag.NewFlagSet("sluice override", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	help := overrideUsage + remoteUsage + overrideFlags + remoteExits
	flags.Usage = func() { fmt.Fprint(flags.Output(), help) }
	change := flags.Int("change", 0, "")
	for name, to := range map[string]*string{"repo": &x.repo, "forge": &x.forge, "by": &x.by, "reason": &x.reason, "for": &x.lasts, "commit": &x.commit} {
		flags.StringVar(to, name, "", "")
	}
	flags.StringVar(&x.key, "key", newID(), "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	wrong := ""
	owner, name := splitRepo(x.repo)
	switch {
	case len(args) != 1:
		wrong = "one word is wanted: the checks, with commas between them; a reason goes after --reason, in quotes"
	case owner == "" || name == "":
		wrong = "which repository is missing: --repo OWNER/NAME"
	case *change <= 0:
		wrong = "which change is missing: --change NUMBER"
	case x.commit == "":
		wrong = "which commit is missing: --commit SHA, the head that you have looked at"
	case x.by == "" && !strings.HasPrefix(p.getenv("SLUICE_API_TOKEN"), "sluice_"):
		wrong = "in whose name is missing: --by LOGIN"
	case strings.TrimSpace(x.reason) == "":
		wrong = "the reason is missing: --reason TEXT; it goes into the audit log"
	}
	if wrong != "" {
		fmt.Fprintf(p.stderr, "sluice override: %s\n%s", wrong, help)
		return exitFailed
	}
	r, err := newRemote(p)
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice override: %v\n", err)
		return exitFailed
	}
	x.checks = args[0]
	x.at = "/api/v1/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/changes/" + strconv.Itoa(*change) + "/overrides"
	return r.run(ctx, e, &x)
}
