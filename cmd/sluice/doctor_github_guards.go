package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/providers/github"
)

const (
	mostExamined = 50               // repositories of an account: each costs GitHub up to three requests
	mostAhead    = 30 * time.Second // of our clock: GitHub refuses an App's token from a minute on
	gateCheck    = "sluice/gate"
)

// githubExam is one look at GitHub.
type githubExam struct {
	client *github.Client
	app    int64
	now    func() time.Time
	say    func(level, about, what, why, cure string)
}

// pulse looks at the clock, and at how deliveries go.
func (x *githubExam) pulse(ctx context.Context, pull bool) {
	const app = "GitHub App"
	p, err := x.client.Pulse(ctx)
	if err != nil {
		x.say(wrong, app, sentence(err), "what was missed while down is not found.", "see the log of the server.")
		return
	}
	if off := x.now().Sub(p.Now); !p.Now.IsZero() && off.Abs() > mostAhead {
		x.say(wrong, "clock", fmt.Sprintf("this machine's clock differs from GitHub's by %v.", off.Round(time.Second)), "GitHub refuses the App's tokens, and soaks and windows are off by that much.", "timedatectl set-ntp true")
	} else {
		x.say(fine, "clock", "it is GitHub's, within half a minute.", "", "")
	}
	switch {
	case pull:
	case p.Sent == 0:
		x.say(advice, app, "GitHub has sent no delivery in the last days.", "either nothing happened, or the webhook is not active.", "open a change in a repository where the App is installed, and look again.")
	case p.Failed > 0:
		x.say(wrong, app, fmt.Sprintf("of the last %d deliveries %d were not taken, the newest of them with %q.", p.Sent, p.Failed, p.Last),
			"what they told is known minutes later, from GitHub's log.", "see that SLUICE_PUBLIC_URL can be reached from GitHub, or set SLUICE_GITHUB_PULL=true where there is no way in.")
	default:
		x.say(fine, app, fmt.Sprintf("the last %d deliveries were taken, the newest of %s.", p.Sent, p.Newest.Format(time.RFC3339)), "", "")
	}
}

// guards looks whether GitHub holds the repositories of an account to the gate.
func (x *githubExam) guards(ctx context.Context, i github.AppInstallation) {
	about := "GitHub account " + i.Account
	list, more, err := x.client.Guards(ctx, i.ID, gateCheck, mostExamined)
	for _, g := range list {
		x.guard(g)
	}
	switch {
	case err != nil:
		x.say(wrong, about, sentence(err), "it is not known whether the gate holds there.", "see the log of the server, and look again.")
	case more > 0:
		x.say(advice, about, fmt.Sprintf("%d more repositories were not looked at.", more), "each costs requests that the server needs.", "an organisation's ruleset guards all of them at once: the page /setup shows one to copy.")
	case len(list) == 0:
		x.say(wrong, about, "the App sees no repository there.", "there is nothing to guard.", "its owner chooses repositories in the account's settings, Applications.")
	}
}

func (x *githubExam) guard(g github.Guard) {
	about := g.Repo
	pin := fmt.Sprintf("in its ruleset or branch protection, require %s and choose this App (%d) as its source; the page /setup shows a ruleset to copy.", gateCheck, x.app)
	switch {
	case g.Branch == "":
		x.say(advice, about, "it has no branch yet.", "", "")
		return
	case !g.Required:
		x.say(wrong, about, fmt.Sprintf("%s is not required on %s.", gateCheck, g.Branch), "changes are merged past a gate that is shut.", pin)
	case g.Other:
		x.say(wrong, about, fmt.Sprintf("%s on %s is required of another App.", gateCheck, g.Branch), "nothing can be merged there, whatever this one says.", pin)
	case !g.Pinned:
		x.say(wrong, about, fmt.Sprintf("%s is required on %s, of anybody.", gateCheck, g.Branch), "whoever may write there can say that it passes.", pin)
	default:
		x.say(fine, about, fmt.Sprintf("%s is required on %s, and this App alone can say it.", gateCheck, g.Branch), "", "")
	}
	if !g.Policy {
		x.say(advice, about, "its default branch has no .sluice.yml.", "the organisation's policy holds, or else the defaults.", "`sluice init` writes one that fits; the page /setup opens it as a change.")
	}
}

// quotas tells of what is nearly used up.
func (x *githubExam) quotas() {
	low := false
	for _, q := range x.client.Quotas() {
		if q.Limit > 0 && q.Left*10 < q.Limit {
			low = true
			x.say(advice, "GitHub quota", strings.TrimSpace(fmt.Sprintf("of %d requests (%s) of installation %d %d are left until %s.", q.Limit, q.Resource, q.Account, q.Left, q.Reset.UTC().Format(time.RFC3339))),
				"events are judged late when it is used up; sweeps wait first.", "`sluice quota` says what uses it; on Enterprise Server the limit can be raised.")
		}
	}
	if !low {
		x.say(fine, "GitHub quota", "more than a tenth is left of all that was looked at.", "", "")
	}
}
