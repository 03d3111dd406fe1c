package gitlab

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Settings are what the environment says about GitLab. They are read by go-envconfig and checked as a whole by Check.
type Settings struct {
	URL           string `env:"SLUICE_GITLAB_URL" desc:"GitLab's address, https://gitlab.com or an instance's, with its path if it has one"`
	Token         string `env:"SLUICE_GITLAB_TOKEN" desc:"access token with the scope api; or GROUP=TOKEN for each group or project, separated by commas"`
	WebhookSecret string `env:"SLUICE_GITLAB_WEBHOOK_SECRET" desc:"required when GitLab is configured: the webhooks' secret token, or their signing token (whsec_...)"`
	ClientID      string `env:"SLUICE_GITLAB_CLIENT_ID" desc:"for signing in: the id of an OAuth application with the scope read_api"`
	ClientSecret  string `env:"SLUICE_GITLAB_CLIENT_SECRET" desc:"for signing in: its secret"`
}

// Configured says whether anything of GitLab is set, so that half of it is an error and not a quiet nothing.
func (s Settings) Configured() bool {
	return s.URL != "" || s.Token != "" || s.WebhookSecret != "" || s.ClientID != "" || s.ClientSecret != ""
}

// Check returns an error that names the setting at fault, or nil. It never shows a secret.
func (s Settings) Check() error {
	if !s.Configured() {
		return nil
	}
	if _, err := s.base(); err != nil {
		return err
	}
	switch {
	case s.Token == "":
		return errors.New("SLUICE_GITLAB_TOKEN: missing, while other settings of GitLab are set")
	case s.WebhookSecret == "":
		return errors.New("SLUICE_GITLAB_WEBHOOK_SECRET: missing; without it anybody could send deliveries")
	case (s.ClientID == "") != (s.ClientSecret == ""):
		return errors.New("SLUICE_GITLAB_CLIENT_ID, SLUICE_GITLAB_CLIENT_SECRET: one is set without the other")
	}
	_, err := s.tokens()
	return err
}

// base is the instance's address without a slash at the end: "https://gitlab.com", "https://example.com/gitlab".
func (s Settings) base() (*url.URL, error) {
	if s.URL == "" {
		return nil, errors.New("SLUICE_GITLAB_URL: missing, while other settings of GitLab are set")
	}
	u, err := url.Parse(strings.TrimRight(s.URL, "/"))
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("SLUICE_GITLAB_URL: not a URL like https://gitlab.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("SLUICE_GITLAB_URL: scheme, host and path only, like https://example.com/gitlab")
	case u.EscapedPath() != u.Path: // the library would unescape what comes behind it
		return nil, errors.New("SLUICE_GITLAB_URL: a path of plain letters is wanted, like https://example.com/gitlab")
	case strings.Contains(u.Path, "/api/"):
		return nil, errors.New("SLUICE_GITLAB_URL: the address of the pages is wanted, without /api/v4")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("SLUICE_GITLAB_URL: http is for loopback hosts only, use https")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("SLUICE_GITLAB_URL: starts neither with https:// nor with http://")
	}
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// scoped is a token and the group or project that it is for; "" for all that no other is for.
type scoped struct{ path, token string }

// tokens are those of the setting, the longest path first, so that the first that fits is the one.
func (s Settings) tokens() ([]scoped, error) {
	var list []scoped
	for _, part := range strings.FieldsFunc(s.Token, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }) {
		path, token, named := strings.Cut(part, "=")
		if !named {
			path, token = "", part
		}
		path = strings.ToLower(strings.Trim(path, "/"))
		switch {
		case named && path == "", token == "", strings.Contains(token, "="):
			return nil, errors.New("SLUICE_GITLAB_TOKEN: want one token, or GROUP=TOKEN pairs separated by commas")
		case slices.ContainsFunc(list, func(o scoped) bool { return o.path == path }):
			return nil, fmt.Errorf("SLUICE_GITLAB_TOKEN: two tokens are for %s", or(path, "everything"))
		}
		list = append(list, scoped{path, token})
	}
	if len(list) == 0 {
		return nil, errors.New("SLUICE_GITLAB_TOKEN: there is no token in it")
	}
	sorting.By(list, func(a, b scoped) int { return len(b.path) - len(a.path) })
	return list, nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
