package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	top "github.com/sluicegate/sluice"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/providers/github"
)

// hubSetup is GitHub, as /setup sets it up.
type hubSetup struct{ *setup }

var _ dashboard.Hub = hubSetup{}

// nowhere is where deliveries go that cannot reach this server: a name that by RFC 6761 is nobody's, so that they stay in the
// App's log, from where they are fetched.
const nowhere = "https://sluice.invalid/webhook/github"

// State implements dashboard.Hub.
func (x hubSetup) State(ctx context.Context) (*dashboard.HubState, error) {
	f, v := x.force(), x.server
	st := &dashboard.HubState{From: f.github, Aside: f.aside, URL: f.settings.GitHub.URL, Number: f.settings.GitHub.AppID, Name: f.about["name"], Page: f.about["page"],
		Pull: f.settings.Pull, PullFrom: f.pull, Hidden: v.settings.hidden(f.settings.GitHub.URL), SignsIn: f.settings.GitHub.ClientID != ""}
	for _, name := range v.settings.set {
		if strings.HasPrefix(name, "SLUICE_GITHUB_") {
			st.Settings = append(st.Settings, name)
		}
	}
	slices.Sort(st.Settings)
	if f.github == "" {
		if !v.settings.names("SLUICE_GITHUB_URL") {
			st.URL = ""
		}
		return st, nil
	}
	if st.Page != "" {
		st.Install = st.Page + "/installations/new"
	}
	heard, err := v.store.Received(ctx, "github")
	if err != nil {
		return nil, err
	}
	if !heard.Before(f.made) {
		st.Heard = heard
	}
	list, err := v.live.Load().github.Installations(ctx)
	if err != nil {
		v.log.Warn("list where the App is installed", "err", err)
		st.Trouble = "GitHub could not be asked where the App is installed: " + sentence(err)
	}
	for _, i := range list {
		st.Accounts = append(st.Accounts, i.Account)
		st.Repos = append(st.Repos, i.Repositories...)
	}
	return st, nil
}

// place is where an App is made: what the environment says wins.
func (x hubSetup) place(p dashboard.HubPlace) dashboard.HubPlace {
	if s := x.server.settings; s.names("SLUICE_GITHUB_URL") {
		p.URL = s.GitHub.URL
	}
	return p
}

// Manifest implements dashboard.Hub.
func (x hubSetup) Manifest(p dashboard.HubPlace) (string, []byte, error) {
	if x.force().github != "" {
		return "", nil, dashboard.Refusal{Why: "There is an App already. To make another one, forget this one on the server's machine: sluice setup forget github."}
	}
	p = x.place(p)
	w := github.Wanted{URL: p.URL, Owner: p.Owner, Name: p.Name, PublicURL: x.server.settings.PublicURL, Done: "/setup/github/created", Installed: "/setup"}
	at, here := cmp.Or(p.URL, "https://github.com"), x.server.settings
	if u, err := url.Parse(here.PublicURL); err == nil && loopback(u.Hostname()) && here.hidden(at) != "" {
		w.Hook = nowhere // GitHub makes no App whose webhook goes to one's own machine
	}
	page, manifest, err := github.Manifest(top.App, w)
	if err != nil { // it names what was typed, and nothing that is secret
		err = dashboard.Refusal{Why: "That does not do for an App. " + sentence(errors.New(strings.Replace(err.Error(), "SLUICE_GITHUB_URL:", "The address of GitHub:", 1)))}
	}
	return page, manifest, err
}

// Made implements dashboard.Hub.
func (x hubSetup) Made(ctx context.Context, by string, p dashboard.HubPlace, code string) error {
	v := x.server
	if x.force().github != "" {
		return dashboard.Refusal{Why: "There is an App already, and it stays. Delete the one that was made just now in GitHub's settings."}
	}
	if _, err := x.key(); err != nil { // before the code is spent, which is good once
		return dashboard.Refusal{Why: sentence(err)}
	}
	p = x.place(p)
	made, err := github.Convert(ctx, p.URL, code, github.Options{Log: v.log, Transport: v.outside.transport, UserAgent: "sluice/" + version(), Call: v.called})
	if errors.Is(err, github.ErrCode) {
		return dashboard.Refusal{Why: "GitHub does not take the code any more: it is good once, and for an hour. Delete the App that was made in GitHub's settings, and begin again."}
	}
	if err != nil {
		return err
	}
	s := made.Settings
	return x.keep(ctx, by, partGitHub, func(to *part) error {
		if to.Settings["SLUICE_GITHUB_APP_ID"] != "" && x.force().aside == "" {
			return dashboard.Refusal{Why: "Somebody else set an App up meanwhile, and it stays. Delete the one that was made just now in GitHub's settings."}
		}
		to.Settings = map[string]string{"SLUICE_GITHUB_URL": s.URL, "SLUICE_GITHUB_APP_ID": strconv.FormatInt(s.AppID, 10), "SLUICE_GITHUB_PRIVATE_KEY": s.PrivateKey,
			"SLUICE_GITHUB_WEBHOOK_SECRET": s.WebhookSecret, "SLUICE_GITHUB_CLIENT_ID": s.ClientID, "SLUICE_GITHUB_CLIENT_SECRET": s.ClientSecret}
		to.About = map[string]string{"name": made.Name, "page": made.Page, "slug": made.Slug, "owner": made.Owner}
		if v.settings.hidden(s.URL) != "" {
			to.Settings["SLUICE_GITHUB_PULL"] = "true"
		}
		return nil
	})
}

// Pull implements dashboard.Hub.
func (x hubSetup) Pull(ctx context.Context, by string) error {
	f := x.force()
	switch {
	case f.pull == dashboard.FromEnvironment:
		return dashboard.Refusal{Why: "SLUICE_GITHUB_PULL is set by the environment, which wins. Set it to true there, and start Sluice again."}
	case f.github != dashboard.FromPage:
		return dashboard.Refusal{Why: "The App is not one that this page made. Set SLUICE_GITHUB_PULL=true in the environment, and start Sluice again."}
	}
	return x.keep(ctx, by, partGitHub, func(p *part) error {
		p.Settings["SLUICE_GITHUB_PULL"] = "true"
		return nil
	})
}

// doctor finds what `sluice doctor` does, for the pages.
func (v *server) doctor(ctx context.Context) (list []dashboard.Finding) {
	s := v.live.Load().settings
	for _, f := range append(examineStore(ctx, v.store, checkTime/3), examineForges(ctx, s, v.log)...) {
		list = append(list, dashboard.Finding(f))
	}
	return list
}
