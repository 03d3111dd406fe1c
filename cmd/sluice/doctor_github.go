package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/webhook"
)

// needs are the permissions that the App must have. A test holds them to those of app.yml.
func needs() map[string]string {
	return map[string]string{"actions": "read", "checks": "write", "contents": "write", "deployments": "write", "issues": "read", "members": "read",
		"merge_queues": "read", "metadata": "read", "pull_requests": "write", "statuses": "read"}
}

// examineGitHub looks at the App, its webhook, and what each account granted.
func examineGitHub(ctx context.Context, s settings, log *slog.Logger) (list []finding) {
	say := func(level, about, what, why, cure string) {
		list = append(list, finding{level, about, what, why, cure})
	}
	const app = "GitHub App"
	client, err := github.New(s.GitHub, github.Options{Log: log, UserAgent: "sluice/" + version()})
	if err != nil {
		say(wrong, app, sentence(err), "", "see the setting that is named.")
		return list
	}
	x, err := client.App(ctx)
	if err != nil {
		say(wrong, app, sentence(err), "nothing can be read or shown.", "see that SLUICE_GITHUB_APP_ID and the private key belong together, and that the clock is right.")
		return list
	}
	say(fine, app, "it is "+x.Name+", and its key works.", "", "")
	if hook := strings.TrimRight(s.PublicURL, "/") + "/webhook/github"; s.Pull {
		say(fine, app, "deliveries are fetched from its log (pull mode), wherever its webhook goes.", "", "")
	} else if x.HookURL != hook {
		say(wrong, app, fmt.Sprintf("its webhook goes to %q.", x.HookURL), "this server is told nothing.", "in the App's settings, set the webhook's URL to "+hook+".")
	}
	exam := &githubExam{client: client, app: s.GitHub.AppID, now: time.Now, say: say}
	exam.pulse(ctx, s.Pull)
	if lacks := lacking(x.Permissions, x.Events); lacks != "" {
		say(wrong, app, "it lacks "+lacks+".", "what they are for does not work.", "grant them in the App's settings (app.yml lists all), then accept them in each account.")
	}
	if len(x.Installations) == 0 {
		say(wrong, app, "it is installed nowhere.", "there is nothing to guard.", "install it on the repositories to guard.")
	}
	for _, i := range x.Installations {
		about := "GitHub account " + i.Account
		switch lacks := lacking(i.Permissions, i.Events); {
		case i.Suspended:
			say(wrong, about, "the App is suspended there.", "nothing is guarded.", "its owner lifts that in the account's settings, Applications.")
		case lacks != "":
			say(wrong, about, "it has not granted "+lacks+".", "what they are for does not work there.", "its owner accepts the new permissions in the account's settings, Applications.")
		default:
			say(fine, about, "it granted all that is needed.", "", "")
		}
		if !i.Suspended {
			exam.guards(ctx, i)
		}
	}
	exam.quotas()
	return list
}

// lacking names the permissions and events that were not granted.
func lacking(permissions map[string]string, events []string) string {
	var lacks []string
	for name, level := range needs() {
		if has := permissions[name]; has != level && has != "write" && has != "admin" {
			lacks = append(lacks, name+": "+level)
		}
	}
	slices.Sort(lacks)
	always := []string{"installation", "installation_repositories"}
	for _, e := range webhook.Events() {
		if !slices.Contains(events, e) && !slices.Contains(always, e) {
			lacks = append(lacks, "the event "+e)
		}
	}
	return strings.Join(lacks, ", ")
}
