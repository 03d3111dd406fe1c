package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Wanted says where an App is to be made, and for whom.
type Wanted struct {
	URL       string // of GitHub or of an Enterprise Server; "": https://github.com
	Owner     string // organisation; "": whoever makes it
	Name      string // of the App; "": what app.yml says
	PublicURL string // of this server
	Hook      string // where deliveries go; "": to this server
	Done      string // where a browser comes back to with the code, below PublicURL
	Installed string // ... and after an installation
}

// longestName is how many characters GitHub lets the name of an App have.
const longestName = 34

// Manifest is the App that GitHub is asked to make, as JSON, and the page that takes it: app.yml, with the addresses of this
// server. The state is added to the page by whoever sends a browser there.
// Source: GitHub "Registering a GitHub App from a manifest".
func Manifest(appYML []byte, w Wanted) (page string, manifest []byte, err error) {
	b, err := Settings{URL: w.URL}.bases()
	if err != nil {
		return "", nil, err
	}
	var m map[string]any
	if err := yaml.Unmarshal(appYML, &m); err != nil {
		return "", nil, fmt.Errorf("app.yml: %w", err)
	}
	delete(m, "version") // of the file's own form
	base := strings.TrimRight(w.PublicURL, "/")
	if w.Hook == "" {
		w.Hook = base + "/webhook/github"
	}
	if name := strings.TrimSpace(w.Name); name != "" {
		m["name"] = name
	}
	if name, _ := m["name"].(string); utf8.RuneCountInString(name) > longestName || gate.Plain(name) != name {
		return "", nil, fmt.Errorf("the App's name may have %d characters, without control characters", longestName)
	}
	m["url"] = base
	m["hook_attributes"] = map[string]any{"url": w.Hook, "active": true}
	m["redirect_url"], m["setup_url"] = base+w.Done, base+w.Installed
	m["callback_urls"] = []string{base + "/login/github/callback"}
	page = b.web + "/settings/apps/new"
	if w.Owner != "" {
		if !plain(w.Owner) {
			return "", nil, errors.New("that is no organisation's name: letters, digits and hyphens, as in github.com/NAME")
		}
		page = b.web + "/organizations/" + url.PathEscape(w.Owner) + "/settings/apps/new"
	}
	manifest, err = json.Marshal(m)
	return page, manifest, err
}

// Made is an App that GitHub made of a manifest, with all that it shows of it this once.
type Made struct {
	Settings  Settings
	Slug      string
	Name      string
	Page      string // of the App
	Owner     string
	OwnerKind string // User, Organization
}

// ErrCode says that GitHub takes the code of a manifest no more: it is good once, and for an hour.
var ErrCode = errors.New("GitHub does not take the code: it is good once, and for an hour")

// Convert exchanges the code that a browser came back with for the App's credentials. Nothing but the code proves who asks, so it
// is sent to the configured host alone. An error shows nothing of the answer.
// Source: GitHub "Create a GitHub App from a manifest".
func Convert(ctx context.Context, at, code string, o Options) (*Made, error) {
	b, err := Settings{URL: at}.bases()
	if err != nil {
		return nil, err
	}
	if !plain(code) {
		return nil, ErrCode
	}
	o = o.filled()
	client := &http.Client{Timeout: o.Timeout, Transport: ownHosts{o, b}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.rest+"/app-manifests/"+url.PathEscape(code)+"/conversions", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("exchange the code of a manifest: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return nil, fmt.Errorf("exchange the code of a manifest: %w", withoutURL(err))
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusUnprocessableEntity:
		return nil, ErrCode
	case resp.StatusCode != http.StatusCreated:
		return nil, fmt.Errorf("exchange the code of a manifest: GitHub answers %d", resp.StatusCode)
	}
	return made(b, text)
}

// withoutURL is an error of a connection without the address, in which the code stands.
func withoutURL(err error) error {
	var x *url.Error
	if errors.As(err, &x) {
		return x.Err
	}
	return err
}

func made(b bases, text []byte) (*Made, error) {
	var x struct {
		ID            int64  `json:"id"`
		Slug          string `json:"slug"`
		Name          string `json:"name"`
		Page          string `json:"html_url"`
		PEM           string `json:"pem"`
		WebhookSecret string `json:"webhook_secret"`
		ClientID      string `json:"client_id"`
		ClientSecret  string `json:"client_secret"`
		Owner         struct {
			Login string `json:"login"`
			Kind  string `json:"type"`
		} `json:"owner"`
	}
	if json.Unmarshal(text, &x) != nil {
		return nil, errors.New("exchange the code of a manifest: GitHub's answer cannot be read")
	}
	m := &Made{Slug: x.Slug, Name: checks.Clip(gate.Plain(x.Name), 100), Page: x.Page, Owner: x.Owner.Login, OwnerKind: x.Owner.Kind,
		Settings: Settings{URL: b.web, AppID: x.ID, PrivateKey: x.PEM, WebhookSecret: x.WebhookSecret, ClientID: x.ClientID, ClientSecret: x.ClientSecret}}
	if err := m.Settings.Check(); err != nil || x.ID <= 0 || x.ClientID == "" {
		return nil, errors.New("exchange the code of a manifest: GitHub's answer lacks something of the App (id, key, webhook secret, client)")
	}
	if !plain(m.Slug) {
		return nil, errors.New("exchange the code of a manifest: GitHub named the App in a way that cannot be part of an address")
	}
	if !plain(m.Owner) {
		m.Owner, m.OwnerKind = "", ""
	}
	if !strings.HasPrefix(m.Page, b.web+"/") { // nobody is sent elsewhere
		m.Page = b.web + "/apps/" + m.Slug
		if b.web != "https://github.com" {
			m.Page = b.web + "/github-apps/" + m.Slug
		}
	}
	return m, nil
}
