package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
)

// newSignIn makes the ways to sign in that are configured; there may be none.
func (v *server) newSignIn(s settings, o outside) (*dashboard.SignIn, error) {
	x := &dashboard.SignIn{Accounts: v.store, Sessions: v.store, Tokens: v.store, PublicURL: s.PublicURL, Now: o.now, Log: v.log}
	hub, err := github.NewSignIn(s.GitHub, github.Options{Log: v.log, Now: o.now, Transport: o.transport, UserAgent: "sluice/" + version(), Call: v.called})
	if err != nil {
		return nil, err
	}
	if hub != nil {
		x.Forges = append(x.Forges, dashboard.Forge{Name: "github", Title: "GitHub", Way: hub, Eyes: hub})
	}
	lab, err := gitlab.NewSignIn(s.GitLab, gitlab.Options{Log: v.log, Now: o.now, Transport: o.transport, UserAgent: "sluice/" + version(), Call: v.called})
	if err != nil {
		return nil, err
	}
	if lab != nil {
		x.Forges = append(x.Forges, dashboard.Forge{Name: "gitlab", Title: "GitLab", Way: lab, Eyes: lab})
	}
	if len(x.Forges) == 0 {
		return x, nil
	}
	if x.Key, err = secretKey(s); err != nil {
		return nil, err
	}
	if x.Admins, err = s.admins(); err != nil {
		return nil, err
	}
	return x, x.Ready()
}

// signsIn are the forges that people can sign in with.
func (s settings) signsIn() (forges []string) {
	if s.GitHub.ClientID != "" {
		forges = append(forges, "github")
	}
	if s.GitLab.ClientID != "" {
		forges = append(forges, "gitlab")
	}
	return forges
}

// checkSignIn refuses what would let sign-ins be overheard, and administrators of whom it is not known who is meant.
func (s settings) checkSignIn() error {
	forges := s.signsIn()
	switch u, err := url.Parse(s.PublicURL); {
	case len(forges) == 0 && s.Admins != "" && (s.GitHub.Configured() || s.GitLab.Configured()): // with neither the set-up may bring a way
		return fmt.Errorf("SLUICE_ADMINS: nobody can sign in; set SLUICE_GITHUB_CLIENT_ID or SLUICE_GITLAB_CLIENT_ID and its partner, or unset it")
	case len(forges) == 0:
		return nil
	case err != nil || u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("SLUICE_PUBLIC_URL: people sign in, so it must be https:// (http:// is for this machine alone)")
	}
	_, err := s.admins()
	return err
}

// admins reads the list: `org/team`, `group` or `@login`, after `github:` or `gitlab:` where people sign in with both.
func (s settings) admins() (list []dashboard.Admin, err error) {
	forges := s.signsIn()
	for word := range strings.FieldsFuncSeq(s.Admins, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		a := dashboard.Admin{}
		rest := word
		for _, f := range forges {
			if name, ok := strings.CutPrefix(word, f+":"); ok {
				a.Forge, rest = f, name
			}
		}
		if a.Forge == "" && len(forges) == 1 {
			a.Forge = forges[0]
		}
		login, isLogin := strings.CutPrefix(rest, "@")
		switch {
		case a.Forge == "":
			return nil, fmt.Errorf("SLUICE_ADMINS: people sign in with both forges, so say which is meant: github:%s or gitlab:%s", word, word)
		case rest == "" || isLogin && (login == "" || strings.Contains(login, "/")) || strings.Contains(rest, ":"):
			return nil, fmt.Errorf("SLUICE_ADMINS: %q is none of org/team, group and @login", word)
		case isLogin:
			a.Login = login
		case a.Forge == "github" && strings.Count(rest, "/") != 1:
			return nil, fmt.Errorf("SLUICE_ADMINS: %q is no team; at GitHub write org/team or @login", word)
		default:
			a.Group = strings.Trim(rest, "/")
		}
		list = append(list, a)
	}
	return list, nil
}

// known wraps what shows itself differently to whoever is signed in.
func known(sign *dashboard.SignIn, next http.Handler) http.Handler {
	if len(sign.Forges) == 0 {
		return next
	}
	return sign.Known(next)
}
