package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
)

// expiring is how long before a token's end somebody should be told.
const expiring = 30 * 24 * time.Hour

// examineGitLab looks at tokens, the instance, webhooks and settings.
func examineGitLab(ctx context.Context, s settings, log *slog.Logger) (list []finding) {
	client, err := newGitLab(s, outside{}, nil, log)
	if err != nil {
		return []finding{{wrong, "GitLab", sentence(err), "", "see the setting that is named."}}
	}
	x := &gitlabExam{client: client, wish: s.GitLab.Wish(s.PublicURL), now: time.Now()}
	if !x.tokens(ctx) {
		return x.list
	}
	x.version(ctx)
	x.places(ctx)
	return x.list
}

type gitlabExam struct {
	client *gitlab.Client
	wish   gitlab.Wish
	now    time.Time
	list   []finding
}

func (x *gitlabExam) say(level, about, what, why, cure string) {
	x.list = append(x.list, finding{level, about, what, why, cure})
}

// tokens looks at what our tokens are, and how long they last. Where none can be used nothing else can be seen.
func (x *gitlabExam) tokens(ctx context.Context) (usable bool) {
	for _, t := range x.client.Tokens(ctx) {
		about := "token for everything"
		if t.For != "" {
			about = "token for " + t.For
		}
		const renew = "make another one with the scope api and the role Maintainer, and set SLUICE_GITLAB_TOKEN."
		left := t.Expires.Sub(x.now)
		switch {
		case t.Err != nil:
			x.say(wrong, about, "it cannot be used: "+sentence(t.Err), "nothing can be read or shown.", renew)
			continue
		case !t.Active:
			x.say(wrong, about, "it was revoked or has expired.", "nothing can be read or shown.", renew)
			continue
		case !slices.Contains(t.Scopes, "api"):
			x.say(wrong, about, fmt.Sprintf("its scopes are %s.", strings.Join(t.Scopes, ", ")), "statuses, notes and deployments need the scope api.", renew)
		case !t.Expires.IsZero() && left < expiring:
			x.say(wrong, about, fmt.Sprintf("it expires on %s, in %d days.", t.Expires.Format(time.DateOnly), int(left.Hours()/24)), "from that day on nothing is read or shown, and every gate stays as it is.",
				"rotate it (Settings > Access tokens), and set SLUICE_GITLAB_TOKEN.")
		default:
			x.say(fine, about, "it acts as "+t.Account+", with the scope api.", "", "")
		}
		x.account(about, t)
		usable = true
	}
	return usable
}

// account looks at whose the token is, and what GitLab's answers to it tell.
func (x *gitlabExam) account(about string, t gitlab.Token) {
	if t.Admin {
		x.say(advice, about, "it is an administrator's of the whole instance.", "whoever gets hold of it has everything.", "use the token of a group or project.")
	}
	if !t.Bot {
		x.say(advice, about, "it is a person's: "+t.Account+".", "what Sluice does appears in that person's name, who can neither approve nor command then.", "use the access token of a group or project, or a service account.")
	}
	switch skew := t.Skew.Abs(); {
	case skew > 2*time.Minute:
		x.say(wrong, "clock", fmt.Sprintf("GitLab's is %v away from ours.", skew.Round(time.Second)), "signed deliveries of another time are refused after five minutes, and windows open at the wrong time.", "synchronise both clocks (NTP).")
	case skew > 20*time.Second:
		x.say(advice, "clock", fmt.Sprintf("GitLab's is %v away from ours.", skew.Round(time.Second)), "", "synchronise both clocks (NTP).")
	}
	if t.Left >= 0 && t.Limit > 0 && t.Left*10 < t.Limit {
		x.say(advice, about, fmt.Sprintf("%d of %d calls are left for now.", t.Left, t.Limit), "beyond them GitLab refuses, and Sluice waits.", "see what else uses this account.")
	}
}

// oldest is the version of GitLab from which on all that Sluice relies on is there; keyed from which on deliveries have keys.
var oldest, keyed = [2]int{16, 0}, [2]int{17, 4}

func (x *gitlabExam) version(ctx context.Context) {
	v, err := x.client.Version(ctx)
	var at [2]int
	if err == nil {
		_, err = fmt.Sscanf(v, "%d.%d", &at[0], &at[1])
	}
	switch {
	case err != nil:
		x.say(advice, "GitLab", "its version could not be read.", "", "")
	case slices.Compare(at[:], oldest[:]) < 0:
		x.say(wrong, "GitLab", "it is version "+v+".", "Sluice needs 16.0 or newer.", "update GitLab.")
	case slices.Compare(at[:], keyed[:]) < 0:
		x.say(advice, "GitLab", "it is version "+v+".", "before 17.4 a delivery has no key of its own, and is known by what it says.", "update GitLab.")
	default:
		x.say(fine, "GitLab", "it is version "+v+".", "", "")
	}
}

// places looks at the webhooks of groups and projects, and at each project's settings.
func (x *gitlabExam) places(ctx context.Context) {
	groups, projects, err := x.client.HookPlaces(ctx)
	if err != nil {
		x.say(wrong, "projects", sentence(err), "what cannot be listed is not guarded.", "see that the token reaches its group.")
	}
	if len(projects) == 0 && err == nil {
		x.say(wrong, "projects", "the tokens reach none.", "there is nothing to guard.", "add the token's account to the projects, as Maintainer.")
	}
	covered := map[string]bool{}
	for _, g := range groups {
		if ours, err := x.hook(ctx, g); err == nil && ours {
			covered[strings.ToLower(g.Path)] = true
		}
	}
	for _, p := range projects {
		above := above(covered, p.Path)
		ours, err := x.hook(ctx, p)
		about := p.String()
		switch {
		case err != nil && !above:
			x.say(wrong, about, "its webhooks cannot be read: "+sentence(err), "whether GitLab tells us what happens there is not known.", "give the token's account the role Maintainer.")
		case err == nil && !ours && !above:
			x.say(wrong, about, "GitLab does not tell us what happens there: there is no webhook to "+x.wish.URL+".", "changes are found by the sweep alone, minutes late.", "sluice gitlab install "+p.Path)
		case ours && above:
			x.say(advice, about, "it has a webhook, and so has a group above it.", "each event arrives twice; that is harmless.", "delete the project's webhook.")
		}
		standing, err := x.client.Standing(ctx, p)
		if err != nil {
			x.say(wrong, about, "its settings cannot be read: "+sentence(err), "what is enforced there is not known.", "see that the token's account is a member, as Maintainer.")
			continue
		}
		x.list = append(x.list, enforced(standing, x.wish.URL)...)
	}
}

// above says whether a group above the project has a webhook of ours.
func above(covered map[string]bool, path string) bool {
	path = strings.ToLower(path)
	for i, r := range path {
		if r == '/' && covered[path[:i]] {
			return true
		}
	}
	return false
}

// hook looks at the webhook of ours in a place, if there is one.
func (x *gitlabExam) hook(ctx context.Context, p gitlab.Place) (ours bool, err error) {
	hooks, err := x.client.Hooks(ctx, p)
	if err != nil {
		return false, err
	}
	h := gitlab.Ours(hooks, x.wish)
	if h == nil {
		return false, nil
	}
	about, cure := p.String(), "sluice gitlab install "+p.Path
	if lacks := h.Lacks(p, x.wish); len(lacks) > 0 {
		x.say(wrong, about, "its webhook is not as it must be: "+strings.Join(lacks, "; ")+".", "some of what happens there is not told, or refused.", cure)
	}
	switch {
	case h.Off():
		until := ""
		if !h.Until.IsZero() {
			until = " until " + h.Until.UTC().Format(time.RFC3339)
		}
		x.say(wrong, about, "GitLab switched its webhook off"+until+".", "deliveries failed too often; nothing that happens there is told.", "a running server switches it on again within half an hour; or: "+cure)
	default:
		x.say(fine, about, "its webhook is there, and GitLab sends to it.", "", "")
	}
	return true, nil
}

var _ gate.Warden = (*gitlab.Client)(nil)
var _ gate.Surveyor = (*gitlab.Client)(nil)
