package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
)

// labSetup is GitLab, as /setup sets it up.
type labSetup struct{ *setup }

var _ dashboard.Lab = labSetup{}

// mostPlaces are how many projects the page names.
const mostPlaces = 20

// State implements dashboard.Lab.
func (x labSetup) State(ctx context.Context) (*dashboard.LabState, error) {
	f, v := x.force(), x.server
	s := f.settings.GitLab
	st := &dashboard.LabState{From: f.gitlab, URL: s.URL, SignsIn: s.ClientID != "", Hidden: v.settings.hidden(s.URL)}
	for _, name := range v.settings.set {
		if strings.HasPrefix(name, "SLUICE_GITLAB_") {
			st.Settings = append(st.Settings, name)
		}
	}
	slices.Sort(st.Settings)
	if f.gitlab == "" {
		return st, nil
	}
	var err error
	if st.Heard, err = v.store.Received(ctx, "gitlab"); err != nil {
		return nil, err
	}
	client := v.live.Load().gitlab
	for _, t := range client.Tokens(ctx) {
		if t.Err != nil {
			st.Trouble = "The token cannot be used: " + sentence(t.Err)
			return st, nil
		}
		st.Account, st.Ends = t.Account, t.Expires
	}
	groups, projects, err := client.HookPlaces(ctx)
	if err != nil {
		v.log.Warn("list what the token of GitLab reaches", "err", err)
		st.Trouble = "What the token reaches could not be listed: " + sentence(err)
	}
	for _, p := range append(groups, projects...) {
		if st.More = len(st.Places) == mostPlaces; st.More {
			break
		}
		st.Places = append(st.Places, p.Path)
	}
	return st, nil
}

// Keep implements dashboard.Lab. The webhooks' secret is made once, and stays when the token is another.
func (x labSetup) Keep(ctx context.Context, by, url, token string) error {
	if x.force().gitlab == dashboard.FromEnvironment {
		return dashboard.Refusal{Why: "GitLab is set by the environment, which wins. Change SLUICE_GITLAB_TOKEN there, and start Sluice again."}
	}
	tried := x.server.settings
	tried.GitLab = gitlab.Settings{URL: strings.TrimRight(url, "/"), Token: token, WebhookSecret: rand.Text()}
	if err := x.worksAt(ctx, tried); err != nil {
		return err
	}
	return x.keep(ctx, by, partGitLab, func(p *part) error {
		if p.Settings["SLUICE_GITLAB_URL"] != tried.GitLab.URL { // another GitLab knows neither the secret nor the application
			p.Settings = map[string]string{"SLUICE_GITLAB_URL": tried.GitLab.URL, "SLUICE_GITLAB_WEBHOOK_SECRET": tried.GitLab.WebhookSecret}
		}
		p.Settings["SLUICE_GITLAB_TOKEN"] = token
		return nil
	})
}

// worksAt tries the token at the forge, which nothing is kept of before it was seen to work.
func (x labSetup) worksAt(ctx context.Context, s settings) error {
	client, err := newGitLab(s, x.server.outside, nil, x.server.log)
	if err != nil {
		return dashboard.Refusal{Why: sentence(err)}
	}
	for _, t := range client.Tokens(ctx) {
		switch {
		case t.Err != nil:
			x.server.log.Warn("try a token of GitLab", "err", t.Err)
			return dashboard.Refusal{Why: "GitLab at " + s.GitLab.URL + " does not take the token, or could not be asked: " + sentence(t.Err)}
		case !t.Active:
			return dashboard.Refusal{Why: "The token was revoked or has expired. Make another one with the scope api and the role Maintainer."}
		case !slices.Contains(t.Scopes, "api"):
			return dashboard.Refusal{Why: "The token has the scopes " + strings.Join(t.Scopes, ", ") + "; statuses, notes and deployments need the scope api. Make another one."}
		}
	}
	return nil
}

// Install implements dashboard.Lab, as `sluice gitlab install` does.
func (x labSetup) Install(ctx context.Context, by string, places []string) (string, error) {
	f := x.force()
	if f.gitlab == "" {
		return "", dashboard.Refusal{Why: "There is no token yet. Keep one first."}
	}
	i, err := newInstallerFor(f.settings, "", x.server.log)
	if err != nil {
		return "", dashboard.Refusal{Why: sentence(err)}
	}
	var told, faults bytes.Buffer
	i.out, i.errs = &told, &faults
	code := i.all(ctx, places)
	if err := x.server.store.Enter(ctx, gate.Entry{Kind: gate.EntryCommand, Forge: "gitlab", Command: "gitlab install", Outcome: "done", Who: gate.Who{Login: by}, Reason: "Webhooks made or mended: " + strings.Join(places, ", ") + "."}); err != nil {
		return "", err
	}
	if code != exitOpen {
		return told.String(), dashboard.Refusal{Why: strings.TrimSpace(faults.String())}
	}
	return told.String(), nil
}

// SignIn implements dashboard.Lab.
func (x labSetup) SignIn(ctx context.Context, by, id, secret string) error {
	switch {
	case x.force().gitlab != dashboard.FromPage:
		return dashboard.Refusal{Why: "GitLab is not set up by this page. Set SLUICE_GITLAB_CLIENT_ID and SLUICE_GITLAB_CLIENT_SECRET in the environment, and start Sluice again."}
	case id == "" || secret == "" || len(id) > 200 || len(secret) > 200:
		return dashboard.Refusal{Why: "Both are needed: the application's id and its secret."}
	}
	return x.keep(ctx, by, partGitLab, func(p *part) error {
		p.Settings["SLUICE_GITLAB_CLIENT_ID"], p.Settings["SLUICE_GITLAB_CLIENT_SECRET"] = id, secret
		return nil
	})
}
